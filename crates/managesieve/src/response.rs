//! Responses (RFC 5804 §1.2, §1.3, §4): how they are written.

/// The three outcomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// It is done.
    Ok,
    /// It is not done.
    No,
    /// The session ends.
    Bye,
}

/// RFC 5804 §1.3: what a program can make of a response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Code {
    /// Log in with a stronger mechanism.
    AuthTooWeak,
    /// Only over TLS.
    EncryptNeeded,
    /// No room for it.
    Quota,
    /// One script more than an account may have.
    QuotaMaxScripts,
    /// The script is too large.
    QuotaMaxSize,
    /// The last data of a log-in, not yet in base64.
    Sasl(Vec<u8>),
    /// Not now; later.
    TryLater,
    /// The script is the active one.
    Active,
    /// There is no such script.
    NonExistent,
    /// There is a script of that name.
    AlreadyExists,
    /// What NOOP brought along.
    Tag(Vec<u8>),
    /// The script is fine, and something about it is worth a look.
    Warnings,
}

/// The line that ends the answer to a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// How it went.
    pub condition: Condition,
    /// For programs.
    pub code: Option<Code>,
    /// For people; may have several lines.
    pub text: Option<String>,
}

impl Response {
    /// `OK` without more.
    pub fn ok() -> Response {
        Response {
            condition: Condition::Ok,
            code: None,
            text: None,
        }
    }

    /// `NO` with a reason.
    pub fn no(text: impl Into<String>) -> Response {
        Response {
            condition: Condition::No,
            code: None,
            text: Some(text.into()),
        }
    }

    /// `BYE` with a reason.
    pub fn bye(text: impl Into<String>) -> Response {
        Response {
            condition: Condition::Bye,
            ..Response::no(text)
        }
    }

    /// The same with a code.
    pub fn code(mut self, code: Code) -> Response {
        self.code = Some(code);
        self
    }

    /// The same with a text.
    pub fn text(mut self, text: impl Into<String>) -> Response {
        self.text = Some(text.into());
        self
    }

    /// Appends it as it goes over the wire.
    pub fn write_to(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(match self.condition {
            Condition::Ok => b"OK",
            Condition::No => b"NO",
            Condition::Bye => b"BYE",
        });
        if let Some(code) = &self.code {
            out.extend_from_slice(b" (");
            code.write_to(out);
            out.push(b')');
        }
        if let Some(text) = &self.text {
            out.push(b' ');
            quoted_or_literal(text.as_bytes(), out);
        }
        out.extend_from_slice(b"\r\n");
    }
}

impl Code {
    fn write_to(&self, out: &mut Vec<u8>) {
        let (word, data) = match self {
            Code::AuthTooWeak => ("AUTH-TOO-WEAK", None),
            Code::EncryptNeeded => ("ENCRYPT-NEEDED", None),
            Code::Quota => ("QUOTA", None),
            Code::QuotaMaxScripts => ("QUOTA/MAXSCRIPTS", None),
            Code::QuotaMaxSize => ("QUOTA/MAXSIZE", None),
            Code::Sasl(data) => ("SASL", Some(base64(data))),
            Code::TryLater => ("TRYLATER", None),
            Code::Active => ("ACTIVE", None),
            Code::NonExistent => ("NONEXISTENT", None),
            Code::AlreadyExists => ("ALREADYEXISTS", None),
            Code::Tag(data) => ("TAG", Some(data.clone())),
            Code::Warnings => ("WARNINGS", None),
        };
        out.extend_from_slice(word.as_bytes());
        if let Some(data) = data {
            out.push(b' ');
            quoted_or_literal(&data, out);
        }
    }
}

/// Data of a SASL exchange as it goes over the wire.
pub(crate) fn base64(data: &[u8]) -> Vec<u8> {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD
        .encode(data)
        .into_bytes()
}

/// Octets that a quoted string may have (RFC 5804 §4).
const MAX_QUOTED: usize = 1024;

/// A string in the form that suits it: quoted if it is short UTF-8 on one line, else a literal.
pub fn quoted_or_literal(text: &[u8], out: &mut Vec<u8>) {
    let has_line_ends = text.iter().any(|octet| b"\r\n\0".contains(octet));
    if has_line_ends || text.len() > MAX_QUOTED || std::str::from_utf8(text).is_err() {
        literal(text, out);
        return;
    }
    out.push(b'"');
    for &octet in text {
        if matches!(octet, b'"' | b'\\') {
            out.push(b'\\');
        }
        out.push(octet);
    }
    out.push(b'"');
}

/// A literal of a server: without the plus.
pub(crate) fn literal(text: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(format!("{{{}}}\r\n", text.len()).as_bytes());
    out.extend_from_slice(text);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::framer::{Framer, Item, Limits, Token};
    use proptest::prelude::*;

    fn written(response: &Response) -> String {
        let mut out = Vec::new();
        response.write_to(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn rfc5804_responses() {
        assert_eq!(written(&Response::ok()), "OK\r\n");
        assert_eq!(
            written(&Response::no("Quota exceeded").code(Code::QuotaMaxSize)),
            "NO (QUOTA/MAXSIZE) \"Quota exceeded\"\r\n"
        );
        assert_eq!(
            written(
                &Response::ok()
                    .code(Code::Tag(b"STARTTLS-SYNC-42".to_vec()))
                    .text("Done")
            ),
            "OK (TAG \"STARTTLS-SYNC-42\") \"Done\"\r\n"
        );
        assert_eq!(
            written(&Response::ok().code(Code::Sasl(b"v=x".to_vec()))),
            "OK (SASL \"dj14\")\r\n"
        );
        assert_eq!(
            written(&Response::no("line 1: a\r\nline 2: b")),
            "NO {20}\r\nline 1: a\r\nline 2: b\r\n"
        );
        assert_eq!(
            written(&Response::bye("a \"b\" \\")),
            "BYE \"a \\\"b\\\" \\\\\"\r\n"
        );
    }

    proptest! {
        /// What is written can be read, and is one string whatever stands in it.
        #[test]
        fn strings_survive(text in proptest::collection::vec(any::<u8>(), 0..300)) {
            let mut out = b"X ".to_vec();
            quoted_or_literal(&text, &mut out);
            // A client's literals have a plus.
            let literal = out.starts_with(format!("X {{{}}}", text.len()).as_bytes());
            let mut wire = match literal {
                true => [format!("X {{{}+}}\r\n", text.len()).as_bytes(), &text].concat(),
                false => out,
            };
            wire.extend_from_slice(b"\r\n");
            let mut framer = Framer::new(Limits::BEFORE_LOGIN);
            framer.feed(&wire);
            prop_assert_eq!(framer.next_item(), Item::Tokens(vec![Token::Atom("X".into()), Token::Text(text)]));
            prop_assert_eq!(framer.next_item(), Item::Wait);
        }
    }
}
