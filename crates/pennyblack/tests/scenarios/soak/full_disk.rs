//! The disk fills up: new mail is put off, what was acknowledged stays, users can still delete, and with room again all goes on.

use super::ledger::Ledger;
use super::road::{Doors, Road, Sender};
use super::{accepted_again, check_store, send};
use crate::tools::{command, eventually, need, skipped, succeed};
use crate::trial::{Data, Trial};
use crate::wire::Wire;
use std::fs::File;
use std::path::{Path, PathBuf};

/// A small file system in memory.
struct SmallDisk {
    folder: PathBuf,
}

impl SmallDisk {
    /// `None` if this user may not mount.
    fn mount(folder: PathBuf, megabytes: u64) -> Option<SmallDisk> {
        std::fs::create_dir(&folder).expect("a folder");
        let mut mount = command("mount");
        mount
            .args(["-t", "tmpfs", "-o", &format!("size={megabytes}m"), "tmpfs"])
            .arg(&folder);
        let mounted = mount.output().is_ok_and(|output| output.status.success());
        mounted.then_some(SmallDisk { folder })
    }

    fn data(&self) -> PathBuf {
        self.folder.join("mail")
    }

    fn filler(&self) -> PathBuf {
        self.folder.join("filler")
    }

    fn free(&self) -> u64 {
        let disk = rustix::fs::statvfs(&self.folder).expect("a file system");
        disk.f_bavail * disk.f_frsize
    }

    /// Leaves so many octets free.
    fn fill_up_to(&self, left: u64) {
        let take = self.free().saturating_sub(left);
        let file = File::create(self.filler()).expect("a file");
        rustix::fs::fallocate(&file, rustix::fs::FallocateFlags::empty(), 0, take)
            .expect("room for the filler");
    }

    fn make_room(&self) {
        std::fs::remove_file(self.filler()).expect("the filler was there");
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = command("umount")
            .args(["--lazy"])
            .arg(&self.folder)
            .status();
    }
}

const MEGABYTE: u64 = 1 << 20;

/// A disk, and a server on it.
fn world(folder: &Path) -> Option<(SmallDisk, Trial)> {
    let disk = SmallDisk::mount(folder.join("disk"), 300)?;
    let trial = Trial::start_with(Data::Keep(&disk.data()));
    Some((disk, trial))
}

/// The reply to MAIL on a listener.
fn mail_from(trial: &Trial, listener: &str, hello: &str) -> String {
    let mut wire = Wire::open(trial, listener);
    wire.reply().expect("a greeting");
    wire.send(format!("{hello} client.example\r\n").as_bytes());
    wire.reply().expect("a reply");
    wire.send(b"MAIL FROM:<load@elsewhere.test>\r\n");
    wire.reply().expect("a reply")
}

/// Deletes the newest message over IMAP.
fn delete_one(trial: &Trial) {
    let mut wire = Wire::open(trial, "imap");
    wire.line().expect("a greeting");
    let login = format!(
        "LOGIN alice@example.test \"{}\"",
        trial.password("alice@example.test")
    );
    for command in [
        login.as_str(),
        "SELECT INBOX",
        "STORE 1 +FLAGS.SILENT (\\Deleted)",
        "EXPUNGE",
    ] {
        wire.send(format!("a {command}\r\n").as_bytes());
        let answer = wire.tagged("a").expect("an answer");
        assert!(answer.starts_with("a OK"), "{command}: {answer}");
    }
}

/// S3: below the floor nothing new is taken, but what makes room works.
#[test]
fn s03_mail_is_put_off_while_the_disk_is_nearly_full() {
    need!("mount");
    let folder = tempfile::tempdir().expect("a folder");
    let Some((disk, trial)) = world(folder.path()) else {
        return skipped("the right to mount a file system");
    };
    let mut ledger = Ledger::default();
    accepted_again(&mut ledger, &trial);
    disk.fill_up_to(50 * MEGABYTE);
    eventually("452", || {
        mail_from(&trial, "smtp", "EHLO")
            .starts_with("452 4.3.1")
            .then_some(())
    });
    let lmtp = mail_from(&trial, "lmtp", "LHLO");
    assert!(lmtp.starts_with("452 4.3.1"), "{lmtp}");
    let mut filing = Sender::open(Road::Append, &Doors::of(&trial)).expect("log-ins work");
    assert!(!send(&mut ledger, &mut filing), "APPEND is put off too");
    delete_one(&trial);
    disk.make_room();
    accepted_again(&mut ledger, &trial);
    ledger.verify(&trial);
    check_store(&trial);
}

/// The last octet of the disk is gone while a message comes in.
#[test]
fn a_disk_that_fills_up_in_the_middle_of_a_message_loses_nothing() {
    need!("mount");
    let folder = tempfile::tempdir().expect("a folder");
    let Some((disk, trial)) = world(folder.path()) else {
        return skipped("the right to mount a file system");
    };
    let mut ledger = Ledger::default();
    accepted_again(&mut ledger, &trial);
    let mut wire = Wire::open(&trial, "smtp");
    wire.reply().expect("a greeting");
    for line in [
        "EHLO client.example",
        "MAIL FROM:<load@elsewhere.test>",
        "RCPT TO:<alice@example.test>",
        "DATA",
    ] {
        wire.send(format!("{line}\r\n").as_bytes());
        let reply = wire.reply().expect("a reply");
        assert!(reply.starts_with(['2', '3']), "{line}: {reply}");
    }
    disk.fill_up_to(0);
    let line = format!("{}\r\n", "x".repeat(998));
    let message = format!("Subject: load-999999\r\n\r\n{}.\r\n", line.repeat(5000));
    wire.send(message.as_bytes());
    let reply = wire.reply().expect("an answer, not a hang-up");
    assert!(reply.starts_with("452 4.3.1"), "{reply}");
    disk.make_room();
    accepted_again(&mut ledger, &trial);
    ledger.verify(&trial);
    check_store(&trial);
}

/// The tools of this test work: a disk fills up and empties.
#[test]
fn the_small_disk_fills_up() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(disk) = SmallDisk::mount(folder.path().join("disk"), 10) else {
        return skipped("the right to mount a file system");
    };
    disk.fill_up_to(0);
    assert!(std::fs::write(disk.folder.join("more"), [0; 5000]).is_err());
    disk.make_room();
    succeed(command("touch").arg(disk.folder.join("more")));
}
