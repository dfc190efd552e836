//! The tree of mailbox names that LIST, LSUB and XLIST tell of: mailboxes, and names that exist only above others.

use ::store::mailbox::{Mailbox, SpecialUse};
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
}

/// All names of an account, superiors included.
pub(super) struct Names(pub(super) BTreeMap<String, Node>);

impl Names {
    pub(super) fn new(mailboxes: Vec<Mailbox>, subscriptions: Vec<String>) -> Names {
        let mut names: BTreeMap<String, Node> = BTreeMap::new();
        for mailbox in mailboxes {
            for superior in superiors(&mailbox.name) {
                names.entry(superior.to_owned()).or_default().has_children = true;
            }
            let node = names.entry(mailbox.name.clone()).or_default();
            node.mailbox = Some(mailbox);
        }
        for name in subscriptions {
            names.entry(name).or_default().subscribed = true;
        }
        Names(names)
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
