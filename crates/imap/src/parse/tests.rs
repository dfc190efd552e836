//! Commands of the RFCs, and octets nobody should send.

use super::append;
use super::*;
use crate::append::Step;
use crate::command::{By, Echo, QResync, Select, StoreAction};
use crate::date::{Date, DateTime};
use crate::fetch::{Binary, Content, Edge, Item, Partial, Section, SectionText, Spelling, Window};
use crate::flag::Flag;
use crate::framer::Literal;
use crate::list::{List, Use};
use crate::mailbox::MailboxName;
use crate::notify::{Event, Group, Mailboxes, Notify};
use crate::search::{EnvelopeField, Key, ResultOptions, When};
use crate::sequence::SequenceSet;
use crate::sort::{Criterion, SortKey};
use crate::status::StatusItem;
use crate::thread::Algorithm;
use proptest::prelude::*;

fn parse(line: &str) -> Body {
    match Command::parse(format!("A1 {line}").as_bytes()) {
        Ok(command) => command.body,
        Err(rejected) => panic!("{line}: {rejected:?}"),
    }
}

fn rejected(line: &str) -> Rejection {
    match Command::parse(format!("A1 {line}").as_bytes()) {
        Ok(command) => panic!("{line}: {command:?}"),
        Err(rejected) => {
            assert_eq!(rejected.tag, Tag::new(b"A1"), "{line}");
            rejected.why
        }
    }
}

fn search_key(line: &str) -> Key {
    match parse(line) {
        Body::Search(_, search) => search.key,
        body => panic!("{body:?}"),
    }
}

fn fetch_items(line: &str) -> Vec<Item> {
    match parse(line) {
        Body::Fetch(fetch) => fetch.items,
        body => panic!("{body:?}"),
    }
}

fn seen() -> Key {
    Key::Flag(Flag::Seen)
}

#[test]
fn without_a_tag_nothing_can_be_answered_by_name() {
    for line in ["", " ", "NOOP", "* NOOP", "+ NOOP", "a\u{0} NOOP", "ü NOOP"] {
        let rejected = Command::parse(line.as_bytes()).unwrap_err();
        assert_eq!(rejected.tag, None, "{line:?}");
    }
}

#[test]
fn rfc3501_6_2_login_and_authenticate() {
    let login = Body::Login("SMITH".into(), crate::command::Secret("SESAME".into()));
    assert_eq!(parse("LOGIN SMITH SESAME"), login);
    assert_eq!(parse("login {5}\r\nSMITH {6+}\r\nSESAME"), login);
    assert!(!format!("{login:?}").contains("SESAME"));
    // RFC 4959: initial response, "=" is the empty one.
    let authenticate = |initial: Option<&str>| {
        let secret = initial.map(|text| crate::command::Secret(text.into()));
        Body::Authenticate("PLAIN".into(), secret)
    };
    assert_eq!(parse("AUTHENTICATE plain"), authenticate(None));
    assert_eq!(
        parse("AUTHENTICATE PLAIN dGVzdA=="),
        authenticate(Some("dGVzdA=="))
    );
    assert_eq!(parse("AUTHENTICATE PLAIN ="), authenticate(Some("=")));
}

#[test]
fn rfc3501_6_3_mailbox_commands() {
    let name = MailboxName::new;
    assert_eq!(
        parse("CREATE owatagusiam/blurdybloop"),
        Body::Create(name("owatagusiam/blurdybloop"), vec![])
    );
    assert_eq!(
        parse("RENAME inbox \"old mail\""),
        Body::Rename(name("INBOX"), name("old mail"))
    );
    assert_eq!(parse("DELETE a.b/&APw-&-"), Body::Delete(name("a.b/ü&")));
    assert_eq!(
        parse("STATUS blurdybloop (UIDNEXT MESSAGES uidnext)"),
        Body::Status(
            name("blurdybloop"),
            vec![StatusItem::UidNext, StatusItem::Messages]
        )
    );
    rejected("STATUS x ()");
    rejected("CREATE a\u{fc}b");
    rejected("DELETE &Jjo!");
}

/// RFC 6154 §5.3
#[test]
fn rfc6154_create_with_use() {
    let expected = Body::Create(MailboxName::new("MySpecial"), vec![Use::Drafts, Use::Sent]);
    assert_eq!(parse(r"CREATE MySpecial (USE (\Drafts \Sent))"), expected);
    rejected(r"CREATE Foo (USE (\Nonsense))");
}

fn selected(line: &str) -> Select {
    match parse(line) {
        Body::Select(select) => select,
        body => panic!("{body:?}"),
    }
}

/// W33: two parameters at once.
#[test]
fn w33_select_with_condstore_and_qresync() {
    let select = Select {
        mailbox: MailboxName::new("INBOX"),
        condstore: true,
        qresync: None,
    };
    assert_eq!(selected("SELECT INBOX (CONDSTORE)"), select);
    let both = selected("SELECT INBOX (CONDSTORE QRESYNC (67890007 20050715194045000 41,43:211))");
    assert!(both.condstore);
    assert_eq!(
        both.qresync.unwrap().known.unwrap().to_string(),
        "41,43:211"
    );
}

/// RFC 7162 §3.2.5
#[test]
fn rfc7162_select_with_qresync() {
    let plain = QResync {
        uid_validity: 67890007,
        modseq: 20050715194045000,
        known: None,
        pairs: None,
    };
    let select = selected("SELECT INBOX (QRESYNC (67890007 20050715194045000))");
    assert_eq!(select.qresync, Some(plain));
    let select =
        selected("SELECT INBOX (QRESYNC (67890007 90060115194045000 41:211,214:541 (1:3 5:7)))");
    let pairs = select.qresync.unwrap().pairs.unwrap();
    assert_eq!(
        (pairs.0.to_string(), pairs.1.to_string()),
        ("1:3".into(), "5:7".into())
    );
    assert!(
        selected("SELECT INBOX (QRESYNC (1 2 (1 5)))")
            .qresync
            .unwrap()
            .pairs
            .is_some()
    );
    for wrong in [
        "(1 0)",
        "(0 2)",
        "(1)",
        "(1 2 *)",
        "(1 2 1:*)",
        "(1 2 $)",
        "(1 2 3 4)",
        "(1 2 (1))",
    ] {
        rejected(&format!("SELECT INBOX (QRESYNC {wrong})"));
    }
}

/// RFC 7162 §3.2.6, RFC 9394 §3.3
#[test]
fn fetch_modifiers() {
    let Body::Fetch(fetch) = parse("UID FETCH 300:500 (FLAGS) (CHANGEDSINCE 12345 VANISHED)")
    else {
        panic!();
    };
    assert!(fetch.vanished && fetch.changed_since == Some(12345));
    let Body::Fetch(fetch) = parse("UID FETCH 25900:26600 (UID FLAGS) (PARTIAL -1:-30)") else {
        panic!();
    };
    let window = Window {
        from: Edge::End,
        low: 1,
        high: 30,
    };
    assert_eq!(fetch.window, Some(window));
    assert_eq!(window.of(100), 70..100);
    assert_eq!(window.of(10), 0..10);
    for wrong in [
        "FETCH 1:5 (FLAGS) (CHANGEDSINCE 1 VANISHED)",
        "UID FETCH 1:5 (FLAGS) (VANISHED)",
        "UID FETCH 1 (FLAGS) (PARTIAL 0:1)",
        "UID FETCH 1 (FLAGS) (PARTIAL -1:30)",
        "UID FETCH 1 (FLAGS) (NONSENSE)",
    ] {
        rejected(wrong);
    }
}

/// RFC 3516 §4.2–4.3, RFC 8970, RFC 8514, RFC 8474
#[test]
fn newer_items_of_fetch() {
    let binary = Binary {
        part: vec![1, 2],
        partial: Some(Partial {
            offset: 0,
            length: 10,
        }),
        peek: true,
    };
    assert_eq!(
        fetch_items("FETCH 1 BINARY.PEEK[1.2]<0.10>"),
        [Item::Binary(binary)]
    );
    assert_eq!(
        fetch_items("FETCH 1 (BINARY.SIZE[2] PREVIEW (LAZY) SAVEDATE EMAILID THREADID)"),
        [
            Item::BinarySize(vec![2]),
            Item::Preview,
            Item::SaveDate,
            Item::EmailId,
            Item::ThreadId
        ]
    );
    assert_eq!(
        fetch_items("FETCH 1 (PREVIEW FLAGS)"),
        [Item::Preview, Item::Flags]
    );
    rejected("FETCH 1 BINARY[1.HEADER]");
    rejected("FETCH 1 (PREVIEW (EAGER))");
}

/// RFC 5256 §3, RFC 5267 §3, RFC 5957
#[test]
fn sort_and_thread() {
    let Body::Sort(By::Uid, sort) =
        parse("UID SORT RETURN (COUNT PARTIAL 1:10) (REVERSE DATE DISPLAYFROM) UTF-8 UNDELETED")
    else {
        panic!();
    };
    let by = |key, reverse| Criterion { key, reverse };
    assert_eq!(
        sort.criteria,
        [by(SortKey::Date, true), by(SortKey::DisplayFrom, false)]
    );
    assert!(sort.search.result.unwrap().count);
    let Body::Thread(By::Sequence, thread) =
        parse("THREAD ORDEREDSUBJECT UTF-8 SINCE 5-MAR-2000 TEXT \"x\"")
    else {
        panic!();
    };
    assert_eq!(thread.algorithm, Algorithm::OrderedSubject);
    assert_eq!(rejected("SORT (DATE) KOI8-R ALL"), Rejection::Charset);
    rejected("SORT () UTF-8 ALL");
    rejected("SORT (REVERSE) UTF-8 ALL");
    rejected("SORT (DATE) UTF-8");
    rejected("THREAD NONSENSE UTF-8 ALL");
}

/// RFC 5032, RFC 5182, RFC 5267, RFC 8474, RFC 8514, RFC 9394
#[test]
fn newer_searches() {
    assert_eq!(search_key("SEARCH OLDER 3600"), not(Key::Younger(3600)));
    assert_eq!(search_key("SEARCH $"), Key::Sequence(SequenceSet::Saved));
    assert_eq!(search_key("SEARCH UID $"), Key::Uid(SequenceSet::Saved));
    assert_eq!(
        search_key("SEARCH SAVEDSINCE 28-Nov-2012"),
        Key::Saved(When::Since, Date::new(2012, 11, 28).unwrap())
    );
    assert_eq!(
        search_key("SEARCH EMAILID M00001"),
        Key::EmailId("M00001".into())
    );
    let Body::Search(_, search) = parse("SEARCH RETURN (SAVE) ALL") else {
        panic!();
    };
    let options = search.result.unwrap();
    assert!(options.save && !options.all);
    let Body::Search(_, search) = parse("SEARCH RETURN (PARTIAL -1:-100 UPDATE) ALL") else {
        panic!();
    };
    assert!(search.result.unwrap().update && !search.result.unwrap().all);
    for wrong in [
        "SEARCH RETURN (ALL PARTIAL 1:2) ALL",
        "SEARCH OLDER 0",
        "SEARCH EMAILID \"a b\"",
        "SEARCH RETURN (PARTIAL 1) ALL",
    ] {
        rejected(wrong);
    }
    let tags = vec!["A001".to_owned(), "A002".to_owned()];
    assert_eq!(
        parse("CANCELUPDATE \"A001\" \"A002\""),
        Body::CancelUpdate(tags)
    );
}

/// RFC 5465 §5, RFC 7377 §2.1
#[test]
fn notify_and_multisearch() {
    let Body::Notify(Notify::Set { status, groups }) = parse(
        "NOTIFY SET STATUS (selected (MessageNew (UID FLAGS) MessageExpunge)) (subtree (Lists \"a b\") (MessageNew MessageExpunge FlagChange Odd)) (personal (MailboxName ServerMetadataChange))",
    ) else {
        panic!();
    };
    assert!(status);
    let lists = ["Lists", "a b"].map(MailboxName::new).to_vec();
    assert_eq!(
        groups[1],
        Group {
            mailboxes: Mailboxes::Subtree(lists),
            events: vec![
                Event::MessageNew(vec![]),
                Event::MessageExpunge,
                Event::FlagChange,
                Event::Other("Odd".into())
            ],
        }
    );
    assert_eq!(
        groups[0].events[0],
        Event::MessageNew(vec![Item::Uid, Item::Flags])
    );
    assert_eq!(parse("NOTIFY NONE"), Body::Notify(Notify::None));
    // The example of §3.1 has no parentheses around its events.
    let with = parse("NOTIFY SET (subtree Lists (MessageNew MessageExpunge)) (personal NONE)");
    let without = parse("NOTIFY SET (subtree Lists MessageNew MessageExpunge) (personal none)");
    assert_eq!(with, without);
    let Body::MultiSearch(search) = parse(
        "ESEARCH IN (mailboxes \"folder1\" subtree \"folder2\") RETURN (COUNT) subject \"chad\"",
    ) else {
        panic!();
    };
    assert_eq!(search.sources.len(), 2);
    for wrong in [
        "NOTIFY",
        "NOTIFY SET",
        "NOTIFY SET (selected)",
        "NOTIFY SET (nowhere NONE)",
        "NOTIFY SET (personal (MessageNew))",
        "NOTIFY SET (personal (MessageExpunge))",
        "NOTIFY SET (personal (FlagChange))",
        "NOTIFY SET (personal (MessageNew (UID) MessageExpunge))",
        "NOTIFY SET (selected (MailboxName))",
        "NOTIFY SET (selected NONE) (selected-delayed NONE)",
        "NOTIFY SET (subtree-one x NONE)",
        "ESEARCH IN () ALL",
        "ESEARCH IN (selected-delayed) ALL",
    ] {
        rejected(wrong);
    }
}

/// RFC 5466 §3.1
#[test]
fn filters() {
    let Body::Search(_, search) = parse("SEARCH FILTER On-The-Road OR ALL NOT ALL") else {
        panic!();
    };
    assert_eq!(search.key.count(), 6);
    assert!(
        search
            .key
            .any(&|key| *key == Key::Filter("on-the-road".into()))
    );
    rejected("SEARCH FILTER a/b");
    rejected("SEARCH FILTER");
    let value = Key::of_filter(b"CHARSET UTF-8 OR SUBJECT \"blurdybloop\" FROM {3}\r\na b");
    assert!(matches!(value, Ok(Key::Or(..))));
    for wrong in ["", "nonsense", "ALL)", "ALL ", "CHARSET KOI8-R ALL"] {
        assert!(Key::of_filter(wrong.as_bytes()).is_err(), "{wrong}");
    }
}

/// RFC 4978, RFC 8437, RFC 4469
#[test]
fn the_other_newer_commands() {
    assert_eq!(parse("COMPRESS deflate"), Body::Compress("DEFLATE".into()));
    assert_eq!(parse("UNAUTHENTICATE"), Body::Unauthenticate);
    let Body::Append(append) = parse("APPEND Drafts CATENATE (URL /a/;UID=1 URL /a/;UID=2)") else {
        panic!();
    };
    assert_eq!(append.steps.len(), 4);
    assert_eq!(append.steps[1], Step::Url("/a/;UID=1".into()));
    assert_eq!(parse("UID REPLACE 4 x CATENATE (URL u)").name(), "REPLACE");
    rejected("COMPRESS");
    rejected("APPEND Drafts CATENATE ()");
    rejected("APPEND Drafts CATENATE (TEXT x)");
}

/// RFC 6855 §3
#[test]
fn names_in_utf8_once_they_are_agreed_on() {
    let delete =
        |name: &str| Command::parse_with(format!("a DELETE {name}").as_bytes(), Names::Utf8);
    let named = |name: &str| Body::Delete(MailboxName::new(name));
    assert_eq!(delete("\"gr\u{fc}n\"").unwrap().body, named("gr\u{fc}n"));
    assert_eq!(delete("\"&APw-\"").unwrap().body, named("&APw-"));
    assert!(delete("{1}\r\n\u{fc}").is_err());
}

/// RFC 5258 §5, RFC 5819 §4
#[test]
fn rfc5258_list() {
    let Body::List(list) = parse(
        r#"LIST (SUBSCRIBED RECURSIVEMATCH) "" ("INBOX" "sent/%") RETURN (CHILDREN STATUS (MESSAGES UNSEEN))"#,
    ) else {
        panic!();
    };
    assert!(list.select.subscribed && list.select.recursive_match && !list.basic);
    assert_eq!(list.patterns, ["INBOX", "sent/%"]);
    assert_eq!(list.tell.status, [StatusItem::Messages, StatusItem::Unseen]);
    let basic = List {
        patterns: vec!["*".into()],
        basic: true,
        ..List::default()
    };
    assert_eq!(parse(r#"LIST "" *"#), Body::List(basic));
    assert_eq!(
        parse("LSUB \"#news.\" %"),
        Body::Lsub("#news.".into(), "%".into())
    );
    rejected(r#"LIST (RECURSIVEMATCH) "" *"#);
    rejected(r#"LIST () "" ()"#);
    rejected(r#"LIST "" * RETURN (NONSENSE)"#);
}

#[test]
fn rfc3501_6_4_4_search() {
    assert_eq!(
        search_key(r#"SEARCH FLAGGED SINCE 1-Feb-1994 NOT FROM "Smith""#),
        Key::And(vec![
            Key::Flag(Flag::Flagged),
            Key::Internal(When::Since, Date::new(1994, 2, 1).unwrap()),
            not(Key::Envelope(EnvelopeField::From, "Smith".into())),
        ])
    );
    assert_eq!(
        search_key("SEARCH CHARSET UTF-8 TEXT {6}\r\nгод"),
        Key::Text("год".into())
    );
    assert_eq!(
        search_key("UID SEARCH OR (SEEN 1:3) UNKEYWORD $Junk"),
        Key::Or(
            Box::new(Key::And(vec![seen(), search_key("SEARCH 1:3")])),
            Box::new(not(Key::Flag(Flag::Keyword("$Junk".into()))))
        )
    );
    assert_eq!(
        search_key("SEARCH NEW"),
        Key::And(vec![Key::Recent, not(seen())])
    );
    assert_eq!(search_key("SEARCH UNSEEN"), not(seen()));
    assert_eq!(rejected("SEARCH CHARSET KOI8-R TEXT x"), Rejection::Charset);
    for wrong in [
        "SEARCH",
        "SEARCH ",
        "SEARCH SEEN ",
        "SEARCH NONSENSE",
        "SEARCH NOT",
        "SEARCH OR SEEN",
        "SEARCH (SEEN",
        "SEARCH SINCE 31-Feb-1994",
        "SEARCH LARGER x",
        "SEARCH 0",
        "SEARCH UID",
    ] {
        assert!(
            matches!(rejected(wrong), Rejection::Malformed(_)),
            "{wrong}"
        );
    }
}

fn not(key: Key) -> Key {
    Key::Not(Box::new(key))
}

/// RFC 4731 §3.1, RFC 7162 §3.1.5
#[test]
fn rfc4731_and_7162_search() {
    let Body::Search(By::Uid, search) =
        parse("UID SEARCH RETURN () CHARSET UTF-8 1:* MODSEQ 620162338")
    else {
        panic!();
    };
    let all = ResultOptions {
        all: true,
        ..ResultOptions::default()
    };
    assert_eq!(search.result, Some(all));
    assert_eq!(
        search_key(r#"SEARCH MODSEQ "/flags/\\draft" all 620162338"#),
        Key::ModSeq(620_162_338)
    );
}

/// Y22
#[test]
fn y22_deep_and_long_searches_are_refused() {
    rejected(&format!("SEARCH {}SEEN", "NOT ".repeat(10_000)));
    rejected(&format!("SEARCH {}", "(".repeat(10_000)));
    rejected(&format!("SEARCH {}SEEN", "SEEN ".repeat(5_000)));
    rejected(&format!("SEARCH {}SEEN", "OR SEEN ".repeat(5_000)));
}

#[test]
fn rfc3501_6_4_5_fetch() {
    let content = |part: &[u32], text, partial, spelling| {
        let section = Section {
            part: part.to_vec(),
            text,
        };
        Item::Content(Content {
            section,
            partial,
            spelling,
        })
    };
    let fields = SectionText::HeaderFields(vec!["DATE".into(), "FROM".into()]);
    assert_eq!(
        fetch_items("FETCH 2:4 (FLAGS BODY[HEADER.FIELDS (DATE FROM)])"),
        [
            Item::Flags,
            content(&[], Some(fields), None, Spelling::Body)
        ]
    );
    let piece = Partial {
        offset: 0,
        length: 2048,
    };
    assert_eq!(
        fetch_items("FETCH 1 BODY.PEEK[4.2.TEXT]<0.2048>"),
        [content(
            &[4, 2],
            Some(SectionText::Text),
            Some(piece),
            Spelling::BodyPeek
        )]
    );
    assert_eq!(
        fetch_items("FETCH 1 BODY[1.MIME]"),
        [content(&[1], Some(SectionText::Mime), None, Spelling::Body)]
    );
    assert_eq!(
        fetch_items("FETCH 1 body[]"),
        [content(&[], None, None, Spelling::Body)]
    );
    assert_eq!(fetch_items("FETCH 1 BODY"), [Item::Body]);
    assert_eq!(
        fetch_items("FETCH 1 FAST"),
        [Item::Flags, Item::InternalDate, Item::Size]
    );
    assert_eq!(fetch_items("UID FETCH 1 (FLAGS FLAGS)"), [Item::Flags]);
    assert_eq!(
        fetch_items("UID FETCH 1:* (FLAGS) (CHANGEDSINCE 12345)"),
        [Item::Flags, Item::ModSeq]
    );
    for wrong in [
        "FETCH 1",
        "FETCH 1 ()",
        "FETCH 1 (FAST)",
        "FETCH 1 BODY[MIME]",
        "FETCH 1 BODY[0]",
        "FETCH 1 BODY[1.]",
        "FETCH 1 BODY[",
        "FETCH 1 BODY[]<0>",
        "FETCH 1 BODY[]<0.0>",
        "FETCH 1 BODY[HEADER.FIELDS ()]",
        "FETCH 1,, FLAGS",
        "FETCH 1 (FLAGS) (CHANGEDSINCE 9223372036854775808)",
    ] {
        rejected(wrong);
    }
}

#[test]
fn rfc3501_6_4_6_store() {
    let Body::Store(store) = parse(r"STORE 2:4 +FLAGS.SILENT (\Deleted $MDNSent)") else {
        panic!();
    };
    assert_eq!((store.action, store.echo), (StoreAction::Add, Echo::Silent));
    assert_eq!(
        store.flags,
        [Flag::Deleted, Flag::Keyword("$MDNSent".into())]
    );
    let Body::Store(store) = parse(r"UID STORE 1 (UNCHANGEDSINCE 320162338) -FLAGS \seen \Recent")
    else {
        panic!();
    };
    assert_eq!(
        (store.action, store.unchanged_since),
        (StoreAction::Remove, Some(320_162_338))
    );
    assert_eq!(store.flags, [Flag::Seen]);
    rejected(r"STORE 1 FLAGS (\Nonsense)");
    rejected("STORE 1 FLAGS");
    // G17
    parse(&format!("STORE 1 FLAGS ({})", "k".repeat(50)));
    rejected(&format!("STORE 1 FLAGS ({})", "k".repeat(51)));
}

#[test]
fn the_simple_ones_take_no_arguments() {
    for name in [
        "CAPABILITY",
        "noop",
        "LOGOUT",
        "STARTTLS",
        "NAMESPACE",
        "IDLE",
        "CHECK",
        "CLOSE",
        "UNSELECT",
        "EXPUNGE",
    ] {
        let body = parse(name);
        assert_eq!(body.name(), name.to_ascii_uppercase());
        rejected(&format!("{name} x"));
        rejected(&format!("{name} "));
    }
}

#[test]
fn wrong_arguments_are_rejected() {
    for wrong in [
        "LOGIN",
        "LOGIN a",
        "LOGIN a b c",
        "LOGIN \"a b",
        "LOGIN \"\\x\" b",
        "LOGIN a {3}\r\nab",
        "LOGIN a \"\u{0}\"",
        "NONSENSE",
        "UID",
        "UID NOOP",
        "ID",
        "ID (a)",
        "ID x",
        "SELECT",
        "SELECT ()",
        "COPY 1",
        "COPY x INBOX",
        "ENABLE",
        "APPEND INBOX",
        "AUTHENTICATE",
        "GETQUOTA",
        "UID EXPUNGE",
        "FETCH 4294967296 FLAGS",
    ] {
        rejected(wrong);
    }
}

#[test]
fn rfc2971_id() {
    let pairs = vec![
        ("name".to_owned(), Some("sodr".to_owned())),
        ("x".to_owned(), None),
    ];
    assert_eq!(parse(r#"ID ("name" "sodr" "x" NIL)"#), Body::Id(pairs));
    assert_eq!(parse("ID NIL"), Body::Id(vec![]));
    assert_eq!(parse("ID ()"), Body::Id(vec![]));
}

#[test]
fn append_up_to_its_message() {
    let head = |line: &str| {
        let head = append::head(line.as_bytes(), 310, Literal::Immediate, Names::default());
        head.map(|head| head.map(|(head, _)| head.append))
    };
    let append = head(r#"A003 APPEND saved-messages (\Seen) " 7-Feb-1994 21:52:25 -0800" "#)
        .unwrap()
        .unwrap();
    assert_eq!(
        append.steps[0],
        Step::Begin(
            vec![Flag::Seen],
            Some(DateTime {
                seconds: 760_686_745,
                zone: -480
            })
        )
    );
    assert_eq!(
        head("a append inbox ").unwrap().unwrap().mailbox.as_str(),
        "INBOX"
    );
    assert_eq!(head("a LOGIN x "), Ok(None));
    assert_eq!(head("a APPEND "), Ok(None));
    assert!(head("a APPEND x \"no date\" ").is_err());
    assert!(head("a APPEND x (\\Seen) more ").is_err());
    assert!(head("a APPEND x").is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn any_octets(octets in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = Command::parse(&octets);
    }
    /// Pieces of real commands put together at random reach deeper than random octets.
    #[test]
    fn any_words(words in proptest::collection::vec(prop::sample::select(vec![
        "a", " ", "UID", "FETCH", "SEARCH", "STORE", "LIST", "STATUS", "(", ")", "1:*", "BODY[", "]", "<0.1>", "\"", "\\", "{3}\r\n", "abc",
        "HEADER.FIELDS", "NOT", "OR", "+FLAGS", "\\Seen", "RETURN", "CHARSET", "UTF-8", "&", "-", "1-Feb-1994", "SINCE", "*", "%", "APPEND x ", "CATENATE", "URL", "TEXT", "UTF8", "~", "SORT", "THREAD REFS", "NOTIFY SET", "mailboxes", "PARTIAL", "$",
        "ESEARCH IN", "QRESYNC", "BINARY.PEEK["]), 0..24)) {
        let _ = Command::parse(format!("a {}", words.concat()).as_bytes());
        let octets = format!("a {}", words.concat());
        let _ = append::head(octets.as_bytes(), 3, Literal::Immediate, Names::default());
        for within in [append::Within::Message, append::Within::Utf8, append::Within::Catenate] {
            let _ = append::more(words.concat().as_bytes(), within, Some((3, Literal::Immediate)), Names::Utf8);
        }
    }
}
