//! What monitoring and container probes fetch (X23, X24): `/metrics`, `/healthz/live` and `/healthz/ready`, over HTTP on loopback addresses.
//!
//! It tells no secrets and changes nothing, so it asks for no password; the settings let it listen on loopback alone. A proxy with TLS and a
//! log-in of its own may stand in front of it.

use super::{World, health, service};
use crate::run::Running;
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;

/// Connections at once; a probe needs one.
const CONNECTIONS: usize = 32;
/// How long a client may take for its request and for reading the answer.
const PATIENCE: Duration = Duration::from_secs(15);
/// Octets that a request may take.
const BUFFER: usize = 16 * 1024;

type Answer = Response<Full<Bytes>>;

/// Opens the listeners, while the process may still use low ports; the error is one sentence for each that cannot be had.
pub(crate) fn bind(addresses: &[SocketAddr]) -> Result<Vec<std::net::TcpListener>, Vec<String>> {
    let (mut listeners, mut failures) = (Vec::new(), Vec::new());
    for address in addresses {
        match bind_one(*address) {
            Ok(listener) => listeners.push(listener),
            Err(why) => failures.push(format!(
                "cannot listen on {address} (listen.manage.addresses): {why}; `[]` turns the management listener off"
            )),
        }
    }
    match failures.is_empty() {
        true => Ok(listeners),
        false => Err(failures),
    }
}

fn bind_one(address: SocketAddr) -> io::Result<std::net::TcpListener> {
    let listener = std::net::TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// Serves until the server stops.
pub(crate) async fn serve(listener: TcpListener, running: Arc<Running>) {
    let clients = TaskTracker::new();
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    let shutdown = running.services.shutdown.clone();
    while let Some(accepted) = shutdown.run_until_cancelled(listener.accept()).await {
        match (accepted, room.clone().try_acquire_owned()) {
            (Ok((stream, _)), Ok(permit)) => {
                let answering = answer_all(stream, running.clone());
                let shutdown = shutdown.clone();
                clients.spawn(async move {
                    // A probe that is cut off by a stop has its answer.
                    shutdown.run_until_cancelled(answering).await;
                    drop(permit);
                });
            }
            // Too many at once: this one is closed, and monitoring comes again.
            (Ok(_), Err(_)) => {}
            (Err(why), _) => {
                tracing::error!(error = %why, "cannot accept on the management listener");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
    clients.close();
    clients.wait().await;
}

async fn answer_all(stream: TcpStream, running: Arc<Running>) {
    let answer = hyper::service::service_fn(move |request| {
        let running = running.clone();
        async move { Ok::<_, Infallible>(answer(&running, request).await) }
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(PATIENCE)
        .keep_alive(false)
        .max_buf_size(BUFFER)
        .serve_connection(TokioIo::new(stream), answer);
    // Whoever hangs up or dawdles has no answer, which is nobody's loss.
    let _ = tokio::time::timeout(2 * PATIENCE, connection).await;
}

async fn answer(running: &Arc<Running>, request: Request<Incoming>) -> Answer {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let mut refused = text(
            StatusCode::METHOD_NOT_ALLOWED,
            "only GET is answered here\n".into(),
        );
        refused
            .headers_mut()
            .insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return refused;
    }
    match request.uri().path() {
        "/metrics" => metrics(running).await,
        "/healthz/live" => text(StatusCode::OK, "alive\n".into()),
        "/healthz/ready" => ready(running).await,
        _ => {
            let known = "there are /metrics, /healthz/live and /healthz/ready\n";
            text(StatusCode::NOT_FOUND, known.into())
        }
    }
}

/// X24
async fn metrics(running: &Arc<Running>) -> Answer {
    const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    match service::metrics(&World::of(running)).await {
        Ok(counters) => whole(StatusCode::OK, OPEN_METRICS, counters),
        Err(why) => text(StatusCode::SERVICE_UNAVAILABLE, format!("{why}\n")),
    }
}

/// X23: the body names what fails.
async fn ready(running: &Arc<Running>) -> Answer {
    let organs = health::examine(running).await;
    let well = organs.iter().all(|organ| organ.fault.is_none());
    let status = match well {
        true => StatusCode::OK,
        false => StatusCode::SERVICE_UNAVAILABLE,
    };
    let body = serde_json::json!({"ready": well, "parts": organs});
    whole(status, "application/json", format!("{body}\n"))
}

fn text(status: StatusCode, body: String) -> Answer {
    whole(status, "text/plain; charset=utf-8", body)
}

fn whole(status: StatusCode, kind: &'static str, body: String) -> Answer {
    let mut answer = Response::new(Full::new(Bytes::from(body)));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}
