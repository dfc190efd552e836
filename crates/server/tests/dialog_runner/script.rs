//! Reads a dialog file into steps. Does not know how a step is played.

use super::pattern::{LeadingStar, Pattern};
use server::listen::Kind;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

/// A dialog file, read.
#[derive(Debug)]
pub(crate) struct Script {
    /// Where each connection goes, by its number; 1 is the one without a number.
    pub(crate) listeners: BTreeMap<u8, Kind>,
    /// Lines of configuration in force for this dialog, `key = value`.
    pub(crate) settings: Vec<(String, String)>,
    /// Where clients come from, by connection; the others are on this machine.
    pub(crate) origins: BTreeMap<u8, IpAddr>,
    /// No look-up works.
    pub(crate) dns_down: bool,
    /// OAuth tokens are taken.
    pub(crate) tokens: bool,
    /// What happens.
    pub(crate) steps: Vec<Step>,
}

/// The `* ` that begins a line of IMAP is a star, not a wildcard.
fn star(listener: Kind) -> LeadingStar {
    match listener {
        Kind::Imap | Kind::Imaps => LeadingStar::Literal,
        _ => LeadingStar::Wildcard,
    }
}

/// One line of a dialog.
#[derive(Debug)]
pub(crate) struct Step {
    /// Its line number in the file, from 1.
    pub(crate) line: usize,
    /// Its connection.
    pub(crate) connection: u8,
    /// The line as written, for messages.
    pub(crate) text: String,
    /// What it asks for.
    pub(crate) act: Act,
}

/// What a step asks for.
#[derive(Debug)]
pub(crate) enum Act {
    Send(String),
    SendOctets(Octets),
    Expect(Pattern),
    SkipTo(Pattern),
    Handshake,
    Compress,
    ExpectClose,
    HangUp,
    Advance(Duration),
    Holds {
        address: String,
        mailbox: String,
        messages: u32,
    },
    Queued(usize),
    Ban(String),
    Trap(String),
}

/// Octets to send as they are.
pub(crate) type Octets = Vec<u8>;

impl Script {
    /// Reads a whole dialog; the error names the line.
    pub(crate) fn parse(text: &str) -> Result<Script, String> {
        let mut script = Script {
            listeners: BTreeMap::new(),
            settings: Vec::new(),
            origins: BTreeMap::new(),
            dns_down: false,
            tokens: false,
            steps: Vec::new(),
        };
        for (index, line) in text.lines().enumerate() {
            let at = index + 1;
            script
                .take(at, line)
                .map_err(|why| format!("line {at}: {why}: {line}"))?;
        }
        match script.listeners.contains_key(&1) {
            true => Ok(script),
            false => Err("it names no listener (`@ listener smtp`)".into()),
        }
    }

    fn take(&mut self, at: usize, line: &str) -> Result<(), String> {
        // Blanks at the end of what is sent can matter; elsewhere they are slips.
        if line.trim().is_empty() || line.starts_with('#') {
            return Ok(());
        }
        if let Some(directive) = line.strip_prefix('@') {
            return self.directive(directive.trim());
        }
        let (connection, rest) = connection(line)?;
        let act = self.act(connection, rest)?;
        self.steps.push(Step {
            line: at,
            connection,
            text: line.into(),
            act,
        });
        Ok(())
    }

    fn directive(&mut self, text: &str) -> Result<(), String> {
        let (connection, rest) = connection(text)?;
        if let Some(name) = rest.strip_prefix("listener ") {
            let listener = listener(name.trim())?;
            self.listeners.insert(connection, listener);
        } else if let Some(setting) = rest.strip_prefix("set ") {
            let (key, value) = setting.split_once('=').ok_or("not `key = value`")?;
            self.settings.push((key.trim().into(), value.trim().into()));
        } else if let Some(address) = rest.strip_prefix("from ") {
            let address = address.trim().parse().map_err(|_| "not an address")?;
            self.origins.insert(connection, address);
            let proxy = ("listen.smtp.proxies".into(), "[\"127.0.0.1\"]".into());
            if !self.settings.contains(&proxy) {
                self.settings.push(proxy);
            }
        } else if rest == "dns down" {
            self.dns_down = true;
        } else if rest == "tokens" {
            self.tokens = true;
        } else {
            return Err("no such directive".into());
        }
        Ok(())
    }

    /// The listener a connection goes to: its own, or that of the first.
    pub(crate) fn listener(&self, connection: u8) -> Kind {
        let own = self.listeners.get(&connection);
        *own.unwrap_or(&self.listeners[&1])
    }

    /// Where a connection comes from, if it comes through a proxy: all do if one does, from the place of the first by default.
    pub(crate) fn origin(&self, connection: u8) -> Option<IpAddr> {
        let own = self.origins.get(&connection);
        own.or_else(|| self.origins.get(&1)).copied()
    }

    fn act(&self, connection: u8, text: &str) -> Result<Act, String> {
        if !self.listeners.contains_key(&1) {
            return Err("`@ listener …` has to come first".into());
        }
        if let Some(command) = text.strip_prefix('!') {
            return special(command.trim());
        }
        let (kind, rest) = text.split_at_checked(2).ok_or("too short")?;
        let rest = rest.strip_prefix(' ').unwrap_or(rest);
        let star = star(self.listener(connection));
        match kind {
            "C:" => Ok(Act::Send(rest.into())),
            "C>" => Ok(Act::SendOctets(octets(rest)?)),
            "S:" => Ok(Act::Expect(Pattern::parse(rest, star)?)),
            "S*" => Ok(Act::SkipTo(Pattern::parse(rest, star)?)),
            _ => Err("begins with none of C: C> S: S* ! @ #".into()),
        }
    }
}

fn listener(name: &str) -> Result<Kind, String> {
    let found = Kind::ALL.into_iter().find(|kind| kind.name() == name);
    found.ok_or_else(|| "no such listener".into())
}

/// Splits off `[2] `.
fn connection(line: &str) -> Result<(u8, &str), String> {
    let Some(rest) = line.strip_prefix('[') else {
        return Ok((1, line));
    };
    let (number, rest) = rest.split_once(']').ok_or("`[` without `]`")?;
    let number = number.parse().map_err(|_| "not a connection number")?;
    Ok((number, rest.trim_start()))
}

fn special(command: &str) -> Result<Act, String> {
    let words: Vec<&str> = command.split_whitespace().collect();
    Ok(match words[..] {
        ["tls"] => Act::Handshake,
        ["compress"] => Act::Compress,
        ["close"] => Act::ExpectClose,
        ["hangup"] => Act::HangUp,
        ["advance", time] => Act::Advance(duration(time)?),
        ["ban", network] => Act::Ban(network.into()),
        ["trap", address] => Act::Trap(address.into()),
        ["queued", number] => Act::Queued(number.parse().map_err(|_| "not a number")?),
        ["holds", address, mailbox, number] => Act::Holds {
            address: address.into(),
            mailbox: mailbox.into(),
            messages: number.parse().map_err(|_| "not a number")?,
        },
        _ => return Err("no such action".into()),
    })
}

fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.find(|c: char| !c.is_ascii_digit());
    let (number, unit) = text.split_at(digits.ok_or("no unit")?);
    let number: u64 = number.parse().map_err(|_| "not a time")?;
    let seconds = match unit {
        "s" => 1,
        "min" => 60,
        "h" => 3600,
        "d" => 86400,
        _ => return Err("the unit is none of s, min, h, d".into()),
    };
    Ok(Duration::from_secs(number * seconds))
}

/// Quoted strings with escapes, each perhaps repeated: `"AUTH PLAIN " "A"*3000 "\r\n"`.
fn octets(text: &str) -> Result<Octets, String> {
    let mut out = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let body = rest.strip_prefix('"').ok_or("not a quoted string")?;
        let (piece, after) = quoted(body)?;
        let (times, after) = repetition(after)?;
        out.extend(piece.repeat(times));
        rest = after.trim_start();
    }
    Ok(out)
}

/// The octets up to the closing quote, and what is behind it.
fn quoted(text: &str) -> Result<(Octets, &str), String> {
    let mut out = Vec::new();
    let mut rest = text;
    loop {
        let c = rest.chars().next().ok_or("a quote is not closed")?;
        rest = &rest[c.len_utf8()..];
        match c {
            '"' => return Ok((out, rest)),
            '\\' => rest = escape(rest, &mut out)?,
            c => out.extend(c.encode_utf8(&mut [0; 4]).bytes()),
        }
    }
}

fn escape<'a>(text: &'a str, out: &mut Octets) -> Result<&'a str, String> {
    let c = text.chars().next().ok_or("a backslash at the end")?;
    let octet = match c {
        'r' => b'\r',
        'n' => b'\n',
        't' => b'\t',
        '0' => 0,
        '"' | '\\' => c as u8,
        'x' => {
            let hex = text.get(1..3).ok_or("\\x wants two digits")?;
            out.push(u8::from_str_radix(hex, 16).map_err(|_| "\\x wants two digits")?);
            return Ok(&text[3..]);
        }
        _ => return Err(format!("no escape \\{c}")),
    };
    out.push(octet);
    Ok(&text[1..])
}

fn repetition(text: &str) -> Result<(usize, &str), String> {
    let Some(rest) = text.strip_prefix('*') else {
        return Ok((1, text));
    };
    let end = rest
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(rest.len());
    let times = rest[..end].parse().map_err(|_| "`*` wants a number")?;
    Ok((times, &rest[end..]))
}

#[test]
fn octets_are_read_with_escapes_and_repetitions() {
    assert_eq!(octets(r#""a\x00\r\n" "b"*3"#).unwrap(), b"a\0\r\nbbb");
    assert_eq!(octets(r#""\"\\" "é""#).unwrap(), "\"\\é".as_bytes());
    assert!(octets(r#""open"#).is_err());
    assert!(octets(r#""a"*x"#).is_err());
}

#[test]
fn a_dialog_with_a_fault_names_its_line() {
    let faults = [
        ("C: HELO x\n", "line 1"),
        ("@ listener smtp\n!fly\n", "line 2"),
        ("@ listener attic\n", "no such listener"),
        ("# nothing\n", "names no listener"),
        ("@ listener smtp\nX: 1\n", "begins with none"),
        ("@ listener smtp\nS: {a:*\n", "closing brace"),
    ];
    for (text, expected) in faults {
        let error = Script::parse(text).unwrap_err();
        assert!(error.contains(expected), "{error}");
    }
}
