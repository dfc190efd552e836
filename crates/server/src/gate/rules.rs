//! The settings of the gate, compiled. The settings were checked when they were read, so what does not compile is left out.

use crate::config::{GateSettings, NameCheck};
use jiff::SignedDuration;
use spam::gate::client_name::DynamicNames;
use spam::gate::dns_list::{self, DnsList};
use spam::gate::greylist::Times;
use spam::gate::network::{AddressSet, Range};
use spam::gate::sender_score::Thresholds;

/// What sessions ask.
pub(super) struct Rules {
    /// Never blocked, never asked to come again (J10).
    pub(super) never: AddressSet,
    /// Servers of ours (A17); they are in `never` too.
    pub(super) relays: AddressSet,
    /// Addresses of ours with a low preference (J16).
    pub(super) low_mx: AddressSet,
    /// J3
    pub(super) dynamic: DynamicNames,
    pub(super) dns_lists: Vec<DnsList>,
    /// The zone, and what its scores lead to (J4).
    pub(super) score: Option<(String, Thresholds)>,
    pub(super) times: Times,
    /// Whether a client is judged before it is greeted, because the judgement may be that it is not.
    pub(super) before_greeting: bool,
}

impl Rules {
    pub(super) fn of(settings: &GateSettings) -> Rules {
        let refuses = |check: &NameCheck| *check == NameCheck::Refuse;
        let names = [
            &settings.no_name,
            &settings.unconfirmed_name,
            &settings.dynamic_name,
        ];
        let score = score(settings);
        let blocks = score.as_ref().is_some_and(|(_, t)| t.block_below > 0);
        Rules {
            never: ranges(settings.never.iter().chain(&settings.relays)),
            relays: ranges(settings.relays.iter()),
            low_mx: ranges(settings.low_mx.iter()),
            dynamic: DynamicNames::new(&settings.dynamic_patterns)
                .unwrap_or_else(|_| DynamicNames::none()),
            dns_lists: dns_lists(settings),
            times: times(settings),
            before_greeting: names.into_iter().any(refuses) || blocks,
            score,
        }
    }
}

fn ranges<'a>(texts: impl Iterator<Item = &'a String>) -> AddressSet {
    texts.filter_map(|text| Range::parse(text).ok()).collect()
}

pub(crate) fn times(settings: &GateSettings) -> Times {
    let signed = |time| SignedDuration::try_from(time).unwrap_or(SignedDuration::MAX);
    Times {
        pass: signed(settings.pass_after),
        grey: signed(settings.grey_for),
        white: signed(settings.white_for),
        trapped: signed(settings.trapped_for),
    }
}

/// I22: none where outsiders are not asked.
fn dns_lists(settings: &GateSettings) -> Vec<DnsList> {
    let lists = settings.dns_lists.iter();
    match settings.ask_others {
        true => lists
            .filter_map(|text| dns_list::parse(text).ok())
            .collect(),
        false => Vec::new(),
    }
}

fn score(settings: &GateSettings) -> Option<(String, Thresholds)> {
    let zone = settings.score_zone.clone()?;
    let percent = |count: u32| u8::try_from(count).unwrap_or(u8::MAX);
    settings.ask_others.then(|| {
        let thresholds = Thresholds {
            block_below: percent(settings.score_block_below),
            junk_below: percent(settings.score_junk_below),
            slow_factor: settings.score_slow_factor,
        };
        (zone, thresholds)
    })
}
