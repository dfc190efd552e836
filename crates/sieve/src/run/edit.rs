//! Changes of the message: `addheader`, `deleteheader` (RFC 5293), `replace` and `enclose` (RFC 5703 §5, §6).
//!
//! In a loop over the parts, replacements are collected and made when the outermost loop ends, so that its parts stay where they are.

use super::deliver::one_address;
use super::is_field_name;
use super::machine::{Done, Failure, Machine};
use crate::code;
use message::{date, encoded_word, transfer};
use std::ops::Range;

/// Fields that scripts must not touch (RFC 5293 §6): they say how the message came and who vouches for it.
const PROTECTED: [&str; 4] = ["Received", "Auto-Submitted", "Delivered-To", "Return-Path"];

/// Octets of one added field.
const MAX_FIELD: usize = 4096;

impl Machine<'_> {
    pub(super) fn add_header(&mut self, add: &code::AddHeader) -> Done<()> {
        let name = self.expand(&add.name)?.into_owned();
        let value = self.expand(&add.value)?.into_owned();
        if !is_field_name(&name) {
            return Err(Failure::script(format!(
                "{name:?} is no name of a header field"
            )));
        }
        if is_protected(&name) {
            self.note(|| format!("addheader: {name} is protected"));
            return Ok(());
        }
        self.added_fields += 1;
        if self.added_fields > self.run.limits.added_fields {
            return Err(Failure::limit(format!(
                "more than {} header fields were added",
                self.run.limits.added_fields
            )));
        }
        self.note(|| format!("addheader {name:?} {value:?}"));
        self.document
            .add_field(field(&name, &value), add.last, format!("addheader {name}"));
        Ok(())
    }

    pub(super) fn delete_header(&mut self, delete: &code::DeleteHeader) -> Done<()> {
        let name = self.expand(&delete.name)?.into_owned();
        // RFC 5293 §5: an attempt to remove these is ignored.
        if is_protected(&name) {
            return Ok(());
        }
        let places: Vec<usize> = (0..self.document.fields.len())
            .filter(|at| self.document.fields[*at].is(&name))
            .collect();
        let chosen: Vec<usize> = super::header::chosen(places.into_iter(), delete.index).collect();
        let mut doomed = Vec::new();
        for at in chosen {
            let text = self.document.fields[at].text().to_owned();
            let matches = match &delete.values {
                None => true,
                Some(criterion) => self.compare(criterion, &[text])?,
            };
            if matches {
                doomed.push(at);
            }
        }
        if !doomed.is_empty() {
            self.note(|| format!("deleteheader {name:?}: {}", doomed.len()));
            self.document
                .remove_fields(&doomed, format!("deleteheader {name}"));
        }
        Ok(())
    }

    /// RFC 5703 §5: the current part, or outside of a loop the whole body.
    pub(super) fn replace(&mut self, replace: &code::Replace) -> Done<()> {
        self.load_parts()?;
        let text = self.expand(&replace.replacement)?.into_owned();
        let entity = match replace.mime {
            true => mime_entity(&text),
            false => text_entity(&text),
        };
        match self.parts.last().copied().filter(|at| *at > 0) {
            Some(at) => {
                let octets = [entity.header, b"\r\n".to_vec(), entity.body].concat();
                self.check_size(octets.len())?;
                self.replacements.push((at, octets));
                self.note(|| format!("replace part {at}"));
                Ok(())
            }
            None => self.replace_all(replace, entity),
        }
    }

    fn replace_all(&mut self, replace: &code::Replace, entity: Entity) -> Done<()> {
        let subject = self.expand_some(replace.subject.as_ref())?;
        let from = self.expand_some(replace.from.as_ref())?;
        if let Some(from) = &from {
            one_address(from)?;
        }
        let mut header = Vec::new();
        for (name, value) in [("Subject", &subject), ("From", &from)] {
            if let Some(value) = value {
                header.extend(field(name, value));
            }
        }
        for old in &self.document.fields {
            let renamed = [("Subject", subject.is_some()), ("From", from.is_some())];
            match renamed.iter().find(|(name, given)| *given && old.is(name)) {
                Some((name, _)) => {
                    header.extend_from_slice(format!("Original-{name}:").as_bytes());
                    header.extend_from_slice(old.value());
                }
                None if is_mime_field(&old.raw) => {}
                None => header.extend_from_slice(&old.raw),
            }
        }
        header.extend_from_slice(b"MIME-Version: 1.0\r\n");
        self.rewrite(
            [header, entity.header, b"\r\n".to_vec(), entity.body].concat(),
            "replace",
        )
    }

    /// RFC 5703 §6: a new message, with a text and the old message in it.
    pub(super) fn enclose(&mut self, enclose: &code::Enclose) -> Done<()> {
        self.load()?;
        let subject = self.expand_some(enclose.subject.as_ref())?;
        let copied = self.expand_all(&enclose.headers)?;
        let text = self.expand(&enclose.text)?.into_owned();
        let mut header = Vec::new();
        for old in &self.document.fields {
            if copied.iter().any(|name| old.is(name)) && !is_mime_field(&old.raw) {
                header.extend_from_slice(&old.raw);
            }
        }
        let is_copied = |name: &str| {
            copied
                .iter()
                .any(|copied| copied.eq_ignore_ascii_case(name))
        };
        if let Some(subject) = subject {
            header.extend(field("Subject", &subject));
        }
        if !is_copied("Date") {
            header.extend(field("Date", &date::write(self.now)));
        }
        if !is_copied("From") {
            header.extend(field("From", &self.run.envelope.to));
        }
        let old = [self.document.header().as_slice(), self.document.body()].concat();
        let octets = enclosed(header, &text, &old);
        self.rewrite(octets, "enclose")
    }

    pub(super) fn rewrite(&mut self, octets: Vec<u8>, edit: &str) -> Done<()> {
        self.check_size(octets.len())?;
        self.note(|| format!("{edit}: the message has {} octets now", octets.len()));
        self.document.rewrite(octets, edit.to_owned());
        self.replacements.clear();
        Ok(())
    }

    fn check_size(&mut self, octets: usize) -> Done<()> {
        self.edited += octets;
        if self.edited > self.run.limits.edited_size {
            return Err(Failure::limit("it makes too much of the message"));
        }
        Ok(())
    }

    /// Puts the replacements of a loop into the message.
    pub(super) fn apply_replacements(&mut self) -> Done<()> {
        let replacements = std::mem::take(&mut self.replacements);
        if replacements.is_empty() {
            return Ok(());
        }
        let mut spans = self.spans(replacements);
        spans.sort_by_key(|(range, _)| (range.start, std::cmp::Reverse(range.end)));
        let old = self.document.octets();
        let start = crate::mail::header_length(old);
        let mut octets = self.document.header();
        let mut at = start;
        for (range, new) in spans {
            // A part inside a part that is replaced is gone.
            if range.start < at {
                continue;
            }
            octets.extend_from_slice(&old[at..range.start]);
            octets.extend_from_slice(&new);
            at = range.end;
        }
        octets.extend_from_slice(&old[at..]);
        self.rewrite(octets, "replace")
    }

    /// Where the replaced parts stand; of two replacements of a part the later one counts.
    fn spans(&self, replacements: Vec<(usize, Vec<u8>)>) -> Vec<(Range<usize>, Vec<u8>)> {
        let mut spans: Vec<(Range<usize>, Vec<u8>)> = Vec::new();
        for (at, new) in replacements.into_iter().rev() {
            let Some(node) = self
                .document
                .parts
                .as_ref()
                .and_then(|parts| parts.node(at))
            else {
                continue;
            };
            let range = node.header.start..node.body.end;
            if !spans.iter().any(|(other, _)| *other == range) {
                spans.push((range, new));
            }
        }
        spans
    }
}

fn is_protected(name: &str) -> bool {
    PROTECTED
        .iter()
        .any(|other| other.eq_ignore_ascii_case(name))
}

fn is_mime_field(raw: &[u8]) -> bool {
    let starts = |name: &str| {
        raw.get(..name.len())
            .is_some_and(|n| n.eq_ignore_ascii_case(name.as_bytes()))
    };
    starts("Content-") || starts("MIME-Version")
}

/// A header field on one line or more, 7-bit, with its line end.
fn field(name: &str, value: &str) -> Vec<u8> {
    let line: String = value
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    let mut line = line.trim().to_owned();
    super::variables::cut(&mut line, MAX_FIELD);
    let encoded = encoded_word::encode(line.as_bytes());
    let mut raw = format!("{name}: ").into_bytes();
    fold(&mut raw, &encoded);
    raw.extend_from_slice(b"\r\n");
    raw
}

/// Breaks long values before a blank (RFC 5322 §2.2.3).
fn fold(raw: &mut Vec<u8>, value: &[u8]) {
    let mut column = raw.len();
    for (i, word) in value.split(|o| *o == b' ').enumerate() {
        if i > 0 {
            if column + word.len() > 76 && !word.is_empty() {
                raw.extend_from_slice(b"\r\n");
                column = 0;
            }
            raw.push(b' ');
            column += 1;
        }
        raw.extend_from_slice(word);
        column += word.len();
    }
}

/// A MIME entity: header fields without the empty line, and content.
struct Entity {
    header: Vec<u8>,
    body: Vec<u8>,
}

fn text_entity(text: &str) -> Entity {
    let body = crlf(text);
    let plain = body.is_ascii() && body.split('\n').all(|line| line.len() < 998);
    let (encoding, body) = match plain {
        true => ("7bit", body.into_bytes()),
        false => (
            "quoted-printable",
            transfer::encode_quoted_printable(body.as_bytes()),
        ),
    };
    let header = format!(
        "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: {encoding}\r\n"
    );
    Entity {
        header: header.into_bytes(),
        body,
    }
}

/// The replacement brings MIME fields of its own (RFC 5703 §5 `:mime`).
fn mime_entity(text: &str) -> Entity {
    let octets = crlf(text).into_bytes();
    let (header, body) = octets.split_at(crate::mail::header_length(&octets));
    let mut fields = Vec::new();
    for field in message::header::fields(header).filter(|field| is_mime_field(field.raw)) {
        if !field.is("MIME-Version") {
            fields.extend_from_slice(field.raw);
        }
    }
    if !fields.is_empty() && !fields.ends_with(b"\n") {
        fields.extend_from_slice(b"\r\n");
    }
    Entity {
        header: fields,
        body: body.to_vec(),
    }
}

fn crlf(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\n', "\r\n")
}

fn enclosed(header: Vec<u8>, text: &str, old: &[u8]) -> Vec<u8> {
    let text = text_entity(text);
    let boundary = boundary(old, &text.body);
    let multipart = format!(
        "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=\"{boundary}\"\r\n\r\n--{boundary}\r\n"
    );
    let second = format!("\r\n--{boundary}\r\nContent-Type: message/rfc822\r\n\r\n");
    let last = format!("\r\n--{boundary}--\r\n");
    [
        &header,
        multipart.as_bytes(),
        &text.header,
        b"\r\n",
        &text.body,
        second.as_bytes(),
        old,
        last.as_bytes(),
    ]
    .concat()
}

/// One that occurs in neither.
fn boundary(old: &[u8], text: &[u8]) -> String {
    let mut number = 0_u64;
    loop {
        let boundary = format!("=_enclosed_{number}");
        let there = |octets: &[u8]| memchr::memmem::find(octets, boundary.as_bytes()).is_some();
        if !there(old) && !there(text) {
            return boundary;
        }
        number = number.wrapping_add(1);
    }
}
