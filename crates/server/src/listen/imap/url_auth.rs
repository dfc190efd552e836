//! URLAUTH (RFC 4467): GENURLAUTH, RESETKEY and URLFETCH. A user makes a URL that lets others read one message of his, or a part of it.
//!
//! The proof in a URL is an HMAC of its text, by a key that belongs to the user and the mailbox. The key is an annotation under a name that no
//! client can write or read; without it, because it was reset or the mailbox is gone, no URL of that mailbox is good any more.

use super::connection::Connection;
use super::failure::{Failure, Outcome};
use super::locate::{Located, Otherwise, locate_with};
use super::piece::Piece;
use super::state::Account;
use crate::session::login::domain_of_short_names;
use ::store::annotation::{self, Depth, Place};
use ::store::share::Rights;
use ::store::{AccountId, Tx, account, mailbox};
use aws_lc_rs::hmac;
use imap::MailboxName;
use imap::encode;
use imap::response::{Code, Status};
use imap::url::{Access, AuthorizedUrl};
use jiff::Timestamp;
use std::fmt::Write as _;

/// The only mechanism there is (RFC 4467 §9).
const MECHANISM: &str = "INTERNAL";
/// The annotation; names that clients use begin with a slash.
const KEY: &str = "urlauth-key";
const KEY_LENGTH: usize = 32;

/// GENURLAUTH: all of them or none.
pub(super) async fn generate(
    connection: &mut Connection,
    account: &Account,
    urls: Vec<(String, String)>,
) -> Outcome {
    let mut told = b"* GENURLAUTH".to_vec();
    for (url, mechanism) in urls {
        let proof = proof_for(connection, account, &url, &mechanism).await?;
        told.push(b' ');
        encode::string(&mut told, format!("{url}:internal:{proof}").as_bytes());
    }
    told.extend_from_slice(b"\r\n");
    connection.out.extend_from_slice(&told);
    Ok(Status::ok("These URLs are good."))
}

/// The proof that makes a URL of this account's good.
async fn proof_for(
    connection: &Connection,
    account: &Account,
    url: &str,
    mechanism: &str,
) -> Result<String, Failure> {
    if mechanism != MECHANISM {
        return Err(Status::bad("The only mechanism is INTERNAL.").into());
    }
    let parsed = AuthorizedUrl::parse(url).filter(|parsed| parsed.verifier.is_none());
    let parsed = parsed.ok_or_else(|| Status::bad("That is no URL without a verifier."))?;
    let bad = || Status::no("That URL cannot be authorised.").code(Code::BadUrl(url.to_owned()));
    if !is_ours(connection, &parsed) {
        return Err(bad().into());
    }
    let (viewer, user) = (account.id(), parsed.user.clone());
    let name = mailbox_name(&parsed);
    let default = default_domain(connection);
    let key = connection.services.store.write(move |tx| {
        // RFC 4467 §7: only of the user himself.
        if account_of(tx, &user, default.as_deref())? != Some(viewer) {
            return Ok(None);
        }
        match locate_with(tx, viewer, &name, Rights::READ, Otherwise::NoMailbox)? {
            Ok(located) => key_or_new(tx, viewer, &located).map(Some),
            Err(_) => Ok(None),
        }
    });
    let key = key.await?.ok_or_else(bad)?;
    Ok(hex(
        hmac::sign(&hmac_key(&key), parsed.rump.as_bytes()).as_ref()
    ))
}

/// The domain of users that a URL names without one.
fn default_domain(connection: &Connection) -> Option<String> {
    let config = connection.services.config.load();
    config.auth.default_domain.clone()
}

/// RESETKEY: URLs of a mailbox, or of all, are good no more.
pub(super) async fn reset(
    connection: &mut Connection,
    account: &Account,
    name: Option<MailboxName>,
    mechanisms: &[String],
) -> Outcome {
    if mechanisms.iter().any(|mechanism| mechanism != MECHANISM) {
        return Ok(Status::bad("The only mechanism is INTERNAL."));
    }
    let viewer = account.id();
    let of_one = name.is_some();
    let reset = connection.services.store.write(move |tx| {
        let Some(name) = &name else {
            for mailbox in mailbox::list(tx, viewer)? {
                let place = Place::private(viewer, mailbox.id, viewer);
                forget(tx, place)?;
            }
            return Ok(Ok(()));
        };
        let located = locate_with(
            tx,
            viewer,
            name.as_str(),
            Rights::READ,
            Otherwise::NoMailbox,
        )?;
        match located {
            Ok(located) => forget(tx, key_place(viewer, &located)).map(Ok),
            Err(refused) => Ok(Err(refused)),
        }
    });
    reset.await??;
    let done = Status::ok("The URLs are good no more.");
    Ok(match of_one {
        true => done.code(Code::UrlMech),
        false => done,
    })
}

/// URLFETCH: what each URL names, or NIL.
pub(super) async fn fetch(
    connection: &mut Connection,
    account: &Account,
    urls: Vec<String>,
) -> Outcome {
    for url in urls {
        let piece = piece_of(connection, account, &url).await?;
        connection.out.extend_from_slice(b"* URLFETCH ");
        encode::string(&mut connection.out, url.as_bytes());
        match piece {
            None => connection.out.extend_from_slice(b" NIL"),
            Some(piece) => {
                connection.out.push(b' ');
                write(connection, piece).await?;
            }
        }
        connection.out.extend_from_slice(b"\r\n");
        connection.flush_if_full().await?;
    }
    Ok(Status::ok("Fetched."))
}

async fn write(connection: &mut Connection, mut piece: Piece) -> Result<(), Failure> {
    encode::literal_head(&mut connection.out, piece.length);
    let mut left = piece.length;
    while let Some(octets) = piece.next().await.map_err(super::fetch::broken_off)? {
        left = left.saturating_sub(octets.len() as u64);
        connection.out.extend_from_slice(&octets);
        connection.flush_if_full().await?;
    }
    match left {
        0 => Ok(()),
        _ => {
            let short = ::store::Error::Corrupt(format!("{left} octets of a body are missing"));
            Err(super::fetch::broken_off(short).into())
        }
    }
}

/// What a URL names, if it is good and this account may use it. Why it is not, nobody is told.
async fn piece_of(
    connection: &Connection,
    account: &Account,
    url: &str,
) -> Result<Option<Piece>, Failure> {
    let Some(parsed) = AuthorizedUrl::parse(url).filter(|parsed| is_ours(connection, parsed))
    else {
        return Ok(None);
    };
    let Some((mechanism, proof)) = parsed.verifier.clone() else {
        return Ok(None);
    };
    if mechanism != MECHANISM || has_expired(&parsed, connection.services.clock.now()) {
        return Ok(None);
    }
    let (reader, name) = (account.id(), mailbox_name(&parsed));
    let (user, access, rump) = (
        parsed.user.clone(),
        parsed.access.clone(),
        parsed.rump.clone(),
    );
    let default = default_domain(connection);
    let owner = connection.services.store.read(move |tx| {
        let default = default.as_deref();
        let Some(owner) = account_of(tx, &user, default)? else {
            return Ok(None);
        };
        if !may_use(tx, &access, reader, default)? {
            return Ok(None);
        }
        let located = locate_with(tx, owner, &name, Rights::READ, Otherwise::NoMailbox)?;
        let Ok(located) = located else {
            return Ok(None);
        };
        let key = key_of(tx, key_place(owner, &located))?;
        let good = key.is_some_and(|key| verifies(&key, &rump, &proof));
        Ok(good.then_some(owner))
    });
    match owner.await? {
        Some(owner) => Piece::open(connection, owner, None, &parsed.piece).await,
        None => Ok(None),
    }
}

/// Is it of this server?
fn is_ours(connection: &Connection, url: &AuthorizedUrl) -> bool {
    let config = connection.services.config.load();
    let host = url.host.split(':').next().unwrap_or_default();
    host.eq_ignore_ascii_case(&config.hostname) || host.eq_ignore_ascii_case(&config.domain)
}

fn mailbox_name(url: &AuthorizedUrl) -> String {
    let name = url.piece.mailbox.as_ref();
    name.map_or_else(String::new, |name| name.as_str().to_owned())
}

/// A date that cannot be read is one that has passed.
fn has_expired(url: &AuthorizedUrl, now: Timestamp) -> bool {
    let until = url.expires.as_deref().map(str::parse::<Timestamp>);
    until.is_some_and(|until| until.map_or(true, |until| until < now))
}

/// RFC 4467 §3: `submit+` is for servers that take submissions, of which none logs in here.
fn may_use(
    tx: &mut Tx<'_>,
    access: &Access,
    reader: AccountId,
    default: Option<&str>,
) -> ::store::Result<bool> {
    Ok(match access {
        Access::User(user) => account_of(tx, user, default)? == Some(reader),
        Access::AuthUser | Access::Anonymous => true,
        Access::Submit(_) => false,
    })
}

/// The account of a user as URLs name him: by his address, or what stands before its `@`.
fn account_of(
    tx: &mut Tx<'_>,
    user: &str,
    default: Option<&str>,
) -> ::store::Result<Option<AccountId>> {
    let address = match (user.contains('@'), domain_of_short_names(tx, default)?) {
        (false, Some(domain)) => format!("{user}@{domain}"),
        _ => user.to_owned(),
    };
    let found = account::by_address(tx, &address.to_lowercase())?;
    Ok(found.map(|account| account.id))
}

fn key_place(viewer: AccountId, located: &Located) -> Place {
    Place::private(located.owner, located.mailbox.id, viewer)
}

fn key_of(tx: &mut Tx<'_>, place: Place) -> ::store::Result<Option<Vec<u8>>> {
    let found = annotation::read(tx, place, KEY, Depth::Zero)?;
    Ok(found.into_iter().next().map(|(_, key)| key))
}

fn key_or_new(tx: &mut Tx<'_>, viewer: AccountId, located: &Located) -> ::store::Result<Vec<u8>> {
    let place = key_place(viewer, located);
    if let Some(key) = key_of(tx, place)? {
        return Ok(key);
    }
    let mut key = vec![0; KEY_LENGTH];
    getrandom::fill(&mut key)
        .map_err(|error| ::store::Error::Bug(format!("no randomness: {error}")))?;
    annotation::set(tx, place, KEY, Some(&key))?;
    Ok(key)
}

fn forget(tx: &mut Tx<'_>, place: Place) -> ::store::Result<()> {
    match key_of(tx, place)? {
        Some(_) => annotation::set(tx, place, KEY, None),
        None => Ok(()),
    }
}

fn hmac_key(key: &[u8]) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, key)
}

/// Compared in constant time.
fn verifies(key: &[u8], rump: &str, proof: &str) -> bool {
    let tag = unhex(proof);
    tag.is_some_and(|tag| hmac::verify(&hmac_key(key), rump.as_bytes(), &tag).is_ok())
}

fn hex(octets: &[u8]) -> String {
    octets.iter().fold(String::new(), |mut text, octet| {
        let _ = write!(text, "{octet:02x}");
        text
    })
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let pairs = text.as_bytes().chunks(2);
    let octet = |pair: &[u8]| {
        let digits = std::str::from_utf8(pair)
            .ok()
            .filter(|digits| digits.len() == 2)?;
        u8::from_str_radix(digits, 16).ok()
    };
    pairs.map(octet).collect()
}
