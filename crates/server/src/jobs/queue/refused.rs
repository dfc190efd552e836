//! What follows from refusals that are known (U37): the provider gets no more mail for a while, if it would only refuse that too; and refusals that
//! repeat, and that the administrator can mend, become one letter with the way out (V8).

use super::lanes::Work;
use crate::Services;
use crate::journey::bounce::Letter;
use crate::journey::relay::{Attempt, Fate, Outcome, Speaker};
use ::queue::refusal::{self, Cause, Refusal};
use jiff::SignedDuration;
use std::collections::{BTreeSet, HashMap};
use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};
use store::refusal as kept;
use store::{Timestamp, Tx};

/// Refusals of a kind after which the administrator is told.
const REPEATED: u32 = 3;
/// Refusals are counted for so long, and nobody is told twice meanwhile.
const DAY: SignedDuration = SignedDuration::from_hours(24);
/// Kinds that are counted.
const KINDS: usize = 1000;
/// Domains that a letter names.
const DOMAINS: usize = 20;

/// Refusals of the last day, by who refused and why. What is counted is kept in the store with the outcomes that it counts.
#[derive(Default)]
pub struct Refusals(Mutex<HashMap<(&'static str, Cause), Seen>>);

struct Seen {
    since: Timestamp,
    count: u32,
    domains: BTreeSet<String>,
    told: bool,
}

/// What an attempt has taught, to be kept with its outcome.
#[derive(Clone, Debug, Default)]
pub(super) struct Learnt {
    pauses: Vec<kept::Pause>,
    counts: Vec<kept::Count>,
}

impl Learnt {
    pub(super) fn write(&self, tx: &mut Tx<'_>) -> store::Result<()> {
        for pause in &self.pauses {
            kept::pause(tx, pause)?;
        }
        self.counts
            .iter()
            .try_for_each(|count| kept::count(tx, count))
    }
}

/// What was learnt before the server was started.
pub(crate) async fn recall(services: &Services) -> store::Result<()> {
    let now = services.clock.now();
    let since = now.saturating_sub(DAY).unwrap_or(Timestamp::MIN);
    let read = move |tx: &mut Tx<'_>| Ok((kept::pauses(tx, now)?, kept::counts(tx, since)?));
    let (pauses, counts) = services.store.write(read).await?;
    services.routes.restore(pauses);
    services.refusals.restore(counts);
    Ok(())
}

/// A refusal that was counted.
#[derive(Debug)]
struct Counted {
    /// Of its kind, within a day.
    row: kept::Count,
    /// With this one, the administrator is to be told.
    tell: bool,
}

/// What a letter is about.
#[derive(Debug)]
struct Card {
    refusal: &'static Refusal,
    count: u32,
    domains: Vec<String>,
    host: String,
    words: String,
    paused_until: Option<Timestamp>,
}

/// Looks at what an attempt brought.
pub(super) async fn learn(services: &Services, work: &Work, attempt: &Attempt) -> Learnt {
    let (mut cards, mut learnt) = (Vec::new(), Learnt::default());
    for outcome in &attempt.outcomes {
        let refused = outcome.fate != Fate::Sent && outcome.said_by == Speaker::Remote;
        if let Some(remote) = outcome
            .remote
            .as_ref()
            .filter(|_| refused && asks_for_less(outcome))
        {
            let source = work.destination.route.source;
            services.governor.refused(&remote.host, source);
        }
        let Some(known) = refused.then(|| refusal::meaning(&outcome.words)).flatten() else {
            continue;
        };
        services.metrics.refused(known.cause.name());
        let pause = pause(services, work, known, outcome);
        let paused_until = pause.as_ref().map(|pause| pause.until);
        learnt.pauses.extend(pause);
        let domain = work.domain_of(outcome.recipient).unwrap_or_default();
        let Some(counted) = services.refusals.count(known, domain, services.clock.now()) else {
            continue;
        };
        learnt.counts.push(counted.row.clone());
        if counted.tell {
            cards.push(Card {
                refusal: known,
                count: counted.row.refusals,
                domains: counted.row.domains,
                host: outcome
                    .remote
                    .as_ref()
                    .map_or_else(String::new, |remote| remote.host.clone()),
                words: outcome.words.clone(),
                paused_until,
            });
        }
    }
    for card in cards {
        if let Err(why) = tell(services, &card).await {
            tracing::warn!(error = %why, provider = card.refusal.provider, "nobody could be told of repeated refusals");
        }
    }
    learnt
}

/// V9: 421 is said to a server that comes too often, and some say so in other words.
fn asks_for_less(outcome: &Outcome) -> bool {
    let known = refusal::meaning(&outcome.words).map(|known| known.cause);
    outcome.words.starts_with("421")
        || matches!(known, Some(Cause::RateLimited | Cause::PoorReputation))
}

fn pause(
    services: &Services,
    work: &Work,
    known: &Refusal,
    outcome: &Outcome,
) -> Option<kept::Pause> {
    let remote = outcome.remote.as_ref()?;
    let longest = services.config.load().relay.longest_pause;
    let pause = SignedDuration::try_from(known.cause.pause()?.min(longest)).ok()?;
    let until = services.clock.now().saturating_add(pause).ok()?;
    let source = work.destination.route.source;
    tracing::warn!(provider = known.provider, relay = remote.host, cause = known.cause.name(), until = %until, "mail to a provider waits: it would be refused");
    let routes = &services.routes;
    Some(routes.pause(&remote.host, source, until, &outcome.words))
}

impl Refusals {
    /// Counts a refusal, if its kind is counted.
    fn count(&self, known: &'static Refusal, domain: String, now: Timestamp) -> Option<Counted> {
        if !known.cause.concerns_admin() {
            return None;
        }
        let mut kinds = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kinds.retain(|_, seen| now.duration_since(seen.since) < DAY);
        if kinds.len() >= KINDS {
            return None;
        }
        let key = (known.provider, known.cause);
        let seen = kinds.entry(key).or_insert_with(|| Seen {
            since: now,
            count: 0,
            domains: BTreeSet::new(),
            told: false,
        });
        seen.count += 1;
        if seen.domains.len() < DOMAINS {
            seen.domains.insert(domain);
        }
        let tell = seen.count >= REPEATED && !seen.told;
        seen.told |= tell;
        let row = kept::Count {
            provider: known.provider.to_string(),
            cause: known.cause.name().to_string(),
            since: seen.since,
            refusals: seen.count,
            domains: seen.domains.iter().cloned().collect(),
            told: seen.told,
        };
        Some(Counted { row, tell })
    }

    /// Counts that were kept. A kind that this version does not know is not counted on.
    fn restore(&self, counts: Vec<kept::Count>) {
        let mut kinds = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for count in counts {
            let known = refusal::known()
                .find(|one| one.provider == count.provider && one.cause.name() == count.cause);
            let Some(known) = known else { continue };
            let seen = Seen {
                since: count.since,
                count: count.refusals,
                domains: count.domains.into_iter().collect(),
                told: count.told,
            };
            kinds.insert((known.provider, known.cause), seen);
        }
    }
}

async fn tell(services: &Services, card: &Card) -> store::Result<()> {
    let domains = card.domains.clone();
    let count = move |tx: &mut Tx<'_>| {
        let mut waiting = 0;
        for domain in &domains {
            waiting += store::queue::waiting_for(tx, domain)?;
        }
        Ok(waiting)
    };
    let waiting = services.store.read(count).await?;
    let postmaster = format!("postmaster@{}", services.config.load().domain);
    let letter = Letter {
        to: &postmaster,
        id: format!("refused.{}", card.refusal.id),
        subject: format!(
            "{} refuses our mail ({})",
            card.refusal.provider,
            card.refusal.cause.name()
        ),
        text: card.text(waiting),
    };
    let Some(prepared) = letter.prepare(services).await? else {
        return Ok(());
    };
    services.store.write(move |tx| prepared.write(tx)).await
}

impl Card {
    fn text(&self, waiting: u64) -> String {
        let (known, domains) = (self.refusal, self.domains.join(","));
        let mut text = format!(
            "{} has refused {} messages of this server within a day. The last words of {}:\n\n    {}\n\nWhat senders are told: {}\n\nWhat you can do: {}\n",
            known.provider,
            self.count,
            self.host,
            self.words,
            known.for_sender(self.domains.first().map_or("", String::as_str)),
            known.cause.for_admin()
        );
        if !known.link.is_empty() {
            let _ = writeln!(text, "    {}", known.link);
        }
        if let Some(until) = self.paused_until {
            let _ = write!(
                text,
                "\nUntil {}, no more mail goes there from this address, since it would be refused too. {waiting} recipients in the queue wait for it:\n    pennyblack queue list\n    pennyblack routes list\n",
                message::date::write(until)
            );
        }
        let _ = write!(
            text,
            "\nWhat waits can go by another server that you may send through, here a line LABEL of `relay.secrets`:\n"
        );
        for domain in &self.domains {
            let _ = writeln!(
                text,
                "    pennyblack queue reroute smtp+tls://LABEL@RELAY --domain {domain}"
            );
        }
        let _ = write!(
            text,
            "and all later mail too, with a line in the configuration:\n    relay.routes = [\"to {domains} via smtp+tls://LABEL@RELAY\"]\n\nWhen it is mended, mail goes at once with:\n    pennyblack routes resume --all\n\nThere is at most one such letter a day for a provider and cause.\n"
        );
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LISTED: &str = "554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using bl.spamcop.net; Blocked";

    /// V8: one letter for refusals that repeat, and not before a day has passed another.
    #[test]
    fn v8_repeated_refusals_are_one_letter() {
        let (mut refusals, known) = (Refusals::default(), refusal::meaning(LISTED).unwrap());
        let at = |hours: i64| Timestamp::from_second(1_800_000_000 + hours * 3600).unwrap();
        let mut letters = Vec::new();
        for n in 0..20 {
            let domain = format!("d{}.example", n % 2);
            let counted = refusals.count(known, domain, at(0)).unwrap();
            // A restart forgets nothing.
            refusals = Refusals::default();
            refusals.restore(vec![counted.row.clone()]);
            if counted.tell {
                letters.push((counted.row.refusals, counted.row.domains));
            }
        }
        assert_eq!(
            letters,
            [(3, vec!["d0.example".to_string(), "d1.example".into()])]
        );
        let again = (0..5)
            .filter_map(|_| refusals.count(known, "x".into(), at(25)))
            .filter(|counted| counted.tell);
        assert_eq!(again.count(), 1);
        let full =
            refusal::meaning("452-4.2.2 The recipient's inbox is out of storage space.").unwrap();
        assert!((0..9).all(|_| refusals.count(full, "x".into(), at(0)).is_none()));
    }

    #[test]
    fn v8_the_letter_says_the_way_out() {
        let card = Card {
            refusal: refusal::meaning(LISTED).unwrap(),
            count: 3,
            domains: vec!["there.example".into()],
            host: "mx.there.example".into(),
            words: LISTED.into(),
            paused_until: Some(Timestamp::from_second(1_800_000_000).unwrap()),
        };
        let text = card.text(7);
        for part in [
            "SpamCop has refused 3 messages",
            "7 recipients in the queue wait",
            "queue reroute smtp+tls://LABEL@RELAY --domain there.example",
            "https://www.spamcop.net/bl.shtml",
        ] {
            assert!(text.contains(part), "{part:?} in {text}");
        }
    }
}
