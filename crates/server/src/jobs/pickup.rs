//! Once a minute, and soon after the start: sends what programs on this machine have left in the spool while no server ran (X14).
//!
//! A file goes when its message is committed. Killed in between, the message is sent twice rather than never. What is refused for good is
//! told to its sender; what nobody could read is set aside under another name, for a person to look at.

use super::periodic::{Job, Outcome};
use crate::Services;
use crate::journey::{
    ClientName, ForwardPath, LocalUser, Mail, Notify, Rcpt, Refusal, Ret, Road, SessionFacts,
    Transaction,
    returned::{self, Returned},
};
use crate::local::input::Input;
use crate::local::options::Dot;
use crate::local::spool::{self, Waiting};
use crate::session::{Peer, Protocol, SessionId};
use message::Address;
use smtp::Enhanced;
use std::io::{self, BufRead};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tracing::Instrument as _;

const MINUTE: Duration = Duration::from_secs(60);
/// Messages of one run.
const MOST: usize = 1000;
/// Octets read at once.
const PIECE: usize = 64 * 1024;

pub(super) fn job() -> Job {
    Job {
        name: "pickup",
        about: "send what programs left while no server ran",
        every: |config| config.local.spool.as_ref().map(|_| MINUTE),
        work: |services| Box::pin(pick_up(services)),
    }
}

async fn pick_up(services: Arc<Services>) -> Outcome {
    let Some(folder) = services.config.load().local.spool.clone() else {
        return Ok(None);
    };
    let paths = match blocking(move || spool::waiting(&folder, MOST)).await {
        Err(why) if why.kind() == io::ErrorKind::NotFound => return Ok(None),
        paths => paths?,
    };
    let (mut sent, mut later) = (0, 0);
    for path in paths {
        let session = SessionId::random();
        let span = tracing::info_span!("session", sid = %session);
        match one(&services, session, path).instrument(span).await {
            Fate::Done => sent += 1,
            Fate::Later => later += 1,
        }
    }
    Ok((sent + later > 0).then(|| format!("{sent} messages taken, {later} left for later")))
}

/// What became of a file.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// It needs nobody any more.
    Done,
    /// It stays until the next run.
    Later,
}

async fn one(services: &Arc<Services>, session: SessionId, path: PathBuf) -> Fate {
    let at = path.clone();
    let waiting = match blocking(move || spool::open(&at)).await {
        Ok(waiting) => waiting,
        Err(why) if why.kind() == io::ErrorKind::NotFound => return Fate::Done,
        Err(why) if why.kind() == io::ErrorKind::InvalidData => return set_aside(&path, &why),
        Err(why) => {
            tracing::error!(file = %path.display(), error = %why, "a waiting message cannot be read");
            return Fate::Later;
        }
    };
    match send(services, session, waiting).await {
        Ok(()) => remove(&path),
        Err(refusal) => {
            tracing::warn!(file = %path.display(), reason = refusal.reason, "a waiting message cannot be sent now");
            Fate::Later
        }
    }
}

fn remove(path: &Path) -> Fate {
    if let Err(why) = std::fs::remove_file(path) {
        tracing::error!(file = %path.display(), error = %why, "a message was sent and its file cannot be removed: it will be sent again");
        return Fate::Later;
    }
    Fate::Done
}

fn set_aside(path: &Path, why: &io::Error) -> Fate {
    tracing::warn!(file = %path.display(), error = %why, "this is no message that could be sent; it is set aside as .bad");
    match std::fs::rename(path, path.with_extension("bad")) {
        Ok(()) => Fate::Done,
        Err(_) => Fate::Later,
    }
}

/// An error is temporary: it is tried again.
async fn send(
    services: &Arc<Services>,
    session: SessionId,
    waiting: Waiting,
) -> Result<(), Refusal> {
    let config = services.config.load_full();
    let letter = waiting.letter.clone().qualified(&config.hostname);
    let user = LocalUser::of(waiting.uid).await;
    // Never the sender of the envelope, which may be the very thing that is refused.
    let own = format!("{}@{}", user.name, config.hostname);
    let facts = Arc::new(facts(session, user));
    let mail = Mail {
        reverse_path: match letter.sender.as_str() {
            "" => None,
            sender => Some(address(sender)?),
        },
        eight_bit: true,
        ret: letter.ret.as_deref().map(|word| match word {
            "FULL" => Ret::Full,
            _ => Ret::Headers,
        }),
        envid: letter.envid.clone(),
        ..Mail::default()
    };
    let begun = Transaction::begin(services.clone(), facts, mail).await;
    let mut refused = Vec::new();
    let outcome = match begun {
        Ok(mut transaction) => {
            for recipient in &letter.recipients {
                let taken = rcpt(&mut transaction, recipient, letter.notify.as_deref()).await;
                note(taken, recipient, &mut refused)?;
            }
            match transaction.recipients() {
                0 => Ok(()),
                _ => deliver(transaction, waiting.message).await,
            }
        }
        Err(refusal) => Err(refusal),
    };
    if let Err(refusal) = outcome {
        refused.clear();
        for recipient in &letter.recipients {
            note(Err(refusal.clone()), recipient, &mut refused)?;
        }
    }
    if refused.is_empty() {
        return Ok(());
    }
    let returned = Returned {
        id: session.to_string(),
        sender: own,
        envid: letter.envid,
        header: header_of(waiting.path).await?,
        refused,
    };
    returned::tell(services, returned).await
}

/// The header section of a waiting message, for the notice.
async fn header_of(path: PathBuf) -> Result<Vec<u8>, Refusal> {
    let read = blocking(move || {
        let waiting = spool::open(&path)?;
        let head = Input::new(waiting.message, Dot::Text).head();
        head.map(|head| head.section).map_err(io::Error::other)
    });
    read.await.map_err(|why| unreadable(&why))
}

/// A temporary refusal ends the try; one for good is told to the sender.
fn note(
    taken: Result<(), Refusal>,
    recipient: &str,
    refused: &mut Vec<(String, Refusal)>,
) -> Result<(), Refusal> {
    match taken {
        Ok(()) => {}
        Err(refusal) if refusal.reply.is_temporary() => return Err(refusal),
        Err(refusal) => refused.push((recipient.to_owned(), refusal)),
    }
    Ok(())
}

async fn rcpt(
    transaction: &mut Transaction,
    recipient: &str,
    notify: Option<&str>,
) -> Result<(), Refusal> {
    let forward_path = ForwardPath::Address(address(recipient)?);
    let bits = notify
        .unwrap_or_default()
        .split(',')
        .map(|word| match word {
            "SUCCESS" => Notify::SUCCESS.0,
            "FAILURE" => Notify::FAILURE.0,
            "DELAY" => Notify::DELAY.0,
            "NEVER" => Notify::NEVER.0,
            _ => 0,
        });
    let rcpt = Rcpt {
        forward_path,
        orcpt: None,
        notify: Notify(bits.fold(0, |all, bit| all | bit)),
    };
    transaction.recipient(rcpt).await
}

async fn deliver(
    transaction: Transaction,
    mut message: io::BufReader<std::fs::File>,
) -> Result<(), Refusal> {
    let mut receiving = transaction.data();
    loop {
        let read = blocking(move || {
            let piece = {
                let filled = message.fill_buf()?;
                filled[..filled.len().min(PIECE)].to_vec()
            };
            message.consume(piece.len());
            Ok((message, piece))
        });
        let (rest, piece) = read.await.map_err(|why| unreadable(&why))?;
        message = rest;
        if piece.is_empty() {
            break;
        }
        receiving.write(&piece).await?;
    }
    let replies = receiving.finish().await;
    replies
        .into_iter()
        .find_map(Result::err)
        .map_or(Ok(()), Err)
}

fn address(text: &str) -> Result<Address, Refusal> {
    Address::parse(text).map_err(|why| {
        Refusal::new(
            553,
            Enhanced(5, 1, 3),
            format!("The address {text} cannot be used: {why}"),
        )
    })
}

fn unreadable(why: &io::Error) -> Refusal {
    let refusal = Refusal::new(
        451,
        Enhanced(4, 3, 0),
        "The message cannot be read at present",
    );
    refusal.because(why.to_string())
}

fn facts(session: SessionId, user: LocalUser) -> SessionFacts {
    const HERE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
    SessionFacts {
        peer: Peer {
            protocol: Protocol::Local,
            session,
            remote: HERE,
            local: HERE,
            tls: None,
        },
        road: Road::Local(user),
        helo: Some("localhost".into()),
        esmtp: true,
        client: ClientName::Confirmed("localhost".into()),
        impression: Default::default(),
    }
}

/// Files are read off the workers.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|why| Err(io::Error::other(why)))
}
