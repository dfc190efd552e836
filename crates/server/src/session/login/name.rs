//! Log-in names: which are looked up at all, and which address a short one means.

use store::{Result, Tx, domain};

/// Longer than any address (RFC 5321 §4.5.3.1).
const MAX_NAME: usize = 320;

/// A name of harmless characters (B24), lower-case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LoginName(String);

impl LoginName {
    /// `None`: not looked up, whatever it is.
    pub(super) fn parse(text: &str) -> Option<LoginName> {
        let harmless = |octet: u8| octet.is_ascii_alphanumeric() || b".-_@+".contains(&octet);
        let one_domain =
            text.matches('@').count() <= 1 && !text.starts_with('@') && !text.ends_with('@');
        let fits = !text.is_empty() && text.len() <= MAX_NAME;
        (fits && one_domain && text.bytes().all(harmless))
            .then(|| LoginName(text.to_ascii_lowercase()))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// The address it stands for; `None`: it has no domain, and nothing says which is meant (B7).
    pub(super) fn address(&self, tx: &mut Tx<'_>, default: Option<&str>) -> Result<Option<String>> {
        if self.0.contains('@') {
            return Ok(Some(self.0.clone()));
        }
        let domain = domain_of_short_names(tx, default)?;
        Ok(domain.map(|domain| format!("{}@{domain}", self.0)))
    }
}

/// The domain of names without one (B7): the default of the settings, else the only domain hosted.
pub fn domain_of_short_names(tx: &mut Tx<'_>, default: Option<&str>) -> Result<Option<String>> {
    if let Some(default) = default {
        return Ok(Some(default.to_owned()));
    }
    let mut own = domain::list(tx)?
        .into_iter()
        .filter(|domain| domain.alias_of.is_none());
    Ok(match (own.next(), own.next()) {
        (Some(only), None) => Some(only.name),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::LoginName;

    /// B24
    #[test]
    fn b24_only_harmless_names_are_looked_up() {
        for good in ["alice@example.com", "Alice.B-c_d+e@example.com", "alice"] {
            assert_eq!(
                LoginName::parse(good).unwrap().as_str(),
                good.to_lowercase()
            );
        }
        for bad in [
            "",
            "a'b@x",
            "../x",
            "a b",
            "a@b@c",
            "@x",
            "a@",
            "a\0b",
            "ä@x",
            "a%b",
            "a\"b",
            &"a".repeat(321),
        ] {
            assert_eq!(LoginName::parse(bad), None, "{bad}");
        }
    }
}
