//! The senders that the settings allow or deny (I17, I18), compiled once for each change of them.

use crate::config::SpamSettings;
use arc_swap::ArcSwap;
use spam::sender_list::Pattern;
use std::sync::Arc;

/// Both lists, as they were compiled last.
#[derive(Default)]
pub(super) struct Compiled(ArcSwap<Lists>);

#[derive(Default)]
struct Lists {
    allow: List,
    deny: List,
}

#[derive(Default)]
struct List {
    texts: Vec<String>,
    patterns: Vec<Pattern>,
}

impl List {
    fn of(texts: &[String]) -> List {
        List {
            // Those that are none were refused when the settings were read.
            patterns: texts
                .iter()
                .filter_map(|text| Pattern::parse(text).ok())
                .collect(),
            texts: texts.to_vec(),
        }
    }

    /// The entry that means one of these addresses, as it is written.
    fn find(&self, addresses: &[&str]) -> Option<String> {
        let fits = |pattern: &Pattern| addresses.iter().any(|address| pattern.fits(address));
        let index = self.patterns.iter().position(fits)?;
        self.texts.get(index).cloned()
    }
}

impl super::Filter {
    /// The entry of `spam.allow` for one of these addresses (in small letters).
    pub(crate) fn allowed(&self, settings: &SpamSettings, addresses: &[&str]) -> Option<String> {
        self.lists(settings).allow.find(addresses)
    }

    /// The entry of `spam.deny`.
    pub(crate) fn denied(&self, settings: &SpamSettings, addresses: &[&str]) -> Option<String> {
        self.lists(settings).deny.find(addresses)
    }

    fn lists(&self, settings: &SpamSettings) -> Arc<Lists> {
        let lists = self.senders.0.load_full();
        if lists.allow.texts == settings.allow && lists.deny.texts == settings.deny {
            return lists;
        }
        let lists = Arc::new(Lists {
            allow: List::of(&settings.allow),
            deny: List::of(&settings.deny),
        });
        self.senders.0.store(lists.clone());
        lists
    }
}
