//! Filters (RFC 5466): searches that are kept as annotations of the server, `/private/filters/values/NAME` or
//! `/shared/filters/values/NAME`, and named by the key FILTER.

use crate::listen::imap::connection::Connection;
use crate::listen::imap::failure::Failure;
use ::store::annotation::{self, Depth, Place};
use ::store::{AccountId, Result as StoreResult, Tx};
use imap::response::{Code, Status};
use imap::search::Key;
use std::collections::HashMap;

/// How deep filters may name each other.
const MAX_DEPTH: usize = 10;
/// Keys of a search with all its filters; what one command may have.
const MAX_KEYS: usize = 2000;
/// Where the values are, of one's own filters and of those for all.
const VALUES: [&str; 2] = ["/private/filters/values/", "/shared/filters/values/"];

/// The key with the values of its filters in their place.
pub(in crate::listen::imap) async fn expanded(
    connection: &Connection,
    account: AccountId,
    key: &Key,
) -> Result<Key, Failure> {
    if !key.any(&|key| matches!(key, Key::Filter(_))) {
        return Ok(key.clone());
    }
    let key = key.clone();
    let read = connection.services.store.read(move |tx| {
        let mut filters = Filters {
            account,
            known: HashMap::new(),
            room: MAX_KEYS,
        };
        filters.expand(tx, &key, 0)
    });
    Ok(read.await??)
}

/// May an annotation have this value? Only what is a search can be a filter.
pub(in crate::listen::imap) fn admits(entry: &str, value: Option<&[u8]>) -> Result<(), Status> {
    let is_filter = VALUES.iter().any(|prefix| entry.starts_with(prefix));
    match value {
        Some(value) if is_filter && Key::of_filter(value).is_err() => {
            let refused = Status::no("The value of a filter is what a SEARCH command has.");
            Err(refused.code(Code::Cannot))
        }
        _ => Ok(()),
    }
}

/// Filters that have been looked up.
struct Filters {
    account: AccountId,
    known: HashMap<String, Option<Key>>,
    /// How many keys more there may be.
    room: usize,
}

type Expanded = Result<Key, Status>;

impl Filters {
    fn expand(&mut self, tx: &mut Tx<'_>, key: &Key, depth: usize) -> StoreResult<Expanded> {
        let Some(room) = self.room.checked_sub(1) else {
            return Ok(Err(
                Status::no("The search is too complex.").code(Code::Limit)
            ));
        };
        self.room = room;
        Ok(match key {
            Key::Filter(name) => return self.named(tx, name, depth),
            Key::And(keys) => {
                let mut all = Vec::with_capacity(keys.len());
                for key in keys {
                    match self.expand(tx, key, depth)? {
                        Ok(key) => all.push(key),
                        refused => return Ok(refused),
                    }
                }
                Ok(Key::And(all))
            }
            Key::Or(a, b) => match (self.expand(tx, a, depth)?, self.expand(tx, b, depth)?) {
                (Ok(a), Ok(b)) => Ok(Key::Or(Box::new(a), Box::new(b))),
                (Err(refused), _) | (_, Err(refused)) => Err(refused),
            },
            Key::Not(key) => self
                .expand(tx, key, depth)?
                .map(|key| Key::Not(Box::new(key))),
            other => Ok(other.clone()),
        })
    }

    fn named(&mut self, tx: &mut Tx<'_>, name: &str, depth: usize) -> StoreResult<Expanded> {
        if !self.known.contains_key(name) {
            let found = look_up(tx, self.account, name)?;
            self.known.insert(name.to_owned(), found);
        }
        match self.known.get(name).cloned().flatten() {
            // One that names itself ends here, too.
            Some(key) if depth < MAX_DEPTH => self.expand(tx, &key, depth + 1),
            _ => {
                let refused = Status::no("There is no such filter.");
                Ok(Err(refused.code(Code::UndefinedFilter(name.to_owned()))))
            }
        }
    }
}

/// RFC 5466 §3.1: one's own comes first.
fn look_up(tx: &mut Tx<'_>, account: AccountId, name: &str) -> StoreResult<Option<Key>> {
    let places = [Place::of_account(account), Place::of_server()];
    for (prefix, place) in VALUES.iter().zip(places) {
        let entry = format!("{prefix}{name}");
        if let Some((_, value)) = annotation::read(tx, place, &entry, Depth::Zero)?.pop() {
            return Ok(Key::of_filter(&value).ok());
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_searches_are_filters() {
        let entry = "/private/filters/values/x";
        assert!(admits(entry, Some(b"OR SEEN FROM me")).is_ok());
        assert!(admits(entry, None).is_ok());
        assert!(admits(entry, Some(b"everything")).is_err());
        assert!(admits("/private/filters/descriptions/x", Some(b"everything")).is_ok());
    }
}
