//! The syntax tree (RFC 5228 §8.2): commands and tests with their arguments, and where each of them stands.

use crate::Place;

/// A script as it is written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tree {
    /// Its commands.
    pub commands: Vec<Command>,
}

/// `name arguments tests { block }` or `name arguments tests ;`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// Where the name stands.
    pub place: Place,
    /// The name as written.
    pub name: String,
    /// Tags, strings, numbers, in order.
    pub arguments: Vec<Argument>,
    /// What follows the arguments.
    pub tests: Tests,
    /// `{ … }`; `None`: it ends in a semicolon.
    pub block: Option<Vec<Command>>,
}

/// A test with its arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Test {
    /// Where the name stands.
    pub place: Place,
    /// The name as written.
    pub name: String,
    /// Tags, strings, numbers, in order.
    pub arguments: Vec<Argument>,
    /// What follows the arguments.
    pub tests: Tests,
}

/// The tests of a command or test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tests {
    /// None.
    None,
    /// One without parentheses.
    One(Box<Test>),
    /// `( test, test )`
    List(Vec<Test>),
}

/// One argument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Argument {
    /// Where it begins.
    pub place: Place,
    /// What it is.
    pub value: Value,
}

/// The value of an argument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// `12K`, with its unit applied.
    Number(u64),
    /// `:name`, without the colon, as written.
    Tag(String),
    /// `"…"` or `text:`, without quotes and dots.
    String(String),
    /// `[ "…", … ]`
    List(Vec<String>),
}

impl Tree {
    /// The same tree with every place forgotten, so that two scripts that differ in layout only compare equal.
    #[must_use]
    pub fn without_places(mut self) -> Tree {
        self.commands.iter_mut().for_each(Command::forget);
        self
    }
}

impl Command {
    fn forget(&mut self) {
        self.place = Place::default();
        self.arguments.iter_mut().for_each(Argument::forget);
        self.tests.forget();
        self.block.iter_mut().flatten().for_each(Command::forget);
    }
}

impl Test {
    fn forget(&mut self) {
        self.place = Place::default();
        self.arguments.iter_mut().for_each(Argument::forget);
        self.tests.forget();
    }
}

impl Tests {
    /// Them all, whether in parentheses or not.
    pub fn as_slice(&self) -> &[Test] {
        match self {
            Tests::None => &[],
            Tests::One(test) => std::slice::from_ref(test),
            Tests::List(tests) => tests,
        }
    }

    fn forget(&mut self) {
        match self {
            Tests::None => {}
            Tests::One(test) => test.forget(),
            Tests::List(tests) => tests.iter_mut().for_each(Test::forget),
        }
    }
}

impl Argument {
    fn forget(&mut self) {
        self.place = Place::default();
    }
}
