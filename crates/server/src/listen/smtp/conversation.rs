//! One session: reads what the client sends, asks the state machine what it means, has the journey or the authenticator answer,
//! and writes the replies. It decides nothing about mail.

use super::client_name::{Ask, LookUp};
use super::login::LogIn;
use super::offer::{mechanisms, service};
use super::patience::{Brought, Patience};
use super::transaction::{Mail, Stage, refused_with};
use super::{SmtpKind, connect};
use crate::Services;
use crate::config::Config;
use crate::journey::{LocalUser, Road, SessionFacts};
use crate::listen::stream::{Stream, is_hang_up};
use crate::session::Peer;
use crate::session::login::Login;
use crate::session::presence::Present;
use smtp::Reply;
use smtp::server::{Closing, Event, Security, Session, refusal_of};
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
    pub(super) services: Arc<Services>,
    config: Arc<Config>,
    kind: SmtpKind,
    pub(super) peer: Peer,
    pub(super) session: Session,
    began: Instant,
    patience: Patience,
    draining: bool,
    client_name: LookUp,
    /// How long each answer is held back (J4).
    delay: Duration,
    hello: Option<Hello>,
    log_in: LogIn,
    login: Option<Login>,
    /// As long as somebody is logged in.
    present: Option<Present>,
    user: Option<LocalUser>,
    /// Made at the first MAIL, and anew when something in it changes.
    facts: Option<Arc<SessionFacts>>,
    pub(super) mail: Mail,
}

/// How the client introduced itself.
struct Hello {
    name: String,
    extended: bool,
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
        match is_hang_up(&why) {
            true => Ended::HungUp,
            false => Ended::Broken(why),
        }
    }
}

impl Conversation {
    /// Begins with a client; its name in DNS is looked up meanwhile.
    pub(super) fn new(
        services: Arc<Services>,
        kind: SmtpKind,
        peer: Peer,
        user: Option<LocalUser>,
    ) -> Conversation {
        let config = services.config.load_full();
        let listener = kind.listener().settings(&config);
        let security = match peer.tls {
            Some(_) => Security::Tls,
            None => Security::Clear,
        };
        let mechanisms = mechanisms(kind, listener, &peer, &services.login);
        let session = Session::new(service(kind, &config, &peer), security, mechanisms);
        Conversation {
            began: Instant::now(),
            patience: Patience::new(config.limits.smtp_timeout),
            client_name: LookUp::begin(&services, peer.remote.ip(), ask(kind)),
            delay: Duration::ZERO,
            draining: false,
            hello: None,
            log_in: LogIn::None,
            login: None,
            present: None,
            user,
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
        if let Some(refusal) = self.turned_away().await {
            return self.turn_away(stream, &refusal).await;
        }
        let ended = match self.talk(&mut stream).await {
            Ok(never) => match never {},
            Err(ended) => ended,
        };
        if let Ended::Closed(why) = ended {
            farewell(stream, why).await;
        }
        self.report(&ended);
    }

    /// Why the gate does not let this client in, if it wants to know that before anybody is greeted (J1–J4).
    async fn turned_away(&mut self) -> Option<String> {
        if self.kind != SmtpKind::Mx || !self.services.gate.decides_before_greeting() {
            return None;
        }
        let impression = &self.client_name.result().await.impression;
        self.delay = impression.delay;
        impression.refusal.clone()
    }

    async fn turn_away(&mut self, mut stream: Stream, refusal: &str) {
        tracing::info!(raddr = %self.peer.remote.ip(), reason = refusal, "not let in");
        let mut line = Vec::new();
        Reply::plain(550, refusal).write_to(&mut line);
        // Whoever does not read it is gone all the same.
        let _ = timeout(FAREWELL, stream.write_all(&line)).await;
        let listener = self.kind.listener().name();
        self.services.metrics.connection_ended(listener, "refused");
        farewell(stream, Closing::Owner).await;
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
        let end = match &self.present {
            Some(present) => present.ends(),
            None => self.services.shutdown.clone(),
        };
        tokio::select! {
            read = stream.read(buffer) => {
                read?;
                match buffer.is_empty() {
                    true => return Err(Ended::HungUp),
                    false => return Ok(()),
                }
            }
            () = end.cancelled(), if !self.draining => {
                self.draining = true;
                match self.services.shutdown.is_cancelled() {
                    true => self.session.drain(),
                    false => self.session.dismiss(),
                }
            }
            () = sleep_until(self.patience.deadline()) => self.session.time_out(),
        }
        buffer.clear();
        Ok(())
    }

    async fn write(&mut self, stream: &mut Stream) -> Result<(), Ended> {
        let output = self.session.take_output();
        if !self.delay.is_zero() {
            tokio::time::sleep(self.delay).await;
        }
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
        let mechanisms = mechanisms(self.kind, listener, &self.peer, &self.services.login);
        self.session.secured(mechanisms);
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
            Event::MailRefused(command, reply) => {
                self.log_refusal(&Stage::mail(&command), &refused_with(reply));
            }
            Event::RcptRefused(command, reply) => {
                self.log_refusal(&Stage::rcpt(&command), &refused_with(reply));
            }
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
        if let Some(login) = login {
            let (sessions, shutdown) = (&self.services.sessions, &self.services.shutdown);
            self.present = Some(sessions.enter(login.account, shutdown));
            self.login = Some(login);
            self.facts = None;
        }
    }

    /// What the journey needs to know of this session; `None` where a log-in is demanded and there is none.
    pub(super) async fn facts(&mut self) -> Option<Arc<SessionFacts>> {
        if self.facts.is_none() {
            let road = match (&self.login, self.kind) {
                (Some(login), _) => Road::Submission(login.clone()),
                (None, SmtpKind::Local) => Road::Local(self.user.clone()?),
                (None, SmtpKind::Mx) => Road::Mx,
                (None, SmtpKind::Lmtp) => Road::Lmtp,
                (None, SmtpKind::Submission | SmtpKind::Submissions) => return None,
            };
            let seen = self.client_name.result().await.clone();
            self.delay = seen.impression.delay;
            self.facts = Some(Arc::new(SessionFacts {
                peer: self.peer.clone(),
                road,
                helo: self.hello.as_ref().map(|hello| hello.name.clone()),
                esmtp: self.hello.as_ref().is_some_and(|hello| hello.extended),
                client: seen.name,
                impression: seen.impression,
            }));
        }
        self.facts.clone()
    }

    /// The last line of the session in the log.
    fn report(&self, ended: &Ended) {
        let (result, reason) = match ended {
            Ended::Closed(Closing::Quit | Closing::ShuttingDown | Closing::Dismissed) => {
                ("ok", None)
            }
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

/// Users and servers in front of us are nobody that the gate has to look at.
fn ask(kind: SmtpKind) -> Ask {
    match kind {
        SmtpKind::Mx => Ask::Gate,
        SmtpKind::Submission | SmtpKind::Submissions | SmtpKind::Lmtp | SmtpKind::Local => {
            Ask::Name
        }
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
        Closing::Quit | Closing::ShuttingDown | Closing::Dismissed | Closing::TimedOut
    )
}
