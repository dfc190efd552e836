//! `[gate]`: what is done with senders before their mail is read.

use super::{Applies, Default, Setting};
use crate::config::field::Field;
use crate::config::scalar::parse_name;
use crate::config::{BlockedReply, GreylistBy, GreylistMode, NameCheck, OwnDomains};
use spam::gate::client_name::DynamicNames;
use spam::gate::dns_list;
use spam::gate::network::Range;

pub(super) fn gate() -> Vec<Setting> {
    let mut all = greylist();
    all.extend(names());
    all.extend(others());
    all.extend(black());
    all
}

fn greylist() -> Vec<Setting> {
    settings! {
        "gate.greylist" Reload "\"doubtful\"",
            Field::Word(&["off", "doubtful", "strangers"], |c| c.gate.greylist as usize, |c, which| c.gate.greylist =
                [GreylistMode::Off, GreylistMode::Doubtful, GreylistMode::Strangers][which.min(2)]),
            "Who is asked with 451 to come again (J5, J12, J19). `\"doubtful\"`: senders of mail whose score is in doubt, if neither SPF nor \
             DKIM proves who they are. `\"strangers\"`: everybody who is not known yet, as spamd does. `\"off\"`: nobody.";
        "gate.greylist_by" Reload "\"identity\"",
            Field::Word(&["identity", "address"], |c| c.gate.greylist_by as usize, |c, which| c.gate.greylist_by =
                [GreylistBy::Identity, GreylistBy::Address][which.min(1)]),
            "What a sender is met again by (J7). `\"identity\"`: the domain that SPF or DKIM proved, or its network (/24, IPv6 /64), so that \
             providers who retry from another address pass. `\"address\"`: address, HELO, sender and recipient, as spamd does.";
        "gate.pass_after" Reload "\"5m\"", Field::Time(|c| &mut c.gate.pass_after, 0..=86_400),
            "A retry counts after so long (J6). spamd has 25m.";
        "gate.grey_for" Reload "\"4h\"", Field::Time(|c| &mut c.gate.grey_for, 60..=604_800),
            "A sender that does not come again is forgotten after so long.";
        "gate.white_for" Reload "\"36d\"", Field::Time(|c| &mut c.gate.white_for, 3600..=31_536_000),
            "Who came again is let in at once for so long after his last message.";
        "gate.trapped_for" Reload "\"24h\"", Field::Time(|c| &mut c.gate.trapped_for, 60..=31_536_000),
            "A stranger that writes to a trap (`pennyblack greylist -T -a`) is blocked for so long (J15).";
        "gate.trap_relaying" Reload "false", Field::Flag(|c| &mut c.gate.trap_relaying),
            "Block a stranger that tries to send through us to a domain that is not ours as if it had written to a trap (J16). Somebody who \
             mistypes the server of his mail program is blocked too.";
        "gate.low_mx" Reload "[]", Field::Texts(|c| &mut c.gate.low_mx, "addresses, networks or ranges", range),
            "Addresses of this machine that an MX record of low preference names (J16): a stranger that comes there without having been at \
             another one before is blocked as if it had written to a trap. Needs the classic greylist (`greylist = \"strangers\"`, `greylist_by = \
             \"address\"`), which knows who was there.";
        "gate.never" Reload "[]", Field::Texts(|c| &mut c.gate.never, "addresses, networks or ranges", range),
            "Clients that are never blocked, asked to come again, or looked up in lists (J10): `192.0.2.1`, `192.0.2.0/24`, `192.0.2.1 - 192.0.2.9`, \
             `2001:db8::/32`.";
        "gate.relays" Reload "[]", Field::Texts(|c| &mut c.gate.relays, "addresses, networks or ranges", range),
            "Servers of ours that hand over mail of others, such as a backup MX. What `gate.never` is for they are too; SPF does not hold for \
             what they hand over, and they may use our domains as sender (A17).";
        "gate.own_domains" Reload "\"proved\"",
            Field::Word(&["accept", "proved", "refuse"], |c| c.gate.own_domains as usize, |c, which| c.gate.own_domains =
                [OwnDomains::Accept, OwnDomains::Proved, OwnDomains::Refuse][which.min(2)]),
            "Mail from other servers whose envelope sender is of a domain hosted here (A17). `\"proved\"`: refused with 550 at its end, unless SPF or \
             a signature of that domain proves it, as with our own mail that a forwarder sends home (A18). `\"refuse\"`: refused at MAIL, \
             whatever proves it. `\"accept\"`: judged like any other.";
        "gate.never_domains" Reload "[]", Field::Texts(|c| &mut c.gate.never_domains, "domains", domain),
            "Domains that are never asked to come again when SPF or DKIM proves them (J8). With `gate.greylist_by = \"identity\"` no proved domain is.";
    }
}

macro_rules! name_check {
    ($place:ident) => {
        Field::Word(
            &["off", "score", "refuse"],
            |c| c.gate.$place as usize,
            |c, which| {
                c.gate.$place = [NameCheck::Off, NameCheck::Score, NameCheck::Refuse][which.min(2)]
            },
        )
    };
}

fn names() -> Vec<Setting> {
    settings! {
        "gate.no_name" Reload "\"score\"", name_check!(no_name),
            "A client whose address has no name in DNS (J1): `\"score\"` counts it against its mail, `\"refuse\"` does not serve it. A look-up \
             that fails is never held against anybody.";
        "gate.no_name_text" Reload "\"no reverse DNS\"", Field::Text(|c| &mut c.gate.no_name_text),
            "What it is told behind 550.";
        "gate.unconfirmed_name" Reload "\"score\"", name_check!(unconfirmed_name),
            "A client whose name does not lead back to its address (J2).";
        "gate.unconfirmed_name_text" Reload "\"reverse DNS does not match\"", Field::Text(|c| &mut c.gate.unconfirmed_name_text),
            "What it is told behind 550.";
        "gate.dynamic_name" Reload "\"score\"", name_check!(dynamic_name),
            "A client whose name looks like that of a dial-in line (J3).";
        "gate.dynamic_name_text" Reload "\"dynamic address\"", Field::Text(|c| &mut c.gate.dynamic_name_text),
            "What it is told behind 550.";
        "gate.dynamic_patterns" Reload r#"['\.(dyn|dynamic|dsl|pool|dial(up)?|ppp)\.', '^(dyn|dynamic|a?dsl|ppp|dhcp|pool)[-.0-9]']"#,
            Field::Texts(|c| &mut c.gate.dynamic_patterns, "regular expressions", pattern),
            "Regular expressions of such names, of any case.";
    }
}

fn others() -> Vec<Setting> {
    settings! {
        "gate.ask_others" Reload "true", Field::Flag(|c| &mut c.gate.ask_others),
            "Whether lists and scores of other people are asked about a client at all (I22). `false` keeps every look-up at home.";
        "gate.dns_lists" Reload "[\"zen.spamhaus.org\", \"bl.spamcop.net\", \"psbl.surriel.com\", \"list.dnswl.org\"]",
            Field::Texts(|c| &mut c.gate.dns_lists, "lists in DNS", dns_list),
            "Block and allow lists in DNS (I19). Known by their zone alone are zen.spamhaus.org, bl.spamcop.net, psbl.surriel.com, \
             b.barracudacentral.org, dnsbl.dronebl.org and list.dnswl.org; any other is written as `ZONE CODE[-CODE] WEIGHT [meaning]`, e.g. \
             `\"bl.example.org 127.0.0.2-127.0.0.9 3.5 sends spam\"`. Only documented codes count, an answer must come within a second, and a list \
             that fails its test entries (RFC 5782 §5) is not asked until it is well again. Mind the terms of use of each list.";
        "gate.score_zone" Reload "\"\"", Field::OptionalName(|c| &mut c.gate.score_zone),
            "A zone of sender scores, such as `score.senderscore.com` (J4): it answers 127.0.x.SCORE, from 0 (bad) to 100. Empty: none is asked.";
        "gate.score_block_below" Reload "10", Field::Count(|c| &mut c.gate.score_block_below, 0..=100),
            "Below this score a client is refused with 550. 0 refuses nobody.";
        "gate.score_junk_below" Reload "70", Field::Count(|c| &mut c.gate.score_junk_below, 0..=100),
            "Below this score its mail is marked as junk. 0 marks none.";
        "gate.score_slow_factor" Reload "5000", Field::Count(|c| &mut c.gate.score_slow_factor, 0..=30_000),
            "Milliseconds that each answer is held back at a score of 0; at 50 it is half of that.";
    }
}

fn black() -> Vec<Setting> {
    settings! {
        "gate.lists" Reload "\"\"", Field::OptionalPath(|c| &mut c.gate.lists),
            "A file in the form of `spamd.conf` that names black and white lists of addresses, their files, feeds and messages (J20–J24). Their \
             clients are kept in the tarpit. Empty: none.";
        "gate.lists_every" Reload "\"1h\"", Field::Time(|c| &mut c.gate.lists_every, 600..=604_800),
            "How often a feed is asked at most (J22). Its old list stays while it cannot be had, for seven days.";
        "gate.tarpit" Reload "700", Field::Count(|c| &mut c.gate.tarpit, 0..=100_000),
            "Blocked clients that are kept waiting at once, with an octet a second (J13, J14). Those beyond are refused at once; so are all with 0.";
        "gate.blocked" Reload "\"temporary\"",
            Field::Word(&["temporary", "permanent"], |c| c.gate.blocked as usize, |c, which| c.gate.blocked =
                [BlockedReply::Temporary, BlockedReply::Permanent][which.min(1)]),
            "How mail of blocked clients is refused: with 450, so that the sender's queue stays full, or with 550.";
    }
}

fn range(text: &str) -> Result<(), String> {
    Range::parse(text)
        .map(|_| ())
        .map_err(|why| why.to_string())
}

fn domain(text: &str) -> Result<(), String> {
    parse_name(text).map(|_| ())
}

fn pattern(text: &str) -> Result<(), String> {
    DynamicNames::new(&[text]).map(|_| ())
}

fn dns_list(text: &str) -> Result<(), String> {
    dns_list::parse(text).map(|_| ())
}
