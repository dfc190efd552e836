//! What is known of a message while it is judged: its entry at first, then its summary, header section and text, as far as they are
//! needed. Texts are decoded: transfer encodings, charsets, encoded words, folding (catalogue F9).

use super::criteria::{Criterion, fold};
use crate::listen::imap::connection::Connection;
use crate::listen::imap::failure::Failure;
use crate::listen::imap::state::Selected;
use ::message::text;
use ::store::MessageId;
use ::store::entry::{self, Content, Entry};
use imap::date::Date;
use std::collections::HashMap;

/// Decoded text of one message that is looked through.
const MAX_TEXT: usize = 16 * 1024 * 1024;

/// What is known of a message.
pub(super) struct Evidence<'a> {
    pub(super) entry: &'a Entry,
    content: Option<&'a Content>,
    header: Option<Vec<u8>>,
    /// The header section, decoded and folded.
    header_text: Option<String>,
    /// The text, decoded and folded.
    body_text: Option<String>,
}

impl<'a> Evidence<'a> {
    /// What the mailbox knows.
    pub(super) fn of_entry(entry: &'a Entry) -> Evidence<'a> {
        Evidence {
            entry,
            content: None,
            header: None,
            header_text: None,
            body_text: None,
        }
    }

    /// The day of the `Date` field, in its own zone; it stands in the summary's ENVELOPE.
    pub(super) fn sent(&self) -> Option<Option<Date>> {
        let envelope = &self.content?.summary.envelope;
        Some(date_of_envelope(envelope))
    }

    /// Does a field of this name contain a folded text?
    pub(super) fn field_contains(&self, name: &str, wanted: &str) -> Option<bool> {
        let header = self.header.as_ref()?;
        let values = text::field_texts(header, name);
        Some(values.iter().any(|value| fold(value).contains(wanted)))
    }

    /// Does the header section contain a folded text?
    pub(super) fn header_contains(&self, wanted: &str) -> Option<bool> {
        Some(self.header_text.as_ref()?.contains(wanted))
    }

    /// Does the text contain a folded text?
    pub(super) fn body_contains(&self, wanted: &str) -> Option<bool> {
        Some(self.body_text.as_ref()?.contains(wanted))
    }
}

/// Judges messages that their entries do not decide, by reading more of them.
pub(super) async fn decide(
    state: &Selected,
    connection: &Connection,
    criterion: &Criterion,
    entries: &[&Entry],
) -> Result<Vec<bool>, Failure> {
    let contents = contents(state, connection, entries).await?;
    let mut verdicts = Vec::with_capacity(entries.len());
    for entry in entries {
        verdicts.push(match contents.get(&entry.message) {
            Some(content) => decide_one(connection, criterion, entry, content).await?,
            None => false, // Expunged meanwhile.
        });
    }
    Ok(verdicts)
}

async fn contents(
    state: &Selected,
    connection: &Connection,
    entries: &[&Entry],
) -> Result<HashMap<MessageId, Content>, Failure> {
    let account = state.account.id();
    let messages: Vec<MessageId> = entries.iter().map(|entry| entry.message).collect();
    let read = connection
        .services
        .store
        .read(move |tx| entry::contents(tx, account, &messages));
    let contents = read.await?.into_iter();
    Ok(contents.map(|content| (content.message, content)).collect())
}

async fn decide_one(
    connection: &Connection,
    criterion: &Criterion,
    entry: &Entry,
    content: &Content,
) -> Result<bool, Failure> {
    let mut evidence = Evidence::of_entry(entry);
    evidence.content = Some(content);
    if let Some(verdict) = criterion.judge(&evidence) {
        return Ok(verdict);
    }
    let Some(header) = read(connection, content, u64::from(content.summary.header_size)).await?
    else {
        return Ok(false);
    };
    evidence.header_text = Some(fold(&text::header_text(&header)));
    evidence.header = Some(header);
    if let Some(verdict) = criterion.judge(&evidence) {
        return Ok(verdict);
    }
    let Some(octets) = read(connection, content, content.body.size).await? else {
        return Ok(false);
    };
    let summary = content.summary.clone();
    // Decoding a large message takes a while: not on a thread that serves others.
    let decoded =
        tokio::task::spawn_blocking(move || fold(&text::body_text(&summary, &octets, MAX_TEXT)));
    evidence.body_text = Some(decoded.await.unwrap_or_default());
    Ok(criterion.judge(&evidence).unwrap_or(false))
}

/// The first octets of a message; `None` if it was expunged meanwhile.
async fn read(
    connection: &Connection,
    content: &Content,
    length: u64,
) -> Result<Option<Vec<u8>>, Failure> {
    match connection
        .services
        .store
        .read_body(&content.body, 0, length)
        .await
    {
        Ok(octets) => Ok(Some(octets)),
        Err(::store::Error::Missing(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
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
