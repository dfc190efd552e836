//! Putting removed messages back: into the mailbox they were in, or into one made anew under its name, with their flags and dates and under
//! new UIDs, since clients were told that the old ones are gone.

use super::{Key, count, delete};
use crate::engine::params;
use crate::entry::{self, Entry, Flags, Kept, Place, QuotaRule};
use crate::mailbox::{self, Mailbox, SpecialUse};
use crate::quota::{self, Used};
use crate::tx::Tx;
use crate::{AccountId, Error, MailboxId, Result, Uid};

/// A message that was put back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Restored {
    /// Which it was.
    pub key: Key,
    /// Where it is now.
    pub mailbox: MailboxId,
    /// Its UID there.
    pub uid: Uid,
}

/// `\Deleted` would have it removed again by the next EXPUNGE.
const KEPT: Kept = Kept {
    flags: Flags(31 & !Flags::DELETED.0),
    keywords: true,
};

/// Puts messages back, all or none. Those that are not there (any more) are passed over. [`Error::OverQuota`] if they do not fit.
pub fn restore(
    tx: &mut Tx<'_>,
    account: AccountId,
    keys: &[Key],
    quota: &QuotaRule,
) -> Result<Vec<Restored>> {
    tx.lock_account(account)?;
    let mut keys = keys.to_vec();
    keys.sort_unstable_by_key(|key| (key.mailbox, key.uid));
    let mut restored = Vec::with_capacity(keys.len());
    for group in keys.chunk_by(|a, b| a.mailbox == b.mailbox) {
        let mut entries = Vec::with_capacity(group.len());
        for key in group {
            entries.extend(take(tx, account, *key)?.map(|entry| (*key, entry)));
        }
        if !entries.is_empty() {
            restored.extend(put_back(tx, account, &entries, quota)?);
        }
    }
    Ok(restored)
}

/// Takes a row away. Its reference to the content goes on to the entry that is made of it.
fn take(tx: &mut Tx<'_>, account: AccountId, key: Key) -> Result<Option<Entry>> {
    let at = key.at.as_second();
    let entry = tx.one(
        "SELECT uid, flags, keywords, CAST(0 AS BIGINT), internal_date, saved, size, message, zone FROM removed \
         WHERE account = $1 AND at = $2 AND mailbox = $3 AND uid = $4",
        params![account, at, key.mailbox, key.uid],
        entry::read_entry,
    )?;
    if entry.is_some() {
        delete(tx, account, (at, key.mailbox, key.uid))?;
    }
    Ok(entry)
}

fn put_back(
    tx: &mut Tx<'_>,
    account: AccountId,
    taken: &[(Key, Entry)],
    quota: &QuotaRule,
) -> Result<Vec<Restored>> {
    let Some((first, _)) = taken.first() else {
        return Ok(Vec::new());
    };
    let target = target(tx, account, first.mailbox)?;
    let entries: Vec<Entry> = taken.iter().map(|(_, entry)| entry.clone()).collect();
    let used = Used {
        bytes: entries.iter().map(|entry| u64::from(entry.size)).sum(),
        messages: entries.len() as u64,
    };
    count(tx, account, -(used.bytes as i64), -(used.messages as i64))?;
    let modseq = quota::charge(tx, (account, target), used, quota)?;
    let to = Place {
        account,
        mailbox: target.into(),
    };
    let copied = entry::insert_all(tx, to, &entries, KEPT, modseq)?;
    let pairs = taken.iter().zip(copied.uids);
    Ok(pairs
        .map(|((key, _), (_, uid))| Restored {
            key: *key,
            mailbox: target,
            uid,
        })
        .collect())
}

/// The mailbox itself, whatever it is called now; else one of its name.
fn target(tx: &mut Tx<'_>, account: AccountId, id: MailboxId) -> Result<MailboxId> {
    if let Some(mailbox) = mailbox::by_id(tx, account, id)? {
        return Ok(mailbox.id);
    }
    let known = tx.one(
        "SELECT name, special_use FROM removed_mailbox WHERE account = $1 AND mailbox = $2",
        params![account, id],
        |row| Ok((row.string(0)?, row.opt_int(1)?)),
    )?;
    let unknown =
        || Error::Corrupt("nobody knows what the mailbox of a removed message was called".into());
    let (name, special) = known.ok_or_else(unknown)?;
    if let Some(mailbox) = mailbox::by_name(tx, account, &name)? {
        return Ok(mailbox.id);
    }
    let mut special = special.map(SpecialUse::from_number).transpose()?;
    if let Some(wanted) = special {
        let holder: Option<Mailbox> = mailbox::by_special_use(tx, account, wanted)?;
        special = holder.is_none().then_some(wanted);
    }
    let made = mailbox::create(tx, account, &name, special)?;
    mailbox::subscribe(tx, account, &name, true)?;
    Ok(made)
}
