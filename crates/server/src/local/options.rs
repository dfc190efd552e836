//! The command line of `sendmail` as programs have written it for forty years (X15). Options that mean nothing here are accepted, since
//! callers will not change; what would be misunderstood is refused.

/// What the caller wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wish {
    /// Send the message on standard input.
    Send(Box<Options>),
    /// Speak SMTP on standard input and output (`-bs`).
    Converse,
    /// Print the queue (`-bp`, `mailq`).
    ShowQueue,
    /// See to the aliases (`-bi`, `newaliases`).
    Aliases,
    /// Try everything in the queue now (`-q`).
    Flush,
}

/// How a message is to be sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// `-f`, `-r`: the envelope sender as written; `Some("")` is the null one, `None`: the user.
    pub sender: Option<String>,
    /// `-F`: the name in a From field that has to be made.
    pub full_name: Option<String>,
    /// Where the recipients stand.
    pub recipients_in: RecipientsIn,
    /// Recipients on the command line.
    pub recipients: Vec<String>,
    /// What a line with a single dot is.
    pub dot: Dot,
    /// `-N`: NOTIFY (RFC 3461).
    pub notify: Option<String>,
    /// `-R`: RET.
    pub ret: Option<&'static str>,
    /// `-V`: ENVID.
    pub envid: Option<String>,
    /// `-v`: show the dialogue.
    pub dialogue: Dialogue,
}

/// Where the recipients of a message stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RecipientsIn {
    /// On the command line alone.
    #[default]
    Arguments,
    /// In To, Cc and Bcc too (`-t`).
    Header,
}

/// What a line with a single dot is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Dot {
    /// The end of the message.
    #[default]
    Ends,
    /// Text (`-i`, `-oi`).
    Text,
}

/// Whether the caller is shown what is said to the server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Dialogue {
    /// It is not.
    #[default]
    Quiet,
    /// It is, on standard error.
    Shown,
}

/// Options with an argument, which may be glued to them.
const WITH_ARGUMENT: &str = "ABCFLNORVXbdefhopr";
/// Options whose argument, if any, is glued to them.
const GLUED: &str = "EJq";
/// Options alone.
const ALONE: &str = "GSUimnstvx";

/// Reads the arguments after the program's name.
pub fn parse<I: IntoIterator<Item = String>>(arguments: I) -> Result<Wish, String> {
    let mut reading = Reading {
        options: Options::default(),
        wish: None,
    };
    let mut arguments = arguments.into_iter();
    while let Some(argument) = arguments.next() {
        match argument.strip_prefix('-') {
            Some("-") => break,
            Some(letters) if !letters.is_empty() => reading.group(letters, &mut arguments)?,
            _ => {
                reading.options.recipients.push(argument);
                break;
            }
        }
    }
    reading.options.recipients.extend(arguments);
    Ok(match reading.wish {
        Some(wish) => wish,
        None => Wish::Send(Box::new(reading.options)),
    })
}

struct Reading {
    options: Options,
    wish: Option<Wish>,
}

impl Reading {
    /// One argument: letters of options alone, and perhaps one with an argument at the end.
    fn group(
        &mut self,
        letters: &str,
        arguments: &mut impl Iterator<Item = String>,
    ) -> Result<(), String> {
        let mut rest = letters;
        while let Some(letter) = rest.chars().next() {
            rest = &rest[letter.len_utf8()..];
            if ALONE.contains(letter) {
                self.alone(letter);
            } else if GLUED.contains(letter) {
                return self.with(letter, rest);
            } else if WITH_ARGUMENT.contains(letter) {
                let next = if rest.is_empty() {
                    arguments.next()
                } else {
                    None
                };
                let given = next
                    .as_deref()
                    .or(Some(rest).filter(|rest| !rest.is_empty()));
                // `-f ''` is the null sender; it is the shell that glues nothing.
                let given = given.ok_or_else(|| format!("option -{letter} needs an argument"))?;
                return self.with(letter, given);
            } else {
                return Err(format!("unknown option -{}", letter.escape_debug()));
            }
        }
        Ok(())
    }

    fn alone(&mut self, letter: char) {
        match letter {
            'i' => self.options.dot = Dot::Text,
            't' => self.options.recipients_in = RecipientsIn::Header,
            'v' => self.options.dialogue = Dialogue::Shown,
            _ => {}
        }
    }

    fn with(&mut self, letter: char, argument: &str) -> Result<(), String> {
        let text = || Some(argument.to_owned());
        match letter {
            'f' | 'r' => self.options.sender = Some(unbracketed(argument).to_owned()),
            'F' => self.options.full_name = text(),
            'N' => self.options.notify = Some(notify(argument)?),
            'R' => self.options.ret = Some(ret(argument)?),
            'V' => self.options.envid = text(),
            'b' => self.wish = self.mode(argument)?,
            'q' => self.wish = Some(Wish::Flush),
            'o' if argument == "i" => self.options.dot = Dot::Text,
            _ => {}
        }
        Ok(())
    }

    fn mode(&self, mode: &str) -> Result<Option<Wish>, String> {
        match mode {
            "m" => Ok(None),
            "s" => Ok(Some(Wish::Converse)),
            "p" => Ok(Some(Wish::ShowQueue)),
            "i" => Ok(Some(Wish::Aliases)),
            "d" | "D" => Err("-bd: the server is started with `pennyblack serve`".into()),
            "v" | "t" => Err(format!(
                "-b{mode}: `pennyblack explain address ADDRESS` says where mail would go"
            )),
            other => Err(format!("unknown mode -b{}", other.escape_debug())),
        }
    }
}

fn unbracketed(address: &str) -> &str {
    let inner = address.strip_prefix('<').and_then(|a| a.strip_suffix('>'));
    inner.unwrap_or(address)
}

/// `failure,delay` as NOTIFY has it.
fn notify(list: &str) -> Result<String, String> {
    let words: Vec<String> = list
        .split(',')
        .map(|w| w.trim().to_ascii_uppercase())
        .collect();
    let known = |word: &String| ["SUCCESS", "FAILURE", "DELAY"].contains(&word.as_str());
    match words.as_slice() {
        [never] if never == "NEVER" => Ok(never.clone()),
        all if all.iter().all(known) => Ok(all.join(",")),
        _ => Err(format!(
            "-N {}: write never, or some of success,failure,delay",
            list.escape_debug()
        )),
    }
}

fn ret(word: &str) -> Result<&'static str, String> {
    match word.to_ascii_lowercase().as_str() {
        "full" => Ok("FULL"),
        "hdrs" => Ok("HDRS"),
        _ => Err(format!("-R {}: write full or hdrs", word.escape_debug())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(line: &str) -> Options {
        match parse(line.split_whitespace().map(str::to_owned)).unwrap() {
            Wish::Send(options) => *options,
            other => panic!("{other:?}"),
        }
    }

    /// X15
    #[test]
    fn x15_cron_is_understood() {
        let read = options("-FCronDaemon -i -odi -oem -oi -t -f root");
        assert_eq!(read.full_name.as_deref(), Some("CronDaemon"));
        assert_eq!(read.sender.as_deref(), Some("root"));
        assert_eq!(
            (read.dot, read.recipients_in),
            (Dot::Text, RecipientsIn::Header)
        );
        assert_eq!(read.recipients, Vec::<String>::new());
    }

    /// X15
    #[test]
    fn x15_others_are_understood() {
        for (line, sender, recipients) in [
            ("-oi -f a@b c@d e@f", Some("a@b"), vec!["c@d", "e@f"]),
            ("-tifroot", Some("root"), vec![]),
            ("-r <> -- -x@y", Some(""), vec!["-x@y"]),
            ("-G -A MSP -O Foo=bar -m x", None, vec!["x"]),
            (
                "-v -N failure,delay -R hdrs -V abc x -t",
                None,
                vec!["x", "-t"],
            ),
        ] {
            let read = options(line);
            assert_eq!(read.sender.as_deref(), sender, "{line}");
            assert_eq!(read.recipients, recipients, "{line}");
        }
        let read = options("-N failure,delay -R hdrs -V abc x");
        assert_eq!(read.notify.as_deref(), Some("FAILURE,DELAY"));
        assert_eq!(
            (read.ret, read.envid.as_deref()),
            (Some("HDRS"), Some("abc"))
        );
        let null = parse(["-f".to_owned(), String::new()]).unwrap();
        assert!(matches!(null, Wish::Send(o) if o.sender.as_deref() == Some("")));
    }

    /// X15
    #[test]
    fn x15_modes() {
        for (line, wish) in [
            ("-bs", Wish::Converse),
            ("-bp", Wish::ShowQueue),
            ("-bi", Wish::Aliases),
            ("-q", Wish::Flush),
            ("-q30m", Wish::Flush),
        ] {
            assert_eq!(parse([line.to_owned()]), Ok(wish), "{line}");
        }
        for line in ["-bd", "-bv", "-bx", "-?", "-f", "-Nsometimes", "-Rall"] {
            assert!(parse([line.to_owned()]).is_err(), "{line}");
        }
    }
}
