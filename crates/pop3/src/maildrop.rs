//! The messages of a session (RFC 1939 §4, §5): numbered from 1 as they were when it began, whatever happens to them meanwhile, and the
//! marks of DELE, which mean something only at QUIT.

use crate::command::Number;

/// A message as it was when the session began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its UID, as IMAP knows it.
    pub uid: u32,
    /// Its octets.
    pub size: u32,
}

/// The messages of a session.
#[derive(Clone, Debug, Default)]
pub struct Maildrop {
    validity: u32,
    messages: Vec<Listed>,
    /// One mark for each message.
    deleted: Vec<bool>,
    /// Messages without a mark, and their octets.
    left: (u32, u64),
}

impl Maildrop {
    /// The messages of a mailbox in the order of their UIDs, with its UIDVALIDITY.
    pub fn new(validity: u32, messages: Vec<Listed>) -> Maildrop {
        let mut maildrop = Maildrop {
            validity,
            deleted: vec![false; messages.len()],
            messages,
            left: (0, 0),
        };
        maildrop.reset();
        maildrop
    }

    /// How many messages there are without a mark, and how many octets they have.
    pub fn stat(&self) -> (u32, u64) {
        self.left
    }

    /// The message of this number, if it has no mark.
    pub fn message(&self, number: Number) -> Option<Listed> {
        let at = self.place(number)?;
        match self.deleted[at] {
            true => None,
            false => self.messages.get(at).copied(),
        }
    }

    /// The first message without a mark whose number is at least this.
    pub fn from(&self, number: Number) -> Option<(Number, Listed)> {
        let first = usize::try_from(number.get()).ok()? - 1;
        let rest = self.deleted.get(first..)?;
        let at = first + rest.iter().position(|deleted| !deleted)?;
        let number = Number::new(u32::try_from(at + 1).ok()?)?;
        Some((number, self.messages[at]))
    }

    /// The name that a message has in every session (RFC 1939 §7, UIDL): made of UIDVALIDITY and UID, so that it is the same for as
    /// long as IMAP clients know the message by the same UID.
    pub fn unique_id(&self, message: Listed) -> String {
        format!("{:08x}{:08x}", self.validity, message.uid)
    }

    /// Marks a message; false if it has a mark or is not there.
    pub fn delete(&mut self, number: Number) -> bool {
        let Some(message) = self.message(number) else {
            return false;
        };
        if let Some(at) = self.place(number) {
            self.deleted[at] = true;
        }
        self.left.0 -= 1;
        self.left.1 -= u64::from(message.size);
        true
    }

    /// Takes all marks away.
    pub fn reset(&mut self) {
        self.deleted.fill(false);
        let octets = self.messages.iter().map(|message| u64::from(message.size));
        let count = u32::try_from(self.messages.len()).unwrap_or(u32::MAX);
        self.left = (count, octets.sum());
    }

    /// UIDs of the messages with a mark, ascending.
    pub fn deleted(&self) -> Vec<u32> {
        let all = self.messages.iter().zip(&self.deleted);
        all.filter(|(_, deleted)| **deleted)
            .map(|(message, _)| message.uid)
            .collect()
    }

    fn place(&self, number: Number) -> Option<usize> {
        let at = usize::try_from(number.get()).ok()? - 1;
        (at < self.messages.len()).then_some(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn n(number: u32) -> Number {
        Number::new(number).unwrap()
    }

    #[test]
    fn marks_come_and_go() {
        let listed = |uid, size| Listed { uid, size };
        let mut drop = Maildrop::new(0x1234, vec![listed(3, 10), listed(7, 20), listed(8, 30)]);
        assert_eq!(drop.stat(), (3, 60));
        assert!(drop.delete(n(2)) && !drop.delete(n(2)) && !drop.delete(n(4)));
        assert_eq!((drop.stat(), drop.deleted()), ((2, 40), vec![7]));
        assert_eq!(drop.message(n(2)), None);
        assert_eq!(drop.from(n(2)), Some((n(3), listed(8, 30))));
        assert_eq!(drop.from(n(4)), None);
        assert_eq!(drop.unique_id(listed(8, 30)), "0000123400000008");
        drop.reset();
        assert_eq!((drop.stat(), drop.deleted()), ((3, 60), vec![]));
        assert_eq!(Maildrop::default().stat(), (0, 0));
    }
}
