//! INTERNALDATE between the grammar and the store: the zone stays as it was given (RFC 3501 §2.3.3, §6.3.11).

use ::store::Timestamp;
use ::store::entry::InternalDate;
use imap::date::DateTime;
use imap::response::Status;

/// As it is kept. Refuses years that no calendar here has.
pub(super) fn to_store(given: DateTime) -> Result<InternalDate, Status> {
    let time = Timestamp::from_second(given.seconds);
    let time = time.map_err(|_| Status::bad("The date is out of range."))?;
    Ok(InternalDate {
        time,
        zone: given.zone,
    })
}

/// As it is told.
pub(super) fn told(kept: InternalDate) -> DateTime {
    DateTime {
        seconds: kept.time.as_second(),
        zone: kept.zone,
    }
}
