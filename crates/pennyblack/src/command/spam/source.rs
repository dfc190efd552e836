//! Where messages come from: standard input, a file with one message, an mbox, a Maildir or any other folder of messages. One message is in
//! memory at a time.

use crate::outcome::Failure;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

/// Octets of a message that are read: more than is looked at.
const MOST: usize = 1 << 20;

/// A message.
pub(super) struct Message {
    /// The file, and the number of the message in it if it holds several.
    pub(super) name: String,
    /// Its beginning.
    pub(super) octets: Vec<u8>,
}

type Messages = Box<dyn Iterator<Item = Result<Message, Failure>>>;

/// The messages of these files, one after the other; of standard input if there are none, or for `-`.
pub(super) fn messages(files: &[PathBuf]) -> Result<Messages, Failure> {
    let input = [PathBuf::from("-")];
    let files = if files.is_empty() { &input } else { files };
    let mut all: Messages = Box::new(std::iter::empty());
    for file in files {
        all = Box::new(all.chain(source(file).map_err(|why| failed(file, &why))?));
    }
    Ok(all)
}

fn failed(file: &Path, why: &io::Error) -> Failure {
    Failure::failed(format!("{}: {why}", file.display()))
}

fn source(file: &Path) -> io::Result<Messages> {
    if file == Path::new("-") {
        return stream(file.into(), Box::new(BufReader::new(io::stdin())));
    }
    if fs::metadata(file)?.is_dir() {
        return folder(file);
    }
    stream(file.into(), Box::new(BufReader::new(File::open(file)?)))
}

/// A Maildir has its messages in `new` and `cur`; of other folders each file is one, or an mbox.
fn folder(folder: &Path) -> io::Result<Messages> {
    let is_maildir = folder.join("cur").is_dir();
    let places = match is_maildir {
        true => vec![folder.join("new"), folder.join("cur")],
        false => vec![folder.to_path_buf()],
    };
    let mut files = Vec::new();
    for place in places.iter().filter(|place| place.is_dir()) {
        for entry in fs::read_dir(place)? {
            let entry = entry?;
            let hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
            if entry.file_type()?.is_file() && !hidden {
                files.push(entry.path());
            }
        }
    }
    files.sort_unstable();
    let opened = files.into_iter().flat_map(|file| {
        let messages = source(&file).map_err(|why| failed(&file, &why));
        messages.unwrap_or_else(|why| Box::new(std::iter::once(Err(why))))
    });
    Ok(Box::new(opened))
}

fn stream(file: PathBuf, mut reader: Box<dyn BufRead>) -> io::Result<Messages> {
    if reader.fill_buf()?.starts_with(b"From ") {
        return Ok(Box::new(Mbox::new(file, reader)));
    }
    let mut octets = Vec::new();
    let mut limited = reader.by_ref().take(MOST as u64);
    limited.read_to_end(&mut octets)?;
    if octets.is_empty() {
        return Ok(Box::new(std::iter::empty()));
    }
    // What follows is of no interest, but who writes it shall not fail.
    io::copy(&mut reader, &mut io::sink())?;
    let name = file.display().to_string();
    Ok(Box::new(std::iter::once(Ok(Message { name, octets }))))
}

/// RFC 4155; quoted `>From ` lines are unquoted, as mboxrd has them.
struct Mbox {
    file: PathBuf,
    reader: Box<dyn BufRead>,
    number: usize,
    ended: bool,
}

impl Mbox {
    fn new(file: PathBuf, reader: Box<dyn BufRead>) -> Mbox {
        Mbox {
            file,
            reader,
            number: 0,
            ended: false,
        }
    }

    /// The lines up to the next that begins a message.
    fn read(&mut self) -> io::Result<Option<Vec<u8>>> {
        let (mut octets, mut line) = (Vec::new(), Vec::new());
        while !self.ended {
            line.clear();
            // A line is no longer than a message, for all that is kept of it.
            let count = self
                .reader
                .by_ref()
                .take(MOST as u64)
                .read_until(b'\n', &mut line)?;
            self.ended = count == 0;
            if line.starts_with(b"From ") && self.number == 0 {
                self.number = 1;
                continue;
            }
            if line.starts_with(b"From ") {
                break;
            }
            let quoted = line.iter().position(|octet| *octet != b'>').unwrap_or(0);
            let unquoted = quoted > 0 && line[quoted..].starts_with(b"From ");
            if octets.len() < MOST {
                octets.extend_from_slice(&line[usize::from(unquoted)..]);
            }
        }
        if octets.ends_with(b"\n\n") {
            octets.pop();
        }
        Ok((!octets.is_empty()).then_some(octets))
    }
}

impl Iterator for Mbox {
    type Item = Result<Message, Failure>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.read() {
                Ok(Some(octets)) => {
                    let name = format!("{}:{}", self.file.display(), self.number);
                    self.number += 1;
                    return Some(Ok(Message { name, octets }));
                }
                Ok(None) if self.ended => return None,
                // An empty message.
                Ok(None) => self.number += 1,
                Err(why) => {
                    self.ended = true;
                    return Some(Err(failed(&self.file, &why)));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names_and_texts(path: &Path) -> Vec<(String, String)> {
        let all = messages(&[path.to_path_buf()]).unwrap();
        let read = all.map(|message| {
            let message = message.unwrap();
            let name = message
                .name
                .rsplit('/')
                .next()
                .unwrap_or_default()
                .to_owned();
            (name, String::from_utf8(message.octets).unwrap())
        });
        read.collect()
    }

    /// I14
    #[test]
    fn i14_messages_are_found_in_every_form() {
        let folder = tempfile::tempdir().unwrap();
        let mbox = folder.path().join("box");
        fs::write(
            &mbox,
            "From a Mon\nSubject: 1\n\n>From x\n>>From y\n\nFrom b Tue\nSubject: 2\n\nb\n",
        )
        .unwrap();
        let pair = |name: &str, text: &str| (name.to_owned(), text.to_owned());
        let in_mbox = [
            pair("box:1", "Subject: 1\n\nFrom x\n>From y\n"),
            pair("box:2", "Subject: 2\n\nb\n"),
        ];
        assert_eq!(names_and_texts(&mbox), in_mbox);
        let maildir = folder.path().join("maildir");
        for (place, name) in [
            ("new", "1"),
            ("cur", "2:2,S"),
            ("cur", ".hidden"),
            ("tmp", "3"),
        ] {
            fs::create_dir_all(maildir.join(place)).unwrap();
            fs::write(
                maildir.join(place).join(name),
                format!("Subject: {name}\n\n"),
            )
            .unwrap();
        }
        assert_eq!(
            names_and_texts(&maildir),
            [
                pair("2:2,S", "Subject: 2:2,S\n\n"),
                pair("1", "Subject: 1\n\n")
            ]
        );
        assert!(messages(&[folder.path().join("none")]).is_err());
        fs::write(folder.path().join("empty"), "").unwrap();
        assert_eq!(names_and_texts(&folder.path().join("empty")), []);
    }
}
