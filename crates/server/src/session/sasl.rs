//! SASL mechanisms as state machines: PLAIN, LOGIN, SCRAM-SHA-256 and SCRAM-SHA-256-PLUS (RFC 4616, 5802, 7677, 9266).
