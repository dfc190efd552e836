//! Messages as they come, and what the scanner must find in them.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test may fail by panicking

use message::{Part, PartKind, Scanner, Section, Summary};
use proptest::prelude::*;

fn scan(message: &str) -> Summary {
    scan_octets(message.as_bytes())
}

fn scan_octets(message: &[u8]) -> Summary {
    let mut scanner = Scanner::new();
    scanner.feed(message);
    scanner.finish()
}

/// Lines joined by CRLF.
fn lines(lines: &[&str]) -> String {
    lines.join("\r\n")
}

/// The tree as `multipart/mixed(text/plain:LINES text/html:LINES)`.
fn tree(part: &Part) -> String {
    let name = format!("{}/{}", part.media_type, part.subtype);
    match &part.kind {
        PartKind::Leaf => format!("{name}:{}", part.lines),
        PartKind::Multipart(parts) => {
            let parts: Vec<_> = parts.iter().map(tree).collect();
            format!("{name}({})", parts.join(" "))
        }
        PartKind::Message(_, root) => format!("{name}[{}]", tree(root)),
    }
}

fn shape(message: &str) -> String {
    tree(&scan(message).root.unwrap())
}

fn octets<'a>(
    message: &'a str,
    summary: &Summary,
    path: &[u32],
    section: Section,
) -> Option<&'a str> {
    let range = summary.section(path, section)?;
    Some(&message[range.start as usize..range.end as usize])
}

#[test]
fn a_plain_message() {
    let message = "From: a@b\r\nSubject: Hi\r\n\r\nOne\r\ntwo\r\n";
    let summary = scan(message);
    assert_eq!(tree(summary.root.as_ref().unwrap()), "text/plain:2");
    assert_eq!((summary.size, summary.header_size), (36, 26));
    assert_eq!(summary.preview, "One two");
    assert_eq!(
        octets(message, &summary, &[1], Section::Content),
        Some("One\r\ntwo\r\n")
    );
    assert_eq!(
        octets(message, &summary, &[1], Section::Mime),
        Some("From: a@b\r\nSubject: Hi\r\n\r\n")
    );
    assert_eq!(
        octets(message, &summary, &[], Section::Text),
        Some("One\r\ntwo\r\n")
    );
    assert_eq!(octets(message, &summary, &[2], Section::Content), None);
    assert_eq!(octets(message, &summary, &[1, 1], Section::Content), None);
    assert_eq!(octets(message, &summary, &[1], Section::Header), None);
}

#[test]
fn messages_cut_short() {
    assert_eq!(shape(""), "text/plain:0");
    assert_eq!(shape("Subject: only a header\r\n"), "text/plain:0");
    assert_eq!(shape("\r\nonly a body"), "text/plain:0");
    assert_eq!(
        scan("\r\nonly a body").section(&[1], Section::Content),
        Some(2..13)
    );
    assert_eq!(
        shape("Content-Type: multipart/mixed; boundary=b\r\n"),
        "multipart/mixed(text/plain:0)"
    );
}

/// The message of RFC 2046 §5.1.1.
const RFC2046: &str = "From: Nathaniel Borenstein <nsb@bellcore.com>\r\n\
    To: Ned Freed <ned@innosoft.com>\r\n\
    Date: Sun, 21 Mar 1993 23:56:48 -0800 (PST)\r\n\
    Subject: Sample message\r\n\
    MIME-Version: 1.0\r\n\
    Content-type: multipart/mixed; boundary=\"simple boundary\"\r\n\
    \r\n\
    This is the preamble.  It is to be ignored, though it\r\n\
    is a handy place for composition agents to include an\r\n\
    explanatory note to non-MIME conformant readers.\r\n\
    \r\n\
    --simple boundary\r\n\
    \r\n\
    This is implicitly typed plain US-ASCII text.\r\n\
    It does NOT end with a linebreak.\r\n\
    --simple boundary\r\n\
    Content-type: text/plain; charset=us-ascii\r\n\
    \r\n\
    This is explicitly typed plain US-ASCII text.\r\n\
    It DOES end with a linebreak.\r\n\
    \r\n\
    --simple boundary--\r\n\
    \r\n\
    This is the epilogue.  It is also to be ignored.\r\n";

#[test]
fn rfc2046_section_5_1_1() {
    let summary = scan(RFC2046);
    assert_eq!(
        tree(summary.root.as_ref().unwrap()),
        "multipart/mixed(text/plain:1 text/plain:2)"
    );
    assert_eq!(
        octets(RFC2046, &summary, &[1], Section::Content),
        Some("This is implicitly typed plain US-ASCII text.\r\nIt does NOT end with a linebreak.")
    );
    assert_eq!(
        octets(RFC2046, &summary, &[2], Section::Content),
        Some("This is explicitly typed plain US-ASCII text.\r\nIt DOES end with a linebreak.\r\n")
    );
    assert_eq!(
        octets(RFC2046, &summary, &[2], Section::Mime),
        Some("--simple boundary\r\nContent-type: text/plain; charset=us-ascii\r\n\r\n")
            .map(|s| &s[19..])
    );
    assert_eq!(summary.sent, Some(732_787_008));
    assert!(summary.preview.starts_with("This is implicitly typed"));
}

/// RFC 3501 §6.4.5: the part numbers of its example.
#[test]
fn rfc3501_section_6_4_5_part_numbers() {
    let message = lines(&[
        "Content-Type: multipart/mixed; boundary=outer",
        "",
        "--outer",
        "Content-Type: text/plain",
        "",
        "1",
        "",
        "--outer",
        "Content-Type: application/octet-stream",
        "",
        "2",
        "",
        "--outer",
        "Content-Type: message/rfc822",
        "",
        "Subject: three",
        "Content-Type: multipart/mixed; boundary=inner",
        "",
        "--inner",
        "Content-Type: text/plain",
        "",
        "3.1",
        "",
        "--inner",
        "Content-Type: application/octet-stream",
        "",
        "3.2",
        "",
        "--inner--",
        "",
        "--outer",
        "Content-Type: multipart/mixed; boundary=fourth",
        "",
        "--fourth",
        "Content-Type: image/gif",
        "",
        "4.1",
        "",
        "--fourth",
        "Content-Type: message/rfc822",
        "",
        "Subject: four two",
        "Content-Type: multipart/mixed; boundary=deep",
        "",
        "--deep",
        "",
        "4.2.1",
        "",
        "--deep",
        "Content-Type: multipart/alternative; boundary=deeper",
        "",
        "--deeper",
        "",
        "4.2.2.1",
        "",
        "--deeper",
        "Content-Type: text/richtext",
        "",
        "4.2.2.2",
        "",
        "--deeper--",
        "--deep--",
        "--fourth--",
        "--outer--",
        "",
    ]);
    let summary = scan(&message);
    assert_eq!(
        tree(summary.root.as_ref().unwrap()),
        "multipart/mixed(text/plain:1 application/octet-stream:1 message/rfc822[multipart/mixed(text/plain:1 application/octet-stream:1)] \
         multipart/mixed(image/gif:1 message/rfc822[multipart/mixed(text/plain:1 multipart/alternative(text/plain:1 text/richtext:1))]))"
    );
    for (path, text) in [
        (&[1_u32][..], "1\r\n"),
        (&[3, 1], "3.1\r\n"),
        (&[3, 2], "3.2\r\n"),
        (&[4, 1], "4.1\r\n"),
        (&[4, 2, 1], "4.2.1\r\n"),
        (&[4, 2, 2, 1], "4.2.2.1\r\n"),
        (&[4, 2, 2, 2], "4.2.2.2\r\n"),
    ] {
        assert_eq!(
            octets(&message, &summary, path, Section::Content),
            Some(text),
            "{path:?}"
        );
    }
    assert_eq!(
        octets(&message, &summary, &[3], Section::Header),
        Some("Subject: three\r\nContent-Type: multipart/mixed; boundary=inner\r\n\r\n")
    );
    let text = octets(&message, &summary, &[3], Section::Text).unwrap();
    assert!(
        text.starts_with("--inner\r\n") && text.ends_with("--inner--\r\n"),
        "{text}"
    );
    assert_eq!(
        octets(&message, &summary, &[4, 2, 2, 1], Section::Mime),
        Some("\r\n")
    );
    let root = summary.root.as_ref().unwrap();
    let PartKind::Multipart(parts) = &root.kind else {
        panic!()
    };
    let PartKind::Message(envelope, _) = &parts[2].kind else {
        panic!()
    };
    assert_eq!(envelope, b"(NIL \"three\" NIL NIL NIL NIL NIL NIL NIL NIL)");
}

/// RFC 2046 §5.1.5
#[test]
fn rfc2046_digest_holds_messages() {
    let message = lines(&[
        "Content-Type: multipart/digest; boundary=\"--\"",
        "",
        "----",
        "",
        "Subject: one",
        "",
        "text",
        "",
        "----",
        "Content-Type: text/plain",
        "",
        "not a message",
        "------",
        "",
    ]);
    assert_eq!(
        shape(&message),
        "multipart/digest(message/rfc822[text/plain:1] text/plain:0)"
    );
}

#[test]
fn boundaries_that_begin_with_others() {
    let message = lines(&[
        "Content-Type: multipart/mixed; boundary=ab",
        "",
        "--ab",
        "Content-Type: multipart/mixed; boundary=abc",
        "",
        "--abc",
        "",
        "one",
        "--abx",
        "--abc  \t",
        "",
        "two",
        "--abc--",
        "",
        "--ab",
        "",
        "three",
        "--ab--",
    ]);
    assert_eq!(
        shape(&message),
        "multipart/mixed(multipart/mixed(text/plain:1 text/plain:0) text/plain:0)"
    );
}

#[test]
fn boundaries_that_are_missing() {
    let outer_ends_inner = lines(&[
        "Content-Type: multipart/mixed; boundary=a",
        "",
        "--a",
        "Content-Type: multipart/alternative; boundary=b",
        "",
        "--b",
        "",
        "one",
        "--a",
        "",
        "two",
    ]);
    assert_eq!(
        shape(&outer_ends_inner),
        "multipart/mixed(multipart/alternative(text/plain:0) text/plain:0)"
    );
    let in_header = lines(&[
        "Content-Type: multipart/mixed; boundary=a",
        "",
        "--a",
        "Content-Type: text/html",
        "--a--",
        "",
    ]);
    assert_eq!(shape(&in_header), "multipart/mixed(text/html:0)");
    let closed = lines(&[
        "Content-Type: multipart/mixed; boundary=a",
        "",
        "--a",
        "",
        "x",
        "--a--",
        "--a",
        "",
        "epilogue",
    ]);
    assert_eq!(shape(&closed), "multipart/mixed(text/plain:0)");
    assert_eq!(
        shape("Content-Type: multipart/mixed\r\n\r\nhuh\r\n"),
        "text/plain:1"
    );
    let empty = lines(&[
        "Content-Type: multipart/mixed; boundary=a",
        "",
        "--a",
        "",
        "--a",
        "",
        "",
        "--a--",
    ]);
    assert_eq!(shape(&empty), "multipart/mixed(text/plain:0 text/plain:0)");
}

#[test]
fn messages_that_cannot_be_opened() {
    let message = "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\nU3ViamVjdDogeA==\r\n";
    assert_eq!(shape(message), "application/octet-stream:1");
    let root_message = "Content-Type: message/rfc822\r\n\r\nSubject: x\r\n\r\nhello\r\n";
    assert_eq!(shape(root_message), "message/rfc822[text/plain:1]");
    let summary = scan(root_message);
    assert_eq!(
        octets(root_message, &summary, &[1], Section::Header),
        Some("Subject: x\r\n\r\n")
    );
    assert_eq!(
        octets(root_message, &summary, &[1, 1], Section::Content),
        Some("hello\r\n")
    );
}

#[test]
fn fields_of_a_part() {
    let message = "Content-Type: text/plain; charset=utf-8; format=flowed\r\nContent-Transfer-Encoding: Quoted-Printable\r\n\
        Content-Disposition: attachment;\r\n filename=\"b\u{f6}se.txt\"\r\nContent-ID: <a@b>\r\nContent-Description: d \u{e4}\r\n\
        Content-Language: en, de\r\nContent-Location: http://x/\r\nContent-MD5: Q2hlY2s=\r\n\r\n=C3=A4\r\n";
    let part = scan(message).root.unwrap();
    assert_eq!(part.encoding, "quoted-printable");
    assert_eq!(
        part.params,
        [
            ("charset".into(), "utf-8".into()),
            ("format".into(), "flowed".into())
        ]
    );
    assert_eq!(
        part.disposition,
        Some((
            "attachment".into(),
            vec![("filename*".into(), "utf-8''b%C3%B6se.txt".into())]
        ))
    );
    assert_eq!(part.id.as_deref(), Some("<a@b>"));
    assert_eq!(part.description.as_deref(), Some("d =?utf-8?q?=C3=A4?="));
    assert_eq!(part.language, ["en", "de"]);
    assert_eq!(part.location.as_deref(), Some("http://x/"));
    assert_eq!(part.md5.as_deref(), Some("Q2hlY2s="));
}

#[test]
fn threads_and_dates() {
    let summary = scan(
        "Message-ID: <1@x>\r\nReferences: <a@x>\r\n <b@\r\n x>\r\nIn-Reply-To: <b@x> <c@x>\r\nDate: Thu, 1 Jan 1970 02:00 +0200\r\nSubject: Re: [l] Hi\r\n\r\n",
    );
    assert_eq!(summary.message_id.as_deref(), Some("1@x"));
    assert_eq!(summary.references, ["a@x", "b@x"]);
    assert_eq!((summary.sent, summary.sent_offset), (Some(0), 7200));
    assert_eq!(summary.base_subject, "Hi");
    // RFC 5256 §4.4, REFERENCES, step 1: the first of In-Reply-To, where References name nobody.
    let answer = scan("References: nobody\r\nIn-Reply-To: <b@x> <c@x>\r\n\r\n");
    assert_eq!(answer.references, ["b@x"]);
}

#[test]
fn previews_of_html_and_of_encoded_text() {
    let alternative = lines(&[
        "Content-Type: multipart/alternative; boundary=a",
        "",
        "--a",
        "Content-Type: text/plain; charset=iso-8859-1",
        "Content-Transfer-Encoding: base64",
        "",
        "R3L232U=",
        "--a",
        "Content-Type: text/html",
        "",
        "<b>no</b>",
        "--a--",
        "",
    ]);
    assert_eq!(scan(&alternative).preview, "Größe");
    let html = "Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n<style>x</style><p>Gr=C3=B6=\r\n=C3=9Fe</p>\r\n";
    assert_eq!(scan(html).preview, "Größe");
    let empty_plain = lines(&[
        "Content-Type: multipart/alternative; boundary=a",
        "",
        "--a",
        "",
        "",
        "--a",
        "Content-Type: text/html",
        "",
        "yes",
        "--a--",
    ]);
    assert_eq!(scan(&empty_plain).preview, "yes");
}

/// F9
#[test]
fn f9_text_for_searching_is_decoded() {
    let message = lines(&[
        "Subject: =?iso-8859-1?q?Gr=F6=DFe?=",
        "Content-Type: multipart/mixed; boundary=a",
        "",
        "--a",
        "Content-Type: text/plain; charset=iso-8859-1",
        "Content-Transfer-Encoding: base64",
        "",
        "Z3L232UgZGVzIEhhdXNlcw==",
        "--a",
        "Content-Type: text/html",
        "",
        "<p>caf&eacute;</p>",
        "--a",
        "Content-Type: application/pdf; name=plan.pdf",
        "",
        "binary",
        "--a--",
        "",
    ]);
    let summary = scan(&message);
    let body = message::text::body_text(&summary, message.as_bytes(), 10_000);
    assert!(
        body.contains("größe des Hauses") && body.contains("café") && body.contains("plan.pdf"),
        "{body}"
    );
    assert!(!body.contains("binary"));
    assert_eq!(
        message::text::field_texts(message.as_bytes(), "subject"),
        ["Größe"]
    );
    assert!(message::text::header_text(message.as_bytes()).starts_with("Subject: Größe\n"));
}

/// S7: depth, parts and header octets are bounded, and the rest is a leaf.
#[test]
fn s07_bounds() {
    let mut deep = String::new();
    for level in 0..10_000 {
        deep.push_str(&format!(
            "Content-Type: multipart/mixed; boundary=b{level}\r\n\r\n--b{level}\r\n"
        ));
    }
    let summary = scan(&deep);
    assert!(summary.cut);
    assert_eq!(summary.parts().len(), 51);

    let mut many = "Content-Type: multipart/mixed; boundary=b\r\n\r\n".to_owned();
    many.push_str(&"--b\r\nContent-Type: text/html; x=y\r\n\r\n".repeat(20_000));
    let summary = scan(&many);
    assert!(summary.cut);
    assert_eq!(summary.parts().len(), 10_000);

    let mut long = "Subject: x\r\nX-Junk: ".to_owned();
    long.push_str(&"j".repeat(1 << 20));
    long.push_str("\r\nFrom: late@x\r\n\r\nbody\r\n");
    let summary = scan(&long);
    assert!(summary.cut);
    assert_eq!(summary.preview, "body");
    assert_eq!(summary.header_size as usize, long.len() - 6);
}

#[test]
fn header_fields_put_in_front_move_everything() {
    let trace = "Return-Path: <a@b>\r\n";
    let whole = format!("{trace}{RFC2046}");
    assert_eq!(scan(RFC2046).prepended(trace.len() as u32), scan(&whole));
}

fn check_offsets(part: &Part, from: u32, to: u32) {
    assert!(from <= part.header_start && part.header_start <= part.body_start);
    assert!(
        part.body_start <= part.body_end && part.body_end <= to,
        "{part:?} in {from}..{to}"
    );
    match &part.kind {
        PartKind::Leaf => {}
        PartKind::Multipart(parts) => {
            let mut next = part.body_start;
            for child in parts {
                check_offsets(child, next, part.body_end);
                next = child.body_end;
            }
        }
        PartKind::Message(_, root) => check_offsets(root, part.body_start, part.body_end),
    }
}

/// Messages made of the pieces that matter.
fn message_like() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just(b"\r\n".to_vec()),
        Just(b"\n".to_vec()),
        Just(b"\r".to_vec()),
        Just(b"--a\r\n".to_vec()),
        Just(b"--a--\r\n".to_vec()),
        Just(b"--ab\r\n".to_vec()),
        Just(b"--a".to_vec()),
        Just(b"Content-Type: multipart/mixed; boundary=a\r\n\r\n".to_vec()),
        Just(b"Content-Type: multipart/digest; boundary=ab\r\n\r\n".to_vec()),
        Just(b"Content-Type: message/rfc822\r\n\r\n".to_vec()),
        Just(b"Content-Type: text/html\r\n".to_vec()),
        Just(b"Subject: x\r\n y\r\n".to_vec()),
        Just(vec![b'-'; 1023]),
        Just(vec![b' '; 600]),
        proptest::collection::vec(any::<u8>(), 0..20),
    ];
    proptest::collection::vec(piece, 0..30).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1000) })]

    #[test]
    fn offsets_are_in_range(message in message_like()) {
        let summary = scan_octets(&message);
        prop_assert_eq!(summary.size as usize, message.len());
        let root = summary.root.as_ref().unwrap();
        check_offsets(root, 0, summary.size);
        prop_assert_eq!(root.body_start, summary.header_size);
        let _ = message::text::body_text(&summary, &message, 1000);
    }

    #[test]
    fn pieces_of_any_size_give_the_same(message in message_like(), cuts in proptest::collection::vec(1_usize..700, 1..40)) {
        let mut scanner = Scanner::new();
        let mut rest = message.as_slice();
        for cut in cuts.iter().cycle() {
            let (piece, after) = rest.split_at((*cut).min(rest.len()));
            scanner.feed(piece);
            rest = after;
            if rest.is_empty() {
                break;
            }
        }
        prop_assert_eq!(scanner.finish(), scan_octets(&message));
    }

    #[test]
    fn octet_by_octet_gives_the_same(message in message_like()) {
        let mut scanner = Scanner::new();
        message.iter().for_each(|octet| scanner.feed(&[*octet]));
        prop_assert_eq!(scanner.finish(), scan_octets(&message));
    }
}
