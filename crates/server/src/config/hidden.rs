//! What IMAP does not offer to some (catalogue W17): rules of `imap.hide`, each a line that can be said aloud:
//!
//! ```text
//! COMPRESS=DEFLATE
//! CONDSTORE for alice@example.com
//! QUOTA* for @example.net
//! IDLE for client Outlook*
//! ```

use crate::listen::imap::known_words;
use std::fmt;
use std::str::FromStr;

/// A rule: these words are not for these.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Hidden {
    /// A word of the capability list in upper case, in which `*` stands for any text.
    word: String,
    from: From,
}

/// Who is not to see the word.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum From {
    Everybody,
    /// An account, by its address in lower case.
    Account(String),
    /// All accounts of a domain, in lower case.
    Domain(String),
    /// Programs that call themselves so, in lower case, in which `*` stands for any text.
    Client(String),
}

/// Who is looking.
#[derive(Clone, Copy, Debug, Default)]
pub struct Looker<'a> {
    /// The address of the account, once it is logged in.
    pub account: Option<&'a str>,
    /// What the program called itself in ID: its name, or its name, a blank and its version.
    pub client: Option<&'a str>,
}

const FORM: &str = "write a capability, alone or with `for ADDRESS`, `for @DOMAIN` or `for client NAME` behind it, like \"IDLE for client Outlook*\"";

impl Hidden {
    /// Is this word, in any case, kept from who is looking?
    pub fn hides(&self, word: &str, looker: Looker<'_>) -> bool {
        self.is_for(looker) && fits(&self.word, &word.to_ascii_uppercase())
    }

    /// Is this word, in upper case, one that it hides from anybody?
    pub(crate) fn names(&self, word: &str) -> bool {
        fits(&self.word, word)
    }

    fn is_for(&self, looker: Looker<'_>) -> bool {
        let account = looker.account.map(str::to_lowercase);
        match &self.from {
            From::Everybody => true,
            From::Account(address) => account.as_ref() == Some(address),
            From::Domain(domain) => account
                .as_deref()
                .and_then(|address| address.rsplit_once('@'))
                .is_some_and(|(_, of)| of == domain),
            From::Client(pattern) => looker.client.is_some_and(|named| {
                let named = named.to_lowercase();
                let name = named.split_once('\n').map_or("", |(name, _)| name);
                fits(pattern, name) || fits(pattern, &named.replace('\n', " "))
            }),
        }
    }
}

impl FromStr for Hidden {
    type Err = String;

    fn from_str(text: &str) -> Result<Hidden, String> {
        let text = text.trim();
        let (word, whom) = match text.split_once(" for ") {
            Some((word, whom)) => (word.trim(), whom.trim()),
            None => (text, ""),
        };
        let is_word = |octet: u8| octet.is_ascii_alphanumeric() || b"-=+*/_.:".contains(&octet);
        if word.is_empty() || !word.bytes().all(is_word) {
            return Err(FORM.into());
        }
        let word = word.to_ascii_uppercase();
        if fits(&word, "IMAP4REV1") {
            return Err("IMAP4rev1 cannot be hidden: it is what the rest builds on".into());
        }
        if !known_words().any(|known| fits(&word, known)) {
            return Err(format!("there is no capability {word} here"));
        }
        let from = match (text.contains(" for "), whom.strip_prefix("client ")) {
            (false, _) => From::Everybody,
            (true, Some(client)) if !client.trim().is_empty() => {
                From::Client(client.trim().to_lowercase())
            }
            (true, _) => account_or_domain(whom)?,
        };
        Ok(Hidden { word, from })
    }
}

fn account_or_domain(whom: &str) -> Result<From, String> {
    let whom = whom.to_lowercase();
    match whom.rsplit_once('@') {
        Some((_, "")) | None => Err(FORM.into()),
        Some(_) if whom.contains(' ') => Err(FORM.into()),
        Some(("", domain)) => Ok(From::Domain(domain.to_owned())),
        Some(_) => Ok(From::Account(whom)),
    }
}

impl fmt::Display for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.word)?;
        match &self.from {
            From::Everybody => Ok(()),
            From::Account(address) => write!(f, " for {address}"),
            From::Domain(domain) => write!(f, " for @{domain}"),
            From::Client(pattern) => write!(f, " for client {pattern}"),
        }
    }
}

/// Does a text fit a pattern in which `*` stands for any text?
fn fits(pattern: &str, text: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else {
        return pattern == text;
    };
    let Some(mut text) = text.strip_prefix(head) else {
        return false;
    };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let tail = parts.pop().unwrap_or_default();
    for part in parts {
        match text.find(part) {
            Some(at) => text = &text[at + part.len()..],
            None => return false,
        }
    }
    text.ends_with(tail)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(text: &str) -> Hidden {
        text.parse().unwrap()
    }

    fn by_account(address: &str) -> Looker<'_> {
        Looker {
            account: Some(address),
            client: None,
        }
    }

    fn by_client(client: &str) -> Looker<'_> {
        Looker {
            account: None,
            client: Some(client),
        }
    }

    #[test]
    fn w17_hides_from_everybody_an_account_a_domain_or_a_program() {
        assert!(rule("COMPRESS=DEFLATE").hides("compress=deflate", Looker::default()));
        assert!(!rule("QUOTA").hides("QUOTA=RES-STORAGE", Looker::default()));
        assert!(rule("QUOTA*").hides("QUOTA=RES-STORAGE", Looker::default()));
        let alice = rule("CONDSTORE for Alice@example.com");
        assert!(alice.hides("CONDSTORE", by_account("alice@Example.com")));
        assert!(!alice.hides("CONDSTORE", by_account("bob@example.com")));
        assert!(!alice.hides("CONDSTORE", Looker::default()));
        let domain = rule("IDLE for @example.com");
        assert!(domain.hides("IDLE", by_account("alice@example.com")));
        assert!(!domain.hides("IDLE", by_account("alice@sub.example.com")));
        let outlook = rule("IDLE for client Outlook*");
        assert!(outlook.hides("IDLE", by_client("outlook for Android\n1.0")));
        assert!(!outlook.hides("IDLE", by_client("Not Outlook\n1.0")));
        let version = rule("IDLE for client mailer 1.*");
        assert!(version.hides("IDLE", by_client("Mailer\n1.2")));
        assert!(!version.hides("IDLE", by_client("Mailer\n2.1")));
        assert!(rule("IDLE for client mailer").hides("IDLE", by_client("Mailer\n2.1")));
    }

    #[test]
    fn printed_and_read_again_or_refused() {
        for text in [
            "IDLE",
            "THREAD=*",
            "IDLE for alice@example.com",
            "IDLE for @example.com",
            "IDLE for client outlook*",
        ] {
            assert_eq!(rule(text).to_string(), text);
        }
        for text in [
            "",
            "for alice@example.com",
            "IDLE for ",
            "IDLE for alice",
            "IDLE for alice@",
            "IDLE for client ",
            "ID LE",
            "IDLY",
            "IMAP4rev1",
            "*",
            "IMAP4* for client x",
        ] {
            assert!(text.parse::<Hidden>().is_err(), "{text}");
        }
    }
}
