//! Capabilities that a user hides from his own programs (W17): rules as in the setting `imap.hide`, separated by commas or line ends, in the
//! annotation `/private/vendor/pennyblack/hide` of the server (RFC 5464). They hold from his next log-in on.

use super::connection::Connection;
use crate::config::Hidden;
use ::store::AccountId;
use ::store::annotation::{self, Depth, Place};
use imap::response::{Code, Status};

/// Where the rules are.
const ENTRY: &str = "/private/vendor/pennyblack/hide";
/// Rules of one user.
const MOST: usize = 100;
/// Without these he could not take a rule back.
const NEEDED: [&str; 2] = ["METADATA", "METADATA-SERVER"];

/// The rules of an account. Without them it is served as all others are.
pub(super) async fn of(connection: &Connection, account: AccountId) -> Box<[Hidden]> {
    let place = Place::of_account(account);
    let read = connection
        .services
        .store
        .read(move |tx| annotation::read(tx, place, ENTRY, Depth::Zero));
    let value = match read.await {
        Ok(mut found) => found.pop().map(|(_, value)| value).unwrap_or_default(),
        Err(error) => {
            tracing::warn!(%account, %error, "what the user hides is not known");
            Vec::new()
        }
    };
    // What was a capability when the rule was made need not be one of this version.
    let rules = texts(&value).filter_map(|text| text.parse().ok());
    rules.take(MOST).collect()
}

/// May an annotation of the server have this value?
pub(super) fn admits(entry: &str, value: Option<&[u8]>) -> Result<(), Status> {
    match value {
        Some(value) if entry == ENTRY => check(value).map_err(|why| {
            let refused = Status::no(format!("That cannot be hidden: {why}."));
            refused.code(Code::Cannot)
        }),
        _ => Ok(()),
    }
}

fn check(value: &[u8]) -> Result<(), String> {
    let mut rules = 0;
    for text in texts(value) {
        let rule: Hidden = text.parse()?;
        if NEEDED.iter().any(|word| rule.names(word)) {
            return Err("METADATA is what shows it again".into());
        }
        rules += 1;
    }
    match rules {
        0 => Err("there is no rule".into()),
        _ if rules > MOST => Err(format!("there are more than {MOST} rules")),
        _ => Ok(()),
    }
}

fn texts(value: &[u8]) -> impl Iterator<Item = &str> {
    let text = std::str::from_utf8(value).unwrap_or_default();
    let texts = text.split([',', '\n']).map(str::trim);
    texts.filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// W17
    #[test]
    fn w17_what_takes_a_rule_back_cannot_be_hidden() {
        let admitted = |value: &str| admits(ENTRY, Some(value.as_bytes())).is_ok();
        assert!(admitted("NOTIFY") && admitted("quota*, IDLE for client Outlook*\r\nMOVE"));
        for refused in [
            "",
            " ,",
            "METADATA",
            "*",
            "M*",
            "NONSENSE",
            "IMAP4rev1",
            "IDLE for",
        ] {
            assert!(!admitted(refused), "{refused}");
        }
        assert!(!admitted(&"IDLE,".repeat(MOST + 1)));
        assert!(admits(ENTRY, None).is_ok() && admits("/private/comment", Some(b"x")).is_ok());
    }
}
