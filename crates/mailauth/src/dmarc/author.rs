//! Whom a message shows as its author: the domains of From (RFC 9989 §4.5, RFC 5322 §3.6.2).

use message::{address_list, header};

/// Domains that are looked at; mail with more is nobody's honest mail.
const MOST: usize = 4;

/// The domains of all mailboxes of all From fields, lower-case A-labels, each once. Empty: From names nobody.
pub fn author_domains(section: &[u8]) -> Vec<String> {
    let mut domains: Vec<String> = Vec::new();
    for value in header::values(section, "From") {
        for mailbox in address_list::mailboxes(value) {
            if let Some(domain) = domain(&mailbox.domain)
                && !domains.contains(&domain)
                && domains.len() < MOST
            {
                domains.push(domain);
            }
        }
    }
    domains
}

fn domain(octets: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(octets).ok()?.trim_end_matches('.');
    let name = match text.is_ascii() {
        true => text.to_ascii_lowercase(),
        false => idna::domain_to_ascii(text).ok()?,
    };
    let valid = |o: u8| o.is_ascii_alphanumeric() || o == b'-' || o == b'_';
    let label = |label: &str| !label.is_empty() && label.len() <= 63 && label.bytes().all(valid);
    (name.len() <= 253 && name.split('.').all(label)).then_some(name)
}
