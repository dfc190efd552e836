//! A new connection: the PROXY header if it comes through a proxy, the TLS handshake on port 465, and the line in the log.

use super::SmtpKind;
use crate::Services;
use crate::journey::LocalUser;
use crate::listen::{proxy, stream::Stream};
use crate::session::metrics::{Direction, Verified};
use crate::session::tls::TlsFacts;
use crate::session::{Peer, SessionId};
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::server::TlsStream;

/// A connection that a session can begin on.
pub(super) struct Connection {
    pub(super) stream: Stream,
    pub(super) peer: Peer,
    /// Who it is, if a program on this machine.
    pub(super) user: Option<LocalUser>,
}

/// Makes a connection ready, or logs why there is none.
pub(super) async fn connect(
    services: &Arc<Services>,
    mut stream: TcpStream,
    kind: SmtpKind,
    session: SessionId,
) -> Option<Connection> {
    let config = services.config.load_full();
    let ends = match proxy::ends(&mut stream, kind.listener().settings(&config)).await {
        Ok(ends) => ends,
        Err(why) => {
            tracing::info!(listener = kind.listener().name(), error = %why, "connection without a session");
            return None;
        }
    };
    if kind == SmtpKind::Mx {
        services.gate.met(ends.remote.ip());
    }
    // Behind a proxy the address is known only now.
    if services
        .gate
        .is_banned(services.clock.now(), ends.remote.ip())
    {
        return None;
    }
    let mut peer = Peer {
        protocol: kind.protocol(),
        session,
        remote: ends.remote,
        local: ends.local,
        tls: None,
    };
    tracing::info!(
        proto = %peer.protocol,
        listener = kind.listener().name(),
        raddr = %peer.remote.ip(),
        rport = peer.remote.port(),
        "connected"
    );
    let mut stream = Stream::Clear(stream);
    if kind == SmtpKind::Submissions {
        let secured = Box::pin(secure(services, &mut stream, &mut peer)).await;
        if secured.is_err() {
            let listener = kind.listener().name();
            services.metrics.connection_ended(listener, "error");
            return None;
        }
    }
    Some(Connection {
        stream,
        peer,
        user: None,
    })
}

/// A connection over a Unix socket: the system says whose program it is.
pub(super) async fn from_here(
    stream: UnixStream,
    kind: SmtpKind,
    session: SessionId,
) -> Option<Connection> {
    const HERE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
    let uid = match stream.peer_cred() {
        Ok(client) => client.uid(),
        Err(why) => {
            tracing::error!(error = %why, "the system does not say who is at the other end of a socket");
            return None;
        }
    };
    let user = LocalUser::of(uid).await;
    let peer = Peer {
        protocol: kind.protocol(),
        session,
        remote: HERE,
        local: HERE,
        tls: None,
    };
    tracing::info!(proto = %peer.protocol, listener = kind.listener().name(), uid, user = user.name, "connected");
    Some(Connection {
        stream: Stream::Unix(stream),
        peer,
        user: Some(user),
    })
}

/// Does the TLS handshake, and remembers in `peer` what it agreed on.
pub(super) async fn secure(
    services: &Arc<Services>,
    stream: &mut Stream,
    peer: &mut Peer,
) -> io::Result<()> {
    let shaken = match std::mem::replace(stream, Stream::Gone) {
        Stream::Clear(clear) => handshake(services, clear).await,
        Stream::Tls(_) | Stream::Unix(_) | Stream::Gone => {
            Err(io::Error::other("TLS is active already"))
        }
    };
    match shaken {
        Ok((secured, facts)) => {
            services
                .metrics
                .smtp_tls(Direction::In, facts.version, Verified::No);
            *stream = Stream::Tls(Box::new(secured));
            peer.tls = Some(facts);
            Ok(())
        }
        Err(why) => {
            tracing::info!(
                proto = %peer.protocol,
                raddr = %peer.remote.ip(),
                error = %why,
                "TLS handshake failed"
            );
            Err(why)
        }
    }
}

/// A server that goes down does not wait for clients that do not shake hands.
async fn handshake(
    services: &Arc<Services>,
    stream: TcpStream,
) -> io::Result<(TlsStream<TcpStream>, TlsFacts)> {
    let acceptor = services.tls.acceptor();
    let handshake = acceptor.accept(stream);
    match services.shutdown.run_until_cancelled(handshake).await {
        Some(shaken) => shaken,
        None => Err(io::Error::other("the server is going down")),
    }
}
