//! The parts of a message, flat: what `body`, `:mime` and `foreverypart` walk over (RFC 5173 §5, RFC 5703 §3).

use super::commands::Flow;
use super::machine::{Done, Machine};
use crate::code::{Block, Modifier, Text, Variable};
use message::{Part, PartKind, Summary, charset, content, text, transfer};
use std::ops::Range;

/// Parts in depth-first order: those inside a part follow it.
#[derive(Default)]
pub(super) struct Parts {
    nodes: Vec<Node>,
}

pub(super) struct Node {
    pub(super) header: Range<usize>,
    pub(super) body: Range<usize>,
    part: Part,
    /// Behind the last part inside it.
    end: usize,
    container: bool,
}

impl Parts {
    /// The first so many parts.
    pub(super) fn new(summary: &Summary, limit: usize) -> Parts {
        let mut parts = Parts::default();
        if let Some(root) = &summary.root {
            parts.add(root, limit);
        }
        parts
    }

    /// Without recursion: how deep messages nest is for the sender to choose.
    fn add(&mut self, root: &Part, limit: usize) {
        let mut waiting: Vec<(&Part, usize)> = vec![(root, 0)];
        let mut depths = Vec::new();
        while let Some((part, depth)) = waiting.pop() {
            if self.nodes.len() >= limit {
                break;
            }
            self.close(&mut depths, depth);
            depths.push((self.nodes.len(), depth));
            self.nodes.push(Node::new(part));
            match &part.kind {
                PartKind::Leaf => {}
                PartKind::Multipart(inner) => {
                    waiting.extend(inner.iter().rev().map(|p| (p, depth + 1)))
                }
                PartKind::Message(_, root) => waiting.push((root, depth + 1)),
            }
        }
        self.close(&mut depths, 0);
    }

    /// Parts at this depth or deeper hold nothing more.
    fn close(&mut self, open: &mut Vec<(usize, usize)>, depth: usize) {
        while let Some((at, _)) = open.pop_if(|(_, inner)| *inner >= depth) {
            self.nodes[at].end = self.nodes.len();
        }
    }

    pub(super) fn node(&self, at: usize) -> Option<&Node> {
        self.nodes.get(at)
    }

    /// Where the part's descendants end.
    pub(super) fn end_of(&self, at: usize) -> usize {
        self.nodes.get(at).map_or(at, |node| node.end)
    }

    /// Texts of all text parts.
    pub(super) fn texts(&self, octets: &[u8], limit: usize) -> Vec<String> {
        let mut room = limit;
        let mut texts = Vec::new();
        for node in self
            .nodes
            .iter()
            .filter(|node| node.part.media_type == "text")
        {
            let text = node.text(octets, room);
            room -= text.len().min(room);
            texts.push(text);
        }
        texts
    }

    /// Contents of the parts of these types (RFC 5173 §5.2).
    pub(super) fn contents(&self, octets: &[u8], types: &[String], limit: usize) -> Vec<String> {
        let mut room = limit;
        let mut found = Vec::new();
        for (at, node) in self.nodes.iter().enumerate() {
            if room == 0 || !types.iter().any(|wanted| node.has_type(wanted)) {
                continue;
            }
            let texts = match node.container {
                true => self.around(at, octets, room),
                false => vec![node.decoded(octets, room)],
            };
            for text in texts {
                room -= text.len().min(room);
                found.push(text);
            }
        }
        found
    }

    /// Of a multipart: what stands before its first, and what stands behind its last part; one of them if the other is empty. Of a message: its
    /// header section.
    fn around(&self, at: usize, octets: &[u8], limit: usize) -> Vec<String> {
        let node = &self.nodes[at];
        let inside = self.nodes.get(at + 1..node.end).unwrap_or_default();
        let slice = |range: Range<usize>| octets.get(range).unwrap_or_default();
        // The last of its own parts ends where the last of all parts inside it does, or later.
        let last = inside.iter().map(|part| part.body.end).max();
        let (start, end) = match (node.part.media_type.as_str(), inside.first(), last) {
            ("message", Some(root), _) => {
                return vec![guess(fields(slice(root.header.clone())), limit)];
            }
            (_, Some(first), Some(last)) => (first.header.start, last),
            _ => (node.body.end, node.body.end),
        };
        let before = guess(prologue(slice(node.body.start..start)), limit);
        let room = limit.saturating_sub(before.len());
        let behind = guess(epilogue(slice(end..node.body.end)), room);
        match (before.is_empty(), behind.is_empty()) {
            (false, false) => vec![before, behind],
            (true, _) => vec![behind],
            (false, true) => vec![before],
        }
    }
}

/// A header section without the empty line that ends it.
fn fields(section: &[u8]) -> &[u8] {
    let line = section.strip_suffix(b"\n").unwrap_or(section);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    match line.ends_with(b"\n") || line.is_empty() {
        true => line,
        false => section,
    }
}

/// Without the delimiter line that ends it (RFC 2046 §5.1.1).
fn prologue(octets: &[u8]) -> &[u8] {
    let line = octets.strip_suffix(b"\n").unwrap_or(octets);
    match memchr::memrchr(b'\n', line) {
        Some(at) if line[at + 1..].starts_with(b"--") => &octets[..=at],
        None if line.starts_with(b"--") => &[],
        _ => octets,
    }
}

/// Without the delimiter line that begins it.
fn epilogue(octets: &[u8]) -> &[u8] {
    let line = octets.trim_ascii_start();
    match memchr::memchr(b'\n', line) {
        Some(at) if line.starts_with(b"--") => &line[at + 1..],
        None if line.starts_with(b"--") => &[],
        _ => octets,
    }
}

fn guess(octets: &[u8], limit: usize) -> String {
    charset::guess(&octets[..octets.len().min(limit)])
}

impl Node {
    fn new(part: &Part) -> Node {
        let range = |start: u32, end: u32| start as usize..end as usize;
        Node {
            header: range(part.header_start, part.body_start),
            body: range(part.body_start, part.body_end),
            part: Part {
                kind: PartKind::Leaf,
                ..shallow(part)
            },
            end: 0,
            container: part.kind != PartKind::Leaf,
        }
    }

    /// `text`, `text/html`, or nothing for all (RFC 5173 §5.2).
    fn has_type(&self, wanted: &str) -> bool {
        let same = |a: &str, b: &str| a.eq_ignore_ascii_case(b);
        match wanted.split_once('/') {
            None => wanted.is_empty() || same(wanted, &self.part.media_type),
            Some((main, sub)) => {
                !main.is_empty()
                    && !sub.is_empty()
                    && same(main, &self.part.media_type)
                    && same(sub, &self.part.subtype)
            }
        }
    }

    fn raw<'o>(&self, octets: &'o [u8]) -> &'o [u8] {
        octets.get(self.body.clone()).unwrap_or_default()
    }

    /// Text for people: HTML without its tags.
    pub(super) fn text(&self, octets: &[u8], limit: usize) -> String {
        text::part_text(&self.part, self.raw(octets), limit)
    }

    /// Decoded, HTML as it is.
    fn decoded(&self, octets: &[u8], limit: usize) -> String {
        let decoded = transfer::decode(&self.part.encoding, self.raw(octets));
        let cut = &decoded[..decoded.len().min(limit)];
        match content::param(&self.part.params, "charset") {
            Some(label) if self.part.media_type == "text" => charset::decode(&label, cut),
            _ => charset::guess(cut),
        }
    }
}

/// A part without those inside it.
fn shallow(part: &Part) -> Part {
    Part {
        media_type: part.media_type.clone(),
        subtype: part.subtype.clone(),
        params: part.params.clone(),
        id: None,
        description: None,
        encoding: part.encoding.clone(),
        md5: None,
        disposition: None,
        language: Vec::new(),
        location: None,
        header_start: part.header_start,
        body_start: part.body_start,
        body_end: part.body_end,
        lines: part.lines,
        kind: PartKind::Leaf,
    }
}

impl Machine<'_> {
    pub(super) fn part_header(&self, at: usize) -> &[u8] {
        let node = self
            .document
            .parts
            .as_ref()
            .and_then(|parts| parts.node(at));
        let range = node.map_or(0..0, |node| node.header.clone());
        self.document.octets().get(range).unwrap_or_default()
    }

    /// All parts of the message, or, in another loop, those inside its part (RFC 5703 §3).
    pub(super) fn for_every_part(&mut self, name: Option<&Text>, block: &Block) -> Done<Flow> {
        let name = self.expand_some(name)?;
        let current = self.parts.last().copied();
        let parts = self.load_parts()?;
        let range = match current {
            None => 0..parts.end_of(0),
            Some(at) => at + 1..parts.end_of(at),
        };
        let depth = self.parts.len();
        let flow = self.walk(range, name.as_deref(), block);
        self.parts.truncate(depth);
        if depth == 0 {
            self.apply_replacements()?;
        }
        flow
    }

    fn walk(&mut self, range: Range<usize>, name: Option<&str>, block: &Block) -> Done<Flow> {
        for at in range {
            self.budget.spend(1)?;
            self.note(|| format!("part {at}"));
            self.parts.push(at);
            let flow = self.block(block)?;
            self.parts.pop();
            match flow {
                Flow::Next => {}
                Flow::Break(None) => return Ok(Flow::Next),
                Flow::Break(Some(wanted)) if Some(wanted.as_str()) == name => {
                    return Ok(Flow::Next);
                }
                flow => return Ok(flow),
            }
        }
        Ok(Flow::Next)
    }

    /// RFC 5703 §7
    pub(super) fn extract_text(
        &mut self,
        variable: &Variable,
        modifiers: &[Modifier],
        first: Option<u64>,
    ) -> Done<()> {
        let at = self.parts.last().copied().unwrap_or(0);
        let limit = self.run.limits.variable_size;
        self.load_parts()?;
        let node = self
            .document
            .parts
            .as_ref()
            .and_then(|parts| parts.node(at));
        let mut text = match node {
            Some(node) if node.part.media_type == "text" => {
                node.text(self.document.octets(), limit)
            }
            _ => String::new(),
        };
        self.budget.look(text.len())?;
        if let Some(first) = first
            && let Some((end, _)) = text
                .char_indices()
                .nth(usize::try_from(first).unwrap_or(usize::MAX))
        {
            text.truncate(end);
        }
        let text = self.modify(text, modifiers)?;
        self.assign(variable, text)
    }
}
