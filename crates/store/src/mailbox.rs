//! Mailboxes: names, counters, subscriptions.

use crate::{AccountId, MailboxId, ModSeq, Result, Tx, Uid, UidValidity};

/// RFC 6154 special uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum SpecialUse {
    All,
    Archive,
    Drafts,
    Flagged,
    Junk,
    Sent,
    Trash,
}

/// A mailbox with its counters, which every transaction keeps right.
#[derive(Clone, Debug)]
pub struct Mailbox {
    /// Stays when the mailbox is renamed.
    pub id: MailboxId,
    /// Full name in UTF-8, levels separated by `/`; `INBOX` in upper case.
    pub name: String,
    /// See [`UidValidity`].
    pub uid_validity: UidValidity,
    /// The UID that the next message gets at least.
    pub uid_next: Uid,
    /// The highest MODSEQ of any change in it (RFC 7162 `HIGHESTMODSEQ`).
    pub modseq: ModSeq,
    /// Messages in it.
    pub messages: u32,
    /// Messages without `\Seen`.
    pub unseen: u32,
    /// Messages with `\Deleted`.
    pub deleted: u32,
    /// Sum of the sizes of its messages.
    pub bytes: u64,
    /// What it is for.
    pub special_use: Option<SpecialUse>,
    /// Is its name subscribed?
    pub subscribed: bool,
}

/// All mailboxes of an account, by name.
pub fn list(_tx: &mut Tx<'_>, _account: AccountId) -> Result<Vec<Mailbox>> {
    todo!()
}
/// Names that are subscribed, whether or not a mailbox of that name exists.
pub fn subscriptions(_tx: &mut Tx<'_>, _account: AccountId) -> Result<Vec<String>> {
    todo!()
}
/// The mailbox of this name (`INBOX` in any case).
pub fn by_name(_tx: &mut Tx<'_>, _account: AccountId, _name: &str) -> Result<Option<Mailbox>> {
    todo!()
}
/// The mailbox with this id.
pub fn by_id(_tx: &mut Tx<'_>, _account: AccountId, _id: MailboxId) -> Result<Option<Mailbox>> {
    todo!()
}
/// The mailbox with this special use.
pub fn by_special_use(
    _tx: &mut Tx<'_>,
    _account: AccountId,
    _special: SpecialUse,
) -> Result<Option<Mailbox>> {
    todo!()
}
/// Makes a mailbox and its missing superiors (RFC 3501 §6.3.3).
pub fn create(
    _tx: &mut Tx<'_>,
    _account: AccountId,
    _name: &str,
    _special: Option<SpecialUse>,
) -> Result<MailboxId> {
    todo!()
}
/// Renames a mailbox and everything below it; renaming INBOX moves its messages into a new mailbox (RFC 3501 §6.3.5).
pub fn rename(_tx: &mut Tx<'_>, _account: AccountId, _from: &str, _to: &str) -> Result<()> {
    todo!()
}
/// Deletes a mailbox with its messages; its children stay. INBOX is refused.
pub fn delete(_tx: &mut Tx<'_>, _account: AccountId, _name: &str) -> Result<()> {
    todo!()
}
/// Subscribes or unsubscribes a name.
pub fn subscribe(_tx: &mut Tx<'_>, _account: AccountId, _name: &str, _on: bool) -> Result<()> {
    todo!()
}
