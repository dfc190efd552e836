//! The one limit of message size (A8, P5): whoever takes messages names it and keeps to it, and a change reaches all.

use crate::tools::succeed;
use crate::trial::Trial;
use crate::wire::Wire;

const LIMITS: [u64; 2] = [1 << 20, 2 << 20];

/// All lines of a reply.
fn lines(wire: &mut Wire) -> Vec<String> {
    let mut lines = Vec::new();
    loop {
        let line = wire.line().expect("a reply");
        let last = line.as_bytes().get(3) != Some(&b'-');
        lines.push(line);
        if last {
            return lines;
        }
    }
}

/// SMTP and LMTP: SIZE names the limit, and one octet more is refused at MAIL.
fn asked_of_smtp(trial: &Trial, listener: &str, hello: &str, limit: u64) {
    let mut wire = Wire::open(trial, listener);
    lines(&mut wire);
    wire.send(format!("{hello} client.example\r\n").as_bytes());
    let said = lines(&mut wire);
    let size = format!("SIZE {limit}");
    assert!(said.iter().any(|line| line[4..] == size), "{said:?}");
    for (octets, expected) in [(limit + 1, "552 5.3.4 "), (limit, "250 ")] {
        wire.send(format!("MAIL FROM:<a@elsewhere.test> SIZE={octets}\r\n").as_bytes());
        let reply = wire.reply().expect("a reply");
        assert!(reply.starts_with(expected), "{listener} {octets}: {reply}");
    }
}

/// IMAP: APPENDLIMIT names the limit, and one octet more is TOOBIG.
fn asked_of_imap(trial: &Trial, limit: u64) {
    let mut imap = Wire::open(trial, "imap");
    imap.line().expect("a greeting");
    let password = trial.password("alice@example.test");
    imap.send(format!("a LOGIN alice@example.test \"{password}\"\r\n").as_bytes());
    let login = imap.tagged("a").expect("an answer");
    assert!(login.starts_with("a OK"), "{login}");
    imap.send(b"b CAPABILITY\r\n");
    let capabilities = imap.line().expect("an answer");
    assert!(
        capabilities.contains(&format!("APPENDLIMIT={limit}")),
        "{capabilities}"
    );
    imap.tagged("b").expect("an answer");
    imap.send(format!("c APPEND INBOX {{{}}}\r\n", limit + 1).as_bytes());
    let answer = imap.tagged("c").expect("an answer");
    assert!(answer.starts_with("c NO [TOOBIG]"), "{answer}");
}

/// A8, P5: one setting, and SMTP, submission, LMTP and IMAP follow, also when it changes while they run.
#[test]
fn a08_p05_one_limit_for_all_who_take_messages() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let trial = Trial::serve(folder.path(), "limits.message_size = \"1M\"\n");
    let file = folder.path().join("pennyblack.toml");
    for limit in LIMITS {
        asked_of_smtp(&trial, "smtp", "EHLO", limit);
        asked_of_smtp(&trial, "lmtp", "LHLO", limit);
        asked_of_imap(&trial, limit);
        let text = std::fs::read_to_string(&file).expect("the configuration");
        std::fs::write(&file, text.replace("\"1M\"", "\"2M\"")).expect("written");
        succeed(&mut trial.command(&["reload"]));
    }
}
