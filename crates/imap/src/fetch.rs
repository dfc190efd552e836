//! What FETCH can be asked for (RFC 3501 §6.4.5, RFC 3516 BINARY, RFC 7162 §3.1.5, RFC 8474 OBJECTID, RFC 8514 SAVEDATE,
//! RFC 8970 PREVIEW, RFC 9394 PARTIAL).

/// A data item of FETCH.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Item {
    /// ENVELOPE
    Envelope,
    /// FLAGS
    Flags,
    /// INTERNALDATE
    InternalDate,
    /// RFC822.SIZE
    Size,
    /// UID
    Uid,
    /// MODSEQ
    ModSeq,
    /// BODY: the structure without extension data.
    Body,
    /// BODYSTRUCTURE
    BodyStructure,
    /// Octets of the message.
    Content(Content),
    /// Decoded octets of a part.
    Binary(Binary),
    /// BINARY.SIZE: how many octets a part has when it is decoded. The numbers of the part.
    BinarySize(Vec<u32>),
    /// PREVIEW, lazy or not: this server has every preview at hand.
    Preview,
    /// SAVEDATE
    SaveDate,
    /// EMAILID
    EmailId,
    /// THREADID
    ThreadId,
}

/// Decoded octets of a part: `BINARY[…]<…>` (RFC 3516 §4.2).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Binary {
    /// Part numbers from the outside in; none: the message itself, undecoded.
    pub part: Vec<u32>,
    /// Which piece of the decoded octets.
    pub partial: Option<Partial>,
    /// BINARY.PEEK: `\Seen` is not set.
    pub peek: bool,
}

/// Some of a list of results: `1:100` from its begin, `-1:-100` from its end (RFC 5267 §4.4, RFC 9394 §3.1).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Window {
    /// Where counting begins.
    pub from: Edge,
    /// The lower place; 1 is the first (or last) result.
    pub low: u32,
    /// The higher place.
    pub high: u32,
}

/// An end of a list.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Edge {
    /// Its first element.
    Begin,
    /// Its last.
    End,
}

impl Window {
    /// The places it covers in a list of `length`, counted from 0.
    pub fn of(self, length: usize) -> std::ops::Range<usize> {
        let low = (self.low as usize - 1).min(length);
        let high = (self.high as usize).min(length);
        match self.from {
            Edge::Begin => low..high,
            Edge::End => length - high..length - low,
        }
    }

    /// Appends it as it is written.
    pub fn encode(self, out: &mut Vec<u8>) {
        for (separator, place) in [("", self.low), (":", self.high)] {
            out.extend_from_slice(separator.as_bytes());
            if self.from == Edge::End {
                out.push(b'-');
            }
            crate::encode::number(out, u64::from(place));
        }
    }
}

/// Octets of a message: `BODY[…]<…>` and its relatives.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Content {
    /// Which.
    pub section: Section,
    /// Which piece of them.
    pub partial: Option<Partial>,
    /// How it was asked for, which decides the name in the answer and whether `\Seen` is set.
    pub spelling: Spelling,
}

impl Content {
    /// Does asking for it set `\Seen`?
    pub fn sets_seen(&self) -> bool {
        match self.spelling {
            Spelling::Body => true,
            Spelling::BodyPeek => false,
            Spelling::Rfc822 => self.section.text != Some(SectionText::Header),
        }
    }
}

/// How octets were asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Spelling {
    /// `BODY[…]`
    Body,
    /// `BODY.PEEK[…]`
    BodyPeek,
    /// `RFC822`, `RFC822.HEADER`, `RFC822.TEXT`
    Rfc822,
}

/// A piece `<offset.length>`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Partial {
    /// The first octet.
    pub offset: u32,
    /// At most so many octets; not zero.
    pub length: u32,
}

/// A section: a part (empty: the message itself) and what of it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Section {
    /// Part numbers from the outside in; each at least 1.
    pub part: Vec<u32>,
    /// What of the part; `None`: all of it.
    pub text: Option<SectionText>,
}

/// What of a part.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SectionText {
    /// HEADER
    Header,
    /// HEADER.FIELDS, names as written
    HeaderFields(Vec<String>),
    /// HEADER.FIELDS.NOT, names as written
    HeaderFieldsNot(Vec<String>),
    /// TEXT
    Text,
    /// MIME
    Mime,
}
