//! Block and allow lists in DNS (RFC 5782): what to ask, and what an answer means (I19, U "DNSBL errors").
//!
//! Only documented return codes count. A list that answers 127.255.255.254 does not say that the client is bad, it says that it does not
//! want to be asked by us; taking that for a listing has lost people their mail. A list whose test entries are wrong ([`Health`]) is
//! switched off: dead lists have answered everything with "listed". Nothing here asks; the names and the answers are passed.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};

/// A list and what its codes mean.
#[derive(Clone, Debug, PartialEq)]
pub struct DnsList {
    /// The zone, without a final dot.
    pub zone: String,
    /// The first that fits an answer holds.
    pub codes: Vec<Code>,
    /// Whether it has IPv6 addresses.
    pub six: bool,
}

/// What answers from one code to another mean.
#[derive(Clone, Debug, PartialEq)]
pub struct Code {
    /// The lowest answer.
    pub from: Ipv4Addr,
    /// The highest; each octet is compared by itself.
    pub to: Ipv4Addr,
    /// What it adds to the score; negative speaks for the sender.
    pub weight: f32,
    /// What the list says with it, e.g. `a dynamic address`.
    pub means: String,
}

/// What an answer means.
#[derive(Clone, Debug, PartialEq)]
pub enum Meaning<'a> {
    /// No record: the address is not on the list.
    NotListed,
    /// It is, with this code.
    Listed(&'a Code),
    /// The list refuses to tell us (Spamhaus' 127.255.255.x, dnswl's 127.0.0.255).
    RefusesUs,
    /// An answer that the list does not document: it means nothing.
    Unknown(Ipv4Addr),
}

impl Code {
    fn fits(&self, answer: Ipv4Addr) -> bool {
        let (from, to) = (self.from.octets(), self.to.octets());
        let within = |at: usize, octet: u8| (from[at]..=to[at]).contains(&octet);
        answer
            .octets()
            .iter()
            .enumerate()
            .all(|(at, &octet)| within(at, octet))
    }
}

impl DnsList {
    /// The name to ask for: the address backwards, then the zone (RFC 5782 §2.1, §2.4). `None` where the list has no such addresses.
    pub fn question(&self, address: IpAddr) -> Option<String> {
        let address = address.to_canonical();
        match address.is_ipv4() || self.six {
            true => Some(format!("{}.{}", reversed(address), self.zone)),
            false => None,
        }
    }

    /// The name to ask for where the list is one of domains, or of hashes (RFC 5782 §2.2).
    pub fn question_of(&self, name: &str) -> String {
        format!("{name}.{}", self.zone)
    }

    /// What the records at that name mean. Several codes: the one that weighs most.
    pub fn meaning(&self, answers: &[Ipv4Addr]) -> Meaning<'_> {
        if answers.iter().any(|answer| refuses_us(*answer)) {
            return Meaning::RefusesUs;
        }
        let code = |answer: &Ipv4Addr| self.codes.iter().find(|code| code.fits(*answer));
        let heaviest = answers
            .iter()
            .filter_map(code)
            .max_by(|a, b| a.weight.abs().total_cmp(&b.weight.abs()));
        match (heaviest, answers.first()) {
            (Some(code), _) => Meaning::Listed(code),
            (None, Some(answer)) => Meaning::Unknown(*answer),
            (None, None) => Meaning::NotListed,
        }
    }

    /// RFC 5782 §5: 127.0.0.2 must be on a list, and 127.0.0.1 must not.
    pub fn test_questions(&self) -> [(Ipv4Addr, String); 2] {
        [Ipv4Addr::new(127, 0, 0, 2), Ipv4Addr::LOCALHOST].map(|address| {
            (
                address,
                format!("{}.{}", reversed(address.into()), self.zone),
            )
        })
    }

    /// What the answers to the test questions, in their order, say of the list.
    pub fn health(&self, present: &[Ipv4Addr], absent: &[Ipv4Addr]) -> Health {
        match (self.meaning(present), absent.is_empty()) {
            (Meaning::RefusesUs, _) => Health::RefusesUs,
            (_, false) => Health::ListsEverybody,
            (Meaning::NotListed, true) => Health::ListsNobody,
            (_, true) => Health::Good,
        }
    }
}

/// Whether a list can be believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// It answers as RFC 5782 §5 asks.
    Good,
    /// Its test entry is missing: the zone is empty or gone.
    ListsNobody,
    /// It lists an address that no list may hold: it has been given up, or a resolver lies.
    ListsEverybody,
    /// It answers that we may not ask; often because the resolver in use is a public one.
    RefusesUs,
}

impl fmt::Display for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Health::Good => "good",
            Health::ListsNobody => "it does not hold its own test entry, so it is empty or gone",
            Health::ListsEverybody => "it lists everybody, so it has been given up or the resolver lies",
            Health::RefusesUs => {
                "it refuses to answer this server; public resolvers are refused by most lists: use a resolver of your own"
            }
        })
    }
}

/// 127.255.255.0/24 are the error codes of Spamhaus and others; dnswl.org has 127.0.0.255. What is outside of 127/8 is a resolver's
/// lie (a provider's "helpful" search page).
fn refuses_us(answer: Ipv4Addr) -> bool {
    let [a, b, c, d] = answer.octets();
    a != 127 || (b, c) == (255, 255) || (b, c, d) == (0, 0, 255)
}

fn reversed(address: IpAddr) -> String {
    let labels: Vec<String> = match address {
        IpAddr::V4(four) => four.octets().iter().rev().map(u8::to_string).collect(),
        IpAddr::V6(six) => {
            let nibbles = |octet: &u8| [format!("{:x}", octet & 15), format!("{:x}", octet >> 4)];
            six.octets().iter().rev().flat_map(nibbles).collect()
        }
    };
    labels.join(".")
}

/// Lists whose codes are known here, so that their zone is all a setting needs. From the documentation of each list.
fn known(zone: &str) -> Option<DnsList> {
    let code = |from: [u8; 4], to: [u8; 4], weight: f32, means: &str| Code {
        from: from.into(),
        to: to.into(),
        weight,
        means: means.to_owned(),
    };
    let one = |weight, means| vec![code([127, 0, 0, 2], [127, 0, 0, 2], weight, means)];
    let (codes, six) = match zone {
        "zen.spamhaus.org" => (
            vec![
                code(
                    [127, 0, 0, 2],
                    [127, 0, 0, 2],
                    5.0,
                    "a known source of spam (SBL)",
                ),
                code(
                    [127, 0, 0, 3],
                    [127, 0, 0, 3],
                    4.0,
                    "sends spam in small amounts (CSS)",
                ),
                code(
                    [127, 0, 0, 4],
                    [127, 0, 0, 7],
                    5.0,
                    "a hijacked machine (XBL)",
                ),
                code(
                    [127, 0, 0, 9],
                    [127, 0, 0, 9],
                    7.0,
                    "a hijacked network (DROP)",
                ),
                code(
                    [127, 0, 0, 10],
                    [127, 0, 0, 11],
                    2.5,
                    "an address that should not send mail by itself (PBL)",
                ),
            ],
            true,
        ),
        "bl.spamcop.net" => (one(3.0, "reported by recipients of spam"), false),
        "psbl.surriel.com" => (one(2.0, "has written to a spam trap"), true),
        "b.barracudacentral.org" => (one(3.0, "a known source of spam"), false),
        "dnsbl.dronebl.org" => (
            vec![code(
                [127, 0, 0, 3],
                [127, 0, 0, 19],
                3.0,
                "a hijacked machine or open proxy",
            )],
            true,
        ),
        "list.dnswl.org" => (
            vec![
                code([127, 0, 2, 3], [127, 0, 20, 3], -4.0, "highly trusted"),
                code([127, 0, 2, 2], [127, 0, 20, 2], -2.0, "trusted"),
                code([127, 0, 2, 1], [127, 0, 20, 1], -1.0, "somewhat trusted"),
                code(
                    [127, 0, 2, 0],
                    [127, 0, 20, 0],
                    -0.2,
                    "known, without trust",
                ),
            ],
            true,
        ),
        // Lists of domains that mail links to. Their codes are sums of bits, and any of them is a listing.
        "dbl.spamhaus.org" => (
            vec![
                code([127, 0, 1, 2], [127, 0, 1, 99], 5.0, "a domain of spammers"),
                code(
                    [127, 0, 1, 102],
                    [127, 0, 1, 199],
                    2.5,
                    "an honest domain that was broken into",
                ),
            ],
            false,
        ),
        "multi.surbl.org" => (
            vec![code(
                [127, 0, 0, 2],
                [127, 0, 0, 254],
                4.5,
                "a domain that unsolicited mail links to",
            )],
            false,
        ),
        "multi.uribl.com" => (
            vec![
                code([127, 0, 0, 2], [127, 0, 0, 3], 4.5, "a domain of spammers"),
                code(
                    [127, 0, 0, 4],
                    [127, 0, 0, 14],
                    0.5,
                    "a domain that unsolicited mail links to at times",
                ),
            ],
            false,
        ),
        // A list of hashes of mail addresses.
        "ebl.msbl.org" => (
            one(5.0, "an address that frauds have themselves answered at"),
            false,
        ),
        _ => return None,
    };
    Some(DnsList {
        zone: zone.to_owned(),
        codes,
        six,
    })
}

/// Reads a list as settings name it: a zone that is known here, or `ZONE CODE[-CODE] WEIGHT [meaning]`, e.g.
/// `bl.example.org 127.0.0.2-127.0.0.9 3.5 listed for spam`.
pub fn parse(text: &str) -> Result<DnsList, String> {
    let mut words = text.split_whitespace();
    let zone = words.next().unwrap_or_default().trim_end_matches('.');
    let zone = zone.to_ascii_lowercase();
    if !is_zone(&zone) {
        return Err(format!("“{zone}” is not the name of a zone"));
    }
    let Some(codes) = words.next() else {
        return known(&zone).ok_or_else(|| {
            format!("the codes of {zone} are not known here: write them behind it, as in “{zone} 127.0.0.2 3.5”")
        });
    };
    let weight = words.next().and_then(|weight| weight.parse::<f32>().ok());
    let weight = weight.filter(|weight| weight.is_finite() && weight.abs() <= 100.0);
    let weight =
        weight.ok_or("behind the codes comes what they add to the score, like 3.5 or -2")?;
    let (from, to) = code_range(codes)?;
    let means: Vec<&str> = words.collect();
    let means = match means.is_empty() {
        true => "listed".to_owned(),
        false => means.join(" "),
    };
    Ok(DnsList {
        codes: vec![Code {
            from,
            to,
            weight,
            means,
        }],
        six: true,
        zone,
    })
}

/// What [`parse`] reads as this list: the zone alone where that says all.
pub fn print(list: &DnsList) -> String {
    if known(&list.zone).as_ref() == Some(list) {
        return list.zone.clone();
    }
    let code = list.codes.first();
    code.map_or_else(String::new, |code| {
        format!(
            "{} {}-{} {} {}",
            list.zone, code.from, code.to, code.weight, code.means
        )
    })
}

fn code_range(text: &str) -> Result<(Ipv4Addr, Ipv4Addr), String> {
    let (from, to) = text.split_once('-').unwrap_or((text, text));
    let code = |text: &str| {
        let code = text.parse::<Ipv4Addr>().ok();
        code.filter(|code| code.is_loopback() && !refuses_us(*code))
            .ok_or_else(|| format!("“{text}” is not a return code like 127.0.0.2"))
    };
    Ok((code(from)?, code(to)?))
}

fn is_zone(zone: &str) -> bool {
    let label = |label: &str| {
        let letters = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        (1..=63).contains(&label.len()) && label.bytes().all(letters)
    };
    zone.len() <= 180 && zone.contains('.') && zone.split('.').all(label)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn list(text: &str) -> DnsList {
        parse(text).unwrap()
    }

    fn at(address: &str) -> Ipv4Addr {
        address.parse().unwrap()
    }

    /// RFC 5782 §2.1 and §2.4.
    #[test]
    fn rfc5782_section_2_questions() {
        let zen = list("zen.spamhaus.org");
        let question = zen.question("192.0.2.99".parse().unwrap());
        assert_eq!(question.unwrap(), "99.2.0.192.zen.spamhaus.org");
        let six = zen.question("2001:db8:1:2:3:4:567:89ab".parse().unwrap());
        assert_eq!(
            six.unwrap(),
            "b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.8.b.d.0.1.0.0.2.zen.spamhaus.org"
        );
        let four_only = list("bl.spamcop.net");
        assert_eq!(four_only.question("2001:db8::1".parse().unwrap()), None);
    }

    /// I19: documented codes count, others do not, and a refusal is not a listing.
    #[test]
    fn i19_codes() {
        let zen = list("zen.spamhaus.org");
        assert_eq!(zen.meaning(&[]), Meaning::NotListed);
        let Meaning::Listed(code) = zen.meaning(&[at("127.0.0.10"), at("127.0.0.4")]) else {
            panic!()
        };
        assert!(code.means.contains("hijacked"));
        for refusal in ["127.255.255.254", "127.0.0.255", "203.0.113.1"] {
            let answers = [at("127.0.0.2"), at(refusal)];
            assert_eq!(zen.meaning(&answers), Meaning::RefusesUs, "{refusal}");
        }
        assert_eq!(
            zen.meaning(&[at("127.0.0.99")]),
            Meaning::Unknown(at("127.0.0.99"))
        );
        let dnswl = list("list.dnswl.org");
        let Meaning::Listed(code) = dnswl.meaning(&[at("127.0.5.2")]) else {
            panic!()
        };
        assert_eq!(code.weight, -2.0);
    }

    /// RFC 5782 §5: a list that answers everything, nothing, or that refuses is not believed.
    #[test]
    fn rfc5782_section_5_health() {
        let zen = list("zen.spamhaus.org");
        let listed = [at("127.0.0.2")];
        assert_eq!(zen.health(&listed, &[]), Health::Good);
        assert_eq!(zen.health(&[], &[]), Health::ListsNobody);
        assert_eq!(zen.health(&listed, &listed), Health::ListsEverybody);
        let refused = [at("127.255.255.254")];
        assert_eq!(zen.health(&refused, &refused), Health::RefusesUs);
        let [(_, present), (_, absent)] = zen.test_questions();
        assert_eq!(present, "2.0.0.127.zen.spamhaus.org");
        assert_eq!(absent, "1.0.0.127.zen.spamhaus.org");
    }

    #[test]
    fn lists_are_printed_as_they_are_read() {
        for text in [
            "zen.spamhaus.org",
            "bl.example.org 127.0.0.2-127.0.0.9 3.5 listed for spam",
            "wl.example.org 127.0.0.2-127.0.0.2 -1 listed",
        ] {
            assert_eq!(print(&list(text)), text);
        }
        let short = list("bl.example.org 127.0.0.2 2");
        assert_eq!(print(&short), "bl.example.org 127.0.0.2-127.0.0.2 2 listed");
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (text, word) in [
            ("", "zone"),
            ("bl example.org", "zone"),
            ("bl.example.org", "codes"),
            ("bl.example.org 127.0.0.2", "score"),
            ("bl.example.org 127.0.0.2 heavy", "score"),
            ("bl.example.org 10.0.0.2 3", "return code"),
            ("bl.example.org 127.255.255.254 3", "return code"),
        ] {
            assert!(parse(text).unwrap_err().contains(word), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in ".{0,60}") {
            if let Ok(list) = parse(&text) {
                prop_assert_eq!(parse(&print(&list)).unwrap(), list);
            }
        }
    }
}
