//! What people teach by what they do with their mail in IMAP (I10, I11): into Junk is unwanted; out of Junk, but not into Trash, is wanted; into
//! the archive, or answered, looks wanted. `$Junk` and `$NotJunk` say what they are called. Other flags say nothing: an answer or a forward
//! never makes a message unwanted.
//!
//! A lesson is a row in the transaction of the command; what is learned of it, and whether that works, is no matter of the command (I12).

use crate::config::{Config, LearnFrom};
use std::ops::RangeInclusive;
use store::entry;
use store::learn::{self, Class, Origin};
use store::mailbox::{self, Mailbox, SpecialUse};
use store::{AccountId, MailboxId, Result, Tx};

/// Messages that one command teaches at most: the newest. Who moves more is tidying up.
const MOST: usize = 1000;
/// The same where it only looks so.
const MOST_WEAK: usize = 50;

/// What moves teach in this server.
#[derive(Clone, Debug)]
pub(crate) struct Rules {
    from: LearnFrom,
    /// The name of the mailbox for junk where none has that special use.
    junk: String,
}

/// What a mailbox is for, as far as it teaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    Junk,
    /// What is thrown away or not yet sent: it says nothing of the message.
    Other,
    Archive,
    /// INBOX and mailboxes of the user's own making.
    Wanted,
}

impl Rules {
    pub(crate) fn of(config: &Config) -> Rules {
        Rules {
            from: config.learn.from_accounts,
            junk: config.mail.junk.clone(),
        }
    }

    /// Messages came into a mailbox: copied or moved from another one, or appended (`None`). `arrived`: their UIDs there.
    pub(crate) fn arrived(
        &self,
        tx: &mut Tx<'_>,
        from: Option<(AccountId, MailboxId)>,
        to: (AccountId, MailboxId),
        arrived: &[RangeInclusive<u32>],
    ) -> Result<()> {
        if self.from == LearnFrom::Nobody || arrived.is_empty() {
            return Ok(());
        }
        let source = match from {
            Some((account, mailbox)) => self.purpose(tx, account, mailbox)?,
            None => None,
        };
        let target = self.purpose(tx, to.0, to.1)?;
        let Some((class, origin)) = lesson(source, target) else {
            return Ok(());
        };
        self.add(tx, to, arrived, class, origin)
    }

    /// Messages were marked as answered.
    pub(crate) fn answered(
        &self,
        tx: &mut Tx<'_>,
        place: (AccountId, MailboxId),
        uids: &[RangeInclusive<u32>],
    ) -> Result<()> {
        if self.from == LearnFrom::Nobody || uids.is_empty() {
            return Ok(());
        }
        match self.purpose(tx, place.0, place.1)? {
            Some(Purpose::Wanted | Purpose::Archive | Purpose::Junk) => {
                self.add(tx, place, uids, Class::Ham, Origin::Answer)
            }
            _ => Ok(()),
        }
    }

    /// Messages were given these keywords: `$Junk` and `$NotJunk` are said by people, or by programs for them.
    pub(crate) fn called(
        &self,
        tx: &mut Tx<'_>,
        place: (AccountId, MailboxId),
        uids: &[RangeInclusive<u32>],
        keywords: &[String],
    ) -> Result<()> {
        let Some(class) = said(keywords).filter(|_| self.from != LearnFrom::Nobody) else {
            return Ok(());
        };
        match self.purpose(tx, place.0, place.1)? {
            // What is ours says nothing of what we get.
            Some(Purpose::Other) | None => Ok(()),
            Some(Purpose::Wanted | Purpose::Archive | Purpose::Junk) => {
                self.add(tx, place, uids, class, Origin::Flag)
            }
        }
    }

    fn add(
        &self,
        tx: &mut Tx<'_>,
        place: (AccountId, MailboxId),
        uids: &[RangeInclusive<u32>],
        class: Class,
        origin: Origin,
    ) -> Result<()> {
        let most = if origin.is_weak() { MOST_WEAK } else { MOST };
        for message in entry::messages(tx, place.0, place.1, uids, most)? {
            learn::add(tx, place.0, message, class, origin)?;
        }
        Ok(())
    }

    fn purpose(
        &self,
        tx: &mut Tx<'_>,
        account: AccountId,
        id: MailboxId,
    ) -> Result<Option<Purpose>> {
        let Some(found) = mailbox::by_id(tx, account, id)? else {
            return Ok(None);
        };
        if let Some(special) = found.special_use {
            return Ok(Some(of_special(special)));
        }
        if self.is_junk(tx, account, &found)? {
            return Ok(Some(Purpose::Junk));
        }
        // Archives/2026 is of the archive, Trash/old of the trash.
        match found.name.rsplit_once(mailbox::SEPARATOR) {
            Some((above, _)) => {
                let above = mailbox::by_name(tx, account, above)?;
                let special = above.and_then(|above| above.special_use);
                Ok(Some(special.map_or(Purpose::Wanted, of_special)))
            }
            None => Ok(Some(Purpose::Wanted)),
        }
    }

    /// Accounts made elsewhere may have a mailbox of that name that does not say what it is for.
    fn is_junk(&self, tx: &mut Tx<'_>, account: AccountId, found: &Mailbox) -> Result<bool> {
        Ok(found.name == self.junk
            && mailbox::by_special_use(tx, account, SpecialUse::Junk)?.is_none())
    }
}

fn of_special(special: SpecialUse) -> Purpose {
    match special {
        SpecialUse::Junk => Purpose::Junk,
        SpecialUse::Archive | SpecialUse::All => Purpose::Archive,
        SpecialUse::Flagged => Purpose::Wanted,
        SpecialUse::Drafts | SpecialUse::Sent | SpecialUse::Trash => Purpose::Other,
    }
}

/// What keywords say of a message; both at once say nothing.
fn said(keywords: &[String]) -> Option<Class> {
    let has = |name: &str| keywords.iter().any(|word| word.eq_ignore_ascii_case(name));
    match (has("$Junk"), has("$NotJunk")) {
        (true, false) => Some(Class::Spam),
        (false, true) => Some(Class::Ham),
        _ => None,
    }
}

/// What a transfer from one mailbox to another says.
fn lesson(from: Option<Purpose>, to: Option<Purpose>) -> Option<(Class, Origin)> {
    match (from, to?) {
        (Some(Purpose::Junk), Purpose::Junk) => None,
        // Of the user's own: what he sent or writes says nothing of what he gets.
        (Some(Purpose::Other), _) => None,
        (_, Purpose::Junk) => Some((Class::Spam, Origin::Move)),
        (Some(Purpose::Junk), Purpose::Wanted | Purpose::Archive) => {
            Some((Class::Ham, Origin::Move))
        }
        (Some(Purpose::Wanted), Purpose::Archive) => Some((Class::Ham, Origin::Archive)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keywords_say_what_they_are_called() {
        let of = |words: &[&str]| {
            said(
                &words
                    .iter()
                    .map(|word| (*word).to_owned())
                    .collect::<Vec<_>>(),
            )
        };
        assert_eq!(of(&["$forwarded", "$junk"]), Some(Class::Spam));
        assert_eq!(of(&["$NotJunk"]), Some(Class::Ham));
        // The filter of a mail program, not its user, writes these.
        assert_eq!(of(&["Junk"]), None);
        assert_eq!(of(&["$Junk", "$NotJunk"]), None);
    }

    /// I10, I11
    #[test]
    fn i10_what_a_move_says() {
        use Purpose::{Archive, Junk, Other, Wanted};
        let ham = Some((Class::Ham, Origin::Move));
        let spam = Some((Class::Spam, Origin::Move));
        let weak = Some((Class::Ham, Origin::Archive));
        for (from, to, says) in [
            (Some(Wanted), Junk, spam),
            (Some(Archive), Junk, spam),
            (None, Junk, spam),
            (Some(Junk), Wanted, ham),
            (Some(Junk), Archive, ham),
            (Some(Junk), Other, None),
            (Some(Junk), Junk, None),
            (Some(Other), Junk, None),
            (Some(Other), Wanted, None),
            (Some(Wanted), Archive, weak),
            (Some(Wanted), Wanted, None),
            (Some(Wanted), Other, None),
            (Some(Archive), Wanted, None),
            (None, Wanted, None),
            (None, Archive, None),
        ] {
            assert_eq!(lesson(from, Some(to)), says, "{from:?} to {to:?}");
        }
    }
}
