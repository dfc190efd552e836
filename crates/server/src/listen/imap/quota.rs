//! GETQUOTA and GETQUOTAROOT (RFC 9208, catalogue G14, P10): one root per account, counting octets and mailboxes. Nobody sets quotas over IMAP.

use super::connection::Connection;
use super::create;
use super::failure::{Failure, Outcome};
use super::locate::{Otherwise, locate_with};
use super::state::Account;
use ::store::share::Rights;
use ::store::{account, mailbox};
use imap::MailboxName;
use imap::encode;
use imap::response::{Code, Status};

/// The name of the one quota root.
const ROOT: &str = "User quota";

/// GETQUOTA.
pub(super) async fn get(connection: &mut Connection, account: &Account, root: &str) -> Outcome {
    if root != ROOT {
        return Ok(Status::no("There is no such quota root.").code(Code::NonExistent));
    }
    respond(connection, account).await?;
    Ok(Status::ok("Quota told."))
}

/// GETQUOTAROOT: every mailbox of one's own counts towards the one root.
pub(super) async fn get_root(
    connection: &mut Connection,
    account: &Account,
    name: &MailboxName,
) -> Outcome {
    let (id, wanted) = (account.id(), name.as_str().to_owned());
    let found = connection
        .services
        .store
        .read(move |tx| locate_with(tx, id, &wanted, Rights::READ, Otherwise::NoMailbox));
    let located = found.await??;
    connection.out.extend_from_slice(b"* QUOTAROOT ");
    connection.push_mailbox(name.as_str());
    let out = &mut connection.out;
    if located.is_foreign(account.id()) {
        // It counts towards its owner's root, which is his affair.
        out.extend_from_slice(b"\r\n");
        return Ok(Status::ok("Quota told."));
    }
    out.push(b' ');
    encode::astring(out, ROOT.as_bytes());
    out.extend_from_slice(b"\r\n");
    respond(connection, account).await?;
    Ok(Status::ok("Quota told."))
}

/// SETQUOTA.
pub(super) fn set() -> Status {
    Status::no("Quotas are set by the administrator.").code(Code::NoPerm)
}

/// The QUOTA response: use and limit in units of 1024 octets, where there is a limit, and of mailboxes.
async fn respond(connection: &mut Connection, account: &Account) -> Result<(), Failure> {
    let id = account.id();
    let found = connection.services.store.read(move |tx| {
        let owner = account::by_id(tx, id)?;
        Ok((owner, mailbox::list(tx, id)?.len()))
    });
    let (Some(owner), mailboxes) = found.await? else {
        return Err(::store::Error::Missing("the account".to_owned()).into());
    };
    let limit = owner.quota.or(connection.services.config.load().mail.quota);
    let out = &mut connection.out;
    out.extend_from_slice(b"* QUOTA ");
    encode::astring(out, ROOT.as_bytes());
    out.extend_from_slice(b" (");
    if let Some(limit) = limit {
        out.extend_from_slice(b"STORAGE ");
        encode::number(out, owner.used_bytes.div_ceil(1024));
        out.push(b' ');
        encode::number(out, limit / 1024);
        out.push(b' ');
    }
    out.extend_from_slice(b"MAILBOX ");
    encode::number(out, mailboxes as u64);
    out.push(b' ');
    encode::number(out, create::MAX_MAILBOXES as u64);
    out.extend_from_slice(b")\r\n");
    Ok(())
}
