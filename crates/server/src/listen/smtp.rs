//! SMTP, submission and LMTP sessions: a thin shell around the state machine of the `smtp` crate.
