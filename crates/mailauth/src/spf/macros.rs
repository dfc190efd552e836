//! Macro strings: their grammar and expansion (RFC 7208 §7).
//!
//! The text is parsed once, so that a fault anywhere in a record is found before anything is looked up. `%{p}` needs look-ups;
//! whoever expands hands its value in.

use super::record::SyntaxError;
use std::fmt::Write as _;
use std::net::IpAddr;

/// A parsed macro string.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct MacroString {
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Macro(Macro),
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Macro {
    /// Lower-case.
    letter: char,
    escape: Escape,
    /// How many parts from the right are kept.
    keep: Option<usize>,
    order: Order,
    delimiters: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Escape {
    None,
    /// An upper-case letter.
    Url,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    AsWritten,
    Reversed,
}

/// Where a macro string stands.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// In a record: one word, without the macros of explanations.
    Record,
    /// In an explanation: blanks and `c`, `r`, `t` as well.
    Explanation,
}

/// What the macros stand for.
pub(super) struct Values<'a> {
    pub(super) sender_local: &'a str,
    pub(super) sender_domain: &'a str,
    pub(super) domain: &'a str,
    pub(super) helo: &'a str,
    pub(super) ip: IpAddr,
    pub(super) receiver: &'a str,
    pub(super) now: i64,
    /// The value of `%{p}`.
    pub(super) validated: &'a str,
}

impl MacroString {
    /// Parses.
    pub(super) fn parse(text: &str, place: Place) -> Result<MacroString, SyntaxError> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(at) = rest.find('%') {
            push_text(&mut parts, &rest[..at], place)?;
            let (part, after) = macro_expand(&rest[at + 1..], place)?;
            parts.push(part);
            rest = after;
        }
        push_text(&mut parts, rest, place)?;
        Ok(MacroString { parts })
    }

    /// A domain-spec: ends in a macro, or in a dot and a top label (§7.1).
    pub(super) fn parse_domain(text: &str) -> Result<MacroString, SyntaxError> {
        let parsed = MacroString::parse(text, Place::Record)?;
        let ends_well = match parsed.parts.last() {
            Some(Part::Macro(_)) => true,
            Some(Part::Text(text)) => ends_in_top_label(text),
            None => false,
        };
        if ends_well {
            Ok(parsed)
        } else {
            Err(SyntaxError(format!("{text:?} is no domain name")))
        }
    }

    /// Its text, if nothing in it is to be expanded.
    pub(super) fn literal(&self) -> Option<String> {
        let parts = self.parts.iter().map(|part| match part {
            Part::Text(text) => Some(text.as_str()),
            Part::Macro(_) => None,
        });
        parts.collect()
    }

    /// Is `%{p}` in it?
    pub(super) fn needs_validated_name(&self) -> bool {
        self.parts
            .iter()
            .any(|part| matches!(part, Part::Macro(m) if m.letter == 'p'))
    }

    /// Expands.
    pub(super) fn expand(&self, values: &Values<'_>) -> String {
        let mut out = String::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Macro(found) => out.push_str(&found.expand(values)),
            }
        }
        out
    }
}

fn push_text(parts: &mut Vec<Part>, text: &str, place: Place) -> Result<(), SyntaxError> {
    let allowed = |c: char| c.is_ascii_graphic() || (c == ' ' && place == Place::Explanation);
    if let Some(wrong) = text.chars().find(|&c| !allowed(c)) {
        return Err(SyntaxError(format!("{wrong:?} is not allowed")));
    }
    if !text.is_empty() {
        parts.push(Part::Text(text.to_string()));
    }
    Ok(())
}

/// Behind a `%`: the part and the rest.
fn macro_expand(text: &str, place: Place) -> Result<(Part, &str), SyntaxError> {
    let fixed = |text: &str| Part::Text(text.to_string());
    match text.as_bytes().first() {
        Some(b'%') => Ok((fixed("%"), &text[1..])),
        Some(b'_') => Ok((fixed(" "), &text[1..])),
        Some(b'-') => Ok((fixed("%20"), &text[1..])),
        Some(b'{') => {
            let end = text.find('}').ok_or_else(|| unfinished(text))?;
            Ok((
                Part::Macro(parse_macro(&text[1..end], place)?),
                &text[end + 1..],
            ))
        }
        _ => Err(unfinished(text)),
    }
}

fn unfinished(text: &str) -> SyntaxError {
    let shown: String = text.chars().take(20).collect();
    SyntaxError(format!("\"%{shown}\" is no macro"))
}

fn parse_macro(text: &str, place: Place) -> Result<Macro, SyntaxError> {
    let wrong = || SyntaxError(format!("%{{{text}}} is no macro"));
    let letter = text.chars().next().ok_or_else(wrong)?;
    let known = match place {
        Place::Record => "slodiphv",
        Place::Explanation => "slodiphvcrt",
    };
    if !known.contains(letter.to_ascii_lowercase()) {
        return Err(wrong());
    }
    let rest = &text[1..];
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let keep = match &rest[..digits] {
        "" => None,
        // More parts than a name can have are all of them.
        digits => Some(digits.parse().unwrap_or(usize::MAX)),
    };
    if keep == Some(0) {
        return Err(wrong());
    }
    let rest = &rest[digits..];
    let (order, delimiters) = match rest.strip_prefix(['r', 'R']) {
        Some(rest) => (Order::Reversed, rest),
        None => (Order::AsWritten, rest),
    };
    if !delimiters.chars().all(|c| ".-+,/_=".contains(c)) {
        return Err(wrong());
    }
    Ok(Macro {
        letter: letter.to_ascii_lowercase(),
        escape: match letter.is_ascii_uppercase() {
            true => Escape::Url,
            false => Escape::None,
        },
        keep,
        order,
        delimiters: delimiters.to_string(),
    })
}

impl Macro {
    fn expand(&self, values: &Values<'_>) -> String {
        let shaped = self.shaped(&self.value(values));
        match self.escape {
            Escape::None => shaped,
            Escape::Url => url_escaped(&shaped),
        }
    }

    fn value(&self, values: &Values<'_>) -> String {
        match self.letter {
            's' => format!("{}@{}", values.sender_local, values.sender_domain),
            'l' => values.sender_local.to_string(),
            'o' => values.sender_domain.to_string(),
            'd' => values.domain.to_string(),
            'i' => dotted(values.ip),
            'p' => values.validated.to_string(),
            'h' => values.helo.to_string(),
            'v' => match values.ip {
                IpAddr::V4(_) => "in-addr".to_string(),
                IpAddr::V6(_) => "ip6".to_string(),
            },
            'c' => values.ip.to_string(),
            'r' => values.receiver.to_string(),
            _ => values.now.to_string(),
        }
    }

    fn shaped(&self, value: &str) -> String {
        if self.keep.is_none() && self.order == Order::AsWritten && self.delimiters.is_empty() {
            return value.to_string();
        }
        let delimiters = match self.delimiters.as_str() {
            "" => ".",
            given => given,
        };
        let mut parts: Vec<&str> = value.split(|c| delimiters.contains(c)).collect();
        if self.order == Order::Reversed {
            parts.reverse();
        }
        let skip = parts.len() - self.keep.unwrap_or(parts.len()).min(parts.len());
        parts[skip..].join(".")
    }
}

/// IPv4 as usual, IPv6 as nibbles with dots (§7.3).
fn dotted(ip: IpAddr) -> String {
    match ip {
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(ip) => {
            let nibbles = ip.octets().into_iter().flat_map(|o| [o >> 4, o & 15]);
            let nibbles: Vec<String> = nibbles.map(|nibble| format!("{nibble:x}")).collect();
            nibbles.join(".")
        }
    }
}

/// All but the unreserved characters of RFC 3986 §2.3.
fn url_escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for octet in text.bytes() {
        if octet.is_ascii_alphanumeric() || b"-._~".contains(&octet) {
            out.push(octet as char);
        } else {
            let _ = write!(out, "%{octet:02X}");
        }
    }
    out
}

/// `.` toplabel [`.`]: letters, digits and inner hyphens, not digits alone.
fn ends_in_top_label(text: &str) -> bool {
    let text = text.strip_suffix('.').unwrap_or(text);
    let Some((_, label)) = text.rsplit_once('.') else {
        return false;
    };
    let valid = |o: u8| o.is_ascii_alphanumeric() || o == b'-';
    !label.is_empty()
        && label.bytes().all(valid)
        && !label.starts_with('-')
        && !label.ends_with('-')
        && !label.bytes().all(|o| o.is_ascii_digit())
}
