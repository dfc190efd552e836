//! What is too much for an account: limits per hour and day (U7), and what is unusual for this account (V10).
//!
//! Hours and days are the last hour and the last 24 hours, counted in slots of ten minutes. What is usual is learned from the busiest of the
//! last four weeks' days; while little is known of an account, more is allowed.

use crate::countries::Country;
use jiff::SignedDuration;
use std::fmt;
use std::net::IpAddr;
use store::Timestamp;
use store::sending::{Day, Place, Slot, Tally, Usage};

const SLOT: i64 = 600;
const SLOTS_IN_HOUR: i64 = 6;
const SLOTS_IN_DAY: i64 = 144;
const SECONDS_IN_DAY: i64 = 86_400;
/// Days that tell what is usual.
const DAYS_KEPT: i64 = 28;
/// Days with mail before which an account counts as new.
const DAYS_UNTIL_KNOWN: usize = 5;
/// Places of an account that are remembered, and for how many days.
const PLACES: usize = 64;
const DAYS_A_PLACE_IS_KNOWN: i64 = 180;
/// Places that a letter names.
const PLACES_NAMED: usize = 8;
/// How much more a new account may send before that is unusual.
const NEW_ACCOUNT: u32 = 3;

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// Messages.
    Messages,
    /// Recipients.
    Recipients,
    /// Recipients elsewhere that the account had never sent to.
    Strangers,
}

impl What {
    const ALL: [What; 3] = [What::Messages, What::Recipients, What::Strangers];

    fn of(self, usage: Usage) -> u32 {
        match self {
            What::Messages => usage.messages,
            What::Recipients => usage.recipients,
            What::Strangers => usage.strangers,
        }
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            What::Messages => "messages",
            What::Recipients => "recipients",
            What::Strangers => "recipients you had never written to",
        })
    }
}

/// A while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Span {
    /// The last hour.
    Hour,
    /// The last 24 hours.
    Day,
}

impl Span {
    fn slots(self) -> i64 {
        match self {
            Span::Hour => SLOTS_IN_HOUR,
            Span::Day => SLOTS_IN_DAY,
        }
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Span::Hour => "hour",
            Span::Day => "day",
        })
    }
}

/// The most that may be sent. 0 is no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// In an hour.
    pub hour: Usage,
    /// In a day.
    pub day: Usage,
}

/// When more than usual is too much.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Habit {
    /// So much is never unusual.
    pub floor: Usage,
    /// So many times what is usual.
    pub factor: u32,
}

/// A limit that would be crossed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Excess {
    /// Of what.
    pub what: What,
    /// In which time.
    pub span: Span,
    /// The most.
    pub limit: u32,
    /// When as much may be sent again; `None`: never, since it is more than the limit by itself.
    pub until: Option<Timestamp>,
}

/// What was unusual.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unusual {
    /// Of what there was much.
    pub what: What,
    /// In which time.
    pub span: Span,
    /// How much.
    pub count: u32,
    /// How much there was on the busiest day, or in the busiest hour, of the last weeks.
    pub usual: u32,
}

impl fmt::Display for Unusual {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.what {
            What::Messages => "messages",
            What::Recipients => "recipients",
            What::Strangers => "recipients that it had never written to",
        };
        write!(
            f,
            "{} {what} within a {}, where {} were the most in the last four weeks",
            self.count, self.span, self.usual
        )
    }
}

/// Where a message comes from, as far as that tells who sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// A neighbourhood large enough for a telephone that is given another address every day.
    network: String,
    /// By the list of the operator.
    country: Option<Country>,
}

impl Origin {
    /// Of a client.
    pub fn of(address: IpAddr, country: Option<Country>) -> Origin {
        let network = match address.to_canonical() {
            IpAddr::V4(address) => {
                let [a, b, ..] = address.octets();
                format!("{a}.{b}.0.0/16")
            }
            IpAddr::V6(address) => {
                let [a, b, ..] = address.segments();
                format!("{a:x}:{b:x}::/32")
            }
        };
        Origin { network, country }
    }

    /// The most specific last.
    fn names(&self) -> impl Iterator<Item = (Kind, String)> {
        let country = self
            .country
            .map(|country| (Kind::Country, country.to_string()));
        country
            .into_iter()
            .chain([(Kind::Network, self.network.clone())])
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Country,
    Network,
}

impl Kind {
    /// Countries have two letters, networks a length.
    fn of(place: &Place) -> Kind {
        match place.name.contains('/') {
            true => Kind::Network,
            false => Kind::Country,
        }
    }
}

/// Recipients elsewhere that an account may write to from where it was never used before. 0: as many as from anywhere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Abroad {
    /// From new networks.
    pub network: u32,
    /// From new countries.
    pub country: u32,
}

/// Mail from where an account was never used before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Strange {
    kind: Kind,
    place: String,
    count: u32,
    known: Vec<String>,
}

impl fmt::Display for Strange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, most) = match self.kind {
            Kind::Country => ("countries", "country"),
            Kind::Network => ("networks", "network"),
        };
        write!(
            f,
            "{} recipients were written to from {kind} where the account was never used before, the last from the {most} {}",
            self.count, self.place
        )?;
        match self.known.is_empty() {
            true => Ok(()),
            false => write!(f, "; it is known from {}", self.known.join(", ")),
        }
    }
}

/// Whether that is too much from where the account was never used before (V10). Of an account that is new here nobody knows where it is used.
pub fn strange(
    (tally, places): (&Tally, &[Place]),
    limits: &Abroad,
    origin: &Origin,
    recipients: u32,
    now: Timestamp,
) -> Option<Strange> {
    let today = day_of(now);
    let days = tally.days.iter().filter(|day| day.number < today - 1);
    if recipients == 0 || days.count() < DAYS_UNTIL_KNOWN {
        return None;
    }
    origin.names().find_map(|(kind, place)| {
        let limit = match kind {
            Kind::Country => limits.country,
            Kind::Network => limits.network,
        };
        let of_kind = || places.iter().filter(|one| Kind::of(one) == kind);
        let known = || of_kind().filter(|one| is_known(one, today));
        // Where no place is known yet there is no habit: the list of countries was set today, or the server is older than this.
        if limit == 0 || known().any(|one| one.name == place) || known().next().is_none() {
            return None;
        }
        let fresh = of_kind().filter(|one| !is_known(one, today));
        let count = fresh.fold(recipients, |sum, one| sum.saturating_add(one.recipients));
        (count > limit).then(|| Strange {
            kind,
            place,
            count,
            known: known()
                .map(|one| one.name.clone())
                .take(PLACES_NAMED)
                .collect(),
        })
    })
}

/// Not since yesterday: who goes slowly must not make a habit of it meanwhile.
fn is_known(place: &Place, today: i64) -> bool {
    place.first < today - 1
}

/// The account is used from there, and writes to so many elsewhere.
pub fn visit(places: &mut Vec<Place>, origin: &Origin, recipients: u32, now: Timestamp) {
    let today = day_of(now);
    for (_, name) in origin.names() {
        match places.iter_mut().find(|one| one.name == name) {
            Some(place) => {
                place.last = place.last.max(today);
                if !is_known(place, today) {
                    place.recipients = place.recipients.saturating_add(recipients);
                }
            }
            None => places.push(Place {
                name,
                first: today,
                last: today,
                recipients,
            }),
        }
    }
    places.retain(|one| one.last >= today - DAYS_A_PLACE_IS_KNOWN);
    while places.len() > PLACES {
        // The one that was used longest ago; of those of today the newest, so that nobody drives the known ones out.
        let oldest =
            (0..places.len()).min_by_key(|n| (places[*n].last, is_known(&places[*n], today)));
        if let Some(oldest) = oldest {
            places.remove(oldest);
        }
    }
}

/// Where the account was used so far is all right.
pub fn approve_places(places: &mut [Place]) {
    for place in places {
        place.first = 0;
        place.recipients = 0;
    }
}

/// The limit that this would cross, if there is one.
pub fn excess(tally: &Tally, limits: &Limits, new: Usage, now: Timestamp) -> Option<Excess> {
    let spans = [(Span::Hour, limits.hour), (Span::Day, limits.day)];
    spans.into_iter().find_map(|(span, most)| {
        What::ALL.into_iter().find_map(|what| {
            let (limit, added) = (what.of(most), what.of(new));
            let sent = what.of(sent_in(tally, span, i64::MIN, now));
            let crossed = limit > 0 && added > 0 && sent.saturating_add(added) > limit;
            crossed.then(|| Excess {
                what,
                span,
                limit,
                until: free_at(tally, what, span, limit, added),
            })
        })
    })
}

/// When so much more fits again.
fn free_at(tally: &Tally, what: What, span: Span, limit: u32, added: u32) -> Option<Timestamp> {
    let room = limit.checked_sub(added)?;
    let mut left: u32 = 0;
    // From the newest slot back, as many as fit; the slot before these has to pass.
    let blocking = tally.slots.iter().rev().find(|slot| {
        left = left.saturating_add(what.of(slot.usage));
        left > room
    })?;
    Timestamp::from_second((blocking.number + span.slots() + 1) * SLOT).ok()
}

/// What would be unusual about this, if anything would.
pub fn unusual(tally: &Tally, habit: &Habit, new: Usage, now: Timestamp) -> Option<Unusual> {
    let today = day_of(now);
    // Not of the last 24 hours: who goes slowly must not make a habit of it meanwhile.
    let before = tally.days.iter().filter(|day| day.number < today - 1);
    let is_new = before.clone().count() < DAYS_UNTIL_KNOWN;
    let approved = tally.approved.unwrap_or(i64::MIN);
    let usual = |span: Span, what: What| {
        let of = |day: &Day| match span {
            Span::Hour => what.of(day.peak),
            Span::Day => what.of(day.total),
        };
        before.clone().map(of).max().unwrap_or(0)
    };
    [Span::Day, Span::Hour].into_iter().find_map(|span| {
        let sent = sent_in(tally, span, approved, now);
        What::ALL.into_iter().find_map(|what| {
            let usual = usual(span, what);
            let floor = match is_new {
                true => what.of(habit.floor).saturating_mul(NEW_ACCOUNT),
                false => what.of(habit.floor),
            };
            let most = floor.max(usual.saturating_mul(habit.factor));
            let count = what.of(sent).saturating_add(what.of(new));
            (what.of(new) > 0 && count > most).then_some(Unusual {
                what,
                span,
                count,
                usual,
            })
        })
    })
}

/// Counts what was sent, and forgets what is too old to matter.
pub fn add(tally: &mut Tally, new: Usage, now: Timestamp) {
    let (slot, today) = (slot_of(now), day_of(now));
    match tally.slots.last_mut() {
        // A clock may be put back: slots stay in order.
        Some(last) if last.number >= slot => last.usage = plus(last.usage, new),
        _ => tally.slots.push(Slot {
            number: slot,
            usage: new,
        }),
    }
    tally.slots.retain(|one| one.number >= slot - SLOTS_IN_DAY);
    let hour = sent_in(tally, Span::Hour, i64::MIN, now);
    match tally.days.last_mut() {
        Some(last) if last.number >= today => {
            last.total = plus(last.total, new);
            last.peak = most(last.peak, hour);
        }
        _ => tally.days.push(Day {
            number: today,
            total: new,
            peak: hour,
        }),
    }
    tally.days.retain(|day| day.number >= today - DAYS_KEPT);
}

/// What was sent so far is no reason to hold mail any more.
pub fn approve(tally: &mut Tally, now: Timestamp) {
    tally.approved = Some(slot_of(now));
}

/// How much was sent in the last hour or day.
pub fn sent(tally: &Tally, span: Span, now: Timestamp) -> Usage {
    sent_in(tally, span, i64::MIN, now)
}

fn sent_in(tally: &Tally, span: Span, after: i64, now: Timestamp) -> Usage {
    let from = slot_of(now) - span.slots();
    let counted = tally
        .slots
        .iter()
        .filter(|slot| slot.number >= from && slot.number > after);
    counted.fold(Usage::default(), |sum, slot| plus(sum, slot.usage))
}

/// How long it is until `until`, in words: `in 23 minutes`.
pub fn wait(until: Timestamp, now: Timestamp) -> String {
    let left = until.duration_since(now).max(SignedDuration::from_secs(60));
    let minutes = (left.as_secs() + 59) / 60;
    match minutes {
        1 => "in a minute".into(),
        2..=119 => format!("in {minutes} minutes"),
        _ => format!("in {} hours", (minutes + 59) / 60),
    }
}

fn slot_of(now: Timestamp) -> i64 {
    now.as_second().div_euclid(SLOT)
}

fn day_of(now: Timestamp) -> i64 {
    now.as_second().div_euclid(SECONDS_IN_DAY)
}

fn plus(a: Usage, b: Usage) -> Usage {
    Usage {
        messages: a.messages.saturating_add(b.messages),
        recipients: a.recipients.saturating_add(b.recipients),
        strangers: a.strangers.saturating_add(b.strangers),
    }
}

fn most(a: Usage, b: Usage) -> Usage {
    Usage {
        messages: a.messages.max(b.messages),
        recipients: a.recipients.max(b.recipients),
        strangers: a.strangers.max(b.strangers),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HABIT: Habit = Habit {
        floor: Usage {
            messages: 40,
            recipients: 120,
            strangers: 40,
        },
        factor: 3,
    };

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).unwrap()
    }

    fn one(recipients: u32, strangers: u32) -> Usage {
        Usage {
            messages: 1,
            recipients,
            strangers,
        }
    }

    /// Three weeks of so many messages a day, one every twenty minutes; ends a day after the last.
    fn history(a_day: u32) -> (Tally, i64) {
        let mut tally = Tally::default();
        for day in 0..21 {
            for n in 0..i64::from(a_day) {
                add(&mut tally, one(2, 0), at(day * SECONDS_IN_DAY + n * 1200));
            }
        }
        (tally, 21 * SECONDS_IN_DAY)
    }

    /// How many messages leave before the first one is held.
    fn until_held(mut tally: Tally, start: i64, message: Usage, every: i64) -> u32 {
        for sent in 0..10_000 {
            let now = at(start + i64::from(sent) * every);
            if unusual(&tally, &HABIT, message, now).is_some() {
                return sent;
            }
            add(&mut tally, message, now);
        }
        10_000
    }

    /// U7: each limit counts what it says, and says when there is room again.
    #[test]
    fn u7_limits_by_hour_and_day() {
        let limits = Limits {
            hour: Usage {
                messages: 3,
                ..Usage::default()
            },
            day: Usage {
                messages: 0,
                recipients: 20,
                strangers: 2,
            },
        };
        let mut tally = Tally::default();
        let start = 1_800_000_000 / SLOT * SLOT;
        for n in 0..3 {
            let now = Timestamp::from_second(start + n * 600).unwrap();
            assert_eq!(excess(&tally, &limits, one(2, 0), now), None);
            add(&mut tally, one(2, 0), now);
        }
        let now = Timestamp::from_second(start + 1800).unwrap();
        let found = excess(&tally, &limits, one(2, 0), now).unwrap();
        assert_eq!(
            (found.what, found.span, found.limit),
            (What::Messages, Span::Hour, 3)
        );
        let until = found.until.unwrap();
        assert_eq!(until.as_second(), start + 4200);
        assert_eq!(wait(until, now), "in 40 minutes");
        assert_eq!(excess(&tally, &limits, one(2, 0), until), None);

        let found = excess(&tally, &limits, one(15, 0), until).unwrap();
        assert_eq!((found.what, found.span), (What::Recipients, Span::Day));
        let found = excess(&tally, &limits, one(3, 3), until).unwrap();
        assert_eq!((found.what, found.until), (What::Strangers, None));
    }

    /// V10: a hijacked account gets fewer than 50 messages out, whether it writes to strangers or to those it knows, fast or slowly.
    #[test]
    fn v10_a_hijacked_account_is_held_before_fifty_messages() {
        for every in [1, 60, 600, 1700] {
            for message in [one(1, 1), one(1, 0), one(10, 10)] {
                let (tally, start) = history(10);
                let out = until_held(tally, start, message, every) * message.recipients;
                assert!(
                    (1..50).contains(&out),
                    "{out} with {message:?} every {every} s"
                );
            }
        }
    }

    /// Who always sends much is not held for it, nor for somewhat more.
    #[test]
    fn v10_usual_mail_is_not_held() {
        let (tally, start) = history(60);
        assert!(until_held(tally.clone(), start, one(1, 0), 500) > 150);
        let (quiet, start) = history(5);
        assert_eq!(until_held(quiet, start + SECONDS_IN_DAY, one(1, 1), 60), 40);
        assert_eq!(
            until_held(Tally::default(), 0, one(1, 1), 60),
            120,
            "an account that is new here"
        );
    }

    /// After an administrator has seen it, the account begins anew, and its new habit is learned.
    #[test]
    fn v10_approved() {
        let (mut tally, start) = history(10);
        for n in 0..40 {
            add(&mut tally, one(1, 1), at(start + n));
        }
        let now = at(start + 50);
        assert!(unusual(&tally, &HABIT, one(1, 1), now).is_some());
        approve(&mut tally, now);
        assert_eq!(unusual(&tally, &HABIT, one(1, 1), now), None);
        assert_eq!(
            until_held(tally, start + 2 * SECONDS_IN_DAY, one(1, 1), 60),
            120
        );
    }

    fn origin(address: &str, country: &str) -> Origin {
        let list = format!("0.0.0.0/0,{country}");
        let countries = crate::countries::Countries::parse(&list).unwrap();
        let address = address.parse().unwrap();
        Origin::of(address, countries.of(address))
    }

    /// How many recipients a thief from there reaches of an account that sends so much a day at home, a message every so many seconds.
    fn abroad(a_day: u32, thief: &[Origin], every: i64) -> u32 {
        let limits = Abroad {
            network: 40,
            country: 10,
        };
        let (mut tally, start) = history(a_day);
        let mut places = Vec::new();
        let home = origin("192.0.2.1", "AT");
        for day in 0..21 {
            visit(&mut places, &home, 5, at(day * SECONDS_IN_DAY));
        }
        for (sent, from) in (0..1000).zip(thief.iter().cycle()) {
            let now = at(start + i64::from(sent) * every);
            let stopped = strange((&tally, &places), &limits, from, 1, now).is_some()
                || unusual(&tally, &HABIT, one(1, 1), now).is_some();
            if stopped {
                return sent;
            }
            add(&mut tally, one(1, 1), now);
            visit(&mut places, from, 1, now);
        }
        1000
    }

    /// V10: even of an account that sends much, and with a new network for each message, a thief gets few messages out.
    #[test]
    fn v10_a_thief_elsewhere_gets_little_out() {
        let foreign = [origin("198.51.100.7", "AU")];
        let near = [origin("198.51.100.7", "AT")];
        let proxies: Vec<Origin> = (1..200)
            .map(|n| origin(&format!("100.{n}.0.1"), "AT"))
            .collect();
        for every in [1, 60, 600] {
            for a_day in [5, 70] {
                assert_eq!(abroad(a_day, &foreign, every), 10);
                let out = abroad(a_day, &near, every);
                assert!((20..50).contains(&out), "{out}");
                let out = abroad(a_day, &proxies, every);
                assert!((20..50).contains(&out), "{out}");
            }
        }
    }

    /// V10: who travels may write; what was approved is known, and so is a place after two days.
    #[test]
    fn v10_places_become_known() {
        let limits = Abroad {
            network: 40,
            country: 10,
        };
        let (tally, start) = history(10);
        let (home, away) = (origin("192.0.2.1", "AT"), origin("198.51.100.7", "IT"));
        let mut places = Vec::new();
        visit(&mut places, &home, 1, at(0));
        let now = at(start);
        let held = |places: &[Place], n, now| strange((&tally, places), &limits, &away, n, now);
        assert_eq!(held(&places, 10, now), None);
        let found = held(&places, 11, now).unwrap().to_string();
        assert_eq!(
            found,
            "11 recipients were written to from countries where the account was never used before, the last from the country IT; it is known from AT"
        );
        visit(&mut places, &away, 5, now);
        assert!(held(&places, 6, at(start + SECONDS_IN_DAY)).is_some());
        assert_eq!(held(&places, 60, at(start + 2 * SECONDS_IN_DAY)), None);
        approve_places(&mut places);
        assert_eq!(held(&places, 60, now), None);
        // Without a habit nothing is strange.
        assert_eq!(held(&[], 60, now), None);
        assert_eq!(
            strange((&Tally::default(), &places), &limits, &away, 60, now),
            None
        );
    }

    #[test]
    fn places_are_bounded_and_the_known_stay() {
        let mut places = Vec::new();
        visit(&mut places, &origin("192.0.2.1", "AT"), 1, at(0));
        let later = at(3 * SECONDS_IN_DAY);
        visit(&mut places, &origin("192.0.2.1", "AT"), 1, later);
        for n in 0..200 {
            visit(
                &mut places,
                &origin(&format!("100.{n}.0.1"), "AT"),
                1,
                later,
            );
        }
        assert_eq!(places.len(), PLACES);
        assert!(places.iter().any(|one| one.name == "192.0.0.0/16"));
    }

    #[test]
    fn counts_are_bounded() {
        let mut tally = Tally::default();
        for n in 0..20_000 {
            add(&mut tally, one(1, 1), at(n * 601));
        }
        assert!(tally.slots.len() <= 145 && tally.days.len() <= 29);
        assert_eq!(
            sent(&tally, Span::Day, at(20_000 * 601 + SECONDS_IN_DAY * 2)),
            Usage::default()
        );
    }
}
