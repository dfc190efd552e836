//! Commands (RFC 5804 §2) from their tokens. Whether a command is allowed at this moment is [`crate::server`]'s business.

use crate::framer::Token;
use crate::name::{NameError, ScriptName};

/// One command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// `AUTHENTICATE mechanism [initial-response]` (§2.1)
    Authenticate {
        /// In upper case.
        mechanism: String,
        /// As sent: base64.
        initial: Option<Vec<u8>>,
    },
    /// `STARTTLS` (§2.2)
    StartTls,
    /// `LOGOUT` (§2.3)
    Logout,
    /// `CAPABILITY` (§2.4)
    Capability,
    /// `HAVESPACE name octets` (§2.5)
    HaveSpace(ScriptName, u64),
    /// `PUTSCRIPT name content` (§2.6)
    PutScript(ScriptName, Vec<u8>),
    /// `LISTSCRIPTS` (§2.7)
    ListScripts,
    /// `SETACTIVE name` (§2.8); `None` for the empty name: none is active.
    SetActive(Option<ScriptName>),
    /// `GETSCRIPT name` (§2.9)
    GetScript(ScriptName),
    /// `DELETESCRIPT name` (§2.10)
    DeleteScript(ScriptName),
    /// `RENAMESCRIPT old new` (§2.11)
    RenameScript(ScriptName, ScriptName),
    /// `CHECKSCRIPT content` (§2.12)
    CheckScript(Vec<u8>),
    /// `NOOP [tag]` (§2.13)
    Noop(Option<Vec<u8>>),
    /// `UNAUTHENTICATE` (§2.14)
    Unauthenticate,
}

/// Why tokens are no command. Always the client's fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// There is no such command.
    #[error("there is no such command in ManageSieve (RFC 5804)")]
    Unknown,
    /// The arguments are others; this is the right form.
    #[error("the right form is: {0}")]
    Arguments(&'static str),
    /// A name that no script can have.
    #[error("{0}")]
    Name(#[from] NameError),
}

impl Command {
    /// Understands the tokens of a line.
    pub fn parse(tokens: Vec<Token>) -> Result<Command, CommandError> {
        let mut tokens = tokens.into_iter();
        let Some(Token::Atom(verb)) = tokens.next() else {
            return Err(CommandError::Unknown);
        };
        let arguments: Vec<Token> = tokens.collect();
        by_verb(&verb.to_ascii_uppercase(), arguments)
    }

    /// Its name, as a label for counters.
    pub fn name(&self) -> &'static str {
        match self {
            Command::Authenticate { .. } => "AUTHENTICATE",
            Command::StartTls => "STARTTLS",
            Command::Logout => "LOGOUT",
            Command::Capability => "CAPABILITY",
            Command::HaveSpace(..) => "HAVESPACE",
            Command::PutScript(..) => "PUTSCRIPT",
            Command::ListScripts => "LISTSCRIPTS",
            Command::SetActive(_) => "SETACTIVE",
            Command::GetScript(_) => "GETSCRIPT",
            Command::DeleteScript(_) => "DELETESCRIPT",
            Command::RenameScript(..) => "RENAMESCRIPT",
            Command::CheckScript(_) => "CHECKSCRIPT",
            Command::Noop(_) => "NOOP",
            Command::Unauthenticate => "UNAUTHENTICATE",
        }
    }
}

fn by_verb(verb: &str, arguments: Vec<Token>) -> Result<Command, CommandError> {
    match verb {
        "AUTHENTICATE" => authenticate(arguments),
        "STARTTLS" => alone(&arguments, Command::StartTls, "STARTTLS"),
        "LOGOUT" => alone(&arguments, Command::Logout, "LOGOUT"),
        "CAPABILITY" => alone(&arguments, Command::Capability, "CAPABILITY"),
        "HAVESPACE" => have_space(&arguments),
        "PUTSCRIPT" => put_script(arguments),
        "LISTSCRIPTS" => alone(&arguments, Command::ListScripts, "LISTSCRIPTS"),
        "SETACTIVE" => set_active(&arguments),
        "GETSCRIPT" => named(&arguments, "GETSCRIPT \"name\"").map(Command::GetScript),
        "DELETESCRIPT" => named(&arguments, "DELETESCRIPT \"name\"").map(Command::DeleteScript),
        "RENAMESCRIPT" => rename_script(&arguments),
        "CHECKSCRIPT" => check_script(arguments),
        "NOOP" => noop(arguments),
        "UNAUTHENTICATE" => alone(&arguments, Command::Unauthenticate, "UNAUTHENTICATE"),
        _ => Err(CommandError::Unknown),
    }
}

fn alone(
    arguments: &[Token],
    command: Command,
    usage: &'static str,
) -> Result<Command, CommandError> {
    match arguments {
        [] => Ok(command),
        _ => Err(CommandError::Arguments(usage)),
    }
}

fn named(arguments: &[Token], usage: &'static str) -> Result<ScriptName, CommandError> {
    match arguments {
        [Token::Text(name)] => Ok(ScriptName::from_octets(name)?),
        _ => Err(CommandError::Arguments(usage)),
    }
}

fn authenticate(arguments: Vec<Token>) -> Result<Command, CommandError> {
    const USAGE: CommandError =
        CommandError::Arguments("AUTHENTICATE \"mechanism\" [\"initial response in base64\"]");
    let mut arguments = arguments.into_iter();
    let (mechanism, initial) = match (arguments.next(), arguments.next(), arguments.next()) {
        (Some(Token::Text(mechanism)), None, _) => (mechanism, None),
        (Some(Token::Text(mechanism)), Some(Token::Text(initial)), None) => {
            (mechanism, Some(initial))
        }
        _ => return Err(USAGE),
    };
    let is_mechanism = |c: &u8| c.is_ascii_alphanumeric() || b"-_".contains(c);
    if !(1..=20).contains(&mechanism.len()) || !mechanism.iter().all(is_mechanism) {
        return Err(USAGE);
    }
    Ok(Command::Authenticate {
        mechanism: String::from_utf8_lossy(&mechanism).to_ascii_uppercase(),
        initial,
    })
}

fn have_space(arguments: &[Token]) -> Result<Command, CommandError> {
    match arguments {
        [Token::Text(name), Token::Number(octets)] => {
            Ok(Command::HaveSpace(ScriptName::from_octets(name)?, *octets))
        }
        _ => Err(CommandError::Arguments("HAVESPACE \"name\" octets")),
    }
}

fn put_script(arguments: Vec<Token>) -> Result<Command, CommandError> {
    let mut arguments = arguments.into_iter();
    match (arguments.next(), arguments.next(), arguments.next()) {
        (Some(Token::Text(name)), Some(Token::Text(content)), None) => {
            Ok(Command::PutScript(ScriptName::from_octets(&name)?, content))
        }
        _ => Err(CommandError::Arguments(
            "PUTSCRIPT \"name\" {octets+}, then the script",
        )),
    }
}

fn set_active(arguments: &[Token]) -> Result<Command, CommandError> {
    match arguments {
        [Token::Text(name)] if name.is_empty() => Ok(Command::SetActive(None)),
        _ => {
            let name = named(arguments, "SETACTIVE \"name\", or \"\" for none")?;
            Ok(Command::SetActive(Some(name)))
        }
    }
}

fn rename_script(arguments: &[Token]) -> Result<Command, CommandError> {
    match arguments {
        [Token::Text(old), Token::Text(new)] => Ok(Command::RenameScript(
            ScriptName::from_octets(old)?,
            ScriptName::from_octets(new)?,
        )),
        _ => Err(CommandError::Arguments(
            "RENAMESCRIPT \"old name\" \"new name\"",
        )),
    }
}

fn check_script(arguments: Vec<Token>) -> Result<Command, CommandError> {
    let mut arguments = arguments.into_iter();
    match (arguments.next(), arguments.next()) {
        (Some(Token::Text(content)), None) => Ok(Command::CheckScript(content)),
        _ => Err(CommandError::Arguments(
            "CHECKSCRIPT {octets+}, then the script",
        )),
    }
}

fn noop(arguments: Vec<Token>) -> Result<Command, CommandError> {
    let mut arguments = arguments.into_iter();
    match (arguments.next(), arguments.next()) {
        (None, _) => Ok(Command::Noop(None)),
        (Some(Token::Text(tag)), None) => Ok(Command::Noop(Some(tag))),
        _ => Err(CommandError::Arguments("NOOP [\"text\"]")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::framer::{Framer, Item, Limits};

    fn parsed(line: &str) -> Result<Command, CommandError> {
        let mut framer = Framer::new(Limits::BEFORE_LOGIN);
        framer.feed(line.as_bytes());
        framer.feed(b"\r\n");
        match framer.next_item() {
            Item::Tokens(tokens) => Command::parse(tokens),
            other => panic!("{other:?}"),
        }
    }

    fn name(text: &str) -> ScriptName {
        ScriptName::parse(text).unwrap()
    }

    #[test]
    fn rfc5804_section_2_commands() {
        assert_eq!(
            parsed("Authenticate \"scram-sha-256\" \"YWJj\""),
            Ok(Command::Authenticate {
                mechanism: "SCRAM-SHA-256".into(),
                initial: Some(b"YWJj".to_vec())
            })
        );
        assert_eq!(
            parsed("HAVESPACE \"myscript\" 999999"),
            Ok(Command::HaveSpace(name("myscript"), 999_999))
        );
        assert_eq!(
            parsed("PutScript \"foo\" {4+}\r\nkeep"),
            Ok(Command::PutScript(name("foo"), b"keep".to_vec()))
        );
        assert_eq!(parsed("Setactive \"\""), Ok(Command::SetActive(None)));
        assert_eq!(
            parsed("Setactive \"baz\""),
            Ok(Command::SetActive(Some(name("baz"))))
        );
        assert_eq!(
            parsed("RENAMESCRIPT \"foo\" \"bar\""),
            Ok(Command::RenameScript(name("foo"), name("bar")))
        );
        assert_eq!(
            parsed("NOOP \"STARTTLS-SYNC-42\""),
            Ok(Command::Noop(Some(b"STARTTLS-SYNC-42".to_vec())))
        );
    }

    #[test]
    fn wrong_commands_are_told_the_right_form() {
        for (line, says) in [
            ("SELECT \"INBOX\"", "there is no such command"),
            ("\"LOGOUT\"", "there is no such command"),
            ("", "there is no such command"),
            ("LOGOUT 1", "the right form is: LOGOUT"),
            ("GETSCRIPT name", "the right form is: GETSCRIPT \"name\""),
            ("GETSCRIPT \"\"", "the name of a script cannot be empty"),
            ("HAVESPACE \"x\" \"1\"", "HAVESPACE \"name\" octets"),
            ("AUTHENTICATE \"X Y\"", "AUTHENTICATE \"mechanism\""),
            ("NOOP 1 2", "NOOP"),
        ] {
            let error = parsed(line).unwrap_err().to_string();
            assert!(error.contains(says), "{line}: {error}");
        }
    }
}
