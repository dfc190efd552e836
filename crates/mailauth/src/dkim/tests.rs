use super::*;
use crate::table::{Table, now};
use proptest::prelude::*;

/// RFC 8463 Appendix A.3.
const EXAMPLE: &str = "DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;\r\n d=football.example.com; i=@football.example.com;\r\n q=dns/txt; s=brisbane; t=1528637909; h=from : to :\r\n subject : date : message-id : from : subject : date;\r\n bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus\r\n Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==\r\nDKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;\r\n d=football.example.com; i=@football.example.com;\r\n q=dns/txt; s=test; t=1528637909; h=from : to : subject :\r\n date : message-id : from : subject : date;\r\n bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n b=F45dVWDfMbQDGHJFlXUNB2HKfbCeLRyhDXgFpEL8GwpsRe0IeIixNTe3\r\n DhCVlUrSjV4BwcVcOF6+FF3Zo9Rpo1tFOeS9mPYQTnGdaSGsgeefOsk2Jz\r\n dA+L10TeYt9BgDfQNZtKdN1WO//KgIqXP7OdEFE4LjFYNcUxZQ4FADY+8=\r\n";
const MESSAGE: &str = "From: Joe SixPack <joe@football.example.com>\r\nTo: Suzie Q <suzie@shopping.example.net>\r\nSubject: Is dinner ready?\r\nDate: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\r\nMessage-ID: <20030712040037.46341.5F8J@football.example.com>\r\n\r\nHi.\r\n\r\nWe lost the game.  Are you hungry yet?\r\n\r\nJoe.\r\n";
const KEYS: &str = "
    brisbane._domainkey.football.example.com TXT v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=
    test._domainkey.football.example.com TXT v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQiY/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB
";
/// RFC 8463 Appendix A.2.
const SEED: &str = "nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=";
const TIME: i64 = 1_528_637_909;

fn verify(message: &str, table: &Table) -> Vec<Verified> {
    verify_at(message, table, TIME + 60)
}

fn verify_at(message: &str, table: &Table, time: i64) -> Vec<Verified> {
    let end = message.find("\r\n\r\n").map_or(message.len(), |at| at + 4);
    let (section, body) = message.as_bytes().split_at(end);
    let mut bodies = Bodies::default();
    let verifier = Verifier::new(section, Limits::default(), &mut bodies);
    bodies.update(body);
    now(verifier.finish(table, &bodies.finish(), time))
}

fn words(results: &[Verified]) -> Vec<&'static str> {
    results
        .iter()
        .map(|verified| verified.result.word())
        .collect()
}

fn key() -> PrivateKey {
    PrivateKey::from_text(SEED).unwrap()
}

/// Signs with the key of the example.
fn signed(message: &str) -> String {
    signed_with(message, &key(), "brisbane")
}

fn signed_with(message: &str, signer: &dyn Signer, selector: &str) -> String {
    let (section, body) = message.split_once("\r\n\r\n").unwrap();
    let mut hash = BodyHash::new(Canonicalization::Relaxed, None);
    hash.update(body.as_bytes());
    let signing = Signing {
        domain: "football.example.com",
        selector,
        signer,
        time: TIME,
        expires: None,
    };
    let (digest, _) = hash.finish();
    let field = signing.field(format!("{section}\r\n").as_bytes(), digest.as_ref());
    format!("{}{message}", field.unwrap())
}

/// K12
#[test]
fn rfc8463_appendix_a_verifies() {
    let results = verify(&format!("{EXAMPLE}{MESSAGE}"), &Table::new(KEYS));
    assert_eq!(words(&results), ["pass", "pass"]);
    assert_eq!(results[0].algorithm, "ed25519-sha256");
    assert_eq!(results[0].identity, "@football.example.com");
    assert_eq!(results[0].signature_start, "/gCrinpc");
    assert_eq!(results[1].key_bits, Some(1024));
}

#[test]
fn rfc6376_section_3_4_what_may_change_and_what_not() {
    let table = Table::new(KEYS);
    let message = format!("{EXAMPLE}{MESSAGE}");
    for (from, to, word) in [
        ("Subject: Is dinner", "SUBJECT:   Is\r\n\tdinner", "pass"),
        ("game.  Are", "game. Are", "pass"),
        ("Joe.\r\n", "Joe.\r\n\r\n\r\n", "pass"),
        ("Joe.\r\n", "Joe. \t", "pass"),
        ("game.  Are", "game.Are", "fail"),
        ("Is dinner", "Is lunch", "fail"),
        ("To: Suzie", "From: x@y\r\nTo: Suzie", "fail"),
        ("Joe SixPack", "Joe Sixpack", "fail"),
    ] {
        let changed = message.replacen(from, to, 1);
        assert_ne!(changed, message);
        assert_eq!(words(&verify(&changed, &table)), [word, word], "{from}");
    }
    let at_the_top = format!("From: x@y\r\n{message}");
    assert_eq!(words(&verify(&at_the_top, &table)), ["fail", "fail"]);
}

fn with_key(text: &str) -> Table {
    Table::new(&format!(
        "brisbane._domainkey.football.example.com TXT {text}"
    ))
}

const P: &str = "p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";

#[test]
fn rfc6376_section_3_6_1_key_records() {
    let message = signed(MESSAGE);
    for (record, word) in [
        (format!("v=DKIM1; k=ed25519; {P}"), "pass"),
        (format!("k=ed25519; {P}"), "pass"),
        (
            format!("v=DKIM1; k=ed25519; h=sha1:sha256; s=email; t=s; n=x; z=y; {P}"),
            "pass",
        ),
        (format!("k=ed25519; v=DKIM1; {P}"), "permerror"),
        (format!("v=DKIM2; k=ed25519; {P}"), "permerror"),
        (format!("v=DKIM1; k=ed25519; h=sha1; {P}"), "permerror"),
        (format!("v=DKIM1; k=ed25519; s=tlsrpt; {P}"), "permerror"),
        (format!("v=DKIM1; {P}"), "permerror"),
        (format!("v=DKIM1; k=x; {P}"), "permerror"),
        ("v=DKIM1; k=ed25519; p=".into(), "permerror"),
        ("v=DKIM1; k=ed25519; p=AAAA".into(), "permerror"),
        ("v=DKIM1; k=ed25519; p=!".into(), "permerror"),
        ("v=DKIM1; k=ed25519".into(), "permerror"),
        ("hello".into(), "permerror"),
        (
            "v=DKIM1; k=ed25519; p=AAqYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=".into(),
            "fail",
        ),
        (
            "v=DKIM1; k=ed25519; t=y; p=AAqYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=".into(),
            "neutral",
        ),
    ] {
        assert_eq!(
            words(&verify(&message, &with_key(&record))),
            [word],
            "{record}"
        );
    }
    assert_eq!(words(&verify(&message, &Table::new(""))), ["permerror"]);
    let away = Table::new("brisbane._domainkey.football.example.com AWAY");
    assert_eq!(words(&verify(&message, &away)), ["temperror"]);
    let mut several =
        with_key("v=DKIM1; k=ed25519; p=AAqYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=");
    several.add(
        "brisbane._domainkey.football.example.com",
        "TXT",
        &format!("k=ed25519; {P}"),
    );
    assert_eq!(words(&verify(&message, &several)), ["pass"]);
}

/// Signs what the signer would never write.
fn by_hand(tags: &str, message: &str) -> String {
    let (section, body) = message.split_once("\r\n\r\n").unwrap();
    let section = format!("{section}\r\n");
    let all = crate::tags::Tags::parse(tags).unwrap();
    let simple = (Canonicalization::Simple, Canonicalization::Simple);
    let (header_form, body_form) = super::signature::forms(all.value("c")).unwrap_or(simple);
    let mut hash = BodyHash::new(body_form, all.value("l").and_then(|l| l.parse().ok()));
    hash.update(body.as_bytes());
    let (digest, _) = hash.finish();
    let mut field = format!(
        "DKIM-Signature: {tags}; bh={}; b=",
        super::signature::encoded(digest.as_ref())
    );
    let names: Vec<&str> = crate::tags::words(all.value("h").unwrap_or_default()).collect();
    let mut signed = Vec::new();
    canonical::Selection::new(section.as_bytes()).canonical(&names, header_form, &mut signed);
    canonical::signature_field(field.as_bytes(), header_form, &mut signed);
    field += &super::signature::encoded(&key().sign(&signed).unwrap());
    format!("{field}\r\n{message}")
}

#[test]
fn rfc6376_section_3_5_signatures() {
    let table = Table::new(KEYS);
    const BASE: &str = "v=1; a=ed25519-sha256; d=football.example.com; s=brisbane";
    for (tags, word) in [
        ("h=from", "pass"),
        ("h=From:to; c=simple", "pass"),
        ("h=From:to; c=relaxed", "pass"),
        ("h=From:to; c=simple/relaxed", "pass"),
        ("h=From; q=x:dns/txt", "pass"),
        ("h=From; q=x", "permerror"),
        ("h=From; c=odd", "permerror"),
        ("h=to", "permerror"),
        ("h=From; i=joe@football.example.com", "pass"),
        ("h=From; i=joe@eu.football.example.com", "pass"),
        ("h=From; i=joe@badfootball.example.com", "permerror"),
        ("h=From; i=@example.com", "permerror"),
        ("h=From; t=1528637909; x=1528637970", "pass"),
        ("h=From; t=1528637909; x=1528637968", "fail"),
        ("h=From; t=1528637909; x=1528637908", "permerror"),
        ("h=From; x=never", "permerror"),
        ("h=From; unknown=tag", "pass"),
        // Y8: what covers a part of the body is not believed, what covers all of it is.
        ("h=From; l=0", "policy"),
        ("h=From; l=10", "policy"),
        ("h=From; l=55", "pass"),
        ("h=From; l=99999", "permerror"),
    ] {
        let message = by_hand(&format!("{BASE}; {tags}"), MESSAGE);
        assert_eq!(words(&verify(&message, &table)), [word], "{tags}");
    }
    for (from, to, word) in [
        ("a=ed25519-sha256", "a=rsa-sha1", "policy"),
        ("a=ed25519-sha256", "a=rsa-sha256", "permerror"),
        ("a=ed25519-sha256", "a=ed448", "permerror"),
        ("v=1", "v=2", "permerror"),
        ("s=brisbane", "s=a..b", "permerror"),
        ("s=brisbane", "x=1", "permerror"),
        ("b=", "b=!", "permerror"),
        ("d=football.example.com", "d=example.com", "permerror"),
    ] {
        let message = by_hand(&format!("{BASE}; h=from"), MESSAGE).replacen(from, to, 1);
        assert_eq!(words(&verify(&message, &table)), [word], "{to}");
    }
}

/// K12: `t=s` forbids `i=` in a subdomain.
#[test]
fn k12_strict_keys() {
    let table = with_key(&format!("v=DKIM1; k=ed25519; t=s:y; {P}"));
    for (identity, word) in [
        ("@football.example.com", "pass"),
        ("@eu.football.example.com", "permerror"),
    ] {
        let message = by_hand(
            &format!(
                "v=1; a=ed25519-sha256; d=football.example.com; s=brisbane; h=from; i={identity}"
            ),
            MESSAGE,
        );
        let results = verify(&message, &table);
        assert_eq!((words(&results), results[0].testing), (vec![word], true));
    }
}

/// RFC 8301 §3.2
#[test]
fn rfc8301_short_keys_prove_nothing() {
    let key = "MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBAMrSykuVHYi4FC8BRv1sVhg4XX3GqWj2VQYKDjWGKgRfYLcEXDVMEfAo0zZJkBqnqSgCvqIVOAFOGGBg8vrNPY8CAwEAAQ==";
    let table = Table::new(&format!(
        "short._domainkey.football.example.com TXT p={key}"
    ));
    let message = signed(MESSAGE)
        .replacen("a=ed25519-sha256", "a=rsa-sha256", 1)
        .replacen("s=brisbane", "s=short", 1);
    assert_eq!(words(&verify(&message, &table)), ["policy"]);
}

/// K9
#[test]
fn k9_nothing_can_be_added_to_what_we_sign() {
    let table = Table::new(KEYS);
    let message = signed(MESSAGE);
    assert_eq!(words(&verify(&message, &table)), ["pass"]);
    for added in [
        "From",
        "To",
        "Cc",
        "Subject",
        "Date",
        "Message-ID",
        "Reply-To",
        "Content-Type",
        "In-Reply-To",
    ] {
        let changed = format!("{added}: x\r\n{message}");
        assert_eq!(words(&verify(&changed, &table)), ["fail"], "{added}");
        let changed = message.replacen("\r\n\r\n", &format!("\r\n{added}: x\r\n\r\n"), 1);
        assert_eq!(words(&verify(&changed, &table)), ["fail"], "{added}");
    }
    let from_a_list = format!("List-Unsubscribe: <https://l.example>\r\nReceived: x\r\n{message}");
    assert_eq!(words(&verify(&from_a_list, &table)), ["pass"]);
    let ours = signed(&format!(
        "List-Unsubscribe: <https://l.example>\r\n{MESSAGE}"
    ));
    assert_eq!(words(&verify(&ours, &table)), ["pass"]);
    let second = format!("List-Unsubscribe: <https://e.example>\r\n{ours}");
    assert_eq!(words(&verify(&second, &table)), ["fail"]);
}

/// U9: both algorithms side by side, the same every time.
#[test]
fn u9_dual_signatures_verify() {
    let rsa = PrivateKey::generate(Algorithm::RsaSha256).unwrap();
    let PublicKey::Rsa(_) = rsa.public_key().unwrap() else {
        panic!("of another kind")
    };
    let mut table = Table::new(KEYS);
    let record = PublicKeyRecord::write(&rsa.public_key().unwrap());
    table.add("r2026._domainkey.football.example.com", "TXT", &record);
    let once = signed_with(MESSAGE, &rsa, "r2026");
    assert_eq!(once, signed_with(MESSAGE, &rsa, "r2026"));
    let mut both = signed(MESSAGE);
    both.truncate(both.len() - MESSAGE.len());
    both += &once;
    let results = verify(&both, &table);
    assert_eq!(words(&results), ["pass", "pass"]);
    assert_eq!(results[1].key_bits, Some(2048));
    assert!(once.lines().all(|line| line.len() < 100), "{once}");
}

#[test]
fn keys_are_read_in_the_forms_people_have() {
    for algorithm in [Algorithm::RsaSha256, Algorithm::Ed25519Sha256] {
        let key = PrivateKey::generate(algorithm).unwrap();
        let again = PrivateKey::from_text(&key.to_pem().unwrap()).unwrap();
        assert_eq!(again.public_key().unwrap(), key.public_key().unwrap());
        let stored = PrivateKey::from_pkcs8(&key.to_pkcs8().unwrap()).unwrap();
        assert_eq!(stored.public_key().unwrap(), key.public_key().unwrap());
        let record = PublicKeyRecord::parse(&PublicKeyRecord::write(&key.public_key().unwrap()));
        assert_eq!(record.unwrap().key, key.public_key().unwrap());
    }
    for bad in [
        "",
        "hello",
        "-----BEGIN ",
        "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----",
        "AAAA",
    ] {
        assert_eq!(PrivateKey::from_text(bad).unwrap_err(), KeyError::NotAKey);
    }
}

#[test]
fn hostile_headers_are_bounded() {
    let table = Table::new(KEYS);
    let many = format!("{}{MESSAGE}", EXAMPLE.repeat(500));
    assert_eq!(verify(&many, &table).len(), Limits::default().signatures);
    let names = format!("h=from{}", ":x".repeat(200_000));
    let long = format!(
        "DKIM-Signature: v=1; a=ed25519-sha256; d=a.b; s=c; bh=AA==; b=AA==; {names}\r\n{MESSAGE}"
    );
    assert_eq!(words(&verify(&long, &table)), ["permerror"]);
    let wide = format!("{}{EXAMPLE}{MESSAGE}", "X: y\r\n".repeat(170_000));
    assert_eq!(words(&verify(&wide, &table)), ["pass", "pass"]);
}

#[test]
fn without_time_left_nobody_knows() {
    let message = format!("{EXAMPLE}{MESSAGE}");
    let verifier = Verifier::new(
        message.as_bytes(),
        Limits::default(),
        &mut Bodies::default(),
    );
    assert_eq!(verifier.len(), 2);
    let late = verifier.late(1).unwrap();
    assert_eq!(
        (late.result, late.selector.as_str()),
        (DkimResult::TempError, "test")
    );
    assert_eq!(verifier.late(2), None);
}

proptest! {
    #[test]
    fn any_signature_is_read_or_refused(
        value in prop::collection::vec(prop_oneof![
            Just("v=1"), Just("a=rsa-sha256"), Just("d=a.b"), Just("s=c"), Just("bh=AAAA"), Just("b=AA\r\n AA"), Just("h=from:x"),
            Just("l=1"), Just("x=9"), Just("c=/"), Just("i=@"), Just("=;="), Just("\u{e4}"), Just("q="),
        ], 0..12)
    ) {
        let message = format!("DKIM-Signature: {}\r\n{MESSAGE}", value.join(";"));
        verify(&message, &Table::new(KEYS));
    }

    #[test]
    fn any_octets_are_read(text in "\\PC{0,80}", octets in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = PublicKeyRecord::parse(&text);
        let _ = PrivateKey::from_text(&text);
        for section in [octets.clone(), [&b"DKIM-Signature: "[..], &octets].concat()] {
            let mut bodies = Bodies::default();
            let verifier = Verifier::new(&section, Limits::default(), &mut bodies);
            bodies.update(&octets);
            now(verifier.finish(&Table::new(""), &bodies.finish(), 0));
        }
    }
}
