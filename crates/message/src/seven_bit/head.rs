//! Header sections without octets above 127: the encoding that the content has now, encoded words (RFC 2047 §5) and extended parameters
//! (RFC 2231 §4) for the rest. A field where neither may stand cannot be written.

use super::spans::{Head, Span, What};
use super::{Encoding, Unconvertible};
use crate::address_list::{self, Item, Mailbox};
use crate::content::{self, Params};
use crate::encoded_word;
use crate::header::{self, Field};

/// Lines are folded where they would be longer than this (RFC 5322 §2.1.1).
const LINE: usize = 78;

/// What is to be done with a header section.
pub(super) struct Edit {
    /// Content-Transfer-Encoding, if it changes.
    encoding: Option<&'static str>,
    /// The content is text that says nothing of itself: then this is its charset.
    charset: &'static str,
    is_root: bool,
}

/// An edit for each span that is a header section to be changed.
pub(super) fn edits(spans: &[Span]) -> Vec<Option<Edit>> {
    let edit = |(index, span): (usize, &Span)| match &span.what {
        What::Head(head) if !span.sealed => edit(head, span, spans.get(index + 1)),
        _ => None,
    };
    spans.iter().enumerate().map(edit).collect()
}

fn edit(head: &Head, span: &Span, next: Option<&Span>) -> Option<Edit> {
    let labelled = matches!(head.encoding.as_str(), "8bit" | "binary");
    let (encoding, utf8) = match next {
        _ if head.is_container => (labelled.then_some("7bit"), true),
        Some(Span {
            what: What::Leaf(leaf),
            eight_bit,
            utf8,
            ..
        }) => match eight_bit {
            true => (leaf.encoding.name(), *utf8),
            false => (
                (labelled && leaf.encoding != Encoding::Impossible).then_some("7bit"),
                true,
            ),
        },
        _ => (labelled.then_some("7bit"), true),
    };
    (encoding.is_some() || span.eight_bit).then_some(Edit {
        encoding,
        // RFC 1428 §2.
        charset: if utf8 { "utf-8" } else { "unknown-8bit" },
        is_root: head.is_root,
    })
}

/// The section as it is to be.
pub(super) fn rewritten(section: &[u8], edit: &Edit) -> Result<Vec<u8>, Unconvertible> {
    let mut out = Vec::with_capacity(section.len() + 128);
    let mut length = 0;
    let mut placed = edit.encoding.is_none();
    let (mut has_type, mut has_version) = (false, false);
    for field in header::fields(section) {
        length += field.raw.len();
        has_type |= field.is("Content-Type");
        has_version |= field.is("MIME-Version");
        match edit.encoding {
            Some(encoding) if field.is("Content-Transfer-Encoding") => {
                if !std::mem::replace(&mut placed, true) {
                    line(&mut out, "Content-Transfer-Encoding", encoding);
                }
            }
            _ if field.raw.is_ascii() => out.extend_from_slice(field.raw),
            _ => out.extend(without_eight_bit(&field)?.as_bytes()),
        }
    }
    if edit.is_root && edit.encoding.is_some() && !has_version {
        line(&mut out, "MIME-Version", "1.0");
    }
    let is_text = matches!(edit.encoding, Some("quoted-printable"));
    if is_text && !has_type {
        let value = format!("text/plain; charset={}", edit.charset);
        line(&mut out, "Content-Type", &value);
    }
    if let (false, Some(encoding)) = (placed, edit.encoding) {
        line(&mut out, "Content-Transfer-Encoding", encoding);
    }
    out.extend_from_slice(&section[length..]);
    Ok(out)
}

fn line(out: &mut Vec<u8>, name: &str, value: &str) {
    out.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
}

/// A field that has octets above 127 in its value.
fn without_eight_bit(field: &Field<'_>) -> Result<String, Unconvertible> {
    let shown = || String::from_utf8_lossy(field.name).into_owned();
    let failed = || Unconvertible::Field(shown());
    if field.name.is_empty() || !field.name.is_ascii() {
        return Err(failed());
    }
    let (name, lower) = (shown(), shown().to_ascii_lowercase());
    let words = match lower.as_str() {
        "subject" | "comments" | "content-description" | "organization" | "thread-topic" => {
            text(&field.unfolded())
        }
        "content-type" => content::media_type(field.value)
            .map(|media| parameters(&format!("{}/{}", media.main, media.sub), &media.params))
            .ok_or_else(failed)?,
        "content-disposition" => content::disposition(field.value)
            .map(|(kind, params)| parameters(&kind, &params))
            .ok_or_else(failed)?,
        "from" | "sender" | "reply-to" | "to" | "cc" | "bcc" | "resent-from" | "resent-to"
        | "resent-cc" | "resent-sender" => addresses(field.value).ok_or_else(failed)?,
        // Fields that nobody has defined are text to everybody else (RFC 2047 §5, RFC 6648).
        other if other.starts_with("x-") => text(&field.unfolded()),
        _ => return Err(failed()),
    };
    Ok(folded(&name, &words))
}

fn text(value: &[u8]) -> Vec<String> {
    let encoded = encoded_word::encode(value).into_owned();
    let text = String::from_utf8_lossy(&encoded).into_owned();
    text.split(' ').map(String::from).collect()
}

/// Pieces between which a line may be folded.
fn parameters(first: &str, params: &Params) -> Vec<String> {
    let mut pieces = vec![first.to_string()];
    for (name, value) in params {
        if let Some(last) = pieces.last_mut() {
            last.push(';');
        }
        let plain = name.ends_with('*')
            || (!value.is_empty()
                && value
                    .bytes()
                    .all(|o| o.is_ascii_alphanumeric() || b"-._".contains(&o)));
        pieces.push(match plain {
            true => format!("{name}={value}"),
            false => format!("{name}={}", quoted(value.as_bytes())),
        });
    }
    pieces
}

/// `None`: an address itself is not ASCII.
fn addresses(value: &[u8]) -> Option<Vec<String>> {
    let mut pieces: Vec<String> = Vec::new();
    let mut separate = false;
    for item in address_list::parse(value) {
        if std::mem::take(&mut separate)
            && item != Item::GroupEnd
            && let Some(last) = pieces.last_mut()
        {
            last.push(',');
        }
        match item {
            Item::Mailbox(mailbox) => {
                pieces.extend(phrase(&mailbox.name));
                pieces.push(angle(&mailbox)?);
                separate = true;
            }
            Item::GroupStart(name) => {
                pieces.extend(phrase(&name));
                pieces.last_mut()?.push(':');
            }
            Item::GroupEnd => {
                pieces.push(";".to_string());
                separate = true;
            }
        }
    }
    Some(pieces)
}

fn angle(mailbox: &Mailbox) -> Option<String> {
    let address = mailbox.address()?.to_string();
    address.is_ascii().then(|| format!("<{address}>"))
}

/// RFC 2047 §5 (3): an encoded word stands outside of quotes.
fn phrase(name: &[u8]) -> Vec<String> {
    match name.is_ascii() {
        _ if name.is_empty() => Vec::new(),
        true if memchr::memmem::find(name, b"=?").is_none() => vec![quoted(name)],
        _ => text(name),
    }
}

fn quoted(value: &[u8]) -> String {
    let mut out = String::from("\"");
    for octet in value {
        if matches!(octet, b'"' | b'\\') {
            out.push('\\');
        }
        out.push(char::from(*octet));
    }
    out.push('"');
    out
}

fn folded(name: &str, words: &[String]) -> String {
    let mut out = format!("{name}:");
    let mut column = out.len();
    for word in words {
        if column + 1 + word.len() > LINE && column > name.len() + 1 {
            out.push_str("\r\n");
            column = 0;
        }
        out.push(' ');
        out.push_str(word);
        column += 1 + word.len();
    }
    out.push_str("\r\n");
    out
}
