//! The kinds of settings: how each is read from TOML into its place in [`Config`], checked, and printed as TOML again.

use super::interfaces::Interfaces;
use super::scalar::{
    parse_duration, parse_listen, parse_name, parse_rate, parse_server, parse_size, print_duration,
    print_rate, print_size,
};
use super::{Certificate, Config, Hidden, ImapRule, Rate, Route};
use crate::fetch::{NotAUrl, Url};
use std::net::{IpAddr, SocketAddr};
use std::ops::{Range, RangeInclusive};
use std::path::{Path, PathBuf};
use std::time::Duration;
use store::Engine;
use toml_edit::{Item, TableLike, Value};

/// Where in [`Config`] a setting lives.
type Place<T> = fn(&mut Config) -> &mut T;

/// A kind of setting, with its place and the range of its values.
#[allow(missing_docs)] // the variants are named as the documentation names the types
pub enum Field {
    Name(Place<String>),
    OptionalName(Place<Option<String>>),
    Text(Place<String>),
    OptionalText(Place<Option<String>>),
    OptionalUrl(Place<Option<Url>>),
    /// What is logged.
    Level(Place<String>),
    Address(Place<Option<String>>),
    Path(Place<PathBuf>),
    OptionalPath(Place<Option<PathBuf>>),
    Flag(Place<bool>),
    /// One of these words; the functions tell and set which.
    Word(
        &'static [&'static str],
        fn(&Config) -> usize,
        fn(&mut Config, usize),
    ),
    Count(Place<u32>, RangeInclusive<u32>),
    /// A number with a fraction.
    Score(Place<f32>, RangeInclusive<f32>),
    Port(Place<u16>),
    Size(Place<u64>, RangeInclusive<u64>),
    Size32(Place<u32>, RangeInclusive<u32>),
    OptionalSize(Place<Option<u64>>),
    /// The range is in seconds.
    Time(Place<Duration>, RangeInclusive<u64>),
    /// At most so many.
    Times(Place<Vec<Duration>>, usize),
    Rate(Place<Rate>),
    Character(Place<Option<char>>),
    /// With the port where none is written.
    Listen(Place<Vec<SocketAddr>>, u16),
    Hosts(Place<Vec<IpAddr>>),
    /// Host or domain names.
    Names(Place<Vec<String>>),
    /// A list of words.
    Words(Place<Vec<String>>),
    /// With the port where none is written.
    Servers(Place<Vec<SocketAddr>>, u16),
    Engine(Place<Engine>),
    Certificates(Place<Vec<Certificate>>),
    /// A list of texts, each of which must pass the check; named so for people.
    Texts(
        Place<Vec<String>>,
        &'static str,
        fn(&str) -> Result<(), String>,
    ),
    Routes(Place<Vec<Route>>),
    /// What IMAP does not offer to some.
    Hidden(Place<Vec<Hidden>>),
    Paths(Place<Vec<PathBuf>>),
    /// Scripts for IMAP events.
    ImapRules(Place<Vec<ImapRule>>),
}

/// What a value is read with: the folder that relative paths start from, and what was found wrong, by place in the text.
pub(super) struct Reading<'a> {
    pub(super) folder: &'a Path,
    pub(super) wrong: Vec<(Range<usize>, String)>,
}

/// Which numbers may stand for their digits, without quotes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Numbers {
    Refused,
    Whole,
    /// Whole ones, and those with a fraction.
    Fractions,
}

impl Field {
    /// What people are told the type is.
    pub fn type_name(&self) -> String {
        match self {
            Field::Name(_) => "host or domain name".into(),
            Field::OptionalName(_) => "domain name, or \"\" for none".into(),
            Field::Text(_) | Field::OptionalText(_) => "text".into(),
            Field::OptionalUrl(_) => "http or https URL, or \"\" for none".into(),
            Field::Level(_) => "log level".into(),
            Field::Address(_) => "mail address".into(),
            Field::Path(_) | Field::OptionalPath(_) => "path".into(),
            Field::Flag(_) => "true or false".into(),
            Field::Word(words, ..) => words
                .iter()
                .map(|w| format!("\"{w}\""))
                .collect::<Vec<_>>()
                .join(" or "),
            Field::Count(_, range) => format!("number from {} to {}", range.start(), range.end()),
            Field::Score(_, range) => format!("score from {} to {}", range.start(), range.end()),
            Field::Port(_) => "port number".into(),
            Field::Size(_, range) => format!(
                "size from {} to {}",
                print_size(*range.start()),
                print_size(*range.end())
            ),
            Field::Size32(_, range) => {
                format!(
                    "size from {} to {}",
                    print_size((*range.start()).into()),
                    print_size((*range.end()).into())
                )
            }
            Field::OptionalSize(_) => "size, or \"unlimited\"".into(),
            Field::Time(_, range) => format!(
                "time from {} to {}",
                seconds(*range.start()),
                seconds(*range.end())
            ),
            Field::Times(_, most) => format!("list of up to {most} times"),
            Field::Rate(_) => "rate like \"100/10s\", or \"off\"".into(),
            Field::Character(_) => "one character, or \"\" for none".into(),
            Field::Listen(..) => "list of addresses, interfaces or ports; [] is off".into(),
            Field::Hosts(_) => "list of IP addresses".into(),
            Field::Names(_) => "list of host or domain names".into(),
            Field::Words(_) => "list of words".into(),
            Field::Servers(..) => "list of IP addresses, with or without port".into(),
            Field::Engine(_) => "\"sqlite\" or \"postgres:CONNECTION\"".into(),
            Field::Certificates(_) => "list of { cert = path, key = path }".into(),
            Field::Texts(_, name, _) => format!("list of {name}"),
            Field::Routes(_) => "list of routes".into(),
            Field::Hidden(_) => "list of capabilities, and from whom to hide them".into(),
            Field::Paths(_) => "list of paths".into(),
            Field::ImapRules(_) => "list of { mailbox, from, causes, before, after }".into(),
        }
    }

    /// Reads `item` into its place; what is wrong with it is noted in `reading`.
    pub(super) fn read(&self, config: &mut Config, item: &Item, reading: &mut Reading<'_>) {
        if reading.control_characters(item) {
            return;
        }
        match self {
            Field::Certificates(place) => *place(config) = reading.certificates(item),
            Field::ImapRules(place) => *place(config) = reading.imap_rules(item),
            Field::Paths(place) => {
                let folder = reading.folder;
                *place(config) = reading.list(item, |text| Ok(vec![folder.join(filled(text)?)]));
            }
            Field::Times(place, most) => {
                let times = reading.list(item, |text| parse_duration(text).map(|time| vec![time]));
                if times.len() > *most {
                    reading.fault(item, format!("at most {most} times"));
                }
                *place(config) = times;
            }
            Field::Listen(place, port) => {
                *place(config) = unique(reading.list(item, |text| {
                    parse_listen(text, *port, Interfaces::of_this_machine)
                }));
            }
            Field::Names(place) => {
                *place(config) = reading.list(item, |text| parse_name(text).map(|name| vec![name]))
            }
            Field::Routes(place) => {
                *place(config) = reading.list(item, |text| text.parse().map(|route| vec![route]))
            }
            Field::Hidden(place) => {
                *place(config) = reading.list(item, |text| text.parse().map(|rule| vec![rule]))
            }
            Field::Hosts(place) => {
                *place(config) = reading.list(item, |text| parse_host(text).map(|host| vec![host]))
            }
            Field::Words(place) => {
                *place(config) =
                    reading.list(item, |text| filled(text).map(|word| vec![word.to_owned()]))
            }
            Field::Servers(place, port) => {
                *place(config) = reading.list(item, |text| {
                    parse_server(text, *port).map(|server| vec![server])
                });
            }
            Field::Texts(place, _, check) => {
                *place(config) =
                    reading.list(item, |text| check(text).map(|()| vec![text.to_owned()]));
            }
            Field::Flag(place) => match item.as_bool() {
                Some(flag) => *place(config) = flag,
                None => reading.fault(item, "write true or false, without quotes".into()),
            },
            scalar => {
                if let Some(text) = reading.text(item, scalar.takes_numbers())
                    && let Err(why) = scalar.set(config, &text, reading.folder)
                {
                    reading.fault(item, why);
                }
            }
        }
    }

    /// Which numbers are its values.
    fn takes_numbers(&self) -> Numbers {
        match self {
            Field::Score(..) => Numbers::Fractions,
            Field::Count(..)
            | Field::Port(_)
            | Field::Size(..)
            | Field::Size32(..)
            | Field::OptionalSize(_)
            | Field::Time(..) => Numbers::Whole,
            _ => Numbers::Refused,
        }
    }

    /// Sets a setting of one value from its text.
    fn set(&self, config: &mut Config, text: &str, folder: &Path) -> Result<(), String> {
        match self {
            Field::Name(place) => *place(config) = parse_name(text)?,
            Field::OptionalName(place) => {
                *place(config) = some(text).map(|text| parse_name(&text)).transpose()?
            }
            Field::Text(place) => *place(config) = filled(text)?.into(),
            Field::OptionalText(place) => *place(config) = some(text),
            Field::OptionalUrl(place) => *place(config) = optional_url(text)?,
            Field::Level(place) => *place(config) = level(text)?,
            Field::Address(place) => {
                *place(config) = some(text).map(|text| parse_address(&text)).transpose()?
            }
            Field::Path(place) => *place(config) = folder.join(filled(text)?),
            Field::OptionalPath(place) => *place(config) = some(text).map(|text| folder.join(text)),
            Field::Word(words, _, set) => set(config, position(words, text)?),
            Field::Count(place, range) => *place(config) = count(text, range)?,
            Field::Score(place, range) => *place(config) = score(text, range)?,
            Field::Port(place) => {
                *place(config) = count(text, &(1..=65_535)).map(|port| port as u16)?
            }
            Field::Size(place, range) => {
                *place(config) = within(parse_size(text)?, range, print_size)?
            }
            Field::Size32(place, range) => {
                let wide = u64::from(*range.start())..=u64::from(*range.end());
                *place(config) = within(parse_size(text)?, &wide, print_size)? as u32;
            }
            Field::OptionalSize(place) => *place(config) = optional_size(text)?,
            Field::Time(place, range) => *place(config) = time(text, range)?,
            Field::Rate(place) => *place(config) = parse_rate(text)?,
            Field::Character(place) => *place(config) = character(text)?,
            Field::Engine(place) => *place(config) = parse_engine(text)?,
            Field::Flag(_)
            | Field::Times(..)
            | Field::Listen(..)
            | Field::Hosts(_)
            | Field::Names(_)
            | Field::Words(_)
            | Field::Servers(..)
            | Field::Routes(_)
            | Field::Hidden(_)
            | Field::Certificates(_)
            | Field::Paths(_)
            | Field::ImapRules(_)
            | Field::Texts(..) => {}
        }
        Ok(())
    }

    /// The setting's value as TOML.
    pub(super) fn print(&self, config: &mut Config) -> String {
        match self {
            Field::Name(place) | Field::Text(place) | Field::Level(place) => quote(place(config)),
            Field::OptionalText(place) | Field::OptionalName(place) | Field::Address(place) => {
                quote(place(config).as_deref().unwrap_or(""))
            }
            Field::OptionalUrl(place) => quote(
                &place(config)
                    .as_ref()
                    .map(Url::to_string)
                    .unwrap_or_default(),
            ),
            Field::Path(place) => quote(&place(config).to_string_lossy()),
            Field::OptionalPath(place) => quote(
                &place(config)
                    .as_deref()
                    .unwrap_or(Path::new(""))
                    .to_string_lossy(),
            ),
            Field::Flag(place) => place(config).to_string(),
            Field::Word(words, which, _) => quote(words.get(which(config)).unwrap_or(&"")),
            Field::Count(place, _) => place(config).to_string(),
            Field::Score(place, _) => format!("{:?}", place(config)),
            Field::Port(place) => place(config).to_string(),
            Field::Size(place, _) => quote(&print_size(*place(config))),
            Field::Size32(place, _) => quote(&print_size((*place(config)).into())),
            Field::OptionalSize(place) => {
                quote(&place(config).map_or_else(|| "unlimited".into(), print_size))
            }
            Field::Time(place, _) => quote(&print_duration(*place(config))),
            Field::Times(place, _) => list(place(config), |time| print_duration(*time)),
            Field::Rate(place) => quote(&print_rate(*place(config))),
            Field::Character(place) => quote(&place(config).map(String::from).unwrap_or_default()),
            Field::Listen(place, _) | Field::Servers(place, _) => {
                list(place(config), SocketAddr::to_string)
            }
            Field::Hosts(place) => list(place(config), IpAddr::to_string),
            Field::Names(place) => list(place(config), String::clone),
            Field::Words(place) => list(place(config), String::clone),
            Field::Engine(place) => quote(&print_engine(place(config))),
            Field::Routes(place) => list(place(config), Route::to_string),
            Field::Hidden(place) => list(place(config), Hidden::to_string),
            Field::Certificates(place) => print_certificates(place(config)),
            Field::Texts(place, ..) => list(place(config), String::clone),
            Field::Paths(place) => list(place(config), |path| path.to_string_lossy().into_owned()),
            Field::ImapRules(place) => super::imap_rules::print(place(config)),
        }
    }
}

impl Reading<'_> {
    /// Notes what is wrong with `item`.
    pub(super) fn fault(&mut self, item: &Item, why: String) {
        self.wrong.push((item.span().unwrap_or_default(), why));
    }

    /// Notes texts with control characters, which no setting takes: they would cut or forge lines of replies, logs and files. Are there
    /// any?
    fn control_characters(&mut self, item: &Item) -> bool {
        let before = self.wrong.len();
        match item {
            Item::None => {}
            Item::Value(value) => self.control_characters_of(value),
            Item::Table(table) => table.iter().for_each(|(_, item)| {
                self.control_characters(item);
            }),
            Item::ArrayOfTables(tables) => tables.iter().for_each(|table| {
                self.control_characters(&Item::Table(table.clone()));
            }),
        }
        self.wrong.len() > before
    }

    fn control_characters_of(&mut self, value: &Value) {
        match value {
            Value::String(text) => {
                if let Some(control) = text.value().chars().find(|c| c.is_control()) {
                    let why = format!(
                        "a control character ({}) belongs nowhere here",
                        control.escape_unicode()
                    );
                    self.wrong.push((value.span().unwrap_or_default(), why));
                }
            }
            Value::Array(array) => array
                .iter()
                .for_each(|value| self.control_characters_of(value)),
            Value::InlineTable(table) => table
                .iter()
                .for_each(|(_, value)| self.control_characters_of(value)),
            _ => {}
        }
    }

    /// The text of a string, or of a number where that is taken.
    fn text(&mut self, item: &Item, numbers: Numbers) -> Option<String> {
        let value = item.as_value();
        let text = value.and_then(|value| scalar_text(value, numbers));
        if text.is_none() {
            self.fault(item, "expected a text in quotes".into());
        }
        text
    }

    /// A list; one value alone is a list of one. Each wrong element is a fault of its own.
    fn list<T>(&mut self, item: &Item, parse: impl Fn(&str) -> Result<Vec<T>, String>) -> Vec<T> {
        let Some(value) = item.as_value() else {
            self.fault(
                item,
                "expected a list in brackets, like [\"…\", \"…\"]".into(),
            );
            return Vec::new();
        };
        let elements: Vec<&Value> = match value.as_array() {
            Some(array) => array.iter().collect(),
            None => vec![value],
        };
        elements
            .into_iter()
            .flat_map(|element| {
                let parsed = scalar_text(element, Numbers::Whole)
                    .ok_or_else(|| "expected a text in quotes".into())
                    .and_then(|text| parse(&text));
                parsed.unwrap_or_else(|why| {
                    self.wrong.push((element.span().unwrap_or_default(), why));
                    Vec::new()
                })
            })
            .collect()
    }

    fn certificates(&mut self, item: &Item) -> Vec<Certificate> {
        if let Some(tables) = item.as_array_of_tables() {
            return tables
                .iter()
                .filter_map(|table| self.certificate(table, table.span()))
                .collect();
        }
        let Some(array) = item.as_array() else {
            self.fault(item, "write [[tls.certificates]] with cert and key below, or a list of { cert = \"…\", key = \"…\" }".into());
            return Vec::new();
        };
        array
            .iter()
            .filter_map(|value| match value.as_inline_table() {
                Some(table) => self.certificate(table, value.span()),
                None => {
                    self.wrong.push((
                        value.span().unwrap_or_default(),
                        "write { cert = \"…\", key = \"…\" }".into(),
                    ));
                    None
                }
            })
            .collect()
    }

    fn certificate(
        &mut self,
        table: &dyn TableLike,
        span: Option<Range<usize>>,
    ) -> Option<Certificate> {
        let span = span.unwrap_or_default();
        for (name, item) in table
            .iter()
            .filter(|(name, _)| !["cert", "key"].contains(name))
        {
            let at = table
                .key(name)
                .and_then(toml_edit::Key::span)
                .or(item.span())
                .unwrap_or_default();
            self.wrong.push((
                at,
                format!("unknown name `{name}`: a certificate has `cert` and `key`"),
            ));
        }
        let mut path = |name: &str| {
            let text = table
                .get(name)
                .and_then(|item| item.as_str())
                .filter(|text| !text.is_empty());
            if text.is_none() {
                self.wrong.push((
                    span.clone(),
                    format!("a certificate needs `{name} = \"path\"`"),
                ));
            }
            text.map(|text| self.folder.join(text))
        };
        let (cert, key) = (path("cert"), path("key"));
        Some(Certificate {
            cert: cert?,
            key: key?,
        })
    }
}

fn scalar_text(value: &Value, numbers: Numbers) -> Option<String> {
    match (value, numbers) {
        (Value::String(text), _) => Some(text.value().clone()),
        (Value::Integer(number), Numbers::Whole | Numbers::Fractions) => {
            Some(number.value().to_string())
        }
        (Value::Float(number), Numbers::Fractions) => Some(number.value().to_string()),
        _ => None,
    }
}

fn filled(text: &str) -> Result<&str, String> {
    match text {
        "" => Err("must not be empty".into()),
        text if text.contains('\0') => Err("must not hold a NUL".into()),
        text => Ok(text),
    }
}

fn some(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

fn optional_url(text: &str) -> Result<Option<Url>, String> {
    some(text)
        .map(|text| text.parse().map_err(|why: NotAUrl| why.to_string()))
        .transpose()
}

fn position(words: &[&str], text: &str) -> Result<usize, String> {
    let names = words
        .iter()
        .map(|word| format!("\"{word}\""))
        .collect::<Vec<_>>()
        .join(", ");
    words
        .iter()
        .position(|word| *word == text)
        .ok_or_else(|| format!("\"{text}\" is not known here: write one of {names}"))
}

fn count(text: &str, range: &RangeInclusive<u32>) -> Result<u32, String> {
    let wrong = || {
        format!(
            "\"{text}\" is not a number from {} to {}",
            range.start(),
            range.end()
        )
    };
    let number = text.parse().map_err(|_| wrong())?;
    range.contains(&number).then_some(number).ok_or_else(wrong)
}

fn score(text: &str, range: &RangeInclusive<f32>) -> Result<f32, String> {
    let wrong = || {
        format!(
            "\"{text}\" is not a score from {} to {}, like 7.5",
            range.start(),
            range.end()
        )
    };
    let number = text.parse::<f32>().map_err(|_| wrong())?;
    range.contains(&number).then_some(number).ok_or_else(wrong)
}

fn within(
    number: u64,
    range: &RangeInclusive<u64>,
    print: fn(u64) -> String,
) -> Result<u64, String> {
    let (least, most) = (print(*range.start()), print(*range.end()));
    range
        .contains(&number)
        .then_some(number)
        .ok_or_else(|| format!("{} is out of range: from {least} to {most}", print(number)))
}

fn time(text: &str, range: &RangeInclusive<u64>) -> Result<Duration, String> {
    let time = parse_duration(text)?;
    let inside =
        time >= Duration::from_secs(*range.start()) && time <= Duration::from_secs(*range.end());
    inside.then_some(time).ok_or_else(|| {
        format!(
            "{} is out of range: from {} to {}",
            print_duration(time),
            seconds(*range.start()),
            seconds(*range.end())
        )
    })
}

fn seconds(number: u64) -> String {
    print_duration(Duration::from_secs(number))
}

fn optional_size(text: &str) -> Result<Option<u64>, String> {
    match text {
        "unlimited" => Ok(None),
        text => parse_size(text).map(Some),
    }
}

fn character(text: &str) -> Result<Option<char>, String> {
    let mut characters = text.chars();
    match (characters.next(), characters.next()) {
        (None, _) => Ok(None),
        (Some(one), None) if one.is_ascii_punctuation() && !"@\"".contains(one) => Ok(Some(one)),
        _ => Err(format!(
            "\"{text}\" is not one punctuation character, like \"+\""
        )),
    }
}

fn level(text: &str) -> Result<String, String> {
    text.parse::<tracing_subscriber::filter::Targets>()
        .map(|_| text.to_owned())
        .map_err(|_| {
            format!("\"{text}\" is not a log level: write error, warn, info, debug or trace")
        })
}

fn parse_address(text: &str) -> Result<String, String> {
    message::Address::parse(text)
        .map(|address| address.to_string())
        .map_err(|why| format!("\"{text}\" is not a mail address: {why}"))
}

fn parse_host(text: &str) -> Result<IpAddr, String> {
    text.trim_start_matches('[')
        .trim_end_matches(']')
        .parse()
        .map_err(|_| format!("\"{text}\" is not an IP address"))
}

fn parse_engine(text: &str) -> Result<Engine, String> {
    if text == "sqlite" {
        return Ok(Engine::Sqlite);
    }
    if text.starts_with("postgres://") || text.starts_with("postgresql://") {
        return Ok(Engine::Postgres(text.into()));
    }
    match text.strip_prefix("postgres:") {
        Some(connection) if !connection.trim().is_empty() => {
            Ok(Engine::Postgres(connection.trim().into()))
        }
        _ => Err("write \"sqlite\", or \"postgres:host=/run/postgresql dbname=mail\"".into()),
    }
}

fn print_engine(engine: &Engine) -> String {
    match engine {
        Engine::Sqlite => "sqlite".into(),
        Engine::Postgres(url) if url.contains("://") => url.clone(),
        Engine::Postgres(connection) => format!("postgres:{connection}"),
    }
}

fn print_certificates(certificates: &[Certificate]) -> String {
    let each = certificates.iter().map(|c| {
        format!(
            "{{ cert = {}, key = {} }}",
            quote(&c.cert.to_string_lossy()),
            quote(&c.key.to_string_lossy())
        )
    });
    format!("[{}]", each.collect::<Vec<_>>().join(", "))
}

fn list<T>(elements: &[T], print: impl Fn(&T) -> String) -> String {
    let texts = elements.iter().map(|element| quote(&print(element)));
    format!("[{}]", texts.collect::<Vec<_>>().join(", "))
}

fn unique(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let mut seen = Vec::with_capacity(addresses.len());
    for address in addresses {
        if address.port() == 0 || !seen.contains(&address) {
            seen.push(address);
        }
    }
    seen
}

pub(super) fn quote(text: &str) -> String {
    Value::from(text).to_string()
}
