//! What looking at a message costs: opening it, the rules, and the features that the classifier scores, for a message of 10 KB of words.
//! Prints CPU time, and fails if it is beyond the budget.
//!
//!     cargo run --release -p pennyblack-spam --example look_cost

use spam::Mail;
use spam::features::Features;
use spam::rules::{self, Circumstances};
use std::fmt::Write as _;
use std::hint::black_box;
use std::time::Duration;

/// CPU time that all of it may take.
const BUDGET: Duration = Duration::from_micros(500);
/// Messages of one measurement.
const TIMES: u32 = 2000;

/// Words that letters are made of; some begin what rules look for.
const WORDS: &str = "the of and to in is you that it he was for on are as with his they at be this have from or one had by word but not \
    what all were we when your can said there use an each which she do how their if will up other about out many then them these so some \
    her would make like him into time has look two more write go see number no way could people my than first water been call who oil its \
    now find long down day did get come made may part meeting agenda invoice attached regards project schedule deadline report quarterly \
    budget customer contract delivery payment question answer review server mailbox message archive backup network system update release";

/// Messages that all differ.
fn messages() -> Vec<Vec<u8>> {
    let words: Vec<&str> = WORDS.split_whitespace().collect();
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let message = |n: u32, random: &mut dyn FnMut() -> u64| {
        let mut text = format!(
            "From: Sender <s{n}@d{n}.example>\r\nTo: User <u1@example.org>\r\nSubject: the meeting {n}\r\n\
             Date: Fri, 20 Nov 2026 10:00:00 +0000\r\nMessage-ID: <{n}@d{n}.example>\r\nMIME-Version: 1.0\r\n\
             Content-Type: text/plain; charset=utf-8\r\n\r\n"
        );
        let mut column = 0;
        while text.len() < 10 * 1024 {
            let word = words[(random() % words.len() as u64) as usize];
            if column + word.len() > 72 {
                text.push_str("\r\n");
                column = 0;
            }
            let _ = write!(text, "{word} ");
            column += word.len() + 1;
        }
        text.into_bytes()
    };
    (0..50).map(|n| message(n, &mut random)).collect()
}

/// CPU time of this thread, whatever else the machine does.
fn cpu_time() -> std::io::Result<Duration> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    let nanoseconds = text.split(' ').next().and_then(|word| word.parse().ok());
    nanoseconds
        .map(Duration::from_nanos)
        .ok_or_else(|| std::io::Error::other("schedstat has no time"))
}

/// The middle of five measurements, for one message.
fn measured(messages: &[Vec<u8>], mut look: impl FnMut(&Mail<'_>)) -> std::io::Result<Duration> {
    let mut all = Vec::new();
    for _ in 0..5 {
        let start = cpu_time()?;
        for octets in messages.iter().cycle().take(TIMES as usize) {
            look(&Mail::open(octets));
        }
        all.push((cpu_time()? - start) / TIMES);
    }
    all.sort_unstable();
    Ok(all[2])
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let messages = messages();
    let opening = measured(&messages, |mail| {
        black_box(mail);
    })?;
    let rules = measured(&messages, |mail| {
        black_box(rules::apply(mail, Circumstances::default()));
    })?;
    let features = measured(&messages, |mail| {
        black_box(Features::of(mail));
    })?;
    println!("opening   {opening:?}");
    println!("rules     {:?}", rules.saturating_sub(opening));
    println!("features  {:?}", features.saturating_sub(opening));
    let all = (rules + features).saturating_sub(opening);
    println!("together  {all:?}");
    match all <= BUDGET {
        true => Ok(()),
        false => Err(format!("looking at a message costs more than {BUDGET:?}").into()),
    }
}
