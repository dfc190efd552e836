//! `pennyblack dns lookup`, against signed zones of NSD.

use super::world::World;
use lab::signed::{Signed, Signing, Zone};

/// M28, L25: the verdict of DNSSEC for each record, from the root on or through a resolver; exit codes that scripts can use.
#[test]
fn m28_dns_lookup_says_what_is_proved() {
    if let Some(missing) = Signed::missing() {
        eprintln!("SKIPPED m28_dns_lookup: {missing} is not installed");
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let zones = [
        Zone {
            name: "example",
            records: "mx A 9.9.9.9\n_25._tcp.mx TLSA 3 1 1 00ff\n",
            signing: Signing::Right,
        },
        Zone {
            name: "forged",
            records: "mx A 9.9.9.9\n",
            signing: Signing::Forged("9.9.9.9", "9.9.9.8"),
        },
    ];
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let start = Signed::start(folder.path(), &zones);
    let server = runtime.block_on(start).expect("signed zones");
    let world = World::with(&format!(
        "dns.mode = \"recursive\"\ndns.roots = [\"127.0.0.1\"]\ndns.port = {}\ndns.trust_anchor = {:?}\ndns.allow_private = true\n",
        server.address().port(),
        server.anchors(),
    ));
    let answer = world.json(&["dns", "lookup", "_25._tcp.mx.example", "tlsa"]);
    assert_eq!(answer["verdict"], "secure", "{answer}");
    assert_eq!(answer["records"][0]["kind"], "TLSA", "{answer}");
    let plain = world.run(&["dns", "lookup", "mx.example", "A"]);
    assert!(
        plain.code == 0 && plain.out.contains(" IN A 9.9.9.9\n; DNSSEC: secure"),
        "{plain:?}"
    );
    let absent = world.run(&["dns", "lookup", "nobody.example", "A"]);
    assert_eq!(absent.code, 3, "{absent:?}");
    let forged = world.run(&["dns", "lookup", "mx.forged", "A"]);
    assert_eq!(forged.code, 2, "{forged:?}");
    let wrong = world.run(&["dns", "lookup", "mx.example", "NOTHING"]);
    assert!(
        wrong.code != 0 && wrong.err.contains("NOTHING"),
        "{wrong:?}"
    );
}
