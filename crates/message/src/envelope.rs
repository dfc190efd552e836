//! ENVELOPE as IMAP sends it (RFC 3501 §7.4.2), rendered once when a message arrives.
//!
//! 7-bit (W15): raw 8-bit octets become encoded words, international domains A-labels. Everything fits quoted strings, since
//! unfolded values hold no line ends.

use crate::address_list::{self, Item, Mailbox};
use crate::header::{self, Field};
use crate::{address, charset, encoded_word};

/// The fields that an ENVELOPE shows.
#[derive(Default)]
struct Shown<'a> {
    date: Option<&'a [u8]>,
    subject: Option<&'a [u8]>,
    from: Vec<&'a [u8]>,
    sender: Vec<&'a [u8]>,
    reply_to: Vec<&'a [u8]>,
    to: Vec<&'a [u8]>,
    cc: Vec<&'a [u8]>,
    bcc: Vec<&'a [u8]>,
    in_reply_to: Option<&'a [u8]>,
    message_id: Option<&'a [u8]>,
}

/// The ENVELOPE of a header section, parentheses included.
pub(crate) fn render(section: &[u8]) -> Vec<u8> {
    let mut shown = Shown::default();
    for field in header::fields(section) {
        shown.note(&field);
    }
    shown.render()
}

impl<'a> Shown<'a> {
    /// Fields that may stand once count by their first occurrence; address lists that were divided are joined.
    fn note(&mut self, field: &Field<'a>) {
        const SHORTEST: usize = 2;
        const LONGEST: usize = 11;
        if !(SHORTEST..=LONGEST).contains(&field.name.len()) {
            return;
        }
        let value = field.value;
        match field.name.to_ascii_lowercase().as_slice() {
            b"date" => first(&mut self.date, value),
            b"subject" => first(&mut self.subject, value),
            b"from" => self.from.push(value),
            b"sender" => self.sender.push(value),
            b"reply-to" => self.reply_to.push(value),
            b"to" => self.to.push(value),
            b"cc" => self.cc.push(value),
            b"bcc" => self.bcc.push(value),
            b"in-reply-to" => first(&mut self.in_reply_to, value),
            b"message-id" => first(&mut self.message_id, value),
            _ => {}
        }
    }

    fn render(&self) -> Vec<u8> {
        let from = address_items(&self.from);
        let or_from = |values: &[&[u8]]| match address_items(values) {
            items if items.is_empty() => from.clone(),
            items => items,
        };
        let mut out = vec![b'('];
        string_field(&mut out, self.date);
        string_field(&mut out, self.subject);
        address_field(&mut out, &from);
        address_field(&mut out, &or_from(&self.sender));
        address_field(&mut out, &or_from(&self.reply_to));
        for values in [&self.to, &self.cc, &self.bcc] {
            address_field(&mut out, &address_items(values));
        }
        string_field(&mut out, self.in_reply_to);
        string_field(&mut out, self.message_id);
        out.pop();
        out.push(b')');
        out
    }
}

fn first<'a>(slot: &mut Option<&'a [u8]>, value: &'a [u8]) {
    slot.get_or_insert(value);
}

fn address_items(values: &[&[u8]]) -> Vec<Item> {
    values
        .iter()
        .flat_map(|value| address_list::parse(value))
        .collect()
}

fn string_field(out: &mut Vec<u8>, value: Option<&[u8]>) {
    match value {
        None => out.extend_from_slice(b"NIL"),
        Some(value) => quoted(out, &encoded_word::encode(&header::unfold(value))),
    }
    out.push(b' ');
}

fn address_field(out: &mut Vec<u8>, items: &[Item]) {
    if items.is_empty() {
        out.extend_from_slice(b"NIL ");
        return;
    }
    out.push(b'(');
    for item in items {
        match item {
            Item::Mailbox(mailbox) => mailbox_tuple(out, mailbox),
            Item::GroupStart(name) => {
                out.extend_from_slice(b"(NIL NIL ");
                quoted(out, &encoded_word::encode(name));
                out.extend_from_slice(b" NIL)");
            }
            Item::GroupEnd => out.extend_from_slice(b"(NIL NIL NIL NIL)"),
        }
    }
    out.extend_from_slice(b") ");
}

/// `(name adl mailbox host)`. A missing domain is an empty string: NIL would make it a group (RFC 3501 §7.4.2).
fn mailbox_tuple(out: &mut Vec<u8>, mailbox: &Mailbox) {
    out.push(b'(');
    or_nil(out, &encoded_word::encode(&mailbox.name));
    out.push(b' ');
    or_nil(out, &encoded_word::encode(&mailbox.route));
    out.push(b' ');
    quoted(out, &encoded_word::encode(&mailbox.local));
    out.push(b' ');
    quoted(out, &host(&mailbox.domain));
    out.push(b')');
}

fn host(domain: &[u8]) -> Vec<u8> {
    if domain.is_ascii() {
        return encoded_word::encode(domain);
    }
    match address::parse_domain(&charset::guess(domain)) {
        Ok(ascii) => ascii.into_bytes(),
        Err(_) => encoded_word::encode(domain),
    }
}

fn or_nil(out: &mut Vec<u8>, text: &[u8]) {
    if text.is_empty() {
        out.extend_from_slice(b"NIL");
    } else {
        quoted(out, text);
    }
}

/// RFC 3501 `quoted`; the text holds printable ASCII only.
fn quoted(out: &mut Vec<u8>, text: &[u8]) {
    out.push(b'"');
    for &octet in text {
        if matches!(octet, b'"' | b'\\') {
            out.push(b'\\');
        }
        out.push(octet);
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(section: &str) -> String {
        String::from_utf8(render(section.as_bytes())).unwrap()
    }

    #[test]
    fn rfc3501_section_7_4_2_example() {
        let section = "Date: Wed, 17 Jul 1996 02:23:25 -0700 (PDT)\r\n\
            From: Terry Gray <gray@cac.washington.edu>\r\n\
            Subject: IMAP4rev1 WG mtg summary and minutes\r\n\
            To: imap@cac.washington.edu\r\n\
            cc: minutes@CNRI.Reston.VA.US, John Klensin <KLENSIN@MIT.EDU>\r\n\
            Message-Id: <B27397-0100000@cac.washington.edu>\r\n\r\n";
        assert_eq!(
            read(section),
            "(\"Wed, 17 Jul 1996 02:23:25 -0700 (PDT)\" \
             \"IMAP4rev1 WG mtg summary and minutes\" \
             ((\"Terry Gray\" NIL \"gray\" \"cac.washington.edu\")) \
             ((\"Terry Gray\" NIL \"gray\" \"cac.washington.edu\")) \
             ((\"Terry Gray\" NIL \"gray\" \"cac.washington.edu\")) \
             ((NIL NIL \"imap\" \"cac.washington.edu\")) \
             ((NIL NIL \"minutes\" \"CNRI.Reston.VA.US\")\
             (\"John Klensin\" NIL \"KLENSIN\" \"MIT.EDU\")) NIL NIL \
             \"<B27397-0100000@cac.washington.edu>\")"
        );
    }

    #[test]
    fn nothing_at_all() {
        assert_eq!(read(""), "(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)");
    }

    #[test]
    fn groups_and_quotes() {
        assert_eq!(
            read("Subject: a \"b\" \\c\r\n d\r\nTo: G:x@y;, root\r\nReply-To:\r\n"),
            "(NIL \"a \\\"b\\\" \\\\c d\" NIL NIL NIL ((NIL NIL \"G\" NIL)(NIL NIL \"x\" \"y\")(NIL NIL NIL NIL)(NIL NIL \"root\" \"\")) NIL NIL NIL NIL)"
        );
    }

    /// W15
    #[test]
    fn w15_envelope_is_7_bit() {
        assert_eq!(
            read("Subject: Größe\r\nFrom: Jürgen <ü@exämple.com>\r\n"),
            "(NIL \"=?utf-8?q?Gr=C3=B6=C3=9Fe?=\" ((\"=?utf-8?q?J=C3=BCrgen?=\" NIL \"=?utf-8?q?=C3=BC?=\" \"xn--exmple-cua.com\")) ((\"=?utf-8?q?J=C3=BCrgen?=\" NIL \"=?utf-8?q?=C3=BC?=\" \"xn--exmple-cua.com\")) ((\"=?utf-8?q?J=C3=BCrgen?=\" NIL \"=?utf-8?q?=C3=BC?=\" \"xn--exmple-cua.com\")) NIL NIL NIL NIL NIL)"
        );
    }

    proptest! {
        #[test]
        fn always_printable(section in proptest::collection::vec(any::<u8>(), 0..120)) {
            let mut with_names = b"Subject: ".to_vec();
            with_names.extend_from_slice(&section);
            with_names.extend_from_slice(b"\r\nFrom: ");
            with_names.extend_from_slice(&section);
            prop_assert!(render(&with_names).iter().all(|o| (32..127).contains(o)));
        }
    }
}
