//! Reading and printing `sieve.imap`: which scripts run when something happens in a mailbox (H26).

use super::field::{Reading, quote};
use super::{ImapRule, SieveSettings};
use std::ops::Range;
use std::path::PathBuf;
use toml_edit::{Item, TableLike};

/// Causes of RFC 6785 §4.3.
const CAUSES: [&str; 3] = ["COPY", "APPEND", "FLAG"];
const FORM: &str = "write [[sieve.imap]] with mailbox and before or after below, or a list of { mailbox = \"…\", before = \"…\" }";

impl Reading<'_> {
    pub(super) fn imap_rules(&mut self, item: &Item) -> Vec<ImapRule> {
        if let Some(tables) = item.as_array_of_tables() {
            return tables
                .iter()
                .filter_map(|table| self.imap_rule(table, table.span()))
                .collect();
        }
        let Some(array) = item.as_array() else {
            self.fault(item, FORM.into());
            return Vec::new();
        };
        array
            .iter()
            .filter_map(|value| match value.as_inline_table() {
                Some(table) => self.imap_rule(table, value.span()),
                None => {
                    let at = value.span().unwrap_or_default();
                    self.wrong.push((at, FORM.into()));
                    None
                }
            })
            .collect()
    }

    fn imap_rule(&mut self, table: &dyn TableLike, span: Option<Range<usize>>) -> Option<ImapRule> {
        let mut rule = ImapRule::default();
        let before = self.wrong.len();
        for (name, item) in table.iter() {
            if let Err(why) = self.part(&mut rule, name, item) {
                let at = item.span().or(span.clone()).unwrap_or_default();
                self.wrong.push((at, why));
            }
        }
        let missing = match (rule.mailbox.is_empty(), &rule.before, &rule.after) {
            (true, ..) => Some("mailbox is missing: the name of the mailbox, or \"*\""),
            (_, None, None) => Some("before or after is missing: the file of the script"),
            _ => None,
        };
        if let Some(missing) = missing {
            self.wrong.push((span.unwrap_or_default(), missing.into()));
        }
        (self.wrong.len() == before).then_some(rule)
    }

    fn part(&self, rule: &mut ImapRule, name: &str, item: &Item) -> Result<(), String> {
        let text = || {
            let text = item.as_str().filter(|text| !text.is_empty());
            text.map(str::to_owned)
                .ok_or_else(|| format!("{name}: expected a text in quotes"))
        };
        let path = || text().map(|text| Some(self.folder.join(text)));
        match name {
            "mailbox" => rule.mailbox = text()?,
            "from" => rule.from = Some(text()?),
            "causes" => rule.causes = causes(item)?,
            "before" => rule.before = path()?,
            "after" => rule.after = path()?,
            _ => {
                return Err(format!(
                    "there is no {name} here, only mailbox, from, causes, before and after"
                ));
            }
        }
        Ok(())
    }
}

fn causes(item: &Item) -> Result<Vec<String>, String> {
    let words: Option<Vec<&str>> = match item.as_array() {
        Some(array) => array.iter().map(toml_edit::Value::as_str).collect(),
        None => item.as_str().map(|word| vec![word]),
    };
    let cause = |word: &str| {
        let word = word.to_ascii_uppercase();
        CAUSES
            .contains(&word.as_str())
            .then_some(word)
            .ok_or_else(|| format!("causes are {}", CAUSES.join(", ")))
    };
    words
        .ok_or("causes: expected a list of texts in quotes")?
        .into_iter()
        .map(cause)
        .collect()
}

impl ImapRule {
    /// Is it for this event: its cause, the mailbox of the message, and the one that it came from?
    pub fn meets(&self, cause: &str, mailbox: &str, from: Option<&str>) -> bool {
        let cause = self.causes.is_empty() || self.causes.iter().any(|word| word == cause);
        let comes_from = match (&self.from, from) {
            (None, _) => true,
            (Some(pattern), Some(from)) => fits(pattern, from),
            (Some(_), None) => false,
        };
        cause && comes_from && fits(&self.mailbox, mailbox)
    }
}

/// Does the name of a mailbox fit a pattern in which `*` stands for any text? INBOX has that name in any case (RFC 3501 §5.1).
fn fits(pattern: &str, name: &str) -> bool {
    if pattern.eq_ignore_ascii_case("INBOX") || name.eq_ignore_ascii_case("INBOX") {
        let any = !pattern.is_empty() && pattern.bytes().all(|octet| octet == b'*');
        return any || pattern.eq_ignore_ascii_case(name);
    }
    let mut parts = pattern.split('*');
    let Some(mut rest) = name.strip_prefix(parts.next().unwrap_or_default()) else {
        return false;
    };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else {
        return rest.is_empty();
    };
    for part in middle {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

/// As TOML again.
pub(super) fn print(rules: &[ImapRule]) -> String {
    let path = |path: &PathBuf| quote(&path.to_string_lossy());
    let each = rules.iter().map(|rule| {
        let mut parts = vec![format!("mailbox = {}", quote(&rule.mailbox))];
        parts.extend(
            rule.from
                .as_deref()
                .map(|from| format!("from = {}", quote(from))),
        );
        if !rule.causes.is_empty() {
            let causes: Vec<String> = rule.causes.iter().map(|cause| quote(cause)).collect();
            parts.push(format!("causes = [{}]", causes.join(", ")));
        }
        parts.extend(
            rule.before
                .as_ref()
                .map(|file| format!("before = {}", path(file))),
        );
        parts.extend(
            rule.after
                .as_ref()
                .map(|file| format!("after = {}", path(file))),
        );
        format!("{{ {} }}", parts.join(", "))
    });
    format!("[{}]", each.collect::<Vec<_>>().join(", "))
}

impl SieveSettings {
    /// Does any script of the admin's look at arriving mail?
    pub fn filters_for_all(&self) -> bool {
        !self.before.is_empty() || !self.after.is_empty() || self.default.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// H26
    #[test]
    fn h26_rules_go_by_cause_target_and_source() {
        let rule = |mailbox: &str, from: Option<&str>, causes: &[&str]| ImapRule {
            mailbox: mailbox.into(),
            from: from.map(str::to_owned),
            causes: causes.iter().map(|cause| (*cause).to_owned()).collect(),
            ..ImapRule::default()
        };
        let into_junk = rule("Junk", None, &["COPY", "APPEND"]);
        assert!(into_junk.meets("COPY", "Junk", Some("INBOX")));
        assert!(into_junk.meets("APPEND", "Junk", None));
        assert!(!into_junk.meets("FLAG", "Junk", None));
        assert!(!into_junk.meets("COPY", "Junk/Old", Some("INBOX")));
        let out_of_junk = rule("*", Some("Junk"), &["COPY"]);
        assert!(out_of_junk.meets("COPY", "INBOX", Some("Junk")));
        assert!(!out_of_junk.meets("COPY", "INBOX", Some("Lists")));
        assert!(!out_of_junk.meets("COPY", "INBOX", None));
        let lists = rule("Lists/*/new*", None, &[]);
        assert!(lists.meets("FLAG", "Lists/a/new", None));
        assert!(lists.meets("FLAG", "Lists/a/b/newest", None));
        assert!(!lists.meets("FLAG", "Lists/a", None));
        assert!(rule("inbox", None, &[]).meets("COPY", "INBOX", None));
        assert!(!rule("in*", None, &[]).meets("COPY", "INBOX", None));
    }
}
