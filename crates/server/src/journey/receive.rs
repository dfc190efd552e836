//! First stage: the envelope and the octets of one message arrive.
//!
//! A session (SMTP, submission, LMTP) makes a [`Transaction`] of MAIL, adds a recipient for each RCPT, and streams the octets into
//! [`Receiving`]. Nothing here knows the wire: dot-stuffing, BDAT and line rules are the session's business (RFC 5321, RFC 3030).

use super::envelope::{Mail, Rcpt, Refusal, SessionFacts};
use crate::Services;
use smtp::Reply;
use std::sync::Arc;

/// A mail transaction between MAIL and DATA.
pub struct Transaction {
    _todo: (),
}

/// A mail transaction whose octets are arriving.
pub struct Receiving {
    _todo: (),
}

impl Transaction {
    /// Begins with MAIL: checks the size (A7) and, for a submission, the right to this sender (B13).
    pub async fn begin(
        _services: Arc<Services>,
        _facts: Arc<SessionFacts>,
        _mail: Mail,
    ) -> Result<Transaction, Refusal> {
        todo!()
    }

    /// Adds a recipient, if mail for it can be accepted now.
    pub async fn recipient(&mut self, _rcpt: Rcpt) -> Result<(), Refusal> {
        todo!()
    }

    /// Recipients accepted so far.
    pub fn recipients(&self) -> usize {
        todo!()
    }

    /// DATA, or the first BDAT.
    pub fn data(self) -> Receiving {
        todo!()
    }
}

impl Receiving {
    /// Takes the next octets, dot-unstuffed. After an error the session swallows the rest of the data, then sends that refusal.
    pub async fn write(&mut self, _octets: &[u8]) -> Result<(), Refusal> {
        todo!()
    }

    /// The octets are complete: the message goes through all stages. One result for SMTP; for LMTP one for each accepted
    /// recipient, in their order (RFC 2033 §4.2).
    pub async fn finish(self) -> Vec<Result<Reply, Refusal>> {
        todo!()
    }
}
