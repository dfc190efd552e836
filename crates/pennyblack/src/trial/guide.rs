//! What a trial says when it is ready: one line of JSON for programs, or a page for people.

use super::home::{Home, Person};
use serde::Serialize;
use server::run::Server;
use std::fmt::Write;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Where everything is.
#[derive(Serialize)]
pub(crate) struct Ready {
    ready: bool,
    pid: u32,
    data: PathBuf,
    ca: PathBuf,
    config: PathBuf,
    ports: Listening,
    accounts: Vec<Person>,
    #[serde(skip)]
    thrown_away: bool,
}

/// The port of each service.
#[derive(Serialize)]
struct Listening {
    smtp: u16,
    submission: u16,
    submissions: u16,
    imap: u16,
    imaps: u16,
    lmtp: u16,
    managesieve: u16,
    dns: u16,
}

impl Ready {
    /// Collects what a person needs to know of a server that runs.
    pub(crate) fn new(
        home: &Home,
        config: PathBuf,
        server: &Server,
        dns: SocketAddr,
        accounts: Vec<Person>,
    ) -> Ready {
        let bound = server.addresses();
        let port = |addresses: &[SocketAddr]| addresses.first().map_or(0, SocketAddr::port);
        Ready {
            ready: true,
            pid: std::process::id(),
            data: home.folder().to_owned(),
            ca: home.folder().join("tls").join("ca.pem"),
            config,
            ports: Listening {
                smtp: port(&bound.smtp),
                submission: port(&bound.submission),
                submissions: port(&bound.submissions),
                imap: port(&bound.imap),
                imaps: port(&bound.imaps),
                lmtp: port(&bound.lmtp),
                managesieve: port(&bound.managesieve),
                dns: dns.port(),
            },
            accounts,
            thrown_away: home.is_thrown_away(),
        }
    }

    /// One line for programs.
    pub(crate) fn json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// A page for people. `moved`: the usual ports were taken.
    pub(crate) fn text(&self, moved: bool) -> String {
        let mut page = String::from("\nPennyblack is running. Nothing leaves this machine.\n\n");
        if moved {
            page += "The usual ports (1025, 1143 ...) are taken by another program: this trial uses the next free block.\n\n";
        }
        self.list_people(&mut page);
        self.list_ports(&mut page);
        self.list_examples(&mut page);
        page + self.farewell()
    }

    fn list_people(&self, page: &mut String) {
        *page += "  accounts (the address is the log-in name)\n";
        for person in &self.accounts {
            let _ = writeln!(page, "    {:<22} {}", person.address, person.password);
        }
    }

    fn list_ports(&self, page: &mut String) {
        let ports = &self.ports;
        let _ = write!(
            page,
            "\n  on localhost\n\
             \x20   SMTP {}   submission {} (STARTTLS), {} (TLS)   IMAP {} (STARTTLS), {} (TLS)   LMTP {}   ManageSieve {}   DNS {}\n\
             \x20   certificate authority: {}\n\
             \x20   data: {}\n",
            ports.smtp,
            ports.submission,
            ports.submissions,
            ports.imap,
            ports.imaps,
            ports.lmtp,
            ports.managesieve,
            ports.dns,
            self.ca.display(),
            self.data.display(),
        );
    }

    fn list_examples(&self, page: &mut String) {
        let (ports, ca, data) = (&self.ports, self.ca.display(), self.data.display());
        let Some(Person {
            address, password, ..
        }) = self.accounts.first()
        else {
            return;
        };
        let login = address.replace('@', "%40");
        let _ = write!(
            page,
            "\n  try\n\
             \x20   swaks --to {address} --server localhost:{smtp}\n\
             \x20   curl --cacert {ca} --user {address}:{password} 'imaps://localhost:{imaps}/INBOX;MAILINDEX=1'\n\
             \x20   mutt -e 'set ssl_ca_certificates_file={ca}' -f imaps://{login}:{password}@localhost:{imaps}/\n\
             \x20   swaks --from {address} --to greylist@shop.example --server localhost:{submission} -tls \\\n\
             \x20         --auth-user {address} --auth-password {password}\n\
             \x20   pennyblack --data {data} queue list\n\n\
             \x20 Mail to any other domain goes to a pretend Internet. The local part says what happens there:\n\
             \x20   bounce@      refused, a notice comes back     greylist@   deferred once, then taken\n\
             \x20   slow@        taken, octet by octet            full@       the mailbox there is full\n\
             \x20   no-starttls@ taken without encryption         anything else is delivered: {data}/internet\n",
            smtp = ports.smtp,
            imaps = ports.imaps,
            submission = ports.submission,
        );
    }

    fn farewell(&self) -> &'static str {
        if self.thrown_away {
            "\nCtrl-C stops it and removes everything.\n"
        } else {
            "\nCtrl-C stops it. The mail is kept and is there again at the next start.\n"
        }
    }
}
