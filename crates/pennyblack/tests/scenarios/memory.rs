//! S6: large messages are streamed; memory does not grow with their size.

use crate::trial::Trial;
use crate::wire::Wire;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const MEGABYTE: u64 = 1 << 20;

/// Sends one message of about `size` octets; the reply to its end.
fn send(trial: &Trial, size: u64) -> String {
    let mut wire = Wire::open(trial, "smtp");
    wire.reply().expect("a greeting");
    for line in [
        "EHLO client.example",
        "MAIL FROM:<a@elsewhere.test>",
        "RCPT TO:<alice@example.test>",
        "DATA",
    ] {
        wire.send(format!("{line}\r\n").as_bytes());
        let reply = wire.reply().expect("a reply");
        assert!(reply.starts_with(['2', '3']), "{line}: {reply}");
    }
    wire.send(b"Subject: large\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\r\n");
    let lines = attachment();
    let mut left = size;
    while left > 0 {
        wire.send(&lines);
        left = left.saturating_sub(lines.len() as u64);
    }
    wire.send(b".\r\n");
    wire.reply().expect("a reply to the end of the data")
}

/// About 64 KB of lines that do not compress well.
fn attachment() -> Vec<u8> {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut state = 88172645463325252u64;
    let mut out = Vec::with_capacity(66_000);
    while out.len() < 64 * 1024 {
        for _ in 0..76 {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            out.push(alphabet[(state % 64) as usize]);
        }
        out.extend_from_slice(b"\r\n");
    }
    out
}

/// How much the memory of the server grows while `senders` messages of `size` octets come in at once.
fn growth(senders: usize, size: u64) -> u64 {
    let trial = &Trial::start();
    // The first message makes what is made once: pools, caches, compression tables.
    assert!(send(trial, MEGABYTE).starts_with("250 "));
    let before = trial.resident();
    let ended = &AtomicBool::new(false);
    std::thread::scope(|scope| {
        let watcher = scope.spawn(move || {
            let mut most = before;
            while !ended.load(Ordering::Relaxed) {
                most = most.max(trial.resident());
                std::thread::sleep(Duration::from_millis(20));
            }
            most
        });
        let sendings: Vec<_> = (0..senders)
            .map(|_| scope.spawn(move || send(trial, size)))
            .collect();
        for sending in sendings {
            let reply = sending.join().expect("sent");
            assert!(reply.starts_with("250 "), "{reply}");
        }
        ended.store(true, Ordering::Relaxed);
        let most = watcher.join().expect("watched");
        println!(
            "resident: {} MB before, {} MB at most",
            before / MEGABYTE,
            most / MEGABYTE
        );
        most.saturating_sub(before)
    })
}

/// S6, small: held in memory these messages would be 160 MB.
#[test]
fn s06_parallel_large_messages_are_streamed() {
    let grown = growth(20, 8 * MEGABYTE);
    assert!(
        grown < 100 * MEGABYTE,
        "memory grew by {} MB",
        grown / MEGABYTE
    );
}

/// S6, in full.
#[test]
#[ignore = "soak: 20 messages of 35 MB at once"]
fn s06_twenty_messages_of_35_mb_raise_memory_by_less_than_100_mb() {
    let grown = growth(20, 34 * MEGABYTE);
    assert!(
        grown < 100 * MEGABYTE,
        "memory grew by {} MB",
        grown / MEGABYTE
    );
}

/// A7: one octet too many is refused, with the size announced and without.
#[test]
fn a07_a_message_over_the_limit_is_refused() {
    let trial = Trial::start();
    let mut wire = Wire::open(&trial, "smtp");
    wire.reply().expect("a greeting");
    wire.send(b"EHLO client.example\r\n");
    wire.reply().expect("a reply");
    wire.send(b"MAIL FROM:<a@elsewhere.test> SIZE=40000000\r\n");
    let reply = wire.reply().expect("a reply");
    assert!(reply.starts_with("552 5.3.4 "), "{reply}");

    let reply = send(&trial, 36 * MEGABYTE);
    assert!(reply.starts_with("552 5.3.4 "), "{reply}");
}
