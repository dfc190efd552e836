//! What refusals of other servers mean (U37): a table of recorded ones ([`table`]), each with its cause, and for each cause what the sender
//! and the administrator can do, and whether more mail to that provider would only be refused too.
//!
//! A line of the table is recognised by the words that a provider uses and nobody else does. A text that no line knows has no meaning here:
//! better no advice than a wrong one.

mod table;

use std::time::Duration;

/// Characters of a reply that are looked at.
const LONGEST: usize = 4000;

/// A refusal that is known.
#[derive(Clone, Copy, Debug)]
pub struct Refusal {
    /// Names it, for lists and tests.
    pub id: &'static str,
    /// Who says so.
    pub provider: &'static str,
    /// All of these stand in the reply, whatever their case.
    words: &'static [&'static str],
    /// None of these does.
    without: &'static [&'static str],
    /// Why it was refused.
    pub cause: Cause,
    /// Where the administrator can read or do something about it; empty: nowhere.
    pub link: &'static str,
    /// Recorded replies, as they came.
    pub recorded: &'static [&'static str],
}

/// Why mail was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cause {
    /// Our address stands on a list of senders of spam.
    AddressListed,
    /// The network around our address does.
    NetworkListed,
    /// Our address belongs to those that are not meant to send mail.
    DynamicAddress,
    /// Our address, or domain, has a bad name with the provider.
    PoorReputation,
    /// The provider does not know us, and wants to be written to first.
    UnknownServer,
    /// Too much mail for the provider, in too short a time.
    RateLimited,
    /// Our address has no name in DNS, or one that does not lead back.
    NoReverseDns,
    /// Neither SPF nor DKIM proves the sender.
    Unauthenticated,
    /// The sender's domain demands by DMARC that this is refused.
    Dmarc,
    /// The connection was not encrypted.
    NoTls,
    /// A domain in the message stands on a list.
    DomainListed,
    /// The message looks like spam.
    LooksLikeSpam,
    /// An attachment or link is of a kind that is not taken.
    DangerousContent,
    /// The message is not built as it must be.
    Malformed,
    /// The recipient, or the administrator there, has blocked the sender.
    SenderBlocked,
    /// Nobody has this address.
    NoSuchUser,
    /// The mailbox is not in use any more.
    MailboxOff,
    /// The mailbox is full.
    MailboxFull,
    /// The mailbox gets more than it takes.
    RecipientBusy,
    /// We are asked to come again in a while.
    Greylisted,
    /// The smarthost takes no more from us.
    OwnQuota,
    /// Something is wrong on the other side.
    TheirTrouble,
}

impl Cause {
    /// Its name in lists, the log and metrics.
    pub fn name(self) -> &'static str {
        match self {
            Cause::AddressListed => "address-listed",
            Cause::NetworkListed => "network-listed",
            Cause::DynamicAddress => "dynamic-address",
            Cause::PoorReputation => "poor-reputation",
            Cause::UnknownServer => "unknown-server",
            Cause::RateLimited => "rate-limited",
            Cause::NoReverseDns => "no-reverse-dns",
            Cause::Unauthenticated => "unauthenticated",
            Cause::Dmarc => "dmarc",
            Cause::NoTls => "no-tls",
            Cause::DomainListed => "domain-listed",
            Cause::LooksLikeSpam => "looks-like-spam",
            Cause::DangerousContent => "dangerous-content",
            Cause::Malformed => "malformed",
            Cause::SenderBlocked => "sender-blocked",
            Cause::NoSuchUser => "no-such-user",
            Cause::MailboxOff => "mailbox-off",
            Cause::MailboxFull => "mailbox-full",
            Cause::RecipientBusy => "recipient-busy",
            Cause::Greylisted => "greylisted",
            Cause::OwnQuota => "own-quota",
            Cause::TheirTrouble => "their-trouble",
        }
    }

    /// Is it the administrator's to mend, rather than the sender's or the recipient's?
    pub fn concerns_admin(self) -> bool {
        let by_dns = matches!(
            self,
            Cause::Unauthenticated | Cause::Dmarc | Cause::NoTls | Cause::DomainListed
        );
        by_dns || self.pause().is_some()
    }

    /// One sentence for the sender, who knows nothing of mail servers: what happened. `%s` is the recipient's domain.
    fn what(self) -> &'static str {
        match self {
            Cause::AddressListed | Cause::NetworkListed | Cause::PoorReputation => {
                "%s takes no mail from our mail server at present, because it mistrusts the place where the server stands; that is not about you, your message or the recipient."
            }
            Cause::DynamicAddress => {
                "%s takes no mail from our mail server, because its network address belongs to a kind of connection that is not meant for mail servers."
            }
            Cause::UnknownServer => {
                "%s takes mail only from mail servers that it knows, and does not know ours yet."
            }
            Cause::RateLimited => {
                "%s has got as much mail from our mail server as it takes in a while."
            }
            Cause::NoReverseDns => {
                "%s takes no mail from our mail server, because the server's entry in the public directory of names is missing or wrong."
            }
            Cause::Unauthenticated => {
                "%s could not verify that your message really comes from your domain."
            }
            Cause::Dmarc => {
                "The domain you write from asks others to refuse mail that does not come from its own servers, and %s did so."
            }
            Cause::NoTls => "%s takes mail only over an encrypted connection.",
            Cause::DomainListed => {
                "A web or mail address in your message belongs to a domain with a bad name, and %s refuses mail with it."
            }
            Cause::LooksLikeSpam => {
                "To %s your message looks like advertising that nobody asked for."
            }
            Cause::DangerousContent => {
                "%s takes no messages with attachments or links of a kind that yours has."
            }
            Cause::Malformed => {
                "%s says that the message is not written in the form that mail has to have."
            }
            Cause::SenderBlocked => {
                "The recipient, or the administrator at %s, does not want mail from your address."
            }
            Cause::NoSuchUser => "There is no such address at %s.",
            Cause::MailboxOff => "This mailbox at %s is not in use any more.",
            Cause::MailboxFull => "The recipient's mailbox at %s is full.",
            Cause::RecipientBusy => {
                "The recipient at %s gets more mail at present than the mailbox takes."
            }
            Cause::Greylisted => {
                "%s asks mail servers that it does not know to come again a little later."
            }
            Cause::OwnQuota => "The service that sends on our mail takes no more of it at present.",
            Cause::TheirTrouble => "The mail server of %s has a fault of its own.",
        }
    }

    /// What the sender can do.
    fn advice(self) -> &'static str {
        match self {
            Cause::AddressListed
            | Cause::NetworkListed
            | Cause::DynamicAddress
            | Cause::PoorReputation
            | Cause::UnknownServer
            | Cause::NoReverseDns => {
                "Your administrator can mend this; until then, reach the recipient in another way."
            }
            Cause::RateLimited | Cause::Greylisted | Cause::RecipientBusy | Cause::TheirTrouble => {
                "Wait a while before you send it again."
            }
            Cause::OwnQuota | Cause::NoTls => "Ask your administrator.",
            Cause::Unauthenticated | Cause::Dmarc => {
                "Send with the mail server of your own address; if you did, tell your administrator."
            }
            Cause::DomainListed => "Leave out links, and check what your signature links to.",
            Cause::LooksLikeSpam => {
                "Write it in other words, with fewer links and without large pictures, or ask the recipient to add you to the address book."
            }
            Cause::DangerousContent => {
                "Put the file somewhere else and send a link, or leave the link out."
            }
            Cause::Malformed => "Use another mail program, or tell your administrator.",
            Cause::SenderBlocked => "Ask the recipient in another way to allow your address.",
            Cause::NoSuchUser => "Look for a typing error.",
            Cause::MailboxOff => "Ask the recipient for a new address.",
            Cause::MailboxFull => "Send it again when the recipient has made room.",
        }
    }

    /// The next step for the administrator.
    pub fn for_admin(self) -> &'static str {
        match self {
            Cause::AddressListed => {
                "Find out why the address is listed (an account that sends spam, an open web form), mend that, then ask for removal. Until then another route helps."
            }
            Cause::NetworkListed => {
                "The network of your provider is listed, not your address alone: ask the provider to act, or for an address elsewhere. Until then send by a relay."
            }
            Cause::DynamicAddress => {
                "Ask your provider for an address that is meant for servers, or have the list know that yours is one; else send by a relay."
            }
            Cause::PoorReputation => {
                "A good name grows with little, wanted mail over weeks. Look at who sends what (`pennyblack account limit`), join the provider's feedback programme, and send less at a time (`relay.ramp_up`)."
            }
            Cause::UnknownServer => {
                "Write to the provider's postmaster from another address, naming your server and its address; the answer usually comes within a day."
            }
            Cause::RateLimited => {
                "Nothing needs to be done if it is rare. Else lower `relay.per_domain`, or turn on `relay.ramp_up` for a new address."
            }
            Cause::NoReverseDns => {
                "Have your provider set the reverse DNS entry of the address to the server's host name, which must lead back to the address."
            }
            Cause::Unauthenticated => {
                "Publish SPF and DKIM of the sender's domain: `pennyblack dkim show DOMAIN` says what is missing."
            }
            Cause::Dmarc => {
                "The sender's domain publishes a DMARC policy, and neither SPF nor DKIM passes for it: `pennyblack auth dmarc DOMAIN` and `pennyblack dkim show DOMAIN` show them."
            }
            Cause::NoTls => {
                "Do not forbid TLS in the route to this provider (`no-tls`, `smtp+notls`)."
            }
            Cause::DomainListed => {
                "Look the domains of the message up at the list, and ask for removal of yours if it is among them."
            }
            Cause::OwnQuota => {
                "Wait until the limit of the smarthost allows more, or use a second route."
            }
            Cause::LooksLikeSpam
            | Cause::DangerousContent
            | Cause::Malformed
            | Cause::SenderBlocked => "Nothing, as long as it is single messages.",
            Cause::NoSuchUser
            | Cause::MailboxOff
            | Cause::MailboxFull
            | Cause::RecipientBusy
            | Cause::Greylisted
            | Cause::TheirTrouble => "Nothing.",
        }
    }

    /// How long more mail to the provider from the same address is kept back: it would only be refused too.
    pub fn pause(self) -> Option<Duration> {
        const HOUR: u64 = 3600;
        let seconds = match self {
            Cause::AddressListed
            | Cause::NetworkListed
            | Cause::DynamicAddress
            | Cause::UnknownServer
            | Cause::NoReverseDns => 4 * HOUR,
            Cause::PoorReputation => 2 * HOUR,
            Cause::RateLimited | Cause::OwnQuota => HOUR,
            _ => return None,
        };
        Some(Duration::from_secs(seconds))
    }
}

impl Refusal {
    /// For the sender: what happened and what to do, about a recipient in this domain.
    pub fn for_sender(&self, domain: &str) -> String {
        let domain = match domain {
            "" => self.provider,
            domain => domain,
        };
        format!("{} {}", self.what_happened(domain), self.cause.advice())
    }

    /// For the sender: what happened.
    pub fn what_happened(&self, domain: &str) -> String {
        self.cause.what().replacen("%s", domain, 1)
    }

    fn says(&self, text: &str) -> bool {
        let stands = |word: &&str| text.contains(&word.to_lowercase());
        self.words.iter().all(stands) && !self.without.iter().any(stands)
    }
}

/// What a reply means: its code, enhanced code and text, as they came. `None`: nobody knows.
pub fn meaning(reply: &str) -> Option<&'static Refusal> {
    let text = normal(reply);
    table::all().find(|refusal| refusal.says(&text))
}

/// All that are known.
pub fn known() -> impl Iterator<Item = &'static Refusal> {
    table::all()
}

/// Lower case, in one line; of a reply of several lines without the codes that each line repeats.
fn normal(reply: &str) -> String {
    let reply: String = reply.chars().take(LONGEST).collect();
    let (mut text, mut enhanced) = (String::new(), None);
    for word in reply.split_whitespace() {
        let word = match (word.get(..3), word.get(3..)) {
            (Some(code), Some(rest)) if is_number(code) && rest.starts_with('-') => &rest[1..],
            _ => word,
        };
        let repeated =
            is_enhanced(word) && *enhanced.get_or_insert(word) == word && !text.is_empty();
        if word.is_empty() || (repeated && text.contains(word)) {
            continue;
        }
        if !text.is_empty() {
            text.push(' ');
        }
        text += &word.to_lowercase();
    }
    text
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|octet| octet.is_ascii_digit())
}

/// `5.7.26`
fn is_enhanced(word: &str) -> bool {
    let mut parts = word.split('.');
    parts.clone().count() == 3 && parts.all(is_number)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// U37: each recorded reply is known as what it is, and no other line of the table takes it for its own.
    #[test]
    fn u37_recorded_replies() {
        let mut faults = Vec::new();
        for refusal in known() {
            for recorded in refusal.recorded {
                let text = normal(recorded);
                let found: Vec<&str> = known()
                    .filter(|one| one.says(&text))
                    .map(|one| one.id)
                    .collect();
                if found != [refusal.id] {
                    faults.push(format!("{}: {found:?} for {recorded}", refusal.id));
                }
            }
        }
        assert_eq!(faults, Vec::<String>::new());
    }

    /// U37: at least 60 of them, each with a name of its own, a recorded reply, and words that are its own.
    #[test]
    fn u37_the_table_is_whole() {
        let ids: std::collections::HashSet<&str> = known().map(|one| one.id).collect();
        assert_eq!(ids.len(), known().count());
        assert!(ids.len() >= 60, "{}", ids.len());
        for refusal in known() {
            assert!(
                !refusal.recorded.is_empty() && !refusal.words.is_empty(),
                "{}",
                refusal.id
            );
            let sentence = refusal.for_sender("there.example");
            assert!(
                !sentence.contains('%') && sentence.len() < 300,
                "{sentence}"
            );
        }
    }

    /// Replies that say nothing in particular have no meaning.
    #[test]
    fn u37_others_are_left_alone() {
        for text in [
            "550 5.1.1 There is no user of this name here",
            "451 4.3.0 Temporary lookup failure",
            "554 5.7.1 Relay access denied",
            "250 2.0.0 Ok: queued as 4F1A2",
            "421 4.3.2 Service shutting down",
            "550 Message content rejected",
            "452 4.2.2 The mailbox is full",
            "",
            "Gmail Outlook Spamhaus",
        ] {
            assert!(meaning(text).is_none(), "{text}: {:?}", meaning(text));
        }
        assert!(meaning(&"x".repeat(1 << 20)).is_none());
    }

    /// Replies of several lines come joined by blanks or by line ends, with or without their codes.
    #[test]
    fn u37_forms_of_the_same_reply() {
        for text in [
            "550 5.7.26 This mail has been blocked because the sender is unauthenticated. Gmail requires all senders to authenticate",
            "550-5.7.26 This mail has been blocked because the sender is\r\n550-5.7.26 unauthenticated. Gmail requires all senders",
        ] {
            assert_eq!(
                meaning(text).map(|one| one.id),
                Some("gmail-unauthenticated"),
                "{text}"
            );
        }
        let found = meaning("550 5.7.1 Unfortunately, messages from [192.0.2.1] weren't sent. Please contact your Internet service provider since part of their network is on our block list (S3140).").unwrap();
        assert_eq!(
            (found.provider, found.cause),
            ("Microsoft", Cause::NetworkListed)
        );
        assert!(
            found
                .for_sender("hotmail.com")
                .starts_with("hotmail.com takes no mail from our mail server at present")
        );
        assert!(found.cause.pause().is_some());
    }
}
