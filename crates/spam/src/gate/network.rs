//! Addresses, networks, and sets of them: how block lists, allow lists and bans say whom they mean.
//!
//! An IPv4 address in IPv6 clothes (`::ffff:192.0.2.1`) is that IPv4 address. Nothing here knows what a set is used for.

use std::fmt;
use std::net::IpAddr;

/// A block of addresses that share their first bits (RFC 4632, RFC 4291 §2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Network {
    first: IpAddr,
    bits: u8,
}

/// What stands where an address, a network or a range should.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("“{0}” is not an address, a network (192.0.2.0/24) or a range (192.0.2.1 - 192.0.2.9)")]
pub struct NotANetwork(pub String);

impl Network {
    /// The network of this many bits that holds `address`; more bits than the family has are all of them.
    pub fn of(address: IpAddr, bits: u8) -> Network {
        let address = address.to_canonical();
        let bits = bits.min(width(address));
        let (family, number) = numbered(address);
        Network {
            first: address_of(family, number & mask(family, bits)),
            bits,
        }
    }

    /// One host as servers tell senders apart: an IPv4 address, or an IPv6 /64.
    pub fn host(address: IpAddr) -> Network {
        match address.to_canonical() {
            four @ IpAddr::V4(_) => Network::of(four, 32),
            six => Network::of(six, 64),
        }
    }

    /// The neighbourhood that a provider spreads its retries over: an IPv4 /24, or an IPv6 /64.
    pub fn neighbourhood(address: IpAddr) -> Network {
        match address.to_canonical() {
            four @ IpAddr::V4(_) => Network::of(four, 24),
            six => Network::of(six, 64),
        }
    }

    /// Reads `192.0.2.1`, `192.0.2.0/24`, `2001:db8::/32`. Bits behind the prefix are ignored.
    pub fn parse(text: &str) -> Result<Network, NotANetwork> {
        let wrong = || NotANetwork(text.to_owned());
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits.trim())),
            None => (text, None),
        };
        let address: IpAddr = address.trim().parse().map_err(|_| wrong())?;
        let whole = width(address);
        let bits = match bits {
            Some(bits) => bits.parse().map_err(|_| wrong())?,
            None => whole,
        };
        if bits > whole {
            return Err(wrong());
        }
        Ok(Network::of(address, bits))
    }

    /// Whether all addresses of its family are in it.
    pub fn is_everybody(&self) -> bool {
        self.bits == 0
    }

    /// The lowest address.
    pub fn first(&self) -> IpAddr {
        self.first
    }

    /// Whether this address is in it.
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        width(address) == width(self.first) && Network::of(address, self.bits) == *self
    }

    fn range(&self) -> Range {
        let (family, first) = numbered(self.first);
        let last = first | !mask(family, self.bits) & everything(family);
        Range {
            family,
            first,
            last,
        }
    }
}

/// One address is written without its bits.
impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.bits == width(self.first) {
            true => write!(f, "{}", self.first),
            false => write!(f, "{}/{}", self.first, self.bits),
        }
    }
}

/// Addresses from one to another, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Range {
    family: Family,
    first: u128,
    last: u128,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Family {
    Four,
    Six,
}

impl Range {
    /// Reads an address, a network, or `a - b` (also without spaces). A range whose end comes first is none.
    pub fn parse(text: &str) -> Result<Range, NotANetwork> {
        let Some((first, last)) = text.split_once('-') else {
            return Network::parse(text.trim()).map(|network| network.range());
        };
        let wrong = || NotANetwork(text.to_owned());
        let address = |text: &str| text.trim().parse::<IpAddr>().map_err(|_| wrong());
        let (family, first) = numbered(address(first)?.to_canonical());
        let (other, last) = numbered(address(last)?.to_canonical());
        match family == other && first <= last {
            true => Ok(Range {
                family,
                first,
                last,
            }),
            false => Err(wrong()),
        }
    }
}

impl From<Network> for Range {
    fn from(network: Network) -> Range {
        network.range()
    }
}

/// A set of addresses, looked up in O(log n) of its ranges.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AddressSet {
    /// Sorted, apart from each other.
    ranges: Vec<Range>,
}

impl AddressSet {
    /// Whether the address is in it.
    pub fn contains(&self, address: IpAddr) -> bool {
        let (family, number) = numbered(address.to_canonical());
        let behind = self
            .ranges
            .partition_point(|range| (range.family, range.first) <= (family, number));
        let before = behind.checked_sub(1).and_then(|at| self.ranges.get(at));
        before.is_some_and(|range| range.family == family && number <= range.last)
    }

    /// Disjoint ranges in it: what it costs to keep.
    pub fn len(&self) -> usize {
        self.ranges.len()
    }

    /// Whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// This set without the addresses of `other`, as a white list behind a black one asks for.
    pub fn without(&self, other: &AddressSet) -> AddressSet {
        let mut left = Vec::with_capacity(self.ranges.len());
        let mut holes = other.ranges.iter().peekable();
        for range in &self.ranges {
            while holes.next_if(|hole| is_before(hole, range)).is_some() {}
            cut(*range, holes.clone(), &mut left);
        }
        AddressSet { ranges: left }
    }
}

impl FromIterator<Range> for AddressSet {
    fn from_iter<T: IntoIterator<Item = Range>>(ranges: T) -> AddressSet {
        let mut sorted: Vec<Range> = ranges.into_iter().collect();
        sorted.sort_unstable();
        let mut merged: Vec<Range> = Vec::with_capacity(sorted.len());
        for range in sorted {
            match merged.last_mut() {
                Some(last) if touches(last, &range) => last.last = last.last.max(range.last),
                _ => merged.push(range),
            }
        }
        merged.shrink_to_fit();
        AddressSet { ranges: merged }
    }
}

impl FromIterator<Network> for AddressSet {
    fn from_iter<T: IntoIterator<Item = Network>>(networks: T) -> AddressSet {
        networks.into_iter().map(Range::from).collect()
    }
}

/// Is there no address between the two? `later` does not begin before `earlier`.
fn touches(earlier: &Range, later: &Range) -> bool {
    earlier.family == later.family && later.first <= earlier.last.saturating_add(1)
}

fn is_before(hole: &Range, range: &Range) -> bool {
    (hole.family, hole.last) < (range.family, range.first)
}

/// Pushes what the holes leave of a range. They are sorted, and none ends before it.
fn cut<'a>(mut range: Range, holes: impl Iterator<Item = &'a Range>, left: &mut Vec<Range>) {
    for hole in holes {
        if hole.family != range.family || hole.first > range.last {
            break;
        }
        if hole.first > range.first {
            left.push(Range {
                last: hole.first - 1,
                ..range
            });
        }
        if hole.last >= range.last {
            return;
        }
        range.first = hole.last + 1;
    }
    left.push(range);
}

fn width(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}

fn numbered(address: IpAddr) -> (Family, u128) {
    match address {
        IpAddr::V4(four) => (Family::Four, four.to_bits().into()),
        IpAddr::V6(six) => (Family::Six, six.to_bits()),
    }
}

/// The number is one that [`numbered`] gave, or smaller.
fn address_of(family: Family, number: u128) -> IpAddr {
    match family {
        Family::Four => IpAddr::V4((number as u32).into()),
        Family::Six => IpAddr::V6(number.into()),
    }
}

fn everything(family: Family) -> u128 {
    match family {
        Family::Four => u32::MAX.into(),
        Family::Six => u128::MAX,
    }
}

fn mask(family: Family, bits: u8) -> u128 {
    let width: u32 = match family {
        Family::Four => 32,
        Family::Six => 128,
    };
    let behind = width.saturating_sub(bits.into());
    everything(family) & u128::MAX.checked_shl(behind).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::net::Ipv4Addr;

    fn set(lines: &[&str]) -> AddressSet {
        lines
            .iter()
            .map(|line| Range::parse(line).unwrap())
            .collect()
    }

    fn holds(set: &AddressSet, address: &str) -> bool {
        set.contains(address.parse().unwrap())
    }

    /// J21, J28: the forms of a line, in both families.
    #[test]
    fn j21_addresses_networks_and_ranges() {
        let set = set(&[
            "192.0.2.9",
            "192.0.2.0/30",
            "192.0.2.128 - 192.0.2.140",
            "198.51.100.7-198.51.100.8",
            "2001:db8:2::/48",
        ]);
        for inside in [
            "192.0.2.9",
            "::ffff:192.0.2.9",
            "192.0.2.3",
            "192.0.2.128",
            "192.0.2.140",
            "198.51.100.8",
            "2001:db8:2:ffff::1",
        ] {
            assert!(holds(&set, inside), "{inside}");
        }
        for outside in ["192.0.2.8", "192.0.2.4", "192.0.2.141", "2001:db8:3::"] {
            assert!(!holds(&set, outside), "{outside}");
        }
        assert_eq!(set.len(), 5);
    }

    #[test]
    fn what_is_no_network_is_said() {
        for wrong in [
            "",
            "192.0.2",
            "192.0.2.0/33",
            "2001:db8::/129",
            "192.0.2.9 - 192.0.2.1",
            "192.0.2.1 - 2001:db8::1",
            "192.0.2.1/",
            "host.example",
        ] {
            assert!(Range::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn networks_are_written_as_they_are_read() {
        for (text, written) in [
            ("192.0.2.9", "192.0.2.9"),
            ("192.0.2.9/24", "192.0.2.0/24"),
            ("2001:DB8::5/64", "2001:db8::/64"),
            ("::/0", "::/0"),
            ("0.0.0.0/0", "0.0.0.0/0"),
        ] {
            assert_eq!(Network::parse(text).unwrap().to_string(), written);
        }
        assert!(
            !Network::parse("0.0.0.0/0")
                .unwrap()
                .contains("2001:db8::".parse().unwrap())
        );
    }

    /// J28: an IPv6 /64 is one host.
    #[test]
    fn j28_hosts_and_neighbourhoods() {
        let of = |address: &str| {
            let address = address.parse().unwrap();
            (
                Network::host(address).to_string(),
                Network::neighbourhood(address).to_string(),
            )
        };
        assert_eq!(of("192.0.2.9"), ("192.0.2.9".into(), "192.0.2.0/24".into()));
        let both = "2001:db8:0:1::/64".to_owned();
        assert_eq!(of("2001:db8:0:1:2::3"), (both.clone(), both));
    }

    #[test]
    fn j20_a_white_list_makes_holes() {
        let black = set(&["192.0.2.0/24", "198.51.100.1", "2001:db8::/32"]);
        let white = set(&[
            "192.0.2.10",
            "192.0.2.20-192.0.2.30",
            "192.0.2.255",
            "2001:db8::/33",
        ]);
        let left = black.without(&white);
        for (address, listed) in [
            ("192.0.2.9", true),
            ("192.0.2.10", false),
            ("192.0.2.25", false),
            ("192.0.2.31", true),
            ("192.0.2.255", false),
            ("198.51.100.1", true),
            ("2001:db8::1", false),
            ("2001:db8:8000::1", true),
        ] {
            assert_eq!(holds(&left, address), listed, "{address}");
        }
    }

    fn some_ranges() -> impl Strategy<Value = Vec<(u8, u8)>> {
        proptest::collection::vec((any::<u8>(), any::<u8>()), 0..12)
    }

    fn small(ranges: &[(u8, u8)]) -> AddressSet {
        let range = |&(a, b): &(u8, u8)| Range {
            family: Family::Four,
            first: a.min(b).into(),
            last: a.max(b).into(),
        };
        ranges.iter().map(range).collect()
    }

    fn listed(ranges: &[(u8, u8)], n: u8) -> bool {
        ranges.iter().any(|&(a, b)| a.min(b) <= n && n <= a.max(b))
    }

    proptest! {
        #[test]
        fn sets_agree_with_their_ranges(black in some_ranges(), white in some_ranges()) {
            let left = small(&black).without(&small(&white));
            for n in 0..=u8::MAX {
                let address = Ipv4Addr::from_bits(n.into()).into();
                prop_assert_eq!(small(&black).contains(address), listed(&black, n));
                prop_assert_eq!(left.contains(address), listed(&black, n) && !listed(&white, n));
            }
        }

        #[test]
        fn no_text_panics(text in ".{0,60}") {
            let _ = Range::parse(&text);
        }
    }
}
