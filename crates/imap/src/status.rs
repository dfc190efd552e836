//! What STATUS can be asked for (RFC 3501 §6.3.10, RFC 7162 §3.1.7, RFC 7889, RFC 8438, RFC 8474 §4.3, RFC 9208 §4.1.4).

/// An item of STATUS.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum StatusItem {
    /// Messages.
    Messages,
    /// Messages with `\Recent`.
    Recent,
    /// The next UID.
    UidNext,
    /// UIDVALIDITY.
    UidValidity,
    /// Messages without `\Seen`.
    Unseen,
    /// Messages with `\Deleted`.
    Deleted,
    /// Sum of all message sizes.
    Size,
    /// Highest MODSEQ.
    HighestModSeq,
    /// Largest message APPEND takes.
    AppendLimit,
    /// Octets that expunging would free.
    DeletedStorage,
    /// The mailbox's id, which stays when it is renamed.
    MailboxId,
}

impl StatusItem {
    /// Every item.
    pub const ALL: [StatusItem; 11] = [
        StatusItem::Messages,
        StatusItem::Recent,
        StatusItem::UidNext,
        StatusItem::UidValidity,
        StatusItem::Unseen,
        StatusItem::Deleted,
        StatusItem::Size,
        StatusItem::HighestModSeq,
        StatusItem::AppendLimit,
        StatusItem::DeletedStorage,
        StatusItem::MailboxId,
    ];

    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            StatusItem::Messages => "MESSAGES",
            StatusItem::Recent => "RECENT",
            StatusItem::UidNext => "UIDNEXT",
            StatusItem::UidValidity => "UIDVALIDITY",
            StatusItem::Unseen => "UNSEEN",
            StatusItem::Deleted => "DELETED",
            StatusItem::Size => "SIZE",
            StatusItem::HighestModSeq => "HIGHESTMODSEQ",
            StatusItem::AppendLimit => "APPENDLIMIT",
            StatusItem::DeletedStorage => "DELETED-STORAGE",
            StatusItem::MailboxId => "MAILBOXID",
        }
    }

    /// The item of this name, in any case.
    pub fn named(name: &str) -> Option<StatusItem> {
        StatusItem::ALL
            .into_iter()
            .find(|item| item.as_str().eq_ignore_ascii_case(name))
    }
}
