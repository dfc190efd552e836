//! What LIST can be asked (RFC 3501 §6.3.8, RFC 5258 LIST-EXTENDED, RFC 5819 LIST-STATUS, RFC 6154 SPECIAL-USE).

use crate::metadata::EntryName;
use crate::status::StatusItem;

/// A LIST command.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct List {
    /// Which mailboxes qualify, besides the patterns.
    pub select: Selection,
    /// Reference name, decoded.
    pub reference: String,
    /// Patterns, decoded; never empty.
    pub patterns: Vec<String>,
    /// What to tell of each.
    pub tell: Return,
    /// Neither selection options, nor several patterns, nor RETURN: the LIST of RFC 3501, where an empty pattern asks for the separator.
    pub basic: bool,
}

/// Selection options (RFC 5258 §3.1).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Selection {
    /// SUBSCRIBED: subscribed names, whether or not a mailbox of that name exists.
    pub subscribed: bool,
    /// REMOTE: also mailboxes of other servers. There are none.
    pub remote: bool,
    /// RECURSIVEMATCH: also superiors of what qualifies.
    pub recursive_match: bool,
    /// SPECIAL-USE: only mailboxes with a special use.
    pub special_use: bool,
}

/// Return options (RFC 5258 §3.2).
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Return {
    /// SUBSCRIBED: say which are subscribed.
    pub subscribed: bool,
    /// CHILDREN: say which have children. (This server always does.)
    pub children: bool,
    /// SPECIAL-USE: say what they are for. (This server always does.)
    pub special_use: bool,
    /// STATUS: a STATUS response for each, with these items.
    pub status: Vec<StatusItem>,
    /// MYRIGHTS: a MYRIGHTS response for each (RFC 8440).
    pub my_rights: bool,
    /// METADATA: a METADATA response for each, with these entries (RFC 9590).
    pub metadata: Vec<EntryName>,
}

/// A special use (RFC 6154 §2).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
#[allow(missing_docs)] // the names are those of the RFC
pub enum Use {
    All,
    Archive,
    Drafts,
    Flagged,
    Junk,
    Sent,
    Trash,
}

impl Use {
    /// Every use.
    pub const EVERY: [Use; 7] = [
        Use::All,
        Use::Archive,
        Use::Drafts,
        Use::Flagged,
        Use::Junk,
        Use::Sent,
        Use::Trash,
    ];

    /// As attribute of LIST.
    pub fn as_str(self) -> &'static str {
        match self {
            Use::All => "\\All",
            Use::Archive => "\\Archive",
            Use::Drafts => "\\Drafts",
            Use::Flagged => "\\Flagged",
            Use::Junk => "\\Junk",
            Use::Sent => "\\Sent",
            Use::Trash => "\\Trash",
        }
    }
}
