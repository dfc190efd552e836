//! What the server acknowledged, and the comparison of that with what is there.

use super::road::{ALICE, BOB, FRIEND, Fate, body_size, subject};
use crate::tools::{eventually, succeed};
use crate::trial::Trial;
use crate::wire::Wire;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// One recipient's copy of a message, by the message's number.
type Copy = (&'static str, u64);

/// What became of the messages sent so far.
#[derive(Default)]
pub(crate) struct Ledger {
    /// The server answered 250 or OK: each must be there exactly once.
    accepted: BTreeSet<Copy>,
    /// No answer came to the end of the data, or "not now": each may be there, once, for all recipients or for none.
    unsure: BTreeSet<Copy>,
    messages: usize,
    last: u64,
}

/// The load's messages in a mailbox: the sizes of the bodies under each number.
type Held = BTreeMap<u64, Vec<usize>>;

impl Ledger {
    /// How many messages were acknowledged.
    pub(crate) fn accepted(&self) -> usize {
        self.messages
    }

    /// A number for a new message.
    pub(super) fn number(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    /// Writes down what became of a message.
    pub(super) fn enter(&mut self, number: u64, fates: &[(&'static str, Fate)]) {
        self.messages += usize::from(fates.iter().any(|(_, fate)| *fate == Fate::Accepted));
        for (recipient, fate) in fates {
            match fate {
                Fate::Accepted => self.accepted.insert((recipient, number)),
                Fate::Unsure => self.unsure.insert((recipient, number)),
                Fate::Refused => false,
            };
        }
    }

    /// Compares with what the accounts hold. Every difference is named.
    #[track_caller]
    pub(crate) fn verify(&self, trial: &Trial) {
        let held = [ALICE, BOB].map(|recipient| (recipient, held(trial, recipient)));
        let faults = self.faults(&held.into());
        assert!(
            faults.is_empty(),
            "{} faults with {} acknowledged messages:\n{}",
            faults.len(),
            self.messages,
            faults.join("\n")
        );
    }

    fn faults(&self, held: &BTreeMap<&'static str, Held>) -> Vec<String> {
        let mut faults = Vec::new();
        for (recipient, held) in held {
            self.missing(recipient, held, &mut faults);
            self.surplus(recipient, held, &mut faults);
        }
        self.halves(held, &mut faults);
        faults
    }

    fn missing(&self, recipient: &'static str, held: &Held, faults: &mut Vec<String>) {
        for (_, number) in self.accepted.iter().filter(|copy| copy.0 == recipient) {
            if !held.contains_key(number) {
                faults.push(format!(
                    "{recipient} lacks {}, which was acknowledged",
                    subject(*number)
                ));
            }
        }
    }

    fn surplus(&self, recipient: &'static str, held: &Held, faults: &mut Vec<String>) {
        for (&number, sizes) in held {
            let copy = (recipient, number);
            if !self.accepted.contains(&copy) && !self.unsure.contains(&copy) {
                faults.push(format!(
                    "{recipient} has {}, which was refused or never sent",
                    subject(number)
                ));
            }
            if sizes.len() > 1 {
                faults.push(format!(
                    "{recipient} has {} {} times",
                    subject(number),
                    sizes.len()
                ));
            }
            if sizes.iter().any(|&size| size != body_size(number)) {
                faults.push(format!(
                    "{recipient} has {} with a body of {sizes:?} octets",
                    subject(number)
                ));
            }
        }
    }

    /// One message is one transaction: all of its recipients have it, or none.
    fn halves(&self, held: &BTreeMap<&'static str, Held>, faults: &mut Vec<String>) {
        let has = |recipient, number| {
            held.get(recipient)
                .is_some_and(|held| held.contains_key(&number))
        };
        for &(_, number) in self.unsure.iter().filter(|copy| copy.0 == BOB) {
            if has(ALICE, number) != has(BOB, number) {
                faults.push(format!("only one recipient has {}", subject(number)));
            }
        }
    }

    /// Waits until all that was acknowledged for other servers has come to them. A crash between their 250 and our note of it
    /// sends a message twice (RFC 5321 §6.1), so it may be there more than once.
    #[track_caller]
    pub(crate) fn verify_elsewhere(&self, trial: &Trial) {
        let wanted: BTreeSet<u64> = self
            .accepted
            .iter()
            .filter(|copy| copy.0 == FRIEND)
            .map(|copy| copy.1)
            .collect();
        // Each kill in the middle of an attempt has put the next one further off: by now some are due only in minutes.
        succeed(&mut trial.command(&["queue", "retry", "--all"]));
        eventually("the delivery of all that was acknowledged", || {
            wanted.is_subset(&delivered(trial)).then_some(())
        });
    }
}

/// What the pretend Internet has taken for its user.
fn delivered(trial: &Trial) -> BTreeSet<u64> {
    let (local, domain) = FRIEND.split_once('@').expect("an address");
    let folder = PathBuf::from(trial.data())
        .join("internet")
        .join(domain)
        .join(local)
        .join("new");
    let files = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .filter_map(Result::ok);
    files
        .filter_map(|file| std::fs::read_to_string(file.path()).ok())
        .filter_map(|text| number_after(&text, "Subject: load-"))
        .collect()
}

/// What an account's INBOX holds of the load.
fn held(trial: &Trial, address: &str) -> Held {
    let mut wire = Wire::open(trial, "imap");
    wire.line().expect("a greeting");
    let login = format!("a LOGIN {address} \"{}\"\r\n", trial.password(address));
    for (command, tag) in [(login.as_str(), "a"), ("b EXAMINE INBOX\r\n", "b")] {
        wire.send(command.as_bytes());
        let answer = wire.tagged(tag).expect("an answer");
        assert!(answer.starts_with(&format!("{tag} OK")), "{answer}");
    }
    wire.send(b"c UID FETCH 1:* (ENVELOPE BODY)\r\n");
    let mut held = Held::new();
    loop {
        let line = wire.line().expect("an answer");
        if line.starts_with("c ") {
            assert!(line.starts_with("c OK"), "{line}");
            return held;
        }
        if let Some(number) = number_after(&line, "\"load-") {
            held.entry(number).or_default().push(size_of_body(&line));
        }
    }
}

fn number_after(text: &str, mark: &str) -> Option<u64> {
    let rest = &text[text.find(mark)? + mark.len()..];
    let end = rest
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(rest.len());
    rest[..end].parse().ok()
}

/// From `… BODY ("text" "plain" (…) NIL NIL "7bit" OCTETS LINES))`.
fn size_of_body(line: &str) -> usize {
    let fields: Vec<&str> = line.trim_end_matches(')').rsplit(' ').take(2).collect();
    fields
        .get(1)
        .and_then(|octets| octets.parse().ok())
        .unwrap_or_else(|| panic!("no size in {line}"))
}

#[test]
fn the_ledger_notices_what_is_lost_doubled_halved_or_invented() {
    let mut ledger = Ledger::default();
    for number in 1..=3 {
        ledger.enter(number, &[(ALICE, Fate::Accepted), (BOB, Fate::Accepted)]);
    }
    for number in 4..=6 {
        ledger.enter(number, &[(ALICE, Fate::Unsure), (BOB, Fate::Unsure)]);
    }
    ledger.enter(7, &[(ALICE, Fate::Refused), (BOB, Fate::Refused)]);
    let whole =
        |numbers: &[u64]| -> Held { numbers.iter().map(|&n| (n, vec![body_size(n)])).collect() };
    let right = [
        (ALICE, whole(&[1, 2, 3, 4, 5])),
        (BOB, whole(&[1, 2, 3, 4, 5])),
    ];
    assert_eq!(ledger.faults(&right.into()), Vec::<String>::new());

    let mut alice = whole(&[1, 2, 4, 7]);
    alice.insert(1, vec![body_size(1), body_size(1)]);
    alice.insert(2, vec![10]);
    let faults = ledger.faults(&[(ALICE, alice), (BOB, whole(&[1, 2, 3]))].into());
    let expected = [
        "lacks load-3",
        "load-1 2 times",
        "load-2 with a body of [10]",
        "load-7, which was refused",
        "only one recipient has load-4",
    ];
    for fault in expected {
        assert!(
            faults.iter().any(|said| said.contains(fault)),
            "{fault}: {faults:?}"
        );
    }
    assert_eq!(faults.len(), expected.len(), "{faults:?}");
}

#[test]
fn sizes_and_numbers_are_read() {
    let line = r#"* 3 FETCH (UID 3 ENVELOPE (NIL "load-17" NIL) BODY ("text" "plain" NIL NIL NIL "7bit" 1750 25))"#;
    assert_eq!(
        (number_after(line, "\"load-"), size_of_body(line)),
        (Some(17), 1750)
    );
}
