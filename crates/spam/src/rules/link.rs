//! Rules on links: where they say they lead, and where they do. Nothing is fetched (I23, U25).

use super::{Check, Evidence, Rule};
use crate::document::{Link, Place, is_address, registered};

pub(super) const RULES: &[Rule] = &[
    Rule {
        name: "LINK_TEXT_OTHER_TARGET",
        weight: 2.0,
        most: 4.0,
        about: "A link whose text is a web address of another domain than its target",
        why: "So look links to false banks.",
        check: Check::Fact(other_target),
    },
    Rule {
        name: "LINK_TO_NUMBER",
        weight: 1.8,
        most: 3.0,
        about: "A link to a numeric address",
        why: "Who has a name to lose uses it.",
        check: Check::Fact(|e| host(e, |host, _| is_address(host))),
    },
    Rule {
        name: "LINK_USER",
        weight: 1.5,
        most: 3.0,
        about: "A link with a name before its host",
        why: "`http://bank.example@evil.example/` leads to evil.example.",
        check: Check::Fact(|e| {
            web(e)
                .find(|link| link.user().is_some_and(|user| !user.is_empty()))
                .map(|link| link.url.clone())
        }),
    },
    Rule {
        name: "LINK_PORT",
        weight: 0.1,
        most: 2.0,
        about: "A link to an odd port",
        why: "Pages for the public stand on the usual ones.",
        check: Check::Fact(|e| {
            web(e)
                .find(|link| link.odd_port().is_some())
                .map(|link| link.url.clone())
        }),
    },
    Rule {
        name: "LINK_HOST_DISGUISED",
        weight: 1.5,
        most: 3.0,
        about: "A host written with percent signs",
        why: "Browsers read it, people and simple filters do not.",
        check: Check::Fact(|e| {
            let disguised = |link: &&Link| {
                link.url
                    .split("//")
                    .nth(1)
                    .and_then(|rest| rest.split('/').next())
                    .is_some_and(|host| host.contains('%'))
            };
            web(e).find(disguised).map(|link| link.url.clone())
        }),
    },
    Rule {
        name: "LINK_LOOK_ALIKE",
        weight: 1.8,
        most: 3.5,
        about: "A link to a name whose letters look like others",
        why: "Registered to be taken for somebody else.",
        check: Check::Fact(|e| host(e, |host, _| looks_alike(host))),
    },
    Rule {
        name: "LINK_BRAND_IN_HOST",
        weight: 1.5,
        most: 3.0,
        about: "A link whose host begins with a domain that it does not belong to",
        why: "`bank.example.com.login.evil.example` is read from the left and resolved from the right.",
        check: Check::Fact(|e| host(e, domain_within)),
    },
    Rule {
        name: "LINK_REDIRECTOR",
        weight: 0.1,
        most: 1.0,
        about: "A link through a shortener or a redirector",
        why: "It hides where it leads.",
        check: Check::Fact(|e| {
            web(e)
                .find(|link| is_redirector(link))
                .map(|link| link.url.clone())
        }),
    },
    Rule {
        name: "LINK_MAILTO_REMOVE",
        weight: 0.8,
        most: 2.5,
        about: "A mail link for removal",
        why: "Whoever answers proves that the address is read.",
        check: Check::Fact(|e| {
            let removes = |link: &&Link| {
                let url = link.url.to_ascii_lowercase();
                url.starts_with("mailto:")
                    && ["remov", "unsub", "optout", "opt-out", "delete", "takeoff"]
                        .iter()
                        .any(|word| url.contains(word))
            };
            let is_list =
                e.mail.value("list-id").is_some() || e.mail.value("list-unsubscribe").is_some();
            e.mail
                .links
                .iter()
                .find(removes)
                .filter(|_| !is_list)
                .map(|link| link.url.clone())
        }),
    },
    Rule {
        name: "LINK_TARGET_NAMES_RECIPIENT",
        weight: 0.1,
        most: 1.5,
        about: "A link that carries the recipient's address",
        why: "A click tells the sender who has read the message.",
        check: Check::Fact(|e| {
            let address = crate::mail::address(e.to.first()?);
            (address.len() > 3).then_some(())?;
            let escaped = address.replace('@', "%40");
            let names = |link: &&Link| {
                let url = link.url.to_lowercase();
                url.contains(&address) || url.contains(&escaped)
            };
            web(e).find(names).map(|link| link.url.clone())
        }),
    },
    Rule {
        name: "LINK_REFRESH",
        weight: 1.5,
        most: 3.0,
        about: "HTML that leads on without a click",
        why: "Nobody who writes a letter does that.",
        check: Check::Fact(|e| {
            e.mail
                .links
                .iter()
                .find(|link| link.place == Place::Refresh)
                .map(|link| link.url.clone())
        }),
    },
    Rule {
        name: "LINK_DATA",
        weight: 1.5,
        most: 3.0,
        about: "A link that holds a page or a script in itself",
        why: "A false log-in page that needs no server.",
        check: Check::Fact(|e| {
            e.mail
                .links
                .iter()
                .find(|link| {
                    link.place == Place::Anchor
                        && matches!(link.scheme().as_str(), "data" | "javascript" | "vbscript")
                })
                .map(|link| link.scheme())
        }),
    },
    Rule {
        name: "LINK_CHEAP_DOMAIN",
        weight: 0.7,
        most: 1.5,
        about: "A link into a top-level domain where names cost nothing or little, and most are abused",
        why: "Names are bought by the thousand for one mailing each.",
        check: Check::Fact(|e| host(e, |_, domain| is_cheap(domain))),
    },
];

/// Links that lead to the web.
fn web<'a>(e: &'a Evidence<'_>) -> impl Iterator<Item = &'a Link> {
    e.mail.links.iter().filter(|link| link.is_web())
}

/// The first host of a web link of which this holds, given with its registered domain.
fn host(e: &Evidence<'_>, wanted: impl Fn(&str, &str) -> bool) -> Option<String> {
    let found = e.hosts.iter().find(|(host, domain)| wanted(host, domain));
    found.map(|(host, _)| host.clone())
}

fn other_target(e: &Evidence<'_>) -> Option<String> {
    // A list or a shop may count clicks through a host of its own; that a bank's name leads elsewhere, it may not.
    let anchors = e
        .mail
        .links
        .iter()
        .filter(|link| link.place == Place::Anchor && !link.text.is_empty());
    anchors
        .filter_map(|link| {
            let shown = shown_host(&link.text)?;
            let target = link.host()?;
            let (shown_domain, target_domain) = (registered(&shown), registered(&target));
            let same = shown_domain == target_domain || target_domain == registered(&e.from_domain);
            (!same).then(|| format!("{shown} leads to {target}"))
        })
        .next()
}

/// The host that a link's text pretends to lead to, if the text is a web address and nothing else.
fn shown_host(text: &str) -> Option<String> {
    let text = text.trim();
    if text.contains(char::is_whitespace) || text.contains('@') {
        return None;
    }
    let rest = text
        .strip_prefix("http://")
        .or_else(|| text.strip_prefix("https://"))
        .unwrap_or(text);
    let host = rest
        .split(['/', '?', '#', ':'])
        .next()?
        .trim_end_matches('.')
        .to_lowercase();
    let is_name = host.contains('.')
        && host.split('.').all(|label| {
            !label.is_empty() && label.chars().all(|c| c.is_alphanumeric() || c == '-')
        });
    // `readme.txt` and `3.5` are no hosts: the last label must be a known suffix.
    let known = psl::suffix(host.as_bytes()).is_some_and(|suffix| suffix.is_known());
    (is_name && known && !is_address(&host)).then_some(host)
}

/// Letters of several scripts, or all of a script that imitates Latin ones.
fn looks_alike(host: &str) -> bool {
    use unicode_security::MixedScript;
    if host.is_ascii() && !host.contains("xn--") {
        return false;
    }
    let (unicode, _) = idna::domain_to_unicode(host);
    let imitates =
        |label: &str| !label.is_ascii() && unicode_security::skeleton(label).all(|c| c.is_ascii());
    unicode.split('.').any(|label| {
        !label.is_single_script() || imitates(label) && !label.chars().any(is_plain_latin)
    })
}

/// German, French and their neighbours write these.
fn is_plain_latin(c: char) -> bool {
    matches!(c, 'à'..='ö' | 'ø'..='ÿ' | 'ß' | 'œ')
}

/// Does a registered domain of the well-known kind stand in front of the real one?
fn domain_within(host: &str, domain: &str) -> bool {
    let Some(front) = host
        .strip_suffix(domain)
        .map(|front| front.trim_end_matches('.'))
    else {
        return false;
    };
    let labels: Vec<&str> = front.split('.').collect();
    labels.windows(2).any(|pair| {
        matches!(pair[1], "com" | "net" | "org" | "de" | "co" | "gov")
            && pair[0].len() > 2
            && pair[0] != "www"
    })
}

fn is_redirector(link: &Link) -> bool {
    const SHORT: &[&str] = &[
        "bit.ly",
        "tinyurl.com",
        "t.co",
        "goo.gl",
        "is.gd",
        "ow.ly",
        "buff.ly",
        "rebrand.ly",
        "cutt.ly",
        "shorturl.at",
        "rb.gy",
        "t.ly",
        "tiny.cc",
        "v.gd",
        "lnkd.in",
    ];
    let Some(domain) = link.domain() else {
        return false;
    };
    let path = link.path();
    let embedded = path.get(1..).is_some_and(|rest| {
        rest.contains("http://")
            || rest.contains("https://")
            || rest.contains("http%3A%2F%2F")
            || rest.contains("https%3A%2F%2F")
            || rest.contains("/*http")
    });
    SHORT.contains(&domain.as_str()) || embedded
}

fn is_cheap(domain: &str) -> bool {
    const CHEAP: &[&str] = &[
        "tk", "ml", "ga", "cf", "gq", "top", "xyz", "buzz", "click", "loan", "work", "rest", "icu",
        "cyou", "cfd", "sbs", "bond", "quest", "monster",
    ];
    domain
        .rsplit('.')
        .next()
        .is_some_and(|top| CHEAP.contains(&top))
}
