//! Rows of bodies: what is stored where, and how often it is referred to.

use crate::body::staged::{Staged, Stored};
use crate::engine::params;
use crate::tx::Tx;
use crate::{Error, Result};

/// `body.place`: the octets are in a row of `octets`.
pub(crate) const INLINE: i64 = 0;
/// `body.place`: the octets are in a file named by `body.file`.
pub(crate) const FILE: i64 = 1;

/// Adds a reference; stores the body if it is the first.
pub(crate) fn keep(tx: &mut Tx<'_>, staged: &Staged) -> Result<()> {
    if refer(tx, staged.hash())? {
        return Ok(());
    }
    let (place, octets, file) = match staged.stored() {
        Stored::Inline(sealed) => (INLINE, Some(add_octets(tx, sealed)?), None),
        Stored::File(file) => (FILE, None, Some(&file.name)),
    };
    let refs = tx.one(
        "INSERT INTO body (hash, refs, size, place, octets, file) VALUES ($1, 1, $2, $3, $4, $5) \
         ON CONFLICT (hash) DO UPDATE SET refs = body.refs + 1 RETURNING refs",
        params![staged.hash(), staged.size(), place, octets, file],
        |row| row.int(0),
    )?;
    if refs != Some(1) {
        // Another transaction stored the same body between our two statements.
        return forget_octets(tx, octets);
    }
    tx.effects.kept.push(staged.clone());
    Ok(())
}

fn add_octets(tx: &mut Tx<'_>, sealed: &Vec<u8>) -> Result<i64> {
    let id = tx.one(
        "INSERT INTO octets (data) VALUES ($1) RETURNING id",
        params![sealed],
        |row| row.int(0),
    )?;
    id.ok_or_else(|| Error::Bug("an inserted row has no id".into()))
}

/// Adds a reference to a body that is stored already; false if it is not.
pub(crate) fn refer(tx: &mut Tx<'_>, hash: &[u8; 32]) -> Result<bool> {
    let known = tx.execute(
        "UPDATE body SET refs = refs + 1 WHERE hash = $1",
        params![hash],
    )?;
    Ok(known > 0)
}

/// Takes a reference away; the body goes with the last one.
pub(crate) fn release(tx: &mut Tx<'_>, hash: &[u8; 32]) -> Result<()> {
    let left = tx.one(
        "UPDATE body SET refs = refs - 1 WHERE hash = $1 RETURNING refs, octets, file",
        params![hash],
        |row| {
            Ok((
                row.int(0)?,
                row.opt_int(1)?,
                row.opt_text(2)?.map(str::to_owned),
            ))
        },
    )?;
    let Some((refs, octets, file)) = left else {
        return Err(Error::Corrupt(
            "a message refers to a body that is not stored".into(),
        ));
    };
    if refs > 0 {
        return Ok(());
    }
    tx.execute("DELETE FROM body WHERE hash = $1", params![hash])?;
    forget_octets(tx, octets)?;
    tx.effects.dropped.extend(file);
    Ok(())
}

fn forget_octets(tx: &mut Tx<'_>, octets: Option<i64>) -> Result<()> {
    if let Some(id) = octets {
        tx.execute("DELETE FROM octets WHERE id = $1", params![id])?;
    }
    Ok(())
}
