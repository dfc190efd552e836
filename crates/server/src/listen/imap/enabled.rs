//! What a client has enabled (RFC 5161): it changes how this session answers, until it ends or the client logs out of its account.

use imap::mailbox::Names;

/// The extensions that are enabled.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Enabled {
    /// IMAP4rev2 (RFC 9051): ESEARCH in place of SEARCH, LIST in the answer to SELECT, no RECENT.
    pub(super) rev2: bool,
    /// QRESYNC (RFC 7162 §3.2): VANISHED in place of EXPUNGE.
    pub(super) qresync: bool,
    /// UIDONLY (RFC 9586): messages have no numbers.
    pub(super) uidonly: bool,
    /// UTF8=ACCEPT (RFC 6855).
    pub(super) utf8: bool,
}

impl Enabled {
    /// How mailbox names travel.
    pub(super) fn names(self) -> Names {
        match self.rev2 || self.utf8 {
            true => Names::Utf8,
            false => Names::ModifiedUtf7,
        }
    }
}
