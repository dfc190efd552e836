//! From what the caller of `sendmail` said and wrote to an envelope: who sends, to whom, and a From field if there is none (X16).
//!
//! Names without a domain stay as they are; the server knows its own name and adds it ([`Letter::qualified`]).

use super::failure::{Exit, Failure};
use super::input::Head;
use super::options::{Options, RecipientsIn};
use message::{Address, address_list, header};
use serde::{Deserialize, Serialize};

/// Recipients of one message; the server's own limit is a setting and smaller.
const MOST: usize = 10_000;

/// The envelope of a message from a program on this machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Letter {
    /// The envelope sender, perhaps without a domain; empty: the null reverse-path.
    pub sender: String,
    /// Whom it is for, perhaps without a domain; at least one.
    pub recipients: Vec<String>,
    /// NOTIFY (RFC 3461).
    pub notify: Option<String>,
    /// RET.
    pub ret: Option<String>,
    /// ENVID.
    pub envid: Option<String>,
}

/// Who calls, as the system knows him.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The name he logs in by.
    pub name: String,
    /// His full name; may be empty.
    pub full_name: String,
}

impl Caller {
    /// The user of this process.
    pub fn me() -> Caller {
        let uid = nix::unistd::getuid();
        let user = nix::unistd::User::from_uid(uid).ok().flatten();
        let full = |user: &nix::unistd::User| {
            let gecos = user.gecos.to_string_lossy().into_owned();
            gecos.split(',').next().unwrap_or_default().to_owned()
        };
        Caller {
            full_name: user.as_ref().map(full).unwrap_or_default(),
            name: user.map_or_else(|| format!("uid{uid}"), |user| user.name),
        }
    }
}

impl Letter {
    /// Reads sender and recipients; each is checked as an address of an envelope is.
    pub fn new(options: &Options, head: &Head, caller: &Caller) -> Result<Letter, Failure> {
        let mut recipients = Vec::new();
        for argument in &options.recipients {
            recipients.extend(listed(argument.as_bytes())?);
        }
        if options.recipients_in == RecipientsIn::Header {
            for field in to_fields(&head.section) {
                recipients.extend(listed(field)?);
            }
        }
        recipients.sort();
        recipients.dedup();
        if recipients.is_empty() || recipients.len() > MOST {
            return Err(number_of_recipients(options, recipients.len()));
        }
        let sender = options.sender.as_deref().unwrap_or(&caller.name);
        if !sender.is_empty() {
            checked(sender)?;
        }
        Ok(Letter {
            sender: sender.into(),
            recipients,
            notify: options.notify.clone(),
            ret: options.ret.map(str::to_owned),
            envid: options.envid.clone(),
        })
    }

    /// The same with this host's name where no domain stands.
    pub fn qualified(mut self, hostname: &str) -> Letter {
        let qualify = |name: &mut String| {
            if !name.is_empty() && !name.contains('@') {
                *name = format!("{name}@{hostname}");
            }
        };
        qualify(&mut self.sender);
        self.recipients.iter_mut().for_each(qualify);
        self
    }

    /// A From field for a message that has none: with the name that was given, or the caller's own if he sends as himself.
    pub fn from_field(&self, options: &Options, head: &Head, caller: &Caller) -> Option<String> {
        let has = header::values(&head.section, "From").next().is_some();
        let own = Some(caller.full_name.as_str()).filter(|_| options.sender.is_none());
        let name = options.full_name.as_deref().or(own).unwrap_or_default();
        let name: String = name.chars().filter(|c| !c.is_control()).collect();
        let sender = match self.sender.as_str() {
            "" => caller.name.as_str(),
            sender => sender,
        };
        (!has).then(|| match name.trim() {
            "" => format!("From: {sender}\r\n"),
            name => format!("From: {} <{sender}>\r\n", quoted(name)),
        })
    }
}

/// What a message that is sent again says of itself comes before what it said at first (RFC 5322 §3.6.6).
fn to_fields(section: &[u8]) -> Vec<&[u8]> {
    let named = |names: [&str; 3]| -> Vec<&[u8]> {
        header::fields(section)
            .filter(|field| names.iter().any(|name| field.is(name)))
            .map(|field| field.value)
            .collect()
    };
    match named(["Resent-To", "Resent-Cc", "Resent-Bcc"]) {
        resent if !resent.is_empty() => resent,
        _ => named(["To", "Cc", "Bcc"]),
    }
}

/// The addresses of a list, each as an envelope can have it. What the reader of lists forgives, an envelope does not.
fn listed(list: &[u8]) -> Result<Vec<String>, Failure> {
    let text = String::from_utf8_lossy(list);
    let text = text.trim();
    if !text.contains([',', '<', '(', ':', '"', '\n', ' ', ';']) {
        return if text.is_empty() {
            Ok(Vec::new())
        } else {
            Ok(vec![checked(text)?])
        };
    }
    let mut addresses = Vec::new();
    for mailbox in address_list::mailboxes(list) {
        let (local, domain) = (mailbox.local.as_slice(), mailbox.domain.as_slice());
        let written = match (local, domain) {
            // A name without a domain may have been taken for the name of a person.
            (b"", b"") => String::from_utf8_lossy(&mailbox.name).into_owned(),
            (local, b"") => String::from_utf8_lossy(local).into_owned(),
            // What had to be quoted and was not is two addresses run together, as in `a@b@c`.
            _ => match mailbox.address().map(|address| address.to_string()) {
                Some(address) if !address.starts_with('"') || text.contains('"') => address,
                _ => return Err(not_an_address(text)),
            },
        };
        addresses.push(checked(written.trim())?);
    }
    Ok(addresses)
}

/// An address, or a name that becomes one with a domain.
fn checked(text: &str) -> Result<String, Failure> {
    let whole = match text.contains('@') {
        true => text.to_owned(),
        false => format!("{text}@localhost"),
    };
    match Address::parse(&whole) {
        Ok(_) => Ok(text.to_owned()),
        Err(why) => Err(Failure::new(
            Exit::DataError,
            format!("\"{}\" is not a mail address: {why}", text.escape_debug()),
        )),
    }
}

fn not_an_address(text: &str) -> Failure {
    let message = format!(
        "\"{}\" is not a list of mail addresses",
        text.escape_debug()
    );
    Failure::new(Exit::DataError, message)
}

fn number_of_recipients(options: &Options, count: usize) -> Failure {
    let message = match (options.recipients_in, count) {
        (RecipientsIn::Header, 0) => {
            "the message has no To, Cc or Bcc with an address in it".into()
        }
        (RecipientsIn::Arguments, 0) => {
            "nobody to send to: name recipients, or give -t to take them from the header".into()
        }
        (_, count) => format!("{count} recipients are more than {MOST}"),
    };
    Failure::new(Exit::Usage, message)
}

fn quoted(name: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || " !#$%&'*+-/=?^_`{|}~".contains(c);
    match name.chars().all(plain) {
        true => name.to_owned(),
        false => format!("\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\"")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::options::{Wish, parse};
    use super::*;

    fn caller() -> Caller {
        Caller {
            name: "alice".into(),
            full_name: "Alice L.".into(),
        }
    }

    fn letter(line: &str, section: &str) -> Result<(Letter, Option<String>), Failure> {
        let Ok(Wish::Send(options)) = parse(line.split_whitespace().map(str::to_owned)) else {
            panic!("{line}")
        };
        let head = Head {
            section: section.as_bytes().to_vec(),
            body: Vec::new(),
        };
        let letter = Letter::new(&options, &head, &caller())?;
        let from = letter.from_field(&options, &head, &caller());
        Ok((letter, from))
    }

    /// A22, X16
    #[test]
    fn a22_recipients_of_the_header() {
        let section = "To: alice, \"B, C\" <bob@example.com>\r\nCc: team: x@y, z;\r\nBcc:\r\n secret@example.com\r\n";
        let (letter, from) = letter("-t extra", section).unwrap();
        assert_eq!(
            letter.recipients,
            [
                "alice",
                "bob@example.com",
                "extra",
                "secret@example.com",
                "x@y",
                "z"
            ]
        );
        assert_eq!(letter.sender, "alice");
        assert_eq!(from.unwrap(), "From: \"Alice L.\" <alice>\r\n");
        let qualified = letter.qualified("mx1.example.com");
        assert_eq!(qualified.sender, "alice@mx1.example.com");
        assert_eq!(qualified.recipients[2], "extra@mx1.example.com");
    }

    #[test]
    fn a_message_that_is_sent_again_goes_to_the_new_recipients() {
        let section = "To: old@x\r\nResent-To: new@x\r\nResent-Bcc: other@x\r\nFrom: y@z\r\n";
        let (letter, from) = letter("-t -f me@x", section).unwrap();
        assert_eq!(letter.recipients, ["new@x", "other@x"]);
        assert_eq!(from, None);
    }

    #[test]
    fn the_name_of_a_made_from_field() {
        let from = |line: &str| letter(line, "").unwrap().1.unwrap();
        assert_eq!(
            from("-FCronDaemon -f root x"),
            "From: CronDaemon <root>\r\n"
        );
        assert_eq!(from("-f root x"), "From: root\r\n");
        assert_eq!(from("-f <> x"), "From: alice\r\n");
    }

    /// What is no address is refused, never guessed at.
    #[test]
    fn a22_addresses_are_parsed_strictly() {
        for (line, section) in [
            ("a@b@c", ""),
            ("-t", "To: a@b@c\r\n"),
            ("-t", "To: x@y, a@b@c\r\n"),
            ("-t", "To: <a@b@c>\r\n"),
            ("a..b@c", ""),
            ("-f a@b@c x", ""),
            ("@", ""),
            ("a@", ""),
            ("a@b_c", ""),
        ] {
            let refused = letter(line, section);
            assert!(
                matches!(&refused, Err(why) if why.exit == Exit::DataError),
                "{line} {section}: {refused:?}"
            );
        }
        for (line, section) in [("", ""), ("-t", "Subject: x\r\n"), ("-t", "To: G:;\r\n")] {
            let refused = letter(line, section);
            assert!(
                matches!(&refused, Err(why) if why.exit == Exit::Usage),
                "{line} {section}: {refused:?}"
            );
        }
    }
}
