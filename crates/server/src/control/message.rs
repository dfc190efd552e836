//! Messages: what became of one, and why (`pennyblack explain message`).
//!
//! A message is told of once for each account that has it. What is known of it comes in sections, each of which is there if there is
//! something to tell: who decided where it was filed, and with what.

use super::verdict::Verdict;
use super::{Failure, World};
use crate::scripts::event::flags_of;
use ::message::{encoded_word, header};
use serde::{Deserialize, Serialize};
use store::account::{self, Account};
use store::entry::{self, Content, Entry};
use store::{AccountId, MessageId, Tx, filing, judgement, mailbox};

/// Messages of older versions that are put into the index in one transaction.
const BATCH: usize = 2000;

/// What can be asked for.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Request {
    /// What became of a message, and why.
    Explain {
        /// The id in the log and in the reply to its sender, the `EMAILID` of IMAP, or the `Message-ID`.
        id: String,
    },
}

/// What came of it: one for each account that has the message.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Answer(pub Vec<Explained>);

/// A message in an account.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Explained {
    /// The account's address.
    pub account: String,
    /// The message's id there, as IMAP tells it (`EMAILID`).
    pub id: String,
    /// Its `Message-ID`, with brackets.
    pub message_id: Option<String>,
    /// Its `From` field, decoded.
    pub from: String,
    /// Its `Subject` field, decoded.
    pub subject: String,
    /// Octets.
    pub size: u64,
    /// Where it is now.
    pub places: Vec<Place>,
    /// Who decided what about it, in order; empty: nobody but its address.
    pub filing: Vec<filing::Decision>,
    /// What the filter found; `None`: it was not judged.
    pub verdict: Option<Verdict>,
}

/// A mailbox that a message is in.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Place {
    /// Its name.
    pub mailbox: String,
    /// The message's number there.
    pub uid: u32,
    /// Its flags and keywords there.
    pub flags: Vec<String>,
    /// When it came there (RFC 8514), by RFC 3339.
    pub saved: String,
}

pub(super) async fn execute(world: &World, request: Request) -> Result<Answer, Failure> {
    let Request::Explain { id } = request;
    let wanted = Wanted::parse(&id)?;
    let mut explained = Vec::new();
    for account in world.store.read(account::list).await? {
        for message in wanted.find(world, &account).await? {
            explained.extend(explain(world, &account, message).await?);
        }
    }
    match explained.is_empty() {
        true => Err(Failure::missing(format!("no account has a message {id}"))),
        false => Ok(Answer(explained)),
    }
}

/// What a message is called.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Wanted {
    /// By the log.
    Logged(u64),
    /// By IMAP.
    Stored(MessageId),
    /// By its header.
    MessageId(String),
}

impl Wanted {
    fn parse(text: &str) -> Result<Wanted, Failure> {
        let text = text.trim();
        let id = text.strip_prefix('<').unwrap_or(text);
        let id = id.strip_suffix('>').unwrap_or(id);
        let is_hex = id.bytes().all(|octet| octet.is_ascii_hexdigit());
        let wanted = match (id.len(), is_hex) {
            (16, true) => u64::from_str_radix(id, 16).map(Wanted::Logged).ok(),
            (32, true) => id.parse().map(Wanted::Stored).ok(),
            _ if id.contains('@') || text.starts_with('<') => {
                Some(Wanted::MessageId(id.to_owned()))
            }
            _ => None,
        };
        wanted.ok_or_else(|| {
            Failure::invalid(format!(
                "\"{}\" is no id of a message: give the one in the log or in the reply to its sender (16 hexadecimal digits), \
                 its EMAILID (32 of them), or its Message-ID",
                text.escape_debug()
            ))
        })
    }

    async fn find(&self, world: &World, account: &Account) -> Result<Vec<MessageId>, Failure> {
        let id = account.id;
        match self {
            Wanted::Stored(message) => Ok(vec![*message]),
            Wanted::Logged(tail) => {
                let tail = *tail;
                let found = world.store.read(move |tx| entry::called(tx, id, tail));
                Ok(found.await?)
            }
            Wanted::MessageId(wanted) => by_message_id(world, account, wanted).await,
        }
    }
}

/// By the index; messages of older versions are put into it first, once.
async fn by_message_id(
    world: &World,
    account: &Account,
    wanted: &str,
) -> Result<Vec<MessageId>, Failure> {
    let id = account.id;
    let entered = move |tx: &mut Tx<'_>| entry::message_ids_are_entered(tx, id);
    while !world.store.read(entered).await? {
        let enter = move |tx: &mut Tx<'_>| entry::enter_message_ids(tx, id, BATCH);
        world.store.write(enter).await?;
    }
    let wanted = wanted.to_owned();
    let search = move |tx: &mut Tx<'_>| entry::by_message_id(tx, id, &wanted);
    Ok(world.store.read(search).await?)
}

/// `None`: the account does not have it.
async fn explain(
    world: &World,
    account: &Account,
    message: MessageId,
) -> Result<Option<Explained>, Failure> {
    let id = account.id;
    let known = world.store.read(move |tx| {
        let Some(content) = entry::contents(tx, id, &[message])?.pop() else {
            return Ok(None);
        };
        let mut places = Vec::new();
        for (mailbox, entry) in entry::whereabouts(tx, id, message)? {
            let name = mailbox::by_id(tx, id, mailbox)?.map(|mailbox| mailbox.name);
            places.push(place(name.unwrap_or_default(), &entry));
        }
        let judged = judgement::of(tx, id, message)?;
        Ok(Some((
            content,
            places,
            filing::of(tx, id, message)?,
            judged,
        )))
    });
    let Some((content, places, filing, judged)) = known.await? else {
        return Ok(None);
    };
    let section = header_section(world, &content).await?;
    Ok(Some(Explained {
        account: account.address.clone(),
        id: message.to_string(),
        message_id: content.summary.message_id.map(|id| format!("<{id}>")),
        from: field(&section, "From"),
        subject: field(&section, "Subject"),
        size: content.body.size,
        places,
        filing,
        verdict: judged.as_ref().map(Verdict::of),
    }))
}

/// From and Subject of a message; `None`: it is gone.
pub(super) async fn heading(
    world: &World,
    account: AccountId,
    message: MessageId,
) -> Result<Option<(String, String)>, Failure> {
    let read = move |tx: &mut Tx<'_>| Ok(entry::contents(tx, account, &[message])?.pop());
    let Some(content) = world.store.read(read).await? else {
        return Ok(None);
    };
    let section = header_section(world, &content).await?;
    Ok(Some((field(&section, "From"), field(&section, "Subject"))))
}

/// A field's value, decoded.
fn field(section: &[u8], name: &str) -> String {
    let value = header::values(section, name).next().unwrap_or_default();
    let value = encoded_word::decode(&header::unfold(value));
    value.trim().chars().filter(|c| !c.is_control()).collect()
}

fn place(mailbox: String, entry: &Entry) -> Place {
    Place {
        mailbox,
        uid: entry.uid.0,
        flags: flags_of(entry),
        saved: entry.saved.to_string(),
    }
}

async fn header_section(world: &World, content: &Content) -> Result<Vec<u8>, Failure> {
    let size = u64::from(content.summary.header_size);
    match world.store.read_body(&content.body, 0, size).await {
        // Expunged since it was found.
        Err(store::Error::Missing(_)) => Ok(Vec::new()),
        section => Ok(section?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_named_in_three_ways() {
        let parsed = |text| Wanted::parse(text).ok();
        assert_eq!(parsed("00000000000000ff"), Some(Wanted::Logged(255)));
        let stored = "000000000000000000000000000000ff";
        assert_eq!(
            parsed(stored),
            Some(Wanted::Stored(MessageId::from_u128(255)))
        );
        let named = Some(Wanted::MessageId("a@b.example".into()));
        assert_eq!(parsed("<a@b.example>"), named);
        assert_eq!(parsed("a@b.example"), named);
        assert_eq!(parsed("hello"), None);
    }
}
