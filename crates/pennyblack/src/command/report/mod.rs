//! `pennyblack report`: what other servers say about mail in our domains' name (K15). A file needs no server and no configuration.

mod kept;
mod show;

use crate::cli::{Global, Report, ReportOf};
use crate::outcome::{Failure, Outcome};
use crate::output::json;
use mailauth::report::{self, LARGEST};
use std::io::Read;
use std::path::Path;
use std::process::ExitCode;

pub(crate) fn run(asked: Report, global: &Global) -> Outcome {
    match (asked.which, asked.file) {
        (Some(ReportOf::List(which)), _) => kept::list(which, global),
        (Some(ReportOf::Show { id }), _) => kept::one(id, global),
        (Some(ReportOf::Sources(which)), _) => kept::sources(which, global),
        (None, Some(path)) => file(&path, global),
        (None, None) => Err(Failure::usage(
            "name a report, or one of list, show and sources",
        )),
    }
}

/// Reads a file: a message, an archive or the bare document.
fn file(path: &Path, global: &Global) -> Outcome {
    let octets = octets(path)?;
    let reports = report::read(&octets)
        .map_err(|why| Failure::with_code(65, format!("{}: {why}", shown(path))))?;
    if global.json {
        return Ok(json(&reports));
    }
    show::reports(&reports);
    Ok(ExitCode::SUCCESS)
}

fn octets(path: &Path) -> Result<Vec<u8>, Failure> {
    let mut octets = Vec::new();
    let most = LARGEST as u64 + 1;
    let read = match path == Path::new("-") {
        true => std::io::stdin().take(most).read_to_end(&mut octets),
        false => {
            std::fs::File::open(path).and_then(|file| file.take(most).read_to_end(&mut octets))
        }
    };
    read.map_err(|why| Failure::with_code(66, format!("cannot read {}: {why}", shown(path))))?;
    match octets.len() > LARGEST {
        true => Err(Failure::with_code(
            65,
            format!(
                "{} is larger than {} MB, and no report",
                shown(path),
                LARGEST >> 20
            ),
        )),
        false => Ok(octets),
    }
}

fn shown(path: &Path) -> String {
    match path == Path::new("-") {
        true => "standard input".into(),
        false => path.display().to_string(),
    }
}
