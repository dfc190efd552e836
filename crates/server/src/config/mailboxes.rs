//! The mailboxes that every new account gets (catalogue G10, G11).

use super::MailSettings;
use store::mailbox::SpecialUse;

impl MailSettings {
    /// Names and special uses of a new account's mailboxes besides INBOX. There is one Junk, under the name that is set.
    pub fn default_mailboxes(&self) -> Vec<(String, Option<SpecialUse>)> {
        let named = |name: &str, special| (name.to_owned(), Some(special));
        vec![
            named("Archive", SpecialUse::Archive),
            named("Drafts", SpecialUse::Drafts),
            named(&self.junk, SpecialUse::Junk),
            named("Sent", SpecialUse::Sent),
            named("Trash", SpecialUse::Trash),
        ]
    }
}
