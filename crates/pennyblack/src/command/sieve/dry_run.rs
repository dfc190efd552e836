//! `pennyblack sieve test`: what a script would do with a message. Nothing is done (H35).

use super::facts::Facts;
use super::{read, report, scope};
use crate::cli::{Global, SieveTest};
use crate::outcome::Outcome;
use crate::output::{json, printable, say, text};
use message::{address_list, header};
use serde_json::json;
use sieve::{Compiler, Envelope, Mail, Occasion, Run, Script, render};
use std::process::ExitCode;

/// Prints an action a line; exit code 1 if the script does not compile or fails.
pub(super) fn run(options: &SieveTest, global: &Global) -> Outcome {
    let script = match Compiler::new(scope(options.admin)).compile(&read(&options.script)?) {
        Ok(script) => script,
        Err(errors) if global.json => {
            let errors = report::problems_json(&options.script, errors.problems());
            json(&json!({"actions": [], "errors": errors}));
            return Ok(ExitCode::FAILURE);
        }
        Err(errors) => {
            report::errors(&options.script, &errors);
            return Ok(ExitCode::FAILURE);
        }
    };
    let outcome = execute(options, &script)?;
    if global.json {
        json(&report::outcome_json(&outcome));
    } else {
        print(&outcome);
    }
    Ok(ExitCode::from(u8::from(outcome.error.is_some())))
}

fn execute(
    options: &SieveTest,
    script: &Script,
) -> Result<sieve::Outcome, crate::outcome::Failure> {
    let message = as_sent(read(&options.message)?);
    let mut facts = Facts::new(options)?;
    let envelope = envelope(options, &message);
    let name = options.script.file_stem().unwrap_or_default();
    let name = name.to_string_lossy();
    let run = Run::new(Mail::whole(&message), &envelope).on(occasion(options));
    let run = match options.admin {
        true => run.global(&name, script),
        false => run.personal(&name, script),
    };
    let run = if options.trace { run.traced() } else { run };
    Ok(run.execute(&mut facts))
}

fn occasion(options: &SieveTest) -> Occasion {
    match options.event {
        None => Occasion::Delivery,
        Some(_) => Occasion::ImapEvent {
            flags: options.flag.clone(),
        },
    }
}

/// Trace and debug output as comments, so that the other lines are actions and nothing else.
fn print(outcome: &sieve::Outcome) {
    for line in outcome.trace.iter().chain(&outcome.debug) {
        let (script, at) = (printable(&line.script), line.place);
        say!(
            "# {script} {}:{} {}",
            at.line,
            at.column,
            printable(&line.what)
        );
    }
    text(&render::lines(outcome));
}

/// With the line ends that it would have on the wire.
fn as_sent(file: Vec<u8>) -> Vec<u8> {
    if file.windows(2).any(|pair| pair == b"\r\n") {
        return file;
    }
    let mut sent = Vec::with_capacity(file.len() + file.len() / 32);
    for octet in file {
        match octet {
            b'\n' => sent.extend_from_slice(b"\r\n"),
            octet => sent.push(octet),
        }
    }
    sent
}

/// The addresses that were given, as they are; without them the message is asked.
fn envelope(options: &SieveTest, message: &[u8]) -> Envelope {
    let given = |given: &Option<String>, fields: &[&str]| match given {
        Some(address) => bare(address).to_owned(),
        None => fields
            .iter()
            .find_map(|name| first_address(message, name))
            .unwrap_or_default(),
    };
    Envelope::new(
        given(&options.from, &["Return-Path", "Sender", "From"]),
        given(&options.to, &["Delivered-To", "X-Original-To", "To"]),
    )
}

fn bare(address: &str) -> &str {
    let inner = address.strip_prefix('<').and_then(|a| a.strip_suffix('>'));
    inner.unwrap_or(address)
}

/// The first address in the first field of this name.
fn first_address(message: &[u8], name: &str) -> Option<String> {
    let value = header::values(message, name).next()?;
    let mailbox = address_list::mailboxes(value).into_iter().next()?;
    mailbox.address().map(|address| address.to_string())
}
