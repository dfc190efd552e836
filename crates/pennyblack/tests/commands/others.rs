//! Other filters as Debian has them: ClamAV's daemon (I26) and Rspamd, on a message that arrives by SMTP.

use crate::serving::skipped;
use crate::world::{Line, World};
use std::fs;
use std::net::TcpListener;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A message that has this text.
fn message(text: &str) -> String {
    format!(
        "From: Eve <eve@client.example>\nTo: alice@example.com\nSubject: look\nDate: Mon, 30 Nov 2026 10:00:00 +0000\nMessage-ID: <1@client.example>\n\n{text}\n"
    )
}

/// The reply to a message.
fn mail(world: &World, text: &str) -> String {
    Line::to(world, "smtp").mail("eve@client.example", "alice@example.com", &message(text))
}

/// A daemon that is ended with the test.
struct Daemon(Child);

impl Daemon {
    /// Starts it, and waits until it is ready.
    fn start(command: &mut Command, is_ready: impl Fn() -> bool) -> Daemon {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts");
        let start = Instant::now();
        while !is_ready() {
            let ended = child.try_wait().expect("its state");
            assert!(ended.is_none(), "{command:?} has ended: {ended:?}");
            assert!(
                start.elapsed() < Duration::from_secs(90),
                "{command:?} is not ready"
            );
            std::thread::sleep(Duration::from_millis(50));
        }
        Daemon(child)
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn is_installed(program: &str) -> bool {
    ["/usr/sbin", "/usr/bin", "/usr/local/bin"]
        .iter()
        .any(|folder| Path::new(folder).join(program).is_file())
}

/// The test file of virus scanners, in two pieces, so that none calls this source infected.
fn eicar() -> String {
    [
        "X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-",
        "STANDARD-ANTIVIRUS-TEST-FILE!$H+H*",
    ]
    .concat()
}

/// clamd(8) with one signature of our own.
fn clamd(folder: &Path) -> (Daemon, String) {
    let (database, socket) = (folder.join("signatures"), folder.join("clamd.sock"));
    fs::create_dir(&database).expect("a folder");
    let hex = |octets: &[u8]| {
        octets
            .iter()
            .map(|octet| format!("{octet:02x}"))
            .collect::<String>()
    };
    let signature = format!("Test.Eicar:0:*:{}\n", hex(eicar().as_bytes()));
    fs::write(database.join("own.ndb"), signature).expect("written");
    let configuration = folder.join("clamd.conf");
    let text = format!(
        "LocalSocket {}\nDatabaseDirectory {}\nForeground yes\n",
        socket.display(),
        database.display()
    );
    fs::write(&configuration, text).expect("written");
    let mut command = Command::new("/usr/sbin/clamd");
    command.arg("-c").arg(&configuration);
    let daemon = Daemon::start(&mut command, || UnixStream::connect(&socket).is_ok());
    (daemon, socket.to_str().expect("UTF-8").to_owned())
}

/// I26, I31: EICAR is refused by its name, by ClamAV's own daemon; when that is gone, mail still flows.
#[test]
fn i26_clamav_refuses_eicar() {
    if !is_installed("clamd") {
        return skipped("i26_clamav_refuses_eicar", "clamd");
    }
    let folder = tempfile::tempdir().expect("a folder");
    let (daemon, socket) = clamd(folder.path());
    let world = World::with(&format!(
        "gate.greylist = \"off\"\nspam.clamd = \"{socket}\"\n"
    ));
    world.add_account("alice@example.com");
    let serving = world.serve();
    assert!(mail(&world, "Nothing is wrong with this.").starts_with("250 "));
    let reply = mail(&world, &eicar());
    assert!(reply.starts_with("550 5.7.1 "), "{reply}");
    assert!(
        reply.contains("a virus: Test.Eicar.UNOFFICIAL (VIRUS "),
        "{reply}"
    );
    let told = world.run(&["explain", "refusal", reply.trim_end()]);
    assert!(
        told.out.contains("+100.00  VIRUS  Test.Eicar.UNOFFICIAL"),
        "{told:?}"
    );
    drop(daemon);
    assert!(mail(&world, &eicar()).starts_with("250 "));
    serving.until_logged("could not be looked at");
    drop(serving);
}

/// Rspamd 3.4 with nothing but the pattern that is built into it.
fn rspamd(folder: &Path) -> (Daemon, String) {
    let free = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = free.local_addr().expect("its address").to_string();
    drop(free);
    // The list of all public suffixes takes it a quarter of a minute.
    let suffixes = folder.join("suffixes");
    fs::write(&suffixes, "com\nexample\n").expect("written");
    let configuration = folder.join("rspamd.conf");
    let text = format!(
        "options {{ url_tld = \"{}\"; pidfile = \"{}\"; control_socket = \"{} mode=0600\"; filters = \"\"; \
         dns {{ nameserver = [\"127.0.0.1:1\"]; timeout = 0.1s; retransmits = 1; }} }}\n\
         logging {{ type = \"console\"; level = \"error\"; }}\nactions {{ reject = 15; add_header = 6; greylist = 4; }}\n\
         worker \"normal\" {{ bind_socket = \"{address}\"; count = 1; }}\n",
        suffixes.display(),
        folder.join("pid").display(),
        folder.join("control").display()
    );
    fs::write(&configuration, text).expect("written");
    let mut command = Command::new("/usr/bin/rspamd");
    command
        .args(["--no-fork", "--insecure", "--config"])
        .arg(&configuration);
    let ready = || std::net::TcpStream::connect(&address).is_ok();
    (Daemon::start(&mut command, ready), address.clone())
}

/// An Rspamd besides: its score counts in proportion to its own threshold.
#[test]
fn rspamd_has_a_voice() {
    if !is_installed("rspamd") {
        return skipped("rspamd_has_a_voice", "rspamd");
    }
    let folder = tempfile::tempdir().expect("a folder");
    let (daemon, address) = rspamd(folder.path());
    let world = World::with(&format!(
        "gate.greylist = \"off\"\nspam.rspamd = \"{address}\"\nspam.weights = [\"GTUBE 0\"]\n"
    ));
    world.add_account("alice@example.com");
    let serving = world.serve();
    assert!(mail(&world, "Nothing is wrong with this.").starts_with("250 "));
    let pattern = [
        "XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-",
        "STANDARD-ANTI-UBE-TEST-EMAIL*C.34X",
    ]
    .concat();
    let reply = mail(&world, &pattern);
    assert!(
        reply.starts_with("550 5.7.1 ") && reply.contains("(SPAM-SCORE "),
        "{reply}"
    );
    let told = world.run(&["explain", "refusal", reply.trim_end()]);
    assert!(told.out.contains("+15.00  RSPAMD"), "{told:?}");
    drop((daemon, serving));
}
