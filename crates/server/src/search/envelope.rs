//! Texts of an ENVELOPE (RFC 3501 §7.4.2) as searching sees them: read back from the form in which summaries keep it, decoded and
//! folded. Searching for a sender or subject so reads no message.

use super::text::fold;
use ::message::encoded_word;
use imap::search::EnvelopeField;

/// The place of a field in the envelope.
fn place(field: EnvelopeField) -> usize {
    match field {
        EnvelopeField::Subject => 1,
        EnvelopeField::From => 2,
        EnvelopeField::To => 5,
        EnvelopeField::Cc => 6,
        EnvelopeField::Bcc => 7,
    }
}

/// Does the text of a field contain a folded text?
pub(crate) fn contains(envelope: &[u8], field: EnvelopeField, wanted: &str) -> bool {
    may_contain(envelope, wanted.as_bytes()) && text(envelope, field).contains(wanted)
}

/// A quick look at the whole envelope. What is not encoded stands there as it is found, but for quotes and backslashes, and for what
/// separates the pieces of an address.
fn may_contain(envelope: &[u8], wanted: &[u8]) -> bool {
    let told_apart = |octet: &u8| octet.is_ascii_alphanumeric();
    // The longest word of what is wanted must be there.
    let words = wanted.split(|octet| !told_apart(octet));
    let Some(word) = words
        .max_by_key(|word| word.len())
        .filter(|word| !word.is_empty())
    else {
        return true;
    };
    let plain = !envelope.windows(2).any(|two| two == b"=?");
    !plain || !envelope.is_ascii() || holds(envelope, word)
}

/// Whether ASCII text holds a word, in any case.
fn holds(text: &[u8], word: &[u8]) -> bool {
    let Some((first, rest)) = word.split_first() else {
        return true;
    };
    let (upper, lower) = (first.to_ascii_uppercase(), first.to_ascii_lowercase());
    memchr::memchr2_iter(upper, lower, text).any(|at| {
        let found = text.get(at + 1..at + 1 + rest.len());
        found.is_some_and(|found| found.eq_ignore_ascii_case(rest))
    })
}

/// The folded texts of all these fields.
pub(crate) fn texts(envelope: &[u8]) -> Vec<String> {
    use EnvelopeField::{Bcc, Cc, From, Subject, To};
    let (all, fields) = ([Subject, From, To, Cc, Bcc], Fields::of(envelope));
    all.map(|field| fields.text(field)).into()
}

/// All fields, read at once.
pub(crate) struct Fields(Vec<Value>);

impl Fields {
    /// Of an envelope.
    pub(crate) fn of(envelope: &[u8]) -> Fields {
        let mut reader = Reader { rest: envelope };
        match reader.value(0) {
            Some(Value::List(fields)) => Fields(fields),
            _ => Fields(Vec::new()),
        }
    }

    fn at(&self, field: EnvelopeField) -> Option<&Value> {
        self.0.get(place(field))
    }

    /// The folded text of a field: the subject, or addresses as `name <mailbox@host>`, one a line. Empty where there is none.
    pub(crate) fn text(&self, field: EnvelopeField) -> String {
        text_of(self.at(field))
    }

    /// The mailbox of the first address of a field, folded; of a group its name (RFC 5256 §3, FROM). Empty where there is none.
    pub(crate) fn first_mailbox(&self, field: EnvelopeField) -> String {
        let first = first_of(self.at(field));
        first.map_or_else(String::new, |[_, mailbox, _]| fold(&mailbox))
    }

    /// What is displayed of the first address of a field, folded: its name, or the address where it has none (RFC 5957 §3).
    pub(crate) fn first_display(&self, field: EnvelopeField) -> String {
        match first_of(self.at(field)) {
            Some([name, _, _]) if !name.is_empty() => fold(&name),
            // Of a group only its name is in the envelope, where addresses have their mailbox.
            Some([_, mailbox, host]) if host.is_empty() => fold(&mailbox),
            Some([_, mailbox, host]) => fold(&format!("{mailbox}@{host}")),
            None => String::new(),
        }
    }

    /// The subject as it was written.
    pub(crate) fn subject(&self) -> &[u8] {
        match self.at(EnvelopeField::Subject) {
            Some(Value::Text(text)) => text,
            _ => &[],
        }
    }
}

/// The folded text of a field: the subject, or addresses as `name <mailbox@host>`, one a line. Empty where there is none.
pub(crate) fn text(envelope: &[u8], field: EnvelopeField) -> String {
    text_of(value_at(envelope, place(field)).as_ref())
}

fn text_of(value: Option<&Value>) -> String {
    match value {
        Some(Value::Text(text)) => fold(&encoded_word::decode(text)),
        Some(Value::List(addresses)) => {
            let lines: Vec<String> = addresses.iter().map(address).collect();
            fold(&lines.join("\n"))
        }
        _ => String::new(),
    }
}

/// The subject as it was written.
pub(crate) fn subject(envelope: &[u8]) -> Vec<u8> {
    written(envelope, 1)
}

/// The Message-ID as it was written.
pub(crate) fn message_id(envelope: &[u8]) -> Vec<u8> {
    written(envelope, 9)
}

fn written(envelope: &[u8], place: usize) -> Vec<u8> {
    match value_at(envelope, place) {
        Some(Value::Text(text)) => text,
        _ => Vec::new(),
    }
}

/// The first address of a field as people read it: `name <mailbox@host>`, or the address alone.
pub(crate) fn shown(envelope: &[u8], field: EnvelopeField) -> String {
    match first(envelope, field) {
        Some([name, mailbox, host]) if name.is_empty() => format!("{mailbox}@{host}"),
        Some([name, mailbox, host]) => format!("{name} <{mailbox}@{host}>"),
        None => String::new(),
    }
}

/// Name, mailbox and host of the first address of a field, decoded.
fn first(envelope: &[u8], field: EnvelopeField) -> Option<[String; 3]> {
    first_of(value_at(envelope, place(field)).as_ref())
}

fn first_of(value: Option<&Value>) -> Option<[String; 3]> {
    let Value::List(addresses) = value? else {
        return None;
    };
    let Value::List(parts) = addresses.first()? else {
        return None;
    };
    let text = |at: usize| match parts.get(at) {
        Some(Value::Text(text)) => encoded_word::decode(text),
        _ => String::new(),
    };
    Some([text(0), text(2), text(3)])
}

/// `(name route mailbox host)` as people write it.
fn address(value: &Value) -> String {
    let Value::List(fields) = value else {
        return String::new();
    };
    let text = |at: usize| match fields.get(at) {
        Some(Value::Text(text)) => encoded_word::decode(text),
        _ => String::new(),
    };
    format!("{} <{}@{}>", text(0), text(2), text(3))
}

/// A value of the grammar.
enum Value {
    Nil,
    Text(Vec<u8>),
    List(Vec<Value>),
}

/// A field of the envelope; what stands behind it is not read.
fn value_at(envelope: &[u8], place: usize) -> Option<Value> {
    let mut reader = Reader { rest: envelope };
    if reader.next()? != b'(' {
        return None;
    }
    let mut passed = 0;
    loop {
        match reader.rest.first()? {
            b')' => return None,
            b' ' => {
                reader.next();
            }
            _ if passed == place => return reader.value(1),
            _ => {
                reader.value(1)?;
                passed += 1;
            }
        }
    }
}

/// Reads values; `None` where the octets are not what this program writes.
struct Reader<'a> {
    rest: &'a [u8],
}

impl Reader<'_> {
    fn value(&mut self, depth: u8) -> Option<Value> {
        match self.next()? {
            b'"' => self.quoted(),
            b'{' => self.literal(),
            // An envelope holds lists of lists of texts.
            b'(' if depth < 4 => self.list(depth + 1),
            b'N' | b'n' => {
                self.rest = self.rest.get(2..)?;
                Some(Value::Nil)
            }
            _ => None,
        }
    }

    fn list(&mut self, depth: u8) -> Option<Value> {
        let mut values = Vec::new();
        loop {
            match self.rest.first()? {
                b')' => {
                    self.next();
                    return Some(Value::List(values));
                }
                b' ' => {
                    self.next();
                }
                _ => values.push(self.value(depth)?),
            }
        }
    }

    fn quoted(&mut self) -> Option<Value> {
        let mut text = Vec::new();
        loop {
            match self.next()? {
                b'"' => return Some(Value::Text(text)),
                b'\\' => text.push(self.next()?),
                octet => text.push(octet),
            }
        }
    }

    fn literal(&mut self) -> Option<Value> {
        let end = self.rest.iter().position(|octet| *octet == b'\n')?;
        let digits = self.rest[..end]
            .iter()
            .filter(|octet| octet.is_ascii_digit());
        let size = digits.fold(0usize, |size, digit| {
            size.saturating_mul(10)
                .saturating_add(usize::from(digit - b'0'))
        });
        let text = self.rest[end + 1..].get(..size)?.to_vec();
        self.rest = &self.rest[end + 1 + size..];
        Some(Value::Text(text))
    }

    fn next(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// RFC 3501 §7.4.2 example, with an encoded subject and a literal name.
    const ENVELOPE: &[u8] = b"(\"Wed, 17 Jul 1996 02:23:25 -0700 (PDT)\" \"=?utf-8?Q?Gr=C3=B6=C3=9Fe?= \\\"x\\\"\" \
        ((\"Terry Gray\" NIL \"gray\" \"cac.washington.edu\")) NIL NIL ((NIL NIL \"imap\" \"cac.washington.edu\")) \
        (({4}\r\nJohn NIL \"KLENSIN\" \"MIT.EDU\")(NIL NIL \"m\" \"x\")) NIL NIL \"<B27397@cac>\")";

    #[test]
    fn fields_are_read_back() {
        assert_eq!(text(ENVELOPE, EnvelopeField::Subject), "GRO\u{308}ßE \"X\"");
        assert_eq!(
            text(ENVELOPE, EnvelopeField::From),
            "TERRY GRAY <GRAY@CAC.WASHINGTON.EDU>"
        );
        assert_eq!(
            text(ENVELOPE, EnvelopeField::Cc),
            "JOHN <KLENSIN@MIT.EDU>\n <M@X>"
        );
        assert_eq!(text(ENVELOPE, EnvelopeField::Bcc), "");
        assert_eq!(text(b"", EnvelopeField::To), "");
    }

    /// The quick look leaves nothing out.
    #[test]
    fn pieces_of_fields_are_contained() {
        use EnvelopeField::{Cc, From, Subject};
        for field in [Subject, From, Cc] {
            let all: Vec<char> = text(ENVELOPE, field).chars().collect();
            for length in 1..=all.len() {
                for piece in all.windows(length) {
                    let piece: String = piece.iter().collect();
                    assert!(contains(ENVELOPE, field, &piece), "{piece}");
                }
            }
        }
        let plain = b"(NIL \"Re: [x] \\\"Quarterly\\\" report-7\" NIL NIL NIL NIL NIL NIL NIL NIL)";
        for wanted in ["\"QUARTERLY\" REP", "T-7", "[X]", "", ": [", "RE"] {
            assert!(contains(plain, Subject, wanted), "{wanted}");
        }
        assert!(!contains(plain, Subject, "QUARTERLYX") && !contains(plain, From, "QUARTERLY"));
    }

    /// RFC 5256 §3, RFC 5957 §3
    #[test]
    fn what_is_sorted_by() {
        let fields = Fields::of(ENVELOPE);
        assert_eq!(fields.first_mailbox(EnvelopeField::Cc), "KLENSIN");
        assert_eq!(fields.first_display(EnvelopeField::Cc), "JOHN");
        assert_eq!(
            fields.first_display(EnvelopeField::To),
            "IMAP@CAC.WASHINGTON.EDU"
        );
        assert_eq!(fields.first_display(EnvelopeField::Bcc), "");
        let group = b"(NIL NIL ((NIL NIL \"Team\" NIL)(NIL NIL \"a\" \"b\")(NIL NIL NIL NIL)))";
        let group = Fields::of(group);
        assert_eq!(group.first_display(EnvelopeField::From), "TEAM");
        assert_eq!(subject(ENVELOPE), b"=?utf-8?Q?Gr=C3=B6=C3=9Fe?= \"x\"");
        assert_eq!(subject(b"("), b"");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]
        #[test]
        fn any_octets(octets in proptest::collection::vec(prop_oneof![Just(b'('), Just(b')'), Just(b'"'), Just(b'{'), any::<u8>()], 0..60)) {
            text(&octets, EnvelopeField::To);
        }
    }
}
