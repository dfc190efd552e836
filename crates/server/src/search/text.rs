//! What of a message is searched (catalogue F9): header fields and text parts, decoded and folded.

use super::envelope;
use ::message::text;
use ::store::entry::Content;
use ::store::search::Text;
use ::store::{Result, Tx, body};

/// Decoded text of one message that is looked through.
pub(crate) const MAX_TEXT: usize = 16 * 1024 * 1024;
/// Messages with more text are not taken into the index: it would say of every search that they may match.
const MAX_INDEXED: usize = 2 * 1024 * 1024;

/// A text as it is compared: without case. Each character by itself, so that a piece of a text folds to a piece of the folded text.
/// An index holds folded texts: whoever changes this raises the format in `store::search`.
pub(crate) fn fold(text: &str) -> String {
    match text.is_ascii() {
        true => text.to_ascii_lowercase(),
        false => text.chars().flat_map(char::to_lowercase).collect(),
    }
}

/// Everything that a search could look for in a message, for the index.
pub(crate) fn indexed(tx: &mut Tx<'_>, content: &Content) -> Result<Text> {
    let (summary, size) = (&content.summary, content.body.size);
    let octets = body::read(tx, &content.body, 0..size)?;
    let head = usize::try_from(summary.header_size).unwrap_or(usize::MAX);
    let header = octets.get(..head).unwrap_or(&octets);
    let mut all = fold(&text::header_text(header));
    for field in envelope::texts(&summary.envelope) {
        all.push_str(&field);
        all.push('\n');
    }
    all.push_str(&fold(&text::body_text(summary, &octets, MAX_TEXT)));
    Ok(match all.len() <= MAX_INDEXED {
        true => Text::Folded(all),
        false => Text::TooLong,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// F9: final sigma is the one letter whose lower case depends on its neighbours.
    #[test]
    fn f09_pieces_fold_like_the_whole() {
        assert!(fold("ΟΔΟΣΑ").contains(&fold("ΟΔΟΣ")));
        assert_eq!(fold("Größe ÄÖÜ"), "größe äöü");
    }

    proptest! {
        #[test]
        fn folding_keeps_pieces(text in "\\PC{0,20}", at in 0usize..20, length in 0usize..20) {
            let piece: String = text.chars().skip(at).take(length).collect();
            prop_assert!(fold(&text).contains(&fold(&piece)));
        }
    }
}
