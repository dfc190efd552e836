//! IMAP URLs: those of URLAUTH (RFC 4467), and those by which CATENATE names pieces of messages (RFC 5092 §7, RFC 4469 §3): relative ones, of this server and this account.
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

/// A URL that carries the authorisation to read what it names (RFC 4467 §3):
/// `imap://joe@example.com/INBOX/;uid=20/;section=1.2;expire=2026-12-01T00:00:00Z;urlauth=user+fred:internal:91354a…`
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AuthorizedUrl {
    /// Who authorises.
    pub user: String,
    /// The server, perhaps with a port.
    pub host: String,
    /// What may be read; never in a selected mailbox.
    pub piece: MessageUrl,
    /// Until when, as RFC 3339 has it.
    pub expires: Option<String>,
    /// By whom.
    pub access: Access,
    /// The text up to the access identifier: what a verifier is made of.
    pub rump: String,
    /// The mechanism in upper case, and its proof; `None`: none has been made yet.
    pub verifier: Option<(String, String)>,
}

/// Who may use a URL (RFC 4467 §3).
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Access {
    /// A server that takes submissions, for this user.
    Submit(String),
    /// This user.
    User(String),
    /// Everybody who has logged in.
    AuthUser,
    /// Everybody.
    Anonymous,
}

impl AuthorizedUrl {
    /// Reads a URL; `None` if it is none of this kind.
    pub fn parse(url: &str) -> Option<AuthorizedUrl> {
        let rest = strip_ignoring_case(url, "imap://")?;
        let (authority, rest) = rest.split_once('/')?;
        let (user, host) = authority.rsplit_once('@')?;
        let user = split_ignoring_case(user, ";auth=").map_or(user, |(user, _)| user);
        let user = percent_decoded(user)?;
        let (before, after) = split_ignoring_case(rest, ";urlauth=")?;
        let (place, expires) = match split_ignoring_case(before, ";expire=") {
            Some((place, until)) => (place, Some(until.to_owned())),
            None => (before, None),
        };
        let piece = MessageUrl::parse(&format!("/{place}"))?;
        let (access, verifier) = match after.split_once(':') {
            Some((access, verifier)) => {
                let (mechanism, proof) = verifier.split_once(':')?;
                let verifier = (mechanism.to_ascii_uppercase(), proof.to_owned());
                (access, Some(verifier))
            }
            None => (after, None),
        };
        let rump = url.get(..url.len() - (after.len() - access.len()))?;
        let is_whole = !user.is_empty() && !host.is_empty() && piece.mailbox.is_some();
        is_whole.then_some(AuthorizedUrl {
            user,
            host: host.to_owned(),
            piece,
            expires,
            access: access_of(access)?,
            rump: rump.to_owned(),
            verifier,
        })
    }
}

fn access_of(text: &str) -> Option<Access> {
    let user = |text: &str| percent_decoded(text).filter(|user| !user.is_empty());
    if let Some(name) = strip_ignoring_case(text, "submit+") {
        return Some(Access::Submit(user(name)?));
    }
    if let Some(name) = strip_ignoring_case(text, "user+") {
        return Some(Access::User(user(name)?));
    }
    match text.to_ascii_lowercase().as_str() {
        "authuser" => Some(Access::AuthUser),
        "anonymous" => Some(Access::Anonymous),
        _ => None,
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

    /// RFC 4467 §3 and §7, the examples.
    #[test]
    fn rfc4467_authorised_urls() {
        let rump = "imap://joe@example.com/INBOX/;uid=20/;section=1.2;urlauth=submit+fred";
        let url = AuthorizedUrl::parse(rump).unwrap();
        assert_eq!(
            (url.user.as_str(), url.host.as_str()),
            ("joe", "example.com")
        );
        assert_eq!(url.piece.mailbox, Some(MailboxName::new("INBOX")));
        assert_eq!(
            (url.piece.uid, url.piece.section.part.as_slice()),
            (20, &[1, 2][..])
        );
        assert_eq!(url.access, Access::Submit("fred".into()));
        assert_eq!((url.verifier, url.expires), (None, None));
        let whole = format!("{rump}:internal:91354a473744909de610943775f92038");
        let url = AuthorizedUrl::parse(&whole).unwrap();
        assert_eq!(url.rump, rump);
        let proof = "91354a473744909de610943775f92038";
        assert_eq!(url.verifier, Some(("INTERNAL".into(), proof.into())));
        let dated = "imap://a%40b@x:143/A%20B;UIDVALIDITY=7/;UID=1;EXPIRE=2026-12-01T00:00:00Z;URLAUTH=user+c%40d";
        let url = AuthorizedUrl::parse(dated).unwrap();
        assert_eq!((url.user.as_str(), url.host.as_str()), ("a@b", "x:143"));
        assert_eq!(url.expires.as_deref(), Some("2026-12-01T00:00:00Z"));
        assert_eq!(url.access, Access::User("c@d".into()));
        for wrong in [
            "imap://joe@example.com/INBOX/;uid=20",
            "imap://example.com/INBOX/;uid=20;urlauth=anonymous",
            "imap://joe@example.com/INBOX;urlauth=anonymous",
            "imap://joe@example.com/;uid=20;urlauth=anonymous",
            "imap://joe@example.com/INBOX/;uid=20;urlauth=nobody",
            "imap://joe@example.com/INBOX/;uid=20;urlauth=user+",
            "imap://joe@example.com/INBOX/;uid=20;urlauth=anonymous:internal",
            "http://joe@example.com/INBOX/;uid=20;urlauth=anonymous",
        ] {
            assert_eq!(AuthorizedUrl::parse(wrong), None, "{wrong}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]
        #[test]
        fn any_authorised_text(url in "imap://(@|/|;|uid=|urlauth=|expire=|user\\+|anonymous|:|%|[0-9a-fé.]){0,12}") {
            let _ = AuthorizedUrl::parse(&url);
        }

        #[test]
        fn any_text(url in "(/|;|uid=|UIDVALIDITY=|section=|partial=|%|[0-9a-fé.]){0,12}") {
            let _ = MessageUrl::parse(&url);
        }
    }
}
