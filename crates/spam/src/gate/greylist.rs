//! Greylisting: a stranger is asked to come again, and who does is let in (J5–J12, after OpenBSD's spamd).
//!
//! A message has *tuples*: who delivers, from whom, to whom. The first time a tuple is seen it is *grey*: 451. When it is seen again
//! after [`Times::pass`] and within [`Times::grey`], who delivers becomes *white* for [`Times::white`], and each message renews that.
//!
//! Who delivers is not one address. Large providers retry from another one each time, so a tuple is kept under everything that
//! stands for the sender ([`Who`]): the domain that SPF or DKIM proved, and the network; whichever is met again counts (J7). The
//! classic form, the address alone, is there for those who want spamd's.
//!
//! This file decides; it keeps nothing. [`decide`] is given what is known and says what is to be written.

use super::network::Network;
use jiff::{SignedDuration, Timestamp};
use std::fmt;
use std::net::IpAddr;

/// The times of the life of a tuple; spamd's `-G passtime:greyexp:whiteexp`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times {
    /// A retry counts after so long.
    pub pass: SignedDuration,
    /// A tuple that is not tried again is forgotten after so long.
    pub grey: SignedDuration,
    /// Who came again is white for so long after each message.
    pub white: SignedDuration,
    /// Who wrote to a trap is black for so long (J15).
    pub trapped: SignedDuration,
}

impl Times {
    /// spamd's: 25 minutes, 4 hours, 36 days; traps hold for a day.
    pub const CLASSIC: Times = Times {
        pass: SignedDuration::from_mins(25),
        grey: SignedDuration::from_hours(4),
        white: SignedDuration::from_hours(864),
        trapped: SignedDuration::from_hours(24),
    };
}

/// What a sender is met again by. Its text form is its key in the store.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Who {
    /// One host: an IPv4 address, or an IPv6 /64 (J28).
    Host(Network),
    /// Its neighbourhood: a /24, or a /64.
    Network(Network),
    /// The domain for which SPF or DKIM passed, lower-case.
    Domain(String),
}

impl Who {
    /// spamd's: the host alone.
    pub fn classic(address: IpAddr) -> Vec<Who> {
        vec![Who::Host(Network::host(address))]
    }

    /// Everything the sender may be met again by (J7). `proved` are domains for which SPF or DKIM passed.
    pub fn all(address: IpAddr, proved: &[&str]) -> Vec<Who> {
        let mut all = vec![Who::Network(Network::neighbourhood(address))];
        for domain in proved {
            let who = Who::Domain(domain.trim_end_matches('.').to_ascii_lowercase());
            if !all.contains(&who) {
                all.push(who);
            }
        }
        all
    }
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Who::Host(host) => write!(f, "ip:{}", host.first()),
            Who::Network(network) => write!(f, "net:{network}"),
            Who::Domain(domain) => write!(f, "dom:{domain}"),
        }
    }
}

/// A message on its way in.
#[derive(Clone, Debug)]
pub struct Arrival {
    /// Who delivers it: each one of these stands for the sender.
    pub who: Vec<Who>,
    /// The address it comes from, for people to see.
    pub address: IpAddr,
    /// HELO, part of the tuple in the classic form and empty otherwise: a provider's hosts have many names.
    pub helo: String,
    /// The reverse-path; empty for `<>`.
    pub sender: String,
    /// The recipients.
    pub recipients: Vec<String>,
}

impl Arrival {
    /// The keys of all its tuples.
    pub fn tuples(&self) -> impl Iterator<Item = Tuple> + '_ {
        self.who.iter().flat_map(move |who| {
            self.recipients.iter().map(move |recipient| Tuple {
                who: who.to_string(),
                helo: self.helo.clone(),
                sender: self.sender.clone(),
                recipient: recipient.clone(),
            })
        })
    }
}

/// The key of a grey record.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tuple {
    /// A [`Who`] as text.
    pub who: String,
    /// HELO or empty.
    pub helo: String,
    /// The reverse-path; empty for `<>`.
    pub sender: String,
    /// One recipient.
    pub recipient: String,
}

/// What is remembered of a grey tuple or of somebody white.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record {
    /// When it was seen first.
    pub first: Timestamp,
    /// When it passed; for a grey tuple when it would be forgotten, as spamd has it.
    pub pass: Timestamp,
    /// When it is forgotten.
    pub expire: Timestamp,
    /// How often it was put off.
    pub blocked: u32,
    /// How often it was let in.
    pub passed: u32,
}

/// What the store knows about an arrival.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// White records of those who stand for the sender.
    pub white: Vec<(String, Record)>,
    /// Grey records of its tuples.
    pub grey: Vec<(Tuple, Record)>,
}

/// What happens to the message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It goes on.
    Pass(Why),
    /// 451; a retry counts from this moment on.
    Wait(Timestamp),
}

/// Why a message passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// The sender is white.
    White,
    /// The sender came again in time, and is white from now on.
    CameAgain,
}

/// What is to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Sets what is known of somebody white.
    White(String, Record),
    /// Sets what is known of a grey tuple.
    Grey(Tuple, Record),
    /// The tuple is grey no more.
    Forget(Tuple),
}

/// Decides about an arrival, and what is to be remembered of it.
pub fn decide(
    now: Timestamp,
    times: &Times,
    arrival: &Arrival,
    known: &Known,
) -> (Decision, Vec<Change>) {
    let white = known.white.iter().filter(|(_, record)| record.expire > now);
    let renewed: Vec<Change> = white
        .map(|(who, record)| Change::White(who.clone(), renewed(record, now, times)))
        .collect();
    if !renewed.is_empty() {
        return (Decision::Pass(Why::White), renewed);
    }
    let live = |record: &Record| record.expire > now;
    let grey: Vec<&(Tuple, Record)> = known.grey.iter().filter(|(_, r)| live(r)).collect();
    let Some(first) = grey.iter().map(|(_, record)| record.first).min() else {
        return put_off(now, now, times, arrival, &grey);
    };
    match now >= later(first, times.pass) {
        true => let_in(now, times, arrival, &grey),
        false => put_off(now, first, times, arrival, &grey),
    }
}

/// Whoever stands for the sender is white from now on.
fn let_in(
    now: Timestamp,
    times: &Times,
    arrival: &Arrival,
    grey: &[&(Tuple, Record)],
) -> (Decision, Vec<Change>) {
    let first = grey.iter().map(|(_, record)| record.first).min();
    let blocked = grey.iter().map(|(_, record)| record.blocked).max();
    let record = Record {
        first: first.unwrap_or(now),
        pass: now,
        expire: later(now, times.white),
        blocked: blocked.unwrap_or(0),
        passed: 1,
    };
    let white = arrival
        .who
        .iter()
        .map(|who| Change::White(who.to_string(), record));
    let forgotten = grey.iter().map(|(tuple, _)| Change::Forget(tuple.clone()));
    let changes = white.chain(forgotten).collect();
    (Decision::Pass(Why::CameAgain), changes)
}

/// All tuples wait from the moment that any of them was seen first: a retry from a third address is not the first try again.
fn put_off(
    now: Timestamp,
    first: Timestamp,
    times: &Times,
    arrival: &Arrival,
    grey: &[&(Tuple, Record)],
) -> (Decision, Vec<Change>) {
    let expire = later(first, times.grey);
    let blocked = |tuple: &Tuple| {
        let met = grey.iter().find(|(known, _)| known == tuple);
        met.map_or(1, |(_, record)| record.blocked.saturating_add(1))
    };
    let changes = arrival.tuples().map(|tuple| {
        let record = Record {
            first,
            pass: expire,
            expire,
            blocked: blocked(&tuple),
            passed: 0,
        };
        Change::Grey(tuple, record)
    });
    // A pass time longer than the grey time would let nobody in; the retry then counts when it would have been forgotten.
    let from = later(first, times.pass).min(expire).max(now);
    (Decision::Wait(from), changes.collect())
}

fn renewed(record: &Record, now: Timestamp, times: &Times) -> Record {
    Record {
        expire: later(now, times.white),
        passed: record.passed.saturating_add(1),
        ..*record
    }
}

/// Somebody who is white without having been grey: we have written to him (J18), or an administrator said so (J26).
pub fn white(now: Timestamp, times: &Times) -> Record {
    Record {
        first: now,
        pass: now,
        expire: later(now, times.white),
        blocked: 0,
        passed: 0,
    }
}

/// The end of time stays the end of time.
fn later(time: Timestamp, by: SignedDuration) -> Timestamp {
    time.checked_add(by).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    /// A store in memory, and a clock that is turned by hand.
    struct World {
        now: Timestamp,
        times: Times,
        white: HashMap<String, Record>,
        grey: HashMap<Tuple, Record>,
    }

    impl World {
        fn new(times: Times) -> World {
            World {
                now: Timestamp::from_second(1_700_000_000).unwrap(),
                times,
                white: HashMap::new(),
                grey: HashMap::new(),
            }
        }

        fn minutes(&mut self, minutes: i64) {
            self.now += SignedDuration::from_mins(minutes);
        }

        fn arrives(&mut self, arrival: &Arrival) -> Decision {
            let keys = arrival.who.iter().map(Who::to_string);
            let white = keys.filter_map(|key| self.white.get(&key).map(|r| (key, *r)));
            let grey = arrival
                .tuples()
                .filter_map(|t| self.grey.get(&t).map(|r| (t, *r)));
            let known = Known {
                white: white.collect(),
                grey: grey.collect(),
            };
            let (decision, changes) = decide(self.now, &self.times, arrival, &known);
            for change in changes {
                match change {
                    Change::White(who, record) => drop(self.white.insert(who, record)),
                    Change::Grey(tuple, record) => drop(self.grey.insert(tuple, record)),
                    Change::Forget(tuple) => drop(self.grey.remove(&tuple)),
                }
            }
            decision
        }
    }

    fn arrival(who: Vec<Who>, helo: &str, recipient: &str) -> Arrival {
        Arrival {
            who,
            address: "192.0.2.1".parse().unwrap(),
            helo: helo.into(),
            sender: "x@isp.example".into(),
            recipients: vec![recipient.into()],
        }
    }

    fn classic(address: &str) -> Arrival {
        let who = Who::classic(address.parse().unwrap());
        arrival(who, "mail.isp.example", "bob@example.net")
    }

    fn waits(decision: &Decision) -> bool {
        matches!(decision, Decision::Wait(_))
    }

    /// J6, J5: 24 minutes are too early, 26 are not; then 36 days white, renewed by each message.
    #[test]
    fn j06_the_classic_times() {
        let mut world = World::new(Times::CLASSIC);
        let stranger = classic("192.0.2.1");
        assert!(waits(&world.arrives(&stranger)));
        world.minutes(24);
        let begins = world.now + SignedDuration::from_mins(1);
        assert_eq!(world.arrives(&stranger), Decision::Wait(begins));
        world.minutes(2);
        let came_again = Decision::Pass(Why::CameAgain);
        assert_eq!(world.arrives(&stranger), came_again);
        assert!(world.grey.is_empty());
        for _ in 0..3 {
            world.minutes(863 * 60);
            assert_eq!(world.arrives(&stranger), Decision::Pass(Why::White));
        }
        world.minutes(865 * 60);
        assert!(waits(&world.arrives(&stranger)));
    }

    /// J6: a tuple that nobody repeats is forgotten, and is new five hours later.
    #[test]
    fn j06_forgotten_after_four_hours() {
        let mut world = World::new(Times::CLASSIC);
        let stranger = classic("192.0.2.1");
        world.arrives(&stranger);
        world.minutes(5 * 60);
        let begins = world.now + SignedDuration::from_mins(25);
        assert_eq!(world.arrives(&stranger), Decision::Wait(begins));
    }

    /// J6: another sender, recipient or HELO is another tuple.
    #[test]
    fn j06_tuples_are_apart() {
        let mut world = World::new(Times::CLASSIC);
        let stranger = classic("192.0.2.1");
        world.arrives(&stranger);
        world.minutes(26);
        let mut others = [stranger.clone(), stranger.clone(), stranger.clone()];
        others[0].sender = "y@isp.example".into();
        others[1].recipients = vec!["carol@example.net".into()];
        others[2].helo = "other.isp.example".into();
        for other in &others {
            assert!(waits(&world.arrives(other)), "{other:?}");
        }
        assert_eq!(world.arrives(&stranger), Decision::Pass(Why::CameAgain));
    }

    /// J7: five retries from five addresses of a provider pass on the second try, by SPF or DKIM domain or by network.
    #[test]
    fn j07_rotating_addresses() {
        let networks = ["192.0.2.1", "192.0.2.77"];
        let far = [
            "192.0.2.1",
            "198.51.100.7",
            "203.0.113.9",
            "2001:db8::1",
            "198.51.100.200",
        ];
        let by_domain: Vec<Arrival> = far
            .iter()
            .map(|a| arrival(Who::all(a.parse().unwrap(), &["Big.Example."]), "", "b@c"))
            .collect();
        let by_network: Vec<Arrival> = networks
            .iter()
            .map(|a| arrival(Who::all(a.parse().unwrap(), &[]), "", "b@c"))
            .collect();
        for tries in [by_domain, by_network] {
            let mut world = World::new(Times::CLASSIC);
            assert!(waits(&world.arrives(&tries[0])));
            world.minutes(26);
            assert_eq!(world.arrives(&tries[1]), Decision::Pass(Why::CameAgain));
            for again in &tries {
                assert_eq!(
                    world.arrives(again),
                    Decision::Pass(Why::White),
                    "{again:?}"
                );
            }
        }
    }

    /// J7: retries before the time is up do not begin the wait anew, whichever address they come from.
    #[test]
    fn j07_the_wait_begins_once() {
        let mut world = World::new(Times::CLASSIC);
        let who = |address: &str| {
            let who = Who::all(address.parse().unwrap(), &["big.example"]);
            arrival(who, "", "b@c")
        };
        world.arrives(&who("192.0.2.1"));
        world.minutes(20);
        assert!(waits(&world.arrives(&who("198.51.100.7"))));
        world.minutes(6);
        assert_eq!(
            world.arrives(&who("203.0.113.9")),
            Decision::Pass(Why::CameAgain)
        );
    }

    /// J28: an IPv6 host is its /64.
    #[test]
    fn j28_ipv6() {
        let mut world = World::new(Times::CLASSIC);
        assert!(waits(&world.arrives(&classic("2001:db8::1"))));
        world.minutes(26);
        assert!(waits(&world.arrives(&classic("2001:db8:0:1::1"))));
        let same = classic("2001:db8::ffff:2");
        assert_eq!(world.arrives(&same), Decision::Pass(Why::CameAgain));
    }

    #[test]
    fn put_off_messages_are_counted() {
        let mut world = World::new(Times::CLASSIC);
        for _ in 0..3 {
            world.arrives(&classic("192.0.2.1"));
        }
        let record = world.grey.values().next().unwrap();
        assert_eq!((record.blocked, record.passed), (3, 0));
        assert_eq!(
            record.pass.duration_since(record.first),
            Times::CLASSIC.grey
        );
    }
}
