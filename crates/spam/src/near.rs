//! Near copies: is a message nearly the same as one that somebody has called unwanted (I25)? Spam comes in thousands of copies that differ in a
//! name, a number or a link.
//!
//! The text view of a message ([`Features`]) is a set of runs of four octets; of two sets that are alike, the least numbers by some order of
//! all numbers are probably the same (MinHash; Broder, "On the resemblance and containment of documents", 1997). Twenty-four such orders, three to
//! a *band*: messages of which nine in ten runs are the same have most bands in common, messages of which half are the same hardly one.
//! Where bands are kept is not known here.

use crate::features::{Features, View};
use crate::verdict::Reason;

/// Bands of a message.
pub const BANDS: usize = 8;
/// Messages with so many bands in common are near copies: of those that share 90 % of their runs 98 %, of those that share 50 % one in 500.
pub const ALIKE: u32 = 4;
/// Orders in a band.
const ORDERS: usize = 3;
/// A text of fewer runs is like too many others.
const LEAST: usize = 120;

/// The bands of a message; `None`: it says too little.
pub fn bands(features: &Features) -> Option<[u64; BANDS]> {
    let runs = &features.views[View::Text as usize];
    if runs.len() < LEAST {
        return None;
    }
    let mut bands = [0; BANDS];
    for (number, band) in bands.iter_mut().enumerate() {
        let mut hash = mixed(number as u64);
        for order in 0..ORDERS {
            let key = mixed((number * ORDERS + order + 1) as u64);
            let least = runs.iter().map(|run| mixed(u64::from(*run) ^ key)).min();
            hash = mixed(hash ^ least.unwrap_or(0));
        }
        *band = hash;
    }
    Some(bands)
}

/// A number in another order of all numbers (the finalizer of SplitMix64).
fn mixed(number: u64) -> u64 {
    let mut hash = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}

/// What near copies that were called unwanted, or wanted, say: one makes no junk alone; several do, unless people do not agree.
pub fn reason(unwanted: u32, wanted: u32) -> Option<Reason> {
    if unwanted <= wanted {
        return None;
    }
    let weight = if unwanted - wanted > 1 { 8.0 } else { 5.0 };
    let detail = match unwanted {
        1 => "it is nearly the same as a message that was called unwanted".to_owned(),
        many => format!("it is nearly the same as {many} messages that were called unwanted"),
    };
    Some(Reason::new("NEAR_COPY", weight, detail))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::Mail;

    fn bands_of(text: &str) -> Option<[u64; BANDS]> {
        bands(&Features::of(&Mail::open(
            format!("From: a@b.example\r\nSubject: an offer\r\n\r\n{text}\r\n").as_bytes(),
        )))
    }

    fn common(one: &str, other: &str) -> u32 {
        let (one, other) = (bands_of(one).unwrap(), bands_of(other).unwrap());
        one.iter().zip(other).filter(|(a, b)| **a == *b).count() as u32
    }

    const OFFER: &str = "Dear customer Number 4711, we have looked at your account and found that the prize of one million is still waiting \
        for you. Write to our agent, who pays it out on every working day of the week, and tell him the words that stand below this line. \
        He wants nothing but your name, the place where you live, and the number of your bank. Do not wait: on Friday it is gone for good.";
    const OTHER: &str = "Hello Anna, the train from Zurich comes at seven, and Paul will fetch us with the car of his mother. Could you bring the \
        tent and both of the lamps? The weather is said to be fine until Sunday, then rain. We shall eat at the lake and come home late, so \
        that nobody needs to cook. Kisses to the children, and do not forget the map that I left in the kitchen when we met last week.";

    /// I25: a near copy is recognised, another message is not.
    #[test]
    fn i25_near_copies_have_bands_in_common() {
        assert_eq!(common(OFFER, OFFER), BANDS as u32);
        let copy = OFFER
            .replace("Number 4711", "Number 0815")
            .replace("Friday", "Monday");
        assert!(common(OFFER, &copy) >= ALIKE);
        assert!(common(OFFER, OTHER) < ALIKE);
        assert_eq!(bands_of("Yes, please."), None, "it is like too many others");
    }

    #[test]
    fn several_weigh_more_than_one() {
        let weight = |unwanted, wanted| reason(unwanted, wanted).map(|reason| reason.weight);
        assert_eq!(weight(1, 0), Some(5.0));
        assert_eq!(weight(3, 1), Some(8.0));
        assert_eq!((weight(0, 0), weight(2, 2)), (None, None));
    }
}
