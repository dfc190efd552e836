//! What RFC 5322 and MIME say about bytes: headers, parts, structure, sections, text. No I/O.

mod address;
mod summary;

pub use address::{Address, AddressError};
pub use summary::{Part, PartKind, ScanError, Scanner, Summary};
