//! Receiving a body: in memory below a threshold, in a nameless temporary file above it, then hashed, compressed and made durable.

use crate::body::chunks::{CHUNK, ChunkReader, ChunkWriter};
use crate::body::compress::compress;
use crate::body::staged::{Staged, Stored};
use crate::body::{BodyRef, off_the_workers};
use crate::context::Context;
use crate::id::fresh_id;
use crate::{MessageId, Result};
use std::fs::File;
use std::sync::Arc;

/// Octets kept in memory; more go to a temporary file.
const IN_MEMORY: usize = 128 * 1024;
/// Up to here a body is hashed and compressed where it is: about 200 µs, less than handing it to another thread is worth.
const AT_ONCE: usize = 32 * 1024;
/// A body that is not larger than this when compressed lives inside the database.
const INLINE: usize = 64 * 1024;

/// Octets on their way into the store: in memory below a threshold, in a temporary file above it.
pub struct Staging {
    context: Arc<Context>,
    memory: Vec<u8>,
    spilled: Option<ChunkWriter<File>>,
    /// What was in memory when the first octets left it.
    beginning: Vec<u8>,
    length: u64,
    /// The end of its id.
    tail: Option<u64>,
}

impl Staging {
    pub(crate) fn new(context: Arc<Context>) -> Staging {
        Staging {
            context,
            memory: Vec::new(),
            spilled: None,
            beginning: Vec::new(),
            length: 0,
            tail: None,
        }
    }

    /// Gives it a number that stands in the log too: the last 64 bits of its id as a message ([`crate::entry::called`]). It must be random.
    #[must_use]
    pub fn called(mut self, tail: u64) -> Staging {
        self.tail = Some(tail);
        self
    }

    /// Adds octets. [`crate::Error::Full`] when the disk has no room. After an error the body cannot be continued.
    pub async fn write(&mut self, octets: &[u8]) -> Result<()> {
        self.memory.extend_from_slice(octets);
        self.length += octets.len() as u64;
        if self.memory.len() > IN_MEMORY {
            self.spill().await?;
        }
        Ok(())
    }

    /// Moves what is in memory into the temporary file, which has the form of a body file: nothing lies about unencrypted.
    async fn spill(&mut self) -> Result<()> {
        let octets = std::mem::take(&mut self.memory);
        let former = self.spilled.take();
        let is_first = former.is_none();
        let context = self.context.clone();
        let (octets, spilled) = off_the_workers(move || {
            let mut out = match former {
                Some(out) => out,
                None => {
                    context.files.room()?;
                    ChunkWriter::new(context.files.anonymous()?, &context.vault)?
                }
            };
            out.write(&octets)?;
            Ok((octets, out))
        })
        .await?;
        self.spilled = Some(spilled);
        match is_first {
            true => self.beginning = octets,
            false => self.memory = octets,
        }
        self.memory.clear();
        Ok(())
    }

    /// The first octets: all of them, or at least 128 KiB.
    pub fn beginning(&self) -> &[u8] {
        match self.spilled {
            None => &self.memory,
            Some(_) => &self.beginning,
        }
    }

    /// Reads what is here so far, from the first octet on.
    pub fn so_far(&self) -> Result<SoFar<'_>> {
        let (chunks, unfinished) = match &self.spilled {
            None => (None, [].as_slice()),
            Some(spilled) => {
                let (reader, unfinished) = spilled.so_far(&self.context.vault)?;
                (Some(Arc::new(reader)), unfinished)
            }
        };
        Ok(SoFar {
            chunks,
            next: 0,
            rest: [unfinished, &self.memory].into_iter(),
        })
    }

    /// Octets so far.
    pub fn len(&self) -> u64 {
        self.length
    }

    /// No octets yet?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Ends the body. `head` is put in front of what was written (trace header and header section, known only at the end).
    pub async fn finish(self, head: &[u8]) -> Result<Staged> {
        self.context.files.room()?;
        let fresh = fresh_id()?;
        let message = MessageId::from_u128(match self.tail {
            Some(tail) => fresh >> 64 << 64 | u128::from(tail),
            None => fresh,
        });
        let mut whole = Vec::with_capacity(head.len() + self.memory.len());
        whole.extend_from_slice(head);
        if let Some(spilled) = self.spilled {
            let (context, tail, length) = (self.context, self.memory, self.length);
            return off_the_workers(move || {
                let written = length - tail.len() as u64;
                let middle = reread(spilled, written, &context)?;
                let pieces = Pieces {
                    head: &whole,
                    middle: Some(&middle),
                    tail: &tail,
                };
                into_file(message, &pieces, &context)
            })
            .await;
        }
        whole.extend_from_slice(&self.memory);
        let context = self.context;
        if whole.len() <= AT_ONCE {
            return in_memory(message, &whole, &context);
        }
        off_the_workers(move || in_memory(message, &whole, &context)).await
    }
}

/// The octets of a body that is still being received.
pub struct SoFar<'a> {
    chunks: Option<Arc<ChunkReader>>,
    /// The chunk that is read next.
    next: usize,
    /// What stands behind the chunks.
    rest: std::array::IntoIter<&'a [u8], 2>,
}

impl SoFar<'_> {
    /// The next octets (up to 256 KiB), or `None` at the end.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>> {
        let n = self.next;
        if let Some(chunks) = self.chunks.clone().filter(|chunks| n < chunks.chunks()) {
            self.next += 1;
            return off_the_workers(move || chunks.chunk(n)).await.map(Some);
        }
        let rest = self.rest.find(|octets| !octets.is_empty());
        Ok(rest.map(<[u8]>::to_vec))
    }
}

/// Turns the temporary file round, from writing to reading.
fn reread(spilled: ChunkWriter<File>, length: u64, context: &Context) -> Result<ChunkReader> {
    let mut file = spilled.finish()?;
    std::io::Seek::rewind(&mut file)?;
    ChunkReader::open(file, length, &context.vault)
}

fn in_memory(message: MessageId, whole: &[u8], context: &Arc<Context>) -> Result<Staged> {
    let compressed = compress(whole)?;
    if compressed.len() > INLINE {
        let pieces = Pieces {
            head: whole,
            middle: None,
            tail: &[],
        };
        return into_file(message, &pieces, context);
    }
    let body = BodyRef {
        hash: *context.vault.hasher().update(whole).finalize().as_bytes(),
        size: whole.len() as u64,
    };
    let sealed = context.vault.seal(&body.hash, &compressed)?;
    Ok(Staged::new(message, body, Stored::Inline(sealed)))
}

/// The parts of a body in order.
struct Pieces<'a> {
    head: &'a [u8],
    middle: Option<&'a ChunkReader>,
    tail: &'a [u8],
}

impl Pieces<'_> {
    fn each(&self, mut take: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
        for piece in self.head.chunks(CHUNK) {
            take(piece)?;
        }
        if let Some(middle) = self.middle {
            for n in 0..middle.chunks() {
                take(&middle.chunk(n)?)?;
            }
        }
        take(self.tail)
    }
}

fn into_file(message: MessageId, pieces: &Pieces<'_>, context: &Arc<Context>) -> Result<Staged> {
    let mut hasher = context.vault.hasher();
    let mut out = ChunkWriter::new(context.files.create()?, &context.vault)?;
    let mut size = 0;
    pieces.each(|octets| {
        hasher.update(octets);
        size += octets.len() as u64;
        out.write(octets)
    })?;
    let hash = *hasher.finalize().as_bytes();
    let file = out.finish()?.keep(&hash)?;
    Ok(Staged::new(
        message,
        BodyRef { hash, size },
        Stored::File(file),
    ))
}
