//! What is known of senders before their mail is read: greylist records, traps and who fell into them, bans.
//!
//! What the records mean is decided elsewhere; here they are found by key, replaced, listed in pages, and thrown away when their
//! time is over. None of it belongs to an account.

pub mod ban;
pub mod greylist;
pub mod trap;

use crate::Result;
use crate::tx::Tx;

/// Records removed because their time is over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Expired {
    /// White records.
    pub white: u64,
    /// Grey tuples that nobody repeated.
    pub grey: u64,
    /// Addresses that had written to a trap.
    pub trapped: u64,
    /// Bans.
    pub bans: u64,
}

/// Removes what is over, found by index.
pub fn expire(tx: &mut Tx<'_>) -> Result<Expired> {
    let now = tx.now().as_second();
    let mut over = |sql: &'static str| tx.execute(sql, crate::engine::params![now]);
    Ok(Expired {
        white: over("DELETE FROM white WHERE expire <= $1")?,
        grey: over("DELETE FROM grey WHERE expire <= $1")?,
        trapped: over("DELETE FROM trapped WHERE expire <= $1")?,
        bans: over("DELETE FROM ban WHERE expire > 0 AND expire <= $1")?,
    })
}
