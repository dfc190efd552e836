//! Whom to tell about what happened to a message (RFC 3461 §4.1, §5.2; RFC 5321 §4.5.5: never about a notice).

/// RFC 3461 NOTIFY as the store keeps it: 1 SUCCESS, 2 FAILURE, 4 DELAY, 8 NEVER; 0 if the client said nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Notify(pub u8);

const SUCCESS: u8 = 1;
const FAILURE: u8 = 2;
const DELAY: u8 = 4;
const NEVER: u8 = 8;

/// What a sender may be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// It failed for good.
    Failed,
    /// It has not worked so far.
    Delayed,
    /// It is in a mailbox here.
    Delivered,
    /// Another server has it, and that one does not tell of success.
    Relayed,
}

impl Notify {
    /// Does the sender want to hear of this? Without NOTIFY: of failure and delay.
    pub fn wants(self, event: Event) -> bool {
        let bit = match event {
            Event::Failed => FAILURE,
            Event::Delayed => DELAY,
            Event::Delivered | Event::Relayed => SUCCESS,
        };
        match self.0 {
            0 => bit != SUCCESS,
            asked if asked & NEVER != 0 => false,
            asked => asked & bit != 0,
        }
    }

    /// Its value as a parameter, to pass it on; `None` if the client said nothing.
    pub fn parameter(self) -> Option<String> {
        if self.0 & NEVER != 0 {
            return Some("NEVER".to_string());
        }
        let names = [(SUCCESS, "SUCCESS"), (FAILURE, "FAILURE"), (DELAY, "DELAY")];
        let asked: Vec<&str> = names
            .into_iter()
            .filter(|(bit, _)| self.0 & bit != 0)
            .map(|(_, name)| name)
            .collect();
        (!asked.is_empty()).then(|| asked.join(","))
    }
}

/// Is a notice due? C15: there is none about a message that is a notice itself, which shows in its null reverse-path.
pub fn is_due(reverse_path: Option<&str>, notify: Notify, event: Event) -> bool {
    reverse_path.is_some_and(|path| !path.is_empty()) && notify.wants(event)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 3461 §4.1: the default is FAILURE, and DELAY if the server likes.
    #[test]
    fn rfc_3461_4_1_defaults() {
        let nothing_said = Notify(0);
        assert!(nothing_said.wants(Event::Failed) && nothing_said.wants(Event::Delayed));
        assert!(!nothing_said.wants(Event::Relayed) && !nothing_said.wants(Event::Delivered));
        assert_eq!(nothing_said.parameter(), None);
    }

    /// A32, RFC 3461 §4.1: exactly what is listed, and nothing at all with NEVER.
    #[test]
    fn rfc_3461_4_1_what_is_asked_for() {
        let success_only = Notify(SUCCESS);
        assert!(success_only.wants(Event::Relayed) && success_only.wants(Event::Delivered));
        assert!(!success_only.wants(Event::Failed) && !success_only.wants(Event::Delayed));
        assert!(
            !Notify(NEVER).wants(Event::Failed) && !Notify(NEVER | FAILURE).wants(Event::Failed)
        );
        assert_eq!(
            Notify(FAILURE | DELAY).parameter().unwrap(),
            "FAILURE,DELAY"
        );
        assert_eq!(Notify(NEVER).parameter().unwrap(), "NEVER");
    }

    /// C15.
    #[test]
    fn c15_no_bounce_to_a_bounce() {
        assert!(is_due(Some("a@example.com"), Notify(0), Event::Failed));
        assert!(!is_due(None, Notify(FAILURE), Event::Failed));
        assert!(!is_due(Some(""), Notify(0), Event::Delayed));
    }
}
