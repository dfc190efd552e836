//! A running `pennyblack trial`, its ready line read, its remains cleared away (or kept, when the test fails).

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// A server of the test's own.
pub(crate) struct Trial {
    child: Child,
    ready: Value,
    folder: PathBuf,
}

/// What happens to a server's data when it ends.
pub(crate) enum Data<'a> {
    ThrowAway,
    Keep(&'a Path),
}

impl Trial {
    /// Starts a server on free ports; returns when it says that it is ready.
    #[track_caller]
    pub(crate) fn start() -> Trial {
        Trial::start_with(Data::ThrowAway)
    }

    #[track_caller]
    pub(crate) fn start_with(data: Data<'_>) -> Trial {
        let folder = tempfile::Builder::new()
            .prefix("pennyblack-test-")
            .tempdir();
        let folder = folder.expect("a temporary folder").keep();
        let log = std::fs::File::create(folder.join("server.log")).expect("a log file");
        let mut command = program();
        command.args(["trial", "--json", "--port-base", "0"]);
        match data {
            Data::ThrowAway => command.arg("--throw-away"),
            Data::Keep(path) => command.arg("--data").arg(path),
        };
        // What the server throws away it has below our folder, where a test can look whether it is gone.
        command.env("TMPDIR", &folder);
        let started = Instant::now();
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .expect("the server starts");
        let line = first_line(&mut child);
        println!("ready after {:?}", started.elapsed());
        let ready = line.and_then(|line| serde_json::from_str(&line).map_err(|e| e.to_string()));
        match ready {
            Ok(ready) => Trial {
                child,
                ready,
                folder,
            },
            Err(why) => {
                let _ = child.kill();
                let log = std::fs::read_to_string(folder.join("server.log"));
                panic!("no ready line: {why}\n{}", log.unwrap_or_default());
            }
        }
    }

    /// Starts `pennyblack serve` in a folder, for what a trial does not do; `settings` are added to its configuration. It has the
    /// domain and the accounts of a trial, but neither samples nor a pretend Internet.
    #[track_caller]
    pub(crate) fn serve(data: &Path, settings: &str) -> Trial {
        configure(data, settings);
        let folder = tempfile::tempdir().expect("a temporary folder").keep();
        let log = std::fs::File::create(folder.join("server.log")).expect("a log file");
        let mut trial = Trial {
            ready: serde_json::json!({
                "data": data,
                "accounts": accounts(data),
                "ca": data.join("data/tls/ca.pem"),
            }),
            child: on(data, &["serve"])
                .stdin(Stdio::null())
                .stderr(log)
                .spawn()
                .expect("the server starts"),
            folder,
        };
        trial.ready["ports"] = crate::tools::eventually("a server that runs", || {
            let ended = trial.child.try_wait().expect("a child");
            assert!(ended.is_none(), "it ended: {}", trial.log());
            ports(data)
        });
        trial
    }

    /// What the server has logged.
    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.join("server.log")).unwrap_or_default()
    }

    /// The ready line.
    pub(crate) fn ready(&self) -> &Value {
        &self.ready
    }

    /// A folder for files of the test, gone after it unless it fails.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The port of a listener (`smtp`, `imaps` …).
    #[track_caller]
    pub(crate) fn port(&self, listener: &str) -> u16 {
        let port = self.ready["ports"][listener].as_u64();
        port.and_then(|port| port.try_into().ok())
            .unwrap_or_else(|| panic!("no port {listener} in {}", self.ready))
    }

    /// `localhost:PORT`.
    #[track_caller]
    pub(crate) fn at(&self, listener: &str) -> String {
        format!("localhost:{}", self.port(listener))
    }

    /// The file with the CA that the server's certificate is from.
    pub(crate) fn ca(&self) -> &str {
        self.ready["ca"].as_str().expect("a CA file")
    }

    /// The data folder.
    pub(crate) fn data(&self) -> &str {
        self.ready["data"].as_str().expect("a data folder")
    }

    /// The password of an account.
    #[track_caller]
    pub(crate) fn password(&self, address: &str) -> &str {
        let accounts = self.ready["accounts"].as_array().expect("accounts");
        let account = accounts.iter().find(|a| a["address"] == address);
        account
            .and_then(|account| account["password"].as_str())
            .unwrap_or_else(|| panic!("no account {address} in {}", self.ready))
    }

    /// The server's process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// A `pennyblack` command that speaks to this server.
    pub(crate) fn command(&self, words: &[&str]) -> Command {
        on(Path::new(self.data()), words)
    }

    /// Sends SIGTERM and waits for the end.
    pub(crate) fn terminate(&mut self) -> ExitStatus {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, Signal::TERM).expect("the server is there");
        self.child.wait().expect("the server ends")
    }

    /// Stops the process where it is; only [`Trial::kill`] is of use after that.
    pub(crate) fn freeze(&self) {
        kill_process(Pid::from_child(&self.child), Signal::STOP).expect("the server is there");
    }

    /// Ends the process at once, as a crash would.
    pub(crate) fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Resident memory of the server in bytes, now.
    pub(crate) fn resident(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid()));
        let status = status.expect("the server lives");
        let line = status.lines().find(|line| line.starts_with("VmRSS:"));
        let kilobytes = line.and_then(|line| line.split_whitespace().nth(1));
        kilobytes
            .and_then(|k| k.parse::<u64>().ok())
            .expect("VmRSS")
            * 1024
    }
}

impl Drop for Trial {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            eprintln!(
                "evidence of the failed test is in {}",
                self.folder.display()
            );
        } else {
            let _ = std::fs::remove_dir_all(&self.folder);
        }
    }
}

/// A `pennyblack` command with the configuration in this folder.
fn on(data: &Path, words: &[&str]) -> Command {
    let mut command = program();
    command.args(words).arg("--data").arg(data);
    command
}

fn configure(data: &Path, settings: &str) {
    let listeners = ["smtp", "submission", "lmtp", "imap"].map(|name| {
        format!("listen.{name}.addresses = [\"127.0.0.1:0\"]\nlisten.{name}.plaintext_auth = \"loopback\"\n")
    });
    let off = ["submissions", "imaps", "managesieve"]
        .into_iter()
        .filter(|name| !settings.contains(&format!("listen.{name}.")))
        .map(|name| format!("listen.{name}.addresses = []\n"));
    // Nobody listens there: what a test does not provide for is looked up nowhere, least of all at the servers of the root.
    let dns = match settings.contains("dns.servers") {
        true => "",
        false => "dns.mode = \"forward\"\ndns.servers = [\"127.0.0.1:1\"]\n",
    };
    let text = format!(
        "hostname = \"mx.example.test\"\ndomain = \"example.test\"\ndata = \"data\"\nuser = \"root\"\n\
         auth.argon2_memory = 8192\nauth.argon2_passes = 1\n{dns}{}{}{settings}\n",
        listeners.concat(),
        off.collect::<String>()
    );
    std::fs::write(data.join("pennyblack.toml"), text).expect("a configuration");
}

/// Makes the accounts, unless an earlier start did.
fn accounts(data: &Path) -> Value {
    const PASSWORD: &str = "correct horse";
    let account = |address: &str| {
        let mut command = on(
            data,
            &[
                "account",
                "add",
                address,
                "--password-stdin",
                "--add-domain",
            ],
        );
        let mut adding = command
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("a command");
        writeln!(adding.stdin.take().expect("piped"), "{PASSWORD}").expect("it reads");
        adding.wait().expect("it ends");
        serde_json::json!({"address": address, "password": PASSWORD})
    };
    ["alice@example.test", "bob@example.test"]
        .map(account)
        .to_vec()
        .into()
}

/// The ports of a running server, as a trial's ready line has them. A command that finds no server would take its place for a moment.
fn ports(data: &Path) -> Option<Value> {
    if !data.join("data/control.sock").exists() {
        return None;
    }
    let said = on(data, &["status", "--json"]).output().expect("a command");
    let status: Value = serde_json::from_slice(&said.stdout).ok()?;
    let listeners = status["listeners"].as_array()?.iter();
    let port = |listener: &Value| {
        let port: u16 = listener[1].as_str()?.rsplit(':').next()?.parse().ok()?;
        Some((listener[0].as_str()?.to_string(), Value::from(port)))
    };
    Some(Value::Object(listeners.filter_map(port).collect()))
}

/// The program under test.
pub(crate) fn program() -> Command {
    Command::new(env!("CARGO_BIN_EXE_pennyblack"))
}

fn first_line(child: &mut Child) -> Result<String, String> {
    let stdout = child.stdout.take().expect("piped");
    let (sender, receiver) = mpsc::channel();
    // The thread reads on after the first line, so that the server never writes into a closed pipe.
    std::thread::spawn(move || {
        for line in BufReader::new(stdout).lines() {
            let _ = sender.send(line);
        }
    });
    match receiver.recv_timeout(Duration::from_secs(60)) {
        Ok(Ok(line)) => Ok(line),
        Ok(Err(error)) => Err(error.to_string()),
        Err(mpsc::RecvTimeoutError::Timeout) => Err("it said nothing for 60 s".into()),
        Err(mpsc::RecvTimeoutError::Disconnected) => Err("it ended".into()),
    }
}
