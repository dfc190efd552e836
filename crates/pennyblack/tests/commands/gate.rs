//! What is done with senders before their mail is read, from outside: the commands, and what blocked clients cost.

use crate::world::{Serving, World};
use serde_json::json;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// A world in which clients from 198.51.0.0/16, who come through a proxy, are on a black list.
fn world(more: &str) -> World {
    let world = World::new();
    let lists = world.folder.path().join("spamd.conf");
    let black = world.folder.path().join("black.txt");
    fs::write(&black, "198.51.0.0/16\n").expect("written");
    fs::write(
        &lists,
        format!(
            "all:\\\n\t:bad:\nbad:\\\n\t:black:\\\n\t:msg=\"%A is on our list\":\\\n\t:method=file:\\\n\t:file={}:\n",
            black.display()
        ),
    )
    .expect("written");
    world.configure(&format!(
        "gate.lists = \"{}\"\nlisten.smtp.proxies = [\"127.0.0.1\"]\nlimits.sessions_per_address = 10000\n\
         limits.connection_rate = \"10000/1s\"\ndns.mode = \"forward\"\ndns.servers = [\"127.0.0.1:1\"]\n{more}",
        lists.display()
    ));
    world
}

/// A connection of a client that a proxy hands over (PROXY protocol, version 2).
fn client(address: &str, from: [u8; 4]) -> TcpStream {
    let mut stream = TcpStream::connect(address).expect("connected");
    let mut header = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c".to_vec();
    header.extend_from_slice(&from);
    header.extend_from_slice(&[192, 0, 2, 1, 0x30, 0x39, 0, 25]);
    stream.write_all(&header).expect("written");
    stream
        .set_read_timeout(Some(Duration::from_secs(60)))
        .expect("a timeout");
    stream
}

/// Says something and reads until some words come.
fn converse(stream: &mut TcpStream, words: &str, until: &str) -> String {
    stream.write_all(words.as_bytes()).expect("written");
    let mut said = Vec::new();
    while !String::from_utf8_lossy(&said).contains(until) {
        let mut octets = [0; 1024];
        let count = stream.read(&mut octets).expect("an answer");
        assert!(count > 0, "closed after {}", String::from_utf8_lossy(&said));
        said.extend_from_slice(&octets[..count]);
    }
    String::from_utf8_lossy(&said).into_owned()
}

pub(crate) fn smtp(world: &World) -> String {
    let status = world.json(&["status"]);
    let listeners = status["listeners"].as_array().expect("listeners");
    let found = listeners.iter().find(|each| each[0] == "smtp");
    found.expect("the listener")[1]
        .as_str()
        .expect("an address")
        .to_owned()
}

/// Resident octets.
pub(crate) fn resident(serving: &Serving) -> u64 {
    let path = format!("/proc/{}/status", serving.child.id());
    let status = fs::read_to_string(path).expect("its status");
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().nth(1));
    kilobytes
        .and_then(|n| n.parse::<u64>().ok())
        .expect("VmRSS")
        * 1024
}

/// Ticks of CPU, a hundredth of a second each.
fn ticks(serving: &Serving) -> u64 {
    let path = format!("/proc/{}/stat", serving.child.id());
    let stat = fs::read_to_string(path).expect("its state");
    let after = stat.rsplit_once(')').expect("a name").1;
    let fields: Vec<&str> = after.split_whitespace().collect();
    [11, 12]
        .iter()
        .map(|&at| fields[at].parse::<u64>().expect("a number"))
        .sum()
}

/// J13, J14, J24, J31: 400 blocked clients are kept with an octet a second, in less than 20 MB and next to no CPU; those beyond the limit are
/// answered at once.
#[test]
fn j13_400_clients_in_the_tarpit_cost_little() {
    const CLIENTS: u16 = 400;
    const SECONDS: usize = 4;
    let world = world(&format!("gate.tarpit = {CLIENTS}\n"));
    let serving = world.serve();
    // Read by now, whether the job that reads them at the start has come to it or not.
    assert_eq!(world.json(&["lists"])["lists"][0]["ranges"], json!(1));
    let address = smtp(&world);
    let before = resident(&serving);
    let began = Instant::now();
    let mut clients: Vec<TcpStream> = (0..CLIENTS)
        .map(|n| client(&address, [198, 51, (n >> 8) as u8, n as u8]))
        .collect();
    for client in &mut clients {
        client.read_exact(&mut [0]).expect("the first octet");
    }
    let used = ticks(&serving);
    let mut text = [0; SECONDS];
    clients[0].read_exact(&mut text).expect("more octets");
    assert!(
        b"220 mx1".windows(SECONDS).any(|part| part == text),
        "{text:?}"
    );
    assert!(began.elapsed() >= Duration::from_secs(SECONDS as u64));
    let (grown, used) = (
        resident(&serving).saturating_sub(before),
        ticks(&serving) - used,
    );
    println!(
        "{CLIENTS} clients: {} KB, {used} ticks in {SECONDS} s",
        grown / 1024
    );
    assert!(grown < 20 << 20, "{} KB", grown / 1024);
    assert!(used < 10 * SECONDS as u64, "{used} ticks");

    let mut beyond = client(&address, [198, 51, 200, 1]);
    let said = converse(
        &mut beyond,
        "HELO a\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<x@example.com>\r\nDATA\r\n",
        "354 ",
    );
    assert!(said.contains("250 2.1.5"), "{said}");
    let said = converse(&mut beyond, ".\r\n", " is on our list");
    assert!(
        said.contains("450 4.7.1 198.51.200.1 is on our list"),
        "{said}"
    );
}

/// What a client from there is told from the greeting to the end of a message.
fn mail(address: &str, from: [u8; 4]) -> String {
    let mut stream = client(address, from);
    let envelope = "HELO a\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<alice@example.com>\r\nDATA\r\n";
    let mut said = converse(&mut stream, envelope, "354 ");
    let message = "From: Anna <a@b.example>\r\nTo: alice@example.com\r\nSubject: noon\r\n\r\nShall we meet?\r\n.\r\nQUIT\r\n";
    stream.write_all(message.as_bytes()).expect("written");
    stream.read_to_string(&mut said).expect("the dialogue");
    said
}

/// J19: without a greylist, who is not known is served at once, and who is listed is held by an octet a second.
#[test]
fn j19_black_lists_alone() {
    let world = world("gate.greylist = \"off\"\n");
    world.add_account("alice@example.com");
    let _serving = world.serve();
    assert_eq!(world.json(&["lists"])["lists"][0]["ranges"], json!(1));
    let address = smtp(&world);
    let said = mail(&address, [192, 0, 2, 9]);
    assert!(said.contains("\r\n250 2.0.0 Ok: id="), "{said}");
    let mut listed = client(&address, [198, 51, 100, 9]);
    listed.read_exact(&mut [0]).expect("the first octet");
    let began = Instant::now();
    listed.read_exact(&mut [0; 2]).expect("two more");
    assert!(
        began.elapsed() >= Duration::from_millis(1500),
        "{:?}",
        began.elapsed()
    );
}

/// J29, J24: a list may be what a program prints, such as the routes that a BGP daemon has learned with some community.
#[test]
fn j29_a_program_prints_a_list() {
    let world = world("gate.tarpit = 0\n");
    world.add_account("alice@example.com");
    let folder = world.folder.path();
    let dump = folder.join("bgpctl");
    fs::write(
        &dump,
        "#!/bin/sh\n[ \"$*\" = \"show rib community 65066:666\" ] || exit 1\necho 192.0.2.7/32\necho 2001:db8:7::/48\n",
    )
    .expect("written");
    let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(&dump, executable).expect("executable");
    let lists = format!(
        "all:\\\n\t:bgp:\nbgp:\\\n\t:black:\\\n\t:msg=\"%A was announced as a source of spam\":\\\n\t:method=exec:\\\n\t:file=\"{} show rib community 65066:666\":\n",
        dump.display()
    );
    fs::write(folder.join("spamd.conf"), lists).expect("written");
    let _serving = world.serve();
    assert_eq!(world.json(&["lists"])["lists"][0]["ranges"], json!(2));
    let address = smtp(&world);
    let said = mail(&address, [192, 0, 2, 7]);
    let told = "450 4.7.1 192.0.2.7 was announced as a source of spam";
    assert!(said.contains(told), "{said}");
    assert!(mail(&address, [192, 0, 2, 8]).contains("\r\n250 2.0.0 Ok: id="));
}

/// J25, J30, A19: bans and the greylist are seen and changed by command, with and without a running server.
#[test]
fn j30_bans_hold_at_once_and_are_kept() {
    let world = world("");
    assert_eq!(
        world
            .run(&["ban", "add", "203.0.113.0/24", "--reason", "floods"])
            .code,
        0
    );
    assert_eq!(world.run(&["ban", "add", "0.0.0.0/0"]).code, 1);
    let _serving = world.serve();
    let address = smtp(&world);
    let mut banned = client(&address, [203, 0, 113, 7]);
    let mut said = Vec::new();
    // Closed without a word: by an end or a reset.
    let _ = banned.read_to_end(&mut said);
    assert_eq!(said, b"");

    let added = world.json(&["ban", "add", "@example.bad", "--for", "1d"]);
    assert_eq!(added[0]["network"], json!("203.0.113.0/24"));
    assert_eq!(added[1]["network"], json!("@example.bad"));
    let mut stranger = client(&address, [192, 0, 2, 9]);
    stranger
        .write_all(b"HELO a\r\nMAIL FROM:<x@example.bad>\r\nQUIT\r\n")
        .expect("written");
    let mut said = String::new();
    stranger.read_to_string(&mut said).expect("the dialogue");
    assert!(
        said.contains("550 5.7.1 Mail from x@example.bad is not accepted here"),
        "{said}"
    );
    assert_eq!(world.run(&["ban", "remove", "@example.bad"]).code, 0);
    assert_eq!(world.run(&["ban", "remove", "@example.bad"]).code, 1);
}

/// J25, J26: the greylist in the lines of spamdb; J17: the bait.
#[test]
fn j25_the_greylist_is_edited_as_with_spamdb() {
    let world = world("");
    assert_eq!(world.run(&["greylist", "-a", "192.0.2.33"]).code, 0);
    assert_eq!(world.run(&["greylist", "-t", "-a", "192.0.2.7"]).code, 0);
    let bait = world.run(&["greylist", "--bait", "trap@example.com"]);
    assert!(bait.out.contains("mailto:trap@example.com"), "{bait:?}");
    let listed = world.run(&["greylist"]).out;
    for start in [
        "WHITE|192.0.2.33|",
        "TRAPPED|192.0.2.7|",
        "SPAMTRAP|trap@example.com",
    ] {
        assert!(
            listed.lines().any(|line| line.starts_with(start)),
            "{start}: {listed}"
        );
    }
    assert_eq!(world.run(&["greylist", "-d", "192.0.2.33"]).code, 0);
    assert!(!world.run(&["greylist"]).out.contains("192.0.2.33"));
}
