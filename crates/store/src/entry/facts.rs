//! What SORT and THREAD look at of a message. It stands in the summary, behind the part tree: that is passed over without being built, which is
//! most of what reading a summary costs.

use super::summary;
use crate::engine::params;
use crate::tx::Tx;
use crate::{AccountId, MessageId, Result};
use serde::Deserialize;
use serde::de::{Deserializer, SeqAccess, Visitor};
use std::fmt;
use std::marker::PhantomData;

/// Of one message. The fields are those of [`message::Summary`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Facts {
    /// Which message.
    pub message: MessageId,
    /// ENVELOPE as IMAP sends it.
    pub envelope: Vec<u8>,
    /// `Message-ID` without the angle brackets.
    pub message_id: Option<String>,
    /// Ids of the messages before it in its thread, oldest first.
    pub references: Vec<String>,
    /// Base subject (RFC 5256 §2.1), decoded.
    pub base_subject: String,
    /// Seconds since 1970 of the `Date` field, if it could be read.
    pub sent: Option<i64>,
}

/// What SORT and THREAD look at, of these messages; those that are gone are left out.
pub fn facts(tx: &mut Tx<'_>, account: AccountId, messages: &[MessageId]) -> Result<Vec<Facts>> {
    let mut found = Vec::with_capacity(messages.len());
    for message in messages {
        let stored = tx.one(
            "SELECT summary FROM content WHERE account = $1 AND message = $2",
            params![account, *message],
            |row| Ok(row.blob(0)?.to_vec()),
        )?;
        if let Some(stored) = stored {
            found.push(summary::decode_facts(tx, account, *message, &stored)?);
        }
    }
    Ok(found)
}

/// The fields of a stored [`message::Summary`] as far as they are needed, in their order.
#[derive(Deserialize)]
pub(super) struct Stored<'a> {
    envelope: &'a [u8],
    _root: Option<Part<'a>>,
    _header_size: u32,
    _size: u32,
    _preview: &'a str,
    message_id: Option<&'a str>,
    references: Vec<&'a str>,
    base_subject: &'a str,
    sent: Option<i64>,
}

impl Stored<'_> {
    pub(super) fn facts(self, message: MessageId) -> Facts {
        Facts {
            message,
            envelope: self.envelope.to_vec(),
            message_id: self.message_id.map(str::to_owned),
            references: self.references.into_iter().map(str::to_owned).collect(),
            base_subject: self.base_subject.to_owned(),
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
            let id = MessageId::from_u128(1);
            let expected = Facts {
                message: id,
                envelope: whole.envelope.clone(),
                message_id: whole.message_id.clone(),
                references: whole.references.clone(),
                base_subject: whole.base_subject.clone(),
                sent: whole.sent,
            };
            assert_eq!(read.facts(id), expected);
            let numbers = postcard::to_stdvec(&whole.envelope).unwrap();
            assert!(stored.starts_with(&numbers));
            assert_eq!(
                postcard::from_bytes::<message::Summary>(&stored).unwrap(),
                whole
            );
        }
    }
}
