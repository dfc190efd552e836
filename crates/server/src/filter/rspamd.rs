//! Asks an Rspamd about a message (its HTTP protocol, `POST /checkv2`), and takes its score as one reason.

use super::{Octets, in_proportion};
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use std::collections::BTreeMap;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// Octets of an answer.
const ANSWER: usize = 256 * 1024;
/// Octets of a message that are shown: as many as Rspamd looks at by default.
const MESSAGE: usize = 8 << 20;

/// What is known of the envelope.
#[derive(Clone, Debug, Default)]
pub(crate) struct Envelope {
    pub(crate) from: String,
    pub(crate) recipients: Vec<String>,
    pub(crate) address: String,
    pub(crate) helo: String,
    pub(crate) host: Option<String>,
    pub(crate) id: String,
}

/// What it says.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Answer {
    /// The sum of its symbols.
    pub(crate) score: f32,
    /// From which score on it refuses.
    #[serde(default)]
    pub(crate) required_score: f32,
    #[serde(default)]
    symbols: BTreeMap<String, Symbol>,
}

#[derive(Clone, Debug, Default, Deserialize)]
struct Symbol {
    #[serde(default)]
    score: f32,
}

impl Answer {
    /// Its score, on a scale on which `refuse` refuses.
    pub(crate) fn weight(&self, refuse: f32) -> f32 {
        in_proportion(self.score, self.required_score, refuse, refuse)
    }

    /// The heaviest symbols, for people.
    pub(crate) fn detail(&self) -> String {
        let mut symbols: Vec<(&String, f32)> = self
            .symbols
            .iter()
            .map(|(name, symbol)| (name, symbol.score))
            .collect();
        symbols.sort_by(|a, b| b.1.abs().total_cmp(&a.1.abs()));
        let named = symbols
            .iter()
            .take(5)
            .map(|(name, score)| format!("{name} {score:.1}"));
        named
            .collect::<Vec<_>>()
            .join(", ")
            .chars()
            .filter(|c| !c.is_control())
            .take(200)
            .collect()
    }
}

/// Asks the Rspamd at `host:port`.
pub(crate) async fn check(
    place: &str,
    envelope: &Envelope,
    mut octets: Octets<'_>,
) -> Result<Answer, String> {
    let mut body = Vec::new();
    while let (true, Some(piece)) = (body.len() < MESSAGE, octets.next().await.map_err(text)?) {
        body.extend_from_slice(&piece);
    }
    let stream = TcpStream::connect(place).await.map_err(text)?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(text)?;
    let request = request(place, envelope, body).map_err(text)?;
    // Ends with this exchange: dropping the set ends what is in it.
    let mut moving = JoinSet::new();
    moving.spawn(connection);
    let response = sender.send_request(request).await.map_err(text)?;
    let status = response.status();
    let body = Limited::new(response.into_body(), ANSWER).collect().await;
    let body = body.map_err(|why| why.to_string())?.to_bytes();
    match status.is_success() {
        true => serde_json::from_slice(&body).map_err(text),
        false => Err(format!("it answers {status}")),
    }
}

fn text(why: impl std::fmt::Display) -> String {
    why.to_string()
}

fn request(
    place: &str,
    envelope: &Envelope,
    body: Vec<u8>,
) -> Result<hyper::Request<Full<Bytes>>, hyper::http::Error> {
    let safe = |value: &str| -> String { value.chars().filter(|c| c.is_ascii_graphic()).collect() };
    let mut request = hyper::Request::builder()
        .method("POST")
        .uri("/checkv2")
        .header("Host", place)
        .header("IP", safe(&envelope.address))
        .header("Helo", safe(&envelope.helo))
        .header("From", safe(&envelope.from))
        .header("Queue-Id", safe(&envelope.id));
    if let Some(host) = &envelope.host {
        request = request.header("Hostname", safe(host));
    }
    for recipient in envelope.recipients.iter().take(100) {
        request = request.header("Rcpt", safe(recipient));
    }
    request.body(Full::new(Bytes::from(body)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_weighed() {
        let text = r#"{"is_skipped":false,"score":7.5,"required_score":15,"action":"add header","symbols":{
            "R_DKIM_ALLOW":{"name":"R_DKIM_ALLOW","score":-0.2},"FORGED":{"score":4.0,"description":"x","options":["a"]}}}"#;
        let answer: Answer = serde_json::from_str(text).unwrap();
        assert_eq!((answer.weight(15.0), answer.weight(30.0)), (7.5, 15.0));
        assert_eq!(answer.detail(), "FORGED 4.0, R_DKIM_ALLOW -0.2");
        let wild = Answer {
            score: f32::INFINITY,
            ..Answer::default()
        };
        assert_eq!(wild.weight(15.0), 0.0);
    }
}
