//! The states of a session, and what is counted in it. Which event leads where is in the files beside this one.

use crate::Reply;
use crate::data::{ChunkDecoder, DotDecoder, Fault};

/// Where a session stands. A step takes the state by value and returns the next one.
#[derive(Debug)]
pub(super) enum State {
    /// Before the client has said its name, at the start and again after STARTTLS (RFC 3207 §4.2).
    New,
    /// Between transactions.
    Ready,
    /// MAIL was accepted; recipients may come, then the message.
    Envelope(Envelope),
    /// After the 354 reply: the octets of the message (RFC 5321 §4.1.1.4).
    Content(Envelope, DotDecoder),
    /// Within a chunk (RFC 3030 §2).
    Chunk(Envelope, ChunkDecoder, Chunk),
    /// After a chunk that was not the last. Only BDAT leads on, or RSET back.
    BetweenChunks(Envelope, ChunkDecoder),
    /// All octets were handed out.
    Complete(Envelope, Option<Fault>),
    /// Within a chunk that nobody wants: so many octets to go, then this reply, then that state.
    Unwanted(u64, Reply, Box<State>),
    /// A SASL challenge was sent; the next line is the response (RFC 4954 §4).
    Login,
    /// An event went out; its owner has to say what became of it.
    Asked(Question),
    /// Nothing is read any more.
    Closed(Closing),
}

/// What the owner was asked.
#[derive(Debug)]
pub(super) enum Question {
    /// May this sender send? The envelope is the one that begins.
    Mail(Envelope),
    /// Can this recipient get mail?
    Rcpt(Envelope),
    /// Was the chunk taken?
    Chunk(Envelope, ChunkDecoder),
    /// What became of the message?
    Message(Envelope),
    /// What does the SASL mechanism say?
    Login,
    /// Is the TLS handshake done?
    StartTls,
}

/// Is this chunk the last one of its message?
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Chunk {
    /// More will come.
    Inner,
    /// `LAST`
    Last,
}

/// What is known of an open transaction.
#[derive(Debug, Default)]
pub(super) struct Envelope {
    pub(super) recipients: u32,
    pub(super) refused: u32,
    pub(super) smtputf8: bool,
    /// The client wants to hear of each recipient after the message, where their fates differ.
    pub(super) prdr: bool,
}

/// Why a session is over.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Closing {
    /// The client said QUIT.
    Quit,
    /// The owner said that it is time to go.
    ShuttingDown,
    /// The account that is logged in may not be used any more.
    Dismissed,
    /// The client was silent, or too slow.
    TimedOut,
    /// The client made too many errors, or failed too many log-ins.
    TooManyErrors,
    /// The client has had its share of messages or of commands.
    ShareUsedUp,
    /// The client sent text before a reply it had to wait for, or a chunk without a size: what follows cannot be told from commands.
    OutOfStep,
    /// The client speaks HTTP.
    Http,
    /// The owner answered with 421.
    Owner,
}

impl Closing {
    /// In the words of the log.
    pub fn reason(self) -> &'static str {
        match self {
            Closing::Quit => "quit",
            Closing::ShuttingDown => "shutting down",
            Closing::Dismissed => "the account may not be used any more",
            Closing::TimedOut => "timeout",
            Closing::TooManyErrors => "too many errors",
            Closing::ShareUsedUp => "session limit reached",
            Closing::OutOfStep => "unauthorised pipelining",
            Closing::Http => "spoke http",
            Closing::Owner => "refused",
        }
    }
}

/// What happened in a session so far.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counts {
    /// Transactions that began.
    pub transactions: u32,
    /// Messages with at least one positive reply.
    pub messages: u32,
    /// Recipients accepted.
    pub recipients: u32,
    /// Recipients refused.
    pub refused: u32,
    /// Commands that were wrong, unknown, or came at the wrong time.
    pub errors: u32,
    /// Log-ins that failed.
    pub failed_logins: u32,
    /// Commands since the last message that brought no message nearer.
    pub(super) idle_commands: u32,
}
