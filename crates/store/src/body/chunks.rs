//! The form of large bodies: a file of chunks, each compressed (and sealed) by itself, so that a part can be read without the rest.
//!
//! ```text
//! "PBB" version(1)   flags: 1 = sealed(1)   zero(11)   salt(16)
//! chunk 0, chunk 1, …          each CHUNK octets of the message, the last fewer, as one zstd frame
//! length of each chunk as stored, 4 octets little-endian each
//! ```
//! How many chunks there are follows from the size of the body, which its row in the database holds.

use crate::body::compress::{compress, decompress};
use crate::vault::{Lock, Vault};
use crate::{Error, Result};
use std::fs::File;
use std::io::{Read, Write};
use std::ops::Range;
use std::os::unix::fs::FileExt;

/// Octets of a message in one chunk.
pub(crate) const CHUNK: usize = 256 * 1024;
const HEADER: usize = 32;
const MAGIC: [u8; 4] = *b"PBB\x01";

/// Writes octets in the chunked form.
pub(crate) struct ChunkWriter<W: Write> {
    out: W,
    lock: Option<Lock>,
    chunk: Vec<u8>,
    lengths: Vec<u32>,
}

impl<W: Write> ChunkWriter<W> {
    pub(crate) fn new(mut out: W, vault: &Vault) -> Result<Self> {
        let lock = vault.new_lock()?;
        let mut header = [0; HEADER];
        header[..4].copy_from_slice(&MAGIC);
        header[4] = u8::from(lock.is_some());
        if let Some(lock) = &lock {
            header[16..].copy_from_slice(&lock.salt);
        }
        out.write_all(&header)?;
        Ok(ChunkWriter {
            out,
            lock,
            chunk: Vec::with_capacity(CHUNK),
            lengths: Vec::new(),
        })
    }

    pub(crate) fn write(&mut self, mut octets: &[u8]) -> Result<()> {
        while !octets.is_empty() {
            let room = CHUNK - self.chunk.len();
            let (now, later) = octets.split_at(room.min(octets.len()));
            self.chunk.extend_from_slice(now);
            octets = later;
            if self.chunk.len() == CHUNK {
                self.end_chunk()?;
            }
        }
        Ok(())
    }

    fn end_chunk(&mut self) -> Result<()> {
        let mut stored = compress(&self.chunk)?;
        if let Some(lock) = &self.lock {
            lock.seal(self.lengths.len() as u64, b"chunk", &mut stored)?;
        }
        self.out.write_all(&stored)?;
        self.lengths
            .push(u32::try_from(stored.len()).unwrap_or(u32::MAX));
        self.chunk.clear();
        Ok(())
    }

    /// Writes what is left and the list of lengths.
    pub(crate) fn finish(mut self) -> Result<W> {
        if !self.chunk.is_empty() {
            self.end_chunk()?;
        }
        for length in &self.lengths {
            self.out.write_all(&length.to_le_bytes())?;
        }
        Ok(self.out)
    }
}

impl ChunkWriter<File> {
    /// Reads the chunks that are written so far, and tells what follows them.
    pub(crate) fn so_far(&self, vault: &Vault) -> Result<(ChunkReader, &[u8])> {
        let mut end = HEADER as u64;
        let place = |length: &u32| {
            let start = end;
            end += u64::from(*length);
            start..end
        };
        let reader = ChunkReader {
            places: self.lengths.iter().map(place).collect(),
            file: self.out.try_clone()?,
            lock: match &self.lock {
                Some(lock) => Some(vault.lock(lock.salt)?),
                None => None,
            },
            size: (self.lengths.len() * CHUNK) as u64,
        };
        Ok((reader, &self.chunk))
    }
}

/// Reads a file in the chunked form.
pub(crate) struct ChunkReader {
    file: File,
    lock: Option<Lock>,
    size: u64,
    /// Where each chunk is in the file.
    places: Vec<Range<u64>>,
}

impl ChunkReader {
    /// `size` is how many octets the message has.
    pub(crate) fn open(mut file: File, size: u64, vault: &Vault) -> Result<ChunkReader> {
        let mut header = [0; HEADER];
        file.read_exact(&mut header).map_err(short)?;
        if header[..4] != MAGIC {
            return Err(Error::Corrupt("a body file does not begin like one".into()));
        }
        let salt = header.last_chunk::<16>().copied().unwrap_or_default();
        let lock = (header[4] == 1).then(|| vault.lock(salt)).transpose()?;
        let places = read_places(&file, size)?;
        Ok(ChunkReader {
            file,
            lock,
            size,
            places,
        })
    }

    pub(crate) fn chunks(&self) -> usize {
        self.places.len()
    }

    /// Chunk `n` of the message, decrypted and decompressed.
    pub(crate) fn chunk(&self, n: usize) -> Result<Vec<u8>> {
        let place = self
            .places
            .get(n)
            .ok_or_else(|| Error::Bug(format!("a body has no chunk {n}")))?;
        let mut stored = vec![0; usize::try_from(place.end - place.start).unwrap_or(0)];
        self.file
            .read_exact_at(&mut stored, place.start)
            .map_err(short)?;
        if let Some(lock) = &self.lock {
            lock.open(n as u64, b"chunk", &mut stored)?;
        }
        let start = n as u64 * CHUNK as u64;
        let size = (self.size - start).min(CHUNK as u64);
        decompress(&stored, size as usize)
    }

    /// The octets of the message in `range`, which must end within it.
    pub(crate) fn range(&self, range: Range<u64>) -> Result<Vec<u8>> {
        if range.is_empty() {
            return Ok(Vec::new());
        }
        let chunk = CHUNK as u64;
        let mut octets = Vec::with_capacity((range.end - range.start) as usize);
        for n in range.start / chunk..=(range.end - 1) / chunk {
            let start = n * chunk;
            let whole = self.chunk(n as usize)?;
            let from = range.start.saturating_sub(start) as usize;
            let to = ((range.end - start) as usize).min(whole.len());
            octets.extend_from_slice(&whole[from..to]);
        }
        Ok(octets)
    }
}

fn read_places(file: &File, size: u64) -> Result<Vec<Range<u64>>> {
    let count = size.div_ceil(CHUNK as u64);
    let list = count * 4;
    let length = file.metadata()?.len();
    let at = length
        .checked_sub(list)
        .ok_or_else(|| Error::Corrupt("a body file is shorter than its message".into()))?;
    let mut lengths = vec![0; list as usize];
    file.read_exact_at(&mut lengths, at).map_err(short)?;
    let mut end = HEADER as u64;
    let (lengths, _) = lengths.as_chunks::<4>();
    let places: Vec<_> = lengths
        .iter()
        .map(|length| {
            let start = end;
            end += u64::from(u32::from_le_bytes(*length));
            start..end
        })
        .collect();
    if end == at {
        Ok(places)
    } else {
        Err(Error::Corrupt("a body file has the wrong length".into()))
    }
}

fn short(error: std::io::Error) -> Error {
    if error.kind() == std::io::ErrorKind::UnexpectedEof {
        Error::Corrupt("a body file ends too early".into())
    } else {
        error.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(size: usize) -> Vec<u8> {
        (0..size).map(|n| ((n * n) >> 7) as u8).collect()
    }

    fn written(octets: &[u8], vault: &Vault) -> File {
        let mut writer = ChunkWriter::new(tempfile::tempfile().unwrap(), vault).unwrap();
        for piece in octets.chunks(70_001) {
            writer.write(piece).unwrap();
        }
        let mut file = writer.finish().unwrap();
        std::io::Seek::rewind(&mut file).unwrap();
        file
    }

    #[test]
    fn any_range_reads_back_sealed_or_not() {
        for vault in [Vault::new(None), Vault::new(Some(&[3; 32]))] {
            for size in [1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK + 17] {
                let octets = sample(size);
                let reader =
                    ChunkReader::open(written(&octets, &vault), size as u64, &vault).unwrap();
                assert_eq!(reader.range(0..size as u64).unwrap(), octets);
                for (from, to) in [
                    (0, 1),
                    (size / 2, size),
                    (size - 1, size),
                    (size / 3, size / 3),
                ] {
                    assert_eq!(
                        reader.range(from as u64..to as u64).unwrap(),
                        octets[from..to]
                    );
                }
            }
        }
    }

    #[test]
    fn a_file_that_was_cut_or_changed_is_corrupt() {
        let vault = Vault::new(None);
        let octets = sample(2 * CHUNK);
        let file = written(&octets, &vault);
        let length = file.metadata().unwrap().len();
        file.write_at(&[9; 8], length / 2).unwrap();
        let reader = ChunkReader::open(file, octets.len() as u64, &vault).unwrap();
        assert!(matches!(
            reader.range(0..octets.len() as u64),
            Err(Error::Corrupt(_))
        ));
        let cut = written(&octets, &vault);
        cut.set_len(length - 5).unwrap();
        assert!(ChunkReader::open(cut, octets.len() as u64, &vault).is_err());
    }
}
