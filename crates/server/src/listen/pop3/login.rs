//! USER and PASS, and AUTH (RFC 1939 §7, RFC 5034): carries names, challenges and responses between the state machine and the
//! authenticator, which delays failures and bans guessers as for every protocol. Who is in gets his maildrop.

use super::{Inside, Session, maildrop};
use crate::session::login::{Claim, Login, LoginError};
use crate::session::sasl::{Exchange, Offer, Step};
use pop3::command::Secret;
use pop3::server::Code;

/// Where a log-in by AUTH stands.
#[derive(Default)]
pub(super) enum LogIn {
    /// None is under way.
    #[default]
    None,
    /// The client's response is waited for.
    Running(Box<Exchange>),
}

impl Session {
    pub(super) async fn password(&mut self, user: &str, password: &Secret) {
        let login = &self.services.login;
        let checked = login
            .password(&self.peer, Claim::own(user), &password.0, "USER")
            .await;
        match checked {
            Ok(login) => self.admit(login).await,
            Err(error) => self.failed(&error),
        }
    }

    pub(super) async fn authenticate(&mut self, mechanism: &str, initial: Option<Vec<u8>>) {
        let offer = Offer::new(&self.peer, self.plaintext_auth, &self.services.login);
        match self.services.login.begin(mechanism, offer, &self.peer) {
            Ok(exchange) => self.step(exchange, initial.as_deref()).await,
            Err(error) => self.failed(&error),
        }
    }

    pub(super) async fn auth_response(&mut self, response: &[u8]) {
        match std::mem::take(&mut self.log_in) {
            LogIn::Running(exchange) => self.step(*exchange, Some(response)).await,
            LogIn::None => self.failed(&LoginError::Malformed("no log-in is under way")),
        }
    }

    async fn step(&mut self, mut exchange: Exchange, response: Option<&[u8]>) {
        match exchange.step(&self.services.login, response).await {
            Step::Challenge(data) => {
                self.log_in = LogIn::Running(Box::new(exchange));
                self.protocol.challenge(&data);
            }
            Step::Done(Ok(login), _) => self.admit(login).await,
            Step::Done(Err(error), _) => self.failed(&error),
        }
    }

    /// G19: so many sessions of an account from one address, not more.
    async fn admit(&mut self, login: Login) {
        let address = self.peer.remote.ip();
        let permit = match self.services.limits.account(login.account, address) {
            Ok(permit) => permit,
            Err(why) => {
                self.services.metrics.ratelimited(why.kind());
                tracing::info!(user = login.address, reason = %why, "session refused");
                let text = format!("There are {why}.");
                return self.protocol.login_failed(Code::InUse, &text);
            }
        };
        match maildrop::open(&self.services.store, login.account).await {
            Ok((mailbox, maildrop)) => {
                let messages = maildrop.stat().0;
                tracing::info!(
                    user = login.address,
                    mech = login.mechanism,
                    messages,
                    "logged in"
                );
                self.protocol.logged_in(maildrop);
                let (sessions, shutdown) = (&self.services.sessions, &self.services.shutdown);
                let present = sessions.enter(login.account, shutdown);
                self.inside = Some(Inside {
                    login,
                    mailbox,
                    _permit: permit,
                    present,
                });
            }
            Err(error) => {
                tracing::error!(user = login.address, %error, "a maildrop cannot be opened");
                let (code, text) = maildrop::refusal(&error);
                self.protocol.login_failed(code, text);
            }
        }
    }

    /// RFC 3206: whether the password or the server is the trouble. Which of name and password was wrong is not told.
    fn failed(&mut self, error: &LoginError) {
        match error {
            LoginError::Refused(_) => {
                let text = "The user name or the password is wrong, or the account may not log in.";
                self.protocol.login_failed(Code::Auth, text);
            }
            LoginError::ActsAsAnother => {
                let text =
                    "Nobody may act as another user here; leave the authorization identity empty.";
                self.protocol.login_failed(Code::Auth, text);
            }
            LoginError::Unavailable(_) => {
                let text = "Log-ins cannot be checked now; try again later.";
                self.protocol.login_failed(Code::Temporary, text);
            }
            LoginError::Malformed(why) => {
                let text = format!("The exchange broke the rules of its mechanism: {why}.");
                self.protocol.login_failed(Code::Auth, &text);
            }
        }
    }
}
