//! A set of our own, added when a message is forwarded (RFC 8617 §5.1).

use super::chain::{self, Set};
use super::validate::{ArcResult, Validated};
use super::{MOST_SETS, chain::FieldText};
use crate::dkim::canonical::{self, Canonicalization, Selection};
use crate::dkim::sign::{SIGNED, folded};
use crate::dkim::signature::encoded;
use crate::dkim::{KeyError, Signer};

/// What a set says.
pub struct Sealing<'a> {
    /// `d=`.
    pub domain: &'a str,
    /// `s=`.
    pub selector: &'a str,
    /// The key; RSA, since verifiers of ARC know nothing else.
    pub signer: &'a dyn Signer,
    /// `t=`: seconds since 1970.
    pub time: i64,
    /// The value of our Authentication-Results field: our name and what we found.
    pub results: &'a str,
}

/// Why a message is not sealed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The last sealer has closed the chain, or it is full (§5.1).
    #[error("nobody may add to this chain: {0}")]
    Closed(&'static str),
    /// The chain could not be validated, so nobody knows what to say of it.
    #[error("whether the chain is right could not be looked up")]
    Unknown,
    /// A message without From cannot be signed.
    #[error("a message without From cannot be sealed")]
    NoFrom,
    /// The key failed.
    #[error(transparent)]
    Key(#[from] KeyError),
}

impl Sealing<'_> {
    /// The three fields, the seal on top, with their line ends. `section` is the header section that they are put in front of;
    /// `body_hash` comes from a relaxed [`crate::dkim::BodyHash`]; `before` is what became of the chain on arrival.
    pub fn fields(
        &self,
        section: &[u8],
        body_hash: &[u8],
        before: &Validated,
    ) -> Result<String, SealError> {
        let word = match before.result {
            ArcResult::TempError => return Err(SealError::Unknown),
            _ if before.closed => return Err(SealError::Closed("it was closed as broken")),
            _ if before.sets >= MOST_SETS => return Err(SealError::Closed("it is full")),
            ArcResult::Fail if before.sets == 0 => {
                return Err(SealError::Closed("its fields cannot be told apart"));
            }
            result => result.word(),
        };
        let instance = before.sets + 1;
        let results = format!(
            "ARC-Authentication-Results: i={instance}; {}\r\n",
            self.results.trim()
        );
        let message = self.message(section, body_hash, instance)?;
        let unsigned = format!(
            "ARC-Seal: i={instance}; a={}; cv={word}; d={};\r\n\ts={}; t={};\r\n\tb=",
            self.signer.algorithm().word(),
            self.domain,
            self.selector,
            self.time
        );
        // A broken chain is not sealed again, only our own set (§5.1.2).
        let earlier = match before.result {
            ArcResult::Fail => Vec::new(),
            _ => chain::sets(section).unwrap_or_default(),
        };
        let covered = covered(&earlier, &results, &message, &unsigned);
        let seal = folded(&encoded(&self.signer.sign(&covered)?));
        Ok(format!("{unsigned}{seal}\r\n{message}{results}"))
    }

    /// The ARC-Message-Signature (§4.1.2).
    fn message(
        &self,
        section: &[u8],
        body_hash: &[u8],
        instance: u32,
    ) -> Result<String, SealError> {
        let selection = Selection::new(section);
        if selection.count("From") == 0 {
            return Err(SealError::NoFrom);
        }
        let names: Vec<&str> = SIGNED
            .into_iter()
            .chain(["DKIM-Signature"])
            .flat_map(|name| std::iter::repeat_n(name, selection.count(name)))
            .take(100)
            .collect();
        let unsigned = format!(
            "ARC-Message-Signature: i={instance}; a={}; c=relaxed/relaxed; d={};\r\n\ts={}; t={};\r\n\th={};\r\n\tbh={};\r\n\tb=",
            self.signer.algorithm().word(),
            self.domain,
            self.selector,
            self.time,
            crate::dkim::sign::names_folded(&names),
            encoded(body_hash),
        );
        let mut signed = Vec::with_capacity(2048);
        selection.canonical(&names, Canonicalization::Relaxed, &mut signed);
        canonical::signature_field(unsigned.as_bytes(), Canonicalization::Relaxed, &mut signed);
        let signature = folded(&encoded(&self.signer.sign(&signed)?));
        Ok(format!("{unsigned}{signature}\r\n"))
    }
}

fn covered(earlier: &[Set<'_>], results: &str, message: &str, unsigned: &str) -> Vec<u8> {
    let form = Canonicalization::Relaxed;
    let mut out = Vec::with_capacity(4096);
    let mut add = |raw: &[u8]| {
        form.field(raw, &mut out);
        out.extend_from_slice(b"\r\n");
    };
    for set in earlier {
        let fields: [FieldText<'_>; 3] = [set.results, set.message, set.seal];
        fields.iter().for_each(|field| add(field.raw));
    }
    add(results.as_bytes());
    add(message.as_bytes());
    canonical::signature_field(unsigned.as_bytes(), form, &mut out);
    out
}
