//! `date` and `currentdate` (RFC 5260 §4).

use super::machine::{Done, Machine};
use crate::code::{DateTest, Zone};
use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};
use jiff::{Timestamp, Zoned};
use message::date;

/// RFC 5260 §4.2
pub(crate) const PARTS: [&str; 13] = [
    "year", "month", "day", "date", "julian", "hour", "minute", "second", "time", "iso8601",
    "std11", "zone", "weekday",
];

impl Machine<'_> {
    pub(super) fn date_test(&mut self, test: &DateTest) -> Done<bool> {
        let part = self.expand(&test.part)?.to_ascii_lowercase();
        let dates = match &test.header {
            None => vec![(self.now, None)],
            Some(name) => {
                let name = self.expand(name)?;
                self.header_dates(&name, test.index)
            }
        };
        let mut values = Vec::new();
        for (time, sent_from) in dates {
            let zone = self.zone(&test.zone, sent_from)?;
            values.extend(value(&time.to_zoned(zone), &part));
        }
        self.compare(&test.criterion, &values)
    }

    /// The date of the first field of that name, or of the one that `:index` chooses; what is no date is no value (RFC 5260 §4).
    fn header_dates(
        &self,
        name: &str,
        index: Option<crate::code::Index>,
    ) -> Vec<(Timestamp, Option<Offset>)> {
        let fields = self.document.named(name).map(|field| parse(field.value()));
        super::header::chosen(fields, index)
            .take(1)
            .flatten()
            .collect()
    }

    pub(super) fn zone(&mut self, zone: &Zone, sent_from: Option<Offset>) -> Done<TimeZone> {
        Ok(match zone {
            Zone::Local => self.host.time_zone(),
            Zone::Original => sent_from.map_or(TimeZone::UTC, TimeZone::fixed),
            Zone::Fixed(text) => {
                let text = self.expand(text)?;
                offset(&text).map_or(TimeZone::UTC, TimeZone::fixed)
            }
        })
    }
}

/// A field may hold other things before its date: in `Received` the date stands behind the last semicolon (RFC 5260 §4).
fn parse(value: &[u8]) -> Option<(Timestamp, Option<Offset>)> {
    let behind = value
        .iter()
        .rposition(|o| *o == b';')
        .map(|at| &value[at + 1..]);
    let parsed = date::parse(value).or_else(|| date::parse(behind?))?;
    let time = Timestamp::from_second(parsed.seconds).ok()?;
    Some((time, Offset::from_seconds(parsed.offset).ok()))
}

/// `+0100`
pub(crate) fn offset(text: &str) -> Option<Offset> {
    let (sign, digits) = text.split_at_checked(1)?;
    let sign = match sign {
        "+" => 1,
        "-" => -1,
        _ => return None,
    };
    if digits.len() != 4 || !digits.bytes().all(|o| o.is_ascii_digit()) {
        return None;
    }
    let number: i32 = digits.parse().ok()?;
    let (hours, minutes) = (number / 100, number % 100);
    (hours < 24 && minutes < 60).then_some(())?;
    Offset::from_seconds(sign * (hours * 3600 + minutes * 60)).ok()
}

/// A part of a time (RFC 5260 §4.2).
pub(super) fn value(time: &Zoned, part: &str) -> Option<String> {
    let t: DateTime = time.datetime();
    Some(match part {
        "year" => format!("{:04}", t.year()),
        "month" => format!("{:02}", t.month()),
        "day" => format!("{:02}", t.day()),
        "date" => format!("{:04}-{:02}-{:02}", t.year(), t.month(), t.day()),
        "julian" => julian(time).to_string(),
        "hour" => format!("{:02}", t.hour()),
        "minute" => format!("{:02}", t.minute()),
        "second" => format!("{:02}", t.second()),
        "time" => clock(&t),
        "iso8601" => format!(
            "{:04}-{:02}-{:02}T{}{}",
            t.year(),
            t.month(),
            t.day(),
            clock(&t),
            colon(time.offset())
        ),
        "std11" => std11(time),
        "zone" => zone(time.offset()),
        "weekday" => t.weekday().to_sunday_zero_offset().to_string(),
        _ => return None,
    })
}

fn clock(t: &DateTime) -> String {
    format!("{:02}:{:02}:{:02}", t.hour(), t.minute(), t.second())
}

/// `Z` or `+01:00`: an offset in ISO 8601.
fn colon(offset: Offset) -> String {
    let zone = zone(offset);
    match zone.split_at_checked(3) {
        Some((hours, minutes)) if zone != "+0000" => format!("{hours}:{minutes}"),
        _ => "Z".into(),
    }
}

/// Modified Julian day: days since 17 November 1858 (RFC 5260 §4.2), in the zone of the time.
fn julian(time: &Zoned) -> i64 {
    const UNIX_EPOCH: i64 = 40_587;
    let local = time.timestamp().as_second() + i64::from(time.offset().seconds());
    local.div_euclid(86_400) + UNIX_EPOCH
}

fn zone(offset: Offset) -> String {
    let minutes = offset.seconds() / 60;
    let sign = if minutes < 0 { '-' } else { '+' };
    format!("{sign}{:02}{:02}", minutes.abs() / 60, minutes.abs() % 60)
}

/// As in a Date field (RFC 5322 §3.3).
fn std11(time: &Zoned) -> String {
    const DAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let t = time.datetime();
    let day = usize::try_from(t.weekday().to_sunday_zero_offset()).unwrap_or_default();
    let month = usize::try_from(t.month() - 1).unwrap_or_default();
    format!(
        "{}, {:02} {} {:04} {} {}",
        DAYS[day],
        t.day(),
        MONTHS[month],
        t.year(),
        clock(&t),
        zone(time.offset())
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc5260_section_4_2_parts() {
        let (time, zone) = parse(b"Mon, 20 Jul 2009 21:44:43 -0300").unwrap();
        let time = time.to_zoned(TimeZone::fixed(zone.unwrap()));
        for (part, expected) in [
            ("year", "2009"),
            ("month", "07"),
            ("day", "20"),
            ("date", "2009-07-20"),
            ("julian", "55032"),
            ("hour", "21"),
            ("minute", "44"),
            ("second", "43"),
            ("time", "21:44:43"),
            ("iso8601", "2009-07-20T21:44:43-03:00"),
            ("std11", "Mon, 20 Jul 2009 21:44:43 -0300"),
            ("zone", "-0300"),
            ("weekday", "1"),
        ] {
            assert_eq!(value(&time, part).unwrap(), expected, "{part}");
        }
    }

    #[test]
    fn dates_in_other_fields() {
        let received = b"from a (b) by c; Fri, 20 Nov 2026 14:13:44 +0000";
        assert_eq!(parse(received).unwrap().0.as_second(), 1_795_184_024);
        assert_eq!(parse(b"no date"), None);
        assert_eq!(offset("+0130").unwrap().seconds(), 5400);
        for wrong in ["", "0100", "+100", "+2500", "+01:0", "é100"] {
            assert_eq!(offset(wrong), None, "{wrong}");
        }
    }
}
