//! What looking at mail needs: what was learned, and a number of places for it, so that no flood of mail takes all memory or keeps
//! sessions waiting (I30).

pub(crate) mod clamd;
pub(crate) mod rspamd;
mod senders;

use crate::Services;
use spam::verdict::Learned;
use std::sync::Arc;
use std::thread::available_parallelism;
use tokio::sync::Semaphore;

/// What all messages are looked at with.
pub struct Filter {
    /// What was learned.
    pub learned: Arc<dyn Learned>,
    /// The lists of senders in the settings.
    senders: senders::Compiled,
    /// One for each message that is looked at.
    places: Semaphore,
}

impl Filter {
    /// With what was learned.
    pub(crate) fn of(learned: Arc<dyn Learned>) -> Filter {
        let places = available_parallelism().map_or(1, usize::from);
        Filter {
            learned,
            senders: Default::default(),
            places: Semaphore::new(places),
        }
    }
}

/// A whole message, for programs that look at it besides: its header section, then its body.
pub(crate) struct Octets<'a> {
    section: Option<&'a [u8]>,
    body: store::body::SoFar<'a>,
}

impl<'a> Octets<'a> {
    pub(crate) fn of(
        section: &'a [u8],
        body: &'a store::body::Staging,
    ) -> store::Result<Octets<'a>> {
        Ok(Octets {
            section: Some(section),
            body: body.so_far()?,
        })
    }

    /// The next octets, or `None` at the end.
    pub(crate) async fn next(&mut self) -> std::io::Result<Option<Vec<u8>>> {
        match self.section.take() {
            Some(section) => Ok(Some(section.to_vec())),
            None => self.body.next().await.map_err(std::io::Error::other),
        }
    }
}

/// Runs a look on a thread that may compute, once there is a place. `Err`: it has failed, and why.
pub(crate) async fn run<T: Send + 'static>(
    services: Arc<Services>,
    look: impl FnOnce(&Filter) -> T + Send + 'static,
) -> Result<T, String> {
    // Nobody closes it.
    let place = services.filter.places.acquire().await;
    let _place = place.map_err(|why| why.to_string())?;
    let working = services.clone();
    let span = tracing::Span::current();
    let task = tokio::task::spawn_blocking(move || span.in_scope(|| look(&working.filter)));
    task.await
        .map_err(|why| format!("looking at a message has failed: {why}"))
}
