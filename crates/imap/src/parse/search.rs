//! SEARCH: keys, charsets, return options (RFC 3501 §6.4.4, RFC 4731, RFC 5032, RFC 5182, RFC 5267, RFC 5466, RFC 7162 §3.1.5, RFC 8474, RFC 8514, RFC 9394).

use super::{Cursor, Malformed, Rejection, fetch, store};
use crate::command::{Body, By};
use crate::date::Date;
use crate::flag::Flag;
use crate::search::{EnvelopeField, Key, ResultOptions, Search, When};
use crate::sequence::{Number, SequenceSet};
use std::num::NonZeroU32;

/// How deep keys may nest: OR and NOT recurse, here and where they are evaluated.
const MAX_DEPTH: usize = 50;
/// Keys in one command.
const MAX_KEYS: usize = 2000;

type Parsed<T> = Result<T, Malformed>;

/// SEARCH after its name.
pub(super) fn search(cursor: &mut Cursor<'_>, by: By) -> Result<Body, Rejection> {
    cursor.space()?;
    let result = returns(cursor)?;
    let search = search_program(cursor, result)?;
    Ok(Body::Search(by, search))
}

/// RETURN and its options and the space behind them, if they come next.
pub(super) fn returns(cursor: &mut Cursor<'_>) -> Parsed<Option<ResultOptions>> {
    if !next_word_is(cursor, "RETURN") {
        return Ok(None);
    }
    let options = result_options(cursor)?;
    cursor.space()?;
    Ok(Some(options))
}

/// Perhaps a charset, then the keys.
pub(super) fn search_program(
    cursor: &mut Cursor<'_>,
    result: Option<ResultOptions>,
) -> Result<Search, Rejection> {
    if next_word_is(cursor, "CHARSET") {
        charset(cursor)?;
        cursor.space()?;
    }
    Ok(program(cursor, result)?)
}

/// The keys.
pub(super) fn program(cursor: &mut Cursor<'_>, result: Option<ResultOptions>) -> Parsed<Search> {
    let mut keys = Keys { count: 0 };
    let mut all = vec![keys.key(cursor, 0)?];
    while cursor.eat(b' ') {
        all.push(keys.key(cursor, 0)?);
    }
    let key = match all.len() {
        1 => all.remove(0),
        _ => Key::And(all),
    };
    Ok(Search { result, key })
}

/// Takes this word and a space if they are next.
pub(super) fn next_word_is(cursor: &mut Cursor<'_>, word: &str) -> bool {
    let mut ahead = cursor.clone();
    let found = ahead.word() == word && ahead.eat(b' ');
    if found {
        *cursor = ahead;
    }
    found
}

fn result_options(cursor: &mut Cursor<'_>) -> Parsed<ResultOptions> {
    let mut options = ResultOptions::default();
    cursor.list(|cursor| {
        match cursor.word().as_str() {
            "MIN" => options.min = true,
            "MAX" => options.max = true,
            "ALL" => options.all = true,
            "COUNT" => options.count = true,
            "SAVE" => options.save = true,
            "CONTEXT" => options.context = true,
            "UPDATE" => options.update = true,
            "PARTIAL" => {
                cursor.space()?;
                options.partial = Some(fetch::window(cursor)?);
            }
            _ => return Err(Malformed("There is no such return option of SEARCH")),
        }
        Ok(())
    })?;
    if options.partial.is_some() && options.all {
        return Err(Malformed("RETURN takes PARTIAL or ALL, not both"));
    }
    Ok(options.complete())
}

/// A charset we know: texts are UTF-8 in both.
pub(super) fn charset(cursor: &mut Cursor<'_>) -> Result<(), Rejection> {
    let name = cursor.astring()?;
    let known = ["UTF-8", "US-ASCII"]
        .iter()
        .any(|known| name.eq_ignore_ascii_case(known.as_bytes()));
    known.then_some(()).ok_or(Rejection::Charset)
}

/// Counts the keys read so far.
struct Keys {
    count: usize,
}

impl Keys {
    fn key(&mut self, cursor: &mut Cursor<'_>, depth: usize) -> Parsed<Key> {
        self.count += 1;
        if depth > MAX_DEPTH || self.count > MAX_KEYS {
            return Err(Malformed("The search is too complex"));
        }
        match cursor.peek() {
            Some(b'(') => Ok(Key::And(cursor.list(|cursor| self.key(cursor, depth + 1))?)),
            Some(b'0'..=b'9' | b'*' | b'$') => cursor.sequence_set().map(Key::Sequence),
            _ => self.named(cursor, depth),
        }
    }

    fn named(&mut self, cursor: &mut Cursor<'_>, depth: usize) -> Parsed<Key> {
        let name = cursor.word();
        if let Some(key) = flag_key(&name) {
            return Ok(key);
        }
        match name.as_str() {
            "NOT" => self.spaced_key(cursor, depth).map(not),
            "OR" => {
                let first = self.spaced_key(cursor, depth)?;
                let second = self.spaced_key(cursor, depth)?;
                Ok(Key::Or(Box::new(first), Box::new(second)))
            }
            _ => with_argument(&name, cursor),
        }
    }

    fn spaced_key(&mut self, cursor: &mut Cursor<'_>, depth: usize) -> Parsed<Key> {
        cursor.space()?;
        self.key(cursor, depth + 1)
    }
}

fn not(key: Key) -> Key {
    Key::Not(Box::new(key))
}

/// The keys without an argument.
fn flag_key(name: &str) -> Option<Key> {
    Some(match name {
        "ALL" => Key::All,
        "RECENT" => Key::Recent,
        "OLD" => not(Key::Recent),
        "SAVEDATESUPPORTED" => Key::SaveDateSupported,
        "NEW" => Key::And(vec![Key::Recent, not(Key::Flag(Flag::Seen))]),
        _ => match name.strip_prefix("UN").and_then(Flag::system) {
            Some(flag) => not(Key::Flag(flag)),
            None => Key::Flag(Flag::system(name)?),
        },
    })
}

/// The keys with arguments.
fn with_argument(name: &str, cursor: &mut Cursor<'_>) -> Parsed<Key> {
    if !KEYS_WITH_ARGUMENT.contains(&name) {
        return Err(Malformed("There is no such search key"));
    }
    cursor.space()?;
    match name {
        "BCC" => envelope(cursor, EnvelopeField::Bcc),
        "CC" => envelope(cursor, EnvelopeField::Cc),
        "FROM" => envelope(cursor, EnvelopeField::From),
        "SUBJECT" => envelope(cursor, EnvelopeField::Subject),
        "TO" => envelope(cursor, EnvelopeField::To),
        "HEADER" => header(cursor),
        "BODY" => cursor.text().map(Key::Body),
        "TEXT" => cursor.text().map(Key::Text),
        "KEYWORD" => store::keyword(cursor).map(|name| Key::Flag(Flag::Keyword(name))),
        "UNKEYWORD" => store::keyword(cursor).map(|name| not(Key::Flag(Flag::Keyword(name)))),
        "LARGER" => cursor.number().map(Key::Larger),
        "SMALLER" => cursor.number().map(Key::Smaller),
        "UID" => cursor.sequence_set().map(Key::Uid),
        "UIDAFTER" => cursor.nonzero().map(|uid| above(uid.get())),
        "UIDBEFORE" => cursor.nonzero().map(|uid| below(uid.get())),
        "MODSEQ" => modseq(cursor),
        "YOUNGER" => interval(cursor).map(Key::Younger),
        "OLDER" => interval(cursor).map(Key::Younger).map(not),
        "FILTER" => filter(cursor).map(Key::Filter),
        "EMAILID" => object_id(cursor).map(Key::EmailId),
        "THREADID" => object_id(cursor).map(Key::ThreadId),
        _ => dated(name, cursor),
    }
}

const KEYS_WITH_ARGUMENT: [&str; 30] = [
    "BCC",
    "CC",
    "FROM",
    "SUBJECT",
    "TO",
    "HEADER",
    "BODY",
    "TEXT",
    "KEYWORD",
    "UNKEYWORD",
    "LARGER",
    "SMALLER",
    "UID",
    "UIDAFTER",
    "UIDBEFORE",
    "MODSEQ",
    "BEFORE",
    "ON",
    "SINCE",
    "SENTBEFORE",
    "SENTON",
    "SENTSINCE",
    "SAVEDBEFORE",
    "SAVEDON",
    "SAVEDSINCE",
    "YOUNGER",
    "OLDER",
    "FILTER",
    "EMAILID",
    "THREADID",
];

/// RFC 9738 §3.3: UIDs above this one. There is no `*` in it, since that would name the last message whatever its UID.
fn above(uid: u32) -> Key {
    uids(uid.saturating_add(1), u32::MAX, uid)
}

/// RFC 9738 §3.3: UIDs below this one.
fn below(uid: u32) -> Key {
    uids(1, uid - 1, uid)
}

/// UIDs of a range but `without` one; none where the range has no others.
fn uids(first: u32, last: u32, without: u32) -> Key {
    let ends = (NonZeroU32::new(first), NonZeroU32::new(last));
    match ends {
        (Some(first), Some(last)) if first.get() != without => {
            let range = (Number::At(first), Number::At(last));
            Key::Uid(SequenceSet::Listed(vec![range]))
        }
        _ => not(Key::All),
    }
}

/// RFC 5032 §3: seconds, at least one.
fn interval(cursor: &mut Cursor<'_>) -> Parsed<u32> {
    Ok(cursor.nonzero()?.get())
}

/// RFC 5466 §4: an atom that can be the last part of an annotation's name; those are compared without case.
fn filter(cursor: &mut Cursor<'_>) -> Parsed<String> {
    let name = cursor.atom()?;
    match name.contains('/') {
        true => Err(Malformed("The name of a filter has no /")),
        false => Ok(name.to_ascii_lowercase()),
    }
}

/// RFC 8474 §7: letters, digits, `_` and `-`.
fn object_id(cursor: &mut Cursor<'_>) -> Parsed<String> {
    let id = cursor.text()?;
    let valid = |o: u8| o.is_ascii_alphanumeric() || matches!(o, b'_' | b'-');
    match id.len() <= 255 && id.bytes().all(valid) {
        true => Ok(id),
        false => Err(Malformed("An object id has letters, digits, _ and -")),
    }
}

fn envelope(cursor: &mut Cursor<'_>, field: EnvelopeField) -> Parsed<Key> {
    Ok(Key::Envelope(field, cursor.text()?))
}

fn header(cursor: &mut Cursor<'_>) -> Parsed<Key> {
    let field = cursor.text()?;
    cursor.space()?;
    Ok(Key::Header(field, cursor.text()?))
}

/// RFC 7162 §3.1.5: an entry name may stand before the value; all entries share one MODSEQ here.
fn modseq(cursor: &mut Cursor<'_>) -> Parsed<Key> {
    if cursor.peek() == Some(b'"') {
        cursor.string()?;
        cursor.space()?;
        if !matches!(cursor.word().as_str(), "ALL" | "PRIV" | "SHARED") {
            return Err(Malformed(
                "MODSEQ takes an entry, its type and a value, or only a value",
            ));
        }
        cursor.space()?;
    }
    cursor.modseq().map(Key::ModSeq)
}

fn dated(name: &str, cursor: &mut Cursor<'_>) -> Parsed<Key> {
    let date = match cursor.peek() {
        Some(b'"') => Date::parse(&cursor.string()?),
        _ => Date::parse(cursor.take_while(|o| o.is_ascii_alphanumeric() || o == b'-')),
    };
    let date = date.ok_or(Malformed("A date looks like 1-Feb-1994"))?;
    let when = match name.trim_start_matches("SENT").trim_start_matches("SAVED") {
        "BEFORE" => When::Before,
        "ON" => When::On,
        _ => When::Since,
    };
    Ok(match &name[..2] {
        "SE" => Key::Sent(when, date),
        "SA" => Key::Saved(when, date),
        _ => Key::Internal(when, date),
    })
}
