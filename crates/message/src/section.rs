//! Where the sections of a message are that IMAP's FETCH names (RFC 3501 §6.4.5): `1.2`, `1.MIME`, `2.HEADER`, `TEXT`.

use crate::{Part, PartKind, Summary};
use std::ops::Range;

/// What of a part is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// The content; of the message as a whole: header section and all.
    Content,
    /// `HEADER` (and `HEADER.FIELDS`, to be filtered with [`crate::header::select`]): the header section of a message.
    Header,
    /// `TEXT`: a message without its header section.
    Text,
    /// `MIME`: the header section of a part.
    Mime,
}

impl Summary {
    /// The octets of a section; an empty path means the message itself. `None` if there is no such section.
    pub fn section(&self, path: &[u32], section: Section) -> Option<Range<u32>> {
        if !path.is_empty() {
            return part_section(self.part(path)?, section);
        }
        match section {
            Section::Content => Some(0..self.size),
            Section::Header => Some(0..self.header_size),
            Section::Text => Some(self.header_size..self.size),
            Section::Mime => None,
        }
    }

    /// The part of this path. A message that is no multipart has one part, 1, which is itself.
    pub fn part(&self, path: &[u32]) -> Option<&Part> {
        let (&first, rest) = path.split_first()?;
        let mut part = child_of_message(self.root.as_ref()?, first)?;
        for &number in rest {
            part = match &part.kind {
                PartKind::Leaf => return None,
                PartKind::Multipart(parts) => nth(parts, number)?,
                PartKind::Message(_, root) => child_of_message(root, number)?,
            };
        }
        Some(part)
    }

    /// All parts, depth first, containers before what they hold.
    pub fn parts(&self) -> Vec<&Part> {
        let mut found = Vec::new();
        let mut waiting: Vec<&Part> = self.root.iter().collect();
        while let Some(part) = waiting.pop() {
            found.push(part);
            match &part.kind {
                PartKind::Leaf => {}
                PartKind::Multipart(parts) => waiting.extend(parts.iter().rev()),
                PartKind::Message(_, root) => waiting.push(root),
            }
        }
        found
    }
}

fn child_of_message(root: &Part, number: u32) -> Option<&Part> {
    match &root.kind {
        PartKind::Multipart(parts) => nth(parts, number),
        PartKind::Leaf | PartKind::Message(..) => (number == 1).then_some(root),
    }
}

fn nth(parts: &[Part], number: u32) -> Option<&Part> {
    parts.get(usize::try_from(number).ok()?.checked_sub(1)?)
}

fn part_section(part: &Part, section: Section) -> Option<Range<u32>> {
    match (section, &part.kind) {
        (Section::Content, _) => Some(part.body_start..part.body_end),
        (Section::Mime, _) => Some(part.header_start..part.body_start),
        (Section::Header, PartKind::Message(_, root)) => Some(root.header_start..root.body_start),
        (Section::Text, PartKind::Message(_, root)) => Some(root.body_start..root.body_end),
        (Section::Header | Section::Text, _) => None,
    }
}
