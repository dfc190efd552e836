//! A web server in the test's process.

use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;

/// Answers every request with what `answer` makes of its text. Ends with the test.
pub(crate) async fn serve(
    tls: Option<Arc<rustls::ServerConfig>>,
    answer: impl Fn(&str) -> String + Send + Sync + 'static,
) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let answer = Arc::new(answer);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (answer, tls) = (answer.clone(), tls.clone());
            tokio::spawn(async move {
                match tls {
                    None => converse(stream, &*answer).await,
                    Some(tls) => {
                        let acceptor = tokio_rustls::TlsAcceptor::from(tls);
                        if let Ok(stream) = acceptor.accept(stream).await {
                            converse(stream, &*answer).await;
                        }
                    }
                }
            });
        }
    });
    port
}

async fn converse(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    answer: &(dyn Fn(&str) -> String + Send + Sync),
) {
    let mut text = Vec::new();
    loop {
        let mut buffer = [0; 4096];
        let Ok(length @ 1..) = stream.read(&mut buffer).await else {
            return;
        };
        text.extend_from_slice(&buffer[..length]);
        // Nothing sent, JSON, or a form of RFC 7662.
        let ends: [&[u8]; 3] = [b"\r\n\r\n", b"}", b"token_type_hint=access_token"];
        let complete = ends.iter().any(|end| text.ends_with(end));
        if complete {
            break;
        }
    }
    let reply = answer(&String::from_utf8_lossy(&text));
    let _ = stream.write_all(reply.as_bytes()).await;
    let _ = stream.shutdown().await;
}
