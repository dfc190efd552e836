//! SRS: senders of forwarded mail in a domain of ours, so that SPF passes and bounces find their way back (K19 to K21).
//!
//! `SRS0=HASH=DAY=domain=local@ours` stands for `local@domain`; a sender that another forwarder has rewritten already becomes
//! `SRS1=HASH=forwarder==rest@ours`, so that addresses do not grow with each hop (libspf2.org/srs). Hash and day are base32, since
//! local parts are compared without case here.

use aws_lc_rs::hmac;
use std::fmt;

/// Days after which a rewritten address is worth nothing: bounces come within them.
pub const LIFETIME_DAYS: u32 = 4;
/// Days are counted modulo this (two characters).
const DAYS: i64 = 1024;
/// Characters of a hash, 5 bits each: 40 bits that must be guessed over SMTP, within four days.
const HASH: usize = 8;
const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
const SECONDS_PER_DAY: i64 = 86_400;

/// Rewrites with one key, and reads what was rewritten with that or an older one.
pub struct Srs {
    key: hmac::Key,
    older: Vec<hmac::Key>,
}

/// Why a rewritten address is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SrsFault {
    /// Nobody here has made it.
    #[error("its hash is wrong: it was not made here, or its key is gone")]
    Forged,
    /// It is too old.
    #[error("it was made more than {LIFETIME_DAYS} days ago")]
    Expired,
    /// It is not written as it should be.
    #[error("it is not well-formed")]
    Malformed,
}

impl Srs {
    /// With the key that makes addresses, and those that made them before.
    pub fn new(key: &[u8], older: &[Vec<u8>]) -> Srs {
        let key_of = |octets: &[u8]| hmac::Key::new(hmac::HMAC_SHA256, octets);
        Srs {
            key: key_of(key),
            older: older.iter().map(|octets| key_of(octets)).collect(),
        }
    }

    /// The local part that stands for a sender. `now` in seconds since 1970.
    pub fn rewritten(&self, local: &str, domain: &str, now: i64) -> String {
        if let Some(rest) = tagged(local, "srs0") {
            return self.second_hop(domain, rest);
        }
        if let Some((forwarder, rest)) = tagged(local, "srs1").and_then(again) {
            return self.second_hop(forwarder, rest);
        }
        let day = day(now);
        let hash = self.hash(&self.key, &[&day, domain, local]);
        format!("SRS0={hash}={day}={domain}={local}")
    }

    /// `rest` is what followed `SRS0`, its separator included.
    fn second_hop(&self, forwarder: &str, rest: &str) -> String {
        let hash = self.hash(&self.key, &[forwarder, rest]);
        format!("SRS1={hash}={forwarder}={rest}")
    }

    /// The address behind a local part of ours; `None`: it is not a rewritten one.
    pub fn original(&self, local: &str, now: i64) -> Option<Result<String, SrsFault>> {
        if let Some(rest) = tagged(local, "srs0") {
            return Some(self.first(rest, now));
        }
        tagged(local, "srs1").map(|rest| self.second(rest))
    }

    fn first(&self, rest: &str, now: i64) -> Result<String, SrsFault> {
        let mut parts = rest[1..].splitn(4, '=');
        let mut next = || parts.next().filter(|part| !part.is_empty());
        let (hash, day_made, domain, local) = (next(), next(), next(), next());
        let (Some(hash), Some(day_made), Some(domain), Some(local)) =
            (hash, day_made, domain, local)
        else {
            return Err(SrsFault::Malformed);
        };
        self.check(hash, &[day_made, domain, local])?;
        match age(day_made, now) {
            None => Err(SrsFault::Malformed),
            Some(days) if days > i64::from(LIFETIME_DAYS) => Err(SrsFault::Expired),
            Some(_) => Ok(format!("{local}@{domain}")),
        }
    }

    fn second(&self, rest: &str) -> Result<String, SrsFault> {
        let (forwarder, original) = again(rest).ok_or(SrsFault::Malformed)?;
        let hash = rest[1..].split('=').next().unwrap_or_default();
        self.check(hash, &[forwarder, original])?;
        Ok(format!("SRS0{original}@{forwarder}"))
    }

    fn check(&self, hash: &str, parts: &[&str]) -> Result<(), SrsFault> {
        let given = hash.to_ascii_lowercase();
        let mut keys = std::iter::once(&self.key).chain(&self.older);
        let right = |key: &hmac::Key| {
            let ours = self.hash(key, parts);
            aws_lc_rs::constant_time::verify_slices_are_equal(ours.as_bytes(), given.as_bytes())
                .is_ok()
        };
        match keys.any(right) {
            true => Ok(()),
            false => Err(SrsFault::Forged),
        }
    }

    /// Without regard to case, as relays are free to change it.
    fn hash(&self, key: &hmac::Key, parts: &[&str]) -> String {
        let mut context = hmac::Context::with_key(key);
        for part in parts {
            context.update(part.to_lowercase().as_bytes());
            context.update(b"\0");
        }
        base32(context.sign().as_ref(), HASH)
    }
}

impl fmt::Debug for Srs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Srs")
    }
}

/// Does a local part look like a rewritten one?
pub fn is_rewritten(local: &str) -> bool {
    tagged(local, "srs0").is_some() || tagged(local, "srs1").is_some()
}

/// What follows the tag, its separator (`=`, `+` or `-`) included.
fn tagged<'a>(local: &'a str, tag: &str) -> Option<&'a str> {
    let head = local.get(..4)?;
    let rest = &local[4..];
    (head.eq_ignore_ascii_case(tag) && rest.starts_with(['=', '+', '-']) && rest.len() > 1)
        .then_some(rest)
}

/// `=HASH=forwarder=REST` of an SRS1 address: forwarder, and REST with the separator it begins with.
fn again(rest: &str) -> Option<(&str, &str)> {
    let (_, behind) = rest[1..].split_once('=')?;
    let (forwarder, original) = behind.split_once('=')?;
    let separated = original.starts_with(['=', '+', '-']) && original.len() > 1;
    (!forwarder.is_empty() && separated).then_some((forwarder, original))
}

fn day(now: i64) -> String {
    let day = now.div_euclid(SECONDS_PER_DAY).rem_euclid(DAYS) as usize;
    [ALPHABET[day >> 5], ALPHABET[day & 31]]
        .map(char::from)
        .iter()
        .collect()
}

/// Days since then.
fn age(text: &str, now: i64) -> Option<i64> {
    let value = |octet: u8| {
        let octet = octet.to_ascii_lowercase();
        ALPHABET.iter().position(|&known| known == octet)
    };
    let [high, low] = text.as_bytes() else {
        return None;
    };
    let made = (value(*high)? << 5 | value(*low)?) as i64;
    Some((now.div_euclid(SECONDS_PER_DAY) - made).rem_euclid(DAYS))
}

fn base32(octets: &[u8], characters: usize) -> String {
    let bits = |at: usize| {
        let (octet, shift) = (at / 8, at % 8);
        let first = u16::from(octets.get(octet).copied().unwrap_or(0)) << 8;
        let pair = first | u16::from(octets.get(octet + 1).copied().unwrap_or(0));
        (pair >> (11 - shift) & 31) as usize
    };
    (0..characters)
        .map(|index| char::from(ALPHABET[bits(index * 5)]))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW: i64 = 1_795_184_024;

    fn srs() -> Srs {
        Srs::new(b"key", &[])
    }

    /// K19
    #[test]
    fn k19_a_sender_comes_back() {
        let local = srs().rewritten("Bob.B", "Example.org", NOW);
        assert!(local.starts_with("SRS0="), "{local}");
        assert!(local.ends_with("=Example.org=Bob.B"), "{local}");
        assert_eq!(
            srs().original(&local, NOW),
            Some(Ok("Bob.B@Example.org".into()))
        );
        let lower = local.to_lowercase();
        assert_eq!(
            srs().original(&lower, NOW),
            Some(Ok("bob.b@example.org".into()))
        );
        assert_eq!(srs().original("bob", NOW), None);
        assert_eq!(srs().original("srs0", NOW), None);
    }

    /// K19: forged or old ones are refused.
    #[test]
    fn k19_forged_and_old_are_refused() {
        let local = srs().rewritten("bob", "example.org", NOW);
        let day = SECONDS_PER_DAY;
        assert!(matches!(srs().original(&local, NOW + 4 * day), Some(Ok(_))));
        for (text, now, fault) in [
            (local.clone(), NOW + 5 * day, SrsFault::Expired),
            (local.clone(), NOW - 2 * day, SrsFault::Expired),
            (local.replace("=bob", "=eve"), NOW, SrsFault::Forged),
            (local.replace("SRS0=", "SRS0=a"), NOW, SrsFault::Forged),
            (
                "SRS0=abcdefgh=aa=example.org=bob".into(),
                NOW,
                SrsFault::Forged,
            ),
            ("SRS0=abc=aa=example.org".into(), NOW, SrsFault::Malformed),
            ("SRS0==aa=example.org=bob".into(), NOW, SrsFault::Malformed),
            ("SRS1=abc".into(), NOW, SrsFault::Malformed),
            ("SRS1=abc=x==y".into(), NOW, SrsFault::Forged),
        ] {
            assert_eq!(srs().original(&text, now), Some(Err(fault)), "{text}");
        }
    }

    #[test]
    fn keys_change_without_loss() {
        let old = srs().rewritten("bob", "example.org", NOW);
        let changed = Srs::new(b"new", &[b"key".to_vec()]);
        assert!(matches!(changed.original(&old, NOW), Some(Ok(_))));
        let forgotten = Srs::new(b"new", &[]);
        assert_eq!(forgotten.original(&old, NOW), Some(Err(SrsFault::Forged)));
    }

    #[test]
    fn a_second_forwarder_leads_back_through_the_first() {
        let first = srs().rewritten("bob", "example.org", NOW);
        let second = Srs::new(b"second", &[]);
        let rewritten = second.rewritten(&first, "one.example", NOW);
        assert!(rewritten.starts_with("SRS1="), "{rewritten}");
        assert_eq!(
            second.original(&rewritten, NOW),
            Some(Ok(format!("{first}@one.example")))
        );
        let third = Srs::new(b"third", &[]);
        let again = third.rewritten(&rewritten, "two.example", NOW);
        assert_eq!(again.len(), rewritten.len());
        assert_eq!(
            third.original(&again, NOW),
            Some(Ok(format!("{first}@one.example")))
        );
    }

    proptest! {
        #[test]
        fn round_trip(local in "[a-z0-9.=+-]{1,30}", domain in "[a-z]{1,9}\\.[a-z]{2,5}", now in 0_i64..4_000_000_000) {
            let rewritten = srs().rewritten(&local, &domain, now);
            if !is_rewritten(&local) {
                prop_assert_eq!(srs().original(&rewritten, now), Some(Ok(format!("{local}@{domain}"))));
            }
        }

        #[test]
        fn any_text_is_read(text in "(srs[01])?\\PC{0,30}", now in any::<i32>()) {
            let _ = srs().original(&text, i64::from(now));
            let _ = srs().rewritten(&text, &text, i64::from(now));
        }
    }
}
