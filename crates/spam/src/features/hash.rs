//! The hashes of features: stable across versions and machines, with good low bits. Not against attackers: whoever makes two
//! features collide gains as little as with a word that both kinds of mail use.

use super::BITS;

/// Where a hash begins.
pub(super) const SEED: u64 = 0x9e37_79b9_7f4a_7c15;
const MASK: u64 = (1 << BITS) - 1;

/// Brings a value into a hash.
pub(super) fn mix(hash: u64, value: u64) -> u64 {
    let mixed = (hash ^ value).wrapping_mul(0xff51_afd7_ed55_8ccd);
    mixed ^ (mixed >> 32)
}

/// The feature of a hash.
pub(super) fn feature(hash: u64) -> u32 {
    let last = hash.wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    ((last ^ (last >> 33)) & MASK) as u32
}

/// The feature of a run of four octets.
pub(super) fn gram(run: u32, view: u32) -> u32 {
    feature(mix(SEED, u64::from(run) | u64::from(view) << 32))
}

/// The hash of a text, case and all.
pub(super) fn text(hash: u64, text: &str) -> u64 {
    let (words, rest) = text.as_bytes().as_chunks::<8>();
    let hash = words
        .iter()
        .fold(hash, |hash, word| mix(hash, u64::from_le_bytes(*word)));
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    mix(mix(hash, u64::from_le_bytes(last)), text.len() as u64)
}
