//! ESEARCH: a search in several mailboxes (RFC 7377), each of which has a response of its own, if something was found in it.
//!
//! Only the selected mailbox has message numbers and `$`, so a search that names them looks nowhere else.

use super::answer::Answer;
use super::context;
use super::criteria::Criterion;
use super::filter;
use super::finding::Finding;
use crate::listen::imap::connection::Connection;
use crate::listen::imap::failure::{Failure, Outcome};
use crate::listen::imap::groups::{Candidate, holds};
use crate::listen::imap::list::read_names;
use crate::listen::imap::locate::locate;
use crate::listen::imap::names::{Names, Node};
use crate::listen::imap::state::Account;
use crate::listen::imap::view::{Access, View};
use ::store::entry;
use ::store::share::Rights;
use imap::Tag;
use imap::command::MultiSearch;
use imap::notify::Mailboxes;
use imap::response::Status;
use imap::search::{Key, Search};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Where a search looks.
struct Place<'a> {
    /// The name that the answer has.
    name: String,
    uid_validity: u32,
    view: &'a View,
}

/// ESEARCH.
pub(in crate::listen::imap) async fn multi_search(
    account: &Account,
    mut selected: Option<&mut View>,
    connection: &mut Connection,
    tag: &Tag,
    parameters: MultiSearch,
) -> Outcome {
    let MultiSearch {
        sources,
        mut search,
    } = parameters;
    let only_selected = sources.iter().all(|source| *source == Mailboxes::Selected);
    check(only_selected, selected.is_some(), &search)?;
    search.key = filter::expanded(connection, account.id(), &search.key).await?;
    if search.result.is_some_and(|options| options.update) {
        // RFC 7377 §2.1: only SEARCH has results that are kept up to date.
        context::refuse(connection, tag);
    }
    let names = read_names(connection, account).await?;
    for name in chosen(&names, account, selected.as_deref(), &sources) {
        let Some((validity, opened, is_selected)) =
            open(connection, account, selected.as_deref(), &name).await?
        else {
            continue;
        };
        let view = match (is_selected, selected.as_deref()) {
            (true, Some(view)) => view,
            _ => &opened,
        };
        let place = Place {
            name,
            uid_validity: validity,
            view,
        };
        let saved = search_one(connection, tag, &search, place).await?;
        if let (Some(saved), Some(view)) = (saved, selected.as_deref_mut()) {
            view.save(saved);
        }
        connection.flush_if_full().await?;
    }
    Ok(Status::ok("Searched."))
}

/// RFC 7377 §2.1, §2.2
fn check(only_selected: bool, is_selected: bool, search: &Search) -> Result<(), Status> {
    let saves = search.result.is_some_and(|options| options.save);
    let numbers = search.key.any(&|key| matches!(key, Key::Sequence(_)));
    match (only_selected, is_selected) {
        (true, false) => Err(Status::bad("Select a mailbox first, or name some.")),
        (false, _) if saves => Err(Status::bad("SAVE is for the selected mailbox alone.")),
        (false, _) if numbers => Err(Status::bad(
            "Message numbers are for the selected mailbox alone.",
        )),
        _ => Ok(()),
    }
}

/// The names of the mailboxes that are searched, each once.
fn chosen(
    names: &Names,
    account: &Account,
    selected: Option<&View>,
    sources: &[Mailboxes],
) -> BTreeSet<String> {
    let selected_only = [Mailboxes::Selected];
    let sources = match sources.is_empty() {
        true => &selected_only[..],
        false => sources,
    };
    let readable = names
        .0
        .iter()
        .filter(|(_, node)| node.mailbox.is_some() && node.rights().contains(Rights::READ));
    readable
        .filter(|(name, node)| {
            let candidate = Candidate {
                name,
                foreign: node.shared.is_some(),
                subscribed: node.subscribed,
                selected: selected.is_some_and(|view| is_of(node, account, view)),
            };
            sources.iter().any(|source| holds(source, candidate))
        })
        .map(|(name, _)| name.clone())
        .collect()
}

fn is_of(node: &Node, account: &Account, view: &View) -> bool {
    let owner = node.shared.map_or(account.id(), |(owner, _)| owner);
    let mailbox = node.mailbox.as_ref().map(|mailbox| mailbox.id);
    owner == view.owner && mailbox == Some(view.mailbox.mailbox)
}

/// A mailbox as it is now, its UIDVALIDITY, and whether it is the selected one; `None` if it is gone meanwhile.
async fn open(
    connection: &Connection,
    account: &Account,
    selected: Option<&View>,
    name: &str,
) -> Result<Option<(u32, View, bool)>, Failure> {
    let (viewer, of) = (account.id(), name.to_owned());
    let read = connection.services.store.read(move |tx| {
        let Some(located) = locate(tx, viewer, &of)? else {
            return Ok(None);
        };
        let uids = entry::uids(tx, located.owner, located.viewed)?;
        Ok(Some((located, uids)))
    });
    let opened = read.await?;
    let readable = opened.filter(|(located, _)| located.rights.contains(Rights::READ));
    Ok(readable.map(|(located, uids)| {
        let mut view = View::new(located.owner, &located.mailbox, &uids, Access::Read);
        view.mailbox = located.viewed;
        let is_selected = selected.is_some_and(|selected| {
            selected.owner == view.owner && selected.mailbox.mailbox == view.mailbox.mailbox
        });
        (located.mailbox.uid_validity.0, view, is_selected)
    }))
}

/// Searches one mailbox. UIDs to keep for `$`, if SAVE was given.
async fn search_one(
    connection: &mut Connection,
    tag: &Tag,
    search: &Search,
    place: Place<'_>,
) -> Result<Option<Vec<std::ops::RangeInclusive<u32>>>, Failure> {
    let now = connection.services.clock.now();
    let view = place.view;
    let criterion = Arc::new(Criterion::new(&search.key, view, now)?);
    let finding = Finding::new(view.owner, view.mailbox, criterion, view.uids());
    let mut finding = finding.telling(connection, tag);
    let by_modseq = search.key.any(&|key| matches!(key, Key::ModSeq(_)));
    let options = search.result.unwrap_or_default();
    let where_found = (place.name.as_str(), place.uid_validity);
    let names = connection.enabled.names();
    let mut answer = Answer::in_mailbox(names, tag, where_found, options, by_modseq);
    while let Some(matches) = finding.next(connection).await? {
        for entry in matches {
            let number = view.number_of(entry.uid.0).unwrap_or_default();
            answer.add(number, entry.uid, entry.modseq);
        }
    }
    let saved = match answer.is_empty() {
        true => answer.unwritten(),
        false => answer.finish(&mut connection.out),
    };
    Ok(saved)
}
