//! RFC 5228, section by section: the base language, `envelope`, `fileinto`, `encoded-character`.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test may fail by panicking

mod support;

use sieve::{Envelope, Mail, Run};
use support::{Facts, compile, crlf, holds, joined, outcome_of, problems, run};

/// RFC 5228 §9 and its appendices use this pair of messages.
const MESSAGE_A: &str = "Date: Tue, 1 Apr 1997 09:06:31 -0800 (PST)
From: coyote@desert.example.org
To: roadrunner@acme.example.com
Subject: I have a present for you

Look, I'm sorry about the whole anvil thing, and I really
didn't mean to try and drop it on you from the top of the
cliff.  I want to try to make it up to you.  I've got some
great birdseed over here at my place--top of the line
stuff--and if you come by, I'll have it all wrapped up
for you.  I'm really sorry for all the problems I've caused
for you over the years, but I know we can work this out.
--
Wile E. Coyote   \"Super Genius\"   coyote@desert.example.org
";

const MESSAGE_B: &str = "From: youcouldberich!@reply-by-postal-mail.invalid
To: rube@landru.example.com
Date:  Mon, 31 Mar 1997 18:26:10 -0800
Subject: $$$ YOU, TOO, CAN BE A MILLIONAIRE! $$$

YOU MAY HAVE ALREADY WON TEN MILLION DOLLARS, BUT I DOUBT
IT!  SO JUST POST THIS TO SIX HUNDRED NEWSGROUPS!  IT WILL
GUARANTEE THAT YOU GET AT LEAST FIVE RESPONSES WITH MONEY!
MONEY! MONEY! COLD HARD CASH!  YOU WILL RECEIVE OVER
$20,000 IN LESS THAN TWO MONTHS!  AND IT'S LEGAL!!!!!!!!!
!!!!!!!!!!!!!!!!!!111111111!!!!!!!11111111111!!1  JUST
SEND $5 IN SMALL, UNMARKED BILLS TO THE ADDRESSES BELOW!
";

#[test]
fn section_2_3_comments() {
    let script = "if size :over 100k { # this is a comment
        discard;
    }
    if size :over 100K { /* this is a comment
        this is still a comment */ discard /* this is a comment
        */ ;
    }";
    assert_eq!(run(script, MESSAGE_A), "keep");
}

#[test]
fn section_2_4_2_multi_line_strings() {
    let script = "require \"reject\"; reject text: # comment\n..dot\nline\n.\n;";
    assert_eq!(run(script, MESSAGE_A), "reject \".dot\\nline\\n\"");
}

#[test]
fn section_2_4_2_4_encoded_characters() {
    for (written, meant) in [
        ("$${hex:40}", "$@"),
        ("${hex: 40 }", "@"),
        ("${HEX: 40}", "@"),
        ("${hex:40", "${hex:40"),
        ("${hex:400}", "${hex:400}"),
        ("${hex:4${hex:30}}", "${hex:40}"),
        ("${unicode:40}", "@"),
        ("${ unicode:40}", "${ unicode:40}"),
        ("${UNICODE:40}", "@"),
        ("${UnICoDE:0000040}", "@"),
        ("${Unicode:40}", "@"),
        ("${Unicode:Cool}", "${Unicode:Cool}"),
        ("${unicode:200000}", ""),
        ("x${hex:24 24}y", "x$$y"),
        ("${unicode: 1f600}", "\u{1f600}"),
        ("${hex:}", "${hex:}"),
    ] {
        let script =
            format!("require [\"fileinto\", \"encoded-character\"]; fileinto \"{written}\";");
        match meant {
            "" => assert!(problems(&script).contains("does not exist"), "{written}"),
            _ => assert_eq!(
                run(&script, MESSAGE_A),
                format!("fileinto \"{meant}\""),
                "{written}"
            ),
        }
    }
    // Without the extension it is text.
    assert_eq!(
        run("require \"fileinto\"; fileinto \"${hex:40}\";", MESSAGE_A),
        "fileinto \"${hex:40}\""
    );
}

#[test]
fn section_2_4_2_2_headers_are_compared_decoded() {
    let message = "Subject: =?utf-8?q?Gr=C3=B6=C3=9Fe?=\n =?iso-8859-1?q?_und_=E4?=\nX-Folded: a\n   b\n\nx\n";
    assert!(holds("header \"subject\" \"Größe und ä\"", message));
    assert!(holds("header \"x-folded\" \"a   b\"", message));
}

#[test]
fn section_2_6_arguments() {
    assert_eq!(
        problems("require [\"fileinto\",\"copy\"]; fileinto \"x\" :copy;"),
        "line 1, column 39: `fileinto`: tags must stand before the name of a mailbox"
    );
    assert_eq!(
        problems("keep 5;"),
        "line 1, column 6: `keep` takes no further argument"
    );
    assert!(
        problems("if header :is :contains \"a\" \"b\" {}").contains("more than one match type")
    );
    assert!(problems("if header :is :is \"a\" \"b\" {}").contains("stands here twice"));
    assert!(problems("if header :iss \"a\" \"b\" {}").contains("did you mean `:is`?"));
    assert!(problems("if header \"a\" {}").contains("`header` needs the keys to compare with"));
    assert!(problems("if size :over \"a\" {}").contains("must be a number"));
    assert!(problems("if size 100 {}").contains("needs `:over` or `:under`"));
}

#[test]
fn section_2_7_1_match_types() {
    let message = "Subject: frop\nX-A: \nX-Caffeine: C8H10N4O2\n\n";
    assert!(holds("header :is \"subject\" \"FROP\"", message));
    assert!(holds("header :contains \"subject\" \"ro\"", message));
    assert!(holds("header :matches \"subject\" \"f?o*\"", message));
    assert!(!holds("header :matches \"subject\" \"f?o\"", message));
    // The table of §5.7.
    assert!(holds(
        "header :is [\"X-Caffeine\"] [\"C8H10N4O2\"]",
        message
    ));
    assert!(!holds("header :is [\"X-Caffeine\"] [\"\"]", message));
    assert!(holds("header :contains [\"X-Caffeine\"] [\"\"]", message));
    assert!(holds("header :is [\"X-A\"] [\"\"]", message));
    assert!(!holds("header :contains [\"X-Missing\"] [\"\"]", message));
}

#[test]
fn section_2_7_3_comparators() {
    let message = "Subject: Frop\n\n";
    assert!(holds(
        "header :comparator \"i;ascii-casemap\" \"subject\" \"fROP\"",
        message
    ));
    assert!(!holds(
        "header :comparator \"i;octet\" \"subject\" \"fROP\"",
        message
    ));
    assert!(
        problems("if header :comparator \"i;elbonia\" \"a\" \"b\" {}")
            .contains("no comparator `i;elbonia`")
    );
    let numeric = "require \"comparator-i;ascii-numeric\"; if header :comparator \"i;ascii-numeric\" :contains \"a\" \"1\" {}";
    assert!(problems(numeric).contains("compares whole numbers only"));
}

#[test]
fn section_2_7_4_addresses() {
    let message = "From: \"Stephan (nice)\" <Stephan@Example.ORG> (comment)\nTo: a@example.com, Group: b@x.example,\n c@y.example;\n\n";
    assert!(holds(
        "address :is \"from\" \"stephan@example.org\"",
        message
    ));
    assert!(holds("address :localpart \"from\" \"stephan\"", message));
    assert!(holds("address :domain :is \"to\" \"y.example\"", message));
    assert!(holds("address :all \"to\" \"b@x.example\"", message));
    assert!(!holds("address :contains \"from\" \"nice\"", message));
}

#[test]
fn section_2_10_2_implicit_keep() {
    assert_eq!(run("", MESSAGE_A), "keep");
    assert_eq!(run("discard;", MESSAGE_A), "discard");
    assert_eq!(
        run("redirect \"bart@example.com\";", MESSAGE_A),
        "redirect \"bart@example.com\""
    );
    assert_eq!(
        run("require \"fileinto\"; fileinto \"A\";", MESSAGE_A),
        "fileinto \"A\""
    );
    assert_eq!(run("stop;", MESSAGE_A), "keep");
    assert_eq!(run("discard; keep;", MESSAGE_A), "discard | keep");
}

#[test]
fn section_2_10_3_the_same_mailbox_twice() {
    let script = "require \"fileinto\"; fileinto \"A\"; fileinto \"A\"; fileinto \"INBOX\"; keep; redirect \"a@b.example\"; redirect \"a@b.example\";";
    assert_eq!(
        run(script, MESSAGE_A),
        "fileinto \"A\" | fileinto \"INBOX\" | redirect \"a@b.example\""
    );
}

/// H31
#[test]
fn section_2_10_4_h31_the_fifth_redirect_is_refused() {
    let redirects: String = (0..5)
        .map(|i| format!("redirect \"u{i}@example.org\";\n"))
        .collect();
    let outcome = run(&redirects, MESSAGE_A);
    assert_eq!(
        outcome,
        "keep | error test, line 5, column 1: there are more than 4 redirects"
    );
    let files: String = (0..33).map(|i| format!("fileinto \"{i}\";\n")).collect();
    let outcome = run(&format!("require \"fileinto\";\n{files}"), MESSAGE_A);
    assert_eq!(
        outcome,
        "keep | error test, line 34, column 1: there are more than 32 actions"
    );
}

#[test]
fn section_2_10_5_require() {
    assert_eq!(
        problems("fileinto \"a\";"),
        "line 1, column 1: `fileinto` needs the extension \"fileinto\" (write require \"fileinto\"; at the start of the script)"
    );
    assert_eq!(
        problems("require [\"fileint\", \"frobnicate\"];"),
        "line 1, column 1: there is no extension \"fileint\" (did you mean \"fileinto\"?)\n\
         line 1, column 1: there is no extension \"frobnicate\""
    );
    assert!(problems("keep; require \"fileinto\";").contains("must stand at the start"));
}

#[test]
fn section_3_1_control_structures() {
    let script = "require \"fileinto\";
        if header :contains \"from\" \"coyote\" { discard; }
        elsif header :contains [\"subject\"] [\"$$$\"] { discard; }
        else { fileinto \"INBOX\"; }";
    assert_eq!(run(script, MESSAGE_A), "discard");
    assert_eq!(run(script, MESSAGE_B), "discard");
    assert_eq!(run(script, "Subject: x\n\n"), "fileinto \"INBOX\"");
    assert!(problems("else {}").contains("must follow an `if`"));
    assert!(problems("if true {} else {} else {}").contains("must follow an `if`"));
    assert!(problems("if true;").contains("needs a block"));
    assert!(problems("if {}").contains("exactly one test"));
    assert!(problems("elsif true {}").contains("must follow an `if`"));
}

#[test]
fn section_3_3_stop() {
    assert_eq!(run("if true { stop; } discard;", MESSAGE_A), "keep");
}

#[test]
fn section_4_2_redirect_needs_an_address() {
    assert!(problems("redirect \"x\";").contains("is no address"));
    assert!(problems("redirect \"a@b.example, c@d.example\";").contains("exactly one"));
    assert_eq!(
        run("redirect \"Bart <bart@example.edu>\";", MESSAGE_A),
        "redirect \"bart@example.edu\""
    );
}

#[test]
fn section_5_1_address() {
    assert!(holds(
        "address :is :all \"from\" \"coyote@desert.example.org\"",
        MESSAGE_A
    ));
    assert!(!holds(
        "address :is :all \"from\" \"tim@example.com\"",
        MESSAGE_A
    ));
}

#[test]
fn section_5_2_and_5_3_allof_anyof() {
    assert!(holds("allof (true, not false)", MESSAGE_A));
    assert!(!holds("allof (true, false)", MESSAGE_A));
    assert!(holds("anyof (false, true)", MESSAGE_A));
    assert!(!holds("anyof (false, false)", MESSAGE_A));
    assert!(problems("if anyof {}").contains("needs tests in parentheses"));
}

/// H7
#[test]
fn section_5_4_h7_envelope() {
    let check = |test: &str, from: &str| {
        let script =
            format!("require [\"envelope\", \"subaddress\"]; if envelope {test} {{ discard; }}");
        let envelope = Envelope::new(from, "me+tag@example.com");
        joined(&outcome_of(
            &script,
            MESSAGE_A,
            &envelope,
            &mut Facts::default(),
        )) == "discard"
    };
    assert!(check(
        ":all :is \"from\" \"tim@example.com\"",
        "tim@example.com"
    ));
    assert!(check(":is \"from\" \"\"", ""));
    assert!(check(":localpart :is \"from\" \"\"", ""));
    assert!(check(":detail \"to\" \"tag\"", ""));
    assert!(check(":domain :is \"to\" \"EXAMPLE.com\"", ""));
    // Malformed addresses are text.
    assert!(check(
        ":all :is \"from\" \"MAILER DAEMON\"",
        "MAILER DAEMON"
    ));
    assert!(
        problems("require \"envelope\"; if envelope \"frm\" \"x\" {}")
            .contains("did you mean `from`?")
    );
}

#[test]
fn section_5_5_exists() {
    assert!(holds(
        "not exists [\"From\",\"Date\",\"X-Missing\"]",
        MESSAGE_A
    ));
    assert!(holds("exists [\"From\",\"Date\"]", MESSAGE_A));
}

#[test]
fn section_5_9_size() {
    let size = crlf(MESSAGE_A).len();
    assert!(holds(&format!("size :over {}", size - 1), MESSAGE_A));
    assert!(!holds(&format!("size :over {size}"), MESSAGE_A));
    assert!(!holds(&format!("size :under {size}"), MESSAGE_A));
    assert!(holds(&format!("size :under {}", size + 1), MESSAGE_A));
}

#[test]
fn section_9_extended_example() {
    let script = "
    require [\"fileinto\"];
    if header :is \"Sender\" \"owner-ietf-mta-filters@imc.org\" { fileinto \"filter\"; }
    elsif address :DOMAIN :is [\"From\", \"To\"] \"example.com\" { keep; }
    elsif anyof (NOT address :all :contains [\"To\", \"Cc\", \"Bcc\"] \"me@example.com\",
                 header :matches \"subject\" [\"*make*money*fast*\", \"*university*dipl*mas*\"]) { fileinto \"spam\"; }
    else { fileinto \"personal\"; }";
    assert_eq!(
        run(script, "Sender: owner-ietf-mta-filters@imc.org\n\n"),
        "fileinto \"filter\""
    );
    assert_eq!(run(script, "From: a@example.com\n\n"), "keep");
    assert_eq!(run(script, MESSAGE_B), "fileinto \"spam\"");
    assert_eq!(
        run(script, "To: Me <me@example.com>\nFrom: x@y.example\n\n"),
        "keep"
    );
    assert_eq!(
        run(script, "Cc: me@example.com\nFrom: x@y.example\n\n"),
        "fileinto \"personal\""
    );
}

/// H1
#[test]
fn h1_fileinto_by_list_id() {
    let script = "require \"fileinto\"; if header :contains \"List-Id\" \"<rust.example.org>\" { fileinto \"Lists\"; }";
    assert_eq!(
        run(script, "List-Id: Rust <rust.example.org>\n\n"),
        "fileinto \"Lists\""
    );
    assert_eq!(run(script, MESSAGE_A), "keep");
}

/// H3
#[test]
fn h3_scripts_before_and_after() {
    let sequence = |before: &str, user: &str, after: &str| {
        let message = crlf(MESSAGE_A);
        let envelope = Envelope::new("a@example.net", "me@example.com");
        let scripts = [before, user, after].map(|s| {
            compile(&format!(
                "require [\"fileinto\", \"copy\", \"imap4flags\"]; {s}"
            ))
        });
        let run = Run::new(Mail::whole(&message), &envelope)
            .global("00-a", &scripts[0])
            .personal("user", &scripts[1])
            .global("zz", &scripts[2]);
        joined(&run.execute(&mut Facts::default()))
    };
    assert_eq!(sequence("", "", ""), "keep");
    assert_eq!(
        sequence(
            "fileinto :copy \"A\";",
            "fileinto \"B\";",
            "fileinto \"C\";"
        ),
        "fileinto \"A\" copy | fileinto \"B\""
    );
    assert_eq!(
        sequence("keep;", "keep;", "fileinto \"C\";"),
        "fileinto \"C\""
    );
    assert_eq!(
        sequence("stop;", "fileinto \"B\";", "fileinto \"C\";"),
        "keep"
    );
    assert_eq!(sequence("", "stop;", "fileinto \"C\";"), "fileinto \"C\"");
    assert_eq!(sequence("discard;", "fileinto \"B\";", ""), "discard");
    assert_eq!(
        sequence("keep :flags \"a\";", "addflag \"b\";", ""),
        "keep flags (a b)"
    );
    // A failing script is as if it had not been, and ends all.
    assert_eq!(
        sequence(
            "fileinto :copy \"A\";",
            "fileinto \"B\"; redirect \"a@b.example\"; redirect \"b@b.example\"; redirect \"c@b.example\"; redirect \"d@b.example\"; redirect \"e@b.example\";",
            "discard;"
        ),
        "fileinto \"A\" copy | keep | error user, line 1, column 155: there are more than 4 redirects"
    );
}

#[test]
fn a_host_that_is_away_is_temporary() {
    let mut facts = Facts {
        away: true,
        ..Facts::default()
    };
    let outcome = support::outcome(
        "require \"mailbox\"; if mailboxexists \"A\" { discard; }",
        MESSAGE_A,
        &mut facts,
    );
    assert!(outcome.error.unwrap().is_temporary());
}

#[test]
fn all_errors_at_once() {
    assert_eq!(
        problems("keep\nfoo;\n"),
        "line 2, column 1: `keep` takes no test (is a ; missing behind `keep`?)"
    );
    assert_eq!(
        problems("foo;\nif heder \"a\" \"b\" { kep; }\nredirect;\nif true { keep }"),
        "line 1, column 1: there is no command `foo`\n\
         line 2, column 4: there is no test `heder` (did you mean `header`?)\n\
         line 2, column 20: there is no command `kep` (did you mean `keep`?)\n\
         line 3, column 1: `redirect` needs an address\n\
         line 4, column 16: `keep` must end before `}` (a ; or a { is missing)"
    );
}
