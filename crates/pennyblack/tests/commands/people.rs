//! Accounts, domains and aliases: their whole life, with and without a running server.

use crate::world::{Line, World};
use serde_json::json;

/// E30, E29, B25, Q16: the life of an account, the same whether a server runs or not.
#[test]
fn e30_life_of_an_account_without_a_server() {
    life_of_an_account(&World::new());
}

#[test]
fn e30_life_of_an_account_while_a_server_runs() {
    let world = World::new();
    let _server = world.serve();
    life_of_an_account(&world);
}

fn life_of_an_account(world: &World) {
    world.add_account("Alice@Example.COM");
    let alice = world.json(&["account", "show", "alice@example.com"]);
    assert_eq!(alice["address"], "alice@example.com");
    assert_eq!(
        (
            &alice["active"],
            &alice["has_password"],
            &alice["own_quota"]
        ),
        (&json!(true), &json!(true), &json!(false))
    );
    assert_eq!(alice["quota"], 15u64 << 30);

    let again = world.run_with(
        &["account", "add", "alice@example.com", "--password-stdin"],
        "x",
    );
    assert_eq!(
        (again.code, again.err.as_str()),
        (1, "pennyblack: account alice@example.com exists already\n")
    );

    assert_eq!(
        world.json(&["account", "quota", "alice@example.com", "5G"])["quota"],
        5u64 << 30
    );
    assert_eq!(
        world.json(&["account", "quota", "alice@example.com", "unlimited"])["quota"],
        json!(null)
    );
    assert_eq!(
        world.json(&["account", "quota", "alice@example.com", "default"])["quota"],
        15u64 << 30
    );
    assert_eq!(
        world.json(&["account", "disable", "alice@example.com"])["active"],
        false
    );
    assert_eq!(
        world.json(&["account", "enable", "alice@example.com"])["active"],
        true
    );
    assert_eq!(
        world.json(&["account", "rename-person", "alice@example.com", "Alice Ä."])["name"],
        "Alice Ä."
    );
    assert_eq!(
        world
            .run_with(
                &[
                    "account",
                    "password",
                    "alice@example.com",
                    "--password-stdin"
                ],
                "another"
            )
            .code,
        0
    );

    let made = world.json(&["account", "add", "bob@example.com", "--generate"]);
    assert_eq!(made["password"].as_str().map(str::len), Some(23));
    let list = world.json(&["account", "list"]);
    assert_eq!(list.as_array().map(Vec::len), Some(2));

    world.json(&[
        "alias",
        "add",
        "team@example.com",
        "alice@example.com",
        "bob@example.com",
    ]);
    let unsure = world.run(&["account", "remove", "bob@example.com"]);
    assert_eq!(unsure.code, 2, "{unsure:?}");
    let would = world.json(&["account", "remove", "bob@example.com", "--dry-run"]);
    assert_eq!(
        (&would["dry_run"], &would["aliases"]),
        (&json!(true), &json!(["team@example.com"]))
    );
    assert_eq!(
        world.json(&["account", "list"]).as_array().map(Vec::len),
        Some(2)
    );
    world.json(&["account", "remove", "bob@example.com", "--yes"]);
    assert_eq!(
        world.json(&["alias", "list"]),
        json!([{"source": "team@example.com", "targets": ["alice@example.com"]}])
    );
    let gone = world.run(&["account", "show", "bob@example.com"]);
    assert_eq!(gone.code, 1);
    assert!(
        gone.err.contains("there is no account bob@example.com"),
        "{gone:?}"
    );
}

/// E26: many domains; E30: a missing domain is named with what to do.
#[test]
fn e26_domains_are_added_and_missing_ones_are_named() {
    let world = World::new();
    let missing = world.run_with(&["account", "add", "a@bar.com", "--password-stdin"], "x");
    assert_eq!(missing.code, 1);
    assert!(
        missing
            .err
            .contains("domain bar.com is not hosted here: `pennyblack domain add bar.com`"),
        "{missing:?}"
    );
    assert_eq!(world.json(&["domain", "add", "Bar.COM"])["name"], "bar.com");
    world.add_account("a@bar.com");
    world.add_account("a@example.com");
    let with = world.run_with(
        &[
            "account",
            "add",
            "a@foo.com",
            "--password-stdin",
            "--add-domain",
        ],
        "x",
    );
    assert_eq!(with.code, 0, "{with:?}");
    let names: Vec<_> = world
        .json(&["domain", "list"])
        .as_array()
        .expect("a list")
        .iter()
        .map(|d| d["name"].clone())
        .collect();
    assert_eq!(names, ["bar.com", "example.com", "foo.com"]);
    let again = world.run(&["domain", "add", "bar.com"]);
    assert_eq!(
        (again.code, again.err.as_str()),
        (1, "pennyblack: domain bar.com is hosted already\n")
    );
}

/// A domain is not removed while it is in use, and what uses it is named.
#[test]
fn domains_in_use_are_not_removed() {
    let world = World::new();
    world.json(&["domain", "add", "bar.com"]);
    world.add_account("a@bar.com");
    world.json(&["alias", "add", "b@bar.com", "a@bar.com"]);
    let refused = world.run(&["domain", "remove", "bar.com", "--yes"]);
    assert_eq!(refused.code, 1);
    assert!(
        refused
            .err
            .contains("in use by account a@bar.com, alias b@bar.com"),
        "{refused:?}"
    );
    world.json(&["account", "remove", "a@bar.com", "--yes"]);
    let _ = world.run(&["alias", "remove", "b@bar.com", "--yes"]);
    assert_eq!(
        world.json(&["domain", "remove", "bar.com", "--dry-run"])["dry_run"],
        true
    );
    assert_eq!(
        world.json(&["domain", "list"]).as_array().map(Vec::len),
        Some(2)
    );
    world.json(&["domain", "remove", "bar.com", "--yes"]);
    let own = world.run(&["domain", "remove", "example.com", "--yes"]);
    assert!(
        own.err.contains("the `domain` of the configuration"),
        "{own:?}"
    );
}

/// E27: another name of a domain.
#[test]
fn e27_domain_aliases() {
    let world = World::new();
    world.add_account("alice@example.com");
    assert_eq!(
        world.json(&["domain", "alias", "example.net", "example.com"])["alias_of"],
        "example.com"
    );
    let there = world.run_with(
        &["account", "add", "bob@example.net", "--password-stdin"],
        "x",
    );
    assert!(there.err.contains("add bob@example.com"), "{there:?}");
    for (name, of) in [
        ("example.com", "example.com"),
        ("example.org", "example.net"),
        ("example.org", "nowhere.example"),
        ("example.com", "example.net"),
    ] {
        assert_eq!(
            world.run(&["domain", "alias", name, of]).code.min(1),
            1,
            "{name} {of}"
        );
    }
    assert_eq!(
        world.json(&["domain", "alias", "example.net", "--off"])["alias_of"],
        json!(null)
    );
}

/// E12, E13, E14: kinds of aliases; E16: loops are refused with their chain.
#[test]
fn e16_alias_loops_are_refused_with_their_chain() {
    let world = World::new();
    world.add_account("alice@example.com");
    for source in ["abuse", "post@example.com", "@example.com", "@"] {
        world.json(&["alias", "add", source, "alice@example.com"]);
    }
    world.json(&["alias", "add", "old@example.com", "bob@elsewhere.example"]);
    world.json(&["alias", "add", "a@example.com", "b@example.com"]);
    world.json(&["alias", "add", "b@example.com", "c@example.com"]);
    let looping = world.run(&["alias", "add", "c@example.com", "a@example.com"]);
    assert_eq!(looping.code, 1);
    assert!(
        looping
            .err
            .contains("c@example.com → a@example.com → b@example.com → c@example.com"),
        "{looping:?}"
    );
    assert_eq!(
        world
            .run(&["alias", "list"])
            .out
            .lines()
            .filter(|line| line.starts_with("c@"))
            .count(),
        0
    );
    let bare = world.run(&["alias", "add", "root", "root"]);
    assert!(
        bare.code == 1
            && bare
                .err
                .contains("that would make a loop: root → root@example.com"),
        "{bare:?}"
    );
    let explained = world.run(&["explain", "address", "a@example.com"]);
    assert!(
        explained.code == 0 && explained.out.contains("b@example.com"),
        "{explained:?}"
    );
    let twice = world.run(&["alias", "add", "a@example.com", "b@example.com"]);
    assert!(twice.err.contains("already"), "{twice:?}");
    assert_eq!(
        world.json(&["alias", "remove", "a@example.com", "--yes"])["targets"],
        json!(["b@example.com"])
    );
    let gone = world.run(&["alias", "remove", "a@example.com", "--yes"]);
    assert_eq!(gone.code, 1, "{gone:?}");
}

/// Bad input: a clear sentence and exit code 2, nothing changed.
#[test]
fn malformed_input_is_refused() {
    let world = World::new();
    let long = format!("{}@example.com", "a".repeat(300));
    for arguments in [
        &["account", "add", "not an address", "--password-stdin"][..],
        &["account", "add", "a@b@c", "--password-stdin"],
        &["account", "add", "@example.com", "--password-stdin"],
        &["account", "add", &long, "--password-stdin"],
        &[
            "account",
            "add",
            "x@example.com",
            "--quota",
            "much",
            "--password-stdin",
        ],
        &[
            "account",
            "add",
            "x@example.com",
            "--name",
            "a\nb",
            "--password-stdin",
        ],
        &["domain", "add", "exa mple"],
        &["domain", "add", "192.0.2.1"],
        &["alias", "add", "a b", "c@example.com"],
        &["queue", "show", "zzz"],
        &["queue", "retry"],
        &["no-such-command"],
    ] {
        let done = world.run_with(arguments, "secret");
        assert_eq!(done.code, 2, "{arguments:?}: {done:?}");
        assert!(
            !done.err.is_empty() && !done.err.contains("secret"),
            "{arguments:?}: {done:?}"
        );
    }
    for password in ["", "tab\there", &"x".repeat(2000)] {
        let done = world.run_with(
            &["account", "add", "x@example.com", "--password-stdin"],
            password,
        );
        assert_eq!(done.code, 2, "{done:?}");
    }
    assert_eq!(world.json(&["account", "list"]), json!([]));
}

/// B11: the password comes on standard input and a hash goes out; `--password` as an argument does not exist.
#[test]
fn b11_encrypt_never_takes_the_password_as_an_argument() {
    let world = World::new();
    let done = world.run_with(&["encrypt", "--password-stdin"], "correct horse");
    assert!(
        done.out.starts_with("$argon2id$") && done.code == 0,
        "{done:?}"
    );
    assert_eq!(world.run(&["encrypt", "correct horse"]).code, 2);
    assert_eq!(
        world
            .run(&["account", "add", "a@example.com", "--password", "x"])
            .code,
        2
    );
    let asked = world.run(&["encrypt"]);
    assert!(
        asked.code == 2 && asked.err.contains("--password-stdin"),
        "{asked:?}"
    );
}

/// The queue of a fresh server, and what is not in it.
#[test]
fn queue_commands_on_an_empty_queue() {
    let world = World::new();
    assert_eq!(world.json(&["queue", "list"]), json!([]));
    assert_eq!(world.run(&["queue", "list"]).out, "The queue is empty.\n");
    assert_eq!(
        world.json(&["queue", "retry", "--all"]),
        json!({"what": "tried now", "recipients": [], "busy": [], "dry_run": false})
    );
    let missing = world.run(&["queue", "remove", "00", "--yes"]);
    assert!(
        missing.code == 1 && missing.err.contains("no message"),
        "{missing:?}"
    );
    let report = world.json(&["check", "store"]);
    assert_eq!(report["faults"], json!([]));
}

/// RFC 4314: sharing by command, with and without a running server.
#[test]
fn mailboxes_are_shared_by_command() {
    let world = World::new();
    for address in ["info@example.com", "anna@example.com", "ben@example.com"] {
        world.add_account(address);
    }
    sharing(&world);
    let _server = world.serve();
    sharing(&world);
}

fn sharing(world: &World) {
    world.json(&[
        "share",
        "group",
        "add",
        "Family",
        "anna@example.com",
        "ben@example.com",
    ]);
    let groups = world.json(&["share", "group", "list"]);
    assert_eq!(
        groups["family"],
        json!(["anna@example.com", "ben@example.com"])
    );
    let set = world.json(&[
        "share",
        "set",
        "info@example.com",
        "INBOX",
        "$family",
        "read",
    ]);
    assert_eq!(set[0]["grants"], json!({"$family": "lrs"}));
    world.json(&["share", "set", "info@example.com", "INBOX", "-ben", "s"]);
    world.json(&["share", "public", "info@example.com"]);
    let seen = world.json(&["share", "seen", "info@example.com", "INBOX", "own"]);
    assert_eq!(
        (&seen[0]["own_seen"], &seen[0]["public"]),
        (&json!(true), &json!(true))
    );
    let ben = world.json(&["share", "seeing", "ben@example.com"]);
    assert_eq!(
        (&ben[0]["owner"], &ben[0]["grants"]),
        (
            &json!("info@example.com"),
            &json!({"ben@example.com": "lr"})
        )
    );
    for (words, code) in [
        (
            [
                "share",
                "set",
                "info@example.com",
                "INBOX",
                "nobody",
                "read",
            ],
            1,
        ),
        (
            [
                "share",
                "set",
                "info@example.com",
                "Nothing",
                "anyone",
                "read",
            ],
            1,
        ),
        (
            [
                "share",
                "set",
                "info@example.com",
                "INBOX",
                "anyone",
                "everything",
            ],
            2,
        ),
        (
            ["share", "set", "info@example.com", "INBOX", "info", "read"],
            1,
        ),
    ] {
        assert_eq!(world.run(&words).code, code, "{words:?}");
    }
    world.json(&["share", "remove", "info@example.com", "*", "$family"]);
    world.json(&["share", "remove", "info@example.com", "INBOX", "-ben"]);
    world.json(&["share", "seen", "info@example.com", "INBOX", "shared"]);
    world.json(&["share", "public", "info@example.com", "--off"]);
    world.json(&[
        "share",
        "group",
        "remove",
        "family",
        "anna@example.com",
        "ben@example.com",
    ]);
    assert_eq!(world.json(&["share", "list"]), json!([]));
}

/// P2, P11, P12: quotas of octets and messages are set, reported for all, and counted anew.
#[test]
fn p11_p12_quotas_are_reported_and_counted_anew() {
    let world = World::with("mail.quota = \"1G\"\n");
    let none = world.run(&["quota", "report"]);
    assert!(none.out.contains("There are no accounts"), "{}", none.out);
    world.add_account("alice@example.com");
    world.add_account("bob@example.com");
    let bob = world.json(&[
        "account",
        "quota",
        "bob@example.com",
        "5M",
        "--messages",
        "100",
    ]);
    assert_eq!(
        (&bob["quota"], &bob["quota_messages"]),
        (&json!(5 << 20), &json!(100))
    );
    let report = world.json(&["quota", "report"]);
    let row = |address: &str, quota: u64, messages: serde_json::Value| json!({"address": address, "percent": 0, "used_bytes": 0, "quota": quota, "used_messages": 0, "quota_messages": messages});
    assert_eq!(
        report,
        json!([
            row("alice@example.com", 1 << 30, json!(null)),
            row("bob@example.com", 5 << 20, json!(100))
        ])
    );
    assert_eq!(
        world.json(&["account", "quota", "bob@example.com"]),
        json!([report[1]])
    );
    let table = world.run(&["account", "quota"]).out;
    assert!(
        table.starts_with("ADDRESS")
            && table.contains("bob@example.com    0%    0 B    5.0 MB  0         100"),
        "{table}"
    );
    let counted = world.json(&["quota", "recalc"]);
    let nothing = json!({"bytes": 0, "messages": 0});
    let unchanged = |address: &str| json!({"address": address, "said": nothing, "holds": nothing, "mailboxes": 0});
    assert_eq!(
        counted,
        json!([unchanged("alice@example.com"), unchanged("bob@example.com")])
    );
    assert_eq!(
        world.run(&["quota", "recalc", "nobody@example.com"]).code,
        1
    );
    let language = world.run(&["account", "language", "bob@example.com", "xx"]);
    assert!(
        language.err.contains("there are en, de, fr, es"),
        "{}",
        language.err
    );
    assert_eq!(
        world.json(&["account", "language", "bob@example.com", "de"])["language"],
        "de"
    );
}

/// The commands that put removed messages back, with a server and without one.
#[test]
fn removed_messages_are_listed_and_put_back() {
    let world = World::with(
        "listen.imap.addresses = [\"127.0.0.1:0\"]\nlisten.imap.plaintext_auth = \"loopback\"\n",
    );
    world.add_account("alice@example.com");
    let server = world.serve();
    let mut imap = Line::to(&world, "imap");
    let mut say = |line: &str, until: &str| {
        imap.write(line);
        let mut answer = String::new();
        while !answer.contains(until) {
            let line = imap.read();
            assert!(!line.is_empty(), "{answer}");
            answer += &line;
        }
        answer
    };
    say("a LOGIN alice@example.com \"correct horse\"", "a OK");
    say(
        "b APPEND INBOX (\\Flagged) {64+}\r\nMessage-ID: <x@y>\r\nFrom: Bob <bob@example.com>\r\nSubject: Hi\r\n\r\nx",
        "b OK",
    );
    say("c SELECT INBOX", "c OK");
    say("d STORE 1 +FLAGS (\\Deleted)", "d OK");
    say("e EXPUNGE", "e OK");
    let found = world.json(&["mailbox", "removed", "alice@example.com", "--since", "1h"]);
    assert_eq!(
        (&found[0]["subject"], &found[0]["why"], &found[0]["from"]),
        (
            &json!("Hi"),
            &json!("expunged"),
            &json!("Bob <bob@example.com>")
        )
    );
    let table = world.run(&["mailbox", "removed", "alice@example.com"]).out;
    assert!(
        table.starts_with("REMOVED") && table.contains("Bob <bob@example.com>"),
        "{table}"
    );
    let pretended = world.json(&[
        "mailbox",
        "undelete",
        "alice@example.com",
        "--mailbox",
        "INBOX",
        "--dry-run",
    ]);
    assert_eq!(
        pretended,
        json!({"restored": 1, "mailboxes": {"INBOX": 1}, "dry_run": true})
    );
    let done = world.run(&[
        "mailbox",
        "undelete",
        "alice@example.com",
        "--message-id",
        "<x@y>",
    ]);
    assert_eq!(done.out, "put back 1 messages into INBOX\n");
    let news = say("f NOOP", "f OK");
    assert!(news.contains("* 1 EXISTS"), "{news}");
    let fetched = say("g UID FETCH 2 (FLAGS)", "g OK");
    assert!(fetched.contains("FLAGS (\\Recent \\Flagged)"), "{fetched}");
    server.terminate();
    let nothing = world.run(&["mailbox", "undelete", "alice@example.com"]);
    assert!(
        nothing
            .out
            .starts_with("There are no such removed messages"),
        "{}",
        nothing.out
    );
    assert_eq!(
        world
            .run(&["mailbox", "removed", "nobody@example.com"])
            .code,
        1
    );
    let wrong = world.run(&["mailbox", "removed", "alice@example.com", "--since", "soon"]);
    assert!(wrong.err.contains("is no time"), "{}", wrong.err);
}

/// B12: one account of our own and nothing else, no alias, no table, no user of the system, is a server that one person can use.
#[test]
fn b12_a_quick_start_with_one_user() {
    let world = World::with(
        "listen.imap.addresses = [\"127.0.0.1:0\"]\nlisten.imap.plaintext_auth = \"loopback\"\n",
    );
    let text = std::fs::read_to_string(world.config()).unwrap();
    let submission = text.replace(
        "listen.submission.addresses = []",
        "listen.submission.addresses = [\"127.0.0.1:0\"]\nlisten.submission.plaintext_auth = \"loopback\"",
    );
    std::fs::write(world.config(), submission).unwrap();
    let _server = world.serve();
    world.add_account("solo@example.com");
    let users = std::fs::read_to_string("/etc/passwd").unwrap();
    assert!(!users.lines().any(|line| line.starts_with("solo:")));

    let mut submission = Line::to(&world, "submission");
    // AUTH PLAIN of RFC 4616: \0solo@example.com\0correct horse
    let auth = "AUTH PLAIN AHNvbG9AZXhhbXBsZS5jb20AY29ycmVjdCBob3JzZQ==";
    for (line, reply) in [
        ("", "220 "),
        ("EHLO client.example", "250 "),
        (auth, "235 "),
        ("MAIL FROM:<solo@example.com>", "250 "),
        ("RCPT TO:<solo@example.com>", "250 "),
        ("DATA", "354 "),
        (
            "From: solo@example.com\r\nSubject: to myself\r\n\r\nHello.\r\n.",
            "250 ",
        ),
    ] {
        if !line.is_empty() {
            submission.write(line);
        }
        let said = loop {
            let said = submission.read();
            if said.as_bytes().get(3) != Some(&b'-') {
                break said;
            }
        };
        assert!(said.starts_with(reply), "{line}: {said}");
    }

    let mut imap = Line::to(&world, "imap");
    imap.write("a LOGIN solo@example.com \"correct horse\"\r\nb EXAMINE INBOX\r\nc SEARCH SUBJECT \"to myself\"");
    let hits = loop {
        let said = imap.read();
        assert!(!said.is_empty(), "no answer to SEARCH");
        if said.starts_with("* SEARCH") {
            break said;
        }
    };
    assert_eq!(hits, "* SEARCH 1\r\n");
}
