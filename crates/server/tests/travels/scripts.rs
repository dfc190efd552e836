//! Sieve scripts at delivery: the recipient's own, and the admin's before and after them.

use super::*;
use store::script::journal;
use store::script::{self, Quota, Traits};

/// Stores a script of an account.
pub(super) async fn put(
    world: &World,
    address: &'static str,
    name: &'static str,
    source: &'static str,
) {
    const ROOMY: Quota = Quota {
        scripts: 10,
        script_size: 10_000,
        storage: 100_000,
    };
    let traits = Traits {
        refuses: source.contains("reject"),
        includes: false,
    };
    write(world, move |tx| {
        let account = account::by_address(tx, address)?.unwrap().id;
        let full = script::put(tx, account, name, source.as_bytes(), traits, &ROOMY)?;
        assert_eq!(full, None);
        Ok(())
    })
    .await;
}

/// Makes a script the account's active one.
pub(super) async fn activate(world: &World, address: &'static str, source: &'static str) {
    put(world, address, "mine", source).await;
    write(world, move |tx| {
        let account = account::by_address(tx, address)?.unwrap().id;
        script::set_active(tx, account, Some("mine"))
    })
    .await;
}

async fn holds(world: &World, address: &str, mailbox: &str) -> Option<u32> {
    world.messages_in(address, mailbox).await.ok()
}

/// H1, H21: the mailbox is made on demand, and an edit takes effect at once (H34).
#[tokio::test]
async fn h01_a_script_files_the_message() {
    let world = world_with(&[]).await;
    let make = "require [\"fileinto\", \"mailbox\"];\nfileinto :create \"Lists/Rust\";\n";
    activate(&world, "alice@example.com", make).await;
    let to = ["alice@example.com"];
    Client::mx(&world)
        .deliver("s@remote.example", &to, HELLO)
        .await;
    assert_eq!(
        holds(&world, "alice@example.com", "Lists/Rust").await,
        Some(1)
    );
    assert_eq!(holds(&world, "alice@example.com", "INBOX").await, Some(0));

    let both = "require [\"fileinto\", \"copy\"];\nfileinto :copy \"Lists/Rust\";\n";
    activate(&world, "alice@example.com", both).await;
    Client::mx(&world)
        .deliver("s@remote.example", &to, HELLO)
        .await;
    assert_eq!(
        holds(&world, "alice@example.com", "Lists/Rust").await,
        Some(2)
    );
    assert_eq!(holds(&world, "alice@example.com", "INBOX").await, Some(1));
    world.finish().await;
}

const REFUSES: &str = "require \"reject\";\nreject \"Not today.\";\n";

/// H6: over SMTP the reply is the refusal, and whoever may refuse comes alone.
#[tokio::test]
async fn h06_reject_is_the_reply() {
    let world = world_with(&[]).await;
    activate(&world, "bob@example.com", REFUSES).await;
    let client = Client::mx(&world);
    let results = client
        .send("s@remote.example", &["bob@example.com"], HELLO)
        .await;
    let [Err(refusal)] = results.as_slice() else {
        panic!("{results:?}");
    };
    assert_eq!(refusal.reply.code, 550);
    assert!(refusal.reply.lines.concat().contains("Not today."));
    assert_eq!(holds(&world, "bob@example.com", "INBOX").await, Some(0));
    assert_eq!(world.queued().await, Ok(0));

    let mut transaction = client.mail("s@remote.example", None).await.unwrap();
    transaction
        .recipient(rcpt("alice@example.com"))
        .await
        .unwrap();
    let second = code(transaction.recipient(rcpt("bob@example.com")).await);
    assert!(second.starts_with("452 "), "{second}");
    world.finish().await;
}

/// H6: over LMTP it is that recipient's.
#[tokio::test]
async fn h06_reject_is_one_recipients_over_lmtp() {
    let world = world_with(&[]).await;
    activate(&world, "bob@example.com", REFUSES).await;
    let to = ["alice@example.com", "bob@example.com"];
    let results = Client::lmtp(&world)
        .send("s@remote.example", &to, HELLO)
        .await;
    let codes: Vec<_> = results
        .into_iter()
        .map(code)
        .map(|c| c[..3].to_owned())
        .collect();
    assert_eq!(codes, ["250", "550"]);
    assert_eq!(holds(&world, "alice@example.com", "INBOX").await, Some(1));
    assert_eq!(holds(&world, "bob@example.com", "INBOX").await, Some(0));
    world.finish().await;
}

/// H32: a script that fails keeps the message in INBOX, and its owner is told once.
#[tokio::test]
async fn h32_a_failing_script_keeps_the_message() {
    let world = world_with(&[]).await;
    activate(
        &world,
        "alice@example.com",
        "require [\"ihave\"];\nerror \"no luck\";\n",
    )
    .await;
    for _ in 0..2 {
        Client::mx(&world)
            .deliver("s@remote.example", &["alice@example.com"], HELLO)
            .await;
    }
    let messages = inbox(&world, "alice@example.com").await;
    assert_eq!(messages.len(), 3, "two messages and one notice");
    assert!(messages.iter().any(|m| m.contains("no luck")));
    let lines = read(&world, |tx| {
        let account = account::by_address(tx, "alice@example.com")?.unwrap().id;
        journal::list(tx, account)
    });
    assert_eq!(lines.await.len(), 2, "each failure is written down");
    world.finish().await;
}

/// H9: one answer in the period; none to notices.
#[tokio::test]
async fn h09_vacation_answers_once() {
    let world = world_with(&[]).await;
    activate(
        &world,
        "alice@example.com",
        "require \"vacation\";\nvacation \"I am away.\";\n",
    )
    .await;
    let message =
        "From: s@remote.example\r\nTo: alice@example.com\r\nSubject: Hello\r\n\r\nHello there\r\n";
    let client = Client::mx(&world);
    client.deliver("", &["alice@example.com"], message).await;
    assert_eq!(world.queued().await, Ok(0));
    for _ in 0..2 {
        client
            .deliver("s@remote.example", &["alice@example.com"], message)
            .await;
        assert_eq!(world.queued().await, Ok(1));
    }
    assert_eq!(holds(&world, "alice@example.com", "INBOX").await, Some(3));
    world.finish().await;
}

/// Redirects go to other servers through the queue, to accounts of ours without it, and nobody gets a message twice.
#[tokio::test]
async fn redirects_go_through_the_queue_or_to_our_own() {
    let world = world_with(&[]).await;
    activate(
        &world,
        "alice@example.com",
        "redirect \"a@far.example\";\nredirect \"bob@example.com\";\n",
    )
    .await;
    activate(
        &world,
        "bob@example.com",
        "require \"copy\";\nredirect :copy \"alice@example.com\";\n",
    )
    .await;
    Client::mx(&world)
        .deliver("s@remote.example", &["alice@example.com"], HELLO)
        .await;
    assert_eq!(world.queued().await, Ok(1));
    assert_eq!(holds(&world, "alice@example.com", "INBOX").await, Some(0));
    assert_eq!(holds(&world, "bob@example.com", "INBOX").await, Some(1));
    world.finish().await;
}

/// U2, RFC 8689: what was sent with REQUIRETLS is protected all the way, whoever passes it on.
#[tokio::test]
async fn u2_a_redirect_keeps_requiretls() {
    let world = world_with(&[]).await;
    activate(&world, "alice@example.com", "redirect \"a@far.example\";\n").await;
    let client = Client::mx(&world);
    for requiretls in [true, false] {
        let mail = Mail {
            reverse_path: Some(Address::parse("s@remote.example").unwrap()),
            requiretls,
            ..Mail::default()
        };
        let begun = Transaction::begin(world.services().clone(), client.facts.clone(), mail);
        let mut transaction = begun.await.unwrap();
        transaction
            .recipient(rcpt("alice@example.com"))
            .await
            .unwrap();
        assert_eq!(deliver(transaction.data(), HELLO).await.len(), 1);
        let queued = read(&world, |tx| store::queue::list(tx, None, 10)).await;
        let newest = &queued[0];
        assert_eq!(newest.require_tls, requiretls);
        let id = newest.id;
        let remove =
            move |tx: &mut Tx<'_>| store::queue::update(tx, id, 0, &store::queue::Update::Done);
        world.services().store.write(remove).await.unwrap();
    }
    world.finish().await;
}

/// H32: the owner is told of what fails in a script that the own one includes, too.
#[tokio::test]
async fn h32_a_failure_of_an_included_script_is_told() {
    let world = world_with(&[]).await;
    let fails = "require \"ihave\";\nerror \"no luck\";\n";
    put(&world, "alice@example.com", "fails", fails).await;
    let includes = "require \"include\"; include :personal \"fails\";\n";
    activate(&world, "alice@example.com", includes).await;
    Client::mx(&world)
        .deliver("s@remote.example", &["alice@example.com"], HELLO)
        .await;
    let messages = inbox(&world, "alice@example.com").await;
    assert_eq!(messages.len(), 2, "the message and the letter");
    assert!(messages.iter().any(|text| text.contains("no luck")));
    let lines = read(&world, |tx| {
        let account = account::by_address(tx, "alice@example.com")?.unwrap().id;
        journal::list(tx, account)
    })
    .await;
    assert_eq!(lines[0].line, "mine: fails, line 2, column 1: no luck");
    world.finish().await;
}

/// Accounts that redirect to each other: whoever would close the circle keeps it, and nothing is lost.
#[tokio::test]
async fn redirects_in_a_circle_lose_nothing() {
    let world = world_with(&[]).await;
    activate(
        &world,
        "alice@example.com",
        "redirect \"bob@example.com\";\n",
    )
    .await;
    activate(
        &world,
        "bob@example.com",
        "redirect \"alice@example.com\";\n",
    )
    .await;
    let client = Client::mx(&world);
    client
        .deliver("s@remote.example", &["alice@example.com"], HELLO)
        .await;
    assert_eq!(holds(&world, "alice@example.com", "INBOX").await, Some(0));
    assert_eq!(holds(&world, "bob@example.com", "INBOX").await, Some(1));
    // Not if it is there already.
    let both = "require \"copy\"; redirect :copy \"bob@example.com\";\n";
    activate(&world, "alice@example.com", both).await;
    client
        .deliver("s@remote.example", &["alice@example.com"], HELLO)
        .await;
    assert_eq!(holds(&world, "alice@example.com", "INBOX").await, Some(1));
    assert_eq!(holds(&world, "bob@example.com", "INBOX").await, Some(1));
    world.finish().await;
}

/// RFC 5293 §7: what is redirected to an account here is the message as the script has changed it; that account's scripts see it so, and
/// so does who they redirect it to.
#[tokio::test]
async fn rfc5293_7_a_redirect_here_takes_the_changes_along() {
    let world = world_with(&[]).await;
    let edits = "require [\"editheader\", \"copy\"]; addheader \"X-Edited\" \"yes\"; redirect :copy \"bob@example.com\";
        deleteheader \"X-Edited\";\n";
    activate(&world, "alice@example.com", edits).await;
    let sees = "require [\"fileinto\", \"mailbox\"]; if header \"X-Edited\" \"yes\" { fileinto :create \"Edited\"; }\n";
    activate(&world, "bob@example.com", sees).await;
    Client::mx(&world)
        .deliver("s@remote.example", &["alice@example.com"], HELLO)
        .await;
    assert_eq!(holds(&world, "bob@example.com", "Edited").await, Some(1));
    let sizes = write(&world, |tx| {
        let mut sizes = Vec::new();
        for (address, mailbox) in [
            ("alice@example.com", "INBOX"),
            ("bob@example.com", "Edited"),
        ] {
            let account = account::by_address(tx, address)?.unwrap().id;
            let found = mailbox::by_name(tx, account, mailbox)?.unwrap();
            let entries = entry::scan(tx, account, found.id, &[1..=u32::MAX], None, 1)?;
            sizes.push(entries[0].size as usize);
        }
        Ok(sizes)
    })
    .await;
    assert_eq!(sizes[1] - sizes[0], "X-Edited: yes\r\n".len());
    world.finish().await;
}

/// RFC 6009 §7: the deadline of a redirected message goes into the queue.
#[tokio::test]
async fn rfc6009_7_redirects_may_have_a_deadline() {
    let world = world_with(&[]).await;
    activate(
        &world,
        "alice@example.com",
        "require [\"redirect-deliverby\", \"copy\", \"date\", \"variables\"];\n\
         redirect :bytimerelative 600 :bymode \"return\" \"a@far.example\";\n\
         redirect :copy :bytimeabsolute \"2001-01-01T00:00:00Z\" :bytrace \"b@far.example\";\n\
         redirect :copy \"c@far.example\";\n",
    )
    .await;
    Client::mx(&world)
        .deliver("s@remote.example", &["alice@example.com"], HELLO)
        .await;
    Client::mx(&world)
        .deliver("", &["alice@example.com"], HELLO)
        .await;
    let queued = queued(&world).await;
    // §6.1, §7.1: notices about it go to whose script it is; but never one about a notice.
    let senders = |to: &str| {
        let mut all: Vec<_> = queued
            .iter()
            .filter(|(one, _)| one.recipients[0].address == to)
            .map(|(one, _)| one.reverse_path.clone().unwrap_or_default())
            .collect();
        all.sort();
        all
    };
    assert_eq!(senders("a@far.example"), ["", "alice@example.com"]);
    assert!(senders("c@far.example")[1].starts_with("SRS0="));
    let by = |to: &str| {
        let mut all = queued.iter().map(|(one, _)| one);
        let one = all.find(|one| one.recipients[0].address == to).unwrap();
        let by = one.deliver_by?;
        let seconds = by.time.duration_since(one.created).as_secs();
        Some((seconds, by.or_return, by.trace))
    };
    assert_eq!(by("a@far.example"), Some((600, true, false)));
    let (seconds, or_return, trace) = by("b@far.example").unwrap();
    assert!(seconds < -600 && or_return && trace, "{seconds}");
    assert_eq!(by("c@far.example"), None);
    world.finish().await;
}

/// H31: the redirect beyond the limit is a failure of the script: the message stays, and none goes out.
#[tokio::test]
async fn h31_the_fifth_redirect_is_refused() {
    let world = world_with(&[]).await;
    activate(
        &world,
        "alice@example.com",
        "redirect \"a@x.example\";redirect \"b@x.example\";redirect \"c@x.example\";redirect \"d@x.example\";redirect \"e@x.example\";\n",
    )
    .await;
    Client::mx(&world)
        .deliver("s@remote.example", &["alice@example.com"], HELLO)
        .await;
    let messages = inbox(&world, "alice@example.com").await;
    assert!(messages.iter().any(|m| m.contains("Hello there")));
    world.finish().await;
}

/// H3: the admin's scripts in the order of their names, then the user's; `stop` before ends all. What decided is remembered.
#[tokio::test]
async fn h03_the_admins_scripts_come_first() {
    let folder = tempfile::tempdir().unwrap();
    let script = |name: &str, source: &str| {
        std::fs::write(folder.path().join(name), source).unwrap();
    };
    script(
        "10-b.sieve",
        "require [\"fileinto\", \"mailbox\"];\nfileinto :create \"Second\";\n",
    );
    script(
        "00-a.sieve",
        "require [\"fileinto\", \"mailbox\"];\nif header :contains \"subject\" \"Hello\" { fileinto :create \"First\"; stop; }\n",
    );
    let setting = format!("[\"{}\"]", folder.path().display());
    let world = world_with(&[("sieve.before", &setting)]).await;
    activate(
        &world,
        "alice@example.com",
        "require [\"fileinto\", \"mailbox\"];\nfileinto :create \"Mine\";\n",
    )
    .await;
    let to = ["alice@example.com"];
    Client::mx(&world)
        .deliver("s@remote.example", &to, HELLO)
        .await;
    assert_eq!(holds(&world, "alice@example.com", "First").await, Some(1));
    assert_eq!(holds(&world, "alice@example.com", "Second").await, None);
    assert_eq!(holds(&world, "alice@example.com", "Mine").await, None);

    // H34: an edited file is used at the next delivery.
    script("00-a.sieve", "# nothing\n");
    script("10-b.sieve", "# nothing any more\n");
    Client::mx(&world)
        .deliver("s@remote.example", &to, HELLO)
        .await;
    assert_eq!(holds(&world, "alice@example.com", "Mine").await, Some(1));
    world.finish().await;
}

/// H4: the default is for those who have none.
#[tokio::test]
async fn h04_a_default_for_those_without_a_script() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("default.sieve");
    std::fs::write(
        &file,
        "require [\"fileinto\", \"mailbox\"];\nfileinto :create \"Default\";\n",
    )
    .unwrap();
    let setting = format!("\"{}\"", file.display());
    let world = world_with(&[("sieve.default", &setting)]).await;
    activate(&world, "alice@example.com", "keep;\n").await;
    for to in ["alice@example.com", "bob@example.com"] {
        Client::mx(&world)
            .deliver("s@remote.example", &[to], HELLO)
            .await;
    }
    assert_eq!(holds(&world, "alice@example.com", "INBOX").await, Some(1));
    assert_eq!(holds(&world, "bob@example.com", "Default").await, Some(1));
    world.finish().await;
}

/// Writes scripts into a folder, and returns it.
fn folder(scripts: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, source) in scripts {
        std::fs::write(folder.path().join(name), source).unwrap();
    }
    folder
}

/// H3: scripts after the user's run as long as the mail would be kept, and decide about it.
#[tokio::test]
async fn h03_scripts_after_run_while_the_mail_is_kept() {
    let after = folder(&[(
        "90-last.sieve",
        "require [\"fileinto\", \"mailbox\"];\nfileinto :create \"Last\";\n",
    )]);
    let setting = format!("[\"{}\"]", after.path().display());
    let world = world_with(&[("sieve.after", &setting)]).await;
    for (source, kept) in [
        ("# nothing\n", true),
        (
            "require \"imap4flags\";\naddflag \"\\\\Flagged\";\nkeep;\n",
            true,
        ),
        ("require \"fileinto\";\nfileinto \"Archive\";\n", false),
        ("discard;\n", false),
    ] {
        let before = holds(&world, "alice@example.com", "Last").await;
        activate(&world, "alice@example.com", source).await;
        Client::mx(&world)
            .deliver("s@remote.example", &["alice@example.com"], HELLO)
            .await;
        let now = holds(&world, "alice@example.com", "Last").await;
        assert_eq!(now != before, kept, "{source}");
    }
    assert_eq!(holds(&world, "alice@example.com", "Archive").await, Some(1));
    assert_eq!(holds(&world, "alice@example.com", "INBOX").await, Some(0));
    assert_eq!(holds(&world, "alice@example.com", "Last").await, Some(2));
    world.finish().await;
}

/// H6, A23: with PRDR nobody has to come alone, and each has the reply of his own rules.
#[tokio::test]
async fn h06_a23_with_prdr_fates_differ_in_one_transaction() {
    let world = world_with(&[]).await;
    activate(&world, "bob@example.com", REFUSES).await;
    activate(&world, "carol@example.com", "discard;\n").await;
    let client = Client::mx(&world);
    let mut transaction = client.mail_with_prdr("s@remote.example").await;
    for to in ["alice@example.com", "bob@example.com", "carol@example.com"] {
        transaction.recipient(rcpt(to)).await.unwrap();
    }
    let results = deliver(transaction.data(), HELLO).await;
    let taken = results[0].as_ref().unwrap().lines.join(" ");
    let id = u64::from_str_radix(taken.rsplit_once("id=").unwrap().1, 16).unwrap();
    let codes: Vec<_> = results
        .into_iter()
        .map(code)
        .map(|c| c[..3].to_owned())
        .collect();
    assert_eq!(codes, ["250", "550", "250"]);
    // V3: it is known why he has not got it, and of the others nothing is written down.
    let refused = read(&world, move |tx| store::rejection::of(tx, id)).await;
    let (_, refused) = refused.expect("a record of the refusal");
    assert_eq!(refused.recipients, ["bob@example.com"]);
    assert!(refused.reply.starts_with("550 5.7.1 "), "{refused:?}");
    assert!(
        refused.reason.contains("bob@example.com: reject"),
        "{refused:?}"
    );
    assert_eq!(holds(&world, "alice@example.com", "INBOX").await, Some(1));
    assert_eq!(holds(&world, "bob@example.com", "INBOX").await, Some(0));
    assert_eq!(holds(&world, "carol@example.com", "INBOX").await, Some(0));
    world.finish().await;
}

/// H33, H31: whose the notices about a redirected message are.
#[tokio::test]
async fn h33_the_sender_of_redirected_mail_can_be_chosen() {
    for (word, sender) in [
        ("sender", "SRS0="),
        ("recipient", "alice+tag@example.com"),
        ("orig_recipient", "alice+tag@example.com"),
        ("user_email", "alice@example.com"),
        ("postmaster", "postmaster@example.com"),
        ("forwarder@example.com", "forwarder@example.com"),
    ] {
        let world = world_with(&[("sieve.redirect_sender", &format!("\"{word}\""))]).await;
        activate(&world, "alice@example.com", "redirect \"a@far.example\";\n").await;
        let client = Client::mx(&world);
        client
            .deliver("s@remote.example", &["alice+tag@example.com"], HELLO)
            .await;
        let (first, _) = queued(&world).await.pop().unwrap();
        let found = first.reverse_path.unwrap();
        assert!(found.starts_with(sender), "{word}: {found}");
        // RFC 3464 §2: a notice stays one.
        client.deliver("", &["alice@example.com"], HELLO).await;
        let both = queued(&world).await;
        assert!(both.iter().any(|(one, _)| one.reverse_path.is_none()));
        world.finish().await;
    }
}

/// H2, H28: users' scripts in files, the active one by a link; what the admin's scripts find in their environment.
#[tokio::test]
async fn h02_h28_scripts_in_files_and_their_environment() {
    let files = folder(&[
        (
            "filing.sieve",
            "require \"fileinto\";\nfileinto \"Archive\";\n",
        ),
        (
            "global",
            "require [\"vnd.dovecot.environment\", \"variables\", \"fileinto\", \"mailbox\", \"copy\", \"environment\"];\n\
             fileinto :copy :create \"Site/${env.vnd.dovecot.config.site}\";\n",
        ),
    ]);
    let path = |name: &str| files.path().join(name).display().to_string();
    let link = files.path().join("alice.active");
    std::os::unix::fs::symlink(files.path().join("filing.sieve"), &link).unwrap();
    let world = world_with(&[
        ("sieve.personal", &format!("\"{}\"", files.path().display())),
        (
            "sieve.personal_active",
            &format!("\"{}\"", path("%n.active")),
        ),
        ("sieve.before", &format!("[\"{}\"]", path("global"))),
        ("sieve.environment", "[\"site=home\"]"),
    ])
    .await;
    Client::mx(&world)
        .deliver("s@remote.example", &["alice@example.com"], HELLO)
        .await;
    assert_eq!(holds(&world, "alice@example.com", "Archive").await, Some(1));
    assert_eq!(
        holds(&world, "alice@example.com", "Site/home").await,
        Some(1)
    );
    Client::mx(&world)
        .deliver("s@remote.example", &["bob@example.com"], HELLO)
        .await;
    assert_eq!(holds(&world, "bob@example.com", "INBOX").await, Some(1));
    world.finish().await;
}

/// RFC 5490: annotations that a script asks for are those that IMAP shows.
/// RFC 9042: by the id that IMAP tells, which stays when the mailbox is renamed.
#[tokio::test]
async fn rfc9042_a_mailbox_is_found_by_its_id() {
    let world = world_with(&[]).await;
    let made = write(&world, |tx| {
        let account = account::by_address(tx, "alice@example.com")?.unwrap().id;
        let made = mailbox::create(tx, account, "Before", None)?;
        mailbox::rename(tx, account, "Before", "After")?;
        Ok(made)
    })
    .await;
    let id = format!("F{:032x}", made.as_u128());
    let source = format!(
        "require [\"fileinto\", \"mailboxid\", \"imap4flags\"];
        if mailboxidexists \"{id}\" {{ addflag \"$there\"; }} if mailboxidexists \"F0\" {{ discard; stop; }}
        fileinto :mailboxid \"{id}\" \"Before\";"
    );
    activate(&world, "alice@example.com", source.leak()).await;
    let to = ["alice@example.com"];
    Client::mx(&world)
        .deliver("s@remote.example", &to, HELLO)
        .await;
    assert_eq!(holds(&world, "alice@example.com", "After").await, Some(1));
    assert_eq!(holds(&world, "alice@example.com", "INBOX").await, Some(0));
}

/// An extension that the admin took away.
#[tokio::test]
async fn extensions_that_are_switched_off() {
    let world = world_with(&[("sieve.without", "[\"editheader\"]")]).await;
    let source = "require \"editheader\"; addheader \"X-A\" \"b\"; discard;";
    activate(&world, "alice@example.com", source).await;
    let to = ["alice@example.com"];
    Client::mx(&world)
        .deliver("s@remote.example", &to, HELLO)
        .await;
    // The message, and the letter that says why.
    assert_eq!(holds(&world, "alice@example.com", "INBOX").await, Some(2));
}

#[tokio::test]
async fn rfc5490_scripts_read_annotations() {
    let world = world_with(&[]).await;
    activate(
        &world,
        "alice@example.com",
        "require [\"mboxmetadata\", \"servermetadata\", \"fileinto\"];\n\
         if allof (metadataexists \"Archive\" \"/private/Comment\", metadata :is \"Archive\" \"/private/comment\" \"here\",\n\
         servermetadata :is \"/private/vendor/x\" \"yes\", servermetadata :is \"/shared/admin\" \"mailto:postmaster@example.com\", not metadataexists \"INBOX\" \"/private/comment\") { fileinto \"Archive\"; }\n",
    )
    .await;
    write(&world, |tx| {
        let alice = account::by_address(tx, "alice@example.com")?.unwrap().id;
        let archive = mailbox::by_name(tx, alice, "Archive")?.unwrap().id;
        let place = store::annotation::Place::private(alice, archive, alice);
        store::annotation::set(tx, place, "/private/comment", Some(b"here"))?;
        let server = store::annotation::Place::of_account(alice);
        store::annotation::set(tx, server, "/private/vendor/x", Some(b"yes"))
    })
    .await;
    Client::mx(&world)
        .deliver("s@remote.example", &["alice@example.com"], HELLO)
        .await;
    assert_eq!(holds(&world, "alice@example.com", "Archive").await, Some(1));
    world.finish().await;
}

/// RFC 6134 §2.6: in the user's address book are all to whom the account has written, and all who have an address here; it is no list to send to.
#[tokio::test]
async fn rfc6134_the_address_book_is_whom_the_account_knows() {
    let world = world_with(&[]).await;
    activate(
        &world,
        "alice@example.com",
        "require [\"extlists\", \"envelope\", \"fileinto\", \"copy\"];\n\
         if not valid_ext_list \":addrbook:default\" { discard; }\n\
         redirect :list \"urn:ietf:params:sieve:addrbook:default\";\n\
         if envelope :list \"from\" \"URN:ietf:params:sieve:addrbook:default\" { fileinto \"Archive\"; }\n",
    )
    .await;
    let client = Client::mx(&world);
    let from = async |sender: &str| client.deliver(sender, &["alice@example.com"], HELLO).await;
    from("friend@remote.example").await;
    assert_eq!(holds(&world, "alice@example.com", "Archive").await, Some(0));
    write(&world, |tx| {
        let [alice, bob] = ["alice@example.com", "bob@example.com"]
            .map(|address| account::by_address(tx, address).unwrap().unwrap().id);
        let now = store::Timestamp::UNIX_EPOCH;
        store::sending::meet(tx, alice, "friend@remote.example", now)?;
        store::sending::meet(tx, bob, "other@remote.example", now)
    })
    .await;
    from("Friend@remote.example").await;
    from("other@remote.example").await;
    from("").await;
    assert_eq!(holds(&world, "alice@example.com", "Archive").await, Some(1));
    assert_eq!(world.queued().await, Ok(0));
    let lines = read(&world, |tx| {
        let account = account::by_address(tx, "alice@example.com")?.unwrap().id;
        journal::list(tx, account)
    })
    .await;
    assert!(lines[0].line.contains("no list to send to"), "{lines:?}");
    world.finish().await;
}

/// RFC 6134: lists are files of the admin's; to whom a list leads, a message is redirected.
#[tokio::test]
async fn rfc6134_external_lists_are_files() {
    let lists = folder(&[
        ("friends", "# People\nS@Remote.example\n@family.example\n"),
        ("club", "bob@example.com\na@far.example\n"),
    ]);
    let setting = format!("\"{}\"", lists.path().display());
    let world = world_with(&[("sieve.lists", &setting)]).await;
    activate(
        &world,
        "alice@example.com",
        "require [\"extlists\", \"envelope\", \"fileinto\", \"copy\"];\n\
         if valid_ext_list [\"friends\", \"tag:example.com,2026:club\"] { redirect :copy :list \"tag:example.com,2026:club\"; }\n\
         if valid_ext_list \"../friends\" { discard; }\n\
         if envelope :list \"from\" \"friends\" { fileinto \"Archive\"; }\n",
    )
    .await;
    let client = Client::mx(&world);
    for from in ["s@remote.example", "x@family.example", "x@remote.example"] {
        client.deliver(from, &["alice@example.com"], HELLO).await;
    }
    assert_eq!(holds(&world, "alice@example.com", "Archive").await, Some(2));
    assert_eq!(holds(&world, "alice@example.com", "INBOX").await, Some(1));
    assert_eq!(holds(&world, "bob@example.com", "INBOX").await, Some(3));
    assert_eq!(world.queued().await, Ok(3));
    world.finish().await;
}
