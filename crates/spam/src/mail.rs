//! A message opened for judging: its header fields, what a person would read of it, its links and attachments, once for all
//! features and rules. Bounded, whatever the message is.

use crate::document::{self, Document, Element, Kind, Limits, Link, Reading, Trouble};
use message::address_list::{self, Mailbox};
use message::{Part, PartKind, Scanner, Summary, charset, content, encoded_word, header};

/// Header fields that are looked at.
const MAX_FIELDS: usize = 400;
/// Octets of a field's value that are looked at.
const MAX_VALUE: usize = 4096;
/// Leaf parts that are looked at.
const MAX_PARTS: usize = 100;
/// Octets of text of all parts together.
const MAX_TEXT: usize = 64 * 1024;
/// Octets of encoded text of all parts together.
const MAX_ENCODED: usize = 192 * 1024;
/// Octets of all archives together that are looked into.
const MAX_ARCHIVES: usize = 4 * 1024 * 1024;

/// A header field.
#[derive(Clone, Debug)]
pub struct Field {
    /// In lower case.
    pub name: String,
    /// On one line, encoded words as they are, 8-bit octets read as well as they can be.
    pub value: String,
}

/// A part that is no text to be read at once.
#[derive(Clone, Debug, Default)]
pub struct Attachment {
    /// File name; may be empty.
    pub name: String,
    /// `type/subtype` in lower case.
    pub media_type: String,
    /// Encoded size, octets.
    pub size: usize,
    /// Paths inside, if it is an archive.
    pub entries: Vec<String>,
    /// What is wrong with it as an archive.
    pub trouble: Vec<Trouble>,
    /// What its first octets are.
    pub content: Magic,
}

/// What the first octets of a file say it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Magic {
    /// A program (PE, ELF, Mach-O, script).
    Program,
    /// An archive.
    Archive,
    /// Anything else.
    #[default]
    Other,
}

/// A leaf of the part tree.
#[derive(Clone, Debug)]
pub struct Leaf {
    /// `type/subtype` in lower case.
    pub media_type: String,
    /// Content-Transfer-Encoding, lower-case.
    pub encoding: String,
    /// Character set; may be empty.
    pub charset: String,
    /// Encoded size, octets.
    pub size: usize,
}

/// A message opened for judging.
#[derive(Debug)]
pub struct Mail<'a> {
    /// All octets that were given.
    pub octets: &'a [u8],
    /// Octets of the header section with its empty line.
    pub header_size: usize,
    /// Header fields in order.
    pub fields: Vec<Field>,
    /// The first address of From.
    pub from: Mailbox,
    /// Subject, decoded.
    pub subject: String,
    /// Type of the root part.
    pub media_type: String,
    /// Boundary of the root part.
    pub boundary: String,
    /// Leaf parts, in order.
    pub leaves: Vec<Leaf>,
    /// What a person would read: the text parts, HTML without its tags.
    pub text: String,
    /// Of that, what stands in HTML parts.
    pub html_text: usize,
    /// Octets of text in HTML that nobody sees.
    pub hidden: usize,
    /// Links of all text parts.
    pub links: Vec<Link>,
    /// HTML elements of all HTML parts.
    pub elements: Vec<Element>,
    /// Parts that are no text to be read at once.
    pub attachments: Vec<Attachment>,
    /// More than is looked at.
    pub cut: bool,
}

impl<'a> Mail<'a> {
    /// Opens a whole message.
    pub fn open(octets: &'a [u8]) -> Mail<'a> {
        let mut scanner = Scanner::new();
        scanner.feed(octets);
        Mail::with_summary(octets, &scanner.finish())
    }

    /// Opens a message whose summary is known. `octets` may end early: parts beyond are not looked at.
    pub fn with_summary(octets: &'a [u8], summary: &Summary) -> Mail<'a> {
        let header_size = (summary.header_size as usize).min(octets.len());
        let fields = fields(&octets[..header_size]);
        let mut mail = Mail {
            octets,
            header_size,
            from: Mailbox::default(),
            subject: String::new(),
            media_type: String::new(),
            boundary: String::new(),
            fields,
            leaves: Vec::new(),
            text: String::new(),
            html_text: 0,
            hidden: 0,
            links: Vec::new(),
            elements: Vec::new(),
            attachments: Vec::new(),
            cut: summary.cut || (summary.size as usize) > octets.len(),
        };
        mail.from = mail
            .mailboxes("from")
            .into_iter()
            .next()
            .unwrap_or_default();
        mail.subject = encoded_word::decode(mail.value("subject").unwrap_or_default().as_bytes());
        if let Some(root) = &summary.root {
            mail.media_type = type_of(root);
            mail.boundary = content::param(&root.params, "boundary").unwrap_or_default();
            let mut room = Room {
                encoded: MAX_ENCODED,
                archives: MAX_ARCHIVES,
            };
            mail.parts(root, &mut room);
        }
        mail
    }

    /// The values of all fields of this (lower-case) name.
    pub fn values(&self, name: &str) -> impl Iterator<Item = &str> {
        let named = move |field: &&Field| field.name == name;
        self.fields
            .iter()
            .filter(named)
            .map(|field| field.value.as_str())
    }

    /// The first value of this (lower-case) name.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.values(name).next()
    }

    /// The addresses of the first field of this (lower-case) name.
    pub fn mailboxes(&self, name: &str) -> Vec<Mailbox> {
        let value = self.value(name).unwrap_or_default();
        address_list::mailboxes(value.as_bytes())
    }

    /// The body as it was sent.
    pub fn body(&self) -> &'a [u8] {
        &self.octets[self.header_size..]
    }

    /// The domain of From in lower case; may be empty.
    pub fn from_domain(&self) -> String {
        domain(&self.from)
    }

    fn parts(&mut self, part: &Part, room: &mut Room) {
        match &part.kind {
            PartKind::Multipart(parts) => {
                for part in parts {
                    if self.leaves.len() >= MAX_PARTS {
                        self.cut = true;
                        return;
                    }
                    self.parts(part, room);
                }
            }
            PartKind::Message(_, root) => self.parts(root, room),
            PartKind::Leaf => self.leaf(part, room),
        }
    }

    fn leaf(&mut self, part: &Part, room: &mut Room) {
        let octets = self.slice(part);
        let leaf = Leaf {
            media_type: type_of(part),
            encoding: part.encoding.clone(),
            charset: content::param(&part.params, "charset").unwrap_or_default(),
            size: octets.len(),
        };
        let name = file_name(part);
        let attached = part
            .disposition
            .as_ref()
            .is_some_and(|(kind, _)| kind == "attachment");
        let kind = match (part.media_type.as_str(), part.subtype.as_str()) {
            ("text", "html") => Some(Kind::Html),
            ("text", _) if !attached => Some(Kind::Text),
            _ => None,
        };
        if let Some(kind) = kind {
            self.read(kind, &leaf, octets, room);
        }
        if kind.is_none() || attached || !name.is_empty() {
            let whole = part.body_end as usize <= self.octets.len();
            self.attach(name, &leaf, (octets, whole), room);
        }
        self.leaves.push(leaf);
    }

    fn slice(&self, part: &Part) -> &'a [u8] {
        let end = (part.body_end as usize).min(self.octets.len());
        let start = (part.body_start as usize).min(end);
        &self.octets[start..end]
    }

    /// Takes in a text part.
    fn read(&mut self, kind: Kind, leaf: &Leaf, octets: &[u8], room: &mut Room) {
        let defaults = Limits::default();
        let limits = Limits {
            octets: room.encoded.min(defaults.octets),
            text: (MAX_TEXT - self.text.len().min(MAX_TEXT)).min(defaults.text),
            links: defaults.links - self.links.len().min(defaults.links),
            ..defaults
        };
        let document = Document {
            kind,
            encoding: &leaf.encoding,
            charset: &leaf.charset,
            octets,
            whole: true,
        };
        let reading = document::read(&document, &limits);
        room.encoded -= octets.len().min(limits.octets);
        if kind == Kind::Html {
            self.html_text += reading.text.len();
        }
        self.take(reading);
    }

    fn take(&mut self, reading: Reading) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        self.text.push_str(&reading.text);
        self.hidden += reading.hidden;
        self.links.extend(reading.links);
        self.elements.extend(reading.elements);
        self.cut |= reading.cut;
    }

    /// `octets`: and whether they are all of the attachment.
    fn attach(
        &mut self,
        name: String,
        leaf: &Leaf,
        (octets, whole): (&[u8], bool),
        room: &mut Room,
    ) {
        let head = message::transfer::decode(&leaf.encoding, &octets[..octets.len().min(64)]);
        let content = magic(&head);
        let mut attachment = Attachment {
            name,
            media_type: leaf.media_type.clone(),
            size: leaf.size,
            content,
            ..Attachment::default()
        };
        if content == Magic::Archive && octets.len() <= room.archives {
            room.archives -= octets.len();
            let document = Document {
                kind: Kind::Archive,
                encoding: &leaf.encoding,
                charset: "",
                octets,
                whole,
            };
            let reading = document::read(&document, &Limits::default());
            attachment.entries = reading.entries;
            attachment.trouble = reading.trouble;
        }
        self.attachments.push(attachment);
    }
}

/// What may still be read.
struct Room {
    encoded: usize,
    archives: usize,
}

fn fields(section: &[u8]) -> Vec<Field> {
    let field = |field: header::Field<'_>| Field {
        name: String::from_utf8_lossy(&field.name[..field.name.len().min(80)]).to_ascii_lowercase(),
        value: charset::guess(&header::unfold(
            &field.value[..field.value.len().min(MAX_VALUE)],
        )),
    };
    header::fields(section)
        .take(MAX_FIELDS)
        .map(field)
        .collect()
}

fn type_of(part: &Part) -> String {
    format!("{}/{}", part.media_type, part.subtype)
}

fn file_name(part: &Part) -> String {
    let of_disposition = part
        .disposition
        .as_ref()
        .and_then(|(_, params)| content::param(params, "filename"));
    of_disposition
        .or_else(|| content::param(&part.params, "name"))
        .unwrap_or_default()
}

/// The domain of a mailbox in lower case; may be empty.
pub(crate) fn domain(mailbox: &Mailbox) -> String {
    String::from_utf8_lossy(&mailbox.domain).to_lowercase()
}

/// Local part and domain in lower case.
pub(crate) fn address(mailbox: &Mailbox) -> String {
    format!(
        "{}@{}",
        String::from_utf8_lossy(&mailbox.local).to_lowercase(),
        domain(mailbox)
    )
}

/// At most so many octets of a text, whole characters.
pub(crate) fn beginning(text: &str, octets: usize) -> &str {
    let mut end = octets.min(text.len());
    // Zero is a boundary.
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

fn magic(head: &[u8]) -> Magic {
    match head {
        [b'M', b'Z', ..]
        | [0x7f, b'E', b'L', b'F', ..]
        | [0xcf | 0xce, 0xfa, 0xed, 0xfe, ..]
        | [b'#', b'!', b'/', ..] => Magic::Program,
        [b'P', b'K', 3 | 5, 4 | 6, ..]
        | [0x1f, 0x8b, ..]
        | [b'R', b'a', b'r', b'!', ..]
        | [b'7', b'z', 0xbc, 0xaf, ..] => Magic::Archive,
        _ => Magic::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_opened_once() {
        let octets = b"From: \"A B\" <a@Example.test>\r\nSubject: =?utf-8?q?gr=C3=B6=C3=9Fe?=\r\nContent-Type: multipart/mixed; boundary=xx\r\n\r\n\
            --xx\r\nContent-Type: text/plain\r\n\r\nhello http://a.test\r\n--xx\r\nContent-Type: text/html\r\n\r\n<b>html</b>\r\n\
            --xx\r\nContent-Type: application/octet-stream; name=\"x.exe\"\r\n\r\nMZ123\r\n--xx--\r\n";
        let mail = Mail::open(octets);
        assert_eq!(
            (mail.subject.as_str(), mail.from_domain().as_str()),
            ("größe", "example.test")
        );
        assert_eq!(
            mail.text.split_whitespace().collect::<Vec<_>>(),
            ["hello", "http://a.test", "html"]
        );
        assert_eq!(
            (mail.leaves.len(), mail.links.len(), mail.html_text),
            (3, 1, 4)
        );
        assert_eq!(
            (
                mail.attachments[0].name.as_str(),
                mail.attachments[0].content
            ),
            ("x.exe", Magic::Program)
        );
        assert!(!mail.cut);
    }

    #[test]
    fn what_is_cut_off_is_not_missed() {
        let octets = b"Subject: x\n\nbody";
        let mut scanner = Scanner::new();
        scanner.feed(octets);
        let summary = scanner.finish();
        let mail = Mail::with_summary(&octets[..14], &summary);
        assert_eq!((mail.text.as_str(), mail.cut), ("bo", true));
    }
}
