//! What a script costs once it is compiled: 100 rules on a message of 10 KB. Prints CPU time; asserts nothing.
//!
//!     cargo run --release -p pennyblack-sieve --example cost

use sieve::{Compiler, Envelope, Host, Mail, Run, Scope, Script};
use std::fmt::Write as _;
use std::time::{Duration, Instant};

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

fn main() -> Result<(), sieve::CompileErrors> {
    let (source, message) = (script(), message());
    let envelope = Envelope::new("somebody@example.org", "alice@example.com");
    let start = Instant::now();
    let script = Compiler::new(Scope::Personal).compile(source.as_bytes())?;
    let compiled = start.elapsed();
    let rounds = 2_000;
    let mut best = Duration::MAX;
    let start = Instant::now();
    for _ in 0..rounds {
        let one = Instant::now();
        std::hint::black_box(run(&script, &message, &envelope));
        best = best.min(one.elapsed());
    }
    let mean = start.elapsed() / rounds;
    let steps = run(&script, &message, &envelope);
    println!(
        "compile {compiled:?}; run mean {mean:?}, best {best:?}, {steps} steps; {} octets of script, {} of message",
        source.len(),
        message.len()
    );
    Ok(())
}
