//! The form of a script, without its meaning (RFC 5228 §8): [`parse`] makes a [`Tree`], [`print`] writes one.
//!
//! Which commands, tests and arguments there are is not known here: that is checked when a tree is compiled.

mod lexer;
mod parser;
mod print;
mod tree;

pub use parser::parse;
pub(crate) use parser::parse_with_problems;
pub use print::print;
pub(crate) use print::quote;
pub use tree::{Argument, Command, Test, Tests, Tree, Value};
