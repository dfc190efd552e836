//! STARTTLS (RFC 3207) and AUTH (RFC 4954): when they are allowed, and what comes after. Mechanisms and handshakes are the owner's.

use super::commands::Behind;
use super::line::{Expect, Line};
use super::service::{Clear, Role};
use super::state::{Closing, Question, State};
use super::{Event, MAX_FAILED_LOGINS, Next, Security, Session, replies};
use crate::Reply;
use crate::command::sasl_response;

impl Session {
    /// Why mail cannot be sent yet, where a log-in is demanded (RFC 6409 §4.3, B1).
    pub(super) fn login_missing(&self) -> Option<Reply> {
        match self.service.role {
            Role::Mx | Role::Lmtp | Role::Local => None,
            Role::Submission if self.logged_in => None,
            Role::Submission if self.needs_tls() => Some(replies::tls_required()),
            Role::Submission => Some(replies::login_required()),
        }
    }

    fn needs_tls(&self) -> bool {
        self.security == Security::Clear && self.service.clear == Clear::Protected
    }

    /// Text behind STARTTLS came in clear, and must not be taken for something said under TLS (Y11): the session ends.
    pub(super) fn starttls<'a>(&mut self, state: State, behind: Behind) -> Next<'a> {
        if self.security == Security::Tls {
            return self.wrong(state, &replies::tls_already());
        }
        if !self.service.starttls {
            return self.wrong(state, &replies::no_tls());
        }
        if matches!(state, State::New) {
            return self.wrong(state, &replies::hello_first(self.service.role));
        }
        if behind == Behind::Text {
            return self.close(&replies::too_early("STARTTLS"), Closing::OutOfStep);
        }
        self.say(&replies::start_tls());
        (State::Asked(Question::StartTls), Some(Event::StartTls))
    }

    /// The handshake is done: everything said before is forgotten (RFC 3207 §4.2). `mechanisms` are those that may be used now.
    pub fn secured(&mut self, mechanisms: Vec<&'static str>) {
        self.security = Security::Tls;
        self.mechanisms = mechanisms;
        self.logged_in = false;
        self.lines = super::line::LineReader::default();
        self.state = State::New;
    }

    pub(super) fn auth<'a>(
        &mut self,
        state: State,
        mechanism: &str,
        initial: Option<Vec<u8>>,
    ) -> Next<'a> {
        if self.counts.failed_logins >= MAX_FAILED_LOGINS {
            return self.close(&replies::too_many_logins(), Closing::TooManyErrors);
        }
        let offered = self.mechanisms.iter().find(|name| **name == mechanism);
        let refusal = match (&state, offered) {
            _ if self.mechanisms.is_empty() => self.no_log_in(),
            _ if self.logged_in => replies::auth_already(),
            (State::New, _) => replies::hello_first(self.service.role),
            (State::Ready, None) => replies::mechanism_unknown(),
            (State::Ready, Some(mechanism)) => {
                let event = Event::Auth { mechanism, initial };
                return (State::Asked(Question::Login), Some(event));
            }
            _ => replies::auth_in_transaction(),
        };
        self.wrong(state, &refusal)
    }

    fn no_log_in(&self) -> Reply {
        match self.service.role {
            Role::Submission if self.needs_tls() => replies::auth_needs_tls(),
            _ => replies::no_auth(),
        }
    }

    /// The answer to [`Event::Auth`] or [`Event::AuthResponse`] that the mechanism wants to go on with.
    pub fn challenge(&mut self, data: &[u8]) {
        if matches!(self.state, State::Asked(Question::Login)) {
            self.say(&replies::challenge(data));
            self.state = State::Login;
        }
    }

    /// A line within a SASL exchange; `*` breaks it off (RFC 4954 §4).
    pub(super) fn read_response<'a>(&mut self, input: &mut &'a [u8]) -> Next<'a> {
        if self.draining && input.is_empty() {
            return self.shut_down();
        }
        let refusal = match self.lines.next(input, Expect::Sasl) {
            Line::Incomplete => return (State::Login, Some(Event::NeedInput)),
            Line::TooLong => replies::sasl_line_too_long(),
            Line::Whole(text, _) if *text == *b"*" => replies::auth_cancelled(),
            Line::Whole(text, _) => match sasl_response(&text) {
                Ok(response) => {
                    let event = Event::AuthResponse(response);
                    return (State::Asked(Question::Login), Some(event));
                }
                Err(error) => error.reply(),
            },
        };
        let (state, _) = self.wrong(State::Ready, &refusal);
        (state, Some(Event::AuthCancelled))
    }
}
