//! Entries: messages in mailboxes, with their UIDs, flags and dates.

use crate::body::{BodyRef, Staged};
use crate::{AccountId, MailboxId, MessageId, ModSeq, Result, Timestamp, Tx, Uid, UidValidity};
use std::ops::RangeInclusive;

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
#[derive(Clone, Debug)]
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
    pub internal_date: Timestamp,
    /// When it came into this mailbox (RFC 8514 SAVEDATE).
    pub saved: Timestamp,
    /// RFC822.SIZE in octets.
    pub size: u32,
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
    pub internal_date: Timestamp,
    /// Its octets.
    pub body: Staged,
    /// What [`message::Scanner`] found in them.
    pub summary: message::Summary,
    /// Whether and how far the quota holds.
    pub quota: QuotaRule,
}

/// How a quota is applied to one addition.
#[derive(Clone, Copy, Debug)]
pub struct QuotaRule {
    /// Bytes the account may hold if it has no limit of its own; `None`: unlimited.
    pub default_limit: Option<u64>,
    /// Per cent of the limit by which one message may cross it (catalogue P4: 10 for deliveries, 0 for APPEND and COPY).
    pub grace: u8,
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
}

/// What STORE did.
#[derive(Clone, Debug, Default)]
pub struct StoreResult {
    /// The entries as they are now (those that exist and were not held back).
    pub entries: Vec<Entry>,
    /// UIDs left alone because their MODSEQ is above UNCHANGEDSINCE.
    pub modified: Vec<Uid>,
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

/// Puts a message into a mailbox; [`crate::Error::OverQuota`] if it does not fit, [`crate::Error::Missing`] if the mailbox is gone.
/// Several calls with the same [`Staged`] in one transaction share the body.
pub fn add(_tx: &mut Tx<'_>, _new: &NewEntry) -> Result<(Uid, UidValidity, MessageId)> {
    todo!()
}
/// All UIDs of the mailbox as ascending ranges of consecutive numbers.
pub fn uids(
    _tx: &mut Tx<'_>,
    _account: AccountId,
    _mailbox: MailboxId,
) -> Result<Vec<RangeInclusive<u32>>> {
    todo!()
}
/// The lowest UID without `\Seen`.
pub fn first_unseen(
    _tx: &mut Tx<'_>,
    _account: AccountId,
    _mailbox: MailboxId,
) -> Result<Option<Uid>> {
    todo!()
}
/// Entries with a UID in `uids` (ascending, not overlapping) and, if given, a MODSEQ above `since`; ascending, at most `limit`.
pub fn scan(
    _tx: &mut Tx<'_>,
    _account: AccountId,
    _mailbox: MailboxId,
    _uids: &[RangeInclusive<u32>],
    _since: Option<ModSeq>,
    _limit: usize,
) -> Result<Vec<Entry>> {
    todo!()
}
/// The contents of these messages, in any order; those that are gone are left out.
pub fn contents(
    _tx: &mut Tx<'_>,
    _account: AccountId,
    _messages: &[MessageId],
) -> Result<Vec<Content>> {
    todo!()
}
/// Entries together with their contents: [`scan`] joined with [`contents`], for FETCH ENVELOPE and BODYSTRUCTURE.
pub fn scan_contents(
    _tx: &mut Tx<'_>,
    _account: AccountId,
    _mailbox: MailboxId,
    _uids: &[RangeInclusive<u32>],
    _since: Option<ModSeq>,
    _limit: usize,
) -> Result<Vec<(Entry, Content)>> {
    todo!()
}
/// Changes flags (IMAP STORE) under one new MODSEQ; entries whose flags stay the same keep theirs.
pub fn store_flags(
    _tx: &mut Tx<'_>,
    _account: AccountId,
    _mailbox: MailboxId,
    _uids: &[RangeInclusive<u32>],
    _change: &FlagChange,
    _unchanged_since: Option<ModSeq>,
) -> Result<StoreResult> {
    todo!()
}
/// Copies entries with flags and dates into another mailbox of the account, bodies untouched.
pub fn copy(
    _tx: &mut Tx<'_>,
    _account: AccountId,
    _from: MailboxId,
    _uids: &[RangeInclusive<u32>],
    _to: MailboxId,
    _quota: QuotaRule,
) -> Result<Copied> {
    todo!()
}
/// Moves entries (RFC 6851). Needs no quota.
pub fn move_to(
    _tx: &mut Tx<'_>,
    _account: AccountId,
    _from: MailboxId,
    _uids: &[RangeInclusive<u32>],
    _to: MailboxId,
) -> Result<Copied> {
    todo!()
}
/// Removes the entries with `\Deleted` among `uids`; returns their UIDs, ascending.
pub fn expunge(
    _tx: &mut Tx<'_>,
    _account: AccountId,
    _mailbox: MailboxId,
    _uids: &[RangeInclusive<u32>],
) -> Result<Vec<Uid>> {
    todo!()
}
/// What happened in the mailbox after `since`.
pub fn changes(
    _tx: &mut Tx<'_>,
    _account: AccountId,
    _mailbox: MailboxId,
    _since: ModSeq,
) -> Result<Changes> {
    todo!()
}
