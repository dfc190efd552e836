//! The door to untrusted documents: octets and limits go in, text and what else judging needs comes out.
//!
//! [`read`] is the only way in. It keeps nothing and needs nothing from its callers, so that it can move into a sandboxed process
//! of its own without touching them. Everything behind it is bounded in time and memory by its [`Limits`].

mod archive;
mod html;
mod link;

pub use archive::Trouble;
pub use html::Element;
pub use link::registered;
pub use link::{Link, Place};
pub(crate) use link::{is_address, page};

use message::{charset, transfer};

/// What a document claims to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Lines of text.
    Text,
    /// HTML (also XHTML, and SVG as far as links go).
    Html,
    /// ZIP and what is made of it (office documents, JAR), or gzip; told apart by the first octets.
    Archive,
}

/// How much is read. What is beyond is left out, and [`Reading::cut`] says so.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Octets of a document that are decoded.
    pub octets: usize,
    /// Octets of text that come back.
    pub text: usize,
    /// Links.
    pub links: usize,
    /// Names of archive members.
    pub entries: usize,
    /// Archives within archives.
    pub depth: usize,
    /// Octets that all decompression together may yield.
    pub inflated: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            octets: 96 * 1024,
            text: 48 * 1024,
            links: 400,
            entries: 200,
            depth: 2,
            inflated: 1024 * 1024,
        }
    }
}

/// A document as it stands in a message.
#[derive(Clone, Copy, Debug)]
pub struct Document<'a> {
    /// What it claims to be.
    pub kind: Kind,
    /// Content-Transfer-Encoding, lower-case.
    pub encoding: &'a str,
    /// Label of its character set; may be empty.
    pub charset: &'a str,
    /// The content, encoded.
    pub octets: &'a [u8],
    /// Whether that is all of it, and not its beginning.
    pub whole: bool,
}

/// What a document holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reading {
    /// What a person would see of it.
    pub text: String,
    /// Octets of text that are there but made invisible (white on white, size 0, `display:none`).
    pub hidden: usize,
    /// Where it leads.
    pub links: Vec<Link>,
    /// HTML elements in order, bounded as links are.
    pub elements: Vec<Element>,
    /// Paths of archive members, those of inner archives behind the path of theirs and a `!`.
    pub entries: Vec<String>,
    /// What is wrong with an archive.
    pub trouble: Vec<Trouble>,
    /// Something was left out.
    pub cut: bool,
}

/// Reads a document. Never fails: what cannot be read is missing in the result.
pub fn read(document: &Document<'_>, limits: &Limits) -> Reading {
    match document.kind {
        Kind::Text => text(document, limits),
        Kind::Html => html::read(&decoded_text(document, limits), limits),
        Kind::Archive => archive::read(&decoded(document, usize::MAX), document.whole, limits),
    }
}

fn text(document: &Document<'_>, limits: &Limits) -> Reading {
    let mut text = decoded_text(document, limits);
    let cut = document.octets.len() > limits.octets || text.len() > limits.text;
    text.truncate(crate::mail::beginning(&text, limits.text).len());
    Reading {
        links: link::in_text(&text, limits.links),
        text,
        cut,
        ..Reading::default()
    }
}

fn decoded_text(document: &Document<'_>, limits: &Limits) -> String {
    charset::decode(document.charset, &decoded(document, limits.octets))
}

fn decoded<'a>(document: &Document<'a>, limit: usize) -> std::borrow::Cow<'a, [u8]> {
    let octets = &document.octets[..document.octets.len().min(limit)];
    transfer::decode(document.encoding, octets)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn text_is_decoded_and_bounded() {
        let document = Document {
            kind: Kind::Text,
            encoding: "quoted-printable",
            charset: "iso-8859-1",
            octets: b"gr=F6=DFer: http://a.test/x now",
            whole: true,
        };
        let limits = Limits::default();
        let reading = read(&document, &limits);
        assert_eq!(reading.text, "größer: http://a.test/x now");
        assert_eq!(reading.links[0].url, "http://a.test/x");
        let short = Limits { text: 3, ..limits };
        let reading = read(&document, &short);
        assert_eq!((reading.text.as_str(), reading.cut), ("gr", true));
    }

    proptest! {
        #[test]
        fn no_octets_panic(octets in proptest::collection::vec(any::<u8>(), 0..400), charset in "[a-z0-9-]{0,12}") {
            for kind in [Kind::Text, Kind::Html, Kind::Archive] {
                for encoding in ["7bit", "base64", "quoted-printable"] {
                    read(&Document { kind, encoding, charset: &charset, octets: &octets, whole: encoding != "7bit" }, &Limits::default());
                }
            }
        }

        #[test]
        fn no_html_panics(html in "(<[a!/ ]{0,3}[a-z=\"' :#0;-]{0,12}>?|&[#x0-9a-z]{0,5};?|[ä\u{1f600}a-z.:/]{0,6}){0,20}") {
            let document = Document { kind: Kind::Html, encoding: "8bit", charset: "utf-8", octets: html.as_bytes(), whole: true };
            read(&document, &Limits::default());
        }
    }
}
