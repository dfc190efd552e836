//! What runs at intervals in a server: list, run now.

use super::{Failure, World};
use crate::jobs::{Run, State};
use serde::{Deserialize, Serialize};

/// What can be asked for.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum Request {
    List,
    /// Answered when the run has ended.
    Run {
        name: String,
    },
}

/// What came of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// All jobs, by name.
    List(Vec<View>),
    /// The run that was asked for.
    Ended(RunView),
}

/// A job as people see it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct View {
    /// Its name.
    pub name: String,
    /// What it does.
    pub about: String,
    /// Whether it runs now.
    pub running: bool,
    /// Runs since the server started.
    pub runs: u64,
    /// How many of them failed.
    pub failures: u64,
    /// When it runs next, RFC 3339; none: it runs now, or not by itself.
    pub next: Option<String>,
    /// Its last run since the server started.
    pub last: Option<RunView>,
}

/// A run as people see it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RunView {
    /// When it began, RFC 3339.
    pub begun: String,
    /// How long it took.
    pub milliseconds: u64,
    /// Whether it ended well.
    pub ok: bool,
    /// What it did, or why it failed.
    pub says: String,
}

pub(super) async fn execute(world: &World, request: Request) -> Result<Answer, Failure> {
    let running = world.running.as_ref().ok_or_else(Failure::not_running)?;
    let jobs = &running.services.jobs;
    match request {
        Request::List => Ok(Answer::List(
            jobs.list()
                .into_iter()
                .map(|(name, about, state)| view(name, about, &state))
                .collect(),
        )),
        Request::Run { name } => {
            let ended = jobs.run(&name).await.map(|run| run_view(&run));
            ended.map(Answer::Ended).ok_or_else(|| {
                Failure::missing(format!(
                    "there is no job \"{}\": `pennyblack jobs list` shows all",
                    name.escape_debug()
                ))
            })
        }
    }
}

fn view(name: &str, about: &str, state: &State) -> View {
    View {
        name: name.into(),
        about: about.into(),
        running: state.running,
        runs: state.runs,
        failures: state.failures,
        next: state.next.map(|next| format!("{next:.0}")),
        last: state.last.as_ref().map(run_view),
    }
}

fn run_view(run: &Run) -> RunView {
    let says = match &run.outcome {
        Ok(Some(done)) => done.clone(),
        Ok(None) => "nothing to do".into(),
        Err(why) => why.clone(),
    };
    RunView {
        begun: format!("{:.0}", run.begun),
        milliseconds: run.took.as_millis().try_into().unwrap_or(u64::MAX),
        ok: run.outcome.is_ok(),
        says,
    }
}
