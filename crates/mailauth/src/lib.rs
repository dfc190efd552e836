//! Who sent a message, and is that proved: SPF, DKIM, DMARC, ARC, and what we add to mail that we send.
//!
//! What it does not do: decide what happens to the message, or ask the network by itself; DNS stands behind a trait.
