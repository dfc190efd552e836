//! What a client asked to be told of, and how far it has been told.

use crate::listen::imap::connection::Connection;
use crate::listen::imap::failure::Failure;
use crate::listen::imap::groups::{Candidate, holds};
use crate::listen::imap::list;
use crate::listen::imap::locate::is_reserved;
use crate::listen::imap::names::{Names, Node};
use crate::listen::imap::state::Account;
use ::store::{AccountId, MailboxId, ModSeq, Store, account};
use imap::MailboxName;
use imap::fetch::Item;
use imap::notify::{Event, Group, Mailboxes};
use std::collections::{BTreeMap, BTreeSet};
use std::future::{pending, poll_fn};
use std::pin::Pin;
use std::task::Poll;
use tokio::sync::watch;

/// What a client asked to be told of.
pub(in crate::listen::imap) struct Registered {
    pub(super) groups: Vec<Group>,
    /// NOTIFY NONE: not even of the selected mailbox.
    nothing: bool,
    /// Whose change logs are read; one's own is the first.
    pub(super) sources: Vec<Source>,
    /// Who may use whose mailboxes; `None`: no group is about those of others.
    pub(super) access: Option<Access>,
    /// The mailboxes of others that may be looked up, and their names.
    pub(super) shared: BTreeMap<(AccountId, MailboxId), String>,
}

/// An account whose mailboxes are watched.
pub(super) struct Source {
    pub(super) account: AccountId,
    pub(super) watch: watch::Receiver<ModSeq>,
    /// The client knows what happened up to here.
    pub(super) told: ModSeq,
}

/// Who may use whose mailboxes.
pub(super) struct Access {
    pub(super) watch: watch::Receiver<u64>,
    /// The client knows what was changed up to here.
    pub(super) told: u64,
}

/// When news of the selected mailbox are told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::listen::imap) enum When {
    /// Only in the answer to a command that asks for them.
    Asked,
    /// In the answer to any command, and in IDLE: what is so without NOTIFY.
    Default,
    /// At once, but expunges only where they cannot shift numbers that the client is about to use.
    Delayed,
    /// At once.
    AtOnce,
}

/// What of the selected mailbox is told.
#[derive(Clone, Copy, Debug)]
pub(in crate::listen::imap) struct OfSelected<'a> {
    pub(in crate::listen::imap) when: When,
    /// Of flags that others changed too?
    pub(in crate::listen::imap) flags: bool,
    /// Of new messages these items.
    pub(in crate::listen::imap) items: &'a [Item],
}

impl OfSelected<'_> {
    const DEFAULT: OfSelected<'static> = OfSelected {
        when: When::Default,
        flags: true,
        items: &[],
    };

    /// As one account has asked.
    pub(in crate::listen::imap) fn by(account: &Account) -> OfSelected<'_> {
        account
            .notify
            .as_deref()
            .map_or(OfSelected::DEFAULT, Registered::of_selected)
    }
}

impl Registered {
    /// NOTIFY NONE.
    pub(super) fn nothing() -> Registered {
        Registered {
            groups: Vec::new(),
            nothing: true,
            sources: Vec::new(),
            access: None,
            shared: BTreeMap::new(),
        }
    }

    /// NOTIFY SET, from this moment on.
    pub(super) async fn new(
        connection: &Connection,
        account: &Account,
        groups: Vec<Group>,
    ) -> Result<Registered, Failure> {
        let mut registered = Registered {
            groups,
            nothing: false,
            sources: Vec::new(),
            access: None,
            shared: BTreeMap::new(),
        };
        if registered.groups.iter().all(Group::is_of_selected) {
            return Ok(registered);
        }
        let store = &connection.services.store;
        registered.watch(store, account.id()).await?;
        if registered.groups.iter().any(may_hold_others) {
            let watch = store.watch_access();
            let told = *watch.borrow();
            registered.access = Some(Access { watch, told });
            let names = list::read_names(connection, account).await?;
            registered.learn_shared(store, &names).await?;
        }
        Ok(registered)
    }

    /// Watches one account more.
    async fn watch(&mut self, store: &Store, id: AccountId) -> Result<(), Failure> {
        let watch = store.watch(id);
        let known = store.read(move |tx| account::by_id(tx, id)).await?;
        self.sources.push(Source {
            account: id,
            watch,
            told: known.map_or(ModSeq(0), |account| account.modseq),
        });
        Ok(())
    }

    /// The mailboxes of others are these now; returns those that were known before.
    pub(super) async fn learn_shared(
        &mut self,
        store: &Store,
        names: &Names,
    ) -> Result<BTreeMap<(AccountId, MailboxId), String>, Failure> {
        let shared = names.0.iter().filter_map(|(name, node)| {
            let (owner, _) = node.shared?;
            Some(((owner, node.mailbox.as_ref()?.id), name.clone()))
        });
        let before = std::mem::replace(&mut self.shared, shared.collect());
        let owners: BTreeSet<AccountId> = self.shared.keys().map(|(owner, _)| *owner).collect();
        let own = self.sources.first().map(|source| source.account);
        self.sources
            .retain(|source| own == Some(source.account) || owners.contains(&source.account));
        for owner in owners {
            if !self.sources.iter().any(|source| source.account == owner) {
                self.watch(store, owner).await?;
            }
        }
        Ok(before)
    }

    /// What of the selected mailbox is told.
    fn of_selected(&self) -> OfSelected<'_> {
        if self.nothing {
            return OfSelected {
                when: When::Asked,
                flags: true,
                items: &[],
            };
        }
        let Some(group) = self.groups.iter().find(|group| group.is_of_selected()) else {
            return OfSelected {
                when: When::Delayed,
                ..OfSelected::DEFAULT
            };
        };
        let items = group.events.iter().find_map(|event| match event {
            Event::MessageNew(items) => Some(items.as_slice()),
            _ => None,
        });
        OfSelected {
            when: match (items, &group.mailboxes) {
                (None, _) => When::Asked,
                (Some(_), Mailboxes::Selected) => When::AtOnce,
                (Some(_), _) => When::Delayed,
            },
            flags: group.has(|event| *event == Event::FlagChange),
            items: items.unwrap_or_default(),
        }
    }

    /// The group that says what of a mailbox is told: the first that it is in (RFC 5465 §6).
    pub(super) fn group_of(&self, candidate: Candidate<'_>) -> Option<&Group> {
        let mut others = self.groups.iter().filter(|group| !group.is_of_selected());
        others.find(|group| holds(&group.mailboxes, candidate))
    }

    /// Is an event like this asked for in any group?
    pub(super) fn has(&self, wanted: impl Fn(&Event) -> bool) -> bool {
        self.groups.iter().any(|group| group.has(&wanted))
    }

    /// Are mailboxes of others named?
    pub(super) fn names_others(&self) -> bool {
        self.access.is_some()
    }
}

/// Can a mailbox of somebody else's be in this group?
fn may_hold_others(group: &Group) -> bool {
    let reserved = |names: &[MailboxName]| names.iter().any(|name| is_reserved(name.as_str()));
    match &group.mailboxes {
        Mailboxes::Subscribed => true,
        Mailboxes::Named(names) | Mailboxes::Subtree(names) | Mailboxes::SubtreeOne(names) => {
            reserved(names)
        }
        _ => false,
    }
}

/// A name as one that may be in a group.
pub(super) fn candidate<'a>(name: &'a str, node: &Node) -> Candidate<'a> {
    Candidate {
        name,
        foreign: node.shared.is_some(),
        subscribed: node.subscribed,
        selected: false,
    }
}

type Waiting<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// Waits until something happened that a client may have asked to be told of. Cancel-safe.
pub(in crate::listen::imap) async fn changed(registered: &mut Registered) {
    let sources = registered
        .sources
        .iter_mut()
        .map(|source| heard(&mut source.watch));
    let access = registered.access.iter_mut();
    let access = access.map(|access| heard(&mut access.watch));
    let mut waiting: Vec<Waiting<'_>> = sources.collect();
    waiting.extend(access);
    poll_fn(|context| {
        let any = waiting
            .iter_mut()
            .any(|one| one.as_mut().poll(context).is_ready());
        match any {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    })
    .await;
}

fn heard<T: Send + Sync>(watch: &mut watch::Receiver<T>) -> Waiting<'_> {
    Box::pin(async move {
        if watch.changed().await.is_err() {
            // The store is gone, and the session will be soon.
            pending::<()>().await;
        }
    })
}
