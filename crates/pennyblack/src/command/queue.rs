//! `pennyblack queue`.

use super::{ask, unexpected};
use crate::cli::{Global, Queue as Which, QueueFormat};
use crate::outcome::Outcome;
use crate::output::{Table, facts, json, printable, say};
use crate::terminal::consent;
use serde_json::json;
use server::control;
use server::control::queue::{Answer, Request, View};
use std::process::ExitCode;

pub(crate) fn run(which: Which, global: &Global) -> Outcome {
    let request = match which {
        Which::List {
            format: QueueFormat::Table,
        } => Request::List,
        Which::List {
            format: QueueFormat::Smtpctl,
        } => Request::Lines,
        Which::Show { id } => Request::Show { id },
        Which::Retry { id, .. } => Request::Retry { id },
        Which::Remove {
            id,
            recipient,
            sure,
        } => {
            let mode = consent(
                sure,
                &format!("Remove {id} from the queue without notice to its sender"),
            )?;
            Request::Remove {
                id,
                recipient,
                mode,
            }
        }
    };
    let control::Answer::Queue(answer) = ask(global, control::Request::Queue(request))? else {
        return Err(unexpected());
    };
    Ok(if global.json {
        print_json(&answer)
    } else {
        print(&answer)
    })
}

fn print_json(answer: &Answer) -> ExitCode {
    match answer {
        Answer::List(messages) => json(messages),
        Answer::Lines(lines) => json(lines),
        Answer::Message(message) => json(message),
        Answer::Retried(recipients) => json(&json!({"retried": recipients})),
        Answer::Removed {
            id,
            recipients,
            dry_run,
        } => json(&json!({"id": id, "recipients": recipients, "dry_run": dry_run})),
    }
}

fn print(answer: &Answer) -> ExitCode {
    match answer {
        Answer::List(messages) => list(messages),
        Answer::Lines(lines) => lines.iter().for_each(|line| say!("{}", printable(line))),
        Answer::Message(message) => show(message),
        Answer::Retried(recipients) => say!("{recipients} recipients are tried now"),
        Answer::Removed {
            id,
            recipients,
            dry_run,
        } => {
            let verb = if *dry_run { "would remove" } else { "removed" };
            say!("{verb} {} of {id}", recipients.join(", "));
        }
    }
    ExitCode::SUCCESS
}

fn list(messages: &[View]) {
    let mut table = Table::new(&[
        "id",
        "sender",
        "recipient",
        "tries",
        "next try",
        "why it is still here",
    ]);
    for message in messages {
        for recipient in &message.recipients {
            let next = if recipient.state == "held" {
                "held".into()
            } else {
                recipient.next_attempt.clone()
            };
            table.row([
                message.id.clone(),
                format!("<{}>", message.sender),
                recipient.address.clone(),
                recipient.attempts.to_string(),
                next,
                recipient.last_error.clone().unwrap_or_default(),
            ]);
        }
    }
    table.print("The queue is empty.");
}

fn show(message: &View) {
    facts(&[
        ("message", message.id.clone()),
        ("sender", format!("<{}>", message.sender)),
        ("accepted", message.created.clone()),
    ]);
    for recipient in &message.recipients {
        say!("\n<{}>", printable(&recipient.address));
        facts(&[
            ("state", recipient.state.clone()),
            ("attempts", recipient.attempts.to_string()),
            (
                "last try",
                recipient
                    .last_attempt
                    .clone()
                    .unwrap_or_else(|| "none yet".into()),
            ),
            ("answer", recipient.last_error.clone().unwrap_or_default()),
            ("next try", recipient.next_attempt.clone()),
        ]);
    }
}
