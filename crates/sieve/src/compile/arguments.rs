//! The arguments of one command or test (RFC 5228 §2.6): tags in any order, each with its value if it has one, then the positional ones.
//!
//! What a command asks for is taken out of the list; what is left at the end is an error.

use super::{Broken, Checked, Checker, nearest};
use crate::capability::Capability;
use crate::code::Text;
use crate::error::Place;
use crate::syntax::{Argument, Value};

pub(super) struct Arguments<'a, 'c, 't> {
    pub(super) checker: &'a mut Checker<'c>,
    pub(super) place: Place,
    pub(super) name: String,
    items: Vec<Option<&'t Argument>>,
    /// Tags that were asked for: what the command knows.
    asked: Vec<&'static str>,
    /// Where the last tag stands in the list.
    last_tag: usize,
}

impl<'a, 'c, 't> Arguments<'a, 'c, 't> {
    pub(super) fn new(
        checker: &'a mut Checker<'c>,
        place: Place,
        name: &str,
        arguments: &'t [Argument],
    ) -> Arguments<'a, 'c, 't> {
        Arguments {
            checker,
            place,
            name: name.to_ascii_lowercase(),
            items: arguments.iter().map(Some).collect(),
            asked: Vec::new(),
            last_tag: arguments.iter().rposition(is_tag).unwrap_or(0),
        }
    }

    pub(super) fn report<T>(
        &mut self,
        what: impl Into<String>,
        hint: Option<String>,
    ) -> Checked<T> {
        self.checker.report(self.place, what, hint)
    }

    /// Takes a tag out, if it is there; the place of its value in the list.
    fn tag(&mut self, name: &'static str, needs: &[Capability]) -> Checked<Option<usize>> {
        self.asked.push(name);
        let is_it = |item: &Option<&Argument>| match item.map(|a| &a.value) {
            Some(Value::Tag(tag)) => tag.eq_ignore_ascii_case(name),
            _ => false,
        };
        let Some(at) = self.items.iter().position(is_it) else {
            return Ok(None);
        };
        let place = self.items[at].map_or(self.place, |a| a.place);
        self.items[at] = None;
        let what = format!("`:{name}`");
        self.checker.need_one(place, &what, needs)?;
        Ok(Some(at + 1))
    }

    /// Is the tag there?
    pub(super) fn flag(&mut self, name: &'static str, needs: &[Capability]) -> Checked<bool> {
        Ok(self.tag(name, needs)?.is_some())
    }

    /// Which of these tags is there; they exclude each other.
    pub(super) fn choice<T: Copy>(&mut self, tags: &[(&'static str, T)]) -> Checked<Option<T>> {
        let mut chosen: Option<(&str, T)> = None;
        for (name, value) in tags {
            if !self.flag(name, &[])? {
                continue;
            }
            if let Some((other, _)) = chosen {
                let what = format!("`:{other}` and `:{name}` exclude each other");
                return self.report(what, None);
            }
            chosen = Some((name, *value));
        }
        Ok(chosen.map(|(_, value)| value))
    }

    /// The value that follows a tag.
    fn value_of(&mut self, tag: &str, at: usize) -> Checked<&'t Argument> {
        let value = self.items.get_mut(at).and_then(Option::take);
        match value {
            Some(argument) if !is_tag(argument) => Ok(argument),
            _ => self.report(format!("`:{tag}` needs a value behind it"), None),
        }
    }

    pub(super) fn text_tag(
        &mut self,
        name: &'static str,
        needs: &[Capability],
    ) -> Checked<Option<Text>> {
        let Some(at) = self.tag(name, needs)? else {
            return Ok(None);
        };
        let argument = self.value_of(name, at)?;
        self.one_text(argument, &format!("the value of `:{name}`"))
            .map(Some)
    }

    pub(super) fn texts_tag(
        &mut self,
        name: &'static str,
        needs: &[Capability],
    ) -> Checked<Option<Vec<Text>>> {
        let Some(at) = self.tag(name, needs)? else {
            return Ok(None);
        };
        let argument = self.value_of(name, at)?;
        self.many_texts(argument, &format!("the value of `:{name}`"))
            .map(Some)
    }

    pub(super) fn number_tag(
        &mut self,
        name: &'static str,
        needs: &[Capability],
    ) -> Checked<Option<u64>> {
        let Some(at) = self.tag(name, needs)? else {
            return Ok(None);
        };
        let argument = self.value_of(name, at)?;
        self.one_number(argument, &format!("the value of `:{name}`"))
            .map(Some)
    }

    /// How many positional arguments are left. Tags that nobody asked for are not among them.
    pub(super) fn left(&self) -> usize {
        self.items.iter().flatten().filter(|a| !is_tag(a)).count()
    }

    /// The next positional argument.
    fn next(&mut self, what: &str) -> Checked<&'t Argument> {
        self.no_tags_left()?;
        let at = self.items.iter().position(Option::is_some);
        match at.and_then(|at| Some((at, self.items.get_mut(at)?.take()?))) {
            Some((at, argument)) if at < self.last_tag => {
                let what = format!("`{}`: tags must stand before {what}", self.name);
                self.checker.report(argument.place, what, None)
            }
            Some((_, argument)) => Ok(argument),
            None => self.report(format!("`{}` needs {what}", self.name), None),
        }
    }

    pub(super) fn text(&mut self, what: &str) -> Checked<Text> {
        let argument = self.next(what)?;
        self.one_text(argument, what)
    }

    pub(super) fn texts(&mut self, what: &str) -> Checked<Vec<Text>> {
        let argument = self.next(what)?;
        self.many_texts(argument, what)
    }

    pub(super) fn number(&mut self, what: &str) -> Checked<u64> {
        let argument = self.next(what)?;
        self.one_number(argument, what)
    }

    /// A string in which no variables are looked for.
    pub(super) fn plain(&mut self, what: &str) -> Checked<String> {
        let argument = self.next(what)?;
        match &argument.value {
            Value::String(text) => Ok(text.clone()),
            _ => self.wrong(argument, what, "one string"),
        }
    }

    /// Strings in which no variables are looked for.
    pub(super) fn plains(&mut self, what: &str) -> Checked<Vec<String>> {
        let argument = self.next(what)?;
        match &argument.value {
            Value::String(text) => Ok(vec![text.clone()]),
            Value::List(texts) => Ok(texts.clone()),
            _ => self.wrong(argument, what, "a string or a list of strings"),
        }
    }

    fn one_text(&mut self, argument: &Argument, what: &str) -> Checked<Text> {
        match &argument.value {
            Value::String(text) => self.checker.text(argument.place, text),
            _ => self.wrong(argument, what, "one string"),
        }
    }

    fn many_texts(&mut self, argument: &Argument, what: &str) -> Checked<Vec<Text>> {
        match &argument.value {
            Value::String(text) => Ok(vec![self.checker.text(argument.place, text)?]),
            Value::List(texts) => texts
                .iter()
                .map(|text| self.checker.text(argument.place, text))
                .collect(),
            _ => self.wrong(argument, what, "a string or a list of strings"),
        }
    }

    fn one_number(&mut self, argument: &Argument, what: &str) -> Checked<u64> {
        match argument.value {
            Value::Number(number) => Ok(number),
            _ => self.wrong(argument, what, "a number"),
        }
    }

    fn wrong<T>(&mut self, argument: &Argument, what: &str, expected: &str) -> Checked<T> {
        let text = format!("`{}`: {what} must be {expected}", self.name);
        self.checker.report(argument.place, text, None)
    }

    fn no_tags_left(&mut self) -> Checked<()> {
        let Some(argument) = self.items.iter().flatten().find(|a| is_tag(a)) else {
            return Ok(());
        };
        let Value::Tag(tag) = &argument.value else {
            return Ok(());
        };
        if self
            .asked
            .iter()
            .any(|known| known.eq_ignore_ascii_case(tag))
        {
            let what = format!("`:{tag}` stands here twice");
            return self.checker.report(argument.place, what, None);
        }
        let what = format!("`{}` has no tag `:{tag}`", self.name);
        if self.checker.has(Capability::Ihave) {
            return Err(Broken::Unavailable(what));
        }
        let near = nearest::nearest(tag, &self.asked);
        let hint = near.map(|near| format!("did you mean `:{near}`?"));
        self.checker.report(argument.place, what, hint)
    }

    /// Nothing may be left.
    pub(super) fn finish(mut self) -> Checked<()> {
        self.no_tags_left()?;
        if let Some(extra) = self.items.iter().flatten().next() {
            let what = format!("`{}` takes no further argument", self.name);
            return self.checker.report(extra.place, what, None);
        }
        Ok(())
    }
}

fn is_tag(argument: &Argument) -> bool {
    matches!(argument.value, Value::Tag(_))
}
