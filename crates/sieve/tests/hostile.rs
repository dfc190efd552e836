//! Scripts and messages that want to harm: nothing makes the interpreter panic, loop, or need more than its limits (H13, H31).

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test may fail by panicking

#[path = "../../message/tests/mutation/mod.rs"]
mod mutation;
mod support;

use mutation::mutated;
use proptest::prelude::*;
use sieve::{Compiler, Envelope, Limits, Location, Mail, Outcome, Run, Scope};
use std::path::Path;
use support::{Facts, crlf, outcome};

/// Runs a script that may be anything; `None`: it does not compile.
fn survive(source: &[u8], message: &[u8], facts: &mut Facts) -> Option<Outcome> {
    let script = Compiler::new(Scope::Global).compile(source).ok()?;
    let envelope = Envelope::new("sender@example.net", "me@example.com");
    let run = Run::new(Mail::whole(message), &envelope).global("script", &script);
    let outcome = run.traced().execute(facts);
    check(&outcome);
    Some(outcome)
}

/// What holds for every outcome.
fn check(outcome: &Outcome) {
    let limits = Limits::default();
    // A step may cost what one look at a text costs, and no more.
    assert!(
        outcome.steps <= limits.steps + limits.body_size as u64,
        "{}",
        outcome.steps
    );
    assert!(outcome.actions.len() <= limits.actions + 1);
    assert!(outcome.trace.len() <= limits.trace);
    if outcome.error.is_some() {
        assert!(
            outcome.actions.iter().any(|a| a.action.delivers()),
            "the mail is kept"
        );
        assert!(outcome.remember.is_empty());
    }
}

fn why(outcome: &Outcome) -> String {
    outcome
        .error
        .as_ref()
        .map(ToString::to_string)
        .unwrap_or_default()
}

const MESSAGE: &str = "From: a@example.net\nSubject: hello\n\nbody\n";

/// H13
#[test]
fn h13_a_regular_expression_takes_linear_time() {
    let message = format!(
        "Subject: {}!\n\n{}!\n",
        "a".repeat(10_000),
        "a".repeat(10_000)
    );
    for pattern in [
        "(a+)+$",
        "(a|a)*$",
        "(a*)*b",
        "(.*a){20}$",
        "^(([a-z])+.)+[A-Z]([a-z])+$",
    ] {
        let script = format!(
            "require [\"regex\", \"body\"]; if header :regex \"subject\" \"{pattern}\" {{ discard; }} if body :raw :regex \"{pattern}\" {{ stop; }}"
        );
        check(&outcome(&script, &message, &mut Facts::default()));
    }
}

#[test]
fn h13_a_regular_expression_that_needs_much_memory_is_refused() {
    let source =
        "require \"regex\"; if header :regex \"subject\" \"((a{100}){100}){100}\" { discard; }";
    let errors = Compiler::new(Scope::Personal)
        .compile(source.as_bytes())
        .unwrap_err();
    assert_eq!(errors.problems().len(), 1);
}

/// H31
#[test]
fn h31_patterns_with_many_stars_end() {
    let stars = "*a".repeat(500);
    let message = format!("Subject: {}\n\nx\n", "a".repeat(60_000));
    let script = format!("if header :matches \"subject\" \"{stars}*b\" {{ discard; }}");
    let many = script.repeat(40);
    check(&outcome(&many, &message, &mut Facts::default()));
}

/// H31
#[test]
fn h31_variables_that_double() {
    let mut script = "require \"variables\"; set \"a\" \"0123456789abcdef\";\n".to_owned();
    script.push_str(&"set \"a\" \"${a}${a}\";\n".repeat(64));
    let cut = outcome(&script, MESSAGE, &mut Facts::default());
    assert_eq!(why(&cut), "", "a variable is cut, which is no error");
    let mut many = script;
    for n in 0..60 {
        many.push_str(&format!("set \"b{n}\" \"${{a}}\";\n"));
    }
    let refused = outcome(&many, MESSAGE, &mut Facts::default());
    assert!(
        why(&refused).contains("too much memory"),
        "{}",
        why(&refused)
    );
    check(&refused);
}

/// H16, H31: each script includes the next one twice.
#[test]
fn h31_includes_that_double() {
    let mut facts = Facts::default();
    let names: Vec<&'static str> = vec![
        "s0", "s1", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11", "s12",
    ];
    for pair in names.windows(2) {
        let script = format!(
            "require \"include\"; include \"{0}\"; include \"{0}\";",
            pair[1]
        );
        facts.scripts.insert((Location::Personal, pair[0]), script);
    }
    facts
        .scripts
        .insert((Location::Personal, "s12"), "keep;".into());
    let ended = outcome("require \"include\"; include \"s0\";", MESSAGE, &mut facts);
    assert!(ended.error.is_some());
    check(&ended);
}

/// H31
#[test]
fn h31_ten_thousand_parts() {
    let mut message = "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n".to_owned();
    for n in 0..10_000 {
        message.push_str(&format!(
            "--b\nContent-Type: text/plain; name=\"{n}\"\n\n{n}\n"
        ));
    }
    message.push_str("--b--\n");
    let script = "require [\"foreverypart\", \"mime\", \"extracttext\", \"variables\", \"body\", \"fileinto\", \"replace\"];
        foreverypart { extracttext \"t\"; foreverypart { extracttext \"u\"; }
            if header :mime :anychild :contains \"content-type\" \"9999\" { set \"a\" \"${a}${t}\"; } replace \"x\"; }
        if body :text :contains \"9999\" { fileinto \"found\"; }";
    check(&outcome(script, &message, &mut Facts::default()));
}

/// H16, H31: it is the limits that end these; without the one that is named they come to their end.
#[test]
fn h31_what_a_limit_is_for() {
    let run = |script: &str, message: &str, facts: &mut Facts, limits: Limits| {
        let message = crlf(message);
        let envelope = Envelope::new("sender@example.net", "me@example.com");
        Run::new(Mail::whole(&message), &envelope)
            .with_limits(limits)
            .personal("script", &support::compile(script))
            .execute(facts)
    };
    let (usual, most) = (Limits::default(), usize::MAX);

    let mut doubling = "require \"variables\"; set \"a\" \"0123456789abcdef\";".to_owned();
    doubling.push_str(&"set \"a\" \"${a}${a}\";".repeat(12));
    for n in 0..20 {
        doubling.push_str(&format!("set \"b{n}\" \"${{a}}\";"));
    }
    let mut without = usual.clone();
    without.variable_memory = most;
    let ended = |limits: &Limits| {
        let outcome = run(&doubling, MESSAGE, &mut Facts::default(), limits.clone());
        outcome.error.is_some()
    };
    assert_eq!((ended(&usual), ended(&without)), (true, false));

    let mut facts = Facts::default();
    for pair in ["i0", "i1", "i2", "i3", "i4", "i5", "i6", "i7", "i8"].windows(2) {
        let twice = format!(
            "require \"include\"; include \"{0}\"; include \"{0}\";",
            pair[1]
        );
        facts.scripts.insert((Location::Personal, pair[0]), twice);
    }
    let last = "require \"variables\"; set \"x\" \"y\";".to_owned();
    facts.scripts.insert((Location::Personal, "i8"), last);
    let mut without = usual.clone();
    without.includes = most;
    let mut ended = |limits: &Limits| {
        let script = "require \"include\"; include \"i0\";";
        let outcome = run(script, MESSAGE, &mut facts, limits.clone());
        outcome.error.is_some()
    };
    assert_eq!((ended(&usual), ended(&without)), (true, false));

    let mut parts = "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n".to_owned();
    for n in 0..10_000 {
        parts.push_str(&format!("--b\nContent-Type: text/plain\n\n{n}\n"));
    }
    parts.push_str("--b--\n");
    let mut without = usual.clone();
    without.mime_parts = most;
    let found = |limits: &Limits| {
        let script = "require \"body\"; if body :text :contains \"9998\" { discard; }";
        let outcome = run(script, &parts, &mut Facts::default(), limits.clone());
        support::joined(&outcome) == "discard"
    };
    assert_eq!((found(&usual), found(&without)), (false, true));
}

/// H31: each step counts, whatever it is a step of; without the limit all of these come to their end.
#[test]
fn h31_steps_are_counted_and_end() {
    let mut parts =
        "Subject: parts\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n"
            .to_owned();
    for n in 0..200 {
        parts.push_str(&format!("--b\nContent-Type: text/plain\n\n{n}\n"));
    }
    parts.push_str("--b--\n");
    let long = format!("Subject: {}\n\n{}\n", "ab".repeat(500), "x".repeat(100_000));
    let keys = (0..300).map(|n| format!("\"key {n}\"")).collect::<Vec<_>>();
    let keys = keys.join(", ");
    for (script, message) in [
        ("keep;".repeat(1100), MESSAGE),
        (
            "if anyof (false, not true, false) { discard; }".repeat(300),
            MESSAGE,
        ),
        (
            format!("if header :contains [\"subject\", \"x\"] [{keys}] {{ discard; }}").repeat(4),
            MESSAGE,
        ),
        (
            "if header :matches \"subject\" \"*b*b*b*b*b*c\" { discard; }".repeat(300),
            long.as_str(),
        ),
        (
            format!(
                "require \"regex\";{}",
                "if header :regex \"subject\" \"(a|b)+c\" { discard; }".repeat(200)
            ),
            long.as_str(),
        ),
        (
            format!(
                "require \"body\";{}",
                "if body :raw :contains \"z\" { discard; }".repeat(3)
            ),
            long.as_str(),
        ),
        (
            format!(
                "require [\"foreverypart\", \"mime\"]; foreverypart {{ {} }}",
                "if not true {}".repeat(4)
            ),
            parts.as_str(),
        ),
        (
            format!(
                "require \"variables\"; {}",
                "set \"a\" \"${a}b\";".repeat(600)
            ),
            MESSAGE,
        ),
    ] {
        let ended = |steps: u64| {
            let (message, envelope) = (
                crlf(message),
                Envelope::new("s@example.net", "me@example.com"),
            );
            let limits = Limits {
                steps,
                ..Limits::default()
            };
            let outcome = Run::new(Mail::whole(&message), &envelope)
                .with_limits(limits)
                .personal("script", &support::compile(&script))
                .execute(&mut Facts::default());
            why(&outcome)
        };
        let start: String = script.chars().take(60).collect();
        assert_eq!(ended(u64::MAX), "", "{start}");
        assert!(
            ended(1000).contains("1000 steps"),
            "{start}: {}",
            ended(1000)
        );
    }
    // The usual limit is one, too.
    let many =
        format!("if header :contains [\"subject\", \"x\"] [{keys}] {{ discard; }}").repeat(60);
    let looped = format!("require [\"foreverypart\", \"mime\"]; foreverypart {{ {many} }}");
    assert!(why(&outcome(&looped, &parts, &mut Facts::default())).contains("1000000 steps"));
}

/// H31: blocks, tests and what is skipped after an error.
#[test]
fn h31_nesting_is_bounded() {
    let limit = Limits::default().nesting;
    let blocks = |deep: usize| format!("{}keep;{}", "if true {".repeat(deep), "}".repeat(deep));
    let nots = |deep: usize| format!("if {}true {{ keep; }}", "not ".repeat(deep - 1));
    let lists = |deep: usize| {
        let deep = deep - 1;
        format!(
            "if {}true{} {{ keep; }}",
            "anyof(".repeat(deep),
            ")".repeat(deep)
        )
    };
    let compile = |source: &str, nesting: usize| {
        let limits = Limits {
            nesting,
            ..Limits::default()
        };
        Compiler::new(Scope::Personal)
            .with_limits(limits)
            .compile(source.as_bytes())
    };
    for source in [blocks, nots, lists] as [fn(usize) -> String; 3] {
        let deepest = source(limit);
        compile(&deepest, limit).unwrap_or_else(|errors| panic!("{errors}\n{deepest}"));
        let errors = compile(&source(limit + 1), limit).unwrap_err().to_string();
        assert!(
            errors.contains(&format!("nested {limit} deep only")),
            "{errors}"
        );
        assert!(compile(&source(limit + 1), limit + 1).is_ok());
    }
}

/// H13, H31: what a regular expression may need is bounded when a script is compiled, and when a variable makes the expression; more memory is all
/// that those refused here lack.
#[test]
fn h13_memory_of_regular_expressions_is_bounded() {
    let usual = Limits::default();
    let more = Limits {
        regex_size: 8 * 1024 * 1024,
        ..usual.clone()
    };
    let pattern = "((a{100}){100}){5}";
    let fixed =
        format!("require \"regex\"; if header :regex \"subject\" \"{pattern}\" {{ discard; }}");
    let compile = |limits: &Limits| {
        Compiler::new(Scope::Personal)
            .with_limits(limits.clone())
            .compile(fixed.as_bytes())
    };
    let errors = compile(&usual).unwrap_err().to_string();
    assert!(errors.contains("too much memory"), "{errors}");
    assert!(compile(&more).is_ok());

    let made = format!(
        "require [\"regex\", \"variables\"]; set \"p\" \"{pattern}\"; if header :regex \"subject\" \"${{p}}\" {{ discard; }}"
    );
    let run = |limits: &Limits| {
        let (message, envelope) = (
            crlf(MESSAGE),
            Envelope::new("s@example.net", "me@example.com"),
        );
        let outcome = Run::new(Mail::whole(&message), &envelope)
            .with_limits(limits.clone())
            .personal("script", &support::compile(&made))
            .execute(&mut Facts::default());
        why(&outcome)
    };
    assert!(run(&usual).contains("too much memory"), "{}", run(&usual));
    assert_eq!(run(&more), "");
}

/// H31: as deep as a sender likes.
#[test]
fn h31_parts_in_parts() {
    let mut message = String::new();
    for n in 0..2_000 {
        message.push_str(&format!(
            "Content-Type: multipart/mixed; boundary=b{n}\n\n--b{n}\n"
        ));
    }
    let script = "require [\"foreverypart\", \"mime\", \"body\"]; foreverypart { if header :mime :anychild :contains \"content-type\" \"zz\" { discard; } }
        if body :content \"multipart\" :contains \"zz\" { discard; }";
    check(&outcome(script, &message, &mut Facts::default()));
}

/// H31
#[test]
fn h31_scripts_that_are_deep_or_long() {
    for source in [
        "if true {".repeat(100_000),
        "if not ".repeat(100_000),
        "if anyof(".repeat(100_000),
        "[".repeat(100_000),
        "\"".repeat(100_001),
        "/*".repeat(100_000),
        "${".repeat(100_000),
        "keep;".repeat(300_000),
        "x;".repeat(100_000),
    ] {
        let errors = Compiler::new(Scope::Personal)
            .compile(source.as_bytes())
            .unwrap_err();
        assert!(errors.problems().len() <= Limits::default().errors);
    }
}

/// Real scripts, to be changed.
fn scripts() -> Vec<Vec<u8>> {
    let sources = [
        "require [\"fileinto\", \"imap4flags\", \"regex\", \"variables\", \"copy\"];
         if anyof (header :regex \"subject\" \"^(re|fw): (.*)$\", address :domain :matches \"from\" \"*.example\") {
             set :lower :upperfirst \"v\" \"${2} ${1}\"; addflag [\"\\\\Seen\", \"$x\"]; fileinto :copy :flags \"${v}\" \"A.${v}\"; }
         elsif not allof (size :over 10K, exists [\"a\", \"b\"]) { redirect \"a@b.example\"; stop; } else { discard; }",
        "require [\"vacation\", \"date\", \"relational\", \"comparator-i;ascii-numeric\", \"enotify\", \"index\", \"duplicate\"];
         if allof (currentdate :value \"ge\" \"date\" \"2007-06-30\", date :index 1 :last :zone \"+0200\" :is \"received\" \"hour\" \"09\",
             header :count \"gt\" :comparator \"i;ascii-numeric\" \"received\" \"3\") { vacation :days 7 :subject \"s\" text:\nI am away\n..\n.\n; }
         if not duplicate :handle \"h\" :header \"message-id\" :seconds 600 :last { notify :message \"m\" \"mailto:a@b.example?subject=x%20y\"; }",
        "require [\"foreverypart\", \"mime\", \"extracttext\", \"variables\", \"replace\", \"enclose\", \"editheader\", \"body\", \"encoded-character\"];
         foreverypart :name \"l\" { if header :mime :param [\"filename\", \"name\"] :matches [\"content-type\", \"content-disposition\"] \"*.exe\" {
             replace :mime :subject \"gone\" \"Content-Type: text/html\n\n<b>x</b>\"; break :name \"l\"; } extracttext :first 100 \"t\"; }
         addheader :last \"X-A\" \"${hex:41}${unicode:e4}\"; deleteheader :index 1 :contains \"subject\" [\"a\", \"b\"]; enclose :subject \"s\" \"text\";
         if body :content [\"text\", \"multipart\"] :contains \"x\" { keep; }",
        "require [\"include\", \"variables\", \"ihave\", \"environment\", \"notify\", \"imapflags\"]; global [\"a\", \"b\"]; include :once :optional \"x\"; return;
         if ihave [\"nothing\", \"x\"] { bogus :tag 5 [\"a\"] { foo; } } setflag \"a b\"; mark; notify :low :options \"a@b.example\" :message \"$text[10]$\"; denotify;",
    ];
    sources
        .iter()
        .map(|source| source.as_bytes().to_vec())
        .collect()
}

fn messages() -> Vec<Vec<u8>> {
    mutation::seeds(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../message/tests/corpus"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// Any octets are a script or are refused.
    #[test]
    fn any_script_ends(source in mutated(scripts()), message in mutated(messages())) {
        survive(&source, &message, &mut Facts::default());
    }

    #[test]
    fn octets_are_no_script(source in proptest::collection::vec(any::<u8>(), 0..400)) {
        survive(&source, &crlf(MESSAGE), &mut Facts::default());
    }

    /// Scripts that are right, on messages that are not.
    #[test]
    fn any_message_ends(message in mutated(messages())) {
        for script in scripts() {
            prop_assert!(survive(&script, &message, &mut Facts::default()).is_some());
        }
    }
}
