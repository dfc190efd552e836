//! What `[spam]` comes to, and the forms of its lists.

use spam::verdict::{Reason, Thresholds};
use std::time::Duration;

/// Whether mail is wanted.
#[derive(Clone, Debug, Default)]
pub struct SpamSettings {
    /// Look at the content of mail. Default true.
    pub filter: bool,
    /// From this score on a sender in doubt is asked to come again. Default 4.
    pub greylist: f32,
    /// From this score on a message is marked. Default 6.
    pub mark: f32,
    /// Per cent of `refuse` from which on a message is junk. Default 50.
    pub junk: u32,
    /// Per cent of `refuse` above which nobody need see it. Default 95.
    pub junk_seen: u32,
    /// From this score on a message is refused. Default 15.
    pub refuse: f32,
    /// Write `X-Spam` fields. Default true.
    pub headers: bool,
    /// What is done with a message that cannot be looked at. Default: accepted.
    pub failure: Failure,
    /// How long a message may wait until it has been looked at. Default 8 s.
    pub timeout: Duration,
    /// Other weights of reasons, as [`weight`] reads them.
    pub weights: Vec<String>,
    /// Senders whose mail is welcome if it is proved to be theirs. Default none.
    pub allow: Vec<String>,
    /// Senders whose mail is refused. Default none.
    pub deny: Vec<String>,
    /// Lists in DNS of domains that mail links to. Default none.
    pub url_lists: Vec<String>,
    /// Feeds of web addresses that mail should not link to: URLs, or files. Default none.
    pub url_feeds: Vec<String>,
    /// Lists in DNS of addresses. Default none.
    pub address_lists: Vec<String>,
    /// Where clamd listens: a path or host:port. Default: nowhere.
    pub clamd: Option<String>,
    /// The URL of Rspamd. Default none.
    pub rspamd: Option<String>,
    /// Where spamd of SpamAssassin listens: a path or host:port. Default: nowhere.
    pub spamassassin: Option<String>,
}

/// What is done with a message that cannot be looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Failure {
    /// It is judged by what else is known.
    #[default]
    Accept,
    /// The client is asked to come again later.
    Defer,
}

impl SpamSettings {
    /// From which score on what is done.
    pub fn thresholds(&self) -> Thresholds {
        Thresholds {
            greylist: self.greylist,
            mark: self.mark,
            junk: self.junk as f32 / 100.0,
            junk_seen: self.junk_seen as f32 / 100.0,
            refuse: self.refuse,
        }
    }

    /// Gives reasons the weights of the settings; those that weigh nothing are turned off.
    pub(crate) fn reweigh(&self, reasons: &mut Vec<Reason>) {
        if self.weights.is_empty() {
            return;
        }
        for reason in reasons.iter_mut() {
            reason.weight = self.weight_of(&reason.name).unwrap_or(reason.weight);
        }
        reasons.retain(|reason| reason.weight != 0.0);
    }

    /// The weight that the settings give to a reason of this name.
    pub fn weight_of(&self, name: &str) -> Option<f32> {
        let mut pairs = self.weights.iter().filter_map(|text| weight(text).ok());
        pairs.find(|(named, _)| *named == name).map(|(_, w)| w)
    }
}

/// Reads `NAME WEIGHT`.
pub(crate) fn weight(text: &str) -> Result<(&str, f32), String> {
    let wrong = || format!("\"{text}\" is not a reason with its weight, like \"TEXT_FREE 0.5\"");
    let mut words = text.split_whitespace();
    let (Some(name), Some(number), None) = (words.next(), words.next(), words.next()) else {
        return Err(wrong());
    };
    let weight = number.parse::<f32>().ok();
    let weight = weight.filter(|weight| weight.is_finite() && weight.abs() <= 1000.0);
    Ok((name, weight.ok_or_else(wrong)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_read() {
        assert_eq!(weight("TEXT_FREE -0.5").unwrap(), ("TEXT_FREE", -0.5));
        for wrong in ["TEXT_FREE", "TEXT_FREE x", "A 1 2", "A inf", ""] {
            assert!(weight(wrong).is_err(), "{wrong}");
        }
    }
}
