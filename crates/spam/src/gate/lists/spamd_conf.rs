//! `spamd.conf`, the file in which OpenBSD's spamd is told of its lists (J20): getcap entries, of which `all` names the others in
//! their order. Read here; fetched and kept elsewhere.
//!
//! A `:white:` entry takes its addresses out of the black list before it. `:method=` is `http`, `https`, `file` or `exec`; `ftp` is dead
//! and refused with a sentence that says so.

use std::collections::HashMap;

/// The most octets and entries of a file.
pub const MOST_OCTETS: usize = 1024 * 1024;
const MOST_ENTRIES: usize = 1000;

/// One list, in the place that `all` gives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub colour: Colour,
    /// What its addresses are told; `%A` stands for the address. White lists tell nobody anything.
    pub message: String,
    /// Where it comes from.
    pub place: Place,
}

/// Whether a list blocks or excepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    /// Its addresses are blocked.
    Black,
    /// Its addresses are taken out of the black list before it.
    White,
}

/// Where a list comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A file of this machine.
    File(String),
    /// `http://…` or `https://…`.
    Url(String),
    /// A program and its arguments, split at spaces; never a shell. It prints the list.
    Exec(Vec<String>),
}

/// What is wrong with a file, and with which entry.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{entry}: {why}")]
pub struct Fault {
    /// The name of the entry, or `spamd.conf` for the whole file.
    pub entry: String,
    /// A sentence.
    pub why: String,
}

/// All sources in the order of `all`, or everything that is wrong.
pub fn parse(text: &str) -> Result<Vec<Source>, Vec<Fault>> {
    if text.len() > MOST_OCTETS {
        return Err(vec![fault("spamd.conf", "it is larger than 1 MB")]);
    }
    let entries = entries(text);
    let Some(order) = entries.iter().find(|entry| entry.name == "all") else {
        return Err(vec![fault(
            "spamd.conf",
            "there is no entry `all` that names the lists in their order",
        )]);
    };
    let by_name: HashMap<&str, &Entry> = entries.iter().map(|e| (e.name.as_str(), e)).collect();
    let (mut sources, mut faults) = (Vec::new(), Vec::new());
    for name in order.fields.iter().take(MOST_ENTRIES) {
        let entry = by_name.get(name.as_str());
        let source = entry.ok_or_else(|| fault(name, "`all` names it, and it is not there"));
        match source.and_then(|entry| entry.source()) {
            Ok(source) => sources.push(source),
            Err(why) => faults.push(why),
        }
    }
    match faults.is_empty() {
        true => Ok(sources),
        false => Err(faults),
    }
}

struct Entry {
    name: String,
    fields: Vec<String>,
}

impl Entry {
    fn source(&self) -> Result<Source, Fault> {
        let has = |word: &str| self.fields.iter().any(|field| field == word);
        let colour = match (has("black"), has("white")) {
            (true, false) => Colour::Black,
            (false, true) => Colour::White,
            _ => return Err(self.fault("say either :black: or :white:")),
        };
        Ok(Source {
            name: self.name.clone(),
            message: self.message(),
            place: self.place()?,
            colour,
        })
    }

    fn message(&self) -> String {
        match self.value("msg") {
            Some(message) => unescaped(message),
            None => format!(
                "Mail from %A is refused: the address is on list {}",
                self.name
            ),
        }
    }

    fn place(&self) -> Result<Place, Fault> {
        let Some(file) = self.value("file").filter(|file| !file.is_empty()) else {
            return Err(self.fault("say with :file= where the list is"));
        };
        match self.value("method") {
            None | Some("file") => Ok(Place::File(file.to_owned())),
            Some(scheme @ ("http" | "https")) => Ok(Place::Url(format!("{scheme}://{file}"))),
            Some("exec") => Ok(Place::Exec(
                file.split_whitespace().map(str::to_owned).collect(),
            )),
            Some("ftp") => Err(self.fault("lists are not fetched by ftp; use https or file")),
            Some(other) => Err(self.fault(&format!(
                "there is no method {other}: file, http, https and exec are known"
            ))),
        }
    }

    /// The text behind `key=`, without its quotes.
    fn value(&self, key: &str) -> Option<&str> {
        self.fields.iter().find_map(|field| {
            let value = field.strip_prefix(key)?.strip_prefix('=')?;
            Some(
                value
                    .strip_prefix('"')
                    .map_or(value, |v| v.strip_suffix('"').unwrap_or(v)),
            )
        })
    }

    fn fault(&self, why: &str) -> Fault {
        fault(&self.name, why)
    }
}

fn fault(entry: &str, why: &str) -> Fault {
    Fault {
        entry: entry.to_owned(),
        why: why.to_owned(),
    }
}

/// The entries: lines joined where they end in a backslash, comments left out, split at colons outside quotes.
fn entries(text: &str) -> Vec<Entry> {
    let mut joined = String::new();
    let mut entries = Vec::new();
    for line in text
        .lines()
        .filter(|line| !line.trim_start().starts_with('#'))
    {
        match line.trim_end().strip_suffix('\\') {
            Some(more) => joined.push_str(more.trim()),
            None => {
                joined.push_str(line.trim());
                entries.extend(entry(&std::mem::take(&mut joined)));
            }
        }
    }
    entries.extend(entry(&joined));
    entries
}

fn entry(line: &str) -> Option<Entry> {
    let mut fields = fields(line).into_iter();
    let name = fields.next()?;
    Some(Entry {
        name,
        fields: fields.collect(),
    })
}

fn fields(line: &str) -> Vec<String> {
    let mut fields = Vec::new();
    let mut field = String::new();
    let (mut quoted, mut escaped) = (false, false);
    for c in line.chars() {
        match c {
            ':' if !quoted => fields.push(std::mem::take(&mut field)),
            _ => {
                quoted ^= c == '"' && !escaped;
                field.push(c);
            }
        }
        escaped = c == '\\' && !escaped;
    }
    fields.push(field);
    let trimmed = fields.iter().map(|field| field.trim().to_owned());
    trimmed.filter(|field| !field.is_empty()).collect()
}

/// `\n` is a line end, `\"` a quote. `%A` stays for [`filled`].
fn unescaped(message: &str) -> String {
    message
        .replace("\\n", " ")
        .replace("\\\"", "\"")
        .trim()
        .to_owned()
}

/// A message with the address in the place of `%A`, and `%` in that of `%%`; what could break a reply line is left out.
pub fn filled(message: &str, address: std::net::IpAddr) -> String {
    let mut filled = String::with_capacity(message.len() + 16);
    let mut rest = message.chars().filter(|c| !c.is_control()).peekable();
    while let Some(c) = rest.next() {
        match (c, rest.peek()) {
            ('%', Some('A')) => {
                rest.next();
                filled.push_str(&address.to_canonical().to_string());
            }
            ('%', Some('%')) => {
                rest.next();
                filled.push('%');
            }
            _ => filled.push(c),
        }
    }
    filled
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SAMPLE: &str = include_str!("../../../tests/samples/spamd.conf");

    /// J20: the sample is read in the order of `all`, and messages keep their colons.
    #[test]
    fn j20_the_sample() {
        let sources = parse(SAMPLE).unwrap();
        let names: Vec<&str> = sources.iter().map(|s| s.name.as_str()).collect();
        assert_eq!(names, ["nixspam", "bsdlyblack", "friends"]);
        assert_eq!(
            sources[0].message,
            "Mail from %A is refused: the address is on list nixspam"
        );
        let places: Vec<&Place> = sources.iter().map(|s| &s.place).collect();
        assert_eq!(places[0], &Place::File("/var/db/lists/nixspam.gz".into()));
        let url = "https://lists.example.org/bsdlyblack.txt";
        assert_eq!(places[1], &Place::Url(url.into()));
        assert_eq!(sources[2].colour, Colour::White);
    }

    /// J20, J24
    #[test]
    fn j20_the_address_is_filled_in() {
        let address = "192.0.2.9".parse().unwrap();
        assert_eq!(
            filled("Mail from %A is 100%% refused\r\n250 ok", address),
            "Mail from 192.0.2.9 is 100% refused250 ok"
        );
        assert_eq!(filled("%", address), "%");
    }

    #[test]
    fn all_that_is_wrong_is_said_at_once() {
        let text = "all:\\\n\t:a:b:c:d:e:\na:\\\n\t:black:white:file=/x:\nb:black:method=ftp:file=x:\nc:black:\nd:white:method=gopher:file=x:\n";
        let faults = parse(text).unwrap_err();
        let named: Vec<&str> = faults.iter().map(|f| f.entry.as_str()).collect();
        assert_eq!(named, ["a", "b", "c", "d", "e"]);
        assert!(faults[1].why.contains("ftp"));
        assert_eq!(
            parse("a:black:file=/x:").unwrap_err()[0].entry,
            "spamd.conf"
        );
    }

    #[test]
    fn programs_are_argument_vectors() {
        let text = "all:x:\nx:black:method=exec:file=/usr/bin/bgp-dump -j 64512:";
        let words = ["/usr/bin/bgp-dump", "-j", "64512"].map(str::to_owned);
        assert_eq!(parse(text).unwrap()[0].place, Place::Exec(words.to_vec()));
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "[a-z:=\"\\\\\n# ]{0,200}") {
            let _ = parse(&text);
        }
    }
}
