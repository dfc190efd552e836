//! Signatures over messages that we send (RFC 6376 §5).
//!
//! The same message, keys and time give the same field, so a signature can be made again after a restart.

use super::canonical::{self, Canonicalization, Selection};
use super::keypair::{KeyError, Signer};
use super::signature::encoded;

/// Fields that are signed, in the order of `h=`. Each is named once more than it is there, so that another one cannot be added.
pub const SIGNED: [&str; 13] = [
    "From",
    "Reply-To",
    "To",
    "Cc",
    "Subject",
    "Date",
    "Message-ID",
    "In-Reply-To",
    "References",
    "MIME-Version",
    "Content-Type",
    "Content-Transfer-Encoding",
    "Content-Disposition",
];

/// Fields that are signed in the same way where they are, but that may be added on the way: mailing lists do so.
const SIGNED_IF_THERE: [&str; 12] = [
    "Sender",
    "List-Id",
    "List-Help",
    "List-Post",
    "List-Archive",
    "List-Owner",
    "List-Subscribe",
    "List-Unsubscribe",
    "List-Unsubscribe-Post",
    "Autocrypt",
    "Content-ID",
    "Feedback-ID",
];

/// Octets of a line of the field.
const LINE: usize = 72;

/// What a signature says.
pub struct Signing<'a> {
    /// `d=`.
    pub domain: &'a str,
    /// `s=`.
    pub selector: &'a str,
    /// The key.
    pub signer: &'a dyn Signer,
    /// `t=`: seconds since 1970.
    pub time: i64,
    /// `x=`: seconds since 1970.
    pub expires: Option<i64>,
}

/// Why a message cannot be signed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// RFC 6376 §5.4: From is always signed.
    #[error("a message without From cannot be signed")]
    NoFrom,
    /// The key failed.
    #[error(transparent)]
    Key(#[from] KeyError),
}

impl Signing<'_> {
    /// The `DKIM-Signature` field with its line end, relaxed in header and body. `section` is the header section as it is sent,
    /// without the field; `body_hash` comes from a relaxed [`super::BodyHash`].
    pub fn field(&self, section: &[u8], body_hash: &[u8]) -> Result<String, SignError> {
        let selection = Selection::new(section);
        if selection.count("From") == 0 {
            return Err(SignError::NoFrom);
        }
        let names = names(&selection);
        let unsigned = self.unsigned(&names, body_hash);
        let mut signed = Vec::with_capacity(2048);
        selection.canonical(&names, Canonicalization::Relaxed, &mut signed);
        canonical::signature_field(unsigned.as_bytes(), Canonicalization::Relaxed, &mut signed);
        let signature = self.signer.sign(&signed)?;
        Ok(format!("{unsigned}{}\r\n", folded(&encoded(&signature))))
    }

    /// The field up to `b=`.
    fn unsigned(&self, names: &[&str], body_hash: &[u8]) -> String {
        let expires = self.expires.map(|at| format!(" x={at};"));
        format!(
            "DKIM-Signature: v=1; a={}; c=relaxed/relaxed; d={};\r\n\ts={}; t={};{}\r\n\th={};\r\n\tbh={};\r\n\tb=",
            self.signer.algorithm().word(),
            self.domain,
            self.selector,
            self.time,
            expires.unwrap_or_default(),
            names_folded(names),
            encoded(body_hash),
        )
    }
}

fn names<'n>(selection: &Selection<'_>) -> Vec<&'n str> {
    let mut names = Vec::with_capacity(32);
    for name in SIGNED {
        names.extend(std::iter::repeat_n(name, selection.count(name) + 1));
    }
    for name in SIGNED_IF_THERE {
        match selection.count(name) {
            0 => {}
            count => names.extend(std::iter::repeat_n(name, count + 1)),
        }
    }
    names
}

pub(crate) fn names_folded(names: &[&str]) -> String {
    let mut out = String::new();
    let mut line = 0;
    for (index, name) in names.iter().enumerate() {
        if index > 0 {
            out.push(':');
            line += 1;
        }
        if line + name.len() > LINE {
            out.push_str("\r\n\t ");
            line = 0;
        }
        out.push_str(name);
        line += name.len();
    }
    out
}

pub(crate) fn folded(text: &str) -> String {
    let lines: Vec<&str> = (0..text.len())
        .step_by(LINE)
        .map(|start| &text[start..text.len().min(start + LINE)])
        .collect();
    lines.join("\r\n\t ")
}
