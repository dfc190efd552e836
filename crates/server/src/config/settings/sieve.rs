//! `[sieve]`: whose scripts run, and what they may cost (docs/sieve-in-the-server.md).

use super::{Applies, Default, Setting};
use crate::config::field::Field;

pub(super) fn sieve() -> Vec<Setting> {
    settings! {
        "sieve.before" Reload "[]", Field::Paths(|c| &mut c.sieve.before),
            "Scripts that run before a user's own, for everybody: files, and folders whose `*.sieve` files run in the order of their \
             names (H3). They go on to the next script as long as the mail would be kept.";
        "sieve.after" Reload "[]", Field::Paths(|c| &mut c.sieve.after),
            "The same, after a user's own script.";
        "sieve.default" Reload "\"\"", Field::OptionalPath(|c| &mut c.sieve.default),
            "A script for users who have none of their own active (H4).";
        "sieve.global" Reload "\"\"", Field::OptionalPath(|c| &mut c.sieve.global),
            "The folder of the scripts that `include :global` finds, as `NAME.sieve` (H16).";
        "sieve.personal" Reload "\"\"", Field::OptionalText(|c| &mut c.sieve.personal),
            "Where the users' scripts are if they are files (H2): a folder, with %u for the address, %n for the part before the @ and \
             %d for the domain, like `/var/mail/%d/%n/sieve`. Each `*.sieve` file in it is a script. Empty: they are in the store.";
        "sieve.personal_active" Reload "\"\"", Field::OptionalText(|c| &mut c.sieve.personal_active),
            "The file, or link to one, that is a user's active script where `sieve.personal` is set, like \
             `/var/mail/%d/%n/.dovecot.sieve`.";
        "sieve.imap" Reload "[]", Field::ImapRules(|c| &mut c.sieve.imap),
            "Scripts that run when a mailbox is changed over IMAP (H26): a list of \
             { mailbox = NAME, from = NAME, causes = [\"COPY\", \"APPEND\", \"FLAG\"], before = FILE, after = FILE }, where only \
             `mailbox` and one file are needed and `*` stands for any text in a name. A move counts as COPY.";
        "sieve.programs" Reload "\"\"", Field::OptionalPath(|c| &mut c.sieve.programs),
            "The folder of the programs that `pipe`, `filter` and `execute` may start (H27). Names like `learn-spam.sh` and \
             `learn-ham.sh` teach the filter without any program.";
        "sieve.lists" Reload "\"\"", Field::OptionalPath(|c| &mut c.sieve.lists),
            "The folder of the lists that scripts ask with `:list` (extlists): files with an address, a domain as `@example.com`, or a word a \
             line. A list is called by the name of its file, or by a `tag:` URI that ends in it.";
        "sieve.without" Reload "[]", Field::Texts(|c| &mut c.sieve.without, "extensions", extension),
            "Extensions that users' scripts may not require, such as `\"editheader\"`; they are not announced either. Scripts of the admin's \
             may. A script that requires one already fails from then on, and its mail is kept.";
        "sieve.environment" Reload "[]", Field::Texts(|c| &mut c.sieve.environment, "NAME=VALUE", named_value),
            "What the admin's scripts read as `vnd.dovecot.config.NAME` of their environment (H28), like `site=home`.";
        "sieve.max_script_size" Reload "\"1M\"", Field::Size(|c| &mut c.sieve.max_script_size, 1024..=16 << 20),
            "The largest script (H31).";
        "sieve.max_scripts" Reload "100", Field::Count(|c| &mut c.sieve.max_scripts, 1..=10_000),
            "Scripts that one user may store.";
        "sieve.max_storage" Reload "\"4M\"", Field::Size(|c| &mut c.sieve.max_storage, 1024..=1 << 30),
            "What all scripts of a user may take together (H31).";
        "sieve.max_actions" Reload "32", Field::Count(|c| &mut c.sieve.max_actions, 4..=1000),
            "Actions that the scripts may take about one message (H31).";
        "sieve.max_redirects" Reload "4", Field::Count(|c| &mut c.sieve.max_redirects, 0..=100),
            "Redirects among them (H31).";
        "sieve.redirect_sender" Reload "\"sender\"", Field::Text(|c| &mut c.sieve.redirect_sender),
            "The envelope sender of redirected mail (H33): `sender`, the original one, rewritten (SRS) so that notices come back by us; `recipient`, \
             the address the mail was for here; `orig_recipient`, the one its sender named; `user_email`, the account's; `postmaster`; \
             or a fixed address.";
    }
}

fn extension(name: &str) -> Result<(), String> {
    match sieve::Capability::by_name(name) {
        Some(_) => Ok(()),
        None => Err("there is no such extension; `pennyblack sieve extensions` prints all".into()),
    }
}

fn named_value(text: &str) -> Result<(), String> {
    let is_name = |name: &str| {
        !name.is_empty()
            && name
                .bytes()
                .all(|octet| octet.is_ascii_alphanumeric() || matches!(octet, b'_' | b'-' | b'.'))
    };
    match text.split_once('=') {
        Some((name, _)) if is_name(name) => Ok(()),
        _ => Err("write a name of letters, digits, _ - and ., then = and the value".into()),
    }
}
