//! The header section on its way through: where it ends in the stream, and what is changed in it.
//!
//! From other servers: what claims to be a result of our filter goes (I4). From every road: `Return-Path` goes, since the final delivery writes its own (RFC 5321 §4.4), and results that claim to be ours
//! go (RFC 8601 §5). Submitted mail gets what its client left out (B18; RFC 6409 §8): From, Date, Message-ID, domains of bare
//! addresses; and Bcc goes. All other octets stay as they are, so that signatures hold.

use super::{authenticate, judge};
use message::address_list::{self, Item, Mailbox};
use message::header::{self, Field};

/// Collects a header section from octets that arrive in pieces.
#[derive(Default)]
pub(crate) struct HeadReader {
    octets: Vec<u8>,
    /// Where the first line begins that was not looked at.
    checked: usize,
}

/// What a piece of the stream brought.
pub(crate) enum Head {
    /// It goes on.
    More,
    /// It has ended: the section without its empty line, and the beginning of the body.
    Ended {
        /// Fields, each with its line end.
        section: Vec<u8>,
        /// Octets that came behind it.
        body: Vec<u8>,
    },
}

impl HeadReader {
    /// Octets kept so far.
    pub(crate) fn len(&self) -> usize {
        self.octets.len()
    }

    /// Takes the next octets.
    pub(crate) fn feed(&mut self, octets: &[u8]) -> Head {
        self.octets.extend_from_slice(octets);
        while let Some(end) = memchr::memchr(b'\n', &self.octets[self.checked..]) {
            let next = self.checked + end + 1;
            match self.line(next) {
                Line::Field => self.checked = next,
                Line::Empty => return self.split(next),
                // A message without an empty line, or without any header: what follows is text, and must not be
                // taken for header fields by anyone after us.
                Line::Text => return self.split(self.checked),
            }
        }
        Head::More
    }

    fn line(&self, end: usize) -> Line {
        let line = &self.octets[self.checked..end];
        match line {
            b"\r\n" | b"\n" => Line::Empty,
            [b' ' | b'\t', ..] if self.checked > 0 => Line::Field,
            line if is_field(line) => Line::Field,
            _ => Line::Text,
        }
    }

    fn split(&mut self, body: usize) -> Head {
        let mut section = std::mem::take(&mut self.octets);
        let body = section.split_off(body);
        section.truncate(std::mem::take(&mut self.checked));
        Head::Ended { section, body }
    }

    /// The message has ended without a body.
    pub(crate) fn finish(mut self) -> (Vec<u8>, Vec<u8>) {
        if !self.octets.is_empty() && !self.octets.ends_with(b"\n") {
            self.octets.extend_from_slice(b"\r\n");
        }
        match self.feed(b"") {
            Head::Ended { section, body } => (section, body),
            Head::More => (self.octets, Vec::new()),
        }
    }
}

enum Line {
    Field,
    Empty,
    Text,
}

/// `name:`, perhaps with blanks between (RFC 5322 §2.2, §4.5).
fn is_field(line: &[u8]) -> bool {
    let Some(colon) = memchr::memchr(b':', line) else {
        return false;
    };
    let name = line[..colon].trim_ascii_end();
    !name.is_empty() && name.iter().all(u8::is_ascii_graphic)
}

/// How often a message was received so far (A31).
pub(crate) fn hops(section: &[u8]) -> usize {
    header::values(section, "Received").count()
}

/// The section of a message from another server as it is kept. A front server of ours (LMTP) may have used our name.
pub(crate) fn incoming(section: &[u8], forged: Option<&str>) -> Vec<u8> {
    let mut kept = Vec::with_capacity(section.len());
    for field in header::fields(section) {
        let is_forged = forged.is_some_and(|hostname| authenticate::is_forged(&field, hostname));
        let is_forged = is_forged || forged.is_some() && judge::is_result_field(&field);
        if !field.is("Return-Path") && !is_forged {
            kept.extend_from_slice(field.raw);
        }
    }
    kept
}

/// What the fix-ups of a submitted message need to know.
pub(crate) struct Submitted<'a> {
    /// The sender's address, for a missing From.
    pub(crate) sender: &'a str,
    /// The sender's domain, for bare addresses and the Message-ID.
    pub(crate) domain: &'a str,
    /// A `Date` value.
    pub(crate) date: String,
    /// The left side of a Message-ID.
    pub(crate) id: String,
    /// Our name in Authentication-Results.
    pub(crate) hostname: &'a str,
}

impl Submitted<'_> {
    /// The section as it is kept.
    pub(crate) fn fixed(&self, section: &[u8]) -> Vec<u8> {
        let mut kept = Vec::with_capacity(section.len() + 128);
        let (mut from, mut date, mut id) = (false, false, false);
        for field in header::fields(section) {
            if self.is_dropped(&field) {
                continue;
            }
            from |= field.is("From");
            date |= field.is("Date");
            id |= field.is("Message-ID");
            match self.qualified(&field) {
                Some(line) => kept.extend_from_slice(&line),
                None => kept.extend_from_slice(field.raw),
            }
        }
        let mut add = |missing: bool, line: String| {
            if missing {
                kept.extend_from_slice(line.as_bytes());
            }
        };
        add(!from, format!("From: {}\r\n", self.sender));
        add(!date, format!("Date: {}\r\n", self.date));
        add(
            !id,
            format!("Message-ID: <{}@{}>\r\n", self.id, self.domain),
        );
        kept
    }

    /// Bcc names those whom the others shall not see. An empty date or id is none.
    fn is_dropped(&self, field: &Field<'_>) -> bool {
        let empty = || field.value.trim_ascii().is_empty();
        field.is("Bcc")
            || field.is("Return-Path")
            || ((field.is("Date") || field.is("Message-ID")) && empty())
            || authenticate::is_forged(field, self.hostname)
    }

    /// The field written anew if one of its addresses has no domain.
    fn qualified(&self, field: &Field<'_>) -> Option<Vec<u8>> {
        const WITH_ADDRESSES: [&str; 5] = ["From", "Sender", "Reply-To", "To", "Cc"];
        // Nearly always every address has its `@`, and one per comma tells that without parsing.
        let name = WITH_ADDRESSES.iter().find(|name| field.is(name))?;
        let items = address_list::parse(field.value);
        let is_bare = |mailbox: &Mailbox| mailbox.domain.is_empty() && !mailbox.local.is_empty();
        if !items
            .iter()
            .any(|item| matches!(item, Item::Mailbox(mailbox) if is_bare(mailbox)))
        {
            return None;
        }
        let mut line = format!("{name}: ").into_bytes();
        line.extend_from_slice(&self.written(&items));
        line.extend_from_slice(b"\r\n");
        Some(line)
    }

    /// An address list, one element a line.
    fn written(&self, items: &[Item]) -> Vec<u8> {
        let mut out = Vec::new();
        let mut first = true;
        for item in items {
            match item {
                Item::GroupEnd => {
                    out.push(b';');
                    first = false;
                    continue;
                }
                Item::GroupStart(_) | Item::Mailbox(_) if !first => {
                    out.extend_from_slice(b",\r\n\t")
                }
                Item::GroupStart(_) | Item::Mailbox(_) => {}
            }
            first = false;
            match item {
                Item::GroupStart(name) => {
                    phrase(name, &mut out);
                    out.push(b':');
                    first = true;
                }
                Item::Mailbox(mailbox) => self.mailbox(mailbox, &mut out),
                Item::GroupEnd => {}
            }
        }
        out
    }

    fn mailbox(&self, mailbox: &Mailbox, out: &mut Vec<u8>) {
        if !mailbox.name.is_empty() {
            phrase(&mailbox.name, out);
            out.push(b' ');
        }
        out.push(b'<');
        word(&mailbox.local, out);
        out.push(b'@');
        match mailbox.domain.as_slice() {
            b"" => out.extend_from_slice(self.domain.as_bytes()),
            domain => out.extend_from_slice(domain),
        }
        out.push(b'>');
    }
}

/// A display name: as it is where that is allowed (encoded words must not be quoted), else as a quoted string.
fn phrase(name: &[u8], out: &mut Vec<u8>) {
    let plain =
        |o: &u8| o.is_ascii_alphanumeric() || b" !#$%&'*+-/=?^_`{|}~".contains(o) || !o.is_ascii();
    if name.iter().all(plain) {
        out.extend_from_slice(name);
    } else {
        quoted(name, out);
    }
}

/// A local part.
fn word(local: &[u8], out: &mut Vec<u8>) {
    let plain =
        |o: &u8| o.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~.".contains(o) || !o.is_ascii();
    if local.iter().all(plain) {
        out.extend_from_slice(local);
    } else {
        quoted(local, out);
    }
}

fn quoted(text: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    for &octet in text {
        if matches!(octet, b'"' | b'\\') {
            out.push(b'\\');
        }
        out.push(octet);
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(message: &str) -> (String, String) {
        let mut reader = HeadReader::default();
        let (section, body) = match reader.feed(message.as_bytes()) {
            Head::Ended { section, body } => (section, body),
            Head::More => reader.finish(),
        };
        (
            String::from_utf8(section).unwrap(),
            String::from_utf8(body).unwrap(),
        )
    }

    fn pair(section: &str, body: &str) -> (String, String) {
        (section.into(), body.into())
    }

    #[test]
    fn header_sections_end() {
        assert_eq!(
            read("A: b\r\n c\r\n\r\nbody\r\n"),
            pair("A: b\r\n c\r\n", "body\r\n")
        );
        assert_eq!(read("\r\nbody\r\n"), pair("", "body\r\n"));
        assert_eq!(read("A: b\r\n"), pair("A: b\r\n", ""));
        assert_eq!(read("A: b"), pair("A: b\r\n", ""));
        assert_eq!(read(""), pair("", ""));
    }

    /// Text that stands where fields should is text to everyone after us.
    #[test]
    fn text_without_an_empty_line_is_body() {
        assert_eq!(
            read("hello there\r\nBcc: x\r\n"),
            pair("", "hello there\r\nBcc: x\r\n")
        );
        assert_eq!(
            read("A: b\r\nhello\r\n\r\nx"),
            pair("A: b\r\n", "hello\r\n\r\nx")
        );
        assert_eq!(read(" folded: first\r\n"), pair("", " folded: first\r\n"));
        assert_eq!(read("hello"), pair("", "hello\r\n"));
    }

    fn fixed(section: &str) -> String {
        let submitted = Submitted {
            sender: "alice@example.com",
            domain: "example.com",
            date: "Fri, 20 Nov 2026 14:13:44 +0000".into(),
            id: "1.2".into(),
            hostname: "mx1.example.com",
        };
        String::from_utf8(submitted.fixed(section.as_bytes())).unwrap()
    }

    /// B18
    #[test]
    fn b18_what_is_missing_is_added() {
        assert_eq!(
            fixed("Subject: x\r\nDate:\r\n"),
            "Subject: x\r\nFrom: alice@example.com\r\nDate: Fri, 20 Nov 2026 14:13:44 +0000\r\nMessage-ID: <1.2@example.com>\r\n"
        );
        let complete = "From: a@b\r\nDate: x\r\nMESSAGE-ID: <y@z>\r\n";
        assert_eq!(fixed(complete), complete);
    }

    /// B18
    #[test]
    fn b18_bcc_and_return_path_go() {
        let complete = "From: a@b\r\nDate: x\r\nMessage-ID: <y@z>\r\n";
        let with = format!(
            "Return-Path: <x@y>\r\nBCC: secret@x,\r\n other@y\r\nAuthentication-Results: mx1.example.com; auth=pass\r\n{complete}"
        );
        assert_eq!(fixed(&with), complete);
    }

    /// B18
    #[test]
    fn b18_bare_addresses_are_qualified() {
        let rest = "From: a@b\r\nDate: x\r\nMessage-ID: <y@z>\r\n";
        assert_eq!(
            fixed(&format!(
                "To: bob, \"C, D\" <carol>, x@y (note)\r\nCc: G: bob, a@b;, c\r\n{rest}"
            )),
            format!(
                "To: <bob@example.com>,\r\n\t\"C, D\" <carol@example.com>,\r\n\tnote <x@y>\r\nCc: G:<bob@example.com>,\r\n\t<a@b>;,\r\n\t<c@example.com>\r\n{rest}"
            )
        );
    }

    #[test]
    fn incoming_mail_loses_only_what_is_ours_to_write() {
        let section = b"Return-Path: <x@y>\r\nAuthentication-Results: mx1.example.com; spf=pass\r\nAuthentication-Results: o.test; spf=pass\r\nBcc: a\r\n";
        assert_eq!(
            incoming(section, Some("mx1.example.com")),
            b"Authentication-Results: o.test; spf=pass\r\nBcc: a\r\n"
        );
        assert_eq!(incoming(section, None), &section[20..]);
    }

    proptest! {
        #[test]
        fn pieces_of_any_size_give_the_same(message in "(A: b|x| |\r\n){0,12}", cut in 1_usize..6) {
            let mut reader = HeadReader::default();
            let mut found = None;
            for piece in message.as_bytes().chunks(cut) {
                match &mut found {
                    None => {
                        if let Head::Ended { section, body } = reader.feed(piece) {
                            found = Some((section, body));
                        }
                    }
                    Some((_, body)) => body.extend_from_slice(piece),
                }
            }
            let (section, body) = found.unwrap_or_else(|| reader.finish());
            prop_assert_eq!((String::from_utf8(section).unwrap(), String::from_utf8(body).unwrap()), read(&message));
        }
    }
}
