//! `\Recent` (RFC 3501 §2.3.2): the messages that a session is the first to be told of.
//!
//! Each mailbox has a *mark*, a UID: of what is below it, some session was told. Sessions move it in memory, so that no SELECT and no
//! IDLE waits for a sync; the store learns of it once a minute and at the end. After a crash some messages are recent once more, as the RFC wants
//! it where a server cannot know. EXAMINE looks at the mark and leaves it where it is. IMAP4rev2 has no `\Recent`.

use super::view::Access;
use ::store::mailbox::{self, Mailbox};
use ::store::{AccountId, MailboxId, Store, Uid};
use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Ranges that a session remembers; of more, the oldest are not recent any more.
const MAX_RANGES: usize = 1000;

type Place = (AccountId, MailboxId);

/// The marks of the mailboxes that are open for writing, or were within the last minute.
#[derive(Debug, Default)]
pub(crate) struct Recents {
    marks: Mutex<HashMap<Place, Arc<Mark>>>,
}

/// The mark of a mailbox.
#[derive(Debug)]
struct Mark {
    /// Sessions were told of what is below this UID.
    told: AtomicU32,
    /// What of that the store knows.
    stored: AtomicU32,
}

impl Mark {
    fn of(mailbox: &Mailbox) -> Mark {
        let told = mailbox.recent_from.0;
        Mark {
            told: told.into(),
            stored: told.into(),
        }
    }

    /// A session is told of what is below `next`: from which UID on it is the first.
    fn claim(&self, next: u32) -> u32 {
        self.told.fetch_max(next, Ordering::Relaxed)
    }

    fn told(&self) -> u32 {
        self.told.load(Ordering::Relaxed)
    }

    fn is_stored(&self) -> bool {
        self.told() <= self.stored.load(Ordering::Relaxed)
    }
}

impl Recents {
    /// The first UID of a mailbox that no session was told of.
    pub(super) fn from(&self, owner: AccountId, mailbox: &Mailbox) -> u32 {
        let marks = self.marks();
        let known = marks
            .get(&(owner, mailbox.id))
            .map_or(0, |mark| mark.told());
        known.max(mailbox.recent_from.0)
    }

    fn mark(&self, owner: AccountId, mailbox: &Mailbox) -> Arc<Mark> {
        let mut marks = self.marks();
        let mark = marks.entry((owner, mailbox.id));
        mark.or_insert_with(|| Arc::new(Mark::of(mailbox))).clone()
    }

    /// Writes into the store what has moved, and forgets marks that no session holds.
    pub(crate) async fn save(&self, store: &Store) -> ::store::Result<usize> {
        let moved: Vec<(Place, u32)> = {
            let marks = self.marks();
            let moved = marks.iter().filter(|(_, mark)| !mark.is_stored());
            moved.map(|(place, mark)| (*place, mark.told())).collect()
        };
        if !moved.is_empty() {
            let saved = moved.clone();
            let write = store.write(move |tx| {
                for ((account, mailbox), told) in &saved {
                    mailbox::set_recent_from(tx, *account, *mailbox, Uid(*told))?;
                }
                Ok(())
            });
            write.await?;
        }
        let mut marks = self.marks();
        for (place, told) in &moved {
            if let Some(mark) = marks.get(place) {
                mark.stored.fetch_max(*told, Ordering::Relaxed);
            }
        }
        marks.retain(|_, mark| Arc::strong_count(mark) > 1 || !mark.is_stored());
        Ok(moved.len())
    }

    fn marks(&self) -> MutexGuard<'_, HashMap<Place, Arc<Mark>>> {
        self.marks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is recent for one session in its selected mailbox.
#[derive(Debug, Default)]
pub(super) struct Recent {
    mark: Option<Arc<Mark>>,
    /// UIDs, ascending.
    uids: Vec<RangeInclusive<u32>>,
}

impl Recent {
    /// A mailbox is opened.
    pub(super) fn opened(recents: &Recents, owner: AccountId, mailbox: &Mailbox) -> Recent {
        Recent {
            mark: Some(recents.mark(owner, mailbox)),
            uids: Vec::new(),
        }
    }

    /// The client is about to be told of all messages below `next`.
    pub(super) fn tell(&mut self, next: u32, access: Access) {
        let Some(mark) = &self.mark else {
            return;
        };
        let first = match access {
            Access::Write => mark.claim(next),
            Access::Read => mark.told(),
        };
        let known = self.uids.last().map_or(0, |range| *range.end());
        self.push(first.max(known.saturating_add(1)), next);
    }

    fn push(&mut self, first: u32, next: u32) {
        if first >= next {
            return;
        }
        let last = next - 1;
        match self.uids.last_mut() {
            Some(range) if *range.end() + 1 == first => *range = *range.start()..=last,
            _ => self.uids.push(first..=last),
        }
        if self.uids.len() > MAX_RANGES {
            self.uids.remove(0);
        }
    }

    /// The UIDs, whether or not there are messages of them; ascending.
    pub(super) fn uids(&self) -> &[RangeInclusive<u32>] {
        &self.uids
    }

    pub(super) fn contains(&self, uid: u32) -> bool {
        let at = self.uids.partition_point(|range| *range.end() < uid);
        self.uids.get(at).is_some_and(|range| range.contains(&uid))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ::store::{ModSeq, UidValidity};

    fn mailbox(recent_from: u32) -> Mailbox {
        Mailbox {
            id: MailboxId::from_u128(1),
            name: "INBOX".into(),
            uid_validity: UidValidity(1),
            uid_next: Uid(10),
            recent_from: Uid(recent_from),
            modseq: ModSeq(1),
            messages: 9,
            unseen: 0,
            deleted: 0,
            bytes: 0,
            special_use: None,
            subscribed: true,
        }
    }

    /// RFC 3501 §2.3.2: of two sessions, one is the first.
    #[test]
    fn each_message_is_recent_for_one_session() {
        let (recents, owner) = (Recents::default(), AccountId::from_u128(1));
        let mut sessions = [(); 2].map(|()| Recent::opened(&recents, owner, &mailbox(8)));
        sessions[0].tell(10, Access::Write);
        sessions[1].tell(10, Access::Write);
        assert_eq!(sessions[0].uids(), [8..=9]);
        assert_eq!(sessions[1].uids(), []);
        sessions[1].tell(12, Access::Write);
        sessions[0].tell(13, Access::Write);
        assert_eq!(sessions[0].uids(), [8..=9, 12..=12]);
        assert_eq!(sessions[1].uids(), [10..=11]);
        assert!(sessions[1].contains(11) && !sessions[1].contains(12));
    }

    #[test]
    fn examine_leaves_the_mark_where_it_is() {
        let (recents, owner) = (Recents::default(), AccountId::from_u128(1));
        let mut reader = Recent::opened(&recents, owner, &mailbox(8));
        reader.tell(10, Access::Read);
        reader.tell(11, Access::Read);
        assert_eq!(reader.uids(), [8..=10]);
        assert_eq!(recents.from(owner, &mailbox(8)), 8);
        let mut writer = Recent::opened(&recents, owner, &mailbox(8));
        writer.tell(11, Access::Write);
        assert_eq!(writer.uids(), [8..=10]);
        assert_eq!(recents.from(owner, &mailbox(8)), 11);
    }
}
