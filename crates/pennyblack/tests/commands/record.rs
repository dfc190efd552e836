//! `pennyblack account record`: what programs say is written down without what people wrote (W18).

use crate::world::{Line, World};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

const IMAP: &str =
    "listen.imap.addresses = [\"127.0.0.1:0\"]\nlisten.imap.plaintext_auth = \"loopback\"\n";

/// Sends a command, and reads to its answer.
fn say(imap: &mut Line, command: &str) -> String {
    imap.write(command);
    let tag = command.split(' ').next().unwrap().to_owned() + " ";
    let mut all = String::new();
    while !all.lines().any(|line| line.starts_with(&tag)) {
        let said = imap.read();
        assert!(!said.is_empty(), "{command}: {all}");
        all += &said;
    }
    all
}

fn logged_in(world: &World, address: &str) -> Line {
    let mut imap = Line::to(world, "imap");
    let told = say(&mut imap, &format!("l LOGIN {address} \"correct horse\""));
    assert!(told.contains("l OK"), "{told}");
    imap
}

/// W18: the record has the form of what was said, of this account alone, and neither passwords, addresses nor texts.
#[test]
fn w18_a_conversation_is_written_down_without_what_people_wrote() {
    let world = World::with(IMAP);
    world.add_account("alice@example.com");
    world.add_account("bob@example.com");
    assert_eq!(
        world.run(&["account", "record", "alice@example.com"]).code,
        1,
        "only a running server hears anybody"
    );
    let serving = world.serve();
    let (mut before, mut bob) = (
        logged_in(&world, "alice@example.com"),
        logged_in(&world, "bob@example.com"),
    );
    say(&mut before, "a1 SELECT Drafts");

    let begun = world.json(&["account", "record", "alice@example.com", "--for", "5m"]);
    let file = begun["begun"]["file"].as_str().expect("a file").to_owned();
    say(
        &mut before,
        "a2 ID (\"name\" \"Odd Mailer\" \"version\" \"3\")",
    );
    say(&mut before, "a3 SELECT INBOX (CONDSTORE)");
    say(&mut bob, "b1 SELECT Archive");
    let message = "From: alice@example.com\r\nSubject: quokka\r\n\r\nmarzipan 4711\r\n";
    let append = format!("a4 APPEND INBOX {{{}+}}\r\n{message}", message.len());
    say(&mut before, &append);
    say(&mut before, "a5 UID SEARCH SUBJECT 4711 TEXT marzipan");
    let fetched = say(&mut before, "a6 FETCH 1 (FLAGS ENVELOPE BODY[])");
    assert!(fetched.contains("marzipan"), "{fetched}");
    say(&mut before, "a7 LOGIN alice@example.com \"correct horse\"");
    say(&mut before, "Dear quokka, what is marzipan?");
    let mut second = logged_in(&world, "alice@example.com");
    say(&mut second, "c0 CREATE Bills");
    say(&mut second, "c1 STATUS Bills (MESSAGES)");

    let ended = world.json(&["account", "record", "alice@example.com", "--for", "0s"]);
    assert_eq!(ended["ended"], true);
    say(&mut before, "a8 CREATE Unheard");
    let again = world.run(&["account", "record", "alice@example.com", "--for", "0s"]);
    assert!(again.out.contains("there was no record"), "{again:?}");
    serving.terminate();

    let mode = fs::metadata(&file)
        .expect("the record")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    let record = fs::read_to_string(&file).expect("the record");
    for shown in [
        "[1] C: a2 ID (",
        "[1] C: a3 SELECT INBOX (CONDSTORE)\n",
        "[1] S: a3 OK [READ-WRITE]…\n",
        "[1] C: a4 APPEND …\n",
        "[1] C: a5 UID SEARCH SUBJECT <4> TEXT <8>\n",
        "[1] C: a6 FETCH 1 (FLAGS ENVELOPE BODY[])\n",
        &format!(" BODY[] {{{0}}}<{0} octets> ", message.len()),
        "[1] C: a7 LOGIN …\n",
        "[1] S: a7 BAD …\n",
        "[1] S: <4> BAD …\n",
        "octets that are no command>\n",
        "[2] this is a program without a name\n",
        "[2] S: * STATUS <5> (MESSAGES 0)\n",
    ] {
        assert!(record.contains(shown), "{shown} is not in\n{record}");
    }
    for hidden in [
        "correct horse",
        "alice",
        "quokka",
        "marzipan",
        "4711",
        "Dear",
        "Bills",
        "Archive",
        "b1",
        "a8",
    ] {
        assert!(!record.contains(hidden), "{hidden} is in\n{record}");
    }
}
