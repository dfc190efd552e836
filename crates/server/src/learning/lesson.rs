//! Lessons: what is learned of one message, who says so, and what that is worth.

use super::features;
use crate::config::{Config, LearnFrom};
use spam::features::{Compact, Features};
use store::learn::{Class, Job, Origin};
use store::lesson::{self, Keep, Lesson};
use store::{AccountId, MessageId, Result, Tx, body, entry};

/// Octets of a message that are looked at: beyond them there is no feature.
const LOOKED_AT: u64 = 256 * 1024;
/// What somebody said is worth a message; what only looks so, so much of one (in hundredths).
const WHOLE: u8 = 100;
const WEAK: u8 = 20;
/// Lessons kept: enough to make models anew that judge as well.
pub(crate) const KEEP: Keep = Keep {
    server: 2000,
    account: 200,
    digests: 20_000,
};

/// A lesson about a message that may be in a mailbox.
pub(crate) fn of(
    account: Option<AccountId>,
    message: Option<MessageId>,
    features: &Features,
    class: Class,
    origin: Origin,
    from: LearnFrom,
) -> Lesson {
    Lesson {
        account,
        digest: features.digest(),
        class,
        weight: if origin.is_weak() { WEAK } else { WHOLE },
        origin,
        shared: from == LearnFrom::All,
        message,
        features: Compact::pack(features).octets().to_vec(),
    }
}

/// What a job asks to be learned; `None`: the message is gone.
pub(crate) fn of_job(tx: &mut Tx<'_>, config: &Config, job: &Job) -> Result<Option<Lesson>> {
    let Some(octets) = beginning(tx, job.account, job.message)? else {
        return Ok(None);
    };
    let features = features(&octets);
    let (account, message) = (Some(job.account), Some(job.message));
    let from = config.learn.from_accounts;
    Ok(Some(of(
        account, message, &features, job.class, job.origin, from,
    )))
}

/// The beginning of a message of an account; `None`: it is gone.
pub(crate) fn beginning(
    tx: &mut Tx<'_>,
    account: AccountId,
    message: MessageId,
) -> Result<Option<Vec<u8>>> {
    let Some(content) = entry::contents(tx, account, &[message])?.pop() else {
        return Ok(None);
    };
    let size = content.body.size.min(LOOKED_AT);
    body::read(tx, &content.body, 0..size).map(Some)
}

/// Learns, and forgets what is too old to be kept.
pub(crate) fn teach_all(tx: &mut Tx<'_>, lessons: &[Lesson]) -> Result<Vec<lesson::Taught>> {
    let taught: Result<Vec<lesson::Taught>> = lessons
        .iter()
        .map(|lesson| lesson::teach(tx, lesson))
        .collect();
    let mut accounts: Vec<AccountId> = lessons.iter().filter_map(|l| l.account).collect();
    accounts.sort_unstable();
    accounts.dedup();
    lesson::prune(tx, &accounts, KEEP)?;
    taught
}
