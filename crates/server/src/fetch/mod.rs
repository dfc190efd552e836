//! A small HTTP client for what a mail server must fetch: MTA-STS policies, lists, token introspection, a neighbour's verdict.
//!
//! HTTP/1.1 (RFC 9112) with one request to a connection, limits of size and time, redirects only as far as the caller allows, and
//! never to an address inside our own network unless the caller says so. Certificates are checked against the system's roots and
//! `tls.extra_roots`. It keeps no cookies, no cache and no connections.

mod exchange;
mod url;

pub use url::{NotAUrl, Scheme, Url};

use crate::Services;
use crate::config::FetchSettings;
use crate::session::tls::Tls;
use bytes::Bytes;
use std::sync::Arc;
use std::time::Duration;

/// What is to be fetched.
#[derive(Clone, Debug)]
pub struct Request {
    /// From where.
    pub url: Url,
    /// GET, or POST with these octets.
    pub method: Method,
    /// Further header fields, e.g. `("Authorization", "Bearer …")`.
    pub fields: Vec<(String, String)>,
    /// What we have of it already; if that is still good the answer is [`Fetched::Unchanged`].
    pub known: Option<Validators>,
    /// Where the request may go.
    pub bounds: Bounds,
}

/// What is done.
#[derive(Clone, Debug)]
pub enum Method {
    /// Reads.
    Get,
    /// Sends octets of this media type.
    Post {
        /// `application/json`, …
        media_type: String,
        /// The octets.
        octets: Bytes,
    },
}

/// How far a request may go.
#[derive(Clone, Debug)]
pub struct Bounds {
    /// The largest answer, octets.
    pub size: usize,
    /// All of it, from the first look-up to the last octet.
    pub time: Duration,
    /// Redirects.
    pub redirects: Redirects,
    /// Which addresses may be dialled.
    pub network: Network,
}

/// Whether an answer that points elsewhere is followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Redirects {
    /// It is an error (RFC 8461 §3.3 asks for that).
    Forbidden,
    /// So many times, and never from https to http. A POST is not sent elsewhere.
    Up(u8),
}

/// Which addresses may be dialled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Network {
    /// Addresses on the Internet; private ones only if `fetch.allow_private` is set. For whatever a stranger can name.
    Internet,
    /// Any. For addresses that the operator has written down.
    Anywhere,
}

/// What a server said to recognise a version by (RFC 9110 §8.8).
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Validators {
    /// `ETag`.
    pub etag: Option<String>,
    /// `Last-Modified`.
    pub modified: Option<String>,
}

/// What came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fetched {
    /// 304: what is known is still good.
    Unchanged,
    /// Any other status.
    Answer(Answer),
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// `Content-Type`, as sent; empty if there was none.
    pub media_type: String,
    /// What to recognise this version by.
    pub validators: Validators,
    /// The octets.
    pub octets: Bytes,
}

impl Answer {
    /// Is the status 2xx?
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The media type without its parameters, in lower case.
    pub fn essence(&self) -> String {
        let essence = self.media_type.split(';').next().unwrap_or_default();
        essence.trim().to_ascii_lowercase()
    }
}

/// Why nothing came.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The name does not exist or has no address.
    #[error("{0} does not exist")]
    NoSuchHost(String),
    /// The name could not be looked up.
    #[error(transparent)]
    Dns(#[from] dns::Error),
    /// All its addresses are in networks that are not dialled.
    #[error("{0} has only addresses that are not dialled")]
    Forbidden(String),
    /// Nobody answered.
    #[error("{0}")]
    Unreachable(String),
    /// The handshake failed, or the certificate is not good for the name.
    #[error("TLS with {host} failed: {why}")]
    Tls {
        /// With whom.
        host: String,
        /// What was wrong.
        why: String,
    },
    /// What came is not HTTP, or broke off.
    #[error("{host} broke off or does not speak HTTP: {why}")]
    Protocol {
        /// Who.
        host: String,
        /// What was wrong.
        why: String,
    },
    /// The answer is larger than the caller takes.
    #[error("the answer is larger than {0} octets")]
    TooLarge(usize),
    /// It took too long.
    #[error("it took longer than {} s", .0.as_secs())]
    TimedOut(Duration),
    /// The answer points elsewhere, farther than the caller follows.
    #[error("redirected to {0:?}, which is not followed")]
    Redirected(String),
    /// Our own settings are at fault.
    #[error("{0}")]
    Settings(String),
}

impl FetchError {
    /// May the same request work later, without anybody changing anything?
    pub fn is_temporary(&self) -> bool {
        !matches!(
            self,
            FetchError::NoSuchHost(_)
                | FetchError::Forbidden(_)
                | FetchError::TooLarge(_)
                | FetchError::Redirected(_)
                | FetchError::Settings(_)
        )
    }
}

/// What fetching needs of the server.
#[derive(Clone)]
pub struct Reach<'a> {
    /// The settings in force.
    pub settings: FetchSettings,
    /// Look-ups.
    pub dns: &'a dyn dns::Resolver,
    /// What https is done with.
    pub tls: &'a Tls,
}

impl<'a> From<&'a Services> for Reach<'a> {
    fn from(services: &'a Services) -> Reach<'a> {
        Reach {
            settings: services.config.load().fetch.clone(),
            dns: services.dns.as_ref(),
            tls: &services.tls,
        }
    }
}

impl<'a> From<&'a Arc<Services>> for Reach<'a> {
    fn from(services: &'a Arc<Services>) -> Reach<'a> {
        Reach::from(services.as_ref())
    }
}

/// Fetches.
pub async fn fetch<'a>(
    reach: impl Into<Reach<'a>>,
    request: &Request,
) -> Result<Fetched, FetchError> {
    let (reach, time) = (reach.into(), request.bounds.time);
    match tokio::time::timeout(time, followed(&reach, request)).await {
        Ok(fetched) => fetched,
        Err(_) => Err(FetchError::TimedOut(time)),
    }
}

/// Follows redirects as far as they may go.
async fn followed(reach: &Reach<'_>, request: &Request) -> Result<Fetched, FetchError> {
    let mut left = match (request.bounds.redirects, &request.method) {
        (Redirects::Up(most), Method::Get) => most,
        _ => 0,
    };
    let mut url = request.url.clone();
    loop {
        let target = match exchange::exchange(reach, request, &url).await? {
            exchange::Reply::Fetched(fetched) => return Ok(fetched),
            exchange::Reply::Elsewhere(target) => target,
        };
        let next = url.join(&target).filter(|next| !url.is_weakened_by(next));
        match next {
            Some(next) if left > 0 => url = next,
            _ => return Err(FetchError::Redirected(target)),
        }
        left -= 1;
    }
}
