//! Mail read from the server by curl, mbsync, offlineimap, mutt and neomutt.

use crate::tools::{command, find, need, succeed};
use crate::trial::Trial;
use std::path::Path;
use std::process::Command;

/// curl as a logged-in IMAP client on a mailbox; `user` is `alice` or `bob`.
fn curl(trial: &Trial, user: &str, path: &str) -> Command {
    let address = format!("{user}@example.test");
    let mut curl = command("curl");
    curl.args(["--silent", "--show-error", "--cacert", trial.ca()]);
    curl.arg("--user")
        .arg(format!("{address}:{}", trial.password(&address)));
    curl.arg(format!("imaps://{}/{path}", trial.at("imaps")));
    curl
}

fn imap(trial: &Trial, user: &str, mailbox: &str, request: &str) -> String {
    succeed(curl(trial, user, mailbox).args(["--request", request]))
}

fn search(trial: &Trial, user: &str, subject: &str) -> Vec<String> {
    let answer = imap(
        trial,
        user,
        "INBOX",
        &format!("UID SEARCH SUBJECT \"{subject}\""),
    );
    let hits = answer
        .trim()
        .strip_prefix("* SEARCH")
        .expect("a SEARCH response");
    hits.split_whitespace().map(str::to_string).collect()
}

/// How many messages in INBOX have this subject.
#[track_caller]
pub(crate) fn messages_with(trial: &Trial, user: &str, subject: &str) -> usize {
    search(trial, user, subject).len()
}

/// The one message in INBOX with this subject, as it is stored.
#[track_caller]
pub(crate) fn raw_message(trial: &Trial, user: &str, subject: &str) -> String {
    let hits = search(trial, user, subject);
    let [uid] = &hits[..] else {
        panic!("{} messages with subject {subject:?}", hits.len());
    };
    succeed(&mut curl(trial, user, &format!("INBOX;UID={uid}")))
}

#[test]
fn curl_lists_fetches_appends_and_searches() {
    need!("curl");
    let trial = Trial::start();
    let list = succeed(&mut curl(&trial, "alice", ""));
    assert!(list.contains("INBOX"), "{list}");
    for name in ["Drafts", "Sent", "Junk", "Trash"] {
        assert!(list.contains(name), "G10: {name} is not in {list}");
    }

    let own = "From: alice@example.test\r\nSubject: put by hand\r\n\r\nHello.\r\n";
    let file = trial.folder().join("own.eml");
    std::fs::write(&file, own).expect("written");
    succeed(
        curl(&trial, "alice", "Drafts")
            .arg("--upload-file")
            .arg(&file),
    );
    let found = imap(
        &trial,
        "alice",
        "Drafts",
        "UID SEARCH SUBJECT \"put by hand\"",
    );
    let uid = found.trim().strip_prefix("* SEARCH ").expect("one hit");
    assert_eq!(
        succeed(&mut curl(&trial, "alice", &format!("Drafts;UID={uid}"))),
        own
    );
}

/// The samples of the trial are varied, and all can be listed.
#[test]
fn the_sample_messages_can_be_listed() {
    need!("curl");
    let trial = Trial::start();
    let items = "FETCH 1:* (UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODYSTRUCTURE)";
    let mut listed = 0;
    for user in ["alice", "bob"] {
        let answer = imap(&trial, user, "INBOX", items);
        listed += answer
            .lines()
            .filter(|line| line.contains(" FETCH ("))
            .count();
    }
    assert!(listed >= 10, "only {listed} messages in the two INBOXes");
}

struct Mirror<'a> {
    trial: &'a Trial,
    config: std::path::PathBuf,
    inbox: std::path::PathBuf,
}

impl<'a> Mirror<'a> {
    fn of_alice(trial: &'a Trial) -> Mirror<'a> {
        let maildir = trial.folder().join("mirror");
        std::fs::create_dir(&maildir).expect("made");
        let config = trial.folder().join("mbsyncrc");
        std::fs::write(&config, Mirror::configuration(trial, &maildir)).expect("written");
        let inbox = maildir.join("INBOX");
        Mirror {
            trial,
            config,
            inbox,
        }
    }

    fn configuration(trial: &Trial, maildir: &Path) -> String {
        format!(
            "IMAPAccount alice\nHost localhost\nPort {port}\nUser alice@example.test\nPass \"{password}\"\n\
             SSLType IMAPS\nCertificateFile {ca}\n\n\
             IMAPStore far\nAccount alice\n\n\
             MaildirStore near\nPath {maildir}/\nInbox {maildir}/INBOX\nSubFolders Verbatim\n\n\
             Channel all\nFar :far:\nNear :near:\nPatterns *\nCreate Both\nExpunge Both\nSync All\nSyncState *\n",
            port = self::port(trial),
            password = trial.password("alice@example.test"),
            ca = trial.ca(),
            maildir = maildir.display(),
        )
    }

    /// One run; what it says it did.
    fn run(&self) -> String {
        let mut mbsync = command("mbsync");
        let said = succeed(
            mbsync
                .arg("--config")
                .arg(&self.config)
                .args(["--verbose", "all"]),
        );
        println!("{said}");
        said
    }

    fn files(&self) -> Vec<std::path::PathBuf> {
        let folders = ["cur", "new"].map(|name| self.inbox.join(name));
        let entries = folders
            .iter()
            .flat_map(|f| std::fs::read_dir(f).expect("a maildir"));
        entries
            .map(|entry| entry.expect("readable").path())
            .collect()
    }

    fn on_server(&self) -> usize {
        let answer = imap(self.trial, "alice", "INBOX", "UID SEARCH ALL");
        answer.split_whitespace().skip(2).count()
    }
}

fn port(trial: &Trial) -> u16 {
    trial.port("imaps")
}

#[test]
fn mbsync_mirrors_both_ways() {
    need!("mbsync", "curl");
    let trial = Trial::start();
    let mirror = Mirror::of_alice(&trial);

    // Everything comes down.
    mirror.run();
    let before = mirror.files().len();
    assert_eq!(before, mirror.on_server());
    assert!(before > 0);

    // A flag and a new message go up.
    let first = &mirror.files()[0];
    let name = first.file_name().and_then(|n| n.to_str()).expect("a name");
    let base = name.split(":2,").next().expect("a base name");
    let flagged = mirror.inbox.join("cur").join(format!("{base}:2,FS"));
    std::fs::rename(first, flagged).expect("renamed");
    let own = "From: alice@example.test\nSubject: from the mirror\n\nHello.\n";
    std::fs::write(mirror.inbox.join("new/1.own.local"), own).expect("written");
    mirror.run();
    assert_eq!(mirror.on_server(), before + 1);
    assert_eq!(messages_with(&trial, "alice", "from the mirror"), 1);
    let flagged = imap(&trial, "alice", "INBOX", "UID SEARCH FLAGGED SEEN");
    assert!(flagged.split_whitespace().count() > 2, "{flagged}");

    // Then there is nothing left to do.
    let names = |mut files: Vec<std::path::PathBuf>| {
        files.sort();
        files
    };
    let settled = names(mirror.files());
    let state = imap(&trial, "alice", "INBOX", "FETCH 1:* (UID FLAGS)");
    mirror.run();
    assert_eq!(names(mirror.files()), settled);
    assert_eq!(
        imap(&trial, "alice", "INBOX", "FETCH 1:* (UID FLAGS)"),
        state
    );
}

struct Mutt {
    config: std::path::PathBuf,
}

impl Mutt {
    fn of(trial: &Trial, user: &str) -> Mutt {
        let config = trial.folder().join(format!("muttrc-{user}"));
        let address = format!("{user}@example.test");
        let encoded = format!("{user}%40example.test");
        let text = format!(
            "set from = {address}\nset realname = \"{user}\"\nset use_envelope_from = yes\n\
             set smtp_url = \"smtps://{encoded}@{smtp}/\"\nset smtp_pass = \"{password}\"\n\
             set smtp_authenticators = \"plain\"\nset imap_user = \"{address}\"\nset imap_pass = \"{password}\"\n\
             set folder = \"imaps://{encoded}@{imap}/\"\nset spoolfile = \"+INBOX\"\nset record = \"+Sent\"\n\
             set ssl_ca_certificates_file = \"{ca}\"\nset certificate_file = \"{ca}\"\nset ssl_force_tls = yes\n\
             set header_cache = \"\"\nset sort = threads\nset mark_old = no\nset quit = yes\nset wait_key = no\n\
             set edit_headers = no\nset pipe_decode = no\n",
            smtp = trial.at("submissions"),
            imap = trial.at("imaps"),
            password = trial.password(&address),
            ca = trial.ca(),
        );
        std::fs::write(&config, text).expect("written");
        Mutt { config }
    }

    /// Runs mutt on a terminal of its own and presses keys.
    fn press(&self, trial: &Trial, keys: &str) -> String {
        self.press_in("mutt", trial, keys)
    }

    /// The same in a relative of mutt's.
    fn press_in(&self, program: &str, trial: &Trial, keys: &str) -> String {
        let line = format!(
            "stty rows 50 cols 120; {program} -n -F {} -e 'push \"{keys}\"'",
            self.config.display()
        );
        let mut script = command("script");
        script.args(["--quiet", "--return", "--command", &line, "/dev/null"]);
        script.env("TERM", "xterm").env("HOME", trial.folder());
        succeed(&mut script)
    }
}

#[test]
fn mutt_sends_and_reads() {
    need!("mutt", "curl", "script");
    let trial = Trial::start();
    let text = trial.folder().join("text");
    std::fs::write(&text, "Written in mutt.\n").expect("written");
    let alice = Mutt::of(&trial, "alice");
    let line = format!(
        "mutt -n -F {} -s 'from mutt' -- bob@example.test < {}",
        alice.config.display(),
        text.display()
    );
    succeed(
        command("sh")
            .args(["-c", &line])
            .env("HOME", trial.folder()),
    );
    assert_eq!(messages_with(&trial, "bob", "from mutt"), 1);
    let sent = imap(&trial, "alice", "Sent", "SEARCH SUBJECT \"from mutt\"");
    assert!(
        sent.split_whitespace().count() > 2,
        "no copy in Sent: {sent}"
    );

    let out = trial.folder().join("piped");
    let keys = format!(
        "<limit>~s from.mutt<enter><first-entry><pipe-message>cat > {}<enter><quit>",
        out.display()
    );
    let screen = Mutt::of(&trial, "bob").press(&trial, &keys);
    let read = std::fs::read_to_string(&out).unwrap_or_else(|e| panic!("{e}: {screen}"));
    assert!(read.contains("Written in mutt."), "{read}");
}

/// G5: neomutt has its cache of headers brought up to date by QRESYNC.
#[test]
fn neomutt_reads_again_what_changed() {
    need!("neomutt", "curl", "script");
    let trial = Trial::start();
    let alice = Mutt::of(&trial, "alice");
    let mut text = std::fs::read_to_string(&alice.config).expect("readable");
    let cache = trial.folder().join("headers");
    text += &format!(
        "set header_cache = \"{}\"\nset imap_condstore = yes\nset imap_qresync = yes\n",
        cache.display()
    );
    std::fs::write(&alice.config, text).expect("written");
    alice.press_in("neomutt", &trial, "<quit>");

    // Another client removes a message and adds one.
    imap(
        &trial,
        "alice",
        "INBOX",
        "STORE 2 +FLAGS.SILENT (\\Deleted)",
    );
    imap(&trial, "alice", "INBOX", "EXPUNGE");
    let own = trial.folder().join("own.eml");
    std::fs::write(&own, "Subject: second look\r\n\r\nSeen again.\r\n").expect("written");
    succeed(
        curl(&trial, "alice", "INBOX")
            .arg("--upload-file")
            .arg(&own),
    );
    let out = trial.folder().join("piped");
    let keys = format!(
        "<limit>~s second.look<enter><first-entry><flag-message><pipe-message>cat > {}<enter><sync-mailbox><quit>",
        out.display()
    );
    let screen = alice.press_in("neomutt", &trial, &keys);
    let read = std::fs::read_to_string(&out).unwrap_or_else(|e| panic!("{e}: {screen}"));
    assert!(read.contains("Seen again."), "{read}");
    let flagged = imap(
        &trial,
        "alice",
        "INBOX",
        "SEARCH FLAGGED SUBJECT \"second look\"",
    );
    assert!(flagged.split_whitespace().count() > 2, "{flagged}");
}

/// How many messages a maildir holds.
fn count_in(maildir: &Path) -> usize {
    let folders = ["cur", "new"].map(|name| maildir.join(name));
    let entries = folders
        .iter()
        .flat_map(|folder| std::fs::read_dir(folder).expect("a maildir"));
    entries.count()
}

#[test]
fn offlineimap_mirrors_both_ways() {
    need!("offlineimap", "curl");
    let trial = Trial::start();
    let (config, mirror) = (
        trial.folder().join("offlineimaprc"),
        trial.folder().join("mirror"),
    );
    let text = format!(
        "[general]\naccounts = alice\nmetadata = {folder}/state\n\n\
         [Account alice]\nlocalrepository = near\nremoterepository = far\n\n\
         [Repository near]\ntype = Maildir\nlocalfolders = {mirror}\n\n\
         [Repository far]\ntype = IMAP\nremotehost = localhost\nremoteport = {port}\nremoteuser = alice@example.test\n\
         remotepass = {password}\nssl = yes\nsslcacertfile = {ca}\n",
        folder = trial.folder().display(),
        mirror = mirror.display(),
        port = port(&trial),
        password = trial.password("alice@example.test"),
        ca = trial.ca(),
    );
    std::fs::write(&config, text).expect("written");
    let run = || {
        let mut offlineimap = command("offlineimap");
        offlineimap.args(["-o", "-u", "basic", "-c"]).arg(&config);
        let said = succeed(offlineimap.env("HOME", trial.folder()));
        println!("{said}");
    };
    run();
    let on_server = || {
        let answer = imap(&trial, "alice", "INBOX", "UID SEARCH ALL");
        answer.split_whitespace().skip(2).count()
    };
    let inbox = mirror.join("INBOX");
    let before = on_server();
    assert_eq!(count_in(&inbox), before);

    // A message goes up, another goes away here.
    std::fs::write(
        inbox.join("new/1.own.local"),
        "Subject: from offline\n\nHello.\n",
    )
    .expect("written");
    imap(
        &trial,
        "alice",
        "INBOX",
        "STORE 1 +FLAGS.SILENT (\\Deleted)",
    );
    imap(&trial, "alice", "INBOX", "EXPUNGE");
    run();
    assert_eq!((on_server(), count_in(&inbox)), (before, before));
    assert_eq!(messages_with(&trial, "alice", "from offline"), 1);
}

#[test]
fn the_search_for_programs_finds_a_shell_and_no_phantom() {
    assert!(find("sh").is_some());
    assert!(find("no-such-program-of-anybody").is_none());
}
