//! Validation of a chain (RFC 8617 §5.2).

use super::chain::{self, ChainWord, Seal, Set};
use crate::dkim::canonical::{self, Canonicalization, Selection};
use crate::dkim::signature::Signature;
use crate::dkim::verify::{Claim, Fault, signed_hash};
use crate::dkim::{Bodies, BodyHashes, BodyId, DkimResult};
use aws_lc_rs::digest::{Digest, SHA256, digest};
use dns::Resolver;
use std::fmt;

/// What a chain comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ArcResult {
    /// There is none.
    None,
    /// Nobody changed what its sealers wrote.
    Pass,
    /// It is broken.
    Fail,
    /// DNS could not be asked: nobody knows now.
    TempError,
}

impl ArcResult {
    /// The word of RFC 8617 §4.1.3; of RFC 8601 for what that lacks.
    pub fn word(self) -> &'static str {
        match self {
            ArcResult::None => "none",
            ArcResult::Pass => "pass",
            ArcResult::Fail => "fail",
            ArcResult::TempError => "temperror",
        }
    }
}

impl fmt::Display for ArcResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// A chain that was validated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Validated {
    /// The result.
    pub result: ArcResult,
    /// One clause for people.
    pub reason: String,
    /// How many sets the chain has; 0 too if they cannot be counted.
    pub sets: u32,
    /// The domain of each seal, the first hop first; only with a pass.
    pub sealers: Vec<String>,
    /// The last sealer says that the chain was broken before him: nobody adds to it any more (§5.1).
    pub closed: bool,
    /// What the last sealer found: the value of its ARC-Authentication-Results, behind the instance; only with a pass.
    pub results: Option<String>,
}

impl Validated {
    fn new(result: ArcResult, reason: impl Into<String>, sets: usize) -> Validated {
        Validated {
            result,
            reason: reason.into(),
            sets: sets as u32,
            sealers: Vec::new(),
            closed: false,
            results: None,
        }
    }

    /// A message that came without a chain.
    pub fn none() -> Validated {
        Validated::new(ArcResult::None, "the message has no ARC chain", 0)
    }
}

/// Validates the chain of one message. Of the message only hashes are kept.
pub struct Validator(State);

enum State {
    None,
    Broken {
        why: String,
        sets: usize,
        closed: bool,
    },
    Chain(Box<Chain>),
}

struct Chain {
    /// The newest signature over the message, with the hash of what it covers.
    message: Signature,
    message_hash: Digest,
    body: BodyId,
    /// From the first hop on, with the hash of what each covers.
    seals: Vec<(Seal, Digest)>,
    results: String,
}

impl Validator {
    /// Begins, with the header section as it arrived. The body hash that is needed is ordered.
    pub fn new(section: &[u8], bodies: &mut Bodies) -> Validator {
        let sets = match chain::sets(section) {
            Ok(sets) => sets,
            Err(why) => {
                return Validator(State::Broken {
                    why,
                    sets: 0,
                    closed: false,
                });
            }
        };
        if sets.is_empty() {
            return Validator(State::None);
        }
        Validator(match structure(&sets) {
            Ok(seals) => match chain(section, &sets, seals, bodies) {
                Ok(chain) => State::Chain(Box::new(chain)),
                Err(fault) => broken(
                    format!("the newest message signature: {}", fault.reason),
                    &sets,
                ),
            },
            Err(why) => broken(why, &sets),
        })
    }

    /// Has the message no chain?
    pub fn is_empty(&self) -> bool {
        matches!(self.0, State::None)
    }

    /// The result. `now` in seconds since 1970. A time limit is the caller's.
    pub async fn finish(
        &self,
        resolver: &dyn Resolver,
        bodies: &BodyHashes,
        now: i64,
    ) -> Validated {
        match &self.0 {
            State::None => Validated::none(),
            State::Broken { why, sets, closed } => Validated {
                closed: *closed,
                ..Validated::new(ArcResult::Fail, why.as_str(), *sets)
            },
            State::Chain(chain) => chain.validate(resolver, bodies, now).await,
        }
    }

    /// What can be said when time has run out.
    pub fn out_of_time(&self) -> Validated {
        match &self.0 {
            State::None => Validated::none(),
            State::Broken { why, sets, .. } => Validated::new(ArcResult::Fail, why.as_str(), *sets),
            State::Chain(chain) => Validated::new(
                ArcResult::TempError,
                "DNS did not answer in time",
                chain.seals.len(),
            ),
        }
    }
}

fn broken(why: String, sets: &[Set<'_>]) -> State {
    let newest = sets.last().map(|set| chain::seal(set.seal.value));
    let closed = matches!(
        newest,
        Some(Ok(Seal {
            chain: ChainWord::Fail,
            ..
        }))
    );
    State::Broken {
        why,
        sets: sets.len(),
        closed,
    }
}

/// Steps 2 and 3: each seal says what fits its place.
fn structure(sets: &[Set<'_>]) -> Result<Vec<Seal>, String> {
    let mut seals = Vec::with_capacity(sets.len());
    for (index, set) in sets.iter().enumerate() {
        let seal = chain::seal(set.seal.value)
            .map_err(|fault| format!("seal {}: {}", index + 1, fault.reason))?;
        match (index, seal.chain) {
            (0, ChainWord::None) => {}
            (0, _) => return Err("the first seal says that there was a chain before it".into()),
            (_, ChainWord::Pass) => {}
            (_, ChainWord::Fail) => {
                return Err(format!("the chain was broken before seal {}", index + 1));
            }
            (_, ChainWord::None) => {
                return Err(format!("seal {} denies the chain before it", index + 1));
            }
        }
        seals.push(seal);
    }
    Ok(seals)
}

fn chain(
    section: &[u8],
    sets: &[Set<'_>],
    seals: Vec<Seal>,
    bodies: &mut Bodies,
) -> Result<Chain, Fault> {
    let newest = sets
        .last()
        .ok_or_else(|| Fault::permanent("there is no set"))?;
    let message = chain::message_signature(newest.message.value)?;
    let selection = Selection::new(section);
    let mut covered = Vec::new();
    let seals = seals
        .into_iter()
        .zip(sets)
        .map(|(seal, set)| {
            let hash = seal_hash(&mut covered, set);
            (seal, hash)
        })
        .collect();
    Ok(Chain {
        message_hash: signed_hash(&selection, &message, newest.message.raw),
        body: bodies.want(message.body_form, message.body_length),
        message,
        seals,
        results: after_instance(newest.results.value),
    })
}

/// §5.1.1: all sets up to this one, the seal itself last and with an empty `b=`.
fn seal_hash(covered: &mut Vec<u8>, set: &Set<'_>) -> Digest {
    let form = Canonicalization::Relaxed;
    for field in [set.results, set.message] {
        form.field(field.raw, covered);
        covered.extend_from_slice(b"\r\n");
    }
    let mark = covered.len();
    canonical::signature_field(set.seal.raw, form, covered);
    let hash = digest(&SHA256, covered);
    covered.truncate(mark);
    form.field(set.seal.raw, covered);
    covered.extend_from_slice(b"\r\n");
    hash
}

fn after_instance(value: &str) -> String {
    let rest = value.split_once(';').map_or("", |(_, rest)| rest);
    rest.trim().to_string()
}

impl Chain {
    async fn validate(&self, resolver: &dyn Resolver, bodies: &BodyHashes, now: i64) -> Validated {
        let checked = match self.check_message(resolver, bodies, now).await {
            Ok(()) => self.check_seals(resolver).await,
            Err(fault) => Err(fault),
        };
        let sets = self.seals.len();
        match checked {
            Ok(()) => Validated {
                sealers: self
                    .seals
                    .iter()
                    .map(|(seal, _)| seal.domain.clone())
                    .collect(),
                results: Some(self.results.clone()),
                ..Validated::new(ArcResult::Pass, "all seals are right", sets)
            },
            Err(fault) if fault.result == DkimResult::TempError => {
                Validated::new(ArcResult::TempError, fault.reason, sets)
            }
            Err(fault) => Validated::new(ArcResult::Fail, fault.reason, sets),
        }
    }

    /// Step 4.
    async fn check_message(
        &self,
        resolver: &dyn Resolver,
        bodies: &BodyHashes,
        now: i64,
    ) -> Result<(), Fault> {
        let place = |fault: Fault| Fault {
            reason: format!("the newest message signature: {}", fault.reason),
            ..fault
        };
        self.message
            .check_body(bodies.hash(self.body), now)
            .map_err(place)?;
        let claim = Claim {
            key_name: self.message.key_name(),
            algorithm: self.message.algorithm,
            hash: &self.message_hash,
            signature: &self.message.signature,
            below: false,
        };
        let key = claim.key(resolver).await.map_err(place)?;
        claim.check(&key).map_err(place)
    }

    /// Step 6, the newest first.
    async fn check_seals(&self, resolver: &dyn Resolver) -> Result<(), Fault> {
        for (index, (seal, hash)) in self.seals.iter().enumerate().rev() {
            let place = |fault: Fault| Fault {
                reason: format!("seal {}: {}", index + 1, fault.reason),
                ..fault
            };
            let claim = Claim {
                key_name: format!("{}._domainkey.{}", seal.selector, seal.domain),
                algorithm: seal.algorithm,
                hash,
                signature: &seal.signature,
                below: false,
            };
            let key = claim.key(resolver).await.map_err(place)?;
            claim.check(&key).map_err(place)?;
        }
        Ok(())
    }
}
