//! The words by which our refusals are known (V3): each reply of the journey that takes no mail ends in one, such as `(MAILBOX-FULL)`. They are
//! stable, so that people and programs can go by them. Of a message that had arrived, an id follows that leads to its record
//! ([`super::refused`]).
//!
//! Each is defined once; `docs/refusals.md` and `pennyblack explain refusal WORD` are made from it.

use serde::Serialize;
use std::fmt::Write as _;

/// A kind of refusal.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Code {
    /// How it is known.
    pub word: &'static str,
    /// What has happened.
    pub cause: &'static str,
    /// What the sender can do.
    pub sender: &'static str,
    /// What can be done here.
    pub here: &'static str,
}

macro_rules! codes {
    ($($name:ident $word:literal $cause:literal $sender:literal $here:literal;)+) => {
        $(pub(super) static $name: Code = Code { word: $word, cause: $cause, sender: $sender, here: $here };)+

        /// All of them.
        pub static ALL: &[&Code] = &[$(&$name),+];
    };
}

codes! {
    GREYLISTED "GREYLISTED"
        "The message is in doubt, nothing proves who its sender is, and he is met for the first time; who sends mail in bulk seldom comes again."
        "Nothing: mail servers try again by themselves. SPF or DKIM spares the wait."
        "`pennyblack greylist -a ADDRESS` lets a sender in at once; `gate.greylist` says who is asked at all ([gate.md](gate.md)).";
    SPAM_SCORE "SPAM-SCORE"
        "The sum of what speaks against the message reaches the threshold of refusal."
        "Tell the recipient by other means, with the number behind the word."
        "`pennyblack explain refusal NUMBER` shows each reason with its weight; `spam.allow`, or `pennyblack spam account ADDRESS --allow SENDER`, lets a sender pass ([spam.md](spam.md)).";
    SENDER_DENIED "SENDER-DENIED"
        "The sender stands on the list of those whose mail is refused, of the server or of the recipient."
        "Ask the recipient by other means."
        "`pennyblack explain refusal NUMBER` names the entry; it stands in `spam.deny`, or is seen with `pennyblack spam account ADDRESS`.";
    VIRUS "VIRUS"
        "ClamAV has found a virus, whose name stands in the reply."
        "Look for it on the computer that the message was written on; where it is none, send the file in another form."
        "Report a false alarm to ClamAV; `spam.weights = [\"VIRUS 0\"]` refuses nothing because of it.";
    DMARC_REJECT "DMARC-REJECT"
        "Neither SPF nor DKIM proves that the message is of the domain in its From field, and the owner of that domain wants such mail refused."
        "Send through a server of that domain. If you did, its postmaster must repair its SPF record or signatures."
        "Where a mailing list or a forwarder is meant, add its domain to `authentication.forwarders` or `trusted_sealers` ([authentication.md](authentication.md)).";
    NOT_JUDGED "NOT-JUDGED"
        "The filter, or a scanner that it asks, does not work at present, and `spam.failure` has mail wait for it."
        "Nothing: mail servers try again by themselves."
        "The log names what has failed. `spam.failure = \"accept\"` judges mail by what else is known.";
    SENDER_BANNED "SENDER-BANNED"
        "The administrator has banned this envelope sender, or its domain."
        "The postmaster of the sender may ask ours to change that."
        "`pennyblack ban list` shows it, `pennyblack ban remove` lifts it.";
    SENDER_IS_OURS "SENDER-IS-OURS"
        "The envelope sender is of a domain hosted here, but the client is not known to be allowed to use it."
        "Users of the domain send by logging in on port 465 or 587."
        "Name a server that may send for the domain in its SPF record, or in `gate.relays`; `gate.own_domains` is the switch ([gate.md](gate.md)).";
    SENDER_NOT_CHECKED "SENDER-NOT-CHECKED"
        "The envelope sender is of a domain hosted here, and DNS did not tell whether the client may use it."
        "Nothing: mail servers try again by themselves."
        "`pennyblack check` shows whether DNS answers.";
    NO_SUCH_ADDRESS "NO-SUCH-ADDRESS"
        "There is no account, alias or catch-all for the recipient."
        "Look for a slip in the address."
        "`pennyblack explain address ADDRESS` shows where mail for it would go.";
    ADDRESS_OFF "ADDRESS-OFF"
        "The account of the recipient takes no mail at present."
        "Ask the recipient for another address."
        "`pennyblack account enable ADDRESS`.";
    DOMAIN_OFF "DOMAIN-OFF"
        "The domain of the recipient is hosted here, and switched off."
        "Ask the recipient for another address."
        "`pennyblack domain list` shows it.";
    ALIAS_WRONG "ALIAS-WRONG"
        "The recipient is an alias that leads in a circle, too far, or to too many addresses."
        "Tell the postmaster of the recipient."
        "`pennyblack explain address ADDRESS` shows each step.";
    RELAY_DENIED "RELAY-DENIED"
        "The recipient is not of a domain hosted here, and the client has not logged in: this server passes on mail of its own users alone."
        "Users log in on port 465 or 587; for others, the mail exchanger of the recipient's domain is elsewhere."
        "If the domain should be hosted here, `pennyblack domain add DOMAIN`.";
    BOUNCE_NOT_OURS "BOUNCE-NOT-OURS"
        "The recipient looks like a sender that this server writes into mail which it forwards, and is none, or is too old."
        "Nothing: the message that bounces was not sent through here, or long ago."
        "Nothing.";
    MAILBOX_FULL "MAILBOX-FULL"
        "The mailbox of the recipient is over its quota."
        "Nothing: mail servers try again by themselves for some days."
        "`pennyblack account quota ADDRESS` shows its quota and changes it ([quota.md](quota.md)).";
    QUOTA_TOO_SMALL "QUOTA-TOO-SMALL"
        "The message is larger than the whole quota of the recipient."
        "Send it in parts, or a link to it."
        "`pennyblack account quota ADDRESS SIZE` gives a larger one ([quota.md](quota.md)).";
    MESSAGE_TOO_BIG "MESSAGE-TOO-BIG"
        "The message is larger than this server takes."
        "Send it in parts, or a link to it."
        "`limits.message_size`.";
    HEADER_TOO_BIG "HEADER-TOO-BIG"
        "The header section of the message is larger than this server takes."
        "Write to fewer recipients at a time."
        "`limits.header_size`.";
    MAIL_LOOP "MAIL-LOOP"
        "The message has passed so many servers that it must be going in circles between them."
        "The postmasters of the servers in its `Received` fields must find who sends it back."
        "`limits.hops`; look for an alias or a forward that leads back here.";
    TOO_MANY_RECIPIENTS "TOO-MANY-RECIPIENTS"
        "The message has more recipients than are taken at a time."
        "Nothing: mail servers send it to the rest in another transaction."
        "`limits.recipients`.";
    ONE_AT_A_TIME "ONE-AT-A-TIME"
        "SMTP has one reply for all recipients, and one of them may refuse the message by a rule of their own."
        "Nothing: mail servers send it to the rest in another transaction."
        "Nothing.";
    RULES_DIFFER "RULES-DIFFER"
        "The rules of some recipients changed while the message was on its way."
        "Nothing: mail servers try again by themselves."
        "Nothing.";
    RECIPIENT_RULE "RECIPIENT-RULE"
        "A Sieve script of the recipient refuses the message; the words of the reply are the recipient's."
        "Ask the recipient by other means."
        "`pennyblack sieve` shows the script ([sieve-in-the-server.md](sieve-in-the-server.md)).";
    RULES_NOT_ASKED "RULES-NOT-ASKED"
        "What a Sieve script of the recipient wants to know could not be looked up at present."
        "Nothing: mail servers try again by themselves."
        "The log says what has failed.";
    NOT_YOUR_SENDER "NOT-YOUR-SENDER"
        "Whoever has logged in, or the program on this machine, may not send in the name of this address."
        "Use an address of your own, or ask for an alias that leads to it."
        "An alias that leads to the account allows its address; for programs, `local.trusted` ([sending.md](sending.md), [local-mail.md](local-mail.md)).";
    SENT_TOO_MUCH "SENT-TOO-MUCH"
        "The account has sent as much as it may in this time."
        "Send the message again at the time that the reply names."
        "`pennyblack account limit ADDRESS` shows what it sent and changes what it may send ([brake.md](brake.md)).";
    ACCOUNT_LOCKED "ACCOUNT-LOCKED"
        "The account may not send, since what it sent looked like the work of a thief of its password."
        "Ask the administrator."
        "Change its password, then `pennyblack account enable ADDRESS` ([brake.md](brake.md)).";
    DISK_FULL "DISK-FULL"
        "There is no room on the disk of this server."
        "Nothing: mail servers try again by themselves."
        "Make room; `pennyblack health` shows how much there is.";
    STORE_AWAY "STORE-AWAY"
        "This server cannot reach its mail store at present."
        "Nothing: mail servers try again by themselves."
        "The log says why; `pennyblack check store` looks at it.";
    SET_UP_WRONG "SET-UP-WRONG"
        "Mail for postmaster leads nowhere, since the settings name a domain that is none."
        "Write to postmaster with the domain behind it."
        "`pennyblack config test` names the line.";
}

/// The one that is known by this word, whatever its case.
pub fn of(word: &str) -> Option<&'static Code> {
    let mut all = ALL.iter();
    all.find(|code| code.word.eq_ignore_ascii_case(word))
        .copied()
}

/// The page `docs/refusals.md`.
pub fn markdown() -> String {
    let mut text = String::from(
        "# What a refusal means\n\nWhere this server does not take a message, its reply ends in a word that stays the same over all versions, such as `(MAILBOX-FULL)`. If the\n\
         message had arrived by then, a number follows that cannot be guessed, such as `(SPAM-SCORE 8a1f04cc6e7d2b90)`: whoever runs the server finds\n\
         with it what the message was, who sent it, and every reason ([spam.md](spam.md)). A sender reads both in the notice that his own server writes.\n\n\
         \x20   pennyblack explain refusal MAILBOX-FULL        what is said below\n\
         \x20   pennyblack explain refusal 8a1f04cc6e7d2b90    what is known of that message\n\n\
         Replies that begin with 4 are for now, those with 5 for good. A client that is not served at all is told why in words of the settings\n\
         ([gate.md](gate.md)); a command that is wrong, by what RFC 5321 says of it.\n\n\
         This page is made from `crates/server/src/journey/codes.rs`.\n",
    );
    for code in ALL {
        let (word, cause) = (code.word, code.cause);
        // Writing to a String does not fail.
        let _ = write!(
            text,
            "\n## {word}\n\n{cause}\n\n* The sender: {}\n* Here: {}\n",
            code.sender, code.here
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::path::Path;

    /// V3: a word is in capitals and stands once.
    #[test]
    fn v03_words_are_apart() {
        let words: BTreeSet<&str> = ALL.iter().map(|code| code.word).collect();
        assert_eq!(words.len(), ALL.len());
        for code in ALL {
            let plain = |octet: u8| octet.is_ascii_uppercase() || octet == b'-';
            assert!(
                code.word.len() <= 20 && code.word.bytes().all(plain),
                "{}",
                code.word
            );
            for sentence in [code.cause, code.sender, code.here] {
                assert!(sentence.ends_with('.'), "{}: {sentence}", code.word);
            }
            assert_eq!(of(&code.word.to_lowercase()), Some(*code));
        }
        assert_eq!(of("8A1F04CC6E7D2B90"), None);
    }

    /// V3: the page has a section for each word, and for no other. `UPDATE_DOCS=1 cargo test` writes it anew.
    #[test]
    fn v03_the_documentation_is_current() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/refusals.md");
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(&path, markdown()).expect("written");
        }
        let written = std::fs::read_to_string(&path).unwrap_or_default();
        let sections = written.lines().filter_map(|line| line.strip_prefix("## "));
        let words: Vec<&str> = ALL.iter().map(|code| code.word).collect();
        assert_eq!(
            sections.collect::<Vec<_>>(),
            words,
            "run UPDATE_DOCS=1 cargo test -p pennyblack-server"
        );
        assert!(
            written == markdown(),
            "run UPDATE_DOCS=1 cargo test -p pennyblack-server"
        );
    }
}
