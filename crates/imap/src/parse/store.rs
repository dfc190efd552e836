//! STORE and flag lists (RFC 3501 §6.4.6, RFC 7162 §3.1.3).

use super::{Cursor, Malformed};
use crate::command::{By, Echo, Store, StoreAction};
use crate::flag::{Flag, MAX_KEYWORD, MAX_KEYWORDS};

/// STORE after its name.
pub(super) fn store(cursor: &mut Cursor<'_>, by: By) -> Result<Store, Malformed> {
    cursor.space()?;
    let set = cursor.sequence_set()?;
    cursor.space()?;
    let mut unchanged_since = None;
    if cursor.peek() == Some(b'(') {
        let values = cursor.list(modifier)?;
        unchanged_since = values.last().copied();
        cursor.space()?;
    }
    let (action, echo) = item(cursor)?;
    cursor.space()?;
    let flags = match cursor.peek() {
        Some(b'(') => flag_list(cursor)?,
        _ => bare_flags(cursor)?,
    };
    Ok(Store {
        by,
        set,
        unchanged_since,
        action,
        echo,
        flags,
    })
}

fn modifier(cursor: &mut Cursor<'_>) -> Result<u64, Malformed> {
    if cursor.word() != "UNCHANGEDSINCE" {
        return Err(Malformed("The only modifier of STORE is UNCHANGEDSINCE"));
    }
    cursor.space()?;
    cursor.modseq()
}

fn item(cursor: &mut Cursor<'_>) -> Result<(StoreAction, Echo), Malformed> {
    let action = match cursor.peek() {
        Some(b'+') => StoreAction::Add,
        Some(b'-') => StoreAction::Remove,
        _ => StoreAction::Replace,
    };
    // The sign of removal is also a character of words.
    let _ = cursor.eat(b'+') || cursor.eat(b'-');
    match cursor.word().as_str() {
        "FLAGS" => Ok((action, Echo::Tell)),
        "FLAGS.SILENT" => Ok((action, Echo::Silent)),
        _ => Err(Malformed(
            "STORE changes FLAGS, +FLAGS or -FLAGS, each perhaps .SILENT",
        )),
    }
}

/// `(\Seen $Forwarded)`
pub(super) fn flag_list(cursor: &mut Cursor<'_>) -> Result<Vec<Flag>, Malformed> {
    let flags = cursor.list(flag)?;
    bounded(flags.into_iter().flatten().collect())
}

fn bare_flags(cursor: &mut Cursor<'_>) -> Result<Vec<Flag>, Malformed> {
    let mut flags = vec![flag(cursor)?];
    while cursor.eat(b' ') {
        flags.push(flag(cursor)?);
    }
    bounded(flags.into_iter().flatten().collect())
}

/// One flag; `None` for `\Recent`, which clients that copy flags send though nobody can set it.
fn flag(cursor: &mut Cursor<'_>) -> Result<Option<Flag>, Malformed> {
    if !cursor.eat(b'\\') {
        return keyword(cursor).map(|keyword| Some(Flag::Keyword(keyword)));
    }
    let name = cursor.atom()?;
    match Flag::system(&name) {
        Some(flag) => Ok(Some(flag)),
        None if name.eq_ignore_ascii_case("Recent") => Ok(None),
        None => Err(Malformed("There is no such system flag")),
    }
}

/// G17: a keyword has at most 50 characters.
pub(super) fn keyword(cursor: &mut Cursor<'_>) -> Result<String, Malformed> {
    let keyword = cursor.atom()?;
    match keyword.len() <= MAX_KEYWORD {
        true => Ok(keyword),
        false => Err(Malformed("A keyword has at most 50 characters")),
    }
}

fn bounded(flags: Vec<Flag>) -> Result<Vec<Flag>, Malformed> {
    match flags.len() <= MAX_KEYWORDS {
        true => Ok(flags),
        false => Err(Malformed("A command names at most 64 flags")),
    }
}
