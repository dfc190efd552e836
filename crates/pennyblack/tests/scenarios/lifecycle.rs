//! `pennyblack trial` itself: its ready line, its data, its end.

use crate::reading::{messages_with, raw_message};
use crate::tools::{need, succeed};
use crate::trial::{Data, Trial};
use crate::wire::Wire;
use std::path::Path;

/// V17
#[test]
fn the_ready_line_says_all_that_a_program_needs() {
    let trial = Trial::start();
    let ready = trial.ready();
    assert_eq!(ready["ready"], true);
    assert_eq!(ready["pid"], trial.pid());
    assert!(Path::new(trial.data()).is_dir());
    assert!(
        std::fs::read_to_string(trial.ca())
            .expect("readable")
            .starts_with("-----BEGIN CERTIFICATE-----")
    );
    for listener in [
        "smtp",
        "submission",
        "submissions",
        "imap",
        "imaps",
        "lmtp",
        "managesieve",
        "dns",
    ] {
        assert_ne!(trial.port(listener), 0, "{listener}");
    }
    let accounts = ready["accounts"].as_array().expect("accounts");
    let addresses: Vec<_> = accounts.iter().map(|a| &a["address"]).collect();
    assert_eq!(addresses, ["alice@example.test", "bob@example.test"]);
    assert!(
        accounts
            .iter()
            .all(|a| a["password"].as_str().is_some_and(|p| p.len() >= 8))
    );
}

/// Hands over one message and returns when it is accepted.
fn deliver(trial: &Trial, subject: &str) {
    let mut wire = Wire::open(trial, "smtp");
    wire.reply().expect("a greeting");
    let text = format!("Subject: {subject}\r\n\r\nHello.\r\n.");
    for line in [
        "EHLO client.example",
        "MAIL FROM:<a@elsewhere.test>",
        "RCPT TO:<alice@example.test>",
        "DATA",
        &text,
    ] {
        wire.send(format!("{line}\r\n").as_bytes());
        let reply = wire.reply().expect("a reply");
        assert!(reply.starts_with(['2', '3']), "{line}: {reply}");
    }
}

#[test]
fn data_and_passwords_are_kept_over_restarts() {
    need!("curl");
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("mail");
    let mut first = Trial::start_with(Data::Keep(&data));
    deliver(&first, "before the restart");
    let accounts = first.ready()["accounts"].clone();
    let before = raw_message(&first, "alice", "before the restart");
    assert!(first.terminate().success());

    let second = Trial::start_with(Data::Keep(&data));
    assert_eq!(second.ready()["accounts"], accounts);
    assert_eq!(raw_message(&second, "alice", "before the restart"), before);
    deliver(&second, "after the restart");
    assert_eq!(messages_with(&second, "alice", "after the restart"), 1);
}

/// SIGTERM ends the process with success, and what was to be thrown away is gone.
#[test]
fn a_throw_away_trial_leaves_nothing() {
    let mut trial = Trial::start();
    deliver(&trial, "to be forgotten");
    let data = Path::new(trial.data()).to_path_buf();
    assert!(data.exists());
    let status = trial.terminate();
    assert!(status.success(), "{status}");
    assert!(!data.exists(), "{} is still there", data.display());
    let left: Vec<_> = std::fs::read_dir(trial.folder())
        .expect("readable")
        .collect();
    assert_eq!(left.len(), 1, "besides the log there is: {left:?}");
}

/// A session in the middle of a transaction is told, not cut.
#[test]
fn sessions_are_told_when_the_server_ends() {
    let mut trial = Trial::start();
    let mut smtp = Wire::open(&trial, "smtp");
    smtp.reply().expect("a greeting");
    smtp.send(b"EHLO client.example\r\n");
    smtp.reply().expect("a reply");
    let mut imap = Wire::open(&trial, "imaps");
    imap.line().expect("a greeting");
    assert!(trial.terminate().success());
    let goodbye = smtp.reply().expect("a goodbye");
    assert!(goodbye.starts_with("421 "), "{goodbye}");
    let goodbye = imap.line().expect("a goodbye");
    assert!(goodbye.starts_with("* BYE"), "{goodbye}");
}

#[test]
fn the_store_of_a_running_server_can_be_checked() {
    let trial = Trial::start();
    deliver(&trial, "to be checked");
    let said = succeed(&mut trial.command(&["check", "store", "--json"]));
    let report: serde_json::Value = serde_json::from_str(&said).expect("JSON");
    assert_eq!(report["faults"], serde_json::json!([]), "{report}");
    assert!(
        report["messages"].as_u64().is_some_and(|n| n > 0),
        "{report}"
    );
}
