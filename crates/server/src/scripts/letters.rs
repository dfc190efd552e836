//! The mail that scripts send or change: redirected messages, answers of `vacation`, notifications, abuse reports, edited copies, and the
//! notice to the owner of a script that fails (RFC 5230 §5, RFC 5436 §2.7, RFC 5965).
//!
//! Octets are made and staged here; whether a letter is written is decided in the transaction of the delivery.

use super::run::{Letter, Occasion, Trouble};
use crate::Services;
use crate::config::Config;
use crate::journey::Unsigned;
use jiff::Timestamp;
use mailauth::dkim::{Bodies, BodyHashes, BodyId, Canonicalization};
use mailauth::dmarc::author_domains;
use message::{Scanner, Summary, encoded_word};
use sieve::{Notify, Report, Vacation, Version};
use std::fmt::Write as _;
use store::body::{BodyReader, BodyRef, Staged};

/// A message of ours, ready to be filed or queued.
#[derive(Clone, Debug)]
pub(crate) struct Made {
    pub(crate) body: Staged,
    pub(crate) summary: Summary,
    pub(crate) header_size: u32,
    /// All octets are ASCII.
    pub(crate) ascii: bool,
    /// Those of the header section are.
    pub(crate) ascii_header: bool,
}

/// Where the octets of a message are.
#[derive(Clone, Debug)]
pub(crate) enum Octets {
    /// Not yet in any mailbox.
    Staged(Staged),
    Stored(BodyRef),
}

impl From<Staged> for Octets {
    fn from(staged: Staged) -> Octets {
        Octets::Staged(staged)
    }
}

impl Octets {
    async fn open(&self, services: &Services) -> store::Result<BodyReader> {
        match self {
            Octets::Staged(staged) => services.store.open_staged(staged),
            Octets::Stored(body) => services.store.open_body(body).await,
        }
    }
}

/// Stages a message that is made of `head` (its header section with the empty line) and `body`.
pub(crate) async fn made(services: &Services, head: &[u8], body: &[u8]) -> store::Result<Made> {
    let mut writer = Writer::new(services, head);
    writer.write(body).await?;
    writer.finish().await
}

/// Stages a letter of ours that leaves, signed as other mail of its author's domain is (K2); not, if the author is of another domain of
/// ours than the account.
pub(crate) async fn signed(
    services: &Services,
    head: &[u8],
    body: &[u8],
    desk: &Desk<'_>,
) -> store::Result<Made> {
    let own = desk.owner.rsplit_once('@').map(|(_, domain)| domain);
    let authors = author_domains(head);
    let is_own = |author: &String| own.is_some_and(|own| author.eq_ignore_ascii_case(own));
    if !authors
        .iter()
        .all(|author| is_own(author) || *author == desk.config.domain)
    {
        return made(services, head, body).await;
    }
    let mut bodies = Bodies::default();
    let relaxed = bodies.want(Canonicalization::Relaxed, None);
    bodies.update(body);
    let unsigned = Unsigned {
        services,
        section: head,
        bodies: &bodies.finish(),
        body: relaxed,
        now: desk.now,
    };
    let fields = unsigned.signatures().await?;
    made(services, &[fields.as_bytes(), head].concat(), body).await
}

/// A message that is passed on, not sealed yet: its header section, and the hash of its body.
#[derive(Clone, Debug)]
pub(crate) struct Unsealed {
    pub(crate) section: Vec<u8>,
    pub(crate) bodies: BodyHashes,
    /// The relaxed hash.
    pub(crate) relaxed: BodyId,
}

/// Stages a message that is passed on under another header section, and with another body if there is one.
pub(crate) async fn passed_on(
    services: &Services,
    letter: &Letter,
    head: &[u8],
    body: Option<&[u8]>,
) -> store::Result<(Made, Unsealed)> {
    let mut bodies = Bodies::default();
    let relaxed = bodies.want(Canonicalization::Relaxed, None);
    let mut writer = Writer::new(services, head);
    match body {
        Some(body) => {
            bodies.update(body);
            writer.write(body).await?;
        }
        None => {
            let mut skip = letter.header.len();
            let mut reader = letter.body.open(services).await?;
            while let Some(octets) = reader.next().await? {
                let cut = skip.min(octets.len());
                skip -= cut;
                bodies.update(&octets[cut..]);
                writer.write(&octets[cut..]).await?;
            }
        }
    }
    let unsealed = Unsealed {
        section: head.to_vec(),
        bodies: bodies.finish(),
        relaxed,
    };
    Ok((writer.finish().await?, unsealed))
}

/// The same message with further fields in front.
pub(crate) async fn fronted(
    services: &Services,
    made: &Made,
    section: &[u8],
    fields: &str,
) -> store::Result<Made> {
    let head = [fields.as_bytes(), section].concat();
    let original = Octets::Staged(made.body.clone());
    reheaded(services, &original, section.len(), &head).await
}

/// Stages a message under another header section: what follows the first `skipped` octets of `original` stays.
pub(crate) async fn reheaded(
    services: &Services,
    original: &Octets,
    skipped: usize,
    head: &[u8],
) -> store::Result<Made> {
    let mut writer = Writer::new(services, head);
    let mut skip = skipped;
    let mut reader = original.open(services).await?;
    while let Some(octets) = reader.next().await? {
        let cut = skip.min(octets.len());
        skip -= cut;
        writer.write(&octets[cut..]).await?;
    }
    writer.finish().await
}

/// The octets of a message behind the first `skipped`, at most `largest`.
pub(crate) async fn octets(
    services: &Services,
    original: &Octets,
    skipped: usize,
    largest: usize,
) -> store::Result<Vec<u8>> {
    let mut reader = original.open(services).await?;
    let (mut skip, mut all) = (skipped, Vec::new());
    while let Some(octets) = reader.next().await? {
        let cut = skip.min(octets.len());
        skip -= cut;
        all.extend_from_slice(&octets[cut..]);
        if all.len() >= largest {
            all.truncate(largest);
            break;
        }
    }
    Ok(all)
}

/// A message as a script has made it, as a whole.
pub(crate) async fn version(
    services: &Services,
    letter: &Letter,
    version: Option<&Version>,
) -> store::Result<Vec<u8>> {
    let rest = |skipped| octets(services, &letter.body, skipped, usize::MAX);
    match version {
        None => rest(0).await,
        Some(Version {
            header,
            body: Some(body),
            ..
        }) => Ok([header.as_slice(), body].concat()),
        Some(version) => {
            let body = rest(letter.header.len()).await?;
            Ok([version.header.as_slice(), &body].concat())
        }
    }
}

/// Stages a message as a script has made it, under further fields in front.
pub(crate) async fn versioned(
    services: &Services,
    letter: &Letter,
    version: Option<&Version>,
    front: &[u8],
) -> store::Result<Made> {
    let header = version.map_or(&letter.header, |version| &version.header);
    let head = [front, header].concat();
    match version.and_then(|version| version.body.as_deref()) {
        Some(body) => made(services, &head, body).await,
        None => reheaded(services, &letter.body, letter.header.len(), &head).await,
    }
}

struct Writer {
    staging: store::body::Staging,
    scanner: Scanner,
    ascii: bool,
    head: Vec<u8>,
}

impl Writer {
    fn new(services: &Services, head: &[u8]) -> Writer {
        let mut scanner = Scanner::new();
        scanner.feed(head);
        Writer {
            staging: services.store.stage(),
            scanner,
            ascii: head.is_ascii(),
            head: head.to_vec(),
        }
    }

    async fn write(&mut self, octets: &[u8]) -> store::Result<()> {
        self.scanner.feed(octets);
        self.ascii &= octets.is_ascii();
        self.staging.write(octets).await
    }

    async fn finish(self) -> store::Result<Made> {
        Ok(Made {
            body: self.staging.finish(&self.head).await?,
            summary: self.scanner.finish(),
            header_size: u32::try_from(self.head.len()).unwrap_or(u32::MAX),
            ascii_header: self.head.is_ascii(),
            ascii: self.ascii,
        })
    }
}

/// What every letter of ours needs.
pub(crate) struct Desk<'a> {
    pub(crate) config: &'a Config,
    pub(crate) now: Timestamp,
    /// The account it is written for.
    pub(crate) owner: &'a str,
    /// Makes Message-IDs different.
    pub(crate) id: &'a str,
}

impl Desk<'_> {
    fn common(&self, from: &str, to: &str, subject: &str, kind: &str) -> String {
        let mut head = String::new();
        let _ = write!(
            head,
            "From: {}\r\nTo: {}\r\n",
            unstructured(from),
            one_line(to)
        );
        let _ = write!(head, "Subject: {}\r\n", unstructured(subject));
        let _ = write!(head, "Date: {}\r\n", message::date::write(self.now));
        let _ = write!(
            head,
            "Message-ID: <sieve.{kind}.{}.{}@{}>\r\n",
            self.now.as_millisecond(),
            self.id,
            self.config.hostname
        );
        head
    }

    /// An answer of `vacation` (RFC 5230 §5): header section, body.
    pub(crate) fn answer(&self, vacation: &Vacation) -> (Vec<u8>, Vec<u8>) {
        let from = vacation.from.as_deref().unwrap_or(&vacation.recipient);
        let mut head = self.common(from, &vacation.to, &vacation.subject, "vacation");
        if let Some(id) = &vacation.in_reply_to {
            let _ = write!(head, "In-Reply-To: {}\r\n", one_line(id));
        }
        if let Some(references) = &vacation.references {
            let _ = write!(head, "References: {}\r\n", folded(references));
        }
        // RFC 3834 §5: nobody shall answer this.
        head += "Auto-Submitted: auto-replied (vacation)\r\nPrecedence: bulk\r\nX-Auto-Response-Suppress: All\r\nMIME-Version: 1.0\r\n";
        if vacation.mime {
            let entity = crlf(&vacation.reason);
            let (fields, body) = entity.split_once("\r\n\r\n").unwrap_or(("", &entity));
            let head = format!("{head}{}\r\n\r\n", fields.trim_end());
            return (head.into_bytes(), body.as_bytes().to_vec());
        }
        (text_head(head), crlf(&vacation.reason).into_bytes())
    }

    /// A notification by mail (RFC 5436 §2.7).
    pub(crate) fn notification(
        &self,
        notify: &Notify,
        to: &sieve::Mailto,
        about: &About,
    ) -> (Vec<u8>, Vec<u8>) {
        let subject = to
            .subject
            .clone()
            .or_else(|| notify.message.clone())
            .unwrap_or_else(|| format!("New mail: {}", about.subject));
        let from = notify.from.as_deref().unwrap_or(self.owner);
        let mut head = self.common(from, &to.to.join(", "), &subject, "notify");
        if !to.cc.is_empty() {
            let _ = write!(head, "Cc: {}\r\n", one_line(&to.cc.join(", ")));
        }
        for (name, value) in &to.fields {
            let _ = write!(head, "{}: {}\r\n", one_line(name), unstructured(value));
        }
        let importance = match notify.importance {
            sieve::Importance::High => Some(("1 (High)", "high")),
            sieve::Importance::Normal => None,
            sieve::Importance::Low => Some(("5 (Low)", "low")),
        };
        if let Some((priority, importance)) = importance {
            let _ = write!(
                head,
                "X-Priority: {priority}\r\nImportance: {importance}\r\n"
            );
        }
        let _ = write!(
            head,
            "Auto-Submitted: auto-notified; owner-email=\"{}\"\r\nMIME-Version: 1.0\r\n",
            one_line(self.owner).replace(['"', '\\'], "")
        );
        let body = to.body.clone().or_else(|| notify.message.clone());
        let body = body
            .unwrap_or_else(|| format!("From: {}\r\nSubject: {}\r\n", about.from, about.subject));
        (text_head(head), crlf(&body).into_bytes())
    }

    /// To the owner of a script that fails (H32).
    pub(crate) fn trouble(&self, trouble: &Trouble, occasion: &Occasion) -> (Vec<u8>, Vec<u8>) {
        let subject = format!("Your mail filter “{}” does not work", trouble.script);
        let from = format!("Mail filter <postmaster@{}>", self.config.domain);
        let mut head = self.common(&from, self.owner, &subject, "trouble");
        head += "Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n";
        let instead = match occasion {
            Occasion::Delivery(_) => "is in your inbox instead".to_owned(),
            Occasion::Event(happened) => {
                format!("stays as it is in the mailbox “{}”", happened.event.name)
            }
        };
        let body = format!(
            "A message could not be handled as your Sieve script “{}” wants, and {}.\n\
             Nothing is lost.\n\n{}\n\n\
             Later failures of this version of the script are only written down.\n\
             As soon as the script is changed, you will be told of a failure again.\n",
            trouble.script, instead, trouble.what
        );
        (text_head(head), crlf(&body).into_bytes())
    }

    /// An abuse report (RFC 5965) about a message, whose header section is `header` and whose text may follow.
    pub(crate) fn report(&self, report: &Report, original: &[u8]) -> (Vec<u8>, Vec<u8>) {
        let from = format!("postmaster@{}", self.config.domain);
        let subject = format!("Report: {}", report.feedback_type);
        let mut head = self.common(&from, &report.address, &subject, "report");
        let boundary = format!("report-{}-{}", self.id, self.now.as_millisecond());
        let _ = write!(
            head,
            "Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n\
             Content-Type: multipart/report; report-type=feedback-report; boundary=\"{boundary}\"\r\n\r\n"
        );
        let kind = match report.headers_only {
            true => "text/rfc822-headers",
            false => "message/rfc822",
        };
        let mut body = format!(
            "--{boundary}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n{}\r\n\
             --{boundary}\r\nContent-Type: message/feedback-report\r\n\r\nFeedback-Type: {}\r\nUser-Agent: Pennyblack\r\nVersion: 1\r\n\
             \r\n--{boundary}\r\nContent-Type: {kind}\r\n\r\n",
            crlf(&report.message),
            one_line(&report.feedback_type)
        )
        .into_bytes();
        body.extend_from_slice(original);
        body.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
        (head.into_bytes(), body)
    }
}

/// What a notification says of the message.
pub(crate) struct About {
    pub(crate) from: String,
    pub(crate) subject: String,
}

impl About {
    pub(crate) fn of(header: &[u8]) -> About {
        let value = |name| {
            let value = message::header::values(header, name)
                .next()
                .unwrap_or_default();
            one_line(encoded_word::decode(&message::header::unfold(value)).trim())
        };
        About {
            from: value("From"),
            subject: value("Subject"),
        }
    }
}

fn text_head(mut head: String) -> Vec<u8> {
    head += "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n";
    head.into_bytes()
}

/// A value that cannot begin another field.
fn one_line(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(900)
        .collect()
}

/// The value of a field like Subject.
fn unstructured(text: &str) -> String {
    let line = one_line(text);
    String::from_utf8_lossy(&encoded_word::encode(line.as_bytes())).into_owned()
}

/// Message ids, each on a line of its own where there are many.
fn folded(ids: &str) -> String {
    let words: Vec<&str> = ids.split_whitespace().collect();
    one_line(&words.join(" ")).replace("> <", ">\r\n\t<")
}

/// Lines that end with CRLF, as scripts may have written them either way.
fn crlf(text: &str) -> String {
    let mut out = text.replace("\r\n", "\n").replace('\r', "\n");
    if !out.ends_with('\n') {
        out.push('\n');
    }
    out.replace('\n', "\r\n")
}
