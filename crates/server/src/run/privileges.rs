//! Becoming an ordinary user for good once the low ports are bound and the keys are read (T13, L15).

use nix::unistd::{Gid, Uid, User, chown, getegid, geteuid, setgid, setgroups, setuid};
use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::Path;

/// Whom to become.
pub(super) struct Target {
    name: String,
    uid: Uid,
    gid: Gid,
}

/// The user of the settings, if we are root and shall not stay it. An unknown name is an error of the settings.
pub(super) fn target(user: Option<&str>) -> Result<Option<Target>, String> {
    let Some(name) = user.filter(|_| geteuid().is_root()) else {
        return Ok(None);
    };
    match User::from_name(name) {
        Ok(Some(user)) => Ok(Some(Target {
            name: name.into(),
            uid: user.uid,
            gid: user.gid,
        })
        .filter(|user| !user.uid.is_root())),
        Ok(None) => Err(format!(
            "user = \"{name}\": there is no such user; make it with `useradd --system {name}`"
        )),
        Err(why) => Err(format!("user = \"{name}\": cannot be looked up: {why}")),
    }
}

/// Makes the data directory (mode 0750) if it is missing; what is made as root for another user is given to him.
pub(super) fn data_directory(data: &Path, target: Option<&Target>) -> io::Result<()> {
    if !data.exists() {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o750)
            .create(data)?;
    }
    give(data, target)
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
