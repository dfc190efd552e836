//! A pretend Internet for `pennyblack trial` and for tests: authoritative DNS ([`dns`]), mail servers that behave as the
//! recipient's name says ([`mail`]), a certificate authority ([`Ca`]), and a clock that is turned by hand ([`Clock`]).
//!
//! It knows nothing of the server under test, and shares no SMTP code with it, so that both must agree on the protocol and not
//! on a fault. Everything listens on loopback addresses only.
//!
//! [`Internet`] puts the pieces together: every domain that nobody has defined takes mail.

pub mod dns;
pub mod mail;
pub mod signed;

mod ca;
mod clock;
mod internet;

pub use ca::{Ca, Issued};
pub use clock::Clock;
pub use internet::{Internet, Options};
