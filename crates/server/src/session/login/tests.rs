//! The authenticator over a real store.

use super::*;
use crate::config::ScramSha1;
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
            .password(&peer(None), Claim::own(user), password, "PLAIN")
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
        ..Credentials::default()
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
            sha1: false,
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
    let with_sha1 = Offer {
        tls: Some(&bound),
        plaintext: false,
        tokens: false,
        sha1: true,
    };
    assert_eq!(
        with_sha1.mechanisms()[..4],
        [
            "SCRAM-SHA-256-PLUS",
            "SCRAM-SHA-1-PLUS",
            "SCRAM-SHA-256",
            "SCRAM-SHA-1"
        ]
    );
    let world = World::new().await;
    let (bare, offer) = (peer(None), |plaintext| Offer {
        tls: None,
        plaintext,
        tokens: false,
        sha1: false,
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
        sha1: false,
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
    let (_, result) = exchange(&world, "PLAIN", &[Some(b"no fields")]).await;
    assert!(matches!(result, Err(LoginError::Malformed(_))));
    let (_, result) = exchange(&world, "PLAIN", &[Some(&[b'x'; 5000])]).await;
    assert!(matches!(result, Err(LoginError::Malformed(_))));
}

/// Whose log-in a client tries by SCRAM, and how.
struct Try<'a> {
    hash: Hash,
    user: &'a str,
    authzid: &'a str,
    password: &'a str,
    exporter: Option<[u8; 32]>,
}

/// Alice's, by SCRAM-SHA-256.
const ALICE: Try<'_> = Try {
    hash: Hash::Sha256,
    user: "alice@example.com",
    authzid: "",
    password: "correct horse",
    exporter: None,
};

/// A whole SCRAM exchange of a client.
async fn scram(world: &World, tried: Try<'_>) -> (Result<Login, LoginError>, Option<Vec<u8>>) {
    let (suffix, flag) = match tried.exporter {
        Some(_) => ("-PLUS", "p=tls-exporter"),
        None => ("", "n"),
    };
    let mechanism = match tried.hash {
        Hash::Sha1 => format!("SCRAM-SHA-1{suffix}"),
        Hash::Sha256 => format!("SCRAM-SHA-256{suffix}"),
    };
    let facts = tls(tried.exporter);
    let offer = Offer {
        tls: Some(&facts),
        plaintext: false,
        tokens: false,
        sha1: world.auth.offers_sha1(),
    };
    let mut exchange = world
        .auth
        .begin(&mechanism, offer, &peer(Some(facts.clone())))
        .unwrap();
    let header = match tried.authzid {
        "" => format!("{flag},,"),
        name => format!("{flag},a={name},"),
    };
    let bare = format!("n={},r=fyko+d2lbbFgONRv9qkxdawL", tried.user);
    let Step::Challenge(challenge) = exchange
        .step(&world.auth, Some(format!("{header}{bare}").as_bytes()))
        .await
    else {
        panic!("no challenge");
    };
    let exporter = tried.exporter.as_ref().map_or(&[][..], |value| value);
    let last = client::last(
        tried.hash,
        tried.password,
        &bare,
        &String::from_utf8(challenge).unwrap(),
        &[header.as_bytes(), exporter].concat(),
    );
    match exchange.step(&world.auth, Some(last.as_bytes())).await {
        Step::Done(result, data) => (result, data),
        Step::Challenge(_) => panic!("one challenge too many"),
    }
}

async fn scram_works_with_and_without_channel_binding(world: &World, hash: Hash) {
    for exporter in [None, Some([7; 32])] {
        let right = Try {
            hash,
            exporter,
            ..ALICE
        };
        let wrong = Try {
            password: "wrong",
            ..right
        };
        let (result, data) = scram(world, right).await;
        assert_eq!(result.unwrap().address, "alice@example.com");
        assert!(data.unwrap().starts_with(b"v="));
        let (result, data) = scram(world, wrong).await;
        assert_eq!((result, data), (refused("password"), None));
    }
    let nobody = Try {
        hash,
        user: "nobody@example.com",
        ..ALICE
    };
    assert_eq!(scram(world, nobody).await.0, refused("unknown"));
}

#[tokio::test]
async fn scram_with_and_without_channel_binding() {
    let world = World::new().await;
    scram_works_with_and_without_channel_binding(&world, Hash::Sha256).await;
}

/// RFC 5804 §2.1, RFC 5802: keys for SCRAM-SHA-1 are made of a password that is sent, also one that is remembered, while the setting asks for
/// them; the mechanism is offered when it is on; and turning it off removes the keys.
#[tokio::test]
async fn h36_scram_sha_1_comes_and_goes_with_its_setting() {
    let world = World::new().await;
    assert!(world.password("alice", "correct horse").await.is_ok());
    let keys = async || world.account("alice@example.com").await.credentials;
    let before = keys().await;
    assert_eq!(before.scram_sha1, None);
    world.configure(|auth| auth.scram_sha1 = ScramSha1::Prepare);
    assert!(world.password("alice", "correct horse").await.is_ok());
    let made = async {
        while keys().await.scram_sha1.is_none() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), made)
        .await
        .unwrap();
    assert!(!world.auth.offers_sha1());
    world.configure(|auth| auth.scram_sha1 = ScramSha1::On);
    assert!(world.auth.offers_sha1());
    scram_works_with_and_without_channel_binding(&world, Hash::Sha1).await;
    world.auth.forget_sha1().await;
    assert!(keys().await.scram_sha1.is_some());
    world.configure(|auth| auth.scram_sha1 = ScramSha1::Off);
    world.auth.forget_sha1().await;
    let after = keys().await;
    assert_eq!(after.scram_sha1, None);
    assert!(after.hash.is_some() && after.scram.is_some());
    assert!(!world.auth.offers_sha1());
    assert!(world.password("alice", "correct horse").await.is_ok());
}

/// An account without keys fails as a wrong password does.
#[tokio::test]
async fn h36_scram_sha_1_without_keys_tells_nothing() {
    let world = World::new().await;
    world.configure(|auth| auth.scram_sha1 = ScramSha1::On);
    let sha1 = Try {
        hash: Hash::Sha1,
        ..ALICE
    };
    assert_eq!(scram(&world, sha1).await, (refused("password"), None));
}

/// RFC 4616 §2, RFC 5802 §5.1: each of one's own names is an authorization identity, in any case; another's is refused once the password is
/// right, and whether he exists is not told.
#[tokio::test]
async fn b06_nobody_acts_as_another() {
    let world = World::new().await;
    let bob = hash_password(&world.config.auth, "another horse").await;
    world.add("bob@example.com", bob).await;
    for (authzid, password, expected) in [
        ("alice@example.com", "correct horse", Ok(())),
        ("Alice@Example.com", "correct horse", Ok(())),
        ("alice", "correct horse", Ok(())),
        (
            "bob@example.com",
            "correct horse",
            Err(LoginError::ActsAsAnother),
        ),
        (
            "nobody@example.com",
            "correct horse",
            Err(LoginError::ActsAsAnother),
        ),
        ("a'b", "correct horse", Err(LoginError::ActsAsAnother)),
        ("bob@example.com", "wrong", refused("password")),
    ] {
        let response = format!("{authzid}\0alice@example.com\0{password}");
        let (_, plain) = exchange(&world, "PLAIN", &[Some(response.as_bytes())]).await;
        assert_eq!(plain.map(|_| ()), expected, "PLAIN {authzid}");
        let tried = Try {
            authzid,
            password,
            ..ALICE
        };
        let (scram, data) = scram(&world, tried).await;
        assert_eq!(data.is_some(), expected.is_ok());
        assert_eq!(scram.map(|_| ()), expected, "SCRAM {authzid}");
    }
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
            .password(&elsewhere, Claim::own("alice"), "correct horse", "PLAIN")
            .await
            .is_ok()
    );
    assert!(world.auth.unban("192.0.2.1".parse().unwrap()));
    assert!(world.password("alice", "correct horse").await.is_ok());
}

/// R10: fifty wrong passwords for one account from fifty addresses are reported, once, and slowed; from where the owner has logged in
/// before he gets in meanwhile. Nobody of the fifty is banned.
#[tokio::test]
async fn r10_guesses_from_everywhere_do_not_keep_the_owner_out() {
    let world = World::new().await;
    // What was right is not remembered: it is checked again.
    world.configure(|auth| {
        auth.cache_time = Duration::ZERO;
        auth.failure_delay = Duration::from_millis(200);
    });
    assert!(world.password("alice", "correct horse").await.is_ok());
    let begun = Instant::now();
    let guess = |n: u8| {
        let peer = Peer {
            remote: format!("198.51.100.{n}:40000").parse().unwrap(),
            ..peer(None)
        };
        let auth = &world.auth;
        async move {
            auth.password(&peer, Claim::own("alice"), &format!("guess {n}"), "PLAIN")
                .await
        }
    };
    let mut guesses: Vec<_> = (1..=60).map(|n| Box::pin(guess(n))).collect();
    // All of them wait before the owner comes.
    for guess in &mut guesses {
        let waits = tokio::time::timeout(Duration::ZERO, guess).await;
        assert!(waits.is_err());
    }
    assert!(world.password("alice", "correct horse").await.is_ok());
    let came_in = begun.elapsed();
    for guess in guesses {
        assert_eq!(guess.await.map(|login| login.address), refused("password"));
    }
    // Eight at a time.
    let slowed = begun.elapsed();
    assert!(
        slowed >= Duration::from_millis(1600) && came_in < slowed / 2,
        "{came_in:?} of {slowed:?}"
    );
    assert!(world.auth.bans().is_empty());
    let counted = world.auth.metrics.text();
    let line = "pennyblack_ratelimited_total{kind=\"account_guesses\"} 1";
    assert!(counted.lines().any(|known| known == line), "{counted}");
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
