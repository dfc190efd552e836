//! What the name of a client's address says: none, one that does not lead back, one that a provider gives to dial-in lines (J1–J3).
//!
//! "The look-up failed" is no finding (J2): nobody is refused because a resolver was slow.

use regex::{RegexSet, RegexSetBuilder};

/// What DNS said of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Name<'a> {
    /// This name leads back to the address.
    Confirmed(&'a str),
    /// It has this name, which leads elsewhere.
    Unconfirmed(&'a str),
    /// It has none.
    None,
    /// Not known now.
    Unknown,
}

/// What is wrong with a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fault {
    /// J1
    NoName,
    /// J2
    DoesNotLeadBack,
    /// J3
    Dynamic,
}

impl Fault {
    /// Its stable name, as reasons have one.
    pub fn name(self) -> &'static str {
        match self {
            Fault::NoName => "CLIENT_NO_NAME",
            Fault::DoesNotLeadBack => "CLIENT_NAME_UNCONFIRMED",
            Fault::Dynamic => "CLIENT_NAME_DYNAMIC",
        }
    }
}

/// Patterns of the names of dial-in lines. Small enough to be compiled at each reload.
#[derive(Clone, Debug)]
pub struct DynamicNames {
    patterns: RegexSet,
}

impl DynamicNames {
    /// Compiles patterns (regular expressions, not anchored, of any case; linear time whatever they are).
    pub fn new<T: AsRef<str>>(patterns: &[T]) -> Result<DynamicNames, String> {
        RegexSetBuilder::new(patterns)
            .case_insensitive(true)
            .size_limit(1 << 20)
            .build()
            .map(|patterns| DynamicNames { patterns })
            .map_err(|why| why.to_string())
    }

    /// No pattern: no name is dynamic.
    pub fn none() -> DynamicNames {
        DynamicNames {
            patterns: RegexSet::empty(),
        }
    }

    /// Whether one of them fits.
    pub fn fits(&self, name: &str) -> bool {
        self.patterns.is_match(name)
    }
}

/// What is wrong with the name of a client, if anything. The worst first: what has no name has no pattern.
pub fn fault(name: Name<'_>, dynamic: &DynamicNames) -> Option<Fault> {
    match name {
        Name::Unknown => None,
        Name::None => Some(Fault::NoName),
        Name::Unconfirmed(_) => Some(Fault::DoesNotLeadBack),
        Name::Confirmed(name) => dynamic.fits(name).then_some(Fault::Dynamic),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn j01_to_j03_names() {
        let dynamic = DynamicNames::new(&[r".*\.dyn\..*", r".*\.dsl\..*"]).unwrap();
        for (name, expected) in [
            (Name::None, Some(Fault::NoName)),
            (Name::Unknown, None),
            (
                Name::Unconfirmed("mx.example.org"),
                Some(Fault::DoesNotLeadBack),
            ),
            (Name::Confirmed("a.dyn.isp.example"), Some(Fault::Dynamic)),
            (Name::Confirmed("b.DSL.isp.example"), Some(Fault::Dynamic)),
            (Name::Confirmed("mx.example.org"), None),
        ] {
            assert_eq!(fault(name, &dynamic), expected, "{name:?}");
        }
    }

    #[test]
    fn a_wrong_pattern_is_an_error_and_a_slow_one_is_not_slow() {
        assert!(DynamicNames::new(&["("]).is_err());
        assert!(DynamicNames::new(&["(a{1000}){1000}"]).is_err());
        let greedy = DynamicNames::new(&["(a+)+$"]).unwrap();
        assert!(!greedy.fits(&format!("{}b", "a".repeat(255))));
    }
}
