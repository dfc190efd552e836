//! What the rules alone do with a corpus, on the half of it that their weights were not fitted to (docs/spam.md).
//!
//! The corpus is other people's mail and not part of the project: `SPAM_CORPUS` names its folder (`index.tsv`: number, class, file);
//! `scripts/spam-corpus` unpacks it and runs this.

#![allow(clippy::unwrap_used)] // a test may fail by panicking

use spam::Mail;
use spam::rules::{self, Circumstances};
use spam::verdict::{self, Thresholds};
use std::path::PathBuf;

/// Class and score of each message of the second half.
fn scores(folder: PathBuf) -> Vec<(bool, f32)> {
    let index = std::fs::read_to_string(folder.join("index.tsv")).unwrap();
    let lines: Vec<&str> = index.lines().collect();
    let score = |line: &&str| {
        let mut columns = line.split('\t').skip(1);
        let (class, file) = (columns.next().unwrap(), columns.next().unwrap());
        let octets = std::fs::read(folder.join(file)).unwrap();
        let reasons = rules::apply(&Mail::open(&octets), Circumstances::default());
        (class == "spam", verdict::sum(&reasons))
    };
    lines[lines.len() / 2..].iter().map(score).collect()
}

#[test]
#[ignore = "soak: needs a corpus of mail, named by SPAM_CORPUS; scripts/spam-corpus runs it"]
fn rules_alone_catch_half_of_the_spam_and_hardly_any_wanted_mail() {
    let Some(folder) = std::env::var_os("SPAM_CORPUS") else {
        println!("rules_alone: skipped, since SPAM_CORPUS names no corpus");
        return;
    };
    let scores = scores(folder.into());
    let junk = Thresholds::default().junk_score();
    let share = |spam: bool| {
        let of_class = scores.iter().filter(|(class, _)| *class == spam);
        let over = of_class.clone().filter(|(_, score)| *score >= junk).count();
        over as f64 * 100.0 / of_class.count() as f64
    };
    let (caught, lost) = (share(true), share(false));
    println!(
        "{} messages: {caught:.2} % of spam, {lost:.2} % of ham are junk",
        scores.len()
    );
    assert!(scores.len() > 1000, "{} messages", scores.len());
    assert!(caught >= 50.0, "{caught:.2} % of spam");
    assert!(lost < 0.5, "{lost:.2} % of ham");
}
