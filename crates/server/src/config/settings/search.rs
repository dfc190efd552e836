//! The section `search`.

use super::{Applies, Default, Setting};
use crate::config::SearchIndex;
use crate::config::field::Field;

const WORDS: [SearchIndex; 3] = [SearchIndex::Auto, SearchIndex::Always, SearchIndex::Never];

pub(super) fn search() -> Vec<Setting> {
    settings! {
        "search.index" Reload "\"auto\"",
            Field::Word(
                &["auto", "always", "never"],
                |c| WORDS.iter().position(|word| *word == c.search.index).unwrap_or(0),
                |c, which| c.search.index = WORDS[which.min(2)],
            ),
            "Who has a search index (F8): `auto`, accounts that have searched a large mailbox; `always`, everyone; `never`, nobody, and \
             those there are go. Searches find the same without one, more slowly. An index takes about a third to two thirds of the room of \
             the mail, and what is in it can be read: where mail is encrypted on disk, `auto` makes none.";
        "search.index_from" Reload "2000", Field::Count(|c| &mut c.search.index_from, 1..=100_000_000),
            "Messages from which a mailbox is worth an index; in smaller ones a search looks into every message.";
    }
}
