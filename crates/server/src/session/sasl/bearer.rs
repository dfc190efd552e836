//! Log-in with a token of an OAuth 2 issuer: OAUTHBEARER (RFC 7628) and its elder, XOAUTH2, which only its inventor has described.
//!
//! Reads the client's one message and writes what a refusal says. Whether a token is good is the issuer's to say (`login::token`).

use super::Malformed;
use serde_json::json;

/// Octets of a message, decoded: with its base64 and the command it fills a line of 12288 (RFC 4954 §4). Tokens of some issuers are long.
pub(super) const MAX_MESSAGE: usize = 9000;

/// Ends a field.
const SEPARATOR: char = '\x01';

/// Which of the two is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    /// RFC 7628.
    OauthBearer,
    /// `user=NAME ^A auth=Bearer TOKEN ^A ^A`.
    Xoauth2,
}

/// What the client's message says.
#[derive(PartialEq, Eq)]
pub(super) struct Bearer {
    /// Whom to log in; empty: whomever the token names.
    pub(super) user: String,
    /// The access token.
    pub(super) token: String,
}

impl Bearer {
    /// Reads a message.
    pub(super) fn parse(dialect: Dialect, message: &[u8]) -> Result<Bearer, Malformed> {
        let text = std::str::from_utf8(message).map_err(|_| "the response is not UTF-8")?;
        match dialect {
            Dialect::OauthBearer => oauthbearer(text),
            Dialect::Xoauth2 => xoauth2(text),
        }
    }
}

/// `gs2-header kvsep *kvpair kvsep` (RFC 7628 §3.1).
fn oauthbearer(text: &str) -> Result<Bearer, Malformed> {
    let (header, fields) = text
        .split_once(SEPARATOR)
        .ok_or("OAUTHBEARER needs a GS2 header and fields, each ended by 0x01")?;
    Ok(Bearer {
        user: authorization_identity(header)?,
        token: token(fields)?,
    })
}

/// The identity of a GS2 header, `n,a=alice@example.com,` (RFC 5801 §4); there is nothing to bind a token to a channel with.
fn authorization_identity(header: &str) -> Result<String, Malformed> {
    let mut parts = header.split(',');
    let (Some("n" | "y"), Some(identity), Some(""), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err("the GS2 header must be like n,a=USER,");
    };
    match identity.strip_prefix("a=") {
        Some(name) if !name.is_empty() => Ok(name.replace("=2C", ",").replace("=3D", "=")),
        None if identity.is_empty() => Ok(String::new()),
        _ => Err("the GS2 header must be like n,a=USER,"),
    }
}

fn xoauth2(text: &str) -> Result<Bearer, Malformed> {
    let (user, fields) = text
        .strip_prefix("user=")
        .and_then(|rest| rest.split_once(SEPARATOR))
        .ok_or("XOAUTH2 begins with user=NAME and 0x01")?;
    Ok(Bearer {
        user: user.to_owned(),
        token: token(fields)?,
    })
}

/// The token among `key=value` fields, of which others (`host`, `port`) mean nothing here.
fn token(fields: &str) -> Result<String, Malformed> {
    let fields = fields
        .strip_suffix("\x01\x01")
        .ok_or("the fields must end with 0x01 0x01")?;
    let value = fields
        .split(SEPARATOR)
        .find_map(|field| field.strip_prefix("auth="))
        .ok_or("the field auth is missing")?;
    let (scheme, token) = value.split_once(' ').unwrap_or((value, ""));
    let token = token.trim_matches(' ');
    match scheme.eq_ignore_ascii_case("bearer") && is_token(token) {
        true => Ok(token.to_owned()),
        false => Err("the field auth must be like Bearer TOKEN"),
    }
}

/// `b64token` (RFC 6750 §2.1).
fn is_token(text: &str) -> bool {
    let body = text.trim_end_matches('=');
    !body.is_empty()
        && body
            .bytes()
            .all(|octet| octet.is_ascii_alphanumeric() || b"-._~+/".contains(&octet))
}

/// What a refused client is told before the exchange fails (RFC 7628 §3.2.2), so that it asks its issuer for a fresh token.
pub(super) fn refusal(dialect: Dialect, scope: Option<&str>, discovery: Option<&str>) -> Vec<u8> {
    let status = match dialect {
        Dialect::OauthBearer => "invalid_token",
        Dialect::Xoauth2 => "401",
    };
    let mut told = json!({ "status": status, "schemes": "bearer" });
    if let Some(scope) = scope {
        told["scope"] = scope.into();
    }
    if let Some(discovery) = discovery {
        told["openid-configuration"] = discovery.into();
    }
    told.to_string().into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parsed(dialect: Dialect, message: &str) -> Result<(String, String), Malformed> {
        Bearer::parse(dialect, message.as_bytes()).map(|bearer| (bearer.user, bearer.token))
    }

    /// RFC 7628 §4.1.
    #[test]
    fn rfc7628_section_4_1_example() {
        let message = "n,a=user@example.com,\x01host=server.example.com\x01port=143\x01auth=Bearer vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==\x01\x01";
        let token = "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==".to_owned();
        assert_eq!(
            parsed(Dialect::OauthBearer, message),
            Ok(("user@example.com".into(), token))
        );
        let anonymous = "n,,\x01auth=bearer abc\x01\x01";
        assert_eq!(
            parsed(Dialect::OauthBearer, anonymous),
            Ok((String::new(), "abc".into()))
        );
        let escaped = "y,a=a=2Cb=3Dc,\x01auth=Bearer abc\x01\x01";
        assert_eq!(
            parsed(Dialect::OauthBearer, escaped).map(|pair| pair.0),
            Ok("a,b=c".into())
        );
    }

    /// The example that its inventor gives.
    #[test]
    fn w16_xoauth2() {
        let message = "user=someuser@example.com\x01auth=Bearer ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg\x01\x01";
        let token = "ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg".to_owned();
        assert_eq!(
            parsed(Dialect::Xoauth2, message),
            Ok(("someuser@example.com".into(), token))
        );
    }

    #[test]
    fn what_is_malformed() {
        for message in [
            "",
            "\x01",
            "n,,",
            "n,,\x01\x01",
            "p=tls-exporter,,\x01auth=Bearer abc\x01\x01",
            "n,a=,\x01auth=Bearer abc\x01\x01",
            "n,b,\x01auth=Bearer abc\x01\x01",
            "n,,,\x01auth=Bearer abc\x01\x01",
            "n,,\x01auth=Basic abc\x01\x01",
            "n,,\x01auth=Bearer \x01\x01",
            "n,,\x01auth=Bearer a b\x01\x01",
            "n,,\x01auth=Bearer a\"b\x01\x01",
            "n,,\x01auth=Bearer ===\x01\x01",
            "n,,\x01auth=Bearer abc\x01",
        ] {
            assert!(
                parsed(Dialect::OauthBearer, message).is_err(),
                "{message:?}"
            );
        }
        for message in [
            "user=a",
            "auth=Bearer abc\x01\x01",
            "user=a\x01auth=Bearer abc",
        ] {
            assert!(parsed(Dialect::Xoauth2, message).is_err(), "{message:?}");
        }
    }

    proptest! {
        #[test]
        fn any_octets_are_read_or_refused(octets in proptest::collection::vec(any::<u8>(), 0..200)) {
            for dialect in [Dialect::OauthBearer, Dialect::Xoauth2] {
                if let Ok(bearer) = Bearer::parse(dialect, &octets) {
                    prop_assert!(is_token(&bearer.token));
                }
            }
        }
    }
}
