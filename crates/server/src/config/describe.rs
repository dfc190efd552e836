//! What people read about the settings: the list of `config show`, the commented example, the manual page, the web page.
//! All of it is made from the table in `settings/`.

use super::settings::{Applies, Default, SECTIONS, SETTINGS, Setting};
use super::{Config, Loaded};
use std::fmt::Write;

/// A setting with its value, for `config show`.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Shown {
    /// `section.name`.
    pub key: &'static str,
    /// Its value in force, as TOML.
    pub value: String,
    /// Its default, as TOML or in words.
    pub default: String,
    /// `FILE:LINE`, or `default`.
    pub source: String,
}

/// All settings with their values and where those came from (U33).
pub fn show(loaded: &Loaded) -> Vec<Shown> {
    let mut config = loaded.config.clone();
    SETTINGS
        .iter()
        .map(|setting| Shown {
            key: setting.key,
            value: setting.field.print(&mut config),
            default: setting.default.text(),
            source: match loaded.lines.get(setting.key) {
                Some(line) => format!("{}:{line}", loaded.path.display()),
                None => "default".into(),
            },
        })
        .collect()
}

/// A complete commented file: what must be set, and every other setting with its default, commented out.
pub fn example() -> String {
    let mut text = String::from(
        "# Settings of Pennyblack. What is commented out shows the default.\n# `pennyblack config test` checks this file; \
         `pennyblack reload` makes the running server read it.\n",
    );
    for (section, doc) in SECTIONS {
        let _ = writeln!(text, "\n{}", comment(doc));
        if !section.is_empty() {
            let _ = writeln!(text, "[{section}]");
        }
        for setting in in_section(section) {
            let _ = writeln!(
                text,
                "\n{}",
                comment(&format!("{} ({})", setting.doc, setting.field.type_name()))
            );
            let _ = writeln!(text, "{}", setting.example_line());
        }
    }
    text
}

/// The page `docs/configuration.md`.
pub fn markdown() -> String {
    let mut text = String::from(
        "# Settings\n\nPennyblack is set up by one file, `/etc/pennyblack/pennyblack.toml` unless `--config` names another. A domain needs four lines:\n\n\
         ```toml\nhostname = \"mx1.example.com\"\ndomain = \"example.com\"\npostmaster = \"alice@example.com\"\ndata = \"/var/lib/pennyblack\"\n```\n\n\
         `pennyblack config test` names every error with its line. `pennyblack config show --all` prints every setting with its value, default\n\
         and source, `pennyblack config example` this page as a file. SIGHUP or `pennyblack reload` makes the running server read the file again; a\n\
         file with errors changes nothing. Sizes are octets or numbers with K, M, G, T (powers of 1024); times are numbers with ms, s, m, h, d, w;\n\
         relative paths start from the file's folder.\n\n\
         This page is made from the definitions in `crates/server/src/config/settings/`.\n",
    );
    for (section, doc) in SECTIONS {
        let title = if section.is_empty() {
            "At the top".into()
        } else {
            format!("`[{section}]`")
        };
        let _ = writeln!(
            text,
            "\n## {title}\n\n{doc}\n\n| name | type | default | meaning |\n| --- | --- | --- | --- |"
        );
        for setting in in_section(section) {
            let restart = if setting.applies == Applies::Restart {
                " *Changes need a restart.*"
            } else {
                ""
            };
            let (name, kind, default) = (
                setting.name(),
                setting.field.type_name(),
                code(&setting.default),
            );
            let _ = writeln!(
                text,
                "| `{name}` | {} | {default} | {}{restart} |",
                kind.replace('|', "\\|"),
                setting.doc
            );
        }
    }
    text
}

/// The manual page pennyblack.toml(5), as roff.
pub fn man() -> String {
    let mut text = String::from(
        ".TH PENNYBLACK.TOML 5\n.SH NAME\npennyblack.toml \\- settings of the mail server pennyblack\n.SH DESCRIPTION\n\
         One TOML file holds all settings.\nSizes are octets or numbers with K, M, G, T; times are numbers with ms, s, m, h, d, w;\n\
         relative paths start from the folder of the file.\nSettings marked (restart) take effect when the server starts, all others on reload.\n",
    );
    for (section, doc) in SECTIONS {
        let title = if section.is_empty() {
            "SETTINGS AT THE TOP".into()
        } else {
            format!("[{section}]")
        };
        let _ = writeln!(text, ".SH \"{}\"\n{}", roff(&title), roff(doc));
        for setting in in_section(section) {
            let restart = if setting.applies == Applies::Restart {
                " (restart)"
            } else {
                ""
            };
            let (key, kind) = (roff(setting.key), roff(&setting.field.type_name()));
            let _ = writeln!(
                text,
                ".TP\n.B {key}\n{kind}; default: {}{restart}.\n.br\n{}",
                roff(&setting.default.text()),
                roff(setting.doc)
            );
        }
    }
    text.push_str(".SH SEE ALSO\n.BR pennyblack (1)\n");
    text
}

impl Setting {
    /// Its name within its section.
    pub fn name(&self) -> &'static str {
        self.key.rsplit('.').next().unwrap_or(self.key)
    }

    /// Its section; empty at the top.
    pub fn section(&self) -> &'static str {
        self.key.rsplit_once('.').map_or("", |(section, _)| section)
    }

    /// Its value in `config`, as TOML.
    pub fn value(&self, config: &Config) -> String {
        self.field.print(&mut config.clone())
    }

    fn example_line(&self) -> String {
        match self.default {
            Default::Required => format!("{} = \"example.com\"", self.name()),
            Default::Value(value) => format!("#{} = {value}", self.name()),
            Default::Derived { says, .. } => format!("#{} = …    # by default {says}", self.name()),
        }
    }
}

impl Default {
    /// The default as TOML, or how it comes about.
    pub fn text(&self) -> String {
        match self {
            Default::Required => "must be set".into(),
            Default::Value(value) => (*value).into(),
            Default::Derived { says, .. } => (*says).into(),
        }
    }
}

fn in_section(section: &str) -> impl Iterator<Item = &'static Setting> {
    SETTINGS
        .iter()
        .filter(move |setting| setting.section() == section)
}

fn code(default: &Default) -> String {
    match default {
        Default::Value(value) => format!("`{value}`"),
        other => other.text(),
    }
}

/// The text as lines that begin with `# `, at most 100 characters long.
fn comment(text: &str) -> String {
    let mut lines = vec![String::from("#")];
    for word in text.split_whitespace() {
        if lines
            .last()
            .is_some_and(|line| line.chars().count() + word.chars().count() >= 100)
        {
            lines.push("#".into());
        }
        if let Some(line) = lines.last_mut() {
            let _ = write!(line, " {word}");
        }
    }
    lines.join("\n")
}

fn roff(text: &str) -> String {
    let escaped = text
        .replace('\\', "\\e")
        .replace('-', "\\-")
        .replace('`', "");
    match escaped.starts_with(['.', '\'']) {
        true => format!("\\&{escaped}"),
        false => escaped,
    }
}
