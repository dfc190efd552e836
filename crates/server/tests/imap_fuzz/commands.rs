//! Every command there is, in every state, with arguments made at random: mostly right ones, some wrong, some with octets changed.
//! Each gets one tagged answer; in a state that it does not belong to that is BAD; the session lives on, the server has no fault of its own,
//! all responses are well formed, and the store is whole afterwards.

use crate::client::{Answer, Client};
use crate::random::{Random, rounds, seed};
use crate::world::{PASSWORD, World};
use imap::command::NAMES;
use std::fmt::Write as _;

/// Where a session stands, and how it got there.
#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    NotAuthenticated,
    Authenticated,
    Selected,
    Examined,
    /// With everything enabled, and NOTIFY and a search that is kept up to date.
    Modern,
    /// Somebody else's mailbox, with few rights.
    Foreign,
}

const STATES: [State; 6] = [
    State::NotAuthenticated,
    State::Authenticated,
    State::Selected,
    State::Examined,
    State::Modern,
    State::Foreign,
];

/// Commands that need no log-in.
const BEFORE_LOGIN: [&str; 7] = [
    "CAPABILITY",
    "NOOP",
    "LOGOUT",
    "ID",
    "STARTTLS",
    "AUTHENTICATE",
    "LOGIN",
];

/// Commands that need none, and may not be given after one.
const ONLY_BEFORE_LOGIN: [&str; 3] = ["STARTTLS", "AUTHENTICATE", "LOGIN"];

/// Commands that need a selected mailbox.
const OF_SELECTED: [&str; 22] = [
    "CANCELUPDATE",
    "CHECK",
    "CLOSE",
    "COPY",
    "EXPUNGE",
    "FETCH",
    "MOVE",
    "REPLACE",
    "SEARCH",
    "SORT",
    "STORE",
    "THREAD",
    "UNSELECT",
    "UID COPY",
    "UID EXPUNGE",
    "UID FETCH",
    "UID MOVE",
    "UID REPLACE",
    "UID SEARCH",
    "UID SORT",
    "UID STORE",
    "UID THREAD",
];

fn belongs(name: &str, state: State) -> bool {
    match state {
        State::NotAuthenticated => BEFORE_LOGIN.contains(&name),
        _ if ONLY_BEFORE_LOGIN.contains(&name) => false,
        State::Authenticated => !OF_SELECTED.contains(&name),
        _ => true,
    }
}

/// After these a session may be in another state, or speak otherwise.
const CHANGES_STATE: [&str; 10] = [
    "LOGOUT",
    "STARTTLS",
    "AUTHENTICATE",
    "LOGIN",
    "COMPRESS",
    "UNAUTHENTICATE",
    "SELECT",
    "EXAMINE",
    "CLOSE",
    "UNSELECT",
];

#[tokio::test(flavor = "multi_thread")]
async fn g12_every_command_in_every_state() {
    run(seed(1), 2).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "soak: 20 times 10 of every command in every state"]
async fn g12_every_command_in_every_state_many_times() {
    let begin = seed(std::process::id().into());
    println!("FUZZ_SEED={begin}");
    for round in 0..rounds(20) {
        run(begin.wrapping_add(round), 10).await;
    }
}

async fn run(seed: u64, times: usize) {
    let world = World::start().await;
    prepare(&world).await;
    let mut random = Random::new(seed);
    for state in STATES {
        for name in NAMES {
            several(&world, state, name, times, &mut random).await;
        }
    }
    world.finish().await;
}

/// Something to work on, for alice, and for bob in a mailbox of hers.
async fn prepare(world: &World) {
    let mut alice = Client::log_in(world, "alice").await;
    let long = format!("APPEND INBOX {}", message(6));
    let commands = [
        long.as_str(),
        "CREATE Work/Old",
        "COPY 1:* Archive",
        "SETACL INBOX bob lrs",
        "SETMETADATA \"\" (/private/filters/values/mine \"UNSEEN\")",
    ];
    for command in commands {
        alice.command(command.as_bytes()).await;
    }
}

/// Messages as MULTIAPPEND has them.
fn message(count: usize) -> String {
    let mut all = String::new();
    for n in 0..count {
        let text = format!(
            "From: a{n} <a@example.com>\r\nSubject: Re: number {n}\r\nMessage-ID: <{n}@x>\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n\
             --b\r\n\r\ntext {n}\r\n--b\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\nAAAA\r\n--b--\r\n"
        );
        let space = if n == 0 { "" } else { " " };
        let _ = write!(all, "{space}{{{}+}}\r\n{text}", text.len());
    }
    all
}

async fn several(world: &World, state: State, name: &str, times: usize, random: &mut Random) {
    let mut client = reach(world, state).await;
    for _ in 0..times {
        let (command, changed) = command(name, random);
        let what = || format!("{} in {state:?}", String::from_utf8_lossy(&command));
        let answer = client.command(&command).await;
        check(&answer, name, state, changed).unwrap_or_else(|why| panic!("{why}: {}", what()));
        if answer.ended() || CHANGES_STATE.contains(&name) {
            client = reach(world, state).await;
            continue;
        }
        let after = client.command(b"NOOP").await;
        // A mailbox that the session itself deleted, or took its rights from.
        let lost = after.ended() && ["DELETE", "SETACL", "DELETEACL"].contains(&name);
        assert!(
            after.condition == "OK" || lost,
            "{after:?} after {}",
            what()
        );
        if lost {
            client = reach(world, state).await;
        }
    }
}

/// What sessions before this one took away.
async fn repair(world: &World) {
    let mut alice = Client::log_in(world, "alice").await;
    for command in [
        "CREATE Archive",
        "DELETEACL INBOX -bob",
        "SETACL INBOX bob lrs",
    ] {
        alice.command(command.as_bytes()).await;
    }
}

async fn reach(world: &World, state: State) -> Client {
    if matches!(state, State::Examined | State::Foreign) {
        repair(world).await;
    }
    let commands: &[&str] = match state {
        State::NotAuthenticated => return Client::connect(world).await,
        State::Authenticated => &[],
        State::Selected => &["SELECT INBOX"],
        State::Examined => &["EXAMINE Archive"],
        State::Modern => &[
            "ENABLE QRESYNC UTF8=ACCEPT IMAP4rev2",
            "SELECT INBOX",
            "SEARCH RETURN (UPDATE SAVE ALL) UNSEEN",
            "NOTIFY SET (selected (MessageNew (UID FLAGS PREVIEW) MessageExpunge FlagChange)) \
             (personal (MessageNew MessageExpunge FlagChange MailboxName SubscriptionChange MailboxMetadataChange ServerMetadataChange))",
        ],
        State::Foreign => &["SELECT \"Other Users/alice@example.com\""],
    };
    let who = if state == State::Foreign {
        "bob"
    } else {
        "alice"
    };
    let mut client = Client::log_in(world, who).await;
    for command in commands {
        let answer = client.command(command.as_bytes()).await;
        assert_eq!(answer.condition, "OK", "{command}: {answer:?}");
    }
    client
}

fn check(answer: &Answer, name: &str, state: State, changed: bool) -> Result<(), String> {
    let bye = answer.untagged.iter().any(|line| line.starts_with("* BYE"));
    match answer.condition.as_str() {
        "" if bye => Ok(()),
        "" => Err("the server closed the connection".into()),
        _ if answer.text.contains("SERVERBUG") || answer.text.contains("CORRUPTION") => {
            Err(format!("{answer:?}"))
        }
        "BAD" => Ok(()),
        "OK" | "NO" if belongs(name, state) || changed => Ok(()),
        // Found before it is asked whether the command belongs here.
        "NO" if answer.text.contains("BADCHARSET") && state != State::NotAuthenticated => Ok(()),
        _ => Err(format!("{answer:?}")),
    }
}

/// A command, and whether octets of it were changed.
fn command(name: &str, random: &mut Random) -> (Vec<u8>, bool) {
    let arguments = Arguments { random }.of(name);
    let space = if arguments.is_empty() { "" } else { " " };
    let mut octets = format!("{name}{space}{arguments}").into_bytes();
    let changed = random.one_in(4) && !octets.contains(&b'{');
    if changed {
        for _ in 0..=random.below(3) {
            change(&mut octets, random);
        }
    }
    (octets, changed)
}

/// Changes an octet. What could announce a literal, or end the line, is left out: who sends that waits for an answer that cannot come.
fn change(octets: &mut Vec<u8>, random: &mut Random) {
    let at = random.below(octets.len());
    let octet = random.pick(b"()\"\\ *%$,:<>[]~0aZ./-+\x01\x7f\xc3\xff");
    match random.below(3) {
        0 => octets[at] = octet,
        1 => octets.insert(at, octet),
        _ => drop(octets.remove(at)),
    }
    if octets.is_empty() {
        octets.push(b'x');
    }
}

/// Makes arguments.
struct Arguments<'a> {
    random: &'a mut Random,
}

impl Arguments<'_> {
    fn of(&mut self, name: &str) -> String {
        match name {
            "CAPABILITY" | "NOOP" | "LOGOUT" | "STARTTLS" | "NAMESPACE" | "IDLE" | "CHECK"
            | "CLOSE" | "UNSELECT" | "EXPUNGE" | "UNAUTHENTICATE" => String::new(),
            "ID" => self.pick(&["NIL", "()", "(\"name\" \"x\" \"version\" NIL)", "(\"a\")"]),
            "AUTHENTICATE" => self.pick(&[
                "PLAIN",
                "PLAIN AGFsaWNlAHg=",
                "PLAIN =",
                "LOGIN",
                "SCRAM-SHA-256",
                "SCRAM-SHA-256-PLUS",
                "X",
            ]),
            "LOGIN" => match self.random.one_in(2) {
                true => format!("alice@example.com \"{PASSWORD}\""),
                false => self.pick(&["alice wrong", "\"\" \"\"", "{5+}\r\nalice {1+}\r\nx"]),
            },
            "ENABLE" => self.pick(&[
                "CONDSTORE",
                "QRESYNC UTF8=ACCEPT",
                "IMAP4rev2",
                "NOTHING X-Y",
            ]),
            "COMPRESS" => self.pick(&["DEFLATE", "LZW"]),
            "SELECT" | "EXAMINE" => {
                let parameters = self.pick(&[
                    "",
                    " (CONDSTORE)",
                    " (QRESYNC (1 1))",
                    " (QRESYNC (67890007 20050715194045000 41,43:211 (1:2 1:3)))",
                ]);
                format!("{}{parameters}", self.mailbox())
            }
            "CREATE" => format!(
                "{}{}",
                self.mailbox(),
                self.pick(&["", "", " (USE (\\Drafts))", " (USE ())"])
            ),
            "DELETE" | "SUBSCRIBE" | "UNSUBSCRIBE" | "GETACL" | "MYRIGHTS" | "GETQUOTAROOT" => {
                self.mailbox()
            }
            "RENAME" => format!("{} {}", self.mailbox(), self.mailbox()),
            "LIST" => self.list(),
            "LSUB" | "XLIST" => format!(
                "{} {}",
                self.pick(&["\"\"", "INBOX", "Work/"]),
                self.pattern()
            ),
            "STATUS" => format!("{} ({})", self.mailbox(), self.several(&STATUS_ITEMS)),
            "APPEND" => format!("{} {}", self.mailbox(), self.message()),
            "REPLACE" | "UID REPLACE" => {
                format!("{} {} {}", self.number(), self.mailbox(), self.message())
            }
            "GENURLAUTH" => format!("{} INTERNAL", self.url()),
            "URLFETCH" => format!("{} {}", self.url(), self.url()),
            "RESETKEY" => match self.random.one_in(3) {
                true => String::new(),
                false => format!("{} INTERNAL", self.mailbox()),
            },
            "NOTIFY" => self.notify(),
            "CANCELUPDATE" => self.pick(&["\"T3\"", "\"T3\" \"T4\"", "x"]),
            "GETQUOTA" => self.pick(&["\"User quota\"", "\"\"", "x"]),
            "SETQUOTA" => self.pick(&["\"User quota\" (STORAGE 10)", "\"\" ()"]),
            "SETACL" => format!(
                "{} {} {}",
                self.mailbox(),
                self.identifier(),
                self.pick(&["lrs", "+w", "-r", "\"\"", "q"])
            ),
            "DELETEACL" | "LISTRIGHTS" => format!("{} {}", self.mailbox(), self.identifier()),
            "GETMETADATA" => self.get_metadata(),
            "SETMETADATA" => self.set_metadata(),
            "FETCH" | "UID FETCH" => self.fetch(),
            "STORE" | "UID STORE" => self.store(),
            "COPY" | "UID COPY" | "MOVE" | "UID MOVE" => {
                format!("{} {}", self.set(), self.mailbox())
            }
            "UID EXPUNGE" => self.set(),
            "SEARCH" | "UID SEARCH" => {
                format!("{}{}{}", self.returns(), self.charset(), self.keys())
            }
            "ESEARCH" => {
                let place = self.pick(&[
                    "",
                    "IN (personal) ",
                    "IN (selected) ",
                    "IN (mailboxes (INBOX Archive) subtree Work) ",
                    "IN (subtree-one Work subscribed inboxes) ",
                ]);
                format!("{place}{}{}{}", self.returns(), self.charset(), self.keys())
            }
            "SORT" | "UID SORT" => {
                let criteria = self.several(&[
                    "ARRIVAL",
                    "CC",
                    "DATE",
                    "FROM",
                    "REVERSE SIZE",
                    "SUBJECT",
                    "TO",
                    "DISPLAYFROM",
                    "REVERSE DISPLAYTO",
                ]);
                format!("{}({criteria}) UTF-8 {}", self.returns(), self.keys())
            }
            "THREAD" | "UID THREAD" => {
                let algorithm = self.pick(&["ORDEREDSUBJECT", "REFERENCES", "REFS", "X"]);
                format!("{algorithm} UTF-8 {}", self.keys())
            }
            other => panic!("the fuzzer has no arguments for {other}: teach it some"),
        }
    }

    fn pick(&mut self, of: &[&str]) -> String {
        self.random.pick(of).to_owned()
    }

    /// One or some of these.
    fn several(&mut self, of: &[&str]) -> String {
        let count = 1 + self.random.below(3);
        let chosen: Vec<&str> = (0..count).map(|_| self.random.pick(of)).collect();
        chosen.join(" ")
    }

    fn mailbox(&mut self) -> String {
        self.pick(&[
            "INBOX",
            "inbox",
            "Archive",
            "Work",
            "Work/Old",
            "\"Work/New\"",
            "{5+}\r\nDraft",
            "Nowhere",
            "\"a\\\"b\"",
            "&Jjo-",
            "\"\"",
            "a//b",
            "&x",
            "\"Other Users/alice@example.com\"",
            "\"Other Users\"",
            "Shared/x@y",
            "Trash",
        ])
    }

    fn pattern(&mut self) -> String {
        self.pick(&[
            "*",
            "%",
            "\"\"",
            "Work/%",
            "%/%",
            "{3+}\r\n***",
            "\"Other Users/*\"",
        ])
    }

    fn url(&mut self) -> String {
        self.pick(&[
            "\"imap://alice@example.com/INBOX/;UID=1;URLAUTH=authuser\"",
            "\"imap://alice@example.com/INBOX/;UID=1;URLAUTH=user+bob:INTERNAL:00\"",
            "\"imap://bob@mx1.example.com/INBOX/;UID=1/;SECTION=1;EXPIRE=x;URLAUTH=anonymous\"",
            "imap://x",
        ])
    }

    fn number(&mut self) -> String {
        self.pick(&["1", "2", "*", "9999", "0", "4294967295"])
    }

    fn set(&mut self) -> String {
        self.pick(&[
            "1",
            "1:*",
            "2,1",
            "*:3",
            "$",
            "1:3,5",
            "9999",
            "4294967295:*",
            "0",
            "1:",
        ])
    }

    fn flags(&mut self) -> String {
        let flags = self.several(&[
            "\\Seen",
            "\\Flagged",
            "\\Deleted",
            "\\Answered",
            "\\Draft",
            "$Junk",
            "work",
            "\\Recent",
            "\\x",
        ]);
        match self.random.below(4) {
            0 => "()".into(),
            1 => flags,
            _ => format!("({flags})"),
        }
    }

    fn text(&mut self) -> String {
        self.pick(&[
            "x",
            "\"number 1\"",
            "{3+}\r\na b",
            "\"\"",
            "text",
            "\"\\\"\"",
            "re",
        ])
    }

    fn charset(&mut self) -> String {
        self.pick(&[
            "",
            "",
            "CHARSET UTF-8 ",
            "CHARSET US-ASCII ",
            "CHARSET KOI8-R ",
        ])
    }

    fn date(&mut self) -> String {
        self.pick(&["1-Feb-1994", "\"31-Dec-2030\"", "30-Feb-2000", "1-Jan-1"])
    }

    fn identifier(&mut self) -> String {
        self.pick(&[
            "bob",
            "anyone",
            "-bob",
            "carol@example.com",
            "$family",
            "alice@example.com",
            "\"\"",
        ])
    }

    fn message(&mut self) -> String {
        let flags = match self.random.one_in(2) {
            true => format!("({}) ", self.several(&["\\Seen", "\\Flagged", "$x"])),
            false => String::new(),
        };
        let date = self.pick(&[
            "",
            "\"01-Feb-1994 00:00:00 +0000\" ",
            "\"31-Feb-1994 00:00:00 +0000\" ",
        ]);
        let data = self.pick(&[
            "{14+}\r\nSubject: x\r\n\r\n",
            "~{3+}\r\na\r\n",
            "UTF8 (~{3+}\r\nabc)",
            "{3+}\r\nabc {3+}\r\ndef",
            "{3+}\r\nabc  (\\Seen) {3+}\r\ndef",
            "CATENATE (TEXT {3+}\r\nabc URL \"/INBOX/;UID=1/;SECTION=HEADER\")",
            "CATENATE (URL /Nowhere/;UID=1)",
            "{0+}\r\n",
            "",
        ]);
        format!("{flags}{date}{data}")
    }

    fn list(&mut self) -> String {
        let select = self.pick(&[
            "",
            "",
            "(SUBSCRIBED) ",
            "(SPECIAL-USE RECURSIVEMATCH) ",
            "(SUBSCRIBED RECURSIVEMATCH) ",
        ]);
        let returns = self.pick(&[
            "",
            " RETURN (CHILDREN STATUS (MESSAGES SIZE))",
            " RETURN (MYRIGHTS METADATA (/shared/comment))",
            " RETURN (SUBSCRIBED)",
        ]);
        let pattern = match self.random.one_in(3) {
            true => format!("({} {})", self.pattern(), self.pattern()),
            false => self.pattern(),
        };
        format!("{select}\"\" {pattern}{returns}")
    }

    fn entry(&mut self) -> String {
        self.pick(&[
            "/shared/comment",
            "/private/x/y",
            "/private/specialuse",
            "/shared/admin",
            "/private/filters/values/mine",
            "comment",
            "\"/private/%\"",
        ])
    }

    fn place(&mut self) -> String {
        match self.random.one_in(2) {
            true => "\"\"".into(),
            false => self.mailbox(),
        }
    }

    fn get_metadata(&mut self) -> String {
        let options = self.pick(&[
            "",
            "(MAXSIZE 3) ",
            "(DEPTH infinity) ",
            "(DEPTH 1 MAXSIZE 0) ",
        ]);
        format!(
            "{options}{} ({} {})",
            self.place(),
            self.entry(),
            self.entry()
        )
    }

    fn set_metadata(&mut self) -> String {
        let value = self.pick(&[
            "NIL",
            "\"SEEN\"",
            "{4+}\r\n\\Sent",
            "\"OR FILTER mine SEEN\"",
            "{0+}\r\n",
        ]);
        format!("{} ({} {value})", self.place(), self.entry())
    }

    fn notify(&mut self) -> String {
        let status = self.pick(&["", "STATUS "]);
        let selected = self.pick(&[
            "",
            "(selected (MessageNew (UID BODY.PEEK[HEADER.FIELDS (SUBJECT)]) MessageExpunge))",
            "(selected-delayed (MessageNew MessageExpunge FlagChange))",
            "(selected NONE)",
            "(selected (FlagChange))",
        ]);
        let others = self.pick(&[
            "",
            "(personal (MessageNew MessageExpunge MailboxName))",
            "(subtree (Work \"Other Users\") (MessageNew MessageExpunge FlagChange))",
            "(mailboxes INBOX NONE) (subscribed (SubscriptionChange MailboxMetadataChange))",
            "(inboxes (AnnotationChange))",
        ]);
        match (selected.as_str(), others.as_str()) {
            ("", "") => "NONE".into(),
            ("", groups) | (groups, "") => format!("SET {status}{groups}"),
            _ => format!("SET {status}{selected} {others}"),
        }
    }

    fn fetch(&mut self) -> String {
        let items = self.several(&[
            "FLAGS",
            "UID",
            "ENVELOPE",
            "BODYSTRUCTURE",
            "BODY",
            "INTERNALDATE",
            "RFC822.SIZE",
            "MODSEQ",
            "PREVIEW",
            "PREVIEW (LAZY)",
            "SAVEDATE",
            "EMAILID",
            "THREADID",
            "BODY[]",
            "BODY.PEEK[1]<0.5>",
            "BODY.PEEK[HEADER.FIELDS (SUBJECT X)]",
            "BODY.PEEK[2.MIME]",
            "BINARY.PEEK[2]",
            "BINARY.SIZE[1]",
            "BINARY[9]",
            "RFC822.HEADER",
            "BODY[1.2.3.TEXT]",
            "RFC822",
        ]);
        let modifiers = self.pick(&[
            "",
            "",
            " (CHANGEDSINCE 1)",
            " (CHANGEDSINCE 3 VANISHED)",
            " (PARTIAL -1:-2)",
        ]);
        let items = match self.random.one_in(4) {
            true => self.pick(&["ALL", "FAST", "FULL"]),
            false => format!("({items})"),
        };
        format!("{} {items}{modifiers}", self.set())
    }

    fn store(&mut self) -> String {
        let unchanged = self.pick(&["", "", "(UNCHANGEDSINCE 3) ", "(UNCHANGEDSINCE 0) "]);
        let action = self.pick(&[
            "FLAGS",
            "+FLAGS",
            "-FLAGS",
            "FLAGS.SILENT",
            "+FLAGS.SILENT",
            "-FLAGS.SILENT",
        ]);
        format!("{} {unchanged}{action} {}", self.set(), self.flags())
    }

    fn returns(&mut self) -> String {
        self.pick(&[
            "",
            "",
            "RETURN () ",
            "RETURN (MIN MAX COUNT) ",
            "RETURN (SAVE) ",
            "RETURN (ALL SAVE) ",
            "RETURN (PARTIAL 1:2) ",
            "RETURN (COUNT UPDATE) ",
            "RETURN (CONTEXT ALL) ",
            "RETURN (PARTIAL -1:-3 ALL) ",
        ])
    }

    fn keys(&mut self) -> String {
        let count = 1 + self.random.below(3);
        let keys: Vec<String> = (0..count).map(|_| self.key(0)).collect();
        keys.join(" ")
    }

    fn key(&mut self, depth: usize) -> String {
        match self.random.below(if depth < 4 { 14 } else { 10 }) {
            0 => self.pick(&[
                "ALL",
                "SEEN",
                "UNSEEN",
                "NEW",
                "OLD",
                "RECENT",
                "DELETED",
                "UNDRAFT",
                "SAVEDATESUPPORTED",
                "ANSWERED",
            ]),
            1 => {
                let name = self.pick(&["BCC", "CC", "FROM", "SUBJECT", "TO", "BODY", "TEXT"]);
                format!("{name} {}", self.text())
            }
            2 => format!("HEADER {} {}", self.text(), self.text()),
            3 => {
                let name = self.pick(&[
                    "BEFORE",
                    "ON",
                    "SINCE",
                    "SENTBEFORE",
                    "SENTON",
                    "SENTSINCE",
                    "SAVEDBEFORE",
                    "SAVEDON",
                    "SAVEDSINCE",
                ]);
                format!("{name} {}", self.date())
            }
            4 => format!(
                "{} {}",
                self.pick(&["LARGER", "SMALLER", "YOUNGER", "OLDER"]),
                self.pick(&["1", "100", "4294967295", "0"])
            ),
            5 => self.set(),
            6 => format!("UID {}", self.set()),
            7 => format!(
                "{} {}",
                self.pick(&["KEYWORD", "UNKEYWORD"]),
                self.pick(&["work", "$Junk"])
            ),
            8 => self.pick(&[
                "MODSEQ 1",
                "MODSEQ \"/flags/\\\\draft\" all 3",
                "EMAILID Mx",
                "THREADID Tx",
            ]),
            9 => self.pick(&["FILTER mine", "FILTER nothing"]),
            10 => format!("NOT {}", self.key(depth + 1)),
            11 => format!("OR {} {}", self.key(depth + 1), self.key(depth + 1)),
            _ => format!("({} {})", self.key(depth + 1), self.key(depth + 1)),
        }
    }
}

const STATUS_ITEMS: [&str; 11] = [
    "MESSAGES",
    "RECENT",
    "UIDNEXT",
    "UIDVALIDITY",
    "UNSEEN",
    "DELETED",
    "SIZE",
    "HIGHESTMODSEQ",
    "APPENDLIMIT",
    "DELETED-STORAGE",
    "MAILBOXID",
];
