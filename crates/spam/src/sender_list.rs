//! Lists of senders that an administrator or a user allows or denies: addresses, domains, regular expressions (I17, I18).

use regex::{Regex, RegexBuilder};

/// One entry of a list.
#[derive(Clone, Debug)]
pub enum Pattern {
    /// This address.
    Address(String),
    /// This domain and those below it.
    Domain(String),
    /// Addresses that this is found in.
    Expression(Regex),
}

impl Pattern {
    /// Reads `a@b.example`, `@b.example` or `b.example` (and what is below), `/expression/` or `/expression/i`; addresses are in small
    /// letters when expressions look at them.
    pub fn parse(text: &str) -> Result<Pattern, String> {
        let wrong = || {
            format!(
                "\"{text}\" is not a sender: write an address, a domain, or /a regular expression/"
            )
        };
        if let Some(expression) = text.strip_prefix('/') {
            let (expression, flags) = expression.rsplit_once('/').ok_or_else(wrong)?;
            if !matches!(flags, "" | "i") {
                return Err(wrong());
            }
            let regex = RegexBuilder::new(expression)
                .case_insensitive(flags == "i")
                .size_limit(1 << 18)
                .build();
            return regex
                .map(Pattern::Expression)
                .map_err(|why| why.to_string());
        }
        let lower = text.trim().to_lowercase();
        let (local, domain) = lower.rsplit_once('@').unwrap_or(("", &lower));
        let label = |label: &str| !label.is_empty() && !label.contains(char::is_whitespace);
        if !domain.contains('.')
            || !domain.split('.').all(label)
            || local.contains(char::is_whitespace)
        {
            return Err(wrong());
        }
        Ok(match local {
            "" => Pattern::Domain(domain.to_owned()),
            _ => Pattern::Address(lower.clone()),
        })
    }

    /// Is this address meant? In small letters.
    pub fn fits(&self, address: &str) -> bool {
        match self {
            Pattern::Address(named) => named == address,
            Pattern::Domain(named) => {
                let domain = address.rsplit_once('@').map_or("", |(_, domain)| domain);
                let left = domain.strip_suffix(named.as_str());
                left.is_some_and(|left| left.is_empty() || left.ends_with('.'))
            }
            Pattern::Expression(regex) => regex.is_match(address),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(pattern: &str, address: &str) -> bool {
        Pattern::parse(pattern).unwrap().fits(address)
    }

    /// I18
    #[test]
    fn i18_senders_are_named_in_three_ways() {
        assert!(fits("A@b.example", "a@b.example") && !fits("a@b.example", "aa@b.example"));
        for domain in ["@example.bad", "example.bad"] {
            assert!(fits(domain, "x@example.bad") && fits(domain, "x@mail.example.bad"));
            assert!(!fits(domain, "x@badexample.bad") && !fits(domain, "x@example.bad.test"));
        }
        assert!(fits(r"/^[^@]+@example.bad$/i", "x@example.bad"));
        assert!(!fits(r"/^[^@]+@example.bad$/i", "x@example.badder"));
        for wrong in ["", "nobody", "a b@c.example", "/(/", "/x/q", "@", "a@b..c"] {
            assert!(Pattern::parse(wrong).is_err(), "{wrong}");
        }
    }
}
