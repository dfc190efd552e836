//! Senders that put a server under load and write down what it acknowledged, and the comparison of that with what is there.

use crate::trial::Trial;
use crate::wire::Wire;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

/// Every message goes to both accounts of the trial.
const RECIPIENTS: [&str; 2] = ["alice@example.test", "bob@example.test"];

/// What became of the messages sent so far, by their subjects (`load-17`).
#[derive(Default)]
pub(crate) struct Ledger {
    /// The server answered 250: each must be there exactly once, for every recipient.
    accepted: BTreeSet<String>,
    /// No answer came to the end of the data: each may be there, once.
    unsure: BTreeSet<String>,
    last: AtomicU64,
}

impl Ledger {
    /// How many messages were acknowledged.
    pub(crate) fn accepted(&self) -> usize {
        self.accepted.len()
    }

    /// Compares with what the accounts hold. Every difference is named.
    #[track_caller]
    pub(crate) fn verify(&self, trial: &Trial) {
        let mut faults = Vec::new();
        for recipient in RECIPIENTS {
            self.compare(recipient, &held(trial, recipient), &mut faults);
        }
        assert!(
            faults.is_empty(),
            "{} of {} messages are not as they were acknowledged:\n{}",
            faults.len(),
            self.accepted.len(),
            faults.join("\n")
        );
    }

    fn compare(&self, recipient: &str, held: &BTreeMap<String, u32>, faults: &mut Vec<String>) {
        for subject in &self.accepted {
            match held.get(subject) {
                Some(1) => {}
                None => faults.push(format!(
                    "{subject} got a 250 and {recipient} does not have it"
                )),
                Some(n) => faults.push(format!("{recipient} has {subject} {n} times")),
            }
        }
        for (subject, &times) in held {
            if self.unsure.contains(subject) && times > 1 {
                faults.push(format!(
                    "{recipient} has {subject}, not acknowledged, {times} times"
                ));
            } else if !self.accepted.contains(subject) && !self.unsure.contains(subject) {
                faults.push(format!(
                    "{recipient} has {subject}, which was refused or never sent"
                ));
            }
        }
    }
}

/// Senders at work.
pub(crate) struct Load {
    ledger: Arc<Mutex<Ledger>>,
    ended: Arc<AtomicBool>,
    senders: Vec<JoinHandle<()>>,
}

impl Load {
    /// Starts so many senders; each sends one message after another, small ones and some that are kept as files.
    pub(crate) fn start(trial: &Trial, ledger: Ledger, senders: usize) -> Load {
        let ledger = Arc::new(Mutex::new(ledger));
        let ended = Arc::new(AtomicBool::new(false));
        let port = trial.port("smtp");
        let sender = |_| {
            let (ledger, ended) = (ledger.clone(), ended.clone());
            std::thread::spawn(move || send_until(port, &ledger, &ended))
        };
        let senders = (0..senders).map(sender).collect();
        Load {
            ledger,
            ended,
            senders,
        }
    }

    /// Returns when so many messages more have been acknowledged; panics if the server takes none.
    #[track_caller]
    pub(crate) fn wait_for(&self, more: usize) {
        let goal = self.accepted() + more;
        crate::tools::eventually("acknowledged messages", || {
            (self.accepted() >= goal).then_some(())
        });
    }

    fn accepted(&self) -> usize {
        self.ledger.lock().expect("not poisoned").accepted()
    }

    /// Ends the senders, whatever state the server is in, and returns what they wrote down.
    pub(crate) fn stop(self) -> Ledger {
        self.ended.store(true, Ordering::Relaxed);
        for sender in self.senders {
            sender.join().expect("a sender ends by itself");
        }
        let ledger = Arc::into_inner(self.ledger).expect("the senders have ended");
        ledger.into_inner().expect("not poisoned")
    }
}

/// Sends messages over connections of up to 20 messages each, until told to end or until the server is gone.
fn send_until(port: u16, ledger: &Mutex<Ledger>, ended: &AtomicBool) {
    while !ended.load(Ordering::Relaxed) {
        let Some(mut wire) = Wire::connect(port) else {
            return;
        };
        if greet(&mut wire).is_none() {
            return;
        }
        for _ in 0..20 {
            if ended.load(Ordering::Relaxed) || send(&mut wire, ledger).is_none() {
                break;
            }
        }
    }
}

fn greet(wire: &mut Wire) -> Option<()> {
    wire.reply()?;
    wire.send(b"EHLO load.example\r\n");
    wire.reply().map(drop)
}

/// Sends one message and writes down what came of it. `None` when the connection is of no more use.
fn send(wire: &mut Wire, ledger: &Mutex<Ledger>) -> Option<()> {
    let number = ledger
        .lock()
        .expect("not poisoned")
        .last
        .fetch_add(1, Ordering::Relaxed);
    let subject = format!("load-{number}");
    let envelope = format!(
        "MAIL FROM:<load@elsewhere.test>\r\nRCPT TO:<{}>\r\nRCPT TO:<{}>\r\nDATA\r\n",
        RECIPIENTS[0], RECIPIENTS[1]
    );
    wire.send(envelope.as_bytes());
    for expected in ["250", "250", "250", "354"] {
        if !wire.reply()?.starts_with(expected) {
            return None;
        }
    }
    wire.send(&message(&subject, number));
    let reply = wire.reply();
    let mut ledger = ledger.lock().expect("not poisoned");
    match reply {
        Some(reply) if reply.starts_with("250 ") => ledger.accepted.insert(subject),
        Some(_) => false,
        None => ledger.unsure.insert(subject),
    };
    Some(())
}

/// About 2 KB of text; every fifteenth message has about 300 KB.
fn message(subject: &str, number: u64) -> Vec<u8> {
    let lines = if number % 15 == 0 { 4000 } else { 25 };
    let mut text = format!("From: load@elsewhere.test\r\nSubject: {subject}\r\n\r\n");
    let mut state = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    for _ in 0..lines {
        for _ in 0..4 {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            text += &format!("{state:016x} ");
        }
        text += "\r\n";
    }
    text += ".\r\n";
    text.into_bytes()
}

/// The subjects of the load's messages in an account's INBOX, with how often each is there.
fn held(trial: &Trial, address: &str) -> BTreeMap<String, u32> {
    let mut wire = Wire::open(trial, "imap");
    wire.line().expect("a greeting");
    let login = format!(
        "a LOGIN {address} {}\r\nb EXAMINE INBOX\r\n",
        trial.password(address)
    );
    wire.send(login.as_bytes());
    assert!(wire.tagged("a").expect("an answer").starts_with("a OK"));
    assert!(wire.tagged("b").expect("an answer").starts_with("b OK"));
    wire.send(b"c FETCH 1:* (ENVELOPE)\r\n");
    let mut found = BTreeMap::new();
    loop {
        let line = wire.line().expect("an answer");
        if line.starts_with("c ") {
            // An empty mailbox has no message 1.
            assert!(line.starts_with("c OK") || found.is_empty(), "{line}");
            return found;
        }
        if let Some(at) = line.find("\"load-") {
            let subject = line[at + 1..].split('"').next().unwrap_or_default();
            *found.entry(subject.to_string()).or_insert(0) += 1;
        }
    }
}

#[test]
fn the_ledger_notices_what_is_lost_doubled_or_invented() {
    let mut ledger = Ledger::default();
    ledger
        .accepted
        .extend(["load-1", "load-2", "load-3"].map(String::from));
    ledger
        .unsure
        .extend(["load-4", "load-5", "load-6"].map(String::from));
    let held = [
        ("load-1", 1),
        ("load-2", 2),
        ("load-4", 1),
        ("load-5", 2),
        ("load-7", 1),
    ];
    let held = held
        .into_iter()
        .map(|(subject, times)| (subject.into(), times));
    let mut faults = Vec::new();
    ledger.compare("alice", &held.collect(), &mut faults);
    assert_eq!(faults.len(), 4, "{faults:?}");
}
