//! The tree of mailbox names that LIST, LSUB and XLIST tell of: mailboxes, and names that exist only above others.

use super::locate;
use ::store::AccountId;
use ::store::mailbox::{Mailbox, SpecialUse};
use ::store::share::{Rights, SharedMailbox};
use imap::MailboxName;
use imap::list::Use;
use imap::response::{Code, Status};
use std::collections::{BTreeMap, BTreeSet};

/// A name that a mailbox can have.
pub(super) fn creatable(name: MailboxName) -> Result<String, Status> {
    match name.is_creatable() {
        true => Ok(name.as_str().to_owned()),
        false => Err(Status::no("No mailbox can have that name.").code(Code::Cannot)),
    }
}

/// A name in the tree.
#[derive(Default)]
pub(super) struct Node {
    /// The mailbox of this name, if there is one.
    pub(super) mailbox: Option<Mailbox>,
    /// Is the name subscribed?
    pub(super) subscribed: bool,
    /// Is there a mailbox below it?
    pub(super) has_children: bool,
    /// Whose it is and what may be done there, if it is somebody else's.
    pub(super) shared: Option<(AccountId, Rights)>,
}

impl Node {
    /// What whoever lists the name may do in the mailbox.
    pub(super) fn rights(&self) -> Rights {
        self.shared.map_or(Rights::ALL, |(_, rights)| rights)
    }
}

/// All names of an account, superiors included.
pub(super) struct Names(pub(super) BTreeMap<String, Node>);

impl Names {
    pub(super) fn new(
        mailboxes: Vec<Mailbox>,
        shared: Vec<SharedMailbox>,
        subscriptions: Vec<String>,
    ) -> Names {
        let mut names = Names(BTreeMap::new());
        for mailbox in mailboxes {
            names.add(mailbox, None);
        }
        for mut shared in shared {
            shared.mailbox.name = locate::visible_name(&shared);
            // One's own mailbox of that name hides it.
            if names
                .0
                .get(&shared.mailbox.name)
                .is_none_or(|node| node.mailbox.is_none())
            {
                names.add(shared.mailbox, Some((shared.owner, shared.rights)));
            }
        }
        for name in subscriptions {
            names.0.entry(name).or_default().subscribed = true;
        }
        names
    }

    fn add(&mut self, mailbox: Mailbox, shared: Option<(AccountId, Rights)>) {
        for superior in superiors(&mailbox.name) {
            self.0.entry(superior.to_owned()).or_default().has_children = true;
        }
        let node = self.0.entry(mailbox.name.clone()).or_default();
        (node.mailbox, node.shared) = (Some(mailbox), shared);
    }

    /// The names that have a descendant which meets `wanted`.
    pub(super) fn above(&self, wanted: impl Fn(&Node) -> bool) -> BTreeSet<&str> {
        let found = self.0.iter().filter(|(_, node)| wanted(node));
        found.flat_map(|(name, _)| superiors(name)).collect()
    }
}

/// All names above this one, from the top.
pub(super) fn superiors(name: &str) -> impl Iterator<Item = &str> {
    name.match_indices('/').map(|(at, _)| &name[..at])
}

/// The use as a mailbox has it; `\All` and `\Flagged` are for views, which this server does not make.
pub(super) fn mailbox_use(wanted: Use) -> Option<SpecialUse> {
    match wanted {
        Use::Archive => Some(SpecialUse::Archive),
        Use::Drafts => Some(SpecialUse::Drafts),
        Use::Junk => Some(SpecialUse::Junk),
        Use::Sent => Some(SpecialUse::Sent),
        Use::Trash => Some(SpecialUse::Trash),
        Use::All | Use::Flagged => None,
    }
}

/// The use as LIST writes it.
pub(super) fn special_use(special: SpecialUse) -> Use {
    match special {
        SpecialUse::All => Use::All,
        SpecialUse::Archive => Use::Archive,
        SpecialUse::Drafts => Use::Drafts,
        SpecialUse::Flagged => Use::Flagged,
        SpecialUse::Junk => Use::Junk,
        SpecialUse::Sent => Use::Sent,
        SpecialUse::Trash => Use::Trash,
    }
}
