//! From the greeting to a session that is ready: EHLO or HELO (RFC 5321 §3.2), STARTTLS (RFC 3207), AUTH PLAIN (RFC 4954).

use super::failure::{Command, Failure, Incompatible, Misbehaved};
use super::{Capabilities, Client, Event, Protocol, StartTls, State};
use crate::Reply;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Which reply the opening waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Opening {
    /// The first line of the server.
    Greeting,
    /// After EHLO or LHLO.
    Ehlo,
    /// After HELO, because EHLO was not understood.
    Helo,
    /// After STARTTLS.
    StartTls,
    /// After AUTH.
    Auth,
}

impl Opening {
    pub(super) fn command(self) -> Command {
        match self {
            Opening::Greeting => Command::Greeting,
            Opening::Ehlo | Opening::Helo => Command::Hello,
            Opening::StartTls => Command::StartTls,
            Opening::Auth => Command::Auth,
        }
    }
}

impl Client {
    pub(super) fn opening_reply(&mut self, reply: Reply) {
        let State::Opening(opening) = self.state else {
            return;
        };
        match opening {
            Opening::Greeting if reply.is_positive() => self.hello(),
            Opening::Ehlo if reply.is_positive() => self.greeted(&reply),
            Opening::Ehlo if self.may_say_helo(&reply) => {
                let line = format!("HELO {}", self.settings.hello);
                self.ask(Opening::Helo, &line);
            }
            Opening::Helo if reply.is_positive() => self.log_in(),
            Opening::StartTls if reply.is_positive() => self.handshake(),
            // RFC 3207 §4: 454 or 5xx; what to do without TLS is the client's choice.
            Opening::StartTls if self.settings.starttls != StartTls::Required => self.log_in(),
            Opening::Auth if reply.is_positive() => self.ready(),
            _ => self.fail(Failure::Refused(opening.command(), reply)),
        }
    }

    /// Says EHLO (or LHLO).
    pub(super) fn hello(&mut self) {
        let verb = match self.settings.protocol {
            Protocol::Smtp => "EHLO",
            Protocol::Lmtp => "LHLO",
        };
        let line = format!("{verb} {}", self.settings.hello);
        self.ask(Opening::Ehlo, &line);
    }

    fn ask(&mut self, opening: Opening, line: &str) {
        self.state = State::Opening(opening);
        self.command(line);
    }

    /// Old servers answer EHLO with 500, 502 or another 5xx; after TLS there is no way back to HELO.
    fn may_say_helo(&self, reply: &Reply) -> bool {
        reply.code >= 500 && !self.encrypted && self.settings.protocol == Protocol::Smtp
    }

    fn greeted(&mut self, reply: &Reply) {
        self.capabilities = Capabilities::parse(&reply.lines);
        match self.settings.starttls {
            StartTls::Never => self.log_in(),
            _ if self.encrypted => self.log_in(),
            _ if self.capabilities.starttls => self.ask(Opening::StartTls, "STARTTLS"),
            StartTls::WhenOffered => self.log_in(),
            StartTls::Required => self.fail(Failure::Incompatible(Incompatible::NoTls)),
        }
    }

    /// What came after the 220 in the same breath was not said under TLS: somebody put it there (CVE-2011-0411 and its kin).
    fn handshake(&mut self) {
        if self.replies.is_empty() {
            self.state = State::Handshake;
            self.events.push_back(Event::Handshake);
        } else {
            self.fail(Failure::Misbehaved(Misbehaved::BeforeTls));
        }
    }

    fn log_in(&mut self) {
        let Some(login) = &self.settings.login else {
            return self.ready();
        };
        if !self.capabilities.auth.iter().any(|name| name == "PLAIN") {
            return self.fail(Failure::Incompatible(Incompatible::NoAuth));
        }
        let response = STANDARD.encode(format!("\0{}\0{}", login.user, login.password));
        self.ask(Opening::Auth, &format!("AUTH PLAIN {response}"));
    }
}
