//! Who is it? Passwords and proofs are checked here, for every protocol and mechanism, and each failure is logged here in one form.
//!
//! A try goes: harmless name (B24) → account, read from the store each time → remembered verdict (B22) → its turn (B23) → the hash,
//! on a blocking thread. What a failed try learns, and when, is the same for unknown users, wrong passwords and disabled accounts.

mod bans;
mod cache;
mod claim;
mod hash;
mod lanes;
mod name;
mod report;
mod token;
mod turns;

pub use bans::Ban;
pub use claim::Claim;
pub use hash::hash_fault;
pub use name::domain_of_short_names;

use super::Peer;
use super::limits::Source;
use super::metrics::Metrics;
use super::sasl::scram::{Hash, Verifier};
use super::sasl::{Exchange, Offer};
use crate::config::{AuthSettings, Config, FetchSettings, ScramSha1};
use arc_swap::ArcSwap;
use aws_lc_rs::hmac;
use bans::Bans;
use base64::Engine as _;
use cache::{Cache, Key, Verdict};
use hash::Unsupported;
use lanes::Try;
use name::LoginName;
use std::io::{self, Write as _};
use std::net::IpAddr;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::Arc;
use store::account::{self, Account, Credentials};
use store::{AccountId, Store};
use token::Issuer;
use token::Judgement;
pub use token::Means;
use tokio::sync::Semaphore;
use turns::Turns;

/// Hashes computed at once: each takes 64 MiB by default.
static HASHERS: Semaphore = Semaphore::const_new(2);

/// A proved identity: only [`Authenticator`] makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    /// The account.
    pub account: AccountId,
    /// Its primary address.
    pub address: String,
    /// The SASL mechanism, e.g. `PLAIN`.
    pub mechanism: &'static str,
}

/// Why a log-in failed. The client is told less than the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoginError {
    /// Wrong user or password, a disabled account, a forbidden name: the client cannot tell which. The word is for the log.
    Refused(&'static str),
    /// The password or proof was right, but nobody may act as somebody else here (RFC 4616 §2, RFC 5802 §5.1; IMAP `[AUTHORIZATIONFAILED]`).
    ActsAsAnother,
    /// Could not check now: temporary (RFC 4954 454, IMAP `[UNAVAILABLE]`).
    Unavailable(String),
    /// The exchange broke the mechanism's rules (501, BAD).
    Malformed(&'static str),
}

/// Whom a try turned out to be.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Found {
    account: AccountId,
    address: String,
}

type Outcome = Result<Found, LoginError>;

/// Checks passwords against the store.
pub struct Authenticator {
    checker: Arc<Checker>,
    turns: Turns,
    bans: Bans,
    metrics: Metrics,
    /// Makes the pretended salts of unknown users, the same after a restart.
    secret: hmac::Key,
}

/// What the check of one try needs.
struct Checker {
    settings: ArcSwap<AuthSettings>,
    fetching: ArcSwap<FetchSettings>,
    store: Store,
    cache: Cache,
    issuer: Issuer,
}

impl Authenticator {
    /// Checks passwords of the accounts in `store`. Keeps a secret of its own in `config.data`.
    pub fn new(
        config: &Config,
        store: Store,
        metrics: Metrics,
        means: Means,
    ) -> io::Result<Authenticator> {
        let checker = Checker {
            settings: ArcSwap::from_pointee(config.auth.clone()),
            fetching: ArcSwap::from_pointee(config.fetch.clone()),
            store,
            cache: Cache::new(&random()?),
            issuer: Issuer::new(&random()?, means),
        };
        Ok(Authenticator {
            checker: Arc::new(checker),
            turns: Turns::new(),
            bans: Bans::default(),
            metrics,
            secret: hmac::Key::new(
                hmac::HMAC_SHA256,
                &kept_secret(&config.data.join("auth.secret"))?,
            ),
        })
    }

    /// Takes over changed settings.
    pub fn configure(&self, config: &Config) {
        self.checker.settings.store(Arc::new(config.auth.clone()));
        self.checker.fetching.store(Arc::new(config.fetch.clone()));
    }

    /// Whether there is an issuer whose tokens are taken (U4).
    pub fn takes_tokens(&self) -> bool {
        self.checker.settings.load().oauth.introspection.is_some()
    }

    /// Whether SCRAM-SHA-1 is announced.
    pub fn offers_sha1(&self) -> bool {
        self.checker.settings.load().scram_sha1 == ScramSha1::On
    }

    /// Removes what is kept for SCRAM-SHA-1, if `auth.scram_sha1` is off. What cannot be removed now goes at the next start or reload.
    pub async fn forget_sha1(&self) {
        if self.checker.settings.load().scram_sha1 != ScramSha1::Off {
            return;
        }
        match self.checker.store.write(account::forget_scram_sha1).await {
            Ok(0) => {}
            Ok(accounts) => {
                tracing::info!(accounts, "removed what was kept for SCRAM-SHA-1")
            }
            Err(error) => {
                tracing::warn!(%error, "what was kept for SCRAM-SHA-1 could not be removed; the next start or reload tries again")
            }
        }
    }

    /// What refused clients are told of the issuer: the scope to ask for, and the URL of its configuration.
    pub(super) fn where_tokens_come_from(&self) -> (Option<String>, Option<String>) {
        let settings = self.checker.settings.load();
        let discovery = settings.oauth.discovery.as_ref().map(ToString::to_string);
        (settings.oauth.scope.clone(), discovery)
    }

    /// Starts a SASL exchange. `Malformed` if the mechanism is unknown or was not offered.
    pub fn begin(
        &self,
        mechanism: &str,
        offer: Offer<'_>,
        peer: &Peer,
    ) -> Result<Exchange, LoginError> {
        Exchange::begin(mechanism, offer, peer)
    }

    /// Checks a name and a password, and that nobody else is meant; a failure is answered after the configured delay, which this waits out. Writes the log line.
    pub async fn password(
        &self,
        peer: &Peer,
        claim: Claim<'_>,
        password: &str,
        mechanism: &'static str,
    ) -> Result<Login, LoginError> {
        let outcome = match LoginName::parse(claim.user) {
            _ if self.bans.is_banned(self.source(peer)) => self.fail(peer, "", "banned").await,
            Some(name) => self.try_password(peer, name, password).await,
            None => self.fail(peer, "", "name").await,
        };
        let outcome = self.checker.authorize(outcome, claim.authzid).await;
        self.report(peer, claim.user, mechanism, outcome)
    }

    async fn try_password(&self, peer: &Peer, name: LoginName, password: &str) -> Outcome {
        if password.is_empty() || password.len() > hash::MAX_PASSWORD || password.contains('\0') {
            return self.fail(peer, name.as_str(), "password").await;
        }
        let key = self.checker.cache.key(name.as_str(), password);
        if let Some(found) = self.checker.remembered(&name, password, &key).await? {
            return Ok(found);
        }
        let (checker, password) = (Arc::clone(&self.checker), password.to_owned());
        let lane = name.as_str().to_owned();
        let repeated = self.checker.cache.was_wrong(&key);
        let check = async move { checker.check(&name, &password, key).await };
        let turn = self
            .turns
            .share(key, self.attempt(peer, &lane), self.delay(), check);
        match turn.await {
            outcome if repeated => outcome,
            outcome => self.count_guess(peer, &lane, outcome),
        }
    }

    /// A refused guess counts towards a ban of the address (U6), and of one at an account somebody is told (R10).
    fn count_guess(&self, peer: &Peer, name: &str, outcome: Outcome) -> Outcome {
        let Err(LoginError::Refused(why)) = &outcome else {
            return outcome;
        };
        if self.bans.guessed(self.source(peer)) {
            report::banned(peer);
        }
        if *why == "password" && self.bans.guessed_at(name) {
            report::besieged(&self.metrics, name);
        }
        outcome
    }

    fn attempt(&self, peer: &Peer, name: &str) -> Try {
        let source = self.source(peer);
        Try {
            is_known: self.bans.knows(source),
            name: name.to_owned(),
            source,
        }
    }

    /// The addresses that may not log in at present (U6). Bans end with the process.
    pub fn bans(&self) -> Vec<Ban> {
        self.bans.list()
    }

    /// Ends the ban of an address; false if there was none.
    pub fn unban(&self, address: IpAddr) -> bool {
        self.bans.lift(Source::of(address))
    }

    /// A failure without a check, as slow as any other.
    async fn fail(&self, peer: &Peer, lane: &str, reason: &'static str) -> Outcome {
        let check = async move { Err(LoginError::Refused(reason)) };
        self.turns
            .take(self.attempt(peer, lane), self.delay(), check)
            .await
    }

    /// Checks a token (RFC 7628). `user`: whom the client wants to be; empty: whomever the token names.
    pub(super) async fn token(
        &self,
        peer: &Peer,
        user: &str,
        token: &str,
        mechanism: &'static str,
    ) -> Result<Login, LoginError> {
        let named = LoginName::parse(user);
        let outcome = match named {
            _ if self.bans.is_banned(self.source(peer)) => self.fail(peer, "", "banned").await,
            None if !user.is_empty() => self.fail(peer, "", "name").await,
            named => {
                let checker = Arc::clone(&self.checker);
                let (lane, token) = (user.to_owned(), token.to_owned());
                let check = async move { checker.check_token(named, &token).await };
                let turn = self
                    .turns
                    .take(self.attempt(peer, &lane), self.delay(), check);
                self.count_guess(peer, &lane, turn.await)
            }
        };
        self.report(peer, user, mechanism, outcome)
    }

    /// What a SCRAM proof of this user is weighed against; for one who does not exist, or has none, one that nothing satisfies.
    pub(super) async fn verifier(
        &self,
        peer: &Peer,
        user: &str,
        hash: Hash,
        mechanism: &'static str,
    ) -> Result<Verifier, LoginError> {
        let pretended = || Verifier::pretend(hash, &self.secret, &user.to_ascii_lowercase());
        let Some(name) = LoginName::parse(user) else {
            return Ok(pretended());
        };
        match self.checker.look_up(&name).await {
            Ok(account) => Ok(account
                .and_then(|account| verifier_of(&account, hash))
                .unwrap_or_else(pretended)),
            Err(error) => self
                .report(peer, user, mechanism, Err(error))
                .map(|_| pretended()),
        }
    }

    /// Ends a SCRAM exchange: the client has proved to know the password behind this verifier, or why it has not.
    pub(super) async fn proved(
        &self,
        peer: &Peer,
        claim: Claim<'_>,
        mechanism: &'static str,
        proof: Result<Verifier, &'static str>,
    ) -> Result<Login, LoginError> {
        let outcome = match LoginName::parse(claim.user) {
            _ if self.bans.is_banned(self.source(peer)) => self.fail(peer, "", "banned").await,
            None => self.fail(peer, "", "name").await,
            Some(name) => {
                let (checker, lane) = (Arc::clone(&self.checker), name.as_str().to_owned());
                let check = async move { checker.check_proof(&name, proof).await };
                let turn = self
                    .turns
                    .take(self.attempt(peer, &lane), self.delay(), check);
                self.count_guess(peer, &lane, turn.await)
            }
        };
        let outcome = self.checker.authorize(outcome, claim.authzid).await;
        self.report(peer, claim.user, mechanism, outcome)
    }

    /// Our half of a SCRAM nonce. Without randomness the exchange still needs the password; it could only be replayed.
    pub(super) fn nonce(&self) -> String {
        let octets = random().unwrap_or_default();
        base64::engine::general_purpose::STANDARD_NO_PAD.encode(&octets[..18])
    }

    fn report(
        &self,
        peer: &Peer,
        user: &str,
        mechanism: &'static str,
        outcome: Outcome,
    ) -> Result<Login, LoginError> {
        report::outcome(&self.metrics, peer, user, mechanism, &outcome);
        if outcome.is_ok() {
            self.bans.succeeded(self.source(peer));
        }
        outcome.map(|found| Login {
            account: found.account,
            address: found.address,
            mechanism,
        })
    }

    fn source(&self, peer: &Peer) -> Source {
        Source::of(peer.remote.ip())
    }

    fn delay(&self) -> std::time::Duration {
        self.checker.settings.load().failure_delay
    }
}

impl Checker {
    async fn look_up(&self, name: &LoginName) -> Result<Option<Account>, LoginError> {
        let (name, default) = (name.clone(), self.settings.load().default_domain.clone());
        let find = move |tx: &mut store::Tx<'_>| match name.address(tx, default.as_deref())? {
            Some(address) => account::by_address(tx, &address),
            None => Ok(None),
        };
        self.store
            .read(find)
            .await
            .map_err(|error| LoginError::Unavailable(error.to_string()))
    }

    /// The account, if this password is remembered as right for it: no turn and no hash is needed.
    async fn remembered(
        &self,
        name: &LoginName,
        password: &str,
        key: &Key,
    ) -> Result<Option<Found>, LoginError> {
        let account = self.look_up(name).await?.filter(|account| account.active);
        let verdict = self.verdict(account.as_ref(), password, key);
        Ok(account
            .filter(|_| verdict == Some(Verdict::Right))
            .map(Found::from))
    }

    /// What is remembered of this password. Nothing, if it is right and should be hashed anew: settings have changed since.
    fn verdict(&self, account: Option<&Account>, password: &str, key: &Key) -> Option<Verdict> {
        let credentials = account.map(|account| &account.credentials);
        let verdict = self.cache.verdict(key, credentials)?;
        let settings = self.settings.load();
        let outdated = verdict == Verdict::Right
            && credentials.is_some_and(|kept| hash::is_outdated(&settings, kept, password));
        (!outdated).then_some(verdict)
    }

    /// The whole check. Looks the account up again: it may have changed while the try waited.
    async fn check(self: &Arc<Self>, name: &LoginName, password: &str, key: Key) -> Outcome {
        let account = self.look_up(name).await?;
        let verdict = match self.verdict(account.as_ref(), password, &key) {
            Some(verdict) => verdict,
            None => self.weigh(account.as_ref(), password, key).await?,
        };
        match account {
            None => Err(LoginError::Refused("unknown")),
            Some(_) if verdict == Verdict::Wrong => Err(LoginError::Refused("password")),
            Some(account) => active(account),
        }
    }

    /// Computes the hash, remembers the verdict, and has an outdated hash replaced.
    async fn weigh(
        self: &Arc<Self>,
        account: Option<&Account>,
        password: &str,
        key: Key,
    ) -> Result<Verdict, LoginError> {
        let settings = self.settings.load_full();
        let credentials = account.map(|account| &account.credentials);
        let verdict = compute({
            let (hash, password, settings) = (
                credentials.and_then(|c| c.hash.clone()),
                password.to_owned(),
                Arc::clone(&settings),
            );
            move || weigh_hash(&settings, hash.as_deref(), &password)
        })
        .await?
        .map_err(|Unsupported| LoginError::Refused("hash"))?;
        self.cache
            .remember(key, credentials, verdict, settings.cache_time);
        if let Some(account) = account.filter(|account| {
            verdict == Verdict::Right
                && hash::is_outdated(&settings, &account.credentials, password)
        }) {
            tokio::spawn(Arc::clone(self).renew(account.clone(), password.to_owned(), key));
        }
        Ok(verdict)
    }

    /// Replaces an outdated hash now that the password is known (Y12), unless the credentials changed meanwhile.
    async fn renew(self: Arc<Self>, account: Account, password: String, key: Key) {
        let settings = self.settings.load_full();
        let new = hash_password(&settings, &password).await;
        if new.hash.is_none() {
            return;
        }
        let replace = {
            let (new, old) = (new.clone(), account.credentials);
            move |tx: &mut store::Tx<'_>| match account::by_id(tx, account.id)? {
                Some(now) if now.credentials == old => {
                    account::set_credentials(tx, account.id, &new)
                }
                _ => Ok(()),
            }
        };
        match self.store.write(replace).await {
            Ok(()) => self
                .cache
                .remember(key, Some(&new), Verdict::Right, settings.cache_time),
            Err(error) => {
                tracing::info!(%error, "could not replace an outdated password hash; the next log-in tries again")
            }
        }
    }

    /// The token's user must have an account here, and be the one whom the client named.
    async fn check_token(&self, named: Option<LoginName>, token: &str) -> Outcome {
        let (settings, fetching) = (self.settings.load_full(), self.fetching.load_full());
        let judgement = self.issuer.judge(&settings.oauth, &fetching, token).await;
        let user = match judgement.map_err(LoginError::Unavailable)? {
            Judgement::Of(user) => user,
            Judgement::Refused(reason) => return Err(LoginError::Refused(reason)),
        };
        let Some(name) = LoginName::parse(&user) else {
            return Err(LoginError::Refused("name"));
        };
        let account = self.look_up(&name).await?;
        let account = account.ok_or(LoginError::Refused("unknown"))?;
        if let Some(named) = named {
            let wanted = self.look_up(&named).await?.map(|account| account.id);
            if wanted != Some(account.id) {
                return Err(LoginError::Refused("token of another"));
            }
        }
        active(account)
    }

    async fn check_proof(
        &self,
        name: &LoginName,
        proof: Result<Verifier, &'static str>,
    ) -> Outcome {
        let account = self.look_up(name).await?;
        match (account, proof) {
            (None, _) => Err(LoginError::Refused("unknown")),
            (Some(_), Err(reason)) => Err(LoginError::Refused(reason)),
            // Changed between the two messages.
            (Some(account), Ok(proved))
                if verifier_of(&account, proved.hash()).as_ref() != Some(&proved) =>
            {
                Err(LoginError::Refused("password"))
            }
            (Some(account), Ok(_)) => active(account),
        }
    }
}

impl From<Account> for Found {
    fn from(account: Account) -> Found {
        Found {
            account: account.id,
            address: account.address,
        }
    }
}

/// B25: known only to who knows the password.
fn active(account: Account) -> Outcome {
    match account.active {
        true => Ok(Found::from(account)),
        false => Err(LoginError::Refused("disabled")),
    }
}

/// What a proof is weighed against.
fn verifier_of(account: &Account, hash: Hash) -> Option<Verifier> {
    let kept = match hash {
        Hash::Sha1 => &account.credentials.scram_sha1,
        Hash::Sha256 => &account.credentials.scram,
    };
    let verifier = kept.as_deref().and_then(Verifier::parse);
    verifier.filter(|verifier| verifier.hash() == hash)
}

/// Without a hash the same work is done, so that time tells nothing.
fn weigh_hash(
    settings: &AuthSettings,
    hash: Option<&str>,
    password: &str,
) -> Result<Verdict, Unsupported> {
    let Some(hash) = hash else {
        hash::work_in_vain(settings, password);
        return Ok(Verdict::Wrong);
    };
    match hash::verify(hash, password)? {
        true => Ok(Verdict::Right),
        false => Ok(Verdict::Wrong),
    }
}

/// Runs heavy work on a blocking thread, a few at a time.
async fn compute<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, LoginError> {
    let unavailable = || LoginError::Unavailable("the password could not be computed".into());
    let _place = HASHERS.acquire().await.map_err(|_| unavailable())?;
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| unavailable())
}

/// What a new password is kept as: argon2id, a SCRAM-SHA-256 verifier, and one for SCRAM-SHA-1 where a setting asks for it. Works on a blocking thread.
/// Without a hash (no password works) if the system has no randomness.
pub async fn hash_password(settings: &AuthSettings, password: &str) -> Credentials {
    let (settings, password) = (settings.clone(), password.to_owned());
    compute(move || hash::make(&settings, &password))
        .await
        .unwrap_or_default()
}

fn random() -> io::Result<[u8; 32]> {
    let mut octets = [0; 32];
    aws_lc_rs::rand::fill(&mut octets)
        .map_err(|_| io::Error::other("the system gives no randomness"))?;
    Ok(octets)
}

/// Reads the secret, or makes it at the first start.
fn kept_secret(path: &Path) -> io::Result<Vec<u8>> {
    match std::fs::read(path) {
        Ok(secret) if secret.len() >= 32 => Ok(secret),
        Ok(_) => write_secret(path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => write_secret(path),
        Err(error) => Err(io::Error::new(
            error.kind(),
            format!("{}: {error}", path.display()),
        )),
    }
}

fn write_secret(path: &Path) -> io::Result<Vec<u8>> {
    let secret = random()?.to_vec();
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(&secret)?;
    file.sync_all()?;
    Ok(secret)
}

#[cfg(test)]
mod tests;
