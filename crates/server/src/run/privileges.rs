//! Becoming an ordinary user for good once the low ports are bound and the keys are read (T13, L15).

use super::instance::LOCK_FILE;
use nix::unistd::{Gid, Uid, User, chown, getegid, geteuid, setgid, setgroups, setuid};
use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, lchown};
use std::path::Path;

/// Whom to become.
pub(super) struct Target {
    name: String,
    uid: Uid,
    gid: Gid,
}

/// The user that root becomes where the settings name none.
const DEFAULT_USER: &str = "pennyblack";

/// The user to become, if we are root: the one of the settings, else [`DEFAULT_USER`]. Root stays root only where the settings say so.
/// A user that does not exist is an error of the settings.
pub(super) fn target(user: Option<&str>) -> Result<Option<Target>, String> {
    if !geteuid().is_root() {
        return Ok(None);
    }
    let name = user.unwrap_or(DEFAULT_USER);
    match (User::from_name(name), user) {
        (Ok(Some(user)), _) => Ok(Some(Target {
            name: name.into(),
            uid: user.uid,
            gid: user.gid,
        })
        .filter(|user| !user.uid.is_root())),
        (Ok(None), Some(name)) => Err(format!(
            "user = \"{name}\": there is no such user; make it with `useradd --system {name}`"
        )),
        (Ok(None), None) => Err(format!(
            "a mail server that was started as root becomes a user of its own, and there is no user {DEFAULT_USER}: make it with \
             `useradd --system {DEFAULT_USER}`, or set `user` to another one (`user = \"root\"` stays root)"
        )),
        (Err(why), _) => Err(format!("user = \"{name}\": cannot be looked up: {why}")),
    }
}

/// Makes the data directory (mode 0750) if it is missing; what is made as root for another user is given to him, and so is all
/// that a server kept there which stayed root.
pub(super) fn data_directory(data: &Path, target: Option<&Target>) -> io::Result<()> {
    if !data.exists() {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o750)
            .create(data)?;
    }
    if let Some(user) = target
        && fs::metadata(data)?.uid() == 0
        && data.join(LOCK_FILE).exists()
    {
        give_content(data, user)?;
    }
    give(data, target)
}

/// Everything in a folder that is root's alone, so that nobody else can have put a link there; links are not followed all the same.
fn give_content(folder: &Path, user: &Target) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let facts = entry.metadata()?;
        if facts.is_dir() {
            give_content(&entry.path(), user)?;
        }
        if facts.uid() == 0 {
            lchown(
                entry.path(),
                Some(user.uid.as_raw()),
                Some(user.gid.as_raw()),
            )?;
        }
    }
    Ok(())
}

/// Gives a path to the user we become, if root owns it.
pub(super) fn give(path: &Path, target: Option<&Target>) -> io::Result<()> {
    match target {
        Some(user) if fs::metadata(path)?.uid() == 0 => {
            chown(path, Some(user.uid), Some(user.gid)).map_err(Into::into)
        }
        _ => Ok(()),
    }
}

/// If we are root and the path belongs to somebody else, becomes him.
pub(super) fn become_owner(path: &Path) -> io::Result<()> {
    let facts = fs::metadata(path)?;
    if !geteuid().is_root() || facts.uid() == 0 {
        return Ok(());
    }
    let name = format!("the owner of {}", path.display());
    become_user(&Target {
        name,
        uid: Uid::from_raw(facts.uid()),
        gid: Gid::from_raw(facts.gid()),
    })
}

/// Becomes the user, with his group alone. There is no way back: that is tried.
pub(super) fn become_user(user: &Target) -> io::Result<()> {
    setgroups(&[user.gid])?;
    setgid(user.gid)?;
    setuid(user.uid)?;
    if geteuid() != user.uid || getegid() != user.gid || setuid(Uid::from_raw(0)).is_ok() {
        return Err(io::Error::other(
            "the process is still root after giving it up",
        ));
    }
    tracing::info!(
        user = user.name,
        uid = user.uid.as_raw(),
        "privileges dropped"
    );
    Ok(())
}
