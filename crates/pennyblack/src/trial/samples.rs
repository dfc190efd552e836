//! The sample mail of a trial: about thirty messages of many kinds, dated over the last weeks.

use jiff::{SignedDuration, Timestamp};
use server::Services;
use store::entry::{Flags, NewEntry, QuotaRule};
use store::mailbox::SpecialUse;
use store::{AccountId, MailboxId};

/// Whose mailbox a sample is in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Owner {
    Alice,
    Bob,
}

use Owner::{Alice, Bob};

/// One sample: whose it is, where it lies, how old it is, and its text.
struct Sample {
    owner: Owner,
    /// `None`: INBOX.
    place: Option<SpecialUse>,
    flags: Flags,
    hours_old: i64,
    text: &'static str,
}

/// `sample!(owner, place, flags, age in hours, file)`
macro_rules! sample {
    ($owner:expr, $place:expr, $flags:expr, $hours:expr, $file:literal) => {
        Sample {
            owner: $owner,
            place: $place,
            flags: $flags,
            hours_old: $hours,
            text: include_str!(concat!("samples/", $file, ".eml")),
        }
    };
}

const NEW: Flags = Flags(0);
const SEEN: Flags = Flags::SEEN;
const STARRED: Flags = Flags(Flags::SEEN.0 | Flags::FLAGGED.0);
const ANSWERED: Flags = Flags(Flags::SEEN.0 | Flags::ANSWERED.0);
const DRAFT: Flags = Flags(Flags::SEEN.0 | Flags::DRAFT.0);

const SENT: Option<SpecialUse> = Some(SpecialUse::Sent);
const JUNK: Option<SpecialUse> = Some(SpecialUse::Junk);
const ARCHIVE: Option<SpecialUse> = Some(SpecialUse::Archive);
const DRAFTS: Option<SpecialUse> = Some(SpecialUse::Drafts);
const INBOX: Option<SpecialUse> = None;

const SAMPLES: [Sample; 33] = [
    sample!(Alice, INBOX, SEEN, 30 * 24, "28-old-photo-album"),
    sample!(Alice, ARCHIVE, SEEN, 28 * 24, "21-flowed"),
    sample!(Alice, ARCHIVE, SEEN, 27 * 24, "18-receipt"),
    sample!(Alice, INBOX, ANSWERED, 21 * 24, "02-lunch"),
    sample!(Alice, SENT, SEEN, 21 * 24 - 1, "03-lunch-reply"),
    sample!(Bob, INBOX, ANSWERED, 21 * 24 - 1, "03-lunch-reply"),
    sample!(Bob, SENT, SEEN, 21 * 24 - 2, "04-lunch-again"),
    sample!(Alice, INBOX, SEEN, 21 * 24 - 2, "04-lunch-again"),
    sample!(Alice, INBOX, SEEN, 19 * 24, "05-newsletter-html"),
    sample!(Alice, INBOX, STARRED, 18 * 24, "06-alternative"),
    sample!(Bob, INBOX, SEEN, 18 * 24, "06-alternative"),
    sample!(Alice, INBOX, SEEN, 17 * 24, "07-inline-image"),
    sample!(Alice, DRAFTS, DRAFT, 16 * 24, "25-draft"),
    sample!(Alice, INBOX, SEEN, 15 * 24, "27-autoreply"),
    sample!(Alice, INBOX, STARRED, 14 * 24, "08-invitation"),
    sample!(Bob, INBOX, SEEN, 14 * 24, "08-invitation"),
    sample!(Alice, INBOX, SEEN, 13 * 24, "09-names"),
    sample!(Alice, INBOX, SEEN, 12 * 24, "10-japanese"),
    sample!(Alice, INBOX, SEEN, 11 * 24, "11-list-mail"),
    sample!(Alice, INBOX, SEEN, 11 * 24 - 3, "12-list-reply"),
    sample!(Alice, INBOX, SEEN, 9 * 24, "13-forwarded"),
    sample!(Alice, JUNK, NEW, 8 * 24, "14-spam"),
    sample!(Alice, JUNK, SEEN, 7 * 24, "15-spam-prize"),
    sample!(Alice, JUNK, NEW, 6 * 24, "16-failed-dmarc"),
    sample!(Alice, INBOX, SEEN, 5 * 24, "17-bounce"),
    sample!(Alice, INBOX, SEEN, 4 * 24, "19-signed"),
    sample!(Alice, INBOX, SEEN, 4 * 24 - 1, "20-encrypted"),
    sample!(Alice, INBOX, NEW, 3 * 24, "22-digest"),
    sample!(Alice, INBOX, NEW, 2 * 24, "23-no-subject"),
    sample!(Alice, SENT, SEEN, 30, "24-odd-addresses"),
    sample!(Bob, INBOX, NEW, 20, "29-for-bob"),
    sample!(Bob, INBOX, NEW, 18, "30-cyrillic"),
    sample!(Alice, INBOX, NEW, 8, "26-cron"),
];

/// The last one to come in is the first one to be read.
const WELCOME: Sample = sample!(Alice, INBOX, NEW, 0, "01-welcome");

/// Puts the samples into the mailboxes of the two people.
pub(crate) async fn add(
    services: &Services,
    alice: AccountId,
    bob: AccountId,
) -> store::Result<()> {
    let now = services.clock.now();
    let mut entries = Vec::new();
    for sample in SAMPLES.iter().chain([&WELCOME]) {
        let account = if sample.owner == Alice { alice } else { bob };
        entries.push(prepare(services, sample, account, now).await?);
    }
    services
        .store
        .write(move |tx| {
            entries
                .iter()
                .try_for_each(|new| store::entry::add(tx, new).map(drop))
        })
        .await
}

async fn prepare(
    services: &Services,
    sample: &Sample,
    account: AccountId,
    now: Timestamp,
) -> store::Result<NewEntry> {
    let date = now - SignedDuration::from_hours(sample.hours_old);
    let octets = complete(sample.text, date);
    let mut scanner = message::Scanner::new();
    scanner.feed(octets.as_bytes());
    let mut staging = services.store.stage();
    staging.write(octets.as_bytes()).await?;
    Ok(NewEntry {
        account,
        mailbox: mailbox(services, account, sample.place).await?,
        flags: sample.flags,
        keywords: Vec::new(),
        internal_date: date.into(),
        body: staging.finish(b"").await?,
        summary: scanner.finish(),
        quota: QuotaRule::NOTICE,
    })
}

async fn mailbox(
    services: &Services,
    account: AccountId,
    place: Option<SpecialUse>,
) -> store::Result<MailboxId> {
    let found = services.store.read(move |tx| match place {
        Some(special) => store::mailbox::by_special_use(tx, account, special),
        None => store::mailbox::by_name(tx, account, "INBOX"),
    });
    found
        .await?
        .map(|mailbox| mailbox.id)
        .ok_or_else(|| store::Error::Missing("a mailbox for sample mail".to_owned()))
}

/// The message as it travels: dated, its large attachment made, lines ended by CRLF.
fn complete(text: &str, date: Timestamp) -> String {
    let date =
        jiff::fmt::rfc2822::to_string(&date.to_zoned(jiff::tz::TimeZone::UTC)).unwrap_or_default();
    text.replace("{date}", &date)
        .replace("{attachment}", &attachment())
        .replace('\n', "\r\n")
}

/// About 400 kB of base64: a large attachment that does not have to lie in the program.
fn attachment() -> String {
    let line = |n: u32| format!("{n:08}").repeat(9) + "AAAA";
    (0..5_200).map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// V17 (c): about 30 samples of many kinds; each is complete and can be read.
    #[test]
    fn v17_samples_are_varied_and_well_formed() {
        let date = Timestamp::from_second(1_795_000_000).unwrap();
        let mut kinds = std::collections::BTreeSet::new();
        for sample in SAMPLES.iter().chain([&WELCOME]) {
            let octets = complete(sample.text, date);
            assert!(!octets.contains("{date}") && !octets.contains("{attachment}"));
            let mut scanner = message::Scanner::new();
            scanner.feed(octets.as_bytes());
            let summary = scanner.finish();
            assert_eq!(summary.sent, Some(date.as_second()));
            let root = summary.root.unwrap();
            kinds.insert(format!("{}/{}", root.media_type, root.subtype).to_lowercase());
        }
        assert!(kinds.len() >= 9, "{kinds:?}");
    }
}
