//! SASL (RFC 4422) mechanisms as state machines: PLAIN, LOGIN, SCRAM-SHA-256 and SCRAM-SHA-256-PLUS;
//! OAUTHBEARER and XOAUTH2 where tokens are taken; SCRAM-SHA-1 and SCRAM-SHA-1-PLUS where a setting offers them.
//!
//! An [`Exchange`] takes the client's decoded responses one by one and says what to send. It reads no socket and knows no base64
//! of a protocol; passwords and proofs are checked by the [`Authenticator`].

mod bearer;
mod plain;
pub mod prep;
pub mod scram;

use super::Peer;
use super::login::{Authenticator, Claim, Login, LoginError};
use super::tls::TlsFacts;
use crate::config::PlaintextAuth;
use bearer::{Bearer, Dialect};
use plain::Plain;
use scram::{Binding, ClientFirst, Hash, Proof, Proving};

/// How a response broke its mechanism's rules.
type Malformed = &'static str;

/// Octets of a response, decoded: enough for the longest name and password there may be.
const MAX_RESPONSE: usize = 4096;

/// Under which conditions a client may log in: over which TLS, or without.
#[derive(Clone, Copy, Debug)]
pub struct Offer<'a> {
    /// The session's TLS.
    pub tls: Option<&'a TlsFacts>,
    /// Whether a password or a token may be sent without TLS.
    pub plaintext: bool,
    /// Whether tokens are taken.
    pub tokens: bool,
    /// Whether SCRAM-SHA-1 is offered besides SCRAM-SHA-256.
    pub sha1: bool,
}

impl<'a> Offer<'a> {
    /// What this peer may do under the listener's setting.
    pub fn new(peer: &'a Peer, setting: PlaintextAuth, login: &Authenticator) -> Offer<'a> {
        Offer {
            tls: peer.tls.as_ref(),
            plaintext: may_be_plain(peer, setting),
            tokens: login.takes_tokens(),
            sha1: login.offers_sha1(),
        }
    }

    /// The mechanisms to announce, strongest first; none where no log-in is allowed.
    pub fn mechanisms(&self) -> Vec<&'static str> {
        let mut names = Vec::with_capacity(8);
        if self.tls.is_none() && !self.plaintext {
            return names;
        }
        if self.binding().is_some() {
            names.push("SCRAM-SHA-256-PLUS");
            names.extend(self.sha1.then_some("SCRAM-SHA-1-PLUS"));
        }
        names.push("SCRAM-SHA-256");
        names.extend(self.sha1.then_some("SCRAM-SHA-1"));
        if self.tokens {
            names.extend(["OAUTHBEARER", "XOAUTH2"]);
        }
        names.extend(["PLAIN", "LOGIN"]);
        names
    }

    fn binding(&self) -> Option<[u8; 32]> {
        self.tls.and_then(|tls| tls.exporter)
    }
}

/// Whether this peer may send a password without TLS.
pub fn may_be_plain(peer: &Peer, setting: PlaintextAuth) -> bool {
    setting == PlaintextAuth::Loopback && peer.remote.ip().to_canonical().is_loopback()
}

/// A running SASL exchange.
pub struct Exchange {
    peer: Peer,
    mechanism: &'static str,
    binding: Binding,
    state: State,
}

/// Where an exchange stands.
enum State {
    /// PLAIN's only message is to come.
    Plain,
    /// LOGIN's user name is to come.
    LoginName,
    /// LOGIN's password is to come; this is the user name.
    LoginPassword(String),
    /// SCRAM's first message is to come.
    ScramFirst(Hash),
    /// SCRAM's proof is to come, of this user, who wants to act as another (or, if empty, as himself).
    ScramProof(Named, Proving),
    /// The only message with a token is to come.
    Token(Dialect),
    /// The client was told why its token is refused; its answer, which says nothing, ends the exchange with this error.
    TokenRefused(LoginError),
    /// Nothing more may come.
    Over,
}

/// The names in SCRAM's first message.
struct Named {
    user: String,
    authzid: String,
}

/// What the protocol does after a response of the client.
#[derive(Debug)]
pub enum Step {
    /// Send this (base64) and wait for the next response.
    Challenge(Vec<u8>),
    /// The exchange is over; a success may carry additional data (SCRAM's `v=…`).
    /// Protocols without a field for it (SMTP, IMAP) send it as one more challenge, which the client answers with an empty response.
    Done(Result<Login, LoginError>, Option<Vec<u8>>),
}

impl Step {
    fn malformed(why: Malformed) -> Step {
        Step::Done(Err(LoginError::Malformed(why)), None)
    }
}

impl Exchange {
    /// Starts an exchange; `Malformed` if the mechanism is unknown or was not offered.
    pub(super) fn begin(
        mechanism: &str,
        offer: Offer<'_>,
        peer: &Peer,
    ) -> Result<Exchange, LoginError> {
        let mechanism = offer
            .mechanisms()
            .into_iter()
            .find(|name| name.eq_ignore_ascii_case(mechanism))
            .ok_or(LoginError::Malformed("this mechanism is not offered"))?;
        let (state, binding) = match (mechanism, offer.binding()) {
            ("PLAIN", _) => (State::Plain, Binding::Impossible),
            ("LOGIN", _) => (State::LoginName, Binding::Impossible),
            ("OAUTHBEARER", _) => (State::Token(Dialect::OauthBearer), Binding::Impossible),
            ("XOAUTH2", _) => (State::Token(Dialect::Xoauth2), Binding::Impossible),
            (scram, exporter) => {
                let hash = match scram.starts_with("SCRAM-SHA-1") {
                    true => Hash::Sha1,
                    false => Hash::Sha256,
                };
                let binding = match exporter {
                    Some(exporter) if scram.ends_with("-PLUS") => Binding::Exporter(exporter),
                    Some(_) => Binding::Announced,
                    None => Binding::Impossible,
                };
                (State::ScramFirst(hash), binding)
            }
        };
        Ok(Exchange {
            peer: peer.clone(),
            mechanism,
            binding,
            state,
        })
    }

    /// Takes the client's (decoded) response. `None`: the client sent no initial response.
    /// RFC 4422: a `*` in place of a response cancels; the protocol handles that and drops the exchange.
    pub async fn step(&mut self, auth: &Authenticator, response: Option<&[u8]>) -> Step {
        let Some(response) = response else {
            return self.ask();
        };
        if response.len() > self.longest() {
            self.state = State::Over;
            return Step::malformed("the response is too long");
        }
        match std::mem::replace(&mut self.state, State::Over) {
            State::Plain => self.plain(auth, response).await,
            State::LoginName => self.login_name(response),
            State::LoginPassword(user) => self.login_password(auth, &user, response).await,
            State::ScramFirst(hash) => self.scram_first(auth, hash, response).await,
            State::ScramProof(named, proving) => {
                self.scram_proof(auth, &named, proving, response).await
            }
            State::Token(dialect) => self.token(auth, dialect, response).await,
            State::TokenRefused(error) => Step::Done(Err(error), None),
            State::Over => Step::malformed("this exchange is over"),
        }
    }

    /// Octets that the next response may have.
    fn longest(&self) -> usize {
        match self.state {
            State::Token(_) => bearer::MAX_MESSAGE,
            _ => MAX_RESPONSE,
        }
    }

    /// The first challenge for a client that sent no initial response.
    fn ask(&self) -> Step {
        match self.state {
            State::Plain | State::ScramFirst(_) | State::Token(_) => Step::Challenge(Vec::new()),
            State::LoginName => Step::Challenge(plain::USERNAME.to_vec()),
            _ => Step::malformed("a response is missing"),
        }
    }

    async fn plain(&self, auth: &Authenticator, response: &[u8]) -> Step {
        let message = match Plain::parse(response) {
            Ok(message) => message,
            Err(why) => return Step::malformed(why),
        };
        let claim = Claim {
            user: message.authcid,
            authzid: message.authzid,
        };
        let result = auth
            .password(&self.peer, claim, message.password, self.mechanism)
            .await;
        Step::Done(result, None)
    }

    fn login_name(&mut self, response: &[u8]) -> Step {
        match plain::answer(response) {
            Ok(user) => {
                self.state = State::LoginPassword(user.to_owned());
                Step::Challenge(plain::PASSWORD.to_vec())
            }
            Err(why) => Step::malformed(why),
        }
    }

    async fn login_password(&self, auth: &Authenticator, user: &str, response: &[u8]) -> Step {
        match plain::answer(response) {
            Ok(password) => Step::Done(
                auth.password(&self.peer, Claim::own(user), password, self.mechanism)
                    .await,
                None,
            ),
            Err(why) => Step::malformed(why),
        }
    }

    /// A refusal is told in a challenge first (RFC 7628 §3.2.3).
    async fn token(&mut self, auth: &Authenticator, dialect: Dialect, response: &[u8]) -> Step {
        let Bearer { user, token } = match Bearer::parse(dialect, response) {
            Ok(bearer) => bearer,
            Err(why) => return Step::malformed(why),
        };
        match auth.token(&self.peer, &user, &token, self.mechanism).await {
            Err(error @ LoginError::Refused(_)) => {
                let (scope, discovery) = auth.where_tokens_come_from();
                let told = bearer::refusal(dialect, scope.as_deref(), discovery.as_deref());
                self.state = State::TokenRefused(error);
                Step::Challenge(told)
            }
            judged => Step::Done(judged, None),
        }
    }

    async fn scram_first(&mut self, auth: &Authenticator, hash: Hash, response: &[u8]) -> Step {
        let first = match ClientFirst::parse(response, self.binding) {
            Ok(first) => first,
            Err(why) => return Step::malformed(why),
        };
        let verifier = auth.verifier(&self.peer, &first.user, hash, self.mechanism);
        let verifier = match verifier.await {
            Ok(verifier) => verifier,
            Err(error) => return Step::Done(Err(error), None),
        };
        let named = Named {
            user: first.user.clone(),
            authzid: first.authzid.clone().unwrap_or_default(),
        };
        let (challenge, proving) = first.answer(verifier, &auth.nonce());
        self.state = State::ScramProof(named, proving);
        Step::Challenge(challenge)
    }

    async fn scram_proof(
        &self,
        auth: &Authenticator,
        named: &Named,
        proving: Proving,
        response: &[u8],
    ) -> Step {
        let (proved, server_final) = match proving.check(response) {
            Err(why) => return Step::malformed(why),
            Ok(Proof::Right(server_final)) => (Ok(proving.verifier()), Some(server_final)),
            Ok(Proof::Wrong) => (Err("password"), None),
            Ok(Proof::OtherChannel) => (Err("channel"), None),
        };
        let claim = Claim {
            user: &named.user,
            authzid: &named.authzid,
        };
        let result = auth.proved(&self.peer, claim, self.mechanism, proved).await;
        let data = server_final.filter(|_| result.is_ok());
        Step::Done(result, data)
    }
}
