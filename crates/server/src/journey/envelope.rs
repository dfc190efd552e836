//! The envelope of a message as the journey knows it: who hands it over, MAIL, and each RCPT (RFC 5321 §3.3, RFC 3461, RFC 6531).
//!
//! Addresses are parsed here and nowhere later. The spelling of commands on the wire is the `smtp` crate's.

use super::codes::Code;
use super::receive::MailId;
use crate::gate::Impression;
use crate::session::Peer;
use crate::session::login::Login;
use message::Address;
use smtp::{Enhanced, Reply};
use std::sync::Arc;
use store::judgement::Judgement;

/// Which way a message comes in, and with whose right.
#[derive(Clone, Debug)]
pub enum Road {
    /// Port 25: another server, or anybody.
    Mx,
    /// Submission by an account that has logged in.
    Submission(Login),
    /// LMTP (RFC 2033): a server in front of us; local recipients only, one reply for each.
    Lmtp,
    /// A program on this machine (A22).
    Local(LocalUser),
}

/// A user of this machine, as the system says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalUser {
    /// The user id.
    pub uid: u32,
    /// The name of the user; `uidN` if the system knows none.
    pub name: String,
}

impl LocalUser {
    /// The user with this id. The system may ask others for the name, so it is asked off the workers.
    pub async fn of(uid: u32) -> LocalUser {
        let look_up = move || nix::unistd::User::from_uid(uid.into()).ok().flatten();
        let found = tokio::task::spawn_blocking(look_up).await.ok().flatten();
        LocalUser {
            name: found.map_or_else(|| format!("uid{uid}"), |user| user.name),
            uid,
        }
    }
}

/// What DNS says about the client's address (A29).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientName {
    /// A name of the address that leads back to it.
    Confirmed(String),
    /// A name of the address that does not lead back to it.
    Unconfirmed(String),
    /// The address has no name.
    None,
    /// DNS could not be asked.
    Unknown,
}

/// What is known of the session that a message comes from.
#[derive(Clone, Debug)]
pub struct SessionFacts {
    /// The other end, its TLS, and the session's id.
    pub peer: Peer,
    /// The listener's road and the proved identity.
    pub road: Road,
    /// The name the client gave in HELO, EHLO or LHLO.
    pub helo: Option<String>,
    /// EHLO or LHLO rather than HELO.
    pub esmtp: bool,
    /// What DNS says about the client's address.
    pub client: ClientName,
    /// What the gate has to say of the client.
    pub impression: Arc<Impression>,
}

/// MAIL with its parameters.
#[derive(Clone, Debug, Default)]
pub struct Mail {
    /// The sender; `None` is the null reverse-path `<>`.
    pub reverse_path: Option<Address>,
    /// `SIZE=`, octets.
    pub size: Option<u64>,
    /// `BODY=8BITMIME`.
    pub eight_bit: bool,
    /// `SMTPUTF8`.
    pub smtputf8: bool,
    /// `REQUIRETLS` (RFC 8689).
    pub requiretls: bool,
    /// `RET=`.
    pub ret: Option<Ret>,
    /// `ENVID=`, decoded from xtext.
    pub envid: Option<String>,
    /// `PRDR` (draft-hall-prdr): the client takes a reply for each recipient.
    pub prdr: bool,
}

/// How many replies a message gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Replies {
    /// One for all recipients.
    Common,
    /// One each.
    PerRecipient,
}

impl Replies {
    pub(crate) fn of(road: &Road, mail: &Mail) -> Replies {
        match road {
            Road::Lmtp => Replies::PerRecipient,
            Road::Mx | Road::Submission(_) | Road::Local(_) if mail.prdr => Replies::PerRecipient,
            Road::Mx | Road::Submission(_) | Road::Local(_) => Replies::Common,
        }
    }
}

/// How much of the message a failure DSN shall return (RFC 3461 §4.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ret {
    /// All of it.
    Full,
    /// Its header section.
    Headers,
}

impl Ret {
    /// As in `RET=`.
    pub fn word(self) -> &'static str {
        match self {
            Ret::Full => "FULL",
            Ret::Headers => "HDRS",
        }
    }
}

/// RCPT with its parameters.
#[derive(Clone, Debug)]
pub struct Rcpt {
    /// Whom the message is for.
    pub forward_path: ForwardPath,
    /// `ORCPT=` as received (`rfc822;…`).
    pub orcpt: Option<String>,
    /// `NOTIFY=`.
    pub notify: Notify,
}

/// What stands in RCPT TO.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ForwardPath {
    /// An address.
    Address(Address),
    /// `<Postmaster>` without a domain (RFC 5321 §4.5.1).
    Postmaster,
}

/// RFC 3461 NOTIFY as bits; the default says nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Notify(pub u8);

impl Notify {
    /// The sender wants to hear of success.
    pub const SUCCESS: Notify = Notify(1);
    /// The sender wants to hear of failure.
    pub const FAILURE: Notify = Notify(2);
    /// The sender wants to hear of delay.
    pub const DELAY: Notify = Notify(4);
    /// The sender wants to hear nothing.
    pub const NEVER: Notify = Notify(8);

    /// Is this one among them?
    pub fn has(self, what: Notify) -> bool {
        self.0 & what.0 != 0
    }

    /// As in `NOTIFY=`.
    pub fn words(self) -> Vec<String> {
        let words = ["SUCCESS", "FAILURE", "DELAY", "NEVER"];
        let said = words
            .into_iter()
            .enumerate()
            .filter(|(bit, _)| self.0 & (1 << bit) != 0);
        said.map(|(_, word)| word.to_owned()).collect()
    }
}

/// A refusal in the dialogue: the reply, and the reason for the log.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// What the client is told.
    pub reply: Reply,
    /// What the log says.
    pub reason: String,
    /// What kind of refusal it is: its word ends the reply (V3).
    pub code: Option<&'static Code>,
    /// What the filter found, if it came so far.
    pub judgement: Option<Box<Judgement>>,
}

impl Refusal {
    /// A refusal whose reason is what the client is told.
    pub fn new(code: u16, enhanced: Enhanced, text: impl Into<String>) -> Refusal {
        let text = text.into();
        Refusal {
            reason: text.clone(),
            reply: Reply::new(code, enhanced, text),
            code: None,
            judgement: None,
        }
    }

    /// The same refusal, known by a word (V3).
    pub(super) fn coded(mut self, code: &'static Code) -> Refusal {
        self.code = Some(code);
        self
    }

    /// The same refusal with its word at the end of the reply, if it is not there yet.
    pub(super) fn named(mut self) -> Refusal {
        if let (Some(code), Some(last)) = (self.code, self.reply.lines.last_mut()) {
            let name = format!(" ({})", code.word);
            if !last.ends_with(&name) {
                last.push_str(&name);
            }
        }
        self
    }

    /// Puts the id of the message behind the word, which leads to its record.
    pub(super) fn name_with(&mut self, id: MailId) {
        if let (Some(code), Some(last)) = (self.code, self.reply.lines.last_mut()) {
            let name = format!(" ({})", code.word);
            let text = last.strip_suffix(&name).unwrap_or(last);
            *last = format!("{text} ({} {id})", code.word);
        }
    }

    /// The same refusal with what the filter found.
    pub(super) fn judged(mut self, judgement: Judgement) -> Refusal {
        self.judgement = Some(Box::new(judgement));
        self
    }

    /// The same refusal with a reason that the client is not told.
    pub fn because(mut self, reason: impl Into<String>) -> Refusal {
        self.reason = reason.into();
        self
    }
}

impl SessionFacts {
    /// The account that has logged in, on the submission road.
    pub fn login(&self) -> Option<&Login> {
        match &self.road {
            Road::Submission(login) => Some(login),
            Road::Mx | Road::Lmtp | Road::Local(_) => None,
        }
    }
}
