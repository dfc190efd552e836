//! The tarpit (J13): a client that the gate has blocked gets its answers an octet a second, is let through the whole dialogue, and is
//! refused at the end of its message. It costs a spammer's program minutes, and us a task that sleeps.
//!
//! The dialogue is that of any session ([`smtp::server`]), without TLS and log-in; nothing it says is looked at or kept. When all
//! places are taken (J14) it gets the same answers at once.

use super::offer::service;
use super::{SmtpKind, connect::Connection};
use crate::Services;
use crate::config::BlockedReply;
use crate::gate::{Gate, Held};
use crate::listen::stream::Stream;
use smtp::server::{Event, Security, Session};
use smtp::{Enhanced, Reply};
use spam::gate::lists::Hit;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncWriteExt as _;
use tokio::time::{sleep, timeout};

/// Between two octets.
const PACE: Duration = Duration::from_secs(1);
/// A client is kept no longer, and may be silent no longer.
const LONGEST: Duration = Duration::from_secs(3600);
const SILENCE: Duration = Duration::from_secs(300);
/// The kernel's buffer for what it sends: as small as the kernel makes them.
const WINDOW: usize = 512;

/// Keeps a blocked client until it gives up, or has heard that its mail is refused.
pub(super) async fn hold(services: &Arc<Services>, connection: Connection, hit: Hit) {
    let held = Gate::hold(services);
    services.metrics.blocked(list_label(&hit), held.is_some());
    let raddr = connection.peer.remote.ip();
    tracing::info!(%raddr, list = %hit.list, tarpit = held.is_some(), "blocked");
    let mut stay = Stay::new(services, connection, hit, held);
    let held = services
        .shutdown
        .run_until_cancelled(timeout(LONGEST, stay.talk()))
        .await;
    tracing::info!(
        %raddr,
        seconds = stay.began.elapsed().as_secs(),
        refused = matches!(held, Some(Ok(Ok(())))),
        "blocked client has left"
    );
    let listener = SmtpKind::Mx.listener().name();
    services.metrics.connection_ended(listener, "blocked");
}

/// Lists are named by the administrator: the counter has two names, so that its labels stay few.
fn list_label(hit: &Hit) -> &'static str {
    match hit.list.as_str() {
        "trapped" => "trapped",
        _ => "list",
    }
}

struct Stay {
    stream: Stream,
    session: Session,
    refusal: Reply,
    pace: Duration,
    began: tokio::time::Instant,
    _held: Option<Held>,
}

impl Stay {
    fn new(services: &Services, connection: Connection, hit: Hit, held: Option<Held>) -> Stay {
        let config = services.config.load_full();
        let mut service = service(SmtpKind::Mx, &config, &connection.peer);
        service.starttls = false;
        service.max_messages = Some(1);
        let refusal = match config.gate.blocked {
            BlockedReply::Temporary => Reply::new(450, Enhanced(4, 7, 1), hit.message),
            BlockedReply::Permanent => Reply::new(550, Enhanced(5, 7, 1), hit.message),
        };
        if held.is_some() {
            connection.stream.narrow(WINDOW);
        }
        Stay {
            session: Session::new(service, Security::Clear, Vec::new()),
            stream: connection.stream,
            pace: held.as_ref().map_or(Duration::ZERO, |_| PACE),
            began: tokio::time::Instant::now(),
            refusal,
            _held: held,
        }
    }

    /// Ends well when the message is refused.
    async fn talk(&mut self) -> io::Result<()> {
        let mut buffer = Vec::new();
        loop {
            let next = self.answer(&buffer);
            self.write().await?;
            match next {
                Next::Over => return self.stream.shutdown().await,
                Next::Read => timeout(SILENCE, self.stream.read(&mut buffer)).await??,
            }
            if buffer.is_empty() {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }

    /// Says yes to everything but the message.
    fn answer(&mut self, mut input: &[u8]) -> Next {
        loop {
            match self.session.next_event(&mut input) {
                Event::NeedInput => return Next::Read,
                Event::Close(_) => return Next::Over,
                Event::EndOfMessage(_) => {
                    self.session.refuse(self.refusal.clone());
                    return Next::Over;
                }
                Event::Mail(_) | Event::Rcpt(_) | Event::EndOfChunk => self.session.accept(),
                // What is left is not a question, is not offered, or may wait in the output.
                _ => {}
            }
        }
    }

    async fn write(&mut self) -> io::Result<()> {
        let output = self.session.take_output();
        if self.pace.is_zero() {
            return timeout(SILENCE, self.stream.write_all(&output)).await?;
        }
        for octet in output {
            timeout(SILENCE, self.stream.write_all(&[octet])).await??;
            sleep(self.pace).await;
        }
        Ok(())
    }
}

/// What comes after an answer.
enum Next {
    /// The client's turn.
    Read,
    /// Nothing.
    Over,
}
