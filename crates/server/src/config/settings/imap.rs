//! The section `imap`: what IMAP offers, and to whom (docs/imap.md).

use super::{Applies, Default, Setting};
use crate::config::field::Field;

pub(super) fn imap() -> Vec<Setting> {
    settings! {
        "imap.hide" Reload "[]", Field::Hidden(|c| &mut c.imap.hide),
            "Capabilities that are not offered, for mail programs that break on them (W17): `COMPRESS=DEFLATE` to nobody, `CONDSTORE for ADDRESS` \
             not to an account, `QUOTA* for @DOMAIN` not to those of a domain, `IDLE for client NAME` not to programs that call themselves so by \
             the command ID; `*` stands for any text. What is hidden is also refused (docs/imap.md).";
        "imap.uidonly" Reload "false", Field::Flag(|c| &mut c.imap.uidonly),
            "Offer UIDONLY (RFC 9586), in which messages have no numbers any more. Some programs break where they see it (W21).";
        "imap.urlauth" Reload "false", Field::Flag(|c| &mut c.imap.urlauth),
            "Offer URLAUTH (RFC 4467): URLs by which a user lets others read one message of his (docs/imap.md).";
        "imap.message_limit" Reload "0", Field::Count(|c| &mut c.imap.message_limit, 0..=1_000_000),
            "How many messages one command may concern, told as MESSAGELIMIT (RFC 9738); 0: any number, and MESSAGELIMIT is not offered (W21). The RFC asks for \
             1000 at least; programs that do not know it see only part of a mailbox that has more.";
    }
}
