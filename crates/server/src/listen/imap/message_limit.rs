//! MESSAGELIMIT (RFC 9738): how many messages a command may concern, where a setting limits that.
//!
//! Commands that read or set flags do the messages with the highest UIDs, and say down to which; the client goes on below. Those that would do
//! half of what was asked for (COPY, MOVE, UID EXPUNGE) do nothing.

use super::connection::Connection;
use super::fetch::count;
use super::resync::common;
use super::view::View;
use imap::command::By;
use imap::response::{Code, Status};
use imap::search::Key;
use std::ops::RangeInclusive;

type Uids = Vec<RangeInclusive<u32>>;

/// The limit in force; `None`: there is none.
fn in_force(connection: &Connection) -> Option<u32> {
    let limit = connection.services.config.load().imap.message_limit;
    (limit > 0).then_some(limit)
}

/// That not all messages were done which a command named.
#[derive(Clone, Copy)]
pub(super) struct CutShort {
    limit: u32,
    /// The lowest UID that was done.
    lowest: u32,
}

impl CutShort {
    /// Leaves of these messages those that a command may concern.
    pub(super) fn cut(connection: &Connection, uids: &mut Uids) -> Option<CutShort> {
        let limit = in_force(connection)?;
        keep_highest(uids, u64::from(limit)).map(|lowest| CutShort { limit, lowest })
    }

    /// The code for the answer.
    pub(super) fn code(self) -> Code {
        Code::MessageLimit(self.limit, Some(self.lowest))
    }
}

/// The answer with the code, unless it has one that says more; then the client is told before it.
pub(super) fn answered(
    connection: &mut Connection,
    status: Status,
    cut: Option<CutShort>,
) -> Status {
    match cut {
        None => status,
        Some(cut) if status.code.is_none() => status.code(cut.code()),
        Some(cut) => {
            let told = Status::ok("Not all messages were done.").code(cut.code());
            told.encode(None, &mut connection.out);
            status
        }
    }
}

/// Refuses what concerns too many messages and cannot be half done.
pub(super) fn check(connection: &Connection, uids: &[RangeInclusive<u32>]) -> Result<(), Status> {
    match in_force(connection) {
        Some(limit) if count(uids) > u64::from(limit) => {
            let refused = Status::no("Too many messages at once; name fewer.");
            Err(refused.code(Code::MessageLimit(limit, None)))
        }
        _ => Ok(()),
    }
}

/// The messages that a search looks at: all, or those that its sets name.
pub(super) fn scope(key: &Key, view: &View) -> Result<Uids, Status> {
    match key {
        Key::Uid(set) => view.resolve(By::Uid, set),
        Key::Sequence(set) => view.resolve(By::Sequence, set),
        Key::And(keys) => {
            let mut scope_of_all = view.uids();
            for key in keys {
                scope_of_all = common(&scope_of_all, &scope(key, view)?);
            }
            Ok(scope_of_all)
        }
        _ => Ok(view.uids()),
    }
}

/// Drops all but the highest. The lowest that is left, if any was dropped.
fn keep_highest(uids: &mut Uids, limit: u64) -> Option<u32> {
    let mut too_many = count(uids).checked_sub(limit).filter(|more| *more > 0)?;
    let mut whole = 0;
    for range in uids.iter() {
        let length = u64::from(range.end() - range.start()) + 1;
        if length > too_many {
            break;
        }
        too_many -= length;
        whole += 1;
    }
    uids.drain(..whole);
    let first = uids.first_mut()?;
    // Less than the length of the range, which is of 32 bits.
    *first = first.start() + too_many as u32..=*first.end();
    Some(*first.start())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_are_kept() {
        let cut = |limit| {
            let mut uids = vec![1..=3, 5..=5, 7..=9];
            let lowest = keep_highest(&mut uids, limit);
            (lowest, uids)
        };
        assert_eq!(cut(7), (None, vec![1..=3, 5..=5, 7..=9]));
        assert_eq!(cut(6), (Some(2), vec![2..=3, 5..=5, 7..=9]));
        assert_eq!(cut(4), (Some(5), vec![5..=5, 7..=9]));
        assert_eq!(cut(3), (Some(7), vec![7..=9]));
        assert_eq!(cut(1), (Some(9), vec![9..=9]));
    }
}
