//! `notify` (RFC 5435, RFC 5436) and the older one of draft-ietf-sieve-notify-00 with `denotify`.

use super::commands::importance;
use super::deliver::one_address;
use super::machine::{Done, Failure, Machine};
use super::mailto;
use crate::action::{Action, Mailto, Notify, NotifyMethod, Performed};
use crate::code::{self, Criterion, Text};

impl Machine<'_> {
    pub(super) fn notify(&mut self, notify: &code::Notify) -> Done<()> {
        let uri = self.expand(&notify.method)?.into_owned();
        let method = self.method(&uri)?;
        let importance = self.expand_some(notify.importance.as_ref())?;
        let from = self.expand_some(notify.from.as_ref())?;
        if let Some(from) = &from {
            one_address(from)?;
        }
        let fcc = notify
            .fcc
            .as_ref()
            .map(|fcc| self.resolve_file(fcc))
            .transpose()?;
        let action = Notify {
            method,
            from,
            importance: importance
                .map(|text| self::importance(&text))
                .unwrap_or_default(),
            options: self.expand_all(&notify.options)?,
            message: self.expand_some(notify.message.as_ref())?,
            fcc,
        };
        match self.may_notify()? {
            true => self.perform_notify(action),
            false => Ok(()),
        }
    }

    /// The same notification twice is one (RFC 5435 §3.8 leaves that to us).
    fn perform_notify(&mut self, action: Notify) -> Done<()> {
        let action = Action::Notify(Box::new(action));
        match self
            .actions
            .iter()
            .any(|performed| performed.action == action)
        {
            true => Ok(()),
            false => self.perform(action),
        }
    }

    fn method(&mut self, uri: &str) -> Done<NotifyMethod> {
        if let Some(why) = mailto::problem(uri) {
            return Err(Failure::script(format!(
                "{uri:?} is no method to notify: {why}"
            )));
        }
        if !is_mailto(uri) {
            return match self.host.notify_method_is_valid(uri)? {
                true => Ok(NotifyMethod::Other(uri.to_owned())),
                false => Err(Failure::script(format!(
                    "{uri:?} is no method to notify that is known here"
                ))),
            };
        }
        let target = mailto::parse(uri).map_err(Failure::script)?;
        match self.host.mailto_is_valid(&target)? {
            true => Ok(NotifyMethod::Mailto(target)),
            false => Err(Failure::script(format!("{uri:?} must not be notified"))),
        }
    }

    /// RFC 5436 §2.7.1: what answers or notifies by itself is not notified of, so that nothing goes round in circles.
    fn may_notify(&mut self) -> Done<bool> {
        let automatic = self.document.first("Auto-Submitted").is_some_and(|value| {
            let word = value.split([';', ' ', '(']).next().unwrap_or_default();
            !word.trim().eq_ignore_ascii_case("no")
        });
        if automatic {
            self.note(|| "notify: the message was sent automatically, so nobody is told".into());
        }
        Ok(!automatic)
    }

    pub(super) fn is_valid_method(&mut self, uri: &str) -> Done<bool> {
        if mailto::problem(uri).is_some() {
            return Ok(false);
        }
        match is_mailto(uri) {
            true => Ok(true),
            false => Ok(self.host.notify_method_is_valid(uri)?),
        }
    }

    /// RFC 5435 §5. Of a mailto address nobody knows whether someone sits before it (RFC 5436 §2.8).
    pub(super) fn notify_capability(
        &mut self,
        uri: &Text,
        capability: &Text,
        criterion: &Criterion,
    ) -> Done<bool> {
        let uri = self.expand(uri)?;
        let capability = self.expand(capability)?.to_ascii_lowercase();
        if !self.is_valid_method(&uri)? {
            return Ok(false);
        }
        let value = match is_mailto(&uri) {
            true if capability == "online" => Some("maybe".to_owned()),
            true => None,
            false => self.host.notify_capability(&uri, &capability)?,
        };
        self.compare_strings(criterion, value.into_iter().collect())
    }

    pub(super) fn old_notify(&mut self, notify: &code::OldNotify) -> Done<()> {
        let method = self
            .expand_some(notify.method.as_ref())?
            .unwrap_or_else(|| "mailto".into());
        let id = self.expand_some(notify.id.as_ref())?;
        let options = self.expand_all(&notify.options)?;
        if !method.eq_ignore_ascii_case("mailto") {
            return Err(Failure::script(format!(
                "{method:?} is no method to notify that is known here"
            )));
        }
        let target = Mailto {
            to: options
                .iter()
                .map(|text| one_address(text))
                .collect::<Done<_>>()?,
            ..Mailto::default()
        };
        if target.to.is_empty() {
            return Err(Failure::script("notify needs an address in :options"));
        }
        let template = self.expand_some(notify.message.as_ref())?;
        let message = self.fill(template.as_deref().unwrap_or("$from$: $subject$"))?;
        if !self.may_notify()? || !self.host.mailto_is_valid(&target)? {
            return Ok(());
        }
        let action = Action::Notify(Box::new(Notify {
            method: NotifyMethod::Mailto(target),
            from: None,
            importance: notify.importance,
            options: Vec::new(),
            message: Some(message),
            fcc: None,
        }));
        self.old_perform(id, action)
    }

    fn old_perform(&mut self, id: Option<String>, action: Action) -> Done<()> {
        let limit = self.run.limits.actions;
        if self.actions.len() + self.notifications.len() >= limit {
            return Err(Failure::limit(format!(
                "there are more than {limit} actions"
            )));
        }
        self.note(|| crate::render::action(&action));
        let performed = self.performed(action);
        self.notifications.push((id, performed));
        Ok(())
    }

    /// `$from$`, `$env-from$`, `$subject$`, `$text$` and `$text[n]$` in a message.
    fn fill(&mut self, template: &str) -> Done<String> {
        let mut out = String::new();
        let mut rest = template;
        while let Some((before, after)) = rest.split_once('$') {
            out.push_str(before);
            let named = after.split_once('$');
            match named.map(|(name, _)| self.filling(name)).transpose()? {
                Some(Some(value)) => out.push_str(&value),
                // A dollar sign like any other.
                _ => {
                    out.push('$');
                    rest = after;
                    continue;
                }
            }
            rest = named.map_or("", |(_, rest)| rest);
        }
        out.push_str(rest);
        Ok(out)
    }

    /// What stands for `$name$`.
    fn filling(&mut self, name: &str) -> Done<Option<String>> {
        let field = |name| self.document.first(name).unwrap_or_default().to_owned();
        Ok(Some(match name {
            "from" => field("From"),
            "subject" => field("Subject"),
            "env-from" => self.run.envelope.from.clone(),
            text if text.starts_with("text") => self.beginning(text)?,
            _ => return Ok(None),
        }))
    }

    /// `text[100]`: so many octets of the text.
    fn beginning(&mut self, wanted: &str) -> Done<String> {
        let number = wanted
            .strip_prefix("text[")
            .and_then(|rest| rest.strip_suffix(']'));
        let limit = number
            .and_then(|number| number.parse().ok())
            .unwrap_or(500_usize)
            .min(4096);
        self.load_parts()?;
        let texts = self
            .document
            .parts
            .as_ref()
            .map(|parts| parts.texts(self.document.octets(), limit));
        Ok(texts
            .unwrap_or_default()
            .into_iter()
            .next()
            .unwrap_or_default())
    }

    pub(super) fn denotify(&mut self, denotify: &code::Denotify) -> Done<()> {
        let mut kept = Vec::new();
        for (id, performed) in std::mem::take(&mut self.notifications) {
            let importance = denotify
                .importance
                .is_none_or(|wanted| has_importance(&performed, wanted));
            let same_id = match (&denotify.id, &id) {
                (None, _) => true,
                (Some(_), None) => false,
                (Some(criterion), Some(id)) => self.compare(criterion, std::slice::from_ref(id))?,
            };
            if !(importance && same_id) {
                kept.push((id, performed));
            }
        }
        self.notifications = kept;
        Ok(())
    }
}

fn has_importance(performed: &Performed, wanted: crate::action::Importance) -> bool {
    matches!(&performed.action, Action::Notify(notify) if notify.importance == wanted)
}

fn is_mailto(uri: &str) -> bool {
    uri.get(..7)
        .is_some_and(|scheme| scheme.eq_ignore_ascii_case("mailto:"))
}
