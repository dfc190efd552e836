//! Archives: the names of their members, and what is wrong with them. ZIP (office documents, JAR) and gzip.
//!
//! Names come from the central directory, so nothing is unpacked but archives within archives, and those within a budget. Of an archive
//! whose end is not here, names come from the headers in front of the members.

use super::{Limits, Reading};
use std::io::{Cursor, Read};
use zip::ZipArchive;

/// What is wrong with an archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// A member is encrypted, so that no scanner sees it.
    Encrypted,
    /// It claims to unpack to more than a hundred times its size, or more than is sane.
    Bomb,
    /// It holds another archive.
    Nested,
    /// It calls itself an archive and cannot be read as one.
    Broken,
}

/// Unpacked to packed, beyond which a member is a bomb; text compresses about tenfold.
const BOMB_RATIO: u64 = 200;
/// Unpacked octets that nobody sends by mail.
const BOMB_SIZE: u64 = 4 << 30;

/// Reads an archive.
pub(super) fn read(octets: &[u8], whole: bool, limits: &Limits) -> Reading {
    let mut lister = Lister {
        limits,
        whole,
        inflated: 0,
        reading: Reading::default(),
    };
    lister.archive(octets, "", 0);
    lister.reading
}

struct Lister<'a> {
    limits: &'a Limits,
    /// Its end is here.
    whole: bool,
    /// Octets unpacked so far.
    inflated: usize,
    reading: Reading,
}

impl Lister<'_> {
    fn archive(&mut self, octets: &[u8], prefix: &str, depth: usize) {
        match octets {
            [b'P', b'K', 3, 4, ..] if !self.whole => self.beginning(octets),
            [b'P', b'K', 3 | 5, 4 | 6, ..] => self.zip(octets, prefix, depth),
            [0x1f, 0x8b, ..] => self.gzip(octets, prefix),
            _ => {}
        }
    }

    fn zip(&mut self, octets: &[u8], prefix: &str, depth: usize) {
        let Ok(mut archive) = ZipArchive::new(Cursor::new(octets)) else {
            return self.note(Trouble::Broken);
        };
        for index in 0..archive.len() {
            if self.reading.entries.len() >= self.limits.entries {
                self.reading.cut = true;
                return;
            }
            self.member(&mut archive, index, prefix, depth);
        }
    }

    /// The members of a ZIP file that is cut off, as far as they are there (APPNOTE §4.3.7).
    fn beginning(&mut self, octets: &[u8]) {
        self.reading.cut = true;
        let mut rest = octets;
        while let Some(start) = memchr::memmem::find(rest, b"PK\x03\x04") {
            rest = &rest[start..];
            let Some(header) = rest.first_chunk::<30>() else {
                return;
            };
            let short = |at: usize| usize::from(u16::from_le_bytes([header[at], header[at + 1]]));
            let (flags, length, extra) = (short(6), short(26), short(28));
            let packed = u32::from_le_bytes([header[18], header[19], header[20], header[21]]);
            let Some(name) = rest.get(30..30 + length) else {
                return;
            };
            if self.reading.entries.len() >= self.limits.entries {
                return;
            }
            let name = String::from_utf8_lossy(&name[..length.min(200)]).into_owned();
            if flags & 1 != 0 {
                self.note(Trouble::Encrypted);
            }
            if is_archive_name(&name) {
                self.note(Trouble::Nested);
            }
            self.reading.entries.push(name);
            // With bit 3 the size stands behind the member, and the next header is looked for.
            let skipped = if flags & 8 == 0 { packed as usize } else { 0 };
            let next = (30 + length + extra).saturating_add(skipped);
            rest = rest.get(next..).unwrap_or_default();
        }
    }

    fn member(
        &mut self,
        archive: &mut ZipArchive<Cursor<&[u8]>>,
        index: usize,
        prefix: &str,
        depth: usize,
    ) {
        let Ok(member) = archive.by_index_raw(index) else {
            return self.note(Trouble::Broken);
        };
        let name = member.name();
        let path = format!("{prefix}{}", crate::mail::beginning(name, 200));
        let (encrypted, packed, unpacked) =
            (member.encrypted(), member.compressed_size(), member.size());
        drop(member);
        if encrypted {
            self.note(Trouble::Encrypted);
        }
        if unpacked > BOMB_SIZE || unpacked / packed.max(1) > BOMB_RATIO && unpacked > 1 << 20 {
            self.note(Trouble::Bomb);
        }
        let nested = is_archive_name(&path);
        self.reading.entries.push(path.clone());
        if nested {
            self.note(Trouble::Nested);
            if depth < self.limits.depth && !encrypted {
                self.inner(archive, index, &path, depth);
            }
        }
    }

    fn inner(
        &mut self,
        archive: &mut ZipArchive<Cursor<&[u8]>>,
        index: usize,
        path: &str,
        depth: usize,
    ) {
        let room = self.limits.inflated.saturating_sub(self.inflated);
        let Ok(member) = archive.by_index(index) else {
            return;
        };
        let mut octets = Vec::new();
        // A member cut short has no directory and will not be read; it has been noted as nested.
        let _ = member.take(room as u64).read_to_end(&mut octets);
        self.inflated += octets.len();
        self.archive(&octets, &format!("{path}!"), depth + 1);
    }

    /// The name in the header (RFC 1952 §2.3.1), and whether a little of it becomes very much.
    fn gzip(&mut self, octets: &[u8], prefix: &str) {
        let room = self.limits.inflated.saturating_sub(self.inflated) as u64;
        let mut decoder = flate2::bufread::GzDecoder::new(octets).take(room);
        let unpacked = std::io::copy(&mut decoder, &mut std::io::sink());
        let decoder = decoder.into_inner();
        let name = decoder.header().and_then(|header| header.filename());
        if let Some(name) = name {
            let name = String::from_utf8_lossy(&name[..name.len().min(200)]);
            self.reading.entries.push(format!("{prefix}{name}"));
        }
        match unpacked {
            Ok(unpacked) => {
                self.inflated += unpacked as usize;
                let packed = (octets.len() - decoder.get_ref().len()) as u64;
                if unpacked >= 1 << 19 && unpacked / packed.max(1) > BOMB_RATIO {
                    self.note(Trouble::Bomb);
                }
            }
            Err(_) if !self.whole => self.reading.cut = true,
            Err(_) => self.note(Trouble::Broken),
        }
    }

    fn note(&mut self, trouble: Trouble) {
        if !self.reading.trouble.contains(&trouble) {
            self.reading.trouble.push(trouble);
        }
    }
}

fn is_archive_name(path: &str) -> bool {
    let extension = path.rsplit_once('.').map_or("", |(_, extension)| extension);
    [
        "zip", "rar", "7z", "gz", "tgz", "tar", "cab", "arj", "lzh", "ace", "xz", "bz2", "iso",
        "img",
    ]
    .iter()
    .any(|archive| extension.eq_ignore_ascii_case(archive))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    fn zip_of(members: &[(&str, &[u8])]) -> Vec<u8> {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, octets) in members {
            writer
                .start_file(*name, SimpleFileOptions::default())
                .unwrap();
            writer.write_all(octets).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    #[test]
    fn members_are_named_also_in_inner_archives() {
        let inner = zip_of(&[("run.vbs", b"x")]);
        let reading = read(
            &zip_of(&[("a.txt", b"a"), ("in.zip", &inner)]),
            true,
            &Limits::default(),
        );
        assert_eq!(reading.entries, ["a.txt", "in.zip", "in.zip!run.vbs"]);
        assert_eq!(reading.trouble, [Trouble::Nested]);
    }

    #[test]
    fn bombs_are_noted_and_not_unpacked() {
        let bomb = zip_of(&[("zeros", &vec![0; 8 << 20])]);
        assert_eq!(
            read(&bomb, true, &Limits::default()).trouble,
            [Trouble::Bomb]
        );
        let nested = zip_of(&[("bomb.zip", &bomb)]);
        assert_eq!(
            read(&nested, true, &Limits::default()).trouble,
            [Trouble::Nested, Trouble::Bomb]
        );
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        gzip.write_all(&vec![0; 8 << 20]).unwrap();
        assert_eq!(
            read(&gzip.finish().unwrap(), true, &Limits::default()).trouble,
            [Trouble::Bomb]
        );
    }

    #[test]
    fn what_is_no_archive_is_said() {
        assert_eq!(
            read(b"PK\x03\x04rubbish", true, &Limits::default()).trouble,
            [Trouble::Broken]
        );
        assert_eq!(
            read(b"%PDF-1.4", true, &Limits::default()),
            Reading::default()
        );
    }

    #[test]
    fn names_of_many_members_are_bounded() {
        let names: Vec<String> = (0..300).map(|n| format!("{n}.txt")).collect();
        let members: Vec<(&str, &[u8])> = names
            .iter()
            .map(|name| (name.as_str(), b"".as_slice()))
            .collect();
        let reading = read(&zip_of(&members), true, &Limits::default());
        assert_eq!((reading.entries.len(), reading.cut), (200, true));
    }

    /// Large attachments are not seen to their end.
    #[test]
    fn the_beginning_of_an_archive_tells_names_too() {
        let noise: Vec<u8> = (0..50_000_u32)
            .map(|n| (n.wrapping_mul(n) >> 7) as u8)
            .collect();
        let zip = zip_of(&[("a.txt", &noise), ("run.vbs", &noise), ("last.txt", b"x")]);
        let reading = read(&zip[..zip.len() - 100], false, &Limits::default());
        assert_eq!(reading.entries[..2], ["a.txt", "run.vbs"]);
        assert_eq!((reading.trouble, reading.cut), (Vec::new(), true));
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(&noise).unwrap();
        let gzip = gzip.finish().unwrap();
        let cut = read(&gzip[..gzip.len() / 2], false, &Limits::default());
        assert_eq!((cut.trouble, cut.cut), (Vec::new(), true));
    }

    /// A log of a few megabytes is no bomb, although not all of it is unpacked here.
    #[test]
    fn honest_text_is_no_bomb() {
        let lines: String = (0..60_000_u32)
            .map(|n| format!("line {} of the log\n", n.wrapping_mul(2_654_435_761)))
            .collect();
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        gzip.write_all(lines.as_bytes()).unwrap();
        let reading = read(&gzip.finish().unwrap(), true, &Limits::default());
        assert_eq!(reading.trouble, Vec::new());
    }
}
