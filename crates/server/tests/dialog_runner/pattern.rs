//! What a server's line has to look like: literal text, `*`, captures and recalls.

use std::collections::BTreeMap;

/// Texts remembered so far in a dialog.
pub(crate) type Captures = BTreeMap<String, String>;

/// An expected line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pattern(Vec<Piece>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Anything,
    Capture(String, Pattern),
    Recall(String),
}

/// Whether the `* ` that begins a line is a wildcard or an IMAP star.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum LeadingStar {
    Wildcard,
    Literal,
}

impl Pattern {
    /// Reads a pattern as it stands in a dialog.
    pub(crate) fn parse(text: &str, star: LeadingStar) -> Result<Pattern, String> {
        match text.strip_prefix("* ") {
            Some(rest) if star == LeadingStar::Literal => {
                let mut pieces = vec![Piece::Text("* ".into())];
                pieces.extend(Pattern::read(rest)?.0);
                Ok(Pattern(pieces))
            }
            _ => Pattern::read(text),
        }
    }

    fn read(text: &str) -> Result<Pattern, String> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            let (piece, after) = match first {
                '\\' if rest.starts_with("\\*") => (Piece::Text("*".into()), &rest[2..]),
                '*' => (Piece::Anything, &rest[1..]),
                '{' => read_capture(rest)?,
                '$' => read_recall(rest),
                other => (Piece::Text(other.into()), &rest[other.len_utf8()..]),
            };
            push(&mut pieces, piece);
            rest = after;
        }
        Ok(Pattern(pieces))
    }

    /// If `line` is like this, what it adds to the captures.
    pub(crate) fn matches(&self, line: &str, known: &Captures) -> Option<Captures> {
        let mut found = known.clone();
        walk(&self.0, line, &mut found).then_some(found)
    }
}

fn push(pieces: &mut Vec<Piece>, piece: Piece) {
    match (pieces.last_mut(), piece) {
        (Some(Piece::Text(before)), Piece::Text(more)) => before.push_str(&more),
        (_, piece) => pieces.push(piece),
    }
}

/// `{name:pattern}`; a brace that does not begin one stands for itself (IMAP literals: `{12}`).
fn read_capture(text: &str) -> Result<(Piece, &str), String> {
    let name_end = text[1..]
        .find(|c: char| !c.is_ascii_alphabetic() && c != '_')
        .map(|at| at + 1);
    let Some(colon) = name_end.filter(|&at| at > 1 && text[at..].starts_with(':')) else {
        return Ok((Piece::Text("{".into()), &text[1..]));
    };
    let end = text
        .find('}')
        .ok_or_else(|| format!("a capture without its closing brace: {text}"))?;
    let inner = Pattern::read(&text[colon + 1..end])?;
    Ok((
        Piece::Capture(text[1..colon].into(), inner),
        &text[end + 1..],
    ))
}

fn read_recall(text: &str) -> (Piece, &str) {
    let end = name_length(&text[1..]) + 1;
    (Piece::Recall(text[1..end].into()), &text[end..])
}

fn name_length(text: &str) -> usize {
    text.find(|c: char| !c.is_ascii_alphabetic() && c != '_')
        .unwrap_or(text.len())
}

/// A name that nothing was captured under is plain text: `$Junk` is a keyword of IMAP.
fn recalled(name: &str, known: &Captures) -> String {
    match known.get(name) {
        Some(text) => text.clone(),
        None => format!("${name}"),
    }
}

/// Replaces `$name` by what was captured under it.
pub(crate) fn expand(text: &str, known: &Captures) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        let end = at + 1 + name_length(&rest[at + 1..]);
        out.push_str(&rest[..at]);
        out.push_str(&recalled(&rest[at + 1..end], known));
        rest = &rest[end..];
    }
    out + rest
}

fn walk(pieces: &[Piece], line: &str, found: &mut Captures) -> bool {
    let Some((first, others)) = pieces.split_first() else {
        return line.is_empty();
    };
    match first {
        Piece::Text(text) => literal(text, others, line, found),
        Piece::Recall(name) => literal(&recalled(name, found), others, line, found),
        Piece::Anything => ends(line).any(|end| walk(others, &line[end..], found)),
        Piece::Capture(name, inner) => ends(line).any(|end| {
            let mut tried = found.clone();
            let inside = walk(&inner.0, &line[..end], &mut tried);
            tried.insert(name.clone(), line[..end].into());
            let all = inside && walk(others, &line[end..], &mut tried);
            if all {
                *found = tried;
            }
            all
        }),
    }
}

fn literal(text: &str, others: &[Piece], line: &str, found: &mut Captures) -> bool {
    line.strip_prefix(text)
        .is_some_and(|rest| walk(others, rest, found))
}

fn ends(line: &str) -> impl Iterator<Item = usize> + '_ {
    line.char_indices()
        .map(|(at, _)| at)
        .chain(std::iter::once(line.len()))
}

#[test]
fn patterns_match_capture_and_recall() {
    let known = Captures::new();
    let p = |text: &str| Pattern::parse(text, LeadingStar::Literal).unwrap();
    assert!(p("250 ok").matches("250 ok", &known).is_some());
    assert!(p("250 ok").matches("250 ok ", &known).is_none());
    assert!(p("250 *").matches("250 anything", &known).is_some());
    assert!(p("* 3 EXISTS").matches("* 3 EXISTS", &known).is_some());
    assert!(p("* 3 EXISTS").matches("x 3 EXISTS", &known).is_none());
    assert!(
        p("* FLAGS ($Junk)")
            .matches("* FLAGS ($Junk)", &known)
            .is_some()
    );
    assert!(
        p("* 1 FETCH (BODY[] {12}")
            .matches("* 1 FETCH (BODY[] {12}", &known)
            .is_some()
    );

    let found = p("* OK [UIDNEXT {next:*}] *")
        .matches("* OK [UIDNEXT 17] next", &known)
        .unwrap();
    assert_eq!(found["next"], "17");
    assert!(p("a $next b").matches("a 17 b", &found).is_some());
    assert!(p("a $next b").matches("a 18 b", &found).is_none());
    assert_eq!(
        expand("UID FETCH $next $Junk", &found),
        "UID FETCH 17 $Junk"
    );
}
