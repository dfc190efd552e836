//! IMAP4rev1 and extensions: grammar, responses, sequence sets, without I/O, clock or async.
