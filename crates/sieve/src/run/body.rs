//! `body` (RFC 5173): the body raw, parts of some types decoded, or all text.

use super::document::Document;
use super::machine::{Done, Machine};
use crate::code::{Criterion, Transform};
use message::charset;
use std::cell::OnceCell;

/// Forms of the body that were made already.
#[derive(Default)]
pub(super) struct Bodies {
    raw: OnceCell<String>,
    text: OnceCell<Vec<String>>,
}

impl Machine<'_> {
    /// Reads the message, if that was not done yet.
    pub(super) fn load(&mut self) -> Done<()> {
        if !self.document.is_read() {
            let mut body = self.host.body()?;
            body.truncate(self.run.limits.body_size);
            self.document.read(&body);
        }
        Ok(())
    }

    pub(super) fn load_parts(&mut self) -> Done<&super::parts::Parts> {
        self.load()?;
        Ok(self.document.parts(self.run.limits.mime_parts))
    }

    /// It sets no match variables (RFC 5173 §6).
    pub(super) fn body_test(&mut self, transform: &Transform, criterion: &Criterion) -> Done<bool> {
        self.load_parts()?;
        // Without a body all of these tests are false, also those for an empty string (RFC 5173 §4).
        if !self.document.has_body() {
            return Ok(false);
        }
        let limit = self.run.limits.body_size;
        let values = match transform {
            Transform::Content(types) => {
                let types = self.expand_all(types)?;
                let values = self.document.contents(&types, limit);
                self.budget.look(values.iter().map(String::len).sum())?;
                let comparison = self.comparison(criterion)?.without_captures();
                return self.compare_with(comparison, &values);
            }
            Transform::Raw => {
                let fresh = self.document.bodies.raw.get().is_none();
                self.budget
                    .look(if fresh { self.document.body().len() } else { 0 })?;
                std::slice::from_ref(self.document.raw(limit))
            }
            Transform::Text => {
                let fresh = self.document.bodies.text.get().is_none();
                self.budget
                    .look(if fresh { self.document.body().len() } else { 0 })?;
                self.document.texts(limit)
            }
        };
        // Not twice in memory: values stay where they are while they are compared.
        let count = values.len();
        let mut comparison = self.comparison(criterion)?.without_captures();
        for at in 0..count {
            let Machine {
                document,
                budget,
                host,
                run,
                ..
            } = self;
            let values = match transform {
                Transform::Raw => std::slice::from_ref(document.raw(limit)),
                _ => document.texts(limit),
            };
            if comparison.value(&values[at], run.traced, budget, *host)? {
                break;
            }
        }
        Ok(self.settle(comparison))
    }
}

impl Document<'_> {
    /// Everything behind the header section, undecoded (RFC 5173 §5.1).
    fn raw(&self, limit: usize) -> &String {
        self.bodies.raw.get_or_init(|| {
            let body = self.body();
            charset::guess(&body[..body.len().min(limit)])
        })
    }

    /// The text of all text parts, HTML without its tags (RFC 5173 §5.3).
    fn texts(&self, limit: usize) -> &[String] {
        self.bodies.text.get_or_init(|| match &self.parts {
            Some(parts) => parts.texts(self.octets(), limit),
            None => Vec::new(),
        })
    }

    /// Decoded content of the parts of these types (RFC 5173 §5.2).
    fn contents(&self, types: &[String], limit: usize) -> Vec<String> {
        match &self.parts {
            Some(parts) => parts.contents(self.octets(), types, limit),
            None => Vec::new(),
        }
    }
}
