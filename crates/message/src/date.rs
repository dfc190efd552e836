//! Dates of header fields (RFC 5322 §3.3 and §4.3), read tolerantly and written strictly.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

/// A date as a header field tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MessageDate {
    /// Seconds since 1970, UTC.
    pub seconds: i64,
    /// Seconds that the sender's clock is ahead of UTC.
    pub offset: i32,
}

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];
const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/// Writes `Fri, 20 Nov 2026 14:13:44 +0000`, always in UTC.
pub fn write(time: Timestamp) -> String {
    let t = TimeZone::UTC.to_datetime(time);
    format!(
        "{}, {} {} {:04} {:02}:{:02}:{:02} +0000",
        DAYS[t.weekday().to_monday_zero_offset() as usize],
        t.day(),
        MONTHS[t.month() as usize - 1],
        t.year(),
        t.hour(),
        t.minute(),
        t.second()
    )
}

/// Reads a date field's value; comments, obsolete years and zones, a missing weekday, second or zone are accepted.
pub fn parse(value: &[u8]) -> Option<MessageDate> {
    let text = without_comments(value);
    let mut words = text
        .split(|c: char| c.is_whitespace() || c == ',')
        .filter(|word| !word.is_empty())
        .skip_while(|word| !word.starts_with(|c: char| c.is_ascii_digit()));
    let day = words.next()?.parse().ok()?;
    let month = month(words.next()?)?;
    let year = year(words.next()?)?;
    let (hour, minute, second) = time(words.next().unwrap_or("0:0"))?;
    let offset = words.next().map_or(Some(0), zone)?;
    let date = Date::new(year, month, day).ok()?;
    let local = DateTime::from_parts(date, jiff::civil::Time::new(hour, minute, second, 0).ok()?);
    let seconds = TimeZone::UTC.to_timestamp(local).ok()?.as_second() - i64::from(offset);
    Some(MessageDate { seconds, offset })
}

/// The text without what stands in (nested) parentheses; anything that is not ASCII becomes a blank.
fn without_comments(value: &[u8]) -> String {
    let mut depth = 0_u32;
    let mut text = String::new();
    for &octet in value.iter().take(200) {
        match octet {
            b'(' => depth += 1,
            b')' => depth = depth.saturating_sub(1),
            _ if depth > 0 => {}
            o if o.is_ascii_graphic() => text.push(o as char),
            _ => text.push(' '),
        }
    }
    text
}

fn month(word: &str) -> Option<i8> {
    let found = |name: &&str| word.get(..3).is_some_and(|w| w.eq_ignore_ascii_case(name));
    Some(MONTHS.iter().position(found)? as i8 + 1)
}

/// RFC 5322 §4.3: two digits below 50 are 20xx, other two and three digits count from 1900.
fn year(word: &str) -> Option<i16> {
    let year: i16 = word.parse().ok()?;
    match (word.len(), year) {
        (2, 0..=49) => Some(year + 2000),
        (2 | 3, 0..) => Some(year + 1900),
        (4, 1..) => Some(year),
        _ => None,
    }
}

fn time(word: &str) -> Option<(i8, i8, i8)> {
    let mut parts = word.split(':').map(|part| part.parse::<i8>().ok());
    let (hour, minute) = (parts.next()??, parts.next()??);
    // A leap second counts as the second before it.
    let second = parts.next().unwrap_or(Some(0))?.min(59);
    Some((hour, minute, second))
}

fn zone(word: &str) -> Option<i32> {
    let (sign, digits) = match word.as_bytes().first()? {
        b'+' => (1, &word[1..]),
        b'-' => (-1, &word[1..]),
        _ => return Some(named_zone(word) * 3600),
    };
    let number: i32 = digits.parse().ok()?;
    let offset = sign * (number / 100 * 3600 + number % 100 * 60);
    (digits.len() == 4 && offset.abs() < 86_400).then_some(offset)
}

/// RFC 5322 §4.3: North American zones; all others mean that the zone is not known.
fn named_zone(word: &str) -> i32 {
    match word.to_ascii_uppercase().as_str() {
        "EDT" => -4,
        "EST" | "CDT" => -5,
        "CST" | "MDT" => -6,
        "MST" | "PDT" => -7,
        "PST" => -8,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn seconds(text: &str) -> Option<i64> {
        parse(text.as_bytes()).map(|date| date.seconds)
    }

    #[test]
    fn rfc5322_appendix_a_dates() {
        assert_eq!(
            seconds("Fri, 21 Nov 1997 09:55:06 -0600"),
            Some(880_127_706)
        );
        assert_eq!(seconds("21 Nov 97 09:55:06 GMT"), Some(880_106_106));
        assert_eq!(
            seconds("Thu, 13 Feb 1969 23:32 -0330 (Newfoundland Time)"),
            Some(-27_723_480)
        );
        assert_eq!(
            seconds("Thu,\r\n 13\r\n Feb\r\n 1969\r\n 23:32\r\n -0330"),
            Some(-27_723_480)
        );
    }

    #[test]
    fn the_sender_s_offset_is_kept() {
        let date = parse(b"Wed, 17 Jul 1996 02:23:25 -0700 (PDT)").unwrap();
        assert_eq!((date.seconds, date.offset), (837_595_405, -25_200));
    }

    #[test]
    fn what_is_not_a_date() {
        for wrong in [
            "",
            "yesterday",
            "32 Jan 2020 00:00",
            "1 Foo 2020 00:00",
            "1 Jan 2020 25:00",
            "1 Jan 2020 10:00 +9900",
        ] {
            assert_eq!(seconds(wrong), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_reads_the_same(seconds in 0_i64..100_000_000_000) {
            let written = write(Timestamp::from_second(seconds).unwrap());
            prop_assert_eq!(parse(written.as_bytes()), Some(MessageDate { seconds, offset: 0 }));
        }

        #[test]
        fn never_panics(value in proptest::collection::vec(any::<u8>(), 0..60)) {
            let _ = parse(&value);
        }
    }
}
