//! Limits on sessions: in all, per address, per account.
