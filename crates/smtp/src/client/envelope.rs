//! The envelope of a message that is sent, and its MAIL and RCPT commands with the parameters that the server understands
//! (RFC 1870 SIZE, RFC 6152 BODY, RFC 6531 SMTPUTF8, RFC 8689 REQUIRETLS, RFC 2852 BY, RFC 3461 RET, ENVID, NOTIFY, ORCPT).

use super::capabilities::Capabilities;
use super::failure::Incompatible;
use crate::xtext;

/// A message to send.
#[derive(Clone, Debug, Default)]
pub struct Envelope {
    /// `local@domain`, the local part without quotes; `None` is the null reverse-path.
    pub reverse_path: Option<String>,
    /// Whom it is for; at least one.
    pub recipients: Vec<Recipient>,
    /// Octets of the message.
    pub size: u64,
    /// It has octets above 127.
    pub eight_bit: bool,
    /// Its header section, or an address, is in UTF-8.
    pub smtputf8: bool,
    /// Only servers that protect it may have it (RFC 8689).
    pub requiretls: bool,
    /// When it shall be delivered.
    pub by: Option<DeliverBy>,
    /// RET, if the sender said so.
    pub ret: Option<Return>,
    /// ENVID, decoded.
    pub envid: Option<String>,
}

/// When a message shall be delivered at the latest (RFC 2852 §4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeliverBy {
    /// Seconds that are left; none, or less than none, only if it is not to be returned.
    pub seconds: i64,
    /// Then it is returned (`R`); otherwise its sender is told (`N`).
    pub or_return: bool,
    /// Each server on the way tells (`T`).
    pub trace: bool,
}

impl DeliverBy {
    /// Nine digits at most (RFC 2852 §4).
    const LARGEST: i64 = 999_999_999;

    /// The value of BY.
    fn parameter(self) -> String {
        let seconds = self.seconds.clamp(-Self::LARGEST, Self::LARGEST);
        let mode = if self.or_return { "R" } else { "N" };
        let trace = if self.trace { "T" } else { "" };
        format!("{seconds};{mode}{trace}")
    }

    /// RFC 2852 §4.1.4: who returns a message in time must know the time, and have enough of it.
    fn is_too_much_for(self, offered: &Capabilities) -> bool {
        let enough = |shortest: u32| self.seconds >= i64::from(shortest);
        self.or_return && !offered.deliver_by.is_some_and(enough)
    }
}

/// How much a failure notice shall return (RFC 3461 §4.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Return {
    /// The message.
    Full,
    /// Its header section.
    Headers,
}

/// A recipient.
#[derive(Clone, Debug, Default)]
pub struct Recipient {
    /// `local@domain`, the local part without quotes.
    pub address: String,
    /// ORCPT, decoded: `rfc822;local@domain`.
    pub orcpt: Option<String>,
    /// NOTIFY as written, e.g. `SUCCESS,FAILURE`.
    pub notify: Option<String>,
}

impl Envelope {
    /// Are all its addresses ASCII?
    pub fn is_ascii(&self) -> bool {
        let sender = self.reverse_path.as_deref().unwrap_or_default();
        sender.is_ascii() && self.recipients.iter().all(|one| one.address.is_ascii())
    }

    /// What the message needs and the server does not have.
    pub(super) fn incompatible(&self, offered: &Capabilities) -> Option<Incompatible> {
        if offered
            .size
            .is_some_and(|limit| limit.is_exceeded_by(self.size))
        {
            return Some(Incompatible::TooLarge);
        }
        if self.requiretls && !offered.requiretls {
            return Some(Incompatible::RequireTls);
        }
        if self.by.is_some_and(|by| by.is_too_much_for(offered)) {
            return Some(Incompatible::DeliverBy);
        }
        if self.smtputf8 && !offered.smtputf8 {
            return Some(Incompatible::SmtpUtf8);
        }
        if self.eight_bit && !offered.eight_bit_mime {
            return Some(Incompatible::EightBit);
        }
        None
    }

    /// The MAIL command without its CRLF.
    pub(super) fn mail(&self, offered: &Capabilities) -> Result<String, Incompatible> {
        let path = match &self.reverse_path {
            None => String::new(),
            Some(address) => path(address)?,
        };
        let mut line = format!("MAIL FROM:<{path}>");
        if offered.size.is_some() && self.size > 0 {
            line += &format!(" SIZE={}", self.size);
        }
        if self.eight_bit {
            line += " BODY=8BITMIME";
        }
        if self.smtputf8 {
            line += " SMTPUTF8";
        }
        if self.requiretls {
            line += " REQUIRETLS";
        }
        if let (Some(by), Some(_)) = (self.by, offered.deliver_by) {
            line += &format!(" BY={}", by.parameter());
        }
        if offered.dsn {
            line += &self.dsn_parameters();
        }
        Ok(line)
    }

    fn dsn_parameters(&self) -> String {
        let mut parameters = match self.ret {
            None => String::new(),
            Some(Return::Full) => " RET=FULL".to_string(),
            Some(Return::Headers) => " RET=HDRS".to_string(),
        };
        if let Some(envid) = &self.envid {
            parameters += &format!(" ENVID={}", xtext::encode(envid));
        }
        parameters
    }
}

impl Recipient {
    /// The RCPT command without its CRLF.
    pub(super) fn rcpt(&self, offered: &Capabilities) -> Result<String, Incompatible> {
        let mut line = format!("RCPT TO:<{}>", path(&self.address)?);
        if offered.dsn {
            if let Some(notify) = &self.notify {
                line += &format!(" NOTIFY={notify}");
            }
            if let Some((kind, address)) = self.orcpt.as_deref().and_then(|o| o.split_once(';')) {
                line += &format!(" ORCPT={kind};{}", xtext::encode(address));
            }
        }
        Ok(line)
    }
}

/// The address as it stands between angle brackets, its local part quoted where it must be. Whatever could end the command or
/// the path early is refused, wherever the address came from.
fn path(address: &str) -> Result<String, Incompatible> {
    let (local, domain) = address.rsplit_once('@').ok_or(Incompatible::Address)?;
    let unfit = |c: char| c.is_control() || c.is_whitespace() || matches!(c, '<' | '>');
    if local.is_empty() || domain.is_empty() || domain.contains(unfit) {
        return Err(Incompatible::Address);
    }
    if local.chars().any(char::is_control) {
        return Err(Incompatible::Address);
    }
    match is_dot_string(local) {
        true => Ok(address.to_string()),
        false => Ok(format!("{}@{domain}", quoted(local))),
    }
}

fn is_dot_string(local: &str) -> bool {
    local.split('.').all(|atom| {
        let fits = |c: char| {
            c.is_ascii_alphanumeric() || !c.is_ascii() || "!#$%&'*+-/=?^_`{|}~".contains(c)
        };
        !atom.is_empty() && atom.chars().all(fits)
    })
}

fn quoted(local: &str) -> String {
    let bare = local
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    match bare {
        Some(inside) if !inside.contains(['"', '\\']) => local.to_string(),
        _ => format!("\"{}\"", local.replace('\\', "\\\\").replace('"', "\\\"")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn all() -> Capabilities {
        Capabilities::parse(&["x", "SIZE", "8BITMIME", "SMTPUTF8", "DSN"].map(String::from))
    }

    /// RFC 3461 §10.
    #[test]
    fn rfc_3461_10_parameters() {
        let envelope = Envelope {
            reverse_path: Some("Alice@Example.ORG".into()),
            ret: Some(Return::Headers),
            envid: Some("QQ314159".into()),
            ..Envelope::default()
        };
        assert_eq!(
            envelope.mail(&all()).unwrap(),
            "MAIL FROM:<Alice@Example.ORG> RET=HDRS ENVID=QQ314159"
        );
        let recipient = Recipient {
            address: "Bob@Example.COM".into(),
            orcpt: Some("rfc822;Bob+x@Example.COM".into()),
            notify: Some("SUCCESS".into()),
        };
        assert_eq!(
            recipient.rcpt(&all()).unwrap(),
            "RCPT TO:<Bob@Example.COM> NOTIFY=SUCCESS ORCPT=rfc822;Bob+2Bx@Example.COM"
        );
        assert_eq!(
            recipient.rcpt(&Capabilities::default()).unwrap(),
            "RCPT TO:<Bob@Example.COM>"
        );
    }

    #[test]
    fn local_parts_are_quoted_where_they_must_be() {
        assert_eq!(path("a.b+c@x.example").unwrap(), "a.b+c@x.example");
        assert_eq!(
            path("john doe@x.example").unwrap(),
            "\"john doe\"@x.example"
        );
        assert_eq!(
            path("a\"b\\@x.example").unwrap(),
            "\"a\\\"b\\\\\"@x.example"
        );
        assert_eq!(path("\"a b\"@x.example").unwrap(), "\"a b\"@x.example");
        assert_eq!(path("a..b@x.example").unwrap(), "\"a..b\"@x.example");
        assert_eq!(path("jörg@x.example").unwrap(), "jörg@x.example");
    }

    #[test]
    fn no_address_can_end_the_command() {
        for bad in [
            "a\r\nRSET@x",
            "a@x>\r\nRSET",
            "a@x y",
            "a",
            "@x",
            "a@",
            "a@x> NOTIFY=NEVER",
        ] {
            assert!(path(bad).is_err(), "{bad:?}");
        }
    }

    /// RFC 8689 §4.2.1.
    #[test]
    fn rfc_8689_requiretls() {
        let envelope = Envelope {
            requiretls: true,
            ..Envelope::default()
        };
        assert_eq!(
            envelope.incompatible(&all()),
            Some(Incompatible::RequireTls)
        );
        let offered = Capabilities::parse(&["x", "RequireTLS"].map(String::from));
        assert_eq!(envelope.incompatible(&offered), None);
        assert_eq!(envelope.mail(&offered).unwrap(), "MAIL FROM:<> REQUIRETLS");
    }

    /// RFC 2852 §4, §4.1.4.
    #[test]
    fn rfc_2852_4_deliver_by() {
        let by = |seconds, or_return, trace| Envelope {
            by: Some(DeliverBy {
                seconds,
                or_return,
                trace,
            }),
            ..Envelope::default()
        };
        let offers = |line: &str| Capabilities::parse(&["x".to_string(), line.to_string()]);
        let plain = offers("DELIVERBY");
        let mail = |envelope: &Envelope| envelope.mail(&plain).unwrap();
        assert_eq!(mail(&by(120, true, false)), "MAIL FROM:<> BY=120;R");
        assert_eq!(mail(&by(-12, false, true)), "MAIL FROM:<> BY=-12;NT");
        assert_eq!(
            mail(&by(i64::MAX, false, false)),
            "MAIL FROM:<> BY=999999999;N"
        );
        assert_eq!(
            by(1, false, true).mail(&Capabilities::default()).unwrap(),
            "MAIL FROM:<>"
        );
        let incompatible = |envelope: Envelope, offered| envelope.incompatible(offered);
        let short = offers("deliverby 240");
        for (seconds, or_return, offered, refused) in [
            (240, true, &short, false),
            (239, true, &short, true),
            (1, false, &short, false),
            (1, true, &plain, false),
            (9999, true, &Capabilities::default(), true),
            (9999, false, &Capabilities::default(), false),
        ] {
            let why = incompatible(by(seconds, or_return, false), offered);
            assert_eq!(why, refused.then_some(Incompatible::DeliverBy), "{seconds}");
        }
    }

    #[test]
    fn what_a_server_lacks() {
        let none = Capabilities::default();
        let needs = |eight_bit, smtputf8| Envelope {
            eight_bit,
            smtputf8,
            ..Envelope::default()
        };
        assert_eq!(
            needs(true, false).incompatible(&none),
            Some(Incompatible::EightBit)
        );
        assert_eq!(
            needs(true, true).incompatible(&none),
            Some(Incompatible::SmtpUtf8)
        );
        assert_eq!(needs(true, true).incompatible(&all()), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]
        #[test]
        fn a_command_is_one_line(local in "\\PC{0,6}[\r\n<> \"]{0,3}", domain in "[a-z.<> \r\n]{0,8}") {
            let recipient = Recipient { address: format!("{local}@{domain}"), ..Recipient::default() };
            if let Ok(line) = recipient.rcpt(&all()) {
                prop_assert!(!line.contains(['\r', '\n']));
            }
        }
    }
}
