//! Canonical forms of header fields and bodies (RFC 6376 §3.4), of bodies as they stream by.

use aws_lc_rs::digest::{Context, Digest, SHA256};
use std::fmt;

/// How much may change on the way without harm to a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Canonicalization {
    /// Nothing.
    Simple,
    /// White space and the case of field names.
    Relaxed,
}

impl Canonicalization {
    /// The word in `c=`.
    pub fn word(self) -> &'static str {
        match self {
            Canonicalization::Simple => "simple",
            Canonicalization::Relaxed => "relaxed",
        }
    }

    /// Reads the word.
    pub fn parse(word: &str) -> Option<Canonicalization> {
        match word.to_ascii_lowercase().as_str() {
            "simple" => Some(Canonicalization::Simple),
            "relaxed" => Some(Canonicalization::Relaxed),
            _ => None,
        }
    }

    /// Appends a header field in this form; `raw` with or without its final line end, the result without.
    pub fn field(self, raw: &[u8], out: &mut Vec<u8>) {
        match self {
            Canonicalization::Simple => out.extend_from_slice(without_line_end(raw)),
            Canonicalization::Relaxed => relaxed_field(raw, out),
        }
    }
}

fn without_line_end(raw: &[u8]) -> &[u8] {
    let raw = raw.strip_suffix(b"\n").unwrap_or(raw);
    raw.strip_suffix(b"\r").unwrap_or(raw)
}

/// §3.4.2.
fn relaxed_field(raw: &[u8], out: &mut Vec<u8>) {
    let colon = memchr(raw).unwrap_or(raw.len());
    let (name, value) = raw.split_at(colon);
    out.extend(name.trim_ascii_end().iter().map(u8::to_ascii_lowercase));
    out.push(b':');
    let start = out.len();
    let mut blank = false;
    for &octet in value.get(1..).unwrap_or_default() {
        match octet {
            b' ' | b'\t' => blank = true,
            b'\r' | b'\n' => {}
            _ => {
                if blank && out.len() > start {
                    out.push(b' ');
                }
                blank = false;
                out.push(octet);
            }
        }
    }
}

fn memchr(raw: &[u8]) -> Option<usize> {
    raw.iter().position(|&octet| octet == b':')
}

/// Hashes a body that arrives in pieces, in canonical form, with SHA-256.
#[derive(Clone)]
pub struct BodyHash {
    canonicalization: Canonicalization,
    /// Octets that are hashed at most (`l=`).
    limit: u64,
    context: Context,
    /// Canonical octets so far, those behind the limit included.
    length: u64,
    /// Line ends that count only if something follows them (§3.4.3).
    line_ends: u64,
    /// White space that counts only if something other than a line end follows.
    blank: bool,
    /// A CR was last.
    cr: bool,
    buffer: Vec<u8>,
}

/// Octets that have a meaning.
const SPECIAL_IN_SIMPLE: [bool; 256] = table(b"\r\n");
const SPECIAL_IN_RELAXED: [bool; 256] = table(b"\r\n \t");

const fn table(octets: &[u8]) -> [bool; 256] {
    let mut table = [false; 256];
    let mut index = 0;
    while index < octets.len() {
        table[octets[index] as usize] = true;
        index += 1;
    }
    table
}

/// Canonical octets that are collected before they are hashed.
const BUFFER: usize = 4096;

impl BodyHash {
    /// Begins; a limit comes from `l=`.
    pub fn new(canonicalization: Canonicalization, limit: Option<u64>) -> BodyHash {
        BodyHash {
            canonicalization,
            limit: limit.unwrap_or(u64::MAX),
            context: Context::new(&SHA256),
            length: 0,
            line_ends: 0,
            blank: false,
            cr: false,
            buffer: Vec::with_capacity(BUFFER + 8),
        }
    }

    /// Takes the next octets.
    pub fn update(&mut self, octets: &[u8]) {
        let special = match self.canonicalization {
            Canonicalization::Simple => &SPECIAL_IN_SIMPLE,
            Canonicalization::Relaxed => &SPECIAL_IN_RELAXED,
        };
        let is_special = |octet: &u8| special[usize::from(*octet)];
        let mut rest = octets;
        while let Some(&octet) = rest.first() {
            if self.cr || is_special(&octet) {
                self.special(octet);
                rest = &rest[1..];
            } else {
                let run = rest.iter().position(is_special).unwrap_or(rest.len());
                self.content(&rest[..run]);
                rest = &rest[run..];
            }
        }
    }

    /// An octet that has a meaning, or one behind a CR.
    fn special(&mut self, octet: u8) {
        if std::mem::take(&mut self.cr) {
            if octet == b'\n' {
                self.blank = false;
                self.line_ends += 1;
                return;
            }
            self.content(b"\r");
        }
        match octet {
            b'\r' => self.cr = true,
            b' ' | b'\t' if self.canonicalization == Canonicalization::Relaxed => self.blank = true,
            // A line feed by itself ends no line.
            _ => self.content(&[octet]),
        }
    }

    /// Octets that are there for sure, and so is what was waiting before them.
    #[inline]
    fn content(&mut self, octets: &[u8]) {
        for _ in 0..std::mem::take(&mut self.line_ends) {
            self.push(b"\r\n");
        }
        if std::mem::take(&mut self.blank) {
            self.push(b" ");
        }
        self.push(octets);
    }

    #[inline]
    fn push(&mut self, octets: &[u8]) {
        let room = self.limit.saturating_sub(self.length);
        let counted = usize::try_from(room)
            .unwrap_or(usize::MAX)
            .min(octets.len());
        self.length += octets.len() as u64;
        self.buffer.extend_from_slice(&octets[..counted]);
        if self.buffer.len() >= BUFFER {
            self.context.update(&self.buffer);
            self.buffer.clear();
        }
    }

    /// The hash of what was counted, and the length of the whole canonical body.
    pub fn finish(mut self) -> (Digest, u64) {
        if std::mem::take(&mut self.cr) {
            self.content(b"\r");
        }
        let is_empty = self.length == 0;
        if !is_empty || self.canonicalization == Canonicalization::Simple {
            self.push(b"\r\n");
        }
        self.context.update(&self.buffer);
        (self.context.finish(), self.length)
    }
}

impl fmt::Debug for BodyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BodyHash")
            .field("canonicalization", &self.canonicalization)
            .field("length", &self.length)
            .finish_non_exhaustive()
    }
}

/// The body hashes of one message: whoever needs one says so before the body comes, and each is made once.
#[derive(Debug, Default)]
pub struct Bodies(Vec<Body>);

#[derive(Debug)]
struct Body {
    form: Canonicalization,
    limit: Option<u64>,
    hash: BodyHash,
}

/// Which hash of [`Bodies`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BodyId(usize);

/// Finished hashes, each with the length of the whole canonical body.
#[derive(Clone, Debug, Default)]
pub struct BodyHashes(Vec<(Digest, u64)>);

impl Bodies {
    /// This hash will be needed.
    pub fn want(&mut self, form: Canonicalization, limit: Option<u64>) -> BodyId {
        let same = |body: &Body| body.form == form && body.limit == limit;
        BodyId(self.0.iter().position(same).unwrap_or_else(|| {
            let hash = BodyHash::new(form, limit);
            self.0.push(Body { form, limit, hash });
            self.0.len() - 1
        }))
    }

    /// Takes the next octets of the body.
    pub fn update(&mut self, octets: &[u8]) {
        for body in &mut self.0 {
            body.hash.update(octets);
        }
    }

    /// The body is complete.
    pub fn finish(self) -> BodyHashes {
        BodyHashes(self.0.into_iter().map(|body| body.hash.finish()).collect())
    }
}

impl BodyHashes {
    /// A hash, and the length of the whole canonical body. `None` only for the id of another message.
    pub fn hash(&self, id: BodyId) -> Option<(&[u8], u64)> {
        let (digest, length) = self.0.get(id.0)?;
        Some((digest.as_ref(), *length))
    }
}

/// The fields of a header section, to be chosen from the bottom up as `h=` names them (§5.4.2).
pub(crate) struct Selection<'a> {
    /// By lower-case name: the fields, the last one first.
    fields: std::collections::HashMap<Vec<u8>, Vec<&'a [u8]>>,
}

impl<'a> Selection<'a> {
    pub(crate) fn new(section: &'a [u8]) -> Selection<'a> {
        let mut fields: std::collections::HashMap<Vec<u8>, Vec<&[u8]>> = Default::default();
        for field in message::header::fields(section) {
            let name = field.name.to_ascii_lowercase();
            fields.entry(name).or_default().push(field.raw);
        }
        fields.values_mut().for_each(|found| found.reverse());
        Selection { fields }
    }

    /// How often a field is there.
    pub(crate) fn count(&self, name: &str) -> usize {
        self.fields
            .get(name.to_ascii_lowercase().as_bytes())
            .map_or(0, Vec::len)
    }

    /// Appends the named fields in canonical form, each with its line end. A name that stands more often than the field is
    /// nothing, which is what makes oversigning work.
    pub(crate) fn canonical<S: AsRef<str>>(
        &self,
        names: &[S],
        canonicalization: Canonicalization,
        out: &mut Vec<u8>,
    ) {
        let mut taken: std::collections::HashMap<String, usize> = Default::default();
        for name in names {
            let name = name.as_ref().to_ascii_lowercase();
            let found = self.fields.get(name.as_bytes());
            let next = taken.entry(name).or_default();
            if let Some(raw) = found.and_then(|found| found.get(*next)) {
                *next += 1;
                canonicalization.field(raw, out);
                out.extend_from_slice(b"\r\n");
            }
        }
    }
}

/// A signature field as it is hashed: canonical, its `b=` empty, without line end (§3.7).
pub(crate) fn signature_field(raw: &[u8], canonicalization: Canonicalization, out: &mut Vec<u8>) {
    canonicalization.field(&without_signature(raw), out);
}

fn without_signature(raw: &[u8]) -> Vec<u8> {
    let raw = without_line_end(raw);
    let colon = memchr(raw).map_or(0, |colon| colon + 1);
    let mut start = colon;
    for spec in raw[colon..].split(|&octet| octet == b';') {
        let end = start + spec.len();
        let equals = spec.iter().position(|&octet| octet == b'=');
        if let Some(equals) = equals
            && spec[..equals].trim_ascii() == b"b"
        {
            return [&raw[..start + equals + 1], &raw[end..]].concat();
        }
        start = end + 1;
    }
    raw.to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use Canonicalization::{Relaxed, Simple};
    use proptest::prelude::*;

    fn field(canonicalization: Canonicalization, raw: &str) -> String {
        let mut out = Vec::new();
        canonicalization.field(raw.as_bytes(), &mut out);
        String::from_utf8(out).unwrap()
    }

    fn hash(canonicalization: Canonicalization, body: &[u8]) -> (Vec<u8>, u64) {
        let mut hash = BodyHash::new(canonicalization, None);
        hash.update(body);
        let (digest, length) = hash.finish();
        (digest.as_ref().to_vec(), length)
    }

    fn sha256(octets: &[u8]) -> Vec<u8> {
        aws_lc_rs::digest::digest(&SHA256, octets).as_ref().to_vec()
    }

    #[test]
    fn rfc6376_section_3_4_6_examples() {
        assert_eq!(field(Relaxed, "A: X\r\n"), "a:X");
        assert_eq!(field(Relaxed, "B : Y\t\r\n\tZ  \r\n"), "b:Y Z");
        assert_eq!(field(Simple, "B : Y\t\r\n\tZ  \r\n"), "B : Y\t\r\n\tZ  ");
        let body = b" C \r\nD \t E\r\n\r\n\r\n";
        assert_eq!(hash(Relaxed, body), (sha256(b" C\r\nD E\r\n"), 9));
        assert_eq!(hash(Simple, body).0, sha256(b" C \r\nD \t E\r\n"));
    }

    #[test]
    fn rfc6376_section_3_4_3_empty_bodies() {
        for body in [&b""[..], b"\r\n", b"\r\n\r\n"] {
            assert_eq!(hash(Simple, body), (sha256(b"\r\n"), 2));
            assert_eq!(hash(Relaxed, body), (sha256(b""), 0));
        }
        assert_eq!(hash(Relaxed, b" \t\r\n \r\n").0, sha256(b""));
        assert_eq!(hash(Simple, b"x").0, sha256(b"x\r\n"));
        assert_eq!(hash(Relaxed, b"x ").0, sha256(b"x\r\n"));
        assert_eq!(hash(Simple, b"x\ry\nz\r").0, sha256(b"x\ry\nz\r\r\n"));
    }

    #[test]
    fn rfc6376_section_3_4_5_body_length() {
        let mut limited = BodyHash::new(Simple, Some(3));
        limited.update(b"abcdef\r\n");
        let (digest, length) = limited.finish();
        assert_eq!((digest.as_ref(), length), (sha256(b"abc").as_slice(), 8));
    }

    #[test]
    fn rfc6376_section_3_7_the_signature_is_left_out() {
        let without = |raw: &str| String::from_utf8(without_signature(raw.as_bytes())).unwrap();
        assert_eq!(
            without("DKIM-Signature: v=1; b=ab\r\n cd ; bh=x\r\n"),
            "DKIM-Signature: v=1; b=; bh=x"
        );
        assert_eq!(
            without("DKIM-Signature: bh=x; b = ab=\r\n\tcd=\r\n"),
            "DKIM-Signature: bh=x; b ="
        );
    }

    /// The whole body at once, as the RFC words it.
    fn slowly(canonicalization: Canonicalization, body: &str) -> Vec<u8> {
        let lines = body.split("\r\n").map(|line| match canonicalization {
            Simple => line.to_string(),
            Relaxed => {
                let mut out = String::new();
                for c in line.trim_end_matches([' ', '\t']).chars() {
                    match c {
                        ' ' | '\t' if out.ends_with(' ') => {}
                        ' ' | '\t' => out.push(' '),
                        c => out.push(c),
                    }
                }
                out
            }
        });
        let mut lines: Vec<String> = lines.collect();
        while lines.last().is_some_and(String::is_empty) {
            lines.pop();
        }
        let mut text: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
        if text.is_empty() && canonicalization == Simple {
            text = "\r\n".into();
        }
        text.into_bytes()
    }

    proptest! {
        #[test]
        fn pieces_of_any_size_hash_alike(body in "(a|b| |\t|\r\n|\r|\n){0,24}", cut in 1_usize..5) {
            for canonicalization in [Simple, Relaxed] {
                let mut hash = BodyHash::new(canonicalization, None);
                body.as_bytes().chunks(cut).for_each(|piece| hash.update(piece));
                let (digest, _) = hash.finish();
                prop_assert_eq!(digest.as_ref(), sha256(&slowly(canonicalization, &body)));
            }
        }
    }
}
