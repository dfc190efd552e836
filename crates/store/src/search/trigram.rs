//! Three-character pieces of a text, and which of them a search asks for.

/// Characters of the shortest text that trigrams can find.
pub const MIN_CHARS: usize = 3;
/// Trigrams asked for at most. More would narrow the answer a little and cost as much each.
const MOST: usize = 6;

/// Can the index find this text?
pub fn is_searchable(text: &str) -> bool {
    text.chars().nth(MIN_CHARS - 1).is_some() && !text.contains('\0')
}

/// Some of the text's trigrams, spread over it, as FTS5 asks for messages that have all of them: `"abc" AND "def"`.
pub(super) fn all_of(text: &str) -> String {
    let quoted = |trigram: &String| format!("\"{}\"", trigram.replace('"', "\"\""));
    let chosen: Vec<String> = chosen(text).iter().map(quoted).collect();
    chosen.join(" AND ")
}

fn chosen(text: &str) -> Vec<String> {
    let characters: Vec<char> = text.chars().collect();
    let mut all: Vec<String> = characters
        .windows(MIN_CHARS)
        .map(|window| window.iter().collect())
        .collect();
    if all.len() > MOST {
        let last = all.len() - 1;
        let spread = (0..MOST).map(|n| n * last / (MOST - 1));
        all = spread.map(|at| all[at].clone()).collect();
    }
    all.sort();
    all.dedup();
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_texts_cannot_be_found() {
        assert!(!is_searchable("ab") && !is_searchable("ße") && !is_searchable("ab\0"));
        assert!(is_searchable("abc") && is_searchable("größe"));
    }

    #[test]
    fn trigrams_are_quoted_and_spread() {
        assert_eq!(all_of("abc"), "\"abc\"");
        assert_eq!(all_of("a\"bc"), "\"\"\"bc\" AND \"a\"\"b\"");
        assert_eq!(all_of("größe").matches(" AND ").count(), 2);
        assert_eq!(chosen("abcdefghijklmnopqrstuvwxyz0123456789").len(), MOST);
        let long = chosen("the quick brown fox jumps");
        assert!(long.contains(&"the".to_owned()) && long.contains(&"mps".to_owned()));
    }
}
