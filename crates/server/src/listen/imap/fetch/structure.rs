//! BODY and BODYSTRUCTURE (RFC 3501 §7.4.2), rendered from the part tree that was made at delivery.
//!
//! All texts leave as 7-bit: what a decoded parameter has beyond that becomes an encoded word (catalogue W15).

use imap::encode;
use message::{Part, PartKind, Summary, encoded_word};

/// With the extension data of BODYSTRUCTURE, or without as in BODY?
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Extension {
    With,
    Without,
}

/// Appends the structure of a message. One that could not be parsed is an octet stream.
pub(super) fn push(out: &mut Vec<u8>, summary: Option<&Summary>, extension: Extension) {
    match summary.and_then(|summary| summary.root.as_ref()) {
        Some(root) => part(out, root, extension),
        None => {
            out.extend_from_slice(b"(\"application\" \"octet-stream\" NIL NIL NIL \"binary\" ");
            encode::number(out, summary.map_or(0, |summary| u64::from(summary.size)));
            out.push(b')');
        }
    }
}

fn part(out: &mut Vec<u8>, part: &Part, extension: Extension) {
    out.push(b'(');
    match &part.kind {
        PartKind::Multipart(children) => multipart(out, part, children, extension),
        PartKind::Leaf | PartKind::Message(..) => single(out, part, extension),
    }
    out.push(b')');
}

fn multipart(out: &mut Vec<u8>, this: &Part, children: &[Part], extension: Extension) {
    for child in children {
        part(out, child, extension);
    }
    if children.is_empty() {
        // The grammar wants at least one part.
        out.extend_from_slice(b"(\"text\" \"plain\" NIL NIL NIL \"7bit\" 0 0)");
    }
    out.push(b' ');
    text(out, &this.subtype);
    if extension == Extension::With {
        out.push(b' ');
        params(out, &this.params);
        common_extension(out, this);
    }
}

fn single(out: &mut Vec<u8>, this: &Part, extension: Extension) {
    text(out, &this.media_type);
    out.push(b' ');
    text(out, &this.subtype);
    out.push(b' ');
    params(out, &this.params);
    for field in [&this.id, &this.description] {
        out.push(b' ');
        nil_or_text(out, field.as_deref());
    }
    out.push(b' ');
    text(out, &this.encoding);
    out.push(b' ');
    encode::number(
        out,
        u64::from(this.body_end.saturating_sub(this.body_start)),
    );
    if let PartKind::Message(envelope, root) = &this.kind {
        out.push(b' ');
        out.extend_from_slice(envelope);
        out.push(b' ');
        part(out, root, extension);
    }
    if this.media_type.eq_ignore_ascii_case("text") || matches!(this.kind, PartKind::Message(..)) {
        out.push(b' ');
        encode::number(out, u64::from(this.lines));
    }
    if extension == Extension::With {
        out.push(b' ');
        nil_or_text(out, this.md5.as_deref());
        common_extension(out, this);
    }
}

/// Disposition, language, location.
fn common_extension(out: &mut Vec<u8>, part: &Part) {
    out.push(b' ');
    match &part.disposition {
        None => out.extend_from_slice(b"NIL"),
        Some((kind, of_kind)) => {
            out.push(b'(');
            text(out, kind);
            out.push(b' ');
            params(out, of_kind);
            out.push(b')');
        }
    }
    out.push(b' ');
    match part.language.as_slice() {
        [] => out.extend_from_slice(b"NIL"),
        [only] => text(out, only),
        several => list(out, several.iter().map(String::as_str)),
    }
    out.push(b' ');
    nil_or_text(out, part.location.as_deref());
}

fn params(out: &mut Vec<u8>, params: &[(String, String)]) {
    match params.is_empty() {
        true => out.extend_from_slice(b"NIL"),
        false => list(
            out,
            params
                .iter()
                .flat_map(|(name, value)| [name.as_str(), value.as_str()]),
        ),
    }
}

fn list<'a>(out: &mut Vec<u8>, texts: impl Iterator<Item = &'a str>) {
    out.push(b'(');
    for (index, value) in texts.enumerate() {
        if index > 0 {
            out.push(b' ');
        }
        text(out, value);
    }
    out.push(b')');
}

fn nil_or_text(out: &mut Vec<u8>, value: Option<&str>) {
    match value {
        Some(value) => text(out, value),
        None => out.extend_from_slice(b"NIL"),
    }
}

fn text(out: &mut Vec<u8>, value: &str) {
    match value.is_ascii() {
        true => encode::string(out, value.as_bytes()),
        false => encode::string(out, &encoded_word::encode(value.as_bytes())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaf(media_type: &str, subtype: &str) -> Part {
        Part {
            media_type: media_type.into(),
            subtype: subtype.into(),
            params: Vec::new(),
            id: None,
            description: None,
            encoding: "7bit".into(),
            md5: None,
            disposition: None,
            language: Vec::new(),
            location: None,
            header_start: 0,
            body_start: 100,
            body_end: 3128,
            lines: 92,
            kind: PartKind::Leaf,
        }
    }

    fn rendered(root: Part, extension: Extension) -> String {
        let summary = Summary {
            root: Some(root),
            ..Summary::default()
        };
        let mut out = Vec::new();
        push(&mut out, Some(&summary), extension);
        String::from_utf8(out).unwrap()
    }

    /// RFC 3501 §7.4.2: a text of 3028 octets in 92 lines.
    #[test]
    fn rfc3501_7_4_2_text() {
        let mut text = leaf("TEXT", "PLAIN");
        text.params = vec![("CHARSET".into(), "US-ASCII".into())];
        let expected = r#"("TEXT" "PLAIN" ("CHARSET" "US-ASCII") NIL NIL "7bit" 3028 92)"#;
        assert_eq!(rendered(text, Extension::Without), expected);
    }

    #[test]
    fn multipart_with_extension_data() {
        let mut attachment = leaf("image", "png");
        let name = ("filename".into(), "Größe.png".into());
        attachment.disposition = Some(("attachment".into(), vec![name]));
        let mut root = leaf("multipart", "mixed");
        root.kind = PartKind::Multipart(vec![leaf("text", "plain"), attachment]);
        let rendered = rendered(root, Extension::With);
        assert!(rendered.is_ascii(), "{rendered}");
        assert!(rendered.starts_with(r#"(("text" "plain" NIL NIL NIL "7bit" 3028 92 NIL NIL NIL NIL)("image" "png" NIL NIL NIL "7bit" 3028 NIL ("attachment" ("filename" "=?"#));
        assert!(rendered.ends_with(r#" NIL NIL) "mixed" NIL NIL NIL NIL)"#));
    }

    #[test]
    fn an_enclosed_message_has_envelope_and_lines() {
        let mut root = leaf("message", "rfc822");
        root.kind = PartKind::Message(b"(ENVELOPE)".to_vec(), Box::new(leaf("text", "plain")));
        let expected = r#"("message" "rfc822" NIL NIL NIL "7bit" 3028 (ENVELOPE) ("text" "plain" NIL NIL NIL "7bit" 3028 92) 92)"#;
        assert_eq!(rendered(root, Extension::Without), expected);
    }

    #[test]
    fn degenerate_messages_stay_within_the_grammar() {
        let mut empty = leaf("multipart", "mixed");
        empty.kind = PartKind::Multipart(Vec::new());
        let expected = r#"(("text" "plain" NIL NIL NIL "7bit" 0 0) "mixed")"#;
        assert_eq!(rendered(empty, Extension::Without), expected);
        let mut out = Vec::new();
        push(&mut out, None, Extension::With);
        assert!(out.starts_with(b"(\"application\""));
    }
}
