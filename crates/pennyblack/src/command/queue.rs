//! `pennyblack queue` and `pennyblack routes`.

use super::{ask, unexpected};
use crate::cli::{Global, Queue as Which, QueueFormat, Routes, Sure, Which as Chosen};
use crate::outcome::{Failure, Outcome};
use crate::output::{Table, facts, json, printable, say, text};
use crate::terminal::consent;
use serde_json::json;
use server::control;
use server::control::Mode;
use server::control::queue::{Answer, Deed, Meaning, Request, Selection, View};
use std::process::ExitCode;

pub(crate) fn run(which: Which, global: &Global) -> Outcome {
    let request = match which {
        Which::List {
            format: QueueFormat::Table,
        } => return list(global),
        Which::List {
            format: QueueFormat::Smtpctl,
        } => return lines(global),
        Which::Show { id } => Request::Show { id },
        Which::Hold { which } => change(which, Deed::Hold, Mode::Do),
        Which::Release { which } => change(which, Deed::Release, Mode::Do),
        Which::Retry { which } => change(which, Deed::Retry, Mode::Do),
        Which::Reroute { via, which } => {
            let via = Some(via).filter(|via| via != "default");
            change(which, Deed::Reroute { via }, Mode::Do)
        }
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
        Answer::Lines(lines, _) => json(lines),
        Answer::Message(message) => json(message),
        Answer::Changed {
            what,
            recipients,
            busy,
            dry_run,
        } => {
            json(&json!({"what": what, "recipients": recipients, "busy": busy, "dry_run": dry_run}))
        }
        Answer::Routes(routes) => json(routes),
        Answer::Resumed(count) => json(&json!({"resumed": count})),
    }
}

fn print(answer: &Answer) -> ExitCode {
    match answer {
        // Printed page by page.
        Answer::List(_) | Answer::Lines(..) => {}
        Answer::Message(message) => show(message),
        Answer::Changed {
            what,
            recipients,
            busy,
            dry_run,
        } => {
            let verb = if *dry_run { "would be " } else { "" };
            recipients
                .iter()
                .for_each(|one| say!("{}: {verb}{what}", printable(one)));
            busy.iter().for_each(|one| {
                say!("{}: left alone, it is being tried now", printable(one));
            });
            if recipients.is_empty() && busy.is_empty() {
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

/// All messages in the queue, a page at a time: a queue of millions does not have to fit into memory, here or there.
pub(super) fn each_page(global: &Global, mut each: impl FnMut(&[View])) -> Result<(), Failure> {
    let mut after = None;
    loop {
        let request = control::Request::Queue(Request::List { after });
        let control::Answer::Queue(Answer::List(page)) = ask(global, request)? else {
            return Err(unexpected());
        };
        let Some(last) = page.last() else {
            return Ok(());
        };
        after = Some(last.id.clone());
        each(&page);
    }
}

fn list(global: &Global) -> Outcome {
    if global.json {
        return list_json(global);
    }
    let mut first = true;
    each_page(global, |page| {
        let table = match std::mem::take(&mut first) {
            true => Table::new(&HEADINGS),
            false => Table::continued(),
        };
        rows(table, page).print("");
    })?;
    if first {
        say!("The queue is empty.");
    }
    Ok(ExitCode::SUCCESS)
}

/// One array on one line.
pub(super) fn list_json(global: &Global) -> Outcome {
    let mut before = "[";
    each_page(global, |page| {
        for message in page {
            // A view is made of texts and numbers: it can be written.
            let message = serde_json::to_string(message).unwrap_or_default();
            text(&format!("{before}{message}"));
            before = ",";
        }
    })?;
    say!("{}]", if before == "[" { "[" } else { "" });
    Ok(ExitCode::SUCCESS)
}

/// 14 fields for each recipient (Q2).
fn lines(global: &Global) -> Outcome {
    let mut after = None;
    loop {
        let request = control::Request::Queue(Request::Lines { after });
        let control::Answer::Queue(Answer::Lines(lines, next)) = ask(global, request)? else {
            return Err(unexpected());
        };
        lines.iter().for_each(|line| say!("{}", printable(line)));
        match next {
            Some(next) => after = Some(next),
            None => return Ok(ExitCode::SUCCESS),
        }
    }
}

const HEADINGS: [&str; 6] = [
    "id",
    "sender",
    "recipient",
    "tries",
    "next try",
    "why it is still here",
];

fn rows(mut table: Table, messages: &[View]) -> Table {
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
    table
}

/// What a refusal means (U37).
fn describe_meaning(meaning: &Meaning) {
    let pause = meaning.pause.map_or_else(String::new, |seconds| {
        format!("no more mail goes there for {} min", seconds / 60)
    });
    facts(&[
        ("refused by", meaning.provider.clone()),
        (
            "because",
            format!("{} ({})", meaning.for_sender, meaning.cause),
        ),
        ("next step", meaning.for_admin.clone()),
        ("see", meaning.link.clone()),
        ("pause", pause),
    ]);
}

/// `pennyblack explain refusal`: needs no server.
pub(crate) fn explain_refusal(text: &str, global: &Global) -> Outcome {
    let meaning = Meaning::of(text, "");
    if global.json {
        json(&meaning);
    } else {
        match &meaning {
            Some(meaning) => describe_meaning(meaning),
            None => {
                say!("No refusal like this is known here: what the reply says is all there is.")
            }
        }
    }
    Ok(match meaning {
        Some(_) => ExitCode::SUCCESS,
        None => ExitCode::FAILURE,
    })
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
            (
                "goes by",
                recipient
                    .via
                    .clone()
                    .unwrap_or_else(|| "routes, or else MX".into()),
            ),
        ]);
        if let Some(meaning) = &recipient.meaning {
            describe_meaning(meaning);
        }
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
