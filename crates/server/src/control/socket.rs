//! The server's end of the control socket.

use super::{Answer, Failure, FailureKind, Request, World, execute};
use crate::run::Running;
use serde::{Deserialize, Serialize};
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio_util::task::TaskTracker;

/// A request's longest line: the largest Sieve script, written as JSON, fits in.
pub(super) const LONGEST: u64 = 64 << 20;
/// How long a client may be silent.
const PATIENCE: Duration = Duration::from_secs(60);

/// A reply, as it is on the wire.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Reply {
    Ok(Answer),
    Error(Failure),
}

impl From<Result<Answer, Failure>> for Reply {
    fn from(result: Result<Answer, Failure>) -> Reply {
        result.map_or_else(Reply::Error, Reply::Ok)
    }
}

/// The open socket; its file goes when it is dropped.
pub(crate) struct ControlSocket {
    listener: UnixListener,
    path: PathBuf,
}

/// Makes the socket, mode 0600. The lock of the data directory is ours, so that a file in its place is left from a crash.
pub(crate) fn bind(path: &Path) -> io::Result<ControlSocket> {
    match fs::remove_file(path) {
        Err(why) if why.kind() != io::ErrorKind::NotFound => return Err(why),
        _ => {}
    }
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let listener = UnixListener::bind(path)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
    Ok(ControlSocket {
        listener,
        path: path.into(),
    })
}

impl Drop for ControlSocket {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// Serves the socket until the server stops; requests that have begun are finished.
pub(crate) async fn serve(socket: ControlSocket, running: Arc<Running>) {
    let clients = TaskTracker::new();
    let shutdown = running.services.shutdown.clone();
    while let Some(accepted) = shutdown.run_until_cancelled(socket.listener.accept()).await {
        match accepted {
            Ok((stream, _)) if may_ask(&stream) => {
                drop(clients.spawn(answer_all(stream, running.clone())))
            }
            Ok(_) => tracing::warn!("a user without the right to do so tried the control socket"),
            Err(why) => {
                tracing::error!(error = %why, "cannot accept on the control socket");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
    clients.close();
    clients.wait().await;
}

/// Whether the client is root or who we are; the mode of the file alone says nothing while it is being made.
fn may_ask(stream: &UnixStream) -> bool {
    let ours = rustix::process::geteuid().as_raw();
    stream
        .peer_cred()
        .is_ok_and(|client| client.uid() == 0 || client.uid() == ours)
}

async fn answer_all(stream: UnixStream, running: Arc<Running>) {
    let shutdown = running.services.shutdown.clone();
    let mut stream = BufReader::new(stream);
    loop {
        let mut line = String::new();
        let mut limited = (&mut stream).take(LONGEST);
        let read = tokio::time::timeout(PATIENCE, limited.read_line(&mut line));
        let Some(Ok(Ok(1..))) = shutdown.run_until_cancelled(read).await else {
            return;
        };
        let reply = answer(&line, &running).await;
        let cut = line.len() as u64 >= LONGEST;
        if stream.write_all(reply.as_bytes()).await.is_err() || cut {
            return;
        }
    }
}

async fn answer(line: &str, running: &Arc<Running>) -> String {
    let result = match serde_json::from_str::<Request>(line) {
        Ok(request) => {
            tracing::debug!(request = ?request, "control request");
            execute(&World::of(running), request).await
        }
        Err(why) => Err(Failure::invalid(format!(
            "that is no request this version knows: {why}"
        ))),
    };
    if let Err(why) = &result
        && why.kind == FailureKind::Internal
    {
        tracing::error!(error = %why, "control request failed");
    }
    let text = serde_json::to_string(&Reply::from(result)).unwrap_or_else(|why| {
        let failure = Failure::new(
            FailureKind::Internal,
            format!("the answer cannot be written: {why}"),
        );
        serde_json::to_string(&Reply::Error(failure)).unwrap_or_default()
    });
    text + "\n"
}

impl World {
    /// What a server that only starts works on.
    pub(crate) fn without_server(services: &crate::Services) -> World {
        World {
            config: services.config.load_full(),
            store: services.store.clone(),
            now: services.clock.now(),
            running: None,
        }
    }

    pub(crate) fn of(running: &Arc<Running>) -> World {
        let services = &running.services;
        World {
            config: services.config.load_full(),
            store: services.store.clone(),
            now: services.clock.now(),
            running: Some(running.clone()),
        }
    }
}
