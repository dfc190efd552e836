//! `pennyblack account`.

use super::{ask, unexpected};
use crate::cli::{Account as Which, Global};
use crate::outcome::{Failure, Outcome};
use crate::output::{Table, facts, json, say, size};
use crate::terminal::{consent, new_password, offer};
use serde_json::json;
use server::control::account::{Answer, New, Quota, Removed, Request, View};
use server::control::{self, FailureKind, Mode, Password};
use std::process::ExitCode;

pub(crate) fn run(which: Which, global: &Global) -> Outcome {
    match which {
        Which::Add {
            address,
            name,
            quota,
            password,
            add_domain,
        } => {
            let quota = parse_quota(&quota)?;
            let given = new_password(password)?;
            let shown = given.generated.then(|| given.password.text().to_owned());
            add(
                global,
                New {
                    address,
                    name,
                    password: given.password,
                    quota,
                    add_domain,
                },
                shown.as_deref(),
            )
        }
        Which::List => list(global),
        Which::Show { address } => change(global, Request::Show { address }, None),
        Which::Password { address, password } => {
            let given = new_password(password)?;
            let shown = given.generated.then(|| given.password.text().to_owned());
            change(
                global,
                Request::Password {
                    address,
                    password: given.password,
                },
                shown.as_deref(),
            )
        }
        Which::Quota {
            address: Some(address),
            quota,
            messages,
        } if quota.is_some() || messages.is_some() => {
            let quota = quota.map(|text| parse_quota(&text)).transpose()?;
            let messages = messages.map(|text| parse_messages(&text)).transpose()?;
            let request = Request::Quota {
                address,
                quota,
                messages,
            };
            change(global, request, None)
        }
        Which::Quota { address, .. } => {
            let addresses = address.into_iter().collect();
            super::quota::run(crate::cli::Quota::Report { addresses }, global)
        }
        Which::Language { address, language } => {
            let language = (language != "default").then_some(language);
            change(global, Request::Language { address, language }, None)
        }
        Which::Enable { address } => change(
            global,
            Request::Activate {
                address,
                active: true,
            },
            None,
        ),
        Which::Disable { address } => change(
            global,
            Request::Activate {
                address,
                active: false,
            },
            None,
        ),
        Which::RenamePerson { address, name } => {
            change(global, Request::RenamePerson { address, name }, None)
        }
        Which::Import { file, dry_run } => {
            let mode = if dry_run { Mode::Pretend } else { Mode::Do };
            super::import::run(&file, mode, global)
        }
        Which::Remove { address, sure } => {
            let mode = consent(sure, &format!("Remove account {address} and all its mail"))?;
            remove(global, Request::Remove { address, mode })
        }
    }
}

/// Adds the account; if its domain is not hosted, offers to add that too.
fn add(global: &Global, new: New, shown: Option<&str>) -> Outcome {
    let retry = New {
        password: Password::new(new.password.text().to_owned())?,
        ..new.clone()
    };
    let domain = new
        .address
        .rsplit_once('@')
        .map_or("", |(_, domain)| domain)
        .to_owned();
    let first = ask(global, control::Request::Account(Request::Add(new)));
    match first {
        Err(why)
            if why.is(FailureKind::UnhostedDomain)
                && offer(&format!("Domain {domain} is not hosted here. Add it")) =>
        {
            change(
                global,
                Request::Add(New {
                    add_domain: true,
                    ..retry
                }),
                shown,
            )
        }
        other => print(global, other?, shown),
    }
}

fn change(global: &Global, request: Request, shown: Option<&str>) -> Outcome {
    let answer = ask(global, control::Request::Account(request))?;
    print(global, answer, shown)
}

fn print(global: &Global, answer: control::Answer, password: Option<&str>) -> Outcome {
    let control::Answer::Account(Answer::Account(account, notes)) = answer else {
        return Err(unexpected());
    };
    if global.json {
        let mut value = serde_json::to_value(&account).map_err(Failure::failed)?;
        value["notes"] = json!(notes);
        if let Some(password) = password {
            value["password"] = json!(password);
        }
        return Ok(json(&value));
    }
    describe(&account);
    if let Some(password) = password {
        say!("password:  {password}");
    }
    for note in notes {
        eprintln!("note: {note}");
    }
    Ok(ExitCode::SUCCESS)
}

fn describe(account: &View) {
    facts(&[
        ("account", account.address.clone()),
        ("name", account.name.clone()),
        ("log-in", log_in(account).into()),
        (
            "quota",
            format!(
                "{}{}",
                quota(account),
                if account.own_quota { "" } else { " (default)" }
            ),
        ),
        (
            "holds",
            format!(
                "{} in {} messages",
                size(account.used_bytes),
                account.used_messages
            ),
        ),
        ("created", account.created.clone()),
        ("aliases", account.aliases.join(", ")),
    ]);
}

fn list(global: &Global) -> Outcome {
    let control::Answer::Account(Answer::List(accounts)) =
        ask(global, control::Request::Account(Request::List))?
    else {
        return Err(unexpected());
    };
    if global.json {
        return Ok(json(&accounts));
    }
    let mut table = Table::new(&["address", "name", "log-in", "holds", "quota", "messages"]);
    for a in &accounts {
        table.row([
            a.address.clone(),
            a.name.clone(),
            log_in(a).into(),
            size(a.used_bytes),
            quota(a),
            a.used_messages.to_string(),
        ]);
    }
    table.print("There are no accounts; `pennyblack account add ADDRESS` makes one.");
    Ok(ExitCode::SUCCESS)
}

fn remove(global: &Global, request: Request) -> Outcome {
    let control::Answer::Account(Answer::Removed(removed)) =
        ask(global, control::Request::Account(request))?
    else {
        return Err(unexpected());
    };
    if global.json {
        return Ok(json(&removed));
    }
    let Removed {
        address,
        messages,
        bytes,
        aliases,
        dry_run,
    } = removed;
    let verb = if dry_run { "would remove" } else { "removed" };
    say!(
        "{verb} account {address} with {messages} messages ({})",
        size(bytes)
    );
    for alias in aliases {
        say!("{verb} alias {alias} to {address}");
    }
    Ok(ExitCode::SUCCESS)
}

fn parse_quota(text: &str) -> Result<Quota, Failure> {
    match text {
        "default" => Ok(Quota::Default),
        "unlimited" => Ok(Quota::Unlimited),
        size => server::config::parse_size(size)
            .map(Quota::Octets)
            .map_err(Failure::usage),
    }
}

fn parse_messages(text: &str) -> Result<Quota, Failure> {
    match (text, text.parse()) {
        ("default", _) => Ok(Quota::Default),
        ("unlimited", _) => Ok(Quota::Unlimited),
        (_, Ok(number)) => Ok(Quota::Octets(number)),
        (_, Err(_)) => Err(Failure::usage(format!(
            "\"{text}\" is no number of messages: write a number, `unlimited` or `default`"
        ))),
    }
}

fn quota(account: &View) -> String {
    account.quota.map_or_else(|| "unlimited".into(), size)
}

fn log_in(account: &View) -> &'static str {
    match (account.active, account.has_password) {
        (false, _) => "disabled",
        (true, false) => "no password",
        (true, true) => "yes",
    }
}
