//! `pennyblack spam`: teach the filter, and ask what it thinks of messages (I13, I14).

mod batch;
mod print;
mod source;

use super::{block_on, config, unexpected};
use crate::cli::{Global, Spam as Which, SpamAccount, SpamMessages, SpamWhatIf};
use crate::outcome::{Failure, Outcome};
use server::control::spam::{
    Answer, Change, Excerpt, Judged, Lessons, Request, Scored, Seen, Wish, WishChange,
};
use server::control::{self, Client};
use std::process::ExitCode;

pub(crate) fn run(which: Which, global: &Global) -> Outcome {
    match which {
        Which::Learn {
            all: true, account, ..
        } => teach_all(account, global),
        Which::Learn {
            class,
            what,
            account,
            ..
        } => {
            let class = class.ok_or_else(|| Failure::usage("say `spam` or `ham`"))?;
            teach(Some(class.into()), what, account, global)
        }
        Which::Unlearn {
            account,
            since: Some(since),
            until,
            ..
        } => unlearn(account, since, until, global),
        Which::Unlearn { what, account, .. } => teach(None, what, account, global),
        Which::Score { what, account } => score(&what, account, Show::Line, global),
        Which::Explain { what, account } => score(&what, account, Show::All, global),
        Which::Stat { account } => stat(account, global),
        Which::Account(options) => wishes(options, global),
        Which::WhatIf(options) => what_if(options, global),
        Which::Classify(options) => batch::run(&options),
    }
}

/// How much is shown of what was found.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Show {
    /// A line a message.
    Line,
    /// Every reason.
    All,
}

/// Octets of features in one request, well below what the server takes.
const FULL: usize = 700 * 1024;

/// Asks one request after the other, in one connection.
struct Asker {
    client: Client,
}

impl Asker {
    async fn connect(global: &Global) -> Result<Asker, Failure> {
        let loaded = config::load(&global.file())?;
        let client = Client::connect(loaded.config).await?;
        Ok(Asker { client })
    }

    async fn ask(&mut self, request: Request) -> Result<Answer, Failure> {
        match self.client.execute(control::Request::Spam(request)).await? {
            control::Answer::Spam(answer) => Ok(*answer),
            _ => Err(unexpected()),
        }
    }

    async fn teach(
        &mut self,
        account: &Option<String>,
        class: Option<Judged>,
        messages: Vec<Seen>,
    ) -> Result<Lessons, Failure> {
        let request = Request::Teach {
            account: account.clone(),
            class,
            messages,
        };
        match self.ask(request).await? {
            Answer::Taught(lessons) => Ok(lessons),
            _ => Err(unexpected()),
        }
    }
}

fn teach(
    class: Option<Judged>,
    what: SpamMessages,
    account: Option<String>,
    global: &Global,
) -> Outcome {
    let lessons = block_on(async {
        let mut asker = Asker::connect(global).await?;
        let (mut lessons, mut batch, mut size) = (Lessons::default(), Vec::new(), 0);
        for message in source::messages(&what.files)? {
            let seen = Seen::of(&message?.octets);
            if size + seen.size() > FULL {
                let full = std::mem::take(&mut batch);
                lessons = lessons.and(asker.teach(&account, class, full).await?);
                size = 0;
            }
            size += seen.size();
            batch.push(seen);
        }
        let rest = asker.teach(&account, class, batch).await?;
        Ok::<Lessons, Failure>(lessons.and(rest))
    })??;
    Ok(print::lessons(&lessons, class, global))
}

fn unlearn(
    account: Option<String>,
    since: String,
    until: Option<String>,
    global: &Global,
) -> Outcome {
    let request = Request::Unlearn {
        account,
        since,
        until,
    };
    match ask(request, global)? {
        Answer::Taught(lessons) => Ok(print::taken_back(&lessons, global)),
        _ => Err(unexpected()),
    }
}

fn teach_all(account: Option<String>, global: &Global) -> Outcome {
    let answer = ask(Request::TeachAll { account }, global)?;
    match answer {
        Answer::Taught(lessons) => Ok(print::waiting(&lessons, global)),
        _ => Err(unexpected()),
    }
}

fn stat(account: Option<String>, global: &Global) -> Outcome {
    match ask(Request::Stat { account }, global)? {
        Answer::Stat(stat) => Ok(print::stat(&stat, global)),
        _ => Err(unexpected()),
    }
}

/// Exit code 0, whatever would have changed.
fn what_if(options: SpamWhatIf, global: &Global) -> Outcome {
    let SpamWhatIf {
        weights,
        mark,
        junk,
        junk_seen,
        refuse,
        account,
        days,
    } = options;
    let change = Change {
        weights,
        mark,
        junk,
        junk_seen,
        refuse,
    };
    let request = Request::WhatIf {
        account,
        days,
        change,
    };
    match ask(request, global)? {
        Answer::WhatIf(outcome) => Ok(print::what_if(&outcome, days, global)),
        _ => Err(unexpected()),
    }
}

fn wishes(options: SpamAccount, global: &Global) -> Outcome {
    let change = WishChange {
        mark: wish("--mark", options.mark)?,
        junk: wish("--junk", options.junk)?,
        junk_seen: wish("--junk-seen", options.junk_seen)?,
        refuse: wish("--refuse", options.refuse)?,
        allow: options.allow,
        deny: options.deny,
        forget: options.forget,
    };
    let account = options.address;
    match ask(Request::Wishes { account, change }, global)? {
        Answer::Wishes(wishes) => Ok(print::wishes(&wishes, global)),
        _ => Err(unexpected()),
    }
}

/// A number, or `default`.
fn wish<T: std::str::FromStr>(
    option: &str,
    text: Option<String>,
) -> Result<Option<Wish<T>>, Failure> {
    let Some(text) = text else {
        return Ok(None);
    };
    if text == "default" {
        return Ok(Some(Wish::AsInSettings));
    }
    let number = text.parse().map_err(|_| {
        Failure::usage(format!(
            "{option}: \"{text}\" is neither a number nor `default`"
        ))
    })?;
    Ok(Some(Wish::Value(number)))
}

fn ask(request: Request, global: &Global) -> Result<Answer, Failure> {
    block_on(async { Asker::connect(global).await?.ask(request).await })?
}

/// Exit code 0 if no message is spam, 1 if one is.
fn score(what: &SpamMessages, account: Option<String>, show: Show, global: &Global) -> Outcome {
    block_on(async {
        let mut asker = Asker::connect(global).await?;
        let mut code = ExitCode::SUCCESS;
        for message in source::messages(&what.files)? {
            let message = message?;
            let request = Request::Score {
                account: account.clone(),
                message: Excerpt::of(&message.octets),
            };
            let Answer::Scored(scored) = asker.ask(request).await? else {
                return Err(unexpected());
            };
            print::scored(&message.name, &scored, show, global);
            if is_spam(&scored) {
                code = ExitCode::FAILURE;
            }
        }
        Ok(code)
    })?
}

fn is_spam(scored: &Scored) -> bool {
    scored.verdict == "spam"
}
