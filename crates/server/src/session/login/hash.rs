//! Password hashes: verifies what other servers' files hold (B9, B10, Y12), and makes argon2id and SCRAM verifiers.
//!
//! Everything here computes for milliseconds to seconds and runs on a blocking thread.

use crate::config::{AuthSettings, ScramSha1};
use crate::session::sasl::prep;
use crate::session::sasl::scram::{self, Hash};
use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};
use aws_lc_rs::{constant_time, digest};
use base64::Engine as _;
use std::num::NonZeroU32;
use store::account::Credentials;

/// Passwords longer than this are refused before any work.
pub(super) const MAX_PASSWORD: usize = 1024;
/// Memory (KiB) and passes beyond which an argon2 hash is not computed: a damaged row must not stop the server.
const MAX_ARGON2: (u32, u32) = (1 << 20, 64);
/// Rounds beyond which a SHA-crypt hash is not computed.
const MAX_SHA_CRYPT_ROUNDS: u32 = 5_000_000;

/// Why a hash cannot be checked at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unsupported;

/// Whether the password belongs to the hash: `$argon2id$…`, crypt forms, and the same behind Dovecot's `{SCHEME}`.
/// Plain text (`{PLAIN}`) is unsupported on purpose; an import hashes it.
pub(super) fn verify(hash: &str, password: &str) -> Result<bool, Unsupported> {
    let (scheme, hash) = split_scheme(hash)?;
    match prep::prepare(password) {
        Some(prepared) if prepared != password => {
            Ok(verify_as_is(&scheme, hash, &prepared)? || verify_as_is(&scheme, hash, password)?)
        }
        _ => verify_as_is(&scheme, hash, password),
    }
}

/// `{SHA512-CRYPT}$6$…` is `("SHA512-CRYPT", "$6$…")`; without braces the scheme is empty.
fn split_scheme(hash: &str) -> Result<(String, &str), Unsupported> {
    let Some(rest) = hash.strip_prefix('{') else {
        return Ok((String::new(), hash));
    };
    let (scheme, hash) = rest.split_once('}').ok_or(Unsupported)?;
    Ok((scheme.to_ascii_uppercase(), hash))
}

fn verify_as_is(scheme: &str, hash: &str, password: &str) -> Result<bool, Unsupported> {
    match scheme {
        "SSHA" => salted(&digest::SHA1_FOR_LEGACY_USE_ONLY, hash, password),
        "SSHA256" => salted(&digest::SHA256, hash, password),
        "SSHA512" => salted(&digest::SHA512, hash, password),
        "" | "CRYPT" | "ARGON2ID" | "ARGON2I" | "BLF-CRYPT" | "SHA512-CRYPT" | "SHA256-CRYPT"
        | "MD5-CRYPT" => crypt(hash, password),
        _ => Err(Unsupported),
    }
}

fn crypt(hash: &str, password: &str) -> Result<bool, Unsupported> {
    let kind = hash
        .split('$')
        .nth(1)
        .filter(|_| hash.starts_with('$'))
        .ok_or(Unsupported)?;
    match kind {
        "argon2id" | "argon2i" => argon2(hash, password),
        "2a" | "2b" | "2y" => Ok(pwhash::bcrypt::verify(password, hash)),
        "6" if sha_rounds_are_sane(hash) => Ok(pwhash::sha512_crypt::verify(password, hash)),
        "5" if sha_rounds_are_sane(hash) => Ok(pwhash::sha256_crypt::verify(password, hash)),
        "1" => Ok(pwhash::md5_crypt::verify(password, hash)),
        _ => Err(Unsupported),
    }
}

/// Why no password could ever be checked against this hash; the sentence does not show it. For hashes that come from elsewhere (B8).
pub fn hash_fault(hash: &str) -> Option<String> {
    let Ok((scheme, bare)) = split_scheme(hash) else {
        return Some("the hash begins with `{` but has no `}`".into());
    };
    let damaged = || Some("the hash is damaged, or asks for too much work".into());
    match scheme.as_str() {
        _ if bare.is_empty() => Some("there is no password hash".into()),
        "SSHA" | "SSHA256" | "SSHA512" => verify_as_is(&scheme, bare, "")
            .err()
            .and_then(|_| damaged()),
        "" | "CRYPT" | "ARGON2ID" | "ARGON2I" | "BLF-CRYPT" | "SHA512-CRYPT" | "SHA256-CRYPT"
        | "MD5-CRYPT" => match crypt_kind(bare) {
            None => Some("the hash is of an unknown form; `pennyblack encrypt` makes one".into()),
            Some(kind) if !CRYPT_KINDS.contains(&kind) => Some(format!(
                "hashes of scheme ${}$ are not supported",
                kind.escape_debug()
            )),
            Some(kind) if is_whole(kind, bare) => None,
            Some(_) => damaged(),
        },
        _ => Some(format!(
            "hashes of scheme {{{}}} are not supported",
            scheme.escape_debug()
        )),
    }
}

const CRYPT_KINDS: [&str; 8] = ["argon2id", "argon2i", "2a", "2b", "2y", "6", "5", "1"];

/// `6` of `$6$salt$digest`.
fn crypt_kind(hash: &str) -> Option<&str> {
    hash.strip_prefix('$')?
        .split_once('$')
        .map(|(kind, _)| kind)
}

/// Whether a hash of this kind has all its parts, and costs what we would pay.
fn is_whole(kind: &str, hash: &str) -> bool {
    let digest = hash.rsplit('$').next().map_or(0, str::len);
    match kind {
        "argon2id" | "argon2i" => PasswordHash::new(hash).is_ok_and(|parsed| {
            parsed.hash.is_some()
                && Params::try_from(&parsed)
                    .is_ok_and(|p| p.m_cost() <= MAX_ARGON2.0 && p.t_cost() <= MAX_ARGON2.1)
        }),
        "2a" | "2b" | "2y" => hash.len() == 60,
        "6" => digest == 86 && sha_rounds_are_sane(hash),
        "5" => digest == 43 && sha_rounds_are_sane(hash),
        _ => digest == 22,
    }
}

fn sha_rounds_are_sane(hash: &str) -> bool {
    let rounds = hash
        .split('$')
        .nth(2)
        .and_then(|field| field.strip_prefix("rounds="));
    rounds.is_none_or(|rounds| rounds.parse().is_ok_and(|n: u32| n <= MAX_SHA_CRYPT_ROUNDS))
}

fn argon2(hash: &str, password: &str) -> Result<bool, Unsupported> {
    let parsed = PasswordHash::new(hash).map_err(|_| Unsupported)?;
    let params = Params::try_from(&parsed).map_err(|_| Unsupported)?;
    if params.m_cost() > MAX_ARGON2.0 || params.t_cost() > MAX_ARGON2.1 {
        return Err(Unsupported);
    }
    Ok(Argon2::default()
        .verify_password(password.as_bytes(), &parsed)
        .is_ok())
}

/// base64 of digest and salt, as LDAP servers keep it.
fn salted(
    algorithm: &'static digest::Algorithm,
    hash: &str,
    password: &str,
) -> Result<bool, Unsupported> {
    let octets = base64::engine::general_purpose::STANDARD
        .decode(hash)
        .map_err(|_| Unsupported)?;
    let (expected, salt) = octets
        .split_at_checked(algorithm.output_len())
        .ok_or(Unsupported)?;
    let computed = digest::digest(algorithm, &[password.as_bytes(), salt].concat());
    Ok(constant_time::verify_slices_are_equal(computed.as_ref(), expected).is_ok())
}

/// What a new password is kept as. Without SCRAM verifiers if SASLprep forbids the password: PLAIN and LOGIN still work.
pub(super) fn make(settings: &AuthSettings, password: &str) -> Credentials {
    let prepared = prep::prepare(password);
    let hash = argon2id(settings, prepared.as_deref().unwrap_or(password));
    let scram = verifier(Hash::Sha256, password);
    let scram_sha1 = wants_sha1(settings)
        .then(|| verifier(Hash::Sha1, password))
        .flatten();
    Credentials {
        hash,
        scram,
        scram_sha1,
    }
}

fn verifier(hash: Hash, password: &str) -> Option<String> {
    let rounds = NonZeroU32::new(scram::ITERATIONS)?;
    let verifier = scram::Verifier::derive(hash, password, &salt()?, rounds)?;
    Some(verifier.to_string())
}

/// Whether keys for SCRAM-SHA-1 are kept beside those for SCRAM-SHA-256.
fn wants_sha1(settings: &AuthSettings) -> bool {
    settings.scram_sha1 != ScramSha1::Off
}

fn argon2id(settings: &AuthSettings, password: &str) -> Option<String> {
    let salt = SaltString::encode_b64(&salt()?).ok()?;
    let hash = hasher(settings)
        .hash_password(password.as_bytes(), &salt)
        .ok()?;
    Some(hash.to_string())
}

/// Falls back to argon2's own defaults where the settings are out of its range.
fn hasher(settings: &AuthSettings) -> Argon2<'static> {
    let params =
        Params::new(settings.argon2_memory, settings.argon2_passes, 1, None).unwrap_or_default();
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

/// `None` where the system has no randomness: better no password than a guessable salt.
fn salt() -> Option<[u8; scram::SALT]> {
    let mut salt = [0; scram::SALT];
    aws_lc_rs::rand::fill(&mut salt).ok()?;
    Some(salt)
}

/// Whether a verified password should be hashed anew: an older scheme, weaker than the settings, or a SCRAM verifier is missing (Y12).
pub(super) fn is_outdated(
    settings: &AuthSettings,
    credentials: &Credentials,
    password: &str,
) -> bool {
    let strong = credentials
        .hash
        .as_deref()
        .is_some_and(|hash| is_strong(settings, hash));
    let missing =
        credentials.scram.is_none() || (wants_sha1(settings) && credentials.scram_sha1.is_none());
    !strong || (missing && prep::prepare(password).is_some())
}

fn is_strong(settings: &AuthSettings, hash: &str) -> bool {
    let Ok(parsed) = PasswordHash::new(hash) else {
        return false;
    };
    parsed.algorithm.as_str() == "argon2id"
        && Params::try_from(&parsed).is_ok_and(|p| {
            p.m_cost() >= settings.argon2_memory && p.t_cost() >= settings.argon2_passes
        })
}

/// Does the work of a verification for a user who does not exist (Y12: the time tells nothing).
pub(super) fn work_in_vain(settings: &AuthSettings, password: &str) {
    let mut output = [0; 32];
    let _ = hasher(settings).hash_password_into(
        password.as_bytes(),
        b"nobody has this salt",
        &mut output,
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn settings() -> AuthSettings {
        AuthSettings {
            default_domain: None,
            failure_delay: Duration::from_secs(2),
            cache_time: Duration::from_secs(3600),
            argon2_memory: 64,
            argon2_passes: 1,
            scram_sha1: ScramSha1::Off,
            oauth: Default::default(),
        }
    }

    const BCRYPT_8: &str = "$2b$08$I5XEVt27r8XTsFEPH0jYf.LImmCs0.3Nbb7/XXVfxNhPDHkUuIltK";
    const BCRYPT_9: &str = "$2b$09$.Qf4fQwpu2hgyNvoFmJP7.dGskR7cGMTlac9xkuR6GOAmamh4EgqS";
    const ARGON2ID: &str = "$argon2id$v=19$m=65536,t=3,p=1$Zx3ioRdngw6RFg4y04AZiA$odNEbHe06ifjO7/teyKoAkQ307YfLKESgiEsbU6ihNc";
    const SHA256: &str = "$5$saltsalt$myjXcpMpE2Ofk7fj9hqyNYSn6lmWG4Mqnjx.KIRRr4/";
    const MD5: &str = "$1$saltsalt$NuzA7WTAelpl95xgBGWN60";
    const SHA512: &str = "$6$rV/V6KmEjBI1NAPL$59VtlH508j6EcWlTnUxDGq5VnIoV8z1QnTwx8tZuNbZJcea/Ao0gRdVpLGDCKRZbNMdtQKOx44RNMte7Nx0aI1";

    fn only_correct_horse_opens(hash: &str) {
        assert_eq!(verify(hash, "correct horse"), Ok(true), "{hash}");
        assert_eq!(verify(hash, "correct horsE"), Ok(false), "{hash}");
    }

    /// B9
    #[test]
    fn b09_bcrypt() {
        only_correct_horse_opens(BCRYPT_8);
        only_correct_horse_opens(BCRYPT_9);
        only_correct_horse_opens(&BCRYPT_8.replace("$2b$", "$2a$"));
        only_correct_horse_opens(&BCRYPT_8.replace("$2b$", "$2y$"));
        only_correct_horse_opens(&format!("{{BLF-CRYPT}}{BCRYPT_8}"));
    }

    /// B10
    #[test]
    fn b10_argon2id_and_sha_crypt() {
        only_correct_horse_opens(ARGON2ID);
        only_correct_horse_opens(&format!("{{ARGON2ID}}{ARGON2ID}"));
        only_correct_horse_opens(SHA512);
        only_correct_horse_opens(&format!("{{SHA512-CRYPT}}{SHA512}"));
        only_correct_horse_opens(SHA256);
        only_correct_horse_opens(MD5);
    }

    /// Y12: salted digests of directory servers.
    #[test]
    fn y12_ssha() {
        let salted = [
            digest::digest(&digest::SHA256, b"correct horseNaCl").as_ref(),
            b"NaCl",
        ]
        .concat();
        let hash = base64::engine::general_purpose::STANDARD.encode(salted);
        only_correct_horse_opens(&format!("{{SSHA256}}{hash}"));
    }

    #[test]
    fn plain_text_and_nonsense_are_unsupported() {
        let greedy = ARGON2ID.replace("m=65536", "m=99999999");
        for hash in [
            "{PLAIN}correct horse",
            "correct horse",
            "{CLEARTEXT}x",
            "",
            "$",
            "$9$x",
            "{",
            "{SSHA}x",
            "x$6$y",
            "$6$rounds=999999999$a$b",
            &greedy,
        ] {
            assert_eq!(verify(hash, "correct horse"), Err(Unsupported), "{hash}");
        }
    }

    #[test]
    fn new_passwords_get_argon2id_and_a_scram_verifier() {
        let made = make(&settings(), "correct horse");
        only_correct_horse_opens(made.hash.as_deref().unwrap());
        assert!(scram::Verifier::parse(made.scram.as_deref().unwrap()).is_some());
        assert!(!is_outdated(&settings(), &made, "correct horse"));
        assert!(is_outdated(
            &AuthSettings {
                argon2_passes: 2,
                ..settings()
            },
            &made,
            "correct horse"
        ));
        let imported = Credentials {
            hash: Some(BCRYPT_8.into()),
            ..Credentials::default()
        };
        assert!(is_outdated(&settings(), &imported, "correct horse"));
    }

    #[test]
    fn keys_for_sha1_are_made_where_the_setting_asks() {
        let off = make(&settings(), "correct horse");
        assert_eq!(off.scram_sha1, None);
        for scram_sha1 in [ScramSha1::Prepare, ScramSha1::On] {
            let asked = AuthSettings {
                scram_sha1,
                ..settings()
            };
            assert!(is_outdated(&asked, &off, "correct horse"));
            assert!(!is_outdated(&asked, &off, "no\u{7}key can be made of this"));
            let made = make(&asked, "correct horse");
            let verifier = scram::Verifier::parse(made.scram_sha1.as_deref().unwrap()).unwrap();
            assert_eq!(verifier.hash(), Hash::Sha1);
            assert!(!is_outdated(&asked, &made, "correct horse"));
        }
    }

    /// A password typed as two code points on one device and as one on another is the same.
    #[test]
    fn composed_and_decomposed_passwords_are_equal() {
        let made = make(&settings(), "pass\u{e9}");
        assert_eq!(
            verify(made.hash.as_deref().unwrap(), "passe\u{301}"),
            Ok(true)
        );
        let imported = "$5$saltsalt$Zd4F6IpxK3jzK2FtGlGLQzn3qMUltEUarLlu5/sT1Y6";
        assert_eq!(verify(imported, "passe\u{301}"), Ok(true));
    }
}
