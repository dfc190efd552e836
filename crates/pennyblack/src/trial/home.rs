//! Where a trial keeps its data: a folder that stays, or one that is thrown away with everything in it.

use serde::{Deserialize, Serialize};
use std::fs::{self, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Characters of generated passwords: none that look like another.
const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

/// The folder of a trial. One that is thrown away goes when this is dropped.
pub(crate) struct Home {
    folder: PathBuf,
    throw_away: bool,
}

/// An account of the trial, with the password that people are told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Person {
    /// Address, which is also the log-in name.
    pub(crate) address: String,
    /// The password in clear: this is a trial.
    pub(crate) password: String,
    /// The person's name.
    #[serde(default)]
    pub(crate) name: String,
}

impl Home {
    /// A folder that is kept; made if it is not there.
    pub(crate) fn keep(folder: &Path) -> io::Result<Home> {
        make(folder)?;
        Ok(Home {
            folder: fs::canonicalize(folder)?,
            throw_away: false,
        })
    }

    /// A new folder below the system's temporary one that goes with the trial.
    pub(crate) fn throw_away() -> io::Result<Home> {
        let folder = std::env::temp_dir().join(format!("pennyblack-trial-{}", random_text(8)?));
        fs::create_dir(&folder)?;
        fs::set_permissions(&folder, Permissions::from_mode(0o700))?;
        Ok(Home {
            folder,
            throw_away: true,
        })
    }

    /// Where a trial is kept if nothing is said: below the user's data folder.
    pub(crate) fn usual() -> PathBuf {
        let data = std::env::var_os("XDG_DATA_HOME")
            .map(PathBuf::from)
            .filter(|path| path.is_absolute());
        let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".local/share"));
        data.or_else(home)
            .unwrap_or_else(std::env::temp_dir)
            .join("pennyblack-trial")
    }

    /// The folder.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Will it be gone afterwards?
    pub(crate) fn is_thrown_away(&self) -> bool {
        self.throw_away
    }

    /// Writes a file that only its owner may read. It is written beside, synced and renamed: passwords must outlive a power cut as
    /// the accounts do that have them.
    pub(crate) fn write(&self, name: &str, text: &str) -> io::Result<PathBuf> {
        let path = self.folder.join(name);
        let beside = self.folder.join(format!("{name}.new"));
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&beside)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&beside, &path)?;
        fs::File::open(&self.folder)?.sync_all()?;
        Ok(path)
    }

    /// The people of an earlier start, or new ones with new passwords.
    pub(crate) fn people(&self) -> io::Result<Vec<Person>> {
        match fs::read_to_string(self.folder.join(PEOPLE)) {
            Ok(text) => serde_json::from_str(&text).map_err(io::Error::other),
            Err(error) if error.kind() == io::ErrorKind::NotFound => self.new_people(),
            Err(error) => Err(error),
        }
    }

    fn new_people(&self) -> io::Result<Vec<Person>> {
        let person = |address: &str, name: &str| {
            Ok::<_, io::Error>(Person {
                address: address.to_owned(),
                password: random_text(16)?,
                name: name.to_owned(),
            })
        };
        let people = vec![
            person("alice@example.test", "Alice Archer")?,
            person("bob@example.test", "Bob Baker")?,
        ];
        self.write(
            PEOPLE,
            &serde_json::to_string_pretty(&people).map_err(io::Error::other)?,
        )?;
        Ok(people)
    }
}

/// Addresses and passwords, so that the next start prints the same ones.
const PEOPLE: &str = "people.json";

impl Drop for Home {
    fn drop(&mut self) {
        if self.throw_away
            && let Err(error) = fs::remove_dir_all(&self.folder)
        {
            eprintln!(
                "pennyblack: could not remove {}: {error}",
                self.folder.display()
            );
        }
    }
}

fn make(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    fs::set_permissions(folder, Permissions::from_mode(0o700))
}

/// Random letters and digits, five bits each.
fn random_text(length: usize) -> io::Result<String> {
    let mut octets = vec![0; length];
    getrandom::fill(&mut octets).map_err(io::Error::other)?;
    Ok(octets
        .iter()
        .map(|octet| char::from(ALPHABET[usize::from(octet % 32)]))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// V17: the next start prints the same passwords, and nobody else can read them.
    #[test]
    fn v17_passwords_are_kept_with_the_folder() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("trial");
        let first = Home::keep(&folder).unwrap().people().unwrap();
        let second = Home::keep(&folder).unwrap().people().unwrap();
        assert_eq!(first, second);
        assert_ne!(first[0].password, first[1].password);
        let mode = fs::metadata(folder.join(PEOPLE))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn v17_nothing_is_left_of_what_is_thrown_away() {
        let home = Home::throw_away().unwrap();
        let folder = home.folder().to_owned();
        home.write("file", "text").unwrap();
        drop(home);
        assert!(!folder.exists());
    }
}
