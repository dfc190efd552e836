//! Asks the search index which messages a search need look into (F8). What it answers is a superset: every candidate is judged as it
//! would be without an index, and so is every message that the index does not have yet. Where it cannot help it is not asked.

use super::criteria::Criterion;
use crate::Services;
use crate::config::{Config, SearchIndex};
use crate::jobs::index;
use crate::listen::imap::resync::common;
use ::store::search::{self, Candidates, Question};
use ::store::{AccountId, MailboxId, Result, account};
use std::ops::RangeInclusive;

type Uids = Vec<RangeInclusive<u32>>;

/// Looking into so few messages costs less than asking.
const FEW: u64 = 200;

/// Takes out of `rest` the messages that cannot match, as far as an index tells. A fault of the index is no fault of the search.
pub(super) async fn narrow(
    services: &Services,
    (account, mailbox): (AccountId, MailboxId),
    criterion: &Criterion,
    rest: &mut Uids,
) {
    let (mut texts, count) = (Vec::new(), count(rest));
    let need = Need::of(criterion, &mut texts);
    if need == Need::Anything || count < FEW {
        return;
    }
    let most = usize::try_from(count / 2).unwrap_or(usize::MAX);
    match ask(services, (account, mailbox), texts, most).await {
        Ok(Some(found)) => match need.uids(&found) {
            Some(allowed) => {
                services.metrics.search("used");
                *rest = common(rest, &allowed);
            }
            None => services.metrics.search("useless"),
        },
        Ok(None) => {
            services.metrics.search("missing");
            consider(services, account, count).await;
        }
        Err(error) => tracing::warn!(%account, %error, "the search index cannot be used"),
    }
}

async fn ask(
    services: &Services,
    (account, mailbox): (AccountId, MailboxId),
    texts: Vec<String>,
    most: usize,
) -> Result<Option<Vec<Candidates>>> {
    if services.config.load().search.index == SearchIndex::Never {
        return Ok(None);
    }
    let store = &services.store;
    let known = store.read(move |tx| account::by_id(tx, account)).await?;
    let question = Question {
        account,
        mailbox,
        texts,
        now: known.map_or_else(Default::default, |known| known.modseq),
        most,
    };
    store.search_index().candidates(question).await
}

/// A search that an index would have spared much: from now on the account has one.
async fn consider(services: &Services, account: AccountId, looked_into: u64) {
    if !wants(&services.config.load(), services, looked_into) {
        return;
    }
    match services.store.search_index().begin(account).await {
        Ok(()) => services.jobs.want(index::NAME),
        Err(error) => tracing::warn!(%account, %error, "a search index cannot be made"),
    }
}

fn wants(config: &Config, services: &Services, looked_into: u64) -> bool {
    let allowed = match config.search.index {
        SearchIndex::Auto => !services.store.is_encrypted(),
        SearchIndex::Always => true,
        SearchIndex::Never => false,
    };
    allowed && looked_into >= u64::from(config.search.index_from)
}

/// What a message must hold to match.
#[derive(Debug, PartialEq)]
enum Need {
    /// Nothing that an index knows.
    Anything,
    /// The text of this number.
    Text(usize),
    /// All of these.
    All(Vec<Need>),
    /// One of these.
    One(Vec<Need>),
}

impl Need {
    /// Of a criterion; the texts it names are appended to `texts`.
    fn of(criterion: &Criterion, texts: &mut Vec<String>) -> Need {
        match criterion {
            Criterion::Body(text) | Criterion::Text(text) => Need::text(text, texts),
            Criterion::Envelope(_, text) | Criterion::Field(_, text) => Need::text(text, texts),
            Criterion::And(all) => Need::all(all.iter().map(|one| Need::of(one, texts)).collect()),
            Criterion::Or(a, b) => Need::one([a, b].map(|one| Need::of(one, texts)).into()),
            _ => Need::Anything,
        }
    }

    fn text(text: &str, texts: &mut Vec<String>) -> Need {
        if !search::is_searchable(text) {
            return Need::Anything;
        }
        texts.push(text.to_owned());
        Need::Text(texts.len() - 1)
    }

    fn all(mut needs: Vec<Need>) -> Need {
        needs.retain(|need| *need != Need::Anything);
        match needs.is_empty() {
            true => Need::Anything,
            false => Need::All(needs),
        }
    }

    fn one(needs: Vec<Need>) -> Need {
        match needs.contains(&Need::Anything) {
            true => Need::Anything,
            false => Need::One(needs),
        }
    }

    /// Outside of these nothing matches; `None`: no restriction.
    fn uids(&self, found: &[Candidates]) -> Option<Uids> {
        match self {
            Need::Anything => None,
            Need::Text(number) => found.get(*number).and_then(allowed),
            Need::All(needs) => {
                let restrictions = needs.iter().filter_map(|need| need.uids(found));
                restrictions.reduce(|a, b| common(&a, &b))
            }
            Need::One(needs) => {
                let restrictions: Option<Vec<Uids>> =
                    needs.iter().map(|need| need.uids(found)).collect();
                restrictions.map(either)
            }
        }
    }
}

/// The candidates, and all that the index does not know.
fn allowed(found: &Candidates) -> Option<Uids> {
    if found.complete == 0 {
        return None;
    }
    let mut allowed = found.uids.clone();
    if let Some(first) = found.complete.checked_add(1) {
        allowed.push(first..=u32::MAX);
    }
    Some(allowed)
}

fn count(uids: &[RangeInclusive<u32>]) -> u64 {
    let lengths = uids
        .iter()
        .map(|range| u64::from(range.end() - range.start()) + 1);
    lengths.sum()
}

/// What is in one of them at least.
fn either(all: Vec<Uids>) -> Uids {
    let mut ranges: Uids = all.into_iter().flatten().collect();
    ranges.sort_unstable_by_key(|range| *range.start());
    let mut either: Uids = Vec::with_capacity(ranges.len());
    for range in ranges {
        match either.last_mut() {
            Some(last) if range.start() <= last.end() => {
                *last = *last.start()..=*last.end().max(range.end());
            }
            _ => either.push(range),
        }
    }
    either
}

#[cfg(test)]
mod tests {
    use super::*;
    use imap::search::EnvelopeField;
    use proptest::prelude::*;

    fn body(text: &str) -> Criterion {
        Criterion::Body(text.into())
    }

    fn candidates(complete: u32, uids: &[u32]) -> Candidates {
        Candidates {
            complete,
            uids: uids.iter().map(|uid| *uid..=*uid).collect(),
        }
    }

    #[test]
    fn only_texts_that_must_be_there_are_asked_for() {
        let need = |criterion: &Criterion| {
            let mut texts = Vec::new();
            (Need::of(criterion, &mut texts), texts.len())
        };
        assert_eq!(need(&body("abc")), (Need::Text(0), 1));
        assert_eq!(need(&body("ab")), (Need::Anything, 0));
        assert_eq!(
            need(&Criterion::Not(Box::new(body("abc")))).0,
            Need::Anything
        );
        let or = |a, b| Criterion::Or(Box::new(a), Box::new(b));
        assert_eq!(
            need(&or(body("abc"), Criterion::Larger(1))).0,
            Need::Anything
        );
        let both = or(
            body("abc"),
            Criterion::Envelope(EnvelopeField::Subject, "xyz".into()),
        );
        assert_eq!(need(&both).0, Need::One(vec![Need::Text(0), Need::Text(1)]));
        let and = Criterion::And(vec![Criterion::Smaller(9), body("abc")]);
        assert_eq!(need(&and).0, Need::All(vec![Need::Text(0)]));
    }

    #[test]
    fn what_the_index_does_not_have_stays() {
        let found = [
            candidates(10, &[3, 7]),
            candidates(10, &[7, 9]),
            Candidates::default(),
        ];
        let text = |number| Need::Text(number);
        assert_eq!(
            text(0).uids(&found),
            Some(vec![3..=3, 7..=7, 11..=u32::MAX])
        );
        assert_eq!(text(2).uids(&found), None);
        let all = Need::All(vec![text(0), text(1), text(2)]);
        assert_eq!(all.uids(&found), Some(vec![7..=7, 11..=u32::MAX]));
        let one = Need::One(vec![text(0), text(1)]);
        assert_eq!(
            one.uids(&found),
            Some(vec![3..=3, 7..=7, 9..=9, 11..=u32::MAX])
        );
        assert_eq!(Need::One(vec![text(0), text(2)]).uids(&found), None);
    }

    fn ranges() -> impl Strategy<Value = Uids> {
        proptest::collection::btree_set(0u32..40, 0..20)
            .prop_map(|uids| uids.into_iter().map(|uid| uid..=uid).collect())
    }

    fn flat(uids: &Uids) -> Vec<u32> {
        uids.iter().cloned().flatten().collect()
    }

    proptest! {
        #[test]
        fn sets_are_combined_as_sets(a in ranges(), b in ranges()) {
            let (one, other) = (flat(&a), flat(&b));
            let expected: Vec<u32> = (0..40).filter(|uid| one.contains(uid) || other.contains(uid)).collect();
            prop_assert_eq!(flat(&either(vec![a, b])), expected);
        }
    }
}
