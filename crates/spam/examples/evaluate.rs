//! Measures the classifier on a corpus: a folder with `index.tsv` (number, class, file).
//!
//! Use: `cargo run --release -p pennyblack-spam --example evaluate -- FOLDER [--develop|--cross]`
//!
//! Numbers are chosen with `--develop` or `--cross`, which never look at the second half: they train on many choices of the first half and test on
//! the rest of that; `--cross` prints what they come to on average. Without it the models are trained on the first half and tested on the second.

use spam::Mail;
use spam::classifier::{Class, Model, Size};
use spam::features::Features;
use spam::rules::{self, Circumstances};
use spam::verdict;
use std::path::Path;
use std::time::{Duration, Instant};

struct Message {
    class: Class,
    points: f64,
    rules: Vec<String>,
    features: Features,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args().nth(1).ok_or("use: evaluate FOLDER")?;
    let messages = read(Path::new(&folder))?;
    let half = messages.len() / 2;
    if std::env::args().nth(2).as_deref() == Some("--develop") {
        develop(&messages[..half]);
        return Ok(());
    }
    if std::env::args().nth(2).as_deref() == Some("--cross") {
        cross(&messages[..half]);
        return Ok(());
    }
    static_rules(&messages);
    let (first, second) = messages.split_at(half);
    println!("trained on      1-AUC %   ham lost %  spam missed %  threshold  learn ms  score ms");
    for n in [10, 50, 200, 1000] {
        trained(&format!("{n} + {n}"), &chosen(first, n), second);
    }
    trained("half", &first.iter().collect::<Vec<_>>(), second);
    online(&messages[..3000.min(messages.len())]);
    Ok(())
}

fn read(folder: &Path) -> Result<Vec<Message>, Box<dyn std::error::Error>> {
    let index = std::fs::read_to_string(folder.join("index.tsv"))?;
    let (mut messages, mut spent) = (Vec::new(), Duration::ZERO);
    let mut ruled = Duration::ZERO;
    for line in index.lines() {
        let mut columns = line.split('\t').skip(1);
        let (Some(class), Some(file)) = (columns.next(), columns.next()) else {
            continue;
        };
        let octets = std::fs::read(folder.join(file))?;
        let start = Instant::now();
        let mail = Mail::open(&octets);
        let features = Features::of(&mail);
        spent += start.elapsed();
        let start = Instant::now();
        let develops = std::env::args().nth(2).is_some();
        let reasons = match develops {
            true => Vec::new(),
            false => rules::apply(&mail, Circumstances::default()),
        };
        ruled += start.elapsed();
        let class = if class == "spam" {
            Class::Spam
        } else {
            Class::Ham
        };
        messages.push(Message {
            class,
            points: f64::from(verdict::sum(&reasons)),
            rules: reasons.into_iter().map(|r| r.name).collect(),
            features,
        });
    }
    let sizes: Vec<usize> = (0..3)
        .map(|v| {
            messages
                .iter()
                .map(|m| m.features.views[v].len())
                .sum::<usize>()
                / messages.len()
        })
        .collect();
    eprintln!(
        "{} messages, features {sizes:?}, {:.3} ms each, rules {:.3} ms",
        messages.len(),
        spent.as_secs_f64() * 1000.0 / messages.len() as f64,
        ruled.as_secs_f64() * 1000.0 / messages.len() as f64
    );
    Ok(messages)
}

/// What each rule hits, and what the rules together do with nothing learned.
fn static_rules(messages: &[Message]) {
    let share = |class: Class, hit: &dyn Fn(&Message) -> bool| {
        let of_class = messages.iter().filter(|m| m.class == class);
        of_class.clone().filter(|m| hit(m)).count() as f64 * 100.0 / of_class.count() as f64
    };
    for rule in rules::all() {
        let hit = |m: &Message| m.rules.iter().any(|name| name == rule.name);
        println!(
            "{:<32} {:>5.1}  spam {:>6.2} %  ham {:>6.2} %",
            rule.name,
            rule.weight,
            share(Class::Spam, &hit),
            share(Class::Ham, &hit)
        );
    }
    for score in [4.0, 6.0, 7.5, 10.0, 15.0] {
        let over = |m: &Message| m.points >= score;
        println!(
            "rules alone from {score:>4.1} on: {:>6.2} % of spam, {:>5.2} % of ham",
            share(Class::Spam, &over),
            share(Class::Ham, &over)
        );
    }
}

/// Many young models, each trained on another choice of the messages and tested on the others; a line of JSON for each: what messages got
/// before they were learned, and what the others get.
fn develop(messages: &[Message]) {
    for (n, times) in [
        (5, 12),
        (10, 12),
        (20, 12),
        (50, 10),
        (100, 6),
        (200, 5),
        (500, 3),
        (900, 2),
    ] {
        for order in ["mixed", "ham first", "spam first"] {
            for time in 0..times {
                let mut turned: Vec<&Message> = messages.iter().collect();
                turned.rotate_left(messages.len() * time / times);
                let (mut train, test) = split(&turned, n);
                match order {
                    "ham first" => train.sort_by_key(|m| m.class as usize),
                    "spam first" => train.sort_by_key(|m| 1 - m.class as usize),
                    _ => {}
                }
                let mut model = Model::new(size());
                let (mut before, mut levels) = (Vec::new(), Vec::new());
                for m in &train {
                    levels.push(model.level());
                    before.push((m.class as usize, model.score(&m.features).sum()));
                    model.learn(&m.features, m.class, 1.0);
                }
                let of = |class: Class| {
                    let of_class = test.iter().filter(|m| m.class == class);
                    of_class
                        .map(|m| model.score(&m.features).sum())
                        .collect::<Vec<f64>>()
                };
                let line = serde_json::json!({"n": n, "order": order, "before": before, "levels": levels, "level": model.level(),
                    "threshold": model.threshold(), "ham": of(Class::Ham), "spam": of(Class::Spam)});
                println!("{line}");
            }
        }
    }
}

/// The mean of many young models, each trained on another choice of the messages and tested on the others.
fn cross(messages: &[Message]) {
    println!("trained on   models  1-AUC %  ham lost %  spam missed %  learn ms");
    for (n, times) in [(10, 16), (50, 16), (200, 6), (800, 3)] {
        let mut sums = [0.0; 4];
        for time in 0..times {
            let mut turned: Vec<&Message> = messages.iter().collect();
            turned.rotate_left(messages.len() * time / times);
            let (train, test) = split(&turned, n);
            let mut model = Model::new(size());
            let start = Instant::now();
            train
                .iter()
                .for_each(|m| model.learn(&m.features, m.class, 1.0));
            let learn = start.elapsed().as_secs_f64() * 1000.0 / train.len() as f64;
            let scores: Vec<(f64, Class)> = test
                .iter()
                .map(|m| (model.score(&m.features).sum(), m.class))
                .collect();
            let over = |class| over(&scores, class, model.threshold());
            let (lost, missed) = (over(Class::Ham), 100.0 - over(Class::Spam));
            let found = [100.0 * (1.0 - area(scores.clone())), lost, missed, learn];
            sums.iter_mut()
                .zip(found)
                .for_each(|(sum, one)| *sum += one);
        }
        let [area, lost, missed, learn] = sums.map(|sum| sum / times as f64);
        let name = format!("{n} + {n}");
        println!("{name:<11}  {times:>6}  {area:>7.4}  {lost:>10.3}  {missed:>13.2}  {learn:>8.3}");
    }
}

/// How many of a class score at least so much, in percent.
fn over(scores: &[(f64, Class)], class: Class, threshold: f64) -> f64 {
    let of_class = scores.iter().filter(|s| s.1 == class);
    let over = of_class.clone().filter(|s| s.0 >= threshold).count();
    over as f64 * 100.0 / of_class.count() as f64
}

fn size() -> Size {
    match std::env::args().nth(3).as_deref() {
        Some("account") => Size::Account,
        _ => Size::Server,
    }
}

/// The first so many of each class, and the others.
fn split<'a>(messages: &[&'a Message], n: usize) -> (Vec<&'a Message>, Vec<&'a Message>) {
    let mut left = [n, n];
    messages.iter().partition(|m| {
        let left = &mut left[m.class as usize];
        let taken = *left > 0;
        *left -= usize::from(taken);
        taken
    })
}

/// The first so many of each class, in their order.
fn chosen(messages: &[Message], n: usize) -> Vec<&Message> {
    let mut left = [n, n];
    messages
        .iter()
        .filter(|m| {
            let left = &mut left[m.class as usize];
            let taken = *left > 0;
            *left -= usize::from(taken);
            taken
        })
        .collect()
}

fn trained(name: &str, train: &[&Message], test: &[Message]) {
    let mut model = Model::new(Size::Server);
    let start = Instant::now();
    train
        .iter()
        .for_each(|m| model.learn(&m.features, m.class, 1.0));
    let learn = start.elapsed().as_secs_f64() * 1000.0 / train.len() as f64;
    let start = Instant::now();
    let scores: Vec<(f64, Class)> = test
        .iter()
        .map(|m| (model.score(&m.features).sum(), m.class))
        .collect();
    let score = start.elapsed().as_secs_f64() * 1000.0 / test.len() as f64;
    report(name, scores, model.threshold(), learn, score);
    let with_rules = test
        .iter()
        .map(|m| (model.score(&m.features).sum() + m.points, m.class))
        .collect();
    report("  with rules", with_rules, model.threshold(), learn, score);
}

fn online(messages: &[Message]) {
    let mut model = Model::new(Size::Server);
    let start = Instant::now();
    let scores = messages
        .iter()
        .map(|m| {
            let score = model.score(&m.features).sum();
            model.learn(&m.features, m.class, 1.0);
            (score, m.class)
        })
        .collect();
    let learn = start.elapsed().as_secs_f64() * 1000.0 / messages.len() as f64;
    report("online", scores, model.threshold(), learn, 0.0);
}

fn report(name: &str, scores: Vec<(f64, Class)>, threshold: f64, learn: f64, score: f64) {
    let over = |class| over(&scores, class, threshold);
    let (lost, caught) = (over(Class::Ham), over(Class::Spam));
    println!(
        "{name:<14}  {:>7.4}  {lost:>10.2}  {:>13.2}  {threshold:>9.2}  {learn:>8.3}  {score:>8.3}",
        (1.0 - area(scores)) * 100.0,
        100.0 - caught,
    );
}

/// The chance that a spam message scores above a ham message; equal scores count half.
fn area(mut scores: Vec<(f64, Class)>) -> f64 {
    scores.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    let (mut above, mut ham_below, mut i) = (0.0, 0.0, 0);
    while i < scores.len() {
        let equal = scores[i..]
            .iter()
            .take_while(|s| s.0 == scores[i].0)
            .count();
        let spam = scores[i..i + equal]
            .iter()
            .filter(|s| s.1 == Class::Spam)
            .count() as f64;
        let ham = equal as f64 - spam;
        above += spam * (ham_below + ham / 2.0);
        ham_below += ham;
        i += equal;
    }
    let spam = scores.len() as f64 - ham_below;
    above / (spam * ham_below)
}
