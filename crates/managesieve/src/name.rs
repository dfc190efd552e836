//! Names of scripts (RFC 5804 §1.6): Net-Unicode without control characters and line separators, compared as octets.

use std::fmt;

/// Characters that every server must allow, and more than ours does not keep.
const MAX_CHARACTERS: usize = 128;

/// The name of a script: never empty. Only [`ScriptName::parse`] makes one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ScriptName(String);

/// Why a text is no name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// It is empty.
    #[error("the name of a script cannot be empty")]
    Empty,
    /// More than 128 characters.
    #[error("the name of a script has at most {MAX_CHARACTERS} characters")]
    TooLong,
    /// It is not UTF-8.
    #[error("the name of a script is UTF-8")]
    NotUtf8,
    /// It has one of the characters that RFC 5804 §1.6 forbids.
    #[error("the name of a script has no control characters and no line ends")]
    Forbidden,
}

impl ScriptName {
    /// Checks a name.
    pub fn parse(text: &str) -> Result<ScriptName, NameError> {
        if text.is_empty() {
            Err(NameError::Empty)
        } else if text.chars().count() > MAX_CHARACTERS {
            Err(NameError::TooLong)
        } else if text.chars().any(is_forbidden) {
            Err(NameError::Forbidden)
        } else {
            Ok(ScriptName(text.to_owned()))
        }
    }

    /// Checks a name that came over the wire.
    pub fn from_octets(octets: &[u8]) -> Result<ScriptName, NameError> {
        let text = std::str::from_utf8(octets).map_err(|_| NameError::NotUtf8)?;
        ScriptName::parse(text)
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// RFC 5804 §1.6; C1 controls are among Rust's control characters.
fn is_forbidden(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')
}

impl fmt::Display for ScriptName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl AsRef<str> for ScriptName {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc5804_section_1_6_names() {
        assert_eq!(ScriptName::parse("Urlaub ☀").unwrap().as_str(), "Urlaub ☀");
        assert!(ScriptName::parse(&"ü".repeat(128)).is_ok());
        assert_eq!(ScriptName::parse(&"ü".repeat(129)), Err(NameError::TooLong));
        assert_eq!(ScriptName::parse(""), Err(NameError::Empty));
        assert_eq!(ScriptName::from_octets(b"\xff"), Err(NameError::NotUtf8));
        for bad in ["a\0", "a\nb", "\u{7f}", "\u{85}", "\u{2028}", "\u{2029}"] {
            assert_eq!(ScriptName::parse(bad), Err(NameError::Forbidden), "{bad:?}");
        }
    }
}
