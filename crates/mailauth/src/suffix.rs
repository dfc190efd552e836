//! The list of public suffixes (publicsuffix.org): where registration ends and organizations begin.
//!
//! DMARC does not use it any more (RFC 9989 asks DNS); it serves where DNS must not be asked: sorting, counting, telling domains
//! apart.

/// The domain that somebody has registered: one label more than its public suffix, lower-case, in the form it was given.
/// `None` for suffixes, and for what is no name.
pub fn registrable_domain(name: &str) -> Option<String> {
    let name = name.strip_suffix('.').unwrap_or(name).to_lowercase();
    if name.split('.').any(str::is_empty) {
        return None;
    }
    // The list is in Unicode.
    if name.is_ascii() && name.contains("xn--") {
        let (unicode, valid) = idna::domain_to_unicode(&name);
        valid.ok()?;
        let found = psl::domain_str(&unicode)?;
        return idna::domain_to_ascii(found).ok();
    }
    psl::domain_str(&name).map(str::to_string)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_belong_to_who_registered_them() {
        for (name, registered) in [
            ("a.b.Example.COM", Some("example.com")),
            ("example.com.", Some("example.com")),
            ("com", None),
            (".example.com", None),
            ("", None),
            ("a.b.example.co.uk", Some("example.co.uk")),
            ("co.uk", None),
            ("www.ck", Some("www.ck")),
            ("test.ck", None),
            ("b.test.ck", Some("b.test.ck")),
            ("city.kobe.jp", Some("city.kobe.jp")),
            ("食狮.公司.cn", Some("食狮.公司.cn")),
            (
                "xn--85x722f.xn--55qx5d.cn",
                Some("xn--85x722f.xn--55qx5d.cn"),
            ),
            ("xn--55qx5d.cn", None),
            ("b.example.example", Some("example.example")),
        ] {
            assert_eq!(registrable_domain(name).as_deref(), registered, "{name}");
        }
    }
}
