//! Entries: messages in mailboxes, with their UIDs, flags and dates.

mod add;
mod changes;
mod digest;
mod expire;
mod facts;
mod find;
mod flags;
mod keywords;
mod read;
mod remove;
mod rows;
mod seen;
mod summary;
mod thread;
mod transfer;

pub use add::add;
pub use changes::{changes, traces};
pub use digest::{BLOCK, Digest, block_of, digests, each_fact, keep_digests, uids_of};
pub use expire::{Everywhere, expire, expired};
pub use facts::Facts;
pub use find::{by_message_id, called, enter_message_ids, message_ids_are_entered, whereabouts};
pub use flags::store_flags;
pub(crate) use keywords::{joined as joined_keywords, split as split_keywords};
pub use read::{contents, count_from, envelope, first_unseen, messages, scan, scan_contents, uids};
pub(crate) use remove::clear;
pub(crate) use remove::remove;
#[cfg(test)]
pub(crate) use remove::{MARKED, MARKED_BYTES};
pub use remove::{expunge, marked_bytes, remove_one, remove_uids};
pub(crate) use rows::{read as read_entry, release_content};
pub use seen::unseen_by;
pub(crate) use summary::decode as decode_summary;
pub use thread::{id_hash, thread};
pub(crate) use transfer::insert_all;
pub use transfer::{Kept, Place, copy, copy_to, move_over, move_to};

pub use crate::quota::QuotaRule;

use crate::body::{BodyRef, Staged};
use crate::{AccountId, MailboxId, MessageId, ModSeq, Timestamp, Uid, UidValidity};

/// The five system flags as bits.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Hash)]
pub struct Flags(pub u8);

impl Flags {
    /// `\Seen`
    pub const SEEN: Flags = Flags(1);
    /// `\Answered`
    pub const ANSWERED: Flags = Flags(2);
    /// `\Flagged`
    pub const FLAGGED: Flags = Flags(4);
    /// `\Deleted`
    pub const DELETED: Flags = Flags(8);
    /// `\Draft`
    pub const DRAFT: Flags = Flags(16);
    /// Are all flags of `other` set?
    pub fn contains(self, other: Flags) -> bool {
        self.0 & other.0 == other.0
    }
    /// Both sets together.
    pub fn with(self, other: Flags) -> Flags {
        Flags(self.0 | other.0)
    }
    /// This set without `other`.
    pub fn without(self, other: Flags) -> Flags {
        Flags(self.0 & !other.0)
    }
}

/// A message in a mailbox: what can be listed without touching its content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its number in the mailbox.
    pub uid: Uid,
    /// The message itself.
    pub message: MessageId,
    /// System flags.
    pub flags: Flags,
    /// Keywords, sorted, as first spelled; compared without case.
    pub keywords: Vec<String>,
    /// When flags last changed (RFC 7162).
    pub modseq: ModSeq,
    /// IMAP INTERNALDATE.
    pub internal_date: InternalDate,
    /// When it came into this mailbox (RFC 8514 SAVEDATE).
    pub saved: Timestamp,
    /// RFC822.SIZE in octets.
    pub size: u32,
}

/// IMAP INTERNALDATE: when a message came, and the zone in which whoever brought it told that (RFC 3501 §2.3.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InternalDate {
    /// The moment, kept to the second.
    pub time: Timestamp,
    /// Minutes by which the zone is ahead of UTC.
    pub zone: i16,
}

impl From<Timestamp> for InternalDate {
    fn from(time: Timestamp) -> InternalDate {
        InternalDate { time, zone: 0 }
    }
}

/// A mailbox as somebody sees it. Where its owner lets every reader have his own `\Seen`, they see their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Viewed {
    /// The mailbox.
    pub mailbox: MailboxId,
    /// The reader, if he has `\Seen` of his own; `None` sees what the owner sees.
    pub viewer: Option<AccountId>,
}

impl From<MailboxId> for Viewed {
    fn from(mailbox: MailboxId) -> Viewed {
        Viewed {
            mailbox,
            viewer: None,
        }
    }
}

/// What is known of a message's content without reading its body.
#[derive(Clone, Debug)]
pub struct Content {
    /// The message.
    pub message: MessageId,
    /// ENVELOPE, body structure, part offsets and preview, computed once at arrival.
    pub summary: message::Summary,
    /// Where the octets are.
    pub body: BodyRef,
}

/// A message to be put into a mailbox.
#[derive(Clone, Debug)]
pub struct NewEntry {
    /// Whose mailbox.
    pub account: AccountId,
    /// Which one.
    pub mailbox: MailboxId,
    /// System flags it starts with.
    pub flags: Flags,
    /// Keywords it starts with.
    pub keywords: Vec<String>,
    /// IMAP INTERNALDATE.
    pub internal_date: InternalDate,
    /// Its octets.
    pub body: Staged,
    /// What [`message::Scanner`] found in them.
    pub summary: message::Summary,
    /// Whether and how far the quota holds.
    pub quota: QuotaRule,
}

/// How flags change.
#[derive(Clone, Debug)]
pub enum FlagChange {
    /// Exactly these.
    Replace(Flags, Vec<String>),
    /// These too.
    Add(Flags, Vec<String>),
    /// Without these.
    Remove(Flags, Vec<String>),
    /// Exactly these among those of `mask`; others stay. Keywords are left alone where there are none given.
    Within {
        /// The system flags that may change.
        mask: Flags,
        /// What they become.
        flags: Flags,
        /// What the keywords become.
        keywords: Option<Vec<String>>,
    },
}

/// What STORE did.
#[derive(Clone, Debug, Default)]
pub struct StoreResult {
    /// The entries as they are now (those that exist and were not held back).
    pub entries: Vec<Entry>,
    /// The MODSEQ that each of them had before, in the same order.
    pub before: Vec<ModSeq>,
    /// UIDs left alone because their MODSEQ is above UNCHANGEDSINCE.
    pub modified: Vec<Uid>,
    /// The MODSEQ of what was changed, where all of it is seen by every viewer.
    pub modseq: Option<ModSeq>,
}

/// What COPY or MOVE did: source and target UIDs, pairwise (RFC 4315 COPYUID).
#[derive(Clone, Debug)]
pub struct Copied {
    /// The target's UIDVALIDITY.
    pub uid_validity: UidValidity,
    /// (source, target), in source order.
    pub uids: Vec<(Uid, Uid)>,
}

/// What happened in a mailbox after a known MODSEQ.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// UIDs that were expunged, ascending.
    pub vanished: Vec<Uid>,
    /// Entries that are new or whose flags changed, by UID. Those new to the caller have UIDs at or above the UIDNEXT it knew.
    pub changed: Vec<Entry>,
    /// The MODSEQ that this picture is of.
    pub modseq: ModSeq,
    /// The mailbox does not exist any more.
    pub gone: bool,
}

/// Where in a mailbox something happened after a known MODSEQ.
#[derive(Clone, Debug, Default)]
pub struct Traces {
    /// UIDs among which are all entries that were added or whose flags changed, ascending. Some may be gone again, and where the change
    /// log does not reach back that far, these are all UIDs: the MODSEQ of the entries decides.
    pub touched: Vec<std::ops::RangeInclusive<u32>>,
    /// UIDs that were expunged, ascending.
    pub vanished: Vec<std::ops::RangeInclusive<u32>>,
}
