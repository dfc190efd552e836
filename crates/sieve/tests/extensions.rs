//! What looks at the message's date, flags, body, envelope and surroundings: examples of the RFCs by section.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test may fail by panicking

mod support;

use jiff::tz::{Offset, TimeZone};
use sieve::{
    DuplicateKey, Envelope, EnvelopeBy, EnvelopeDsn, Mail, Occasion, Run, SpamScore, VirusVerdict,
};
use support::{
    Facts, compile, crlf, holds, holds_with, joined, outcome, outcome_of, problems, run, run_with,
};

const MESSAGE: &str = "Date: Mon, 20 Jul 2009 21:44:43 -0300
Received: from a by b; Fri, 20 Nov 2026 10:00:00 +0000
Received: from c by d; Fri, 20 Nov 2026 09:00:00 +0000
From: Frop <frop@example.com>
To: me@example.com, tim@example.org
Subject: Test
Message-ID: <m1@example.com>

Hello
";

/// H14
#[test]
fn rfc5232_section_3_h14_flags() {
    let flags = |commands: &str| {
        run(
            &format!(
                "require [\"imap4flags\", \"fileinto\", \"variables\", \"relational\", \"comparator-i;ascii-numeric\"]; {commands}"
            ),
            MESSAGE,
        )
    };
    assert_eq!(
        flags("setflag \"\\\\seen\"; fileinto \"A\";"),
        "fileinto \"A\" flags (\\seen)"
    );
    assert_eq!(
        flags("addflag \"\\\\Deleted\"; addflag [\"\\\\Flagged\", \"\\\\deleted\"];"),
        "keep flags (\\Deleted \\Flagged)"
    );
    assert_eq!(
        flags("addflag \"\\\\Flagged \\\\Deleted $x\"; removeflag \"\\\\deleted\";"),
        "keep flags (\\Flagged $x)"
    );
    assert_eq!(
        flags("addflag \"a\"; keep :flags [\"b\", \"\\\\Recent\"];"),
        "keep flags (b)"
    );
    assert_eq!(
        flags("addflag \"a\"; fileinto :flags \"\" \"X\";"),
        "fileinto \"X\""
    );
    assert_eq!(
        flags("setflag \"v\" \"\\\\Flagged\"; addflag \"v\" \"$b\"; keep :flags \"${v}\";"),
        "keep flags (\\Flagged $b)"
    );
    assert_eq!(
        flags("addflag \"a\"; if hasflag \"A\" { discard; }"),
        "discard"
    );
    assert_eq!(
        flags("addflag \"a\"; if hasflag :contains \"b\" { discard; }"),
        "keep flags (a)"
    );
    assert_eq!(
        flags("set \"v\" \"A B\"; if hasflag :is \"v\" \"b\" { discard; }"),
        "discard"
    );
    assert_eq!(
        flags(
            "setflag \"Junk gnus-forward $Forwarded NotJunk JunkRecorded $Junk $NotJunk\";
            if hasflag :count \"ge\" :comparator \"i;ascii-numeric\" \"5\" { discard; }"
        ),
        "discard"
    );
}

#[test]
fn old_imapflags() {
    let script = "require \"imapflags\"; mark; addflag \"\\\\Seen\"; unmark;";
    assert_eq!(run(script, MESSAGE), "keep flags (\\Seen)");
    assert!(
        problems("require \"imap4flags\"; mark;").contains("needs the extension \"imapflags\"")
    );
}

/// H22
#[test]
fn rfc5260_section_4_h22_date() {
    assert!(holds(
        "date :value \"ge\" :originalzone \"date\" \"hour\" \"17\"",
        MESSAGE
    ));
    assert!(holds("date :is \"date\" \"date\" \"2009-07-21\"", MESSAGE));
    assert!(holds(
        "date :is :originalzone \"date\" \"date\" \"2009-07-20\"",
        MESSAGE
    ));
    assert!(holds(
        "date :is :zone \"+0200\" \"date\" \"time\" \"02:44:43\"",
        MESSAGE
    ));
    assert!(holds("date :is \"received\" \"hour\" \"10\"", MESSAGE));
    assert!(holds(
        "date :is :index 1 :last \"received\" \"hour\" \"09\"",
        MESSAGE
    ));
    assert!(!holds("date :matches \"x-date\" \"year\" \"*\"", MESSAGE));
    assert!(
        problems("require \"date\"; if date \"date\" \"yaer\" \"x\" {}")
            .contains("did you mean `year`?")
    );
    assert!(
        problems("require \"date\"; if date :zone \"CET\" \"date\" \"year\" \"x\" {}")
            .contains("such as \"+0100\"")
    );
}

/// H22
#[test]
fn rfc5260_section_5_h22_currentdate() {
    assert!(holds("currentdate :is \"weekday\" \"5\"", MESSAGE));
    assert!(holds("currentdate :is \"date\" \"2026-11-20\"", MESSAGE));
    assert!(holds(
        "allof (currentdate :value \"ge\" \"date\" \"2026-06-30\", currentdate :value \"le\" \"date\" \"2026-12-31\")",
        MESSAGE
    ));
    let mut facts = Facts {
        zone: Some(TimeZone::fixed(Offset::constant(-8))),
        ..Facts::default()
    };
    assert!(holds_with(
        "currentdate :is \"iso8601\" \"2026-11-20T06:13:44-08:00\"",
        MESSAGE,
        &mut facts
    ));
    assert!(holds_with(
        "currentdate :zone \"+0530\" :is \"std11\" \"Fri, 20 Nov 2026 19:43:44 +0530\"",
        MESSAGE,
        &mut facts
    ));
}

/// H22
#[test]
fn rfc5260_section_6_h22_index() {
    let message =
        "X-A: one\nX-A: two\nX-A: three\nTo: a@x.example, b@x.example\nTo: c@x.example\n\n";
    assert!(holds("header :index 2 \"x-a\" \"two\"", message));
    assert!(!holds("header :index 2 \"x-a\" \"one\"", message));
    assert!(holds("header :index 1 :last \"x-a\" \"three\"", message));
    assert!(!holds("header :index 4 :contains \"x-a\" \"\"", message));
    assert!(
        problems("require \"index\"; if header :last \"a\" \"b\" {}").contains("needs an `:index`")
    );
    assert!(
        problems("require \"index\"; if header :index 0 \"a\" \"b\" {}").contains("counts from 1")
    );
}

/// H20
#[test]
fn rfc5183_h20_environment() {
    let mut facts = Facts::default();
    facts.environment.extend([
        ("phase", "during"),
        ("location", "MDA"),
        ("imap.cause", "COPY"),
        ("remote-ip", "192.0.2.1"),
    ]);
    assert!(holds_with(
        "environment \"phase\" \"during\"",
        MESSAGE,
        &mut facts
    ));
    assert!(holds_with(
        "environment :matches [\"imap.cause\", \"location\"] \"M?A\"",
        MESSAGE,
        &mut facts
    ));
    assert!(holds_with(
        "environment :contains \"name\" \"pennyblack\"",
        MESSAGE,
        &mut facts
    ));
    assert!(holds_with(
        "environment :matches \"version\" \"*.*\"",
        MESSAGE,
        &mut facts
    ));
    // What is not known matches nothing, not even the empty string.
    assert!(!holds_with(
        "environment :contains \"x\" \"\"",
        MESSAGE,
        &mut facts
    ));
}

/// H28
#[test]
fn h28_environment_as_variables() {
    let mut facts = Facts::default();
    facts.environment.insert("vnd.dovecot.config.x", "Lists");
    facts.environment.insert("remote-ip", "192.0.2.1");
    let script = "require [\"variables\", \"fileinto\", \"vnd.dovecot.environment\"]; fileinto \"${env.vnd.dovecot.config.x}-${env.remote-ip}\";";
    assert_eq!(
        run_with(script, MESSAGE, &mut facts),
        "fileinto \"Lists-192.0.2.1\""
    );
    assert!(problems(script).contains("only scripts of the administrator"));
}

/// H18
#[test]
fn rfc5173_section_5_h18_body() {
    let message = "Content-Type: multipart/mixed; boundary=b

prologue
--b
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: base64

VG9wIHNlY3JldCDDpG5kZXJ1bmc=
--b
Content-Type: text/html

<p>Make <b>money</b> fast</p>
--b
Content-Type: message/rfc822

Subject: inner

inner text
--b
Content-Type: image/png
Content-Transfer-Encoding: base64

aGVsbG8=
--b--
epilogue
";
    assert!(holds(
        "body :text :contains \"top secret änderung\"",
        message
    ));
    assert!(!holds("body :raw :contains \"top secret\"", message));
    assert!(holds("body :raw :contains \"VG9wIHNl\"", message));
    assert!(holds(
        "body :content \"text\" :contains \"<b>money\"",
        message
    ));
    assert!(!holds("body :text :contains \"<b>\"", message));
    assert!(holds("body :contains \"make money fast\"", message));
    assert!(holds(
        "body :content \"message\" :contains \"subject: inner\"",
        message
    ));
    assert!(holds(
        "body :content \"message/rfc822\" :contains \"inner\"",
        message
    ));
    assert!(!holds(
        "body :content \"message/rfc822\" :contains \"inner text\"",
        message
    ));
    assert!(holds(
        "body :content \"multipart\" :contains \"prologue\"",
        message
    ));
    assert!(holds(
        "body :content \"multipart/mixed\" :contains \"epilogue\"",
        message
    ));
    assert!(holds("body :content \"image/png\" :is \"hello\"", message));
    assert!(holds("body :content [\"\"] :contains \"hello\"", message));
    assert!(!holds(
        "body :content \"/png\" :contains \"hello\"",
        message
    ));
    assert!(!holds(
        "body :content \"application\" :contains \"\"",
        message
    ));
    assert!(
        problems("require \"body\"; if body :raw :content \"a\" \"b\" {}")
            .contains("exclude each other")
    );
}

#[test]
fn a_body_from_the_host() {
    let script = compile("require \"body\"; if body :contains \"needle\" { discard; }");
    assert!(script.needs_body());
    let envelope = Envelope::new("a@b.example", "c@d.example");
    let mut facts = Facts {
        body: b"a needle\r\n".to_vec(),
        ..Facts::default()
    };
    let run =
        Run::new(Mail::header_only(b"Subject: x\r\n\r\n", 24), &envelope).personal("x", &script);
    assert_eq!(joined(&run.execute(&mut facts)), "discard");
    facts.away = true;
    assert!(run.execute(&mut facts).error.unwrap().is_temporary());
}

/// H21
#[test]
fn rfc5490_section_3_h21_mailbox() {
    let mut facts = Facts::default();
    facts.mailboxes.extend(["A", "B"]);
    assert!(holds_with(
        "mailboxexists [\"A\", \"B\"]",
        MESSAGE,
        &mut facts
    ));
    assert!(!holds_with(
        "mailboxexists [\"A\", \"C\"]",
        MESSAGE,
        &mut facts
    ));
    assert_eq!(
        run(
            "require [\"mailbox\", \"fileinto\"]; fileinto :create \"New\";",
            MESSAGE
        ),
        "fileinto \"New\" create"
    );
}

#[test]
fn rfc5490_section_4_and_5_metadata() {
    let mut facts = Facts::default();
    facts.metadata.insert(("INBOX", "/private/vendor/x"), "on");
    facts.metadata.insert(("", "/shared/comment"), "hello");
    assert!(holds_with(
        "metadata :is \"INBOX\" \"/private/vendor/x\" \"ON\"",
        MESSAGE,
        &mut facts
    ));
    assert!(!holds_with(
        "metadata :contains \"X\" \"/private/vendor/x\" \"\"",
        MESSAGE,
        &mut facts
    ));
    assert!(holds_with(
        "metadataexists \"INBOX\" [\"/private/vendor/x\"]",
        MESSAGE,
        &mut facts
    ));
    assert!(!holds_with(
        "metadataexists \"INBOX\" [\"/private/vendor/x\", \"/y\"]",
        MESSAGE,
        &mut facts
    ));
    assert!(holds_with(
        "servermetadata :matches \"/shared/comment\" \"h*\"",
        MESSAGE,
        &mut facts
    ));
    assert!(holds_with(
        "servermetadataexists \"/shared/comment\"",
        MESSAGE,
        &mut facts
    ));
}

#[test]
fn rfc8579_special_use() {
    let mut facts = Facts::default();
    facts.special.insert(("Spam", "\\Junk"));
    assert!(holds_with(
        "specialuse_exists \"\\\\Junk\"",
        MESSAGE,
        &mut facts
    ));
    assert!(holds_with(
        "specialuse_exists \"Spam\" \"\\\\junk\"",
        MESSAGE,
        &mut facts
    ));
    assert!(!holds_with(
        "specialuse_exists \"INBOX\" \"\\\\Junk\"",
        MESSAGE,
        &mut facts
    ));
    let script = "require [\"special-use\", \"fileinto\", \"mailbox\"]; fileinto :specialuse \"\\\\Junk\" :create \"Spam\";";
    assert_eq!(
        run(script, MESSAGE),
        "fileinto \"Spam\" special-use \"\\\\Junk\" create"
    );
}

#[test]
fn rfc9042_mailboxid() {
    let mut facts = Facts::default();
    facts.mailbox_ids.insert("F1");
    assert!(holds_with("mailboxidexists [\"F1\"]", MESSAGE, &mut facts));
    assert!(!holds_with(
        "mailboxidexists [\"F1\", \"F2\"]",
        MESSAGE,
        &mut facts
    ));
    let script =
        "require [\"fileinto\", \"mailboxid\"]; fileinto :mailboxid \"F1\" \"INBOX.harassment\";";
    assert_eq!(
        run(script, MESSAGE),
        "fileinto \"INBOX.harassment\" mailboxid \"F1\""
    );
}

/// H24
#[test]
fn rfc7352_h24_duplicate() {
    let key = |handle: &str, id: &str| DuplicateKey {
        handle: handle.into(),
        id: id.into(),
    };
    let mut facts = Facts::default();
    let script = "require \"duplicate\"; if duplicate { discard; }";
    let first = outcome(script, MESSAGE, &mut facts);
    assert_eq!(joined(&first), "keep");
    assert_eq!(first.remember[0].key, key("", "<m1@example.com>"));
    assert_eq!(first.remember[0].seconds, 7 * 86_400);
    facts.seen.insert(key("", "<m1@example.com>"));
    let second = outcome(script, MESSAGE, &mut facts);
    assert_eq!(joined(&second), "discard");
    assert!(second.remember.is_empty());
    let last = outcome(
        "require \"duplicate\"; if duplicate :last :seconds 60 { discard; }",
        MESSAGE,
        &mut facts,
    );
    assert_eq!(last.remember[0].seconds, 60);
    let handle = outcome(
        "require [\"duplicate\"]; if duplicate :handle \"h\" :header \"subject\" { discard; }",
        MESSAGE,
        &mut facts,
    );
    assert_eq!(handle.remember[0].key, key("h", "Test"));
    assert!(
        outcome(
            "require \"duplicate\"; if duplicate :header \"x-none\" { discard; }",
            MESSAGE,
            &mut facts
        )
        .remember
        .is_empty()
    );
    // A script that fails leaves no memory.
    let failed = outcome(
        "require [\"duplicate\", \"ihave\"]; if duplicate :uniqueid \"u\" {} error \"x\";",
        MESSAGE,
        &mut facts,
    );
    assert!(failed.error.is_some() && failed.remember.is_empty());
    assert!(
        problems("require \"duplicate\"; if duplicate :header \"a\" :uniqueid \"b\" {}")
            .contains("exclude each other")
    );
}

/// H29
#[test]
fn rfc5235_h29_spamtest() {
    let scored = |score: f64, test: &str| {
        let mut facts = Facts {
            spam: Some(SpamScore {
                score,
                maximum: 15.0,
            }),
            ..Facts::default()
        };
        holds_with(test, MESSAGE, &mut facts)
    };
    let percent = |score, value: &str| {
        scored(
            score,
            &format!("spamtest :percent :value \"eq\" :comparator \"i;ascii-numeric\" \"{value}\""),
        )
    };
    assert!(percent(7.5, "50"));
    assert!(percent(-3.0, "0"));
    assert!(percent(20.0, "100"));
    assert!(scored(
        15.0,
        "spamtest :value \"eq\" :comparator \"i;ascii-numeric\" \"10\""
    ));
    assert!(scored(
        0.0,
        "spamtest :value \"eq\" :comparator \"i;ascii-numeric\" \"1\""
    ));
    assert!(holds(
        "spamtest :value \"eq\" :comparator \"i;ascii-numeric\" \"0\"",
        MESSAGE
    ));
    // A field that the sender wrote changes nothing.
    assert!(holds(
        "spamtest :percent :is \"0\"",
        "X-Spam-Score: 14.0 / 15.00\n\n"
    ));
}

/// H29: the script of the catalogue's fixtures (I5).
#[test]
fn h29_i5_spamtest_at_delivery() {
    let script = "require [\"fileinto\", \"imap4flags\", \"spamtestplus\", \"relational\", \"comparator-i;ascii-numeric\"];
        if spamtest :percent :value \"gt\" :comparator \"i;ascii-numeric\" \"95\" { setflag \"\\\\seen\"; fileinto \"Junk\"; stop; }
        if spamtest :percent :value \"ge\" :comparator \"i;ascii-numeric\" \"50\" { fileinto \"Junk\"; stop; }";
    for (score, expected) in [
        (14.9, "fileinto \"Junk\" flags (\\seen)"),
        (7.5, "fileinto \"Junk\""),
        (5.5, "keep"),
    ] {
        let mut facts = Facts {
            spam: Some(SpamScore {
                score,
                maximum: 15.0,
            }),
            ..Facts::default()
        };
        assert_eq!(run_with(script, MESSAGE, &mut facts), expected);
    }
}

#[test]
fn rfc5235_section_3_4_virustest() {
    let mut facts = Facts {
        virus: Some(VirusVerdict::Suspicious),
        ..Facts::default()
    };
    assert!(holds_with(
        "virustest :value \"eq\" :comparator \"i;ascii-numeric\" \"4\"",
        MESSAGE,
        &mut facts
    ));
    assert!(holds("virustest :is \"0\"", MESSAGE));
}

#[test]
fn rfc6134_extlists() {
    let mut facts = Facts::default();
    facts.lists.insert(
        "urn:ietf:params:sieve:addrbook:default",
        vec!["frop@example.com"],
    );
    assert!(holds_with(
        "address :list \"from\" \":addrbook:default\"",
        MESSAGE,
        &mut facts
    ));
    assert!(!holds_with(
        "address :list \"to\" \":addrbook:default\"",
        MESSAGE,
        &mut facts
    ));
    assert!(holds_with(
        "valid_ext_list \":addrbook:default\"",
        MESSAGE,
        &mut facts
    ));
    assert!(!holds_with(
        "valid_ext_list \":addrbook:other\"",
        MESSAGE,
        &mut facts
    ));
    let script = "require [\"extlists\", \"copy\"]; redirect :list :copy \":addrbook:default\";";
    assert_eq!(
        run(script, MESSAGE),
        "redirect list \"urn:ietf:params:sieve:addrbook:default\" copy | keep"
    );
}

#[test]
fn rfc6009_section_4_and_5_envelope() {
    let envelope = Envelope {
        dsn: EnvelopeDsn {
            notify: vec!["SUCCESS".into(), "FAILURE".into()],
            orcpt: Some("rfc822;me@example.net".into()),
            ret: Some("HDRS".into()),
            envid: Some("id1".into()),
        },
        by: Some(EnvelopeBy {
            deadline: 1_795_184_124,
            seconds: 100,
            or_return: true,
            trace: false,
        }),
        ..Envelope::new("a@b.example", "me@example.com")
    };
    let check = |test: &str| {
        let script = format!(
            "require [\"envelope\", \"envelope-dsn\", \"envelope-deliverby\", \"relational\", \"comparator-i;ascii-numeric\"]; if envelope {test} {{ discard; }}"
        );
        joined(&outcome_of(
            &script,
            MESSAGE,
            &envelope,
            &mut Facts::default(),
        )) == "discard"
    };
    assert!(check(":is \"notify\" \"failure\""));
    let part = |test: &str| {
        problems(&format!(
            "require [\"envelope\", \"envelope-dsn\", \"envelope-deliverby\"]; if envelope {test} \"x\" {{ discard; }}"
        ))
    };
    for field in ["notify", "orcpt", "ret", "envid", "bymode"] {
        assert!(
            part(&format!(":all \"{field}\"")).contains("is no address"),
            "{field}"
        );
    }
    assert!(check(
        ":count \"eq\" :comparator \"i;ascii-numeric\" \"notify\" \"2\""
    ));
    assert!(check(":matches \"orcpt\" \"rfc822;*\""));
    assert!(check("\"ret\" \"hdrs\""));
    assert!(check("\"envid\" \"id1\""));
    assert!(check(
        ":value \"le\" :comparator \"i;ascii-numeric\" \"bytimerelative\" \"100\""
    ));
    assert!(check(":comparator \"i;octet\" :is \"bymode\" \"return\""));
    assert!(check(":is \"bytrace\" \"\""));
    assert!(check(
        ":matches \"bytimeabsolute\" \"2026-11-20T14:15:24Z\""
    ));
}

#[test]
fn rfc6009_section_6_and_7_redirect() {
    let redirect = |tags: &str| {
        run(
            &format!(
                "require [\"redirect-dsn\", \"redirect-deliverby\"]; redirect {tags} \"a@b.example\";"
            ),
            MESSAGE,
        )
    };
    assert_eq!(
        redirect(":notify \"delay,failure\" :ret \"full\""),
        "redirect \"a@b.example\" notify \"DELAY,FAILURE\" ret \"FULL\""
    );
    assert_eq!(
        redirect(":bytimerelative 600 :bymode \"return\" :bytrace"),
        "redirect \"a@b.example\" by 600 return trace"
    );
    assert_eq!(
        redirect(":bytimeabsolute \"2026-11-20T14:14:44Z\""),
        "redirect \"a@b.example\" by 60 return"
    );
    assert!(redirect(":notify \"sometimes\"").contains("not \"sometimes\""));
    assert!(
        problems("require \"redirect-deliverby\"; redirect :bytrace \"a@b.example\";")
            .contains("need a `:bytimerelative`")
    );
}

/// H6
#[test]
fn rfc5429_h6_reject() {
    assert_eq!(
        run("require \"reject\"; reject \"I don't want\";", MESSAGE),
        "reject \"I don't want\""
    );
    assert_eq!(
        run("require \"ereject\"; ereject \"go\";", MESSAGE),
        "ereject \"go\""
    );
    for other in [
        "keep;",
        "fileinto \"a\";",
        "redirect \"a@b.example\";",
        "reject \"2\";",
    ] {
        let failed = run(
            &format!("require [\"reject\", \"fileinto\"]; reject \"1\"; {other}"),
            MESSAGE,
        );
        assert!(failed.starts_with("keep | error"), "{other}: {failed}");
        let failed = run(
            &format!("require [\"reject\", \"fileinto\"]; {other} reject \"1\";"),
            MESSAGE,
        );
        assert!(failed.starts_with("keep | error"), "{other}: {failed}");
    }
    assert_eq!(
        run("require \"reject\"; reject \"1\"; discard;", MESSAGE),
        "reject \"1\" | discard"
    );
}

/// H26, H27: the scripts of the catalogue's fixtures.
#[test]
fn h26_h27_report_spam_and_ham() {
    let spam =
        "require [\"vnd.dovecot.pipe\", \"copy\", \"imapsieve\", \"environment\", \"variables\"];
        if environment :matches \"imap.user\" \"*\" { set \"user\" \"${1}\"; }
        pipe :copy :try \"learn_spam.sh\" [ \"${user}\" ];";
    let ham =
        "require [\"vnd.dovecot.pipe\", \"copy\", \"imapsieve\", \"environment\", \"variables\"];
        if environment :matches \"imap.mailbox\" \"*\" { set \"mailbox\" \"${1}\"; }
        if string \"${mailbox}\" \"Trash\" { stop; }
        if environment :matches \"imap.user\" \"*\" { set \"user\" \"${1}\"; }
        pipe :copy :try \"learn_ham.sh\" [ \"${user}\" ];";
    let mut facts = Facts::default();
    facts
        .environment
        .extend([("imap.user", "alice"), ("imap.mailbox", "INBOX")]);
    assert_eq!(
        run_with(spam, MESSAGE, &mut facts),
        "pipe \"learn_spam.sh\" [\"alice\"] copy try | keep"
    );
    assert_eq!(
        run_with(ham, MESSAGE, &mut facts),
        "pipe \"learn_ham.sh\" [\"alice\"] copy try | keep"
    );
    facts.environment.insert("imap.mailbox", "Trash");
    assert_eq!(run_with(ham, MESSAGE, &mut facts), "keep");
    assert!(problems(spam).contains("only scripts of the administrator may use it"));
}

/// H26
#[test]
fn rfc6785_h26_imap_events() {
    let on_event = |source: &str| {
        let message = crlf(MESSAGE);
        let envelope = Envelope::default();
        let script = compile(source);
        let flags = vec!["\\Seen".to_owned(), "$x".to_owned()];
        let run = Run::new(Mail::whole(&message), &envelope)
            .personal("x", &script)
            .on(Occasion::ImapEvent { flags });
        joined(&run.execute(&mut Facts::default()))
    };
    assert_eq!(on_event(""), "keep flags (\\Seen $x)");
    // Each script sees what the one before it left; without any, nothing changes.
    let in_a_row = |sources: &[&str]| {
        let (message, envelope) = (crlf(MESSAGE), Envelope::default());
        let flags = vec!["\\Seen".to_owned(), "$x".to_owned()];
        let mut run = Run::new(Mail::whole(&message), &envelope).on(Occasion::ImapEvent { flags });
        for source in sources {
            run = run.personal("x", &compile(source));
        }
        joined(&run.execute(&mut Facts::default()))
    };
    assert_eq!(in_a_row(&[]), "keep flags (\\Seen $x)");
    let removes = "require \"imap4flags\"; removeflag \"$x\";";
    let adds = "require \"imap4flags\"; if hasflag \"$x\" { discard; } addflag \"$y\";";
    assert_eq!(in_a_row(&[removes, adds]), "keep flags (\\Seen $y)");
    assert_eq!(
        on_event("require \"imap4flags\"; removeflag \"$x\";"),
        "keep flags (\\Seen)"
    );
    assert_eq!(
        on_event("require \"fileinto\"; fileinto \"INBOX\"; keep;"),
        "fileinto \"INBOX\" flags (\\Seen $x) | keep flags (\\Seen $x)"
    );
    assert!(on_event("require \"reject\"; reject \"x\";").contains("cannot be rejected"));
    assert_eq!(
        on_event("redirect \"a@b.example\";"),
        "redirect \"a@b.example\""
    );
    for refused in [
        "require \"envelope\"; if envelope \"from\" \"x\" { discard; }",
        "require \"vacation\"; vacation \"x\";",
    ] {
        let outcome = on_event(refused);
        assert!(outcome.contains("for mail that arrives"), "{outcome}");
    }
}

/// H27
#[test]
fn h27_execute_and_filter() {
    let mut facts = Facts::default();
    facts.programs.insert("hello", |program| {
        sieve::Executed::Success(format!("{:?}", program.arguments).into_bytes())
    });
    facts
        .programs
        .insert("broken", |_| sieve::Executed::Failure);
    facts.programs.insert("footer", |_| {
        sieve::Executed::Success(b"Subject: filtered\r\n\r\nnew\r\n".to_vec())
    });
    let execute = "require [\"vnd.dovecot.execute\", \"variables\", \"fileinto\"];
        if execute :output \"out\" \"hello\" [\"a b\", \"c\"] { fileinto \"${out}\"; }
        if execute \"broken\" { discard; }";
    assert_eq!(
        run_with(execute, MESSAGE, &mut facts),
        "fileinto \"[\\\"a b\\\", \\\"c\\\"]\""
    );
    let filter = "require [\"vnd.dovecot.filter\", \"fileinto\"]; filter \"footer\"; if header \"subject\" \"filtered\" { fileinto \"F\"; }";
    let filtered = outcome(filter, MESSAGE, &mut facts);
    assert_eq!(joined(&filtered), "fileinto \"F\"");
    let version = filtered.actions[0].version.as_ref().unwrap();
    assert_eq!(version.header, b"Subject: filtered\r\n\r\n");
    assert_eq!(version.body.as_deref(), Some(&b"new\r\n"[..]));
    assert!(
        run_with(
            "require \"vnd.dovecot.execute\"; execute \"../x\";",
            MESSAGE,
            &mut facts
        )
        .contains("no name of a program")
    );
    assert!(
        run_with(
            "require \"vnd.dovecot.execute\"; execute \"nothing\";",
            MESSAGE,
            &mut facts
        )
        .contains("there is no program")
    );
}

/// H30
#[test]
fn h30_report_and_debug() {
    let script = "require [\"vnd.dovecot.report\", \"vnd.dovecot.debug\"]; debug_log \"here\"; report \"abuse\" \"This is spam\" \"abuse@example.com\";";
    let outcome = outcome(script, MESSAGE, &mut Facts::default());
    assert_eq!(
        joined(&outcome),
        "report \"abuse\" to \"abuse@example.com\" | keep"
    );
    assert_eq!(outcome.debug[0].what, "here");
}
