//! What an address leads to.

use super::*;

/// A9
#[tokio::test]
async fn a09_unknown_users_are_refused_at_rcpt() {
    let world = world_with(&[]).await;
    let client = Client::mx(&world);
    assert_eq!(client.rcpt("nobody@example.com").await, "550 5.1.1");
    assert_eq!(client.rcpt("alice@example.net").await, "550 5.1.1");
    assert_eq!(client.rcpt("alice@example.com").await, "250");
    world.finish().await;
}

/// A10
#[tokio::test]
async fn a10_nothing_is_relayed_for_strangers() {
    let world = world_with(&[]).await;
    add_aliases(&world, &[("@example.com", "alice@example.com")]).await;
    let client = Client::mx(&world);
    for address in [
        "x@gmail.com",
        "x%gmail.com@example.com",
        "gmail.com!x@example.com",
        "\"x@gmail.com\"@example.com",
        "\"x@gmail.com\"@gmail.com",
        "x@[192.0.2.9]",
    ] {
        assert_eq!(client.rcpt(address).await, "550 5.7.1", "{address}");
    }
    // Our own host name has its users (A22), and others are none.
    assert_eq!(client.rcpt("x@mx1.example.com").await, "550 5.1.1");
    assert_eq!(Client::lmtp(&world).rcpt("x@gmail.com").await, "550 5.7.1");
    world.finish().await;
}

/// A11
#[tokio::test]
async fn a11_recipients_are_limited() {
    let world = world_with(&[("limits.recipients", "100")]).await;
    let mut transaction = Client::mx(&world).mail("a@b.example", None).await.unwrap();
    for n in 0..100 {
        let to = format!("alice+{n}@example.com");
        transaction.recipient(rcpt(&to)).await.unwrap();
    }
    assert_eq!(
        code(transaction.recipient(rcpt("bob@example.com")).await),
        "452 4.5.3"
    );
    assert_eq!(transaction.recipients(), 100);
    world.finish().await;
}

/// A26
#[tokio::test]
async fn a26_subaddresses_reach_their_user_unless_somebody_has_the_whole_name() {
    let world = world_with(&[]).await;
    add_aliases(&world, &[("alice+bob@example.com", "bob@example.com")]).await;
    let client = Client::mx(&world);
    client
        .deliver(
            "",
            &["alice+shop@example.com", "alice+bob@example.com"],
            HELLO,
        )
        .await;
    client.deliver("", &["post+tag@example.com"], HELLO).await;
    assert_eq!(inbox(&world, "alice@example.com").await.len(), 2);
    assert_eq!(inbox(&world, "bob@example.com").await.len(), 1);
    assert_eq!(client.rcpt("nobody+x@example.com").await, "550 5.1.1");
    world.finish().await;
    let world = world_with(&[("mail.subaddress", "\"-\"")]).await;
    let client = Client::mx(&world);
    assert_eq!(client.rcpt("alice-shop@example.com").await, "250");
    assert_eq!(client.rcpt("alice+shop@example.com").await, "550 5.1.1");
    world.finish().await;
}

/// A27
#[tokio::test]
async fn a27_case_does_not_matter() {
    let world = world_with(&[]).await;
    let client = Client::mx(&world);
    client.deliver("", &["AliCE@Example.COM"], HELLO).await;
    client.deliver("", &["TEAM@example.com"], HELLO).await;
    client.deliver("", &["\"alice\"@example.com"], HELLO).await;
    assert_eq!(inbox(&world, "alice@example.com").await.len(), 2);
    assert_eq!(inbox(&world, "bob@example.com").await.len(), 1);
    world.finish().await;
}

/// A28: role names of every hosted domain, of the server's own name, and the bare postmaster.
#[tokio::test]
async fn a28_role_names_reach_the_postmaster() {
    let world = world_with(&[("postmaster", "\"carol@example.com\"")]).await;
    let client = Client::mx(&world);
    let mut sent = 0;
    for domain in ["example.com", "example.net", "mx1.example.com"] {
        for role in [
            "abuse",
            "security",
            "hostmaster",
            "webmaster",
            "Postmaster",
            "dmarcreports",
            "tlsreports",
        ] {
            client
                .deliver("", &[&format!("{role}@{domain}")], HELLO)
                .await;
            sent += 1;
        }
    }
    client.deliver("", &["postmaster"], HELLO).await;
    assert_eq!(inbox(&world, "carol@example.com").await.len(), sent + 1);
    world.finish().await;
}

/// A28: with nothing said, the oldest account; an alias goes before.
#[tokio::test]
async fn a28_somebody_is_always_postmaster() {
    let world = world_with(&[]).await;
    add_aliases(&world, &[("abuse", "bob@example.com")]).await;
    let client = Client::mx(&world);
    client.deliver("", &["postmaster@example.net"], HELLO).await;
    client
        .deliver("", &["abuse@example.net", "abuse@example.com"], HELLO)
        .await;
    assert_eq!(inbox(&world, "alice@example.com").await.len(), 1);
    assert_eq!(inbox(&world, "bob@example.com").await.len(), 1);
    world.finish().await;
}

/// B25
#[tokio::test]
async fn b25_disabled_accounts_take_no_mail_unless_told_so() {
    for (setting, expected) in [("\"refuse\"", "550 5.2.1"), ("\"keep\"", "250")] {
        let world = world_with(&[("mail.disabled", setting)]).await;
        write(&world, |tx| {
            let bob = account::by_address(tx, "bob@example.com")?.unwrap();
            account::set_active(tx, bob.id, false)
        })
        .await;
        let client = Client::mx(&world);
        assert_eq!(client.rcpt("bob@example.com").await, expected);
        assert_eq!(client.rcpt("team@example.com").await, "250");
        world.finish().await;
    }
}

/// E12, A12: one message, a copy each, nobody twice.
#[tokio::test]
async fn e12_several_targets_get_one_copy_each() {
    let world = world_with(&[]).await;
    let to = [
        "team@example.com",
        "bob@example.com",
        "bob+x@example.com",
        "post@example.com",
    ];
    Client::mx(&world)
        .deliver("s@remote.example", &to, HELLO)
        .await;
    for address in ["alice@example.com", "bob@example.com", "carol@example.com"] {
        assert_eq!(inbox(&world, address).await.len(), 1, "{address}");
    }
    assert_eq!(world.queued().await.unwrap(), 0);
    world.finish().await;
}

/// E13
#[tokio::test]
async fn e13_a_bare_name_holds_in_every_domain() {
    let world = world_with(&[]).await;
    add_aliases(
        &world,
        &[("info", "helpers"), ("helpers", "bob@example.com")],
    )
    .await;
    let client = Client::mx(&world);
    client.deliver("", &["info@example.com"], HELLO).await;
    client.deliver("", &["info@example.net"], HELLO).await;
    assert_eq!(inbox(&world, "bob@example.com").await.len(), 2);
    world.finish().await;
}

/// E14: four lines present, removed one at a time.
#[tokio::test]
async fn e14_look_up_order() {
    let world = world_with(&[]).await;
    add_aliases(
        &world,
        &[
            ("x@example.com", "one@one.example"),
            ("x", "two@two.example"),
            ("@example.com", "three@three.example"),
            ("@", "four@four.example"),
        ],
    )
    .await;
    let client = Client::mx(&world);
    for (expected, removed) in [
        ("one@one.example", "x@example.com"),
        ("two@two.example", "x"),
        ("three@three.example", "@example.com"),
        ("four@four.example", "@"),
    ] {
        client
            .deliver("s@remote.example", &["x@example.com"], HELLO)
            .await;
        let (last, _) = queued(&world).await.pop().unwrap();
        assert_eq!(last.recipients[0].address, expected);
        write(&world, move |tx| alias::remove(tx, removed, None)).await;
    }
    assert_eq!(client.rcpt("x@example.com").await, "550 5.1.1");
    world.finish().await;
}

/// E15
#[tokio::test]
async fn e15_a_catch_all_does_not_swallow_real_users() {
    let world = world_with(&[]).await;
    add_aliases(&world, &[("@example.com", "carol@example.com")]).await;
    let client = Client::mx(&world);
    client.deliver("", &["xyz@example.com"], HELLO).await;
    client
        .deliver("", &["alice@example.com", "post@example.com"], HELLO)
        .await;
    assert_eq!(inbox(&world, "carol@example.com").await.len(), 1);
    assert_eq!(inbox(&world, "alice@example.com").await.len(), 1);
    assert_eq!(client.rcpt("xyz@example.net").await, "550 5.1.1");
    world.finish().await;
}

/// E16
#[tokio::test]
async fn e16_chains_end_and_circles_are_refused_by_name() {
    let world = world_with(&[]).await;
    add_aliases(
        &world,
        &[
            ("c1@example.com", "c2@example.com"),
            ("c2@example.com", "c3@example.net"),
            ("c3@example.net", "bob@example.com"),
            ("a@example.com", "b@example.com"),
            ("b@example.com", "a@example.com"),
            ("carol@example.com", "carol@example.com"),
            ("carol@example.com", "bob@example.com"),
        ],
    )
    .await;
    let client = Client::mx(&world);
    client.deliver("", &["c1@example.com"], HELLO).await;
    assert_eq!(inbox(&world, "bob@example.com").await.len(), 1);
    assert_eq!(client.rcpt("a@example.com").await, "550 5.4.6");
    let text = client.rcpt_text("a@example.com").await;
    assert!(
        text.contains("a@example.com -> b@example.com -> a@example.com"),
        "{text}"
    );
    // An account that also forwards keeps its own copy.
    client.deliver("", &["carol@example.com"], HELLO).await;
    assert_eq!(inbox(&world, "carol@example.com").await.len(), 1);
    assert_eq!(inbox(&world, "bob@example.com").await.len(), 2);
    world.finish().await;
}

/// E16: a long chain, and a bush that would grow without end.
#[tokio::test]
async fn e16_depth_and_number_are_limited() {
    let world = world_with(&[]).await;
    write(&world, |tx| {
        let mut add = |source: String, target: String| {
            alias::add(
                tx,
                &Alias {
                    source,
                    target,
                    active: true,
                },
            )
        };
        for n in 0..30 {
            add(
                format!("deep{n}@example.com"),
                format!("deep{}@example.com", n + 1),
            )?;
        }
        for n in 0..3000 {
            add("wide@example.com".into(), format!("x{n}@remote.example"))?;
        }
        Ok(())
    })
    .await;
    let client = Client::mx(&world);
    assert_eq!(client.rcpt("deep0@example.com").await, "550 5.4.6");
    assert_eq!(client.rcpt("deep20@example.com").await, "550 5.1.1");
    assert_eq!(client.rcpt("wide@example.com").await, "550 5.4.6");
    world.finish().await;
}

/// E17, K19
#[tokio::test]
async fn e17_redirects_go_into_the_queue() {
    let world = world_with(&[]).await;
    Client::mx(&world)
        .deliver("s@remote.example", &["oldname@example.com"], HELLO)
        .await;
    let (message, text) = queued(&world).await.pop().unwrap();
    let reverse_path = message.reverse_path.unwrap();
    assert!(
        reverse_path.starts_with("SRS0=")
            && reverse_path.ends_with("=remote.example=s@example.com"),
        "{reverse_path}"
    );
    assert_eq!(message.recipients[0].address, "bob@elsewhere.example");
    assert_eq!(
        message.recipients[0].orcpt.as_deref(),
        Some("rfc822;oldname@example.com")
    );
    assert_eq!(message.account, None);
    assert!(text.starts_with("Received: from client.example"), "{text}");
    assert!(text.ends_with(HELLO), "{text}");
    assert_eq!(&text[message.header_size as usize..], "Hello there\r\n");
    world.finish().await;
}

/// E26, E27
#[tokio::test]
async fn e27_an_alias_domain_has_the_same_users() {
    let world = world_with(&[]).await;
    add_domain(&world, "example.org", Some("example.com")).await;
    add_aliases(&world, &[("sales@example.org", "bob@example.com")]).await;
    let client = Client::mx(&world);
    client
        .deliver(
            "",
            &[
                "alice@example.org",
                "alice+x@example.org",
                "post@example.org",
            ],
            HELLO,
        )
        .await;
    client.deliver("", &["sales@example.org"], HELLO).await;
    assert_eq!(inbox(&world, "alice@example.com").await.len(), 1);
    assert_eq!(inbox(&world, "bob@example.com").await.len(), 1);
    assert_eq!(client.rcpt("nobody@example.org").await, "550 5.1.1");
    let user = Client::user(&world, "alice@example.com").await;
    assert!(user.mail("alice@example.org", None).await.is_ok());
    assert_eq!(code(user.mail("bob@example.org", None).await), "550 5.7.1");
    world.finish().await;
}

/// E28, E30: what was added works at once.
#[tokio::test]
async fn e30_new_domains_and_accounts_work_at_once() {
    let world = world_with(&[]).await;
    let client = Client::mx(&world);
    assert_eq!(client.rcpt("dora@new.example").await, "550 5.7.1");
    add_domain(&world, "new.example", None).await;
    assert_eq!(client.rcpt("dora@new.example").await, "550 5.1.1");
    write(&world, |tx| {
        let new = account::NewAccount {
            address: "Dora@New.example".into(),
            name: String::new(),
            credentials: account::Credentials::default(),
            quota: None,
            mailboxes: Vec::new(),
        };
        account::add(tx, &new)
    })
    .await;
    client
        .deliver("", &["dora@new.example", "abuse@new.example"], HELLO)
        .await;
    assert_eq!(inbox(&world, "dora@new.example").await.len(), 1);
    world.finish().await;
}

/// E29
#[tokio::test]
async fn e29_removed_accounts_take_their_aliases_along() {
    let world = world_with(&[]).await;
    Client::mx(&world)
        .deliver("", &["bob@example.com"], HELLO)
        .await;
    write(&world, |tx| {
        let bob = account::by_address(tx, "bob@example.com")?.unwrap();
        account::remove(tx, bob.id)
    })
    .await;
    let client = Client::mx(&world);
    assert_eq!(client.rcpt("bob@example.com").await, "550 5.1.1");
    client.deliver("", &["team@example.com"], HELLO).await;
    assert_eq!(inbox(&world, "carol@example.com").await.len(), 1);
    let rows = read(&world, alias::list).await;
    assert!(
        rows.iter().all(|row| row.target != "bob@example.com"),
        "{rows:?}"
    );
    world.finish().await;
}

/// A domain that is switched off refuses all its mail.
#[tokio::test]
async fn a_domain_can_be_switched_off() {
    let world = world_with(&[]).await;
    write(&world, |tx| {
        let off = Domain {
            name: "example.com".into(),
            alias_of: None,
            active: false,
        };
        domain::update(tx, &off)
    })
    .await;
    assert_eq!(
        Client::mx(&world).rcpt("alice@example.com").await,
        "550 5.1.2"
    );
    world.finish().await;
}

/// E14, E16: every step is told.
#[tokio::test]
async fn explain_tells_each_step() {
    let world = world_with(&[]).await;
    add_domain(&world, "example.org", Some("example.com")).await;
    let config = world.services().config.load_full();
    let explain = async |address: &'static str| {
        let config = config.clone();
        read(&world, move |tx| {
            server::journey::explain(&config, tx, address)
        })
        .await
    };
    assert_eq!(
        explain("Team+x@example.org").await,
        [
            "example.org is an alias of the domain example.com: Team+x@example.com",
            "nothing answers to Team+x@example.com itself; without its tag it is Team@example.com",
            "the alias team@example.com leads to bob@example.com, carol@example.com",
            "bob@example.com is an account",
            "carol@example.com is an account",
            "mail for Team+x@example.org goes to the account bob@example.com, the account carol@example.com",
        ]
    );
    assert_eq!(
        explain("oldname@example.com").await,
        [
            "the alias oldname@example.com leads to bob@elsewhere.example",
            "elsewhere.example is not hosted here",
            "mail for oldname@example.com goes to bob@elsewhere.example on another server",
        ]
    );
    assert!(explain("no-address").await[0].contains("is not an address"));
    world.finish().await;
}
