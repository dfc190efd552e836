//! `pennyblack explain`: where mail to an address goes, and what became of a message, and why.

use super::{ask, service, unexpected};
use crate::cli::{Explain, Global};
use crate::outcome::Outcome;
use crate::output::{json, printable, say};
use server::control;
use server::control::message::{Answer, Explained, Place, Request};
use server::control::spam;
use server::control::verdict::Verdict;
use server::journey::codes;
use std::process::ExitCode;

pub(crate) fn run(which: Explain, global: &Global) -> Outcome {
    match which {
        Explain::Address { address } => service::explain_address(address, global),
        Explain::Message { id } => message(id, global),
        Explain::Refusal { text } => refusal(&text.join(" "), global),
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
    match &message.verdict {
        Some(verdict) => tell_verdict(verdict),
        None => say!("  judged: no, because of the road it came by"),
    }
}

/// One of ours is known by the id in it, or by its word; one of another server by what it says.
fn refusal(text: &str, global: &Global) -> Outcome {
    let mut words = text.split(|c: char| !c.is_ascii_alphanumeric());
    let is_hex = |word: &str| word.bytes().all(|octet| octet.is_ascii_hexdigit());
    let ours = words.rfind(|word| word.len() == 16 && is_hex(word));
    if let Some(id) = ours {
        let request = spam::Request::Refused { id: id.to_owned() };
        let control::Answer::Spam(answer) = ask(global, control::Request::Spam(request))? else {
            return Err(unexpected());
        };
        if let spam::Answer::Refused(Some(refused)) = *answer {
            if global.json {
                return Ok(json(&refused));
            }
            tell_refused(&refused);
            return Ok(ExitCode::SUCCESS);
        }
    }
    let mut words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '-');
    match words.find_map(codes::of) {
        Some(code) if global.json => Ok(json(code)),
        Some(code) => {
            say!("{}: {}", code.word, code.cause);
            say!("  the sender: {}", code.sender);
            say!("  here: {}", code.here);
            Ok(ExitCode::SUCCESS)
        }
        None => super::queue::explain_refusal(text, global),
    }
}

fn tell_refused(refused: &spam::Refused) {
    say!("message {} was not taken, {}", refused.id, refused.when);
    say!("  reply: {}", printable(&refused.reply));
    say!("  because: {}", printable(&refused.reason));
    say!("  client: {}", refused.client);
    say!("  sender: <{}>", printable(&refused.sender));
    say!("  to: {}", printable(&refused.recipients.join(", ")));
    say!("  from: {}", printable(&refused.from));
    say!("  subject: {}", printable(&refused.subject));
    say!("  message-id: {}", printable(&refused.message_id));
    say!("  size: {} octets", refused.size);
    refused.verdict.iter().for_each(tell_verdict);
}

/// Who, which checks, what they found, and what would have changed the verdict.
fn tell_verdict(verdict: &Verdict) {
    let limits = &verdict.limits;
    say!(
        "  judged: {:.2}, which made it {}",
        verdict.score,
        verdict.action
    );
    say!(
        "  limits: come again from {:.2} on, mark {:.2}, junk {:.2}, junk as read above {:.2}, refuse {:.2}",
        limits.greylist,
        limits.mark,
        limits.junk,
        limits.junk_seen,
        limits.refuse
    );
    for known in &verdict.senders {
        let proved = if known.by == "network" {
            ""
        } else {
            ", proved"
        };
        say!("  sender: {} {}{proved}", known.by, printable(&known.name));
    }
    for reason in &verdict.reasons {
        let text = [reason.about.as_str(), reason.detail.as_str()];
        let text: Vec<&str> = text.into_iter().filter(|text| !text.is_empty()).collect();
        say!(
            "  {:>+7.2}  {}  {}",
            reason.weight,
            reason.name,
            printable(&text.join(": "))
        );
    }
    if verdict.reasons.is_empty() {
        say!("  nothing spoke for or against it");
    }
    for change in &verdict.changes {
        say!("  otherwise: {change}");
    }
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
