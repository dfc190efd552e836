//! Tells users how full their mailboxes are (P6, P7): a warning once for each crossing of a threshold, and a notice when a full mailbox
//! takes mail again.
//!
//! The store says after each commit what it made of the use of accounts ([`watch`]). Where that differs from what the owner was last
//! told, the job [`crate::jobs`] calls [`tell`] soon; the letter and the note that it was written are one transaction, so that none is
//! written twice and none is lost.

mod letter;

use crate::Services;
use crate::config::Config;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use store::account::{self, Account};
use store::entry::{Flags, NewEntry, QuotaRule};
use store::quota::{Limits, Usage, Used};
use store::{AccountId, Error, Result, Tx, mailbox};

/// The name of the job.
pub(crate) const JOB: &str = "quota-notices";
/// The level of an account that takes no mail.
const FULL: u8 = 100;
/// Per cent by which an account must be below a threshold before crossing it is news again.
const SLACK: u8 = 2;
/// A quota from here on is none.
const UNLIMITED: u64 = i64::MAX as u64;

/// Accounts whose owners may have to be told something.
#[derive(Default)]
pub(crate) struct Due(Mutex<BTreeSet<AccountId>>);

impl Due {
    fn add(&self, account: AccountId) {
        let mut due = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        due.insert(account);
    }

    /// Takes them all.
    pub(crate) fn take(&self) -> BTreeSet<AccountId> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Has accounts looked at whose use has changed so far that their owners are to be told.
pub(crate) fn watch(services: &Arc<Services>) {
    let server = Arc::downgrade(services);
    services.store.observe_usage(move |usage| {
        if let Some(services) = server.upgrade() {
            changed(&services, usage);
        }
    });
}

fn changed(services: &Services, usage: &Usage) {
    services.metrics.made_room(usage.made_room);
    let config = services.config.load();
    if level(&config, usage.used, usage.limits, usage.level) != usage.level {
        services.quota_due.add(usage.account);
        services.jobs.want(JOB);
    }
}

/// How full an account is, as its owner is told: 0, a threshold, or [`FULL`]. `before` is what he was told last.
fn level(config: &Config, used: Used, own: Limits, before: u8) -> u8 {
    let thresholds = config.mail.quota_warning_levels();
    let percent = percent(used, own.or(config.mail.quota_limits()));
    if thresholds.is_empty() {
        return 0;
    }
    if percent >= u64::from(FULL) {
        return FULL;
    }
    let reached = |threshold: &u8| {
        let told = before < FULL && *threshold <= before;
        let slack = if told { SLACK } else { 0 };
        percent >= u64::from(threshold.saturating_sub(slack))
    };
    thresholds.into_iter().filter(reached).max().unwrap_or(0)
}

/// Per cent of the limit that is nearer to being reached; 100 only if it is reached.
pub(crate) fn percent(used: Used, limits: Limits) -> u64 {
    let of = |used: u64, limit: Option<u64>| match limit {
        None | Some(UNLIMITED..) => 0,
        Some(0) => u64::from(FULL),
        Some(limit) => {
            let percent = u128::from(used) * 100 / u128::from(limit);
            u64::try_from(percent).unwrap_or(u64::MAX)
        }
    };
    of(used.bytes, limits.bytes).max(of(used.messages, limits.messages))
}

/// What a letter says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum News {
    /// The mailbox is nearly full, or full.
    Warning,
    /// It takes mail again.
    Below,
}

/// Nothing is said of what becomes better, except that a full mailbox takes mail again.
fn news(before: u8, now: u8) -> Option<News> {
    match (before, now) {
        (FULL, now) if now < FULL => Some(News::Below),
        // Who was warned of 95 % is not told that the rest is used too.
        (before, FULL) if before > 0 => None,
        (before, now) if now > before => Some(News::Warning),
        _ => None,
    }
}

/// Tells the owner of an account what there is to tell; `true` if he got a letter.
pub(crate) async fn tell(services: &Services, id: AccountId) -> Result<bool> {
    let read = move |tx: &mut Tx<'_>| account::by_id(tx, id);
    let Some(account) = services.store.read(read).await? else {
        return Ok(false);
    };
    let config = services.config.load_full();
    let before = account.quota_level;
    let now = level(&config, account.used(), account.limits(), before);
    if now == before {
        return Ok(false);
    }
    let letter = match news(before, now) {
        Some(news) => Some(written(services, &config, &account, news).await?),
        None => None,
    };
    let done = move |tx: &mut Tx<'_>| note(tx, &account, now, letter.as_ref());
    let told = services.store.write(done).await?;
    if told {
        services.metrics.quota_notice();
    }
    Ok(told)
}

/// Notes what the owner is told, and files the letter; nothing if another was quicker.
fn note(tx: &mut Tx<'_>, account: &Account, now: u8, letter: Option<&NewEntry>) -> Result<bool> {
    let current = account::by_id(tx, account.id)?;
    if current.is_none_or(|current| current.quota_level != account.quota_level) {
        return Ok(false);
    }
    account::set_quota_level(tx, account.id, now)?;
    let Some(letter) = letter else {
        return Ok(false);
    };
    match store::entry::add(tx, letter) {
        Err(Error::OverQuota { .. }) => {
            tracing::warn!(
                account = account.address,
                "a notice about the quota does not fit into the mailbox, and is dropped"
            );
            Ok(false)
        }
        added => added.map(|_| true),
    }
}

async fn written(
    services: &Services,
    config: &Config,
    account: &Account,
    news: News,
) -> Result<NewEntry> {
    let id = account.id;
    let find = move |tx: &mut Tx<'_>| mailbox::by_name(tx, id, mailbox::INBOX);
    let inbox = services.store.read(find).await?;
    let inbox = inbox.ok_or_else(|| Error::Corrupt(format!("{} has no INBOX", account.address)))?;
    let now = services.clock.now();
    let (head, body) = letter::write(config, account, news, now);
    let made = crate::scripts::letters::made(services, &head, &body).await?;
    Ok(NewEntry {
        account: id,
        mailbox: inbox.id,
        flags: Flags::default(),
        keywords: Vec::new(),
        internal_date: now.into(),
        body: made.body,
        summary: made.summary,
        // P6: it comes though there is hardly room.
        quota: QuotaRule::NOTICE,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn level_of(percent: u64, before: u8) -> u8 {
        let mut config = Config::with_defaults("mx1.example.com", "example.com", Path::new("/"));
        config.mail.quota = Some(1000);
        let used = Used {
            bytes: percent * 10,
            messages: 0,
        };
        level(&config, used, Limits::default(), before)
    }

    /// P6: once for each crossing, whatever wavers around it.
    #[test]
    fn p06_a_threshold_is_left_only_with_some_distance() {
        assert_eq!(
            [79, 80, 94, 95, 99, 100, 120].map(|p| level_of(p, 0)),
            [0, 80, 80, 95, 95, 100, 100]
        );
        assert_eq!([77, 78, 79].map(|p| level_of(p, 80)), [0, 80, 80]);
        assert_eq!([92, 93, 94].map(|p| level_of(p, 95)), [80, 95, 95]);
        assert_eq!([99, 94, 79].map(|p| level_of(p, 100)), [95, 80, 0]);
    }

    #[test]
    fn p07_what_is_news() {
        assert_eq!(news(0, 80), Some(News::Warning));
        assert_eq!(news(80, 95), Some(News::Warning));
        assert_eq!(news(0, 100), Some(News::Warning));
        assert_eq!([news(95, 100), news(95, 80), news(80, 0)], [None; 3]);
        assert_eq!(news(100, 95), Some(News::Below));
        assert_eq!(news(100, 0), Some(News::Below));
    }

    #[test]
    fn the_scarcer_resource_counts_and_no_limit_is_never_reached() {
        let used = Used {
            bytes: 50,
            messages: 9,
        };
        let limits = |bytes, messages| Limits { bytes, messages };
        assert_eq!(percent(used, limits(Some(100), Some(10))), 90);
        assert_eq!(percent(used, limits(None, Some(u64::MAX))), 0);
        assert_eq!(percent(used, limits(Some(0), None)), 100);
    }
}
