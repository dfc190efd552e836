//! From the text of `pennyblack.toml` to [`Config`], or to everything that is wrong with it.

use super::fault::{Fault, Faults, nearest, place};
use super::field::{Field, Reading};
use super::settings::{Default, SECTIONS, SETTINGS, Setting};
use super::*;
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;
use toml_edit::{Document, Item, TableLike};

/// Where the configuration is if nothing else is said.
pub const DEFAULT_PATH: &str = "/etc/pennyblack/pennyblack.toml";

/// A configuration that is right, with where its values came from.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The settings.
    pub config: Config,
    /// The file.
    pub path: PathBuf,
    /// The line of each setting that the file sets.
    pub lines: BTreeMap<&'static str, usize>,
    /// What is allowed but unwise (X2).
    pub warnings: Vec<Fault>,
}

impl Config {
    /// Reads and checks a file. Relative paths in it start from its folder.
    pub fn load(path: &Path) -> Result<Loaded, Faults> {
        let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let octets = std::fs::read(&absolute)
            .map_err(|why| unreadable(path, &format!("cannot be read: {why}")))?;
        let text = String::from_utf8(octets).map_err(|why| not_text(path, &why))?;
        Self::parse(&text, &absolute)
    }

    /// Checks the text of a file that is, or will be, at `path`.
    pub fn parse(text: &str, path: &Path) -> Result<Loaded, Faults> {
        let recovered = recover::parse(text);
        let mut loading = Loading::new(text, path, recovered.faults);
        if let Some(document) = &recovered.document {
            loading.table(document.as_table(), "");
            loading.complete();
        }
        loading.finish()
    }

    /// The settings of a server for `domain` that keeps its data in `data`, all else by default. For trials and tests, which then change
    /// what they need; it does not look at the machine.
    pub fn with_defaults(hostname: &str, domain: &str, data: &Path) -> Config {
        let mut config = defaults();
        config.hostname = hostname.into();
        config.domain = domain.into();
        config.data = data.into();
        config.control_socket = data.join("control.sock");
        config
    }

    /// Sets one setting to a value written as in the file, such as `"35M"` or `[25]`.
    pub fn set(&mut self, key: &str, value: &str) -> Result<(), String> {
        let setting = SETTINGS
            .iter()
            .find(|setting| setting.key == key)
            .ok_or_else(|| unknown(key))?;
        let document =
            Document::parse(format!("value = {value}")).map_err(|why| why.message().to_owned())?;
        let mut reading = Reading {
            folder: Path::new(""),
            wrong: Vec::new(),
        };
        setting.field.read(self, &document["value"], &mut reading);
        match reading.wrong.pop() {
            Some((_, why)) => Err(why),
            None => Ok(()),
        }
    }
}

fn unreadable(path: &Path, message: &str) -> Faults {
    let fault = Fault {
        place: None,
        message: message.into(),
    };
    Faults {
        path: path.into(),
        faults: vec![fault],
    }
}

fn not_text(path: &Path, why: &std::string::FromUtf8Error) -> Faults {
    let (before, _) = why.as_bytes().split_at(why.utf8_error().valid_up_to());
    let place = Some(place(&String::from_utf8_lossy(before), before.len()));
    let message = "here is an octet that is not UTF-8 text".into();
    Faults {
        path: path.into(),
        faults: vec![Fault { place, message }],
    }
}

/// A file while it is being read.
struct Loading<'a> {
    text: &'a str,
    path: &'a Path,
    config: Config,
    lines: BTreeMap<&'static str, usize>,
    faults: Vec<Fault>,
    warnings: Vec<Fault>,
}

impl<'a> Loading<'a> {
    fn new(text: &'a str, path: &'a Path, faults: Vec<Fault>) -> Self {
        let (config, lines, warnings) = (defaults(), BTreeMap::new(), Vec::new());
        Self {
            text,
            path,
            config,
            lines,
            faults,
            warnings,
        }
    }

    /// Reads what is below the section `prefix` (with its final dot; empty for the top).
    fn table(&mut self, table: &dyn TableLike, prefix: &str) {
        for (name, item) in table.iter() {
            let key = format!("{prefix}{name}");
            let span = table
                .key(name)
                .and_then(toml_edit::Key::span)
                .or(item.span())
                .unwrap_or_default();
            match (
                SETTINGS.iter().find(|setting| setting.key == key),
                item.as_table_like(),
            ) {
                (Some(setting), _) => self.setting(setting, item, span),
                (None, Some(below)) if is_section(&key) => self.table(below, &format!("{key}.")),
                (None, None) if is_section(&key) => self.fault(
                    span,
                    format!("`{key}` is a section: write [{key}] and its settings below"),
                ),
                (None, _) => self.fault(span, unknown(&key)),
            }
        }
    }

    fn setting(&mut self, setting: &'static Setting, item: &Item, span: Range<usize>) {
        self.lines
            .insert(setting.key, place(self.text, span.start).0);
        let folder = self.path.parent().unwrap_or(Path::new(""));
        let mut reading = Reading {
            folder,
            wrong: Vec::new(),
        };
        setting.field.read(&mut self.config, item, &mut reading);
        for (at, why) in reading.wrong {
            let at = if at.is_empty() { span.clone() } else { at };
            self.fault(at, format!("{}: {why}", setting.key));
        }
        if let Some(secret) = literal_secret(setting, item) {
            let place = Some(place(self.text, item.span().unwrap_or(span).start));
            self.warnings.push(Fault {
                place,
                message: format!("{}: {secret}", setting.key),
            });
        }
    }

    /// Fills in what follows from the other settings, and checks what no setting alone can show.
    fn complete(&mut self) {
        for setting in SETTINGS
            .iter()
            .filter(|setting| !self.lines.contains_key(setting.key))
        {
            let missing = match setting.default {
                Default::Value(_) => None,
                Default::Required => Some(format!(
                    "`{}` is not set: it is the {}",
                    setting.key,
                    setting.field.type_name()
                )),
                Default::Derived { derive, .. } => derive(&mut self.config).err(),
            };
            self.faults.extend(missing.map(|message| Fault {
                place: None,
                message,
            }));
        }
        for (message, key) in clashes(&self.config) {
            let place = self.lines.get(key).map(|line| (*line, 1));
            self.faults.push(Fault { place, message });
        }
    }

    fn fault(&mut self, span: Range<usize>, message: String) {
        let place = Some(place(self.text, span.start));
        self.faults.push(Fault { place, message });
    }

    fn finish(mut self) -> Result<Loaded, Faults> {
        let path = self.path.to_owned();
        if self.faults.is_empty() {
            let Self {
                config,
                lines,
                warnings,
                ..
            } = self;
            return Ok(Loaded {
                config,
                path,
                lines,
                warnings,
            });
        }
        self.faults
            .sort_by_key(|fault| fault.place.unwrap_or((usize::MAX, 0)));
        Err(Faults {
            path,
            faults: self.faults,
        })
    }
}

fn is_section(key: &str) -> bool {
    SECTIONS.iter().any(|(section, _)| {
        *section == key
            || section
                .strip_prefix(key)
                .is_some_and(|rest| rest.starts_with('.'))
    })
}

fn unknown(key: &str) -> String {
    let names = SETTINGS.iter().map(|setting| setting.key);
    let sections = SECTIONS
        .iter()
        .map(|(section, _)| *section)
        .filter(|section| !section.is_empty());
    let last = key.rsplit('.').next().unwrap_or(key);
    let elsewhere = names
        .clone()
        .find(|name| name.rsplit('.').next() == Some(last) && !last.is_empty());
    match nearest(key, names.chain(sections)).or(elsewhere) {
        Some(name) => format!("unknown setting `{key}`: did you mean `{name}`?"),
        None => format!("unknown setting `{key}`: `pennyblack config show --defaults` lists all"),
    }
}

/// X2: what to write instead, if a value holds a password.
fn literal_secret(setting: &Setting, item: &Item) -> Option<&'static str> {
    let text = item.as_str()?;
    let in_url = text
        .split_once("://")
        .and_then(|(_, rest)| rest.split_once('@'))
        .is_some_and(|(user, _)| user.contains(':'));
    let secret =
        matches!(setting.field, Field::Engine(_)) && (text.contains("password=") || in_url);
    secret.then_some(
        "there is a password in this file: better let PostgreSQL know the Unix user (host=/run/postgresql), or put the password in a \
         file of mode 0600 and write passfile=/path",
    )
}

/// Settings that are each right but not together: what is wrong, and the setting to point at.
fn clashes(config: &Config) -> Vec<(String, &'static str)> {
    let listen = &config.listen;
    let listeners = [
        ("listen.smtp.addresses", &listen.smtp),
        ("listen.submission.addresses", &listen.submission),
        ("listen.submissions.addresses", &listen.submissions),
        ("listen.imap.addresses", &listen.imap),
        ("listen.imaps.addresses", &listen.imaps),
        ("listen.lmtp.addresses", &listen.lmtp),
        ("listen.managesieve.addresses", &listen.managesieve),
        ("listen.pop3.addresses", &listen.pop3),
        ("listen.pop3s.addresses", &listen.pop3s),
    ];
    let mut found = beyond_loopback(&listen.manage);
    for (n, (key, listener)) in listeners.iter().enumerate() {
        for (other_key, other) in &listeners[..n] {
            let same =
                |address: &&SocketAddr| address.port() != 0 && other.addresses.contains(address);
            if let Some(address) = listener.addresses.iter().find(same) {
                found.push((
                    format!("{key} and {other_key} both listen on {address}"),
                    *key,
                ));
            }
        }
    }
    found.extend(low_mx_in_the_dark(&config.gate));
    found
}

/// J16: only the classic greylist knows who was at another MX before.
fn low_mx_in_the_dark(gate: &GateSettings) -> Option<(String, &'static str)> {
    let classic =
        gate.greylist == GreylistMode::Strangers && gate.greylist_by == GreylistBy::Address;
    (!gate.low_mx.is_empty() && !classic).then(|| {
        let why = "gate.low_mx would block strangers at random: it needs `greylist = \"strangers\"` and `greylist_by = \"address\"`";
        (why.to_string(), "gate.low_mx")
    })
}

/// The management listener asks for no password, so nobody else may come to it (X24).
fn beyond_loopback(manage: &[SocketAddr]) -> Vec<(String, &'static str)> {
    const KEY: &str = "listen.manage.addresses";
    let strange = manage.iter().filter(|address| !address.ip().is_loopback());
    let refuse = |address: &SocketAddr| {
        let port = address.port();
        let why = format!(
            "{KEY}: {address} can be reached from elsewhere, and no password is asked for there: write \"127.0.0.1:{port}\""
        );
        (why, KEY)
    };
    strange.map(refuse).collect()
}

/// All settings by default; those without one are empty.
fn defaults() -> Config {
    let mut config = blank();
    let mut reading = Reading {
        folder: Path::new(""),
        wrong: Vec::new(),
    };
    for setting in SETTINGS.iter() {
        if let Default::Value(value) = setting.default
            && let Ok(document) = Document::parse(format!("value = {value}"))
            && let Some(item) = document.get("value")
        {
            setting.field.read(&mut config, item, &mut reading);
        }
    }
    debug_assert!(
        reading.wrong.is_empty(),
        "a default in the table is wrong: {:?}",
        reading.wrong
    );
    config
}

/// A place for each value, before the table of settings fills it.
fn blank() -> Config {
    let second = Duration::from_secs(1);
    Config {
        hostname: String::new(),
        domain: String::new(),
        postmaster: None,
        data: PathBuf::new(),
        control_socket: PathBuf::new(),
        user: None,
        listen: Listen::default(),
        limits: Limits {
            message_size: 0,
            recipients: 0,
            messages: 0,
            hops: 0,
            header_size: 0,
            smtp_timeout: second,
            imap_timeout: second,
            imap_progress: second,
            sessions: 0,
            sessions_per_address: 0,
            imap_sessions_per_account: 0,
            connection_rate: Rate {
                count: 0,
                per: second,
            },
            shutdown: second,
        },
        store: StoreSettings {
            engine: store::Engine::Sqlite,
            key_file: None,
            free_floor: 0,
            history: second,
            history_floor: 0,
        },
        tls: TlsSettings::default(),
        auth: AuthSettings {
            default_domain: None,
            failure_delay: second,
            cache_time: second,
            argon2_memory: 0,
            argon2_passes: 0,
            scram_sha1: ScramSha1::Off,
            oauth: OauthSettings::default(),
        },
        mail: MailSettings {
            subaddress: None,
            quota: None,
            mask_source: false,
            received_auth: false,
            disabled: DisabledMail::Refuse,
            junk: String::new(),
            autoexpunge: Vec::new(),
            quota_messages: 0,
            quota_extra: Vec::new(),
            quota_warnings: Vec::new(),
            make_room: Vec::new(),
            undelete: Duration::ZERO,
            undelete_size: None,
            quota_admins: Vec::new(),
            language: Language::default(),
        },
        local: LocalSettings::default(),
        sieve: SieveSettings::default(),
        imap: ImapSettings::default(),
        queue: QueueSettings {
            lifetime: second,
            warn_after: Vec::new(),
            retry_base: second,
            port: 0,
            concurrency: 0,
            ipv6: false,
            dsn: false,
            allow_private: false,
        },
        relay: RelaySettings::default(),
        brake: BrakeSettings::default(),
        dns: DnsSettings::default(),
        authentication: AuthenticationSettings::default(),
        gate: GateSettings::default(),
        spam: SpamSettings::default(),
        search: SearchSettings::default(),
        tables: TableSettings::default(),
        learn: crate::config::LearnSettings::default(),
        fetch: FetchSettings::default(),
        log: LogSettings {
            json: false,
            level: String::new(),
        },
    }
}
