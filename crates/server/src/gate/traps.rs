//! Traps (J15): addresses that nobody has and that only harvested lists hold. A stranger that writes to one is black for a day.
//!
//! Somebody white is not caught: one mistyped address must not cost a friend his mail.

use super::host;
use crate::Services;
use jiff::Timestamp;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use store::Tx;
use store::gate::{greylist, trap};

/// Addresses that are kept in memory; the store has them all.
const KEPT: usize = 262_144;

/// Who is caught, until when. By the text form of the host, as in the store.
#[derive(Default)]
pub(super) struct Trapped(Mutex<HashMap<String, Timestamp>>);

impl Trapped {
    pub(super) fn replace(&self, caught: &[trap::Trapped]) {
        let caught = caught.iter().take(KEPT);
        let map = caught.map(|one| (one.who.clone(), one.expire)).collect();
        *self.lock() = map;
    }

    pub(super) fn holds(&self, now: Timestamp, address: IpAddr) -> bool {
        let caught = self.lock();
        !caught.is_empty() && caught.get(&key(address)).is_some_and(|until| *until > now)
    }

    fn add(&self, who: String, until: Timestamp, now: Timestamp) {
        let mut caught = self.lock();
        if caught.len() >= KEPT {
            caught.retain(|_, until| *until > now);
        }
        if caught.len() < KEPT {
            caught.insert(who, until);
        }
    }

    /// Nothing panics under the lock.
    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Timestamp>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The key of a host.
pub(crate) fn key(address: IpAddr) -> String {
    format!("ip:{}", host(address).first())
}

/// Whether mail to this address is mail to a trap.
pub(crate) fn is_trap(tx: &mut Tx<'_>, address: &str) -> store::Result<bool> {
    trap::is_trap(tx, address)
}

/// J16: a stranger tried to send through us, if the settings make a trap of that.
pub(crate) async fn tried_to_relay(
    services: &Services,
    address: IpAddr,
    recipient: &str,
) -> store::Result<()> {
    if services.config.load().gate.trap_relaying {
        caught(services, address, recipient).await?;
    }
    Ok(())
}

/// J16: a stranger that came straight to an address of ours which only those should know who were at another one.
pub(crate) async fn came_to_low_mx(
    services: &Services,
    address: IpAddr,
    ours: IpAddr,
) -> store::Result<()> {
    if !services
        .gate
        .rules
        .load()
        .low_mx
        .contains(ours.to_canonical())
    {
        return Ok(());
    }
    let who = spam::gate::greylist::Who::classic(address);
    let keys: Vec<String> = who.iter().map(ToString::to_string).collect();
    let known = services.store.read(move |tx| {
        for key in &keys {
            if greylist::is_grey(tx, key)? {
                return Ok(true);
            }
        }
        Ok(false)
    });
    if !known.await? {
        let place = format!("{} straight away", ours.to_canonical());
        caught(services, address, &place).await?;
    }
    Ok(())
}

/// This client wrote to a trap. True if it is caught, false if it is somebody we know.
pub(crate) async fn caught(
    services: &Services,
    address: IpAddr,
    trap: &str,
) -> store::Result<bool> {
    let rules = services.gate.rules.load_full();
    if super::is_ours(address) || rules.never.contains(address) {
        return Ok(false);
    }
    let now = services.clock.now();
    let expire = now
        .checked_add(rules.times.trapped)
        .unwrap_or(Timestamp::MAX);
    let (who, network) = (key(address), super::greylist::network_key(address));
    let one = trap::Trapped {
        who: who.clone(),
        trap: trap.to_owned(),
        expire,
    };
    let caught = services
        .store
        .write(move |tx| {
            let known = [&one.who, &network].map(|who| greylist::white(tx, who));
            for white in known {
                if white?.is_some_and(|record| record.expire > now) {
                    return Ok(false);
                }
            }
            trap::catch(tx, &one)?;
            Ok(true)
        })
        .await?;
    if caught {
        services.gate.trapped.add(who, expire, now);
        tracing::info!(raddr = %address, trap, until = %expire, "wrote to a trap");
    }
    Ok(caught)
}
