//! What scripts decided and what is wrong with them, as lines and as JSON. The lines of actions are the `sieve` crate's.

use crate::output::{printable, say};
use serde_json::{Value, json};
use sieve::{
    Action, CompileErrors, FileInto, NotifyMethod, Outcome, Performed, Problem, RedirectTo, Script,
    TraceLine, Vacation,
};
use std::path::Path;

/// `FILE:LINE:COLUMN: what (hint)`, a line each.
pub(super) fn errors(file: &Path, errors: &CompileErrors) {
    problems(file, "", errors.problems());
}

/// `FILE:LINE:COLUMN: warning: what`, a line each.
pub(super) fn warnings(file: &Path, script: &Script) {
    problems(file, "warning: ", script.warnings());
}

fn problems(file: &Path, kind: &str, problems: &[Problem]) {
    for problem in problems {
        let (at, what) = (problem.place, printable(&problem.what));
        let hint = problem.hint.as_ref();
        let hint = hint.map_or(String::new(), |hint| format!(" ({})", printable(hint)));
        let (file, line, column) = (file.display(), at.line, at.column);
        say!("{file}:{line}:{column}: {kind}{what}{hint}");
    }
}

pub(super) fn problems_json(file: &Path, problems: &[Problem]) -> Vec<Value> {
    let each = problems.iter().map(|problem| {
        json!({
            "script": file,
            "line": problem.place.line,
            "column": problem.place.column,
            "message": problem.what,
            "hint": problem.hint,
        })
    });
    each.collect()
}

/// Everything that is known of a run.
pub(super) fn outcome_json(outcome: &Outcome) -> Value {
    let error = outcome.error.as_ref().map(|error| {
        json!({
            "script": &*error.script,
            "line": error.place.line,
            "column": error.place.column,
            "message": error.what,
        })
    });
    let remember = outcome
        .remember
        .iter()
        .map(|kept| json!({"handle": kept.key.handle, "id": kept.key.id, "seconds": kept.seconds}));
    json!({
        "actions": outcome.actions.iter().map(performed).collect::<Vec<_>>(),
        "error": error,
        "remember": remember.collect::<Vec<_>>(),
        "debug": outcome.debug.iter().map(trace_line).collect::<Vec<_>>(),
        "trace": outcome.trace.iter().map(trace_line).collect::<Vec<_>>(),
        "steps": outcome.steps,
    })
}

fn trace_line(line: &TraceLine) -> Value {
    let (script, at) = (&*line.script, line.place);
    json!({"script": script, "line": at.line, "column": at.column, "what": line.what})
}

/// An action with where it was asked for; `text` is its line.
fn performed(performed: &Performed) -> Value {
    let mut value = action(&performed.action);
    value["text"] = sieve::render::action(&performed.action).into();
    if let Some(script) = &performed.script {
        value["script"] = script.as_ref().into();
        value["line"] = performed.place.line.into();
        value["column"] = performed.place.column.into();
    }
    if let Some(version) = &performed.version {
        value["edits"] = version.edits.clone().into();
    }
    value
}

fn action(action: &Action) -> Value {
    match action {
        Action::Keep(keep) => {
            json!({"action": "keep", "flags": keep.flags, "implicit": keep.implicit})
        }
        Action::FileInto(file) => file_into("fileinto", file),
        Action::Redirect(redirect) => {
            let (address, list) = match &redirect.to {
                RedirectTo::Address(address) => (Some(address), None),
                RedirectTo::List(list) => (None, Some(list)),
            };
            let by = redirect.by.as_ref().map(
                |by| json!({"seconds": by.seconds, "trace": by.trace, "return": by.or_return}),
            );
            json!({
                "action": "redirect", "address": address, "list": list, "copy": redirect.copy,
                "notify": redirect.notify, "ret": redirect.ret, "by": by,
            })
        }
        Action::Reject(reject) => {
            let name = if reject.ereject { "ereject" } else { "reject" };
            json!({"action": name, "reason": reject.reason})
        }
        Action::Discard => json!({"action": "discard"}),
        Action::Vacation(answer) => vacation(answer),
        Action::Notify(notify) => json!({
            "action": "notify", "method": method(&notify.method), "from": notify.from,
            "importance": notify.importance as u8, "options": notify.options, "message": notify.message,
        }),
        Action::Pipe(pipe) => json!({
            "action": "pipe", "program": pipe.program, "arguments": pipe.arguments,
            "copy": pipe.copy, "try": pipe.lenient,
        }),
        Action::Report(report) => json!({
            "action": "report", "type": report.feedback_type, "message": report.message,
            "address": report.address, "headers_only": report.headers_only,
        }),
    }
}

fn file_into(name: &str, file: &FileInto) -> Value {
    json!({
        "action": name, "mailbox": file.mailbox, "flags": file.flags, "create": file.create,
        "special_use": file.special_use, "mailbox_id": file.mailbox_id, "copy": file.copy,
    })
}

fn vacation(answer: &Vacation) -> Value {
    json!({
        "action": "vacation", "to": answer.to, "from": answer.from, "subject": answer.subject,
        "reason": answer.reason, "mime": answer.mime, "seconds": answer.period,
        "in_reply_to": answer.in_reply_to, "references": answer.references,
        "fcc": answer.fcc.as_ref().map(|fcc| file_into("fcc", fcc)),
    })
}

fn method(method: &NotifyMethod) -> Value {
    match method {
        NotifyMethod::Other(uri) => json!({"uri": uri}),
        NotifyMethod::Mailto(mailto) => json!({
            "to": mailto.to, "cc": mailto.cc, "bcc": mailto.bcc, "subject": mailto.subject, "body": mailto.body,
        }),
    }
}
