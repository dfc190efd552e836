//! The configuration as a whole: what files are refused and how, and that all texts made from the table of settings are true.

use super::field::Field;
use super::*;
use proptest::prelude::*;
use std::path::Path;

const FILE: &str = "/etc/pennyblack/pennyblack.toml";

const FOUR_LINES: &str = "hostname = \"mx1.example.com\"\ndomain = \"example.com\"\npostmaster = \"alice@example.com\"\ndata = \"/var/lib/pennyblack\"\n";

fn load(text: &str) -> Result<Loaded, String> {
    Config::parse(text, Path::new(FILE)).map_err(|faults| faults.to_string().replace(FILE, "f"))
}

fn errors(text: &str) -> String {
    load(&format!(
        "hostname = \"mx1.example.com\"\ndomain = \"example.com\"\n{text}"
    ))
    .expect_err("it should be refused")
}

/// T1, T7: a domain with defaults needs four lines.
#[test]
fn four_lines_are_a_server() {
    let config = load(FOUR_LINES).expect("right").config;
    assert_eq!(config.hostname, "mx1.example.com");
    assert_eq!(config.limits.message_size, 36_700_160);
    assert_eq!(
        config.limits.connection_rate,
        Rate {
            count: 100,
            per: Duration::from_secs(10)
        }
    );
    assert_eq!(config.queue.lifetime, Duration::from_secs(345_600));
    assert_eq!(config.mail.quota, Some(15 << 30));
    assert_eq!(config.mail.subaddress, Some('+'));
    assert_eq!(
        config.control_socket,
        Path::new("/var/lib/pennyblack/control.sock")
    );
}

/// R1, G2: 25, 465, 587 and 993 on all addresses; 143 and LMTP closed.
#[test]
fn r01_default_listeners() {
    let listen = load(FOUR_LINES).expect("right").config.listen;
    let text = |listener: &Listener| {
        listener
            .addresses
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert_eq!(text(&listen.smtp), "[::]:25 0.0.0.0:25");
    assert_eq!(text(&listen.submission), "[::]:587 0.0.0.0:587");
    assert_eq!(text(&listen.submissions), "[::]:465 0.0.0.0:465");
    assert_eq!(text(&listen.imaps), "[::]:993 0.0.0.0:993");
    assert_eq!(
        (text(&listen.imap), text(&listen.lmtp)),
        (String::new(), String::new())
    );
}

/// G22: neither 110 nor 143 nor 995.
#[test]
fn g22_pop3_and_plain_imap_are_off_by_default() {
    let listen = load(FOUR_LINES).expect("right").config.listen;
    for listener in [&listen.imap, &listen.pop3, &listen.pop3s] {
        assert_eq!(listener.addresses, []);
    }
}

/// U33: an unknown name is refused with its place and the nearest known one; all errors come at once.
#[test]
fn u33_all_errors_at_once_with_place_and_nearest_name() {
    let text = r#"
hostnaem = "x"
[limits]
mesage_size = "35M"
recipients = 7
smtp_timeout = "5 parsecs"
[listen.stmp]
addresses = [25]
[listen.imap]
addresses = ["local host:143", "127.0.0.1:143", 99999]
plaintext_auth = "yes"
[mail]
subaddress = "ab"
mask_source = "true"
message_size = 5
"#;
    assert_eq!(
        errors(text),
        "\
f:4:1: unknown setting `hostnaem`: did you mean `hostname`?
f:6:1: unknown setting `limits.mesage_size`: did you mean `limits.message_size`?
f:7:14: limits.recipients: \"7\" is not a number from 100 to 100000
f:8:16: limits.smtp_timeout: \"5 parsecs\" is not a time: write a number with s, m, h, d or w, like \"300s\" or \"4h\"
f:9:9: unknown setting `listen.stmp`: did you mean `listen.smtp`?
f:12:14: listen.imap.addresses: \"local host:143\" is no address to listen on: write a port, \"127.0.0.1:2525\", \"[::1]:2525\" or \"lo:2525\"
f:12:49: listen.imap.addresses: \"99999\" is no address to listen on: write a port, \"127.0.0.1:2525\", \"[::1]:2525\" or \"lo:2525\"
f:13:18: listen.imap.plaintext_auth: \"yes\" is not known here: write one of \"never\", \"loopback\"
f:15:14: mail.subaddress: \"ab\" is not one punctuation character, like \"+\"
f:16:15: mail.mask_source: write true or false, without quotes
f:17:1: unknown setting `mail.message_size`: did you mean `limits.message_size`?"
    );
}

/// A2: an interface that this machine does not have, with its place and those that it has; one that it has, with the port of the listener.
#[test]
fn a02_interfaces_of_this_machine() {
    let unknown = errors("[listen.smtp]\naddresses = [\"nosuch0\"]\n");
    let start = "f:4:14: listen.smtp.addresses: this machine has no interface \"nosuch0\" with an address; it has ";
    let names = unknown.strip_prefix(start).expect(&unknown);
    assert!(names.split(", ").any(|name| name == "lo"), "{unknown}");

    let text = format!("{FOUR_LINES}[listen.lmtp]\naddresses = \"lo\"\n");
    let lmtp = load(&text).expect("right").config.listen.lmtp.addresses;
    assert_eq!(lmtp[0].to_string(), "127.0.0.1:24");
    assert!(lmtp.iter().all(|address| address.ip().is_loopback()));
}

/// L14: a duplicate is a named error, and the errors behind it are still found.
#[test]
fn l14_duplicates_are_named_with_the_line_of_the_first() {
    let text =
        "[queue]\nlifetime = \"4d\"\nlifetime = \"5d\"\ncolour = \"blue\"\n[queue]\nport = 26\n";
    let errors = errors(text);
    assert!(
        errors.contains("f:5:1: `lifetime` is set twice; the first is on line 4: keep one of them"),
        "{errors}"
    );
    assert!(
        errors.contains("f:6:1: unknown setting `queue.colour`"),
        "{errors}"
    );
    assert!(
        errors.contains("f:7:2: `queue` is set twice; the first is on line 3"),
        "{errors}"
    );
}

#[test]
fn errors_of_syntax_do_not_hide_others() {
    let errors =
        errors("postmaster = \nuser = \"a\nsize = 3\n[limits\nrecipients = 3\n[queue]\nport = 0\n");
    for expected in [
        "f:3:",
        "f:4:",
        "f:5:1: unknown setting `size`",
        "f:6:",
        "f:9:8: queue.port",
    ] {
        assert!(errors.contains(expected), "{expected} not in\n{errors}");
    }
}

/// A number where a text belongs is an error of type, also beside other errors.
#[test]
fn types_are_checked_beside_other_errors() {
    let found = load(
        "hostname = 1\ndomain = 3\npostmaster = true\ndata = [\"x\"]\n[limits]\nhops = \"many\"\n",
    );
    let faults = found.map(|_| ()).expect_err("it should be refused");
    for line in 1..=4 {
        assert!(faults.contains(&format!("f:{line}:")), "{line}: {faults}");
    }
    assert!(
        faults.contains("f:2:10: domain: expected a text in quotes") && faults.contains("f:6:8:"),
        "{faults}"
    );
}

#[test]
fn octets_that_are_no_text_are_found() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("c.toml");
    std::fs::write(&file, b"domain = \"a\"\nuser = \"\xff\"\n").expect("written");
    let faults = Config::load(&file)
        .map(|_| ())
        .expect_err("it should be refused");
    assert_eq!(faults.faults[0].place, Some((2, 9)));
}

#[test]
fn what_is_missing_is_said() {
    assert_eq!(
        load("hostname = \"mx.example.com\"\n").map(|_| ()),
        Err("f: `domain` is not set: it is the host or domain name".into())
    );
}

#[test]
fn settings_that_clash_are_named() {
    let found = errors(
        "[listen.smtp]\naddresses = [2525]\n[listen.lmtp]\naddresses = [\"0.0.0.0:2525\"]\n",
    );
    assert_eq!(
        found,
        "f:6:1: listen.lmtp.addresses and listen.smtp.addresses both listen on 0.0.0.0:2525"
    );
}

/// X2: a literal secret gets a warning that names the safe form.
#[test]
fn x02_literal_secrets_are_warned_about() {
    let text =
        format!("{FOUR_LINES}[store]\nengine = \"postgres:host=db dbname=mail password=s3cret\"\n");
    let loaded = load(&text).expect("allowed");
    assert_eq!(loaded.warnings.len(), 1);
    assert_eq!(loaded.warnings[0].place, Some((6, 10)));
    assert!(loaded.warnings[0].message.contains("passfile="));
    assert!(!loaded.warnings[0].message.contains("s3cret"));
}

#[test]
fn paths_start_from_the_folder_of_the_file() {
    let text = "hostname = \"mx.example.com\"\ndomain = \"example.com\"\ndata = \"here\"\n[tls]\ncertificates = [{ cert = \"a.pem\", key = \"/k.pem\" }]\n";
    let config = load(text).expect("right").config;
    assert_eq!(config.data, Path::new("/etc/pennyblack/here"));
    assert_eq!(
        config.tls.certificates[0].cert,
        Path::new("/etc/pennyblack/a.pem")
    );
    assert_eq!(config.tls.certificates[0].key, Path::new("/k.pem"));
}

#[test]
fn certificates_as_tables_and_their_errors() {
    let found = errors("[[tls.certificates]]\ncert = \"a.pem\"\nkye = \"b.pem\"\n");
    assert_eq!(
        found,
        "f:3:1: tls.certificates: a certificate needs `key = \"path\"`\nf:5:1: tls.certificates: unknown name `kye`: a certificate has `cert` and `key`"
    );
}

/// A file that sets one setting to this, besides what every file needs; the line of the setting is 3.
fn setting_alone(key: &str, value: &str) -> String {
    let needed = [("hostname", "mx1.example.com"), ("domain", "example.com")];
    let others = needed
        .iter()
        .map(|(name, usual)| match *name == key {
            true => "\n".to_owned(),
            false => format!("{name} = \"{usual}\"\n"),
        })
        .collect::<String>();
    format!("{others}{key} = {value}\n")
}

/// What is of the wrong type, too large, cut off or no text, for every setting there is: an error with its place, or a value that is taken.
#[test]
fn every_setting_stands_any_value() {
    let long = format!("\"{}\"", "x".repeat(5000));
    let many = format!("[{}]", "\"x\", ".repeat(50));
    let values = [
        "-1",
        "0",
        "1e400",
        "nan",
        "99999999999999999999",
        "9223372036854775807",
        "true",
        "\"\"",
        "[]",
        "[\"\"]",
        "[{}]",
        "{}",
        "\"-1s\"",
        "\"9999999999999999999G\"",
        "\"99999999999999d\"",
        "\"\u{202e}\"",
        "\"%n%s/../../..\"",
        "nonsense",
        "\"cut off",
        "[\"cut off\"",
        "",
        "=",
        "\"\\q\"",
        "\"a\" \"b\"",
        long.as_str(),
        many.as_str(),
    ];
    for setting in SETTINGS.iter() {
        for value in values {
            let shown = &value[..value.len().min(40)];
            let Err(faults) = load(&setting_alone(setting.key, value)) else {
                continue;
            };
            for fault in faults.lines() {
                let placed = fault.starts_with("f:3:")
                    || fault.starts_with("f:4:")
                    || fault.starts_with("f: ");
                assert!(placed, "{} = {shown}: {fault}", setting.key);
            }
        }
    }
}

/// What no setting is: an error that names the setting and its line.
#[test]
fn every_setting_refuses_what_it_cannot_be() {
    let values = [
        "{ a = 1 }",
        "[[1]]",
        "1979-05-27",
        "\"a\\u0000b\"",
        "[\"a\\r\\nb\"]",
        "1.5",
    ];
    for setting in SETTINGS.iter() {
        let is_score = matches!(setting.field, Field::Score(..));
        for value in values.iter().filter(|value| !is_score || **value != "1.5") {
            let faults = load(&setting_alone(setting.key, value))
                .map(|_| ())
                .expect_err(&format!("{} = {value}", setting.key));
            assert!(
                faults.contains("f:3:") && faults.contains(setting.key),
                "{} = {value}: {faults}",
                setting.key
            );
        }
    }
}

/// Octets that are no UTF-8, in every setting's value: an error with its place.
#[test]
fn every_setting_refuses_what_is_no_text() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("c.toml");
    for setting in SETTINGS.iter() {
        let text = setting_alone(setting.key, "\"X\"");
        let octets: Vec<u8> = text
            .bytes()
            .map(|b| if b == b'X' { 0xff } else { b })
            .collect();
        std::fs::write(&file, octets).expect("written");
        let faults = Config::load(&file).map(|_| ()).expect_err(setting.key);
        let place = faults.faults[0].place;
        assert_eq!(place.map(|(line, _)| line), Some(3), "{}", setting.key);
    }
}

/// Each setting's section is described, and each default is a right value of its own type.
#[test]
fn the_table_is_whole() {
    for setting in SETTINGS.iter() {
        assert!(
            SECTIONS
                .iter()
                .any(|(section, _)| *section == setting.section()),
            "{}",
            setting.key
        );
        let SettingDefault::Value(value) = setting.default else {
            continue;
        };
        let text = format!("{FOUR_LINES}{} = {value}\n", setting.key);
        if !FOUR_LINES.contains(&format!("{} =", setting.key)) {
            load(&text).unwrap_or_else(|why| panic!("{text}: {why}"));
        }
    }
}

/// The commented example is a right file, as it is and with every default uncommented.
#[test]
fn the_example_loads() {
    let example = example();
    let uncommented: String = example
        .lines()
        .filter(|line| !line.contains('…'))
        .map(|line| match line.strip_prefix('#') {
            Some(setting) if !setting.starts_with(' ') => format!("{setting}\n"),
            _ => format!("{line}\n"),
        })
        .collect();
    let hostname = "hostname = \"mx1.example.com\"\n";
    for text in [
        format!("{hostname}{example}"),
        format!("{hostname}{uncommented}"),
    ] {
        load(&text).unwrap_or_else(|why| panic!("{why}\n{text}"));
    }
    assert!(example.lines().all(|line| line.chars().count() <= 110));
}

/// `docs/configuration.md` says what the program does. `UPDATE_DOCS=1 cargo test` writes it anew.
#[test]
fn the_documentation_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/configuration.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, markdown()).expect("written");
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == markdown(),
        "docs/configuration.md is out of date: run UPDATE_DOCS=1 cargo test -p pennyblack-server"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// A configuration that is printed setting by setting reads as the same again.
    #[test]
    fn what_is_printed_reads_the_same(
        size in 65_536u64..=1 << 31, seconds in 1u64..3600, port in 1u16.., count in 100u32..100_000,
        mask in any::<bool>(), quota in proptest::option::of(any::<u64>()), name in "[a-z]{1,12}", path in "[ -~]{1,20}",
    ) {
        let mut config = load(FOUR_LINES).expect("right").config;
        config.limits.message_size = size;
        config.limits.smtp_timeout = Duration::from_secs(seconds);
        config.limits.recipients = count;
        config.listen.lmtp.addresses = vec![([127, 0, 0, 1], port).into()];
        config.mail.mask_source = mask;
        config.mail.quota = quota;
        config.mail.junk = name;
        config.tls.certificates = vec![Certificate { cert: Path::new("/").join(&path), key: "/k".into() }];
        let text: String = SETTINGS.iter().map(|s| format!("{} = {}\n", s.key, s.value(&config))).collect();
        let again = load(&text).map_err(TestCaseError::fail)?;
        prop_assert_eq!(format!("{config:?}"), format!("{:?}", again.config));
    }

    #[test]
    fn no_file_makes_the_parser_panic(text in "(\\PC|[\\n=\\[\\]\"'.#]){0,120}") {
        let _ = load(&text);
        let _ = load(&format!("{FOUR_LINES}[limits]\n{text}"));
    }
}

/// X24: nobody else may come where no password is asked for.
#[test]
fn x24_the_management_listener_takes_loopback_addresses_alone() {
    let wrong = errors("[listen.manage]\naddresses = [\"192.0.2.1:9111\"]\n");
    assert!(
        wrong.contains("listen.manage.addresses: 192.0.2.1:9111"),
        "{wrong}"
    );
    assert!(errors("listen.manage.addresses = [9111]\n").contains("127.0.0.1:9111"));
    let right = format!("{FOUR_LINES}listen.manage.addresses = [\"127.0.0.1\", \"[::1]:9112\"]\n");
    let manage = load(&right).expect("right").config.listen.manage;
    assert_eq!(
        manage,
        [
            "127.0.0.1:9111".parse().unwrap(),
            "[::1]:9112".parse().unwrap()
        ]
    );
}

/// P9
#[test]
fn p09_autoexpunge_is_checked_and_has_a_default() {
    let config = load(FOUR_LINES).expect("right").config;
    assert_eq!(config.mail.expiries().len(), 2);
    assert!(errors("mail.autoexpunge = ['Trash soon']\n").contains("mail.autoexpunge"));
}
