//! The small form of a message's features: differences of the sorted numbers, seven bits to an octet. About 8 KB a message.
//!
//! It is what learning keeps: the old messages that are learned again, and the journal from which a model can be built anew.

use super::{BITS, Features, VERSION, VIEWS};
use serde::{Deserialize, Serialize};

/// Features in their small form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Compact(Vec<u8>);

impl Compact {
    /// Packs.
    pub fn pack(features: &Features) -> Compact {
        let length: usize = features.views.iter().map(Vec::len).sum();
        let mut octets = Vec::with_capacity(length * 3 / 2 + 16);
        octets.push(VERSION);
        for view in &features.views {
            number(view.len() as u32, &mut octets);
            let mut last = 0;
            for feature in view {
                number(feature - last, &mut octets);
                last = *feature;
            }
        }
        octets.shrink_to_fit();
        Compact(octets)
    }

    /// Unpacks. `None` if the octets are none of ours, or of another version.
    pub fn unpack(&self) -> Option<Features> {
        let mut rest = self.0.strip_prefix(&[VERSION])?;
        let mut features = Features::default();
        for view in 0..VIEWS {
            let count = take(&mut rest)? as usize;
            let mut last = 0_u32;
            // Each number takes at least an octet, so a false count cannot ask for much.
            let mut numbers = Vec::with_capacity(count.min(rest.len()));
            for _ in 0..count {
                last = last.checked_add(take(&mut rest)?)?;
                numbers.push(last);
            }
            (last < 1 << BITS).then_some(())?;
            features.views[view] = numbers;
        }
        Some(features)
    }

    /// As stored.
    pub fn octets(&self) -> &[u8] {
        &self.0
    }

    /// From what was stored.
    pub fn from_octets(octets: Vec<u8>) -> Compact {
        Compact(octets)
    }
}

fn number(mut value: u32, octets: &mut Vec<u8>) {
    while value >= 0x80 {
        octets.push(value as u8 | 0x80);
        value >>= 7;
    }
    octets.push(value as u8);
}

fn take(rest: &mut &[u8]) -> Option<u32> {
    let mut value = 0_u32;
    for shift in [0, 7, 14, 21] {
        let octet = *rest.split_off_first()?;
        value |= u32::from(octet & 0x7f) << shift;
        if octet & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn packing_loses_nothing(sets in proptest::array::uniform3(proptest::collection::btree_set(0_u32..1 << BITS, 0..60))) {
            let features = Features { views: sets.map(|set| set.into_iter().collect()) };
            let packed = Compact::pack(&features);
            prop_assert_eq!(Compact::from_octets(packed.octets().to_vec()).unpack(), Some(features));
        }

        #[test]
        fn no_octets_panic(mut octets in proptest::collection::vec(any::<u8>(), 0..60)) {
            let _ = Compact::from_octets(octets.clone()).unpack();
            octets.insert(0, VERSION);
            let _ = Compact::from_octets(octets).unpack();
        }
    }
}
