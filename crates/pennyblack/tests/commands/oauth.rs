//! Log-in with tokens of an issuer (U4, W16), which here is a few lines in the test's process.

use crate::world::{Line, Serving, World};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::sync::{Arc, Mutex};

/// An issuer that answers introspection (RFC 7662) for one client.
struct Issuer {
    port: u16,
    /// The requests so far.
    asked: Arc<Mutex<Vec<String>>>,
}

/// `mail:secret/1`, encoded as RFC 6749 §2.3.1 wants.
const CLIENT: &str = "Authorization: Basic bWFpbDpzZWNyZXQlMkYx";

impl Issuer {
    fn start() -> Issuer {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let issuer = Issuer {
            port: listener.local_addr().expect("its address").port(),
            asked: Arc::default(),
        };
        let asked = issuer.asked.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let _ = answer(stream, &asked);
            }
        });
        issuer
    }

    fn times_asked(&self) -> usize {
        self.asked.lock().unwrap().len()
    }
}

fn answer(mut stream: TcpStream, asked: &Mutex<Vec<String>>) -> std::io::Result<()> {
    let mut text = String::new();
    while !text.contains("token_type_hint=access_token") {
        let mut octets = [0; 4096];
        match stream.read(&mut octets)? {
            0 => return Ok(()),
            length => text.push_str(&String::from_utf8_lossy(&octets[..length])),
        }
    }
    let (status, said) = match text.to_lowercase().contains(&CLIENT.to_lowercase()) {
        false => ("401 Unauthorized", "{}"),
        true => ("200 OK", judged(&text)),
    };
    asked.lock().unwrap().push(text);
    let length = said.len();
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{said}"
    )
}

fn judged(request: &str) -> &'static str {
    let token = request.rsplit("token=").next().unwrap_or_default();
    match token.split('&').next() {
        Some("alice.1%2B") => {
            r#"{"active":true,"token_type":"Bearer","scope":"openid mail","email":"alice@example.com"}"#
        }
        Some("bob") => r#"{"active":true,"scope":"mail","email":"bob@example.com"}"#,
        Some("stranger") => r#"{"active":true,"scope":"mail","email":"eve@elsewhere.example"}"#,
        Some("narrow") => r#"{"active":true,"scope":"openid","email":"alice@example.com"}"#,
        Some("garbage") => "[1, 2",
        _ => r#"{"active":false}"#,
    }
}

/// A world that takes the issuer's tokens; alice and bob live in it.
fn world(issuer: &Issuer) -> (World, Serving) {
    let world = World::new();
    let secrets = world.folder.path().join("secrets");
    fs::write(&secrets, "introspection mail:secret/1\n").expect("written");
    fs::set_permissions(&secrets, fs::Permissions::from_mode(0o600)).expect("closed");
    world.configure(&format!(
        "auth.failure_delay = \"0s\"\nlisten.imap.addresses = [\"127.0.0.1:0\"]\nlisten.imap.plaintext_auth = \"loopback\"\n\
         listen.submission.plaintext_auth = \"loopback\"\n\
         auth.oauth.introspection = \"http://127.0.0.1:{}/introspect\"\nauth.oauth.secrets = \"secrets\"\nauth.oauth.scope = \"mail\"\n\
         auth.oauth.discovery = \"https://id.example.com/.well-known/openid-configuration\"\n",
        issuer.port
    ).replace("listen.submission.plaintext_auth", "# listen.submission.plaintext_auth"));
    // The usual configuration turns submission off; here it is on.
    let text = fs::read_to_string(world.config()).expect("read");
    let on = text
        .replace(
            "listen.submission.addresses = []",
            "listen.submission.addresses = [\"127.0.0.1:0\"]",
        )
        .replace("# listen.submission", "listen.submission");
    fs::write(world.config(), on).expect("written");
    let serving = world.serve();
    world.add_account("alice@example.com");
    world.add_account("bob@example.com");
    (world, serving)
}

fn oauthbearer(user: &str, token: &str) -> String {
    STANDARD.encode(format!(
        "n,a={user},\x01host=mx1.example.com\x01port=143\x01auth=Bearer {token}\x01\x01"
    ))
}

fn xoauth2(user: &str, token: &str) -> String {
    STANDARD.encode(format!("user={user}\x01auth=Bearer {token}\x01\x01"))
}

/// Says a line and gives the first answer that begins with `expected`, or fails.
#[track_caller]
fn say(line: &mut Line, words: &str, expected: &str) -> String {
    line.write(words);
    loop {
        let answer = line.read();
        if answer.starts_with(expected) {
            return answer;
        }
        assert!(
            answer.starts_with("* ") || answer.starts_with("250-"),
            "{answer:?} instead of {expected}"
        );
    }
}

fn greeted(world: &World, listener: &str) -> Line {
    let mut line = Line::to(world, listener);
    assert!(!line.read().is_empty());
    line
}

/// U4, W16: the same token opens IMAP and submission, by both mechanisms; it is asked for once and remembered.
#[test]
fn u4_w16_one_token_both_mechanisms() {
    let issuer = Issuer::start();
    let (world, serving) = world(&issuer);
    let mut imap = greeted(&world, "imap");
    let capabilities = {
        imap.write("a CAPABILITY");
        imap.read()
    };
    assert!(
        capabilities.contains("AUTH=OAUTHBEARER AUTH=XOAUTH2"),
        "{capabilities}"
    );
    imap.read();
    let first = oauthbearer("alice@example.com", "alice.1+");
    say(
        &mut imap,
        &format!("b AUTHENTICATE OAUTHBEARER {first}"),
        "b OK",
    );
    assert_eq!(issuer.times_asked(), 1);
    let mut imap = greeted(&world, "imap");
    say(&mut imap, "a AUTHENTICATE XOAUTH2", "+ ");
    say(&mut imap, &xoauth2("ALICE@example.com", "alice.1+"), "a OK");
    // The token says who it is.
    let mut imap = greeted(&world, "imap");
    let unnamed = STANDARD.encode("n,,\x01auth=Bearer bob\x01\x01");
    say(
        &mut imap,
        &format!("a AUTHENTICATE OAUTHBEARER {unnamed}"),
        "a OK",
    );
    let mut smtp = greeted(&world, "submission");
    say(&mut smtp, "EHLO client.example", "250 ");
    say(
        &mut smtp,
        &format!("AUTH XOAUTH2 {}", xoauth2("bob@example.com", "bob")),
        "235 ",
    );
    say(&mut smtp, "MAIL FROM:<bob@example.com>", "250 ");
    assert_eq!(issuer.times_asked(), 2);
    serving.until_logged("mech=OAUTHBEARER");
    assert!(!serving.log().contains("alice.1"), "no token is logged");
    serving.terminate();
}

/// RFC 7628 §3.2.2, §3.2.3: a refusal is told, and where to get another token; the client's empty answer ends it.
#[test]
fn u4_refused_tokens() {
    let issuer = Issuer::start();
    let (world, serving) = world(&issuer);
    for (user, token) in [
        ("alice@example.com", "expired"),
        ("alice@example.com", "bob"),
        ("eve@elsewhere.example", "stranger"),
        ("alice@example.com", "narrow"),
    ] {
        let mut imap = greeted(&world, "imap");
        let message = oauthbearer(user, token);
        let told = say(
            &mut imap,
            &format!("a AUTHENTICATE OAUTHBEARER {message}"),
            "+ ",
        );
        let told = STANDARD.decode(told[2..].trim()).expect("base64");
        assert_eq!(
            String::from_utf8(told).expect("text"),
            r#"{"openid-configuration":"https://id.example.com/.well-known/openid-configuration","schemes":"bearer","scope":"mail","status":"invalid_token"}"#
        );
        say(&mut imap, "AQ==", "a NO [AUTHENTICATIONFAILED]");
        let mut smtp = greeted(&world, "submission");
        say(&mut smtp, "EHLO client.example", "250 ");
        say(
            &mut smtp,
            &format!("AUTH XOAUTH2 {}", xoauth2(user, token)),
            "334 ",
        );
        say(&mut smtp, "", "535 5.7.8");
    }
    for reason in ["token", "\"token of another\"", "unknown", "scope"] {
        serving.until_logged(&format!("reason={reason}"));
    }
    let mut imap = greeted(&world, "imap");
    say(&mut imap, "a AUTHENTICATE XOAUTH2 dXNlcj1h", "a BAD");
    serving.terminate();
}

/// An issuer that cannot be asked is a temporary failure, never a wrong password; without an issuer nothing is announced.
#[test]
fn u4_issuer_away() {
    let issuer = Issuer::start();
    let (world, serving) = world(&issuer);
    let mut imap = greeted(&world, "imap");
    let message = oauthbearer("alice@example.com", "garbage");
    say(
        &mut imap,
        &format!("a AUTHENTICATE OAUTHBEARER {message}"),
        "a NO [UNAVAILABLE]",
    );
    fs::write(
        world.folder.path().join("secrets"),
        "introspection mail:wrong\n",
    )
    .expect("written");
    let message = oauthbearer("alice@example.com", "alice.1+");
    say(
        &mut imap,
        &format!("b AUTHENTICATE OAUTHBEARER {message}"),
        "b NO [UNAVAILABLE]",
    );
    serving.until_logged("is the line in auth.oauth.secrets right?");
    world.configure("listen.imap.addresses = [\"127.0.0.1:0\"]\n");
    serving.signal(rustix::process::Signal::HUP);
    serving.until_told("READY=1");
    let mut imap = Line::to(&world, "imap");
    assert!(!imap.read().contains("OAUTH"));
    serving.terminate();
}

/// W16: curl logs in with a token.
#[test]
fn w16_curl_with_a_token() {
    if Command::new("curl").arg("--version").output().is_err() {
        println!("SKIPPED: this machine lacks curl");
        return;
    }
    let issuer = Issuer::start();
    let (world, serving) = world(&issuer);
    let status = world.json(&["status"]);
    let listeners = status["listeners"].as_array().expect("listeners");
    let imap = listeners
        .iter()
        .find(|each| each[0] == "imap")
        .expect("imap");
    let url = format!("imap://{}/", imap[1].as_str().expect("an address"));
    for mechanism in ["AUTH=OAUTHBEARER", "AUTH=XOAUTH2"] {
        for (token, works) in [("alice.1+", true), ("expired", false)] {
            let output = Command::new("curl")
                .args([
                    "--silent",
                    "--show-error",
                    "--max-time",
                    "60",
                    "--login-options",
                    mechanism,
                ])
                .args([
                    "--user",
                    "alice@example.com:",
                    "--oauth2-bearer",
                    token,
                    &url,
                ])
                .output()
                .expect("curl runs");
            let said = String::from_utf8_lossy(&output.stdout).into_owned();
            assert_eq!(
                output.status.success(),
                works,
                "{mechanism} {token}: {output:?}"
            );
            assert_eq!(said.contains("INBOX"), works, "{said}");
        }
    }
    serving.terminate();
}
