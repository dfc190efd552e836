//! The data directory as far as bodies are concerned: `bodies/ab/…` for large bodies, `tmp/` for what is being received.
//!
//! A body file is named by its hash and by an id of its own, so that a body that is removed and one with the same octets that is
//! just being added never share a file. What a crash left behind is found by comparing the names with the rows ([`Files::names`]).

use crate::id::fresh_id;
use crate::{Error, Result};
use rustix::fs::{OFlags, StatVfs};
use std::collections::HashSet;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::time::{Duration, Instant, SystemTime};

/// Age from which a temporary file is nobody's any more (F13).
const STALE: Duration = Duration::from_secs(7 * 24 * 3600);
/// How long an answer of the file system about free space is believed.
const SPACE_KNOWN: Duration = Duration::from_secs(1);

/// The folders of bodies.
pub(crate) struct Files {
    bodies: PathBuf,
    tmp: PathBuf,
    space: Space,
    /// Files that no row names and that are still nobody's business: made by a running delivery, or about to be removed.
    in_flight: Arc<Mutex<HashSet<String>>>,
    remover: Mutex<Option<mpsc::Sender<String>>>,
}

impl Files {
    /// Makes the folders below `data` and empties `tmp/`: the caller holds the store's lock, so nothing in it is in use.
    pub(crate) fn open(data: &Path, free_floor: u64) -> Result<Files> {
        let files = Files {
            bodies: data.join("bodies"),
            tmp: data.join("tmp"),
            space: Space::new(data, free_floor),
            in_flight: Arc::default(),
            remover: Mutex::default(),
        };
        make_folder(&files.bodies)?;
        make_folder(&files.tmp)?;
        for entry in std::fs::read_dir(&files.tmp)? {
            std::fs::remove_file(entry?.path())?;
        }
        Ok(files)
    }

    /// Starts the thread that removes files, so that no delivery waits for it.
    pub(crate) fn start(&self) -> Result<std::thread::JoinHandle<()>> {
        let (sender, receiver) = mpsc::channel::<String>();
        let (bodies, in_flight) = (self.bodies.clone(), self.in_flight.clone());
        *self.remover.lock().unwrap_or_else(PoisonError::into_inner) = Some(sender);
        crate::engine::spawn("store-remover", move || {
            for name in receiver {
                remove(&bodies.join(&name));
                in_flight
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .remove(&name);
            }
        })
    }

    /// Ends that thread once it has removed what it was told to.
    pub(crate) fn close(&self) {
        *self.remover.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// [`Error::Full`] when less than the floor is free.
    pub(crate) fn room(&self) -> Result<()> {
        self.space.check()
    }

    /// A file without a name, which vanishes with its last handle.
    pub(crate) fn anonymous(&self) -> Result<File> {
        let open = |options: &mut OpenOptions, path: &Path| {
            options.read(true).write(true).mode(0o600).open(path)
        };
        let nameless = OFlags::TMPFILE.bits().cast_signed();
        match open(OpenOptions::new().custom_flags(nameless), &self.tmp) {
            Ok(file) => Ok(file),
            // Some file systems know no nameless files: name it and take the name away.
            Err(e) if e.raw_os_error() != Some(rustix::io::Errno::NOSPC.raw_os_error()) => {
                let path = self.tmp.join(format!("{:032x}", fresh_id()?));
                let file = open(OpenOptions::new().create_new(true), &path)?;
                std::fs::remove_file(&path)?;
                Ok(file)
            }
            Err(e) => Err(e.into()),
        }
    }

    /// A new file that will be called `name` after [`NewFile::keep`].
    pub(crate) fn create(self: &Arc<Self>) -> Result<NewFile> {
        let path = self.tmp.join(format!("{:032x}", fresh_id()?));
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)?;
        Ok(NewFile {
            file,
            path,
            files: self.clone(),
        })
    }

    /// Opens the body file of this name. [`Error::Missing`] if it is gone.
    pub(crate) fn open_file(&self, name: &str) -> Result<File> {
        File::open(self.path(name)).map_err(|e| match e.kind() {
            io::ErrorKind::NotFound => Error::Missing(format!("body file {name}")),
            _ => e.into(),
        })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.bodies.join(name)
    }

    fn in_flight(&self) -> MutexGuard<'_, HashSet<String>> {
        self.in_flight
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Is a delivery about to commit a row for it, or is it about to be removed?
    pub(crate) fn is_in_flight(&self, name: &str) -> bool {
        self.in_flight().contains(name)
    }

    pub(crate) fn exists(&self, name: &str) -> bool {
        self.path(name).exists()
    }

    /// These body files are nobody's any more, and [`Files::remove_later`] will be told so.
    pub(crate) fn will_be_removed(&self, names: &[String]) {
        if !names.is_empty() {
            self.in_flight().extend(names.iter().cloned());
        }
    }

    /// Removes body files, soon.
    pub(crate) fn remove_later(&self, names: Vec<String>) {
        if names.is_empty() {
            return;
        }
        self.will_be_removed(&names);
        let remover = self.remover.lock().unwrap_or_else(PoisonError::into_inner);
        for name in names {
            // Before the thread runs (while the store is opened) and after it ended, the file goes here and now.
            let unsent = match remover.as_ref() {
                Some(thread) => thread.send(name).err().map(|e| e.0),
                None => Some(name),
            };
            if let Some(name) = unsent {
                remove(&self.path(&name));
                self.in_flight().remove(&name);
            }
        }
    }

    /// The names of all body files.
    pub(crate) fn names(&self) -> Result<Vec<String>> {
        let mut names = Vec::new();
        for folder in std::fs::read_dir(&self.bodies)? {
            let folder = folder?;
            if !folder.file_type()?.is_dir() {
                continue;
            }
            for entry in std::fs::read_dir(folder.path())? {
                let (folder, entry) = (folder.file_name(), entry?.file_name());
                names.push(format!(
                    "{}/{}",
                    folder.to_string_lossy(),
                    entry.to_string_lossy()
                ));
            }
        }
        Ok(names)
    }

    /// Removes temporary files older than a week; says how many.
    pub(crate) fn sweep_tmp(&self, now: SystemTime) -> Result<u64> {
        let mut removed = 0;
        for entry in std::fs::read_dir(&self.tmp)? {
            let entry = entry?;
            let age = now
                .duration_since(entry.metadata()?.modified()?)
                .unwrap_or_default();
            if age > STALE {
                std::fs::remove_file(entry.path())?;
                removed += 1;
            }
        }
        Ok(removed)
    }
}

/// A body file that is being written.
pub(crate) struct NewFile {
    file: File,
    path: PathBuf,
    files: Arc<Files>,
}

impl io::Write for NewFile {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.file.write(octets)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl NewFile {
    /// Makes the file durable under the name of its body, and returns it.
    pub(crate) fn keep(self, hash: &[u8; 32]) -> Result<KeptFile> {
        self.file.sync_data()?;
        let hex = blake3::Hash::from_bytes(*hash).to_hex();
        let (folder, rest) = hex.split_at(2);
        let name = format!("{folder}/{rest}-{:032x}", fresh_id()?);
        let kept = KeptFile {
            name: name.clone(),
            files: self.files.clone(),
            kept: AtomicBool::new(false),
        };
        self.files.in_flight().insert(name.clone());
        let folder = self.files.bodies.join(folder);
        if !folder.exists() {
            make_folder(&folder)?;
            sync_folder(&self.files.bodies)?;
        }
        std::fs::rename(&self.path, self.files.path(&name))?;
        sync_folder(&folder)?;
        Ok(kept)
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        // After `keep` it has another name, and this does nothing.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// A durable body file. Unless a transaction keeps it, it is removed with the last handle.
pub(crate) struct KeptFile {
    pub(crate) name: String,
    files: Arc<Files>,
    kept: AtomicBool,
}

impl KeptFile {
    pub(crate) fn keep(&self) {
        self.kept.store(true, Ordering::Release);
        self.files.in_flight().remove(&self.name);
    }
}

impl Drop for KeptFile {
    fn drop(&mut self) {
        if !*self.kept.get_mut() {
            self.files.remove_later(vec![self.name.clone()]);
        }
    }
}

/// How much room the disk has, asked for at most once a second.
struct Space {
    folder: PathBuf,
    floor: u64,
    /// Free octets when last asked.
    free: AtomicU64,
    asked: Mutex<Option<Instant>>,
}

impl Space {
    fn new(folder: &Path, floor: u64) -> Space {
        Space {
            folder: folder.to_owned(),
            floor,
            free: AtomicU64::new(0),
            asked: Mutex::new(None),
        }
    }

    fn check(&self) -> Result<()> {
        if self.floor == 0 {
            return Ok(());
        }
        let free = self.free()?;
        if free >= self.floor {
            return Ok(());
        }
        Err(Error::Full(format!(
            "{free} octets are free below {}, and {} must stay free",
            self.folder.display(),
            self.floor
        )))
    }

    fn free(&self) -> Result<u64> {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        if asked.is_none_or(|then| then.elapsed() >= SPACE_KNOWN) {
            let StatVfs {
                f_bavail, f_frsize, ..
            } = rustix::fs::statvfs(&self.folder).map_err(io::Error::from)?;
            self.free
                .store(f_bavail.saturating_mul(f_frsize), Ordering::Relaxed);
            *asked = Some(Instant::now());
        }
        Ok(self.free.load(Ordering::Relaxed))
    }
}

/// Makes a folder that only we may read.
pub(crate) fn make_folder(path: &Path) -> Result<()> {
    let made = DirBuilder::new().recursive(true).mode(0o750).create(path);
    made.map_err(|e| io::Error::new(e.kind(), format!("{}: {e}", path.display())).into())
}

fn sync_folder(path: &Path) -> Result<()> {
    Ok(File::open(path)?.sync_all()?)
}

fn remove(path: &Path) {
    match std::fs::remove_file(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => {
            tracing::warn!("cannot remove {}: {e}", path.display());
        }
        _ => {}
    }
}
