//! Lists of addresses in files and feeds: how they are described (`spamd_conf`), read (`format`), and asked ([`Lists`]).

pub mod format;
pub mod spamd_conf;

use super::network::AddressSet;
use spamd_conf::{Colour, Source};
use std::net::IpAddr;

/// Black lists in force, each without the addresses of the white lists behind it.
#[derive(Clone, Debug, Default)]
pub struct Lists {
    black: Vec<Black>,
}

#[derive(Clone, Debug)]
struct Black {
    name: String,
    message: String,
    addresses: AddressSet,
}

/// An address that is on a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    /// The name of the list.
    pub list: String,
    /// What the client is told (J24), the address filled in.
    pub message: String,
}

impl Lists {
    /// Puts lists together in the order of their sources; a white list without a black one before it does nothing (J20). The text of an
    /// rbldnsd zone is told where the source has no message of its own.
    pub fn new<'a>(sources: impl IntoIterator<Item = (&'a Source, &'a format::Listed)>) -> Lists {
        let mut lists = Lists::default();
        for (source, listed) in sources {
            match (source.colour, lists.black.last_mut()) {
                (Colour::Black, _) => lists.black.push(Black {
                    name: source.name.clone(),
                    message: source.message.clone(),
                    addresses: listed.addresses.clone(),
                }),
                (Colour::White, Some(black)) => {
                    black.addresses = black.addresses.without(&listed.addresses);
                }
                (Colour::White, None) => {}
            }
        }
        lists
    }

    /// The first list that holds the address.
    pub fn find(&self, address: IpAddr) -> Option<Hit> {
        let black = self
            .black
            .iter()
            .find(|black| black.addresses.contains(address))?;
        Some(Hit {
            list: black.name.clone(),
            message: spamd_conf::filled(&black.message, address),
        })
    }

    /// Each list's name and how many ranges it holds.
    pub fn sizes(&self) -> impl Iterator<Item = (&str, usize)> {
        self.black
            .iter()
            .map(|black| (black.name.as_str(), black.addresses.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// J20, J24: order, white lists, and the words of each list.
    #[test]
    fn j20_white_lists_except_from_the_list_before_them() {
        let conf = "all:a:w:b:\na:black:file=/a:msg=\"%A is on a\":\nw:white:file=/w:\nb:black:file=/b:msg=\"%A is on b\":\n";
        let sources = spamd_conf::parse(conf).unwrap();
        let contents = ["192.0.2.0/24", "192.0.2.9", "192.0.2.9\n198.51.100.1"];
        let listed = contents.map(|content| format::read(content.as_bytes()).unwrap());
        let lists = Lists::new(sources.iter().zip(&listed));
        let told = |address: &str| lists.find(address.parse().unwrap()).map(|hit| hit.message);
        assert_eq!(told("192.0.2.8").unwrap(), "192.0.2.8 is on a");
        assert_eq!(told("192.0.2.9").unwrap(), "192.0.2.9 is on b");
        assert_eq!(told("203.0.113.1"), None);
        let sizes: Vec<_> = lists.sizes().collect();
        assert_eq!(sizes, [("a", 2), ("b", 2)]);
    }
}
