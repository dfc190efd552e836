//! The `pennyblack` command.
fn main() {}
