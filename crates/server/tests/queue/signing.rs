//! What leaves is signed, sealed, and has a sender by which bounces come back (K1 to K9, K18 to K21). The judges are other people's
//! programs: dkimpy, and this project's own verifier.

use super::world::{Mail as Queued, World};
use message::Address;
use server::config::Config;
use server::control::{self, Answer, Client, Mode, dkim};
use server::journey::{
    ClientName, ForwardPath, Mail, Notify, Rcpt, Refusal, Road, SessionFacts, Transaction,
};
use server::session::login::Login;
use server::session::{Peer, Protocol, SessionId};
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::Arc;
use store::alias::Alias;

const LETTER: &str = "From: Alice <alice@example.com>\r\nTo: friend@there.example\r\nSubject: Tea \r\n\tat five\r\n\
                      Date: Fri, 20 Nov 2026 14:13:44 +0000\r\nMessage-ID: <tea@example.com>\r\n\r\nAt  five. \r\n.\r\n\r\n\r\n";
const FOREIGN: &str =
    "From: Bob <bob@far.example>\r\nTo: club@example.com\r\nSubject: Hello\r\n\r\nHello there\r\n";

/// Somebody hands a message over.
pub(crate) async fn send(
    world: &World,
    road: Road,
    from: &str,
    to: &str,
    text: &str,
) -> Result<(), Box<Refusal>> {
    let facts = Arc::new(SessionFacts {
        peer: Peer {
            protocol: Protocol::Smtp,
            session: SessionId(1),
            remote: "198.51.100.7:4000".parse().unwrap(),
            local: "192.0.2.1:25".parse().unwrap(),
            tls: None,
        },
        road,
        helo: Some("client.example".into()),
        esmtp: true,
        client: ClientName::Confirmed("out.client.example".into()),
        impression: Default::default(),
    });
    let mail = Mail {
        reverse_path: (!from.is_empty()).then(|| Address::parse(from).unwrap()),
        ..Mail::default()
    };
    let begun = Transaction::begin(world.services().clone(), facts, mail);
    let mut transaction = begun.await?;
    let rcpt = Rcpt {
        forward_path: ForwardPath::Address(Address::parse(to).unwrap()),
        orcpt: None,
        notify: Notify::default(),
    };
    transaction.recipient(rcpt).await?;
    let mut receiving = transaction.data();
    receiving.write(text.as_bytes()).await?;
    for result in receiving.finish().await {
        result?;
    }
    Ok(())
}

pub(crate) async fn alice(world: &World) -> Road {
    let found = world.services().store.read(|tx| {
        let account = store::account::by_address(tx, "alice@example.com")?;
        Ok(account.unwrap().id)
    });
    Road::Submission(Login {
        account: found.await.unwrap(),
        address: "alice@example.com".into(),
        mechanism: "PLAIN",
    })
}

pub(crate) async fn alias(world: &World, source: &'static str, target: &'static str) {
    let row = Alias {
        source: source.into(),
        target: target.into(),
        active: true,
    };
    let write = world
        .services()
        .store
        .write(move |tx| store::alias::add(tx, &row));
    write.await.unwrap();
}

async fn control(world: &World, request: dkim::Request) -> Result<dkim::Answer, control::Failure> {
    let config = world.services().config.load_full();
    let mut client = Client::connect(Config::clone(&config)).await?;
    match client.execute(control::Request::Dkim(request)).await? {
        Answer::Dkim(answer) => Ok(answer),
        other => panic!("{other:?}"),
    }
}

pub(crate) async fn keys(world: &World) -> Vec<dkim::View> {
    match control(world, dkim::Request::List { domain: None }).await {
        Ok(dkim::Answer::Keys(keys)) => keys,
        other => panic!("{other:?}"),
    }
}

/// The keys' records appear in DNS.
pub(crate) async fn publish(world: &World, keys: &[dkim::View]) {
    world.internet.dns.edit(|zone| {
        for key in keys {
            zone.txt(&key.name, &key.record);
        }
    });
}

const JUDGE: &str = "
import sys, time, dkim
# The clock of a test may be turned, and dkimpy refuses signatures of the future.
now = time.time() + 10 * 86400
time.time = lambda: now
records = dict(zip(sys.argv[2::2], sys.argv[3::2]))
def txt(name, timeout=5):
    name = name.decode() if isinstance(name, bytes) else name
    found = records.get(name.rstrip('.'))
    return found.encode() if found else None
message = sys.stdin.buffer.read()
if sys.argv[1] == 'arc':
    cv, results, reason = dkim.arc_verify(message, dnsfunc=txt)
    print(cv.decode(), reason)
else:
    judge = dkim.DKIM(message)
    for index in range(message.lower().count(b'dkim-signature:')):
        try:
            print(judge.verify(idx=index, dnsfunc=txt))
        except dkim.DKIMException:
            print(False)
";

/// What dkimpy says; `None` where it is not installed.
pub(crate) fn dkimpy(what: &str, message: &str, keys: &[dkim::View]) -> Option<String> {
    let python = Command::new("/usr/bin/python3")
        .args(["-c", "import dkim, nacl"])
        .stderr(Stdio::null())
        .status();
    if !python.is_ok_and(|status| status.success()) {
        eprintln!("skipped: python3-dkim is not installed");
        return None;
    }
    let records = keys.iter().flat_map(|key| [&key.name, &key.record]);
    let mut judge = Command::new("/usr/bin/python3")
        .args(["-c", JUDGE, what])
        .args(records)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = judge.stdin.take().unwrap();
    input.write_all(message.as_bytes()).unwrap();
    drop(input);
    let said = judge.wait_with_output().unwrap();
    Some(String::from_utf8(said.stdout).unwrap())
}

/// What our own verifier says of each signature.
pub(crate) async fn verified(world: &World, message: &str) -> Vec<String> {
    let body = message.find("\r\n\r\n").unwrap() + 4;
    let mut bodies = mailauth::dkim::Bodies::default();
    let limits = mailauth::dkim::Limits::default();
    let section = &message.as_bytes()[..body];
    let verifier = mailauth::dkim::Verifier::new(section, limits, &mut bodies);
    bodies.update(&message.as_bytes()[body..]);
    let resolver = world.services().dns.as_ref();
    let now = world.clock.now().as_second();
    let results = verifier.finish(resolver, &bodies.finish(), now).await;
    let told = results
        .iter()
        .map(|one| format!("{} {} {}", one.result.word(), one.domain, one.algorithm));
    told.collect()
}

/// K1, K3, K9: submitted mail leaves with two signatures, which others believe, and which a second From breaks.
#[tokio::test]
async fn k01_k09_submitted_mail_is_signed_with_both_keys() {
    let world = World::start().await;
    let road = alice(&world).await;
    let to = "friend@there.example";
    send(&world, road, "alice@example.com", to, LETTER)
        .await
        .unwrap();
    let text = world.delivered(1).await.remove(0).text();
    let keys = keys(&world).await;
    publish(&world, &keys).await;
    assert_eq!(keys.len(), 2);
    assert_eq!(
        verified(&world, &text).await,
        [
            "pass example.com rsa-sha256",
            "pass example.com ed25519-sha256"
        ]
    );
    // K3: folded anew, and with other blanks.
    let folded = text.replace("Subject: Tea \r\n\tat five", "subject:   Tea at\r\n five");
    assert_ne!(folded, text);
    for (message, expected) in [
        (text.clone(), "True\nTrue\n"),
        (folded, "True\nTrue\n"),
        (
            format!("From: Eve <eve@evil.example>\r\n{text}"),
            "False\nFalse\n",
        ),
        (format!("{text}more\r\n"), "False\nFalse\n"),
    ] {
        if let Some(said) = dkimpy("dkim", &message, &keys) {
            assert_eq!(said, expected, "{message}");
        }
    }
    assert!(!text.contains("DomainKey-Signature"), "K10");
    world.finish().await;
}

/// K8: an address of another domain of ours is signed by that domain. Mail of nobody's domain is not signed.
#[tokio::test]
async fn k08_the_author_s_domain_signs() {
    let world = World::start().await;
    let add = world.services().store.write(|tx| {
        let domain = store::domain::Domain {
            name: "example.net".into(),
            alias_of: Some("example.com".into()),
            active: true,
        };
        store::domain::add(tx, &domain)
    });
    add.await.unwrap();
    let road = alice(&world).await;
    let letter = LETTER.replace("<alice@example.com>", "<alice@example.net>");
    let to = "friend@there.example";
    send(&world, road, "alice@example.net", to, &letter)
        .await
        .unwrap();
    let text = world.delivered(1).await.remove(0).text();
    publish(&world, &keys(&world).await).await;
    assert_eq!(
        verified(&world, &text).await,
        [
            "pass example.net rsa-sha256",
            "pass example.net ed25519-sha256"
        ]
    );
    world.finish().await;
}

/// K2: a notice that leaves is signed by the domain above the host's name.
#[tokio::test]
async fn k02_notices_are_signed() {
    let world = World::start().await;
    let bounced = Queued {
        from: Some("writer@far.example"),
        ..Queued::to(&["bounce@there.example"])
    };
    world.queue(bounced).await;
    let notice = world.delivered(1).await.remove(0);
    assert_eq!(
        (notice.from.as_str(), notice.to.as_slice()),
        ("", &["writer@far.example".to_string()][..])
    );
    let keys = keys(&world).await;
    publish(&world, &keys).await;
    assert_eq!(
        verified(&world, &notice.text()).await,
        [
            "pass example.com rsa-sha256",
            "pass example.com ed25519-sha256"
        ]
    );
    if let Some(said) = dkimpy("dkim", &notice.text(), &keys) {
        assert_eq!(said, "True\nTrue\n");
    }
    world.until_empty().await;
    world.finish().await;
}

/// K19, K18: an alias leads out: the sender is in our domain, there is a seal and no signature of ours; a bounce finds its way back.
#[tokio::test]
async fn k18_k19_forwarded_mail_is_sealed_and_its_bounces_come_back() {
    let world = World::start().await;
    alias(&world, "club@example.com", "friend@there.example").await;
    send(
        &world,
        Road::Mx,
        "bob@far.example",
        "club@example.com",
        FOREIGN,
    )
    .await
    .unwrap();
    let forwarded = world.delivered(1).await.remove(0);
    let sender = forwarded.from.clone();
    assert!(
        sender.starts_with("SRS0=") && sender.ends_with("=far.example=bob@example.com"),
        "{sender}"
    );
    let text = forwarded.text();
    assert!(!text.to_lowercase().contains("\ndkim-signature:"), "{text}");
    assert!(
        text.contains("ARC-Seal: i=1; a=rsa-sha256; cv=none; d=example.com;"),
        "{text}"
    );
    let keys = keys(&world).await;
    if let Some(said) = dkimpy("arc", &text, &keys) {
        assert!(said.starts_with("pass"), "{said}{text}");
    }

    send(&world, Road::Mx, "", &sender, FOREIGN).await.unwrap();
    let returned = world.delivered(2).await.remove(1);
    assert_eq!(
        (returned.from.as_str(), returned.to.as_slice()),
        ("", &["bob@far.example".to_string()][..])
    );

    // Forged, and, after five days, too old.
    let forged = sender.replacen("bob", "eve", 1);
    let refusal = send(&world, Road::Mx, "", &forged, FOREIGN)
        .await
        .unwrap_err();
    assert_eq!(refusal.reply.code, 550, "{}", refusal.reason);
    world.until_empty().await;
    world.advance(5 * 86_400);
    let refusal = send(&world, Road::Mx, "", &sender, FOREIGN)
        .await
        .unwrap_err();
    assert!(refusal.reason.contains("4 days"), "{}", refusal.reason);
    world.finish().await;
}

/// Makes a script Alice's active one.
async fn script(world: &World, source: &'static str) {
    let quota = store::script::Quota {
        scripts: 10,
        script_size: 10_000,
        storage: 100_000,
    };
    let write = world.services().store.write(move |tx| {
        let alice = store::account::by_address(tx, "alice@example.com")?;
        let (alice, traits) = (alice.unwrap().id, store::script::Traits::default());
        store::script::put(tx, alice, "mine", source.as_bytes(), traits, &quota)?;
        store::script::set_active(tx, alice, Some("mine"))
    });
    write.await.unwrap();
}

/// K20, K18, H33: what a script redirects has a sender of ours and a seal, also if the script has changed it, and never a signature of ours.
#[tokio::test]
async fn k18_k20_redirected_mail_is_sealed_and_its_sender_is_ours() {
    let world = World::start().await;
    for (n, source) in [
        "redirect \"friend@there.example\";",
        "require \"editheader\"; addheader \"X-Passed\" \"on\"; redirect \"friend@there.example\";",
    ]
    .into_iter()
    .enumerate()
    {
        script(&world, source).await;
        let to = "alice@example.com";
        send(&world, Road::Mx, "bob@far.example", to, FOREIGN)
            .await
            .unwrap();
        let passed_on = world.delivered(n as u64 + 1).await.remove(n);
        let sender = &passed_on.from;
        assert!(
            sender.starts_with("SRS0=") && sender.ends_with("=far.example=bob@example.com"),
            "{sender}"
        );
        let text = passed_on.text();
        assert!(!text.to_lowercase().contains("\ndkim-signature:"), "{text}");
        assert!(
            text.contains("ARC-Seal: i=1; a=rsa-sha256; cv=none; d=example.com;"),
            "{text}"
        );
        assert_eq!(text.contains("X-Passed: on"), n == 1, "{text}");
        let keys = keys(&world).await;
        if let Some(said) = dkimpy("arc", &text, &keys) {
            assert!(said.starts_with("pass"), "{said}{text}");
        }
    }
    // H6 and K1: mail of our own user is signed, as it would be had he sent it there himself.
    let road = alice(&world).await;
    send(
        &world,
        road,
        "alice@example.com",
        "alice@example.com",
        LETTER,
    )
    .await
    .unwrap();
    let text = world.delivered(3).await.remove(2).text();
    publish(&world, &keys(&world).await).await;
    assert_eq!(
        verified(&world, &text).await,
        [
            "pass example.com rsa-sha256",
            "pass example.com ed25519-sha256"
        ],
        "{text}"
    );
    world.until_empty().await;
    world.finish().await;
}

/// K2, H9, H19: what scripts write themselves is signed as other mail of the domain.
#[tokio::test]
async fn k02_answers_and_notifications_of_scripts_are_signed() {
    let world = World::start().await;
    for (n, source) in [
        "require \"vacation\"; vacation \"I am away.\";",
        "require \"enotify\"; notify :message \"Mail\" \"mailto:friend@there.example\";",
    ]
    .into_iter()
    .enumerate()
    {
        script(&world, source).await;
        let letter = FOREIGN.replace("club@", "alice@").replace("far.", "there.");
        let to = "alice@example.com";
        send(&world, Road::Mx, "bob@there.example", to, &letter)
            .await
            .unwrap();
        let text = world.delivered(n as u64 + 1).await.remove(n).text();
        let keys = keys(&world).await;
        publish(&world, &keys).await;
        assert_eq!(
            verified(&world, &text).await,
            [
                "pass example.com rsa-sha256",
                "pass example.com ed25519-sha256"
            ],
            "{text}"
        );
        if let Some(said) = dkimpy("dkim", &text, &keys) {
            assert_eq!(said, "True\nTrue\n");
        }
    }
    world.until_empty().await;
    world.finish().await;
}

/// K19: what cannot be forwarded is told to the original sender by ourselves.
#[tokio::test]
async fn k19_our_own_notice_about_forwarded_mail_goes_to_its_sender() {
    let world = World::start().await;
    alias(&world, "club@example.com", "bounce@there.example").await;
    send(
        &world,
        Road::Mx,
        "bob@far.example",
        "club@example.com",
        FOREIGN,
    )
    .await
    .unwrap();
    let notice = world.delivered(1).await.remove(0);
    assert_eq!(
        (notice.from.as_str(), notice.to.as_slice()),
        ("", &["bob@far.example".to_string()][..])
    );
    world.until_empty().await;
    world.finish().await;
}

/// K21: our own senders stay, and the null sender too; K18: the switches.
#[tokio::test]
async fn k21_own_senders_are_not_rewritten() {
    let off = [
        ("authentication.srs", "false"),
        ("authentication.seal", "false"),
    ];
    let world = World::start().await;
    alias(&world, "club@example.com", "friend@there.example").await;
    let road = alice(&world).await;
    let from = "alice@example.com";
    send(&world, road, from, "club@example.com", LETTER)
        .await
        .unwrap();
    assert_eq!(world.delivered(1).await[0].from, from);
    send(&world, Road::Mx, "", "club@example.com", FOREIGN)
        .await
        .unwrap();
    assert_eq!(world.delivered(2).await[1].from, "");
    world.finish().await;

    let world = World::with(&off).await;
    alias(&world, "club@example.com", "friend@there.example").await;
    send(
        &world,
        Road::Mx,
        "bob@far.example",
        "club@example.com",
        FOREIGN,
    )
    .await
    .unwrap();
    let forwarded = world.delivered(1).await.remove(0);
    assert_eq!(forwarded.from, "bob@far.example");
    assert!(!forwarded.text().contains("ARC-Seal:"));
    world.finish().await;
}

/// K7: after `rotate` the new keys sign only once DNS has shown them for an hour; the old ones may go only when no mail needs them.
#[tokio::test]
async fn k07_rotation_waits_for_dns() {
    let world = World::start().await;
    let domain = || "example.com".to_string();
    control(&world, dkim::Request::Show { domain: domain() })
        .await
        .unwrap();
    let old = keys(&world).await;
    assert_eq!(states(&old), ["active", "active"]);
    publish(&world, &old).await;
    control(&world, dkim::Request::Rotate { domain: domain() })
        .await
        .unwrap();
    let again = control(&world, dkim::Request::Rotate { domain: domain() }).await;
    assert!(again.unwrap_err().message.contains("waits for DNS"));

    publish(&world, &keys(&world).await).await;
    run_job(&world).await;
    assert_eq!(
        states(&keys(&world).await),
        ["active", "waiting", "active", "waiting"]
    );
    world.advance(3600);
    run_job(&world).await;
    let now = keys(&world).await;
    assert_eq!(states(&now), ["replaced", "active", "replaced", "active"]);

    let road = alice(&world).await;
    send(
        &world,
        road,
        "alice@example.com",
        "friend@there.example",
        LETTER,
    )
    .await
    .unwrap();
    let text = world.delivered(1).await.remove(0).text();
    let signs = |key: &&dkim::View| text.contains(&format!("s={};", key.selector));
    let signing: Vec<&str> = now
        .iter()
        .filter(signs)
        .map(|key| key.state.as_str())
        .collect();
    assert_eq!(signing, ["active", "active"]);

    let retire = || dkim::Request::Retire {
        domain: domain(),
        selector: old[0].selector.clone(),
        mode: Mode::Do,
    };
    let early = control(&world, retire()).await.unwrap_err();
    assert!(
        early.message.contains("must stay until"),
        "{}",
        early.message
    );
    world.advance(8 * 86_400);
    control(&world, retire()).await.unwrap();
    assert_eq!(keys(&world).await.len(), 3);
    world.finish().await;
}

/// K7: what DNS does not show does not sign, however long it waits, and may be forgotten again.
#[tokio::test]
async fn k07_unpublished_keys_never_sign() {
    let world = World::start().await;
    let domain = || "example.com".to_string();
    for request in [
        dkim::Request::Rotate { domain: domain() },
        dkim::Request::Rotate { domain: domain() },
    ] {
        control(&world, request).await.unwrap();
    }
    for _ in 0..3 {
        run_job(&world).await;
        world.advance(7200);
    }
    let waiting = keys(&world).await;
    assert_eq!(states(&waiting), ["active", "waiting", "active", "waiting"]);
    let retire = |key: &dkim::View| dkim::Request::Retire {
        domain: domain(),
        selector: key.selector.clone(),
        mode: Mode::Do,
    };
    let [spare, new, needed, _] = waiting.as_slice() else {
        panic!("{waiting:?}");
    };
    control(&world, retire(new)).await.unwrap();
    control(&world, retire(needed)).await.unwrap_err();
    control(&world, retire(spare)).await.unwrap();
    world.finish().await;
}

/// K5, K6: a key that is there already is taken from its file, under any selector; K4: what DNS shows is told.
#[tokio::test]
async fn k05_k06_keys_are_brought_along() {
    let world = World::start().await;
    let seed = "nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=";
    let keygen = |selector: &str, private: &str| dkim::Request::Keygen {
        domain: "example.com".into(),
        selector: Some(selector.into()),
        kind: dkim::KeyKind::Rsa,
        private: Some(private.into()),
    };
    control(&world, keygen("obsd", seed)).await.unwrap();
    for (selector, private) in [("a b", seed), ("x", "no key"), ("obsd", seed)] {
        control(&world, keygen(selector, private))
            .await
            .unwrap_err();
    }
    let made = keys(&world).await;
    assert_eq!(made[0].name, "obsd._domainkey.example.com");
    assert_eq!(
        made[0].record,
        "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
    );
    publish(&world, &made).await;
    let domain = "example.com".to_string();
    let shown = control(&world, dkim::Request::Show { domain }).await;
    let dkim::Answer::Keys(shown) = shown.unwrap() else {
        panic!("no keys");
    };
    assert_eq!(shown[0].published.as_deref(), Some("yes"));
    world.finish().await;
}

fn states(keys: &[dkim::View]) -> Vec<&str> {
    keys.iter().map(|key| key.state.as_str()).collect()
}

async fn run_job(world: &World) {
    let run = world.services().jobs.run("dkim").await.unwrap();
    run.outcome.unwrap();
}
