//! Several sessions work at once on the same mailboxes, of their own account and of somebody else's, while mail arrives. Each keeps the picture
//! that it was told: which messages there are, in which order, with which UIDs, flags and MODSEQs. At the end every picture must be what the
//! store holds; on the way no response may contradict what was said before.

use crate::client::{Answer, Client};
use crate::random::{Random, rounds, seed};
use crate::world::World;
use server::listen::Kind;
use std::collections::BTreeSet;
use std::time::Duration;
use store::share::{self, Identifier, Rights, SeenFlags};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// What a client asks for first, which decides what it is told.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Style {
    /// RFC 3501.
    Plain,
    /// MODSEQs, from the first command on.
    CondStore,
    /// UIDs in place of numbers that vanish.
    QResync,
    /// News between commands, expunges too: so it names messages by UID only (RFC 5465 §5.3).
    Notified,
}

/// A session's mailbox, by the name it has for whoever looks.
#[derive(Clone, Copy, Debug)]
struct Place {
    who: &'static str,
    mailbox: &'static str,
}

const INBOX: Place = Place {
    who: "alice",
    mailbox: "INBOX",
};
const ARCHIVE: Place = Place {
    who: "alice",
    mailbox: "Archive",
};
const SHARED_INBOX: Place = Place {
    who: "bob",
    mailbox: "\"Other Users/alice@example.com\"",
};
/// Where everybody has `\Seen` of his own.
const SHARED_ARCHIVE: Place = Place {
    who: "bob",
    mailbox: "\"Other Users/alice@example.com/Archive\"",
};

const SESSIONS: [(Place, Style); 8] = [
    (INBOX, Style::Plain),
    (INBOX, Style::CondStore),
    (INBOX, Style::QResync),
    (INBOX, Style::Notified),
    (ARCHIVE, Style::QResync),
    (ARCHIVE, Style::Plain),
    (SHARED_INBOX, Style::CondStore),
    (SHARED_ARCHIVE, Style::QResync),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn g12_every_picture_is_what_the_store_holds() {
    run(seed(7), 60).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "soak: 30 rounds of 8 sessions with 500 commands each"]
async fn g12_every_picture_is_what_the_store_holds_after_long() {
    let begin = seed(std::process::id().into());
    println!("FUZZ_SEED={begin}");
    for round in 0..rounds(30) {
        run(begin.wrapping_add(round), 500).await;
    }
}

async fn run(seed: u64, steps: usize) {
    let world = World::start().await;
    share_with_bob(&world).await;
    let mut tasks = Vec::new();
    for (n, (place, style)) in SESSIONS.into_iter().enumerate() {
        let mut session = Session::open(&world, place, style).await;
        let mut random = Random::new(seed.wrapping_mul(1000).wrapping_add(n as u64));
        tasks.push(tokio::spawn(async move {
            for _ in 0..steps {
                session.step(&mut random).await;
            }
            session
        }));
    }
    deliver(&world, steps / 4).await;
    let mut sessions = Vec::new();
    for task in tasks {
        sessions.push(task.await.expect("a session that runs to its end"));
    }
    for mut session in sessions {
        session.settle().await;
        session.compare(&world).await;
    }
    world.finish().await;
}

async fn share_with_bob(world: &World) {
    let write = world.services().store.write(|tx| {
        let alice = store::account::by_address(tx, "alice@example.com")?.expect("alice");
        let bob = Identifier::parse(tx, "bob@example.com", "example.com")?;
        for name in ["INBOX", "Archive"] {
            let mailbox = store::mailbox::by_name(tx, alice.id, name)?.expect(name);
            share::grant(tx, alice.id, mailbox.id, &bob, Rights::ALL)?;
        }
        let archive = store::mailbox::by_name(tx, alice.id, "Archive")?.expect("Archive");
        share::set_seen_flags(tx, alice.id, archive.id, SeenFlags::Own)
    });
    write.await.expect("sharing");
}

/// Mail for alice arrives by LMTP.
async fn deliver(world: &World, messages: usize) {
    let stream = TcpStream::connect(world.address(Kind::Lmtp)).await.unwrap();
    let mut stream = BufReader::new(stream);
    let mut lines = vec!["LHLO x".to_owned()];
    for n in 0..messages {
        lines.push("MAIL FROM:<a@elsewhere.example>".into());
        lines.push("RCPT TO:<alice@example.com>".into());
        lines.push("DATA".into());
        lines.push(format!("Subject: arrival {n}\r\n\r\nx\r\n."));
    }
    expect(&mut stream).await;
    for line in lines {
        let octets = format!("{line}\r\n");
        stream.get_mut().write_all(octets.as_bytes()).await.unwrap();
        let reply = expect(&mut stream).await;
        assert!(reply.starts_with(['2', '3']), "{line}: {reply}");
    }
}

/// The last line of a reply.
async fn expect(stream: &mut BufReader<TcpStream>) -> String {
    loop {
        let mut line = String::new();
        let read = timeout(Duration::from_secs(60), stream.read_line(&mut line)).await;
        assert_ne!(read.expect("a reply").unwrap(), 0, "closed");
        if line.as_bytes().get(3) != Some(&b'-') {
            return line;
        }
    }
}

/// What a client knows of a message.
#[derive(Clone, Debug, Default, PartialEq)]
struct Known {
    uid: Option<u32>,
    flags: Option<BTreeSet<String>>,
    modseq: Option<u64>,
}

/// May the server say that messages are gone, in the answer to this command (RFC 3501 §7.4.1)?
#[derive(Clone, Copy, PartialEq)]
enum Expunges {
    Allowed,
    Forbidden,
}

struct Session {
    client: Client,
    place: Place,
    style: Style,
    /// By message number, from 1.
    messages: Vec<Known>,
    /// What was sent and received last, for messages about faults.
    history: Vec<String>,
}

impl Session {
    async fn open(world: &World, place: Place, style: Style) -> Session {
        let mut session = Session {
            client: Client::log_in(world, place.who).await,
            place,
            style,
            messages: Vec::new(),
            history: Vec::new(),
        };
        match style {
            Style::Plain => {}
            Style::CondStore => session.ok("ENABLE CONDSTORE").await,
            Style::QResync => session.ok("ENABLE QRESYNC").await,
            Style::Notified => {
                session
                    .ok("NOTIFY SET (selected (MessageNew (UID FLAGS) MessageExpunge FlagChange))")
                    .await;
            }
        }
        session.ok(&format!("SELECT {}", place.mailbox)).await;
        session.learn().await;
        session
    }

    fn knows_modseq(&self) -> bool {
        matches!(self.style, Style::CondStore | Style::QResync)
    }

    /// One piece of work.
    async fn step(&mut self, random: &mut Random) {
        match random.below(20) {
            0..=5 => self.store(random).await,
            6 | 7 => self.append(random).await,
            8 => self.transfer("COPY", random).await,
            9 => self.transfer("MOVE", random).await,
            10 | 11 => self.ok("EXPUNGE").await,
            12 => self.ok("IDLE").await,
            13 => self.fetch(random).await,
            14 => self.search(random).await,
            15 if self.messages.len() > 40 => {
                self.on("STORE", (1, 20), "+FLAGS (\\Deleted)", true).await;
            }
            _ => self.ok("NOOP").await,
        }
        self.learn().await;
    }

    /// Some message numbers, or none where there are no messages.
    fn numbers(&self, random: &mut Random) -> Option<(usize, usize)> {
        let count = self.messages.len();
        let first = (count > 0).then(|| 1 + random.below(count))?;
        let last = (first + random.below(3)).min(count);
        Some((first, last))
    }

    async fn store(&mut self, random: &mut Random) {
        let Some((first, last)) = self.numbers(random) else {
            return;
        };
        let flag = random.pick(&["\\Seen", "\\Flagged", "\\Deleted", "\\Answered", "$Work"]);
        let action = random.pick(&["FLAGS", "+FLAGS", "-FLAGS"]);
        let silent = random.pick(&["", ".SILENT"]);
        let what = format!("{action}{silent} ({flag})");
        // What a silent STORE does is known without being told; a message that is gone already stays as it is.
        let (from, to) = (self.messages[first - 1].uid, self.messages[last - 1].uid);
        if self.style == Style::Notified && from.zip(to).is_none() {
            return;
        }
        if silent == ".SILENT" {
            for known in &mut self.messages[first - 1..last] {
                known.flags = known.flags.take().map(|flags| changed(flags, action, flag));
            }
        }
        self.on("STORE", (first, last), &what, random.one_in(2))
            .await;
    }

    /// A command on these messages, by UID if that is wanted and they are known.
    async fn on(&mut self, command: &str, (first, last): (usize, usize), what: &str, by_uid: bool) {
        let by_uid = by_uid || self.style == Style::Notified;
        let (from, to) = (self.messages[first - 1].uid, self.messages[last - 1].uid);
        match from.zip(to) {
            Some((from, to)) if by_uid => {
                self.ok(&format!("UID {command} {from}:{to} {what}")).await;
            }
            _ if self.style == Style::Notified => {}
            _ if ["COPY", "MOVE"].contains(&command) => {
                self.ok(&format!("{command} {first}:{last} {what}")).await;
            }
            _ => {
                self.by_number(&format!("{command} {first}:{last} {what}"))
                    .await;
            }
        }
    }

    async fn append(&mut self, random: &mut Random) {
        let flags = random.pick(&["", "(\\Seen) ", "($Work \\Flagged) "]);
        let messages = random.pick(&[
            "{14+}\r\nSubject: x\r\n\r\n",
            "{14+}\r\nSubject: x\r\n\r\n {14+}\r\nSubject: y\r\n\r\n",
        ]);
        self.ok(&format!("APPEND {} {flags}{messages}", self.place.mailbox))
            .await;
    }

    async fn transfer(&mut self, command: &str, random: &mut Random) {
        let Some((first, last)) = self.numbers(random) else {
            return;
        };
        let target = match (self.place.who, random.one_in(2)) {
            ("alice", true) => "INBOX",
            ("alice", false) => "Archive",
            (_, true) => SHARED_INBOX.mailbox,
            (_, false) => SHARED_ARCHIVE.mailbox,
        };
        self.on(command, (first, last), target, random.one_in(2))
            .await;
    }

    async fn fetch(&mut self, random: &mut Random) {
        if let Some((first, last)) = self.numbers(random) {
            let items = random.pick(&["(UID FLAGS)", "(BODY[])", "(UID)", "(FLAGS)"]);
            self.on("FETCH", (first, last), items, random.one_in(2))
                .await;
        }
    }

    async fn search(&mut self, random: &mut Random) {
        let key = random.pick(&["SEEN", "DELETED", "KEYWORD $Work", "ALL"]);
        self.by_number(&format!("SEARCH {key}")).await;
    }

    /// Asks for what was not told of new messages.
    async fn learn(&mut self) {
        let unknown = |known: &Known| {
            let modseq = self.knows_modseq() && known.modseq.is_none();
            known.uid.is_none() || known.flags.is_none() || modseq
        };
        let Some(first) = self.messages.iter().position(unknown) else {
            return;
        };
        let items = match self.knows_modseq() {
            true => "(UID FLAGS MODSEQ)",
            false => "(UID FLAGS)",
        };
        match self.style {
            Style::Notified => self.ok(&format!("UID FETCH 1:* {items}")).await,
            _ => {
                self.by_number(&format!("FETCH {}:* {items}", first + 1))
                    .await;
            }
        }
    }

    async fn ok(&mut self, command: &str) {
        let answer = self.command(command, Expunges::Allowed).await;
        // By number: a message may be gone without the client having been told.
        let fine = answer.condition == "OK" || answer.text.contains("EXPUNGEISSUED");
        assert!(fine, "{command}: {answer:?}");
    }

    async fn by_number(&mut self, command: &str) {
        let expunges = match self.style {
            Style::Notified => Expunges::Allowed,
            _ => Expunges::Forbidden,
        };
        let answer = self.command(command, expunges).await;
        assert_eq!(answer.condition, "OK", "{command}: {answer:?}");
    }

    async fn command(&mut self, command: &str, expunges: Expunges) -> Answer {
        self.history.push(format!("C: {command}"));
        let answer = self.client.command(command.as_bytes()).await;
        for response in &answer.untagged {
            self.history.push(format!("S: {}", response.trim_end()));
            if let Err(why) = self.take(response, expunges) {
                self.fail(&why);
            }
        }
        self.history
            .push(format!("S: {} {}", answer.condition, answer.text));
        answer
    }

    fn fail(&self, why: &str) -> ! {
        let from = self.history.len().saturating_sub(60);
        let history = self.history[from..].join("\n");
        panic!("{:?} {:?}: {why}\n{history}", self.place, self.style);
    }

    /// Believes a response, unless it contradicts what was said before.
    fn take(&mut self, response: &str, expunges: Expunges) -> Result<(), String> {
        let response = response.trim_end();
        let words: Vec<&str> = response.splitn(4, ' ').collect();
        match words[..] {
            ["*", count, "EXISTS"] => self.exists(number(count)? as usize),
            ["*", n, "EXPUNGE"] => self.expunge(number(n)? as usize, expunges),
            ["*", "VANISHED", uids] => self.vanish(uids, expunges),
            ["*", n, "FETCH", data] => self.fetched(number(n)? as usize, data),
            _ => Ok(()),
        }
    }

    fn exists(&mut self, count: usize) -> Result<(), String> {
        if count < self.messages.len() {
            return Err(format!(
                "EXISTS {count}, but {} are known",
                self.messages.len()
            ));
        }
        self.messages.resize(count, Known::default());
        Ok(())
    }

    fn expunge(&mut self, n: usize, expunges: Expunges) -> Result<(), String> {
        if self.style == Style::QResync {
            return Err("EXPUNGE where VANISHED belongs".into());
        }
        let may = expunges == Expunges::Allowed;
        if !may || n == 0 || n > self.messages.len() {
            return Err(format!("EXPUNGE {n} of {}", self.messages.len()));
        }
        self.messages.remove(n - 1);
        Ok(())
    }

    fn vanish(&mut self, uids: &str, expunges: Expunges) -> Result<(), String> {
        if self.style != Style::QResync || expunges == Expunges::Forbidden {
            return Err("VANISHED where it does not belong".into());
        }
        for uid in members(uids)? {
            // What is not known by its UID is one of those that nothing is known of.
            let known = self
                .messages
                .iter()
                .position(|known| known.uid == Some(uid));
            let unknown = || self.messages.iter().position(|known| known.uid.is_none());
            match known.or_else(unknown) {
                Some(at) => drop(self.messages.remove(at)),
                None => return Err(format!("VANISHED {uid}, which was not there")),
            }
        }
        Ok(())
    }

    fn fetched(&mut self, n: usize, data: &str) -> Result<(), String> {
        let knows_modseq = self.knows_modseq();
        let count = self.messages.len();
        let known = n.checked_sub(1).and_then(|at| self.messages.get_mut(at));
        let known = known.ok_or_else(|| format!("FETCH {n} of {count}"))?;
        if let Some(uid) = after(data, "UID ") {
            let uid = number(uid)?;
            if known.uid.is_some_and(|before| before != uid) {
                return Err(format!("message {n} had UID {:?} before", known.uid));
            }
            known.uid = Some(uid);
        }
        let modseq = after(data, "MODSEQ (").map(number64).transpose()?;
        let flags = data
            .split_once("FLAGS (")
            .and_then(|(_, rest)| rest.split_once(')'));
        if let Some((flags, _)) = flags {
            let mut flags: BTreeSet<String> =
                flags.split_whitespace().map(str::to_lowercase).collect();
            // Each session has its own.
            flags.remove("\\recent");
            // RFC 7162 §3.1: whoever knows MODSEQs is told of no flags without them.
            let news = known.flags.as_ref().is_some_and(|before| *before != flags);
            if knows_modseq && news && modseq.is_none() {
                return Err(format!("message {n} has other flags, but no MODSEQ"));
            }
            known.flags = Some(flags);
        }
        if let Some(modseq) = modseq {
            if known.modseq.is_some_and(|before| before > modseq) {
                return Err(format!("message {n} had MODSEQ {:?} before", known.modseq));
            }
            known.modseq = Some(modseq);
        }
        Ok(())
    }

    /// Nobody works any more: hears what is left to hear.
    async fn settle(&mut self) {
        self.ok("NOOP").await;
        self.learn().await;
        self.ok("NOOP").await;
    }

    /// Compares the picture with what a client sees that comes now.
    async fn compare(&mut self, world: &World) {
        let mut truth = Session {
            client: Client::log_in(world, self.place.who).await,
            place: self.place,
            style: Style::CondStore,
            messages: Vec::new(),
            history: Vec::new(),
        };
        truth.ok(&format!("SELECT {}", self.place.mailbox)).await;
        if !truth.messages.is_empty() {
            truth.by_number("FETCH 1:* (UID FLAGS MODSEQ)").await;
        }
        let mut believed = self.messages.clone();
        if !self.knows_modseq() {
            for (believed, true_one) in believed.iter_mut().zip(&truth.messages) {
                believed.modseq = true_one.modseq;
            }
        }
        if believed.len() != truth.messages.len() {
            self.fail(&format!(
                "{} messages, in truth {}",
                believed.len(),
                truth.messages.len()
            ));
        }
        for (at, (believed, true_one)) in believed.iter().zip(&truth.messages).enumerate() {
            if believed != true_one {
                self.fail(&format!(
                    "message {}: {believed:?}, in truth {true_one:?}",
                    at + 1
                ));
            }
        }
        self.compare_counts(&mut truth).await;
    }

    /// The counters of the mailbox are those of its messages.
    async fn compare_counts(&mut self, truth: &mut Session) {
        truth.ok("UNSELECT").await;
        let command = format!("STATUS {} (MESSAGES UNSEEN DELETED)", self.place.mailbox);
        let answer = truth.command(&command, Expunges::Allowed).await;
        let has = |flag: &str| {
            let flags = self
                .messages
                .iter()
                .filter_map(|known| known.flags.as_ref());
            flags.filter(|flags| flags.contains(flag)).count()
        };
        let all = self.messages.len();
        let expected = format!(
            "(MESSAGES {all} UNSEEN {} DELETED {})",
            all - has("\\seen"),
            has("\\deleted")
        );
        if !answer
            .untagged
            .iter()
            .any(|line| line.trim_end().ends_with(&expected))
        {
            self.fail(&format!("STATUS is not {expected}: {answer:?}"));
        }
    }
}

fn changed(mut flags: BTreeSet<String>, action: &str, flag: &str) -> BTreeSet<String> {
    let flag = flag.to_lowercase();
    match action {
        "+FLAGS" => drop(flags.insert(flag)),
        "-FLAGS" => drop(flags.remove(&flag)),
        _ => flags = BTreeSet::from([flag]),
    }
    flags
}

/// What follows a name that stands at the beginning of an item.
fn after<'a>(data: &'a str, name: &str) -> Option<&'a str> {
    let at = [format!("({name}"), format!(" {name}")];
    let at = at
        .iter()
        .find_map(|begin| Some(data.find(begin)? + begin.len()))?;
    Some(&data[at..])
}

fn number(text: &str) -> Result<u32, String> {
    u32::try_from(number64(text)?).map_err(|_| text.to_owned())
}

fn number64(text: &str) -> Result<u64, String> {
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    text[..end]
        .parse()
        .map_err(|_| format!("no number: {text}"))
}

fn members(set: &str) -> Result<Vec<u32>, String> {
    let mut all = Vec::new();
    for member in set.split(',') {
        let (first, last) = member.split_once(':').unwrap_or((member, member));
        all.extend(number(first)?..=number(last)?);
    }
    Ok(all)
}
