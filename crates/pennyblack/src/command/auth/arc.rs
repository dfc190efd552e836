//! `pennyblack auth arc`.

use super::dkim::{body_hash, print_signed, read_key};
use super::{Message, block_on, resolver, time};
use crate::cli::{AskedResolver, Global, SigningKey};
use crate::outcome::{Failure, Outcome};
use crate::output::{facts, json, say};
use mailauth::arc::{Sealing, Validated, Validator};
use mailauth::dkim::Bodies;
use serde_json::json;
use std::path::Path;
use std::process::ExitCode;

pub(super) fn verify(
    file: &Path,
    asked: &AskedResolver,
    at: Option<i64>,
    global: &Global,
) -> Outcome {
    let validated = validate(&Message::read(file)?, asked, at)?;
    if global.json {
        return Ok(json(&json!({
            "result": validated.result.word(),
            "reason": validated.reason,
            "sets": validated.sets,
            "sealers": validated.sealers,
            "results": validated.results,
        })));
    }
    say!("{}", validated.result);
    facts(&[
        ("reason", validated.reason.clone()),
        ("sets", validated.sets.to_string()),
        ("sealers", validated.sealers.join(", ")),
        ("last found", validated.results.unwrap_or_default()),
    ]);
    Ok(ExitCode::SUCCESS)
}

fn validate(
    message: &Message,
    asked: &AskedResolver,
    at: Option<i64>,
) -> Result<Validated, Failure> {
    let mut bodies = Bodies::default();
    let validator = Validator::new(message.section(), &mut bodies);
    bodies.update(message.body());
    let hashes = bodies.finish();
    if validator.is_empty() {
        return Ok(Validated::none());
    }
    block_on(async {
        let resolver = resolver(asked)?;
        Ok(validator.finish(&resolver, &hashes, time(at)).await)
    })?
}

pub(super) fn seal(wanted: &SigningKey, results: &str, asked: &AskedResolver) -> Outcome {
    let key = read_key(&wanted.key)?;
    let message = Message::read(Path::new("-"))?;
    let before = validate(&message, asked, wanted.time)?;
    let sealing = Sealing {
        domain: &wanted.domain,
        selector: &wanted.selector,
        signer: &key,
        time: time(wanted.time),
        results,
    };
    let fields = sealing
        .fields(message.section(), &body_hash(&message), &before)
        .map_err(Failure::failed)?;
    print_signed(&fields, &message, wanted)
}
