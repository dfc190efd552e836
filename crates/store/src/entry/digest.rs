//! Digests: what was worked out of many messages, packed into one row for each 256 UIDs, so that who looks at all messages of a mailbox
//! reads a few rows and not one of each message.
//!
//! Messages do not change, so a digest is never wrong, but it may lack the newest messages of its block. It is a convenience that may be
//! missing at any time: whoever reads it can make it, and is to. What went from the mailbox is in no digest any more.

use super::{Facts, facts};
use crate::engine::params;
use crate::tx::Tx;
use crate::{AccountId, MailboxId, Result, Uid};
use std::ops::RangeInclusive;

/// UIDs of one block: block `n` has those from `n * BLOCK` on.
pub const BLOCK: u32 = 256;

/// What is kept of one block for one purpose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Digest {
    /// Which block.
    pub block: u32,
    /// What for: a number of the caller's, who takes another one when he changes the form of the octets.
    pub kind: u8,
    /// The block's messages up to this UID are in it.
    pub through: Uid,
    /// The caller's octets.
    pub octets: Vec<u8>,
}

/// The block of a UID.
pub fn block_of(uid: u32) -> u32 {
    uid / BLOCK
}

/// The UIDs of a block.
pub fn uids_of(block: u32) -> RangeInclusive<u32> {
    let first = block.saturating_mul(BLOCK);
    first..=first.saturating_add(BLOCK - 1)
}

/// The digests of these blocks, as far as there are any, ascending.
pub fn digests(
    tx: &mut Tx<'_>,
    (account, mailbox): (AccountId, MailboxId),
    kind: u8,
    blocks: RangeInclusive<u32>,
) -> Result<Vec<Digest>> {
    let stored = tx.all(
        "SELECT block, through, data FROM digest WHERE account = $1 AND mailbox = $2 AND block BETWEEN $3 AND $4 AND kind = $5 \
         ORDER BY block",
        params![account, mailbox, *blocks.start(), *blocks.end(), kind],
        |row| Ok((row.number(0)?, Uid(row.number(1)?), row.blob(2)?.to_vec())),
    )?;
    let mut digests = Vec::with_capacity(stored.len());
    for (block, through, sealed) in stored {
        let place = place(account, mailbox, block, kind);
        let octets = tx.context.vault.open(&place, &sealed)?;
        digests.push(Digest {
            block,
            kind,
            through,
            octets,
        });
    }
    Ok(digests)
}

/// Keeps digests that were made of `messages` messages each. One that a message has left meanwhile is not kept.
pub fn keep_digests(
    tx: &mut Tx<'_>,
    (account, mailbox): (AccountId, MailboxId),
    digests: &[(Digest, usize)],
) -> Result<()> {
    tx.lock_account(account)?;
    for (digest, messages) in digests {
        let (first, through) = (*uids_of(digest.block).start(), digest.through);
        let there = tx.one(
            "SELECT COUNT(*) FROM entry WHERE account = $1 AND mailbox = $2 AND uid BETWEEN $3 AND $4",
            params![account, mailbox, first, through],
            |row| row.number::<usize>(0),
        )?;
        if there != Some(*messages) {
            continue;
        }
        let place = place(account, mailbox, digest.block, digest.kind);
        let sealed = tx.context.vault.seal(&place, &digest.octets)?;
        tx.execute(
            "INSERT INTO digest (account, mailbox, block, kind, through, data) VALUES ($1, $2, $3, $4, $5, $6) \
             ON CONFLICT (account, mailbox, block, kind) DO UPDATE SET through = excluded.through, data = excluded.data",
            params![account, mailbox, digest.block, digest.kind, through, &sealed],
        )?;
    }
    Ok(())
}

/// What digests are made of: the facts of the messages with these UIDs, ascending.
pub fn each_fact(
    tx: &mut Tx<'_>,
    place: (AccountId, MailboxId),
    uids: RangeInclusive<u32>,
    each: &mut dyn FnMut(Facts<'_>),
) -> Result<()> {
    facts::each(tx, place, uids, each)
}

/// Messages with these UIDs go.
pub(super) fn forget(
    tx: &mut Tx<'_>,
    (account, mailbox): (AccountId, MailboxId),
    uids: impl IntoIterator<Item = Uid>,
) -> Result<()> {
    let blocks = uids.into_iter().map(|uid| block_of(uid.0));
    let mut ranges: Vec<RangeInclusive<u32>> = Vec::new();
    for block in blocks {
        match ranges.last_mut() {
            Some(last) if last.contains(&block) => {}
            Some(last) if last.end() + 1 == block => *last = *last.start()..=block,
            _ => ranges.push(block..=block),
        }
    }
    for blocks in ranges {
        tx.execute(
            "DELETE FROM digest WHERE account = $1 AND mailbox = $2 AND block BETWEEN $3 AND $4",
            params![account, mailbox, *blocks.start(), *blocks.end()],
        )?;
    }
    Ok(())
}

fn place(account: AccountId, mailbox: MailboxId, block: u32, kind: u8) -> [u8; 37] {
    let mut place = [0; 37];
    place[..16].copy_from_slice(&account.as_u128().to_be_bytes());
    place[16..32].copy_from_slice(&mailbox.as_u128().to_be_bytes());
    place[32..36].copy_from_slice(&block.to_be_bytes());
    place[36] = kind;
    place
}
