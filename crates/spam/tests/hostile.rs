//! Messages made to exhaust whoever looks at them (I31): however hostile, 50 ms of CPU and bounded findings.
//!
//! The time is that of the thread, as the system counts it, so that a busy machine fails nothing. Code that is not optimised is about
//! ten times slower, and is allowed so much more.

#![allow(clippy::unwrap_used)] // a test may fail by panicking

use spam::Mail;
use spam::features::Features;
use spam::rules::{self, Circumstances};
use std::fmt::Write as _;
use std::time::Duration;

const LIMIT: Duration = Duration::from_millis(if cfg!(debug_assertions) { 600 } else { 50 });

/// What this thread has computed so far.
fn spent() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(text.split_whitespace().next().unwrap().parse().unwrap())
}

/// Looks at a message as the server does: at its header section and the beginning of its body.
fn look(what: &str, header: &str, body: &[u8]) {
    const BODY: usize = 160 * 1024;
    let whole = [header.as_bytes(), b"\r\n", body].concat();
    // What is compiled once is not part of it.
    rules::apply(
        &Mail::open(b"Subject: x\r\n\r\nx\r\n"),
        Circumstances::default(),
    );
    let mut scanner = message::Scanner::new();
    scanner.feed(&whole);
    let summary = scanner.finish();
    let seen = &whole[..whole.len().min(header.len() + BODY)];
    let before = spent();
    let mail = Mail::with_summary(seen, &summary);
    let reasons = rules::apply(&mail, Circumstances::default());
    let features = Features::of(&mail);
    let bands = spam::near::bands(&features);
    let took = spent() - before;
    println!(
        "{what}: {took:?}, {} octets, {} reasons, {}",
        whole.len(),
        reasons.len(),
        if bands.is_some() { "a text" } else { "no text" }
    );
    assert!(took < LIMIT, "{what}: {took:?}");
    assert!(
        mail.text.len() <= 128 * 1024 && mail.links.len() <= 500,
        "{what}"
    );
    assert!(
        features.views.iter().all(|view| view.len() < 40_000),
        "{what}"
    );
}

const PLAIN: &str = "From: a@b.test\r\nSubject: x\r\nContent-Type: text/plain; charset=utf-8\r\n";
const HTML: &str = "From: a@b.test\r\nSubject: x\r\nMIME-Version: 1.0\r\nContent-Type: text/html; charset=utf-8\r\n";

#[test]
fn i31_a_header_of_a_megabyte() {
    look(
        "one field",
        &format!("{PLAIN}X-Long: {}\r\n", "a b,<c@d> ".repeat(100_000)),
        b"x",
    );
    look(
        "many fields",
        &format!(
            "{PLAIN}{}",
            "Received: from [1.2.3.4] by x; Fri\r\n".repeat(30_000)
        ),
        b"x",
    );
    look(
        "many recipients",
        &format!("{PLAIN}To: {}\r\n", "a@b.test, ".repeat(100_000)),
        b"x",
    );
    look(
        "a long subject",
        &format!(
            "Subject: {}\r\n",
            "=?utf-8?q?=F0=9F=98=80?= ".repeat(40_000)
        ),
        b"x",
    );
    look(
        "comments",
        &format!("{PLAIN}To: {}\r\n", "(".repeat(1_000_000)),
        b"x",
    );
}

#[test]
fn i31_parts_ten_thousand_deep() {
    let mut body = String::new();
    for depth in 0..10_000 {
        let _ = write!(
            body,
            "--b{depth}\r\nContent-Type: multipart/mixed; boundary=b{}\r\n\r\n",
            depth + 1
        );
    }
    look(
        "deep",
        "Content-Type: multipart/mixed; boundary=b0\r\n",
        body.as_bytes(),
    );
    let messages = "Content-Type: message/rfc822\r\n\r\n".repeat(10_000);
    look(
        "messages in messages",
        "Content-Type: message/rfc822\r\n",
        messages.as_bytes(),
    );
    let wide = "--b\r\nContent-Type: text/html\r\n\r\n<p>x\r\n".repeat(20_000);
    look(
        "wide",
        "Content-Type: multipart/mixed; boundary=b\r\n",
        wide.as_bytes(),
    );
}

#[test]
fn i31_bombs() {
    use std::io::Write as _;
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    gzip.write_all(&vec![0; 64 << 20]).unwrap();
    let gzip = gzip.finish().unwrap();
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for n in 0..3000 {
        let name = format!("{n}.zip");
        zip.start_file(name, zip::write::SimpleFileOptions::default())
            .unwrap();
        zip.write_all(&vec![0; 8192]).unwrap();
    }
    let zip = zip.finish().unwrap().into_inner();
    // Zeros that call themselves an archive, so that somebody unpacks them; and an archive in an archive, thirty deep.
    let zeros = packed("zeros.zip", &vec![0; 64 << 20]);
    let mut deep = packed("0.txt", b"nothing");
    for n in 0..30 {
        deep = packed(&format!("{n}.zip"), &deep);
    }
    for (what, octets) in [
        ("gzip", gzip),
        ("zip of zips", zip),
        ("one huge member", zeros),
        ("zip in zip", deep),
        ("members that share their octets", overlapping()),
    ] {
        for whole in [octets.len(), octets.len() / 2] {
            let body = format!(
                "--b\r\nContent-Type: application/zip; name=a.zip\r\nContent-Transfer-Encoding: base64\r\n\r\n{}\r\n--b--\r\n",
                base64(&octets[..whole])
            );
            look(
                what,
                "Content-Type: multipart/mixed; boundary=b\r\n",
                body.as_bytes(),
            );
        }
    }
}

/// A ZIP file of one member.
fn packed(name: &str, octets: &[u8]) -> Vec<u8> {
    use std::io::Write as _;
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    zip.start_file(name, zip::write::SimpleFileOptions::default())
        .unwrap();
    zip.write_all(octets).unwrap();
    zip.finish().unwrap().into_inner()
}

/// A ZIP file whose directory names the same member a thousand times (Fifield, "A better zip bomb", 2019).
fn overlapping() -> Vec<u8> {
    let one = packed("a.zip", &vec![0; 16 << 20]);
    let directory = memchr::memmem::find(&one, b"PK\x01\x02").unwrap();
    let end = memchr::memmem::find(&one, b"PK\x05\x06").unwrap();
    let entry = &one[directory..end];
    let mut bomb = one[..directory].to_vec();
    bomb.extend(entry.repeat(1000));
    let mut last = one[end..].to_vec();
    last[8..10].copy_from_slice(&1000_u16.to_le_bytes());
    last[10..12].copy_from_slice(&1000_u16.to_le_bytes());
    last[12..16].copy_from_slice(&(entry.len() as u32 * 1000).to_le_bytes());
    bomb.extend(last);
    bomb
}

fn base64(octets: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for (n, group) in octets.chunks(3).enumerate() {
        let bits = group
            .iter()
            .fold(0_u32, |bits, octet| bits << 8 | u32::from(*octet))
            << (8 * (3 - group.len()));
        for place in 0..4 {
            out.push(match place <= group.len() {
                true => char::from(LETTERS[(bits >> (18 - 6 * place) & 63) as usize]),
                false => '=',
            });
        }
        if n % 19 == 18 {
            out.push_str("\r\n");
        }
    }
    out
}

#[test]
fn i31_a_hundred_thousand_links() {
    let mut text = String::new();
    for n in 0..100_000 {
        let _ = write!(
            text,
            "http://u{n}:p@h{n}.xn--e1afmkfd.example.co.uk:81/%41?{n} "
        );
    }
    look("links in text", PLAIN, text.as_bytes());
    let mut html = String::new();
    for n in 0..100_000 {
        let _ = write!(html, "<a href=http://h{n}.test/x>www.bank{n}.com</a>");
    }
    look("links in HTML", HTML, html.as_bytes());
    look(
        "one long link",
        PLAIN,
        format!("http://{}", "a.".repeat(500_000)).as_bytes(),
    );
}

/// All that the Encoding Standard knows (§4.2), UTF-7, and names that nobody knows.
const CHARSETS: &[&str] = &[
    "utf-8",
    "ibm866",
    "iso-8859-1",
    "iso-8859-2",
    "iso-8859-3",
    "iso-8859-4",
    "iso-8859-5",
    "iso-8859-6",
    "iso-8859-7",
    "iso-8859-8",
    "iso-8859-8-i",
    "iso-8859-10",
    "iso-8859-13",
    "iso-8859-14",
    "iso-8859-15",
    "iso-8859-16",
    "koi8-r",
    "koi8-u",
    "macintosh",
    "windows-874",
    "windows-1250",
    "windows-1251",
    "windows-1252",
    "windows-1253",
    "windows-1254",
    "windows-1255",
    "windows-1256",
    "windows-1257",
    "windows-1258",
    "x-mac-cyrillic",
    "gbk",
    "gb2312",
    "gb18030",
    "hz-gb-2312",
    "big5",
    "euc-jp",
    "iso-2022-jp",
    "shift_jis",
    "euc-kr",
    "iso-2022-kr",
    "iso-2022-cn",
    "replacement",
    "utf-16be",
    "utf-16le",
    "utf-16",
    "x-user-defined",
    "us-ascii",
    "utf-7",
    "nothing-known",
    "",
];

/// Texts on which patterns that go back and forth would take hours.
#[test]
fn i31_traps_for_patterns() {
    for trap in [
        "send pay transfer ",
        "click reply send e-mail ",
        "remove ",
        "(i have hacked ",
        "million dollars million ",
        "a b c d e f g ",
        "dear dear ",
        "free free! ",
        "$1 $2 ",
        "!!!!!!!!",
        "order now ",
        "ааaa ",
        "\u{200b}v\u{200b}i\u{200b}a",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    ] {
        look(trap, PLAIN, trap.repeat(400_000 / trap.len()).as_bytes());
        look(
            trap,
            &format!("{PLAIN}Subject: {}\r\n", trap.repeat(200_000 / trap.len())),
            b"x",
        );
    }
}

#[test]
fn i31_broken_html() {
    for trap in [
        "<",
        "<a href=\"",
        "<a href='x>",
        "<!--",
        "<!-- -->",
        "<script>",
        "<div style=display:none>",
        "<font color=white>x</font>",
        "</p>",
        "<a b=c b=c b=c b=c>",
        "&#x41;&amp;&unknown;&",
        "<style></",
        "V<!-- x -->i",
    ] {
        look(trap, HTML, trap.repeat(400_000 / trap.len()).as_bytes());
    }
}

#[test]
fn i31_every_charset_broken() {
    let noise: Vec<u8> = (0..100_000_u32)
        .map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8)
        .collect();
    for charset in CHARSETS {
        for encoding in ["8bit", "base64", "quoted-printable", "x-uuencode"] {
            let header = format!(
                "Content-Type: text/html; charset={charset}\r\nContent-Transfer-Encoding: {encoding}\r\n"
            );
            look(charset, &header, &noise);
        }
    }
}
