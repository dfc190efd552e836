//! What a script costs once it is compiled: 100 rules on a message of 10 KB. Prints CPU time, and fails if it is beyond the budget.
//!
//!     cargo run --release -p pennyblack-sieve --example cost

use sieve::{Compiler, Envelope, Host, Mail, Run, Scope, Script};
use std::fmt::Write as _;
use std::time::Duration;

/// CPU time that a run may take.
const BUDGET: Duration = Duration::from_micros(100);

struct Noon;

impl Host for Noon {
    fn now(&mut self) -> jiff::Timestamp {
        jiff::Timestamp::UNIX_EPOCH
    }
}

/// Rules as people have them: by list, sender, subject, size; none of them matches, so that all are tried.
fn script() -> String {
    let mut text = "require [\"fileinto\", \"variables\", \"regex\", \"imap4flags\", \"envelope\", \"subaddress\"];\n".to_owned();
    for n in 0..100 {
        let test = match n % 5 {
            0 => format!("header :contains \"list-id\" \"<list{n}.lists.example>\""),
            1 => format!(
                "address :is :all [\"from\", \"sender\"] [\"person{n}@example.org\", \"other{n}@example.org\"]"
            ),
            2 => format!("header :matches \"subject\" [\"*[ticket {n}]*\", \"Re: *invoice {n}*\"]"),
            3 => format!("allof (envelope :detail \"to\" \"shop{n}\", not exists \"x-spam\")"),
            _ => format!("header :regex \"subject\" \"^\\\\[project-{n}\\\\] (.*)$\""),
        };
        let _ = writeln!(
            text,
            "if {test} {{ addflag \"$rule{n}\"; fileinto \"Folder{n}\"; stop; }}"
        );
    }
    text
}

fn message() -> Vec<u8> {
    let mut text = String::new();
    for n in 0..6 {
        let _ = write!(
            text,
            "Received: from mx{n}.example.net (mx{n}.example.net [192.0.2.{n}])\r\n\tby mx1.example.com with ESMTPS id {n};\r\n\tFri, 20 Nov 2026 10:00:0{n} +0000\r\n"
        );
    }
    text.push_str("From: Somebody Else <somebody@example.org>\r\nTo: alice@example.com\r\nSubject: [dev] =?utf-8?q?Gr=C3=BC=C3=9Fe?= about the release\r\n");
    text.push_str("List-Id: The developers <dev.lists.example.org>\r\nMessage-ID: <1@example.org>\r\nDate: Fri, 20 Nov 2026 10:00:00 +0000\r\n\r\n");
    while text.len() < 10 * 1024 {
        text.push_str("A line of text as it stands in mail, of some length.\r\n");
    }
    text.into_bytes()
}

fn run(script: &Script, message: &[u8], envelope: &Envelope) -> u64 {
    Run::new(Mail::whole(message), envelope)
        .personal("cost", script)
        .execute(&mut Noon)
        .steps
}

/// CPU time of this thread, whatever else the machine does. The kernel counts it up at each tick, so it is good for long stretches.
fn cpu_time() -> std::io::Result<Duration> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    let nanoseconds = text.split(' ').next().and_then(|word| word.parse().ok());
    nanoseconds
        .map(Duration::from_nanos)
        .ok_or_else(|| std::io::Error::other("schedstat has no time"))
}

/// CPU time of one call, on average of so many.
fn cost<T>(rounds: u32, mut work: impl FnMut() -> T) -> std::io::Result<Duration> {
    let start = cpu_time()?;
    for _ in 0..rounds {
        std::hint::black_box(work());
    }
    Ok((cpu_time()? - start) / rounds)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (source, message) = (script(), message());
    let envelope = Envelope::new("somebody@example.org", "alice@example.com");
    let compiler = Compiler::new(Scope::Personal);
    let script = compiler.compile(source.as_bytes())?;
    let compiled = cost(200, || compiler.compile(source.as_bytes()))?;
    let mut costs = Vec::new();
    for _ in 0..5 {
        costs.push(cost(10_000, || run(&script, &message, &envelope))?);
    }
    costs.sort();
    let steps = run(&script, &message, &envelope);
    println!(
        "CPU time: compile {compiled:?}; run {:?} (of five times 10,000 runs the quickest {:?}, the slowest {:?}), {steps} steps; \
         {} octets of script, {} of message",
        costs[2],
        costs[0],
        costs[4],
        source.len(),
        message.len()
    );
    match costs[2] <= BUDGET {
        true => Ok(()),
        false => Err(format!("a run costs more than {BUDGET:?}").into()),
    }
}
