//! `pennyblack sieve check` and `sieve extensions`: is a script right, and what may scripts use?

use super::read;
use super::report;
use crate::cli::Global;
use crate::outcome::Outcome;
use crate::output::{json, say};
use serde_json::json;
use sieve::{Compiler, Scope};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Every error of every script is a line on standard output; exit code 1 if there is one.
pub(super) fn run(scripts: &[PathBuf], scope: Scope, global: &Global) -> Outcome {
    let mut faulty = Vec::new();
    for file in scripts {
        let compiled = Compiler::new(scope).compile(&read(file)?);
        if let (Ok(_), false) = (&compiled, global.json) {
            say!("{}: ok", file.display());
        }
        faulty.extend(compiled.err().map(|errors| (file.as_path(), errors)));
    }
    if global.json {
        json(&as_json(&faulty));
    } else {
        for (file, errors) in &faulty {
            report::errors(file, errors);
        }
    }
    Ok(ExitCode::from(u8::from(!faulty.is_empty())))
}

fn as_json(faulty: &[(&Path, sieve::CompileErrors)]) -> serde_json::Value {
    let errors: Vec<_> = faulty
        .iter()
        .flat_map(|(file, errors)| report::errors_json(file, errors))
        .collect();
    json!({"ok": errors.is_empty(), "errors": errors})
}

/// The words of `require`, on one line as ManageSieve's SIEVE capability has them (H38).
pub(super) fn extensions(scope: Scope, global: &Global) -> Outcome {
    let available = Compiler::new(scope).capabilities();
    if global.json {
        let each = available
            .iter()
            .map(|word| json!({"name": word.name(), "source": word.source()}));
        return Ok(json(&each.collect::<Vec<_>>()));
    }
    say!("{available}");
    Ok(ExitCode::SUCCESS)
}
