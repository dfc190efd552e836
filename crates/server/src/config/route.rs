//! Routes: which mail for other servers takes another way than MX (catalogue C3–C10, C26). A route is a line that can be said aloud:
//!
//! ```text
//! to example.org via smtp+tls://office@smtp.example.com:587
//! from home.example via smtps://isp@relay.example, smtp://other.example mail-from @home.example
//! to friend.example tls helo mx2.example.com source 192.0.2.2,2001:db8::2
//! to home.example backup
//! ```

use super::scalar::parse_name;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// A route. Of several the first that fits is taken.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Route {
    /// Senders' domains or addresses; empty: all.
    pub from: Vec<String>,
    /// Recipients' domains or addresses; empty: all.
    pub to: Vec<String>,
    /// Hosts to hand over to, tried in this order; empty: MX decides.
    pub via: Vec<Hop>,
    /// We are an MX of these domains and deliver to better ones only; the name that we have among them, if it is not `hostname`.
    pub backup: Option<Backup>,
    /// What is asked of TLS.
    pub tls: RouteTls,
    /// The name in EHLO; `None`: `hostname`.
    pub helo: Option<String>,
    /// Addresses that connections come from.
    pub source: Sources,
    /// The sender that the next host is told instead: `user@domain`, or `@domain` to keep the local part.
    pub mail_from: Option<String>,
}

/// We are a backup MX.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Backup {
    /// Our name among the exchangers; `None`: `hostname`.
    pub name: Option<String>,
}

/// What is asked of TLS where the URL or a policy of the recipient does not say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum RouteTls {
    /// Where it is offered, with any certificate.
    #[default]
    Opportunistic,
    /// Required, with a certificate that is good for the host's name (C3).
    Verified,
    /// Required, with any certificate.
    Unverified,
    /// Never.
    Off,
}

/// The addresses that connections come from (C5). Without any, the system chooses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Sources {
    /// For IPv4.
    pub four: Option<Ipv4Addr>,
    /// For IPv6.
    pub six: Option<Ipv6Addr>,
}

/// A host to hand over to: `scheme://[label@]host[:port]` (C7).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Hop {
    /// How to talk to it.
    pub scheme: Scheme,
    /// The line of `relay.secrets` to log in with.
    pub label: Option<String>,
    /// Name or address.
    pub host: String,
    /// Port, if it is not the scheme's.
    pub port: Option<u16>,
}

/// How to talk to a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// `smtp`: STARTTLS where it is offered.
    Smtp,
    /// `smtp+tls`: STARTTLS required, its certificate verified.
    SmtpTls,
    /// `smtp+notls`: never STARTTLS.
    SmtpNoTls,
    /// `smtps`: TLS from the first octet, its certificate verified.
    Smtps,
    /// `lmtp`: RFC 2033.
    Lmtp,
}

const SCHEMES: [(&str, Scheme, u16); 5] = [
    ("smtp", Scheme::Smtp, 25),
    ("smtp+tls", Scheme::SmtpTls, 587),
    ("smtp+notls", Scheme::SmtpNoTls, 25),
    ("smtps", Scheme::Smtps, 465),
    ("lmtp", Scheme::Lmtp, 24),
];

impl Hop {
    /// Its port, or the scheme's.
    pub fn port(&self) -> u16 {
        let usual = SCHEMES.iter().find(|known| known.1 == self.scheme);
        self.port.or(usual.map(|known| known.2)).unwrap_or(25)
    }
}

impl FromStr for Hop {
    type Err = String;

    fn from_str(text: &str) -> Result<Hop, String> {
        let wrong = || format!("\"{text}\" is not like smtp+tls://label@smtp.example.com:587");
        let (scheme, rest) = text.split_once("://").ok_or_else(wrong)?;
        let known = SCHEMES.iter().find(|known| known.0 == scheme);
        let (_, scheme, _) = known.ok_or_else(|| {
            let names = SCHEMES.map(|known| known.0).join(", ");
            format!("{scheme} is none of {names}")
        })?;
        let (label, rest) = match rest.split_once('@') {
            Some((label, rest)) => (Some(label.to_string()), rest),
            None => (None, rest),
        };
        let (host, port) = host_and_port(rest.trim_end_matches('/')).ok_or_else(wrong)?;
        let host = match host.parse::<IpAddr>() {
            Ok(address) => address.to_string(),
            Err(_) => parse_name(&host)?,
        };
        match label.as_deref() {
            Some("") => Err(wrong()),
            _ => Ok(Hop {
                scheme: *scheme,
                label,
                host,
                port,
            }),
        }
    }
}

/// `host`, `host:port`, `[v6]`, `[v6]:port`.
fn host_and_port(text: &str) -> Option<(String, Option<u16>)> {
    if let Some(rest) = text.strip_prefix('[') {
        let (host, rest) = rest.split_once(']')?;
        let port = match rest {
            "" => None,
            rest => Some(rest.strip_prefix(':')?.parse().ok()?),
        };
        return Some((host.to_string(), port));
    }
    match text.rsplit_once(':') {
        Some((host, port)) => Some((host.to_string(), Some(port.parse().ok()?))),
        None if text.is_empty() => None,
        None => Some((text.to_string(), None)),
    }
}

impl fmt::Display for Hop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = SCHEMES.iter().find(|known| known.1 == self.scheme);
        write!(f, "{}://", known.map_or("smtp", |known| known.0))?;
        if let Some(label) = &self.label {
            write!(f, "{label}@")?;
        }
        match self.host.contains(':') {
            true => write!(f, "[{}]", self.host)?,
            false => f.write_str(&self.host)?,
        }
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

impl Route {
    /// Does it fit mail from this sender (`None`: the null reverse-path) to this recipient?
    pub fn fits(&self, sender: Option<&str>, recipient: &str) -> bool {
        let from = self.from.is_empty()
            || sender.is_some_and(|sender| self.from.iter().any(|one| names(one, sender)));
        from && (self.to.is_empty() || self.to.iter().any(|one| names(one, recipient)))
    }

    /// Does it name this recipient, and hosts that take mail by LMTP alone (A25)?
    pub(super) fn hands_over(&self, recipient: &str) -> bool {
        let named = self.to.iter().any(|one| names(one, recipient));
        named && !self.via.is_empty() && self.via.iter().all(|hop| hop.scheme == Scheme::Lmtp)
    }

    /// Are we a backup MX for mail to this address?
    pub fn backs_up(&self, recipient: &str) -> bool {
        self.backup.is_some() && self.to.iter().any(|one| names(one, recipient))
    }
}

/// `example.org`, `*.example.org` (all below it), or an address.
fn names(pattern: &str, address: &str) -> bool {
    if pattern.contains('@') {
        return pattern.eq_ignore_ascii_case(address);
    }
    let domain = address.rsplit_once('@').map_or("", |(_, domain)| domain);
    match pattern.strip_prefix("*.") {
        Some(parent) => {
            let domain = domain.to_ascii_lowercase();
            domain
                .strip_suffix(parent)
                .is_some_and(|rest| rest.ends_with('.'))
        }
        None => pattern.eq_ignore_ascii_case(domain),
    }
}

impl FromStr for Route {
    type Err = String;

    fn from_str(text: &str) -> Result<Route, String> {
        let mut route = Route::default();
        // "a, b" is one word, "a,b".
        let text = text.replace(", ", ",");
        let mut words = text.split_whitespace().peekable();
        while let Some(word) = words.next() {
            let mut value = |what: &str| {
                words
                    .next()
                    .ok_or(format!("`{word}` wants {what} after it"))
            };
            match word {
                "from" => route.from = patterns(value("a domain or address")?)?,
                "to" => route.to = patterns(value("a domain or address")?)?,
                "via" => route.via = list(value("a URL")?)?,
                "helo" => route.helo = Some(parse_name(value("a name")?)?),
                "source" => route.source = sources(value("an address")?)?,
                "mail-from" => route.mail_from = Some(mail_from(value("@domain or an address")?)?),
                "tls" => route.tls = RouteTls::Verified,
                "tls-no-verify" => route.tls = RouteTls::Unverified,
                "no-tls" => route.tls = RouteTls::Off,
                "backup" => {
                    let name = words.next_if(|next| next.contains('.'));
                    let name = name.map(parse_name).transpose()?;
                    route.backup = Some(Backup { name });
                }
                other => {
                    return Err(format!(
                        "`{other}` is none of from, to, via, backup, tls, tls-no-verify, no-tls, helo, source, mail-from"
                    ));
                }
            }
        }
        route.checked()
    }
}

impl Route {
    fn checked(self) -> Result<Route, String> {
        if self.backup.is_some() && (self.to.is_empty() || !self.via.is_empty()) {
            return Err(
                "`backup` needs `to` with the domains that we are a backup for, and no `via`"
                    .into(),
            );
        }
        if self == Route::default() {
            return Err("the route is empty".into());
        }
        Ok(self)
    }
}

fn list<T: FromStr<Err = String>>(text: &str) -> Result<Vec<T>, String> {
    text.split(',').map(str::parse).collect()
}

fn patterns(text: &str) -> Result<Vec<String>, String> {
    let pattern = |one: &str| match one.strip_prefix("*.") {
        _ if one.contains('@') => message::Address::parse(one)
            .map(|_| one.to_ascii_lowercase())
            .map_err(|why| format!("{one}: {why}")),
        Some(parent) => Ok(format!("*.{}", parse_name(parent)?)),
        None => parse_name(one),
    };
    text.split(',').map(pattern).collect()
}

impl fmt::Display for Sources {
    /// As in a route; empty if the system chooses.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.four, self.six) {
            (Some(four), Some(six)) => write!(f, "{four},{six}"),
            (Some(four), None) => four.fmt(f),
            (None, Some(six)) => six.fmt(f),
            (None, None) => Ok(()),
        }
    }
}

impl FromStr for Sources {
    type Err = String;

    fn from_str(text: &str) -> Result<Sources, String> {
        match text {
            "" => Ok(Sources::default()),
            text => sources(text),
        }
    }
}

fn sources(text: &str) -> Result<Sources, String> {
    let mut sources = Sources::default();
    for one in text.split(',') {
        match one.parse() {
            Ok(IpAddr::V4(four)) => sources.four = Some(four),
            Ok(IpAddr::V6(six)) => sources.six = Some(six),
            Err(_) => return Err(format!("\"{one}\" is not an address like 192.0.2.1")),
        }
    }
    Ok(sources)
}

fn mail_from(text: &str) -> Result<String, String> {
    match text.strip_prefix('@') {
        Some(domain) => Ok(format!("@{}", parse_name(domain)?)),
        None => message::Address::parse(text)
            .map(|address| address.to_string())
            .map_err(|why| format!("{text}: {why}")),
    }
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut words: Vec<String> = Vec::new();
        let mut say = |name: &str, value: String| {
            if !value.is_empty() {
                words.push(format!("{name} {value}"));
            }
        };
        say("from", self.from.join(","));
        say("to", self.to.join(","));
        let via: Vec<String> = self.via.iter().map(Hop::to_string).collect();
        say("via", via.join(","));
        say("helo", self.helo.clone().unwrap_or_default());
        let four = self.source.four.map(|four| four.to_string());
        let six = self.source.six.map(|six| six.to_string());
        let source: Vec<String> = four.into_iter().chain(six).collect();
        say("source", source.join(","));
        say("mail-from", self.mail_from.clone().unwrap_or_default());
        match self.tls {
            RouteTls::Opportunistic => {}
            RouteTls::Verified => words.push("tls".into()),
            RouteTls::Unverified => words.push("tls-no-verify".into()),
            RouteTls::Off => words.push("no-tls".into()),
        }
        if let Some(backup) = &self.backup {
            words.push("backup".into());
            words.extend(backup.name.clone());
        }
        f.write_str(&words.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn route(text: &str) -> Route {
        text.parse().unwrap()
    }

    /// C7: each scheme, an optional label and port.
    #[test]
    fn c7_urls() {
        let hop: Hop = "smtp+tls://office@smtp.example.com:2587".parse().unwrap();
        assert_eq!((hop.scheme, hop.port()), (Scheme::SmtpTls, 2587));
        assert_eq!(hop.label.as_deref(), Some("office"));
        for (text, port) in [
            ("smtp://a.example", 25),
            ("smtp+tls://a.example", 587),
            ("smtp+notls://a.example", 25),
            ("smtps://a.example", 465),
            ("lmtp://[::1]", 24),
        ] {
            let hop: Hop = text.parse().unwrap();
            assert_eq!(hop.port(), port, "{text}");
            assert_eq!(hop.to_string(), text);
        }
        for bad in [
            "a.example",
            "http://a.example",
            "smtp://",
            "smtp://@a.example",
            "smtp://a.example:x",
            "smtp://a b",
        ] {
            assert!(bad.parse::<Hop>().is_err(), "{bad}");
        }
    }

    /// C4–C6, C9, C10, C26.
    #[test]
    fn routes_as_they_are_said() {
        let text = "from home.example to example.org,*.example.net via smtps://isp@relay.example,smtp://b.example mail-from @home.example";
        let parsed = route(text);
        assert!(parsed.fits(Some("a@home.example"), "b@example.org"));
        assert!(parsed.fits(Some("a@HOME.example"), "b@x.example.net"));
        assert!(!parsed.fits(Some("a@home.example"), "b@example.net"));
        assert!(!parsed.fits(None, "b@example.org"));
        assert_eq!(parsed.via.len(), 2);
        assert_eq!(parsed.to_string(), text);
        let backup = route("to home.example backup mx2.example.com");
        assert!(backup.backs_up("x@home.example") && !backup.backs_up("x@other.example"));
        assert!(route("via smtp://smart.example").fits(None, "a@anywhere.example"));
        let source = route("to x.example source 192.0.2.1,2001:db8::1 helo mx2.example.com tls");
        assert_eq!(source.tls, RouteTls::Verified);
        assert_eq!(source.source.four, Some("192.0.2.1".parse().unwrap()));
    }

    #[test]
    fn what_is_no_route() {
        for bad in [
            "",
            "to",
            "backup",
            "backup via smtp://x.example",
            "go home",
            "to x.example via ftp://y",
            "source x",
        ] {
            assert!(bad.parse::<Route>().is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_a_route_or_not(text in "((from|to|via|tls|helo|source|backup|mail-from) )?\\PC{0,30}") {
            if let Ok(route) = text.parse::<Route>() {
                prop_assert_eq!(route.to_string().parse::<Route>().unwrap(), route);
            }
        }
    }
}
