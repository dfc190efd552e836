//! The example scripts of the RFCs, by section: `tests/rfc/rfcNNNN.txt`. Each compiles, and means the same when it is printed and read again;
//! where there are messages beside it, it does with them what the RFC says.
//!
//! ```text
//! === 4.2 what the section shows          a script; `=! 4.2 …` is one that must not compile
//! require …
//! --- script global NAME                  a script that it includes (`personal` or `global`), any number of them
//! …
//! --- message [from ADDRESS] [to ADDRESS]   any number of them, with what the script does then
//! Subject: …
//!
//! --- does
//! fileinto "Lists"
//! ```
//!
//! On the line of a message there may also be: `size OCTETS`, of which the body is made up; `spam PERCENT` and `virus VALUE`, what the checks
//! found; `seen [HANDLE]/ID`, what `duplicate` remembers, with `_` for a space; `item NAME=VALUE`, of the environment, any number of them;
//! `notify WORD`, `orcpt TYPE;ADDRESS` and `by SECONDS`, of the envelope.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test may fail by panicking

mod support;

use sieve::{
    Compiler, DuplicateKey, Envelope, EnvelopeBy, Limits, Location, Scope, SpamScore, VirusVerdict,
    render, syntax,
};
use support::{Facts, outcome_of};

/// A script of an RFC.
#[derive(Default)]
struct Example {
    section: String,
    wrong: bool,
    script: String,
    included: Vec<(Location, &'static str, String)>,
    cases: Vec<Case>,
}

#[derive(Default)]
struct Case {
    /// The words beside `--- message`.
    words: Vec<String>,
    message: String,
    does: String,
}

impl Case {
    fn word(&self, name: &str) -> Option<&str> {
        self.all(name).first().copied()
    }

    /// What follows each `name`.
    fn all(&self, name: &str) -> Vec<&str> {
        let pairs = self.words.chunks_exact(2);
        let named = pairs.filter(|pair| pair[0] == name);
        named.map(|pair| pair[1].as_str()).collect()
    }

    fn envelope(&self) -> Envelope {
        let from = self.word("from").unwrap_or("sender@example.net");
        let mut envelope = Envelope::new(from, self.word("to").unwrap_or("me@example.com"));
        envelope.dsn.notify = self.all("notify").into_iter().map(str::to_owned).collect();
        envelope.dsn.orcpt = self.word("orcpt").map(str::to_owned);
        envelope.by = self.word("by").map(|seconds| EnvelopeBy {
            deadline: NOW + seconds.parse::<i64>().unwrap(),
            seconds: seconds.parse().unwrap(),
            or_return: true,
            trace: false,
        });
        envelope
    }

    /// The message, made up to its size.
    fn text(&self) -> String {
        let size: usize = self
            .word("size")
            .map_or(0, |octets| octets.parse().unwrap());
        let line = "0123456789\n";
        let lines = size.saturating_sub(self.message.len()) / (line.len() + 1);
        format!("{}{}", self.message, line.repeat(lines))
    }
}

/// The time of [`Facts`], in seconds since 1970.
const NOW: i64 = 1_795_184_024;

/// For the tables of [`Facts`]: a test may forget a few words.
fn kept(word: &str) -> &'static str {
    Box::leak(word.to_owned().into_boxed_str())
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
        if let Some(script) = line.strip_prefix("--- script ") {
            let (location, name) = match script.split_once(' ').unwrap() {
                ("personal", name) => (Location::Personal, name),
                ("global", name) => (Location::Global, name),
                (other, _) => panic!("{other}"),
            };
            let included = (location, kept(name), String::new());
            example.included.push(included);
        } else if let Some(words) = line.strip_prefix("--- message") {
            does = false;
            example.cases.push(Case {
                words: words.split_whitespace().map(str::to_owned).collect(),
                ..Case::default()
            });
        } else if line == "--- does" {
            does = true;
        } else {
            let into = match example.cases.last_mut() {
                None => match example.included.last_mut() {
                    None => &mut example.script,
                    Some((_, _, script)) => script,
                },
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
fn facts(example: &Example, case: &Case) -> Facts {
    let scripts = example.included.iter();
    let key = |(handle, id): (&str, &str)| DuplicateKey {
        handle: handle.to_owned(),
        id: id.replace('_', " "),
    };
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
            (
                "tag:example.com,2011-01-01:localHolidays",
                vec!["2026-11-20"],
            ),
            (
                "tag:example.com,2010-05-28:mylist",
                vec!["friend@example.org"],
            ),
            (
                "tag:example.com,2011-04-10:DisallowedIPs",
                vec!["192.0.2.7"],
            ),
            ("tag:example.com,2011-04-10:BadFileNameExts", vec!["x.exe"]),
        ]
        .into(),
        own: vec!["me@example.com"],
        metadata: [
            (("INBOX", "/private/vendor/vendor.isode/auto-replies"), "on"),
            (
                ("", "/private/vendor/vendor.isode/notification-uri"),
                "mailto:alm@example.com",
            ),
        ]
        .into(),
        special: [("Spam", "\\Junk")].into(),
        mailbox_ids: ["F6352ae03-b7f5-463c-896f-d8b48ee3"].into(),
        scripts: scripts
            .map(|(location, name, source)| ((*location, *name), source.clone()))
            .collect(),
        spam: case.word("spam").map(|percent| SpamScore {
            score: percent.parse().unwrap(),
            maximum: 100.0,
        }),
        virus: case.word("virus").map(|value| match value {
            "1" => VirusVerdict::Clean,
            "4" => VirusVerdict::Suspicious,
            "5" => VirusVerdict::Infected,
            other => panic!("{other}"),
        }),
        seen: case
            .all("seen")
            .into_iter()
            .map(|seen| key(seen.split_once('/').unwrap()))
            .collect(),
        environment: case
            .all("item")
            .into_iter()
            .map(|item| item.split_once('=').unwrap())
            .map(|(name, value)| (kept(name), kept(value)))
            .collect(),
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
            let mut facts = facts(example, case);
            let outcome = outcome_of(&example.script, &case.text(), &case.envelope(), &mut facts);
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
