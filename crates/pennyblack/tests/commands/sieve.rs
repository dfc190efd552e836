//! `pennyblack sieve check`, `sieve test`, `sieve extensions`: as somebody uses them who writes a script; and the scripts of accounts.

use super::world::{Done, World};
use std::fs;

const MESSAGE: &str = "From: Bob <bob@example.net>\nTo: alice@example.com\nSubject: Hello\nList-Id: <dev.lists.example>\nX-Spam-Score: 14.0 / 15.00\n\nHi\n";

/// A script and a message in files, and what `sieve test` says of them.
struct Trial {
    world: World,
}

impl Trial {
    fn new(script: &str) -> Trial {
        let trial = Trial {
            world: World::new(),
        };
        trial.write("script.sieve", script);
        trial.write("message.eml", MESSAGE);
        trial
    }

    fn write(&self, name: &str, content: &str) {
        fs::write(self.path(name), content).expect("written");
    }

    fn path(&self, name: &str) -> String {
        let path = self.world.folder.path().join(name);
        path.to_str().expect("UTF-8").to_owned()
    }

    fn test(&self, options: &[&str]) -> Done {
        let (script, message) = (self.path("script.sieve"), self.path("message.eml"));
        let command = ["sieve", "test", &script, &message];
        self.world.run(&[&command, options].concat())
    }

    fn check(&self, options: &[&str]) -> Done {
        let script = self.path("script.sieve");
        self.world
            .run(&[&["sieve", "check", &script], options].concat())
    }
}

/// The actions of a script, which must not fail.
#[track_caller]
fn actions(script: &str, options: &[&str]) -> String {
    let done = Trial::new(script).test(options);
    assert_eq!((done.code, done.err.as_str()), (0, ""), "{done:?}");
    done.out
}

/// H1, H35
#[test]
fn h35_test_prints_an_action_a_line() {
    let by_list = "require \"fileinto\"; if header :contains \"list-id\" \"<dev.lists.example>\" { fileinto \"Lists\"; }";
    assert_eq!(actions(by_list, &[]), "fileinto \"Lists\"\n");
    let flags = "require \"imap4flags\"; setflag \"\\\\Seen\"; keep;";
    assert_eq!(actions(flags, &[]), "keep flags (\\Seen)\n");
    assert_eq!(actions("", &[]), "keep\n");
    assert_eq!(actions("discard;", &[]), "discard\n");
    assert_eq!(
        actions("redirect \"carol@example.org\";", &[]),
        "redirect \"carol@example.org\"\n"
    );
    let reject = "require [\"reject\", \"copy\", \"fileinto\"]; reject text:\nno\nway\n.\n;";
    assert_eq!(actions(reject, &[]), "reject \"no\\nway\\n\"\n");
    let several = "require [\"fileinto\", \"copy\", \"mailbox\"]; fileinto :copy :create \"A\"; redirect :copy \"x@example.org\";";
    assert_eq!(
        actions(several, &[]),
        "fileinto \"A\" create copy\nredirect \"x@example.org\" copy\nkeep\n"
    );
    let answers = "require [\"vacation\", \"enotify\"]; vacation :days 1 \"away\"; notify \"mailto:me@example.org\";";
    let trial = Trial::new(answers);
    trial.write("message.eml", &MESSAGE.replace("List-Id", "X-List"));
    assert_eq!(
        trial.test(&[]).out,
        "vacation to \"bob@example.net\" subject \"Auto: Hello\" seconds 86400 text \"away\"\nnotify \"mailto:me@example.org\"\nkeep\n"
    );
}

/// H7, H35: malformed addresses are what they are.
#[test]
fn h7_test_takes_any_envelope() {
    let script = "require [\"envelope\", \"variables\", \"fileinto\"]; if envelope :matches \"from\" \"*\" { set \"f\" \"${1}\"; }
        if envelope :matches \"to\" \"*\" { fileinto \"${f}|${1}\"; }";
    let filed = |options: &[&str]| actions(script, options);
    assert_eq!(
        filed(&[]),
        "fileinto \"bob@example.net|alice@example.com\"\n"
    );
    assert_eq!(
        filed(&["--from", "no address", "--to", "@@"]),
        "fileinto \"no address|@@\"\n"
    );
    assert_eq!(
        filed(&["--from", "<>", "--to", "<a@b.example>"]),
        "fileinto \"|a@b.example\"\n"
    );
    assert_eq!(
        filed(&["--from", "-x", "--to", "a@b"]),
        "fileinto \"-x|a@b\"\n"
    );
}

/// H34, H35: all errors at once, on standard output, with line and column and what to do.
#[test]
fn h34_check_names_every_error() {
    let trial = Trial::new("require \"fileinto\";\nkep;\nif true { fileinto 5; }\nreject \"x\";\n");
    let done = trial.check(&[]);
    assert_eq!((done.code, done.err.as_str()), (1, ""), "{done:?}");
    let lines: Vec<&str> = done.out.lines().collect();
    let file = trial.path("script.sieve");
    assert!(lines[0].starts_with(&format!("{file}:2:1: ")), "{lines:?}");
    assert!(lines[0].contains("did you mean `keep`?"), "{lines:?}");
    assert!(lines[1].starts_with(&format!("{file}:3:")), "{lines:?}");
    assert!(lines[2].starts_with(&format!("{file}:4:1: ")), "{lines:?}");
    assert!(lines[2].contains("require \"reject\""), "{lines:?}");
    assert_eq!(lines.len(), 3);
    // A dry run says the same.
    let test = trial.test(&[]);
    assert_eq!((test.code, test.out), (1, done.out));
    let json: serde_json::Value = serde_json::from_str(&trial.check(&["--json"]).out).unwrap();
    assert_eq!(json["ok"], false);
    assert_eq!(json["errors"][0]["line"], 2);
    trial.write("script.sieve", "keep;");
    let good = trial.check(&[]);
    assert_eq!((good.code, good.out), (0, format!("{file}: ok\n")));
}

/// H34: what compiles and is hardly meant so is told, and is no error.
#[test]
fn h34_check_warns() {
    let trial = Trial::new("stop;\nkeep;\n");
    let done = trial.check(&[]);
    let file = trial.path("script.sieve");
    let lines: Vec<&str> = done.out.lines().collect();
    assert_eq!((done.code, lines.len()), (0, 2), "{done:?}");
    let warning = format!("{file}:2:1: warning: no message comes here");
    assert!(lines[0].starts_with(&warning), "{lines:?}");
    assert_eq!(lines[1], format!("{file}: ok"));
    let json: serde_json::Value = serde_json::from_str(&trial.check(&["--json"]).out).unwrap();
    assert_eq!(
        (&json["ok"], &json["warnings"][0]["line"]),
        (&true.into(), &2.into())
    );
}

#[test]
fn a_file_that_is_not_there_is_said_on_standard_error() {
    let trial = Trial::new("");
    let nothing = trial.path("nothing");
    for command in [
        vec!["sieve", "check", nothing.as_str()],
        vec!["sieve", "test", nothing.as_str(), nothing.as_str()],
    ] {
        let done = trial.world.run(&command);
        assert_eq!((done.code, done.out.as_str()), (1, ""), "{done:?}");
        assert!(done.err.contains("nothing: No such file"), "{done:?}");
    }
}

/// H27: a user's script must not start programs; the admin's may, and the usual ones are right as they are.
#[test]
fn h27_programs_are_for_the_admin() {
    let trial = Trial::new(
        "require [\"vnd.dovecot.pipe\", \"copy\", \"imapsieve\", \"environment\", \"variables\"];\n\
         if environment :matches \"imap.user\" \"*\" { set \"user\" \"${1}\"; }\n\
         pipe :copy :try \"learn_spam.sh\" [ \"${user}\" ];\n",
    );
    let personal = trial.check(&[]);
    assert!(
        personal.code == 1 && personal.out.contains("only scripts of the administrator"),
        "{personal:?}"
    );
    assert_eq!(trial.check(&["--admin"]).code, 0);
    let event = [
        "--admin",
        "--event",
        "COPY",
        "--flag",
        "\\Seen",
        "--to",
        "alice@example.com",
    ];
    assert_eq!(
        trial.test(&event).out,
        "pipe \"learn_spam.sh\" [\"alice@example.com\"] copy try\nkeep flags (\\Seen)\n"
    );
}

/// H29, I5: the score comes from the filter; a field that anybody can write does not count.
#[test]
fn h29_spamtest() {
    let script = "require [\"spamtestplus\", \"relational\", \"comparator-i;ascii-numeric\", \"fileinto\"];
        if spamtest :percent :value \"ge\" :comparator \"i;ascii-numeric\" \"50\" { fileinto \"Junk\"; }";
    assert_eq!(
        actions(script, &["--spam", "7.50/15.00"]),
        "fileinto \"Junk\"\n"
    );
    assert_eq!(actions(script, &["--spam", "7.4/15"]), "keep\n");
    assert_eq!(actions(script, &[]), "keep\n");
    assert_eq!(Trial::new(script).test(&["--spam", "much"]).code, 2);
}

/// H35
#[test]
fn h35_trace_and_json() {
    let script = "require \"fileinto\";\nif header \"subject\" \"hello\" { fileinto \"A\"; }";
    let traced = actions(script, &["--trace"]);
    let (comments, actions): (Vec<&str>, Vec<&str>) =
        traced.lines().partition(|line| line.starts_with("# "));
    assert_eq!(actions, ["fileinto \"A\""]);
    assert!(
        comments
            .iter()
            .any(|line| line.starts_with("# script 2:4 header")),
        "{comments:?}"
    );
    let trial = Trial::new(script);
    let json: serde_json::Value = serde_json::from_str(&trial.test(&["--json"]).out).unwrap();
    assert_eq!(json["actions"][0]["action"], "fileinto");
    assert_eq!(json["actions"][0]["mailbox"], "A");
    assert_eq!(json["actions"][0]["line"], 2);
    assert_eq!(json["error"], serde_json::Value::Null);
}

/// H32: a script that fails keeps the mail, and says why.
#[test]
fn h32_a_failing_script_keeps_the_mail() {
    let trial = Trial::new("redirect \"a@b.example\";\nrequire \"variables\";");
    assert_eq!(trial.test(&[]).code, 1);
    trial.write(
        "script.sieve",
        "require \"variables\";\nset \"a\" \"nobody\";\nredirect \"${a}\";",
    );
    let done = trial.test(&[]);
    assert_eq!(done.code, 1);
    assert!(
        done.out
            .starts_with("keep\nerror script, line 3, column 1: "),
        "{done:?}"
    );
}

/// H16
#[test]
fn h16_included_scripts_stand_beside_it() {
    let trial = Trial::new("require \"include\"; include \"other\";");
    trial.write("other.sieve", "discard;");
    assert_eq!(trial.test(&[]).out, "discard\n");
}

/// H38
#[test]
fn h38_extensions() {
    let done = World::new().run(&["sieve", "extensions"]);
    let words: Vec<&str> = done.out.split_whitespace().collect();
    for word in "fileinto reject envelope encoded-character vacation subaddress comparator-i;ascii-numeric relational regex imap4flags \
        copy include variables body enotify environment mailbox date index ihave duplicate mime foreverypart extracttext imapsieve \
        vnd.dovecot.imapsieve"
        .split_whitespace()
    {
        assert!(words.contains(&word), "{word}");
    }
    assert!(!words.contains(&"vnd.dovecot.pipe"));
}

/// H34, H36: scripts of accounts by command, without a server and with one, which meets an edit at the next message.
#[test]
fn h34_scripts_of_accounts_are_changed_by_command() {
    let trial = Trial::new("require \"fileinto\"; fileinto \"Lists\";");
    let world = &trial.world;
    world.add_account("alice@example.com");
    let script = trial.path("script.sieve");
    let put = ["sieve", "put", "alice@example.com", "rules", &script];
    assert_eq!(world.run(&put).code, 0);
    let _server = world.serve();
    let listed = |arguments: &[&str]| world.json(&[&["sieve"], arguments].concat());
    let alice = "alice@example.com";
    assert_eq!(
        listed(&["list", alice]),
        serde_json::json!([{"name": "rules", "active": false}])
    );
    assert_eq!(
        listed(&["activate", alice, "rules"]),
        serde_json::json!([{"name": "rules", "active": true}])
    );
    let text = world.run(&["sieve", "get", alice, "rules"]).out;
    assert_eq!(text, "require \"fileinto\"; fileinto \"Lists\";");

    let renamed = listed(&["rename", alice, "rules", "lists"]);
    assert_eq!(
        renamed,
        serde_json::json!([{"name": "lists", "active": true}])
    );
    assert_eq!(world.run(&["sieve", "rename", alice, "rules", "x"]).code, 1);
    listed(&["rename", alice, "lists", "rules"]);

    // An active script is not deleted; a broken one is not stored, and every error is named.
    let done = world.run(&["sieve", "delete", alice, "rules"]);
    assert!(done.code != 0 && done.err.contains("active"), "{done:?}");
    trial.write("script.sieve", "fileinto \"A\";\nnonsense;\n");
    let done = world.run(&put);
    assert!(done.code != 0 && done.err.contains("fileinto"), "{done:?}");
    assert!(done.err.contains("nonsense"), "{done:?}");
    assert_eq!(world.run(&["sieve", "get", alice, "rules"]).out, text);

    // H31: as large as a script may be, and larger; and one that is worth another look.
    trial.write("script.sieve", &format!("keep;{}", "\n".repeat(1_000_000)));
    assert_eq!(
        world.run(&["sieve", "put", alice, "large", &script]).code,
        0
    );
    assert_eq!(world.run(&["sieve", "delete", alice, "large"]).code, 0);
    trial.write("script.sieve", &format!("keep;{}", "\n".repeat(1_100_000)));
    let done = world.run(&put);
    assert!(done.code != 0 && done.err.contains("too large"), "{done:?}");
    trial.write("script.sieve", "");
    let done = world.run(&put);
    assert!(done.code != 0 && done.err.contains("empty"), "{done:?}");
    trial.write("script.sieve", "stop; keep;");
    let done = world.run(&["sieve", "put", alice, "large", &script]);
    assert!(
        done.code == 0 && done.err.contains("line 1, column 7"),
        "{done:?}"
    );
    assert_eq!(world.run(&["sieve", "delete", alice, "large"]).code, 0);

    trial.write("script.sieve", "discard;");
    let other = ["put", alice, "other", &script, "--activate"];
    let both = listed(&other);
    assert_eq!(both[0]["active"], both[0]["name"] == "other");
    assert_eq!(both[1]["active"], both[1]["name"] == "other");
    assert_eq!(world.run(&["sieve", "activate", alice, "--none"]).code, 0);
    assert_eq!(world.run(&["sieve", "delete", alice, "rules"]).code, 0);
    assert_eq!(world.run(&["sieve", "delete", alice, "rules"]).code, 1);
    for wrong in [
        ["get", alice, "rules"],
        ["get", "nobody@example.com", "other"],
        ["activate", alice, "rules"],
    ] {
        assert_eq!(world.run(&[&["sieve"], &wrong[..]].concat()).code, 1);
    }
}
