//! Annotations of mailboxes and of the server (RFC 5464): names of entries, what the commands ask for, and the METADATA response.

use crate::encode;
use crate::mailbox::{MailboxName, Names};

/// Octets of the longest name of an entry.
pub const MAX_NAME: usize = 255;

/// Who sees an entry.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum Scope {
    /// `/private/…`: whoever set it.
    Private,
    /// `/shared/…`: everybody who may read the mailbox.
    Shared,
}

/// The name of an entry: `/private/…` or `/shared/…`, in lower case, since case does not matter (RFC 5464 §3.2).
#[derive(Clone, PartialEq, Eq, Debug, Hash)]
pub struct EntryName(String);

impl EntryName {
    /// From what a client sent; `None` if no entry can have that name.
    pub fn new(name: &str) -> Option<EntryName> {
        let name = name.to_ascii_lowercase();
        let mut levels = name.strip_prefix('/')?.split('/');
        let known = matches!(levels.next(), Some("private" | "shared"));
        let sound = |level: &str| {
            !level.is_empty()
                && level
                    .bytes()
                    .all(|o| o.is_ascii_graphic() && !matches!(o, b'*' | b'%'))
        };
        let levels: Vec<&str> = levels.collect();
        let sound = !levels.is_empty() && levels.into_iter().all(sound);
        (known && sound && name.len() <= MAX_NAME).then_some(EntryName(name))
    }

    /// The whole name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Who sees it.
    pub fn scope(&self) -> Scope {
        match self.0.starts_with("/private/") {
            true => Scope::Private,
            false => Scope::Shared,
        }
    }
}

/// How far below an entry GETMETADATA looks.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Depth {
    /// The entry.
    #[default]
    Zero,
    /// And those directly below it.
    One,
    /// And all below it.
    Infinity,
}

/// GETMETADATA's parameters.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GetMetadata {
    /// Of which mailbox; `None`: of the server.
    pub mailbox: Option<MailboxName>,
    /// Which entries.
    pub entries: Vec<EntryName>,
    /// How far below them.
    pub depth: Depth,
    /// MAXSIZE: values of more octets are left out.
    pub max_size: Option<u64>,
}

/// SETMETADATA's parameters.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SetMetadata {
    /// Of which mailbox; `None`: of the server.
    pub mailbox: Option<MailboxName>,
    /// Entries and their new values; `None` (NIL) removes one.
    pub entries: Vec<(EntryName, Option<Vec<u8>>)>,
}

/// Appends `* METADATA mailbox (entry value …)`; the server is the mailbox with an empty name.
pub fn push<'a>(
    out: &mut Vec<u8>,
    (mailbox, names): (&str, Names),
    entries: impl IntoIterator<Item = (&'a str, Option<&'a [u8]>)>,
) {
    out.extend_from_slice(b"* METADATA ");
    encode::mailbox(out, mailbox, names);
    for (index, (entry, value)) in entries.into_iter().enumerate() {
        out.extend_from_slice(if index == 0 { b" (" } else { b" " });
        encode::astring(out, entry.as_bytes());
        out.push(b' ');
        encode::nstring(out, value);
    }
    out.extend_from_slice(b")\r\n");
}

/// Appends the response that tells what changed, without values: `* METADATA mailbox entry …` (RFC 5464 §4.4.2).
pub fn push_changed<'a>(
    out: &mut Vec<u8>,
    (mailbox, names): (&str, Names),
    entries: impl IntoIterator<Item = &'a str>,
) {
    out.extend_from_slice(b"* METADATA ");
    encode::mailbox(out, mailbox, names);
    for entry in entries {
        out.push(b' ');
        encode::astring(out, entry.as_bytes());
    }
    out.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_entries() {
        let name = EntryName::new("/Private/Comment").unwrap();
        assert_eq!(
            (name.as_str(), name.scope()),
            ("/private/comment", Scope::Private)
        );
        assert_eq!(
            EntryName::new("/shared/vendor/x/y").unwrap().scope(),
            Scope::Shared
        );
        for wrong in [
            "",
            "/",
            "/private",
            "/private/",
            "/shared//a",
            "/public/x",
            "/shared/a*",
            "/shared/a b",
            "comment",
            "/shared/ä",
        ] {
            assert_eq!(EntryName::new(wrong), None, "{wrong}");
        }
        assert_eq!(
            EntryName::new(&format!("/shared/{}", "x".repeat(255))),
            None
        );
    }

    /// RFC 5464 §4.4.1–2 examples.
    #[test]
    fn responses_as_in_the_rfc() {
        let mut out = Vec::new();
        push(
            &mut out,
            ("INBOX", Names::ModifiedUtf7),
            [
                ("/private/comment", Some(b"My own comment".as_slice())),
                ("/shared/comment", None),
            ],
        );
        push(
            &mut out,
            ("", Names::ModifiedUtf7),
            [("/shared/comment", Some(b"Shared comment".as_slice()))],
        );
        push_changed(
            &mut out,
            ("INBOX", Names::ModifiedUtf7),
            ["/shared/comment", "/private/comment"],
        );
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "* METADATA INBOX (/private/comment \"My own comment\" /shared/comment NIL)\r\n\
             * METADATA \"\" (/shared/comment \"Shared comment\")\r\n\
             * METADATA INBOX /shared/comment /private/comment\r\n"
        );
    }
}
