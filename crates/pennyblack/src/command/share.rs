//! `pennyblack share`.

use super::{ask, unexpected};
use crate::cli::{Global, Share as Wanted, ShareGroup, Whose};
use crate::outcome::Outcome;
use crate::output::{Table, json};
use server::control;
use server::control::share::{Answer, Request, View, Which};
use std::collections::BTreeMap;
use std::process::ExitCode;

pub(crate) fn run(wanted: Wanted, global: &Global) -> Outcome {
    let control::Answer::Share(answer) = ask(global, control::Request::Share(request(wanted)))?
    else {
        return Err(unexpected());
    };
    Ok(match (answer, global.json) {
        (Answer::Mailboxes(views), true) => json(&views),
        (Answer::Mailboxes(views), false) => print(&views),
        (Answer::Groups(groups), true) => json(&groups),
        (Answer::Groups(groups), false) => print_groups(&groups),
    })
}

fn request(wanted: Wanted) -> Request {
    match wanted {
        Wanted::List { owner } => Request::List { owner },
        Wanted::Set {
            mailbox,
            who,
            rights,
        } => {
            let (owner, mailboxes) = which(mailbox);
            Request::Set {
                owner,
                mailboxes,
                who,
                rights,
            }
        }
        Wanted::Remove { mailbox, who } => {
            let (owner, mailboxes) = which(mailbox);
            Request::Set {
                owner,
                mailboxes,
                who,
                rights: String::new(),
            }
        }
        Wanted::Seen { mailbox, whose } => {
            let (owner, mailboxes) = which(mailbox);
            Request::Seen {
                owner,
                mailboxes,
                own: whose == crate::cli::SeenOf::Own,
            }
        }
        Wanted::Public { owner, off } => Request::Public {
            owner,
            public: !off,
        },
        Wanted::Seeing { account } => Request::Seeing { account },
        Wanted::Group(ShareGroup::List) => Request::Groups,
        Wanted::Group(ShareGroup::Add { group, accounts }) => Request::Members {
            group,
            accounts,
            member: true,
        },
        Wanted::Group(ShareGroup::Remove { group, accounts }) => Request::Members {
            group,
            accounts,
            member: false,
        },
    }
}

fn which(whose: Whose) -> (String, Which) {
    match whose.mailbox.as_str() {
        "*" => (whose.owner, Which::All),
        _ => (whose.owner, Which::One(whose.mailbox)),
    }
}

fn print(views: &[View]) -> ExitCode {
    let mut table = Table::new(&["owner", "mailbox", "shared with", "seen"]);
    for view in views {
        let grants: Vec<String> = view
            .grants
            .iter()
            .map(|(who, rights)| format!("{who} {rights}"))
            .collect();
        let seen = match view.own_seen {
            true => "own",
            false => "shared",
        };
        table.row([
            view.owner.clone(),
            view.mailbox.clone(),
            grants.join(", "),
            seen.into(),
        ]);
    }
    table.print(
        "Nothing is shared; `pennyblack share set OWNER MAILBOX WHO RIGHTS` shares a mailbox.",
    );
    ExitCode::SUCCESS
}

fn print_groups(groups: &BTreeMap<String, Vec<String>>) -> ExitCode {
    let mut table = Table::new(&["group", "members"]);
    groups
        .iter()
        .for_each(|(name, members)| table.row([format!("${name}"), members.join(", ")]));
    table.print("There are no groups; `pennyblack share group add GROUP ACCOUNT…` makes one.");
    ExitCode::SUCCESS
}
