//! Verification of the signatures of one message (RFC 6376 §6; results by RFC 8601 §2.7.1).
//!
//! [`Verifier::new`] takes the header section as it arrived, [`Bodies`] hash the body as it streams by, and [`Verifier::finish`]
//! asks DNS for the keys. Of the message only hashes are kept.

use super::canonical::{self, Bodies, BodyHashes, BodyId, Selection};
use super::key::PublicKeyRecord;
use super::keypair::Algorithm;
use super::signature::{Signature, encoded};
use crate::tags::Malformed;
use aws_lc_rs::digest::{Digest, SHA256, digest};
use dns::Resolver;
use std::fmt;

/// RFC 8601 §2.7.1. A message without signatures has no result here, which is "none".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DkimResult {
    /// The signature is right.
    Pass,
    /// It is wrong: the message was changed, or the signature is forged.
    Fail,
    /// It is right or may be, but not in a way that is believed here.
    Policy,
    /// It is wrong, and its domain is only trying DKIM out.
    Neutral,
    /// DNS could not be asked: nobody knows now.
    TempError,
    /// Signature or key cannot be understood.
    PermError,
}

impl DkimResult {
    /// The word of RFC 8601.
    pub fn word(self) -> &'static str {
        match self {
            DkimResult::Pass => "pass",
            DkimResult::Fail => "fail",
            DkimResult::Policy => "policy",
            DkimResult::Neutral => "neutral",
            DkimResult::TempError => "temperror",
            DkimResult::PermError => "permerror",
        }
    }
}

impl fmt::Display for DkimResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// Why a signature does not pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) result: DkimResult,
    pub(crate) reason: String,
}

impl Fault {
    pub(crate) fn new(result: DkimResult, reason: impl Into<String>) -> Fault {
        let reason = reason.into();
        Fault { result, reason }
    }

    pub(crate) fn permanent(reason: impl Into<String>) -> Fault {
        Fault::new(DkimResult::PermError, reason)
    }
}

impl From<Malformed> for Fault {
    fn from(malformed: Malformed) -> Fault {
        Fault::permanent(malformed.0)
    }
}

/// What became of one signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// The result.
    pub result: DkimResult,
    /// One clause for people: why.
    pub reason: String,
    /// `d=`, lower-case; empty if it could not be read.
    pub domain: String,
    /// `s=`; empty if it could not be read.
    pub selector: String,
    /// `i=`; empty if it could not be read.
    pub identity: String,
    /// `a=`; empty if it could not be read.
    pub algorithm: &'static str,
    /// The beginning of `b=`, which tells signatures apart (RFC 6008).
    pub signature_start: String,
    /// Length of the key, once it was found. RSA below 2048 is weak.
    pub key_bits: Option<u32>,
    /// The key says that its domain is trying DKIM out (`t=y`).
    pub testing: bool,
    /// When it was signed, seconds since 1970 (`t=`).
    pub signed_at: Option<i64>,
}

/// How much is done for one message.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Signatures that are looked at, from the top; the others are as good as not there.
    pub signatures: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { signatures: 8 }
    }
}

/// Key records of one name that are tried.
const RECORDS: usize = 4;
/// RSA keys below this are not believed (RFC 8301 §3.2).
const LEAST_BITS: u32 = 1024;

/// Verifies the signatures of one message.
pub struct Verifier {
    candidates: Vec<Candidate>,
    /// How many signatures there were beyond the limit.
    ignored: usize,
}

struct Candidate {
    signature: Result<Signature, Fault>,
    /// SHA-256 of the signed fields, and which body hash belongs to it.
    hashes: Option<(Digest, BodyId)>,
    /// What can be said of a signature that cannot be read.
    shown: Shown,
}

/// Tags for the report, read as well as can be.
#[derive(Default)]
struct Shown {
    domain: String,
    selector: String,
    start: String,
}

impl Verifier {
    /// Begins, with the header section as it arrived; what follows its empty line is ignored. The body hashes that are needed
    /// are ordered.
    pub fn new(section: &[u8], limits: Limits, bodies: &mut Bodies) -> Verifier {
        let mut fields = message::header::fields(section).filter(|f| f.is("DKIM-Signature"));
        let chosen: Vec<_> = fields.by_ref().take(limits.signatures).collect();
        let mut candidates = Vec::with_capacity(chosen.len());
        if !chosen.is_empty() {
            let selection = Selection::new(section);
            for field in &chosen {
                candidates.push(Candidate::new(&selection, field.raw, field.value, bodies));
            }
        }
        Verifier {
            candidates,
            ignored: fields.count(),
        }
    }

    /// Has the message no signatures?
    pub fn is_empty(&self) -> bool {
        self.candidates.is_empty()
    }

    /// Signatures that are not looked at, because there are too many.
    pub fn ignored(&self) -> usize {
        self.ignored
    }

    /// The results, in the order of the fields. `now` in seconds since 1970. A time limit is the caller's.
    pub async fn finish(
        &self,
        resolver: &dyn Resolver,
        bodies: &BodyHashes,
        now: i64,
    ) -> Vec<Verified> {
        let mut results = Vec::with_capacity(self.candidates.len());
        for candidate in &self.candidates {
            results.push(candidate.verify(resolver, bodies, now).await);
        }
        results
    }

    /// Signatures that are looked at.
    pub fn len(&self) -> usize {
        self.candidates.len()
    }

    /// The result of one signature; `None`: there is no such one.
    pub async fn one(
        &self,
        index: usize,
        resolver: &dyn Resolver,
        bodies: &BodyHashes,
        now: i64,
    ) -> Option<Verified> {
        match self.candidates.get(index) {
            Some(candidate) => Some(candidate.verify(resolver, bodies, now).await),
            None => None,
        }
    }

    /// What can be said of one signature when time has run out.
    pub fn late(&self, index: usize) -> Option<Verified> {
        let late = Fault::new(DkimResult::TempError, "DNS did not answer in time");
        let candidate = self.candidates.get(index)?;
        Some(candidate.report(&Err(late), None))
    }
}

pub(crate) fn signed_hash(selection: &Selection<'_>, signature: &Signature, raw: &[u8]) -> Digest {
    let mut signed = Vec::with_capacity(2048);
    selection.canonical(&signature.names, signature.header_form, &mut signed);
    canonical::signature_field(raw, signature.header_form, &mut signed);
    digest(&SHA256, &signed)
}

fn shown(text: &str) -> Shown {
    let Ok(tags) = crate::tags::Tags::parse(text) else {
        return Shown::default();
    };
    let value = |name| tags.value(name).unwrap_or_default();
    Shown {
        domain: value("d").to_ascii_lowercase(),
        selector: value("s").to_string(),
        start: crate::tags::without_blanks(value("b"))
            .chars()
            .take(8)
            .collect(),
    }
}

/// A signature and what it is over, to be held against keys.
pub(crate) struct Claim<'a> {
    pub(crate) key_name: String,
    pub(crate) algorithm: Algorithm,
    pub(crate) hash: &'a Digest,
    pub(crate) signature: &'a [u8],
    /// It names somebody in a subdomain.
    pub(crate) below: bool,
}

impl Claim<'_> {
    /// The key record that fits: the one that verifies, else the last that can be read.
    pub(crate) async fn key(&self, resolver: &dyn Resolver) -> Result<PublicKeyRecord, Fault> {
        let texts = resolver
            .txt(&self.key_name)
            .await
            .map_err(|why| Fault::new(DkimResult::TempError, why.to_string()))?;
        let mut last = Err(Fault::permanent(format!(
            "there is no key at {}",
            self.key_name
        )));
        for text in texts.iter().take(RECORDS) {
            match PublicKeyRecord::parse(text) {
                Ok(record) => {
                    let verifies = self.check(&record).is_ok();
                    last = Ok(record);
                    if verifies {
                        break;
                    }
                }
                Err(fault) if last.is_err() => last = Err(Fault::permanent(fault.to_string())),
                Err(_) => {}
            }
        }
        last
    }

    /// Does the key confirm it?
    pub(crate) fn check(&self, record: &PublicKeyRecord) -> Result<(), Fault> {
        if !record.key.fits(self.algorithm) {
            return Err(Fault::permanent("its key is of another kind"));
        }
        if record.strict && self.below {
            return Err(Fault::permanent(
                "its key allows no subdomains in the identity (t=s)",
            ));
        }
        match record.key.bits() {
            None => return Err(Fault::permanent("its key cannot be read")),
            Some(bits) if bits < LEAST_BITS && self.algorithm == Algorithm::RsaSha256 => {
                return Err(Fault::new(
                    DkimResult::Policy,
                    format!("a key of {bits} bits proves nothing"),
                ));
            }
            Some(_) => {}
        }
        match record.key.verifies(self.hash, self.signature) {
            true => Ok(()),
            false if record.testing => Err(Fault::new(
                DkimResult::Neutral,
                "it is wrong, and its domain is only trying DKIM out (t=y)",
            )),
            false => Err(Fault::new(
                DkimResult::Fail,
                "a signed header field was changed, or the signature is forged",
            )),
        }
    }
}

impl Candidate {
    fn new(selection: &Selection<'_>, raw: &[u8], value: &[u8], bodies: &mut Bodies) -> Candidate {
        let signature = match std::str::from_utf8(value) {
            Ok(value) => Signature::parse(value),
            Err(_) => Err(Fault::permanent("it is not UTF-8")),
        };
        let hashes = signature.as_ref().ok().map(|signature| {
            let body = bodies.want(signature.body_form, signature.body_length);
            (signed_hash(selection, signature, raw), body)
        });
        Candidate {
            shown: shown(&String::from_utf8_lossy(value)),
            signature,
            hashes,
        }
    }

    async fn verify(&self, resolver: &dyn Resolver, bodies: &BodyHashes, now: i64) -> Verified {
        let claim = match self.claim(bodies, now) {
            Ok(claim) => claim,
            Err(fault) => return self.report(&Err(fault), None),
        };
        match claim.key(resolver).await {
            Ok(record) => self.report(&claim.check(&record), Some(&record)),
            Err(fault) => self.report(&Err(fault), None),
        }
    }

    fn claim(&self, bodies: &BodyHashes, now: i64) -> Result<Claim<'_>, Fault> {
        let signature = self.signature.as_ref().map_err(Clone::clone)?;
        let Some((hash, body)) = &self.hashes else {
            return Err(Fault::permanent("it cannot be read"));
        };
        signature.check_body(bodies.hash(*body), now)?;
        Ok(Claim {
            key_name: signature.key_name(),
            algorithm: signature.algorithm,
            hash,
            signature: &signature.signature,
            below: signature.identity_is_below(),
        })
    }

    fn report(&self, judged: &Result<(), Fault>, record: Option<&PublicKeyRecord>) -> Verified {
        let (result, reason) = match judged {
            Ok(()) => (DkimResult::Pass, "the signature is right".to_string()),
            Err(fault) => (fault.result, fault.reason.clone()),
        };
        let read = self.signature.as_ref().ok();
        Verified {
            result,
            reason,
            domain: read.map_or_else(|| self.shown.domain.clone(), |s| s.domain.clone()),
            selector: read.map_or_else(|| self.shown.selector.clone(), |s| s.selector.clone()),
            identity: read.map(|s| s.identity.clone()).unwrap_or_default(),
            algorithm: read.map(|s| s.algorithm.word()).unwrap_or_default(),
            signature_start: match read {
                Some(signature) => encoded(&signature.signature).chars().take(8).collect(),
                None => self.shown.start.clone(),
            },
            key_bits: record.and_then(|record| record.key.bits()),
            testing: record.is_some_and(|record| record.testing),
            signed_at: read.and_then(|s| s.signed_at),
        }
    }
}
