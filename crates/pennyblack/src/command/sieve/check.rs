//! `pennyblack sieve check` and `sieve extensions`: is a script right, and what may scripts use?

use super::read;
use super::report;
use crate::cli::Global;
use crate::outcome::Outcome;
use crate::output::{json, say};
use serde_json::json;
use sieve::{Compiler, Scope};
use std::path::PathBuf;
use std::process::ExitCode;

/// Every error of every script is a line on standard output; exit code 1 if there is one. Warnings are lines too, and no errors.
pub(super) fn run(scripts: &[PathBuf], scope: Scope, global: &Global) -> Outcome {
    let (mut errors, mut warnings) = (Vec::new(), Vec::new());
    for file in scripts {
        match Compiler::new(scope).compile(&read(file)?) {
            Ok(script) => {
                warnings.extend(report::problems_json(file, script.warnings()));
                if !global.json {
                    report::warnings(file, &script);
                    say!("{}: ok", file.display());
                }
            }
            Err(found) => {
                errors.extend(report::problems_json(file, found.problems()));
                if !global.json {
                    report::errors(file, &found);
                }
            }
        }
    }
    let ok = errors.is_empty();
    if global.json {
        json(&json!({"ok": ok, "errors": errors, "warnings": warnings}));
    }
    Ok(ExitCode::from(u8::from(!ok)))
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
