//! Credentials from another server's `passwd` file (B8): reads its lines (E2–E4, E6, E7), and makes or changes an account from each.
//!
//! `address:hash`, or `user:hash:uid:gid:gecos:home:shell:extra`. Ids, home and shell mean nothing here. It does not read files: the
//! command does, and sends one line at a time, so that each account is a transaction of its own.

use super::account::{Answer, Quota, host, stored};
use super::{Failure, Mode, World, address, write};
use crate::session::login::{domain_of_short_names, hash_fault};
use serde::{Deserialize, Serialize};
use std::fmt;
use store::account::{self, Account, Credentials, NewAccount};
use store::{Tx, domain};

/// What a line says. `Debug` does not show the hash.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The address, or a local part alone (B7).
    pub user: String,
    /// The password hash, with or without `{SCHEME}` (E6).
    pub hash: String,
    /// What the account may hold, if the line says so (E4).
    pub quota: Option<Quota>,
    /// `nologin`: the account is disabled (B25).
    pub disabled: bool,
    /// Extra fields that mean nothing here.
    pub ignored: Vec<String>,
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Entry({:?})", self.user)
    }
}

/// What came of a line.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Imported {
    /// The account.
    pub address: String,
    /// What was done to it, or would be.
    pub action: Action,
    /// Extra fields that were ignored.
    pub ignored: Vec<String>,
}

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// The account is new.
    Added,
    /// It has another password, quota or state now.
    Updated,
    /// It was so already.
    Unchanged,
}

/// Reads a line; `None` for a blank one or a comment. What is wrong is said without showing the hash.
pub fn parse(line: &str) -> Result<Option<Entry>, String> {
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return Ok(None);
    }
    let mut fields = line.splitn(8, ':').map(str::trim);
    let user = fields.next().unwrap_or_default();
    let hash = fields.next().ok_or("no `:` between user and hash")?;
    if user.is_empty() {
        return Err("no user before the `:`".into());
    }
    if let Some(fault) = hash_fault(hash) {
        return Err(format!("{user}: {fault}"));
    }
    let mut entry = Entry {
        user: user.into(),
        hash: hash.into(),
        quota: None,
        disabled: false,
        ignored: Vec::new(),
    };
    let extra = fields.nth(5).unwrap_or_default();
    for field in extra.split_whitespace() {
        entry.take(field)?;
    }
    Ok(Some(entry))
}

impl Entry {
    /// Takes one of the extra fields.
    fn take(&mut self, field: &str) -> Result<(), String> {
        let (name, value) = field.split_once('=').unwrap_or((field, ""));
        match (name, value.strip_prefix("*:")) {
            ("nologin", _) => self.disabled = true,
            ("userdb_quota_rule", Some(rule)) => match rule.split_once('=') {
                Some(("storage", size)) => self.quota = Some(storage(size)?),
                _ => self.ignored.push(field.into()),
            },
            _ => self.ignored.push(field.into()),
        }
        Ok(())
    }
}

/// The size of a quota rule: a number without unit is in KiB there, and 0 is no limit.
fn storage(text: &str) -> Result<Quota, String> {
    let digits = text.bytes().all(|octet| octet.is_ascii_digit());
    let size = match digits {
        true => format!("{text}K"),
        false => text.to_owned(),
    };
    match crate::config::parse_size(&size)? {
        0 => Ok(Quota::Unlimited),
        octets => Ok(Quota::Octets(octets)),
    }
}

/// Makes or changes the account of a line, all or nothing.
pub(super) async fn execute(world: &World, entry: Entry, mode: Mode) -> Result<Answer, Failure> {
    if let Some(fault) = hash_fault(&entry.hash) {
        return Err(Failure::invalid(format!("{}: {fault}", entry.user)));
    }
    let quota = entry.quota.map(stored).transpose()?;
    let config = world.config.clone();
    write(&world.store, move |tx| {
        let key = match full_address(tx, &entry.user, config.auth.default_domain.as_deref())? {
            Ok(key) => key,
            Err(why) => return Ok(Err(why)),
        };
        let (_, domain) = key.rsplit_once('@').unwrap_or_default();
        if let Err(why) = host(tx, domain, &key, false)? {
            return Ok(Err(why));
        }
        let wanted = NewAccount {
            address: key.clone(),
            name: String::new(),
            credentials: Credentials {
                hash: Some(entry.hash.clone()),
                scram: None,
                scram_sha1: None,
            },
            quota: quota.flatten(),
            mailboxes: config.mail.default_mailboxes(),
        };
        let action = match account::by_address(tx, &key)? {
            Some(now) => update(tx, &now, &wanted, &entry, mode)?,
            None => add(tx, &wanted, &entry, mode)?,
        };
        Ok(Ok(Answer::Imported(Imported {
            address: key,
            action,
            ignored: entry.ignored.clone(),
        })))
    })
    .await
}

/// The account's address; a local part alone belongs to the default domain, or to the only one (B7).
fn full_address(
    tx: &mut Tx<'_>,
    user: &str,
    default: Option<&str>,
) -> store::Result<Result<String, Failure>> {
    if user.contains('@') {
        return Ok(address(user).map(|address| address.key()));
    }
    Ok(match domain_of_short_names(tx, default)? {
        Some(domain) => address(&format!("{user}@{domain}")).map(|address| address.key()),
        None => Err(Failure::refused(format!(
            "{user} has no domain, and {} are hosted: write one in the line, or set `auth.default_domain`",
            domain::list(tx)?.len()
        ))),
    })
}

fn add(tx: &mut Tx<'_>, wanted: &NewAccount, entry: &Entry, mode: Mode) -> store::Result<Action> {
    if mode == Mode::Do {
        let id = account::add(tx, wanted)?;
        if entry.disabled {
            account::set_active(tx, id, false)?;
        }
    }
    Ok(Action::Added)
}

/// The hash is always taken over; quota and state only where the line speaks of them.
fn update(
    tx: &mut Tx<'_>,
    now: &Account,
    wanted: &NewAccount,
    entry: &Entry,
    mode: Mode,
) -> store::Result<Action> {
    let hash = now.credentials.hash != wanted.credentials.hash;
    let quota = entry.quota.is_some() && now.quota != wanted.quota;
    let disable = entry.disabled && now.active;
    if mode == Mode::Do && hash {
        account::set_credentials(tx, now.id, &wanted.credentials)?;
    }
    if mode == Mode::Do && quota {
        account::set_quota(tx, now.id, wanted.quota)?;
    }
    if mode == Mode::Do && disable {
        account::set_active(tx, now.id, false)?;
    }
    Ok(match hash || quota || disable {
        true => Action::Updated,
        false => Action::Unchanged,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const BCRYPT: &str = "$2b$08$I5XEVt27r8XTsFEPH0jYf.LImmCs0.3Nbb7/XXVfxNhPDHkUuIltK";
    const ARGON2ID: &str = "$argon2id$v=19$m=65536,t=3,p=1$Zx3ioRdngw6RFg4y04AZiA$odNEbHe06ifjO7/teyKoAkQ307YfLKESgiEsbU6ihNc";
    const SHA512: &str = "$6$rV/V6KmEjBI1NAPL$59VtlH508j6EcWlTnUxDGq5VnIoV8z1QnTwx8tZuNbZJcea/Ao0gRdVpLGDCKRZbNMdtQKOx44RNMte7Nx0aI1";

    fn entry(line: &str) -> Entry {
        parse(line).unwrap().unwrap()
    }

    /// E2, E3, E6: two fields, the long form, and `{SCHEME}` before the hash.
    #[test]
    fn e02_short_and_long_lines() {
        for (line, user, hash) in [
            (
                format!("bob@home.example:{BCRYPT}"),
                "bob@home.example",
                BCRYPT.to_owned(),
            ),
            (
                format!("alice@example.com:{BCRYPT}::::::"),
                "alice@example.com",
                BCRYPT.into(),
            ),
            (
                format!("erin:{{ARGON2ID}}{ARGON2ID}:::::"),
                "erin",
                format!("{{ARGON2ID}}{ARGON2ID}"),
            ),
            (
                format!("frank:{{SHA512-CRYPT}}{SHA512}:::::"),
                "frank",
                format!("{{SHA512-CRYPT}}{SHA512}"),
            ),
        ] {
            let entry = entry(&line);
            assert_eq!((entry.user.as_str(), entry.hash), (user, hash));
            assert!(entry.quota.is_none() && !entry.disabled && entry.ignored.is_empty());
        }
    }

    /// E4, E7, B25: quota, nologin, and extra fields that hold colons themselves.
    #[test]
    fn e04_extra_fields() {
        let carol = entry(&format!(
            "carol@example.com:{BCRYPT}::::::userdb_quota_rule=*:storage=7G"
        ));
        assert_eq!(carol.quota, Some(Quota::Octets(7 << 30)));
        let dave = entry(&format!(
            "dave@example.com:{BCRYPT}:vmail:2000:2000:/var/vmail/example.com/dave::userdb_mail=maildir:/var/vmail/example.com/dave"
        ));
        assert_eq!(
            dave.ignored,
            ["userdb_mail=maildir:/var/vmail/example.com/dave"]
        );
        assert!(entry(&format!("grace@example.com:{ARGON2ID}::::::nologin")).disabled);
        let more = entry(&format!(
            "h:{BCRYPT}::::::userdb_quota_rule=*:storage=1024 nologin=y x=1"
        ));
        assert_eq!(
            (more.quota, more.disabled, more.ignored),
            (Some(Quota::Octets(1 << 20)), true, vec!["x=1".to_owned()])
        );
        let unlimited = entry(&format!("h:{BCRYPT}::::::userdb_quota_rule=*:storage=0"));
        assert_eq!(unlimited.quota, Some(Quota::Unlimited));
    }

    /// B8, B10: what is wrong is named, and neither hash nor plain password is shown.
    #[test]
    fn b08_bad_lines_are_named_without_their_secrets() {
        for blank in ["", "  ", "# bob:x", "\t#"] {
            assert_eq!(parse(blank), Ok(None));
        }
        for (line, words) in [
            ("bob", "no `:`"),
            (":secret", "no user"),
            ("bob:", "no password hash"),
            ("bob:{PLAIN}secret", "{PLAIN}"),
            ("bob:$y$j9T$secret$secret", "$y$"),
            ("bob:secret", "unknown form"),
            ("bob:$2b$08$secret", "damaged"),
        ] {
            let fault = parse(line).unwrap_err();
            assert!(
                fault.contains(words) && !fault.contains("secret"),
                "{line}: {fault}"
            );
        }
        assert!(parse(&format!("h:{BCRYPT}::::::userdb_quota_rule=*:storage=much")).is_err());
        let shown = format!("{:?}", entry(&format!("bob:{BCRYPT}")));
        assert!(!shown.contains("$2b$"), "{shown}");
    }

    proptest! {
        #[test]
        fn no_line_makes_the_parser_panic(line in "\\PC{0,60}") {
            let _ = parse(&line);
        }
    }
}
