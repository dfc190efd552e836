//! Pigeonhole's own tests of the base language (H5), run on this interpreter. They are not part of this project: `scripts/install-test-tools`
//! fetches them, and where they are not there this is skipped. What fails is explained in [`EXPLAINED`], and must fail.
//!
//! A `.svtest` file is a script with the extension `vnd.dovecot.testsuite`: `test "name" { … }` with `test_fail` in it, `test_set` to set the
//! message, and scripts of their own that are compiled and run. Each of these words becomes a program that [`Bench`] plays; what stands between
//! them runs as a script. Letters that a host writes (`vacation`, `notify`, `reject`) are not written here.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test may fail by panicking

mod support;

use jiff::{Timestamp, tz::TimeZone};
use sieve::syntax::{self, Argument, Command, Test, Tests, Tree, Value};
use sieve::{
    Action, Compiler, DuplicateKey, Envelope, Executed, Host, HostError, Included, Limits,
    Location, Mail, Outcome, Performed, Place, Program, RedirectTo, Run, Scope, Script,
};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::{Path, PathBuf};
use support::crlf;

/// What is played: files whose path begins so. They are about the language; the rest is about letters, settings and errors in Pigeonhole's words.
const PLAYED: &[&str] = &[
    "control-",
    "lexer",
    "test-",
    "testsuite",
    "comparators/",
    "match-types/",
    "extensions/body/basic",
    "extensions/body/content",
    "extensions/body/raw",
    "extensions/encoded-character",
    "extensions/ihave/",
    "extensions/imap4flags/basic",
    "extensions/imap4flags/flagstring",
    "extensions/imap4flags/hasflag",
    "extensions/index/basic",
    "extensions/mime/address",
    "extensions/mime/calendar-example",
    "extensions/mime/content-header",
    "extensions/mime/exists",
    "extensions/mime/extracttext",
    "extensions/mime/header",
    "extensions/relational/basic",
    "extensions/relational/comparators",
    "extensions/relational/rfc",
    "extensions/subaddress/basic",
    "extensions/subaddress/rfc",
    "extensions/variables/basic",
    "extensions/variables/match",
    "extensions/variables/modifiers",
    "extensions/variables/quoting",
    "extensions/variables/regex",
    "extensions/variables/string",
];

/// The reasons that several tests have.
const CASEMAP: &str = "without :comparator, string takes i;ascii-casemap (RFC 5228 §2.7.3)";
const FIELD_NAME: &str =
    "a name that no header field can have is an error when the script is compiled";
const LINE_ENDS: &str = "where the lines of a script end with LF alone, so do those of its texts";

/// File, name of the test, and why it fails here.
const EXPLAINED: &[(&str, &str, &str)] = &[
    ("extensions/body/basic.svtest", "The empty line", LINE_ENDS),
    (
        "extensions/body/content.svtest",
        "Content-Type: message/rfc822",
        LINE_ENDS,
    ),
    (
        "extensions/mime/header.svtest",
        "Invalid header name",
        FIELD_NAME,
    ),
    (
        "extensions/mime/header.svtest",
        "Invalid header name - foreverypart",
        FIELD_NAME,
    ),
    (
        "extensions/variables/basic.svtest",
        "Basic assignment",
        CASEMAP,
    ),
    (
        "extensions/variables/modifiers.svtest",
        "Modifiers :lower :upperfirst",
        CASEMAP,
    ),
    (
        "extensions/variables/modifiers.svtest",
        "Modifiers :lowerfirst :upper",
        CASEMAP,
    ),
    (
        "extensions/variables/modifiers.svtest",
        "Modifiers :upper :lowerfirst",
        CASEMAP,
    ),
    (
        "extensions/variables/modifiers.svtest",
        "Modifiers :upperfirst :lower",
        CASEMAP,
    ),
    (
        "test-address.svtest",
        "Invalid addresses",
        "an address without a domain keeps its local part, and one may hold UTF-8 (RFC 6532)",
    ),
    ("test-header.svtest", "Invalid header name", FIELD_NAME),
    (
        "extensions/encoded-character.svtest",
        "HEX equality one",
        CASEMAP,
    ),
    (
        "extensions/encoded-character.svtest",
        "HEX equality one middle",
        CASEMAP,
    ),
];

/// Where the tests are put.
fn suite() -> Option<PathBuf> {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent()?;
    let folder = target.join("test-tools/pigeonhole/tests");
    folder.is_dir().then_some(folder)
}

/// H5
#[test]
fn h05_pigeonholes_base_testsuite_passes() {
    let Some(suite) = suite() else {
        eprintln!("SKIPPED Pigeonhole's testsuite: scripts/install-test-tools could not fetch it");
        return;
    };
    let mut passed = 0;
    let mut failed = BTreeMap::new();
    for file in files(&suite) {
        let name = file.strip_prefix(&suite).unwrap().display().to_string();
        if !PLAYED.iter().any(|start| name.starts_with(start)) {
            continue;
        }
        let mut bench = Bench::new(&file);
        bench.play(&file);
        passed += bench.passed;
        for (test, why) in bench.failures {
            failed.insert((name.clone(), test), why);
        }
    }
    println!("{passed} tests pass, {} fail", failed.len());
    let explained: BTreeSet<(String, String)> = EXPLAINED
        .iter()
        .map(|(file, test, _)| ((*file).to_owned(), (*test).to_owned()))
        .collect();
    let surprises: Vec<_> = failed
        .iter()
        .filter(|(test, _)| !explained.contains(*test))
        .collect();
    assert!(surprises.is_empty(), "{surprises:#?}");
    let stale: Vec<_> = explained
        .iter()
        .filter(|test| !failed.contains_key(*test))
        .collect();
    assert!(stale.is_empty(), "these pass: {stale:#?}");
    assert!(passed > 120, "{passed}");
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.extension() {
                _ if path.is_dir() => folders.push(path),
                Some(kind) if kind == "svtest" => found.push(path),
                _ => {}
            }
        }
    }
    found.sort();
    found
}

/// What a test file has before it, and what became of it.
#[derive(Default)]
struct Bench {
    folder: PathBuf,
    /// What the file requires, without the testsuite itself.
    required: Vec<String>,
    /// Names of variables that are set anywhere in the file.
    names: BTreeSet<String>,
    variables: BTreeMap<String, String>,
    message: Vec<u8>,
    envelope: Envelope,
    mailboxes: BTreeMap<String, Vec<Vec<u8>>>,
    sent: Vec<Vec<u8>>,
    metadata: BTreeMap<(String, String), String>,
    seen: HashSet<DuplicateKey>,
    script: Option<Script>,
    result: Vec<Performed>,
    errors: Vec<String>,
    /// What `test_fail` said.
    failed: Option<String>,
    /// The script of a piece came to its end.
    ended: bool,
    passed: usize,
    failures: Vec<(String, String)>,
}

impl Bench {
    fn new(file: &Path) -> Bench {
        Bench {
            folder: file.parent().unwrap().to_owned(),
            envelope: Envelope::new("sender@example.com", "recipient@example.com"),
            message: crlf("From: sender@example.com\nTo: recipient@example.org\nSubject: x\n\nx\n"),
            mailboxes: [("INBOX".to_owned(), Vec::new())].into(),
            ..Bench::default()
        }
    }

    fn play(&mut self, file: &Path) {
        let source = String::from_utf8(std::fs::read(file).unwrap()).unwrap();
        match syntax::parse(&source, &Limits::default()) {
            Ok(tree) => {
                names(&tree.commands, &mut self.names);
                if let Err(why) = self.block(&tree.commands) {
                    self.failures.push((String::new(), why));
                }
            }
            Err(errors) => self.failures.push((String::new(), errors.to_string())),
        }
    }

    /// Commands one after the other. What speaks to the testsuite runs by itself, since messages and results change with it.
    fn block(&mut self, commands: &[Command]) -> Result<(), String> {
        let mut piece = Vec::new();
        for command in commands {
            match command.name.as_str() {
                "require" => self.required.extend(required(command)),
                "test" => {
                    self.run(&mut piece)?;
                    let name = strings(&command.arguments).concat();
                    match self.block(command.block.as_deref().unwrap_or_default()) {
                        Ok(()) => self.passed += 1,
                        Err(why) => self.failures.push((name, why)),
                    }
                }
                _ if speaks(command) => {
                    self.run(&mut piece)?;
                    piece.push(command.clone());
                    self.run(&mut piece)?;
                }
                _ => piece.push(command.clone()),
            }
        }
        self.run(&mut piece)
    }

    /// Runs some commands as a script, and remembers what its variables are.
    fn run(&mut self, piece: &mut Vec<Command>) -> Result<(), String> {
        let commands = rewritten(&std::mem::take(piece));
        if commands.is_empty() {
            return Ok(());
        }
        let source = self.source(commands);
        let script = Compiler::new(Scope::Global)
            .compile(source.as_bytes())
            .map_err(|errors| format!("{errors}"))?;
        (self.failed, self.ended) = (None, false);
        let outcome = self.execute_scripts(&[script]);
        if let Some(why) = self.failed.take() {
            return Err(why);
        }
        if let Some(error) = &outcome.error {
            return Err(error.to_string());
        }
        let wanted = outcome
            .actions
            .into_iter()
            .filter(|one| one.script.is_some());
        self.result.extend(wanted);
        Ok(())
    }

    fn source(&self, commands: Vec<Command>) -> String {
        let mut required = self.required.clone();
        required.push("vnd.dovecot.execute".into());
        let mut all = vec![command("require", vec![Value::List(required.clone())])];
        let mut end = vec!["-".to_owned()];
        if required.iter().any(|word| word == "variables") {
            for name in &self.names {
                if self.variables.contains_key(name) {
                    let output = [Value::Tag("output".into()), Value::String(name.clone())];
                    let call = [Value::String("var".into()), Value::List(vec![name.clone()])];
                    all.push(command("execute", output.into_iter().chain(call).collect()));
                }
                end.extend([name.clone(), format!("${{{name}}}")]);
            }
        }
        all.extend(commands);
        all.push(command(
            "execute",
            vec![Value::String("end".into()), Value::List(end)],
        ));
        syntax::print(&Tree { commands: all })
    }

    fn execute_scripts(&mut self, scripts: &[Script]) -> Outcome {
        let (message, envelope) = (self.message.clone(), self.envelope.clone());
        let limits = Limits {
            steps: 20_000_000,
            ..Limits::default()
        };
        let run = Run::new(Mail::whole(&message), &envelope).with_limits(limits);
        let run = scripts
            .iter()
            .fold(run, |run, script| run.global("test", script));
        run.execute(self)
    }

    /// A word of the testsuite; false if it does not hold.
    fn say(&mut self, word: &str, arguments: &[String]) -> bool {
        let first = arguments.first().map_or("", String::as_str);
        match word {
            "test_fail" => self.failed = Some(first.to_owned()),
            "test_set" => self.set(first, &arguments[1]),
            "test_mailbox_create" => {
                self.mailboxes.entry(first.to_owned()).or_default();
            }
            "test_imap_metadata_set" => {
                let (mailbox, rest) = match first {
                    ":mailbox" => (arguments[1].clone(), &arguments[2..]),
                    _ => (String::new(), arguments),
                };
                let key = (mailbox, rest[0].clone());
                self.metadata.insert(key, rest[1].clone());
            }
            "test_script_compile" => return self.compile(first),
            "test_script_run" => return self.run_compiled(first == ":append_result"),
            "test_multiscript" => return self.run_many(arguments),
            "test_error" => return self.has_error(arguments),
            "test_result_reset" => self.result.clear(),
            "test_result_execute" => self.carry_out(),
            "test_result_action" => return self.has_action(arguments),
            "test_message" => return self.take_message(arguments),
            _ => {}
        }
        true
    }

    fn set(&mut self, what: &str, value: &str) {
        match what {
            "message" => self.message = crlf(value),
            "envelope.from" => self.envelope.from = value.into(),
            "envelope.to" => self.envelope.to = value.into(),
            "envelope.auth" => self.envelope.auth = Some(value.into()),
            _ => {}
        }
    }

    fn load(&self, file: &str) -> Result<Script, Vec<String>> {
        let source = std::fs::read(self.folder.join(file)).map_err(|e| vec![e.to_string()])?;
        Compiler::new(Scope::Global)
            .compile(&source)
            .map_err(|errors| errors.problems().iter().map(|p| p.what.clone()).collect())
    }

    fn compile(&mut self, file: &str) -> bool {
        self.script = None;
        match self.load(file) {
            Ok(script) => {
                self.script = Some(script);
                self.errors.clear();
                true
            }
            Err(errors) => {
                self.errors = errors;
                false
            }
        }
    }

    fn run_compiled(&mut self, append: bool) -> bool {
        let Some(script) = self.script.clone() else {
            return false;
        };
        self.judge(&[script], append)
    }

    fn run_many(&mut self, files: &[String]) -> bool {
        let scripts: Result<Vec<Script>, _> = files.iter().map(|file| self.load(file)).collect();
        match scripts {
            Ok(scripts) => {
                self.judge(&scripts, false) && {
                    self.carry_out();
                    true
                }
            }
            Err(errors) => {
                self.errors = errors;
                false
            }
        }
    }

    fn judge(&mut self, scripts: &[Script], append: bool) -> bool {
        let outcome = self.execute_scripts(scripts);
        self.errors = outcome
            .error
            .iter()
            .map(|error| error.what.clone())
            .collect();
        if !append {
            self.result.clear();
        }
        self.result.extend(outcome.actions);
        for remembered in outcome.remember {
            self.seen.insert(remembered.key);
        }
        outcome.error.is_none()
    }

    /// The words of errors are each program's own: one with that number is there, or there are so many.
    fn has_error(&self, arguments: &[String]) -> bool {
        match arguments[0].as_str() {
            ":count" => compare(self.errors.len(), &arguments[1], arguments.last().unwrap()),
            ":index" => self.errors.len() >= arguments[1].parse().unwrap(),
            _ => !self.errors.is_empty(),
        }
    }

    fn has_action(&self, arguments: &[String]) -> bool {
        match arguments[0].as_str() {
            ":count" => compare(self.result.len(), &arguments[1], arguments.last().unwrap()),
            _ => {
                let index: usize = arguments[1].parse().unwrap();
                let action = self.result.get(index - 1).map(|one| name_of(&one.action));
                action == arguments.last().map(String::as_str)
            }
        }
    }

    fn carry_out(&mut self) {
        // Nothing was decided: the mail is kept.
        if self.result.is_empty() {
            self.store("INBOX", self.message.clone());
        }
        for one in std::mem::take(&mut self.result) {
            let message = self.version(&one);
            match &one.action {
                Action::Keep(_) => self.store("INBOX", message),
                Action::FileInto(file) => self.store(&file.mailbox, message),
                Action::Redirect(redirect) if matches!(redirect.to, RedirectTo::Address(_)) => {
                    self.sent.push(message);
                }
                _ => {}
            }
        }
    }

    fn store(&mut self, mailbox: &str, message: Vec<u8>) {
        let mailbox = self.mailboxes.entry(mailbox.to_owned());
        mailbox.or_default().push(message);
    }

    fn version(&self, one: &Performed) -> Vec<u8> {
        let Some(version) = &one.version else {
            return self.message.clone();
        };
        let end = self.message.windows(4).position(|four| four == b"\r\n\r\n");
        let body = end.map_or(&[][..], |end| &self.message[end + 4..]);
        let mut made = version.header.clone();
        if !made.ends_with(b"\r\n\r\n") {
            made.extend_from_slice(b"\r\n");
        }
        made.extend_from_slice(version.body.as_deref().unwrap_or(body));
        made
    }

    /// The message in a mailbox, or on its way, becomes the one that tests look at.
    fn take_message(&mut self, arguments: &[String]) -> bool {
        let index = arguments.last().unwrap().parse::<usize>().unwrap();
        let found = match arguments[0].as_str() {
            ":folder" => self.mailboxes.get(&arguments[1]).and_then(|m| m.get(index)),
            _ => self.sent.get(index),
        };
        match found.cloned() {
            Some(message) => {
                self.message = message;
                true
            }
            None => false,
        }
    }
}

impl Host for Bench {
    fn now(&mut self) -> Timestamp {
        Timestamp::now()
    }

    fn time_zone(&mut self) -> TimeZone {
        TimeZone::UTC
    }

    fn environment(&mut self, item: &str) -> Result<Option<String>, HostError> {
        Ok(match item {
            "location" => Some("MS".into()),
            "phase" => Some("post".into()),
            "domain" => Some("example.com".into()),
            "host" => Some("mx.example.com".into()),
            "name" => Some("Pennyblack Sieve".into()),
            "version" => Some("1".into()),
            _ => None,
        })
    }

    fn mailbox_exists(&mut self, mailbox: &str) -> Result<bool, HostError> {
        Ok(self.mailboxes.contains_key(mailbox))
    }

    fn mailbox_metadata(
        &mut self,
        mailbox: &str,
        entry: &str,
    ) -> Result<Option<String>, HostError> {
        let key = (mailbox.to_owned(), entry.to_owned());
        Ok(self.metadata.get(&key).cloned())
    }

    fn server_metadata(&mut self, entry: &str) -> Result<Option<String>, HostError> {
        self.mailbox_metadata("", entry)
    }

    fn seen_before(&mut self, key: &DuplicateKey) -> Result<bool, HostError> {
        Ok(self.seen.contains(key))
    }

    fn include(&mut self, location: Location, name: &str) -> Result<Included, HostError> {
        let folder = match location {
            Location::Personal => "included",
            Location::Global => "included-global",
        };
        let file = self.folder.join(folder).join(format!("{name}.sieve"));
        let Ok(source) = std::fs::read(file) else {
            return Ok(Included::Missing);
        };
        Ok(match Compiler::new(Scope::Global).compile(&source) {
            Ok(script) => Included::Script(script),
            Err(errors) => Included::Broken(errors),
        })
    }

    fn execute(&mut self, program: &Program) -> Result<Executed, HostError> {
        let arguments = &program.arguments;
        Ok(match program.name.as_str() {
            "var" => Executed::Success(self.variables[&arguments[0]].clone().into_bytes()),
            "end" => {
                self.ended = true;
                for pair in arguments[1..].chunks(2) {
                    self.variables.insert(pair[0].clone(), pair[1].clone());
                }
                Executed::Success(Vec::new())
            }
            word => match self.say(word, arguments) {
                true => Executed::Success(Vec::new()),
                false => Executed::Failure,
            },
        })
    }
}

fn compare(number: usize, relation: &str, with: &str) -> bool {
    let with: usize = with.parse().unwrap();
    match relation {
        "eq" => number == with,
        "ne" => number != with,
        "gt" => number > with,
        "ge" => number >= with,
        "lt" => number < with,
        "le" => number <= with,
        other => panic!("{other}"),
    }
}

/// As the testsuite calls it.
fn name_of(action: &Action) -> &'static str {
    match action {
        Action::Keep(_) => "keep",
        Action::FileInto(_) => "store",
        Action::Redirect(_) => "redirect",
        Action::Reject(_) => "reject",
        Action::Discard => "discard",
        Action::Vacation(_) => "vacation",
        Action::Notify(_) => "notify",
        Action::Pipe(_) => "pipe",
        Action::Report(_) => "report",
    }
}

/// Does it, or anything in it, speak to the testsuite? A failure is but the end of the piece.
fn speaks(command: &Command) -> bool {
    let here = is_word(&command.name) && command.name != "test_fail";
    let inside = command.block.iter().flatten().any(speaks);
    here || inside || tests_speak(&command.tests)
}

fn tests_speak(tests: &Tests) -> bool {
    let one = |test: &Test| is_word(&test.name) || tests_speak(&test.tests);
    match tests {
        Tests::None => false,
        Tests::One(test) => one(test),
        Tests::List(list) => list.iter().any(one),
    }
}

fn is_word(name: &str) -> bool {
    name.starts_with("test_")
}

/// With programs in place of the testsuite's words.
fn rewritten(commands: &[Command]) -> Vec<Command> {
    let mut all = Vec::new();
    for one in commands {
        if is_word(&one.name) {
            all.push(command("execute", call(&one.name, &one.arguments)));
            if one.name == "test_fail" {
                all.push(command("stop", Vec::new()));
            }
            continue;
        }
        all.push(Command {
            tests: rewritten_tests(&one.tests),
            block: one.block.as_deref().map(rewritten),
            ..one.clone()
        });
    }
    all
}

fn rewritten_tests(tests: &Tests) -> Tests {
    let one = |test: &Test| match is_word(&test.name) {
        true => Test {
            name: "execute".into(),
            arguments: arguments(call(&test.name, &test.arguments)),
            ..test.clone()
        },
        false => Test {
            tests: rewritten_tests(&test.tests),
            ..test.clone()
        },
    };
    match tests {
        Tests::None => Tests::None,
        Tests::One(test) => Tests::One(Box::new(one(test))),
        Tests::List(list) => Tests::List(list.iter().map(one).collect()),
    }
}

/// `execute "test_set" ["message", "…"]`
fn call(word: &str, arguments: &[Argument]) -> Vec<Value> {
    let mut call = vec![Value::String(word.into())];
    let strings = strings(arguments);
    if !strings.is_empty() {
        call.push(Value::List(strings));
    }
    call
}

fn strings(arguments: &[Argument]) -> Vec<String> {
    let one = |argument: &Argument| match &argument.value {
        Value::Number(number) => vec![number.to_string()],
        Value::Tag(tag) => vec![format!(":{tag}")],
        Value::String(text) => vec![text.clone()],
        Value::List(list) => list.clone(),
    };
    arguments.iter().flat_map(one).collect()
}

fn command(name: &str, values: Vec<Value>) -> Command {
    Command {
        place: Place::default(),
        name: name.into(),
        arguments: arguments(values),
        tests: Tests::None,
        block: None,
    }
}

fn arguments(values: Vec<Value>) -> Vec<Argument> {
    let place = Place::default();
    values
        .into_iter()
        .map(|value| Argument { place, value })
        .collect()
}

fn required(command: &Command) -> impl Iterator<Item = String> {
    let words = strings(&command.arguments).into_iter();
    words.filter(|word| word != "vnd.dovecot.testsuite")
}

/// The variables that are set.
fn names(commands: &[Command], found: &mut BTreeSet<String>) {
    for one in commands {
        if matches!(one.name.as_str(), "set" | "extracttext") {
            let mut given = one.arguments.iter().filter_map(|one| match &one.value {
                Value::String(text) => Some(text.to_ascii_lowercase()),
                _ => None,
            });
            let plain = |name: &String| {
                name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
                    && name.starts_with(|c: char| !c.is_ascii_digit())
            };
            found.extend(given.next().filter(plain));
        }
        names(one.block.as_deref().unwrap_or_default(), found);
    }
}
