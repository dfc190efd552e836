//! Writes what scripts want after an event (RFC 6785 §3): flags of the message, copies of it elsewhere, and what else they ask for.
//!
//! The message stays where it is. Where a script cancels the keep, it is marked `\Deleted` and not removed: its reader may still change his
//! mind. What cannot be done leaves it as it is, and the owner's journal says why. None of this is an event again.

use super::besides::Besides;
use super::effects::{Effects, Filed, Into};
use crate::config::Config;
use crate::journey::passed_on::Passed;
use std::sync::Arc;
use store::entry::{
    self, Entry, FlagChange, Flags, InternalDate, Kept, NewEntry, Place, QuotaRule,
};
use store::mailbox::{self, SpecialUse};
use store::quota::Occasion;
use store::script::journal;
use store::{AccountId, Error, MailboxId, MessageId, Result, Timestamp, Tx, Uid, filing};

/// Decisions of which one knows, about one message.
const DECISIONS: usize = 20;

/// What scripts decided about one message.
pub(crate) struct Settled {
    pub(crate) config: Arc<Config>,
    pub(crate) account: AccountId,
    pub(crate) mailbox: MailboxId,
    /// As the scripts saw it.
    pub(crate) entry: Entry,
    pub(crate) effects: Effects,
    /// To accounts of ours.
    pub(crate) passed: Vec<Passed>,
    pub(crate) time: Timestamp,
}

impl Settled {
    /// Writes it, unless the message is gone from there meanwhile.
    pub(crate) fn write(&self, tx: &mut Tx<'_>) -> Result<()> {
        let uid = self.entry.uid.0;
        let found = entry::scan(tx, self.account, self.mailbox, &[uid..=uid], None, 1)?;
        let Some(now) = found.into_iter().next() else {
            return Ok(());
        };
        let stays = self.pass_on(tx)?.then(|| self.as_it_is());
        let mut keep = stays.as_ref();
        for filed in &self.effects.copies {
            match self.target(tx, filed)? {
                Target::Here => keep = Some(filed),
                Target::Mailbox(mailbox) => {
                    if !self.copy(tx, filed, mailbox)? {
                        keep = keep.or(Some(filed));
                    }
                }
                Target::Missing(name) => {
                    let why = format!("fileinto \"{name}\": there is no such mailbox");
                    journal::add(tx, self.account, &why)?;
                    keep = keep.or(Some(filed));
                }
            }
        }
        self.flag(tx, &now, keep)?;
        self.decided(tx, now.message)?;
        let besides = Besides {
            account: self.account,
            effects: &self.effects,
            time: self.time,
        };
        besides.write(tx, Some(now.message), &mut |tx, n| self.file_sent(tx, n))
    }

    /// To accounts of ours. Does it stay, since one of them does not take it?
    fn pass_on(&self, tx: &mut Tx<'_>) -> Result<bool> {
        let mut stays = false;
        for passed in &self.passed {
            if let Err(why) = passed.write(tx)? {
                journal::add(tx, self.account, &format!("{why}; kept instead"))?;
                stays = true;
            }
        }
        Ok(stays)
    }

    /// Kept with the flags that it has.
    fn as_it_is(&self) -> Filed {
        Filed {
            into: Into::Usual,
            flags: self.entry.flags,
            keywords: self.entry.keywords.clone(),
            instead: None,
        }
    }

    /// The flags that the scripts gave it; changes that were made since they looked stay, unless they say otherwise.
    fn flag(&self, tx: &mut Tx<'_>, now: &Entry, keep: Option<&Filed>) -> Result<()> {
        let uids = [now.uid.0..=now.uid.0];
        let change = match keep {
            None => FlagChange::Add(Flags::DELETED, Vec::new()),
            Some(filed) => match self.wanted(now, filed) {
                Some(change) => change,
                None => return Ok(()),
            },
        };
        entry::store_flags(tx, self.account, self.mailbox, &uids, &change, None).map(|_| ())
    }

    /// `None`: the scripts left the flags alone.
    fn wanted(&self, now: &Entry, filed: &Filed) -> Option<FlagChange> {
        let seen = &self.entry;
        let (added, gone) = (
            filed.flags.without(seen.flags),
            seen.flags.without(filed.flags),
        );
        let lacks = |words: &[String], word: &String| {
            !words.iter().any(|other| other.eq_ignore_ascii_case(word))
        };
        let new = filed
            .keywords
            .iter()
            .filter(|word| lacks(&seen.keywords, word));
        let new: Vec<String> = new.cloned().collect();
        let dropped = |word: &&String| lacks(&filed.keywords, word) && !lacks(&seen.keywords, word);
        let kept = now.keywords.iter().filter(|word| !dropped(word));
        let mut keywords: Vec<String> = kept.cloned().collect();
        let unchanged = added == Flags::default()
            && gone == Flags::default()
            && new.is_empty()
            && keywords.len() == now.keywords.len();
        if unchanged {
            return None;
        }
        keywords.extend(new.into_iter().filter(|word| lacks(&now.keywords, word)));
        let flags = now.flags.without(gone).with(added);
        Some(FlagChange::Replace(flags, keywords))
    }

    fn target(&self, tx: &mut Tx<'_>, filed: &Filed) -> Result<Target> {
        let Into::Mailbox {
            name,
            create,
            special_use,
            id,
        } = &filed.into
        else {
            return Ok(Target::Here);
        };
        let found = match self.find(tx, name, *special_use, *id)? {
            None if *create => self.made(tx, name, *special_use)?,
            found => found,
        };
        Ok(match found {
            None => Target::Missing(name.clone()),
            Some(mailbox) if mailbox == self.mailbox => Target::Here,
            Some(mailbox) => Target::Mailbox(mailbox),
        })
    }

    /// RFC 9042 §4, RFC 8579 §4: by id, by use, by name.
    fn find(
        &self,
        tx: &mut Tx<'_>,
        name: &str,
        special: Option<SpecialUse>,
        id: Option<MailboxId>,
    ) -> Result<Option<MailboxId>> {
        if let Some(id) = id
            && let Some(found) = mailbox::by_id(tx, self.account, id)?
        {
            return Ok(Some(found.id));
        }
        if let Some(special) = special
            && let Some(found) = mailbox::by_special_use(tx, self.account, special)?
        {
            return Ok(Some(found.id));
        }
        let found = mailbox::by_name(tx, self.account, name)?;
        Ok(found.map(|found| found.id))
    }

    fn made(
        &self,
        tx: &mut Tx<'_>,
        name: &str,
        special: Option<SpecialUse>,
    ) -> Result<Option<MailboxId>> {
        match mailbox::create(tx, self.account, name, special) {
            Ok(made) => {
                mailbox::subscribe(tx, self.account, name, true)?;
                Ok(Some(made))
            }
            Err(Error::Refused(_) | Error::Exists(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// False if it does not fit.
    fn copy(&self, tx: &mut Tx<'_>, filed: &Filed, mailbox: MailboxId) -> Result<bool> {
        match self.copied(tx, filed, mailbox) {
            Err(Error::OverQuota { .. }) => {
                let why = "fileinto: the account is over its quota";
                journal::add(tx, self.account, why)?;
                Ok(false)
            }
            done => done.map(|()| true),
        }
    }

    fn copied(&self, tx: &mut Tx<'_>, filed: &Filed, mailbox: MailboxId) -> Result<()> {
        if filed.instead.is_some() {
            return self.add(tx, filed, mailbox, self.entry.internal_date);
        }
        let [from, to] = [self.mailbox, mailbox].map(|mailbox| Place {
            account: self.account,
            mailbox: mailbox.into(),
        });
        let uid = self.entry.uid.0;
        let copied = entry::copy_to(tx, from, &[uid..=uid], to, Kept::ALL, &self.quota())?;
        let there: Vec<_> = copied.uids.iter().map(|(_, Uid(to))| *to..=*to).collect();
        let flags = FlagChange::Replace(filed.flags, filed.keywords.clone());
        entry::store_flags(tx, self.account, mailbox, &there, &flags, None).map(|_| ())
    }

    /// A message of our making: a changed one, or the copy of a letter.
    fn add(
        &self,
        tx: &mut Tx<'_>,
        filed: &Filed,
        mailbox: MailboxId,
        date: InternalDate,
    ) -> Result<()> {
        let Some(made) = &filed.instead else {
            return Ok(());
        };
        let new = NewEntry {
            account: self.account,
            mailbox,
            flags: filed.flags,
            keywords: filed.keywords.clone(),
            internal_date: date,
            body: made.body.clone(),
            summary: made.summary.clone(),
            quota: self.quota(),
        };
        entry::add(tx, &new).map(|_| ())
    }

    /// RFC 8580: the copy of a letter, in INBOX if its mailbox is not there.
    fn file_sent(&self, tx: &mut Tx<'_>, n: usize) -> Result<()> {
        let letter = self.effects.letters.get(n);
        let Some(filed) = letter.and_then(|letter| letter.fcc.as_ref()) else {
            return Ok(());
        };
        let mailbox = match self.target(tx, filed)? {
            Target::Mailbox(mailbox) => Some(mailbox),
            Target::Here => Some(self.mailbox),
            Target::Missing(_) => self.find(tx, mailbox::INBOX, None, None)?,
        };
        match mailbox.map(|mailbox| self.add(tx, filed, mailbox, self.time.into())) {
            Some(Err(Error::OverQuota { .. })) | None => Ok(()),
            Some(done) => done,
        }
    }

    fn quota(&self) -> QuotaRule {
        self.config.mail.quota_rule(Occasion::User)
    }

    /// For `explain message`: behind what was decided before.
    fn decided(&self, tx: &mut Tx<'_>, message: MessageId) -> Result<()> {
        if self.effects.decisions.is_empty() {
            return Ok(());
        }
        let mut all = filing::of(tx, self.account, message)?;
        all.extend(self.effects.decisions.iter().cloned());
        let old = all.len().saturating_sub(DECISIONS);
        filing::record(tx, self.account, message, &all[old..])
    }
}

/// Where a copy goes.
enum Target {
    /// It is there.
    Here,
    Mailbox(MailboxId),
    Missing(String),
}
