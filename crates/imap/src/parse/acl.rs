//! SETACL, DELETEACL, GETACL, LISTRIGHTS, MYRIGHTS (RFC 4314 §4).

use super::{Cursor, Malformed};
use crate::acl::{Modification, SetAcl};
use crate::command::Body;

/// Octets of the longest identifier taken.
const MAX_IDENTIFIER: usize = 400;
/// Letters of rights in one command.
const MAX_RIGHTS: usize = 64;

type Parsed<T> = Result<T, Malformed>;

pub(super) fn set(cursor: &mut Cursor<'_>) -> Parsed<Body> {
    cursor.space()?;
    let mailbox = cursor.mailbox()?;
    let identifier = identifier(cursor)?;
    cursor.space()?;
    let text = cursor.text()?;
    let (modification, rights) = match text.as_bytes().first() {
        Some(b'+') => (Modification::Add, &text[1..]),
        Some(b'-') => (Modification::Remove, &text[1..]),
        _ => (Modification::Replace, text.as_str()),
    };
    if rights.len() > MAX_RIGHTS
        || !rights
            .bytes()
            .all(|o| o.is_ascii_lowercase() || o.is_ascii_digit())
    {
        return Err(Malformed("Rights are lower-case letters and digits"));
    }
    Ok(Body::SetAcl(SetAcl {
        mailbox,
        identifier,
        modification,
        rights: rights.to_owned(),
    }))
}

pub(super) fn delete(cursor: &mut Cursor<'_>) -> Parsed<Body> {
    cursor.space()?;
    let mailbox = cursor.mailbox()?;
    Ok(Body::DeleteAcl(mailbox, identifier(cursor)?))
}

pub(super) fn list_rights(cursor: &mut Cursor<'_>) -> Parsed<Body> {
    cursor.space()?;
    let mailbox = cursor.mailbox()?;
    Ok(Body::ListRights(mailbox, identifier(cursor)?))
}

fn identifier(cursor: &mut Cursor<'_>) -> Parsed<String> {
    cursor.space()?;
    let identifier = cursor.text()?;
    match (1..=MAX_IDENTIFIER).contains(&identifier.len()) {
        true => Ok(identifier),
        false => Err(Malformed("An identifier has 1 to 400 octets")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Command, MailboxName};

    fn parse(text: &str) -> Option<Body> {
        Command::parse(text.as_bytes())
            .ok()
            .map(|command| command.body)
    }

    /// RFC 4314 §3.1–3.5 examples.
    #[test]
    fn commands_as_in_the_rfc() {
        let mailbox = MailboxName::new("INBOX/Drafts");
        let set = |modification, rights: &str| {
            Some(Body::SetAcl(SetAcl {
                mailbox: mailbox.clone(),
                identifier: "John".into(),
                modification,
                rights: rights.into(),
            }))
        };
        assert_eq!(parse("A035 SETACL INBOX/Drafts John lrQswicda"), None);
        assert_eq!(
            parse("A036 SETACL INBOX/Drafts John lrswicda"),
            set(Modification::Replace, "lrswicda")
        );
        assert_eq!(
            parse("A SETACL INBOX/Drafts John +t"),
            set(Modification::Add, "t")
        );
        assert_eq!(
            parse("A SETACL INBOX/Drafts John \"-t\""),
            set(Modification::Remove, "t")
        );
        assert_eq!(
            parse("A SETACL INBOX/Drafts John \"\""),
            set(Modification::Replace, "")
        );
        assert_eq!(
            parse("B001 DELETEACL INBOX -Fred"),
            Some(Body::DeleteAcl(MailboxName::new("INBOX"), "-Fred".into()))
        );
        assert_eq!(
            parse("A002 GETACL INBOX"),
            Some(Body::GetAcl(MailboxName::new("INBOX")))
        );
        assert_eq!(
            parse("a001 LISTRIGHTS ~/Mail/saved smith"),
            Some(Body::ListRights(
                MailboxName::new("~/Mail/saved"),
                "smith".into()
            ))
        );
        assert_eq!(
            parse("A003 MYRIGHTS INBOX"),
            Some(Body::MyRights(MailboxName::new("INBOX")))
        );
        for wrong in [
            "a SETACL INBOX",
            "a SETACL INBOX x",
            "a DELETEACL INBOX",
            "a LISTRIGHTS INBOX \"\"",
            "a MYRIGHTS",
            "a GETACL INBOX x",
        ] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }
}
