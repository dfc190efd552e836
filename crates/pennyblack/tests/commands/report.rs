//! `pennyblack report`: what other servers tell about mail in our name (K15).

use super::world::World;

const REPORTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../mailauth/tests/reports");

/// K15: a report as a table, as JSON, from standard input; what is none is told as such.
#[test]
fn k15_reports_are_shown() {
    let world = World::new();
    let file = |name: &str| format!("{REPORTS}/{name}");
    let shown = world.run(&["report", &file("rfc9990.xml")]);
    assert_eq!(shown.code, 0, "{shown:?}");
    assert!(
        shown.out.starts_with("DMARC report on example.com\n"),
        "{shown:?}"
    );
    for part in [
        "123 pass, 0 fail",
        "p=quarantine sp=none np=none",
        "192.0.2.123",
        "pass example.com (aligned)",
    ] {
        assert!(shown.out.contains(part), "{}", shown.out);
    }
    // Who fails stands first.
    let old = world.run(&["report", &file("rfc7489.xml")]);
    let at = |what: &str| old.out.find(what).unwrap_or_else(|| panic!("{}", old.out));
    assert!(at("2001:db8::7") < at("192.0.2.1"), "{}", old.out);
    let json = world.json(&["report", &file("rfc8460.json")]);
    assert_eq!(json[0]["tls"]["policies"][0]["failures"], 303, "{json}");
    let tls = world.run(&["report", &file("rfc8460.json")]);
    assert!(
        tls.out.contains("5326 pass, 303 fail") && tls.out.contains("starttls-not-supported"),
        "{tls:?}"
    );
    let none = world.run(&["report", &file("rfc9990.xsd")]);
    assert!(
        none.code == 65 && none.err.contains("no <feedback>"),
        "{none:?}"
    );
    let missing = world.run(&["report", "/nowhere/at/all"]);
    assert!(
        missing.code == 66 && missing.err.contains("cannot read"),
        "{missing:?}"
    );
    let typed = world.run_with(&["report", "-"], "{\"policies\": []}");
    assert!(
        typed.code == 65 && typed.err.contains("standard input"),
        "{typed:?}"
    );
}
