//! `pennyblack spam classify --batch`: a model of its own, taught and asked line by line, for measuring. It needs no configuration, no
//! store and no server.
//!
//! `learn spam PATH` and `learn ham PATH` are answered with `ok`, `score PATH` with the sum and `spam`, `ham` or `unsure`, `stat` with
//! a JSON object, `quit` ends it. What cannot be done is answered with `error` and why.

use crate::cli::SpamClassify;
use crate::outcome::{Failure, Outcome};
use crate::output::say;
use spam::Mail;
use spam::classifier::{Class, Model, Size, points};
use spam::features::Features;
use spam::rules::{self, Circumstances};
use spam::verdict;
use std::fs;
use std::io::{self, BufRead, Write};
use std::path::Path;
use std::process::ExitCode;

/// The file of a model in its folder.
const FILE: &str = "model";

pub(super) fn run(options: &SpamClassify) -> Outcome {
    let why = |why: io::Error| Failure::failed(format!("{}: {why}", options.model.display()));
    fs::create_dir_all(&options.model).map_err(why)?;
    let mut classifier = Classifier {
        model: Model::new(Size::Server),
        with_rules: options.with_rules,
    };
    for line in io::stdin().lock().lines() {
        let line = line.map_err(|why| Failure::failed(format!("standard input: {why}")))?;
        if line == "quit" {
            break;
        }
        say!("{}", classifier.answer(&line));
        let _ = io::stdout().flush();
    }
    classifier.save(&options.model.join(FILE)).map_err(why)?;
    Ok(ExitCode::SUCCESS)
}

struct Classifier {
    model: Model,
    with_rules: bool,
}

impl Classifier {
    fn answer(&mut self, line: &str) -> String {
        let answer = match line.split_once(' ') {
            Some(("score", path)) => self.score(path),
            Some(("learn", what)) => self.learn(what),
            None if line == "stat" => Ok(self.stat()),
            _ => Err("known are: learn spam PATH, learn ham PATH, score PATH, stat, quit".into()),
        };
        answer.unwrap_or_else(|why| format!("error {why}"))
    }

    fn learn(&mut self, what: &str) -> Result<String, String> {
        let (class, path) = match what.split_once(' ') {
            Some(("spam", path)) => (Class::Spam, path),
            Some(("ham", path)) => (Class::Ham, path),
            _ => return Err("a message is spam or ham".into()),
        };
        let octets = read(path)?;
        self.model
            .learn(&Features::of(&Mail::open(&octets)), class, 1.0);
        Ok("ok".into())
    }

    fn score(&self, path: &str) -> Result<String, String> {
        let octets = read(path)?;
        let mail = Mail::open(&octets);
        let opinion = self.model.score(&Features::of(&mail));
        let threshold = self.model.threshold();
        if !self.with_rules {
            let sum = opinion.sum();
            return Ok(format!("{sum} {}", called(sum, threshold)));
        }
        let found = verdict::sum(&rules::apply(&mail, Circumstances::default()));
        let junk = verdict::Thresholds::default().junk_score();
        let score = found + points(&opinion, threshold);
        // The sum keeps the order of messages that the bounded points make equal.
        let sum = opinion.sum() + f64::from(found);
        Ok(format!("{sum} {}", called(score.into(), junk.into())))
    }

    fn stat(&self) -> String {
        serde_json::json!({
            "cpu_s": cpu_seconds(),
            "model_bytes": self.model.octets(),
            "rss_bytes": resident(),
        })
        .to_string()
    }

    /// The parts, each behind its length.
    fn save(&self, file: &Path) -> io::Result<()> {
        let mut out = io::BufWriter::new(fs::File::create(file)?);
        for part in (0..self.model.parts()).filter_map(|index| self.model.part(index)) {
            out.write_all(&(part.len() as u32).to_le_bytes())?;
            out.write_all(&part)?;
        }
        out.flush()
    }
}

fn called(score: f64, threshold: f64) -> &'static str {
    match score {
        score if score >= threshold => "spam",
        score if score > 0.0 => "unsure",
        _ => "ham",
    }
}

fn read(path: &str) -> Result<Vec<u8>, String> {
    fs::read(path).map_err(|why| format!("{path}: {why}"))
}

/// Seconds of CPU so far (this program has one thread); 0 where the system does not say.
fn cpu_seconds() -> f64 {
    let times = fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
    let nanoseconds = times
        .split(' ')
        .next()
        .and_then(|time| time.parse::<f64>().ok());
    nanoseconds.unwrap_or(0.0) / 1e9
}

/// Octets of memory in use; 0 where the system does not say.
fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kilobytes.unwrap_or(0) * 1024
}
