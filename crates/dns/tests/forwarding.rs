//! The forwarding resolver against a name server on loopback.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test may fail by panicking

use dns::{Lookups, MxAnswer, Resolver, Validation};
use lab::dns::{Fault, Server, Zone};
use std::net::IpAddr;

async fn served(zone: &str) -> (Server, Lookups) {
    let server = Server::start(Zone::parse(zone).unwrap(), None)
        .await
        .unwrap();
    let resolver = Lookups::forwarding(&[server.address()], &Validation::Off).unwrap();
    (server, resolver)
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// U11: a domain that does not exist, one without MX, one that takes no mail, and one that cannot be looked up are four things.
#[tokio::test]
async fn u11_absence_and_failure_are_kept_apart() {
    let (_server, dns) = served(
        "plain.example   A   192.0.2.1
         null.example    MX  0 .
         two.example     MX  20 MX2.two.example
         two.example     MX  10 mx1.two.example
         broken.example  FAILS",
    )
    .await;
    assert_eq!(dns.mx("nobody.example").await.unwrap(), MxAnswer::NoDomain);
    assert_eq!(dns.mx("plain.example").await.unwrap(), MxAnswer::NoRecord);
    assert_eq!(dns.mx("null.example").await.unwrap(), MxAnswer::Null);
    let MxAnswer::Hosts(mut hosts) = dns.mx("TWO.example").await.unwrap() else {
        panic!("no hosts");
    };
    hosts.sort();
    let expected = [(10, "mx1.two.example"), (20, "mx2.two.example")];
    assert_eq!(hosts, expected.map(|(n, host)| (n, host.to_string())));
    assert!(dns.mx("broken.example").await.is_err());
    assert!(dns.addresses("broken.example").await.is_err());
}

#[tokio::test]
async fn addresses_of_both_families_through_an_alias() {
    let (_server, dns) = served(
        "host.example   A      192.0.2.1
         host.example   AAAA   2001:db8::1
         www.example    CNAME  host.example
         lost.example   CNAME  nowhere.example",
    )
    .await;
    let mut found = dns.addresses("www.example").await.unwrap();
    found.sort();
    assert_eq!(found, [ip("192.0.2.1"), ip("2001:db8::1")]);
    assert_eq!(
        dns.addresses("lost.example").await.unwrap(),
        Vec::<IpAddr>::new()
    );
    assert_eq!(dns.mx("lost.example").await.unwrap(), MxAnswer::NoDomain);
}

#[tokio::test]
async fn names_of_addresses_and_texts() {
    let (_server, dns) = served(
        "192.0.2.1    PTR  Mail.Example
         2001:db8::1  PTR  six.example
         x.example    TXT  \"v=spf1 -all\"",
    )
    .await;
    assert_eq!(dns.names(ip("192.0.2.1")).await.unwrap(), ["mail.example"]);
    assert_eq!(dns.names(ip("2001:db8::1")).await.unwrap(), ["six.example"]);
    assert!(dns.names(ip("192.0.2.2")).await.unwrap().is_empty());
    assert_eq!(dns.txt("x.example").await.unwrap(), ["v=spf1 -all"]);
}

/// An answer that does not fit into a datagram comes over TCP, its strings joined.
#[tokio::test]
async fn long_answers_come_over_tcp() {
    let long = "x".repeat(6000);
    let (_server, dns) = served(&format!("big.example TXT \"{long}\"")).await;
    assert_eq!(dns.txt("big.example").await.unwrap(), [long]);
}

#[tokio::test]
async fn a_mended_name_is_found_again() {
    let (server, dns) = served("a.example A 192.0.2.1\na.example FAILS").await;
    assert!(dns.addresses("a.example").await.is_err());
    server.edit(|zone| {
        zone.fault("a.example", None::<Fault>);
    });
    assert_eq!(dns.addresses("a.example").await.unwrap(), [ip("192.0.2.1")]);
}

#[tokio::test]
async fn what_cannot_be_a_name_does_not_exist() {
    let (_server, dns) = served("").await;
    let long = format!("{}.example", "a".repeat(70));
    assert_eq!(dns.mx(&long).await.unwrap(), MxAnswer::NoDomain);
}

#[tokio::test(start_paused = true)]
async fn a_dead_resolver_is_a_failure() {
    let (server, dns) = served("").await;
    drop(server);
    assert!(dns.mx("a.example").await.is_err());
}
