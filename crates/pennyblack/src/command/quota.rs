//! `pennyblack quota`: how full accounts are (P11), and counting anew (P12).

use super::{ask, unexpected};
use crate::cli::{Global, Quota};
use crate::outcome::Outcome;
use crate::output::{Table, json, say, size};
use serde_json::json;
use server::control;
use server::control::account::{Answer, Recounted, Request, View};
use std::process::ExitCode;

pub(crate) fn run(which: Quota, global: &Global) -> Outcome {
    match which {
        Quota::Report { addresses } => report(&addresses, global),
        Quota::Recalc { addresses } => recalc(addresses, global),
    }
}

fn report(addresses: &[String], global: &Global) -> Outcome {
    let views = match addresses {
        [] => all(global)?,
        some => some
            .iter()
            .map(|address| one(address, global))
            .collect::<Result<_, _>>()?,
    };
    if global.json {
        return Ok(json(&views.iter().map(facts).collect::<Vec<_>>()));
    }
    let mut table = Table::new(&["address", "full", "holds", "quota", "messages", "of"]);
    for view in &views {
        let limited = view.quota.is_some() || view.quota_messages.is_some();
        let none = || "unlimited".to_owned();
        table.row([
            view.address.clone(),
            if limited {
                format!("{}%", view.percent)
            } else {
                "-".into()
            },
            size(view.used_bytes),
            view.quota.map_or_else(none, size),
            view.used_messages.to_string(),
            view.quota_messages.map_or_else(none, |n| n.to_string()),
        ]);
    }
    table.print("There are no accounts; `pennyblack account add ADDRESS` makes one.");
    Ok(ExitCode::SUCCESS)
}

fn facts(view: &View) -> serde_json::Value {
    json!({
        "address": view.address,
        "percent": view.percent,
        "used_bytes": view.used_bytes,
        "quota": view.quota,
        "used_messages": view.used_messages,
        "quota_messages": view.quota_messages,
    })
}

fn all(global: &Global) -> Result<Vec<View>, crate::outcome::Failure> {
    match ask(global, control::Request::Account(Request::List))? {
        control::Answer::Account(Answer::List(views)) => Ok(views),
        _ => Err(unexpected()),
    }
}

fn one(address: &str, global: &Global) -> Result<View, crate::outcome::Failure> {
    let address = address.to_owned();
    match ask(global, control::Request::Account(Request::Show { address }))? {
        control::Answer::Account(Answer::Account(view, _)) => Ok(*view),
        _ => Err(unexpected()),
    }
}

fn recalc(addresses: Vec<String>, global: &Global) -> Outcome {
    let request = control::Request::Account(Request::Recount { addresses });
    let control::Answer::Account(Answer::Recounted(counted)) = ask(global, request)? else {
        return Err(unexpected());
    };
    if global.json {
        return Ok(json(&counted));
    }
    for Recounted { address, count } in &counted {
        let holds = format!(
            "{address}: {} bytes in {} messages",
            count.holds.bytes, count.holds.messages
        );
        match count.said == count.holds && count.mailboxes == 0 {
            true => say!("{holds}, as was counted"),
            false => say!(
                "{holds}; corrected from {} bytes in {} messages, and the counters of {} mailboxes",
                count.said.bytes,
                count.said.messages,
                count.mailboxes
            ),
        }
    }
    Ok(ExitCode::SUCCESS)
}
