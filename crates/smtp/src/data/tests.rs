//! The decoders against cases with a name, and against a second, simple parser on random streams cut at random places.

use super::*;
use proptest::prelude::*;

/// What came of a stream: the content, the fault, and what was left after the end (`None`: no end was seen).
#[derive(PartialEq, Eq, Debug)]
struct Outcome {
    content: Vec<u8>,
    faulty: bool,
    rest: Option<Vec<u8>>,
}

fn decode(stream: &[u8], cut: usize, bare_lf: BareLf) -> Outcome {
    let mut decoder = DotDecoder::new(bare_lf);
    let mut content = Vec::new();
    let mut used = 0;
    for piece in stream.chunks(cut.max(1)) {
        let mut input = piece;
        loop {
            match decoder.next(&mut input) {
                Piece::Content(octets) => content.extend_from_slice(octets),
                Piece::More => break,
                Piece::End => {
                    used += piece.len() - input.len();
                    return outcome(content, decoder.fault(), Some(stream[used..].to_vec()));
                }
            }
        }
        used += piece.len();
    }
    outcome(content, decoder.fault(), None)
}

fn outcome(content: Vec<u8>, fault: Option<Fault>, rest: Option<Vec<u8>>) -> Outcome {
    Outcome {
        content: if fault.is_some() { Vec::new() } else { content },
        faulty: fault.is_some(),
        rest,
    }
}

/// The second parser: finds the first CRLF `.` CRLF in the whole, then looks at the lines before it.
fn simple(stream: &[u8], bare_lf: BareLf) -> Option<Outcome> {
    let whole = [b"\r\n".as_slice(), stream].concat();
    let end = whole.windows(5).position(|w| w == b"\r\n.\r\n")?;
    let body = &whole[..end + 2];
    let mut content = Vec::new();
    let mut faulty = body.contains(&0);
    let mut start = 2;
    let mut after_crlf = true;
    for at in 2..body.len() {
        let crlf = body[at] == b'\n' && body[at - 1] == b'\r' && at > start;
        faulty |= body[at] == b'\r' && body.get(at + 1) != Some(&b'\n');
        if body[at] != b'\n' {
            continue;
        }
        faulty |= !crlf && bare_lf == BareLf::Refuse;
        let line = &body[start..if crlf { at - 1 } else { at }];
        faulty |= line == b"." && !(crlf && after_crlf);
        content.extend_from_slice(line.strip_prefix(b".").unwrap_or(line));
        content.extend_from_slice(b"\r\n");
        start = at + 1;
        after_crlf = crlf;
    }
    Some(Outcome {
        content: if faulty { Vec::new() } else { content },
        faulty,
        rest: Some(whole[end + 5..].to_vec()),
    })
}

#[test]
fn dots_and_the_end() {
    let cases: [(&[u8], &[u8], &[u8]); 6] = [
        (b".\r\nQUIT\r\n", b"", b"QUIT\r\n"),
        (b"a\r\n.\r\n", b"a\r\n", b""),
        (b"..a\r\n..\r\n.b\r\n.\r\nX", b".a\r\n.\r\nb\r\n", b"X"),
        (b"\r\n.\r\n", b"\r\n", b""),
        (b"a.b\r\n...\r\n.\r\n", b"a.b\r\n..\r\n", b""),
        (b"a\r\n\r\n.\r\n.\r\n", b"a\r\n\r\n", b".\r\n"),
    ];
    for (stream, content, rest) in cases {
        for cut in 1..=stream.len() {
            for policy in [BareLf::Refuse, BareLf::Normalise] {
                let got = decode(stream, cut, policy);
                let want = outcome(content.to_vec(), None, Some(rest.to_vec()));
                assert_eq!(got, want, "{:?}", String::from_utf8_lossy(stream));
            }
        }
    }
}

/// U1, Y11: none of the ends that other servers were tricked with ends a message here.
#[test]
fn y11_smuggled_ends_do_not_end_a_message() {
    let ends: [&[u8]; 8] = [
        b"\n.\n",
        b"\n.\r\n",
        b"\r\n.\n",
        b"\r.\r",
        b"\r.\r\n",
        b"\r\n.\r",
        b"\r\n\0.\r\n",
        b"\n.\r\r\n",
    ];
    for end in ends {
        for policy in [BareLf::Refuse, BareLf::Normalise] {
            let stream = [b"a", end, b"MAIL FROM:<admin@x>\r\n.\r\nNOOP"].concat();
            for cut in 1..=stream.len() {
                let got = decode(&stream, cut, policy);
                assert_eq!(got.rest.as_deref(), Some(b"NOOP".as_slice()), "{end:?}");
                assert!(got.faulty, "{end:?}");
            }
        }
    }
}

/// W22: a printer that ends its lines with LF.
#[test]
fn w22_bare_lf_becomes_crlf_where_that_is_asked_for() {
    let stream = b"Subject: scan\n\n..dot\nend\r\n.\r\n";
    for cut in 1..=stream.len() {
        let got = decode(stream, cut, BareLf::Normalise);
        assert_eq!(
            got.content, b"Subject: scan\r\n\r\n.dot\r\nend\r\n",
            "{cut}"
        );
        assert!(decode(stream, cut, BareLf::Refuse).faulty);
    }
}

#[test]
fn a_line_of_any_length_passes_in_pieces() {
    let mut stream = vec![b'x'; 1_000_000];
    stream.extend_from_slice(b"\r\n.\r\n");
    assert_eq!(
        decode(&stream, 4096, BareLf::Refuse).content.len(),
        1_000_002
    );
}

/// A message of ordinary lines goes through in as few slices as there are reads.
#[test]
fn ordinary_text_is_not_cut_into_lines() {
    let text = b"an ordinary line of text\r\n".repeat(400);
    let mut input = text.as_slice();
    let mut decoder = DotDecoder::new(BareLf::Refuse);
    assert_eq!(decoder.next(&mut input), Piece::Content(&text));
    assert_eq!(decoder.next(&mut input), Piece::More);
}

fn decode_chunks(chunks: &[Vec<u8>], cut: usize) -> (Vec<u8>, Option<Fault>) {
    let mut decoder = ChunkDecoder::new();
    let mut content = Vec::new();
    for chunk in chunks {
        decoder.begin(chunk.len() as u64);
        let stream = [chunk.as_slice(), b"AFTER"].concat();
        for piece in stream.chunks(cut) {
            let mut input = piece;
            while let Piece::Content(octets) = decoder.next(&mut input) {
                content.extend_from_slice(octets);
            }
        }
    }
    content.extend_from_slice(decoder.finish());
    (content, decoder.fault())
}

/// The second parser for BDAT: looks at all chunks as one text.
fn simple_chunks(chunks: &[Vec<u8>]) -> Option<Vec<u8>> {
    let whole = chunks.concat();
    let bare_cr = (0..whole.len()).any(|i| whole[i] == b'\r' && whole.get(i + 1) != Some(&b'\n'));
    if bare_cr || whole.contains(&0) {
        return None;
    }
    let mut content = Vec::new();
    for line in whole.split_inclusive(|&b| b == b'\n') {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        content.extend_from_slice(line.strip_suffix(b"\r").unwrap_or(line));
        content.extend_from_slice(b"\r\n");
    }
    Some(content)
}

/// Y11: bare LF in BDAT is normalised; U2: the octets after a chunk stay where they are, and dots mean nothing.
#[test]
fn y11_chunks() {
    let chunks = [b"a\n.\r".to_vec(), b"\n..b".to_vec(), Vec::new()];
    let (content, fault) = decode_chunks(&chunks, 3);
    assert_eq!(content, b"a\r\n.\r\n..b\r\n");
    assert_eq!(fault, None);
    assert_eq!(decode_chunks(&[b"a\rb".to_vec()], 9).1, Some(Fault::BareCr));
    assert_eq!(decode_chunks(&[b"a\r".to_vec()], 9).1, Some(Fault::BareCr));
    assert_eq!(decode_chunks(&[Vec::new()], 9), (Vec::new(), None));
}

fn octets() -> impl Strategy<Value = Vec<u8>> {
    let octet = prop_oneof![
        4 => Just(b'\r'), 4 => Just(b'\n'), 4 => Just(b'.'), 2 => Just(b'a'), 1 => Just(0),
    ];
    let token = prop_oneof![
        3 => octet.prop_map(|o| vec![o]),
        3 => Just(b"\r\n".to_vec()),
        1 => Just(b"\r\n.\r\n".to_vec()),
    ];
    proptest::collection::vec(token, 0..24).prop_map(|tokens| tokens.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]
    /// Y11: two parsers agree on every stream, however it is cut.
    #[test]
    fn y11_agrees_with_the_simple_parser(stream in octets(), cut in 1usize..9) {
        for policy in [BareLf::Refuse, BareLf::Normalise] {
            let got = decode(&stream, cut, policy);
            match simple(&stream, policy) {
                Some(want) => prop_assert_eq!(got, want),
                None => prop_assert_eq!(got.rest, None),
            }
        }
    }

    #[test]
    fn chunks_agree_with_the_simple_parser(
        chunks in proptest::collection::vec(octets(), 0..4), cut in 1usize..9,
    ) {
        let (content, fault) = decode_chunks(&chunks, cut);
        match simple_chunks(&chunks) {
            Some(want) => { prop_assert_eq!(fault, None); prop_assert_eq!(content, want) }
            None => prop_assert!(fault.is_some()),
        }
    }
}
