//! A model as it is stored: parts of at most half a megabyte, one after the other, so that no more than one part is in memory besides
//! the model itself. Where they are stored is not known here.

use super::{Bayes, Level, Logistic, Model, Reservoir, Seen, Size, Threshold, bayes, reservoir};
use crate::features::VERSION;
use serde::{Deserialize, Serialize};

/// Of the form below; raised when a model of before cannot be read, or would not mean the same.
const FORM: u8 = 1;

/// The first part.
#[derive(Serialize, Deserialize)]
struct Head {
    form: u8,
    features: u8,
    size: Size,
    seen: Seen,
    level: Level,
    threshold: Threshold,
    bayes: bayes::Head,
    choice: reservoir::Choice,
    /// Parts of old messages.
    olds: usize,
}

impl Model {
    /// How many parts there are.
    pub fn parts(&self) -> usize {
        1 + self.tables() + self.reservoir.parts()
    }

    fn tables(&self) -> usize {
        self.views.iter().map(Logistic::parts).sum::<usize>() + self.bayes.parts()
    }

    /// A part; `None` if there are not so many.
    pub fn part(&self, index: usize) -> Option<Vec<u8>> {
        let Some(mut index) = index.checked_sub(1) else {
            return postcard::to_stdvec(&self.head()).ok();
        };
        for view in &self.views {
            match index.checked_sub(view.parts()) {
                None => return Some(view.part(index)),
                Some(rest) => index = rest,
            }
        }
        match index.checked_sub(self.bayes.parts()) {
            None => Some(self.bayes.part(index)),
            Some(rest) => self.reservoir.part(rest),
        }
    }

    fn head(&self) -> Head {
        Head {
            form: FORM,
            features: VERSION,
            size: self.size,
            seen: self.seen,
            level: self.level,
            threshold: self.threshold.clone(),
            bayes: self.bayes.head().clone(),
            choice: self.reservoir.choice(),
            olds: self.reservoir.parts(),
        }
    }

    /// Makes a model of its parts; `None` if they are of another version, or not all of one model: then it is made of its lessons anew.
    pub fn restore(parts: impl IntoIterator<Item = Vec<u8>>) -> Option<Model> {
        let mut parts = parts.into_iter();
        let head: Head = postcard::from_bytes(&parts.next()?).ok()?;
        if (head.form, head.features) != (FORM, VERSION) {
            return None;
        }
        let mut model = Model::new(head.size);
        for view in &mut model.views {
            (0..view.parts()).try_for_each(|index| view.restore(index, &parts.next()?))?;
        }
        restore_counts(&mut model.bayes, &mut parts)?;
        restore_olds(&mut model.reservoir, head.olds, &mut parts)?;
        model.bayes.set_head(head.bayes);
        model.reservoir.set_choice(head.choice);
        (model.seen, model.level, model.threshold) = (head.seen, head.level, head.threshold);
        parts.next().is_none().then_some(model)
    }
}

fn restore_counts(bayes: &mut Bayes, parts: &mut impl Iterator<Item = Vec<u8>>) -> Option<()> {
    (0..bayes.parts()).try_for_each(|index| bayes.restore(index, &parts.next()?))
}

fn restore_olds(
    reservoir: &mut Reservoir,
    count: usize,
    parts: &mut impl Iterator<Item = Vec<u8>>,
) -> Option<()> {
    (0..count).try_for_each(|_| reservoir.restore(&parts.next()?))
}
