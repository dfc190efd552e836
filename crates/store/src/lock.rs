//! The lock of a data directory: two programs that open the same store would ruin it.

use crate::{Error, Result};
use rustix::fs::{FlockOperation, flock};
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Held as long as the store is open. The system takes it back when the process dies.
pub(crate) struct DataLock(#[allow(dead_code)] File);

impl DataLock {
    /// Takes the lock, or says who has it.
    pub(crate) fn take(data: &Path) -> Result<DataLock> {
        let path = data.join("lock");
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o640)
            .open(&path)?;
        if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
            let mut owner = String::new();
            let _ = file.read_to_string(&mut owner);
            return Err(Error::Unavailable(format!(
                "{} is in use by another process ({})",
                data.display(),
                owner.trim()
            )));
        }
        file.set_len(0)?;
        writeln!(file, "{}", ourselves())?;
        Ok(DataLock(file))
    }
}

/// `pid 4711, pennyblack`
fn ourselves() -> String {
    let program = std::env::current_exe().ok();
    let name = program
        .as_deref()
        .and_then(Path::file_name)
        .map(|name| name.to_string_lossy().into_owned());
    format!("pid {}, {}", std::process::id(), name.unwrap_or_default())
}
