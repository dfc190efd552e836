//! ManageSieve (RFC 5804): grammar, replies and the state of a session.
//!
//! What it does not do: sockets, TLS, passwords, or the Sieve language itself.
