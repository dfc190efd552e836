//! The replies of the journey: what a client is told, in one place (RFC 5321 §4.2, enhanced codes RFC 3463).
//!
//! Whose fault it is decides the class: the client's or its user's 5xx, ours 4xx.

use super::codes::{self, Code};
use super::envelope::Refusal;
use ::queue::brake::{self, Excess, Span};
use jiff::Timestamp;
use message::Address;
use smtp::Enhanced;
use std::net::IpAddr;

/// A refusal that is known by a word (V3).
fn refusal(
    code: &'static Code,
    reply: u16,
    enhanced: Enhanced,
    text: impl Into<String>,
) -> Refusal {
    Refusal::new(reply, enhanced, text).coded(code)
}

/// 452 4.5.3 (A11).
pub(crate) fn too_many_recipients(limit: u32) -> Refusal {
    refusal(
        &codes::TOO_MANY_RECIPIENTS,
        452,
        Enhanced(4, 5, 3),
        format!(
            "Too many recipients; send the message to the rest in another transaction ({limit} at a time)"
        ),
    )
}

/// 450 4.7.1: an account has sent as much as it may (U7). When there is room again is said.
pub(crate) fn sent_too_much(excess: &Excess, now: Timestamp) -> Refusal {
    let Excess {
        what, span, limit, ..
    } = excess;
    let when = match excess.until {
        Some(until) => format!(
            "Please send it again {} (from {} UTC)",
            brake::wait(until, now),
            until.strftime("%H:%M")
        ),
        None => "Please send it to fewer at a time".to_string(),
    };
    refusal(
        &codes::SENT_TOO_MUCH,
        450,
        Enhanced(4, 7, 1),
        format!(
            "Your account may send {limit} {what} in a{} {span}, and has reached that. {when}",
            match span {
                Span::Hour => "n",
                Span::Day => "",
            }
        ),
    )
}

/// 550 5.7.1: an account that was locked after it had logged in.
pub(crate) fn locked(address: &str) -> Refusal {
    refusal(
        &codes::ACCOUNT_LOCKED,
        550,
        Enhanced(5, 7, 1),
        format!("{address} may not send any more; the administrator of this server knows why"),
    )
}

/// 451 4.7.1: greylisting (J6).
pub(crate) fn come_again(wait: &str) -> Refusal {
    refusal(
        &codes::GREYLISTED,
        451,
        Enhanced(4, 7, 1),
        format!(
            "We do not know you yet: please send it again in {wait}, as mail servers do by themselves"
        ),
    )
}

/// 550 5.7.1: a sender that the administrator has banned (A19).
pub(crate) fn banned_sender(sender: &Address, reason: &str) -> Refusal {
    let why = match reason {
        "" => String::new(),
        reason => format!(" ({reason})"),
    };
    refusal(
        &codes::SENDER_BANNED,
        550,
        Enhanced(5, 7, 1),
        format!(
            "Mail from {sender} is not accepted here{why}. Its postmaster may ask ours to change that"
        ),
    )
}

/// 550 5.7.1: a sender of ours, from elsewhere (A17).
pub(crate) fn forged_sender(sender: &Address, client: IpAddr) -> Refusal {
    refusal(
        &codes::SENDER_IS_OURS,
        550,
        Enhanced(5, 7, 1),
        format!(
            "{sender} is an address of ours, and neither SPF nor a DKIM signature allows {client} to use it. Its owner can send by logging in to us on port 465 or 587; \
             if {client} is meant to send for {}, its administrator can add it to the SPF record",
            sender.domain()
        ),
    )
}

/// 550 5.7.1: the same where nothing may prove it.
pub(crate) fn own_sender(sender: &Address, client: IpAddr) -> Refusal {
    refusal(
        &codes::SENDER_IS_OURS,
        550,
        Enhanced(5, 7, 1),
        format!(
            "{sender} is an address of ours, which {client} may not use. Its owner can send by logging in to us on port 465 or 587"
        ),
    )
}

/// 451 4.7.24: whether a sender of ours is proved cannot be said now.
pub(crate) fn sender_not_checked(sender: &Address) -> Refusal {
    refusal(
        &codes::SENDER_NOT_CHECKED,
        451,
        Enhanced(4, 7, 24),
        format!("DNS does not tell now whether you may send for {sender}; try again later"),
    )
}

/// 552 5.3.4 (A7).
pub(crate) fn message_too_big(limit: u64) -> Refusal {
    refusal(
        &codes::MESSAGE_TOO_BIG,
        552,
        Enhanced(5, 3, 4),
        format!("The message is larger than the {limit} octets we accept"),
    )
}

/// 552 5.3.4, of the header section.
pub(crate) fn header_too_big(limit: u32) -> Refusal {
    refusal(
        &codes::HEADER_TOO_BIG,
        552,
        Enhanced(5, 3, 4),
        format!("The header section is larger than the {limit} octets we accept"),
    )
}

/// 554 5.4.6 (A31).
pub(crate) fn mail_loop(hops: usize) -> Refusal {
    refusal(
        &codes::MAIL_LOOP,
        554,
        Enhanced(5, 4, 6),
        format!("The message has passed {hops} servers and seems to go in circles"),
    )
}

/// 550 5.1.1 (A9).
pub(crate) fn no_such_user(address: &Address) -> Refusal {
    refusal(
        &codes::NO_SUCH_ADDRESS,
        550,
        Enhanced(5, 1, 1),
        format!("There is no {address} here"),
    )
}

/// 550 5.1.1: written like a sender of forwarded mail, and none that we made, or too old (K19).
pub(crate) fn not_rewritten_here(address: &Address, why: &str) -> Refusal {
    refusal(
        &codes::BOUNCE_NOT_OURS,
        550,
        Enhanced(5, 1, 1),
        "Bounces to this address are not accepted (any more)",
    )
    .because(format!("{address}: {why}"))
}

/// 451 4.3.5: our configuration names a domain that is none.
pub(crate) fn no_postmaster() -> Refusal {
    refusal(
        &codes::SET_UP_WRONG,
        451,
        Enhanced(4, 3, 5),
        "Our configuration is wrong; write to postmaster with a domain, or try again later",
    )
}

/// 550 5.1.2.
pub(crate) fn domain_off(address: &Address) -> Refusal {
    refusal(
        &codes::DOMAIN_OFF,
        550,
        Enhanced(5, 1, 2),
        format!("The domain {} takes no mail", address.domain()),
    )
}

/// 550 5.2.1 (B25).
pub(crate) fn disabled(address: &Address) -> Refusal {
    refusal(
        &codes::ADDRESS_OFF,
        550,
        Enhanced(5, 2, 1),
        format!("{address} takes no mail at present"),
    )
}

/// 550 5.4.6 (E16).
pub(crate) fn alias_loop(address: &Address, chain: &[String]) -> Refusal {
    refusal(
        &codes::ALIAS_WRONG,
        550,
        Enhanced(5, 4, 6),
        format!(
            "The alias {address} leads in a circle or too far: {}",
            chain.join(" -> ")
        ),
    )
}

/// 550 5.4.6.
pub(crate) fn too_many_targets(address: &Address) -> Refusal {
    refusal(
        &codes::ALIAS_WRONG,
        550,
        Enhanced(5, 4, 6),
        format!("The alias {address} leads to too many addresses"),
    )
}

/// 550 5.7.1 (A10).
pub(crate) fn relay_denied(address: &Address) -> Refusal {
    refusal(
        &codes::RELAY_DENIED,
        550,
        Enhanced(5, 7, 1),
        format!("We do not pass mail on to {address} for you; log in on port 465 or 587 first"),
    )
}

/// 550 5.7.1, on the LMTP road.
pub(crate) fn not_local(address: &Address) -> Refusal {
    refusal(
        &codes::RELAY_DENIED,
        550,
        Enhanced(5, 7, 1),
        format!(
            "{} is not hosted here, and LMTP is for local delivery",
            address.domain()
        ),
    )
}

/// 550 5.7.1 (B13, B15, B16).
pub(crate) fn not_your_sender(sender: &str, field: &str, account: &str) -> Refusal {
    refusal(
        &codes::NOT_YOUR_SENDER,
        550,
        Enhanced(5, 7, 1),
        format!(
            "{account} may not send as {sender} ({field}): use your own address, or ask for an alias that leads to it"
        ),
    )
}

/// 550 5.7.1 (A22): a program on this machine.
pub(crate) fn not_this_user_s_sender(
    sender: &str,
    field: &str,
    user: &str,
    hostname: &str,
) -> Refusal {
    refusal(
        &codes::NOT_YOUR_SENDER,
        550,
        Enhanced(5, 7, 1),
        format!(
            "The user {user} may not send as {sender} ({field}): use {user}@{hostname}, or have {user} added to local.trusted"
        ),
    )
}

/// 550 5.7.1: a From field that names nobody (RFC 5322 §3.6.2).
pub(crate) fn no_sender_in(field: &str) -> Refusal {
    refusal(
        &codes::NOT_YOUR_SENDER,
        550,
        Enhanced(5, 7, 1),
        format!("The {field} field has no address that can be checked"),
    )
}

/// 550 5.7.1 (K14): what the author's domain asks for. `found`: what SPF and DKIM say.
pub(crate) fn dmarc_reject(author: &str, found: &str) -> Refusal {
    refusal(
        &codes::DMARC_REJECT,
        550,
        Enhanced(5, 7, 1),
        format!(
            "{author} wants mail refused that is not proved to be its own, by DMARC p=reject: {found}. Send by a server of {author}, or ask its postmaster"
        ),
    )
}

/// 550 5.7.1 (I2): the sum of the reasons says so.
pub(crate) fn unwanted() -> Refusal {
    refusal(
        &codes::SPAM_SCORE,
        550,
        Enhanced(5, 7, 1),
        "This message looks like unsolicited mail. If it is not, tell our postmaster by other means",
    )
}

/// 550 5.7.1 (I26): a scanner says so. Its honest senders want to know with what they are infected.
pub(crate) fn infected(name: &str) -> Refusal {
    let name: String = name
        .chars()
        .filter(char::is_ascii_graphic)
        .take(80)
        .collect();
    refusal(
        &codes::VIRUS,
        550,
        Enhanced(5, 7, 1),
        format!("This message carries a virus: {name}"),
    )
}

/// 550 5.7.1 (I18): the settings, or the recipient, want nothing of this sender.
pub(crate) fn denied_sender() -> Refusal {
    refusal(
        &codes::SENDER_DENIED,
        550,
        Enhanced(5, 7, 1),
        "The recipients take no mail of this sender",
    )
}

/// 451 4.7.0 (I31): the filter has failed, and the settings say that mail waits for it.
pub(crate) fn not_judged() -> Refusal {
    refusal(
        &codes::NOT_JUDGED,
        451,
        Enhanced(4, 7, 0),
        "We cannot look at mail at present; try again later",
    )
}

/// 452 4.2.2: full now (P1).
pub(crate) fn mailbox_full(address: &str) -> Refusal {
    refusal(
        &codes::MAILBOX_FULL,
        452,
        Enhanced(4, 2, 2),
        format!("The mailbox of {address} is over its quota; try again later"),
    )
}

/// 552 5.2.2: would not fit into the empty mailbox.
pub(crate) fn never_fits(address: &str) -> Refusal {
    refusal(
        &codes::QUOTA_TOO_SMALL,
        552,
        Enhanced(5, 2, 2),
        format!("The message is larger than the whole quota of {address}"),
    )
}

/// 550 5.7.1: a script of the recipient's own says so (H6; RFC 5429 §2.1.1). The text is the recipient's.
pub(crate) fn refused_by_rule(reason: &str) -> Refusal {
    const PLAIN: &str = "The recipient refuses this message by a rule of their own";
    let mut refusal = refusal(&codes::RECIPIENT_RULE, 550, Enhanced(5, 7, 1), PLAIN);
    let lines: Vec<String> = reason
        .lines()
        .map(str::trim_end)
        .take(20)
        .map(str::to_owned)
        .collect();
    // A reply is ASCII; words with holes in them would help nobody.
    if reason.is_ascii() && lines.iter().any(|line| !line.is_empty()) {
        refusal.reply.lines = lines;
    }
    refusal
}

/// 452 4.5.3: SMTP has one reply for all recipients, and these may need different ones.
pub(crate) fn own_transaction(address: &str) -> Refusal {
    refusal(
        &codes::ONE_AT_A_TIME,
        452,
        Enhanced(4, 5, 3),
        format!(
            "{address} may refuse mail by rules of their own; send to them in a transaction of its own"
        ),
    )
}

/// 451 4.5.3: the recipients' rules changed while the message came.
pub(crate) fn rules_differ() -> Refusal {
    refusal(
        &codes::RULES_DIFFER,
        451,
        Enhanced(4, 5, 3),
        "Not all recipients take this message any more; send it again, and each will answer",
    )
}

/// 451 4.3.0: what a script wanted to know could not be looked up.
pub(crate) fn scripts_failed(address: &str) -> Refusal {
    refusal(
        &codes::RULES_NOT_ASKED,
        451,
        Enhanced(4, 3, 0),
        format!("The rules of {address} cannot be asked at present; try again later"),
    )
}

/// What failed in the store is ours and temporary: the client shall come again.
pub(crate) fn store_failed(error: &store::Error) -> Refusal {
    let refusal = match error {
        store::Error::Full(_) => refusal(
            &codes::DISK_FULL,
            452,
            Enhanced(4, 3, 1),
            "We have no room to store mail at present; try again later",
        ),
        store::Error::OverQuota { .. } => refusal(
            &codes::MAILBOX_FULL,
            452,
            Enhanced(4, 2, 2),
            "A mailbox is over its quota; try again later",
        ),
        _ => refusal(
            &codes::STORE_AWAY,
            451,
            Enhanced(4, 3, 0),
            "We cannot reach our mail store at present; try again later",
        ),
    };
    refusal.because(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use store::Error;

    /// V3: none is without its word, and no word is without a refusal.
    #[test]
    fn v03_all_refusals_are_known_by_a_word() {
        let source = include_str!("refusals.rs");
        let (functions, _) = source.split_once("#[cfg(test)]").unwrap();
        assert_eq!(functions.matches("Refusal::new(").count(), 1);
        for code in codes::ALL {
            let name = format!("&codes::{},", code.word.replace('-', "_"));
            assert!(functions.contains(&name), "{} is never told", code.word);
        }
        let told = no_such_user(&Address::parse("a@b.example").unwrap()).named();
        let words = "There is no a@b.example here (NO-SUCH-ADDRESS)";
        assert_eq!(told.reply.lines, [words]);
        assert_eq!(told.named().reply.lines, [words], "once");
    }

    /// E36, S3: what the store cannot do now is never the fault of the client, and never "no such user".
    #[test]
    fn e36_failures_of_the_store_are_temporary() {
        for (error, code, enhanced) in [
            (Error::Unavailable("gone".into()), 451, Enhanced(4, 3, 0)),
            (Error::Full("disk".into()), 452, Enhanced(4, 3, 1)),
            (
                Error::OverQuota {
                    resource: store::quota::Resource::Bytes,
                    limit: 1,
                    used: 2,
                },
                452,
                Enhanced(4, 2, 2),
            ),
            (Error::Missing("mailbox".into()), 451, Enhanced(4, 3, 0)),
            (Error::Corrupt("row".into()), 451, Enhanced(4, 3, 0)),
            (Error::Bug("sql".into()), 451, Enhanced(4, 3, 0)),
        ] {
            let refusal = store_failed(&error);
            assert_eq!(
                (refusal.reply.code, refusal.reply.enhanced),
                (code, Some(enhanced)),
                "{error}"
            );
            assert_eq!(refusal.reason, error.to_string());
            assert_ne!(
                refusal.reply.lines[0], refusal.reason,
                "the client is told no internals"
            );
        }
    }
}
