//! ENVELOPE as IMAP sends it (RFC 3501 §7.4.2), rendered once when a message arrives.
//!
//! 7-bit (W15): raw 8-bit octets become encoded words, international domains A-labels. Everything fits quoted strings, since
//! unfolded values hold no line ends.

use crate::address_list::{self, Item, Mailbox};
use crate::header::{self, Field};
use crate::{address, charset, encoded_word};
use std::borrow::Cow;

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
        let value = field.value;
        match field.name.len() {
            2 if field.is("to") => self.to.push(value),
            2 if field.is("cc") => self.cc.push(value),
            3 if field.is("bcc") => self.bcc.push(value),
            4 if field.is("from") => self.from.push(value),
            4 if field.is("date") => first(&mut self.date, value),
            6 if field.is("sender") => self.sender.push(value),
            7 if field.is("subject") => first(&mut self.subject, value),
            8 if field.is("reply-to") => self.reply_to.push(value),
            10 if field.is("message-id") => first(&mut self.message_id, value),
            11 if field.is("in-reply-to") => first(&mut self.in_reply_to, value),
            _ => {}
        }
    }

    fn render(&self) -> Vec<u8> {
        let from = addresses(&self.from);
        let mut out = Vec::with_capacity(512);
        out.push(b'(');
        string(&mut out, self.date);
        string(&mut out, self.subject);
        out.extend_from_slice(&from);
        // RFC 3501 §7.4.2: where these are absent or empty, From stands in their place.
        for values in [&self.sender, &self.reply_to] {
            match addresses(values) {
                nobody if nobody == NIL => out.extend_from_slice(&from),
                somebody => out.extend_from_slice(&somebody),
            }
        }
        for values in [&self.to, &self.cc, &self.bcc] {
            out.extend_from_slice(&addresses(values));
        }
        string(&mut out, self.in_reply_to);
        string(&mut out, self.message_id);
        out.pop();
        out.push(b')');
        out
    }
}

/// What stands in the place of a field that is not there, with the blank before the next.
const NIL: &[u8] = b"NIL ";

fn first<'a>(slot: &mut Option<&'a [u8]>, value: &'a [u8]) {
    slot.get_or_insert(value);
}

fn string(out: &mut Vec<u8>, value: Option<&[u8]>) {
    match value {
        None => out.extend_from_slice(NIL),
        Some(value) => {
            quoted(out, &encoded_word::encode(&header::unfold(value)));
            out.push(b' ');
        }
    }
}

fn addresses(values: &[&[u8]]) -> Vec<u8> {
    let mut out = vec![b'('];
    for item in values.iter().flat_map(|value| address_list::parse(value)) {
        match item {
            Item::Mailbox(mailbox) => mailbox_tuple(&mut out, &mailbox),
            Item::GroupStart(name) => {
                out.extend_from_slice(b"(NIL NIL ");
                quoted(&mut out, &encoded_word::encode(&name));
                out.extend_from_slice(b" NIL)");
            }
            Item::GroupEnd => out.extend_from_slice(b"(NIL NIL NIL NIL)"),
        }
    }
    if out.len() == 1 {
        return NIL.to_vec();
    }
    out.extend_from_slice(b") ");
    out
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

fn host(domain: &[u8]) -> Cow<'_, [u8]> {
    if domain.is_ascii() {
        return encoded_word::encode(domain);
    }
    match address::parse_domain(&charset::guess(domain)) {
        Ok(ascii) => Cow::Owned(ascii.into_bytes()),
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
