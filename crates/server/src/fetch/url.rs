//! `http` and `https` URLs as far as fetching needs them (RFC 3986, RFC 9110 §4.2): no user names, no fragments sent.

use hyper::Uri;
use hyper::http::uri::PathAndQuery;
use std::fmt;
use std::str::FromStr;

/// Whether TLS is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// Without TLS.
    Http,
    /// With TLS.
    Https,
}

/// A place to fetch from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Url {
    /// With TLS or without.
    pub scheme: Scheme,
    /// Name or address, lower-case, without the brackets of an IPv6 address.
    pub host: String,
    /// The port, if the URL names one.
    pub port: Option<u16>,
    /// Path and query; begins with `/`.
    pub path: String,
}

/// It is not a URL that can be fetched.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a URL like https://example.com/path")]
pub struct NotAUrl(pub String);

impl FromStr for Url {
    type Err = NotAUrl;

    fn from_str(text: &str) -> Result<Url, NotAUrl> {
        parse(text).ok_or_else(|| NotAUrl(text.chars().take(200).collect()))
    }
}

fn parse(text: &str) -> Option<Url> {
    let without_fragment = text.split('#').next()?;
    let uri: Uri = without_fragment.parse().ok()?;
    let scheme = match uri.scheme_str()? {
        "http" => Scheme::Http,
        "https" => Scheme::Https,
        _ => return None,
    };
    let authority = uri.authority()?;
    if authority.as_str().contains('@') {
        return None;
    }
    let host = authority.host().trim_start_matches('[');
    let host = host.trim_end_matches(']').to_ascii_lowercase();
    let path = uri.path_and_query().map_or("/", PathAndQuery::as_str);
    (!host.is_empty()).then(|| Url {
        scheme,
        host,
        port: authority.port_u16(),
        path: match path.starts_with('/') {
            true => path.to_string(),
            false => format!("/{path}"),
        },
    })
}

impl Url {
    /// `https://HOST/PATH`.
    pub fn https(host: &str, path: &str) -> Url {
        Url {
            scheme: Scheme::Https,
            host: host.to_ascii_lowercase(),
            port: None,
            path: path.to_string(),
        }
    }

    /// Where a reference from here leads (RFC 3986 §5); `None` if it is not a place to fetch from.
    pub fn join(&self, reference: &str) -> Option<Url> {
        let scheme = self.scheme;
        if reference.contains("://") {
            return reference.parse().ok();
        }
        if reference.starts_with("//") {
            return format!("{scheme}:{reference}").parse().ok();
        }
        let path = match reference.starts_with('/') {
            true => reference.to_string(),
            false => format!("{}{reference}", self.folder()),
        };
        format!("{scheme}://{}{path}", self.authority())
            .parse()
            .ok()
    }

    /// The path up to its last slash.
    fn folder(&self) -> &str {
        let path = self.path.split('?').next().unwrap_or_default();
        path.rfind('/').map_or("/", |slash| &path[..=slash])
    }

    /// Would going on there give up TLS?
    pub fn is_weakened_by(&self, next: &Url) -> bool {
        self.scheme == Scheme::Https && next.scheme == Scheme::Http
    }

    /// `HOST` or `HOST:PORT`, as in the Host field.
    pub fn authority(&self) -> String {
        let host = match self.host.contains(':') {
            true => format!("[{}]", self.host),
            false => self.host.clone(),
        };
        match self.port {
            Some(port) => format!("{host}:{port}"),
            None => host,
        }
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Scheme::Http => "http",
            Scheme::Https => "https",
        })
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}{}", self.scheme, self.authority(), self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn parts_of_a_url() {
        let url: Url = "https://MTA-STS.example:8443/.well-known/x?y=1#z"
            .parse()
            .unwrap();
        assert_eq!(url.authority(), "mta-sts.example:8443");
        assert_eq!(url.path, "/.well-known/x?y=1");
        assert_eq!(
            url.to_string(),
            "https://mta-sts.example:8443/.well-known/x?y=1"
        );
        let six: Url = "http://[::1]".parse().unwrap();
        assert_eq!(
            (six.host.as_str(), six.authority().as_str()),
            ("::1", "[::1]")
        );
        for bad in ["ftp://x/", "x", "https://", "https://u:p@x/", "/x", ""] {
            assert!(bad.parse::<Url>().is_err(), "{bad}");
        }
    }

    #[test]
    fn rfc_3986_5_references() {
        let base: Url = "https://a.example/b/c?d".parse().unwrap();
        let joined = |reference| base.join(reference).unwrap().to_string();
        assert_eq!(joined("http://x.example/y"), "http://x.example/y");
        assert_eq!(joined("//x.example/y"), "https://x.example/y");
        assert_eq!(joined("/y?z"), "https://a.example/y?z");
        assert_eq!(joined("y"), "https://a.example/b/y");
        assert!(base.is_weakened_by(&"http://a.example/".parse().unwrap()));
    }

    proptest! {
        #[test]
        fn any_text_is_a_url_or_not(text in "(https?://)?\\PC{0,40}", reference in "\\PC{0,20}") {
            if let Ok(url) = text.parse::<Url>() {
                prop_assert!(url.path.starts_with('/'));
                let _ = url.join(&reference);
            }
        }
    }
}
