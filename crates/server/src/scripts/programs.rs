//! What `pipe`, `execute` and `filter` of the admin's scripts start (H27): names that teach the filter are understood here; others are
//! programs in the folder that the settings name, started with an argument vector and never with a shell.

use super::host::is_file_name;
use super::letters;
use super::run::Case;
use crate::config::Config;
use sieve::{Executed, Program, ProgramInput};
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use store::learn::Class;
use tokio::runtime::Handle;

/// How long a program may run.
const PATIENCE: Duration = Duration::from_secs(10);
/// Octets of its output that are read.
const LARGEST_OUTPUT: u64 = 16 << 20;
/// How often a running program is looked at.
const GLANCE: Duration = Duration::from_millis(5);

/// Does a program of this name teach the filter? The usual set-ups have names like `learn-spam.sh`, `sa-learn-ham.sh` and
/// `rspamd-learn-spam.sh`, and some say it with an argument.
pub(crate) fn teaches(name: &str, arguments: &[String]) -> Option<Class> {
    let name = name.to_ascii_lowercase();
    let learns = ["learn", "train", "report", "imapsieve"];
    if !learns.iter().any(|word| name.contains(word)) {
        return None;
    }
    let says = |text: &str, word: &str| {
        text.split(|c: char| !c.is_ascii_alphanumeric())
            .any(|part| part == word)
    };
    let words = std::iter::once(name.as_str()).chain(arguments.iter().map(String::as_str));
    for text in words {
        if says(text, "ham") || says(text, "notspam") || says(text, "nonspam") {
            return Some(Class::Ham);
        }
        if says(text, "spam") || says(text, "junk") {
            return Some(Class::Spam);
        }
    }
    None
}

/// The file of a program that the admin allows.
fn file(config: &Config, name: &str) -> Option<PathBuf> {
    let folder = config.sieve.programs.as_ref()?;
    let file = folder.join(name);
    (is_file_name(name) && file.is_file()).then_some(file)
}

/// Runs a program for `execute` or `filter`. Blocks.
pub(super) fn execute(case: &Case, handle: &Handle, program: &Program) -> Executed {
    let Some(file) = file(&case.config, &program.name) else {
        return Executed::NotFound;
    };
    let input = match &program.input {
        ProgramInput::Nothing => Ok(Vec::new()),
        ProgramInput::Text(text) => Ok(text.clone().into_bytes()),
        ProgramInput::Message(version) => handle.block_on(letters::version(
            &case.services,
            &case.message,
            version.as_deref(),
        )),
    };
    match input
        .map_err(std::io::Error::other)
        .and_then(|input| run(&file, &program.arguments, &case.recipient.address, input))
    {
        Ok(Some(output)) => Executed::Success(output),
        Ok(None) => Executed::Failure,
        Err(error) => {
            tracing::warn!(program = program.name, %error, "a program of a Sieve script failed");
            Executed::Failure
        }
    }
}

/// Gives the message to a program (`pipe`). Blocks. `None`: there is no such program.
pub(super) fn pipe(
    case: &Case,
    handle: &Handle,
    name: &str,
    arguments: &[String],
    version: Option<&sieve::Version>,
) -> Option<Result<(), String>> {
    let file = file(&case.config, name)?;
    let message = handle.block_on(letters::version(&case.services, &case.message, version));
    let ran = message
        .map_err(|error| error.to_string())
        .and_then(|message| {
            run(&file, arguments, &case.recipient.address, message).map_err(|e| e.to_string())
        });
    Some(match ran {
        Ok(Some(_)) => Ok(()),
        Ok(None) => Err("it ended with a failure, or took too long".into()),
        Err(error) => Err(error),
    })
}

/// What it printed; `None` if it failed or took too long.
fn run(
    file: &std::path::Path,
    arguments: &[String],
    user: &str,
    input: Vec<u8>,
) -> std::io::Result<Option<Vec<u8>>> {
    let mut child = Command::new(file)
        .args(arguments)
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .env("USER", user)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
    std::thread::scope(|scope| {
        scope.spawn(move || {
            // A program may end without reading everything.
            let _ = stdin.map(|mut stdin| stdin.write_all(&input));
        });
        let reader = scope.spawn(move || read(stdout));
        let ended = wait(&mut child)?;
        let output = reader.join().unwrap_or_default();
        Ok((ended == Some(true)).then_some(output))
    })
}

fn read(stdout: Option<std::process::ChildStdout>) -> Vec<u8> {
    use std::io::Read as _;
    let mut output = Vec::new();
    if let Some(stdout) = stdout {
        let _ = stdout.take(LARGEST_OUTPUT).read_to_end(&mut output);
    }
    output
}

/// Whether it succeeded; `None`: it took too long, and was ended.
fn wait(child: &mut Child) -> std::io::Result<Option<bool>> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status.success()));
        }
        if Instant::now() >= deadline {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        std::thread::sleep(GLANCE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// H27
    #[test]
    fn h27_the_usual_names_teach_the_filter() {
        for (name, arguments, class) in [
            ("learn-spam.sh", vec![], Some(Class::Spam)),
            ("learn-ham.sh", vec![], Some(Class::Ham)),
            ("learn_spam", vec![], Some(Class::Spam)),
            ("sa-learn-ham.sh", vec!["alice"], Some(Class::Ham)),
            ("rspamd-learn-spam.sh", vec![], Some(Class::Spam)),
            ("sa-learn", vec!["--ham"], Some(Class::Ham)),
            ("sa-learn", vec!["--spam"], Some(Class::Spam)),
            ("learn-notspam.sh", vec![], Some(Class::Ham)),
            ("spam-archive.sh", vec![], None),
            ("learn-french.sh", vec![], None),
            ("wks-server", vec![], None),
        ] {
            let arguments: Vec<String> = arguments.into_iter().map(str::to_owned).collect();
            assert_eq!(teaches(name, &arguments), class, "{name}");
        }
    }

    #[test]
    fn programs_get_the_message_and_are_heard() {
        let cat = std::path::Path::new("/bin/cat");
        let input = vec![b'x'; 300_000];
        let output = run(cat, &[], "alice@example.com", input.clone()).unwrap();
        assert!(output == Some(input));
        let no = std::path::Path::new("/bin/false");
        assert_eq!(run(no, &[], "alice@example.com", Vec::new()).unwrap(), None);
    }
}
