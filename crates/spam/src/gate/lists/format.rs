//! The files that lists of addresses come in (J21): one address, network or range a line, or an rbldnsd zone of addresses; plain or
//! gzipped. A line that cannot be read is counted and passed over: one bad line must not let a list of thousands fall out.
//!
//! Zones of rbldnsd (its ip4set, ip4trie and ip6trie) know short forms: `192.0.2` is a /24, `192.0.2.7-9` three addresses. Elsewhere they
//! count as unreadable, since a number alone on a line of anything else should not block an eighth of a continent.
//!
//! Bounds: so many octets of a file, unpacked, and so many ranges; what is over is an error, since half a list is not that list.

use crate::gate::network::{AddressSet, Range};
use flate2::read::MultiGzDecoder;
use std::borrow::Cow;
use std::io::Read;

/// The largest list, unpacked.
pub const MOST_OCTETS: u64 = 64 * 1024 * 1024;
/// The most lines that hold addresses: some 50 MB while the list is read.
pub const MOST_RANGES: usize = 1_000_000;

/// What a list holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listed {
    /// The addresses on it.
    pub addresses: AddressSet,
    /// What an rbldnsd zone says of them by itself (`:127.0.0.2:text`).
    pub text: Option<String>,
    /// Lines that could not be read.
    pub unreadable: usize,
}

/// Why a file is no list.
#[derive(Debug, thiserror::Error)]
pub enum NotAList {
    /// Over [`MOST_OCTETS`] or [`MOST_RANGES`].
    #[error("the list is larger than {MOST_OCTETS} octets or {MOST_RANGES} lines")]
    TooLarge,
    /// It begins as gzip does and goes on otherwise.
    #[error("the list cannot be unpacked: {0}")]
    Gzip(std::io::Error),
    /// There are lines, and none of them is an address.
    #[error(
        "none of its {0} lines is an address, a network or a range: this is not a list of addresses"
    )]
    NoAddress(usize),
}

/// Reads a list in any of the forms. An empty one is a list: nobody is on it.
pub fn read(octets: &[u8]) -> Result<Listed, NotAList> {
    let unpacked = unpack(octets)?;
    let mut reader = Reader::default();
    for line in unpacked.split(|&octet| octet == b'\n') {
        reader.line(&String::from_utf8_lossy(line));
        if reader.listed.len() + reader.excepted.len() > MOST_RANGES {
            return Err(NotAList::TooLarge);
        }
    }
    match reader.listed.is_empty() && reader.unreadable > 0 {
        true => Err(NotAList::NoAddress(reader.unreadable)),
        false => Ok(reader.finish()),
    }
}

pub(crate) fn unpack(octets: &[u8]) -> Result<Vec<u8>, NotAList> {
    let mut unpacked = Vec::new();
    let read = match octets.starts_with(&[0x1f, 0x8b]) {
        true => MultiGzDecoder::new(octets)
            .take(MOST_OCTETS + 1)
            .read_to_end(&mut unpacked),
        false => octets.take(MOST_OCTETS + 1).read_to_end(&mut unpacked),
    };
    read.map_err(NotAList::Gzip)?;
    match unpacked.len() as u64 > MOST_OCTETS {
        true => Err(NotAList::TooLarge),
        false => Ok(unpacked),
    }
}

#[derive(Default)]
struct Reader {
    listed: Vec<Range>,
    /// `!` in an rbldnsd zone.
    excepted: Vec<Range>,
    text: Option<String>,
    unreadable: usize,
    /// It is a zone: there was a directive or an answer.
    is_zone: bool,
}

impl Reader {
    fn line(&mut self, line: &str) {
        let line = line.trim();
        match line.as_bytes().first() {
            None | Some(b'#' | b';') => {}
            // A directive of rbldnsd (SOA, NS, TTL).
            Some(b'$') => self.is_zone = true,
            Some(b':') => self.default_answer(line),
            Some(b'!') => self.add(&line[1..], true),
            Some(_) => self.add(line, false),
        }
    }

    /// `:127.0.0.2:text` holds for the addresses below; the first is what people are told.
    fn default_answer(&mut self, line: &str) {
        self.is_zone = true;
        let text = line.splitn(3, ':').nth(2).unwrap_or_default().trim();
        if self.text.is_none() && !text.is_empty() {
            self.text = Some(text.to_owned());
        }
    }

    fn add(&mut self, line: &str, except: bool) {
        let text = address_part(line);
        let mut forms = Form::ALL
            .iter()
            .filter(|form| self.is_zone || !form.is_of_zones());
        match forms.find_map(|form| form.read(without_value(&text))) {
            Some(range) if except => self.excepted.push(range),
            Some(range) => self.listed.push(range),
            None => self.unreadable += 1,
        }
    }

    fn finish(self) -> Listed {
        let excepted: AddressSet = self.excepted.into_iter().collect();
        let listed: AddressSet = self.listed.into_iter().collect();
        Listed {
            addresses: match excepted.is_empty() {
                true => listed,
                false => listed.without(&excepted),
            },
            text: self.text,
            unreadable: self.unreadable,
        }
    }
}

/// How a line says which addresses it means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// `192.0.2.9`, `2001:db8::1`
    Address,
    /// `192.0.2.0/24`, `2001:db8::/32`
    Network,
    /// `192.0.2.1 - 192.0.2.9`
    Range,
    /// `192.0.2`, `10/8`, `2001:db8:0:1`
    Prefix,
    /// `192.0.2.1-9`, `192.0.2-3`
    ShortRange,
}

impl Form {
    const ALL: [Form; 5] = [
        Form::Address,
        Form::Network,
        Form::Range,
        Form::Prefix,
        Form::ShortRange,
    ];

    /// Only zones of rbldnsd have it.
    fn is_of_zones(self) -> bool {
        matches!(self, Form::Prefix | Form::ShortRange)
    }

    fn read(self, text: &str) -> Option<Range> {
        let (network, range) = (text.contains('/'), text.contains('-'));
        match self {
            Form::Address if !network && !range => Range::parse(text).ok(),
            Form::Network if network && !range => Range::parse(text).ok(),
            Form::Range if range => Range::parse(text).ok(),
            Form::Prefix if !range => prefix(text),
            Form::ShortRange => short_range(text),
            _ => None,
        }
    }
}

/// The first octets of an address (or the first groups, of IPv6), and perhaps how many bits of them count.
fn prefix(text: &str) -> Option<Range> {
    let (start, bits) = match text.split_once('/') {
        Some((start, bits)) => (start, Some(bits)),
        None => (text, None),
    };
    let (whole, width) = match start.contains(':') {
        true => (format!("{start}::"), 16 * start.split(':').count()),
        false => (filled(start, "0")?, 8 * start.split('.').count()),
    };
    let bits = bits.map_or_else(|| width.to_string(), str::to_owned);
    Range::parse(&format!("{whole}/{bits}")).ok()
}

/// Behind the `-` stands the other end of the last octet.
fn short_range(text: &str) -> Option<Range> {
    let (first, last) = text.split_once('-')?;
    let front = first.rsplit_once('.').map(|(front, _)| format!("{front}."));
    let last = format!("{}{last}", front.unwrap_or_default());
    let (first, last) = (filled(first, "0")?, filled(&last, "255")?);
    Range::parse(&format!("{first}-{last}")).ok()
}

/// The first octets of an IPv4 address with others in the place of those that are missing.
fn filled(start: &str, other: &str) -> Option<String> {
    let missing = 4_usize.checked_sub(start.split('.').count())?;
    Some(format!("{start}{}", format!(".{other}").repeat(missing)))
}

/// What stands before a comment, or before the value that rbldnsd allows behind an address: `192.0.2.7 :3:text`, `192.0.2.7:3:text`,
/// `192.0.2.0/24 text`.
fn address_part(line: &str) -> Cow<'_, str> {
    let line = line.split(['#', ';']).next().unwrap_or_default().trim();
    let mut words = line.split_whitespace();
    let (Some(first), second) = (words.next(), words.next()) else {
        return line.into();
    };
    // A range may have blanks around its sign; a text may have signs of its own.
    let (starts, ends) = (
        first.strip_suffix('-'),
        second.and_then(|word| word.strip_prefix('-')),
    );
    match (starts, ends) {
        (Some(start), _) => format!("{start}-{}", second.unwrap_or_default()).into(),
        (None, Some("")) => format!("{first}-{}", words.next().unwrap_or_default()).into(),
        (None, Some(end)) => format!("{first}-{end}").into(),
        (None, None) => first.into(),
    }
}

/// Cuts a value off that follows an IPv4 address without a blank.
fn without_value(word: &str) -> &str {
    match word.split_once(':') {
        Some((address, _)) if address.contains('.') => address,
        _ => word,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use proptest::prelude::*;
    use std::io::Write;

    fn listed(list: &Listed, address: &str) -> bool {
        list.addresses.contains(address.parse().unwrap())
    }

    const PLAIN: &str = "# comment\n192.0.2.9\r\n192.0.2.64/26 # with a note\n\n192.0.2.128 - 192.0.2.140\n2001:db8:2::/48\nnonsense\n";

    /// J21
    #[test]
    fn j21_plain_lists() {
        let list = read(PLAIN.as_bytes()).unwrap();
        for address in ["192.0.2.9", "192.0.2.127", "192.0.2.131", "2001:db8:2::7"] {
            assert!(listed(&list, address), "{address}");
        }
        assert!(!listed(&list, "192.0.2.10"));
        assert_eq!(list.unreadable, 1);
    }

    /// J21: a line of each form, an address that it means and one beside it. A form without a sample does not compile.
    #[test]
    fn j21_every_form_has_a_hit_and_a_miss() {
        let sample = |form| match form {
            Form::Address => [
                ("192.0.2.9", "192.0.2.9", "192.0.2.10"),
                ("2001:db8::1", "2001:db8::1", "2001:db8::2"),
            ],
            Form::Network => [
                ("192.0.2.64/26", "192.0.2.127", "192.0.2.128"),
                ("2001:db8:2::/48", "2001:db8:2::7", "2001:db8:3::7"),
            ],
            Form::Range => [
                ("192.0.2.128 - 192.0.2.140", "192.0.2.140", "192.0.2.141"),
                ("2001:db8::1-2001:db8::3", "2001:db8::2", "2001:db8::4"),
            ],
            Form::Prefix => [
                ("192.0.2", "192.0.2.255", "192.0.3.0"),
                ("2001:db8:0:1", "2001:db8:0:1::7", "2001:db8:0:2::7"),
            ],
            Form::ShortRange => [
                ("192.0.2.7-9", "192.0.2.8", "192.0.2.10"),
                ("192.0.2-3", "192.0.3.255", "192.0.4.0"),
            ],
        };
        for form in Form::ALL {
            for (line, hit, miss) in sample(form) {
                for text in ["", " # a note", " ; a note"] {
                    let plain = read(format!("{line}{text}\n").as_bytes());
                    match form.is_of_zones() {
                        true => assert!(plain.is_err(), "{line}: in a list that is no zone"),
                        false => assert!(listed(&plain.unwrap(), hit), "{line}"),
                    }
                }
                for value in ["", " :3:a text", " a text with a - sign - in it"] {
                    let zone = format!(":127.0.0.2:bad\n{line}{value}\n");
                    let zone = read(zone.as_bytes()).unwrap();
                    assert!(listed(&zone, hit), "{line}{value}: {hit}");
                    assert!(!listed(&zone, miss), "{line}{value}: {miss}");
                    assert_eq!(zone.unreadable, 0, "{line}{value}");
                    let except = format!(":127.0.0.2:bad\n0/0\n2000::/3\n!{line}{value}\n");
                    let except = read(except.as_bytes()).unwrap();
                    assert!(!listed(&except, hit), "!{line}{value}: {hit}");
                    assert!(listed(&except, miss), "!{line}{value}: {miss}");
                }
            }
        }
    }

    /// J21: lines as uceprotect's and whitelisted.org's zones have them.
    #[test]
    fn j21_values_behind_addresses() {
        let zone = "$NS 3600 ns.example.org\n:127.0.0.2:Level-1 listed, see https://www.example.org/?ip=$\n\
                    192.0.2.0/24 Net 192.0.2.0/24 is Level-2 listed - 5 abusers at ISP-7\n\
                    198.51.100.7:127.0.0.3:by hand\n10/8\n!10.1\n2001:db8:1::/48 a net - of IPv6\n";
        let list = read(zone.as_bytes()).unwrap();
        for (address, expected) in [
            ("192.0.2.77", true),
            ("198.51.100.7", true),
            ("10.2.3.4", true),
            ("10.1.3.4", false),
            ("2001:db8:1::1", true),
        ] {
            assert_eq!(listed(&list, address), expected, "{address}");
        }
        assert_eq!(list.unreadable, 0);
        for nonsense in [
            "1-",
            "-",
            "1.2.3.4-",
            "- 1.2.3.4",
            "300",
            "1.2.3.4.5",
            "/8",
            "::1-2",
            ":::",
        ] {
            let list = read(format!("$TTL 1\n192.0.2.1\n{nonsense}\n").as_bytes()).unwrap();
            assert!(
                list.unreadable == 1 || nonsense.starts_with(':'),
                "{nonsense}"
            );
            assert_eq!(list.addresses.len(), 1, "{nonsense}");
        }
    }

    /// J21: an rbldnsd zone has a text, exceptions, directives, and values behind addresses.
    #[test]
    fn j21_rbldnsd_zones() {
        let zone = "$SOA 3600 ns.example.org. admin.example.org. 0 1h 1h 1d 1h\n$NS 3600 ns.example.org.\n\
                    :127.0.0.2:listed, see the list's page\n192.0.2.0/24\n!192.0.2.10\n198.51.100.7 :3:another text\n";
        let list = read(zone.as_bytes()).unwrap();
        assert!(listed(&list, "192.0.2.9") && !listed(&list, "192.0.2.10"));
        assert!(listed(&list, "198.51.100.7"));
        assert_eq!(list.text.as_deref(), Some("listed, see the list's page"));
        assert_eq!(list.unreadable, 0);
    }

    fn gzipped(octets: &[u8]) -> Vec<u8> {
        let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
        packed.write_all(octets).unwrap();
        packed.finish().unwrap()
    }

    /// J21: gzip is known by how it begins; a broken one and a bomb are no lists.
    #[test]
    fn j21_gzip() {
        let packed = gzipped(PLAIN.as_bytes());
        assert_eq!(read(&packed).unwrap(), read(PLAIN.as_bytes()).unwrap());
        let cut = &packed[..packed.len() / 2];
        assert!(matches!(read(cut), Err(NotAList::Gzip(_))));
        let bomb = gzipped(&vec![b'#'; MOST_OCTETS as usize + 1]);
        assert!(matches!(read(&bomb), Err(NotAList::TooLarge)));
    }

    /// J21: what an enemy, or a fault, puts in the place of a feed costs no more than a large list.
    #[test]
    fn j21_hostile_lists_are_bounded() {
        for line in ["1.1.1.1\n", "!1.1.1.1\n", "2001:db8::1\n"] {
            let flood = gzipped(line.repeat(MOST_RANGES + 1).as_bytes());
            assert!(flood.len() < 200_000);
            assert!(matches!(read(&flood), Err(NotAList::TooLarge)), "{line}");
        }
        let bomb = gzipped(&vec![b'#'; MOST_OCTETS as usize + 2]);
        assert!(matches!(read(&bomb), Err(NotAList::TooLarge)));
        let blank = gzipped(&vec![b'\n'; 1 << 20]);
        assert!(read(&blank).unwrap().addresses.is_empty());
        assert!(matches!(
            read(b"\x1f\x8b\x08broken"),
            Err(NotAList::Gzip(_))
        ));
    }

    /// J22: the page that a dead feed shows must not become an empty list.
    #[test]
    fn j22_a_web_page_is_not_a_list() {
        let page = b"<!DOCTYPE html>\n<html>\n<p>This list has moved.\n";
        assert!(matches!(read(page), Err(NotAList::NoAddress(3))));
        assert!(read(b"# nobody today\n").unwrap().addresses.is_empty());
    }

    proptest! {
        #[test]
        fn no_octets_panic(octets in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = read(&octets);
        }
    }
}
