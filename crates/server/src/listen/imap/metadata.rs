//! GETMETADATA and SETMETADATA (RFC 5464): annotations of mailboxes and of the server, for oneself (`/private`) or for all (`/shared`).
//!
//! `/private/specialuse` is what the mailbox is for (RFC 6154 §4), and `/shared/admin` of the server whom to write to. What is shared of
//! the server is the administrator's to set; but `/shared/imapsieve/script`, which names a script for all mailboxes of an account, is its own.

use super::connection::Connection;
use super::failure::Outcome;
use super::locate::{Located, Otherwise, locate_with, no_permission};
use super::mask;
use super::names;
use super::search::filter;
use super::state::Account;
use crate::scripts::event::ANNOTATION;
use ::store::annotation::{self, Depth, Place};
use ::store::mailbox;
use ::store::share::Rights;
use ::store::{AccountId, Result as StoreResult, Tx};
use imap::list::Use;
use imap::metadata::{self, EntryName, GetMetadata, Scope, SetMetadata};
use imap::response::{Code, Status};

/// Octets of the longest value.
const MAX_VALUE: usize = 64 * 1024;
/// Entries of one mailbox and scope.
const MAX_ENTRIES: usize = 200;
/// Octets of values told in one response; those beyond it count as too long.
const MAX_TOLD: usize = 4 * 1024 * 1024;
/// What the mailbox is for.
const SPECIAL_USE: &str = "/private/specialuse";
/// Whom to write to about the server (RFC 5464 §6.2.1).
const ADMIN: &str = "/shared/admin";

type Values = Vec<(String, Option<Vec<u8>>)>;

/// GETMETADATA.
pub(super) async fn get(
    connection: &mut Connection,
    account: &Account,
    wanted: GetMetadata,
) -> Outcome {
    let viewer = account.id();
    let name = wanted
        .mailbox
        .as_ref()
        .map_or("", |name| name.as_str())
        .to_owned();
    let admin = admin(connection);
    let (asked, target) = (wanted.clone(), name.clone());
    let read = connection.services.store.read(move |tx| {
        let target = match Target::find(tx, viewer, &target, Rights::READ)? {
            Ok(target) => target,
            Err(refused) => return Ok(Err(refused)),
        };
        let mut values = Values::new();
        for entry in &asked.entries {
            values.extend(target.read(tx, entry, depth(asked.depth), &admin)?);
        }
        Ok(Ok(values))
    });
    let (told, longest) = within(read.await??, wanted.max_size);
    if !told.is_empty() {
        let told = told
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_deref()));
        let name = (name.as_str(), connection.enabled.names());
        metadata::push(&mut connection.out, name, told);
    }
    let done = Status::ok("Annotations told.");
    Ok(match longest {
        Some(size) => done.code(Code::MetadataLongEntries(size)),
        None => done,
    })
}

/// What is told of values of which none may be longer than `max_size`, and the longest that is not.
fn within(mut values: Values, max_size: Option<u64>) -> (Values, Option<u64>) {
    values.sort();
    values.dedup_by(|later, earlier| later.0 == earlier.0);
    let limit = max_size.map_or(usize::MAX, |size| {
        usize::try_from(size).unwrap_or(usize::MAX)
    });
    let (mut longest, mut room) = (None, MAX_TOLD);
    values.retain(|(_, value)| {
        let size = value.as_ref().map_or(0, Vec::len);
        let fits = size <= limit && size <= room;
        match fits {
            true => room -= size,
            false => longest = longest.max(Some(size as u64)),
        }
        fits
    });
    (values, longest)
}

fn depth(depth: metadata::Depth) -> Depth {
    match depth {
        metadata::Depth::Zero => Depth::Zero,
        metadata::Depth::One => Depth::One,
        metadata::Depth::Infinity => Depth::Infinity,
    }
}

fn admin(connection: &Connection) -> String {
    connection.services.config.load().admin_uri()
}

/// These entries of a mailbox, for LIST (RFC 9590): a value or `None` for each.
pub(super) fn of_mailbox(
    tx: &mut Tx<'_>,
    viewer: AccountId,
    name: &str,
    entries: &[EntryName],
) -> StoreResult<Option<Values>> {
    let Ok(target) = Target::find(tx, viewer, name, Rights::READ)? else {
        return Ok(None);
    };
    let mut values = Values::new();
    for entry in entries {
        values.extend(target.read(tx, entry, Depth::Zero, "")?);
    }
    Ok(Some(within(values, None).0))
}

/// SETMETADATA: all entries or none.
pub(super) async fn set(
    connection: &mut Connection,
    account: &Account,
    set: SetMetadata,
) -> Outcome {
    let longest = set
        .entries
        .iter()
        .filter_map(|(_, value)| value.as_ref())
        .map(Vec::len)
        .max();
    if longest > Some(MAX_VALUE) {
        return Ok(Status::no("A value is too long.").code(Code::MetadataMaxSize(MAX_VALUE as u64)));
    }
    let viewer = account.id();
    let name = set
        .mailbox
        .as_ref()
        .map_or("", |name| name.as_str())
        .to_owned();
    let written = connection.services.store.write(move |tx| {
        let target = match Target::find(tx, viewer, &name, Rights::READ)? {
            Ok(target) => target,
            Err(refused) => return Ok(Err(refused)),
        };
        // All that can be refused is refused before anything is written.
        if let Err(refused) = target.admits(tx, &set)? {
            return Ok(Err(refused));
        }
        for (entry, value) in &set.entries {
            target.write(tx, entry, value.as_deref())?;
        }
        Ok(Ok(()))
    });
    written.await??;
    Ok(Status::ok("Annotated."))
}

/// What is annotated.
enum Target {
    Server(AccountId),
    Mailbox(AccountId, Box<Located>),
}

impl Target {
    /// The server, or a mailbox that can be looked up and in which there are these rights.
    fn find(
        tx: &mut Tx<'_>,
        viewer: AccountId,
        name: &str,
        needed: Rights,
    ) -> StoreResult<Result<Target, Status>> {
        if name.is_empty() {
            return Ok(Ok(Target::Server(viewer)));
        }
        let needed = needed.with(Rights::LOOKUP);
        let located = locate_with(tx, viewer, name, needed, Otherwise::NoMailbox)?;
        Ok(located.map(|located| Target::Mailbox(viewer, Box::new(located))))
    }

    /// Where an entry is kept.
    fn place_of(&self, entry: &EntryName) -> Place {
        match self {
            // RFC 6785 §2.3: which script an account wants for all its mailboxes is its own affair.
            Target::Server(viewer) if entry.as_str() == ANNOTATION => Place::of_account(*viewer),
            _ => self.place(entry.scope()),
        }
    }

    fn place(&self, scope: Scope) -> Place {
        match (self, scope) {
            (Target::Server(viewer), Scope::Private) => Place::of_account(*viewer),
            (Target::Server(_), Scope::Shared) => Place::of_server(),
            (Target::Mailbox(viewer, at), Scope::Private) => {
                Place::private(at.owner, at.mailbox.id, *viewer)
            }
            (Target::Mailbox(_, at), Scope::Shared) => Place::shared(at.owner, at.mailbox.id),
        }
    }

    /// The entry and what is below it; an entry that has no value is told as such.
    fn read(
        &self,
        tx: &mut Tx<'_>,
        entry: &EntryName,
        depth: Depth,
        admin: &str,
    ) -> StoreResult<Values> {
        let stored = annotation::read(tx, self.place_of(entry), entry.as_str(), depth)?;
        let mut values: Values = stored
            .into_iter()
            .map(|(name, value)| (name, Some(value)))
            .collect();
        if let Some(value) = self.built_in(entry, admin) {
            values.push((entry.as_str().to_owned(), Some(value)));
        }
        if depth == Depth::Zero && values.is_empty() {
            values.push((entry.as_str().to_owned(), None));
        }
        Ok(values)
    }

    /// Values that are kept elsewhere.
    fn built_in(&self, entry: &EntryName, admin: &str) -> Option<Vec<u8>> {
        match (self, entry.as_str()) {
            (Target::Server(_), ADMIN) => Some(admin.into()),
            (Target::Mailbox(viewer, at), SPECIAL_USE) if !at.is_foreign(*viewer) => {
                let special = at.mailbox.special_use?;
                Some(names::special_use(special).as_str().into())
            }
            _ => None,
        }
    }

    /// May these entries be set, and is there room for them?
    fn admits(&self, tx: &mut Tx<'_>, set: &SetMetadata) -> StoreResult<Result<(), Status>> {
        for scope in [Scope::Private, Scope::Shared] {
            let entries = set
                .entries
                .iter()
                .filter(|(entry, _)| entry.scope() == scope);
            let new = entries.clone().filter(|(_, value)| value.is_some()).count();
            if entries.clone().count() == 0 {
                continue;
            }
            let own = entries.clone().all(|(entry, _)| self.is_own(entry));
            if scope == Scope::Shared && !own && !self.may_share() {
                return Ok(Err(no_permission()));
            }
            if new > 0 && annotation::count(tx, self.place(scope))? + new > MAX_ENTRIES {
                let full = Status::no("There are too many annotations; remove some first.");
                return Ok(Err(full.code(Code::MetadataTooMany)));
            }
        }
        Ok(self
            .admits_filters(set)
            .and_then(|()| self.admits_uses(set)))
    }

    /// Filters are annotations of the server (RFC 5466 §3), and what one hides is.
    fn admits_filters(&self, set: &SetMetadata) -> Result<(), Status> {
        let of_server = matches!(self, Target::Server(_));
        let mut entries = set.entries.iter().filter(|_| of_server);
        entries.try_for_each(|(entry, value)| {
            filter::admits(entry.as_str(), value.as_deref())?;
            mask::admits(entry.as_str(), value.as_deref())
        })
    }

    /// Only a mailbox of one's own has a use, and it must be one that there is.
    fn admits_uses(&self, set: &SetMetadata) -> Result<(), Status> {
        let mut uses = set
            .entries
            .iter()
            .filter(|(entry, _)| entry.as_str() == SPECIAL_USE);
        let admits = |value: &Option<Vec<u8>>| match (self, value) {
            (Target::Mailbox(viewer, at), value) if !at.is_foreign(*viewer) => value
                .as_deref()
                .is_none_or(|value| special_use(value).is_some()),
            _ => false,
        };
        match uses.all(|(_, value)| admits(value)) {
            true => Ok(()),
            false => {
                Err(Status::no("The mailbox cannot have that special use.").code(Code::UseAttr))
            }
        }
    }

    /// Is it the account's own although it is called shared?
    fn is_own(&self, entry: &EntryName) -> bool {
        matches!(self, Target::Server(_)) && entry.as_str() == ANNOTATION
    }

    fn may_share(&self) -> bool {
        match self {
            Target::Server(_) => false,
            Target::Mailbox(_, at) => at.rights.contains(Rights::WRITE),
        }
    }

    fn write(&self, tx: &mut Tx<'_>, entry: &EntryName, value: Option<&[u8]>) -> StoreResult<()> {
        match self {
            Target::Mailbox(_, at) if entry.as_str() == SPECIAL_USE => {
                mailbox::set_special_use(tx, at.owner, at.mailbox.id, value.and_then(special_use))
            }
            _ => annotation::set(tx, self.place_of(entry), entry.as_str(), value),
        }
    }
}

/// The use of this name that a mailbox may have.
fn special_use(value: &[u8]) -> Option<mailbox::SpecialUse> {
    let named = Use::EVERY
        .into_iter()
        .find(|known| value.eq_ignore_ascii_case(known.as_str().as_bytes()))?;
    names::mailbox_use(named)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 5464 §4.2.1: the longest value that was left out is told.
    #[test]
    fn long_values_are_left_out() {
        let value = |name: &str, size| (name.to_owned(), Some(vec![b'x'; size]));
        let values = vec![
            value("b", 20),
            value("a", 10),
            value("c", 30),
            value("a", 10),
            ("d".into(), None),
        ];
        let (told, longest) = within(values, Some(15));
        assert_eq!(
            told.iter()
                .map(|(name, _)| name.as_str())
                .collect::<Vec<_>>(),
            ["a", "d"]
        );
        assert_eq!(longest, Some(30));
    }
}
