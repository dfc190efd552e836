//! The states of a session (RFC 3501 §3) and which command belongs to which. Each state takes itself by value and gives the next.

use super::connection::{Connection, Ended, Input, Waits};
use super::failure::{self, Failure, Outcome};
use super::notify::{self, OfSelected, Registered, When};
use super::select::Mode;
use super::updates::{Expunges, asks_for_news};
use super::view::View;
use super::{
    acl, append, authenticate, capability, compress, copy, create, delete, enable, expunge, fetch,
    id, idle, list, login, lsub, metadata, namespace, quota, rename, search, select, starttls,
    status, store, subscribe, uid_only, unauthenticate, url_auth,
};
use crate::session::limits::Permit;
use crate::session::login::Login;
use ::store::ModSeq;
use imap::command::Select;
use imap::response::{Code, Condition, Status};
use imap::{Body, Command, Tag};
use tokio::sync::watch;

/// Where a session stands.
pub(super) enum State {
    /// Nobody is logged in.
    NotAuthenticated(NotAuthenticated),
    /// An account, no mailbox.
    Authenticated(Authenticated),
    /// A mailbox of an account.
    Selected(Box<Selected>),
}

/// Nobody is logged in.
pub(super) struct NotAuthenticated;

/// An account is logged in.
pub(super) struct Authenticated {
    pub(super) account: Account,
}

/// A mailbox is selected.
pub(super) struct Selected {
    pub(super) account: Account,
    pub(super) view: View,
    /// Tells of each commit that changes the owner of the mailbox.
    pub(super) watch: watch::Receiver<ModSeq>,
    /// Searches whose results are kept up to date.
    pub(super) contexts: search::context::Contexts,
    /// The answer to the running command is to say which MODSEQ the client now knows (RFC 7162 §3.2.7).
    pub(super) owes_modseq: bool,
}

impl Selected {
    /// A mailbox that was just opened.
    pub(super) fn new(account: Account, view: View, watch: watch::Receiver<ModSeq>) -> Selected {
        Selected {
            account,
            view,
            watch,
            contexts: Default::default(),
            owes_modseq: false,
        }
    }
}

/// The account of a session.
pub(super) struct Account {
    pub(super) login: Login,
    /// Tells of each commit that changes the account.
    pub(super) watch: watch::Receiver<ModSeq>,
    /// The client knows MODSEQs (RFC 7162 §3.1): flag changes are told with them.
    pub(super) condstore: bool,
    /// What NOTIFY asked for.
    pub(super) notify: Option<Box<Registered>>,
    /// The session's place in the account's limit.
    _permit: Permit,
}

impl Account {
    pub(super) fn new(login: Login, watch: watch::Receiver<ModSeq>, permit: Permit) -> Account {
        Account {
            login,
            watch,
            condstore: false,
            notify: None,
            _permit: permit,
        }
    }

    pub(super) fn id(&self) -> ::store::AccountId {
        self.login.account
    }
}

impl State {
    /// The state after the greeting.
    pub(super) fn begin() -> State {
        State::NotAuthenticated(NotAuthenticated)
    }

    /// How patient to be.
    pub(super) fn waits(&self) -> Waits {
        match self {
            State::NotAuthenticated(_) => Waits::BeforeLogin,
            State::Authenticated(_) | State::Selected(_) => Waits::LoggedIn,
        }
    }

    /// Between commands: tells news as they happen, if NOTIFY asked for any, until the client sends something.
    pub(super) async fn listen(&mut self, connection: &mut Connection) -> Result<(), Ended> {
        let registered = match self {
            State::NotAuthenticated(_) => false,
            State::Authenticated(state) => state.account.notify.is_some(),
            State::Selected(state) => state.account.notify.is_some(),
        };
        // Boxed: most sessions have nothing to listen to.
        match registered {
            true => Box::pin(listen(self, connection)).await,
            false => Ok(()),
        }
    }

    /// Takes a command (any but IDLE) and answers it.
    pub(super) async fn take(
        self,
        connection: &mut Connection,
        input: Input,
    ) -> Result<State, Ended> {
        match input {
            Input::Append(head) => self.append(connection, head).await,
            Input::Command(Command { tag, body }) => {
                let refusal = capability::refusal(connection, self.address(), &body)
                    .or_else(|| uid_only::refusal(connection, &body));
                if let Some(refusal) = refusal {
                    connection.answer(&tag, &refusal);
                    connection.count_error()?;
                    return Ok(self);
                }
                self.perform(connection, tag, body).await
            }
        }
    }

    /// Takes a command that is offered to the client.
    async fn perform(
        self,
        connection: &mut Connection,
        tag: Tag,
        body: Body,
    ) -> Result<State, Ended> {
        match self {
            State::NotAuthenticated(state) => state.take(connection, tag, body).await,
            State::Authenticated(state) => state.take(connection, tag, body).await,
            State::Selected(state) => state.take(connection, tag, body).await,
        }
    }

    /// The address of the account, if one is logged in.
    fn address(&self) -> Option<&str> {
        Some(match self {
            State::NotAuthenticated(_) => return None,
            State::Authenticated(state) => &state.account.login.address,
            State::Selected(state) => &state.account.login.address,
        })
    }

    /// IDLE (RFC 2177): the one command that takes hours, so its future is kept small.
    pub(super) async fn idle(self, connection: &mut Connection, tag: Tag) -> Result<State, Ended> {
        if let Some(refusal) = capability::refusal(connection, self.address(), &Body::Idle) {
            connection.answer(&tag, &refusal);
            return Ok(self);
        }
        match self {
            State::NotAuthenticated(state) => {
                connection.answer(&tag, &wrong_state(&Body::Idle));
                Ok(State::NotAuthenticated(state))
            }
            State::Authenticated(mut state) => {
                idle::without_mailbox(&mut state, connection, &tag).await?;
                Ok(State::Authenticated(state))
            }
            State::Selected(mut state) => {
                idle::with_mailbox(&mut state, connection, &tag).await?;
                Ok(State::Selected(state))
            }
        }
    }

    async fn append(
        mut self,
        connection: &mut Connection,
        head: imap::AppendHead,
    ) -> Result<State, Ended> {
        let tag = head.tag.clone();
        let head_replaces = head.append.replaces.is_some();
        let address = self.address().unwrap_or_default();
        let refusal = capability::refusal_of_append(connection, address, &head.append)
            .or_else(|| uid_only::refusal_of_append(connection, &head.append));
        if let Some(refusal) = refusal {
            append::refuse(connection, &head.append.steps);
            connection.answer(&tag, &refusal);
            return Ok(self);
        }
        let outcome = match &self {
            State::NotAuthenticated(_) => {
                append::refuse(connection, &head.append.steps);
                connection.count_error()?;
                Ok(Status::bad("APPEND is not for this state: log in first."))
            }
            State::Authenticated(state) => {
                append::append(connection, &state.account, None, head).await
            }
            State::Selected(state) => {
                append::append(connection, &state.account, Some(&state.view), head).await
            }
        };
        let mut status = failure::answer(outcome)?;
        if let State::Selected(state) = &mut self {
            let replaced = head_replaces && status.condition == Condition::Ok;
            state.owes_modseq = replaced && state.account.condstore;
            state.update_after(connection, replaced).await?;
            status = state.with_modseq(status);
        }
        connection.answer(&tag, &status);
        Ok(self)
    }
}

impl NotAuthenticated {
    async fn take(self, connection: &mut Connection, tag: Tag, body: Body) -> Result<State, Ended> {
        let outcome = match body {
            Body::Login(user, password) => {
                return login::login(self, connection, tag, &user, &password).await;
            }
            Body::Authenticate(mechanism, initial) => {
                return authenticate::authenticate(self, connection, tag, &mechanism, initial)
                    .await;
            }
            Body::StartTls => {
                starttls::starttls(connection, &tag).await?;
                return Ok(State::NotAuthenticated(self));
            }
            Body::Capability => {
                let capabilities = capability::before_login(connection);
                capability::capability(connection, &capabilities)
            }
            Body::Id(fields) => id::before_login(connection, &fields),
            Body::Noop => Status::ok("Nothing done."),
            Body::Logout => return Err(log_out(connection, &tag).await),
            other => {
                connection.count_error()?;
                wrong_state(&other)
            }
        };
        connection.answer(&tag, &outcome);
        Ok(State::NotAuthenticated(self))
    }
}

impl Authenticated {
    async fn take(
        mut self,
        connection: &mut Connection,
        tag: Tag,
        body: Body,
    ) -> Result<State, Ended> {
        let outcome = match body {
            Body::Select(parameters) => {
                return self.open(connection, tag, parameters, Mode::Select).await;
            }
            Body::Examine(parameters) => {
                return self.open(connection, tag, parameters, Mode::Examine).await;
            }
            Body::Compress(mechanism) => {
                compress::compress(connection, &tag, &mechanism).await?;
                return Ok(State::Authenticated(self));
            }
            Body::Unauthenticate => return Ok(unauthenticate::unauthenticate(connection, &tag)),
            Body::Logout => return Err(log_out(connection, &tag).await),
            Body::Noop => Ok(Status::ok("Nothing new.")),
            other => of_account(connection, &mut self.account, &tag, other).await,
        };
        let status = failure::answer(outcome)?;
        connection.answer(&tag, &status);
        Ok(State::Authenticated(self))
    }

    async fn open(
        self,
        connection: &mut Connection,
        tag: Tag,
        parameters: Select,
        mode: Mode,
    ) -> Result<State, Ended> {
        if let Some(refusal) = select::refusal(connection, &parameters) {
            connection.answer(&tag, &refusal);
            return Ok(State::Authenticated(self));
        }
        select::select(self.account, connection, tag, parameters, mode).await
    }
}

impl Selected {
    async fn take(
        mut self: Box<Self>,
        connection: &mut Connection,
        tag: Tag,
        body: Body,
    ) -> Result<State, Ended> {
        match body {
            Body::Select(parameters) => {
                return self.open(connection, tag, parameters, Mode::Select).await;
            }
            Body::Examine(parameters) => {
                return self.open(connection, tag, parameters, Mode::Examine).await;
            }
            Body::Compress(mechanism) => {
                compress::compress(connection, &tag, &mechanism).await?;
                return Ok(State::Selected(self));
            }
            Body::Unauthenticate => return Ok(unauthenticate::unauthenticate(connection, &tag)),
            Body::Close => return expunge::close(*self, connection, tag).await,
            Body::Unselect => return Ok(select::unselect(*self, connection, &tag)),
            Body::Logout => return Err(log_out(connection, &tag).await),
            _ => {}
        }
        let expunges = Expunges::after(&body);
        let deletes = matches!(body, Body::Delete(_));
        let asks = asks_for_news(&body);
        let only_hears_news = matches!(body, Body::Noop | Body::Check);
        let outcome = match self.refresh(connection).await {
            Ok(()) => self.perform(connection, &tag, body).await,
            Err(failed) => Err(failed),
        };
        let status = failure::answer(outcome)?;
        let updated = match asks {
            true => self.update(connection, expunges).await,
            false => self.update_unasked(connection, expunges).await,
        };
        let status = match updated {
            Err(Failure::Answer(failed)) if only_hears_news => failed,
            Err(Failure::End(ended)) => return Err(ended),
            Ok(()) | Err(Failure::Answer(_)) => status,
        };
        if let (Some(why), false) = (self.view.gone(), deletes) {
            return Err(Ended::Expelled(why));
        }
        let status = self.with_modseq(status);
        connection.answer(&tag, &status);
        match self.view.gone().is_some() {
            true => Ok(State::Authenticated(Authenticated {
                account: self.account,
            })),
            false => Ok(State::Selected(self)),
        }
    }

    /// Another mailbox takes the place of this one.
    async fn open(
        self: Box<Self>,
        connection: &mut Connection,
        tag: Tag,
        parameters: Select,
        mode: Mode,
    ) -> Result<State, Ended> {
        if let Some(refusal) = select::refusal(connection, &parameters) {
            connection.answer(&tag, &refusal);
            return Ok(State::Selected(self));
        }
        select::tell_closed(connection, &self.account);
        select::select(self.account, connection, tag, parameters, mode).await
    }

    /// The commands that leave the mailbox selected.
    async fn perform(&mut self, connection: &mut Connection, tag: &Tag, body: Body) -> Outcome {
        match body {
            Body::Noop | Body::Check => Ok(Status::ok("You know all there is.")),
            Body::Expunge => expunge::expunge(self, connection, None).await,
            Body::UidExpunge(set) => expunge::expunge(self, connection, Some(&set)).await,
            Body::Search(by, search) => search::search(self, connection, tag, by, search).await,
            Body::Sort(by, sort) => search::sort(self, connection, tag, by, sort).await,
            Body::Thread(by, thread) => search::thread(self, connection, tag, by, thread).await,
            Body::CancelUpdate(tags) => Ok(self.contexts.cancel(&tags)),
            Body::MultiSearch(parameters) => {
                let (account, view) = (&self.account, &mut self.view);
                search::multi_search(account, Some(view), connection, tag, parameters).await
            }
            Body::Notify(parameters) => {
                let (account, view) = (&mut self.account, Some(&self.view));
                notify::notify(connection, account, view, parameters).await
            }
            Body::Fetch(parameters) => fetch::fetch(self, connection, parameters).await,
            Body::Store(parameters) => store::store(self, connection, tag, parameters).await,
            Body::Copy(parameters) => copy::copy(self, connection, parameters).await,
            Body::Move(parameters) => copy::move_to(self, connection, parameters).await,
            other => of_account(connection, &mut self.account, tag, other).await,
        }
    }

    /// The answer with HIGHESTMODSEQ, if that is owed and everything up to there has been told.
    fn with_modseq(&mut self, status: Status) -> Status {
        let owed = std::mem::take(&mut self.owes_modseq);
        match owed && status.code.is_none() && !self.view.has_vanished() {
            true => status.code(Code::HighestModSeq(self.view.modseq.0.max(1))),
            false => status,
        }
    }

    /// Tells the client news after an APPEND, or after a REPLACE that `replaced` a message.
    async fn update_after(
        &mut self,
        connection: &mut Connection,
        replaced: bool,
    ) -> Result<(), Ended> {
        let updated = match replaced {
            true => self.update(connection, Expunges::Report).await,
            false => self.update_unasked(connection, Expunges::Report).await,
        };
        match updated {
            Err(Failure::End(ended)) => Err(ended),
            // The command is done; the news come with the next one.
            Ok(()) | Err(Failure::Answer(_)) => Ok(()),
        }
    }

    /// Waits for news that may be told in IDLE. Cancel-safe.
    pub(super) async fn news(&mut self) {
        let own = match OfSelected::by(&self.account).when {
            When::Asked => None,
            _ => Some(&mut self.watch),
        };
        let others = self.account.notify.as_deref_mut();
        tokio::select! {
            () = of_selected(own) => {}
            () = of_others(others) => {}
        }
    }

    /// Tells news outside of any command but IDLE.
    pub(super) async fn tell_news(
        &mut self,
        connection: &mut Connection,
        expunges: Expunges,
    ) -> Result<(), Ended> {
        // Boxed: they are large, and an idle session is to be small.
        let told = Box::pin(self.update_unasked(connection, expunges)).await;
        unless_ended(told)?;
        if let Some(why) = self.view.gone() {
            return Err(Ended::Expelled(why));
        }
        let place = (self.view.owner, self.view.mailbox.mailbox);
        let told = notify::tell(connection, &mut self.account, Some(place));
        unless_ended(Box::pin(told).await)
    }
}

impl Authenticated {
    /// Waits for news. Cancel-safe.
    pub(super) async fn news(&mut self) {
        of_others(self.account.notify.as_deref_mut()).await;
    }

    /// Tells news.
    pub(super) async fn tell_news(&mut self, connection: &mut Connection) -> Result<(), Ended> {
        let told = notify::tell(connection, &mut self.account, None);
        unless_ended(Box::pin(told).await)
    }
}

/// Where news cannot be told because the store is away, the next change tries again.
fn unless_ended(told: Result<(), Failure>) -> Result<(), Ended> {
    match told {
        Err(Failure::End(ended)) => Err(ended),
        Ok(()) | Err(Failure::Answer(_)) => Ok(()),
    }
}

async fn of_selected(watch: Option<&mut watch::Receiver<ModSeq>>) {
    match watch {
        // The sender lives as long as the store, which this session holds.
        Some(watch) => drop(watch.changed().await),
        None => std::future::pending().await,
    }
}

async fn of_others(registered: Option<&mut Registered>) {
    match registered {
        Some(registered) => notify::changed(registered).await,
        None => std::future::pending().await,
    }
}

/// Tells what happened since the last command, and then whatever happens, until the client sends something.
async fn listen(state: &mut State, connection: &mut Connection) -> Result<(), Ended> {
    let deadline = connection.deadline();
    while connection.is_between_commands() {
        match state {
            State::NotAuthenticated(_) => return Ok(()),
            State::Authenticated(state) => state.tell_news(connection).await?,
            State::Selected(state) => {
                let expunges = match OfSelected::by(&state.account).when {
                    When::AtOnce => Expunges::Report,
                    _ => Expunges::Hold,
                };
                state.tell_news(connection, expunges).await?;
            }
        }
        match state {
            State::NotAuthenticated(_) => return Ok(()),
            State::Authenticated(state) => connection.fill_or(state.news(), deadline).await?,
            State::Selected(state) => connection.fill_or(state.news(), deadline).await?,
        }
    }
    Ok(())
}

/// The commands that need an account and care for no selected mailbox.
async fn of_account(
    connection: &mut Connection,
    account: &mut Account,
    tag: &Tag,
    body: Body,
) -> Outcome {
    match body {
        Body::Capability => {
            let capabilities = capability::after_login(connection, &account.login);
            Ok(capability::capability(connection, &capabilities))
        }
        Body::Id(fields) => Ok(id::after_login(connection, account, &fields)),
        Body::Enable(names) => Ok(enable::enable(connection, account, &names)),
        Body::Namespace => namespace::namespace(connection, account).await,
        Body::Create(name, uses) => create::create(connection, account, name, &uses).await,
        Body::Delete(name) => delete::delete(connection, account, &name).await,
        Body::Rename(from, to) => rename::rename(connection, account, from, to).await,
        Body::Subscribe(name) => subscribe::subscribe(connection, account, name).await,
        Body::Unsubscribe(name) => subscribe::unsubscribe(connection, account, name).await,
        Body::List(parameters) => list::list(connection, account, &parameters).await,
        Body::Lsub(reference, pattern) => {
            lsub::lsub(connection, account, &reference, &pattern).await
        }
        Body::Xlist(reference, pattern) => {
            list::xlist(connection, account, &reference, &pattern).await
        }
        Body::Status(name, items) => status::status(connection, account, &name, &items).await,
        Body::MultiSearch(parameters) => {
            search::multi_search(account, None, connection, tag, parameters).await
        }
        Body::Notify(parameters) => notify::notify(connection, account, None, parameters).await,
        Body::GetQuota(root) => quota::get(connection, account, &root).await,
        Body::GetQuotaRoot(name) => quota::get_root(connection, account, &name).await,
        Body::SetQuota(root, limits) => quota::set(connection, account, &root, limits).await,
        Body::SetAcl(parameters) => acl::set(connection, account, parameters).await,
        Body::DeleteAcl(name, who) => acl::delete(connection, account, &name, who).await,
        Body::GetAcl(name) => acl::get(connection, account, &name).await,
        Body::ListRights(name, who) => acl::list_rights(connection, account, &name, who).await,
        Body::MyRights(name) => acl::my_rights(connection, account, &name).await,
        Body::GetMetadata(parameters) => metadata::get(connection, account, parameters).await,
        Body::SetMetadata(parameters) => metadata::set(connection, account, parameters).await,
        Body::GenUrlAuth(urls) => url_auth::generate(connection, account, urls).await,
        Body::ResetKey(name, mechanisms) => {
            url_auth::reset(connection, account, name, &mechanisms).await
        }
        Body::UrlFetch(urls) => url_auth::fetch(connection, account, urls).await,
        other => {
            tracing::debug!(tag = tag.as_str(), command = other.name(), "wrong state");
            Ok(wrong_state(&other))
        }
    }
}

/// BAD for a command that the state does not have.
fn wrong_state(body: &Body) -> Status {
    let name = body.name();
    Status::bad(match body {
        Body::StartTls | Body::Login(..) | Body::Authenticate(..) => {
            format!("{name} is not for this state: you are logged in already.")
        }
        Body::Check
        | Body::Close
        | Body::Unselect
        | Body::Expunge
        | Body::UidExpunge(_)
        | Body::Search(..)
        | Body::Sort(..)
        | Body::Thread(..)
        | Body::CancelUpdate(_)
        | Body::Fetch(_)
        | Body::Store(_)
        | Body::Copy(_)
        | Body::Move(_) => {
            format!("{name} is not for this state: select a mailbox first.")
        }
        _ => format!("{name} is not for this state: log in first."),
    })
}

/// LOGOUT: both answers, then the end.
async fn log_out(connection: &mut Connection, tag: &Tag) -> Ended {
    Status::bye("Goodbye.").encode(None, &mut connection.out);
    connection.answer(tag, &Status::ok("Logged out."));
    match connection.flush().await {
        Ok(()) => Ended::LoggedOut,
        Err(ended) => ended,
    }
}
