//! Match types, comparators, address parts, indexes and MIME options: what many tests share.

use super::arguments::Arguments;
use super::{Checked, Checker};
use crate::capability::Capability;
use crate::code::{AddressPart, Criterion, Index, Key, Mime, MimeOption, Text};
use crate::compare::{Comparator, Matching, Prepared, Relation};
use crate::error::Place;

impl Arguments<'_, '_, '_> {
    /// `:is`, `:contains`, … and `:comparator`.
    pub(super) fn matching(&mut self) -> Checked<(Matching, Comparator)> {
        let comparator = self.comparator()?;
        let matching = self.match_type()?;
        let inside = matches!(
            matching,
            Matching::Contains | Matching::Matches | Matching::Regex
        );
        if inside && !comparator.has_substrings() {
            let what = format!(
                "the comparator \"{}\" compares whole numbers only",
                comparator.name()
            );
            return self.report(what, Some("use :is or :value with it".into()));
        }
        Ok((matching, comparator))
    }

    fn comparator(&mut self) -> Checked<Comparator> {
        let Some(text) = self.text_tag("comparator", &[])? else {
            return Ok(Comparator::AsciiCasemap);
        };
        let Some(name) = text.as_constant() else {
            return self.report("a comparator must be named without variables", None);
        };
        let Some(comparator) = Comparator::ALL.into_iter().find(|c| c.name() == name) else {
            let known = Comparator::ALL.map(Comparator::name);
            return self.checker.unknown(self.place, "comparator", name, &known);
        };
        if let Some(capability) = comparator.capability() {
            let what = format!("the comparator \"{name}\"");
            self.checker.need(self.place, &what, capability)?;
        }
        Ok(comparator)
    }

    fn match_type(&mut self) -> Checked<Matching> {
        let mut found = Vec::new();
        for (tag, matching) in [
            ("is", Matching::Is),
            ("contains", Matching::Contains),
            ("matches", Matching::Matches),
        ] {
            if self.flag(tag, &[])? {
                found.push(matching);
            }
        }
        if self.flag("regex", &[Capability::Regex])? {
            found.push(Matching::Regex);
        }
        if self.flag("list", &[Capability::ExtLists])? {
            found.push(Matching::List);
        }
        if let Some(relation) = self.relation("value")? {
            found.push(Matching::Value(relation));
        }
        if let Some(relation) = self.relation("count")? {
            found.push(Matching::Count(relation));
        }
        match found.as_slice() {
            [] => Ok(Matching::Is),
            [one] => Ok(*one),
            _ => self.report(
                format!("`{}` has more than one match type", self.name),
                None,
            ),
        }
    }

    fn relation(&mut self, tag: &'static str) -> Checked<Option<Relation>> {
        let Some(text) = self.text_tag(tag, &[Capability::Relational])? else {
            return Ok(None);
        };
        match text.as_constant().and_then(Relation::by_name) {
            Some(relation) => Ok(Some(relation)),
            None => {
                let hint = "gt, ge, lt, le, eq and ne are relations".to_owned();
                self.report(format!("`:{tag}` needs a relation behind it"), Some(hint))
            }
        }
    }

    /// The keys, which stand last, with the match type that was read before.
    pub(super) fn criterion(&mut self, how: (Matching, Comparator)) -> Checked<Criterion> {
        let keys = self.texts("the keys to compare with")?;
        self.checker.criterion(self.place, how, keys)
    }

    /// `:localpart`, `:domain`, …
    pub(super) fn address_part(&mut self) -> Checked<Option<AddressPart>> {
        let basic = self.choice(&[
            ("all", AddressPart::All),
            ("localpart", AddressPart::LocalPart),
            ("domain", AddressPart::Domain),
        ])?;
        let user = self.flag("user", &[Capability::Subaddress])?;
        let detail = self.flag("detail", &[Capability::Subaddress])?;
        match (basic, user, detail) {
            (part, false, false) => Ok(part),
            (None, true, false) => Ok(Some(AddressPart::User)),
            (None, false, true) => Ok(Some(AddressPart::Detail)),
            _ => self.report(
                format!("`{}` has more than one address part", self.name),
                None,
            ),
        }
    }

    /// `:index 2 :last` (RFC 5260 §6).
    pub(super) fn index(&mut self, needs: &[Capability]) -> Checked<Option<Index>> {
        let number = self.number_tag("index", needs)?;
        let last = self.flag("last", needs)?;
        match (number, last) {
            (None, false) => Ok(None),
            (None, true) => self.report("`:last` needs an `:index` beside it", None),
            (Some(0), _) => self.report("`:index` counts from 1", None),
            (Some(number), last) => Ok(Some(Index { number, last })),
        }
    }

    /// `:mime` and what belongs to it (RFC 5703 §4).
    pub(super) fn mime(&mut self) -> Checked<Option<Mime>> {
        let mime = self.flag("mime", &[Capability::Mime])?;
        let any_child = self.flag("anychild", &[Capability::Mime])?;
        if !mime {
            return match any_child {
                true => self.report("`:anychild` needs `:mime` beside it", None),
                false => Ok(None),
            };
        }
        if any_child {
            self.checker.needs_body = true;
        }
        Ok(Some(Mime {
            any_child,
            option: MimeOption::Whole,
        }))
    }

    /// `:type`, `:subtype`, `:contenttype`, `:param` (RFC 5703 §4.2).
    pub(super) fn mime_with_option(&mut self) -> Checked<Option<Mime>> {
        let mime = self.mime()?;
        let mut options = Vec::new();
        for (tag, option) in [
            ("type", MimeOption::Type),
            ("subtype", MimeOption::Subtype),
            ("contenttype", MimeOption::ContentType),
        ] {
            if self.flag(tag, &[Capability::Mime])? {
                options.push(option);
            }
        }
        if let Some(names) = self.texts_tag("param", &[Capability::Mime])? {
            options.push(MimeOption::Param(names));
        }
        match (mime, options.len()) {
            (mime, 0) => Ok(mime),
            (Some(mime), 1) => Ok(options.pop().map(|option| Mime { option, ..mime })),
            (None, _) => self.report(
                "`:type`, `:subtype`, `:contenttype` and `:param` need `:mime` beside them",
                None,
            ),
            _ => self.report(
                "`:type`, `:subtype`, `:contenttype` and `:param` exclude each other",
                None,
            ),
        }
    }
}

impl Checker<'_> {
    /// Prepares the keys that are constant.
    pub(super) fn criterion(
        &mut self,
        place: Place,
        (matching, comparator): (Matching, Comparator),
        keys: Vec<Text>,
    ) -> Checked<Criterion> {
        let mut prepared = Vec::with_capacity(keys.len());
        for text in keys {
            let size = self.compiler.limits.regex_size;
            let ready = match text.as_constant() {
                None => None,
                Some(key) => match Prepared::new(key, matching, comparator, size) {
                    Ok(ready) => Some(ready),
                    Err(why) => {
                        let what = format!("the regular expression \"{key}\" is wrong: {why}");
                        return self.report(place, what, None);
                    }
                },
            };
            prepared.push(Key { text, ready });
        }
        Ok(Criterion {
            comparator,
            matching,
            keys: prepared,
        })
    }
}
