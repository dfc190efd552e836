//! Quotas: what an account may hold, where it may hold more, and where room is made for arriving mail (catalogue P1–P4, P8).
//!
//! Octets count uncompressed, and a message counts once for each mailbox it is in, so that the use of an account follows from its
//! mailboxes alone, whatever the machine, the compression and the encryption are (P12, P13). The settings are not known here: they come
//! as a [`Policy`].

mod recount;
mod room;

pub use recount::{Recount, recount};
pub(crate) use room::charge;
pub use room::{Room, room};

use crate::entry::Everywhere;
use crate::tx::Charged;
use crate::{AccountId, Error, Result};
use std::fmt;
use std::sync::Arc;

/// Per cent of the limit by which one delivery may cross it (P4).
pub const GRACE: u8 = 10;
/// Per cent of the limit by which letters of the server itself may be beyond it.
const NOTICE_GRACE: u64 = 255;

/// What an account may hold; `None`: any number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Octets.
    pub bytes: Option<u64>,
    /// Messages.
    pub messages: Option<u64>,
}

impl Limits {
    /// These limits, and those of `default` where there are none.
    pub fn or(self, default: Limits) -> Limits {
        Limits {
            bytes: self.bytes.or(default.bytes),
            messages: self.messages.or(default.messages),
        }
    }
}

/// What an account holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Used {
    /// Octets.
    pub bytes: u64,
    /// Messages.
    pub messages: u64,
}

/// What a transaction made of the use of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// The account.
    pub account: AccountId,
    /// What it holds now.
    pub used: Used,
    /// Its own limits.
    pub limits: Limits,
    /// How full it was when its owner was last told (see [`crate::account::Account::quota_level`]).
    pub level: u8,
    /// Messages that went to make room.
    pub made_room: u64,
}

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resource {
    /// Octets.
    Bytes,
    /// Messages.
    Messages,
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Resource::Bytes => "bytes",
            Resource::Messages => "messages",
        })
    }
}

/// What the settings say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// For accounts without limits of their own.
    pub limits: Limits,
    /// Mailboxes into which messages come even if the account is over its limit by so many octets, and so many more (P3).
    pub extra: Vec<(Everywhere, u64)>,
    /// Mailboxes whose oldest messages go if a delivery does not fit, the first mailbox first (P8).
    pub make_room: Vec<Everywhere>,
}

/// How quotas are applied to one addition.
#[derive(Clone, Debug)]
pub struct QuotaRule {
    /// What the settings say; `None`: nothing but the account's own limits.
    pub policy: Option<Arc<Policy>>,
    /// Why something is added.
    pub occasion: Occasion,
}

/// Why something is added to an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Occasion {
    /// Mail arrives: the last one may cross the limit a little (P4), and room may be made for it (P8).
    Delivery,
    /// Its user puts it there: APPEND, COPY.
    User,
    /// The server has something to tell: far beyond the limit.
    Notice,
}

impl Occasion {
    /// How a limit of octets is applied.
    fn of_bytes(self, limit: u64) -> Limit {
        match self {
            Occasion::Delivery => Limit::new(limit, GRACE),
            Occasion::User => Limit::new(limit, 0),
            // Who is over the limit must be told so.
            Occasion::Notice => Limit::new(limit.saturating_add(limit / 100 * NOTICE_GRACE), 0),
        }
    }

    /// How a limit of messages is applied. The grace of a delivery is one of size: it is one message, whatever its size is.
    fn of_messages(self, limit: u64) -> Limit {
        match self {
            Occasion::Delivery | Occasion::User => Limit::new(limit, 0),
            Occasion::Notice => Limit::new(limit.saturating_add(limit / 2).saturating_add(10), 0),
        }
    }
}

impl QuotaRule {
    /// Only the account's own limits hold, and what is added is the server's own.
    pub const NOTICE: QuotaRule = QuotaRule {
        policy: None,
        occasion: Occasion::Notice,
    };

    /// The limits that hold for an account with these of its own.
    pub fn limits(&self, own: Limits) -> Limits {
        let default = self.policy.as_ref().map(|policy| policy.limits);
        own.or(default.unwrap_or_default())
    }

    /// [`Error::OverQuota`] if an account that was just charged with `added` holds too much, where its limit is higher by `extra` octets.
    pub(crate) fn check(&self, charged: &Charged, added: Used, extra: u64) -> Result<()> {
        let limits = self.limits(charged.limits);
        if let Some(bytes) = limits.bytes {
            let limit = self.occasion.of_bytes(bytes.saturating_add(extra));
            limit.check(Resource::Bytes, charged.used.bytes, added.bytes)?;
        }
        if let Some(messages) = limits.messages {
            let limit = self.occasion.of_messages(messages);
            limit.check(Resource::Messages, charged.used.messages, added.messages)?;
        }
        Ok(())
    }
}

/// A limit, and how far one addition may cross it.
#[derive(Clone, Copy)]
struct Limit {
    limit: u64,
    highest: u64,
}

impl Limit {
    fn new(limit: u64, grace: u8) -> Limit {
        let grace = u64::from(grace);
        let over = limit / 100 * grace + limit % 100 * grace / 100;
        Limit {
            limit,
            highest: limit.saturating_add(over),
        }
    }

    /// The limit may be crossed by the grace, but only once: who is at the limit already gets nothing more (P4).
    fn check(self, resource: Resource, used: u64, added: u64) -> Result<()> {
        match self.excess(used, added) {
            0 => Ok(()),
            _ => Err(Error::OverQuota {
                resource,
                limit: self.limit,
                used: used.saturating_sub(added),
            }),
        }
    }

    /// How much must go before `used`, with `added` among it, is allowed.
    fn excess(self, used: u64, added: u64) -> u64 {
        let before = used.saturating_sub(added);
        let to_the_limit = used.saturating_sub(self.limit);
        let to_be_below = (before + 1).saturating_sub(self.limit);
        let to_the_grace = used.saturating_sub(self.highest);
        to_the_limit.min(to_be_below.max(to_the_grace))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(limit: u64, grace: u8, before: u64, added: u64) -> bool {
        let limit = Limit::new(limit, grace);
        limit
            .check(Resource::Bytes, before.saturating_add(added), added)
            .is_ok()
    }

    /// P4
    #[test]
    fn p04_one_message_may_cross_the_limit_by_the_grace() {
        let deliver = |before, added| fits(1000, GRACE, before, added);
        assert!(deliver(0, 1000) && deliver(999, 101) && deliver(990, 10));
        assert!(!deliver(999, 102) && !deliver(1000, 1) && !deliver(1050, 1));
        let append = |before, added| fits(1000, 0, before, added);
        assert!(append(990, 10) && !append(991, 10));
        let over = Limit::new(1000, 0).check(Resource::Bytes, 1001, 10);
        let error = Error::OverQuota {
            resource: Resource::Bytes,
            limit: 1000,
            used: 991,
        };
        assert_eq!(over, Err(error));
        assert!(fits(u64::MAX, GRACE, u64::MAX - 1, 1));
    }

    /// P8: as little goes as is needed, and the grace holds for it too.
    #[test]
    fn p08_the_excess_is_what_must_go() {
        let excess =
            |before: u64, added: u64| Limit::new(1000, GRACE).excess(before + added, added);
        assert_eq!(excess(900, 100), 0);
        assert_eq!(excess(999, 101), 0);
        assert_eq!(excess(1000, 50), 1);
        assert_eq!(excess(999, 201), 100);
        assert_eq!(excess(1080, 20), 81);
    }
}
