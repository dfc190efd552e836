//! What runs by itself: the queue runner, scripts on what happens over IMAP ([`events`]), and jobs at intervals ([`periodic`]).

mod acquaintance;
mod autoexpunge;
mod brake;
pub(crate) mod dane;
mod dmarc_report;
mod events;
mod gate;
mod history;
pub(crate) mod index;
mod learn;
pub(crate) mod periodic;
mod pickup;
mod queue;
mod quota;
mod recent;
mod rejections;
mod removed;
mod report_mail;
mod scripts;
mod signing;
mod sweep;
pub(crate) mod tls_report;

use crate::Services;
use std::sync::Arc;
use tokio::task::JoinHandle;

pub use periodic::{Jobs, Run, State};
pub(crate) use queue::Seat;
pub(crate) use queue::recall_refusals;
pub use queue::{Express, InFlight, Refusals};

/// Starts all jobs. They end when `services.shutdown` is cancelled.
pub(crate) fn start(services: &Arc<Services>) -> Vec<JoinHandle<()>> {
    let periodic = at_intervals()
        .into_iter()
        .map(|job| periodic::start(services, job));
    let mut tasks: Vec<_> = periodic.collect();
    tasks.push(tokio::spawn(queue::run(services.clone())));
    tasks.push(tokio::spawn(events::run(services.clone())));
    tasks.push(tokio::spawn(learn::watch(services.clone())));
    tasks
}

/// The jobs that run at intervals. A new one is a function in the file of its subject, and a line here.
fn at_intervals() -> Vec<periodic::Job> {
    vec![
        sweep::job(),
        history::job(),
        pickup::job(),
        autoexpunge::job(),
        quota::job(),
        removed::job(),
        index::job(),
        recent::job(),
        brake::letters(),
        brake::correspondents(),
        learn::job(),
        acquaintance::expiry(),
        rejections::expiry(),
        rejections::expiry_of_copies(),
        gate::expiry(),
        gate::shared(),
        gate::lists(),
        gate::dns_lists(),
        scripts::job(),
        signing::job(),
        dane::job(),
        tls_report::collect(),
        tls_report::send(),
        dmarc_report::collect(),
        dmarc_report::send(),
        dmarc_report::expire(),
    ]
}
