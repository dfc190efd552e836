//! GETQUOTA, GETQUOTAROOT and SETQUOTA (RFC 9208, catalogue G14, P10): one root per account, counting octets, messages and mailboxes.
//!
//! To its owner the root is `User quota`. Those whom the setting `mail.quota_admins` names see and set the roots of all accounts, as
//! `user/ADDRESS`; for everybody else SETQUOTA is answered with NOPERM. ANNOTATION-STORAGE is not counted, since there are no
//! annotations of messages (RFC 5257).

use super::connection::Connection;
use super::create;
use super::failure::{Failure, Outcome};
use super::locate::{Otherwise, locate_with};
use super::state::Account;
use ::store::quota::Limits;
use ::store::share::Rights;
use ::store::{account, mailbox};
use imap::MailboxName;
use imap::encode;
use imap::response::{Code, Status};

/// The name of one's own quota root.
const ROOT: &str = "User quota";
/// Before the address of an account, its root as administrators see it.
const OF_USER: &str = "user/";
/// A limit from here on is none.
const UNLIMITED: u64 = i64::MAX as u64;

/// GETQUOTA.
pub(super) async fn get(connection: &mut Connection, account: &Account, root: &str) -> Outcome {
    let owner = owner(connection, account, root).await?;
    respond(connection, root, owner).await?;
    Ok(Status::ok("Quota told."))
}

/// GETQUOTAROOT: every mailbox counts towards the one root of its owner, which is his affair, and the administrators'.
pub(super) async fn get_root(
    connection: &mut Connection,
    account: &Account,
    name: &MailboxName,
) -> Outcome {
    let (id, wanted) = (account.id(), name.as_str().to_owned());
    let found = connection.services.store.read(move |tx| {
        let located = locate_with(tx, id, &wanted, Rights::READ, Otherwise::NoMailbox)?;
        let owner = match &located {
            Ok(located) => account::by_id(tx, located.owner)?,
            Err(_) => None,
        };
        Ok(located.map(|_| owner))
    });
    let owner = found.await??.ok_or_else(no_account)?;
    let root = match owner.id == account.id() {
        true => Some(ROOT.to_owned()),
        false if is_admin(connection, account) => Some(format!("{OF_USER}{}", owner.address)),
        false => None,
    };
    connection.out.extend_from_slice(b"* QUOTAROOT ");
    connection.push_mailbox(name.as_str());
    if let Some(root) = &root {
        connection.out.push(b' ');
        encode::astring(&mut connection.out, root.as_bytes());
    }
    connection.out.extend_from_slice(b"\r\n");
    if let Some(root) = &root {
        respond(connection, root, owner).await?;
    }
    Ok(Status::ok("Quota told."))
}

/// SETQUOTA (§4.1.3): the limits named hold from now on, and no others.
pub(super) async fn set(
    connection: &mut Connection,
    account: &Account,
    root: &str,
    limits: Vec<(String, u64)>,
) -> Outcome {
    if !is_admin(connection, account) {
        return Ok(Status::no("Quotas are set by the administrator.").code(Code::NoPerm));
    }
    let owner = owner(connection, account, root).await?;
    let wanted = wanted(&limits)?;
    let (id, by) = (owner.id, &account.login.address);
    tracing::info!(account = owner.address, by, ?wanted, "quota set over IMAP");
    let changed = connection.services.store.write(move |tx| {
        account::set_quota(tx, id, wanted.bytes)?;
        account::set_message_quota(tx, id, wanted.messages)?;
        account::by_id(tx, id)
    });
    let owner = changed.await?.ok_or_else(no_account)?;
    respond(connection, root, owner).await?;
    Ok(Status::ok("Quota set."))
}

/// The limits that a client names. What it does not name has no limit.
fn wanted(limits: &[(String, u64)]) -> Result<Limits, Status> {
    let mut wanted = Limits {
        bytes: Some(UNLIMITED),
        messages: Some(UNLIMITED),
    };
    for (resource, limit) in limits {
        match resource.as_str() {
            "STORAGE" => wanted.bytes = Some(limit.saturating_mul(1024).min(UNLIMITED)),
            "MESSAGE" => wanted.messages = Some((*limit).min(UNLIMITED)),
            "MAILBOX" => {
                let fixed = "The number of mailboxes is the same for all accounts.";
                return Err(Status::no(fixed).code(Code::Cannot));
            }
            _ => return Err(Status::bad("There is no such resource to limit.")),
        }
    }
    Ok(wanted)
}

fn is_admin(connection: &Connection, account: &Account) -> bool {
    let config = connection.services.config.load();
    let mut admins = config.mail.quota_admins.iter();
    admins.any(|admin| admin.eq_ignore_ascii_case(&account.login.address))
}

/// The account that a root is of.
async fn owner(
    connection: &Connection,
    account: &Account,
    root: &str,
) -> Result<account::Account, Failure> {
    let no_root = || Status::no("There is no such quota root.").code(Code::NonExistent);
    if root == ROOT {
        let id = account.id();
        let found = connection
            .services
            .store
            .read(move |tx| account::by_id(tx, id));
        return found.await?.ok_or_else(|| no_account().into());
    }
    let Some(address) = root.strip_prefix(OF_USER) else {
        return Err(no_root().into());
    };
    if !is_admin(connection, account) {
        let refused = "The quotas of others are the administrator's affair.";
        return Err(Status::no(refused).code(Code::NoPerm).into());
    }
    let address = address.to_owned();
    let store = &connection.services.store;
    let found = store.read(move |tx| account::by_address(tx, &address));
    found.await?.ok_or_else(|| no_root().into())
}

fn no_account() -> ::store::Error {
    ::store::Error::Missing("the account".to_owned())
}

/// The QUOTA response: use and limit of octets (in units of 1024) and of messages, where there are limits, and of mailboxes.
async fn respond(
    connection: &mut Connection,
    root: &str,
    owner: account::Account,
) -> Result<(), Failure> {
    let id = owner.id;
    let store = &connection.services.store;
    let mailboxes = store.read(move |tx| mailbox::count(tx, id)).await?;
    let default = connection.services.config.load().mail.quota_limits();
    let limits = owner.limits().or(default);
    let limited = |limit: Option<u64>| limit.filter(|limit| *limit < UNLIMITED);
    let out = &mut connection.out;
    out.extend_from_slice(b"* QUOTA ");
    encode::astring(out, root.as_bytes());
    out.extend_from_slice(b" (");
    if let Some(limit) = limited(limits.bytes) {
        resource(
            out,
            "STORAGE",
            owner.used_bytes.div_ceil(1024),
            limit / 1024,
        );
        out.push(b' ');
    }
    if let Some(limit) = limited(limits.messages) {
        resource(out, "MESSAGE", owner.used_messages, limit);
        out.push(b' ');
    }
    resource(
        out,
        "MAILBOX",
        mailboxes as u64,
        create::MAX_MAILBOXES as u64,
    );
    out.extend_from_slice(b")\r\n");
    Ok(())
}

fn resource(out: &mut Vec<u8>, name: &str, used: u64, limit: u64) {
    out.extend_from_slice(name.as_bytes());
    out.push(b' ');
    encode::number(out, used);
    out.push(b' ');
    encode::number(out, limit);
}
