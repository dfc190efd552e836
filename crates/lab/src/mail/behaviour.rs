//! What the local part of a recipient makes a mail host do.

/// Named by a local part; an address with any other local part is simply delivered to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Behaviour {
    /// `bounce`: no such user (550 5.1.1).
    Bounce,
    /// `greylist`: 451 the first time a sender tries, accepted from then on.
    Greylist,
    /// `slow`: the reply to RCPT comes octet by octet.
    Slow,
    /// `full`: the mailbox is full (452 4.2.2), always.
    Full,
    /// `tempfail`: something is wrong over there (451 4.3.0), always.
    Tempfail,
    /// `tempfail-mail` as a **sender**: MAIL is refused for now. As a recipient like `tempfail`.
    TempfailMail,
    /// `gmail-5.7.26`: refused after DATA, for want of authentication, in five lines.
    Gmail,
    /// `outlook-s3140`: refused because the network is on a block list.
    Outlook,
    /// `spam`: refused after DATA because of its content.
    Spam,
    /// `no-starttls`: sent on to the host that has no STARTTLS.
    NoStarttls,
    /// `bad-tls`: sent on to the host whose STARTTLS is broken.
    BadTls,
    /// `drop`: the first time, the connection dies after the end of the message, before the reply. The message is lost.
    Drop,
    /// `doubt`: the first time, the message is kept, and the connection dies before the reply.
    Doubt,
    /// `late`: the connection dies right after the reply.
    Late,
}

impl Behaviour {
    /// All, with the local part that names them.
    pub const ALL: [(&'static str, Behaviour); 14] = [
        ("bounce", Behaviour::Bounce),
        ("greylist", Behaviour::Greylist),
        ("slow", Behaviour::Slow),
        ("full", Behaviour::Full),
        ("tempfail", Behaviour::Tempfail),
        ("tempfail-mail", Behaviour::TempfailMail),
        ("gmail-5.7.26", Behaviour::Gmail),
        ("outlook-s3140", Behaviour::Outlook),
        ("spam", Behaviour::Spam),
        ("no-starttls", Behaviour::NoStarttls),
        ("bad-tls", Behaviour::BadTls),
        ("drop", Behaviour::Drop),
        ("doubt", Behaviour::Doubt),
        ("late", Behaviour::Late),
    ];

    /// The behaviour of an address; a subaddress (`bounce+1`) makes another sender–recipient pair of the same behaviour.
    pub fn of(address: &str) -> Option<Behaviour> {
        let local = address.rsplit_once('@').map_or(address, |(local, _)| local);
        let name = local.split('+').next().unwrap_or(local);
        Behaviour::ALL
            .iter()
            .find(|(named, _)| named.eq_ignore_ascii_case(name))
            .map(|(_, behaviour)| *behaviour)
    }

    /// A refusal in reply to RCPT, whatever came before.
    pub(super) fn refuses_rcpt(self) -> Option<&'static str> {
        Some(match self {
            Behaviour::Bounce => "550 5.1.1 There is no user of this name here",
            Behaviour::Full => "452 4.2.2 The mailbox is full, try again later",
            Behaviour::Tempfail | Behaviour::TempfailMail => {
                "451 4.3.0 Our mail system has a problem, try again later"
            }
            Behaviour::Outlook => concat!(
                "550 5.7.1 Messages from your address are not accepted, because part of your network is on our block list ",
                "(S3140). See http://mail.example/postmaster/troubleshooting"
            ),
            _ => return None,
        })
    }

    /// A refusal in reply to the end of the message.
    pub(super) fn refuses_data(self) -> Option<&'static str> {
        Some(match self {
            Behaviour::Gmail => concat!(
                "550-5.7.26 Your message was blocked because its sender is not authenticated.\r\n",
                "550-5.7.26 The sender has to authenticate with SPF or DKIM.\r\n",
                "550-5.7.26 DKIM = did not pass\r\n",
                "550-5.7.26 SPF [example.test] with this address = did not pass\r\n",
                "550 5.7.26 See https://mail.example/answer/81126#authentication"
            ),
            Behaviour::Spam => "554 5.7.1 The message looks like spam",
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_in_addresses() {
        assert_eq!(Behaviour::of("Bounce@x.example"), Some(Behaviour::Bounce));
        assert_eq!(Behaviour::of("drop+17@x.example"), Some(Behaviour::Drop));
        assert_eq!(Behaviour::of("gmail-5.7.26@x"), Some(Behaviour::Gmail));
        assert_eq!(Behaviour::of("bouncer@x.example"), None);
    }
}
