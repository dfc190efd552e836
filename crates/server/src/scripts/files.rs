//! The admin's scripts: read from their files when they are used, and again when a file has changed (H34). Blocks: not for an async
//! worker.

use super::compile::{Cache, Compiled, traits};
use super::compiler;
use crate::config::Config;
use sieve::Scope;
use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;
use store::script::Traits;

/// Files whose content is remembered.
const REMEMBERED: usize = 1024;

/// Contents of files, by path, as long as the file is the same.
#[derive(Default)]
pub(crate) struct Files {
    known: Mutex<HashMap<PathBuf, Known>>,
}

#[derive(Clone)]
struct Known {
    stamp: Stamp,
    content: Arc<Vec<u8>>,
}

/// What tells an edited file from the one that was read.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Stamp {
    modified: SystemTime,
    length: u64,
    inode: u64,
}

/// One of the admin's scripts.
#[derive(Clone)]
pub(crate) struct AdminScript {
    /// Its name for logs and explanations: the file's, without `.sieve`.
    pub(crate) name: Arc<str>,
    pub(crate) compiled: Arc<Compiled>,
}

impl Files {
    /// The content of a file; `None` if there is no such file.
    pub(crate) fn read(&self, path: &Path, largest: u64) -> io::Result<Option<Arc<Vec<u8>>>> {
        let Some(stamp) = stamp(path)? else {
            return Ok(None);
        };
        let known = self.lock().get(path).cloned();
        if let Some(known) = known.filter(|known| known.stamp == stamp) {
            return Ok(Some(known.content));
        }
        if stamp.length > largest {
            return Err(io::Error::other(format!(
                "{} is larger than sieve.max_script_size",
                path.display()
            )));
        }
        let content = Arc::new(std::fs::read(path)?);
        let mut all = self.lock();
        if all.len() >= REMEMBERED {
            all.clear();
        }
        all.insert(
            path.to_owned(),
            Known {
                stamp,
                content: content.clone(),
            },
        );
        Ok(Some(content))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<PathBuf, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The script in a file; `None` if there is no such file.
    pub(crate) fn script(
        &self,
        config: &Config,
        cache: &Cache,
        path: &Path,
    ) -> io::Result<Option<AdminScript>> {
        let Some(source) = self.read(path, config.sieve.max_script_size)? else {
            return Ok(None);
        };
        let compiler = compiler(config, Scope::Global);
        let compiled = cache.compile(&compiler, &source);
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        Ok(Some(AdminScript {
            name: name.as_ref().into(),
            compiled,
        }))
    }

    /// The scripts of a setting, in order: files, and the files of folders by name. What is not there, or cannot be read, is left out,
    /// and the log says so: a missing file of the admin's must not stop the mail.
    pub(crate) fn row(
        &self,
        config: &Config,
        cache: &Cache,
        paths: &[PathBuf],
    ) -> Vec<AdminScript> {
        let files = paths.iter().flat_map(|path| expanded(path));
        files
            .filter_map(|path| self.script_or_warn(config, cache, &path))
            .collect()
    }

    /// The script in a file that the settings name.
    pub(crate) fn script_or_warn(
        &self,
        config: &Config,
        cache: &Cache,
        path: &Path,
    ) -> Option<AdminScript> {
        match self.script(config, cache, path) {
            Ok(Some(script)) => Some(script),
            Ok(None) => {
                tracing::warn!(path = %path.display(), "a Sieve script of the settings is not there");
                None
            }
            Err(error) => {
                tracing::warn!(path = %path.display(), %error, "a Sieve script of the settings cannot be read");
                None
            }
        }
    }

    /// May any of the admin's scripts for arriving mail refuse it?
    pub(crate) fn traits(&self, config: &Config, cache: &Cache) -> Traits {
        let sieve = &config.sieve;
        let mut paths: Vec<PathBuf> = [&sieve.before, &sieve.after]
            .into_iter()
            .flatten()
            .cloned()
            .collect();
        paths.extend(sieve.global.clone());
        paths.extend(sieve.default.clone());
        let scripts = self.row(config, cache, &paths);
        let all = scripts
            .iter()
            .filter_map(|script| script.compiled.as_ref().as_ref().ok())
            .map(traits);
        all.fold(Traits::default(), |all, one| Traits {
            refuses: all.refuses || one.refuses,
            includes: all.includes || one.includes,
        })
    }
}

fn stamp(path: &Path) -> io::Result<Option<Stamp>> {
    use std::os::unix::fs::MetadataExt as _;
    match std::fs::metadata(path) {
        Ok(found) => Ok(Some(Stamp {
            modified: found.modified()?,
            length: found.len(),
            inode: found.ino(),
        })),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// A file, or the `*.sieve` files of a folder in the order of their names (H3).
pub(crate) fn expanded(path: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(path) else {
        return vec![path.to_owned()];
    };
    let mut files: Vec<PathBuf> = entries
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .filter(|file| {
            file.extension()
                .is_some_and(|extension| extension == "sieve")
        })
        .collect();
    files.sort();
    files
}
