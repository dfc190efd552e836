//! News of the selected mailbox: what others, and this session's own commands, changed since the client was last told (catalogue G23).
//!
//! The store's change log says what happened; here it becomes EXPUNGE, EXISTS and FETCH, when the protocol allows (RFC 3501 §5.2,
//! §7.4.1). A session whose account did not change asks the store nothing.

use super::connection::Connection;
use super::failure::Failure;
use super::fetch;
use super::flags;
use super::locate;
use super::notify::{OfSelected, When};
use super::search::context;
use super::state::Selected;
use super::view::Report;
use ::store::entry::{self, Changes, Entry};
use ::store::share::{self, Rights, SeenFlags};
use imap::Body;
use imap::command::By;
use imap::encode;

/// May messages be reported gone?
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Expunges {
    /// Now.
    Report,
    /// Later: the client may be about to send message numbers that a report would shift.
    Hold,
}

impl Expunges {
    /// Whether they may be reported in the answer to this command (RFC 3501 §7.4.1).
    pub(super) fn after(body: &Body) -> Expunges {
        match body {
            Body::Fetch(fetch) if fetch.by == By::Sequence => Expunges::Hold,
            Body::Store(store) if store.by == By::Sequence => Expunges::Hold,
            Body::Search(By::Sequence, _)
            | Body::Sort(By::Sequence, _)
            | Body::Thread(By::Sequence, _) => Expunges::Hold,
            _ => Expunges::Report,
        }
    }
}

/// Does the client ask for news by this command? Others bring none where NOTIFY says so; those that expunge tell what they did.
pub(super) fn asks_for_news(body: &Body) -> bool {
    matches!(
        body,
        Body::Noop | Body::Check | Body::Expunge | Body::UidExpunge(_) | Body::Move(_)
    )
}

impl Selected {
    /// Tells the client what is new, unless NOTIFY says that it is told only where it asks.
    pub(super) async fn update_unasked(
        &mut self,
        connection: &mut Connection,
        expunges: Expunges,
    ) -> Result<(), Failure> {
        match OfSelected::by(&self.account).when {
            When::Asked => Ok(()),
            _ => self.update(connection, expunges).await,
        }
    }

    /// Tells the client what is new.
    pub(super) async fn update(
        &mut self,
        connection: &mut Connection,
        expunges: Expunges,
    ) -> Result<(), Failure> {
        let latest = *self.watch.borrow_and_update();
        if latest > self.view.checked {
            let (account, mailbox, since) = (self.view.owner, self.view.mailbox, self.view.modseq);
            let viewer = self.account.id();
            let read = connection.services.store.read(move |tx| {
                let rights = share::rights(tx, account, mailbox.mailbox, viewer)?;
                Ok((entry::changes(tx, account, mailbox, since)?, rights))
            });
            let (changes, rights) = read.await?;
            if changes.gone {
                self.view.set_gone("The selected mailbox was deleted.");
                return Ok(());
            }
            if self.take_rights(rights).is_err() {
                return Ok(());
            }
            self.take_in(connection, changes, latest, expunges).await?;
        } else if expunges == Expunges::Report && self.view.has_vanished() {
            self.report_vanished(connection);
        }
        Ok(())
    }

    /// What may be done in a mailbox of somebody else's, and whose `\Seen` is seen there, as it is now: before each command, so that
    /// what was taken away is not done once more.
    pub(super) async fn refresh(&mut self, connection: &Connection) -> Result<(), Failure> {
        let (owner, mailbox, viewer) = (
            self.view.owner,
            self.view.mailbox.mailbox,
            self.account.id(),
        );
        if owner == viewer {
            return Ok(());
        }
        let read = connection.services.store.read(move |tx| {
            let own_seen = share::seen_flags(tx, owner, mailbox)? == SeenFlags::Own;
            Ok((share::rights(tx, owner, mailbox, viewer)?, own_seen))
        });
        let (rights, own_seen) = read.await?;
        self.view.mailbox.viewer = own_seen.then_some(viewer);
        self.take_rights(rights)
    }

    /// A mailbox that may not be read any more is as good as gone.
    fn take_rights(&mut self, rights: Rights) -> Result<(), Failure> {
        self.view.rights = rights;
        if !rights.contains(Rights::READ) {
            self.view
                .set_gone("You may not read the selected mailbox any more.");
            return Err(locate::no_permission().into());
        }
        Ok(())
    }

    fn report_vanished(&mut self, connection: &mut Connection) {
        let report = match connection.enabled.qresync || connection.enabled.uidonly {
            true => Report::Vanished,
            false => Report::Expunge,
        };
        let gone = self.view.vanished();
        self.contexts.remove(&mut connection.out, &self.view, gone);
        self.view.report_vanished(&mut connection.out, report);
    }

    /// Reports changes in the order that keeps message numbers right: gone, new, changed.
    async fn take_in(
        &mut self,
        connection: &mut Connection,
        changes: Changes,
        latest: ::store::ModSeq,
        expunges: Expunges,
    ) -> Result<(), Failure> {
        self.view.vanish(changes.vanished.iter().map(|uid| uid.0));
        if expunges == Expunges::Report {
            self.report_vanished(connection);
        }
        // Flags of new messages are for the client to ask: it does not know their old ones.
        let new_from = changes
            .changed
            .partition_point(|entry| !self.view.is_new(entry.uid.0));
        let (known, new) = changes.changed.split_at(new_from);
        self.report_new(connection, new);
        if OfSelected::by(&self.account).flags {
            for entry in known {
                if !self.view.knows(entry) {
                    self.report_flags(connection, entry);
                    connection.flush_if_full().await?;
                }
            }
        }
        self.view.caught_up(changes.modseq, latest);
        self.tell_new(connection, new).await?;
        context::update(self, connection, &changes.changed).await
    }

    /// What NOTIFY asks to be told of new messages.
    async fn tell_new(
        &mut self,
        connection: &mut Connection,
        new: &[Entry],
    ) -> Result<(), Failure> {
        let items = OfSelected::by(&self.account).items.to_vec();
        if items.is_empty() || new.is_empty() {
            return Ok(());
        }
        let uids = encode::collect_ranges(new.iter().map(|entry| entry.uid.0));
        // Boxed: it is large, and whoever waits for news is to be small.
        Box::pin(fetch::tell_new(self, connection, &items, uids)).await
    }

    /// `* n EXISTS`, if there are more than the client knows of, and how many of all are recent.
    fn report_new(&mut self, connection: &mut Connection, new: &[Entry]) {
        for entry in new {
            self.view.append(entry.uid.0);
        }
        if !new.is_empty() {
            push_exists(&mut connection.out, self.view.exists());
            self.view.push_recent(connection);
        }
    }

    /// An untagged FETCH with the flags of a message, if the client knows the message.
    pub(super) fn report_flags(&mut self, connection: &mut Connection, entry: &Entry) {
        let Some(number) = self.view.number_of(entry.uid.0) else {
            return;
        };
        self.view.announce_keywords(connection, &entry.keywords);
        let recency = self.view.recency(entry.uid.0, connection);
        fetch::push_begin(connection, number, entry.uid.0);
        let enabled = connection.enabled;
        let out = &mut connection.out;
        flags::push(out, entry, recency);
        // RFC 9051 §7.5.2: what was not asked for names its message by UID too.
        if (self.account.condstore || enabled.rev2) && !enabled.uidonly {
            out.extend_from_slice(b" UID ");
            encode::number(out, u64::from(entry.uid.0));
        }
        if self.account.condstore {
            out.push(b' ');
            push_modseq(out, entry);
        }
        out.extend_from_slice(b")\r\n");
    }
}

/// Appends `MODSEQ (n)`.
pub(super) fn push_modseq(out: &mut Vec<u8>, entry: &Entry) {
    out.extend_from_slice(b"MODSEQ (");
    encode::number(out, entry.modseq.0);
    out.push(b')');
}

/// Appends `* n EXISTS`.
pub(super) fn push_exists(out: &mut Vec<u8>, exists: u32) {
    out.extend_from_slice(b"* ");
    encode::number(out, u64::from(exists));
    out.extend_from_slice(b" EXISTS\r\n");
}
