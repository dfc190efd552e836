//! The commands' end: through the control socket if a server runs, else on the store itself.

use super::socket::Reply;
use super::{Answer, Failure, FailureKind, Request, World, execute};
use crate::config::Config;
use crate::run::{Instance, LockError, offline};
use std::io;
use std::path::Path;
use std::sync::Arc;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;

/// A way to have requests carried out.
pub enum Client {
    /// By the running server.
    Server(Box<BufReader<UnixStream>>),
    /// No server runs: here, once a request needs the store.
    Nobody(Box<Config>),
    /// Here, under the lock of the data directory.
    Here(Box<World>, Instance),
}

impl Client {
    /// Finds the way.
    pub async fn connect(config: Config) -> Result<Client, Failure> {
        match UnixStream::connect(&config.control_socket).await {
            Ok(stream) => Ok(Client::Server(Box::new(BufReader::new(stream)))),
            Err(why) if nobody_there(&why) => Ok(Client::Nobody(Box::new(config))),
            Err(why) => Err(unreachable(&config.control_socket, &why)),
        }
    }

    /// Has a request carried out.
    pub async fn execute(&mut self, request: Request) -> Result<Answer, Failure> {
        if let Client::Nobody(config) = self {
            if request.needs_server() {
                return Err(Failure::not_running());
            }
            *self = open_store(config).await?;
        }
        match self {
            Client::Here(world, _) => execute(world, request).await,
            Client::Server(stream) => ask(stream, &request).await.unwrap_or_else(|why| {
                let sentence = format!("the server closed the connection: {why}; its log says why");
                Err(Failure::new(FailureKind::Unavailable, sentence))
            }),
            Client::Nobody(_) => Err(Failure::not_running()),
        }
    }
}

async fn open_store(config: &Config) -> Result<Client, Failure> {
    let instance = offline::claim(config).map_err(|why| match why {
        LockError::Held { .. } => {
            let socket = config.control_socket.display();
            let sentence = format!("{why}, but does not answer on {socket}");
            Failure::new(FailureKind::Unavailable, sentence)
        }
        LockError::Unusable { .. } => Failure::new(FailureKind::Unavailable, why.to_string()),
        LockError::NoUser(_) => Failure::new(FailureKind::Config, why.to_string()),
    })?;
    let store = offline::open(config)
        .await
        .map_err(|why| Failure::new(FailureKind::Unavailable, why.to_string()))?;
    let world = World {
        config: Arc::new(config.clone()),
        store,
        now: jiff::Timestamp::now(),
        running: None,
    };
    Ok(Client::Here(Box::new(world), instance))
}

async fn ask(
    stream: &mut BufReader<UnixStream>,
    request: &Request,
) -> io::Result<Result<Answer, Failure>> {
    let line = serde_json::to_string(request)? + "\n";
    stream.write_all(line.as_bytes()).await?;
    let mut reply = String::new();
    if stream.read_line(&mut reply).await? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(match serde_json::from_str(&reply)? {
        Reply::Ok(answer) => Ok(answer),
        Reply::Error(failure) => Err(failure),
    })
}

/// No server has the socket open.
fn nobody_there(why: &io::Error) -> bool {
    matches!(
        why.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused
    )
}

fn unreachable(path: &Path, why: &io::Error) -> Failure {
    let advice = match why.kind() {
        io::ErrorKind::PermissionDenied => {
            "; run this command as root or as the user of the server"
        }
        _ => "",
    };
    Failure::new(
        FailureKind::Unavailable,
        format!("cannot reach {}: {why}{advice}", path.display()),
    )
}
