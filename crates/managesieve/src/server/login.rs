//! AUTHENTICATE (RFC 5804 §2.1): carries challenges and responses; what they are worth the owner knows.

use super::{Closing, Event, MAX_FAILED_LOGINS, Session, State, sentence};
use crate::framer::{Limits, Token};
use crate::response::{Code, Response, base64, quoted_or_literal};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

/// Octets of a script's name and of what stands around it, besides its content.
const ROOM_FOR_NAMES: usize = 4096;
/// Scripts that are too large by up to this factor are read to their end and refused; larger ones end the session.
const SKIPPED: usize = 8;

/// A log-in under way.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Login;

impl Session {
    pub(super) fn authenticate(
        &mut self,
        mechanism: &str,
        initial: Option<Vec<u8>>,
    ) -> Option<Event> {
        if self.is_logged_in() {
            return self.wrong(Response::no(
                "You are logged in already; UNAUTHENTICATE ends that.",
            ));
        }
        let known = self.mechanisms.iter().find(|name| **name == mechanism);
        let Some(mechanism) = known.copied() else {
            return self.wrong(match self.mechanisms.is_empty() {
                true => self.login_first(),
                false => {
                    Response::no("This mechanism is not offered; CAPABILITY lists those that are.")
                }
            });
        };
        let initial = match initial.map(|text| BASE64.decode(text)).transpose() {
            Ok(initial) => initial,
            Err(_) => return self.wrong(Response::no("The response is not base64.")),
        };
        self.state = State::LoggingIn(Login);
        Some(Event::Authenticate { mechanism, initial })
    }

    pub(super) fn login_response(&mut self, login: Login, tokens: Vec<Token>) -> Option<Event> {
        let response = match tokens.as_slice() {
            [Token::Text(text)] if text == b"*" => {
                self.wrong(Response::no("Log-in cancelled."));
                return Some(Event::AuthCancelled);
            }
            [Token::Text(text)] => BASE64.decode(text).ok(),
            _ => None,
        };
        match response {
            Some(response) => {
                self.state = State::LoggingIn(login);
                Some(Event::AuthResponse(response))
            }
            None => {
                self.wrong(Response::no("The response is not a string of base64."));
                Some(Event::AuthCancelled)
            }
        }
    }

    /// The log-in goes on with this.
    pub fn challenge(&mut self, data: &[u8]) {
        quoted_or_literal(&base64(data), &mut self.output);
        self.output.extend_from_slice(b"\r\n");
    }

    /// The client is this account now; `data` is what the mechanism says at its end.
    pub fn logged_in(&mut self, owner: &str, data: Option<Vec<u8>>) {
        self.state = State::LoggedIn(owner.to_owned());
        self.framer.set_limits(Limits {
            command: self.offer.largest_script + ROOM_FOR_NAMES,
            skipped: (self.offer.largest_script * SKIPPED) as u64,
        });
        let response = Response::ok().text("Logged in.");
        self.respond(&match data {
            Some(data) => response.code(Code::Sasl(data)),
            None => response,
        });
    }

    /// The log-in failed, with this response.
    pub fn login_failed(&mut self, response: &Response) {
        self.state = State::Anonymous;
        self.failed_logins += 1;
        if self.failed_logins >= MAX_FAILED_LOGINS {
            self.respond(&Response::bye(sentence("too many failed log-ins")));
            self.state = State::Closed(Closing::TooManyErrors);
            return;
        }
        self.respond(response);
    }
}
