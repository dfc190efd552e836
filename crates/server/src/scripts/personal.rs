//! The users' scripts: what ManageSieve and `pennyblack sieve` do with them. A script that does not compile is not stored; the quota of
//! the settings holds for both ways (H31).

use super::compile::traits;
use super::{Scripts, compiler};
use crate::config::Config;
use sieve::{CompileErrors, Scope, Script};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use store::script::{self, Quota, Shortage, Traits};
use store::{AccountId, Store};

/// What a user may store.
pub(crate) fn quota(config: &Config) -> Quota {
    Quota {
        scripts: config.sieve.max_scripts.into(),
        script_size: config.sieve.max_script_size,
        storage: config.sieve.max_storage,
    }
}

/// Why a script was not stored.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotStored {
    /// It does not compile.
    #[error("{0}")]
    Broken(CompileErrors),
    /// It has no octet (RFC 5804 §2.6).
    #[error("An empty script is not stored; `keep;` is the shortest that does nothing.")]
    Empty,
    /// There is no room for it.
    #[error("{}", explain(*.0))]
    NoRoom(Shortage),
    /// The store could not do it.
    #[error("{0}")]
    Store(#[from] store::Error),
}

/// In words.
pub(crate) fn explain(shortage: Shortage) -> &'static str {
    match shortage {
        Shortage::TooMany => "There are as many scripts as there may be; delete one first.",
        Shortage::TooLarge => "The script is too large.",
        Shortage::NoRoom => {
            "All scripts together would take more room than there is; delete one first."
        }
    }
}

/// Checks a script of a user; its warnings come with it.
pub(crate) async fn check(
    scripts: Arc<Scripts>,
    config: Arc<Config>,
    source: Vec<u8>,
) -> Result<Result<Script, CompileErrors>, store::Error> {
    let compiled = tokio::task::spawn_blocking(move || {
        let compiler = compiler(&config, Scope::Personal);
        scripts.cache.compile(&compiler, &source)
    });
    let compiled = compiled
        .await
        .map_err(|error| store::Error::Bug(format!("compiling a script panicked: {error}")))?;
    Ok(compiled.as_ref().clone())
}

/// Checks and stores a script, in place of one of the same name.
pub(crate) async fn put(
    scripts: &Arc<Scripts>,
    config: &Arc<Config>,
    store: &Store,
    account: AccountId,
    name: String,
    source: Vec<u8>,
) -> Result<Script, NotStored> {
    let quota = quota(config);
    if source.is_empty() {
        return Err(NotStored::Empty);
    }
    // Not compiled if it is too large anyway.
    if source.len() as u64 > quota.script_size {
        return Err(NotStored::NoRoom(Shortage::TooLarge));
    }
    let checked = check(scripts.clone(), config.clone(), source.clone()).await?;
    let script = checked.map_err(NotStored::Broken)?;
    let traits = traits(&script);
    let stored = store
        .write(move |tx| script::put(tx, account, &name, &source, traits, &quota))
        .await?;
    match stored {
        Some(shortage) => Err(NotStored::NoRoom(shortage)),
        None => Ok(script),
    }
}

/// Where the scripts of one user are.
pub(crate) enum Source {
    /// In the store.
    Store,
    /// In files (H2).
    Files {
        /// The folder with `NAME.sieve`.
        folder: PathBuf,
        /// The active one, or a link to it.
        active: PathBuf,
        /// Octets of the largest.
        largest: u64,
    },
}

/// The active script.
pub(crate) struct Active {
    pub(crate) name: String,
    /// Of its text.
    pub(crate) hash: [u8; 32],
    pub(crate) traits: Traits,
}

impl Source {
    pub(crate) fn of(config: &Config, address: &str) -> Source {
        let sieve = &config.sieve;
        match (&sieve.personal, &sieve.personal_active) {
            (Some(folder), Some(active)) => Source::Files {
                folder: filled_in(folder, address),
                active: filled_in(active, address),
                largest: sieve.max_script_size,
            },
            _ => Source::Store,
        }
    }

    /// The active script of this account.
    pub(crate) async fn active(
        &self,
        store: &Store,
        account: AccountId,
    ) -> store::Result<Option<Active>> {
        match self {
            Source::Store => {
                let found = store.read(move |tx| script::active(tx, account)).await?;
                Ok(found.map(|script| Active {
                    name: script.name,
                    hash: script.hash,
                    traits: script.traits,
                }))
            }
            Source::Files {
                active, largest, ..
            } => {
                let (path, largest) = (active.clone(), *largest);
                let content = off_the_workers(move || read_file(&path, largest)).await?;
                Ok(content.map(|content| Active {
                    name: name_of(active),
                    hash: script::hash(&content),
                    // Known only when it is compiled; so much is certain: it may.
                    traits: guessed(&content),
                }))
            }
        }
    }

    /// The names of all scripts, and which is active.
    pub(crate) async fn list(
        &self,
        store: &Store,
        account: AccountId,
    ) -> store::Result<Vec<(String, bool)>> {
        match self {
            Source::Store => {
                let all = store.read(move |tx| script::list(tx, account)).await?;
                Ok(all
                    .into_iter()
                    .map(|script| (script.name, script.active))
                    .collect())
            }
            Source::Files { folder, active, .. } => {
                let (folder, active) = (folder.clone(), active.clone());
                off_the_workers(move || Ok(listed(&folder, &active))).await
            }
        }
    }

    /// The text of a script.
    pub(crate) async fn content(
        &self,
        store: &Store,
        account: AccountId,
        name: &str,
    ) -> store::Result<Option<Vec<u8>>> {
        let name = name.to_owned();
        match self {
            Source::Store => {
                store
                    .read(move |tx| script::content(tx, account, &name))
                    .await
            }
            Source::Files {
                folder,
                active,
                largest,
            } => {
                let path = match name_of(active) == name {
                    true => active.clone(),
                    false if super::host::is_file_name(&name) => {
                        folder.join(format!("{name}.sieve"))
                    }
                    false => return Ok(None),
                };
                let largest = *largest;
                off_the_workers(move || read_file(&path, largest)).await
            }
        }
    }
}

/// The scripts of a folder, and the active one wherever it is.
fn listed(folder: &Path, active: &Path) -> Vec<(String, bool)> {
    let files = super::files::expanded(folder)
        .into_iter()
        .filter(|file| file.is_file() && file != active);
    let active = active.exists().then(|| name_of(active));
    let mut names: Vec<String> = files
        .filter_map(|file| Some(file.file_stem()?.to_string_lossy().into_owned()))
        .collect();
    names.extend(active.clone().filter(|active| !names.contains(active)));
    names.sort();
    let is_active = |name: &String| Some(name) == active.as_ref();
    names
        .into_iter()
        .map(|name| (is_active(&name), name))
        .map(|(is, name)| (name, is))
        .collect()
}

/// The name of an active script: that of the file it is a link to.
fn name_of(active: &Path) -> String {
    let target = std::fs::read_link(active).unwrap_or_else(|_| active.to_owned());
    let stem = target.file_stem().unwrap_or_default().to_string_lossy();
    stem.trim_start_matches('.').to_owned()
}

fn read_file(path: &Path, largest: u64) -> store::Result<Option<Vec<u8>>> {
    match std::fs::metadata(path) {
        Ok(found) if found.len() > largest => Ok(None),
        Ok(_) => Ok(Some(std::fs::read(path)?)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Whether a text may refuse mail or include others, without compiling it: better too often than not.
fn guessed(content: &[u8]) -> Traits {
    let has = |word: &[u8]| memchr::memmem::find(content, word).is_some();
    Traits {
        refuses: has(b"reject"),
        includes: has(b"include"),
    }
}

async fn off_the_workers<T: Send + 'static>(
    work: impl FnOnce() -> store::Result<T> + Send + 'static,
) -> store::Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| {
        Err(store::Error::Bug(format!(
            "reading a script panicked: {error}"
        )))
    })
}

/// %u the address, %n its local part, %d its domain. A local part that could leave its folder stays out of it.
fn filled_in(pattern: &str, address: &str) -> PathBuf {
    let (local, domain) = address.rsplit_once('@').unwrap_or((address, ""));
    let harmless = |text: &str| match text.starts_with('.') {
        true => text.replacen('.', "_", 1).replace('/', "_"),
        false => text.replace('/', "_"),
    };
    PathBuf::from(
        pattern
            .replace("%u", &harmless(address))
            .replace("%n", &harmless(local))
            .replace("%d", &harmless(domain)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// H2
    #[test]
    fn h02_paths_of_users_stay_in_their_folder() {
        let path = |address| {
            filled_in("/mail/%d/%n/sieve", address)
                .display()
                .to_string()
        };
        assert_eq!(path("alice@example.com"), "/mail/example.com/alice/sieve");
        assert_eq!(
            path("../../etc@example.com"),
            "/mail/example.com/_._.._etc/sieve"
        );
    }

    /// H2: the link that makes a script active is no further script, even beside it.
    #[test]
    fn h2_the_active_link_is_no_script_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["mine.sieve", "other.sieve", "notes.txt"] {
            std::fs::write(folder.path().join(name), "keep;").unwrap();
        }
        let link = folder.path().join(".dovecot.sieve");
        std::os::unix::fs::symlink("mine.sieve", &link).unwrap();
        let expected = [("mine".to_owned(), true), ("other".to_owned(), false)];
        assert_eq!(listed(folder.path(), &link), expected);
        // A file instead of a link.
        std::fs::remove_file(&link).unwrap();
        std::fs::write(&link, "keep;").unwrap();
        let names = listed(folder.path(), &link);
        assert_eq!(names[0], ("dovecot".to_owned(), true));
        assert_eq!(names.len(), 3);
    }
}
