//! Long tests: the server under load meets kills and power cuts, and what it acknowledged must be there afterwards.
//!
//! Each has a short form that runs with the other tests, and its full form that `make soak` runs. `SOAK_ROUNDS` changes the number
//! of rounds of the full form.

mod load;
mod powercut;

/// How many rounds the full form of a test plays.
fn rounds(default: usize) -> usize {
    let asked = std::env::var("SOAK_ROUNDS").ok();
    asked.and_then(|text| text.parse().ok()).unwrap_or(default)
}
