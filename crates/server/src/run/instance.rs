//! One server to a data directory: an advisory lock on `DATA/server.lock`, which the system gives back however the process ends.

use rustix::fs::{FlockOperation, flock};
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

/// The word in the lock file that tells a command from a server.
const COMMAND: &str = "command";

/// The lock, held until dropped.
#[derive(Debug)]
pub struct Instance {
    file: File,
}

/// Why the lock could not be had.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process has it.
    #[error("another pennyblack is running on {data}{}", pid.as_ref().map(|pid| format!(" (process {pid})")).unwrap_or_default())]
    Held {
        /// The data directory.
        data: String,
        /// Its process id, if the lock file says it.
        pid: Option<String>,
        /// What it is.
        by: Holder,
    },
    /// The directory or file cannot be used.
    #[error("cannot use {path}: {why}")]
    Unusable {
        /// Which.
        path: String,
        /// Why not.
        why: io::Error,
    },
    /// Root is to become a user whom the settings do not name rightly.
    #[error("{0}")]
    NoUser(String),
}

/// Who holds the lock, as the lock file says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holder {
    /// A server, until it is stopped.
    Server,
    /// A command that found no server, for a moment.
    Command,
}

/// The lock, in the data directory.
pub(super) const LOCK_FILE: &str = "server.lock";
/// How long a server waits for a command to end.
const PATIENCE: Duration = Duration::from_secs(10);

impl Instance {
    /// Takes the lock of a data directory that exists, without waiting.
    pub fn lock(data: &Path, holder: Holder) -> Result<Instance, LockError> {
        let path = data.join(LOCK_FILE);
        let unusable = |why| LockError::Unusable {
            path: path.display().to_string(),
            why,
        };
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o640)
            .open(&path)
            .map_err(unusable)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => return Err(held(data, &mut file)),
            Err(why) => return Err(unusable(why.into())),
        }
        // The text is for people and for whoever waits; the lock itself is the system's.
        let text = match holder {
            Holder::Server => format!("{}\n", std::process::id()),
            Holder::Command => format!("{} {COMMAND}\n", std::process::id()),
        };
        let _ = file
            .set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| file.write_all(text.as_bytes()));
        Ok(Instance { file })
    }

    /// Takes the lock for a server. If a command has it, that is waited for; another server is not.
    pub async fn lock_for_server(data: &Path) -> Result<Instance, LockError> {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            match Instance::lock(data, Holder::Server) {
                Err(LockError::Held {
                    by: Holder::Command,
                    ..
                }) if tokio::time::Instant::now() < deadline => {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                done => return done,
            }
        }
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        // Nobody shall read who had the lock while the next one is about to write his name.
        let _ = self.file.set_len(0);
    }
}

fn held(data: &Path, file: &mut File) -> LockError {
    let mut text = String::new();
    let _ = file.take(40).read_to_string(&mut text);
    let by = if text.is_empty() || text.contains(COMMAND) {
        Holder::Command
    } else {
        Holder::Server
    };
    let pid = text.split_whitespace().next().map(str::to_owned);
    LockError::Held {
        data: data.display().to_string(),
        pid,
        by,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// X33: the second one is told who has it.
    #[test]
    fn x33_only_one_at_a_time() {
        let data = tempfile::tempdir().expect("folder");
        let first = Instance::lock(data.path(), Holder::Server).expect("free");
        let second = Instance::lock(data.path(), Holder::Server)
            .expect_err("held")
            .to_string();
        assert!(
            second.contains(&format!("(process {})", std::process::id())),
            "{second}"
        );
        drop(first);
        Instance::lock(data.path(), Holder::Server).expect("free again");
    }

    /// A server that starts while a command is at work waits for it.
    #[tokio::test]
    async fn a_server_waits_for_a_command() {
        let data = tempfile::tempdir().expect("folder");
        let command = Instance::lock(data.path(), Holder::Command).expect("free");
        let mut server = std::pin::pin!(Instance::lock_for_server(data.path()));
        assert!(
            tokio::time::timeout(Duration::from_millis(50), &mut server)
                .await
                .is_err(),
            "it waits"
        );
        drop(command);
        let server = server.await.expect("free again");
        let refused = Instance::lock_for_server(data.path()).await;
        assert!(
            matches!(
                refused,
                Err(LockError::Held {
                    by: Holder::Server,
                    ..
                })
            ),
            "{refused:?}"
        );
        drop(server);
    }
}
