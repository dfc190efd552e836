//! What is known of a message while it is judged: its entry at first, then its summary, header section and text, as far as they are
//! needed. Texts are decoded: transfer encodings, charsets, encoded words, folding (catalogue F9).

use super::criteria::{Criterion, fold};
use super::digest::{self, Kind, Named, Packs, Place, Texts};
use super::envelope;
use crate::listen::imap::object_id;
use crate::search::text::MAX_TEXT;
use ::message::text;
use ::store::entry::{self, Content, Entry};
use ::store::{AccountId, Result, Tx, body};
use imap::date::Date;
use imap::search::EnvelopeField;
use std::cell::OnceCell;

/// A message up to this size is read whole when its header section is wanted: its text may be wanted next.
const SMALL: u64 = 64 * 1024;
/// Octets read in one transaction, about: others wait for its connection.
const MAX_READ: u64 = 8 * 1024 * 1024;

/// What is known of a message.
pub(super) struct Evidence<'a> {
    pub(super) entry: &'a Entry,
    /// Texts of the envelope, all of them.
    texts: Option<&'a Texts<'a>>,
    /// Header fields that are often searched, all of them.
    named: Option<&'a Named<'a>>,
    /// ENVELOPE, as the summary keeps it.
    envelope: Option<Vec<u8>>,
    content: Option<&'a Content>,
    header: Option<Header>,
    /// The text, decoded and folded.
    body_text: Option<String>,
}

struct Header {
    octets: Vec<u8>,
    /// Decoded and folded, once that is asked for.
    text: OnceCell<String>,
}

impl<'a> Evidence<'a> {
    /// What the mailbox knows.
    pub(super) fn of_entry(entry: &'a Entry) -> Evidence<'a> {
        Evidence {
            entry,
            texts: None,
            named: None,
            envelope: None,
            content: None,
            header: None,
            body_text: None,
        }
    }

    /// The day of the `Date` field, in its own zone; it stands in the summary's ENVELOPE.
    pub(super) fn sent(&self) -> Option<Option<Date>> {
        Some(date_of_envelope(self.envelope.as_ref()?))
    }

    /// Its thread, as THREADID names it.
    pub(super) fn thread_id(&self) -> Option<String> {
        self.content.map(object_id::of_thread)
    }

    /// Does a field of the envelope contain a folded text?
    pub(super) fn envelope_contains(&self, field: EnvelopeField, wanted: &str) -> Option<bool> {
        if let Some(texts) = self.texts {
            return Some(texts.of(field).contains(wanted));
        }
        Some(envelope::contains(self.envelope.as_ref()?, field, wanted))
    }

    /// Does a field of this name contain a folded text?
    pub(super) fn field_contains(&self, name: &str, wanted: &str) -> Option<bool> {
        if let Some(known) = self.named.and_then(|named| named.contains(name, wanted)) {
            return Some(known);
        }
        let values = text::field_texts(&self.header.as_ref()?.octets, name);
        Some(values.iter().any(|value| fold(value).contains(wanted)))
    }

    /// Does the header section contain a folded text?
    pub(super) fn header_contains(&self, wanted: &str) -> Option<bool> {
        let header = self.header.as_ref()?;
        let text = header
            .text
            .get_or_init(|| fold(&text::header_text(&header.octets)));
        Some(text.contains(wanted))
    }

    /// Does the text contain a folded text?
    pub(super) fn body_contains(&self, wanted: &str) -> Option<bool> {
        Some(self.body_text.as_ref()?.contains(wanted))
    }
}

/// Judges messages by digests of this kind. `None`: these do not tell. The messages are of the mailbox in this place, ascending.
pub(super) fn decide_by_digests(
    tx: &mut Tx<'_>,
    place: Place,
    kind: Kind,
    criterion: &Criterion,
    entries: &[Entry],
) -> Result<(Vec<Option<bool>>, Packs)> {
    let uids = imap::encode::collect_ranges(entries.iter().map(|entry| entry.uid.0));
    let packs = digest::read(tx, place, kind, &uids)?;
    let mut verdicts = vec![None; entries.len()];
    let of = |uid: u32| entries.binary_search_by_key(&uid, |entry| entry.uid.0).ok();
    match kind {
        Kind::Fields => packs.each(|named: Named<'_>| {
            if let Some(at) = of(named.uid).filter(|_| named.whole) {
                let mut evidence = Evidence::of_entry(&entries[at]);
                evidence.named = Some(&named);
                verdicts[at] = criterion.judge(&evidence);
            }
        })?,
        _ => packs.each(|texts: Texts<'_>| {
            if let Some(at) = of(texts.uid).filter(|_| texts.whole) {
                let mut evidence = Evidence::of_entry(&entries[at]);
                evidence.texts = Some(&texts);
                verdicts[at] = criterion.judge(&evidence);
            }
        })?,
    }
    Ok((verdicts, packs))
}

/// Judges messages that their entries do not decide, by reading more of them. Where that becomes much, only the first ones: at least
/// one. Runs in a transaction, off the threads that serve clients.
pub(super) fn decide(
    tx: &mut Tx<'_>,
    account: AccountId,
    criterion: &Criterion,
    entries: &[Entry],
) -> Result<Vec<bool>> {
    let (mut verdicts, mut read) = (Vec::with_capacity(entries.len()), 0);
    for entry in entries {
        let verdict = decide_one(tx, account, criterion, entry, &mut read)?;
        verdicts.push(verdict.unwrap_or(false));
        if read > MAX_READ {
            break;
        }
    }
    Ok(verdicts)
}

/// Does a message match? `None`: it was expunged meanwhile.
fn decide_one(
    tx: &mut Tx<'_>,
    account: AccountId,
    criterion: &Criterion,
    entry: &Entry,
    read: &mut u64,
) -> Result<Option<bool>> {
    let mut evidence = Evidence::of_entry(entry);
    evidence.envelope = entry::envelope(tx, account, entry.message)?;
    if evidence.envelope.is_none() {
        return Ok(None);
    }
    if let Some(verdict) = criterion.judge(&evidence) {
        return Ok(Some(verdict));
    }
    let Some(content) = entry::contents(tx, account, &[entry.message])?.pop() else {
        return Ok(None);
    };
    evidence.content = Some(&content);
    if let Some(verdict) = criterion.judge(&evidence) {
        return Ok(Some(verdict));
    }
    let (summary, size) = (&content.summary, content.body.size);
    let head = u64::from(summary.header_size).min(size);
    let mut octets = body::read(
        tx,
        &content.body,
        0..if size <= SMALL { size } else { head },
    )?;
    *read += octets.len() as u64;
    let header = octets.get(..head as usize).unwrap_or_default();
    evidence.header = Some(Header {
        octets: header.to_vec(),
        text: OnceCell::new(),
    });
    if let Some(verdict) = criterion.judge(&evidence) {
        return Ok(Some(verdict));
    }
    if (octets.len() as u64) < size {
        octets = body::read(tx, &content.body, 0..size)?;
        *read += size;
    }
    evidence.body_text = Some(fold(&text::body_text(summary, &octets, MAX_TEXT)));
    Ok(criterion.judge(&evidence))
}

/// The date in `("Wed, 17 Jul 1996 02:23:25 -0700" …)`.
fn date_of_envelope(envelope: &[u8]) -> Option<Date> {
    let quoted = envelope.strip_prefix(b"(\"")?;
    let end = quoted.iter().position(|octet| *octet == b'"')?;
    Date::of_header_field(std::str::from_utf8(&quoted[..end]).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_date_is_the_first_of_the_envelope() {
        let date = date_of_envelope(b"(\"Wed, 17 Jul 1996 23:23:25 -0700\" \"x\" NIL)");
        assert_eq!(date, Date::new(1996, 7, 17));
        assert_eq!(date_of_envelope(b"(NIL \"1 Jan 2020\")"), None);
    }
}
