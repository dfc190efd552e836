//! LIST, LSUB and XLIST (RFC 3501 §6.3.8–9, RFC 5258 §6).

use super::{Cursor, Malformed, command, metadata};
use crate::list::{List, Return, Selection};

/// Patterns one command may have.
const MAX_PATTERNS: usize = 100;

/// LIST after its name.
pub(super) fn list(cursor: &mut Cursor<'_>) -> Result<List, Malformed> {
    cursor.space()?;
    let mut list = List {
        basic: true,
        ..List::default()
    };
    if cursor.peek() == Some(b'(') {
        list.basic = false;
        list.select = selection(cursor)?;
        cursor.space()?;
    }
    list.reference = cursor.mailbox()?.as_str().to_owned();
    cursor.space()?;
    if cursor.peek() == Some(b'(') {
        list.basic = false;
        list.patterns = cursor.list(Cursor::list_mailbox)?;
    } else {
        list.patterns = vec![cursor.list_mailbox()?];
    }
    if list.patterns.is_empty() || list.patterns.len() > MAX_PATTERNS {
        return Err(Malformed("LIST takes 1 to 100 patterns"));
    }
    if !cursor.is_at_end() {
        list.basic = false;
        list.tell = returns(cursor)?;
    }
    Ok(list)
}

/// Reference and pattern, for LSUB and XLIST.
pub(super) fn basic(cursor: &mut Cursor<'_>) -> Result<(String, String), Malformed> {
    cursor.space()?;
    let reference = cursor.mailbox()?.as_str().to_owned();
    cursor.space()?;
    Ok((reference, cursor.list_mailbox()?))
}

fn selection(cursor: &mut Cursor<'_>) -> Result<Selection, Malformed> {
    let mut select = Selection::default();
    cursor.list(|cursor| {
        match cursor.word().as_str() {
            "SUBSCRIBED" => select.subscribed = true,
            "REMOTE" => select.remote = true,
            "RECURSIVEMATCH" => select.recursive_match = true,
            "SPECIAL-USE" => select.special_use = true,
            _ => return Err(Malformed("There is no such selection option of LIST")),
        }
        Ok(())
    })?;
    if select.recursive_match && !select.subscribed && !select.special_use {
        return Err(Malformed("RECURSIVEMATCH needs another selection option"));
    }
    Ok(select)
}

fn returns(cursor: &mut Cursor<'_>) -> Result<Return, Malformed> {
    cursor.space()?;
    if cursor.word() != "RETURN" {
        return Err(Malformed("Only RETURN may follow the patterns of LIST"));
    }
    cursor.space()?;
    let mut tell = Return::default();
    cursor.list(|cursor| {
        match cursor.word().as_str() {
            "SUBSCRIBED" => tell.subscribed = true,
            "CHILDREN" => tell.children = true,
            "SPECIAL-USE" => tell.special_use = true,
            "MYRIGHTS" => tell.my_rights = true,
            "METADATA" => {
                cursor.space()?;
                tell.metadata = metadata::entries(cursor)?;
            }
            "STATUS" => {
                cursor.space()?;
                tell.status = command::status_items(cursor)?;
            }
            _ => return Err(Malformed("There is no such return option of LIST")),
        }
        Ok(())
    })?;
    Ok(tell)
}
