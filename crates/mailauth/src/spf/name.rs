//! Domain names as SPF sees them (RFC 7208 §4.3, §4.8).

/// Octets of a name without its final dot.
const LONGEST: usize = 253;

/// A name that DNS can be asked for, lower-case and without its final dot. `None`: malformed, so it does not exist.
pub(super) fn queryable(name: &str) -> Option<String> {
    let name = name.strip_suffix('.').unwrap_or(name);
    let fits = |label: &str| !label.is_empty() && label.len() <= 63;
    (!name.is_empty() && name.len() <= LONGEST && name.is_ascii() && name.split('.').all(fits))
        .then(|| name.to_ascii_lowercase())
}

/// The domain of a sender or a HELO: as [`queryable`], with at least two labels, and no address literal.
pub(super) fn sending(name: &str) -> Option<String> {
    let name = queryable(&ascii(name))?;
    let is_name = |label: &str| {
        label
            .bytes()
            .all(|o| o.is_ascii_alphanumeric() || o == b'-' || o == b'_')
    };
    (name.contains('.') && name.split('.').all(is_name)).then_some(name)
}

/// International names are looked up by their A-labels.
fn ascii(name: &str) -> String {
    match name.is_ascii() {
        true => name.to_string(),
        false => idna::domain_to_ascii(name).unwrap_or_else(|_| name.to_string()),
    }
}

/// An expanded name that is too long loses labels on its left (§7.3).
pub(super) fn shortened(name: &str) -> &str {
    let mut rest = name;
    while rest.trim_end_matches('.').len() > LONGEST {
        match rest.split_once('.') {
            Some((_, right)) => rest = right,
            None => break,
        }
    }
    rest
}

/// Is this name the domain or below it?
pub(super) fn is_within(name: &str, domain: &str) -> bool {
    let (name, domain) = (name.to_ascii_lowercase(), domain.to_ascii_lowercase());
    name == domain
        || name
            .strip_suffix(&domain)
            .is_some_and(|left| left.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc7208_section_4_3_malformed_domains() {
        let long = "a".repeat(64);
        for bad in [
            "",
            "a..b",
            ".a.b",
            "localhost",
            "[192.0.2.1]",
            &format!("{long}.example"),
        ] {
            assert_eq!(sending(bad), None, "{bad}");
        }
        assert_eq!(sending("Mail.Example."), Some("mail.example".into()));
        assert_eq!(
            sending("bücher.example"),
            Some("xn--bcher-kva.example".into())
        );
    }

    #[test]
    fn rfc7208_section_7_3_long_names_lose_their_left() {
        let name = format!("{}example.com", "abcdefghi.".repeat(30));
        assert_eq!(shortened(&name).len(), 251);
        assert!(is_within("A.example.com", "example.COM"));
        assert!(!is_within("badexample.com", "example.com"));
    }
}
