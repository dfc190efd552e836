//! Second stage: who sent this? (RFC 8601)
//!
//! Writes down what is proved, in an `Authentication-Results` field: on the MX road what reverse DNS says (iprev), on the
//! submission road that the sender logged in. SPF, DKIM and DMARC will have their place here. Fields of earlier hops that claim to
//! be ours have been taken out with [`is_forged`].

use super::envelope::{ClientName, Road};
use super::receive::Received;
use message::header::Field;

/// A message with what is proved about its sender.
pub(crate) struct Authenticated {
    pub(super) received: Received,
    /// The field, with its line end; empty if nothing was asked.
    pub(super) results: String,
}

/// Authenticates.
pub(super) fn authenticate(received: Received) -> Authenticated {
    let result = match &received.facts.road {
        Road::Mx => Some(iprev(&received)),
        Road::Submission(login) => {
            let name = received
                .config
                .mail
                .received_auth
                .then(|| format!(" smtp.auth={}", login.address));
            Some(format!("auth=pass{}", name.unwrap_or_default()))
        }
        // The server in front has the facts.
        Road::Lmtp => None,
    };
    let field = |result| {
        format!(
            "Authentication-Results: {};\r\n\t{result}\r\n",
            received.config.hostname
        )
    };
    let results = result.map(field).unwrap_or_default();
    Authenticated { received, results }
}

/// RFC 8601 §2.7.3.
fn iprev(received: &Received) -> String {
    let result = match &received.facts.client {
        ClientName::Confirmed(_) => "pass",
        ClientName::Unconfirmed(_) => "fail",
        ClientName::None => "permerror",
        ClientName::Unknown => "temperror",
    };
    format!(
        "iprev={result} policy.iprev={}",
        received.facts.peer.remote.ip().to_canonical()
    )
}

/// Does this field of an arriving message claim to be our own result (RFC 8601 §5)?
pub(super) fn is_forged(field: &Field<'_>, hostname: &str) -> bool {
    if !field.is("Authentication-Results") {
        return false;
    }
    message::content::token(field.value).is_some_and(|id| id.eq_ignore_ascii_case(hostname))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc8601_section_5_forged_results_are_known() {
        for (field, forged) in [
            ("Authentication-Results: mx1.example.com; spf=pass", true),
            (
                "authentication-results:\r\n (x) \"MX1.example.com\" 1; spf=pass",
                true,
            ),
            ("Authentication-Results: mx1.example.com", true),
            (
                "Authentication-Results: mx1.example.com.evil.test; spf=pass",
                false,
            ),
            ("Authentication-Results: other.test; spf=pass", false),
            ("X-Authentication-Results: mx1.example.com; spf=pass", false),
        ] {
            let parsed = message::header::fields(field.as_bytes()).next().unwrap();
            assert_eq!(is_forged(&parsed, "mx1.example.com"), forged, "{field}");
        }
    }
}
