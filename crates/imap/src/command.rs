//! Commands as types (RFC 3501 §6 and the extensions this server offers). Building one from octets is [`Command::parse`].

use crate::acl::SetAcl;
use crate::append::Append;
use crate::fetch::{Item, Window};
use crate::flag::Flag;
use crate::list::{List, Use};
use crate::mailbox::MailboxName;
use crate::metadata::{GetMetadata, SetMetadata};
use crate::notify::{Mailboxes, Notify};
use crate::search::Search;
use crate::sequence::SequenceSet;
use crate::sort::Sort;
use crate::status::StatusItem;
use crate::tag::Tag;
use crate::thread::Thread;
use std::fmt;

/// A whole command.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Command {
    /// What its answer is tagged with.
    pub tag: Tag,
    /// What is to be done.
    pub body: Body,
}

/// A text that must not appear in logs.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// How messages are named.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum By {
    /// By message number.
    Sequence,
    /// By UID.
    Uid,
}

/// What STORE does with flags.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StoreAction {
    /// `FLAGS`
    Replace,
    /// `+FLAGS`
    Add,
    /// `-FLAGS`
    Remove,
}

/// Whether STORE tells the new flags.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Echo {
    /// Tell them.
    Tell,
    /// `.SILENT`
    Silent,
}

/// SELECT's or EXAMINE's parameters.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Select {
    /// Which mailbox.
    pub mailbox: MailboxName,
    /// `(CONDSTORE)` was given (RFC 7162 §3.1.8).
    pub condstore: bool,
    /// `(QRESYNC (…))` was given (RFC 7162 §3.2.5): what the client has of the mailbox.
    pub qresync: Option<QResync>,
}

/// What a client has of a mailbox that it opens again (RFC 7162 §3.2.5).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct QResync {
    /// The UIDVALIDITY it knows.
    pub uid_validity: u32,
    /// Its picture is of this MODSEQ; not zero.
    pub modseq: u64,
    /// The UIDs it has; `None`: all there are.
    pub known: Option<SequenceSet>,
    /// Some message numbers and the UIDs it thinks they have, pairwise.
    pub pairs: Option<(SequenceSet, SequenceSet)>,
}

/// FETCH's parameters.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fetch {
    /// How `set` names messages.
    pub by: By,
    /// Which messages.
    pub set: SequenceSet,
    /// What of them; macros are already replaced by what they stand for.
    pub items: Vec<Item>,
    /// RFC 7162 CHANGEDSINCE.
    pub changed_since: Option<u64>,
    /// RFC 7162 VANISHED: tell also which messages are gone. Only with `changed_since`, and by UID.
    pub vanished: bool,
    /// RFC 9394 PARTIAL: only these of the messages.
    pub window: Option<Window>,
}

/// STORE's parameters.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Store {
    /// How `set` names messages.
    pub by: By,
    /// Which messages.
    pub set: SequenceSet,
    /// RFC 7162 UNCHANGEDSINCE.
    pub unchanged_since: Option<u64>,
    /// What to do.
    pub action: StoreAction,
    /// Whether to tell.
    pub echo: Echo,
    /// With which flags.
    pub flags: Vec<Flag>,
}

/// COPY's or MOVE's parameters.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Copy {
    /// How `set` names messages.
    pub by: By,
    /// Which messages.
    pub set: SequenceSet,
    /// Where to.
    pub mailbox: MailboxName,
}

/// An ESEARCH command: SEARCH in several mailboxes (RFC 7377).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MultiSearch {
    /// Where; empty: in the selected mailbox.
    pub sources: Vec<Mailboxes>,
    /// For what.
    pub search: Search,
}

/// A command without its tag. An APPEND with octets of its own is not among them: they are never collected, see
/// [`crate::framer::Event::Append`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Body {
    /// CAPABILITY
    Capability,
    /// NOOP
    Noop,
    /// LOGOUT
    Logout,
    /// ID (RFC 2971): what the client says of itself.
    Id(Vec<(String, Option<String>)>),
    /// STARTTLS
    StartTls,
    /// COMPRESS with this mechanism, in upper case (RFC 4978).
    Compress(String),
    /// UNAUTHENTICATE (RFC 8437)
    Unauthenticate,
    /// AUTHENTICATE with, perhaps, an initial response (RFC 4959), decoded from base64 by nobody yet.
    Authenticate(String, Option<Secret>),
    /// LOGIN: user and password.
    Login(String, Secret),
    /// ENABLE (RFC 5161): extensions in upper case.
    Enable(Vec<String>),
    /// SELECT
    Select(Select),
    /// EXAMINE
    Examine(Select),
    /// CREATE, with a special use if one was asked for (RFC 6154 §3).
    Create(MailboxName, Vec<Use>),
    /// DELETE
    Delete(MailboxName),
    /// RENAME
    Rename(MailboxName, MailboxName),
    /// SUBSCRIBE
    Subscribe(MailboxName),
    /// UNSUBSCRIBE
    Unsubscribe(MailboxName),
    /// LIST
    List(List),
    /// LSUB: reference and pattern.
    Lsub(String, String),
    /// XLIST, the LIST with special uses of old Apple and Outlook clients: reference and pattern.
    Xlist(String, String),
    /// NAMESPACE (RFC 2342)
    Namespace,
    /// STATUS
    Status(MailboxName, Vec<StatusItem>),
    /// APPEND or REPLACE of existing pieces only (RFC 4469).
    Append(Append),
    /// IDLE (RFC 2177)
    Idle,
    /// NOTIFY (RFC 5465)
    Notify(Notify),
    /// ESEARCH (RFC 7377)
    MultiSearch(MultiSearch),
    /// GETQUOTA of a quota root (RFC 9208)
    GetQuota(String),
    /// GETQUOTAROOT of a mailbox
    GetQuotaRoot(MailboxName),
    /// SETQUOTA of a quota root (RFC 9208 §4.1.3): its limits by resource, in the resource's unit
    SetQuota(String, Vec<(String, u64)>),
    /// SETACL (RFC 4314)
    SetAcl(SetAcl),
    /// DELETEACL: mailbox and identifier.
    DeleteAcl(MailboxName, String),
    /// GETACL
    GetAcl(MailboxName),
    /// LISTRIGHTS: mailbox and identifier.
    ListRights(MailboxName, String),
    /// MYRIGHTS
    MyRights(MailboxName),
    /// GETMETADATA (RFC 5464)
    GetMetadata(GetMetadata),
    /// SETMETADATA
    SetMetadata(SetMetadata),
    /// GENURLAUTH (RFC 4467 §7): URLs without verifier, and the mechanism that each is to have one of, in upper case.
    GenUrlAuth(Vec<(String, String)>),
    /// RESETKEY: of which mailbox; `None`: of all.
    ResetKey(Option<MailboxName>, Vec<String>),
    /// URLFETCH
    UrlFetch(Vec<String>),
    /// CHECK
    Check,
    /// CLOSE
    Close,
    /// UNSELECT (RFC 3691)
    Unselect,
    /// EXPUNGE
    Expunge,
    /// UID EXPUNGE (RFC 4315)
    UidExpunge(SequenceSet),
    /// SEARCH or UID SEARCH
    Search(By, Search),
    /// SORT or UID SORT (RFC 5256)
    Sort(By, Sort),
    /// THREAD or UID THREAD (RFC 5256)
    Thread(By, Thread),
    /// CANCELUPDATE of the searches with these tags (RFC 5267)
    CancelUpdate(Vec<String>),
    /// FETCH or UID FETCH
    Fetch(Fetch),
    /// STORE or UID STORE
    Store(Store),
    /// COPY or UID COPY
    Copy(Copy),
    /// MOVE or UID MOVE (RFC 6851)
    Move(Copy),
}

/// Every command there is, UID commands under their whole name. The parser knows no other, so that whoever goes through all of them
/// (as a test does that sends each in each state) forgets none.
pub const NAMES: [&str; 61] = [
    "APPEND",
    "AUTHENTICATE",
    "CANCELUPDATE",
    "CAPABILITY",
    "CHECK",
    "CLOSE",
    "COMPRESS",
    "COPY",
    "CREATE",
    "DELETE",
    "DELETEACL",
    "ENABLE",
    "ESEARCH",
    "EXAMINE",
    "EXPUNGE",
    "FETCH",
    "GENURLAUTH",
    "GETACL",
    "GETMETADATA",
    "GETQUOTA",
    "GETQUOTAROOT",
    "ID",
    "IDLE",
    "LIST",
    "LISTRIGHTS",
    "LOGIN",
    "LOGOUT",
    "LSUB",
    "MOVE",
    "MYRIGHTS",
    "NAMESPACE",
    "NOOP",
    "NOTIFY",
    "RENAME",
    "REPLACE",
    "RESETKEY",
    "SEARCH",
    "SELECT",
    "SETACL",
    "SETMETADATA",
    "SETQUOTA",
    "SORT",
    "STARTTLS",
    "STATUS",
    "STORE",
    "SUBSCRIBE",
    "THREAD",
    "UID COPY",
    "UID EXPUNGE",
    "UID FETCH",
    "UID MOVE",
    "UID REPLACE",
    "UID SEARCH",
    "UID SORT",
    "UID STORE",
    "UID THREAD",
    "UNAUTHENTICATE",
    "UNSELECT",
    "UNSUBSCRIBE",
    "URLFETCH",
    "XLIST",
];

impl Body {
    /// The command's name, for logs and counters.
    pub fn name(&self) -> &'static str {
        match self {
            Body::Capability => "CAPABILITY",
            Body::Noop => "NOOP",
            Body::Logout => "LOGOUT",
            Body::Id(_) => "ID",
            Body::StartTls => "STARTTLS",
            Body::Compress(_) => "COMPRESS",
            Body::Unauthenticate => "UNAUTHENTICATE",
            Body::Authenticate(..) => "AUTHENTICATE",
            Body::Login(..) => "LOGIN",
            Body::Enable(_) => "ENABLE",
            Body::Select(_) => "SELECT",
            Body::Examine(_) => "EXAMINE",
            Body::Create(..) => "CREATE",
            Body::Delete(_) => "DELETE",
            Body::Rename(..) => "RENAME",
            Body::Subscribe(_) => "SUBSCRIBE",
            Body::Unsubscribe(_) => "UNSUBSCRIBE",
            Body::List(_) => "LIST",
            Body::Lsub(..) => "LSUB",
            Body::Xlist(..) => "XLIST",
            Body::Namespace => "NAMESPACE",
            Body::Status(..) => "STATUS",
            Body::Append(append) if append.replaces.is_some() => "REPLACE",
            Body::Append(_) => "APPEND",
            Body::Idle => "IDLE",
            Body::Notify(_) => "NOTIFY",
            Body::MultiSearch(_) => "ESEARCH",
            Body::GetQuota(_) => "GETQUOTA",
            Body::GetQuotaRoot(_) => "GETQUOTAROOT",
            Body::SetQuota(..) => "SETQUOTA",
            Body::SetAcl(_) => "SETACL",
            Body::DeleteAcl(..) => "DELETEACL",
            Body::GetAcl(_) => "GETACL",
            Body::ListRights(..) => "LISTRIGHTS",
            Body::MyRights(_) => "MYRIGHTS",
            Body::GetMetadata(_) => "GETMETADATA",
            Body::SetMetadata(_) => "SETMETADATA",
            Body::GenUrlAuth(_) => "GENURLAUTH",
            Body::ResetKey(..) => "RESETKEY",
            Body::UrlFetch(_) => "URLFETCH",
            Body::Check => "CHECK",
            Body::Close => "CLOSE",
            Body::Unselect => "UNSELECT",
            Body::Expunge | Body::UidExpunge(_) => "EXPUNGE",
            Body::Search(..) => "SEARCH",
            Body::Sort(..) => "SORT",
            Body::Thread(..) => "THREAD",
            Body::CancelUpdate(_) => "CANCELUPDATE",
            Body::Fetch(_) => "FETCH",
            Body::Store(_) => "STORE",
            Body::Copy(_) => "COPY",
            Body::Move(_) => "MOVE",
        }
    }
}
