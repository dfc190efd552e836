//! `vacation` (RFC 5230, RFC 6131): who gets an answer, and which.
//!
//! The guards that need only the message and the envelope are here (RFC 5230 §4.5, §4.6; RFC 3834 §2); whether the sender was answered
//! already is for the host to know.

use super::machine::{Done, Failure, Machine};
use crate::action::{Action, Vacation};
use crate::code::{self, Period};
use message::{Address, address_list};

/// Mail to these is looked at for the user's address (RFC 5230 §4.5).
const RECIPIENT_FIELDS: [&str; 6] = ["To", "Cc", "Bcc", "Resent-To", "Resent-Cc", "Resent-Bcc"];

/// Senders of these are programs (RFC 5230 §4.6).
const PROGRAMS: [&str; 9] = [
    "mailer-daemon",
    "listserv",
    "majordomo",
    "postmaster",
    "noreply",
    "no-reply",
    "donotreply",
    "do-not-reply",
    "bounce",
];

const DAY: u64 = 86_400;

impl Machine<'_> {
    pub(super) fn vacation(&mut self, vacation: &code::Vacation) -> Done<()> {
        self.not_refused("vacation")?;
        if self.is_imap_event() {
            return Err(Failure::script("vacation is for mail that arrives"));
        }
        for performed in &self.actions[self.frame.first_action..] {
            if matches!(performed.action, Action::Vacation(_)) {
                return Err(Failure::script("vacation can be used once only"));
            }
        }
        let aliases = self.expand_all(&vacation.addresses)?;
        match self.recipient(&aliases)? {
            Err(why) => {
                self.note(|| format!("vacation: no answer, {why}"));
                Ok(())
            }
            Ok(_)
                if self
                    .actions
                    .iter()
                    .any(|p| matches!(p.action, Action::Vacation(_))) =>
            {
                self.note(|| "vacation: no answer, an earlier script has one".into());
                Ok(())
            }
            Ok(recipient) => {
                let answer = self.answer(vacation, recipient)?;
                self.perform(Action::Vacation(Box::new(answer)))
            }
        }
    }

    /// The user's address that the message is for; or why there is no answer.
    fn recipient(&mut self, aliases: &[String]) -> Done<Result<String, String>> {
        let sender = &self.run.envelope.from;
        if sender.is_empty() {
            return Ok(Err("the message has no sender".into()));
        }
        let Ok(sender) = Address::parse(sender) else {
            return Ok(Err(format!("<{sender}> is no address")));
        };
        if is_program(sender.local()) {
            return Ok(Err(format!("<{sender}> is a program")));
        }
        if let Some(why) = self.automatic() {
            return Ok(Err(why));
        }
        let own = self.own_addresses(aliases)?;
        if own.contains(&sender.key()) {
            return Ok(Err("the sender is the user himself".into()));
        }
        Ok(self
            .named(&own)
            .ok_or_else(|| "no recipient in its header is an address of the user".into()))
    }

    fn own_addresses(&mut self, aliases: &[String]) -> Done<Vec<String>> {
        let mut own = self.host.own_addresses()?;
        let to = &self.run.envelope.to;
        own.push(to.clone());
        // Mail to alice+shop is mail to alice.
        let separator = self.host.subaddress_separator();
        let plain = Address::parse(to).ok();
        let plain = plain.as_ref().and_then(|to| to.split_tag(separator));
        own.extend(plain.map(|(plain, _)| plain.to_string()));
        own.extend_from_slice(aliases);
        let key = |text: &String| match address_list::mailboxes(text.as_bytes()).as_slice() {
            [one] => one.address().map(|address| address.key()),
            _ => None,
        };
        Ok(own.iter().filter_map(key).collect())
    }

    /// Which of the user's addresses the header names (RFC 5230 §4.5).
    fn named(&self, own: &[String]) -> Option<String> {
        let fields = RECIPIENT_FIELDS
            .iter()
            .flat_map(|name| self.document.named(name));
        fields
            .flat_map(|field| address_list::mailboxes(field.value()))
            .filter_map(|mailbox| mailbox.address())
            .find(|address| own.contains(&address.key()))
            .map(|address| address.to_string())
    }

    /// Signs of a list or a program in the header.
    fn automatic(&self) -> Option<String> {
        for field in &self.document.fields {
            let name = field.raw.get(..5).unwrap_or_default();
            if name.eq_ignore_ascii_case(b"List-") {
                return Some("the message comes from a mailing list".into());
            }
        }
        let word = |name: &str| {
            let value = self.document.first(name)?;
            let word = value.split([';', ' ', '(', ',']).next()?;
            Some(word.to_ascii_lowercase())
        };
        if word("Auto-Submitted").is_some_and(|word| word != "no") {
            return Some("the message was sent automatically".into());
        }
        if word("Precedence").is_some_and(|word| matches!(word.as_str(), "bulk" | "list" | "junk"))
        {
            return Some("the message was sent to many".into());
        }
        let suppressed = self
            .document
            .first("X-Auto-Response-Suppress")
            .map(str::to_ascii_lowercase);
        suppressed
            .is_some_and(|words| words.contains("all") || words.contains("oof"))
            .then(|| "the sender asks for no automatic answer".into())
    }

    fn answer(&mut self, vacation: &code::Vacation, recipient: String) -> Done<Vacation> {
        let from = self.expand_some(vacation.from.as_ref())?;
        if let Some(from) = &from {
            super::deliver::one_address(from)?;
        }
        let subject = self.expand_some(vacation.subject.as_ref())?;
        let handle = self.expand_some(vacation.handle.as_ref())?;
        let id = self
            .document
            .first("Message-ID")
            .map(str::to_owned)
            .filter(|id| is_id(id));
        Ok(Vacation {
            to: self.run.envelope.from.clone(),
            from,
            recipient,
            subject: subject.unwrap_or_else(|| self.usual_subject()),
            reason: self.expand(&vacation.reason)?.into_owned(),
            mime: vacation.mime,
            references: self.references(id.as_deref()),
            in_reply_to: id,
            period: self.period(vacation.period),
            key: handle.map_or_else(
                || fingerprint(vacation),
                |handle| format!("handle:{handle}"),
            ),
            fcc: vacation
                .fcc
                .as_ref()
                .map(|fcc| self.resolve_file(fcc))
                .transpose()?,
        })
    }

    /// RFC 5230 §4.7.5 recommends `Auto:` before the subject.
    fn usual_subject(&self) -> String {
        let subject = self.document.first("Subject").unwrap_or_default();
        let line: String = subject
            .chars()
            .filter(|c| !c.is_control())
            .take(200)
            .collect();
        match line.is_empty() {
            true => "Automated reply".into(),
            false => format!("Auto: {line}"),
        }
    }

    /// RFC 5322 §3.6.4
    fn references(&self, id: Option<&str>) -> Option<String> {
        let old = self
            .document
            .first("References")
            .or_else(|| self.document.first("In-Reply-To"));
        let ids = old
            .unwrap_or_default()
            .split_ascii_whitespace()
            .filter(|id| is_id(id))
            .chain(id);
        let mut ids: Vec<&str> = ids.collect();
        // The first and the latest tell the thread.
        if ids.len() > 20 {
            let latest = ids.len() - 19;
            ids.drain(1..latest);
        }
        (!ids.is_empty()).then(|| ids.join(" "))
    }

    fn period(&self, period: Option<Period>) -> u64 {
        let limits = &self.run.limits;
        let seconds = match period {
            None => 7 * DAY,
            Some(Period::Days(days)) => days.max(1).saturating_mul(DAY),
            Some(Period::Seconds(seconds)) => seconds,
        };
        seconds.clamp(
            limits.vacation_minimum,
            limits.vacation_maximum.max(limits.vacation_minimum),
        )
    }
}

fn is_id(text: &str) -> bool {
    text.starts_with('<')
        && text.ends_with('>')
        && text.len() < 1000
        && text.bytes().all(|o| o.is_ascii_graphic())
}

/// RFC 5230 §4.6
fn is_program(local: &str) -> bool {
    let local = local.to_ascii_lowercase();
    PROGRAMS.contains(&local.as_str())
        || local.starts_with("owner-")
        || local.ends_with("-owner")
        || local.ends_with("-request")
        || local.ends_with("-bounces")
        || local.starts_with("bounce-")
        || local.starts_with("bounces+")
}

/// What tells one answer of a user from another (RFC 5230 §4.2): as it is written, so that a variable in it does not make
/// every answer a new one. FNV-1a with 128 bits; nobody attacks his own script.
fn fingerprint(vacation: &code::Vacation) -> String {
    let text = format!(
        "{:?}\0{:?}\0{:?}\0{}",
        vacation.subject, vacation.from, vacation.reason, vacation.mime
    );
    let mut hash = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d_u128;
    for octet in text.bytes() {
        hash ^= u128::from(octet);
        hash = hash.wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b);
    }
    format!("text:{hash:032x}")
}
