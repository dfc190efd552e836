//! A resolver for tests, which answers from lines `name TYPE value`.

use dns::{Answer, Error, MxAnswer, Resolver};
use std::collections::BTreeMap;
use std::future::Future;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::Mutex;
use std::task::{Context, Poll, Waker};

/// Types A, AAAA, MX, TXT, PTR; `name AWAY` cannot be asked; `name EMPTY` exists without records.
#[derive(Default)]
pub(crate) struct Table {
    records: BTreeMap<String, Vec<(String, String)>>,
    asked: Mutex<Vec<String>>,
}

impl Table {
    pub(crate) fn new(lines: &str) -> Table {
        let mut table = Table::default();
        for line in lines.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let mut words = line.splitn(3, ' ');
            let name = words.next().unwrap().to_ascii_lowercase();
            let kind = words.next().unwrap().to_string();
            let value = words.next().unwrap_or_default().to_string();
            table.records.entry(name).or_default().push((kind, value));
        }
        table
    }

    pub(crate) fn add(&mut self, name: &str, kind: &str, value: &str) {
        let records = self.records.entry(name.to_ascii_lowercase()).or_default();
        records.push((kind.to_string(), value.to_string()));
    }

    /// Names asked for so far.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    /// Values of a type; `None`: no such name.
    fn values(&self, name: &str, kind: &str) -> Result<Option<Vec<String>>, Error> {
        let name = name.to_ascii_lowercase();
        self.asked.lock().unwrap().push(name.clone());
        let Some(records) = self.records.get(&name) else {
            let below = format!(".{name}");
            let exists = self.records.keys().any(|known| known.ends_with(&below));
            return Ok(exists.then(Vec::new));
        };
        if records.iter().any(|(kind, _)| kind == "AWAY") {
            return Err(Error(format!("{name}: no answer in time")));
        }
        let of_kind = records.iter().filter(|(known, _)| known == kind);
        Ok(Some(of_kind.map(|(_, value)| value.clone()).collect()))
    }
}

fn ready<'a, T: Send + 'a>(found: Result<T, Error>) -> Answer<'a, T> {
    Box::pin(std::future::ready(found))
}

impl Resolver for Table {
    fn mx<'a>(&'a self, domain: &'a str) -> Answer<'a, MxAnswer> {
        let host = |value: &String| {
            let (preference, host) = value.split_once(' ').unwrap();
            (preference.parse().unwrap(), host.to_string())
        };
        ready(self.values(domain, "MX").map(|found| match found {
            None => MxAnswer::NoDomain,
            Some(values) if values.is_empty() => MxAnswer::NoRecord,
            Some(values) if values[0] == "0 ." => MxAnswer::Null,
            Some(values) => MxAnswer::Hosts(values.iter().map(host).collect()),
        }))
    }

    fn addresses<'a>(&'a self, host: &'a str) -> Answer<'a, Vec<IpAddr>> {
        let both = self.values(host, "A").and_then(|four| {
            let six = self.values(host, "AAAA")?;
            Ok([four, six]
                .into_iter()
                .flatten()
                .flatten()
                .collect::<Vec<_>>())
        });
        ready(both.map(|found| found.iter().map(|value| value.parse().unwrap()).collect()))
    }

    fn names<'a>(&'a self, address: IpAddr) -> Answer<'a, Vec<String>> {
        let found = self.values(&address.to_string(), "PTR");
        ready(found.map(Option::unwrap_or_default))
    }

    fn txt<'a>(&'a self, name: &'a str) -> Answer<'a, Vec<String>> {
        ready(self.values(name, "TXT").map(Option::unwrap_or_default))
    }
}

/// Runs a future that never waits.
pub(crate) fn now<T>(work: impl Future<Output = T>) -> T {
    let mut work = pin!(work);
    match work.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("nothing here waits"),
    }
}
