//! `DATA/tls`: files that are whole or not there, readable by whom they are for.

use super::TlsError;
use super::certificates::fault;
use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// A folder of ours.
pub(super) struct Folder {
    path: PathBuf,
    /// User and group of the data directory: the files are theirs, even when root makes them.
    owner: (u32, u32),
}

/// Who may read a file.
#[derive(Clone, Copy)]
pub(super) enum Mode {
    Secret = 0o400,
    Public = 0o444,
}

impl Folder {
    /// Makes `DATA/PATH` if it is missing.
    pub(super) fn make(data: &Path, path: &str, mode: u32) -> Result<Folder, TlsError> {
        let owner = fs::metadata(data).map_err(|error| fault(data, error))?;
        let folder = Folder {
            path: data.join(path),
            owner: (owner.uid(), owner.gid()),
        };
        fs::DirBuilder::new()
            .recursive(true)
            .mode(mode)
            .create(&folder.path)
            .and_then(|()| give(&folder.path, folder.owner))
            .map_err(|error| fault(&folder.path, error))?;
        Ok(folder)
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Writes beside and renames: a crash leaves the old file or the new one.
    pub(super) fn write(&self, name: &str, text: &str, mode: Mode) -> Result<(), TlsError> {
        self.write_for(self.owner, name, text, mode)
    }

    /// The same for another user and group, where the process may give files away.
    pub(super) fn write_for(
        &self,
        owner: (u32, u32),
        name: &str,
        text: &str,
        mode: Mode,
    ) -> Result<(), TlsError> {
        let (path, beside) = (self.path(name), self.path(&format!("{name}.new")));
        let written = || -> io::Result<()> {
            let _ = fs::remove_file(&beside);
            let mut file = fs::OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(mode as u32)
                .open(&beside)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            give(&beside, owner)?;
            fs::rename(&beside, &path)?;
            self.sync()
        };
        written().map_err(|error| fault(&path, error))
    }

    /// Removes a file, if it is there.
    pub(super) fn remove(&self, name: &str) -> Result<(), TlsError> {
        let path = self.path(name);
        let removed = match fs::remove_file(&path) {
            Err(why) if why.kind() == io::ErrorKind::NotFound => return Ok(()),
            removed => removed.and_then(|()| self.sync()),
        };
        removed.map_err(|error| fault(&path, error))
    }

    fn sync(&self) -> io::Result<()> {
        fs::File::open(&self.path)?.sync_all()
    }
}

fn give(path: &Path, owner: (u32, u32)) -> io::Result<()> {
    match rustix::process::geteuid().is_root() {
        true => std::os::unix::fs::chown(path, Some(owner.0), Some(owner.1)),
        false => Ok(()),
    }
}
