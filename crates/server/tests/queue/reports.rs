//! Reports on DMARC: ours to others (K16), and those of others to us (K15).

use super::signing::{alias, dkimpy, keys, publish, send, verified};
use super::world::World;
use base64::Engine as _;
use flate2::Compression;
use flate2::write::GzEncoder;
use mailauth::report::{Aggregate, Report, read};
use server::control;
use server::control::report::{Answer, Request};
use server::journey::Road;
use std::io::Write as _;
use store::dmarc_result;

const DAY: i64 = 86_400;

fn letter(author: &str) -> String {
    format!(
        "From: Someone <someone@{author}>\r\nTo: alice@example.com\r\nSubject: Hello\r\n\r\nHello there\r\n"
    )
}

async fn run(world: &World, job: &str) -> Option<String> {
    let run = world.services().jobs.run(job).await.expect("the job");
    run.outcome.expect("it ends well")
}

fn zone(world: &World, records: &[(&str, &str)]) {
    world.internet.dns.edit(|zone| {
        for (name, text) in records {
            zone.txt(name, text);
        }
    });
}

fn aggregate(message: &str) -> Aggregate {
    match read(message.as_bytes()).expect("a report").as_slice() {
        [Report::Dmarc(report)] => report.clone(),
        other => panic!("{other:?}"),
    }
}

/// K16: the day after, the domain gets one report with what was seen, signed; and not another one.
#[tokio::test]
async fn k16_a_domain_that_asks_gets_a_report_a_day() {
    let world = World::start().await;
    zone(
        &world,
        &[
            (
                "_dmarc.far.example",
                "v=DMARC1; p=reject; sp=none; adkim=s; rua=mailto:a@far.example, mailto:b@small.example!100, mailto:c@agreed.example",
            ),
            ("far.example", "v=spf1 ip4:198.51.100.7 -all"),
            ("other.example", "v=spf1 ip4:198.51.100.7 -all"),
            ("_dmarc.silent.example", "v=DMARC1; p=reject"),
            ("far.example._report._dmarc.small.example", "v=DMARC1"),
            (
                "far.example._report._dmarc.agreed.example",
                "v=DMARC1; rua=mailto:d@agreed.example",
            ),
        ],
    );
    // A name that has something, or is above something, has no mail hosts by itself.
    world.internet.dns.edit(|zone| {
        for domain in ["far.example", "agreed.example"] {
            zone.mx(domain, 10, "mx1.there.example");
        }
    });
    let to = "alice@example.com";
    send(
        &world,
        Road::Mx,
        "x@far.example",
        to,
        &letter("far.example"),
    )
    .await
    .unwrap();
    send(
        &world,
        Road::Mx,
        "x@far.example",
        to,
        &letter("far.example"),
    )
    .await
    .unwrap();
    let forged = send(
        &world,
        Road::Mx,
        "eve@other.example",
        to,
        &letter("far.example"),
    )
    .await;
    assert_eq!(forged.unwrap_err().reply.code, 550);
    send(&world, Road::Mx, "", to, &letter("sub.far.example"))
        .await
        .unwrap();
    send(
        &world,
        Road::Mx,
        "x@silent.example",
        to,
        &letter("silent.example"),
    )
    .await
    .unwrap_err();

    run(&world, "dmarc-reports").await;
    assert_eq!(world.queued().await.len(), 0, "the day is not over");
    world.advance(DAY);
    // The letters are too large for the second address.
    assert_eq!(
        run(&world, "dmarc-reports").await.as_deref(),
        Some("sent 2 reports")
    );
    let mut letters = world.delivered(2).await;
    letters.sort_by_key(|letter| letter.to.clone());
    let to: Vec<&str> = letters.iter().map(|letter| letter.to[0].as_str()).collect();
    assert_eq!(to, ["a@far.example", "d@agreed.example"]);
    let text = letters[0].text();
    for part in [
        "Subject: Report Domain: far.example\r\n\tSubmitter: mx1.example.com\r\n\tReport-ID: <",
        "From: <postmaster@example.com>\r\n",
        "Content-Type: application/gzip\r\n",
        "filename=\"mx1.example.com!far.example!",
        ".xml.gz\"\r\n",
    ] {
        assert!(text.contains(part), "{text}");
    }
    let keys = keys(&world).await;
    publish(&world, &keys).await;
    assert_eq!(
        verified(&world, &text).await,
        [
            "pass example.com rsa-sha256",
            "pass example.com ed25519-sha256"
        ]
    );
    if let Some(said) = dkimpy("dkim", &text, &keys) {
        assert_eq!(said, "True\nTrue\n");
    }

    let report = aggregate(&text);
    assert_eq!(report.organization, "example.com");
    assert_eq!(report.end - report.begin, DAY - 1);
    let policy = &report.policy;
    assert_eq!(
        (&*policy.policy, &*policy.subdomains, &*policy.dkim),
        ("reject", "none", "s")
    );
    let mut rows: Vec<String> = report
        .rows
        .iter()
        .map(|row| {
            format!(
                "{} {} {} dkim={} spf={} {} {:?} {}={}",
                row.source,
                row.count,
                row.evaluated.disposition,
                row.evaluated.dkim,
                row.evaluated.spf,
                row.author,
                row.sender.as_deref().unwrap_or("?"),
                row.spf[0].result,
                row.spf[0].domain
            )
        })
        .collect();
    rows.sort();
    assert_eq!(
        rows,
        [
            "198.51.100.7 1 none dkim=false spf=false sub.far.example \"\" none=client.example",
            "198.51.100.7 1 reject dkim=false spf=false far.example \"other.example\" pass=other.example",
            "198.51.100.7 2 pass dkim=false spf=true far.example \"far.example\" pass=far.example",
        ]
    );
    world.until_empty().await;
    assert_eq!(run(&world, "dmarc-reports").await, None);
    assert_eq!(world.internet.mail.received().len(), 2, "one report a day");
    assert!(
        world
            .services()
            .metrics
            .text()
            .contains("pennyblack_reports_total{kind=\"dmarc\",what=\"sent\"} 2")
    );
    world.finish().await;
}

/// K16: no report about reports, none while DNS is away but later, none if the settings say so, none about what is put off.
#[tokio::test]
async fn k16_what_is_not_reported() {
    let world = World::with(&[("gate.greylist", "\"strangers\"")]).await;
    zone(
        &world,
        &[
            (
                "_dmarc.far.example",
                "v=DMARC1; p=none; rua=mailto:a@far.example",
            ),
            ("far.example", "v=spf1 ip4:198.51.100.7 -all"),
        ],
    );
    let to = "alice@example.com";
    let lines = async || {
        run(&world, "dmarc-results").await;
        let read = world
            .services()
            .store
            .read(|tx| dmarc_result::lines_since(tx, 0));
        read.await.unwrap()
    };
    // Nobody vouches for this one (U45).
    let put_off = send(
        &world,
        Road::Mx,
        "x@unproved.example",
        to,
        &letter("far.example"),
    )
    .await;
    assert_eq!(put_off.unwrap_err().reply.code, 451);
    assert_eq!(lines().await, 0);
    world.advance(400);
    let report = letter("far.example").replace(
        "Subject: Hello",
        "Subject: Report Domain: example.com\r\n\tSubmitter: far.example",
    );
    send(&world, Road::Mx, "x@far.example", to, &report)
        .await
        .unwrap();
    assert_eq!(lines().await, 0, "a report about a report");
    // A forger gains nothing by the subject.
    let forged = report.replacen("someone@far.example", "someone@sub.far.example", 1);
    zone(
        &world,
        &[(
            "_dmarc.sub.far.example",
            "v=DMARC1; p=none; aspf=s; rua=mailto:a@far.example",
        )],
    );
    send(&world, Road::Mx, "x@far.example", to, &forged)
        .await
        .unwrap();
    assert_eq!(lines().await, 1);

    world.advance(DAY);
    world
        .internet
        .break_name("_dmarc.sub.far.example", Some(lab::dns::Fault::Fails));
    assert_eq!(run(&world, "dmarc-reports").await, None);
    assert_eq!(lines().await, 1, "kept until DNS answers");
    world.internet.break_name("_dmarc.sub.far.example", None);
    // What failed is remembered for a moment.
    world.advance(8 * DAY);
    run(&world, "dmarc-reports").await;
    assert_eq!(lines().await, 0, "reported, or given up");

    let mut config = server::config::Config::clone(&world.services().config.load_full());
    config.authentication.dmarc_reports = false;
    world.services().config.store(std::sync::Arc::new(config));
    send(&world, Road::Mx, "x@far.example", to, &forged)
        .await
        .unwrap();
    assert_eq!(lines().await, 0);
    world.finish().await;
}

fn report_mail(from: &str, report: &Aggregate) -> String {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(report.xml("Another 1").as_bytes()).unwrap();
    let encoded = base64::engine::general_purpose::STANDARD.encode(gzip.finish().unwrap());
    format!(
        "From: <reports@{from}>\r\nTo: dmarcreports@example.com\r\nSubject: Report Domain: {} Submitter: {from} Report-ID: <{}>\r\n\
         MIME-Version: 1.0\r\nContent-Type: application/gzip; name=\"a!b!1!2.xml.gz\"\r\nContent-Transfer-Encoding: base64\r\n\r\n{encoded}\r\n",
        report.policy.domain, report.id
    )
}

async fn ask(world: &World, request: Request) -> Result<Answer, control::Failure> {
    let config = world.services().config.load_full();
    let mut client = control::Client::connect(server::config::Config::clone(&config)).await?;
    match client.execute(control::Request::Report(request)).await? {
        control::Answer::Report(answer) => Ok(answer),
        other => panic!("{other:?}"),
    }
}

async fn kept(world: &World) -> Vec<control::report::View> {
    match ask(
        world,
        Request::List {
            domain: None,
            days: 30,
        },
    )
    .await
    .unwrap()
    {
        Answer::List(list) => list,
        other => panic!("{other:?}"),
    }
}

/// K15: what comes to the address that our record names is delivered, kept and summed up; what nobody asked for, or nobody vouches for,
/// is only delivered.
#[tokio::test]
async fn k15_reports_that_come_by_mail_are_kept() {
    let world = World::start().await;
    zone(
        &world,
        &[
            (
                "_dmarc.example.com",
                "v=DMARC1; p=none; rua=mailto:DMARCreports@example.com",
            ),
            (
                "_dmarc.elsewhere.example",
                "v=DMARC1; p=none; rua=mailto:dmarcreports@example.com",
            ),
            ("reporter.example", "v=spf1 ip4:198.51.100.7 -all"),
        ],
    );
    alias(&world, "dmarcreports@example.com", "alice@example.com").await;
    let xml = std::fs::read("../mailauth/tests/reports/rfc7489.xml").unwrap();
    let reports = read(&xml).unwrap();
    let [Report::Dmarc(report)] = reports.as_slice() else {
        panic!("a report");
    };
    let to = "dmarcreports@example.com";
    let from = "x@reporter.example";
    let mail = report_mail("reporter.example", report);
    for (from, to, mail) in [
        (from, to, mail.clone()),
        // The same again.
        (from, to, mail.clone()),
        // Nobody vouches.
        ("x@unproved.example", to, mail.clone()),
        // Not the address of the record.
        (from, "bob@example.com", mail.clone()),
        // Not our domain.
        (
            from,
            to,
            report_mail(
                "reporter.example",
                &Aggregate {
                    policy: mailauth::report::Published {
                        domain: "elsewhere.example".into(),
                        ..report.policy.clone()
                    },
                    ..report.clone()
                },
            ),
        ),
        // Cannot be read.
        (from, to, mail.replacen("H4sI", "H4sJ", 1)),
    ] {
        send(&world, Road::Mx, from, to, &mail).await.unwrap();
    }
    let inbox =
        world.inbox("alice@example.com").await.len() + world.inbox("bob@example.com").await.len();
    assert_eq!(inbox, 6, "all are delivered");
    let list = kept(&world).await;
    assert_eq!(list.len(), 1, "{list:?}");
    let one = &list[0];
    assert_eq!(
        (&*one.kind, &*one.domain, &*one.reporter),
        ("dmarc", "example.com", "reporter.example")
    );
    assert_eq!((one.passed, one.failed), (2, 40));
    match ask(&world, Request::Show { id: one.id.clone() })
        .await
        .unwrap()
    {
        Answer::Show(_, shown) => {
            assert!(matches!(*shown, Report::Dmarc(shown) if shown.rows.len() == 2))
        }
        other => panic!("{other:?}"),
    }
    let missing = ask(
        &world,
        Request::Show {
            id: "nothing".into(),
        },
    )
    .await;
    assert_eq!(missing.unwrap_err().kind, control::FailureKind::Missing);
    let sources = Request::Sources {
        domain: Some("example.com".into()),
        days: 30,
    };
    let Answer::Sources(sources) = ask(&world, sources).await.unwrap() else {
        panic!("sources");
    };
    let told: Vec<_> = sources
        .iter()
        .map(|one| (one.source.as_str(), one.passed, one.failed, one.reporters))
        .collect();
    assert_eq!(told, [("2001:db8::7", 0, 40, 1), ("192.0.2.1", 2, 0, 1)]);
    assert!(
        world
            .services()
            .metrics
            .text()
            .contains("pennyblack_reports_total{kind=\"dmarc\",what=\"kept\"} 1")
    );

    world.advance(91 * DAY);
    assert_eq!(
        run(&world, "report-expiry").await.as_deref(),
        Some("forgot 1 reports")
    );
    world.finish().await;
}

/// K15: what we see ourselves in the name of our own domain is kept under our name, and sent to nobody.
#[tokio::test]
async fn k15_our_own_findings_are_kept() {
    let world = World::start().await;
    zone(
        &world,
        &[(
            "_dmarc.example.com",
            "v=DMARC1; p=none; rua=mailto:dmarcreports@example.com",
        )],
    );
    send(
        &world,
        Road::Mx,
        "eve@other.example",
        "alice@example.com",
        &letter("example.com"),
    )
    .await
    .unwrap();
    // The job that writes the counts down is due too when the clock is turned, and may be at it while the report is made.
    run(&world, "dmarc-results").await;
    world.advance(DAY);
    run(&world, "dmarc-reports").await;
    let list = kept(&world).await;
    assert_eq!(
        (&*list[0].reporter, list[0].failed),
        ("mx1.example.com", 1),
        "{list:?}"
    );
    assert_eq!(world.queued().await.len(), 0);
    world.finish().await;
}
