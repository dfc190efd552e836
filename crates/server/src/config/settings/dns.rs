//! `[dns]`: how names are looked up.

use super::{Applies, Default, Setting};
use crate::config::field::Field;
use crate::config::{Config, DnsMode};

pub(super) fn dns() -> Vec<Setting> {
    let mut all = settings! {
        "dns.servers" Restart "[]", Field::Servers(|c| &mut c.dns.servers, 53),
            "Resolvers to ask. With `mode = \"recursive\"` they are asked only when the authoritative servers cannot be (M31).";
        "dns.validate" Restart "false", Field::Flag(|c| &mut c.dns.validate),
            "Verify DNSSEC signatures in the answers of `servers`. They must hand signatures on, as resolvers that validate themselves do. \
             Without this their answers count as unsigned, and DANE is not used.";
        "dns.roots" Restart "[]", Field::Hosts(|c| &mut c.dns.roots),
            "Addresses of root servers. Empty: those of the Internet.";
        "dns.trust_anchor" Restart "\"\"", Field::OptionalPath(|c| &mut c.dns.trust_anchor),
            "A file of DNSKEY records to trust instead of the root's keys, which are built in.";
        "dns.port" Restart "53", Field::Port(|c| &mut c.dns.port),
            "The port of authoritative servers. Only a trial has reason to change it.";
        "dns.allow_private" Restart "false", Field::Flag(|c| &mut c.dns.allow_private),
            "Ask authoritative servers at private addresses, and believe public names that lead to private addresses (M29). For a network of one's own.";
    };
    all.insert(0, mode());
    all
}

fn mode() -> Setting {
    Setting {
        key: "dns.mode",
        default: Default::Derived {
            says: "\"forward\" if `servers` is set, else \"recursive\"",
            derive: |config| {
                config.dns.mode = natural(config);
                Ok(())
            },
        },
        applies: Applies::Restart,
        doc: "Who is asked: `\"recursive\"` asks the authoritative servers from the root on and verifies DNSSEC (M28), `\"forward\"` asks \
              `servers`, `\"system\"` those of /etc/resolv.conf, which are not asked otherwise (M32).",
        field: Field::Word(
            &["recursive", "forward", "system"],
            |c| match c.dns.mode {
                DnsMode::Recursive => 0,
                DnsMode::Forward => 1,
                DnsMode::System => 2,
            },
            |c, which| {
                c.dns.mode = [DnsMode::Recursive, DnsMode::Forward, DnsMode::System][which.min(2)];
            },
        ),
    }
}

fn natural(config: &Config) -> DnsMode {
    match config.dns.servers.is_empty() {
        true => DnsMode::Recursive,
        false => DnsMode::Forward,
    }
}
