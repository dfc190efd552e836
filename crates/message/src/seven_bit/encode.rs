//! Writes the content of a leaf without octets above 127, as it streams by.

use crate::{Part, transfer};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Octets of a line of base64 before they are encoded (RFC 2045 §6.8: 76 letters).
const BASE64_LINE: usize = 57;
/// A line of text without end is written in pieces of this size.
const LONG_LINE: usize = 16 * 1024;

/// How a leaf is written anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// Text stays readable.
    QuotedPrintable,
    /// Anything else.
    Base64,
    /// It is quoted-printable already, and stray octets become what they should have been.
    MendQuotedPrintable,
    /// It is base64 already, where other octets mean nothing.
    MendBase64,
    /// It must not be encoded: RFC 2046 §5.2 of some messages within messages; or it is in an encoding that nobody knows.
    Impossible,
}

impl Encoding {
    pub(super) fn of(part: &Part) -> Encoding {
        // RFC 6532 §3.7, RFC 6533 §9: those for UTF-8 may.
        let is_message = part.media_type == "message" && !part.subtype.starts_with("global");
        match part.encoding.as_str() {
            "quoted-printable" => Encoding::MendQuotedPrintable,
            "base64" => Encoding::MendBase64,
            "7bit" | "8bit" | "binary" => match part.media_type.as_str() {
                // What could not be divided.
                "multipart" => Encoding::Impossible,
                _ if is_message => Encoding::Impossible,
                "text" => Encoding::QuotedPrintable,
                _ => Encoding::Base64,
            },
            _ => Encoding::Impossible,
        }
    }

    /// The value of Content-Transfer-Encoding, if it becomes another one.
    pub(super) fn name(self) -> Option<&'static str> {
        match self {
            Encoding::QuotedPrintable => Some("quoted-printable"),
            Encoding::Base64 => Some("base64"),
            _ => None,
        }
    }
}

/// Encodes one leaf.
pub(super) struct Writer {
    encoding: Encoding,
    /// Octets that do not make a line yet.
    held: Vec<u8>,
    /// A line of base64 has been written; its end belongs before the next one, since the line end before a boundary is not content.
    begun: bool,
}

impl Writer {
    pub(super) fn new(encoding: Encoding) -> Writer {
        Writer {
            encoding,
            held: Vec::new(),
            begun: false,
        }
    }

    pub(super) fn write(&mut self, octets: &[u8], out: &mut Vec<u8>) {
        match self.encoding {
            Encoding::QuotedPrintable => self.text(octets, out),
            Encoding::Base64 => {
                self.held.extend_from_slice(octets);
                let whole = self.held.len() / BASE64_LINE * BASE64_LINE;
                let rest = self.held.split_off(whole);
                for line in std::mem::replace(&mut self.held, rest).chunks(BASE64_LINE) {
                    self.base64_line(line, out);
                }
            }
            Encoding::MendQuotedPrintable => octets.iter().for_each(|octet| {
                if octet.is_ascii() {
                    out.push(*octet);
                } else {
                    out.extend_from_slice(format!("={octet:02X}").as_bytes());
                }
            }),
            Encoding::MendBase64 | Encoding::Impossible => {
                out.extend(octets.iter().map(|o| if o.is_ascii() { *o } else { b'?' }));
            }
        }
    }

    /// Whole lines are written; a line without end is broken softly.
    fn text(&mut self, octets: &[u8], out: &mut Vec<u8>) {
        self.held.extend_from_slice(octets);
        let lines = memchr::memrchr(b'\n', &self.held).map_or(0, |at| at + 1);
        let rest = self.held.split_off(lines);
        out.extend(transfer::encode_quoted_printable(&self.held));
        self.held = rest;
        if self.held.len() > LONG_LINE {
            // The last octet may be the CR of a line end.
            let rest = self.held.split_off(self.held.len() - 1);
            out.extend(transfer::encode_quoted_printable(&self.held));
            out.extend_from_slice(b"=\r\n");
            self.held = rest;
        }
    }

    /// The leaf is over.
    pub(super) fn finish(&mut self, is_last: bool, out: &mut Vec<u8>) {
        let rest = std::mem::take(&mut self.held);
        match self.encoding {
            Encoding::QuotedPrintable => out.extend(transfer::encode_quoted_printable(&rest)),
            Encoding::Base64 => {
                if !rest.is_empty() {
                    self.base64_line(&rest, out);
                }
                if is_last {
                    out.extend_from_slice(b"\r\n");
                }
            }
            _ => {}
        }
    }

    fn base64_line(&mut self, line: &[u8], out: &mut Vec<u8>) {
        if std::mem::replace(&mut self.begun, true) {
            out.extend_from_slice(b"\r\n");
        }
        out.extend_from_slice(STANDARD.encode(line).as_bytes());
    }
}
