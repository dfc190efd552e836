//! The base subject, by which threads and sorting compare (RFC 5256 §2.1).

use crate::encoded_word;

/// The base subject of an unfolded Subject value: decoded, without `Re:`, `Fwd:`, `[list]` and `(fwd)`.
pub(crate) fn base(value: &[u8]) -> String {
    stripped(&one_line(value)).0.to_owned()
}

/// Is it the subject of a reply or a forwarded message: does more than `[list]` go to make the base subject (RFC 5256 §2.1)?
pub fn is_reply(value: &[u8]) -> bool {
    stripped(&one_line(value)).1
}

/// Step 1: decoded, on one line, with single blanks.
fn one_line(value: &[u8]) -> String {
    let decoded = encoded_word::decode(value);
    let words: Vec<&str> = decoded.split_whitespace().collect();
    words.join(" ")
}

/// The base subject, and whether anything told of a reply or a forwarded message.
fn stripped(text: &str) -> (&str, bool) {
    let (mut rest, mut reply) = (text, false);
    loop {
        let shorter = without_trailers(rest);
        reply |= shorter.len() < rest.trim_end().len();
        rest = shorter;
        let before = rest.len();
        loop {
            rest = match (without_leader(rest), without_blob(rest)) {
                (Some(shorter), _) => {
                    reply = true;
                    shorter
                }
                (None, Some(shorter)) => shorter,
                (None, None) => break,
            };
        }
        match forwarded(rest) {
            Some(inner) => (rest, reply) = (inner, true),
            None if rest.len() == before => return (rest, reply),
            None => {}
        }
    }
}

/// Step 2: `(fwd)` and blanks at the end.
fn without_trailers(mut text: &str) -> &str {
    loop {
        text = text.trim_end();
        match strip_suffix(text, "(fwd)") {
            Some(shorter) => text = shorter,
            None => return text,
        }
    }
}

/// Step 3: `[blob] re [blob]:` at the front.
fn without_leader(text: &str) -> Option<&str> {
    let mut rest = text.trim_start();
    while let Some((_, after)) = blob(rest) {
        rest = after;
    }
    let word = ["re", "fwd", "fw"]
        .iter()
        .find_map(|word| strip_prefix(rest, word))?;
    let word = word.trim_start();
    let word = blob(word).map_or(word, |(_, after)| after);
    word.strip_prefix(':').map(str::trim_start)
}

/// Step 4: a `[blob]` at the front, unless nothing would be left.
fn without_blob(text: &str) -> Option<&str> {
    let (_, rest) = blob(text)?;
    (!rest.is_empty()).then_some(rest)
}

/// `[text]` and the blanks behind it.
fn blob(text: &str) -> Option<(&str, &str)> {
    let inner = text.strip_prefix('[')?;
    let end = inner.find(['[', ']'])?;
    let rest = inner[end..].strip_prefix(']')?;
    Some((&inner[..end], rest.trim_start()))
}

/// Step 6: `[fwd: subject]`.
fn forwarded(text: &str) -> Option<&str> {
    strip_prefix(text, "[fwd:")?
        .strip_suffix(']')
        .map(str::trim)
}

fn strip_prefix<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let head = text.get(..prefix.len())?;
    head.eq_ignore_ascii_case(prefix)
        .then(|| &text[prefix.len()..])
}

fn strip_suffix<'a>(text: &'a str, suffix: &str) -> Option<&'a str> {
    let start = text.len().checked_sub(suffix.len())?;
    let tail = text.get(start..)?;
    tail.eq_ignore_ascii_case(suffix).then(|| &text[..start])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn rfc5256_section_2_1() {
        for (subject, expected) in [
            ("Re: Hello", "Hello"),
            ("RE : re:\tFwd: Hello   you (fwd) (FWD) ", "Hello you"),
            ("[list] Re[2]: Hello", "Hello"),
            ("[a][b] Fw: [c] Hello", "Hello"),
            ("[only]", "[only]"),
            ("[Fwd: Re: Hello]", "Hello"),
            ("Re: [Fwd: [x] Hello (fwd)]", "Hello"),
            ("=?utf-8?q?Re:_Gr=C3=B6=C3=9Fe?=", "Größe"),
            ("Remember", "Remember"),
            ("", ""),
            ("Re:", ""),
            ("[a", "[a"),
        ] {
            assert_eq!(base(subject.as_bytes()), expected, "{subject}");
        }
    }

    #[test]
    fn replies_and_forwarded_messages() {
        for reply in [
            "Re: x",
            "[list] Re[2]: x",
            "x (fwd)",
            "[Fwd: x]",
            "Fw: x",
            "=?utf-8?q?Re:_x?=",
        ] {
            assert!(is_reply(reply.as_bytes()), "{reply}");
        }
        for other in ["x", "[list] x", "Remember", "", "x  "] {
            assert!(!is_reply(other.as_bytes()), "{other}");
        }
    }

    proptest! {
        #[test]
        fn a_base_is_its_own_base(subject in "([\\[\\]a ä]|re:|fwd:|\\[fwd:|\\(fwd\\)){0,8}") {
            let once = base(subject.as_bytes());
            prop_assert_eq!(base(once.as_bytes()), once);
        }
    }
}
