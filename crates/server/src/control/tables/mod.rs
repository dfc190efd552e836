//! Tables of the admin's own that are kept in step with the store (B8): a `passwd` file, a `virtuals` file, a list of domains.
//!
//! A table is read when the server starts, on reload, and by `pennyblack update table`. Only lines that changed since the last time change
//! anything, so that what commands did to an account meanwhile stays; what a line made goes when the line does: an account that is not
//! listed any more may not log in and gets no mail, and its mail is kept. A line that is wrong is named, and the others are taken in.

mod line;

use super::{Failure, FailureKind, Mode, World, account, alias, import, write};
use crate::config::Config;
use line::{Content, Line};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use store::domain::{self, Domain};
use store::table::{self, Digest};
use store::{Store, Tx};

/// The largest file that is read.
const MAX_SIZE: u64 = 64 * 1024 * 1024;

/// What can be asked for.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum Request {
    /// Read one table again, or all.
    Update { name: Option<String> },
}

/// What came of it: the tables that were read.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Answer(pub Vec<Updated>);

/// What came of a table.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Updated {
    /// `passwd`, `virtuals` or `domains`.
    pub table: String,
    /// The file.
    pub file: String,
    /// Lines that are in the table.
    pub lines: usize,
    /// New lines.
    pub added: usize,
    /// Lines that say something else than before.
    pub changed: usize,
    /// Lines that are gone.
    pub removed: usize,
    /// Lines that could not be taken in, and why.
    pub faults: Vec<Fault>,
}

/// A line that could not be taken in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// Its number, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub message: String,
}

/// The tables there are, in the order in which they need each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Domains,
    Passwd,
    Virtuals,
}

impl Kind {
    const ALL: [Kind; 3] = [Kind::Domains, Kind::Passwd, Kind::Virtuals];

    fn name(self) -> &'static str {
        match self {
            Kind::Domains => "domains",
            Kind::Passwd => "passwd",
            Kind::Virtuals => "virtuals",
        }
    }

    fn file(self, config: &Config) -> Option<&Path> {
        let tables = &config.tables;
        match self {
            Kind::Domains => tables.domains.as_deref(),
            Kind::Passwd => tables.passwd.as_deref(),
            Kind::Virtuals => tables.virtuals.as_deref(),
        }
    }

    /// Whether its file must be kept from the other users of the machine.
    fn holds_secrets(self) -> bool {
        self == Kind::Passwd
    }
}

pub(super) async fn execute(world: &World, request: Request) -> Result<Answer, Failure> {
    let Request::Update { name } = request;
    let wanted: Vec<Kind> = match name.as_deref() {
        None => Kind::ALL.into(),
        Some(name) => vec![configured(&world.config, name)?],
    };
    let mut updated = Vec::new();
    for kind in wanted {
        if let Some(file) = kind.file(&world.config) {
            updated.push(update(world, kind, file).await?);
        }
    }
    Ok(Answer(updated))
}

fn configured(config: &Config, name: &str) -> Result<Kind, Failure> {
    let kind = Kind::ALL.into_iter().find(|kind| kind.name() == name);
    let kind = kind.ok_or_else(|| {
        let names = Kind::ALL.map(Kind::name).join(", ");
        Failure::invalid(format!(
            "there is no table \"{}\": it is one of {names}",
            name.escape_debug()
        ))
    })?;
    match kind.file(config) {
        Some(_) => Ok(kind),
        None => Err(Failure::missing(format!(
            "the configuration names no file for this table: `tables.{name} = \"…\"` does"
        ))),
    }
}

/// Takes in all tables of the settings, for a server that starts or has read its settings again; what is wrong is logged, and what was
/// there before stays.
pub(crate) async fn take_in_all(world: &World) {
    for kind in Kind::ALL {
        let Some(file) = kind.file(&world.config) else {
            continue;
        };
        match update(world, kind, file).await {
            Ok(updated) => updated.log(),
            Err(why) => {
                tracing::error!(table = kind.name(), error = %why, "the table could not be read; what it said before holds")
            }
        }
    }
}

impl Updated {
    fn log(&self) {
        for fault in &self.faults {
            tracing::error!(
                table = self.table,
                file = self.file,
                line = fault.line,
                error = fault.message,
                "a line of a table could not be taken in"
            );
        }
        tracing::info!(
            table = self.table,
            lines = self.lines,
            added = self.added,
            changed = self.changed,
            removed = self.removed,
            "table read"
        );
    }
}

/// Brings the store in step with a file.
async fn update(world: &World, kind: Kind, file: &Path) -> Result<Updated, Failure> {
    let octets = read(kind, file.to_owned()).await?;
    let known = world
        .store
        .read(move |tx| table::lines(tx, kind.name()))
        .await?;
    let mut lines = line::all(kind, &octets);
    let mut updated = Updated {
        table: kind.name().into(),
        file: file.display().to_string(),
        faults: std::mem::take(&mut lines.faults),
        ..Updated::default()
    };
    take_back(world, kind, &known, &lines, &mut updated).await?;
    for line in lines.lines {
        updated.lines += 1;
        let before = known.get(&line.key);
        if before == Some(&line.digest) {
            continue;
        }
        match take_in(world, kind, &line).await {
            Ok(()) if before.is_some() => updated.changed += 1,
            Ok(()) => updated.added += 1,
            Err(away) if away.kind == FailureKind::Unavailable => return Err(away),
            Err(why) => updated.faults.push(Fault {
                line: line.number,
                message: why.message,
            }),
        }
    }
    updated.faults.sort_by_key(|fault| fault.line);
    Ok(updated)
}

async fn read(kind: Kind, file: std::path::PathBuf) -> Result<Vec<u8>, Failure> {
    let reading = tokio::task::spawn_blocking(move || {
        let shown = file.display();
        let wrong = |why: String| Failure::invalid(format!("{shown}: {why}"));
        let mut opened = File::open(&file).map_err(|why| wrong(why.to_string()))?;
        let facts = opened.metadata().map_err(|why| wrong(why.to_string()))?;
        if kind.holds_secrets() && facts.permissions().mode() & 0o004 != 0 {
            return Err(wrong("it holds password hashes, and every user of this machine can read it: `chmod o= ` it".into()));
        }
        if facts.len() > MAX_SIZE {
            return Err(wrong(format!("it is larger than {} MB", MAX_SIZE >> 20)));
        }
        let mut octets = Vec::new();
        let bounded = (&mut opened).take(MAX_SIZE).read_to_end(&mut octets);
        bounded.map_err(|why| wrong(why.to_string()))?;
        Ok(octets)
    });
    reading
        .await
        .map_err(|why| Failure::new(FailureKind::Internal, why.to_string()))?
}

/// Takes back what lines said that are gone. A line that is there and wrong takes nothing back.
async fn take_back(
    world: &World,
    kind: Kind,
    known: &BTreeMap<String, Digest>,
    lines: &line::Lines,
    updated: &mut Updated,
) -> Result<(), Failure> {
    for key in known.keys().filter(|key| !lines.name(key)) {
        let gone = key.clone();
        world
            .store
            .write(move |tx| {
                remove(tx, kind, &gone)?;
                table::forget(tx, kind.name(), &gone)
            })
            .await?;
        updated.removed += 1;
    }
    Ok(())
}

fn remove(tx: &mut Tx<'_>, kind: Kind, key: &str) -> store::Result<()> {
    match kind {
        Kind::Domains => match domain::by_name(tx, key)? {
            Some(known) => set_domain(tx, &known, false),
            None => Ok(()),
        },
        Kind::Passwd => match store::account::by_address(tx, key)? {
            Some(account) => store::account::set_active(tx, account.id, false),
            None => Ok(()),
        },
        Kind::Virtuals => store::alias::remove(tx, key, None).map(drop),
    }
}

fn set_domain(tx: &mut Tx<'_>, known: &Domain, active: bool) -> store::Result<()> {
    domain::update(
        tx,
        &Domain {
            active,
            ..known.clone()
        },
    )
}

/// Does what a line says, and remembers it.
async fn take_in(world: &World, kind: Kind, line: &Line) -> Result<(), Failure> {
    match &line.content {
        Content::Domain => host(&world.store, &line.key).await?,
        Content::Account(entry) => {
            import::execute(world, entry.clone(), Mode::Do).await?;
            let (address, active) = (line.key.clone(), !entry.disabled);
            let enable = move |tx: &mut Tx<'_>| match store::account::by_address(tx, &address)? {
                Some(account) if account.active != active => {
                    store::account::set_active(tx, account.id, active)
                }
                _ => Ok(()),
            };
            world.store.write(enable).await?;
        }
        Content::Alias(targets) => alias::replace(world, &line.key, targets).await?,
    }
    let (key, digest) = (line.key.clone(), line.digest);
    let remember = move |tx: &mut Tx<'_>| table::remember(tx, kind.name(), &key, &digest);
    Ok(world.store.write(remember).await?)
}

async fn host(store: &Store, name: &str) -> Result<(), Failure> {
    let name = name.to_owned();
    write(store, move |tx| {
        Ok(match domain::by_name(tx, &name)? {
            Some(known) if known.active => Ok(()),
            Some(known) => Ok(set_domain(tx, &known, true)?),
            None => account::host(tx, &name, &name, true)?,
        })
    })
    .await
}
