//! What `pennyblack spam` prints.

use super::Show;
use crate::cli::Global;
use crate::output::{Table, facts, json, printable, say, size};
use serde::Serialize;
use server::control::spam::{Judged, Lessons, ModelSays, Scored, Stat, WhatIf, WishesOf};
use std::process::ExitCode;

pub(super) fn lessons(lessons: &Lessons, class: Option<Judged>, global: &Global) -> ExitCode {
    if global.json {
        return json(lessons);
    }
    let Lessons {
        learned,
        corrected,
        known,
        ..
    } = lessons;
    match class {
        Some(_) => say!("{learned} learned, {corrected} corrected, {known} known already"),
        None => say!("{corrected} taken back, {known} had not been learned"),
    }
    ExitCode::SUCCESS
}

/// `known`: what had only waited to be learned.
pub(super) fn taken_back(lessons: &Lessons, global: &Global) -> ExitCode {
    if global.json {
        return json(lessons);
    }
    let Lessons {
        corrected, known, ..
    } = lessons;
    say!("{corrected} taken back, and {known} that waited to be learned");
    ExitCode::SUCCESS
}

pub(super) fn waiting(lessons: &Lessons, global: &Global) -> ExitCode {
    if global.json {
        return json(lessons);
    }
    say!(
        "{} messages wait to be learned; `pennyblack spam stat` tells how far that is",
        lessons.waiting
    );
    ExitCode::SUCCESS
}

pub(super) fn stat(stat: &Stat, global: &Global) -> ExitCode {
    if global.json {
        return json(stat);
    }
    let or_nothing =
        |value: Option<String>| value.unwrap_or_else(|| "nothing is learned yet".into());
    facts(&[
        ("wanted", format!("{:.1}", stat.ham)),
        ("unwanted", format!("{:.1}", stat.spam)),
        ("waiting", stat.waiting.to_string()),
        (
            "threshold",
            or_nothing(stat.threshold.map(|threshold| format!("{threshold:.2}"))),
        ),
        (
            "memory",
            or_nothing(stat.memory.map(|octets| size(octets as u64))),
        ),
    ]);
    let mut table = Table::new(&["account", "wanted", "unwanted"]);
    for counted in &stat.accounts {
        table.row([
            counted.account.clone(),
            format!("{:.1}", counted.ham),
            format!("{:.1}", counted.spam),
        ]);
    }
    table.print("No account has taught anything yet.");
    ExitCode::SUCCESS
}

pub(super) fn wishes(wishes: &WishesOf, global: &Global) -> ExitCode {
    if global.json {
        return json(wishes);
    }
    let score = |score: Option<f32>| score.map_or("as in the settings".into(), |s| s.to_string());
    let percent =
        |part: Option<u32>| part.map_or("as in the settings".into(), |p| format!("{p} %"));
    let list = |senders: &[String]| match senders {
        [] => "nobody".to_owned(),
        some => some.join(", "),
    };
    facts(&[
        ("account", wishes.account.clone()),
        ("mark", score(wishes.mark)),
        ("junk", percent(wishes.junk)),
        ("junk-seen", percent(wishes.junk_seen)),
        ("refuse", score(wishes.refuse)),
        ("allow", list(&wishes.allow)),
        ("deny", list(&wishes.deny)),
    ]);
    ExitCode::SUCCESS
}

/// How many would have fared otherwise, and which.
pub(super) fn what_if(outcome: &WhatIf, days: u32, global: &Global) -> ExitCode {
    if global.json {
        return json(outcome);
    }
    let otherwise: u64 = outcome.changes.iter().map(|flow| flow.messages).sum();
    say!(
        "{} messages were judged in {days} days; {otherwise} would have fared otherwise.",
        outcome.messages
    );
    if otherwise == 0 {
        return ExitCode::SUCCESS;
    }
    let mut table = Table::new(&["was", "would be", "messages"]);
    for flow in &outcome.changes {
        table.row([
            flow.from.clone(),
            flow.to.clone(),
            flow.messages.to_string(),
        ]);
    }
    table.print("");
    say!("");
    let mut table = Table::new(&[
        "account", "id", "was", "would be", "score", "from", "subject",
    ]);
    for moved in &outcome.moved {
        table.row([
            moved.account.clone(),
            moved.id.clone(),
            moved.from.clone(),
            moved.to.clone(),
            format!("{:.2} → {:.2}", moved.score, moved.other),
            moved.sender.clone(),
            moved.subject.clone(),
        ]);
    }
    table.print("");
    let named = outcome.moved.len() as u64;
    if named < otherwise {
        say!("and {} more", otherwise - named);
    }
    ExitCode::SUCCESS
}

/// A message and what was found.
#[derive(Serialize)]
struct Found<'a> {
    message: &'a str,
    #[serde(flatten)]
    scored: &'a Scored,
}

pub(super) fn scored(message: &str, scored: &Scored, show: Show, global: &Global) {
    if global.json {
        json(&Found { message, scored });
        return;
    }
    say!(
        "{:.2} / {:.2} {} {}",
        scored.score,
        scored.junk,
        scored.verdict,
        printable(message)
    );
    if show == Show::Line {
        return;
    }
    for reason in &scored.reasons {
        let detail = printable(&reason.detail);
        say!("  {:>6.2}  {}  {detail}", reason.weight, reason.name);
    }
    scored.models.iter().for_each(model);
}

fn model(says: &ModelSays) {
    say!(
        "  model of {}: {:+.2} (octets {:+.2}, text {:+.2}, words {:+.2}, counts {:+.2}), unwanted from {:.2} on",
        printable(&says.model),
        says.sum,
        says.octets,
        says.text,
        says.words,
        says.bayes,
        says.threshold
    );
}
