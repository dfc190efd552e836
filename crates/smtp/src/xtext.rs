//! xtext (RFC 3461 §4): the coding of ENVID, ORCPT and AUTH parameters. Knows nothing of what they mean.

/// Decodes xtext. Plain UTF-8 passes, as RFC 6533 §3 allows it in addresses. `None` where the coding is broken, or where it hides
/// an octet that is not printable.
pub fn decode(text: &str) -> Option<String> {
    let mut octets = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(octet) = rest.next() {
        octets.push(match octet {
            b'+' => hex(rest.next()?)? << 4 | hex(rest.next()?)?,
            b'=' => return None,
            other => other,
        });
    }
    let decoded = String::from_utf8(octets).ok()?;
    (!decoded.chars().any(char::is_control)).then_some(decoded)
}

/// Encodes a text as xtext: `+`, `=` and all that is not graphic ASCII become `+XX`.
pub fn encode(text: &str) -> String {
    let mut coded = String::with_capacity(text.len());
    for octet in text.bytes() {
        match octet {
            b'!'..=b'~' if !matches!(octet, b'+' | b'=') => coded.push(char::from(octet)),
            _ => coded.push_str(&format!("+{octet:02X}")),
        }
    }
    coded
}

/// RFC 3461 §4: hexadecimal digits in upper case. Lower case is seen in the wild and means nothing else.
fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).map(|d| d as u8)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn broken_coding_is_refused() {
        for bad in ["+", "+4", "+4G", "a=b", "+0A", "+FF"] {
            assert_eq!(decode(bad), None, "{bad}");
        }
    }

    /// RFC 3461 §10 (example ORCPT) and §4.
    #[test]
    fn coded_and_plain() {
        assert_eq!(decode("QQ314159").as_deref(), Some("QQ314159"));
        assert_eq!(decode("a+2Bb+40c").as_deref(), Some("a+b@c"));
        assert_eq!(encode("a+b =c"), "a+2Bb+20+3Dc");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]
        #[test]
        fn what_is_encoded_decodes(text in "\\PC{0,30}") {
            prop_assert_eq!(decode(&encode(&text)), Some(text));
        }
        #[test]
        fn no_text_panics(text in "[+=0-9A-Z\\PC]{0,30}") {
            let _ = decode(&text);
        }
    }
}
