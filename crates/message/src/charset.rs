//! Octets in a named character set become text. Never fails: what cannot be read becomes U+FFFD.

use encoding_rs::{Encoding, UTF_8, WINDOWS_1252};

/// Text of octets in the character set of this label (RFC 2978). Unknown labels, and labels that the octets contradict, are
/// read as [`guess`] reads them.
pub fn decode(label: &str, octets: &[u8]) -> String {
    let label = label.trim().trim_matches(['"', '\'']);
    if label.eq_ignore_ascii_case("utf-7") || label.eq_ignore_ascii_case("unicode-1-1-utf-7") {
        return utf7(octets);
    }
    match Encoding::for_label_no_replacement(label.as_bytes()) {
        Some(encoding) if encoding != UTF_8 && !is_ascii_label(label) => {
            encoding.decode_without_bom_handling(octets).0.into_owned()
        }
        _ => guess(octets),
    }
}

/// `us-ascii` is what mail says that knows nothing better; its 8-bit octets are most often UTF-8.
fn is_ascii_label(label: &str) -> bool {
    label.eq_ignore_ascii_case("us-ascii") || label.eq_ignore_ascii_case("ascii")
}

/// UTF-8 if the octets are that, otherwise windows-1252, of which every octet is a letter.
pub fn guess(octets: &[u8]) -> String {
    match std::str::from_utf8(octets) {
        Ok(text) => text.to_owned(),
        // Cut in the middle of a letter, not another character set.
        Err(error) if error.error_len().is_none() => String::from_utf8_lossy(octets).into_owned(),
        Err(_) => WINDOWS_1252
            .decode_without_bom_handling(octets)
            .0
            .into_owned(),
    }
}

/// RFC 2152: `+` … `-` holds UTF-16 in base64 without padding.
fn utf7(octets: &[u8]) -> String {
    let mut text = String::new();
    let mut rest = octets;
    while let Some(plus) = memchr::memchr(b'+', rest) {
        text.push_str(&guess(&rest[..plus]));
        let shifted = &rest[plus + 1..];
        let is_letter = |o: &u8| o.is_ascii_alphanumeric() || matches!(o, b'+' | b'/');
        let length = shifted.iter().take_while(|o| is_letter(o)).count();
        match length {
            0 => text.push('+'),
            _ => text.push_str(&utf16(&crate::transfer::base64(&shifted[..length]))),
        }
        rest = &shifted[length..];
        rest = rest.strip_prefix(b"-").unwrap_or(rest);
    }
    text.push_str(&guess(rest));
    text
}

fn utf16(octets: &[u8]) -> String {
    let units: Vec<u16> = octets
        .chunks_exact(2)
        .map(|pair| u16::from_be_bytes([pair[0], pair[1]]))
        .collect();
    String::from_utf16_lossy(&units)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_of_every_kind() {
        assert_eq!(decode("ISO-8859-1", b"gr\xf6\xdfe"), "größe");
        assert_eq!(decode("\"koi8-r\"", b"\xd0\xd2\xc9"), "при");
        assert_eq!(decode("iso-2022-jp", b"\x1b$B$\"\x1b(B"), "あ");
        assert_eq!(decode("gb2312", b"\xc4\xe3"), "你");
        assert_eq!(decode("x-unheard-of", "größe".as_bytes()), "größe");
        assert_eq!(decode("us-ascii", b"gr\xf6"), "grö");
        assert_eq!(decode("utf-8", b"gr\xf6\xdfe"), "größe");
    }

    #[test]
    fn rfc2152_utf7() {
        assert_eq!(decode("UTF-7", b"Hi Mom -+Jjo--!"), "Hi Mom -\u{263a}-!");
        assert_eq!(
            decode("utf-7", b"A+ImIDkQ. 1 +- 1"),
            "A\u{2262}\u{391}. 1 + 1"
        );
    }
}
