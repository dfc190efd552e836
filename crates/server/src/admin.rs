//! Mail of the server to its admin (`postmaster`): what he must know and would not look for. It travels as mail of programs on this
//! machine does; from the null sender, so that nothing is ever returned.

use crate::Services;
use crate::journey::{
    ClientName, ForwardPath, LocalUser, Mail, Notify, Rcpt, Refusal, Road, SessionFacts,
    Transaction,
};
use crate::session::{Peer, Protocol, SessionId};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

/// Writes to the admin. Where that fails the log has it: an error there is all that is left to do.
pub(crate) async fn tell(services: &Arc<Services>, subject: &str, text: &str) {
    match written(services, subject, text).await {
        Ok(()) => tracing::info!(subject, "the admin is told by mail"),
        Err(refusal) => {
            tracing::error!(
                subject,
                error = refusal.reason,
                "the admin cannot be told by mail"
            );
        }
    }
}

async fn written(services: &Arc<Services>, subject: &str, text: &str) -> Result<(), Refusal> {
    let hostname = services.config.load().hostname.clone();
    let user = LocalUser {
        uid: nix::unistd::geteuid().as_raw(),
        name: "pennyblack".into(),
    };
    let facts = Arc::new(facts(user));
    let mut transaction = Transaction::begin(services.clone(), facts, Mail::default()).await?;
    let rcpt = Rcpt {
        forward_path: ForwardPath::Postmaster,
        orcpt: None,
        notify: Notify::NEVER,
    };
    transaction.recipient(rcpt).await?;
    let mut receiving = transaction.data();
    let message = format!(
        "From: Pennyblack <MAILER-DAEMON@{hostname}>\r\nTo: postmaster\r\nSubject: {subject}\r\nAuto-Submitted: auto-generated\r\n\
         MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{}\r\n",
        text.replace('\n', "\r\n")
    );
    receiving.write(message.as_bytes()).await?;
    let replies = receiving.finish().await;
    let refused = replies.into_iter().find_map(Result::err);
    refused.map_or(Ok(()), Err)
}

fn facts(user: LocalUser) -> SessionFacts {
    const HERE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
    SessionFacts {
        peer: Peer {
            protocol: Protocol::Local,
            session: SessionId::random(),
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
