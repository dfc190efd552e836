//! Accounts, domains and aliases.

use crate::world::{on_both_engines, person};
use store::alias::{self, Alias};
use store::domain::{self, Domain};
use store::{Error, account};

on_both_engines! {
    /// E1
    async fn e01_an_account_is_made_with_its_mailboxes(world) {
        let mut bob = person("Bob@Example.COM");
        bob.mailboxes = vec![("Sent".into(), Some(store::mailbox::SpecialUse::Sent)), ("Lists/Rust".into(), None)];
        let id = world.store.write(move |tx| account::add(tx, &bob)).await.unwrap();
        let known = world.store.read(|tx| account::by_address(tx, "BOB@example.com")).await.unwrap().unwrap();
        assert_eq!((known.id, known.address.as_str(), known.active), (id, "bob@example.com", true));
        let mailboxes = world.store.read(move |tx| store::mailbox::list(tx, id)).await.unwrap();
        let names: Vec<_> = mailboxes.iter().map(|m| (m.name.as_str(), m.subscribed)).collect();
        assert_eq!(names, [("INBOX", true), ("Lists", false), ("Lists/Rust", true), ("Sent", true)]);
        let again = world.store.write(|tx| account::add(tx, &person("bob@example.com"))).await;
        assert!(matches!(again, Err(Error::Exists(_))));
        let foreign = world.store.write(|tx| account::add(tx, &person("bob@elsewhere.example"))).await;
        assert!(matches!(foreign, Err(Error::Missing(_))));
    }

    /// E29
    async fn e29_removing_an_account_removes_its_mail_and_aliases(world) {
        world.deliver(b"a message").await;
        let alice = world.alice;
        world.store.write(move |tx| {
            for (source, target) in [("a@example.com", "alice@example.com"), ("team@example.com", "bob@example.com")] {
                alias::add(tx, &Alias { source: source.into(), target: target.into(), active: true })?;
            }
            account::remove(tx, alice)
        }).await.unwrap();
        let (aliases, gone) = world.store.read(move |tx| Ok((alias::list(tx)?, account::by_id(tx, alice)?))).await.unwrap();
        assert_eq!(aliases.len(), 1);
        assert!(gone.is_none());
        assert_eq!(world.store.check().await.unwrap().messages, 0);
    }

    async fn domains_are_kept_while_somebody_is_in_them(world) {
        let removed = world.store.write(|tx| domain::remove(tx, "example.com")).await;
        assert!(matches!(removed, Err(Error::Refused(why)) if why.contains("alice@example.com")));
        let alias = Domain { name: "Example.NET".into(), alias_of: Some("example.com".into()), active: true };
        world.store.write(move |tx| domain::add(tx, &alias)).await.unwrap();
        let known = world.store.read(|tx| domain::by_name(tx, "example.net")).await.unwrap().unwrap();
        assert_eq!(known.alias_of.as_deref(), Some("example.com"));
        for bad in ["", "no spaces", "-x.example", "a..b", "ex\u{e4}mple.com"] {
            let domain = Domain { name: bad.into(), alias_of: None, active: true };
            let added = world.store.write(move |tx| domain::add(tx, &domain)).await;
            assert!(matches!(added, Err(Error::Refused(_))), "{bad}");
        }
    }

    /// E12
    async fn e12_aliases_lead_to_several_targets(world) {
        let row = |source: &str, target: &str, active| Alias { source: source.into(), target: target.into(), active };
        let rows = [row("Team@example.com", "bob", true), row("team@example.com", "carol@example.com", true), row("team@example.com", "off@example.com", false)];
        let added = rows.clone();
        world.store.write(move |tx| added.iter().try_for_each(|row| alias::add(tx, row))).await.unwrap();
        let again = rows[0].clone();
        assert!(matches!(world.store.write(move |tx| alias::add(tx, &again)).await, Err(Error::Exists(_))));
        let (targets, sources) = world.store.read(|tx| {
            Ok((alias::targets(tx, "TEAM@example.com")?, alias::sources(tx, "bob")?))
        }).await.unwrap();
        assert_eq!(targets, ["bob", "carol@example.com"]);
        assert_eq!(sources, ["team@example.com"]);
        let gone = world.store.write(|tx| alias::remove(tx, "team@example.com", None)).await.unwrap();
        assert_eq!(gone, 3);
    }
}
