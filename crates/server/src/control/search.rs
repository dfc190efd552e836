//! Search indexes: how they are, and making them anew (F8, U49).

use super::{Failure, World};
use crate::config::SearchIndex;
use crate::search::{Progress, progress, rebuild};
use serde::{Deserialize, Serialize};
use store::account::{self, Account};

/// What can be asked for.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Request {
    /// How the indexes of these accounts are.
    List(Accounts),
    /// Throws them away and makes them anew. Answered when that is done; meanwhile `List` tells how far it is.
    Rebuild(Accounts),
}

/// Which accounts.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Accounts {
    /// These addresses.
    These(Vec<String>),
    /// All there are.
    All,
}

/// What came of it: the accounts in order.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Answer(pub Vec<View>);

/// An account and its index.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct View {
    /// Its address.
    pub account: String,
    /// How far its index is; none: it has no index.
    pub index: Option<Progress>,
}

pub(super) async fn execute(world: &World, request: Request) -> Result<Answer, Failure> {
    let (accounts, anew) = match request {
        Request::List(accounts) => (accounts, false),
        Request::Rebuild(accounts) => (accounts, true),
    };
    if anew {
        allowed(world)?;
    }
    let mut views = Vec::new();
    for found in find(world, accounts).await? {
        if anew {
            rebuild(&world.store, &world.config, found.id).await?;
        }
        views.push(View {
            index: progress(&world.store, found.id).await?,
            account: found.address,
        });
    }
    Ok(Answer(views))
}

/// An index that would be removed within a minute, or that shows what is encrypted elsewhere, is not made.
fn allowed(world: &World) -> Result<(), Failure> {
    match world.config.search.index {
        SearchIndex::Never => Err(Failure::refused(
            "there are no search indexes, since search.index is \"never\"",
        )),
        SearchIndex::Auto if world.store.is_encrypted() => Err(Failure::refused(
            "mail is encrypted on disk, and what is in a search index can be read: it is only made if search.index is \"always\"",
        )),
        SearchIndex::Auto | SearchIndex::Always => Ok(()),
    }
}

async fn find(world: &World, accounts: Accounts) -> Result<Vec<Account>, Failure> {
    let Accounts::These(addresses) = accounts else {
        return Ok(world.store.read(account::list).await?);
    };
    let mut found = Vec::with_capacity(addresses.len());
    for address in addresses {
        let wanted = super::address(&address)?.to_string();
        let known = world.store.read(move |tx| account::by_address(tx, &wanted));
        let missing = || Failure::missing(format!("there is no account {address}"));
        found.push(known.await?.ok_or_else(missing)?);
    }
    Ok(found)
}
