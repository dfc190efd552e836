//! AUTHENTICATE (RFC 5804 §2.1): carries challenges and responses between the state machine and the authenticator.

use super::Session;
use crate::session::login::{Login, LoginError};
use crate::session::sasl::{Exchange, Offer, Step};
use managesieve::{Code, Response};

/// Where a log-in stands.
#[derive(Default)]
pub(super) enum LogIn {
    /// None is under way.
    #[default]
    None,
    /// The client's response is waited for.
    Running(Box<Exchange>),
}

impl Session {
    pub(super) async fn authenticate(&mut self, mechanism: &str, initial: Option<Vec<u8>>) {
        let offer = Offer::new(&self.peer, self.plaintext_auth, &self.services.login);
        match self.services.login.begin(mechanism, offer, &self.peer) {
            Ok(exchange) => self.step(exchange, initial.as_deref()).await,
            Err(error) => self.protocol.login_failed(&refusal(&error)),
        }
    }

    pub(super) async fn auth_response(&mut self, response: &[u8]) {
        match std::mem::take(&mut self.log_in) {
            LogIn::Running(exchange) => self.step(*exchange, Some(response)).await,
            LogIn::None => {
                let error = LoginError::Malformed("no log-in is under way");
                self.protocol.login_failed(&refusal(&error));
            }
        }
    }

    async fn step(&mut self, mut exchange: Exchange, response: Option<&[u8]>) {
        match exchange.step(&self.services.login, response).await {
            Step::Challenge(data) => {
                self.log_in = LogIn::Running(Box::new(exchange));
                self.protocol.challenge(&data);
            }
            Step::Done(Ok(login), data) => self.admit(login, data),
            Step::Done(Err(error), _) => self.protocol.login_failed(&refusal(&error)),
        }
    }

    /// G19: so many sessions of an account from one address, not more.
    fn admit(&mut self, login: Login, data: Option<Vec<u8>>) {
        let address = self.peer.remote.ip();
        match self.services.limits.account(login.account, address) {
            Ok(permit) => {
                tracing::info!(user = login.address, mech = login.mechanism, "logged in");
                self.protocol.logged_in(&login.address, data);
                let (sessions, shutdown) = (&self.services.sessions, &self.services.shutdown);
                self.present = Some(sessions.enter(login.account, shutdown));
                self.login = Some((login, permit));
            }
            Err(why) => {
                self.services.metrics.ratelimited(why.kind());
                tracing::info!(user = login.address, reason = %why, "session refused");
                let response = Response::no(format!("There are {why}.")).code(Code::TryLater);
                self.protocol.login_failed(&response);
            }
        }
    }
}

/// Whether the name or the password was wrong is not told.
fn refusal(error: &LoginError) -> Response {
    match error {
        LoginError::Refused(_) => {
            Response::no("The user name or the password is wrong, or the account may not log in.")
        }
        LoginError::ActsAsAnother => Response::no(
            "Nobody may act as another user here; leave the authorization identity empty.",
        ),
        LoginError::Unavailable(_) => {
            Response::no("Log-ins cannot be checked now; try again later.").code(Code::TryLater)
        }
        LoginError::Malformed(why) => Response::no(format!(
            "The exchange broke the rules of its mechanism: {why}."
        )),
    }
}
