//! SCRAM with SHA-256 and SHA-1, the server's side (RFC 5802, RFC 7677), with the channel binding `tls-exporter` (RFC 9266) for -PLUS.
//!
//! Three types, one per message: [`ClientFirst`] is parsed, [`Proving`] has answered it and waits for the client's proof.
//! It knows nothing of accounts: whoever calls it brings the [`Verifier`].

use super::{Malformed, prep};
use aws_lc_rs::{constant_time, digest, hmac, pbkdf2};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use std::num::NonZeroU32;

/// Rounds for new verifiers. RFC 7677 §4 asks for at least 4096; the client pays for them at each log-in, and Cyrus SASL (mbsync,
/// and much else) refuses to pay for more than 65,536.
pub const ITERATIONS: u32 = 65_536;
/// A verifier with more rounds than this is not believed: a client could be kept busy for minutes.
const MAX_ITERATIONS: u32 = 10_000_000;
const MAX_NONCE: usize = 256;
/// Octets of a new verifier's salt.
pub const SALT: usize = 16;

/// The hash function of a SCRAM mechanism.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hash {
    /// SCRAM-SHA-1 (RFC 5802), off unless a setting asks for it.
    Sha1,
    /// SCRAM-SHA-256 (RFC 7677).
    Sha256,
}

impl Hash {
    /// The mechanism's name, without -PLUS.
    fn mechanism(self) -> &'static str {
        match self {
            Hash::Sha1 => "SCRAM-SHA-1",
            Hash::Sha256 => "SCRAM-SHA-256",
        }
    }

    /// Octets of a key.
    fn len(self) -> usize {
        self.algorithm().output_len()
    }

    fn algorithm(self) -> &'static digest::Algorithm {
        match self {
            Hash::Sha1 => &digest::SHA1_FOR_LEGACY_USE_ONLY,
            Hash::Sha256 => &digest::SHA256,
        }
    }

    /// `H(str)`
    fn digest(self, message: &[u8]) -> Vec<u8> {
        digest::digest(self.algorithm(), message).as_ref().to_vec()
    }

    /// `HMAC(key, str)`
    fn mac(self, key: &[u8], message: &[u8]) -> Vec<u8> {
        let algorithm = match self {
            Hash::Sha1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
            Hash::Sha256 => hmac::HMAC_SHA256,
        };
        hmac::sign(&hmac::Key::new(algorithm, key), message)
            .as_ref()
            .to_vec()
    }

    /// `Hi(str, salt, i)`, the SaltedPassword.
    fn salted(self, password: &str, salt: &[u8], iterations: NonZeroU32) -> Vec<u8> {
        let algorithm = match self {
            Hash::Sha1 => pbkdf2::PBKDF2_HMAC_SHA1,
            Hash::Sha256 => pbkdf2::PBKDF2_HMAC_SHA256,
        };
        let mut salted = vec![0; self.len()];
        pbkdf2::derive(
            algorithm,
            iterations,
            salt,
            password.as_bytes(),
            &mut salted,
        );
        salted
    }
}

/// What the server keeps in place of a password (RFC 5803).
#[derive(Clone, PartialEq, Eq)]
pub struct Verifier {
    hash: Hash,
    iterations: u32,
    salt: Vec<u8>,
    stored_key: Vec<u8>,
    server_key: Vec<u8>,
}

impl Verifier {
    /// Computes it; `None` if the password cannot be prepared ([`prep::prepare`]). Takes tens of milliseconds.
    pub fn derive(
        hash: Hash,
        password: &str,
        salt: &[u8],
        iterations: NonZeroU32,
    ) -> Option<Verifier> {
        let salted = hash.salted(&prep::prepare(password)?, salt, iterations);
        Some(Verifier {
            hash,
            iterations: iterations.get(),
            salt: salt.to_vec(),
            stored_key: hash.digest(&hash.mac(&salted, b"Client Key")),
            server_key: hash.mac(&salted, b"Server Key"),
        })
    }

    /// Reads `MECHANISM$ITERATIONS:SALT$STOREDKEY:SERVERKEY`.
    pub fn parse(text: &str) -> Option<Verifier> {
        let (mechanism, rest) = text.split_once('$')?;
        let hash = [Hash::Sha256, Hash::Sha1]
            .into_iter()
            .find(|hash| hash.mechanism() == mechanism)?;
        let key = |text| {
            let key = BASE64.decode(text).ok()?;
            (key.len() == hash.len()).then_some(key)
        };
        let (settings, keys) = rest.split_once('$')?;
        let (iterations, salt) = settings.split_once(':')?;
        let (stored_key, server_key) = keys.split_once(':')?;
        let iterations = iterations
            .parse()
            .ok()
            .filter(|n| (1..=MAX_ITERATIONS).contains(n))?;
        Some(Verifier {
            hash,
            iterations,
            salt: BASE64.decode(salt).ok()?,
            stored_key: key(stored_key)?,
            server_key: key(server_key)?,
        })
    }

    /// One that no password opens, the same for the same name: a client cannot tell an unknown user from a known one (RFC 5802 §9).
    pub fn pretend(hash: Hash, secret: &hmac::Key, name: &str) -> Verifier {
        let mechanism = match hash {
            Hash::Sha1 => "SCRAM-SHA-1 ",
            Hash::Sha256 => "",
        };
        let derive = |what: &str, octets: usize| {
            let tag = hmac::sign(secret, format!("{mechanism}{what}\0{name}").as_bytes());
            tag.as_ref().iter().copied().take(octets).collect()
        };
        Verifier {
            hash,
            iterations: ITERATIONS,
            salt: derive("salt", SALT),
            stored_key: derive("stored key", hash.len()),
            server_key: derive("server key", hash.len()),
        }
    }

    /// Its hash function.
    pub fn hash(&self) -> Hash {
        self.hash
    }
}

/// Writes what [`Verifier::parse`] reads.
impl std::fmt::Display for Verifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (salt, stored, server) = (
            BASE64.encode(&self.salt),
            BASE64.encode(&self.stored_key),
            BASE64.encode(&self.server_key),
        );
        write!(
            f,
            "{}${}:{salt}${stored}:{server}",
            self.hash.mechanism(),
            self.iterations
        )
    }
}

/// The channel binding a mechanism demands and the session can give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Binding {
    /// SCRAM where -PLUS was announced too: a client that says "you have none" was deceived (RFC 5802 §6, `y`).
    Announced,
    /// SCRAM where -PLUS is not to be had.
    Impossible,
    /// SCRAM-…-PLUS over a channel with this exporter value.
    Exporter([u8; 32]),
}

/// `client-first-message`, parsed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ClientFirst {
    /// The user name, prepared.
    pub(super) user: String,
    /// Whom to act as, if said.
    pub(super) authzid: Option<String>,
    nonce: String,
    bare: String,
    /// `cbind-input`: what `c=` of the final message must hold.
    binding_input: Vec<u8>,
}

impl ClientFirst {
    pub(super) fn parse(message: &[u8], binding: Binding) -> Result<ClientFirst, Malformed> {
        let message = std::str::from_utf8(message).map_err(|_| "the response is not UTF-8")?;
        let mut parts = message.splitn(3, ',');
        let (Some(flag), Some(authzid), Some(bare)) = (parts.next(), parts.next(), parts.next())
        else {
            return Err("SCRAM: the first message has no GS2 header");
        };
        check_flag(flag, binding)?;
        let header = &message[..message.len() - bare.len()];
        let (user, nonce) = name_and_nonce(bare)?;
        Ok(ClientFirst {
            user,
            authzid: parse_authzid(authzid)?,
            nonce: nonce.to_owned(),
            bare: bare.to_owned(),
            binding_input: binding_input(header, binding),
        })
    }

    /// `server-first-message`, and the state that waits for the proof. `nonce` is ours: printable, without comma.
    pub(super) fn answer(self, verifier: Verifier, nonce: &str) -> (Vec<u8>, Proving) {
        let nonce = format!("{}{nonce}", self.nonce);
        let server_first = format!(
            "r={nonce},s={},i={}",
            BASE64.encode(&verifier.salt),
            verifier.iterations
        );
        let signed_so_far = format!("{},{server_first},", self.bare);
        let proving = Proving {
            verifier,
            nonce,
            signed_so_far,
            binding_input: self.binding_input,
        };
        (server_first.into_bytes(), proving)
    }
}

/// `gs2-cbind-flag` (RFC 5802 §5.1, §6).
fn check_flag(flag: &str, binding: Binding) -> Result<(), Malformed> {
    match (flag, binding) {
        ("p=tls-exporter", Binding::Exporter(_)) => Ok(()),
        (_, Binding::Exporter(_)) => {
            Err("SCRAM: this mechanism needs the channel binding tls-exporter")
        }
        ("n", _) | ("y", Binding::Impossible) => Ok(()),
        ("y", Binding::Announced) => Err("SCRAM: server-does-support-channel-binding"),
        _ => Err("SCRAM: channel binding needs a mechanism that ends in -PLUS"),
    }
}

fn binding_input(header: &str, binding: Binding) -> Vec<u8> {
    let mut input = header.as_bytes().to_vec();
    if let Binding::Exporter(value) = binding {
        input.extend_from_slice(&value);
    }
    input
}

/// An empty `a=` is not in the grammar, but libraries send it for "nobody else".
fn parse_authzid(field: &str) -> Result<Option<String>, Malformed> {
    match field.strip_prefix("a=") {
        Some("") => Ok(None),
        Some(name) => sasl_name(name).map(Some),
        None if field.is_empty() => Ok(None),
        None => Err("SCRAM: the GS2 header is malformed"),
    }
}

/// `n=…,r=…` and extensions, which we know none of; a mandatory one (`m=`) would come first.
fn name_and_nonce(bare: &str) -> Result<(String, &str), Malformed> {
    let mut attributes = bare.split(',');
    let name = attributes
        .next()
        .and_then(|a| a.strip_prefix("n="))
        .ok_or("SCRAM: no user name where one belongs")?;
    let nonce = attributes
        .next()
        .and_then(|a| a.strip_prefix("r="))
        .ok_or("SCRAM: no nonce where one belongs")?;
    if nonce.is_empty() || nonce.len() > MAX_NONCE || !nonce.bytes().all(|o| o.is_ascii_graphic()) {
        return Err("SCRAM: the nonce is empty, too long or not printable");
    }
    Ok((sasl_name(name)?, nonce))
}

/// `saslname`: `=2C` stands for a comma and `=3D` for an equals sign, and no other `=` may appear.
fn sasl_name(name: &str) -> Result<String, Malformed> {
    let plain = name.replace("=2C", ",").replace("=3D", "=");
    let escapes = name.matches("=2C").count() + name.matches("=3D").count();
    if name.is_empty() || name.matches('=').count() != escapes {
        return Err("SCRAM: the user name is empty or wrongly escaped");
    }
    let prepared =
        prep::prepare(&plain).ok_or("SCRAM: the user name holds forbidden characters")?;
    Ok(prepared.into_owned())
}

/// Waits for `client-final-message`.
pub(super) struct Proving {
    verifier: Verifier,
    nonce: String,
    signed_so_far: String,
    binding_input: Vec<u8>,
}

/// What the final message came to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Proof {
    /// The client knows the password: the `server-final-message` that proves the same of us.
    Right(Vec<u8>),
    /// It does not.
    Wrong,
    /// The channel is not the one the client sees: somebody sits in between.
    OtherChannel,
}

impl Proving {
    /// What the proof is weighed against.
    pub(super) fn verifier(&self) -> Verifier {
        self.verifier.clone()
    }

    /// Weighs the client's proof.
    pub(super) fn check(&self, message: &[u8]) -> Result<Proof, Malformed> {
        let message = std::str::from_utf8(message).map_err(|_| "the response is not UTF-8")?;
        let (unproved, proof) = message
            .rsplit_once(",p=")
            .ok_or("SCRAM: no proof in the final message")?;
        let mut attributes = unproved.split(',');
        let binding = attributes
            .next()
            .and_then(|a| a.strip_prefix("c="))
            .ok_or("SCRAM: no channel binding where it belongs")?;
        let nonce = attributes
            .next()
            .and_then(|a| a.strip_prefix("r="))
            .ok_or("SCRAM: no nonce where one belongs")?;
        let binding = BASE64
            .decode(binding)
            .map_err(|_| "SCRAM: the channel binding is not base64")?;
        let proof = BASE64
            .decode(proof)
            .map_err(|_| "SCRAM: the proof is not base64")?;
        if nonce != self.nonce {
            return Err("SCRAM: the nonce is not the one agreed on");
        }
        if binding != self.binding_input {
            return Ok(Proof::OtherChannel);
        }
        Ok(self.weigh(&format!("{}{unproved}", self.signed_so_far), &proof))
    }

    /// RFC 5802 §3: ClientKey = ClientProof XOR HMAC(StoredKey, AuthMessage); H(ClientKey) must be StoredKey.
    fn weigh(&self, auth_message: &str, proof: &[u8]) -> Proof {
        let Verifier {
            hash,
            stored_key,
            server_key,
            ..
        } = &self.verifier;
        if proof.len() != hash.len() {
            return Proof::Wrong;
        }
        let signature = hash.mac(stored_key, auth_message.as_bytes());
        let client_key: Vec<u8> = proof.iter().zip(signature).map(|(p, s)| p ^ s).collect();
        if constant_time::verify_slices_are_equal(&hash.digest(&client_key), stored_key).is_err() {
            return Proof::Wrong;
        }
        let ours = hash.mac(server_key, auth_message.as_bytes());
        Proof::Right(format!("v={}", BASE64.encode(ours)).into_bytes())
    }
}

#[cfg(test)]
pub(in crate::session) mod client {
    //! The client's side, for tests.
    use super::*;

    /// The `client-final-message` for a password.
    pub(in crate::session) fn last(
        hash: Hash,
        password: &str,
        bare: &str,
        server_first: &str,
        binding_input: &[u8],
    ) -> String {
        let field = |name: &str| {
            server_first
                .split(',')
                .find_map(|a| a.strip_prefix(name))
                .unwrap()
        };
        let salt = BASE64.decode(field("s=")).unwrap();
        let iterations = NonZeroU32::new(field("i=").parse().unwrap()).unwrap();
        let salted = hash.salted(password, &salt, iterations);
        let client_key = hash.mac(&salted, b"Client Key");
        let unproved = format!("c={},r={}", BASE64.encode(binding_input), field("r="));
        let auth_message = format!("{bare},{server_first},{unproved}");
        let signature = hash.mac(&hash.digest(&client_key), auth_message.as_bytes());
        let proof: Vec<u8> = client_key
            .iter()
            .zip(signature)
            .map(|(k, s)| k ^ s)
            .collect();
        format!("{unproved},p={}", BASE64.encode(proof))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const FIRST: &[u8] = b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO";
    const FINAL: &[u8] = b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";

    fn pencil() -> Verifier {
        let salt = BASE64.decode("W22ZaJ0SNY7soEsUEjb6gQ==").unwrap();
        Verifier::derive(
            Hash::Sha256,
            "pencil",
            &salt,
            NonZeroU32::new(4096).unwrap(),
        )
        .unwrap()
    }

    /// RFC 5802 §5.
    #[test]
    fn rfc5802_section_5_example() {
        let first = b"n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL";
        let last =
            b"c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=";
        let salt = BASE64.decode("QSXCR+Q6sek8bf92").unwrap();
        let rounds = NonZeroU32::new(4096).unwrap();
        let verifier = Verifier::derive(Hash::Sha1, "pencil", &salt, rounds).unwrap();
        let first = ClientFirst::parse(first, Binding::Impossible).unwrap();
        let (challenge, proving) = first.answer(verifier, "3rfcNHYJY1ZVvWVs7j");
        assert_eq!(
            String::from_utf8(challenge).unwrap(),
            "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096"
        );
        let right = Proof::Right(b"v=rmF9pqV8S7suAoZWja4dJRkFsKQ=".to_vec());
        assert_eq!(proving.check(last), Ok(right));
    }

    /// The keys of one mechanism are worth nothing in the other.
    #[test]
    fn a_proof_is_of_one_mechanism() {
        let bare = "n=user,r=abc";
        let first = ClientFirst::parse(b"n,,n=user,r=abc", Binding::Impossible).unwrap();
        let (challenge, proving) = first.answer(pencil(), "def");
        let challenge = String::from_utf8(challenge).unwrap();
        let last = |hash| client::last(hash, "pencil", bare, &challenge, b"n,,");
        assert_eq!(proving.check(last(Hash::Sha1).as_bytes()), Ok(Proof::Wrong));
        assert!(matches!(
            proving.check(last(Hash::Sha256).as_bytes()),
            Ok(Proof::Right(_))
        ));
    }

    /// RFC 7677 §3.
    #[test]
    fn rfc7677_section_3_example() {
        let first = ClientFirst::parse(FIRST, Binding::Impossible).unwrap();
        assert_eq!(first.user, "user");
        let (challenge, proving) = first.answer(pencil(), "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0");
        assert_eq!(
            String::from_utf8(challenge).unwrap(),
            "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
        );
        let right = Proof::Right(b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=".to_vec());
        assert_eq!(proving.check(FINAL), Ok(right));
    }

    #[test]
    fn a_wrong_password_proves_nothing() {
        let (challenge, proving) = ClientFirst::parse(FIRST, Binding::Impossible)
            .unwrap()
            .answer(pencil(), "x");
        let challenge = String::from_utf8(challenge).unwrap();
        let last = client::last(
            Hash::Sha256,
            "pencils",
            "n=user,r=rOprNGfwEbeRWgbNEkqO",
            &challenge,
            b"n,,",
        );
        assert_eq!(proving.check(last.as_bytes()), Ok(Proof::Wrong));
    }

    /// RFC 5802 §6: who took -PLUS out of our list is found out.
    #[test]
    fn a_downgrade_is_noticed() {
        let deceived = b"y,,n=user,r=abc";
        assert!(ClientFirst::parse(deceived, Binding::Announced).is_err());
        assert!(ClientFirst::parse(deceived, Binding::Impossible).is_ok());
        assert!(ClientFirst::parse(deceived, Binding::Exporter([0; 32])).is_err());
    }

    /// RFC 9266: the proof is worth nothing over another channel.
    #[test]
    fn the_channel_is_bound() {
        let bare = "n=user,r=abc";
        let first = format!("p=tls-exporter,,{bare}");
        let parsed = ClientFirst::parse(first.as_bytes(), Binding::Exporter([7; 32])).unwrap();
        let (challenge, proving) = parsed.answer(pencil(), "def");
        let challenge = String::from_utf8(challenge).unwrap();
        let over = |exporter: u8| {
            let input = [b"p=tls-exporter,,".as_slice(), &[exporter; 32]].concat();
            proving.check(client::last(Hash::Sha256, "pencil", bare, &challenge, &input).as_bytes())
        };
        assert!(matches!(over(7), Ok(Proof::Right(_))));
        assert_eq!(over(8), Ok(Proof::OtherChannel));
    }

    #[test]
    fn malformed_messages_are_named() {
        for bad in [
            &b""[..],
            b"n",
            b"n,",
            b"n,,",
            b"n,,n=",
            b"n,,n=user",
            b"n,,n=user,r=",
            b"n,,n=us=er,r=abc",
            b"n,,m=x,n=user,r=abc",
            b"x,,n=user,r=abc",
            b"n,b=x,n=user,r=abc",
            b"p=tls-unique,,n=user,r=abc",
            b"n,,n=user,r=a\xff",
        ] {
            assert!(
                ClientFirst::parse(bad, Binding::Impossible).is_err(),
                "{bad:?}"
            );
        }
    }

    #[test]
    fn names_are_unescaped() {
        let first =
            ClientFirst::parse(b"n,a=x=3Dy,n=a=2Cb=3Dc,r=abc", Binding::Impossible).unwrap();
        assert_eq!(
            (first.user.as_str(), first.authzid.as_deref()),
            ("a,b=c", Some("x=y"))
        );
    }

    #[test]
    fn an_empty_authzid_is_none() {
        let first = ClientFirst::parse(b"n,a=,n=user,r=abc", Binding::Impossible).unwrap();
        assert_eq!(first.authzid, None);
    }

    #[test]
    fn unknown_users_have_a_stable_salt_of_their_own() {
        let secret = hmac::Key::new(hmac::HMAC_SHA256, b"secret");
        let pretend = |hash, name| Verifier::pretend(hash, &secret, name);
        for hash in [Hash::Sha1, Hash::Sha256] {
            assert!(pretend(hash, "a") == pretend(hash, "a"));
            assert!(pretend(hash, "a").salt != pretend(hash, "b").salt);
            assert_eq!(pretend(hash, "a").stored_key.len(), hash.len());
        }
        assert!(pretend(Hash::Sha1, "a").salt != pretend(Hash::Sha256, "a").salt);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn verifiers_survive_being_written(sha1: bool, iterations in 1u32..=MAX_ITERATIONS, salt: Vec<u8>, stored_key: [u8; 32], server_key: [u8; 32]) {
            let hash = if sha1 { Hash::Sha1 } else { Hash::Sha256 };
            let key = |octets: [u8; 32]| octets[..hash.len()].to_vec();
            let verifier = Verifier { hash, iterations, salt, stored_key: key(stored_key), server_key: key(server_key) };
            prop_assert!(Verifier::parse(&verifier.to_string()) == Some(verifier));
        }

        #[test]
        fn no_octets_make_it_panic(first: Vec<u8>, tail in "[ -~]{0,60}", last: Vec<u8>) {
            let _ = ClientFirst::parse(&first, Binding::Announced);
            let _ = ClientFirst::parse(format!("n,,{tail}").as_bytes(), Binding::Announced);
            let (_, proving) = ClientFirst::parse(FIRST, Binding::Announced).unwrap().answer(pretend(), "x");
            let _ = proving.check(&last);
            let _ = proving.check(format!("c={tail},r={tail},p={tail}").as_bytes());
        }
    }

    fn pretend() -> Verifier {
        Verifier::pretend(Hash::Sha256, &hmac::Key::new(hmac::HMAC_SHA256, b""), "")
    }
}
