//! A pretend Internet for tests and trial: authoritative DNS, remote mail servers that misbehave, a CA, a clock.
