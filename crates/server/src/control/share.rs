//! Sharing: who may use whose mailboxes, groups, and what an account is for others (RFC 4314; `docs/sharing.md`).

use super::{Failure, World, write};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use store::mailbox::Mailbox;
use store::share::{self, Identifier, Rights, SeenFlags};
use store::{AccountId, Tx, account, mailbox};

/// What can be asked for.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum Request {
    /// What an account shares, or all accounts.
    List { owner: Option<String> },
    /// Sets, with no rights takes away, what somebody may do.
    Set {
        owner: String,
        mailboxes: Which,
        who: String,
        /// Letters, or `read`, `write`, `manage`, `nothing`.
        rights: String,
    },
    /// Whose `\Seen` readers see.
    Seen {
        owner: String,
        mailboxes: Which,
        own: bool,
    },
    /// Is the account nobody in particular?
    Public { owner: String, public: bool },
    /// What an account sees of others.
    Seeing { account: String },
    /// All groups.
    Groups,
    /// Puts accounts into a group, or takes them out.
    Members {
        group: String,
        accounts: Vec<String>,
        member: bool,
    },
}

/// Which mailboxes of an account.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Which {
    /// The one of this name.
    One(String),
    /// Those that it has now.
    All,
}

/// What came of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// Shared mailboxes, by owner and name.
    Mailboxes(Vec<View>),
    /// Groups and the addresses of their members.
    Groups(BTreeMap<String, Vec<String>>),
}

/// A mailbox and how it is shared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct View {
    /// Whose it is.
    pub owner: String,
    /// Its name to its owner.
    pub mailbox: String,
    /// Whether the owner is nobody in particular.
    pub public: bool,
    /// Whether each reader has `\Seen` of his own.
    pub own_seen: bool,
    /// Who may do what: letters of RFC 4314.
    pub grants: BTreeMap<String, String>,
}

pub(super) async fn execute(world: &World, request: Request) -> Result<Answer, Failure> {
    match request {
        Request::List { owner } => list(world, owner).await,
        Request::Set {
            owner,
            mailboxes,
            who,
            rights,
        } => set(world, owner, mailboxes, who, &rights).await,
        Request::Seen {
            owner,
            mailboxes,
            own,
        } => {
            let flags = match own {
                true => SeenFlags::Own,
                false => SeenFlags::Shared,
            };
            change(world, owner, mailboxes, move |tx, owner, mailbox| {
                share::set_seen_flags(tx, owner, mailbox.id, flags)
            })
            .await
        }
        Request::Public { owner, public } => set_public(world, owner, public).await,
        Request::Seeing { account } => seeing(world, account).await,
        Request::Groups => Ok(Answer::Groups(world.store.read(share::groups).await?)),
        Request::Members {
            group,
            accounts,
            member,
        } => set_members(world, group, accounts, member).await,
    }
}

/// Rights by their letters, or by what people call them.
fn rights(text: &str) -> Result<Rights, Failure> {
    let letters = match text {
        "nothing" => "",
        "read" => "lrs",
        "write" => "lrswite",
        "manage" => "lrswipkxtea",
        letters => letters,
    };
    Rights::parse(letters).map_err(|why| {
        Failure::invalid(format!(
            "{why}; or say `read` (lrs), `write` (lrswite), `manage` (all) or `nothing`"
        ))
    })
}

async fn set(
    world: &World,
    owner: String,
    mailboxes: Which,
    who: String,
    text: &str,
) -> Result<Answer, Failure> {
    let rights = rights(text)?;
    let domain = owner
        .rsplit_once('@')
        .map_or("", |(_, domain)| domain)
        .to_owned();
    change(world, owner, mailboxes, move |tx, owner, mailbox| {
        let identifier = Identifier::parse(tx, &who, &domain)?;
        share::grant(tx, owner, mailbox.id, &identifier, rights).map(|_| ())
    })
    .await
}

/// Changes mailboxes of an account and tells how they are shared then.
async fn change(
    world: &World,
    owner: String,
    mailboxes: Which,
    change: impl Fn(&mut Tx<'_>, AccountId, &Mailbox) -> store::Result<()> + Send + 'static,
) -> Result<Answer, Failure> {
    write(&world.store, move |tx| {
        let Some(account) = account::by_address(tx, &owner)? else {
            return Ok(Err(no_account(&owner)));
        };
        let found = match &mailboxes {
            Which::All => mailbox::list(tx, account.id)?,
            Which::One(name) => Vec::from_iter(mailbox::by_name(tx, account.id, name)?),
        };
        if let (Which::One(name), true) = (&mailboxes, found.is_empty()) {
            return Ok(Err(Failure::missing(format!(
                "{} has no mailbox {name}",
                account.address
            ))));
        }
        let mut views = Vec::with_capacity(found.len());
        for mailbox in &found {
            change(tx, account.id, mailbox)?;
            views.push(view(tx, &account, mailbox)?);
        }
        Ok(Ok(Answer::Mailboxes(views)))
    })
    .await
}

fn no_account(address: &str) -> Failure {
    Failure::missing(format!(
        "there is no account {address}: `pennyblack account list` shows all"
    ))
}

fn view(tx: &mut Tx<'_>, owner: &account::Account, mailbox: &Mailbox) -> store::Result<View> {
    let grants = share::grants(tx, owner.id, mailbox.id)?.into_iter();
    Ok(View {
        owner: owner.address.clone(),
        mailbox: mailbox.name.clone(),
        public: share::is_public(tx, owner.id)?,
        own_seen: share::seen_flags(tx, owner.id, mailbox.id)? == SeenFlags::Own,
        grants: grants
            .map(|grant| {
                (
                    grant.identifier.as_str().to_owned(),
                    grant.rights.to_string(),
                )
            })
            .collect(),
    })
}

async fn list(world: &World, owner: Option<String>) -> Result<Answer, Failure> {
    let read = world.store.read(move |tx| {
        let owners = match &owner {
            None => account::list(tx)?,
            Some(address) => match account::by_address(tx, address)? {
                Some(account) => vec![account],
                None => return Ok(Err(no_account(address))),
            },
        };
        let mut views = Vec::new();
        for owner in owners {
            for mailbox in mailbox::list(tx, owner.id)? {
                let view = view(tx, &owner, &mailbox)?;
                if !view.grants.is_empty() || view.own_seen {
                    views.push(view);
                }
            }
        }
        Ok(Ok(Answer::Mailboxes(views)))
    });
    read.await?
}

async fn set_public(world: &World, owner: String, public: bool) -> Result<Answer, Failure> {
    write(&world.store, move |tx| {
        let Some(account) = account::by_address(tx, &owner)? else {
            return Ok(Err(no_account(&owner)));
        };
        share::set_public(tx, account.id, public)?;
        let mailboxes = mailbox::list(tx, account.id)?;
        let views: store::Result<Vec<View>> = mailboxes
            .iter()
            .map(|mailbox| view(tx, &account, mailbox))
            .collect();
        Ok(Ok(Answer::Mailboxes(views?)))
    })
    .await
}

/// What an account sees, with the rights it has in each, all its ways to them taken together.
async fn seeing(world: &World, address: String) -> Result<Answer, Failure> {
    let read = world.store.read(move |tx| {
        let Some(account) = account::by_address(tx, &address)? else {
            return Ok(Err(no_account(&address)));
        };
        let mut views = Vec::new();
        for shared in share::shared_with(tx, account.id)? {
            let own_seen = share::seen_flags(tx, shared.owner, shared.mailbox.id)?;
            views.push(View {
                owner: shared.owner_address,
                mailbox: shared.mailbox.name,
                public: shared.public,
                own_seen: own_seen == SeenFlags::Own,
                grants: BTreeMap::from([(account.address.clone(), shared.rights.to_string())]),
            });
        }
        Ok(Ok(Answer::Mailboxes(views)))
    });
    read.await?
}

async fn set_members(
    world: &World,
    group: String,
    accounts: Vec<String>,
    member: bool,
) -> Result<Answer, Failure> {
    write(&world.store, move |tx| {
        let mut ids = Vec::with_capacity(accounts.len());
        for address in &accounts {
            match account::by_address(tx, address)? {
                Some(account) => ids.push(account.id),
                None => return Ok(Err(no_account(address))),
            }
        }
        for id in ids {
            share::set_member(tx, id, &group, member)?;
        }
        Ok(Ok(Answer::Groups(share::groups(tx)?)))
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rights_by_name_and_by_letter() {
        assert_eq!(rights("read").unwrap().to_string(), "lrs");
        assert_eq!(rights("manage").unwrap(), Rights::ALL);
        assert_eq!(rights("nothing").unwrap(), Rights::NONE);
        assert_eq!(rights("lr").unwrap().to_string(), "lr");
        assert!(rights("everything").unwrap_err().message.contains("`read`"));
    }
}
