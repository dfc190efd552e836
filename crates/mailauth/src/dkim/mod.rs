//! DKIM: signatures over messages, made and verified (RFC 6376, RFC 8301, RFC 8463, RFC 8616).
//!
//! A message is never held: [`Verifier`] and [`BodyHash`] are fed its octets while they arrive. SHA-1 and keys below 1024 bits are
//! neither used nor believed (RFC 8301); a signature that covers only a part of the body is not believed either (RFC 6376 §8.2).

pub mod canonical;
mod key;
mod keypair;
mod sign;
mod signature;
#[cfg(test)]
mod tests;
mod verify;

pub use canonical::{BodyHash, Canonicalization};
pub use key::{KeyFault, PublicKey, PublicKeyRecord};
pub use keypair::{Algorithm, KeyError, PrivateKey, Signer};
pub use sign::{SIGNED, SignError, Signing};
pub use signature::Signature;
pub use verify::{DkimResult, Limits, Verified, Verifier};
