//! What DNS says of a client's address: its name, and whether the name leads back (A29). Runs beside the dialogue and is waited for
//! when mail begins; a resolver that does not answer delays nobody by more than a few seconds.

use crate::Services;
use crate::gate::{self, Impression};
use crate::journey::ClientName;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tracing::Instrument as _;

/// For all questions together.
const PATIENCE: Duration = Duration::from_secs(5);
/// Names of an address that are tried; an address has one, and an attacker's may have thousands.
const MAX_NAMES: usize = 5;

/// A look-up under way, or its result. Dropped, it is given up.
pub(super) struct LookUp {
    task: Option<JoinHandle<Seen>>,
    seen: Seen,
}

/// The name of a client, and what the gate has to say of it.
#[derive(Clone)]
pub(super) struct Seen {
    pub(super) name: ClientName,
    pub(super) impression: Arc<Impression>,
}

impl Seen {
    fn only(name: ClientName) -> Seen {
        Seen {
            name,
            impression: Arc::default(),
        }
    }
}

/// Whether the gate is asked about a client, or only DNS about its name.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Ask {
    Name,
    Gate,
}

impl LookUp {
    /// Begins to look an address up.
    pub(super) fn begin(services: &Arc<Services>, address: IpAddr, ask: Ask) -> LookUp {
        if address.is_loopback() {
            // RFC 6761 §6.3: no resolver is needed to know this one.
            return LookUp {
                task: None,
                seen: Seen::only(ClientName::Confirmed("localhost".to_owned())),
            };
        }
        let look_up = look_up(services.clone(), address, ask);
        LookUp {
            task: Some(tokio::spawn(look_up.in_current_span())),
            seen: Seen::only(ClientName::Unknown),
        }
    }

    /// The result, as soon as it is there.
    pub(super) async fn result(&mut self) -> &Seen {
        if let Some(task) = self.task.as_mut() {
            self.seen = task
                .await
                .unwrap_or_else(|_| Seen::only(ClientName::Unknown));
            self.task = None;
        }
        &self.seen
    }
}

async fn look_up(services: Arc<Services>, address: IpAddr, ask: Ask) -> Seen {
    let dns = services.dns.clone();
    let name = async move {
        let found = timeout(PATIENCE, confirmed_name(dns.as_ref(), address)).await;
        found.unwrap_or(ClientName::Unknown)
    };
    match ask {
        Ask::Name => Seen::only(name.await),
        Ask::Gate => {
            let (name, impression) = gate::of_client(&services, address, name).await;
            Seen {
                name,
                impression: Arc::new(impression),
            }
        }
    }
}

impl Drop for LookUp {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

async fn confirmed_name(dns: &dyn dns::Resolver, address: IpAddr) -> ClientName {
    let Ok(names) = dns.names(address).await else {
        return ClientName::Unknown;
    };
    let mut failed = false;
    for name in names.iter().take(MAX_NAMES) {
        match dns.addresses(name).await {
            Ok(addresses) if addresses.contains(&address) => {
                return ClientName::Confirmed(name.clone());
            }
            Ok(_) => {}
            Err(_) => failed = true,
        }
    }
    match names.into_iter().next() {
        None => ClientName::None,
        Some(_) if failed => ClientName::Unknown,
        Some(name) => ClientName::Unconfirmed(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dns::{Answer, Error, MxAnswer};

    /// Names and addresses; a name that begins with `away` cannot be looked up.
    struct Zone(
        Result<Vec<String>, Error>,
        Vec<(&'static str, &'static str)>,
    );

    impl dns::Resolver for Zone {
        fn mx<'a>(&'a self, _: &'a str) -> Answer<'a, MxAnswer> {
            Box::pin(async { Ok(MxAnswer::NoRecord) })
        }
        fn addresses<'a>(&'a self, host: &'a str) -> Answer<'a, Vec<IpAddr>> {
            Box::pin(async move {
                if host.starts_with("away") {
                    return Err(Error("no answer".into()));
                }
                let found = self.1.iter().filter(|(name, _)| *name == host);
                Ok(found.map(|(_, address)| address.parse().unwrap()).collect())
            })
        }
        fn names<'a>(&'a self, _: IpAddr) -> Answer<'a, Vec<String>> {
            let names = self.0.clone();
            Box::pin(async move { names })
        }
        fn txt<'a>(&'a self, _: &'a str) -> Answer<'a, Vec<String>> {
            Box::pin(async { Ok(Vec::new()) })
        }
    }

    /// A29: absent, not leading back, and not answered are three things.
    #[tokio::test]
    async fn a29_names_of_an_address() {
        let zone = vec![
            ("mail.example", "192.0.2.9"),
            ("other.example", "192.0.2.1"),
        ];
        let ask = |names: Result<Vec<&str>, Error>| {
            let zone = Zone(
                names.map(|names| names.into_iter().map(str::to_owned).collect()),
                zone.clone(),
            );
            async move { confirmed_name(&zone, "192.0.2.9".parse().unwrap()).await }
        };
        let confirmed = ClientName::Confirmed("mail.example".into());
        assert_eq!(
            ask(Ok(vec!["other.example", "mail.example"])).await,
            confirmed
        );
        let unconfirmed = ClientName::Unconfirmed("other.example".into());
        assert_eq!(ask(Ok(vec!["other.example"])).await, unconfirmed);
        assert_eq!(ask(Ok(vec![])).await, ClientName::None);
        assert_eq!(ask(Ok(vec!["away.example"])).await, ClientName::Unknown);
        assert_eq!(ask(Err(Error("down".into()))).await, ClientName::Unknown);
    }
}
