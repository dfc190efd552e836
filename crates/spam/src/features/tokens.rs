//! The token view: words and structure of a message as hashed features.
//!
//! Each kind of token has a tag of its own, so that a word of the subject is not the same feature as that word in the text.

use super::{distinct, hash};
use crate::document::Link;
use crate::document::registered;
use crate::mail::beginning;
use crate::mail::{self, Field, Mail};
use message::address_list::Mailbox;

/// Words of the text that are looked at.
const MAX_WORDS: usize = 1200;
/// Words of a header field that are looked at.
const MAX_FIELD_WORDS: usize = 30;
/// `Received` fields that are looked at: the nearest hops, since those further away can be invented.
const HOPS: usize = 3;
/// Links that are looked at.
const MAX_LINKS: usize = 60;
/// HTML elements that are looked at.
const MAX_ELEMENTS: usize = 300;
/// Longest word kept whole; what is longer counts by its beginning and its length.
const LONG_WORD: usize = 24;

/// The features.
pub(super) fn tokens(mail: &Mail<'_>) -> Vec<u32> {
    let mut tokens = Tokens {
        features: Vec::with_capacity(8192),
    };
    tokens.header(mail);
    tokens.subject(&mail.subject);
    tokens.shapes(mail);
    tokens.agreement(mail);
    mail.values("received")
        .take(HOPS)
        .enumerate()
        .for_each(|(hop, value)| tokens.hop(hop, value));
    tokens.words(&mail.text);
    mail.links
        .iter()
        .take(MAX_LINKS)
        .for_each(|link| tokens.link(link));
    tokens.elements(mail);
    tokens.parts(mail);
    distinct(tokens.features)
}

/// Kinds of tokens. The numbers are part of the hash.
#[derive(Clone, Copy)]
enum Tag {
    FieldName = 1,
    FieldOrder = 2,
    FieldWord = 3,
    SubjectWord = 4,
    SubjectPair = 5,
    SubjectShape = 6,
    MessageId = 7,
    Boundary = 8,
    Agreement = 9,
    Hop = 10,
    Word = 11,
    /// And three more, by distance.
    Pair = 12,
    LinkHost = 16,
    LinkDomain = 17,
    LinkWord = 18,
    Element = 19,
    Attribute = 20,
    Part = 21,
    Extension = 22,
    Amount = 23,
    LinkScheme = 24,
    Address = 25,
    Date = 26,
}

struct Tokens {
    features: Vec<u32>,
}

impl Tokens {
    fn push(&mut self, tag: Tag, text: &str) {
        self.features
            .push(hash::feature(hash::text(start(tag), text)));
    }

    fn push_two(&mut self, tag: Tag, first: &str, second: &str) {
        let hash = hash::text(hash::text(start(tag), first), second);
        self.features.push(hash::feature(hash));
    }

    /// A number, by its order of magnitude.
    fn amount(&mut self, name: &str, amount: usize) {
        let magnitude = (usize::BITS - amount.leading_zeros()).to_string();
        self.push_two(Tag::Amount, name, &magnitude);
    }

    fn header(&mut self, mail: &Mail<'_>) {
        let mut last = "";
        for field in mail.fields.iter().take(120) {
            self.push(Tag::FieldName, &field.name);
            self.push_two(Tag::FieldOrder, last, &field.name);
            last = &field.name;
            match field.name.as_str() {
                "subject" | "received" | "message-id" => {}
                "date" | "delivery-date" => self.date(&field.value),
                "content-type" => self.field_words(field, without_boundary(&field.value)),
                _ => self.field_words(field, &field.value),
            }
        }
        for name in ["from", "reply-to", "sender", "return-path", "to", "cc"] {
            for mailbox in mail.mailboxes(name).iter().take(8) {
                self.push_two(Tag::Address, name, &mail::address(mailbox));
                self.push_two(Tag::Address, name, &registered(&mail::domain(mailbox)));
            }
        }
        self.amount("fields", mail.fields.len());
        self.amount("to", mail.mailboxes("to").len());
    }

    fn field_words(&mut self, field: &Field, value: &str) {
        for word in words(value).take(MAX_FIELD_WORDS) {
            self.push_two(Tag::FieldWord, &field.name, word);
        }
    }

    /// Weekday and zone; how it is written.
    fn date(&mut self, value: &str) {
        self.push_two(Tag::Date, "shape", &shape(value));
        let zone = value
            .split_whitespace()
            .find(|word| word.starts_with(['+', '-']));
        self.push_two(Tag::Date, "zone", zone.unwrap_or_default());
    }

    fn subject(&mut self, subject: &str) {
        let mut last = "";
        for word in words(subject).take(MAX_FIELD_WORDS) {
            self.push(Tag::SubjectWord, word);
            self.push_two(Tag::SubjectPair, last, word);
            let lower = word.to_lowercase();
            self.push(Tag::SubjectWord, &lower);
            last = word;
        }
        self.push(Tag::SubjectShape, &shape(subject));
        let upper = subject.chars().filter(|c| c.is_uppercase()).count();
        let letters = subject.chars().filter(|c| c.is_alphabetic()).count();
        self.push_two(
            Tag::SubjectShape,
            "upper",
            &(upper * 5 / letters.max(1)).to_string(),
        );
    }

    fn shapes(&mut self, mail: &Mail<'_>) {
        let id = mail.value("message-id").unwrap_or_default();
        let (left, host) = id
            .trim_matches(['<', '>'])
            .rsplit_once('@')
            .unwrap_or((id, ""));
        self.push_two(Tag::MessageId, "shape", &shape(left));
        self.push_two(Tag::MessageId, "host", host);
        self.push_two(Tag::MessageId, "domain", &registered(&host.to_lowercase()));
        self.push_two(Tag::MessageId, "beginning", beginning(left, 6));
        self.push(Tag::Boundary, &shape(&mail.boundary));
        self.push_two(Tag::Boundary, "beginning", beginning(&mail.boundary, 8));
    }

    /// Who is the same as whom.
    fn agreement(&mut self, mail: &Mail<'_>) {
        let first = |name: &str| mail.mailboxes(name).into_iter().next();
        let id_host = mail
            .value("message-id")
            .and_then(|id| id.trim_matches(['<', '>', ' ']).rsplit_once('@'));
        let id = id_host.map(|(local, host)| Mailbox {
            local: local.into(),
            domain: host.into(),
            ..Mailbox::default()
        });
        let named = [
            ("from", Some(mail.from.clone())),
            ("reply-to", first("reply-to")),
            ("return-path", first("return-path")),
            ("sender", first("sender")),
            ("to", first("to")),
            ("message-id", id),
        ];
        for (index, (name, one)) in named.iter().enumerate() {
            for (other_name, other) in &named[index + 1..] {
                self.push_two(
                    Tag::Agreement,
                    &format!("{name}={other_name}"),
                    agreement(one.as_ref(), other.as_ref()),
                );
            }
        }
    }

    fn hop(&mut self, hop: usize, value: &str) {
        let place = hop.to_string();
        let mut put = |text: &str| {
            self.push(Tag::Hop, text);
            self.push_two(Tag::Hop, &place, text);
        };
        for word in value
            .split(|c: char| c.is_whitespace() || "()[];,<>=".contains(c))
            .take(40)
        {
            if word.is_empty() {
                continue;
            }
            if word.parse::<std::net::Ipv4Addr>().is_ok() {
                let third = word.rfind('.').unwrap_or_default();
                let second = word[..third].rfind('.').unwrap_or_default();
                put(word);
                put(&word[..third]);
                put(&word[..second]);
            } else if word.contains('.') {
                put(word);
                put(&registered(&word.to_lowercase()));
            } else if word.len() < 10 {
                put(word);
            }
        }
        put(&shape(value.split(';').next().unwrap_or_default()));
    }

    /// Words, and pairs of words up to four apart.
    fn words(&mut self, text: &str) {
        let mut last = [0_u64; 4];
        let mut count = 0;
        for word in words(text).take(MAX_WORDS) {
            let lower = word.to_lowercase();
            let own = word_hash(&lower);
            self.features
                .push(hash::feature(hash::mix(start(Tag::Word), own)));
            if lower != word {
                let cased = word_hash(word);
                self.features
                    .push(hash::feature(hash::mix(start(Tag::Word), cased)));
            }
            for (distance, before) in last.iter().enumerate().take(count) {
                let tag = hash::mix(start(Tag::Pair), distance as u64);
                self.features
                    .push(hash::feature(hash::mix(hash::mix(tag, *before), own)));
            }
            last.rotate_right(1);
            last[0] = own;
            count += 1;
        }
        self.amount("words", count);
    }

    fn link(&mut self, link: &Link) {
        self.push_two(
            Tag::LinkScheme,
            &link.scheme(),
            &format!("{:?}", link.place),
        );
        let Some(host) = link.host() else {
            return words(&link.url)
                .take(8)
                .for_each(|word| self.push(Tag::LinkWord, word));
        };
        self.push(Tag::LinkDomain, &registered(&host));
        self.push(Tag::LinkHost, &host);
        for word in words(link.path()).take(12) {
            self.push(Tag::LinkWord, word);
        }
    }

    fn elements(&mut self, mail: &Mail<'_>) {
        for element in mail.elements.iter().take(MAX_ELEMENTS) {
            self.push(Tag::Element, &element.name);
            for (name, value) in element.attributes.iter().take(8) {
                self.push_two(Tag::Attribute, &element.name, name);
                if !matches!(name.as_str(), "href" | "src" | "action" | "alt" | "title") {
                    let value = beginning(value, LONG_WORD);
                    self.push_two(Tag::Attribute, name, &value.to_lowercase());
                }
            }
        }
        self.amount("elements", mail.elements.len());
        self.amount("links", mail.links.len());
        self.amount("hidden", mail.hidden);
    }

    fn parts(&mut self, mail: &Mail<'_>) {
        self.push_two(Tag::Part, "root", &mail.media_type);
        for leaf in mail.leaves.iter().take(30) {
            self.push_two(Tag::Part, &leaf.media_type, &leaf.encoding);
            self.push_two(Tag::Part, "charset", &leaf.charset.to_lowercase());
        }
        for attachment in mail.attachments.iter().take(30) {
            let names = std::iter::once(&attachment.name).chain(attachment.entries.iter().take(20));
            for (_, extension) in names.filter_map(|name| name.rsplit_once('.')) {
                self.push(Tag::Extension, &extension.to_lowercase());
            }
        }
        self.amount("leaves", mail.leaves.len());
        self.amount("size", mail.octets.len());
    }
}

fn start(tag: Tag) -> u64 {
    hash::mix(hash::SEED, tag as u64)
}

fn word_hash(word: &str) -> u64 {
    let beginning = beginning(word, LONG_WORD);
    hash::text(hash::SEED, beginning)
}

/// Runs of letters and digits, with what stands inside of prices, times and contractions.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let splits = |c: char| {
        !(c.is_alphanumeric() || matches!(c, '$' | '\'' | '!' | '-' | '%' | '€' | '£' | '_'))
    };
    text.split(splits).filter(|word| !word.is_empty())
}

/// The kind of a text: runs of letters become `a` or `A`, runs of digits `0`, the rest stays.
fn shape(text: &str) -> String {
    let mut shape = String::new();
    for c in text.chars().take(60) {
        let kind = match c {
            c if c.is_ascii_digit() => '0',
            c if c.is_lowercase() => 'a',
            c if c.is_uppercase() => 'A',
            c => c,
        };
        if !shape.ends_with(kind) {
            shape.push(kind);
        }
    }
    shape
}

fn agreement(one: Option<&Mailbox>, other: Option<&Mailbox>) -> &'static str {
    let (Some(one), Some(other)) = (one, other) else {
        return "missing";
    };
    if mail::address(one) == mail::address(other) {
        "same"
    } else if one.domain.eq_ignore_ascii_case(&other.domain) {
        "host"
    } else if registered(&mail::domain(one)) == registered(&mail::domain(other)) {
        "domain"
    } else if one.local.eq_ignore_ascii_case(&other.local) {
        "local"
    } else {
        "different"
    }
}

/// A boundary is as good as random.
fn without_boundary(value: &str) -> &str {
    let lower = value.to_ascii_lowercase();
    lower
        .find("boundary")
        .map_or(value, |start| &value[..start])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_shapes() {
        let found: Vec<_> = words("Don't pay $9.99, größe (50%)!").collect();
        assert_eq!(found, ["Don't", "pay", "$9", "99", "größe", "50%", "!"]);
        assert_eq!(shape("Ab12.cD-9"), "Aa0.aA-0");
        assert_eq!(
            without_boundary("multipart/mixed; Boundary=x"),
            "multipart/mixed; "
        );
    }

    #[test]
    fn who_agrees_with_whom() {
        let one = |local: &str, domain: &str| Mailbox {
            local: local.into(),
            domain: domain.into(),
            ..Mailbox::default()
        };
        let a = one("a", "x.example.com");
        for (other, expected) in [
            (one("A", "X.example.com"), "same"),
            (one("b", "x.example.com"), "host"),
            (one("b", "example.com"), "domain"),
            (one("a", "z.test"), "local"),
            (one("b", "z.test"), "different"),
        ] {
            assert_eq!(agreement(Some(&a), Some(&other)), expected);
        }
        assert_eq!(agreement(None, Some(&a)), "missing");
    }
}
