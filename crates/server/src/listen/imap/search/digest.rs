//! Digests of a mailbox (`store::entry::Digest`): what SORT, THREAD and SEARCH look at of its messages, worked out once and kept packed, so
//! that looking at all messages reads a few rows. Where a digest is missing it is made of the stored summaries, that of header fields of the
//! header sections, and kept if that pays.

use super::criteria::fold;
use super::envelope::Fields;
use crate::Services;
use ::message::text;
use ::store::entry::{self, BLOCK, Digest, Facts, block_of, id_hash, uids_of};
use ::store::{AccountId, Error, MailboxId, Result, Tx, Uid, body};
use imap::search::EnvelopeField;
use serde::{Deserialize, Serialize};
use std::ops::RangeInclusive;

/// Fewer messages are read as they are: a block is worth making for this many.
const WORTH: usize = 32;
/// So many new messages, and a block is made anew.
const NEW: usize = 64;
/// Octets of texts that are packed of one message.
const MAX_TEXTS: usize = 8 * 1024;

/// A mailbox of an account.
pub(super) type Place = (AccountId, MailboxId);

/// What a pack is for. The numbers are in the store: whoever changes the form of rows, or how texts are folded, takes new ones.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    /// Of [`Order`] rows.
    Order = 1,
    /// Of [`Names`] rows.
    Names = 2,
    /// Of [`Texts`] rows.
    Texts = 3,
    /// Of [`Named`] rows. Header sections are read for them.
    Fields = 4,
}

/// What is sorted and threaded by: dates, subjects, references.
#[derive(Serialize, Deserialize, PartialEq, Eq, Debug)]
pub(super) struct Order<'a> {
    pub(super) uid: u32,
    /// The sent date in seconds since 1970: of a message that does not tell, when it came (RFC 5256 §2.2).
    pub(super) sent: i64,
    /// The base subject, folded.
    pub(super) subject: &'a str,
    /// The subject is one of a reply or a forwarded message.
    pub(super) is_reply: bool,
    /// A hash of the Message-ID.
    pub(super) id: Option<u64>,
    /// Hashes of the ids before it in its thread, eight octets each.
    references: &'a [u8],
}

impl Order<'_> {
    /// Hashes of the ids of the messages before it in its thread, oldest first.
    pub(super) fn references(&self) -> Vec<u64> {
        let (hashes, _) = self.references.as_chunks();
        hashes.iter().copied().map(u64::from_be_bytes).collect()
    }
}

/// First mailboxes and names of address fields, folded (RFC 5256 §3, RFC 5957).
#[derive(Serialize, Deserialize, PartialEq, Eq, Debug)]
pub(super) struct Names<'a> {
    pub(super) uid: u32,
    pub(super) from: &'a str,
    pub(super) to: &'a str,
    pub(super) cc: &'a str,
    pub(super) shown_from: &'a str,
    pub(super) shown_to: &'a str,
}

/// Texts of the envelope as they are searched.
#[derive(Serialize, Deserialize, PartialEq, Eq, Debug)]
pub(super) struct Texts<'a> {
    pub(super) uid: u32,
    /// They are all here. Of a message with very long ones they are not.
    pub(super) whole: bool,
    subject: &'a str,
    from: &'a str,
    to: &'a str,
    cc: &'a str,
    bcc: &'a str,
}

impl Texts<'_> {
    /// The folded text of a field.
    pub(super) fn of(&self, field: EnvelopeField) -> &str {
        match field {
            EnvelopeField::Subject => self.subject,
            EnvelopeField::From => self.from,
            EnvelopeField::To => self.to,
            EnvelopeField::Cc => self.cc,
            EnvelopeField::Bcc => self.bcc,
        }
    }
}

/// Header fields that are packed once one of them was searched.
const NAMED: [&str; 10] = [
    "message-id",
    "in-reply-to",
    "references",
    "subject",
    "from",
    "to",
    "cc",
    "reply-to",
    "list-id",
    "delivered-to",
];

/// Is a header field of this name packed?
pub(super) fn is_packed(name: &str) -> bool {
    NAMED.iter().any(|packed| packed.eq_ignore_ascii_case(name))
}

/// Header fields as they are searched.
#[derive(Serialize, Deserialize, PartialEq, Eq, Debug)]
pub(super) struct Named<'a> {
    pub(super) uid: u32,
    /// They are all here. Of a message with very long ones they are not.
    pub(super) whole: bool,
    /// In the order of [`NAMED`]: the folded values of all fields of this name, one a line; nothing where there is no such field.
    #[serde(borrow)]
    texts: [Option<&'a str>; NAMED.len()],
}

impl Named<'_> {
    /// Does a field of this name contain a folded text? `None`: such fields are not packed.
    pub(super) fn contains(&self, name: &str, wanted: &str) -> Option<bool> {
        let place = NAMED
            .iter()
            .position(|packed| packed.eq_ignore_ascii_case(name))?;
        let holds = |text: &str| text.lines().any(|value| value.contains(wanted));
        // A field may be there and have no text.
        Some(self.texts[place].is_some_and(|text| wanted.is_empty() || holds(text)))
    }
}

/// Packs of one kind, and what of them was made just now and is to be kept.
#[derive(Default)]
pub(super) struct Packs {
    packs: Vec<Vec<u8>>,
    made: Vec<(Digest, usize)>,
}

impl Packs {
    /// Hands over the rows: of the messages that were asked for, and of others of their blocks.
    pub(super) fn each<'a, R: Deserialize<'a>>(&'a self, mut each: impl FnMut(R)) -> Result<()> {
        let unreadable = |_| Error::Corrupt("a digest of a mailbox is unreadable".into());
        for mut rest in self.packs.iter().map(Vec::as_slice) {
            while !rest.is_empty() {
                let (row, behind) = postcard::take_from_bytes(rest).map_err(unreadable)?;
                each(row);
                rest = behind;
            }
        }
        Ok(())
    }

    /// Keeps in the store what was made. Without it the next search makes it once more: a failure is no fault of this one.
    pub(super) async fn keep(&mut self, services: &Services, place: Place) {
        let made = std::mem::take(&mut self.made);
        if made.is_empty() {
            return;
        }
        let kept = services
            .store
            .write_unsynced(move |tx| entry::keep_digests(tx, place, &made));
        if let Err(error) = kept.await {
            tracing::debug!(%error, "digests of a mailbox are not kept");
        }
    }

    /// Takes a block that was made.
    fn take(&mut self, kind: Kind, made: Made) {
        let (block, through, messages) = (made.block, Uid(made.through), made.messages);
        for (of, octets) in made.packs {
            if of == kind {
                self.packs.push(octets.clone());
            }
            let digest = Digest {
                block,
                kind: of as u8,
                through,
                octets,
            };
            // Where they are fewer than was thought, some went meanwhile.
            if messages >= WORTH {
                self.made.push((digest, messages));
            }
        }
    }
}

/// The packs of messages with these UIDs, which are ascending ranges of messages that are there.
pub(super) fn read(
    tx: &mut Tx<'_>,
    place: Place,
    kind: Kind,
    uids: &[RangeInclusive<u32>],
) -> Result<Packs> {
    let mut packs = Packs::default();
    let wanted = by_block(uids);
    for neighbours in wanted.chunk_by(|one, next| one.block + 1 == next.block) {
        let (Some(first), Some(last)) = (neighbours.first(), neighbours.last()) else {
            continue;
        };
        let mut stored = entry::digests(tx, place, kind as u8, first.block..=last.block)?
            .into_iter()
            .peekable();
        for wanted in neighbours {
            let known = stored.next_if(|digest| digest.block == wanted.block);
            add_block(tx, place, kind, wanted, known, &mut packs)?;
        }
    }
    Ok(packs)
}

/// Adds the pack of one block.
fn add_block(
    tx: &mut Tx<'_>,
    place: Place,
    kind: Kind,
    wanted: &Wanted,
    known: Option<Digest>,
    packs: &mut Packs,
) -> Result<()> {
    let all = uids_of(wanted.block);
    match known {
        Some(known) if known.through.0 >= wanted.last() => packs.packs.push(known.octets),
        Some(known) => {
            let newer = known.through.0 + 1..=*all.end();
            let newer = Made::of(tx, place, kind, wanted.block, [newer])?;
            if newer.messages < NEW {
                packs.packs.extend([known.octets, newer.pack(kind)]);
            } else {
                packs.take(kind, Made::of(tx, place, kind, wanted.block, [all])?);
            }
        }
        None if wanted.messages < WORTH => {
            let some = Made::of(tx, place, kind, wanted.block, wanted.uids.iter().cloned())?;
            packs.packs.push(some.pack(kind));
        }
        None => packs.take(kind, Made::of(tx, place, kind, wanted.block, [all])?),
    }
    Ok(())
}

/// What is wanted of a block.
struct Wanted {
    block: u32,
    uids: Vec<RangeInclusive<u32>>,
    messages: usize,
}

impl Wanted {
    fn last(&self) -> u32 {
        self.uids.last().map_or(0, |range| *range.end())
    }
}

/// Ascending ranges cut at the limits of blocks.
fn by_block(uids: &[RangeInclusive<u32>]) -> Vec<Wanted> {
    let mut blocks: Vec<Wanted> = Vec::new();
    for range in uids {
        for block in block_of(*range.start())..=block_of(*range.end()) {
            let all = uids_of(block);
            let part = *range.start().max(all.start())..=*range.end().min(all.end());
            let messages = (part.end() - part.start()) as usize + 1;
            match blocks.last_mut() {
                Some(last) if last.block == block => {
                    last.uids.push(part);
                    last.messages += messages;
                }
                _ => blocks.push(Wanted {
                    block,
                    uids: vec![part],
                    messages,
                }),
            }
        }
    }
    blocks
}

/// Rows of a block, or a part of it, in the packs that are made together.
struct Made {
    block: u32,
    /// The last message of it.
    through: u32,
    messages: usize,
    packs: Vec<(Kind, Vec<u8>)>,
}

impl Made {
    fn of(
        tx: &mut Tx<'_>,
        place: Place,
        kind: Kind,
        block: u32,
        uids: impl IntoIterator<Item = RangeInclusive<u32>>,
    ) -> Result<Made> {
        let mut made = Made {
            block,
            through: block.saturating_mul(BLOCK),
            messages: 0,
            packs: Vec::new(),
        };
        let encoded = match kind {
            Kind::Fields => made.read_headers(tx, place, uids)?,
            Kind::Order | Kind::Names | Kind::Texts => made.read_summaries(tx, place, uids)?,
        };
        let failed = |error| Error::Bug(format!("a digest cannot be encoded: {error}"));
        encoded.map(|()| made).map_err(failed)
    }

    fn pack(self, kind: Kind) -> Vec<u8> {
        let mut packs = self.packs.into_iter();
        let found = packs.find(|(of, _)| *of == kind);
        found.map_or_else(Vec::new, |(_, pack)| pack)
    }

    /// The packs of what summaries tell.
    fn read_summaries(
        &mut self,
        tx: &mut Tx<'_>,
        place: Place,
        uids: impl IntoIterator<Item = RangeInclusive<u32>>,
    ) -> Result<postcard::Result<()>> {
        let (mut order, mut names, mut texts) = (Vec::new(), Vec::new(), Vec::new());
        let mut encoded = Ok(());
        for range in uids {
            entry::each_fact(tx, place, range, &mut |facts| {
                (self.through, self.messages) = (facts.uid.0, self.messages + 1);
                let fields = Fields::of(facts.envelope);
                let added = append_order(&mut order, &facts, &fields)
                    .and_then(|()| append_names(&mut names, facts.uid, &fields))
                    .and_then(|()| append_texts(&mut texts, facts.uid, &fields));
                if encoded.is_ok() {
                    encoded = added;
                }
            })?;
        }
        self.packs = vec![
            (Kind::Order, order),
            (Kind::Names, names),
            (Kind::Texts, texts),
        ];
        Ok(encoded)
    }

    /// The pack of header fields.
    fn read_headers(
        &mut self,
        tx: &mut Tx<'_>,
        place: Place,
        uids: impl IntoIterator<Item = RangeInclusive<u32>>,
    ) -> Result<postcard::Result<()>> {
        let mut messages = Vec::new();
        for range in uids {
            entry::each_fact(tx, place, range, &mut |facts| {
                messages.push((facts.uid, facts.body, u64::from(facts.header_size)));
            })?;
        }
        let (mut pack, mut encoded) = (Vec::new(), Ok(()));
        for (uid, body, head) in messages {
            (self.through, self.messages) = (uid.0, self.messages + 1);
            let header = body::read(tx, &body, 0..head.min(body.size))?;
            encoded = encoded.and(append_fields(&mut pack, uid, &header));
        }
        self.packs = vec![(Kind::Fields, pack)];
        Ok(encoded)
    }
}

fn append_order(pack: &mut Vec<u8>, facts: &Facts<'_>, fields: &Fields) -> postcard::Result<()> {
    let arrival = facts.internal_date.time.as_second();
    let hashes = facts.references.iter().map(|id| id_hash(id).to_be_bytes());
    let order = Order {
        uid: facts.uid.0,
        sent: facts.sent.unwrap_or(arrival),
        subject: &fold(facts.base_subject),
        is_reply: ::message::subject::is_reply(fields.subject()),
        id: facts.message_id.map(id_hash),
        references: &hashes.collect::<Vec<_>>().concat(),
    };
    append(pack, &order)
}

fn append_names(pack: &mut Vec<u8>, uid: Uid, fields: &Fields) -> postcard::Result<()> {
    use EnvelopeField::{Cc, From, To};
    let names = Names {
        uid: uid.0,
        from: &fields.first_mailbox(From),
        to: &fields.first_mailbox(To),
        cc: &fields.first_mailbox(Cc),
        shown_from: &fields.first_display(From),
        shown_to: &fields.first_display(To),
    };
    append(pack, &names)
}

fn append_texts(pack: &mut Vec<u8>, uid: Uid, fields: &Fields) -> postcard::Result<()> {
    use EnvelopeField::{Bcc, Cc, From, Subject, To};
    let mut texts = [Subject, From, To, Cc, Bcc].map(|field| fields.text(field));
    let whole = texts.iter().map(String::len).sum::<usize>() <= MAX_TEXTS;
    if !whole {
        texts = Default::default();
    }
    let [subject, from, to, cc, bcc] = &texts;
    let texts = Texts {
        uid: uid.0,
        whole,
        subject,
        from,
        to,
        cc,
        bcc,
    };
    append(pack, &texts)
}

fn append_fields(pack: &mut Vec<u8>, uid: Uid, header: &[u8]) -> postcard::Result<()> {
    let mut clear = true;
    let mut texts = NAMED.map(|name| {
        let values = text::field_texts(header, name);
        let folded: Vec<String> = values.iter().map(|value| fold(value)).collect();
        // Encoded words may hold line ends, which here part one field from the next.
        clear &= !folded.iter().any(|value| value.contains(['\r', '\n']));
        (!folded.is_empty()).then(|| folded.join("\n"))
    });
    let size: usize = texts.iter().flatten().map(String::len).sum();
    let whole = clear && size <= MAX_TEXTS;
    if !whole {
        texts = Default::default();
    }
    let named = Named {
        uid: uid.0,
        whole,
        texts: texts.each_ref().map(Option::as_deref),
    };
    append(pack, &named)
}

fn append(pack: &mut Vec<u8>, row: &impl Serialize) -> postcard::Result<()> {
    *pack = postcard::to_extend(row, std::mem::take(pack))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_cut_at_blocks() {
        let wanted = by_block(&[1..=2, 5..=5, 250..=513, 1000..=1000]);
        let shown: Vec<_> = wanted
            .iter()
            .map(|wanted| (wanted.block, wanted.uids.clone(), wanted.messages))
            .collect();
        let expected = [
            (0, vec![1..=2, 5..=5, 250..=255], 9),
            (1, vec![256..=511], 256),
            (2, vec![512..=513], 2),
            (3, vec![1000..=1000], 1),
        ];
        assert_eq!(shown, expected);
        assert_eq!(by_block(&[u32::MAX..=u32::MAX])[0].last(), u32::MAX);
    }

    /// F9: each field by itself, as it is decoded; a field without text is there.
    #[test]
    fn header_fields_are_packed_as_they_are_searched() {
        let header = b"Message-ID: <one@x>\r\nMESSAGE-ID:\r\n <two@x>\r\nSubject: =?utf-8?Q?Gr=C3=B6=C3=9Fe?=\r\nCc:\r\n\r\n";
        let mut pack = Vec::new();
        append_fields(&mut pack, Uid(7), header).unwrap();
        let named: Named<'_> = postcard::from_bytes(&pack).unwrap();
        let holds = |name, wanted| named.contains(name, &fold(wanted));
        assert_eq!(holds("Message-Id", "two"), Some(true));
        assert_eq!(holds("message-id", "<one@x>"), Some(true));
        assert_eq!(holds("message-id", "x><"), Some(false));
        assert_eq!(holds("subject", "größe"), Some(true));
        assert_eq!(
            (holds("cc", ""), holds("to", "")),
            (Some(true), Some(false))
        );
        assert_eq!(holds("x-serial", ""), None);
        let long = format!("To: {}\r\n\r\n", "a".repeat(MAX_TEXTS + 1));
        let mut pack = Vec::new();
        append_fields(&mut pack, Uid(8), long.as_bytes()).unwrap();
        assert!(!postcard::from_bytes::<Named<'_>>(&pack).unwrap().whole);
    }

    #[test]
    fn rows_are_read_back() {
        let row = |uid| Order {
            uid,
            sent: -5,
            subject: "X",
            is_reply: true,
            id: Some(u64::MAX),
            references: &[0, 0, 0, 0, 0, 0, 0, 7],
        };
        let mut packs = Packs::default();
        for uids in [[1, 2], [8, 300]] {
            let mut pack = Vec::new();
            uids.iter()
                .for_each(|uid| append(&mut pack, &row(*uid)).unwrap());
            packs.packs.push(pack);
        }
        let mut uids = Vec::new();
        let read = packs.each(|read: Order<'_>| {
            assert_eq!(read, row(read.uid));
            assert_eq!(read.references(), [7]);
            uids.push(read.uid);
        });
        read.unwrap();
        assert_eq!(uids, [1, 2, 8, 300]);
        packs.packs.push(vec![255]);
        assert!(packs.each(|_: Order<'_>| {}).is_err());
    }
}
