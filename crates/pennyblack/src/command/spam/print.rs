//! What `pennyblack spam` prints.

use super::Show;
use crate::cli::Global;
use crate::output::{Table, facts, json, printable, say, size};
use serde::Serialize;
use server::control::spam::{Judged, Lessons, ModelSays, Scored, Stat};
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
