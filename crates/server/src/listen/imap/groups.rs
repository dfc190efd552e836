//! Which mailboxes the groups mean that NOTIFY and ESEARCH name (RFC 5465 §6, RFC 7377 §2.2).

use imap::notify::Mailboxes;

/// A mailbox that may be in a group.
#[derive(Clone, Copy, Debug)]
pub(super) struct Candidate<'a> {
    /// Its name to whoever is logged in.
    pub(super) name: &'a str,
    /// Is it somebody else's?
    pub(super) foreign: bool,
    /// Is the name subscribed?
    pub(super) subscribed: bool,
    /// Is it the selected one?
    pub(super) selected: bool,
}

/// Is a mailbox in this group?
pub(super) fn holds(group: &Mailboxes, candidate: Candidate<'_>) -> bool {
    let name = candidate.name;
    let below = |top: &imap::MailboxName| {
        name.strip_prefix(top.as_str())
            .and_then(|rest| rest.strip_prefix('/'))
    };
    match group {
        Mailboxes::Selected | Mailboxes::SelectedDelayed => candidate.selected,
        // A user's rules may file mail anywhere (RFC 5465 §6.3).
        Mailboxes::Inboxes | Mailboxes::Personal => !candidate.foreign,
        Mailboxes::Subscribed => candidate.subscribed,
        Mailboxes::Named(names) => names.iter().any(|wanted| wanted.as_str() == name),
        Mailboxes::Subtree(tops) => tops
            .iter()
            .any(|top| top.as_str() == name || below(top).is_some()),
        Mailboxes::SubtreeOne(tops) => tops
            .iter()
            .any(|top| top.as_str() == name || below(top).is_some_and(|rest| !rest.contains('/'))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use imap::MailboxName;

    #[test]
    fn groups() {
        let own = |name| Candidate {
            name,
            foreign: false,
            subscribed: false,
            selected: false,
        };
        let lists = || vec![MailboxName::new("Lists")];
        let subtree = Mailboxes::Subtree(lists());
        for (name, expected) in [("Lists", true), ("Lists/a/b", true), ("Listsx", false)] {
            assert_eq!(holds(&subtree, own(name)), expected, "{name}");
        }
        assert!(!holds(&Mailboxes::SubtreeOne(lists()), own("Lists/a/b")));
        assert!(!holds(&Mailboxes::Named(lists()), own("Lists/a")));
        assert!(!holds(&Mailboxes::Subscribed, own("Lists")));
        let foreign = Candidate {
            foreign: true,
            selected: true,
            ..own("Shared/x@y")
        };
        assert!(!holds(&Mailboxes::Personal, foreign));
        assert!(holds(&Mailboxes::Selected, foreign));
    }
}
