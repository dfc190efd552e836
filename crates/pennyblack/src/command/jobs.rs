//! `pennyblack jobs`.

use super::{ask, unexpected};
use crate::cli::{Global, Jobs as Which};
use crate::outcome::Outcome;
use crate::output::{Table, json, printable, say};
use server::control;
use server::control::jobs::{Answer, Request, RunView, View};
use std::process::ExitCode;

pub(crate) fn run(which: Which, global: &Global) -> Outcome {
    let request = match which {
        Which::List => Request::List,
        Which::Run { name } => Request::Run { name },
    };
    let control::Answer::Jobs(answer) = ask(global, control::Request::Jobs(request))? else {
        return Err(unexpected());
    };
    Ok(match &answer {
        Answer::List(jobs) if global.json => json(jobs),
        Answer::List(jobs) => list(jobs),
        Answer::Ended(run) => ended(run, global),
    })
}

fn ended(run: &RunView, global: &Global) -> ExitCode {
    match global.json {
        true => drop(json(run)),
        false => say!("{} ({} ms)", printable(&run.says), run.milliseconds),
    }
    ExitCode::from(u8::from(!run.ok))
}

fn list(jobs: &[View]) -> ExitCode {
    let mut table = Table::new(&["job", "what it does", "last run", "how it went", "next run"]);
    for job in jobs {
        let (begun, says) = match &job.last {
            Some(run) if run.ok => (run.begun.clone(), run.says.clone()),
            Some(run) => (run.begun.clone(), format!("failed: {}", run.says)),
            None => ("-".into(), "-".into()),
        };
        let next = match &job.next {
            _ if job.running => "running".into(),
            Some(next) => next.clone(),
            None => "off".into(),
        };
        table.row([job.name.clone(), job.about.clone(), begun, says, next]);
    }
    table.print("There are no jobs.");
    ExitCode::SUCCESS
}
