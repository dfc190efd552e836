//! Conversations: each test is a script of what the server says and what the client must say.

use super::*;

/// Plays a server by hand.
struct Play {
    client: Client,
}

impl Play {
    fn new(settings: Settings) -> Play {
        Play {
            client: Client::new(Settings {
                hello: "me.example".into(),
                ..settings
            }),
        }
    }

    /// A session with these extensions, ready for a transaction.
    fn ready(extensions: &[&str], settings: Settings) -> Play {
        let mut play = Play::new(settings);
        play.server("220 hi\r\n");
        play.sends(if play.client.settings.protocol == Protocol::Lmtp {
            "LHLO me.example\r\n"
        } else {
            "EHLO me.example\r\n"
        });
        let mut lines = vec!["mx.example"];
        lines.extend(extensions);
        let last = lines.pop().unwrap();
        let mut reply: String = lines.iter().map(|line| format!("250-{line}\r\n")).collect();
        reply += &format!("250 {last}\r\n");
        play.server(&reply);
        assert_eq!(play.client.event(), Some(Event::Ready));
        play
    }

    fn server(&mut self, says: &str) {
        self.client.receive(says.as_bytes());
    }

    fn sends(&mut self, expected: &str) {
        let sent = self.client.transmit();
        assert_eq!(String::from_utf8(sent).unwrap(), expected);
    }

    fn body(&mut self, octets: &str) {
        assert_eq!(self.client.event(), Some(Event::Body));
        self.client.body(octets.as_bytes());
        self.client.end_of_body();
    }

    /// The outcome, as reply codes or the failure's words.
    fn outcome(&mut self) -> Vec<String> {
        let Some(Event::Outcome(results)) = self.client.event() else {
            panic!("no outcome");
        };
        let words = |result: Result<Reply, Failure>| match result {
            Ok(reply) => reply.code.to_string(),
            Err(Failure::Refused(command, reply)) => format!("{command:?} {}", reply.code),
            Err(other) => format!("{other:?}"),
        };
        results.into_iter().map(words).collect()
    }
}

fn to(recipients: &[&str]) -> Envelope {
    Envelope {
        reverse_path: Some("a@me.example".into()),
        recipients: recipients
            .iter()
            .map(|address| Recipient {
                address: address.to_string(),
                ..Recipient::default()
            })
            .collect(),
        size: 10,
        ..Envelope::default()
    }
}

/// RFC 5321 appendix D.1, without and with a refused recipient.
#[test]
fn rfc_5321_d1_typical_transaction() {
    let mut play = Play::ready(&["HELP"], Settings::default());
    play.client.send(to(&["jones@foo", "green@foo"]));
    play.sends("MAIL FROM:<a@me.example>\r\n");
    play.server("250 OK\r\n");
    play.sends("RCPT TO:<jones@foo>\r\n");
    play.server("250 OK\r\n");
    play.sends("RCPT TO:<green@foo>\r\n");
    play.server("550 No such user here\r\n");
    play.sends("DATA\r\n");
    play.server("354 Start mail input\r\n");
    play.body("Blah\n.\r\n");
    play.sends("Blah\r\n..\r\n.\r\n");
    play.server("250 OK\r\n");
    assert_eq!(play.outcome(), ["250", "Rcpt 550"]);
    assert_eq!(play.client.event(), Some(Event::Ready));
    play.client.quit();
    play.sends("QUIT\r\n");
    play.server("221 bye\r\n");
    assert_eq!(play.client.event(), Some(Event::Closed(None)));
}

/// RFC 2920 §3.1: the envelope travels in one piece.
#[test]
fn pipelining_sends_the_envelope_at_once() {
    let mut play = Play::ready(&["PIPELINING", "SIZE 1000"], Settings::default());
    play.client.send(to(&["x@foo", "y@foo"]));
    play.sends("MAIL FROM:<a@me.example> SIZE=10\r\nRCPT TO:<x@foo>\r\nRCPT TO:<y@foo>\r\n");
    play.server("250 ok\r\n450 4.2.1 later\r\n250 ok\r\n");
    play.sends("DATA\r\n");
}

#[test]
fn a_thousand_recipients_never_fill_the_pipe() {
    let mut play = Play::ready(&["PIPELINING"], Settings::default());
    let addresses: Vec<String> = (0..1000).map(|n| format!("u{n}@foo")).collect();
    play.client.send(to(&addresses
        .iter()
        .map(String::as_str)
        .collect::<Vec<_>>()));
    let mut replies = 0;
    while replies < 1001 {
        let sent = String::from_utf8(play.client.transmit()).unwrap();
        let commands = sent.matches("\r\n").count();
        assert!((1..=50).contains(&commands));
        play.server(&"250 ok\r\n".repeat(commands));
        replies += commands;
    }
    play.sends("DATA\r\n");
}

#[test]
fn nobody_accepted_means_no_data() {
    let mut play = Play::ready(&["PIPELINING"], Settings::default());
    play.client.send(to(&["x@foo"]));
    play.client.transmit();
    play.server("550 5.7.1 bad sender\r\n503 first MAIL\r\n");
    assert_eq!(play.outcome(), ["Mail 550"]);
    play.sends("RSET\r\n");
    play.server("250 ok\r\n");
    assert_eq!(play.client.event(), Some(Event::Ready));
}

/// RFC 3030 §4.2: BDAT in place of DATA, no dots doubled.
#[test]
fn chunking_counts_octets() {
    let mut play = Play::ready(&["CHUNKING"], Settings::default());
    play.client.send(to(&["x@foo"]));
    play.client.transmit();
    play.server("250 ok\r\n");
    play.client.transmit();
    play.server("250 ok\r\n");
    play.body(".a\nb");
    play.sends("BDAT 7 LAST\r\n.a\r\nb\r\n");
    play.server("250 ok\r\n");
    assert_eq!(play.outcome(), ["250"]);
}

#[test]
fn a_large_chunked_body_waits_for_replies_and_stops_at_a_refusal() {
    let mut play = Play::ready(&["CHUNKING"], Settings::default());
    play.client.send(to(&["x@foo"]));
    play.server("250 ok\r\n");
    play.server("250 ok\r\n");
    play.client.transmit();
    assert_eq!(play.client.event(), Some(Event::Body));
    play.client.body(&vec![b'x'; 70_000]);
    assert!(play.client.transmit().starts_with(b"BDAT 70000\r\n"));
    assert_eq!(play.client.event(), None, "the piece has no reply yet");
    play.server("552 5.3.4 too much\r\n");
    assert_eq!(play.outcome(), ["Body 552"]);
    play.sends("RSET\r\n");
}

/// RFC 2033 §4.2: a reply for each accepted recipient.
#[test]
fn rfc_2033_4_2_a_reply_per_recipient() {
    let lmtp = Settings {
        protocol: Protocol::Lmtp,
        ..Settings::default()
    };
    let mut play = Play::ready(&["PIPELINING"], lmtp);
    play.client
        .send(to(&["pat@foo", "nobody@foo", "jones@foo"]));
    play.client.transmit();
    play.server("250 ok\r\n250 ok\r\n550 5.1.1 none\r\n250 ok\r\n");
    play.server("354 go\r\n");
    play.body("x\r\n");
    play.server("250 2.1.5 ok\r\n452 4.2.2 full\r\n");
    assert_eq!(play.outcome(), ["250", "Rcpt 550", "Body 452"]);
}

#[test]
fn helo_when_ehlo_is_unknown() {
    let mut play = Play::new(Settings::default());
    play.server("220 old\r\n");
    play.sends("EHLO me.example\r\n");
    play.server("502 what?\r\n");
    play.sends("HELO me.example\r\n");
    play.server("250 old\r\n");
    assert_eq!(play.client.event(), Some(Event::Ready));
}

/// C2: opportunistic TLS.
#[test]
fn starttls_then_ehlo_again() {
    let mut play = Play::new(Settings::default());
    play.server("220 hi\r\n");
    play.server("250-mx\r\n250-PIPELINING\r\n250 STARTTLS\r\n");
    play.sends("EHLO me.example\r\nSTARTTLS\r\n");
    play.server("220 go\r\n");
    assert_eq!(play.client.event(), Some(Event::Handshake));
    play.client.secured();
    play.sends("EHLO me.example\r\n");
    assert!(!play.client.capabilities().pipelining, "RFC 3207 §4.2");
    play.server("250 mx\r\n");
    assert_eq!(play.client.event(), Some(Event::Ready));
    assert!(play.client.is_encrypted());
}

/// C2: a refused or missing STARTTLS is no failure, unless TLS is required.
#[test]
fn starttls_refused_or_missing() {
    let mut play = Play::new(Settings::default());
    play.server("220 hi\r\n250-mx\r\n250 STARTTLS\r\n454 4.7.0 not now\r\n");
    assert_eq!(play.client.event(), Some(Event::Ready));

    let required = Settings {
        starttls: StartTls::Required,
        ..Settings::default()
    };
    let mut play = Play::new(required);
    play.server("220 hi\r\n250 mx\r\n");
    let Some(Event::Closed(Some(failure))) = play.client.event() else {
        panic!("went on without TLS");
    };
    assert!(failure.is_temporary());
}

#[test]
fn plain_text_after_starttls_is_an_attack() {
    let mut play = Play::new(Settings::default());
    play.server("220 hi\r\n250-mx\r\n250 STARTTLS\r\n220 go\r\n250 injected\r\n");
    play.client.secured();
    assert_eq!(
        play.client.event(),
        Some(Event::Closed(Some(Failure::Misbehaved(
            Misbehaved::BeforeTls
        ))))
    );
}

#[test]
fn auth_plain() {
    let mut play = Play::new(Settings {
        login: Some(Login {
            user: "tim".into(),
            password: "tanstaaftanstaaf".into(),
        }),
        ..Settings::default()
    });
    play.server("220 hi\r\n250-mx\r\n250 AUTH LOGIN PLAIN\r\n");
    play.sends("EHLO me.example\r\nAUTH PLAIN AHRpbQB0YW5zdGFhZnRhbnN0YWFm\r\n");
    play.server("235 2.7.0 ok\r\n");
    assert_eq!(play.client.event(), Some(Event::Ready));
}

/// C22: what happened is unknown only after the end of the message.
#[test]
fn a_lost_connection_after_the_final_dot_is_unknown() {
    let mut play = Play::ready(&["PIPELINING"], Settings::default());
    play.client.send(to(&["x@foo", "bad@foo"]));
    play.server("250 ok\r\n250 ok\r\n550 no\r\n354 go\r\n");
    play.body("x\r\n");
    play.client.disconnected();
    let Some(Event::Outcome(results)) = play.client.event() else {
        panic!("no outcome");
    };
    let failure = results[0].clone().unwrap_err();
    assert!(failure.is_unknown() && failure.is_temporary());
    assert!(!results[1].clone().unwrap_err().is_temporary());
    assert_eq!(play.client.event(), Some(Event::Closed(None)));
}

#[test]
fn a_lost_connection_before_data_is_known_to_have_failed() {
    let mut play = Play::ready(&["PIPELINING"], Settings::default());
    play.client.send(to(&["x@foo"]));
    play.server("250 ok\r\n");
    play.client.disconnected();
    assert_eq!(play.outcome(), ["Lost(Rcpt)"]);
}

/// RFC 5321 §3.8: 421 at any time.
#[test]
fn a_421_ends_the_session() {
    let mut play = Play::ready(&["PIPELINING"], Settings::default());
    play.client.send(to(&["x@foo", "y@foo"]));
    play.server("250 ok\r\n250 ok\r\n421 4.3.2 shutting down\r\n");
    assert_eq!(play.outcome(), ["Rcpt 421", "Rcpt 421"]);
    assert_eq!(play.client.event(), Some(Event::Closed(None)));

    let mut play = Play::ready(&[], Settings::default());
    play.server("421 idle\r\n");
    assert!(matches!(play.client.event(), Some(Event::Closed(Some(_)))));
}

#[test]
fn a_message_that_does_not_fit_is_not_sent() {
    let mut play = Play::ready(&["SIZE 9"], Settings::default());
    play.client.send(to(&["x@foo"]));
    assert_eq!(play.outcome(), ["Incompatible(TooLarge)"]);
    assert_eq!(play.client.event(), Some(Event::Ready));
    play.sends("");
}

#[test]
fn greeting_554_closes() {
    let mut play = Play::new(Settings::default());
    play.server("554 5.7.1 your address is blocked\r\n");
    let Some(Event::Closed(Some(failure))) = play.client.event() else {
        panic!("went on");
    };
    assert!(!failure.is_temporary());
    assert!(failure.to_string().contains("your address is blocked"));
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(300))]
    /// Whatever a server says, the client neither panics nor reports fewer or more results than recipients.
    #[test]
    fn no_server_confuses_the_client(replies in proptest::collection::vec((0usize..12, 0usize..4), 0..30)) {
        const SAYS: [&str; 12] = [
            "220 x\r\n", "250 x\r\n", "250-x\r\n", "354 x\r\n", "421 x\r\n", "450 x\r\n", "550 x\r\n", "221 x\r\n",
            "250-PIPELINING\r\n250 CHUNKING\r\n", "250-STARTTLS\r\n250 DSN\r\n", "nonsense\r\n", "334 x\r\n",
        ];
        let mut play = Play::new(Settings::default());
        for (says, act) in replies {
            play.server(SAYS[says]);
            if act == 3 { play.client.disconnected(); }
            while let Some(event) = play.client.event() {
                match event {
                    Event::Handshake => play.client.secured(),
                    Event::Ready => play.client.send(to(&["x@foo", "y@foo"])),
                    Event::Body => { play.client.body(b"x"); play.client.end_of_body(); }
                    Event::Outcome(results) => proptest::prop_assert_eq!(results.len(), 2),
                    Event::Closed(_) => {}
                }
            }
            play.client.transmit();
        }
    }
}
