//! The authenticator over a real store.

use super::*;
use crate::session::sasl::Step;
use crate::session::sasl::scram::client;
use crate::session::tls::TlsFacts;
use crate::session::{Protocol, SessionId};
use std::time::Duration;
use store::account::NewAccount;
use store::domain::{self, Domain};
use tokio::time::Instant;

/// `correct horse` (fixtures, B9).
const BCRYPT: &str = "$2b$08$I5XEVt27r8XTsFEPH0jYf.LImmCs0.3Nbb7/XXVfxNhPDHkUuIltK";

struct World {
    auth: Authenticator,
    config: Config,
    store: Store,
    _data: tempfile::TempDir,
}

impl World {
    /// example.com with alice, whose password is `correct horse`.
    async fn new() -> World {
        let data = tempfile::tempdir().unwrap();
        let options = store::Options {
            data: data.path().into(),
            engine: store::Engine::Sqlite,
            key: None,
            free_floor: 0,
        };
        let store = Store::open(&options).unwrap();
        let mut config = Config::with_defaults("mx1.example.com", "example.com", data.path());
        config.auth = AuthSettings {
            argon2_memory: 64,
            argon2_passes: 1,
            failure_delay: Duration::from_millis(20),
            ..config.auth
        };
        let nobody = "127.0.0.1:1".parse().unwrap();
        let means = Means {
            dns: Arc::new(dns::Lookups::forwarding(&[nobody], &dns::Validation::Off).unwrap()),
            tls: Arc::new(crate::session::tls::Tls::load(&config).unwrap()),
            clock: Arc::new(crate::SystemClock),
        };
        let auth = Authenticator::new(&config, store.clone(), Metrics::new(), means).unwrap();
        let world = World {
            auth,
            config: config.clone(),
            store,
            _data: data,
        };
        world.add_domain("example.com").await;
        world
            .add(
                "alice@example.com",
                hash_password(&config.auth, "correct horse").await,
            )
            .await;
        world
    }

    /// Takes over other settings.
    fn configure(&self, change: impl FnOnce(&mut AuthSettings)) {
        let mut config = self.config.clone();
        config.auth = (*self.auth.checker.settings.load_full()).clone();
        change(&mut config.auth);
        self.auth.configure(&config);
    }

    async fn add_domain(&self, name: &str) {
        let domain = Domain {
            name: name.into(),
            alias_of: None,
            active: true,
        };
        self.store
            .write(move |tx| domain::add(tx, &domain))
            .await
            .unwrap();
    }

    async fn add(&self, address: &str, credentials: Credentials) -> AccountId {
        let new = NewAccount {
            address: address.into(),
            name: String::new(),
            credentials,
            quota: None,
            mailboxes: Vec::new(),
        };
        self.store
            .write(move |tx| account::add(tx, &new))
            .await
            .unwrap()
    }

    async fn account(&self, address: &'static str) -> Account {
        self.store
            .read(move |tx| account::by_address(tx, address))
            .await
            .unwrap()
            .unwrap()
    }

    async fn password(&self, user: &str, password: &str) -> Result<String, LoginError> {
        self.auth
            .password(&peer(None), user, password, "PLAIN")
            .await
            .map(|login| login.address)
    }
}

fn peer(tls: Option<TlsFacts>) -> Peer {
    Peer {
        protocol: Protocol::Imap,
        session: SessionId(1),
        remote: "192.0.2.1:50000".parse().unwrap(),
        local: "192.0.2.2:993".parse().unwrap(),
        tls,
    }
}

fn tls(exporter: Option<[u8; 32]>) -> TlsFacts {
    TlsFacts {
        version: "TLSv1.3",
        cipher: String::new(),
        server_name: None,
        exporter,
    }
}

fn refused<T>(reason: &'static str) -> Result<T, LoginError> {
    Err(LoginError::Refused(reason))
}

/// B6, B7
#[tokio::test]
async fn b07_short_names_belong_to_the_only_domain() {
    let world = World::new().await;
    for name in ["alice@example.com", "Alice@Example.COM", "alice"] {
        assert_eq!(
            world.password(name, "correct horse").await,
            Ok("alice@example.com".into()),
            "{name}"
        );
    }
    world.add_domain("example.net").await;
    assert_eq!(
        world.password("alice", "correct horse").await,
        refused("unknown")
    );
}

/// B7: with several domains, short names belong to the default one, as soon as it is set; full names are not touched by it.
#[tokio::test]
async fn b07_short_names_belong_to_the_default_domain() {
    let world = World::new().await;
    world.add_domain("example.net").await;
    assert_eq!(
        world.password("alice", "correct horse").await,
        refused("unknown")
    );
    for (default, expected) in [
        ("example.com", Ok("alice@example.com".into())),
        ("example.net", refused("unknown")),
    ] {
        world.configure(|auth| auth.default_domain = Some(default.into()));
        assert_eq!(world.password("alice", "correct horse").await, expected);
        assert!(
            world
                .password("alice@example.com", "correct horse")
                .await
                .is_ok()
        );
    }
}

/// B23, B24, B25: every refusal takes as long, and only the log knows the reason.
#[tokio::test]
async fn b25_failures_look_alike() {
    let world = World::new().await;
    let disabled = world
        .add(
            "bob@example.com",
            world.account("alice@example.com").await.credentials,
        )
        .await;
    world
        .store
        .write(move |tx| account::set_active(tx, disabled, false))
        .await
        .unwrap();
    let delay = Duration::from_millis(300);
    world.configure(|auth| auth.failure_delay = delay);
    for (user, password, reason) in [
        ("alice@example.com", "wrong", "password"),
        ("alice@example.com", "", "password"),
        ("nobody@example.com", "correct horse", "unknown"),
        ("bob@example.com", "correct horse", "disabled"),
        ("bob@example.com", "wrong", "password"),
        ("a'b@example.com", "correct horse", "name"),
    ] {
        let begun = Instant::now();
        assert_eq!(
            world.password(user, password).await,
            refused(reason),
            "{user}"
        );
        assert!(begun.elapsed() >= delay, "{user}");
    }
}

/// B22: a changed password counts at once, both ways.
#[tokio::test]
async fn b22_a_password_change_works_at_once() {
    let world = World::new().await;
    world.configure(|auth| auth.failure_delay = Duration::ZERO);
    assert!(world.password("alice", "correct horse").await.is_ok());
    assert_eq!(
        world.password("alice", "new horse").await,
        refused("password")
    );
    let account = world.account("alice@example.com").await;
    let settings = world.auth.checker.settings.load_full();
    let new = hash_password(&settings, "new horse").await;
    world
        .store
        .write(move |tx| account::set_credentials(tx, account.id, &new))
        .await
        .unwrap();
    assert_eq!(
        world.password("alice", "correct horse").await,
        refused("password")
    );
    assert!(world.password("alice", "new horse").await.is_ok());
}

/// B22, W20: remembered log-ins cost no hash.
#[tokio::test]
async fn b22_w20_a_hundred_log_ins_cost_one_hash() {
    let world = World::new().await;
    assert!(world.password("alice", "correct horse").await.is_ok());
    let _no_hash_can_be_computed = HASHERS.acquire_many(2).await.unwrap();
    for _ in 0..100 {
        assert!(world.password("alice", "correct horse").await.is_ok());
    }
}

/// Y12: an imported hash is replaced by argon2id and a SCRAM verifier.
#[tokio::test]
async fn y12_old_hashes_are_replaced_at_log_in() {
    let world = World::new().await;
    let imported = Credentials {
        hash: Some(BCRYPT.into()),
        scram: None,
    };
    world.add("old@example.com", imported).await;
    assert!(
        world
            .password("old@example.com", "correct horse")
            .await
            .is_ok()
    );
    let renewed = async {
        while world
            .account("old@example.com")
            .await
            .credentials
            .scram
            .is_none()
        {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), renewed)
        .await
        .unwrap();
    let credentials = world.account("old@example.com").await.credentials;
    assert!(credentials.hash.unwrap().starts_with("$argon2id$"));
    assert!(
        world
            .password("old@example.com", "correct horse")
            .await
            .is_ok()
    );
}

/// B5: what is announced, and that nothing else is taken.
#[tokio::test]
async fn b05_no_tls_no_mechanism() {
    let offered = |tls: Option<&TlsFacts>, plaintext, tokens| {
        Offer {
            tls,
            plaintext,
            tokens,
        }
        .mechanisms()
    };
    let bound = tls(Some([0; 32]));
    assert_eq!(offered(None, false, true), [""; 0]);
    assert_eq!(
        offered(None, true, false),
        ["SCRAM-SHA-256", "PLAIN", "LOGIN"]
    );
    assert_eq!(
        offered(Some(&bound), false, true),
        [
            "SCRAM-SHA-256-PLUS",
            "SCRAM-SHA-256",
            "OAUTHBEARER",
            "XOAUTH2",
            "PLAIN",
            "LOGIN"
        ]
    );
    let world = World::new().await;
    let (bare, offer) = (peer(None), |plaintext| Offer {
        tls: None,
        plaintext,
        tokens: false,
    });
    assert!(matches!(
        world.auth.begin("PLAIN", offer(false), &bare),
        Err(LoginError::Malformed(_))
    ));
    assert!(world.auth.begin("plain", offer(true), &bare).is_ok());
    assert!(matches!(
        world.auth.begin("CRAM-MD5", offer(true), &bare),
        Err(LoginError::Malformed(_))
    ));
}

/// Feeds responses; the last step must end the exchange.
async fn exchange(
    world: &World,
    mechanism: &str,
    responses: &[Option<&[u8]>],
) -> (Vec<Vec<u8>>, Result<Login, LoginError>) {
    let offer = Offer {
        tls: None,
        plaintext: true,
        tokens: false,
    };
    let mut exchange = world.auth.begin(mechanism, offer, &peer(None)).unwrap();
    let mut challenges = Vec::new();
    for response in responses {
        match exchange.step(&world.auth, *response).await {
            Step::Challenge(challenge) => challenges.push(challenge),
            Step::Done(result, _) => return (challenges, result),
        }
    }
    panic!("the exchange did not end");
}

/// B5: with and without initial response.
#[tokio::test]
async fn b05_plain_and_login() {
    let world = World::new().await;
    let plain: &[u8] = b"\0alice@example.com\0correct horse";
    for responses in [&[Some(plain)][..], &[None, Some(plain)]] {
        let (_, result) = exchange(&world, "PLAIN", responses).await;
        assert_eq!(result.unwrap().address, "alice@example.com");
    }
    let (name, password): (&[u8], &[u8]) = (b"alice@example.com", b"correct horse");
    for responses in [
        &[Some(name), Some(password)][..],
        &[None, Some(name), Some(password)],
    ] {
        let (challenges, result) = exchange(&world, "LOGIN", responses).await;
        assert_eq!(result.unwrap().mechanism, "LOGIN");
        assert_eq!(challenges.last().unwrap(), b"Password:");
    }
    let (_, result) = exchange(
        &world,
        "PLAIN",
        &[Some(b"bob@example.com\0alice@example.com\0correct horse")],
    )
    .await;
    assert_eq!(result, refused("authzid"));
    let (_, result) = exchange(&world, "PLAIN", &[Some(b"no fields")]).await;
    assert!(matches!(result, Err(LoginError::Malformed(_))));
    let (_, result) = exchange(&world, "PLAIN", &[Some(&[b'x'; 5000])]).await;
    assert!(matches!(result, Err(LoginError::Malformed(_))));
}

/// A whole SCRAM exchange of a client.
async fn scram(
    world: &World,
    user: &str,
    password: &str,
    exporter: Option<[u8; 32]>,
) -> (Result<Login, LoginError>, Option<Vec<u8>>) {
    let (mechanism, header) = match exporter {
        Some(_) => ("SCRAM-SHA-256-PLUS", "p=tls-exporter,,"),
        None => ("SCRAM-SHA-256", "n,,"),
    };
    let facts = tls(exporter);
    let offer = Offer {
        tls: Some(&facts),
        plaintext: false,
        tokens: false,
    };
    let mut exchange = world
        .auth
        .begin(mechanism, offer, &peer(Some(facts.clone())))
        .unwrap();
    let bare = format!("n={user},r=fyko+d2lbbFgONRv9qkxdawL");
    let Step::Challenge(challenge) = exchange
        .step(&world.auth, Some(format!("{header}{bare}").as_bytes()))
        .await
    else {
        panic!("no challenge");
    };
    let input = [header.as_bytes(), exporter.as_ref().map_or(&[], |e| &e[..])].concat();
    let last = client::last(
        password,
        &bare,
        &String::from_utf8(challenge).unwrap(),
        &input,
    );
    match exchange.step(&world.auth, Some(last.as_bytes())).await {
        Step::Done(result, data) => (result, data),
        Step::Challenge(_) => panic!("one challenge too many"),
    }
}

#[tokio::test]
async fn scram_with_and_without_channel_binding() {
    let world = World::new().await;
    for exporter in [None, Some([7; 32])] {
        let (result, data) = scram(&world, "alice@example.com", "correct horse", exporter).await;
        assert_eq!(result.unwrap().address, "alice@example.com");
        assert!(data.unwrap().starts_with(b"v="));
        let (result, data) = scram(&world, "alice@example.com", "wrong", exporter).await;
        assert_eq!((result, data), (refused("password"), None));
    }
    let (result, _) = scram(&world, "nobody@example.com", "correct horse", None).await;
    assert_eq!(result, refused("unknown"));
}

/// U6: fifty different guesses ban the address; the same one again and again does not, and others get in.
#[tokio::test]
async fn u06_guesses_ban_an_address_and_repetitions_do_not() {
    let world = World::new().await;
    world.configure(|auth| auth.failure_delay = Duration::ZERO);
    for _ in 0..60 {
        assert_eq!(
            world.password("alice", "last year's").await,
            refused("password")
        );
    }
    for guess in 0..49 {
        assert_eq!(
            world.password("alice", &format!("guess {guess}")).await,
            refused("password")
        );
    }
    assert_eq!(
        world.password("alice", "correct horse").await,
        refused("banned")
    );
    let elsewhere = Peer {
        remote: "198.51.100.7:40000".parse().unwrap(),
        ..peer(None)
    };
    assert!(
        world
            .auth
            .password(&elsewhere, "alice", "correct horse", "PLAIN")
            .await
            .is_ok()
    );
    assert!(world.auth.unban("192.0.2.1".parse().unwrap()));
    assert!(world.password("alice", "correct horse").await.is_ok());
}

/// The salt of an unknown user is the same after a restart.
#[test]
fn the_secret_is_kept() {
    let data = tempfile::tempdir().unwrap();
    let path = data.path().join("auth.secret");
    let first = kept_secret(&path).unwrap();
    assert_eq!(kept_secret(&path).unwrap(), first);
    std::fs::write(&path, "short").unwrap();
    assert_eq!(kept_secret(&path).unwrap().len(), 32);
}
