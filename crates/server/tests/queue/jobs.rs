//! Jobs at intervals: by the clock, once at a time, with their outcome to be seen.

use crate::world::{SOON, World};
use std::time::Duration;

const HOUR: i64 = 3600;

async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(SOON, what).await.expect("it happens")
}

#[tokio::test]
async fn a_job_runs_by_the_clock_and_shows_how_it_went() {
    let world = World::start().await;
    let jobs = &world.services().jobs;
    let state = |name: &str| {
        let all = jobs.list();
        let found = all.into_iter().find(|(known, _, _)| *known == name);
        found.expect("the job").2
    };
    assert_eq!(state("history").runs, 0, "nothing runs at once");
    world.advance(600);
    soon(jobs.ended("history", 1)).await;
    soon(jobs.ended("sweep", 1)).await;
    let first = state("history");
    assert_eq!((first.failures, first.running), (0, false));
    assert!(first.last.expect("a run").outcome.is_ok());
    // A day later, a tenth more or less.
    world.advance(21 * HOUR);
    assert_eq!(state("history").runs, 1);
    world.advance(6 * HOUR);
    soon(jobs.ended("history", 2)).await;
    let metrics = world.services().metrics.text();
    let line = "pennyblack_job_runs_total{job=\"history\",result=\"ok\"} 2";
    assert!(metrics.contains(line), "{metrics}");
    world.finish().await;
}

#[tokio::test]
async fn a_job_can_be_run_now() {
    let world = World::start().await;
    let jobs = &world.services().jobs;
    let run = soon(jobs.run("sweep")).await.expect("the job");
    assert_eq!(run.outcome, Ok(None));
    assert!(soon(jobs.run("nothing")).await.is_none());
    world.finish().await;
}

/// Whoever asks for a job at the moment when it is due gets that run, and no second one that finds nothing left to do.
#[tokio::test]
async fn a_job_that_is_due_and_asked_for_runs_once() {
    let world = World::start().await;
    let jobs = &world.services().jobs;
    for _ in 0..16 {
        world.advance(27 * HOUR);
        soon(jobs.run("sweep")).await.expect("the job");
    }
    let all = jobs.list();
    let sweep = all.into_iter().find(|(known, _, _)| *known == "sweep");
    assert_eq!(sweep.expect("the job").2.runs, 16);
    world.finish().await;
}

#[tokio::test]
async fn the_change_log_forgets_what_is_older_than_a_setting() {
    let settings = [("store.history", "\"1d\""), ("store.history_floor", "0")];
    let world = World::with(&settings).await;
    let log = async || {
        let read = world.services().store.read(|tx| {
            let alice = store::account::by_address(tx, "alice@example.com")?.expect("alice");
            let all = store::change::since(tx, alice.id, store::ModSeq(0), 1000)?;
            Ok((
                all.len() as u64,
                store::change::complete_from(tx, alice.id)?,
            ))
        });
        read.await.expect("the log")
    };
    let (before, _) = log().await;
    let jobs = &world.services().jobs;
    soon(jobs.run("history")).await;
    assert_eq!(log().await.0, before, "it is new");
    world.advance(25 * HOUR);
    let run = soon(jobs.run("history")).await.expect("the job");
    assert!(run.took < Duration::from_secs(60));
    let (after, from) = log().await;
    assert_eq!(after, 0);
    assert!(from > store::ModSeq(0));
    world.finish().await;
}
