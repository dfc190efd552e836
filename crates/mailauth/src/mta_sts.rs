//! MTA-STS (RFC 8461): the record that says there is a policy (§3.1), the policy itself (§3.2), and whether a host is in it (§4.1).
//! It fetches nothing and keeps nothing.

use std::time::Duration;

/// The largest policy that is read (RFC 8461 §3.3 suggests 64 KB).
pub const LARGEST: usize = 64 * 1024;
/// The longest a policy may be kept (§3.2).
const LONGEST: u64 = 31_557_600;
/// Hosts of a policy that are kept.
const HOSTS: usize = 1000;

/// What a policy asks for (§5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Deliver only to hosts that fit.
    Enforce,
    /// Deliver as if there was none, and report what would have failed.
    Testing,
    /// There is none any more.
    None,
}

/// A policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// What it asks for.
    pub mode: Mode,
    /// How long it holds from when it was fetched.
    pub max_age: Duration,
    /// Hosts, `mx.example.com` or `*.example.com`, lower-case.
    pub mx: Vec<String>,
}

/// Why a text is no policy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an MTA-STS policy: {0}")]
pub struct Invalid(pub &'static str);

/// The `id` of the only record that begins with `v=STSv1` (§3.1). None, or several: there is no policy.
pub fn id(records: &[String]) -> Option<String> {
    let mut ours = records
        .iter()
        .filter(|record| record.trim_start().starts_with("v=STSv1"));
    let (record, another) = (ours.next()?, ours.next());
    if another.is_some() {
        return None;
    }
    let mut fields = record.split(';').map(str::trim);
    if fields.next() != Some("v=STSv1") {
        return None;
    }
    let id = fields.find_map(|field| {
        let (name, value) = field.split_once('=')?;
        (name.trim() == "id").then(|| value.trim())
    })?;
    let fits =
        (1..=32).contains(&id.len()) && id.bytes().all(|octet| octet.is_ascii_alphanumeric());
    fits.then(|| id.to_string())
}

impl Policy {
    /// Reads a policy file.
    pub fn parse(text: &str) -> Result<Policy, Invalid> {
        let (mut version, mut mode, mut max_age, mut mx) = (None, None, None, Vec::new());
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            let (name, value) = line
                .split_once(':')
                .ok_or(Invalid("a line without a colon"))?;
            let value = value.trim();
            match name.trim() {
                "version" => version = version.or(Some(value)),
                "mode" => mode = mode.or(Some(value)),
                "max_age" => max_age = max_age.or(Some(value)),
                "mx" if mx.len() < HOSTS => {
                    mx.push(value.trim_end_matches('.').to_ascii_lowercase())
                }
                _ => {}
            }
        }
        if version != Some("STSv1") {
            return Err(Invalid("its version is not STSv1"));
        }
        let mode = match mode {
            Some("enforce") => Mode::Enforce,
            Some("testing") => Mode::Testing,
            Some("none") => Mode::None,
            _ => return Err(Invalid("its mode is none of enforce, testing, none")),
        };
        if mx.is_empty() && mode != Mode::None {
            return Err(Invalid("it names no mx"));
        }
        let seconds = max_age.and_then(|text| text.parse::<u64>().ok());
        let seconds = seconds.ok_or(Invalid("its max_age is missing or no number"))?;
        Ok(Policy {
            mode,
            max_age: Duration::from_secs(seconds.min(LONGEST)),
            mx,
        })
    }

    /// Is this host in the policy? A `*` stands for one label (§4.1).
    pub fn covers(&self, host: &str) -> bool {
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        self.mx
            .iter()
            .any(|pattern| match pattern.strip_prefix("*.") {
                Some(parent) => host
                    .split_once('.')
                    .is_some_and(|(label, rest)| !label.is_empty() && rest == parent),
                None => *pattern == host,
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn rfc_8461_3_1_record() {
        let records =
            |texts: &[&str]| id(&texts.iter().map(ToString::to_string).collect::<Vec<_>>());
        assert_eq!(
            records(&["v=STSv1; id=20160831085700Z;"]).unwrap(),
            "20160831085700Z"
        );
        assert_eq!(records(&["v=spf1 -all", "v=STSv1;id=1"]).unwrap(), "1");
        assert_eq!(records(&["v=STSv1; id=1", "v=STSv1; id=2"]), None);
        assert_eq!(records(&["v=STSv1;"]), None);
        assert_eq!(records(&["v=STSv12; id=1"]), None);
        assert_eq!(records(&["v=STSv1; id=a-b"]), None);
        assert_eq!(records(&[]), None);
    }

    #[test]
    fn rfc_8461_3_2_policy() {
        let text = "version: STSv1\r\nmode: enforce\r\nmx: mail.example.com\r\nmx: *.example.net\r\nmx: backupmx.example.com\r\nmax_age: 604800\r\n";
        let policy = Policy::parse(text).unwrap();
        assert_eq!(policy.mode, Mode::Enforce);
        assert_eq!(policy.max_age, Duration::from_secs(604_800));
        assert!(policy.covers("MAIL.example.com."));
        assert!(policy.covers("mx.example.net"));
        assert!(!policy.covers("example.net") && !policy.covers("a.b.example.net"));
    }

    #[test]
    fn rfc_8461_3_2_what_is_no_policy() {
        for bad in [
            "",
            "version: STSv2\nmode: none\nmax_age: 1\n",
            "version: STSv1\nmode: sometimes\nmx: a\nmax_age: 1\n",
            "version: STSv1\nmode: enforce\nmax_age: 1\n",
            "version: STSv1\nmode: enforce\nmx: a\n",
            "version STSv1\n",
        ] {
            assert!(Policy::parse(bad).is_err(), "{bad:?}");
        }
        let none = Policy::parse("version: STSv1\nmode: none\nmax_age: 99999999999\n").unwrap();
        assert_eq!(none.max_age, Duration::from_secs(LONGEST));
    }

    proptest! {
        #[test]
        fn any_text_is_a_policy_or_not(text in "(version: STSv1\n)?(mode: enforce\n)?\\PC{0,60}", host in "\\PC{0,20}") {
            let _ = id(std::slice::from_ref(&text));
            if let Ok(policy) = Policy::parse(&text) {
                let _ = policy.covers(&host);
            }
        }
    }
}
