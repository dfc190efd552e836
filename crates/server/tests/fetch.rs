//! Fetching over HTTP and HTTPS from servers in the test's process: limits, redirects, validators, private addresses (R4).

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test may fail by panicking

mod world;

use bytes::Bytes;
use server::fetch::{
    Bounds, FetchError, Fetched, Method, Network, Redirects, Request, Url, Validators, fetch,
};
use std::time::Duration;
use tokio::net::TcpListener;
use world::http::serve;
use world::{Setup, World};

fn ok(text: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nETag: \"v1\"\r\nContent-Length: {}\r\n\r\n{text}",
        text.len()
    )
}

fn get(url: &str) -> Request {
    Request {
        url: url.parse::<Url>().unwrap(),
        method: Method::Get,
        fields: Vec::new(),
        known: None,
        bounds: Bounds {
            size: 1000,
            time: Duration::from_secs(10),
            redirects: Redirects::Forbidden,
            network: Network::Anywhere,
        },
    }
}

fn answer(fetched: Fetched) -> server::fetch::Answer {
    match fetched {
        Fetched::Answer(answer) => answer,
        Fetched::Unchanged => panic!("unchanged"),
    }
}

#[tokio::test]
async fn get_post_and_validators() {
    let world = World::start().await;
    let port = serve(None, |text| match () {
        () if text.contains("if-none-match: \"v1\"") => "HTTP/1.1 304 Not Modified\r\n\r\n".into(),
        () if text.starts_with("POST /in ") && text.contains("authorization: Bearer x") => {
            ok(&text[text.find('{').unwrap()..])
        }
        () => ok("hello"),
    })
    .await;
    let mut request = get(&format!("http://client.example:{port}/a?b"));
    let first = answer(fetch(world.services(), &request).await.unwrap());
    assert_eq!((first.status, &first.octets[..]), (200, &b"hello"[..]));
    assert_eq!(first.essence(), "text/plain");
    request.known = Some(Validators {
        etag: Some("\"v1\"".into()),
        modified: None,
    });
    let second = fetch(world.services(), &request).await.unwrap();
    assert_eq!(second, Fetched::Unchanged);

    let mut post = get(&format!("http://client.example:{port}/in"));
    post.method = Method::Post {
        media_type: "application/json".into(),
        octets: Bytes::from_static(b"{\"a\":1}"),
    };
    post.fields = vec![("Authorization".into(), "Bearer x".into())];
    let echoed = answer(fetch(world.services(), &post).await.unwrap());
    assert_eq!(&echoed.octets[..], b"{\"a\":1}");
    world.finish().await;
}

#[tokio::test]
async fn redirects_only_as_far_as_allowed() {
    let world = World::start().await;
    let port = serve(None, |text| match () {
        () if text.starts_with("GET /old") => {
            "HTTP/1.1 302 Found\r\nLocation: /new\r\nContent-Length: 0\r\n\r\n".into()
        }
        () if text.starts_with("GET /loop") => {
            "HTTP/1.1 302 Found\r\nLocation: loop\r\nContent-Length: 0\r\n\r\n".into()
        }
        () => ok("here"),
    })
    .await;
    let mut request = get(&format!("http://127.0.0.1:{port}/old"));
    let refused = fetch(world.services(), &request).await.unwrap_err();
    assert!(
        matches!(&refused, FetchError::Redirected(to) if to == "/new"),
        "{refused}"
    );
    request.bounds.redirects = Redirects::Up(2);
    let followed = answer(fetch(world.services(), &request).await.unwrap());
    assert_eq!(&followed.octets[..], b"here");
    request.url = format!("http://127.0.0.1:{port}/loop").parse().unwrap();
    let looped = fetch(world.services(), &request).await.unwrap_err();
    assert!(matches!(looped, FetchError::Redirected(_)) && !looped.is_temporary());
    world.finish().await;
}

#[tokio::test]
async fn limits_of_size_and_time() {
    let world = World::start().await;
    let port = serve(None, |_| ok(&"x".repeat(2000))).await;
    let large = fetch(world.services(), &get(&format!("http://127.0.0.1:{port}/"))).await;
    assert!(matches!(large, Err(FetchError::TooLarge(1000))));
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = silent.local_addr().unwrap().port();
    let mut request = get(&format!("http://127.0.0.1:{port}/"));
    request.bounds.time = Duration::from_millis(50);
    let late = fetch(world.services(), &request).await.unwrap_err();
    assert!(matches!(late, FetchError::TimedOut(_)) && late.is_temporary());
    world.finish().await;
}

/// R4: a stranger's URL does not reach machines of our own network, by name or by number.
#[tokio::test]
async fn r4_private_addresses_are_not_fetched_from() {
    let world = World::start().await;
    let port = serve(None, |_| ok("secret")).await;
    for host in ["client.example", "127.0.0.1", "[::1]", "[::ffff:127.0.0.1]"] {
        let mut request = get(&format!("http://{host}:{port}/"));
        request.bounds.network = Network::Internet;
        let refused = fetch(world.services(), &request).await.unwrap_err();
        assert!(
            matches!(refused, FetchError::Forbidden(_)),
            "{host}: {refused}"
        );
    }
    let nobody = fetch(world.services(), &get("http://nobody.example/")).await;
    assert!(matches!(nobody, Err(FetchError::NoSuchHost(_))));
    world.finish().await;
}

/// The certificate must be good for the name; `tls.extra_roots` says whose word counts.
#[tokio::test]
async fn certificates_are_checked() {
    let ca = lab::Ca::new("fetch").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let roots = folder.path().join("ca.pem");
    std::fs::write(&roots, ca.pem()).unwrap();
    let setting = |key: &str, value: String| (key.to_string(), value);
    let good = ca.issue(&["client.example"]).unwrap();
    let good = serve(Some(good.server_config().unwrap()), |_| ok("safe")).await;
    let wrong = ca.issue(&["other.example"]).unwrap();
    let wrong = serve(Some(wrong.server_config().unwrap()), |_| ok("unsafe")).await;
    let world = World::start_with(&Setup {
        settings: vec![
            setting("tls.extra_roots", format!("{roots:?}")),
            setting("fetch.https_port", good.to_string()),
        ],
        ..Setup::default()
    })
    .await;
    let safe = fetch(world.services(), &get("https://client.example/")).await;
    assert_eq!(&answer(safe.unwrap()).octets[..], b"safe");
    let unsafe_one = get(&format!("https://client.example:{wrong}/"));
    let refused = fetch(world.services(), &unsafe_one).await.unwrap_err();
    assert!(matches!(refused, FetchError::Tls { .. }), "{refused}");
    world.finish().await;
}
