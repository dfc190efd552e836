//! What the settings say about quotas (P1, P3, P6, P8), and the languages that users are written to in (P7).

use super::{MailSettings, parse_size};
use std::sync::Arc;
use store::entry::Everywhere;
use store::quota::{Limits, Occasion, Policy, QuotaRule};

/// A language that the server can write to its users in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Language {
    #[default]
    English,
    German,
    French,
    Spanish,
}

impl Language {
    /// Their tags, in the order of the variants.
    pub const TAGS: &'static [&'static str] = &["en", "de", "fr", "es"];
    /// All of them.
    pub const ALL: [Language; 4] = [
        Language::English,
        Language::German,
        Language::French,
        Language::Spanish,
    ];

    /// The language of a tag; of `de-CH` it is German.
    pub fn of(tag: &str) -> Option<Language> {
        let primary = tag.split('-').next().unwrap_or(tag);
        let place = Language::TAGS
            .iter()
            .position(|known| known.eq_ignore_ascii_case(primary))?;
        Language::ALL.get(place).copied()
    }
}

impl MailSettings {
    /// How quotas are applied on this occasion.
    pub fn quota_rule(&self, occasion: Occasion) -> QuotaRule {
        QuotaRule {
            policy: Some(Arc::new(self.quota_policy())),
            occasion,
        }
    }

    /// What accounts without limits of their own may hold.
    pub fn quota_limits(&self) -> Limits {
        Limits {
            bytes: self.quota,
            messages: (self.quota_messages > 0).then(|| self.quota_messages.into()),
        }
    }

    // The texts were checked when they were read.
    fn quota_policy(&self) -> Policy {
        let extra = self.quota_extra.iter();
        let make_room = self.make_room.iter();
        Policy {
            limits: self.quota_limits(),
            extra: extra.filter_map(|line| parse_extra(line).ok()).collect(),
            make_room: make_room
                .filter_map(|name| parse_mailbox(name).ok())
                .collect(),
        }
    }

    /// Octets of removed messages that an account keeps; 0: none.
    pub fn kept_removed(&self) -> u64 {
        match self.undelete.is_zero() {
            true => 0,
            false => self.undelete_size.unwrap_or(u64::MAX),
        }
    }

    /// The per cent at which users are warned, ascending.
    pub fn quota_warning_levels(&self) -> Vec<u8> {
        let lines = self.quota_warnings.iter();
        let mut levels: Vec<u8> = lines.filter_map(|line| parse_percent(line).ok()).collect();
        levels.sort_unstable();
        levels
    }
}

/// `\Trash +100M`.
pub(super) fn parse_extra(text: &str) -> Result<(Everywhere, u64), String> {
    let form = "write the mailbox and how much more it may hold, like '\\Trash +100M'";
    let (name, size) = text.trim().rsplit_once(' ').ok_or(form)?;
    let size = size.strip_prefix('+').ok_or(form)?;
    Ok((parse_mailbox(name)?, parse_size(size)?))
}

/// A mailbox by special use or name. Not INBOX: what comes there is what quotas are for.
pub(super) fn parse_mailbox(text: &str) -> Result<Everywhere, String> {
    let name = text.trim();
    match name.strip_prefix('\\') {
        Some(special) => Ok(Everywhere::Special(super::expiry::special_use(special)?)),
        None if name.is_empty() => Err("the name of a mailbox is missing".into()),
        None if name.eq_ignore_ascii_case("INBOX") => Err("this is not for INBOX".into()),
        None => Ok(Everywhere::Named(name.into())),
    }
}

/// `80%`.
pub(super) fn parse_percent(text: &str) -> Result<u8, String> {
    let number = text.trim().strip_suffix('%').and_then(|n| n.parse().ok());
    number
        .filter(|n| (1..100).contains(n))
        .ok_or_else(|| format!("\"{text}\" is no part of a quota: write 1% to 99%, like \"80%\""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use store::mailbox::SpecialUse;

    #[test]
    fn p03_extras_are_read() {
        let trash = Everywhere::Special(SpecialUse::Trash);
        assert_eq!(parse_extra("\\Trash +100M"), Ok((trash, 100 << 20)));
        let named = Everywhere::Named("Old mail".into());
        assert_eq!(parse_extra("Old mail +1G"), Ok((named, 1 << 30)));
        for wrong in [
            "",
            "\\Trash",
            "\\Trash 100M",
            "INBOX +1G",
            "\\Bin +1G",
            "+1G",
        ] {
            assert!(parse_extra(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn p06_warnings_are_per_cents_below_a_hundred() {
        assert_eq!(parse_percent("80%"), Ok(80));
        for wrong in ["", "80", "0%", "100%", "x%"] {
            assert!(parse_percent(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn languages_have_tags() {
        assert_eq!(Language::of("de-CH"), Some(Language::German));
        assert_eq!(Language::of("EN"), Some(Language::English));
        assert_eq!(Language::of("xx"), None);
        assert_eq!(Language::ALL.len(), Language::TAGS.len());
    }
}
