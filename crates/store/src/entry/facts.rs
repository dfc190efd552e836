//! What SORT, THREAD and SEARCH look at of a message. It stands in the summary, behind the part tree: that is passed over without being built, which is
//! most of what reading a summary costs.

use super::{InternalDate, summary};
use crate::body::BodyRef;
use crate::engine::params;
use crate::tx::Tx;
use crate::{AccountId, MailboxId, MessageId, Result, Uid, time};
use serde::Deserialize;
use serde::de::{Deserializer, SeqAccess, Visitor};
use std::fmt;
use std::marker::PhantomData;
use std::ops::{ControlFlow, RangeInclusive};

/// Of one message in a mailbox. Where nothing else is said, the fields are those of [`message::Summary`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Facts<'a> {
    /// Its number in the mailbox.
    pub uid: Uid,
    /// IMAP INTERNALDATE.
    pub internal_date: InternalDate,
    /// Where its octets are.
    pub body: BodyRef,
    /// Octets of the header section including the empty line.
    pub header_size: u32,
    /// ENVELOPE as IMAP sends it.
    pub envelope: &'a [u8],
    /// `Message-ID` without the angle brackets.
    pub message_id: Option<&'a str>,
    /// Ids of the messages before it in its thread, oldest first.
    pub references: Vec<&'a str>,
    /// Base subject (RFC 5256 §2.1), decoded.
    pub base_subject: &'a str,
    /// Seconds since 1970 of the `Date` field, if it could be read.
    pub sent: Option<i64>,
}

/// Hands over the facts of the messages with these UIDs, ascending.
pub(super) fn each(
    tx: &mut Tx<'_>,
    (account, mailbox): (AccountId, MailboxId),
    uids: RangeInclusive<u32>,
    each: &mut dyn FnMut(Facts<'_>),
) -> Result<()> {
    let context = tx.context;
    tx.each(
        "SELECT e.uid, e.internal_date, e.zone, e.message, c.summary, c.body, c.size FROM entry e \
         JOIN content c ON c.account = e.account AND c.message = e.message \
         WHERE e.account = $1 AND e.mailbox = $2 AND e.uid BETWEEN $3 AND $4 ORDER BY e.uid",
        params![account, mailbox, *uids.start(), *uids.end()],
        |row| {
            let (uid, message) = (Uid(row.number(0)?), MessageId::from_u128(row.id(3)?));
            let internal_date = InternalDate {
                time: time::from_seconds(row.int(1)?)?,
                zone: row.number(2)?,
            };
            let plain = summary::open(context, account, message, row.blob(4)?)?;
            let stored = summary::decode_facts(message, &plain)?;
            let body = BodyRef {
                hash: row.array(5)?,
                size: row.number(6)?,
            };
            each(stored.facts(uid, internal_date, body));
            Ok(ControlFlow::Continue(()))
        },
    )
}

/// The fields of a stored [`message::Summary`] as far as they are needed, in their order.
#[derive(Deserialize)]
pub(super) struct Stored<'a> {
    envelope: &'a [u8],
    _root: Option<Part<'a>>,
    header_size: u32,
    _size: u32,
    _preview: &'a str,
    message_id: Option<&'a str>,
    references: Vec<&'a str>,
    base_subject: &'a str,
    sent: Option<i64>,
}

impl<'a> Stored<'a> {
    fn facts(self, uid: Uid, internal_date: InternalDate, body: BodyRef) -> Facts<'a> {
        Facts {
            uid,
            internal_date,
            body,
            header_size: self.header_size,
            envelope: self.envelope,
            message_id: self.message_id,
            references: self.references,
            base_subject: self.base_subject,
            sent: self.sent,
        }
    }
}

/// The fields of [`message::Part`].
#[derive(Deserialize)]
struct Part<'a> {
    _type: (&'a str, &'a str),
    _params: Passed<(&'a str, &'a str)>,
    _id: Option<&'a str>,
    _description: Option<&'a str>,
    _encoding: &'a str,
    _md5: Option<&'a str>,
    _disposition: Option<(&'a str, Passed<(&'a str, &'a str)>)>,
    _language: Passed<&'a str>,
    _location: Option<&'a str>,
    _places: (u32, u32, u32, u32),
    _kind: Kind<'a>,
}

/// [`message::PartKind`].
#[derive(Deserialize)]
#[allow(dead_code, reason = "it is read to be passed over")]
enum Kind<'a> {
    Leaf,
    Multipart(Passed<Part<'a>>),
    Message(&'a [u8], Box<Part<'a>>),
}

/// A list that is read and not kept.
struct Passed<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Passed<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> std::result::Result<Self, D::Error> {
        from.deserialize_seq(Passed(PhantomData))
    }
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for Passed<T> {
    type Value = Passed<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> std::result::Result<Self, A::Error> {
        while list.next_element::<T>()?.is_some() {}
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A message with everything that a part can have, in each kind of part.
    const RICH: &[u8] = b"From: a@b\r\nSubject: Re: x\r\nMessage-ID: <m@x>\r\nReferences: <r1@x> <r2@x>\r\nDate: Wed, 17 Jul 1996 02:23:25 -0700\r\n\
        MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=o; charset=x\r\nContent-Language: de, en\r\n\r\n\
        --o\r\nContent-Type: text/plain; charset=utf-8; format=flowed\r\nContent-ID: <i@x>\r\nContent-Description: d\r\nContent-MD5: q\r\n\
        Content-Disposition: attachment; filename=f; size=3\r\nContent-Location: l\r\nContent-Language: de\r\n\r\nabc\r\n\
        --o\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner\r\nContent-Type: multipart/alternative; boundary=i\r\n\r\n\
        --i\r\n\r\none\r\n--i\r\nContent-Type: text/html\r\nContent-Transfer-Encoding: base64\r\n\r\ndHdv\r\n--i--\r\n\r\n--o--\r\n";

    fn summary(message: &[u8]) -> message::Summary {
        let mut scanner = message::Scanner::new();
        scanner.feed(message);
        scanner.finish()
    }

    /// What is read here is what reading all of it gives; and the octets on disk are those of a list of numbers, as they always were.
    #[test]
    fn facts_are_those_of_the_whole_summary() {
        for message in [RICH, b"", b"\r\n", b"Subject: plain\r\n\r\ntext\r\n"] {
            let whole = summary(message);
            let stored = postcard::to_stdvec(&whole).unwrap();
            let (read, _) = postcard::take_from_bytes::<Stored<'_>>(&stored).unwrap();
            let date = InternalDate::from(crate::Timestamp::UNIX_EPOCH);
            let body = BodyRef {
                hash: [7; 32],
                size: 1,
            };
            let expected = Facts {
                uid: Uid(1),
                internal_date: date,
                body: body.clone(),
                header_size: whole.header_size,
                envelope: &whole.envelope,
                message_id: whole.message_id.as_deref(),
                references: whole.references.iter().map(String::as_str).collect(),
                base_subject: &whole.base_subject,
                sent: whole.sent,
            };
            assert_eq!(read.facts(Uid(1), date, body), expected);
            let numbers = postcard::to_stdvec(&whole.envelope).unwrap();
            assert!(stored.starts_with(&numbers));
            assert_eq!(
                postcard::from_bytes::<message::Summary>(&stored).unwrap(),
                whole
            );
        }
    }
}
