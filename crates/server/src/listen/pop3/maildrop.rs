//! The mail of a session: INBOX as it was at the log-in, its messages streamed, and what DELE marked removed at QUIT in one transaction
//! (RFC 1939 §6). Reading changes no flags: what a phone has fetched is not read.

use super::Session;
use pop3::server::Code;
use pop3::{Listed, Maildrop};
use std::io;
use store::body::BodyReader;
use store::{AccountId, Error, MailboxId, Result, Store, Tx, Uid, entry, mailbox};

/// Entries read at a time.
const PAGE: usize = 2000;

/// Where the mail is.
#[derive(Clone, Copy)]
pub(super) struct Mailbox {
    account: AccountId,
    id: MailboxId,
}

/// INBOX, and what is in it now.
pub(super) async fn open(store: &Store, account: AccountId) -> Result<(Mailbox, Maildrop)> {
    let listed = move |tx: &mut Tx<'_>| {
        let missing = || Error::Corrupt("an account has no INBOX".into());
        let inbox = mailbox::by_name(tx, account, mailbox::INBOX)?.ok_or_else(missing)?;
        let (mut messages, mut next) = (Vec::with_capacity(inbox.messages as usize), 1);
        loop {
            let page = entry::scan(tx, account, inbox.id, &[next..=u32::MAX], None, PAGE)?;
            messages.extend(page.iter().map(|entry| Listed {
                uid: entry.uid.0,
                size: entry.size,
            }));
            match page.last() {
                Some(last) if page.len() == PAGE => next = last.uid.0.saturating_add(1),
                _ => break,
            }
        }
        let place = Mailbox {
            account,
            id: inbox.id,
        };
        Ok((place, Maildrop::new(inbox.uid_validity.0, messages)))
    };
    store.read(listed).await
}

/// What a client is told of a store that does not do what was asked.
pub(super) fn refusal(error: &Error) -> (Code, &'static str) {
    match error {
        Error::Missing(_) => (Code::None, "The message was removed by another session."),
        Error::Corrupt(_) | Error::Bug(_) => (
            Code::Permanent,
            "Stored data is damaged; the administrator has to look.",
        ),
        _ => (
            Code::Temporary,
            "The mail store is not available now; try again later.",
        ),
    }
}

impl Session {
    /// RETR and TOP.
    pub(super) async fn retrieve(&mut self, message: Listed, lines: Option<u32>) -> io::Result<()> {
        match self.body(message.uid).await {
            Ok(mut body) => {
                self.protocol.begin_message(message, lines);
                self.stream_body(&mut body).await
            }
            Err(error) => {
                if !matches!(error, Error::Missing(_)) {
                    tracing::warn!(%error, "a message cannot be read");
                }
                let (code, text) = refusal(&error);
                self.protocol.refuse(code, text);
                Ok(())
            }
        }
    }

    async fn body(&self, uid: u32) -> Result<BodyReader> {
        let missing = || Error::Missing("the message".into());
        let place = self.inside.as_ref().map(|inside| inside.mailbox);
        let place = place.ok_or_else(missing)?;
        let find = move |tx: &mut Tx<'_>| {
            let uids = [uid..=uid];
            let found = entry::scan_contents(tx, place.account, place.id, &uids, None, 1)?;
            Ok(found.into_iter().next().map(|(_, content)| content.body))
        };
        let store = &self.services.store;
        let body = store.read(find).await?.ok_or_else(missing)?;
        store.open_body(&body).await
    }

    /// Hands a message over piece by piece. Once it has begun only the end of the connection can say that it is not whole.
    async fn stream_body(&mut self, body: &mut BodyReader) -> io::Result<()> {
        while let Some(octets) = body.next().await.map_err(io::Error::other)? {
            let goes_on = self.protocol.message(&octets);
            self.write().await?;
            if !goes_on {
                break;
            }
        }
        self.protocol.end_message();
        Ok(())
    }

    /// QUIT.
    pub(super) async fn update(&mut self, uids: Vec<u32>) {
        let Some(inside) = &self.inside else {
            return self.protocol.updated(Ok(()));
        };
        if uids.is_empty() {
            return self.protocol.updated(Ok(()));
        }
        let (place, wanted) = (inside.mailbox, uids.len());
        let ranges: Vec<_> = uids.into_iter().map(|uid| uid..=uid).collect();
        let remove = move |tx: &mut Tx<'_>| -> Result<Vec<Uid>> {
            entry::remove_uids(tx, place.account, place.id, &ranges)
        };
        let done = match self.services.store.write(remove).await {
            Ok(gone) => {
                let removed = gone.len();
                tracing::info!(
                    user = inside.login.address,
                    wanted,
                    removed,
                    "messages removed"
                );
                Ok(())
            }
            Err(error) => {
                tracing::error!(user = inside.login.address, %error, "messages not removed");
                let (code, _) = refusal(&error);
                Err((
                    code,
                    "The messages were not removed; they are all still there.",
                ))
            }
        };
        self.protocol.updated(done);
    }
}
