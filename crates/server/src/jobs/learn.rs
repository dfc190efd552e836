//! Takes in what is to be learned (I10, I12): as soon as somebody has moved a message, and every few minutes what failed, or what another
//! server of the same store has learned. A job that fails is tried again later, and later each time.

use super::periodic::{Job, Outcome};
use crate::Services;
use crate::learning::lesson;
use jiff::{SignedDuration, Timestamp};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use store::Result;
use store::learn::{self, Class};
use store::lesson::{Lesson, Taught};

/// Its name.
pub(crate) const NAME: &str = "learn";
/// By itself so often.
const EVERY: Duration = Duration::from_secs(300);
/// A move is often one of many: so long they are collected.
const COLLECT: Duration = Duration::from_millis(500);
/// Jobs of one transaction.
const BATCH: usize = 50;
/// A job that failed is tried again after so many seconds, twice as many each time, and after a day at most.
const RETRY: (i64, i64) = (60, 86_400);

pub(super) fn job() -> Job {
    Job {
        name: NAME,
        about: "learn from mail that was called wanted or unwanted",
        every: |_| Some(EVERY),
        work: |services| Box::pin(run(services)),
    }
}

/// Has the job run when there is something to learn, or a model is missed. Ends when the server stops.
pub(super) async fn watch(services: Arc<Services>) {
    let mut lessons = services.store.watch_lessons();
    let work = async {
        // The models of before are there before the first mail is.
        services.jobs.want(NAME);
        loop {
            tokio::select! {
                changed = lessons.changed() => if changed.is_err() { return },
                () = services.models.missed() => {}
            }
            tokio::time::sleep(COLLECT).await;
            services.jobs.want(NAME);
        }
    };
    services.shutdown.run_until_cancelled(work).await;
}

async fn run(services: Arc<Services>) -> Outcome {
    let mut counts: HashMap<Taught, usize> = HashMap::new();
    let mut failed = 0;
    loop {
        let jobs = services.store.read(|tx| learn::next(tx, BATCH)).await?;
        if jobs.is_empty() {
            break;
        }
        let (jobs, lessons) = prepare(&services, jobs, &mut failed).await?;
        for taught in settle(&services, jobs, lessons).await? {
            *counts.entry(taught).or_default() += 1;
        }
    }
    let taken = services.models.catch_up(&services.store).await?;
    services.models.save(&services.store).await?;
    if failed > 0 {
        return Err(format!("{failed} messages could not be learned; they are tried again").into());
    }
    let of = |taught| counts.get(&taught).copied().unwrap_or(0);
    Ok((taken > 0 || !counts.is_empty()).then(|| {
        format!(
            "learned {} messages and corrected {}; {} were known",
            of(Taught::New),
            of(Taught::Corrected),
            of(Taught::Known)
        )
    }))
}

/// Reads the messages. Those that cannot be read are put off; those that are gone teach nothing.
async fn prepare(
    services: &Arc<Services>,
    jobs: Vec<learn::Job>,
    failed: &mut usize,
) -> Result<(Vec<learn::Job>, Vec<Lesson>)> {
    let (mut done, mut lessons) = (Vec::new(), Vec::new());
    for job in jobs {
        let config = services.config.load_full();
        let wanted = job.clone();
        let read = services
            .store
            .read(move |tx| lesson::of_job(tx, &config, &wanted));
        match read.await {
            Ok(lesson) => {
                lessons.extend(lesson);
                done.push(job);
            }
            Err(why) => {
                *failed += 1;
                put_off(services, job, &why).await?;
            }
        }
    }
    Ok((done, lessons))
}

/// Writes the lessons, and that the jobs are done.
async fn settle(
    services: &Arc<Services>,
    jobs: Vec<learn::Job>,
    lessons: Vec<Lesson>,
) -> Result<Vec<Taught>> {
    let (jobs, lessons) = (Arc::new(jobs), Arc::new(lessons));
    let (done, written) = (jobs.clone(), lessons.clone());
    let taught = services
        .store
        .write(move |tx| {
            let taught = lesson::teach_all(tx, &written)?;
            done.iter().try_for_each(|job| learn::done(tx, job))?;
            Ok(taught)
        })
        .await?;
    for (lesson, taught) in lessons.iter().zip(&taught) {
        lesson
            .account
            .into_iter()
            .for_each(|account| services.models.has_learned(account));
        let metrics = &services.metrics;
        metrics.learned(class(lesson.class), lesson.origin.name(), outcome(*taught));
    }
    Ok(taught)
}

async fn put_off(services: &Services, job: learn::Job, why: &store::Error) -> Result<()> {
    let seconds = (RETRY.0 << job.failures.min(16)).min(RETRY.1);
    tracing::warn!(account = %job.account, message = %job.message, error = %why, seconds, "a message could not be learned; it is tried again");
    let later = services
        .clock
        .now()
        .saturating_add(SignedDuration::from_secs(seconds))
        .unwrap_or(Timestamp::MAX);
    services
        .store
        .write(move |tx| learn::put_off(tx, &job, later))
        .await
}

fn class(class: Class) -> &'static str {
    match class {
        Class::Ham => "ham",
        Class::Spam => "spam",
    }
}

fn outcome(taught: Taught) -> &'static str {
    match taught {
        Taught::New => "new",
        Taught::Known => "known",
        Taught::Corrected => "corrected",
    }
}
