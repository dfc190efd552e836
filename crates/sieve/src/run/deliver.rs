//! Where the message goes: keep, fileinto, redirect, reject, discard; what excludes what, and what is the same thing twice
//! (RFC 5228 §2.10, RFC 5429 §2.3).

use super::lists;
use super::machine::{Done, Failure, Machine};
use crate::action::{Action, DeliverBy, FileInto, Keep, Performed, Redirect, RedirectTo, Reject};
use crate::code::{self, DeliverWhen, Text};
use message::address_list;

impl Machine<'_> {
    /// Adds an action, if there is room.
    pub(super) fn perform(&mut self, action: Action) -> Done<()> {
        let limit = self.run.limits.actions;
        if self.actions.len() + self.notifications.len() >= limit {
            return Err(Failure::limit(format!(
                "there are more than {limit} actions"
            )));
        }
        self.note(|| crate::render::action(&action));
        let performed = self.performed(action);
        self.actions.push(performed);
        Ok(())
    }

    pub(super) fn performed(&mut self, action: Action) -> Performed {
        Performed {
            action,
            script: Some(self.frame.script.clone()),
            place: self.frame.place,
            version: self.document.version(),
        }
    }

    /// Nothing can be done with a message that is refused.
    pub(super) fn not_refused(&self, what: &str) -> Done<()> {
        match self
            .actions
            .iter()
            .any(|p| matches!(p.action, Action::Reject(_)))
        {
            true => Err(Failure::script(format!(
                "{what} after the message was rejected"
            ))),
            false => Ok(()),
        }
    }

    pub(super) fn keep(&mut self, flags: Option<&[Text]>) -> Done<()> {
        self.not_refused("keep")?;
        let flags = self.flags_of(flags)?;
        self.implicit_keep = false;
        if self.merge_keep(&flags) {
            return Ok(());
        }
        self.perform(Action::Keep(Keep {
            flags,
            implicit: false,
        }))
    }

    /// Is it kept, or filed in INBOX, already? Then it gets the flags and is not filed twice.
    pub(super) fn merge_keep(&mut self, flags: &[String]) -> bool {
        let event = self.is_imap_event();
        for performed in &mut self.actions {
            let present = match &mut performed.action {
                Action::Keep(keep) => &mut keep.flags,
                Action::FileInto(file) if !event && is_inbox(file) => &mut file.flags,
                _ => continue,
            };
            super::flags::add(present, flags);
            return true;
        }
        false
    }

    pub(super) fn discard(&mut self) -> Done<()> {
        self.implicit_keep = false;
        match self.actions.iter().any(|p| p.action == Action::Discard) {
            true => Ok(()),
            false => self.perform(Action::Discard),
        }
    }

    pub(super) fn file_into(&mut self, file: &code::FileInto) -> Done<()> {
        self.not_refused("fileinto")?;
        let file = self.resolve_file(file)?;
        if !file.copy {
            self.implicit_keep = false;
        }
        match self.same_mailbox(&file) {
            Some(present) => {
                super::flags::add(present, &file.flags);
                Ok(())
            }
            None => self.perform(Action::FileInto(file)),
        }
    }

    pub(super) fn resolve_file(&mut self, file: &code::FileInto) -> Done<FileInto> {
        let mailbox = self.expand_some(file.mailbox.as_ref())?.unwrap_or_default();
        if mailbox.is_empty() {
            return Err(Failure::script("the name of the mailbox is empty"));
        }
        if mailbox.contains(|c: char| c.is_control()) {
            return Err(Failure::script(format!(
                "{mailbox:?} is no name for a mailbox"
            )));
        }
        Ok(FileInto {
            mailbox,
            flags: self.flags_of(file.flags.as_deref())?,
            create: file.create,
            special_use: self.expand_some(file.special_use.as_ref())?,
            mailbox_id: self.expand_some(file.mailbox_id.as_ref())?,
            copy: file.copy,
        })
    }

    /// Flags of an action that files it there already.
    fn same_mailbox(&mut self, file: &FileInto) -> Option<&mut Vec<String>> {
        let event = self.is_imap_event();
        self.actions
            .iter_mut()
            .find_map(|performed| match &mut performed.action {
                Action::FileInto(other) if is_same(other, file) => Some(&mut other.flags),
                Action::Keep(keep) if !event && is_inbox(file) => Some(&mut keep.flags),
                _ => None,
            })
    }

    pub(super) fn redirect(&mut self, redirect: &code::Redirect) -> Done<()> {
        self.not_refused("redirect")?;
        let target = self.expand(&redirect.to)?.into_owned();
        let to = match redirect.to_list {
            true => RedirectTo::List(lists::whole(&target).into_owned()),
            false => RedirectTo::Address(one_address(&target)?),
        };
        let notify = self.expand_some(redirect.notify.as_ref())?;
        let ret = self.expand_some(redirect.ret.as_ref())?;
        let action = Redirect {
            to,
            copy: redirect.copy,
            notify: notify.map(|words| dsn_words(&words)).transpose()?,
            ret: ret.map(|word| dsn_ret(&word)).transpose()?,
            by: self.deliver_by(redirect.by.as_ref())?,
        };
        if !action.copy {
            self.implicit_keep = false;
        }
        self.perform_redirect(action)
    }

    fn perform_redirect(&mut self, action: Redirect) -> Done<()> {
        let targets: Vec<&RedirectTo> = self
            .actions
            .iter()
            .filter_map(|performed| match &performed.action {
                Action::Redirect(other) => Some(&other.to),
                _ => None,
            })
            .collect();
        if targets.contains(&&action.to) {
            return Ok(());
        }
        let limit = self.run.limits.redirects;
        if targets.len() >= limit {
            return Err(Failure::limit(format!(
                "there are more than {limit} redirects"
            )));
        }
        self.perform(Action::Redirect(action))
    }

    fn deliver_by(&mut self, by: Option<&code::DeliverBy>) -> Done<Option<DeliverBy>> {
        let Some(by) = by else {
            return Ok(None);
        };
        let seconds = match &by.when {
            DeliverWhen::Relative(seconds) => i64::try_from(*seconds).unwrap_or(i64::MAX),
            DeliverWhen::Absolute(time) => {
                let time = self.expand(time)?;
                let Ok(at) = time.parse::<jiff::Timestamp>() else {
                    return Err(Failure::script(format!(
                        "{time:?} is no time such as 2026-11-20T12:00:00Z"
                    )));
                };
                at.as_second().saturating_sub(self.now.as_second())
            }
        };
        let mode = self
            .expand_some(by.mode.as_ref())?
            .unwrap_or_else(|| "return".into());
        let or_return = match mode.to_ascii_lowercase().as_str() {
            "notify" => false,
            "return" => true,
            _ => {
                return Err(Failure::script(format!(
                    "`:bymode` is \"notify\" or \"return\", not {mode:?}"
                )));
            }
        };
        Ok(Some(DeliverBy {
            seconds,
            trace: by.trace,
            or_return,
        }))
    }

    pub(super) fn reject(&mut self, reason: &Text, ereject: bool) -> Done<()> {
        if self.is_imap_event() {
            return Err(Failure::script(
                "a message that is in a mailbox cannot be rejected",
            ));
        }
        for performed in &self.actions {
            let other = match performed.action {
                Action::Keep(_) => "keep",
                Action::FileInto(_) => "fileinto",
                Action::Redirect(_) => "redirect",
                Action::Vacation(_) => "vacation",
                Action::Reject(_) => "another reject",
                _ => continue,
            };
            return Err(Failure::script(format!(
                "reject and {other} exclude each other"
            )));
        }
        let reason = self.expand(reason)?.into_owned();
        self.implicit_keep = false;
        self.perform(Action::Reject(Reject { reason, ereject }))
    }
}

fn is_inbox(file: &FileInto) -> bool {
    file.mailbox.eq_ignore_ascii_case("INBOX")
        && file.special_use.is_none()
        && file.mailbox_id.is_none()
}

fn is_same(a: &FileInto, b: &FileInto) -> bool {
    let name = a.mailbox == b.mailbox || (is_inbox(a) && is_inbox(b));
    name && a.special_use == b.special_use && a.mailbox_id == b.mailbox_id
}

/// The one address of a text in the form of a header field, as an envelope has it.
pub(super) fn one_address(text: &str) -> Done<String> {
    match address_list::mailboxes(text.as_bytes()).as_slice() {
        [one] => one.address().map(|address| address.to_string()),
        _ => None,
    }
    .ok_or_else(|| Failure::script(format!("{text:?} is no address")))
}

/// RFC 3461 §4.1
fn dsn_words(words: &str) -> Done<String> {
    let upper = words.to_ascii_uppercase();
    let known = |word: &str| matches!(word, "SUCCESS" | "FAILURE" | "DELAY");
    match upper == "NEVER" || upper.split(',').all(known) {
        true => Ok(upper),
        false => Err(Failure::script(format!(
            "`:notify` knows NEVER, SUCCESS, FAILURE and DELAY, not {words:?}"
        ))),
    }
}

/// RFC 3461 §4.3
fn dsn_ret(word: &str) -> Done<String> {
    let upper = word.to_ascii_uppercase();
    match matches!(upper.as_str(), "FULL" | "HDRS") {
        true => Ok(upper),
        false => Err(Failure::script(format!(
            "`:ret` knows FULL and HDRS, not {word:?}"
        ))),
    }
}
