//! Mailboxes that others than their owner may use (RFC 4314): who may do what, groups, and how a mailbox is seen by others.
//!
//! The owner has every right, always. Others have what the mailbox gives to their address, to groups they are in and to `anyone`, less
//! what is given to the same with a `-` before it. `anyone` means the accounts in the domain of the owner, so that domains that share
//! a server do not see each other.

mod identifier;
mod rights;

pub use identifier::Identifier;
pub use rights::Rights;

use crate::change::Record;
use crate::engine::params;
use crate::tx::Tx;
use crate::{AccountId, Error, MailboxId, Result, account, mailbox};
use mailbox::Mailbox;
use std::collections::BTreeMap;

/// In the column `mailbox`: the account itself.
pub(crate) const ACCOUNT: MailboxId = MailboxId::from_u128(0);
/// Entries of one mailbox's list.
const MOST_GRANTS: usize = 500;
/// Groups an account is in.
const MOST_GROUPS: usize = 100;

/// One entry of a mailbox's access control list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Who.
    pub identifier: Identifier,
    /// What he may do, or what is taken from him.
    pub rights: Rights,
}

/// Whose `\Seen` it is that readers other than the owner see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SeenFlags {
    /// One for all.
    Shared,
    /// Each his own.
    Own,
}

/// A mailbox of somebody else's.
#[derive(Clone, Debug)]
pub struct SharedMailbox {
    /// Whose it is.
    pub owner: AccountId,
    /// His address.
    pub owner_address: String,
    /// The owner is nobody in particular: the mailbox is in the namespace of shared ones (RFC 2342).
    pub public: bool,
    /// The mailbox, under its owner's name for it.
    pub mailbox: Mailbox,
    /// What the viewer may do there.
    pub rights: Rights,
}

/// The access control list of a mailbox, without the owner.
pub fn grants(tx: &mut Tx<'_>, owner: AccountId, mailbox: MailboxId) -> Result<Vec<Grant>> {
    tx.all(
        "SELECT identifier, rights FROM acl WHERE account = $1 AND mailbox = $2 ORDER BY identifier",
        params![owner, mailbox],
        |row| {
            Ok(Grant {
                identifier: Identifier::stored(row.string(0)?),
                rights: Rights::from_number(row.int(1)?)?,
            })
        },
    )
}

/// Sets what a mailbox gives to `identifier`; no rights remove the entry. Returns whether anything changed.
/// [`Error::Refused`] if the identifier is the owner's, or the list is full.
pub fn grant(
    tx: &mut Tx<'_>,
    owner: AccountId,
    mailbox: MailboxId,
    identifier: &Identifier,
    rights: Rights,
) -> Result<bool> {
    tx.next_modseq(owner)?;
    let known = grants(tx, owner, mailbox)?;
    let before = known.iter().find(|grant| grant.identifier == *identifier);
    if before.map_or(Rights::NONE, |grant| grant.rights) == rights {
        return Ok(false);
    }
    refuse_owner(tx, owner, identifier)?;
    if before.is_none() && known.len() >= MOST_GRANTS {
        return Err(Error::Refused(format!(
            "a mailbox is shared with at most {MOST_GRANTS} others; use a group"
        )));
    }
    if rights.is_empty() {
        tx.execute(
            "DELETE FROM acl WHERE account = $1 AND mailbox = $2 AND identifier = $3",
            params![owner, mailbox, identifier.as_str()],
        )?;
    } else {
        tx.execute(
            "INSERT INTO acl (account, mailbox, identifier, rights) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (account, mailbox, identifier) DO UPDATE SET rights = excluded.rights",
            params![owner, mailbox, identifier.as_str(), rights.number()],
        )?;
    }
    let identifier = identifier.as_str().to_owned();
    tx.record(owner, Some(mailbox), Record::Shared { identifier });
    Ok(true)
}

fn refuse_owner(tx: &mut Tx<'_>, owner: AccountId, identifier: &Identifier) -> Result<()> {
    let owner = account::by_id(tx, owner)?;
    match owner.is_some_and(|owner| owner.address == identifier.who()) {
        true => Err(Error::Refused("the owner has all rights, always".into())),
        false => Ok(()),
    }
}

/// What `viewer` may do in a mailbox of `owner`'s.
pub fn rights(
    tx: &mut Tx<'_>,
    owner: AccountId,
    mailbox: MailboxId,
    viewer: AccountId,
) -> Result<Rights> {
    if owner == viewer {
        return Ok(Rights::ALL);
    }
    let grants = grants(tx, owner, mailbox)?;
    if grants.is_empty() {
        return Ok(Rights::NONE);
    }
    let Some(owner) = account::by_id(tx, owner)? else {
        return Ok(Rights::NONE);
    };
    Ok(Viewer::of(tx, viewer)?.rights(&owner.address, &grants))
}

/// Somebody and what he is called.
struct Viewer {
    address: String,
    groups: Vec<String>,
}

impl Viewer {
    fn of(tx: &mut Tx<'_>, viewer: AccountId) -> Result<Viewer> {
        Ok(Viewer {
            address: account::by_id(tx, viewer)?.map_or_else(String::new, |viewer| viewer.address),
            groups: groups_of(tx, viewer)?,
        })
    }

    /// RFC 4314 §2: the union of what is given, less the union of what is taken away.
    fn rights(&self, owner_address: &str, grants: &[Grant]) -> Rights {
        let mine = |negative: bool| {
            let mine = grants.iter().filter(move |grant| {
                grant.identifier.is_negative() == negative
                    && self.is(grant.identifier.who(), owner_address)
            });
            mine.fold(Rights::NONE, |all, grant| all.with(grant.rights))
        };
        mine(false).without(mine(true))
    }

    fn is(&self, who: &str, owner_address: &str) -> bool {
        match who.strip_prefix('$') {
            Some(group) => self.groups.iter().any(|known| known == group),
            None if who == Identifier::ANYONE => {
                domain_of(&self.address) == domain_of(owner_address)
            }
            None => who == self.address,
        }
    }

    /// The identifiers that may give him something.
    fn identifiers(&self) -> Vec<String> {
        let groups = self.groups.iter().map(|group| format!("${group}"));
        let own = [self.address.clone(), Identifier::ANYONE.to_owned()];
        own.into_iter().chain(groups).collect()
    }
}

fn domain_of(address: &str) -> &str {
    address.rsplit_once('@').map_or("", |(_, domain)| domain)
}

/// The mailboxes of others in which `viewer` has some right, by owner and name.
pub fn shared_with(tx: &mut Tx<'_>, viewer: AccountId) -> Result<Vec<SharedMailbox>> {
    let who = Viewer::of(tx, viewer)?;
    let mut by_owner: BTreeMap<AccountId, Vec<MailboxId>> = BTreeMap::new();
    for identifier in who.identifiers() {
        for (owner, mailbox) in given_to(tx, &identifier)? {
            by_owner.entry(owner).or_default().push(mailbox);
        }
    }
    by_owner.remove(&viewer);
    let mut shared = Vec::new();
    for (owner, mailboxes) in by_owner {
        let Some(account) = account::by_id(tx, owner)? else {
            continue;
        };
        let public = is_public(tx, owner)?;
        for mailbox in deduplicated(mailboxes) {
            let rights = who.rights(&account.address, &grants(tx, owner, mailbox)?);
            if rights.is_empty() {
                continue;
            }
            let Some(mailbox) = mailbox::by_id(tx, owner, mailbox)? else {
                continue;
            };
            let owner_address = account.address.clone();
            shared.push(SharedMailbox {
                owner,
                owner_address,
                public,
                mailbox,
                rights,
            });
        }
    }
    shared.sort_by(|a, b| {
        let key = |one: &SharedMailbox| (one.owner_address.clone(), one.mailbox.name.clone());
        key(a).cmp(&key(b))
    });
    Ok(shared)
}

fn deduplicated(mut mailboxes: Vec<MailboxId>) -> Vec<MailboxId> {
    mailboxes.sort_unstable();
    mailboxes.dedup();
    mailboxes
}

fn given_to(tx: &mut Tx<'_>, identifier: &str) -> Result<Vec<(AccountId, MailboxId)>> {
    tx.all(
        "SELECT account, mailbox FROM acl WHERE identifier = $1",
        params![identifier],
        |row| {
            Ok((
                AccountId::from_u128(row.id(0)?),
                MailboxId::from_u128(row.id(1)?),
            ))
        },
    )
}

/// Whose `\Seen` readers of this mailbox see.
pub fn seen_flags(tx: &mut Tx<'_>, owner: AccountId, mailbox: MailboxId) -> Result<SeenFlags> {
    let own = tx.one(
        "SELECT own_seen FROM sharing WHERE account = $1 AND mailbox = $2",
        params![owner, mailbox],
        |row| row.flag(0),
    )?;
    Ok(match own {
        Some(true) => SeenFlags::Own,
        _ => SeenFlags::Shared,
    })
}

/// Says whose `\Seen` readers shall see. Going back to one for all forgets what each has seen. What clients know of flags is void then,
/// so every message gets a new MODSEQ.
pub fn set_seen_flags(
    tx: &mut Tx<'_>,
    owner: AccountId,
    mailbox: MailboxId,
    flags: SeenFlags,
) -> Result<()> {
    let modseq = tx.next_modseq(owner)?;
    if seen_flags(tx, owner, mailbox)? == flags {
        return Ok(());
    }
    let own = flags == SeenFlags::Own;
    set_sharing(tx, owner, mailbox, Some(own), None)?;
    if !own {
        tx.execute(
            "DELETE FROM seen WHERE account = $1 AND mailbox = $2",
            params![owner, mailbox],
        )?;
    }
    for table in [
        "UPDATE entry SET modseq = $3 WHERE account = $1 AND mailbox = $2",
        "UPDATE mailbox SET modseq = $3 WHERE account = $1 AND id = $2",
    ] {
        tx.execute(table, params![owner, mailbox, modseq])?;
    }
    let uids = vec![1..=u32::MAX];
    tx.record(owner, Some(mailbox), Record::Flags { uids });
    Ok(())
}

/// Is this account nobody in particular, so that its mailboxes are in the namespace of shared ones?
pub fn is_public(tx: &mut Tx<'_>, account: AccountId) -> Result<bool> {
    let public = tx.one(
        "SELECT public FROM sharing WHERE account = $1 AND mailbox = $2",
        params![account, ACCOUNT],
        |row| row.flag(0),
    )?;
    Ok(public == Some(true))
}

/// Says whether an account is nobody in particular.
pub fn set_public(tx: &mut Tx<'_>, account: AccountId, public: bool) -> Result<()> {
    tx.next_modseq(account)?;
    set_sharing(tx, account, ACCOUNT, None, Some(public))?;
    tx.record(account, None, Record::AccountChanged);
    Ok(())
}

fn set_sharing(
    tx: &mut Tx<'_>,
    account: AccountId,
    mailbox: MailboxId,
    own_seen: Option<bool>,
    public: Option<bool>,
) -> Result<()> {
    tx.execute(
        "INSERT INTO sharing (account, mailbox, own_seen, public) VALUES ($1, $2, COALESCE(CAST($3 AS BIGINT), 0), \
         COALESCE(CAST($4 AS BIGINT), 0)) ON CONFLICT (account, mailbox) DO UPDATE SET \
         own_seen = COALESCE(CAST($3 AS BIGINT), sharing.own_seen), public = COALESCE(CAST($4 AS BIGINT), sharing.public)",
        params![account, mailbox, own_seen, public],
    )?;
    Ok(())
}

/// The groups an account is in, without their `$`.
pub fn groups_of(tx: &mut Tx<'_>, account: AccountId) -> Result<Vec<String>> {
    tx.all(
        "SELECT name FROM membership WHERE account = $1 ORDER BY name",
        params![account],
        |row| row.string(0),
    )
}

/// All groups with the addresses of their members.
pub fn groups(tx: &mut Tx<'_>) -> Result<BTreeMap<String, Vec<String>>> {
    let mut groups: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let members = tx.all(
        "SELECT m.name, a.address FROM membership m JOIN account a ON a.id = m.account ORDER BY m.name, a.address",
        &[],
        |row| Ok((row.string(0)?, row.string(1)?)),
    )?;
    for (name, address) in members {
        groups.entry(name).or_default().push(address);
    }
    Ok(groups)
}

/// Puts an account into a group, or takes it out. Returns whether that changed anything.
pub fn set_member(tx: &mut Tx<'_>, account: AccountId, name: &str, member: bool) -> Result<bool> {
    let name = identifier::group_name(name)?;
    tx.next_modseq(account)?;
    if member && groups_of(tx, account)?.len() >= MOST_GROUPS {
        return Err(Error::Refused(format!(
            "an account is in at most {MOST_GROUPS} groups"
        )));
    }
    let changed = if member {
        tx.execute(
            "INSERT INTO membership (account, name) VALUES ($1, $2) ON CONFLICT DO NOTHING",
            params![account, &name],
        )?
    } else {
        tx.execute(
            "DELETE FROM membership WHERE account = $1 AND name = $2",
            params![account, &name],
        )?
    };
    if changed > 0 {
        tx.record(account, None, Record::AccountChanged);
        wake_owners(tx, &format!("${name}"))?;
    }
    Ok(changed > 0)
}

/// Sessions that have a mailbox open must look at their rights again: its owner's MODSEQ tells them.
fn wake_owners(tx: &mut Tx<'_>, identifier: &str) -> Result<()> {
    for given in [identifier.to_owned(), format!("-{identifier}")] {
        for (owner, mailbox) in given_to(tx, &given)? {
            tx.known_modseq(owner)?;
            let identifier = given.clone();
            tx.record(owner, Some(mailbox), Record::Shared { identifier });
        }
    }
    Ok(())
}

/// Shares a new mailbox as another is shared: the one above it.
pub fn inherit(tx: &mut Tx<'_>, account: AccountId, from: MailboxId, to: MailboxId) -> Result<()> {
    tx.execute(
        "INSERT INTO acl (account, mailbox, identifier, rights) SELECT m.account, m.id, a.identifier, a.rights FROM acl a \
         JOIN mailbox m ON m.account = a.account AND m.id = $3 WHERE a.account = $1 AND a.mailbox = $2",
        params![account, from, to],
    )?;
    if seen_flags(tx, account, from)? == SeenFlags::Own {
        set_sharing(tx, account, to, Some(true), None)?;
    }
    Ok(())
}

/// A mailbox is deleted: nothing of how it was shared stays.
pub(crate) fn forget_mailbox(
    tx: &mut Tx<'_>,
    account: AccountId,
    mailbox: MailboxId,
) -> Result<()> {
    for table in [
        "DELETE FROM acl WHERE account = $1 AND mailbox = $2",
        "DELETE FROM sharing WHERE account = $1 AND mailbox = $2",
        "DELETE FROM seen WHERE account = $1 AND mailbox = $2",
        "DELETE FROM annotation WHERE account = $1 AND mailbox = $2",
    ] {
        tx.execute(table, params![account, mailbox])?;
    }
    Ok(())
}

/// An account is removed: whoever gets its address later must not get what was given to it.
pub(crate) fn forget_account(tx: &mut Tx<'_>, account: AccountId, address: &str) -> Result<()> {
    wake_owners(tx, address)?;
    for identifier in [address.to_owned(), format!("-{address}")] {
        tx.execute(
            "DELETE FROM acl WHERE identifier = $1",
            params![&identifier],
        )?;
    }
    for table in [
        "DELETE FROM acl WHERE account = $1",
        "DELETE FROM sharing WHERE account = $1",
        "DELETE FROM membership WHERE account = $1",
        "DELETE FROM seen WHERE account = $1 OR viewer = $1",
        "DELETE FROM annotation WHERE account = $1 OR viewer = $1",
    ] {
        tx.execute(table, params![account])?;
    }
    Ok(())
}
