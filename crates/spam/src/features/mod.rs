//! What the classifier sees of a message: three views, each a set of hashed features (present or not).
//!
//! * *raw*: runs of four octets of the beginning as received, header and all;
//! * *text*: runs of four octets of Subject, From and the visible text;
//! * *tokens*: words, pairs, structure ([`tokens`]).
//!
//! Hashes are part of the stored model: a change of them makes what was learned worthless, and needs a new [`VERSION`].

mod compact;
mod hash;
mod tokens;

pub use compact::Compact;

use crate::mail::Mail;

/// Of the features and their hashes.
pub const VERSION: u8 = 1;
/// Bits of a feature; its low bits are its slot in a smaller model.
pub const BITS: u32 = 20;
/// The number of views.
pub const VIEWS: usize = 3;

/// Octets of the beginning that the raw view sees.
const RAW: usize = 2000;
/// Octets of the text that the text view sees.
const TEXT: usize = 1500;

/// The views, as they index [`Features`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    /// Octets as received.
    Raw = 0,
    /// Visible text.
    Text = 1,
    /// Words and structure.
    Tokens = 2,
}

/// The features of a message: for each view sorted, each once, below 2^[`BITS`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Features {
    /// By [`View`].
    pub views: [Vec<u32>; VIEWS],
}

impl Features {
    /// The features of a message.
    pub fn of(mail: &Mail<'_>) -> Features {
        Features {
            views: [raw(mail), text(mail), tokens::tokens(mail)],
        }
    }

    /// A short name of the message, by which a second learning of it is known: equal features, equal digest.
    pub fn digest(&self) -> u64 {
        let all = self.views.iter().flatten();
        all.fold(hash::SEED, |digest, feature| {
            hash::mix(digest, u64::from(*feature))
        })
    }
}

fn raw(mail: &Mail<'_>) -> Vec<u32> {
    let octets = &mail.octets[..mail.octets.len().min(RAW)];
    let mut features = Vec::with_capacity(octets.len());
    grams(octets, 1, &mut features);
    distinct(features)
}

fn text(mail: &Mail<'_>) -> Vec<u32> {
    let from = mail.value("from").unwrap_or_default();
    let mut visible = format!("{}\n{from}\n", mail.subject);
    visible.push_str(crate::mail::beginning(&mail.text, TEXT));
    let mut features = Vec::with_capacity(visible.len());
    let visible = visible.as_bytes();
    grams(&visible[..visible.len().min(TEXT)], 2, &mut features);
    distinct(features)
}

fn grams(octets: &[u8], view: u32, features: &mut Vec<u32>) {
    let number = |run: &[u8]| {
        let little_end_first = run.iter().rev();
        little_end_first.fold(0, |number, octet| number << 8 | u32::from(*octet))
    };
    let runs = octets.windows(4).map(number);
    features.extend(runs.map(|run| hash::gram(run, view)));
}

fn distinct(features: Vec<u32>) -> Vec<u32> {
    let mut features = sorted(features);
    features.dedup();
    features
}

/// Half the bits of a feature.
const HALF: u32 = BITS / 2;

/// Sorts by the lower half of the bits, then by the upper half: a message has thousands of features, and comparing them would be most of what a
/// look at it costs.
fn sorted(mut features: Vec<u32>) -> Vec<u32> {
    let mut other = vec![0; features.len()];
    for shift in [0, HALF] {
        let digit = |feature: u32| (feature >> shift) as usize & ((1 << HALF) - 1);
        let mut ends = [0_usize; 1 << HALF];
        for feature in &features {
            ends[digit(*feature)] += 1;
        }
        let mut end = 0;
        for count in &mut ends {
            end += std::mem::replace(count, end);
        }
        // Each is now where the first of its digit goes.
        for feature in &features {
            let place = &mut ends[digit(*feature)];
            other[*place] = *feature;
            *place += 1;
        }
        std::mem::swap(&mut features, &mut other);
    }
    features
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn features_are_sorted() {
        let all = |n: u32| (0..n).map(|n| n.wrapping_mul(0x9e37_79b9) >> (32 - BITS));
        for n in [0, 1, 2, 500, 20_000] {
            let mut expected: Vec<u32> = all(n).collect();
            expected.sort_unstable();
            assert_eq!(sorted(all(n).collect()), expected);
        }
        assert_eq!(
            distinct(vec![7, (1 << BITS) - 1, 0, 7]),
            [0, 7, (1 << BITS) - 1]
        );
    }

    #[test]
    fn features_are_stable() {
        let features = Features::of(&Mail::open(
            b"From: a@b.test\r\nSubject: hello\r\n\r\nhello world\r\n",
        ));
        // A model that has been stored knows these numbers: whoever changes them makes it worthless.
        assert_eq!(features.digest(), 16_569_203_529_837_532_512);
        for view in &features.views {
            assert!(view.is_sorted() && !view.is_empty() && view.iter().all(|f| *f < 1 << BITS));
        }
        assert_ne!(
            features.digest(),
            Features::of(&Mail::open(b"From: a@b.test\r\n\r\nhello\r\n")).digest()
        );
    }
}
