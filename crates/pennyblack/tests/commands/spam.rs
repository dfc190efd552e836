//! `pennyblack spam`: the filter is taught and asked, with a server and without one (I13, I14, I32).

use crate::world::{Line, World};
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::process::{Command, Stdio};

/// A letter like those about pills.
const ASKED: &str = "Date: Mon, 30 Nov 2026 10:00:00 +0000\nFrom: b@pills.test\nTo: alice@example.com\nMessage-ID: <99@pills.test>\n\
                     Subject: pills 99\n\nthis is pills\n";

/// An mbox of letters with this word, each a little different.
fn mbox(world: &World, word: &str, count: usize) -> String {
    let mut text = String::new();
    for n in 0..count {
        let _ = write!(
            text,
            "From x Mon Nov 30 00:00:00 2026\nFrom: a{n}@{word}.test\nSubject: {word} {n}\nMessage-ID: <{n}@{word}.test>\n\nthis is {word} number {n}\n\n"
        );
    }
    let path = world.folder.path().join(format!("{word}.mbox"));
    fs::write(&path, text).expect("written");
    path.to_str().expect("UTF-8").to_owned()
}

/// The weight of a reason, if there is one.
fn weight(found: &serde_json::Value, name: &str) -> Option<f64> {
    let reasons = found["reasons"].as_array().expect("reasons");
    let reason = reasons.iter().find(|reason| reason["name"] == name)?;
    reason["weight"].as_f64()
}

#[test]
fn i14_teach_and_ask() {
    let world = World::new();
    let (ham, spam) = (mbox(&world, "meeting", 30), mbox(&world, "pills", 30));
    let asked = world.folder.path().join("asked");
    fs::write(&asked, ASKED).expect("written");
    let asked = asked.to_str().expect("UTF-8");
    let before = world.json(&["spam", "score", asked]);
    assert_eq!(weight(&before, "LEARNED"), None);
    let taught = world.json(&["spam", "learn", "spam", &spam]);
    assert_eq!(
        (&taught["learned"], &taught["known"]),
        (&30.into(), &0.into())
    );
    let serving = world.serve();
    assert_eq!(world.json(&["spam", "learn", "ham", &ham])["learned"], 30);
    assert_eq!(
        world.json(&["spam", "learn", "ham", &ham])["known"],
        30,
        "the same message counts once"
    );
    let stat = world.json(&["spam", "stat"]);
    assert_eq!((&stat["ham"], &stat["spam"]), (&30.0.into(), &30.0.into()));
    let found = world.json(&["spam", "explain", asked]);
    let after = weight(&found, "LEARNED").expect("an opinion");
    assert!(
        after > 0.5 && after < 7.5,
        "a young model makes no junk alone: {after}"
    );
    assert_eq!(found["models"][0]["model"], "server");
    let shown = world.run(&["spam", "explain", asked]);
    assert!(shown.out.contains("model of server: +"), "{shown:?}");
    assert_eq!(world.json(&["spam", "unlearn", &spam])["corrected"], 30);
    assert_eq!(world.json(&["spam", "unlearn", &spam])["known"], 30);
    let stat = world.json(&["spam", "stat"]);
    assert_eq!((&stat["ham"], &stat["spam"]), (&30.0.into(), &0.0.into()));
    drop(serving);
}

/// V19: what was taught in some time is taken back, and the filter thinks as if that had never been.
#[test]
fn v19_training_of_a_time_is_taken_back() {
    let world = World::new();
    world.add_account("alice@example.com");
    let (ham, spam) = (mbox(&world, "meeting", 30), mbox(&world, "pills", 30));
    let wrong = mbox(&world, "pills and more", 20);
    let asked = world.folder.path().join("asked");
    fs::write(&asked, ASKED).expect("written");
    let asked = asked.to_str().expect("UTF-8");
    world.json(&["spam", "learn", "ham", &ham]);
    world.json(&["spam", "learn", "spam", &spam]);
    let serving = world.serve();
    let before = world.json(&["spam", "explain", asked]);
    let start = jiff::Timestamp::now().to_string();
    let by_alice = ["--account", "alice@example.com"];
    let learn = [&["spam", "learn", "ham", wrong.as_str()][..], &by_alice].concat();
    assert_eq!(world.json(&learn)["learned"], 20);
    assert_ne!(
        world.json(&["spam", "explain", asked])["models"],
        before["models"]
    );
    let unlearn = |more: &[&str]| world.json(&[&["spam", "unlearn", "--since"], more].concat());
    assert_eq!(unlearn(&["2099-01-01"])["corrected"], 0);
    assert_eq!(
        unlearn(&["1d", "--until", &start, by_alice[0], by_alice[1]])["corrected"],
        0
    );
    assert_eq!(unlearn(&[&start])["corrected"], 20);
    assert_eq!(world.json(&["spam", "explain", asked]), before);
    assert_eq!(unlearn(&["1d"])["corrected"], 60, "whoever taught it");
    let told = world.run(&["spam", "unlearn", "--since", "1d"]);
    assert!(told.out.starts_with("0 taken back"), "{told:?}");
    let wrong = world.run(&["spam", "unlearn", "--since", "lately"]);
    assert!(
        wrong.code != 0 && wrong.err.contains("is no time"),
        "{wrong:?}"
    );
    drop(serving);
}

#[test]
fn i08_one_account_does_not_change_what_another_sees() {
    let world = World::with("learn.from_accounts = \"own\"\n");
    for address in ["alice@example.com", "bob@example.com"] {
        world.add_account(address);
    }
    let (ham, spam) = (mbox(&world, "meeting", 15), mbox(&world, "pills", 15));
    for (class, file) in [("ham", &ham), ("spam", &spam)] {
        let done = world.json(&[
            "spam",
            "learn",
            class,
            file,
            "--account",
            "alice@example.com",
        ]);
        assert_eq!(done["learned"], 15);
    }
    let one = world.folder.path().join("one");
    fs::write(&one, ASKED).expect("written");
    let one = one.to_str().expect("UTF-8");
    let ask = |account| world.json(&["spam", "explain", one, "--account", account]);
    assert!(weight(&ask("alice@example.com"), "LEARNED_BY_ACCOUNT").expect("hers") > 0.0);
    assert_eq!(weight(&ask("bob@example.com"), "LEARNED_BY_ACCOUNT"), None);
    assert_eq!(weight(&ask("bob@example.com"), "LEARNED"), None);
    let stat = world.json(&["spam", "stat", "--account", "bob@example.com"]);
    assert_eq!(stat["accounts"], serde_json::json!([]));
}

#[test]
fn spam_commands_say_what_is_wrong() {
    let world = World::new();
    for (arguments, code, says) in [
        (
            &["spam", "learn", "spam", "/nowhere/to/be/found"][..],
            1,
            "/nowhere/to/be/found",
        ),
        (&["spam", "learn"][..], 2, "required"),
        (
            &["spam", "stat", "--account", "nobody@example.com"][..],
            1,
            "there is no account",
        ),
    ] {
        let done = world.run(arguments);
        assert_eq!(done.code, code, "{arguments:?}: {done:?}");
        assert!(done.err.contains(says), "{arguments:?}: {done:?}");
    }
}

/// The lines by which the classifier is measured.
#[test]
fn classify_answers_line_by_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).expect("written");
        path.display().to_string()
    };
    let mut lines = String::new();
    for n in 0..10 {
        let ham = write(
            &format!("h{n}"),
            &format!("Subject: meeting {n}\n\nthe meeting is at {n}\n"),
        );
        let spam = write(
            &format!("s{n}"),
            &format!("Subject: pills {n}\n\nbuy pills for {n}\n"),
        );
        let _ = write!(lines, "learn ham {ham}\nlearn spam {spam}\n");
    }
    let asked = write("asked", "Subject: pills\n\nbuy pills\n");
    let _ = write!(
        lines,
        "score {asked}\nscore /nowhere\nstat\nnonsense\nquit\nscore {asked}\n"
    );
    let model = folder.path().join("model");
    let mut child = Command::new(env!("CARGO_BIN_EXE_pennyblack"))
        .args(["spam", "classify", "--batch", "--model"])
        .arg(&model)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it runs");
    child
        .stdin
        .take()
        .expect("its input")
        .write_all(lines.as_bytes())
        .expect("written");
    let done = child.wait_with_output().expect("it ends");
    let out = String::from_utf8(done.stdout).expect("UTF-8");
    let answers: Vec<&str> = out.lines().collect();
    assert_eq!(answers.len(), 24, "{out}");
    assert!(answers[..20].iter().all(|answer| *answer == "ok"));
    let (score, verdict) = answers[20].split_once(' ').expect("two words");
    assert!(score.parse::<f64>().expect("a number") > 0.0);
    assert!(["spam", "unsure"].contains(&verdict), "{verdict}");
    assert!(answers[21].starts_with("error /nowhere"));
    let stat: serde_json::Value = serde_json::from_str(answers[22]).expect("JSON");
    for name in ["cpu_s", "model_bytes", "rss_bytes"] {
        assert!(stat[name].as_f64().expect("a number") > 0.0, "{name}");
    }
    assert!(answers[23].starts_with("error"));
    assert!(fs::metadata(model.join("model")).expect("a model").len() > 1000);
}

/// The reply to a message.
fn mail(world: &World, message: &str) -> String {
    Line::to(world, "smtp").mail("b@pills.test", "alice@example.com", message)
}

/// V3, V4: what became of a message, and why; what was refused, by the code in the reply; and what other settings would have done.
#[test]
fn v03_v04_verdicts_are_explained_and_replayed() {
    let world = World::with(
        "gate.greylist = \"off\"\nauthentication.timeout = \"1s\"\nspam.weights = [\"SUBJECT_ADVERTISEMENT 6.5\"]\n",
    );
    world.add_account("alice@example.com");
    let serving = world.serve();
    let advertisement = ASKED
        .replace("Subject: ", "Subject: ADV: ")
        .replace("99@", "100@");
    assert!(mail(&world, &advertisement).starts_with("250 "));
    assert!(mail(&world, ASKED).starts_with("250 "));
    let told = world.run(&["explain", "message", "<100@pills.test>"]);
    for part in [
        "judged: 6.",
        "mark",
        "+6.50  SUBJECT_ADVERTISEMENT",
        "otherwise: ",
        "without SUBJECT_ADVERTISEMENT (+6.50): delivered",
    ] {
        assert!(told.out.contains(part), "{part}: {told:?}");
    }
    let told = world.json(&["explain", "message", "<99@pills.test>"]);
    assert_eq!(told[0]["verdict"]["action"], "accept");

    // What if: nothing, a threshold, a weight; and nothing has changed after that.
    let none = world.json(&["spam", "what-if"]);
    assert_eq!(
        (&none["messages"], none["changes"].as_array().map(Vec::len)),
        (&2.into(), Some(0))
    );
    let lower = world.json(&["spam", "what-if", "--refuse", "6"]);
    assert_eq!(
        lower["changes"],
        serde_json::json!([{"from": "mark", "to": "refuse", "messages": 1}])
    );
    assert_eq!(lower["moved"][0]["subject"], "ADV: pills 99");
    let lighter = world.run(&["spam", "what-if", "--weight", "SUBJECT_ADVERTISEMENT 1"]);
    assert!(
        lighter
            .out
            .starts_with("2 messages were judged in 30 days; 1 would have fared otherwise."),
        "{lighter:?}"
    );
    assert!(lighter.out.contains("mark  accept"), "{lighter:?}");
    assert_eq!(world.run(&["spam", "what-if", "--weight", "X"]).code, 2);
    let bob = world.run(&["spam", "what-if", "--account", "bob@example.com"]);
    assert!(bob.err.contains("there is no account"), "{bob:?}");

    // A threshold of her own.
    let wishes = world.json(&[
        "spam",
        "account",
        "alice@example.com",
        "--refuse",
        "6",
        "--deny",
        "Bad.example",
    ]);
    assert_eq!(
        (&wishes["refuse"], &wishes["deny"][0]),
        (&6.0.into(), &"bad.example".into())
    );
    let reply = mail(&world, &advertisement);
    assert!(
        reply.starts_with("550 5.7.1 ") && reply.contains("(SPAM-SCORE "),
        "{reply}"
    );
    serving.until_logged("message refused");
    let refused = world.run(&["explain", "refusal", reply.trim_end()]);
    for part in [
        "subject: ADV: pills 99",
        "to: alice@example.com",
        "+6.50  SUBJECT_ADVERTISEMENT",
        "refuse 6.00",
    ] {
        assert!(refused.out.contains(part), "{part}: {refused:?}");
    }
    let higher = world.json(&["spam", "what-if", "--refuse", "15"]);
    assert_eq!(
        higher["changes"],
        serde_json::json!([{"from": "refuse", "to": "mark", "messages": 1}])
    );
    let usual = world.run(&[
        "spam",
        "account",
        "alice@example.com",
        "--refuse",
        "default",
        "--forget",
        "bad.example",
    ]);
    assert!(
        usual.out.contains("as in the settings") && usual.out.contains("nobody"),
        "{usual:?}"
    );
    assert!(mail(&world, &advertisement).starts_with("250 "));
    assert_eq!(
        world
            .run(&["spam", "account", "alice@example.com", "--refuse", "much"])
            .code,
        2
    );
    drop(serving);
}
