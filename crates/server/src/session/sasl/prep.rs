//! Prepares passwords and names for comparison: SASLprep (RFC 4013), as SCRAM asks (RFC 5802 §2.2).

use std::borrow::Cow;

/// The prepared form; `None` if the text holds what SASLprep forbids (control characters, unassigned code points).
pub fn prepare(text: &str) -> Option<Cow<'_, str>> {
    if text.bytes().all(|octet| (0x20..0x7f).contains(&octet)) {
        return Some(Cow::Borrowed(text));
    }
    stringprep::saslprep(text).ok()
}

#[cfg(test)]
mod tests {
    use super::prepare;

    /// RFC 4013 §3.
    #[test]
    fn rfc4013_section_3_examples() {
        assert_eq!(prepare("I\u{ad}X").unwrap(), "IX");
        assert_eq!(prepare("user").unwrap(), "user");
        assert_eq!(prepare("USER").unwrap(), "USER");
        assert_eq!(prepare("\u{aa}").unwrap(), "a");
        assert_eq!(prepare("\u{2168}").unwrap(), "IX");
        assert_eq!(prepare("\u{7}"), None);
        assert_eq!(prepare("\u{627}1"), None);
    }
}
