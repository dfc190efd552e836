//! Where a message ends.
