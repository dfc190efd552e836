//! A SASL exchange within SMTP (RFC 4954): carries challenges and responses between the state machine and the authenticator, which
//! checks passwords, waits out failures and writes the log.

use crate::Services;
use crate::config::PlaintextAuth;
use crate::session::Peer;
use crate::session::login::{Login, LoginError};
use crate::session::sasl::{Exchange, Offer, Step};
use smtp::server::Session;
use smtp::{Enhanced, Reply};

/// Where a log-in stands.
#[derive(Default)]
pub(super) enum LogIn {
    /// None is under way.
    #[default]
    None,
    /// The client's response is waited for.
    Running(Box<Exchange>),
    /// It succeeded; the client has to confirm the last data with an empty response.
    Confirming(Login),
}

impl LogIn {
    /// AUTH: begins, and answers in `session`. Returns who it is if that is known at once.
    pub(super) async fn begin(
        &mut self,
        services: &Services,
        peer: &Peer,
        setting: PlaintextAuth,
        mechanism: &str,
        initial: Option<Vec<u8>>,
        session: &mut Session,
    ) -> Option<Login> {
        let offer = Offer::new(peer, setting, &services.login);
        match services.login.begin(mechanism, offer, peer) {
            Ok(exchange) => {
                self.step(exchange, services, initial.as_deref(), session)
                    .await
            }
            Err(error) => {
                session.refuse(refusal(&error));
                None
            }
        }
    }

    /// The client's response: goes on, and answers in `session`.
    pub(super) async fn response(
        &mut self,
        services: &Services,
        response: &[u8],
        session: &mut Session,
    ) -> Option<Login> {
        match std::mem::take(self) {
            LogIn::Running(exchange) => {
                self.step(*exchange, services, Some(response), session)
                    .await
            }
            LogIn::Confirming(login) if response.is_empty() => {
                session.accept();
                Some(login)
            }
            LogIn::Confirming(_) | LogIn::None => {
                let error = LoginError::Malformed("an empty response was expected");
                session.refuse(refusal(&error));
                None
            }
        }
    }

    async fn step(
        &mut self,
        mut exchange: Exchange,
        services: &Services,
        response: Option<&[u8]>,
        session: &mut Session,
    ) -> Option<Login> {
        match exchange.step(&services.login, response).await {
            Step::Challenge(data) => {
                *self = LogIn::Running(Box::new(exchange));
                session.challenge(&data);
                None
            }
            Step::Done(Ok(login), Some(data)) => {
                *self = LogIn::Confirming(login);
                session.challenge(&data);
                None
            }
            Step::Done(Ok(login), None) => {
                session.accept();
                Some(login)
            }
            Step::Done(Err(error), _) => {
                session.refuse(refusal(&error));
                None
            }
        }
    }
}

/// RFC 4954 §6. Whether the name or the password was wrong is not told.
fn refusal(error: &LoginError) -> Reply {
    match error {
        LoginError::Refused(_) => Reply::new(
            535,
            Enhanced(5, 7, 8),
            "The user name or the password is wrong, or the account may not log in",
        ),
        LoginError::ActsAsAnother => Reply::new(
            535,
            Enhanced(5, 7, 8),
            "Nobody may act as another user here; leave the authorization identity empty",
        ),
        LoginError::Unavailable(_) => Reply::new(
            454,
            Enhanced(4, 7, 0),
            "Log-ins cannot be checked now; try again later",
        ),
        LoginError::Malformed(why) => Reply::new(
            501,
            Enhanced(5, 5, 2),
            format!("The exchange broke the rules of its mechanism: {why}"),
        ),
    }
}
