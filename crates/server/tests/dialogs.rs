//! Plays every dialog below `dialogs/` against a server of its own. `DIALOG=smtp/size` plays only those whose path contains the text.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test may fail by panicking

mod dialog_runner;
mod world;

use dialog_runner::{Script, play};
use std::path::{Path, PathBuf};
use world::{Dns, Setup, World};

async fn run(name: &str, text: &str) -> Result<(), String> {
    let script = Script::parse(text).map_err(|why| format!("{name}: {why}"))?;
    let mut settings = script.settings.clone();
    if script.tokens {
        settings.extend(world::issuer::settings().await);
    }
    let setup = Setup {
        settings,
        dns: if script.dns_down {
            Dns::Down
        } else {
            Dns::Works
        },
    };
    let world = World::start_with(&setup).await;
    let outcome = play(name, &script, &world).await;
    world.finish().await;
    outcome
}

fn files(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/dialogs")
        .join(folder);
    let entries =
        std::fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let paths = entries.map(|entry| entry.expect("readable").path());
    let mut dialogs: Vec<_> = paths
        .filter(|path| path.extension().is_some_and(|e| e == "dlg"))
        .collect();
    dialogs.sort();
    dialogs
}

/// Plays a folder of dialogs, all of them, and then says which failed.
async fn run_folder(folder: &str) {
    let wanted = std::env::var("DIALOG").unwrap_or_default();
    let mut failures = Vec::new();
    let dialogs = files(folder);
    assert!(!dialogs.is_empty(), "no dialogs in {folder}");
    for path in dialogs {
        let name = path.display().to_string();
        if name.contains(&wanted) {
            let text = std::fs::read_to_string(&path).expect("UTF-8 text");
            failures.extend(run(&name, &text).await.err());
        }
    }
    assert!(
        failures.is_empty(),
        "{} failed:\n{}",
        failures.len(),
        failures.join("\n")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn smtp_dialogs() {
    run_folder("smtp").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn submission_dialogs() {
    run_folder("submission").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lmtp_dialogs() {
    run_folder("lmtp").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn managesieve_dialogs() {
    run_folder("managesieve").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pop3_dialogs() {
    run_folder("pop3").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn imap_dialogs() {
    run_folder("imap").await;
}

/// A runner that lets everything pass proves nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_expectation_fails_and_says_where() {
    let wrong = "@ listener smtp\nS: 220 mx1.example.com *\nC: NOOP\nS: 999 never\n";
    let error = run("wrong.dlg", wrong).await.unwrap_err();
    for part in ["wrong.dlg:4: S: 999 never", "got:      250 ", "[1] C: NOOP"] {
        assert!(error.contains(part), "{part} is not in {error}");
    }

    let closed = "@ listener smtp\nS: 220 *\nC: QUIT\nS: 221 *\nS: 250 more\n";
    let error = run("closed.dlg", closed).await.unwrap_err();
    assert!(
        error.contains("the server closed the connection"),
        "{error}"
    );

    let count = "@ listener smtp\nS: 220 *\n!holds alice@example.com INBOX 1\n";
    let error = run("count.dlg", count).await.unwrap_err();
    assert!(
        error.contains("expected 1 messages in it, got 0"),
        "{error}"
    );
}
