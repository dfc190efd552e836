//! ManageSieve as sieve-connect speaks it, over TLS, and what the scripts do that it uploads (H36).

use crate::tools::{command, fail, need, succeed};
use crate::trial::Trial;
use std::process::Command;

const ALICE: &str = "alice@example.test";

/// sieve-connect, logged in as Alice over verified TLS; it reads the password from a file.
fn sieve_connect(trial: &Trial, words: &[&str]) -> Command {
    let port = trial.port("managesieve").to_string();
    let mut client = command("sh");
    client
        .args(["-c", "exec sieve-connect \"$@\" < password", "sh"])
        .args(["--server", "localhost", "--port", &port, "--nosrv"])
        .args(["--user", ALICE, "--passwordfd", "0"])
        .args(["--noclearchan", "--tlscafile", trial.ca()])
        .args(words)
        .current_dir(trial.folder());
    client
}

/// Writes a file of the test.
fn file(trial: &Trial, name: &str, text: &str) {
    std::fs::write(trial.folder().join(name), text).expect("a file");
}

/// H36, H34, H1: check, upload, list, activate, download, remove; the next message goes by what is active.
#[test]
fn h36_sieve_connect_manages_scripts_over_tls() {
    need!("sieve-connect", "swaks");
    let trial = Trial::start();
    file(&trial, "password", &format!("{}\n", trial.password(ALICE)));
    let script = "require [\"fileinto\", \"mailbox\"];\r\nfileinto :create \"Filed\";\r\n";
    file(&trial, "filing.sieve", script);
    file(&trial, "broken.sieve", "fileinto \"x\"\n");

    succeed(&mut sieve_connect(
        &trial,
        &["--checkscript", "--localsieve", "filing.sieve"],
    ));
    let wrong = [
        "--upload",
        "--localsieve",
        "broken.sieve",
        "--remotesieve",
        "broken",
    ];
    let said = fail(&mut sieve_connect(&trial, &wrong));
    assert!(said.contains("line 1"), "{said}");

    let upload = [
        "--upload",
        "--localsieve",
        "filing.sieve",
        "--remotesieve",
        "filing",
    ];
    succeed(&mut sieve_connect(&trial, &upload));
    assert_eq!(scripts(&trial), "\"filing\"");
    succeed(&mut sieve_connect(
        &trial,
        &["--activate", "--remotesieve", "filing"],
    ));
    assert_eq!(scripts(&trial), "\"filing\" ACTIVE");
    let download = [
        "--download",
        "--remotesieve",
        "filing",
        "--localsieve",
        "copy.sieve",
    ];
    succeed(&mut sieve_connect(&trial, &download));
    let copy = std::fs::read_to_string(trial.folder().join("copy.sieve")).expect("downloaded");
    assert_eq!(copy.replace("\r\n", "\n"), script.replace("\r\n", "\n"));

    send(&trial, "<one@sender.example>");
    let told = explained(&trial, "<one@sender.example>");
    assert!(told.contains("  in: Filed (UID 1,"), "{told}");
    assert!(
        told.contains("  filed: fileinto \"Filed\" create by filing, line 2"),
        "{told}"
    );

    let refused = fail(&mut sieve_connect(
        &trial,
        &["--delete", "--remotesieve", "filing"],
    ));
    assert!(refused.contains("active"), "{refused}");
    succeed(&mut sieve_connect(&trial, &["--deactivate"]));
    succeed(&mut sieve_connect(
        &trial,
        &["--delete", "--remotesieve", "filing"],
    ));
    assert_eq!(scripts(&trial), "");
    send(&trial, "<two@sender.example>");
    let told = explained(&trial, "<two@sender.example>");
    assert!(told.contains("  in: INBOX (UID"), "{told}");
}

/// H32: what goes wrong is told by a letter, once, and each time by command.
#[test]
fn h32_what_went_wrong_can_be_read() {
    need!("swaks");
    let trial = Trial::start();
    file(
        &trial,
        "fails.sieve",
        "require \"ihave\";\nerror \"broken on purpose\";\n",
    );
    let path = trial.folder().join("fails.sieve");
    let path = path.to_str().expect("UTF-8");
    succeed(&mut trial.command(&["sieve", "put", ALICE, "fails", path, "--activate"]));
    assert_eq!(succeed(&mut trial.command(&["sieve", "log", ALICE])), "");
    send(&trial, "<one@sender.example>");
    send(&trial, "<two@sender.example>");
    let log = succeed(&mut trial.command(&["sieve", "log", ALICE]));
    assert_eq!(log.matches("broken on purpose").count(), 2, "{log}");
    let told = explained(&trial, "<two@sender.example>");
    assert!(told.contains("  in: INBOX (UID"), "{told}");

    // A mailbox that is not there.
    file(
        &trial,
        "fails.sieve",
        "require \"fileinto\"; fileinto \"Nowhere\";",
    );
    succeed(&mut trial.command(&["sieve", "put", ALICE, "fails", path, "--activate"]));
    send(&trial, "<three@sender.example>");
    let log = succeed(&mut trial.command(&["sieve", "log", ALICE]));
    let last = log.lines().last().unwrap_or_default();
    assert!(
        last.contains("mailbox \"Nowhere\": there is no such mailbox"),
        "{log}"
    );
    let told = explained(&trial, "<three@sender.example>");
    assert!(told.contains("  in: INBOX (UID"), "{told}");
}

fn scripts(trial: &Trial) -> String {
    succeed(&mut sieve_connect(trial, &["--list"]))
        .trim()
        .to_owned()
}

fn send(trial: &Trial, id: &str) {
    let mut swaks = command("swaks");
    swaks.args([
        "--silent",
        "2",
        "--server",
        &trial.at("smtp"),
        "--to",
        ALICE,
    ]);
    swaks.args([
        "--from",
        "friend@sender.example",
        "--header",
        &format!("Message-Id: {id}"),
    ]);
    succeed(&mut swaks);
}

fn explained(trial: &Trial, id: &str) -> String {
    succeed(&mut trial.command(&["explain", "message", id]))
}
