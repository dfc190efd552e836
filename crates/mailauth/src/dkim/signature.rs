//! The `DKIM-Signature` field (RFC 6376 §3.5).

use super::canonical::Canonicalization;
use super::keypair::Algorithm;
use super::verify::{DkimResult, Fault};
use crate::tags::{self, Tags};
use base64::Engine as _;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use base64::engine::{DecodePaddingMode, general_purpose};

/// Base64 that takes what signers write: padding or none.
pub(crate) const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Writes base64.
pub(crate) fn encoded(octets: &[u8]) -> String {
    general_purpose::STANDARD.encode(octets)
}

/// Names in `h=`; more are not taken.
const NAMES: usize = 1000;

/// A signature that says something that can be verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// `a=`.
    pub algorithm: Algorithm,
    /// `b=`.
    pub signature: Vec<u8>,
    /// `bh=`.
    pub body_hash: Vec<u8>,
    /// `c=` of the header.
    pub header_form: Canonicalization,
    /// `c=` of the body.
    pub body_form: Canonicalization,
    /// `d=`, lower-case A-labels.
    pub domain: String,
    /// `s=`.
    pub selector: String,
    /// `i=`; without the tag, `@` and the domain.
    pub identity: String,
    /// `h=`, as written.
    pub names: Vec<String>,
    /// `l=`.
    pub body_length: Option<u64>,
    /// `t=`, seconds since 1970.
    pub signed_at: Option<i64>,
    /// `x=`, seconds since 1970.
    pub expires_at: Option<i64>,
}

impl Signature {
    /// Reads a field's value. The fault says which result it leads to.
    pub(crate) fn parse(value: &str) -> Result<Signature, Fault> {
        let tags = Tags::parse(value)?;
        if tags.value("v") != Some("1") {
            return Err(Fault::permanent("its version is not 1"));
        }
        let domain = domain(tags.required("d")?)?;
        let identity = match tags.value("i") {
            None => format!("@{domain}"),
            Some(identity) => owned_identity(identity, &domain)?,
        };
        check_query(tags.value("q"))?;
        Signature::from_tags(&tags, identity)
    }

    /// What DKIM and ARC signatures have in common (RFC 8617 §4.1.2).
    pub(crate) fn from_tags(tags: &Tags<'_>, identity: String) -> Result<Signature, Fault> {
        let (header_form, body_form) = forms(tags.value("c"))?;
        let signature = Signature {
            algorithm: algorithm(tags.required("a")?)?,
            signature: decoded("b", tags.required("b")?)?,
            body_hash: decoded("bh", tags.required("bh")?)?,
            header_form,
            body_form,
            domain: domain(tags.required("d")?)?,
            selector: selector(tags.required("s")?)?,
            identity,
            names: names(tags.required("h")?)?,
            body_length: number("l", tags.value("l"))?,
            signed_at: seconds("t", tags.value("t"))?,
            expires_at: seconds("x", tags.value("x"))?,
        };
        match (signature.signed_at, signature.expires_at) {
            (Some(signed), Some(expires)) if expires < signed => {
                Err(Fault::permanent("it expires before it was made"))
            }
            _ => Ok(signature),
        }
    }

    /// Where its key is.
    pub fn key_name(&self) -> String {
        format!("{}._domainkey.{}", self.selector, self.domain)
    }

    /// Is `i=` in a subdomain of `d=`?
    pub fn identity_is_below(&self) -> bool {
        let at = self.identity.rfind('@').map_or(0, |at| at + 1);
        self.identity[at..] != self.domain
    }

    /// All that can be checked without a key: time, body length, body hash.
    pub(crate) fn check_body(&self, hash: Option<(&[u8], u64)>, now: i64) -> Result<(), Fault> {
        if self.expires_at.is_some_and(|expires| expires < now) {
            return Err(Fault::new(DkimResult::Fail, "the signature has expired"));
        }
        let Some((hash, length)) = hash else {
            return Err(Fault::permanent("there is no body hash"));
        };
        match self.body_length {
            Some(limit) if limit > length => {
                return Err(Fault::permanent("it covers more body than there is"));
            }
            Some(limit) if limit < length => {
                return Err(Fault::new(
                    DkimResult::Policy,
                    "it covers only a part of the body, and what follows could be anybody's",
                ));
            }
            _ => {}
        }
        match hash == self.body_hash {
            true => Ok(()),
            false => Err(Fault::new(
                DkimResult::Fail,
                "the body was changed on its way",
            )),
        }
    }
}

/// §3.3; RFC 8301 §3.1; RFC 8463 §3.
pub(crate) fn algorithm(word: &str) -> Result<Algorithm, Fault> {
    match word.to_ascii_lowercase().as_str() {
        "rsa-sha256" => Ok(Algorithm::RsaSha256),
        "ed25519-sha256" => Ok(Algorithm::Ed25519Sha256),
        "rsa-sha1" => Err(Fault::new(
            DkimResult::Policy,
            "rsa-sha1 proves nothing any more",
        )),
        _ => Err(Fault::permanent("its algorithm is unknown")),
    }
}

pub(crate) fn forms(value: Option<&str>) -> Result<(Canonicalization, Canonicalization), Fault> {
    let form = |word: &str| {
        Canonicalization::parse(word.trim())
            .ok_or_else(|| Fault::permanent("its canonicalization is unknown"))
    };
    match value {
        None => Ok((Canonicalization::Simple, Canonicalization::Simple)),
        Some(value) => match value.split_once('/') {
            None => Ok((form(value)?, Canonicalization::Simple)),
            Some((header, body)) => Ok((form(header)?, form(body)?)),
        },
    }
}

pub(crate) fn domain(value: &str) -> Result<String, Fault> {
    let name = match value.is_ascii() {
        true => value.to_ascii_lowercase(),
        false => idna::domain_to_ascii(value)
            .map_err(|_| Fault::permanent("its domain is no domain name"))?,
    };
    match is_host_name(&name) && name.contains('.') {
        true => Ok(name),
        false => Err(Fault::permanent("its domain is no domain name")),
    }
}

pub(crate) fn selector(value: &str) -> Result<String, Fault> {
    let name = idna::domain_to_ascii(value).unwrap_or_else(|_| value.to_ascii_lowercase());
    match is_host_name(&name) {
        true => Ok(name),
        false => Err(Fault::permanent("its selector is no domain name")),
    }
}

fn is_host_name(name: &str) -> bool {
    let valid = |o: u8| o.is_ascii_alphanumeric() || o == b'-' || o == b'_';
    name.len() <= 253
        && name
            .split('.')
            .all(|label| !label.is_empty() && label.len() <= 63 && label.bytes().all(valid))
}

/// `i=` must be in `d=` or below (§3.5).
fn owned_identity(identity: &str, domain: &str) -> Result<String, Fault> {
    let fault = || Fault::permanent("its identity is not in its domain");
    let at = identity.rfind('@').ok_or_else(fault)?;
    let its = &identity[at + 1..];
    let its = idna::domain_to_ascii(its).unwrap_or_else(|_| its.to_ascii_lowercase());
    let below = its.strip_suffix(domain).ok_or_else(fault)?;
    match below.is_empty() || below.ends_with('.') {
        true => Ok(format!("{}@{its}", &identity[..at])),
        false => Err(fault()),
    }
}

fn check_query(value: Option<&str>) -> Result<(), Fault> {
    let known = |value: &str| tags::words(value).any(|word| word.eq_ignore_ascii_case("dns/txt"));
    match value.is_none_or(known) {
        true => Ok(()),
        false => Err(Fault::permanent("its key is not in DNS")),
    }
}

pub(crate) fn names(value: &str) -> Result<Vec<String>, Fault> {
    let names: Vec<String> = tags::words(value).map(str::to_string).collect();
    if names.len() > NAMES {
        return Err(Fault::permanent("it names too many fields"));
    }
    match names.iter().any(|name| name.eq_ignore_ascii_case("from")) {
        true => Ok(names),
        false => Err(Fault::permanent("it does not cover From")),
    }
}

pub(crate) fn decoded(tag: &str, value: &str) -> Result<Vec<u8>, Fault> {
    BASE64
        .decode(tags::without_blanks(value))
        .map_err(|_| Fault::permanent(format!("its {tag}= is not base64")))
}

fn number(tag: &str, value: Option<&str>) -> Result<Option<u64>, Fault> {
    let Some(value) = value else {
        return Ok(None);
    };
    let digits = !value.is_empty() && value.bytes().all(|o| o.is_ascii_digit());
    match digits && value.len() <= 76 {
        // What is too large to count is larger than any message and any time.
        true => Ok(Some(value.parse().unwrap_or(u64::MAX))),
        false => Err(Fault::permanent(format!("its {tag}= is no number"))),
    }
}

pub(crate) fn seconds(tag: &str, value: Option<&str>) -> Result<Option<i64>, Fault> {
    let number = number(tag, value)?;
    Ok(number.map(|number| i64::try_from(number).unwrap_or(i64::MAX)))
}
