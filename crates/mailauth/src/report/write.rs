//! An aggregate report as XML (RFC 9990 §3.1.1 and Appendix A), and the names that go with it.

use super::aggregate::{Aggregate, Published, Row};
use quick_xml::escape::escape;
use std::fmt::Write as _;

/// Signatures of one row (RFC 9990 §3.1.3).
const SIGNATURES: usize = 100;

impl Aggregate {
    /// The document. `generator` names the program.
    pub fn xml(&self, generator: &str) -> String {
        let mut xml = Xml::default();
        xml.text.push_str(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<feedback xmlns=\"urn:ietf:params:xml:ns:dmarc-2.0\">\n",
        );
        xml.depth = 1;
        xml.leaf("version", "1.0");
        xml.within("report_metadata", |xml| self.metadata(xml, generator));
        xml.within("policy_published", |xml| published(xml, &self.policy));
        for row in &self.rows {
            xml.within("record", |xml| record(xml, row));
        }
        xml.text.push_str("</feedback>\n");
        xml.text
    }

    fn metadata(&self, xml: &mut Xml, generator: &str) {
        xml.leaf("org_name", &self.organization);
        xml.leaf("email", &self.email);
        xml.optional("extra_contact_info", &self.contact);
        xml.leaf("report_id", &self.id);
        xml.within("date_range", |xml| {
            xml.leaf("begin", &self.begin.to_string());
            xml.leaf("end", &self.end.to_string());
        });
        if !self.errors.is_empty() {
            xml.leaf("error", &self.errors.join("; "));
        }
        xml.leaf("generator", generator);
    }

    /// The name of the file without its extension (RFC 9990 §3.5.2): `receiver` is who reports.
    pub fn file_name(&self, receiver: &str, unique: &str) -> String {
        let (domain, begin, end) = (&self.policy.domain, self.begin, self.end);
        match unique {
            "" => format!("{receiver}!{domain}!{begin}!{end}"),
            unique => format!("{receiver}!{domain}!{begin}!{end}!{unique}"),
        }
    }
}

fn published(xml: &mut Xml, policy: &Published) {
    xml.leaf("domain", &policy.domain);
    xml.leaf("discovery_method", "treewalk");
    xml.leaf("p", &policy.policy);
    xml.optional("sp", &policy.subdomains);
    xml.optional("np", &policy.nonexistent);
    xml.optional("fo", &policy.failures);
    xml.optional("adkim", &policy.dkim);
    xml.optional("aspf", &policy.spf);
    xml.leaf("testing", if policy.testing { "y" } else { "n" });
}

fn record(xml: &mut Xml, row: &Row) {
    let word = |good| if good { "pass" } else { "fail" };
    xml.within("row", |xml| {
        xml.leaf("source_ip", &row.source);
        xml.leaf("count", &row.count.to_string());
        xml.within("policy_evaluated", |xml| {
            xml.leaf("disposition", &row.evaluated.disposition);
            xml.leaf("dkim", word(row.evaluated.dkim));
            xml.leaf("spf", word(row.evaluated.spf));
            for reason in &row.evaluated.reasons {
                xml.within("reason", |xml| {
                    xml.leaf("type", &reason.kind);
                    xml.optional("comment", &reason.comment);
                });
            }
        });
    });
    xml.within("identifiers", |xml| {
        xml.leaf("header_from", &row.author);
        if let Some(sender) = &row.sender {
            xml.leaf("envelope_from", sender);
        }
        if let Some(recipient) = &row.recipient {
            xml.leaf("envelope_to", recipient);
        }
    });
    xml.within("auth_results", |xml| {
        for signature in row.dkim.iter().take(SIGNATURES) {
            xml.within("dkim", |xml| {
                xml.leaf("domain", &signature.domain);
                xml.leaf("selector", &signature.selector);
                xml.leaf("result", &signature.result);
            });
        }
        for spf in row.spf.iter().take(1) {
            xml.within("spf", |xml| {
                xml.leaf("domain", &spf.domain);
                xml.optional("scope", &spf.scope);
                xml.leaf("result", &spf.result);
            });
        }
    });
}

#[derive(Default)]
struct Xml {
    text: String,
    depth: usize,
}

impl Xml {
    fn within(&mut self, name: &str, content: impl FnOnce(&mut Xml)) {
        self.indent();
        let _ = writeln!(self.text, "<{name}>");
        self.depth += 1;
        content(self);
        self.depth -= 1;
        self.indent();
        let _ = writeln!(self.text, "</{name}>");
    }

    fn leaf(&mut self, name: &str, value: &str) {
        // XML 1.0 §2.2 has no place for control characters, not even escaped.
        let allowed = |c: char| !c.is_control() && !matches!(c, '\u{fffe}' | '\u{ffff}');
        let value: String = value.chars().filter(|c| allowed(*c)).collect();
        self.indent();
        let _ = writeln!(self.text, "<{name}>{}</{name}>", escape(value.as_str()));
    }

    /// Not written if it is empty.
    fn optional(&mut self, name: &str, value: &str) {
        if !value.is_empty() {
            self.leaf(name, value);
        }
    }

    fn indent(&mut self) {
        self.text.extend(std::iter::repeat_n("  ", self.depth));
    }
}
