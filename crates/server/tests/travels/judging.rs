//! Whether mail is wanted, and what follows: thresholds, result fields, refusals, reasons that are kept (I1 to I5, I29, I31, V3).

use super::authentication::sent;
use super::*;
use store::judgement::Judgement;

/// What the rules say of it: a subject that says what it is, with the weight that a test gives it.
const ADVERTISEMENT: &str = "From: Eve <eve@other.example>\r\nTo: <alice@example.com>\r\nSubject: ADV: buy\r\n\
    Date: Fri, 20 Nov 2026 14:13:44 +0000\r\nMessage-ID: <1@other.example>\r\n\r\nHello there\r\n";

const HELLO_FROM_ALICE: &str = "From: alice@example.com\r\nSubject: x\r\n\r\nx\r\n";

/// A world in which an advertisement has this score, and nobody is asked to come again.
async fn scored(score: &str) -> World {
    let weights =
        format!("[\"SUBJECT_ADVERTISEMENT {score}\", \"DATE_LONG_AGO 0\", \"DATE_IN_FUTURE 0\"]");
    world_with(&[("spam.weights", &weights), ("gate.greylist", "\"off\"")]).await
}

/// Each message of a mailbox with its flags and what was thought of it.
async fn kept(
    world: &World,
    mailbox: &'static str,
) -> Vec<(store::entry::Flags, Option<Judgement>)> {
    const ALL: [RangeInclusive<u32>; 1] = [1..=u32::MAX];
    read(world, move |tx| {
        let account = account::by_address(tx, "alice@example.com")?.unwrap().id;
        let mailbox = mailbox::by_name(tx, account, mailbox)?.unwrap().id;
        let entries = entry::scan(tx, account, mailbox, &ALL, None, 1000)?;
        let judged = entries.into_iter().map(|entry| {
            let judgement = store::judgement::of(tx, account, entry.message)?;
            Ok((entry.flags, judgement))
        });
        judged.collect::<store::Result<Vec<_>>>()
    })
    .await
}

/// I2, I3, I5: accepted, marked, junk, junk that is read, refused.
#[tokio::test]
async fn i03_the_score_decides() {
    for (score, place, seen, marked) in [
        ("5.9", "INBOX", false, false),
        ("7.4", "INBOX", false, true),
        ("7.5", "Junk", false, true),
        ("14.2", "Junk", false, true),
        ("14.4", "Junk", true, true),
    ] {
        let world = scored(score).await;
        assert_eq!(
            sent(&world, "eve@other.example", ADVERTISEMENT)
                .await
                .unwrap()
                .code,
            250
        );
        let kept = kept(&world, place).await;
        assert_eq!(kept.len(), 1, "{score}: {place}");
        let (flags, judgement) = &kept[0];
        assert_eq!(flags.contains(store::entry::Flags::SEEN), seen, "{score}");
        // DESIGN: every verdict has reasons, stored with the message.
        let judgement = judgement.as_ref().unwrap();
        assert_eq!(judgement.score.to_string(), score);
        assert_eq!(judgement.reasons[0].name, "SUBJECT_ADVERTISEMENT");
        if place == "INBOX" {
            let stored = inbox(&world, "alice@example.com").await;
            assert_eq!(stored[0].contains("X-Spam: yes\r\n"), marked, "{score}");
        }
        world.finish().await;
    }
}

/// I2, V3: refused in the dialogue, with a code; nothing is stored, queued or bounced.
#[tokio::test]
async fn i02_spam_is_refused_before_the_250() {
    let world = scored("16").await;
    let refusal = sent(&world, "eve@other.example", ADVERTISEMENT)
        .await
        .unwrap_err();
    let text = refusal.reply.lines.concat();
    assert_eq!(
        (
            refusal.reply.code,
            refusal.reply.enhanced.unwrap().to_string()
        ),
        (550, "5.7.1".into())
    );
    assert!(text.contains("SPAM-SCORE "), "{text}");
    assert!(
        refusal.reason.contains("SUBJECT_ADVERTISEMENT(16.00)"),
        "{}",
        refusal.reason
    );
    assert!(
        !text.contains("ADVERTISEMENT"),
        "the sender is not told how to get through: {text}"
    );
    assert_eq!(
        (queued(&world).await.len(), kept(&world, "Junk").await.len()),
        (0, 0)
    );
    world.finish().await;
}

/// I1: the test string for spam filters.
#[tokio::test]
async fn i01_gtube_is_refused() {
    let world = world_with(&[]).await;
    let gtube = concat!(
        "XJS*C4JDBQADN1.NSBN3*2IDNEN*",
        "GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"
    );
    let refused = sent(
        &world,
        "eve@other.example",
        &HELLO.replace("Hello there", gtube),
    )
    .await;
    assert!(refused.unwrap_err().reason.contains("GTUBE"));
    // I31: off means off.
    world.finish().await;
    let world = world_with(&[("spam.filter", "false")]).await;
    assert!(
        sent(
            &world,
            "eve@other.example",
            &HELLO.replace("Hello there", gtube)
        )
        .await
        .is_ok()
    );
    world.finish().await;
}

/// I4: ours are on top, those from outside are gone.
#[tokio::test]
async fn i04_result_fields() {
    let world = scored("6.5").await;
    let forged = format!("X-Spam: no\r\nX-Spam-Status: No, score=-99\r\n{ADVERTISEMENT}");
    sent(&world, "eve@other.example", &forged).await.unwrap();
    let stored = inbox(&world, "alice@example.com").await;
    let (head, rest) = stored[0].split_once("From: Eve").unwrap();
    for field in [
        "X-Spam: yes\r\n",
        "X-Spam-Score: 6.5 / 15.0\r\n",
        "X-Spam-Status: Yes, score=6.5 required=6.0\r\n",
        "X-Spam-Symbols: SUBJECT_ADVERTISEMENT(6.50)\r\n",
    ] {
        assert_eq!(head.matches(field).count(), 1, "{field}{head}");
    }
    assert!(
        !stored[0].contains("-99") && !rest.contains("X-Spam"),
        "{}",
        stored[0]
    );
    world.finish().await;
    let world = world_with(&[("spam.headers", "false")]).await;
    sent(&world, "eve@other.example", &forged).await.unwrap();
    assert!(!inbox(&world, "alice@example.com").await[0].contains("X-Spam"));
    world.finish().await;
}

/// I6: the subject stays as it came, since a signature covers it; whoever wants a mark there has a script write it.
#[tokio::test]
async fn i06_the_subject_is_marked_by_a_script_alone() {
    let script = "require [\"editheader\", \"variables\", \"spamtest\", \"relational\", \"comparator-i;ascii-numeric\"];\n\
         if allof(spamtest :value \"ge\" :comparator \"i;ascii-numeric\" \"4\", header :matches \"Subject\" \"*\") {\n\
         deleteheader \"Subject\"; addheader \"Subject\" \"***SPAM*** ${1}\"; }\n";
    let world = scored("7.4").await;
    sent(&world, "eve@other.example", ADVERTISEMENT)
        .await
        .unwrap();
    super::scripts::activate(&world, "alice@example.com", script).await;
    sent(&world, "eve@other.example", ADVERTISEMENT)
        .await
        .unwrap();
    let stored = inbox(&world, "alice@example.com").await;
    for (stored, subject) in stored.iter().zip(["ADV: buy", "***SPAM*** ADV: buy"]) {
        assert!(stored.contains("X-Spam: yes\r\n"));
        let subjects: Vec<&str> = stored
            .lines()
            .filter_map(|line| line.strip_prefix("Subject: "))
            .collect();
        assert_eq!(subjects, [subject], "{stored}");
    }
    assert_eq!(stored.len(), 2);
    world.finish().await;
}

/// I9: what the filter itself thinks teaches it nothing, whatever it makes of a message.
#[tokio::test]
async fn i09_the_filter_does_not_teach_itself() {
    for score in ["-9", "1", "8", "14.5", "20"] {
        let world = scored(score).await;
        let taken = sent(&world, "eve@other.example", ADVERTISEMENT).await;
        assert_eq!(taken.is_ok(), score != "20");
        assert!(
            read(&world, |tx| store::learn::next(tx, 9))
                .await
                .is_empty(),
            "{score}"
        );
        world.services().jobs.run("learn").await.unwrap();
        let counts = read(&world, |tx| {
            store::lesson::counts(tx, store::lesson::Scope::Server)
        })
        .await;
        assert_eq!((counts.ham, counts.spam), (0.0, 0.0), "{score}");
        world.finish().await;
    }
}

/// I29, B26: exempt is who has logged in, not who says to be one of us.
#[tokio::test]
async fn i29_own_mail_is_exempt_by_log_in_alone() {
    let world = scored("20").await;
    let own = ADVERTISEMENT.replace("eve@other.example", "bob@example.com");
    let bob = Client::user(&world, "bob@example.com").await;
    bob.deliver("bob@example.com", &["alice@example.com"], &own)
        .await;
    let kept = kept(&world, "INBOX").await;
    assert!(matches!(kept.as_slice(), [(_, None)]), "{kept:?}");
    assert!(!inbox(&world, "alice@example.com").await[0].contains("X-Spam"));
    assert!(sent(&world, "eve@other.example", &own).await.is_err());
    world.finish().await;
}

/// I3: in doubt, and not proved: 451, and on the retry it is delivered with its mark.
#[tokio::test]
async fn i03_doubtful_mail_is_asked_to_come_again() {
    let weights = "[\"SUBJECT_ADVERTISEMENT 5\", \"DATE_LONG_AGO 0\", \"DATE_IN_FUTURE 0\"]";
    let world = world_with(&[("spam.weights", weights)]).await;
    let doubtful = ADVERTISEMENT.replace("other.example", "none.example");
    let first = sent(&world, "eve@none.example", &doubtful)
        .await
        .unwrap_err();
    assert_eq!(first.reply.code, 451);
    world.advance(std::time::Duration::from_secs(600));
    assert!(sent(&world, "eve@none.example", &doubtful).await.is_ok());
    world.finish().await;
    let world = world_with(&[("spam.weights", weights), ("spam.greylist", "5.5")]).await;
    assert!(sent(&world, "eve@none.example", &doubtful).await.is_ok());
    world.finish().await;
}

/// What was thought of the newest message in alice's INBOX: names of reasons.
async fn reasons(world: &World) -> Vec<String> {
    let kept = kept(world, "INBOX").await;
    let judgement = kept
        .last()
        .and_then(|(_, judgement)| judgement.clone())
        .unwrap();
    judgement
        .reasons
        .into_iter()
        .map(|reason| reason.name)
        .collect()
}

/// I16: the answer to a message of alice's passes with a bad score; that of another does not, and neither does one for bob.
#[tokio::test]
async fn i16_answers_to_our_mail_are_welcome() {
    let world = scored("16").await;
    let alice = Client::user(&world, "alice@example.com").await;
    let ours =
        "From: alice@example.com\r\nMessage-ID: <ours.1@example.com>\r\nSubject: x\r\n\r\nx\r\n";
    alice
        .deliver("alice@example.com", &["someone@elsewhere.example"], ours)
        .await;
    let answer = |id: &str| format!("References: <a@b> <{id}>\r\n{ADVERTISEMENT}");
    assert!(
        sent(&world, "eve@other.example", &answer("ours.2@example.com"))
            .await
            .is_err()
    );
    sent(&world, "eve@other.example", &answer("ours.1@example.com"))
        .await
        .unwrap();
    assert!(reasons(&world).await.contains(&"ANSWERS_US".to_owned()));
    let answered = answer("ours.1@example.com");
    let mut to_bob = Client::mx(&world)
        .send("eve@other.example", &["bob@example.com"], &answered)
        .await;
    assert_eq!(to_bob.pop().unwrap().unwrap_err().reply.code, 550);
    world.finish().await;
}

/// Whom alice has written to is welcome, if his address is proved; a forger of it is not.
#[tokio::test]
async fn correspondents_are_known_when_they_are_proved() {
    let world = scored("9").await;
    let alice = Client::user(&world, "alice@example.com").await;
    alice
        .deliver(
            "alice@example.com",
            &["eve@other.example"],
            HELLO_FROM_ALICE,
        )
        .await;
    sent(&world, "eve@other.example", ADVERTISEMENT)
        .await
        .unwrap();
    assert!(reasons(&world).await.contains(&"WRITTEN_TO".to_owned()));
    // SPF of another domain proves nothing.
    sent(&world, "x@none.example", ADVERTISEMENT).await.unwrap();
    assert_eq!(kept(&world, "Junk").await.len(), 1);
    world.finish().await;
}

/// Who has written often, and wanted, for weeks, is known; it takes time.
#[tokio::test]
async fn senders_become_known_with_time() {
    let world = scored("1").await;
    for _ in 0..4 {
        sent(&world, "eve@other.example", ADVERTISEMENT)
            .await
            .unwrap();
    }
    assert!(!reasons(&world).await.contains(&"SENDER_KNOWN".to_owned()));
    world.advance(std::time::Duration::from_secs(20 * 86_400));
    sent(&world, "eve@other.example", ADVERTISEMENT)
        .await
        .unwrap();
    let known = reasons(&world).await;
    for name in ["SENDER_KNOWN", "DOMAIN_KNOWN", "NETWORK_KNOWN"] {
        assert!(known.contains(&name.to_owned()), "{known:?}");
    }
    let elsewhere = ADVERTISEMENT.replace("other.example", "none.example");
    sent(&world, "eve@none.example", &elsewhere).await.unwrap();
    let stranger = reasons(&world).await;
    assert!(
        !stranger.contains(&"SENDER_KNOWN".to_owned())
            && stranger.contains(&"NETWORK_KNOWN".to_owned())
    );
    world.finish().await;
}

/// I17, I18: who is allowed must be proved, who is denied need not be.
#[tokio::test]
async fn i18_the_settings_allow_and_deny_senders() {
    let weights = "[\"SUBJECT_ADVERTISEMENT 20\"]";
    let lists = [
        ("spam.weights", weights),
        ("spam.allow", "[\"other.example\"]"),
        ("spam.deny", "['/^[^@]+@none.example$/i']"),
    ];
    let world = world_with(&lists).await;
    sent(&world, "eve@other.example", ADVERTISEMENT)
        .await
        .unwrap();
    assert!(reasons(&world).await.contains(&"ALLOWED".to_owned()));
    assert!(sent(&world, "x@none.example", ADVERTISEMENT).await.is_err());
    let harmless = HELLO.replace("sender@remote.example", "X@None.example");
    let refusal = sent(&world, "eve@other.example", &harmless)
        .await
        .unwrap_err();
    assert!(refusal.reason.contains("DENIED"), "{}", refusal.reason);
    world.finish().await;
}

/// I20, I21, I22: lists of domains and of addresses; one switch turns off all questions to others.
#[tokio::test]
async fn i20_links_and_addresses_are_looked_up() {
    let lists = [
        (
            "spam.url_lists",
            "[\"urls.test.example 127.0.0.2 4.5 sold\"]",
        ),
        (
            "spam.address_lists",
            "[\"hashes.test.example 127.0.0.2 5 frauds\"]",
        ),
        ("gate.ask_others", "true"),
        ("spam.weights", "[\"SUBJECT_ADVERTISEMENT 0\"]"),
    ];
    let message = ADVERTISEMENT
        .replace(
            "Hello there",
            "see http://www.evil.example/x and http://www.good.example/",
        )
        .replace("To: ", "Reply-To: <Fraud+x@none.example>\r\nTo: ");
    for (asked, expected) in [("true", 2), ("false", 0)] {
        let mut settings = lists;
        settings[2].1 = asked;
        let world = world_with(&settings).await;
        sent(&world, "eve@other.example", &message).await.unwrap();
        let mailbox = if asked == "true" { "Junk" } else { "INBOX" };
        let kept = kept(&world, mailbox).await;
        let judgement = kept[0].1.clone().unwrap();
        let listed: Vec<_> = judgement
            .reasons
            .iter()
            .filter(|r| r.name.ends_with("_LISTED"))
            .collect();
        assert_eq!(listed.len(), expected, "{:?}", judgement.reasons);
        if asked == "true" {
            let link = listed
                .iter()
                .find(|reason| reason.name == "LINK_LISTED")
                .unwrap();
            assert_eq!(
                (link.weight, link.detail.as_str()),
                (4.5, "evil.example: urls.test.example: sold")
            );
        }
        world.finish().await;
    }
}

/// A program that takes connections one after the other, reads until `enough` of what came, answers, and hangs up.
async fn fake(
    answer: &'static [u8],
    enough: fn(&[u8]) -> bool,
) -> (String, tokio::task::JoinHandle<Vec<u8>>) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let place = listener.local_addr().unwrap().to_string();
    let task = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut came = Vec::new();
        while !enough(&came) {
            let mut octets = vec![0; 65_536];
            match stream.read(&mut octets).await.unwrap() {
                0 => break,
                read => came.extend_from_slice(&octets[..read]),
            }
        }
        stream.write_all(answer).await.unwrap();
        came
    });
    (place, task)
}

/// I26: a virus is refused; a message of several megabytes is shown whole.
#[tokio::test]
async fn i26_clamd_is_asked() {
    let (place, clamd) = fake(b"stream: Test-Signature FOUND\0", |came| {
        came.ends_with(&[0; 4])
    })
    .await;
    let world = world_with(&[("spam.clamd", &format!("\"{place}\""))]).await;
    let large = format!(
        "{ADVERTISEMENT}{}",
        "another line of text\r\n".repeat(40_000)
    );
    let refusal = sent(&world, "eve@other.example", &large).await.unwrap_err();
    assert_eq!(refusal.reply.code, 550);
    assert!(
        refusal.reason.contains("VIRUS(100.00)"),
        "{}",
        refusal.reason
    );
    let came = clamd.await.unwrap();
    let mut rest = came.strip_prefix(b"zINSTREAM\0").unwrap();
    let mut shown = Vec::new();
    while let Some((length, after)) = rest.split_first_chunk::<4>() {
        let (piece, after) = after.split_at(u32::from_be_bytes(*length) as usize);
        shown.extend_from_slice(piece);
        rest = after;
    }
    assert_eq!(String::from_utf8(shown).unwrap(), large);
    world.finish().await;
}

/// H29: scripts ask what the filter and the scanner found, as it counts for their account; of what nobody looked at they are told so. The
/// sender's own header fields say nothing.
#[tokio::test]
async fn h29_scripts_ask_what_was_found() {
    let script = "require [\"spamtestplus\", \"virustest\", \"fileinto\", \"mailbox\", \"variables\", \"relational\", \"comparator-i;ascii-numeric\"];\n\
         if spamtest :percent :matches \"*\" { set \"spam\" \"${1}\"; }\n\
         if virustest :matches \"*\" { set \"virus\" \"${1}\"; }\n\
         fileinto :create \"spam ${spam} virus ${virus}\";\n";
    let advertisement = format!("X-Spam-Score: 15.00 / 15.00\r\n{ADVERTISEMENT}");
    for (answer, score, place) in [
        (Some(b"stream: OK\0".as_slice()), "7.5", "spam 50 virus 1"),
        (
            Some(b"stream: Test-Signature FOUND\0"),
            "3",
            "spam 20 virus 5",
        ),
        (None, "0", "spam 0 virus 0"),
    ] {
        let weights = format!(
            "[\"SUBJECT_ADVERTISEMENT {score}\", \"DATE_LONG_AGO 0\", \"DATE_IN_FUTURE 0\", \"VIRUS 0\"]"
        );
        let mut settings = vec![
            ("spam.weights", weights),
            ("gate.greylist", "\"off\"".into()),
        ];
        let mut scanner = None;
        if let Some(answer) = answer {
            let (place, task) = fake(answer, |came| came.ends_with(&[0; 4])).await;
            settings.push(("spam.clamd", format!("\"{place}\"")));
            scanner = Some(task);
        }
        let settings: Vec<_> = settings
            .iter()
            .map(|(key, value)| (*key, value.as_str()))
            .collect();
        let world = world_with(&settings).await;
        super::scripts::activate(&world, "alice@example.com", script).await;
        sent(&world, "eve@other.example", &advertisement)
            .await
            .unwrap();
        let filed = world.messages_in("alice@example.com", place).await;
        assert_eq!(filed, Ok(1), "{place}");
        if let Some(scanner) = scanner {
            scanner.await.unwrap();
        }
        world.finish().await;
    }
}

/// I26, I31: a scanner that is away loses nothing: mail flows, or waits, as the settings say.
#[tokio::test]
async fn i31_a_scanner_that_is_away_loses_no_mail() {
    for (failure, code) in [("accept", "250"), ("defer", "451 4.7.0")] {
        for scanner in ["spam.clamd", "spam.rspamd", "spam.spamassassin"] {
            let failure = format!("\"{failure}\"");
            let settings = [
                (scanner, "\"127.0.0.1:1\""),
                ("spam.failure", failure.as_str()),
            ];
            let world = world_with(&settings).await;
            assert_eq!(
                super::code(sent(&world, "eve@other.example", ADVERTISEMENT).await),
                code,
                "{scanner}"
            );
            world.finish().await;
        }
    }
}

/// An Rspamd counts in proportion to its own threshold.
#[tokio::test]
async fn an_rspamd_is_asked() {
    let answer = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 70\r\n\r\n{\"score\":6.0,\"required_score\":15.0,\"symbols\":{\"A_SYMBOL\":{\"score\":6}}}";
    let (place, rspamd) = fake(answer, |came| came.ends_with(b"Hello there\r\n")).await;
    let settings = [
        ("spam.rspamd", format!("\"{place}\"")),
        (
            "spam.weights",
            "[\"SUBJECT_ADVERTISEMENT 0\", \"DATE_LONG_AGO 0\"]".into(),
        ),
    ];
    let settings = settings
        .each_ref()
        .map(|(key, value)| (*key, value.as_str()));
    let world = world_with(&settings).await;
    sent(&world, "eve@other.example", ADVERTISEMENT)
        .await
        .unwrap();
    let kept = kept(&world, "INBOX").await;
    let reason = kept[0].1.clone().unwrap().reasons.remove(0);
    assert_eq!(
        (reason.name.as_str(), reason.weight, reason.detail.as_str()),
        ("RSPAMD", 6.0, "A_SYMBOL 6.0")
    );
    let asked = String::from_utf8(rspamd.await.unwrap())
        .unwrap()
        .to_lowercase();
    for part in [
        "post /checkv2 http/1.1\r\n",
        "ip: 198.51.100.7",
        "from: eve@other.example",
        "rcpt: alice@example.com",
    ] {
        assert!(asked.contains(part), "{part}: {asked}");
    }
    world.finish().await;
}

/// I27: a SpamAssassin is asked by its daemon's own protocol; what it calls spam is as much as junk.
#[tokio::test]
async fn i27_a_spamassassin_is_asked() {
    let answer = b"SPAMD/1.1 0 EX_OK\r\nContent-length: 19\r\nSpam: True ; 6.0 / 5.0\r\n\r\nBAYES_99,HTML_ONLY\r\n";
    let (place, spamd) = fake(answer, |came| came.ends_with(b"Hello there\r\n")).await;
    let settings = [
        ("spam.spamassassin", format!("\"{place}\"")),
        (
            "spam.weights",
            "[\"SUBJECT_ADVERTISEMENT 0\", \"DATE_LONG_AGO 0\"]".into(),
        ),
    ];
    let settings = settings
        .each_ref()
        .map(|(key, value)| (*key, value.as_str()));
    let world = world_with(&settings).await;
    sent(&world, "eve@other.example", ADVERTISEMENT)
        .await
        .unwrap();
    let kept = kept(&world, "Junk").await;
    let reason = kept[0].1.clone().unwrap().reasons.remove(0);
    assert_eq!(
        (reason.name.as_str(), reason.weight, reason.detail.as_str()),
        ("SPAMASSASSIN", 9.0, "BAYES_99, HTML_ONLY")
    );
    let asked = String::from_utf8(spamd.await.unwrap()).unwrap();
    let (head, message) = asked.split_once("\r\n\r\n").unwrap();
    assert_eq!(
        head,
        format!("SYMBOLS SPAMC/1.5\r\nContent-length: {}", message.len())
    );
    assert_eq!(message, ADVERTISEMENT);
    world.finish().await;
}

/// V3: the code in a reply leads to what was refused, and why.
#[tokio::test]
async fn v03_a_refusal_can_be_looked_up() {
    let world = scored("16").await;
    let refusal = sent(&world, "eve@other.example", ADVERTISEMENT)
        .await
        .unwrap_err();
    let text = refusal.reply.lines.concat();
    let (_, id) = text.split_once("(SPAM-SCORE ").unwrap();
    let id = u64::from_str_radix(id.trim_end_matches(')'), 16).unwrap();
    let (_, kept) = read(&world, move |tx| store::rejection::of(tx, id))
        .await
        .unwrap();
    assert_eq!(
        (
            kept.sender.as_str(),
            kept.subject.as_str(),
            kept.client.as_str()
        ),
        ("eve@other.example", "ADV: buy", "198.51.100.7")
    );
    assert_eq!(kept.recipients, ["alice@example.com"]);
    let judgement = kept.judgement.unwrap();
    assert_eq!(
        (judgement.action.as_str(), judgement.score),
        ("refuse", 16.0)
    );
    assert_eq!(judgement.reasons[0].name, "SUBJECT_ADVERTISEMENT");
    // It is forgotten after 30 days.
    world.advance(std::time::Duration::from_secs(31 * 86_400));
    world.services().jobs.run("rejections").await.unwrap();
    let gone = read(&world, move |tx| store::rejection::of(tx, id)).await;
    assert!(gone.is_none());
    world.finish().await;
}

async fn wish(world: &World, address: &'static str, wishes: store::wish::Wishes) {
    write(world, move |tx| {
        let account = account::by_address(tx, address)?.unwrap().id;
        store::wish::put(tx, account, &wishes)
    })
    .await;
}

/// I18: what one account wants is nothing to another.
#[tokio::test]
async fn i18_accounts_have_thresholds_and_senders_of_their_own() {
    let world = scored("6.5").await;
    let alice = || store::wish::Wishes {
        refuse: Some(6.4),
        ..Default::default()
    };
    wish(&world, "alice@example.com", alice()).await;
    let client = Client::mx(&world);
    let to_both = ["alice@example.com", "bob@example.com"];
    assert!(
        sent(&world, "eve@other.example", ADVERTISEMENT)
            .await
            .is_err()
    );
    client
        .deliver("eve@other.example", &["bob@example.com"], ADVERTISEMENT)
        .await;
    // There is one reply for both: who would have refused it finds it in the junk.
    client
        .deliver("eve@other.example", &to_both, ADVERTISEMENT)
        .await;
    assert_eq!(kept(&world, "Junk").await.len(), 1);
    // Who is allowed must be proved; SPF proves eve.
    let allowing = store::wish::Wishes {
        allow: vec!["other.example".into()],
        deny: vec!["none.example".into()],
        ..alice()
    };
    wish(&world, "alice@example.com", allowing).await;
    sent(&world, "eve@other.example", ADVERTISEMENT)
        .await
        .unwrap();
    assert!(
        reasons(&world)
            .await
            .contains(&"ALLOWED_BY_ACCOUNT".to_owned())
    );
    let denied = HELLO.replace("sender@remote.example", "x@none.example");
    let refusal = sent(&world, "eve@other.example", &denied)
        .await
        .unwrap_err();
    assert!(
        refusal.reply.lines.concat().contains("(SENDER-DENIED "),
        "{}",
        refusal.reason
    );
    client
        .deliver("eve@other.example", &["bob@example.com"], &denied)
        .await;
    world.finish().await;
}

/// I28: mail to a trap is learned; it is in no mailbox, and its sender is told nothing. Mail that somebody wants is not learned.
#[tokio::test]
async fn i28_traps_teach() {
    use store::lesson::{Scope, counts};
    let world = scored("5").await;
    world.trap("trap@example.com").await.unwrap();
    let client = Client::mx(&world);
    client
        .deliver("eve@other.example", &["trap@example.com"], ADVERTISEMENT)
        .await;
    let learned = async || {
        let counts = read(&world, |tx| counts(tx, Scope::Server)).await;
        (counts.ham, counts.spam)
    };
    assert_eq!(learned().await, (0.0, 1.0));
    client
        .deliver("eve@other.example", &["trap@example.com"], ADVERTISEMENT)
        .await;
    assert_eq!(learned().await, (0.0, 1.0), "the same message counts once");
    let alice = Client::user(&world, "alice@example.com").await;
    alice
        .deliver(
            "alice@example.com",
            &["eve@other.example"],
            HELLO_FROM_ALICE,
        )
        .await;
    let other = ADVERTISEMENT.replace("Hello there", "Hello once more");
    let both = ["alice@example.com", "trap@example.com"];
    client.deliver("eve@other.example", &both, &other).await;
    assert_eq!(
        learned().await,
        (0.0, 2.0),
        "5 + 10 - 5 is junk for her too"
    );
    world.finish().await;
    let weights = "[\"SPAM_TRAP 2\"]";
    let world = world_with(&[("spam.weights", weights), ("gate.greylist", "\"off\"")]).await;
    world.trap("trap@example.com").await.unwrap();
    Client::mx(&world)
        .deliver("eve@other.example", &both, HELLO)
        .await;
    let counts = read(&world, |tx| counts(tx, Scope::Server)).await;
    assert_eq!(counts.spam, 0.0, "it is no junk for her");
    world.finish().await;
}

/// I11: who answers through this server speaks for what he answers, with a mail program that sets no flag, too.
#[tokio::test]
async fn i11_an_answer_that_is_sent_speaks_for_the_message() {
    let world = scored("1").await;
    sent(&world, "eve@other.example", ADVERTISEMENT)
        .await
        .unwrap();
    let answer = |user: &str, id: &str| {
        format!(
            "From: {user}@example.com\r\nSubject: Re: x\r\nIn-Reply-To: <{id}>\r\nReferences: <0@x> <{id}>\r\n\r\nYes.\r\n"
        )
    };
    let alice = Client::user(&world, "alice@example.com").await;
    let bob = Client::user(&world, "bob@example.com").await;
    let waiting = async || read(&world, |tx| store::learn::next(tx, 9)).await;
    bob.deliver(
        "bob@example.com",
        &["eve@other.example"],
        &answer("bob", "1@other.example"),
    )
    .await;
    alice
        .deliver(
            "alice@example.com",
            &["eve@other.example"],
            &answer("alice", "2@other.example"),
        )
        .await;
    assert!(waiting().await.is_empty());
    alice
        .deliver(
            "alice@example.com",
            &["eve@other.example"],
            &answer("alice", "1@other.example"),
        )
        .await;
    let jobs = waiting().await;
    assert_eq!(jobs.len(), 1);
    assert_eq!(
        (jobs[0].class, jobs[0].origin),
        (store::learn::Class::Ham, store::learn::Origin::Answer)
    );
    world.finish().await;
}

/// I25: nearly the same as what somebody has called unwanted.
#[tokio::test]
async fn i25_near_copies_of_what_was_called_unwanted() {
    use store::learn::{Class, Origin};
    const OFFER: &str = "Dear customer Number 4711, we have looked at your account and found that the prize of one million is still waiting \
        for you. Write to our agent, who pays it out on every working day of the week, and tell him the words that stand below this line. \
        He wants nothing but your name, the place where you live, and the number of your bank. Do not wait: on Friday it is gone for good.";
    // Only what is known of copies counts.
    let weights = "[\"SUBJECT_ADVERTISEMENT 0\", \"SENDER_UNWANTED 0\", \"DOMAIN_UNWANTED 0\", \"NETWORK_UNWANTED 0\", \"LEARNED 0\", \"DATE_LONG_AGO 0\", \"DATE_IN_FUTURE 0\"]";
    let world = world_with(&[("spam.weights", weights), ("gate.greylist", "\"off\"")]).await;
    let first = ADVERTISEMENT.replace("Hello there", OFFER);
    sent(&world, "eve@other.example", &first).await.unwrap();
    assert!(!reasons(&world).await.contains(&"NEAR_COPY".to_owned()));
    write(&world, |tx| {
        let alice = account::by_address(tx, "alice@example.com")?.unwrap().id;
        let inbox = mailbox::by_name(tx, alice, "INBOX")?.unwrap().id;
        let message = entry::messages(tx, alice, inbox, &[1..=u32::MAX], 9)?
            .pop()
            .unwrap();
        store::learn::add(tx, alice, message, Class::Spam, Origin::Move)
    })
    .await;
    world.services().jobs.run("learn").await.unwrap();
    let copy = first.replace("4711", "0815").replace("<1@", "<2@");
    sent(&world, "eve@other.example", &copy).await.unwrap();
    assert!(reasons(&world).await.contains(&"NEAR_COPY".to_owned()));
    let other = ADVERTISEMENT.replace(
        "Hello there",
        &"What a day this was, from the first train to the last! ".repeat(5),
    );
    sent(&world, "eve@other.example", &other).await.unwrap();
    assert!(!reasons(&world).await.contains(&"NEAR_COPY".to_owned()));
    world.finish().await;
}
