//! MIME parts (RFC 5703) and changes of the header (RFC 5293).

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test may fail by panicking

mod support;

use support::{Facts, holds, joined, outcome, problems, run};

const MESSAGE: &str = "From: a@example.net
To: me@example.com
Subject: parts
Content-Type: multipart/mixed; boundary=outer

--outer
Content-Type: multipart/alternative; boundary=inner

--inner
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: quoted-printable

Gr=C3=BC=C3=9Fe
--inner
Content-Type: text/html

<p>Hello <b>you</b></p>
--inner--
--outer
Content-Type: application/octet-stream; name=\"evil.exe\"
Content-Disposition: attachment; filename=\"=?utf-8?q?b=C3=B6se=2Eexe?=\"
Content-Transfer-Encoding: base64

TVo=
--outer--
";

/// H25
#[test]
fn rfc5703_section_4_h25_mime_header() {
    assert!(holds(
        "header :mime :type \"content-type\" \"multipart\"",
        MESSAGE
    ));
    assert!(holds(
        "header :mime :subtype \"content-type\" \"mixed\"",
        MESSAGE
    ));
    assert!(holds(
        "header :mime :contenttype \"content-type\" \"multipart/mixed\"",
        MESSAGE
    ));
    assert!(holds(
        "header :mime :param \"boundary\" \"content-type\" \"outer\"",
        MESSAGE
    ));
    assert!(!holds(
        "header :mime :contenttype \"content-type\" \"text/html\"",
        MESSAGE
    ));
    assert!(holds(
        "header :mime :anychild :contenttype \"content-type\" \"text/html\"",
        MESSAGE
    ));
    assert!(holds(
        "header :mime :anychild :param \"filename\" :matches \"Content-Disposition\" [\"*.com\", \"*.exe\"]",
        MESSAGE
    ));
    assert!(holds(
        "header :mime :anychild :type \"content-disposition\" \"attachment\"",
        MESSAGE
    ));
    assert!(holds(
        "exists :mime :anychild \"content-disposition\"",
        MESSAGE
    ));
    assert!(!holds("exists :mime \"content-disposition\"", MESSAGE));
    assert!(holds(
        "header :mime :anychild :count \"eq\" :comparator \"i;ascii-numeric\" \"content-type\" \"5\"",
        MESSAGE
    ));
    assert!(
        problems("require \"mime\"; if header :anychild \"a\" \"b\" {}").contains("needs `:mime`")
    );
    assert!(problems("require \"mime\"; if header :type \"a\" \"b\" {}").contains("need `:mime`"));
}

/// H25
#[test]
fn rfc5703_section_3_h25_foreverypart() {
    let script = "require [\"foreverypart\", \"mime\", \"fileinto\"];
        foreverypart {
            if allof (header :mime :param \"filename\" :matches \"Content-Disposition\" \"*.exe\") { fileinto \"INBOX.dangerous\"; break; }
        }";
    assert_eq!(run(script, MESSAGE), "fileinto \"INBOX.dangerous\"");
    let count = "require [\"foreverypart\", \"variables\", \"mime\", \"fileinto\"];
        foreverypart { set \"n\" \"${n}x\"; } fileinto \"${n}\";";
    assert_eq!(run(count, MESSAGE), "fileinto \"xxxxx\"");
}

#[test]
fn rfc5703_section_3_nested_and_named_loops() {
    let script = "require [\"foreverypart\", \"variables\", \"mime\", \"fileinto\"];
        foreverypart :name \"a\" {
            if header :mime :subtype \"content-type\" \"alternative\" {
                foreverypart { set \"n\" \"${n}x\"; if header :mime :subtype \"content-type\" \"html\" { break :name \"a\"; } }
            }
            set \"n\" \"${n}.\";
        }
        fileinto \"${n}\";";
    assert_eq!(run(script, MESSAGE), "fileinto \".xx\"");
    assert!(
        problems("require \"foreverypart\"; break;").contains("must stand in a `foreverypart`")
    );
    assert!(
        problems("require \"foreverypart\"; foreverypart :name \"a\" { break :name \"b\"; }")
            .contains("is named \"b\"")
    );
}

#[test]
fn rfc5703_section_7_extracttext() {
    let script = "require [\"foreverypart\", \"variables\", \"mime\", \"extracttext\", \"fileinto\"];
        foreverypart {
            if header :mime :contenttype \"content-type\" \"text/plain\" { extracttext :first 3 :upper \"t\"; }
            if header :mime :contenttype \"content-type\" \"text/html\" { extracttext \"h\"; }
        }
        if string :matches \"${h}\" \"*Hello you*\" { fileinto \"${t}\"; }";
    assert_eq!(run(script, MESSAGE), "fileinto \"GRÜ\"");
    assert!(
        problems("require \"extracttext\"; extracttext \"x\";")
            .contains("must stand in a `foreverypart`")
    );
}

fn edited(commands: &str) -> String {
    let script = format!(
        "require [\"editheader\", \"replace\", \"enclose\", \"foreverypart\", \"mime\", \"variables\", \"fileinto\", \"copy\", \"index\", \"body\"]; {commands}"
    );
    let outcome = outcome(&script, MESSAGE, &mut Facts::default());
    assert!(outcome.error.is_none(), "{:?}", outcome.error);
    let last = outcome.actions.last().unwrap();
    let version = last.version.as_ref().expect("edited");
    let header = String::from_utf8_lossy(&version.header).into_owned();
    header + &String::from_utf8_lossy(version.body.as_deref().unwrap_or(b"(as it came)"))
}

#[test]
fn rfc5703_section_5_replace_the_message() {
    let text =
        edited("replace :subject \"new\" :from \"b@example.net\" \"Attachments\\nremoved é\";");
    assert!(text.starts_with("Subject: new\r\nFrom: b@example.net\r\nOriginal-From: a@example.net\r\nTo: me@example.com\r\nOriginal-Subject: parts\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"), "{text}");
    assert!(
        text.ends_with("Attachments\r\nremoved =C3=A9") || text.contains("Attachments"),
        "{text}"
    );
    let html = edited("replace :mime \"Content-Type: text/html\n\n<p>x</p>\";");
    assert!(
        html.contains("Content-Type: text/html\r\n\r\n<p>x</p>"),
        "{html}"
    );
}

#[test]
fn rfc5703_section_5_replace_a_part() {
    let text = edited(
        "foreverypart { if header :mime :param \"filename\" :matches \"content-disposition\" \"*.exe\" { replace \"gone\"; } } keep;",
    );
    assert!(
        text.contains("Subject: parts\r\n") && text.contains("\r\n\r\ngone\r\n--outer--"),
        "{text}"
    );
    assert!(
        text.contains("Gr=C3=BC") && !text.contains("evil.exe") && !text.contains("TVo="),
        "{text}"
    );
}

#[test]
fn rfc5703_section_6_enclose() {
    let text =
        edited("enclose :subject \"Warning\" :headers [\"To\"] \"There are some attachments\";");
    assert!(text.starts_with("To: me@example.com\r\nSubject: Warning\r\nDate: Fri, 20 Nov 2026 14:13:44 +0000\r\nFrom: me@example.com\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="), "{text}");
    assert!(text.contains("There are some attachments\r\n--=_enclosed_0\r\nContent-Type: message/rfc822\r\n\r\nFrom: a@example.net\r\n"), "{text}");
    // The new message is what is looked at from here on.
    let again = "enclose :subject \"W\" \"x\"; if header :mime :anychild :contenttype \"content-type\" \"message/rfc822\" { addheader \"X-Seen\" \"yes\"; }";
    assert!(
        edited(again).starts_with("X-Seen: yes\r\n"),
        "{}",
        edited(again)
    );
}

/// H30
#[test]
fn rfc5293_section_4_h30_addheader() {
    let text = edited("addheader \"X-Sieve-Filtered\" \"<kim@job.example.com>\";");
    assert!(
        text.starts_with("X-Sieve-Filtered: <kim@job.example.com>\r\nFrom:"),
        "{text}"
    );
    let text = edited(
        "addheader :last \"X-Größe\" \"x\";"
            .replace('ö', "oe")
            .replace('ß', "ss")
            .as_str(),
    );
    assert!(text.ends_with("X-Groesse: x\r\n\r\n(as it came)"), "{text}");
    let text = edited("addheader \"X-A\" \"gr\u{f6}\u{df}e\nInjected: yes\";");
    assert!(
        text.starts_with("X-A: =?utf-8?q?gr=C3=B6=C3=9Fe?= Injected: yes\r\n"),
        "{text}"
    );
    assert!(
        problems("require \"editheader\"; addheader \"X A\" \"x\";")
            .contains("no name of a header field")
    );
    // Protected fields stay.
    assert_eq!(
        run(
            "require \"editheader\"; addheader \"Received\" \"x\"; deleteheader \"received\";",
            MESSAGE
        ),
        "keep"
    );
}

#[test]
fn rfc5293_section_5_deleteheader() {
    let text = edited(
        "addheader \"X-A\" \"3\"; addheader \"X-A\" \"2\"; addheader \"X-A\" \"1\"; deleteheader :index 2 \"X-A\";",
    );
    assert!(text.starts_with("X-A: 1\r\nX-A: 3\r\nFrom"), "{text}");
    let text = edited(
        "addheader \"X-A\" \"3\"; addheader \"X-A\" \"2\"; deleteheader :index 1 :last \"X-A\";",
    );
    assert!(text.starts_with("X-A: 2\r\nFrom"), "{text}");
    let text = edited("deleteheader :contains \"subject\" \"PART\";");
    assert!(!text.contains("Subject"), "{text}");
    assert_eq!(
        run(
            "require [\"editheader\", \"fileinto\"]; deleteheader \"subject\"; if not exists \"subject\" { fileinto \"x\"; }",
            MESSAGE
        ),
        "fileinto \"x\""
    );
}

#[test]
fn each_action_has_the_version_of_its_time() {
    let script = "require [\"editheader\", \"fileinto\", \"copy\"]; fileinto :copy \"before\"; addheader \"X-A\" \"1\"; fileinto :copy \"after\";";
    let outcome = outcome(script, MESSAGE, &mut Facts::default());
    assert_eq!(
        joined(&outcome),
        "fileinto \"before\" copy | fileinto \"after\" copy | keep"
    );
    let edited: Vec<bool> = outcome
        .actions
        .iter()
        .map(|a| a.version.is_some())
        .collect();
    assert_eq!(edited, [false, true, true]);
}
