//! Logs: one event is one line on standard error, `name=value` pairs or JSON (X27).
//!
//! The fields of the spans an event is in (`sid=` of a session, `mid=` of a message) stand on its line. Whatever comes from outside is
//! escaped, so that a crafted name can forge neither a field nor a line (X28). Nothing here knows what is secret: who logs must not
//! hand over passwords.
//!
//! Lines go through a bounded queue to a thread that writes them. If that cannot keep up, lines are left out and their number is logged.

mod line;
mod writer;

use crate::config::LogSettings;
use line::{Form, Line};
use std::fmt;
use std::sync::OnceLock;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Subscriber};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{Layer, Registry, reload};
use writer::Writer;

pub use writer::Flush;

static LEVEL: OnceLock<reload::Handle<Targets, Registry>> = OnceLock::new();

/// Starts logging for this process. Keep what is returned until the end: dropping it writes what is still queued.
/// A second call changes nothing and returns `None`.
pub fn start(settings: &LogSettings) -> Option<Flush> {
    let (filter, handle) = reload::Layer::new(targets(&settings.level));
    let form = if settings.json {
        Form::Json
    } else {
        Form::Text
    };
    let (writer, flush) = Writer::start(if settings.json {
        |n| lost(Form::Json, n)
    } else {
        |n| lost(Form::Text, n)
    })
    .ok()?;
    let subscriber = tracing_subscriber::registry()
        .with(filter)
        .with(Lines { form, writer });
    tracing::subscriber::set_global_default(subscriber).ok()?;
    let _ = LEVEL.set(handle);
    log_panics();
    Some(flush)
}

fn lost(form: Form, lines: u64) -> String {
    let message = format!("{lines} log lines lost, since they could not be written fast enough");
    Line::of(form, &message).finish(jiff::Timestamp::now(), tracing::Level::ERROR)
}

/// Changes what is logged from now on.
pub(crate) fn set_level(level: &str) {
    if let Some(handle) = LEVEL.get() {
        let _ = handle.reload(targets(level));
    }
}

/// The settings were checked when they were read, so that the fallback is never needed.
fn targets(level: &str) -> Targets {
    level
        .parse()
        .unwrap_or_else(|_| Targets::new().with_default(tracing::Level::INFO))
}

/// A panic is a fault of ours: it goes to the log like everything else, and not to a terminal nobody reads.
fn log_panics() {
    std::panic::set_hook(Box::new(|info| {
        let place = info.location().map(ToString::to_string).unwrap_or_default();
        let payload = info.payload();
        let text = payload
            .downcast_ref::<&str>()
            .copied()
            .or_else(|| payload.downcast_ref::<String>().map(String::as_str));
        tracing::error!(
            place,
            error = text.unwrap_or("unknown"),
            "panic: this is a fault of the program, please report it"
        );
    }));
}

/// Makes lines of events.
struct Lines {
    form: Form,
    writer: Writer,
}

/// The fields of a span, ready to be appended to a line.
struct SpanFields(Line);

impl<S> Layer<S> for Lines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = Line::new(self.form);
        attributes.record(&mut fields);
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(SpanFields(fields));
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(SpanFields(fields)) = span.extensions_mut().get_mut()
        {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut line = Line::new(self.form);
        event.record(&mut line);
        for span in context.event_scope(event).into_iter().flatten() {
            if let Some(SpanFields(fields)) = span.extensions().get() {
                line.append(fields);
            }
        }
        let now = jiff::Timestamp::now();
        self.writer
            .write(line.finish(now, *event.metadata().level()));
    }
}

impl fmt::Debug for Lines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Lines")
    }
}
