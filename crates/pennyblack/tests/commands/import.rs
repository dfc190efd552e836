//! `account import` on credentials of another server, while ours runs.

use crate::world::{Done, Line, World};
use std::fs;

const BCRYPT: &str = "$2b$09$.Qf4fQwpu2hgyNvoFmJP7.dGskR7cGMTlac9xkuR6GOAmamh4EgqS";
const SHA512: &str = "$6$rV/V6KmEjBI1NAPL$59VtlH508j6EcWlTnUxDGq5VnIoV8z1QnTwx8tZuNbZJcea/Ao0gRdVpLGDCKRZbNMdtQKOx44RNMte7Nx0aI1";

fn world() -> World {
    World::with(
        "auth.failure_delay = \"0s\"\nauth.default_domain = \"example.com\"\n\
         listen.imap.addresses = [\"127.0.0.1:0\"]\nlisten.imap.plaintext_auth = \"loopback\"\n",
    )
}

fn import(world: &World, text: &str, more: &[&str]) -> Done {
    let file = world.folder.path().join("passwd");
    fs::write(&file, text).expect("written");
    let mut arguments = vec!["account", "import", file.to_str().expect("a path")];
    arguments.extend(more);
    world.run(&arguments)
}

/// What IMAP says to this user and password: `OK`, `NO`.
fn log_in(world: &World, user: &str, password: &str) -> String {
    let mut line = Line::to(world, "imap");
    line.read();
    line.write(&format!("a LOGIN {user} \"{password}\""));
    let reply = line.read();
    reply.chars().skip(2).take(2).collect()
}

/// B7, B8, B9, B10, E2, E3, E4, E6, E7: accounts of a file log in at once; bad lines are named and the rest goes on.
#[test]
fn b08_a_passwd_file_is_imported_while_the_server_runs() {
    let world = world();
    let _server = world.serve();
    world.json(&["domain", "add", "home.example"]);
    let text = format!(
        "# users\n\nbob@home.example:{BCRYPT}\nfrank:{{SHA512-CRYPT}}{SHA512}:::::\n\
         carol@example.com:{BCRYPT}::::::userdb_quota_rule=*:storage=7G userdb_mail=maildir:/x\n\
         grace@example.com:{BCRYPT}::::::nologin\nmallory:{{ROT13}}uryyb\nx@elsewhere.example:{BCRYPT}\nnonsense\n"
    );
    let would = import(&world, &text, &["--dry-run"]);
    assert!(
        would.code == 1 && would.out.contains("would add bob@home.example"),
        "{would:?}"
    );
    assert_eq!(world.json(&["account", "list"]), serde_json::json!([]));

    let done = import(&world, &text, &[]);
    assert_eq!(done.code, 1, "{done:?}");
    assert_eq!(
        done.out,
        "added bob@home.example\nadded frank@example.com\nadded carol@example.com\nadded grace@example.com\n"
    );
    for words in [
        "passwd:5: ignored userdb_mail=maildir:/x",
        "passwd:7: mallory: hashes of scheme {ROT13} are not supported",
        "passwd:8: domain elsewhere.example is not hosted here: `pennyblack domain add elsewhere.example`",
        "passwd:9: no `:`",
    ] {
        assert!(done.err.contains(words), "{words}: {done:?}");
    }
    for (user, result) in [
        ("bob@home.example", "OK"),
        ("frank", "OK"),
        ("carol@example.com", "OK"),
        ("grace@example.com", "NO"),
    ] {
        assert_eq!(log_in(&world, user, "correct horse"), result, "{user}");
    }
    let carol = world.json(&["account", "show", "carol@example.com"]);
    assert_eq!(carol["quota"], 7u64 << 30);
}

/// B8: a changed line counts at once, and the old password fails; the same line again changes nothing.
#[test]
fn b08_a_changed_line_replaces_the_password_at_once() {
    let world = world();
    let _server = world.serve();
    world.add_account("bob@example.com");
    assert_eq!(log_in(&world, "bob", "correct horse"), "OK");
    let made = world.run_with(&["encrypt", "--password-stdin"], "new horse");
    let line = format!("bob:{}\n", made.out.trim());
    for action in ["updated", "unchanged"] {
        let done = import(&world, &line, &["--json"]);
        let report: serde_json::Value = serde_json::from_str(&done.out).expect("JSON");
        assert_eq!(done.code, 0, "{done:?}");
        assert_eq!(
            report,
            serde_json::json!({
                "dry_run": false,
                "lines": [{"line": 1, "address": "bob@example.com", "action": action, "ignored": []}]
            })
        );
    }
    assert_eq!(log_in(&world, "bob", "correct horse"), "NO");
    assert_eq!(log_in(&world, "bob", "new horse"), "OK");
}

/// B8, E10, E12, E20: a table is read again by command; who is added can log in at once, who is gone cannot, and a wrong line harms no other.
#[test]
fn b08_update_table() {
    const HASH: &str = "$2b$08$I5XEVt27r8XTsFEPH0jYf.LImmCs0.3Nbb7/XXVfxNhPDHkUuIltK";
    let world = World::with(
        "tables.passwd = \"passwd\"\ntables.virtuals = \"virtuals\"\ntables.domains = \"domains\"\n",
    );
    let write = |name: &str, text: &str| {
        let file = world.folder.path().join(name);
        std::fs::write(&file, text).expect("written");
        let closed = std::os::unix::fs::PermissionsExt::from_mode(0o640);
        std::fs::set_permissions(&file, closed).expect("closed");
    };
    write("domains", "example.com\nexample.net\n");
    write("passwd", &format!("alice@example.com:{HASH}\n"));
    write(
        "virtuals",
        "team@example.net alice@example.com\nalice@example.com vmail\n",
    );
    let _server = world.serve();
    let active = |address: &str| world.json(&["account", "show", address])["active"].clone();
    assert_eq!(active("alice@example.com"), true);
    assert_eq!(
        world.json(&["alias", "list"])[0]["source"],
        "team@example.net"
    );

    write(
        "passwd",
        &format!("bob@example.net:{HASH}::::::\nnonsense\ncarol@elsewhere.example:{HASH}\n"),
    );
    write(
        "virtuals",
        "team@example.net: alice@example.com,bob@example.net\n",
    );
    let done = world.run(&["update", "table", "passwd"]);
    assert_eq!(done.code, 1, "{done:?}");
    assert!(done.out.contains("1 new, 0 changed, 1 gone"), "{done:?}");
    assert!(
        done.err.contains("passwd:2: ") && done.err.contains("passwd:3: domain elsewhere.example"),
        "{done:?}"
    );
    assert_eq!(active("bob@example.net"), true);
    assert_eq!(active("alice@example.com"), false);
    let done = world.json(&["update", "table", "virtuals"]);
    assert_eq!(done[0]["changed"], 1, "{done}");
    let targets = &world.json(&["alias", "list"])[0]["targets"];
    assert_eq!(
        targets,
        &serde_json::json!(["alice@example.com", "bob@example.net"])
    );

    // What a command changed meanwhile stays as long as the line does.
    let done = world.run_with(
        &["account", "password", "bob@example.net", "--password-stdin"],
        "another horse",
    );
    assert_eq!(done.code, 0, "{done:?}");
    write(
        "passwd",
        &format!("alice@example.com:{HASH}\nbob@example.net:{HASH}::::::\n"),
    );
    let done = world.json(&["update", "table"]);
    let passwd = &done[1];
    assert_eq!(
        (&passwd["table"], &passwd["added"], &passwd["changed"]),
        (&"passwd".into(), &1.into(), &0.into()),
        "{done}"
    );
    assert_eq!(active("alice@example.com"), true);

    // Hashes that everybody can read are not taken.
    let file = world.folder.path().join("passwd");
    std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o644))
        .expect("opened");
    let done = world.run(&["update", "table", "passwd"]);
    assert!(
        done.code != 0 && done.err.contains("every user"),
        "{done:?}"
    );
}
