//! IMAP flags: the internal variable, flags in variables, `:flags` and `hasflag` (RFC 5232).

use super::compare::Comparison;
use super::machine::{Done, Machine};
use crate::code::{Criterion, FlagChange, Text, Variable};

/// Flags that one message can get.
const MAX_FLAGS: usize = 64;
/// Octets of a flag.
const MAX_FLAG: usize = 128;

impl Machine<'_> {
    pub(super) fn change_flags(
        &mut self,
        change: FlagChange,
        variable: Option<&Variable>,
        flags: &[Text],
    ) -> Done<()> {
        let words = self.expand_all(flags)?;
        let words = split(words.iter().map(String::as_str));
        let mut present = match variable {
            None => std::mem::take(&mut self.flags),
            Some(variable) => split([&*self.value(variable)]),
        };
        match change {
            FlagChange::Set => present = words,
            FlagChange::Add => add(&mut present, &words),
            FlagChange::Remove => present.retain(|flag| !has(&words, flag)),
        }
        match variable {
            None => self.flags = present,
            Some(variable) => self.assign(variable, present.join(" "))?,
        }
        Ok(())
    }

    /// Flags of an action: its `:flags`, or the internal variable.
    pub(super) fn flags_of(&mut self, flags: Option<&[Text]>) -> Done<Vec<String>> {
        match flags {
            None => Ok(self.flags.clone()),
            Some(flags) => {
                let words = self.expand_all(flags)?;
                Ok(split(words.iter().map(String::as_str)))
            }
        }
    }

    pub(super) fn has_flag(&mut self, variables: &[Text], criterion: &Criterion) -> Done<bool> {
        let present = match variables {
            [] => self.flags.clone(),
            names => {
                let names = self.expand_all(names)?;
                let values: Vec<_> = names.iter().map(|name| self.value_by_name(name)).collect();
                split(values.iter().map(|value| &**value))
            }
        };
        let keys = self.flag_keys(criterion)?;
        self.compare_with(
            Comparison::with_keys(criterion, keys, self.frame.has_variables),
            &present,
        )
    }

    /// The keys are lists of flags themselves (RFC 5232 §4).
    fn flag_keys(&mut self, criterion: &Criterion) -> Done<Vec<String>> {
        let mut keys = Vec::new();
        for key in &criterion.keys {
            let text = self.expand(&key.text)?;
            keys.extend(text.split_ascii_whitespace().map(str::to_owned));
        }
        Ok(keys)
    }
}

/// Flags in strings, each once (RFC 5232 §2); what is no flag is dropped.
pub(super) fn split<'t>(texts: impl IntoIterator<Item = &'t str>) -> Vec<String> {
    let mut flags = Vec::new();
    for text in texts {
        for word in text.split_ascii_whitespace() {
            if is_flag(word) && !has(&flags, word) && flags.len() < MAX_FLAGS {
                flags.push(word.to_owned());
            }
        }
    }
    flags
}

pub(super) fn add(present: &mut Vec<String>, more: &[String]) {
    for flag in more {
        if !has(present, flag) && present.len() < MAX_FLAGS {
            present.push(flag.clone());
        }
    }
}

fn has(flags: &[String], flag: &str) -> bool {
    flags.iter().any(|other| other.eq_ignore_ascii_case(flag))
}

/// A keyword (an atom) or a system flag; `\Recent` cannot be set (RFC 3501 §2.3.2).
fn is_flag(word: &str) -> bool {
    let atom = word.strip_prefix('\\').unwrap_or(word);
    let special = |o: u8| b"(){%*\"\\]".contains(&o);
    let fits = |o: u8| o.is_ascii_graphic() && !special(o);
    let system = ["answered", "flagged", "deleted", "seen", "draft"];
    let known =
        !word.starts_with('\\') || system.iter().any(|name| atom.eq_ignore_ascii_case(name));
    !atom.is_empty() && word.len() <= MAX_FLAG && known && atom.bytes().all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc5232_section_2_lists_of_flags() {
        let flags = split([
            "\\Flagged \\Deleted \\Flagged",
            "$label a(b \\Recent \\flagged",
        ]);
        assert_eq!(flags, ["\\Flagged", "\\Deleted", "$label"]);
    }
}
