//! AUTHENTICATE (RFC 3501 §6.2.2) with SASL-IR (RFC 4959): carries the messages of a SASL exchange, which the session folder knows.

use super::connection::{Connection, Ended};
use super::login;
use super::state::{NotAuthenticated, State};
use crate::session::login::{Login, LoginError};
use crate::session::sasl::{Exchange, Step};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use imap::Tag;
use imap::command::Secret;
use imap::response::{Code, Status};

/// AUTHENTICATE.
pub(super) async fn authenticate(
    state: NotAuthenticated,
    connection: &mut Connection,
    tag: Tag,
    mechanism: &str,
    initial: Option<Secret>,
) -> Result<State, Ended> {
    let offered = connection.mechanisms();
    if !offered.contains(&mechanism) {
        let status = match offered.is_empty() {
            true => login::needs_tls(),
            false => Status::no("That mechanism is not offered.").code(Code::Cannot),
        };
        connection.answer(&tag, &status);
        connection.count_error()?;
        return Ok(State::NotAuthenticated(state));
    }
    let services = connection.services.clone();
    let begun = services
        .login
        .begin(mechanism, connection.offer(), &connection.peer);
    let checked = match begun {
        Ok(mut exchange) => converse(connection, &mut exchange, initial).await?,
        Err(error) => Err(error),
    };
    login::finish(state, connection, &tag, checked).await
}

/// Challenge and response until the exchange is over.
async fn converse(
    connection: &mut Connection,
    exchange: &mut Exchange,
    initial: Option<Secret>,
) -> Result<Result<Login, LoginError>, Ended> {
    let services = connection.services.clone();
    let mut response = match initial.map(|secret| decode(secret.0.as_bytes())) {
        None => None,
        Some(Ok(octets)) => Some(octets),
        Some(Err(error)) => return Ok(Err(error)),
    };
    loop {
        match exchange.step(&services.login, response.as_deref()).await {
            Step::Challenge(challenge) => {
                response = match ask(connection, &challenge).await? {
                    Ok(octets) => Some(octets),
                    Err(error) => return Ok(Err(error)),
                };
            }
            Step::Done(Ok(login), Some(last)) => {
                let acknowledged = ask(connection, &last).await?;
                return Ok(acknowledged.map(|_| login));
            }
            Step::Done(checked, _) => return Ok(checked),
        }
    }
}

/// Sends a challenge and gives the client's response.
async fn ask(
    connection: &mut Connection,
    challenge: &[u8],
) -> Result<Result<Vec<u8>, LoginError>, Ended> {
    let line = format!("+ {}\r\n", STANDARD.encode(challenge));
    connection.out.extend_from_slice(line.as_bytes());
    Ok(match connection.next_line().await? {
        None => Err(LoginError::Malformed("the response is too long")),
        Some(line) if line == b"*" => Err(LoginError::Malformed("cancelled by the client")),
        Some(line) => decode(&line),
    })
}

/// Base64; a single `=` is the empty response (RFC 4959 §3).
fn decode(line: &[u8]) -> Result<Vec<u8>, LoginError> {
    match line {
        b"=" => Ok(Vec::new()),
        line => STANDARD
            .decode(line)
            .map_err(|_| LoginError::Malformed("the response is not base64")),
    }
}
