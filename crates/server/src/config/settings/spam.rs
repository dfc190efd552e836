//! `[spam]`: whether mail is wanted.

use super::{Applies, Default, Setting};
use crate::config::field::Field;
use crate::config::spam::{Failure, weight};
use crate::fetch::Url;
use spam::gate::dns_list;
use spam::sender_list::Pattern;

pub(super) fn spam() -> Vec<Setting> {
    let mut all = thresholds();
    all.extend(looking());
    all.extend(others());
    all
}

fn thresholds() -> Vec<Setting> {
    settings! {
        "spam.greylist" Reload "4.0", Field::Score(|c| &mut c.spam.greylist, -1000.0..=1000.0),
            "From this score on the sender of a message is asked with 451 to come again, if nothing proves who it is (I3; see `gate.greylist`).";
        "spam.mark" Reload "6.0", Field::Score(|c| &mut c.spam.mark, -1000.0..=1000.0),
            "From this score on a message is delivered with `X-Spam: yes` (I3, I4).";
        "spam.refuse" Reload "15.0", Field::Score(|c| &mut c.spam.refuse, 1.0..=1000.0),
            "From this score on a message is refused with 550 in the dialogue (I2, I3). Nothing is bounced. An account may have a threshold of its \
             own; a message for several accounts is refused if all of them refuse it, and is junk for those that do otherwise.";
        "spam.junk" Reload "50", Field::Count(|c| &mut c.spam.junk, 1..=100),
            "Per cent of `spam.refuse` from which on a message is filed as junk (I5).";
        "spam.junk_seen" Reload "95", Field::Count(|c| &mut c.spam.junk_seen, 1..=100),
            "Per cent of `spam.refuse` above which junk is filed as read, so that nobody is told of it (I5).";
        "spam.headers" Reload "true", Field::Flag(|c| &mut c.spam.headers),
            "Write `X-Spam`, `X-Spam-Score`, `X-Spam-Status` and `X-Spam-Symbols` into mail from other servers (I4). Such fields that come from \
             outside are removed in any case.";
    }
}

fn looking() -> Vec<Setting> {
    settings! {
        "spam.filter" Reload "true", Field::Flag(|c| &mut c.spam.filter),
            "Look at the content of mail from other servers (I1): rules, and what was learned. What our own users send after log-in is not \
             judged (I29). Without it, who the sender is and what `gate` says still count.";
        "spam.failure" Reload "\"accept\"",
            Field::Word(&["accept", "defer"], |c| c.spam.failure as usize, |c, which| c.spam.failure =
                [Failure::Accept, Failure::Defer][which.min(1)]),
            "What is done with a message whose content could not be looked at (I31): judged by what else is known, or put off with 451. It is \
             never lost.";
        "spam.timeout" Reload "\"8s\"", Field::Time(|c| &mut c.spam.timeout, 1..=120),
            "How long a message may wait until its content was looked at, other programs and lists that are asked included (I30).";
        "spam.allow" Reload "[]", Field::Texts(|c| &mut c.spam.allow, "senders", sender),
            "Senders whose mail is welcome, if DMARC, a signature or SPF proves that it is theirs: addresses, domains (and what is below), or regular \
             expressions between slashes, which see addresses in small letters (I17).";
        "spam.deny" Reload "[]", Field::Texts(|c| &mut c.spam.deny, "senders", sender),
            "Senders, in From or in the envelope, whose mail is refused; written like `spam.allow`, e.g. `'/^[^@]+@example.bad$/i'` (I18).";
        "spam.weights" Reload "[]", Field::Texts(|c| &mut c.spam.weights, "reasons with a weight", |text| weight(text).map(|_| ())),
            "Other weights than the built-in ones, such as `\"TEXT_FREE 0.5\"`. 0 turns a reason off. `pennyblack explain` names the reasons of a message.";
    }
}

fn others() -> Vec<Setting> {
    settings! {
        "spam.url_lists" Reload "[]", Field::Texts(|c| &mut c.spam.url_lists, "lists in DNS", dns_list),
            "Lists in DNS that are asked about the domains a message links to (I20). Known by their zone alone are dbl.spamhaus.org, multi.surbl.org \
             and multi.uribl.com; others are written as in `gate.dns_lists`. None is asked with `gate.ask_others = false` (I22). Mind the terms of use \
             of each list; most refuse public resolvers.";
        "spam.url_feeds" Reload "[]", Field::Texts(|c| &mut c.spam.url_feeds, "URLs or files", feed),
            "Feeds of web addresses that mail should not link to, such as false log-in pages (I23): URLs, or absolute paths of files, with an address a \
             line, plain or gzipped, e.g. `\"https://openphish.com/feed.txt\"`. A link to one of them makes a message junk. They are fetched as \
             the feeds of `gate.lists` are, and not at all with `gate.ask_others = false` (I22). Mind the terms of use of each.";
        "spam.address_lists" Reload "[]", Field::Texts(|c| &mut c.spam.address_lists, "lists in DNS", dns_list),
            "Lists in DNS that are asked about the addresses in From, Reply-To and the envelope, by their SHA-1 (I21), such as ebl.msbl.org.";
        "spam.clamd" Reload "\"\"", Field::OptionalText(|c| &mut c.spam.clamd),
            "Where ClamAV's daemon listens, such as `\"/run/clamav/clamd.ctl\"` or `\"127.0.0.1:3310\"`: a message with a virus is refused (I26). A daemon \
             that does not answer holds nothing up for longer than `spam.timeout`; then `spam.failure` decides. Empty: none is asked.";
        "spam.rspamd" Reload "\"\"", Field::OptionalText(|c| &mut c.spam.rspamd),
            "Where an Rspamd listens that is asked besides, such as `\"127.0.0.1:11333\"`; its score counts in proportion to its own threshold of refusal. \
             Empty: none is asked.";
        "spam.spamassassin" Reload "\"\"", Field::OptionalText(|c| &mut c.spam.spamassassin),
            "Where the daemon of a SpamAssassin listens, such as `\"127.0.0.1:783\"` or `\"/run/spamd.sock\"` (I27): what it calls spam counts as much as \
             makes junk here, and other scores in proportion. Start it with `spamd -L` where it shall not ask lists of others. Empty: none is asked.";
    }
}

fn sender(text: &str) -> Result<(), String> {
    Pattern::parse(text).map(|_| ())
}

fn feed(text: &str) -> Result<(), String> {
    match text.starts_with('/') {
        true => Ok(()),
        false => text
            .parse::<Url>()
            .map(|_| ())
            .map_err(|why| why.to_string()),
    }
}

fn dns_list(text: &str) -> Result<(), String> {
    dns_list::parse(text).map(|_| ())
}
