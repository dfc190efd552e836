//! Whose signatures are trusted without a signature above them (RFC 4033 §2). The root's own keys are built in.

use crate::Error;
use hickory_resolver::proto::dnssec::TrustAnchors;
use std::path::Path;
use std::sync::Arc;

/// The anchors of a file with DNSKEY records; without a file none, which means the built-in ones.
pub(crate) fn read(file: Option<&Path>) -> Result<Option<Arc<TrustAnchors>>, Error> {
    let Some(file) = file else { return Ok(None) };
    let wrong = |why: String| Error(format!("trust anchors {}: {why}", file.display()));
    let anchors = TrustAnchors::from_file(file).map_err(|why| wrong(why.to_string()))?;
    match anchors.is_empty() {
        true => Err(wrong("no DNSKEY record of the root".into())),
        false => Ok(Some(Arc::new(anchors))),
    }
}
