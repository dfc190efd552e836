//! What a run decided: actions in order, with all their parameters resolved. The host carries them out.

use crate::Place;
use std::sync::Arc;

/// One action, and which rule wanted it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Performed {
    /// What to do.
    pub action: Action,
    /// Name of the script that asked for it, as the host gave it; `None` for the implicit keep.
    pub script: Option<Arc<str>>,
    /// Where the command stands; line 0 for the implicit keep.
    pub place: Place,
    /// The message as edited by then (`addheader`, `replace`, …); `None`: as it came. Matters to what stores or sends the message.
    pub version: Option<Arc<Version>>,
}

/// What is to be done with the message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// File it where it would go without a script: INBOX. On an IMAP event: leave it where it is, with these flags.
    Keep(Keep),
    /// File it in a mailbox.
    FileInto(FileInto),
    /// Send it on (RFC 5228 §4.2). The host guards against loops and chooses the sender.
    Redirect(Redirect),
    /// Refuse it (RFC 5429). Before the 250 that is a reply; nothing else is done with the message.
    Reject(Reject),
    /// A `discard` was asked for. Nothing is to be done; it is here so that it can be shown.
    Discard,
    /// Answer the sender, unless he was answered within the period (RFC 5230). All guards that need only the message are checked already.
    Vacation(Box<Vacation>),
    /// Tell the user (RFC 5435, and the older `notify`).
    Notify(Box<Notify>),
    /// Give the message to a program (Pigeonhole's `pipe`).
    Pipe(Pipe),
    /// Send an abuse report (RFC 5965; Pigeonhole's `report`).
    Report(Box<Report>),
}

impl Action {
    /// Does it leave the message somewhere, so that nothing is lost with the implicit keep?
    pub fn delivers(&self) -> bool {
        match self {
            Action::Keep(_) | Action::FileInto(_) | Action::Redirect(_) | Action::Reject(_) => true,
            Action::Pipe(_) => true,
            Action::Discard | Action::Vacation(_) | Action::Notify(_) | Action::Report(_) => false,
        }
    }
}

/// Of `keep`, explicit or implicit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keep {
    /// IMAP flags and keywords, without repetitions (RFC 5232). On an IMAP event: all that the message shall have.
    pub flags: Vec<String>,
    /// No script asked for it.
    pub implicit: bool,
}

/// Of `fileinto`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileInto {
    /// The name in UTF-8, as the script has it.
    pub mailbox: String,
    /// IMAP flags and keywords.
    pub flags: Vec<String>,
    /// Make the mailbox if it is not there (RFC 5490 §3.2).
    pub create: bool,
    /// Prefer a mailbox of this special use (RFC 8579 §4), e.g. `\Junk`.
    pub special_use: Option<String>,
    /// Prefer the mailbox of this id (RFC 9042 §4).
    pub mailbox_id: Option<String>,
    /// The implicit keep stays (RFC 3894).
    pub copy: bool,
}

/// Of `redirect`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redirect {
    /// Where to.
    pub to: RedirectTo,
    /// The implicit keep stays (RFC 3894).
    pub copy: bool,
    /// RFC 6009 §6: `NEVER`, or some of `SUCCESS,FAILURE,DELAY`, as in the NOTIFY parameter of RCPT.
    pub notify: Option<String>,
    /// RFC 6009 §6: `FULL` or `HDRS`, as in the RET parameter of MAIL.
    pub ret: Option<String>,
    /// RFC 6009 §7.
    pub by: Option<DeliverBy>,
}

/// Who gets a redirected message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RedirectTo {
    /// One address, well-formed.
    Address(String),
    /// Everyone on an external list (RFC 6134 §2.3).
    List(String),
}

/// The BY parameter of a redirected message (RFC 2852, RFC 6009 §7).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliverBy {
    /// Seconds from now; may be negative with mode `N`.
    pub seconds: i64,
    /// Trace the delivery (`T`).
    pub trace: bool,
    /// Return the message after that time (`R`); otherwise only notify (`N`).
    pub or_return: bool,
}

/// Of `reject` and `ereject`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reject {
    /// Text for the sender; may have several lines.
    pub reason: String,
    /// `ereject`: by a reply of the protocol, always (RFC 5429 §2.1).
    pub ereject: bool,
}

/// Of `vacation`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vacation {
    /// Who is answered: the envelope's sender.
    pub to: String,
    /// `From` of the answer as the script gave it (address list syntax); `None`: the host's choice, best [`Vacation::recipient`].
    pub from: Option<String>,
    /// The user's address that the message was for.
    pub recipient: String,
    /// `Subject` of the answer.
    pub subject: String,
    /// Text of the answer; with `mime` a MIME entity with its header.
    pub reason: String,
    /// `reason` is a MIME entity.
    pub mime: bool,
    /// Message-ID of the message, for `In-Reply-To`, with brackets.
    pub in_reply_to: Option<String>,
    /// `References` for the answer: those of the message and its id.
    pub references: Option<String>,
    /// Seconds in which the same sender gets no second answer; 0: each message is answered (RFC 6131).
    pub period: u64,
    /// What is to be remembered together with `to`: the same `:handle`, or the same text, is the same answer (RFC 5230 §4.2).
    pub key: String,
    /// A copy of the answer for the user (RFC 8580).
    pub fcc: Option<FileInto>,
}

/// Of `notify`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notify {
    /// How and whom.
    pub method: NotifyMethod,
    /// `:from`, if the script gave one.
    pub from: Option<String>,
    /// How urgent.
    pub importance: Importance,
    /// `:options`: `name=value`.
    pub options: Vec<String>,
    /// The text; `None`: the host's choice.
    pub message: Option<String>,
    /// A copy of the notification for the user (RFC 8580).
    pub fcc: Option<FileInto>,
}

/// How to notify.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotifyMethod {
    /// By mail (RFC 5436).
    Mailto(Mailto),
    /// By another scheme, which the host said it knows.
    Other(String),
}

/// A `mailto:` URI (RFC 6068), decoded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mailto {
    /// Recipients, well-formed addresses, from the path and from `to=`.
    pub to: Vec<String>,
    /// `cc=`.
    pub cc: Vec<String>,
    /// `bcc=`.
    pub bcc: Vec<String>,
    /// `subject=`.
    pub subject: Option<String>,
    /// `body=`.
    pub body: Option<String>,
    /// Other header fields, in order; those that a notification may not set are gone (RFC 5436 §2.7).
    pub fields: Vec<(String, String)>,
}

/// RFC 5435 §3.4.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Importance {
    /// 1
    High = 1,
    /// 2
    #[default]
    Normal = 2,
    /// 3
    Low = 3,
}

/// Of Pigeonhole's `pipe`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pipe {
    /// Name of the program; a file name without a path.
    pub program: String,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// The implicit keep stays.
    pub copy: bool,
    /// A program that fails or is not there is no error.
    pub lenient: bool,
}

/// Of Pigeonhole's `report`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// `abuse`, `fraud`, `not-spam`, … (RFC 5965 §7.3).
    pub feedback_type: String,
    /// Text for people.
    pub message: String,
    /// Who gets it.
    pub address: String,
    /// Only the header section of the message goes along.
    pub headers_only: bool,
}

/// The message as a script has changed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// The whole header section with the empty line.
    pub header: Vec<u8>,
    /// The rest, if it was changed; `None`: that of the message as it came.
    pub body: Option<Vec<u8>>,
    /// What was done, in order, for explanations: `addheader X-Spam`, `deleteheader Subject`, `replace`.
    pub edits: Vec<String>,
}
