//! One request and its answer over a connection of their own (RFC 9110, RFC 9112).

use super::{
    Answer, FetchError, Fetched, Method, Network, Reach, Request, Scheme, Url, Validators,
};
use crate::config::Sources;
use crate::dial;
use crate::session::tls::Verify;
use bytes::Bytes;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::header::{
    ACCEPT, CONNECTION, CONTENT_TYPE, ETAG, HOST, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED,
    LOCATION, USER_AGENT,
};
use hyper::{Response, StatusCode};
use hyper_util::rt::TokioIo;
use std::net::{IpAddr, SocketAddr};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::JoinSet;

/// Octets of an answer's header section.
const HEADER: usize = 64 * 1024;
/// Addresses of a host that are tried.
const ADDRESSES: usize = 6;

/// What one request brought.
pub(super) enum Reply {
    Fetched(Fetched),
    /// The value of `Location`.
    Elsewhere(String),
}

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

pub(super) async fn exchange(
    reach: &Reach<'_>,
    request: &Request,
    url: &Url,
) -> Result<Reply, FetchError> {
    let stream = connected(reach, request.bounds.network, url).await?;
    let broken = |why: hyper::Error| FetchError::Protocol {
        host: url.host.clone(),
        why: why.to_string(),
    };
    let (mut sender, connection) = http1::Builder::new()
        .max_buf_size(HEADER)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(broken)?;
    let message = written(request, url)?;
    // Moves the octets, and ends with this exchange at the latest, since dropping the set ends what is in it.
    let mut moving = JoinSet::new();
    moving.spawn(connection);
    let response = sender.send_request(message).await.map_err(broken)?;
    read(response, request, url).await
}

/// Dials, and does the TLS handshake for https.
async fn connected(
    reach: &Reach<'_>,
    network: Network,
    url: &Url,
) -> Result<Box<dyn Stream>, FetchError> {
    let addresses = addresses(reach, network, url).await?;
    let dialled = dial::dial(&addresses, Sources::default())
        .await
        .map_err(|why| FetchError::Unreachable(why.to_string()))?;
    if url.scheme == Scheme::Http {
        return Ok(Box::new(dialled.stream));
    }
    let connector = reach
        .tls
        .connector(Verify::Roots)
        .map_err(|why| FetchError::Settings(why.to_string()))?;
    match connector.connect(&url.host, dialled.stream).await {
        Ok((stream, _)) => Ok(Box::new(stream)),
        Err(why) => Err(FetchError::Tls {
            host: url.host.clone(),
            why: why.to_string(),
        }),
    }
}

/// Where the host is, without addresses that must not be dialled.
async fn addresses(
    reach: &Reach<'_>,
    network: Network,
    url: &Url,
) -> Result<Vec<SocketAddr>, FetchError> {
    let settings = &reach.settings;
    let found = match url.host.parse::<IpAddr>() {
        Ok(address) => vec![address],
        Err(_) => reach.dns.addresses(&url.host).await?,
    };
    if found.is_empty() {
        return Err(FetchError::NoSuchHost(url.host.clone()));
    }
    let port = url.port.unwrap_or(match url.scheme {
        Scheme::Http => settings.http_port,
        Scheme::Https => settings.https_port,
    });
    let anywhere = network == Network::Anywhere || settings.allow_private;
    let allowed: Vec<SocketAddr> = found
        .into_iter()
        .filter(|ip| anywhere || !dial::is_private(*ip))
        .take(ADDRESSES)
        .map(|ip| SocketAddr::new(ip, port))
        .collect();
    match allowed.is_empty() {
        true => Err(FetchError::Forbidden(url.host.clone())),
        false => Ok(allowed),
    }
}

fn written(request: &Request, url: &Url) -> Result<hyper::Request<Full<Bytes>>, FetchError> {
    let (verb, octets, media_type) = match &request.method {
        Method::Get => ("GET", Bytes::new(), None),
        Method::Post { media_type, octets } => ("POST", octets.clone(), Some(media_type)),
    };
    let mut message = hyper::Request::builder()
        .method(verb)
        .uri(url.path.as_str())
        .header(HOST, url.authority())
        .header(
            USER_AGENT,
            concat!("Pennyblack/", env!("CARGO_PKG_VERSION")),
        )
        .header(ACCEPT, "*/*")
        .header(CONNECTION, "close");
    if let Some(media_type) = media_type {
        message = message.header(CONTENT_TYPE, media_type);
    }
    let known = request.known.as_ref();
    if let Some(etag) = known.and_then(|known| known.etag.as_ref()) {
        message = message.header(IF_NONE_MATCH, etag);
    }
    if let Some(modified) = known.and_then(|known| known.modified.as_ref()) {
        message = message.header(IF_MODIFIED_SINCE, modified);
    }
    // What is secret stays with the host it was meant for.
    if url.authority() == request.url.authority() {
        for (name, value) in &request.fields {
            message = message.header(name, value);
        }
    }
    message
        .body(Full::new(octets))
        .map_err(|why| FetchError::Settings(format!("a request cannot be written: {why}")))
}

async fn read(
    response: Response<Incoming>,
    request: &Request,
    url: &Url,
) -> Result<Reply, FetchError> {
    let status = response.status();
    let field = |name| {
        let value = response.headers().get(name)?;
        value.to_str().ok().map(String::from)
    };
    if status == StatusCode::NOT_MODIFIED {
        return Ok(Reply::Fetched(Fetched::Unchanged));
    }
    if status.is_redirection() {
        return Ok(Reply::Elsewhere(field(LOCATION).unwrap_or_default()));
    }
    let mut answer = Answer {
        status: status.as_u16(),
        media_type: field(CONTENT_TYPE).unwrap_or_default(),
        validators: Validators {
            etag: field(ETAG),
            modified: field(LAST_MODIFIED),
        },
        octets: Bytes::new(),
    };
    answer.octets = body(response, request.bounds.size, url).await?;
    Ok(Reply::Fetched(Fetched::Answer(answer)))
}

async fn body(response: Response<Incoming>, limit: usize, url: &Url) -> Result<Bytes, FetchError> {
    let collected = Limited::new(response.into_body(), limit).collect().await;
    collected
        .map(http_body_util::Collected::to_bytes)
        .map_err(|why| match why.downcast::<LengthLimitError>() {
            Ok(_) => FetchError::TooLarge(limit),
            Err(why) => FetchError::Protocol {
                host: url.host.clone(),
                why: why.to_string(),
            },
        })
}
