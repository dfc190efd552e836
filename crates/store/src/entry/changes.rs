//! What happened in a mailbox since a known MODSEQ: IDLE, NOOP, CONDSTORE, QRESYNC.

use super::{Changes, Traces, Viewed, scan};
use crate::change::{self, complete_from};
use crate::tx::Tx;
use crate::{AccountId, ModSeq, Result, Uid, account, mailbox};

/// What happened in the mailbox after `since`. Costs as much as happened, not as much as the mailbox holds, as long as the change log
/// reaches back that far.
///
/// If it does not (it was pruned meanwhile), `vanished` may name UIDs that the caller was told of before.
pub fn changes(
    tx: &mut Tx<'_>,
    account: AccountId,
    mailbox: impl Into<Viewed>,
    since: ModSeq,
) -> Result<Changes> {
    let viewed = mailbox.into();
    let gone = Changes {
        gone: true,
        modseq: since,
        ..Changes::default()
    };
    let Some(owner) = account::by_id(tx, account)? else {
        return Ok(gone);
    };
    let Some(known) = mailbox::by_id(tx, account, viewed.mailbox)? else {
        return Ok(Changes {
            modseq: owner.modseq,
            ..gone
        });
    };
    let mut changes = Changes {
        modseq: owner.modseq,
        ..Changes::default()
    };
    if known.modseq <= since {
        return Ok(changes);
    }
    let traces = traces(tx, account, viewed, since)?;
    changes.vanished = traces.vanished.into_iter().flatten().map(Uid).collect();
    let touched = traces.touched;
    changes.changed = scan(tx, account, viewed, &touched, Some(since), usize::MAX)?;
    Ok(changes)
}

/// Where in the mailbox something happened after `since`, for who reads the entries piece by piece. Costs as much as happened.
pub fn traces(
    tx: &mut Tx<'_>,
    account: AccountId,
    mailbox: impl Into<Viewed>,
    since: ModSeq,
) -> Result<Traces> {
    let traces = change::traces(tx, account, mailbox.into(), since)?;
    if since < complete_from(tx, account)? {
        return Ok(Traces {
            touched: vec![1..=u32::MAX],
            ..traces
        });
    }
    Ok(traces)
}
