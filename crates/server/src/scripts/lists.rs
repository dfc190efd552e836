//! External lists of `:list` (RFC 6134): files of the admin's in the folder `sieve.lists`, one entry a line. Read when they are asked, and
//! again when they have changed. Blocks: not for an async worker.
//!
//! A list is called by the name of its file, or by a `tag:` URI that ends in it (`tag:example.com,2026:friends`).

use super::Scripts;
use super::host::is_file_name;
use crate::config::Config;
use std::io;
use std::path::PathBuf;

/// Octets of the largest list.
const LARGEST: u64 = 4 << 20;
/// Addresses that a message is redirected to by one list.
pub(super) const MOST_ADDRESSES: usize = 100;

/// Is there a list of this name?
pub(super) fn exists(config: &Config, list: &str) -> bool {
    file(config, list).is_some_and(|file| file.is_file())
}

/// Is this on the list, in whatever case? An entry that begins with `@` stands for all addresses of a domain.
pub(super) fn contains(
    scripts: &Scripts,
    config: &Config,
    list: &str,
    value: &str,
) -> io::Result<bool> {
    let value = value.trim().to_lowercase();
    let domain = value.rfind('@').map(|at| value[at..].to_owned());
    let entries = entries(scripts, config, list)?;
    Ok(entries
        .iter()
        .any(|entry| *entry == value || Some(entry) == domain.as_ref()))
}

/// The entries of a list, in lower case; none if there is no such list.
pub(super) fn entries(scripts: &Scripts, config: &Config, list: &str) -> io::Result<Vec<String>> {
    let Some(file) = file(config, list) else {
        return Ok(Vec::new());
    };
    let content = scripts.files.read(&file, LARGEST)?.unwrap_or_default();
    let text = String::from_utf8_lossy(&content);
    let lines = text.lines().map(|line| line.trim().to_lowercase());
    Ok(lines
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .collect())
}

fn file(config: &Config, list: &str) -> Option<PathBuf> {
    let folder = config.sieve.lists.as_ref()?;
    let name = match list.strip_prefix("tag:") {
        Some(tag) => tag.rsplit(':').next()?,
        None => list,
    };
    is_file_name(name).then(|| folder.join(name))
}
