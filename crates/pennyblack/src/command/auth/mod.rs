//! `pennyblack auth`: what the checks of `mailauth` say, for people and for other programs. The first line is the result.
//!
//! These commands need no configuration and no store.

mod arc;
mod dkim;
mod dmarc;
mod spf;

pub(super) use dmarc::organizations;

use super::block_on;
use crate::cli::{AskedResolver, Auth as Which, AuthArc, AuthDkim, Global};
use crate::outcome::{Failure, Outcome};
use dns::{Lookups, Validation};
use std::io::Read as _;
use std::net::ToSocketAddrs as _;
use std::path::Path;

pub(crate) fn run(which: Which, global: &Global) -> Outcome {
    match which {
        Which::Spf {
            ip,
            helo,
            from,
            resolver,
        } => spf::check(ip, &helo, &from, &resolver, global),
        Which::SpfWalk { domains, resolver } => spf::walk(domains, &resolver, global),
        Which::Dkim(AuthDkim::Verify {
            file,
            resolver,
            time,
        }) => dkim::verify(&file, &resolver, time, global),
        Which::Dkim(AuthDkim::Sign(signing)) => dkim::sign(&signing),
        Which::Arc(AuthArc::Verify {
            file,
            resolver,
            time,
        }) => arc::verify(&file, &resolver, time, global),
        Which::Arc(AuthArc::Seal {
            signing,
            results,
            resolver,
        }) => arc::seal(&signing, &results, &resolver),
        Which::Dmarc {
            domain,
            spf,
            dkim,
            resolver,
        } => dmarc::policy(&domain, spf.as_deref(), &dkim, &resolver, global),
    }
}

/// The resolver that was named, or the system's.
fn resolver(asked: &AskedResolver) -> Result<Lookups, Failure> {
    let Some(name) = &asked.resolver else {
        return Lookups::system().map_err(Failure::failed);
    };
    let servers = name
        .to_socket_addrs()
        .map_err(|why| Failure::usage(format!("--resolver {name}: {why}; write HOST:PORT")))?;
    Lookups::forwarding(&servers.collect::<Vec<_>>(), &Validation::Off).map_err(Failure::failed)
}

/// Seconds since 1970, as asked or as it is.
fn time(asked: Option<i64>) -> i64 {
    asked.unwrap_or_else(|| jiff::Timestamp::now().as_second())
}

/// A message as it would come over the wire.
struct Message {
    /// With line ends CR LF.
    octets: Vec<u8>,
    /// Where the body begins.
    body: usize,
    /// The file has line feeds alone.
    unix: bool,
}

impl Message {
    fn read(file: &Path) -> Result<Message, Failure> {
        let mut octets = Vec::new();
        let read = match file == Path::new("-") {
            true => std::io::stdin().read_to_end(&mut octets),
            false => std::fs::File::open(file).and_then(|mut file| file.read_to_end(&mut octets)),
        };
        read.map_err(|why| Failure::failed(format!("cannot read {}: {why}", file.display())))?;
        Ok(Message::new(octets))
    }

    fn new(octets: Vec<u8>) -> Message {
        let unix = !octets.windows(2).any(|two| two == b"\r\n");
        let octets = match unix {
            true => with_carriage_returns(&octets),
            false => octets,
        };
        let end = octets.windows(4).position(|four| four == b"\r\n\r\n");
        let body = match octets.starts_with(b"\r\n") {
            true => 2,
            false => end.map_or(octets.len(), |end| end + 4),
        };
        Message { octets, body, unix }
    }

    fn section(&self) -> &[u8] {
        &self.octets[..self.body]
    }

    fn body(&self) -> &[u8] {
        &self.octets[self.body..]
    }
}

fn with_carriage_returns(octets: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(octets.len() + octets.len() / 32);
    for &octet in octets {
        if octet == b'\n' {
            out.push(b'\r');
        }
        out.push(octet);
    }
    out
}
