//! The connection of a session: octets in through the framer, responses out through one buffer, TLS in between when it is on.
//! Time limits are here; what commands mean is not. While a client says nothing, next to no memory is held for it.

use super::super::stream::Stream;
use super::capability;
use super::compress::Deflate;
use super::enabled::Enabled;
use crate::Services;
use crate::config::{Hidden, Looker, PlaintextAuth};
use crate::learning::moves;
use crate::listen::stream::is_hang_up;
use crate::scripts::event::Witness;
use crate::session::Peer;
use crate::session::presence::Present;
use crate::session::recorder::Tape;
use crate::session::sasl::Offer;
use imap::append::Step;
use imap::framer::{Event, Framer, Limits, Literal, Message, Reason, Refusal};
use imap::response::{Code, Status};
use imap::{AppendHead, Body, Command, Tag};
use std::io;
use std::sync::Arc;
use std::time::Duration;
use store::AccountId;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

/// Octets of responses that are collected before they are written.
const OUT_FULL: usize = 32 * 1024;
/// How long a client may take to read what it asked for.
const WRITE_TIMEOUT: Duration = Duration::from_secs(300);
/// How long a client may stay without logging in or finishing a command.
const LOGIN_TIMEOUT: Duration = Duration::from_secs(60);
/// Wrong commands and failed log-ins before a session that is not logged in is closed.
const MAX_ERRORS: u32 = 10;
/// Commands a session may give before it logs in.
const MAX_COMMANDS: u32 = 100;

/// Characters of a client's name, and of its version, that are remembered.
const MAX_CLIENT_NAME: usize = 64;

/// Why a session ended.
#[derive(Debug)]
pub(super) enum Ended {
    /// The client said LOGOUT, and was answered.
    LoggedOut,
    /// The client closed the connection.
    HungUp,
    /// The client was silent for too long.
    Idle,
    /// The server is stopping.
    Shutdown,
    /// The account may not be used any more.
    Dismissed,
    /// The client broke the rules in a way that ends the session; it is told this.
    Expelled(&'static str),
    /// The connection broke.
    Broken(io::Error),
}

impl Ended {
    /// As `result` of the connection counter.
    pub(super) fn result(&self) -> &'static str {
        match self {
            Ended::LoggedOut | Ended::HungUp => "ok",
            Ended::Idle => "timeout",
            Ended::Shutdown => "shutdown",
            Ended::Dismissed => "refused",
            Ended::Expelled(_) => "refused",
            Ended::Broken(_) => "error",
        }
    }
}

impl From<io::Error> for Ended {
    fn from(error: io::Error) -> Ended {
        match is_hang_up(&error) {
            true => Ended::HungUp,
            false => Ended::Broken(error),
        }
    }
}

/// What the client wants.
pub(super) enum Input {
    /// A command.
    Command(Command),
    /// An APPEND whose message is still to be read.
    Append(AppendHead),
}

impl Input {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Input::Command(command) => command.body.name(),
            Input::Append(head) if head.append.replaces.is_some() => "REPLACE",
            Input::Append(_) => "APPEND",
        }
    }
}

/// How patient to be with a client.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Waits {
    /// It has not logged in.
    BeforeLogin,
    /// It has.
    LoggedIn,
}

/// A connection.
pub(super) struct Connection {
    pub(super) services: Arc<Services>,
    pub(super) peer: Peer,
    /// Responses not yet written.
    pub(super) out: Vec<u8>,
    /// What the client has enabled.
    pub(super) enabled: Enabled,
    stream: Stream,
    /// After COMPRESS.
    deflate: Option<Box<Deflate>>,
    framer: Framer,
    plaintext_auth: PlaintextAuth,
    errors: u32,
    commands: u32,
    waits: Waits,
    /// What the client calls itself: its name, a line end, its version. Bounded.
    client: Option<Box<str>>,
    /// As long as somebody is logged in.
    present: Option<Present>,
    /// What he hides from his own programs.
    pub(super) hidden: Box<[Hidden]>,
    /// What is said is written down (W18).
    tape: Option<Box<Tape>>,
}

impl Connection {
    /// Sees what this account does to messages, for scripts.
    pub(super) fn witness(&self, account: &super::state::Account) -> Witness {
        Witness::new(&self.services, account.login.address.clone())
    }

    pub(super) fn new(
        services: Arc<Services>,
        stream: TcpStream,
        peer: Peer,
        plaintext_auth: PlaintextAuth,
    ) -> Connection {
        Connection {
            services,
            peer,
            out: Vec::new(),
            enabled: Enabled::default(),
            stream: Stream::Clear(stream),
            deflate: None,
            framer: Framer::new(Limits::BEFORE_LOGIN),
            plaintext_auth,
            errors: 0,
            commands: 0,
            waits: Waits::BeforeLogin,
            client: None,
            present: None,
            hidden: Box::default(),
            tape: None,
        }
    }

    /// Who is looking at what is offered.
    pub(super) fn looker<'a>(&'a self, account: Option<&'a str>) -> Looker<'a> {
        Looker {
            account,
            client: self.client.as_deref(),
        }
    }

    /// The client said who it is.
    pub(super) fn introduced(&mut self, name: &str, version: &str) {
        let start = |text: &str| text.chars().take(MAX_CLIENT_NAME).collect::<String>();
        let named = format!("{}\n{}", start(name), start(version));
        self.client = Some(named.into_boxed_str());
    }

    /// What moves of mail teach the filter.
    pub(super) fn teaching(&self) -> moves::Rules {
        moves::Rules::of(&self.services.config.load())
    }

    /// Does the TLS handshake on the connection as it is.
    pub(super) async fn start_tls(&mut self) -> Result<(), Ended> {
        let Stream::Clear(clear) = std::mem::replace(&mut self.stream, Stream::Gone) else {
            return Err(io::Error::other("TLS is on already").into());
        };
        let (secured, facts) = self.services.tls.acceptor().accept(clear).await?;
        self.stream = Stream::Tls(Box::new(secured));
        self.peer.tls = Some(facts);
        Ok(())
    }

    /// G4: the greeting names neither software nor version.
    pub(super) fn greet(&mut self) {
        let capabilities = capability::before_login(self);
        let greeting = Status::ok("IMAP ready.").code(Code::Capability(capabilities));
        greeting.encode(None, &mut self.out);
    }

    /// SASL mechanisms that may be used as things stand; none means no log-in at all (promise: no password without TLS).
    pub(super) fn mechanisms(&self) -> Vec<&'static str> {
        self.offer().mechanisms()
    }

    /// What log-in is offered.
    pub(super) fn offer(&self) -> Offer<'_> {
        Offer::new(&self.peer, self.plaintext_auth, &self.services.login)
    }

    /// Can TLS still be started?
    pub(super) fn offers_starttls(&self) -> bool {
        self.peer.tls.is_none()
    }

    /// Has the client sent more than the command it is being answered for?
    pub(super) fn has_more_input(&self) -> bool {
        self.framer.has_more()
    }

    /// The client is logged in: larger commands from here on.
    pub(super) fn logged_in(&mut self, account: AccountId, hidden: Box<[Hidden]>) {
        self.hidden = hidden;
        let (sessions, shutdown) = (&self.services.sessions, &self.services.shutdown);
        self.present = Some(sessions.enter(account, shutdown));
        self.framer.set_limits(Limits::AFTER_LOGIN);
        self.waits = Waits::LoggedIn;
    }

    /// Nobody is logged in any more (RFC 8437).
    pub(super) fn logged_out(&mut self) {
        self.framer.set_limits(Limits::BEFORE_LOGIN);
        self.waits = Waits::BeforeLogin;
        self.present = None;
        self.tape = None;
        self.hidden = Box::default();
        self.commands = 0;
        self.enabled = Enabled::default();
        self.names_are_agreed();
    }

    /// What is enabled may have changed how mailbox names travel.
    pub(super) fn names_are_agreed(&mut self) {
        self.framer.set_names(self.enabled.names());
    }

    /// Appends a mailbox name.
    pub(super) fn push_mailbox(&mut self, name: &str) {
        imap::encode::mailbox(&mut self.out, name, self.enabled.names());
    }

    /// Has COMPRESS been used?
    pub(super) fn is_compressed(&self) -> bool {
        self.deflate.is_some()
    }

    /// From here on everything is deflated, what the client sent already included.
    pub(super) fn begin_compression(&mut self) {
        let mut deflate = Box::new(Deflate::new());
        deflate.feed(self.framer.take_rest());
        self.deflate = Some(deflate);
    }

    /// Counts a wrong command or a failed log-in.
    pub(super) fn count_error(&mut self) -> Result<(), Ended> {
        self.errors += 1;
        match self.waits == Waits::BeforeLogin && self.errors >= MAX_ERRORS {
            true => Err(Ended::Expelled("Too many errors; goodbye.")),
            false => Ok(()),
        }
    }

    /// The next command. `None` if what came was refused and answered here.
    pub(super) async fn next_input(&mut self, waits: Waits) -> Result<Option<Input>, Ended> {
        self.waits = waits;
        let deadline = self.deadline();
        loop {
            match self.framer.next_command() {
                Event::Wait => self.fill_until(deadline).await?,
                Event::Continue => self.out.extend_from_slice(b"+ OK\r\n"),
                Event::Command(octets) => {
                    self.count_command()?;
                    self.record(|tape| tape.client(&octets));
                    return self.parse(&octets);
                }
                Event::Append(head) => {
                    self.count_command()?;
                    self.record(|tape| tape.append(&head.tag));
                    return Ok(Some(Input::Append(head)));
                }
                Event::Refused(refusal) => {
                    self.refuse(refusal)?;
                    return Ok(None);
                }
                // Only `next_line` gives lines, and only an APPEND has steps.
                Event::Line(_) | Event::Steps(_) => return Ok(None),
            }
        }
    }

    /// What follows the octets of an APPEND, or why that cannot be taken; then there is nothing left of the command.
    pub(super) async fn next_steps(&mut self) -> Result<Result<Vec<Step>, Status>, Ended> {
        let deadline = self.deadline();
        loop {
            match self.framer.next_command() {
                Event::Wait => self.fill_until(deadline).await?,
                Event::Continue => self.out.extend_from_slice(b"+ OK\r\n"),
                Event::Steps(steps) => return Ok(Ok(steps)),
                Event::Refused(refusal) => return Ok(Err(refusal_of(refusal.reason))),
                // Cannot be: the framer is within a command.
                Event::Command(_) | Event::Append(_) | Event::Line(_) => {
                    return Ok(Err(Status::bad("APPEND is not complete.")));
                }
            }
        }
    }

    /// The next line of an exchange within a command; `None` if it was too long.
    pub(super) async fn next_line(&mut self) -> Result<Option<Vec<u8>>, Ended> {
        let deadline = self.deadline();
        loop {
            match self.framer.next_line() {
                Event::Wait => self.fill_until(deadline).await?,
                Event::Line(line) => return Ok(Some(line)),
                _ => return Ok(None),
            }
        }
    }

    /// A line that is there already, without waiting.
    pub(super) fn buffered_line(&mut self) -> Option<Vec<u8>> {
        match self.framer.next_line() {
            Event::Line(line) => Some(line),
            // A line too long to be anything we wait for.
            Event::Refused(_) => Some(Vec::new()),
            _ => None,
        }
    }

    /// The framer, to take or refuse an APPEND's message.
    pub(super) fn framer(&mut self) -> &mut Framer {
        &mut self.framer
    }

    /// Accepts the message of an APPEND: the client may send it.
    pub(super) fn accept_message(&mut self, literal: Literal) {
        self.framer.accept_message();
        if literal == Literal::Synchronising {
            self.out.extend_from_slice(b"+ OK\r\n");
        }
    }

    /// The next octets of an accepted message; `None` at its end.
    pub(super) async fn next_of_message(&mut self) -> Result<Option<Vec<u8>>, Ended> {
        loop {
            match self.framer.message() {
                Message::Octets(octets) => return Ok(Some(octets)),
                Message::End => return Ok(None),
                Message::Wait => {
                    // A message may be large and the line slow: the limit is on silence.
                    let deadline = self.deadline();
                    self.fill_until(deadline).await?;
                }
            }
        }
    }

    /// Appends the tagged answer.
    pub(super) fn answer(&mut self, tag: &Tag, status: &Status) {
        status.encode(Some(tag), &mut self.out);
    }

    /// Writes what has been collected if that is much.
    pub(super) async fn flush_if_full(&mut self) -> Result<(), Ended> {
        match self.out.len() >= OUT_FULL {
            true => self.flush().await,
            false => Ok(()),
        }
    }

    /// Writes what has been collected.
    pub(super) async fn flush(&mut self) -> Result<(), Ended> {
        if self.out.is_empty() {
            return Ok(());
        }
        if let Some(tape) = &mut self.tape {
            tape.server(&self.out);
        }
        if let Some(deflate) = &self.deflate {
            self.out = deflate.deflated(&self.out)?;
        }
        let deadline = Instant::now() + WRITE_TIMEOUT;
        let written = timeout_at(deadline, async {
            self.stream.write_all(&self.out).await?;
            self.stream.flush().await
        });
        written.await.map_err(|_| Ended::Idle)??;
        self.out.clear();
        Ok(())
    }

    /// Writes what has been collected, then waits for more octets. Cancel-safe once everything is written.
    pub(super) async fn fill(&mut self) -> Result<(), Ended> {
        self.flush().await?;
        self.free_buffers();
        let mut octets = Vec::new();
        let Some(deflate) = &mut self.deflate else {
            read(&mut self.stream, &mut octets).await?;
            self.framer.feed(&octets);
            return Ok(());
        };
        loop {
            let inflated = deflate.next()?;
            if !inflated.is_empty() {
                self.framer.feed(&inflated);
                // A little on the wire may be much to inflate: others get their turn.
                tokio::task::coop::consume_budget().await;
                return Ok(());
            }
            read(&mut self.stream, &mut octets).await?;
            deflate.feed(std::mem::take(&mut octets));
        }
    }

    /// The last words, as far as the client still listens.
    pub(super) async fn say_goodbye(&mut self, ended: &Ended) {
        let bye = match ended {
            Ended::Idle => Status::bye("You were silent for too long."),
            Ended::Shutdown => Status::bye("The server is stopping; try again in a moment.")
                .code(Code::Unavailable),
            Ended::Dismissed => Status::bye(
                "This account was locked, removed or changed; log in again, or ask your administrator.",
            ),
            Ended::Expelled(why) => Status::bye(*why),
            Ended::LoggedOut | Ended::HungUp | Ended::Broken(_) => return self.close().await,
        };
        bye.encode(None, &mut self.out);
        // Whether it arrives or not, the session is over.
        let _ = self.flush().await;
        self.close().await;
    }

    async fn close(&mut self) {
        let soon = Instant::now() + Duration::from_secs(5);
        // A client that does not take the end of the connection in time gets no better one.
        let _ = timeout_at(soon, self.stream.shutdown()).await;
    }

    /// Has the client sent nothing of its next command, as far as can be seen?
    pub(super) fn is_between_commands(&self) -> bool {
        self.framer.is_between_commands()
    }

    /// Writes what has been collected, then waits for more octets or for `news`.
    pub(super) async fn fill_or(
        &mut self,
        news: impl Future<Output = ()>,
        deadline: Instant,
    ) -> Result<(), Ended> {
        self.flush().await?;
        let end = self.end();
        tokio::select! {
            biased;
            () = end.cancelled() => Err(self.why_it_ends()),
            filled = timeout_at(deadline, self.fill()) => filled.map_err(|_| Ended::Idle)?,
            () = news => Ok(()),
        }
    }

    async fn fill_until(&mut self, deadline: Instant) -> Result<(), Ended> {
        let end = self.end();
        tokio::select! {
            biased;
            () = end.cancelled() => Err(self.why_it_ends()),
            filled = timeout_at(deadline, self.fill()) => filled.map_err(|_| Ended::Idle)?,
        }
    }

    /// Cancelled when the session is to end: with the server, or because its account may not be used any more.
    pub(super) fn end(&self) -> CancellationToken {
        match &self.present {
            Some(present) => present.ends(),
            None => self.services.shutdown.clone(),
        }
    }

    /// Once [`Connection::end`] is cancelled: the server stops, or only this session.
    pub(super) fn why_it_ends(&self) -> Ended {
        match self.services.shutdown.is_cancelled() {
            true => Ended::Shutdown,
            false => Ended::Dismissed,
        }
    }

    /// When a client that stays silent is left.
    pub(super) fn deadline(&self) -> Instant {
        Instant::now()
            + match self.waits {
                Waits::BeforeLogin => LOGIN_TIMEOUT,
                Waits::LoggedIn => self.services.config.load().limits.imap_timeout,
            }
    }

    /// A quiet client costs no buffers.
    fn free_buffers(&mut self) {
        if !self.framer.has_more() {
            self.framer.shrink();
            self.out = Vec::new();
        }
    }

    fn count_command(&mut self) -> Result<(), Ended> {
        self.commands = self.commands.saturating_add(1);
        match self.waits == Waits::BeforeLogin && self.commands > MAX_COMMANDS {
            true => Err(Ended::Expelled(
                "Too many commands without a login; goodbye.",
            )),
            false => Ok(()),
        }
    }

    /// Parses a command, or answers why it cannot be.
    fn parse(&mut self, octets: &[u8]) -> Result<Option<Input>, Ended> {
        let rejected = match Command::parse_with(octets, self.framer.names()) {
            Ok(Command {
                tag,
                body: Body::Append(append),
            }) => return Ok(Some(Input::Append(AppendHead { tag, append }))),
            Ok(command) => return Ok(Some(Input::Command(command))),
            Err(rejected) => rejected,
        };
        let status = match rejected.why {
            imap::Rejection::Malformed(malformed) => Status::bad(format!("{malformed}.")),
            imap::Rejection::Charset if self.waits == Waits::BeforeLogin => {
                Status::bad("That is not for this state: log in first.")
            }
            imap::Rejection::Charset => {
                Status::no("The charset is not known here.").code(Code::BadCharset)
            }
        };
        status.encode(rejected.tag.as_ref(), &mut self.out);
        self.count_error()?;
        Ok(None)
    }

    /// Writes down what the client says, if that is wanted; a session takes part from its next command on.
    fn record(&mut self, what: impl FnOnce(&mut Tape)) {
        self.tape.take_if(|tape| !tape.runs());
        if self.tape.is_none()
            && let Some(present) = &self.present
        {
            let services = &self.services;
            let (account, program) = (present.account(), self.client.as_deref());
            let joined = services.recorder.join(account, program, &services.clock);
            self.tape = joined.map(Box::new);
        }
        if let Some(tape) = &mut self.tape {
            what(tape);
        }
    }

    /// Answers a command that broke a limit.
    fn refuse(&mut self, refusal: Refusal) -> Result<(), Ended> {
        self.record(|tape| {
            tape.tell(&format!(
                "C: a command that is refused: {:?}",
                refusal.reason
            ))
        });
        refusal_of(refusal.reason).encode(refusal.tag.as_ref(), &mut self.out);
        self.count_error()
    }
}

fn refusal_of(reason: Reason) -> Status {
    match reason {
        Reason::LineTooLong => Status::bad("The command line is too long."),
        Reason::LiteralTooLarge => Status::bad("The command is too large.").code(Code::TooBig),
        Reason::Malformed(why) => Status::bad(format!("{why}.")),
    }
}

/// Octets from the network; at its end the client has hung up.
async fn read(stream: &mut Stream, octets: &mut Vec<u8>) -> Result<(), Ended> {
    stream.read(octets).await?;
    match octets.is_empty() {
        true => Err(Ended::HungUp),
        false => Ok(()),
    }
}
