//! Tests: what each one looks at is in the file of its family, or here if that is little.

use super::Remember;
use super::lists;
use super::machine::{Done, Failure, Machine};
use crate::code::{Condition, Criterion, Duplicate, DuplicateId, Test, Text};
use crate::compare::Matching;
use crate::host::{DuplicateKey, SpamScore};

impl Machine<'_> {
    pub(super) fn condition(&mut self, condition: &Condition) -> Done<bool> {
        self.budget.spend(1)?;
        self.frame.place = condition.place;
        let result = self.test(&condition.test)?;
        if self.run.traced {
            self.frame.place = condition.place;
            self.note(|| format!("{}: {result}", name(&condition.test)));
        }
        Ok(result)
    }

    fn test(&mut self, test: &Test) -> Done<bool> {
        match test {
            Test::True => Ok(true),
            Test::False => Ok(false),
            Test::Not(inner) => Ok(!self.condition(inner)?),
            Test::AllOf(inner) => {
                for condition in inner {
                    if !self.condition(condition)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            Test::AnyOf(inner) => {
                for condition in inner {
                    if self.condition(condition)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Test::Unavailable(what) => Err(Failure::script(&**what)),
            Test::Address(test) => self.address_test(test),
            Test::Envelope(test) => self.envelope_test(test),
            Test::Exists { mime, headers } => self.exists(mime.as_ref(), headers),
            Test::Header(test) => self.header_test(test),
            Test::Size { over: true, limit } => Ok(self.document.size() > *limit),
            Test::Size { over: false, limit } => Ok(self.document.size() < *limit),
            Test::Body {
                transform,
                criterion,
            } => self.body_test(transform, criterion),
            Test::Date(test) => self.date_test(test),
            test => self.test_of_state(test),
        }
    }

    /// Tests of what the script itself has done, or the user's filters have found.
    fn test_of_state(&mut self, test: &Test) -> Done<bool> {
        match test {
            Test::String { sources, criterion } => self.string_test(sources, criterion),
            Test::HasFlag {
                variables,
                criterion,
            } => self.has_flag(variables, criterion),
            Test::Environment { items, criterion } => self.environment(items, criterion),
            Test::Duplicate(duplicate) => self.duplicate(duplicate),
            Test::Spam { percent, criterion } => {
                let spam = self.host.spam()?;
                let value = spam_value(spam, *percent);
                self.compare_verdict(criterion, spam.is_some(), value)
            }
            Test::Virus { criterion } => {
                let virus = self.host.virus()?;
                let value = virus.map_or(0, |verdict| verdict as u8);
                self.compare_verdict(criterion, virus.is_some(), value.to_string())
            }
            Test::Execute(execute) => self.execute(execute),
            Test::Filter { program, arguments } => self.filter(program, arguments),
            test => self.test_of_host(test),
        }
    }

    /// Tests of the user's mailboxes, lists and methods.
    fn test_of_host(&mut self, test: &Test) -> Done<bool> {
        match test {
            Test::MailboxExists(names) => self.all(names, |machine, name| {
                Ok(machine.host.mailbox_exists(name)?)
            }),
            Test::MailboxIdExists(ids) => {
                self.all(ids, |machine, id| Ok(machine.host.mailbox_id_exists(id)?))
            }
            Test::SpecialUseExists { mailbox, flags } => {
                let mailbox = self.expand_some(mailbox.as_ref())?;
                self.all(flags, |machine, flag| {
                    Ok(machine.host.special_use_exists(mailbox.as_deref(), flag)?)
                })
            }
            Test::Metadata {
                mailbox,
                entry,
                criterion,
            } => self.metadata(mailbox.as_ref(), entry, criterion),
            Test::MetadataExists { mailbox, entries } => {
                let mailbox = self.expand_some(mailbox.as_ref())?;
                self.all(entries, |machine, entry| {
                    Ok(machine.annotation(mailbox.as_deref(), entry)?.is_some())
                })
            }
            Test::ValidNotifyMethod(uris) => self.all(uris, Self::is_valid_method),
            Test::NotifyMethodCapability {
                uri,
                capability,
                criterion,
            } => self.notify_capability(uri, capability, criterion),
            Test::ValidExtList(names) => self.all(names, |machine, list| {
                Ok(machine.host.list_exists(&lists::whole(list))?)
            }),
            _ => Ok(false),
        }
    }

    /// Does it hold for each of the strings?
    fn all(&mut self, texts: &[Text], holds: impl Fn(&mut Self, &str) -> Done<bool>) -> Done<bool> {
        for text in texts {
            let text = self.expand(text)?;
            self.budget.spend(1)?;
            if !holds(self, &text)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn string_test(&mut self, sources: &[Text], criterion: &Criterion) -> Done<bool> {
        let values = self.expand_all(sources)?;
        self.compare_strings(criterion, values)
    }

    /// `:count` counts strings that are not empty (RFC 5229 §5, RFC 5183 §4, RFC 5435 §5).
    pub(super) fn compare_strings(
        &mut self,
        criterion: &Criterion,
        mut values: Vec<String>,
    ) -> Done<bool> {
        if let Matching::Count(_) = criterion.matching {
            values.retain(|value| !value.is_empty());
        }
        self.compare(criterion, &values)
    }

    /// `:count` tells whether the check was made at all (RFC 5235 §3.1).
    fn compare_verdict(
        &mut self,
        criterion: &Criterion,
        checked: bool,
        value: String,
    ) -> Done<bool> {
        match criterion.matching {
            Matching::Count(_) if !checked => self.compare::<String>(criterion, &[]),
            _ => self.compare(criterion, &[value]),
        }
    }

    fn environment(&mut self, items: &[Text], criterion: &Criterion) -> Done<bool> {
        let mut values = Vec::new();
        for item in items {
            let item = self.expand(item)?.to_ascii_lowercase();
            values.extend(self.environment_item(&item)?);
        }
        self.compare_strings(criterion, values)
    }

    /// RFC 5183 §4.1
    pub(super) fn environment_item(&mut self, item: &str) -> Done<Option<String>> {
        if let Some(value) = self.host.environment(item)? {
            return Ok(Some(value));
        }
        Ok(match item {
            "name" => Some("Pennyblack Sieve".into()),
            "version" => Some(env!("CARGO_PKG_VERSION").into()),
            _ => None,
        })
    }

    /// RFC 7352 §3
    fn duplicate(&mut self, duplicate: &Duplicate) -> Done<bool> {
        let id = match &duplicate.id {
            DuplicateId::MessageId => self.document.first("Message-ID").map(str::to_owned),
            DuplicateId::Header(name) => {
                let name = self.expand(name)?;
                self.document.first(&name).map(str::to_owned)
            }
            DuplicateId::Unique(text) => Some(self.expand(text)?.into_owned()),
        };
        let Some(id) = id.filter(|id| !id.is_empty()) else {
            return Ok(false);
        };
        let handle = self
            .expand_some(duplicate.handle.as_ref())?
            .unwrap_or_default();
        let key = DuplicateKey { handle, id };
        if duplicate.seconds == Some(0) {
            return Ok(false); // RFC 7352 §3.3
        }
        let seen = self.host.seen_before(&key)?;
        if !seen || duplicate.last {
            self.remember(key, duplicate.seconds)?;
        }
        Ok(seen)
    }

    fn remember(&mut self, key: DuplicateKey, seconds: Option<u64>) -> Done<()> {
        let seconds = seconds
            .unwrap_or(DUPLICATE_DEFAULT)
            .min(self.run.limits.duplicate_maximum);
        if let Some(present) = self.remember.iter_mut().find(|r| r.key == key) {
            present.seconds = present.seconds.max(seconds);
            return Ok(());
        }
        if self.remember.len() >= self.run.limits.actions {
            return Err(Failure::limit(
                "there are too many different duplicate tests",
            ));
        }
        self.remember.push(Remember { key, seconds });
        Ok(())
    }

    fn metadata(
        &mut self,
        mailbox: Option<&Text>,
        entry: &Text,
        criterion: &Criterion,
    ) -> Done<bool> {
        let mailbox = self.expand_some(mailbox)?;
        let entry = self.expand(entry)?;
        let value = self.annotation(mailbox.as_deref(), &entry)?;
        self.compare(criterion, value.as_slice())
    }

    fn annotation(&mut self, mailbox: Option<&str>, entry: &str) -> Done<Option<String>> {
        Ok(match mailbox {
            Some(mailbox) => self.host.mailbox_metadata(mailbox, entry)?,
            None => self.host.server_metadata(entry)?,
        })
    }
}

/// Seconds that `duplicate` remembers without `:seconds`: a week (RFC 7352 §3.3).
const DUPLICATE_DEFAULT: u64 = 7 * 86_400;

/// RFC 5235 §3.2: 0 is "not tested", 1 "certainly no spam", 10 "certainly spam"; with `:percent` 0 to 100.
fn spam_value(spam: Option<SpamScore>, percent: bool) -> String {
    let share = spam.map(|spam| {
        let share = if spam.maximum > 0.0 {
            spam.score / spam.maximum
        } else {
            0.0
        };
        share.clamp(0.0, 1.0)
    });
    match (share, percent) {
        (None, _) => "0".into(),
        (Some(share), true) => format!("{:.0}", (share * 100.0).floor()),
        (Some(share), false) => format!("{:.0}", 1.0 + (share * 9.0).floor()),
    }
}

/// The name of a test in a trace.
fn name(test: &Test) -> &'static str {
    match test {
        Test::True => "true",
        Test::False => "false",
        Test::Not(_) => "not",
        Test::AllOf(_) => "allof",
        Test::AnyOf(_) => "anyof",
        Test::Address(_) => "address",
        Test::Envelope(_) => "envelope",
        Test::Exists { .. } => "exists",
        Test::Header(_) => "header",
        Test::Size { .. } => "size",
        Test::String { .. } => "string",
        Test::HasFlag { .. } => "hasflag",
        Test::Environment { .. } => "environment",
        Test::Body { .. } => "body",
        Test::Date(_) => "date",
        Test::Duplicate(_) => "duplicate",
        Test::Spam { .. } => "spamtest",
        Test::Virus { .. } => "virustest",
        Test::MailboxExists(_) => "mailboxexists",
        Test::MailboxIdExists(_) => "mailboxidexists",
        Test::SpecialUseExists { .. } => "specialuse_exists",
        Test::Metadata { .. } => "metadata",
        Test::MetadataExists { .. } => "metadataexists",
        Test::ValidNotifyMethod(_) => "valid_notify_method",
        Test::NotifyMethodCapability { .. } => "notify_method_capability",
        Test::ValidExtList(_) => "valid_ext_list",
        Test::Execute(_) => "execute",
        Test::Filter { .. } => "filter",
        Test::Unavailable(_) => "unavailable",
    }
}
