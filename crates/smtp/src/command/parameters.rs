//! Parameters of MAIL and RCPT (RFC 5321 §4.1.2): SIZE (1870), BODY (6152), SMTPUTF8 (6531), RET, ENVID, NOTIFY, ORCPT (3461),
//! AUTH (4954), REQUIRETLS (8689), PRDR (draft-hall-prdr). Reads them all, announced or not; the session refuses what it did not announce.

use super::{CommandError, MailCommand, RcptCommand};
use crate::xtext;
use std::fmt;

/// Characters of a coded ENVID (RFC 3461 §4.4).
const MAX_ENVID: usize = 100;
/// Characters of an ORCPT value (RFC 3461 §4.2).
const MAX_ORCPT: usize = 500;
/// Digits of a SIZE value (RFC 1870 §3).
const MAX_SIZE_DIGITS: usize = 20;

/// `BODY=` (RFC 6152). BINARYMIME (RFC 3030) is not a value here: it was not announced.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Body {
    /// `7BIT`
    SevenBit,
    /// `8BITMIME`
    EightBitMime,
}

/// How much of the message a failure notice returns (RFC 3461 §4.3).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ret {
    /// `FULL`
    Full,
    /// `HDRS`
    Headers,
}

/// Of what the sender wants to be told (RFC 3461 §4.1).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Notify {
    /// `NEVER`
    Never,
    /// A list of at least one of these.
    Of {
        /// `SUCCESS`
        success: bool,
        /// `FAILURE`
        failure: bool,
        /// `DELAY`
        delay: bool,
    },
}

/// The original recipient (RFC 3461 §4.2).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Orcpt {
    /// `rfc822`, `utf-8`, … as written.
    pub address_type: String,
    /// Decoded from xtext.
    pub address: String,
}

impl fmt::Display for Orcpt {
    /// As it stands in the `Original-Recipient` field of a notice (RFC 3464 §2.3.1), decoded.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{};{}", self.address_type, self.address)
    }
}

/// Reads the parameters after a reverse-path.
pub(super) fn of_mail(text: &str, mail: &mut MailCommand) -> Result<(), CommandError> {
    for parameter in split(text)? {
        let (keyword, value) = parameter;
        match keyword.to_ascii_uppercase().as_str() {
            "SIZE" => once(&mut mail.size, "SIZE", value.and_then(size))?,
            "BODY" => once(&mut mail.body, "BODY", body(value)?)?,
            "SMTPUTF8" => flag(&mut mail.smtputf8, "SMTPUTF8", value)?,
            "REQUIRETLS" => flag(&mut mail.requiretls, "REQUIRETLS", value)?,
            "PRDR" => flag(&mut mail.prdr, "PRDR", value)?,
            "RET" => once(&mut mail.ret, "RET", value.and_then(ret))?,
            "ENVID" => once(&mut mail.envid, "ENVID", value.and_then(envid))?,
            "AUTH" => once(&mut mail.auth, "AUTH", value.and_then(submitter))?,
            _ => return Err(CommandError::Parameter(keyword.to_owned())),
        }
    }
    Ok(())
}

/// Reads the parameters after a forward-path.
pub(super) fn of_rcpt(text: &str, rcpt: &mut RcptCommand) -> Result<(), CommandError> {
    for (keyword, value) in split(text)? {
        match keyword.to_ascii_uppercase().as_str() {
            "NOTIFY" => once(&mut rcpt.notify, "NOTIFY", value.and_then(notify))?,
            "ORCPT" => once(&mut rcpt.orcpt, "ORCPT", value.and_then(orcpt))?,
            _ => return Err(CommandError::Parameter(keyword.to_owned())),
        }
    }
    Ok(())
}

type Parameter<'a> = (&'a str, Option<&'a str>);

/// Splits ` KEY=value KEY …`; the path before it must be followed by a space.
fn split(text: &str) -> Result<Vec<Parameter<'_>>, CommandError> {
    const USAGE: CommandError = CommandError::Syntax("a space, then KEYWORD or KEYWORD=value");
    if !text.is_empty() && !text.starts_with([' ', '\t']) {
        return Err(USAGE);
    }
    text.split_ascii_whitespace()
        .map(|word| match word.split_once('=') {
            Some((keyword, value)) => (keyword, Some(value)),
            None => (word, None),
        })
        .map(
            |(keyword, value)| match is_keyword(keyword) && value != Some("") {
                true => Ok((keyword, value)),
                false => Err(USAGE),
            },
        )
        .collect()
}

fn is_keyword(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

/// Puts a value into its place, which must be empty; `None` is a value that could not be read.
fn once<T>(
    place: &mut Option<T>,
    name: &'static str,
    value: Option<T>,
) -> Result<(), CommandError> {
    if place.is_some() {
        return Err(CommandError::Twice(name));
    }
    *place = Some(value.ok_or(CommandError::Value(name))?);
    Ok(())
}

fn flag(place: &mut bool, name: &'static str, value: Option<&str>) -> Result<(), CommandError> {
    match value {
        Some(_) => Err(CommandError::Value(name)),
        None if *place => Err(CommandError::Twice(name)),
        None => {
            *place = true;
            Ok(())
        }
    }
}

/// A number that is larger than any limit stays larger than any limit.
fn size(value: &str) -> Option<u64> {
    let digits = value.len() <= MAX_SIZE_DIGITS && value.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| value.parse().unwrap_or(u64::MAX))
}

fn body(value: Option<&str>) -> Result<Option<Body>, CommandError> {
    match value.map(str::to_ascii_uppercase).as_deref() {
        Some("7BIT") => Ok(Some(Body::SevenBit)),
        Some("8BITMIME") => Ok(Some(Body::EightBitMime)),
        Some("BINARYMIME") => Err(CommandError::Parameter("BODY=BINARYMIME".to_owned())),
        _ => Ok(None),
    }
}

fn ret(value: &str) -> Option<Ret> {
    match value.to_ascii_uppercase().as_str() {
        "FULL" => Some(Ret::Full),
        "HDRS" => Some(Ret::Headers),
        _ => None,
    }
}

fn envid(value: &str) -> Option<String> {
    let fits = value.len() <= MAX_ENVID && value.is_ascii();
    fits.then(|| xtext::decode(value)).flatten()
}

fn submitter(value: &str) -> Option<String> {
    xtext::decode(value)
}

fn notify(value: &str) -> Option<Notify> {
    if value.eq_ignore_ascii_case("NEVER") {
        return Some(Notify::Never);
    }
    let (mut success, mut failure, mut delay) = (false, false, false);
    for event in value.split(',') {
        match event.to_ascii_uppercase().as_str() {
            "SUCCESS" => success = true,
            "FAILURE" => failure = true,
            "DELAY" => delay = true,
            _ => return None,
        }
    }
    Some(Notify::Of {
        success,
        failure,
        delay,
    })
}

fn orcpt(value: &str) -> Option<Orcpt> {
    let (address_type, address) = value.split_once(';')?;
    let fits = value.len() <= MAX_ORCPT && is_keyword(address_type) && !address.is_empty();
    fits.then(|| xtext::decode(address))
        .flatten()
        .map(|address| Orcpt {
            address_type: address_type.to_owned(),
            address,
        })
}
