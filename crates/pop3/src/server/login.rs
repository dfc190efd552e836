//! The way into a session: USER and PASS (RFC 1939 §7), AUTH (RFC 5034), STLS (RFC 2595 §4). It carries names, passwords, challenges
//! and responses; what they are worth the owner knows.

use super::{Closing, Code, Event, MAX_FAILED_LOGINS, Security, Session, State};
use crate::command::Command;
use crate::maildrop::Maildrop;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

impl Session {
    /// RFC 1939 §4.
    pub(super) fn authorization(&mut self, command: Command) -> Option<Event> {
        match command {
            Command::Quit => {
                self.ok("Goodbye.");
                self.state = State::Closed(Closing::Quit);
                None
            }
            Command::Stls => self.start_tls(),
            Command::User(name) if self.may_log_in() => {
                self.state = State::Anonymous(Some(name));
                // Whether there is such a user is not told.
                self.ok("And the password?");
                None
            }
            Command::Pass(password) if self.may_log_in() => {
                let State::Anonymous(Some(user)) = &mut self.state else {
                    self.wrong("Say USER first.");
                    return None;
                };
                let user = std::mem::take(user);
                self.state = State::LoggingIn;
                Some(Event::Password { user, password })
            }
            Command::Auth(mechanism, initial) if self.may_log_in() => {
                self.authenticate(&mechanism, initial.as_deref())
            }
            Command::Mechanisms if self.may_log_in() => {
                self.ok("These are the mechanisms.");
                for mechanism in &self.mechanisms {
                    self.output.extend_from_slice(mechanism.as_bytes());
                    self.output.extend_from_slice(b"\r\n");
                }
                self.output.extend_from_slice(b".\r\n");
                None
            }
            Command::User(_) | Command::Pass(_) | Command::Auth(..) | Command::Mechanisms => {
                self.wrong("Say STLS first, then log in.");
                None
            }
            _ => {
                self.wrong("Log in first.");
                None
            }
        }
    }

    fn may_log_in(&self) -> bool {
        !self.mechanisms.is_empty()
    }

    fn start_tls(&mut self) -> Option<Event> {
        if self.security == Security::Tls {
            self.wrong("TLS is active already.");
            return None;
        }
        self.ok("Begin TLS.");
        // RFC 2595 §4: what was sent behind it in clear may be an attacker's.
        self.lines.forget();
        self.state = State::Securing;
        Some(Event::StartTls)
    }

    /// The handshake is done. The client knows nothing any more, and nothing is told unasked.
    pub fn secured(&mut self, mechanisms: Vec<&'static str>) {
        self.security = Security::Tls;
        self.mechanisms = mechanisms;
        self.state = State::Anonymous(None);
    }

    fn authenticate(&mut self, mechanism: &str, initial: Option<&str>) -> Option<Event> {
        let known = self.mechanisms.iter().find(|name| **name == mechanism);
        let Some(mechanism) = known.copied() else {
            self.wrong("This mechanism is not offered; CAPA lists those that are.");
            return None;
        };
        // RFC 5034 §4: a lone "=" is an initial response without octets.
        let initial = match initial {
            None => None,
            Some("=") => Some(Vec::new()),
            Some(text) => match BASE64.decode(text) {
                Ok(octets) => Some(octets),
                Err(_) => {
                    self.wrong("The response is not base64.");
                    return None;
                }
            },
        };
        self.state = State::LoggingIn;
        Some(Event::Authenticate { mechanism, initial })
    }

    pub(super) fn response(&mut self, line: &[u8]) -> Option<Event> {
        let decoded = match line {
            b"*" => None,
            text => BASE64.decode(text).ok(),
        };
        match decoded {
            Some(octets) => Some(Event::AuthResponse(octets)),
            None => {
                self.state = State::Anonymous(None);
                self.wrong("Log-in cancelled.");
                Some(Event::AuthCancelled)
            }
        }
    }

    /// The log-in goes on with this.
    pub fn challenge(&mut self, data: &[u8]) {
        self.output.extend_from_slice(b"+ ");
        self.output
            .extend_from_slice(BASE64.encode(data).as_bytes());
        self.output.extend_from_slice(b"\r\n");
    }

    /// The client is in, and this is its maildrop.
    pub fn logged_in(&mut self, maildrop: Maildrop) {
        let (count, octets) = maildrop.stat();
        self.state = State::Transaction(maildrop);
        self.ok(&format!("{count} messages ({octets} octets)"));
    }

    /// The log-in failed.
    pub fn login_failed(&mut self, code: Code, text: &str) {
        self.state = State::Anonymous(None);
        self.failed_logins += 1;
        self.err(code, text);
        if self.failed_logins >= MAX_FAILED_LOGINS {
            self.state = State::Closed(Closing::TooManyErrors);
        }
    }
}
