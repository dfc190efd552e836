//! Writes delivered messages where a person can look at them: a maildir for each recipient.

use super::Received;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// Octets of a file name that a recipient may have.
const LONGEST: usize = 100;

/// Writes the message to `folder/DOMAIN/LOCALPART/new/`.
pub(super) fn write(folder: &Path, recipient: &str, message: &Received) -> io::Result<()> {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let maildir = maildir(folder, recipient);
    for part in ["tmp", "new", "cur"] {
        std::fs::create_dir_all(maildir.join(part))?;
    }
    let now = jiff::Timestamp::now().as_second();
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let name = format!("{now}.P{}Q{number}.lab", std::process::id());
    let mut file = std::fs::File::create(maildir.join("tmp").join(&name))?;
    file.write_all(format!("Return-Path: <{}>\r\n", message.from).as_bytes())?;
    file.write_all(format!("Delivered-To: {recipient}\r\n").as_bytes())?;
    file.write_all(&message.data)?;
    std::fs::rename(
        maildir.join("tmp").join(&name),
        maildir.join("new").join(&name),
    )
}

fn maildir(folder: &Path, recipient: &str) -> PathBuf {
    let (local, domain) = recipient.rsplit_once('@').unwrap_or((recipient, "none"));
    folder.join(safe(domain)).join(safe(local))
}

/// A name that stays in its folder, whatever a client has written.
fn safe(name: &str) -> String {
    let name: String = name
        .chars()
        .take(LONGEST)
        .map(|c| match c {
            c if c.is_ascii_alphanumeric() || "+-_=".contains(c) => c,
            '.' => '.',
            _ => '_',
        })
        .collect();
    match name.trim_start_matches('.') {
        "" => "_".to_string(),
        rest => rest.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_leaves_the_folder() {
        let inside = |address| maildir(Path::new("/f"), address);
        assert_eq!(inside("a.b@x.example"), Path::new("/f/x.example/a.b"));
        assert_eq!(inside("../../etc@.."), Path::new("/f/_/_.._etc"));
    }
}
