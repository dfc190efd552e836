//! HTML as judging sees it: visible and hidden text, elements, links with their texts. One pass, linear in the length.
//!
//! It is a reader of tags, not a browser: no tree, no style sheets beyond `style` attributes.

use super::link::{Link, Place};
use super::{Limits, Reading};
use crate::mail::beginning;

/// An element that begins, with its attributes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Element {
    /// In lower case.
    pub name: String,
    /// Names in lower case, values with entities resolved; bounded.
    pub attributes: Vec<(String, String)>,
}

impl Element {
    /// The value of an attribute.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|(n, _)| n == name);
        found.map(|(_, value)| value.as_str())
    }
}

/// Elements whose content is no text.
const SKIPPED: [&str; 3] = ["style", "script", "title"];
/// Elements that never have content.
const VOID: [&str; 8] = ["br", "img", "hr", "input", "meta", "link", "area", "base"];
/// Elements that do not break a line.
const INLINE: [&str; 17] = [
    "a", "abbr", "b", "big", "code", "em", "font", "i", "img", "s", "small", "span", "strong",
    "sub", "sup", "u", "wbr",
];
/// Attributes of an element that are kept.
const MAX_ATTRIBUTES: usize = 24;
/// Octets of an attribute's value that are kept.
const MAX_VALUE: usize = 2048;
/// Open elements that hide their content are followed so deep.
const MAX_HIDDEN: usize = 32;

/// Reads a document.
pub(super) fn read(html: &str, limits: &Limits) -> Reading {
    let mut reader = Reader {
        rest: html,
        limits,
        reading: Reading::default(),
        anchor: None,
        hidden: Vec::new(),
        unclosed: 0,
    };
    while !reader.rest.is_empty() && reader.reading.text.len() < limits.text {
        reader.step();
    }
    reader.close_anchor();
    let mut reading = reader.reading;
    reading.cut |= !reader.rest.is_empty() || reading.text.len() > limits.text;
    // The last run of text may be long.
    reading
        .text
        .truncate(beginning(&reading.text, limits.text).len());
    reading
}

struct Reader<'a> {
    rest: &'a str,
    limits: &'a Limits,
    reading: Reading,
    /// The link that is open: its index, and where its text begins.
    anchor: Option<(usize, usize)>,
    /// Names of open elements that hide what they hold.
    hidden: Vec<String>,
    /// Quotes that were opened and never closed.
    unclosed: u32,
}

impl Reader<'_> {
    fn step(&mut self) {
        match self.rest.find('<') {
            None => {
                self.text(self.rest.len());
            }
            Some(0) => self.tag(),
            Some(open) => self.text(open),
        }
    }

    fn text(&mut self, length: usize) {
        let (text, rest) = self.rest.split_at(length);
        self.rest = rest;
        if self.hidden.is_empty() {
            unescape(text, &mut self.reading.text);
        } else {
            self.reading.hidden += text.trim().len();
        }
    }

    fn tag(&mut self) {
        if let Some(comment) = self.rest.strip_prefix("<!--") {
            self.rest = comment.find("-->").map_or("", |end| &comment[end + 3..]);
            return;
        }
        let starts = |c: char| c.is_ascii_alphabetic() || matches!(c, '/' | '!' | '?');
        if !self.rest[1..].starts_with(starts) {
            return self.text(1);
        }
        let end = self.tag_end();
        let tag = self.rest[1..end].trim_end_matches('>');
        self.rest = &self.rest[end..];
        match tag.strip_prefix('/') {
            Some(name) => self.close(&tag_name(name)),
            None => self.open(tag),
        }
    }

    /// Octets of the tag; a `>` in a quoted attribute does not end it. Where quotes are not closed time and again, they are no quotes.
    fn tag_end(&mut self) -> usize {
        /// Unclosed quotes that are forgiven: each costs a look at [`LONGEST_TAG`] octets.
        const FORGIVEN: u32 = 20;
        let octets = self.rest.as_bytes();
        if self.unclosed < FORGIVEN {
            match quoted_tag_end(octets) {
                Some(end) => return end,
                None => self.unclosed += 1,
            }
        }
        memchr::memchr(b'>', octets).map_or(octets.len(), |end| end + 1)
    }

    fn open(&mut self, tag: &str) {
        let name = tag_name(tag);
        if !INLINE.contains(&name.as_str()) {
            self.reading.text.push('\n');
        }
        if SKIPPED.contains(&name.as_str()) {
            self.rest = after_element(self.rest, &name);
        }
        let element = Element {
            attributes: attributes(&tag[name.len().min(tag.len())..]),
            name,
        };
        self.hide(&element);
        self.link(&element);
        if self.reading.elements.len() < self.limits.links * 2 {
            self.reading.elements.push(element);
        }
    }

    fn close(&mut self, name: &str) {
        if name == "a" {
            self.close_anchor();
        }
        if !INLINE.contains(&name) {
            self.reading.text.push('\n');
        }
        if let Some(open) = self.hidden.iter().rposition(|hidden| hidden == name) {
            self.hidden.truncate(open);
        }
    }

    /// Content of an element that nobody sees; elements of the same name inside count, so that their ends do not end it.
    fn hide(&mut self, element: &Element) {
        let nested = self.hidden.last() == Some(&element.name);
        if (nested || is_invisible(element))
            && self.hidden.len() < MAX_HIDDEN
            && !VOID.contains(&element.name.as_str())
        {
            self.hidden.push(element.name.clone());
        }
    }

    fn link(&mut self, element: &Element) {
        let place = match element.name.as_str() {
            "a" | "area" => Place::Anchor,
            "img" | "input" => Place::Image,
            "form" => Place::Form,
            "base" => Place::Base,
            "meta" => return self.refresh(element),
            _ => Place::Resource,
        };
        let target = ["href", "src", "action", "background"]
            .iter()
            .find_map(|name| element.attribute(name));
        let Some(url) = target else { return };
        if place == Place::Anchor {
            self.close_anchor();
        }
        if self.reading.links.len() >= self.limits.links {
            self.reading.cut = true;
            return;
        }
        if place == Place::Anchor {
            self.anchor = Some((self.reading.links.len(), self.reading.text.len()));
        }
        self.reading.links.push(Link::new(url, place));
    }

    /// `<meta http-equiv=refresh content="0; url=…">` leads on without a click.
    fn refresh(&mut self, element: &Element) {
        let is_refresh = element
            .attribute("http-equiv")
            .is_some_and(|value| value.eq_ignore_ascii_case("refresh"));
        let target = element
            .attribute("content")
            .and_then(|content| content.split_once('='))
            .map(|(_, url)| url.trim().trim_matches(['"', '\'']));
        if let (true, Some(url)) = (is_refresh, target)
            && self.reading.links.len() < self.limits.links
        {
            self.reading.links.push(Link::new(url, Place::Refresh));
        }
    }

    fn close_anchor(&mut self) {
        /// Octets of a link's text that are kept.
        const TEXT: usize = 300;
        if let Some((index, start)) = self.anchor.take() {
            let text = self.reading.text[start..].trim();
            self.reading.links[index].text = beginning(text, TEXT).to_owned();
        }
    }
}

/// Does a `style` or an old attribute make the content invisible?
fn is_invisible(element: &Element) -> bool {
    let style: String = element
        .attribute("style")
        .unwrap_or_default()
        .chars()
        .filter(|c| !c.is_whitespace())
        .map(|c| c.to_ascii_lowercase())
        .collect();
    let hides = |declaration: &str| {
        matches!(
            declaration,
            "display:none"
                | "visibility:hidden"
                | "opacity:0"
                | "font-size:0"
                | "font-size:0px"
                | "font-size:0pt"
                | "font-size:1px"
                | "max-height:0"
                | "max-height:0px"
        )
    };
    let declarations = || style.split(';').map(|d| d.trim_end_matches("!important"));
    declarations().any(hides)
        || element.attribute("hidden").is_some()
        || element.name == "font" && element.attribute("color").is_some_and(is_white)
        || declarations().any(|d| d.strip_prefix("color:").is_some_and(is_white))
            && !declarations().any(|d| d.starts_with("background"))
}

fn is_white(color: &str) -> bool {
    let color = color.trim().trim_start_matches('#');
    ["white", "ffffff", "fff", "fefefe", "fffffe"]
        .iter()
        .any(|white| color.eq_ignore_ascii_case(white))
}

/// A quote that is open for so long was a mistake, and the tag ends at its first `>`.
const LONGEST_TAG: usize = 8192;

/// Where a tag ends whose quotes are closed.
fn quoted_tag_end(octets: &[u8]) -> Option<usize> {
    let mut quote = None;
    for (i, &octet) in octets.iter().take(LONGEST_TAG).enumerate() {
        match (quote, octet) {
            (None, b'"' | b'\'') if i > 0 && octets[i - 1] == b'=' => quote = Some(octet),
            (None, b'>') => return Some(i + 1),
            (Some(open), octet) if open == octet => quote = None,
            _ => {}
        }
    }
    None
}

fn tag_name(tag: &str) -> String {
    let end = tag.find(|c: char| !c.is_ascii_alphanumeric());
    tag[..end.unwrap_or(tag.len()).min(24)].to_ascii_lowercase()
}

/// Behind the closing tag of an element. Without one (a document cut short), nothing is left.
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

fn attributes(mut rest: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    while found.len() < MAX_ATTRIBUTES {
        rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == '/');
        let end = rest.find(|c: char| c.is_whitespace() || c == '=' || c == '/');
        let (name, after) = rest.split_at(end.unwrap_or(rest.len()));
        let after = after.trim_start();
        let (value, after) = match after.strip_prefix('=') {
            Some(after) => value(after.trim_start()),
            None => ("", after),
        };
        if name.is_empty() && after.len() == rest.len() {
            break;
        }
        if !name.is_empty() {
            let mut text = String::new();
            unescape(beginning(value, MAX_VALUE), &mut text);
            let name = beginning(name, 40);
            found.push((name.to_ascii_lowercase(), text));
        }
        rest = after;
    }
    found
}

/// A value, quoted or not, and what follows it.
fn value(text: &str) -> (&str, &str) {
    for quote in ['"', '\''] {
        if let Some(quoted) = text.strip_prefix(quote) {
            return quoted.split_once(quote).unwrap_or((quoted, ""));
        }
    }
    let end = text.find(char::is_whitespace);
    text.split_at(end.unwrap_or(text.len()))
}

/// Resolves entities; unknown ones stay as they are.
fn unescape(mut text: &str, out: &mut String) {
    /// Longest entity that is looked for.
    const LONGEST: usize = 12;
    while let Some(start) = memchr::memchr(b'&', text.as_bytes()) {
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
    Some(match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => ' ',
        "copy" => '©',
        "reg" => '®',
        "euro" => '€',
        "pound" => '£',
        "auml" => 'ä',
        "ouml" => 'ö',
        "uuml" => 'ü',
        "Auml" => 'Ä',
        "Ouml" => 'Ö',
        "Uuml" => 'Ü',
        "szlig" => 'ß',
        "eacute" => 'é',
        "egrave" => 'è',
        "agrave" => 'à',
        "ndash" => '–',
        "mdash" => '—',
        "bull" => '•',
        "hellip" => '…',
        "zwnj" => '\u{200c}',
        "shy" => '\u{ad}',
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(html: &str) -> Reading {
        read(html, &Limits::default())
    }

    #[test]
    fn text_links_and_elements() {
        let reading = of(
            "<p>Hello <b>you</b> &amp; me<br>line <a href='http://x.test/a?b=1&amp;c=2'>my <i>bank</i></a>\
             <img src=http://t.test/p.gif width=1><script>var x='<a href=q>'</script></p>",
        );
        assert_eq!(reading.text.trim(), "Hello you & me\nline my bank");
        assert_eq!(reading.links[0].url, "http://x.test/a?b=1&c=2");
        assert_eq!(reading.links[0].text, "my bank");
        assert_eq!(reading.links[1].place, Place::Image);
        let names: Vec<_> = reading.elements.iter().map(|e| e.name.as_str()).collect();
        assert_eq!(names, ["p", "b", "br", "a", "i", "img", "script"]);
    }

    #[test]
    fn hidden_text_is_counted_and_not_shown() {
        let reading = of(
            "a<div style='display: none'>secret<div>s</div>more</div>b<font color=#FFFFFF>white</font>",
        );
        assert_eq!(reading.text.replace('\n', ""), "ab");
        assert_eq!(reading.hidden, 16);
        let shown = of("<td style='color:#fff;background:#000'>shown</td>");
        assert_eq!((shown.text.trim(), shown.hidden), ("shown", 0));
    }

    #[test]
    fn broken_html_ends() {
        for html in [
            "<",
            "<a",
            "<a href=",
            "<a href=\"",
            "<!--",
            "<script>",
            "a < b",
            "</",
            "<a href='x>y",
            "<a =x>",
            "&#x;",
        ] {
            of(html);
        }
        assert_eq!(of("1 < 2").text, "1 < 2");
        let refresh = of("<meta http-equiv=Refresh content=\"0; url=http://z.test/\">");
        assert_eq!(
            (refresh.links[0].url.as_str(), refresh.links[0].place),
            ("http://z.test/", Place::Refresh)
        );
    }
}
