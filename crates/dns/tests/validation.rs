//! Validation against zones signed by ldns and served by NSD, from a root of their own (M28, M29, L25).

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test may fail by panicking

use dns::{Lookups, MxAnswer, Presence, Private, Proof, Recursion, Resolver, Validation};
use lab::signed::{Signed, Signing, Zone};
use std::net::IpAddr;

const ZONES: &[Zone<'static>] = &[
    Zone {
        name: "example",
        records: "plain A 9.9.9.1\n",
        signing: Signing::Right,
    },
    Zone {
        name: "good.example",
        records: "@ MX 10 mx\nmx A 9.9.9.2\nmx AAAA 2620:fe::2\n_25._tcp.mx TLSA 3 1 1 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\n\
                  alias CNAME mx\nfar CNAME mx.unsigned.example.\nhome A 10.0.0.1\nlisted A 127.0.0.2\ntext TXT \"v=1\" \"2\"\n",
        signing: Signing::Right,
    },
    Zone {
        name: "unsigned.example",
        records: "@ MX 10 mx\nmx A 9.9.9.3\n_25._tcp.mx TLSA 3 1 1 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\n",
        signing: Signing::Unsigned,
    },
    Zone {
        name: "forged.example",
        records: "@ MX 10 mx\nmx A 9.9.9.4\n",
        signing: Signing::Forged("9.9.9.4", "9.9.9.5"),
    },
];

struct Internet {
    server: Signed,
    _folder: tempfile::TempDir,
}

async fn internet() -> Option<Internet> {
    if let Some(missing) = Signed::missing() {
        eprintln!("SKIPPED validation: {missing} is not installed");
        return None;
    }
    let folder = tempfile::tempdir().unwrap();
    let server = Signed::start(folder.path(), ZONES).await.unwrap();
    Some(Internet {
        server,
        _folder: folder,
    })
}

fn recursion(internet: &Internet) -> Recursion {
    Recursion {
        roots: vec![internet.server.address().ip()],
        anchors: Some(internet.server.anchors()),
        port: internet.server.address().port(),
        private: Private::Allowed,
    }
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// M28: a chain of signatures from the root, a zone that is proved to be unsigned, and one whose records were changed.
#[tokio::test]
async fn m28_secure_insecure_and_bogus_from_the_root() {
    let Some(internet) = internet().await else {
        return;
    };
    let dns = Lookups::recursing(&recursion(&internet)).unwrap();
    let good = dns.proved_mx("good.example").await.unwrap();
    assert_eq!(
        good.value,
        MxAnswer::Hosts(vec![(10, "mx.good.example".into())])
    );
    assert_eq!(good.proof, Proof::Secure);
    let located = dns.located("mx.good.example").await.unwrap();
    assert_eq!(located.value.addresses, [ip("2620:fe::2"), ip("9.9.9.2")]);
    assert_eq!(located.proof, Proof::Secure);
    let tlsa = dns.tlsa("_25._tcp.mx.good.example").await.unwrap();
    assert_eq!(tlsa.proof, Proof::Secure);
    assert_eq!(
        (
            tlsa.value[0].usage,
            tlsa.value[0].selector,
            tlsa.value[0].matching
        ),
        (3, 1, 1)
    );
    assert_eq!(tlsa.value[0].data.len(), 32);

    let unsigned = dns.proved_mx("unsigned.example").await.unwrap();
    assert_eq!(unsigned.proof, Proof::Insecure);
    assert!(matches!(unsigned.value, MxAnswer::Hosts(_)));
    let tlsa = dns.tlsa("_25._tcp.mx.unsigned.example").await.unwrap();
    assert_eq!(tlsa.proof, Proof::Insecure);

    let forged = dns.addresses("mx.forged.example").await.unwrap_err();
    assert!(forged.to_string().contains("bogus"), "{forged}");
    let listing = dns.listing("mx.forged.example", "A").await.unwrap();
    assert_eq!(listing.proof, Proof::Bogus);
    let counts = dns.counts();
    assert!(counts.bogus >= 2 && counts.secure >= 3, "{counts:?}");
}

/// U11, RFC 7672 §2.1.1: absence is proved too, of a name and of a record.
#[tokio::test]
async fn absence_is_proved() {
    let Some(internet) = internet().await else {
        return;
    };
    let dns = Lookups::recursing(&recursion(&internet)).unwrap();
    let nobody = dns.proved_mx("nobody.good.example").await.unwrap();
    assert_eq!(
        (nobody.value, nobody.proof),
        (MxAnswer::NoDomain, Proof::Secure)
    );
    let none = dns.tlsa("_25._tcp.plain.example").await.unwrap();
    assert_eq!((none.value, none.proof), (Vec::new(), Proof::Secure));
    let listing = dns.listing("mx.good.example", "TXT").await.unwrap();
    assert_eq!(
        (listing.presence, listing.proof),
        (Presence::NoRecord, Proof::Secure)
    );
    assert_eq!(dns.txt("text.good.example").await.unwrap(), ["v=12"]);
}

/// RFC 7672 §2.2.2: where an alias leads, and whether its first step is proved.
#[tokio::test]
async fn rfc_7672_2_2_2_aliases() {
    let Some(internet) = internet().await else {
        return;
    };
    let dns = Lookups::recursing(&recursion(&internet)).unwrap();
    let near = dns.located("alias.good.example").await.unwrap();
    assert_eq!(near.value.canonical, "mx.good.example");
    assert_eq!(
        (near.value.alias, near.proof),
        (Some(Proof::Secure), Proof::Secure)
    );
    let far = dns.located("far.good.example").await.unwrap();
    assert_eq!(far.value.canonical, "mx.unsigned.example");
    assert_eq!(
        (far.value.alias, far.proof),
        (Some(Proof::Secure), Proof::Insecure)
    );
}

/// M29: a public name does not lead into a private network; block lists' answers do pass.
#[tokio::test]
async fn m29_private_answers_are_dropped() {
    let Some(internet) = internet().await else {
        return;
    };
    let mut strict = recursion(&internet);
    strict.private = Private::AnswersRefused;
    let dns = Lookups::recursing(&strict).unwrap();
    assert_eq!(
        dns.addresses("listed.good.example").await.unwrap(),
        [ip("127.0.0.2")]
    );
    assert!(
        dns.addresses("home.good.example")
            .await
            .unwrap_or_default()
            .is_empty()
    );
}

/// Another anchor than the zone's: nothing is believed.
#[tokio::test]
async fn a_foreign_root_is_bogus() {
    let (Some(internet), Some(other)) = (internet().await, internet().await) else {
        return;
    };
    let mut foreign = recursion(&internet);
    foreign.anchors = Some(other.server.anchors());
    let dns = Lookups::recursing(&foreign).unwrap();
    assert!(dns.addresses("mx.good.example").await.is_err());
}

/// M31: when no authoritative server can be reached, the configured resolvers are asked, and what they say counts as unsigned.
#[tokio::test]
async fn m31_fallback_counts_as_unsigned() {
    let plain = lab::dns::Zone::parse("mx.good.example A 9.9.9.9").unwrap();
    let plain = lab::dns::Server::start(plain, None).await.unwrap();
    let nobody = Recursion {
        roots: vec![ip("127.0.0.1")],
        port: 9,
        private: Private::Allowed,
        ..Recursion::default()
    };
    let fallback = Lookups::forwarding(&[plain.address()], &Validation::Off).unwrap();
    let dns = Lookups::recursing(&nobody).unwrap().or_else(fallback);
    let located = dns.located("mx.good.example").await.unwrap();
    assert_eq!(located.value.addresses, [ip("9.9.9.9")]);
    assert_eq!(located.proof, Proof::Indeterminate);
}

/// Names that never leave the machine.
#[tokio::test]
async fn special_names_are_not_asked_for() {
    let nobody = Recursion {
        roots: vec![ip("127.0.0.1")],
        port: 9,
        private: Private::Allowed,
        ..Recursion::default()
    };
    let dns = Lookups::recursing(&nobody).unwrap();
    assert_eq!(dns.names(ip("127.0.0.1")).await.unwrap(), ["localhost"]);
    assert!(dns.names(ip("192.168.1.1")).await.unwrap().is_empty());
    assert_eq!(dns.mx("a.invalid").await.unwrap(), MxAnswer::NoDomain);
    assert_eq!(dns.addresses("localhost").await.unwrap().len(), 2);
    assert_eq!(dns.counts(), dns::Counts::default());
}
