//! What of a message is searched (catalogue F9): header fields and text parts, decoded and folded.

use super::envelope;
use ::message::text;
use ::store::entry::Content;
use ::store::search::Text;
use ::store::{Result, Tx, body};
use unicode_normalization::char::decompose_compatible;

/// Decoded text of one message that is looked through.
pub(crate) const MAX_TEXT: usize = 16 * 1024 * 1024;
/// Messages with more text are not taken into the index: it would say of every search that they may match.
const MAX_INDEXED: usize = 2 * 1024 * 1024;

/// A text as it is compared: as `i;unicode-casemap` has it (RFC 5051), which is I18NLEVEL=1 (RFC 5255 §4.2). Each character by itself, so
/// that a piece of a text folds to a piece of the folded text.
/// An index holds folded texts: whoever changes this raises the format in `store::search`.
pub(crate) fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_uppercase();
    }
    let mut folded = String::with_capacity(text.len() + text.len() / 4);
    for character in text.chars() {
        match titlecase(character) {
            ascii if ascii.is_ascii() => folded.push(ascii),
            // Syllables of Hangul have no decomposition of their own in the table that RFC 5051 §2 names.
            syllable @ '\u{AC00}'..='\u{D7A3}' => folded.push(syllable),
            other => decompose_compatible(other, |piece| folded.push(piece)),
        }
    }
    folded
}

/// The simple titlecase mapping of Unicode, of which `char` knows the upper case: they differ in digraphs, Georgian, and Greek letters
/// with an iota below.
fn titlecase(character: char) -> char {
    match character {
        '\u{1C4}'..='\u{1C6}' => '\u{1C5}',
        '\u{1C7}'..='\u{1C9}' => '\u{1C8}',
        '\u{1CA}'..='\u{1CC}' => '\u{1CB}',
        '\u{1F1}'..='\u{1F3}' => '\u{1F2}',
        '\u{10D0}'..='\u{10FF}' => character,
        '\u{1F80}'..='\u{1F87}' | '\u{1F90}'..='\u{1F97}' | '\u{1FA0}'..='\u{1FA7}' => {
            char::from_u32(character as u32 + 8).unwrap_or(character)
        }
        '\u{1FB3}' | '\u{1FC3}' | '\u{1FF3}' => {
            char::from_u32(character as u32 + 9).unwrap_or(character)
        }
        _ => {
            let mut upper = character.to_uppercase();
            match (upper.next(), upper.next()) {
                (Some(one), None) => one,
                // What becomes several letters has no simple mapping: `ß` stays.
                _ => character,
            }
        }
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
        assert!(fold("ΟΔΟΣΑ").contains(&fold("οδος")));
        assert_eq!(fold("Größe"), "GRO\u{308}ßE");
    }

    /// RFC 5051 §2: titlecase, then decomposition; composed or not, small or not, a text is the same.
    #[test]
    fn rfc5051_casemap() {
        let alike = [
            ("ÄÖÜ é", "äöü e\u{301}"),
            ("\u{1C4}", "\u{1C6}"),
            ("\u{1F80}", "\u{1F88}"),
            ("\u{1FB3}", "\u{1FBC}"),
            ("ſ", "s"),
            ("Å", "\u{212B}"),
            ("ΟΔΟΣ", "οδος"),
            ("Привет", "ПРИВЕТ"),
        ];
        for (one, other) in alike {
            assert_eq!(fold(one), fold(other), "{one} {other}");
        }
        // A syllable is not found in another that begins like it.
        assert!(!fold("한").contains(&fold("하")));
        assert_ne!(fold("ß"), fold("ss"));
        assert_eq!(fold("a_B"), "A_B");
    }

    proptest! {
        #[test]
        fn folding_keeps_pieces(text in "\\PC{0,20}", at in 0usize..20, length in 0usize..20) {
            let piece: String = text.chars().skip(at).take(length).collect();
            prop_assert!(fold(&text).contains(&fold(&piece)));
        }
    }
}
