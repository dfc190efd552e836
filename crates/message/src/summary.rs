//! What IMAP clients ask about a message, computed once at arrival: ENVELOPE, body structure, part offsets, preview.

use serde::{Deserialize, Serialize};

/// Everything that can be told of a message without reading its body again. Stored with it (serde; add fields at the end only).
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Summary {
    /// ENVELOPE as IMAP sends it, parentheses included (RFC 3501 §7.4.2), 7-bit: encoded words stay as they are.
    pub envelope: Vec<u8>,
    /// The part tree; `None` for a message nobody could parse at all.
    pub root: Option<Part>,
    /// Octets of the header section including the empty line.
    pub header_size: u32,
    /// Octets of the whole message.
    pub size: u32,
    /// RFC 8970 preview: up to 200 characters of decoded text.
    pub preview: String,
    /// `Message-ID` without the angle brackets.
    pub message_id: Option<String>,
    /// Ids of `In-Reply-To` and `References` in order, without brackets (for THREAD).
    pub references: Vec<String>,
    /// Base subject (RFC 5256 §2.1), decoded.
    pub base_subject: String,
    /// Seconds since 1970 of the `Date` field, if it could be read.
    pub sent: Option<i64>,
}

/// A MIME part (RFC 3501 §7.4.2 BODYSTRUCTURE fields) and where it is. Offsets count from the start of the message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Media type, e.g. `text`.
    pub media_type: String,
    /// Subtype, e.g. `plain`.
    pub subtype: String,
    /// Content-Type parameters, in order (RFC 2231 continuations joined).
    pub params: Vec<(String, String)>,
    /// Content-ID as written.
    pub id: Option<String>,
    /// Content-Description as written.
    pub description: Option<String>,
    /// Content-Transfer-Encoding, lower-case; `7bit` if absent.
    pub encoding: String,
    /// Content-MD5.
    pub md5: Option<String>,
    /// Content-Disposition with its parameters.
    pub disposition: Option<(String, Vec<(String, String)>)>,
    /// Content-Language.
    pub language: Vec<String>,
    /// Content-Location.
    pub location: Option<String>,
    /// Where the part's MIME header begins (of the root: 0).
    pub header_start: u32,
    /// Where its content begins.
    pub body_start: u32,
    /// Where its content ends (exclusive; the CRLF before a boundary is not content).
    pub body_end: u32,
    /// Lines of its content.
    pub lines: u32,
    /// What is inside.
    pub kind: PartKind,
}

/// What a part holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PartKind {
    /// Nothing further.
    Leaf,
    /// `multipart/*`.
    Multipart(Vec<Part>),
    /// `message/rfc822` (and `message/global`): its ENVELOPE as IMAP sends it, and its root part.
    Message(Vec<u8>, Box<Part>),
}

/// Reads a message piece by piece and ends in a [`Summary`]. Bounded: depth, parts, header octets, preview text.
#[derive(Default)]
pub struct Scanner {
    _todo: (),
}

/// Why a message cannot be scanned.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ScanError(pub &'static str);

impl Scanner {
    /// A scanner at the start of a message.
    pub fn new() -> Scanner {
        Scanner::default()
    }
    /// Takes the next octets, in pieces of any size.
    pub fn feed(&mut self, _octets: &[u8]) {
        todo!()
    }
    /// The message is complete.
    pub fn finish(self) -> Summary {
        todo!()
    }
}

impl Summary {
    /// The summary of the same message with `extra` octets of header fields put in front: all offsets move.
    pub fn prepended(self, _extra: u32) -> Summary {
        todo!()
    }
}
