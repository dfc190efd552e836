//! Makes a message with octets above 127 into one without, for a server that has no 8BITMIME (RFC 6152 §3): leaves become quoted-printable or
//! base64 (RFC 2045 §6), header fields encoded words and extended parameters (RFC 2047, RFC 2231).
//!
//! It takes a [`crate::Summary`] and then the message twice, in pieces: [`Survey`] learns where such octets are and whether they can go,
//! [`Converter`] writes. What is signed or encrypted as it stands (RFC 1847) is never touched: such a message cannot be converted.

mod encode;
mod head;
mod spans;
#[cfg(test)]
mod tests;

use crate::Summary;
pub use encode::Encoding;
use encode::Writer;
use head::Edit;
use spans::{Span, What};

/// Why a message cannot do without octets above 127.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unconvertible {
    /// A signature or an encryption covers it as it is (RFC 1847).
    #[error("a part of it is signed or encrypted as it stands")]
    Sealed,
    /// A header field has such octets where nothing can stand for them.
    #[error("its header field {0} has octets that nothing can stand for")]
    Field(String),
    /// A part of a type or in an encoding that may not be encoded (again).
    #[error("it has a part of type {0} that may not be encoded")]
    Part(String),
    /// It has more parts, levels or header fields than are looked at.
    #[error("it has too many parts or header fields")]
    TooComplex,
}

/// The first reading: where octets above 127 are.
pub struct Survey {
    spans: Vec<Span>,
    cursor: Cursor,
    /// The beginning of a character whose end has not come yet.
    character: Vec<u8>,
}

/// A place in a message that comes in pieces.
#[derive(Default)]
struct Cursor {
    at: u64,
    span: usize,
}

impl Cursor {
    /// Calls `take` with each part of `octets` that lies in one span, and says whether the span ends there. Octets behind the last
    /// span, which no summary leaves over, belong to none.
    fn each(
        &mut self,
        spans: &[Span],
        mut octets: &[u8],
        mut take: impl FnMut(usize, &[u8], bool),
    ) {
        while let Some(span) = spans.get(self.span) {
            let left = span.end.saturating_sub(self.at);
            if octets.is_empty() && left > 0 {
                return;
            }
            let length = usize::try_from(left)
                .unwrap_or(usize::MAX)
                .min(octets.len());
            let (piece, rest) = octets.split_at(length);
            let ends = length as u64 == left;
            take(self.span, piece, ends);
            self.at += length as u64;
            self.span += usize::from(ends);
            octets = rest;
        }
    }
}

impl Survey {
    /// A reading of the message that this is the summary of.
    pub fn new(summary: &Summary) -> Result<Survey, Unconvertible> {
        let root = summary.root.as_ref().filter(|_| !summary.cut);
        let root = root.ok_or(Unconvertible::TooComplex)?;
        Ok(Survey {
            spans: spans::of(root, u64::from(summary.size)),
            cursor: Cursor::default(),
            character: Vec::new(),
        })
    }

    /// Takes the next octets, from the first one on, in pieces of any size.
    pub fn feed(&mut self, octets: &[u8]) {
        let mut found: Vec<(usize, bool)> = Vec::new();
        let character = &mut self.character;
        self.cursor.each(&self.spans, octets, |index, piece, ends| {
            if !piece.is_ascii() || !character.is_empty() {
                found.push((index, is_utf8(character, piece, ends)));
            }
        });
        for (index, is_utf8) in found {
            let span = &mut self.spans[index];
            span.eight_bit = true;
            span.utf8 &= is_utf8;
        }
    }

    /// What is to be done, now that all has been read.
    pub fn finish(self) -> Result<Converter, Unconvertible> {
        for span in self.spans.iter().filter(|span| span.eight_bit) {
            if span.sealed {
                return Err(Unconvertible::Sealed);
            }
            if let What::Leaf(leaf) = &span.what
                && leaf.encoding == Encoding::Impossible
            {
                return Err(Unconvertible::Part(leaf.media_type.clone()));
            }
        }
        Ok(Converter::new(self.spans))
    }
}

/// Is this UTF-8, behind the character that was begun? What it begins itself is kept.
fn is_utf8(character: &mut Vec<u8>, piece: &[u8], ends: bool) -> bool {
    character.extend_from_slice(piece);
    let octets = std::mem::take(character);
    match std::str::from_utf8(&octets) {
        Ok(_) => true,
        Err(error) if error.error_len().is_none() && !ends => {
            *character = octets[error.valid_up_to()..].to_vec();
            true
        }
        Err(_) => false,
    }
}

/// The second reading, which writes the message anew.
pub struct Converter {
    spans: Vec<Span>,
    edits: Vec<Option<Edit>>,
    cursor: Cursor,
    /// The header section being read.
    section: Vec<u8>,
    writer: Option<Writer>,
}

impl Converter {
    fn new(spans: Vec<Span>) -> Converter {
        Converter {
            edits: head::edits(&spans),
            spans,
            cursor: Cursor::default(),
            section: Vec::new(),
            writer: None,
        }
    }

    /// Takes the next octets, and adds to `out` what stands for them. After an error the message cannot be converted.
    pub fn feed(&mut self, octets: &[u8], out: &mut Vec<u8>) -> Result<(), Unconvertible> {
        let Converter {
            spans,
            edits,
            cursor,
            section,
            writer,
        } = self;
        let mut failure = None;
        cursor.each(spans, octets, |index, piece, ends| {
            let span = &spans[index];
            match (&span.what, &edits[index]) {
                (What::Head(_), Some(edit)) => {
                    section.extend_from_slice(piece);
                    if ends {
                        match head::rewritten(&std::mem::take(section), edit) {
                            Ok(section) => out.extend_from_slice(&section),
                            Err(why) => failure = failure.take().or(Some(why)),
                        }
                    }
                }
                (What::Leaf(leaf), _) if span.eight_bit => {
                    let writer = writer.get_or_insert_with(|| Writer::new(leaf.encoding));
                    writer.write(piece, out);
                    if ends {
                        writer.finish(leaf.is_last, out);
                    }
                }
                (What::Between, _) if span.eight_bit => {
                    out.extend(piece.iter().map(|o| if o.is_ascii() { *o } else { b'?' }));
                }
                _ => out.extend_from_slice(piece),
            }
            if ends {
                *writer = None;
            }
        });
        failure.map_or(Ok(()), Err)
    }
}
