//! Tags: the client's name for a command (RFC 3501 §2.2.1).

use std::fmt;

/// The longest tag taken. Clients use a handful of octets; a tag comes back in every tagged response.
const MAX: usize = 128;

/// A command tag: 1 to 128 printable ASCII characters without the specials of the grammar (RFC 3501 §9 `tag`).
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Tag(String);

impl Tag {
    /// The tag these octets spell, if they are one.
    pub fn new(octets: &[u8]) -> Option<Tag> {
        let valid =
            !octets.is_empty() && octets.len() <= MAX && octets.iter().all(|o| is_tag_char(*o));
        valid.then(|| Tag(octets.iter().map(|o| char::from(*o)).collect()))
    }

    /// The tag a line begins with, if it begins with one and a space.
    pub fn leading(line: &[u8]) -> Option<Tag> {
        let end = line.iter().take(MAX + 1).position(|o| *o == b' ')?;
        Tag::new(&line[..end])
    }

    /// As the client wrote it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// ASTRING-CHAR without `+`.
fn is_tag_char(octet: u8) -> bool {
    octet != b'+' && crate::parse::is_astring_char(octet)
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tag({})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_tag_characters_make_a_tag() {
        assert!(Tag::new(b"A0001").is_some());
        assert!(Tag::new(b"x.]y").is_some());
        for wrong in [&b""[..], b"+", b"a+", b"a b", b"a(", b"\xc3\xa4", b"a\x00"] {
            assert_eq!(Tag::new(wrong), None);
        }
        assert_eq!(Tag::new(&[b'a'; 129]), None);
    }
}
