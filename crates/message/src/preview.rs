//! The first words of a message (RFC 8970): collected while it streams by, decoded at the end.

use crate::{Part, charset, content, html, transfer};

/// Letters of a preview (RFC 8970 §3.1).
const LETTERS: usize = 200;
/// Octets kept of the first plain text.
const PLAIN: usize = 2048;
/// Octets kept of the first HTML; it has more to drop.
const HTML: usize = 16_384;

/// Collects the beginning of the first text parts.
#[derive(Default)]
pub(crate) struct Preview {
    plain: Option<Excerpt>,
    html: Option<Excerpt>,
    /// Which of the two is being collected.
    active: Option<Kind>,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Plain,
    Html,
}

/// The raw beginning of a part and what is needed to read it.
struct Excerpt {
    encoding: String,
    charset: String,
    octets: Vec<u8>,
    room: usize,
}

impl Preview {
    /// A leaf begins: collects it if it is the first of its kind and meant to be read.
    pub(crate) fn begin(&mut self, part: &Part) {
        self.active = None;
        let attached = part
            .disposition
            .as_ref()
            .is_some_and(|(kind, _)| kind == "attachment");
        if part.media_type != "text" || attached || self.has_plain() {
            return;
        }
        let (kind, slot, room) = match part.subtype.as_str() {
            "html" => (Kind::Html, &mut self.html, HTML),
            _ => (Kind::Plain, &mut self.plain, PLAIN),
        };
        if slot.is_none() {
            *slot = Some(Excerpt {
                encoding: part.encoding.clone(),
                charset: content::param(&part.params, "charset").unwrap_or_default(),
                octets: Vec::new(),
                room,
            });
            self.active = Some(kind);
        }
    }

    fn has_plain(&self) -> bool {
        let words = |excerpt: &Excerpt| !excerpt.octets.trim_ascii().is_empty();
        self.plain.as_ref().is_some_and(words)
    }

    /// The leaf has ended.
    pub(crate) fn end(&mut self) {
        self.active = None;
    }

    /// Octets of the leaf.
    pub(crate) fn take(&mut self, octets: &[u8]) {
        let excerpt = match self.active {
            None => return,
            Some(Kind::Plain) => &mut self.plain,
            Some(Kind::Html) => &mut self.html,
        };
        let Some(excerpt) = excerpt else { return };
        let length = octets.len().min(excerpt.room);
        excerpt.octets.extend_from_slice(&octets[..length]);
        excerpt.room -= length;
        if excerpt.room == 0 {
            self.active = None;
        }
    }

    /// The preview: of plain text, or of HTML where that is empty.
    pub(crate) fn finish(self) -> String {
        let plain = self.plain.map(|e| one_line(&e.text())).unwrap_or_default();
        if !plain.is_empty() {
            return plain;
        }
        self.html
            .map(|excerpt| one_line(&html::text(&excerpt.text(), LETTERS * 4)))
            .unwrap_or_default()
    }
}

impl Excerpt {
    fn text(&self) -> String {
        charset::decode(
            &self.charset,
            &transfer::decode(&self.encoding, &self.octets),
        )
    }
}

/// The first letters with single blanks between words, invisible characters dropped.
fn one_line(text: &str) -> String {
    let mut line = String::new();
    let mut letters = 0;
    for word in text.split_whitespace() {
        for c in word
            .chars()
            .filter(|c| !c.is_control() && !is_invisible(*c))
        {
            if letters == LETTERS {
                return line;
            }
            line.push(c);
            letters += 1;
        }
        if letters + 1 >= LETTERS {
            break;
        }
        if !line.is_empty() && !line.ends_with(' ') {
            line.push(' ');
            letters += 1;
        }
    }
    line.truncate(line.trim_end().len());
    line
}

/// Fillers that senders use to push other text out of previews, and the sign for what could not be read.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{34f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}' | '\u{feff}' | '\u{fffd}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_of_200_letters() {
        assert_eq!(one_line(" a\r\n\r\n b\u{200b}c\0 "), "a bc");
        assert_eq!(one_line(&"ä ".repeat(300)).chars().count(), 199);
        assert_eq!(one_line(&"ä".repeat(300)).chars().count(), 200);
    }
}
