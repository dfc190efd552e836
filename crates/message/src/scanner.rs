//! Reads a message piece by piece and ends in a [`Summary`] (RFC 5322 §2.1, RFC 2045, RFC 2046 §5).
//!
//! It keeps header sections, never content; works line by line, so that pieces may be cut anywhere; and is bounded in depth,
//! parts and header octets: what is beyond is a leaf, and [`Summary::cut`] says so. It does not decode (see [`crate::text`]).

use crate::content::{self, MediaType};
use crate::preview::Preview;
use crate::summary::{Part, PartKind, Summary};
use crate::{date, encoded_word, envelope, header, subject};
use memchr::memchr;

/// Lines longer than this are no boundaries, and are passed on in pieces.
const MAX_LINE: usize = 1024;
/// Octets of the message's own header section that are looked at.
const MAX_HEADER: usize = 256 * 1024;
/// Octets of a part's header section that are looked at.
const MAX_PART_HEADER: usize = 32 * 1024;
/// Octets of all parts' header sections together that are looked at.
const MAX_PART_HEADERS: usize = 1024 * 1024;
/// Parts within parts.
const MAX_DEPTH: usize = 50;
/// Parts.
const MAX_PARTS: usize = 10_000;
/// Ids taken from References.
const MAX_REFERENCES: usize = 1000;

/// Reads a message piece by piece and ends in a [`Summary`]. Bounded: depth, parts, header octets, preview text.
pub struct Scanner {
    /// The beginning of a line whose end has not come yet.
    carry: Vec<u8>,
    /// The current line was too long and its beginning is already passed on.
    in_long_line: bool,
    /// Octets before the current line (or piece of it).
    position: u64,
    /// Line ends so far.
    lines: u32,
    /// Octets of the last line end: what a boundary takes from the content before it.
    last_end: u32,
    /// The parts we are in, outermost first; never empty until the end.
    open: Vec<Open>,
    /// The header section being read.
    header: Vec<u8>,
    reading: Reading,
    parts: usize,
    /// Octets of part headers that may still be looked at.
    header_room: usize,
    preview: Preview,
    summary: Summary,
}

#[derive(Clone, Copy, PartialEq)]
enum Reading {
    Header,
    Content,
}

/// A part whose end has not come yet.
struct Open {
    part: Part,
    /// It is a message, not a body part: its header section makes an ENVELOPE.
    is_message: bool,
    /// It stands in a multipart/digest (RFC 2046 §5.1.5).
    in_digest: bool,
    /// Line ends before its content.
    lines_before: u32,
    inside: Inside,
}

enum Inside {
    Leaf,
    Multipart {
        boundary: Vec<u8>,
        parts: Vec<Part>,
        closed: bool,
    },
    Message {
        envelope: Vec<u8>,
        root: Option<Box<Part>>,
    },
}

impl Inside {
    fn message() -> Inside {
        Inside::Message {
            envelope: Vec::new(),
            root: None,
        }
    }

    fn multipart(boundary: &str) -> Inside {
        Inside::Multipart {
            boundary: boundary.trim_end().as_bytes().to_vec(),
            parts: Vec::new(),
            closed: false,
        }
    }
}

impl Default for Scanner {
    fn default() -> Scanner {
        Scanner::new()
    }
}

impl Scanner {
    /// A scanner at the start of a message.
    pub fn new() -> Scanner {
        Scanner {
            carry: Vec::new(),
            in_long_line: false,
            position: 0,
            lines: 0,
            last_end: 0,
            open: vec![Open::new(0, Place::Message)],
            header: Vec::new(),
            reading: Reading::Header,
            parts: 1,
            header_room: MAX_PART_HEADERS,
            preview: Preview::default(),
            summary: Summary::default(),
        }
    }

    /// Takes the next octets, in pieces of any size.
    pub fn feed(&mut self, mut octets: &[u8]) {
        while let Some(end) = memchr(b'\n', octets) {
            let (line, rest) = octets.split_at(end + 1);
            octets = rest;
            if self.carry.is_empty() {
                self.line(line);
            } else {
                self.carry.extend_from_slice(line);
                let line = std::mem::take(&mut self.carry);
                self.line(&line);
                self.carry = line;
                self.carry.clear();
            }
        }
        self.unfinished(octets);
    }

    /// Keeps the beginning of a line, or passes it on when it is too long to be a boundary.
    fn unfinished(&mut self, octets: &[u8]) {
        self.carry.extend_from_slice(octets);
        // A CR may be the first half of a line end, and the two belong together.
        let held = usize::from(self.carry.ends_with(b"\r"));
        if self.in_long_line || self.carry.len() > MAX_LINE + held {
            let piece = self.carry.len() - held;
            let tail = self.carry.split_off(piece);
            let piece = std::mem::replace(&mut self.carry, tail);
            self.text(&piece);
            self.position += piece.len() as u64;
            self.in_long_line = true;
        }
    }

    /// A line with its end, or the end of a long line.
    fn line(&mut self, line: &[u8]) {
        let whole = !std::mem::take(&mut self.in_long_line) && without_end(line).len() <= MAX_LINE;
        let is_boundary = whole && line.starts_with(b"--") && self.boundary(line);
        if !is_boundary {
            match self.reading {
                Reading::Header if whole && is_empty_line(line) => self.header_ends(line),
                _ => self.text(line),
            }
        }
        self.position += line.len() as u64;
        self.lines += 1;
        self.last_end = if line.ends_with(b"\r\n") { 2 } else { 1 };
    }

    /// Octets of the header section or the content that we are in.
    fn text(&mut self, octets: &[u8]) {
        match self.reading {
            Reading::Content => self.preview.take(octets),
            Reading::Header => self.keep_header(octets),
        }
    }

    fn keep_header(&mut self, octets: &[u8]) {
        let own = self.open.len() == 1;
        let limit = if own {
            MAX_HEADER
        } else {
            MAX_PART_HEADER.min(self.header_room)
        };
        let length = octets.len().min(limit.saturating_sub(self.header.len()));
        self.header.extend_from_slice(&octets[..length]);
        self.summary.cut |= length < octets.len();
    }

    /// The message is complete.
    pub fn finish(mut self) -> Summary {
        let last = std::mem::take(&mut self.carry);
        if !(last.starts_with(b"--") && !self.in_long_line && self.boundary(&last)) {
            self.text(&last);
        }
        self.position += last.len() as u64;
        let (end, lines) = (self.offset(), self.lines);
        if self.reading == Reading::Header {
            self.header_parsed(end);
        }
        self.close_to(0, end, lines);
        self.summary.size = end;
        self.summary.preview = self.preview.finish();
        self.summary
    }

    /// Where the current line begins.
    fn offset(&self) -> u32 {
        u32::try_from(self.position).unwrap_or(u32::MAX)
    }

    /// The empty line after a header section.
    fn header_ends(&mut self, line: &[u8]) {
        let body_start = self.offset().saturating_add(line.len() as u32);
        self.header_parsed(body_start);
        let Some(top) = self.open.last_mut() else {
            return;
        };
        top.lines_before = self.lines + 1;
        self.reading = Reading::Content;
        match &top.inside {
            Inside::Leaf => self.preview.begin(&top.part),
            Inside::Multipart { .. } => {}
            Inside::Message { .. } => self.push(body_start, Place::Message),
        }
    }

    /// A boundary came where a header section should have gone on.
    fn header_cut_off(&mut self, end: u32) {
        let parent = self
            .open
            .len()
            .checked_sub(2)
            .and_then(|i| self.open.get(i));
        let end = end.max(parent.map_or(0, |parent| parent.part.body_start));
        if let Some(top) = self.open.last_mut() {
            top.part.header_start = top.part.header_start.min(end);
        }
        self.header_parsed(end);
    }

    /// Reads the header section of the innermost part.
    fn header_parsed(&mut self, body_start: u32) {
        let section = std::mem::take(&mut self.header);
        let depth = self.open.len();
        if depth == 1 {
            self.summary.header_size = body_start;
            self.summary.read_header(&section);
        } else {
            self.header_room = self.header_room.saturating_sub(section.len());
        }
        let Some(top) = self.open.last_mut() else {
            return;
        };
        top.part.body_start = body_start;
        top.part.body_end = body_start;
        top.part.lines = 0;
        self.summary.cut |= top.read_header(&section, depth);
        let is_message = top.is_message;
        if let Some(parent) = depth.checked_sub(2).and_then(|i| self.open.get_mut(i))
            && let Inside::Message { envelope, .. } = &mut parent.inside
            && is_message
        {
            *envelope = envelope::render(&section);
        }
    }

    /// Opens a part at this offset and reads its header section.
    fn push(&mut self, start: u32, place: Place) {
        self.parts += 1;
        self.open.push(Open::new(start, place));
        self.reading = Reading::Header;
        self.header.clear();
        self.preview.end();
    }

    /// Is the line a boundary of a part we are in? Then ends what it ends. The innermost part is asked first; a whole line must
    /// match, so that one boundary may begin with another (RFC 2046 §5.1.1).
    fn boundary(&mut self, line: &[u8]) -> bool {
        let length = line.len() as u32;
        let line = line[2..].trim_ascii_end();
        let matches = |open: &Open| match &open.inside {
            Inside::Multipart {
                boundary,
                closed: false,
                ..
            } => line.strip_prefix(boundary.as_slice()).and_then(delimiter),
            _ => None,
        };
        let found = self.open.iter().enumerate().rev();
        let Some((level, delimiter)) = found
            .filter_map(|(level, open)| Some((level, matches(open)?)))
            .next()
        else {
            return false;
        };
        if delimiter == Delimiter::Next && self.parts >= MAX_PARTS {
            self.summary.cut = true;
            return false;
        }
        self.delimit(level, delimiter, length);
        true
    }

    /// Ends the part of the multipart at `level` and begins the next, or ends the multipart.
    fn delimit(&mut self, level: usize, delimiter: Delimiter, length: u32) {
        let line_start = self.offset();
        let end = line_start.saturating_sub(self.last_end);
        if self.reading == Reading::Header {
            self.header_cut_off(end);
        }
        self.close_to(level + 1, end, self.lines.saturating_sub(1));
        self.preview.end();
        self.reading = Reading::Content;
        let Some(Open { part, inside, .. }) = self.open.last_mut() else {
            return;
        };
        match delimiter {
            Delimiter::Last => {
                if let Inside::Multipart { closed, .. } = inside {
                    *closed = true;
                }
            }
            Delimiter::Next => {
                let place = if part.subtype == "digest" {
                    Place::Digest
                } else {
                    Place::Part
                };
                self.push(line_start.saturating_add(length), place);
            }
        }
    }

    /// Closes parts until only `level` of them are open.
    fn close_to(&mut self, level: usize, mut end: u32, lines: u32) {
        while self.open.len() > level {
            let Some(open) = self.open.pop() else { return };
            let part = open.close(end, lines);
            // An empty part ends behind its header section, and so does what holds it.
            end = part.body_end;
            match self.open.last_mut().map(|parent| &mut parent.inside) {
                None => self.summary.root = Some(part),
                Some(Inside::Multipart { parts, .. }) => parts.push(part),
                Some(Inside::Message { root, .. }) => *root = Some(Box::new(part)),
                Some(Inside::Leaf) => {}
            }
        }
    }
}

fn without_end(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

fn is_empty_line(line: &[u8]) -> bool {
    line == b"\r\n" || line == b"\n"
}

#[derive(Clone, Copy, PartialEq)]
enum Delimiter {
    Next,
    Last,
}

/// What follows the boundary on its line, blanks trimmed.
fn delimiter(rest: &[u8]) -> Option<Delimiter> {
    match rest {
        b"" => Some(Delimiter::Next),
        b"--" => Some(Delimiter::Last),
        _ => None,
    }
}

/// Where a part stands, which decides its default type.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    Message,
    Part,
    Digest,
}

impl Open {
    fn new(start: u32, place: Place) -> Open {
        Open {
            part: Part::plain(start),
            is_message: place == Place::Message,
            in_digest: place == Place::Digest,
            lines_before: 0,
            inside: Inside::Leaf,
        }
    }

    /// Takes type, encoding and the rest from the header section. True if a limit hid what is inside.
    fn read_header(&mut self, section: &[u8], depth: usize) -> bool {
        let mut media_type = None;
        for field in header::fields(section) {
            match field.name.get(..8) {
                Some(head) if head.eq_ignore_ascii_case(b"content-") => {
                    self.part.read_field(&field, &mut media_type);
                }
                _ => {}
            }
        }
        match media_type.or_else(|| self.in_digest.then(message_type)) {
            Some(media_type) => self.set_type(media_type, depth),
            None => false,
        }
    }

    /// Takes on a type. True if a limit hides what is inside.
    fn set_type(&mut self, media_type: MediaType, depth: usize) -> bool {
        let part = &mut self.part;
        part.set_type(&media_type.main, &media_type.sub);
        part.params = media_type.params;
        let is_message = part.is("message", "rfc822") || part.is("message", "global");
        let identity = matches!(part.encoding.as_str(), "7bit" | "8bit" | "binary");
        if part.media_type != "multipart" && !is_message {
            part.add_default_charset();
        } else if depth > MAX_DEPTH || (is_message && !identity) {
            // Clients expect the insides of these types, and we have none to show.
            part.set_type("application", "octet-stream");
            return depth > MAX_DEPTH;
        } else if is_message {
            self.inside = Inside::message();
        } else {
            self.open_multipart();
        }
        false
    }

    fn open_multipart(&mut self) {
        match content::param(&self.part.params, "boundary").filter(|b| !b.is_empty()) {
            Some(boundary) => self.inside = Inside::multipart(&boundary),
            // Nobody can divide it; as text a person can still read it.
            None => self.part.set_type("text", "plain"),
        }
    }

    fn close(self, end: u32, lines: u32) -> Part {
        let mut part = self.part;
        part.body_end = end.max(part.body_start);
        part.lines = match part.body_end > part.body_start {
            true => lines.saturating_sub(self.lines_before),
            false => 0,
        };
        part.kind = match self.inside {
            Inside::Leaf => PartKind::Leaf,
            Inside::Multipart { mut parts, .. } => {
                if parts.is_empty() {
                    parts.push(Part::plain(part.body_end));
                }
                PartKind::Multipart(parts)
            }
            Inside::Message { envelope, root } => {
                let root = root.unwrap_or_else(|| Box::new(Part::plain(part.body_end)));
                PartKind::Message(envelope, root)
            }
        };
        part
    }
}

fn message_type() -> MediaType {
    MediaType {
        main: "message".into(),
        sub: "rfc822".into(),
        params: Vec::new(),
    }
}

impl Part {
    fn set_type(&mut self, media_type: &str, subtype: &str) {
        self.media_type = media_type.to_owned();
        self.subtype = subtype.to_owned();
    }

    /// RFC 2045 §5.2
    fn add_default_charset(&mut self) {
        if self.media_type == "text" && content::param(&self.params, "charset").is_none() {
            self.params.push(("charset".into(), "us-ascii".into()));
        }
    }

    /// Notes one `Content-` field; the first of each name counts.
    fn read_field(&mut self, field: &header::Field<'_>, media_type: &mut Option<MediaType>) {
        let text = || String::from_utf8(encoded_word::encode(&field.unfolded()).into_owned()).ok();
        match field.name[8..].to_ascii_lowercase().as_slice() {
            b"type" if media_type.is_none() => *media_type = content::media_type(field.value),
            b"transfer-encoding" => {
                if let Some(encoding) = content::token(field.value) {
                    self.encoding = encoding;
                }
            }
            b"disposition" if self.disposition.is_none() => {
                self.disposition = content::disposition(field.value);
            }
            b"id" if self.id.is_none() => self.id = text(),
            b"description" if self.description.is_none() => self.description = text(),
            b"md5" if self.md5.is_none() => self.md5 = text(),
            b"location" if self.location.is_none() => self.location = text(),
            b"language" if self.language.is_empty() => self.language = content::tokens(field.value),
            _ => {}
        }
    }
}

impl Summary {
    /// Takes from the message's header section what is not a part's.
    fn read_header(&mut self, section: &[u8]) {
        self.envelope = envelope::render(section);
        let mut replied = Vec::new();
        for field in header::fields(section) {
            match field.name.len() {
                4 if field.is("date") && self.sent.is_none() => self.read_date(field.value),
                7 if field.is("subject") && self.base_subject.is_empty() => {
                    self.base_subject = subject::base(&field.unfolded());
                }
                10 if field.is("message-id") && self.message_id.is_none() => {
                    self.message_id = ids(field.value, 1).pop();
                }
                10 if field.is("references") => self.references = ids(field.value, MAX_REFERENCES),
                11 if field.is("in-reply-to") => replied = ids(field.value, 1),
                _ => {}
            }
        }
        // RFC 5256 §4.4, REFERENCES, step 1
        if self.references.is_empty() {
            self.references.extend(replied);
        }
    }

    fn read_date(&mut self, value: &[u8]) {
        if let Some(date) = date::parse(value) {
            self.sent = Some(date.seconds);
            self.sent_offset = date.offset;
        }
    }
}

/// The ids in angle brackets, without blanks, at most so many (RFC 5322 §3.6.4).
fn ids(value: &[u8], most: usize) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = value;
    while found.len() < most
        && let Some(open) = memchr(b'<', rest)
        && let Some(length) = memchr(b'>', &rest[open..])
    {
        let id: Vec<u8> = rest[open + 1..open + length]
            .iter()
            .copied()
            .filter(|o| !o.is_ascii_whitespace())
            .collect();
        found.push(String::from_utf8_lossy(&id).into_owned());
        rest = &rest[open + length..];
    }
    found
}
