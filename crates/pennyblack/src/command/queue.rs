//! `pennyblack queue` and `pennyblack routes`.

use super::{ask, unexpected};
use crate::cli::{Global, Queue as Which, QueueFormat, Routes, Sure, Which as Chosen};
use crate::outcome::{Failure, Outcome};
use crate::output::{Table, facts, json, printable, say};
use crate::terminal::consent;
use serde_json::json;
use server::control;
use server::control::Mode;
use server::control::queue::{Answer, Deed, Request, Selection, View};
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
        Which::Hold { which } => change(which, Deed::Hold, Mode::Do),
        Which::Release { which } => change(which, Deed::Release, Mode::Do),
        Which::Retry { which } => change(which, Deed::Retry, Mode::Do),
        Which::Redirect { to, which } => change(which, Deed::Redirect { to }, Mode::Do),
        Which::Bounce {
            which,
            reason,
            sure,
        } => asked(
            which,
            Deed::Bounce { reason },
            sure,
            "Return the mail to its senders",
        )?,
        Which::Remove {
            which,
            recipient,
            sure,
        } => {
            let which = Chosen {
                to: which.to.or(recipient),
                ..which
            };
            asked(
                which,
                Deed::Remove,
                sure,
                "Remove the mail from the queue without notice to its senders",
            )?
        }
    };
    answer(request, global)
}

pub(crate) fn routes(which: Routes, global: &Global) -> Outcome {
    let request = match which {
        Routes::List => Request::Routes,
        Routes::Resume { id, .. } => Request::ResumeRoute { id },
    };
    answer(request, global)
}

fn change(which: Chosen, what: Deed, mode: Mode) -> Request {
    let which = Selection {
        id: which.id,
        sender: which.from,
        recipient: which.to,
        domain: which.domain,
        reply: which.reply,
        all: which.all,
    };
    Request::Change { which, what, mode }
}

fn asked(which: Chosen, what: Deed, sure: Sure, question: &str) -> Result<Request, Failure> {
    let mode = consent(sure, question)?;
    Ok(change(which, what, mode))
}

fn answer(request: Request, global: &Global) -> Outcome {
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
        Answer::Changed {
            what,
            recipients,
            dry_run,
        } => json(&json!({"what": what, "recipients": recipients, "dry_run": dry_run})),
        Answer::Routes(routes) => json(routes),
        Answer::Resumed(count) => json(&json!({"resumed": count})),
    }
}

fn print(answer: &Answer) -> ExitCode {
    match answer {
        Answer::List(messages) => list(messages),
        Answer::Lines(lines) => lines.iter().for_each(|line| say!("{}", printable(line))),
        Answer::Message(message) => show(message),
        Answer::Changed {
            what,
            recipients,
            dry_run,
        } => {
            let verb = if *dry_run { "would be " } else { "" };
            recipients
                .iter()
                .for_each(|one| say!("{}: {verb}{what}", printable(one)));
            if recipients.is_empty() {
                say!("No mail in the queue fits.");
            }
        }
        Answer::Routes(routes) => {
            let mut table = Table::new(&[
                "host",
                "flags",
                "connections",
                "failures",
                "until",
                "why",
                "id",
            ]);
            for route in routes {
                table.row([
                    route.host.clone(),
                    route.flags.clone(),
                    route.connections.to_string(),
                    route.failures.to_string(),
                    route.until.clone().unwrap_or_default(),
                    route.words.clone(),
                    route.id.clone(),
                ]);
            }
            table.print("No host is connected to or disabled.");
        }
        Answer::Resumed(count) => say!("{count} penalties lifted"),
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
        ("octets", message.size.to_string()),
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
        for tried in &recipient.tried {
            let relay = tried.relay.as_deref().unwrap_or("nobody");
            let tls = tried.tls.as_deref().unwrap_or("no TLS");
            say!(
                "  {}. {} {} ({tls}): {}",
                tried.attempt,
                tried.at,
                printable(relay),
                printable(&tried.words)
            );
        }
    }
}
