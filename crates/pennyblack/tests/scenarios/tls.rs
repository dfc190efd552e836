//! TLS as OpenSSL's client sees it, on every port.

use crate::tools::{command, fail, need, succeed};
use crate::trial::Trial;
use std::process::Command;

/// Listener, and the protocol of its STARTTLS where it does not begin with TLS.
const LISTENERS: [(&str, Option<&str>); 5] = [
    ("smtp", Some("smtp")),
    ("submission", Some("smtp")),
    ("submissions", None),
    ("imap", Some("imap")),
    ("imaps", None),
];

/// A verified handshake; OpenSSL's own security level does not keep it from offering what is old.
fn s_client(
    trial: &Trial,
    (listener, starttls): (&str, Option<&str>),
    options: &[&str],
) -> Command {
    let mut client = command("openssl");
    client.args([
        "s_client",
        "-connect",
        &trial.at(listener),
        "-servername",
        "localhost",
    ]);
    client.args([
        "-CAfile",
        trial.ca(),
        "-verify_hostname",
        "localhost",
        "-verify_return_error",
    ]);
    client.args(["-cipher", "ALL:@SECLEVEL=0"]).args(options);
    if let Some(protocol) = starttls {
        client.args(["-starttls", protocol]);
    }
    client
}

/// A line of what the client says.
fn line<'a>(said: &'a str, beginning: &str) -> &'a str {
    let found = said
        .lines()
        .map(str::trim)
        .find(|line| line.starts_with(beginning));
    found.unwrap_or_else(|| panic!("no {beginning} in:\n{said}"))
}

/// L1, L11, Y2
#[test]
fn l11_tls_12_and_13_with_one_certificate_on_every_port() {
    need!("openssl");
    let trial = Trial::start();
    let mut certificates = Vec::new();
    for listener in LISTENERS {
        let said = succeed(&mut s_client(&trial, listener, &["-tls1_3"]));
        assert!(
            line(&said, "New, TLSv1.3").contains("TLS_AES_256_GCM_SHA384"),
            "{said}"
        );
        let (from, to) = (
            said.find("-----BEGIN CERTIFICATE"),
            said.find("-----END CERTIFICATE"),
        );
        certificates.push(said[from.expect("a certificate")..to.expect("its end")].to_string());
        let said = succeed(&mut s_client(&trial, listener, &["-tls1_2"]));
        assert!(
            line(&said, "New, TLSv1.2").contains("ECDHE-ECDSA-"),
            "{said}"
        );
        assert!(
            line(&said, "Extended master secret").ends_with("yes"),
            "{said}"
        );
        fail(&mut s_client(&trial, listener, &["-tls1_1"]));
        fail(&mut s_client(&trial, listener, &["-tls1"]));
    }
    certificates.dedup();
    assert_eq!(certificates.len(), 1);
}

/// L12, L13, Y43: forward secret AEAD suites only.
#[test]
fn l12_weak_suites_are_refused() {
    need!("openssl");
    let trial = Trial::start();
    let imaps = LISTENERS[4];
    for weak in [
        "ECDHE+AES+SHA1",
        "ECDHE+AES+SHA256",
        "ECDHE+AES+SHA384",
        "kRSA",
        "kDHE",
        "aNULL",
        "3DES",
    ] {
        let suites = format!("{weak}:@SECLEVEL=0");
        fail(&mut s_client(
            &trial,
            imaps,
            &["-tls1_2", "-cipher", &suites],
        ));
    }
    for good in [
        "ECDHE-ECDSA-AES256-GCM-SHA384",
        "ECDHE-ECDSA-AES128-GCM-SHA256",
        "ECDHE-ECDSA-CHACHA20-POLY1305",
    ] {
        succeed(&mut s_client(&trial, imaps, &["-tls1_2", "-cipher", good]));
    }
}

/// Y45: X25519 and the curves; the hybrid exchange where this OpenSSL knows it.
#[test]
fn y45_key_exchange_groups() {
    need!("openssl");
    let trial = Trial::start();
    let with = |group: &str| s_client(&trial, LISTENERS[4], &["-tls1_3", "-groups", group]);
    for group in ["X25519", "P-256", "P-384"] {
        succeed(&mut with(group));
    }
    fail(&mut with("ffdhe2048"));
    let known = command("openssl").args(["list", "-tls-groups"]).output();
    let known = known
        .is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains("X25519MLKEM768"));
    if known {
        succeed(&mut with("X25519MLKEM768"));
    }
}

/// SCRAM as another library speaks it, bound to the TLS connection and not; the proof of a wrong password is refused.
#[test]
fn scram_with_and_without_channel_binding() {
    need!("gsasl");
    let trial = Trial::start();
    for (mechanism, options) in [
        ("SCRAM-SHA-256-PLUS", &["--starttls"][..]),
        ("SCRAM-SHA-256", &["--starttls", "--no-cb"]),
        ("SCRAM-SHA-256", &["--no-starttls"]),
        ("PLAIN", &["--starttls"]),
        ("LOGIN", &["--starttls"]),
    ] {
        gsasl_gets_in(&trial, mechanism, options);
    }
}

/// RFC 5802, where the setting offers it: in IMAP, and with channel binding.
#[test]
fn scram_sha_1_with_and_without_channel_binding() {
    need!("gsasl");
    let data = tempfile::tempdir().expect("a folder");
    let trial = Trial::serve(data.path(), "auth.scram_sha1 = \"on\"\n");
    gsasl_gets_in(&trial, "SCRAM-SHA-1-PLUS", &["--starttls"]);
    gsasl_gets_in(&trial, "SCRAM-SHA-1", &["--starttls", "--no-cb"]);
}

/// With the right password, and not with a wrong one.
#[track_caller]
fn gsasl_gets_in(trial: &Trial, mechanism: &str, options: &[&str]) {
    let log_in = |password: &str| {
        let mut client = command("gsasl");
        client
            .args([
                "--imap",
                "--mechanism",
                mechanism,
                "--connect",
                &trial.at("imap"),
            ])
            .args(options);
        client.args([&format!("--x509-ca-file={}", trial.ca()), "--quiet"]);
        client.args([
            "--authentication-id",
            "alice@example.test",
            "--password",
            password,
        ]);
        client
    };
    succeed(&mut log_in(trial.password("alice@example.test")));
    fail(&mut log_in("wrong"));
}
