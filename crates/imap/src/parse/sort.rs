//! SORT and THREAD (RFC 5256 §5, RFC 5267, RFC 5957).

use super::{Cursor, Malformed, Rejection, search};
use crate::command::{Body, By};
use crate::sort::{Criterion, Sort, SortKey};
use crate::thread::{Algorithm, Thread};

/// Criteria in one command.
const MAX_CRITERIA: usize = 20;

/// SORT after its name.
pub(super) fn sort(cursor: &mut Cursor<'_>, by: By) -> Result<Body, Rejection> {
    cursor.space()?;
    let result = search::returns(cursor)?;
    let criteria = cursor.list(criterion)?;
    if criteria.is_empty() || criteria.len() > MAX_CRITERIA {
        return Err(Malformed("SORT takes 1 to 20 criteria").into());
    }
    cursor.space()?;
    search::charset(cursor)?;
    cursor.space()?;
    let search = search::program(cursor, result)?;
    Ok(Body::Sort(by, Sort { criteria, search }))
}

fn criterion(cursor: &mut Cursor<'_>) -> Result<Criterion, Malformed> {
    let mut word = cursor.word();
    let reverse = word == "REVERSE";
    if reverse {
        cursor.space()?;
        word = cursor.word();
    }
    let key = match word.as_str() {
        "ARRIVAL" => SortKey::Arrival,
        "CC" => SortKey::Cc,
        "DATE" => SortKey::Date,
        "FROM" => SortKey::From,
        "SIZE" => SortKey::Size,
        "SUBJECT" => SortKey::Subject,
        "TO" => SortKey::To,
        "DISPLAYFROM" => SortKey::DisplayFrom,
        "DISPLAYTO" => SortKey::DisplayTo,
        _ => return Err(Malformed("There is no such sort criterion")),
    };
    Ok(Criterion { key, reverse })
}

/// THREAD after its name.
pub(super) fn thread(cursor: &mut Cursor<'_>, by: By) -> Result<Body, Rejection> {
    cursor.space()?;
    let algorithm = match cursor.word().as_str() {
        "ORDEREDSUBJECT" => Algorithm::OrderedSubject,
        "REFERENCES" => Algorithm::References,
        "REFS" => Algorithm::Refs,
        _ => return Err(Malformed("There is no such threading algorithm").into()),
    };
    cursor.space()?;
    search::charset(cursor)?;
    cursor.space()?;
    let key = search::program(cursor, None)?.key;
    Ok(Body::Thread(by, Thread { algorithm, key }))
}
