//! Scripts on what happens over IMAP (RFC 6785): what a client does, and what scripts make of it afterwards.

use super::scripts::{activate, put};
use super::*;
use crate::world::PASSWORD;
use server::listen::Kind;
use store::filing;
use store::learn::{self, Class, Origin};
use store::script::{event, journal};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

/// The scripts that set-ups with Dovecot and Rspamd or SpamAssassin have, as their guides give them.
const REPORT_SPAM: &str = "require [\"vnd.dovecot.pipe\", \"copy\", \"imapsieve\", \"environment\", \"variables\"];\n\n\
     if environment :matches \"imap.user\" \"*\" {\n  set \"username\" \"${1}\";\n}\n\n\
     pipe :copy \"learn-spam.sh\" [ \"${username}\" ];\n";
const REPORT_HAM: &str = "require [\"vnd.dovecot.pipe\", \"copy\", \"imapsieve\", \"environment\", \"variables\"];\n\n\
     if environment :matches \"imap.mailbox\" \"*\" {\n  set \"mailbox\" \"${1}\";\n}\n\n\
     if string \"${mailbox}\" \"Trash\" {\n  stop;\n}\n\n\
     if environment :matches \"imap.user\" \"*\" {\n  set \"username\" \"${1}\";\n}\n\n\
     pipe :copy \"learn-ham.sh\" [ \"${username}\" ];\n";

/// Files for scripts of the admin's.
struct Admin(tempfile::TempDir);

impl Admin {
    fn new(scripts: &[(&str, &str)]) -> Admin {
        let folder = tempfile::tempdir().unwrap();
        for (name, source) in scripts {
            std::fs::write(folder.path().join(name), source).unwrap();
        }
        Admin(folder)
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).display().to_string()
    }

    /// The rules of the usual set-up.
    async fn world(&self) -> World {
        let rules = format!(
            "[{{ mailbox = \"Junk\", causes = [\"COPY\", \"APPEND\"], before = \"{}\" }}, \
              {{ mailbox = \"*\", from = \"Junk\", causes = [\"COPY\"], before = \"{}\" }}]",
            self.path("report-spam.sieve"),
            self.path("report-ham.sieve")
        );
        world_with(&[("sieve.imap", &rules)]).await
    }
}

fn usual() -> Admin {
    Admin::new(&[
        ("report-spam.sieve", REPORT_SPAM),
        ("report-ham.sieve", REPORT_HAM),
    ])
}

/// An IMAP session.
struct Imap {
    stream: BufReader<TcpStream>,
    tag: u32,
}

impl Imap {
    async fn login(world: &World, address: &str) -> Imap {
        let stream = TcpStream::connect(world.address(Kind::Imap)).await.unwrap();
        let mut imap = Imap {
            stream: BufReader::new(stream),
            tag: 0,
        };
        imap.line().await;
        let login = format!("LOGIN {address} \"{PASSWORD}\"");
        imap.ok(&login).await;
        imap
    }

    async fn line(&mut self) -> String {
        let mut line = String::new();
        self.stream.read_line(&mut line).await.unwrap();
        assert!(!line.is_empty(), "the server closed the connection");
        line
    }

    /// Gives a command, and returns all that is said up to its answer, which must be OK.
    async fn ok(&mut self, command: &str) -> String {
        self.tag += 1;
        let tag = format!("t{} ", self.tag);
        let sent = format!("{tag}{command}\r\n");
        self.stream.write_all(sent.as_bytes()).await.unwrap();
        let mut said = String::new();
        loop {
            let line = self.line().await;
            said += &line;
            if let Some(answer) = line.strip_prefix(&tag) {
                assert!(answer.starts_with("OK"), "{command}: {said}");
                return said;
            }
        }
    }

    async fn append(&mut self, mailbox: &str) {
        let size = HELLO.len();
        self.ok(&format!("APPEND {mailbox} {{{size}+}}\r\n{HELLO}"))
            .await;
    }
}

/// Waits until scripts have looked at all that has happened.
async fn looked_at(world: &World) {
    let mut changes = world.services().store.watch_events();
    while read(world, event::next_due).await.is_some() {
        changes.changed().await.unwrap();
    }
}

async fn jobs(world: &World) -> Vec<(Class, Origin)> {
    let jobs = read(world, |tx| learn::next(tx, 100)).await;
    jobs.iter().map(|job| (job.class, job.origin)).collect()
}

async fn forget_jobs(world: &World) {
    write(world, |tx| {
        let all = learn::next(tx, 100)?;
        all.iter().try_for_each(|job| learn::done(tx, job))
    })
    .await;
}

async fn journal(world: &World) -> String {
    let lines = read(world, |tx| {
        let account = account::by_address(tx, "alice@example.com")?.unwrap().id;
        journal::list(tx, account)
    });
    let lines: Vec<String> = lines.await.into_iter().map(|entry| entry.line).collect();
    lines.join("\n")
}

/// G15, H26, H27, I10: the usual scripts run unchanged, and what they pipe is learned; Junk to Trash runs nothing.
#[tokio::test]
async fn h26_h27_i10_the_usual_scripts_teach_the_filter() {
    let (admin, spam, ham) = (
        usual(),
        (Class::Spam, Origin::Script),
        (Class::Ham, Origin::Script),
    );
    let world = admin.world().await;
    let mut alice = Imap::login(&world, "alice@example.com").await;
    alice.append("INBOX").await;
    alice.ok("SELECT INBOX").await;
    alice.ok("MOVE 1 Junk").await;
    looked_at(&world).await;
    assert_eq!(jobs(&world).await, [spam]);

    // H26: moved back, the judgement is turned round.
    alice.ok("SELECT Junk").await;
    alice.ok("MOVE 1 INBOX").await;
    looked_at(&world).await;
    assert_eq!(jobs(&world).await, [ham]);

    forget_jobs(&world).await;
    alice.append("Junk").await;
    looked_at(&world).await;
    assert_eq!(jobs(&world).await, [spam], "appended");
    forget_jobs(&world).await;
    alice.ok("NOOP").await;
    alice.ok("MOVE 1 Trash").await;
    looked_at(&world).await;
    assert_eq!(jobs(&world).await, [], "Junk to Trash");

    alice.ok("SELECT INBOX").await;
    alice.ok("STORE 1 +FLAGS (\\Answered $Forwarded)").await;
    alice.ok("COPY 1 Archive").await;
    looked_at(&world).await;
    assert_eq!(
        jobs(&world).await,
        [(Class::Ham, Origin::Archive)],
        "I11: an answer and a filed message are weak signs of ham, never of spam"
    );
    alice.ok("COPY 1 Junk").await;
    looked_at(&world).await;
    assert_eq!(jobs(&world).await, [spam], "copied");
    assert_eq!(journal(&world).await, "");
    let decided = read(&world, |tx| {
        let alice = account::by_address(tx, "alice@example.com")?.unwrap().id;
        let junk = mailbox::by_name(tx, alice, "Junk")?.unwrap().id;
        let found = entry::scan(tx, alice, junk, &[1..=u32::MAX], None, 10)?;
        filing::of(tx, alice, found[0].message)
    });
    let decided = decided.await;
    let last = decided.last().unwrap();
    assert_eq!(
        (last.action.as_str(), last.by.as_str()),
        (
            "pipe \"learn-spam.sh\" [\"alice@example.com\"] copy",
            "report-spam, on COPY in Junk"
        )
    );
    world.finish().await;
}

/// I12: whatever a script does, the move is done, and the message stays where it was moved to. The owner can read why.
#[tokio::test]
async fn i12_a_failing_script_does_not_break_the_move() {
    for broken in [
        "require \"vnd.dovecot.pipe\"; pipe \"no-such-program\";",
        "require \"vnd.dovecot.pipe\"; pipe :copy \"no-such-program\";",
        "this is no script",
        "require \"reject\"; reject \"no\";",
        "require \"envelope\"; if envelope \"from\" \"x\" { discard; }",
    ] {
        let admin = Admin::new(&[("report-spam.sieve", broken), ("report-ham.sieve", broken)]);
        let world = admin.world().await;
        let mut alice = Imap::login(&world, "alice@example.com").await;
        alice.append("INBOX").await;
        alice.ok("SELECT INBOX").await;
        alice.ok("STORE 1 +FLAGS (\\Flagged keyword)").await;
        alice.ok("MOVE 1 Junk").await;
        looked_at(&world).await;
        let told = alice.ok("SELECT Junk").await;
        assert!(told.contains("* 1 EXISTS"), "{broken}: {told}");
        let flags = alice.ok("FETCH 1 FLAGS").await;
        assert!(flags.contains("\\Flagged keyword)"), "{broken}: {flags}");
        assert_ne!(journal(&world).await, "", "{broken}");
        world.finish().await;
    }
}

/// RFC 6785 §2.3, §4.3 and H20: the script that an annotation names runs, with the right environment; a mailbox's own comes before the one for all.
#[tokio::test]
async fn rfc6785_h20_scripts_by_annotation_and_their_environment() {
    const TELLS: &str = "require [\"imapsieve\", \"environment\", \"variables\", \"fileinto\", \"mailbox\", \"imap4flags\", \"copy\"];\n\
         if environment :matches \"imap.cause\" \"*\" { set \"cause\" \"${1}\"; }\n\
         if environment :matches \"imap.mailbox\" \"*\" { set \"box\" \"${1}\"; }\n\
         if environment :matches \"imap.user\" \"*@*\" { set \"user\" \"${1}\"; }\n\
         if environment :matches \"imap.email\" \"*@*\" { set \"email\" \"${1}\"; }\n\
         if environment :matches \"imap.changedflags\" \"*\" { set \"flags\" \"${1}\"; }\n\
         if environment :matches \"location\" \"*\" { set \"location\" \"${1}\"; }\n\
         if environment :matches \"phase\" \"*\" { set \"phase\" \"${1}\"; }\n\
         fileinto :create :copy \"Told/${cause}.${box}.${user}.${email}.${location}.${phase}\";\n\
         if environment :is \"imap.cause\" \"FLAG\" { fileinto :create :copy \"Flags/${flags}\"; }\n";
    let world = world_with(&[]).await;
    put(&world, "alice@example.com", "tells", TELLS).await;
    put(
        &world,
        "alice@example.com",
        "marks",
        "require \"imap4flags\"; addflag \"marked\";\n",
    )
    .await;
    let mut alice = Imap::login(&world, "alice@example.com").await;
    alice
        .ok("SETMETADATA \"\" (/shared/imapsieve/script \"tells\")")
        .await;
    alice
        .ok("SETMETADATA Archive (/shared/imapsieve/script \"marks\")")
        .await;
    alice
        .ok("SETMETADATA Trash (/shared/imapsieve/script \"\")")
        .await;
    let told = alice.ok("GETMETADATA \"\" /shared/imapsieve/script").await;
    assert!(
        told.contains("(/shared/imapsieve/script \"tells\")"),
        "{told}"
    );

    alice.append("Junk").await;
    alice.ok("SELECT Junk").await;
    alice.ok("STORE 1 +FLAGS.SILENT (\\Flagged work)").await;
    alice.ok("STORE 1 +FLAGS.SILENT (\\Flagged)").await;
    looked_at(&world).await;
    alice.ok("FETCH 1 BODY[]").await;
    looked_at(&world).await;
    alice.ok("COPY 1 Drafts").await;
    alice.ok("COPY 1 Archive").await;
    alice.ok("COPY 1 Trash").await;
    looked_at(&world).await;
    let here = "alice.alice.MS.post";
    for (mailbox, messages) in [
        (format!("Told/APPEND.Junk.{here}"), 1),
        (format!("Told/FLAG.Junk.{here}"), 2),
        (format!("Told/COPY.Drafts.{here}"), 1),
        ("Flags/\\Flagged work".to_owned(), 1),
        ("Flags/\\Seen".to_owned(), 1),
    ] {
        let found = world.messages_in("alice@example.com", &mailbox).await;
        assert_eq!(found, Ok(messages), "{mailbox}");
    }
    let listed = alice.ok("LIST \"\" Told/*").await;
    assert_eq!(listed.matches("* LIST").count(), 3, "{listed}");
    alice.ok("SELECT Archive").await;
    let flags = alice.ok("FETCH 1 FLAGS").await;
    assert!(
        flags.contains("(\\Recent \\Flagged \\Seen marked work)"),
        "{flags}"
    );
    alice.ok("SELECT Trash").await;
    let flags = alice.ok("FETCH 1 FLAGS").await;
    assert!(flags.contains("\\Flagged \\Seen work)"), "{flags}");
    assert_eq!(journal(&world).await, "");
    world.finish().await;
}

/// RFC 6785 §3: without a keep the message is marked, not removed; copies that scripts make run no script; others need the right to set it.
#[tokio::test]
async fn rfc6785_section_3_what_actions_mean() {
    let world = world_with(&[]).await;
    for (name, source) in [
        ("discards", "discard;\n"),
        ("files", "require \"fileinto\"; fileinto \"Drafts\";\n"),
        (
            "loops",
            "require [\"fileinto\", \"copy\", \"imap4flags\"]; addflag \"x\"; fileinto :copy \"Junk\";\n",
        ),
        (
            "passes",
            "require \"copy\"; redirect :copy \"bob@example.com\"; redirect :copy \"a@far.example\";\n",
        ),
    ] {
        put(&world, "alice@example.com", name, source).await;
    }
    let mut alice = Imap::login(&world, "alice@example.com").await;
    for (mailbox, script) in [
        ("Trash", "discards"),
        ("Archive", "files"),
        ("Junk", "loops"),
        ("Sent", "passes"),
    ] {
        alice
            .ok(&format!(
                "SETMETADATA {mailbox} (/shared/imapsieve/script \"{script}\")"
            ))
            .await;
        alice.append(mailbox).await;
    }
    looked_at(&world).await;
    for (mailbox, messages, flags) in [
        ("Trash", 1, "(\\Deleted)"),
        ("Archive", 1, "(\\Deleted)"),
        ("Drafts", 1, "()"),
        ("Junk", 1, "(x)"),
        ("Sent", 1, "()"),
    ] {
        let found = world.messages_in("alice@example.com", mailbox).await;
        assert_eq!(found, Ok(messages), "{mailbox}");
        alice.ok(&format!("SELECT {mailbox}")).await;
        let told = alice.ok("FETCH 1 FLAGS").await;
        let told = told.replace("\\Recent ", "").replace("\\Recent", "");
        assert!(
            told.contains(&format!("FLAGS {flags}")),
            "{mailbox}: {told}"
        );
    }
    assert_eq!(world.messages_in("bob@example.com", "INBOX").await, Ok(1));
    assert_eq!(world.queued().await, Ok(1));
    world.finish().await;
}

/// RFC 5228 §4.2, G15: what is redirected on an event arrives in an account of ours as any other mail: its own scripts decide, and those of whom
/// these redirect it to. Who refuses it, or has no room, leaves it with whoever redirected it (H6, I12).
#[tokio::test]
async fn g15_redirected_on_an_event_the_others_scripts_decide() {
    let world = world_with(&[]).await;
    let to_bob = "require [\"fileinto\", \"imap4flags\"]; redirect \"bob@example.com\";\n";
    put(&world, "alice@example.com", "passes", to_bob).await;
    let mut alice = Imap::login(&world, "alice@example.com").await;
    alice
        .ok("SETMETADATA Archive (/shared/imapsieve/script \"passes\")")
        .await;
    let flags = async |alice: &mut Imap, number: u32| {
        alice.ok("SELECT Archive").await;
        let told = alice.ok(&format!("FETCH {number} FLAGS")).await;
        told.contains("\\Deleted")
    };

    let files = "require [\"fileinto\", \"mailbox\", \"imap4flags\", \"vacation\", \"environment\"];\n\
         if environment \"phase\" \"during\" { fileinto :create :flags \"$passed\" \"Passed\"; vacation \"Away\"; }\n";
    activate(&world, "bob@example.com", files).await;
    alice.append("Archive").await;
    looked_at(&world).await;
    let bob = "bob@example.com";
    assert_eq!(world.messages_in(bob, "Passed").await, Ok(1));
    assert_eq!(world.messages_in(bob, "INBOX").await, Ok(0));
    assert!(flags(&mut alice, 1).await, "it went to bob");

    activate(&world, bob, "require \"reject\"; reject \"Not this.\";\n").await;
    alice.append("Archive").await;
    looked_at(&world).await;
    assert_eq!(world.messages_in(bob, "INBOX").await, Ok(0));
    assert!(!flags(&mut alice, 2).await, "it stays with alice");
    let log = journal(&world).await;
    assert!(
        log.contains("redirect to bob@example.com: it is refused there; kept instead"),
        "{log}"
    );

    // In a circle: bob's script would send it back to where it is.
    activate(&world, bob, "redirect \"alice@example.com\";\n").await;
    alice.append("Archive").await;
    looked_at(&world).await;
    assert_eq!(world.messages_in("alice@example.com", "INBOX").await, Ok(0));
    assert_eq!(
        world.messages_in(bob, "INBOX").await,
        Ok(1),
        "nothing is lost"
    );
    world.finish().await;
}

/// G15: a whole mailbox at once; the client has its answer first, and every message is looked at once.
#[tokio::test]
async fn g15_many_messages_are_looked_at_in_turns() {
    let admin = usual();
    let world = admin.world().await;
    let mut alice = Imap::login(&world, "alice@example.com").await;
    for _ in 0..70 {
        alice.append("INBOX").await;
    }
    alice.ok("SELECT INBOX").await;
    alice.ok("MOVE 1:* Junk").await;
    looked_at(&world).await;
    // Counted here and not by what waits to be learned: the learner may have begun.
    let counted = world.services().metrics.text();
    let runs = "pennyblack_sieve_runs_total{occasion=\"imap\",result=\"ok\"} 70\n";
    assert!(counted.contains(runs), "{counted}");
    world.finish().await;
}
