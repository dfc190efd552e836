//! Who is logged in at present, so that the sessions of an account can be ended: when it is locked, disabled or removed, or its password is
//! changed. Sessions wait for this as they wait for the server's end.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use store::AccountId;
use tokio_util::sync::CancellationToken;

/// All sessions that are logged in. Clones share them.
#[derive(Clone, Default)]
pub struct Sessions(Arc<Mutex<Open>>);

#[derive(Default)]
struct Open {
    next: u64,
    accounts: HashMap<AccountId, HashMap<u64, CancellationToken>>,
}

/// A session that is logged in, until this is dropped.
#[must_use = "dropping it says that the session is over"]
pub struct Present {
    sessions: Sessions,
    account: AccountId,
    number: u64,
    ends: CancellationToken,
}

impl Sessions {
    /// A session of an account begins; it ends with `shutdown` too.
    pub fn enter(&self, account: AccountId, shutdown: &CancellationToken) -> Present {
        let ends = shutdown.child_token();
        let mut open = self.open();
        open.next += 1;
        let number = open.next;
        let of_account = open.accounts.entry(account).or_default();
        of_account.insert(number, ends.clone());
        drop(open);
        Present {
            sessions: self.clone(),
            account,
            number,
            ends,
        }
    }

    /// Ends all sessions of an account. How many there were.
    pub fn end(&self, account: AccountId) -> usize {
        let ended = self.open().accounts.remove(&account).unwrap_or_default();
        ended.values().for_each(CancellationToken::cancel);
        ended.len()
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Present {
    /// Whose session it is.
    pub fn account(&self) -> AccountId {
        self.account
    }

    /// Cancelled when the session is to end.
    pub fn ends(&self) -> CancellationToken {
        self.ends.clone()
    }
}

impl Drop for Present {
    fn drop(&mut self) {
        let mut open = self.sessions.open();
        if let Some(of_account) = open.accounts.get_mut(&self.account) {
            of_account.remove(&self.number);
            if of_account.is_empty() {
                open.accounts.remove(&self.account);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_of_an_account_end_together() {
        let (sessions, shutdown) = (Sessions::default(), CancellationToken::new());
        let (alice, bob) = (AccountId::from_u128(1), AccountId::from_u128(2));
        let first = sessions.enter(alice, &shutdown);
        let second = sessions.enter(alice, &shutdown);
        let other = sessions.enter(bob, &shutdown);
        drop(second);
        assert_eq!(sessions.end(alice), 1);
        assert!(first.ends().is_cancelled() && !other.ends().is_cancelled());
        assert_eq!(sessions.end(alice), 0);
        drop((first, other));
        assert!(sessions.open().accounts.is_empty());
    }
}
