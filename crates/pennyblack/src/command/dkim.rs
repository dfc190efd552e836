//! `pennyblack dkim`.

use super::{ask, unexpected};
use crate::cli::{Dkim as Which, Global, KeyKind};
use crate::outcome::{Failure, Outcome};
use crate::output::{Table, json, say};
use crate::terminal::consent;
use serde_json::json;
use server::control;
use server::control::dkim::{self, Answer, Request, View};
use std::path::Path;
use std::process::ExitCode;

/// Octets of a string in a TXT record (RFC 1035 §3.3.14).
const STRING: usize = 255;

pub(crate) fn run(which: Which, global: &Global) -> Outcome {
    let request = match which {
        Which::Keygen {
            domain,
            selector,
            kind,
            key,
        } => Request::Keygen {
            domain,
            selector,
            kind: match kind {
                KeyKind::Rsa => dkim::KeyKind::Rsa,
                KeyKind::Ed25519 => dkim::KeyKind::Ed25519,
            },
            private: key.as_deref().map(read).transpose()?,
        },
        Which::List { domain } => Request::List { domain },
        Which::Show { domain } => Request::Show { domain },
        Which::Rotate { domain } => Request::Rotate { domain },
        Which::Retire {
            domain,
            selector,
            sure,
        } => Request::Retire {
            mode: consent(sure, &format!("Forget the key {selector} of {domain}"))?,
            domain,
            selector,
        },
    };
    let is_list = matches!(request, Request::List { .. });
    let control::Answer::Dkim(answer) = ask(global, control::Request::Dkim(request))? else {
        return Err(unexpected());
    };
    Ok(match &answer {
        Answer::Keys(keys) | Answer::Made(keys) if global.json => json(keys),
        Answer::Retired { name, dry_run } if global.json => {
            json(&json!({"name": name, "dry_run": dry_run}))
        }
        answer => print(answer, is_list),
    })
}

fn read(file: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(file)
        .map_err(|why| Failure::failed(format!("cannot read {}: {why}", file.display())))
}

fn print(answer: &Answer, is_list: bool) -> ExitCode {
    match answer {
        Answer::Keys(keys) if is_list => list(keys),
        Answer::Keys(keys) => {
            if keys.is_empty() {
                say!(
                    "There is no key yet; the first message makes the first ones, or `pennyblack dkim keygen`."
                );
            }
            keys.iter().for_each(show);
        }
        Answer::Made(keys) => {
            say!("; DNS needs these records:");
            keys.iter().for_each(show);
        }
        Answer::Retired {
            name,
            dry_run: true,
        } => say!("would forget {name}"),
        Answer::Retired { name, .. } => say!("forgot {name}; its record may go from DNS"),
    }
    ExitCode::SUCCESS
}

fn list(keys: &[View]) {
    let mut table = Table::new(&[
        "domain",
        "selector",
        "algorithm",
        "state",
        "since",
        "what next",
    ]);
    for key in keys {
        table.row([
            key.domain.clone(),
            key.selector.clone(),
            key.algorithm.clone(),
            key.state.clone(),
            key.since.clone(),
            key.advice.clone(),
        ]);
    }
    table.print("There are no keys yet; the first message of a domain makes its first ones.");
}

/// A line of a zone file, with what is to be known of it before.
pub(super) fn show(key: &View) {
    let dns = match key.published.as_deref() {
        None => String::new(),
        Some(word) => format!("; in DNS: {word}"),
    };
    say!("; {} {}, {}{dns}", key.state, key.algorithm, key.advice);
    say!("{}. IN TXT {}", key.name, strings(&key.record));
}

/// The text in strings that are not too long for DNS (M19).
fn strings(record: &str) -> String {
    let pieces: Vec<String> = record
        .as_bytes()
        .chunks(STRING)
        .map(|piece| format!("\"{}\"", String::from_utf8_lossy(piece)))
        .collect();
    match pieces.as_slice() {
        [only] => only.clone(),
        pieces => format!("( {} )", pieces.join(" ")),
    }
}
