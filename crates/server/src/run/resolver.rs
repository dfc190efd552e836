//! The resolver that the settings name.

use super::StartError;
use crate::config::{Config, DnsMode, DnsSettings};
use dns::{Lookups, Private, Recursion, Validation};
use std::net::SocketAddr;
use std::sync::Arc;

/// Where the C library asks on a machine that names no resolver.
const ON_THIS_MACHINE: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 53);

/// Builds it. Nothing is asked yet.
pub(crate) fn resolver(config: &Config) -> Result<Arc<dyn dns::Resolver>, StartError> {
    let wrong = |why: dns::Error| StartError::Config(format!("[dns]: {why}"));
    let settings = &config.dns;
    let lookups = match settings.mode {
        DnsMode::Recursive => recursive(settings).map_err(wrong)?,
        DnsMode::Forward if settings.servers.is_empty() => {
            let words = "dns.mode = \"forward\" needs dns.servers";
            return Err(StartError::Config(words.into()));
        }
        DnsMode::Forward => {
            Lookups::forwarding(&settings.servers, &validation(settings)).map_err(wrong)?
        }
        DnsMode::System => Lookups::system().or_else(|why| {
            tracing::warn!(error = %why, "the system names no resolver: asking {ON_THIS_MACHINE}");
            Lookups::forwarding(&[ON_THIS_MACHINE], &Validation::Off).map_err(wrong)
        })?,
    };
    Ok(Arc::new(lookups))
}

fn recursive(settings: &DnsSettings) -> Result<Lookups, dns::Error> {
    let lookups = Lookups::recursing(&Recursion {
        roots: settings.roots.clone(),
        anchors: settings.trust_anchor.clone(),
        port: settings.port,
        private: match settings.allow_private {
            true => Private::Allowed,
            false => Private::Refused,
        },
    })?;
    match settings.servers.is_empty() {
        true => Ok(lookups),
        false => {
            let fallback = Lookups::forwarding(&settings.servers, &Validation::Off)?;
            Ok(lookups.or_else(fallback))
        }
    }
}

fn validation(settings: &DnsSettings) -> Validation {
    match settings.validate {
        false => Validation::Off,
        true => Validation::Here {
            anchors: settings.trust_anchor.clone(),
        },
    }
}

/// One that asks this server and verifies what it says, for `pennyblack dns lookup --resolver`.
pub(crate) fn asking(server: SocketAddr, config: &Config) -> Result<Lookups, dns::Error> {
    let validation = Validation::Here {
        anchors: config.dns.trust_anchor.clone(),
    };
    Lookups::forwarding(&[server], &validation)
}
