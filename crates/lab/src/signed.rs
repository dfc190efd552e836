//! Signed zones, served by NSD and signed with the tools of ldns: an independent judge of our validation, and of DANE.
//!
//! One server on loopback is authoritative for a root of its own and for all zones below it. Delegations and DS records are made
//! here. The programs come from Debian (`nsd`, `ldnsutils`); [`Signed::missing`] says when they are not there.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// How long the server may take to answer its first question.
const START: Duration = Duration::from_secs(20);

/// How a zone is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signing<'a> {
    /// As it should be.
    Right,
    /// Not at all, and its parent says so.
    Unsigned,
    /// The first text has been replaced by the second after signing.
    Forged(&'a str, &'a str),
}

/// A zone: its name, its records (without SOA and NS), and how it is signed.
#[derive(Clone, Copy, Debug)]
pub struct Zone<'a> {
    /// Without the final dot; the root is added by itself.
    pub name: &'a str,
    /// Lines of a zone file; names without a final dot are relative to the zone.
    pub records: &'a str,
    /// How it is signed.
    pub signing: Signing<'a>,
}

/// A running server. It ends, and its folder goes, when dropped.
pub struct Signed {
    address: SocketAddr,
    folder: PathBuf,
    server: Child,
}

impl Signed {
    /// What is not installed; `None` if all is there.
    pub fn missing() -> Option<&'static str> {
        let tools = ["nsd", "ldns-keygen", "ldns-signzone"];
        tools.into_iter().find(|tool| program(tool).is_none())
    }

    /// Signs and serves the zones, whose files are kept in `folder`.
    pub async fn start(folder: &Path, zones: &[Zone<'_>]) -> io::Result<Signed> {
        fs::create_dir_all(folder)?;
        let root = Zone {
            name: "",
            records: "",
            signing: Signing::Right,
        };
        let mut all: Vec<Zone<'_>> = zones.to_vec();
        all.push(root);
        // The deepest first: a parent needs its children's DS records.
        all.sort_by_key(|zone| std::cmp::Reverse(labels(zone.name)));
        for zone in &all {
            make(folder, zone, &all)?;
        }
        let address = free_address()?;
        fs::write(
            folder.join("nsd.conf"),
            configuration(folder, address, &all),
        )?;
        let program = program("nsd").ok_or_else(|| io::Error::other("nsd is not installed"))?;
        let server = Command::new(program)
            .args(["-d", "-c"])
            .arg(folder.join("nsd.conf"))
            .stdout(Stdio::null())
            .stderr(fs::File::create(folder.join("nsd.log"))?)
            .spawn()?;
        let signed = Signed {
            address,
            folder: folder.to_path_buf(),
            server,
        };
        signed.until_answering().await?;
        Ok(signed)
    }

    /// Where it listens, over UDP and TCP.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A file with the DNSKEY records of its root.
    pub fn anchors(&self) -> PathBuf {
        self.folder.join("root.anchors")
    }

    /// Asks for the root's SOA until it comes.
    async fn until_answering(&self) -> io::Result<()> {
        const QUESTION: [u8; 17] = [0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 1];
        let socket = tokio::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let answered = async {
            let mut answer = [0; 512];
            loop {
                let _ = socket.send_to(&QUESTION, self.address).await;
                let receiving = socket.recv(&mut answer);
                let received = tokio::time::timeout(Duration::from_millis(100), receiving).await;
                // The second octet of the flags holds the response code.
                if matches!(received, Ok(Ok(length)) if length > 12 && answer[3] & 15 == 0) {
                    return;
                }
            }
        };
        tokio::time::timeout(START, answered).await.map_err(|_| {
            let log = fs::read_to_string(self.folder.join("nsd.log")).unwrap_or_default();
            io::Error::other(format!("nsd does not answer: {log}"))
        })
    }
}

impl Drop for Signed {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(["/usr/sbin".into(), "/sbin".into()]);
    folders
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
}

fn labels(name: &str) -> usize {
    name.split('.').filter(|label| !label.is_empty()).count()
}

fn is_below(child: &str, parent: &str) -> bool {
    labels(child) > labels(parent) && (parent.is_empty() || child.ends_with(&format!(".{parent}")))
}

/// Is `child` delegated by `parent`, and not by a zone between them?
fn delegates(parent: &str, child: &str, all: &[Zone<'_>]) -> bool {
    let between = |zone: &Zone<'_>| is_below(child, zone.name) && is_below(zone.name, parent);
    is_below(child, parent) && !all.iter().any(between)
}

fn absolute(name: &str) -> String {
    match name.is_empty() {
        true => ".".into(),
        false => format!("{name}."),
    }
}

fn file_name(zone: &str) -> String {
    match zone.is_empty() {
        true => "root".into(),
        false => zone.into(),
    }
}

/// Writes a zone file, and signs it.
fn make(folder: &Path, zone: &Zone<'_>, all: &[Zone<'_>]) -> io::Result<()> {
    let origin = absolute(zone.name);
    let server = match zone.name.is_empty() {
        true => "ns.root-servers-test.".to_string(),
        false => format!("ns.{origin}"),
    };
    let mut text = format!(
        "$ORIGIN {origin}\n$TTL 300\n@ SOA {server} hostmaster.invalid. 1 3600 600 86400 60\n@ NS {server}\n{server} A 127.0.0.1\n{}\n",
        zone.records
    );
    for child in all
        .iter()
        .filter(|child| delegates(zone.name, child.name, all))
    {
        let name = absolute(child.name);
        text += &format!("{name} NS ns.{name}\nns.{name} A 127.0.0.1\n");
        if child.signing != Signing::Unsigned {
            text += &fs::read_to_string(folder.join(format!("{}.ds", file_name(child.name))))?;
        }
    }
    let file = folder.join(file_name(zone.name));
    fs::write(&file, text)?;
    match zone.signing {
        Signing::Unsigned => {
            fs::rename(&file, folder.join(format!("{}.zone", file_name(zone.name))))
        }
        Signing::Right => sign(folder, zone.name, None),
        Signing::Forged(old, new) => sign(folder, zone.name, Some((old, new))),
    }
}

fn sign(folder: &Path, zone: &str, forgery: Option<(&str, &str)>) -> io::Result<()> {
    let name = file_name(zone);
    let key = run(
        folder,
        "ldns-keygen",
        &["-a", "ECDSAP256SHA256", "-k", &absolute(zone)],
    )?;
    let key = key.trim();
    fs::rename(
        folder.join(format!("{key}.ds")),
        folder.join(format!("{name}.ds")),
    )?;
    if zone.is_empty() {
        let anchors = fs::read_to_string(folder.join(format!("{key}.key")))?;
        // Without TTL and comment, as trust anchors are written.
        let anchors = anchors.split(';').next().unwrap_or_default().trim();
        fs::write(folder.join("root.anchors"), format!("{anchors}\n"))?;
    }
    run(
        folder,
        "ldns-signzone",
        &[
            "-o",
            &absolute(zone),
            "-f",
            &format!("{name}.signed"),
            &name,
            key,
        ],
    )?;
    let mut text = fs::read_to_string(folder.join(format!("{name}.signed")))?;
    if let Some((old, new)) = forgery {
        if !text.contains(old) {
            return Err(io::Error::other(format!("the zone does not contain {old}")));
        }
        text = text.replace(old, new);
    }
    fs::write(folder.join(format!("{name}.zone")), text)
}

fn run(folder: &Path, name: &str, arguments: &[&str]) -> io::Result<String> {
    let program = program(name).ok_or_else(|| io::Error::other(format!("{name} is missing")))?;
    let output = Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .output()?;
    match output.status.success() {
        true => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        false => Err(io::Error::other(format!(
            "{name}: {}",
            String::from_utf8_lossy(&output.stderr)
        ))),
    }
}

fn configuration(folder: &Path, address: SocketAddr, zones: &[Zone<'_>]) -> String {
    let folder = folder.display();
    let mut text = format!(
        "server:\n  ip-address: {}@{}\n  username: \"\"\n  chroot: \"\"\n  server-count: 1\n  database: \"\"\n  zonesdir: \"{folder}\"\n  \
         pidfile: \"{folder}/nsd.pid\"\n  xfrdfile: \"{folder}/xfrd.state\"\n  zonelistfile: \"{folder}/zone.list\"\n  xfrdir: \"{folder}\"\n\
         remote-control:\n  control-enable: no\n",
        address.ip(),
        address.port(),
    );
    for zone in zones {
        let name = absolute(zone.name);
        let file = file_name(zone.name);
        text += &format!("zone:\n  name: \"{name}\"\n  zonefile: \"{file}.zone\"\n");
    }
    text
}

/// A port that is free for UDP and TCP at this moment.
fn free_address() -> io::Result<SocketAddr> {
    for _ in 0..20 {
        let udp = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = udp.local_addr()?;
        if std::net::TcpListener::bind(address).is_ok() {
            return Ok(address);
        }
    }
    Err(io::Error::other("no port is free for UDP and TCP"))
}
