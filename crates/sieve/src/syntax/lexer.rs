//! Tokens of a script (RFC 5228 §8.1). Bare line feeds are taken for line ends, as every editor makes them.

use crate::error::{Place, Problem};

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    Identifier(String),
    Tag(String),
    Number(u64),
    String(String),
    /// One of `; , { } ( ) [ ]`
    Mark(char),
    End,
}

#[derive(Clone, Debug)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) place: Place,
}

pub(super) struct Lexer<'a> {
    rest: &'a str,
    place: Place,
    pub(super) problems: Vec<Problem>,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(source: &'a str) -> Lexer<'a> {
        Lexer {
            // Some editors begin a file with a byte order mark.
            rest: source.strip_prefix('\u{feff}').unwrap_or(source),
            place: Place { line: 1, column: 1 },
            problems: Vec::new(),
        }
    }

    /// The next token. What is none is reported and skipped.
    pub(super) fn next(&mut self) -> Token {
        loop {
            self.skip_blanks();
            let place = self.place;
            let Some(c) = self.rest.chars().next() else {
                return Token {
                    kind: Kind::End,
                    place,
                };
            };
            if let Some(kind) = self.token(c) {
                return Token { kind, place };
            }
        }
    }

    fn token(&mut self, c: char) -> Option<Kind> {
        match c {
            ';' | ',' | '{' | '}' | '(' | ')' | '[' | ']' => {
                self.advance(1);
                Some(Kind::Mark(c))
            }
            '"' => Some(Kind::String(self.quoted())),
            ':' => self.tag(),
            '0'..='9' => Some(Kind::Number(self.number())),
            'a'..='z' | 'A'..='Z' | '_' => Some(self.word()),
            _ => {
                self.stray(c);
                None
            }
        }
    }

    fn problem(&mut self, place: Place, what: impl Into<String>, hint: Option<&str>) {
        self.problems.push(Problem {
            place,
            what: what.into(),
            hint: hint.map(str::to_owned),
        });
    }

    /// Reports a run of characters that can begin nothing.
    fn stray(&mut self, c: char) {
        let hint = match c {
            '/' => Some("comments are # … or /* … */"),
            '\'' | '“' | '”' | '„' => Some("strings stand in straight double quotes: \"…\""),
            _ => None,
        };
        let place = self.place;
        let starts =
            |c: char| c.is_whitespace() || c.is_ascii_alphanumeric() || ";,{}()[]\":_#".contains(c);
        let length = self.rest.find(starts).unwrap_or(self.rest.len());
        let shown: String = self.rest[..length].chars().take(20).collect();
        self.problem(
            place,
            format!("`{}` means nothing here", shown.escape_debug()),
            hint,
        );
        self.advance(length.max(1));
    }

    /// Moves over so many octets, which end at a character's end.
    fn advance(&mut self, octets: usize) {
        let (passed, rest) = self.rest.split_at(octets);
        self.rest = rest;
        match passed.rfind('\n') {
            Some(end) => {
                self.place.line += passed.matches('\n').count() as u32;
                self.place.column = 1 + passed[end + 1..].chars().count() as u32;
            }
            None => self.place.column += passed.chars().count() as u32,
        }
    }

    fn skip_blanks(&mut self) {
        loop {
            let blank = |c: char| !matches!(c, ' ' | '\t' | '\r' | '\n');
            let length = self.rest.find(blank).unwrap_or(self.rest.len());
            self.advance(length);
            if self.rest.starts_with('#') {
                let length = self.rest.find('\n').unwrap_or(self.rest.len());
                self.advance(length);
            } else if self.rest.starts_with("/*") {
                self.bracket_comment();
            } else {
                return;
            }
        }
    }

    fn bracket_comment(&mut self) {
        match self.rest[2..].find("*/") {
            Some(length) => self.advance(length + 4),
            None => {
                let place = self.place;
                self.problem(place, "this comment has no end", Some("end it with */"));
                self.advance(self.rest.len());
            }
        }
    }

    fn identifier(&mut self) -> &'a str {
        let ends = |c: char| !(c.is_ascii_alphanumeric() || c == '_');
        let length = self.rest.find(ends).unwrap_or(self.rest.len());
        let word = &self.rest[..length];
        self.advance(length);
        word
    }

    fn tag(&mut self) -> Option<Kind> {
        let place = self.place;
        self.advance(1);
        if self
            .rest
            .starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        {
            return Some(Kind::Tag(self.identifier().to_owned()));
        }
        self.problem(place, "a colon must begin a tag such as :is", None);
        None
    }

    /// Digits and a unit (RFC 5228 §2.4.1).
    fn number(&mut self) -> u64 {
        let place = self.place;
        let length = self
            .rest
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(self.rest.len());
        let digits = &self.rest[..length];
        self.advance(length);
        let shift = self.unit();
        let value = digits
            .parse::<u64>()
            .ok()
            .and_then(|n| n.checked_mul(1 << shift));
        value.filter(|n| *n <= i64::MAX as u64).unwrap_or_else(|| {
            self.problem(place, "this number is too large", None);
            0
        })
    }

    fn unit(&mut self) -> u32 {
        let place = self.place;
        match self.identifier() {
            "" => 0,
            "k" | "K" => 10,
            "m" | "M" => 20,
            "g" | "G" => 30,
            unit => {
                let what = format!("`{unit}` is no unit of a number");
                self.problem(place, what, Some("units are K, M and G"));
                0
            }
        }
    }

    /// An identifier, or `text:` and what follows.
    fn word(&mut self) -> Kind {
        let word = self.identifier();
        if word.eq_ignore_ascii_case("text") && self.rest.starts_with(':') {
            self.advance(1);
            return Kind::String(self.multi_line());
        }
        Kind::Identifier(word.to_owned())
    }

    /// RFC 5228 §2.4.2: a backslash stands before a quote or a backslash; before anything else it is dropped.
    fn quoted(&mut self) -> String {
        let place = self.place;
        let mut text = String::new();
        let mut escaped = false;
        for (i, c) in self.rest.char_indices().skip(1) {
            match c {
                _ if escaped => {
                    text.push(c);
                    escaped = false;
                }
                '\\' => escaped = true,
                '"' => {
                    self.advance(i + 1);
                    return text;
                }
                _ => text.push(c),
            }
        }
        self.problem(place, "this string has no end", Some("a \" is missing"));
        self.advance(self.rest.len());
        text
    }

    /// Lines up to one with a single dot; a dot that begins a line is doubled (RFC 5228 §2.4.2).
    fn multi_line(&mut self) -> String {
        let place = self.place;
        self.end_of_text_line();
        let mut text = String::new();
        while !self.rest.is_empty() {
            let length = self.rest.find('\n').map_or(self.rest.len(), |end| end + 1);
            let line = &self.rest[..length];
            self.advance(length);
            if line.trim_end_matches(['\r', '\n']) == "." {
                return text;
            }
            let line = if line.starts_with("..") {
                &line[1..]
            } else {
                line
            };
            text.push_str(line);
        }
        self.problem(
            place,
            "this text has no end",
            Some("end it with a line that holds a dot only"),
        );
        text
    }

    /// Behind `text:` there may be blanks and a comment.
    fn end_of_text_line(&mut self) {
        let length = self.rest.find('\n').map_or(self.rest.len(), |end| end + 1);
        let line = self.rest[..length].trim();
        if !line.is_empty() && !line.starts_with('#') {
            let place = self.place;
            self.problem(place, "the text begins on the line behind `text:`", None);
        }
        self.advance(length);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(source: &str) -> Vec<Kind> {
        let mut lexer = Lexer::new(source);
        let mut kinds = Vec::new();
        loop {
            match lexer.next().kind {
                Kind::End => return kinds,
                kind => kinds.push(kind),
            }
        }
    }

    #[test]
    fn rfc5228_section_2_4_1_numbers() {
        assert_eq!(
            kinds("1 2K 3m 1G"),
            [
                Kind::Number(1),
                Kind::Number(2048),
                Kind::Number(3 << 20),
                Kind::Number(1 << 30)
            ]
        );
        let mut lexer = Lexer::new("99999999999999999999 1X");
        let _ = (lexer.next(), lexer.next());
        assert_eq!(lexer.problems.len(), 2);
    }

    #[test]
    fn rfc5228_section_2_4_2_strings() {
        assert_eq!(kinds(r#""a\"b\\c\d""#), [Kind::String(r#"a"b\cd"#.into())]);
        assert_eq!(
            kinds("text: # why\r\n..x\r\n.y\r\n.\r\n;"),
            [Kind::String(".x\r\n.y\r\n".into()), Kind::Mark(';')]
        );
    }

    #[test]
    fn places_count_characters() {
        let mut lexer = Lexer::new("ä \n /* ö\n */ keep");
        let token = lexer.next();
        assert_eq!(token.kind, Kind::Identifier("keep".into()));
        assert_eq!(token.place, Place { line: 3, column: 5 });
        assert_eq!(lexer.problems[0].place, Place { line: 1, column: 1 });
    }
}
