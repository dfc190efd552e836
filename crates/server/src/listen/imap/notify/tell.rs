//! What happened, as a client asked to be told of it: STATUS, LIST and METADATA responses (RFC 5465 §5).

use super::Place;
use super::registered::{Registered, candidate};
use crate::listen::imap::connection::Connection;
use crate::listen::imap::failure::Failure;
use crate::listen::imap::groups::Candidate;
use crate::listen::imap::list;
use crate::listen::imap::locate;
use crate::listen::imap::names::{Names, Node};
use crate::listen::imap::state::Account;
use crate::listen::imap::status;
use ::store::change::What;
use ::store::mailbox::{self, Mailbox};
use ::store::news::{self, Messages, News};
use ::store::share::{self, Rights};
use ::store::{AccountId, MailboxId, ModSeq};
use imap::metadata::push_changed;
use imap::notify::{Event, Group};
use imap::response::{Code, Status};
use imap::status::StatusItem;
use std::collections::BTreeMap;

/// Records of a change log that are read at once. Who is further behind has to look for himself.
const MOST_RECORDS: usize = 5000;

/// News of one account.
struct Heard {
    account: AccountId,
    news: News,
}

/// Tells what happened since the client was last told. `selected` is told of elsewhere.
pub(in crate::listen::imap) async fn tell(
    connection: &mut Connection,
    account: &mut Account,
    selected: Option<Place>,
) -> Result<(), Failure> {
    let Some(mut registered) = account.notify.take() else {
        return Ok(());
    };
    let told = tell_all(connection, account, &mut registered, selected).await;
    if let Ok(Told::TooMuch) = &told {
        overflow(connection, &mut registered);
    }
    account.notify = Some(registered);
    told.map(|_| ())
}

/// Whether all was told.
enum Told {
    All,
    TooMuch,
}

/// RFC 5465 §5.8: it is as if the client had said NOTIFY NONE.
fn overflow(connection: &mut Connection, registered: &mut Registered) {
    *registered = Registered::nothing();
    let overflow = Status::ok("Too much happened; look at the mailboxes, and ask again.");
    let overflow = overflow.code(Code::NotificationOverflow);
    overflow.encode(None, &mut connection.out);
}

async fn tell_all(
    connection: &mut Connection,
    account: &Account,
    registered: &mut Registered,
    selected: Option<Place>,
) -> Result<Told, Failure> {
    let access = registered.access.as_mut().map(|access| {
        let latest = *access.watch.borrow_and_update();
        (latest, latest != access.told)
    });
    let access_changed = access.is_some_and(|(_, changed)| changed);
    let Some(heard) = hear(connection, account.id(), registered).await? else {
        return Ok(Told::TooMuch);
    };
    if access_changed || heard.iter().any(|heard| !heard.news.others.is_empty()) {
        tell_names(connection, account, registered, &heard).await?;
    }
    if let (Some(access), Some((latest, _))) = (&mut registered.access, access) {
        access.told = latest;
    }
    tell_messages(connection, account, registered, selected, &heard).await?;
    Ok(Told::All)
}

/// Reads the change logs of those accounts in which something happened. `None`: that is too much.
async fn hear(
    connection: &Connection,
    viewer: AccountId,
    registered: &mut Registered,
) -> Result<Option<Vec<Heard>>, Failure> {
    let behind = registered.sources.iter_mut().filter_map(|source| {
        let latest = *source.watch.borrow_and_update();
        (latest > source.told).then_some((source.account, source.told))
    });
    let behind: Vec<(AccountId, ModSeq)> = behind.collect();
    if behind.is_empty() {
        return Ok(Some(Vec::new()));
    }
    let read = connection.services.store.read(move |tx| {
        let mut heard = Vec::with_capacity(behind.len());
        for (account, since) in &behind {
            let news = news::news(tx, *account, viewer, *since, MOST_RECORDS)?;
            heard.push(news.map(|news| Heard {
                account: *account,
                news,
            }));
        }
        Ok(heard)
    });
    let heard: Option<Vec<Heard>> = read.await?.into_iter().collect();
    for heard in heard.iter().flatten() {
        let of = |source: &&mut super::registered::Source| source.account == heard.account;
        if let Some(source) = registered.sources.iter_mut().find(of) {
            source.told = heard.news.modseq;
        }
    }
    Ok(heard)
}

/// Names, subscriptions and annotations.
async fn tell_names(
    connection: &mut Connection,
    account: &Account,
    registered: &mut Registered,
    heard: &[Heard],
) -> Result<(), Failure> {
    let names = list::read_names(connection, account).await?;
    let own = heard.iter().find(|heard| heard.account == account.id());
    for what in own.iter().flat_map(|heard| &heard.news.others) {
        tell_own(connection, registered, &names, what);
    }
    if registered.names_others() {
        let store = connection.services.store.clone();
        let before = registered.learn_shared(&store, &names).await?;
        tell_access(connection, registered, &names, &before).await?;
    }
    tell_annotations(connection, account, registered, (&names, heard));
    Ok(())
}

/// What happened to a name of one's own.
fn tell_own(connection: &mut Connection, registered: &Registered, names: &Names, what: &What) {
    let (name, old_name, event) = match what {
        What::MailboxCreated { name, .. } | What::MailboxDeleted { name, .. } => {
            (name, None, Event::MailboxName)
        }
        What::MailboxRenamed { from, to, .. } => (to, Some(from), Event::MailboxName),
        What::Subscribed { name, .. } => (name, None, Event::SubscriptionChange),
        _ => return,
    };
    let nothing = Node::default();
    let node = names.0.get(name).unwrap_or(&nothing);
    let candidate = Candidate {
        // Of a name that was unsubscribed just now it is told that it was.
        subscribed: node.subscribed || event == Event::SubscriptionChange,
        ..candidate(name, node)
    };
    let old = old_name.map(|name| Candidate { name, ..candidate });
    let wanted = |candidate| wants(registered, candidate, &event);
    if wanted(candidate) || old.is_some_and(wanted) {
        list::tell_name(connection, name, node, old_name.map(String::as_str));
    }
}

fn wants(registered: &Registered, candidate: Candidate<'_>, event: &Event) -> bool {
    registered
        .group_of(candidate)
        .is_some_and(|group| group.has(|asked| asked == event))
}

/// Mailboxes of others that came, went or were renamed (RFC 5465 §5.4: losing the right to see one is like its end).
async fn tell_access(
    connection: &mut Connection,
    registered: &Registered,
    names: &Names,
    before: &BTreeMap<Place, String>,
) -> Result<(), Failure> {
    for (place, name) in &registered.shared {
        let Some(node) = names.0.get(name) else {
            continue;
        };
        let old_name = before.get(place).filter(|old| *old != name);
        let is_news = !before.contains_key(place) || old_name.is_some();
        if is_news && wants(registered, candidate(name, node), &Event::MailboxName) {
            list::tell_name(connection, name, node, old_name.map(String::as_str));
        }
    }
    for (place, name) in before {
        let gone = !registered.shared.contains_key(place);
        let candidate = Candidate {
            name,
            foreign: true,
            subscribed: names.0.get(name).is_some_and(|node| node.subscribed),
            selected: false,
        };
        if gone && wants(registered, candidate, &Event::MailboxName) {
            match exists(connection, *place).await? {
                true => list::tell_inaccessible(connection, name),
                false => list::tell_name(connection, name, &Node::default(), None),
            }
        }
    }
    Ok(())
}

async fn exists(connection: &Connection, (owner, id): Place) -> Result<bool, Failure> {
    let found = connection
        .services
        .store
        .read(move |tx| mailbox::by_id(tx, owner, id));
    Ok(found.await?.is_some())
}

/// Annotations that changed, without their values (RFC 5464 §4.4.2).
fn tell_annotations(
    connection: &mut Connection,
    account: &Account,
    registered: &Registered,
    (names, heard): (&Names, &[Heard]),
) {
    for Heard {
        account: owner,
        news,
    } in heard
    {
        for what in &news.others {
            let What::Annotated {
                mailbox,
                viewer,
                entry,
            } = what
            else {
                continue;
            };
            // Entries of the server's own are nobody's to know.
            if !entry.starts_with('/') {
                continue;
            }
            let theirs = *viewer != 0 && *viewer != account.id().as_u128();
            let name = match mailbox {
                0 => Some("")
                    .filter(|_| registered.has(|event| *event == Event::ServerMetadataChange)),
                id => annotated(
                    registered,
                    names,
                    account,
                    (*owner, MailboxId::from_u128(*id)),
                ),
            };
            if let (Some(name), false) = (name, theirs) {
                let name = (name, connection.enabled.names());
                push_changed(&mut connection.out, name, [entry.as_str()]);
            }
        }
    }
}

/// The name of a mailbox whose annotations are to be told of.
fn annotated<'a>(
    registered: &Registered,
    names: &'a Names,
    account: &Account,
    (owner, id): Place,
) -> Option<&'a str> {
    let (name, node) = names.0.iter().find(|(_, node)| {
        let of = node.shared.map_or(account.id(), |(owner, _)| owner);
        of == owner
            && node
                .mailbox
                .as_ref()
                .is_some_and(|mailbox| mailbox.id == id)
    })?;
    let readable = node.rights().contains(Rights::READ);
    let wanted = wants(
        registered,
        candidate(name, node),
        &Event::MailboxMetadataChange,
    );
    (readable && wanted).then_some(name)
}

/// A mailbox in which something happened to messages.
struct Happened {
    owner: AccountId,
    mailbox: Mailbox,
    messages: Messages,
}

/// STATUS of each mailbox in which messages came, went or changed (RFC 5465 §5.1–5.3).
async fn tell_messages(
    connection: &mut Connection,
    account: &Account,
    registered: &Registered,
    selected: Option<Place>,
    heard: &[Heard],
) -> Result<(), Failure> {
    for happened in look_at(connection, account.id(), registered, selected, heard).await? {
        let (mailbox, messages) = (&happened.mailbox, happened.messages);
        let candidate = Candidate {
            name: &mailbox.name,
            foreign: happened.owner != account.id(),
            subscribed: mailbox.subscribed,
            selected: false,
        };
        let Some(group) = registered.group_of(candidate) else {
            continue;
        };
        let wanted = group.has(|event| match event {
            Event::MessageNew(_) => messages.added,
            Event::MessageExpunge => messages.expunged,
            Event::FlagChange => messages.flags,
            _ => false,
        });
        if wanted {
            let items = status_items(group, account.condstore);
            status::respond(connection, happened.owner, mailbox, &items).await?;
            connection.flush_if_full().await?;
        }
    }
    Ok(())
}

/// What of a mailbox is told.
pub(super) fn status_items(group: &Group, condstore: bool) -> Vec<StatusItem> {
    let mut items = vec![
        StatusItem::UidValidity,
        StatusItem::UidNext,
        StatusItem::Messages,
        StatusItem::Unseen,
    ];
    if condstore || group.has(|event| *event == Event::FlagChange) {
        items.push(StatusItem::HighestModSeq);
    }
    items
}

/// These mailboxes as they are now to who asks, but for those that are gone or that he may not read.
async fn look_at(
    connection: &Connection,
    viewer: AccountId,
    registered: &Registered,
    selected: Option<Place>,
    heard: &[Heard],
) -> Result<Vec<Happened>, Failure> {
    let happened = heard.iter().flat_map(|heard| {
        let each = heard.news.messages.iter();
        each.map(|(id, messages)| ((heard.account, *id), *messages))
    });
    let is_known = |place: &Place| place.0 == viewer || registered.shared.contains_key(place);
    let happened: Vec<(Place, Option<String>, Messages)> = happened
        .filter(|(place, _)| selected != Some(*place) && is_known(place))
        .map(|(place, messages)| (place, registered.shared.get(&place).cloned(), messages))
        .collect();
    if happened.is_empty() {
        return Ok(Vec::new());
    }
    let read = connection.services.store.read(move |tx| {
        let mut found = Vec::new();
        let mut subscriptions = None;
        for ((owner, id), name, messages) in &happened {
            let Some(mut mailbox) = mailbox::by_id(tx, *owner, *id)? else {
                continue;
            };
            if let Some(name) = name {
                if !share::rights(tx, *owner, *id, viewer)?.contains(Rights::READ) {
                    continue;
                }
                locate::viewed(tx, *owner, &mut mailbox, viewer)?;
                if subscriptions.is_none() {
                    subscriptions = Some(mailbox::subscriptions(tx, viewer)?);
                }
                mailbox.subscribed = subscriptions.iter().flatten().any(|known| known == name);
                mailbox.name = name.clone();
            }
            found.push(Happened {
                owner: *owner,
                mailbox,
                messages: *messages,
            });
        }
        Ok(found)
    });
    Ok(read.await?)
}
