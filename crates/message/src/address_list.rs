//! Address lists of header fields: From, To and their like (RFC 5322 §3.4, §4.4; groups, comments, routes).
//!
//! Tolerant: every octet sequence yields some list, and text that is no address is kept as a name, so that nothing a sender
//! wrote is hidden. Encoded words and 8-bit octets stay as they are.

use crate::{Address, charset, content};

/// One element of a list, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// A mailbox.
    Mailbox(Mailbox),
    /// A group begins; its display name.
    GroupStart(Vec<u8>),
    /// The group ends.
    GroupEnd,
}

/// A mailbox as written, quotes and comments removed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mailbox {
    /// Display name, or the comment in its place; may be empty.
    pub name: Vec<u8>,
    /// Obsolete source route `@a,@b`; may be empty.
    pub route: Vec<u8>,
    /// Local part; empty if there is none.
    pub local: Vec<u8>,
    /// Domain; empty if there is none.
    pub domain: Vec<u8>,
}

impl Mailbox {
    /// The address, if it is one that an envelope could have.
    pub fn address(&self) -> Option<Address> {
        let quoted = charset::guess(&self.local)
            .replace('\\', "\\\\")
            .replace('"', "\\\"");
        Address::parse(&format!("\"{quoted}\"@{}", charset::guess(&self.domain))).ok()
    }
}

/// Reads an address list from a (folded) field value.
pub fn parse(value: &[u8]) -> Vec<Item> {
    let mut reader = Reader {
        rest: value,
        items: Vec::new(),
        in_group: false,
        words: Vec::new(),
        comment: Vec::new(),
        mailbox: None,
    };
    while reader.step() {}
    reader.end_mailbox();
    reader.end_group();
    reader.items
}

/// The mailboxes of a value, those in groups included.
pub fn mailboxes(value: &[u8]) -> Vec<Mailbox> {
    let mailbox = |item| match item {
        Item::Mailbox(mailbox) => Some(mailbox),
        Item::GroupStart(_) | Item::GroupEnd => None,
    };
    parse(value).into_iter().filter_map(mailbox).collect()
}

/// A word of a phrase or local part; `glued`: no blank stood before it.
struct Word {
    text: Vec<u8>,
    glued: bool,
    quoted: bool,
}

struct Reader<'a> {
    rest: &'a [u8],
    items: Vec<Item>,
    in_group: bool,
    /// Words since the last separator.
    words: Vec<Word>,
    /// The last comment since the last separator.
    comment: Vec<u8>,
    /// The address, once `@` or `<…>` was seen.
    mailbox: Option<Mailbox>,
}

const SPECIALS: &[u8] = b"()<>[]:;@\\,\"";

impl Reader<'_> {
    /// Reads one token; false at the end.
    fn step(&mut self) -> bool {
        let before = self.rest.len();
        self.rest = self.rest.trim_ascii_start();
        let glued = before == self.rest.len();
        let Some(&octet) = self.rest.first() else {
            return false;
        };
        match octet {
            b'(' => self.comment = self.take_comment(),
            b'"' => self.word(glued, true),
            b'<' => self.angle(),
            b'@' => self.bare_domain(),
            b',' => self.separator(),
            b':' => self.group_start(),
            b';' => {
                self.separator();
                self.end_group();
            }
            b'[' | b']' | b'>' | b')' | b'\\' => self.stray(glued),
            _ => self.word(glued, false),
        }
        true
    }

    fn take_comment(&mut self) -> Vec<u8> {
        let (comment, rest) = self.rest.split_at(content::comment_length(self.rest));
        self.rest = rest;
        let inner = comment.strip_prefix(b"(").unwrap_or(comment);
        let inner = inner.strip_suffix(b")").unwrap_or(inner);
        without_backslashes(&crate::header::unfold(inner))
    }

    fn word(&mut self, glued: bool, quoted: bool) {
        let text = if quoted { self.quoted() } else { self.atom() };
        self.words.push(Word {
            text,
            glued,
            quoted,
        });
    }

    /// A character that has no meaning here stays part of the text.
    fn stray(&mut self, glued: bool) {
        let (first, rest) = self.rest.split_at(1);
        self.rest = rest;
        self.words.push(Word {
            text: first.to_vec(),
            glued,
            quoted: false,
        });
    }

    fn atom(&mut self) -> Vec<u8> {
        let ends = |o: &u8| o.is_ascii_whitespace() || SPECIALS.contains(o);
        let length = self.rest.iter().position(ends).unwrap_or(self.rest.len());
        let (atom, rest) = self.rest.split_at(length);
        self.rest = rest;
        atom.to_vec()
    }

    /// A quoted string without its quotes and backslashes.
    fn quoted(&mut self) -> Vec<u8> {
        let mut text = Vec::new();
        self.rest = &self.rest[1..];
        while let Some((&octet, rest)) = self.rest.split_first() {
            self.rest = rest;
            match octet {
                b'"' => break,
                b'\\' => text.extend(self.rest.split_off_first()),
                b'\r' | b'\n' => {}
                octet => text.push(octet),
            }
        }
        text
    }

    /// `<@route:local@domain>`; a missing `>` ends with the line or the next separator.
    fn angle(&mut self) {
        self.rest = &self.rest[1..];
        let end = self.angle_end();
        let (inner, rest) = self.rest.split_at(end);
        self.rest = rest.strip_prefix(b">").unwrap_or(rest);
        let mut inner_reader = Reader {
            rest: inner,
            items: Vec::new(),
            in_group: false,
            words: Vec::new(),
            comment: Vec::new(),
            mailbox: None,
        };
        let route = inner_reader.route();
        while inner_reader.step_in_angle() {}
        inner_reader.end_mailbox();
        let mut mailbox = match inner_reader.items.pop() {
            Some(Item::Mailbox(mailbox)) => mailbox,
            _ => Mailbox::default(),
        };
        if mailbox.local.is_empty() && mailbox.domain.is_empty() {
            mailbox.local = std::mem::take(&mut mailbox.name);
        }
        mailbox.route = route;
        mailbox.name = phrase(&std::mem::take(&mut self.words));
        self.mailbox.get_or_insert(mailbox);
    }

    /// Where the angle address ends: at `>` outside quotes.
    fn angle_end(&self) -> usize {
        let (mut quoted, mut i) = (false, 0);
        while i < self.rest.len() {
            match self.rest[i] {
                b'\\' if quoted => i += 1,
                b'"' => quoted = !quoted,
                b'>' if !quoted => return i,
                _ => {}
            }
            i += 1;
        }
        let separator = |o: &u8| *o == b',' || *o == b';';
        self.rest
            .iter()
            .position(separator)
            .unwrap_or(self.rest.len())
    }

    /// Inside angles there are only words, comments and `@`.
    fn step_in_angle(&mut self) -> bool {
        match self.rest.trim_ascii_start().first() {
            Some(b',' | b':' | b';' | b'<') => {
                self.rest = &self.rest.trim_ascii_start()[1..];
                true
            }
            _ => self.step(),
        }
    }

    /// RFC 5322 §4.4 `obs-route`, without its colon.
    fn route(&mut self) -> Vec<u8> {
        let text = self.rest.trim_ascii_start();
        if !text.starts_with(b"@") {
            return Vec::new();
        }
        let Some(colon) = memchr::memchr(b':', text) else {
            return Vec::new();
        };
        let route = text[..colon]
            .iter()
            .copied()
            .filter(|o| !o.is_ascii_whitespace());
        let route = route.collect();
        self.rest = &text[colon + 1..];
        route
    }

    /// `@domain` after the words of the local part.
    fn bare_domain(&mut self) {
        self.rest = &self.rest[1..];
        let domain = self.domain();
        let (name, local) = split_local(std::mem::take(&mut self.words));
        match &mut self.mailbox {
            Some(mailbox) => {
                // `a@b@c`: the last `@` divides, as in an envelope.
                mailbox.local.push(b'@');
                mailbox
                    .local
                    .extend(std::mem::replace(&mut mailbox.domain, domain));
            }
            None => {
                self.mailbox = Some(Mailbox {
                    name: phrase(&name),
                    route: Vec::new(),
                    local,
                    domain,
                });
            }
        }
    }

    /// Atoms joined by dots, or a literal; comments and blanks around dots are dropped (RFC 5322 §4.4 `obs-domain`).
    fn domain(&mut self) -> Vec<u8> {
        let mut domain = Vec::new();
        loop {
            self.rest = self.rest.trim_ascii_start();
            match self.rest.first() {
                Some(b'(') => self.comment = self.take_comment(),
                Some(b'[') if domain.is_empty() => return self.literal(),
                Some(o) if SPECIALS.contains(o) => return domain,
                Some(b'.') => domain.extend(self.atom()),
                Some(_) if domain.is_empty() || domain.ends_with(b".") => {
                    domain.extend(self.atom())
                }
                _ => return domain,
            }
        }
    }

    fn literal(&mut self) -> Vec<u8> {
        let length = memchr::memchr(b']', self.rest).map_or(self.rest.len(), |end| end + 1);
        let (literal, rest) = self.rest.split_at(length);
        self.rest = rest;
        let blank = |o: &u8| !o.is_ascii_whitespace();
        literal.iter().copied().filter(blank).collect()
    }

    fn separator(&mut self) {
        self.rest = &self.rest[1..];
        self.end_mailbox();
    }

    fn group_start(&mut self) {
        self.rest = &self.rest[1..];
        self.end_group();
        self.items
            .push(Item::GroupStart(phrase(&std::mem::take(&mut self.words))));
        self.comment.clear();
        self.mailbox = None;
        self.in_group = true;
    }

    fn end_group(&mut self) {
        if std::mem::take(&mut self.in_group) {
            self.items.push(Item::GroupEnd);
        }
    }

    /// Adds what was read since the last separator, if it is anything.
    fn end_mailbox(&mut self) {
        let words = std::mem::take(&mut self.words);
        let comment = std::mem::take(&mut self.comment);
        let mut mailbox = match self.mailbox.take() {
            Some(mailbox) => mailbox,
            None if words.is_empty() => return,
            None => without_at(words),
        };
        if mailbox.name.is_empty() {
            mailbox.name = comment;
        }
        self.items.push(Item::Mailbox(mailbox));
    }
}

/// One word without `@` is a local part (`root`), several are a name.
fn without_at(mut words: Vec<Word>) -> Mailbox {
    let mut mailbox = Mailbox::default();
    match words.as_mut_slice() {
        [word] if !word.quoted => mailbox.local = std::mem::take(&mut word.text),
        words => mailbox.name = phrase(words),
    }
    mailbox
}

/// Divides the words before an `@`: the last, with all that dots tie to it, is the local part.
fn split_local(mut words: Vec<Word>) -> (Vec<Word>, Vec<u8>) {
    let mut start = words.len().saturating_sub(1);
    while start > 0 && tied(&words[start - 1], &words[start]) {
        start -= 1;
    }
    let local = words.drain(start..).flat_map(|word| word.text).collect();
    (words, local)
}

fn tied(left: &Word, right: &Word) -> bool {
    right.glued
        || left.text.ends_with(b".") && !left.quoted
        || right.text.starts_with(b".") && !right.quoted
}

/// Words with one blank between them, or none where none stood.
fn phrase(words: &[Word]) -> Vec<u8> {
    let mut text = Vec::new();
    for word in words {
        if !text.is_empty() && !word.glued {
            text.push(b' ');
        }
        text.extend_from_slice(&word.text);
    }
    text
}

fn without_backslashes(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut octets = text.iter();
    while let Some(&octet) = octets.next() {
        match octet {
            b'\\' => out.extend(octets.next()),
            octet => out.push(octet),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// `name|route|local|domain`, groups as `name:` and `;`.
    fn read(value: &str) -> Vec<String> {
        let text = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
        parse(value.as_bytes())
            .into_iter()
            .map(|item| match item {
                Item::GroupStart(name) => format!("{}:", text(&name)),
                Item::GroupEnd => ";".into(),
                Item::Mailbox(m) => format!(
                    "{}|{}|{}|{}",
                    text(&m.name),
                    text(&m.route),
                    text(&m.local),
                    text(&m.domain)
                ),
            })
            .collect()
    }

    #[test]
    fn rfc5322_appendix_a_1_2() {
        assert_eq!(
            read("\"Joe Q. Public\" <john.q.public@example.com>"),
            ["Joe Q. Public||john.q.public|example.com"]
        );
        assert_eq!(
            read("Mary Smith <mary@x.test>, jdoe@example.org, Who? <one@y.test>"),
            [
                "Mary Smith||mary|x.test",
                "||jdoe|example.org",
                "Who?||one|y.test"
            ]
        );
        assert_eq!(
            read("<boss@nil.test>, \"Giant; \\\"Big\\\" Box\" <sysservices@example.net>"),
            [
                "||boss|nil.test",
                "Giant; \"Big\" Box||sysservices|example.net"
            ]
        );
    }

    #[test]
    fn rfc5322_appendix_a_1_3_groups() {
        assert_eq!(
            read("A Group:Ed Jones <c@a.test>,joe@where.test,John <jdoe@one.test>;"),
            [
                "A Group:",
                "Ed Jones||c|a.test",
                "||joe|where.test",
                "John||jdoe|one.test",
                ";"
            ]
        );
        assert_eq!(
            read("Undisclosed recipients:;"),
            ["Undisclosed recipients:", ";"]
        );
    }

    #[test]
    fn rfc5322_appendix_a_5_comments() {
        assert_eq!(
            read("Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>"),
            ["Pete||pete|silly.test"]
        );
        assert_eq!(
            read(
                "A Group(Some people)\r\n :Chris Jones <c@(Chris's host.)public.example>,\r\n joe@example.org,\r\n John <jdoe@one.test> (my dear friend); (the end of the group)"
            ),
            [
                "A Group:",
                "Chris Jones||c|public.example",
                "||joe|example.org",
                "John||jdoe|one.test",
                ";"
            ]
        );
        assert_eq!(
            read("(Empty list)(start)Hidden recipients  :(nobody(that I know))  ;"),
            ["Hidden recipients:", ";"]
        );
    }

    #[test]
    fn rfc5322_appendix_a_6_obsolete() {
        assert_eq!(
            read("Joe Q. Public <john.q.public@example.com>"),
            ["Joe Q. Public||john.q.public|example.com"]
        );
        assert_eq!(
            read("Mary Smith <@node.test:mary@example.net>, , jdoe@test  . example"),
            [
                "Mary Smith|@node.test|mary|example.net",
                "||jdoe|test.example"
            ]
        );
        assert_eq!(
            read("john . doe @ example . org (John)"),
            ["John||john.doe|example.org"]
        );
    }

    #[test]
    fn careless_writers() {
        assert_eq!(read("root"), ["||root|"]);
        assert_eq!(read("Foo Bar"), ["Foo Bar|||"]);
        assert_eq!(read("Foo Bar foo@bar.test"), ["Foo Bar||foo|bar.test"]);
        assert_eq!(
            read("=?utf-8?q?a=2C_b?= <a@b>"),
            ["=?utf-8?q?a=2C_b?=||a|b"]
        );
        assert_eq!(read("a@b <c@d>"), ["||a|b"]);
        assert_eq!(read("\"a@b\" <c@d>"), ["a@b||c|d"]);
        assert_eq!(read("x <c@d"), ["x||c|d"]);
        assert_eq!(read("x <c@d, e@f"), ["x||c|d", "||e|f"]);
        assert_eq!(read("a@[192.0.2.1]"), ["||a|[192.0.2.1]"]);
        assert_eq!(read("\"very odd\"@b"), ["||very odd|b"]);
        assert_eq!(read("<>"), ["|||"]);
        assert_eq!(read(",,"), [""; 0]);
    }

    #[test]
    fn addresses_are_strict() {
        let first = |text: &str| mailboxes(text.as_bytes())[0].address();
        assert_eq!(first("A <\"a b\"@X.test>").unwrap().key(), "\"a b\"@x.test");
        assert_eq!(first("A <a@b@c>").unwrap().key(), "\"a@b\"@c");
        assert_eq!(first("root"), None);
    }

    proptest! {
        #[test]
        fn never_panics(value in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = parse(&value);
        }

        #[test]
        fn never_panics_near_the_grammar(value in "[ab@<>,:;\"\\\\(). \\[\\]]{0,30}") {
            let items = parse(value.as_bytes());
            let starts = items.iter().filter(|i| matches!(i, Item::GroupStart(_))).count();
            let ends = items.iter().filter(|i| matches!(i, Item::GroupEnd)).count();
            prop_assert_eq!(starts, ends);
        }
    }
}
