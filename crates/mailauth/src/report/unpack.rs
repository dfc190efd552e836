//! Finds the documents in what reports come in: messages, gzip, zip. Untrusted, so everything is counted: what comes out of archives,
//! how many members they have, and how deep they lie in each other.

use super::Unreadable;
use flate2::read::MultiGzDecoder;
use message::{Part, PartKind, Scanner, transfer};
use std::io::{Cursor, Read};
use zip::ZipArchive;

/// Octets of a message, archive or document that are looked at.
pub const LARGEST: usize = 16 << 20;
/// Octets of all documents together.
const UNPACKED: usize = 32 << 20;
/// Documents in one message or archive.
const MOST: usize = 20;
/// Members of a zip file; each costs memory before it is looked at.
const MEMBERS: usize = 200;
/// Archives within archives within a message.
const DEPTH: usize = 3;
/// Parts of a message that are looked at.
const PARTS: usize = 50;

/// A document, as its first character says.
#[derive(Debug)]
pub(super) enum Document {
    Xml(Vec<u8>),
    Json(Vec<u8>),
}

/// All documents. An error if there is none, or if one cannot be had.
pub(super) fn documents(octets: &[u8]) -> Result<Vec<Document>, Unreadable> {
    let mut finder = Finder {
        left: UNPACKED,
        found: Vec::new(),
    };
    finder.look(octets, 0)?;
    match finder.found.is_empty() {
        true => Err(Unreadable::because("there is no report in it")),
        false => Ok(finder.found),
    }
}

/// Could a message with such parts bring a report? Media types only: nothing is unpacked.
pub fn may_hold_reports(root: &Part) -> bool {
    let mut leaves = Vec::new();
    collect(root, &mut leaves);
    leaves.iter().any(|part| is_candidate(part))
}

struct Finder {
    /// Octets that may still be unpacked.
    left: usize,
    found: Vec<Document>,
}

impl Finder {
    fn look(&mut self, octets: &[u8], depth: usize) -> Result<(), Unreadable> {
        if octets.len() > LARGEST.max(UNPACKED) {
            return Err(Unreadable::because("it is too large for a report"));
        }
        if depth > DEPTH {
            return Err(Unreadable::because("its archives are nested too deeply"));
        }
        if self.found.len() == MOST {
            return Err(Unreadable::because("it holds too many documents"));
        }
        match (octets, first_character(octets)) {
            ([0x1f, 0x8b, ..], _) => self.gzip(octets, depth),
            ([b'P', b'K', 3 | 5, 4 | 6, ..], _) => self.zip(octets, depth),
            (_, Some(b'<')) => self.keep(Document::Xml, octets),
            (_, Some(b'{')) => self.keep(Document::Json, octets),
            _ if depth == 0 => self.message(octets),
            _ => Ok(()),
        }
    }

    fn keep(&mut self, kind: fn(Vec<u8>) -> Document, octets: &[u8]) -> Result<(), Unreadable> {
        self.found.push(kind(octets.to_vec()));
        Ok(())
    }

    fn gzip(&mut self, octets: &[u8], depth: usize) -> Result<(), Unreadable> {
        let unpacked = self.unpacked(MultiGzDecoder::new(octets))?;
        self.look(&unpacked, depth + 1)
    }

    fn zip(&mut self, octets: &[u8], depth: usize) -> Result<(), Unreadable> {
        let broken = |why: zip::result::ZipError| {
            Unreadable::because(format!("its zip file is broken: {why}"))
        };
        if directory_entries(octets) > MEMBERS {
            return Err(Unreadable::because("its zip file has too many members"));
        }
        let mut archive = ZipArchive::new(Cursor::new(octets)).map_err(broken)?;
        for index in 0..archive.len().min(MEMBERS) {
            let member = archive.by_index(index).map_err(broken)?;
            if member.is_dir() {
                continue;
            }
            let unpacked = self.unpacked(member)?;
            self.look(&unpacked, depth + 1)?;
        }
        Ok(())
    }

    fn unpacked(&mut self, packed: impl Read) -> Result<Vec<u8>, Unreadable> {
        let mut octets = Vec::new();
        let read = packed.take(self.left as u64 + 1).read_to_end(&mut octets);
        read.map_err(|why| Unreadable::because(format!("its archive is broken: {why}")))?;
        match self.left.checked_sub(octets.len()) {
            Some(left) => self.left = left,
            None => {
                return Err(Unreadable::because(format!(
                    "it unpacks to more than {} MB",
                    UNPACKED >> 20
                )));
            }
        }
        Ok(octets)
    }

    fn message(&mut self, octets: &[u8]) -> Result<(), Unreadable> {
        if octets.len() > LARGEST {
            return Err(Unreadable::because("the message is too large for a report"));
        }
        let mut scanner = Scanner::new();
        scanner.feed(octets);
        let summary = scanner.finish();
        let mut leaves = Vec::new();
        if let Some(root) = &summary.root {
            collect(root, &mut leaves);
        }
        for part in leaves.into_iter().filter(|part| is_candidate(part)) {
            let body = octets.get(part.body_start as usize..part.body_end as usize);
            let decoded = transfer::decode(&part.encoding, body.unwrap_or_default());
            self.look(&decoded, 1)?;
        }
        Ok(())
    }
}

/// The leaves, in order, messages in messages left out.
fn collect<'a>(part: &'a Part, leaves: &mut Vec<&'a Part>) {
    match &part.kind {
        _ if leaves.len() == PARTS => {}
        PartKind::Leaf => leaves.push(part),
        PartKind::Multipart(parts) => parts.iter().for_each(|part| collect(part, leaves)),
        PartKind::Message(..) => {}
    }
}

/// Media types that reports have come as; where they say nothing, the file name does.
fn is_candidate(part: &Part) -> bool {
    let is = |kind: &str, names: &[&str]| {
        part.media_type.eq_ignore_ascii_case(kind)
            && names
                .iter()
                .any(|name| part.subtype.eq_ignore_ascii_case(name))
    };
    const PACKED: [&str; 11] = [
        "gzip",
        "x-gzip",
        "gzip-compressed",
        "gzipped",
        "zip",
        "x-zip",
        "x-zip-compressed",
        "xml",
        "json",
        "tlsrpt+gzip",
        "tlsrpt+json",
    ];
    let named = || {
        let of = |params: &[(String, String)], key: &str| {
            let found = params
                .iter()
                .find(|(name, _)| name.eq_ignore_ascii_case(key));
            found.map(|(_, value)| value.to_ascii_lowercase())
        };
        let disposition = part.disposition.as_ref();
        let name = disposition.and_then(|(_, params)| of(params, "filename"));
        let name = name
            .or_else(|| of(&part.params, "name"))
            .unwrap_or_default();
        [".xml", ".gz", ".zip", ".json"]
            .iter()
            .any(|end| name.ends_with(end))
    };
    is("application", &PACKED)
        || is("text", &["xml"])
        || is("application", &["octet-stream"]) && named()
}

/// Members that the end of the central directory tells of, so that nobody reads a directory of millions.
fn directory_entries(octets: &[u8]) -> usize {
    let tail = &octets[octets.len().saturating_sub(22 + 65_535)..];
    let signature = [b'P', b'K', 5, 6];
    // One in the comment of another must not hide it, so the largest number counts.
    let ends = tail.windows(22).filter(|end| end.starts_with(&signature));
    let counts = ends.map(|end| usize::from(u16::from_le_bytes([end[10], end[11]])));
    counts.max().unwrap_or_default()
}

/// The first that is no blank, a byte order mark passed over.
fn first_character(octets: &[u8]) -> Option<u8> {
    let octets = octets.strip_prefix(b"\xef\xbb\xbf").unwrap_or(octets);
    octets
        .iter()
        .copied()
        .find(|octet| !octet.is_ascii_whitespace())
}
