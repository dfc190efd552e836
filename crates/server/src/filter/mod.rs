//! What looking at mail needs: what was learned, and a number of places for it, so that no flood of mail takes all memory or keeps
//! sessions waiting (I30).

pub(crate) mod clamd;
pub(crate) mod rspamd;
mod senders;
pub(crate) mod spamassassin;

use crate::Services;
use arc_swap::ArcSwap;
use jiff::Timestamp;
use spam::document::Link;
use spam::link_list::LinkList;
use spam::verdict::{Learned, Reason};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::available_parallelism;
use tokio::sync::Semaphore;

/// A link to a page that a feed warns of makes junk alone.
const PHISHED: f32 = 9.0;

/// What all messages are looked at with.
pub struct Filter {
    /// What was learned.
    pub learned: Arc<dyn Learned>,
    /// Pages that feeds warn of (I23).
    pages: ArcSwap<Vec<(String, Arc<LinkList>)>>,
    /// The lists of senders in the settings.
    senders: senders::Compiled,
    /// One for each message that is looked at.
    places: Semaphore,
    /// Messages that traps teach: who knows a trap shall not decide what the filter thinks.
    of_traps: Allowance,
    /// Refusals that are remembered: a flood shall not fill the disk.
    of_refusals: Allowance,
}

/// So many in each span of time.
struct Allowance {
    /// In seconds.
    span: i64,
    most: u32,
    /// Spans since 1970, and how many there were in this one.
    count: Mutex<(i64, u32)>,
}

impl Allowance {
    fn new(span: i64, most: u32) -> Allowance {
        Allowance {
            span,
            most,
            count: Mutex::default(),
        }
    }

    /// Counts one; false if there were enough.
    fn takes(&self, now: Timestamp) -> bool {
        let span = now.as_second().div_euclid(self.span);
        let mut count = self.count.lock().unwrap_or_else(PoisonError::into_inner);
        if count.0 != span {
            *count = (span, 0);
        }
        count.1 = count.1.saturating_add(1);
        count.1 <= self.most
    }
}

impl Filter {
    /// With what was learned.
    pub(crate) fn of(learned: Arc<dyn Learned>) -> Filter {
        let places = available_parallelism().map_or(1, usize::from);
        Filter {
            learned,
            pages: ArcSwap::default(),
            senders: Default::default(),
            places: Semaphore::new(places),
            of_traps: Allowance::new(86_400, 300),
            of_refusals: Allowance::new(60, 300),
        }
    }

    /// Takes over what feeds warn of, by their names.
    pub(crate) fn warned_of(&self, pages: Vec<(String, Arc<LinkList>)>) {
        self.pages.store(Arc::new(pages));
    }

    /// I23: the first link to a page that a feed warns of.
    pub(crate) fn phished(&self, links: &[Link]) -> Option<Reason> {
        self.pages.load().iter().find_map(|(feed, pages)| {
            let link = links.iter().find(|link| pages.holds(link))?;
            let detail = format!("{} stands in {feed}", link.host().unwrap_or_default());
            Some(Reason::new("LINK_PHISHED", PHISHED, detail))
        })
    }

    /// Counts a message that a trap is to teach; false if there were enough today.
    pub(crate) fn takes_from_trap(&self, now: Timestamp) -> bool {
        self.of_traps.takes(now)
    }

    /// Counts a refusal that is to be remembered; false if there were enough in this minute.
    pub(crate) fn remembers_refusal(&self, now: Timestamp) -> bool {
        self.of_refusals.takes(now)
    }
}

/// A score of another filter on our scale: what it `required` is as much as `ours`, and it moves ours by `most` at most, so that it neither decides
/// alone what it would decide by force nor outweighs everything.
fn in_proportion(score: f32, required: f32, ours: f32, most: f32) -> f32 {
    let weight = match required > 0.0 {
        true => score * ours / required,
        false => score,
    };
    match weight.is_finite() {
        true => weight.clamp(-most, most),
        false => 0.0,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn allowances_are_for_a_span() {
        let allowance = Allowance::new(60, 2);
        let at = |second| Timestamp::from_second(second).unwrap();
        let taken = [0, 1, 59, 60, 61].map(|second| allowance.takes(at(second)));
        assert_eq!(taken, [true, true, false, true, true]);
    }
}
