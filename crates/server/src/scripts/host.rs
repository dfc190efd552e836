//! What scripts may ask while they run, answered from the session, the settings and the store.
//!
//! It runs on a thread that may block, and waits there for the store. An answer that cannot be had now makes the run fail for now;
//! absence is an answer.

use super::programs;
use super::run::{Case, Client, Occasion};
use super::{compiler, lists};
use crate::config::Config;
use crate::listen::imap::object_id;
use sieve::{
    DuplicateKey, Executed, Host, HostError, Included, Location, Mailto, Program, Scope, SpamScore,
    VirusVerdict,
};
use store::annotation::{self, Depth, Place};
use store::mailbox::{self, SpecialUse};
use store::script::event::{Cause, Event};
use store::script::memory::{self, Kind};
use store::{AccountId, Timestamp, Tx, alias};
use tokio::runtime::Handle;

type Answer<T> = Result<T, HostError>;

/// Answers for one recipient.
pub(super) struct ScriptHost<'a> {
    case: &'a Case,
    handle: Handle,
}

impl<'a> ScriptHost<'a> {
    pub(super) fn new(case: &'a Case, handle: Handle) -> ScriptHost<'a> {
        ScriptHost { case, handle }
    }

    pub(super) fn handle(&self) -> &Handle {
        &self.handle
    }

    fn account(&self) -> AccountId {
        self.case.recipient.account
    }

    /// Asks the store.
    fn read<T: Send + 'static>(
        &self,
        work: impl Fn(&mut Tx<'_>) -> store::Result<T> + Send + 'static,
    ) -> Answer<T> {
        let answer = self.handle.block_on(self.case.services.store.read(work));
        answer.map_err(|error| HostError(error.to_string()))
    }
}

impl Host for ScriptHost<'_> {
    fn now(&mut self) -> Timestamp {
        self.case.services.clock.now()
    }

    fn time_zone(&mut self) -> jiff::tz::TimeZone {
        jiff::tz::TimeZone::system()
    }

    fn environment(&mut self, item: &str) -> Answer<Option<String>> {
        let config = &self.case.config;
        let common = match item {
            "domain" => Some(config.domain.clone()),
            "host" => Some(config.hostname.clone()),
            "vnd.dovecot.username" => Some(self.case.recipient.address.clone()),
            "vnd.dovecot.default-mailbox" => Some("INBOX".into()),
            _ => configured(config, item),
        };
        Ok(common.or_else(|| match &self.case.occasion {
            Occasion::Delivery(client) => of_delivery(item, client),
            Occasion::Event(happened) => of_event(item, &happened.event),
        }))
    }

    fn mailbox_exists(&mut self, mailbox: &str) -> Answer<bool> {
        let (account, name) = (self.account(), mailbox.to_owned());
        self.read(move |tx| Ok(mailbox::by_name(tx, account, &name)?.is_some()))
    }

    fn mailbox_id_exists(&mut self, id: &str) -> Answer<bool> {
        let Some(id) = object_id::mailbox_of(id) else {
            return Ok(false);
        };
        let account = self.account();
        self.read(move |tx| Ok(mailbox::by_id(tx, account, id)?.is_some()))
    }

    fn special_use_exists(&mut self, mailbox: Option<&str>, flag: &str) -> Answer<bool> {
        let Some(special) = special_use(flag) else {
            return Ok(false);
        };
        let (account, name) = (self.account(), mailbox.map(str::to_owned));
        self.read(move |tx| {
            let found = match &name {
                Some(name) => mailbox::by_name(tx, account, name)?,
                None => mailbox::by_special_use(tx, account, special)?,
            };
            Ok(found.is_some_and(|mailbox| mailbox.special_use == Some(special)))
        })
    }

    /// RFC 5490 §4: what the owner of the mailbox reads there with GETMETADATA.
    fn mailbox_metadata(&mut self, mailbox: &str, entry: &str) -> Answer<Option<String>> {
        let (account, name, entry) = (self.account(), mailbox.to_owned(), entry.to_owned());
        self.read(move |tx| {
            let Some(mailbox) = mailbox::by_name(tx, account, &name)? else {
                return Ok(None);
            };
            let place = match is_shared(&entry) {
                true => Place::shared(account, mailbox.id),
                false => Place::private(account, mailbox.id, account),
            };
            annotated(tx, place, &entry)
        })
    }

    /// RFC 5490 §5
    fn server_metadata(&mut self, entry: &str) -> Answer<Option<String>> {
        if entry.eq_ignore_ascii_case("/shared/admin") {
            return Ok(Some(self.case.config.admin_uri()));
        }
        let (account, entry) = (self.account(), entry.to_owned());
        self.read(move |tx| {
            let place = match is_shared(&entry) {
                true => Place::of_server(),
                false => Place::of_account(account),
            };
            annotated(tx, place, &entry)
        })
    }

    fn seen_before(&mut self, key: &DuplicateKey) -> Answer<bool> {
        let (account, now) = (self.account(), self.case.services.clock.now());
        let key = memory::key(&[&key.handle, &key.id]);
        self.read(move |tx| memory::knows(tx, account, Kind::Seen, &key, now))
    }

    fn list_exists(&mut self, list: &str) -> Answer<bool> {
        Ok(lists::exists(&self.case.config, list))
    }

    fn list_contains(&mut self, list: &str, value: &str) -> Answer<bool> {
        if lists::is_address_book(list) {
            let (config, account) = (self.case.config.clone(), self.account());
            let value = value.to_owned();
            return self.read(move |tx| lists::knows(&config, tx, account, &value));
        }
        let (scripts, config) = (&self.case.services.scripts, &self.case.config);
        lists::contains(scripts, config, list, value)
            .map_err(|error| HostError(format!("the list {list}: {error}")))
    }

    fn include(&mut self, location: Location, name: &str) -> Answer<Included> {
        match location {
            Location::Personal => self.include_personal(name),
            Location::Global => self.include_global(name),
        }
    }

    fn mailto_is_valid(&mut self, target: &Mailto) -> Answer<bool> {
        Ok(!target.to.is_empty())
    }

    fn spam(&mut self) -> Answer<Option<SpamScore>> {
        Ok(self.case.found.spam)
    }

    fn virus(&mut self) -> Answer<Option<VirusVerdict>> {
        Ok(self.case.found.virus)
    }

    fn own_addresses(&mut self) -> Answer<Vec<String>> {
        let address = self.case.recipient.address.clone();
        self.read(move |tx| {
            let mut own = alias::sources(tx, &address)?;
            own.retain(|source| source.contains('@') && !source.starts_with('@'));
            own.push(address.clone());
            Ok(own)
        })
    }

    fn subaddress_separator(&mut self) -> char {
        self.case.config.mail.subaddress.unwrap_or('+')
    }

    fn body(&mut self) -> Answer<Vec<u8>> {
        let skipped = self.case.message.header.len();
        let largest = super::limits(&self.case.config).body_size;
        let read = super::letters::octets(
            &self.case.services,
            &self.case.message.body,
            skipped,
            largest,
        );
        self.handle
            .block_on(read)
            .map_err(|error| HostError(error.to_string()))
    }

    fn execute(&mut self, program: &Program) -> Answer<Executed> {
        Ok(programs::execute(self.case, &self.handle, program))
    }
}

impl ScriptHost<'_> {
    fn include_personal(&self, name: &str) -> Answer<Included> {
        let source = super::personal::Source::of(&self.case.config, &self.case.recipient.address);
        let content =
            self.handle
                .block_on(source.content(&self.case.services.store, self.account(), name));
        let content = content.map_err(|error| HostError(error.to_string()))?;
        Ok(content.map_or(Included::Missing, |content| {
            self.compiled(Scope::Personal, &content)
        }))
    }

    fn include_global(&self, name: &str) -> Answer<Included> {
        let config = &self.case.config;
        let Some(folder) = config.sieve.global.as_ref().filter(|_| is_file_name(name)) else {
            return Ok(Included::Missing);
        };
        let scripts = &self.case.services.scripts;
        let file = folder.join(format!("{name}.sieve"));
        let found = scripts.files.read(&file, config.sieve.max_script_size);
        let found = found.map_err(|error| HostError(format!("{}: {error}", file.display())))?;
        Ok(found.map_or(Included::Missing, |content| {
            self.compiled(Scope::Global, &content)
        }))
    }

    fn compiled(&self, scope: Scope, content: &[u8]) -> Included {
        let compiler = compiler(&self.case.config, scope);
        let cache = &self.case.services.scripts.cache;
        match cache.compile(&compiler, content).as_ref() {
            Ok(script) => Included::Script(script.clone()),
            Err(errors) => Included::Broken(errors.clone()),
        }
    }
}

/// H28
fn configured(config: &Config, item: &str) -> Option<String> {
    let wanted = item.strip_prefix("vnd.dovecot.config.")?;
    let pairs = config.sieve.environment.iter();
    let mut pairs = pairs.filter_map(|pair| pair.split_once('='));
    let (_, value) = pairs.find(|(name, _)| name.eq_ignore_ascii_case(wanted))?;
    Some(value.to_owned())
}

fn is_shared(entry: &str) -> bool {
    entry.to_ascii_lowercase().starts_with("/shared/")
}

/// The value of an entry; names are compared without case (RFC 5464 §3.2).
fn annotated(tx: &mut Tx<'_>, place: Place, entry: &str) -> store::Result<Option<String>> {
    let entry = entry.to_ascii_lowercase();
    let found = annotation::read(tx, place, &entry, Depth::Zero)?;
    let value = found.into_iter().next().map(|(_, value)| value);
    Ok(value.map(|value| String::from_utf8_lossy(&value).into_owned()))
}

/// RFC 5183 §4.1
fn of_delivery(item: &str, client: &Client) -> Option<String> {
    match item {
        "location" => Some("MDA".into()),
        "phase" => Some("during".into()),
        "remote-host" => client.host.clone(),
        "remote-ip" => client.address.map(|ip| ip.to_canonical().to_string()),
        _ => None,
    }
}

/// RFC 6785 §4.3, and what Pigeonhole adds to it.
fn of_event(item: &str, event: &Event) -> Option<String> {
    match item {
        "location" => Some("MS".into()),
        "phase" => Some("post".into()),
        "imap.user" | "imap.email" => Some(event.actor.clone()),
        "imap.cause" => Some(event.cause.word().into()),
        "imap.mailbox" => Some(event.name.clone()),
        "imap.changedflags" => Some(event.changed.join(" ")),
        "vnd.dovecot.mailbox-from" => event.from.clone(),
        "vnd.dovecot.mailbox-to" => (event.cause != Cause::Flag).then(|| event.name.clone()),
        _ => None,
    }
}

/// A name that stays in its folder.
pub(super) fn is_file_name(name: &str) -> bool {
    !name.is_empty() && !name.starts_with('.') && !name.contains(['/', '\0'])
}

/// `\Junk` and its like.
pub(super) fn special_use(flag: &str) -> Option<SpecialUse> {
    let uses = [
        ("\\all", SpecialUse::All),
        ("\\archive", SpecialUse::Archive),
        ("\\drafts", SpecialUse::Drafts),
        ("\\flagged", SpecialUse::Flagged),
        ("\\junk", SpecialUse::Junk),
        ("\\sent", SpecialUse::Sent),
        ("\\trash", SpecialUse::Trash),
    ];
    let flag = flag.to_ascii_lowercase();
    uses.into_iter()
        .find(|(name, _)| *name == flag)
        .map(|(_, special)| special)
}
