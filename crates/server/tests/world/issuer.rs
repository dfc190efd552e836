//! An issuer of OAuth tokens that answers introspection (RFC 7662): the token of the examples of RFC 7628 is good and Alice's, all others are not.

use super::http;

/// `vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==`, as a form has it.
const GOOD: &str = "token=vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg%3D%3D&";

/// Starts it; the settings by which a server asks it. It ends with the test.
pub(crate) async fn settings() -> Vec<(String, String)> {
    let port = http::serve(None, answer).await;
    [
        (
            "introspection",
            format!("http://127.0.0.1:{port}/introspect"),
        ),
        ("scope", "example_scope".into()),
        (
            "discovery",
            "https://example.com/.well-known/openid-configuration".into(),
        ),
    ]
    .map(|(name, value)| (format!("auth.oauth.{name}"), format!("\"{value}\"")))
    .to_vec()
}

fn answer(request: &str) -> String {
    let said = match request.contains(GOOD) {
        true => r#"{"active":true,"scope":"example_scope","email":"alice@example.com"}"#,
        false => r#"{"active":false}"#,
    };
    format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{said}",
        said.len()
    )
}
