//! Mailboxes: names, counters, subscriptions.

mod name;

pub(crate) use name::canonical;
pub use name::{INBOX, SEPARATOR};

use crate::change::Record;
use crate::engine::{Row, params};
use crate::id::fresh_id;
use crate::share;
use crate::tx::Tx;
use crate::{AccountId, Error, MailboxId, ModSeq, Result, Uid, UidValidity};
use name::{checked, is_below};

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
    /// Messages from this UID on are recent (RFC 3501 §2.3.2), as far as the store knows: see [`set_recent_from`].
    pub recent_from: Uid,
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
pub fn list(tx: &mut Tx<'_>, account: AccountId) -> Result<Vec<Mailbox>> {
    tx.all(
        "SELECT m.id, m.name, m.uid_validity, m.uid_next, m.modseq, m.messages, m.unseen, m.deleted, m.bytes, m.special_use, \
         s.name, m.recent_from FROM mailbox m LEFT JOIN subscription s ON s.account = m.account AND s.name = m.name \
         WHERE m.account = $1 ORDER BY m.name",
        params![account],
        read,
    )
}

/// How many mailboxes an account has.
pub fn count(tx: &mut Tx<'_>, account: AccountId) -> Result<usize> {
    let count = tx.one(
        "SELECT COUNT(*) FROM mailbox WHERE account = $1",
        params![account],
        |row| row.number(0),
    )?;
    Ok(count.unwrap_or(0))
}

/// Names that are subscribed, whether or not a mailbox of that name exists.
pub fn subscriptions(tx: &mut Tx<'_>, account: AccountId) -> Result<Vec<String>> {
    tx.all(
        "SELECT name FROM subscription WHERE account = $1 ORDER BY name",
        params![account],
        |row| row.string(0),
    )
}

/// The mailbox of this name (`INBOX` in any case).
pub fn by_name(tx: &mut Tx<'_>, account: AccountId, name: &str) -> Result<Option<Mailbox>> {
    tx.one(
        "SELECT m.id, m.name, m.uid_validity, m.uid_next, m.modseq, m.messages, m.unseen, m.deleted, m.bytes, m.special_use, \
         s.name, m.recent_from FROM mailbox m LEFT JOIN subscription s ON s.account = m.account AND s.name = m.name \
         WHERE m.account = $1 AND m.name = $2",
        params![account, &canonical(name)],
        read,
    )
}

/// The mailbox with this id.
pub fn by_id(tx: &mut Tx<'_>, account: AccountId, id: MailboxId) -> Result<Option<Mailbox>> {
    tx.one(
        "SELECT m.id, m.name, m.uid_validity, m.uid_next, m.modseq, m.messages, m.unseen, m.deleted, m.bytes, m.special_use, \
         s.name, m.recent_from FROM mailbox m LEFT JOIN subscription s ON s.account = m.account AND s.name = m.name \
         WHERE m.account = $1 AND m.id = $2",
        params![account, id],
        read,
    )
}

/// The mailbox with this special use.
pub fn by_special_use(
    tx: &mut Tx<'_>,
    account: AccountId,
    special: SpecialUse,
) -> Result<Option<Mailbox>> {
    tx.one(
        "SELECT m.id, m.name, m.uid_validity, m.uid_next, m.modseq, m.messages, m.unseen, m.deleted, m.bytes, m.special_use, \
         s.name, m.recent_from FROM mailbox m LEFT JOIN subscription s ON s.account = m.account AND s.name = m.name \
         WHERE m.account = $1 AND m.special_use = $2",
        params![account, special.number()],
        read,
    )
}

fn read(row: &Row<'_>) -> Result<Mailbox> {
    Ok(Mailbox {
        id: MailboxId::from_u128(row.id(0)?),
        name: row.string(1)?,
        uid_validity: UidValidity(row.number(2)?),
        uid_next: Uid(row.number(3)?),
        modseq: ModSeq(row.number(4)?),
        messages: row.number(5)?,
        unseen: row.number(6)?,
        deleted: row.number(7)?,
        bytes: row.number(8)?,
        special_use: row.opt_int(9)?.map(SpecialUse::from_number).transpose()?,
        subscribed: row.opt_text(10)?.is_some(),
        recent_from: Uid(row.number(11)?),
    })
}

/// Sessions were told of the messages below `from`. The mark only grows. It is no change of the mailbox: nobody else is told of it.
pub fn set_recent_from(
    tx: &mut Tx<'_>,
    account: AccountId,
    mailbox: MailboxId,
    from: Uid,
) -> Result<()> {
    tx.execute(
        "UPDATE mailbox SET recent_from = $3 WHERE account = $1 AND id = $2 AND recent_from < $3",
        params![account, mailbox, from],
    )?;
    Ok(())
}

impl SpecialUse {
    const ALL: [SpecialUse; 7] = [
        SpecialUse::All,
        SpecialUse::Archive,
        SpecialUse::Drafts,
        SpecialUse::Flagged,
        SpecialUse::Junk,
        SpecialUse::Sent,
        SpecialUse::Trash,
    ];

    /// Its number in the database: its place in [`SpecialUse::ALL`].
    pub(crate) fn number(self) -> i64 {
        self as i64
    }

    pub(crate) fn from_number(number: i64) -> Result<SpecialUse> {
        let known = usize::try_from(number)
            .ok()
            .and_then(|n| SpecialUse::ALL.get(n));
        known.copied().ok_or_else(|| {
            Error::Corrupt(format!("a mailbox has the unknown special use {number}"))
        })
    }
}

/// Makes a mailbox and its missing superiors (RFC 3501 §6.3.3).
///
/// [`Error::Exists`] if there is one of this name, [`Error::Refused`] if the name is not allowed or the special use is taken.
pub fn create(
    tx: &mut Tx<'_>,
    account: AccountId,
    name: &str,
    special: Option<SpecialUse>,
) -> Result<MailboxId> {
    let name = checked(name)?;
    let modseq = tx.next_modseq(account)?;
    if let Some(special) = special
        && let Some(holder) = by_special_use(tx, account, special)?
    {
        return Err(Error::Refused(format!(
            "{} is the mailbox for {special:?} already",
            holder.name
        )));
    }
    if by_name(tx, account, &name)?.is_some() {
        return Err(Error::Exists(format!("mailbox {name}")));
    }
    create_superiors(tx, account, &name, modseq)?;
    insert(tx, account, &name, special, modseq)
}

fn create_superiors(tx: &mut Tx<'_>, account: AccountId, name: &str, modseq: ModSeq) -> Result<()> {
    for superior in name::superiors(name) {
        if by_name(tx, account, superior)?.is_none() {
            insert(tx, account, superior, None, modseq)?;
        }
    }
    Ok(())
}

fn insert(
    tx: &mut Tx<'_>,
    account: AccountId,
    name: &str,
    special: Option<SpecialUse>,
    modseq: ModSeq,
) -> Result<MailboxId> {
    let id = MailboxId::from_u128(fresh_id()?);
    let uid_validity = next_uid_validity(tx, account)?;
    tx.execute(
        "INSERT INTO mailbox (account, id, name, uid_validity, uid_next, modseq, messages, unseen, deleted, bytes, special_use) \
         VALUES ($1, $2, $3, $4, 1, $5, 0, 0, 0, 0, $6)",
        params![account, id, name, uid_validity, modseq, special.map(SpecialUse::number)],
    )?;
    if let Some((above, _)) = name.rsplit_once(SEPARATOR)
        && let Some(above) = by_name(tx, account, above)?
    {
        share::inherit(tx, account, above.id, id)?;
    }
    let name = name.to_owned();
    tx.record(account, Some(id), Record::Created { name });
    Ok(id)
}

/// UIDVALIDITYs of an account only grow, so that a mailbox made anew is never taken for one of the same name that was deleted.
fn next_uid_validity(tx: &mut Tx<'_>, account: AccountId) -> Result<UidValidity> {
    let next = tx.one(
        "UPDATE account SET uid_validity = uid_validity + 1 WHERE id = $1 RETURNING uid_validity",
        params![account],
        |row| row.number(0),
    )?;
    next.map(UidValidity)
        .ok_or_else(|| Error::Missing(format!("account {account}")))
}

/// Renames a mailbox and everything below it; renaming INBOX moves its messages into a new mailbox (RFC 3501 §6.3.5).
/// Subscriptions are left as they are.
pub fn rename(tx: &mut Tx<'_>, account: AccountId, from: &str, to: &str) -> Result<()> {
    let (from, to) = (canonical(from), checked(to)?);
    let modseq = tx.next_modseq(account)?;
    let mailbox =
        by_name(tx, account, &from)?.ok_or_else(|| Error::Missing(format!("mailbox {from}")))?;
    if by_name(tx, account, &to)?.is_some() {
        return Err(Error::Exists(format!("mailbox {to}")));
    }
    if from == INBOX {
        let target = create(tx, account, &to, None)?;
        crate::entry::move_to(tx, account, mailbox.id, &[1..=u32::MAX], target)?;
        return Ok(());
    }
    if is_below(&to, &from) {
        return Err(Error::Refused(format!(
            "mailbox {from} cannot become {to}, which is below it"
        )));
    }
    create_superiors(tx, account, &to, modseq)?;
    for below in list(tx, account)? {
        let new_name = match below.name.strip_prefix(&from) {
            Some("") => to.clone(),
            Some(rest) if rest.starts_with(SEPARATOR) => checked(&format!("{to}{rest}"))?,
            _ => continue,
        };
        rename_one(tx, account, below, new_name, modseq)?;
    }
    Ok(())
}

fn rename_one(
    tx: &mut Tx<'_>,
    account: AccountId,
    mailbox: Mailbox,
    to: String,
    modseq: ModSeq,
) -> Result<()> {
    if by_name(tx, account, &to)?.is_some() {
        return Err(Error::Exists(format!("mailbox {to}")));
    }
    tx.execute(
        "UPDATE mailbox SET name = $3, modseq = $4 WHERE account = $1 AND id = $2",
        params![account, mailbox.id, &to, modseq],
    )?;
    let from = mailbox.name;
    tx.record(account, Some(mailbox.id), Record::Renamed { from, to });
    Ok(())
}

/// Deletes a mailbox with its messages; its children stay. INBOX is refused.
pub fn delete(tx: &mut Tx<'_>, account: AccountId, name: &str) -> Result<()> {
    let name = canonical(name);
    if name == INBOX {
        return Err(Error::Refused("INBOX cannot be deleted".into()));
    }
    tx.next_modseq(account)?;
    let mailbox =
        by_name(tx, account, &name)?.ok_or_else(|| Error::Missing(format!("mailbox {name}")))?;
    crate::entry::clear(tx, account, mailbox.id)?;
    crate::removed::keep_name(tx, account, &mailbox)?;
    tx.execute(
        "DELETE FROM mailbox WHERE account = $1 AND id = $2",
        params![account, mailbox.id],
    )?;
    share::forget_mailbox(tx, account, mailbox.id)?;
    tx.record(account, Some(mailbox.id), Record::Deleted { name });
    Ok(())
}

/// Subscribes or unsubscribes a name, whether or not a mailbox has it.
pub fn subscribe(tx: &mut Tx<'_>, account: AccountId, name: &str, on: bool) -> Result<()> {
    let name = if on { checked(name)? } else { canonical(name) };
    tx.next_modseq(account)?;
    let changed = if on {
        tx.execute(
            "INSERT INTO subscription (account, name) VALUES ($1, $2) ON CONFLICT DO NOTHING",
            params![account, &name],
        )?
    } else {
        tx.execute(
            "DELETE FROM subscription WHERE account = $1 AND name = $2",
            params![account, &name],
        )?
    };
    if changed > 0 {
        tx.record(account, None, Record::Subscribed { name, on });
    }
    Ok(())
}

/// Gives a mailbox a special use, or takes it away (RFC 6154 §4). [`Error::Refused`] if another has that use.
pub fn set_special_use(
    tx: &mut Tx<'_>,
    account: AccountId,
    mailbox: MailboxId,
    special: Option<SpecialUse>,
) -> Result<()> {
    if let Some(special) = special
        && let Some(holder) = by_special_use(tx, account, special)?
        && holder.id != mailbox
    {
        return Err(Error::Refused(format!(
            "{} is the mailbox for {special:?} already",
            holder.name
        )));
    }
    tx.known_modseq(account)?;
    tx.execute(
        "UPDATE mailbox SET special_use = $3 WHERE account = $1 AND id = $2",
        params![account, mailbox, special.map(SpecialUse::number)],
    )?;
    let record = Record::Annotated {
        viewer: account.as_u128().to_be_bytes(),
        entry: "/private/specialuse".into(),
    };
    tx.record(account, Some(mailbox), record);
    Ok(())
}
