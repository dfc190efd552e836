//! SELECT, EXAMINE and UNSELECT (RFC 3501 §6.3.1–2, RFC 3691, RFC 7162 §3.1.8 and §3.2.5, RFC 8474 §4.2, RFC 9051 §6.3.2).

use super::connection::{Connection, Ended};
use super::failure::{self, Failure};
use super::flags;
use super::list;
use super::locate::{Located, Otherwise, locate_with, settable};
use super::object_id;
use super::recent::Recent;
use super::resync;
use super::state::{Account, Authenticated, Selected, State};
use super::updates::push_exists;
use super::view::{Access, View};
use ::store::entry::{self, Traces};
use ::store::share::Rights;
use ::store::{ModSeq, UidValidity};
use imap::Tag;
use imap::command::{QResync, Select};
use imap::response::{Code, Status};
use std::ops::RangeInclusive;

/// How a mailbox is to be opened.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Mode {
    /// For reading and writing.
    Select,
    /// For reading.
    Examine,
}

/// A mailbox at the moment it is opened.
struct Opened {
    located: Located,
    uids: Vec<RangeInclusive<u32>>,
    first_unseen: Option<u32>,
    /// What happened since the client was here, if it said when.
    traces: Option<Traces>,
}

/// The answer to parameters that cannot be taken; then nothing changes.
pub(super) fn refusal(connection: &Connection, parameters: &Select) -> Option<Status> {
    let too_early = parameters.qresync.is_some() && !connection.enabled.qresync;
    too_early.then(|| Status::bad("QRESYNC is to be enabled first."))
}

/// RFC 7162 §3.2.11, RFC 9051 §7.1: what was selected is closed, and what follows is of the new mailbox.
pub(super) fn tell_closed(connection: &mut Connection, account: &Account) {
    if account.condstore || connection.enabled.rev2 {
        let closed = Status::ok("The other mailbox is closed.").code(Code::Closed);
        closed.encode(None, &mut connection.out);
    }
}

/// SELECT or EXAMINE. Whatever was selected before is not any more, also if this fails.
pub(super) async fn select(
    mut account: Account,
    connection: &mut Connection,
    tag: Tag,
    parameters: Select,
    mode: Mode,
) -> Result<State, Ended> {
    account.condstore |= parameters.condstore;
    account.watch.borrow_and_update();
    match open(connection, &account, &parameters).await {
        Ok(opened) => opened_as(account, connection, tag, parameters, mode, opened).await,
        Err(failed) => {
            connection.answer(&tag, &failure::answer(Err(failed))?);
            Ok(State::Authenticated(Authenticated { account }))
        }
    }
}

/// Describes the mailbox, and what happened in it since the client was last there.
async fn opened_as(
    account: Account,
    connection: &mut Connection,
    tag: Tag,
    parameters: Select,
    mode: Mode,
    opened: Opened,
) -> Result<State, Ended> {
    let access = access(mode, opened.located.rights);
    let view = view(&opened, access);
    let watch = match view.owner == account.id() {
        true => account.watch.clone(),
        false => connection.services.store.watch(view.owner),
    };
    let mut selected = Box::new(Selected::new(account, view, watch));
    selected.view.recent = Recent::opened(
        &connection.services.recents,
        selected.view.owner,
        &opened.located.mailbox,
    );
    describe(connection, &opened, &mut selected.view);
    let mut status = opened_for(access);
    if let (Some(traces), Some(qresync)) = (opened.traces, parameters.qresync) {
        let told = resync::tell(&mut selected, connection, &qresync, traces).await;
        if let Err(failed) = told {
            status = failure::answer(Err(failed))?;
            connection.answer(&tag, &status);
            let account = selected.account;
            return Ok(State::Authenticated(Authenticated { account }));
        }
    }
    connection.answer(&tag, &status);
    Ok(State::Selected(selected))
}

/// UNSELECT: leaves the mailbox without expunging.
pub(super) fn unselect(state: Selected, connection: &mut Connection, tag: &Tag) -> State {
    connection.answer(tag, &Status::ok("No mailbox is selected."));
    State::Authenticated(Authenticated {
        account: state.account,
    })
}

/// RFC 4314 §5.2: who may change nothing has it open for reading only.
fn access(mode: Mode, rights: Rights) -> Access {
    let changing = [
        Rights::SEEN,
        Rights::WRITE,
        Rights::INSERT,
        Rights::DELETE_MESSAGES,
        Rights::EXPUNGE,
    ];
    match mode {
        Mode::Select if changing.into_iter().any(|right| rights.contains(right)) => Access::Write,
        Mode::Select | Mode::Examine => Access::Read,
    }
}

fn view(opened: &Opened, access: Access) -> View {
    let located = &opened.located;
    let mut view = View::new(located.owner, &located.mailbox, &opened.uids, access);
    view.mailbox = located.viewed;
    view.rights = located.rights;
    view
}

fn opened_for(access: Access) -> Status {
    match access {
        Access::Write => Status::ok("Opened for reading and writing.").code(Code::ReadWrite),
        Access::Read => Status::ok("Opened for reading.").code(Code::ReadOnly),
    }
}

async fn open(
    connection: &Connection,
    account: &Account,
    parameters: &Select,
) -> Result<Opened, Failure> {
    let (id, name) = (account.id(), parameters.mailbox.as_str().to_owned());
    let since = parameters.qresync.as_ref().map(known_state);
    let opened = connection.services.store.read(move |tx| {
        let located = match locate_with(tx, id, &name, Rights::READ, Otherwise::NoMailbox)? {
            Ok(located) => located,
            Err(refused) => return Ok(Err(refused)),
        };
        let uids = entry::uids(tx, located.owner, located.viewed)?;
        let first_unseen = match located.mailbox.unseen {
            0 => None,
            _ => entry::first_unseen(tx, located.owner, located.viewed)?,
        };
        // RFC 7162 §3.2.5: what a client knows of another UIDVALIDITY is worth nothing.
        let since = since.filter(|(validity, _)| *validity == located.mailbox.uid_validity);
        let traces = match since {
            Some((_, since)) => Some(entry::traces(tx, located.owner, located.viewed, since)?),
            None => None,
        };
        Ok(Ok(Opened {
            located,
            uids,
            first_unseen: first_unseen.map(|uid| uid.0),
            traces,
        }))
    });
    Ok(opened.await??)
}

fn known_state(qresync: &QResync) -> (UidValidity, ModSeq) {
    (UidValidity(qresync.uid_validity), ModSeq(qresync.modseq))
}

/// The untagged responses that RFC 3501 §6.3.1 or RFC 9051 §6.3.2 requires, HIGHESTMODSEQ and MAILBOXID.
fn describe(connection: &mut Connection, opened: &Opened, view: &mut View) {
    let (mailbox, rev2) = (&opened.located.mailbox, connection.enabled.rev2);
    let uidonly = connection.enabled.uidonly;
    let out = &mut connection.out;
    flags::push_applicable(out, &[]);
    let permanent = match view.access {
        Access::Write => flags::permanent(settable(view.rights)),
        Access::Read => "()".to_owned(),
    };
    let tell = |out: &mut Vec<u8>, code, text: &str| Status::ok(text).code(code).encode(None, out);
    tell(
        out,
        Code::PermanentFlags(permanent),
        "These flags can be set.",
    );
    push_exists(out, view.exists());
    view.push_recent(connection);
    let out = &mut connection.out;
    let unseen = opened.first_unseen.and_then(|uid| view.number_of(uid));
    if let Some(number) = unseen.filter(|_| !rev2 && !uidonly) {
        tell(out, Code::Unseen(number), "First unseen message.");
    }
    tell(
        out,
        Code::UidValidity(mailbox.uid_validity.0),
        "UIDs are valid.",
    );
    tell(out, Code::UidNext(mailbox.uid_next.0), "Next UID.");
    // RFC 7162 §7: a mod-sequence is never zero.
    tell(
        out,
        Code::HighestModSeq(mailbox.modseq.0.max(1)),
        "Highest mod-sequence.",
    );
    if connection.services.config.load().imap.urlauth {
        tell(out, Code::UrlMech, "URLs can be authorised.");
    }
    let id = object_id::of_mailbox(mailbox.id);
    tell(out, Code::MailboxId(id), "Its id.");
    if rev2 {
        list::tell_selected(connection, &mailbox.name);
    }
}
