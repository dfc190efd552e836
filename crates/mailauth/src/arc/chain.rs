//! The sets of a message (RFC 8617 §4): which fields belong together, and is the structure right (§5.2, steps 1 to 3).

use super::MOST_SETS;
use crate::dkim::Algorithm;
use crate::dkim::signature::{self, Signature};
use crate::dkim::verify::Fault;
use crate::tags::Tags;

/// One hop's three fields.
pub(super) struct Set<'a> {
    pub(super) results: FieldText<'a>,
    pub(super) message: FieldText<'a>,
    pub(super) seal: FieldText<'a>,
}

/// A field as it stands, and its value.
#[derive(Clone, Copy)]
pub(super) struct FieldText<'a> {
    pub(super) raw: &'a [u8],
    pub(super) value: &'a str,
}

/// `cv=`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ChainWord {
    None,
    Pass,
    Fail,
}

/// What a seal says.
pub(super) struct Seal {
    pub(super) chain: ChainWord,
    pub(super) algorithm: Algorithm,
    pub(super) signature: Vec<u8>,
    pub(super) domain: String,
    pub(super) selector: String,
}

/// All sets in order. `Ok` and empty: there is no chain.
pub(super) fn sets(section: &[u8]) -> Result<Vec<Set<'_>>, String> {
    let mut found: Vec<[Option<FieldText<'_>>; 3]> = Vec::new();
    for field in message::header::fields(section) {
        let Some(kind) = kind(&field) else {
            continue;
        };
        let value = std::str::from_utf8(field.value)
            .map_err(|_| "a field of the chain is not UTF-8".to_string())?;
        let instance = instance(value)?;
        let index = (instance - 1) as usize;
        if found.len() <= index {
            found.resize(index + 1, [None; 3]);
        }
        let text = FieldText {
            raw: field.raw,
            value,
        };
        if found[index][kind].replace(text).is_some() {
            return Err(format!("the chain has a field of set {instance} twice"));
        }
    }
    found
        .into_iter()
        .enumerate()
        .map(|(index, fields)| match fields {
            [Some(results), Some(message), Some(seal)] => Ok(Set {
                results,
                message,
                seal,
            }),
            _ => Err(format!("set {} of the chain is not complete", index + 1)),
        })
        .collect()
}

fn kind(field: &message::header::Field<'_>) -> Option<usize> {
    const NAMES: [&str; 3] = [
        "ARC-Authentication-Results",
        "ARC-Message-Signature",
        "ARC-Seal",
    ];
    NAMES.iter().position(|name| field.is(name))
}

/// `i=`, which in ARC-Authentication-Results stands first, before text that is no list of tags.
fn instance(value: &str) -> Result<u32, String> {
    let wrong = || "a field of the chain has no instance number".to_string();
    let spec = value
        .split(';')
        .map(str::trim)
        .find(|spec| {
            spec.split_once('=')
                .is_some_and(|(name, _)| name.trim() == "i")
        })
        .ok_or_else(wrong)?;
    let (_, number) = spec.split_once('=').ok_or_else(wrong)?;
    let number = number.trim();
    let digits = number.bytes().all(|octet| octet.is_ascii_digit());
    number
        .parse()
        .ok()
        .filter(|number| digits && (1..=MOST_SETS).contains(number))
        .ok_or_else(wrong)
}

/// The signature over the message of a set (§4.1.2).
pub(super) fn message_signature(value: &str) -> Result<Signature, Fault> {
    let tags = Tags::parse(value)?;
    let signature = Signature::from_tags(&tags, String::new())?;
    let is_seal = |name: &String| name.eq_ignore_ascii_case("ARC-Seal");
    match signature.names.iter().any(is_seal) {
        true => Err(Fault::permanent("it covers a seal")),
        false => Ok(signature),
    }
}

/// A seal (§4.1.3).
pub(super) fn seal(value: &str) -> Result<Seal, Fault> {
    let tags = Tags::parse(value)?;
    if tags.value("h").is_some() || tags.value("bh").is_some() {
        return Err(Fault::permanent("a seal covers no header fields"));
    }
    signature::seconds("t", tags.value("t"))?;
    let chain = match tags.required("cv")?.to_ascii_lowercase().as_str() {
        "none" => ChainWord::None,
        "pass" => ChainWord::Pass,
        "fail" => ChainWord::Fail,
        _ => return Err(Fault::permanent("its cv= is unknown")),
    };
    Ok(Seal {
        chain,
        algorithm: signature::algorithm(tags.required("a")?)?,
        signature: signature::decoded("b", tags.required("b")?)?,
        domain: signature::domain(tags.required("d")?)?,
        selector: signature::selector(tags.required("s")?)?,
    })
}
