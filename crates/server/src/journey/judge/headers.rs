//! The result fields (I4): `X-Spam`, `X-Spam-Score`, `X-Spam-Status`, `X-Spam-Symbols`, as mail programs and Sieve scripts know them.

use super::Judgement;
use message::header::Field;
use spam::verdict::Action;
use std::fmt::Write as _;

impl Judgement {
    /// The fields, each with its line end; empty if nobody looked.
    pub(in crate::journey) fn fields(&self) -> String {
        let mut text = String::new();
        if !self.judged {
            return text;
        }
        let (score, limits) = (self.verdict.score, &self.thresholds);
        let is_spam = self.action() != Action::Accept;
        if is_spam {
            text.push_str("X-Spam: yes\r\n");
        }
        let answer = if is_spam { "Yes" } else { "No" };
        // Writing to a string cannot fail.
        let _ = write!(
            text,
            "X-Spam-Score: {score:.1} / {:.1}\r\nX-Spam-Status: {answer}, score={score:.1} required={:.1}\r\n",
            limits.refuse, limits.mark
        );
        let symbols = self.verdict.symbols();
        if !symbols.is_empty() {
            let _ = write!(
                text,
                "X-Spam-Symbols: {}\r\n",
                symbols.replace(", ", ",\r\n\t")
            );
        }
        text
    }
}

/// Does a field claim to be such a result, or one of another filter that programs obey?
pub(crate) fn is_result(field: &Field<'_>) -> bool {
    let name = field.name;
    let begins = |prefix: &[u8]| {
        let head = name.get(..prefix.len());
        head.is_some_and(|head| head.eq_ignore_ascii_case(prefix))
    };
    begins(b"X-Spam-") || begins(b"X-Spamd-") || name.eq_ignore_ascii_case(b"X-Spam")
}

#[cfg(test)]
mod tests {
    use super::*;
    use spam::verdict::{Reason, Thresholds};

    fn fields(weights: &[f32]) -> String {
        let reasons = weights
            .iter()
            .map(|weight| Reason::new("TEST", *weight, "x\r\ny"));
        Judgement::of(reasons.collect(), Thresholds::default()).fields()
    }

    /// I4
    #[test]
    fn i04_the_result_is_written() {
        assert_eq!(
            fields(&[8.0, -1.0]),
            "X-Spam: yes\r\nX-Spam-Score: 7.0 / 15.0\r\nX-Spam-Status: Yes, score=7.0 required=6.0\r\n\
             X-Spam-Symbols: TEST(8.00),\r\n\tTEST(-1.00)\r\n"
        );
        assert_eq!(
            fields(&[]),
            "X-Spam-Score: 0.0 / 15.0\r\nX-Spam-Status: No, score=0.0 required=6.0\r\n"
        );
        assert_eq!(Judgement::default().fields(), "");
    }

    /// I4: the same from outside is known.
    #[test]
    fn i04_results_from_outside_are_known() {
        for (field, known) in [
            ("x-spam: yes", true),
            ("X-SPAM-Flag: NO", true),
            ("X-Spamd-Result: x", true),
            ("X-Spammer: x", false),
            ("Subject: X-Spam", false),
        ] {
            let parsed = message::header::fields(field.as_bytes()).next().unwrap();
            assert_eq!(is_result(&parsed), known, "{field}");
        }
    }
}
