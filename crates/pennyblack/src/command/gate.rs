//! `pennyblack greylist`, `ban` and `lists`.

use super::{ask, unexpected};
use crate::cli::{Ban, Global, Greylist};
use crate::outcome::{Failure, Outcome};
use crate::output::{Table, json, say};
use serde_json::json;
use server::config::parse_duration;
use server::control;
use server::control::gate::{Answer, BanView, Edit, Kind, Request};
use std::process::ExitCode;

fn request(global: &Global, request: Request) -> Result<Answer, Failure> {
    match ask(global, control::Request::Gate(request))? {
        control::Answer::Gate(answer) => Ok(answer),
        _ => Err(unexpected()),
    }
}

/// J25, J26: the view and the edits of `spamdb`.
pub(crate) fn greylist(options: Greylist, global: &Global) -> Outcome {
    if let Some(address) = &options.bait {
        return bait(address, global);
    }
    let edit = match (options.add, options.delete) {
        (true, _) => Edit::Add,
        (false, true) => Edit::Delete,
        (false, false) => return list(global),
    };
    let kind = match (options.traps, options.trapped, options.grey) {
        (true, ..) => Kind::SpamTrap,
        (_, true, _) => Kind::Trapped,
        (_, _, true) => Kind::Grey,
        _ => Kind::White,
    };
    let keys = options.keys;
    let wanted = keys.len() as u64;
    let Answer::Edited(edited) = request(global, Request::Edit { kind, edit, keys })? else {
        return Err(unexpected());
    };
    if global.json {
        json(&json!({"changed": edited}));
    } else {
        say!("{edited} records changed");
    }
    Ok(match edited >= wanted.min(1) {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

fn list(global: &Global) -> Outcome {
    let Answer::Lines(lines) = request(global, Request::List)? else {
        return Err(unexpected());
    };
    if global.json {
        return Ok(json(&lines));
    }
    lines.iter().for_each(|line| say!("{line}"));
    Ok(ExitCode::SUCCESS)
}

/// J17: what harvesters of addresses find and people do not.
fn bait(address: &str, global: &Global) -> Outcome {
    let (kind, edit) = (Kind::SpamTrap, Edit::Add);
    let keys = vec![address.to_owned()];
    request(global, Request::Edit { kind, edit, keys })?;
    let snippet = format!(
        "<a href=\"mailto:{address}\" style=\"display:none\" tabindex=\"-1\" aria-hidden=\"true\" rel=\"nofollow\">{address}</a>"
    );
    if global.json {
        return Ok(json(&json!({"trap": address, "html": snippet})));
    }
    say!("{snippet}");
    Ok(ExitCode::SUCCESS)
}

/// J30
pub(crate) fn ban(which: Ban, global: &Global) -> Outcome {
    let wanted = match which {
        Ban::Add {
            network,
            reason,
            time,
        } => Request::Ban {
            network,
            reason,
            lasts: time
                .map(|text| parse_duration(&text).map(|time| time.as_secs()))
                .transpose()
                .map_err(Failure::failed)?,
        },
        Ban::List => Request::Bans,
        Ban::Remove { network } => Request::LiftBan { network },
    };
    match request(global, wanted)? {
        Answer::Bans(bans) => Ok(print_bans(&bans, global)),
        Answer::Lifted(lifted) => {
            if global.json {
                json(&json!({"lifted": lifted}));
            } else if lifted {
                say!("lifted");
            } else {
                eprintln!("there is no such ban; `pennyblack ban list` shows them");
            }
            Ok(match lifted {
                true => ExitCode::SUCCESS,
                false => ExitCode::FAILURE,
            })
        }
        _ => Err(unexpected()),
    }
}

fn print_bans(bans: &[BanView], global: &Global) -> ExitCode {
    if global.json {
        return json(&bans);
    }
    let mut table = Table::new(&["who", "until", "why"]);
    for ban in bans {
        let until = ban.until.clone().unwrap_or_else(|| "it is lifted".into());
        table.row([ban.network.clone(), until, ban.reason.clone()]);
    }
    table.print("Nobody is banned; `pennyblack ban add NETWORK` bans somebody, `pennyblack ban add @DOMAIN` a sender.");
    ExitCode::SUCCESS
}

/// J20–J23, I19: how the lists are.
pub(crate) fn lists(global: &Global) -> Outcome {
    let Answer::Lists(lists, zones) = request(global, Request::Lists)? else {
        return Err(unexpected());
    };
    if global.json {
        let zones: Vec<_> = zones
            .iter()
            .map(|(zone, health)| json!({"zone": zone, "health": health}))
            .collect();
        return Ok(json(&json!({"lists": lists, "dns": zones})));
    }
    let mut table = Table::new(&["list", "entries", "state"]);
    for list in lists {
        let state = list.fault.unwrap_or_else(|| "good".into());
        table.row([list.name, list.ranges.to_string(), state]);
    }
    for (zone, health) in zones {
        table.row([zone, "in DNS".into(), health]);
    }
    table.print("No lists are used: see `gate.lists`, `spam.url_feeds` and `gate.dns_lists`.");
    Ok(ExitCode::SUCCESS)
}
