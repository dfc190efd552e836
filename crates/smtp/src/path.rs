//! Reverse-path and forward-path (RFC 5321 §4.1.2, RFC 6531 §3.3, lengths §4.5.3.1).
//!
//! Reads what stands between `<` and `>` into a [`Mailbox`]. Whether an address exists, or may be used, is not known here; whether
//! UTF-8 was allowed is asked by the caller ([`Mailbox::is_ascii`]), who knows if SMTPUTF8 was said.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

/// Octets of a local part (RFC 5321 §4.5.3.1.1).
pub const MAX_LOCAL_PART: usize = 64;
/// Octets of a domain (RFC 5321 §4.5.3.1.2).
pub const MAX_DOMAIN: usize = 255;
/// Octets of a path with its angle brackets (RFC 5321 §4.5.3.1.3).
pub const MAX_PATH: usize = 256;

/// An address `local-part@domain` that follows the grammar.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Mailbox {
    local: String,
    domain: String,
}

/// What stands in RCPT TO (RFC 5321 §4.1.1.3).
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum ForwardPath {
    /// An address.
    Mailbox(Mailbox),
    /// `<Postmaster>` without a domain, in any case.
    Postmaster,
}

/// Why a text is not a path. The words complete the sentence "the address …".
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum PathError {
    /// No `<` where the path begins.
    #[error("must stand in angle brackets, as in <name@example.com>")]
    NoBrackets,
    /// The closing `>` is missing, or something stands before it that belongs elsewhere.
    #[error("does not end with '>' where it should")]
    NotClosed,
    /// The part before the `@` is not a dot-string or quoted-string.
    #[error("has a local part that is not well-formed")]
    LocalPart,
    /// There is no `@`.
    #[error("has no domain")]
    NoDomain,
    /// The part after the `@` is neither a domain name nor an address literal.
    #[error("has a domain that is not well-formed")]
    Domain,
    /// A source route that is not one.
    #[error("has a source route that is not well-formed")]
    Route,
    /// More octets than RFC 5321 §4.5.3.1 allows.
    #[error("is too long (local part 64, domain 255, all 256 octets)")]
    TooLong,
    /// `<>` where an address is needed.
    #[error("is empty")]
    Empty,
}

/// Reads a reverse-path at the start of `text`: `<>` gives `None`. Returns what follows the `>`.
pub fn reverse_path(text: &str) -> Result<(Option<Mailbox>, &str), PathError> {
    if let Some(rest) = text.strip_prefix("<>") {
        return Ok((None, rest));
    }
    let (mailbox, rest) = bracketed(text)?;
    Ok((Some(mailbox), rest))
}

/// Reads a forward-path at the start of `text`. Returns what follows the `>`.
pub fn forward_path(text: &str) -> Result<(ForwardPath, &str), PathError> {
    const POSTMASTER: &str = "<postmaster>";
    if let Some((head, rest)) = text.split_at_checked(POSTMASTER.len())
        && head.eq_ignore_ascii_case(POSTMASTER)
    {
        return Ok((ForwardPath::Postmaster, rest));
    }
    if text.starts_with("<>") {
        return Err(PathError::Empty);
    }
    let (mailbox, rest) = bracketed(text)?;
    Ok((ForwardPath::Mailbox(mailbox), rest))
}

impl Mailbox {
    /// Reads `local-part@domain` without brackets; nothing may follow.
    pub fn parse(text: &str) -> Result<Mailbox, PathError> {
        match mailbox(text)? {
            (mailbox, "") => Ok(mailbox),
            _ => Err(PathError::Domain),
        }
    }

    /// The local part without quotes and backslashes, in the case it was written.
    pub fn local(&self) -> &str {
        &self.local
    }

    /// The domain as written, or an address literal with its brackets.
    pub fn domain(&self) -> &str {
        &self.domain
    }

    /// Whether it can be sent to a server without SMTPUTF8.
    pub fn is_ascii(&self) -> bool {
        self.local.is_ascii() && self.domain.is_ascii()
    }
}

impl ForwardPath {
    /// Whether it can be sent to a server without SMTPUTF8.
    pub fn is_ascii(&self) -> bool {
        match self {
            ForwardPath::Mailbox(mailbox) => mailbox.is_ascii(),
            ForwardPath::Postmaster => true,
        }
    }
}

impl fmt::Display for Mailbox {
    /// As it stands between the brackets of a path; the local part is quoted where it must be.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if is_dot_string(&self.local) {
            return write!(f, "{}@{}", self.local, self.domain);
        }
        f.write_str("\"")?;
        for c in self.local.chars() {
            if matches!(c, '"' | '\\') {
                f.write_str("\\")?;
            }
            write!(f, "{c}")?;
        }
        write!(f, "\"@{}", self.domain)
    }
}

impl fmt::Display for ForwardPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ForwardPath::Mailbox(mailbox) => mailbox.fmt(f),
            ForwardPath::Postmaster => f.write_str("Postmaster"),
        }
    }
}

/// `"<" [ A-d-l ":" ] Mailbox ">"`
fn bracketed(text: &str) -> Result<(Mailbox, &str), PathError> {
    let inner = text.strip_prefix('<').ok_or(PathError::NoBrackets)?;
    let (mailbox, rest) = mailbox(without_route(inner)?)?;
    let rest = rest.strip_prefix('>').ok_or(PathError::NotClosed)?;
    if text.len() - rest.len() > MAX_PATH {
        return Err(PathError::TooLong);
    }
    Ok((mailbox, rest))
}

/// Drops a source route, which MUST be accepted and SHOULD be ignored (RFC 5321 §4.1.1.3, appendix C).
fn without_route(text: &str) -> Result<&str, PathError> {
    let mut rest = text;
    while let Some(hop) = rest.strip_prefix('@') {
        let (_, after) = domain(hop).map_err(|_| PathError::Route)?;
        rest = match after.strip_prefix(',') {
            Some(next) if next.starts_with('@') => next,
            _ => return after.strip_prefix(':').ok_or(PathError::Route),
        };
    }
    Ok(rest)
}

fn mailbox(text: &str) -> Result<(Mailbox, &str), PathError> {
    let (local, rest) = match text.strip_prefix('"') {
        Some(quoted) => quoted_string(quoted)?,
        None => dot_string(text)?,
    };
    if local.len() > MAX_LOCAL_PART {
        return Err(PathError::TooLong);
    }
    let rest = rest.strip_prefix('@').ok_or(PathError::NoDomain)?;
    let (domain, rest) = if rest.starts_with('[') {
        literal(rest)?
    } else {
        domain(rest)?
    };
    let domain = domain.to_owned();
    Ok((Mailbox { local, domain }, rest))
}

fn dot_string(text: &str) -> Result<(String, &str), PathError> {
    let end = text
        .find(|c| !is_atext(c) && c != '.')
        .unwrap_or(text.len());
    let (local, rest) = text.split_at(end);
    match is_dot_string(local) {
        true => Ok((local.to_owned(), rest)),
        false => Err(PathError::LocalPart),
    }
}

/// The text after the opening quote: content without quoting, and what follows the closing quote.
fn quoted_string(text: &str) -> Result<(String, &str), PathError> {
    let mut content = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' if content.is_empty() => return Err(PathError::LocalPart),
            '"' => return Ok((content, &text[at + 1..])),
            '\\' => match chars.next() {
                Some((_, escaped @ ' '..='~')) => content.push(escaped),
                _ => return Err(PathError::LocalPart),
            },
            c if c.is_control() => return Err(PathError::LocalPart),
            c => content.push(c),
        }
    }
    Err(PathError::LocalPart)
}

/// A domain name: labels of letters, digits, hyphens; also underscores, which real senders have, and UTF-8 (RFC 6531).
fn domain(text: &str) -> Result<(&str, &str), PathError> {
    let end = text
        .find(|c: char| !is_label_char(c) && c != '.')
        .unwrap_or(text.len());
    let (domain, rest) = text.split_at(end);
    if domain.len() > MAX_DOMAIN {
        return Err(PathError::TooLong);
    }
    match domain.split('.').all(is_label) {
        true => Ok((domain, rest)),
        false => Err(PathError::Domain),
    }
}

/// An address literal with its brackets (RFC 5321 §4.1.3): IPv4, or IPv6 with its tag.
fn literal(text: &str) -> Result<(&str, &str), PathError> {
    let end = text.find(']').ok_or(PathError::Domain)? + 1;
    let (literal, rest) = text.split_at(end);
    match is_literal(literal) {
        true => Ok((literal, rest)),
        false => Err(PathError::Domain),
    }
}

/// Whether this is an address literal in its brackets.
pub fn is_literal(text: &str) -> bool {
    let Some(inner) = text.strip_prefix('[').and_then(|t| t.strip_suffix(']')) else {
        return false;
    };
    match inner.split_at_checked(5) {
        Some((tag, v6)) if tag.eq_ignore_ascii_case("IPv6:") => v6.parse::<Ipv6Addr>().is_ok(),
        _ => inner.parse::<Ipv4Addr>().is_ok(),
    }
}

fn is_dot_string(text: &str) -> bool {
    text.split('.')
        .all(|atom| !atom.is_empty() && atom.chars().all(is_atext))
}

/// `atext` of RFC 5322 §3.2.3, extended by RFC 6531 §3.3 to all of UTF-8 above ASCII.
fn is_atext(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c) || is_beyond_ascii(c)
}

fn is_label_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_') || is_beyond_ascii(c)
}

/// C1 controls are characters in no address, and would act on terminals that show logs.
fn is_beyond_ascii(c: char) -> bool {
    !c.is_ascii() && !c.is_control()
}

fn is_label(label: &str) -> bool {
    !label.is_empty()
        && !label.starts_with('-')
        && !label.ends_with('-')
        && (label.len() <= 63 || !label.is_ascii())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn reverse(text: &str) -> Result<Option<String>, PathError> {
        reverse_path(text).map(|(m, _)| m.map(|m| m.to_string()))
    }

    fn forward(text: &str) -> Result<String, PathError> {
        forward_path(text).map(|(p, _)| p.to_string())
    }

    #[test]
    fn ordinary_addresses_and_what_follows_them() {
        let (mailbox, rest) = reverse_path("<smith@bar.com> SIZE=1").unwrap();
        let mailbox = mailbox.unwrap();
        assert_eq!((mailbox.local(), mailbox.domain()), ("smith", "bar.com"));
        assert_eq!(rest, " SIZE=1");
        assert_eq!(reverse("<>").unwrap(), None);
        assert_eq!(forward("<a.b+c@d-e.example>").unwrap(), "a.b+c@d-e.example");
    }

    /// RFC 5321 §4.1.1.3: source routes are dropped (A10: they must not lead around the relay check).
    #[test]
    fn a10_source_routes_are_dropped() {
        assert_eq!(
            forward("<@hosta.int,@jkl.org:userc@d.bar.org>").unwrap(),
            "userc@d.bar.org"
        );
        for bad in ["<@hosta.int>", "<@a,b:c@d>", "<@:c@d>", "<@a.b:>"] {
            assert!(forward(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn quoted_local_parts_lose_quotes_that_are_not_needed() {
        assert_eq!(forward(r#"<"alice"@x.org>"#).unwrap(), "alice@x.org");
        assert_eq!(forward(r#"<"a b"@x.org>"#).unwrap(), r#""a b"@x.org"#);
        assert_eq!(forward(r#"<"a\"b"@x.org>"#).unwrap(), r#""a\"b"@x.org"#);
        let (path, _) = forward_path(r#"<"x@gmail.com"@example.com>"#).unwrap();
        let ForwardPath::Mailbox(mailbox) = path else {
            panic!("a mailbox")
        };
        assert_eq!(mailbox.local(), "x@gmail.com");
        assert_eq!(mailbox.domain(), "example.com");
        for bad in [r#"<""@x.org>"#, "<\"a@x.org>", "<\"a\\\u{1}\"@x.org>"] {
            assert!(forward(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn address_literals() {
        assert!(forward("<a@[192.0.2.1]>").is_ok());
        assert!(forward("<a@[IPv6:2001:db8::1]>").is_ok());
        for bad in [
            "<a@[192.0.2.256]>",
            "<a@[2001:db8::1]>",
            "<a@[>",
            "<a@[x:y]>",
        ] {
            assert!(forward(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn postmaster_needs_no_domain_in_any_case() {
        assert_eq!(
            forward_path("<PostMaster>").unwrap().0,
            ForwardPath::Postmaster
        );
        assert_eq!(forward("<alice>"), Err(PathError::NoDomain));
        assert_eq!(reverse("<postmaster>"), Err(PathError::NoDomain));
        assert_eq!(forward("<>"), Err(PathError::Empty));
    }

    #[test]
    fn broken_addresses_are_refused() {
        let cases = [
            ("a@b.c", PathError::NoBrackets),
            ("<a@b.c", PathError::NotClosed),
            ("<a@b.c d>", PathError::NotClosed),
            ("<.a@b.c>", PathError::LocalPart),
            ("<a..b@b.c>", PathError::LocalPart),
            ("<a.@b.c>", PathError::LocalPart),
            ("<@>", PathError::Route),
            ("<a@>", PathError::Domain),
            ("<a@b..c>", PathError::Domain),
            ("<a@-b.c>", PathError::Domain),
            ("<a@b.c.>", PathError::Domain),
            ("<a b@c.d>", PathError::NoDomain),
            ("<a@b@c>", PathError::NotClosed),
        ];
        for (text, error) in cases {
            assert_eq!(reverse(text), Err(error), "{text}");
        }
    }

    /// RFC 5321 §4.5.3.1: 64, 255, 256.
    #[test]
    fn lengths_at_their_limits() {
        let local = "l".repeat(64);
        assert!(forward(&format!("<{local}@x.org>")).is_ok());
        assert_eq!(
            forward(&format!("<{local}l@x.org>")),
            Err(PathError::TooLong)
        );
        let label = "d".repeat(60);
        let domain = [label.as_str(); 4].join(".");
        assert!(forward(&format!("<{}@{domain}>", "l".repeat(10))).is_ok());
        assert_eq!(
            forward(&format!("<{}@{domain}>", "l".repeat(11))),
            Err(PathError::TooLong)
        );
        assert_eq!(
            forward(&format!("<a@{}>", "d".repeat(64))),
            Err(PathError::Domain)
        );
    }

    /// U2, RFC 6531.
    #[test]
    fn u02_utf8_addresses_are_known_as_such() {
        let mailbox = Mailbox::parse("пётр@пример.example").unwrap();
        assert!(!mailbox.is_ascii());
        assert!(Mailbox::parse("petr@example.com").unwrap().is_ascii());
        assert!(Mailbox::parse("a\u{85}b@example.com").is_err());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]
        #[test]
        fn what_is_written_reads_back(local in "[ -~é]{1,20}", domain in "[a-z0-9]{1,9}(\\.[a-z0-9]{1,9}){0,2}") {
            let mailbox = Mailbox { local, domain };
            prop_assert_eq!(Mailbox::parse(&mailbox.to_string()), Ok(mailbox));
        }
        #[test]
        fn no_text_panics(text in "\\PC{0,40}") {
            let _ = (reverse_path(&text), forward_path(&format!("<{text}>")), Mailbox::parse(&text));
        }
    }
}
