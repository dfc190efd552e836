//! A place in a command, and the basic forms of the grammar (RFC 3501 §9): atoms, numbers, strings, sets, names.

use super::Malformed;
use crate::mailbox::{MailboxName, NameError, Names};
use crate::sequence::{MAX_MEMBERS, Number, SequenceSet};
use std::num::NonZeroU32;

/// ATOM-CHAR: printable ASCII but for `atom-specials`.
pub(crate) fn is_atom_char(octet: u8) -> bool {
    matches!(octet, b'!'..=b'~')
        && !matches!(
            octet,
            b'(' | b')' | b'{' | b'%' | b'*' | b'"' | b'\\' | b']'
        )
}

/// ASTRING-CHAR: ATOM-CHAR or `]`.
pub(crate) fn is_astring_char(octet: u8) -> bool {
    is_atom_char(octet) || octet == b']'
}

/// A place in a command.
#[derive(Clone)]
pub(crate) struct Cursor<'a> {
    rest: &'a [u8],
    names: Names,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(octets: &'a [u8]) -> Cursor<'a> {
        Cursor::with_names(octets, Names::ModifiedUtf7)
    }

    /// The same for a client that writes mailbox names in this form.
    pub(crate) fn with_names(octets: &'a [u8], names: Names) -> Cursor<'a> {
        Cursor {
            rest: octets,
            names,
        }
    }

    pub(crate) fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }

    pub(crate) fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    /// Takes this octet if it is next.
    pub(crate) fn eat(&mut self, octet: u8) -> bool {
        let found = self.peek() == Some(octet);
        if found {
            self.rest = &self.rest[1..];
        }
        found
    }

    /// Takes this octet, which must be next.
    pub(crate) fn expect(&mut self, octet: u8, otherwise: &'static str) -> Result<(), Malformed> {
        self.eat(octet).then_some(()).ok_or(Malformed(otherwise))
    }

    pub(crate) fn space(&mut self) -> Result<(), Malformed> {
        self.expect(b' ', "A space and an argument are missing")
    }

    /// Takes what stands before the next `stop`, or everything.
    pub(crate) fn until(&mut self, stop: u8) -> &'a [u8] {
        self.take_while(|octet| octet != stop)
    }

    pub(crate) fn take_while(&mut self, belongs: impl Fn(u8) -> bool) -> &'a [u8] {
        let length = self
            .rest
            .iter()
            .take_while(|octet| belongs(**octet))
            .count();
        let (taken, rest) = self.rest.split_at(length);
        self.rest = rest;
        taken
    }

    /// A word of the grammar, in upper case: letters, digits, `.` and `-`.
    pub(crate) fn word(&mut self) -> String {
        let word = self.take_while(|o| o.is_ascii_alphanumeric() || matches!(o, b'.' | b'-'));
        ascii(word).to_ascii_uppercase()
    }

    pub(crate) fn atom(&mut self) -> Result<String, Malformed> {
        match self.take_while(is_atom_char) {
            [] => Err(Malformed("An atom is missing")),
            atom => Ok(ascii(atom)),
        }
    }

    pub(crate) fn number64(&mut self) -> Result<u64, Malformed> {
        let digits = ascii(self.take_while(|octet| octet.is_ascii_digit()));
        digits
            .parse()
            .map_err(|_| Malformed("A number is missing or too large"))
    }

    pub(crate) fn number(&mut self) -> Result<u32, Malformed> {
        let wide = self.number64()?;
        u32::try_from(wide).map_err(|_| Malformed("A number is too large"))
    }

    pub(crate) fn nonzero(&mut self) -> Result<NonZeroU32, Malformed> {
        NonZeroU32::new(self.number()?)
            .ok_or(Malformed("Zero is not a number of a message or part"))
    }

    /// A MODSEQ: at most 2^63 - 1 (RFC 7162 §7).
    pub(crate) fn modseq(&mut self) -> Result<u64, Malformed> {
        let value = self.number64()?;
        let valid = value <= i64::MAX as u64;
        valid
            .then_some(value)
            .ok_or(Malformed("A modification sequence is below 2^63"))
    }

    /// A quoted string or a literal.
    pub(crate) fn string(&mut self) -> Result<Vec<u8>, Malformed> {
        match self.peek() {
            Some(b'"') => self.quoted(),
            Some(b'{') => self.literal(),
            _ => Err(Malformed("A string is missing")),
        }
    }

    pub(crate) fn astring(&mut self) -> Result<Vec<u8>, Malformed> {
        self.atom_or_string(is_astring_char)
    }

    /// A mailbox pattern: an atom that may hold wildcards, or a string.
    pub(crate) fn list_mailbox(&mut self) -> Result<String, Malformed> {
        let wire = self.atom_or_string(|o| is_astring_char(o) || matches!(o, b'%' | b'*'))?;
        decode_name(&wire, self.names).map(|name| name.as_str().to_owned())
    }

    pub(crate) fn mailbox(&mut self) -> Result<MailboxName, Malformed> {
        decode_name(&self.astring()?, self.names)
    }

    /// An astring that is UTF-8.
    pub(crate) fn text(&mut self) -> Result<String, Malformed> {
        String::from_utf8(self.astring()?).map_err(|_| Malformed("A string is not UTF-8"))
    }

    /// A string that is UTF-8, or NIL.
    pub(crate) fn nil_or_text(&mut self) -> Result<Option<String>, Malformed> {
        if matches!(self.peek(), Some(b'"' | b'{')) {
            return self.text().map(Some);
        }
        match self.atom()?.eq_ignore_ascii_case("NIL") {
            true => Ok(None),
            false => Err(Malformed("A string or NIL is missing")),
        }
    }

    pub(crate) fn sequence_set(&mut self) -> Result<SequenceSet, Malformed> {
        if self.eat(b'$') {
            return Ok(SequenceSet::Saved);
        }
        let mut members = Vec::new();
        loop {
            let first = self.set_number()?;
            let last = if self.eat(b':') {
                self.set_number()?
            } else {
                first
            };
            members.push((first, last));
            if members.len() > MAX_MEMBERS {
                return Err(Malformed("The set has too many members"));
            }
            if !self.eat(b',') {
                return Ok(SequenceSet::Listed(members));
            }
        }
    }

    /// `(` elements with one space between them `)`; the list may be empty.
    pub(crate) fn list<T>(
        &mut self,
        mut element: impl FnMut(&mut Cursor<'a>) -> Result<T, Malformed>,
    ) -> Result<Vec<T>, Malformed> {
        self.expect(b'(', "A list in parentheses is missing")?;
        let mut elements = Vec::new();
        if self.eat(b')') {
            return Ok(elements);
        }
        loop {
            elements.push(element(self)?);
            if self.eat(b')') {
                return Ok(elements);
            }
            self.expect(b' ', "A list is not closed")?;
        }
    }

    fn atom_or_string(&mut self, belongs: impl Fn(u8) -> bool) -> Result<Vec<u8>, Malformed> {
        if matches!(self.peek(), Some(b'"' | b'{')) {
            return self.string();
        }
        match self.take_while(belongs) {
            [] => Err(Malformed(
                "An argument is missing or has a character that must be quoted",
            )),
            atom => Ok(atom.to_vec()),
        }
    }

    /// A number of a set, or `*`.
    pub(crate) fn set_number(&mut self) -> Result<Number, Malformed> {
        if self.eat(b'*') {
            return Ok(Number::Last);
        }
        self.nonzero().map(Number::At)
    }

    /// Octets above 127 are let through: some clients quote passwords in UTF-8, and what they mean is clear.
    fn quoted(&mut self) -> Result<Vec<u8>, Malformed> {
        self.expect(b'"', "A string is missing")?;
        let mut text = Vec::new();
        loop {
            text.extend_from_slice(
                self.take_while(|octet| !matches!(octet, b'"' | b'\\' | b'\r' | b'\n' | 0)),
            );
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => text.push(self.escaped()?),
                Some(0) => return Err(Malformed("A string holds a NUL")),
                _ => return Err(Malformed("A quoted string is not closed")),
            }
        }
        self.expect(b'"', "A quoted string is not closed")?;
        Ok(text)
    }

    fn escaped(&mut self) -> Result<u8, Malformed> {
        self.expect(b'\\', "A backslash is missing")?;
        match self.peek() {
            Some(octet @ (b'"' | b'\\')) => {
                self.eat(octet);
                Ok(octet)
            }
            _ => Err(Malformed(
                "Only \" and \\ may follow a backslash in a quoted string",
            )),
        }
    }

    fn literal(&mut self) -> Result<Vec<u8>, Malformed> {
        const WRONG: &str = "A literal is not well-formed";
        self.expect(b'{', WRONG)?;
        let size = usize::try_from(self.number64()?).map_err(|_| Malformed(WRONG))?;
        // RFC 7888: `{n+}`.
        self.eat(b'+');
        self.expect(b'}', WRONG)?;
        self.eat(b'\r');
        self.expect(b'\n', WRONG)?;
        let Some((octets, rest)) = self.rest.split_at_checked(size) else {
            return Err(Malformed(WRONG));
        };
        self.rest = rest;
        match octets.contains(&0) {
            true => Err(Malformed("A literal holds a NUL")),
            false => Ok(octets.to_vec()),
        }
    }
}

fn decode_name(wire: &[u8], names: Names) -> Result<MailboxName, Malformed> {
    MailboxName::from_wire(wire, names).map_err(|error| match (error, names) {
        (NameError::Encoding, Names::Utf8) => Malformed("The mailbox name is not valid UTF-8"),
        (NameError::Encoding, _) => Malformed("The mailbox name is not valid modified UTF-7"),
        (NameError::TooLong, _) => Malformed("The mailbox name is too long"),
    })
}

/// Octets that are known to be ASCII, as text.
fn ascii(octets: &[u8]) -> String {
    octets.iter().map(|octet| char::from(*octet)).collect()
}
