//! Long tests: the server under load meets kills and power cuts, and what it acknowledged must be there afterwards.
//!
//! Each has a short form that runs with the other tests, and its full form that `make soak` runs. `SOAK_ROUNDS` changes the number
//! of rounds of the full form.

mod crash;
mod database;
mod full_disk;
mod ledger;
mod load;
mod order;
mod outbound;
mod powercut;
mod road;

use crate::tools::{eventually, succeed};
use crate::trial::Trial;
use ledger::Ledger;
use road::{Doors, Fate, Road, Sender};

/// How many rounds the full form of a test plays.
fn rounds(default: usize) -> usize {
    let asked = std::env::var("SOAK_ROUNDS").ok();
    asked.and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// `check store` finds nothing wrong.
#[track_caller]
fn check_store(trial: &Trial) {
    let said = succeed(&mut trial.command(&["check", "store", "--json"]));
    let report: serde_json::Value = serde_json::from_str(&said).expect("JSON");
    assert_eq!(report["faults"], serde_json::json!([]), "{report}");
}

/// Sends and writes down what came of it; false if the server did not take the message.
fn send(ledger: &mut Ledger, sender: &mut Sender) -> bool {
    let number = ledger.number();
    let fates = sender.send(number).unwrap_or_default();
    ledger.enter(number, &fates);
    fates.iter().any(|(_, fate)| *fate == Fate::Accepted)
}

/// Mail is taken again on every road.
fn accepted_again(ledger: &mut Ledger, trial: &Trial) {
    for road in [Road::Mx, Road::Lmtp, Road::Append] {
        eventually("mail is taken again", || {
            let mut sender = Sender::open(road, &Doors::of(trial))?;
            send(ledger, &mut sender).then_some(())
        });
    }
}
