//! What a notice says: a sentence that anybody understands, the facts for programs (RFC 3464), and what was sent (RFC 6522).
//! With international addresses the forms of RFC 6533.

use super::Original;
use crate::journey::relay::{Remote, Speaker};
use queue::{Event, refusal};
use smtp::{Enhanced, xtext};
use std::fmt::Write as _;
use store::Timestamp;

/// Columns after which a field is folded.
const FOLD: usize = 76;
/// Octets of an address that the subject may name.
const LONGEST_IN_SUBJECT: usize = 60;
/// Octets of the original header section that are returned.
const LARGEST_HEADER: usize = 64 * 1024;

/// What happened to a recipient.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    /// Envelope recipient.
    pub(crate) address: String,
    /// ORCPT, decoded.
    pub(crate) orcpt: Option<String>,
    /// Enhanced status code.
    pub(crate) status: Enhanced,
    /// The last reply, or our sentence.
    pub(crate) words: String,
    /// Whose words these are.
    pub(crate) said_by: Speaker,
    /// The other server.
    pub(crate) remote: Option<Remote>,
    /// The time of the attempt.
    pub(crate) attempted: Timestamp,
    /// How long it will be tried, if it will.
    pub(crate) retry_until: Option<Timestamp>,
}

/// A notice in the making.
pub(super) struct Report<'a> {
    pub(super) hostname: &'a str,
    pub(super) sender: &'a str,
    pub(super) now: Timestamp,
    pub(super) event: Event,
    pub(super) original: &'a Original<'a>,
    pub(super) told: &'a [Told],
    /// It goes into a mailbox here.
    pub(super) last_stop: bool,
    /// It goes to another server.
    pub(super) leaves: bool,
}

impl Report<'_> {
    /// Everything before the returned message or header section.
    pub(super) fn head(&self) -> Vec<u8> {
        let mut text = self.fields();
        let boundary = self.boundary();
        let _ = write!(text, "--{boundary}\r\n{}\r\n", self.text_fields());
        text += &self.explanation();
        let _ = write!(text, "\r\n--{boundary}\r\n{}\r\n\r\n", self.status_type());
        text += &self.delivery_status();
        let _ = write!(text, "\r\n--{boundary}\r\n{}\r\n\r\n", self.returned_type());
        text.into_bytes()
    }

    /// The original header section, for those who do not get the whole message.
    pub(super) fn returned_header(&self) -> Vec<u8> {
        self.original.header[..self.original.header.len().min(LARGEST_HEADER)].to_vec()
    }

    /// What ends the notice.
    pub(super) fn tail(&self) -> Vec<u8> {
        format!("\r\n--{}--\r\n", self.boundary()).into_bytes()
    }

    /// Octets of the notice's own header section.
    pub(super) fn header_size(&self) -> u32 {
        u32::try_from(self.fields().len()).unwrap_or(u32::MAX)
    }

    /// Its header section with the empty line.
    fn fields(&self) -> String {
        let mut text = match self.last_stop {
            true => String::from("Return-Path: <>\r\n"),
            false => String::new(),
        };
        let hostname = self.hostname;
        let _ = write!(text, "Date: {}\r\n", message::date::write(self.now));
        let _ = write!(
            text,
            "From: Mail Delivery System <MAILER-DAEMON@{hostname}>\r\n"
        );
        let _ = write!(text, "To: <{}>\r\n", self.sender);
        let _ = write!(text, "Subject: {}\r\n", self.subject());
        let _ = write!(text, "Message-ID: <{}@{hostname}>\r\n", self.token());
        if let Some(id) = self.original_id() {
            let _ = write!(text, "In-Reply-To: {id}\r\nReferences: {id}\r\n");
        }
        text += "MIME-Version: 1.0\r\n";
        // RFC 3834 §3.1.7.
        text += "Auto-Submitted: auto-replied\r\n";
        let _ = write!(
            text,
            "Content-Type: multipart/report; report-type={};\r\n\tboundary=\"{}\"\r\n\r\n",
            self.report_type(),
            self.boundary()
        );
        text
    }

    fn subject(&self) -> String {
        let message = format!("Your message{}", self.to_whom());
        match self.event {
            Event::Failed => format!("{message} could not be delivered"),
            Event::Delayed => format!("{message} is late, and is still being tried"),
            Event::Delivered => format!("{message} was delivered"),
            Event::Relayed => format!("{message} was handed over to another mail server"),
        }
    }

    /// The recipient's address, for the subject; left out where it would not fit on a line or would have to be encoded.
    fn to_whom(&self) -> String {
        let fits =
            |told: &&Told| told.address.len() <= LONGEST_IN_SUBJECT && told.address.is_ascii();
        match (self.told.first().filter(fits), self.told.len()) {
            (None, _) => String::new(),
            (Some(told), 1) => format!(" to {}", told.address),
            (Some(told), all) => format!(" to {} and {} more", told.address, all - 1),
        }
    }

    /// Names this notice and no other: the message, its event, and the time.
    fn token(&self) -> String {
        let event = self.action();
        format!("{}.{event}.{}", self.original.id, self.now.as_microsecond())
    }

    fn boundary(&self) -> String {
        format!("=_{}", self.token())
    }

    fn action(&self) -> &'static str {
        match self.event {
            Event::Failed => "failed",
            Event::Delayed => "delayed",
            Event::Delivered => "delivered",
            Event::Relayed => "relayed",
        }
    }

    /// RFC 6533: an address or header section that is not ASCII.
    fn is_global(&self) -> bool {
        let ascii = self.original.header.is_ascii()
            && self.sender.is_ascii()
            && self
                .told
                .iter()
                .all(|one| one.address.is_ascii() && one.words.is_ascii());
        !ascii
    }

    fn report_type(&self) -> &'static str {
        match self.is_global() {
            true => "global-delivery-status",
            false => "delivery-status",
        }
    }

    fn text_fields(&self) -> String {
        let coding = match self.is_global() {
            true => "8bit",
            false => "7bit",
        };
        format!(
            "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: {coding}\r\n"
        )
    }

    fn status_type(&self) -> &'static str {
        match self.is_global() {
            true => "Content-Type: message/global-delivery-status",
            false => "Content-Type: message/delivery-status",
        }
    }

    fn returned_type(&self) -> &'static str {
        match (self.original.whole.is_some(), self.is_global()) {
            (true, false) => "Content-Type: message/rfc822",
            (true, true) => "Content-Type: message/global",
            (false, false) => "Content-Type: text/rfc822-headers",
            (false, true) => "Content-Type: message/global-headers",
        }
    }

    /// For people.
    fn explanation(&self) -> String {
        let mut text = format!("{}\r\n\r\n", self.opening());
        if let Some(subject) = field(&self.original.header, "Subject") {
            let _ = write!(text, "Subject: {subject}\r\n");
        }
        let _ = write!(
            text,
            "Sent: {}\r\n",
            message::date::write(self.original.created)
        );
        for told in self.told {
            let _ = write!(text, "\r\n{}\r\n{}\r\n", told.address, self.sentence(told));
            if told.said_by == Speaker::Remote && self.event != Event::Relayed {
                let host = told
                    .remote
                    .as_ref()
                    .map_or("The other server", |r| r.host.as_str());
                let _ = write!(text, "The words of {host}:\r\n    {}\r\n", told.words);
            }
        }
        text
    }

    fn opening(&self) -> String {
        let what = match self.event {
            Event::Failed => "Your message could not be delivered. It will not be tried again.",
            Event::Delayed => {
                "Your message could not be delivered so far. You need not send it again: it is still being tried."
            }
            Event::Delivered => "Your message was delivered.",
            Event::Relayed => {
                "Your message was handed over to the recipient's mail server, which does not report on delivery."
            }
        };
        format!("This is the mail server {}.\r\n\r\n{what}", self.hostname)
    }

    fn sentence(&self, told: &Told) -> String {
        match (self.event, told.retry_until) {
            (Event::Failed, _) => match refusal::meaning(&told.words) {
                Some(known) => known.for_sender(domain(told)),
                None => format!("{}{}", cause(told), what_to_do(told)),
            },
            (Event::Delayed, Some(until)) => {
                format!(
                    "{} It will be tried until {}.",
                    so_far(told),
                    message::date::write(until)
                )
            }
            (Event::Delayed, None) => so_far(told),
            (Event::Delivered, _) => "The message is in the mailbox.".to_string(),
            (Event::Relayed, _) => "The other server has accepted the message.".to_string(),
        }
    }

    /// For programs (RFC 3464 §2).
    fn delivery_status(&self) -> String {
        let mut text = format!("Reporting-MTA: dns; {}\r\n", self.hostname);
        if let Some(envid) = &self.original.envid {
            let _ = write!(text, "Original-Envelope-Id: {}\r\n", xtext::encode(envid));
        }
        let arrived = message::date::write(self.original.created);
        let _ = write!(text, "Arrival-Date: {arrived}\r\n");
        // RFC 2852 §5.
        if let Some(deadline) = self.original.deliver_by {
            let deadline = message::date::write(deadline);
            let _ = write!(text, "Deliver-By-Date: {deadline}\r\n");
        }
        for told in self.told {
            text += "\r\n";
            self.recipient_status(told, &mut text);
        }
        text
    }

    fn recipient_status(&self, told: &Told, text: &mut String) {
        if let Some(orcpt) = &told.orcpt {
            let _ = write!(text, "Original-Recipient: {}\r\n", one_line(orcpt));
        }
        let kind = if told.address.is_ascii() {
            "rfc822"
        } else {
            "utf-8"
        };
        let _ = write!(text, "Final-Recipient: {kind}; {}\r\n", told.address);
        let _ = write!(
            text,
            "Action: {}\r\nStatus: {}\r\n",
            self.action(),
            told.status
        );
        if let Some(remote) = &told.remote {
            let _ = write!(text, "Remote-MTA: dns; {}\r\n", remote.host);
        }
        let kind = match told.said_by {
            Speaker::Remote => "smtp",
            Speaker::Us => "X-Pennyblack",
        };
        let diagnostic = format!("Diagnostic-Code: {kind}; {}", one_line(&told.words));
        let _ = write!(text, "{}\r\n", folded(&diagnostic));
        let _ = write!(
            text,
            "Last-Attempt-Date: {}\r\n",
            message::date::write(told.attempted)
        );
        if let Some(until) = told.retry_until {
            let _ = write!(
                text,
                "Will-Retry-Until: {}\r\n",
                message::date::write(until)
            );
        }
    }

    fn original_id(&self) -> Option<String> {
        let id = field(&self.original.header, "Message-ID")?;
        let fits = id.starts_with('<') && id.ends_with('>') && id.len() < 500;
        (fits && !id.contains(char::is_whitespace)).then_some(id)
    }
}

fn domain(told: &Told) -> &str {
    let parts = told.address.rsplit_once('@');
    parts.map_or("", |(_, domain)| domain)
}

/// What keeps it back. Words of ours may quote those of the other server.
fn so_far(told: &Told) -> String {
    match refusal::meaning(&told.words) {
        Some(known) => known.what_happened(domain(told)),
        None => cause(told),
    }
}

/// One plain sentence for a status code (RFC 3463, RFC 7504, RFC 7505).
fn cause(told: &Told) -> String {
    let domain = domain(told);
    let class = told.status.0;
    match (told.status.1, told.status.2) {
        (1, 1 | 6) => format!("There is no such address at {domain}. Look for a typing error."),
        (1, 2) => {
            format!("The domain {domain} does not exist. Look for a typing error after the @.")
        }
        (1, 3) => "The address is not written correctly.".into(),
        (1, 10) => format!("The domain {domain} does not take any mail."),
        (1, 7 | 8) => format!("{domain} does not accept your address as a sender."),
        (2, 1) => "This mailbox is switched off.".into(),
        (2, 2) => "The recipient's mailbox is full.".into(),
        (2, 3) | (3, 4) => "The message is too large for the recipient's server.".into(),
        (4, 6) => format!("The mail servers of {domain} send the message in a circle."),
        (4, 7) => "It was tried for as long as this server tries, and did not work.".into(),
        (4, 3) => format!("The name servers of {domain} do not answer."),
        (4, 4) => format!("The domain {domain} has no mail server that can be reached."),
        (4, _) => format!("The mail server of {domain} cannot be reached."),
        (6, 3) => "The recipient's server is too old for the characters in this message.".into(),
        (6, 7) => "The recipient's server does not know international addresses.".into(),
        (7, 30) => format!(
            "The mail server of {domain} cannot promise the protection that you asked for (REQUIRETLS)."
        ),
        (7, 20..=29) if class == 5 => format!(
            "The mail server of {domain} refuses the message, since it does not see proved that it comes from you."
        ),
        (7, 0 | 1) if class == 5 && takes_for_spam(&told.words) => {
            format!("The mail server of {domain} refuses the message, since it takes it for spam.")
        }
        (7, 0 | 1) if class == 5 => {
            format!("The mail server of {domain} refuses the message by its rules.")
        }
        _ if class == 4 => format!("The mail server of {domain} has put the message off."),
        _ => format!("The mail server of {domain} has refused the message."),
    }
}

fn takes_for_spam(words: &str) -> bool {
    let words = words.to_ascii_lowercase();
    ["spam", "junk", "unsolicited"]
        .iter()
        .any(|word| words.contains(word))
}

/// What a sender can do whose message has come back for good, where the cause does not say so itself. Begins with a blank, or is empty.
fn what_to_do(told: &Told) -> &'static str {
    match (told.status.1, told.status.2) {
        (1, 1 | 2 | 6) => "",
        (1, 3) => " Look at it again: it is a name, @, and a domain.",
        (2, 2) => " Tell the recipient in another way, and send it again when there is room.",
        (2, 3) | (3, 4) => " Send it in smaller parts, or send a link to where the large part is.",
        (6, 3) => " Send the text as a file, or in plain letters.",
        (6, 7) => " Ask the recipient for an address in plain letters.",
        (7, 30) => " Send it without that wish, or reach the recipient in another way.",
        (1, 7 | 8) | (7, _) => {
            " Reach the recipient in another way, and ask your administrator: the words below tell him what to mend."
        }
        _ => " Reach the recipient in another way, or send it again later.",
    }
}

/// The value of the first field of this name, unfolded.
fn field(header: &[u8], name: &str) -> Option<String> {
    let value = message::header::values(header, name).next()?;
    let text = one_line(&String::from_utf8_lossy(value));
    Some(text.chars().take(300).collect())
}

/// No control characters: the text comes from a stranger.
fn one_line(text: &str) -> String {
    let words: Vec<&str> = text
        .split(|c: char| c.is_control() || c == ' ')
        .filter(|w| !w.is_empty())
        .collect();
    words.join(" ")
}

/// Folds a field at blanks (RFC 5322 §2.2.3).
fn folded(line: &str) -> String {
    let mut text = String::with_capacity(line.len() + 8);
    let mut column = 0;
    for word in line.split(' ') {
        if column > 0 && column + 1 + word.len() > FOLD {
            text.push_str("\r\n ");
            column = 1;
        } else if column > 0 {
            text.push(' ');
            column += 1;
        }
        text.push_str(word);
        column += word.len();
    }
    text
}
