//! Who a client says it is, and as whom it wants to act (RFC 4422 §3.4.1).
//!
//! Nobody may act as somebody else here. But one account has several log-in names (B7), and clients put any of them in either place.

use super::name::LoginName;
use super::{Checker, LoginError, Outcome};

/// The names in a log-in.
#[derive(Clone, Copy, Debug)]
pub struct Claim<'a> {
    /// The authentication identity: whose password or proof it is.
    pub user: &'a str,
    /// The authorization identity: whose mailboxes are wanted. Empty: the user's own.
    pub authzid: &'a str,
}

impl Claim<'_> {
    /// A log-in that names one identity.
    pub fn own(user: &str) -> Claim<'_> {
        Claim { user, authzid: "" }
    }
}

impl Checker {
    /// Turns a proved identity down if it wants to act as another. Whether that other account exists is not told.
    pub(super) async fn authorize(&self, outcome: Outcome, authzid: &str) -> Outcome {
        let found = outcome?;
        if authzid.is_empty() {
            return Ok(found);
        }
        let wanted = match LoginName::parse(authzid) {
            Some(name) => self.look_up(&name).await?,
            None => None,
        };
        match wanted {
            Some(account) if account.id == found.account => Ok(found),
            _ => Err(LoginError::ActsAsAnother),
        }
    }
}
