//! Bodies: the octets of messages, compressed, addressed by hash; small ones inside the database, large ones as files.
//!
//! A body is made with [`Store::stage`], belongs to whatever refers to it, and goes with the last reference.

pub(crate) mod chunks;
pub(crate) mod compress;
pub(crate) mod files;
mod read;
pub(crate) mod rows;
pub(crate) mod staged;
mod staging;

pub use read::BodyReader;
pub use staged::Staged;
pub use staging::{SoFar, Staging};

use crate::{Error, Result, Store, Tx};
use std::ops::Range;

/// Where a stored body is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct BodyRef {
    /// BLAKE3 of the octets (keyed by the store's key if it is encrypted).
    pub hash: [u8; 32],
    /// Octets, uncompressed.
    pub size: u64,
}

impl Store {
    /// Begins a body.
    pub fn stage(&self) -> Staging {
        Staging::new(self.context().clone())
    }

    /// Opens a body for reading. [`crate::Error::Missing`] if it was removed meanwhile.
    pub async fn open_body(&self, body: &BodyRef) -> Result<BodyReader> {
        let wanted = body.clone();
        let source = self.read(move |tx| read::Source::find(tx, &wanted)).await?;
        Ok(BodyReader::new(source))
    }

    /// Opens a body that is ready and that no transaction has kept yet. Blocks for a moment if it is large.
    pub fn open_staged(&self, staged: &Staged) -> Result<BodyReader> {
        let source = read::Source::staged(self.context(), staged)?;
        Ok(BodyReader::new(source))
    }

    /// The octets from `offset`, at most `length` of them (an IMAP partial FETCH, one MIME part).
    pub async fn read_body(&self, body: &BodyRef, offset: u64, length: u64) -> Result<Vec<u8>> {
        let wanted = body.clone();
        let source = self.read(move |tx| read::Source::find(tx, &wanted)).await?;
        let end = offset.saturating_add(length).min(body.size);
        off_the_workers(move || source.range(offset..end)).await
    }
}

/// The octets in `range`, as far as there are any, within a transaction: for whoever looks through many small bodies.
pub fn read(tx: &mut Tx<'_>, body: &BodyRef, range: Range<u64>) -> Result<Vec<u8>> {
    read::Source::find(tx, body)?.range(range)
}

/// Runs something that touches the disk or computes for long where it keeps no other task waiting.
pub(crate) async fn off_the_workers<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(e) => Err(Error::Bug(format!("a task of the store died: {e}"))),
    }
}
