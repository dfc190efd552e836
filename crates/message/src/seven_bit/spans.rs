//! A message as a row of spans: header sections, contents of leaves, and what stands between them (boundaries, and text that no reader shows).

use super::Encoding;
use crate::{Part, PartKind};

/// From the end of the span before it up to `end`.
#[derive(Debug)]
pub(super) struct Span {
    /// Octets from the start of the message.
    pub(super) end: u64,
    pub(super) what: What,
    /// It lies in what is signed or encrypted.
    pub(super) sealed: bool,
    /// It has octets above 127.
    pub(super) eight_bit: bool,
    /// They are UTF-8.
    pub(super) utf8: bool,
}

#[derive(Debug)]
pub(super) enum What {
    Head(Head),
    Leaf(Leaf),
    Between,
}

/// The header section of a part.
#[derive(Debug)]
pub(super) struct Head {
    /// Of the message itself.
    pub(super) is_root: bool,
    /// The part holds others, so that its encoding only says what they may have.
    pub(super) is_container: bool,
    /// Content-Transfer-Encoding.
    pub(super) encoding: String,
}

/// The content of a part that holds no others.
#[derive(Debug)]
pub(super) struct Leaf {
    /// `type/subtype`.
    pub(super) media_type: String,
    /// How it is written if it must be.
    pub(super) encoding: Encoding,
    /// The message ends with it.
    pub(super) is_last: bool,
}

/// The spans of a message of this size; they leave out nothing.
pub(super) fn of(root: &Part, size: u64) -> Vec<Span> {
    let mut row = Row {
        spans: Vec::new(),
        size,
    };
    row.part(root, true, false);
    row.push(size, What::Between, false);
    row.spans
}

struct Row {
    spans: Vec<Span>,
    size: u64,
}

impl Row {
    fn push(&mut self, end: u64, what: What, sealed: bool) {
        let before = self.spans.last().map_or(0, |span| span.end);
        if end > before {
            self.spans.push(Span {
                end,
                what,
                sealed,
                eight_bit: false,
                utf8: true,
            });
        }
    }

    fn part(&mut self, part: &Part, is_root: bool, sealed: bool) {
        self.push(u64::from(part.header_start), What::Between, sealed);
        let is_global = part.is("message", "global");
        let head = Head {
            is_root,
            is_container: part.kind != PartKind::Leaf && !is_global,
            encoding: part.encoding.clone(),
        };
        self.push(u64::from(part.body_start), What::Head(head), sealed);
        match &part.kind {
            PartKind::Multipart(parts) => {
                let seals = part.is("multipart", "signed") || part.is("multipart", "encrypted");
                for inner in parts {
                    self.part(inner, false, sealed || seals);
                }
            }
            // RFC 6532 §3.7: this one may be encoded as a whole.
            PartKind::Message(_, root) if !is_global => self.part(root, false, sealed),
            PartKind::Leaf | PartKind::Message(..) => self.leaf(part, sealed),
        }
        self.push(u64::from(part.body_end), What::Between, sealed);
    }

    fn leaf(&mut self, part: &Part, sealed: bool) {
        let end = u64::from(part.body_end);
        let leaf = Leaf {
            media_type: format!("{}/{}", part.media_type, part.subtype),
            encoding: Encoding::of(part),
            is_last: end == self.size,
        };
        self.push(end, What::Leaf(leaf), sealed);
    }
}
