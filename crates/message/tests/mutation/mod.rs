//! Real-looking input, slightly wrong: seeds from a corpus folder, changed in a few places, cut into pieces. Shared by the corpus tests
//! of the crates that read what strangers send.

#![allow(dead_code)] // no crate uses all of it

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use std::path::Path;

/// One change. Positions are relative, so that they fit every seed.
#[derive(Clone, Debug)]
enum Change {
    Set(Index, u8),
    Insert(Index, Vec<u8>),
    Remove(Index, usize),
    Repeat(Index, usize, usize),
    Truncate(Index),
}

/// What tends to hurt parsers.
const NASTY: [&[u8]; 16] = [
    b"\0",
    b"\r",
    b"\n",
    b"\r\n",
    b"\r\n.\r\n",
    b"\xff\xfe",
    b"\xc3",
    b"\"",
    b"\\",
    b"((((((((",
    b"{99999999999999999999}\r\n",
    b"=?utf-8?q?=?=",
    b"--",
    b"%00",
    b"<>",
    b"18446744073709551616",
];

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        (any::<Index>(), any::<u8>()).prop_map(|(at, octet)| Change::Set(at, octet)),
        (any::<Index>(), select(&NASTY[..]))
            .prop_map(|(at, octets)| Change::Insert(at, octets.to_vec())),
        (any::<Index>(), vec(any::<u8>(), 1..4))
            .prop_map(|(at, octets)| Change::Insert(at, octets)),
        (any::<Index>(), 1..40usize).prop_map(|(at, length)| Change::Remove(at, length)),
        (any::<Index>(), 1..40usize, 2..60usize)
            .prop_map(|(at, length, times)| Change::Repeat(at, length, times)),
        any::<Index>().prop_map(Change::Truncate),
    ]
}

fn apply(octets: &mut Vec<u8>, change: &Change) {
    let place = |at: &Index| at.index(octets.len() + 1);
    match change {
        Change::Set(at, octet) if !octets.is_empty() => {
            let at = at.index(octets.len());
            octets[at] = *octet;
        }
        Change::Set(..) => {}
        Change::Insert(at, new) => {
            let at = place(at);
            octets.splice(at..at, new.iter().copied());
        }
        Change::Remove(at, length) => {
            let at = place(at);
            octets.drain(at..(at + length).min(octets.len()));
        }
        Change::Repeat(at, length, times) => {
            let at = place(at);
            let piece = octets[at..(at + length).min(octets.len())].repeat(*times);
            octets.splice(at..at, piece);
        }
        Change::Truncate(at) => {
            let at = place(at);
            octets.truncate(at);
        }
    }
}

/// All files of a corpus folder.
pub(crate) fn seeds(folder: &Path) -> Vec<Vec<u8>> {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let mut paths: Vec<_> = entries
        .map(|entry| entry.expect("readable").path())
        .collect();
    paths.sort();
    paths
        .iter()
        .map(|path| std::fs::read(path).expect("readable"))
        .collect()
}

/// A seed with up to six changes.
pub(crate) fn mutated(seeds: Vec<Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
    assert!(!seeds.is_empty(), "the corpus is empty");
    (select(seeds), vec(change(), 0..6)).prop_map(|(mut octets, changes)| {
        changes.iter().for_each(|change| apply(&mut octets, change));
        octets
    })
}

/// Where a network might cut the octets: sizes of the pieces, repeated until all is used.
pub(crate) fn cuts() -> impl Strategy<Value = Vec<usize>> {
    vec(prop_oneof![1..4usize, 1..100usize, 1000..5000usize], 1..8)
}

/// The octets in pieces of these sizes.
pub(crate) fn pieces<'a>(
    octets: &'a [u8],
    cuts: &'a [usize],
) -> impl Iterator<Item = &'a [u8]> + 'a {
    let mut rest = octets;
    let mut sizes = cuts.iter().cycle();
    std::iter::from_fn(move || {
        let size = (*sizes.next()?).min(rest.len());
        let (piece, left) = rest.split_at(size);
        rest = left;
        (!piece.is_empty()).then_some(piece)
    })
}
