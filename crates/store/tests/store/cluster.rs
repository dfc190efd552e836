//! PostgreSQL for the tests: one private cluster for all tests of the process, a database for each.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{LazyLock, Mutex};
use store::Engine;

static SHARED: LazyLock<Option<Mutex<Cluster>>> =
    LazyLock::new(|| Cluster::start().map(Mutex::new));

/// A new database in the cluster that all tests share; `None`, said once on standard error, if PostgreSQL is not installed.
pub(crate) fn engine() -> Option<Engine> {
    let cluster = SHARED.as_ref()?.lock().unwrap();
    Some(cluster.database())
}

/// A running PostgreSQL. It ends with this value, and with the process.
pub(crate) struct Cluster {
    folder: PathBuf,
    commands: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    script: Child,
    databases: AtomicU32,
}

impl Cluster {
    pub(crate) fn start() -> Option<Cluster> {
        let Some(programs) = programs() else {
            // Not `eprintln!`, which the test harness would swallow.
            let _ = writeln!(
                std::io::stderr(),
                "skipped: the store on PostgreSQL (its programs are not installed)"
            );
            return None;
        };
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/store/cluster.sh");
        let mut script = Command::new("sh")
            .arg(script)
            .arg(programs)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut cluster = Cluster {
            folder: PathBuf::new(),
            commands: script.stdin.take(),
            answers: BufReader::new(script.stdout.take().unwrap()),
            script,
            databases: AtomicU32::new(0),
        };
        let ready = cluster.answer();
        cluster.folder = ready
            .strip_prefix("ready ")
            .expect("PostgreSQL starts")
            .into();
        Some(cluster)
    }

    fn answer(&mut self) -> String {
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        line.trim().to_owned()
    }

    fn tell(&mut self, command: &str) {
        writeln!(self.commands.as_mut().unwrap(), "{command}").unwrap();
        assert_eq!(self.answer(), "done");
    }

    /// Stops the server as a crash would.
    pub(crate) fn stop_server(&mut self) {
        self.tell("stop");
    }

    pub(crate) fn start_server(&mut self) {
        self.tell("start");
    }

    /// A new, empty database.
    pub(crate) fn database(&self) -> Engine {
        let name = format!("test_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        let mut client =
            postgres::Client::connect(&self.connection("postgres"), postgres::NoTls).unwrap();
        client
            .batch_execute(&format!("CREATE DATABASE {name}"))
            .unwrap();
        Engine::Postgres(self.connection(&name))
    }

    fn connection(&self, database: &str) -> String {
        format!(
            "host={} user=postgres dbname={database}",
            self.folder.display()
        )
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.commands = None;
        let _ = self.script.wait();
    }
}

/// Debian keeps them out of the path, a folder for each version.
fn programs() -> Option<PathBuf> {
    let mut found: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(|version| Some(version.ok()?.path().join("bin")))
        .chain(std::env::split_paths(
            &std::env::var_os("PATH").unwrap_or_default(),
        ))
        .filter(|folder| folder.join("initdb").exists() && folder.join("pg_ctl").exists())
        .collect();
    found.sort();
    found.pop()
}
