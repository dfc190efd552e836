//! What an address leads to: accounts, aliases and their chains, subaddresses, role names, catch-alls (catalogue E12–E17, A26–A28).
//!
//! One walk serves routing (mail to an address), authorization (who may send as an address) and `explain address`. It runs inside
//! a read transaction of the caller and changes nothing.
//!
//! The order for `user+tag@domain`, first match wins (E14; exact before stripped, A26):
//!
//! 1. `user+tag@domain` as an alias, then as an account, then `user+tag` as an alias of every domain
//! 2. the domain that this one is an alias of, from the start (E27)
//! 3. the same as 1 for `user@domain`
//! 4. RFC 2142 role names and `postmaster`
//! 5. `@domain`, then `@`

use crate::config::{Config, DisabledMail};
use message::Address;
use std::collections::HashSet;
use store::account::Account;
use store::{Tx, account, alias, domain};

/// Aliases that may follow each other.
const MAX_CHAIN: usize = 20;
/// Addresses that one address may lead to, intermediate ones included.
const MAX_ADDRESSES: usize = 2000;

/// RFC 2142 names that lead to the postmaster in every domain, unless somebody says otherwise (A28).
const ROLES: [&str; 7] = [
    "postmaster",
    "abuse",
    "security",
    "hostmaster",
    "webmaster",
    "dmarcreports",
    "tlsreports",
];

/// Where mail for an address goes in the end.
#[derive(Clone, Debug)]
pub enum Target {
    /// An account of ours.
    Account(Box<Account>),
    /// Another server (E17).
    Elsewhere(Address),
}

/// What a look-up found. A look-up that could not be made is an error, never one of these.
#[derive(Clone, Debug)]
pub enum Found {
    /// At least one target, each once.
    Targets(Vec<Target>),
    /// The domain is not hosted here.
    NotOurs,
    /// The domain is ours, the address is nobody's.
    Unknown,
    /// The domain is ours and switched off.
    DomainOff,
    /// The only account it leads to is disabled and takes no mail (B25).
    Disabled,
    /// Aliases lead in a circle, or too far: the chain (E16).
    Loop(Vec<String>),
    /// Leads to more addresses than anybody means.
    TooMany,
}

/// Looks an address up.
pub fn look_up(config: &Config, tx: &mut Tx<'_>, address: &Address) -> store::Result<Found> {
    let mut silent = |_: &dyn Fn() -> String| {};
    walk(config, tx, address, &mut silent)
}

/// The steps of a look-up, one sentence each, for `pennyblack explain address` (E14, E16).
pub fn explain(config: &Config, tx: &mut Tx<'_>, address: &str) -> store::Result<Vec<String>> {
    let address = match Address::parse(address) {
        Ok(address) => address,
        Err(error) => return Ok(vec![format!("“{address}” is not an address: {error}")]),
    };
    let mut steps = Vec::new();
    let found = walk(config, tx, &address, &mut |step| steps.push(step()))?;
    steps.push(conclusion(&address, &found));
    Ok(steps)
}

fn conclusion(address: &Address, found: &Found) -> String {
    match found {
        Found::Targets(targets) => {
            let names: Vec<String> = targets.iter().map(Target::to_string).collect();
            format!("mail for {address} goes to {}", names.join(", "))
        }
        Found::NotOurs => format!(
            "{} is not hosted here: only logged-in users may send there",
            address.domain()
        ),
        Found::Unknown => format!("mail for {address} is refused: 550 5.1.1, no such user"),
        Found::DomainOff => format!(
            "mail for {address} is refused: {} is switched off",
            address.domain()
        ),
        Found::Disabled => format!("mail for {address} is refused: the account is disabled"),
        Found::Loop(chain) => format!(
            "mail for {address} is refused: aliases lead in a circle or too far: {}",
            chain.join(" -> ")
        ),
        Found::TooMany => format!(
            "mail for {address} is refused: it leads to more than {MAX_ADDRESSES} addresses"
        ),
    }
}

impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Target::Account(account) => write!(f, "the account {}", account.address),
            Target::Elsewhere(address) => write!(f, "{address} on another server"),
        }
    }
}

/// Takes steps as they are made; the sentence is only built if somebody reads it.
type Note<'a> = dyn FnMut(&dyn Fn() -> String) + 'a;

fn walk(
    config: &Config,
    tx: &mut Tx<'_>,
    address: &Address,
    note: &mut Note<'_>,
) -> store::Result<Found> {
    let mut walk = Walk {
        config,
        tx,
        note,
        chain: Vec::new(),
        seen: HashSet::new(),
        targets: Vec::new(),
        met_disabled: false,
        met_domain_off: false,
    };
    match walk.follow(address) {
        Ok(()) => Ok(walk.found(address)),
        Err(Stop::Store(error)) => Err(error),
        Err(Stop::Loop(chain)) => Ok(Found::Loop(chain)),
        Err(Stop::TooMany) => Ok(Found::TooMany),
    }
}

/// Why a walk ended early.
enum Stop {
    Store(store::Error),
    Loop(Vec<String>),
    TooMany,
}

impl From<store::Error> for Stop {
    fn from(error: store::Error) -> Stop {
        Stop::Store(error)
    }
}

struct Walk<'a, 'tx> {
    config: &'a Config,
    tx: &'a mut Tx<'tx>,
    note: &'a mut Note<'a>,
    /// The addresses that led here.
    chain: Vec<String>,
    /// Every address followed so far.
    seen: HashSet<String>,
    targets: Vec<Target>,
    met_disabled: bool,
    met_domain_off: bool,
}

impl Walk<'_, '_> {
    fn found(self, address: &Address) -> Found {
        match self.targets.as_slice() {
            [] if self.met_domain_off => Found::DomainOff,
            [] if self.met_disabled => Found::Disabled,
            [] => Found::Unknown,
            [Target::Elsewhere(same)] if same == address => Found::NotOurs,
            _ => Found::Targets(self.targets),
        }
    }

    fn note(&mut self, step: impl Fn() -> String) {
        (self.note)(&step);
    }

    /// Follows one address to its targets. Finding nothing is no error: other branches may find something.
    fn follow(&mut self, address: &Address) -> Result<(), Stop> {
        let key = address.key();
        if self.chain.contains(&key) || self.chain.len() == MAX_CHAIN {
            self.chain.push(key);
            return Err(Stop::Loop(std::mem::take(&mut self.chain)));
        }
        // Several ways may lead to the same address; it gets one copy.
        if !self.seen.insert(key.clone()) {
            return Ok(());
        }
        if self.seen.len() > MAX_ADDRESSES {
            return Err(Stop::TooMany);
        }
        self.chain.push(key);
        self.follow_new(address)?;
        self.chain.pop();
        Ok(())
    }

    fn follow_new(&mut self, address: &Address) -> Result<(), Stop> {
        let Some(domain) = domain::by_name(self.tx, address.domain())? else {
            return self.outside(address);
        };
        if !domain.active {
            self.note(|| format!("{} is hosted here, and switched off", domain.name));
            self.met_domain_off = true;
            return Ok(());
        }
        if let Some(other) = &domain.alias_of {
            return self.in_alias_domain(address, other);
        }
        if self.named(address)? {
            return Ok(());
        }
        let base = self.without_tag(address);
        if let Some(base) = &base
            && self.named(base)?
        {
            return Ok(());
        }
        let address = base.as_ref().unwrap_or(address);
        if self.role(address)? || self.catch_all(address)? {
            return Ok(());
        }
        self.note(|| format!("nothing answers to {address}"));
        Ok(())
    }

    /// The domain is not hosted. Our own host name still has a postmaster (RFC 5321 §4.5.1).
    fn outside(&mut self, address: &Address) -> Result<(), Stop> {
        if address.domain().eq_ignore_ascii_case(&self.config.hostname) {
            return self.on_this_host(address);
        }
        self.note(|| format!("{} is not hosted here", address.domain()));
        self.targets.push(Target::Elsewhere(address.clone()));
        Ok(())
    }

    /// Programs on this machine write to `root@host`, or to a bare name, which comes to the same (A22): an alias of that name or a
    /// person of the first domain; else the postmaster, for role names and the names of system users.
    fn on_this_host(&mut self, address: &Address) -> Result<(), Stop> {
        self.note(|| format!("{} is the name of this server", address.domain()));
        if self.aliases(&address.key(), address)? {
            return Ok(());
        }
        if let Ok(person) = address.in_domain(&self.config.domain)
            && self.named(&person)?
        {
            return Ok(());
        }
        if is_role(address) || is_system_user(address) {
            self.note(|| format!("mail for {address} goes to the postmaster"));
            return self.postmaster();
        }
        self.note(|| format!("nothing answers to {address}"));
        Ok(())
    }

    /// E27: what the alias domain itself names, else the same user of the other domain.
    fn in_alias_domain(&mut self, address: &Address, other: &str) -> Result<(), Stop> {
        if self.aliases(&address.key(), address)? || self.account(address)? {
            return Ok(());
        }
        let Ok(there) = address.in_domain(other) else {
            return Ok(());
        };
        self.note(|| {
            format!(
                "{} is an alias of the domain {other}: {there}",
                address.domain()
            )
        });
        self.follow(&there)
    }

    /// An alias or account of exactly this address, or an alias of its local part in every domain.
    fn named(&mut self, address: &Address) -> Result<bool, Stop> {
        Ok(self.aliases(&address.key(), address)?
            || self.account(address)?
            || self.aliases(&address.local().to_lowercase(), address)?)
    }

    fn without_tag(&mut self, address: &Address) -> Option<Address> {
        let (base, _) = address.split_tag(self.config.mail.subaddress?)?;
        self.note(|| format!("nothing answers to {address} itself; without its tag it is {base}"));
        Some(base)
    }

    fn role(&mut self, address: &Address) -> Result<bool, Stop> {
        if !is_role(address) {
            return Ok(false);
        }
        if !address.local().eq_ignore_ascii_case("postmaster")
            && let Ok(postmaster) = Address::parse(&format!("postmaster@{}", address.domain()))
        {
            self.note(|| {
                format!(
                    "{} is a role name: it leads to {postmaster}",
                    address.local()
                )
            });
            self.follow(&postmaster)?;
        } else {
            self.postmaster()?;
        }
        Ok(true)
    }

    /// The configured postmaster, else the oldest account.
    fn postmaster(&mut self) -> Result<(), Stop> {
        if let Some(address) = self.config.postmaster.as_deref() {
            self.note(|| format!("the configuration names {address} as postmaster"));
            return match Address::parse(address) {
                Ok(address) => self.follow(&address),
                Err(_) => Ok(()),
            };
        }
        let accounts = account::list(self.tx)?;
        match accounts.into_iter().min_by_key(|account| account.created) {
            Some(oldest) => {
                self.note(|| format!("the oldest account, {}, is postmaster", oldest.address));
                self.add_account(oldest);
            }
            None => self.note(|| "there is no account to be postmaster".into()),
        }
        Ok(())
    }

    fn catch_all(&mut self, address: &Address) -> Result<bool, Stop> {
        Ok(self.aliases(&format!("@{}", address.domain()), address)?
            || self.aliases("@", address)?)
    }

    /// Follows the targets of an alias; false if there is no such alias.
    fn aliases(&mut self, source: &str, address: &Address) -> Result<bool, Stop> {
        let targets = alias::targets(self.tx, source)?;
        if !targets.is_empty() {
            self.note(|| format!("the alias {source} leads to {}", targets.join(", ")));
        }
        for target in &targets {
            self.target(target, address)?;
        }
        Ok(!targets.is_empty())
    }

    fn target(&mut self, target: &str, address: &Address) -> Result<(), Stop> {
        // A bare name is looked up in the domain that led to it.
        let parsed = match target.contains('@') {
            true => Address::parse(target),
            false => Address::parse(&format!("{target}@{}", address.domain())),
        };
        match parsed {
            // `alice@… -> alice@…` beside other targets: a copy stays in alice's own mailbox.
            Ok(own) if own.key() == address.key() && self.account(address)? => Ok(()),
            Ok(next) => self.follow(&next),
            Err(error) => {
                self.note(|| format!("{target} is not an address ({error}) and leads nowhere"));
                Ok(())
            }
        }
    }

    fn account(&mut self, address: &Address) -> Result<bool, Stop> {
        let Some(account) = account::by_address(self.tx, &address.key())? else {
            return Ok(false);
        };
        self.note(|| format!("{} is an account", account.address));
        self.add_account(account);
        Ok(true)
    }

    fn add_account(&mut self, account: Account) {
        if !account.active && self.config.mail.disabled == DisabledMail::Refuse {
            self.note(|| format!("{} is disabled and takes no mail", account.address));
            self.met_disabled = true;
            return;
        }
        let same =
            |target: &Target| matches!(target, Target::Account(known) if known.id == account.id);
        if !self.targets.iter().any(same) {
            self.targets.push(Target::Account(Box::new(account)));
        }
    }
}

/// Whether the system has a user of this name: what its programs and their failures have to say shall be read. This runs on a thread
/// of the store, where waiting for the system's answer is allowed.
fn is_system_user(address: &Address) -> bool {
    let local = address.local();
    !local.is_empty() && matches!(nix::unistd::User::from_name(local), Ok(Some(_)))
}

fn is_role(address: &Address) -> bool {
    ROLES
        .iter()
        .any(|role| address.local().eq_ignore_ascii_case(role))
}
