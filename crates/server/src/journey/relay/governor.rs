//! The governor of a new address (V9): how many messages each provider has had today, so that it never gets more than it may. Counts are kept in the
//! store with the outcomes that they count; what may be sent is decided in [`queue::ramp`].

use super::routes::provider;
use crate::Services;
use crate::config::{Config, Sources};
use crate::journey::relay::RouteView;
use ::queue::ramp::{self, Plan};
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use store::ramp::Ramp;
use store::{Timestamp, Tx};

/// A provider, and the addresses that it is sent to from.
type Pair = (String, String);

/// What providers have had today.
#[derive(Default)]
pub struct Governor(Mutex<HashMap<Pair, Ramp>>);

/// A row as it is to be kept.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pair: Pair,
    ramp: Ramp,
}

impl Row {
    pub(crate) fn write(&self, tx: &mut Tx<'_>) -> store::Result<()> {
        store::ramp::put(tx, &self.pair.0, &self.pair.1, &self.ramp)
    }
}

/// A message that a provider may have; counted until it is given back.
#[derive(Debug)]
pub(super) struct Place(Pair);

impl Governor {
    fn pairs(&self) -> MutexGuard<'_, HashMap<Pair, Ramp>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for one more message to the provider of this host, or why there is none today. `Ok(None)`: there are no ceilings.
    pub(super) async fn place(
        &self,
        services: &Services,
        host: &str,
        from: Sources,
    ) -> Result<Option<Place>, String> {
        let config = services.config.load();
        if !config.relay.ramp_up {
            return Ok(None);
        }
        let (plan, pair, now) = (plan(&config), pair(host, from), services.clock.now());
        self.load(services, &pair)
            .await
            .map_err(|why| why.to_string())?;
        let mut pairs = self.pairs();
        let ramp = pairs.entry(pair.clone()).or_default();
        *ramp = ramp::on(*ramp, day(now));
        if !plan.has_room(ramp) {
            return Err(full(&pair.0, &plan, ramp));
        }
        ramp.sent = ramp.sent.saturating_add(1);
        Ok(Some(Place(pair)))
    }

    /// From the store, at first.
    async fn load(&self, services: &Services, pair: &Pair) -> store::Result<()> {
        if self.pairs().contains_key(pair) {
            return Ok(());
        }
        let asked = pair.clone();
        let read = services
            .store
            .read(move |tx| store::ramp::of(tx, &asked.0, &asked.1));
        let known = read.await?.unwrap_or_default();
        self.pairs().entry(pair.clone()).or_insert(known);
        Ok(())
    }

    /// The message did not go.
    pub(super) fn give_back(&self, place: Option<Place>) {
        if let Some(Place(pair)) = place
            && let Some(ramp) = self.pairs().get_mut(&pair)
        {
            ramp.sent = ramp.sent.saturating_sub(1);
        }
    }

    /// The provider of this host asks for less.
    pub(crate) fn refused(&self, host: &str, from: Sources) {
        if let Some(ramp) = self.pairs().get_mut(&pair(host, from)) {
            *ramp = ramp::refused(*ramp);
        }
    }

    /// What is to be kept of the provider of this host, if it has a ceiling.
    pub(crate) fn row(&self, host: &str, from: Sources) -> Option<Row> {
        let pair = pair(host, from);
        let ramp = *self.pairs().get(&pair)?;
        Some(Row { pair, ramp })
    }

    /// How far each is, for `routes list`.
    pub(crate) fn views(&self, config: &Config, now: Timestamp) -> Vec<RouteView> {
        if !config.relay.ramp_up {
            return Vec::new();
        }
        let plan = plan(config);
        let pairs = self.pairs();
        let ramps = pairs
            .iter()
            .map(|(pair, ramp)| (pair, ramp::on(*ramp, day(now))));
        let mut views: Vec<RouteView> = ramps
            .filter(|(_, ramp)| plan.ceiling(ramp).is_some())
            .map(|((provider, _), ramp)| RouteView {
                id: provider.clone(),
                host: provider.clone(),
                connections: 0,
                failures: ramp.refused,
                flags: "R".into(),
                until: None,
                words: progress(&plan, &ramp),
            })
            .collect();
        views.sort_by(|a, b| a.id.cmp(&b.id));
        views
    }
}

fn plan(config: &Config) -> Plan {
    Plan {
        first: config.relay.ramp_up_first,
        days: config.relay.ramp_up_days,
    }
}

fn pair(host: &str, from: Sources) -> Pair {
    (provider(host), from.to_string())
}

fn day(now: Timestamp) -> i64 {
    now.as_second().div_euclid(86_400)
}

fn progress(plan: &Plan, ramp: &Ramp) -> String {
    let most = plan.ceiling(ramp).unwrap_or(u32::MAX);
    format!(
        "{} of {most} messages today, day {} of {}",
        ramp.sent,
        ramp.level + 1,
        plan.days
    )
}

fn full(provider: &str, plan: &Plan, ramp: &Ramp) -> String {
    format!(
        "{provider} has got what a new address may send it in a day ({}); the rest waits for tomorrow",
        progress(plan, ramp)
    )
}
