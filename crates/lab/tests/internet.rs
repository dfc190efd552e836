//! The pretend Internet from outside, by hand: what a stranger's client sees.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test may fail by panicking

use lab::Internet;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

struct Dialog(BufReader<TcpStream>);

impl Dialog {
    async fn open(internet: &Internet) -> Dialog {
        let stream = TcpStream::connect(("127.0.0.1", internet.port()))
            .await
            .unwrap();
        let mut dialog = Dialog(BufReader::new(stream));
        dialog.expect("220").await;
        dialog.say("EHLO client.example", "250").await;
        dialog
    }

    /// The code of the next reply, over all its lines; empty at the end of the connection.
    async fn reply(&mut self) -> String {
        loop {
            let mut line = String::new();
            self.0.read_line(&mut line).await.unwrap();
            if line.as_bytes().get(3) != Some(&b'-') {
                return line.chars().take(3).collect();
            }
        }
    }

    async fn expect(&mut self, code: &str) {
        assert_eq!(self.reply().await, code);
    }

    async fn say(&mut self, line: &str, code: &str) {
        self.0
            .get_mut()
            .write_all(format!("{line}\r\n").as_bytes())
            .await
            .unwrap();
        let reply = self.reply().await;
        assert_eq!(reply, code, "in reply to {line}");
    }
}

async fn internet(folder: Option<&std::path::Path>) -> Internet {
    Internet::start(lab::Options {
        folder: folder.map(Into::into),
        drip: Some(Duration::from_millis(1)),
        ..lab::Options::default()
    })
    .await
    .unwrap()
}

/// U29, V17: the local part decides.
#[tokio::test]
async fn v17_behaviours_in_the_dialogue() {
    let internet = internet(None).await;
    let mut dialog = Dialog::open(&internet).await;
    dialog
        .say("MAIL FROM:<tempfail-mail@me.example>", "451")
        .await;
    dialog.say("MAIL FROM:<me@me.example>", "250").await;
    dialog.say("RCPT TO:<bounce@x.example>", "550").await;
    dialog.say("RCPT TO:<full@x.example>", "452").await;
    dialog.say("RCPT TO:<outlook-s3140@x.example>", "550").await;
    dialog.say("RCPT TO:<slow@x.example>", "250").await;
    dialog.say("RCPT TO:<greylist@x.example>", "451").await;
    dialog.say("RCPT TO:<greylist@x.example>", "250").await;
    dialog.say("RCPT TO:<no-starttls@x.example>", "421").await;
    dialog.expect("").await;
}

/// V17: what was delivered can be read as a maildir, whatever the recipient is called.
#[tokio::test]
async fn v17_delivered_mail_is_in_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let internet = internet(Some(folder.path())).await;
    let mut dialog = Dialog::open(&internet).await;
    dialog.say("MAIL FROM:<me@me.example>", "250").await;
    dialog.say("RCPT TO:<../../Friend@X.Example>", "250").await;
    dialog.say("DATA", "354").await;
    dialog.say("Subject: hi\r\n\r\n..dot\r\n.", "250").await;
    let received = internet
        .mail
        .wait_for(1, Duration::from_secs(10))
        .await
        .unwrap();
    assert_eq!(received[0].text(), "Subject: hi\r\n\r\n.dot\r\n");
    let new = folder
        .path()
        .join("X.Example")
        .join("_.._Friend")
        .join("new");
    let files: Vec<_> = std::fs::read_dir(new).unwrap().collect();
    assert_eq!(files.len(), 1);
    assert!(internet.mail.faults().is_empty());
}

/// Y11: a client that sends a bare LF is noted.
#[tokio::test]
async fn y11_bare_line_ends_are_noted() {
    let internet = internet(None).await;
    let mut dialog = Dialog::open(&internet).await;
    dialog.0.get_mut().write_all(b"NOOP\n").await.unwrap();
    dialog.expect("250").await;
    assert_eq!(internet.mail.faults().len(), 1);
}

/// RFC 2920 §3.1: DATA without an accepted recipient is a fault of the client's.
#[tokio::test]
async fn data_without_a_recipient_is_noted() {
    let internet = internet(None).await;
    let mut dialog = Dialog::open(&internet).await;
    dialog.say("MAIL FROM:<me@me.example>", "250").await;
    dialog.say("RCPT TO:<bounce@x.example>", "550").await;
    dialog.say("DATA", "503").await;
    assert_eq!(internet.mail.faults(), ["DATA without a recipient"]);
}
