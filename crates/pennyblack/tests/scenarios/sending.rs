//! Mail handed to the server by swaks: from another server, from a logged-in user, by LMTP.

use crate::reading::{messages_with, raw_message};
use crate::tools::{command, fail, need, succeed};
use crate::trial::Trial;
use std::process::Command;

fn swaks(trial: &Trial, listener: &str, to: &str, subject: &str) -> Command {
    let mut swaks = command("swaks");
    swaks.args(["--server", &trial.at(listener), "--to", to]);
    swaks.args(["--header", &format!("Subject: {subject}")]);
    swaks.args(["--body", "A few words.\\n"]);
    swaks
}

fn as_alice(swaks: &mut Command, trial: &Trial, mechanism: &str) {
    swaks.args(["--from", "alice@example.test", "--auth", mechanism]);
    swaks.args(["--auth-user", "alice@example.test"]);
    swaks.args(["--auth-password", trial.password("alice@example.test")]);
    swaks.args(["--tls-verify", "--tls-ca-path", trial.ca()]);
}

/// A14, A16: the message that arrives says how it came.
#[test]
fn mail_from_another_server_arrives() {
    need!("swaks", "curl");
    let trial = Trial::start();
    succeed(&mut swaks(
        &trial,
        "smtp",
        "alice@example.test",
        "from outside",
    ));
    assert_eq!(messages_with(&trial, "alice", "from outside"), 1);

    let message = raw_message(&trial, "alice", "from outside");
    assert!(message.starts_with("Return-Path: <"), "{message}");
    let received = message.find("\r\nReceived: from ").expect("a trace field");
    assert!(
        received < message.find("\r\nSubject:").expect("a subject"),
        "{message}"
    );
    assert!(message.contains("A few words."), "{message}");
}

#[test]
fn mail_over_starttls_from_another_server_arrives() {
    need!("swaks", "curl");
    let trial = Trial::start();
    let mut swaks = swaks(&trial, "smtp", "bob@example.test", "encrypted");
    succeed(swaks.args(["--tls", "--tls-verify", "--tls-ca-path", trial.ca()]));
    let message = raw_message(&trial, "bob", "encrypted");
    assert!(message.contains("with ESMTPS"), "{message}");
}

/// B1, B2: both ways to submit, with the mechanisms swaks knows.
#[test]
fn submitted_mail_arrives() {
    need!("swaks", "curl");
    let trial = Trial::start();
    let ways = [
        ("submission", "--tls", "PLAIN"),
        ("submission", "--tls", "LOGIN"),
        ("submissions", "--tls-on-connect", "PLAIN"),
        ("submissions", "--tls-on-connect", "LOGIN"),
    ];
    for (listener, tls, mechanism) in ways {
        let subject = format!("{listener} {mechanism}");
        let mut swaks = swaks(&trial, listener, "bob@example.test", &subject);
        swaks.arg(tls);
        as_alice(&mut swaks, &trial, mechanism);
        succeed(&mut swaks);
        let message = raw_message(&trial, "bob", &subject);
        assert!(message.contains("with ESMTPSA"), "{message}");
    }
}

/// B13: nobody writes in another's name.
#[test]
fn submission_in_anothers_name_is_refused() {
    need!("swaks", "curl");
    let trial = Trial::start();
    let mut swaks = swaks(&trial, "submissions", "alice@example.test", "forged");
    swaks.arg("--tls-on-connect");
    as_alice(&mut swaks, &trial, "PLAIN");
    let said = fail(swaks.args(["--from", "bob@example.test"]));
    assert!(said.contains("* 550 5.7.1"), "{said}");
    assert_eq!(messages_with(&trial, "alice", "forged"), 0);
}

/// B23: a wrong password is refused with 535, and submission without a log-in with 530.
#[test]
fn submission_without_the_right_password_is_refused() {
    need!("swaks");
    let trial = Trial::start();
    let mut wrong = swaks(&trial, "submissions", "bob@example.test", "no");
    wrong.args([
        "--tls-on-connect",
        "--from",
        "alice@example.test",
        "--auth",
        "PLAIN",
    ]);
    wrong.args([
        "--auth-user",
        "alice@example.test",
        "--auth-password",
        "wrong",
    ]);
    let said = fail(&mut wrong);
    assert!(said.contains("<~* 535 "), "{said}");

    let mut none = swaks(&trial, "submission", "bob@example.test", "no");
    let said = fail(none.args(["--tls", "--from", "alice@example.test"]));
    assert!(said.contains("<~* 530 "), "{said}");
}

/// Promise 9: never an open relay.
#[test]
fn strangers_cannot_relay() {
    need!("swaks");
    let trial = Trial::start();
    let said = fail(&mut swaks(
        &trial,
        "smtp",
        "someone@elsewhere.test",
        "relay",
    ));
    assert!(said.contains("<** 55"), "{said}");
    let said = fail(&mut swaks(&trial, "smtp", "nobody@example.test", "unknown"));
    assert!(said.contains("<** 550 5.1.1"), "{said}");
}

/// RFC 2033: one reply for each recipient.
#[test]
fn lmtp_delivers_to_each_recipient() {
    need!("swaks", "curl");
    let trial = Trial::start();
    let both = "alice@example.test,bob@example.test";
    let mut swaks = swaks(&trial, "lmtp", both, "by lmtp");
    let said = succeed(swaks.args(["--protocol", "LMTP"]));
    let accepted = said
        .lines()
        .filter(|line| line.contains("250 2.0.0"))
        .count();
    assert!(accepted >= 2, "{said}");
    assert_eq!(messages_with(&trial, "alice", "by lmtp"), 1);
    assert_eq!(messages_with(&trial, "bob", "by lmtp"), 1);
}

/// B26: what our own users send is signed and not judged, even if it says of itself that it is spam.
#[test]
fn b26_submitted_mail_is_signed_and_not_judged() {
    need!("swaks", "curl");
    const GTUBE: &str = "XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X";
    let trial = Trial::start();
    let mut swaks = swaks(&trial, "submissions", "bob@example.test", "own words");
    swaks.args(["--tls-on-connect", "--body", GTUBE]);
    as_alice(&mut swaks, &trial, "PLAIN");
    succeed(&mut swaks);
    let message = raw_message(&trial, "bob", "own words");
    assert!(message.contains(GTUBE), "{message}");
    assert!(message.contains("DKIM-Signature: "), "{message}");
    assert!(!message.contains("X-Spam"), "{message}");
}
