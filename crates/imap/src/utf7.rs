//! Modified UTF-7 (RFC 3501 §5.1.3): how mailbox names travel. Decoding accepts only what encoding would produce.

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";

/// Appends `name` in modified UTF-7.
pub(crate) fn encode(name: &str, out: &mut Vec<u8>) {
    let mut shifted: Vec<u16> = Vec::new();
    for c in name.chars() {
        if matches!(c, ' '..='~') {
            flush(&mut shifted, out);
            out.push(c as u8);
            if c == '&' {
                out.push(b'-');
            }
        } else {
            shifted.extend_from_slice(c.encode_utf16(&mut [0; 2]));
        }
    }
    flush(&mut shifted, out);
}

/// Appends the pending UTF-16 units as one `&…-` run.
fn flush(units: &mut Vec<u16>, out: &mut Vec<u8>) {
    if units.is_empty() {
        return;
    }
    out.push(b'&');
    let (mut bits, mut count) = (0u32, 0u32);
    for unit in units.drain(..) {
        bits = (bits << 16) | u32::from(unit);
        count += 16;
        while count >= 6 {
            count -= 6;
            out.push(ALPHABET[(bits >> count & 63) as usize]);
        }
        bits &= (1 << count) - 1;
    }
    if count > 0 {
        out.push(ALPHABET[(bits << (6 - count) & 63) as usize]);
    }
    out.push(b'-');
}

/// The name these octets stand for; `None` if they are not modified UTF-7, or not in its one canonical form.
pub(crate) fn decode(octets: &[u8]) -> Option<String> {
    let mut name = String::with_capacity(octets.len());
    let mut rest = octets;
    while let Some((&octet, tail)) = rest.split_first() {
        rest = tail;
        match octet {
            b'&' => {
                let end = rest.iter().position(|o| *o == b'-')?;
                match &rest[..end] {
                    [] => name.push('&'),
                    run => decode_run(run, &mut name)?,
                }
                rest = &rest[end + 1..];
            }
            b' '..=b'~' => name.push(char::from(octet)),
            _ => return None,
        }
    }
    // Two spellings of one name would be two mailboxes to a client and one to us.
    let mut canonical = Vec::with_capacity(octets.len());
    encode(&name, &mut canonical);
    (canonical == octets).then_some(name)
}

/// Decodes what stands between `&` and `-`.
fn decode_run(run: &[u8], name: &mut String) -> Option<()> {
    let (mut bits, mut count) = (0u32, 0u32);
    let mut units = Vec::with_capacity(run.len() / 2);
    for octet in run {
        let value = ALPHABET.iter().position(|a| a == octet)? as u32;
        bits = (bits << 6) | value;
        count += 6;
        if count >= 16 {
            count -= 16;
            units.push((bits >> count) as u16);
            bits &= (1 << count) - 1;
        }
    }
    for c in char::decode_utf16(units) {
        name.push(c.ok()?);
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn encoded(name: &str) -> String {
        let mut out = Vec::new();
        encode(name, &mut out);
        String::from_utf8(out).unwrap()
    }

    /// RFC 3501 §5.1.3 examples.
    #[test]
    fn rfc3501_5_1_3_examples() {
        assert_eq!(
            encoded("~peter/mail/台北/日本語"),
            "~peter/mail/&U,BTFw-/&ZeVnLIqe-"
        );
        assert_eq!(
            decode(b"~peter/mail/&U,BTFw-/&ZeVnLIqe-").unwrap(),
            "~peter/mail/台北/日本語"
        );
        assert_eq!(encoded("a & b"), "a &- b");
        // "&Jjo!" has no end; "&U,BTFw-&ZeVnLIqe-" shifts out and in again for nothing.
        assert_eq!(decode(b"&Jjo!"), None);
        assert_eq!(decode(b"&U,BTFw-&ZeVnLIqe-"), None);
        // A printable character must stand for itself.
        assert_eq!(decode(b"&AGE-"), None);
    }

    #[test]
    fn eight_bit_and_broken_surrogates_are_refused() {
        assert_eq!(decode("ü".as_bytes()), None);
        assert_eq!(decode(b"&2AA-"), None);
        assert_eq!(decode(b"a\x00b"), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]
        #[test]
        fn round_trip(name in any::<String>()) {
            let text = encoded(&name);
            prop_assert!(text.bytes().all(|o| (b' '..=b'~').contains(&o)));
            prop_assert_eq!(decode(text.as_bytes()), Some(name));
        }
        #[test]
        fn any_octets(octets in proptest::collection::vec(any::<u8>(), 0..60)) {
            let _ = decode(&octets);
        }
    }
}
