//! What no client should send: every command of every listener with NUL, invalid UTF-8, too much, too little, in the wrong order.
//! Each gets an error of its protocol (or the session is ended), and the server goes on.

use crate::trial::Trial;
use crate::wire::Wire;

/// Every verb that the server knows, as clients write it, and one that it does not know.
fn smtp_commands() -> Vec<String> {
    let written = |verb: &&str| match *verb {
        "MAIL" => "MAIL FROM:".to_owned(),
        "RCPT" => "RCPT TO:".to_owned(),
        verb => verb.to_owned(),
    };
    let known = smtp::command::VERBS.iter().map(written);
    known.chain(["NONSENSE".to_owned()]).collect()
}

/// Every command that the server knows, and two that it does not know.
fn imap_commands() -> Vec<String> {
    let known = imap::command::NAMES.iter().map(|name| (*name).to_owned());
    known
        .chain(["UID".to_owned(), "NONSENSE".to_owned()])
        .collect()
}

/// A right use of an SMTP command, for a place where it is not right.
fn right_smtp(verb: &str) -> &'static str {
    match verb {
        "EHLO" => "EHLO client.example",
        "HELO" => "HELO client.example",
        "LHLO" => "LHLO client.example",
        "MAIL" => "MAIL FROM:<friend@elsewhere.test>",
        "RCPT" => "RCPT TO:<alice@example.test>",
        "DATA" => "DATA",
        "BDAT" => "BDAT 0 LAST",
        "RSET" => "RSET",
        "NOOP" => "NOOP",
        "VRFY" => "VRFY alice",
        "EXPN" => "EXPN list",
        "HELP" => "HELP",
        "QUIT" => "QUIT",
        "STARTTLS" => "STARTTLS",
        "AUTH" => "AUTH PLAIN",
        new => panic!("{new} is new: write here how it is used"),
    }
}

/// Arguments that no command takes.
fn bad_arguments() -> Vec<Vec<u8>> {
    vec![
        b" \0".to_vec(),
        b"a\0b".to_vec(),
        b" \xff\xfe\xc0\x80".to_vec(),
        b" <\xff@example.test>".to_vec(),
        b" <<<>>> (((".to_vec(),
        b" \"open".to_vec(),
        b" <alice@example.test> NO-SUCH=PARAMETER SIZE=-1".to_vec(),
        b" 99999999999999999999999999".to_vec(),
        [b" ".to_vec(), vec![b'x'; 600]].concat(),
        [b" ".to_vec(), vec![b'('; 20_000]].concat(),
        vec![b'x'; 100_000],
    ]
}

/// One bad SMTP command on a fresh session: a reply of the protocol, or the end of the session.
fn provoke_smtp(trial: &Trial, listener: &str, line: &[u8]) {
    let mut wire = Wire::open(trial, listener);
    let greeting = wire.reply().expect("a greeting");
    assert!(greeting.starts_with("220 "), "{greeting}");
    wire.send(&[line, b"\r\n"].concat());
    while let Some(reply) = wire.reply() {
        let (code, text) = reply.split_at_checked(4).unwrap_or_default();
        let number: u16 = code.trim_end().parse().unwrap_or(0);
        let shown = line.escape_ascii().to_string();
        let shown = &shown[..shown.len().min(80)];
        assert!((200..600).contains(&number), "{listener}: {shown}: {reply}");
        assert!(!text.contains("panic"), "{reply}");
        if matches!(number, 221 | 421) {
            continue;
        }
        // A continuation (334, 354) is answered with nonsense as well, and then the session is left.
        wire.send(if number / 100 == 3 {
            b"\0\xff\r\n.\r\n"
        } else {
            b"QUIT\r\n"
        });
    }
}

fn provoke_imap(trial: &Trial, listener: &str, logged_in: bool, line: &[u8]) {
    let mut wire = Wire::open(trial, listener);
    let greeting = wire.line().expect("a greeting");
    assert!(greeting.starts_with("* OK"), "{greeting}");
    if logged_in {
        let login = format!(
            "l LOGIN alice@example.test {}\r\n",
            trial.password("alice@example.test")
        );
        wire.send(login.as_bytes());
        let answer = wire.tagged("l").expect("an answer");
        assert!(answer.starts_with("l OK"), "{answer}");
    }
    wire.send(&[b"a ".as_slice(), line, b"\r\n"].concat());
    // Whatever continuation it asks for, it gets the end of it, and then LOGOUT.
    wire.send(b"DONE\r\nz LOGOUT\r\n");
    let mut answers = Vec::new();
    while let Some(answer) = wire.line() {
        assert!(answer.is_ascii() || answer.starts_with('*'), "{answer}");
        answers.push(answer);
    }
    let shown = line.escape_ascii().to_string();
    let shown = &shown[..shown.len().min(80)];
    assert!(
        answers
            .iter()
            .any(|a| a.starts_with("* BYE") || a.starts_with("a ") || a.starts_with("* BAD")),
        "{listener}: {shown}: {answers:?}"
    );
}

/// The server still does what it is for.
fn still_works(trial: &Trial) {
    let mut smtp = Wire::open(trial, "smtp");
    smtp.reply().expect("a greeting");
    let dialog: [(&[u8], &str); 4] = [
        (b"EHLO client.example\r\n", "250 "),
        (b"MAIL FROM:<friend@elsewhere.test>\r\n", "250 "),
        (b"RCPT TO:<alice@example.test>\r\n", "250 "),
        (b"QUIT\r\n", "221 "),
    ];
    for (line, expected) in dialog {
        smtp.send(line);
        let reply = smtp.reply().expect("a reply");
        assert!(reply.starts_with(expected), "{reply}");
    }
    let mut imap = Wire::open(trial, "imaps");
    imap.line().expect("a greeting");
    imap.send(b"a LOGOUT\r\n");
    let answer = imap.tagged("a").expect("an answer");
    assert!(answer.starts_with("a OK"), "{answer}");
}

fn smtp_listener_survives(listener: &str) {
    let trial = Trial::start();
    for command in smtp_commands() {
        for argument in bad_arguments() {
            provoke_smtp(&trial, listener, &[command.as_bytes(), &argument].concat());
        }
    }
    still_works(&trial);
}

#[test]
fn the_smtp_listener_survives_bad_input() {
    smtp_listener_survives("smtp");
}

#[test]
fn the_submission_listener_survives_bad_input() {
    smtp_listener_survives("submission");
}

#[test]
fn the_submissions_listener_survives_bad_input() {
    smtp_listener_survives("submissions");
}

#[test]
fn the_lmtp_listener_survives_bad_input() {
    smtp_listener_survives("lmtp");
}

#[test]
fn the_imap_listener_survives_bad_input_before_login() {
    let trial = Trial::start();
    for command in imap_commands() {
        for argument in bad_arguments() {
            provoke_imap(
                &trial,
                "imap",
                false,
                &[command.as_bytes(), &argument].concat(),
            );
        }
    }
    still_works(&trial);
}

#[test]
fn the_imaps_listener_survives_bad_input_after_login() {
    let trial = Trial::start();
    for command in imap_commands() {
        for argument in bad_arguments() {
            provoke_imap(
                &trial,
                "imaps",
                true,
                &[command.as_bytes(), &argument].concat(),
            );
        }
    }
    still_works(&trial);
}

/// Commands in an order that makes no sense are refused with 503 and leave the session usable.
#[test]
fn smtp_commands_out_of_order_are_refused() {
    let trial = Trial::start();
    let mut wire = Wire::open(&trial, "smtp");
    wire.reply().expect("a greeting");
    let dialog = [
        ("MAIL FROM:<a@elsewhere.test>", "503 "),
        ("RCPT TO:<alice@example.test>", "503 "),
        ("DATA", "503 "),
        ("EHLO client.example", "250 "),
        ("DATA", "503 "),
        ("MAIL FROM:<a@elsewhere.test>", "250 "),
        ("DATA", "503 "),
        ("MAIL FROM:<b@elsewhere.test>", "503 "),
        ("RCPT TO:<alice@example.test>", "250 "),
        ("RSET", "250 "),
        ("RCPT TO:<alice@example.test>", "503 "),
        ("QUIT", "221 "),
    ];
    for (line, expected) in dialog {
        wire.send(format!("{line}\r\n").as_bytes());
        let reply = wire.reply().expect("a reply");
        assert!(reply.starts_with(expected), "{line}: {reply}");
    }
}

/// Every SMTP command at every point of a session, in turn or out of turn: a reply, and the session goes on.
#[test]
fn every_smtp_command_is_answered_at_any_point() {
    let trial = Trial::start();
    let before: [&[&str]; 4] = [&[], &["EHLO"], &["EHLO", "MAIL"], &["EHLO", "MAIL", "RCPT"]];
    for earlier in before {
        for verb in smtp::command::VERBS {
            let mut wire = Wire::open(&trial, "smtp");
            wire.reply().expect("a greeting");
            let mut said = |line: &str| {
                wire.send(format!("{line}\r\n").as_bytes());
                wire.reply()
            };
            for step in earlier {
                let reply = said(right_smtp(step)).expect("a reply");
                assert!(reply.starts_with("250 "), "{step}: {reply}");
            }
            let mut reply = said(right_smtp(verb)).expect("a reply");
            if reply.starts_with("354 ") {
                reply = said(".").expect("a reply");
            }
            let ends = reply.starts_with("221 ") || reply.starts_with("220 ");
            assert!(
                ends || ["2", "4", "5"].iter().any(|class| reply.starts_with(class)),
                "{earlier:?} {verb}: {reply}"
            );
            let next = (!ends).then(|| said("NOOP").expect("a reply"));
            assert!(
                next.as_ref().is_none_or(|next| next.starts_with("250 ")),
                "{earlier:?} {verb}: {reply}, and then {next:?}"
            );
        }
    }
}

/// Octets that are no TLS on a TLS port, and TLS on a port without, end the session only.
#[test]
fn the_wrong_protocol_ends_the_session_only() {
    let trial = Trial::start();
    let hello = b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x03\r\n\r\n";
    for listener in ["submissions", "imaps"] {
        let mut wire = Wire::plain(&trial, listener);
        wire.send(b"EHLO client.example\r\na LOGOUT\r\n\r\n");
        while wire.line().is_some() {}
    }
    for listener in ["smtp", "submission", "imap", "lmtp"] {
        let mut wire = Wire::plain(&trial, listener);
        wire.send(hello);
        wire.send(b"QUIT\r\nz LOGOUT\r\n");
        while wire.line().is_some() {}
    }
    still_works(&trial);
}
