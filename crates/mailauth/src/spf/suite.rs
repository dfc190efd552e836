//! The test suite of openspf.org for RFC 7208 (K13), read from where Debian's python3-spf puts it.

use super::{Query, check};
use crate::table::now;
use dns::{Answer, Error, Family, MxAnswer, Resolver};
use serde::Deserialize;
use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::path::Path;
use std::process::Command;

const SUITE: &str = "/usr/share/doc/python3-spf/rfc7208-tests.yml.gz";

/// Turns the suite into JSON, each name and type with what a look-up of it says: values, or `null` where it gets no answer.
const CONVERT: &str = r#"
import gzip, json, sys, yaml
TYPES = ['TXT', 'A', 'AAAA', 'MX', 'PTR']
def records(listed):
    made, own = [], False
    out = []
    for entry in listed:
        if entry == 'TIMEOUT':
            out.append((None, None))
            continue
        for kind, value in entry.items():
            if kind in ('TXT', 'SPF'):
                value = ''.join(value) if isinstance(value, list) else value
            own |= kind == 'TXT'
            if kind == 'SPF':
                made.append(('TXT', value))
            if value != 'NONE':
                out.append((kind, value))
    return out + ([] if own else made)
def look_up(zone, name, wanted, level=0):
    away, found = True, []
    for kind, value in zone.get(name.lower().rstrip('.'), []):
        if kind is None:
            if away: return None
            break
        if kind == wanted: away = False
        if value == 'TIMEOUT':
            if kind == wanted: return None
            continue
        if kind == wanted:
            found.append(' '.join(map(str, value)) if isinstance(value, list) else str(value))
        if kind == 'CNAME' and not level:
            more = look_up(zone, value, wanted, 1)
            if more is None: return None
            found += more
    return found
cases = []
for section in yaml.safe_load_all(gzip.open(sys.argv[1])):
    zone = {name.lower(): records(listed) for name, listed in section['zonedata'].items()}
    answers = {f'{name} {kind}': look_up(zone, name, kind) for name in zone for kind in TYPES}
    for name, case in section['tests'].items():
        result = case['result']
        cases.append({
            'name': f"{section['description']}: {name}", 'helo': case['helo'], 'host': str(case['host']),
            'sender': case['mailfrom'], 'results': result if isinstance(result, list) else [result],
            'explanation': case.get('explanation'), 'answers': answers,
        })
json.dump(cases, sys.stdout)
"#;

#[derive(Deserialize)]
struct Case {
    name: String,
    helo: String,
    host: IpAddr,
    sender: String,
    results: Vec<String>,
    explanation: Option<String>,
    answers: HashMap<String, Option<Vec<String>>>,
}

impl Case {
    /// `None`: no such name.
    fn values(&self, name: &str, kind: &str) -> Result<Option<Vec<String>>, Error> {
        let name = name.to_ascii_lowercase();
        match self.answers.get(&format!("{name} {kind}")) {
            Some(Some(values)) => Ok(Some(values.clone())),
            Some(None) => Err(Error("no answer in time".into())),
            None if name.starts_with("error.") => Err(Error("no answer in time".into())),
            None => Ok(None),
        }
    }

    fn addresses_of(&self, host: &str, family: Family) -> Result<Vec<IpAddr>, Error> {
        let kind = match family {
            Family::V4 => "A",
            Family::V6 => "AAAA",
        };
        let values = self.values(host, kind)?.unwrap_or_default();
        Ok(values.iter().map(|value| value.parse().unwrap()).collect())
    }
}

fn ready<'a, T: Send + 'a>(found: Result<T, Error>) -> Answer<'a, T> {
    Box::pin(std::future::ready(found))
}

impl Resolver for Case {
    fn mx<'a>(&'a self, domain: &'a str) -> Answer<'a, MxAnswer> {
        let host = |value: &String| {
            let (preference, host) = value.split_once(' ').unwrap();
            (preference.parse().unwrap(), host.to_ascii_lowercase())
        };
        ready(self.values(domain, "MX").map(|found| match found {
            None => MxAnswer::NoDomain,
            Some(values) if values.is_empty() => MxAnswer::NoRecord,
            Some(values) => MxAnswer::Hosts(values.iter().map(host).collect()),
        }))
    }

    fn addresses<'a>(&'a self, host: &'a str) -> Answer<'a, Vec<IpAddr>> {
        let both = self.addresses_of(host, Family::V4).and_then(|four| {
            let six = self.addresses_of(host, Family::V6)?;
            Ok([four, six].concat())
        });
        ready(both)
    }

    fn family<'a>(&'a self, host: &'a str, family: Family) -> Answer<'a, Vec<IpAddr>> {
        ready(self.addresses_of(host, family))
    }

    fn names<'a>(&'a self, address: IpAddr) -> Answer<'a, Vec<String>> {
        let name = match address {
            IpAddr::V4(four) => {
                let [a, b, c, d] = four.octets();
                format!("{d}.{c}.{b}.{a}.in-addr.arpa")
            }
            IpAddr::V6(six) => {
                let digits = format!("{:032x}", six.to_bits());
                let reversed: Vec<String> = digits.chars().rev().map(String::from).collect();
                format!("{}.ip6.arpa", reversed.join("."))
            }
        };
        ready(self.values(&name, "PTR").map(Option::unwrap_or_default))
    }

    fn txt<'a>(&'a self, name: &'a str) -> Answer<'a, Vec<String>> {
        ready(self.values(name, "TXT").map(Option::unwrap_or_default))
    }
}

/// What is wrong with our answer to a case.
fn judged(case: &Case) -> Option<String> {
    let query = Query {
        ip: case.host,
        helo: &case.helo,
        sender: (!case.sender.is_empty()).then_some(case.sender.as_str()),
        receiver: "unknown",
        now: 1_795_184_024,
    };
    let outcome = now(check(case, &query));
    let result = outcome.result.word();
    if !case.results.iter().any(|allowed| allowed == result) {
        let (name, allowed) = (&case.name, case.results.join(" or "));
        return Some(format!(
            "{name}: {result} ({}), not {allowed}",
            outcome.reason
        ));
    }
    let wanted = case.explanation.as_deref().filter(|_| result == "fail")?;
    let told = outcome.explanation.as_deref().unwrap_or("DEFAULT");
    // The suite has capital hexadecimal digits where RFC 7208 §7.4 has small ones.
    (!told.eq_ignore_ascii_case(wanted))
        .then(|| format!("{}: explains {told:?}, not {wanted:?}", case.name))
}

/// K13
#[test]
fn k13_the_test_suite_of_rfc7208() {
    let converted = Command::new("/usr/bin/python3")
        .args(["-c", CONVERT, SUITE])
        .output();
    let cases: Vec<Case> = match converted {
        Ok(out) if out.status.success() => serde_json::from_slice(&out.stdout).unwrap(),
        _ if Path::new(SUITE).exists() => panic!("the suite cannot be converted: {converted:?}"),
        _ => {
            eprintln!("SKIPPED k13_the_test_suite_of_rfc7208: python3-spf is not installed");
            return;
        }
    };
    let wrong: HashSet<String> = cases.iter().filter_map(judged).collect();
    assert!(cases.len() > 150, "only {} cases", cases.len());
    assert!(
        wrong.is_empty(),
        "{} of {} cases: {wrong:#?}",
        wrong.len(),
        cases.len()
    );
}
