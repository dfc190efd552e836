//! What a session knows of its selected mailbox: which UID has which message number (RFC 3501 §2.3.1.2).
//!
//! Message numbers belong to the session: they change only when it tells the client so. The map is kept as runs of consecutive
//! UIDs, so that a mailbox of 100,000 messages costs a few dozen octets.

use super::connection::Connection;
use super::flags::Recency;
use super::recent::Recent;
use super::{failure, locate};
use ::store::entry::{Entry, Viewed};
use ::store::mailbox::Mailbox;
use ::store::share::Rights;
use ::store::{AccountId, ModSeq};
use imap::SequenceSet;
use imap::command::By;
use imap::response::Status;
use std::collections::BTreeMap;
use std::ops::RangeInclusive;

/// Keywords a session tells its client of in FLAGS.
const MAX_KEYWORDS: usize = 200;

/// How the mailbox was opened.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Access {
    /// EXAMINE.
    Read,
    /// SELECT.
    Write,
}

/// How it is told which messages are gone.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Report {
    /// `* n EXPUNGE` for each.
    Expunge,
    /// `* VANISHED` with UIDs, once QRESYNC (RFC 7162 §3.2.10) or UIDONLY (RFC 9586 §3) is enabled.
    Vanished,
}

/// Consecutive UIDs with consecutive message numbers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Run {
    first: u32,
    last: u32,
    /// Message number of `first`.
    number: u32,
}

impl Run {
    fn length(self) -> u32 {
        self.last - self.first + 1
    }
}

/// The selected mailbox as the client knows it.
pub(super) struct View {
    /// Whose mailbox it is.
    pub(super) owner: AccountId,
    /// The mailbox as this session's account sees it.
    pub(super) mailbox: Viewed,
    /// What may be done in it.
    pub(super) rights: Rights,
    pub(super) access: Access,
    runs: Vec<Run>,
    /// UIDs from here on are new to the client.
    uid_next: u32,
    /// The picture the client has is of this MODSEQ…
    pub(super) modseq: ModSeq,
    /// …and nothing up to this MODSEQ of the account concerns it further.
    pub(super) checked: ModSeq,
    /// UIDs that are gone but may not be reported gone yet, ascending.
    vanished: Vec<u32>,
    /// UID and latest MODSEQ of flag changes that this session made and has told of.
    told: BTreeMap<u32, ModSeq>,
    /// Keywords the client has seen in FLAGS, in lower case.
    keywords: Vec<String>,
    /// Messages of which this session was told first.
    pub(super) recent: Recent,
    /// UIDs that the last SEARCH with SAVE found (RFC 5182).
    saved: Vec<RangeInclusive<u32>>,
    /// Why the mailbox is not there any more.
    gone: Option<&'static str>,
}

impl View {
    /// The view of a mailbox that was just opened.
    pub(super) fn new(
        owner: AccountId,
        mailbox: &Mailbox,
        uids: &[RangeInclusive<u32>],
        access: Access,
    ) -> View {
        let mut view = View {
            owner,
            mailbox: mailbox.id.into(),
            rights: Rights::ALL,
            access,
            runs: Vec::with_capacity(uids.len()),
            uid_next: mailbox.uid_next.0,
            modseq: mailbox.modseq,
            checked: mailbox.modseq,
            vanished: Vec::new(),
            told: BTreeMap::new(),
            keywords: Vec::new(),
            recent: Recent::default(),
            saved: Vec::new(),
            gone: None,
        };
        let mut number = 1;
        for range in uids {
            let (first, last) = (*range.start(), *range.end());
            let run = Run {
                first,
                last,
                number,
            };
            number += run.length();
            view.runs.push(run);
        }
        view
    }

    /// Messages the client knows of.
    pub(super) fn exists(&self) -> u32 {
        self.runs
            .last()
            .map_or(0, |run| run.number + run.length() - 1)
    }

    /// The message number of a UID.
    pub(super) fn number_of(&self, uid: u32) -> Option<u32> {
        let run = self.runs.get(self.run_at_or_after(uid))?;
        (run.first <= uid).then(|| run.number + (uid - run.first))
    }

    /// The UIDs of all messages, as ascending ranges.
    pub(super) fn uids(&self) -> Vec<RangeInclusive<u32>> {
        self.runs.iter().map(|run| run.first..=run.last).collect()
    }

    /// The UIDs of the messages a set names. A message number that does not exist is the client's error.
    pub(super) fn resolve(
        &self,
        by: By,
        set: &SequenceSet,
    ) -> Result<Vec<RangeInclusive<u32>>, Status> {
        if *set == SequenceSet::Saved {
            return Ok(self.known(&self.saved));
        }
        match by {
            By::Uid => {
                let last = self.runs.last().map_or(0, |run| run.last);
                Ok(self.known(&set.resolve(last)))
            }
            By::Sequence => {
                let exists = self.exists();
                if set.highest() > exists {
                    return Err(Status::bad(format!(
                        "There is no message {}: the mailbox has {exists}.",
                        set.highest()
                    )));
                }
                Ok(self.uids_of_numbers(&set.resolve(exists)))
            }
        }
    }

    /// Keeps what a SEARCH found for `$`.
    pub(super) fn save(&mut self, found: Vec<RangeInclusive<u32>>) {
        self.saved = found;
    }

    /// Is this UID below all that could be new to the client?
    pub(super) fn uid_next(&self) -> u32 {
        self.uid_next
    }

    /// A new message. Its UID is above all others.
    pub(super) fn append(&mut self, uid: u32) {
        let number = self.exists() + 1;
        match self.runs.last_mut() {
            Some(run) if run.last + 1 == uid => run.last = uid,
            _ => self.runs.push(Run {
                first: uid,
                last: uid,
                number,
            }),
        }
        self.uid_next = self.uid_next.max(uid.saturating_add(1));
    }

    /// Is this UID above all that the client knows of?
    pub(super) fn is_new(&self, uid: u32) -> bool {
        uid >= self.uid_next
    }

    /// A message is gone: its number, and all above it are one less from here on. `None` if it was not there.
    fn remove(&mut self, uid: u32) -> Option<u32> {
        let at = self.run_at_or_after(uid);
        let run = *self.runs.get(at).filter(|run| run.first <= uid)?;
        let number = run.number + (uid - run.first);
        for later in &mut self.runs[at + 1..] {
            later.number -= 1;
        }
        let before = (run.first < uid).then(|| Run {
            last: uid - 1,
            ..run
        });
        let after = (uid < run.last).then(|| Run {
            first: uid + 1,
            number,
            ..run
        });
        self.runs.splice(at..=at, before.into_iter().chain(after));
        Some(number)
    }

    /// Remembers UIDs that are gone until they may be reported.
    pub(super) fn vanish(&mut self, uids: impl IntoIterator<Item = u32>) {
        self.vanished.extend(uids);
        self.vanished.sort_unstable();
        self.vanished.dedup();
    }

    /// UIDs that are gone but were not reported gone yet, ascending.
    pub(super) fn vanished(&self) -> &[u32] {
        &self.vanished
    }

    /// Are there messages gone that the client does not know of?
    pub(super) fn has_vanished(&self) -> bool {
        !self.vanished.is_empty()
    }

    /// Reports what is gone.
    pub(super) fn report_vanished(&mut self, out: &mut Vec<u8>, report: Report) {
        match report {
            Report::Expunge => self.report_expunges(out),
            Report::Vanished => self.report_uids(out),
        }
    }

    fn report_uids(&mut self, out: &mut Vec<u8>) {
        let mut gone = std::mem::take(&mut self.vanished);
        gone.retain(|uid| self.remove(*uid).is_some());
        if !gone.is_empty() {
            out.extend_from_slice(b"* VANISHED ");
            imap::encode::ranges(out, &imap::encode::collect_ranges(gone));
            out.extend_from_slice(b"\r\n");
        }
    }

    fn report_expunges(&mut self, out: &mut Vec<u8>) {
        // From the end, so that no report shifts the numbers of those to come.
        for uid in std::mem::take(&mut self.vanished).into_iter().rev() {
            if let Some(number) = self.remove(uid) {
                out.extend_from_slice(b"* ");
                imap::encode::number(out, u64::from(number));
                out.extend_from_slice(b" EXPUNGE\r\n");
            }
        }
    }

    /// This session changed the flags of these entries, and the client knows.
    pub(super) fn tell(&mut self, entries: &[Entry]) {
        let told = entries.iter().map(|entry| (entry.uid.0, entry.modseq));
        self.told.extend(told);
    }

    /// Does the client know this state of an entry's flags from its own command?
    pub(super) fn knows(&self, entry: &Entry) -> bool {
        self.told.get(&entry.uid.0) == Some(&entry.modseq)
    }

    /// Did the client know the flags that a message had at this MODSEQ?
    pub(super) fn knew(&self, uid: u32, modseq: ModSeq) -> bool {
        modseq <= self.modseq || self.told.get(&uid) == Some(&modseq)
    }

    /// Did nothing happen in the account between what the client knows and a change of this session's with this MODSEQ? Each change has
    /// the number after the one before it.
    pub(super) fn is_next(&self, modseq: ModSeq) -> bool {
        self.told.is_empty() && self.checked.0.checked_add(1) == Some(modseq.0)
    }

    /// The picture is now of this MODSEQ; what was told before is part of it.
    pub(super) fn caught_up(&mut self, modseq: ModSeq, checked: ModSeq) {
        self.modseq = modseq;
        self.checked = checked.max(modseq);
        self.told = BTreeMap::new();
    }

    /// The mailbox does not exist any more, or not for this session.
    pub(super) fn set_gone(&mut self, why: &'static str) {
        self.gone = Some(why);
    }

    /// Why the mailbox does not exist any more, if so.
    pub(super) fn gone(&self) -> Option<&'static str> {
        self.gone
    }

    /// May something be done that needs a right, and was the mailbox opened for it?
    pub(super) fn allows(&self, right: Rights) -> Result<(), Status> {
        match (self.access, self.rights.contains(right)) {
            (Access::Read, _) => Err(failure::read_only()),
            (Access::Write, false) => Err(locate::no_permission()),
            (Access::Write, true) => Ok(()),
        }
    }

    /// Tells the client of keywords it has not seen, before they appear (RFC 3501 §7.2.6).
    pub(super) fn announce_keywords(&mut self, connection: &mut Connection, keywords: &[String]) {
        let mut new = false;
        for keyword in keywords {
            let folded = keyword.to_ascii_lowercase();
            if self.keywords.len() < MAX_KEYWORDS && !self.keywords.contains(&folded) {
                self.keywords.push(folded);
                new = true;
            }
        }
        if new {
            super::flags::push_applicable(&mut connection.out, &self.keywords);
        }
    }

    /// `* n RECENT` (RFC 3501 §7.3.2): the client is told of all messages there are, and of some as the first. IMAP4rev2 has no such thing,
    /// but a client that speaks it is told of them as well.
    pub(super) fn push_recent(&mut self, connection: &mut Connection) {
        self.recent.tell(self.uid_next, self.access);
        if connection.enabled.rev2 {
            return;
        }
        let recent = self.known(self.recent.uids());
        let count: u32 = recent
            .iter()
            .map(|uids| uids.end() - uids.start() + 1)
            .sum();
        connection.out.extend_from_slice(b"* ");
        imap::encode::number(&mut connection.out, u64::from(count));
        connection.out.extend_from_slice(b" RECENT\r\n");
    }

    /// Has a message `\Recent` in this session?
    pub(super) fn recency(&self, uid: u32, connection: &Connection) -> Recency {
        match self.recent.contains(uid) && !connection.enabled.rev2 {
            true => Recency::Recent,
            false => Recency::Old,
        }
    }

    /// The index of the run that holds this UID, or of the next one.
    fn run_at_or_after(&self, uid: u32) -> usize {
        self.runs.partition_point(|run| run.last < uid)
    }

    /// The parts of these UID ranges that are messages the client knows of.
    fn known(&self, uids: &[RangeInclusive<u32>]) -> Vec<RangeInclusive<u32>> {
        let mut known = Vec::new();
        for range in uids {
            let (start, end) = (*range.start(), *range.end());
            for run in &self.runs[self.run_at_or_after(start)..] {
                if run.first > end {
                    break;
                }
                known.push(run.first.max(start)..=run.last.min(end));
            }
        }
        known
    }

    fn uids_of_numbers(&self, numbers: &[RangeInclusive<u32>]) -> Vec<RangeInclusive<u32>> {
        let mut uids = Vec::new();
        for range in numbers {
            let (start, end) = (*range.start(), *range.end());
            let from = self
                .runs
                .partition_point(|run| run.number + run.length() <= start);
            for run in self.runs[from..].iter().take_while(|run| run.number <= end) {
                let first = run.first + start.saturating_sub(run.number);
                let last = run.last.min(run.first + (end - run.number));
                uids.push(first..=last);
            }
        }
        uids
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ::store::{MailboxId, Uid, UidValidity};
    use proptest::prelude::*;

    fn view(uids: &[RangeInclusive<u32>]) -> View {
        let mailbox = Mailbox {
            id: MailboxId::from_u128(1),
            name: "INBOX".into(),
            uid_validity: UidValidity(1),
            uid_next: Uid(uids.last().map_or(1, |range| range.end() + 1)),
            recent_from: Uid(1),
            modseq: ModSeq(1),
            messages: 0,
            unseen: 0,
            deleted: 0,
            bytes: 0,
            special_use: None,
            subscribed: true,
        };
        View::new(AccountId::from_u128(1), &mailbox, uids, Access::Write)
    }

    fn set(text: &str) -> SequenceSet {
        let command = imap::Command::parse(format!("a UID EXPUNGE {text}").as_bytes()).unwrap();
        match command.body {
            imap::Body::UidExpunge(set) => set,
            _ => unreachable!(),
        }
    }

    #[test]
    fn numbers_and_uids() {
        let view = view(&[3..=5, 9..=9, 12..=14]);
        assert_eq!(view.exists(), 7);
        assert_eq!(view.number_of(9), Some(4));
        assert_eq!(view.number_of(10), None);
        assert_eq!(
            view.resolve(By::Sequence, &set("2:5")).unwrap(),
            [4..=5, 9..=9, 12..=12]
        );
        assert_eq!(view.resolve(By::Sequence, &set("*")).unwrap(), [14..=14]);
        assert_eq!(
            view.resolve(By::Uid, &set("1:9,13:*")).unwrap(),
            [3..=5, 9..=9, 13..=14]
        );
        assert_eq!(view.resolve(By::Uid, &set("100:*")).unwrap(), [14..=14]);
        assert!(view.resolve(By::Sequence, &set("8")).is_err());
    }

    #[test]
    fn an_empty_mailbox_has_no_last_message() {
        let view = view(&[]);
        assert_eq!(
            view.resolve(By::Sequence, &set("1:*")).unwrap_or_default(),
            []
        );
        assert_eq!(view.resolve(By::Uid, &set("1:*")).unwrap(), []);
    }

    /// RFC 3501 §7.4.1: each EXPUNGE counts after the ones before it.
    #[test]
    fn expunges_are_reported_from_the_end() {
        let mut view = view(&[1..=5]);
        let mut out = Vec::new();
        view.vanish([2, 4, 4, 99]);
        view.report_vanished(&mut out, Report::Expunge);
        assert_eq!(out, b"* 4 EXPUNGE\r\n* 2 EXPUNGE\r\n");
        assert_eq!(view.uids(), [1..=1, 3..=3, 5..=5]);
    }

    /// RFC 7162 §3.2.10, RFC 5182
    #[test]
    fn vanished_names_uids_and_dollar_loses_them() {
        let mut view = view(&[1..=5]);
        let mut out = Vec::new();
        view.save(vec![2..=5]);
        view.vanish([2, 4, 99]);
        view.report_vanished(&mut out, Report::Vanished);
        assert_eq!(out, b"* VANISHED 2,4\r\n");
        let saved = view.resolve(By::Sequence, &SequenceSet::Saved).unwrap();
        assert_eq!(saved, [3..=3, 5..=5]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(100))]
        /// The runs say the same as a plain list of UIDs.
        #[test]
        fn like_a_list(changes in proptest::collection::vec((any::<bool>(), 1u32..40), 0..60)) {
            let (mut view, mut list) = (view(&[]), Vec::new());
            let mut next = 1;
            for (adds, value) in changes {
                if adds {
                    next += value % 3;
                    view.append(next);
                    list.push(next);
                    next += 1;
                } else {
                    let expected = list.iter().position(|uid| *uid == value).map(|at| at as u32 + 1);
                    prop_assert_eq!(view.remove(value), expected);
                    list.retain(|uid| *uid != value);
                }
            }
            prop_assert_eq!(view.exists() as usize, list.len());
            for (at, uid) in list.iter().enumerate() {
                prop_assert_eq!(view.number_of(*uid), Some(at as u32 + 1));
            }
            let all: Vec<u32> = view.uids().into_iter().flatten().collect();
            prop_assert_eq!(all, list);
        }
    }
}
