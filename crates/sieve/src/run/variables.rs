//! Variables (RFC 5229): what a string with variables means, and `set` with its modifiers.

use super::machine::{Done, Failure, Machine};
use crate::code::{Modifier, Piece, Text, Variable};
use std::borrow::Cow;
use std::sync::Arc;

impl Machine<'_> {
    /// The string that is meant, its variables replaced.
    pub(super) fn expand<'t>(&mut self, text: &'t Text) -> Done<Cow<'t, str>> {
        let pieces = match text {
            Text::Constant(text) => return Ok(Cow::Borrowed(text)),
            Text::Template(pieces) => pieces,
        };
        let limit = self.run.limits.text_size;
        let mut out = String::new();
        for piece in pieces {
            self.push(&mut out, piece)?;
            if out.len() > limit {
                return Err(Failure::limit(format!(
                    "a string became longer than {limit} octets"
                )));
            }
        }
        self.budget.look(out.len())?;
        Ok(Cow::Owned(out))
    }

    fn push(&mut self, out: &mut String, piece: &Piece) -> Done<()> {
        match piece {
            Piece::Literal(text) => out.push_str(text),
            Piece::Variable(name) => out.push_str(&self.value_by_name(name)),
            Piece::Match(number) => {
                out.push_str(self.frame.captures.get(*number).map_or("", String::as_str));
            }
            Piece::Global(name) => out.push_str(self.globals.get(name).map_or("", |value| value)),
            Piece::Environment(item) => {
                out.push_str(&self.environment_item(item)?.unwrap_or_default())
            }
        }
        Ok(())
    }

    /// The value of a variable of this script; empty if it was never set.
    pub(super) fn value_by_name(&self, name: &str) -> Arc<str> {
        let found = match self.frame.shared.contains(name) {
            true => self.globals.get(name),
            false => self.frame.variables.get(name),
        };
        if let Some(value) = found {
            return value.clone();
        }
        // A name from a string may have capitals or a namespace; one from `${…}` has none.
        match name.strip_prefix("global.") {
            Some(rest) => self.globals.get(rest).cloned().unwrap_or_default(),
            None if name.bytes().any(|o| o.is_ascii_uppercase()) => {
                self.value_by_name(&name.to_ascii_lowercase())
            }
            None => Arc::default(),
        }
    }

    pub(super) fn value(&self, variable: &Variable) -> Arc<str> {
        match variable {
            Variable::Local(name) => self.value_by_name(name),
            Variable::Global(name) => self.globals.get(name).cloned().unwrap_or_default(),
        }
    }

    pub(super) fn set(
        &mut self,
        variable: &Variable,
        modifiers: &[Modifier],
        value: &Text,
    ) -> Done<()> {
        let value = self.expand(value)?;
        let value = self.modify(value.into_owned(), modifiers)?;
        self.assign(variable, value)
    }

    pub(super) fn modify(&mut self, value: String, modifiers: &[Modifier]) -> Done<String> {
        let mut value = value;
        for modifier in modifiers {
            value = modify(&value, *modifier);
            // Quoting makes the value longer.
            self.budget.look(value.len())?;
        }
        Ok(value)
    }

    /// Writes a variable; what is too long is cut (RFC 5229 §3).
    pub(super) fn assign(&mut self, variable: &Variable, mut value: String) -> Done<()> {
        cut(&mut value, self.run.limits.variable_size);
        self.note(|| format!("set {} = {value:?}", name_of(variable)));
        let (name, global) = match variable {
            Variable::Local(name) => (name, self.frame.shared.contains(name)),
            Variable::Global(name) => (name, true),
        };
        let count = self.frame.variables.len() + self.globals.len();
        let map = match global {
            true => &mut self.globals,
            false => &mut self.frame.variables,
        };
        let old = map.get(name).map(|old| old.len());
        let memory = self.variable_memory + value.len() - old.unwrap_or(0);
        if memory > self.run.limits.variable_memory {
            return Err(Failure::limit("its variables need too much memory"));
        }
        if old.is_none() && count >= self.run.limits.variables {
            return Err(Failure::limit(format!(
                "there are more than {} variables",
                self.run.limits.variables
            )));
        }
        map.insert(name.clone(), value.into());
        self.variable_memory = memory;
        Ok(())
    }

    /// `global` (RFC 6609 §3.4)
    pub(super) fn share(&mut self, names: &[Box<str>]) -> Done<()> {
        for name in names {
            // RFC 6609 §3.4.1
            if self.frame.variables.contains_key(name) {
                return Err(Failure::script(format!(
                    "`global` names {name:?}, which is a variable of this script already"
                )));
            }
            if self.frame.shared.len() >= self.run.limits.variables {
                return Err(Failure::limit("there are too many global variables"));
            }
            self.frame.shared.insert(name.clone());
        }
        Ok(())
    }

    /// The variables of a script that has ended take no room.
    pub(super) fn release(&mut self, frame: &super::machine::Frame) {
        let freed: usize = frame.variables.values().map(|value| value.len()).sum();
        self.variable_memory = self.variable_memory.saturating_sub(freed);
    }
}

fn name_of(variable: &Variable) -> String {
    match variable {
        Variable::Local(name) => format!("{name:?}"),
        Variable::Global(name) => format!("\"global.{name}\""),
    }
}

/// Cuts a text at a character's end.
pub(super) fn cut(text: &mut String, limit: usize) {
    let mut end = limit.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
}

fn modify(value: &str, modifier: Modifier) -> String {
    match modifier {
        Modifier::Lower => value.to_lowercase(),
        Modifier::Upper => value.to_uppercase(),
        Modifier::LowerFirst => first(value, |c| c.to_lowercase().collect()),
        Modifier::UpperFirst => first(value, |c| c.to_uppercase().collect()),
        Modifier::QuoteWildcard => quote(value, "*?\\"),
        Modifier::QuoteRegex => quote(value, "*+?.|()[]{}^$\\"),
        Modifier::EncodeUrl => encode_url(value),
        Modifier::Length => value.chars().count().to_string(),
    }
}

fn first(value: &str, change: impl Fn(char) -> String) -> String {
    let mut chars = value.chars();
    match chars.next() {
        Some(c) => change(c) + chars.as_str(),
        None => String::new(),
    }
}

fn quote(value: &str, special: &str) -> String {
    let mut out = String::with_capacity(value.len());
    for c in value.chars() {
        if special.contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// RFC 5435 §6: all but unreserved characters (RFC 3986 §2.3) are percent-encoded.
fn encode_url(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    for octet in value.bytes() {
        match octet {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                out.push(char::from(octet))
            }
            _ => out.push_str(&format!("%{octet:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc5229_section_4_1_modifiers() {
        assert_eq!(modify("juMBlEd lETteRS", Modifier::Length), "15");
        assert_eq!(
            modify("juMBlEd lETteRS", Modifier::Lower),
            "jumbled letters"
        );
        assert_eq!(
            modify("juMBlEd lETteRS", Modifier::UpperFirst),
            "JuMBlEd lETteRS"
        );
        assert_eq!(modify("Rock*", Modifier::QuoteWildcard), "Rock\\*");
        assert_eq!(modify("a.b", Modifier::QuoteRegex), "a\\.b");
    }

    #[test]
    fn rfc5435_section_6_encodeurl() {
        assert_eq!(
            modify("Safe body&evil=evilbody", Modifier::EncodeUrl),
            "Safe%20body%26evil%3Devilbody"
        );
    }
}
