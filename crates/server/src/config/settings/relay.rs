//! `[relay]`: how mail goes to other servers.

use super::{Applies, Default, Setting};
use crate::config::field::Field;
use crate::config::{Hop, RouteTls};

pub(super) fn relay() -> Vec<Setting> {
    settings! {
        "relay.routes" Reload "[]", Field::Routes(|c| &mut c.relay.routes),
            "Mail that does not simply go to the recipient's MX: lines like `\"to example.org via smtp+tls://office@smtp.example.com\"`, of which the first that \
             fits is taken (C3–C10, C26). See the page on sending.";
        "relay.secrets" Reload "\"\"", Field::OptionalPath(|c| &mut c.relay.secrets),
            "A file with a line `LABEL USER:PASSWORD` for each label in `routes` (C8). It is read when it is needed; others than its owner must not be able to read it.";
        "relay.tls" Reload "\"opportunistic\"",
            Field::Word(
                &["opportunistic", "required", "verified"],
                |c| match c.relay.tls {
                    RouteTls::Verified => 2,
                    RouteTls::Unverified => 1,
                    _ => 0,
                },
                |c, which| c.relay.tls = [RouteTls::Opportunistic, RouteTls::Unverified, RouteTls::Verified][which.min(2)],
            ),
            "What is asked of TLS where neither a route nor the recipient's domain says more: use it where it is offered (C2), require it, or require a \
             certificate that is good for the host's name. Many servers have none: their mail waits then, and is returned.";
        "relay.dane" Reload "true", Field::Flag(|c| &mut c.relay.dane),
            "Obey TLSA records of mail hosts (RFC 7672, L25). It needs DNS answers with proofs, see `dns.mode`.";
        "relay.mta_sts" Reload "true", Field::Flag(|c| &mut c.relay.mta_sts),
            "Obey MTA-STS policies (RFC 8461, L20).";
        "relay.tls_reports" Reload "true", Field::Flag(|c| &mut c.relay.tls_reports),
            "Report once a day how TLS with their servers went, to the domains that ask for it (TLSRPT, RFC 8460, L22).";
        "relay.per_domain" Reload "4", Field::Count(|c| &mut c.relay.per_domain, 1..=1000),
            "Connections at once for one domain or route (C17).";
        "relay.per_host" Reload "10", Field::Count(|c| &mut c.relay.per_host, 1..=1000),
            "Connections at once to one address, however many domains it serves (C17).";
        "relay.messages" Reload "100", Field::Count(|c| &mut c.relay.messages, 1..=100_000),
            "Messages over one connection before a fresh one is made (C17).";
        "relay.longest_pause" Reload "\"4h\"", Field::Time(|c| &mut c.relay.longest_pause, 1..=86_400),
            "How long no more mail is offered to a provider that refused some because of this server's address or name, at most (U37). Which refusals, \
             and for how long, is told on the page on the queue.";
        "relay.ramp_up" Reload "false", Field::Flag(|c| &mut c.relay.ramp_up),
            "Begin with little mail to each provider and send more with each good day (V9), as a new address has to. What is more waits for the next day, or \
             goes by `ramp_up_overflow`. `pennyblack routes list` shows how far it is.";
        "relay.ramp_up_first" Reload "50", Field::Count(|c| &mut c.relay.ramp_up_first, 1..=1_000_000),
            "Messages to one provider on the first day; a third more on each day that goes well.";
        "relay.ramp_up_days" Reload "30", Field::Count(|c| &mut c.relay.ramp_up_days, 1..=365),
            "Good days until there is no ceiling any more.";
        "relay.ramp_up_overflow" Reload "[]", Field::Texts(|c| &mut c.relay.ramp_up_overflow, "URLs", hop),
            "Hosts, as behind `via` in a route, that take what is more than a provider may have on a day, e.g. `\"smtp+tls://label@smtp.example.com\"`. Empty: it waits.";
    }
}

fn hop(text: &str) -> Result<(), String> {
    text.parse::<Hop>().map(|_| ())
}
