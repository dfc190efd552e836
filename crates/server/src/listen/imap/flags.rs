//! Flags between the grammar and the store: the system flags are bits there and names here (RFC 3501 §2.3.2).

use crate::scripts::event::Witness;
use ::store::entry::{self, Entry, Flags, Kept, StoreResult, Viewed};
use ::store::{AccountId, Tx};
use imap::Flag;
use std::ops::RangeInclusive;

const SYSTEM: [(Flags, &str); 5] = [
    (Flags::ANSWERED, "\\Answered"),
    (Flags::FLAGGED, "\\Flagged"),
    (Flags::DELETED, "\\Deleted"),
    (Flags::SEEN, "\\Seen"),
    (Flags::DRAFT, "\\Draft"),
];

/// Keywords that clients commonly use (IANA registry), announced in every mailbox.
const COMMON: [&str; 5] = ["$Forwarded", "$MDNSent", "$Junk", "$NotJunk", "$Phishing"];

/// System flags as bits, and keywords, each once.
pub(super) fn to_store(flags: &[Flag]) -> (Flags, Vec<String>) {
    let (mut system, mut keywords) = (Flags::default(), Vec::<String>::new());
    for flag in flags {
        match flag {
            Flag::Keyword(name) => {
                if !keywords
                    .iter()
                    .any(|known| known.eq_ignore_ascii_case(name))
                {
                    keywords.push(name.clone());
                }
            }
            other => system = system.with(bit(other)),
        }
    }
    (system, keywords)
}

/// The bit of a system flag; none for a keyword.
pub(super) fn bit(flag: &Flag) -> Flags {
    match flag {
        Flag::Seen => Flags::SEEN,
        Flag::Answered => Flags::ANSWERED,
        Flag::Flagged => Flags::FLAGGED,
        Flag::Deleted => Flags::DELETED,
        Flag::Draft => Flags::DRAFT,
        Flag::Keyword(_) => Flags::default(),
    }
}

/// Changes flags by `store`, and notes for scripts what has changed, where any script cares (G15).
pub(super) fn store_seen_by(
    tx: &mut Tx<'_>,
    witness: &Witness,
    (account, mailbox): (AccountId, Viewed),
    uids: &[RangeInclusive<u32>],
    store: impl FnOnce(&mut Tx<'_>) -> ::store::Result<StoreResult>,
) -> ::store::Result<StoreResult> {
    let Some(watched) = witness.watches_flags(tx, account, mailbox.mailbox)? else {
        return store(tx);
    };
    let before = entry::scan(tx, account, mailbox, uids, None, usize::MAX)?;
    let stored = store(tx)?;
    watched.changed(tx, &before, &stored.entries)?;
    Ok(stored)
}

/// Is this session the first that is told of a message?
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Recency {
    /// Yes: it has `\Recent`.
    Recent,
    /// No, or the session has no such flag.
    Old,
}

/// Appends `FLAGS (…)` of an entry.
pub(super) fn push(out: &mut Vec<u8>, entry: &Entry, recency: Recency) {
    out.extend_from_slice(b"FLAGS (");
    let start = out.len();
    if recency == Recency::Recent {
        out.extend_from_slice(b"\\Recent");
    }
    let system = SYSTEM
        .iter()
        .filter(|(bit, _)| entry.flags.contains(*bit))
        .map(|(_, name)| *name);
    for name in system.chain(entry.keywords.iter().map(String::as_str)) {
        if out.len() > start {
            out.push(b' ');
        }
        out.extend_from_slice(name.as_bytes());
    }
    out.push(b')');
}

/// Appends the FLAGS response of a mailbox whose messages have these keywords.
pub(super) fn push_applicable(out: &mut Vec<u8>, keywords: &[String]) {
    out.extend_from_slice(b"* FLAGS ");
    out.extend_from_slice(applicable(keywords).as_bytes());
    out.extend_from_slice(b"\r\n");
}

/// The list for PERMANENTFLAGS: what may be set, and `\*` where clients may make up keywords.
pub(super) fn permanent(settable: Kept) -> String {
    if settable == Kept::ALL {
        let all = applicable(&[]);
        return format!("{} \\*)", all.trim_end_matches(')'));
    }
    let system = SYSTEM
        .iter()
        .filter(|(bit, _)| settable.flags.contains(*bit));
    let mut names: Vec<&str> = system.map(|(_, name)| *name).collect();
    if settable.keywords {
        names.push("\\*");
    }
    format!("({})", names.join(" "))
}

fn applicable(keywords: &[String]) -> String {
    let known = |name: &&str| {
        !COMMON
            .iter()
            .any(|common| common.eq_ignore_ascii_case(name))
    };
    let more = keywords.iter().map(String::as_str).filter(known);
    let names: Vec<&str> = SYSTEM
        .iter()
        .map(|(_, name)| *name)
        .chain(COMMON)
        .chain(more)
        .collect();
    format!("({})", names.join(" "))
}
