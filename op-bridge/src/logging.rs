//! Logs: text, text in colours, or JSON lines; at three levels.
//!
//! The level applies to this project's own crates. Libraries log at `info` and above whatever the level,
//! because some of them write headers at lower levels, and headers carry the bearer token.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::io;

use serde::Serialize;
use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::format::{FormatEvent, FormatFields, JsonFields, Writer};
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormattedFields, MakeWriter};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer, Registry};

/// What the level applies to: the crates and binaries of this workspace.
const OWN_TARGETS: [&str; 5] = ["op_bridge", "op_scim_bridge", "scim_core", "scim_filter", "scim_server"];

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// Text without colours.
    Text,
    /// Text with colours.
    Pretty,
    /// One JSON object a line: `time`, `level`, `message`, `target`, and the fields of the event and of the
    /// spans around it.
    Json,
}

/// How much is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Level {
    /// What an administrator should know.
    Info,
    /// What helps to find a fault.
    Debug,
    /// Every step.
    Trace,
}

/// How to log. Complete by definition.
///
/// # Examples
///
/// ```
/// use op_bridge::logging::{Format, Level, Logging};
///
/// let logging = Logging { format: Format::Json, level: Level::Info };
/// tracing::subscriber::with_default(logging.subscriber(std::io::sink), || {
///     tracing::info!(port = 3002, "listening");
/// });
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Logging {
    /// How lines look.
    pub format: Format,
    /// How much is logged.
    pub level: Level,
}

impl Logging {
    /// Logs to standard error from now on, for the whole process.
    ///
    /// # Errors
    ///
    /// [`AlreadyLogging`] if something else in the process has set up logging before.
    pub fn start(self) -> Result<(), AlreadyLogging> {
        self.subscriber(io::stderr).try_init().map_err(|_| AlreadyLogging)
    }

    /// The same, writing to `writer`, to be used for a part of a program.
    pub fn subscriber<W>(self, writer: W) -> impl Subscriber + Send + Sync
    where
        W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
    {
        let level = match self.level {
            Level::Info => LevelFilter::INFO,
            Level::Debug => LevelFilter::DEBUG,
            Level::Trace => LevelFilter::TRACE,
        };
        let filter = Targets::new()
            .with_default(LevelFilter::INFO)
            .with_targets(OWN_TARGETS.map(|target| (target, level)));
        let lines = tracing_subscriber::fmt::layer().with_writer(writer);
        let lines: Box<dyn Layer<Registry> + Send + Sync> = match self.format {
            Format::Text => lines.with_ansi(false).boxed(),
            Format::Pretty => lines.with_ansi(true).boxed(),
            Format::Json => {
                lines.with_ansi(false).fmt_fields(JsonFields::new()).event_format(JsonLine).boxed()
            }
        };
        tracing_subscriber::registry().with(lines.with_filter(filter))
    }
}

/// Logging was set up before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("logging has been set up already")]
pub struct AlreadyLogging;

/// Writes an event as one JSON object.
struct JsonLine;

#[derive(Serialize)]
struct Line {
    time: String,
    level: &'static str,
    message: String,
    target: Cow<'static, str>,
    #[serde(flatten)]
    fields: BTreeMap<String, Value>,
}

impl<S, N> FormatEvent<S, N> for JsonLine
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut time = String::new();
        SystemTime.format_time(&mut Writer::new(&mut time))?;
        let mut fields = Fields::default();
        // The outermost span first, so that the event and inner spans win.
        for span in context.event_scope().into_iter().flat_map(|scope| scope.from_root()) {
            let extensions = span.extensions();
            let recorded = extensions.get::<FormattedFields<N>>().map(|fields| fields.fields.as_str());
            if let Some(Ok(recorded)) = recorded.map(serde_json::from_str::<Map<String, Value>>) {
                fields.0.extend(recorded);
            }
        }
        event.record(&mut fields);
        let message = match fields.0.remove("message") {
            Some(Value::String(message)) => message,
            Some(other) => other.to_string(),
            None => String::new(),
        };
        // Of a library that logs through the crate `log`: it has its name in a field, and says where in its source it
        // is, which is the path on the machine that built it.
        let library = match fields.0.remove("log.target") {
            Some(Value::String(library)) => Some(library),
            _ => None,
        };
        let not_wanted = ["time", "level", "target", "log.module_path", "log.file", "log.line"];
        fields.0.retain(|name, _| !not_wanted.contains(&name.as_str()));
        let line = Line {
            time,
            level: match *event.metadata().level() {
                tracing::Level::ERROR => "error",
                tracing::Level::WARN => "warn",
                tracing::Level::INFO => "info",
                tracing::Level::DEBUG => "debug",
                tracing::Level::TRACE => "trace",
            },
            message,
            target: library.map_or(Cow::Borrowed(event.metadata().target()), Cow::Owned),
            fields: fields.0,
        };
        writeln!(writer, "{}", serde_json::to_string(&line).map_err(|_| fmt::Error)?)
    }
}

/// Collects the fields of an event as JSON.
#[derive(Default)]
struct Fields(BTreeMap<String, Value>);

impl Fields {
    fn put(&mut self, field: &Field, value: impl Into<Value>) {
        self.0.insert(field.name().to_owned(), value.into());
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value);
    }

    fn record_error(&mut self, field: &Field, error: &(dyn std::error::Error + 'static)) {
        let mut text = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            text.push_str(": ");
            text.push_str(&error.to_string());
            cause = error.source();
        }
        self.put(field, text);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Buffer(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Buffer {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(format: Format, level: Level, work: impl FnOnce()) -> String {
        let buffer = Buffer::default();
        let writer = buffer.clone();
        let subscriber = Logging { format, level }.subscriber(move || writer.clone());
        tracing::subscriber::with_default(subscriber, work);
        let bytes = buffer.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn json_lines_have_time_level_message_and_fields() {
        let text = logged(Format::Json, Level::Info, || {
            let error = crate::account::AccountError::unavailable("no luck", "broken pipe");
            let span = tracing::info_span!("request", id = "r1", time = "wrong");
            let _entered = span.enter();
            tracing::info!(count = 3, ok = true, "line\nbreak");
            tracing::warn!(error = &error as &dyn std::error::Error, "failed");
        });
        let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), 2);
        assert_eq!(lines[0]["level"], "info");
        assert_eq!(lines[0]["message"], "line\nbreak");
        assert_eq!(
            (&lines[0]["count"], &lines[0]["ok"], &lines[0]["id"]),
            (&3.into(), &true.into(), &"r1".into())
        );
        chrono::DateTime::parse_from_rfc3339(lines[0]["time"].as_str().unwrap()).unwrap();
        assert_eq!(lines[1]["level"], "warn");
        assert_eq!(lines[1]["error"], "the account is not available: no luck: broken pipe");
        assert!(text.starts_with("{\"time\":\""), "the time comes first");
    }

    #[test]
    fn json_lines_of_libraries_have_no_source_paths() {
        let text = logged(Format::Json, Level::Info, || {
            let path = "/home/builder/.cargo/registry/src/r2d2/src/lib.rs";
            tracing::warn!(
                target: "log",
                { "log.target" = "r2d2", "log.module_path" = "r2d2", "log.file" = path, "log.line" = 7 },
                "busy"
            );
        });
        let line: Map<String, Value> = serde_json::from_str(&text).unwrap();
        let keys: Vec<&String> = line.keys().collect();
        assert_eq!(keys, ["level", "message", "target", "time"], "{text}");
        assert_eq!((&line["target"], &line["message"]), (&"r2d2".into(), &"busy".into()));
    }

    #[test]
    fn text_has_colours_only_when_asked() {
        let work = || tracing::info!("hello");
        assert!(!logged(Format::Text, Level::Info, work).contains('\u{1b}'));
        assert!(logged(Format::Pretty, Level::Info, work).contains('\u{1b}'));
    }

    #[test]
    fn the_level_is_for_our_own_crates() {
        let work = || {
            tracing::info!("own info");
            tracing::debug!("own debug");
            tracing::trace!("own trace");
            tracing::debug!(target: "hyper", "header: secret");
            tracing::info!(target: "hyper", "library info");
        };
        for (level, own) in [
            (Level::Info, &["own info"][..]),
            (Level::Debug, &["own info", "own debug"]),
            (Level::Trace, &["own info", "own debug", "own trace"]),
        ] {
            let text = logged(Format::Text, level, work);
            for message in ["own info", "own debug", "own trace"] {
                assert_eq!(text.contains(message), own.contains(&message), "{level:?} {message}");
            }
            assert!(text.contains("library info") && !text.contains("secret"), "{level:?}");
        }
    }
}
