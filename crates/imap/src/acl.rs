//! What the commands on access control lists ask for (RFC 4314 §3), and their responses.

use crate::encode;
use crate::mailbox::{MailboxName, Names};

/// How SETACL changes the rights of an identifier.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Modification {
    /// Exactly these.
    Replace,
    /// `+`: these too.
    Add,
    /// `-`: without these.
    Remove,
}

/// SETACL's parameters.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SetAcl {
    /// Whose list.
    pub mailbox: MailboxName,
    /// For whom.
    pub identifier: String,
    /// What happens with `rights`.
    pub modification: Modification,
    /// Letters, as sent.
    pub rights: String,
}

/// Appends `* ACL mailbox identifier rights …`.
pub fn push_acl<'a>(
    out: &mut Vec<u8>,
    (mailbox, names): (&str, Names),
    grants: impl IntoIterator<Item = (&'a str, String)>,
) {
    out.extend_from_slice(b"* ACL ");
    encode::mailbox(out, mailbox, names);
    for (identifier, rights) in grants {
        out.push(b' ');
        encode::astring(out, identifier.as_bytes());
        out.push(b' ');
        encode::astring(out, rights.as_bytes());
    }
    out.extend_from_slice(b"\r\n");
}

/// Appends `* MYRIGHTS mailbox rights`.
pub fn push_my_rights(out: &mut Vec<u8>, (mailbox, names): (&str, Names), rights: &str) {
    out.extend_from_slice(b"* MYRIGHTS ");
    encode::mailbox(out, mailbox, names);
    out.push(b' ');
    encode::astring(out, rights.as_bytes());
    out.extend_from_slice(b"\r\n");
}

/// Appends `* LISTRIGHTS mailbox identifier required optional …`; each optional element is a set of rights that go together.
pub fn push_list_rights(
    out: &mut Vec<u8>,
    (mailbox, names): (&str, Names),
    identifier: &str,
    required: &str,
    optional: &[&str],
) {
    out.extend_from_slice(b"* LISTRIGHTS ");
    encode::mailbox(out, mailbox, names);
    out.push(b' ');
    encode::astring(out, identifier.as_bytes());
    out.push(b' ');
    encode::astring(out, required.as_bytes());
    for rights in optional {
        out.push(b' ');
        encode::astring(out, rights.as_bytes());
    }
    out.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl Fn(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    /// RFC 4314 §3.6–3.8 examples.
    #[test]
    fn responses_as_in_the_rfc() {
        let grants = [("Fred", "rwipsldexta".to_owned())];
        assert_eq!(
            written(|out| push_acl(out, ("INBOX", Names::ModifiedUtf7), grants.clone())),
            "* ACL INBOX Fred rwipsldexta\r\n"
        );
        assert_eq!(
            written(|out| push_list_rights(
                out,
                ("~/Mail/saved", Names::ModifiedUtf7),
                "smith",
                "la",
                &["r", "swicdkxte"]
            )),
            "* LISTRIGHTS ~/Mail/saved smith la r swicdkxte\r\n"
        );
        assert_eq!(
            written(|out| push_list_rights(
                out,
                ("archive/imap", Names::ModifiedUtf7),
                "anyone",
                "",
                &["l", "r"]
            )),
            "* LISTRIGHTS archive/imap anyone \"\" l r\r\n"
        );
        assert_eq!(
            written(|out| push_my_rights(out, ("INBOX", Names::ModifiedUtf7), "rwiptsldaex")),
            "* MYRIGHTS INBOX rwiptsldaex\r\n"
        );
    }
}
