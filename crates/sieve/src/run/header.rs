//! `header`, `address`, `exists`, `envelope` (RFC 5228 §5), with `:index` (RFC 5260 §6), `:mime` (RFC 5703 §4) and the parts of an
//! envelope of RFC 6009.

use super::compare::Comparison;
use super::document::decoded;
use super::machine::{Done, Failure, Machine};
use crate::code::{
    AddressPart, AddressTest, EnvelopeTest, HeaderTest, Index, Mime, MimeOption, Text, Zone,
};
use message::{address_list, charset, content};
use std::borrow::Cow;

impl Machine<'_> {
    pub(super) fn header_test(&mut self, test: &HeaderTest) -> Done<bool> {
        let mut comparison = self.comparison(&test.criterion)?;
        for name in &test.headers {
            let name = self.expand(name)?;
            let done = match &test.mime {
                None => self.header_values(&mut comparison, &name, test.index)?,
                Some(mime) => {
                    let values = self.mime_values(mime, &name, test.index)?;
                    self.feed_all(&mut comparison, &values)?
                }
            };
            if done {
                break;
            }
        }
        Ok(self.settle(comparison))
    }

    pub(super) fn feed_all(
        &mut self,
        comparison: &mut Comparison<'_>,
        values: &[String],
    ) -> Done<bool> {
        for value in values {
            if self.feed(comparison, value)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The usual case, without copies.
    fn header_values(
        &mut self,
        comparison: &mut Comparison<'_>,
        name: &str,
        index: Option<Index>,
    ) -> Done<bool> {
        let Machine {
            document,
            budget,
            host,
            run,
            ..
        } = self;
        for field in chosen(document.named(name), index) {
            if comparison.value(field.text(), run.traced, budget, *host)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Values of fields of the current part, or of all its descendants too (RFC 5703 §4.1).
    fn mime_values(&mut self, mime: &Mime, name: &str, index: Option<Index>) -> Done<Vec<String>> {
        let raw = self.raw_mime_values(mime, name, index)?;
        let names = match &mime.option {
            MimeOption::Param(names) => self.expand_all(names)?,
            _ => Vec::new(),
        };
        Ok(raw
            .iter()
            .flat_map(|value| mime_option(&mime.option, &names, name, value))
            .collect())
    }

    fn raw_mime_values(
        &mut self,
        mime: &Mime,
        name: &str,
        index: Option<Index>,
    ) -> Done<Vec<Vec<u8>>> {
        let mut values = Vec::new();
        for part in self.mime_parts(mime)? {
            self.budget.spend(1)?;
            match part {
                None | Some(0) => {
                    let fields = chosen(self.document.named(name), index);
                    values.extend(fields.map(|field| field.value().to_vec()));
                }
                Some(at) => {
                    self.budget.look(self.part_header(at).len())?;
                    let header = self.part_header(at);
                    let found: Vec<&[u8]> = message::header::values(header, name).collect();
                    values.extend(chosen(found.into_iter(), index).map(<[u8]>::to_vec));
                }
            }
        }
        Ok(values)
    }

    /// Which parts a `:mime` test looks at; `None` is the message without its parts being known.
    fn mime_parts(&mut self, mime: &Mime) -> Done<Vec<Option<usize>>> {
        let current = self.parts.last().copied();
        if !mime.any_child {
            return Ok(vec![current]);
        }
        let at = current.unwrap_or(0);
        let parts = self.load_parts()?;
        Ok((at..parts.end_of(at)).map(Some).collect())
    }

    pub(super) fn exists(&mut self, mime: Option<&Mime>, headers: &[Text]) -> Done<bool> {
        for name in headers {
            let name = self.expand(name)?;
            let there = match mime {
                None => self.document.named(&name).next().is_some(),
                Some(mime) => !self.raw_mime_values(mime, &name, None)?.is_empty(),
            };
            if !there {
                return Ok(false);
            }
        }
        Ok(true)
    }

    pub(super) fn address_test(&mut self, test: &AddressTest) -> Done<bool> {
        let mut comparison = self.comparison(&test.criterion)?;
        let separator = self.host.subaddress_separator();
        for name in &test.headers {
            let name = self.expand(name)?;
            // `:index` counts header fields, not the addresses in them (RFC 5260 §6).
            let values: Vec<Vec<u8>> = match &test.mime {
                None => chosen(self.document.named(&name), test.index)
                    .map(|field| field.value().to_vec())
                    .collect(),
                Some(mime) => self.raw_mime_values(mime, &name, test.index)?,
            };
            for mailbox in values
                .iter()
                .flat_map(|value| address_list::mailboxes(value))
            {
                let address = Parsed {
                    local: charset::guess(&mailbox.local),
                    domain: charset::guess(&mailbox.domain),
                };
                if self.feed_part(&mut comparison, &address, test.part, separator)? {
                    return Ok(self.settle(comparison));
                }
            }
        }
        Ok(self.settle(comparison))
    }

    fn feed_part(
        &mut self,
        comparison: &mut Comparison<'_>,
        address: &Parsed,
        part: AddressPart,
        separator: char,
    ) -> Done<bool> {
        match address.part(part, separator) {
            Some(text) => self.feed(comparison, &text),
            None => Ok(false),
        }
    }

    pub(super) fn envelope_test(&mut self, test: &EnvelopeTest) -> Done<bool> {
        if self.is_imap_event() {
            // RFC 6785 §4.6
            return Err(Failure::script(
                "envelope is for mail that arrives: a message in a mailbox has none",
            ));
        }
        let mut comparison = self.comparison(&test.criterion)?;
        let separator = self.host.subaddress_separator();
        for field in &test.fields {
            let field = self.expand(field)?.to_ascii_lowercase();
            let done = match field.as_str() {
                "from" | "to" => {
                    let envelope = self.run.envelope;
                    let text = if field == "from" {
                        &envelope.from
                    } else {
                        &envelope.to
                    };
                    self.feed_part(&mut comparison, &Parsed::new(text), test.part, separator)?
                }
                "bytimeabsolute" => {
                    let deadline = self.deadline(&test.zone)?;
                    self.feed_all(&mut comparison, deadline.as_slice())?
                }
                _ => {
                    let values = self.envelope_values(&field);
                    self.feed_all(&mut comparison, &values)?
                }
            };
            if done {
                break;
            }
        }
        Ok(self.settle(comparison))
    }

    /// `bytimeabsolute` (RFC 6009 §5), written as `date` writes its `iso8601`.
    fn deadline(&mut self, zone: &Zone) -> Done<Option<String>> {
        let by = self.run.envelope.by.as_ref();
        let time = by.and_then(|by| jiff::Timestamp::from_second(by.deadline).ok());
        let zone = self.zone(zone, None)?;
        Ok(time.and_then(|time| super::dates::value(&time.to_zoned(zone), "iso8601")))
    }

    /// Parts of the envelope that are no addresses (RFC 6009 §4, §5).
    fn envelope_values(&self, field: &str) -> Vec<String> {
        let envelope = self.run.envelope;
        let dsn = &envelope.dsn;
        let by = envelope.by.as_ref();
        let one = match field {
            "auth" => envelope.auth.clone(),
            "notify" => {
                return dsn
                    .notify
                    .iter()
                    .map(|word| word.to_ascii_uppercase())
                    .collect();
            }
            "orcpt" => dsn.orcpt.clone(),
            "ret" => dsn.ret.as_ref().map(|word| word.to_ascii_uppercase()),
            "envid" => dsn.envid.clone(),
            "bytimerelative" => by.map(|by| by.seconds.to_string()),
            "bymode" => by.map(|by| if by.or_return { "return" } else { "notify" }.to_owned()),
            "bytrace" => by.map(|by| if by.trace { "trace" } else { "" }.to_owned()),
            _ => None,
        };
        one.into_iter().collect()
    }
}

/// All of them, or the one that `:index` names.
pub(super) fn chosen<T>(
    items: impl DoubleEndedIterator<Item = T>,
    index: Option<Index>,
) -> impl Iterator<Item = T> {
    let mut items = items;
    let mut all = index.is_none();
    let mut one = index.and_then(|index| {
        let skip = usize::try_from(index.number - 1).ok()?;
        if index.last {
            items.nth_back(skip)
        } else {
            items.nth(skip)
        }
    });
    std::iter::from_fn(move || match one.take() {
        Some(item) => Some(item),
        None if all => {
            let next = items.next();
            all = next.is_some();
            next
        }
        None => None,
    })
}

/// What `:type`, `:param` and their like take out of a value; of other fields than these two, a blank string (RFC 5703 §4.2).
fn mime_option(option: &MimeOption, names: &[String], field: &str, value: &[u8]) -> Vec<String> {
    let media = || {
        let is = field.eq_ignore_ascii_case("content-type");
        is.then(|| content::media_type(value)).flatten()
    };
    let disposition = || {
        let is = field.eq_ignore_ascii_case("content-disposition");
        is.then(|| content::disposition(value)).flatten()
    };
    let one = |text: Option<String>| vec![text.unwrap_or_default()];
    match option {
        MimeOption::Whole => vec![decoded(value)],
        MimeOption::Type => one(media()
            .map(|m| m.main)
            .or_else(|| disposition().map(|(kind, _)| kind))),
        MimeOption::Subtype => one(media().map(|m| m.sub)),
        MimeOption::ContentType => one(media()
            .map(|m| format!("{}/{}", m.main, m.sub))
            .or_else(|| disposition().map(|(kind, _)| kind))),
        MimeOption::Param(_) => {
            let params = media().map(|m| m.params);
            let params = params.or_else(|| disposition().map(|(_, params)| params));
            let Some(params) = params else {
                return vec![String::new()];
            };
            let find = |name: &String| content::param(&params, &name.to_ascii_lowercase());
            names.iter().filter_map(find).collect()
        }
    }
}

/// An address in its two halves, well-formed or not.
struct Parsed {
    local: String,
    domain: String,
}

impl Parsed {
    /// Of an envelope: text without a domain is a local part.
    fn new(text: &str) -> Parsed {
        let divided = text
            .rsplit_once('@')
            .filter(|(_, domain)| !domain.is_empty());
        let (local, domain) = divided.unwrap_or((text, ""));
        let unquoted = local.strip_prefix('"').and_then(|l| l.strip_suffix('"'));
        Parsed {
            local: unquoted.map_or_else(
                || local.to_owned(),
                |l| l.replace("\\\"", "\"").replace("\\\\", "\\"),
            ),
            domain: domain.to_owned(),
        }
    }

    /// `None`: there is no such part, so that no key matches (RFC 5233 §4).
    fn part(&self, part: AddressPart, separator: char) -> Option<Cow<'_, str>> {
        let divided = || self.local.split_once(separator);
        match part {
            AddressPart::All if self.domain.is_empty() => Some(Cow::Borrowed(&self.local)),
            AddressPart::All => Some(Cow::Owned(format!("{}@{}", self.local, self.domain))),
            AddressPart::LocalPart => Some(Cow::Borrowed(&self.local)),
            AddressPart::Domain => Some(Cow::Borrowed(&self.domain)),
            AddressPart::User => Some(Cow::Borrowed(
                divided().map_or(&*self.local, |(user, _)| user),
            )),
            AddressPart::Detail => divided().map(|(_, detail)| Cow::Borrowed(detail)),
        }
    }
}
