//! Whatever a scanner does, or does not do, mail is taken or put off as the settings say, and never lost (I30, I31).

use crate::gate::{resident, smtp};
use crate::world::{Line, Serving, World};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// What a scanner does with a message.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Mood {
    /// It reads, and answers as it should.
    Well,
    /// It takes the connection and hangs up.
    HangsUp,
    /// It takes the connection and says nothing.
    Silent,
    /// It answers something that is no answer.
    Rubbish(&'static [u8]),
    /// It begins an answer and says no more.
    Halts(&'static [u8]),
}

/// A scanner with moods.
struct Scanner {
    address: String,
    mood: Arc<Mutex<Mood>>,
}

impl Scanner {
    /// `answer`: what it says when it is well, once what came is `enough`.
    fn new(answer: &'static [u8], enough: fn(&[u8]) -> bool) -> Scanner {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("its address").to_string();
        let mood = Arc::new(Mutex::new(Mood::Well));
        let current = mood.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let mood = *current.lock().expect("no panic");
                thread::spawn(move || serve(stream, mood, answer, enough));
            }
        });
        Scanner { address, mood }
    }

    fn clamd() -> Scanner {
        Scanner::new(b"stream: OK\0", |came| came.ends_with(&[0; 4]))
    }

    fn rspamd() -> Scanner {
        let answer =
            b"HTTP/1.1 200 OK\r\nContent-Length: 33\r\n\r\n{\"score\":0.0,\"required_score\":15}";
        Scanner::new(answer, |came| came.ends_with(b"END\r\n"))
    }

    fn spamassassin() -> Scanner {
        let answer = b"SPAMD/1.1 0 EX_OK\r\nSpam: False ; 0.0 / 5.0\r\n\r\n";
        Scanner::new(answer, |came| came.ends_with(b"END\r\n"))
    }

    fn is(&self, mood: Mood) {
        *self.mood.lock().expect("no panic") = mood;
    }
}

/// Errors are the other side's hanging up.
fn serve(mut stream: TcpStream, mood: Mood, answer: &[u8], enough: fn(&[u8]) -> bool) {
    let _ = stream.set_read_timeout(Some(Duration::from_secs(10)));
    if mood == Mood::HangsUp {
        return;
    }
    let (mut came, mut octets) = (Vec::new(), [0; 65_536]);
    while !enough(&came) {
        match stream.read(&mut octets) {
            Ok(0) | Err(_) => return,
            Ok(count) => came.extend_from_slice(&octets[..count]),
        }
    }
    let said = match mood {
        Mood::Well => answer,
        Mood::Rubbish(text) | Mood::Halts(text) => text,
        Mood::HangsUp | Mood::Silent => b"",
    };
    let _ = stream.write_all(said);
    if matches!(mood, Mood::Silent | Mood::Halts(_)) {
        // Until the server has enough of it.
        while matches!(stream.read(&mut octets), Ok(1..)) {}
    }
}

/// A server that asks both scanners and a list in DNS, which is never there.
fn asking(failure: &str, [clamd, rspamd, spamassassin]: [&Scanner; 3]) -> (World, Serving, String) {
    let world = World::with(&format!(
        "gate.greylist = \"off\"\nauthentication.timeout = \"1s\"\nspam.failure = \"{failure}\"\nspam.timeout = \"1s\"\nspam.clamd = \"{}\"\nspam.rspamd = \"{}\"\nspam.spamassassin = \"{}\"\n\
         spam.url_lists = [\"urls.test.example 127.0.0.2 20 sold\"]\nspam.address_lists = [\"hashes.test.example 127.0.0.2 20 frauds\"]\n",
        clamd.address, rspamd.address, spamassassin.address
    ));
    world.add_account("alice@example.com");
    let serving = world.serve();
    let address = smtp(&world);
    (world, serving, address)
}

/// The reply to a message of this id.
fn mail(address: &str, id: &str) -> String {
    let message = format!(
        "From: Eve <eve@client.example>\nTo: alice@example.com\nSubject: look\nDate: Mon, 30 Nov 2026 10:00:00 +0000\nMessage-ID: <{id}@client.example>\n\nsee http://www.evil.example/x\nEND\n"
    );
    Line::at(address).mail("eve@client.example", "alice@example.com", &message)
}

/// Whether the message is in a mailbox.
fn is_kept(world: &World, id: &str) -> bool {
    let id = format!("<{id}@client.example>");
    let told = world.run(&["explain", "message", &id, "--json"]);
    told.code == 0 && told.out.contains("alice@example.com")
}

const CLAMD: [Mood; 6] = [
    Mood::HangsUp,
    Mood::Silent,
    Mood::Rubbish(b"\xff\xfe<html>\r\n"),
    Mood::Rubbish(b"INSTREAM size limit exceeded. ERROR\0"),
    Mood::Rubbish(b"stream: OK, perhaps\0"),
    Mood::Halts(b"stream: O"),
];

const RSPAMD: [Mood; 7] = [
    Mood::HangsUp,
    Mood::Silent,
    Mood::Rubbish(b"\xff\xfe no HTTP\r\n\r\n"),
    Mood::Rubbish(b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n"),
    Mood::Rubbish(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{\"score\":"),
    Mood::Rubbish(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"),
    Mood::Halts(b"HTTP/1.1 200 OK\r\nContent-Length: 33\r\n\r\n{\"score\":"),
];

const SPAMASSASSIN: [Mood; 4] = [
    Mood::HangsUp,
    Mood::Silent,
    Mood::Rubbish(b"SPAMD/1.1 76 Bad header line\r\n\r\n"),
    Mood::Halts(b"SPAMD/1.1 0 EX_OK\r\nSpam: "),
];

/// I31, I26, I27: each scanner fails in each way; under `accept` mail is judged without it, under `defer` it comes again, and is in the mailbox
/// once the scanner is well. A list in DNS that is not there, and DNS that is not there at all, hold nothing up.
#[test]
#[ignore = "soak: fifty messages, each of which waits a second for DNS or a scanner"]
fn i31_scanners_fail_and_no_mail_is_lost() {
    let all = [Scanner::clamd(), Scanner::rspamd(), Scanner::spamassassin()];
    let [clamd, rspamd, spamassassin] = all.each_ref();
    for failure in ["accept", "defer"] {
        let (world, serving, address) = asking(failure, all.each_ref());
        assert!(
            mail(&address, "well").starts_with("250 "),
            "{}",
            serving.log()
        );
        let faults = CLAMD.map(|mood| (clamd, "clamd", mood)).into_iter();
        let faults = faults.chain(RSPAMD.map(|mood| (rspamd, "rspamd", mood)));
        let faults = faults.chain(SPAMASSASSIN.map(|mood| (spamassassin, "spamassassin", mood)));
        for (n, (scanner, name, mood)) in faults.enumerate() {
            let id = format!("{name}.{n}");
            scanner.is(mood);
            let reply = mail(&address, &id);
            scanner.is(Mood::Well);
            if failure == "accept" {
                assert!(reply.starts_with("250 "), "{name} {mood:?}: {reply}");
            } else {
                let put_off = reply.starts_with("451 4.7.0 ") && reply.contains("(NOT-JUDGED ");
                assert!(put_off, "{name} {mood:?}: {reply}");
                assert!(!is_kept(&world, &id), "{name} {mood:?}");
                let again = mail(&address, &id);
                assert!(again.starts_with("250 "), "{name} {mood:?}: {again}");
            }
            assert!(is_kept(&world, &id), "{name} {mood:?}");
        }
        serving.until_logged("could not be looked at");
    }
}

/// I30, I31: a hundred large messages at once, of which a few are looked at at a time: all are taken, and memory does not grow with their number.
#[test]
fn i30_a_hundred_large_messages_at_once() {
    const MESSAGES: usize = 100;
    const SIZE: usize = 300_000;
    let world = World::with("gate.greylist = \"off\"\nauthentication.timeout = \"1s\"\n");
    world.add_account("alice@example.com");
    let serving = world.serve();
    let address = smtp(&world);
    let before = resident(&serving);
    let sending: Vec<_> = (0..MESSAGES)
        .map(|n| {
            let address = address.clone();
            let text = "Here is what we have seen on our way, day by day.\n".repeat(SIZE / 50);
            let message = format!(
                "From: Eve <eve@client.example>\nTo: alice@example.com\nSubject: large {n}\nDate: Mon, 30 Nov 2026 10:00:00 +0000\nMessage-ID: <large.{n}@client.example>\n\n{text}"
            );
            thread::spawn(move || {
                Line::at(&address).mail("eve@client.example", "alice@example.com", &message)
            })
        })
        .collect();
    for (n, sent) in sending.into_iter().enumerate() {
        let reply = sent.join().expect("no panic");
        assert!(reply.starts_with("250 "), "{n}: {reply}");
    }
    let grown = resident(&serving).saturating_sub(before) >> 20;
    println!("{MESSAGES} messages of {} KB: {grown} MB", SIZE / 1000);
    assert!(grown < 100, "{grown} MB");
    for n in [0, MESSAGES / 2, MESSAGES - 1] {
        assert!(is_kept(&world, &format!("large.{n}")), "{n}");
    }
}
