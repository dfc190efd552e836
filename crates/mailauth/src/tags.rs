//! Lists of `tag=value`, as in DKIM signatures and keys, ARC fields and DMARC records (RFC 6376 §3.2).

/// The tags of a list in their order, values without blanks around them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tags<'a>(Vec<(&'a str, &'a str)>);

/// What is wrong with a list, as a clause for people.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Malformed(pub String);

/// A list with more tags is not read.
const MOST: usize = 200;

impl<'a> Tags<'a> {
    /// Parses a list. A tag that stands twice makes it invalid.
    pub fn parse(text: &'a str) -> Result<Tags<'a>, Malformed> {
        let mut tags: Vec<(&str, &str)> = Vec::new();
        for spec in text.split(';') {
            let spec = trim(spec);
            if spec.is_empty() {
                // Only the last may be empty; but what is empty says nothing, so it does no harm elsewhere.
                continue;
            }
            let (name, value) = spec
                .split_once('=')
                .ok_or_else(|| Malformed(format!("{:?} is no tag", shortened(spec))))?;
            let name = trim(name);
            if !is_name(name) {
                return Err(Malformed(format!("{:?} is no tag", shortened(name))));
            }
            if tags.iter().any(|(known, _)| *known == name) {
                return Err(Malformed(format!("the tag {name} stands twice")));
            }
            if tags.len() == MOST {
                return Err(Malformed("it has too many tags".into()));
            }
            tags.push((name, trim(value)));
        }
        Ok(Tags(tags))
    }

    /// The value of a tag.
    pub fn value(&self, name: &str) -> Option<&'a str> {
        let found = self.0.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| *value)
    }

    /// The value of a tag that must be there and not be empty.
    pub fn required(&self, name: &str) -> Result<&'a str, Malformed> {
        match self.value(name) {
            Some(value) if !value.is_empty() => Ok(value),
            _ => Err(Malformed(format!("the tag {name} is missing"))),
        }
    }

    /// The name of the first tag.
    pub fn first(&self) -> Option<&'a str> {
        self.0.first().map(|(name, _)| *name)
    }

    /// All tags in their order.
    pub fn iter(&self) -> impl Iterator<Item = (&'a str, &'a str)> + '_ {
        self.0.iter().copied()
    }
}

/// The words of a value with colons between them, such as `h=`.
pub fn words(value: &str) -> impl Iterator<Item = &str> {
    value.split(':').map(trim)
}

/// A value without the blanks that folding may put anywhere into it.
pub fn without_blanks(value: &str) -> String {
    value.chars().filter(|c| !is_blank(*c)).collect()
}

fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.bytes().all(|o| o.is_ascii_alphanumeric() || o == b'_')
}

fn trim(text: &str) -> &str {
    text.trim_matches(is_blank)
}

fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n')
}

fn shortened(text: &str) -> String {
    text.chars().take(20).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn rfc6376_section_3_2_tag_lists() {
        let tags = Tags::parse(" v = 1; a=b=c ;\r\n\tempty=; ").unwrap();
        assert_eq!(
            tags.iter().collect::<Vec<_>>(),
            [("v", "1"), ("a", "b=c"), ("empty", "")]
        );
        assert!(Tags::parse("a=1; a=2").is_err());
        assert!(Tags::parse("a").is_err());
        assert!(Tags::parse("1=a").is_err());
        assert!(tags.required("empty").is_err());
        assert_eq!(words("a : b:c").collect::<Vec<_>>(), ["a", "b", "c"]);
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,80}") {
            let _ = Tags::parse(&text);
        }
    }
}
