//! `pennyblack account`.

use super::{ask, unexpected};
use crate::cli::{Account as Which, Global, LimitsOf};
use crate::outcome::{Failure, Outcome};
use crate::output::{Table, facts, json, say, size};
use crate::terminal::{consent, new_password, offer};
use serde_json::json;
use server::control::account::sending::{Limit, LimitChange, UnusualMail, View as Sending};
use server::control::account::{Answer, New, Quota, Removed, Request, View};
use server::control::{self, FailureKind, Mode, Password, record};
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
            let shown = given.shown();
            let new = New {
                address,
                name,
                password: given.password,
                quota,
                add_domain,
            };
            add(global, new, shown.as_deref())
        }
        Which::List => list(global),
        Which::Show { address } => change(global, Request::Show { address }, None),
        Which::Password { address, password } => {
            let given = new_password(password)?;
            let shown = given.shown();
            let password = given.password;
            let request = Request::Password { address, password };
            change(global, request, shown.as_deref())
        }
        Which::Quota {
            address,
            quota,
            messages,
        } => quota_of(global, address, quota, messages),
        Which::Language { address, language } => {
            let language = (language != "default").then_some(language);
            change(global, Request::Language { address, language }, None)
        }
        Which::Enable { address } => activate(global, address, true),
        Which::Disable { address } => activate(global, address, false),
        Which::Limit { address, limits } => {
            let change = limits_of(&limits)?;
            sending(global, Request::Limit { address, change })
        }
        Which::Release { address } => sending(global, Request::Release { address }),
        Which::Lock { address } => sending(global, Request::Lock { address }),
        Which::NotMe { address } => incident(global, Request::NotMe { address }),
        Which::Record { address, lasts } => record(global, address, lasts),
        Which::Incident { address, hours } => {
            incident(global, Request::Incident { address, hours })
        }
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

/// Sets what is given; with nothing to set it shows how full the account is, or all are.
fn quota_of(
    global: &Global,
    address: Option<String>,
    quota: Option<String>,
    messages: Option<String>,
) -> Outcome {
    let address = match address {
        Some(address) if quota.is_some() || messages.is_some() => address,
        shown => {
            let addresses = shown.into_iter().collect();
            return super::quota::run(crate::cli::Quota::Report { addresses }, global);
        }
    };
    let quota = quota.map(|text| parse_quota(&text)).transpose()?;
    let messages = messages.map(|text| parse_messages(&text)).transpose()?;
    let request = Request::Quota {
        address,
        quota,
        messages,
    };
    change(global, request, None)
}

fn activate(global: &Global, address: String, active: bool) -> Outcome {
    change(global, Request::Activate { address, active }, None)
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

fn limits_of(limits: &LimitsOf) -> Result<LimitChange, Failure> {
    let limit = |text: &Option<String>| text.as_deref().map(parse_limit).transpose();
    let unusual = limits.unusual.as_deref().map(|word| match word {
        "hold" => Ok(UnusualMail::Hold),
        "send" => Ok(UnusualMail::Send),
        "default" => Ok(UnusualMail::Default),
        other => Err(Failure::usage(format!(
            "\"{other}\" is not `hold`, `send` or `default`"
        ))),
    });
    Ok(LimitChange {
        messages_per_hour: limit(&limits.messages_per_hour)?,
        messages_per_day: limit(&limits.messages_per_day)?,
        recipients_per_hour: limit(&limits.recipients_per_hour)?,
        recipients_per_day: limit(&limits.recipients_per_day)?,
        new_recipients_per_hour: limit(&limits.new_recipients_per_hour)?,
        new_recipients_per_day: limit(&limits.new_recipients_per_day)?,
        unusual: unusual.transpose()?,
    })
}

fn parse_limit(text: &str) -> Result<Limit, Failure> {
    match text {
        "default" => Ok(Limit::Default),
        "unlimited" => Ok(Limit::Unlimited),
        number => match number.parse() {
            Ok(most @ 1..) => Ok(Limit::Most(most)),
            _ => Err(Failure::usage(format!(
                "\"{number}\" is not a number from 1, `unlimited` or `default`"
            ))),
        },
    }
}

fn sending(global: &Global, request: Request) -> Outcome {
    let control::Answer::Account(Answer::Sending(sending)) =
        ask(global, control::Request::Account(request))?
    else {
        return Err(unexpected());
    };
    if global.json {
        return Ok(json(&sending));
    }
    describe_sending(&sending);
    Ok(ExitCode::SUCCESS)
}

/// W18
fn record(global: &Global, account: String, lasts: String) -> Outcome {
    let request = record::Request { account, lasts };
    let control::Answer::Record(answer) = ask(global, control::Request::Record(request))? else {
        return Err(unexpected());
    };
    if global.json {
        return Ok(json(&answer));
    }
    match answer {
        record::Answer::Begun { file, until } => {
            say!(
                "until {until} what is said is written to {}",
                file.display()
            );
            say!("do in the mail program what goes wrong, then look into the file");
        }
        record::Answer::Ended(true) => say!("the record has ended"),
        record::Answer::Ended(false) => say!("there was no record"),
    }
    Ok(ExitCode::SUCCESS)
}

fn incident(global: &Global, request: Request) -> Outcome {
    let control::Answer::Account(Answer::Incident(incident)) =
        ask(global, control::Request::Account(request))?
    else {
        return Err(unexpected());
    };
    if global.json {
        return Ok(json(&incident));
    }
    say!("{}", incident.note.trim_end());
    Ok(ExitCode::SUCCESS)
}

fn describe_sending(sending: &Sending) {
    if let Some(done) = &sending.done {
        say!("{}: {done}", sending.address);
    }
    let unusual = match sending.holds_unusual {
        true => "held",
        false => "sent",
    };
    facts(&[
        ("account", sending.address.clone()),
        (
            "log-in",
            if sending.active { "yes" } else { "disabled" }.into(),
        ),
        ("unusual mail is", unusual.into()),
        (
            "held in the queue",
            format!("{} recipients", sending.held_recipients),
        ),
    ]);
    if let Some(held) = &sending.held {
        facts(&[
            ("held since", held.since.clone()),
            ("because", held.why.clone()),
            ("sent with", held.by.clone()),
        ]);
    }
    let mut table = Table::new(&["what", "within a", "sent", "limit", "usual at most"]);
    for count in &sending.counts {
        let limit = count
            .limit
            .map_or_else(|| "none".into(), |most| most.to_string());
        let own = if count.own_limit { " (own)" } else { "" };
        table.row([
            count.what.clone(),
            count.span.clone(),
            count.sent.to_string(),
            format!("{limit}{own}"),
            count.usual.to_string(),
        ]);
    }
    table.print("");
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
