//! Status responses and their codes (RFC 3501 §7.1, RFC 4315, RFC 4469, RFC 4978, RFC 5182, RFC 5267, RFC 5465, RFC 5466, RFC 5530, RFC 7162, RFC 7889,
//! RFC 8474, RFC 9208, RFC 9585): `tag OK [CODE] text`.

use crate::encode;
use crate::tag::Tag;
use std::ops::RangeInclusive;

/// What a status response says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Condition {
    /// Done.
    Ok,
    /// Not done, for a reason the text gives.
    No,
    /// The client broke the protocol.
    Bad,
    /// The connection ends.
    Bye,
}

/// A response code: what a program may act upon.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Code {
    /// The user should read the text.
    Alert,
    /// Capabilities, as one text.
    Capability(String),
    /// Flags that can be set for good, as one list with its parentheses.
    PermanentFlags(String),
    /// Mailbox opened for reading.
    ReadOnly,
    /// Mailbox opened for writing.
    ReadWrite,
    /// Create the mailbox and try again.
    TryCreate,
    /// The next UID.
    UidNext(u32),
    /// UIDVALIDITY.
    UidValidity(u32),
    /// Message number of the first unseen message.
    Unseen(u32),
    /// RFC 3501: the charsets SEARCH knows.
    BadCharset,
    /// RFC 4315, RFC 3502: UIDVALIDITY and UIDs of appended messages.
    AppendUid(u32, Vec<RangeInclusive<u32>>),
    /// RFC 4315: UIDVALIDITY, source UIDs, target UIDs; both sets in the same order.
    CopyUid(u32, Vec<RangeInclusive<u32>>, Vec<RangeInclusive<u32>>),
    /// RFC 7162: highest MODSEQ.
    HighestModSeq(u64),
    /// RFC 7162: the members that STORE left alone.
    Modified(Vec<RangeInclusive<u32>>),
    /// RFC 7162: QRESYNC closed the old mailbox.
    Closed,
    /// RFC 9738: how many messages a command may concern; the lowest UID that was done, if some were.
    MessageLimit(u32, Option<u32>),
    /// RFC 4467: how URLs can be authorised.
    UrlMech,
    /// RFC 9586: messages are named by UID only.
    UidRequired,
    /// RFC 6154: the special use asked for cannot be had.
    UseAttr,
    /// RFC 7889/4469: the message is too big.
    TooBig,
    /// RFC 5530: wrong user or password.
    AuthenticationFailed,
    /// RFC 5530: the password is right, but its user may not act as the one who was asked for.
    AuthorizationFailed,
    /// RFC 5530: something the server needs is away.
    Unavailable,
    /// RFC 5530: not without TLS.
    PrivacyRequired,
    /// RFC 5530: this will never work.
    Cannot,
    /// RFC 5530: no such thing.
    NonExistent,
    /// RFC 5530: exists already.
    AlreadyExists,
    /// RFC 5530: quota.
    OverQuota,
    /// RFC 5530: a limit of the server.
    Limit,
    /// RFC 5530: not allowed to.
    NoPerm,
    /// RFC 5530: some messages are gone, and may not be reported gone yet.
    ExpungeIssued,
    /// RFC 5530: our fault.
    ServerBug,
    /// RFC 5530: stored data is damaged.
    Corruption,
    /// RFC 5530: someone has it open.
    InUse,
    /// RFC 5530: the client does something wrong.
    ClientBug,
    /// RFC 5258: children keep the name alive.
    HasChildren,
    /// RFC 5464: the size of the longest value that MAXSIZE left out.
    MetadataLongEntries(u64),
    /// RFC 5464: the size of the longest value that can be set.
    MetadataMaxSize(u64),
    /// RFC 5464: there is no room for another entry.
    MetadataTooMany,
    /// RFC 8474: the id of the mailbox.
    MailboxId(String),
    /// RFC 4978: compression is on already.
    CompressionActive,
    /// RFC 5182: the search that was to be kept failed.
    NotSaved,
    /// RFC 3516: octets in a form that cannot be kept or decoded.
    UnknownCte,
    /// RFC 4469: this URL leads nowhere.
    BadUrl(String),
    /// RFC 5267: the results of the search with this tag will not be kept up to date.
    NoUpdate(String),
    /// RFC 5466: there is no filter of this name, or what it is set to is no search.
    UndefinedFilter(String),
    /// RFC 5465: the events that can be told of, in parentheses.
    BadEvent(String),
    /// RFC 5465: too much happened; news end.
    NotificationOverflow,
    /// RFC 9585: the command with this tag has done so much of so much.
    InProgress(String, u64, u64),
    /// RFC 8437, RFC 5530: the session is not in a state for this.
    NotAuthenticated,
}

impl Code {
    /// Appends the code without its brackets.
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Code::Capability(list) => words(out, "CAPABILITY ", list),
            Code::PermanentFlags(list) => words(out, "PERMANENTFLAGS ", list),
            Code::UidNext(uid) => numbered(out, "UIDNEXT ", u64::from(*uid)),
            Code::UidValidity(validity) => numbered(out, "UIDVALIDITY ", u64::from(*validity)),
            Code::Unseen(number) => numbered(out, "UNSEEN ", u64::from(*number)),
            Code::HighestModSeq(modseq) => numbered(out, "HIGHESTMODSEQ ", *modseq),
            Code::AppendUid(validity, uids) => {
                numbered(out, "APPENDUID ", u64::from(*validity));
                out.push(b' ');
                encode::ranges(out, uids);
            }
            Code::CopyUid(validity, from, to) => {
                numbered(out, "COPYUID ", u64::from(*validity));
                out.push(b' ');
                encode::ranges(out, from);
                out.push(b' ');
                encode::ranges(out, to);
            }
            Code::MessageLimit(limit, lowest) => {
                numbered(out, "MESSAGELIMIT ", u64::from(*limit));
                if let Some(uid) = lowest {
                    numbered(out, " ", u64::from(*uid));
                }
            }
            Code::Modified(members) => {
                out.extend_from_slice(b"MODIFIED ");
                encode::ranges(out, members);
            }
            Code::MetadataLongEntries(size) => numbered(out, "METADATA LONGENTRIES ", *size),
            Code::MetadataMaxSize(size) => numbered(out, "METADATA MAXSIZE ", *size),
            Code::MailboxId(id) => {
                words(out, "MAILBOXID (", id);
                out.push(b')');
            }
            Code::BadUrl(url) => {
                out.extend_from_slice(b"BADURL ");
                encode::string_on_a_line(out, url);
            }
            Code::NoUpdate(tag) => {
                out.extend_from_slice(b"NOUPDATE ");
                encode::string_on_a_line(out, tag);
            }
            Code::UndefinedFilter(name) => words(out, "UNDEFINED-FILTER ", name),
            Code::BadEvent(events) => words(out, "BADEVENT ", events),
            Code::InProgress(tag, done, total) => {
                out.extend_from_slice(b"INPROGRESS (");
                encode::string_on_a_line(out, tag);
                numbered(out, " ", *done);
                numbered(out, " ", *total);
                out.push(b')');
            }
            simple => out.extend_from_slice(simple.word().as_bytes()),
        }
    }

    /// The codes that are one fixed text.
    fn word(&self) -> &'static str {
        match self {
            Code::Alert => "ALERT",
            Code::ReadOnly => "READ-ONLY",
            Code::ReadWrite => "READ-WRITE",
            Code::TryCreate => "TRYCREATE",
            Code::BadCharset => "BADCHARSET (US-ASCII UTF-8)",
            Code::Closed => "CLOSED",
            Code::UidRequired => "UIDREQUIRED",
            Code::UrlMech => "URLMECH INTERNAL",
            Code::UseAttr => "USEATTR",
            Code::TooBig => "TOOBIG",
            Code::AuthenticationFailed => "AUTHENTICATIONFAILED",
            Code::AuthorizationFailed => "AUTHORIZATIONFAILED",
            Code::Unavailable => "UNAVAILABLE",
            Code::PrivacyRequired => "PRIVACYREQUIRED",
            Code::Cannot => "CANNOT",
            Code::NonExistent => "NONEXISTENT",
            Code::AlreadyExists => "ALREADYEXISTS",
            Code::OverQuota => "OVERQUOTA",
            Code::Limit => "LIMIT",
            Code::NoPerm => "NOPERM",
            Code::ExpungeIssued => "EXPUNGEISSUED",
            Code::ServerBug => "SERVERBUG",
            Code::Corruption => "CORRUPTION",
            Code::InUse => "INUSE",
            Code::ClientBug => "CLIENTBUG",
            Code::HasChildren => "HASCHILDREN",
            Code::MetadataTooMany => "METADATA TOOMANY",
            Code::CompressionActive => "COMPRESSIONACTIVE",
            Code::NotSaved => "NOTSAVED",
            Code::UnknownCte => "UNKNOWN-CTE",
            Code::NotificationOverflow => "NOTIFICATIONOVERFLOW",
            Code::NotAuthenticated => "NOTAUTHENTICATED",
            // Those with an argument are written by `encode`.
            _ => "",
        }
    }
}

/// A status response.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Status {
    /// What it says.
    pub condition: Condition,
    /// For programs.
    pub code: Option<Code>,
    /// For people: one line of printable ASCII.
    pub text: String,
}

impl Status {
    /// `OK text`
    pub fn ok(text: impl Into<String>) -> Status {
        Status::new(Condition::Ok, text)
    }
    /// `NO text`
    pub fn no(text: impl Into<String>) -> Status {
        Status::new(Condition::No, text)
    }
    /// `BAD text`
    pub fn bad(text: impl Into<String>) -> Status {
        Status::new(Condition::Bad, text)
    }
    /// `BYE text`
    pub fn bye(text: impl Into<String>) -> Status {
        Status::new(Condition::Bye, text)
    }
    fn new(condition: Condition, text: impl Into<String>) -> Status {
        Status {
            condition,
            code: None,
            text: text.into(),
        }
    }
    /// The same with a code.
    pub fn code(self, code: Code) -> Status {
        Status {
            code: Some(code),
            ..self
        }
    }

    /// Appends the response with its line end; without a tag it is untagged.
    pub fn encode(&self, tag: Option<&Tag>, out: &mut Vec<u8>) {
        out.extend_from_slice(tag.map_or("*", Tag::as_str).as_bytes());
        out.extend_from_slice(match self.condition {
            Condition::Ok => b" OK ",
            Condition::No => b" NO ",
            Condition::Bad => b" BAD ",
            Condition::Bye => b" BYE ",
        });
        if let Some(code) = &self.code {
            out.push(b'[');
            code.encode(out);
            out.extend_from_slice(b"] ");
        }
        // Whatever a text was made of, it stays one line of ASCII.
        let printable = |o: u8| if (b' '..=b'~').contains(&o) { o } else { b'?' };
        out.extend(self.text.bytes().map(printable));
        out.extend_from_slice(b"\r\n");
    }
}

fn words(out: &mut Vec<u8>, name: &str, value: &str) {
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(value.as_bytes());
}

fn numbered(out: &mut Vec<u8>, name: &str, value: u64) {
    out.extend_from_slice(name.as_bytes());
    encode::number(out, value);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(status: Status, tag: Option<&str>) -> String {
        let mut out = Vec::new();
        let tag = tag.and_then(|tag| Tag::new(tag.as_bytes()));
        status.encode(tag.as_ref(), &mut out);
        String::from_utf8(out).unwrap()
    }

    /// RFC 4315 §3 examples, RFC 7162 §3.1.3 example 7.
    #[test]
    fn codes_as_in_their_rfcs() {
        let done = |code| line(Status::ok("Done.").code(code), Some("A003"));
        assert_eq!(
            done(Code::AppendUid(38505, vec![3955..=3955])),
            "A003 OK [APPENDUID 38505 3955] Done.\r\n"
        );
        assert_eq!(
            done(Code::CopyUid(
                38505,
                vec![304..=304, 319..=320],
                vec![3956..=3958]
            )),
            "A003 OK [COPYUID 38505 304,319:320 3956:3958] Done.\r\n"
        );
        assert_eq!(
            done(Code::InProgress("A001".into(), 454, 1000)),
            "A003 OK [INPROGRESS (\"A001\" 454 1000)] Done.\r\n"
        );
        assert_eq!(
            done(Code::BadUrl("/x\r\n\"ü".into())),
            "A003 OK [BADURL \"/x??\\\"??\"] Done.\r\n"
        );
        assert_eq!(
            done(Code::Modified(vec![7..=7, 9..=9])),
            "A003 OK [MODIFIED 7,9] Done.\r\n"
        );
    }

    #[test]
    fn a_text_cannot_break_out_of_its_line() {
        assert_eq!(
            line(Status::no("a\r\nA1 OK ü"), None),
            "* NO a??A1 OK ??\r\n"
        );
    }
}
