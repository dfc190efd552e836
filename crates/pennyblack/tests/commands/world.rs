//! A configuration in a folder of its own, commands run on it, and a server under it. Loopback and free ports only.

use serde_json::Value;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long anything may take on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A folder with a configuration.
pub(crate) struct World {
    pub(crate) folder: TempDir,
}

/// What a command did.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl World {
    pub(crate) fn new() -> World {
        World::with("")
    }

    /// A world whose configuration has these lines (with their section headings) at its end.
    pub(crate) fn with(more: &str) -> World {
        let world = World {
            folder: tempfile::tempdir().expect("a temporary folder"),
        };
        world.configure(more);
        world
    }

    /// Writes the configuration anew.
    pub(crate) fn configure(&self, more: &str) {
        let off = ["submission", "submissions", "lmtp", "managesieve"]
            .map(|name| format!("listen.{name}.addresses = []\n"))
            .concat();
        let user = match more.contains("user = ") {
            true => "",
            false => "user = \"root\"\n",
        };
        // Nobody listens there: no test asks the servers of the root.
        let dns = match more.contains("dns.") {
            true => "",
            false => "dns.mode = \"forward\"\ndns.servers = [\"127.0.0.1:1\"]\n",
        };
        let text = format!(
            "{user}hostname = \"mx1.example.com\"\ndomain = \"example.com\"\ndata = \"data\"\n\
             listen.smtp.addresses = [\"127.0.0.1:0\"]\nlisten.imaps.addresses = [\"127.0.0.1:0\"]\n{off}\
             auth.argon2_memory = 8192\nauth.argon2_passes = 1\n{dns}{more}"
        );
        fs::write(self.config(), text).expect("written");
    }

    pub(crate) fn config(&self) -> PathBuf {
        self.folder.path().join("pennyblack.toml")
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pennyblack"));
        command
            .arg("--config")
            .arg(self.config())
            .args(arguments)
            .env_remove("NOTIFY_SOCKET")
            .stdin(Stdio::null());
        command
    }

    /// Runs a command to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Done {
        done(self.command(arguments).output().expect("it runs"))
    }

    /// Runs a command that reads a line.
    pub(crate) fn run_with(&self, arguments: &[&str], line: &str) -> Done {
        let mut command = self.command(arguments);
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it runs");
        let mut input = child.stdin.take().expect("its input");
        // A command that refuses its arguments does not read.
        let _ = writeln!(input, "{line}");
        drop(input);
        done(child.wait_with_output().expect("it ends"))
    }

    /// Runs a command that must work, and reads its JSON.
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let mut all = arguments.to_vec();
        all.push("--json");
        let done = self.run(&all);
        assert_eq!(done.code, 0, "{arguments:?}: {done:?}");
        serde_json::from_str(&done.out)
            .unwrap_or_else(|why| panic!("{arguments:?}: {why}: {}", done.out))
    }

    pub(crate) fn add_account(&self, address: &str) {
        let done = self.run_with(
            &["account", "add", address, "--password-stdin"],
            "correct horse",
        );
        assert_eq!(done.code, 0, "{done:?}");
    }

    pub(crate) fn serve(&self) -> Serving {
        self.serve_by(self.command(&["serve"]))
    }

    /// Serves by a command that becomes the server in the end.
    pub(crate) fn serve_by(&self, mut command: Command) -> Serving {
        let path = self.folder.path().join("notify");
        let _ = fs::remove_file(&path);
        let notices = UnixDatagram::bind(&path).expect("a socket");
        // The server may have become another user when it says that it is ready.
        fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).expect("opened to all");
        notices.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        let log = self.folder.path().join("log");
        let file = fs::File::create(&log).expect("a log");
        let child = command
            .env("NOTIFY_SOCKET", &path)
            .stderr(file)
            .spawn()
            .expect("it runs");
        let serving = Serving {
            child,
            notices,
            log,
        };
        serving.until_told("READY=1");
        serving
    }
}

/// A running server. It is killed if a test fails.
pub(crate) struct Serving {
    pub(crate) child: Child,
    notices: UnixDatagram,
    log: PathBuf,
}

impl Serving {
    /// Waits for something the service manager is told, and returns the whole notice (X8).
    pub(crate) fn until_told(&self, words: &str) -> String {
        let mut octets = [0; 4096];
        loop {
            let length = self
                .notices
                .recv(&mut octets)
                .unwrap_or_else(|why| panic!("no notice with {words}: {why}\n{}", self.log()));
            let notice = String::from_utf8_lossy(&octets[..length]).into_owned();
            if notice.contains(words) {
                return notice;
            }
        }
    }

    /// Waits for words in the log, which is written a moment after things happen.
    pub(crate) fn until_logged(&self, words: &str) {
        let start = Instant::now();
        while !self.log().contains(words) {
            assert!(
                start.elapsed() < PATIENCE,
                "not logged: {words}\n{}",
                self.log()
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, signal).expect("signalled");
    }

    /// Waits for its end.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("its state") {
                return status;
            }
            assert!(
                start.elapsed() < PATIENCE,
                "it does not end:\n{}",
                self.log()
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Stops it, and waits for its end.
    pub(crate) fn terminate(mut self) {
        self.signal(rustix::process::Signal::TERM);
        let status = self.wait();
        assert!(status.success(), "{status}\n{}", self.log());
    }

    pub(crate) fn still_runs(&mut self) -> bool {
        self.child.try_wait().expect("its state").is_none()
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A client of a listener.
pub(crate) struct Line {
    stream: BufReader<TcpStream>,
}

impl Line {
    /// Connects to a listener of the running server.
    pub(crate) fn to(world: &World, listener: &str) -> Line {
        let status = world.json(&["status"]);
        let listeners = status["listeners"].as_array().expect("listeners");
        let found = listeners
            .iter()
            .find(|each| each[0] == listener)
            .expect("the listener");
        Line::at(found[1].as_str().expect("an address"))
    }

    pub(crate) fn at(address: &str) -> Line {
        let stream = TcpStream::connect(address).expect("connected");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        Line {
            stream: BufReader::new(stream),
        }
    }

    /// Sends one message by SMTP, and says the last reply.
    pub(crate) fn mail(&mut self, from: &str, to: &str, message: &str) -> String {
        let data = format!("{}\r\n.", message.trim_end().replace('\n', "\r\n"));
        let mut reply = self.read();
        for line in [
            "HELO client.example".to_owned(),
            format!("MAIL FROM:<{from}>"),
            format!("RCPT TO:<{to}>"),
            "DATA".to_owned(),
            data,
        ] {
            self.write(&line);
            reply = self.read();
        }
        reply
    }

    /// The next line; empty at the end.
    pub(crate) fn read(&mut self) -> String {
        let mut line = String::new();
        let _ = self.stream.read_line(&mut line);
        line
    }

    pub(crate) fn write(&mut self, line: &str) {
        self.stream
            .get_mut()
            .write_all(format!("{line}\r\n").as_bytes())
            .expect("written");
    }
}

fn done(output: Output) -> Done {
    Done {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}
