//! What SEARCH can be asked (RFC 3501 §6.4.4, RFC 4731 ESEARCH, RFC 7162 §3.1.5).

use crate::date::Date;
use crate::flag::Flag;
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
}

impl Key {
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
