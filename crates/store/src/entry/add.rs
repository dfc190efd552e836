//! Putting a message into a mailbox.

use super::rows::{self, Tally};
use super::{Entry, NewEntry, find, keywords, summary};
use crate::body::rows::keep;
use crate::change::added;
use crate::engine::params;
use crate::quota::{Used, charge};
use crate::tx::Tx;
use crate::{Error, MessageId, Result, Uid, UidValidity};

/// Puts a message into a mailbox; [`crate::Error::OverQuota`] if it does not fit, [`crate::Error::Missing`] if the mailbox is gone:
/// then nothing was changed, and the transaction may go on with other recipients.
/// Several calls with the same [`crate::body::Staged`] in one transaction share the body.
pub fn add(tx: &mut Tx<'_>, new: &NewEntry) -> Result<(Uid, UidValidity, MessageId)> {
    let keywords = keywords::normalised(&new.keywords)?;
    let size = u32::try_from(new.body.size())
        .map_err(|_| Error::Refused("a message has less than 4 GiB".into()))?;
    let one = Used {
        bytes: u64::from(size),
        messages: 1,
    };
    let modseq = charge(tx, (new.account, new.mailbox), one, &new.quota)?;
    let mut tally = Tally::default();
    tally.add(new.flags, size);
    let place = (new.account, new.mailbox);
    let Some((uid, validity)) = rows::count(tx, place, tally, 1, modseq)? else {
        tx.charge(new.account, -i64::from(size), -1)?;
        return Err(Error::Missing("the mailbox".into()));
    };
    let message = new.body.message();
    let entry = Entry {
        uid,
        message,
        flags: new.flags,
        keywords,
        modseq,
        internal_date: new.internal_date,
        saved: tx.now(),
        size,
    };
    rows::insert(tx, place, &entry)?;
    add_content(tx, new, size)?;
    tx.record(new.account, Some(new.mailbox), added(uid, message));
    Ok((uid, validity, message))
}

/// Stores what is known of the message, once per account, and its body, once for all.
fn add_content(tx: &mut Tx<'_>, new: &NewEntry, size: u32) -> Result<()> {
    let (account, message) = (new.account, new.body.message());
    let summary = summary::encode(tx, account, message, &new.summary)?;
    let refs = tx.one(
        "INSERT INTO content (account, message, refs, size, body, summary, message_id) VALUES ($1, $2, 1, $3, $4, $5, $6) \
         ON CONFLICT (account, message) DO UPDATE SET refs = content.refs + 1 RETURNING refs",
        params![
            account,
            message,
            size,
            new.body.hash(),
            &summary,
            find::number(&new.summary)
        ],
        |row| row.int(0),
    )?;
    if refs == Some(1) {
        keep(tx, &new.body)?;
    }
    Ok(())
}
