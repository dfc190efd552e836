use super::*;
use crate::dkim::{Algorithm, Bodies, Canonicalization, PrivateKey, PublicKeyRecord, Signer};
use crate::table::{Table, now};
use proptest::prelude::*;

const MESSAGE: &str = "From: Joe <joe@example.com>\r\nTo: sue@example.net\r\nSubject: hello\r\nDate: Fri, 11 Jul 2003 21:00:37 -0700\r\n\r\nHi.\r\n";
const TIME: i64 = 1_795_184_024;

fn validate(message: &str, table: &Table) -> Validated {
    let end = message.find("\r\n\r\n").map_or(message.len(), |at| at + 4);
    let mut bodies = Bodies::default();
    let validator = Validator::new(&message.as_bytes()[..end], &mut bodies);
    bodies.update(&message.as_bytes()[end..]);
    now(validator.finish(table, &bodies.finish(), TIME))
}

struct World {
    key: PrivateKey,
    table: Table,
}

impl World {
    fn new() -> World {
        let key = PrivateKey::generate(Algorithm::RsaSha256).unwrap();
        let mut table = Table::default();
        let record = PublicKeyRecord::write(&key.public_key().unwrap());
        for domain in ["one.example", "two.example"] {
            table.add(&format!("arc._domainkey.{domain}"), "TXT", &record);
        }
        World { key, table }
    }

    fn seal(&self, message: &str, domain: &str) -> Result<String, SealError> {
        let before = validate(message, &self.table);
        let end = message.find("\r\n\r\n").unwrap() + 4;
        let mut bodies = Bodies::default();
        let id = bodies.want(Canonicalization::Relaxed, None);
        bodies.update(&message.as_bytes()[end..]);
        let sealing = Sealing {
            domain,
            selector: "arc",
            signer: &self.key,
            time: TIME,
            results: "mx.example; spf=pass smtp.mailfrom=example.com;\r\n\tdmarc=pass header.from=example.com",
        };
        let hashes = bodies.finish();
        let (hash, _) = hashes.hash(id).unwrap();
        sealing
            .fields(&message.as_bytes()[..end], hash, &before)
            .map(|fields| format!("{fields}{message}"))
    }
}

/// K18
#[test]
fn k18_a_chain_of_our_own_is_valid() {
    let world = World::new();
    assert_eq!(validate(MESSAGE, &world.table), Validated::none());
    let one = world.seal(MESSAGE, "one.example").unwrap();
    let two = world
        .seal(&format!("Received: x\r\n{one}"), "two.example")
        .unwrap();
    let validated = validate(&two, &world.table);
    assert_eq!(validated.result, ArcResult::Pass, "{}", validated.reason);
    assert_eq!(validated.sets, 2);
    assert_eq!(validated.sealers, ["one.example", "two.example"]);
    assert!(
        validated
            .results
            .unwrap()
            .starts_with("mx.example; spf=pass")
    );
}

#[test]
fn rfc8617_section_5_2_what_breaks_a_chain() {
    let world = World::new();
    let one = world.seal(MESSAGE, "one.example").unwrap();
    let two = world.seal(&one, "two.example").unwrap();
    for (from, to) in [
        ("Subject: hello", "Subject: [list] hello"),
        ("Hi.", "Ho."),
        ("spf=pass", "spf=fail"),
        ("i=1; a=rsa-sha256; cv=none", "i=1; a=rsa-sha256; cv=pass"),
        ("i=2; a=rsa-sha256; cv=pass", "i=2; a=rsa-sha256; cv=none"),
        (
            "ARC-Authentication-Results: i=1",
            "ARC-Authentication-Results: i=3",
        ),
        (
            "ARC-Authentication-Results: i=1",
            "ARC-Authentication-Results: i=0",
        ),
        (
            "ARC-Authentication-Results: i=1",
            "ARC-Authentication-Results: i=51",
        ),
        (
            "ARC-Authentication-Results: i=1",
            "ARC-Authentication-Results: x=1",
        ),
        (
            "ARC-Authentication-Results: i=1",
            "ARC-Authentication-Results: i=2",
        ),
        ("ARC-Authentication-Results: i=1", "X: i=1"),
        ("d=one.example", "d=none.example"),
        ("cv=pass; ", "cv=pass; h=from; "),
    ] {
        let changed = two.replacen(from, to, 1);
        assert_ne!(changed, two, "{from}");
        assert_eq!(
            validate(&changed, &world.table).result,
            ArcResult::Fail,
            "{to}"
        );
    }
    // What the first signer covered may be changed by the second, who says so by sealing.
    let folded = two.replacen("Subject: hello", "Subject:  hello", 1);
    assert_eq!(validate(&folded, &world.table).result, ArcResult::Pass);
    assert_eq!(
        validate(
            &two,
            &Table::new("arc._domainkey.one.example AWAY\narc._domainkey.two.example AWAY")
        )
        .result,
        ArcResult::TempError
    );
}

#[test]
fn rfc8617_section_5_1_a_broken_chain_is_closed_once() {
    let world = World::new();
    let one = world.seal(MESSAGE, "one.example").unwrap();
    let changed = one.replacen("Hi.", "Ho.", 1);
    let closed = world.seal(&changed, "two.example").unwrap();
    assert!(
        closed.starts_with("ARC-Seal: i=2; a=rsa-sha256; cv=fail"),
        "{closed}"
    );
    let validated = validate(&closed, &world.table);
    assert_eq!(
        (validated.result, validated.closed),
        (ArcResult::Fail, true)
    );
    assert!(matches!(
        world.seal(&closed, "one.example"),
        Err(SealError::Closed(_))
    ));
    let twice = one.replacen("ARC-Seal: i=1", "ARC-Seal: i=1; b=\r\nARC-Seal: i=1", 1);
    assert!(matches!(
        world.seal(&twice, "two.example"),
        Err(SealError::Closed(_))
    ));
}

#[test]
fn a_chain_may_have_fifty_sets() {
    let world = World::new();
    let mut message = MESSAGE.to_string();
    for _ in 0..MOST_SETS {
        message = world.seal(&message, "one.example").unwrap();
    }
    assert_eq!(validate(&message, &world.table).result, ArcResult::Pass);
    assert_eq!(
        world.seal(&message, "one.example"),
        Err(SealError::Closed("it is full"))
    );
}

proptest! {
    #[test]
    fn any_fields_are_read(fields in prop::collection::vec((0_usize..3, "(i=[0-9]{0,3};)?[a-z=; ]{0,30}"), 0..6), octets in prop::collection::vec(any::<u8>(), 0..99)) {
        let names = ["ARC-Seal", "ARC-Message-Signature", "ARC-Authentication-Results"];
        let section: String = fields.iter().map(|(name, value)| format!("{}: {value}\r\n", names[*name])).collect();
        validate(&format!("{section}{MESSAGE}"), &Table::new(""));
        let section = [&b"ARC-Seal: "[..], &octets].concat();
        let validator = Validator::new(&section, &mut Bodies::default());
        now(validator.finish(&Table::new(""), &Bodies::default().finish(), 0));
    }
}
