//! `pennyblack auth dkim`.

use super::{Message, block_on, resolver, time};
use crate::cli::{AskedResolver, Global};
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

/// What is printed after signing.
pub(super) enum Printed {
    Field,
    Message,
}

/// How to sign.
pub(super) struct Wanted<'a> {
    pub(super) domain: &'a str,
    pub(super) selector: &'a str,
    pub(super) key: &'a Path,
    pub(super) time: Option<i64>,
    pub(super) printed: Printed,
}

pub(super) fn sign(wanted: &Wanted<'_>) -> Outcome {
    let key = read_key(wanted.key)?;
    let message = Message::read(Path::new("-"))?;
    let mut hash = BodyHash::new(Canonicalization::Relaxed, None);
    hash.update(message.body());
    let signing = Signing {
        domain: wanted.domain,
        selector: wanted.selector,
        signer: &key,
        time: time(wanted.time),
        expires: None,
    };
    let (hash, _) = hash.finish();
    let field = signing
        .field(message.section(), hash.as_ref())
        .map_err(Failure::failed)?;
    print_signed(&field, &message, &wanted.printed)
}

pub(super) fn read_key(file: &Path) -> Result<PrivateKey, Failure> {
    let failed = |why: String| Failure::failed(format!("{}: {why}", file.display()));
    let text = std::fs::read_to_string(file).map_err(|why| failed(why.to_string()))?;
    PrivateKey::from_text(&text).map_err(|why| failed(why.to_string()))
}

/// Fields in front of a message, with the line ends it came with.
pub(super) fn print_signed(fields: &str, message: &Message, printed: &Printed) -> Outcome {
    let mut out = fields.as_bytes().to_vec();
    if matches!(printed, Printed::Message) {
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
