//! `pennyblack status`, `metrics`, `reload`, `check`, `explain address` and `encrypt`.

use super::config::load;
use super::{ask, block_on, unexpected};
use crate::cli::{self, Check, Global, PasswordFrom};
use crate::outcome::{Failure, Outcome};
use crate::output::{facts, json, say};
use crate::terminal::new_password;
use serde_json::json;
use server::config::Config;
use server::control;
use server::control::service::{Answer, Part, Request, Status, StoreReport};
use server::control::{dane, host};
use std::path::Path;
use std::process::ExitCode;

fn request(global: &Global, request: Request) -> Result<Answer, Failure> {
    match ask(global, control::Request::Service(request))? {
        control::Answer::Service(answer) => Ok(answer),
        _ => Err(unexpected()),
    }
}

/// How the running server is; 1 if none runs.
pub(crate) fn status(global: &Global) -> Outcome {
    let Answer::Status(status) = request(global, Request::Status)? else {
        return Err(unexpected());
    };
    if global.json {
        return Ok(json(&status));
    }
    let listeners = status
        .listeners
        .iter()
        .map(|(name, address)| format!("{name} {address}"));
    facts(&[
        ("version", status.version.clone()),
        ("process", status.pid.to_string()),
        ("running since", status.started.clone()),
        ("listening", listeners.collect::<Vec<_>>().join(", ")),
        (
            "paused",
            if status.paused.is_empty() {
                "nothing".into()
            } else {
                format!("{:?}", status.paused).to_lowercase()
            },
        ),
        ("sessions", status.sessions.to_string()),
        ("accounts", status.accounts.to_string()),
        ("domains", status.domains.to_string()),
        ("queue", queue(&status)),
    ]);
    Ok(ExitCode::SUCCESS)
}

fn queue(status: &Status) -> String {
    match &status.next_delivery {
        Some(next) => format!("{} messages, next try {next}", status.queue),
        None => format!("{} messages", status.queue),
    }
}

/// X23: 1 if a part is ill.
pub(crate) fn health(global: &Global) -> Outcome {
    let Answer::Health(organs) = request(global, Request::Health)? else {
        return Err(unexpected());
    };
    let well = organs.iter().all(|organ| organ.fault.is_none());
    if global.json {
        json(&json!({"ready": well, "parts": organs}));
    } else {
        let facts_of: Vec<_> = organs
            .iter()
            .map(|organ| {
                (
                    organ.name.as_str(),
                    organ.fault.clone().unwrap_or_else(|| "ok".into()),
                )
            })
            .collect();
        facts(&facts_of);
    }
    Ok(if well {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// X24: in the text form that Prometheus reads.
pub(crate) fn metrics(global: &Global) -> Outcome {
    let Answer::Metrics(text) = request(global, Request::Metrics)? else {
        return Err(unexpected());
    };
    if global.json {
        return Ok(json(&json!({"metrics": text})));
    }
    crate::output::text(&text);
    Ok(ExitCode::SUCCESS)
}

/// U6: who may not log in, and how long.
pub(crate) fn bans(global: &Global) -> Outcome {
    let Answer::Bans(bans) = request(global, Request::Bans)? else {
        return Err(unexpected());
    };
    if global.json {
        return Ok(json(&bans));
    }
    for ban in bans {
        say!(
            "{}: {}, for another {} s",
            ban.address,
            ban.reason,
            ban.seconds
        );
    }
    Ok(ExitCode::SUCCESS)
}

/// 1 if the address was not banned.
pub(crate) fn unban(address: std::net::IpAddr, global: &Global) -> Outcome {
    let Answer::Unbanned(lifted) = request(global, Request::Unban { address })? else {
        return Err(unexpected());
    };
    if global.json {
        json(&json!({"address": address, "lifted": lifted}));
    } else if lifted {
        say!("{address} may log in again");
    } else {
        say!("{address} was not banned");
    }
    Ok(ExitCode::from(u8::from(!lifted)))
}

/// 78 if the configuration is wrong; then nothing has changed.
pub(crate) fn reload(global: &Global) -> Outcome {
    let answer = request(global, Request::Reload)?;
    let Answer::Reloaded(done) = answer else {
        return Err(unexpected());
    };
    if global.json {
        return Ok(json(&done));
    }
    done.warnings
        .iter()
        .for_each(|warning| eprintln!("warning: {warning}"));
    say!(
        "reloaded; changed: {}",
        if done.changed.is_empty() {
            "no setting".into()
        } else {
            done.changed.join(", ")
        }
    );
    if !done.after_restart.is_empty() {
        say!("these need a restart: {}", done.after_restart.join(", "));
    }
    Ok(ExitCode::SUCCESS)
}

/// A34.
pub(crate) fn pause(part: cli::Part, paused: bool, global: &Global) -> Outcome {
    let what = match part {
        cli::Part::Smtp => Part::Smtp,
        cli::Part::Delivery => Part::Delivery,
    };
    let Answer::Paused { what, paused } = request(global, Request::Pause { what, paused })? else {
        return Err(unexpected());
    };
    if global.json {
        return Ok(json(&json!({"what": what, "paused": paused})));
    }
    match (what, paused) {
        (Part::Smtp, true) => {
            say!("new SMTP sessions are told 421 until `pennyblack resume smtp`")
        }
        (Part::Smtp, false) => say!("SMTP sessions are taken again"),
        (Part::Delivery, true) => {
            say!("mail to other servers waits until `pennyblack resume delivery`")
        }
        (Part::Delivery, false) => say!("mail to other servers is delivered again"),
    }
    Ok(ExitCode::SUCCESS)
}

/// X33: 0 ok, 1 warning, 2 bad; the worst of all parts.
pub(crate) fn check(which: Option<Check>, global: &Global) -> Outcome {
    let code = match which {
        Some(Check::Store) => print_store(&check_store(global)?, global),
        Some(Check::Host) => print_host(&check_host(global)?, global),
        Some(Check::Dane) => print_dane(&check_dane(global)?, global),
        None => check_all(global)?,
    };
    Ok(ExitCode::from(code))
}

fn check_all(global: &Global) -> Result<u8, Failure> {
    let (store, host, dane) = (
        check_store(global)?,
        check_host(global)?,
        check_dane(global)?,
    );
    if global.json {
        json(&json!({"store": store, "host": host, "dane": dane}));
        return Ok(store_code(&store)
            .max(host_code(&host))
            .max(dane_code(&dane)));
    }
    let code = print_store(&store, global).max(print_host(&host, global));
    Ok(match dane_code(&dane) {
        0 => code,
        _ => code.max(print_dane(&dane, global)),
    })
}

fn check_store(global: &Global) -> Result<StoreReport, Failure> {
    match request(global, Request::CheckStore)? {
        Answer::Store(report) => Ok(report),
        _ => Err(unexpected()),
    }
}

fn check_host(global: &Global) -> Result<host::Report, Failure> {
    match request(global, Request::CheckHost)? {
        Answer::Host(report) => Ok(report),
        _ => Err(unexpected()),
    }
}

fn check_dane(global: &Global) -> Result<dane::Report, Failure> {
    match request(global, Request::CheckDane)? {
        Answer::Dane(report) => Ok(report),
        _ => Err(unexpected()),
    }
}

fn dane_code(report: &dane::Report) -> u8 {
    let codes = report.findings.iter().map(|one| one.verdict.code());
    codes.max().unwrap_or(0)
}

/// L26, L23
fn print_dane(report: &dane::Report, global: &Global) -> u8 {
    let code = dane_code(report);
    if global.json {
        json(report);
        return code;
    }
    for one in &report.findings {
        let word = ["ok", "warning", "bad"][usize::from(one.verdict.code())];
        say!("{word}: {}", one.says);
    }
    match report.findings.is_empty() {
        true => say!("ok: no server runs, so there is no key to compare TLSA records with"),
        false => say!("records that fit, for a zone that is signed:"),
    }
    report.records.iter().for_each(|line| say!("{line}"));
    for key in &report.waiting {
        say!(
            "the key {key} waits for its record and is served two TTLs after it is there: `pennyblack tls show`"
        );
    }
    code
}

fn store_code(report: &StoreReport) -> u8 {
    if report.faults.is_empty() { 0 } else { 2 }
}

fn host_code(report: &host::Report) -> u8 {
    u8::from(report.findings.iter().any(|one| one.verdict.warns()))
}

fn print_store(report: &StoreReport, global: &Global) -> u8 {
    let StoreReport {
        accounts,
        mailboxes,
        messages,
        bodies,
        faults,
    } = report;
    if global.json {
        json(report);
    } else {
        faults.iter().for_each(|fault| say!("{fault}"));
        let verdict = if faults.is_empty() {
            "sound".into()
        } else {
            format!("{} faults", faults.len())
        };
        say!(
            "{verdict}: {accounts} accounts, {mailboxes} mailboxes, {messages} messages, {bodies} bodies"
        );
    }
    store_code(report)
}

/// A5
fn print_host(report: &host::Report, global: &Global) -> u8 {
    if global.json {
        json(report);
        return host_code(report);
    }
    for one in &report.findings {
        let word = if one.verdict.warns() { "warning" } else { "ok" };
        say!("{word}: {}", one.says);
    }
    if report.findings.is_empty() {
        say!("ok: there is no SMTP listener that others could reach, so no name to compare");
    }
    host_code(report)
}

pub(crate) fn explain_address(address: String, global: &Global) -> Outcome {
    let Answer::Steps(steps) = request(
        global,
        Request::ExplainAddress {
            address: address.clone(),
        },
    )?
    else {
        return Err(unexpected());
    };
    if global.json {
        return Ok(json(&json!({"address": address, "steps": steps})));
    }
    steps.iter().for_each(|step| say!("{step}"));
    Ok(ExitCode::SUCCESS)
}

/// B11: the costs are those of the configuration, or the defaults where there is none yet.
pub(crate) fn encrypt(password_stdin: bool, global: &Global) -> Outcome {
    let file = global.file();
    let config = match file.exists() {
        true => load(&file)?.config,
        false => Config::with_defaults("localhost", "localhost", Path::new("")),
    };
    let given = new_password(PasswordFrom {
        password_stdin,
        generate: false,
    })?;
    let hash = block_on(control::service::hash(&config, &given.password))??;
    if global.json {
        return Ok(json(&json!({"hash": hash})));
    }
    say!("{hash}");
    Ok(ExitCode::SUCCESS)
}
