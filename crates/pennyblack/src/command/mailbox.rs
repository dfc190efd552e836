//! `pennyblack mailbox`: removed messages, and putting them back.

use super::{ask, unexpected};
use crate::cli::{Global, Mailbox, RemovedFrom};
use crate::outcome::Outcome;
use crate::output::{Table, json, printable, say, size};
use serde_json::json;
use server::control::removed::{Answer, Request, View, Wanted};
use server::control::{self, Mode};
use std::collections::BTreeMap;
use std::process::ExitCode;

pub(crate) fn run(which: Mailbox, global: &Global) -> Outcome {
    let request = match which {
        Mailbox::Removed(from) => Request::List(wanted(from)),
        Mailbox::Undelete { from, dry_run } => {
            let mode = if dry_run { Mode::Pretend } else { Mode::Do };
            Request::Restore(wanted(from), mode)
        }
    };
    match ask(global, control::Request::Removed(request))? {
        control::Answer::Removed(Answer::List(found)) if global.json => Ok(json(&found)),
        control::Answer::Removed(Answer::List(found)) => Ok(list(&found)),
        control::Answer::Removed(Answer::Restored { mailboxes, dry_run }) => {
            Ok(restored(&mailboxes, dry_run, global))
        }
        _ => Err(unexpected()),
    }
}

fn wanted(from: RemovedFrom) -> Wanted {
    Wanted {
        account: from.account,
        mailbox: from.mailbox,
        since: from.since,
        message_ids: from.message_id,
    }
}

fn list(found: &[View]) -> ExitCode {
    let mut table = Table::new(&[
        "removed", "mailbox", "why", "from", "subject", "size", "until",
    ]);
    for one in found {
        table.row([
            one.removed.clone(),
            one.mailbox.clone(),
            one.why.clone(),
            one.from.clone(),
            one.subject.clone(),
            size(one.size.into()),
            one.until.clone(),
        ]);
    }
    table.print("There are no removed messages that can be put back.");
    ExitCode::SUCCESS
}

fn restored(mailboxes: &BTreeMap<String, u64>, dry_run: bool, global: &Global) -> ExitCode {
    let total: u64 = mailboxes.values().sum();
    if global.json {
        return json(&json!({"restored": total, "mailboxes": mailboxes, "dry_run": dry_run}));
    }
    let verb = if dry_run {
        "would put back"
    } else {
        "put back"
    };
    for (mailbox, count) in mailboxes {
        say!("{verb} {count} messages into {}", printable(mailbox));
    }
    if total == 0 {
        say!(
            "There are no such removed messages; `pennyblack mailbox removed` lists those there are."
        );
    }
    ExitCode::SUCCESS
}
