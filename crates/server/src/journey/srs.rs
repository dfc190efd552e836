//! Senders of forwarded mail in a domain of ours (SRS; K19 to K21): made when a message is passed on, and read when a bounce of it
//! comes back. How they are written is `mailauth`'s; the secret lies in the store.
//!
//! Whoever passes mail on by other ways than an alias (a redirect) asks [`rewritten`] too.

use crate::Services;
use mailauth::srs::SrsFault;
use message::Address;
use store::domain;

/// What a recipient's address is.
pub(crate) enum Rewritten {
    /// Not a rewritten one of ours.
    No,
    /// It stands for this sender.
    From(Address),
    /// It is written like one, and stands for nobody.
    Wrong(String),
}

/// The sender behind an address that mail comes to.
pub(crate) async fn original(services: &Services, path: &Address) -> store::Result<Rewritten> {
    let now = services.clock.now();
    if !mailauth::srs::is_rewritten(path.local()) || !is_hosted(services, path).await? {
        return Ok(Rewritten::No);
    }
    let srs = services.keys.srs(&services.store, now).await?;
    Ok(match srs.original(path.local(), now.as_second()) {
        None => Rewritten::No,
        Some(Ok(original)) => match Address::parse(&original) {
            Ok(original) => Rewritten::From(original),
            Err(_) => Rewritten::Wrong(SrsFault::Malformed.to_string()),
        },
        Some(Err(fault)) => Rewritten::Wrong(fault.to_string()),
    })
}

/// The reverse-path of a message from `sender` that goes on by an address of `domain`, which must be hosted here. `None`: the sender
/// stays, since it is ours (K21), since the settings say so, or since no address can be made of it.
pub(crate) async fn rewritten(
    services: &Services,
    sender: &Address,
    domain: &str,
) -> store::Result<Option<String>> {
    let wanted = services.config.load().authentication.srs;
    if !wanted || is_hosted(services, sender).await? {
        return Ok(None);
    }
    let now = services.clock.now();
    let srs = services.keys.srs(&services.store, now).await?;
    let local = srs.rewritten(sender.local(), sender.domain(), now.as_second());
    match Address::parse(&format!("{local}@{domain}")) {
        Ok(path) => Ok(Some(path.to_string())),
        // Longer than an address may be: SPF will fail there, but the mail goes.
        Err(why) => {
            tracing::warn!(%sender, error = %why, "a sender cannot be rewritten");
            Ok(None)
        }
    }
}

async fn is_hosted(services: &Services, address: &Address) -> store::Result<bool> {
    let name = address.domain().to_ascii_lowercase();
    let found = services.store.read(move |tx| domain::by_name(tx, &name));
    Ok(found.await?.is_some())
}
