//! Mail that brings a report to whoever asked for it (RFC 9990 §3.5.2, RFC 8460 §5.3): made, signed (both demand it) and ready for
//! the queue.

use crate::Services;
use crate::journey::Unsigned;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use mailauth::dkim::{Bodies, Canonicalization};
use std::io::Write as _;
use store::Tx;
use store::queue::{NewQueued, NewQueuedRecipient, State};

/// NOTIFY=NEVER: a report that does not arrive is nobody's concern.
const NEVER: u8 = 8;
/// Octets of a line in base64.
const LINE: usize = 76;

/// A report on its way.
pub(super) struct Letter<'a> {
    /// Our address.
    pub(super) from: &'a str,
    /// The address that asked.
    pub(super) to: &'a str,
    /// The domain that the report is about.
    pub(super) domain: &'a str,
    /// The name of this server.
    pub(super) submitter: &'a str,
    /// The report's id, which is the message's too.
    pub(super) id: &'a str,
    /// Further fields, each with its line end.
    pub(super) fields: String,
    /// The subtype of `multipart`, with its parameters.
    pub(super) multipart: &'a str,
    /// For people.
    pub(super) text: String,
    /// Of the attachment.
    pub(super) media_type: &'a str,
    /// Of the attachment.
    pub(super) file_name: String,
    /// The attachment.
    pub(super) octets: &'a [u8],
}

impl Letter<'_> {
    /// Staged and signed.
    pub(super) async fn queued(&self, services: &Services) -> store::Result<NewQueued> {
        let now = services.clock.now();
        let mut section = self.section(now);
        let body = self.body(now);
        section.push_str("\r\n");
        let mut bodies = Bodies::default();
        let relaxed = bodies.want(Canonicalization::Relaxed, None);
        bodies.update(body.as_bytes());
        let unsigned = Unsigned {
            services,
            section: section.as_bytes(),
            bodies: &bodies.finish(),
            body: relaxed,
            now,
        };
        let head = format!("{}{section}", unsigned.signatures().await?);
        let mut staging = services.store.stage();
        staging.write(body.as_bytes()).await?;
        Ok(NewQueued {
            reverse_path: Some(self.from.to_string()),
            envid: None,
            ret_full: None,
            smtputf8: false,
            eight_bit: false,
            account: None,
            created: now,
            body: staging.finish(head.as_bytes()).await?,
            header_size: head.len() as u32,
            recipients: vec![NewQueuedRecipient {
                address: self.to.to_string(),
                orcpt: None,
                notify: NEVER,
                next_attempt: now,
                state: State::Pending,
            }],
        })
    }

    fn section(&self, now: jiff::Timestamp) -> String {
        let (from, to, id) = (self.from, self.to, self.id);
        // RFC 9990 §3.5.2, RFC 8460 §5.3.
        let subject = format!(
            "Report Domain: {}\r\n\tSubmitter: {}\r\n\tReport-ID: <{id}>",
            self.domain, self.submitter
        );
        let (date, fields) = (message::date::write(now), &self.fields);
        let (multipart, boundary) = (self.multipart, boundary(now));
        format!(
            "Date: {date}\r\nFrom: <{from}>\r\nTo: <{to}>\r\nSubject: {subject}\r\nMessage-ID: <{id}>\r\n{fields}\
             Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\nContent-Type: multipart/{multipart};\r\n\tboundary=\"{boundary}\"\r\n"
        )
    }

    fn body(&self, now: jiff::Timestamp) -> String {
        let boundary = boundary(now);
        let encoded = STANDARD.encode(self.octets);
        let mut lines = String::with_capacity(encoded.len() + encoded.len() / LINE * 2 + 2);
        // Base64 is ASCII: any place is a boundary of characters.
        for start in (0..encoded.len()).step_by(LINE) {
            lines.push_str(&encoded[start..encoded.len().min(start + LINE)]);
            lines.push_str("\r\n");
        }
        let (text, media_type, name) = (&self.text, self.media_type, &self.file_name);
        format!(
            "--{boundary}\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{text}\r\n\
             --{boundary}\r\nContent-Type: {media_type}\r\nContent-Transfer-Encoding: base64\r\n\
             Content-Disposition: attachment;\r\n\tfilename=\"{name}\"\r\n\r\n{lines}--{boundary}--\r\n"
        )
    }

    /// Octets of the attachment as it is sent, which is what size limits are about (RFC 9990 §3.5).
    pub(super) fn encoded_size(octets: &[u8]) -> u64 {
        let encoded = octets.len().div_ceil(3) * 4;
        (encoded + encoded.div_ceil(LINE) * 2) as u64
    }
}

/// Queues the letters about a domain and day, and forgets what they tell, in one transaction.
pub(super) async fn hand_over(
    services: &Services,
    letters: Vec<NewQueued>,
    forget: impl Fn(&mut Tx<'_>) -> store::Result<()> + Send + 'static,
) -> store::Result<()> {
    let write = move |tx: &mut Tx<'_>| {
        for letter in &letters {
            store::queue::add(tx, letter)?;
        }
        forget(tx)
    };
    services.store.write(write).await
}

fn boundary(now: jiff::Timestamp) -> String {
    format!("=_report.{}", now.as_microsecond())
}

pub(super) fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    // Writing to memory does not fail.
    let _ = encoder.write_all(text);
    encoder.finish().unwrap_or_default()
}
