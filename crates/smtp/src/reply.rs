//! Replies: a three-digit code, an enhanced status code (RFC 3463), lines of text.

/// An enhanced status code (RFC 3463), e.g. `5.1.1`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub struct Enhanced(pub u8, pub u16, pub u16);

impl std::fmt::Display for Enhanced {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}.{}", self.0, self.1, self.2)
    }
}

/// A reply as sent or received.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reply {
    /// 200 to 599.
    pub code: u16,
    /// The enhanced code, if there is one.
    pub enhanced: Option<Enhanced>,
    /// Text lines without CRLF; at least one.
    pub lines: Vec<String>,
}

impl Reply {
    /// A reply of one line.
    pub fn new(code: u16, enhanced: Enhanced, text: impl Into<String>) -> Reply {
        Reply {
            code,
            enhanced: Some(enhanced),
            lines: vec![text.into()],
        }
    }
    /// 2xx?
    pub fn is_positive(&self) -> bool {
        (200..300).contains(&self.code)
    }
    /// 4xx?
    pub fn is_temporary(&self) -> bool {
        (400..500).contains(&self.code)
    }
}
