//! What a script is told when it is tried without a server: what the command line says, and nothing else.

use crate::cli::SieveTest;
use crate::outcome::Failure;
use jiff::{Timestamp, tz::TimeZone};
use sieve::{Compiler, Executed, Host, HostError, Included, Location, Program, Scope, SpamScore};
use std::path::{Path, PathBuf};

type Answer<T> = Result<T, HostError>;

pub(super) struct Facts {
    now: Timestamp,
    zone: TimeZone,
    environment: Vec<(String, String)>,
    mailboxes: Vec<String>,
    own: Vec<String>,
    spam: Option<SpamScore>,
    personal: PathBuf,
    global: Option<PathBuf>,
}

impl Facts {
    pub(super) fn new(options: &SieveTest) -> Result<Facts, Failure> {
        let folder = options.script.parent().map(Path::to_path_buf);
        Ok(Facts {
            now: now(options.time)?,
            zone: TimeZone::system(),
            environment: environment(options)?,
            mailboxes: options.mailbox.clone(),
            own: options.own.clone(),
            spam: options.spam.as_deref().map(spam).transpose()?,
            personal: options.include.clone().or(folder).unwrap_or_default(),
            global: options.include_global.clone(),
        })
    }
}

fn now(seconds: Option<i64>) -> Result<Timestamp, Failure> {
    match seconds {
        None => Ok(Timestamp::now()),
        Some(seconds) => Timestamp::from_second(seconds)
            .map_err(|why| Failure::usage(format!("--time {seconds}: {why}"))),
    }
}

/// `NAME=VALUE` of the command line, and what follows from the event.
fn environment(options: &SieveTest) -> Result<Vec<(String, String)>, Failure> {
    let mut items = Vec::new();
    for item in &options.env {
        let Some((name, value)) = item.split_once('=') else {
            return Err(Failure::usage(format!("--env {item}: write NAME=VALUE")));
        };
        items.push((name.to_ascii_lowercase(), value.to_owned()));
    }
    let location = if options.event.is_some() { "MS" } else { "MDA" };
    items.push(("location".into(), location.into()));
    items.push(("phase".into(), "during".into()));
    items.push(("imap.mailbox".into(), "INBOX".into()));
    let to = options.to.clone().unwrap_or_default();
    items.push(("imap.user".into(), to.clone()));
    items.push(("imap.email".into(), to));
    let cause = options.event.map(|cause| cause.name().to_owned());
    items.extend(cause.map(|cause| ("imap.cause".into(), cause)));
    Ok(items)
}

/// `7.5/15`: the score, and the one that counts as 100 percent.
fn spam(text: &str) -> Result<SpamScore, Failure> {
    let number = |text: &str| text.trim().parse::<f64>().ok().filter(|n| n.is_finite());
    let parts = text.split_once('/');
    let score = parts.and_then(|(score, most)| Some((number(score)?, number(most)?)));
    match score {
        Some((score, maximum)) if maximum > 0.0 => Ok(SpamScore { score, maximum }),
        _ => Err(Failure::usage(format!(
            "--spam {text}: write SCORE/MAXIMUM, such as 7.5/15"
        ))),
    }
}

impl Host for Facts {
    fn now(&mut self) -> Timestamp {
        self.now
    }

    fn time_zone(&mut self) -> TimeZone {
        self.zone.clone()
    }

    fn environment(&mut self, item: &str) -> Answer<Option<String>> {
        let found = self.environment.iter().find(|(name, _)| name == item);
        Ok(found.map(|(_, value)| value.clone()))
    }

    fn mailbox_exists(&mut self, mailbox: &str) -> Answer<bool> {
        let inbox = mailbox.eq_ignore_ascii_case("INBOX");
        Ok(inbox || self.mailboxes.iter().any(|name| name == mailbox))
    }

    fn include(&mut self, location: Location, name: &str) -> Answer<Included> {
        let (folder, scope) = match location {
            Location::Personal => (Some(&self.personal), Scope::Personal),
            Location::Global => (self.global.as_ref(), Scope::Global),
        };
        match folder.and_then(|folder| source(folder, name)) {
            None => Ok(Included::Missing),
            Some(Err(why)) => Err(HostError(format!("{name}: {why}"))),
            Some(Ok(source)) => Ok(match Compiler::new(scope).compile(&source) {
                Ok(script) => Included::Script(script),
                Err(errors) => Included::Broken(errors),
            }),
        }
    }

    fn spam(&mut self) -> Answer<Option<SpamScore>> {
        Ok(self.spam)
    }

    fn own_addresses(&mut self) -> Answer<Vec<String>> {
        Ok(self.own.clone())
    }

    /// Nothing is started in a trial run; each program seems to succeed and to print nothing.
    fn execute(&mut self, _: &Program) -> Answer<Executed> {
        Ok(Executed::Success(Vec::new()))
    }
}

/// `NAME.sieve` or `NAME` in the folder; `None`: there is neither.
fn source(folder: &Path, name: &str) -> Option<std::io::Result<Vec<u8>>> {
    if name.is_empty() || name.starts_with('.') || name.contains(['/', '\0']) {
        return None;
    }
    let files = [folder.join(format!("{name}.sieve")), folder.join(name)];
    let found = files.iter().find(|file| file.is_file());
    found.map(std::fs::read)
}
