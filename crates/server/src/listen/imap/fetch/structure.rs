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
    use proptest::prelude::*;

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

    /// `body` of RFC 3501 §9, read by its grammar alone.
    struct Reader<'a> {
        rest: &'a [u8],
        extension: Extension,
    }

    /// Type, octets, and what is inside.
    #[derive(Debug, PartialEq)]
    enum Read {
        Single(String, u64, Option<Box<Read>>),
        Multipart(String, Vec<Read>),
    }

    impl Reader<'_> {
        fn sign(&mut self, sign: &str) {
            let shown = self.rest.escape_ascii().to_string();
            let rest = self.rest.strip_prefix(sign.as_bytes());
            self.rest = rest.unwrap_or_else(|| panic!("{sign:?} is not before {shown}"));
        }

        fn takes(&mut self, sign: &str) -> bool {
            let found = self.rest.starts_with(sign.as_bytes());
            if found {
                self.sign(sign);
            }
            found
        }

        fn number(&mut self) -> u64 {
            let digits = self.rest.iter().take_while(|octet| octet.is_ascii_digit());
            let (digits, rest) = self.rest.split_at(digits.count());
            self.rest = rest;
            std::str::from_utf8(digits).unwrap().parse().unwrap()
        }

        fn string(&mut self) -> String {
            let mut text = Vec::new();
            if self.takes("{") {
                let length = usize::try_from(self.number()).unwrap();
                self.sign("}\r\n");
                text.extend_from_slice(&self.rest[..length]);
                self.rest = &self.rest[length..];
            } else {
                self.sign("\"");
                while !self.takes("\"") {
                    self.takes("\\");
                    assert!(!b"\r\n\0".contains(&self.rest[0]));
                    text.push(self.rest[0]);
                    self.rest = &self.rest[1..];
                }
            }
            String::from_utf8(text).unwrap()
        }

        fn nstring(&mut self) {
            if !self.takes("NIL") {
                self.string();
            }
        }

        fn strings(&mut self) -> usize {
            let mut count = 0;
            if self.takes("NIL") {
                return count;
            }
            self.sign("(");
            loop {
                self.string();
                count += 1;
                if self.takes(")") {
                    return count;
                }
                self.sign(" ");
            }
        }

        fn params(&mut self) {
            assert!(self.strings().is_multiple_of(2));
        }

        /// Anything in parentheses, as an envelope is.
        fn nested(&mut self) {
            self.sign("(");
            while !self.takes(")") {
                match self.rest[0] {
                    b'(' => self.nested(),
                    b' ' => self.sign(" "),
                    _ => self.nstring(),
                }
            }
        }

        fn body(&mut self) -> Read {
            self.sign("(");
            let read = match self.rest[0] {
                b'(' => self.multipart(),
                _ => self.single(),
            };
            self.sign(")");
            read
        }

        fn multipart(&mut self) -> Read {
            let mut parts = Vec::new();
            while self.rest[0] == b'(' {
                parts.push(self.body());
            }
            self.sign(" ");
            let subtype = self.string();
            if self.extension == Extension::With {
                self.sign(" ");
                self.params();
                self.common_extension();
            }
            Read::Multipart(subtype, parts)
        }

        fn single(&mut self) -> Read {
            let media_type = self.string();
            self.sign(" ");
            let subtype = self.string();
            self.sign(" ");
            self.params();
            for _ in 0..2 {
                self.sign(" ");
                self.nstring();
            }
            self.sign(" ");
            self.string();
            self.sign(" ");
            let octets = self.number();
            let mut inside = None;
            if self.rest.starts_with(b" (") {
                self.sign(" ");
                self.nested();
                self.sign(" ");
                inside = Some(Box::new(self.body()));
            }
            if inside.is_some() || media_type == "text" {
                self.sign(" ");
                self.number();
            }
            if self.extension == Extension::With {
                self.sign(" ");
                self.nstring();
                self.common_extension();
            }
            Read::Single(format!("{media_type}/{subtype}"), octets, inside)
        }

        fn common_extension(&mut self) {
            self.sign(" ");
            if !self.takes("NIL") {
                self.sign("(");
                self.string();
                self.sign(" ");
                self.params();
                self.sign(")");
            }
            self.sign(" ");
            match self.rest[0] {
                b'(' => assert!(self.strings() > 0),
                _ => self.nstring(),
            }
            self.sign(" ");
            self.nstring();
        }
    }

    /// What ought to be read.
    fn expected(part: &Part) -> Read {
        let media_type = format!("{}/{}", part.media_type, part.subtype);
        let octets = u64::from(part.body_end - part.body_start);
        match &part.kind {
            PartKind::Leaf => Read::Single(media_type, octets, None),
            PartKind::Message(_, root) => {
                Read::Single(media_type, octets, Some(Box::new(expected(root))))
            }
            PartKind::Multipart(parts) => {
                Read::Multipart(part.subtype.clone(), parts.iter().map(expected).collect())
            }
        }
    }

    fn check(message: &[u8]) {
        let mut scanner = message::Scanner::new();
        scanner.feed(message);
        let summary = scanner.finish();
        for extension in [Extension::With, Extension::Without] {
            let mut out = Vec::new();
            push(&mut out, Some(&summary), extension);
            assert!(out.is_ascii(), "{}", out.escape_ascii());
            let mut reader = Reader {
                rest: &out,
                extension,
            };
            let read = reader.body();
            assert!(reader.rest.is_empty(), "{}", reader.rest.escape_ascii());
            assert_eq!(read, expected(summary.root.as_ref().unwrap()));
        }
    }

    /// Header fields of a part, sane and not.
    fn fields() -> impl Strategy<Value = String> {
        let field = prop_oneof![
            "Content-(Type|Disposition): [a-zA-Z\"/;=* ]{0,30}",
            Just("Content-Type: text/plain; charset=utf-8; format=flowed".to_owned()),
            Just("Content-Disposition: attachment; filename*=utf-8''%C3%A9%22".to_owned()),
            Just("Content-Type: image/png; name=\"Gr\u{f6}\u{df}e \\\"x\\\".png\"".to_owned()),
            "Content-Language: [a-z, ()-]{0,20}",
            "Content-(ID|Description|Location|MD5|Transfer-Encoding): [ -~\u{e9}]{0,40}",
            "(Subject|From|To|Date): [ -~\u{e9}]{0,30}",
        ];
        proptest::collection::vec(field, 0..5).prop_map(|fields| fields.join("\r\n"))
    }

    /// A part with its header, at most so deep.
    fn entity() -> impl Strategy<Value = String> {
        let leaf = (fields(), "[ -~\r\n]{0,60}").prop_map(|(f, text)| format!("{f}\r\n\r\n{text}"));
        leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                (fields(), inner.clone())
                    .prop_map(|(f, inner)| format!("Content-Type: message/rfc822\r\n{f}\r\n\r\n{inner}")),
                (fields(), "[a-z]{1,8}", proptest::collection::vec(inner, 0..4)).prop_map(
                    |(f, boundary, parts)| {
                        let parts = parts.iter().map(|part| format!("--{boundary}\r\n{part}\r\n"));
                        format!(
                            "Content-Type: multipart/mixed; boundary={boundary}\r\n{f}\r\n\r\n{}--{boundary}--\r\n",
                            parts.collect::<String>()
                        )
                    }
                ),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]

        /// RFC 3501 §9: whatever a message is, what is told of it is of the grammar, in 7 bits, and is its tree of parts.
        #[test]
        fn g12_bodystructure_is_of_the_grammar(message in entity()) {
            check(message.as_bytes());
        }

        #[test]
        fn g12_bodystructure_of_any_octets(octets in proptest::collection::vec(any::<u8>(), 0..400)) {
            check(&octets);
        }
    }
}
