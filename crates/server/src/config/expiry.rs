//! How long mail stays in a mailbox (P9): `NAME TIME`, as in `Lists/daily 14d` or, by special use, `\Trash 30d`.

use super::{MailSettings, parse_duration};
use std::time::Duration;
use store::entry::Everywhere;
use store::mailbox::SpecialUse;

/// Mail that is removed by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expiry {
    /// In which mailboxes.
    pub mailboxes: Everywhere,
    /// How long after it was saved there.
    pub after: Duration,
}

impl Expiry {
    /// Reads one line of `mail.autoexpunge`. The error says what is wrong with it.
    pub fn parse(text: &str) -> Result<Expiry, String> {
        let form = "write the mailbox and a time, like \"Lists/daily 14d\" or '\\Trash 30d'";
        let (name, time) = text.trim().rsplit_once(' ').ok_or(form)?;
        let after = parse_duration(time)?;
        if after < HOUR {
            return Err("mail stays for an hour at least".into());
        }
        let mailboxes = match name.trim().strip_prefix('\\') {
            Some(special) => Everywhere::Special(special_use(special)?),
            None if name.trim().eq_ignore_ascii_case("INBOX") => {
                return Err("nothing removes mail from INBOX by itself".into());
            }
            None => Everywhere::Named(name.trim().into()),
        };
        Ok(Expiry { mailboxes, after })
    }
}

const HOUR: Duration = Duration::from_secs(3600);

pub(super) fn special_use(name: &str) -> Result<SpecialUse, String> {
    match name.to_ascii_lowercase().as_str() {
        "junk" => Ok(SpecialUse::Junk),
        "trash" => Ok(SpecialUse::Trash),
        "sent" => Ok(SpecialUse::Sent),
        "archive" => Ok(SpecialUse::Archive),
        "drafts" => Ok(SpecialUse::Drafts),
        _ => Err(format!(
            "\\{name} is no special use of mailboxes here: \\Junk, \\Trash, \\Sent, \\Archive and \\Drafts are"
        )),
    }
}

impl MailSettings {
    /// What `autoexpunge` comes to.
    pub fn expiries(&self) -> Vec<Expiry> {
        // The settings were checked when they were read.
        self.autoexpunge
            .iter()
            .filter_map(|line| Expiry::parse(line).ok())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p09_mailboxes_are_named_or_meant_by_their_use() {
        let read = |text: &str| Expiry::parse(text).map(|one| (one.mailboxes, one.after));
        let days = |n: u64| Duration::from_secs(n * 86_400);
        let trash = Everywhere::Special(SpecialUse::Trash);
        assert_eq!(read("\\Trash 30d"), Ok((trash.clone(), days(30))));
        assert_eq!(read("  \\TRASH  1d "), Ok((trash, days(1))));
        let named = Everywhere::Named("Lists/very daily".into());
        assert_eq!(read("Lists/very daily 14d"), Ok((named, days(14))));
        for wrong in [
            "",
            "Trash",
            "Trash soon",
            "\\Bin 30d",
            "Trash 59s",
            "inbox 30d",
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
