//! Sixth stage: where is each local copy filed, and with which flags?
//!
//! Decides for each account the mailboxes, flags and keywords of its copies, so that all decisions are taken before the commit and
//! its 250. It writes nothing: the mailboxes are looked up, and made if they are missing, in the transaction of [`super::commit`]
//! (by [`super::place`]). Which accounts there are was decided by [`super::route`]; whether the message is junk, by [`super::judge`].

use super::judge::{Action, Judged, Verdict};
use super::place::{Copy, Place};
use super::route::{Inbox, Relay, Routed};
use store::entry::Flags;

/// A message of which everything is decided.
pub(crate) struct Filed {
    pub(super) judged: Judged,
    /// One for each account, each once.
    pub(super) deliveries: Vec<Delivery>,
    /// Recipients on other servers, each once.
    pub(super) relays: Vec<Relay>,
}

/// What becomes of the message in one account.
pub(crate) struct Delivery {
    pub(super) inbox: Inbox,
    /// The account has the message if the first of them fits; the others come along if they fit too.
    pub(super) copies: Vec<Copy>,
}

/// Files.
pub(super) fn file(routed: Routed) -> Filed {
    let Routed {
        judged,
        inboxes,
        relays,
    } = routed;
    let keep = implicit_keep(judged.verdict(), &judged.received().config.mail.junk);
    let deliveries = inboxes.into_iter().map(|inbox| Delivery {
        inbox,
        copies: vec![keep.clone()],
    });
    Filed {
        deliveries: deliveries.collect(),
        relays,
        judged,
    }
}

/// Where a message goes about which nobody said anything else.
fn implicit_keep(verdict: &Verdict, junk: &str) -> Copy {
    let copy = |place, flags| Copy {
        place,
        flags,
        keywords: Vec::new(),
    };
    match verdict.action {
        Action::Junk { seen } => {
            let flags = if seen { Flags::SEEN } else { Flags::default() };
            copy(Place::Junk(junk.to_owned()), flags)
        }
        Action::Accept | Action::Refuse => copy(Place::Inbox, Flags::default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(action: Action) -> (Place, Flags) {
        let verdict = Verdict {
            score: 0.0,
            reasons: Vec::new(),
            action,
        };
        let copy = implicit_keep(&verdict, "Spam");
        (copy.place, copy.flags)
    }

    /// I5
    #[test]
    fn i05_the_verdict_chooses_the_mailbox() {
        let junk = || Place::Junk("Spam".into());
        assert_eq!(kept(Action::Accept), (Place::Inbox, Flags::default()));
        assert_eq!(
            kept(Action::Junk { seen: false }),
            (junk(), Flags::default())
        );
        assert_eq!(kept(Action::Junk { seen: true }), (junk(), Flags::SEEN));
    }
}
