//! A compiled script: commands and tests with their arguments checked, constants prepared. Read-only once made.

use crate::action::Importance;
use crate::compare::{Comparator, Matching};
use crate::error::Place;
use crate::host::Location;
use std::sync::Arc;

pub(crate) type Block = Vec<Statement>;

#[derive(Debug)]
pub(crate) struct Statement {
    pub(crate) place: Place,
    pub(crate) command: Command,
}

/// A string of a script: a constant, or one with variables in it (RFC 5229 §3).
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Text {
    Constant(Arc<str>),
    Template(Vec<Piece>),
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Piece {
    Literal(Box<str>),
    /// `${name}`, in lower case.
    Variable(Box<str>),
    /// `${1}`
    Match(usize),
    /// `${global.name}`
    Global(Box<str>),
    /// `${env.item}`
    Environment(Box<str>),
}

impl Text {
    pub(crate) fn constant(text: &str) -> Text {
        Text::Constant(text.into())
    }

    pub(crate) fn as_constant(&self) -> Option<&str> {
        match self {
            Text::Constant(text) => Some(text),
            Text::Template(_) => None,
        }
    }
}

#[derive(Debug)]
pub(crate) enum Command {
    If(Vec<(Condition, Block)>, Block),
    Stop,
    Keep {
        flags: Option<Vec<Text>>,
    },
    Discard,
    FileInto(FileInto),
    Redirect(Box<Redirect>),
    Reject {
        reason: Text,
        ereject: bool,
    },
    Vacation(Box<Vacation>),
    Notify(Box<Notify>),
    OldNotify(Box<OldNotify>),
    Denotify(Box<Denotify>),
    Flags {
        change: FlagChange,
        variable: Option<Variable>,
        flags: Vec<Text>,
    },
    Set {
        variable: Variable,
        modifiers: Vec<Modifier>,
        value: Text,
    },
    Include(Box<Include>),
    Return,
    Global(Vec<Box<str>>),
    /// RFC 5463 §5
    Error(Text),
    AddHeader(Box<AddHeader>),
    DeleteHeader(Box<DeleteHeader>),
    ForEveryPart {
        name: Option<Text>,
        block: Block,
    },
    Break {
        name: Option<Text>,
    },
    ExtractText {
        variable: Variable,
        modifiers: Vec<Modifier>,
        first: Option<u64>,
    },
    Replace(Box<Replace>),
    Enclose(Box<Enclose>),
    Pipe {
        program: Text,
        arguments: Vec<Text>,
        copy: bool,
        lenient: bool,
    },
    Execute(Box<Execute>),
    Filter {
        program: Text,
        arguments: Vec<Text>,
    },
    Report {
        feedback_type: Text,
        message: Text,
        address: Text,
        headers_only: bool,
    },
    Debug(Text),
    /// Uses what is not there; allowed since `ihave` may keep it from being reached (RFC 5463 §4).
    Unavailable(Box<str>),
}

#[derive(Clone, Debug, Default)]
pub(crate) struct FileInto {
    pub(crate) mailbox: Option<Text>,
    pub(crate) flags: Option<Vec<Text>>,
    pub(crate) create: bool,
    pub(crate) copy: bool,
    pub(crate) special_use: Option<Text>,
    pub(crate) mailbox_id: Option<Text>,
}

#[derive(Debug)]
pub(crate) struct Redirect {
    pub(crate) to: Text,
    pub(crate) to_list: bool,
    pub(crate) copy: bool,
    pub(crate) notify: Option<Text>,
    pub(crate) ret: Option<Text>,
    pub(crate) by: Option<DeliverBy>,
}

#[derive(Debug)]
pub(crate) struct DeliverBy {
    pub(crate) when: DeliverWhen,
    pub(crate) mode: Option<Text>,
    pub(crate) trace: bool,
}

#[derive(Debug)]
pub(crate) enum DeliverWhen {
    Relative(u64),
    Absolute(Text),
}

#[derive(Debug)]
pub(crate) struct Vacation {
    pub(crate) period: Option<Period>,
    pub(crate) subject: Option<Text>,
    pub(crate) from: Option<Text>,
    pub(crate) addresses: Vec<Text>,
    pub(crate) mime: bool,
    pub(crate) handle: Option<Text>,
    pub(crate) reason: Text,
    pub(crate) fcc: Option<FileInto>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Period {
    Days(u64),
    Seconds(u64),
}

#[derive(Debug)]
pub(crate) struct Notify {
    pub(crate) method: Text,
    pub(crate) from: Option<Text>,
    pub(crate) importance: Option<Text>,
    pub(crate) options: Vec<Text>,
    pub(crate) message: Option<Text>,
    pub(crate) fcc: Option<FileInto>,
}

/// Of draft-ietf-sieve-notify-00.
#[derive(Debug)]
pub(crate) struct OldNotify {
    pub(crate) method: Option<Text>,
    pub(crate) id: Option<Text>,
    pub(crate) importance: Importance,
    pub(crate) options: Vec<Text>,
    pub(crate) message: Option<Text>,
}

#[derive(Debug)]
pub(crate) struct Denotify {
    pub(crate) id: Option<Criterion>,
    pub(crate) importance: Option<Importance>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FlagChange {
    Set,
    Add,
    Remove,
}

/// A variable that a command writes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Variable {
    Local(Box<str>),
    Global(Box<str>),
}

/// RFC 5229 §4.1, in the order of their precedence, highest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Modifier {
    Lower,
    Upper,
    LowerFirst,
    UpperFirst,
    QuoteWildcard,
    QuoteRegex,
    EncodeUrl,
    Length,
}

#[derive(Debug)]
pub(crate) struct Include {
    pub(crate) location: Location,
    pub(crate) once: bool,
    pub(crate) optional: bool,
    pub(crate) name: Text,
}

#[derive(Debug)]
pub(crate) struct AddHeader {
    pub(crate) last: bool,
    pub(crate) name: Text,
    pub(crate) value: Text,
}

#[derive(Debug)]
pub(crate) struct DeleteHeader {
    pub(crate) index: Option<Index>,
    pub(crate) name: Text,
    pub(crate) values: Option<Criterion>,
}

/// `:index`, counted from 1, from the end with `:last` (RFC 5260 §6).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Index {
    pub(crate) number: u64,
    pub(crate) last: bool,
}

#[derive(Debug)]
pub(crate) struct Replace {
    pub(crate) mime: bool,
    pub(crate) subject: Option<Text>,
    pub(crate) from: Option<Text>,
    pub(crate) replacement: Text,
}

#[derive(Debug)]
pub(crate) struct Enclose {
    pub(crate) subject: Option<Text>,
    pub(crate) headers: Vec<Text>,
    pub(crate) text: Text,
}

#[derive(Debug)]
pub(crate) struct Execute {
    pub(crate) program: Text,
    pub(crate) arguments: Vec<Text>,
    pub(crate) input: ExecuteInput,
    pub(crate) output: Option<Variable>,
}

#[derive(Debug)]
pub(crate) enum ExecuteInput {
    Nothing,
    Pipe,
    Text(Text),
}

/// A test and where it stands.
#[derive(Debug)]
pub(crate) struct Condition {
    pub(crate) place: Place,
    pub(crate) test: Test,
}

/// How values are compared with keys.
#[derive(Debug)]
pub(crate) struct Criterion {
    pub(crate) comparator: Comparator,
    pub(crate) matching: Matching,
    pub(crate) keys: Vec<Key>,
}

/// A key; what can be prepared of a constant one is.
#[derive(Debug)]
pub(crate) struct Key {
    pub(crate) text: Text,
    pub(crate) ready: Option<crate::compare::Prepared>,
}

#[derive(Debug)]
pub(crate) enum Test {
    True,
    False,
    Not(Box<Condition>),
    AllOf(Vec<Condition>),
    AnyOf(Vec<Condition>),
    Address(Box<AddressTest>),
    Envelope(Box<EnvelopeTest>),
    Exists {
        mime: Option<Mime>,
        headers: Vec<Text>,
    },
    Header(Box<HeaderTest>),
    Size {
        over: bool,
        limit: u64,
    },
    String {
        sources: Vec<Text>,
        criterion: Criterion,
    },
    HasFlag {
        variables: Vec<Text>,
        criterion: Criterion,
    },
    Environment {
        items: Vec<Text>,
        criterion: Criterion,
    },
    Body {
        transform: Transform,
        criterion: Criterion,
    },
    Date(Box<DateTest>),
    Duplicate(Box<Duplicate>),
    Spam {
        percent: bool,
        criterion: Criterion,
    },
    Virus {
        criterion: Criterion,
    },
    MailboxExists(Vec<Text>),
    MailboxIdExists(Vec<Text>),
    SpecialUseExists {
        mailbox: Option<Text>,
        flags: Vec<Text>,
    },
    Metadata {
        mailbox: Option<Text>,
        entry: Text,
        criterion: Criterion,
    },
    MetadataExists {
        mailbox: Option<Text>,
        entries: Vec<Text>,
    },
    ValidNotifyMethod(Vec<Text>),
    NotifyMethodCapability {
        uri: Text,
        capability: Text,
        criterion: Criterion,
    },
    ValidExtList(Vec<Text>),
    Execute(Box<Execute>),
    Filter {
        program: Text,
        arguments: Vec<Text>,
    },
    Unavailable(Box<str>),
}

#[derive(Debug)]
pub(crate) struct AddressTest {
    pub(crate) mime: Option<Mime>,
    pub(crate) index: Option<Index>,
    pub(crate) part: AddressPart,
    pub(crate) headers: Vec<Text>,
    pub(crate) criterion: Criterion,
}

#[derive(Debug)]
pub(crate) struct EnvelopeTest {
    pub(crate) part: AddressPart,
    /// Of `bytimeabsolute`.
    pub(crate) zone: Zone,
    pub(crate) fields: Vec<Text>,
    pub(crate) criterion: Criterion,
}

#[derive(Debug)]
pub(crate) struct HeaderTest {
    pub(crate) mime: Option<Mime>,
    pub(crate) index: Option<Index>,
    pub(crate) headers: Vec<Text>,
    pub(crate) criterion: Criterion,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AddressPart {
    All,
    LocalPart,
    Domain,
    User,
    Detail,
}

/// `:mime` and its options (RFC 5703 §4).
#[derive(Debug)]
pub(crate) struct Mime {
    pub(crate) any_child: bool,
    pub(crate) option: MimeOption,
}

#[derive(Debug)]
pub(crate) enum MimeOption {
    Whole,
    Type,
    Subtype,
    ContentType,
    Param(Vec<Text>),
}

/// RFC 5173 §5
#[derive(Debug)]
pub(crate) enum Transform {
    Raw,
    Content(Vec<Text>),
    Text,
}

#[derive(Debug)]
pub(crate) struct DateTest {
    /// `None`: the time of the run (`currentdate`).
    pub(crate) header: Option<Text>,
    pub(crate) index: Option<Index>,
    pub(crate) zone: Zone,
    pub(crate) part: Text,
    pub(crate) criterion: Criterion,
}

#[derive(Debug)]
pub(crate) enum Zone {
    Local,
    Original,
    /// `+0100`
    Fixed(Text),
}

#[derive(Debug)]
pub(crate) struct Duplicate {
    pub(crate) handle: Option<Text>,
    pub(crate) id: DuplicateId,
    pub(crate) seconds: Option<u64>,
    pub(crate) last: bool,
}

#[derive(Debug)]
pub(crate) enum DuplicateId {
    MessageId,
    Header(Text),
    Unique(Text),
}
