//! The Sieve mail filtering language (RFC 5228 and its extensions): parse, check, run.
//!
//! What it does not do: touch a mailbox, send mail, or know the time; the host supplies facts and carries out effects.
