//! Examples of conversion, and what holds for all of them.

use super::{Converter, Survey, Unconvertible};
use crate::{Part, PartKind, Scanner, Summary, header, transfer};
use proptest::prelude::*;

fn scan(octets: &[u8]) -> Summary {
    let mut scanner = Scanner::new();
    scanner.feed(octets);
    scanner.finish()
}

/// Converts a message that comes in pieces of this size.
fn convert(octets: &[u8], size: usize) -> Result<Vec<u8>, Unconvertible> {
    let mut survey = Survey::new(&scan(octets))?;
    octets.chunks(size).for_each(|piece| survey.feed(piece));
    let mut converter: Converter = survey.finish()?;
    let mut out = Vec::new();
    for piece in octets.chunks(size) {
        converter.feed(piece, &mut out)?;
    }
    Ok(out)
}

fn converted(text: &str) -> String {
    String::from_utf8(convert(text.as_bytes(), 7).unwrap()).unwrap()
}

/// The decoded contents of all leaves.
fn contents(octets: &[u8]) -> Vec<Vec<u8>> {
    fn walk(part: &Part, octets: &[u8], found: &mut Vec<Vec<u8>>) {
        match &part.kind {
            PartKind::Leaf => {
                let content = &octets[part.body_start as usize..part.body_end as usize];
                found.push(transfer::decode(&part.encoding, content).into_owned());
            }
            PartKind::Multipart(parts) => parts.iter().for_each(|p| walk(p, octets, found)),
            PartKind::Message(_, root) => walk(root, octets, found),
        }
    }
    let mut found = Vec::new();
    walk(&scan(octets).root.unwrap(), octets, &mut found);
    found
}

#[test]
fn rfc_6152_3_text_becomes_quoted_printable() {
    assert_eq!(
        converted(
            "Subject: Grüße aus Köln\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\nSchöne Grüße = \r\n"
        ),
        "Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?= aus =?utf-8?q?K=C3=B6ln?=\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nSch=C3=B6ne Gr=C3=BC=C3=9Fe =3D=20\r\n"
    );
}

/// RFC 1428 §2: a message that says nothing of itself.
#[test]
fn rfc_1428_2_a_message_without_mime() {
    assert_eq!(
        converted("From: a@b.example\r\n\r\nKöln\r\n"),
        "From: a@b.example\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nK=C3=B6ln\r\n"
    );
    let latin = convert(b"From: a@b.example\r\n\r\nK\xf6ln\r\n", 3).unwrap();
    let latin = String::from_utf8(latin).unwrap();
    assert!(
        latin.contains("charset=unknown-8bit\r\n") && latin.ends_with("K=F6ln\r\n"),
        "{latin}"
    );
}

#[test]
fn parts_that_need_it_change_and_no_others() {
    let message = concat!(
        "From: Jörg Müller <j@x.example>, \"O. K.\" <k@x.example>\r\nContent-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: 8bit\r\n\r\n",
        "preamble ö\r\n--b\r\nContent-Type: text/plain\r\n\r\nplain\r\n",
        "--b\r\nContent-Type: application/x-thing; name=\"Tür.bin\"\r\nContent-Transfer-Encoding: 8bit\r\n\r\nöffnen\r\n",
        "--b\r\nContent-Type: message/rfc822\r\nContent-Transfer-Encoding: 8bit\r\n\r\nSubject: innen\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n<p>ä</p>\r\n",
        "--b--\r\n"
    );
    assert_eq!(
        converted(message),
        concat!(
            "From: =?utf-8?q?J=C3=B6rg_M=C3=BCller?= <j@x.example>, \"O. K.\" <k@x.example>\r\nContent-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: 7bit\r\nMIME-Version: 1.0\r\n\r\n",
            "preamble ??\r\n--b\r\nContent-Type: text/plain\r\n\r\nplain\r\n",
            "--b\r\nContent-Type: application/x-thing; name*=utf-8''T%C3%BCr.bin\r\nContent-Transfer-Encoding: base64\r\n\r\nw7ZmZm5lbg==\r\n",
            "--b\r\nContent-Type: message/rfc822\r\nContent-Transfer-Encoding: 7bit\r\n\r\nSubject: innen\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n<p>=C3=A4</p>\r\n",
            "--b--\r\n"
        )
    );
}

/// RFC 1847 §2.1: what is signed must not be touched; a signature beside it does no harm.
#[test]
fn rfc_1847_what_is_signed_stays_as_it_is() {
    let signed = |text: &str, after: &str| {
        format!(
            "Content-Type: multipart/mixed; boundary=o\r\n\r\n--o\r\nContent-Type: multipart/signed; boundary=i; protocol=\"application/pgp-signature\"\r\n\r\n--i\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n{text}\r\n--i\r\nContent-Type: application/pgp-signature\r\n\r\nsig\r\n--i--\r\n--o\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{after}\r\n--o--\r\n"
        )
    };
    let refused = convert(signed("ö", "").as_bytes(), 9);
    assert_eq!(refused, Err(Unconvertible::Sealed));
    let passed = converted(&signed("o", "ö"));
    assert!(
        passed.contains("Content-Transfer-Encoding: 8bit\r\n\r\no\r\n--i")
            && passed.contains("\r\n\r\n=C3=B6\r\n--o--"),
        "{passed}"
    );
}

#[test]
fn what_cannot_be_written() {
    let refused = |text: &str| convert(text.as_bytes(), 5).unwrap_err();
    assert_eq!(
        refused("Message-ID: <ö@x>\r\n\r\nx\r\n"),
        Unconvertible::Field("Message-ID".into())
    );
    assert_eq!(
        refused("To: jörg@x.example\r\n\r\nx\r\n"),
        Unconvertible::Field("To".into())
    );
    assert_eq!(
        refused("Content-Type: message/partial; id=1\r\n\r\nö\r\n"),
        Unconvertible::Part("message/partial".into())
    );
    assert_eq!(
        refused("Content-Transfer-Encoding: x-uuencode\r\n\r\nö\r\n"),
        Unconvertible::Part("text/plain".into())
    );
}

/// RFC 6532 §3.7.
#[test]
fn rfc_6532_3_7_a_global_message_is_encoded_as_a_whole() {
    let text = converted(
        "Content-Type: message/global\r\nContent-Transfer-Encoding: 8bit\r\n\r\nTo: jörg@x.example\r\n\r\nö\r\n",
    );
    assert!(
        text.contains("Content-Transfer-Encoding: base64\r\n"),
        "{text}"
    );
}

fn lines() -> impl Strategy<Value = String> {
    let line = prop_oneof![
        Just("--b"),
        Just("--b--"),
        Just("--c"),
        Just(""),
        Just("Content-Type: multipart/mixed; boundary=b"),
        Just("Content-Type: multipart/alternative; boundary=c"),
        Just("Content-Type: text/plain; charset=utf-8"),
        Just("Content-Type: image/png"),
        Just("Content-Transfer-Encoding: 8bit"),
        Just("Content-Transfer-Encoding: base64"),
        Just("Content-Transfer-Encoding: quoted-printable"),
        Just("Content-Type: message/rfc822"),
        Just("Subject: ä"),
        Just("Grüße = und \t"),
        Just("plain"),
        Just("From: Ä <a@b.example>")
    ];
    proptest::collection::vec(line, 0..24).prop_map(|lines| lines.join("\r\n") + "\r\n")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]
    /// Nothing above 127 is left, lines stay short, pieces make no difference, and whoever decodes reads the same.
    #[test]
    fn a_reader_sees_the_same(text in lines(), size in 1usize..40) {
        let octets = text.as_bytes();
        let whole = convert(octets, octets.len());
        prop_assert_eq!(&whole, &convert(octets, size));
        let Ok(whole) = whole else { return Ok(()) };
        prop_assert!(whole.is_ascii());
        prop_assert!(text.is_ascii() || whole.split(|o| *o == b'\n').all(|line| line.len() < 90));
        let mended = text.contains("base64") || text.contains("quoted-printable");
        if !mended {
            prop_assert_eq!(contents(&whole), contents(octets));
        }
        for field in header::fields(octets) {
            if field.is("Subject") {
                let found: Vec<String> = header::values(&whole, "Subject").map(crate::encoded_word::decode).collect();
                prop_assert!(found.iter().any(|value| value.trim() == "ä"), "{found:?}");
            }
        }
    }
}
