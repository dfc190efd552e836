//! SELECT, EXAMINE and UNSELECT (RFC 3501 §6.3.1–2, RFC 3691, RFC 7162 §3.1.8).

use super::connection::{Connection, Ended};
use super::failure::{self, Failure};
use super::flags;
use super::locate::{Located, Otherwise, locate_with, settable};
use super::state::{Account, Authenticated, Selected, State};
use super::updates::push_exists;
use super::view::{Access, View};
use ::store::entry;
use ::store::share::Rights;
use imap::Tag;
use imap::command::Select;
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
        Ok(opened) => {
            let access = access(mode, opened.located.rights);
            let view = view(&opened, access);
            describe(&mut connection.out, &opened, &view);
            connection.answer(&tag, &opened_as(access));
            let watch = match view.owner == account.id() {
                true => account.watch.clone(),
                false => connection.services.store.watch(view.owner),
            };
            let selected = Selected {
                account,
                view,
                watch,
            };
            Ok(State::Selected(Box::new(selected)))
        }
        Err(failed) => {
            connection.answer(&tag, &failure::answer(Err(failed))?);
            Ok(State::Authenticated(Authenticated { account }))
        }
    }
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

fn opened_as(access: Access) -> Status {
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
        Ok(Ok(Opened {
            located,
            uids,
            first_unseen: first_unseen.map(|uid| uid.0),
        }))
    });
    Ok(opened.await??)
}

/// The untagged responses that RFC 3501 §6.3.1 requires, and HIGHESTMODSEQ. `\Recent` is not kept: no message has it.
fn describe(out: &mut Vec<u8>, opened: &Opened, view: &View) {
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
    out.extend_from_slice(b"* 0 RECENT\r\n");
    if let Some(number) = opened.first_unseen.and_then(|uid| view.number_of(uid)) {
        tell(out, Code::Unseen(number), "First unseen message.");
    }
    let mailbox = &opened.located.mailbox;
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
}
