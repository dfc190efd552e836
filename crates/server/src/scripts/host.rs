//! What scripts may ask during a delivery, answered from the session, the settings and the store.
//!
//! It runs on a thread that may block, and waits there for the store. An answer that cannot be had now makes the delivery fail for now;
//! absence is an answer.

use super::compiler;
use super::delivery::Case;
use super::programs;
use sieve::{
    DuplicateKey, Executed, Host, HostError, Included, Location, Mailto, Program, Scope, SpamScore,
};
use store::mailbox::{self, SpecialUse};
use store::script::memory::{self, Kind};
use store::{AccountId, Timestamp, Tx, alias};
use tokio::runtime::Handle;

type Answer<T> = Result<T, HostError>;

/// Answers for one recipient.
pub(super) struct DeliveryHost<'a> {
    case: &'a Case,
    handle: Handle,
}

impl<'a> DeliveryHost<'a> {
    pub(super) fn new(case: &'a Case, handle: Handle) -> DeliveryHost<'a> {
        DeliveryHost { case, handle }
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

impl Host for DeliveryHost<'_> {
    fn now(&mut self) -> Timestamp {
        self.case.services.clock.now()
    }

    fn time_zone(&mut self) -> jiff::tz::TimeZone {
        jiff::tz::TimeZone::system()
    }

    fn environment(&mut self, item: &str) -> Answer<Option<String>> {
        let (config, client) = (&self.case.config, &self.case.client);
        Ok(match item {
            "domain" => Some(config.domain.clone()),
            "host" => Some(config.hostname.clone()),
            "location" => Some("MDA".into()),
            "phase" => Some("during".into()),
            "remote-host" => client.host.clone(),
            "remote-ip" => client.address.map(|ip| ip.to_canonical().to_string()),
            "imap.user" | "vnd.dovecot.username" => Some(self.case.recipient.address.clone()),
            "vnd.dovecot.default-mailbox" => Some("INBOX".into()),
            _ => None,
        })
    }

    fn mailbox_exists(&mut self, mailbox: &str) -> Answer<bool> {
        let (account, name) = (self.account(), mailbox.to_owned());
        self.read(move |tx| Ok(mailbox::by_name(tx, account, &name)?.is_some()))
    }

    fn mailbox_id_exists(&mut self, id: &str) -> Answer<bool> {
        let Ok(id) = id.parse() else { return Ok(false) };
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

    fn seen_before(&mut self, key: &DuplicateKey) -> Answer<bool> {
        let (account, now) = (self.account(), self.case.services.clock.now());
        let key = memory::key(&[&key.handle, &key.id]);
        self.read(move |tx| memory::knows(tx, account, Kind::Seen, &key, now))
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
        Ok(self.case.message.spam)
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

impl DeliveryHost<'_> {
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
        match cache.compile(&compiler, scope, content).as_ref() {
            Ok(script) => Included::Script(script.clone()),
            Err(errors) => Included::Broken(errors.clone()),
        }
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
