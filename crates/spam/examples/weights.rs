//! Finds weights for the static rules from a corpus: a folder with `index.tsv` (number, class, file). See docs/spam.md.
//!
//! Use: `cargo run --release -p pennyblack-spam --example weights -- FOLDER`
//!
//! A logistic regression over what the rules hit, in which a rule that speaks against a message can never speak for it, nor the other way
//! round, and none weighs more than its author thought at most. It learns from the first half of the corpus alone and is measured on the
//! second. The scale is such that all but two in a thousand of the wanted messages of the first half stay below the threshold of junk.

use spam::Mail;
use spam::rules::{self, Circumstances};
use spam::verdict::{self, Thresholds};
use std::path::Path;

struct Message {
    spam: bool,
    hits: Vec<usize>,
    /// With the weights that the rules have.
    score: f32,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args().nth(1).ok_or("use: weights FOLDER")?;
    let messages = read(Path::new(&folder))?;
    let half = messages.len() / 2;
    let (first, second) = messages.split_at(half);
    println!("weights as they are");
    for (name, part) in [("first half", first), ("second half", second)] {
        report(name, part, |message| message.score);
    }
    // No weight may be above its author's in the end, and what the scale will be is known from a first attempt.
    let attempt = scale(&fit(first, 1.0), first);
    let fitted = fit(first, attempt);
    let scale = scale(&fitted, first).min(attempt);
    println!("weights from the first half, scale {scale:.2}");
    for (name, part) in [("first half", first), ("second half", second)] {
        report(name, part, |message| scale * sum(&fitted, message));
    }
    table(&messages, &fitted, scale);
    Ok(())
}

fn read(folder: &Path) -> Result<Vec<Message>, Box<dyn std::error::Error>> {
    let index = std::fs::read_to_string(folder.join("index.tsv"))?;
    let names: Vec<&str> = rules::all().map(|rule| rule.name).collect();
    let mut messages = Vec::new();
    for line in index.lines() {
        let mut columns = line.split('\t').skip(1);
        let (Some(class), Some(file)) = (columns.next(), columns.next()) else {
            continue;
        };
        let octets = std::fs::read(folder.join(file))?;
        let reasons = rules::apply(&Mail::open(&octets), Circumstances::default());
        let place = |name: &String| names.iter().position(|known| known == name);
        messages.push(Message {
            spam: class == "spam",
            score: verdict::sum(&reasons),
            hits: reasons
                .iter()
                .filter_map(|reason| place(&reason.name))
                .collect(),
        });
    }
    Ok(messages)
}

fn sum(weights: &[f32], message: &Message) -> f32 {
    message.hits.iter().map(|hit| weights[*hit]).sum()
}

/// Projected gradient descent. A wanted message that is lost is worse than spam that comes, so it counts threefold.
fn fit(messages: &[Message], scale: f32) -> Vec<f32> {
    const ROUNDS: usize = 3000;
    const HAM: f32 = 3.0;
    const RIDGE: f32 = 0.002;
    let most: Vec<f32> = rules::all().map(|rule| rule.most / scale).collect();
    let mut weights = vec![0.0_f32; most.len()];
    let mut base = -2.0_f32;
    for round in 0..ROUNDS {
        let rate = 4.0 / (1.0 + round as f32 / 300.0);
        let mut slope = vec![0.0_f32; weights.len()];
        let (mut base_slope, mut total) = (0.0, 0.0);
        for message in messages {
            let odds = base + sum(&weights, message);
            let importance = if message.spam { 1.0 } else { HAM };
            let error = importance * (1.0 / (1.0 + (-odds).exp()) - f32::from(message.spam));
            base_slope += error;
            total += importance;
            message.hits.iter().for_each(|hit| slope[*hit] += error);
        }
        base -= rate * base_slope / total;
        for ((weight, slope), most) in weights.iter_mut().zip(slope).zip(&most) {
            *weight -= rate * (slope / total + RIDGE * *weight);
            *weight = weight.clamp(most.min(0.0), most.max(0.0));
        }
    }
    weights
}

/// What brings the scores of 99.8 % of the wanted messages below the threshold of junk.
fn scale(weights: &[f32], messages: &[Message]) -> f32 {
    let ham = messages.iter().filter(|message| !message.spam);
    let mut sums: Vec<f32> = ham.map(|message| sum(weights, message)).collect();
    sums.sort_unstable_by(f32::total_cmp);
    let at = (sums.len() as f32 * 0.998) as usize;
    Thresholds::default().junk_score() / sums.get(at).copied().unwrap_or(1.0).max(0.1)
}

fn report(name: &str, messages: &[Message], score: impl Fn(&Message) -> f32) {
    let limits = Thresholds::default();
    let share = |spam: bool, from: f32| {
        let of_class = messages.iter().filter(|message| message.spam == spam);
        let over = of_class.clone().filter(|message| score(message) >= from);
        over.count() as f64 * 100.0 / of_class.count().max(1) as f64
    };
    for (what, from) in [
        ("greylist", limits.greylist),
        ("mark", limits.mark),
        ("junk", limits.junk_score()),
        ("refuse", limits.refuse),
    ] {
        let (caught, lost) = (share(true, from), share(false, from));
        println!("  {name:<12} {what:<9} {caught:>6.2} % of spam  {lost:>5.2} % of ham");
    }
}

fn table(messages: &[Message], weights: &[f32], scale: f32) {
    let share = |spam: bool, rule: usize| {
        let of_class = messages.iter().filter(|message| message.spam == spam);
        let hit = of_class
            .clone()
            .filter(|message| message.hits.contains(&rule));
        hit.count() as f64 * 100.0 / of_class.count().max(1) as f64
    };
    for (index, rule) in rules::all().enumerate() {
        let (spam, ham) = (share(true, index), share(false, index));
        println!(
            "{:<32} at most {:>5.1}  is {:>5.1}  fits {:>5.2}  spam {spam:>6.2} %  ham {ham:>6.2} %",
            rule.name,
            rule.most,
            rule.weight,
            weights[index] * scale
        );
    }
}
