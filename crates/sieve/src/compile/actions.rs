//! Actions of RFC 5228 §4 and the extensions that deliver, refuse or answer mail.

use super::Checked;
use super::arguments::Arguments;
use crate::action::Importance;
use crate::capability::Capability;
use crate::code::{
    Command, DeliverBy, DeliverWhen, Denotify, FileInto, FlagChange, Notify, OldNotify, Period,
    Redirect, Text, Vacation,
};
use message::Address;

impl Arguments<'_, '_, '_> {
    pub(super) fn action(&mut self, name: &str) -> Checked<Command> {
        match name {
            "keep" => Ok(Command::Keep {
                flags: self.flags_tag()?,
            }),
            "discard" => Ok(Command::Discard),
            "fileinto" => self.file_into(),
            "redirect" => self.redirect(),
            "reject" => self.reject(Capability::Reject),
            "ereject" => self.reject(Capability::Ereject),
            "vacation" => self.vacation(),
            "notify" => self.notify(),
            "denotify" => self.denotify(),
            "setflag" => self.flags(FlagChange::Set),
            "addflag" => self.flags(FlagChange::Add),
            "removeflag" => self.flags(FlagChange::Remove),
            "mark" => self.mark(FlagChange::Add),
            "unmark" => self.mark(FlagChange::Remove),
            _ => self.extra(name),
        }
    }

    fn flags_tag(&mut self) -> Checked<Option<Vec<Text>>> {
        self.texts_tag("flags", &[Capability::Imap4Flags])
    }

    fn file_into(&mut self) -> Checked<Command> {
        self.needs(Capability::FileInto)?;
        let mut file = self.file_options()?;
        file.copy = self.flag("copy", &[Capability::Copy])?;
        file.mailbox = Some(self.mailbox()?);
        Ok(Command::FileInto(file))
    }

    /// What `fileinto` and `:fcc` share (RFC 8580 §3).
    fn file_options(&mut self) -> Checked<FileInto> {
        let options = FileInto {
            mailbox: None,
            flags: self.flags_tag()?,
            create: self.flag("create", &[Capability::Mailbox])?,
            copy: false,
            special_use: self.text_tag("specialuse", &[Capability::SpecialUse])?,
            mailbox_id: self.text_tag("mailboxid", &[Capability::MailboxId])?,
        };
        // RFC 9042 §4.2, §5
        match options.special_use.is_some() && options.mailbox_id.is_some() {
            true => self.report("`:specialuse` and `:mailboxid` exclude each other", None),
            false => Ok(options),
        }
    }

    fn mailbox(&mut self) -> Checked<Text> {
        let mailbox = self.text("the name of a mailbox")?;
        if mailbox.as_constant().is_some_and(str::is_empty) {
            return self.report("the name of a mailbox must not be empty", None);
        }
        Ok(mailbox)
    }

    /// `:fcc` with its options (RFC 8580).
    fn fcc(&mut self) -> Checked<Option<FileInto>> {
        let Some(mailbox) = self.text_tag("fcc", &[Capability::Fcc])? else {
            return Ok(None);
        };
        Ok(Some(FileInto {
            mailbox: Some(mailbox),
            ..self.file_options()?
        }))
    }

    fn redirect(&mut self) -> Checked<Command> {
        let copy = self.flag("copy", &[Capability::Copy])?;
        let to_list = self.flag("list", &[Capability::ExtLists])?;
        let notify = self.text_tag("notify", &[Capability::RedirectDsn])?;
        let ret = self.text_tag("ret", &[Capability::RedirectDsn])?;
        let by = self.deliver_by()?;
        let to = self.text(if to_list {
            "the name of a list"
        } else {
            "an address"
        })?;
        if let Some(address) = to.as_constant().filter(|_| !to_list) {
            self.check_address(address)?;
        }
        Ok(Command::Redirect(Box::new(Redirect {
            to,
            to_list,
            copy,
            notify,
            ret,
            by,
        })))
    }

    fn check_address(&mut self, text: &str) -> Checked<()> {
        let mailboxes = message::address_list::mailboxes(text.as_bytes());
        let why = match mailboxes.as_slice() {
            [one] if one.address().is_some() => return Ok(()),
            [_] => Address::parse(text)
                .err()
                .map_or("it is not well-formed", |e| e.0),
            _ => "exactly one is needed",
        };
        self.report(
            format!("`{}`: \"{text}\" is no address: {why}", self.name),
            None,
        )
    }

    fn deliver_by(&mut self) -> Checked<Option<DeliverBy>> {
        let needs = &[Capability::RedirectDeliverBy];
        let relative = self.number_tag("bytimerelative", needs)?;
        let absolute = self.text_tag("bytimeabsolute", needs)?;
        let mode = self.text_tag("bymode", needs)?;
        let trace = self.flag("bytrace", needs)?;
        let when = match (relative, absolute) {
            (Some(seconds), None) => DeliverWhen::Relative(seconds),
            (None, Some(time)) => DeliverWhen::Absolute(time),
            (None, None) if mode.is_none() && !trace => return Ok(None),
            (None, None) => {
                let what = "`:bymode` and `:bytrace` need a `:bytimerelative` or `:bytimeabsolute` beside them";
                return self.report(what, None);
            }
            (Some(_), Some(_)) => {
                return self.report(
                    "`:bytimerelative` and `:bytimeabsolute` exclude each other",
                    None,
                );
            }
        };
        Ok(Some(DeliverBy { when, mode, trace }))
    }

    fn reject(&mut self, capability: Capability) -> Checked<Command> {
        self.needs(capability)?;
        let reason = self.text("a reason for the sender")?;
        Ok(Command::Reject {
            reason,
            ereject: capability == Capability::Ereject,
        })
    }

    fn vacation(&mut self) -> Checked<Command> {
        self.needs(Capability::Vacation)?;
        let period = self.period()?;
        let vacation = Vacation {
            period,
            subject: self.text_tag("subject", &[])?,
            from: self.text_tag("from", &[])?,
            addresses: self.texts_tag("addresses", &[])?.unwrap_or_default(),
            mime: self.flag("mime", &[])?,
            handle: self.text_tag("handle", &[])?,
            fcc: self.fcc()?,
            reason: self.text("the text of the answer")?,
        };
        if let Some(from) = vacation.from.as_ref().and_then(Text::as_constant) {
            let from = from.to_owned();
            self.check_address(&from)?;
        }
        Ok(Command::Vacation(Box::new(vacation)))
    }

    fn period(&mut self) -> Checked<Option<Period>> {
        let days = self.number_tag("days", &[])?;
        let seconds = self.number_tag("seconds", &[Capability::VacationSeconds])?;
        match (days, seconds) {
            (Some(_), Some(_)) => self.report("`:days` and `:seconds` exclude each other", None),
            (Some(days), None) => Ok(Some(Period::Days(days))),
            (None, seconds) => Ok(seconds.map(Period::Seconds)),
        }
    }

    fn notify(&mut self) -> Checked<Command> {
        if !self.checker.has(Capability::Enotify) && self.checker.has(Capability::Notify) {
            return self.old_notify();
        }
        self.needs(Capability::Enotify)?;
        let notify = Notify {
            from: self.text_tag("from", &[])?,
            importance: self.text_tag("importance", &[])?,
            options: self.texts_tag("options", &[])?.unwrap_or_default(),
            message: self.text_tag("message", &[])?,
            fcc: self.fcc()?,
            method: self.text("a method such as \"mailto:someone@example.com\"")?,
        };
        let importance = notify.importance.as_ref().and_then(Text::as_constant);
        if importance.is_some_and(|i| !matches!(i, "1" | "2" | "3")) {
            return self.report("`:importance` must be \"1\", \"2\" or \"3\"", None);
        }
        if let Some(uri) = notify.method.as_constant()
            && let Some(why) = crate::run::mailto::problem(uri)
        {
            return self.report(format!("\"{uri}\" is no method: {why}"), None);
        }
        Ok(Command::Notify(Box::new(notify)))
    }

    fn old_importance(&mut self) -> Checked<Option<Importance>> {
        self.choice(&[
            ("low", Importance::Low),
            ("normal", Importance::Normal),
            ("high", Importance::High),
        ])
    }

    fn old_notify(&mut self) -> Checked<Command> {
        Ok(Command::OldNotify(Box::new(OldNotify {
            method: self.text_tag("method", &[])?,
            id: self.text_tag("id", &[])?,
            importance: self.old_importance()?.unwrap_or_default(),
            options: self.texts_tag("options", &[])?.unwrap_or_default(),
            message: self.text_tag("message", &[])?,
        })))
    }

    fn denotify(&mut self) -> Checked<Command> {
        self.needs(Capability::Notify)?;
        let importance = self.old_importance()?;
        let how = self.matching()?;
        let id = match self.left() {
            0 => None,
            _ => Some(self.criterion(how)?),
        };
        Ok(Command::Denotify(Box::new(Denotify { id, importance })))
    }

    /// `setflag`, `addflag`, `removeflag` (RFC 5232 §3); with the old `imapflags` there is no variable.
    fn flags(&mut self, change: FlagChange) -> Checked<Command> {
        self.needs_one(&[Capability::Imap4Flags, Capability::ImapFlags])?;
        let variable = match self.left() {
            2 => {
                self.checker
                    .need(self.place, "flags in a variable", Capability::Variables)?;
                let name = self.plain("the name of a variable")?;
                Some(self.checker.variable(self.place, &name)?)
            }
            _ => None,
        };
        let flags = self.texts("flags")?;
        Ok(Command::Flags {
            change,
            variable,
            flags,
        })
    }

    fn mark(&mut self, change: FlagChange) -> Checked<Command> {
        self.needs(Capability::ImapFlags)?;
        Ok(Command::Flags {
            change,
            variable: None,
            flags: vec![Text::constant("\\Flagged")],
        })
    }
}
