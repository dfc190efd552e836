//! The answer to SEARCH: `* SEARCH` as RFC 3501 has it, or `* ESEARCH` (RFC 4731), each with MODSEQ where one was searched for
//! (RFC 7162 §3.1.5–6).

use ::store::entry::Entry;
use imap::Tag;
use imap::command::By;
use imap::encode;
use imap::search::ResultOptions;

/// An answer that grows as messages are found.
pub(super) struct Answer {
    by: By,
    options: Option<ResultOptions>,
    with_modseq: bool,
    count: u32,
    /// Number (or UID) and MODSEQ of the first and the last found.
    first: Option<(u32, u64)>,
    last: Option<(u32, u64)>,
    highest_modseq: u64,
    /// What is found, for ALL of ESEARCH: it is written as a set, at the end.
    all: Vec<std::ops::RangeInclusive<u32>>,
}

impl Answer {
    /// Begins the response.
    pub(super) fn begin(
        out: &mut Vec<u8>,
        tag: &Tag,
        by: By,
        options: Option<ResultOptions>,
        with_modseq: bool,
    ) -> Answer {
        match options {
            None => out.extend_from_slice(b"* SEARCH"),
            Some(_) => {
                out.extend_from_slice(b"* ESEARCH (TAG ");
                encode::string(out, tag.as_str().as_bytes());
                out.push(b')');
                if by == By::Uid {
                    out.extend_from_slice(b" UID");
                }
            }
        }
        Answer {
            by,
            options,
            with_modseq,
            count: 0,
            first: None,
            last: None,
            highest_modseq: 0,
            all: Vec::new(),
        }
    }

    /// A message was found. They come in ascending order.
    pub(super) fn add(&mut self, out: &mut Vec<u8>, number: u32, entry: &Entry) {
        let found = match self.by {
            By::Sequence => number,
            By::Uid => entry.uid.0,
        };
        self.count += 1;
        self.first.get_or_insert((found, entry.modseq.0));
        self.last = Some((found, entry.modseq.0));
        self.highest_modseq = self.highest_modseq.max(entry.modseq.0);
        match self.options {
            None => {
                out.push(b' ');
                encode::number(out, u64::from(found));
            }
            Some(options) if options.all => self.remember(found),
            Some(_) => {}
        }
    }

    fn remember(&mut self, found: u32) {
        match self.all.last_mut() {
            Some(range) if *range.end() + 1 == found => *range = *range.start()..=found,
            _ => self.all.push(found..=found),
        }
    }

    /// Ends the response.
    pub(super) fn finish(self, out: &mut Vec<u8>) {
        match self.options {
            None => self.finish_search(out),
            Some(options) => self.finish_esearch(out, options),
        }
        out.extend_from_slice(b"\r\n");
    }

    fn finish_search(&self, out: &mut Vec<u8>) {
        if self.with_modseq && self.count > 0 {
            push_item(out, "(MODSEQ", self.highest_modseq);
            out.push(b')');
        }
    }

    fn finish_esearch(&self, out: &mut Vec<u8>, options: ResultOptions) {
        if let (true, Some((first, _))) = (options.min, self.first) {
            push_item(out, "MIN", u64::from(first));
        }
        if let (true, Some((last, _))) = (options.max, self.last) {
            push_item(out, "MAX", u64::from(last));
        }
        if !self.all.is_empty() {
            out.extend_from_slice(b" ALL ");
            encode::ranges(out, &self.all);
        }
        if options.count {
            push_item(out, "COUNT", u64::from(self.count));
        }
        if self.with_modseq && self.count > 0 {
            push_item(out, "MODSEQ", self.modseq(options));
        }
    }

    /// RFC 7162 §3.1.6: of the messages named in the answer, the highest; if all are counted or listed, of all.
    fn modseq(&self, options: ResultOptions) -> u64 {
        let of = |end: Option<(u32, u64)>, wanted: bool| {
            end.filter(|_| wanted).map_or(0, |(_, modseq)| modseq)
        };
        match options.all || options.count {
            true => self.highest_modseq,
            false => of(self.first, options.min).max(of(self.last, options.max)),
        }
    }
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
    use ::store::entry::Flags;
    use ::store::{MessageId, ModSeq, Timestamp, Uid};

    fn entry(uid: u32, modseq: u64) -> Entry {
        Entry {
            uid: Uid(uid),
            message: MessageId::from_u128(1),
            flags: Flags::default(),
            keywords: Vec::new(),
            modseq: ModSeq(modseq),
            internal_date: Timestamp::UNIX_EPOCH,
            saved: Timestamp::UNIX_EPOCH,
            size: 1,
        }
    }

    fn answer(
        by: By,
        options: Option<ResultOptions>,
        with_modseq: bool,
        found: &[(u32, u32, u64)],
    ) -> String {
        let mut out = Vec::new();
        let tag = Tag::new(b"A282").unwrap();
        let mut answer = Answer::begin(&mut out, &tag, by, options, with_modseq);
        for (number, uid, modseq) in found {
            answer.add(&mut out, *number, &entry(*uid, *modseq));
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
}
