//! Flags of messages (RFC 3501 §2.3.2): the system flags, and keywords that clients make up.

/// The longest keyword taken (catalogue G17).
pub const MAX_KEYWORD: usize = 50;
/// The most keywords one command may name.
pub const MAX_KEYWORDS: usize = 64;

/// A flag a client can set. `\Recent` cannot be set and is dropped when it is sent.
#[derive(Clone, PartialEq, Eq, Debug, Hash)]
pub enum Flag {
    /// `\Seen`
    Seen,
    /// `\Answered`
    Answered,
    /// `\Flagged`
    Flagged,
    /// `\Deleted`
    Deleted,
    /// `\Draft`
    Draft,
    /// A keyword such as `$Forwarded`: an atom, as spelled, compared without case.
    Keyword(String),
}

impl Flag {
    /// The system flag of this name, given without its backslash, in any case.
    pub fn system(name: &str) -> Option<Flag> {
        let all = [
            ("seen", Flag::Seen),
            ("answered", Flag::Answered),
            ("flagged", Flag::Flagged),
            ("deleted", Flag::Deleted),
            ("draft", Flag::Draft),
        ];
        let found = all
            .into_iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, flag)| flag)
    }

    /// As it is written in responses.
    pub fn as_str(&self) -> &str {
        match self {
            Flag::Seen => "\\Seen",
            Flag::Answered => "\\Answered",
            Flag::Flagged => "\\Flagged",
            Flag::Deleted => "\\Deleted",
            Flag::Draft => "\\Draft",
            Flag::Keyword(keyword) => keyword,
        }
    }
}
