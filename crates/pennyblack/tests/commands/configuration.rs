//! `config`, `completion`, `man`: what they print and how they end.

use crate::world::World;
use std::fs;

/// X33, U33: a bad configuration prints every error with file and line, and ends with 78, from each command.
#[test]
fn x33_bad_configuration_names_every_error() {
    let world = World::new();
    world.configure("[limits]\nmesage_size = 1\nrecipients = 1\n");
    let file = world.config();
    for arguments in [
        &["config", "test"][..],
        &["serve"],
        &["account", "list"],
        &["config", "show"],
    ] {
        let done = world.run(arguments);
        assert_eq!(done.code, 78, "{arguments:?}: {done:?}");
        let first = format!(
            "{}:16:1: unknown setting `limits.mesage_size`: did you mean `limits.message_size`?",
            file.display()
        );
        assert!(done.err.contains(&first), "{done:?}");
        assert!(done.err.contains(":17:14: limits.recipients"), "{done:?}");
    }
    let json = world.run(&["config", "test", "--json"]);
    let value: serde_json::Value = serde_json::from_str(&json.out).expect("JSON");
    assert_eq!(
        (
            json.code,
            value["errors"][0]["line"].as_u64(),
            value["ok"].as_bool()
        ),
        (78, Some(16), Some(false))
    );
    assert!(
        !world.folder.path().join("data").exists(),
        "nothing was made"
    );
}

#[test]
fn config_test_of_a_right_file_and_of_a_missing_one() {
    let world = World::new();
    assert_eq!(world.run(&["config", "test"]).code, 0);
    let missing = world.run(&["config", "test", "/nonexistent.toml"]);
    assert!(
        missing.code == 78 && missing.err.contains("/nonexistent.toml: cannot be read"),
        "{missing:?}"
    );
}

/// X2.
#[test]
fn x02_a_literal_secret_gets_a_warning() {
    let world = World::with("store.engine = \"postgres:host=db password=secret\"\n");
    let done = world.run(&["config", "test"]);
    assert!(
        done.code == 0 && done.err.contains("passfile=") && !done.err.contains("secret "),
        "{done:?}"
    );
}

/// U33: every setting with value, default and where it came from.
#[test]
fn u33_config_show_tells_where_each_value_came_from() {
    let world = World::new();
    let all = world.json(&["config", "show", "--all"]);
    let one = |key: &str| {
        all.as_array()
            .and_then(|list| list.iter().find(|s| s["key"] == key))
            .cloned()
            .expect("the setting")
    };
    assert_eq!(one("auth.argon2_passes")["value"], "1");
    assert_eq!(one("auth.argon2_passes")["default"], "3");
    assert_eq!(
        one("auth.argon2_passes")["source"],
        format!("{}:12", world.config().display())
    );
    assert_eq!(one("queue.lifetime")["source"], "default");
    assert_eq!(
        world.json(&["config", "show"]).as_array().map(Vec::len),
        Some(14)
    );
    let defaults = world.json(&["config", "show", "--defaults"]);
    assert_eq!(
        defaults.as_array().map(Vec::len),
        all.as_array().map(Vec::len)
    );
}

/// What `config show --all` prints is a configuration again, and so is the example.
#[test]
fn printed_configurations_can_be_read() {
    let world = World::new();
    for arguments in [&["config", "show", "--all"][..], &["config", "example"]] {
        let printed = world.run(arguments).out;
        let file = world.folder.path().join("again.toml");
        let hostname = if printed.contains("\nhostname") || printed.starts_with("hostname") {
            ""
        } else {
            "hostname = \"mx.example.com\"\n"
        };
        fs::write(&file, format!("{hostname}{printed}")).expect("written");
        let done = world.run(&["config", "test", file.to_str().expect("a path")]);
        assert_eq!(done.code, 0, "{arguments:?}: {done:?}");
    }
}

/// X35, Q16: completions and manual pages come out of the definition, and `help` lists every command.
#[test]
fn x35_manuals_and_completions() {
    let world = World::new();
    for shell in ["bash", "zsh", "fish"] {
        assert!(
            world.run(&["completion", shell]).out.contains("pennyblack"),
            "{shell}"
        );
    }
    let folder = world.folder.path().join("man");
    assert_eq!(
        world.run(&["man", folder.to_str().expect("a path")]).code,
        0
    );
    let settings = fs::read_to_string(folder.join("pennyblack.toml.5")).expect("the page");
    assert!(
        settings.contains("limits.message_size") || settings.contains("limits.message\\_size"),
        "{settings}"
    );
    for page in [
        "pennyblack.1",
        "pennyblack-account-add.1",
        "pennyblack-queue-retry.1",
    ] {
        assert!(folder.join(page).exists(), "{page}");
    }
    let help = world.run(&["help"]).out;
    for command in [
        "serve", "account", "domain", "alias", "queue", "explain", "check", "status", "reload",
        "config", "encrypt",
    ] {
        assert!(help.contains(command), "{command}");
    }
}

/// A reader that has seen enough (`pennyblack … | head -1`) is no fault: nothing is said of it.
#[test]
fn a_reader_that_goes_away_is_no_fault() {
    use std::process::{Command, Stdio};
    for arguments in [&["config", "example"][..], &["completion", "bash"]] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_pennyblack"))
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
        drop(child.stdout.take());
        let done = child.wait_with_output().expect("it ends");
        assert_eq!(done.status.code(), Some(141), "{arguments:?}");
        assert!(done.stderr.is_empty(), "{arguments:?}: {done:?}");
    }
}
