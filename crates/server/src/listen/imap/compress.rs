//! COMPRESS=DEFLATE (RFC 4978, catalogue G5): the stream itself, and the command that begins it.
//!
//! Memory is bounded whatever a client sends: what comes in is inflated piece by piece, as the framer takes it, so a *compression bomb* is
//! only a long line that the framer refuses (catalogue Y22). What goes out is deflated a buffer at a time, and between two answers nothing
//! of the compressor is kept: the next block begins anew, which costs a few octets and spares an idle session a quarter of a megabyte.

use super::connection::{Connection, Ended};
use flate2::{
    Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status as Progress,
};
use imap::Tag;
use imap::response::{Code, Status};
use std::io;

/// Octets inflated at once.
const PIECE: usize = 16 * 1024;
/// Better than the fastest level at twice its cost; more gains little on mail.
const LEVEL: u32 = 4;

/// COMPRESS: answers in clear, and from then on all is compressed.
pub(super) async fn compress(
    connection: &mut Connection,
    tag: &Tag,
    mechanism: &str,
) -> Result<(), Ended> {
    let refusal = match (mechanism, connection.is_compressed()) {
        ("DEFLATE", false) => None,
        ("DEFLATE", true) => {
            Some(Status::no("The connection is compressed already.").code(Code::CompressionActive))
        }
        _ => Some(Status::no("The only compression here is DEFLATE.").code(Code::Cannot)),
    };
    if let Some(refusal) = refusal {
        connection.answer(tag, &refusal);
        return Ok(());
    }
    connection.answer(tag, &Status::ok("Compression begins."));
    connection.flush().await?;
    connection.begin_compression();
    Ok(())
}

/// Both directions of a compressed connection.
pub(super) struct Deflate {
    inflate: Decompress,
    /// Octets from the network that are not inflated yet.
    pending: Vec<u8>,
    taken: usize,
    /// The last piece filled its buffer: there may be more without further octets.
    more: bool,
}

impl Deflate {
    pub(super) fn new() -> Deflate {
        Deflate {
            inflate: Decompress::new(false),
            pending: Vec::new(),
            taken: 0,
            more: false,
        }
    }

    /// Takes octets from the network. Only when [`Deflate::next`] gave nothing.
    pub(super) fn feed(&mut self, octets: Vec<u8>) {
        self.pending = octets;
        self.taken = 0;
    }

    /// The next octets the client meant, at most [`PIECE`]; none: feed more.
    pub(super) fn next(&mut self) -> io::Result<Vec<u8>> {
        let mut piece = Vec::new();
        while piece.is_empty() && (self.taken < self.pending.len() || self.more) {
            piece.reserve_exact(PIECE);
            let (read, written) = (self.inflate.total_in(), self.inflate.total_out());
            let input = &self.pending[self.taken..];
            let progress = self
                .inflate
                .decompress_vec(input, &mut piece, FlushDecompress::Sync);
            let progress =
                progress.map_err(|_| io::Error::other("the deflated stream is broken"))?;
            self.taken += (self.inflate.total_in() - read) as usize;
            self.more = self.inflate.total_out() - written == PIECE as u64;
            if progress == Progress::StreamEnd {
                return Err(io::Error::other("the client ended the deflated stream"));
            }
            if progress == Progress::BufError && piece.is_empty() {
                break;
            }
        }
        if self.taken == self.pending.len() {
            (self.pending, self.taken) = (Vec::new(), 0);
        }
        piece.shrink_to_fit();
        Ok(piece)
    }

    /// These octets, deflated to a border at which the client can inflate all of them.
    pub(super) fn deflated(&self, octets: &[u8]) -> io::Result<Vec<u8>> {
        let mut deflate = Compress::new(Compression::new(LEVEL), false);
        let mut out = Vec::with_capacity(octets.len() / 2 + 64);
        loop {
            let taken = deflate.total_in() as usize;
            let progress = deflate.compress_vec(&octets[taken..], &mut out, FlushCompress::Sync);
            progress.map_err(|error| io::Error::other(error.to_string()))?;
            // Room to spare after all input was taken: the border is written.
            if deflate.total_in() as usize == octets.len() && out.len() < out.capacity() {
                return Ok(out);
            }
            out.reserve(octets.len() / 4 + 64);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn inflated(deflate: &mut Deflate, octets: &[u8], cut: usize) -> Vec<u8> {
        let mut all = Vec::new();
        for piece in octets.chunks(cut) {
            deflate.feed(piece.to_vec());
            loop {
                let next = deflate.next().unwrap();
                assert!(next.len() <= PIECE);
                if next.is_empty() {
                    break;
                }
                all.extend(next);
            }
        }
        all
    }

    /// Y22: a megabyte of zeros comes in a kilobyte, and is handed on 16 KiB at a time.
    #[test]
    fn y22_a_bomb_comes_out_in_pieces() {
        let bomb = Deflate::new().deflated(&vec![0; 1024 * 1024]).unwrap();
        assert!(bomb.len() < 8 * 1024, "{}", bomb.len());
        assert_eq!(
            inflated(&mut Deflate::new(), &bomb, bomb.len()).len(),
            1024 * 1024
        );
    }

    #[test]
    fn nonsense_is_an_error() {
        let mut deflate = Deflate::new();
        deflate.feed(b"\xff\xff\xff\xff\xff a LOGOUT\r\n".to_vec());
        assert!(deflate.next().is_err());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(60))]
        /// Answers deflated one by one are one stream to the client, however it is cut.
        #[test]
        fn answers_are_one_stream(answers in proptest::collection::vec(proptest::collection::vec(prop_oneof![Just(b'a'), any::<u8>()], 0..3000), 1..6), cut in 1usize..500) {
            let (server, mut client) = (Deflate::new(), Deflate::new());
            let wire: Vec<u8> = answers.iter().flat_map(|answer| server.deflated(answer).unwrap()).collect();
            prop_assert_eq!(inflated(&mut client, &wire, cut), answers.concat());
        }
    }
}
