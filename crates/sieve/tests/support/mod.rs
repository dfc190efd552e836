//! A host with facts from a table, and a short way to run a script. Shared by the tests of this crate.

#![allow(dead_code)] // no test uses all of it

use jiff::{Timestamp, tz::TimeZone};
use sieve::{
    Compiler, DuplicateKey, Envelope, Executed, Host, HostError, Included, Location, Mail, Mailto,
    Outcome, Program, Run, Scope, Script, SpamScore, VirusVerdict, render,
};
use std::collections::{HashMap, HashSet};

/// What the host knows; empty by default. The time is Fri, 20 Nov 2026 14:13:44 UTC.
#[derive(Default)]
pub(crate) struct Facts {
    pub(crate) environment: HashMap<&'static str, &'static str>,
    pub(crate) mailboxes: HashSet<&'static str>,
    pub(crate) mailbox_ids: HashSet<&'static str>,
    /// Mailbox and special use.
    pub(crate) special: HashSet<(&'static str, &'static str)>,
    /// Mailbox (empty for the server), entry, value.
    pub(crate) metadata: HashMap<(&'static str, &'static str), &'static str>,
    pub(crate) seen: HashSet<DuplicateKey>,
    pub(crate) lists: HashMap<&'static str, Vec<&'static str>>,
    pub(crate) scripts: HashMap<(Location, &'static str), String>,
    pub(crate) spam: Option<SpamScore>,
    pub(crate) virus: Option<VirusVerdict>,
    pub(crate) own: Vec<&'static str>,
    pub(crate) zone: Option<TimeZone>,
    pub(crate) body: Vec<u8>,
    pub(crate) programs: HashMap<&'static str, fn(&Program) -> Executed>,
    pub(crate) away: bool,
    pub(crate) calls: Vec<String>,
}

impl Facts {
    fn there(&self) -> Result<(), HostError> {
        match self.away {
            true => Err(HostError("the store is away".into())),
            false => Ok(()),
        }
    }
}

impl Host for Facts {
    fn now(&mut self) -> Timestamp {
        Timestamp::from_second(1_795_184_024).unwrap()
    }

    fn time_zone(&mut self) -> TimeZone {
        self.zone.clone().unwrap_or(TimeZone::UTC)
    }

    fn environment(&mut self, item: &str) -> Result<Option<String>, HostError> {
        Ok(self.environment.get(item).map(|value| (*value).to_owned()))
    }

    fn mailbox_exists(&mut self, mailbox: &str) -> Result<bool, HostError> {
        self.there()?;
        Ok(self.mailboxes.contains(mailbox))
    }

    fn mailbox_id_exists(&mut self, id: &str) -> Result<bool, HostError> {
        Ok(self.mailbox_ids.contains(id))
    }

    fn special_use_exists(&mut self, mailbox: Option<&str>, flag: &str) -> Result<bool, HostError> {
        let same = |(name, use_): &(&str, &str)| {
            mailbox.is_none_or(|m| m == *name) && flag.eq_ignore_ascii_case(use_)
        };
        Ok(self.special.iter().any(same))
    }

    fn mailbox_metadata(
        &mut self,
        mailbox: &str,
        entry: &str,
    ) -> Result<Option<String>, HostError> {
        let found = self
            .metadata
            .iter()
            .find(|((m, e), _)| *m == mailbox && *e == entry);
        Ok(found.map(|(_, value)| (*value).to_owned()))
    }

    fn server_metadata(&mut self, entry: &str) -> Result<Option<String>, HostError> {
        self.mailbox_metadata("", entry)
    }

    fn seen_before(&mut self, key: &DuplicateKey) -> Result<bool, HostError> {
        Ok(self.seen.contains(key))
    }

    fn list_exists(&mut self, list: &str) -> Result<bool, HostError> {
        Ok(self.lists.contains_key(list))
    }

    fn list_contains(&mut self, list: &str, value: &str) -> Result<bool, HostError> {
        Ok(self
            .lists
            .get(list)
            .is_some_and(|values| values.contains(&value)))
    }

    fn include(&mut self, location: Location, name: &str) -> Result<Included, HostError> {
        let found = self
            .scripts
            .iter()
            .find(|((l, n), _)| *l == location && *n == name);
        Ok(match found {
            None => Included::Missing,
            Some((_, source)) => match Compiler::new(Scope::Personal).compile(source.as_bytes()) {
                Ok(script) => Included::Script(script),
                Err(errors) => Included::Broken(errors),
            },
        })
    }

    fn notify_method_is_valid(&mut self, uri: &str) -> Result<bool, HostError> {
        Ok(uri.starts_with("xmpp:"))
    }

    fn notify_capability(
        &mut self,
        _: &str,
        capability: &str,
    ) -> Result<Option<String>, HostError> {
        Ok((capability == "online").then(|| "yes".to_owned()))
    }

    fn mailto_is_valid(&mut self, _: &Mailto) -> Result<bool, HostError> {
        Ok(true)
    }

    fn spam(&mut self) -> Result<Option<SpamScore>, HostError> {
        Ok(self.spam)
    }

    fn virus(&mut self) -> Result<Option<VirusVerdict>, HostError> {
        Ok(self.virus)
    }

    fn own_addresses(&mut self) -> Result<Vec<String>, HostError> {
        Ok(self.own.iter().map(|a| (*a).to_owned()).collect())
    }

    fn body(&mut self) -> Result<Vec<u8>, HostError> {
        self.there()?;
        Ok(self.body.clone())
    }

    fn execute(&mut self, program: &Program) -> Result<Executed, HostError> {
        self.calls
            .push(format!("{} {:?}", program.name, program.arguments));
        Ok(match self.programs.get(program.name.as_str()) {
            Some(run) => run(program),
            None => Executed::NotFound,
        })
    }
}

/// Compiles a script that must be right, with all that the admin may use.
#[track_caller]
pub(crate) fn compile(source: &str) -> Script {
    match Compiler::new(Scope::Global).compile(source.as_bytes()) {
        Ok(script) => script,
        Err(errors) => panic!("{errors}\nin\n{source}"),
    }
}

/// The problems of a user's script.
pub(crate) fn problems(source: &str) -> String {
    match Compiler::new(Scope::Personal).compile(source.as_bytes()) {
        Ok(_) => String::new(),
        Err(errors) => errors.to_string(),
    }
}

/// Line ends as mail has them.
pub(crate) fn crlf(text: &str) -> Vec<u8> {
    text.replace("\r\n", "\n")
        .replace('\n', "\r\n")
        .into_bytes()
}

/// Runs a script on a message from `sender@example.net` to `me@example.com`.
#[track_caller]
pub(crate) fn outcome(source: &str, message: &str, facts: &mut Facts) -> Outcome {
    let envelope = Envelope::new("sender@example.net", "me@example.com");
    outcome_of(source, message, &envelope, facts)
}

#[track_caller]
pub(crate) fn outcome_of(
    source: &str,
    message: &str,
    envelope: &Envelope,
    facts: &mut Facts,
) -> Outcome {
    let message = crlf(message);
    let script = compile(source);
    Run::new(Mail::whole(&message), envelope)
        .personal("test", &script)
        .traced()
        .execute(facts)
}

/// What the script decides, a line each, joined by ` | `.
#[track_caller]
pub(crate) fn run(source: &str, message: &str) -> String {
    joined(&outcome(source, message, &mut Facts::default()))
}

#[track_caller]
pub(crate) fn run_with(source: &str, message: &str, facts: &mut Facts) -> String {
    joined(&outcome(source, message, facts))
}

pub(crate) fn joined(outcome: &Outcome) -> String {
    render::lines(outcome).trim_end().replace('\n', " | ")
}

/// Is the test true? `require` for all that it may need comes along.
#[track_caller]
pub(crate) fn holds(test: &str, message: &str) -> bool {
    holds_with(test, message, &mut Facts::default())
}

#[track_caller]
pub(crate) fn holds_with(test: &str, message: &str, facts: &mut Facts) -> bool {
    let words: Vec<String> = sieve::Capabilities::all(Scope::Global)
        .without(sieve::Capability::Notify)
        .without(sieve::Capability::Ihave)
        .iter()
        .map(|c| format!("\"{c}\""))
        .collect();
    let source = format!("require [{}];\nif {test} {{ discard; }}", words.join(","));
    let outcome = outcome(&source, message, facts);
    assert!(outcome.error.is_none(), "{:?}", outcome.error);
    joined(&outcome) == "discard"
}
