//! `pennyblack auth dkim`.

use super::{Message, block_on, resolver, time};
use crate::cli::{AskedResolver, Global, SigningKey};
use crate::outcome::{Failure, Outcome};
use crate::output::{facts, json, say};
use mailauth::dkim::{
    Bodies, BodyHash, Canonicalization, DkimResult, Limits, PrivateKey, Signing, Verified, Verifier,
};
use serde_json::json;
use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

pub(super) fn verify(
    file: &Path,
    asked: &AskedResolver,
    at: Option<i64>,
    global: &Global,
) -> Outcome {
    let message = Message::read(file)?;
    let mut bodies = Bodies::default();
    let verifier = Verifier::new(message.section(), Limits::default(), &mut bodies);
    bodies.update(message.body());
    let hashes = bodies.finish();
    let results = block_on(async {
        let resolver = resolver(asked)?;
        Ok::<_, Failure>(verifier.finish(&resolver, &hashes, time(at)).await)
    })??;
    Ok(match global.json {
        true => json(&json!({
            "result": overall(&results),
            "signatures": results.iter().map(as_json).collect::<Vec<_>>(),
        })),
        false => print(&results),
    })
}

/// One word for the message: pass if a signature passes, else what became of the first one.
fn overall(results: &[Verified]) -> &'static str {
    let pass = results
        .iter()
        .find(|verified| verified.result == DkimResult::Pass);
    pass.or(results.first())
        .map_or("none", |verified| verified.result.word())
}

fn as_json(verified: &Verified) -> serde_json::Value {
    json!({
        "result": verified.result.word(),
        "reason": verified.reason,
        "domain": verified.domain,
        "selector": verified.selector,
        "identity": verified.identity,
        "algorithm": verified.algorithm,
        "key_bits": verified.key_bits,
        "testing": verified.testing,
    })
}

fn print(results: &[Verified]) -> ExitCode {
    say!("{}", overall(results));
    for verified in results {
        say!("");
        facts(&[
            ("result", verified.result.to_string()),
            ("reason", verified.reason.clone()),
            ("domain", verified.domain.clone()),
            ("selector", verified.selector.clone()),
            ("identity", verified.identity.clone()),
            ("algorithm", verified.algorithm.to_string()),
            (
                "key",
                verified
                    .key_bits
                    .map(|bits| format!("{bits} bits"))
                    .unwrap_or_default(),
            ),
        ]);
    }
    ExitCode::SUCCESS
}

pub(super) fn sign(wanted: &SigningKey) -> Outcome {
    let key = read_key(&wanted.key)?;
    let message = Message::read(Path::new("-"))?;
    let signing = Signing {
        domain: &wanted.domain,
        selector: &wanted.selector,
        signer: &key,
        time: time(wanted.time),
        expires: None,
    };
    let field = signing
        .field(message.section(), &body_hash(&message))
        .map_err(Failure::failed)?;
    print_signed(&field, &message, wanted)
}

pub(super) fn body_hash(message: &Message) -> Vec<u8> {
    let mut hash = BodyHash::new(Canonicalization::Relaxed, None);
    hash.update(message.body());
    hash.finish().0.as_ref().to_vec()
}

pub(super) fn read_key(file: &Path) -> Result<PrivateKey, Failure> {
    let failed = |why: String| Failure::failed(format!("{}: {why}", file.display()));
    let text = std::fs::read_to_string(file).map_err(|why| failed(why.to_string()))?;
    PrivateKey::from_text(&text).map_err(|why| failed(why.to_string()))
}

/// Fields in front of a message, with the line ends it came with.
pub(super) fn print_signed(fields: &str, message: &Message, wanted: &SigningKey) -> Outcome {
    let mut out = fields.as_bytes().to_vec();
    if !wanted.field_only {
        out.extend_from_slice(&message.octets);
    }
    if message.unix {
        out.retain(|&octet| octet != b'\r');
    }
    std::io::stdout()
        .lock()
        .write_all(&out)
        .map_err(|why| Failure::failed(format!("cannot write the message: {why}")))?;
    Ok(ExitCode::SUCCESS)
}
