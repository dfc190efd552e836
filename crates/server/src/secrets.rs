//! Names and passwords that this server shows to others (C8): a file with a line `LABEL USER:PASSWORD` each, read when one is needed, so
//! that a changed password counts at once (C23).

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// The largest file that is read, octets.
const LARGEST: u64 = 1 << 20;

/// A name and a password.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Secret {
    /// Who we are to the other side.
    pub(crate) user: String,
    /// What proves it.
    pub(crate) password: String,
}

/// The secret of a label, or why there is none. A file that everybody can read is not used: the password may be theirs by now.
pub(crate) async fn by_label(file: &Path, label: &str) -> Result<Secret, String> {
    let text = read(file).await?;
    find(&text, label).ok_or_else(|| format!("{} has no line for {label}", file.display()))
}

async fn read(file: &Path) -> Result<String, String> {
    let wrong = |why: String| format!("{}: {why}", file.display());
    let facts = tokio::fs::metadata(file)
        .await
        .map_err(|why| wrong(why.to_string()))?;
    let mode = facts.permissions().mode();
    if mode & 0o007 != 0 {
        return Err(wrong("everybody can read it: chmod 600".into()));
    }
    if mode & 0o070 != 0 {
        tracing::warn!(file = %file.display(), "a group can read these secrets");
    }
    if facts.len() > LARGEST {
        return Err(wrong("it is too large".into()));
    }
    tokio::fs::read_to_string(file)
        .await
        .map_err(|why| wrong(why.to_string()))
}

/// Lines that are empty or begin with `#` do not count.
fn find(text: &str, label: &str) -> Option<Secret> {
    let lines = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.starts_with('#'));
    let (_, secret) = lines
        .filter_map(|line| line.split_once(char::is_whitespace))
        .find(|(name, _)| *name == label)?;
    let (user, password) = secret.trim().split_once(':')?;
    Some(Secret {
        user: user.to_string(),
        password: password.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c8_the_label_picks_the_pair() {
        let text = "# comment\nhome  a@home.example:pass:word \n\noffice\tb:x\n";
        let home = find(text, "home").unwrap();
        assert_eq!(
            (home.user.as_str(), home.password.as_str()),
            ("a@home.example", "pass:word")
        );
        assert_eq!(find(text, "office").unwrap().user, "b");
        assert!(find(text, "#").is_none() && find(text, "hom").is_none());
    }

    #[tokio::test]
    async fn c8_a_file_that_everybody_can_read_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("secrets");
        std::fs::write(&file, "a b:c\n").unwrap();
        for (mode, good) in [(0o600, true), (0o640, true), (0o644, false)] {
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(read(&file).await.is_ok(), good, "{mode:o}");
        }
    }
}
