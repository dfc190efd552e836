//! Rules on the subject.

use super::{Check, Evidence, Rule};

pub(super) const RULES: &[Rule] = &[
    Rule {
        name: "SUBJECT_MISSING",
        weight: 0.5,
        most: 1.0,
        about: "No Subject, or an empty one",
        why: "People rarely leave it out; programs that send to millions do.",
        check: Check::Fact(|e| e.mail.subject.trim().is_empty().then(String::new)),
    },
    Rule {
        name: "SUBJECT_CAPITALS",
        weight: 1.6,
        most: 2.0,
        about: "A subject in capitals",
        why: "It shouts for attention.",
        check: Check::Fact(capitals),
    },
    Rule {
        name: "SUBJECT_TAIL",
        weight: 1.5,
        most: 3.5,
        about: "A subject that ends, after many blanks or in brackets, in a code",
        why: "Each copy gets another one, so that filters do not find them equal.",
        check: Check::Fact(|e| tail(&e.mail.subject)),
    },
    Rule {
        name: "SUBJECT_ADVERTISEMENT",
        weight: 2.0,
        most: 4.0,
        about: "A subject that begins with ADV",
        why: "Laws ask for it in unsolicited advertisements, and nowhere else.",
        check: Check::Subject(r"^\s*\(?\[?ADV(?:ERT(?:ISEMENT)?)?\b\s*[-:.)\]]"),
    },
    Rule {
        name: "SUBJECT_SHOUTS",
        weight: 0.7,
        most: 1.2,
        about: "More than one exclamation mark in the subject, or a question and an exclamation",
        why: "It shouts for attention.",
        check: Check::Subject(r"!.*!|\?!|!\?"),
    },
    Rule {
        name: "SUBJECT_EXCLAIMS",
        weight: 0.8,
        most: 0.8,
        about: "A subject that ends in an exclamation mark",
        why: "Offers end so more often than letters.",
        check: Check::Subject(r"!\s*$"),
    },
    Rule {
        name: "SUBJECT_MONEY",
        weight: 0.7,
        most: 1.8,
        about: "An amount of money in the subject",
        why: "Offers name it first.",
        check: Check::Subject(
            r"(?:\$|USD|EUR|\xe2\x82\xac|\xc2\xa3) ?\d|\d ?(?:USD|EUR|dollars)|\d% off|\$\$",
        ),
    },
    Rule {
        name: "SUBJECT_FREE",
        weight: 0.9,
        most: 1.5,
        about: "Something free in the subject",
        why: "The word that sells best.",
        check: Check::Subject(
            r"^FREE\b|\bFREE (?:gift|trial|sample|offer|access|info|report|cash|money|quote|phone|vacation)|\bfor FREE\b|\bFREE[!-]",
        ),
    },
    Rule {
        name: "SUBJECT_OFFER",
        weight: 2.0,
        most: 2.0,
        about: "Words of an offer in the subject",
        why: "Sellers write such subjects, acquaintances do not.",
        check: Check::Subject(
            r"\b(?:lowest|low(?:er)?) (?:price|rate|mortgage)|\bsave (?:up to|big|thousands|\d+%)|\blose (?:weight|\d+)|\b(?:mortgage|refinanc\w+|viagra|cialis|pharmac\w+|prescription|casino|toner|inkjet|diploma)\b|\bmake money|\bwork (?:at|from) home|\bextra (?:cash|income|money)|\bget (?:rich|paid|out of debt)|\bdebt\b|\bguaranteed?\b|\blimited time|\bspecial offer|\byou(?:'ve| have)? won\b|\bwinner\b|\binvestment\b|\bearn\b|\bhottest\b|\bsexy?\b|\bxxx\b|\benlarge|\binkjet|\bunlimited\b|\bdiet\b|\binsurance\b|\bcredit (?:card|report|repair)|\bloans?\b|\bsatellite\b|\bherbal\b",
        ),
    },
    Rule {
        name: "SUBJECT_URGES",
        weight: 0.7,
        most: 1.5,
        about: "A subject that hurries or asks for secrecy",
        why: "Whoever hurries does not check: so begin frauds.",
        check: Check::Subject(
            r"\b(?:urgent|confidential|act now|final notice|last chance|attention|assistance|suspended|verify your|unusual (?:sign|log)-?in|password (?:has )?expire)",
        ),
    },
    Rule {
        name: "SUBJECT_FALSE_REPLY",
        weight: 0.3,
        most: 1.0,
        about: "A subject with Re: in a message that answers nothing",
        why: "A reply carries In-Reply-To or References; a lie does not.",
        check: Check::Fact(|e| {
            let is_reply = e
                .mail
                .subject
                .trim_start()
                .get(..3)
                .is_some_and(|head| head.eq_ignore_ascii_case("re:"));
            (is_reply
                && e.mail.value("in-reply-to").is_none()
                && e.mail.value("references").is_none()
                && !e.mail.text.contains("\n>"))
            .then(String::new)
        }),
    },
    Rule {
        name: "SUBJECT_NAMES_RECIPIENT",
        weight: 0.8,
        most: 1.5,
        about: "A subject that begins with the local part of the recipient's address",
        why: "A program knows the address and not the name.",
        check: Check::Fact(names_recipient),
    },
    Rule {
        name: "SUBJECT_SPACED",
        weight: 1.2,
        most: 2.5,
        about: "A word in the subject with a blank or sign between all its letters",
        why: "Written so that people read it and filters do not.",
        check: Check::Subject(
            r"\b[a-z](?:[ ._*-])[a-z](?:[ ._*-])[a-z](?:[ ._*-])[a-z](?:[ ._*-])[a-z]\b",
        ),
    },
];

fn capitals(e: &Evidence<'_>) -> Option<String> {
    let letters = e.mail.subject.chars().filter(|c| c.is_alphabetic());
    let (count, lower) = (
        letters.clone().count(),
        letters.filter(|c| c.is_lowercase()).count(),
    );
    (count >= 10 && lower * 10 <= count && e.mail.subject.contains(' ')).then(String::new)
}

fn tail(subject: &str) -> Option<String> {
    let code = |tail: &str| {
        let tail = tail.trim_matches(|c: char| c.is_whitespace() || "[]()-#".contains(c));
        (4..=24).contains(&tail.len())
            && tail.bytes().all(|o| o.is_ascii_alphanumeric())
            && !tail.bytes().all(|o| o.is_ascii_uppercase())
    };
    let spaced = subject.rfind("     ").map(|at| &subject[at..]);
    let random = |tail: &&str| code(tail) && !tail.trim().is_empty();
    if let Some(tail) = spaced.filter(random) {
        return Some(tail.trim().to_owned());
    }
    // "… [a8f3k]", and "… 26930" behind dots.
    let last = subject.split_whitespace().next_back()?;
    let bracketed = last.starts_with('[')
        && last.ends_with(']')
        && last.bytes().any(|o| o.is_ascii_digit())
        && last.bytes().any(|o| o.is_ascii_lowercase());
    let number = subject.split_whitespace().count() > 3
        && (4..=7).contains(&last.len())
        && last.bytes().all(|o| o.is_ascii_digit())
        && !last.starts_with("20")
        && !last.starts_with("19")
        && subject.contains(['!', '.']);
    (bracketed && code(last) || number).then(|| last.to_owned())
}

fn names_recipient(e: &Evidence<'_>) -> Option<String> {
    let to = e.to.first()?;
    let local = String::from_utf8_lossy(&to.local).to_lowercase();
    let rest = e
        .mail
        .subject
        .get(..local.len())
        .filter(|head| head.to_lowercase() == local)
        .map(|head| &e.mail.subject[head.len()..])?;
    (local.len() > 1 && rest.starts_with([',', ' ', '-', '!', ':', '.'])).then_some(local)
}
