//! Replies (RFC 5321 §4.2): a three-digit code, an enhanced status code (RFC 3463, RFC 2034), lines of text. Here is how they are
//! written; reading them is the sending side's business.

/// Octets of text on one line, so that with code, enhanced code and CRLF it stays under 512 (RFC 5321 §4.5.3.1.5).
const MAX_TEXT: usize = 480;

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

    /// A reply of one line without an enhanced code: greetings, 334 and 354.
    pub fn plain(code: u16, text: impl Into<String>) -> Reply {
        Reply {
            code,
            enhanced: None,
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

    /// Appends the reply as it goes over the wire. Whatever the text holds, it cannot become a second reply: control characters
    /// and non-ASCII (RFC 5321 §4.2: `textstring`) are written as `?`, and long lines are broken.
    pub fn write_to(&self, out: &mut Vec<u8>) {
        let lines: Vec<String> = self.lines.iter().flat_map(|line| printable(line)).collect();
        let enhanced = self.enhanced.map(|e| format!("{e} ")).unwrap_or_default();
        for (index, line) in lines.iter().enumerate() {
            let separator = if index + 1 < lines.len() { '-' } else { ' ' };
            out.extend_from_slice(
                format!("{}{separator}{enhanced}{line}\r\n", self.code).as_bytes(),
            );
        }
        if lines.is_empty() {
            out.extend_from_slice(format!("{} {enhanced}\r\n", self.code).as_bytes());
        }
    }
}

/// The line in pieces that fit, broken at spaces where there are some.
fn printable(line: &str) -> Vec<String> {
    let clean: String = line
        .chars()
        .map(|c| {
            if matches!(c, ' '..='~' | '\t') {
                c
            } else {
                '?'
            }
        })
        .collect();
    let mut pieces = Vec::new();
    let mut rest = clean.as_str();
    while rest.len() > MAX_TEXT {
        let end = rest[..MAX_TEXT]
            .rfind(' ')
            .map_or(MAX_TEXT, |space| space + 1);
        pieces.push(rest[..end].trim_end().to_owned());
        rest = &rest[end..];
    }
    pieces.push(rest.to_owned());
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn written(reply: &Reply) -> String {
        let mut out = Vec::new();
        reply.write_to(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn one_line_and_many() {
        let reply = Reply::new(550, Enhanced(5, 1, 1), "No such user");
        assert_eq!(written(&reply), "550 5.1.1 No such user\r\n");
        let many = Reply {
            code: 250,
            enhanced: None,
            lines: vec!["mx1.example.com".into(), "SIZE 1".into(), "HELP".into()],
        };
        assert_eq!(
            written(&many),
            "250-mx1.example.com\r\n250-SIZE 1\r\n250 HELP\r\n"
        );
    }

    /// A text from outside (another server's reply, an address) cannot forge a reply line.
    #[test]
    fn line_ends_in_texts_are_disarmed() {
        let reply = Reply::new(550, Enhanced(5, 0, 0), "no\r\n250 2.0.0 yes é");
        assert_eq!(written(&reply), "550 5.0.0 no??250 2.0.0 yes ?\r\n");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]
        #[test]
        fn lines_stay_below_512_octets(text in "\\PC{0,1500}", word in "[a-z]{0,2000}") {
            let out = written(&Reply::new(451, Enhanced(4, 3, 0), format!("{text} {word}")));
            for line in out.split_inclusive("\r\n") {
                prop_assert!(line.len() <= 512 && line.starts_with("451"), "{}", line);
                prop_assert!(line.ends_with("\r\n") && line.is_ascii());
            }
        }
    }
}
