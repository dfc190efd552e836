//! What an account wishes of the filter: thresholds and senders of its own (I17, I18), besides those of the settings.

use super::super::{Failure, World};
use super::Named;
use ::spam::sender_list::Pattern;
use serde::{Deserialize, Serialize};
use store::Tx;
use store::wish::{self, Wishes};

/// Senders on each list.
const MOST: usize = 500;

/// What shall be other. What is `None` or empty stays.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct WishChange {
    pub mark: Option<Wish<f32>>,
    /// Per cent of `refuse`.
    pub junk: Option<Wish<u32>>,
    /// Per cent of `refuse`.
    pub junk_seen: Option<Wish<u32>>,
    pub refuse: Option<Wish<f32>>,
    /// Addresses and domains.
    pub allow: Vec<String>,
    /// See `allow`.
    pub deny: Vec<String>,
    /// These go from both lists.
    pub forget: Vec<String>,
}

/// A value, or that of the settings.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum Wish<T> {
    AsInSettings,
    Value(T),
}

impl<T> Wish<T> {
    fn value(self) -> Option<T> {
        match self {
            Wish::AsInSettings => None,
            Wish::Value(value) => Some(value),
        }
    }
}

/// The wishes of an account.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct WishesOf {
    pub account: String,
    /// `None`: as in the settings.
    pub mark: Option<f32>,
    /// Per cent of `refuse`.
    pub junk: Option<u32>,
    /// Per cent of `refuse`.
    pub junk_seen: Option<u32>,
    pub refuse: Option<f32>,
    pub allow: Vec<String>,
    pub deny: Vec<String>,
}

/// Changes the wishes of an account, and says what they are.
pub(super) async fn wishes(
    world: &World,
    (id, address): Named,
    change: WishChange,
) -> Result<WishesOf, Failure> {
    check(&change)?;
    let now = match change == WishChange::default() {
        true => world.store.read(move |tx| wish::of(tx, id)).await?,
        false => {
            let work = move |tx: &mut Tx<'_>| {
                let wishes = changed(wish::of(tx, id)?, &change);
                if wishes.allow.len().max(wishes.deny.len()) > MOST {
                    return Ok(None);
                }
                wish::put(tx, id, &wishes).map(|()| Some(wishes))
            };
            let written = world.store.write(work).await?;
            written
                .ok_or_else(|| Failure::invalid(format!("a list holds {MOST} senders at most")))?
        }
    };
    Ok(WishesOf {
        account: address,
        mark: now.mark,
        junk: now.junk,
        junk_seen: now.junk_seen,
        refuse: now.refuse,
        allow: now.allow,
        deny: now.deny,
    })
}

/// Users' lists are read for each message: expressions, which take long to prepare, are for the settings.
fn check(change: &WishChange) -> Result<(), Failure> {
    for text in change.allow.iter().chain(&change.deny) {
        match Pattern::parse(text).map_err(Failure::invalid)? {
            Pattern::Address(_) | Pattern::Domain(_) => {}
            Pattern::Expression(_) => {
                return Err(Failure::invalid(format!(
                    "{text}: an account names addresses and domains; expressions are for spam.allow and spam.deny in the settings"
                )));
            }
        }
    }
    let scores = [change.mark, change.refuse].into_iter().flatten();
    let percents = [change.junk, change.junk_seen].into_iter().flatten();
    let mut scores = scores.filter_map(Wish::value);
    let mut percents = percents.filter_map(Wish::value);
    if scores.any(|score| !(1.0..=1000.0).contains(&score)) {
        return Err(Failure::invalid("a score is from 1 to 1000"));
    }
    if percents.any(|percent| !(1..=100).contains(&percent)) {
        return Err(Failure::invalid("a percentage is from 1 to 100"));
    }
    Ok(())
}

fn changed(mut wishes: Wishes, change: &WishChange) -> Wishes {
    set(&mut wishes.mark, change.mark);
    set(&mut wishes.junk, change.junk);
    set(&mut wishes.junk_seen, change.junk_seen);
    set(&mut wishes.refuse, change.refuse);
    let lower = |texts: &[String]| {
        texts
            .iter()
            .map(|t| t.trim().to_lowercase())
            .collect::<Vec<_>>()
    };
    let (allow, deny, forget) = (
        lower(&change.allow),
        lower(&change.deny),
        lower(&change.forget),
    );
    // Who is put on one list leaves the other.
    wishes
        .allow
        .retain(|sender| !forget.contains(sender) && !deny.contains(sender));
    wishes
        .deny
        .retain(|sender| !forget.contains(sender) && !allow.contains(sender));
    add(&mut wishes.allow, allow);
    add(&mut wishes.deny, deny);
    wishes
}

fn set<T>(place: &mut Option<T>, wish: Option<Wish<T>>) {
    if let Some(wish) = wish {
        *place = wish.value();
    }
}

fn add(list: &mut Vec<String>, more: Vec<String>) {
    for sender in more {
        if !list.contains(&sender) {
            list.push(sender);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sender_is_on_one_list_alone() {
        let wish = |allow: &[&str], deny: &[&str], forget: &[&str]| {
            let owned = |list: &[&str]| list.iter().map(|s| (*s).to_owned()).collect();
            WishChange {
                allow: owned(allow),
                deny: owned(deny),
                forget: owned(forget),
                ..WishChange::default()
            }
        };
        let wishes = changed(
            Wishes::default(),
            &wish(&["A@b.example"], &["c.example"], &[]),
        );
        assert_eq!((wishes.allow.len(), wishes.deny.len()), (1, 1));
        let wishes = changed(wishes, &wish(&[], &["a@b.example"], &[]));
        assert!(wishes.allow.is_empty() && wishes.deny == ["c.example", "a@b.example"]);
        let wishes = changed(wishes, &wish(&[], &[], &["c.example"]));
        assert_eq!(wishes.deny, ["a@b.example"]);
    }

    #[test]
    fn what_cannot_be_wished_is_said() {
        let refuse = |wish| {
            check(&WishChange {
                refuse: Some(wish),
                ..WishChange::default()
            })
        };
        assert!(refuse(Wish::Value(0.0)).is_err() && refuse(Wish::AsInSettings).is_ok());
        let expression = WishChange {
            deny: vec!["/x/".into()],
            ..WishChange::default()
        };
        assert!(check(&expression).is_err());
    }
}
