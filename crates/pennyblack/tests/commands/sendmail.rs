//! `sendmail` as programs on this machine call it (A22, X14–X18).

use crate::world::{Done, World};
use std::os::unix::fs::PermissionsExt;

/// `-t` and other options, as one line.
fn sendmail(world: &World, line: &str, message: &str) -> Done {
    let arguments: Vec<&str> = ["sendmail"].into_iter().chain(line.split(' ')).collect();
    world.run_with(&arguments, message)
}

fn messages_of(world: &World, address: &str) -> u64 {
    let shown = world.json(&["account", "show", address]);
    shown["used_messages"].as_u64().expect("a number")
}

fn world() -> World {
    let world = World::with("local.trusted = []\nqueue.port = 9\n");
    world.add_account("alice@example.com");
    world.add_account("bob@example.com");
    world
}

/// A22: a bare name is an alias or a person here; Bcc is served and not shown.
#[test]
fn a22_a_message_reaches_its_recipients() {
    let world = world();
    let server = world.serve();
    let sent = sendmail(&world, "-t", "To: alice\nBcc: bob@example.com\n\nhi");
    assert_eq!((sent.code, sent.out.as_str()), (0, ""), "{sent:?}");
    assert_eq!(messages_of(&world, "alice@example.com"), 1);
    assert_eq!(messages_of(&world, "bob@example.com"), 1);
    let shown = sendmail(
        &world,
        "-v -i -f root@example.com alice",
        "Subject: x\n\n.\n",
    );
    assert!(
        shown.err.contains(">>> MAIL FROM:<root@example.com>"),
        "{shown:?}"
    );
    assert!(shown.err.contains("accepted: "), "{shown:?}");
    server.terminate();
}

/// X15: cron's own line, to a user of the system who is nobody here: the postmaster reads it.
#[test]
fn x15_cron_reaches_the_postmaster() {
    let world = world();
    let server = world.serve();
    let line = "-FCronDaemon -i -odi -oem -oi -t -f root";
    let sent = sendmail(
        &world,
        line,
        "To: root\nSubject: Cron <root@mx1> true\n\noutput",
    );
    assert_eq!(sent.code, 0, "{sent:?}");
    let all = messages_of(&world, "alice@example.com") + messages_of(&world, "bob@example.com");
    assert_eq!(all, 1);
    server.terminate();
}

/// X17
#[test]
fn x17_exit_codes() {
    let world = world();
    let server = world.serve();
    for (line, message, code) in [
        ("-t -bogus", "To: alice\n\nx", 64),
        ("-t", "Subject: nobody\n\nx", 64),
        ("a@b@c", "x", 65),
        ("nobody-of-this-name@example.com", "x", 67),
    ] {
        let done = sendmail(&world, line, message);
        assert_eq!(done.code, code, "{line}: {done:?}");
        assert!(!done.err.is_empty(), "{line}");
    }
    let both = sendmail(&world, "alice nobody-of-this-name@example.com", "x");
    assert_eq!(both.code, 67, "{both:?}");
    assert_eq!(messages_of(&world, "alice@example.com"), 0, "all or nobody");
    server.terminate();
}

/// X14: nothing is lost while no server runs, and nothing comes twice.
#[test]
fn x14_mail_waits_for_the_server() {
    let world = world();
    let server = world.serve();
    server.terminate();
    let sent = sendmail(
        &world,
        "-v -t",
        "To: alice, nobody-of-this-name@example.com\n\nhi",
    );
    assert_eq!(sent.code, 0, "{sent:?}");
    assert!(sent.err.contains("kept until"), "{sent:?}");
    let spool = world.folder.path().join("data/spool");
    let waiting = || std::fs::read_dir(&spool).expect("the spool").count();
    assert_eq!(waiting(), 1);
    let server = world.serve();
    let ran = world.run(&["jobs", "run", "pickup"]);
    assert!(
        ran.out.starts_with("1 messages taken") || ran.out.contains("nothing"),
        "{ran:?}"
    );
    assert_eq!(waiting(), 0);
    // The message, and the notice that one of the recipients does not exist, which root's postmaster gets.
    assert_eq!(messages_of(&world, "alice@example.com"), 2);
    let again = world.run(&["jobs", "run", "pickup"]);
    assert!(again.out.starts_with("nothing to do"), "{again:?}");
    server.terminate();
}

/// X14: without a spool there is nothing to promise.
#[test]
fn x14_without_a_spool_the_caller_is_told() {
    let world = World::with("local.spool = \"\"\n");
    world.add_account("alice@example.com");
    let sent = sendmail(&world, "alice@example.com", "hi");
    assert_eq!(sent.code, 75, "{sent:?}");
}

/// X15, X18
#[test]
fn x18_the_other_names() {
    let world = world();
    let server = world.serve();
    let empty = world.run(&["sendmail", "-bp"]);
    assert_eq!(empty.out, "Mail queue is empty\n", "{empty:?}");
    assert_eq!(world.run(&["pause", "delivery"]).code, 0);
    let sent = sendmail(&world, "-f alice@example.com far@elsewhere.test", "hi");
    assert_eq!(sent.code, 0, "{sent:?}");
    let queue = world.run(&["sendmail", "-bp"]);
    let mut lines = queue.out.lines();
    let heading = "-Queue ID-  --Size-- ----Arrival Time---- -Sender/Recipient-------";
    assert_eq!(lines.next(), Some(heading), "{queue:?}");
    assert!(
        lines
            .next()
            .is_some_and(|line| line.ends_with(" alice@example.com"))
    );
    assert!(
        queue
            .out
            .contains("                                         far@elsewhere.test\n")
    );
    assert!(queue.out.trim_end().ends_with("in 1 Request."), "{queue:?}");
    let link = world.folder.path().join("newaliases");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_pennyblack"), &link).expect("a link");
    let built = std::process::Command::new(&link).output().expect("it runs");
    assert!(built.status.success());
    let socket = world.folder.path().join("data/sendmail.sock");
    let mode = std::fs::metadata(&socket)
        .expect("the socket")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o666);
    server.terminate();
    assert!(!socket.exists());
}

/// X15: `-bs`
#[test]
fn x15_smtp_on_standard_input() {
    let world = world();
    let server = world.serve();
    let talk = "EHLO here\r\nMAIL FROM:<root@mx1.example.com>\r\nRCPT TO:<bob@example.com>\r\nBDAT 18 LAST\r\nSubject: x\r\n\r\nhi\r\nQUIT\r";
    let said = sendmail(&world, "-bs", talk);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.out.starts_with("220 mx1.example.com"), "{said:?}");
    assert!(said.out.contains("250 2.0.0 Ok: id="), "{said:?}");
    assert_eq!(messages_of(&world, "bob@example.com"), 1);
    server.terminate();
}
