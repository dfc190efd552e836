//! `pennyblack sendmail`, and this program under the names sendmail, mailq and newaliases (A22, X14–X18).

use super::{ask, unexpected};
use crate::cli::Global;
use crate::outcome::{Failure, Outcome};
use crate::output::{printable, say};
use server::control;
use server::control::Mode;
use server::control::queue::{Answer, Deed, Request, Selection, View};
use server::local::failure::{Exit, Failure as Unsent};
use server::local::options::{Options, Wish, parse};
use server::local::{Sent, send};
use std::io::{self, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// The arguments, if this program is called by one of the old names.
pub(crate) fn called() -> Option<Vec<String>> {
    let mut arguments = std::env::args();
    let name = arguments.next()?;
    let name = Path::new(&name).file_name()?.to_str()?.to_owned();
    let mode = match name.as_str() {
        "sendmail" => None,
        "mailq" => Some("-bp".to_owned()),
        "newaliases" => Some("-bi".to_owned()),
        _ => return None,
    };
    Some(mode.into_iter().chain(arguments).collect())
}

pub(crate) fn run(arguments: Vec<String>, global: &Global) -> Outcome {
    match parse(arguments).map_err(usage)? {
        Wish::Send(options) => message(&options, global),
        Wish::Converse => converse(global),
        Wish::ShowQueue => show_queue(global),
        Wish::Flush => flush(global),
        Wish::Aliases => {
            say!("nothing to build: aliases are looked up as they are");
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn usage(why: String) -> Failure {
    Failure::with_code(Exit::Usage as u8, why)
}

fn message(options: &Options, global: &Global) -> Outcome {
    let places = Places::of(global)?;
    let (socket, spool) = (places.socket.as_deref(), places.spool.as_deref());
    match send(options, io::stdin().lock(), socket, spool) {
        Ok(sent) => {
            told(&sent, options);
            Ok(ExitCode::SUCCESS)
        }
        Err(Unsent { exit, message }) => Err(Failure::with_code(exit as u8, message)),
    }
}

/// Callers want silence; who asked for the dialogue is told how it ended.
fn told(sent: &Sent, options: &Options) {
    if options.dialogue == server::local::options::Dialogue::Shown {
        match sent {
            Sent::Accepted(said) => eprintln!("accepted: {}", printable(said)),
            Sent::Kept(why) => eprintln!("kept until the server can take it: {}", printable(why)),
        }
    }
}

/// Where the server is reached, and where messages wait for it.
struct Places {
    socket: Option<PathBuf>,
    spool: Option<PathBuf>,
}

impl Places {
    /// As the configuration says; who may not read it uses the places of a packaged server.
    fn of(global: &Global) -> Result<Places, Failure> {
        let file = global.file();
        match std::fs::File::open(&file) {
            Ok(_) => {
                let loaded = super::config::load(&file)?;
                Ok(Places {
                    socket: loaded.config.listen.local.socket,
                    spool: loaded.config.local.spool,
                })
            }
            Err(_) => Ok(Places {
                socket: Some("/run/pennyblack/sendmail".into()),
                spool: Some("/var/spool/pennyblack".into()),
            }),
        }
    }
}

/// `-bs`: whoever calls speaks SMTP with the server himself.
fn converse(global: &Global) -> Outcome {
    let places = Places::of(global)?;
    let socket = places.socket.unwrap_or_default();
    let stream = UnixStream::connect(&socket).map_err(|why| {
        say!("421 4.3.2 No mail server runs here; try again later");
        Failure::with_code(
            Exit::TempFail as u8,
            format!("no server answers on {}: {why}", socket.display()),
        )
    })?;
    exchange(&stream).map_err(|why| Failure::with_code(Exit::IoError as u8, why))?;
    Ok(ExitCode::SUCCESS)
}

/// Carries octets both ways until the server ends the conversation.
fn exchange(stream: &UnixStream) -> io::Result<()> {
    let mut up = stream.try_clone()?;
    // It may wait for input for ever, and ends with the process.
    std::thread::spawn(move || {
        let _ = copy_at_once(&mut io::stdin().lock(), &mut up);
        let _ = up.shutdown(std::net::Shutdown::Write);
    });
    copy_at_once(&mut &*stream, &mut io::stdout().lock())
}

fn copy_at_once(from: &mut impl io::Read, to: &mut impl Write) -> io::Result<()> {
    let mut octets = [0; 16 * 1024];
    loop {
        match from.read(&mut octets)? {
            0 => return Ok(()),
            read => {
                to.write_all(&octets[..read])?;
                to.flush()?;
            }
        }
    }
}

fn queue(global: &Global, request: Request) -> Result<Answer, Failure> {
    match ask(global, control::Request::Queue(request))? {
        control::Answer::Queue(answer) => Ok(answer),
        _ => Err(unexpected()),
    }
}

/// `-q`
fn flush(global: &Global) -> Outcome {
    let request = Request::Change {
        which: Selection {
            all: true,
            ..Selection::default()
        },
        what: Deed::Retry,
        mode: Mode::Do,
    };
    match queue(global, request)? {
        Answer::Changed { .. } => Ok(ExitCode::SUCCESS),
        _ => Err(unexpected()),
    }
}

/// X18: the columns that monitoring reads.
fn show_queue(global: &Global) -> Outcome {
    if global.json {
        return super::queue::list_json(global);
    }
    let (mut count, mut size) = (0, 0);
    super::queue::each_page(global, |messages| {
        if count == 0 {
            say!("-Queue ID-  --Size-- ----Arrival Time---- -Sender/Recipient-------");
        }
        lines(messages).iter().for_each(|line| say!("{line}"));
        count += messages.len();
        size += messages.iter().map(|message| message.size).sum::<u64>();
    })?;
    match count {
        0 => say!("Mail queue is empty"),
        count => say!(
            "-- {} Kbytes in {count} Request{}.",
            size.div_ceil(1024),
            if count == 1 { "" } else { "s" }
        ),
    }
    Ok(ExitCode::SUCCESS)
}

fn lines(messages: &[View]) -> Vec<String> {
    let mut lines = Vec::new();
    for message in messages {
        let sender = match message.sender.as_str() {
            "" => "MAILER-DAEMON",
            sender => sender,
        };
        let arrived = message.created.parse::<jiff::Timestamp>();
        let arrived = arrived.map(|at| at.strftime("%a %b %e %H:%M:%S").to_string());
        lines.push(printable(&format!(
            "{:<11} {:>7} {:<20} {sender}",
            message.id,
            message.size,
            arrived.unwrap_or_default()
        )));
        for recipient in &message.recipients {
            if let Some(why) = &recipient.last_error {
                lines.push(printable(&format!("{:>41}({why})", "")));
            }
            lines.push(printable(&format!("{:>41}{}", "", recipient.address)));
        }
        lines.push(String::new());
    }
    lines
}
