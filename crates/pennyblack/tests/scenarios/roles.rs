//! Two programs that share the work: one is the MX, the other keeps the mailboxes and takes mail by LMTP (A24, A25).

use crate::tools::{eventually, succeed};
use crate::trial::Trial;
use crate::wire::Wire;

/// Sends one message to a listener that speaks SMTP; the reply to its end.
fn send(trial: &Trial, to: &str, subject: &str) -> String {
    let mut wire = Wire::open(trial, "smtp");
    wire.reply().expect("a greeting");
    let recipient = format!("RCPT TO:<{to}>");
    for line in [
        "EHLO client.example",
        "MAIL FROM:<friend@elsewhere.test>",
        &recipient,
        "DATA",
    ] {
        wire.send(format!("{line}\r\n").as_bytes());
        let reply = wire.reply().expect("a reply");
        if !reply.starts_with(['2', '3']) {
            return reply;
        }
    }
    wire.send(
        format!("From: friend@elsewhere.test\r\nSubject: {subject}\r\n\r\nHello.\r\n.\r\n")
            .as_bytes(),
    );
    wire.reply().expect("a reply to the end of the data")
}

/// How many messages with this subject there are in alice's INBOX.
fn found(trial: &Trial, subject: &str) -> usize {
    let mut imap = Wire::open(trial, "imap");
    imap.line().expect("a greeting");
    let password = trial.password("alice@example.test");
    imap.send(format!("a LOGIN alice@example.test \"{password}\"\r\nb EXAMINE INBOX\r\nc SEARCH SUBJECT \"{subject}\"\r\n").as_bytes());
    loop {
        let line = imap.line().expect("an answer");
        if let Some(hits) = line.strip_prefix("* SEARCH") {
            return hits.split_whitespace().count();
        }
        assert!(!line.starts_with("c "), "{line}");
    }
}

/// A25: mail received on the one is read on the other, and nowhere else. A24: the mailbox side is told the address that an alias, which
/// only the MX knows, leads to. While the mailbox side is away, mail waits.
#[test]
fn a25_a24_mail_received_on_one_is_read_on_the_other() {
    let (front, back) = (folder(), folder());
    // Its name server answers both.
    let internet = Trial::start();
    let dns = format!("dns.servers = [\"127.0.0.1:{}\"]\n", internet.port("dns"));
    let mut mailboxes = Trial::serve(back.path(), &dns);
    let lmtp = mailboxes.port("lmtp");
    let mx = Trial::serve(
        front.path(),
        &format!(
            "{dns}relay.routes = [\"to example.test via lmtp://127.0.0.1:{lmtp}\"]\nqueue.allow_private = true\n\
             queue.retry_base = \"1s\"\n"
        ),
    );
    succeed(&mut mx.command(&["alias", "add", "post@example.test", "alice@example.test"]));

    let unknown = send(&mx, "nobody@example.test", "nobody");
    assert!(unknown.starts_with("550 5.1.1 "), "{unknown}");
    for to in ["Alice+shop@Example.Test", "post@example.test"] {
        let reply = send(&mx, to, to);
        assert!(reply.starts_with("250 "), "{reply}");
        eventually("it is read on the other machine", || {
            (found(&mailboxes, to) == 1).then_some(())
        });
        assert_eq!(found(&mx, to), 0);
    }

    let kept = mailboxes.terminate();
    assert!(kept.success());
    let reply = send(&mx, "alice@example.test", "meanwhile");
    assert!(reply.starts_with("250 "), "{reply}");
    eventually("it is put off", || {
        let queue = succeed(&mut mx.command(&["queue", "list"]));
        queue.contains("alice@example.test").then_some(())
    });
    // It comes back on another port.
    let mailboxes = Trial::serve(back.path(), &dns);
    let file = front.path().join("pennyblack.toml");
    let text = std::fs::read_to_string(&file).expect("the configuration");
    let moved = text.replace(&lmtp.to_string(), &mailboxes.port("lmtp").to_string());
    std::fs::write(&file, moved).expect("written");
    succeed(&mut mx.command(&["reload"]));
    succeed(&mut mx.command(&["routes", "resume", "--all"]));
    succeed(&mut mx.command(&["queue", "retry", "--domain", "example.test"]));
    eventually("what waited is read", || {
        (found(&mailboxes, "meanwhile") == 1).then_some(())
    });
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary folder")
}
