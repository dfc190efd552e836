//! Rules on the form of a message: fields that are missing, doubled or wrong, dates, encodings (RFC 5322 §3.6, RFC 2045).

use super::{Check, Evidence, Rule};
use message::date;

pub(super) const RULES: &[Rule] = &[
    Rule {
        name: "GTUBE",
        weight: 30.0,
        most: 30.0,
        about: "The test string for spam filters",
        why: "Nobody sends it but to see whether a filter works.",
        check: Check::Fact(|e| {
            contains(
                e.mail.body(),
                b"XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X",
            )
            .then(String::new)
        }),
    },
    Rule {
        name: "FROM_MISSING",
        weight: 1.0,
        most: 3.0,
        about: "No From, or one without an address",
        why: "Every mail program writes one; scripts of spammers forget it.",
        check: Check::Fact(|e| e.mail.from.domain.is_empty().then(String::new)),
    },
    Rule {
        name: "DATE_MISSING",
        weight: 0.8,
        most: 1.5,
        about: "No Date",
        why: "RFC 5322 requires it, and every mail program writes it.",
        check: Check::Fact(|e| e.mail.value("date").is_none().then(String::new)),
    },
    Rule {
        name: "DATE_INVALID",
        weight: 0.8,
        most: 1.5,
        about: "A Date that is none",
        why: "Mail programs write dates by the standard, home-made senders do not.",
        check: Check::Fact(|e| {
            e.mail
                .value("date")
                .filter(|value| date::parse(value.as_bytes()).is_none())
                .map(str::to_owned)
        }),
    },
    Rule {
        name: "DATE_IN_FUTURE",
        weight: 0.3,
        most: 2.5,
        about: "Dated more than a day after its arrival",
        why: "A date in the future stays on top of the list; honest clocks are rarely a day wrong.",
        check: Check::Fact(|e| {
            age(e)
                .filter(|age| *age < -86_400)
                .map(|age| format!("{} hours ahead", -age / 3600))
        }),
    },
    Rule {
        name: "DATE_LONG_AGO",
        weight: 1.0,
        most: 1.0,
        about: "Dated more than four days before its arrival",
        why: "Queues give up after five days; scripts send with the date of their template.",
        check: Check::Fact(|e| {
            age(e)
                .filter(|age| *age > 4 * 86_400)
                .map(|age| format!("{} days old", age / 86_400))
        }),
    },
    Rule {
        name: "DATE_ZONE_IMPOSSIBLE",
        weight: 2.0,
        most: 2.0,
        about: "A time zone that no place has",
        why: "Made up by a program that has never asked a clock.",
        check: Check::Fact(|e| zone(e).filter(|zone| !possible(zone)).map(str::to_owned)),
    },
    Rule {
        name: "MESSAGE_ID_MISSING",
        weight: 0.6,
        most: 1.2,
        about: "No Message-ID",
        why: "Mail programs and submission servers write one; bulk senders of the cheap kind do not.",
        check: Check::Fact(|e| e.mail.value("message-id").is_none().then(String::new)),
    },
    Rule {
        name: "MESSAGE_ID_INVALID",
        weight: 0.9,
        most: 1.8,
        about: "A Message-ID that is no id (RFC 5322 §3.6.4)",
        why: "Mail programs build it from a form, home-made senders from whatever they like.",
        check: Check::Fact(|e| {
            e.mail
                .value("message-id")
                .filter(|id| !is_message_id(id))
                .map(str::to_owned)
        }),
    },
    Rule {
        name: "MESSAGE_ID_HOST_ODD",
        weight: 0.1,
        most: 1.0,
        about: "A Message-ID whose host has no dot",
        why: "A server that sends mail knows its domain; a stolen computer at home does not.",
        check: Check::Fact(|e| {
            e.mail
                .value("message-id")
                .filter(|id| is_message_id(id) && !host_of(id).contains('.'))
                .map(str::to_owned)
        }),
    },
    Rule {
        name: "MAILER_FORGED",
        weight: 2.5,
        most: 3.0,
        about: "It says it was written with Outlook, whose Message-IDs look otherwise",
        why: "Spam programs borrow the name of a mail program, but not its habits.",
        check: Check::Fact(forged_mailer),
    },
    Rule {
        name: "FIELD_DOUBLED",
        weight: 0.8,
        most: 1.5,
        about: "A field twice that may stand once",
        why: "RFC 5322 §3.6 forbids it; programs that show one and check the other are deceived with it.",
        check: Check::Fact(doubled),
    },
    Rule {
        name: "HEADER_8BIT",
        weight: 1.1,
        most: 1.6,
        about: "Letters in Subject or From that are not ASCII, and not encoded",
        why: "Mail programs encode them; scripts that send in the millions do not care.",
        check: Check::Fact(|e| {
            ["subject", "from"]
                .iter()
                .find(|name| e.mail.value(name).is_some_and(|v| !v.is_ascii()))
                .map(|name| (*name).to_owned())
        }),
    },
    Rule {
        name: "MIME_VERSION_MISSING",
        weight: 1.0,
        most: 1.2,
        about: "MIME parts or HTML without MIME-Version",
        why: "RFC 2045 §4 requires it, and all mail programs write it.",
        check: Check::Fact(|e| {
            (e.mail.value("mime-version").is_none()
                && (e.mail.media_type.starts_with("multipart/")
                    || e.mail.media_type == "text/html"))
                .then(String::new)
        }),
    },
    Rule {
        name: "TEXT_BASE64",
        weight: 1.2,
        most: 2.5,
        about: "Plain ASCII text in base64",
        why: "It needs no encoding; it hides the words from simple filters.",
        check: Check::Fact(|e| {
            (e.mail.text.is_ascii()
                && e.mail.leaves.first().is_some_and(|leaf| {
                    leaf.encoding == "base64"
                        && leaf.media_type.starts_with("text/")
                        && leaf.size > 100
                }))
            .then(String::new)
        }),
    },
    Rule {
        name: "RECIPIENTS_HIDDEN",
        weight: 0.6,
        most: 1.2,
        about: "Neither To nor Cc names anybody",
        why: "Bulk mail is often sent to everybody and addressed to nobody.",
        check: Check::Fact(|e| {
            let named = e.to.iter().chain(&e.cc);
            named
                .map(|mailbox| &mailbox.domain)
                .all(Vec::is_empty)
                .then(String::new)
        }),
    },
    Rule {
        name: "RECIPIENTS_MANY",
        weight: 0.4,
        most: 1.2,
        about: "More than ten recipients whose addresses begin alike",
        why: "Lists of addresses are sold in alphabetical order.",
        check: Check::Fact(alike),
    },
    Rule {
        name: "NO_TEXT",
        weight: 1.0,
        most: 1.0,
        about: "No word to read",
        why: "What is to be read stands in a picture or an attachment, where filters do not see it.",
        check: Check::Fact(|e| e.text.trim().is_empty().then(String::new)),
    },
    Rule {
        name: "PRIORITY_HIGH",
        weight: 1.0,
        most: 1.0,
        about: "Marked as urgent by its sender",
        why: "Rare in mail between people, and common where attention is bought.",
        check: Check::Fact(|e| {
            e.mail
                .value("x-priority")
                .filter(|v| v.starts_with(['1', '2']))
                .map(str::to_owned)
        }),
    },
    Rule {
        name: "BULK_HEADER",
        weight: 0.8,
        most: 1.5,
        about: "A field that only programs for mass mailings write",
        why: "Who uses them without a list to unsubscribe from has not asked the recipients.",
        check: Check::Fact(|e| {
            [
                "x-mailing-id",
                "x-stormpost-to",
                "x-em-registration",
                "x-mailer-id",
                "x-jobid",
                "x-list-unsubscribe",
                "x-keywords-sent",
            ]
            .iter()
            .find(|name| e.mail.value(name).is_some())
            .map(|name| (*name).to_owned())
        }),
    },
    Rule {
        name: "REPLY_IN_THREAD",
        weight: -1.5,
        most: -1.5,
        about: "It answers a message, and quotes it",
        why: "People do that; spam that imitates it is rare.",
        check: Check::Fact(|e| {
            ((e.mail.value("in-reply-to").is_some() || e.mail.value("references").is_some())
                && quotes(&e.mail.text))
            .then(String::new)
        }),
    },
    Rule {
        name: "LIST_POST",
        weight: -1.0,
        most: -1.0,
        about: "Sent through a mailing list that says how to post to it",
        why: "Discussion lists name it (RFC 2369); what only sells does not want an answer.",
        check: Check::Fact(|e| {
            (e.mail
                .value("list-post")
                .is_some_and(|post| post.contains("mailto:"))
                && e.mail.value("list-id").is_some())
            .then(String::new)
        }),
    },
];

fn contains(octets: &[u8], what: &[u8]) -> bool {
    memchr::memmem::find(octets, what).is_some()
}

/// Seconds from Date to arrival.
fn age(e: &Evidence<'_>) -> Option<i64> {
    let sent = date::parse(e.mail.value("date")?.as_bytes())?.seconds;
    let arrived = match e.around.arrived {
        Some(arrived) => arrived.as_second(),
        None => date::parse(e.mail.value("received")?.rsplit_once(';')?.1.as_bytes())?.seconds,
    };
    Some(arrived - sent)
}

fn zone<'a>(e: &'a Evidence<'_>) -> Option<&'a str> {
    let value = e.mail.value("date")?;
    value
        .split_whitespace()
        .find(|word| word.len() == 5 && word.starts_with(['+', '-']))
}

/// From -1200 to +1400 in quarters of an hour.
fn possible(zone: &str) -> bool {
    let Ok(number) = zone[1..].parse::<u32>() else {
        return false;
    };
    let (hours, minutes) = (number / 100, number % 100);
    minutes.is_multiple_of(15)
        && minutes < 60
        && hours <= if zone.starts_with('-') { 12 } else { 14 }
}

fn is_message_id(id: &str) -> bool {
    let Some(inner) = id
        .trim()
        .strip_prefix('<')
        .and_then(|id| id.strip_suffix('>'))
    else {
        return false;
    };
    inner
        .split_once('@')
        .is_some_and(|(left, right)| !left.is_empty() && !right.is_empty())
        && inner
            .chars()
            .all(|c| c.is_ascii_graphic() && !matches!(c, '<' | '>'))
}

fn host_of(id: &str) -> &str {
    id.trim()
        .trim_end_matches('>')
        .rsplit_once('@')
        .map_or("", |(_, host)| host)
}

/// Outlook (Express) writes `<0012$01c2$0a…@host>`; since 2007 letters and dots in groups.
fn forged_mailer(e: &Evidence<'_>) -> Option<String> {
    let mailer = e.mail.value("x-mailer")?;
    let claims = mailer.starts_with("Microsoft Outlook Express")
        || mailer.starts_with("Microsoft Outlook, Build")
        || mailer.starts_with("Microsoft Outlook IMO");
    let id = e.mail.value("message-id").unwrap_or_default();
    let left = id
        .trim_start_matches('<')
        .split('@')
        .next()
        .unwrap_or_default();
    let groups: Vec<&str> = left.split('$').collect();
    let hex = |group: &&str| group.len() >= 8 && group.bytes().all(|o| o.is_ascii_hexdigit());
    // Hotmail and Exchange put ids of their own.
    let native = groups.len() == 3 && groups.iter().all(hex) && e.mail.value("x-mimeole").is_some();
    let elsewhere = id.contains("hotmail.com")
        || id.contains("phx.gbl")
        || left.len() == 32
        || left.starts_with("!&!")
        || left.starts_with("NE");
    (claims && !native && !elsewhere).then(|| mailer.to_owned())
}

fn doubled(e: &Evidence<'_>) -> Option<String> {
    let once = [
        "from",
        "date",
        "subject",
        "to",
        "message-id",
        "content-type",
        "sender",
        "reply-to",
    ];
    once.into_iter()
        .find(|name| e.mail.values(name).count() > 1)
        .map(str::to_owned)
}

fn alike(e: &Evidence<'_>) -> Option<String> {
    let all: Vec<_> = e.to.iter().chain(&e.cc).collect();
    let first = all.first()?.local.first()?.to_ascii_lowercase();
    let same = all
        .iter()
        .filter(|m| {
            m.local
                .first()
                .is_some_and(|o| o.eq_ignore_ascii_case(&first))
        })
        .count();
    (all.len() > 10 && same * 10 > all.len() * 8).then(|| format!("{} recipients", all.len()))
}

/// Lines that begin with `>`.
fn quotes(text: &str) -> bool {
    text.lines()
        .filter(|line| line.trim_start().starts_with('>'))
        .count()
        >= 2
}
