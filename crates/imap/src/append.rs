//! What APPEND and REPLACE say, step by step (RFC 3501 §6.3.11, RFC 3502 MULTIAPPEND, RFC 4469 CATENATE, RFC 3516 BINARY,
//! RFC 6855 §4, RFC 8508 REPLACE). Messages are never collected here: a step announces their octets.

use crate::command::By;
use crate::date::DateTime;
use crate::flag::Flag;
use crate::framer::Literal;
use crate::mailbox::MailboxName;
use crate::sequence::Number;
use crate::tag::Tag;

/// The command up to the first octets of a message, or all of it where it has none.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AppendHead {
    /// What its answer is tagged with.
    pub tag: Tag,
    /// What it says.
    pub append: Append,
}

/// An APPEND or a REPLACE without its tag.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Append {
    /// REPLACE: the message that goes.
    pub replaces: Option<(By, Number)>,
    /// Where to.
    pub mailbox: MailboxName,
    /// The first steps; if the last of them is [`Step::Octets`], more follow.
    pub steps: Vec<Step>,
}

/// A step of putting messages together.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Step {
    /// A message begins, with these flags and this INTERNALDATE.
    Begin(Vec<Flag>, Option<DateTime>),
    /// A piece of an existing message (RFC 4469 §3).
    Url(String),
    /// Octets that the client sends. Always the last step before they come.
    Octets(Announced),
    /// The message is complete.
    End,
}

/// A literal that is announced.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Announced {
    /// Its octets.
    pub size: u64,
    /// Does the client wait for `+`?
    pub literal: Literal,
    /// What may be in it.
    pub form: Form,
}

/// What may be in a literal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Form {
    /// Anything but NUL.
    Text,
    /// Anything: `~{n}` (RFC 3516).
    Binary,
    /// A message with UTF-8 in its header section: `UTF8 (~{n}` (RFC 6855 §4).
    Utf8,
}

/// Is this the step after which octets come?
pub fn announced(steps: &[Step]) -> Option<Announced> {
    match steps.last() {
        Some(Step::Octets(announced)) => Some(*announced),
        _ => None,
    }
}
