//! Sender scores in DNS (J4): `d.c.b.a.ZONE` answers 127.0.x.SCORE, where SCORE is 0 (bad) to 100 (good). A low one refuses or marks,
//! and slows the dialogue; no answer is neutral. The list has IPv4 addresses alone.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

/// What scores lead to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thresholds {
    /// Below it the client is refused; 0 refuses nobody.
    pub block_below: u8,
    /// Below it the message is marked as junk; 0 marks none.
    pub junk_below: u8,
    /// Each answer is held back for so many milliseconds at a score of 0, and for none at 100.
    pub slow_factor: u32,
}

/// What a score leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finding {
    /// 0 to 100.
    pub score: u8,
    /// What happens.
    pub verdict: Verdict,
    /// How long each answer is held back.
    pub delay: Duration,
}

/// What happens to a client of a score.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is served.
    Good,
    /// Its mail is marked as junk.
    Junk,
    /// It is refused.
    Block,
}

/// The name to ask for; `None` for IPv6.
pub fn question(address: IpAddr, zone: &str) -> Option<String> {
    match address.to_canonical() {
        IpAddr::V4(four) => {
            let [a, b, c, d] = four.octets();
            Some(format!("{d}.{c}.{b}.{a}.{zone}"))
        }
        IpAddr::V6(_) => None,
    }
}

/// What the answer leads to; `None` where it says nothing.
pub fn finding(answers: &[Ipv4Addr], thresholds: &Thresholds) -> Option<Finding> {
    let score = answers.iter().find_map(|answer| match answer.octets() {
        [127, 0, _, score @ 0..=100] => Some(score),
        _ => None,
    })?;
    let verdict = match score {
        score if score < thresholds.block_below => Verdict::Block,
        score if score < thresholds.junk_below => Verdict::Junk,
        _ => Verdict::Good,
    };
    let delay = thresholds.slow_factor * u32::from(100 - score) / 100;
    Some(Finding {
        score,
        verdict,
        delay: Duration::from_millis(delay.into()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// J4
    #[test]
    fn j04_scores() {
        let thresholds = Thresholds {
            block_below: 10,
            junk_below: 70,
            slow_factor: 5000,
        };
        let of = |answer: &str| finding(&[answer.parse().unwrap()], &thresholds);
        let finding = |score, verdict, delay| {
            let delay = Duration::from_millis(delay);
            Some(Finding {
                score,
                verdict,
                delay,
            })
        };
        assert_eq!(of("127.0.4.5"), finding(5, Verdict::Block, 4750));
        assert_eq!(of("127.0.4.50"), finding(50, Verdict::Junk, 2500));
        assert_eq!(of("127.0.4.100"), finding(100, Verdict::Good, 0));
        assert_eq!(of("127.0.4.101"), None);
        assert_eq!(of("203.0.113.50"), None);
        assert_eq!(super::finding(&[], &thresholds), None);
    }

    /// J4: IPv6 must not crash it.
    #[test]
    fn j04_questions() {
        let zone = "score.senderscore.com";
        let four = question("192.0.2.9".parse().unwrap(), zone);
        assert_eq!(four.unwrap(), "9.2.0.192.score.senderscore.com");
        assert_eq!(question("2001:db8::1".parse().unwrap(), zone), None);
    }
}
