//! The answer to SEARCH and SORT: `* SEARCH` as RFC 3501 has it, `* SORT` (RFC 5256 §4), or `* ESEARCH` (RFC 4731) with PARTIAL (RFC 9394), each with MODSEQ where one was
//! searched for (RFC 7162 §3.1.5–6); and what SAVE keeps of it (RFC 5182 §2.4).

use ::store::{ModSeq, Uid};
use imap::Tag;
use imap::command::By;
use imap::encode;
use imap::fetch::Window;
use imap::mailbox::Names;
use imap::search::ResultOptions;
use std::ops::RangeInclusive;

/// The response that has no return options.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Classic {
    Search,
    Sort,
}

/// A message that was found.
#[derive(Clone, Copy)]
struct Found {
    /// Its number or UID, as the answer has it.
    named: u32,
    uid: u32,
    modseq: u64,
}

/// An answer that grows as messages are found, and is written once all are: until then others may be ([`crate::listen::imap::progress`]).
pub(super) struct Answer {
    /// How the response begins; empty: nothing is told.
    head: Vec<u8>,
    by: By,
    options: Option<ResultOptions>,
    with_modseq: bool,
    count: u32,
    first: Option<Found>,
    last: Option<Found>,
    highest_modseq: u64,
    /// What is found, where it is told or kept as a set at the end: as it is named, and by UID.
    all: Vec<RangeInclusive<u32>>,
    uids: Vec<RangeInclusive<u32>>,
}

impl Answer {
    /// The answer to a command in the selected mailbox.
    pub(super) fn new(
        tag: &Tag,
        (by, classic): (By, Classic),
        options: Option<ResultOptions>,
        with_modseq: bool,
    ) -> Answer {
        let mut head = Vec::new();
        match options {
            None if classic == Classic::Sort => head.extend_from_slice(b"* SORT"),
            None => head.extend_from_slice(b"* SEARCH"),
            Some(options) if tells_nothing(options) => {}
            Some(_) => begin_esearch(&mut head, tag, by),
        }
        Answer::beginning(head, by, options, with_modseq)
    }

    /// The response of one of several mailboxes (RFC 7377 §2.1), which names UIDs.
    pub(super) fn in_mailbox(
        names: Names,
        tag: &Tag,
        (name, uid_validity): (&str, u32),
        options: ResultOptions,
        with_modseq: bool,
    ) -> Answer {
        let mut head = b"* ESEARCH (TAG ".to_vec();
        encode::string(&mut head, tag.as_str().as_bytes());
        head.extend_from_slice(b" MAILBOX ");
        encode::mailbox(&mut head, name, names);
        push_item(&mut head, "UIDVALIDITY", u64::from(uid_validity));
        head.extend_from_slice(b") UID");
        Answer::beginning(head, By::Uid, Some(options), with_modseq)
    }

    fn beginning(
        head: Vec<u8>,
        by: By,
        options: Option<ResultOptions>,
        with_modseq: bool,
    ) -> Answer {
        Answer {
            head,
            by,
            options,
            with_modseq,
            count: 0,
            first: None,
            last: None,
            highest_modseq: 0,
            all: Vec::new(),
            uids: Vec::new(),
        }
    }

    /// Has nothing been found?
    pub(super) fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// A message was found. They come in the order of the answer.
    pub(super) fn add(&mut self, number: u32, uid: Uid, modseq: ModSeq) {
        let found = Found {
            named: match self.by {
                By::Sequence => number,
                By::Uid => uid.0,
            },
            uid: uid.0,
            modseq: modseq.0,
        };
        self.count += 1;
        self.first.get_or_insert(found);
        self.last = Some(found);
        self.highest_modseq = self.highest_modseq.max(found.modseq);
        let told = |options: ResultOptions| options.all || options.partial.is_some();
        if self.options.is_none_or(told) {
            remember(&mut self.all, found.named);
        }
        if self.options.is_some_and(|options| options.save) {
            remember(&mut self.uids, found.uid);
        }
    }

    /// Writes the response. UIDs to keep for `$`, if SAVE was given.
    pub(super) fn finish(self, out: &mut Vec<u8>) -> Option<Vec<RangeInclusive<u32>>> {
        out.extend_from_slice(&self.head);
        match self.options {
            None => {
                self.finish_search(out);
                out.extend_from_slice(b"\r\n");
                None
            }
            Some(options) => {
                if !tells_nothing(options) {
                    self.finish_esearch(out, options);
                    out.extend_from_slice(b"\r\n");
                }
                options.save.then(|| ascending(self.kept(options)))
            }
        }
    }

    /// UIDs to keep for `$` of a response that is not written.
    pub(super) fn unwritten(mut self) -> Option<Vec<RangeInclusive<u32>>> {
        self.head = Vec::new();
        self.finish(&mut Vec::new())
    }

    fn finish_search(&self, out: &mut Vec<u8>) {
        for number in self.all.iter().cloned().flatten() {
            out.push(b' ');
            encode::number(out, u64::from(number));
        }
        if self.with_modseq && self.count > 0 {
            push_item(out, "(MODSEQ", self.highest_modseq);
            out.push(b')');
        }
    }

    fn finish_esearch(&self, out: &mut Vec<u8>, options: ResultOptions) {
        if let (true, Some(first)) = (options.min, self.first) {
            push_item(out, "MIN", u64::from(first.named));
        }
        if let (true, Some(last)) = (options.max, self.last) {
            push_item(out, "MAX", u64::from(last.named));
        }
        if options.all && !self.all.is_empty() {
            out.extend_from_slice(b" ALL ");
            encode::ranges(out, &self.all);
        }
        if options.count {
            push_item(out, "COUNT", u64::from(self.count));
        }
        if let Some(window) = options.partial {
            push_partial(out, window, &places(&self.all, window));
        }
        if self.with_modseq && self.count > 0 {
            push_item(out, "MODSEQ", self.modseq(options));
        }
    }

    /// RFC 7162 §3.1.6: of the messages named in the answer, the highest; if all are counted or listed, of all.
    fn modseq(&self, options: ResultOptions) -> u64 {
        let of = |end: Option<Found>, wanted: bool| {
            end.filter(|_| wanted).map_or(0, |found| found.modseq)
        };
        match options.all || options.count || options.partial.is_some() {
            true => self.highest_modseq,
            false => of(self.first, options.min).max(of(self.last, options.max)),
        }
    }

    /// RFC 5182 §2.4: with MIN and MAX alone only these are kept; RFC 9394 §3.2: with PARTIAL alone what it tells.
    fn kept(&self, options: ResultOptions) -> Vec<RangeInclusive<u32>> {
        if options.all
            || options.count
            || !(options.min || options.max || options.partial.is_some())
        {
            return self.uids.clone();
        }
        let end = |end: Option<Found>, wanted: bool| end.filter(|_| wanted).map(|found| found.uid);
        let mut kept: Vec<u32> = end(self.first, options.min)
            .into_iter()
            .chain(end(self.last, options.max))
            .collect();
        if let Some(window) = options.partial {
            kept.extend(places(&self.uids, window).into_iter().flatten());
        }
        kept.sort_unstable();
        kept.dedup();
        encode::collect_ranges(kept)
    }
}

/// SAVE alone: nothing is told (RFC 5182 §2.1).
fn tells_nothing(options: ResultOptions) -> bool {
    !(options.min || options.max || options.all || options.count || options.partial.is_some())
}

/// Appends `* ESEARCH (TAG "…") UID`.
pub(super) fn begin_esearch(out: &mut Vec<u8>, tag: &Tag, by: By) {
    out.extend_from_slice(b"* ESEARCH (TAG ");
    encode::string(out, tag.as_str().as_bytes());
    out.push(b')');
    if by == By::Uid {
        out.extend_from_slice(b" UID");
    }
}

/// What was sorted, as a set.
fn ascending(ranges: Vec<RangeInclusive<u32>>) -> Vec<RangeInclusive<u32>> {
    if ranges.is_sorted_by_key(|range| *range.start()) {
        return ranges;
    }
    let mut uids: Vec<u32> = ranges.into_iter().flatten().collect();
    uids.sort_unstable();
    encode::collect_ranges(uids)
}

/// Appends a number to ranges that keep the order.
pub(super) fn remember(ranges: &mut Vec<RangeInclusive<u32>>, found: u32) {
    match ranges.last_mut() {
        Some(range) if range.end().checked_add(1) == Some(found) => *range = *range.start()..=found,
        _ => ranges.push(found..=found),
    }
}

/// The numbers of ascending ranges that are at the places of a window.
fn places(ranges: &[RangeInclusive<u32>], window: Window) -> Vec<RangeInclusive<u32>> {
    crate::listen::imap::fetch::within(ranges, window)
}

/// Appends ` PARTIAL (1:100 4,7:9)`, or NIL where the window has nothing (RFC 9394 §3.1).
fn push_partial(out: &mut Vec<u8>, window: Window, found: &[RangeInclusive<u32>]) {
    out.extend_from_slice(b" PARTIAL (");
    window.encode(out);
    out.push(b' ');
    match found.is_empty() {
        true => out.extend_from_slice(b"NIL"),
        false => encode::ranges(out, found),
    }
    out.push(b')');
}

fn push_item(out: &mut Vec<u8>, name: &str, value: u64) {
    out.push(b' ');
    out.extend_from_slice(name.as_bytes());
    out.push(b' ');
    encode::number(out, value);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(
        by: By,
        options: Option<ResultOptions>,
        with_modseq: bool,
        found: &[(u32, u32, u64)],
    ) -> String {
        let mut out = Vec::new();
        let tag = Tag::new(b"A282").unwrap();
        let mut answer = Answer::new(&tag, (by, Classic::Search), options, with_modseq);
        for (number, uid, modseq) in found {
            answer.add(*number, Uid(*uid), ModSeq(*modseq));
        }
        answer.finish(&mut out);
        String::from_utf8(out).unwrap()
    }

    const FOUND: [(u32, u32, u64); 3] = [(2, 20, 917162490), (3, 21, 5), (11, 40, 7)];

    #[test]
    fn rfc3501_and_rfc7162_search() {
        assert_eq!(
            answer(By::Sequence, None, false, &FOUND),
            "* SEARCH 2 3 11\r\n"
        );
        assert_eq!(answer(By::Sequence, None, false, &[]), "* SEARCH\r\n");
        assert_eq!(
            answer(By::Uid, None, true, &FOUND),
            "* SEARCH 20 21 40 (MODSEQ 917162490)\r\n"
        );
        assert_eq!(answer(By::Uid, None, true, &[]), "* SEARCH\r\n");
    }

    /// RFC 4731 §3.1
    #[test]
    fn rfc4731_esearch() {
        let min_count = ResultOptions {
            min: true,
            count: true,
            ..ResultOptions::default()
        };
        let expected = "* ESEARCH (TAG \"A282\") MIN 2 COUNT 3\r\n";
        assert_eq!(
            answer(By::Sequence, Some(min_count), false, &FOUND),
            expected
        );
        let all = ResultOptions {
            all: true,
            ..ResultOptions::default()
        };
        let expected = "* ESEARCH (TAG \"A282\") UID ALL 20:21,40\r\n";
        assert_eq!(answer(By::Uid, Some(all), false, &FOUND), expected);
        assert_eq!(
            answer(By::Uid, Some(all), false, &[]),
            "* ESEARCH (TAG \"A282\") UID\r\n"
        );
    }

    /// RFC 7162 §3.1.6
    #[test]
    fn rfc7162_esearch_modseq_is_of_what_is_named() {
        let max = ResultOptions {
            max: true,
            ..ResultOptions::default()
        };
        let expected = "* ESEARCH (TAG \"A282\") MAX 11 MODSEQ 7\r\n";
        assert_eq!(answer(By::Sequence, Some(max), true, &FOUND), expected);
    }

    /// RFC 9394 §3.1, RFC 5182 §2.4
    #[test]
    fn rfc9394_partial_and_what_is_saved() {
        let partial = |from, low, high, save| ResultOptions {
            partial: Some(Window { from, low, high }),
            save,
            ..ResultOptions::default()
        };
        use imap::fetch::Edge::{Begin, End};
        let last_two = partial(End, 1, 2, false);
        let expected = "* ESEARCH (TAG \"A282\") UID PARTIAL (-1:-2 21,40)\r\n";
        assert_eq!(answer(By::Uid, Some(last_two), false, &FOUND), expected);
        let beyond = partial(Begin, 4, 9, false);
        let expected = "* ESEARCH (TAG \"A282\") PARTIAL (4:9 NIL)\r\n";
        assert_eq!(answer(By::Sequence, Some(beyond), false, &FOUND), expected);
        let kept = |options: ResultOptions| {
            let mut out = Vec::new();
            let tag = Tag::new(b"A").unwrap();
            let mut answer =
                Answer::new(&tag, (By::Sequence, Classic::Search), Some(options), false);
            for (number, uid, modseq) in FOUND {
                answer.add(number, Uid(uid), ModSeq(modseq));
            }
            let kept = answer.finish(&mut out);
            (kept.unwrap(), out.is_empty())
        };
        let save = ResultOptions {
            save: true,
            ..ResultOptions::default()
        };
        assert_eq!(kept(save), (vec![20..=21, 40..=40], true));
        let ends = ResultOptions {
            min: true,
            max: true,
            ..save
        };
        assert_eq!(kept(ends).0, [20..=20, 40..=40]);
        let count = ResultOptions {
            count: true,
            ..ends
        };
        assert_eq!(kept(count).0, [20..=21, 40..=40]);
        assert_eq!(kept(partial(Begin, 2, 2, true)).0, [21..=21]);
    }

    /// RFC 5267 §3: MIN and MAX are the ends of the order, ALL keeps it.
    #[test]
    fn rfc5267_esort_keeps_the_order() {
        let (mut out, tag) = (Vec::new(), Tag::new(b"E01").unwrap());
        let options = ResultOptions {
            min: true,
            max: true,
            all: true,
            save: true,
            ..ResultOptions::default()
        };
        let form = (By::Sequence, Classic::Sort);
        let mut answer = Answer::new(&tag, form, Some(options), false);
        for number in [5, 3, 4, 1, 2] {
            answer.add(number, Uid(number), ModSeq(1));
        }
        assert_eq!(answer.finish(&mut out), Some(vec![1..=5]));
        let expected = "* ESEARCH (TAG \"E01\") MIN 5 MAX 2 ALL 5,3:4,1:2\r\n";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }
}
