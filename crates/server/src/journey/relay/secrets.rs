//! Names and passwords for smarthosts (C8): a file with a line `LABEL USER:PASSWORD` each, read when it is needed, so that a changed
//! password counts at once (C23).

use super::hosts::Unroutable;
use crate::Services;
use smtp::Enhanced;
use smtp::client::Login;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// The largest file that is read.
const LARGEST: u64 = 1 << 20;

/// The log-in of a label. A file that others can read is not used: the password may be theirs by now.
pub(super) async fn by_label(services: &Services, label: &str) -> Result<Login, Unroutable> {
    let config = services.config.load_full();
    let found = match &config.relay.secrets {
        None => Err("relay.secrets is not set".to_string()),
        Some(file) => read(file).await.and_then(|text| {
            let login = find(&text, label);
            login.ok_or_else(|| format!("{} has no line for {label}", file.display()))
        }),
    };
    found.map_err(|why| {
        tracing::error!(label, error = why, "no log-in for a route; its mail waits");
        Unroutable::new(
            Enhanced(4, 7, 0),
            format!("no log-in for the route {label}: {why}"),
        )
    })
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
        tracing::warn!(file = %file.display(), "a group can read the secrets of routes");
    }
    if facts.len() > LARGEST {
        return Err(wrong("it is too large".into()));
    }
    tokio::fs::read_to_string(file)
        .await
        .map_err(|why| wrong(why.to_string()))
}

/// Lines that are empty or begin with `#` do not count.
fn find(text: &str, label: &str) -> Option<Login> {
    let lines = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.starts_with('#'));
    let (_, secret) = lines
        .filter_map(|line| line.split_once(char::is_whitespace))
        .find(|(name, _)| *name == label)?;
    let (user, password) = secret.trim().split_once(':')?;
    Some(Login {
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
