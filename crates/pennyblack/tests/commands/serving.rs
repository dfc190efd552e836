//! A running server: start, second start, reload, pause, stop, and what the service manager is told.

use crate::world::{Line, World};
use rustix::process::Signal;
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::process::Command;

/// X33: a second instance is refused with 75 and told who is there; without a server `status` is 1.
#[test]
fn x33_second_instance_is_refused() {
    let world = World::new();
    let none = world.run(&["status"]);
    assert_eq!(
        (none.code, none.err.as_str()),
        (1, "pennyblack: the server is not running\n")
    );
    assert!(
        !world.folder.path().join("data").exists(),
        "asking changes nothing"
    );
    let server = world.serve();
    let second = world.run(&["serve"]);
    assert_eq!(second.code, 75, "{second:?}");
    assert!(
        second
            .err
            .contains(&format!("(process {})", server.child.id())),
        "{second:?}"
    );
    assert_eq!(world.json(&["status"])["pid"], server.child.id());
}

/// A port in use is named with what to do, and the exit code is 1.
#[test]
fn ports_in_use_are_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("its address");
    let world = World::with(&format!("listen.imap.addresses = [\"{address}\"]\n"));
    let done = world.run(&["serve"]);
    assert_eq!(done.code, 1, "{done:?}");
    assert!(
        done.err.contains(&format!(
            "cannot listen on {address} (listen.imap): port {} is in use",
            address.port()
        )),
        "{done:?}"
    );
}

/// X32, X8: HUP reloads; a bad file keeps the old settings, logs every error, and the status says it.
#[test]
fn x32_reload_is_all_or_nothing() {
    let world = World::new();
    let server = world.serve();
    let mut client = Line::to(&world, "smtp");
    world.configure("limits.recipients = 500\nlisten.imap.addresses = [\"127.0.0.1:0\"]\n");
    server.signal(Signal::HUP);
    server.until_told("RELOADING=1");
    server.until_told("READY=1");
    server.until_logged("changed=limits.recipients after_restart=listen.imap.addresses");

    world.configure("limits.recipients = 7\nnonsense = 1\n");
    server.signal(Signal::HUP);
    let notice = server.until_told("reload failed");
    assert!(
        notice.contains("limits.recipients") && notice.contains("nonsense"),
        "{notice}"
    );
    assert!(client.read().starts_with("220 mx1.example.com"));
}

/// A file in which every setting there is is wrong: each is named, and the server goes on with what it had.
#[test]
fn a_file_of_nothing_but_wrong_settings_changes_nothing() {
    let world = World::new();
    let server = world.serve();
    let right = std::fs::read_to_string(world.config()).expect("the settings");
    let settings = server::config::SETTINGS.iter();
    let wrong: String = settings
        .clone()
        .map(|setting| format!("{} = {{ wrong = 1 }}\n", setting.key))
        .collect();
    std::fs::write(world.config(), wrong).expect("written");
    let done = world.run(&["config", "test"]);
    assert_eq!(done.code, 78, "{done:?}");
    let said = format!("{}{}", done.out, done.err);
    for (line, setting) in (1..).zip(settings) {
        let fault = said
            .lines()
            .find(|text| text.contains(&format!(".toml:{line}:")));
        assert!(
            fault.is_some_and(|fault| fault.contains(setting.key)),
            "{}: {fault:?}",
            setting.key
        );
    }
    server.signal(Signal::HUP);
    server.until_told("reload failed");
    std::fs::write(world.config(), right).expect("written");
    world.json(&["status"]);
    assert!(Line::to(&world, "smtp").read().starts_with("220 "));
}

/// A command's reload says what is wrong with the file and ends with 78.
#[test]
fn x32_reload_by_command() {
    let world = World::new();
    let _server = world.serve();
    world.configure("mail.quota = \"1G\"\n");
    let done = world.json(&["reload"]);
    assert_eq!(done["changed"], serde_json::json!(["mail.quota"]));
    world.add_account("a@example.com");
    assert_eq!(
        world.json(&["account", "show", "a@example.com"])["quota"],
        1 << 30
    );
}

/// X32: TERM says goodbye to idle sessions and ends with 0; STOPPING is told.
#[test]
fn x32_term_is_graceful() {
    let world = World::new();
    let mut server = world.serve();
    let mut client = Line::to(&world, "smtp");
    assert!(client.read().starts_with("220 "));
    server.signal(Signal::TERM);
    server.until_told("STOPPING=1");
    let goodbye = client.read();
    assert!(goodbye.starts_with("421 "), "{goodbye:?}");
    assert_eq!(client.read(), "");
    assert_eq!(server.wait().code(), Some(0));
    assert!(server.log().ends_with("INFO stopped\n"), "{}", server.log());
    assert!(!world.folder.path().join("data/control.sock").exists());
}

/// X32: a session in the middle of DATA is waited for; a second TERM cuts it.
#[test]
fn x32_second_term_is_fast() {
    let world = World::with("limits.shutdown = \"1h\"\n");
    world.add_account("alice@example.com");
    let mut server = world.serve();
    let mut client = Line::to(&world, "smtp");
    client.read();
    for line in [
        "HELO client.example",
        "MAIL FROM:<a@b.example>",
        "RCPT TO:<alice@example.com>",
        "DATA",
    ] {
        client.write(line);
        let reply = client.read();
        assert!(
            reply.starts_with('2') || reply.starts_with("354"),
            "{line}: {reply}"
        );
    }
    client.write("Subject: half a message");
    server.signal(Signal::TERM);
    server.until_told("STOPPING=1");
    assert!(server.still_runs());
    server.signal(Signal::TERM);
    assert_eq!(server.wait().code(), Some(0));
}

/// USR1 and USR2 are harmless.
#[test]
fn x32_user_signals_are_harmless() {
    let world = World::new();
    let mut server = world.serve();
    server.signal(Signal::USR1);
    server.signal(Signal::USR2);
    server.signal(Signal::HUP);
    server.until_told("RELOADING=1");
    assert!(server.still_runs());
}

/// X8: the watchdog is fed.
#[test]
fn x08_watchdog_is_fed() {
    let world = World::new();
    let mut command = Command::new("sh");
    command
        .arg("-c")
        .arg("WATCHDOG_USEC=300000 WATCHDOG_PID=$$ exec \"$0\" --config \"$1\" serve")
        .arg(env!("CARGO_BIN_EXE_pennyblack"))
        .arg(world.config());
    let server = world.serve_by(command);
    server.until_told("WATCHDOG=1");
    server.until_told("STATUS=0 sessions, queue 0");
    server.until_told("WATCHDOG=1");
}

/// X23, X24: health by part, and the counters.
#[test]
fn x23_health_and_metrics() {
    let world = World::new();
    assert_eq!(world.run(&["health"]).code, 1, "no server, no health");
    let _server = world.serve();
    let health = world.json(&["health"]);
    assert_eq!(health["ready"], true, "{health}");
    let metrics = world.run(&["metrics"]).out;
    assert!(metrics.contains("pennyblack_build_info"), "{metrics}");
}

/// A disk below the floor is an illness with a name (X23, S3).
#[test]
fn x23_health_names_the_part_that_is_ill() {
    let world = World::with("store.free_floor = \"1000T\"\n");
    let _server = world.serve();
    let done = world.run(&["health"]);
    assert_eq!(done.code, 1, "{done:?}");
    assert!(
        done.out
            .lines()
            .any(|line| line.starts_with("disk:") && !line.ends_with(" ok")),
        "{done:?}"
    );
}

/// A34: new SMTP sessions get 421 while paused.
#[test]
fn a34_pause_and_resume() {
    let world = World::new();
    let _server = world.serve();
    world.json(&["pause", "smtp"]);
    assert_eq!(
        world.json(&["status"])["paused"],
        serde_json::json!(["smtp"])
    );
    let refused = Line::to(&world, "smtp").read();
    assert!(refused.starts_with("421 mx1.example.com"), "{refused}");
    world.json(&["resume", "smtp"]);
    assert!(Line::to(&world, "smtp").read().starts_with("220 "));
}

/// S5: out of file descriptors, new connections are told 421; when sessions end, all is well again.
#[test]
fn s05_out_of_descriptors_degrades_and_recovers() {
    let world = World::new();
    let mut command = Command::new("sh");
    command
        .arg("-c")
        .arg("ulimit -n 64; exec \"$0\" --config \"$1\" serve")
        .arg(env!("CARGO_BIN_EXE_pennyblack"))
        .arg(world.config());
    let server = world.serve_by(command);
    let status = world.json(&["status"]);
    let address = status["listeners"][0][1].as_str().expect("an address");
    let mut clients: Vec<Line> = (0..80).map(|_| Line::at(address)).collect();
    let greetings: Vec<String> = clients.iter_mut().take(70).map(Line::read).collect();
    assert!(greetings[0].starts_with("220 "), "{greetings:?}");
    assert!(
        greetings.iter().any(|line| line.starts_with("421 ")),
        "{greetings:?}\n{}",
        server.log()
    );
    drop(clients);
    let recovered = (0..200).any(|_| Line::at(address).read().starts_with("220 "));
    assert!(recovered, "{}", server.log());
}

/// The control socket: whoever speaks nonsense gets an error and the server lives; its file is for its owner alone.
#[test]
fn control_socket_survives_nonsense() {
    let world = World::new();
    let _server = world.serve();
    let path = world.folder.path().join("data/control.sock");
    assert_eq!(
        std::fs::metadata(&path)
            .expect("the socket")
            .permissions()
            .mode()
            & 0o777,
        0o600
    );
    for nonsense in [
        "",
        "{}",
        "nonsense",
        "{\"account\":{\"show\":{}}}",
        "[[[[[[",
        "{\"service\":\"no-such\"}",
    ] {
        let mut stream = std::os::unix::net::UnixStream::connect(&path).expect("connected");
        writeln!(stream, "{nonsense}").expect("written");
        let mut reply = String::new();
        std::io::BufRead::read_line(&mut std::io::BufReader::new(stream), &mut reply)
            .expect("a reply");
        assert!(
            reply.starts_with("{\"error\":{\"kind\":\"invalid\""),
            "{nonsense}: {reply}"
        );
    }
    world.json(&["status"]);
}

/// I33: whoever is neither root nor the server's user is hung up on, even where the file lets him in: nobody else teaches the filter or
/// changes anything.
#[test]
fn i33_the_control_socket_answers_its_owner_alone() {
    use std::os::unix::process::CommandExt as _;
    const NOBODY: u32 = 65_534;
    const PYTHON: &str = "/usr/bin/python3";
    if !rustix::process::geteuid().is_root() || !std::path::Path::new(PYTHON).exists() {
        return skipped(
            "i33_the_control_socket_answers_its_owner_alone",
            "root, or python3",
        );
    }
    let world = World::new();
    let _server = world.serve();
    let socket = world.folder.path().join("data/control.sock");
    let open = |path: &std::path::Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("opened");
    };
    open(world.folder.path(), 0o755);
    open(&world.folder.path().join("data"), 0o755);
    open(&socket, 0o666);
    let program = "import socket, sys\n\
        s = socket.socket(socket.AF_UNIX)\n\
        s.connect(sys.argv[1])\n\
        try:\n    s.sendall(b'nonsense\\n')\n    print(len(s.recv(100)))\n\
        except OSError:\n    print(0)\n";
    let answered = |user: Option<u32>| {
        let mut command = std::process::Command::new(PYTHON);
        command.args(["-c", program]).arg(&socket);
        if let Some(user) = user {
            command.uid(user).gid(user);
        }
        let output = command.output().expect("it runs");
        assert!(output.status.success(), "{output:?}");
        String::from_utf8_lossy(&output.stdout)
            .trim()
            .parse::<usize>()
            .expect("a number")
    };
    assert!(answered(None) > 0);
    assert_eq!(answered(Some(NOBODY)), 0);
}

/// T13, L15: started as root, the process becomes the user of the settings, in all its threads, and cannot read the key any more.
#[test]
fn t13_privileges_are_dropped() {
    if !rustix::process::geteuid().is_root() {
        skipped("t13_privileges_are_dropped", "root");
        return;
    }
    let world = World::new();
    // A first start that stays root makes a certificate, whose key is then root's alone, and a store, which is given to the user later.
    drop(world.serve());
    let tls = world.folder.path().join("tls");
    std::fs::rename(world.folder.path().join("data/tls"), &tls).expect("moved");
    world.configure(
        "user = \"nobody\"\ntls.certificates = [{ cert = \"tls/server.pem\", key = \"tls/server.key\" }]\n",
    );
    open_to_all(&world);
    let server = world.serve();
    let key = std::fs::metadata(tls.join("server.key")).expect("the key");
    assert_eq!(
        (key.uid(), key.mode() & 0o077),
        (0, 0),
        "nobody cannot read it"
    );
    let tasks = format!("/proc/{}/task", server.child.id());
    for task in std::fs::read_dir(tasks).expect("its threads") {
        let status = std::fs::read_to_string(task.expect("a thread").path().join("status"))
            .expect("its status");
        let uid = status
            .lines()
            .find(|line| line.starts_with("Uid:"))
            .expect("its user");
        assert!(
            !uid.split_whitespace().skip(1).any(|uid| uid == "0"),
            "{uid}"
        );
        assert!(status.contains("CapEff:\t0000000000000000"), "{status}");
    }
    world.add_account("alice@example.com");
    // L15: the settings can be read again though the key cannot.
    let reloaded = world.json(&["reload"]);
    assert!(
        reloaded["warnings"][0]
            .as_str()
            .is_some_and(|w| w.contains("root alone")),
        "{reloaded}"
    );
    drop(server);
    world.add_account("bob@example.com");
    let mut again = world.serve();
    assert_eq!(
        world.json(&["account", "list"]).as_array().map(Vec::len),
        Some(2)
    );
    assert!(again.still_runs());
}

/// T13: root becomes the user `pennyblack` by itself, and where there is none it starts nothing and makes nothing.
#[test]
fn t13_root_without_a_user_is_refused() {
    let known = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    if !rustix::process::geteuid().is_root() || known.contains("pennyblack:") {
        skipped(
            "t13_root_without_a_user_is_refused",
            "root, and no user pennyblack",
        );
        return;
    }
    let world = World::with("user = \"\"\n");
    for command in [&["serve"][..], &["account", "list"]] {
        let done = world.run(command);
        assert_eq!(done.code, 78, "{done:?}");
        assert!(done.err.contains("useradd --system pennyblack"), "{done:?}");
    }
    assert!(!world.folder.path().join("data").exists());
}

/// The user must be able to walk to his data directory.
fn open_to_all(world: &World) {
    let open = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(world.folder.path(), open).expect("opened");
}

pub(crate) fn skipped(test: &str, missing: &str) {
    let line = format!("SKIPPED {test}: {missing}");
    let _ = writeln!(std::io::stderr(), "{line}");
    if let Some(path) = std::env::var_os("PENNYBLACK_SKIPPED")
        && let Ok(mut file) = std::fs::OpenOptions::new()
            .append(true)
            .create(true)
            .open(path)
    {
        let _ = writeln!(file, "{line}");
    }
}

/// A1: port 25 answers over IPv4 and over IPv6 alike.
#[test]
fn a01_both_families_are_greeted() {
    if std::net::TcpListener::bind("[::1]:0").is_err() {
        skipped("a01_both_families_are_greeted", "IPv6 on loopback");
        return;
    }
    let world = World::new();
    let text = std::fs::read_to_string(world.config()).expect("a configuration");
    let both = text.replace(
        "listen.smtp.addresses = [\"127.0.0.1:0\"]",
        "listen.smtp.addresses = [\"127.0.0.1:0\", \"[::1]:0\"]",
    );
    assert_ne!(both, text);
    std::fs::write(world.config(), both).expect("written");
    let _server = world.serve();
    let status = world.json(&["status"]);
    let listeners = status["listeners"].as_array().expect("listeners");
    let addresses: Vec<_> = listeners
        .iter()
        .filter(|each| each[0] == "smtp")
        .filter_map(|each| each[1].as_str())
        .collect();
    assert_eq!(addresses.len(), 2, "{status}");
    assert!(
        addresses
            .iter()
            .any(|address| address.starts_with("[::1]:"))
    );
    for address in addresses {
        let greeting = Line::at(address).read();
        assert!(greeting.starts_with("220 mx1.example.com "), "{greeting}");
    }
}

/// A2: a listener on one loopback address; the other one refuses.
#[test]
fn a02_a_listener_on_one_address_only() {
    let world = World::with("listen.imap.addresses = [\"lo:0\"]\n");
    let _server = world.serve();
    let status = world.json(&["status"]);
    let at = |name: &str| {
        let all = status["listeners"].as_array().expect("listeners").iter();
        let mut ours = all.filter(|each| each[0] == name);
        let first = ours.next().expect("a listener")[1].as_str();
        first.expect("an address").to_owned()
    };
    for name in ["smtp", "imap"] {
        let address: std::net::SocketAddr = at(name).parse().expect("an address");
        assert_eq!(address.ip().to_string(), "127.0.0.1");
        assert!(std::net::TcpStream::connect(address).is_ok(), "{name}");
        let other = std::net::SocketAddr::from(([127, 0, 0, 2], address.port()));
        let refused = std::net::TcpStream::connect(other).expect_err("refused");
        assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
    }
}

/// A5, X33: a PTR that is not `hostname` is a warning, one that is, is none, and no answer is neither.
#[test]
fn a05_check_host_compares_the_ptr() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let address = std::net::IpAddr::from([203, 0, 113, 7]);
    let mut zone = lab::dns::Zone::new();
    zone.ptr(address, "other.example.com")
        .address("mx1.example.com", address);
    let start = lab::dns::Server::start(zone, None);
    let dns = runtime.block_on(start).expect("a name server");
    let world = World::with(&format!("dns.servers = [\"{}\"]\n", dns.address()));
    let text = std::fs::read_to_string(world.config()).expect("read");
    let text = text.replace(
        "smtp.addresses = [\"127.0.0.1:0\"]",
        "smtp.addresses = \"203.0.113.7\"",
    );
    std::fs::write(world.config(), text).expect("written");
    let differs = world.run(&["check", "host"]);
    assert!(
        differs.code == 1
            && differs.out.starts_with(
                "warning: the PTR of 203.0.113.7 is other.example.com, and mx1.example.com is wanted"
            ),
        "{differs:?}"
    );
    let mut equal = lab::dns::Zone::new();
    equal
        .ptr(address, "mx1.example.com")
        .address("mx1.example.com", address);
    dns.edit(|zone| *zone = equal);
    let report = world.json(&["check", "host"]);
    assert_eq!(report["findings"][0]["verdict"], "equal");
    let all = world.run(&["check"]);
    assert!(all.code == 0 && all.out.contains("sound: "), "{all:?}");
    let one = world.run(&["check", "host"]).out;
    assert!(one.starts_with("ok: ") && one.lines().count() == 1, "{one}");
}

/// L23, L26, M24: the record that fits has the hash that openssl computes of the key that is served; without records nothing is wrong.
#[test]
fn l23_check_dane_prints_what_openssl_computes() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let start = lab::dns::Server::start(lab::dns::Zone::new(), None);
    let dns = runtime.block_on(start).expect("a name server");
    let world = World::with(&format!("dns.servers = [\"{}\"]\n", dns.address()));
    let idle = world.run(&["check", "dane"]);
    assert!(
        idle.code == 0 && idle.out.starts_with("ok: no server runs"),
        "{idle:?}"
    );
    let _server = world.serve();
    let report = world.json(&["check", "dane"]);
    assert_eq!(report["findings"][0]["verdict"], "absent", "{report}");
    let status = world.json(&["status"]);
    let listeners = status["listeners"].as_array().expect("listeners");
    let smtp = listeners
        .iter()
        .find(|each| each[0] == "smtp")
        .expect("smtp");
    let script = format!(
        "openssl s_client -starttls smtp -connect {} -servername mx1.example.com </dev/null 2>/dev/null | openssl x509 -noout -pubkey \
         | openssl pkey -pubin -outform DER | openssl dgst -sha256 -r",
        smtp[1].as_str().expect("an address")
    );
    let openssl = std::process::Command::new("sh")
        .args(["-c", &script])
        .output()
        .expect("openssl");
    let hash = String::from_utf8_lossy(&openssl.stdout);
    let hash = hash.split_whitespace().next().expect("a hash");
    let records = report["records"].as_array().expect("records");
    assert_eq!(
        records[0],
        format!("tlsa._dane.mx1.example.com. IN TLSA 3 1 1 {hash}")
    );
    assert!(records[1..].iter().all(|line| {
        line.as_str().is_some_and(|line| {
            line.ends_with("._tcp.mx1.example.com. IN CNAME tlsa._dane.mx1.example.com.")
        })
    }));
}

/// L24: what is served is shown; without TLSA records in DNS a new key waits for nothing.
#[test]
fn l24_tls_commands() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let start = lab::dns::Server::start(lab::dns::Zone::new(), None);
    let dns = runtime.block_on(start).expect("a name server");
    let world = World::with(&format!("dns.servers = [\"{}\"]\n", dns.address()));
    let none = world.run(&["tls", "show"]);
    assert_eq!(none.code, 1, "{none:?}");
    let _server = world.serve();
    let before = world.json(&["tls", "show"]);
    let key = before[0]["key"].as_str().expect("a key");
    let shown = world.run(&["tls", "show"]).out;
    assert!(
        shown.starts_with("mx1.example.com ") && shown.contains(key),
        "{shown}"
    );
    for (act, why) in [("switch", "no key waits"), ("cancel", "no key waits")] {
        let refused = world.run(&["tls", act]);
        assert!(
            refused.code == 1 && refused.err.contains(why),
            "{refused:?}"
        );
    }
    let after = world.json(&["tls", "rotate"]);
    assert!(
        after[0]["next"].is_null() && after[0]["key"] != key,
        "{after}"
    );
}

/// What runs at intervals can be seen and started.
#[test]
fn jobs_are_listed_and_run() {
    let world = World::new();
    let none = world.run(&["jobs", "list"]);
    assert_eq!(none.code, 1, "{none:?}");
    let server = world.serve();
    let ran = world.run(&["jobs", "run", "sweep"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.out.starts_with("nothing to do ("), "{ran:?}");
    let jobs = world.json(&["jobs", "list"]);
    let sweep = jobs.as_array().expect("a list").iter();
    let mut sweep = sweep.filter(|job| job["name"] == "sweep");
    assert_eq!(sweep.next().expect("the job")["last"]["ok"], true);
    let missing = world.run(&["jobs", "run", "nothing"]);
    assert_eq!(missing.code, 1, "{missing:?}");
    assert!(missing.err.contains("jobs list"), "{missing:?}");
    drop(server);
}
