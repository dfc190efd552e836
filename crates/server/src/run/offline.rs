//! What a command needs when no server runs: the lock of the data directory, and the store.

use super::start::{StartError, add_domain, open_store, store_options};
use super::{Holder, Instance, LockError, privileges};
use crate::config::Config;
use store::Store;

/// Takes the data directory for this process. Root becomes the owner of the directory, so that the server can use what is made.
pub(crate) fn claim(config: &Config) -> Result<Instance, LockError> {
    let unusable = |why| LockError::Unusable {
        path: config.data.display().to_string(),
        why,
    };
    let target = privileges::target(config.user.as_deref()).map_err(LockError::NoUser)?;
    privileges::data_directory(&config.data, target.as_ref()).map_err(unusable)?;
    privileges::become_owner(&config.data).map_err(unusable)?;
    Instance::lock(&config.data, Holder::Command)
}

/// Opens the store as the server would.
pub(crate) async fn open(config: &Config) -> Result<Store, StartError> {
    let store = open_store(store_options(config)?).await?;
    store.keep_removed(config.mail.kept_removed());
    add_domain(&store, &config.domain).await?;
    Ok(store)
}
