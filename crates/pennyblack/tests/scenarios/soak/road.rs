//! The ways a message comes in, and a sender on each: MX, submission (with a recipient elsewhere), LMTP, APPEND.

use crate::internet::plain;
use crate::trial::Trial;
use crate::wire::Wire;
use std::collections::BTreeMap;

pub(super) const ALICE: &str = "alice@example.test";
pub(super) const BOB: &str = "bob@example.test";
/// Lives on the pretend Internet, which takes everything for this address.
pub(super) const FRIEND: &str = "friend@elsewhere.test";

/// A way in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Road {
    Mx,
    Submission,
    Lmtp,
    Append,
}

/// What the server said about a message for one recipient.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It answered 250 or OK.
    Accepted,
    /// It answered 4xx, NO, or nothing any more: it may have the message.
    Unsure,
    /// It answered 5xx.
    Refused,
}

impl Road {
    /// The road of the n-th sender: of eight, four are other servers, two are users, one is a front end, one files mail.
    pub(super) fn of(sender: usize) -> Road {
        match sender % 8 {
            0..4 => Road::Mx,
            4 | 5 => Road::Submission,
            6 => Road::Lmtp,
            _ => Road::Append,
        }
    }

    fn listener(self) -> &'static str {
        match self {
            Road::Mx => "smtp",
            Road::Submission => "submission",
            Road::Lmtp => "lmtp",
            Road::Append => "imap",
        }
    }

    /// Who gets the messages that come this way.
    pub(super) fn recipients(self) -> &'static [&'static str] {
        match self {
            Road::Mx | Road::Lmtp => &[ALICE, BOB],
            Road::Submission => &[ALICE, BOB, FRIEND],
            Road::Append => &[ALICE],
        }
    }

    fn sender(self) -> &'static str {
        match self {
            Road::Mx | Road::Lmtp => "load@elsewhere.test",
            Road::Submission | Road::Append => ALICE,
        }
    }
}

/// Where a server is reached, for senders that outlive the borrow of it.
#[derive(Clone)]
pub(super) struct Doors {
    ports: BTreeMap<&'static str, u16>,
    password: String,
}

impl Doors {
    pub(super) fn of(trial: &Trial) -> Doors {
        let listeners = ["smtp", "submission", "lmtp", "imap"];
        Doors {
            ports: listeners.map(|name| (name, trial.port(name))).into(),
            password: trial.password(ALICE).to_string(),
        }
    }
}

/// A connection that is ready for messages.
pub(super) struct Sender {
    wire: Wire,
    road: Road,
}

impl Sender {
    /// `None`: nobody is there, or he does not want to talk.
    pub(super) fn open(road: Road, doors: &Doors) -> Option<Sender> {
        let mut wire = Wire::connect(doors.ports[road.listener()])?;
        wire.line()?;
        let login = plain(ALICE, &doors.password);
        let lines = match road {
            Road::Mx => vec!["EHLO load.example".to_string()],
            Road::Lmtp => vec!["LHLO load.example".to_string()],
            Road::Submission => vec![
                "EHLO load.example".to_string(),
                format!("AUTH PLAIN {login}"),
            ],
            Road::Append => vec![format!("a AUTHENTICATE PLAIN {login}")],
        };
        let mut sender = Sender { wire, road };
        lines.iter().try_for_each(|line| sender.command(line))?;
        Some(sender)
    }

    /// A command that has to succeed.
    fn command(&mut self, line: &str) -> Option<()> {
        self.wire.send(format!("{line}\r\n").as_bytes());
        match self.road {
            Road::Append => self
                .wire
                .tagged("a")
                .filter(|reply| reply.starts_with("a OK")),
            _ => self.wire.reply().filter(|reply| reply.starts_with('2')),
        }
        .map(drop)
    }

    /// Sends a message; what became of it for each recipient. `None`: it was never sent, and the connection is of no more use.
    pub(super) fn send(&mut self, number: u64) -> Option<Vec<(&'static str, Fate)>> {
        let text = text(self.road.sender(), number);
        let fates = match self.road {
            Road::Append => self.append(&text)?,
            _ => self.mail(&text)?,
        };
        Some(self.road.recipients().iter().copied().zip(fates).collect())
    }

    fn mail(&mut self, text: &str) -> Option<Vec<Fate>> {
        let recipients = self.road.recipients();
        let mut envelope = format!("MAIL FROM:<{}>\r\n", self.road.sender());
        recipients
            .iter()
            .for_each(|to| envelope += &format!("RCPT TO:<{to}>\r\n"));
        self.wire.send(format!("{envelope}DATA\r\n").as_bytes());
        for _ in 0..=recipients.len() {
            self.wire.reply().filter(|reply| reply.starts_with("250"))?;
        }
        self.wire.reply().filter(|reply| reply.starts_with("354"))?;
        self.wire.send(format!("{text}.\r\n").as_bytes());
        match self.road {
            Road::Lmtp => Some(
                recipients
                    .iter()
                    .map(|_| fate(self.wire.reply(), "250 ", "5"))
                    .collect(),
            ),
            _ => Some(vec![fate(self.wire.reply(), "250 ", "5"); recipients.len()]),
        }
    }

    fn append(&mut self, text: &str) -> Option<Vec<Fate>> {
        self.wire
            .send(format!("b APPEND INBOX {{{}}}\r\n", text.len()).as_bytes());
        self.wire.line().filter(|line| line.starts_with('+'))?;
        self.wire.send(format!("{text}\r\n").as_bytes());
        Some(vec![fate(self.wire.tagged("b"), "b OK", "b BAD")])
    }
}

fn fate(reply: Option<String>, accepted: &str, refused: &str) -> Fate {
    match reply {
        Some(reply) if reply.starts_with(accepted) => Fate::Accepted,
        Some(reply) if reply.starts_with(refused) => Fate::Refused,
        _ => Fate::Unsure,
    }
}

/// The subject of a message.
pub(super) fn subject(number: u64) -> String {
    format!("load-{number}")
}

/// About 2 KB; every fifteenth message has about 300 KB, which is kept as a file.
fn text(from: &str, number: u64) -> String {
    format!(
        "From: {from}\r\nSubject: {}\r\n\r\n{}",
        subject(number),
        body(number)
    )
}

/// Lines of noise, the same for the same number.
fn body(number: u64) -> String {
    let mut state = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut noise = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        format!("{state:016x} ")
    };
    (0..lines(number))
        .map(|_| noise() + &noise() + &noise() + &noise() + "\r\n")
        .collect()
}

fn lines(number: u64) -> usize {
    if number.is_multiple_of(15) { 4000 } else { 25 }
}

/// Octets of a message's body.
pub(super) fn body_size(number: u64) -> usize {
    const LINE: usize = 4 * 17 + 2;
    lines(number) * LINE
}

#[test]
fn the_size_of_a_body_is_known() {
    for number in [0, 1] {
        assert_eq!(body(number).len(), body_size(number));
    }
}
