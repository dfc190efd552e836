//! Rules on who says to have sent a message: From, Reply-To, Received, backscatter. What is proved is judged elsewhere.

use super::{Check, Evidence, Rule};
use crate::document::registered;
use crate::mail;

pub(super) const RULES: &[Rule] = &[
    Rule {
        name: "FROM_NAME_OTHER_ADDRESS",
        weight: 1.2,
        most: 2.5,
        about: "The name in From is an address of another domain",
        why: "Many programs show the name alone, and so the wrong sender.",
        check: Check::Fact(other_address),
    },
    Rule {
        name: "FROM_IS_TO",
        weight: 1.0,
        most: 2.5,
        about: "Sender and only recipient are the same",
        why: "People rarely write to themselves through foreign servers; spammers hope that your own address is allowed.",
        check: Check::Fact(|e| {
            let to = &e.to;
            let from = mail::address(&e.mail.from);
            (from.len() > 1
                && to.len() == 1
                && mail::address(&to[0]) == from
                && e.mail.value("list-id").is_none())
            .then_some(from)
        }),
    },
    Rule {
        name: "FROM_DIGITS",
        weight: 1.5,
        most: 1.5,
        about: "A sender whose local part has three digits or more, or ends in letters and digits by chance",
        why: "Addresses made by programs are numbered.",
        check: Check::Fact(|e| {
            let local = String::from_utf8_lossy(&e.mail.from.local).into_owned();
            (local.bytes().filter(u8::is_ascii_digit).count() >= 3
                && local.bytes().any(|o| o.is_ascii_alphabetic())
                && !local.contains(['=', '+'])
                && local.len() < 30)
                .then_some(local)
        }),
    },
    Rule {
        name: "FROM_FREE_MAILBOX_DIGITS",
        weight: 1.2,
        most: 1.2,
        about: "A numbered sender at a provider of free mailboxes",
        why: "Throw-away accounts are opened by the thousand.",
        check: Check::Fact(|e| {
            let local = &e.mail.from.local;
            (is_free(&e.from_domain) && local.iter().filter(|o| o.is_ascii_digit()).count() >= 2)
                .then(|| e.from_domain.clone())
        }),
    },
    Rule {
        name: "REPLY_TO_ELSEWHERE",
        weight: 0.1,
        most: 1.0,
        about: "Answers go to another domain than the sender's",
        why: "A forged sender must be answered elsewhere.",
        check: Check::Fact(|e| reply_to(e).filter(|reply| !is_free(reply))),
    },
    Rule {
        name: "REPLY_TO_FREE_MAILBOX",
        weight: 1.2,
        most: 2.5,
        about: "Answers go to a free mailbox, but the sender has a domain of another",
        why: "Frauds borrow a known name and collect the answers in a throw-away account.",
        check: Check::Fact(|e| reply_to(e).filter(|reply| is_free(reply))),
    },
    Rule {
        name: "RECEIVED_FORGED_HELO",
        weight: 1.5,
        most: 1.5,
        about: "The last hop greeted with an address or a bare word as its name",
        why: "Mail servers have names.",
        check: Check::Fact(bare_helo),
    },
    Rule {
        name: "RECEIVED_HELO_BORROWED",
        weight: 1.2,
        most: 2.0,
        about: "A hop greeted with the name of a great provider, and came from elsewhere",
        why: "The name is borrowed.",
        check: Check::Fact(borrowed_helo),
    },
    Rule {
        name: "RECEIVED_NO_NAME",
        weight: 0.8,
        most: 1.0,
        about: "A hop whose address had no name",
        why: "Mail servers have reverse DNS; stolen computers often have not.",
        check: Check::Fact(|e| {
            e.mail
                .values("received")
                .take(3)
                .find(|hop| {
                    hop.contains("(unknown [")
                        || hop.contains("from unknown (")
                        || hop.contains("(may be forged)")
                })
                .map(|hop| hop.chars().take(80).collect())
        }),
    },
    Rule {
        name: "FROM_FREE_MAILBOX_ELSEWHERE",
        weight: 1.6,
        most: 2.0,
        about: "A sender with a free mailbox whose provider no hop names",
        why: "Providers of free mailboxes send from their own servers.",
        check: Check::Fact(free_elsewhere),
    },
    Rule {
        name: "BACKSCATTER",
        weight: 2.0,
        most: 2.0,
        about: "A notice or automatic answer from the null sender to a message that cannot be ours",
        why: "Servers that accept first and refuse later send it to whoever was forged as the sender.",
        check: Check::Fact(backscatter),
    },
];

/// Providers where anybody opens a mailbox in a minute. Used for patterns, never alone against a message.
const FREE: &[&str] = &[
    "gmail.com",
    "googlemail.com",
    "yahoo.com",
    "hotmail.com",
    "outlook.com",
    "live.com",
    "msn.com",
    "aol.com",
    "gmx.de",
    "gmx.net",
    "gmx.com",
    "web.de",
    "mail.ru",
    "yandex.ru",
    "yandex.com",
    "inbox.ru",
    "list.ru",
    "bk.ru",
    "qq.com",
    "163.com",
    "126.com",
    "sina.com",
    "proton.me",
    "protonmail.com",
    "icloud.com",
    "zoho.com",
    "mail.com",
    "excite.com",
    "lycos.com",
    "netscape.net",
    "juno.com",
    "yahoo.co.uk",
    "yahoo.fr",
    "yahoo.co.jp",
    "hotmail.co.uk",
    "hotmail.fr",
    "btamail.net.cn",
    "email.com",
    "usa.net",
    "aol.co.uk",
];

fn is_free(domain: &str) -> bool {
    FREE.contains(&domain)
}

fn other_address(e: &Evidence<'_>) -> Option<String> {
    let name = message::encoded_word::decode(&e.mail.from.name);
    let domain = name.split_once('@')?.1;
    let end = domain.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '-')));
    let domain = domain[..end.unwrap_or(domain.len())]
        .trim_end_matches('.')
        .to_lowercase();
    let real = &e.from_domain;
    (domain.contains('.') && registered(&domain) != registered(real))
        .then(|| format!("{domain} is shown, {real} is meant"))
}

/// The domain that answers go to, if it is another organisation's.
fn reply_to(e: &Evidence<'_>) -> Option<String> {
    let reply = mail::domain(e.reply_to.first()?);
    let from = &e.from_domain;
    let is_list = [
        "list-id",
        "list-post",
        "list-unsubscribe",
        "mailing-list",
        "x-mailing-list",
        "x-beenthere",
    ]
    .iter()
    .any(|name| e.mail.value(name).is_some());
    (!reply.is_empty() && !from.is_empty() && !is_list && registered(&reply) != registered(from))
        .then_some(reply)
}

/// The name in `from NAME (`.
fn helo(hop: &str) -> Option<&str> {
    hop.trim_start()
        .strip_prefix("from ")?
        .split_whitespace()
        .next()
}

fn bare_helo(e: &Evidence<'_>) -> Option<String> {
    // The first two hops are most often within the receiving site.
    let bare = |name: &&str| {
        !name.contains('.')
            && !name.contains(':')
            && !name.eq_ignore_ascii_case("localhost")
            && !name.eq_ignore_ascii_case("unknown")
            || name
                .trim_matches(['[', ']'])
                .parse::<std::net::Ipv4Addr>()
                .is_ok()
    };
    e.mail
        .values("received")
        .take(2)
        .filter(|hop| hop.contains('[') && !hop.contains("127.0.0.1"))
        .filter_map(helo)
        .find(bare)
        .map(str::to_owned)
}

fn borrowed_helo(e: &Evidence<'_>) -> Option<String> {
    let great = [
        "yahoo.com",
        "hotmail.com",
        "aol.com",
        "msn.com",
        "gmail.com",
        "google.com",
        "outlook.com",
        "excite.com",
        "compuserve.com",
    ];
    e.mail.values("received").take(4).find_map(|hop| {
        let name = helo(hop)?.to_lowercase();
        let domain = great.iter().find(|domain| registered(&name) == **domain)?;
        let origin = hop.split_once('(')?.1.split(')').next()?.to_lowercase();
        let named = origin.contains('.')
            && origin.chars().any(|c| c.is_ascii_alphabetic())
            && !origin.starts_with("helo");
        let own = origin.contains(domain) || named && origin.contains("hotmail");
        (!own && origin.contains(['[', '.'])).then(|| name.clone())
    })
}

fn free_elsewhere(e: &Evidence<'_>) -> Option<String> {
    let domain = e.from_domain.clone();
    let (brand, _) = domain.split_once('.')?;
    let hops: Vec<&str> = e.mail.values("received").collect();
    let is_list = [
        "list-id",
        "list-post",
        "sender",
        "x-mailing-list",
        "mailing-list",
        "x-beenthere",
        "precedence",
        "x-loop",
        "resent-from",
    ]
    .iter()
    .any(|name| e.mail.value(name).is_some());
    let from_provider = |hop: &&str| {
        let lower = hop.to_lowercase();
        lower.split(" by ").next().is_some_and(|from| {
            from.contains(brand)
                || from.contains("google")
                || from.contains("outlook")
                || from.contains("microsoft")
        }) || lower.contains(&format!("by {brand}"))
            || lower.contains(&format!(".{domain}"))
    };
    (is_free(&domain) && !hops.is_empty() && !is_list && !hops.iter().any(from_provider))
        .then_some(domain)
}

fn backscatter(e: &Evidence<'_>) -> Option<String> {
    let subject = e.mail.subject.to_lowercase();
    let notice = e.mail.media_type == "multipart/report"
        || [
            "undeliver",
            "delivery status",
            "delivery failure",
            "returned mail",
            "mail delivery failed",
            "failure notice",
        ]
        .iter()
        .any(|words| subject.contains(words));
    (e.around.null_sender == Some(true) && notice).then(|| e.mail.subject.clone())
}
