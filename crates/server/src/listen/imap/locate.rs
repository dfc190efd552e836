//! Which mailbox a name means to whoever is logged in: one of his own, or one that somebody shares with him, in the namespaces of other
//! users and of shared mailboxes (RFC 2342), with the rights he has there (RFC 4314).
//!
//! `Other Users/anna@example.com` is Anna's INBOX, `Other Users/anna@example.com/Bills` her mailbox Bills; those of an account that is
//! nobody in particular are below `Shared`. A mailbox of one's own that happens to have such a name comes first.

use super::failure;
use ::store::entry::{Flags, Kept, Viewed};
use ::store::mailbox::{self, INBOX, Mailbox};
use ::store::share::{self, Rights, SeenFlags, SharedMailbox};
use ::store::{AccountId, MailboxId, Result, Tx, account, entry};
use imap::response::{Code, Status};

/// The first level of the names of other people's mailboxes.
pub(super) const OTHER_USERS: &str = "Other Users";
/// The first level of the names of mailboxes that belong to nobody in particular.
pub(super) const SHARED: &str = "Shared";

/// A mailbox that a name led to.
pub(super) struct Located {
    /// Whose it is.
    pub(super) owner: AccountId,
    /// The mailbox, under the name that led to it, with the counters its viewer sees.
    pub(super) mailbox: Mailbox,
    /// Its name to its owner.
    pub(super) own_name: String,
    /// The mailbox as its viewer sees it.
    pub(super) viewed: Viewed,
    /// What he may do there.
    pub(super) rights: Rights,
}

impl Located {
    /// Is it somebody else's?
    pub(super) fn is_foreign(&self, viewer: AccountId) -> bool {
        self.owner != viewer
    }
}

/// A name in one of the two namespaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Foreign<'a> {
    /// In the namespace of shared mailboxes?
    pub(super) public: bool,
    /// The owner's address.
    pub(super) owner: &'a str,
    /// The owner's name for the mailbox.
    pub(super) path: &'a str,
}

impl<'a> Foreign<'a> {
    /// Reads a name; `None` if it is in neither namespace, or names no owner.
    pub(super) fn parse(name: &'a str) -> Option<Foreign<'a>> {
        [(OTHER_USERS, false), (SHARED, true)]
            .into_iter()
            .find_map(|(prefix, public)| {
                let rest = name.strip_prefix(prefix)?.strip_prefix('/')?;
                // A local part may hold the separator, a domain may not.
                let at = rest.find('@')?;
                let end = rest[at..].find('/').map_or(rest.len(), |end| at + end);
                let path = rest[end..].strip_prefix('/').unwrap_or(INBOX);
                Some(Foreign {
                    public,
                    owner: &rest[..end],
                    path,
                })
            })
    }
}

/// Is this name in one of the two namespaces, or the first level of one?
pub(super) fn is_reserved(name: &str) -> bool {
    [OTHER_USERS, SHARED].iter().any(|prefix| {
        name.strip_prefix(prefix)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    })
}

/// What others call a mailbox.
pub(super) fn visible_name(shared: &SharedMailbox) -> String {
    let prefix = match shared.public {
        true => SHARED,
        false => OTHER_USERS,
    };
    match shared.mailbox.name.as_str() {
        INBOX => format!("{prefix}/{}", shared.owner_address),
        name => format!("{prefix}/{}/{name}", shared.owner_address),
    }
}

/// The mailbox of this name, if there is one in which `viewer` has some right.
pub(super) fn locate(tx: &mut Tx<'_>, viewer: AccountId, name: &str) -> Result<Option<Located>> {
    if let Some(mailbox) = mailbox::by_name(tx, viewer, name)? {
        return Ok(Some(Located {
            owner: viewer,
            own_name: mailbox.name.clone(),
            viewed: mailbox.id.into(),
            mailbox,
            rights: Rights::ALL,
        }));
    }
    let Some(foreign) = Foreign::parse(name) else {
        return Ok(None);
    };
    let Some((owner, mut mailbox)) = of_another(tx, &foreign)? else {
        return Ok(None);
    };
    let rights = share::rights(tx, owner, mailbox.id, viewer)?;
    if rights.is_empty() {
        return Ok(None);
    }
    let viewed = viewed(tx, owner, &mut mailbox, viewer)?;
    let own_name = std::mem::replace(&mut mailbox.name, name.to_owned());
    Ok(Some(Located {
        owner,
        mailbox,
        own_name,
        viewed,
        rights,
    }))
}

fn of_another(tx: &mut Tx<'_>, foreign: &Foreign<'_>) -> Result<Option<(AccountId, Mailbox)>> {
    let Some(owner) = account::by_address(tx, foreign.owner)? else {
        return Ok(None);
    };
    if share::is_public(tx, owner.id)? != foreign.public {
        return Ok(None);
    }
    let mailbox = mailbox::by_name(tx, owner.id, foreign.path)?;
    Ok(mailbox.map(|mailbox| (owner.id, mailbox)))
}

/// A mailbox of somebody else's as `viewer` sees it. Whether he has seen its messages may be his own affair, and what it is for
/// (RFC 6154) is its owner's: his client must not file its sent mail there.
pub(super) fn viewed(
    tx: &mut Tx<'_>,
    owner: AccountId,
    mailbox: &mut Mailbox,
    viewer: AccountId,
) -> Result<Viewed> {
    mailbox.special_use = None;
    let own = owner != viewer && share::seen_flags(tx, owner, mailbox.id)? == SeenFlags::Own;
    if own {
        mailbox.unseen = entry::unseen_by(tx, owner, mailbox.id, viewer, mailbox.messages)?;
    }
    Ok(Viewed {
        mailbox: mailbox.id,
        viewer: own.then_some(viewer),
    })
}

/// What is said where there is no such mailbox.
#[derive(Clone, Copy)]
pub(super) enum Otherwise {
    /// That there is none.
    NoMailbox,
    /// That it could be made.
    TryCreate,
}

/// [`locate`], or the answer to a client that may not do what needs these rights. Who may not know of a mailbox is told that there is none
/// (RFC 4314 §6).
pub(super) fn locate_with(
    tx: &mut Tx<'_>,
    viewer: AccountId,
    name: &str,
    needed: Rights,
    otherwise: Otherwise,
) -> Result<std::result::Result<Located, Status>> {
    let none = || match otherwise {
        Otherwise::NoMailbox => failure::no_mailbox(),
        Otherwise::TryCreate => failure::try_create(),
    };
    Ok(match locate(tx, viewer, name)? {
        Some(located) if located.rights.contains(needed) => Ok(located),
        Some(located) if located.rights.contains(Rights::LOOKUP) => Err(no_permission()),
        _ => Err(none()),
    })
}

/// The answer to a client that lacks a right.
pub(super) fn no_permission() -> Status {
    Status::no("You have no right to do that in this mailbox.").code(Code::NoPerm)
}

/// Where a mailbox of a new name is to be made: its owner, and his name for it. Below somebody else's mailbox one needs the right to
/// (RFC 4314 §4, CREATE); who has none hears the same whatever there is.
pub(super) fn creatable(
    tx: &mut Tx<'_>,
    viewer: AccountId,
    name: &str,
) -> Result<std::result::Result<(AccountId, String), Status>> {
    if !is_reserved(name) {
        return Ok(Ok((viewer, name.to_owned())));
    }
    let Some(foreign) = Foreign::parse(name) else {
        let reserved = Status::no("That name is kept for the mailboxes of others.");
        return Ok(Err(reserved.code(Code::Cannot)));
    };
    let Some(above) = nearest_above(tx, &foreign)? else {
        return Ok(Err(no_permission()));
    };
    let rights = share::rights(tx, above.0, above.1, viewer)?;
    Ok(match rights.contains(Rights::CREATE) {
        true => Ok((above.0, foreign.path.to_owned())),
        false => Err(no_permission()),
    })
}

/// The mailbox that a new one would be below: the lowest of those above it, and above all of them the INBOX.
fn nearest_above(tx: &mut Tx<'_>, foreign: &Foreign<'_>) -> Result<Option<(AccountId, MailboxId)>> {
    let mut path = foreign.path;
    while let Some((above, _)) = path.rsplit_once('/') {
        let above = Foreign {
            path: above,
            ..*foreign
        };
        if let Some((owner, mailbox)) = of_another(tx, &above)? {
            return Ok(Some((owner, mailbox.id)));
        }
        path = above.path;
    }
    let inbox = Foreign {
        path: INBOX,
        ..*foreign
    };
    Ok(of_another(tx, &inbox)?.map(|(owner, mailbox)| (owner, mailbox.id)))
}

/// Makes a mailbox. One at the top of somebody else's is shared as his INBOX is.
pub(super) fn create(
    tx: &mut Tx<'_>,
    viewer: AccountId,
    (owner, name): (AccountId, &str),
    special: Option<mailbox::SpecialUse>,
) -> Result<MailboxId> {
    let top = name.split('/').next().unwrap_or(name);
    if owner != viewer
        && mailbox::by_name(tx, owner, top)?.is_none()
        && let Some(inbox) = mailbox::by_name(tx, owner, INBOX)?
    {
        let made = mailbox::create(tx, owner, top, special)?;
        share::inherit(tx, owner, inbox.id, made)?;
        if top == name {
            return Ok(made);
        }
    }
    mailbox::create(tx, owner, name, special)
}

/// The flags that whoever has these rights may change (RFC 4314 §4, STORE).
pub(super) fn settable(rights: Rights) -> Kept {
    let others = Flags::ANSWERED.with(Flags::FLAGGED).with(Flags::DRAFT);
    let by_right = [
        (Rights::SEEN, Flags::SEEN),
        (Rights::DELETE_MESSAGES, Flags::DELETED),
        (Rights::WRITE, others),
    ];
    let allowed = by_right
        .into_iter()
        .filter(|(right, _)| rights.contains(*right));
    Kept {
        flags: allowed.fold(Flags::default(), |all, (_, flags)| all.with(flags)),
        keywords: rights.contains(Rights::WRITE),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn foreign<'a>(public: bool, owner: &'a str, path: &'a str) -> Option<Foreign<'a>> {
        Some(Foreign {
            public,
            owner,
            path,
        })
    }

    #[test]
    fn names_in_the_namespaces() {
        assert_eq!(
            Foreign::parse("Other Users/a@b.c"),
            foreign(false, "a@b.c", "INBOX")
        );
        assert_eq!(
            Foreign::parse("Shared/a@b.c/X/Y"),
            foreign(true, "a@b.c", "X/Y")
        );
        assert_eq!(
            Foreign::parse("Shared/a/b@b.c/X"),
            foreign(true, "a/b@b.c", "X")
        );
        for own in [
            "INBOX",
            "Shared",
            "Shared/",
            "Shared/x",
            "Other Users",
            "Sharedx/a@b",
        ] {
            assert_eq!(Foreign::parse(own), None, "{own}");
        }
        assert!(is_reserved("Shared") && is_reserved("Other Users/x") && !is_reserved("Sharedx"));
    }

    #[test]
    fn flags_by_right() {
        assert_eq!(settable(Rights::ALL), Kept::ALL);
        let reader = settable(Rights::parse("lrs").unwrap_or_default());
        assert_eq!((reader.flags, reader.keywords), (Flags::SEEN, false));
    }
}
