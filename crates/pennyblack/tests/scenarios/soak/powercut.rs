//! V18: the machine loses power under load. What would be on the disk at that moment, and nothing else, is given to a new server.

use super::check_store;
use super::ledger::Ledger;
use super::load::Load;
use crate::tools::{command, skipped, succeed};
use crate::trial::{Data, Trial};
use std::path::{Path, PathBuf};
use std::process::Command;

/// A disk whose power can be cut; see scripts/powercut.
struct Disk {
    folder: PathBuf,
}

fn powercut() -> Command {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/powercut");
    command(script.to_str().expect("a path in UTF-8"))
}

impl Disk {
    fn new(folder: PathBuf) -> Disk {
        succeed(powercut().arg("mount").arg(&folder).arg("4096"));
        Disk { folder }
    }

    /// What is on the disk below the page cache, as a disk of its own. Nothing may write meanwhile.
    fn cut(&self, folder: PathBuf) -> Disk {
        succeed(powercut().arg("cut").arg(&self.folder).arg(&folder));
        Disk { folder }
    }

    fn data(&self) -> PathBuf {
        self.folder.join("mail")
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = powercut().arg("umount").arg(&self.folder).status();
    }
}

/// Whether this machine lets us make a disk; the reason if not.
fn possible(folder: &Path) -> Result<(), &'static str> {
    let probe = folder.join("probe");
    let status = powercut().arg("mount").arg(&probe).arg("16").output();
    let made = status.is_ok_and(|output| output.status.success());
    let _ = powercut().arg("umount").arg(&probe).output();
    made.then_some(())
        .ok_or("the right to mount a loop device (root) and mkfs.ext4")
}

/// `SENDERS` send, the power fails at some moment, a new server opens what is left: so many times.
fn survive(cuts: usize) {
    const SENDERS: usize = 32;
    let folder = tempfile::tempdir().expect("a folder");
    if let Err(missing) = possible(folder.path()) {
        return skipped(missing);
    }
    let mut disk = Disk::new(folder.path().join("disk-0"));
    let mut ledger = Ledger::default();
    let mut trial = Trial::start_with(Data::Keep(&disk.data()));
    for round in 1..=cuts {
        let load = Load::start(&trial, ledger, SENDERS);
        load.wait_for(40 + round * 37 % 200);
        trial.freeze();
        let next = disk.cut(folder.path().join(format!("disk-{round}")));
        trial.kill();
        ledger = load.stop();
        disk = next;
        trial = Trial::start_with(Data::Keep(&disk.data()));
        ledger.verify(&trial);
        check_store(&trial);
        println!(
            "cut {round}: {} acknowledged messages, all there",
            ledger.accepted()
        );
    }
    trial.kill();
}

#[test]
fn v18_acknowledged_mail_survives_a_power_cut() {
    survive(2);
}

#[test]
#[ignore = "soak: 50 power cuts with 32 senders"]
fn v18_acknowledged_mail_survives_fifty_power_cuts() {
    survive(super::rounds(50));
}
