//! Variables (RFC 5229), regex, relational (RFC 5231), subaddress (RFC 5233), copy (RFC 3894), include (RFC 6609), ihave (RFC 5463):
//! examples by section.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test may fail by panicking

mod support;

use sieve::Location;
use support::{Facts, holds, problems, run, run_with};

const MESSAGE: &str = "Subject: [acme-users] [fwd] version 1.0 is out
List-ID: Dummy List <dummylist@example.com>
To: coyote@ACME.Example.COM
From: Tim <tim@example.net>
X-Attached: evil.exe
Received: a
Received: b
Received: c

body
";

/// What a script with these commands files the message in.
#[track_caller]
fn filed(commands: &str) -> String {
    let script = format!(
        "require [\"variables\", \"fileinto\", \"regex\", \"enotify\", \"envelope\"]; {commands}"
    );
    let outcome = run(&script, MESSAGE);
    let rest = outcome.strip_prefix("fileinto \"").unwrap_or(&outcome);
    rest.strip_suffix('"').unwrap_or(rest).to_owned()
}

/// H17
#[test]
fn rfc5229_section_3_h17_substitution() {
    let with = |text: &str| filed(&format!("set \"company\" \"ACME\"; fileinto \"{text}\";"));
    for (written, meant) in [
        ("&%${}!", "&%${}!"),
        ("${doh!}", "${doh!}"),
        ("&%${ACME}!", "&%!"),
        ("${COMpANY}", "ACME"),
        ("${company", "${company"),
        ("${${company}}", "${ACME}"),
        ("$${company}", "$ACME"),
        ("${1}x", "x"),
        ("${company}${company}", "ACMEACME"),
    ] {
        assert_eq!(with(written), meant, "{written}");
    }
    assert!(
        problems("require \"variables\"; redirect \"${a.b}@x.example\";")
            .contains("no namespace `a`")
    );
    assert!(
        problems("require \"variables\"; redirect \"${99}@x.example\";")
            .contains("match variables up to 32")
    );
}

#[test]
fn rfc5229_section_3_1_quoting_and_encoded_characters() {
    let script = "require [\"variables\", \"encoded-character\", \"fileinto\"];
        set \"dollar\" \"$\"; set \"text\" \"regarding ${dollar}{beep}\"; fileinto \"${text} ${hex:24}{dollar}\";";
    assert_eq!(run(script, MESSAGE), "fileinto \"regarding ${beep} $\"");
}

#[test]
fn rfc5229_section_3_2_match_variables() {
    assert_eq!(
        filed("if header :matches \"List-ID\" \"*<*@*\" { fileinto \"INBOX.lists.${2}\"; stop; }"),
        "INBOX.lists.dummylist"
    );
    assert_eq!(
        filed(
            "if header :matches \"Subject\" \"[*] *\" { set \"s\" \"${1}|${2}|${0}\"; } fileinto \"${s}\";"
        ),
        "acme-users|[fwd] version 1.0 is out|[acme-users] [fwd] version 1.0 is out"
    );
    assert_eq!(
        filed(
            "if address :matches [\"To\", \"Cc\"] [\"coyote@**.com\", \"wile@**.com\"] { fileinto \"INBOX.business.${2}\"; stop; }"
        ),
        "INBOX.business.ACME.Example"
    );
    // A test that fails leaves them as they are.
    assert_eq!(
        filed(
            "if header :matches \"Subject\" \"[*]*\" { if not header :matches \"to\" \"x*\" { fileinto \"${1}\"; } }"
        ),
        "acme-users"
    );
    // allof: the last test that matched.
    assert_eq!(
        filed(
            "if allof (header :matches \"subject\" \"[*]*\", header :matches \"from\" \"* <*\") { fileinto \"${1}\"; }"
        ),
        "Tim"
    );
}

#[test]
fn rfc5229_section_4_set() {
    assert_eq!(
        filed(
            "set \"honorific\" \"Mr\"; set \"vacation\" \"Dear ${HONORIFIC}\"; fileinto \"${vacation}\";"
        ),
        "Dear Mr"
    );
    assert!(
        problems("require \"variables\"; set \"9a\" \"x\";").contains("is no name for a variable")
    );
    assert!(
        problems("require \"variables\"; set \"a b\" \"x\";").contains("is no name for a variable")
    );
    assert!(
        problems("require \"variables\"; set :lower :upper \"a\" \"x\";")
            .contains("exclude each other")
    );
}

#[test]
fn rfc5229_section_4_1_modifiers() {
    let modified = |modifiers: &str, value: &str| {
        filed(&format!(
            "set {modifiers} \"b\" \"{value}\"; fileinto \"${{b}}\";"
        ))
    };
    assert_eq!(modified(":length", "juMBlEd lETteRS"), "15");
    assert_eq!(modified(":lower", "juMBlEd lETteRS"), "jumbled letters");
    assert_eq!(
        modified(":upperfirst", "juMBlEd lETteRS"),
        "JuMBlEd lETteRS"
    );
    assert_eq!(
        modified(":upperfirst :lower", "juMBlEd lETteRS"),
        "Jumbled letters"
    );
    assert_eq!(
        modified(":lower :upperfirst", "juMBlEd lETteRS"),
        "Jumbled letters"
    );
    assert_eq!(modified(":quotewildcard", "Rock*"), "Rock\\\\*");
    assert_eq!(modified(":quoteregex", "a.b"), "a\\\\.b");
    assert_eq!(modified(":quotewildcard :length", "Rock*"), "6");
    assert_eq!(modified(":encodeurl", "a b"), "a%20b");
}

#[test]
fn rfc5229_section_5_string() {
    assert_eq!(
        filed(
            "set \"state\" \"${state} pending\"; if string :matches \" ${state} \" \"* pending *\" { fileinto \"yes\"; }"
        ),
        "yes"
    );
    assert!(holds(
        "string :count \"eq\" :comparator \"i;ascii-numeric\" [\"a\", \"\", \"b\"] \"2\"",
        MESSAGE
    ));
    assert!(holds("string :is \"a\" [\"b\", \"a\"]", MESSAGE));
}

#[test]
fn variables_are_cut_and_bounded() {
    let doubled = "set \"a\" \"${a}${a}\";".repeat(60);
    let outcome = filed(&format!(
        "set \"a\" \"xy\"; {doubled} set :length \"n\" \"${{a}}\"; fileinto \"${{n}}\";"
    ));
    assert_eq!(outcome, "65536");
    let many: String = (0..300).map(|i| format!("set \"v{i}\" \"x\";")).collect();
    assert!(
        filed(&many).contains("more than 256 variables"),
        "{}",
        filed(&many)
    );
}

/// H13
#[test]
fn h13_regex_sets_match_variables() {
    assert_eq!(
        filed(
            "if header :regex \"subject\" \"^\\\\[([^]]+)\\\\] \\\\[(fwd|re)\\\\] (.*)$\" { fileinto \"${1}/${2}/${3}\"; }"
        ),
        "acme-users/fwd/version 1.0 is out"
    );
    assert_eq!(
        filed(
            "set \"p\" \"acme-(.)\"; if header :regex \"subject\" \"${p}\" { fileinto \"${1}\"; }"
        ),
        "u"
    );
    assert!(holds(
        "header :regex :comparator \"i;octet\" \"from\" \"^Tim\"",
        MESSAGE
    ));
    assert!(!holds(
        "header :regex :comparator \"i;octet\" \"from\" \"^tim\"",
        MESSAGE
    ));
    assert!(
        problems("require \"regex\"; if header :regex \"a\" \"(a\" {}").contains("unclosed group")
    );
    assert!(
        filed("set \"p\" \"(\"; if header :regex \"subject\" \"${p}\" {}")
            .contains("is wrong: unclosed group")
    );
}

/// H12
#[test]
fn rfc5231_h12_relational() {
    assert!(holds(
        "header :count \"gt\" :comparator \"i;ascii-numeric\" [\"received\"] [\"2\"]",
        MESSAGE
    ));
    assert!(!holds(
        "header :count \"ge\" :comparator \"i;ascii-numeric\" [\"received\"] [\"4\"]",
        MESSAGE
    ));
    assert!(holds(
        "header :count \"eq\" :comparator \"i;ascii-numeric\" [\"received\", \"subject\"] [\"4\"]",
        MESSAGE
    ));
    assert!(holds(
        "address :count \"eq\" :comparator \"i;ascii-numeric\" [\"to\", \"from\"] [\"2\"]",
        MESSAGE
    ));
    let priority = "X-Priority: 3 (normal)\n\n";
    assert!(holds(
        "header :value \"lt\" :comparator \"i;ascii-numeric\" [\"x-priority\"] [\"5\"]",
        priority
    ));
    assert!(holds(
        "header :value \"ge\" [\"x-priority\"] [\"3\"]",
        priority
    ));
    assert!(holds(
        "header :value \"ne\" [\"x-priority\"] [\"3\"]",
        priority
    ));
    assert!(holds("header :count \"eq\" \"x-missing\" \"0\"", priority));
    assert!(
        problems("require \"relational\"; if header :value \"xx\" \"a\" \"b\" {}")
            .contains("gt, ge, lt, le, eq and ne")
    );
    assert!(
        problems("if header :value \"gt\" \"a\" \"b\" {}")
            .contains("needs the extension \"relational\"")
    );
}

/// H10
#[test]
fn rfc5233_h10_subaddress() {
    let message = "To: \"5551212#123\"@example.com, ken+sieve@example.org, tim@example.com, a+@example.net\n\n";
    assert!(holds("address :user \"to\" \"ken\"", message));
    assert!(holds("address :detail \"to\" \"sieve\"", message));
    assert!(holds("address :user \"to\" \"tim\"", message));
    assert!(holds("address :detail :is \"to\" \"\"", message));
    assert!(!holds("address :detail \"to\" \"tim\"", message));
    let script = "require [\"variables\", \"fileinto\", \"subaddress\"];
        if address :detail :matches \"to\" \"*\" { fileinto \"${1}\"; }";
    assert_eq!(
        run(script, "To: alice+shop@example.com\n\n"),
        "fileinto \"shop\""
    );
    assert_eq!(run(script, "To: alice@example.com\n\n"), "keep");
}

/// H15
#[test]
fn rfc3894_h15_copy() {
    let script = "require [\"copy\", \"fileinto\"]; fileinto :copy \"A\"; fileinto :copy \"B\"; redirect :copy \"tim@example.com\";";
    assert_eq!(
        run(script, MESSAGE),
        "fileinto \"A\" copy | fileinto \"B\" copy | redirect \"tim@example.com\" copy | keep"
    );
}

fn included(main: &str, scripts: &[(Location, &'static str, &str)]) -> String {
    let mut facts = Facts::default();
    for (location, name, source) in scripts {
        facts
            .scripts
            .insert((*location, *name), (*source).to_owned());
    }
    run_with(
        &format!("require [\"include\", \"variables\", \"fileinto\"]; {main}"),
        MESSAGE,
        &mut facts,
    )
}

/// H16
#[test]
fn rfc6609_section_3_h16_include() {
    use Location::{Global, Personal};
    let scripts = [
        (
            Personal,
            "always_allow",
            "require [\"include\", \"fileinto\"]; include \"two\"; discard;",
        ),
        (
            Personal,
            "two",
            "require [\"include\", \"fileinto\"]; include :global \"three\";",
        ),
        (Global, "three", "require \"fileinto\"; fileinto \"three\";"),
    ];
    assert_eq!(
        included("include :personal \"always_allow\";", &scripts),
        "fileinto \"three\" | discard"
    );
    assert!(
        included("include :global \"always_allow\";", &scripts)
            .contains("there is no script \"always_allow\"")
    );
    assert_eq!(included("include :optional \"nothing\";", &scripts), "keep");
    assert!(included("include \"a/b\";", &scripts).contains("no name for a script"));
}

/// H16
#[test]
fn h16_a_loop_is_refused() {
    let scripts = [
        (
            Location::Personal,
            "a",
            "require \"include\"; include \"b\";",
        ),
        (
            Location::Personal,
            "b",
            "require \"include\"; include \"a\";",
        ),
        (
            Location::Personal,
            "once",
            "require [\"include\", \"fileinto\"]; include :once \"once\"; fileinto \"x\";",
        ),
    ];
    assert!(included("include \"a\";", &scripts).contains("the script \"a\" includes itself"));
    assert_eq!(
        included("include :once \"once\"; include :once \"once\";", &scripts),
        "fileinto \"x\""
    );
}

#[test]
fn rfc6609_section_3_3_return_and_stop() {
    let scripts = [
        (
            Location::Personal,
            "returns",
            "require [\"include\", \"fileinto\"]; if true { return; } fileinto \"no\";",
        ),
        (Location::Personal, "stops", "stop;"),
    ];
    assert_eq!(
        included("include \"returns\"; fileinto \"yes\";", &scripts),
        "fileinto \"yes\""
    );
    assert_eq!(
        included("include \"stops\"; fileinto \"yes\";", &scripts),
        "keep"
    );
    // At the top it ends the script.
    assert_eq!(included("return; discard;", &scripts), "keep");
}

#[test]
fn rfc6609_section_3_4_global_variables() {
    let scripts = [
        (
            Location::Personal,
            "spam_tests",
            "require [\"include\", \"variables\"]; global [\"test\", \"i\"]; set \"i\" \"1\"; set \"test\" \"spam\"; set \"mine\" \"x\";",
        ),
        (
            Location::Personal,
            "space",
            "require [\"include\", \"variables\"]; set \"global.test\" \"${global.test}!\";",
        ),
    ];
    assert_eq!(
        included(
            "global [\"test\"]; set \"mine\" \"m\"; include \"spam_tests\"; include \"space\"; fileinto \"${test}${mine}${global.i}\";",
            &scripts
        ),
        "fileinto \"spam!m1\""
    );
    assert!(
        problems("require \"variables\"; global \"a\";")
            .contains("needs the extension \"include\"")
    );
}

/// H23
#[test]
fn rfc5463_h23_ihave() {
    let script = "require [\"ihave\", \"fileinto\"];
        if ihave \"frobnicate\" { frobnicate :hard \"x\"; } elsif ihave \"copy\" { fileinto :copy \"A\"; }";
    assert_eq!(run(script, MESSAGE), "fileinto \"A\" copy | keep");
    let script = "require \"ihave\"; if not ihave [\"fileinto\", \"nonsense\"] { error \"no nonsense here\"; }";
    assert_eq!(
        run(script, MESSAGE),
        "keep | error test, line 1, column 58: no nonsense here"
    );
    // Reached without being there: an error at run time.
    assert!(
        run("require \"ihave\"; fileinto \"x\";", MESSAGE)
            .contains("needs the extension \"fileinto\"")
    );
    assert!(problems("if ihave \"copy\" {}").contains("needs the extension \"ihave\""));
}
