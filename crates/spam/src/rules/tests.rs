//! The table of rules is sound, rules hit what they are for and miss what looks like it, and no message makes them slow or loud.

use super::*;
use crate::verdict;
use proptest::prelude::*;
use std::collections::HashSet;

fn names(message: &str) -> Vec<String> {
    let mail = Mail::open(message.as_bytes());
    let reasons = apply(&mail, Circumstances::default());
    reasons.into_iter().map(|reason| reason.name).collect()
}

/// A message in good form around a subject and a text.
pub(super) fn written(subject: &str, text: &str) -> String {
    format!(
        "From: Anna Berg <anna@berg.example>\r\nTo: Bob <bob@example.com>\r\nSubject: {subject}\r\n\
         Date: Fri, 20 Nov 2026 14:13:44 +0000\r\nMessage-ID: <a1@berg.example>\r\n\r\n{text}\r\n"
    )
}

pub(super) fn html(body: &str) -> String {
    format!(
        "From: Anna Berg <anna@berg.example>\r\nTo: Bob <bob@example.com>\r\nSubject: pictures\r\n\
         Date: Fri, 20 Nov 2026 14:13:44 +0000\r\nMessage-ID: <a1@berg.example>\r\nMIME-Version: 1.0\r\n\
         Content-Type: text/html; charset=utf-8\r\n\r\n<html><body>{body}</body></html>\r\n"
    )
}

fn attached(name: &str, octets: &str) -> String {
    format!(
        "From: Anna Berg <anna@berg.example>\r\nTo: Bob <bob@example.com>\r\nSubject: file\r\n\
         Date: Fri, 20 Nov 2026 14:13:44 +0000\r\nMessage-ID: <a1@berg.example>\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Type: text/plain\r\n\r\nsee the file, please\r\n\
         --x\r\nContent-Type: application/octet-stream\r\nContent-Disposition: attachment; filename=\"{name}\"\r\n\r\n{octets}\r\n--x--\r\n"
    )
}

#[track_caller]
fn hits(message: &str, rule: &str) {
    let found = names(message);
    assert!(found.iter().any(|name| name == rule), "{rule}: {found:?}");
}

#[track_caller]
fn misses(message: &str, rule: &str) {
    let found = names(message);
    assert!(!found.iter().any(|name| name == rule), "{rule}: {found:?}");
}

#[test]
fn the_table_is_sound() {
    let mut seen = HashSet::new();
    for rule in all() {
        assert!(seen.insert(rule.name), "{} stands twice", rule.name);
        assert!(
            rule.weight != 0.0 && rule.weight.is_finite(),
            "{}",
            rule.name
        );
        assert!(
            rule.weight.abs() <= rule.most.abs() && rule.weight * rule.most > 0.0,
            "{}",
            rule.name
        );
        assert!(
            !rule.about.is_empty() && rule.why.ends_with('.'),
            "{}",
            rule.name
        );
    }
    // A pattern that does not compile would be found nowhere.
    assert!(patterns().text.patterns.broken().is_empty());
    assert!(patterns().subject.patterns.broken().is_empty());
}

#[test]
fn an_ordinary_letter_gives_no_reason() {
    let letter = written(
        "Dinner on Friday",
        "Hello Bob,\r\n\r\nshall we meet at seven?\r\n\r\nAnna",
    );
    assert_eq!(names(&letter), Vec::<String>::new());
}

#[test]
fn form_is_looked_at() {
    let good = written("Hello", "How are you?");
    for (field, rule) in [
        ("Date: Fri, 20 Nov 2026 14:13:44 +0000\r\n", "DATE_MISSING"),
        ("Message-ID: <a1@berg.example>\r\n", "MESSAGE_ID_MISSING"),
        ("From: Anna Berg <anna@berg.example>\r\n", "FROM_MISSING"),
        ("Subject: Hello\r\n", "SUBJECT_MISSING"),
    ] {
        misses(&good, rule);
        hits(&good.replace(field, ""), rule);
    }
}

#[test]
fn links_are_looked_at() {
    let link =
        |target: &str, text: &str| html(&format!("<p>look at <a href=\"{target}\">{text}</a>"));
    hits(
        &link("http://evil.example/x", "www.example.com"),
        "LINK_TEXT_OTHER_TARGET",
    );
    misses(
        &link("http://www.example.com/x", "www.example.com"),
        "LINK_TEXT_OTHER_TARGET",
    );
    hits(&link("http://198.51.100.7/x", "here"), "LINK_TO_NUMBER");
    misses(&link("http://host7.example/x", "here"), "LINK_TO_NUMBER");
}

/// I24
#[test]
fn i24_attachments_are_looked_at() {
    hits(
        &attached("report.pdf.exe", "MZ123"),
        "ATTACHMENT_DOUBLE_EXTENSION",
    );
    hits(&attached("tool.exe", "MZ123"), "ATTACHMENT_PROGRAM");
    for rule in ["ATTACHMENT_DOUBLE_EXTENSION", "ATTACHMENT_PROGRAM"] {
        misses(&attached("report.v2.pdf", "%PDF-1.4"), rule);
    }
}

#[test]
fn the_test_string_is_refused() {
    let gtube = concat!(
        "XJS*C4JDBQADN1.NSBN3*2IDNEN*",
        "GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"
    );
    let message = written("test", gtube);
    hits(&message, "GTUBE");
    let reasons = apply(&Mail::open(message.as_bytes()), Circumstances::default());
    assert!(verdict::sum(&reasons) >= verdict::Thresholds::default().refuse);
}

/// I31: whatever was sent, details stay short, since they stand in headers and are stored.
#[test]
fn i31_details_are_bounded() {
    let message = written(
        &"ä".repeat(5000),
        &"http://a:b@198.51.100.7:81/%41 ".repeat(20_000),
    );
    let mail = Mail::open(message.as_bytes());
    let reasons = apply(&mail, Circumstances::default());
    assert!(reasons.len() <= all().count());
    assert!(reasons.iter().all(|reason| reason.detail.len() <= 120));
}

#[test]
fn text_has_single_blanks() {
    let text = "one \t\r\n two\u{a0}three\u{200b} f\u{ad}our\u{0b}\u{85}fünf  ";
    assert_eq!(squeezed(text), "one two three four fünf ");
    assert_eq!(squeezed(""), "");
    for long in ["x".repeat(2 * MAX_TEXT), "ä ".repeat(MAX_TEXT)] {
        let kept = squeezed(&long);
        assert!(long.starts_with(&kept));
        assert!((MAX_TEXT..MAX_TEXT + 4).contains(&kept.len()));
    }
}

#[test]
fn shouting_is_heard_in_any_alphabet() {
    let rule = "TEXT_SHOUTS";
    for loud in [
        "BUY NOW BEFORE ALL THE BEST OFFERS ARE GONE TODAY",
        "ВСЕ ДЕНЬГИ МИРА БУДУТ ТВОИ ТОЛЬКО СЕГОДНЯ УСПЕЙ",
        "Yes! Yes! Yes! Yes! Yes! Yes!",
    ] {
        hits(&written("an offer", loud), rule);
    }
    for calm in [
        "NATO and UNESCO met the WHO in ROME, said the BBC",
        "Все деньги мира будут твои только сегодня, успей",
        "A1B2C3 D4E5F6 G7H8I9 J1K2L3 M4N5O6 P7Q8R9 S1T2U3 V4W5X6",
        "Yes! Yes! Yes!",
    ] {
        misses(&written("an offer", calm), rule);
    }
}

proptest! {
    /// I31
    #[test]
    fn i31_any_octets_are_judged(octets in proptest::collection::vec(any::<u8>(), 0..2000)) {
        apply(&Mail::open(&octets), Circumstances::default());
    }

    /// I31: octets in good form reach further in.
    #[test]
    fn i31_any_text_and_page_are_judged(subject in "\\PC{0,80}", text in "(\\PC|[<>&;=\"'/@.]){0,400}") {
        let letter = written(&subject, &text);
        apply(&Mail::open(letter.as_bytes()), Circumstances::default());
        let page = html(&text);
        apply(&Mail::open(page.as_bytes()), Circumstances::default());
    }
}
