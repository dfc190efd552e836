//! What a script may ask its host while it runs. The host answers from what it knows; effects are only collected ([`crate::Outcome`]).
//!
//! All calls are synchronous, and made on the thread that called [`crate::Run::execute`]. A host whose answers are in memory can be run
//! anywhere. A host that must read a store has two ways: look at [`crate::Script::requires`] beforehand and load what these extensions
//! can ask for (the list of mailboxes, say), or call `execute` on a thread that may block, inside one read of the store. The interpreter
//! holds no locks and never calls back after `execute` returned.

use crate::{CompileErrors, HostError, Mailto, Script};
use jiff::{Timestamp, tz::TimeZone};

/// Facts for a run. Every method but [`Host::now`] has an answer by default: that of a host which has nothing of the kind.
///
/// `Err` means "could not look it up": the run ends with a temporary [`crate::RuntimeError`].
pub trait Host {
    /// The time of the run; asked once.
    fn now(&mut self) -> Timestamp;

    /// The zone of `currentdate` and of `date` without `:zone` (RFC 5260 §4.1).
    fn time_zone(&mut self) -> TimeZone {
        TimeZone::UTC
    }

    /// An item of `environment` (RFC 5183 §4.1, RFC 6785 §4.3), e.g. `domain`, `remote-ip`, `location`, `imap.cause`, and the `vnd.dovecot.*`
    /// ones. `None`: there is no such item. `name` and `version` have answers of our own if the host has none; `phase` and `imap.*` must
    /// come from the host. Names are in lower case.
    fn environment(&mut self, item: &str) -> Result<Option<String>, HostError> {
        let _ = item;
        Ok(None)
    }

    /// Is there such a mailbox, and may mail be filed there (RFC 5490 §3.1)? Names are UTF-8.
    fn mailbox_exists(&mut self, mailbox: &str) -> Result<bool, HostError> {
        Ok(mailbox.eq_ignore_ascii_case("INBOX"))
    }

    /// Is there a mailbox with this OBJECTID (RFC 9042 §6)?
    fn mailbox_id_exists(&mut self, id: &str) -> Result<bool, HostError> {
        let _ = id;
        Ok(false)
    }

    /// Has this mailbox (or with `None`: any mailbox of the user) this special use, e.g. `\Junk` (RFC 8579 §3)?
    fn special_use_exists(&mut self, mailbox: Option<&str>, flag: &str) -> Result<bool, HostError> {
        let _ = (mailbox, flag);
        Ok(false)
    }

    /// The value of an annotation of a mailbox (RFC 5490 §4). `None`: the annotation or the mailbox is not there.
    fn mailbox_metadata(
        &mut self,
        mailbox: &str,
        entry: &str,
    ) -> Result<Option<String>, HostError> {
        let _ = (mailbox, entry);
        Ok(None)
    }

    /// The value of an annotation of the server (RFC 5490 §5).
    fn server_metadata(&mut self, entry: &str) -> Result<Option<String>, HostError> {
        let _ = entry;
        Ok(None)
    }

    /// Is this key remembered by `duplicate`, and not yet expired (RFC 7352)? Asking must not change the memory: what the run
    /// wants remembered is [`crate::Outcome::remember`].
    fn seen_before(&mut self, key: &DuplicateKey) -> Result<bool, HostError> {
        let _ = key;
        Ok(false)
    }

    /// Is there an external list of this name (RFC 6134 §2.7)? Names that began with `:` come in full, and the default address book
    /// always as `urn:ietf:params:sieve:addrbook:default`.
    fn list_exists(&mut self, list: &str) -> Result<bool, HostError> {
        let _ = list;
        Ok(false)
    }

    /// Is the value on the external list (RFC 6134 §2.2)?
    fn list_contains(&mut self, list: &str, value: &str) -> Result<bool, HostError> {
        let _ = (list, value);
        Ok(false)
    }

    /// The script to include (RFC 6609 §3.2).
    fn include(&mut self, location: Location, name: &str) -> Result<Included, HostError> {
        let _ = (location, name);
        Ok(Included::Missing)
    }

    /// Can a notification be sent to this URI, which is not a mailto one (RFC 5435 §4)?
    fn notify_method_is_valid(&mut self, uri: &str) -> Result<bool, HostError> {
        let _ = uri;
        Ok(false)
    }

    /// What is known of a notification capability, e.g. `online` (RFC 5435 §5): `yes`, `no` or `maybe`.
    fn notify_capability(
        &mut self,
        uri: &str,
        capability: &str,
    ) -> Result<Option<String>, HostError> {
        let _ = (uri, capability);
        Ok(None)
    }

    /// Whether a mailto notification may be sent there: not to the user himself, not to a list that would loop (RFC 5436 §3).
    fn mailto_is_valid(&mut self, target: &Mailto) -> Result<bool, HostError> {
        let _ = target;
        Ok(true)
    }

    /// What the spam filter found (RFC 5235 §3). It must come from the filter, never from a header field that the sender could forge.
    fn spam(&mut self) -> Result<Option<SpamScore>, HostError> {
        Ok(None)
    }

    /// What the virus scanner found (RFC 5235 §3.4). `None`: it did not look.
    fn virus(&mut self) -> Result<Option<VirusVerdict>, HostError> {
        Ok(None)
    }

    /// Addresses of the user, his aliases among them: `vacation` answers only mail that names one of them, and never himself.
    fn own_addresses(&mut self) -> Result<Vec<String>, HostError> {
        Ok(Vec::new())
    }

    /// The character between the user part and the detail of a local part (RFC 5233 §3).
    fn subaddress_separator(&mut self) -> char {
        '+'
    }

    /// Everything behind the header section, if the [`crate::Mail`] did not bring it: read at most once, and only if a script looks at
    /// it. It may be cut at [`crate::Limits::body_size`] octets.
    fn body(&mut self) -> Result<Vec<u8>, HostError> {
        Ok(Vec::new())
    }

    /// Runs a program of the admin's now (`execute` and `filter` of Pigeonhole). By default there is none.
    fn execute(&mut self, program: &Program) -> Result<Executed, HostError> {
        let _ = program;
        Ok(Executed::NotFound)
    }
}

/// What `duplicate` compares: the same id under two handles is two things (RFC 7352 §3.1).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DuplicateKey {
    /// `:handle`, or empty.
    pub handle: String,
    /// Message-ID, header value or `:uniqueid`.
    pub id: String,
}

/// Where an included script is to be found (RFC 6609 §3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Location {
    /// `:personal`: one of the user's.
    Personal,
    /// `:global`: one of the admin's.
    Global,
}

/// The answer to `include`.
#[derive(Clone, Debug)]
pub enum Included {
    /// Here it is.
    Script(Script),
    /// There is none of that name.
    Missing,
    /// It does not compile.
    Broken(CompileErrors),
}

/// A spam score, and the score from which on a message is spam for certain.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SpamScore {
    /// The message's.
    pub score: f64,
    /// The score that counts as 100 percent; above 0.
    pub maximum: f64,
}

/// What a virus scanner found (RFC 5235 §3.3); the numbers are the test's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum VirusVerdict {
    /// 1: no virus.
    Clean = 1,
    /// 2: one was found and replaced by something harmless.
    Replaced = 2,
    /// 3: one was found and made harmless.
    Cured = 3,
    /// 4: it may hold one.
    Suspicious = 4,
    /// 5: it holds one.
    Infected = 5,
}

/// A program that a script of the admin wants run, with its argument vector; no shell sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// Its name; a file name without a path.
    pub name: String,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// What it reads.
    pub input: ProgramInput,
}

/// What a program gets on its standard input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProgramInput {
    /// Nothing.
    Nothing,
    /// A text (`execute :input`).
    Text(String),
    /// The message, in the version that the script has made of it by now.
    Message(Option<std::sync::Arc<crate::Version>>),
}

/// How a program ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Executed {
    /// With 0, and this on its standard output.
    Success(Vec<u8>),
    /// With anything else.
    Failure,
    /// There is no such program.
    NotFound,
}
