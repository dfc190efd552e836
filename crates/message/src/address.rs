//! Mail addresses as this program compares and stores them (RFC 5321 §4.1.2, RFC 6531 §3.3, RFC 5890).
//!
//! Strict: what is parsed here is fit for an envelope. The tolerant reader of header fields is [`crate::address_list`].

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

/// Octets of a local part, unquoted. RFC 5321 §4.5.3.1.1 asks for 64 at least; addresses made by lists are longer.
const MAX_LOCAL: usize = 255;
/// Octets of a domain in A-label form (RFC 1035 §2.3.4).
const MAX_DOMAIN: usize = 253;
/// Octets of a label (RFC 1035 §2.3.4).
const MAX_LABEL: usize = 63;

/// A mail address `local@domain` with its domain normalised (lower-case A-labels) and its local part as written.
/// Only [`Address::parse`] builds one, so an `Address` is always well-formed (RFC 5321 §4.1.2, RFC 6531).
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Address {
    local: String,
    domain: String,
}

/// Why a text is not an address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct AddressError(pub &'static str);

impl Address {
    /// Parses `local@domain`; the local part may be quoted (it is kept unquoted, so `"a.b"@x` equals `a.b@x`).
    pub fn parse(text: &str) -> Result<Address, AddressError> {
        let (local, domain) = text
            .rsplit_once('@')
            .ok_or(AddressError("an address needs an @ and a domain"))?;
        // A literal may not hold an `@`, so the last one always divides.
        Ok(Address {
            local: parse_local(local)?,
            domain: parse_domain(domain)?,
        })
    }
    /// The local part, unquoted, as written.
    pub fn local(&self) -> &str {
        &self.local
    }
    /// The domain: lower-case A-labels, or an address literal with its brackets.
    pub fn domain(&self) -> &str {
        &self.domain
    }
    /// Does an IP address stand in place of the domain (RFC 5321 §4.1.3)?
    pub fn is_literal(&self) -> bool {
        self.domain.starts_with('[')
    }
    /// Can only be sent to servers that have SMTPUTF8: the local part is not ASCII (RFC 6531).
    pub fn needs_smtputf8(&self) -> bool {
        !self.local.is_ascii()
    }
    /// How it is compared and stored: all lower-case (catalogue A27), quoted where it must be.
    pub fn key(&self) -> String {
        self.with_local(&self.local.to_lowercase()).to_string()
    }
    /// The same domain with another local part, which must be a part of, or lower-case of, the present one.
    fn with_local(&self, local: &str) -> Address {
        Address {
            local: local.to_owned(),
            domain: self.domain.clone(),
        }
    }
    /// Divides `user+tag@domain` into `user@domain` and `tag` (RFC 5233). `None` without a tag, or if nothing would be left.
    pub fn split_tag(&self, separator: char) -> Option<(Address, &str)> {
        let (user, tag) = self.local.split_once(separator)?;
        (!user.is_empty()).then(|| (self.with_local(user), tag))
    }
    /// The same local part in another domain, which is parsed.
    pub fn in_domain(&self, domain: &str) -> Result<Address, AddressError> {
        Ok(Address {
            local: self.local.clone(),
            domain: parse_domain(domain)?,
        })
    }
}

/// Parses a domain name or an address literal; the result is lower-case A-labels.
pub fn parse_domain(text: &str) -> Result<String, AddressError> {
    if let Some(literal) = text.strip_prefix('[') {
        return parse_literal(literal);
    }
    if text.is_ascii() && !has_a_label(text) {
        let domain = text.to_ascii_lowercase();
        return check_labels(&domain).map(|()| domain);
    }
    let domain = idna::domain_to_ascii_strict(text)
        .map_err(|_| AddressError("the domain is not a valid international name"))?;
    check_labels(&domain).map(|()| domain)
}

fn has_a_label(text: &str) -> bool {
    text.split('.').any(|label| {
        label
            .get(..4)
            .is_some_and(|head| head.eq_ignore_ascii_case("xn--"))
    })
}

fn check_labels(domain: &str) -> Result<(), AddressError> {
    if domain.len() > MAX_DOMAIN {
        return Err(AddressError("the domain is too long"));
    }
    if domain.split('.').all(is_label) {
        Ok(())
    } else {
        Err(AddressError("the domain is not well-formed"))
    }
}

/// RFC 5321 §4.1.2 `sub-domain`: letters, digits and inner hyphens.
fn is_label(label: &str) -> bool {
    let octets = label.as_bytes();
    let edge = |octet: Option<&u8>| octet.is_some_and(u8::is_ascii_alphanumeric);
    octets.len() <= MAX_LABEL
        && edge(octets.first())
        && edge(octets.last())
        && octets
            .iter()
            .all(|o| o.is_ascii_alphanumeric() || *o == b'-')
}

/// The rest of `[192.0.2.1]`, `[IPv6:2001:db8::1]` or `[tag:content]` (RFC 5321 §4.1.3).
fn parse_literal(rest: &str) -> Result<String, AddressError> {
    const WRONG: AddressError = AddressError("the address literal is not well-formed");
    let inner = rest.strip_suffix(']').ok_or(WRONG)?;
    if inner.len() > MAX_DOMAIN {
        return Err(WRONG);
    }
    if let Ok(address) = inner.parse::<Ipv4Addr>() {
        return Ok(format!("[{address}]"));
    }
    let (tag, content) = inner.split_once(':').ok_or(WRONG)?;
    if tag.eq_ignore_ascii_case("IPv6") {
        let address: Ipv6Addr = content.parse().map_err(|_| WRONG)?;
        return Ok(format!("[ipv6:{address}]"));
    }
    let is_dtext = |o: &u8| matches!(o, 33..=90 | 94..=126);
    if is_label(tag) && !content.is_empty() && content.as_bytes().iter().all(is_dtext) {
        return Ok(format!("[{}]", inner.to_ascii_lowercase()));
    }
    Err(WRONG)
}

fn parse_local(text: &str) -> Result<String, AddressError> {
    let local = match text.strip_prefix('"') {
        Some(quoted) => unquote(quoted)?,
        None if is_dot_string(text) => text.to_owned(),
        None => return Err(AddressError("the local part is not well-formed")),
    };
    if local.len() > MAX_LOCAL {
        return Err(AddressError("the local part is too long"));
    }
    Ok(local)
}

/// RFC 5321 §4.1.2 `Dot-string`, with UTF-8 (RFC 6531 §3.3).
fn is_dot_string(text: &str) -> bool {
    text.split('.')
        .all(|atom| !atom.is_empty() && atom.chars().all(is_atext))
}

fn is_atext(c: char) -> bool {
    c.is_ascii_alphanumeric()
        || "!#$%&'*+-/=?^_`{|}~".contains(c)
        || (!c.is_ascii() && !c.is_control() && !c.is_whitespace())
}

/// The rest of a `Quoted-string` after its first quote (RFC 5321 §4.1.2).
fn unquote(rest: &str) -> Result<String, AddressError> {
    const WRONG: AddressError = AddressError("the quoted local part is not well-formed");
    let inner = rest.strip_suffix('"').ok_or(WRONG)?;
    let mut local = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        let literal = match c {
            '"' => return Err(WRONG),
            '\\' => chars.next().filter(char::is_ascii).ok_or(WRONG)?,
            c => c,
        };
        if literal.is_control() {
            return Err(WRONG);
        }
        local.push(literal);
    }
    Ok(local)
}

impl fmt::Display for Address {
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

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{self}>")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn key(text: &str) -> String {
        Address::parse(text).unwrap().key()
    }

    /// A27, E26
    #[test]
    fn a27_case_is_folded() {
        assert_eq!(key("AliCE@Example.COM"), "alice@example.com");
        assert_eq!(key("Ärger@Exämple.com"), "ärger@xn--exmple-cua.com");
    }

    #[test]
    fn quotes_go_when_they_are_not_needed() {
        assert_eq!(key("\"a.b\"@x.example"), "a.b@x.example");
        assert_eq!(key("\"a\\b\"@x.example"), "ab@x.example");
        assert_eq!(key("\"a b\"@x.example"), "\"a b\"@x.example");
        assert_eq!(key("\"a@b\"@x.example"), "\"a@b\"@x.example");
        assert_eq!(key("\"\"@x.example"), "\"\"@x.example");
        assert_eq!(key("\"a\\\"\\\\\"@x.example"), "\"a\\\"\\\\\"@x.example");
    }

    #[test]
    fn rfc5321_section_4_1_3_address_literals() {
        assert_eq!(key("a@[192.0.2.1]"), "a@[192.0.2.1]");
        assert_eq!(key("a@[IPv6:2001:DB8:0::1]"), "a@[ipv6:2001:db8::1]");
        assert!(Address::parse("a@[ipv6:2001:db8::1]").unwrap().is_literal());
        for wrong in ["a@[192.0.2.256]", "a@[", "a@[]", "a@[IPv6:x]", "a@[1.2.3.4"] {
            assert!(Address::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_is_not_an_address() {
        let long = format!("{}@x.example", "a".repeat(256));
        let label = format!("a@{}.example", "b".repeat(64));
        for wrong in [
            "",
            "a",
            "@",
            "a@",
            "@b",
            ".a@b",
            "a.@b",
            "a..b@c",
            "a b@c",
            "a@b c",
            "a@-b",
            "a@b-",
            "a@b.",
            "a@.b",
            "a@b..c",
            "a@b_c",
            "\"a@b",
            "a\"@b",
            "\"a\"b@c",
            "\"a\nb\"@c",
            "a\0@b",
            "a@b\0",
            "<a@b>",
            "a@b@c",
            "a,b@c",
            "a@xn--\u{e4}",
            "a@xn--0",
            &long,
            &label,
        ] {
            assert!(Address::parse(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn tags_are_divided() {
        let address = Address::parse("alice+shop+2@example.com").unwrap();
        let (user, tag) = address.split_tag('+').unwrap();
        assert_eq!((user.key().as_str(), tag), ("alice@example.com", "shop+2"));
        assert!(Address::parse("+x@y").unwrap().split_tag('+').is_none());
    }

    proptest! {
        #[test]
        fn never_panics(text in "\\PC{0,40}") {
            let _ = Address::parse(&text);
        }

        #[test]
        fn what_is_written_reads_the_same(local in "[ -~äж]{0,20}", domain in "[a-z0-9]{1,5}(\\.[a-z]{1,5}){0,3}") {
            let quoted = format!("\"{}\"@{domain}", local.replace('\\', "\\\\").replace('"', "\\\""));
            let address = Address::parse(&quoted).unwrap();
            prop_assert_eq!(address.local(), &local);
            prop_assert_eq!(&Address::parse(&address.to_string()).unwrap(), &address);
            prop_assert_eq!(Address::parse(&address.key()).unwrap().key(), address.key());
        }
    }
}
