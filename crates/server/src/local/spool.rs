//! Where messages of programs on this machine wait while no server runs (X14): a folder into which everybody may put a file and
//! nobody but the server may look. A file's owner says who sends.
//!
//! A file is written under a name that is not looked at, synced, and renamed; so what is seen is whole. It begins with a line of JSON, the
//! [`Letter`]; then comes the message as it goes over the wire.

use super::failure::{Exit, Failure};
use super::input::Input;
use super::letter::Letter;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufWriter, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// What the names of whole messages end in.
const WHOLE: &str = "mail";
/// The mode of the folder: all may put something in, each may remove only his own, and files get the folder's group.
const FOLDER: u32 = 0o3733;
/// The mode of a file: for its owner, and for the server by its group.
const FILE: u32 = 0o640;
/// Octets of the line with the envelope.
const LONGEST_LETTER: u64 = 1 << 20;

/// Makes the folder, or gives it its mode.
pub(crate) fn make(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let mode = fs::metadata(folder)?.mode() & 0o7777;
    if mode == FOLDER {
        return Ok(());
    }
    fs::set_permissions(folder, fs::Permissions::from_mode(FOLDER))
}

/// Keeps a message; returns when it is on disk.
pub fn keep<R: BufRead>(
    folder: &Path,
    letter: &Letter,
    begin: &[u8],
    rest: Input<R>,
) -> Result<(), Failure> {
    let name = fresh_name().map_err(|why| cannot(folder, &why))?;
    let (draft, whole) = (
        folder.join(format!("{name}.draft")),
        folder.join(format!("{name}.{WHOLE}")),
    );
    let kept = write(&draft, letter, begin, rest).and_then(|file| {
        let kept = fs::rename(&draft, &whole).and_then(|()| file.sync_all());
        // The second sync also writes the new name; the folder itself may not be opened by those who write into it.
        kept.map_err(|why| cannot(folder, &why))
    });
    if kept.is_err() {
        let _ = fs::remove_file(&draft);
    }
    kept
}

fn write<R: BufRead>(
    draft: &Path,
    letter: &Letter,
    begin: &[u8],
    mut rest: Input<R>,
) -> Result<File, Failure> {
    let cannot = |why: &io::Error| cannot(draft, why);
    let file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(FILE)
        .open(draft)
        .map_err(|why| cannot(&why))?;
    // The mode of a file that is made is cut by the caller's umask.
    file.set_permissions(fs::Permissions::from_mode(FILE))
        .map_err(|why| cannot(&why))?;
    let mut out = BufWriter::new(file);
    let line = serde_json::to_string(letter)
        .map_err(|why| Failure::new(Exit::Software, why.to_string()))?;
    let mut put = |octets: &[u8]| out.write_all(octets).map_err(|why| cannot(&why));
    put(line.as_bytes())?;
    put(b"\n")?;
    put(begin)?;
    let mut piece = Vec::new();
    loop {
        rest.next(&mut piece)?;
        if piece.is_empty() {
            break;
        }
        put(&piece)?;
    }
    let file = out.into_inner().map_err(|why| cannot(why.error()))?;
    file.sync_all().map_err(|why| cannot(&why))?;
    Ok(file)
}

fn cannot(path: &Path, why: &io::Error) -> Failure {
    let exit = match why.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Exit::TempFail,
        io::ErrorKind::PermissionDenied => Exit::NoPermission,
        _ => Exit::CannotCreate,
    };
    let message = format!("the message cannot be kept in {}: {why}", path.display());
    Failure::new(exit, message)
}

fn fresh_name() -> io::Result<String> {
    let mut random = [0; 8];
    getrandom::fill(&mut random).map_err(io::Error::other)?;
    let now = jiff::Timestamp::now().as_millisecond();
    Ok(format!("{now:013}-{:016x}", u64::from_ne_bytes(random)))
}

/// A message that waits.
pub(crate) struct Waiting {
    pub(crate) path: PathBuf,
    /// Whose file it is.
    pub(crate) uid: u32,
    pub(crate) letter: Letter,
    /// Stands where the message begins.
    pub(crate) message: io::BufReader<File>,
}

/// The names of the whole messages, the oldest first, so many at most.
pub(crate) fn waiting(folder: &Path, most: usize) -> io::Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|end| end == WHOLE) {
            paths.push(path);
        }
    }
    paths.sort();
    paths.truncate(most);
    Ok(paths)
}

/// Opens one. `InvalidData`: it is none, and never will be.
pub(crate) fn open(path: &Path) -> io::Result<Waiting> {
    let bad = |why: &str| io::Error::new(io::ErrorKind::InvalidData, why.to_owned());
    // Neither what a link leads to nor a pipe is a message that its owner wrote here.
    let flags = nix::libc::O_NOFOLLOW | nix::libc::O_NONBLOCK;
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(flags)
        .open(path)
        .map_err(|why| match why.raw_os_error() {
            Some(nix::libc::ELOOP) => bad("it is a link"),
            _ => why,
        })?;
    let facts = file.metadata()?;
    if !facts.is_file() || facts.nlink() != 1 {
        return Err(bad("it is not a file of its own"));
    }
    let mut message = io::BufReader::new(file);
    let mut line = Vec::new();
    io::Read::take(&mut message, LONGEST_LETTER).read_until(b'\n', &mut line)?;
    let letter: Letter =
        serde_json::from_slice(&line).map_err(|why| bad(&format!("its envelope: {why}")))?;
    if letter.recipients.is_empty() {
        return Err(bad("it is for nobody"));
    }
    Ok(Waiting {
        path: path.into(),
        uid: facts.uid(),
        letter,
        message,
    })
}

#[cfg(test)]
mod tests {
    use super::super::options::Dot;
    use super::*;

    fn letter() -> Letter {
        Letter {
            sender: "root".into(),
            recipients: vec!["alice".into()],
            notify: None,
            ret: None,
            envid: None,
        }
    }

    /// X14
    #[test]
    fn x14_what_is_kept_is_read_again_and_drafts_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let spool = folder.path().join("spool");
        make(&spool).unwrap();
        assert_eq!(fs::metadata(&spool).unwrap().mode() & 0o7777, FOLDER);
        let rest = Input::new(&b"body\n"[..], Dot::Text);
        keep(&spool, &letter(), b"To: alice\r\n\r\n", rest).unwrap();
        fs::write(spool.join("1.draft"), "x").unwrap();
        let names = waiting(&spool, 10).unwrap();
        assert_eq!(names.len(), 1);
        let mut kept = open(&names[0]).unwrap();
        assert_eq!(kept.letter, letter());
        assert_eq!(kept.uid, nix::unistd::geteuid().as_raw());
        let mut text = String::new();
        io::Read::read_to_string(&mut kept.message, &mut text).unwrap();
        assert_eq!(text, "To: alice\r\n\r\nbody\r\n");
    }

    /// X14: what somebody else wrote elsewhere is not sent in his name.
    #[test]
    fn x14_links_and_rubbish_are_known() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("a.mail"), "no json\n").unwrap();
        fs::write(
            at("b.txt"),
            serde_json::to_string(&letter()).unwrap() + "\nx",
        )
        .unwrap();
        std::os::unix::fs::symlink(at("b.txt"), at("c.mail")).unwrap();
        fs::hard_link(at("b.txt"), at("d.mail")).unwrap();
        for path in waiting(folder.path(), 10).unwrap() {
            let opened = open(&path);
            let why = opened.err().map(|why| why.kind());
            assert_eq!(why, Some(io::ErrorKind::InvalidData), "{}", path.display());
        }
    }
}
