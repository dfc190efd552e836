//! The key of the encryption at rest: read from its file, or made when a new store is to be encrypted (C20, C21).

use super::StartError;
use crate::config::Config;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

/// Octets of a key: AES-256.
const LENGTH: usize = 32;

/// The key that the settings name; `None` if mail is not encrypted.
pub(super) fn load(config: &Config) -> Result<Option<[u8; LENGTH]>, StartError> {
    let Some(path) = &config.store.key_file else {
        return Ok(None);
    };
    let wrong =
        |why: String| StartError::Config(format!("store.key_file: {}: {why}", path.display()));
    match read(path) {
        Err(why) if why.kind() == io::ErrorKind::NotFound && is_new(config) => make(path)
            .map(Some)
            .map_err(|why| wrong(format!("cannot be made: {why}"))),
        Err(why) if why.kind() == io::ErrorKind::NotFound => Err(wrong(
            "is missing, and the store is not new: put the key there that it was made with".into(),
        )),
        other => other.map(Some).map_err(|why| wrong(why.to_string())),
    }
}

/// A key may be made only for a store that does not exist yet: an older one has a key already, or none.
fn is_new(config: &Config) -> bool {
    matches!(config.store.engine, store::Engine::Sqlite) && !config.data.join("mail.db").exists()
}

/// Reads the 64 hexadecimal digits of a key file that nobody else may read.
fn read(path: &Path) -> io::Result<[u8; LENGTH]> {
    let text = fs::read_to_string(path)?;
    if fs::metadata(path)?.mode() & 0o077 != 0 {
        return Err(io::Error::other(
            "others may read it: `chmod 600` it, and think of it as known to them",
        ));
    }
    parse(text.trim()).ok_or_else(|| {
        io::Error::other(
            "it must hold 64 hexadecimal digits; `openssl rand -hex 32` prints such a key",
        )
    })
}

fn parse(digits: &str) -> Option<[u8; LENGTH]> {
    if digits.len() != 2 * LENGTH || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    let mut key = [0; LENGTH];
    for (octet, pair) in key.iter_mut().zip(digits.as_bytes().chunks(2)) {
        *octet = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(key)
}

/// Makes a random key, on disk before anything is encrypted with it.
fn make(path: &Path) -> io::Result<[u8; LENGTH]> {
    let mut key = [0; LENGTH];
    getrandom::fill(&mut key).map_err(io::Error::other)?;
    let digits: String = key.iter().map(|octet| format!("{octet:02x}")).collect();
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(format!("{digits}\n").as_bytes())?;
    file.sync_all()?;
    if let Some(folder) = path.parent() {
        fs::File::open(folder)?.sync_all()?;
    }
    tracing::warn!(
        file = %path.display(),
        "made the key that encrypts mail on this disk: keep a copy elsewhere, without it the mail is lost"
    );
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn config(folder: &Path) -> Config {
        let mut config = Config::with_defaults("mx1.example.com", "example.com", folder);
        config.store.key_file = Some(folder.join("key"));
        config
    }

    /// C21: a new store gets a random key of its own, readable by its owner alone; the next start reads the same.
    #[test]
    fn c21_a_key_is_made_for_a_new_store() {
        let folder = tempfile::tempdir().unwrap();
        let config = config(folder.path());
        let made = load(&config).unwrap().unwrap();
        assert_ne!(made, [0; LENGTH]);
        let mode = fs::metadata(folder.path().join("key")).unwrap().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(load(&config).unwrap(), Some(made));
    }

    /// C21: no key is invented for a store that has mail.
    #[test]
    fn c21_a_missing_key_of_an_old_store_is_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("mail.db"), "").unwrap();
        let why = load(&config(folder.path())).unwrap_err().to_string();
        assert!(why.contains("the store is not new"), "{why}");
        assert!(!folder.path().join("key").exists());
    }

    /// C21: keys that are too short, no hexadecimal, or open to others are refused with what to do.
    #[test]
    fn c21_a_wrong_key_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let (config, path) = (config(folder.path()), folder.path().join("key"));
        let right = "0123456789abcdef".repeat(4);
        for (text, mode, says) in [
            (
                "0123456789abcdef0123456789abcdef",
                0o600,
                "64 hexadecimal digits",
            ),
            (&*"+1".repeat(32), 0o600, "64 hexadecimal digits"),
            (&*right, 0o640, "others may read it"),
        ] {
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let why = load(&config).unwrap_err().to_string();
            assert!(why.contains(says), "{why}");
        }
    }
}
