//! Sessions in memory.

use super::*;

const PLAIN: [&str; 1] = ["PLAIN"];

fn session() -> Session {
    let mut session = Session::new(Security::Tls, PLAIN.to_vec());
    session.take_output();
    session
}

fn said(session: &mut Session) -> String {
    String::from_utf8(session.take_output()).unwrap()
}

/// Says a line that is answered without a question.
fn say(session: &mut Session, line: &str) -> String {
    session.feed(format!("{line}\r\n").as_bytes());
    let mut answer = String::new();
    loop {
        let event = session.next_event();
        answer += &said(session);
        match event {
            Event::Flush => {}
            Event::NeedInput | Event::Close(_) => return answer,
            event => panic!("{event:?}"),
        }
    }
}

fn maildrop(count: u32) -> Maildrop {
    let listed = |uid| Listed { uid, size: 100 };
    Maildrop::new(1, (1..=count).map(listed).collect())
}

fn logged_in(count: u32) -> Session {
    let mut session = session();
    session.feed(b"USER alice\r\nPASS correct horse\r\n");
    let password = Event::Password {
        user: "alice".into(),
        password: Secret("correct horse".into()),
    };
    assert_eq!(session.next_event(), password);
    session.logged_in(maildrop(count));
    session.take_output();
    session
}

#[test]
fn without_tls_nobody_logs_in_and_stls_forgets_what_was_behind_it() {
    let mut session = Session::new(Security::Clear, Vec::new());
    session.take_output();
    for line in ["USER alice", "PASS x", "AUTH PLAIN", "STAT"] {
        assert!(say(&mut session, line).starts_with("-ERR"), "{line}");
    }
    assert!(say(&mut session, "CAPA").contains("STLS\r\n"));
    session.feed(b"STLS\r\nUSER mallory\r\n");
    assert_eq!(session.next_event(), Event::StartTls);
    session.secured(PLAIN.to_vec());
    session.take_output();
    assert_eq!(say(&mut session, "PASS x"), "-ERR Say USER first.\r\n");
    assert!(!say(&mut session, "CAPA").contains("STLS"));
    assert_eq!(say(&mut session, "STLS"), "-ERR TLS is active already.\r\n");
}

/// RFC 1939 §5
#[test]
fn rfc_1939_5_a_session() {
    let mut session = logged_in(2);
    assert_eq!(say(&mut session, "STAT"), "+OK 2 200\r\n");
    assert_eq!(
        say(&mut session, "LIST"),
        "+OK 2 messages (200 octets)\r\n1 100\r\n2 100\r\n.\r\n"
    );
    assert_eq!(say(&mut session, "LIST 2"), "+OK 2 100\r\n");
    assert_eq!(say(&mut session, "UIDL 2"), "+OK 2 0000000100000002\r\n");
    assert!(say(&mut session, "DELE 1").starts_with("+OK"));
    assert!(say(&mut session, "DELE 1").starts_with("-ERR"));
    assert!(say(&mut session, "RETR 1").starts_with("-ERR"));
    assert_eq!(
        say(&mut session, "LIST"),
        "+OK 1 messages (100 octets)\r\n2 100\r\n.\r\n"
    );
    assert!(say(&mut session, "RSET").starts_with("+OK 2"));
    session.feed(b"TOP 2 1\r\n");
    let message = Listed { uid: 2, size: 100 };
    assert_eq!(
        session.next_event(),
        Event::Retrieve {
            message,
            lines: Some(1)
        }
    );
    session.begin_message(message, Some(1));
    assert!(!session.message(b"a: b\r\n\r\n.x\r\ny\r\n"));
    session.end_message();
    assert_eq!(
        said(&mut session),
        "+OK Top of the message follows.\r\na: b\r\n\r\n..x\r\n.\r\n"
    );
    say(&mut session, "DELE 2");
    session.feed(b"QUIT\r\n");
    assert_eq!(session.next_event(), Event::Update(vec![2]));
    session.updated(Ok(()));
    assert_eq!(session.next_event(), Event::Close(Closing::Quit));
}

/// A slow client with many questions makes no long output.
#[test]
fn long_lists_come_in_pieces() {
    let mut session = logged_in(100_000);
    session.feed("UIDL\r\nLIST\r\n".repeat(20).as_bytes());
    let (mut pieces, mut octets) = (0, 0);
    while session.next_event() == Event::Flush {
        let output = session.take_output();
        assert!(output.len() < FLUSH + 100);
        (pieces, octets) = (pieces + 1, octets + output.len());
    }
    assert!(pieces > 1000 && octets > 40_000_000, "{pieces} {octets}");
}

#[test]
fn a_stop_or_a_time_out_removes_nothing() {
    for end in [Session::shut_down, Session::time_out] {
        let mut session = logged_in(2);
        say(&mut session, "DELE 1");
        end(&mut session);
        session.feed(b"QUIT\r\n");
        assert!(matches!(
            session.next_event(),
            Event::Close(Closing::ShuttingDown | Closing::TimedOut)
        ));
    }
}

#[test]
fn guesses_and_errors_have_an_end() {
    let mut one = session();
    for _ in 0..MAX_FAILED_LOGINS {
        one.feed(b"USER a\r\nPASS b\r\n");
        assert!(matches!(one.next_event(), Event::Password { .. }));
        one.login_failed(Code::Auth, "No.");
    }
    assert!(said(&mut one).contains("-ERR [AUTH] No.\r\n"));
    assert_eq!(one.next_event(), Event::Close(Closing::TooManyErrors));
    let mut other = session();
    other.feed(&b"FOO\r\n".repeat(1000));
    assert_eq!(other.next_event(), Event::Close(Closing::TooManyErrors));
    let mut third = session();
    third.feed(&b"CAPA\r\n".repeat(1000));
    while third.next_event() == Event::Flush {
        third.take_output();
    }
    assert_eq!(third.next_event(), Event::Close(Closing::TooManyErrors));
}

/// RFC 5034 §4
#[test]
fn rfc_5034_4_exchanges_are_carried() {
    let mut session = session();
    session.feed(b"AUTH PLAIN\r\n");
    let begin = |initial| Event::Authenticate {
        mechanism: "PLAIN",
        initial,
    };
    assert_eq!(session.next_event(), begin(None));
    session.challenge(b"");
    session.feed(b"AGFsaWNlAHB3\r\n");
    assert_eq!(
        session.next_event(),
        Event::AuthResponse(b"\0alice\0pw".to_vec())
    );
    session.challenge(b"more");
    session.feed(b"*\r\n");
    assert_eq!(session.next_event(), Event::AuthCancelled);
    assert_eq!(
        said(&mut session),
        "+ \r\n+ bW9yZQ==\r\n-ERR Log-in cancelled.\r\n"
    );
    session.feed(b"auth plain AGFsaWNlAHB3\r\nSTAT\r\n");
    assert_eq!(session.next_event(), begin(Some(b"\0alice\0pw".to_vec())));
    session.logged_in(maildrop(1));
    assert_eq!(session.next_event(), Event::NeedInput);
    assert!(said(&mut session).ends_with("+OK 1 100\r\n"));
    assert!(say(&mut session, "USER b").starts_with("-ERR"));
    assert!(say(&mut session, "CAPA").contains("IMPLEMENTATION"));
}

#[test]
fn commands_are_counted_by_name() {
    let mut session = logged_in(2);
    session.take_counts();
    for line in ["STAT", "NOOP", "noop", "NONSENSE"] {
        say(&mut session, line);
    }
    assert_eq!(session.take_counts(), [("STAT", 1), ("NOOP", 2)]);
    assert!(session.take_counts().is_empty());
}
