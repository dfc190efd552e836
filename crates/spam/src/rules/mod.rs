//! Rules as data: a name, a weight, what it looks for and why that speaks for or against a message.
//!
//! A rule sees the message (and the envelope, if there is one), never the network. Patterns are regular expressions without
//! backtracking, so no text makes them slow. To add one, see docs/how-to-add/spam-rule.md.

mod attachment;
mod form;
mod html;
mod link;
mod pattern;
mod phrase;
mod sender;
mod subject;

use crate::mail::Mail;
use crate::verdict::Reason;
use jiff::Timestamp;
use message::address_list::Mailbox;
use pattern::Patterns;
use std::sync::OnceLock;

/// Octets of text that patterns look through.
const MAX_TEXT: usize = 24 * 1024;

/// What is known about a message besides itself.
#[derive(Clone, Copy, Debug, Default)]
pub struct Circumstances<'a> {
    /// When it arrived; else rules about dates compare with the newest `Received` field.
    pub arrived: Option<Timestamp>,
    /// It came with the null reverse-path; `None` if no envelope is known.
    pub null_sender: Option<bool>,
    /// Recipients of the envelope.
    pub recipients: &'a [String],
}

/// What a rule looks at.
pub struct Evidence<'a> {
    /// The message.
    pub mail: &'a Mail<'a>,
    /// What else is known.
    pub around: Circumstances<'a>,
    /// The visible text with single blanks, bounded.
    text: String,
    /// The mailboxes of To, of Cc, and of Reply-To.
    to: Vec<Mailbox>,
    cc: Vec<Mailbox>,
    reply_to: Vec<Mailbox>,
    /// The domain of From, in lower case.
    from_domain: String,
    /// Host and registered domain of the web links, each host once, sorted.
    hosts: Vec<(String, String)>,
}

/// How a rule finds what it looks for.
pub enum Check {
    /// A function: what was seen, if it was.
    Fact(fn(&Evidence<'_>) -> Option<String>),
    /// A pattern in the visible text (case does not matter; all white space is one blank).
    Text(&'static str),
    /// A pattern in the decoded subject.
    Subject(&'static str),
}

/// A rule.
pub struct Rule {
    /// Its stable name.
    pub name: &'static str,
    /// What it adds to the score; negative speaks for the message. Found by measurement (docs/spam.md).
    pub weight: f32,
    /// What its author thinks it may weigh at most.
    pub most: f32,
    /// What it looks for.
    pub about: &'static str,
    /// Why that tells something.
    pub why: &'static str,
    /// How it looks.
    pub check: Check,
}

/// All rules, by subject.
pub fn all() -> impl Iterator<Item = &'static Rule> {
    [
        form::RULES,
        subject::RULES,
        sender::RULES,
        phrase::RULES,
        html::RULES,
        link::RULES,
        attachment::RULES,
    ]
    .into_iter()
    .flatten()
}

/// The reasons that the rules find.
pub fn apply(mail: &Mail<'_>, around: Circumstances<'_>) -> Vec<Reason> {
    let evidence = Evidence::of(mail, around);
    let mut reasons = Vec::new();
    for rule in all() {
        if let Check::Fact(check) = rule.check
            && let Some(detail) = check(&evidence)
        {
            reasons.push(Reason::new(rule.name, rule.weight, shortened(detail)));
        }
    }
    let patterns = patterns();
    patterns.text.hits(&evidence.text, &mut reasons);
    patterns.subject.hits(&mail.subject, &mut reasons);
    reasons
}

impl<'a> Evidence<'a> {
    fn of(mail: &'a Mail<'a>, around: Circumstances<'a>) -> Evidence<'a> {
        let links = mail.links.iter();
        let mut hosts: Vec<(String, String)> = links
            .filter_map(|link| Some((link.host()?, link.domain()?)))
            .collect();
        hosts.sort_unstable();
        hosts.dedup();
        Evidence {
            mail,
            around,
            text: squeezed(&mail.text),
            to: mail.mailboxes("to"),
            cc: mail.mailboxes("cc"),
            reply_to: mail.mailboxes("reply-to"),
            from_domain: mail.from_domain(),
            hosts,
        }
    }
}

/// All rules with a pattern for one kind of text.
struct PatternRules {
    rules: Vec<&'static Rule>,
    patterns: Patterns,
}

struct AllPatterns {
    text: PatternRules,
    subject: PatternRules,
}

impl PatternRules {
    fn hits(&self, text: &str, reasons: &mut Vec<Reason>) {
        for index in self.patterns.find(&text.to_ascii_lowercase()) {
            let rule = self.rules[index];
            reasons.push(Reason::new(rule.name, rule.weight, ""));
        }
    }

    fn of(pattern: fn(&Rule) -> Option<&'static str>) -> PatternRules {
        let (rules, patterns): (Vec<_>, Vec<_>) = all()
            .filter_map(|rule| Some((rule, pattern(rule)?)))
            .unzip();
        PatternRules {
            rules,
            patterns: Patterns::new(&patterns),
        }
    }
}

fn patterns() -> &'static AllPatterns {
    static PATTERNS: OnceLock<AllPatterns> = OnceLock::new();
    PATTERNS.get_or_init(|| AllPatterns {
        text: PatternRules::of(|rule| match rule.check {
            Check::Text(pattern) => Some(pattern),
            _ => None,
        }),
        subject: PatternRules::of(|rule| match rule.check {
            Check::Subject(pattern) => Some(pattern),
            _ => None,
        }),
    })
}

/// Single blanks for all white space; letters that nobody sees go.
fn squeezed(text: &str) -> String {
    let mut out = String::with_capacity(text.len().min(MAX_TEXT));
    let mut rest = text;
    while out.len() < MAX_TEXT {
        // Most of what is read is ASCII, in runs without a blank.
        let is_run =
            |octet: &u8| octet.is_ascii() && !octet.is_ascii_whitespace() && *octet != 0x0b;
        let run = rest.bytes().take(MAX_TEXT - out.len());
        let run = run.take_while(is_run).count();
        out.push_str(&rest[..run]);
        rest = &rest[run..];
        let Some(c) = rest.chars().next() else { break };
        rest = &rest[c.len_utf8()..];
        match c {
            _ if is_unseen(c) => {}
            _ if !c.is_whitespace() => out.push(c),
            _ if out.ends_with(' ') => {}
            _ => out.push(' '),
        }
    }
    out
}

fn is_unseen(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}'
    )
}

/// Details stand in headers and are stored.
fn shortened(mut detail: String) -> String {
    detail.truncate(crate::mail::beginning(&detail, 120).len());
    detail
}

#[cfg(test)]
mod samples;
#[cfg(test)]
mod tests;
