//! Times as the database holds them: seconds for mail, microseconds for the queue.

use crate::{Error, Result, Timestamp};

pub(crate) fn from_seconds(seconds: i64) -> Result<Timestamp> {
    Timestamp::from_second(seconds).map_err(|e| Error::Corrupt(format!("an impossible time: {e}")))
}

pub(crate) fn from_microseconds(microseconds: i64) -> Result<Timestamp> {
    Timestamp::from_microsecond(microseconds)
        .map_err(|e| Error::Corrupt(format!("an impossible time: {e}")))
}
