//! The section `tables`.

use super::{Applies, Default, Setting};
use crate::config::field::Field;

pub(super) fn tables() -> Vec<Setting> {
    settings! {
        "tables.passwd" Reload "\"\"", Field::OptionalPath(|c| &mut c.tables.passwd),
            "A file of accounts with their password hashes (B8), `address:hash` or the nine fields of a passwd-file. Who is in it has an account; \
             who is not in it any more may not log in and gets no mail, and his mail is kept. It must not be readable by everyone.";
        "tables.virtuals" Reload "\"\"", Field::OptionalPath(|c| &mut c.tables.virtuals),
            "A file of aliases: an address, a local part, `@domain` or `@`, then a colon or white space, then where its mail goes; `vmail` \
             stands for its own mailbox.";
        "tables.domains" Reload "\"\"", Field::OptionalPath(|c| &mut c.tables.domains),
            "A file of domains that are hosted here, one a line.";
    }
}
