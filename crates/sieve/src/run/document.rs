//! The message as a script sees it: header fields in their order, with the script's edits; octets and parts once they are needed.
//!
//! Edits of header fields change [`Document::fields`] only. The octets stay those that came, unless `replace`, `enclose` or `filter`
//! make new ones; then everything is read again.

use super::body::Bodies;
use super::parts::Parts;
use crate::action::Version;
use crate::mail::{Mail, has_body, header_length};
use message::{Summary, encoded_word, header};
use std::borrow::Cow;
use std::cell::OnceCell;
use std::sync::Arc;

pub(super) struct Document<'m> {
    pub(super) mail: &'m Mail<'m>,
    pub(super) fields: Vec<Field<'m>>,
    octets: Octets<'m>,
    pub(super) parts: Option<Parts>,
    pub(super) bodies: Bodies,
    edits: Vec<String>,
    /// Octets are not those that came.
    rewritten: bool,
    /// The present state, if an action asked for it since the last edit.
    version: Option<Arc<Version>>,
}

/// The whole message, header section included.
enum Octets<'m> {
    Unread,
    Borrowed(&'m [u8]),
    Owned(Arc<[u8]>),
}

/// A header field.
pub(super) struct Field<'m> {
    pub(super) raw: Cow<'m, [u8]>,
    /// Octets of the name.
    name: usize,
    /// Where the value begins.
    value: usize,
    text: OnceCell<String>,
}

impl<'m> Field<'m> {
    fn new(raw: Cow<'m, [u8]>) -> Field<'m> {
        let (name, value) = match raw.iter().position(|o| *o == b':') {
            Some(colon) if !raw[..colon].contains(&b'\n') => {
                (raw[..colon].trim_ascii_end().len(), colon + 1)
            }
            _ => (0, 0),
        };
        Field {
            raw,
            name,
            value,
            text: OnceCell::new(),
        }
    }

    pub(super) fn is(&self, name: &str) -> bool {
        self.name == name.len() && self.raw[..self.name].eq_ignore_ascii_case(name.as_bytes())
    }

    pub(super) fn value(&self) -> &[u8] {
        &self.raw[self.value..]
    }

    /// The value, unfolded and decoded (RFC 5228 §2.7.2).
    pub(super) fn text(&self) -> &str {
        self.text.get_or_init(|| decoded(self.value()))
    }
}

/// The value of a header field as tests see it.
pub(super) fn decoded(value: &[u8]) -> String {
    let unfolded = header::unfold(value);
    match std::str::from_utf8(&unfolded) {
        Ok(text) if !text.contains("=?") => text.to_owned(),
        _ => encoded_word::decode(&unfolded),
    }
}

impl<'m> Document<'m> {
    pub(super) fn new(mail: &'m Mail<'m>) -> Document<'m> {
        let fields = header::fields(mail.header);
        Document {
            mail,
            fields: fields.map(|f| Field::new(Cow::Borrowed(f.raw))).collect(),
            octets: mail.whole.map_or(Octets::Unread, Octets::Borrowed),
            parts: None,
            bodies: Bodies::default(),
            edits: Vec::new(),
            rewritten: false,
            version: None,
        }
    }

    /// Fields of this name, in order.
    pub(super) fn named<'d>(
        &'d self,
        name: &'d str,
    ) -> impl DoubleEndedIterator<Item = &'d Field<'m>> {
        self.fields.iter().filter(move |field| field.is(name))
    }

    pub(super) fn first(&self, name: &str) -> Option<&str> {
        self.fields
            .iter()
            .find(|field| field.is(name))
            .map(Field::text)
    }

    pub(super) fn is_read(&self) -> bool {
        !matches!(self.octets, Octets::Unread)
    }

    /// The host brought what is behind the header section.
    pub(super) fn read(&mut self, body: &[u8]) {
        self.octets = Octets::Owned([self.mail.header, body].concat().into());
    }

    /// The message, edits of header fields aside; empty before it is read.
    pub(super) fn octets(&self) -> &[u8] {
        match &self.octets {
            Octets::Unread => &[],
            Octets::Borrowed(octets) => octets,
            Octets::Owned(octets) => octets,
        }
    }

    pub(super) fn body(&self) -> &[u8] {
        let octets = self.octets();
        &octets[header_length(octets)..]
    }

    /// Whether there is one, be it empty.
    pub(super) fn has_body(&self) -> bool {
        has_body(self.octets())
    }

    /// Its parts, found when they are first asked for; the message must be read.
    pub(super) fn parts(&mut self, limit: usize) -> &Parts {
        if self.parts.is_none() {
            let known = self.mail.summary.filter(|_| !self.rewritten);
            let parts = match known {
                Some(summary) => Parts::new(summary, limit),
                None => Parts::new(&scan(self.octets()), limit),
            };
            self.parts = Some(parts);
        }
        self.parts.get_or_insert_with(Parts::default)
    }

    pub(super) fn size(&self) -> u64 {
        match self.rewritten {
            true => self.octets().len() as u64,
            false => self.mail.size,
        }
    }

    /// Puts a field at the start or the end of the header section (RFC 5293 §4).
    pub(super) fn add_field(&mut self, raw: Vec<u8>, last: bool, edit: String) {
        let at = if last { self.fields.len() } else { 0 };
        self.fields.insert(at, Field::new(Cow::Owned(raw)));
        self.edited(edit);
    }

    /// Removes fields by their places, which are in order.
    pub(super) fn remove_fields(&mut self, places: &[usize], edit: String) {
        for at in places.iter().rev() {
            self.fields.remove(*at);
        }
        self.edited(edit);
    }

    fn edited(&mut self, edit: String) {
        self.edits.push(edit);
        self.version = None;
    }

    /// The whole message is another one now.
    pub(super) fn rewrite(&mut self, octets: Vec<u8>, edit: String) {
        self.set_octets(&octets);
        self.edited(edit);
    }

    fn set_octets(&mut self, octets: &[u8]) {
        let fields = header::fields(octets).map(|f| Field::new(Cow::Owned(f.raw.to_vec())));
        self.fields = fields.collect();
        self.octets = Octets::Owned(octets.into());
        self.parts = None;
        self.bodies = Bodies::default();
        self.rewritten = true;
    }

    /// The header section with all edits, and the empty line.
    pub(super) fn header(&self) -> Vec<u8> {
        let mut header = Vec::new();
        for field in &self.fields {
            header.extend_from_slice(&field.raw);
            if !field.raw.ends_with(b"\n") {
                header.extend_from_slice(b"\r\n");
            }
        }
        header.extend_from_slice(b"\r\n");
        header
    }

    /// The message as it is now; `None`: as it came.
    pub(super) fn version(&mut self) -> Option<Arc<Version>> {
        if self.edits.is_empty() {
            return None;
        }
        if self.version.is_none() {
            self.version = Some(Arc::new(Version {
                header: self.header(),
                body: self.rewritten.then(|| self.body().to_vec()),
                edits: self.edits.clone(),
            }));
        }
        self.version.clone()
    }

    /// Takes back what was edited since that version.
    pub(super) fn restore(&mut self, version: Option<Arc<Version>>) {
        let edits = version.as_ref().map_or(0, |v| v.edits.len());
        if edits == self.edits.len() {
            return;
        }
        let mail = self.mail;
        let read = std::mem::replace(self, Document::new(mail));
        let Some(version) = version else {
            return;
        };
        match &version.body {
            Some(body) => self.set_octets(&[&version.header, &body[..]].concat()),
            None => {
                let fields = header::fields(&version.header);
                self.fields = fields
                    .map(|f| Field::new(Cow::Owned(f.raw.to_vec())))
                    .collect();
                if !read.rewritten {
                    self.octets = read.octets;
                }
            }
        }
        self.edits.clone_from(&version.edits);
        self.version = Some(version);
    }
}

pub(super) fn scan(octets: &[u8]) -> Summary {
    let mut scanner = message::Scanner::new();
    scanner.feed(octets);
    scanner.finish()
}
