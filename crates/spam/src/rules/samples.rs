//! For every rule a message that it is for, and one that honest people write and that looks like it.
//!
//! A rule without a sample fails the test, and so does a sample of a rule that is gone.

use super::tests::{html, written};
use super::*;
use std::collections::BTreeSet;
use std::io::{Cursor, Write};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

/// A rule with a message that it hits and one that it misses.
struct Sample {
    rule: &'static str,
    hit: Message,
    miss: Message,
}

/// A message, and whether it came from the null sender.
struct Message {
    octets: Vec<u8>,
    null_sender: bool,
}

impl From<String> for Message {
    fn from(text: String) -> Message {
        text.into_bytes().into()
    }
}

impl From<Vec<u8>> for Message {
    fn from(octets: Vec<u8>) -> Message {
        Message {
            octets,
            null_sender: false,
        }
    }
}

impl Message {
    fn names(&self) -> Vec<String> {
        let around = Circumstances {
            arrived: "2026-11-20T14:20:00Z".parse().ok(),
            null_sender: Some(self.null_sender),
            recipients: &[],
        };
        let reasons = apply(&Mail::open(&self.octets), around);
        reasons.into_iter().map(|reason| reason.name).collect()
    }
}

fn sample(rule: &'static str, hit: impl Into<Message>, miss: impl Into<Message>) -> Sample {
    let (hit, miss) = (hit.into(), miss.into());
    Sample { rule, hit, miss }
}

const SUBJECT: &str = "Dinner on Friday";
const TEXT: &str = "Hello Bob,\r\n\r\nshall we meet at seven?\r\n\r\nAnna";
const FROM: &str = "From: Anna Berg <anna@berg.example>\r\n";
const TO: &str = "To: Bob <bob@example.com>\r\n";
const DATE: &str = "Date: Fri, 20 Nov 2026 14:13:44 +0000\r\n";
const ID: &str = "Message-ID: <a1@berg.example>\r\n";

fn subject(rule: &'static str, hit: &str, miss: &str) -> Sample {
    sample(rule, written(hit, TEXT), written(miss, TEXT))
}

fn text(rule: &'static str, hit: &str, miss: &str) -> Sample {
    sample(rule, written(SUBJECT, hit), written(SUBJECT, miss))
}

fn page(rule: &'static str, hit: &str, miss: &str) -> Sample {
    sample(rule, html(hit), html(miss))
}

/// A letter with other lines in the place of one.
fn with(field: &str, instead: &str) -> String {
    let letter = written(SUBJECT, TEXT);
    assert!(letter.contains(field), "{field}");
    letter.replace(field, instead)
}

fn field(rule: &'static str, field: &str, hit: &str, miss: &str) -> Sample {
    sample(rule, with(field, hit), with(field, miss))
}

/// A letter with more lines in front of its header.
fn more(rule: &'static str, hit: &str, miss: &str) -> Sample {
    field(
        rule,
        FROM,
        &format!("{hit}{FROM}"),
        &format!("{miss}{FROM}"),
    )
}

/// A letter with a file, of which `head` says how it is named and encoded.
fn with_file(head: &str, octets: &[u8]) -> Vec<u8> {
    let head = format!(
        "{FROM}{TO}Subject: file\r\n{DATE}{ID}MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=xyz\r\n\r\n\
         --xyz\r\nContent-Type: text/plain\r\n\r\nsee the file, please\r\n--xyz\r\n{head}\r\n\r\n"
    );
    [head.as_bytes(), octets, b"\r\n--xyz--\r\n"].concat()
}

fn named(name: &str, octets: &[u8]) -> Vec<u8> {
    let head = format!(
        "Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: binary\r\nContent-Disposition: attachment; {name}"
    );
    with_file(&head, octets)
}

fn file(rule: &'static str, hit: (&str, &[u8]), miss: (&str, &[u8])) -> Sample {
    let of = |(name, octets)| named(&format!("filename=\"{name}\""), octets);
    sample(rule, of(hit), of(miss))
}

fn archive(rule: &'static str, hit: &[u8], miss: &[u8]) -> Sample {
    file(rule, ("files.zip", hit), ("files.zip", miss))
}

fn zip_of(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, octets) in members {
        let options = SimpleFileOptions::default();
        writer.start_file(*name, options).unwrap();
        writer.write_all(octets).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// The same archive with the bit that says its members are encrypted (APPNOTE §4.4.4).
fn encrypted(mut zip: Vec<u8>) -> Vec<u8> {
    for (signature, flags) in [(b"PK\x03\x04", 6), (b"PK\x01\x02", 8)] {
        let found: Vec<usize> = memchr::memmem::find_iter(&zip, signature).collect();
        for at in found {
            zip[at + flags] |= 1;
        }
    }
    zip
}

fn form() -> Vec<Sample> {
    let gtube = concat!(
        "XJS*C4JDBQADN1.NSBN3*2IDNEN*",
        "GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"
    );
    let typed = format!(
        "{FROM}{TO}Subject: x\r\n{DATE}{ID}MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    );
    let plain = "V2hhdCBpcyB3cml0dGVuIGhlcmUgaXMgcGxhaW4gQVNDSUksIGFuZCBuZWVkcyBubyBlbmNvZGluZyBhdCBhbGws\r\nIGFzIGFueWJvZHkgY2FuIHNlZSB3aG8gZGVjb2RlcyBpdC4=\r\n";
    let umlauts = "RMOkcyBpc3QgaW4gZGV1dHNjaGVyIFNwcmFjaGUgZ2VzY2hyaWViZW4sIG1pdCB2aWVsZW4gVW1sYXV0ZW46IMOk\r\nIMO2IMO8IMOfLCB1bmQgZXMgYnJhdWNodCBlaW5lIEtvZGllcnVuZy4=\r\n";
    let recipients = |of: fn(usize) -> String| {
        let all: Vec<String> = (0..12).map(of).collect();
        format!("To: {}\r\n", all.join(", "))
    };
    let quoted = "> shall we meet?\r\n> At seven?\r\nYes.";
    vec![
        text(
            "GTUBE",
            gtube,
            "The test string begins with XJS*C4JDBQADN1 and ends in C.34X.",
        ),
        field(
            "FROM_MISSING",
            FROM,
            "From: Anna Berg\r\n",
            "From: anna@berg.example (Anna Berg)\r\n",
        ),
        field(
            "DATE_MISSING",
            DATE,
            "",
            "date: 20 Nov 2026 14:13:44 +0000\r\n",
        ),
        field(
            "DATE_INVALID",
            DATE,
            "Date: yesterday\r\n",
            "Date: Fri, 20 Nov 2026 14:13 GMT (UTC)\r\n",
        ),
        field(
            "DATE_IN_FUTURE",
            DATE,
            "Date: Fri, 27 Nov 2026 14:13:44 +0000\r\n",
            "Date: Sat, 21 Nov 2026 03:13:44 +1300\r\n",
        ),
        field(
            "DATE_LONG_AGO",
            DATE,
            "Date: Fri, 6 Nov 2026 14:13:44 +0000\r\n",
            "Date: Tue, 17 Nov 2026 14:13:44 +0000\r\n",
        ),
        field("DATE_ZONE_IMPOSSIBLE", "+0000", "+2800", "+0545"),
        field(
            "MESSAGE_ID_MISSING",
            ID,
            "",
            "MESSAGE-ID:\r\n <a1@berg.example>\r\n",
        ),
        field(
            "MESSAGE_ID_INVALID",
            "<a1@berg.example>",
            "4711",
            "<a+1=b.c/d@[192.0.2.1]>",
        ),
        field(
            "MESSAGE_ID_HOST_ODD",
            "<a1@berg.example>",
            "<a1@desktop>",
            "<a1@desktop.berg.example>",
        ),
        field(
            "MAILER_FORGED",
            ID,
            &format!("{ID}X-Mailer: Microsoft Outlook Express 6.00.2600.0000\r\n"),
            "Message-ID: <000001c29a1b$0a1b2c3d$0100a8c0@desktop>\r\nX-Mailer: Microsoft Outlook Express 6.00.2600.0000\r\nX-MimeOLE: Produced\r\n",
        ),
        more(
            "FIELD_DOUBLED",
            TO,
            "Received: by a; now\r\nReceived: by b; now\r\n",
        ),
        subject("HEADER_8BIT", "größer", "=?utf-8?q?gr=C3=B6=C3=9Fer?="),
        sample(
            "MIME_VERSION_MISSING",
            html("x").replace("MIME-Version: 1.0\r\n", ""),
            html("x"),
        ),
        sample(
            "TEXT_BASE64",
            format!("{typed}{plain}"),
            format!("{typed}{umlauts}"),
        ),
        field(
            "RECIPIENTS_HIDDEN",
            TO,
            "To: undisclosed-recipients:;\r\n",
            "Cc: bob@example.com\r\n",
        ),
        field(
            "RECIPIENTS_MANY",
            TO,
            &recipients(|n| format!("bob{n}@example.com")),
            &recipients(|n| format!("{}@example.com", char::from(b'a' + n as u8))),
        ),
        text("NO_TEXT", "\r\n", "ok"),
        more(
            "PRIORITY_HIGH",
            "X-Priority: 1 (Highest)\r\n",
            "X-Priority: 3 (Normal)\r\n",
        ),
        more(
            "BULK_HEADER",
            "X-Mailing-Id: 4711\r\n",
            "List-Id: <friends.berg.example>\r\n",
        ),
        sample(
            "REPLY_IN_THREAD",
            with(TEXT, quoted).replace(FROM, &format!("In-Reply-To: <b@example.com>\r\n{FROM}")),
            with(TEXT, quoted),
        ),
        more(
            "LIST_POST",
            "List-Id: <friends.berg.example>\r\nList-Post: <mailto:friends@berg.example>\r\n",
            "List-Id: <news.berg.example>\r\nList-Post: NO\r\n",
        ),
    ]
}

fn subjects() -> Vec<Sample> {
    vec![
        field(
            "SUBJECT_MISSING",
            "Subject: Dinner on Friday\r\n",
            "Subject: \r\n",
            "Subject: -\r\n",
        ),
        subject("SUBJECT_CAPITALS", "READ THIS LETTER", "NATO and UNESCO"),
        subject(
            "SUBJECT_TAIL",
            "A nice offer          x7fk29",
            "Minutes of 12.11., part 2026",
        ),
        subject(
            "SUBJECT_ADVERTISEMENT",
            "ADV: buy",
            "Advice on the garden: read",
        ),
        subject("SUBJECT_SHOUTS", "Now! Today!", "Happy birthday!"),
        subject("SUBJECT_EXCLAIMS", "Happy birthday!", "Hello! How are you"),
        subject("SUBJECT_MONEY", "Only $50 a day", "50 pages to read"),
        subject(
            "SUBJECT_FREE",
            "Free trial for you",
            "Are you free on Friday",
        ),
        subject(
            "SUBJECT_OFFER",
            "Lowest prices in town",
            "The price of bread",
        ),
        subject("SUBJECT_URGES", "Urgent: answer", "The insurgents of 1848"),
        sample(
            "SUBJECT_FALSE_REPLY",
            written("Re: your order", TEXT),
            written("Re: your order", TEXT)
                .replace(FROM, &format!("References: <b@example.com>\r\n{FROM}")),
        ),
        subject(
            "SUBJECT_NAMES_RECIPIENT",
            "bob, look at this",
            "Bobsleigh on Sunday",
        ),
        subject("SUBJECT_SPACED", "v-i-a-g-r-a", "Plan a, b or c"),
    ]
}

fn senders() -> Vec<Sample> {
    let hop = |from: &str| {
        format!("Received: from {from} by mx1.example.com; Fri, 20 Nov 2026 14:13:45 +0000\r\n")
    };
    let hops = |rule, hit: &str, miss: &str| more(rule, &hop(hit), &hop(miss));
    let at_gmail = |from: &str| with(FROM, &format!("{}From: anna@gmail.com\r\n", hop(from)));
    let notice = |null_sender| Message {
        octets: written("Undelivered Mail Returned to Sender", TEXT).into_bytes(),
        null_sender,
    };
    let reply = "Reply-To: anna.berg@gmail.com\r\n";
    vec![
        field(
            "FROM_NAME_OTHER_ADDRESS",
            FROM,
            "From: \"service@bank.example\" <x@evil.example>\r\n",
            "From: \"anna@mail.berg.example\" <anna@berg.example>\r\n",
        ),
        field(
            "FROM_IS_TO",
            FROM,
            "From: bob@example.com\r\n",
            "From: Bob <bob@mail.example.com>\r\n",
        ),
        field(
            "FROM_DIGITS",
            FROM,
            "From: x4711@berg.example\r\n",
            "From: anna72@berg.example\r\n",
        ),
        field(
            "FROM_FREE_MAILBOX_DIGITS",
            FROM,
            "From: anna72@gmail.com\r\n",
            "From: anna7@gmail.com\r\n",
        ),
        more(
            "REPLY_TO_ELSEWHERE",
            "Reply-To: x@evil.example\r\n",
            "Reply-To: x@mail.berg.example\r\n",
        ),
        more(
            "REPLY_TO_FREE_MAILBOX",
            reply,
            &format!("List-Id: <friends.berg.example>\r\n{reply}"),
        ),
        hops(
            "RECEIVED_FORGED_HELO",
            "friend (dsl7.isp.example [198.51.100.7])",
            "localhost (localhost [127.0.0.1])",
        ),
        hops(
            "RECEIVED_HELO_BORROWED",
            "mail.yahoo.com (dsl7.isp.example [198.51.100.7])",
            "mail.yahoo.com (mail.yahoo.com [198.51.100.9])",
        ),
        hops(
            "RECEIVED_NO_NAME",
            "mail.berg.example (unknown [198.51.100.7])",
            "mail.berg.example (mail.berg.example [198.51.100.7])",
        ),
        sample(
            "FROM_FREE_MAILBOX_ELSEWHERE",
            at_gmail("mail.isp.example (mail.isp.example [198.51.100.7])"),
            at_gmail("mail-ed1-f41.google.com (mail-ed1-f41.google.com [198.51.100.9])"),
        ),
        sample("BACKSCATTER", notice(true), notice(false)),
    ]
}

fn phrases() -> Vec<Sample> {
    vec![
        text(
            "TEXT_REMOVE_ME",
            "To be removed from our list, answer.",
            "He was removed from office in May.",
        ),
        text(
            "TEXT_DENIES_SPAM",
            "This is not spam.",
            "I like spam and eggs.",
        ),
        text(
            "TEXT_YOU_OPTED_IN",
            "You are receiving this because you registered.",
            "You have asked me for the recipe.",
        ),
        text(
            "TEXT_CLICK_HERE",
            "Click here, please.",
            "The lock clicks when it shuts.",
        ),
        text(
            "TEXT_FREE",
            "A free trial for you",
            "Are you free on Friday?",
        ),
        text(
            "TEXT_HURRIES",
            "Order now while supplies last.",
            "Let us act in the play now and then.",
        ),
        text(
            "TEXT_INCOME",
            "Make $5000 and be your own boss.",
            "She works in the train on her way home.",
        ),
        text(
            "TEXT_LOANS",
            "The lowest interest rates for your home loan",
            "I have lent him the book.",
        ),
        text(
            "TEXT_MEDICINE",
            "Viagra without a prescription",
            "The doctor says that I may run again.",
        ),
        text(
            "TEXT_ADULT",
            "Hot teens are waiting",
            "It was hot, and the girls played outside.",
        ),
        text(
            "TEXT_ADVANCE_FEE",
            "I am the next of kin of the late president.",
            "We must pay the deposit for the flat.",
        ),
        text(
            "TEXT_ACCOUNT_THREAT",
            "Please verify your account.",
            "I have closed my account at the library.",
        ),
        text(
            "TEXT_EXTORTION",
            "I have hacked your device.",
            "We have installed the new lamp in the hall.",
        ),
        text(
            "TEXT_STOCKS",
            "This penny stock is a strong buy.",
            "The stock for the soup is ready.",
        ),
        text(
            "TEXT_BULK_MAIL_OFFER",
            "Bulk email to ten million addresses",
            "Send me the address of the hall.",
        ),
        text(
            "TEXT_CHEAP_GOODS",
            "Toner cartridges at wholesale prices",
            "The printer is out of paper.",
        ),
        text(
            "TEXT_PHONE_ORDER",
            "Call toll-free today.",
            "Call me at seven.",
        ),
        text(
            "TEXT_GREETS_NOBODY",
            "Dear friend, listen.",
            "Dear Bob, my friend, listen.",
        ),
        text(
            "TEXT_SUCCESS_STORIES",
            "As seen on TV: it really works.",
            "I have seen it on the table.",
        ),
        text("TEXT_MONEY", "It is $50 or $ 70.", "It is $50."),
        text(
            "TEXT_SHOUTS",
            "BUY NOW BEFORE ALL THE BEST OFFERS ARE GONE TODAY",
            "NATO and UNESCO met the WHO in ROME, said the BBC",
        ),
        text(
            "TEXT_RANDOM_TAIL",
            "Hello Bob\r\nxkqjwpvnbt",
            "Hello Bob\r\nAnna-Maria",
        ),
    ]
}

fn pages() -> Vec<Sample> {
    let beside = format!(
        "{FROM}{TO}Subject: x\r\n{DATE}{ID}MIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary=x\r\n\r\n\
         --x\r\nContent-Type: text/plain\r\n\r\nHello\r\n--x\r\nContent-Type: text/html\r\n\r\n<p>Hello\r\n--x--\r\n"
    );
    let image = "<img src=\"http://www.berg.example/a.png\">";
    let long = format!(
        "{image}<p>{}",
        "Here is what we have seen on our way. ".repeat(8)
    );
    let hidden = |text: &str| format!("<p>Hi<div style=\"display:none\">{text}</div>");
    vec![
        sample("HTML_ONLY", html("<p>Hello"), beside),
        text(
            "HTML_LIED",
            "<HTML><body>Hello",
            "I have put it into <b> and <i>.",
        ),
        page(
            "HTML_HIDDEN_TEXT",
            &hidden(&"words for filters ".repeat(3)),
            &hidden("read it here"),
        ),
        page("HTML_IMAGE_INSTEAD_OF_TEXT", image, &long),
        page(
            "HTML_FORM",
            "<form action=\"http://www.berg.example/\"><input name=a></form>",
            "<p>fill in the form",
        ),
        page(
            "HTML_SCRIPT",
            "<script>x()</script>",
            "<p>the script of the play",
        ),
        page(
            "HTML_FRAME",
            "<iframe src=\"http://www.berg.example/\"></iframe>",
            "<p>a picture in a frame",
        ),
        page(
            "HTML_BIG_FONT",
            "<font size=5>A</font><font color=#ff0000>B</font>",
            "<font size=5>A</font><font size=2>B</font>",
        ),
        page(
            "HTML_COLOURED_PAGE",
            "<body bgcolor=#ff9900><center>A",
            "<body bgcolor=#ffffff><center>A",
        ),
        page(
            "HTML_WORDS_BROKEN",
            "V<!-- x -->iag<!-- y -->r<!-- z -->a",
            "<!-- x --> V <!-- y --> a <!-- z -->",
        ),
        page(
            "HTML_WEB_BUG",
            "<img src=\"http://www.berg.example/a\" width=1 height=1>",
            "<img src=\"http://www.berg.example/a\" width=100 height=1>",
        ),
        text(
            "TEXT_MIXED_SCRIPTS",
            "your \u{440}ay\u{440}al \u{430}ccount",
            "Größe, Привет мир, Straße",
        ),
    ]
}

fn links() -> Vec<Sample> {
    fn link(rule: &'static str, hit: &str, miss: &str) -> Sample {
        let to = |target: &str| format!("<p>look at <a href=\"{target}\">this</a>");
        page(rule, &to(hit), &to(miss))
    }
    vec![
        page(
            "LINK_TEXT_OTHER_TARGET",
            "<a href=\"http://evil.example/x\">www.example.com</a>",
            "<a href=\"http://shop.example.com/x\">www.example.com</a>",
        ),
        link(
            "LINK_TO_NUMBER",
            "http://0x7f.1/x",
            "http://host7.example/1.2.3.4",
        ),
        link(
            "LINK_USER",
            "http://bank.example@evil.example/",
            "http://berg.example/@anna",
        ),
        link(
            "LINK_PORT",
            "http://berg.example:8081/",
            "https://berg.example:443/",
        ),
        link(
            "LINK_HOST_DISGUISED",
            "http://%65vil.example/",
            "http://berg.example/%65",
        ),
        link(
            "LINK_LOOK_ALIKE",
            "http://\u{440}ay\u{440}al.com/",
            "http://müller.de/",
        ),
        link(
            "LINK_BRAND_IN_HOST",
            "http://bank.com.login.evil.example/",
            "http://www.shop.berg.example/",
        ),
        link(
            "LINK_REDIRECTOR",
            "https://bit.ly/x",
            "https://berg.example/bit.ly",
        ),
        link(
            "LINK_MAILTO_REMOVE",
            "mailto:remove@berg.example",
            "mailto:anna@berg.example",
        ),
        link(
            "LINK_TARGET_NAMES_RECIPIENT",
            "http://berg.example/?to=bob%40example.com",
            "http://berg.example/?to=bob",
        ),
        page(
            "LINK_REFRESH",
            "<meta http-equiv=refresh content=\"0; url=http://evil.example/\">",
            "<meta http-equiv=content-type content=\"text/html; charset=utf-8\">",
        ),
        page(
            "LINK_DATA",
            "<a href=\"data:text/html,x\">this</a>",
            "<img src=\"data:image/png;base64,iVBORw0KGgo=\">",
        ),
        link(
            "LINK_CHEAP_DOMAIN",
            "http://offer.xyz/",
            "http://xyz.example/",
        ),
    ]
}

fn attachments() -> Vec<Sample> {
    let typed = |media_type: &str| {
        with_file(
            &format!("Content-Type: {media_type}; name=photo\r\nContent-Transfer-Encoding: binary"),
            b"MZ123",
        )
    };
    let letter = zip_of(&[("letter.txt", b"Hello")]);
    vec![
        file(
            "ATTACHMENT_PROGRAM",
            ("tool.exe", b"MZ123"),
            ("tool.exe.txt", b"what it prints"),
        ),
        archive(
            "ATTACHMENT_PROGRAM_IN_ARCHIVE",
            &zip_of(&[("run.vbs", b"x")]),
            &letter,
        ),
        file(
            "ATTACHMENT_DOUBLE_EXTENSION",
            ("report.pdf.exe", b"x"),
            ("report.v2.pdf", b"%PDF-1.4"),
        ),
        sample(
            "ATTACHMENT_NAME_REVERSED",
            named("filename*=utf-8''annual%E2%80%AEfdp.doc", b"x"),
            named("filename*=utf-8''Jahresbericht%C3%A4.pdf", b"x"),
        ),
        file(
            "ATTACHMENT_RISKY",
            ("backup.iso", b"x"),
            ("isolation.pdf", b"x"),
        ),
        sample(
            "ATTACHMENT_TYPE_LIE",
            typed("image/png"),
            typed("application/x-msdownload"),
        ),
        archive(
            "ARCHIVE_NESTED",
            &zip_of(&[("letter.zip", &letter)]),
            &letter,
        ),
        archive("ARCHIVE_ENCRYPTED", &encrypted(letter.clone()), &letter),
        archive(
            "ARCHIVE_BOMB",
            &zip_of(&[("zeros", &vec![0; 8 << 20])]),
            &letter,
        ),
        archive("ARCHIVE_BROKEN", b"PK\x03\x04 and no more", &letter),
    ]
}

#[test]
fn every_rule_has_a_hit_and_a_miss() {
    let families = [form, subjects, senders, phrases, pages, links, attachments];
    let samples: Vec<Sample> = families.iter().flat_map(|family| family()).collect();
    let sampled: BTreeSet<&str> = samples.iter().map(|sample| sample.rule).collect();
    let rules: BTreeSet<&str> = all().map(|rule| rule.name).collect();
    assert_eq!(sampled, rules);
    let mut wrong = Vec::new();
    for Sample { rule, hit, miss } in &samples {
        let found = hit.names();
        if !found.iter().any(|name| name == rule) {
            wrong.push(format!("{rule} is not found, but {found:?}"));
        }
        if miss.names().iter().any(|name| name == rule) {
            wrong.push(format!("{rule} is found where it should not be"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
