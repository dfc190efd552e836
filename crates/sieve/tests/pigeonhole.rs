//! The same scripts on the same messages here and in Pigeonhole (`sieve-test` of Debian's dovecot-sieve): what differs is explained in
//! [`explained`] and [`ACTIONS`], and everything else must be equal. Skipped where the program is not installed.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test may fail by panicking

mod support;

use sieve::{Action, Compiler, Envelope, Mail, NotifyMethod, Outcome, RedirectTo, Run, Scope};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use support::{Facts, crlf};

/// What every script may use here. `extlists` and its like are not in the Pigeonhole that Debian has.
const REQUIRE: &str = "require [\"fileinto\", \"reject\", \"envelope\", \"encoded-character\", \"vacation\", \"subaddress\", \
    \"comparator-i;ascii-numeric\", \"comparator-i;octet\", \"comparator-i;ascii-casemap\", \"relational\", \"regex\", \"imap4flags\", \"copy\", \
    \"include\", \"variables\", \"body\", \"enotify\", \"environment\", \"mailbox\", \"date\", \"index\", \"ihave\", \"duplicate\", \"mime\", \
    \"foreverypart\", \"extracttext\", \"editheader\", \"vacation-seconds\"];\n";

/// Where Pigeonhole is, and a folder for it.
struct Pigeonhole {
    folder: tempfile::TempDir,
}

impl Pigeonhole {
    fn new() -> Option<Pigeonhole> {
        if Command::new("sieve-test").output().is_err() {
            eprintln!("SKIPPED comparison with Pigeonhole: sieve-test is not installed");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().join("home");
        fs::create_dir(&home).unwrap();
        open(folder.path());
        open(&home);
        // As root, Dovecot becomes another user.
        let user = if is_root() {
            "mail_uid=65534\nmail_gid=65534\n"
        } else {
            ""
        };
        let config = format!(
            "protocols =\nssl = no\nlog_path = /dev/stderr\nfirst_valid_uid = 0\nfirst_valid_gid = 0\n{user}mail_home={0}\nmail_location=maildir:{0}/Maildir\n\
             plugin {{\n sieve_extensions = +notify +imapflags +editheader +vacation-seconds\n}}\n",
            home.display()
        );
        fs::write(folder.path().join("dovecot.conf"), config).unwrap();
        Some(Pigeonhole { folder })
    }

    fn file(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write(&path, content).unwrap();
        path
    }

    /// What it prints, or `Err` with its errors if the script does not compile or fails.
    fn run(&self, script: &str, message: &[u8], envelope: &Envelope) -> Result<String, String> {
        // What was compiled is kept beside the script, and is used again in the same second.
        let _ = fs::remove_file(self.folder.path().join("script.svbin"));
        let script = self.file("script.sieve", script.as_bytes());
        let message = self.file("message.eml", message);
        let done = Command::new("sieve-test")
            .arg("-c")
            .arg(self.folder.path().join("dovecot.conf"))
            .args([
                "-C",
                "-f",
                &envelope.from,
                "-r",
                &envelope.to,
                "-a",
                &envelope.to,
            ])
            .args([script, message])
            .env("TZ", "UTC")
            .output()
            .unwrap();
        let err = String::from_utf8_lossy(&done.stderr).into_owned();
        match done.status.code() {
            Some(0) => Ok(String::from_utf8_lossy(&done.stdout).into_owned()),
            _ => Err(err),
        }
    }
}

fn open(folder: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(folder, fs::Permissions::from_mode(0o777)).unwrap();
}

fn is_root() -> bool {
    let done = Command::new("id").arg("-u").output().unwrap();
    done.stdout == b"0\n"
}

fn ours(script: &str, message: &[u8], envelope: &Envelope) -> Result<Outcome, String> {
    let compiled = Compiler::new(Scope::Personal).compile(script.as_bytes());
    let compiled = compiled.map_err(|errors| errors.to_string())?;
    let mut facts = Facts::default();
    facts.mailboxes.insert("INBOX");
    let outcome = Run::new(Mail::whole(message), envelope)
        .personal("script", &compiled)
        .execute(&mut facts);
    match &outcome.error {
        Some(error) => Err(error.to_string()),
        None => Ok(outcome),
    }
}

// ---- Tests: many in one script, each of which sets a flag of its own if it is true.

/// `if TEST { addflag "tN"; }`, a line each.
fn probing(tests: &[String]) -> String {
    let mut script = REQUIRE.to_owned();
    for (n, test) in tests.iter().enumerate() {
        script.push_str(&format!("if {test} {{ addflag \"t{n}\"; }}\n"));
    }
    script + "keep;\n"
}

/// Numbers of the tests that are true there.
fn theirs_true(printed: &str) -> BTreeSet<usize> {
    let flags = printed.split("add IMAP flags:").nth(1).unwrap_or_default();
    let flags = flags.lines().next().unwrap_or_default();
    flags.split_whitespace().map(number).collect()
}

fn number(flag: &str) -> usize {
    flag[1..].parse().unwrap()
}

fn ours_true(outcome: &Outcome) -> BTreeSet<usize> {
    match &outcome.actions[0].action {
        Action::Keep(keep) => keep.flags.iter().map(|flag| number(flag)).collect(),
        other => panic!("{other:?}"),
    }
}

/// Tests in one script: flags beyond some number are dropped.
const CHUNK: usize = 60;

/// Tests that have another value here, and why.
fn explained(test: &str, message: &[u8]) -> bool {
    let holds = |text: &[u8]| message.windows(text.len()).any(|window| window == text);
    let has = |word: &str| test.contains(word);
    // RFC 5228 §2.7.3: without `:comparator` it is i;ascii-casemap; Pigeonhole's `string` takes i;octet.
    let octets = test.starts_with("string ") && !has(":comparator");
    // RFC 4790 §9.1.1: all texts without a number are the same, larger than every number; there they equal nothing.
    let no_numbers = has("i;ascii-numeric\" :is");
    // RFC 5233 §4: an address without a separator has no detail, so there is nothing to count.
    let details = has(":detail") && has(":count");
    // A group without members holds no address; there its text is one.
    let groups = test.starts_with("address ") && holds(b"ndisclosed");
    // A parameter that is not there has no value; there it is blank.
    let params = has(":param") && test.ends_with(" \"\"");
    // RFC 5703 §4: the parts of a message inside a message are its parts too.
    let inside = has(":anychild") && holds(b"message/rfc822");
    // RFC 5260 §6: the field that `:index` names is one; there `:count` finds none.
    let counted = has(":index") && has(":count");
    octets || no_numbers || details || groups || params || inside || counted
}

/// Tests whose value differs, with ours.
fn compare(pigeonhole: &Pigeonhole, tests: &[String], message: &[u8], name: &str) -> Vec<String> {
    let envelope = Envelope::new("bob+list@Example.net", "Alice+Shop@example.com");
    let mut differing = Vec::new();
    for tests in tests.chunks(CHUNK) {
        let script = probing(tests);
        let theirs = pigeonhole.run(&script, message, &envelope);
        let theirs = theirs_true(&theirs.unwrap_or_else(|error| panic!("{error}\n{script}")));
        let ours = ours(&script, message, &envelope);
        let ours = ours_true(&ours.unwrap_or_else(|error| panic!("{error}\n{script}")));
        let differ = theirs.symmetric_difference(&ours);
        differing.extend(
            differ
                .filter(|n| !explained(&tests[**n], message))
                .map(|n| format!("{name}: here {}: {}", ours.contains(n), tests[*n])),
        );
    }
    differing
}

fn lists(prefix: &str, items: &[&str]) -> Vec<String> {
    items.iter().map(|item| format!("{prefix}{item}")).collect()
}

/// Every match type with some keys that hit and some that do not.
fn matches() -> Vec<String> {
    let mut all = Vec::new();
    let comparators = [
        "",
        ":comparator \"i;octet\" ",
        ":comparator \"i;ascii-casemap\" ",
    ];
    for comparator in comparators {
        for kind in [":is", ":contains", ":matches", ":regex"] {
            all.push(format!("{comparator}{kind} "));
        }
        for relation in ["gt", "ge", "lt", "le", "eq", "ne"] {
            all.push(format!("{comparator}:value \"{relation}\" "));
        }
    }
    for relation in ["gt", "ge", "lt", "le", "eq", "ne"] {
        for kind in [":value", ":count"] {
            all.push(format!(
                ":comparator \"i;ascii-numeric\" {kind} \"{relation}\" "
            ));
        }
    }
    all.push(":comparator \"i;ascii-numeric\" :is ".into());
    all
}

/// Everything about header fields, addresses and the envelope.
fn header_tests() -> Vec<String> {
    let mut tests = Vec::new();
    let keys = [
        "\"\"",
        "\"a\"",
        "\"test\"",
        "\"*e*\"",
        "\"?*\"",
        "\"[a-z]+@\"",
        "\"^[^@]*$\"",
        "\"2\"",
        "\"10\"",
        "[\"x\", \"Example\"]",
        "\"example.net\"",
        "\"1.0\"",
        "\"bob\"",
    ];
    for kind in matches() {
        for key in keys {
            if kind.contains(":regex") && key.contains("\"*")
                || kind.contains(":regex") && key.contains("\"?")
            {
                continue;
            }
            for names in [
                "\"subject\"",
                "[\"From\", \"to\", \"cc\"]",
                "\"mime-version\"",
                "\"received\"",
                "\"x-none\"",
            ] {
                tests.push(format!("header {kind}{names} {key}"));
            }
            for part in ["", ":localpart ", ":domain ", ":all ", ":user ", ":detail "] {
                tests.push(format!(
                    "address {part}{kind}[\"from\", \"to\", \"cc\", \"reply-to\", \"sender\"] {key}"
                ));
                tests.push(format!("envelope {part}{kind}[\"from\", \"to\"] {key}"));
            }
            for index in [":index 1 ", ":index 2 ", ":index 1 :last ", ":index 9 "] {
                tests.push(format!("header {index}{kind}\"received\" {key}"));
                tests.push(format!("address {index}{kind}\"to\" {key}"));
            }
        }
    }
    tests
}

/// Parts, bodies, dates, sizes.
fn content_tests() -> Vec<String> {
    let mut tests = Vec::new();
    let words = [
        "\"\"",
        "\"a\"",
        "\"the\"",
        "\"Content\"",
        "\"<p\"",
        "\"=\"",
        "\"é\"",
        "\"\u{3042}\"",
        "\"zzz\"",
        "\"--\"",
    ];
    for word in words {
        for transform in [
            ":raw",
            ":text",
            ":content \"text\"",
            ":content \"text/plain\"",
            ":content \"text/html\"",
            ":content \"image\"",
            ":content \"multipart\"",
            ":content \"message\"",
            ":content [\"application\", \"text/calendar\"]",
        ] {
            tests.push(format!("body {transform} :contains {word}"));
        }
        for field in [
            "content-type",
            "content-disposition",
            "content-transfer-encoding",
            "content-id",
        ] {
            for option in [
                "",
                ":type ",
                ":subtype ",
                ":contenttype ",
                ":param \"charset\" ",
                ":param [\"name\", \"filename\"] ",
            ] {
                for child in ["", ":anychild "] {
                    tests.push(format!(
                        "header :mime {child}{option}:contains \"{field}\" {word}"
                    ));
                }
            }
        }
    }
    for size in ["0", "1", "500", "1K", "2K", "10K", "1M", "1G"] {
        tests.extend(lists(
            "size ",
            &[&format!(":over {size}"), &format!(":under {size}")],
        ));
    }
    for part in [
        "year", "month", "day", "date", "julian", "hour", "minute", "second", "time", "iso8601",
        "std11", "zone", "weekday",
    ] {
        for zone in [
            "",
            ":zone \"+0000\" ",
            ":zone \"-0500\" ",
            ":zone \"+0530\" ",
            ":originalzone ",
        ] {
            for kind in [":contains", ":value \"ge\"", ":value \"lt\""] {
                for key in [
                    "\"0\"",
                    "\"1\"",
                    "\"2\"",
                    "\"05\"",
                    "\"12\"",
                    "\"20\"",
                    "\"2003\"",
                    "\"Mon\"",
                    "\"+0000\"",
                    "\"T\"",
                    "\":\"",
                ] {
                    tests.push(format!("date {zone}{kind} \"date\" \"{part}\" {key}"));
                }
            }
        }
        tests.push(format!("date :contains \"received\" \"{part}\" \"1\""));
        tests.push(format!(
            "date :index 2 :contains \"received\" \"{part}\" \"1\""
        ));
        tests.push(format!("date :contains \"subject\" \"{part}\" \"1\""));
    }
    tests
}

/// What needs no message: strings, modifiers' results, wildcards.
fn string_tests() -> Vec<String> {
    let mut tests = Vec::new();
    let sources = [
        "",
        "a",
        "abc",
        "ABC",
        "a*b",
        "a?b",
        "a\\\\b",
        "ääb",
        "  ",
        "10",
        "9",
        "9x",
        "x9",
        "007",
        "[\"a\", \"b\"]",
        "*",
        "a.b@c",
        "1.5",
        "4294967296",
        "99999999999999999999999",
    ];
    let keys = [
        "",
        "a",
        "A",
        "abc",
        "*",
        "?",
        "*b*",
        "a?c",
        "??",
        "a\\\\*b",
        "a\\\\?b",
        "\\\\*",
        "[a-c]+",
        "^a.*c$",
        "(a|b)c",
        "9",
        "10",
        "x",
        "ä",
        "*ä*",
        "*c",
        "a*",
        "a*c*",
        "4294967297",
        "99999999999999999999998",
    ];
    for source in sources {
        for key in keys {
            for kind in matches() {
                if kind.contains(":regex")
                    && (key.starts_with('*') || key.starts_with('?') || key == "\\\\*")
                {
                    continue;
                }
                tests.push(format!(
                    "string {kind}\"{}\" \"{key}\"",
                    source.replace('"', "\\\"")
                ));
            }
        }
    }
    tests
}

fn corpus() -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../message/tests/corpus");
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "eml"))
        .collect();
    files.sort();
    let name = |path: &Path| path.file_stem().unwrap().to_string_lossy().into_owned();
    files
        .iter()
        .map(|path| (name(path), fs::read(path).unwrap()))
        .collect()
}

fn agree(tests: &[String], messages: &[(String, Vec<u8>)]) {
    let Some(pigeonhole) = Pigeonhole::new() else {
        return;
    };
    let mut differing = Vec::new();
    for (n, (name, message)) in messages.iter().enumerate() {
        // Another share of the tests for each message: each start of the program takes its time.
        let step = messages.len();
        let share: Vec<String> = tests.iter().skip(n).step_by(step).cloned().collect();
        differing.extend(compare(&pigeonhole, &share, message, name));
    }
    let shown: Vec<&str> = differing.iter().take(200).map(String::as_str).collect();
    assert!(
        differing.is_empty(),
        "{} differ:\n{}",
        differing.len(),
        shown.join("\n")
    );
}

#[test]
fn tests_on_headers_agree_with_pigeonhole() {
    agree(&header_tests(), &corpus());
}

#[test]
fn tests_on_content_agree_with_pigeonhole() {
    agree(&content_tests(), &corpus());
}

#[test]
fn tests_on_strings_agree_with_pigeonhole() {
    agree(&string_tests(), &corpus()[..1]);
}

// ---- Actions: what is done, in a form that both can be brought into.

/// What is printed there, as our lines.
fn theirs_actions(printed: &str) -> Vec<String> {
    let mut actions: Vec<String> = Vec::new();
    for line in printed.lines() {
        let line = line.trim_start();
        let last = actions.last_mut();
        if let Some(folder) = line.strip_prefix("* store message in folder: ") {
            actions.push(format!("store {folder}"));
        } else if let (Some(flags), Some(last)) = (line.strip_prefix("+ add IMAP flags: "), last) {
            let mut flags: Vec<_> = flags.split(' ').map(str::to_ascii_lowercase).collect();
            flags.sort();
            last.push_str(&format!(" {}", flags.join(" ")));
        } else if let Some(address) = line.strip_prefix("* redirect message to: ") {
            actions.push(format!("redirect {}", address.trim_matches(['<', '>'])));
        } else if line == "* discard" {
            actions.push("discard".into());
        } else if let Some(reason) = line.strip_prefix("* reject message with reason: ") {
            actions.push(format!("reject {reason}"));
        } else if line.starts_with("* send vacation message") {
            actions.push("vacation".into());
        } else if line.starts_with("* send ") && line.contains("notification") {
            actions.push("notify".into());
        }
    }
    actions
}

fn ours_actions(outcome: &Outcome) -> Vec<String> {
    let with = |text: String, flags: &[String]| {
        let mut flags: Vec<_> = flags.iter().map(|flag| flag.to_ascii_lowercase()).collect();
        flags.sort();
        flags.iter().fold(text, |text, flag| text + " " + flag)
    };
    let action = |action: &Action| match action {
        Action::Keep(keep) => with("store INBOX".into(), &keep.flags),
        Action::FileInto(file) => with(format!("store {}", file.mailbox), &file.flags),
        Action::Redirect(redirect) => match &redirect.to {
            RedirectTo::Address(address) => format!("redirect {address}"),
            RedirectTo::List(list) => format!("redirect list {list}"),
        },
        Action::Reject(reject) => format!("reject {}", reject.reason),
        Action::Discard => "discard".into(),
        Action::Vacation(_) => "vacation".into(),
        Action::Notify(notify) => {
            assert!(matches!(notify.method, NotifyMethod::Mailto(_)));
            "notify".into()
        }
        other => format!("{other:?}"),
    };
    outcome
        .actions
        .iter()
        .map(|performed| action(&performed.action))
        .collect()
}

/// Scripts, and, where the outcome is another one here, why.
const ACTIONS: &[(&str, Option<&str>)] = &[
    ("", None),
    ("keep;", None),
    ("keep; keep;", None),
    ("discard;", None),
    ("discard; keep;", None),
    ("stop; discard;", None),
    ("if true { discard; } else { keep; }", None),
    (
        "if false { keep; } elsif not true { fileinto \"x\"; } else { fileinto \"y\"; }",
        None,
    ),
    ("fileinto \"A\"; fileinto \"B\";", None),
    ("fileinto \"A\"; fileinto \"A\";", None),
    ("fileinto \"A\"; keep;", None),
    ("fileinto \"INBOX\"; keep;", None),
    ("fileinto :copy \"A\";", None),
    ("fileinto :copy \"A\"; discard;", None),
    (
        "fileinto :copy \"A\"; fileinto \"A\";",
        Some(
            "RFC 3894: the second one is without :copy, so it ends the implicit keep; there the two are merged first",
        ),
    ),
    ("redirect \"a@b.example\";", None),
    ("redirect :copy \"a@b.example\";", None),
    ("redirect \"a@b.example\"; redirect \"a@b.example\";", None),
    ("redirect \"a@b.example\"; redirect \"A@B.example\";", None),
    ("redirect \"Bob <bob@b.example>\";", None),
    ("redirect \"not an address\";", None),
    ("redirect \"a@b.example, c@d.example\";", None),
    (
        "redirect \"1@b.example\"; redirect \"2@b.example\"; redirect \"3@b.example\"; redirect \"4@b.example\";",
        None,
    ),
    (
        "redirect \"1@b.example\"; redirect \"2@b.example\"; redirect \"3@b.example\"; redirect \"4@b.example\"; redirect \"5@b.example\";",
        None,
    ),
    ("reject \"no\";", None),
    ("reject \"no\"; stop;", None),
    ("reject \"no\"; discard;", None),
    ("reject \"no\"; keep;", None),
    ("keep; reject \"no\";", None),
    ("fileinto \"A\"; reject \"no\";", None),
    ("redirect \"a@b.example\"; reject \"no\";", None),
    ("reject \"no\"; reject \"again\";", None),
    ("vacation \"away\";", None),
    ("vacation \"away\"; discard;", None),
    ("vacation \"away\"; vacation \"away\";", None),
    ("vacation \"away\"; reject \"no\";", None),
    (
        "vacation :days 3 :subject \"s\" :from \"alice@example.com\" :addresses [\"x@example.com\"] :handle \"h\" \"away\";",
        None,
    ),
    (
        "vacation :mime \"Content-Type: text/plain\n\naway\n\";",
        None,
    ),
    ("vacation :seconds 60 \"away\";", None),
    ("vacation :days 1 :seconds 60 \"away\";", None),
    ("notify \"mailto:x@y.example\";", None),
    (
        "notify :importance \"1\" :message \"m\" \"mailto:x@y.example?subject=s\";",
        None,
    ),
    ("notify :importance \"9\" \"mailto:x@y.example\";", None),
    (
        "notify \"mailto:\";",
        Some("a notification to nobody is an error here, and lost there"),
    ),
    ("notify \"bogus:x\";", None),
    (
        "notify \"mailto:x@y.example\"; notify \"mailto:x@y.example\";",
        None,
    ),
    ("setflag \"\\\\Seen\"; keep;", None),
    ("setflag \"\\\\Seen\";", None),
    (
        "setflag [\"\\\\Seen\", \"$a\"]; removeflag \"\\\\seen\"; fileinto \"A\";",
        None,
    ),
    (
        "addflag \"\\\\Seen $a\"; addflag \"$A\"; fileinto \"A\"; addflag \"$b\"; keep;",
        None,
    ),
    ("fileinto :flags \"\\\\Flagged\" \"A\"; keep;", None),
    ("setflag \"\\\\Bogus\"; keep;", None),
    (
        "setflag \"a b  c\"; if hasflag \"b\" { fileinto \"A\"; }",
        None,
    ),
    (
        "setflag \"v\" \"\\\\Draft\"; fileinto :flags \"${v}\" \"A\";",
        None,
    ),
    (
        "if hasflag :count \"ge\" :comparator \"i;ascii-numeric\" \"\" \"0\" { discard; }",
        Some("an empty name of a variable is a variable without a value here"),
    ),
    ("set \"a\" \"x${b}y\"; fileinto \"${a}\";", None),
    (
        "set :upper :lowerfirst \"a\" \"hello\"; fileinto \"${a}\";",
        None,
    ),
    (
        "set :lower :upperfirst \"a\" \"hELLO\"; fileinto \"${a}\";",
        None,
    ),
    ("set :length \"a\" \"häh\"; fileinto \"${a}\";", None),
    (
        "set :quotewildcard \"a\" \"a*b?c\\\\d\"; fileinto \"${a}\";",
        None,
    ),
    (
        "set :quoteregex \"a\" \"a.b\"; if string :regex \"a.b\" \"^${a}$\" { fileinto \"A\"; }",
        Some("draft-ietf-sieve-regex has it; Pigeonhole 2.3 has not"),
    ),
    ("set :encodeurl \"a\" \"a b/ä\"; fileinto \"${a}\";", None),
    ("set \"A\" \"1\"; fileinto \"${a}\";", None),
    ("set \"a\" \"1\"; fileinto \"${ a }-${a}-${1}-$a\";", None),
    (
        "if header :matches \"subject\" \"*\" { fileinto \"s ${1}\"; }",
        None,
    ),
    (
        "if header :matches \"from\" \"*@*\" { fileinto \"${1}.${2}\"; }",
        None,
    ),
    (
        "if address :matches :all \"from\" \"*@*.*\" { fileinto \"${1}-${2}-${3}\"; }",
        None,
    ),
    (
        "if address :regex :all \"from\" \"^([a-z]+)@(.*)\\\\.([a-z]+)$\" { fileinto \"${1}-${2}-${3}\"; }",
        None,
    ),
    (
        "if header :matches \"subject\" \"?*\" { if header :matches \"subject\" \"zzz*\" { stop; } fileinto \"s ${1}\"; }",
        None,
    ),
    (
        "if envelope :matches \"to\" \"*+*@*\" { fileinto \"${2}\"; }",
        None,
    ),
    (
        "if anyof (header :matches \"subject\" \"nothing *\", header :matches \"from\" \"*\") { fileinto \"f${1}\"; }",
        None,
    ),
    ("fileinto \"${hex:41 42}-${unicode:e4 2028}\";", None),
    ("fileinto \"${hex:4}${hex:zz}${unicode:110000}\";", None),
    (
        "foreverypart { if header :mime :type \"content-type\" \"text\" { addflag \"text\"; } else { addflag \"other\"; } } keep;",
        None,
    ),
    (
        "foreverypart { if header :mime :contenttype \"content-type\" \"text/html\" { fileinto \"html\"; break; } }",
        None,
    ),
    (
        "foreverypart { extracttext :first 5 \"t\"; set \"all\" \"${all}${t}|\"; } set :length \"n\" \"${all}\"; if string :is \"${n}\" \"0\" { discard; }",
        None,
    ),
    (
        "addheader \"X-A\" \"1\"; if header \"x-a\" \"1\" { fileinto \"A\"; }",
        None,
    ),
    (
        "deleteheader \"subject\"; if not exists \"subject\" { fileinto \"A\"; }",
        None,
    ),
    (
        "deleteheader :index 1 :last \"received\"; if header :count \"eq\" :comparator \"i;ascii-numeric\" \"received\" \"1\" { fileinto \"A\"; }",
        None,
    ),
    (
        "if ihave \"nothing\" { bogus; } else { fileinto \"A\"; }",
        None,
    ),
    (
        "if not ihave \"fileinto\" { bogus; } fileinto \"A\";",
        Some(
            "what a script guards with ihave is looked at when it runs; there constant tests are left out",
        ),
    ),
    ("error \"mine\";", None),
    ("if duplicate { discard; } else { fileinto \"A\"; }", None),
    ("if mailboxexists \"INBOX\" { fileinto \"A\"; }", None),
    (
        "if environment :contains \"name\" \"i\" { fileinto \"A\"; }",
        None,
    ),
    (
        "if environment :contains \"bogus\" \"\" { fileinto \"A\"; }",
        None,
    ),
    (
        "if not exists [\"from\", \"nothing\"] { fileinto \"A\"; }",
        None,
    ),
    (
        "if valid_notify_method [\"mailto:a@b.example\"] { fileinto \"A\"; }",
        None,
    ),
    (
        "if valid_notify_method [\"mailto:a@b.example\", \"http://x\"] { fileinto \"A\"; }",
        None,
    ),
    (
        "if notify_method_capability \"mailto:a@b.example\" \"online\" \"maybe\" { fileinto \"A\"; }",
        None,
    ),
    (
        "global \"x\"; set \"x\" \"1\"; fileinto \"${global.x}\";",
        None,
    ),
    // What does not compile.
    ("kep;", None),
    ("keep", None),
    ("fileinto;", None),
    ("fileinto 5;", None),
    ("fileinto \"A\" \"B\";", None),
    ("fileinto [\"A\", \"B\"];", None),
    ("if { keep; }", None),
    ("if true keep;", None),
    ("else { keep; }", None),
    ("if header :is :contains \"a\" \"b\" { keep; }", None),
    ("if header :is \"a\" { keep; }", None),
    ("if header :bogus \"a\" \"b\" { keep; }", None),
    (
        "if header :comparator \"i;bogus\" \"a\" \"b\" { keep; }",
        None,
    ),
    (
        "if header :contains :comparator \"i;ascii-numeric\" \"a\" \"b\" { keep; }",
        None,
    ),
    ("if header :value \"bogus\" \"a\" \"b\" { keep; }", None),
    ("if header :regex \"a\" \"(\" { keep; }", None),
    (
        "if header \"bad name\" \"b\" { keep; }",
        Some("no header field can have that name"),
    ),
    ("if address \"subject\" \"b\" { keep; }", None),
    ("if envelope \"bogus\" \"b\" { keep; }", None),
    ("if size 5 { keep; }", None),
    ("if size :over \"5\" { keep; }", None),
    ("if not not true { fileinto \"A\"; }", None),
    ("if anyof () { keep; }", None),
    ("if anyof (true) { fileinto \"A\"; }", None),
    (
        "if allof true { keep; }",
        Some("one test without parentheses is read too"),
    ),
    ("set \"1a\" \"x\";", None),
    ("set \"a.b\" \"x\";", None),
    ("set :upper :lower \"a\" \"x\";", None),
    ("vacation;", None),
    ("vacation :days -1 \"x\";", None),
    ("vacation :from \"bogus\" \"x\";", None),
    ("break;", None),
    ("require \"bogus\";", None),
    ("keep; require \"fileinto\";", None),
    ("keep; # comment without an end of line", None),
    ("/* not closed", None),
    ("keep; */", None),
    ("fileinto \"not closed;", None),
    (
        "fileinto text:\nA\n.\n;",
        Some("a mailbox with a line end in its name is refused here, and renamed there"),
    ),
    ("fileinto \"a\\bc\";", None),
    ("if header :matches [\"subject\", ] \"x\" { keep; }", None),
    ("if size :over 99999999999 { discard; }", None),
    ("if size :over 4G { discard; }", None),
    ("KEEP; IF TRUE { FileInto \"A\"; }", None),
];

#[test]
fn actions_agree_with_pigeonhole() {
    let Some(pigeonhole) = Pigeonhole::new() else {
        return;
    };
    let envelope = Envelope::new("bob@example.net", "alice+shop@example.com");
    let message = crlf(
        "Received: from b by c; Tue, 1 Apr 2003 09:06:31 +0200\nReceived: from a by b; Tue, 1 Apr 2003 09:06:30 +0200\n\
         From: bob@lists.example.net\nTo: alice@example.com\nSubject: Hello\nMIME-Version: 1.0\nContent-Type: multipart/alternative; boundary=x\n\n\
         --x\nContent-Type: text/plain\n\nHello there\n--x\nContent-Type: text/html\n\n<p>Hello</p>\n--x--\n",
    );
    let mut wrong = Vec::new();
    for (commands, why) in ACTIONS {
        let script = format!("{REQUIRE}{commands}");
        let theirs = pigeonhole.run(&script, &message, &envelope);
        let ours = ours(&script, &message, &envelope);
        let same = match (&theirs, &ours) {
            (Ok(theirs), Ok(ours)) => sorted(theirs_actions(theirs)) == sorted(ours_actions(ours)),
            (Err(_), Err(_)) => true,
            _ => false,
        };
        if same != why.is_none() {
            let ours = ours.map(|outcome| ours_actions(&outcome));
            let theirs = theirs.map(|printed| theirs_actions(&printed));
            wrong.push(format!("{commands}\n  here {ours:?}\n  there {theirs:?}\n"));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} differ:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

/// Answers and notifications may come at another place in the row: none of the other actions depends on them.
fn sorted(mut actions: Vec<String>) -> Vec<String> {
    actions.sort();
    actions
}
