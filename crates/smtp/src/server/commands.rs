//! Command lines: which command is allowed in which state (RFC 5321 §4.1.4), and what it leads to.

use super::line::{Expect, Line, LineEnd};
use super::service::Role;
use super::state::{Closing, Envelope, Question, State};
use super::{Event, MAX_IDLE_COMMANDS, MAX_REFUSED, Next, Security, Session, replies};
use crate::data::{BareLf, ChunkDecoder, DotDecoder};
use crate::{Command, CommandError, MailCommand, RcptCommand, Reply};

/// Whether input follows a command line already.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Behind {
    /// The client waits for the reply.
    Nothing,
    /// It does not.
    Text,
}

impl Session {
    /// Reads a line and does what it says.
    pub(super) fn read_command<'a>(&mut self, state: State, input: &mut &'a [u8]) -> Next<'a> {
        if self.draining && input.is_empty() {
            return self.shut_down();
        }
        let line = self.lines.next(input, Expect::Command);
        let behind = match input.is_empty() {
            true => Behind::Nothing,
            false => Behind::Text,
        };
        match line {
            Line::Incomplete => (state, Some(Event::NeedInput)),
            Line::TooLong => self.wrong(state, &replies::line_too_long()),
            Line::Whole(_, LineEnd::Lf) if self.service.bare_lf() == BareLf::Refuse => {
                self.wrong(state, &replies::bare_lf_in_command())
            }
            Line::Whole(text, _) => match Command::parse(&text) {
                Ok(command) => self.command(state, command, behind),
                Err(error) => self.unreadable(state, &error),
            },
        }
    }

    fn unreadable<'a>(&mut self, state: State, error: &CommandError) -> Next<'a> {
        match error {
            CommandError::Http => self.close(&error.reply(), Closing::Http),
            CommandError::ChunkSize => self.close(&error.reply(), Closing::OutOfStep),
            _ => self.wrong(state, &error.reply()),
        }
    }

    fn command<'a>(&mut self, state: State, command: Command, behind: Behind) -> Next<'a> {
        match command {
            Command::Mail(mail) => self.mail(state, mail),
            Command::Rcpt(rcpt) => self.rcpt(state, rcpt),
            Command::Data => self.data(state, behind),
            Command::Bdat { octets, last } => self.bdat(state, octets, last),
            Command::StartTls => self.starttls(state, behind),
            Command::Auth { mechanism, initial } => self.auth(state, &mechanism, initial),
            Command::Quit => {
                let reply = replies::goodbye(&self.service);
                self.close(&reply, Closing::Quit)
            }
            _ => self.idle_command(state, command),
        }
    }

    /// A command that brings no message nearer. Legitimate clients send a few of them.
    fn idle_command<'a>(&mut self, state: State, command: Command) -> Next<'a> {
        if let Some(over) = self.one_more_idle_command() {
            return over;
        }
        let reply = match command {
            Command::Ehlo(name) => return self.hello(state, name, Hello::Ehlo),
            Command::Helo(name) => return self.hello(state, name, Hello::Helo),
            Command::Lhlo(name) => return self.hello(state, name, Hello::Lhlo),
            Command::Rset => return self.rset(state),
            Command::Vrfy(_) => replies::vrfy(),
            Command::Expn(_) => replies::expn(),
            Command::Help => replies::help(self.service.role),
            _ => replies::ok(),
        };
        self.say(&reply);
        (state, None)
    }

    fn one_more_idle_command<'a>(&mut self) -> Option<Next<'a>> {
        self.counts.idle_commands += 1;
        (self.counts.idle_commands > MAX_IDLE_COMMANDS)
            .then(|| self.close(&replies::too_many_idle_commands(), Closing::ShareUsedUp))
    }

    /// Says no to what a client sent before it knew that something before it was refused, as pipelining makes it do (RFC 2920
    /// §3.1). That is not an error of its program.
    fn in_vain<'a>(&mut self, state: State, reply: &Reply) -> Next<'a> {
        if let Some(over) = self.one_more_idle_command() {
            return over;
        }
        self.say(reply);
        (state, None)
    }

    /// RFC 5321 §4.1.1.1; LMTP knows LHLO alone (RFC 2033 §4.1). A greeting voids a transaction (§4.1.4).
    fn hello<'a>(&mut self, state: State, name: String, hello: Hello) -> Next<'a> {
        let is_lmtp = self.service.role == Role::Lmtp;
        if is_lmtp != (hello == Hello::Lhlo) {
            return self.wrong(state, &replies::wrong_hello(self.service.role));
        }
        let reply = match hello {
            Hello::Helo => replies::helo(&self.service),
            Hello::Ehlo | Hello::Lhlo => replies::extensions(
                &self.service,
                self.offers_starttls(),
                self.offers_requiretls(),
                match self.logged_in {
                    true => &[],
                    false => &self.mechanisms,
                },
            ),
        };
        self.say(&reply);
        let extended = hello != Hello::Helo;
        (State::Ready, Some(Event::Hello { name, extended }))
    }

    fn offers_starttls(&self) -> bool {
        self.service.starttls && self.security == Security::Clear
    }

    /// RFC 8689 §2: over TLS alone, and not where no relaying begins.
    fn offers_requiretls(&self) -> bool {
        let relays = matches!(self.service.role, Role::Mx | Role::Submission);
        relays && self.security == Security::Tls
    }

    fn rset<'a>(&mut self, state: State) -> Next<'a> {
        self.say(&replies::ok());
        match state {
            State::Envelope(_) | State::BetweenChunks(..) => (State::Ready, Some(Event::Reset)),
            other => (other, None),
        }
    }

    fn mail<'a>(&mut self, state: State, mail: MailCommand) -> Next<'a> {
        if self.draining {
            return self.shut_down();
        }
        if let Some(refusal) = self.login_missing() {
            return self.wrong(state, &refusal);
        }
        match state {
            State::Ready => {}
            State::New => return self.wrong(state, &replies::hello_first(self.service.role)),
            _ => return self.wrong(state, &replies::nested_mail()),
        }
        let limit = self.service.max_messages;
        if limit.is_some_and(|limit| self.counts.transactions >= limit) {
            return self.close(&replies::too_many_messages(), Closing::ShareUsedUp);
        }
        if let Some(parameter) = self.not_announced_for_mail(&mail) {
            let error = CommandError::Parameter(parameter.to_owned());
            return self.wrong(state, &error.reply());
        }
        self.begin_transaction(mail)
    }

    /// What MAIL itself says against the transaction. None of this is an error of the client's program, so it is not counted.
    fn begin_transaction<'a>(&mut self, mail: MailCommand) -> Next<'a> {
        let is_ascii = mail
            .reverse_path
            .as_ref()
            .is_none_or(|path| path.is_ascii());
        let refusal = if !is_ascii && !mail.smtputf8 {
            Some(replies::sender_needs_smtputf8())
        } else if mail.size.is_some_and(|size| size > self.service.max_size) {
            Some(replies::too_large(&self.service))
        } else {
            None
        };
        if let Some(refusal) = refusal {
            self.say(&refusal);
            return (State::Ready, Some(Event::MailRefused(mail, refusal)));
        }
        let envelope = Envelope {
            smtputf8: mail.smtputf8,
            prdr: mail.prdr,
            ..Envelope::default()
        };
        (
            State::Asked(Question::Mail(envelope)),
            Some(Event::Mail(mail)),
        )
    }

    /// A parameter of an extension that EHLO did not list. The others are understood after HELO too.
    fn not_announced_for_mail(&self, mail: &MailCommand) -> Option<&'static str> {
        let dsn = self.service.dsn;
        [
            (mail.requiretls && !self.offers_requiretls(), "REQUIRETLS"),
            (mail.ret.is_some() && !dsn, "RET"),
            (mail.envid.is_some() && !dsn, "ENVID"),
            (mail.auth.is_some() && self.mechanisms.is_empty(), "AUTH"),
            (mail.prdr && self.service.role == Role::Lmtp, "PRDR"),
        ]
        .into_iter()
        .find_map(|(unannounced, name)| unannounced.then_some(name))
    }

    fn rcpt<'a>(&mut self, state: State, rcpt: RcptCommand) -> Next<'a> {
        let envelope = match state {
            State::Envelope(envelope) => envelope,
            State::New => return self.wrong(state, &replies::hello_first(self.service.role)),
            State::BetweenChunks(..) => return self.wrong(state, &replies::chunks_began()),
            _ => return self.in_vain(state, &replies::mail_first()),
        };
        let dsn = rcpt.notify.is_some() || rcpt.orcpt.is_some();
        if dsn && !self.service.dsn {
            let error = CommandError::Parameter("NOTIFY or ORCPT".to_owned());
            return self.wrong(State::Envelope(envelope), &error.reply());
        }
        let refusal = if envelope.recipients >= self.service.max_recipients {
            replies::too_many_recipients(&self.service)
        } else if self.service.role == Role::Mx && self.counts.refused >= MAX_REFUSED {
            replies::too_many_refused()
        } else if !rcpt.forward_path.is_ascii() && !envelope.smtputf8 {
            replies::recipient_needs_smtputf8()
        } else {
            return (
                State::Asked(Question::Rcpt(envelope)),
                Some(Event::Rcpt(rcpt)),
            );
        };
        self.say(&refusal);
        let event = Event::RcptRefused(rcpt, refusal);
        (State::Envelope(envelope), Some(event))
    }

    /// DATA must be the last of a pipelined group (RFC 2920 §3.1): text that came with it may be meant as commands by one reader and
    /// as a message by another, so the session ends.
    fn data<'a>(&mut self, state: State, behind: Behind) -> Next<'a> {
        let envelope = match self.envelope_for_message(state) {
            Ok((envelope, None)) => envelope,
            Ok((envelope, Some(decoder))) => {
                let state = State::BetweenChunks(envelope, decoder);
                return self.wrong(state, &replies::chunks_began());
            }
            Err((state, reply)) => return self.in_vain(state, &reply),
        };
        if behind == Behind::Text {
            return self.close(&replies::too_early("DATA"), Closing::OutOfStep);
        }
        self.say(&replies::go_ahead());
        let decoder = DotDecoder::new(self.service.bare_lf());
        (State::Content(envelope, decoder), Some(Event::Begin))
    }

    /// RFC 3030 §2. The octets of a chunk come whether it is wanted or not.
    fn bdat<'a>(&mut self, state: State, octets: u64, last: bool) -> Next<'a> {
        let chunk = match last {
            true => super::state::Chunk::Last,
            false => super::state::Chunk::Inner,
        };
        match self.envelope_for_message(state) {
            Ok((envelope, decoder)) => {
                let event = decoder.is_none().then_some(Event::Begin);
                let mut decoder = decoder.unwrap_or_else(ChunkDecoder::new);
                decoder.begin(octets);
                (State::Chunk(envelope, decoder, chunk), event)
            }
            Err((_, reply)) if octets > self.service.max_size => {
                self.close(&reply, Closing::OutOfStep)
            }
            Err((state, reply)) => match self.one_more_idle_command() {
                Some(over) => over,
                None => (State::Unwanted(octets, reply, Box::new(state)), None),
            },
        }
    }

    /// The envelope that a message can be sent with now, and the decoder if chunks of it have come; or the state and what is missing.
    fn envelope_for_message(
        &self,
        state: State,
    ) -> Result<(Envelope, Option<ChunkDecoder>), (State, Reply)> {
        match state {
            State::Envelope(envelope) if envelope.recipients > 0 => Ok((envelope, None)),
            State::BetweenChunks(envelope, decoder) => Ok((envelope, Some(decoder))),
            State::Envelope(envelope) => {
                let reply = replies::no_recipients(envelope.refused > 0);
                Err((State::Envelope(envelope), reply))
            }
            State::New => Err((State::New, replies::hello_first(self.service.role))),
            other => Err((other, replies::mail_first())),
        }
    }
}

/// How a client greets.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Hello {
    Ehlo,
    Helo,
    Lhlo,
}
