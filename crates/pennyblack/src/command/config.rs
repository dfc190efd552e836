//! `pennyblack config`: test, show, example.

use crate::cli::{Config as Which, Global};
use crate::outcome::{Failure, Outcome};
use crate::output::say;
use serde_json::json;
use server::config::{Config, Loaded, SETTINGS, SettingDefault, example, show};
use std::path::Path;
use std::process::ExitCode;

pub(crate) fn run(which: Which, global: &Global) -> Outcome {
    match which {
        Which::Test { file } => test(&file.unwrap_or_else(|| global.file()), global.json),
        Which::Show { defaults: true, .. } => defaults(global.json),
        Which::Show { all, .. } => settings(global, all),
        Which::Example => {
            crate::output::text(&example());
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// Reads the configuration; every error on a line of its own otherwise.
pub(crate) fn load(path: &Path) -> Result<Loaded, Failure> {
    Config::load(path).map_err(|faults| match path.exists() {
        true => Failure::config(faults),
        false => Failure::config(format!(
            "{faults}\n`pennyblack config example` prints one to start from"
        )),
    })
}

fn test(path: &Path, json: bool) -> Outcome {
    let result = Config::load(path);
    if json {
        let (faults, warnings) = match &result {
            Ok(loaded) => (&[][..], &loaded.warnings[..]),
            Err(faults) => (&faults.faults[..], &[][..]),
        };
        let list = |faults: &[server::config::Fault]| -> Vec<_> {
            faults.iter().map(|f| json!({"line": f.place.map(|p| p.0), "column": f.place.map(|p| p.1), "message": f.message})).collect()
        };
        say!(
            "{}",
            json!({"file": path, "ok": result.is_ok(), "errors": list(faults), "warnings": list(warnings)})
        );
        return Ok(ExitCode::from(if result.is_ok() { 0 } else { 78 }));
    }
    let loaded = result.map_err(Failure::config)?;
    for warning in &loaded.warnings {
        eprintln!("warning: {}", warning.at(path));
    }
    say!("{}: ok", path.display());
    Ok(ExitCode::SUCCESS)
}

fn defaults(json: bool) -> Outcome {
    for setting in SETTINGS.iter().filter(|_| !json) {
        match setting.default {
            SettingDefault::Value(value) => say!("{} = {value}", setting.key),
            _ => say!("# {}: {}", setting.key, setting.default.text()),
        }
    }
    if json {
        let list: Vec<_> = SETTINGS
            .iter()
            .map(|s| json!({"key": s.key, "default": s.default.text(), "type": s.field.type_name(), "documentation": s.doc}))
            .collect();
        say!("{}", json!(list));
    }
    Ok(ExitCode::SUCCESS)
}

fn settings(global: &Global, all: bool) -> Outcome {
    let loaded = load(&global.file())?;
    let shown: Vec<_> = show(&loaded)
        .into_iter()
        .filter(|setting| all || setting.source != "default")
        .collect();
    if global.json {
        say!("{}", json!(shown));
        return Ok(ExitCode::SUCCESS);
    }
    for setting in shown {
        say!(
            "{} = {}    # {} (default: {})",
            setting.key,
            setting.value,
            setting.source,
            setting.default
        );
    }
    Ok(ExitCode::SUCCESS)
}
