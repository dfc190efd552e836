//! Decoded text of header sections and parts, as searching wants it (catalogue F9; RFC 3501 §6.4.4): transfer encodings,
//! character sets, encoded words and folding undone. Bounded by the caller's limits.

use crate::{Part, PartKind, Summary, charset, content, encoded_word, header, html, transfer};

/// The header section with every field decoded on one line: `Subject: Größe`.
pub fn header_text(section: &[u8]) -> String {
    let mut text = String::with_capacity(section.len());
    for field in header::fields(section) {
        if !field.name.is_empty() {
            text.push_str(&charset::guess(field.name));
            text.push_str(": ");
        }
        text.push_str(&encoded_word::decode(&header::unfold(field.value)));
        text.push('\n');
    }
    text
}

/// The decoded values of all fields of this name.
pub fn field_texts(section: &[u8], name: &str) -> Vec<String> {
    header::values(section, name)
        .map(|value| encoded_word::decode(&header::unfold(value)))
        .collect()
}

/// The text of a text part from its raw content, HTML without its tags; at most about `limit` octets.
pub fn part_text(part: &Part, raw: &[u8], limit: usize) -> String {
    let decoded = transfer::decode(&part.encoding, raw);
    let label = content::param(&part.params, "charset").unwrap_or_default();
    // No character set needs more octets than four for one of UTF-8.
    let cut = &decoded[..decoded.len().min(limit.saturating_mul(4))];
    let mut text = charset::decode(&label, cut);
    if part.subtype == "html" {
        text = html::text(&text, limit);
    }
    if let Some((end, _)) = text.char_indices().find(|(i, c)| i + c.len_utf8() > limit) {
        text.truncate(end);
    }
    text
}

/// What SEARCH BODY looks through: decoded text of all text parts, header sections of parts and of enclosed messages.
/// `message` is the whole message that `summary` tells of; at most about `limit` octets of text come back.
pub fn body_text(summary: &Summary, message: &[u8], limit: usize) -> String {
    let mut text = String::new();
    for (i, part) in summary.parts().into_iter().enumerate() {
        if text.len() >= limit {
            break;
        }
        if i > 0 {
            text.push_str(&header_text(octets(
                message,
                part.header_start,
                part.body_start,
            )));
        }
        if part.media_type == "text" && part.kind == PartKind::Leaf {
            let raw = octets(message, part.body_start, part.body_end);
            text.push_str(&part_text(part, raw, limit - text.len().min(limit)));
            text.push('\n');
        }
    }
    text
}

fn octets(message: &[u8], start: u32, end: u32) -> &[u8] {
    message
        .get(start as usize..end as usize)
        .unwrap_or_default()
}
