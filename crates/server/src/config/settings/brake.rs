//! `[brake]`: how much the accounts here may send.

use super::{Applies, Default, Setting};
use crate::config::field::Field;

/// Nobody needs more.
const MOST: u32 = 10_000_000;

pub(super) fn brake() -> Vec<Setting> {
    settings! {
        "brake.messages_per_hour" Reload "100", Field::Count(|c| &mut c.brake.limits.hour.messages, 0..=MOST),
            "Messages that an account may send in an hour (U7). Those beyond are told 450 and when to come again. 0: no limit; \
             `pennyblack account limit` sets others for one account.";
        "brake.messages_per_day" Reload "500", Field::Count(|c| &mut c.brake.limits.day.messages, 0..=MOST),
            "The same in 24 hours.";
        "brake.recipients_per_hour" Reload "500", Field::Count(|c| &mut c.brake.limits.hour.recipients, 0..=MOST),
            "Recipients, of all messages of an account together, in an hour.";
        "brake.recipients_per_day" Reload "2000", Field::Count(|c| &mut c.brake.limits.day.recipients, 0..=MOST),
            "The same in 24 hours.";
        "brake.new_recipients_per_hour" Reload "200", Field::Count(|c| &mut c.brake.limits.hour.strangers, 0..=MOST),
            "Recipients elsewhere to whom the account had never sent before, in an hour.";
        "brake.new_recipients_per_day" Reload "500", Field::Count(|c| &mut c.brake.limits.day.strangers, 0..=MOST),
            "The same in 24 hours.";
        "brake.hold_unusual" Reload "true", Field::Flag(|c| &mut c.brake.hold_unusual),
            "Hold the mail of an account that sends much more than it used to, and tell its owner and the postmaster (V10). See the page on the brake.";
        "brake.usual_messages" Reload "40", Field::Count(|c| &mut c.brake.habit.floor.messages, 1..=MOST),
            "So many messages in a day are never unusual; for an account that has sent on less than five days, three times as many.";
        "brake.usual_recipients" Reload "120", Field::Count(|c| &mut c.brake.habit.floor.recipients, 1..=MOST),
            "So many recipients in a day are never unusual.";
        "brake.usual_new_recipients" Reload "40", Field::Count(|c| &mut c.brake.habit.floor.strangers, 1..=MOST),
            "So many recipients in a day to whom the account had never sent before are never unusual.";
        "brake.usual_factor" Reload "3", Field::Count(|c| &mut c.brake.habit.factor, 1..=1000),
            "More than so many times the busiest day, or the busiest hour, of the last four weeks is unusual.";
        "brake.new_network_recipients" Reload "40", Field::Count(|c| &mut c.brake.abroad.network, 0..=MOST),
            "Recipients elsewhere that an account may write to within two days from networks (IPv4 /16, IPv6 /32) where it was never used before. 0: as many as from anywhere.";
        "brake.new_country_recipients" Reload "10", Field::Count(|c| &mut c.brake.abroad.country, 0..=MOST),
            "The same for countries, if `brake.countries` is set.";
        "brake.countries" Reload "\"\"", Field::OptionalPath(|c| &mut c.brake.countries),
            "A list of addresses and countries, lines of `NETWORK,COUNTRY` or `FIRST,LAST,COUNTRY`, such as DB-IP and others give away. Empty: nobody is in any country.";
    }
}
