//! The policy record (RFC 9989 §4.7, §4.8). `pct`, `rf` and `ri` of older records are unknown tags, and so ignored.

use crate::tags::{Malformed, Tags};

/// What a domain wants to be done with mail that fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Policy {
    /// Nothing.
    None,
    /// Suspicion.
    Quarantine,
    /// Refusal.
    Reject,
}

impl Policy {
    /// The word in `p=`.
    pub fn word(self) -> &'static str {
        match self {
            Policy::None => "none",
            Policy::Quarantine => "quarantine",
            Policy::Reject => "reject",
        }
    }

    fn parse(word: &str) -> Option<Policy> {
        match word.to_ascii_lowercase().as_str() {
            "none" => Some(Policy::None),
            "quarantine" => Some(Policy::Quarantine),
            "reject" => Some(Policy::Reject),
            _ => None,
        }
    }

    /// One level less, as `t=y` asks for.
    pub fn milder(self) -> Policy {
        match self {
            Policy::Reject => Policy::Quarantine,
            Policy::Quarantine | Policy::None => Policy::None,
        }
    }
}

/// How close an identifier must be to the author's domain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AlignmentMode {
    /// The same organizational domain.
    #[default]
    Relaxed,
    /// The same domain.
    Strict,
}

/// `psd=`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Psd {
    /// A public suffix: the organizations are one label below.
    Yes,
    /// An organizational domain, whatever is above.
    No,
    /// Not said.
    #[default]
    Unknown,
}

/// Where reports go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportUri {
    /// As written, without a size limit.
    pub uri: String,
    /// Octets that a report may have there: the `!10m` of older records (RFC 7489 §6.2), which many still have.
    pub limit: Option<u64>,
}

/// A valid record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// `p=`; without the tag, none.
    pub policy: Policy,
    /// `sp=`: for subdomains.
    pub subdomains: Option<Policy>,
    /// `np=`: for subdomains that do not exist.
    pub nonexistent: Option<Policy>,
    /// `adkim=`.
    pub dkim: AlignmentMode,
    /// `aspf=`.
    pub spf: AlignmentMode,
    /// `psd=`.
    pub psd: Psd,
    /// `t=y`: the policy is to be applied one level milder.
    pub testing: bool,
    /// `rua=`: where aggregate reports go.
    pub aggregate_to: Vec<ReportUri>,
    /// `ruf=`: where failure reports go.
    pub failures_to: Vec<ReportUri>,
    /// `fo=`, as written; `0` if it is not there.
    pub failure_options: String,
}

/// URIs of one tag that are looked at.
const URIS: usize = 10;

/// Is this TXT record a DMARC record, of whatever quality (§4.10: it begins with its version)?
pub fn is_dmarc(text: &str) -> bool {
    let spec = text.split(';').next().unwrap_or_default();
    let version = spec
        .split_once('=')
        .map(|(tag, value)| (tag.trim(), value.trim()));
    version == Some(("v", "DMARC1"))
}

impl Record {
    /// Parses a record. A policy that cannot be understood counts as none if there is somebody to tell, and makes the record
    /// invalid otherwise (§4.10.1).
    pub fn parse(text: &str) -> Result<Record, Malformed> {
        if !is_dmarc(text) {
            return Err(Malformed("it does not begin with v=DMARC1".into()));
        }
        let tags = Tags::parse(text)?;
        let aggregate_to = uris(tags.value("rua"));
        let mode = |tag| match tags.value(tag) {
            Some("s" | "S") => AlignmentMode::Strict,
            _ => AlignmentMode::Relaxed,
        };
        let mut record = Record {
            policy: Policy::None,
            subdomains: None,
            nonexistent: None,
            dkim: mode("adkim"),
            spf: mode("aspf"),
            psd: match tags.value("psd") {
                Some("y" | "Y") => Psd::Yes,
                Some("n" | "N") => Psd::No,
                _ => Psd::Unknown,
            },
            testing: matches!(tags.value("t"), Some("y" | "Y")),
            failures_to: uris(tags.value("ruf")),
            failure_options: tags.value("fo").unwrap_or("0").to_string(),
            aggregate_to,
        };
        match policies(&tags) {
            Ok((policy, subdomains, nonexistent)) => {
                record.policy = policy;
                record.subdomains = subdomains;
                record.nonexistent = nonexistent;
            }
            Err(wrong) if record.aggregate_to.is_empty() => return Err(wrong),
            Err(_) => {}
        }
        Ok(record)
    }
}

type Policies = (Policy, Option<Policy>, Option<Policy>);

fn policies(tags: &Tags<'_>) -> Result<Policies, Malformed> {
    let policy = |tag: &str| match tags.value(tag) {
        None => Ok(None),
        Some(word) => match Policy::parse(word) {
            Some(policy) => Ok(Some(policy)),
            None => Err(Malformed(format!("its {tag}= is no policy"))),
        },
    };
    Ok((
        policy("p")?.unwrap_or(Policy::None),
        policy("sp")?,
        policy("np")?,
    ))
}

fn uris(value: Option<&str>) -> Vec<ReportUri> {
    let all = value.unwrap_or_default().split(',').map(str::trim);
    let valid = all.filter(|uri| uri.contains(':'));
    valid.map(ReportUri::parse).take(URIS).collect()
}

impl ReportUri {
    /// A limit that cannot be understood is none: an exclamation mark of the URI's own has to be encoded.
    fn parse(text: &str) -> ReportUri {
        let (uri, limit) = match text.split_once('!') {
            Some((uri, limit)) => (uri, octets(limit.trim())),
            None => (text, None),
        };
        ReportUri {
            uri: uri.trim().to_string(),
            limit,
        }
    }
}

/// `10m`: powers of 1024.
fn octets(text: &str) -> Option<u64> {
    let unit = text.trim_start_matches(|c: char| c.is_ascii_digit());
    let number: u64 = text[..text.len() - unit.len()].parse().ok()?;
    let factor = match unit.to_ascii_lowercase().as_str() {
        "" => 1,
        "k" => 1 << 10,
        "m" => 1 << 20,
        "g" => 1 << 30,
        "t" => 1 << 40,
        _ => return None,
    };
    Some(number.saturating_mul(factor))
}
