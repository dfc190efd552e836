//! Reading stored bodies, whole or in part.

use crate::body::chunks::{CHUNK, ChunkReader};
use crate::body::compress::decompress;
use crate::body::rows::FILE;
use crate::body::staged::{Staged, Stored};
use crate::body::{BodyRef, off_the_workers};
use crate::context::Context;
use crate::engine::params;
use crate::tx::Tx;
use crate::{Error, Result};
use std::ops::Range;
use std::sync::Arc;

/// Octets handed out at a time.
const PIECE: usize = 64 * 1024;

/// Where a body's octets were found. Stays readable when the body is removed.
#[derive(Clone)]
pub(crate) enum Source {
    Memory(Arc<Vec<u8>>),
    File(Arc<ChunkReader>, u64),
}

impl Source {
    /// Looks the body up. [`Error::Missing`] if it is not stored (any more).
    pub(crate) fn find(tx: &mut Tx<'_>, body: &BodyRef) -> Result<Source> {
        let found = tx.one(
            "SELECT b.place, o.data, b.file FROM body b LEFT JOIN octets o ON o.id = b.octets WHERE b.hash = $1",
            params![&body.hash],
            |row| {
                let data = row.opt_blob(1)?.map(<[u8]>::to_vec);
                Ok((row.int(0)?, data, row.opt_text(2)?.map(str::to_owned)))
            },
        )?;
        match found {
            None => Err(Error::Missing("the body of the message".into())),
            Some((FILE, _, Some(name))) => Source::file(tx.context, &name, body.size),
            Some((_, Some(sealed), _)) => Source::inline(tx.context, &sealed, body),
            Some(_) => Err(Error::Corrupt("a body has no octets".into())),
        }
    }

    /// A body that no transaction has kept yet.
    pub(crate) fn staged(context: &Context, staged: &Staged) -> Result<Source> {
        match staged.stored() {
            Stored::Inline(sealed) => Source::inline(context, sealed, &staged.body()),
            Stored::File(file) => Source::file(context, &file.name, staged.size()),
        }
    }

    fn inline(context: &Context, sealed: &[u8], body: &BodyRef) -> Result<Source> {
        let compressed = context.vault.open(&body.hash, sealed)?;
        let octets = decompress(
            &compressed,
            usize::try_from(body.size).unwrap_or(usize::MAX),
        )?;
        Ok(Source::Memory(Arc::new(octets)))
    }

    fn file(context: &Context, name: &str, size: u64) -> Result<Source> {
        let file = context.files.open_file(name)?;
        let reader = ChunkReader::open(file, size, &context.vault)?;
        Ok(Source::File(Arc::new(reader), size))
    }

    pub(crate) fn size(&self) -> u64 {
        match self {
            Source::Memory(octets) => octets.len() as u64,
            Source::File(_, size) => *size,
        }
    }

    /// The octets in `range`, as far as there are any.
    pub(crate) fn range(&self, range: Range<u64>) -> Result<Vec<u8>> {
        let end = range.end.min(self.size());
        let start = range.start.min(end);
        match self {
            Source::Memory(octets) => Ok(octets[start as usize..end as usize].to_vec()),
            Source::File(reader, _) => reader.range(start..end),
        }
    }
}

/// Reads a stored body from the start.
pub struct BodyReader {
    source: Source,
    /// How far the body was read.
    at: u64,
    /// Octets that were read and not handed out yet.
    ready: std::collections::VecDeque<u8>,
}

impl BodyReader {
    pub(crate) fn new(source: Source) -> BodyReader {
        BodyReader {
            source,
            at: 0,
            ready: Default::default(),
        }
    }

    /// The next octets (up to 64 KiB), or `None` at the end.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>> {
        if self.ready.is_empty() && self.at < self.source.size() {
            self.refill().await?;
        }
        let piece: Vec<u8> = self.ready.drain(..self.ready.len().min(PIECE)).collect();
        Ok((!piece.is_empty()).then_some(piece))
    }

    /// Reads the next chunk, off the workers if it comes from a file.
    async fn refill(&mut self) -> Result<()> {
        let range = self.at..self.at + CHUNK as u64;
        let source = self.source.clone();
        let octets = match source {
            Source::Memory(_) => source.range(range)?,
            Source::File(..) => off_the_workers(move || source.range(range)).await?,
        };
        self.at += octets.len() as u64;
        self.ready = octets.into();
        Ok(())
    }
}
