//! A message as it came to us: without what our own server has put in front of it. What is learned of a message in a mailbox is then
//! what was seen when it arrived.

use message::header;
use std::borrow::Cow;

/// How our own `Received` fields are known.
const OURS: &str = "(Pennyblack";
/// What stands with them.
const OUR_FIELDS: [&str; 3] = ["return-path", "authentication-results", "delivered-to"];

/// The message without the fields that were put in front of it when it was filed; unchanged if there are none.
pub fn as_received(octets: &[u8]) -> &[u8] {
    let (mut rest, mut stripped) = (octets, octets);
    let mut found = false;
    while let Some((field, after)) = first_field(rest) {
        let name = field.name.to_ascii_lowercase();
        if name == b"received" && !found && is_ours(field.value) {
            found = true;
        } else if !is_with_ours(&name) {
            break;
        }
        rest = after;
        if found {
            stripped = rest;
        }
    }
    stripped
}

/// With the line ends that a message has on the wire: files often have LF alone, and it is the same message.
pub fn with_line_ends(octets: &[u8]) -> Cow<'_, [u8]> {
    let first = memchr::memchr(b'\n', octets);
    let is_bare = first.is_some_and(|at| at == 0 || octets[at - 1] != b'\r');
    if !is_bare {
        return Cow::Borrowed(octets);
    }
    let mut whole = Vec::with_capacity(octets.len() + octets.len() / 32);
    let mut last = 0;
    for octet in octets {
        if *octet == b'\n' && last != b'\r' {
            whole.push(b'\r');
        }
        whole.push(*octet);
        last = *octet;
    }
    Cow::Owned(whole)
}

fn is_ours(value: &[u8]) -> bool {
    // It stands in the first lines of the field.
    let beginning = &value[..value.len().min(600)];
    beginning
        .windows(OURS.len())
        .any(|window| window == OURS.as_bytes())
}

fn is_with_ours(name: &[u8]) -> bool {
    name.starts_with(b"x-spam") || OUR_FIELDS.iter().any(|ours| name == ours.as_bytes())
}

/// The first field and what follows it; `None` at the end of the header section.
fn first_field(octets: &[u8]) -> Option<(header::Field<'_>, &[u8])> {
    let mut end = line_end(octets, 0)?;
    while matches!(octets.get(end), Some(b' ' | b'\t')) {
        end = line_end(octets, end)?;
    }
    let (field, rest) = octets.split_at(end);
    header::fields(field).next().map(|field| (field, rest))
}

fn line_end(octets: &[u8], start: usize) -> Option<usize> {
    memchr::memchr(b'\n', octets.get(start..)?).map(|at| start + at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_get_the_line_ends_of_the_wire() {
        assert_eq!(
            &*with_line_ends(b"a: b\n\nc\r\nd\n"),
            b"a: b\r\n\r\nc\r\nd\r\n"
        );
        for whole in [&b"a: b\r\n\r\nc"[..], b"", b"no end"] {
            assert!(matches!(with_line_ends(whole), Cow::Borrowed(_)));
        }
    }

    #[test]
    fn what_we_put_in_front_goes() {
        let theirs = b"Received: from a (b [192.0.2.1])\r\n\tby mx.example.net (Pennyblack) with ESMTP id 1;\r\n\tnow\r\nX-Spam: no\r\n\r\nbody";
        let ours = b"Return-Path: <a@b.test>\r\nX-Spam-Status: No\r\nReceived: from c (d [192.0.2.2])\r\n\tby mx.example.com (Pennyblack) with ESMTP id 2;\r\n\tnow\r\nAuthentication-Results: mx.example.com;\r\n\tspf=none\r\n";
        let stored = [&ours[..], theirs].concat();
        assert_eq!(as_received(&stored), theirs, "another server's are kept");
        for other in [
            &b"Subject: x\r\n\r\nbody"[..],
            b"Return-Path: <a@b.test>\nReceived: by postfix\n\nx",
            b"",
            b"\r\n",
            b"no field",
        ] {
            assert_eq!(as_received(other), other);
        }
    }
}
