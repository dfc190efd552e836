//! What happened while a client was away: QRESYNC of SELECT (RFC 7162 §3.2.5) and VANISHED of UID FETCH (§3.2.6).
//!
//! The change log remembers every expunge for as long as the mailbox is there, so the pairs of message numbers and UIDs that a client may
//! send for servers with a shorter memory are not needed.

use super::connection::Connection;
use super::failure::Failure;
use super::fetch;
use super::state::Selected;
use ::store::ModSeq;
use ::store::entry::Traces;
use imap::command::QResync;
use imap::encode;
use std::ops::RangeInclusive;

/// Tells which messages are gone and which have other flags.
pub(super) async fn tell(
    state: &mut Selected,
    connection: &mut Connection,
    known: &QResync,
    traces: Traces,
) -> Result<(), Failure> {
    let uids = match &known.known {
        Some(set) => set.resolve(0),
        None => vec![1..=u32::MAX],
    };
    push_vanished(state, connection, &common(&traces.vanished, &uids));
    let touched = common(&traces.touched, &uids);
    fetch::tell_flags(state, connection, touched, ModSeq(known.modseq)).await
}

/// `* VANISHED (EARLIER) …`, of messages that this session has not seen either.
pub(super) fn push_vanished(
    state: &Selected,
    connection: &mut Connection,
    vanished: &[RangeInclusive<u32>],
) {
    let below = state.view.uid_next();
    let unknown = |uid: &u32| *uid < below && state.view.number_of(*uid).is_none();
    let uids = vanished
        .iter()
        .cloned()
        .flatten()
        .take_while(|uid| *uid < below);
    let gone = encode::collect_ranges(uids.filter(unknown));
    if gone.is_empty() {
        return;
    }
    connection.out.extend_from_slice(b"* VANISHED (EARLIER) ");
    encode::ranges(&mut connection.out, &gone);
    connection.out.extend_from_slice(b"\r\n");
}

/// What two lists of ascending ranges have in common.
pub(super) fn common(
    a: &[RangeInclusive<u32>],
    b: &[RangeInclusive<u32>],
) -> Vec<RangeInclusive<u32>> {
    let mut common = Vec::new();
    let (mut i, mut j) = (0, 0);
    while let (Some(x), Some(y)) = (a.get(i), b.get(j)) {
        let (start, end) = (*x.start().max(y.start()), *x.end().min(y.end()));
        if start <= end {
            common.push(start..=end);
        }
        match x.end() < y.end() {
            true => i += 1,
            false => j += 1,
        }
    }
    common
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ranges(numbers: &std::collections::BTreeSet<u32>) -> Vec<RangeInclusive<u32>> {
        encode::collect_ranges(numbers.iter().copied())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]
        #[test]
        fn common_is_the_intersection(a in proptest::collection::btree_set(1u32..40, 0..20), b in proptest::collection::btree_set(1u32..40, 0..20)) {
            let both: Vec<u32> = common(&ranges(&a), &ranges(&b)).into_iter().flatten().collect();
            prop_assert_eq!(both, a.intersection(&b).copied().collect::<Vec<_>>());
        }
    }
}
