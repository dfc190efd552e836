use super::*;
use crate::table::{Table, now};
use proptest::prelude::*;

fn run(zone: &str, ip: &str, helo: &str, sender: &str) -> Outcome {
    let table = Table::new(zone);
    let query = Query {
        ip: ip.parse().unwrap(),
        helo,
        sender: (!sender.is_empty()).then_some(sender),
        receiver: "mx.receiver.example",
        now: 1_795_184_024,
    };
    now(check(&table, &query))
}

/// Of a single record for example.com.
fn single(record: &str, ip: &str) -> SpfResult {
    let zone = format!("{ZONE}\nexample.com TXT {record}");
    run(&zone, ip, "mail.example.com", "strong-bad@example.com").result
}

/// RFC 7208 Appendix A, with a few more names.
const ZONE: &str = "
    example.com MX 10 mail-a.example.com
    example.com MX 20 mail-b.example.com
    example.com A 192.0.2.10
    example.com A 192.0.2.11
    amy.example.com A 192.0.2.65
    bob.example.com A 192.0.2.66
    mail-a.example.com A 192.0.2.129
    mail-b.example.com A 192.0.2.130
    six.example.com AAAA 2001:db8::1
    example.org MX 10 mail-c.example.org
    mail-c.example.org A 192.0.2.140
    192.0.2.10 PTR example.com
    192.0.2.11 PTR example.com
    192.0.2.65 PTR amy.example.com
    192.0.2.66 PTR bob.example.com
    192.0.2.129 PTR mail-a.example.com
    192.0.2.130 PTR mail-b.example.com
    192.0.2.140 PTR mail-c.example.org
    10.0.0.4 PTR bob.example.com
    foo:bar/baz.example.com A 192.0.2.77
    away.example.com AWAY
    away.example.org AWAY
    pass.example.org TXT v=spf1 +all
    fail.example.org TXT v=spf1 -all
    neutral.example.org TXT v=spf1 ?all
    broken.example.org TXT v=spf1 bogus
    empty.example.org EMPTY
    null.example.org MX 0 .
";

use SpfResult::*;

/// K13
#[test]
fn rfc7208_appendix_a_simple_examples() {
    for (record, ip, result) in [
        ("v=spf1 +all", "203.0.113.1", Pass),
        ("v=spf1 a -all", "192.0.2.10", Pass),
        ("v=spf1 a -all", "192.0.2.12", Fail),
        ("v=spf1 a:example.org -all", "192.0.2.10", Fail),
        ("v=spf1 mx -all", "192.0.2.129", Pass),
        ("v=spf1 mx:example.org -all", "192.0.2.140", Pass),
        ("v=spf1 mx mx:example.org -all", "192.0.2.130", Pass),
        ("v=spf1 mx/30 mx:example.org/30 -all", "192.0.2.131", Pass),
        ("v=spf1 mx/30 mx:example.org/30 -all", "192.0.2.143", Pass),
        ("v=spf1 mx/30 mx:example.org/30 -all", "192.0.2.144", Fail),
        ("v=spf1 ptr -all", "192.0.2.65", Pass),
        ("v=spf1 ptr -all", "192.0.2.140", Fail),
        ("v=spf1 ptr -all", "10.0.0.4", Fail),
        ("v=spf1 ip4:192.0.2.128/28 -all", "192.0.2.65", Fail),
        ("v=spf1 ip4:192.0.2.128/28 -all", "192.0.2.129", Pass),
    ] {
        assert_eq!(single(record, ip), result, "{record} {ip}");
    }
}

#[test]
fn rfc7208_section_4_3_to_4_5_which_record() {
    assert_eq!(single("v=spf10 -all", "192.0.2.1"), None);
    assert_eq!(single("v=spf1\t-all", "192.0.2.1"), None);
    assert_eq!(single("v=spf1 a\t-all", "192.0.2.1"), PermError);
    assert_eq!(single("V=SPF1 -ALL", "192.0.2.1"), Fail);
    assert_eq!(single("v=spf1", "192.0.2.1"), Neutral);
    let two = format!("{ZONE}\nexample.com TXT v=spf1 -all\nexample.com TXT v=spf1 +all");
    assert_eq!(
        run(&two, "192.0.2.1", "x.y", "a@example.com").result,
        PermError
    );
    for sender in [
        "a@nothere.example",
        "a@localhost",
        "a@a..b",
        "a@[192.0.2.1]",
    ] {
        assert_eq!(
            run(ZONE, "192.0.2.1", "x.y", sender).result,
            None,
            "{sender}"
        );
    }
    assert_eq!(
        run(ZONE, "192.0.2.1", "x.y", "a@away.example.com").result,
        TempError
    );
}

#[test]
fn rfc7208_section_2_3_the_null_sender_is_the_helo() {
    let outcome = run(ZONE, "192.0.2.1", "PASS.example.org", "");
    assert_eq!(
        (outcome.result, outcome.domain.as_str()),
        (Pass, "pass.example.org")
    );
    assert_eq!(run(ZONE, "192.0.2.1", "[192.0.2.1]", "").result, None);
    assert_eq!(
        run(ZONE, "192.0.2.1", "fail.example.org", "a@pass.example.org").result,
        Pass
    );
}

/// A fault anywhere in the record, even behind what matches.
#[test]
fn rfc7208_section_4_6_syntax() {
    for record in [
        "v=spf1 +all bogus",
        "v=spf1 all:x.y",
        "v=spf1 all/8",
        "v=spf1 a:",
        "v=spf1 a/33",
        "v=spf1 a/08",
        "v=spf1 a//129",
        "v=spf1 a/",
        "v=spf1 a:example.com/",
        "v=spf1 a:192.0.2.1",
        "v=spf1 a:foo",
        "v=spf1 a:example.-com",
        "v=spf1 include",
        "v=spf1 include:",
        "v=spf1 exists",
        "v=spf1 ptr/0",
        "v=spf1 ip4:192.0.2",
        "v=spf1 ip4:192.0.2.1:8080",
        "v=spf1 ip4:192.0.2.0/00",
        "v=spf1 ip4:2001:db8::1",
        "v=spf1 ip4 -all",
        "v=spf1 ip6:2001:db8::/129",
        "v=spf1 ip6:192.0.2.1",
        "v=spf1 redirect=a.b redirect=a.b",
        "v=spf1 exp=a.b exp=a.b",
        "v=spf1 redirect=",
        "v=spf1 exists:%{x}.a.b",
        "v=spf1 exists:%{c}.a.b",
        "v=spf1 exists:%{d0}.a.b",
        "v=spf1 exists:%{d",
        "v=spf1 exists:%x.a.b",
        "v=spf1 exists:%",
        "v=spf1 -all \u{e9}",
        "v=spf1 moo=%a",
        "v=spf1 -",
        "v=spf1 --all",
    ] {
        assert_eq!(single(record, "192.0.2.10"), PermError, "{record}");
    }
    for record in [
        "v=spf1  a   -all ",
        "v=spf1 A:EXAMPLE.com. -all",
        "v=spf1 moo=%{d}/x a -all",
        "v=spf1 a-b.c_d= a -all",
        "v=spf1 a/24//64 -all",
        "v=spf1 ip4:192.0.2.10 all",
    ] {
        assert_eq!(single(record, "192.0.2.10"), Pass, "{record}");
    }
    assert_eq!(
        single("v=spf1 a:foo:bar/baz.example.com -all", "192.0.2.77"),
        Pass
    );
    assert_eq!(
        single("v=spf1 a:foo:bar/baz.example.com/24 -all", "192.0.2.7"),
        Pass
    );
}

#[test]
fn rfc7208_section_5_2_include() {
    for (domain, result) in [
        ("pass.example.org", Pass),
        ("fail.example.org", Fail),
        ("neutral.example.org", Fail),
        ("broken.example.org", PermError),
        ("empty.example.org", PermError),
        ("nothere.example.org", PermError),
        ("away.example.org", TempError),
    ] {
        let record = format!("v=spf1 include:{domain} -all");
        assert_eq!(single(&record, "203.0.113.1"), result, "{domain}");
    }
}

#[test]
fn rfc7208_section_6_1_redirect() {
    for (record, result) in [
        ("v=spf1 redirect=pass.example.org", Pass),
        ("v=spf1 redirect=pass.example.org -all", Fail),
        ("v=spf1 redirect=empty.example.org", PermError),
        ("v=spf1 redirect=away.example.org", TempError),
        ("v=spf1 redirect=example.com", PermError),
    ] {
        assert_eq!(single(record, "203.0.113.1"), result, "{record}");
    }
}

#[test]
fn rfc7208_section_5_what_is_away_is_temporary() {
    for record in [
        "v=spf1 a:away.example.org -all",
        "v=spf1 mx:away.example.org -all",
        "v=spf1 exists:away.example.org -all",
    ] {
        assert_eq!(single(record, "192.0.2.1"), TempError, "{record}");
    }
    assert_eq!(
        single("v=spf1 ptr:away.example.org -all", "203.0.113.9"),
        Fail
    );
    assert_eq!(single("v=spf1 mx:null.example.org -all", "192.0.2.1"), Fail);
}

#[test]
fn families_are_kept_apart() {
    for (record, ip, result) in [
        ("v=spf1 a:six.example.com -all", "2001:db8::1", Pass),
        ("v=spf1 a:six.example.com//64 -all", "2001:db8::2", Pass),
        ("v=spf1 a:six.example.com/24 -all", "2001:db8::2", Fail),
        ("v=spf1 a -all", "::ffff:192.0.2.10", Pass),
        ("v=spf1 ip4:0.0.0.0/0 -all", "2001:db8::2", Fail),
        ("v=spf1 ip6:::/0 -all", "192.0.2.1", Fail),
        ("v=spf1 ip6:2001:db8::/32 -all", "2001:db8:1::1", Pass),
        ("v=spf1 exists:six.example.com -all", "2001:db8::1", Fail),
        ("v=spf1 exists:amy.example.com -all", "2001:db8::1", Pass),
    ] {
        assert_eq!(single(record, ip), result, "{record} {ip}");
    }
}

#[test]
fn rfc7208_section_4_6_4_ten_terms() {
    let terms = |count: usize| "a:example.org ".repeat(count);
    let zone = "example.org A 192.0.2.1";
    for (count, result) in [(10, Fail), (11, PermError)] {
        let zone = format!("{zone}\nexample.com TXT v=spf1 {}-all", terms(count));
        assert_eq!(
            run(&zone, "192.0.2.9", "x.y", "a@example.com").result,
            result
        );
    }
    let table = Table::new("example.com TXT v=spf1 include:example.com -all");
    let query = Query {
        ip: "192.0.2.1".parse().unwrap(),
        helo: "x.y",
        sender: Some("a@example.com"),
        receiver: "r",
        now: 0,
    };
    assert_eq!(now(check(&table, &query)).result, PermError);
    assert_eq!(table.asked().len(), 11);
}

#[test]
fn rfc7208_section_4_6_4_two_void_look_ups() {
    let zone = "empty.example EMPTY";
    for (record, result) in [
        ("a:no1.example exists:empty.example -all", Fail),
        (
            "a:no1.example exists:empty.example mx:no2.example -all",
            PermError,
        ),
    ] {
        let zone = format!("{zone}\nexample.com TXT v=spf1 {record}");
        assert_eq!(
            run(&zone, "192.0.2.9", "x.y", "a@example.com").result,
            result,
            "{record}"
        );
    }
}

#[test]
fn rfc7208_section_4_6_4_ten_hosts() {
    let mut zone =
        String::from("example.com TXT v=spf1 mx -all\nptr.example TXT v=spf1 ptr -all\n");
    for host in 0..11 {
        zone += &format!("example.com MX 1 m{host}.example.com\nm{host}.example.com A 192.0.2.9\n");
        zone += &format!("192.0.2.8 PTR x{host}.example.org\n");
    }
    zone += "192.0.2.8 PTR ptr.example\nptr.example A 192.0.2.8\n";
    assert_eq!(
        run(&zone, "192.0.2.9", "x.y", "a@example.com").result,
        PermError
    );
    assert_eq!(run(&zone, "192.0.2.8", "x.y", "a@ptr.example").result, Fail);
}

#[test]
fn rfc7208_section_7_4_macro_examples() {
    let expanded = |spec: &str, ip: &str| {
        let table = Table::new("");
        let query = Query {
            ip: ip.parse().unwrap(),
            helo: "mail.example.com",
            sender: Some("strong-bad@email.example.com"),
            receiver: "r",
            now: 0,
        };
        // What is asked for shows what it was expanded to.
        let mut table = table;
        table.add(
            "email.example.com",
            "TXT",
            &format!("v=spf1 exists:{spec} -all"),
        );
        now(check(&table, &query));
        table.asked()[1].clone()
    };
    for (spec, result) in [
        ("%{s}", "strong-bad@email.example.com"),
        ("%{o}", "email.example.com"),
        ("%{d}", "email.example.com"),
        ("%{d4}", "email.example.com"),
        ("%{d3}", "email.example.com"),
        ("%{d2}", "example.com"),
        ("%{d1}", "com"),
        ("%{dr}", "com.example.email"),
        ("%{d2r}", "example.email"),
        ("%{l}.a.b", "strong-bad.a.b"),
        ("%{l-}.a.b", "strong.bad.a.b"),
        ("%{lr}.a.b", "strong-bad.a.b"),
        ("%{lr-}.a.b", "bad.strong.a.b"),
        ("%{l1r-}.a.b", "strong.a.b"),
        (
            "%{ir}.%{v}._spf.%{d2}",
            "3.2.0.192.in-addr._spf.example.com",
        ),
        ("%{lr-}.lp._spf.%{d2}", "bad.strong.lp._spf.example.com"),
        (
            "%{lr-}.lp.%{ir}.%{v}._spf.%{d2}",
            "bad.strong.lp.3.2.0.192.in-addr._spf.example.com",
        ),
        (
            "%{d2}.trusted-domains.example.net",
            "example.com.trusted-domains.example.net",
        ),
        ("%{S}.a.b", "strong-bad%40email.example.com.a.b"),
        ("%%%_%-.a.b", "% %20.a.b"),
        ("%{h}", "mail.example.com"),
    ] {
        assert_eq!(expanded(spec, "192.0.2.3"), result, "{spec}");
    }
    assert_eq!(
        expanded("%{ir}.%{v}._spf.%{d2}", "2001:db8::cb01"),
        "1.0.b.c.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6._spf.example.com"
    );
}

#[test]
fn rfc7208_section_7_3_the_validated_name() {
    let zone = format!(
        "{ZONE}\nexample.com TXT v=spf1 exists:%{{p}}.ok -all\namy.example.com.ok A 127.0.0.2\nunknown.ok A 127.0.0.2"
    );
    assert_eq!(
        run(&zone, "192.0.2.65", "x.y", "a@example.com").result,
        Pass
    );
    assert_eq!(
        run(&zone, "192.0.2.66", "x.y", "a@example.com").result,
        Fail
    );
    assert_eq!(run(&zone, "10.0.0.4", "x.y", "a@example.com").result, Pass);
}

#[test]
fn rfc7208_section_6_2_explanations() {
    let explained = |text: &str| {
        let zone = format!(
            "example.com TXT v=spf1 -all exp=why.%{{d}}\nwhy.example.com TXT {text}\n\
             other.example TXT v=spf1 redirect=example.com exp=no.example\n\
             third.example TXT v=spf1 include:example.com ?all"
        );
        run(&zone, "192.0.2.3", "x.y", "a@example.com").explanation
    };
    assert_eq!(
        explained("%{i} (%{c}) is not %{d}'s, says %{r} at %{t}"),
        Some(
            "192.0.2.3 (192.0.2.3) is not example.com's, says mx.receiver.example at 1795184024"
                .into()
        )
    );
    assert_eq!(explained("gr\u{fc}n"), Option::None);
    assert_eq!(explained("%{x}"), Option::None);
    assert_eq!(
        explained(&"x".repeat(9999)).map(|text| text.len()),
        Some(EXPLANATION)
    );
    let zone = "example.com TXT v=spf1 -all exp=why.example.com\nwhy.example.com TXT %{l}";
    assert_eq!(
        run(zone, "192.0.2.3", "x.y", "\u{fc}@example.com").explanation,
        Option::None
    );
}

#[test]
fn the_reason_names_what_decides() {
    let zone = "example.com TXT v=spf1 include:other.example -all\nother.example TXT v=spf1 ip4:192.0.2.0/24";
    let reason = |ip| run(zone, ip, "x.y", "a@example.com").reason;
    assert_eq!(
        reason("192.0.2.1"),
        "include:other.example in the record of example.com matches"
    );
    assert_eq!(
        reason("203.0.113.1"),
        "-all in the record of example.com matches"
    );
}

proptest! {
    #[test]
    fn any_record_ends(record in "v=spf1( |%|\\{|[a-z0-9:/=.]|%\\{[a-z]\\}|include:example.com|redirect=example.com|mx|a|ptr|/24|exp=example.com){0,12}") {
        single(&record, "192.0.2.1");
    }

    #[test]
    fn any_octets_end(record in "\\PC{0,60}", helo in "\\PC{0,20}", sender in "\\PC{0,20}") {
        let zone = format!("example.com TXT v=spf1 {record}");
        run(&zone, "192.0.2.1", &helo, &sender);
        run(&zone, "2001:db8::1", &helo, &format!("{sender}@example.com"));
    }
}

fn walked(lines: &str, domain: &str) -> (Vec<String>, Vec<String>, bool) {
    let walk = now(super::walk(&Table::new(lines), domain));
    let network = |(address, length): &super::Permitted| format!("{address}/{length}");
    let gap = |gap: &super::Gap| format!("{} {}: {}", gap.domain, gap.term, gap.why);
    (
        walk.networks.iter().map(network).collect(),
        walk.gaps.iter().map(gap).collect(),
        walk.unknown,
    )
}

/// J9: include chains, redirect, circles, both families, host names and mail hosts.
#[test]
fn j09_a_walk_finds_all_networks() {
    let (networks, gaps, unknown) = walked(
        "big.example TXT v=spf1 redirect=_spf.big.example
         _spf.big.example TXT v=spf1 include:a.big.example include:b.big.example a:out.big.example/24//64 mx ?ip4:192.0.2.99 -ip4:192.0.2.98 ~all ip4:192.0.2.97
         a.big.example TXT v=spf1 ip4:192.0.2.129/25 ip6:2001:db8:1::/48 include:_spf.big.example -all
         b.big.example TXT v=spf1 ip4:198.51.100.7 ~all
         out.big.example A 203.0.113.77
         out.big.example AAAA 2001:db8:2::77
         _spf.big.example MX 10 mx.big.example
         mx.big.example A 203.0.114.1",
        "BIG.example",
    );
    assert_eq!(
        networks,
        [
            "192.0.2.128/25",
            "198.51.100.7/32",
            "203.0.113.0/24",
            "203.0.114.1/32",
            "2001:db8:1::/48",
            "2001:db8:2::/64",
        ]
    );
    assert_eq!((gaps.as_slice(), unknown), (&[] as &[String], false));
}

/// J9: what cannot be told beforehand is named.
#[test]
fn j09_a_walk_names_its_gaps() {
    let (networks, gaps, unknown) = walked(
        "x.example TXT v=spf1 exists:%{i}.x.example ptr include:%{d}.y.example include:none.example include:two.example include:bad.example a:away.example ip4:192.0.2.1 +all
         two.example TXT v=spf1 -all
         two.example TXT v=spf1 ~all
         bad.example TXT v=spf1 ip4:1.2.3.4.5
         away.example AWAY",
        "x.example",
    );
    assert_eq!(networks, ["192.0.2.1/32"]);
    assert!(unknown);
    for part in [
        "exists:%{i}.x.example: it asks DNS",
        "ptr: it permits addresses by their names",
        "include:%{d}.y.example: its macros depend",
        "none.example : it has no SPF record",
        "two.example : it has more than one",
        "bad.example : its SPF record is wrong",
        "a:away.example: DNS look-up failed",
        "+all: it permits every address",
    ] {
        assert!(
            gaps.iter().any(|gap| gap.contains(part)),
            "{part} is not in {gaps:#?}"
        );
    }
}

/// Someone whose records never end.
#[test]
fn j09_a_walk_ends() {
    let mut lines = String::new();
    for number in 0..1000 {
        let next = number + 1;
        let networks: String = (0..250)
            .map(|n| format!(" ip4:10.{}.{}.{n}", number % 250, number / 250))
            .collect();
        lines += &format!("d{number}.example TXT v=spf1{networks} include:d{next}.example -all\n");
    }
    let (networks, gaps, _) = walked(&lines, "d0.example");
    assert_eq!(networks.len(), 20_000);
    assert!(gaps.iter().any(|gap| gap.contains("too many records")));
}
