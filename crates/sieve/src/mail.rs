//! What a run looks at: the message and its envelope.

use message::Summary;

/// A message. Only its header section must be in memory; the rest may come from the host when a script looks at it.
#[derive(Clone, Copy, Debug)]
pub struct Mail<'a> {
    /// The header section with the empty line that ends it.
    pub header: &'a [u8],
    /// The whole message, header section included; `None`: [`crate::Host::body`] is asked for the rest when it is needed.
    pub whole: Option<&'a [u8]>,
    /// Octets of the whole message.
    pub size: u64,
    /// Its parts, if the host knows them already; otherwise they are found when they are needed.
    pub summary: Option<&'a Summary>,
}

impl<'a> Mail<'a> {
    /// A message that is in memory as a whole.
    pub fn whole(octets: &'a [u8]) -> Mail<'a> {
        Mail {
            header: &octets[..header_length(octets)],
            whole: Some(octets),
            size: octets.len() as u64,
            summary: None,
        }
    }

    /// A message of `size` octets whose body the host has.
    pub fn header_only(header: &'a [u8], size: u64) -> Mail<'a> {
        Mail {
            header,
            whole: None,
            size,
            summary: None,
        }
    }
}

/// Octets of the header section, its empty line included.
pub(crate) fn header_length(octets: &[u8]) -> usize {
    let fields: usize = message::header::fields(octets).map(|f| f.raw.len()).sum();
    let rest = octets.get(fields..).unwrap_or_default();
    let empty = match rest {
        [b'\r', b'\n', ..] => 2,
        [b'\n', ..] => 1,
        _ => 0,
    };
    fields + empty
}

/// Whether anything stands behind the header section, be it only an empty line: a message may have no body at all (RFC 5322 §3.5).
pub(crate) fn has_body(octets: &[u8]) -> bool {
    let length = header_length(octets);
    let section = octets.get(..length).unwrap_or_default();
    length < octets.len()
        || section.ends_with(b"\n\r\n")
        || section.ends_with(b"\n\n")
        || section == b"\r\n"
        || section == b"\n"
}

/// The envelope, of one recipient. Addresses are as the protocol had them, without angle brackets; malformed ones are text
/// like any other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Envelope {
    /// Reverse-path; empty for notices.
    pub from: String,
    /// Forward-path of this recipient, as it came.
    pub to: String,
    /// Name of the sender's account, if he logged in.
    pub auth: Option<String>,
    /// What MAIL and RCPT said of notices (RFC 6009 §4).
    pub dsn: EnvelopeDsn,
    /// What MAIL said of a deadline (RFC 6009 §5).
    pub by: Option<EnvelopeBy>,
}

impl Envelope {
    /// From one address to another.
    pub fn new(from: impl Into<String>, to: impl Into<String>) -> Envelope {
        Envelope {
            from: from.into(),
            to: to.into(),
            ..Envelope::default()
        }
    }
}

/// DSN parameters of the envelope (RFC 3461), as the protocol had them, xtext decoded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EnvelopeDsn {
    /// `NOTIFY`: its words.
    pub notify: Vec<String>,
    /// `ORCPT`: `rfc822;address`.
    pub orcpt: Option<String>,
    /// `RET`: `FULL` or `HDRS`.
    pub ret: Option<String>,
    /// `ENVID`.
    pub envid: Option<String>,
}

/// The BY parameter of the envelope (RFC 2852).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EnvelopeBy {
    /// Seconds since 1970 until which it shall be delivered.
    pub deadline: i64,
    /// Seconds that were left when it came.
    pub seconds: i64,
    /// `R`; otherwise `N`.
    pub or_return: bool,
    /// `T`.
    pub trace: bool,
}
