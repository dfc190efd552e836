//! IMAP sessions (RFC 3501 and the extensions in [`capability`]): a file per command.
//!
//! A session is a [`state::State`]: not authenticated, authenticated, or with a mailbox selected. Each state takes a command and
//! itself by value and gives the next state, so that a command in the wrong state does not compile. The grammar is the `imap`
//! crate's; this folder connects it with the [`store`] and the sockets.
//!
//! What a client is told of changes by others goes one way: the store's change log → [`updates`] → the client.

mod acl;
mod append;
mod authenticate;
mod capability;
mod compress;
mod connection;
mod copy;
mod create;
mod delete;
mod enable;
mod enabled;
mod expunge;
mod failure;
mod fetch;
mod flags;
mod groups;
mod id;
mod idle;
mod internal_date;
mod list;
mod locate;
mod login;
mod lsub;
mod mask;
mod message_limit;
mod metadata;
mod names;
mod namespace;
mod notify;
pub(crate) mod object_id;
mod piece;
mod progress;
mod quota;
mod recent;
mod rename;
mod resync;
mod search;
mod select;
mod starttls;
mod state;
mod status;
mod store;
mod subscribe;
mod uid_only;
mod unauthenticate;
mod updates;
mod url_auth;
mod view;

pub(crate) use capability::known_words;
pub(crate) use recent::Recents;

use super::{Kind, proxy};
use crate::Services;
use crate::session::{Peer, Protocol, SessionId};
use connection::{Connection, Ended, Input};
use imap::Body;
use state::State;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Instant;
use tokio::net::TcpStream;
use tracing::Instrument as _;

/// Serves one connection until it ends. `tls_first`: TLS from the first octet (imaps), else perhaps by STARTTLS.
pub async fn serve(services: Arc<Services>, stream: TcpStream, tls_first: bool) {
    let kind = match tls_first {
        true => Kind::Imaps,
        false => Kind::Imap,
    };
    let id = SessionId::random();
    let span = tracing::info_span!("session", sid = %id);
    let metrics = services.metrics.clone();
    let _open = metrics.connected(Protocol::Imap.name(), tls_first);
    let ended = session(services, stream, kind, id).instrument(span).await;
    metrics.connection_ended(Protocol::Imap.name(), ended.result());
}

/// From the first octet to the last.
async fn session(services: Arc<Services>, stream: TcpStream, kind: Kind, id: SessionId) -> Ended {
    // Set-up needs much room and little time: in boxes, apart from the future that idles for hours.
    let connected = Box::pin(connect(services, stream, kind, id)).await;
    let ended = match connected {
        Ok(mut connection) => {
            let Err(ended) = converse(&mut connection).await;
            Box::pin(connection.say_goodbye(&ended)).await;
            ended
        }
        Err(ended) => ended,
    };
    match &ended {
        Ended::Broken(error) => tracing::info!(%error, "disconnected"),
        ended => tracing::info!(reason = ended.result(), "disconnected"),
    }
    ended
}

/// Who is it (PROXY), and TLS where it comes first.
async fn connect(
    services: Arc<Services>,
    mut stream: TcpStream,
    kind: Kind,
    id: SessionId,
) -> Result<Connection, Ended> {
    let config = services.config.load_full();
    let listener = kind.settings(&config);
    let ends = proxy::ends(&mut stream, listener).await?;
    let peer = Peer {
        protocol: Protocol::Imap,
        session: id,
        remote: ends.remote,
        local: ends.local,
        tls: None,
    };
    tracing::info!(
        proto = %peer.protocol,
        listener = kind.name(),
        raddr = %peer.remote.ip(),
        rport = peer.remote.port(),
        "connected"
    );
    let mut connection = Connection::new(services, stream, peer, listener.plaintext_auth);
    if kind == Kind::Imaps {
        connection.start_tls().await?;
    }
    Ok(connection)
}

/// Greets, then answers one command after another. Ends only by an [`Ended`].
async fn converse(connection: &mut Connection) -> Result<Infallible, Ended> {
    connection.greet();
    let mut state = State::begin();
    loop {
        state.listen(connection).await?;
        let Some(input) = connection.next_input(state.waits()).await? else {
            continue;
        };
        let (name, begun) = (input.name(), Instant::now());
        state = match input {
            Input::Command(command) if command.body == Body::Idle => {
                state.idle(connection, command.tag).await?
            }
            // Commands have large futures, and are seldom running.
            input => Box::pin(state.take(connection, input)).await?,
        };
        connection
            .services
            .metrics
            .imap_command(name, begun.elapsed());
    }
}
