//! V18: the sync of the data precedes the write of the 250, seen from outside by `strace`.

use super::road::{Doors, Fate, Road, Sender};
use crate::tools::{eventually, need, skipped};
use crate::trial::Trial;
use rustix::process::{Pid, Signal, kill_process};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// The first is small and kept in the database; the second is kept as a file.
const NUMBERS: [u64; 2] = [1, 15];
/// What is traced: everything that reads from clients, writes to them or to files, and syncs.
const CALLS: &str = "trace=read,recvfrom,write,writev,sendto,sendmsg,pwrite64,fsync,fdatasync";

/// A system call, with the places in the trace where it began and ended.
#[derive(Debug)]
struct Call {
    text: String,
    began: usize,
    ended: usize,
}

impl Call {
    fn is(&self, names: &[&str]) -> bool {
        names
            .iter()
            .any(|name| self.text.starts_with(&format!("{name}(")))
    }

    /// What the first argument leads to, such as `42<socket:[411330]>`.
    fn descriptor(&self) -> &str {
        let arguments = self.text.split_once('(').map_or("", |(_, rest)| rest);
        arguments.split([',', ')']).next().unwrap_or_default()
    }

    fn of_socket(&self) -> bool {
        self.descriptor().contains("<socket:") || self.descriptor().contains("<TCP")
    }

    /// The client's last octets of a message: the dot, or the end of APPEND's literal and command.
    fn ends_data(&self) -> bool {
        let Some((octets, _)) = self.text.rsplit_once('"') else {
            return false;
        };
        self.is(&["read", "recvfrom"])
            && self.of_socket()
            && (octets.ends_with(r"\r\n.\r\n") || octets.ends_with(r" \r\n\r\n"))
    }

    /// Something is said to the client that `end` came from; other sockets ask and answer DNS meanwhile.
    fn answers(&self, end: &Call) -> bool {
        self.is(&["write", "writev", "sendto", "sendmsg"]) && self.descriptor() == end.descriptor()
    }

    fn syncs(&self, file: &str) -> bool {
        self.is(&["fsync", "fdatasync"]) && self.text.contains(file) && self.text.ends_with("= 0")
    }

    fn writes(&self, file: &str) -> bool {
        self.is(&["pwrite64", "write"]) && self.descriptor().contains(file)
    }
}

/// Joins calls that were interrupted by other threads' lines.
fn calls(trace: &str) -> Vec<Call> {
    let mut begun: HashMap<&str, (usize, &str)> = HashMap::new();
    let mut calls = Vec::new();
    for (place, line) in trace.lines().enumerate() {
        let Some((thread, rest)) = line.split_once(' ') else {
            continue;
        };
        let rest = rest.trim();
        if let Some(start) = rest.strip_suffix("<unfinished ...>") {
            begun.insert(thread, (place, start.trim_end()));
        } else if let Some(end) = rest.split_once(" resumed>").map(|(_, end)| end) {
            if let Some((began, start)) = begun.remove(thread) {
                calls.push(Call {
                    text: format!("{start}{end}"),
                    began,
                    ended: place,
                });
            }
        } else {
            calls.push(Call {
                text: rest.to_string(),
                began: place,
                ended: place,
            });
        }
    }
    calls
}

/// Checks each accepted message in a trace; how many there were.
fn accepted_in_order(calls: &[Call]) -> usize {
    let ends = calls.iter().filter(|call| call.ends_data());
    ends.map(|end| {
        let answer = calls
            .iter()
            .find(|call| call.answers(end) && call.began > end.ended)
            .expect("an answer");
        let between: Vec<&Call> = calls
            .iter()
            .filter(|call| call.began > end.ended && call.ended < answer.began)
            .collect();
        let written = between
            .iter()
            .filter(|call| call.writes("-wal>"))
            .map(|call| call.ended)
            .max();
        let synced = between
            .iter()
            .filter(|call| call.syncs("-wal>"))
            .map(|call| call.began)
            .max();
        assert!(
            written.is_some() && synced > written,
            "answered before the sync:\n{}\n…{between:#?}\n{}",
            tail(&end.text),
            answer.text
        );
    })
    .count()
}

fn tail(text: &str) -> &str {
    &text[text.len().saturating_sub(60)..]
}

/// `strace` on all threads of a running process.
struct Strace {
    child: Child,
    file: PathBuf,
}

impl Strace {
    /// `None` if this user may not trace.
    fn attach(pid: u32, folder: &Path) -> Option<Strace> {
        let file = folder.join("strace");
        let said = folder.join("strace-says");
        let mut command = Command::new("strace");
        command
            .args([
                "-f",
                "-y",
                "-s",
                "400000",
                "-e",
                CALLS,
                "-p",
                &pid.to_string(),
                "-o",
            ])
            .arg(&file);
        command
            .stdin(Stdio::null())
            .stderr(std::fs::File::create(&said).expect("a file"));
        let mut child = command.spawn().expect("strace starts");
        let attached = eventually("strace says whether it may", || {
            let said = std::fs::read_to_string(&said).unwrap_or_default();
            let ended = child.try_wait().expect("a child").is_some();
            (ended || said.contains("attached")).then_some(!ended)
        });
        attached.then_some(Strace { child, file })
    }

    /// What was traced until now.
    fn finish(mut self) -> String {
        kill_process(Pid::from_child(&self.child), Signal::INT).expect("strace is there");
        self.child.wait().expect("strace ends");
        std::fs::read_to_string(&self.file).expect("a trace")
    }
}

#[test]
fn v18_the_sync_precedes_the_250() {
    need!("strace");
    let trial = Trial::start();
    let doors = Doors::of(&trial);
    let roads = [Road::Mx, Road::Lmtp, Road::Append];
    // Logged in before: what a log-in writes is not looked at here.
    let mut senders = roads.map(|road| Sender::open(road, &doors).expect("a session"));
    let Some(strace) = Strace::attach(trial.pid(), trial.folder()) else {
        return skipped("the right to trace processes");
    };
    for sender in &mut senders {
        for number in NUMBERS {
            let fates = sender.send(number).expect("a session");
            assert!(
                fates.iter().all(|(_, fate)| *fate == Fate::Accepted),
                "{fates:?}"
            );
        }
    }
    let calls = calls(&strace.finish());
    assert_eq!(accepted_in_order(&calls), roads.len() * NUMBERS.len());
    let file_synced =
        |call: &Call| call.is(&["fsync", "fdatasync"]) && !call.text.contains("mail.db");
    assert!(
        calls.iter().any(file_synced),
        "large bodies are files, and are synced"
    );
}

#[cfg(test)]
const IN_ORDER: &str = r#"
7  recvfrom(9<socket:[1]>, "Subject: x\r\n\r\nbody\r\n.\r\n", 4096, 0, NULL, NULL) = 20
8  pwrite64(5</d/mail.db-wal>, "x", 1, 0) = 1
8  fdatasync(5</d/mail.db-wal> <unfinished ...>
7  recvfrom(9<socket:[1]>, 0x1, 4096, 0, NULL, NULL) = -1 EAGAIN
8  <... fdatasync resumed>) = 0
7  sendto(9<socket:[1]>, "250 2.0.0 Ok\r\n", 14, 0, NULL, 0) = 14
"#;

#[test]
fn a_trace_in_order_passes() {
    assert_eq!(accepted_in_order(&calls(IN_ORDER)), 1);
}

#[test]
#[should_panic(expected = "answered before the sync")]
fn a_250_before_the_sync_is_noticed() {
    let mut lines: Vec<&str> = IN_ORDER.lines().collect();
    let answer = lines.pop().expect("a line");
    lines.insert(4, answer);
    accepted_in_order(&calls(&lines.join("\n")));
}
