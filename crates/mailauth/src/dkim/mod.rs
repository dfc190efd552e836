//! DKIM: signatures over messages, made and verified (RFC 6376, RFC 8301, RFC 8463, RFC 8616).
//!
//! A message is never held: [`Bodies`] are fed its octets while they arrive. SHA-1 and keys below 1024 bits are
//! neither used nor believed (RFC 8301); a signature that covers only a part of the body is not believed either (RFC 6376 §8.2).

pub mod canonical;
pub(crate) mod key;
mod keypair;
pub(crate) mod sign;
pub(crate) mod signature;
#[cfg(test)]
mod tests;
pub(crate) mod verify;

pub use canonical::{Bodies, BodyHash, BodyHashes, BodyId, Canonicalization};
pub use key::{KeyFault, PublicKey, PublicKeyRecord};
pub use keypair::{Algorithm, KeyError, PrivateKey, Signer};
pub use sign::{SIGNED, SignError, Signing};
pub use signature::Signature;
pub use verify::{DkimResult, Limits, Verified, Verifier};
