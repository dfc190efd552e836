//! Decoded octets of a part: BINARY and BINARY.SIZE (RFC 3516 §4). A part of a large message is read twice, once to know how long it is
//! when it is decoded, so that it never is in memory as a whole.

use super::broken_off;
use super::content::Octets;
use crate::listen::imap::connection::Connection;
use crate::listen::imap::failure::Failure;
use ::message::{Section, Summary, transfer};
use imap::encode;
use imap::fetch::{Binary, Partial};
use std::ops::Range;
use transfer::Decoder;

/// Whether a part could be decoded.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Decoded {
    Yes,
    /// Its transfer encoding is one that nobody knows: `NO [UNKNOWN-CTE]`.
    UnknownEncoding,
}

/// A part as it is stored.
struct Stored<'a> {
    octets: Range<u64>,
    encoding: &'a str,
}

/// Appends `BINARY[1.2]<0> ~{n}…`.
pub(super) async fn push(
    connection: &mut Connection,
    wanted: &Binary,
    octets: &Octets<'_>,
) -> Result<Decoded, Failure> {
    push_name(&mut connection.out, "BINARY", &wanted.part);
    if let Some(partial) = wanted.partial {
        connection.out.push(b'<');
        encode::number(&mut connection.out, u64::from(partial.offset));
        connection.out.push(b'>');
    }
    connection.out.push(b' ');
    let Some(stored) = find(octets.summary(), &wanted.part) else {
        connection.out.extend_from_slice(b"NIL");
        return Ok(Decoded::Yes);
    };
    if !transfer::is_known(stored.encoding) {
        connection.out.extend_from_slice(b"NIL");
        return Ok(Decoded::UnknownEncoding);
    }
    let encoding = stored.encoding.to_owned();
    let size = size(connection, octets, &stored.octets, &encoding).await?;
    let piece = piece(size, wanted.partial);
    connection.out.push(b'~');
    encode::literal_head(&mut connection.out, piece.end - piece.start);
    let mut rest = Window::new(piece);
    let mut decoder = Decoder::new(&encoding);
    let mut source = octets.source(connection, stored.octets).await?;
    while let Some(raw) = source.next().await.map_err(broken_off)? {
        connection
            .out
            .extend_from_slice(rest.cut(&decoder.feed(&raw)));
        connection.flush_if_full().await?;
    }
    connection
        .out
        .extend_from_slice(rest.cut(&decoder.finish()));
    Ok(Decoded::Yes)
}

/// Appends `BINARY.SIZE[1.2] n`.
pub(super) async fn push_size(
    connection: &mut Connection,
    part: &[u32],
    octets: &Octets<'_>,
) -> Result<Decoded, Failure> {
    push_name(&mut connection.out, "BINARY.SIZE", part);
    connection.out.push(b' ');
    let (mut size_of_part, mut decoded) = (0, Decoded::Yes);
    if let Some(stored) = find(octets.summary(), part) {
        let encoding = stored.encoding.to_owned();
        match transfer::is_known(&encoding) {
            true => size_of_part = size(connection, octets, &stored.octets, &encoding).await?,
            false => decoded = Decoded::UnknownEncoding,
        }
    }
    encode::number(&mut connection.out, size_of_part);
    Ok(decoded)
}

/// How many octets these decode to.
async fn size(
    connection: &Connection,
    octets: &Octets<'_>,
    range: &Range<u64>,
    encoding: &str,
) -> Result<u64, Failure> {
    let mut decoder = Decoder::new(encoding);
    let mut source = octets.source(connection, range.clone()).await?;
    let mut size = 0;
    while let Some(raw) = source.next().await.map_err(broken_off)? {
        size += decoder.feed(&raw).len() as u64;
    }
    Ok(size + decoder.finish().len() as u64)
}

/// The message itself, which is never encoded, or a part.
fn find<'a>(summary: &'a Summary, part: &[u32]) -> Option<Stored<'a>> {
    let range = summary.section(part, Section::Content)?;
    let encoding = match part {
        [] => "8bit",
        part => summary.part(part)?.encoding.as_str(),
    };
    Some(Stored {
        octets: u64::from(range.start)..u64::from(range.end.max(range.start)),
        encoding,
    })
}

fn push_name(out: &mut Vec<u8>, name: &str, part: &[u32]) {
    out.extend_from_slice(name.as_bytes());
    out.push(b'[');
    for (index, number) in part.iter().enumerate() {
        if index > 0 {
            out.push(b'.');
        }
        encode::number(out, u64::from(*number));
    }
    out.push(b']');
}

/// What of so many octets a partial asks for.
fn piece(size: u64, partial: Option<Partial>) -> Range<u64> {
    match partial {
        None => 0..size,
        Some(partial) => {
            let start = u64::from(partial.offset).min(size);
            start..(start + u64::from(partial.length)).min(size)
        }
    }
}

/// Cuts a range out of octets that stream by.
struct Window {
    wanted: Range<u64>,
    at: u64,
}

impl Window {
    fn new(wanted: Range<u64>) -> Window {
        Window { wanted, at: 0 }
    }

    fn cut<'a>(&mut self, octets: &'a [u8]) -> &'a [u8] {
        let length = octets.len() as u64;
        let from = self.wanted.start.saturating_sub(self.at).min(length);
        let to = self.wanted.end.saturating_sub(self.at).min(length);
        self.at += length;
        octets.get(from as usize..to as usize).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_cut_out_of_a_stream() {
        let mut window = Window::new(2..5);
        let cut: Vec<&[u8]> = [&b"a"[..], b"bcd", b"", b"efg", b"h"]
            .into_iter()
            .map(|piece| window.cut(piece))
            .collect();
        assert_eq!(cut.concat(), b"cde");
    }

    #[test]
    fn pieces_of_decoded_octets() {
        let partial = |offset, length| Some(Partial { offset, length });
        assert_eq!(piece(10, partial(3, 4)), 3..7);
        assert_eq!(piece(10, partial(30, 4)), 10..10);
        assert_eq!(piece(10, None), 0..10);
    }
}
