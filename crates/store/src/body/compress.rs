//! zstd with contexts that are used again: making one costs more than compressing a short message.

use crate::{Error, Result};
use std::cell::RefCell;
use std::sync::{Mutex, PoisonError};
use zstd::bulk::{Compressor, Decompressor};
use zstd::zstd_safe::CParameter;

/// As small as gzip's best at a seventh of the work.
const LEVEL: i32 = 3;
/// Compressors kept for the next message; more exist only while more messages are compressed at once.
const KEPT: usize = 4;

static COMPRESSORS: Mutex<Vec<Compressor<'static>>> = Mutex::new(Vec::new());

thread_local! {
    static DECOMPRESSOR: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) };
}

/// One zstd frame with a checksum.
pub(crate) fn compress(octets: &[u8]) -> Result<Vec<u8>> {
    let known = COMPRESSORS
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .pop();
    let mut compressor = known.map_or_else(new_compressor, Ok).map_err(broken)?;
    let compressed = compressor.compress(octets).map_err(broken)?;
    let mut kept = COMPRESSORS.lock().unwrap_or_else(PoisonError::into_inner);
    if kept.len() < KEPT {
        kept.push(compressor);
    }
    Ok(compressed)
}

fn new_compressor() -> std::io::Result<Compressor<'static>> {
    let mut compressor = Compressor::new(LEVEL)?;
    compressor.set_parameter(CParameter::ChecksumFlag(true))?;
    Ok(compressor)
}

/// Undoes [`compress`]; `size` is what must come out, exactly.
pub(crate) fn decompress(compressed: &[u8], size: usize) -> Result<Vec<u8>> {
    let octets = DECOMPRESSOR.with_borrow_mut(|slot| {
        let decompressor = match slot {
            Some(known) => known,
            None => slot.insert(Decompressor::new()?),
        };
        decompressor.decompress(compressed, size)
    });
    match octets {
        Ok(octets) if octets.len() == size => Ok(octets),
        Ok(octets) => Err(Error::Corrupt(format!(
            "a body has {} octets where {size} were stored",
            octets.len()
        ))),
        Err(e) => Err(Error::Corrupt(format!("a body does not decompress: {e}"))),
    }
}

fn broken(error: std::io::Error) -> Error {
    Error::Bug(format!("zstd cannot compress: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trip_and_damage() {
        let text = b"All work and no play. ".repeat(500);
        let small = compress(&text).unwrap();
        assert!(small.len() * 10 < text.len());
        assert_eq!(decompress(&small, text.len()).unwrap(), text);
        assert!(decompress(&small, text.len() - 1).is_err());
        assert!(decompress(&small, text.len() + 1).is_err());
        let mut damaged = small.clone();
        let last = damaged.len() - 1;
        damaged[last] ^= 1;
        assert!(matches!(
            decompress(&damaged, text.len()),
            Err(Error::Corrupt(_))
        ));
    }
}
