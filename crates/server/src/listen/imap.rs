//! IMAP sessions: a file per command.
