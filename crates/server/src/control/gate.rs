//! The gate: the greylist and its traps in the lines of `spamdb` (J25, J26), the ban table (J30), and how the lists are.

use super::{Failure, World, address};
use crate::gate::{self, greylist, traps};
use jiff::{SignedDuration, Timestamp};
use message::Address;
use serde::{Deserialize, Serialize};
use spam::gate::greylist::{Times, Who};
use spam::gate::network::Network;
use spam::gate::spamdb::Line;
use std::net::IpAddr;
use store::Tx;
use store::gate::ban::{self, Ban};
use store::gate::greylist as rows;
use store::gate::trap::{self, Trapped};

/// Records in one answer.
const PAGE: u32 = 500;
/// Records that are shown at most; a table of millions is for the database's own tools.
const MOST: usize = 100_000;

/// What can be asked for.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum Request {
    /// All records as lines of `spamdb`.
    List,
    /// Adds or deletes records of a kind.
    Edit {
        kind: Kind,
        edit: Edit,
        keys: Vec<String>,
    },
    Bans,
    Ban {
        network: String,
        reason: String,
        /// In seconds; `None`: until it is lifted.
        lasts: Option<u64>,
    },
    LiftBan {
        network: String,
    },
    /// How the black and white lists are.
    Lists,
}

/// Kinds of records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Addresses whose mail is let in.
    White,
    /// Tuples that wait; they can only be deleted.
    Grey,
    /// Addresses that wrote to a trap.
    Trapped,
    /// Trap addresses.
    SpamTrap,
}

/// What is done with them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Edit {
    /// They are there from now on.
    Add,
    /// They are not.
    Delete,
}

/// What came of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// Lines of `spamdb`.
    Lines(Vec<String>),
    /// How many records were changed.
    Edited(u64),
    /// The ban table.
    Bans(Vec<BanView>),
    /// Whether there was a ban to lift.
    Lifted(bool),
    /// The lists in files and feeds, and the zones in DNS with their health.
    Lists(Vec<gate::lists::View>, Vec<(String, String)>),
}

/// A ban as people see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BanView {
    /// An address or a network.
    pub network: String,
    /// Why.
    pub reason: String,
    /// Since when, RFC 3339.
    pub since: String,
    /// Until when, RFC 3339; `None`: until it is lifted.
    pub until: Option<String>,
}

pub(super) async fn execute(world: &World, request: Request) -> Result<Answer, Failure> {
    match request {
        Request::List => lines(world).await.map(Answer::Lines),
        Request::Edit { kind, edit, keys } => {
            let mut edited = 0;
            for key in &keys {
                edited += edit_one(world, kind, edit, key).await?;
            }
            refresh(world).await?;
            Ok(Answer::Edited(edited))
        }
        Request::Bans => {
            let bans = world.store.read(ban::list).await?;
            Ok(Answer::Bans(bans.into_iter().map(view).collect()))
        }
        Request::Ban {
            network,
            reason,
            lasts,
        } => put_ban(world, &network, reason, lasts).await,
        Request::LiftBan { network } => lift_ban(world, &network).await,
        Request::Lists => lists(world).await,
    }
}

async fn lines(world: &World) -> Result<Vec<String>, Failure> {
    let mut lines = white_lines(world).await?;
    lines.extend(grey_lines(world).await?);
    let (caught, traps) = world
        .store
        .read(|tx| Ok((trap::caught(tx)?, trap::list(tx)?)))
        .await?;
    lines.extend(caught.into_iter().map(|one| {
        let line = Line::Trapped {
            who: shown(&one.who),
            expire: one.expire,
        };
        line.to_string()
    }));
    lines.extend(
        traps
            .into_iter()
            .map(|trap| Line::SpamTrap(trap).to_string()),
    );
    Ok(lines)
}

/// Page by page, so that no read of the store lasts.
async fn white_lines(world: &World) -> Result<Vec<String>, Failure> {
    let (mut lines, mut after) = (Vec::new(), String::new());
    loop {
        let from = after.clone();
        let page = world
            .store
            .read(move |tx| rows::list_white(tx, &from, PAGE))
            .await?;
        let Some(last) = page.last().filter(|_| lines.len() < MOST) else {
            return Ok(lines);
        };
        after.clone_from(&last.who);
        lines.extend(page.into_iter().map(|white| {
            let line = Line::White {
                who: shown(&white.who),
                record: greylist::from_row(white.record),
            };
            line.to_string()
        }));
    }
}

async fn grey_lines(world: &World) -> Result<Vec<String>, Failure> {
    let mut lines = Vec::new();
    let mut after = rows::Tuple {
        who: String::new(),
        helo: String::new(),
        sender: String::new(),
        recipient: String::new(),
    };
    loop {
        let from = after.clone();
        let page = world
            .store
            .read(move |tx| rows::list_grey(tx, &from, PAGE))
            .await?;
        let Some(last) = page.last().filter(|_| lines.len() < MOST) else {
            return Ok(lines);
        };
        after = last.tuple.clone();
        lines.extend(page.into_iter().map(|grey| {
            let line = Line::Grey {
                who: shown(&grey.tuple.who),
                helo: grey.tuple.helo,
                sender: grey.tuple.sender,
                recipient: grey.tuple.recipient,
                record: greylist::from_row(grey.record),
            };
            line.to_string()
        }));
    }
}

/// A key as people read it: the address, network or domain alone.
fn shown(who: &str) -> String {
    who.split_once(':')
        .map_or(who, |(_, plain)| plain)
        .to_owned()
}

async fn edit_one(world: &World, kind: Kind, edit: Edit, key: &str) -> Result<u64, Failure> {
    match (kind, edit) {
        (Kind::SpamTrap, edit) => trap_address(world, edit, key).await,
        (Kind::White, Edit::Add) => add_white(world, key).await,
        (Kind::Trapped, Edit::Add) => add_trapped(world, key).await,
        (Kind::Grey, Edit::Add) => Err(Failure::invalid(
            "a grey record is made by a sender's first try; it can only be deleted",
        )),
        (Kind::White | Kind::Grey, Edit::Delete) => forget(world, key).await,
        (Kind::Trapped, Edit::Delete) => {
            let who = traps::key(ip(key)?);
            let released = world.store.write(move |tx| trap::release(tx, &who)).await?;
            Ok(released.into())
        }
    }
}

async fn trap_address(world: &World, edit: Edit, key: &str) -> Result<u64, Failure> {
    let address = address(key)?.to_string();
    let changed = world
        .store
        .write(move |tx| match edit {
            Edit::Add => trap::add(tx, &address),
            Edit::Delete => trap::remove(tx, &address),
        })
        .await?;
    Ok(changed.into())
}

async fn add_white(world: &World, key: &str) -> Result<u64, Failure> {
    let (who, shown) = who(key)?;
    let times = times(world);
    let record = spam::gate::greylist::white(world.now, &times);
    let white = rows::White {
        who: who.to_string(),
        address: shown,
        record: greylist::to_row(record),
    };
    let write = move |tx: &mut Tx<'_>| rows::put_white(tx, &white);
    world.store.write(write).await?;
    Ok(1)
}

async fn add_trapped(world: &World, key: &str) -> Result<u64, Failure> {
    let one = Trapped {
        who: traps::key(ip(key)?),
        trap: String::new(),
        expire: later(world.now, times(world).trapped),
    };
    world.store.write(move |tx| trap::catch(tx, &one)).await?;
    Ok(1)
}

async fn forget(world: &World, key: &str) -> Result<u64, Failure> {
    let (who, shown) = who(key)?;
    let who = who.to_string();
    let gone = world
        .store
        .write(move |tx| Ok(rows::forget(tx, &who)? + rows::forget(tx, &shown)?))
        .await?;
    Ok(gone)
}

/// An address, a network or a domain, as a key and as it is shown.
fn who(key: &str) -> Result<(Who, String), Failure> {
    if let Ok(address) = key.parse::<IpAddr>() {
        let host = Network::host(address);
        return Ok((Who::Host(host), host.first().to_string()));
    }
    if let Ok(network) = Network::parse(key) {
        return Ok((Who::Network(network), network.to_string()));
    }
    let domain = super::domain_name(key).map_err(|_| {
        Failure::invalid(format!(
            "\"{}\" is not an address, a network or a domain",
            key.escape_debug()
        ))
    })?;
    Ok((Who::Domain(domain.clone()), domain))
}

fn ip(key: &str) -> Result<IpAddr, Failure> {
    key.parse()
        .map_err(|_| Failure::invalid(format!("\"{}\" is not an IP address", key.escape_debug())))
}

fn times(world: &World) -> Times {
    gate::times(&world.config.gate)
}

fn later(time: Timestamp, by: SignedDuration) -> Timestamp {
    time.checked_add(by).unwrap_or(Timestamp::MAX)
}

/// What a running server holds in memory follows the store.
async fn refresh(world: &World) -> Result<(), Failure> {
    if let Some(running) = &world.running {
        running.services.gate.load(&running.services.store).await?;
    }
    Ok(())
}

async fn put_ban(
    world: &World,
    network: &str,
    reason: String,
    lasts: Option<u64>,
) -> Result<Answer, Failure> {
    let name = parse_ban(network)?;
    let until = lasts.map(|seconds| {
        let lasts = SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX));
        later(world.now, lasts)
    });
    world
        .store
        .write(move |tx| ban::put(tx, &name, &reason, until))
        .await?;
    refresh(world).await?;
    let bans = world.store.read(ban::list).await?;
    Ok(Answer::Bans(bans.into_iter().map(view).collect()))
}

async fn lift_ban(world: &World, network: &str) -> Result<Answer, Failure> {
    let name = parse_ban(network)?;
    let lifted = world.store.write(move |tx| ban::lift(tx, &name)).await?;
    refresh(world).await?;
    Ok(Answer::Lifted(lifted))
}

/// As it is kept: a network (J30), or an envelope sender, `x@domain` or `@domain` (A19).
fn parse_ban(text: &str) -> Result<String, Failure> {
    let Some((local, domain)) = text.rsplit_once('@') else {
        return Ok(parse_network(text)?.to_string());
    };
    let of_one = format!("{}@{domain}", if local.is_empty() { "x" } else { local });
    let whole = Address::parse(&of_one).map_err(|why| Failure::invalid(why.to_string()))?;
    let whole = whole.to_string().to_lowercase();
    Ok(match local.is_empty() {
        true => whole[1..].to_owned(),
        false => whole,
    })
}

/// A ban of everybody is a mistake that nobody could reach the server to undo.
fn parse_network(text: &str) -> Result<Network, Failure> {
    let network = Network::parse(text).map_err(|why| Failure::invalid(why.to_string()))?;
    match network.is_everybody() {
        true => Err(Failure::refused("that would ban everybody")),
        false => Ok(network),
    }
}

fn view(ban: Ban) -> BanView {
    BanView {
        network: ban.network,
        reason: ban.reason,
        since: ban.created.to_string(),
        until: ban.expire.map(|time| time.to_string()),
    }
}

async fn lists(world: &World) -> Result<Answer, Failure> {
    let services = &super::service::running(world)?.services;
    let lists = gate::lists::refresh(services).await;
    Ok(Answer::Lists(lists, gate::dns_lists(services)))
}
