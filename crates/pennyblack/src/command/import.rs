//! `pennyblack account import`: one request per line of a credentials file; a bad line is named, and the rest goes on.

use super::{block_on, config, unexpected};
use crate::cli::Global;
use crate::outcome::{Failure, Outcome};
use crate::output::{json, printable, say};
use serde::Serialize;
use server::control::account::{Answer, Request};
use server::control::import::{Action, Entry, Imported, parse};
use server::control::{self, Client, FailureKind, Mode};
use std::collections::HashSet;
use std::path::Path;
use std::process::ExitCode;

/// What came of the file.
#[derive(Serialize)]
struct Report {
    lines: Vec<Line>,
    dry_run: bool,
}

/// What came of one line.
#[derive(Serialize)]
struct Line {
    line: usize,
    #[serde(flatten)]
    result: Fate,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Fate {
    Done(Imported),
    Failed { error: String },
}

pub(super) fn run(file: &Path, mode: Mode, global: &Global) -> Outcome {
    let octets = std::fs::read(file)
        .map_err(|why| Failure::failed(format!("cannot read {}: {why}", file.display())))?;
    let loaded = config::load(&global.file())?;
    let lines = block_on(async {
        let mut client = Client::connect(loaded.config).await?;
        import(&mut client, &octets, mode).await
    })??;
    let report = Report {
        lines,
        dry_run: mode == Mode::Pretend,
    };
    report.print(file, global);
    Ok(report.code())
}

/// Imports line by line. Ends early only if the server or the store cannot be reached: then no line would work.
async fn import(client: &mut Client, octets: &[u8], mode: Mode) -> Result<Vec<Line>, Failure> {
    let mut seen = HashSet::new();
    let mut lines = Vec::new();
    for (index, octets) in octets.split(|octet| *octet == b'\n').enumerate() {
        let result = match read(octets, &mut seen) {
            Ok(None) => continue,
            Ok(Some(entry)) => send(client, entry, mode).await?,
            Err(error) => Fate::Failed { error },
        };
        let line = index + 1;
        lines.push(Line { line, result });
    }
    Ok(lines)
}

/// Two lines for one user would overwrite each other.
fn read(octets: &[u8], seen: &mut HashSet<String>) -> Result<Option<Entry>, String> {
    let text = std::str::from_utf8(octets).map_err(|_| "the line is not UTF-8")?;
    match parse(text)? {
        Some(entry) if !seen.insert(entry.user.to_lowercase()) => {
            Err(format!("{} is in an earlier line already", entry.user))
        }
        entry => Ok(entry),
    }
}

async fn send(client: &mut Client, entry: Entry, mode: Mode) -> Result<Fate, Failure> {
    let request = control::Request::Account(Request::Import { entry, mode });
    match client.execute(request).await {
        Ok(control::Answer::Account(Answer::Imported(done))) => Ok(Fate::Done(done)),
        Ok(_) => Err(unexpected()),
        Err(why) if why.kind == FailureKind::Unavailable => Err(why.into()),
        Err(why) => Ok(Fate::Failed { error: why.message }),
    }
}

impl Report {
    fn code(&self) -> ExitCode {
        let failed = |line: &Line| matches!(line.result, Fate::Failed { .. });
        ExitCode::from(u8::from(self.lines.iter().any(failed)))
    }

    fn print(&self, file: &Path, global: &Global) {
        if global.json {
            json(self);
            return;
        }
        for Line { line, result } in &self.lines {
            let place = format!("{}:{line}", file.display());
            match result {
                Fate::Done(done) => {
                    say!("{} {}", verb(done.action, self.dry_run), done.address);
                    for field in &done.ignored {
                        eprintln!("note: {place}: ignored {}", printable(field));
                    }
                }
                Fate::Failed { error } => eprintln!("pennyblack: {place}: {}", printable(error)),
            }
        }
    }
}

fn verb(action: Action, dry_run: bool) -> &'static str {
    match (action, dry_run) {
        (Action::Added, false) => "added",
        (Action::Added, true) => "would add",
        (Action::Updated, false) => "updated",
        (Action::Updated, true) => "would update",
        (Action::Unchanged, _) => "unchanged",
    }
}
