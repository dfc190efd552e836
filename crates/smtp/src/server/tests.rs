//! Sessions as conversations, with an owner who knows a few recipients and one password.

use super::*;
use proptest::prelude::*;

/// Plays the owner: `nobody@…` is unknown, `full@…` is full after DATA, the password is `secret`.
struct Owner {
    session: Session,
    messages: Vec<Vec<u8>>,
    message: Vec<u8>,
    recipients: Vec<String>,
    events: Vec<&'static str>,
}

fn service(role: Role) -> Service {
    Service {
        role,
        hostname: "mx1.example.com".to_owned(),
        max_size: 1000,
        max_recipients: 3,
        max_messages: Some(2),
        dsn: true,
        starttls: true,
        clear: Clear::Protected,
    }
}

impl Owner {
    fn new(service: Service, security: Security, mechanisms: Vec<&'static str>) -> Owner {
        Owner {
            session: Session::new(service, security, mechanisms),
            messages: Vec::new(),
            message: Vec::new(),
            recipients: Vec::new(),
            events: Vec::new(),
        }
    }

    /// A session on port 25, after the banner and EHLO.
    fn mx() -> Owner {
        let mut owner = Owner::new(service(Role::Mx), Security::Clear, Vec::new());
        owner.says("EHLO client.example\r\n");
        owner
    }

    /// A submission session under TLS, after EHLO.
    fn submission() -> Owner {
        let mut owner = Owner::new(
            service(Role::Submission),
            Security::Tls,
            vec!["PLAIN", "LOGIN"],
        );
        owner.says("EHLO client.example\r\n");
        owner
    }

    fn lmtp() -> Owner {
        let mut owner = Owner::new(service(Role::Lmtp), Security::Clear, Vec::new());
        owner.says("LHLO client.example\r\n");
        owner
    }

    fn says(&mut self, text: &str) -> String {
        self.sends(text.as_bytes())
    }

    /// What the server writes when this comes in one packet.
    fn sends(&mut self, octets: &[u8]) -> String {
        let mut input = octets;
        let mut output = Vec::new();
        loop {
            match self.session.next_event(&mut input) {
                Event::NeedInput if input.is_empty() => break,
                Event::NeedInput => panic!("input is left"),
                Event::Flush => output.append(&mut self.session.take_output()),
                Event::Close(_) => break,
                event => {
                    let answer = self.answer(event);
                    self.events.push(answer);
                }
            }
        }
        output.append(&mut self.session.take_output());
        String::from_utf8(output).unwrap()
    }

    fn answer(&mut self, event: Event<'_>) -> &'static str {
        match event {
            Event::Hello { .. } => "hello",
            Event::Mail(_) => {
                self.recipients.clear();
                self.session.accept();
                "mail"
            }
            Event::Rcpt(rcpt) => {
                let path = rcpt.forward_path.to_string();
                if path.starts_with("nobody@") {
                    self.session
                        .refuse(Reply::new(550, crate::Enhanced(5, 1, 1), "unknown"));
                } else {
                    self.recipients.push(path);
                    self.session.accept();
                }
                "rcpt"
            }
            Event::Reset => "reset",
            Event::MailRefused(..) => "mail refused",
            Event::RcptRefused(..) => "rcpt refused",
            Event::Begin => {
                self.message.clear();
                "begin"
            }
            Event::Content(octets) => {
                self.message.extend_from_slice(octets);
                "content"
            }
            Event::EndOfChunk => {
                self.session.accept();
                "end of chunk"
            }
            Event::EndOfMessage(Some(fault)) => {
                self.session.refuse(refusal_of(fault));
                "fault"
            }
            Event::EndOfMessage(None) => {
                self.messages.push(std::mem::take(&mut self.message));
                self.session.finish(&fates(&self.recipients));
                "end of message"
            }
            Event::Auth { initial, .. } => match initial {
                Some(response) => self.password(&response),
                None => {
                    self.session.challenge(b"");
                    "challenge"
                }
            },
            Event::AuthResponse(response) => self.password(&response),
            Event::AuthCancelled => "cancelled",
            Event::StartTls => {
                self.session.secured(vec!["PLAIN", "LOGIN"]);
                "starttls"
            }
            Event::NeedInput | Event::Flush | Event::Close(_) => unreachable!("not questions"),
        }
    }

    fn password(&mut self, response: &[u8]) -> &'static str {
        match response.ends_with(b"secret") {
            true => self.session.accept(),
            false => self
                .session
                .refuse(Reply::new(535, crate::Enhanced(5, 7, 8), "wrong")),
        }
        "password"
    }
}

fn fates(recipients: &[String]) -> Vec<Reply> {
    recipients
        .iter()
        .map(|path| match path.starts_with("full@") {
            true => Reply::new(452, crate::Enhanced(4, 2, 2), "full"),
            false => Reply::new(250, crate::Enhanced(2, 0, 0), "stored"),
        })
        .collect()
}

/// The codes at the start of each reply's last line.
fn codes(output: &str) -> Vec<&str> {
    output
        .split_inclusive("\r\n")
        .filter(|line| line.as_bytes().get(3) == Some(&b' '))
        .map(|line| &line[..3])
        .collect()
}

const ENVELOPE: &str = "MAIL FROM:<a@client.example>\r\nRCPT TO:<alice@example.com>\r\n";

#[test]
fn a_message_from_banner_to_quit() {
    let mut owner = Owner::new(service(Role::Mx), Security::Clear, Vec::new());
    assert_eq!(owner.says(""), "220 mx1.example.com ESMTP Pennyblack\r\n");
    owner.says("EHLO client.example\r\n");
    assert_eq!(codes(&owner.says(ENVELOPE)), ["250", "250"]);
    assert_eq!(codes(&owner.says("DATA\r\n")), ["354"]);
    assert_eq!(
        codes(&owner.says("Subject: x\r\n\r\n..hi\r\n.\r\n")),
        ["250"]
    );
    assert_eq!(owner.messages, [b"Subject: x\r\n\r\n.hi\r\n"]);
    assert_eq!(codes(&owner.says("QUIT\r\n")), ["221"]);
    assert_eq!(owner.session.counts().messages, 1);
}

/// A6, U2: the extensions on port 25; no AUTH there (A20), STARTTLS only as long as there is no TLS.
#[test]
fn a06_extensions() {
    let mut owner = Owner::new(service(Role::Mx), Security::Clear, Vec::new());
    owner.says("");
    let reply = owner.says("EHLO client.example\r\n");
    let want = "250-mx1.example.com\r\n250-SIZE 1000\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n\
        250-CHUNKING\r\n250-ENHANCEDSTATUSCODES\r\n250-DSN\r\n250-PRDR\r\n250-LIMITS MAILMAX=2 RCPTMAX=3\r\n\
        250-STARTTLS\r\n250 HELP\r\n";
    assert_eq!(reply, want);
    assert!(owner.says("STARTTLS\r\n").starts_with("220 "));
    let reply = owner.says("EHLO client.example\r\n");
    assert!(!reply.contains("STARTTLS") && reply.contains("AUTH PLAIN LOGIN"));
    assert_eq!(
        owner.says("HELO client.example\r\n"),
        "250 mx1.example.com\r\n"
    );
}

/// A32: without DSN neither the announcement nor the parameters.
#[test]
fn a32_dsn_can_be_switched_off() {
    let without = Service {
        dsn: false,
        ..service(Role::Mx)
    };
    let mut owner = Owner::new(without, Security::Clear, Vec::new());
    owner.says("");
    assert!(!owner.says("EHLO c\r\n").contains("DSN"));
    assert_eq!(codes(&owner.says("MAIL FROM:<a@b> RET=FULL\r\n")), ["555"]);
    assert_eq!(codes(&owner.says("MAIL FROM:<a@b>\r\n")), ["250"]);
    assert_eq!(
        codes(&owner.says("RCPT TO:<c@d> NOTIFY=NEVER\r\n")),
        ["555"]
    );
    assert_eq!(
        codes(&owner.says("MAIL FROM:<a@b> REQUIRETLS\r\n")),
        ["503"]
    );
}

#[test]
fn commands_in_the_wrong_order() {
    let mut owner = Owner::new(service(Role::Mx), Security::Clear, Vec::new());
    owner.says("");
    for line in ["MAIL FROM:<a@b>", "RCPT TO:<a@b>", "DATA", "STARTTLS"] {
        assert_eq!(
            codes(&owner.says(&format!("{line}\r\n"))),
            ["503"],
            "{line}"
        );
    }
    owner.says("EHLO c\r\n");
    assert_eq!(codes(&owner.says("RCPT TO:<a@b>\r\n")), ["503"]);
    assert_eq!(codes(&owner.says("DATA\r\n")), ["503"]);
    owner.says("MAIL FROM:<a@b>\r\n");
    assert_eq!(codes(&owner.says("MAIL FROM:<a@b>\r\n")), ["503"]);
    assert_eq!(codes(&owner.says("DATA\r\n")), ["503"]);
    owner.says("RCPT TO:<nobody@b>\r\n");
    assert_eq!(codes(&owner.says("DATA\r\n")), ["554"]);
    assert_eq!(
        codes(&owner.says("RSET\r\nNOOP\r\nHELP\r\nVRFY x\r\nEXPN x\r\n")),
        ["250", "250", "214", "252", "502"]
    );
    assert_eq!(codes(&owner.says("LHLO c\r\n")), ["500"]);
}

/// RFC 2920 §3.1: MAIL, RCPT… in a group, DATA last; all replies in one write.
#[test]
fn u02_pipelined_groups() {
    let mut owner = Owner::mx();
    let group = format!("{ENVELOPE}RCPT TO:<nobody@example.com>\r\nDATA\r\n");
    assert_eq!(codes(&owner.says(&group)), ["250", "250", "550", "354"]);
    let end = format!("hi\r\n.\r\n{ENVELOPE}RSET\r\nQUIT\r\n");
    assert_eq!(
        codes(&owner.says(&end)),
        ["250", "250", "250", "250", "221"]
    );
}

/// U1, Y11: text that comes with DATA or STARTTLS could be meant as a command or not; nobody acts on it.
#[test]
fn y11_text_behind_data_or_starttls_ends_the_session() {
    let mut owner = Owner::mx();
    let output = owner.says(&format!(
        "{ENVELOPE}DATA\r\nMAIL FROM:<evil@x>\r\n.\r\nNOOP\r\n"
    ));
    assert_eq!(codes(&output), ["250", "250", "503"]);
    let mut owner = Owner::mx();
    assert_eq!(
        codes(&owner.says("STARTTLS\r\nMAIL FROM:<evil@x>\r\n")),
        ["503"]
    );
    assert!(!owner.events.contains(&"starttls"));
    assert_eq!(owner.says("NOOP\r\n"), "");
}

/// Y11: after TLS the session knows nothing of before, not even half a line.
#[test]
fn y11_nothing_survives_starttls() {
    let mut owner = Owner::mx();
    owner.says(ENVELOPE);
    assert_eq!(codes(&owner.says("STARTTLS\r\n")), ["220"]);
    assert_eq!(
        codes(&owner.says("RCPT TO:<alice@example.com>\r\n")),
        ["503"]
    );
    assert_eq!(codes(&owner.says("STARTTLS\r\n")), ["503"]);
}

/// U1: bare CR and LF: read to the proper end, then refused, and the session goes on.
#[test]
fn u01_bare_line_ends_are_refused_after_the_end() {
    for broken in ["a\nb", "a\rb", "a\n.\nb", "a\0b"] {
        let mut owner = Owner::mx();
        owner.says(&format!("{ENVELOPE}DATA\r\n"));
        let output = owner.says(&format!("{broken}\r\n.\r\nNOOP\r\n"));
        assert_eq!(codes(&output), ["550", "250"], "{broken:?}");
        assert!(owner.messages.is_empty());
    }
    let mut owner = Owner::mx();
    let output = owner.says("NOOP\nNOOP\r\n");
    assert_eq!(codes(&output), ["500", "250"]);
}

/// W22: in a submission, bare LF ends command lines and lines of the message.
#[test]
fn w22_bare_lf_in_a_submission() {
    let mut owner = Owner::submission();
    owner.says("AUTH PLAIN AGEAc2VjcmV0\n");
    owner.says(&format!("{ENVELOPE}DATA\n"));
    assert_eq!(codes(&owner.says("Subject: x\n\nscan\r\n.\r\n")), ["250"]);
    assert_eq!(owner.messages, [b"Subject: x\r\n\r\nscan\r\n"]);
}

/// A refused MAIL makes the rest of its group fail; that is not held against the client, whose next message comes in the same
/// session.
#[test]
fn u02_a_refused_group_is_no_error() {
    let mut owner = Owner::mx();
    let rcpt = "RCPT TO:<alice@example.com>\r\n".repeat(30);
    let group = format!("MAIL FROM:<a@b> SIZE=5000\r\n{rcpt}DATA\r\n");
    let output = owner.says(&group);
    assert_eq!(codes(&output)[0], "552");
    assert_eq!(codes(&output)[1..], ["503"; 31]);
    assert_eq!(codes(&owner.says(ENVELOPE)), ["250", "250"]);
    assert_eq!(owner.session.counts().errors, 0);
}

/// A server in front of us brings as much as it has.
#[test]
fn a23_lmtp_sessions_may_be_long() {
    let service = Service {
        max_messages: None,
        ..service(Role::Lmtp)
    };
    let mut owner = Owner::new(service, Security::Clear, Vec::new());
    owner.says("");
    assert!(
        owner
            .says("LHLO c\r\n")
            .contains("250-LIMITS RCPTMAX=3\r\n")
    );
    for _ in 0..150 {
        let output =
            owner.says("MAIL FROM:<a@b>\r\nRCPT TO:<nobody@x>\r\nRCPT TO:<a@x>\r\nDATA\r\n");
        assert_eq!(codes(&output), ["250", "550", "250", "354"]);
        assert_eq!(codes(&owner.says(".\r\n")), ["250"]);
    }
}

/// draft-hall-prdr: a reply for each recipient if the client asked for it and they differ, then one for all.
#[test]
fn a23_prdr_tells_each_recipient() {
    let mut owner = Owner::mx();
    let envelope =
        |prdr, others| format!("MAIL FROM:<a@b>{prdr}\r\nRCPT TO:<a@x>\r\n{others}DATA\r\n");
    let full = "RCPT TO:<nobody@x>\r\nRCPT TO:<full@x>\r\n";
    owner.says(&envelope(" PRDR", full));
    let output = owner.says(".\r\n");
    assert_eq!(codes(&output), ["353", "250", "452", "250"]);
    assert!(output.starts_with("353 The recipients differ"));
    assert_eq!(owner.session.counts().messages, 1);
    owner.says(&envelope(" PRDR", "RCPT TO:<c@x>\r\n"));
    assert_eq!(codes(&owner.says(".\r\n")), ["250"], "all are alike");
    let mut owner = Owner::mx();
    owner.says(&envelope(" PRDR", ""));
    assert_eq!(codes(&owner.says(".\r\n")), ["250"], "there is one");
    owner.says(&envelope("", full));
    assert_eq!(codes(&owner.says(".\r\n")), ["250"], "not asked for");
}

/// LMTP tells each recipient anyway, and does not know the parameter.
#[test]
fn a23_lmtp_has_no_prdr() {
    let mut owner = Owner::lmtp();
    let output = owner.says("MAIL FROM:<a@b> PRDR\r\nMAIL FROM:<a@b>\r\n");
    assert_eq!(codes(&output), ["555", "250"]);
}

/// RFC 3030 §4.1 and §4.2: chunks, pipelined.
#[test]
fn u02_rfc3030_examples() {
    let mut owner = Owner::mx();
    assert_eq!(codes(&owner.says(ENVELOPE)), ["250", "250"]);
    let output = owner.says("BDAT 4\r\na\r\n.BDAT 3\r\n\r\nbBDAT 0 LAST\r\nNOOP\r\n");
    assert_eq!(codes(&output), ["250", "250", "250", "250"]);
    assert_eq!(owner.messages, [b"a\r\n.\r\nb\r\n"]);
    owner.says(ENVELOPE);
    owner.says("BDAT 1\r\nx");
    let output =
        owner.says("DATA\r\nRCPT TO:<b@c>\r\nMAIL FROM:<b@c>\r\nRSET\r\nBDAT 1\r\nyNOOP\r\n");
    assert_eq!(codes(&output), ["503", "503", "503", "250", "503", "250"]);
}

/// A chunk without a transaction is thrown away, not read as commands.
#[test]
fn y11_unwanted_chunks_are_not_commands() {
    let mut owner = Owner::mx();
    let output = owner.says("BDAT 17\r\nMAIL FROM:<e@v>\r\nNOOP\r\n");
    assert_eq!(codes(&output), ["503", "250"]);
    assert!(!owner.events.contains(&"mail"));
    owner.says("MAIL FROM:<a@b>\r\nRCPT TO:<nobody@c>\r\n");
    assert_eq!(
        codes(&owner.says("BDAT 3 LAST\r\nRSENOOP\r\n")),
        ["554", "250"]
    );
    assert_eq!(codes(&owner.says("BDAT x\r\nNOOP\r\n")), ["501"]);
    let mut owner = Owner::mx();
    assert_eq!(
        codes(&owner.says("BDAT 18446744073709551615\r\nNOOP\r\n")),
        ["503"]
    );
}

/// A7: SIZE is compared with the limit at MAIL.
#[test]
fn a07_size_at_mail() {
    let mut owner = Owner::mx();
    assert_eq!(
        owner.says("MAIL FROM:<a@b> SIZE=1001\r\n")[..10],
        *"552 5.3.4 "
    );
    assert_eq!(codes(&owner.says("MAIL FROM:<a@b> SIZE=1000\r\n")), ["250"]);
}

/// A11: recipients in a transaction (here 3), messages in a session (here 2).
#[test]
fn a11_session_limits() {
    let mut owner = Owner::mx();
    let rcpt = "RCPT TO:<alice@example.com>\r\n".repeat(4);
    let output = owner.says(&format!("MAIL FROM:<a@b>\r\n{rcpt}"));
    assert_eq!(codes(&output), ["250", "250", "250", "250", "452"]);
    assert!(output.contains("452 4.5.3"));
    owner.says("RSET\r\nMAIL FROM:<a@b>\r\nRSET\r\n");
    assert_eq!(codes(&owner.says("MAIL FROM:<a@b>\r\nNOOP\r\n")), ["421"]);
}

#[test]
fn too_many_errors_end_the_session() {
    let mut owner = Owner::mx();
    let output = owner.says(&"FOO\r\n".repeat(12));
    assert_eq!(codes(&output), [["500"; 10].as_slice(), &["421"]].concat());
    let mut owner = Owner::mx();
    let output = owner.says(&"NOOP\r\n".repeat(600));
    assert_eq!(codes(&output).last(), Some(&"421"));
    let mut owner = Owner::mx();
    assert_eq!(codes(&owner.says("GET / HTTP/1.1\r\nHost: x\r\n")), ["500"]);
}

/// Harvesting: after a hundred refusals nothing is looked up, and nobody is told that a recipient does not exist.
#[test]
fn many_refused_recipients() {
    let mut owner = Owner::mx();
    owner.says("MAIL FROM:<a@b>\r\n");
    for _ in 0..100 {
        assert_eq!(codes(&owner.says("RCPT TO:<nobody@x.org>\r\n")), ["550"]);
    }
    assert_eq!(codes(&owner.says("RCPT TO:<nobody@x.org>\r\n")), ["452"]);
    assert_eq!(owner.events.last(), Some(&"rcpt refused"));
}

/// B1, B4: on 587 nothing before TLS, no mail before the log-in.
#[test]
fn b01_tls_and_log_in_come_first() {
    let mut owner = Owner::new(service(Role::Submission), Security::Clear, Vec::new());
    owner.says("");
    assert!(!owner.says("EHLO c\r\n").contains("AUTH"));
    assert!(owner.says("MAIL FROM:<a@b>\r\n").starts_with("530 5.7.0 "));
    assert_eq!(codes(&owner.says("AUTH PLAIN AGEAc2VjcmV0\r\n")), ["538"]);
    owner.says("STARTTLS\r\n");
    assert!(owner.says("EHLO c\r\n").contains("AUTH PLAIN LOGIN"));
    assert!(owner.says("MAIL FROM:<a@b>\r\n").starts_with("530 5.7.0 "));
    assert_eq!(codes(&owner.says("AUTH PLAIN AGEAc2VjcmV0\r\n")), ["235"]);
    assert_eq!(codes(&owner.says("MAIL FROM:<a@b>\r\n")), ["250"]);
}

/// B5: with and without initial response; cancelled; broken; twice; within a transaction.
#[test]
fn b05_auth() {
    let mut owner = Owner::submission();
    assert_eq!(codes(&owner.says("AUTH CRAM-MD5\r\n")), ["504"]);
    assert_eq!(owner.says("AUTH PLAIN\r\n"), "334 \r\n");
    assert_eq!(codes(&owner.says("*\r\n")), ["501"]);
    assert_eq!(owner.events.last(), Some(&"cancelled"));
    owner.says("AUTH PLAIN\r\n");
    assert!(owner.says("not!base64\r\n").starts_with("501 5.5.2"));
    owner.says("AUTH PLAIN\r\n");
    let long = format!("{}\r\n", "A".repeat(12_292));
    assert!(owner.says(&long).starts_with("500 5.5.6"));
    assert_eq!(codes(&owner.says("AUTH PLAIN AGEAd3Jvbmc=\r\n")), ["535"]);
    owner.says("AUTH PLAIN\r\n");
    assert_eq!(codes(&owner.says("AGEAc2VjcmV0\r\n")), ["235"]);
    assert_eq!(codes(&owner.says("AUTH PLAIN AGEAc2VjcmV0\r\n")), ["503"]);
    let mut owner = Owner::mx();
    assert_eq!(codes(&owner.says("AUTH PLAIN AGEAc2VjcmV0\r\n")), ["502"]);
}

#[test]
fn failed_log_ins_are_limited() {
    let mut owner = Owner::submission();
    let output = owner.says(&"AUTH PLAIN AGEAd3Jvbmc=\r\n".repeat(6));
    assert_eq!(codes(&output), ["535", "535", "535", "535", "535", "421"]);
}

/// RFC 2033 §4.2: the example's shape: one reply for each accepted recipient, in order.
#[test]
fn a23_lmtp_replies_for_each_recipient() {
    let mut owner = Owner::lmtp();
    assert_eq!(codes(&owner.says("EHLO c\r\n")), ["500"]);
    let output = owner.says(
        "MAIL FROM:<a@b>\r\nRCPT TO:<alice@x>\r\nRCPT TO:<nobody@x>\r\nRCPT TO:<full@x>\r\nDATA\r\n",
    );
    assert_eq!(codes(&output), ["250", "250", "550", "250", "354"]);
    assert_eq!(codes(&owner.says("hi\r\n.\r\n")), ["250", "452"]);
    owner.says("MAIL FROM:<a@b>\r\nRCPT TO:<alice@x>\r\nRCPT TO:<bob@x>\r\n");
    assert_eq!(codes(&owner.says("BDAT 3 LAST\r\na\rb")), ["550", "550"]);
}

/// U2: RFC 6531 §3.5.
#[test]
fn u02_utf8_addresses_need_the_parameter() {
    let mut owner = Owner::mx();
    assert!(
        owner
            .says("MAIL FROM:<пётр@x.org>\r\n")
            .starts_with("553 5.6.7")
    );
    owner.says("MAIL FROM:<a@b>\r\n");
    assert!(
        owner
            .says("RCPT TO:<пётр@x.org>\r\n")
            .starts_with("553 5.6.7")
    );
    owner.says("RSET\r\nMAIL FROM:<пётр@x.org> SMTPUTF8\r\n");
    assert_eq!(codes(&owner.says("RCPT TO:<пётр@x.org>\r\n")), ["250"]);
}

/// A30: 421 4.4.2 wherever the session stands.
#[test]
fn a30_time_out() {
    for start in ["", "MAIL FROM:<a@b>\r\n", "NOO"] {
        let mut owner = Owner::mx();
        owner.says(start);
        owner.session.time_out();
        assert!(owner.says("NOOP\r\n").starts_with("421 4.4.2 "));
    }
}

/// The message under way is taken, the next one is not.
#[test]
fn draining_finishes_the_message() {
    let mut owner = Owner::mx();
    owner.says(&format!("{ENVELOPE}DATA\r\n"));
    owner.session.drain();
    assert_eq!(owner.says("first\r\n"), "");
    assert_eq!(codes(&owner.says("second\r\n.\r\n")), ["250", "421"]);
    let mut owner = Owner::mx();
    owner.session.drain();
    assert!(owner.says("").starts_with("421 4.3.2 "));
    let mut owner = Owner::mx();
    owner.session.dismiss();
    assert!(
        owner
            .says("")
            .starts_with("421 4.7.0 This account was locked")
    );
    let mut owner = Owner::mx();
    owner.session.drain();
    assert_eq!(
        codes(&owner.says("NOOP\r\nMAIL FROM:<a@b>\r\nNOOP\r\n")),
        ["250", "421"]
    );
}

/// A question that is left open is answered with "not now", never with yes.
#[test]
fn open_questions_are_refused() {
    let mut session = Session::new(service(Role::Mx), Security::Clear, Vec::new());
    let mut input: &[u8] = b"EHLO c\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\n";
    while !matches!(session.next_event(&mut input), Event::NeedInput) {}
    let output = String::from_utf8(session.take_output()).unwrap();
    assert_eq!(codes(&output), ["220", "250", "451", "503"]);
    session.accept();
    session.finish(&[]);
    assert_eq!(session.take_output(), b"");
}

/// Y14: whatever a client sends before it has logged in, little is held for it.
#[test]
fn y14_memory_before_log_in_is_bounded() {
    let mut session = Session::new(service(Role::Submission), Security::Tls, vec!["PLAIN"]);
    let flood = [b"EHLO x\r\nHELP\r\n".repeat(200), vec![b'A'; 100_000]].concat();
    let mut input = flood.as_slice();
    loop {
        match session.next_event(&mut input) {
            Event::NeedInput | Event::Close(_) => break,
            _ => {}
        }
        assert!(session.output.len() < 10 * 1024, "{}", session.output.len());
        if session.output.len() >= FLUSH_AT {
            session.take_output();
        }
    }
    assert!(session.lines.has_begun());
}

fn conversation() -> impl Strategy<Value = Vec<u8>> {
    let line = prop_oneof![
        Just(b"EHLO c\r\n".to_vec()),
        Just(b"MAIL FROM:<a@b>\r\n".to_vec()),
        Just(b"RCPT TO:<c@d>\r\n".to_vec()),
        Just(b"RCPT TO:<nobody@d>\r\n".to_vec()),
        Just(b"BDAT 5\r\nab\r\n.".to_vec()),
        Just(b"BDAT 2 LAST\r\nx\n".to_vec()),
        Just(b"RSET\r\n".to_vec()),
        Just(b"NOOP\r\n".to_vec()),
        Just(b"AUTH PLAIN\r\n".to_vec()),
        Just(b"*\r\n".to_vec()),
        Just(b"AGEAc2VjcmV0\r\n".to_vec()),
        proptest::collection::vec(any::<u8>(), 0..12),
    ];
    proptest::collection::vec(line, 0..20).prop_map(|lines| lines.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    /// Without DATA and STARTTLS, which may not be followed by anything, it does not matter how the stream is cut.
    #[test]
    fn cuts_do_not_matter(stream in conversation(), cut in 1usize..40, role in 0..3) {
        let start = || match role {
            0 => Owner::mx(),
            1 => Owner::submission(),
            _ => Owner::lmtp(),
        };
        let mut whole = start();
        let want = whole.sends(&stream);
        let mut pieces = start();
        let got: String = stream.chunks(cut).map(|piece| pieces.sends(piece)).collect();
        prop_assert_eq!(got, want);
        prop_assert_eq!(pieces.messages, whole.messages);
    }

    /// Any octets: no panic, and every line written is a reply.
    #[test]
    fn y22_any_octets(pieces in proptest::collection::vec(conversation(), 0..6), data in any::<bool>()) {
        let mut owner = Owner::mx();
        for mut piece in pieces {
            if data {
                piece.extend_from_slice(b"\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n");
            }
            for line in owner.sends(&piece).split_inclusive("\r\n") {
                prop_assert!(line.ends_with("\r\n") && line[..3].parse::<u16>().is_ok());
            }
        }
    }
}
