//! Lists of web addresses that mail should not link to, such as false log-in pages (I23), as feeds bring them: one a line, plain or gzipped. Kept
//! as hashes. Where they come from is not known here, and nothing is fetched that they name.
//!
//! Addresses are compared without scheme, usual port, fragment and final slash. A link is looked up without its query too, since each copy of a
//! mailing has another one.

use crate::document::{Link, page};
use crate::gate::lists::format::{MOST_OCTETS, unpack};
use std::hash::{DefaultHasher, Hash, Hasher};

/// The most addresses of a list: 8 MB.
pub const MOST: usize = 1_000_000;

/// The addresses of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LinkList {
    /// Sorted, each once.
    hashes: Vec<u64>,
    /// Lines that could not be read.
    pub unreadable: usize,
}

/// Why a file is no list.
#[derive(Debug, thiserror::Error)]
pub enum NotAList {
    /// Over the bounds of octets, or [`MOST`].
    #[error("the list is larger than {MOST_OCTETS} octets or {MOST} lines")]
    TooLarge,
    /// It cannot be unpacked.
    #[error("{0}")]
    Packed(#[from] crate::gate::lists::format::NotAList),
    /// There are lines, and none of them is a web address.
    #[error("none of its {0} lines is a web address: this is not a list of them")]
    NoLink(usize),
}

impl LinkList {
    /// Reads a list. An empty one is a list.
    pub fn read(octets: &[u8]) -> Result<LinkList, NotAList> {
        let unpacked = unpack(octets)?;
        let mut list = LinkList::default();
        for line in unpacked.split(|octet| *octet == b'\n') {
            let line = String::from_utf8_lossy(line);
            match (line.trim(), page(line.trim())) {
                ("", _) => {}
                (comment, _) if comment.starts_with('#') => {}
                (_, Some(page)) => list.hashes.push(hash(&page)),
                (_, None) => list.unreadable += 1,
            }
            if list.hashes.len() > MOST {
                return Err(NotAList::TooLarge);
            }
        }
        if list.hashes.is_empty() && list.unreadable > 0 {
            return Err(NotAList::NoLink(list.unreadable));
        }
        list.hashes.sort_unstable();
        list.hashes.dedup();
        Ok(list)
    }

    /// Whether this link is on it.
    pub fn holds(&self, link: &Link) -> bool {
        let Some(page) = page(&link.url) else {
            return false;
        };
        let bare = page.split('?').next().unwrap_or_default();
        self.has(&page) || self.has(bare.trim_end_matches('/'))
    }

    fn has(&self, page: &str) -> bool {
        self.hashes.binary_search(&hash(page)).is_ok()
    }

    /// How many addresses are on it.
    pub fn len(&self) -> usize {
        self.hashes.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.hashes.is_empty()
    }
}

/// Its keys are always the same; who finds two addresses of one hash gains nothing.
fn hash(page: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    page.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::Place;
    use proptest::prelude::*;

    const FEED: &str = "# false log-in pages\r\nhttps://Evil.example/login.php\nhttp://pages.example:8080/bank/?id=7\nhttp://whole.example/\n\nrubbish\n";

    /// I23: what is the same page for a browser is the same here, and nothing else is.
    #[test]
    fn i23_pages_are_known_however_they_are_written() {
        let list = LinkList::read(FEED.as_bytes()).unwrap();
        assert_eq!((list.len(), list.unreadable), (3, 1));
        let holds = |url: &str| list.holds(&Link::new(url, Place::Text));
        for hit in [
            "https://evil.example/login.php",
            "http://EVIL.example:80/login.php#top",
            "https://evil.example/login.php?to=alice",
            "https://user@%65vil.example/login.php",
            "http://pages.example:8080/bank/?id=7",
            "http://whole.example",
        ] {
            assert!(holds(hit), "{hit}");
        }
        for miss in [
            "https://evil.example/",
            "https://evil.example/login.php/more",
            "https://evil.example.org/login.php",
            "http://pages.example:8080/bank/?id=8",
            "http://pages.example/bank/?id=7",
            "http://whole.example/news",
            "mailto:a@evil.example",
        ] {
            assert!(!holds(miss), "{miss}");
        }
    }

    /// J22: the page that a dead feed shows must not become an empty list; a flood is none.
    #[test]
    fn i23_what_is_no_list_is_said() {
        let page = b"<!DOCTYPE html>\n<html>\n<p>gone\n";
        assert!(matches!(LinkList::read(page), Err(NotAList::NoLink(3))));
        assert!(LinkList::read(b"# none today\n").unwrap().is_empty());
        let flood = "http://a.example/x\n".repeat(MOST + 1);
        assert!(matches!(
            LinkList::read(flood.as_bytes()),
            Err(NotAList::TooLarge)
        ));
        assert!(matches!(
            LinkList::read(b"\x1f\x8bbroken"),
            Err(NotAList::Packed(_))
        ));
    }

    proptest! {
        #[test]
        fn no_octets_panic(octets in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = LinkList::read(&octets);
        }
    }
}
