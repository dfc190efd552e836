//! Dates as IMAP writes them (RFC 3501 §9 `date`, `date-time`), and the little calendar arithmetic that needs.

use std::str;

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// A day of the Gregorian calendar.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash)]
pub struct Date {
    year: i32,
    month: u8,
    day: u8,
}

impl Date {
    /// This day, if the calendar has it.
    pub fn new(year: i32, month: u8, day: u8) -> Option<Date> {
        let valid = (1..=12).contains(&month)
            && (0..=9999).contains(&year)
            && (1..=days_in(year, month)).contains(&day);
        valid.then_some(Date { year, month, day })
    }

    /// The day that a date and time names in its own zone (RFC 3501 §6.4.4: "disregarding time and timezone").
    pub fn of(time: DateTime) -> Date {
        Date::of_unix(time.local())
    }

    /// The day in UTC of a time in seconds since 1970.
    pub fn of_unix(seconds: i64) -> Date {
        let (year, month, day) = civil(seconds.div_euclid(86_400));
        Date { year, month, day }
    }

    /// The day that a header field `Date: Wed, 17 Jul 1996 02:23:25 -0700` names, its own zone taken as it is (RFC 3501 §6.4.4 SENTON).
    pub fn of_header_field(text: &str) -> Option<Date> {
        let text = text.split_once(',').map_or(text, |(_, date)| date);
        let mut words = text.split_ascii_whitespace();
        let day = words.next()?.parse().ok()?;
        let month = month_number(words.next()?)?;
        let year: i32 = words.next()?.parse().ok()?;
        // RFC 5322 §4.3: years of two and three digits.
        let year = match year {
            0..=49 => year + 2000,
            50..=999 => year + 1900,
            _ => year,
        };
        Date::new(year, month, day)
    }

    /// Parses `1-Feb-1994`.
    pub fn parse(text: &[u8]) -> Option<Date> {
        let mut fields = str::from_utf8(text).ok()?.split('-');
        let day = number(fields.next()?.trim_start(), 2)?;
        let month = month_number(fields.next()?)?;
        let year = fields.next().filter(|year| year.len() == 4)?;
        let none_left = fields.next().is_none();
        none_left.then(|| Date::new(number(year, 4)? as i32, month, day as u8))?
    }

    /// As the grammar writes it: `1-Feb-1994`.
    pub fn encode(self, out: &mut Vec<u8>) {
        crate::encode::number(out, u64::from(self.day));
        push_month_and_year(out, self);
    }

    fn unix_days(self) -> i64 {
        days_from_civil(self.year, self.month, self.day)
    }
}

/// A moment, and the zone it is told in (RFC 3501 §9 `date-time`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DateTime {
    /// Seconds since 1970 in UTC.
    pub seconds: i64,
    /// Minutes by which the zone is ahead of UTC, as in `+0130`: less than 100 hours either way.
    pub zone: i16,
}

impl DateTime {
    /// In UTC.
    pub fn utc(seconds: i64) -> DateTime {
        DateTime { seconds, zone: 0 }
    }

    /// Parses ` 7-Feb-1994 21:52:25 -0800` (without quotes).
    pub fn parse(text: &[u8]) -> Option<DateTime> {
        let text = str::from_utf8(text).ok()?.trim_start();
        let mut words = text.split(' ');
        let (date, time, zone) = (words.next()?, words.next()?, words.next()?);
        if words.next().is_some() {
            return None;
        }
        let days = Date::parse(date.as_bytes())?.unix_days();
        let zone = parse_zone(zone)?;
        let seconds = days * 86_400 + parse_time(time)? - i64::from(zone) * 60;
        Some(DateTime { seconds, zone })
    }

    /// Appends `" 7-Feb-1994 21:52:25 +0000"` with its quotes.
    pub fn encode(self, out: &mut Vec<u8>) {
        // The grammar has four digits for the year; nothing outside can be written.
        let seconds = self.local().clamp(-62_135_596_800, 253_402_300_799);
        let date = Date::of_unix(seconds);
        out.push(b'"');
        match date.day {
            0..=9 => out.extend_from_slice(&[b' ', b'0' + date.day]),
            _ => push_two(out, date.day),
        }
        push_month_and_year(out, date);
        push_time(out, seconds.rem_euclid(86_400));
        push_zone(out, self.zone);
        out.push(b'"');
    }

    /// What a clock in its zone shows, counted as if that were UTC.
    fn local(self) -> i64 {
        self.seconds + i64::from(self.zone) * 60
    }
}

/// Appends ` 21:52:25`.
fn push_time(out: &mut Vec<u8>, time: i64) {
    for (before, value) in [
        (b' ', time / 3600),
        (b':', time / 60 % 60),
        (b':', time % 60),
    ] {
        out.push(before);
        push_two(out, value as u8);
    }
}

/// Appends ` -0800`.
fn push_zone(out: &mut Vec<u8>, minutes: i16) {
    out.extend_from_slice(if minutes < 0 { b" -" } else { b" +" });
    let minutes = minutes.unsigned_abs().min(99 * 60 + 59);
    push_two(out, (minutes / 60) as u8);
    push_two(out, (minutes % 60) as u8);
}

/// Appends `-Feb-1994`.
fn push_month_and_year(out: &mut Vec<u8>, date: Date) {
    out.push(b'-');
    out.extend_from_slice(MONTHS[usize::from(date.month - 1)].as_bytes());
    out.push(b'-');
    push_two(out, (date.year / 100) as u8);
    push_two(out, (date.year % 100) as u8);
}

/// `21:52:25` in seconds.
fn parse_time(text: &str) -> Option<i64> {
    let mut fields = text.split(':').map(|field| number(field, 2));
    let (hours, minutes, seconds) = (fields.next()??, fields.next()??, fields.next()??);
    let valid = hours < 24 && minutes < 60 && seconds <= 60 && fields.next().is_none();
    valid.then_some(i64::from(hours * 3600 + minutes * 60 + seconds))
}

/// `-0800` in minutes.
fn parse_zone(text: &str) -> Option<i16> {
    let sign = match text.get(..1)? {
        "+" => 1,
        "-" => -1,
        _ => return None,
    };
    let digits = text.get(1..).filter(|digits| digits.len() == 4)?;
    let value = number(digits, 4)? as i16;
    (value % 100 < 60).then_some(sign * (value / 100 * 60 + value % 100))
}

/// A number of at most `digits` digits and nothing else.
fn number(text: &str, digits: usize) -> Option<u32> {
    let valid =
        !text.is_empty() && text.len() <= digits && text.bytes().all(|o| o.is_ascii_digit());
    valid.then(|| text.parse().ok())?
}

fn month_number(name: &str) -> Option<u8> {
    let index = MONTHS.iter().position(|m| m.eq_ignore_ascii_case(name))?;
    Some(index as u8 + 1)
}

fn push_two(out: &mut Vec<u8>, value: u8) {
    out.extend_from_slice(&[b'0' + value / 10, b'0' + value % 10]);
}

fn days_in(year: i32, month: u8) -> u8 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01. Years are counted from March, so that the leap day comes last.
fn days_from_civil(year: i32, month: u8, day: u8) -> i64 {
    let year = i64::from(year) - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let month_from_march = (i64::from(month) + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5 + i64::from(day) - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// The reverse of [`days_from_civil`].
fn civil(days: i64) -> (i32, u8, u8) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year as i32, month as u8, day as u8)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text(time: DateTime) -> String {
        let mut out = Vec::new();
        time.encode(&mut out);
        String::from_utf8(out).unwrap()
    }

    /// RFC 3501 §6.3.11 and §7.4.2 examples.
    #[test]
    fn rfc3501_dates() {
        let given = DateTime::parse(b" 7-Feb-1994 21:52:25 -0800").unwrap();
        assert_eq!((given.seconds, given.zone), (760_686_745, -480));
        assert_eq!(Date::of(given), Date::new(1994, 2, 7).unwrap());
        let in_utc = DateTime::utc(given.seconds);
        assert_eq!(text(in_utc), "\" 8-Feb-1994 05:52:25 +0000\"");
        assert_eq!(Date::of(in_utc), Date::new(1994, 2, 8).unwrap());
        let summer = DateTime::parse(b"17-Jul-1996 02:44:25 -0700").unwrap();
        assert_eq!(summer.seconds, 837_596_665);
        assert_eq!(Date::parse(b"1-Feb-1994"), Date::new(1994, 2, 1));
        assert_eq!(Date::parse(b"01-feb-1994"), Date::new(1994, 2, 1));
    }

    #[test]
    fn days_the_calendar_does_not_have() {
        for wrong in [
            "30-Feb-2024",
            "29-Feb-2023",
            "0-Jan-2020",
            "1-Foo-2020",
            "1-Jan-20",
            "1-Jan-2020-",
            "",
            "--",
        ] {
            assert_eq!(Date::parse(wrong.as_bytes()), None, "{wrong}");
        }
        for wrong in [
            "1-Jan-2020 24:00:00 +0000",
            "1-Jan-2020 00:00:00",
            "1-Jan-2020 00:00:00 0000",
            "1-Jan-2020 00:00:00 +00é",
        ] {
            assert_eq!(DateTime::parse(wrong.as_bytes()), None, "{wrong}");
        }
    }

    #[test]
    fn the_day_of_a_header_field_is_taken_in_its_own_zone() {
        let day = |text| Date::of_header_field(text);
        assert_eq!(
            day("Wed, 17 Jul 1996 23:23:25 -0700"),
            Date::new(1996, 7, 17)
        );
        assert_eq!(day("17 Jul 96 02:23:25 GMT"), Date::new(1996, 7, 17));
        assert_eq!(day("yesterday"), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]
        #[test]
        fn written_and_read_again(seconds in -62_135_000_000i64..=253_402_000_000, zone in -1439i16..=1439) {
            let time = DateTime { seconds, zone };
            prop_assert_eq!(DateTime::parse(text(time).trim_matches('"').as_bytes()), Some(time));
        }
        #[test]
        fn any_octets(octets in proptest::collection::vec(any::<u8>(), 0..40)) {
            let _ = (Date::parse(&octets), DateTime::parse(&octets));
        }
    }
}
