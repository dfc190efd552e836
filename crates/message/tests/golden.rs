//! Messages as they come from real senders (`corpus/*.eml`), and what is told of them (`golden/*.txt`).
//!
//! `UPDATE_GOLDEN=1 cargo test -p pennyblack-message --test golden` writes what is told now; read the difference before keeping it.
//! The same messages are shown to two other parsers (Y25): where readers disagree about From, To or the parts, one of them can be
//! deceived.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test may fail by panicking

use message::{Part, PartKind, Scanner, Summary, address_list, header};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests")
        .join(name)
}

/// Name and octets of every message, by name.
fn corpus() -> Vec<(String, Vec<u8>)> {
    let mut messages: Vec<_> = fs::read_dir(folder("corpus"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| {
            (
                path.file_stem().unwrap().to_string_lossy().into_owned(),
                fs::read(path).unwrap(),
            )
        })
        .collect();
    messages.sort();
    messages
}

fn scan(message: &[u8]) -> Summary {
    let mut scanner = Scanner::new();
    scanner.feed(message);
    scanner.finish()
}

#[test]
fn what_is_told_of_a_message() {
    let update = std::env::var_os("UPDATE_GOLDEN").is_some();
    let mut wrong = Vec::new();
    for (name, message) in corpus() {
        let told = told(&scan(&message), &message);
        let path = folder("golden").join(format!("{name}.txt"));
        if update {
            fs::write(&path, &told).unwrap();
        } else if fs::read_to_string(&path).unwrap_or_default() != told {
            wrong.push(format!("{}:\n{told}", path.display()));
        }
    }
    assert!(wrong.is_empty(), "not as expected:\n{}", wrong.join("\n"));
}

fn told(summary: &Summary, message: &[u8]) -> String {
    let mut out = String::new();
    writeln!(
        out,
        "envelope    {}",
        String::from_utf8_lossy(&summary.envelope)
    )
    .unwrap();
    writeln!(
        out,
        "size        {} of which {} header",
        summary.size, summary.header_size
    )
    .unwrap();
    writeln!(out, "preview     {}", summary.preview).unwrap();
    writeln!(
        out,
        "id          {}",
        summary.message_id.as_deref().unwrap_or("none")
    )
    .unwrap();
    writeln!(out, "references  {}", summary.references.join(" ")).unwrap();
    writeln!(out, "subject     {}", summary.base_subject).unwrap();
    writeln!(
        out,
        "sent        {:?} {:+}",
        summary.sent, summary.sent_offset
    )
    .unwrap();
    tell_part(&mut out, summary.root.as_ref().unwrap(), 0);
    let text = message::text::body_text(summary, message, 2000);
    writeln!(out, "text").unwrap();
    for line in text.lines() {
        writeln!(out, "  | {}", line.trim_end()).unwrap();
    }
    out
}

fn tell_part(out: &mut String, part: &Part, level: usize) {
    let indent = "  ".repeat(level);
    let params: Vec<_> = part
        .params
        .iter()
        .map(|(n, v)| format!("{n}={v}"))
        .collect();
    write!(
        out,
        "{indent}part {}/{} [{}] {}",
        part.media_type,
        part.subtype,
        params.join("; "),
        part.encoding
    )
    .unwrap();
    write!(
        out,
        " at {}..{}..{}, {} lines",
        part.header_start, part.body_start, part.body_end, part.lines
    )
    .unwrap();
    if let Some((kind, params)) = &part.disposition {
        write!(out, ", {kind} {params:?}").unwrap();
    }
    writeln!(out).unwrap();
    match &part.kind {
        PartKind::Leaf => {}
        PartKind::Multipart(parts) => parts
            .iter()
            .for_each(|part| tell_part(out, part, level + 1)),
        PartKind::Message(envelope, root) => {
            writeln!(out, "{indent}  {}", String::from_utf8_lossy(envelope)).unwrap();
            tell_part(out, root, level + 1);
        }
    }
}

/// What a reader must not be deceived about: From, To, and the types of all parts.
#[derive(Debug, PartialEq)]
struct Reading {
    from: Vec<String>,
    to: Vec<String>,
    types: Vec<String>,
}

fn ours(message: &[u8]) -> Reading {
    let summary = scan(message);
    let section = &message[..summary.header_size as usize];
    let addresses = |name: &str| {
        header::values(section, name)
            .flat_map(address_list::mailboxes)
            .map(|m| {
                format!(
                    "{}@{}",
                    String::from_utf8_lossy(&m.local),
                    String::from_utf8_lossy(&m.domain)
                )
            })
            .collect()
    };
    Reading {
        from: addresses("From"),
        to: addresses("To"),
        types: summary
            .parts()
            .iter()
            .map(|part| format!("{}/{}", part.media_type, part.subtype))
            .collect(),
    }
}

/// Of the corpus, `odd` is made to be read differently, and `raw-8bit` has a domain that the others do not decode.
fn agreed() -> impl Iterator<Item = (String, Vec<u8>)> {
    corpus()
        .into_iter()
        .filter(|(name, _)| name != "odd" && name != "raw-8bit")
}

/// Y25
#[test]
fn y25_mail_parser_reads_the_same() {
    for (name, message) in agreed() {
        let parsed = mail_parser::MessageParser::default()
            .parse(&message)
            .unwrap();
        let addresses = |list: Option<&mail_parser::Address<'_>>| {
            // It leaves an obsolete source route in the address.
            let address = |a: &mail_parser::Addr<'_>| {
                let whole = a.address.as_ref()?;
                Some(whole.rsplit(':').next().unwrap_or(whole).to_owned())
            };
            list.map(|list| list.iter().filter_map(address).collect())
                .unwrap_or_default()
        };
        let theirs = Reading {
            from: addresses(parsed.from()),
            to: addresses(parsed.to()),
            types: their_types(&parsed),
        };
        assert_eq!(ours(&message), theirs, "{name}");
    }
}

fn their_types(message: &mail_parser::Message<'_>) -> Vec<String> {
    use mail_parser::{MimeHeaders as _, PartType};
    let mut types = Vec::new();
    let mut waiting = vec![0];
    while let Some(id) = waiting.pop() {
        let part = &message.parts[id as usize];
        let named = part
            .content_type()
            .map(|t| format!("{}/{}", t.ctype(), t.subtype().unwrap_or_default()).to_lowercase());
        match &part.body {
            PartType::Message(inner) => {
                types.push(named.unwrap_or_else(|| "message/rfc822".into()));
                types.extend(their_types(inner));
            }
            PartType::Multipart(children) => {
                types.push(named.unwrap_or_default());
                waiting.extend(children.iter().rev());
            }
            _ => types.push(named.unwrap_or_else(|| "text/plain".into())),
        }
    }
    types
}

/// Prints the same of every file named, one line each.
const PYTHON: &str = r#"
import email, email.policy, email.utils, sys
for path in sys.argv[1:]:
    m = email.message_from_binary_file(open(path, "rb"), policy=email.policy.compat32)
    def addresses(name):
        return [a for _, a in email.utils.getaddresses([str(v) for v in m.get_all(name, [])]) if a]
    types = []
    def walk(part):
        types.append(part.get_content_type())
        # Python reads the field groups of a delivery status as messages; nobody else does.
        if part.is_multipart() and part.get_content_type() != "message/delivery-status":
            for child in part.get_payload():
                walk(child)
    walk(m)
    print(";".join([",".join(addresses("from")), ",".join(addresses("to")), ",".join(types)]))
"#;

/// Y25
#[test]
fn y25_python_reads_the_same() {
    let names: Vec<String> = agreed().map(|(name, _)| name).collect();
    let files = names
        .iter()
        .map(|name| folder("corpus").join(format!("{name}.eml")));
    let run = std::process::Command::new("python3")
        .arg("-c")
        .arg(PYTHON)
        .args(files)
        .output();
    let output = match run {
        Ok(output) if output.status.success() => output,
        Ok(output) => panic!("{}", String::from_utf8_lossy(&output.stderr)),
        Err(error) => return skipped(&format!("y25_python_reads_the_same: python3: {error}")),
    };
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(text.lines().count(), names.len());
    for ((name, message), line) in agreed().zip(text.lines()) {
        let ours = ours(&message);
        let ours = [ours.from.join(","), ours.to.join(","), ours.types.join(",")].join(";");
        assert_eq!(ours, line, "{name}");
    }
}

/// Says what was left out, where a person reads it.
fn skipped(what: &str) {
    use std::io::Write as _;
    let line = format!("SKIPPED {what}\n");
    let _ = std::io::stderr().write_all(line.as_bytes());
    if let Some(path) = std::env::var_os("PENNYBLACK_SKIPPED")
        && let Ok(mut file) = fs::OpenOptions::new().append(true).create(true).open(path)
    {
        let _ = file.write_all(line.as_bytes());
    }
}
