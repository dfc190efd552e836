//! Mail that leaves the server for the pretend Internet, whose mail hosts behave as the local part says.

use crate::reading::{messages_with, raw_message};
use crate::tools::{eventually, need, succeed};
use crate::trial::Trial;
use crate::wire::Wire;
use std::path::{Path, PathBuf};

/// Bob submits a message. (Alice has an old notice of failure among her samples.)
pub(crate) fn submit(trial: &Trial, to: &str, subject: &str) {
    submit_over(trial, "submissions", to, subject);
}

/// The same, over this listener.
pub(crate) fn submit_over(trial: &Trial, listener: &str, to: &str, subject: &str) {
    let mut wire = Wire::open(trial, listener);
    wire.reply().expect("a greeting");
    let password = trial.password("bob@example.test");
    let text =
        format!("From: bob@example.test\r\nTo: {to}\r\nSubject: {subject}\r\n\r\nHello.\r\n.");
    let recipient = format!("RCPT TO:<{to}>");
    let dialog = [
        "EHLO client.example".to_string(),
        format!("AUTH PLAIN {}", plain("bob@example.test", password)),
        "MAIL FROM:<bob@example.test>".to_string(),
        recipient,
        "DATA".to_string(),
        text,
    ];
    for line in dialog {
        wire.send(format!("{line}\r\n").as_bytes());
        let reply = wire.reply().expect("a reply");
        assert!(reply.starts_with(['2', '3']), "{line}: {reply}");
    }
}

/// RFC 4616 in base64.
pub(crate) fn plain(user: &str, password: &str) -> String {
    let octets = format!("\0{user}\0{password}");
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in octets.as_bytes().chunks(3) {
        let mut group = [0; 3];
        group[..chunk.len()].copy_from_slice(chunk);
        let bits = u32::from_be_bytes([0, group[0], group[1], group[2]]);
        for place in 0..4 {
            let sextet = (bits >> (18 - 6 * place)) & 63;
            out.push(if place <= chunk.len() {
                alphabet[sextet as usize] as char
            } else {
                '='
            });
        }
    }
    out
}

#[test]
fn base64_of_a_login_is_right() {
    assert_eq!(plain("test", "test"), "AHRlc3QAdGVzdA==");
    assert_eq!(
        plain("tim", "tanstaaftanstaaf"),
        "AHRpbQB0YW5zdGFhZnRhbnN0YWFm"
    );
}

/// What waits in the queue.
fn queue(trial: &Trial) -> Vec<serde_json::Value> {
    let said = succeed(&mut trial.command(&["queue", "list", "--json"]));
    let listed: serde_json::Value = serde_json::from_str(&said).expect("JSON");
    listed.as_array().expect("a list").clone()
}

/// The message with this subject that the pretend Internet took into one of its maildirs.
fn delivered_with(trial: &Trial, subject: &str) -> Option<String> {
    let wanted = format!("\nSubject: {subject}\n");
    files(&Path::new(trial.data()).join("internet"))
        .into_iter()
        .filter_map(|file| std::fs::read_to_string(file).ok())
        .map(|text| text.replace("\r\n", "\n"))
        .find(|text| text.contains(&wanted))
}

/// All files below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    paths
        .flat_map(|path| match path.is_dir() {
            true => files(&path),
            false => vec![path],
        })
        .collect()
}

#[test]
fn mail_to_the_internet_is_delivered_there() {
    let trial = Trial::start();
    submit(&trial, "friend@elsewhere.test", "hello Internet");
    let text = eventually("the delivery", || delivered_with(&trial, "hello Internet"));
    assert!(text.contains("\nReceived: "), "{text}");
    assert!(
        !text.contains("127.0.0.1"),
        "A15: the client's address is in it: {text}"
    );
    eventually("an empty queue", || queue(&trial).is_empty().then_some(()));
}

/// C12, C15: deferred, then delivered when it is tried again.
#[test]
fn greylisted_mail_is_deferred_and_delivered_on_retry() {
    let trial = Trial::start();
    submit(&trial, "greylist@elsewhere.test", "come back later");
    let entry = eventually("a deferred message", || {
        let waiting = queue(&trial).into_iter().next()?;
        waiting.to_string().contains("451").then_some(waiting)
    });
    assert!(delivered_with(&trial, "come back later").is_none());
    let id = entry["id"].as_str().expect("an id");
    // The host lets the message in when it comes again after a moment.
    eventually("the delivery", || {
        let _ = trial.command(&["queue", "retry", id]).output();
        delivered_with(&trial, "come back later")
    });
    eventually("an empty queue", || queue(&trial).is_empty().then_some(()));
}

/// C14, RFC 3464: the sender is told, in a form that programs read.
#[test]
fn refused_mail_comes_back_as_a_delivery_status_notification() {
    need!("curl");
    let trial = Trial::start();
    submit(&trial, "bounce@elsewhere.test", "to nobody");
    let dsn = eventually("the notification", || {
        let found = queue(&trial).is_empty() && report_arrived(&trial);
        found.then(|| raw_message(&trial, "bob", FAILED))
    });
    let parts = [
        "Return-Path: <>",
        "Content-Type: multipart/report",
        "report-type=delivery-status",
        "Content-Type: message/delivery-status",
        "Final-Recipient: rfc822; bounce@elsewhere.test",
        "Action: failed",
        "Status: 5.",
        "Diagnostic-Code: smtp; 5",
        "Subject: to nobody",
    ];
    let text = dsn
        .replace("\r\n\t", " ")
        .replace("\r\n ", " ")
        .to_lowercase();
    for part in parts {
        let bare = text
            .replace("rfc822;", "rfc822; ")
            .replace(";  ", "; ")
            .replace('"', "");
        assert!(
            bare.contains(&part.to_lowercase()),
            "{part} is missing in {dsn}"
        );
    }
}

/// What a notice of failure is called.
const FAILED: &str = "Your message to bounce@elsewhere.test could not be delivered";

fn report_arrived(trial: &Trial) -> bool {
    messages_with(trial, "bob", FAILED) == 1
}

/// `queue remove` takes a message out; its sender is told, or not, as asked.
#[test]
fn a_message_can_be_taken_out_of_the_queue() {
    let trial = Trial::start();
    submit(&trial, "greylist@elsewhere.test", "never mind");
    let entry = eventually("a deferred message", || queue(&trial).into_iter().next());
    let id = entry["id"].as_str().expect("an id");
    succeed(&mut trial.command(&["queue", "remove", id, "--yes"]));
    assert_eq!(queue(&trial), Vec::<serde_json::Value>::new());
    assert!(delivered_with(&trial, "never mind").is_none());
}
