//! `mailto:` URIs (RFC 6068) as notifications use them (RFC 5436).

use crate::action::Mailto;
use message::Address;

/// Recipients of one notification.
const MAX_RECIPIENTS: usize = 8;

/// Fields that a notification sets itself, or that no URI may set (RFC 5436 §2.7.2, RFC 6068 §4).
const NOT_SETTABLE: [&str; 14] = [
    "auto-submitted",
    "received",
    "message-id",
    "from",
    "sender",
    "date",
    "return-path",
    "mime-version",
    "content-type",
    "content-transfer-encoding",
    "content-disposition",
    "reply-to",
    "resent-to",
    "dkim-signature",
];

/// Why a method is none, if that can be seen from the URI alone. Schemes other than mailto are for the host to know.
pub(crate) fn problem(uri: &str) -> Option<String> {
    match uri.split_once(':') {
        None => Some("a URI has a scheme, such as mailto:".into()),
        Some((scheme, _)) if scheme.eq_ignore_ascii_case("mailto") => parse(uri).err(),
        Some(_) => None,
    }
}

/// Reads a `mailto:` URI.
///
/// # Errors
///
/// What is wrong with it.
pub(crate) fn parse(uri: &str) -> Result<Mailto, String> {
    let (_, rest) = uri.split_once(':').unwrap_or(("", uri));
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    let mut mailto = Mailto::default();
    addresses(path, &mut mailto.to)?;
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair
            .split_once('=')
            .ok_or_else(|| format!("`{pair}` has no value"))?;
        parameter(&mut mailto, &decode(name)?.to_ascii_lowercase(), value)?;
    }
    let recipients = mailto.to.len() + mailto.cc.len() + mailto.bcc.len();
    match recipients {
        0 => Err("it names no recipient".into()),
        1..=MAX_RECIPIENTS => Ok(mailto),
        _ => Err(format!("it names more than {MAX_RECIPIENTS} recipients")),
    }
}

fn parameter(mailto: &mut Mailto, name: &str, value: &str) -> Result<(), String> {
    match name {
        "to" => addresses(value, &mut mailto.to),
        "cc" => addresses(value, &mut mailto.cc),
        "bcc" => addresses(value, &mut mailto.bcc),
        "subject" => {
            mailto.subject = Some(decode(value)?);
            Ok(())
        }
        "body" => {
            mailto.body = Some(decode(value)?);
            Ok(())
        }
        name if !crate::run::is_field_name(name) => {
            Err(format!("`{name}` is no name of a header field"))
        }
        name if NOT_SETTABLE.contains(&name) => Ok(()),
        name => {
            let value = decode(value)?;
            mailto.fields.push((name.to_owned(), value));
            Ok(())
        }
    }
}

fn addresses(list: &str, into: &mut Vec<String>) -> Result<(), String> {
    for written in list.split(',').filter(|one| !one.is_empty()) {
        let text = decode(written)?;
        let address = Address::parse(text.trim()).map_err(|error| format!("`{text}`: {error}"))?;
        into.push(address.to_string());
    }
    Ok(())
}

pub(super) fn decode(text: &str) -> Result<String, String> {
    let mut octets = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&octet, tail)) = rest.split_first() {
        rest = tail;
        if octet != b'%' {
            octets.push(octet);
            continue;
        }
        let digits = tail
            .get(..2)
            .and_then(|digits| std::str::from_utf8(digits).ok());
        let octet = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        octets
            .push(octet.ok_or_else(|| format!("`{text}` has a % without two hexadecimal digits"))?);
        rest = &tail[2..];
    }
    let text = String::from_utf8(octets).map_err(|_| format!("`{text}` is not UTF-8"))?;
    match text.contains(|c: char| c.is_control() && !matches!(c, '\r' | '\n' | '\t')) {
        true => Err("it holds control characters".into()),
        false => Ok(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc6068_uris() {
        let mailto = parse(
            "mailto:list@example.com?cc=bob@example.com&body=hello%0D%0Aworld&X-A=b&From=x@y",
        )
        .unwrap();
        assert_eq!(mailto.to, ["list@example.com"]);
        assert_eq!(mailto.cc, ["bob@example.com"]);
        assert_eq!(mailto.body.unwrap(), "hello\r\nworld");
        assert_eq!(mailto.fields, [("x-a".to_owned(), "b".to_owned())]);
        let two = parse("mailto:a%2Bb@example.com,c@example.com?subject=50%25").unwrap();
        assert_eq!((two.to.len(), two.subject.as_deref()), (2, Some("50%")));
    }

    #[test]
    fn wrong_uris() {
        for wrong in [
            "mailto:",
            "mailto:x",
            "mailto:a@b.example?x",
            "mailto:a@b.example?subject=%G0",
            "mailto:a%",
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
        assert!(problem("nothing").is_some());
        assert!(problem("xmpp:a@b").is_none());
    }
}
