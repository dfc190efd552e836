//! UIDONLY (RFC 9586): once it is enabled no message has a number, and a command that uses one is refused.
//!
//! What is told by UID then, is where it is told: [`super::fetch::push_begin`], [`super::view::Report`].

use super::connection::Connection;
use imap::append::Append;
use imap::command::{By, QResync};
use imap::response::{Code, Status};
use imap::search::Key;
use imap::{Body, SequenceSet};

/// The answer to a command that uses message numbers, where there are none.
pub(super) fn refusal(connection: &Connection, body: &Body) -> Option<Status> {
    (connection.enabled.uidonly && uses_numbers(body)).then(uid_required)
}

/// The same for a REPLACE whose message is still to come.
pub(super) fn refusal_of_append(connection: &Connection, append: &Append) -> Option<Status> {
    (connection.enabled.uidonly && replaces_by_number(append)).then(uid_required)
}

fn uid_required() -> Status {
    Status::bad("Messages have no numbers since UIDONLY is enabled.").code(Code::UidRequired)
}

fn uses_numbers(body: &Body) -> bool {
    match body {
        Body::Fetch(fetch) => fetch.by == By::Sequence,
        Body::Store(store) => store.by == By::Sequence,
        Body::Copy(copy) | Body::Move(copy) => copy.by == By::Sequence,
        Body::Append(append) => replaces_by_number(append),
        Body::Search(by, search) => *by == By::Sequence || names_numbers(&search.key),
        Body::Sort(by, sort) => *by == By::Sequence || names_numbers(&sort.search.key),
        Body::Thread(by, thread) => *by == By::Sequence || names_numbers(&thread.key),
        Body::MultiSearch(multi) => names_numbers(&multi.search.key),
        Body::Select(select) | Body::Examine(select) => {
            select.qresync.as_ref().is_some_and(has_pairs)
        }
        _ => false,
    }
}

fn replaces_by_number(append: &Append) -> bool {
    matches!(append.replaces, Some((By::Sequence, _)))
}

/// `$` names messages, but not by their numbers.
fn names_numbers(key: &Key) -> bool {
    key.any(&|key| matches!(key, Key::Sequence(set) if *set != SequenceSet::Saved))
}

/// RFC 7162 §3.2.5.2: some message numbers and the UIDs that belong to them.
fn has_pairs(qresync: &QResync) -> bool {
    qresync.pairs.is_some()
}
