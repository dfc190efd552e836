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
