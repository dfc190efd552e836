//! Who an entry of an access control list is for (RFC 4314 §3): an address, `anyone`, `$group`, each with `-` for rights taken away.

use crate::tx::Tx;
use crate::{Error, Result, account};

/// Octets of the longest group name.
const LONGEST_GROUP: usize = 64;

/// Who. Only [`Identifier::parse`] makes one that is new, so it names an account that exists, `anyone` or a group.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Identifier(String);

impl Identifier {
    /// Everybody in the owner's domain.
    pub const ANYONE: &'static str = "anyone";

    /// As people write it: in any case, and a name without a domain belongs to `domain`.
    /// [`Error::Missing`] if it names no account, [`Error::Refused`] if it can name none.
    pub fn parse(tx: &mut Tx<'_>, text: &str, domain: &str) -> Result<Identifier> {
        let (sign, who) = match text.strip_prefix('-') {
            Some(who) => ("-", who),
            None => ("", text),
        };
        let who = match who.strip_prefix('$') {
            Some(group) => format!("${}", group_name(group)?),
            None if who.eq_ignore_ascii_case(Identifier::ANYONE) => Identifier::ANYONE.to_owned(),
            None => address(tx, who, domain)?,
        };
        Ok(Identifier(format!("{sign}{who}")))
    }

    /// As the database has it.
    pub(super) fn stored(text: String) -> Identifier {
        Identifier(text)
    }

    /// As it is told.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Are these rights taken away?
    pub fn is_negative(&self) -> bool {
        self.0.starts_with('-')
    }

    /// Without the sign.
    pub fn who(&self) -> &str {
        self.0.strip_prefix('-').unwrap_or(&self.0)
    }
}

fn address(tx: &mut Tx<'_>, who: &str, domain: &str) -> Result<String> {
    let address = match who.contains('@') {
        true => who.to_lowercase(),
        false => format!("{who}@{domain}").to_lowercase(),
    };
    match account::by_address(tx, &address)? {
        Some(account) => Ok(account.address),
        None => Err(Error::Missing(format!(
            "account {}",
            address.escape_debug()
        ))),
    }
}

/// A group's name without its `$`: lower case, letters, digits and `.-_`.
pub(super) fn group_name(name: &str) -> Result<String> {
    let name = name.strip_prefix('$').unwrap_or(name).to_lowercase();
    let belongs = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_');
    match !name.is_empty() && name.len() <= LONGEST_GROUP && name.chars().all(belongs) {
        true => Ok(name),
        false => Err(Error::Refused(format!(
            "“{}” is not a group's name: letters, digits, `.`, `-` and `_`, at most {LONGEST_GROUP} octets",
            name.escape_debug()
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_groups() {
        assert_eq!(group_name("$Family").as_deref(), Ok("family"));
        assert_eq!(
            group_name("familie-müller").as_deref(),
            Ok("familie-müller")
        );
        for wrong in ["", "$", "a b", "a/b", "a@b", &"x".repeat(65)] {
            assert!(
                matches!(group_name(wrong), Err(Error::Refused(_))),
                "{wrong}"
            );
        }
    }

    #[test]
    fn the_sign_is_not_part_of_the_name() {
        let taken = Identifier::stored("-anyone".into());
        assert!(taken.is_negative());
        assert_eq!(taken.who(), Identifier::ANYONE);
    }
}
