//! A server in the test's own process: a store in a temporary folder, DNS from a table, a clock that is turned by hand, listeners on
//! ephemeral loopback ports, and the accounts that dialogs speak of.
//!
//! End every test with [`World::finish`]: it stops the server and checks the store.

#![allow(dead_code)] // each test uses its part

mod dns;
pub(crate) mod http;
pub(crate) mod issuer;
mod people;

use dns::Table;
use jiff::{SignedDuration, Timestamp};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use server::config::{Config, PlaintextAuth};
use server::control::{self, Client, gate};
use server::listen::{Bound, Kind};
use server::run::{Parts, Server};
use server::{Clock, Services};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// The password of every account.
pub(crate) const PASSWORD: &str = "correct horse";

/// How a world differs from the usual one.
#[derive(Default)]
pub(crate) struct Setup {
    /// Lines of configuration, `section.name` and value.
    pub(crate) settings: Vec<(String, String)>,
    /// Whether look-ups work.
    pub(crate) dns: Dns,
}

/// Whether look-ups work.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Dns {
    /// From a table.
    #[default]
    Works,
    /// Every look-up fails.
    Down,
}

/// A running server and what is around it.
pub(crate) struct World {
    server: Option<Server>,
    bound: Bound,
    services: Arc<Services>,
    clock: Arc<HandClock>,
    folder: PathBuf,
}

/// A clock that is turned by hand; it starts at the machine's time.
struct HandClock(Mutex<Timestamp>);

impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().expect("not poisoned")
    }
}

impl World {
    /// The usual world.
    pub(crate) async fn start() -> World {
        World::start_with(&Setup::default()).await
    }

    /// A world with differences.
    pub(crate) async fn start_with(setup: &Setup) -> World {
        let folder = tempfile::Builder::new()
            .prefix("pennyblack-world-")
            .tempdir()
            .expect("a temporary folder")
            .keep();
        let clock = Arc::new(HandClock(Mutex::new(Timestamp::now())));
        let parts = Parts {
            dns: Some(Arc::new(Table(setup.dns))),
            clock: clock.clone(),
            file: None,
        };
        let config = configuration(setup, &folder);
        let server = Server::start(config, parts)
            .await
            .expect("the server starts");
        let services = server.services.clone();
        people::move_in(&services).await;
        World {
            bound: server.addresses().clone(),
            server: Some(server),
            services,
            clock,
            folder,
        }
    }

    /// Handles to everything in the server.
    pub(crate) fn services(&self) -> &Arc<Services> {
        &self.services
    }

    /// Where a listener listens.
    pub(crate) fn address(&self, listener: Kind) -> SocketAddr {
        self.bound.of(listener)[0]
    }

    /// Where the management listener is.
    pub(crate) fn manage(&self) -> SocketAddr {
        self.bound.manage[0]
    }

    /// The TLS of a client that trusts the server's own authority.
    pub(crate) fn client_tls(&self) -> Result<rustls::ClientConfig, String> {
        let file = self.folder.join("data/tls/ca.pem");
        let ca =
            CertificateDer::from_pem_file(&file).map_err(|e| format!("{}: {e}", file.display()))?;
        let mut roots = rustls::RootCertStore::empty();
        roots.add(ca).map_err(|e| e.to_string())?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|e| e.to_string())?;
        Ok(builder.with_root_certificates(roots).with_no_client_auth())
    }

    /// Turns the server's clock forward.
    pub(crate) fn advance(&self, time: Duration) {
        let mut now = self.clock.0.lock().expect("not poisoned");
        *now += SignedDuration::try_from(time).expect("a time that fits");
    }

    /// How many messages a mailbox holds.
    pub(crate) async fn messages_in(&self, address: &str, mailbox: &str) -> Result<u32, String> {
        let (address, mailbox) = (address.to_string(), mailbox.to_string());
        let read = self.services.store.read(move |tx| {
            let Some(account) = store::account::by_address(tx, &address)? else {
                return Ok(None);
            };
            let mailbox = store::mailbox::by_name(tx, account.id, &mailbox)?;
            Ok(mailbox.map(|mailbox| mailbox.messages))
        });
        let found = read.await.map_err(|e| e.to_string())?;
        found.ok_or_else(|| "there is no such mailbox".into())
    }

    /// How many messages the outbound queue holds.
    pub(crate) async fn queued(&self) -> Result<usize, String> {
        let read = self
            .services
            .store
            .read(|tx| store::queue::list(tx, None, 1000));
        read.await
            .map(|queued| queued.len())
            .map_err(|e| e.to_string())
    }

    /// Has the administrator ban a network.
    pub(crate) async fn ban(&self, network: &str) -> Result<(), String> {
        let ban = gate::Request::Ban {
            network: network.into(),
            reason: String::new(),
            lasts: None,
        };
        self.gate(ban).await.map(|_| ())
    }

    /// Has the administrator make a trap.
    pub(crate) async fn trap(&self, address: &str) -> Result<(), String> {
        let trap = gate::Request::Edit {
            kind: gate::Kind::SpamTrap,
            edit: gate::Edit::Add,
            keys: vec![address.into()],
        };
        self.gate(trap).await.map(|_| ())
    }

    /// Has a command carried out through the control socket.
    pub(crate) async fn gate(&self, request: gate::Request) -> Result<gate::Answer, String> {
        let config = Config::clone(&self.services.config.load());
        let mut client = Client::connect(config).await.map_err(|e| e.to_string())?;
        let answer = client.execute(control::Request::Gate(request)).await;
        match answer.map_err(|e| e.to_string())? {
            control::Answer::Gate(answer) => Ok(answer),
            other => Err(format!("{other:?}")),
        }
    }

    /// Stops the server and checks its store.
    pub(crate) async fn finish(mut self) {
        if let Some(server) = self.server.take() {
            server.stop().await;
        }
        let report = self
            .services
            .store
            .check()
            .await
            .expect("the store can be checked");
        assert_eq!(report.faults, Vec::<String>::new(), "the store has faults");
    }
}

/// What a failed test leaves is kept and named.
impl Drop for World {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!(
                "evidence of the failed test is in {}",
                self.folder.display()
            );
        } else {
            let _ = std::fs::remove_dir_all(&self.folder);
        }
    }
}

/// The settings of the world: quick passwords, no waiting, and what the test asks for.
fn configuration(setup: &Setup, folder: &Path) -> Config {
    let mut text = String::from(
        "hostname = \"mx1.example.com\"\ndomain = \"example.com\"\ndata = \"data\"\nuser = \"root\"\n\
         auth.failure_delay = \"0s\"\nqueue.port = 9\n",
    );
    for (key, value) in &setup.settings {
        text += &format!("{key} = {value}\n");
    }
    // Letters come when they come: only where a test is about them.
    if !setup
        .settings
        .iter()
        .any(|(key, _)| key == "mail.quota_warnings")
    {
        text += "mail.quota_warnings = []\n";
    }
    let loaded = Config::parse(&text, &folder.join("pennyblack.toml"));
    let mut config = loaded.unwrap_or_else(|faults| panic!("{faults}")).config;
    // Less than a file may ask for: hashing well is not what these tests are about.
    config.auth.argon2_memory = 64;
    config.auth.argon2_passes = 1;
    let any_port = vec![SocketAddr::from((Ipv4Addr::LOCALHOST, 0))];
    let listen = &mut config.listen;
    for listener in [
        &mut listen.smtp,
        &mut listen.submission,
        &mut listen.submissions,
        &mut listen.imap,
        &mut listen.imaps,
        &mut listen.lmtp,
        &mut listen.managesieve,
        &mut listen.pop3,
        &mut listen.pop3s,
    ] {
        listener.addresses = any_port.clone();
        if !setup
            .settings
            .iter()
            .any(|(key, _)| key.ends_with(".plaintext_auth"))
        {
            listener.plaintext_auth = PlaintextAuth::Loopback;
        }
    }
    config
}
