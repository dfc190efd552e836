//! The schema and its versions: numbered files in `migrations/`, one text for both engines.
//!
//! A migration that has been released is never changed; the next one builds on it.

use crate::engine::{Param, Sql, params};
use crate::{Error, Result};
use std::ops::ControlFlow;

/// All migrations, oldest first; the first brings a store to version 1.
const MIGRATIONS: &[&str] = &[
    include_str!("../migrations/0001_first.sql"),
    include_str!("../migrations/0002_change_mark.sql"),
    include_str!("../migrations/0003_scripts.sql"),
    include_str!("../migrations/0004_sharing.sql"),
    include_str!("../migrations/0005_gate.sql"),
    include_str!("../migrations/0006_dkim.sql"),
    include_str!("../migrations/0007_sending.sql"),
    include_str!("../migrations/0008_quota.sql"),
    include_str!("../migrations/0009_removed.sql"),
    include_str!("../migrations/0010_script_events.sql"),
    include_str!("../migrations/0011_recent.sql"),
    include_str!("../migrations/0012_tables.sql"),
    include_str!("../migrations/0013_sending_limits.sql"),
    include_str!("../migrations/0014_lessons.sql"),
    include_str!("../migrations/0015_reports.sql"),
    include_str!("../migrations/0016_judgement.sql"),
    include_str!("../migrations/0017_acquaintance.sql"),
    include_str!("../migrations/0018_refusals.sql"),
    include_str!("../migrations/0019_deliver_by.sql"),
    include_str!("../migrations/0020_message_id.sql"),
    include_str!("../migrations/0021_rejection.sql"),
    include_str!("../migrations/0022_wish.sql"),
    include_str!("../migrations/0023_near_copy.sql"),
    include_str!("../migrations/0024_digest.sql"),
    include_str!("../migrations/0025_scram_sha1.sql"),
    include_str!("../migrations/0026_deleted.sql"),
];

/// The version this program works with.
pub(crate) const VERSION: usize = MIGRATIONS.len();

/// How an engine spells what the two do not spell the same.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Dialect {
    Sqlite,
    Postgres,
}

impl Dialect {
    /// Fills in the markers of a migration.
    fn spell(self, migration: &str) -> String {
        let words = match self {
            Dialect::Sqlite => [
                ("{id}", "BLOB"),
                ("{blob}", "BLOB"),
                ("{text}", "TEXT"),
                ("{counter}", "INTEGER PRIMARY KEY"),
                ("{clustered}", "WITHOUT ROWID"),
            ],
            Dialect::Postgres => [
                ("{id}", "BYTEA"),
                ("{blob}", "BYTEA"),
                ("{text}", "TEXT COLLATE \"C\""),
                (
                    "{counter}",
                    "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
                ),
                ("{clustered}", ""),
            ],
        };
        let own_lines = match self {
            Dialect::Sqlite => migration.to_owned(),
            Dialect::Postgres => migration.replace("--postgres:", ""),
        };
        words
            .iter()
            .fold(own_lines, |text, (marker, word)| text.replace(marker, word))
    }
}

/// What the store is about itself: `schema` (its version) and `key` (proof of the encryption key).
const META: &str = "CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value {blob} NOT NULL)";

/// Makes or migrates the schema, after proving that the store may be opened: not made by a newer program, and with its own key.
pub(crate) fn prepare(sql: &mut dyn Sql, dialect: Dialect, key_check: &[u8]) -> Result<()> {
    prepare_up_to(VERSION, sql, dialect, key_check)
}

/// The same for a program that knows the first `newest` versions.
fn prepare_up_to(
    newest: usize,
    sql: &mut dyn Sql,
    dialect: Dialect,
    key_check: &[u8],
) -> Result<()> {
    sql.batch(&dialect.spell(META))?;
    let version = version(sql)?;
    if version > newest {
        return Err(Error::Refused(format!(
            "this store has schema {version}, and this program knows up to {newest}: \
             use the program that wrote it, or a newer one"
        )));
    }
    prove_key(sql, version, key_check)?;
    for migration in &MIGRATIONS[version..newest] {
        sql.batch(&dialect.spell(migration))?;
    }
    if version < newest {
        set(sql, "schema", newest.to_string().as_bytes())?;
    }
    Ok(())
}

fn version(sql: &mut dyn Sql) -> Result<usize> {
    let Some(value) = value(sql, "schema")? else {
        return Ok(0);
    };
    let text = String::from_utf8_lossy(&value).into_owned();
    text.parse()
        .map_err(|_| Error::Corrupt(format!("the schema version reads “{text}”")))
}

/// A new store takes the key it is opened with; any other must be opened with its own.
fn prove_key(sql: &mut dyn Sql, version: usize, key_check: &[u8]) -> Result<()> {
    let known = value(sql, "key")?;
    let refuse = |why: &str| Err(Error::Refused(why.into()));
    match known {
        Some(known) if known == key_check => Ok(()),
        Some(_) if key_check.is_empty() => {
            refuse("this store is encrypted: give the key file it was made with")
        }
        Some(known) if known.is_empty() => {
            refuse("this store is not encrypted, but a key was given: start it without the key")
        }
        Some(_) => refuse("the key does not fit this store: it was encrypted with another one"),
        None if version == 0 => set(sql, "key", key_check),
        None => Err(Error::Corrupt(
            "the store does not say whether it is encrypted".into(),
        )),
    }
}

fn value(sql: &mut dyn Sql, name: &str) -> Result<Option<Vec<u8>>> {
    let mut value = None;
    sql.query(
        "SELECT value FROM meta WHERE name = $1",
        params![name],
        &mut |row| {
            value = Some(row.blob(0)?.to_vec());
            Ok(ControlFlow::Break(()))
        },
    )?;
    Ok(value)
}

fn set(sql: &mut dyn Sql, name: &str, value: &[u8]) -> Result<()> {
    let params: [Param<'_>; 2] = [name.into(), value.into()];
    sql.execute(
        "INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        &params,
    )?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::sqlite::Setup;

    /// Every table and index as SQLite remembers it.
    fn described(setup: &Setup) -> Vec<String> {
        let described = setup.transaction(|sql| {
            let mut all = Vec::new();
            sql.query(
                "SELECT name, sql FROM sqlite_master ORDER BY name",
                &[],
                &mut |row| {
                    all.push(format!("{}: {:?}", row.text(0)?, row.opt_text(1)?));
                    Ok(ControlFlow::Continue(()))
                },
            )?;
            Ok(all)
        });
        described.unwrap()
    }

    fn new_store(folder: &tempfile::TempDir, version: usize) -> Setup {
        let setup = Setup::connect(&folder.path().join(format!("{version}.db"))).unwrap();
        let made = setup.transaction(|sql| prepare_up_to(version, sql, Dialect::Sqlite, b"key"));
        made.unwrap();
        setup
    }

    #[test]
    fn a_store_of_any_older_version_becomes_like_a_new_one() {
        let folder = tempfile::tempdir().unwrap();
        let fresh = described(&new_store(&folder, VERSION));
        assert!(fresh.iter().any(|line| line.starts_with("entry: ")));
        for older in 1..=VERSION {
            let folder = tempfile::tempdir().unwrap();
            let setup = new_store(&folder, older);
            setup
                .transaction(|sql| prepare(sql, Dialect::Sqlite, b"key"))
                .unwrap();
            assert_eq!(described(&setup), fresh, "from version {older}");
        }
    }

    #[test]
    fn a_newer_store_and_another_key_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let setup = new_store(&folder, VERSION);
        for (newest, key) in [(VERSION - 1, b"key"), (VERSION, b"yek")] {
            let opened = setup.transaction(|sql| prepare_up_to(newest, sql, Dialect::Sqlite, key));
            assert!(matches!(opened, Err(Error::Refused(_))), "{opened:?}");
        }
    }

    /// What EXPUNGE costs depends on how many messages are marked, not on how many there are.
    #[test]
    fn marked_messages_are_found_by_their_index() {
        assert_eq!(crate::entry::Flags::DELETED.0, 8);
        let database = rusqlite::Connection::open_in_memory().unwrap();
        for migration in MIGRATIONS {
            let spelled = Dialect::Sqlite.spell(migration);
            database.execute_batch(&spelled).unwrap();
        }
        for statement in [crate::entry::MARKED, crate::entry::MARKED_BYTES] {
            let plan: String = database
                .query_row(&format!("EXPLAIN QUERY PLAN {statement}"), [b"m"], |row| {
                    row.get(3)
                })
                .unwrap();
            assert!(plan.contains("INDEX entry_deleted"), "{statement}: {plan}");
        }
    }

    #[test]
    fn no_marker_is_left_unspelled() {
        for (dialect, migration) in [Dialect::Sqlite, Dialect::Postgres]
            .into_iter()
            .flat_map(|d| MIGRATIONS.iter().map(move |m| (d, m)))
        {
            let spelled = dialect.spell(migration);
            let code = spelled
                .lines()
                .filter(|line| !line.trim_start().starts_with("--"));
            assert!(code.clone().count() > 0);
            code.for_each(|line| assert!(!line.contains('{'), "{line}"));
        }
    }
}
