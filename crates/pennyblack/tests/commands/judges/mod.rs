//! Other people's programs judge beside ours: pyspf and dkimpy, over the lab's DNS (K12, K13, K18).

use super::world::World;
use lab::dns::{Fault, Server, Zone};
use serde::Deserialize;
use std::io::Write as _;
use std::process::{Command, Stdio};
use tokio::runtime::Runtime;

/// Records of many kinds, right and wrong.
const RECORDS: &str = "
example.com TXT v=spf1 ip4:192.0.2.0/24 a mx include:inc.example -all
example.com A 203.0.113.5
example.com MX 10 mail.example.com
mail.example.com A 203.0.113.6
mail.example.com AAAA 2001:db8::6
inc.example TXT v=spf1 ip6:2001:db8:1::/48 ?ip4:198.51.100.1 ~all
two.example TXT v=spf1 -all
two.example TXT v=spf1 ~all
bad.example TXT v=spf1 ip4:1.2.3 -all
loop.example TXT v=spf1 include:loop.example -all
redirect.example TXT v=spf1 redirect=example.com
nowhere.example TXT v=spf1 redirect=none.example
macro.example TXT v=spf1 exists:%{ir}.%{v}.arpa.%{d} -all
1.2.0.192.in-addr.arpa.macro.example A 127.0.0.2
local.example TXT v=spf1 exists:%{l}.%{o}.users.example -all
bob.local.example.users.example A 127.0.0.2
incaway.example TXT v=spf1 include:away.example -all
void.example TXT v=spf1 a:n1.void.example a:n2.void.example a:n3.void.example -all
other.example TXT hello
upper.example TXT V=SPF1 IP4:192.0.2.1 -ALL
cidr.example TXT v=spf1 a:mail.example.com/24//64 -all
many.example TXT v=spf1 a:a1.x a:a2.x a:a3.x a:a4.x a:a5.x a:a6.x a:a7.x a:a8.x a:a9.x a:a10.x a:a11.x -all
helo.example TXT v=spf1 ip4:192.0.2.1 -all
empty.example TXT v=spf1
all.example TXT v=spf1 +all
";
const CLIENTS: [&str; 3] = ["192.0.2.1", "203.0.113.6", "2001:db8:1::1"];

/// RFC 8463 Appendix A.2.
const SEED: &str = "nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=";
const ED25519: &str = "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";

/// `None`: the judge is not installed.
fn python(script: &str, modules: &str, arguments: &[&str], input: &str) -> Option<String> {
    let there = Command::new("/usr/bin/python3")
        .args(["-c", &format!("import {modules}")])
        .stderr(Stdio::null())
        .status();
    if !there.is_ok_and(|status| status.success()) {
        eprintln!("SKIPPED judges: Python has no {modules}");
        return None;
    }
    let mut judge = Command::new("/usr/bin/python3")
        .arg(format!(
            "{}/tests/commands/judges/{script}",
            env!("CARGO_MANIFEST_DIR")
        ))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut pipe = judge.stdin.take().expect("a pipe");
    pipe.write_all(input.as_bytes()).expect("it reads");
    drop(pipe);
    let said = judge.wait_with_output().expect("it ends");
    assert!(said.status.success(), "{script} fails");
    Some(String::from_utf8(said.stdout).expect("text"))
}

/// A name server for as long as the runtime lives.
fn serve(runtime: &Runtime, zone: Zone) -> Server {
    runtime
        .block_on(Server::start(zone, None))
        .expect("a name server")
}

/// K13: the same result as pyspf for every record and client.
#[test]
fn k13_pyspf_agrees() {
    let runtime = Runtime::new().expect("a runtime");
    let mut zone = Zone::parse(RECORDS).expect("a zone");
    zone.fault("away.example", Some(Fault::Fails));
    let server = serve(&runtime, zone);
    let mut names: Vec<&str> = RECORDS
        .lines()
        .filter(|line| line.contains(" TXT "))
        .filter_map(|line| line.split(' ').next())
        .collect();
    names.dedup();
    let mut cases: Vec<String> = Vec::new();
    for name in names.iter().chain(&["away.example", "none.example"]) {
        let clients = CLIENTS.iter();
        cases.extend(clients.map(|client| format!("{client} mail.example.net bob@{name}")));
    }
    cases.push("192.0.2.1 helo.example <>".into());
    cases.push("192.0.2.2 helo.example <>".into());
    let address = server.address();
    let (host, port) = (address.ip().to_string(), address.port().to_string());
    let input = cases.join("\n") + "\n";
    let Some(theirs) = python("pyspf.py", "spf, dns.query", &[&host, &port], &input) else {
        return;
    };
    let world = World::new();
    let resolver = address.to_string();
    let mut wrong = Vec::new();
    for (case, theirs) in cases.iter().zip(theirs.lines()) {
        let words: Vec<&str> = case.split(' ').collect();
        let ours = world.run(&[
            "auth",
            "spf",
            words[0],
            words[1],
            words[2],
            "--resolver",
            &resolver,
        ]);
        let ours = ours.out.lines().next().unwrap_or_default().to_string();
        if ours != theirs {
            wrong.push(format!("{case}: {ours}, pyspf says {theirs}"));
        }
    }
    assert!(cases.len() > 60 && theirs.lines().count() == cases.len());
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[derive(Deserialize)]
struct Letter {
    name: String,
    file: String,
    dkim: Vec<bool>,
    arc: String,
}

fn openssl(arguments: &[&str]) -> Option<Vec<u8>> {
    let out = Command::new("openssl")
        .args(arguments)
        .stderr(Stdio::null())
        .output();
    out.ok()
        .filter(|out| out.status.success())
        .map(|out| out.stdout)
}

/// K12, K18: what dkimpy has signed and sealed, and what became of it on the way, is judged as dkimpy does.
#[test]
fn k12_k18_dkimpy_agrees() {
    let world = World::new();
    let folder = world.folder.path();
    let pem = folder.join("key.pem");
    let pem = pem.to_str().expect("text");
    let made = openssl(&["genrsa", "-traditional", "-out", pem, "2048"]);
    let public = made.and_then(|_| openssl(&["rsa", "-in", pem, "-pubout"]));
    let Some(public) = public else {
        eprintln!("SKIPPED k12_k18_dkimpy_agrees: openssl is not installed");
        return;
    };
    let public = String::from_utf8(public).expect("PEM");
    let public: String = public
        .lines()
        .filter(|line| !line.starts_with('-'))
        .collect();
    let rsa = format!("v=DKIM1; k=rsa; p={public}");
    let letters = folder.to_str().expect("text");
    let Some(made) = python(
        "dkimpy.py",
        "dkim, nacl",
        &[pem, &rsa, SEED, ED25519, letters],
        "",
    ) else {
        return;
    };
    let letters: Vec<Letter> = serde_json::from_str(&made).expect("JSON");
    let runtime = Runtime::new().expect("a runtime");
    let mut zone = Zone::new();
    zone.txt("r._domainkey.signer.example", &rsa);
    zone.txt("e._domainkey.signer.example", ED25519);
    let server = serve(&runtime, zone);
    let resolver = server.address().to_string();
    let mut wrong = Vec::new();
    for letter in &letters {
        let path = letter.file.as_str();
        let dkim = world.json(&["auth", "dkim", "verify", path, "--resolver", &resolver]);
        let results: Vec<bool> = dkim["signatures"]
            .as_array()
            .map(|all| all.iter().map(|one| one["result"] == "pass").collect())
            .unwrap_or_default();
        let arc = world.run(&["auth", "arc", "verify", path, "--resolver", &resolver]);
        let arc = arc.out.lines().next().unwrap_or_default().to_string();
        // dkimpy sees no chain where a set is incomplete; RFC 8617 §5.2 step 3 has it fail.
        let chain = match letter.name.ends_with("set missing") {
            true => "fail",
            false => letter.arc.as_str(),
        };
        if results != letter.dkim || arc != chain {
            wrong.push(format!(
                "{}: {results:?} {arc}, dkimpy says {:?} {}",
                letter.name, letter.dkim, letter.arc
            ));
        }
    }
    assert!(letters.len() > 30, "only {} letters", letters.len());
    assert!(wrong.is_empty(), "{wrong:#?}");
}
