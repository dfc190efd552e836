//! MAIL and RCPT from the wire's grammar into the journey's words. An address that the grammar lets pass but that cannot be compared
//! (a domain that IDNA does not know) is refused here.

use crate::journey::{self, Mail, Rcpt, Refusal};
use message::Address;
use smtp::command::{Body, Notify, Ret};
use smtp::{Enhanced, ForwardPath, MailCommand, Mailbox, RcptCommand};

/// MAIL.
pub(super) fn mail(command: MailCommand) -> Result<Mail, Refusal> {
    let reverse_path = match &command.reverse_path {
        Some(path) => Some(address(path, Enhanced(5, 1, 7))?),
        None => None,
    };
    Ok(Mail {
        reverse_path,
        size: command.size,
        eight_bit: command.body == Some(Body::EightBitMime),
        smtputf8: command.smtputf8,
        requiretls: command.requiretls,
        ret: command.ret.map(|ret| match ret {
            Ret::Full => journey::Ret::Full,
            Ret::Headers => journey::Ret::Headers,
        }),
        envid: command.envid,
        prdr: command.prdr,
    })
}

/// RCPT.
pub(super) fn rcpt(command: RcptCommand) -> Result<Rcpt, Refusal> {
    let forward_path = match &command.forward_path {
        ForwardPath::Postmaster => journey::ForwardPath::Postmaster,
        ForwardPath::Mailbox(path) => {
            journey::ForwardPath::Address(address(path, Enhanced(5, 1, 3))?)
        }
    };
    Ok(Rcpt {
        forward_path,
        orcpt: command.orcpt.map(|orcpt| orcpt.to_string()),
        notify: command.notify.map(notify).unwrap_or_default(),
    })
}

fn address(path: &Mailbox, enhanced: Enhanced) -> Result<Address, Refusal> {
    Address::parse(&path.to_string()).map_err(|why| {
        Refusal::new(553, enhanced, format!("The address cannot be used: {why}"))
            .because(format!("address {path}: {why}"))
    })
}

fn notify(notify: Notify) -> journey::Notify {
    let bit = |set: bool, bit: journey::Notify| if set { bit.0 } else { 0 };
    match notify {
        Notify::Never => journey::Notify::NEVER,
        Notify::Of {
            success,
            failure,
            delay,
        } => journey::Notify(
            bit(success, journey::Notify::SUCCESS)
                | bit(failure, journey::Notify::FAILURE)
                | bit(delay, journey::Notify::DELAY),
        ),
    }
}
