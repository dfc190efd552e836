//! In which country an address is, by a list that the operator has: the forms in which such lists are given away are
//! `NETWORK,COUNTRY` (geofeeds, RFC 8805; what stands behind is ignored) and `FIRST,LAST,COUNTRY`. Pure: who reads the file is the server.

use std::fmt;
use std::net::IpAddr;

/// The longest list, in octets.
pub const LARGEST: u64 = 128 * 1024 * 1024;

/// A country by its two letters (ISO 3166-1).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Country([u8; 2]);

impl fmt::Display for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::str::from_utf8(&self.0).unwrap_or("??"))
    }
}

impl fmt::Debug for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A line that is not understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// From 1.
    pub line: usize,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = self.line;
        write!(
            f,
            "line {line} is neither NETWORK,COUNTRY nor FIRST,LAST,COUNTRY"
        )
    }
}

impl std::error::Error for Fault {}

/// From, to, country; disjoint and in order.
type Ranges<N> = Vec<(N, N, Country)>;

/// Addresses and their countries.
#[derive(Clone, Debug, Default)]
pub struct Countries {
    four: Ranges<u32>,
    six: Ranges<u128>,
}

impl Countries {
    /// Reads a list. Of networks within each other the smaller one counts. Countries that are not known (`ZZ`, `-`, empty) are left out.
    pub fn parse(text: &str) -> Result<Countries, Fault> {
        let (mut four, mut six) = (Vec::new(), Vec::new());
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let range = range(line).ok_or(Fault { line: number + 1 })?;
            let Some(country) = range.country else {
                continue;
            };
            match (range.first, range.last) {
                (IpAddr::V4(first), IpAddr::V4(last)) => {
                    four.push((first.to_bits(), last.to_bits(), country));
                }
                (IpAddr::V6(first), IpAddr::V6(last)) => {
                    six.push((first.to_bits(), last.to_bits(), country));
                }
                _ => return Err(Fault { line: number + 1 }),
            }
        }
        Ok(Countries {
            four: disjoint(four, |n| n.checked_add(1), |n| n.checked_sub(1)),
            six: disjoint(six, |n| n.checked_add(1), |n| n.checked_sub(1)),
        })
    }

    /// Where an address is, if the list says so.
    pub fn of(&self, address: IpAddr) -> Option<Country> {
        match address.to_canonical() {
            IpAddr::V4(address) => find(&self.four, address.to_bits()),
            IpAddr::V6(address) => find(&self.six, address.to_bits()),
        }
    }

    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.four.is_empty() && self.six.is_empty()
    }
}

fn find<N: Ord + Copy>(ranges: &Ranges<N>, address: N) -> Option<Country> {
    let after = ranges.partition_point(|(first, ..)| *first <= address);
    let (_, last, country) = ranges.get(after.checked_sub(1)?)?;
    (*last >= address).then_some(*country)
}

struct Range {
    first: IpAddr,
    last: IpAddr,
    country: Option<Country>,
}

fn range(line: &str) -> Option<Range> {
    let separators = |c: char| matches!(c, ',' | ';' | '\t' | ' ');
    let mut fields = line
        .split(separators)
        .map(|field| field.trim().trim_matches('"'));
    let start = fields.next()?;
    let (first, last) = match start.split_once('/') {
        Some((address, length)) => network(address.parse().ok()?, length.parse().ok()?)?,
        None => (start.parse().ok()?, fields.next()?.parse().ok()?),
    };
    let in_order = match (first, last) {
        (IpAddr::V4(first), IpAddr::V4(last)) => first <= last,
        (IpAddr::V6(first), IpAddr::V6(last)) => first <= last,
        _ => false,
    };
    let country = country(fields.next()?)?;
    in_order.then_some(Range {
        first,
        last,
        country,
    })
}

fn network(address: IpAddr, length: u32) -> Option<(IpAddr, IpAddr)> {
    Some(match address {
        IpAddr::V4(address) => {
            let hosts = u32::MAX.checked_shr(length).unwrap_or(0);
            let first = (length <= 32).then_some(address.to_bits() & !hosts)?;
            (IpAddr::V4(first.into()), IpAddr::V4((first | hosts).into()))
        }
        IpAddr::V6(address) => {
            let hosts = u128::MAX.checked_shr(length).unwrap_or(0);
            let first = (length <= 128).then_some(address.to_bits() & !hosts)?;
            (IpAddr::V6(first.into()), IpAddr::V6((first | hosts).into()))
        }
    })
}

/// `None`: this is no country at all. `Some(None)`: one that is not known.
fn country(text: &str) -> Option<Option<Country>> {
    match text.as_bytes() {
        [] | [b'-'] => Some(None),
        [a, b] if a.is_ascii_alphabetic() && b.is_ascii_alphabetic() => {
            let letters = [a.to_ascii_uppercase(), b.to_ascii_uppercase()];
            Some((letters != *b"ZZ").then_some(Country(letters)))
        }
        _ => None,
    }
}

/// Cuts ranges so that none overlap; of those that do, the one that begins later counts, which is the smaller of networks within each other.
fn disjoint<N: Ord + Copy>(
    mut ranges: Ranges<N>,
    next: impl Fn(N) -> Option<N>,
    before: impl Fn(N) -> Option<N>,
) -> Ranges<N> {
    ranges.sort_by(|a, b| a.0.cmp(&b.0).then(b.1.cmp(&a.1)));
    let mut cut: Ranges<N> = Vec::with_capacity(ranges.len());
    // Ranges that go on behind those that are within them; the smallest last.
    let mut open: Vec<(N, Country)> = Vec::new();
    let mut at: Option<N> = None;
    let mut add = |from: N, to: N, country: Country| {
        if from <= to {
            cut.push((from, to, country));
        }
    };
    for (first, last, country) in ranges {
        while let Some((end, of)) = open.last().copied().filter(|(end, _)| *end < first) {
            if let Some(from) = at {
                add(from, end, of);
            }
            at = next(end);
            open.pop();
        }
        if let (Some(from), Some((_, of)), Some(to)) = (at, open.last(), before(first)) {
            add(from, to, *of);
        }
        // One that reaches over the end of another covers it there.
        open.retain(|(end, _)| *end > last);
        open.push((last, country));
        at = Some(first);
    }
    while let Some((end, of)) = open.pop() {
        if let Some(from) = at {
            add(from, end, of);
        }
        at = next(end);
    }
    cut.shrink_to_fit();
    cut
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(list: &str, address: &str) -> Option<String> {
        let countries = Countries::parse(list).unwrap();
        let country = countries.of(address.parse().unwrap());
        country.map(|country| country.to_string())
    }

    /// V10: the forms in which such lists come.
    #[test]
    fn v10_lists_of_countries() {
        let list = "# a list\n\n192.0.2.0/24,AT,AT-9,Vienna,\n\"198.51.100.0\",\"198.51.100.127\",\"de\"\n203.0.113.0/25 au\n203.0.113.128/25,ZZ\n\
                    2001:db8::/32\tCH\n2001:db8:1::,2001:db8:1:ffff:ffff:ffff:ffff:ffff,FR\n0.0.0.0/8,-\n";
        for (address, country) in [
            ("192.0.2.0", Some("AT")),
            ("192.0.2.255", Some("AT")),
            ("192.0.3.0", None),
            ("198.51.100.127", Some("DE")),
            ("198.51.100.128", None),
            ("::ffff:198.51.100.1", Some("DE")),
            ("203.0.113.1", Some("AU")),
            ("203.0.113.200", None),
            ("2001:db8::1", Some("CH")),
            ("2001:db8:1::1", Some("FR")),
            ("2001:db8:2::1", Some("CH")),
            ("2001:db9::1", None),
            ("0.0.0.1", None),
        ] {
            assert_eq!(of(list, address).as_deref(), country, "{address}");
        }
        for (list, line) in [
            ("192.0.2.0/33,AT", 1),
            ("\n192.0.2.9,192.0.2.1,AT", 2),
            ("192.0.2.1,2001:db8::,AT", 1),
            ("192.0.2.0/24,Austria", 1),
            ("192.0.2.0/24", 1),
            ("<html>", 1),
        ] {
            assert_eq!(
                Countries::parse(list).unwrap_err(),
                Fault { line },
                "{list}"
            );
        }
    }

    proptest! {
        /// Of overlapping ranges the one that begins last counts, and of those the shortest.
        #[test]
        fn overlaps_are_cut(ranges in proptest::collection::vec((0..200_u8, 0..60_u8, 0..26_u8), 0..20)) {
            let ranges: Vec<(u8, u8, char)> = ranges
                .into_iter()
                .map(|(first, more, country)| (first, first.saturating_add(more), char::from(b'A' + country)))
                .collect();
            let lines = ranges.iter().map(|(first, last, c)| format!("10.0.0.{first},10.0.0.{last},X{c}\n"));
            let list = Countries::parse(&lines.collect::<String>()).unwrap();
            for n in 0..=255_u8 {
                let around = ranges.iter().filter(|(first, last, _)| (*first..=*last).contains(&n));
                let best = around.clone().map(|(first, last, _)| (std::cmp::Reverse(*first), *last)).min();
                let wanted: Vec<String> = around
                    .filter(|(first, last, _)| Some((std::cmp::Reverse(*first), *last)) == best)
                    .map(|(_, _, c)| format!("X{c}"))
                    .collect();
                let found = list.of(IpAddr::from([10, 0, 0, n])).map(|country| country.to_string());
                match found {
                    None => prop_assert!(wanted.is_empty(), "{n}: {wanted:?}"),
                    Some(found) => prop_assert!(wanted.contains(&found), "{n}: {found}, not {wanted:?}"),
                }
            }
        }

        /// Whatever a file holds.
        #[test]
        fn no_list_panics(text in "\\PC{0,200}", octets in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Countries::parse(&text);
            let _ = Countries::parse(&String::from_utf8_lossy(&octets));
        }
    }
}
