//! What IMAP clients ask about a message, computed once at arrival: ENVELOPE, body structure, part offsets, preview.

use serde::{Deserialize, Serialize};

/// Everything that can be told of a message without reading its body again. Stored with it (serde; add fields at the end only).
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Summary {
    /// ENVELOPE as IMAP sends it, parentheses included (RFC 3501 §7.4.2), 7-bit: encoded words stay as they are.
    #[serde(with = "crate::octets")]
    pub envelope: Vec<u8>,
    /// The part tree; [`crate::Scanner`] always finds one.
    pub root: Option<Part>,
    /// Octets of the header section including the empty line.
    pub header_size: u32,
    /// Octets of the whole message.
    pub size: u32,
    /// RFC 8970 preview: up to 200 characters of decoded text.
    pub preview: String,
    /// `Message-ID` without the angle brackets.
    pub message_id: Option<String>,
    /// Ids of `References` in order, or else the first of `In-Reply-To`, without brackets (RFC 5256 §4.4).
    pub references: Vec<String>,
    /// Base subject (RFC 5256 §2.1), decoded.
    pub base_subject: String,
    /// Seconds since 1970 of the `Date` field, if it could be read.
    pub sent: Option<i64>,
    /// Seconds that the sender's clock was ahead of UTC (for SENTON and its like, which ask for the sender's day).
    pub sent_offset: i32,
    /// More header fields, parts or levels than are looked at: what is missing here is missing knowingly.
    pub cut: bool,
}

/// A MIME part (RFC 3501 §7.4.2 BODYSTRUCTURE fields) and where it is. Offsets count from the start of the message.
/// All strings are printable ASCII (W15).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Media type in lower case, e.g. `text`.
    pub media_type: String,
    /// Subtype in lower case, e.g. `plain`.
    pub subtype: String,
    /// Content-Type parameters, in order (RFC 2231 continuations joined; extended values as `name*`). Read with [`crate::content::param`].
    pub params: Vec<(String, String)>,
    /// Content-ID as written.
    pub id: Option<String>,
    /// Content-Description as written.
    pub description: Option<String>,
    /// Content-Transfer-Encoding, lower-case; `7bit` if absent.
    pub encoding: String,
    /// Content-MD5.
    pub md5: Option<String>,
    /// Content-Disposition with its parameters.
    pub disposition: Option<(String, Vec<(String, String)>)>,
    /// Content-Language.
    pub language: Vec<String>,
    /// Content-Location.
    pub location: Option<String>,
    /// Where the part's MIME header begins (of the root: 0).
    pub header_start: u32,
    /// Where its content begins.
    pub body_start: u32,
    /// Where its content ends (exclusive; the CRLF before a boundary is not content).
    pub body_end: u32,
    /// Line ends in its content.
    pub lines: u32,
    /// What is inside.
    pub kind: PartKind,
}

/// What a part holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PartKind {
    /// Nothing further.
    Leaf,
    /// `multipart/*`: at least one part.
    Multipart(Vec<Part>),
    /// `message/rfc822` (and `message/global`): its ENVELOPE as IMAP sends it, and its root part.
    Message(Vec<u8>, Box<Part>),
}

impl Part {
    /// A text/plain part without header fields that begins here (RFC 2045 §5.2).
    pub(crate) fn plain(start: u32) -> Part {
        Part {
            media_type: "text".into(),
            subtype: "plain".into(),
            params: vec![("charset".into(), "us-ascii".into())],
            id: None,
            description: None,
            encoding: "7bit".into(),
            md5: None,
            disposition: None,
            language: Vec::new(),
            location: None,
            header_start: start,
            body_start: start,
            body_end: start,
            lines: 0,
            kind: PartKind::Leaf,
        }
    }

    /// Is its type this one?
    pub fn is(&self, media_type: &str, subtype: &str) -> bool {
        self.media_type == media_type && self.subtype == subtype
    }

    /// Moves all offsets towards the end.
    fn shift(&mut self, extra: u32) {
        self.header_start = self.header_start.saturating_add(extra);
        self.body_start = self.body_start.saturating_add(extra);
        self.body_end = self.body_end.saturating_add(extra);
        match &mut self.kind {
            PartKind::Leaf => {}
            PartKind::Multipart(parts) => parts.iter_mut().for_each(|part| part.shift(extra)),
            PartKind::Message(_, root) => root.shift(extra),
        }
    }
}

impl Summary {
    /// The summary of the same message with `extra` octets of header fields put in front: all offsets move.
    /// The fields must be none that a summary shows.
    pub fn prepended(mut self, extra: u32) -> Summary {
        if let Some(root) = &mut self.root {
            root.shift(extra);
            root.header_start = 0;
        }
        self.header_size = self.header_size.saturating_add(extra);
        self.size = self.size.saturating_add(extra);
        self
    }
}
