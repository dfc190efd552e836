//! Asking people: passwords and consent.

use crate::cli::{PasswordFrom, Sure};
use crate::outcome::Failure;
use server::control::{Mode, Password};
use std::io::{self, BufRead, IsTerminal, Write};

/// A password, and whether it was made here and must be shown.
pub(crate) struct Given {
    pub(crate) password: Password,
    pub(crate) generated: bool,
}

impl Given {
    /// The text, if nobody knows it yet who has to be told.
    pub(crate) fn shown(&self) -> Option<String> {
        self.generated.then(|| self.password.text().to_owned())
    }
}

/// Gets a new password from where the options say; from a person twice.
pub(crate) fn new_password(from: PasswordFrom) -> Result<Given, Failure> {
    if from.generate {
        return Ok(Given {
            password: Password::generate()?,
            generated: true,
        });
    }
    let text = match from.password_stdin {
        true => first_line()?,
        false => asked_twice()?,
    };
    Ok(Given {
        password: Password::new(text)?,
        generated: false,
    })
}

fn first_line() -> Result<String, Failure> {
    let mut line = String::new();
    io::stdin()
        .lock()
        .read_line(&mut line)
        .map_err(|why| Failure::failed(format!("cannot read the password: {why}")))?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

fn asked_twice() -> Result<String, Failure> {
    if !io::stdin().is_terminal() {
        return Err(Failure::usage(
            "there is no terminal to ask for the password: use --password-stdin or --generate",
        ));
    }
    let ask = |prompt| {
        rpassword::prompt_password(prompt)
            .map_err(|why| Failure::failed(format!("cannot read the password: {why}")))
    };
    let first = ask("New password: ")?;
    match ask("Again: ")? == first {
        true => Ok(first),
        false => Err(Failure::failed(
            "the two passwords differ; nothing was changed",
        )),
    }
}

/// Whether to go on with something that destroys: says so, `--dry-run` or a person.
pub(crate) fn consent(sure: Sure, what: &str) -> Result<Mode, Failure> {
    if sure.dry_run {
        return Ok(Mode::Pretend);
    }
    if sure.yes || asked(what)? {
        return Ok(Mode::Do);
    }
    Err(Failure::failed("nothing was changed"))
}

/// Asks a person; without a terminal that is an error of usage.
fn asked(what: &str) -> Result<bool, Failure> {
    if !io::stdin().is_terminal() {
        return Err(Failure::usage(format!(
            "{what}: say --yes, or --dry-run to see what would be done"
        )));
    }
    Ok(yes(what))
}

/// Asks a person if there is one; otherwise the answer is no.
pub(crate) fn offer(what: &str) -> bool {
    io::stdin().is_terminal() && yes(what)
}

fn yes(what: &str) -> bool {
    eprint!("{what}? [y/N] ");
    let _ = io::stderr().flush();
    let mut answer = String::new();
    let read = io::stdin().lock().read_line(&mut answer);
    read.is_ok() && matches!(answer.trim().to_lowercase().as_str(), "y" | "yes")
}
