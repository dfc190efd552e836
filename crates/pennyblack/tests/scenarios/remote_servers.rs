//! Mail to other people's servers: Postfix and OpenSMTPD as Debian has them, found through Debian's unbound in front of signed zones (L25, M28).
//! Whether Postfix's certificate counts is said by DANE alone: nobody else vouches for it.
//!
//! Both run in a mount namespace of their own, as root, on a loopback address each. OpenSMTPD, whose package and Postfix exclude each other, is
//! unpacked by `scripts/install-test-tools`.

use crate::internet::submit_over;
use crate::tools::{command, eventually, find, skipped, succeed};
use crate::trial::Trial;
use crate::wire::Wire;
use lab::signed::{Signed, Signing, Zone};
use std::net::{Ipv4Addr, TcpListener, TcpStream, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Where Postfix and OpenSMTPD listen.
const POSTFIX: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 21);
const OPENSMTPD: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 22);

/// Mounts are not seen outside, and all processes end with the first.
const NAMESPACES: [&str; 5] = ["--mount", "--propagation", "private", "--pid", "--fork"];

/// A program that ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // With the first process of the namespace, which `unshare` waits for, all others end.
        let id = self.0.id();
        let first = std::fs::read_to_string(format!("/proc/{id}/task/{id}/children"));
        for first in first.unwrap_or_default().split_whitespace() {
            let _ = Command::new("kill").args(["-KILL", first]).status();
        }
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts a shell script with folders and processes of its own.
fn script(folder: &Path, name: &str, text: &str) -> Running {
    let log = std::fs::File::create(folder.join(format!("{name}.log"))).expect("a log");
    let child = Command::new("unshare")
        .args(NAMESPACES)
        .args(["sh", "-ec", text])
        .env("F", folder)
        .stdin(Stdio::null())
        .stdout(log.try_clone().expect("a log"))
        .stderr(log)
        .spawn()
        .expect("unshare");
    Running(child)
}

/// What this machine lacks for these tests.
fn lacks() -> Option<&'static str> {
    let programs = ["unshare", "unbound", "openssl", "postfix"];
    let missing = programs
        .into_iter()
        .find(|program| find(program).is_none() && !Path::new("/usr/sbin").join(program).is_file());
    let root = rustix::process::geteuid().is_root();
    let may_mount = || {
        let mut unshare = Command::new("unshare");
        let status = unshare.args(NAMESPACES).arg("true").status();
        status.is_ok_and(|status| status.success())
    };
    missing
        .or_else(Signed::missing)
        .or((!root).then_some("root"))
        .or_else(|| (!may_mount()).then_some("the right to make a mount namespace"))
}

/// OpenSMTPD as it was unpacked.
fn opensmtpd() -> Option<PathBuf> {
    let program = PathBuf::from(env!("CARGO_BIN_EXE_pennyblack"));
    let target = program.ancestors().nth(2)?;
    let root = target.join("test-tools/opensmtpd");
    root.join("usr/sbin/smtpd").is_file().then_some(root)
}

/// A certificate that nobody has signed but itself, and the TLSA data `3 1 1` of its key.
fn certificate(folder: &Path) -> String {
    let script = "cd \"$F\" && openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=nobody.invalid -keyout key.pem -out cert.pem 2>/dev/null
        chmod 600 key.pem
        openssl x509 -in cert.pem -noout -pubkey | openssl pkey -pubin -outform der | openssl dgst -sha256 -r | cut -d' ' -f1";
    let said = succeed(command("sh").args(["-ec", script]).env("F", folder));
    said.trim().to_string()
}

/// A port that is free for TCP on these addresses, and for UDP.
fn free_port() -> u16 {
    for _ in 0..50 {
        let first = TcpListener::bind((POSTFIX, 0)).expect("a port");
        let port = first.local_addr().expect("an address").port();
        let udp = UdpSocket::bind((Ipv4Addr::LOCALHOST, port));
        if TcpListener::bind((OPENSMTPD, port)).is_ok() && udp.is_ok() {
            return port;
        }
    }
    panic!("no port is free");
}

fn unbound(folder: &Path, port: u16, signed: &Signed, zones: &[&str]) -> Running {
    let stubs: String = [""]
        .iter()
        .chain(zones)
        .map(|zone| {
            format!(
                "stub-zone:\n name: \"{zone}.\"\n stub-addr: {}@{}\n",
                signed.address().ip(),
                signed.address().port()
            )
        })
        .collect();
    let text = format!(
        "server:\n username: \"\"\n chroot: \"\"\n directory: \"{0}\"\n pidfile: \"{0}/unbound.pid\"\n interface: 127.0.0.1@{port}\n use-syslog: no\n \
         do-daemonize: no\n do-not-query-localhost: no\n do-ip6: no\n trust-anchor-file: \"{1}\"\n{stubs}remote-control:\n control-enable: no\n",
        folder.display(),
        signed.anchors().display()
    );
    std::fs::write(folder.join("unbound.conf"), text).expect("a file");
    script(folder, "unbound", "exec unbound -c \"$F/unbound.conf\" -d")
}

fn postfix(folder: &Path, port: u16) -> Running {
    let text = "compatibility_level = 3.6\nqueue_directory = $F/spool\ndata_directory = $F/data\ndaemon_directory = /usr/lib/postfix/sbin\ncommand_directory = /usr/sbin\n\
         mail_owner = postfix\nsetgid_group = postdrop\nmyhostname = mx.postfix.example\nmydestination =\nmynetworks =\ninet_interfaces = 127.0.0.1\n\
         inet_protocols = ipv4\nalias_maps =\nvirtual_mailbox_domains = postfix.example wrong.example\nvirtual_mailbox_maps = inline:{friend@postfix.example=box/ friend@wrong.example=wrong/}\n\
         virtual_mailbox_base = $F/mail\nvirtual_uid_maps = static:65534\nvirtual_gid_maps = static:65534\nvirtual_transport = virtual\n\
         smtpd_relay_restrictions = reject_unauth_destination\nsmtpd_tls_security_level = may\nsmtpd_tls_cert_file = $F/cert.pem\nsmtpd_tls_key_file = $F/key.pem\n\
         smtpd_tls_received_header = yes\nmaillog_file_prefixes = /tmp, /var, $F\nmaillog_file = $F/postfix.maillog\n"
    .replace("$F", &folder.display().to_string());
    std::fs::create_dir_all(folder.join("etc")).expect("a folder");
    std::fs::write(folder.join("etc/main.cf"), text).expect("a file");
    let start = format!(
        "mkdir \"$F/spool\" \"$F/data\" \"$F/mail\"; chown postfix \"$F/data\"; chown 65534:65534 \"$F/mail\"
        grep '^[a-z0-9]' /usr/share/postfix/master.cf.dist | awk '$1==\"smtp\" && $2==\"inet\" {{$1=\"{POSTFIX}:{port}\"}} NF>=8 {{$5=\"n\"; print}}' > \"$F/etc/master.cf\"
        cp -a /etc/postfix/dynamicmaps.cf* \"$F/etc/\" 2>/dev/null || true
        exec postfix -c \"$F/etc\" start-fg"
    );
    script(folder, "postfix", &start)
}

fn opensmtpd_on(folder: &Path, port: u16, root: &Path) -> Running {
    let text = format!(
        "table domains {{ opensmtpd.example }}\ntable boxes {{ \"friend@opensmtpd.example\" = box }}\n\
         table users {{ box = \"65534:65534:$F/mail2\" }}\nlisten on {OPENSMTPD} port {port} hostname mx.opensmtpd.example\n\
         action \"box\" maildir \"$F/mail2/box\" userbase <users> virtual <boxes>\nmatch from any for domain <domains> action \"box\"\n"
    )
    .replace("$F", &folder.display().to_string());
    std::fs::write(folder.join("smtpd.conf"), text).expect("a file");
    // Its users and folders are there for it alone.
    let start = format!(
        "R='{}'
        mkdir -p \"$F/mail2\" \"$F/empty\" \"$F/run\"; chown 65534:65534 \"$F/mail2\"
        (grep -v '^opensmtp' /etc/passwd; echo \"opensmtpd:x:64001:64001::$F/empty:/bin/false\"; echo \"opensmtpq:x:64002:64002::$F/empty:/bin/false\") > \"$F/passwd\"
        (grep -v '^opensmtp' /etc/group; echo opensmtpd:x:64001:; echo opensmtpq:x:64002:) > \"$F/group\"
        mount --bind \"$F/passwd\" /etc/passwd; mount --bind \"$F/group\" /etc/group; mount --bind \"$F/run\" /run
        mkdir -p /usr/libexec; mount -t tmpfs none /usr/libexec; mkdir /usr/libexec/opensmtpd; mount --bind \"$R/usr/libexec/opensmtpd\" /usr/libexec/opensmtpd
        mount -t tmpfs none /var/spool; mkdir -m 711 /var/spool/smtpd
        LD_LIBRARY_PATH=$(dirname \"$R\"/usr/lib/*/libopensmtpd.so* | head -1) exec \"$R/usr/sbin/smtpd\" -d -f \"$F/smtpd.conf\"",
        root.display()
    );
    script(folder, "opensmtpd", &start)
}

/// The servers, and a Pennyblack that sends to them.
struct World {
    trial: Trial,
    has_opensmtpd: bool,
    _signed: Signed,
    _running: Vec<Running>,
    /// The last to go.
    folder: tempfile::TempDir,
}

impl World {
    fn start() -> World {
        let folder = tempfile::tempdir().expect("a folder");
        let inside = folder.path();
        // Servers that give up root have to find their files.
        succeed(command("chmod").arg("755").arg(inside));
        let port = free_port();
        let key = certificate(inside);
        let wrong = "00".repeat(32);
        let of = |address: Ipv4Addr, key: &str| {
            format!("@ MX 10 mx\nmx A {address}\n_{port}._tcp.mx TLSA 3 1 1 {key}\n")
        };
        let records = [
            ("postfix.example", of(POSTFIX, &key)),
            // Debian's OpenSMTPD and OpenSSL 3 do not shake hands over TLS.
            (
                "opensmtpd.example",
                format!("@ MX 10 mx\nmx A {OPENSMTPD}\n"),
            ),
            ("wrong.example", of(POSTFIX, &wrong)),
        ];
        let zones: Vec<Zone<'_>> = records
            .iter()
            .map(|(name, records)| Zone {
                name,
                records,
                signing: Signing::Right,
            })
            .collect();
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let signed = runtime
            .block_on(Signed::start(&inside.join("zones"), &zones))
            .expect("signed zones");
        let names: Vec<&str> = records.iter().map(|(name, _)| *name).collect();
        let mut running = vec![
            unbound(inside, port, &signed, &names),
            postfix(inside, port),
        ];
        let opensmtpd = opensmtpd();
        running.extend(
            opensmtpd
                .as_deref()
                .map(|root| opensmtpd_on(inside, port, root)),
        );
        let mut listening = vec![POSTFIX];
        listening.extend(opensmtpd.is_some().then_some(OPENSMTPD));
        for address in listening {
            eventually("a mail server that listens", || {
                TcpStream::connect((address, port)).ok()
            });
        }
        let settings = format!(
            "queue.port = {port}\nqueue.allow_private = true\ndns.mode = \"forward\"\ndns.servers = [\"127.0.0.1:{port}\"]\ndns.validate = true\n\
             dns.trust_anchor = {:?}\ndns.allow_private = true\n",
            signed.anchors()
        );
        let data = inside.join("server");
        std::fs::create_dir(&data).expect("a folder");
        World {
            trial: Trial::serve(&data, &settings),
            has_opensmtpd: opensmtpd.is_some(),
            folder,
            _signed: signed,
            _running: running,
        }
    }

    /// The only message in a maildir, once it has come.
    fn delivered(&self, maildir: &str) -> String {
        let new = self.folder.path().join(maildir).join("new");
        eventually(maildir, || {
            let file = std::fs::read_dir(&new).ok()?.next()?.ok()?;
            std::fs::read_to_string(file.path()).ok()
        })
    }

    fn queue(&self) -> serde_json::Value {
        let said = succeed(&mut self.trial.command(&["queue", "list", "--json"]));
        serde_json::from_str(&said).expect("JSON")
    }
}

/// All that is in somebody's INBOX.
fn inbox(trial: &Trial, user: &str) -> String {
    let mut wire = Wire::open(trial, "imap");
    wire.line().expect("a greeting");
    let login = format!("a LOGIN {user} \"{}\"\r\n", trial.password(user));
    for command in [login.as_str(), "a EXAMINE INBOX\r\n"] {
        wire.send(command.as_bytes());
        let answer = wire.tagged("a").expect("an answer");
        assert!(answer.starts_with("a OK"), "{answer}");
    }
    wire.send(b"b FETCH 1:* BODY.PEEK[]\r\n");
    let mut text = String::new();
    loop {
        let line = wire.line().expect("an answer");
        if line.starts_with("b ") {
            return text;
        }
        text += &line;
        text.push('\n');
    }
}

/// L25: the key that the signed zone names is enough; another one holds the mail, and `queue list` says why.
#[test]
fn l25_postfix_behind_dane_and_opensmtpd_without() {
    if let Some(missing) = lacks() {
        return skipped(missing);
    }
    let world = World::start();
    for domain in ["postfix", "wrong"] {
        submit_over(
            &world.trial,
            "submission",
            &format!("friend@{domain}.example"),
            "Grüße",
        );
    }
    let text = world.delivered("mail/box");
    assert!(
        text.contains("using TLSv1.3") && text.contains("Subject: Grüße"),
        "{text}"
    );
    let held = eventually("one that waits", || {
        let queue = world.queue();
        let only = queue.as_array().filter(|queue| queue.len() == 1)?;
        let text = only[0].to_string();
        text.contains("DANE").then_some(text)
    });
    assert!(held.contains("friend@wrong.example"), "{held}");
    assert!(!world.folder.path().join("mail/wrong").exists());

    if !world.has_opensmtpd {
        return skipped("OpenSMTPD (scripts/install-test-tools unpacks it)");
    }
    submit_over(
        &world.trial,
        "submission",
        "friend@opensmtpd.example",
        "Grüße",
    );
    let text = world.delivered("mail2/box");
    assert!(text.contains("Subject: Grüße"), "{text}");
}

/// C14: the words of real servers, in the notices.
#[test]
fn c14_unknown_users_of_postfix_and_opensmtpd() {
    if let Some(missing) = lacks() {
        return skipped(missing);
    }
    let world = World::start();
    let mut expected = vec![("postfix", "User unknown")];
    expected.extend(
        world
            .has_opensmtpd
            .then_some(("opensmtpd", "Mailing list expansion problem")),
    );
    for (server, words) in expected {
        let to = format!("nobody@{server}.example");
        submit_over(&world.trial, "submission", &to, "to nobody");
        let notice = eventually("a notice", || {
            let text = inbox(&world.trial, "bob@example.test");
            (text.contains(&to) && text.contains("Action: failed")).then_some(text)
        });
        assert!(
            notice.contains(words) && notice.contains("There is no such address at"),
            "{notice}"
        );
    }
}
