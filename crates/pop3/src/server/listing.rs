//! LIST and UIDL (RFC 1939 §5, §7): of one message at once, of all in pieces, so that a long list waits for a slow client in its maildrop
//! and not in the output.

use super::{FLUSH, Session, State};
use crate::command::Number;
use crate::maildrop::{Listed, Maildrop};
use std::io::Write as _;

/// What of the messages is listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    Sizes,
    UniqueIds,
}

/// A list that is being written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Listing {
    what: What,
    /// The first message that is not written yet.
    next: Number,
}

impl Session {
    pub(super) fn list(&mut self, what: What, number: Option<Number>) {
        let State::Transaction(maildrop) = &self.state else {
            return;
        };
        match number {
            None => {
                let (count, octets) = maildrop.stat();
                self.ok(&format!("{count} messages ({octets} octets)"));
                let next = Number::MIN;
                self.listing = Some(Listing { what, next });
            }
            Some(number) => match maildrop.message(number) {
                Some(message) => {
                    self.output.extend_from_slice(b"+OK ");
                    line(&mut self.output, maildrop, what, (number, message));
                }
                None => self.wrong("There is no such message."),
            },
        }
    }

    /// Writes another piece of a list; false if there is none.
    pub(super) fn goes_on_listing(&mut self) -> bool {
        let (Some(listing), State::Transaction(maildrop)) = (&mut self.listing, &self.state) else {
            self.listing = None;
            return false;
        };
        while self.output.len() < FLUSH {
            let Some((number, message)) = maildrop.from(listing.next) else {
                self.output.extend_from_slice(b".\r\n");
                self.listing = None;
                return true;
            };
            line(&mut self.output, maildrop, listing.what, (number, message));
            listing.next = number.saturating_add(1);
        }
        true
    }
}

fn line(out: &mut Vec<u8>, maildrop: &Maildrop, what: What, (number, message): (Number, Listed)) {
    // Writing to memory does not fail.
    let _ = match what {
        What::Sizes => write!(out, "{number} {}\r\n", message.size),
        What::UniqueIds => write!(out, "{number} {}\r\n", maildrop.unique_id(message)),
    };
}
