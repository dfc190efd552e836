//! The text of one log line.

use std::fmt::{self, Write};
use tracing::Level;
use tracing::field::{Field, Visit};

/// How lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// `TIME LEVEL message name=value name="value with blanks"`.
    Text,
    /// `{"time":…,"level":…,"message":…,"name":…}`.
    Json,
}

/// Fields whose values are always quoted, so that filters can rely on it (X28).
const ALWAYS_QUOTED: [&str; 3] = ["user", "from", "to"];

/// A line, or the fields of a span, in the making.
#[derive(Debug)]
pub(super) struct Line {
    form: Form,
    message: String,
    /// Each field's name, and its final form with what parts it from the one before.
    fields: Vec<(&'static str, String)>,
}

impl Line {
    pub(super) fn new(form: Form) -> Line {
        Line {
            form,
            message: String::new(),
            fields: Vec::new(),
        }
    }

    /// A line without fields.
    pub(super) fn of(form: Form, message: &str) -> Line {
        Line {
            message: message.into(),
            ..Line::new(form)
        }
    }

    /// Appends the fields of a span that the line does not have itself.
    pub(super) fn append(&mut self, span: &Line) {
        for (name, text) in &span.fields {
            if !self.fields.iter().any(|(own, _)| own == name) {
                self.fields.push((name, text.clone()));
            }
        }
    }

    /// The whole line with its end.
    pub(super) fn finish(self, now: jiff::Timestamp, level: Level) -> String {
        let length: usize = self.fields.iter().map(|(_, text)| text.len()).sum();
        let mut line = String::with_capacity(80 + self.message.len() + length);
        let _ = match self.form {
            Form::Text => write!(line, "{now:.3} {level} {}", self.message),
            Form::Json => write!(
                line,
                "{{\"time\":\"{now:.3}\",\"level\":\"{level}\",\"message\":{}",
                json(&self.message)
            ),
        };
        for (_, text) in &self.fields {
            line.push_str(text);
        }
        line.push_str(if self.form == Form::Json { "}\n" } else { "\n" });
        line
    }

    fn field(&mut self, field: &Field, value: &str) {
        match (field.name(), self.form) {
            ("message", Form::Text) => escape(&mut self.message, value, Quotes::AsTheyAre),
            ("message", Form::Json) => self.message = value.into(),
            // Set by the bridge from the `log` crate; noise to a reader.
            (name, _) if name.starts_with("log.") => {}
            (name, Form::Text) => self.set(name, text_field(name, value)),
            (name, Form::Json) => self.set(name, format!(",{}:{}", json(name), json(value))),
        }
    }

    /// A value that needs no quotes in either form.
    fn plain(&mut self, field: &Field, value: impl fmt::Display) {
        let name = field.name();
        self.set(
            name,
            match self.form {
                Form::Text => format!(" {name}={value}"),
                Form::Json => format!(",{}:{value}", json(name)),
            },
        );
    }

    /// The value recorded last counts.
    fn set(&mut self, name: &'static str, text: String) {
        self.fields.retain(|(own, _)| *own != name);
        self.fields.push((name, text));
    }
}

impl Visit for Line {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.field(field, value);
    }
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.field(field, &format!("{value:?}"));
    }
    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        self.field(field, &value.to_string());
    }
    fn record_u64(&mut self, field: &Field, value: u64) {
        self.plain(field, value);
    }
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.plain(field, value);
    }
    fn record_bool(&mut self, field: &Field, value: bool) {
        match self.form {
            Form::Text => self.plain(field, u8::from(value)),
            Form::Json => self.plain(field, value),
        }
    }
}

fn text_field(name: &str, value: &str) -> String {
    let mut field = format!(" {name}=");
    let bare = |c: char| c.is_ascii_alphanumeric() || ".:-_/+[]".contains(c);
    if !value.is_empty() && value.chars().all(bare) && !ALWAYS_QUOTED.contains(&name) {
        field.push_str(value);
        return field;
    }
    field.push('"');
    escape(&mut field, value, Quotes::Escaped);
    field.push('"');
    field
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Quotes {
    Escaped,
    /// In the message, which stands first and is ours.
    AsTheyAre,
}

/// Line ends, control characters and what else does not print become escapes.
fn escape(line: &mut String, value: &str, quotes: Quotes) {
    for c in value.chars() {
        match c {
            '\'' => line.push(c),
            '"' if quotes == Quotes::AsTheyAre => line.push(c),
            _ => line.extend(c.escape_debug()),
        }
    }
}

fn json(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::super::{Lines, Writer};
    use super::*;
    use tracing_subscriber::layer::SubscriberExt;

    fn logged(form: Form, events: impl FnOnce()) -> Vec<String> {
        let (writer, lines) = Writer::memory();
        tracing::subscriber::with_default(
            tracing_subscriber::registry().with(Lines { form, writer }),
            events,
        );
        lines()
    }

    fn without_time(line: &str) -> &str {
        line.split_once(' ').expect("a time").1
    }

    /// X28: the golden line of a failed log-in.
    #[test]
    fn x28_failed_log_in_line() {
        let lines = logged(Form::Text, || {
            let _session = tracing::info_span!("session", sid = %"0123456789abcdef").entered();
            let (raddr, user) = (std::net::IpAddr::from([203, 0, 113, 9]), "a@b");
            tracing::warn!(proto = "imap", user, %raddr, rport = 51514, mech = "PLAIN", reason = "password", tls = true, "auth failed");
        });
        assert_eq!(
            without_time(&lines[0]),
            "WARN auth failed proto=imap user=\"a@b\" raddr=203.0.113.9 rport=51514 mech=PLAIN reason=password tls=1 sid=0123456789abcdef\n"
        );
        assert!(
            lines[0].starts_with("20") && lines[0].contains("Z WARN"),
            "{}",
            lines[0]
        );
    }

    /// X28: a crafted user name cannot forge a field or a line.
    #[test]
    fn x28_crafted_names_forge_nothing() {
        let crafted = "x\" raddr=192.0.2.1 y=\"\n2026-01-01T00:00:00Z WARN auth failed raddr=192.0.2.2\u{2028}\u{202e}\u{1b}[2J\\";
        let text = logged(Form::Text, || {
            tracing::warn!(user = crafted, raddr = "203.0.113.9", "auth failed")
        });
        assert_eq!(text.len(), 1);
        assert_eq!(
            without_time(&text[0]),
            "WARN auth failed user=\"x\\\" raddr=192.0.2.1 y=\\\"\\n2026-01-01T00:00:00Z WARN auth failed \
             raddr=192.0.2.2\\u{2028}\\u{202e}\\u{1b}[2J\\\\\" raddr=203.0.113.9\n"
        );
        let json = logged(Form::Json, || {
            tracing::warn!(
                user = crafted,
                raddr = "203.0.113.9",
                n = 3,
                ok = false,
                "auth failed"
            )
        });
        let value: serde_json::Value = serde_json::from_str(&json[0]).expect("JSON");
        assert_eq!(json[0].matches('\n').count(), 1);
        assert_eq!(
            (value["user"].as_str(), value["raddr"].as_str()),
            (Some(crafted), Some("203.0.113.9"))
        );
        assert_eq!(
            (value["n"].as_i64(), value["ok"].as_bool()),
            (Some(3), Some(false))
        );
    }

    /// X27: fields recorded later in a span, and those of outer spans, are on each line.
    #[test]
    fn x27_every_line_carries_its_session_and_message() {
        let lines = logged(Form::Text, || {
            let session =
                tracing::info_span!("session", sid = "5e55", user = tracing::field::Empty)
                    .entered();
            tracing::info!("connected");
            session.record("user", "alice");
            let _message = tracing::info_span!("message", mid = "77").entered();
            tracing::info!(sid = "own", "said\nso");
        });
        assert_eq!(without_time(&lines[0]), "INFO connected sid=5e55\n");
        assert_eq!(
            without_time(&lines[1]),
            "INFO said\\nso sid=own mid=77 user=\"alice\"\n"
        );
    }
}
