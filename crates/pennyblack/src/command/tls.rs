//! `pennyblack tls`.

use super::{ask, unexpected};
use crate::cli::{Global, Tls as Which};
use crate::outcome::Outcome;
use crate::output::{json, say};
use server::control;
use server::control::tls::{Next, Request, View};
use std::process::ExitCode;

pub(crate) fn run(which: Which, global: &Global) -> Outcome {
    let request = match which {
        Which::Show => Request::Show,
        Which::Rotate => Request::Rotate,
        Which::Switch { force } => Request::Switch { force },
        Which::Cancel => Request::Cancel,
    };
    let control::Answer::Tls(views) = ask(global, control::Request::Tls(request))? else {
        return Err(unexpected());
    };
    if global.json {
        return Ok(json(&views));
    }
    views.iter().for_each(show);
    Ok(ExitCode::SUCCESS)
}

fn show(view: &View) {
    let View {
        names,
        file,
        ends,
        key,
        next,
    } = view;
    say!("{} ({file})", names.join(" "));
    say!("    ends {ends}, key {key}");
    if let Some(next) = next {
        waits(next);
    }
}

fn waits(next: &Next) {
    say!(
        "    a certificate with another key waits, which ends {}:",
        next.ends
    );
    say!("    {}", next.record);
    if let (Some(seen), Some(due)) = (&next.seen, &next.due) {
        say!("    DNS shows this record since {seen}; the new key is served from {due} on");
    }
    say!("    {}", next.advice);
}
