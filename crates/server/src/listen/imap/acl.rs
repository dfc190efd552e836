//! SETACL, DELETEACL, GETACL, LISTRIGHTS and MYRIGHTS (RFC 4314 §3): who may do what in a mailbox. The owner has all rights, always.

use super::connection::Connection;
use super::failure::{Failure, Outcome};
use super::locate::{Located, Otherwise, locate, locate_with};
use super::state::Account;
use ::store::share::{self, Grant, Identifier, Rights};
use ::store::{Tx, account};
use imap::MailboxName;
use imap::acl::{self, Modification, SetAcl};
use imap::response::{Code, Status};

/// SETACL.
pub(super) async fn set(connection: &mut Connection, account: &Account, set: SetAcl) -> Outcome {
    let rights = Rights::parse(&set.rights)
        .map_err(|_| Status::bad("Rights are letters of lrswipkxtea, or the obsolete cd."))?;
    change(
        connection,
        account,
        &set.mailbox,
        set.identifier,
        move |before| match set.modification {
            Modification::Replace => rights,
            Modification::Add => before.with(rights),
            Modification::Remove => before.without(rights),
        },
    )
    .await?;
    Ok(Status::ok("The rights are set."))
}

/// DELETEACL.
pub(super) async fn delete(
    connection: &mut Connection,
    account: &Account,
    mailbox: &MailboxName,
    identifier: String,
) -> Outcome {
    change(connection, account, mailbox, identifier, |_| Rights::NONE).await?;
    Ok(Status::ok("The rights are removed."))
}

async fn change(
    connection: &Connection,
    account: &Account,
    mailbox: &MailboxName,
    identifier: String,
    change: impl Fn(Rights) -> Rights + Send + 'static,
) -> Result<(), Failure> {
    let (viewer, name) = (account.id(), mailbox.as_str().to_owned());
    let by = account.login.address.clone();
    let changed = connection.services.store.write(move |tx| {
        let located = match administered(tx, viewer, &name)? {
            Ok(located) => located,
            Err(refused) => return Ok(Err(refused)),
        };
        let identifier = match who(tx, &identifier, &by)? {
            Ok(identifier) => identifier,
            Err(refused) => return Ok(Err(refused)),
        };
        if is_owner(tx, &located, &identifier)? {
            return Ok(Err(owner_keeps_all()));
        }
        let known = share::grants(tx, located.owner, located.mailbox.id)?;
        let before = known.iter().find(|grant| grant.identifier == identifier);
        let rights = change(before.map_or(Rights::NONE, |grant| grant.rights));
        share::grant(tx, located.owner, located.mailbox.id, &identifier, rights)?;
        Ok(Ok((identifier, rights)))
    });
    let (identifier, rights) = changed.await??;
    tracing::info!(
        user = account.login.address,
        mailbox = mailbox.as_str(),
        identifier = identifier.as_str(),
        rights = %rights,
        "shared"
    );
    Ok(())
}

fn owner_keeps_all() -> Status {
    Status::no("The owner has all rights, always.").code(Code::Cannot)
}

fn is_owner(tx: &mut Tx<'_>, located: &Located, identifier: &Identifier) -> ::store::Result<bool> {
    let owner = account::by_id(tx, located.owner)?;
    Ok(owner.is_some_and(|owner| owner.address == identifier.who()))
}

/// A mailbox whose list may be seen and changed.
fn administered(
    tx: &mut Tx<'_>,
    viewer: ::store::AccountId,
    name: &str,
) -> ::store::Result<Result<Located, Status>> {
    locate_with(tx, viewer, name, Rights::ADMINISTER, Otherwise::NoMailbox)
}

/// Whom an identifier means; a name without a domain is in the domain of whoever says it.
fn who(tx: &mut Tx<'_>, identifier: &str, by: &str) -> ::store::Result<Result<Identifier, Status>> {
    let domain = by.rsplit_once('@').map_or("", |(_, domain)| domain);
    match Identifier::parse(tx, identifier, domain) {
        Ok(identifier) => Ok(Ok(identifier)),
        Err(::store::Error::Missing(_)) => {
            Ok(Err(Status::no("There is no such account.").code(Code::Cannot)))
        }
        Err(::store::Error::Refused(_)) => Ok(Err(Status::no(
            "An identifier is an address, \"anyone\" or a $group, with - before it to take rights away.",
        )
        .code(Code::Cannot))),
        Err(other) => Err(other),
    }
}

/// GETACL.
pub(super) async fn get(
    connection: &mut Connection,
    account: &Account,
    mailbox: &MailboxName,
) -> Outcome {
    let (viewer, name) = (account.id(), mailbox.as_str().to_owned());
    let read = connection.services.store.read(move |tx| {
        let located = match administered(tx, viewer, &name)? {
            Ok(located) => located,
            Err(refused) => return Ok(Err(refused)),
        };
        let owner = account::by_id(tx, located.owner)?.map(|owner| owner.address);
        Ok(Ok((
            owner,
            share::grants(tx, located.owner, located.mailbox.id)?,
        )))
    });
    let (owner, grants) = read.await??;
    let owner = owner
        .as_deref()
        .map(|owner| (owner, Rights::ALL.with_obsolete()));
    let others = grants
        .iter()
        .map(|Grant { identifier, rights }| (identifier.as_str(), rights.with_obsolete()));
    let names = connection.enabled.names();
    acl::push_acl(
        &mut connection.out,
        (mailbox.as_str(), names),
        owner.into_iter().chain(others),
    );
    Ok(Status::ok("The list is told."))
}

/// LISTRIGHTS: the owner always has everything; to others each right can be given by itself.
pub(super) async fn list_rights(
    connection: &mut Connection,
    account: &Account,
    mailbox: &MailboxName,
    identifier: String,
) -> Outcome {
    const EACH: [&str; 13] = [
        "l", "r", "s", "w", "i", "p", "k", "x", "t", "e", "c", "d", "a",
    ];
    let (viewer, name) = (account.id(), mailbox.as_str().to_owned());
    let (asked, by) = (identifier.clone(), account.login.address.clone());
    let read = connection.services.store.read(move |tx| {
        let located = match administered(tx, viewer, &name)? {
            Ok(located) => located,
            Err(refused) => return Ok(Err(refused)),
        };
        Ok(match who(tx, &asked, &by)? {
            Ok(identifier) => Ok(is_owner(tx, &located, &identifier)?),
            Err(refused) => Err(refused),
        })
    });
    let owner = read.await??;
    let everything = Rights::ALL.with_obsolete();
    let (required, optional): (&str, &[&str]) = match owner {
        true => (&everything, &[]),
        false => ("", &EACH),
    };
    let names = connection.enabled.names();
    acl::push_list_rights(
        &mut connection.out,
        (mailbox.as_str(), names),
        &identifier,
        required,
        optional,
    );
    Ok(Status::ok("The rights are told."))
}

/// MYRIGHTS.
pub(super) async fn my_rights(
    connection: &mut Connection,
    account: &Account,
    mailbox: &MailboxName,
) -> Outcome {
    let (viewer, name) = (account.id(), mailbox.as_str().to_owned());
    let found = connection
        .services
        .store
        .read(move |tx| locate(tx, viewer, &name));
    // RFC 4314 §4: any right but `p` and those of messages that cannot be seen lets one ask.
    let tells = Rights::ALL.without(Rights::POST);
    let found = found.await?.filter(|located| located.rights.has_any(tells));
    let located = found.ok_or_else(super::failure::no_mailbox)?;
    let names = connection.enabled.names();
    acl::push_my_rights(
        &mut connection.out,
        (mailbox.as_str(), names),
        &located.rights.with_obsolete(),
    );
    Ok(Status::ok("Your rights are told."))
}
