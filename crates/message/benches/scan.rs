//! How long reading a message takes: `cargo bench -p pennyblack-message`. The budget for 10 KB is 30 µs.

use message::Scanner;
use std::hint::black_box;
use std::time::Instant;

const HEADER: &str = "Received: from out.client.example (out.client.example [198.51.100.7])\r\n\tby mx1.example.com with ESMTPS id 0123\r\n\tfor <bob@example.com>; Fri, 20 Nov 2026 14:13:44 +0000\r\n\
    DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=client.example; s=mail; h=from:to:subject;\r\n\tbh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; b=dGVzdA==\r\n\
    From: Someone Else <someone@client.example>\r\nTo: Bob <bob@example.com>, =?utf-8?q?J=C3=BCrgen?= <juergen@example.com>\r\n\
    Subject: Re: [list] =?utf-8?q?Gr=C3=B6=C3=9Fe?= of things\r\nDate: Fri, 20 Nov 2026 14:13:40 +0000\r\nMessage-ID: <0123@client.example>\r\n\
    In-Reply-To: <0122@example.com>\r\nReferences: <0120@example.com> <0121@client.example> <0122@example.com>\r\nMIME-Version: 1.0\r\n";

fn plain() -> Vec<u8> {
    let line = "The quick brown fox jumps over the lazy dog, again and again and again.\r\n";
    format!(
        "{HEADER}Content-Type: text/plain; charset=utf-8\r\n\r\n{}",
        line.repeat(125)
    )
    .into_bytes()
}

fn multipart() -> Vec<u8> {
    let text =
        "Gr=C3=BC=C3=9Fe aus der Ferne, und so weiter und so fort, ohne Ende.\r\n".repeat(40);
    let html = format!(
        "<html><body>{}</body></html>\r\n",
        "<p>Gr=C3=BC=C3=9Fe aus der <b>Ferne</b></p>\r\n".repeat(60)
    );
    let image =
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGA\r\n".repeat(40);
    let qp = "Content-Transfer-Encoding: quoted-printable\r\n";
    format!(
        "{HEADER}Content-Type: multipart/mixed; boundary=outer\r\n\r\n--outer\r\nContent-Type: multipart/alternative; boundary=inner\r\n\r\n\
         --inner\r\nContent-Type: text/plain; charset=utf-8\r\n{qp}\r\n{text}\r\n--inner\r\nContent-Type: text/html; charset=utf-8\r\n{qp}\r\n{html}\r\n--inner--\r\n\
         --outer\r\nContent-Type: image/png; name=\"a.png\"\r\nContent-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename=\"a.png\"\r\n\r\n{image}\r\n--outer--\r\n"
    )
    .into_bytes()
}

fn measure(name: &str, message: &[u8]) {
    const ROUNDS: u32 = 20_000;
    let start = Instant::now();
    for _ in 0..ROUNDS {
        let mut scanner = Scanner::new();
        for piece in message.chunks(4096) {
            scanner.feed(black_box(piece));
        }
        black_box(scanner.finish());
    }
    let each = start.elapsed() / ROUNDS;
    println!(
        "{name}: {} octets, {:.1} µs",
        message.len(),
        each.as_secs_f64() * 1e6
    );
}

fn main() {
    measure("plain text", &plain());
    measure("multipart", &multipart());
}
