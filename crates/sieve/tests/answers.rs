//! `vacation` (RFC 5230, RFC 6131), `notify` (RFC 5435, RFC 5436, and the older one), `:fcc` (RFC 8580).

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test may fail by panicking

mod support;

use sieve::{Action, Envelope, NotifyMethod, Vacation};
use support::{Facts, joined, outcome, outcome_of, problems, run};

const MESSAGE: &str = "From: sender@example.net
To: me@example.com
Subject: Cyrus bug
Message-ID: <1@example.net>
References: <0@example.net>

Hello
";

fn answer(vacation: &str, message: &str) -> Option<Vacation> {
    let outcome = outcome(
        &format!(
            "require [\"vacation\", \"vacation-seconds\", \"variables\", \"fcc\", \"mailbox\"]; {vacation}"
        ),
        message,
        &mut Facts::default(),
    );
    assert!(outcome.error.is_none(), "{:?}", outcome.error);
    outcome
        .actions
        .into_iter()
        .find_map(|performed| match performed.action {
            Action::Vacation(answer) => Some(*answer),
            _ => None,
        })
}

/// H9
#[test]
fn rfc5230_section_4_h9_the_answer() {
    let answer = answer("vacation \"I'm away until October 19.\";", MESSAGE).unwrap();
    assert_eq!(answer.to, "sender@example.net");
    assert_eq!(answer.recipient, "me@example.com");
    assert_eq!(answer.subject, "Auto: Cyrus bug");
    assert_eq!(answer.reason, "I'm away until October 19.");
    assert_eq!(answer.in_reply_to.as_deref(), Some("<1@example.net>"));
    assert_eq!(
        answer.references.as_deref(),
        Some("<0@example.net> <1@example.net>")
    );
    assert_eq!(answer.period, 7 * 86_400);
    assert_eq!((answer.from, answer.mime), (None, false));
}

#[test]
fn rfc5230_section_4_1_days_and_rfc6131_seconds() {
    let period = |tags: &str| {
        answer(&format!("vacation {tags} \"x\";"), MESSAGE)
            .unwrap()
            .period
    };
    assert_eq!(period(":days 23"), 23 * 86_400);
    assert_eq!(period(":days 0"), 86_400);
    assert_eq!(period(":days 100000"), 365 * 86_400);
    assert_eq!(period(":seconds 1800"), 1800);
    assert_eq!(period(":seconds 0"), 60);
    assert!(
        problems("require \"vacation-seconds\"; vacation :days 1 :seconds 5 \"x\";")
            .contains("exclude each other")
    );
}

#[test]
fn rfc5230_section_4_2_what_is_the_same_answer() {
    let key = |vacation: &str| answer(vacation, MESSAGE).unwrap().key;
    assert_eq!(
        key("vacation :handle \"h\" \"one\";"),
        key("vacation :handle \"h\" \"two\";")
    );
    assert_ne!(key("vacation \"one\";"), key("vacation \"two\";"));
    assert_ne!(
        key("vacation \"one\";"),
        key("vacation :subject \"s\" \"one\";")
    );
    assert_ne!(key("vacation \"one\";"), key("vacation :mime \"one\";"));
    // A variable in it does not make every answer a new one.
    let with = |value: &str| {
        key(&format!(
            "set \"v\" \"{value}\"; vacation \"about ${{v}}\";"
        ))
    };
    assert_eq!(with("a"), with("b"));
}

/// H9
#[test]
fn rfc5230_section_4_5_h9_only_mail_to_the_user() {
    assert!(
        answer(
            "vacation \"x\";",
            "From: a@b.example\nTo: someone@else.example\n\n"
        )
        .is_none()
    );
    assert!(
        answer(
            "vacation \"x\";",
            "From: a@b.example\nTo: other@x.example\nCc: Me <ME@Example.com>\n\n"
        )
        .is_some()
    );
    assert!(
        answer(
            "vacation :addresses [\"tjs@example.edu\"] \"x\";",
            "From: a@b.example\nTo: tjs@example.edu\n\n"
        )
        .is_some()
    );
    let mut facts = Facts {
        own: vec!["alias@example.com"],
        ..Facts::default()
    };
    let outcome = outcome(
        "require \"vacation\"; vacation \"x\";",
        "From: a@b.example\nTo: alias@example.com\n\n",
        &mut facts,
    );
    assert!(joined(&outcome).starts_with("vacation to \"sender@example.net\""));
}

/// H9
#[test]
fn rfc5230_section_4_6_h9_never_lists_bounces_or_programs() {
    for field in [
        "List-Id: <x.example>",
        "List-Unsubscribe: <mailto:x@y.example>",
        "Auto-Submitted: auto-generated",
        "Auto-Submitted: auto-replied (vacation)",
        "Precedence: bulk",
        "Precedence: list",
        "X-Auto-Response-Suppress: OOF, AutoReply",
    ] {
        assert!(
            answer("vacation \"x\";", &format!("{field}\n{MESSAGE}")).is_none(),
            "{field}"
        );
    }
    assert!(answer("vacation \"x\";", &format!("Auto-Submitted: no\n{MESSAGE}")).is_some());
    for from in [
        "",
        "owner-x@y.example",
        "x-request@y.example",
        "MAILER-DAEMON@y.example",
        "me@example.com",
        "not an address",
        "bounces+abc@y.example",
    ] {
        let envelope = Envelope::new(from, "me@example.com");
        let outcome = outcome_of(
            "require \"vacation\"; vacation \"x\";",
            MESSAGE,
            &envelope,
            &mut Facts::default(),
        );
        assert_eq!(joined(&outcome), "keep", "{from}");
        assert!(
            outcome
                .trace
                .iter()
                .any(|line| line.what.contains("no answer")),
            "{from}"
        );
    }
}

#[test]
fn rfc5230_section_4_7_once_and_not_with_reject() {
    assert!(
        run(
            "require \"vacation\"; vacation \"x\"; vacation \"y\";",
            MESSAGE
        )
        .contains("once only")
    );
    assert!(
        run(
            "require [\"vacation\", \"reject\"]; vacation \"x\"; reject \"y\";",
            MESSAGE
        )
        .contains("exclude each other")
    );
    assert!(
        run(
            "require [\"vacation\", \"reject\"]; reject \"y\"; vacation \"x\";",
            MESSAGE
        )
        .contains("after the message was rejected")
    );
    assert!(
        problems("require \"vacation\"; vacation :from \"nobody\" \"x\";")
            .contains("is no address")
    );
}

#[test]
fn rfc8580_fcc() {
    let answer = answer("vacation :fcc \"Sent\" :create \"x\";", MESSAGE).unwrap();
    let fcc = answer.fcc.unwrap();
    assert_eq!((fcc.mailbox.as_str(), fcc.create), ("Sent", true));
    assert!(
        problems("require [\"vacation\", \"fcc\", \"mailbox\"]; vacation :create \"x\";")
            .contains("no tag `:create`")
    );
}

/// H19
#[test]
fn rfc5435_section_3_h19_notify() {
    let script = "require [\"enotify\", \"fileinto\", \"variables\"];
        if header :contains \"from\" \"sender@example.net\" {
            notify :importance \"3\" :message \"This is probably very important\" \"mailto:alm@example.com\";
        }";
    assert_eq!(
        run(script, MESSAGE),
        "notify \"mailto:alm@example.com\" importance 3 message \"This is probably very important\" | keep"
    );
    let script = "require [\"enotify\", \"variables\"]; set :encodeurl \"m\" \"a & b\";
        notify :from \"me@example.com\" :options [\"a=b\"] \"mailto:0123456789@sms.example.net?to=backup@example.com&subject=x&body=${m}\";";
    let outcome = outcome(script, MESSAGE, &mut Facts::default());
    let Action::Notify(notify) = &outcome.actions[0].action else {
        panic!("{outcome:?}")
    };
    let NotifyMethod::Mailto(mailto) = &notify.method else {
        panic!("{notify:?}")
    };
    assert_eq!(
        mailto.to,
        ["0123456789@sms.example.net", "backup@example.com"]
    );
    assert_eq!(mailto.body.as_deref(), Some("a & b"));
    assert_eq!(notify.options, ["a=b"]);
}

#[test]
fn rfc5435_other_methods() {
    assert_eq!(
        run(
            "require \"enotify\"; notify \"xmpp:tim@example.com\";",
            MESSAGE
        ),
        "notify \"xmpp:tim@example.com\" | keep"
    );
    assert!(
        run("require \"enotify\"; notify \"tel:1\";", MESSAGE)
            .contains("no method to notify that is known here")
    );
    assert!(problems("require \"enotify\"; notify \"mailto:x\";").contains("is no method"));
    assert!(
        problems("require \"enotify\"; notify :importance \"9\" \"mailto:a@b.example\";")
            .contains("\"1\", \"2\" or \"3\"")
    );
    assert!(support::holds(
        "valid_notify_method [\"mailto:a@b.example\", \"xmpp:x\"]",
        MESSAGE
    ));
    assert!(!support::holds(
        "valid_notify_method [\"mailto:a@b.example\", \"tel:1\"]",
        MESSAGE
    ));
    assert!(support::holds(
        "notify_method_capability \"xmpp:x\" \"Online\" \"yes\"",
        MESSAGE
    ));
    assert!(support::holds(
        "notify_method_capability \"mailto:a@b.example\" \"online\" \"maybe\"",
        MESSAGE
    ));
}

/// H19
#[test]
fn rfc5436_h19_no_loop() {
    let script =
        "require \"enotify\"; notify \"mailto:a@b.example\"; notify \"mailto:a@b.example\";";
    assert_eq!(run(script, MESSAGE), "notify \"mailto:a@b.example\" | keep");
    assert_eq!(
        run(script, &format!("Auto-Submitted: auto-notified\n{MESSAGE}")),
        "keep"
    );
}

#[test]
fn the_older_notify() {
    let notify = |commands: &str| run(&format!("require \"notify\"; {commands}"), MESSAGE);
    assert_eq!(
        notify("notify :low :options \"a@b.example\";"),
        "notify \"mailto:a@b.example\" importance 3 message \"sender@example.net: Cyrus bug\" | keep"
    );
    assert_eq!(
        notify(
            "notify :method \"mailto\" :options \"a@b.example\" :message \"$env-from$: $text[3]$ $x$\";"
        ),
        "notify \"mailto:a@b.example\" message \"sender@example.net: Hel $x$\" | keep"
    );
    assert_eq!(
        notify("notify :id \"foobar\" :options \"a@b.example\"; denotify :matches \"foo*\";"),
        "keep"
    );
    assert_eq!(
        notify("notify :high :options \"a@b.example\"; denotify :high;"),
        "keep"
    );
    assert!(
        notify("notify :id \"x\" :options \"a@b.example\"; denotify \"y\";").starts_with("notify")
    );
    assert!(problems("require [\"notify\", \"enotify\"];").contains("exclude each other"));
}
