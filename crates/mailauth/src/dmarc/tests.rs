use super::*;
use crate::table::{Table, now};
use proptest::prelude::*;

fn organization(zone: &str, domain: &str) -> String {
    now(organizational_domain(&Table::new(zone), domain)).unwrap()
}

/// U9, RFC 9989 §4.10.2
#[test]
fn u9_tree_walk_finds_the_organization() {
    for (zone, domain, expected) in [
        ("", "a.mail.example.com", "a.mail.example.com"),
        (
            "_dmarc.mail.example.com TXT v=DMARC1\n_dmarc.example.com TXT v=DMARC1; p=none",
            "a.mail.example.com",
            "example.com",
        ),
        (
            "_dmarc.com TXT v=DMARC1; psd=y",
            "a.mail.example.com",
            "example.com",
        ),
        ("_dmarc.com TXT v=DMARC1; psd=y", "com", "com"),
        (
            "_dmarc.mail.example.com TXT v=DMARC1; psd=n\n_dmarc.example.com TXT v=DMARC1",
            "a.mail.example.com",
            "mail.example.com",
        ),
        // A suffix that says so of itself is its own organization.
        (
            "_dmarc.gov.example TXT v=DMARC1; psd=y\n_dmarc.example TXT v=DMARC1",
            "gov.example",
            "example",
        ),
        (
            "_dmarc.example.com TXT v=DMARC1\n_dmarc.example.com TXT v=DMARC1",
            "a.example.com",
            "a.example.com",
        ),
        (
            "_dmarc.example.com TXT v=spf1",
            "a.example.com",
            "a.example.com",
        ),
        (
            "_dmarc.example.com TXT v=DMARC1",
            "A.EXAMPLE.com.",
            "example.com",
        ),
    ] {
        assert_eq!(organization(zone, domain), expected, "{zone} / {domain}");
    }
}

#[test]
fn rfc9989_section_4_10_long_names_are_cut_short() {
    let table = Table::new("");
    let _ = now(walk(&table, "a.b.c.d.e.f.g.h.i.j.mail.example.com")).unwrap();
    let asked = table.asked();
    assert_eq!(asked.len(), QUERIES);
    assert_eq!(asked[0], "_dmarc.a.b.c.d.e.f.g.h.i.j.mail.example.com");
    assert_eq!(asked[1], "_dmarc.g.h.i.j.mail.example.com");
    assert_eq!(asked[7], "_dmarc.com");
    let _ = now(walk(&table, "a.example.com")).unwrap();
    assert_eq!(
        table.asked()[8..],
        ["_dmarc.a.example.com", "_dmarc.example.com", "_dmarc.com"]
    );
}

#[test]
fn rfc9989_section_4_7_records() {
    let parse = |text: &str| Record::parse(text);
    let plain = parse("v=DMARC1; p=reject; pct=0; rf=afrf; ri=3600; whatever=x").unwrap();
    assert_eq!((plain.policy, plain.testing), (Policy::Reject, false));
    let full = parse("v=DMARC1;p=none;sp=quarantine;np=reject;adkim=s;aspf=s;psd=n;t=y;rua=mailto:a@b!10m, mailto:c@d;ruf=mailto:e@f;fo=1:d").unwrap();
    assert_eq!(
        (full.policy, full.subdomains, full.nonexistent),
        (Policy::None, Some(Policy::Quarantine), Some(Policy::Reject))
    );
    assert_eq!(
        (full.dkim, full.spf, full.psd, full.testing),
        (AlignmentMode::Strict, AlignmentMode::Strict, Psd::No, true)
    );
    let to: Vec<_> = full
        .aggregate_to
        .iter()
        .map(|to| (to.uri.as_str(), to.limit))
        .collect();
    assert_eq!(to, [("mailto:a@b", Some(10 << 20)), ("mailto:c@d", None)]);
    assert_eq!(parse("v=DMARC1").unwrap().policy, Policy::None);
    assert_eq!(
        parse("v=DMARC1; rua=mailto:a@b; p=bogus; sp=reject")
            .unwrap()
            .policy,
        Policy::None
    );
    for bad in [
        "",
        "v=DMARC2; p=none",
        "p=none; v=DMARC1",
        "v=dmarc1; p=none",
        "v=DMARC1; p=bogus",
        "v=DMARC1; p=none; sp=x",
        "v=DMARC1; p=none; p=reject",
    ] {
        assert!(parse(bad).is_err(), "{bad}");
    }
}

struct Mail<'a> {
    zone: &'a str,
    author: &'a str,
    spf: Option<&'a str>,
    dkim: &'a [&'a str],
}

fn evaluated(mail: &Mail<'_>) -> (DmarcResult, Policy) {
    let outcome = now(evaluate(
        &Table::new(mail.zone),
        &Evidence {
            author: mail.author,
            spf: mail.spf,
            dkim: mail.dkim.to_vec(),
            ..Evidence::default()
        },
    ));
    (outcome.result, outcome.policy)
}

/// K14
#[test]
fn k14_alignment() {
    const RELAXED: &str = "_dmarc.example.com TXT v=DMARC1; p=reject";
    const STRICT: &str = "_dmarc.example.com TXT v=DMARC1; p=reject; adkim=s; aspf=s";
    for (zone, author, spf, dkim, result) in [
        (
            "",
            "example.com",
            None,
            &["example.com"][..],
            DmarcResult::None,
        ),
        (RELAXED, "example.com", None, &[], DmarcResult::Fail),
        (
            RELAXED,
            "example.com",
            Some("example.com"),
            &[],
            DmarcResult::Pass,
        ),
        (
            RELAXED,
            "example.com",
            Some("bounce.example.com"),
            &[],
            DmarcResult::Pass,
        ),
        (
            RELAXED,
            "example.com",
            None,
            &["other.example", "mail.example.com"],
            DmarcResult::Pass,
        ),
        (
            RELAXED,
            "mail.example.com",
            None,
            &["example.com"],
            DmarcResult::Pass,
        ),
        (
            RELAXED,
            "example.com",
            Some("badexample.com"),
            &["com"],
            DmarcResult::Fail,
        ),
        (
            STRICT,
            "example.com",
            Some("bounce.example.com"),
            &["mail.example.com"],
            DmarcResult::Fail,
        ),
        (
            STRICT,
            "example.com",
            None,
            &["example.com"],
            DmarcResult::Pass,
        ),
    ] {
        let mail = Mail {
            zone,
            author,
            spf,
            dkim,
        };
        assert_eq!(
            evaluated(&mail).0,
            result,
            "{zone} {author} {spf:?} {dkim:?}"
        );
    }
}

#[test]
fn rfc9989_section_4_10_1_which_policy_holds() {
    let record =
        |tags: &str| format!("_dmarc.example.com TXT v=DMARC1; {tags}\nthere.example.com EMPTY");
    for (tags, author, policy) in [
        ("p=reject", "example.com", Policy::Reject),
        ("p=reject; pct=0", "example.com", Policy::Reject),
        ("p=reject; sp=none", "example.com", Policy::Reject),
        ("p=reject; sp=none", "there.example.com", Policy::None),
        ("p=reject; sp=none", "nothere.example.com", Policy::None),
        ("p=none; np=reject", "there.example.com", Policy::None),
        ("p=none; np=reject", "nothere.example.com", Policy::Reject),
        (
            "p=none; sp=quarantine; np=reject",
            "nothere.example.com",
            Policy::Reject,
        ),
        ("p=reject; t=y", "example.com", Policy::Quarantine),
        ("p=quarantine; t=y", "example.com", Policy::None),
        (
            "p=none; sp=reject; t=y",
            "there.example.com",
            Policy::Quarantine,
        ),
        ("rua=mailto:a@example.com", "example.com", Policy::None),
    ] {
        let zone = record(tags);
        let mail = Mail {
            zone: &zone,
            author,
            spf: None,
            dkim: &[],
        };
        assert_eq!(
            evaluated(&mail),
            (DmarcResult::Fail, policy),
            "{tags} {author}"
        );
    }
    // The policy of a public suffix holds for organizations that have none.
    let zone = "_dmarc.bank TXT v=DMARC1; psd=y; p=reject; sp=quarantine";
    let mail = Mail {
        zone,
        author: "a.example.bank",
        spf: None,
        dkim: &["example.bank"],
    };
    assert_eq!(evaluated(&mail), (DmarcResult::Pass, Policy::Quarantine));
    let mail = Mail {
        zone,
        author: "example.bank",
        spf: Some("other.bank"),
        dkim: &[],
    };
    assert_eq!(evaluated(&mail), (DmarcResult::Fail, Policy::Quarantine));
}

/// A time-out is never a failure.
#[test]
fn what_cannot_be_looked_up_is_temporary() {
    let away = Table::new("_dmarc.example.com AWAY");
    let evidence = Evidence {
        author: "example.com",
        dkim: vec!["example.com"],
        ..Evidence::default()
    };
    assert_eq!(
        now(evaluate(&away, &evidence)).result,
        DmarcResult::TempError
    );
    let table = Table::new("_dmarc.example.com TXT v=DMARC1; p=reject");
    for (spf, dkim, result) in [
        (Some("example.com"), vec![], DmarcResult::TempError),
        (None, vec!["mail.example.com"], DmarcResult::TempError),
        (
            Some("other.example"),
            vec!["other.example"],
            DmarcResult::Fail,
        ),
    ] {
        let evidence = Evidence {
            author: "example.com",
            spf_unknown: spf,
            dkim_unknown: dkim,
            ..Evidence::default()
        };
        assert_eq!(now(evaluate(&table, &evidence)).result, result);
    }
}

#[test]
fn authors_are_found_wherever_they_hide() {
    let domains = |section: &str| author_domains(section.as_bytes());
    assert_eq!(
        domains("From: \"x@bank.example\" <a@EXAMPLE.com>\r\n"),
        ["example.com"]
    );
    assert_eq!(
        domains("From: a@x.y, b@z.y\r\nFrom: c@x.y\r\n"),
        ["x.y", "z.y"]
    );
    assert_eq!(
        domains("From: a@b\u{fc}cher.example\r\n"),
        ["xn--bcher-kva.example"]
    );
    assert!(domains("From: nobody\r\n").is_empty());
    assert!(domains("Subject: x\r\n").is_empty());
}

proptest! {
    #[test]
    fn any_record_is_read_or_refused(text in "(v=DMARC1)?(;|=|[a-z]{0,4}|,| |!|:|mailto:|p=reject){0,20}", domain in "[a-z.]{0,40}") {
        let _ = Record::parse(&text);
        let zone = format!("_dmarc.example.com TXT {text}");
        let evidence = Evidence { author: &domain, spf: Some("example.com"), ..Evidence::default() };
        now(evaluate(&Table::new(&zone), &evidence));
    }
}
