//! Outcomes as text: one stable line per action, and the trace. For trial runs, for logs and for explanations.

use crate::action::{Action, FileInto, Importance, NotifyMethod, Redirect, RedirectTo, Vacation};
use crate::run::{Outcome, TraceLine};
use crate::syntax::quote;
use std::fmt::Write;

/// One line per action, then one for the error if there is one; every line ends in a line feed.
pub fn lines(outcome: &Outcome) -> String {
    let mut out = String::new();
    for performed in &outcome.actions {
        out.push_str(&action(&performed.action));
        out.push('\n');
    }
    if let Some(error) = &outcome.error {
        out.push_str(&format!("error {error}\n"));
    }
    out
}

/// The trace, a line each: `user 3:5 header: true`.
pub fn trace(outcome: &Outcome) -> String {
    let line = |line: &TraceLine| {
        format!(
            "{} {}:{} {}\n",
            line.script, line.place.line, line.place.column, line.what
        )
    };
    outcome.trace.iter().map(line).collect()
}

/// An action on one line: `fileinto "Lists"`, `keep flags (\Seen)`, `reject "…"`.
pub fn action(action: &Action) -> String {
    match action {
        Action::Keep(keep) => format!("keep{}", flags(&keep.flags)),
        Action::FileInto(file) => format!("fileinto {}", file_into(file)),
        Action::Redirect(to) => redirect(to),
        Action::Reject(reject) => {
            let name = if reject.ereject { "ereject" } else { "reject" };
            format!("{name} {}", quoted(&reject.reason))
        }
        Action::Discard => "discard".into(),
        Action::Vacation(answer) => vacation(answer),
        Action::Notify(notify) => {
            let mut out = format!("notify {}", quoted(&method(&notify.method)));
            if notify.importance != Importance::Normal {
                let _ = write!(out, " importance {}", notify.importance as u8);
            }
            text(&mut out, "message", notify.message.as_deref());
            out
        }
        Action::Pipe(pipe) => {
            let arguments: Vec<String> = pipe.arguments.iter().map(|a| quoted(a)).collect();
            let mut out = format!("pipe {}", quoted(&pipe.program));
            if !arguments.is_empty() {
                let _ = write!(out, " [{}]", arguments.join(", "));
            }
            word(&mut out, "copy", pipe.copy);
            word(&mut out, "try", pipe.lenient);
            out
        }
        Action::Report(report) => {
            format!(
                "report {} to {}",
                quoted(&report.feedback_type),
                quoted(&report.address)
            )
        }
    }
}

/// A string in quotes on one line.
fn quoted(value: &str) -> String {
    let mut out = String::new();
    quote(&mut out, value);
    out.replace("\r\n", "\\n").replace(['\n', '\r'], "\\n")
}

fn flags(flags: &[String]) -> String {
    match flags {
        [] => String::new(),
        flags => format!(" flags ({})", flags.join(" ")),
    }
}

fn word(out: &mut String, name: &str, present: bool) {
    if present {
        out.push(' ');
        out.push_str(name);
    }
}

fn text(out: &mut String, name: &str, value: Option<&str>) {
    if let Some(value) = value {
        let _ = write!(out, " {name} {}", quoted(value));
    }
}

fn file_into(file: &FileInto) -> String {
    let mut out = quoted(&file.mailbox);
    out.push_str(&flags(&file.flags));
    text(&mut out, "special-use", file.special_use.as_deref());
    text(&mut out, "mailboxid", file.mailbox_id.as_deref());
    word(&mut out, "create", file.create);
    word(&mut out, "copy", file.copy);
    out
}

fn redirect(redirect: &Redirect) -> String {
    let mut out = match &redirect.to {
        RedirectTo::Address(address) => format!("redirect {}", quoted(address)),
        RedirectTo::List(list) => format!("redirect list {}", quoted(list)),
    };
    text(&mut out, "notify", redirect.notify.as_deref());
    text(&mut out, "ret", redirect.ret.as_deref());
    if let Some(by) = &redirect.by {
        let mode = if by.or_return { "return" } else { "notify" };
        let _ = write!(out, " by {} {mode}", by.seconds);
        word(&mut out, "trace", by.trace);
    }
    word(&mut out, "copy", redirect.copy);
    out
}

fn vacation(answer: &Vacation) -> String {
    let mut out = format!(
        "vacation to {} subject {}",
        quoted(&answer.to),
        quoted(&answer.subject)
    );
    text(&mut out, "from", answer.from.as_deref());
    let _ = write!(out, " seconds {}", answer.period);
    word(&mut out, "mime", answer.mime);
    text(&mut out, "text", Some(&answer.reason));
    if let Some(fcc) = &answer.fcc {
        let _ = write!(out, " fcc {}", file_into(fcc));
    }
    out
}

fn method(method: &NotifyMethod) -> String {
    match method {
        NotifyMethod::Other(uri) => uri.clone(),
        NotifyMethod::Mailto(mailto) => {
            let all = mailto.to.iter().chain(&mailto.cc).chain(&mailto.bcc);
            let all: Vec<&str> = all.map(String::as_str).collect();
            format!("mailto:{}", all.join(","))
        }
    }
}
