//! Which accounts' own models are in memory: those that were asked last.

use super::shelf::Shelf;
use std::collections::HashSet;
use std::sync::Arc;
use store::AccountId;

/// Models in memory, of 2 MB each.
const ROOM: usize = 8;
/// Accounts without a model of which that is remembered.
const MAX_YOUNG: usize = 10_000;
/// Accounts whose model is fetched at once.
const MAX_MISSED: usize = 32;

/// The models.
#[derive(Default)]
pub(super) struct Own {
    /// The one asked last is the last.
    present: Vec<(AccountId, Arc<Shelf>)>,
    /// They have taught too little to have one.
    young: HashSet<AccountId>,
    /// They were asked for and not here.
    missed: HashSet<AccountId>,
}

impl Own {
    /// The model of this account, if it is here.
    pub(super) fn find(&mut self, account: AccountId) -> Option<Arc<Shelf>> {
        let Some(place) = self.present.iter().position(|(whose, _)| *whose == account) else {
            if !self.young.contains(&account) && self.missed.len() < MAX_MISSED {
                self.missed.insert(account);
            }
            return None;
        };
        let found = self.present.remove(place);
        let shelf = found.1.clone();
        self.present.push(found);
        Some(shelf)
    }

    /// Is its model to be fetched?
    pub(super) fn is_missed(&self, account: AccountId) -> bool {
        self.missed.contains(&account)
    }

    pub(super) fn put(&mut self, account: AccountId, shelf: Arc<Shelf>) {
        self.present.retain(|(whose, _)| *whose != account);
        if self.present.len() >= ROOM {
            self.present.remove(0);
        }
        self.present.push((account, shelf));
    }

    pub(super) fn present(&self) -> Vec<Arc<Shelf>> {
        self.present
            .iter()
            .map(|(_, shelf)| shelf.clone())
            .collect()
    }

    pub(super) fn take_missed(&mut self) -> Vec<AccountId> {
        self.missed.drain().collect()
    }

    pub(super) fn is_young(&mut self, account: AccountId) {
        if self.young.len() >= MAX_YOUNG {
            self.young.clear();
        }
        self.young.insert(account);
    }

    pub(super) fn has_learned(&mut self, account: AccountId) {
        self.young.remove(&account);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use spam::classifier::Size;
    use store::lesson::Scope;

    #[test]
    fn those_asked_last_stay() {
        let id = |n: usize| AccountId::from_u128(n as u128);
        let mut own = Own::default();
        for n in 0..=ROOM {
            assert!(own.find(id(n)).is_none());
            own.put(
                id(n),
                Arc::new(Shelf::new(Scope::Account(id(n)), Size::Account)),
            );
            assert!(own.find(id(1)).is_some() || n == 0);
        }
        assert!(
            own.find(id(0)).is_none(),
            "it was not asked for the longest time"
        );
        assert!(own.find(id(1)).is_some() && own.find(id(ROOM)).is_some());
        assert_eq!(own.present().len(), ROOM);
        assert!(own.take_missed().contains(&id(0)));
        own.is_young(id(0));
        assert!(own.find(id(0)).is_none() && own.take_missed().is_empty());
        own.has_learned(id(0));
        assert!(own.find(id(0)).is_none() && own.take_missed() == [id(0)]);
    }
}
