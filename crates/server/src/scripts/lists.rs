//! External lists of `:list` (RFC 6134): files of the admin's in the folder `sieve.lists`, one entry a line. Read when they are asked, and
//! again when they have changed. Blocks: not for an async worker.
//!
//! A list is called by the name of its file, or by a `tag:` URI that ends in it (`tag:example.com,2026:friends`). The user's address book
//! ([`is_address_book`]) is no file: on it are all to whom the account has written, and all who have an address here.

use super::Scripts;
use super::host::is_file_name;
use crate::config::Config;
use crate::journey::lookup::{self, Found};
use message::Address;
use std::io;
use std::path::PathBuf;
use store::{AccountId, Tx, sending};

/// Octets of the largest list.
const LARGEST: u64 = 4 << 20;
/// Addresses that a message is redirected to by one list.
pub(super) const MOST_ADDRESSES: usize = 100;

/// The user's private address book (RFC 6134 §2.6).
const ADDRESS_BOOK: &str = "urn:ietf:params:sieve:addrbook:default";

/// Is the user's own address book meant?
pub(super) fn is_address_book(list: &str) -> bool {
    list.trim().eq_ignore_ascii_case(ADDRESS_BOOK)
}

/// Is this address in the user's address book?
pub(super) fn knows(
    config: &Config,
    tx: &mut Tx<'_>,
    account: AccountId,
    value: &str,
) -> store::Result<bool> {
    let Ok(address) = Address::parse(value.trim()) else {
        return Ok(false);
    };
    if sending::knows(tx, account, &address.key())? {
        return Ok(true);
    }
    Ok(matches!(
        lookup::look_up(config, tx, &address)?,
        Found::Targets(_)
    ))
}

/// Is there a list of this name?
pub(super) fn exists(config: &Config, list: &str) -> bool {
    is_address_book(list) || file(config, list).is_some_and(|file| file.is_file())
}

/// Is this on the list, in whatever case? An entry that begins with `@` stands for all addresses of a domain.
pub(super) fn contains(
    scripts: &Scripts,
    config: &Config,
    list: &str,
    value: &str,
) -> io::Result<bool> {
    let value = value.trim().to_lowercase();
    let domain = value.rfind('@').map(|at| value[at..].to_owned());
    let entries = entries(scripts, config, list)?;
    Ok(entries
        .iter()
        .any(|entry| *entry == value || Some(entry) == domain.as_ref()))
}

/// The entries of a list, in lower case; none if there is no such list.
pub(super) fn entries(scripts: &Scripts, config: &Config, list: &str) -> io::Result<Vec<String>> {
    let Some(file) = file(config, list) else {
        return Ok(Vec::new());
    };
    let content = scripts.files.read(&file, LARGEST)?.unwrap_or_default();
    let text = String::from_utf8_lossy(&content);
    let lines = text.lines().map(|line| line.trim().to_lowercase());
    Ok(lines
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .collect())
}

fn file(config: &Config, list: &str) -> Option<PathBuf> {
    let folder = config.sieve.lists.as_ref()?;
    let name = match list.strip_prefix("tag:") {
        Some(tag) => tag.rsplit(':').next()?,
        None => list,
    };
    is_file_name(name).then(|| folder.join(name))
}
