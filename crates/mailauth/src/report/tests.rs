use super::*;
use crate::dmarc::Record;
use crate::table::{Table, now};
use base64::Engine as _;
use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;
use std::io::Write as _;
use std::process::{Command, Stdio};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

/// In the form of RFC 9990 Appendix B.
const NEW: &str = include_str!("../../tests/reports/rfc9990.xml");
/// In the form that most reporters still write (RFC 7489 Appendix C), with what is odd in the wild: an encoding that is not UTF-8,
/// empty elements, SPF of the HELO name.
const OLD: &[u8] = include_bytes!("../../tests/reports/rfc7489.xml");
/// RFC 8460 Appendix B.
const TLS: &str = include_str!("../../tests/reports/rfc8460.json");
const SCHEMA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/reports/rfc9990.xsd");

fn gzip(octets: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(octets).unwrap();
    encoder.finish().unwrap()
}

fn zip(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut file = std::io::Cursor::new(Vec::new());
    let mut writer = ZipWriter::new(&mut file);
    for (name, octets) in members {
        writer
            .start_file(*name, SimpleFileOptions::default())
            .unwrap();
        writer.write_all(octets).unwrap();
    }
    writer.finish().unwrap();
    file.into_inner()
}

fn mail(media_type: &str, octets: &[u8]) -> Vec<u8> {
    let encoded = base64::engine::general_purpose::STANDARD.encode(octets);
    format!(
        "From: reports@reporter.example\r\nSubject: Report Domain: example.com\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nA report.\r\n\
         --b\r\nContent-Type: {media_type}\r\nContent-Transfer-Encoding: base64\r\n\r\n{encoded}\r\n--b--\r\n"
    )
    .into_bytes()
}

fn aggregate(octets: &[u8]) -> Aggregate {
    match read(octets).unwrap().as_slice() {
        [Report::Dmarc(report)] => report.clone(),
        other => panic!("{other:?}"),
    }
}

fn refused(octets: &[u8]) -> String {
    read(octets).unwrap_err().to_string()
}

#[test]
fn k15_rfc9990_appendix_b_is_read() {
    let report = aggregate(NEW.as_bytes());
    assert_eq!(report.organization, "Sample Reporter");
    assert_eq!(report.id, "3v98abbp8ya9n3va8yr8oa3ya");
    assert_eq!((report.begin, report.end), (302_832_000, 302_918_399));
    let policy = &report.policy;
    assert_eq!(
        (
            &*policy.domain,
            &*policy.policy,
            &*policy.subdomains,
            &*policy.nonexistent
        ),
        ("example.com", "quarantine", "none", "none")
    );
    let [row] = report.rows.as_slice() else {
        panic!("{report:?}");
    };
    assert_eq!((&*row.source, row.count), ("192.0.2.123", 123));
    assert_eq!(row.evaluated.disposition, "pass");
    assert_eq!((row.evaluated.dkim, row.evaluated.spf), (true, false));
    assert_eq!(row.dkim[0].selector, "abc123");
    assert_eq!(row.spf[0].result, "fail");
    assert_eq!(report.totals(), Totals { pass: 123, fail: 0 });
}

#[test]
fn k15_reports_of_the_older_form_are_read() {
    let report = aggregate(OLD);
    assert_eq!(report.organization, "Rep\u{fffd}rter & S\u{f6}hne <x>");
    assert_eq!(report.policy.domain, "example.com");
    assert_eq!(report.rows.len(), 2);
    assert_eq!(report.totals(), Totals { pass: 2, fail: 40 });
    assert_eq!(report.rows[1].evaluated.reasons[0].kind, "forwarded");
    assert_eq!(report.rows[1].spf.len(), 2);
    assert_eq!(report.rows[1].source, "2001:db8::7");
}

#[test]
fn rfc8460_appendix_b_is_read() {
    let reports = read(TLS.as_bytes()).unwrap();
    let [Report::Tls(report)] = reports.as_slice() else {
        panic!("{reports:?}");
    };
    assert_eq!(report.organization, "Company-X");
    assert_eq!(report.id, "5065427c-23d3-47ca-b6e0-946ea0e8c4be");
    assert_eq!(report.domain(), "company-y.example");
    assert_eq!(
        report.totals(),
        Totals {
            pass: 5326,
            fail: 303
        }
    );
    let kinds: Vec<_> = report.policies[0]
        .details
        .iter()
        .map(|failure| (failure.kind.as_str(), failure.sessions))
        .collect();
    assert_eq!(
        kinds,
        [
            ("certificate-expired", 100),
            ("starttls-not-supported", 200),
            ("validation-failure", 3)
        ]
    );
}

/// K15: what reports come in.
#[test]
fn k15_reports_are_found_in_messages_and_archives() {
    let report = aggregate(NEW.as_bytes());
    let xml = NEW.as_bytes();
    for packed in [
        gzip(xml),
        zip(&[("a!b!1!2.xml", xml)]),
        zip(&[("a!b!1!2.xml.gz", &gzip(xml))]),
        mail("application/gzip; name=a.xml.gz", &gzip(xml)),
        mail("application/zip", &zip(&[("a.xml", xml)])),
        mail("text/xml", xml),
        mail(
            "application/octet-stream; name=\"a!b!1!2.zip\"",
            &zip(&[("a.xml", xml)]),
        ),
    ] {
        assert_eq!(aggregate(&packed), report);
    }
    let tls = mail("application/tlsrpt+gzip", &gzip(TLS.as_bytes()));
    assert!(matches!(read(&tls).unwrap().as_slice(), [Report::Tls(_)]));
    let two = read(&zip(&[("a.xml", xml), ("b.json", TLS.as_bytes())])).unwrap();
    assert_eq!(two.len(), 2);
}

#[test]
fn what_is_no_report_is_refused_with_the_reason() {
    for (octets, why) in [
        (&b"<html></html>"[..], "no <feedback>"),
        (b"<feedback>", "ends in the middle"),
        (b"<feedback><a></b></feedback>", "XML is broken"),
        (b"<feedback></feedback>", "which domain"),
        (b"{}", "no report on TLS"),
        (b"{\"policies\":[]}", "which domain"),
        (b"hello", "no report in it"),
        (b"", "no report in it"),
        (b"\x1f\x8bxxxx", "archive is broken"),
        (b"PK\x03\x04xxxx", "zip file is broken"),
        (&mail("application/zip", b"x"), "no report in it"),
        (&mail("image/png", NEW.as_bytes()), "no report in it"),
    ] {
        let told = refused(octets);
        assert!(told.contains(why), "{told}, not {why}");
    }
}

/// What an attacker sends to an address that reads by itself: bombs, entities, depth.
#[test]
fn hostile_reports_are_refused_early() {
    let bomb = gzip(&vec![b' '; 64 << 20]);
    assert!(bomb.len() < 100_000);
    assert!(refused(&bomb).contains("more than 32 MB"));
    assert!(refused(&zip(&[("a", &vec![b' '; 40 << 20])])).contains("more than 32 MB"));
    // Each within the bounds, all together not.
    let part = vec![b' '; 20 << 20];
    assert!(refused(&zip(&[("a", &part), ("b", &part)])).contains("more than 32 MB"));
    let many: Vec<(String, &[u8])> = (0..300).map(|n| (n.to_string(), &b"x"[..])).collect();
    let many: Vec<(&str, &[u8])> = many.iter().map(|(name, x)| (name.as_str(), *x)).collect();
    assert!(refused(&zip(&many)).contains("too many members"));
    let nested = (0..6).fold(NEW.as_bytes().to_vec(), |inner, _| gzip(&inner));
    assert!(refused(&nested).contains("nested too deeply"));

    let laughs = "<?xml version=\"1.0\"?><!DOCTYPE lolz [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;\">]><feedback>&b;</feedback>";
    assert!(refused(laughs.as_bytes()).contains("document type"));
    let file = "<!DOCTYPE f [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><feedback><report_metadata><org_name>&x;</org_name></report_metadata></feedback>";
    assert!(refused(file.as_bytes()).contains("document type"));
    let undeclared = NEW.replacen("Sample Reporter", "&x;", 1);
    assert_eq!(aggregate(undeclared.as_bytes()).organization, "?");
    assert!(refused("<feedback>".repeat(100_000).as_bytes()).contains("too deeply"));
    assert!(refused("{\"policies\":".repeat(10_000).as_bytes()).contains("no report"));
    assert!(refused("[".repeat(10_000).as_bytes()).contains("no report"));

    let rows = "<record><row><source_ip>192.0.2.1</source_ip><count>18446744073709551615</count></row></record>".repeat(30_000);
    let flood = format!(
        "<feedback><policy_published><domain>x.example</domain></policy_published>{rows}</feedback>"
    );
    let report = aggregate(&gzip(flood.as_bytes()));
    assert!(report.cut && report.rows.len() == 20_000);
    assert_eq!(report.totals().fail, u64::MAX);
    let long = NEW.replacen("Sample Reporter", &"\u{1b}[2J".repeat(100_000), 1);
    let name = aggregate(long.as_bytes()).organization;
    assert!(name.len() <= 2000 && !name.contains('\u{1b}'));
}

fn written() -> Aggregate {
    let mut report = aggregate(NEW.as_bytes());
    report.organization = "a <b> & \"c\" \u{7}".into();
    report.errors = vec!["sp= is no policy".into()];
    report.policy.dkim = "s".into();
    report.policy.spf = "r".into();
    report.policy.failures = "1".into();
    let mut second = report.rows[0].clone();
    second.source = "2001:db8::1:2".into();
    second.sender = Some(String::new());
    second.spf.clear();
    second.evaluated.reasons = vec![Reason {
        kind: "trusted_forwarder".into(),
        comment: "sealed by forwarder.example".into(),
    }];
    report.rows.push(second);
    report
}

#[test]
fn k16_what_is_written_is_read_again() {
    let report = written();
    let mut again = aggregate(report.xml("Pennyblack 1").as_bytes());
    assert_eq!(again.organization, "a <b> & \"c\"");
    again.organization.clone_from(&report.organization);
    assert_eq!(again, report);
    assert_eq!(
        report.file_name("mx1.example.net", "x1"),
        "mx1.example.net!example.com!302832000!302918399!x1"
    );
}

/// K16: valid by the schema, says libxml2.
#[test]
fn k16_what_is_written_is_valid_by_the_schema() {
    let child = Command::new("xmllint")
        .args(["--noout", "--nonet", "--schema", SCHEMA, "-"])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut child) = child else {
        eprintln!("SKIPPED k16_what_is_written_is_valid_by_the_schema: xmllint is not installed");
        return;
    };
    let mut input = child.stdin.take().unwrap();
    input
        .write_all(written().xml("Pennyblack 1").as_bytes())
        .unwrap();
    drop(input);
    let said = child.wait_with_output().unwrap();
    assert!(
        said.status.success(),
        "{}",
        String::from_utf8_lossy(&said.stderr)
    );
}

/// RFC 9990 §4.
#[test]
fn k16_destinations_elsewhere_must_have_agreed() {
    let table = Table::new(
        "_dmarc.example.com TXT v=DMARC1; p=none
         _dmarc.agreed.example TXT v=DMARC1; p=none
         example.com._report._dmarc.agreed.example TXT v=DMARC1
         example.com._report._dmarc.other.example TXT v=DMARC1; rua=mailto:new@other.example
         example.com._report._dmarc.evil.example TXT v=DMARC1; rua=mailto:victim@victim.example
         example.com._report._dmarc.wrong.example TXT something else",
    );
    let record = Record::parse(
        "v=DMARC1; rua=mailto:a%2bb@sub.example.com!10k, mailto:x@agreed.example, mailto:old@other.example, \
         mailto:x@evil.example, mailto:x@wrong.example, mailto:x@silent.example, https://example.com/x, mailto:nobody",
    )
    .unwrap();
    let found = now(Destinations::of(&table, "example.com", &record)).unwrap();
    let to: Vec<_> = found
        .to
        .iter()
        .map(|(to, limit)| (to.to_string(), *limit))
        .collect();
    assert_eq!(
        to,
        [
            ("a+b@sub.example.com".to_string(), Some(10 << 10)),
            ("x@agreed.example".into(), None),
            ("new@other.example".into(), None),
        ]
    );
    let why: Vec<_> = found.refused.iter().map(|(_, why)| why.as_str()).collect();
    assert!(
        why[0].contains("not its own") && why[1].contains("has not agreed"),
        "{why:?}"
    );
    assert_eq!(why.len(), 5, "{why:?}");
    // Nobody knows now.
    let away = Table::new("example.com._report._dmarc.agreed.example AWAY");
    assert!(now(Destinations::of(&away, "example.com", &record)).is_err());
}

proptest! {
    #[test]
    fn any_octets_are_read_or_refused(octets in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = read(&octets);
        for magic in [&b"\x1f\x8b\x08"[..], b"PK\x03\x04", b"<feedback>", b"{\"policies\":["] {
            let _ = read(&[magic, &octets].concat());
        }
    }
}
