//! What monitoring fetches (X23, X24).

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test may fail by panicking

mod world;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use world::{Setup, World};

async fn start() -> World {
    let addresses = ("listen.manage.addresses", "[\"127.0.0.1:0\"]");
    let settings = vec![(addresses.0.into(), addresses.1.into())];
    World::start_with(&Setup {
        settings,
        ..Setup::default()
    })
    .await
}

/// The whole answer to one request.
async fn ask(world: &World, request: &str) -> String {
    let mut stream = TcpStream::connect(world.manage()).await.unwrap();
    let text = format!("{request} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn x24_counters_are_served_as_openmetrics_text() {
    let world = start().await;
    let answer = ask(&world, "GET /metrics").await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    let kind = "content-type: application/openmetrics-text; version=1.0.0; charset=utf-8";
    assert!(answer.contains(kind), "{answer}");
    assert!(
        answer.contains("pennyblack_build_info{version="),
        "{answer}"
    );
    assert!(answer.ends_with("# EOF\n"), "{answer}");
    let head = ask(&world, "HEAD /metrics").await;
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n") && head.ends_with("\r\n\r\n"));
    world.finish().await;
}

#[tokio::test]
async fn x23_probes_are_answered() {
    let world = start().await;
    let live = ask(&world, "GET /healthz/live").await;
    assert!(live.starts_with("HTTP/1.1 200 OK\r\n"), "{live}");
    let ready = ask(&world, "GET /healthz/ready").await;
    let (head, body) = ready.split_once("\r\n\r\n").unwrap();
    let body: serde_json::Value = serde_json::from_str(body).unwrap();
    assert_eq!(head.starts_with("HTTP/1.1 200"), body["ready"] == true);
    let parts = body["parts"].as_array().unwrap().iter();
    let names: Vec<_> = parts.map(|part| part["name"].as_str().unwrap()).collect();
    assert!(
        names.contains(&"store") && names.contains(&"listeners"),
        "{names:?}"
    );
    world.finish().await;
}

#[tokio::test]
async fn other_requests_are_refused_and_hurt_nobody() {
    let world = start().await;
    let unknown = ask(&world, "GET /admin").await;
    assert!(unknown.starts_with("HTTP/1.1 404 "), "{unknown}");
    let changing = ask(&world, "POST /metrics").await;
    assert!(changing.starts_with("HTTP/1.1 405 "), "{changing}");
    assert!(changing.contains("allow: GET, HEAD"), "{changing}");
    let long = format!("GET /{}", "x".repeat(100_000));
    let mut stream = TcpStream::connect(world.manage()).await.unwrap();
    // The server may close before all of it is sent.
    let _ = stream.write_all(long.as_bytes()).await;
    let _ = stream.read_to_end(&mut Vec::new()).await;
    let live = ask(&world, "GET /healthz/live").await;
    assert!(live.starts_with("HTTP/1.1 200 OK\r\n"), "{live}");
    world.finish().await;
}
