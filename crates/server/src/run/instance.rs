//! One server to a data directory: an advisory lock on `DATA/server.lock`, which the system gives back however the process ends.

use rustix::fs::{FlockOperation, flock};
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// The lock, held until dropped.
#[derive(Debug)]
pub struct Instance {
    _file: File,
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
    },
    /// The directory or file cannot be used.
    #[error("cannot use {path}: {why}")]
    Unusable {
        /// Which.
        path: String,
        /// Why not.
        why: io::Error,
    },
}

impl Instance {
    /// Takes the lock of a data directory that exists.
    pub fn lock(data: &Path) -> Result<Instance, LockError> {
        let path = data.join("server.lock");
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
        // The number is for people; the lock itself is the system's.
        let _ = file
            .set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| writeln!(file, "{}", std::process::id()));
        Ok(Instance { _file: file })
    }
}

fn held(data: &Path, file: &mut File) -> LockError {
    let mut text = String::new();
    let _ = file.take(20).read_to_string(&mut text);
    let pid = Some(text.trim().to_owned()).filter(|pid| !pid.is_empty());
    LockError::Held {
        data: data.display().to_string(),
        pid,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// X33: the second one is told who has it.
    #[test]
    fn x33_only_one_at_a_time() {
        let data = tempfile::tempdir().expect("folder");
        let first = Instance::lock(data.path()).expect("free");
        let second = Instance::lock(data.path()).expect_err("held").to_string();
        assert!(
            second.contains(&format!("(process {})", std::process::id())),
            "{second}"
        );
        drop(first);
        Instance::lock(data.path()).expect("free again");
    }
}
