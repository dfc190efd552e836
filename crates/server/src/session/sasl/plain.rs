//! PLAIN (RFC 4616): one message with the user name and the password. And what LOGIN, which never became a standard, asks.

use super::Malformed;

/// What a PLAIN message says.
#[derive(PartialEq, Eq)]
pub(super) struct Plain<'a> {
    /// Whom to act as; empty: the user himself.
    pub(super) authzid: &'a str,
    /// Who logs in.
    pub(super) authcid: &'a str,
    /// With which password.
    pub(super) password: &'a str,
}

/// The two questions of LOGIN, as every client knows them.
pub(super) const USERNAME: &[u8] = b"Username:";
pub(super) const PASSWORD: &[u8] = b"Password:";

impl<'a> Plain<'a> {
    /// `[authzid] NUL authcid NUL passwd`, UTF-8 (RFC 4616 §2).
    pub(super) fn parse(message: &'a [u8]) -> Result<Plain<'a>, Malformed> {
        let text = text(message)?;
        let mut fields = text.split('\0');
        let (Some(authzid), Some(authcid), Some(password), None) =
            (fields.next(), fields.next(), fields.next(), fields.next())
        else {
            return Err(
                "PLAIN needs an authorization identity, a user name and a password with NUL between them",
            );
        };
        if authcid.is_empty() || password.is_empty() {
            return Err("PLAIN needs a user name and a password");
        }
        Ok(Plain {
            authzid,
            authcid,
            password,
        })
    }
}

/// A name or a password of LOGIN.
pub(super) fn answer(message: &[u8]) -> Result<&str, Malformed> {
    let text = text(message)?;
    if text.is_empty() || text.contains('\0') {
        return Err("LOGIN needs a user name and a password without NUL");
    }
    Ok(text)
}

fn text(message: &[u8]) -> Result<&str, Malformed> {
    std::str::from_utf8(message).map_err(|_| "the response is not UTF-8")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// B5. RFC 4616 §4, first and second example.
    #[test]
    fn b05_rfc4616_section_4_examples() {
        let plain = Plain::parse(b"\0tim\0tanstaaftanstaaf").unwrap();
        assert_eq!(
            (plain.authzid, plain.authcid, plain.password),
            ("", "tim", "tanstaaftanstaaf")
        );
        let plain = Plain::parse(b"Ursel\0Kurt\0xipj3plmq").unwrap();
        assert_eq!((plain.authzid, plain.authcid), ("Ursel", "Kurt"));
    }

    #[test]
    fn fields_are_exactly_three_and_filled() {
        for bad in [
            &b""[..],
            b"tim",
            b"\0tim",
            b"\0\0pw",
            b"\0tim\0",
            b"\0tim\0pw\0",
            b"\0tim\0\xff",
        ] {
            assert!(Plain::parse(bad).is_err(), "{bad:?}");
        }
    }
}
