//! A body that is ready to be referred to: hashed, compressed, and, if it is large, already synced to its file.

use crate::MessageId;
use crate::body::BodyRef;
use crate::body::files::KeptFile;
use std::sync::Arc;

/// A body that is ready: hashed, compressed, and, if it is large, already synced to its file. Clones share it.
#[derive(Clone)]
pub struct Staged(Arc<Ready>);

struct Ready {
    message: MessageId,
    body: BodyRef,
    stored: Stored,
}

/// Where the octets of a body are. Objects and pack files would be further variants.
pub(crate) enum Stored {
    /// In the database: the sealed zstd frame.
    Inline(Vec<u8>),
    /// In a file of its own, in the form of [`crate::body::chunks`].
    File(KeptFile),
}

impl Staged {
    pub(crate) fn new(message: MessageId, body: BodyRef, stored: Stored) -> Staged {
        Staged(Arc::new(Ready {
            message,
            body,
            stored,
        }))
    }

    /// What it will be called once a transaction has kept it.
    pub fn body(&self) -> BodyRef {
        self.0.body.clone()
    }

    /// The id that it gets as a message, in every account that keeps it.
    pub fn message(&self) -> MessageId {
        self.0.message
    }

    pub(crate) fn hash(&self) -> &[u8; 32] {
        &self.0.body.hash
    }

    /// Octets.
    pub fn size(&self) -> u64 {
        self.0.body.size
    }

    pub(crate) fn stored(&self) -> &Stored {
        &self.0.stored
    }

    /// A committed row names its file.
    pub(crate) fn keep(&self) {
        if let Stored::File(file) = &self.0.stored {
            file.keep();
        }
    }
}

impl std::fmt::Debug for Staged {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Staged")
            .field("body", &self.0.body)
            .finish_non_exhaustive()
    }
}
