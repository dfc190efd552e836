//! Links: URLs found in text or named by HTML, and their parts as far as judging compares them (RFC 3986 §3).
//!
//! Nothing is fetched. The scheme-less forms that mail programs make clickable (`www.example.org/x`) count too.

use std::net::Ipv4Addr;

/// Where a link stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Written out in text.
    Text,
    /// `<a href>`.
    Anchor,
    /// `<img src>`.
    Image,
    /// `<form action>`.
    Form,
    /// `<base href>`.
    Base,
    /// `<meta http-equiv=refresh>`.
    Refresh,
    /// Anything else that is loaded.
    Resource,
}

/// A link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// As written, blanks removed.
    pub url: String,
    /// What stands between `<a>` and `</a>`; empty elsewhere.
    pub text: String,
    /// Where it stands.
    pub place: Place,
    /// Of a web link, in lower case: looked at so often that it is found once.
    host: Option<String>,
    domain: Option<String>,
}

/// Octets of a URL that are kept.
const MAX_URL: usize = 2048;

impl Link {
    pub(crate) fn new(url: &str, place: Place) -> Link {
        let url = url.trim();
        let url = crate::mail::beginning(url, MAX_URL)
            .chars()
            .filter(|c| !c.is_whitespace() && !c.is_control());
        let mut link = Link {
            url: url.collect(),
            text: String::new(),
            place,
            host: None,
            domain: None,
        };
        link.host = link.find_host();
        link.domain = link.host.as_deref().map(registered);
        link
    }

    /// `http`, `mailto`…, in lower case; `http` for a host without one.
    pub fn scheme(&self) -> String {
        match self.url.split_once(':') {
            Some((scheme, _)) if is_scheme(scheme) => scheme.to_ascii_lowercase(),
            _ => "http".into(),
        }
    }

    /// User, host and port of a web link.
    fn authority(&self) -> Option<&str> {
        let rest = strip_web_scheme(&self.url)?;
        let end = rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len());
        Some(&rest[..end])
    }

    /// Does it lead to the web?
    pub fn is_web(&self) -> bool {
        self.host.is_some()
    }

    /// The host of a web link in lower case, without port and final dot.
    pub fn host(&self) -> Option<String> {
        self.host.clone()
    }

    fn find_host(&self) -> Option<String> {
        let authority = self.authority()?;
        let host = authority
            .rsplit_once('@')
            .map_or(authority, |(_, host)| host);
        let host = match host.strip_prefix('[') {
            Some(literal) => literal.split(']').next().unwrap_or_default(),
            None => host.split(':').next().unwrap_or_default(),
        };
        let host = percent_decoded(host).trim_end_matches('.').to_lowercase();
        (!host.is_empty()).then_some(host)
    }

    /// The port, if one is named that the scheme does not imply.
    pub fn odd_port(&self) -> Option<u16> {
        let (_, port) = self.authority()?.rsplit_once(':')?;
        port.parse().ok().filter(|port| !matches!(port, 80 | 443))
    }

    /// A name before an `@` in front of the host, there to be mistaken for the host.
    pub fn user(&self) -> Option<&str> {
        self.authority()?.rsplit_once('@').map(|(user, _)| user)
    }

    /// What follows the host.
    pub fn path(&self) -> &str {
        let Some(authority) = self.authority() else {
            return "";
        };
        let start = authority.as_ptr() as usize - self.url.as_ptr() as usize + authority.len();
        self.url.get(start..).unwrap_or_default()
    }

    /// The part of the host that was registered (`example.co.uk`), or the host if that is an address.
    pub fn domain(&self) -> Option<String> {
        self.domain.clone()
    }
}

/// What tells the page behind a web address from others: host, odd port, path and query.
pub(crate) fn page(url: &str) -> Option<String> {
    let link = Link::new(url, Place::Text);
    let host = link.host()?;
    let port = link
        .odd_port()
        .map_or_else(String::new, |port| format!(":{port}"));
    let path = link.path().split('#').next().unwrap_or_default();
    Some(format!("{host}{port}{}", path.trim_end_matches('/')))
}

/// The registered domain of a host, by the public suffix list; the host itself if it has none.
pub fn registered(host: &str) -> String {
    if is_address(host) {
        return host.to_owned();
    }
    psl::domain_str(host).unwrap_or(host).to_owned()
}

/// Is it an address instead of a name, in any of the notations that programs follow (`0x7f.1`, `2130706433`)?
pub(crate) fn is_address(host: &str) -> bool {
    let number = |part: &str| {
        let hex = part
            .strip_prefix("0x")
            .filter(|hex| hex.bytes().all(|o| o.is_ascii_hexdigit()));
        hex.is_some() || !part.is_empty() && part.bytes().all(|o| o.is_ascii_digit())
    };
    host.contains(':') || host.parse::<Ipv4Addr>().is_ok() || host.split('.').all(number)
}

fn is_scheme(text: &str) -> bool {
    let letter = |o: u8| o.is_ascii_alphanumeric() || matches!(o, b'+' | b'-' | b'.');
    text.len() <= 12
        && text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.bytes().all(letter)
        && !text.contains('.')
}

/// What follows `http://` and its like; browsers accept any number and kind of slashes.
fn strip_web_scheme(url: &str) -> Option<&str> {
    for scheme in ["https:", "http:", "ftp:"] {
        let head = url.get(..scheme.len());
        if head.is_some_and(|head| head.eq_ignore_ascii_case(scheme)) {
            return Some(url[scheme.len()..].trim_start_matches(['/', '\\']));
        }
    }
    let bare = url.strip_prefix("//").unwrap_or(url);
    let www = bare
        .get(..4)
        .is_some_and(|head| head.eq_ignore_ascii_case("www."));
    (www || url.starts_with("//")).then_some(bare)
}

/// Percent-decoding, as browsers do in hosts.
pub(crate) fn percent_decoded(text: &str) -> String {
    if !text.contains('%') {
        return text.to_owned();
    }
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&octet, after)) = rest.split_first() {
        let hex = after.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        let escaped = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match (octet, escaped) {
            (b'%', Some(decoded)) => {
                out.push(decoded);
                rest = &after[2..];
            }
            _ => {
                out.push(octet);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Links written out in text.
pub(super) fn in_text(text: &str, limit: usize) -> Vec<Link> {
    let mut found = Vec::new();
    let mut from = 0;
    while let (true, Some((start, end))) = (found.len() < limit, next(text, from)) {
        let url = text[start..end].trim_end_matches(['.', ',', ';', ':', '!', '?', '\'', ')']);
        found.push(Link::new(url, Place::Text));
        from = end;
    }
    found
}

/// The next `…://…` or `www.…`: where it begins and ends.
fn next(text: &str, from: usize) -> Option<(usize, usize)> {
    let octets = text.as_bytes();
    let mut at = from;
    loop {
        let candidate = at + memchr::memchr3(b':', b'w', b'W', &octets[at..])?;
        if let Some(start) = begins(octets, candidate) {
            return Some((start, start + url_length(&text[start..])));
        }
        at = candidate + 1;
    }
}

/// Does a URL have its colon, or its first `w`, here? Then where it begins.
fn begins(octets: &[u8], at: usize) -> Option<usize> {
    if octets[at] == b':' {
        return ["http", "https", "ftp"].iter().find_map(|scheme| {
            let start = at.checked_sub(scheme.len())?;
            let alone = start == 0 || !octets[start - 1].is_ascii_alphanumeric();
            let written = octets[start..at].eq_ignore_ascii_case(scheme.as_bytes());
            (alone && written && octets[at..].starts_with(b"://")).then_some(start)
        });
    }
    let alone = at == 0
        || !(octets[at - 1].is_ascii_alphanumeric()
            || matches!(octets[at - 1], b'/' | b'.' | b'@' | b'-'));
    let head = octets.get(at..at + 4)?;
    (alone && head.eq_ignore_ascii_case(b"www.")).then_some(at)
}

fn url_length(text: &str) -> usize {
    let ends = |c: char| {
        c.is_whitespace()
            || c.is_control()
            || matches!(c, '<' | '>' | '"' | '`' | '{' | '}' | '|' | '^')
    };
    text.find(ends).unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(url: &str) -> Link {
        Link::new(url, Place::Anchor)
    }

    #[test]
    fn parts_of_a_url() {
        let full = link("HTTP://bank.test@evil.Example.co.uk.:8080/login?x#y");
        assert_eq!(full.scheme(), "http");
        assert_eq!(full.host().unwrap(), "evil.example.co.uk");
        assert_eq!(full.domain().unwrap(), "example.co.uk");
        assert_eq!(
            (full.user(), full.odd_port()),
            (Some("bank.test"), Some(8080))
        );
        assert_eq!(full.path(), "/login?x#y");
        assert_eq!(link("mailto:a@b").host(), None);
        assert_eq!(link("www.a.test").host().unwrap(), "www.a.test");
        assert_eq!(link("http:\\\\a.test\\b").host().unwrap(), "a.test");
        assert_eq!(link("http://%61.test/").host().unwrap(), "a.test");
        assert_eq!(link("https://[::1]:99/").host().unwrap(), "::1");
    }

    #[test]
    fn addresses_in_all_their_notations() {
        for host in ["127.0.0.1", "2130706433", "0x7f.0.0.1", "0x7f000001", "::1"] {
            assert!(is_address(host), "{host}");
        }
        for host in ["a.test", "1.test", "0xyz.test"] {
            assert!(!is_address(host), "{host}");
        }
    }

    #[test]
    fn links_in_text() {
        let text = "See http://a.test/x, (https://b.test) WWW.c.test. nowww.d.test e@www.f.test shttp://g <http://h.test/>";
        let urls: Vec<_> = in_text(text, 10).into_iter().map(|link| link.url).collect();
        assert_eq!(
            urls,
            [
                "http://a.test/x",
                "https://b.test",
                "WWW.c.test",
                "http://h.test/"
            ]
        );
        assert_eq!(in_text(text, 2).len(), 2);
    }
}
