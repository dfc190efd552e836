//! The grammar of a record (RFC 7208 §4.5, §4.6, §12). A fault anywhere makes the whole record unusable.

use super::macros::{MacroString, Place};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What is wrong with a record, as a clause for people.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SyntaxError(pub String);

/// A record: mechanisms in order, and the two known modifiers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    pub(super) directives: Vec<Directive>,
    pub(super) redirect: Option<MacroString>,
    pub(super) explanation: Option<MacroString>,
}

/// A qualifier and a mechanism.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Directive {
    pub(super) qualifier: Qualifier,
    pub(super) mechanism: Mechanism,
    /// As it was written.
    pub(super) text: String,
}

/// The result if its mechanism matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Qualifier {
    Pass,
    Fail,
    SoftFail,
    Neutral,
}

/// §5. Names that are left out mean the current domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Mechanism {
    All,
    Include(MacroString),
    A(Option<MacroString>, Prefixes),
    Mx(Option<MacroString>, Prefixes),
    Ptr(Option<MacroString>),
    Network(IpAddr, u8),
    Exists(MacroString),
}

/// How many leading bits of an address count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Prefixes {
    pub(super) v4: u8,
    pub(super) v6: u8,
}

const WHOLE: Prefixes = Prefixes { v4: 32, v6: 128 };

/// Is this TXT record an SPF record (§4.5)?
pub(super) fn is_spf(text: &str) -> bool {
    let version = text.get(..6);
    version.is_some_and(|version| version.eq_ignore_ascii_case("v=spf1"))
        && matches!(text.as_bytes().get(6), None | Some(b' '))
}

impl Record {
    /// Parses a TXT record that begins with `v=spf1`.
    pub fn parse(text: &str) -> Result<Record, SyntaxError> {
        if !is_spf(text) {
            return Err(SyntaxError("it does not begin with v=spf1".into()));
        }
        let mut record = Record {
            directives: Vec::new(),
            redirect: None,
            explanation: None,
        };
        for term in text[6..].split(' ').filter(|term| !term.is_empty()) {
            record.term(term)?;
        }
        Ok(record)
    }

    fn term(&mut self, term: &str) -> Result<(), SyntaxError> {
        match modifier(term) {
            Some((name, value)) if name.eq_ignore_ascii_case("redirect") => {
                once(&mut self.redirect, name, MacroString::parse_domain(value)?)
            }
            Some((name, value)) if name.eq_ignore_ascii_case("exp") => once(
                &mut self.explanation,
                name,
                MacroString::parse_domain(value)?,
            ),
            // Unknown modifiers are ignored, but must be macro strings (§6).
            Some((_, value)) => MacroString::parse(value, Place::Record).map(|_| ()),
            None => {
                self.directives.push(directive(term)?);
                Ok(())
            }
        }
    }
}

fn once(
    place: &mut Option<MacroString>,
    name: &str,
    value: MacroString,
) -> Result<(), SyntaxError> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(SyntaxError(format!("{name}= stands twice"))),
    }
}

/// `name=value`, with a name that a modifier may have.
fn modifier(term: &str) -> Option<(&str, &str)> {
    let (name, value) = term.split_once('=')?;
    let rest = |o: u8| o.is_ascii_alphanumeric() || b"-_.".contains(&o);
    let named = name.bytes().next().is_some_and(|o| o.is_ascii_alphabetic());
    (named && name.bytes().all(rest)).then_some((name, value))
}

fn directive(term: &str) -> Result<Directive, SyntaxError> {
    let (qualifier, rest) = match term.as_bytes()[0] {
        b'+' => (Qualifier::Pass, &term[1..]),
        b'-' => (Qualifier::Fail, &term[1..]),
        b'~' => (Qualifier::SoftFail, &term[1..]),
        b'?' => (Qualifier::Neutral, &term[1..]),
        _ => (Qualifier::Pass, term),
    };
    let mechanism =
        mechanism(rest).map_err(|why| SyntaxError(format!("{}: {why}", term.escape_default())))?;
    Ok(Directive {
        qualifier,
        mechanism,
        text: term.to_string(),
    })
}

fn mechanism(text: &str) -> Result<Mechanism, SyntaxError> {
    let end = text.find([':', '/']).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    match name.to_ascii_lowercase().as_str() {
        "all" => nothing(rest).map(|()| Mechanism::All),
        "include" => Ok(Mechanism::Include(MacroString::parse_domain(argument(
            rest,
        )?)?)),
        "exists" => Ok(Mechanism::Exists(MacroString::parse_domain(argument(
            rest,
        )?)?)),
        "ptr" => Ok(Mechanism::Ptr(optional_domain(rest)?)),
        "a" => dual(rest).map(|(domain, prefixes)| Mechanism::A(domain, prefixes)),
        "mx" => dual(rest).map(|(domain, prefixes)| Mechanism::Mx(domain, prefixes)),
        "ip4" => network::<Ipv4Addr>(argument(rest)?, 32),
        "ip6" => network::<Ipv6Addr>(argument(rest)?, 128),
        _ => Err(SyntaxError("this mechanism is unknown".into())),
    }
}

fn nothing(rest: &str) -> Result<(), SyntaxError> {
    match rest {
        "" => Ok(()),
        _ => Err(SyntaxError("it takes no argument".into())),
    }
}

fn argument(rest: &str) -> Result<&str, SyntaxError> {
    rest.strip_prefix(':')
        .filter(|argument| !argument.is_empty())
        .ok_or_else(|| SyntaxError("its argument is missing".into()))
}

fn optional_domain(rest: &str) -> Result<Option<MacroString>, SyntaxError> {
    match rest {
        "" => Ok(None),
        rest => MacroString::parse_domain(argument(rest)?).map(Some),
    }
}

/// `[":" domain-spec] [dual-cidr-length]`
fn dual(rest: &str) -> Result<(Option<MacroString>, Prefixes), SyntaxError> {
    let (domain, prefixes) = dual_cidr(rest)?;
    Ok((optional_domain(domain)?, prefixes))
}

/// Takes `/24`, `//64` or `/24//64` off the end. A slash that is followed by something else belongs to the name.
fn dual_cidr(text: &str) -> Result<(&str, Prefixes), SyntaxError> {
    let mut prefixes = WHOLE;
    let mut rest = text;
    if let Some((left, length)) = cidr_suffix(rest, "//") {
        prefixes.v6 = prefix(length, 128)?;
        rest = left;
    }
    if let Some((left, length)) = cidr_suffix(rest, "/") {
        if left.ends_with('/') {
            return Err(SyntaxError("the prefix length is wrong".into()));
        }
        prefixes.v4 = prefix(length, 32)?;
        rest = left;
    }
    if rest.ends_with('/') {
        return Err(SyntaxError("a prefix length is missing".into()));
    }
    Ok((rest, prefixes))
}

fn cidr_suffix<'a>(text: &'a str, slashes: &str) -> Option<(&'a str, &'a str)> {
    let (left, length) = text.rsplit_once(slashes)?;
    let digits = !length.is_empty() && length.bytes().all(|o| o.is_ascii_digit());
    digits.then_some((left, length))
}

/// No leading zeros, and not longer than the address.
fn prefix(text: &str, longest: u8) -> Result<u8, SyntaxError> {
    let wrong = || SyntaxError(format!("/{text} is no prefix length"));
    if text.len() > 1 && text.starts_with('0') {
        return Err(wrong());
    }
    text.parse()
        .ok()
        .filter(|&length| length <= longest && text.bytes().all(|o| o.is_ascii_digit()))
        .ok_or_else(wrong)
}

fn network<A>(text: &str, longest: u8) -> Result<Mechanism, SyntaxError>
where
    A: std::str::FromStr + Into<IpAddr>,
{
    let (address, length) = match text.split_once('/') {
        Some((address, length)) => (address, prefix(length, longest)?),
        None => (text, longest),
    };
    let address: A = address
        .parse()
        .map_err(|_| SyntaxError(format!("{} is no address", address.escape_default())))?;
    Ok(Mechanism::Network(address.into(), length))
}

impl Prefixes {
    /// Do the two addresses agree in as many leading bits?
    pub(super) fn agree(self, one: IpAddr, other: IpAddr) -> bool {
        match one {
            IpAddr::V4(_) => agree(one, other, self.v4),
            IpAddr::V6(_) => agree(one, other, self.v6),
        }
    }
}

/// Do the first `length` bits agree? Addresses of different families never do.
pub(super) fn agree(one: IpAddr, other: IpAddr, length: u8) -> bool {
    match (one, other) {
        (IpAddr::V4(one), IpAddr::V4(other)) => {
            let differ = one.to_bits() ^ other.to_bits();
            differ.leading_zeros() >= u32::from(length)
        }
        (IpAddr::V6(one), IpAddr::V6(other)) => {
            let differ = one.to_bits() ^ other.to_bits();
            differ.leading_zeros() >= u32::from(length)
        }
        _ => false,
    }
}
