//! Typed ids: mixing them does not compile.

use crate::{Error, Result};
use std::fmt;

macro_rules! id128 {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(u128);

        impl $name {
            /// The id with this number, as it is stored.
            pub const fn from_u128(id: u128) -> Self {
                Self(id)
            }
            /// The number of this id, as it is stored (16 bytes, big-endian).
            pub const fn as_u128(self) -> u128 {
                self.0
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:032x}", self.0)
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({:032x})"), self.0)
            }
        }
        impl std::str::FromStr for $name {
            type Err = std::num::ParseIntError;
            fn from_str(text: &str) -> std::result::Result<Self, Self::Err> {
                u128::from_str_radix(text, 16).map(Self)
            }
        }
    };
}

id128!(
    /// An account. 128 bits, time-ordered, so that two nodes can create one without asking each other.
    AccountId
);
id128!(
    /// A mailbox (RFC 8474 `MAILBOXID`): stays the same when the mailbox is renamed.
    MailboxId
);
id128!(
    /// A message (RFC 8474 `EMAILID`): shared by its copies in several mailboxes of an account.
    MessageId
);
id128!(
    /// A message in the outbound queue.
    QueueId
);

impl MessageId {
    /// Below the ids of all messages that come at this time or later.
    pub fn from_time(time: crate::Timestamp) -> MessageId {
        let milliseconds = u128::try_from(time.as_millisecond()).unwrap_or(0);
        MessageId(milliseconds << 80)
    }
}

/// A new id: 48 bits of milliseconds since 1970, then 80 random bits. Newer ones sort later, so tables grow at their end,
/// and two nodes never make the same.
pub(crate) fn fresh_id() -> Result<u128> {
    let mut random = [0; 16];
    getrandom::fill(&mut random[6..])
        .map_err(|e| Error::Unavailable(format!("no random numbers from the system: {e}")))?;
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let milliseconds = now.unwrap_or_default().as_millis();
    Ok(milliseconds << 80 | u128::from_be_bytes(random))
}

/// A message's number in its mailbox (RFC 3501 §2.3.1.1). Never zero, never used again.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Uid(pub u32);

/// Tells whether a mailbox's UIDs are still those a client knows (RFC 3501 §2.3.1.1).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct UidValidity(pub u32);

/// A modification sequence (RFC 7162): one counter per account, allocated by the store alone. At most 2^63 - 1.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Default)]
pub struct ModSeq(pub u64);
