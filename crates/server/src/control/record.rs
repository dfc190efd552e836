//! Writing down what the mail programs of an account and the server say to each other (W18).

use super::{Failure, FailureKind, World, address};
use crate::config::parse_duration;
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::time::Duration;
use store::account;

/// A conversation that takes longer is none that a person repeats.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// What can be asked for.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Request {
    /// Of which account.
    pub account: String,
    /// For how long, like `10m`; `0s`: the record that is being made ends.
    pub lasts: String,
}

/// What came of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// What is said from now on is written there.
    Begun {
        /// The file.
        file: PathBuf,
        /// When it ends, RFC 3339.
        until: String,
    },
    /// Nothing more is written; whether there was a record.
    Ended(bool),
}

pub(super) async fn execute(world: &World, request: Request) -> Result<Answer, Failure> {
    let running = world.running.as_ref().ok_or_else(Failure::not_running)?;
    let services = &running.services;
    let lasts = parse_duration(&request.lasts).map_err(Failure::invalid)?;
    let wanted = address(&request.account)?.to_string();
    let found = world.store.read(move |tx| account::by_address(tx, &wanted));
    let account = found.await?.ok_or_else(|| {
        let text = &request.account;
        Failure::missing(format!(
            "there is no account {text}: `pennyblack account list` shows all"
        ))
    })?;
    if lasts.is_zero() {
        return Ok(Answer::Ended(services.recorder.end(account.id)));
    }
    let until = SignedDuration::try_from(lasts.min(LONGEST))
        .ok()
        .and_then(|lasts| world.now.checked_add(lasts).ok())
        .ok_or_else(|| Failure::invalid("that is too long a time"))?;
    let folder = world.config.data.join("records");
    let begun = services
        .recorder
        .begin(account.id, until, &folder, &services.clock);
    let file = begun.await.map_err(|why| {
        let folder = folder.display();
        Failure::new(
            FailureKind::Unavailable,
            format!("no record can be written in {folder}: {why}"),
        )
    })?;
    Ok(Answer::Begun {
        file,
        until: until.to_string(),
    })
}
