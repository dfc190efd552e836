//! Rights in a mailbox as RFC 4314 §2.1 letters them.

use crate::{Error, Result};
use std::fmt;

/// A set of rights.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Hash)]
pub struct Rights(u16);

/// The letters, in the order in which they are written; a right's bit is its place here.
const LETTERS: [u8; 11] = *b"lrswipkxtea";

impl Rights {
    /// No right at all.
    pub const NONE: Rights = Rights(0);
    /// `l`: the name is listed.
    pub const LOOKUP: Rights = Rights(1);
    /// `r`: messages are read.
    pub const READ: Rights = Rights(1 << 1);
    /// `s`: `\Seen` is kept.
    pub const SEEN: Rights = Rights(1 << 2);
    /// `w`: flags other than `\Seen` and `\Deleted` are changed.
    pub const WRITE: Rights = Rights(1 << 3);
    /// `i`: messages are put in.
    pub const INSERT: Rights = Rights(1 << 4);
    /// `p`: mail is sent to the mailbox's address.
    pub const POST: Rights = Rights(1 << 5);
    /// `k`: mailboxes are made below.
    pub const CREATE: Rights = Rights(1 << 6);
    /// `x`: the mailbox is deleted or renamed.
    pub const DELETE_MAILBOX: Rights = Rights(1 << 7);
    /// `t`: `\Deleted` is changed.
    pub const DELETE_MESSAGES: Rights = Rights(1 << 8);
    /// `e`: messages are expunged.
    pub const EXPUNGE: Rights = Rights(1 << 9);
    /// `a`: rights are given and taken.
    pub const ADMINISTER: Rights = Rights(1 << 10);
    /// Every right: what the owner has.
    pub const ALL: Rights = Rights((1 << LETTERS.len()) - 1);

    /// From letters in any order. The obsolete `c` means `kx` and `d` means `te` (RFC 4314 §2.1.1).
    /// [`Error::Refused`] names a letter that is no right.
    pub fn parse(letters: &str) -> Result<Rights> {
        letters.bytes().try_fold(Rights::NONE, |rights, letter| {
            Ok(rights.with(right(letter)?))
        })
    }

    /// Are all of `other` among these?
    pub fn contains(self, other: Rights) -> bool {
        self.0 & other.0 == other.0
    }

    /// Is one of `other` among these?
    pub fn has_any(self, other: Rights) -> bool {
        self.0 & other.0 != 0
    }

    /// Both sets together.
    pub fn with(self, other: Rights) -> Rights {
        Rights(self.0 | other.0)
    }

    /// These without `other`.
    pub fn without(self, other: Rights) -> Rights {
        Rights(self.0 & !other.0)
    }

    /// Is there none?
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The letters for clients of RFC 2086 too: with `c` where one of `kx` is there, and `d` where one of `te` is (RFC 4314 §2.1.1).
    pub fn with_obsolete(self) -> String {
        let mut letters = self.to_string();
        if self.has_any(Rights::CREATE.with(Rights::DELETE_MAILBOX)) {
            letters.push('c');
        }
        if self.has_any(Rights::DELETE_MESSAGES.with(Rights::EXPUNGE)) {
            letters.push('d');
        }
        letters
    }

    /// Its number in the database.
    pub(super) fn number(self) -> i64 {
        self.0.into()
    }

    pub(super) fn from_number(number: i64) -> Result<Rights> {
        match u16::try_from(number) {
            Ok(bits) if bits & !Rights::ALL.0 == 0 => Ok(Rights(bits)),
            _ => Err(Error::Corrupt(format!(
                "a mailbox gives the rights {number}"
            ))),
        }
    }
}

fn right(letter: u8) -> Result<Rights> {
    match letter {
        b'c' => return Ok(Rights::CREATE.with(Rights::DELETE_MAILBOX)),
        b'd' => return Ok(Rights::DELETE_MESSAGES.with(Rights::EXPUNGE)),
        _ => {}
    }
    let at = LETTERS.iter().position(|known| *known == letter);
    at.map(|at| Rights(1 << at)).ok_or_else(|| {
        Error::Refused(format!(
            "“{}” is not a right: the rights are lrswipkxtea",
            char::from(letter).escape_debug()
        ))
    })
}

impl fmt::Display for Rights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let present = LETTERS.iter().enumerate();
        let present = present.filter(|(at, _)| self.0 & (1 << at) != 0);
        let letters: String = present.map(|(_, letter)| char::from(*letter)).collect();
        f.write_str(&letters)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_and_back() {
        let some = Rights::parse("rltx").unwrap();
        assert_eq!(some.to_string(), "lrxt");
        assert_eq!(some.with_obsolete(), "lrxtcd");
        assert_eq!(Rights::ALL.to_string(), "lrswipkxtea");
        assert_eq!(Rights::from_number(some.number()), Ok(some));
        assert!(Rights::from_number(1 << 11).is_err());
        assert!(matches!(Rights::parse("lz"), Err(Error::Refused(_))));
    }

    /// RFC 4314 §2.1.1
    #[test]
    fn obsolete_rights_are_unions() {
        assert_eq!(Rights::parse("c"), Rights::parse("kx"));
        assert_eq!(Rights::parse("d"), Rights::parse("te"));
    }
}
