//! What SEARCH can be asked (RFC 3501 §6.4.4, RFC 4731 ESEARCH, RFC 5032 WITHIN, RFC 5182 SEARCHRES, RFC 5267 CONTEXT, RFC 7162 §3.1.5,
//! RFC 5466 FILTERS, RFC 8474 OBJECTID, RFC 8514 SAVEDATE, RFC 9394 PARTIAL).

use crate::date::Date;
use crate::fetch::Window;
use crate::flag::Flag;
use crate::parse::{self, Rejection};
use crate::sequence::SequenceSet;

/// A SEARCH command without its tag.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Search {
    /// RETURN options; `None`: the classic `* SEARCH` answer.
    pub result: Option<ResultOptions>,
    /// What messages must meet: all of these.
    pub key: Key,
}

/// RETURN options (RFC 4731 §3.1). None at all means ALL; the parser sees to that.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ResultOptions {
    /// MIN
    pub min: bool,
    /// MAX
    pub max: bool,
    /// ALL
    pub all: bool,
    /// COUNT
    pub count: bool,
    /// SAVE (RFC 5182): keep what is found for `$`.
    pub save: bool,
    /// PARTIAL: only these of the results.
    pub partial: Option<Window>,
    /// CONTEXT (RFC 5267 §4.2): the client will come back for more. A hint; nothing depends on it.
    pub context: bool,
    /// UPDATE (RFC 5267 §4.3): tell when the results change.
    pub update: bool,
}

impl ResultOptions {
    /// RFC 4731 §3.1: no option that says what to tell means ALL; SAVE alone tells nothing (RFC 5182 §2.1).
    pub(crate) fn complete(mut self) -> ResultOptions {
        let tells = self.min || self.max || self.count || self.partial.is_some();
        self.all |= !tells && !self.save;
        self
    }
}

/// Fields of the envelope that have a key of their own.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs)] // the names are those of the keys
pub enum EnvelopeField {
    Bcc,
    Cc,
    From,
    Subject,
    To,
}

/// How a date is compared.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum When {
    /// Earlier than the date.
    Before,
    /// On the date.
    On,
    /// On the date or later.
    Since,
}

impl When {
    /// Does `day` meet this comparison with `date`?
    pub fn holds(self, day: Date, date: Date) -> bool {
        match self {
            When::Before => day < date,
            When::On => day == date,
            When::Since => day >= date,
        }
    }
}

/// A search key. Texts are UTF-8, whatever charset they came in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Key {
    /// Every message.
    All,
    /// All of these.
    And(Vec<Key>),
    /// One or both.
    Or(Box<Key>, Box<Key>),
    /// Not this.
    Not(Box<Key>),
    /// Has this flag or keyword.
    Flag(Flag),
    /// RECENT
    Recent,
    /// Message numbers.
    Sequence(SequenceSet),
    /// UIDs.
    Uid(SequenceSet),
    /// Text in a field of the envelope.
    Envelope(EnvelopeField, String),
    /// Text in a header field; an empty text asks whether the field is there.
    Header(String, String),
    /// Text in the content.
    Body(String),
    /// Text in header or content.
    Text(String),
    /// INTERNALDATE.
    Internal(When, Date),
    /// The `Date` field.
    Sent(When, Date),
    /// More octets than this.
    Larger(u32),
    /// Fewer octets than this.
    Smaller(u32),
    /// MODSEQ at or above this.
    ModSeq(u64),
    /// INTERNALDATE at most so many seconds ago (RFC 5032 YOUNGER). OLDER is its opposite.
    Younger(u32),
    /// When it came into this mailbox (RFC 8514).
    Saved(When, Date),
    /// Does this mailbox know when messages came into it (RFC 8514)?
    SaveDateSupported,
    /// The message has this id (RFC 8474).
    EmailId(String),
    /// Its thread has this id.
    ThreadId(String),
    /// What the filter of this name, in lower case, is set to (RFC 5466). The session puts that in its place.
    Filter(String),
}

impl Key {
    /// Reads the value of a filter (RFC 5466 §3.1): keys as in a SEARCH command, perhaps after their charset.
    pub fn of_filter(octets: &[u8]) -> Result<Key, Rejection> {
        parse::search_keys(octets)
    }

    /// How many keys there are, itself and those within.
    pub fn count(&self) -> usize {
        1 + match self {
            Key::And(keys) => keys.iter().map(Key::count).sum(),
            Key::Or(a, b) => a.count() + b.count(),
            Key::Not(key) => key.count(),
            _ => 0,
        }
    }

    /// Does any key within meet `wanted`?
    pub fn any(&self, wanted: &impl Fn(&Key) -> bool) -> bool {
        wanted(self)
            || match self {
                Key::And(keys) => keys.iter().any(|key| key.any(wanted)),
                Key::Or(a, b) => a.any(wanted) || b.any(wanted),
                Key::Not(key) => key.any(wanted),
                _ => false,
            }
    }
}
