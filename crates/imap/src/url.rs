//! IMAP URLs as CATENATE names pieces of messages (RFC 5092 §7, RFC 4469 §3): relative ones, of this server and this account.
//! `/Drafts;UIDVALIDITY=385759045/;UID=20/;SECTION=1.2/;PARTIAL=0.1024`

use crate::fetch::Section;
use crate::mailbox::MailboxName;
use crate::parse::{Cursor, section};

/// A piece of a message.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MessageUrl {
    /// Where the message is; `None`: in the selected mailbox.
    pub mailbox: Option<MailboxName>,
    /// The UIDVALIDITY it was named under.
    pub uid_validity: Option<u32>,
    /// The message.
    pub uid: u32,
    /// Which part of it.
    pub section: Section,
    /// Which octets of the part: the first, and how many at most.
    pub partial: Option<(u32, Option<u32>)>,
}

impl MessageUrl {
    /// The piece a URL names; `None` if it is no such URL, or one of another server.
    pub fn parse(url: &str) -> Option<MessageUrl> {
        let selected =
            strip_ignoring_case(url, ";uid=").or_else(|| strip_ignoring_case(url, "/;uid="));
        let (place, rest) = match selected {
            Some(rest) => (None, rest),
            None => {
                let (place, rest) = split_ignoring_case(url.strip_prefix('/')?, "/;uid=")?;
                (Some(place), rest)
            }
        };
        let (mailbox, uid_validity) = match place {
            Some(place) => {
                let (mailbox, validity) = mailbox(place)?;
                (Some(mailbox), validity)
            }
            None => (None, None),
        };
        let mut pieces = rest.split("/;");
        let uid = number(pieces.next()?)?;
        let mut parsed = MessageUrl {
            mailbox,
            uid_validity,
            uid,
            section: Section::default(),
            partial: None,
        };
        pieces.try_for_each(|piece| parsed.piece(piece))?;
        (uid > 0).then_some(parsed)
    }

    fn piece(&mut self, piece: &str) -> Option<()> {
        if let Some(encoded) = strip_ignoring_case(piece, "section=") {
            let decoded = percent_decoded(encoded)?;
            let mut cursor = Cursor::new(decoded.as_bytes());
            self.section = section(&mut cursor).ok()?;
            return cursor.is_at_end().then_some(());
        }
        let range = strip_ignoring_case(piece, "partial=")?;
        self.partial = Some(match range.split_once('.') {
            Some((offset, length)) => (number(offset)?, Some(number(length)?)),
            None => (number(range)?, None),
        });
        Some(())
    }
}

/// `Drafts;UIDVALIDITY=385759045`
fn mailbox(place: &str) -> Option<(MailboxName, Option<u32>)> {
    let (name, validity) = match split_ignoring_case(place, ";uidvalidity=") {
        Some((name, validity)) => (name, Some(number(validity)?)),
        None => (place, None),
    };
    let name = percent_decoded(name)?;
    (!name.is_empty()).then(|| (MailboxName::new(&name), validity))
}

fn number(digits: &str) -> Option<u32> {
    let plain = !digits.is_empty() && digits.bytes().all(|o| o.is_ascii_digit());
    plain.then(|| digits.parse().ok())?
}

fn strip_ignoring_case<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let head = text.get(..prefix.len())?;
    head.eq_ignore_ascii_case(prefix)
        .then(|| &text[prefix.len()..])
}

fn split_ignoring_case<'a>(text: &'a str, separator: &str) -> Option<(&'a str, &'a str)> {
    // ASCII lower-casing leaves every octet at its place.
    let at = text.to_ascii_lowercase().find(separator)?;
    Some((&text[..at], &text[at + separator.len()..]))
}

/// `%C3%BC` and its like; the result must be UTF-8.
fn percent_decoded(text: &str) -> Option<String> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&octet, tail)) = rest.split_first() {
        rest = tail;
        if octet != b'%' {
            decoded.push(octet);
            continue;
        }
        let digits = std::str::from_utf8(tail.get(..2)?).ok()?;
        decoded.push(u8::from_str_radix(digits, 16).ok()?);
        rest = &tail[2..];
    }
    String::from_utf8(decoded).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fetch::SectionText;
    use proptest::prelude::*;

    /// RFC 4469 §4 and RFC 5092 §7.2 examples.
    #[test]
    fn pieces_are_named_by_relative_urls() {
        let url =
            MessageUrl::parse("/Drafts;UIDVALIDITY=385759045/;UID=20/;section=HEADER").unwrap();
        assert_eq!(url.mailbox, Some(MailboxName::new("Drafts")));
        assert_eq!((url.uid_validity, url.uid), (Some(385759045), 20));
        assert_eq!(url.section.text, Some(SectionText::Header));
        let url = MessageUrl::parse(
            "/gr%C3%BC%C3%9Fe/a;UIDVALIDITY=1/;UID=20/;SECTION=1.2/;PARTIAL=0.1024",
        )
        .unwrap();
        assert_eq!(url.mailbox, Some(MailboxName::new("grüße/a")));
        assert_eq!(
            (url.section.part, url.partial),
            (vec![1, 2], Some((0, Some(1024))))
        );
        for selected in ["/;uid=7", ";UID=7"] {
            let url = MessageUrl::parse(selected).unwrap();
            assert_eq!((url.mailbox, url.uid), (None, 7));
        }
        for wrong in [
            "imap://other.example/INBOX/;UID=1",
            "/INBOX",
            "/INBOX/;UID=0",
            "/INBOX/;UID=x",
            "/INBOX/;UID=1/;SECTION=NONSENSE",
            "/INBOX/;UID=1/;NONSENSE=1",
            "/INBOX;UIDVALIDITY=a/;UID=1",
            "/%ff/;UID=1",
            "//;UID=1",
        ] {
            assert_eq!(MessageUrl::parse(wrong), None, "{wrong}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]
        #[test]
        fn any_text(url in "(/|;|uid=|UIDVALIDITY=|section=|partial=|%|[0-9a-fé.]){0,12}") {
            let _ = MessageUrl::parse(&url);
        }
    }
}
