//! `pennyblack explain`: where mail to an address goes, and what became of a message, and why.

use super::{ask, service, unexpected};
use crate::cli::{Explain, Global};
use crate::outcome::Outcome;
use crate::output::{json, printable, say};
use server::control;
use server::control::message::{Answer, Explained, Place, Request};
use std::process::ExitCode;

pub(crate) fn run(which: Explain, global: &Global) -> Outcome {
    match which {
        Explain::Address { address } => service::explain_address(address, global),
        Explain::Message { id } => message(id, global),
        Explain::Refusal { text } => super::queue::explain_refusal(&text.join(" "), global),
    }
}

fn message(id: String, global: &Global) -> Outcome {
    let request = control::Request::Message(Request::Explain { id });
    let control::Answer::Message(Answer(all)) = ask(global, request)? else {
        return Err(unexpected());
    };
    if global.json {
        return Ok(json(&all));
    }
    for (n, one) in all.iter().enumerate() {
        if n > 0 {
            say!("");
        }
        tell(one);
    }
    Ok(ExitCode::SUCCESS)
}

/// A section for each thing that is known.
fn tell(message: &Explained) {
    say!("message {} of {}", message.id, message.account);
    say!("  from: {}", printable(&message.from));
    say!("  subject: {}", printable(&message.subject));
    if let Some(id) = &message.message_id {
        say!("  message-id: {}", printable(id));
    }
    say!("  size: {} octets", message.size);
    message.places.iter().for_each(tell_place);
    tell_filing(message);
}

fn tell_place(place: &Place) {
    say!(
        "  in: {} (UID {}, since {}) flags ({})",
        printable(&place.mailbox),
        place.uid,
        place.saved,
        printable(&place.flags.join(" "))
    );
}

fn tell_filing(message: &Explained) {
    if message.filing.is_empty() {
        say!("  filed: by its address alone");
    }
    for decision in &message.filing {
        let place = match decision.line {
            0 => String::new(),
            line => format!(", line {line}"),
        };
        say!(
            "  filed: {} by {}{place}",
            printable(&decision.action),
            printable(&decision.by)
        );
    }
}
