//! POP3 as programs speak it that people fetch their mail with: Python's poplib, curl and mpop.

use crate::world::{Line, World};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

/// A server with POP3 over TLS, and two messages in alice's INBOX.
fn world() -> World {
    let world = World::with(
        "listen.pop3s.addresses = [\"127.0.0.1:0\"]\nlisten.pop3.addresses = [\"127.0.0.1:0\"]\n\
         listen.imap.addresses = [\"127.0.0.1:0\"]\nlisten.imap.plaintext_auth = \"loopback\"\n",
    );
    world.add_account("alice@example.com");
    world
}

fn append(imap: &mut Line, message: &str) {
    imap.write(&format!(
        "a APPEND INBOX {{{}+}}\r\n{message}",
        message.len()
    ));
    until(imap, "a OK");
}

fn until(line: &mut Line, word: &str) {
    loop {
        let said = line.read();
        assert!(!said.is_empty(), "{word} was not said");
        if said.starts_with(word) {
            return;
        }
    }
}

fn fill(world: &World) -> Line {
    let mut imap = Line::to(world, "imap");
    imap.write("l LOGIN alice@example.com \"correct horse\"");
    until(&mut imap, "l OK");
    append(
        &mut imap,
        "Subject: first\r\n\r\n.a line with a dot\r\n..\r\n.\r\nend\r\n",
    );
    append(
        &mut imap,
        &format!("Subject: second\r\n\r\n{}", "0123456789\r\n".repeat(50_000)),
    );
    imap
}

fn port(world: &World, listener: &str) -> String {
    let status = world.json(&["status"]);
    let listeners = status["listeners"].as_array().unwrap();
    let found = listeners.iter().find(|each| each[0] == listener).unwrap();
    found[1]
        .as_str()
        .unwrap()
        .rsplit_once(':')
        .unwrap()
        .1
        .to_owned()
}

fn ca(world: &World) -> String {
    world
        .folder
        .path()
        .join("data/tls/ca.pem")
        .to_string_lossy()
        .into_owned()
}

/// Runs a program with an end in sight; what it said.
fn run(program: &str, arguments: &[&str]) -> String {
    let output = Command::new("timeout")
        .arg("60")
        .arg(program)
        .args(arguments)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "{program}: {said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    said
}

fn is_there(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let there = std::env::split_paths(&path).any(|folder| folder.join(program).is_file());
    if !there {
        crate::serving::skipped("pop3", program);
    }
    there
}

const POPLIB: &str = r#"
import poplib, ssl, sys
host, tls_port, port, ca = sys.argv[1:]
context = ssl.create_default_context(cafile=ca)
box = poplib.POP3_SSL("localhost", int(tls_port), context=context, timeout=30)
box.user("alice@example.com"); box.pass_("correct horse")
assert box.stat()[0] == 2, box.stat()
assert [line.split()[1] for line in box.list()[1]] == [b"50", b"600019"], box.list()
names = box.uidl()[1]
assert box.retr(1)[1] == [b"Subject: first", b"", b".a line with a dot", b"..", b".", b"end"]
assert len(box.retr(2)[1]) == 50002
assert box.top(2, 3)[1] == [b"Subject: second", b""] + [b"0123456789"] * 3
assert "STLS" not in box.capa() and "PIPELINING" in box.capa()
box.dele(1); box.rset(); box.dele(2)
other = poplib.POP3("localhost", int(port), timeout=30)
try:
    other.user("alice@example.com")
    raise SystemExit("a name was taken without TLS")
except poplib.error_proto:
    pass
other.stls(context)
other.user("alice@example.com"); other.pass_("correct horse")
assert other.uidl()[1] == names
box.quit()
assert other.stat()[0] == 2
try:
    other.retr(2)
    raise SystemExit("a removed message was sent")
except poplib.error_proto as gone:
    assert b"removed" in gone.args[0]
other.quit()
"#;

#[test]
fn poplib_fetches_and_removes() {
    if !is_there("python3") {
        return;
    }
    let world = world();
    let _server = world.serve();
    let mut imap = fill(&world);
    let ports = [port(&world, "pop3s"), port(&world, "pop3")];
    run(
        "python3",
        &["-c", POPLIB, "localhost", &ports[0], &ports[1], &ca(&world)],
    );
    imap.write("s STATUS INBOX (MESSAGES)");
    assert_eq!(imap.read(), "* STATUS INBOX (MESSAGES 1)\r\n");
    // What POP3 has removed can be put back too.
    let removed = world.json(&["mailbox", "removed", "alice@example.com"]);
    assert_eq!(removed[0]["subject"], "second");
}

#[test]
fn curl_lists_and_fetches() {
    if !is_there("curl") {
        return;
    }
    let world = world();
    let _server = world.serve();
    let _imap = fill(&world);
    let (ca, user) = (ca(&world), "alice@example.com:correct horse");
    let curl = |path: &str, more: &[&str]| {
        let url = format!("pop3s://localhost:{}/{path}", port(&world, "pop3s"));
        run(
            "curl",
            &[
                &[
                    "--silent",
                    "--show-error",
                    "--cacert",
                    &ca,
                    "--user",
                    user,
                    &url,
                ],
                more,
            ]
            .concat(),
        )
    };
    assert_eq!(curl("", &[]), "1 50\r\n2 600019\r\n");
    assert_eq!(
        curl("1", &[]),
        "Subject: first\r\n\r\n.a line with a dot\r\n..\r\n.\r\nend\r\n"
    );
    assert_eq!(curl("2", &[]).len(), 600_019);
    curl("1", &["--request", "DELE", "--head"]);
    assert_eq!(curl("", &[]), "1 600019\r\n");
    let url = format!("pop3://localhost:{}/", port(&world, "pop3"));
    let by_stls = run(
        "curl",
        &[
            "--silent",
            "--show-error",
            "--ssl-reqd",
            "--cacert",
            &ca,
            "--user",
            user,
            &url,
        ],
    );
    assert_eq!(by_stls, "1 600019\r\n");
}

#[test]
fn mpop_fetches_each_message_once() {
    if !is_there("mpop") {
        return;
    }
    let world = world();
    let _server = world.serve();
    let mut imap = fill(&world);
    let folder = world.folder.path();
    let (settings, mbox) = (folder.join("mpoprc"), folder.join("mbox"));
    let text = format!(
        "account a\nhost localhost\nport {}\ntls on\ntls_starttls off\ntls_trust_file {}\nuser alice@example.com\n\
         passwordeval echo correct horse\nkeep on\ndelivery mbox {}\nuidls_file {}\n",
        port(&world, "pop3s"),
        ca(&world),
        mbox.display(),
        folder.join("uidls").display()
    );
    std::fs::write(&settings, text).unwrap();
    std::fs::set_permissions(&settings, std::fs::Permissions::from_mode(0o600)).unwrap();
    let fetch = || run("mpop", &["-C", &settings.to_string_lossy(), "-q", "a"]);
    fetch();
    assert_eq!(messages(&mbox), 2);
    fetch();
    assert_eq!(messages(&mbox), 2);
    append(&mut imap, "Subject: third\r\n\r\nlater\r\n");
    fetch();
    assert_eq!(messages(&mbox), 3);
}

fn messages(mbox: &Path) -> usize {
    let text = std::fs::read_to_string(mbox).unwrap();
    text.lines()
        .filter(|line| line.starts_with("Subject: "))
        .count()
}
