//! Bodies: the octets of messages, compressed, addressed by hash; small ones inside the database, large ones as files.

use crate::{Result, Store};

/// Where a stored body is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct BodyRef {
    /// BLAKE3 of the octets (keyed by the store's key if it is encrypted).
    pub hash: [u8; 32],
    /// Octets, uncompressed.
    pub size: u64,
}

/// Octets on their way into the store: in memory below a threshold, in a temporary file above it.
pub struct Staging {
    _todo: (),
}

/// A body that is ready: hashed, compressed, and, if it is large, already synced to its file. Clones share it.
#[derive(Clone, Debug)]
pub struct Staged {
    _todo: (),
}

/// Reads a stored body from the start.
pub struct BodyReader {
    _todo: (),
}

impl Store {
    /// Begins a body.
    pub fn stage(&self) -> Staging {
        todo!()
    }
    /// Opens a body for reading. [`crate::Error::Missing`] if it was removed meanwhile.
    pub async fn open_body(&self, _body: &BodyRef) -> Result<BodyReader> {
        todo!()
    }
    /// The octets from `offset`, at most `length` of them (an IMAP partial FETCH, one MIME part).
    pub async fn read_body(&self, _body: &BodyRef, _offset: u64, _length: u64) -> Result<Vec<u8>> {
        todo!()
    }
}

impl Staging {
    /// Adds octets. [`crate::Error::Full`] when the disk has no room.
    pub async fn write(&mut self, _octets: &[u8]) -> Result<()> {
        todo!()
    }
    /// Octets so far.
    pub fn len(&self) -> u64 {
        todo!()
    }
    /// No octets yet?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// Ends the body. `head` is put in front of what was written (trace header and header section, known only at the end).
    pub async fn finish(self, _head: &[u8]) -> Result<Staged> {
        todo!()
    }
}

impl Staged {
    /// What it will be called once a transaction has kept it.
    pub fn body(&self) -> BodyRef {
        todo!()
    }
}

impl BodyReader {
    /// The next octets (up to 64 KiB), or `None` at the end.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>> {
        todo!()
    }
}
