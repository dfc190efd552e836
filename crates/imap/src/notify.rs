//! What NOTIFY can be asked for (RFC 5465), and the groups of mailboxes that it and ESEARCH name (RFC 5465 §6, RFC 7377 §2.2).

use crate::fetch::Item;
use crate::mailbox::MailboxName;

/// A group of mailboxes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Mailboxes {
    /// The selected one.
    Selected,
    /// The selected one, told of expunges only where that shifts no numbers (NOTIFY alone).
    SelectedDelayed,
    /// Those that mail may be delivered to.
    Inboxes,
    /// All in the personal namespace.
    Personal,
    /// Those subscribed.
    Subscribed,
    /// These and all below them.
    Subtree(Vec<MailboxName>),
    /// These and those directly below them (ESEARCH alone).
    SubtreeOne(Vec<MailboxName>),
    /// These.
    Named(Vec<MailboxName>),
}

/// A NOTIFY command.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Notify {
    /// NONE: tell nothing by itself.
    None,
    /// SET
    Set {
        /// STATUS: begin with the state of the mailboxes that will be told of.
        status: bool,
        /// What to tell of which; the first group that a mailbox is in decides.
        groups: Vec<Group>,
    },
}

/// Which events of which mailboxes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Group {
    /// Which mailboxes.
    pub mailboxes: Mailboxes,
    /// Which events; none: nothing of these.
    pub events: Vec<Event>,
}

/// An event.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Event {
    /// A message came; of the selected mailbox with these items.
    MessageNew(Vec<Item>),
    /// A message is gone.
    MessageExpunge,
    /// Flags changed.
    FlagChange,
    /// A mailbox was made, removed or renamed.
    MailboxName,
    /// A name was subscribed or unsubscribed.
    SubscriptionChange,
    /// An annotation of a mailbox changed (RFC 5464).
    MailboxMetadataChange,
    /// An annotation of the server changed.
    ServerMetadataChange,
    /// Any other event, by the name the client gave.
    Other(String),
}

impl Event {
    /// Every event that there is here, as BADEVENT lists them.
    pub const KNOWN: &str = "(MessageNew MessageExpunge FlagChange MailboxName SubscriptionChange MailboxMetadataChange ServerMetadataChange)";

    /// Is it about messages? Only such events are of the selected mailbox (RFC 5465 §6.1).
    pub fn is_of_messages(&self) -> bool {
        matches!(
            self,
            Event::MessageNew(_) | Event::MessageExpunge | Event::FlagChange
        )
    }
}

impl Group {
    /// Are these the events of the selected mailbox?
    pub fn is_of_selected(&self) -> bool {
        matches!(
            self.mailboxes,
            Mailboxes::Selected | Mailboxes::SelectedDelayed
        )
    }

    /// Is any event like this asked for?
    pub fn has(&self, wanted: impl Fn(&Event) -> bool) -> bool {
        self.events.iter().any(wanted)
    }
}
