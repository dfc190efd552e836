//! Python's smtplib, imaplib and email package as mail clients. The scripts are in `python/`; each is one scenario, says nothing
//! when all is well and fails with a traceback.

use crate::tools::{beside, command, need, succeed};
use crate::trial::Trial;

#[track_caller]
fn play(script: &str) {
    play_on(&Trial::start(), script, &[]);
}

#[track_caller]
fn play_on(trial: &Trial, script: &str, arguments: &[&str]) {
    let mut python = command("python3");
    python.arg(beside("python").join(script)).args(arguments);
    if let Some(modules) = modules() {
        python.env("PYTHONPATH", modules);
    }
    python.env("PYTHONDONTWRITEBYTECODE", "1");
    python.env("PENNYBLACK", env!("CARGO_BIN_EXE_pennyblack"));
    python.env("PENNYBLACK_DATA", trial.data());
    succeed(python.env("TRIAL", trial.ready().to_string()));
}

#[test]
fn a_reply_over_both_submission_ports_arrives() {
    need!("python3");
    play("reply.py");
}

/// G23
#[test]
fn an_idle_client_sees_mail_and_flags_at_once() {
    need!("python3");
    play("idle.py");
}

#[test]
fn mailboxes_are_made_renamed_filled_and_deleted() {
    need!("python3");
    play("mailboxes.py");
}

/// RFC 4314: a family's `info@`.
#[test]
fn two_people_share_the_mailboxes_of_a_third() {
    need!("python3");
    play("sharing.py");
}

/// Where `scripts/install-test-tools` puts modules that Debian does not have.
fn modules() -> Option<std::path::PathBuf> {
    let target = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).parent()?;
    Some(target.join("test-tools/python"))
}

/// Are these modules there?
fn has_modules(names: &str) -> bool {
    let mut python = command("python3");
    python.args(["-c", &format!("import {names}")]);
    if let Some(modules) = modules() {
        python.env("PYTHONPATH", modules);
    }
    python.output().is_ok_and(|output| output.status.success())
}

/// RFC 7162, with the Python library imapclient.
#[test]
fn a_client_that_was_away_hears_the_rest_and_two_work_at_once() {
    need!("python3");
    if !has_modules("imapclient") {
        return crate::tools::skipped("the Python module imapclient");
    }
    play("resync.py");
}

/// W23, P10
#[test]
fn w23_thunderbird_mirrors_hears_and_acts() {
    need!("python3", "thunderbird");
    play("thunderbird.py");
}

/// H36
#[test]
fn h36_scripts_are_stored_after_a_scram_log_in() {
    need!("python3");
    play_on(&Trial::start(), "scripts.py", &["SHA-256"]);
}

/// H36, RFC 5804 §1: the mechanism that every ManageSieve server must be able to offer.
#[test]
fn h36_scripts_are_stored_after_a_scram_sha_1_log_in() {
    need!("python3");
    let data = tempfile::tempdir().expect("a folder");
    let settings = "auth.scram_sha1 = \"on\"\nlisten.managesieve.addresses = [\"127.0.0.1:0\"]\n";
    play_on(
        &Trial::serve(data.path(), settings),
        "scripts.py",
        &["SHA-1"],
    );
}
