//! The change log: what every transaction did, in order. Replication, IDLE, indexing and learning read it.

use crate::{AccountId, MailboxId, MessageId, ModSeq, Result, Tx, Uid};

/// One change of an account.
#[derive(Clone, Debug)]
pub struct Change {
    /// Its place in the account's history.
    pub modseq: ModSeq,
    /// What happened.
    pub what: What,
}

/// What happened.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
#[allow(missing_docs)]
pub enum What {
    MessageAdded {
        mailbox: u128,
        uid: u32,
        message: u128,
    },
    FlagsChanged {
        mailbox: u128,
        uids: Vec<u32>,
    },
    Expunged {
        mailbox: u128,
        uids: Vec<u32>,
    },
    MailboxCreated {
        mailbox: u128,
        name: String,
    },
    MailboxRenamed {
        mailbox: u128,
        from: String,
        to: String,
    },
    MailboxDeleted {
        mailbox: u128,
        name: String,
    },
    Subscribed {
        name: String,
        on: bool,
    },
    AccountChanged,
}

/// The changes after `since`, oldest first, at most `limit`.
pub fn since(
    _tx: &mut Tx<'_>,
    _account: AccountId,
    _since: ModSeq,
    _limit: usize,
) -> Result<Vec<Change>> {
    let _: Option<(MailboxId, MessageId, Uid)> = None;
    todo!()
}
