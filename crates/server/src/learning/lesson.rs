//! Lessons: what is learned of one message, who says so, and what that is worth.

use super::features;
use crate::config::{Config, LearnFrom};
use spam::features::{Compact, Features};
use spam::near;
use store::acquaintance::{self, Kind, Met};
use store::judgement;
use store::learn::{Class, Job, Origin};
use store::lesson::{self, Keep, Lesson};
use store::near_copy;
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

/// What a person said of a message is said of its sender too, as far as he was known when it came: for the account what is proved to be
/// his address, for all his domain and his network.
fn remember(tx: &mut Tx<'_>, lesson: &Lesson, taught: lesson::Taught) -> Result<()> {
    let (Some(account), Some(message)) = (lesson.account, lesson.message) else {
        return Ok(());
    };
    let met: &[Met] = match (taught, lesson.class) {
        _ if lesson.origin.is_weak() => return Ok(()),
        (lesson::Taught::Known, _) => return Ok(()),
        (lesson::Taught::New, Class::Ham) => &[Met::Ham(1)],
        (lesson::Taught::New, Class::Spam) => &[Met::Spam(1)],
        (lesson::Taught::Corrected, Class::Ham) => &[Met::Ham(1), Met::Spam(-1)],
        (lesson::Taught::Corrected, Class::Spam) => &[Met::Spam(1), Met::Ham(-1)],
    };
    let judged = judgement::of(tx, account, message)?;
    for (kind, name) in judged.into_iter().flat_map(|judged| judged.senders) {
        let whose = match Kind::from_number(kind) {
            Some(kind @ Kind::Address) => Some((account, kind)),
            Some(kind @ (Kind::Domain | Kind::Network)) if lesson.shared => {
                Some((acquaintance::SERVER, kind))
            }
            _ => None,
        };
        if let Some((whose, kind)) = whose {
            met.iter()
                .try_for_each(|met| acquaintance::meet(tx, whose, kind, &name, *met))?;
        }
    }
    Ok(())
}

/// Near copies of what a person spoke of shall be known (I25).
fn keep_bands(tx: &mut Tx<'_>, lesson: &Lesson, taught: lesson::Taught) -> Result<()> {
    if !lesson.shared || lesson.origin.is_weak() || taught == lesson::Taught::Known {
        return Ok(());
    }
    let features = Compact::from_octets(lesson.features.clone()).unpack();
    match features.as_ref().and_then(near::bands) {
        Some(bands) => near_copy::keep(tx, lesson.digest, lesson.class, &bands),
        None => Ok(()),
    }
}

/// Learns, and forgets what is too old to be kept.
pub(crate) fn teach_all(tx: &mut Tx<'_>, lessons: &[Lesson]) -> Result<Vec<lesson::Taught>> {
    let taught: Result<Vec<lesson::Taught>> = lessons
        .iter()
        .map(|lesson| {
            let taught = lesson::teach(tx, lesson)?;
            remember(tx, lesson, taught)?;
            keep_bands(tx, lesson, taught)?;
            Ok(taught)
        })
        .collect();
    let mut accounts: Vec<AccountId> = lessons.iter().filter_map(|l| l.account).collect();
    accounts.sort_unstable();
    accounts.dedup();
    lesson::prune(tx, &accounts, KEEP)?;
    taught
}
