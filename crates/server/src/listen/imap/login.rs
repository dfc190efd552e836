//! LOGIN (RFC 3501 §6.2.3), and what every way of logging in ends with.

use super::capability;
use super::connection::{Connection, Ended};
use super::mask;
use super::state::{Account, Authenticated, NotAuthenticated, State};
use crate::session::login::{Claim, Login, LoginError};
use imap::Tag;
use imap::command::Secret;
use imap::response::{Code, Status};

/// LOGIN.
pub(super) async fn login(
    state: NotAuthenticated,
    connection: &mut Connection,
    tag: Tag,
    user: &str,
    password: &Secret,
) -> Result<State, Ended> {
    if connection.mechanisms().is_empty() {
        connection.answer(&tag, &needs_tls());
        connection.count_error()?;
        return Ok(State::NotAuthenticated(state));
    }
    let services = connection.services.clone();
    let checked = services
        .login
        .password(&connection.peer, Claim::own(user), &password.0, "LOGIN")
        .await;
    finish(state, connection, &tag, checked).await
}

/// A password may not be sent as things stand.
pub(super) fn needs_tls() -> Status {
    Status::no("Log in over TLS only.").code(Code::PrivacyRequired)
}

/// The state after a log-in was tried, and its answer.
pub(super) async fn finish(
    state: NotAuthenticated,
    connection: &mut Connection,
    tag: &Tag,
    checked: Result<Login, LoginError>,
) -> Result<State, Ended> {
    let status = match checked.map(|login| admit(connection, login)) {
        Ok(Ok(account)) => {
            let hidden = mask::of(connection, account.id()).await;
            connection.logged_in(account.id(), hidden);
            let capabilities = capability::after_login(connection, &account.login);
            let welcome = Status::ok("Logged in.").code(Code::Capability(capabilities));
            connection.answer(tag, &welcome);
            return Ok(State::Authenticated(Authenticated { account }));
        }
        Ok(Err(status)) => status,
        Err(error) => refusal(&error),
    };
    connection.answer(tag, &status);
    connection.count_error()?;
    Ok(State::NotAuthenticated(state))
}

/// G19: so many sessions of an account from one address, not more.
fn admit(connection: &Connection, login: Login) -> Result<Account, Status> {
    let services = &connection.services;
    let address = connection.peer.remote.ip();
    let permit = services
        .limits
        .account(login.account, address)
        .map_err(|why| {
            services.metrics.ratelimited(why.kind());
            tracing::info!(user = login.address, reason = %why, "session refused");
            Status::no(format!("There are {why}.")).code(Code::Limit)
        })?;
    let watch = services.store.watch(login.account);
    tracing::info!(user = login.address, mech = login.mechanism, "logged in");
    Ok(Account::new(login, watch, permit))
}

fn refusal(error: &LoginError) -> Status {
    match error {
        LoginError::Refused(_) => {
            Status::no("User or password is wrong.").code(Code::AuthenticationFailed)
        }
        LoginError::ActsAsAnother => Status::no(
            "Nobody may act as another user here; leave the authorization identity empty.",
        )
        .code(Code::AuthorizationFailed),
        LoginError::Unavailable(_) => {
            Status::no("Log-ins cannot be checked now; try again later.").code(Code::Unavailable)
        }
        LoginError::Malformed(why) => Status::bad(format!("Authentication: {why}.")),
    }
}
