//! `pennyblack trial`: the front door. A whole server with two accounts, sample mail and a pretend Internet, without root, DNS
//! or network (catalogue V17).
//!
//! A trial is an ordinary server: it writes an ordinary configuration file into its folder and starts with that. Only the name
//! server that the file names, and the mail servers that this leads to, are pretended ones (the `lab` crate).

mod guide;
mod home;
mod ports;
mod samples;

use crate::cli::Global;
use crate::outcome::{Failure, Outcome};
use home::{Home, Person};
use ports::Ports;
use server::config::{Config, Loaded};
use server::run::{Parts, Server};
use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;
use store::account::NewAccount;
use store::domain::Domain;

/// The domain of a trial (RFC 2606 keeps `.test` for such things).
const DOMAIN: &str = "example.test";
/// The configuration file within a trial's folder.
pub(crate) const CONFIG_FILE: &str = "pennyblack.toml";

/// What `pennyblack trial` can be told.
#[derive(clap::Args, Debug)]
pub(crate) struct Options {
    /// Keep nothing: data go to a temporary folder that is removed at the end
    #[arg(long, conflicts_with_all = ["data", "keep"])]
    throw_away: bool,
    /// Keep the data in the usual folder (this is what happens if nothing is said)
    #[arg(long)]
    keep: bool,
    /// The number that takes the place of 1000 in the ports (3000: SMTP is 3025, IMAP 3143 …); 0: any free ports
    #[arg(long, value_name = "N")]
    port_base: Option<u16>,
}

/// Runs a trial until SIGTERM or SIGINT.
pub(crate) fn run(options: &Options, global: &Global) -> Outcome {
    let ports = Ports::choose(options.port_base).map_err(Failure::failed)?;
    let home = open_home(options, global.data.as_deref())?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|why| Failure::failed(format!("cannot start the runtime: {why}")))?;
    runtime.block_on(serve(&home, ports, global.json))
}

fn open_home(options: &Options, data: Option<&Path>) -> Result<Home, Failure> {
    let home = match data {
        _ if options.throw_away => Home::throw_away(),
        Some(folder) => Home::keep(folder),
        None => Home::keep(&Home::usual()),
    };
    home.map_err(|why| Failure::failed(format!("cannot make the folder of the trial: {why}")))
}

async fn serve(home: &Home, ports: Ports, json: bool) -> Outcome {
    let folder = Some(home.folder().join("internet"));
    let internet = lab::Internet::start(lab::Options {
        dns_port: ports.dns(),
        folder,
        ..lab::Options::default()
    });
    let internet = internet
        .await
        .map_err(|why| Failure::failed(format!("cannot start the pretend Internet: {why}")))?;
    let loaded = configure(home, ports, &internet)?;
    let _flush = server::log::start(&loaded.config.log);
    let parts = Parts {
        file: Some(loaded.path.clone()),
        ..Parts::real()
    };
    let server = Server::start(loaded.config, parts).await;
    let server = server.map_err(|why| Failure::with_code(why.exit_code(), why))?;
    let people = home
        .people()
        .map_err(|why| Failure::failed(format!("{}: {why}", home.folder().display())))?;
    populate(&server, &people)
        .await
        .map_err(|why| Failure::failed(format!("cannot make the sample accounts: {why}")))?;
    announce(
        &guide::Ready::new(home, loaded.path, &server, internet.resolver(), people),
        ports,
        json,
    );
    server.run_until_signal().await.map_err(Failure::failed)?;
    Ok(ExitCode::SUCCESS)
}

fn announce(ready: &guide::Ready, ports: Ports, json: bool) {
    use std::io::Write;
    let text = if json {
        ready.json()
    } else {
        ready.text(ports.moved())
    };
    // Nobody may be reading; the server serves all the same.
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{text}").and_then(|()| out.flush());
}

/// Writes the configuration file of this start and reads it back as any server would.
fn configure(home: &Home, ports: Ports, internet: &lab::Internet) -> Result<Loaded, Failure> {
    let text = settings(ports, internet.resolver(), internet.port());
    let path = home
        .write(CONFIG_FILE, &text)
        .map_err(|why| Failure::failed(format!("{CONFIG_FILE}: {why}")))?;
    Config::load(&path).map_err(Failure::config)
}

fn settings(ports: Ports, resolver: SocketAddr, mail_port: u16) -> String {
    let listener = |name: &str, offset: u16| {
        let addresses: Vec<_> = ports
            .addresses(offset)
            .iter()
            .map(|address| format!("\"{address}\""))
            .collect();
        format!(
            "[listen.{name}]\naddresses = [{}]\nplaintext_auth = \"loopback\"\n\n",
            addresses.join(", ")
        )
    };
    let listeners = [
        listener("smtp", ports::SMTP),
        listener("submission", ports::SUBMISSION),
        listener("submissions", ports::SUBMISSIONS),
        listener("imap", ports::IMAP),
        listener("imaps", ports::IMAPS),
        listener("lmtp", ports::LMTP),
        listener("managesieve", ports::MANAGESIEVE),
    ];
    format!(
        "# Written anew by each `pennyblack trial`: changes here are lost.\n\
         hostname = \"mx.{DOMAIN}\"\n\
         domain = \"{DOMAIN}\"\n\
         postmaster = \"alice@{DOMAIN}\"\n\
         data = \".\"\n\
         # A trial that root starts stays root: it serves this machine alone.\n\
         user = \"root\"\n\n\
         {}\
         # The pretend Internet: its name server, and mail servers that live on this machine.\n\
         [dns]\nservers = [\"{resolver}\"]\n\n\
         [queue]\nport = {mail_port}\nallow_private = true\n\
         # Deferred mail is tried again soon enough to watch it.\n\
         retry_base = \"10s\"\n\n\
         [relay]\n\
         # Whoever tries refusals that pause a provider wants to go on trying.\n\
         longest_pause = \"20s\"\n",
        listeners.concat()
    )
}

/// Makes the accounts and their sample mail, unless an earlier start did.
async fn populate(server: &Server, people: &[Person]) -> store::Result<()> {
    let services = &server.services;
    let mut ids = Vec::new();
    for person in people {
        let address = person.address.clone();
        if services
            .store
            .read(move |tx| store::account::by_address(tx, &address))
            .await?
            .is_none()
        {
            ids.push(add_account(services, person).await?);
        }
    }
    match ids[..] {
        [alice, bob] => samples::add(services, alice, bob).await,
        _ => Ok(()),
    }
}

async fn add_account(
    services: &server::Services,
    person: &Person,
) -> store::Result<store::AccountId> {
    let config = services.config.load_full();
    let account = NewAccount {
        address: person.address.clone(),
        name: person.name.clone(),
        credentials: server::session::login::hash_password(&config.auth, &person.password).await,
        quota: None,
        mailboxes: config.mail.default_mailboxes(),
    };
    let domain = Domain {
        name: DOMAIN.to_owned(),
        alias_of: None,
        active: true,
    };
    let work = move |tx: &mut store::Tx<'_>| {
        if store::domain::by_name(tx, &domain.name)?.is_none() {
            store::domain::add(tx, &domain)?;
        }
        store::account::add(tx, &account)
    };
    services.store.write(work).await
}

#[cfg(test)]
mod tests {
    use super::*;

    /// V17: the file that a trial writes is one that a server accepts, with pass words in clear on loopback alone.
    #[test]
    fn v17_the_configuration_is_an_ordinary_one() {
        let ports = Ports::choose(Some(0)).unwrap();
        let text = settings(ports, SocketAddr::from(([127, 0, 0, 1], 5353)), 2525);
        let loaded = Config::parse(&text, Path::new("/tmp/trial/pennyblack.toml")).unwrap();
        assert_eq!(loaded.config.domain, DOMAIN);
        assert!(
            loaded
                .config
                .listen
                .lmtp
                .addresses
                .iter()
                .all(|address| address.ip().is_loopback())
        );
        assert_eq!(loaded.warnings.len(), 0, "{:?}", loaded.warnings);
    }
}
