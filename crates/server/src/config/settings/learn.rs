//! The section `learn`.

use super::{Applies, Default, Setting};
use crate::config::LearnFrom;
use crate::config::field::Field;

const WORDS: [LearnFrom; 3] = [LearnFrom::Nobody, LearnFrom::Own, LearnFrom::All];

pub(super) fn learn() -> Vec<Setting> {
    settings! {
        "learn.from_accounts" Reload "\"all\"",
            Field::Word(
                &["nobody", "own", "all"],
                |c| WORDS.iter().position(|word| *word == c.learn.from_accounts).unwrap_or(0),
                |c, which| c.learn.from_accounts = WORDS[which.min(2)],
            ),
            "Who learns from what people do with their mail (I10): moving it into Junk or out of it, archiving and answering it. `all`: the filter \
             of every account, and most of all their own; `own`: their own alone, so that nobody's mail changes what others see (I8); `nobody`.";
    }
}
