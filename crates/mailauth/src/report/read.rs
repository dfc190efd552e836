//! Reads an aggregate report (RFC 9990, and the older form of RFC 7489), tolerantly: elements are known by name, whatever their
//! namespace and order, and what is unknown is passed over. A document with a type declaration is refused, so there are no entities of
//! its own; nothing is fetched.

use super::aggregate::{Aggregate, DkimEvidence, Evaluated, Reason, Row, SpfEvidence};
use super::{Unreadable, plain};
use quick_xml::Reader;
use quick_xml::events::{BytesRef, Event};
use std::borrow::Cow;

/// Elements within elements; a report has six levels.
const DEPTH: usize = 16;
/// Rows that are read.
const ROWS: usize = 20_000;
/// Characters of one value.
const LONGEST: usize = 500;
/// Results of one row, errors, and reasons.
const MOST: usize = 100;

pub(super) fn aggregate(octets: &[u8]) -> Result<Aggregate, Unreadable> {
    let text = text(octets);
    let mut parser = Parser::default();
    let mut reader = Reader::from_str(&text);
    reader.config_mut().expand_empty_elements = true;
    loop {
        let event = reader.read_event();
        let event =
            event.map_err(|why| Unreadable::because(format!("its XML is broken: {why}")))?;
        match event {
            Event::Start(start) => parser.begin(start.local_name().as_ref())?,
            Event::End(_) => parser.end(),
            Event::Text(text) => parser.text(&text.decode().unwrap_or_default()),
            Event::CData(text) => parser.text(&text.decode().unwrap_or_default()),
            Event::GeneralRef(reference) => {
                parser.text(entity(&reference).as_deref().unwrap_or("?"))
            }
            Event::DocType(_) => {
                return Err(Unreadable::because(
                    "it has a document type declaration, which reports have not",
                ));
            }
            Event::Eof => break,
            _ => {}
        }
    }
    parser.finish()
}

/// Reports claim all sorts of encodings and are ASCII; other octets are shown as they can be.
fn text(octets: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(octets.strip_prefix(b"\xef\xbb\xbf").unwrap_or(octets))
}

/// A character reference, or one of the five entities of XML itself.
fn entity(reference: &BytesRef<'_>) -> Option<String> {
    if let Ok(Some(character)) = reference.resolve_char_ref() {
        return Some(character.to_string());
    }
    let name = reference.decode().ok()?;
    quick_xml::escape::resolve_predefined_entity(&name).map(str::to_string)
}

#[derive(Default)]
struct Parser {
    /// Names of the elements that are open, the outermost first.
    open: Vec<String>,
    value: String,
    is_report: bool,
    report: Aggregate,
    row: Row,
    reason: Reason,
    dkim: DkimEvidence,
    spf: SpfEvidence,
}

impl Parser {
    fn begin(&mut self, name: &[u8]) -> Result<(), Unreadable> {
        if self.open.len() == DEPTH {
            return Err(Unreadable::because("its XML is nested too deeply"));
        }
        let name = String::from_utf8_lossy(&name[..name.len().min(64)]).into_owned();
        if self.open.is_empty() {
            if name != "feedback" {
                return Err(Unreadable::because(format!(
                    "it is XML, but a <{}> and no <feedback>",
                    plain(&name, 40)
                )));
            }
            self.is_report = true;
        }
        self.open.push(name);
        self.value.clear();
        Ok(())
    }

    fn text(&mut self, text: &str) {
        let room = (LONGEST * 4).saturating_sub(self.value.len());
        self.value.extend(text.chars().take(room));
    }

    fn end(&mut self) {
        let Some(name) = self.open.pop() else {
            return;
        };
        let value = plain(&std::mem::take(&mut self.value), LONGEST);
        let above = self.open.last().cloned().unwrap_or_default();
        match above.as_str() {
            "report_metadata" | "date_range" => self.metadata(&name, value),
            "policy_published" => self.published(&name, value),
            "row" | "policy_evaluated" | "reason" | "identifiers" => self.evaluated(&name, value),
            "auth_results" | "dkim" | "spf" => self.proved(&above, &name, value),
            "feedback" if name == "record" => self.end_row(),
            _ => {}
        }
    }

    fn metadata(&mut self, name: &str, value: String) {
        let report = &mut self.report;
        match name {
            "org_name" => report.organization = value,
            "email" => report.email = value,
            "extra_contact_info" => report.contact = value,
            "report_id" => report.id = value,
            "begin" => report.begin = value.parse().unwrap_or_default(),
            "end" => report.end = value.parse().unwrap_or_default(),
            "error" if report.errors.len() < MOST && !value.is_empty() => report.errors.push(value),
            _ => {}
        }
    }

    fn published(&mut self, name: &str, value: String) {
        let policy = &mut self.report.policy;
        match name {
            "domain" => policy.domain = value.to_ascii_lowercase(),
            "p" => policy.policy = value,
            "sp" => policy.subdomains = value,
            "np" => policy.nonexistent = value,
            "adkim" => policy.dkim = value,
            "aspf" => policy.spf = value,
            "testing" => policy.testing = value.eq_ignore_ascii_case("y"),
            "fo" => policy.failures = value,
            _ => {}
        }
    }

    fn evaluated(&mut self, name: &str, value: String) {
        let row = &mut self.row;
        let Evaluated {
            disposition,
            dkim,
            spf,
            reasons,
        } = &mut row.evaluated;
        match name {
            "source_ip" => row.source = value,
            "count" => row.count = value.parse().unwrap_or_default(),
            "disposition" => *disposition = value,
            "dkim" => *dkim = value.eq_ignore_ascii_case("pass"),
            "spf" => *spf = value.eq_ignore_ascii_case("pass"),
            "type" => self.reason.kind = value,
            "comment" => self.reason.comment = value,
            "reason" => {
                let reason = std::mem::take(&mut self.reason);
                if reasons.len() < MOST {
                    reasons.push(reason);
                }
            }
            "header_from" => row.author = value.to_ascii_lowercase(),
            "envelope_from" => row.sender = Some(value.to_ascii_lowercase()),
            "envelope_to" => row.recipient = Some(value.to_ascii_lowercase()),
            _ => {}
        }
    }

    fn proved(&mut self, above: &str, name: &str, value: String) {
        match (above, name) {
            ("auth_results", "dkim") => {
                let dkim = std::mem::take(&mut self.dkim);
                if self.row.dkim.len() < MOST {
                    self.row.dkim.push(dkim);
                }
            }
            ("auth_results", "spf") => {
                let spf = std::mem::take(&mut self.spf);
                if self.row.spf.len() < MOST {
                    self.row.spf.push(spf);
                }
            }
            ("dkim", "domain") => self.dkim.domain = value.to_ascii_lowercase(),
            ("dkim", "selector") => self.dkim.selector = value,
            ("dkim", "result") => self.dkim.result = value,
            ("spf", "domain") => self.spf.domain = value.to_ascii_lowercase(),
            ("spf", "scope") => self.spf.scope = value,
            ("spf", "result") => self.spf.result = value,
            _ => {}
        }
    }

    fn end_row(&mut self) {
        let row = std::mem::take(&mut self.row);
        match self.report.rows.len() < ROWS {
            true => self.report.rows.push(row),
            false => self.report.cut = true,
        }
    }

    fn finish(self) -> Result<Aggregate, Unreadable> {
        let unfinished = !self.open.is_empty();
        match (self.is_report, self.report.policy.domain.is_empty()) {
            (false, _) => Err(Unreadable::because("it is no XML document")),
            _ if unfinished => Err(Unreadable::because("it ends in the middle")),
            (true, true) => Err(Unreadable::because(
                "it does not say which domain it is about",
            )),
            (true, false) => Ok(self.report),
        }
    }
}
