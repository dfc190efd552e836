//! The server is killed under load, at whatever it is doing, and started again on what it left.

use super::ledger::Ledger;
use super::load::Load;
use super::{check_store, rounds};
use crate::trial::{Data, Trial};

const SENDERS: usize = 32;

/// So many times: 32 senders send, the server dies by SIGKILL, a new one opens what is left.
fn survive(kills: usize) {
    let folder = tempfile::tempdir().expect("a folder");
    let mut ledger = Ledger::default();
    let mut trial = Trial::start_with(Data::Keep(folder.path()));
    for round in 1..=kills {
        let load = Load::start(&trial, ledger, SENDERS);
        // Anywhere between the first message and a few hundred later.
        load.wait_for(1 + round * 53 % 300);
        trial.kill();
        ledger = load.stop();
        trial = Trial::start_with(Data::Keep(folder.path()));
        ledger.verify(&trial);
        if round % 10 == 0 || round == kills {
            check_store(&trial);
        }
        println!(
            "kill {round}: {} acknowledged messages, all there",
            ledger.accepted()
        );
    }
    ledger.verify_elsewhere(&trial);
}

/// Promise 1: what got a 250 is there exactly once, for every recipient.
#[test]
fn acknowledged_mail_survives_kill_9() {
    survive(4);
}

#[test]
#[ignore = "soak: 200 times kill -9 with 32 senders"]
fn acknowledged_mail_survives_kill_9_two_hundred_times() {
    survive(rounds(200));
}
