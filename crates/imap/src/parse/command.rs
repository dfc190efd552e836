//! Which command it is, and the arguments of the simple ones (RFC 3501 §6).

use super::{
    Cursor, Malformed, Rejection, acl, append, fetch, list, metadata, notify, search, sort, store,
};
use crate::command::{Body, By, Copy, NAMES, QResync, Secret, Select};
use crate::list::Use;
use crate::sequence::SequenceSet;
use crate::status::StatusItem;

type Parsed<T> = Result<T, Malformed>;

const NO_SUCH_UID_COMMAND: Malformed =
    Malformed("UID goes before FETCH, STORE, COPY, MOVE, REPLACE, SEARCH, SORT, THREAD or EXPUNGE");

/// The command after its tag, with all its arguments.
pub(super) fn body(cursor: &mut Cursor<'_>) -> Result<Body, Rejection> {
    let name = cursor.word();
    match name.as_str() {
        name if name != "UID" && !name.is_empty() && !NAMES.contains(&name) => {
            return Err(Malformed("There is no such command").into());
        }
        "SEARCH" => return search::search(cursor, By::Sequence),
        "SORT" => return sort::sort(cursor, By::Sequence),
        "THREAD" => return sort::thread(cursor, By::Sequence),
        "ESEARCH" => return notify::multi_search(cursor),
        "UID" => return uid(cursor),
        _ => {}
    }
    if let Some(body) = without_arguments(&name) {
        return Ok(body);
    }
    Ok(with_arguments(&name, cursor)?)
}

fn without_arguments(name: &str) -> Option<Body> {
    Some(match name {
        "CAPABILITY" => Body::Capability,
        "NOOP" => Body::Noop,
        "LOGOUT" => Body::Logout,
        "STARTTLS" => Body::StartTls,
        "NAMESPACE" => Body::Namespace,
        "IDLE" => Body::Idle,
        "CHECK" => Body::Check,
        "CLOSE" => Body::Close,
        "UNSELECT" => Body::Unselect,
        "EXPUNGE" => Body::Expunge,
        "UNAUTHENTICATE" => Body::Unauthenticate,
        _ => return None,
    })
}

fn with_arguments(name: &str, cursor: &mut Cursor<'_>) -> Parsed<Body> {
    match name {
        "ID" => id(cursor),
        "AUTHENTICATE" => authenticate(cursor),
        "LOGIN" => login(cursor),
        "ENABLE" => enable(cursor),
        "SELECT" => select(cursor).map(Body::Select),
        "EXAMINE" => select(cursor).map(Body::Examine),
        "CREATE" => create(cursor),
        "DELETE" => spaced(cursor, Cursor::mailbox).map(Body::Delete),
        "RENAME" => rename(cursor),
        "SUBSCRIBE" => spaced(cursor, Cursor::mailbox).map(Body::Subscribe),
        "UNSUBSCRIBE" => spaced(cursor, Cursor::mailbox).map(Body::Unsubscribe),
        "LIST" => list::list(cursor).map(Body::List),
        "LSUB" => list::basic(cursor).map(|(reference, pattern)| Body::Lsub(reference, pattern)),
        "XLIST" => list::basic(cursor).map(|(reference, pattern)| Body::Xlist(reference, pattern)),
        "STATUS" => status(cursor),
        "APPEND" => append::whole(cursor, append::Command::Append).map(Body::Append),
        "REPLACE" => {
            append::whole(cursor, append::Command::Replace(By::Sequence)).map(Body::Append)
        }
        "COMPRESS" => {
            spaced(cursor, Cursor::atom).map(|name| Body::Compress(name.to_ascii_uppercase()))
        }
        "NOTIFY" => notify::notify(cursor).map(Body::Notify),
        "CANCELUPDATE" => cancel_update(cursor),
        "GENURLAUTH" => gen_url_auth(cursor),
        "RESETKEY" => reset_key(cursor),
        "URLFETCH" => url_fetch(cursor),
        "GETQUOTA" => spaced(cursor, Cursor::text).map(Body::GetQuota),
        "GETQUOTAROOT" => spaced(cursor, Cursor::mailbox).map(Body::GetQuotaRoot),
        "SETQUOTA" => set_quota(cursor),
        "SETACL" => acl::set(cursor),
        "DELETEACL" => acl::delete(cursor),
        "GETACL" => spaced(cursor, Cursor::mailbox).map(Body::GetAcl),
        "LISTRIGHTS" => acl::list_rights(cursor),
        "MYRIGHTS" => spaced(cursor, Cursor::mailbox).map(Body::MyRights),
        "GETMETADATA" => metadata::get(cursor),
        "SETMETADATA" => metadata::set(cursor),
        "FETCH" => fetch::fetch(cursor, By::Sequence).map(Body::Fetch),
        "STORE" => store::store(cursor, By::Sequence).map(Body::Store),
        "COPY" => copy(cursor, By::Sequence).map(Body::Copy),
        "MOVE" => copy(cursor, By::Sequence).map(Body::Move),
        "" => Err(Malformed("The command is missing")),
        _ => Err(Malformed("There is no such command")),
    }
}

fn uid(cursor: &mut Cursor<'_>) -> Result<Body, Rejection> {
    cursor.space()?;
    let name = cursor.word();
    match name.as_str() {
        name if !NAMES.contains(&format!("UID {name}").as_str()) => {
            return Err(NO_SUCH_UID_COMMAND.into());
        }
        "SEARCH" => return search::search(cursor, By::Uid),
        "SORT" => return sort::sort(cursor, By::Uid),
        "THREAD" => return sort::thread(cursor, By::Uid),
        _ => {}
    }
    let body = match name.as_str() {
        "FETCH" => fetch::fetch(cursor, By::Uid).map(Body::Fetch),
        "STORE" => store::store(cursor, By::Uid).map(Body::Store),
        "COPY" => copy(cursor, By::Uid).map(Body::Copy),
        "MOVE" => copy(cursor, By::Uid).map(Body::Move),
        "EXPUNGE" => spaced(cursor, Cursor::sequence_set).map(Body::UidExpunge),
        "REPLACE" => append::whole(cursor, append::Command::Replace(By::Uid)).map(Body::Append),
        _ => Err(NO_SUCH_UID_COMMAND),
    };
    Ok(body?)
}

/// A space and an argument.
fn spaced<'a, T>(
    cursor: &mut Cursor<'a>,
    argument: impl Fn(&mut Cursor<'a>) -> Parsed<T>,
) -> Parsed<T> {
    cursor.space()?;
    argument(cursor)
}

/// RFC 2971 §3.1, with its limits: 30 pairs, 30 octets of name, 1024 of value.
fn id(cursor: &mut Cursor<'_>) -> Parsed<Body> {
    cursor.space()?;
    if cursor.peek() != Some(b'(') {
        return match cursor.nil_or_text()? {
            None => Ok(Body::Id(Vec::new())),
            Some(_) => Err(Malformed("ID takes NIL or a list of names and values")),
        };
    }
    let pairs = cursor.list(|cursor| {
        let name = cursor.text()?;
        cursor.space()?;
        Ok((name, cursor.nil_or_text()?))
    })?;
    let too_long = |(name, value): &(String, Option<String>)| {
        name.len() > 30 || value.as_ref().is_some_and(|value| value.len() > 1024)
    };
    if pairs.len() > 30 || pairs.iter().any(too_long) {
        return Err(Malformed(
            "ID takes 30 pairs, names of 30 and values of 1024 octets",
        ));
    }
    Ok(Body::Id(pairs))
}

fn authenticate(cursor: &mut Cursor<'_>) -> Parsed<Body> {
    let mechanism = spaced(cursor, Cursor::atom)?.to_ascii_uppercase();
    if cursor.is_at_end() {
        return Ok(Body::Authenticate(mechanism, None));
    }
    cursor.space()?;
    let initial =
        cursor.take_while(|o| o.is_ascii_alphanumeric() || matches!(o, b'+' | b'/' | b'='));
    let initial = initial.iter().map(|octet| char::from(*octet)).collect();
    Ok(Body::Authenticate(mechanism, Some(Secret(initial))))
}

fn login(cursor: &mut Cursor<'_>) -> Parsed<Body> {
    let user = spaced(cursor, Cursor::text)?;
    let password = spaced(cursor, Cursor::text)?;
    Ok(Body::Login(user, Secret(password)))
}

fn enable(cursor: &mut Cursor<'_>) -> Parsed<Body> {
    let mut names = vec![spaced(cursor, Cursor::atom)?.to_ascii_uppercase()];
    while cursor.eat(b' ') {
        names.push(cursor.atom()?.to_ascii_uppercase());
    }
    Ok(Body::Enable(names))
}

fn select(cursor: &mut Cursor<'_>) -> Parsed<Select> {
    let mailbox = spaced(cursor, Cursor::mailbox)?;
    let mut select = Select {
        mailbox,
        condstore: false,
        qresync: None,
    };
    if cursor.is_at_end() {
        return Ok(select);
    }
    cursor.space()?;
    cursor.list(|cursor| {
        match cursor.word().as_str() {
            "CONDSTORE" => select.condstore = true,
            "QRESYNC" => select.qresync = Some(spaced(cursor, qresync)?),
            _ => {
                return Err(Malformed(
                    "The parameters of SELECT and EXAMINE are CONDSTORE and QRESYNC",
                ));
            }
        }
        Ok(())
    })?;
    Ok(select)
}

/// RFC 7162 §7: `(67890007 90060115194045000 41:211,214:541 (1:3 5:7))`.
fn qresync(cursor: &mut Cursor<'_>) -> Parsed<QResync> {
    const WRONG: &str = "QRESYNC takes UIDVALIDITY, a mod-sequence, UIDs and pairs of sets";
    cursor.expect(b'(', WRONG)?;
    let uid_validity = cursor.nonzero()?.get();
    let modseq = spaced(cursor, Cursor::modseq)?;
    let (mut known, mut pairs) = (None, None);
    if modseq == 0 {
        return Err(Malformed("The mod-sequence of QRESYNC is not zero"));
    }
    if cursor.eat(b' ') {
        if cursor.peek() != Some(b'(') {
            known = Some(plain_set(cursor)?);
        }
        if known.is_none() || cursor.eat(b' ') {
            cursor.expect(b'(', WRONG)?;
            let numbers = plain_set(cursor)?;
            pairs = Some((numbers, spaced(cursor, plain_set)?));
            cursor.expect(b')', WRONG)?;
        }
    }
    cursor.expect(b')', WRONG)?;
    Ok(QResync {
        uid_validity,
        modseq,
        known,
        pairs,
    })
}

/// A set without `*` and `$`.
fn plain_set(cursor: &mut Cursor<'_>) -> Parsed<SequenceSet> {
    let set = cursor.sequence_set()?;
    match set == SequenceSet::Saved || set.has_last() {
        true => Err(Malformed("A set of QRESYNC names numbers only")),
        false => Ok(set),
    }
}

/// RFC 5267 §4.3.5: tags as quoted strings.
/// URLs in one command.
const MAX_URLS: usize = 100;
const TOO_MANY_URLS: Malformed = Malformed("There are too many URLs in this command");

/// RFC 4467 §7: `GENURLAUTH url mechanism url mechanism …`
fn gen_url_auth(cursor: &mut Cursor<'_>) -> Parsed<Body> {
    let mut urls = Vec::new();
    while urls.is_empty() || cursor.peek() == Some(b' ') {
        let url = spaced(cursor, Cursor::text)?;
        let mechanism = spaced(cursor, Cursor::atom)?.to_ascii_uppercase();
        urls.push((url, mechanism));
        if urls.len() > MAX_URLS {
            return Err(TOO_MANY_URLS);
        }
    }
    Ok(Body::GenUrlAuth(urls))
}

/// `RESETKEY`, `RESETKEY mailbox` or `RESETKEY mailbox mechanism …`
fn reset_key(cursor: &mut Cursor<'_>) -> Parsed<Body> {
    if cursor.is_at_end() {
        return Ok(Body::ResetKey(None, Vec::new()));
    }
    let mailbox = spaced(cursor, Cursor::mailbox)?;
    let mut mechanisms = Vec::new();
    while cursor.peek() == Some(b' ') {
        mechanisms.push(spaced(cursor, Cursor::atom)?.to_ascii_uppercase());
    }
    Ok(Body::ResetKey(Some(mailbox), mechanisms))
}

fn url_fetch(cursor: &mut Cursor<'_>) -> Parsed<Body> {
    let mut urls = Vec::new();
    while urls.is_empty() || cursor.peek() == Some(b' ') {
        urls.push(spaced(cursor, Cursor::text)?);
        if urls.len() > MAX_URLS {
            return Err(TOO_MANY_URLS);
        }
    }
    Ok(Body::UrlFetch(urls))
}

fn cancel_update(cursor: &mut Cursor<'_>) -> Parsed<Body> {
    let mut tags = Vec::new();
    while tags.is_empty() || cursor.peek() == Some(b' ') {
        cursor.space()?;
        tags.push(cursor.text()?);
    }
    Ok(Body::CancelUpdate(tags))
}

/// RFC 6154 §3: `CREATE name (USE (\Drafts))`.
fn create(cursor: &mut Cursor<'_>) -> Parsed<Body> {
    let mailbox = spaced(cursor, Cursor::mailbox)?;
    if cursor.is_at_end() {
        return Ok(Body::Create(mailbox, Vec::new()));
    }
    cursor.space()?;
    let uses = cursor.list(|cursor| match cursor.word().as_str() {
        "USE" => spaced(cursor, |cursor| cursor.list(special_use)),
        _ => Err(Malformed("The only parameter of CREATE is USE")),
    })?;
    Ok(Body::Create(mailbox, uses.concat()))
}

fn special_use(cursor: &mut Cursor<'_>) -> Parsed<Use> {
    cursor.expect(b'\\', "A special use begins with a backslash")?;
    let name = cursor.atom()?;
    let found = Use::EVERY
        .into_iter()
        .find(|known| known.as_str()[1..].eq_ignore_ascii_case(&name));
    found.ok_or(Malformed("There is no such special use"))
}

fn rename(cursor: &mut Cursor<'_>) -> Parsed<Body> {
    let from = spaced(cursor, Cursor::mailbox)?;
    let to = spaced(cursor, Cursor::mailbox)?;
    Ok(Body::Rename(from, to))
}

fn status(cursor: &mut Cursor<'_>) -> Parsed<Body> {
    let mailbox = spaced(cursor, Cursor::mailbox)?;
    let items = spaced(cursor, status_items)?;
    Ok(Body::Status(mailbox, items))
}

/// `(MESSAGES UIDNEXT …)`; an item asked for twice is told once.
pub(super) fn status_items(cursor: &mut Cursor<'_>) -> Parsed<Vec<StatusItem>> {
    let mut items: Vec<StatusItem> = Vec::new();
    let named = cursor.list(|cursor| {
        StatusItem::named(&cursor.word()).ok_or(Malformed("There is no such item of STATUS"))
    })?;
    for item in named {
        if !items.contains(&item) {
            items.push(item);
        }
    }
    match items.is_empty() {
        true => Err(Malformed("STATUS needs at least one item")),
        false => Ok(items),
    }
}

/// RFC 9208 §5: resource names in upper case, and their limits.
fn set_quota(cursor: &mut Cursor<'_>) -> Parsed<Body> {
    let root = spaced(cursor, Cursor::text)?;
    cursor.space()?;
    let limits = cursor.list(|cursor| {
        let resource = cursor.atom()?.to_ascii_uppercase();
        Ok((resource, spaced(cursor, Cursor::number64)?))
    })?;
    Ok(Body::SetQuota(root, limits))
}

fn copy(cursor: &mut Cursor<'_>, by: By) -> Parsed<Copy> {
    let set = spaced(cursor, Cursor::sequence_set)?;
    let mailbox = spaced(cursor, Cursor::mailbox)?;
    Ok(Copy { by, set, mailbox })
}
