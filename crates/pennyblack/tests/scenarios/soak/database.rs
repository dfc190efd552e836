//! The database server of a PostgreSQL store goes away and comes back: clients are told to come again, and nothing is lost.

use super::ledger::Ledger;
use super::load::Load;
use super::road::{Doors, Road, Sender};
use super::{accepted_again, check_store, send};
use crate::internet::plain;
use crate::tools::{find, skipped};
use crate::trial::Trial;
use crate::wire::Wire;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// A private PostgreSQL; see the script. It ends with this value.
struct Cluster {
    script: Child,
    commands: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    folder: String,
}

impl Cluster {
    /// `None` if PostgreSQL is not installed.
    fn start() -> Option<Cluster> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../store/tests/store/cluster.sh");
        let mut command = Command::new("sh");
        command
            .arg(script)
            .arg(programs()?)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut script = command.spawn().expect("a shell");
        let commands = script.stdin.take();
        let answers = BufReader::new(script.stdout.take().expect("piped"));
        let mut cluster = Cluster {
            script,
            commands,
            answers,
            folder: String::new(),
        };
        let ready = cluster.answer();
        cluster.folder = ready
            .strip_prefix("ready ")
            .expect("PostgreSQL starts")
            .to_string();
        Some(cluster)
    }

    fn answer(&mut self) -> String {
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("an answer");
        line.trim().to_string()
    }

    fn tell(&mut self, command: &str) {
        writeln!(self.commands.as_mut().expect("piped"), "{command}").expect("the script listens");
        assert_eq!(self.answer(), "done");
    }

    /// The setting that makes a server use it.
    fn setting(&self) -> String {
        format!(
            "store.engine = \"postgres:host={} user=postgres dbname=postgres\"",
            self.folder
        )
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.commands = None;
        let _ = self.script.wait();
    }
}

/// The folder of the newest version; Debian keeps them out of the path.
fn programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(Result::ok);
    let mut folders: Vec<PathBuf> = versions.map(|version| version.path().join("bin")).collect();
    folders.retain(|folder| folder.join("initdb").exists());
    folders.sort();
    folders
        .pop()
        .or_else(|| find("initdb").and_then(|program| program.parent().map(PathBuf::from)))
}

/// Sends lines to a listener; the answer to the last.
fn last_reply(trial: &Trial, listener: &str, lines: &[&str]) -> String {
    let mut wire = Wire::open(trial, listener);
    let mut reply = wire.reply().expect("a greeting");
    for line in lines {
        wire.send(format!("{line}\r\n").as_bytes());
        reply = wire.reply().expect("a reply");
    }
    reply
}

/// What can be answered without the store is; all else is put off, and nothing is denied.
fn all_is_put_off(trial: &Trial) {
    let (mail, rcpt) = (
        "MAIL FROM:<load@elsewhere.test>",
        "RCPT TO:<alice@example.test>",
    );
    let reply = last_reply(trial, "smtp", &["EHLO client.example", mail, rcpt]);
    assert!(reply.starts_with("451 4.3.0"), "{reply}");
    let reply = last_reply(trial, "lmtp", &["LHLO client.example", mail, rcpt]);
    assert!(reply.starts_with("451 4.3.0"), "{reply}");
    let auth = format!(
        "AUTH PLAIN {}",
        plain("alice@example.test", "correct horse")
    );
    let reply = last_reply(trial, "submission", &["EHLO client.example", &auth]);
    assert!(reply.starts_with("454 4.7.0"), "{reply}");
    let mut wire = Wire::open(trial, "imap");
    wire.line().expect("a greeting");
    wire.send(b"a LOGIN alice@example.test \"correct horse\"\r\n");
    let reply = wire.tagged("a").expect("an answer");
    assert!(reply.starts_with("a NO [UNAVAILABLE]"), "{reply}");
}

#[test]
fn a_stopped_database_puts_all_off_and_comes_back() {
    let Some(mut cluster) = Cluster::start() else {
        return skipped("PostgreSQL");
    };
    let folder = tempfile::tempdir().expect("a folder");
    let trial = Trial::serve(folder.path(), &cluster.setting());
    let mut ledger = Ledger::default();
    accepted_again(&mut ledger, &trial);
    let mut filing = Sender::open(Road::Append, &Doors::of(&trial)).expect("a session");
    cluster.tell("stop");
    all_is_put_off(&trial);
    assert!(
        !send(&mut ledger, &mut filing),
        "an open session cannot file mail either"
    );
    cluster.tell("start");
    accepted_again(&mut ledger, &trial);
    ledger.verify(&trial);
    check_store(&trial);
}

/// Promise 1 on the second engine: the database crashes under load.
#[test]
fn acknowledged_mail_survives_a_crash_of_the_database() {
    let Some(mut cluster) = Cluster::start() else {
        return skipped("PostgreSQL");
    };
    let folder = tempfile::tempdir().expect("a folder");
    let trial = Trial::serve(folder.path(), &cluster.setting());
    let mut ledger = Ledger::default();
    for _ in 0..2 {
        let load = Load::start(&trial, ledger, 16);
        load.wait_for(40);
        cluster.tell("stop");
        cluster.tell("start");
        load.wait_for(40);
        ledger = load.stop();
    }
    ledger.verify(&trial);
    check_store(&trial);
}
