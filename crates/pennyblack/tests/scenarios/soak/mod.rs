//! Long tests: the server under load meets kills and power cuts, and what it acknowledged must be there afterwards.
//!
//! Each has a short form that runs with the other tests, and its full form that `make soak` runs. `SOAK_ROUNDS` changes the number
//! of rounds of the full form.

mod crash;
mod full_disk;
mod ledger;
mod load;
mod order;
mod powercut;
mod road;

use crate::tools::succeed;
use crate::trial::Trial;

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
