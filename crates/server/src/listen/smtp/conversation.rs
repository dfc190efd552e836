//! One session: reads what the client sends, asks the state machine what it means, has the journey or the authenticator answer,
//! and writes the replies. It decides nothing about mail.

use super::client_name::LookUp;
use super::login::LogIn;
use super::patience::{Brought, Patience};
use super::{SmtpKind, connect, envelope};
use crate::Services;
use crate::config::{Config, Listener};
use crate::journey::{Receiving, Refusal, Road, SessionFacts, Transaction};
use crate::listen::stream::Stream;
use crate::session::Peer;
use crate::session::login::Login;
use crate::session::sasl::{self, Offer};
use smtp::server::{Clear, Closing, Event, Security, Service, Session, refusal_of};
use smtp::{MailCommand, RcptCommand, Reply};
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncWriteExt as _;
use tokio::time::{Instant, sleep_until, timeout};

/// How long a client may take to read our last words, and how much of its own we listen to meanwhile.
const FAREWELL: Duration = Duration::from_secs(2);
const FAREWELL_OCTETS: usize = 1024 * 1024;

/// A session under way.
pub(super) struct Conversation {
    services: Arc<Services>,
    config: Arc<Config>,
    kind: SmtpKind,
    peer: Peer,
    session: Session,
    began: Instant,
    patience: Patience,
    draining: bool,
    client_name: LookUp,
    hello: Option<Hello>,
    log_in: LogIn,
    login: Option<Login>,
    /// Made at the first MAIL, and anew when something in it changes.
    facts: Option<Arc<SessionFacts>>,
    mail: Mail,
}

/// How the client introduced itself.
struct Hello {
    name: String,
    extended: bool,
}

/// Where the transaction stands.
#[derive(Default)]
enum Mail {
    /// There is none.
    #[default]
    None,
    /// Between MAIL and the message. Boxed, as are the others, so that a session without a transaction holds no room for one.
    Envelope(Box<Transaction>),
    /// The message is coming.
    Receiving(Box<Receiving>),
    /// It is refused; the rest of it is thrown away until the client can be told.
    Refused(Box<Refusal>),
}

/// Why a session is over.
enum Ended {
    /// The state machine closed it.
    Closed(Closing),
    /// The client hung up.
    HungUp,
    /// The connection broke.
    Broken(io::Error),
}

impl From<io::Error> for Ended {
    fn from(why: io::Error) -> Ended {
        Ended::Broken(why)
    }
}

impl Conversation {
    /// Begins with a client; its name in DNS is looked up meanwhile.
    pub(super) fn new(services: Arc<Services>, kind: SmtpKind, peer: Peer) -> Conversation {
        let config = services.config.load_full();
        let listener = kind.listener().settings(&config);
        let security = match peer.tls {
            Some(_) => Security::Tls,
            None => Security::Clear,
        };
        let mechanisms = mechanisms(kind, listener, &peer);
        let session = Session::new(service(kind, &config, &peer), security, mechanisms);
        Conversation {
            began: Instant::now(),
            patience: Patience::new(config.limits.smtp_timeout),
            client_name: LookUp::begin(&services, peer.remote.ip()),
            draining: false,
            hello: None,
            log_in: LogIn::None,
            login: None,
            facts: None,
            mail: Mail::None,
            services,
            config,
            kind,
            peer,
            session,
        }
    }

    /// Talks until one side has enough.
    pub(super) async fn hold(&mut self, mut stream: Stream) {
        let ended = match self.talk(&mut stream).await {
            Ok(never) => match never {},
            Err(ended) => ended,
        };
        if let Ended::Closed(why) = ended {
            farewell(stream, why).await;
        }
        self.report(&ended);
    }

    async fn talk(&mut self, stream: &mut Stream) -> Result<std::convert::Infallible, Ended> {
        let mut buffer = Vec::new();
        loop {
            let brought = self.digest(&buffer, stream).await?;
            self.patience.after(brought);
            if !self.session.is_receiving() {
                buffer = Vec::new();
            }
            self.read(stream, &mut buffer).await?;
        }
    }

    /// Does all that was read says, and writes the replies.
    async fn digest(&mut self, read: &[u8], stream: &mut Stream) -> Result<Brought, Ended> {
        let mut input = read;
        let mut brought = Brought::Fragment;
        loop {
            match self.session.next_event(&mut input) {
                Event::NeedInput => break,
                Event::Flush => self.write(stream).await?,
                Event::StartTls => Box::pin(self.start_tls(stream)).await?,
                Event::Close(why) => {
                    self.write(stream).await?;
                    return Err(Ended::Closed(why));
                }
                event => Box::pin(self.handle(event)).await,
            }
            brought = Brought::Progress;
        }
        if self.session.has_output() {
            self.write(stream).await?;
            brought = Brought::Progress;
        }
        match self.session.is_receiving() {
            true => Ok(Brought::Content(read.len())),
            false => Ok(brought),
        }
    }

    /// Waits for the client, for as long as it is given, or until the server goes down.
    async fn read(&mut self, stream: &mut Stream, buffer: &mut Vec<u8>) -> Result<(), Ended> {
        let shutdown = &self.services.shutdown;
        tokio::select! {
            read = stream.read(buffer) => {
                read?;
                match buffer.is_empty() {
                    true => return Err(Ended::HungUp),
                    false => return Ok(()),
                }
            }
            () = shutdown.cancelled(), if !self.draining => {
                self.draining = true;
                self.session.drain();
            }
            () = sleep_until(self.patience.deadline()) => self.session.time_out(),
        }
        buffer.clear();
        Ok(())
    }

    async fn write(&mut self, stream: &mut Stream) -> Result<(), Ended> {
        let output = self.session.take_output();
        let writing = async {
            stream.write_all(&output).await?;
            stream.flush().await
        };
        match timeout(self.config.limits.smtp_timeout, writing).await {
            Ok(written) => Ok(written?),
            Err(_) => Err(Ended::Closed(Closing::TimedOut)),
        }
    }

    /// RFC 3207: everything that was said before is forgotten.
    async fn start_tls(&mut self, stream: &mut Stream) -> Result<(), Ended> {
        self.write(stream).await?;
        connect::secure(&self.services, stream, &mut self.peer).await?;
        let listener = self.kind.listener().settings(&self.config);
        self.session
            .secured(mechanisms(self.kind, listener, &self.peer));
        self.hello = None;
        self.facts = None;
        self.mail = Mail::None;
        Ok(())
    }

    async fn handle(&mut self, event: Event<'_>) {
        match event {
            Event::Hello { name, extended } => {
                self.hello = Some(Hello { name, extended });
                self.facts = None;
                self.mail = Mail::None;
            }
            Event::Mail(command) => self.mail(command).await,
            Event::Rcpt(command) => self.rcpt(command).await,
            Event::Reset => self.mail = Mail::None,
            Event::Begin => self.begin(),
            Event::Content(octets) => self.content(octets).await,
            Event::EndOfChunk => self.end_of_chunk(),
            Event::EndOfMessage(None) => self.end_of_message().await,
            Event::EndOfMessage(Some(fault)) => {
                self.mail = Mail::None;
                self.refuse(Stage::Message, refused_with(refusal_of(fault)));
            }
            Event::Auth { mechanism, initial } => self.auth(mechanism, initial).await,
            Event::AuthResponse(response) => self.auth_response(&response).await,
            Event::AuthCancelled => self.log_in = LogIn::None,
            Event::NeedInput | Event::Flush | Event::StartTls | Event::Close(_) => {}
        }
    }

    async fn mail(&mut self, command: MailCommand) {
        let from = match &command.reverse_path {
            Some(path) => path.to_string(),
            None => String::new(),
        };
        let begun = match (envelope::mail(command), self.facts().await) {
            (Ok(mail), Some(facts)) => Transaction::begin(self.services.clone(), facts, mail).await,
            (Err(refusal), _) => Err(refusal),
            // The state machine asks only those who are logged in; if it did not, this is not the place to be generous.
            (_, None) => Err(not_logged_in()),
        };
        match begun {
            Ok(transaction) => {
                self.mail = Mail::Envelope(Box::new(transaction));
                self.session.accept();
            }
            Err(refusal) => self.refuse(Stage::Mail(from), refusal),
        }
    }

    async fn rcpt(&mut self, command: RcptCommand) {
        let Mail::Envelope(transaction) = &mut self.mail else {
            return;
        };
        let to = command.forward_path.to_string();
        let taken = match envelope::rcpt(command) {
            Ok(rcpt) => transaction.recipient(rcpt).await,
            Err(refusal) => Err(refusal),
        };
        match taken {
            Ok(()) => self.session.accept(),
            Err(refusal) => self.refuse(Stage::Rcpt(to), refusal),
        }
    }

    fn begin(&mut self) {
        self.mail = match std::mem::take(&mut self.mail) {
            Mail::Envelope(transaction) => Mail::Receiving(Box::new(transaction.data())),
            other => other,
        };
    }

    async fn content(&mut self, octets: &[u8]) {
        if let Mail::Receiving(receiving) = &mut self.mail
            && let Err(refusal) = receiving.write(octets).await
        {
            self.mail = Mail::Refused(Box::new(refusal));
        }
    }

    fn end_of_chunk(&mut self) {
        match std::mem::take(&mut self.mail) {
            Mail::Refused(refusal) => self.refuse(Stage::Message, *refusal),
            other => {
                self.mail = other;
                self.session.accept();
            }
        }
    }

    async fn end_of_message(&mut self) {
        match std::mem::take(&mut self.mail) {
            Mail::Refused(refusal) => self.refuse(Stage::Message, *refusal),
            Mail::Receiving(receiving) => {
                let fates = receiving.finish().await;
                let replies: Vec<Reply> = fates.into_iter().map(|fate| self.fate(fate)).collect();
                self.session.finish(&replies);
            }
            // Unanswered, which the state machine makes a 451.
            Mail::None | Mail::Envelope(_) => {}
        }
    }

    /// What the client is told of a message, over LMTP of one recipient's copy. The journey has written the log.
    fn fate(&self, fate: Result<Reply, Refusal>) -> Reply {
        fate.unwrap_or_else(|refusal| {
            self.services.metrics.rejected_in(Stage::Message.name());
            refusal.reply
        })
    }

    fn refuse(&mut self, stage: Stage, refusal: Refusal) {
        self.log_refusal(&stage, &refusal);
        self.session.refuse(refusal.reply);
    }

    /// A refusal that the journey does not hear of: before the message is complete.
    fn log_refusal(&self, stage: &Stage, refusal: &Refusal) {
        let metrics = &self.services.metrics;
        metrics.rejected_in(stage.name());
        if matches!(stage, Stage::Message) {
            let action = match refusal.reply.is_temporary() {
                true => "defer",
                false => "reject",
            };
            metrics.message_in(self.peer.protocol.name(), action);
        }
        tracing::info!(
            proto = %self.peer.protocol,
            raddr = %self.peer.remote.ip(),
            stage = stage.name(),
            from = stage.from(),
            to = stage.to(),
            code = refusal.reply.code,
            dsn = refusal.reply.enhanced.map(tracing::field::display),
            reason = refusal.reason,
            "refused"
        );
    }

    async fn auth(&mut self, mechanism: &str, initial: Option<Vec<u8>>) {
        let setting = self.kind.listener().settings(&self.config).plaintext_auth;
        let (services, peer) = (&self.services, &self.peer);
        let login = self
            .log_in
            .begin(
                services,
                peer,
                setting,
                mechanism,
                initial,
                &mut self.session,
            )
            .await;
        self.logged_in(login);
    }

    async fn auth_response(&mut self, response: &[u8]) {
        let login = self
            .log_in
            .response(&self.services, response, &mut self.session)
            .await;
        self.logged_in(login);
    }

    fn logged_in(&mut self, login: Option<Login>) {
        if login.is_some() {
            self.login = login;
            self.facts = None;
        }
    }

    /// What the journey needs to know of this session; `None` where a log-in is demanded and there is none.
    async fn facts(&mut self) -> Option<Arc<SessionFacts>> {
        if self.facts.is_none() {
            let road = match (&self.login, self.kind) {
                (Some(login), _) => Road::Submission(login.clone()),
                (None, SmtpKind::Mx) => Road::Mx,
                (None, SmtpKind::Lmtp) => Road::Lmtp,
                (None, SmtpKind::Submission | SmtpKind::Submissions) => return None,
            };
            self.facts = Some(Arc::new(SessionFacts {
                peer: self.peer.clone(),
                road,
                helo: self.hello.as_ref().map(|hello| hello.name.clone()),
                esmtp: self.hello.as_ref().is_some_and(|hello| hello.extended),
                client: self.client_name.result().await.clone(),
            }));
        }
        self.facts.clone()
    }

    /// The last line of the session in the log.
    fn report(&self, ended: &Ended) {
        let (result, reason) = match ended {
            Ended::Closed(Closing::Quit | Closing::ShuttingDown) => ("ok", None),
            Ended::Closed(Closing::TimedOut) => ("timeout", None),
            Ended::Closed(Closing::ShareUsedUp) => ("limited", None),
            Ended::HungUp => ("ok", Some("hung up".to_owned())),
            Ended::Closed(why) => ("error", Some(why.reason().to_owned())),
            Ended::Broken(why) => ("error", Some(why.to_string())),
        };
        let listener = self.kind.listener().name();
        self.services.metrics.connection_ended(listener, result);
        let counts = self.session.counts();
        tracing::info!(
            proto = %self.peer.protocol,
            raddr = %self.peer.remote.ip(),
            result,
            reason,
            messages = counts.messages,
            recipients = counts.recipients,
            refused = counts.refused,
            errors = counts.errors,
            failed_logins = counts.failed_logins,
            seconds = self.began.elapsed().as_secs(),
            "disconnected"
        );
    }
}

/// Where in the dialogue something was refused.
enum Stage {
    /// MAIL, from this sender.
    Mail(String),
    /// RCPT, to this recipient.
    Rcpt(String),
    /// The message.
    Message,
}

impl Stage {
    fn name(&self) -> &'static str {
        match self {
            Stage::Mail(_) => "mail",
            Stage::Rcpt(_) => "rcpt",
            Stage::Message => "data",
        }
    }

    fn from(&self) -> Option<&str> {
        match self {
            Stage::Mail(from) => Some(from),
            Stage::Rcpt(_) | Stage::Message => None,
        }
    }

    fn to(&self) -> Option<&str> {
        match self {
            Stage::Rcpt(to) => Some(to),
            Stage::Mail(_) | Stage::Message => None,
        }
    }
}

fn refused_with(reply: Reply) -> Refusal {
    Refusal {
        reason: reply.lines.join(" "),
        reply,
    }
}

fn not_logged_in() -> Refusal {
    Refusal::new(530, smtp::Enhanced(5, 7, 0), "Log in first, with AUTH")
}

/// The mechanisms that can be used now; on port 25 none, unless that is asked for, and then with TLS alone (A20).
fn mechanisms(kind: SmtpKind, listener: &Listener, peer: &Peer) -> Vec<&'static str> {
    let offer = Offer::new(peer, listener.plaintext_auth);
    match kind {
        SmtpKind::Submission | SmtpKind::Submissions => {
            sasl::mechanisms(offer.tls, offer.plaintext)
        }
        SmtpKind::Mx if listener.auth && offer.tls.is_some() => sasl::mechanisms(offer.tls, false),
        SmtpKind::Mx | SmtpKind::Lmtp => Vec::new(),
    }
}

fn service(kind: SmtpKind, config: &Config, peer: &Peer) -> Service {
    let listener = kind.listener().settings(config);
    let clear = match Offer::new(peer, listener.plaintext_auth).plaintext {
        true => Clear::Allowed,
        false => Clear::Protected,
    };
    Service {
        role: kind.role(),
        hostname: config.hostname.clone(),
        max_size: config.limits.message_size,
        max_recipients: config.limits.recipients,
        // A server in front of us is not a stranger: it brings all it has over one connection (A11 is about strangers).
        max_messages: (kind != SmtpKind::Lmtp).then_some(config.limits.messages),
        dsn: config.queue.dsn,
        starttls: kind != SmtpKind::Submissions,
        clear,
    }
}

/// Closes so that the client gets the last reply: what it still sends is read, or the reply would be lost with a reset (RFC 1122
/// §4.2.2.13).
async fn farewell(mut stream: Stream, why: Closing) {
    let parting = async {
        stream.shutdown().await?;
        let mut heard = 0;
        let mut buffer = Vec::new();
        while may_still_talk(why) && heard < FAREWELL_OCTETS {
            stream.read(&mut buffer).await?;
            heard += buffer.len();
            if buffer.is_empty() {
                break;
            }
        }
        io::Result::Ok(())
    };
    // Whether this works makes no difference to anybody.
    let _ = timeout(FAREWELL, parting).await;
}

/// Whether the client did not expect the end, and may have sent more.
fn may_still_talk(why: Closing) -> bool {
    !matches!(
        why,
        Closing::Quit | Closing::ShuttingDown | Closing::TimedOut
    )
}
