//! What FETCH can be asked for (RFC 3501 §6.4.5, RFC 7162 §3.1.5).

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
