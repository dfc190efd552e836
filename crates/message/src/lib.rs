//! What RFC 5322 and MIME say about bytes: headers, parts, structure, sections, text. No I/O.
//!
//! [`Address`] is the strict address of envelopes and accounts, [`address_list`] the tolerant one of header fields. [`Scanner`]
//! reads a message once, as it streams by, into a [`Summary`]; the rest works on the octets that a summary points to.

pub mod address_list;
pub mod charset;
pub mod content;
pub mod date;
pub mod encoded_word;
pub mod header;
pub mod html;
pub mod seven_bit;
pub mod subject;
pub mod text;
pub mod transfer;

mod address;
mod envelope;
mod octets;
mod preview;
mod scanner;
mod section;
mod summary;

pub use address::{Address, AddressError, parse_domain};
pub use scanner::Scanner;
pub use section::Section;
pub use summary::{Part, PartKind, Summary};
