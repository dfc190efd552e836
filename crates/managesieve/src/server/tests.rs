//! Sessions as conversations, with an owner who knows one password and keeps scripts in memory.

use super::*;
use proptest::prelude::*;

/// Plays the owner; the password is `secret`.
struct Owner {
    session: Session,
    scripts: Vec<(String, Vec<u8>)>,
}

fn offer() -> Offer {
    Offer {
        sieve: "fileinto vacation".into(),
        notify: "mailto".into(),
        redirects: 4,
        largest_script: 100,
    }
}

impl Owner {
    fn new(security: Security, mechanisms: Vec<&'static str>) -> Owner {
        let mut session = Session::new(offer(), security, mechanisms);
        session.take_output();
        Owner {
            session,
            scripts: Vec::new(),
        }
    }

    fn logged_in() -> Owner {
        let mut owner = Owner::new(Security::Tls, vec!["PLAIN"]);
        let said = owner.says("AUTHENTICATE \"PLAIN\" \"c2VjcmV0\"\r\n");
        assert_eq!(said, "OK \"Logged in.\"\r\n");
        owner
    }

    fn says(&mut self, text: &str) -> String {
        String::from_utf8(self.sends(text.as_bytes())).unwrap()
    }

    fn sends(&mut self, octets: &[u8]) -> Vec<u8> {
        self.session.feed(octets);
        loop {
            match self.session.next_event() {
                Event::NeedInput | Event::Close(_) => return self.session.take_output(),
                event => self.answer(event),
            }
        }
    }

    fn answer(&mut self, event: Event) {
        match event {
            Event::StartTls => self.session.secured(vec!["PLAIN"]),
            Event::Authenticate { initial: None, .. } => self.session.challenge(b"?"),
            Event::Authenticate {
                initial: Some(response),
                ..
            }
            | Event::AuthResponse(response) => match response == b"secret" {
                true => self.session.logged_in("alice@example.com", None),
                false => self.session.login_failed(&Response::no("Wrong.")),
            },
            Event::Command(command) => self.command(command),
            _ => {}
        }
    }

    fn command(&mut self, command: Command) {
        match command {
            Command::PutScript(name, content) => {
                self.scripts.push((name.as_str().into(), content));
            }
            Command::ListScripts => {
                for (index, (name, _)) in self.scripts.iter().enumerate() {
                    let name = ScriptName::parse(name).unwrap();
                    self.session.listed(&name, index == 0);
                }
            }
            Command::GetScript(_) => self.session.script(&self.scripts[0].1),
            _ => {}
        }
        self.session.respond(&Response::ok());
    }
}

/// §1.7: what the greeting says before TLS, after it, and after a log-in.
#[test]
fn h36_capabilities_follow_the_state() {
    let mut session = Session::new(offer(), Security::Clear, Vec::new());
    assert_eq!(
        String::from_utf8(session.take_output()).unwrap(),
        "\"IMPLEMENTATION\" \"Pennyblack\"\r\n\"SASL\" \"\"\r\n\"SIEVE\" \"fileinto vacation\"\r\n\"NOTIFY\" \"mailto\"\r\n\
         \"MAXREDIRECTS\" \"4\"\r\n\"UNAUTHENTICATE\"\r\n\"VERSION\" \"1.0\"\r\n\"STARTTLS\"\r\nOK \"ManageSieve ready.\"\r\n"
    );
    let mut owner = Owner::new(Security::Clear, Vec::new());
    let said = owner.says("STARTTLS\r\nLOGOUT\r\n");
    assert!(
        said.starts_with("OK \"Begin TLS.\"\r\n\"IMPLEMENTATION\""),
        "{said}"
    );
    assert!(said.contains("\"SASL\" \"PLAIN\"\r\n") && !said.contains("STARTTLS"));
    assert!(
        said.ends_with("OK \"TLS is active.\"\r\n"),
        "what was sent in clear is forgotten: {said}"
    );
    assert!(owner.says("STARTTLS\r\n").starts_with("NO "));
    let said = Owner::logged_in().says("CAPABILITY\r\n");
    assert!(said.contains("\"OWNER\" \"alice@example.com\"\r\n") && !said.contains("SASL"));
}

/// §2.1
#[test]
fn h36_log_ins() {
    let mut owner = Owner::new(Security::Tls, vec!["PLAIN"]);
    assert_eq!(owner.says("AUTHENTICATE \"PLAIN\"\r\n"), "\"Pw==\"\r\n");
    assert!(owner.says("\"*\"\r\n").starts_with("NO \"Log-in cancelled"));
    assert_eq!(owner.says("authenticate \"plain\"\r\n"), "\"Pw==\"\r\n");
    assert_eq!(owner.says("{8+}\r\nc2VjcmV0\r\n"), "OK \"Logged in.\"\r\n");
    assert!(owner.says("AUTHENTICATE \"PLAIN\"\r\n").starts_with("NO "));
    assert_eq!(owner.says("UNAUTHENTICATE\r\n"), "OK\r\n");
    assert!(
        owner
            .says("LISTSCRIPTS\r\n")
            .starts_with("NO \"Log in first")
    );
    assert!(owner.says("UNAUTHENTICATE\r\n").starts_with("NO "));
    for wrong in ["\"CRAM-MD5\"", "\"PLAIN\" \"???\""] {
        assert!(
            owner
                .says(&format!("AUTHENTICATE {wrong}\r\n"))
                .starts_with("NO ")
        );
    }
}

/// No mechanism is offered in clear, so nothing but STARTTLS leads on.
#[test]
fn h36_without_tls_there_is_no_log_in() {
    let mut owner = Owner::new(Security::Clear, Vec::new());
    for command in [
        "AUTHENTICATE \"PLAIN\" \"c2VjcmV0\"",
        "PUTSCRIPT \"a\" \"keep;\"",
    ] {
        let said = owner.says(&format!("{command}\r\n"));
        assert!(said.starts_with("NO (ENCRYPT-NEEDED) "), "{said}");
    }
}

#[test]
fn h36_scripts_go_both_ways() {
    let mut owner = Owner::logged_in();
    assert_eq!(
        owner.says("PUTSCRIPT \"a \\\"b\" {7+}\r\nLOGOUT\n\r\n"),
        "OK\r\n"
    );
    assert_eq!(owner.says("PUTSCRIPT \"c\" \"keep;\"\r\n"), "OK\r\n");
    assert_eq!(
        owner.says("LISTSCRIPTS\r\n"),
        "\"a \\\"b\" ACTIVE\r\n\"c\"\r\nOK\r\n"
    );
    assert_eq!(
        owner.says("GETSCRIPT \"a\"\r\n"),
        "{7}\r\nLOGOUT\n\r\nOK\r\n"
    );
    assert_eq!(
        owner.says("NOOP \"x\"\r\nLOGOUT\r\nNOOP\r\n"),
        "OK (TAG \"x\") \"Done.\"\r\nOK \"Goodbye.\"\r\n"
    );
}

/// H31
#[test]
fn h31_large_scripts_are_refused_and_very_large_ones_end_the_session() {
    let mut owner = Owner::logged_in();
    let script = "x".repeat(100 + 4096);
    let said = owner.says(&format!(
        "PUTSCRIPT \"a\" {{{}+}}\r\n{script}\r\n",
        script.len()
    ));
    assert_eq!(
        said,
        "NO (QUOTA/MAXSIZE) \"This is larger than the 4196 octets accepted here.\"\r\n"
    );
    assert_eq!(owner.says("LISTSCRIPTS\r\n"), "OK\r\n");
    assert!(
        owner
            .says("PUTSCRIPT \"a\" {99999+}\r\n")
            .starts_with("BYE ")
    );
}

#[test]
fn sessions_end_after_too_many_errors() {
    let mut owner = Owner::new(Security::Tls, vec!["PLAIN"]);
    let said = owner.says(&"WHAT\r\n".repeat(20));
    assert_eq!(
        (said.matches("NO ").count(), said.matches("BYE ").count()),
        (10, 1)
    );
    let mut owner = Owner::new(Security::Tls, vec!["PLAIN"]);
    let said = owner.says(&"AUTHENTICATE \"PLAIN\" \"bm8=\"\r\n".repeat(20));
    assert_eq!(
        (said.matches("NO ").count(), said.matches("BYE ").count()),
        (4, 1)
    );
    let mut owner = Owner::new(Security::Tls, vec!["PLAIN"]);
    assert!(
        owner
            .says(&"NOOP\r\n".repeat(101))
            .ends_with("BYE \"Too many commands without a log-in.\"\r\n")
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    /// Any octets: no panic, and a session that ends says so.
    #[test]
    fn any_octets(octets in proptest::collection::vec(any::<u8>(), 0..300), lines in "(LISTSCRIPTS|PUTSCRIPT \"a\"| \\{3\\+\\}|\r\n|\"|x){0,30}") {
        let mut owner = Owner::logged_in();
        let mut sent = lines.into_bytes();
        sent.extend_from_slice(&octets);
        owner.sends(&sent);
        let mut owner = Owner::new(Security::Clear, Vec::new());
        owner.sends(&octets);
    }
}
