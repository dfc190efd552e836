//! The files that lists of addresses come in (J21): one address, network or range a line, or an rbldnsd zone of addresses; plain or
//! gzipped. A line that cannot be read is counted and passed over: one bad line must not let a list of thousands fall out.
//!
//! Bounds: so many octets of a file, unpacked, and so many ranges; what is over is an error, since half a list is not that list.

use crate::gate::network::{AddressSet, Range};
use flate2::read::MultiGzDecoder;
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

fn unpack(octets: &[u8]) -> Result<Vec<u8>, NotAList> {
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
}

impl Reader {
    fn line(&mut self, line: &str) {
        let line = line.trim();
        match line.as_bytes().first() {
            // `$` is an rbldnsd directive (SOA, NS, TTL).
            None | Some(b'#' | b';' | b'$') => {}
            Some(b':') => self.default_answer(line),
            Some(b'!') => self.add(&line[1..], true),
            Some(_) => self.add(line, false),
        }
    }

    /// `:127.0.0.2:text` holds for the addresses below; the first is what people are told.
    fn default_answer(&mut self, line: &str) {
        let text = line.splitn(3, ':').nth(2).unwrap_or_default().trim();
        if self.text.is_none() && !text.is_empty() {
            self.text = Some(text.to_owned());
        }
    }

    fn add(&mut self, line: &str, except: bool) {
        match Range::parse(address_part(line)) {
            Ok(range) if except => self.excepted.push(range),
            Ok(range) => self.listed.push(range),
            Err(_) => self.unreadable += 1,
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

/// What stands before a comment, or before the value that rbldnsd allows behind an address.
fn address_part(line: &str) -> &str {
    let line = line.split(['#', ';']).next().unwrap_or_default().trim();
    if line.contains('-') {
        return line;
    }
    line.split_whitespace().next().unwrap_or_default()
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

    /// J22: the page that a dead feed shows must not become an empty list.
    /// What an enemy, or a fault, puts in the place of a feed costs no more than a large list.
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
