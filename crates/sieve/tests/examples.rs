//! The example scripts of the RFCs, by section: `tests/rfc/rfcNNNN.txt`. Each compiles, and means the same when it is printed and read again;
//! where there are messages beside it, it does with them what the RFC says.
//!
//! ```text
//! === 4.2 what the section shows          a script; `=! 4.2 …` is one that must not compile
//! require …
//! --- message [from ADDRESS] [to ADDRESS]   any number of them, with what the script does then
//! Subject: …
//!
//! --- does
//! fileinto "Lists"
//! ```

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test may fail by panicking

mod support;

use sieve::{Compiler, Envelope, Limits, Scope, render, syntax};
use support::{Facts, outcome_of};

/// A script of an RFC.
#[derive(Default)]
struct Example {
    section: String,
    wrong: bool,
    script: String,
    cases: Vec<Case>,
}

#[derive(Default)]
struct Case {
    from: String,
    to: String,
    message: String,
    does: String,
}

fn parse(text: &str) -> Vec<Example> {
    let (mut examples, mut does) = (Vec::<Example>::new(), false);
    for line in text.lines() {
        if let Some(section) = line.strip_prefix("=== ").or(line.strip_prefix("=! ")) {
            does = false;
            examples.push(Example {
                section: section.to_owned(),
                wrong: line.starts_with("=!"),
                ..Example::default()
            });
            continue;
        }
        let Some(example) = examples.last_mut() else {
            continue;
        };
        if let Some(words) = line.strip_prefix("--- message") {
            does = false;
            let word = |name: &str| {
                let mut words = words.split(' ').skip_while(|word| *word != name);
                words.nth(1).map(str::to_owned)
            };
            example.cases.push(Case {
                from: word("from").unwrap_or_else(|| "sender@example.net".into()),
                to: word("to").unwrap_or_else(|| "me@example.com".into()),
                ..Case::default()
            });
        } else if line == "--- does" {
            does = true;
        } else {
            let into = match example.cases.last_mut() {
                None => &mut example.script,
                Some(case) if does => &mut case.does,
                Some(case) => &mut case.message,
            };
            into.push_str(line);
            into.push('\n');
        }
    }
    examples
}

/// What the host of the examples knows.
fn facts() -> Facts {
    Facts {
        mailboxes: ["INBOX", "Partners", "Personal", "spam"].into(),
        lists: [
            (
                "urn:ietf:params:sieve:addrbook:default",
                vec!["sender@example.net"],
            ),
            (
                "tag:example.com,2009-05-28:my-friends",
                vec!["friend@example.org"],
            ),
        ]
        .into(),
        own: vec!["me@example.com"],
        ..Facts::default()
    }
}

fn check(rfc: &str, text: &str) {
    let examples = parse(text);
    assert!(!examples.is_empty(), "{rfc}");
    for example in &examples {
        let name = format!("{rfc} §{}", example.section);
        let compiled = Compiler::new(Scope::Global).compile(example.script.as_bytes());
        match (&compiled, example.wrong) {
            (Ok(_), false) | (Err(_), true) => {}
            (Ok(_), true) => panic!("{name} compiles"),
            (Err(errors), false) => panic!("{name}: {errors}\nin\n{}", example.script),
        }
        if !example.wrong {
            let limits = Limits::default();
            let tree = syntax::parse(&example.script, &limits).unwrap();
            let printed = syntax::print(&tree);
            let again = syntax::parse(&printed, &limits).unwrap();
            assert_eq!(syntax::print(&again), printed, "{name}");
        }
        for case in &example.cases {
            let envelope = Envelope::new(case.from.clone(), case.to.clone());
            let outcome = outcome_of(&example.script, &case.message, &envelope, &mut facts());
            let does = render::lines(&outcome);
            assert_eq!(does.trim(), case.does.trim(), "{name}\n{}", case.message);
        }
    }
}

macro_rules! examples {
    ($($name:ident),* $(,)?) => {
        $(
            #[test]
            fn $name() {
                let name = stringify!($name);
                check(name, include_str!(concat!("rfc/", stringify!($name), ".txt")));
            }
        )*
    };
}

examples!(
    rfc3894, rfc4790, rfc5051, rfc5173, rfc5183, rfc5228, rfc5229, rfc5230, rfc5231, rfc5232,
    rfc5233, rfc5235, rfc5260, rfc5293, rfc5429, rfc5435, rfc5436, rfc5463, rfc5490, rfc5703,
    rfc6009, rfc6131, rfc6134, rfc6558, rfc6609, rfc6785, rfc7352, rfc8579, rfc8580, rfc9042,
);
