//! Black and white lists of addresses in files and feeds (J20–J23), and feeds of web addresses (I23): read at the start, fetched again politely, never lost because a
//! feed is down for a day.
//!
//! Where they are says a file in the form of `spamd.conf` (`gate.lists`). What a feed brought is kept in `lists/` below `data`, so that
//! a restart has it at once. A feed is asked at most once in `gate.lists_every`, with what it told us last time (ETag), and its old
//! list stays when it cannot be had. A feed that has failed for seven days is dropped from the verdict and the log says so (J23).

use crate::config::Config;
use crate::fetch::{self, Bounds, Fetched, Method, Network, Redirects, Request, Url, Validators};
use crate::{Services, admin};
use jiff::{SignedDuration, Timestamp};
use spam::gate::lists::Lists;
use spam::gate::lists::format::{self, Listed};
use spam::gate::lists::spamd_conf::{self, Colour, Place, Source};
use spam::link_list::LinkList;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::timeout;

/// A feed that has failed for so long is dead.
const DEAD_AFTER: SignedDuration = SignedDuration::from_hours(7 * 24);
/// How long a feed may take.
const FEED: Duration = Duration::from_secs(300);
/// How long a program may take to print its list.
const PROGRAM: Duration = Duration::from_secs(120);

/// What is remembered of the sources between two rounds.
#[derive(Default)]
pub(super) struct Feeds {
    known: Mutex<Known>,
}

/// By the names of the sources.
type Known = HashMap<String, Feed>;

#[derive(Default)]
struct Feed {
    kind: Kind,
    validators: Option<Validators>,
    content: Option<Content>,
    /// When it was asked last, and when it last answered.
    asked: Option<Timestamp>,
    answered: Option<Timestamp>,
    trouble: Option<Trouble>,
    dead: bool,
}

/// A feed that fails. It is written down beside the list, so that a restart does not begin anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Trouble {
    since: Timestamp,
    /// The admin has been told.
    told: bool,
}

impl Trouble {
    fn text(self) -> String {
        format!(
            "{} {}\n",
            self.since,
            if self.told { "told" } else { "failing" }
        )
    }

    fn parse(text: &str) -> Option<Trouble> {
        let (since, word) = text.trim().split_once(' ')?;
        Some(Trouble {
            since: since.parse().ok()?,
            told: word == "told",
        })
    }
}

/// How a list is, for people.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub struct View {
    /// Its name in `spamd.conf`.
    pub name: String,
    /// Ranges of addresses, or web addresses, on it that are in use.
    pub ranges: usize,
    /// When it was read last, RFC 3339.
    pub read: Option<String>,
    /// Why it could not be read, if it could not.
    pub fault: Option<String>,
}

/// What the lines of a source are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Kind {
    /// Addresses, networks and ranges.
    #[default]
    Addresses,
    /// Web addresses (I23).
    Pages,
}

/// What a source holds.
#[derive(Clone, Debug)]
enum Content {
    Addresses(Arc<Listed>),
    Pages(Arc<LinkList>),
}

impl Content {
    fn len(&self) -> usize {
        match self {
            Content::Addresses(listed) => listed.addresses.len(),
            Content::Pages(pages) => pages.len(),
        }
    }
}

/// Reads all sources whose time has come, and puts the lists together anew.
pub(crate) async fn refresh(services: &Arc<Services>) -> Vec<View> {
    let config = services.config.load_full();
    let mut known = services.gate.feeds.known.lock().await;
    let mut views = addresses(services, &config, &mut known).await;
    views.extend(pages(services, &config, &mut known).await);
    views
}

/// J20
async fn addresses(services: &Arc<Services>, config: &Config, known: &mut Known) -> Vec<View> {
    let Some(file) = &config.gate.lists else {
        services.gate.lists.store(Arc::new(Lists::default()));
        return Vec::new();
    };
    let mut sources = match sources(file).await {
        Ok(sources) => sources,
        Err(why) => {
            tracing::error!(file = %file.display(), error = %why, "the lists stay as they were");
            return vec![View {
                name: file.display().to_string(),
                ranges: 0,
                read: None,
                fault: Some(why),
            }];
        }
    };
    sources.retain(|source| config.gate.ask_others || !is_of_others(source));
    let named = file.display().to_string();
    let views = renew(services, &sources, Kind::Addresses, &named, known).await;
    let lists = sources
        .iter()
        .filter_map(|source| match known.get(&source.name)?.content()? {
            Content::Addresses(listed) => Some((source, listed.as_ref())),
            Content::Pages(_) => None,
        });
    services.gate.lists.store(Arc::new(Lists::new(lists)));
    views
}

/// I23
async fn pages(services: &Arc<Services>, config: &Config, known: &mut Known) -> Vec<View> {
    let feeds = config.spam.url_feeds.iter();
    let sources: Vec<Source> = match config.gate.ask_others {
        true => feeds.map(|place| feed(place)).collect(),
        false => Vec::new(),
    };
    let views = renew(services, &sources, Kind::Pages, "`spam.url_feeds`", known).await;
    let lists = sources
        .iter()
        .filter_map(|source| match known.get(&source.name)?.content()? {
            Content::Pages(pages) => Some((source.name.clone(), pages.clone())),
            Content::Addresses(_) => None,
        });
    services.filter.warned_of(lists.collect());
    views
}

/// A feed of the settings as a source.
fn feed(place: &str) -> Source {
    Source {
        name: place.to_owned(),
        colour: Colour::Black,
        message: String::new(),
        place: match place.starts_with('/') {
            true => Place::File(place.to_owned()),
            false => Place::Url(place.to_owned()),
        },
    }
}

/// I22
fn is_of_others(source: &Source) -> bool {
    matches!(source.place, Place::Url(_))
}

/// Reads those whose time has come. `named`: where people find them.
async fn renew(
    services: &Arc<Services>,
    sources: &[Source],
    kind: Kind,
    named: &str,
    known: &mut Known,
) -> Vec<View> {
    let config = services.config.load_full();
    let folder = config.data.join("lists");
    let every = SignedDuration::try_from(config.gate.lists_every).unwrap_or(SignedDuration::MAX);
    let mut views = Vec::new();
    for source in sources {
        let feed = known.entry(source.name.clone()).or_default();
        if feed.kind != kind {
            *feed = Feed::default();
            feed.kind = kind;
        }
        let fault = feed.refresh(services, source, &folder, every).await.err();
        if let Some(why) = fault.as_ref().filter(|_| feed.must_be_told()) {
            obituary(services, named, source, why).await;
            feed.told(source, &folder).await;
        }
        views.push(feed.view(source, fault));
    }
    views
}

async fn sources(file: &Path) -> Result<Vec<Source>, String> {
    let text = tokio::fs::read_to_string(file)
        .await
        .map_err(|why| format!("cannot read {}: {why}", file.display()))?;
    spamd_conf::parse(&text).map_err(|faults| {
        let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
        faults.join("; ")
    })
}

impl Feed {
    async fn refresh(
        &mut self,
        services: &Services,
        source: &Source,
        folder: &Path,
        every: SignedDuration,
    ) -> Result<(), String> {
        let now = services.clock.now();
        if self.content.is_none() && is_remote(source) {
            self.recall(source, folder).await;
        }
        let recent = |asked: &Timestamp| now.duration_since(*asked) < every;
        if is_remote(source) && self.asked.as_ref().is_some_and(recent) {
            return Ok(());
        }
        self.asked = Some(now);
        let read = self.read(services, source, folder).await;
        self.remember(now, source, folder, &read).await;
        read
    }

    /// J22: what was kept of the last run, so that a start does not wait for the network.
    async fn recall(&mut self, source: &Source, folder: &Path) {
        if let Ok(octets) = tokio::fs::read(kept(folder, source)).await
            && let Ok(content) = parsed(octets, self.kind).await
        {
            self.content = Some(content);
        }
    }

    async fn read(
        &mut self,
        services: &Services,
        source: &Source,
        folder: &Path,
    ) -> Result<(), String> {
        let octets = match &source.place {
            Place::File(path) => file(path).await?,
            Place::Exec(words) => program(words).await?,
            Place::Url(url) => match self.fetched(services, url).await? {
                Some(octets) => octets,
                None => return Ok(()),
            },
        };
        let content = parsed(octets.clone(), self.kind).await?;
        self.content = Some(content);
        if is_remote(source)
            && let Err(why) = keep(folder, source, octets).await
        {
            tracing::warn!(list = %source.name, error = %why, "the list cannot be kept for the next start");
        }
        Ok(())
    }

    /// J22: nothing where the list has not changed.
    async fn fetched(&mut self, services: &Services, url: &str) -> Result<Option<Vec<u8>>, String> {
        let url: Url = url.parse().map_err(|why: fetch::NotAUrl| why.to_string())?;
        let request = Request {
            url,
            method: Method::Get,
            fields: Vec::new(),
            known: self.validators.clone().filter(|_| self.content.is_some()),
            bounds: Bounds {
                size: format::MOST_OCTETS as usize,
                time: FEED,
                redirects: Redirects::Up(3),
                // The administrator wrote the address down.
                network: Network::Anywhere,
            },
        };
        match fetch::fetch(services, &request).await {
            Ok(Fetched::Unchanged) => Ok(None),
            Ok(Fetched::Answer(answer)) if answer.status == 200 => {
                self.validators = Some(answer.validators);
                Ok(Some(answer.octets.to_vec()))
            }
            Ok(Fetched::Answer(answer)) => Err(format!("the server answers {}", answer.status)),
            Err(why) => Err(why.to_string()),
        }
    }

    /// J23: seven days of failures are the end of a feed, until it answers again.
    async fn remember(
        &mut self,
        now: Timestamp,
        source: &Source,
        folder: &Path,
        read: &Result<(), String>,
    ) {
        let Err(why) = read else {
            self.answered = Some(now);
            self.dead = false;
            if self.trouble.take().is_some() || is_remote(source) {
                // There is nothing to remove as a rule.
                let _ = tokio::fs::remove_file(trouble_file(folder, source)).await;
            }
            return;
        };
        if !is_remote(source) {
            tracing::warn!(list = %source.name, error = %why, "the list cannot be read; the old one stays");
            return;
        }
        let trouble = self.trouble_since(now, source, folder).await;
        if now.duration_since(trouble.since) >= DEAD_AFTER {
            self.dead = true;
        } else {
            tracing::warn!(list = %source.name, error = %why, "the list cannot be read; the old one stays");
        }
    }

    async fn trouble_since(&mut self, now: Timestamp, source: &Source, folder: &Path) -> Trouble {
        if let Some(known) = self.trouble {
            return known;
        }
        let written = tokio::fs::read_to_string(trouble_file(folder, source)).await;
        let known = written.ok().and_then(|text| Trouble::parse(&text));
        let trouble = known.unwrap_or(Trouble {
            since: now,
            told: false,
        });
        self.note(trouble, source, folder).await;
        trouble
    }

    async fn note(&mut self, trouble: Trouble, source: &Source, folder: &Path) {
        self.trouble = Some(trouble);
        let file = trouble_file(folder, source);
        let written = async {
            tokio::fs::create_dir_all(folder).await?;
            tokio::fs::write(&file, trouble.text()).await
        };
        if let Err(why) = written.await {
            tracing::warn!(file = %file.display(), error = %why, "that a list fails is not known after a restart");
        }
    }

    fn must_be_told(&self) -> bool {
        self.dead && self.trouble.is_some_and(|trouble| !trouble.told)
    }

    async fn told(&mut self, source: &Source, folder: &Path) {
        if let Some(trouble) = self.trouble {
            let told = Trouble {
                told: true,
                ..trouble
            };
            self.note(told, source, folder).await;
        }
    }

    /// What it holds, while it lives.
    fn content(&self) -> Option<&Content> {
        self.content.as_ref().filter(|_| !self.dead)
    }

    fn view(&self, source: &Source, fault: Option<String>) -> View {
        View {
            name: source.name.clone(),
            ranges: self.content().map_or(0, Content::len),
            read: self.answered.map(|time| time.to_string()),
            fault: fault.or_else(|| self.dead.then(|| "it has failed for seven days".to_owned())),
        }
    }
}

/// J23: once, however often the server is started.
async fn obituary(services: &Arc<Services>, file: &str, source: &Source, why: &str) {
    let name = &source.name;
    tracing::error!(list = %name, error = %why, "the list has failed for seven days and is not used any more: take it out of {file}");
    let text = format!(
        "The list \"{name}\" of {file} could not be read for seven days:\n\n    {why}\n\n\
         It is not used any more, since what it said is out of date. Perhaps it was given up: then take it out of {file} and run \
         `pennyblack lists`. If it can be read again, it is used again by itself.\n"
    );
    let subject = format!("A list of addresses is dead: {name}");
    admin::tell(services, &subject, &text).await;
}

/// Files of this machine are read in each round and not kept twice.
fn is_remote(source: &Source) -> bool {
    !matches!(source.place, Place::File(_))
}

async fn file(path: &str) -> Result<Vec<u8>, String> {
    let size = tokio::fs::metadata(path).await.map(|file| file.len());
    match size {
        Ok(size) if size > format::MOST_OCTETS => Err(format!("{path} is too large for a list")),
        Ok(_) => tokio::fs::read(path)
            .await
            .map_err(|why| format!("cannot read {path}: {why}")),
        Err(why) => Err(format!("cannot read {path}: {why}")),
    }
}

/// J29: a program prints the list. An argument vector, never a shell.
async fn program(words: &[String]) -> Result<Vec<u8>, String> {
    let (name, arguments) = words.split_first().ok_or("no program is named")?;
    let running = tokio::process::Command::new(name)
        .args(arguments)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .output();
    match timeout(PROGRAM, running).await {
        Err(_) => Err(format!("{name} took longer than {} s", PROGRAM.as_secs())),
        Ok(Err(why)) => Err(format!("cannot run {name}: {why}")),
        Ok(Ok(output)) if !output.status.success() => Err(format!("{name}: {}", output.status)),
        Ok(Ok(output)) => Ok(output.stdout),
    }
}

/// Lists of millions of lines take a moment.
async fn parsed(octets: Vec<u8>, kind: Kind) -> Result<Content, String> {
    let reading = tokio::task::spawn_blocking(move || match kind {
        Kind::Addresses => format::read(&octets)
            .map(|listed| Content::Addresses(Arc::new(listed)))
            .map_err(|why| why.to_string()),
        Kind::Pages => LinkList::read(&octets)
            .map(|pages| Content::Pages(Arc::new(pages)))
            .map_err(|why| why.to_string()),
    });
    reading.await.map_err(|why| why.to_string())?
}

fn kept(folder: &Path, source: &Source) -> PathBuf {
    let safe = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    folder.join(source.name.chars().map(safe).collect::<String>())
}

fn trouble_file(folder: &Path, source: &Source) -> PathBuf {
    kept(folder, source).with_extension("failing")
}

/// Replaced as a whole, so that a crash leaves the old list or the new one.
async fn keep(folder: &Path, source: &Source, octets: Vec<u8>) -> std::io::Result<()> {
    tokio::fs::create_dir_all(folder).await?;
    let path = kept(folder, source);
    let fresh = path.with_extension("new");
    tokio::fs::write(&fresh, octets).await?;
    tokio::fs::rename(&fresh, &path).await
}
