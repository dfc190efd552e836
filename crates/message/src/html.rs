//! Text of HTML: tags dropped, entities resolved, blocks on lines of their own. For previews and searching, not for display.

/// Elements whose content is no text.
const HIDDEN: [&str; 4] = ["style", "script", "head", "title"];
/// Elements that do not break a line.
const INLINE: [&str; 16] = [
    "a", "abbr", "b", "big", "code", "em", "font", "i", "img", "s", "small", "span", "strong",
    "sub", "sup", "u",
];

/// The text of an HTML document or fragment, at most about `limit` octets of it.
pub fn text(html: &str, limit: usize) -> String {
    let mut out = String::new();
    let mut rest = html;
    while out.len() < limit {
        let Some(open) = rest.find('<') else {
            unescape(rest, &mut out);
            break;
        };
        unescape(&rest[..open], &mut out);
        rest = after_tag(&rest[open..], &mut out);
    }
    out
}

/// What follows the tag or comment that `rest` begins with.
fn after_tag<'a>(rest: &'a str, out: &mut String) -> &'a str {
    if let Some(comment) = rest.strip_prefix("<!--") {
        return comment.find("-->").map_or("", |end| &comment[end + 3..]);
    }
    let starts_tag = |c: char| c.is_ascii_alphabetic() || matches!(c, '/' | '!' | '?');
    if !rest[1..].starts_with(starts_tag) {
        out.push('<');
        return &rest[1..];
    }
    let end = tag_end(rest);
    let name = tag_name(&rest[1..end]);
    let after = &rest[end..];
    if !INLINE.contains(&name.as_str()) {
        out.push('\n');
    }
    if HIDDEN.contains(&name.as_str()) && !rest.starts_with("</") {
        return after_element(after, &name);
    }
    after
}

/// Octets of the tag; a `>` in a quoted attribute does not end it.
fn tag_end(tag: &str) -> usize {
    let mut quote = None;
    for (i, octet) in tag.bytes().enumerate() {
        match (quote, octet) {
            (None, b'"' | b'\'') if tag.as_bytes()[i - 1] == b'=' => quote = Some(octet),
            (None, b'>') => return i + 1,
            (Some(open), octet) if open == octet => quote = None,
            _ => {}
        }
    }
    tag.len()
}

fn tag_name(tag: &str) -> String {
    let tag = tag.strip_prefix('/').unwrap_or(tag);
    let end = tag.find(|c: char| !c.is_ascii_alphanumeric());
    tag[..end.unwrap_or(tag.len())].to_ascii_lowercase()
}

/// Behind the closing tag of a hidden element. Without one (a document cut short), nothing is left.
fn after_element<'a>(rest: &'a str, name: &str) -> &'a str {
    let mut from = 0;
    while let Some(close) = rest[from..].find("</") {
        let tag = &rest[from + close + 2..];
        if tag_name(tag) == name {
            return tag.find('>').map_or("", |end| &tag[end + 1..]);
        }
        from += close + 2;
    }
    ""
}

fn unescape(mut text: &str, out: &mut String) {
    /// Longest entity that is looked for.
    const LONGEST: usize = 12;
    while let Some(start) = text.find('&') {
        out.push_str(&text[..start]);
        text = &text[start + 1..];
        let end = text.bytes().take(LONGEST).position(|o| o == b';');
        match end.and_then(|end| Some((entity(&text[..end])?, end))) {
            Some((c, end)) => {
                out.push(c);
                text = &text[end + 1..];
            }
            None => out.push('&'),
        }
    }
    out.push_str(text);
}

fn entity(name: &str) -> Option<char> {
    if let Some(number) = name.strip_prefix('#') {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16).ok()?,
            None => number.parse().ok()?,
        };
        return char::from_u32(code).filter(|c| *c != '\0');
    }
    NAMED
        .iter()
        .find(|(entity, _)| *entity == name)
        .map(|(_, c)| *c)
}

/// The entities that mail uses.
const NAMED: [(&str, char); 40] = [
    ("amp", '&'),
    ("lt", '<'),
    ("gt", '>'),
    ("quot", '"'),
    ("apos", '\''),
    ("nbsp", '\u{a0}'),
    ("shy", '\u{ad}'),
    ("zwnj", '\u{200c}'),
    ("zwj", '\u{200d}'),
    ("copy", '©'),
    ("reg", '®'),
    ("trade", '™'),
    ("euro", '€'),
    ("pound", '£'),
    ("hellip", '…'),
    ("ndash", '–'),
    ("mdash", '—'),
    ("lsquo", '‘'),
    ("rsquo", '’'),
    ("ldquo", '“'),
    ("rdquo", '”'),
    ("bdquo", '„'),
    ("laquo", '«'),
    ("raquo", '»'),
    ("bull", '•'),
    ("middot", '·'),
    ("auml", 'ä'),
    ("ouml", 'ö'),
    ("uuml", 'ü'),
    ("Auml", 'Ä'),
    ("Ouml", 'Ö'),
    ("Uuml", 'Ü'),
    ("szlig", 'ß'),
    ("eacute", 'é'),
    ("egrave", 'è'),
    ("agrave", 'à'),
    ("aacute", 'á'),
    ("ccedil", 'ç'),
    ("ntilde", 'ñ'),
    ("oslash", 'ø'),
];

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn words(html: &str) -> String {
        let text = text(html, 1000);
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn tags_go_and_entities_resolve() {
        assert_eq!(
            words(
                "<html><head><style>p {x}</style></head><p>Gr&ouml;&#223;e <b>b</b>old<br>1 &lt; 2 &#x20AC;"
            ),
            "Größe bold 1 < 2 €"
        );
        assert_eq!(
            words("a<!-- <b> -->b <script>x</scripted></script >c"),
            "ab c"
        );
        assert_eq!(
            words("<a title=\"x > y\" href='z'>link</a>&unknown; & 1 < 2"),
            "link&unknown; & 1 < 2"
        );
        assert_eq!(words("<div>a</div><div>b</div>"), "a b");
        assert_eq!(words("cut <b"), "cut");
    }

    proptest! {
        #[test]
        fn never_panics(html in "([<>/!&;#\"'= ä-]|style|p|--|x41){0,20}") {
            let _ = text(&html, 50);
        }
    }
}
