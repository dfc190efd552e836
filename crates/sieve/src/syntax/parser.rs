//! Tokens become a tree (RFC 5228 §8.2). After an error it goes on with the next command, so that all errors are found at once.

use super::lexer::{Kind, Lexer, Token};
use super::{Argument, Command, Test, Tests, Tree, Value};
use crate::error::{CompileErrors, Place, Problem};
use crate::limits::Limits;

/// Reads a script. Nothing is known here of which commands there are.
///
/// # Errors
///
/// All problems of form, by place.
pub fn parse(source: &str, limits: &Limits) -> Result<Tree, CompileErrors> {
    let (tree, problems) = parse_with_problems(source, limits);
    if problems.is_empty() {
        Ok(tree)
    } else {
        Err(CompileErrors { problems })
    }
}

/// What can be understood of a script, and what cannot.
pub(crate) fn parse_with_problems(source: &str, limits: &Limits) -> (Tree, Vec<Problem>) {
    if source.len() > limits.script_size {
        let what = format!("the script is larger than {} octets", limits.script_size);
        return (
            Tree::default(),
            vec![problem(Place { line: 1, column: 1 }, what, None)],
        );
    }
    let mut parser = Parser::new(source, limits.nesting);
    let commands = parser.commands(Level::Top);
    let mut problems = parser.problems;
    problems.append(&mut parser.lexer.problems);
    problems.sort_by_key(|p| p.place);
    (Tree { commands }, problems)
}

fn problem(place: Place, what: impl Into<String>, hint: Option<&str>) -> Problem {
    Problem {
        place,
        what: what.into(),
        hint: hint.map(str::to_owned),
    }
}

struct Parser<'a> {
    lexer: Lexer<'a>,
    token: Token,
    depth: usize,
    nesting: usize,
    problems: Vec<Problem>,
}

#[derive(Clone, Copy, PartialEq)]
enum Level {
    Top,
    Block(Place),
}

/// A problem was reported; the rest of the command is of no use.
struct Broken;

type Parsed<T> = Result<T, Broken>;

impl<'a> Parser<'a> {
    fn new(source: &'a str, nesting: usize) -> Parser<'a> {
        let mut lexer = Lexer::new(source);
        let token = lexer.next();
        Parser {
            lexer,
            token,
            depth: 0,
            nesting,
            problems: Vec::new(),
        }
    }

    fn advance(&mut self) -> Token {
        let next = self.lexer.next();
        std::mem::replace(&mut self.token, next)
    }

    fn is(&self, mark: char) -> bool {
        self.token.kind == Kind::Mark(mark)
    }

    fn take(&mut self, mark: char) -> bool {
        let found = self.is(mark);
        if found {
            self.advance();
        }
        found
    }

    fn report<T>(
        &mut self,
        place: Place,
        what: impl Into<String>,
        hint: Option<&str>,
    ) -> Parsed<T> {
        self.problems.push(problem(place, what, hint));
        Err(Broken)
    }

    fn commands(&mut self, level: Level) -> Vec<Command> {
        let mut commands = Vec::new();
        loop {
            match (&self.token.kind, level) {
                (Kind::End, Level::Top) => return commands,
                (Kind::End, Level::Block(start)) => {
                    let _ =
                        self.report::<()>(start, "this block has no end", Some("a } is missing"));
                    return commands;
                }
                (Kind::Mark('}'), Level::Block(_)) => {
                    self.advance();
                    return commands;
                }
                _ => match self.command() {
                    Ok(command) => commands.push(command),
                    Err(Broken) => self.recover(),
                },
            }
        }
    }

    /// Skips to behind the next semicolon or block of this level.
    fn recover(&mut self) {
        let mut depth = 0_usize;
        loop {
            match &self.token.kind {
                Kind::End => return,
                Kind::Mark(';') if depth == 0 => {
                    self.advance();
                    return;
                }
                Kind::Mark('{') => depth += 1,
                // Belongs to the block we are in; at the top it is itself the error.
                Kind::Mark('}') if depth == 0 => {
                    if self.depth == 0 {
                        self.advance();
                    }
                    return;
                }
                Kind::Mark('}') if depth == 1 => {
                    self.advance();
                    return;
                }
                Kind::Mark('}') => depth -= 1,
                _ => {}
            }
            self.advance();
        }
    }

    fn command(&mut self) -> Parsed<Command> {
        let (place, name) = self.name("a command")?;
        let (arguments, tests) = self.arguments()?;
        let block = self.end_of_command(place, &name)?;
        Ok(Command {
            place,
            name,
            arguments,
            tests,
            block,
        })
    }

    fn name(&mut self, expected: &str) -> Parsed<(Place, String)> {
        let place = self.token.place;
        match &self.token.kind {
            Kind::Identifier(_) => {}
            kind => {
                let what = format!("{expected} was expected, not {}", shown(kind));
                return self.report(place, what, None);
            }
        }
        match self.advance().kind {
            Kind::Identifier(name) => Ok((place, name)),
            _ => Err(Broken),
        }
    }

    fn end_of_command(&mut self, place: Place, name: &str) -> Parsed<Option<Vec<Command>>> {
        if self.take(';') {
            return Ok(None);
        }
        if !self.is('{') {
            let here = self.token.place;
            let what = format!("`{name}` must end before {}", shown(&self.token.kind));
            let place = if here.line > place.line { place } else { here };
            return self.report(place, what, Some("a ; or a { is missing"));
        }
        let start = self.token.place;
        self.deeper(|parser| {
            parser.advance();
            Ok(Some(parser.commands(Level::Block(start))))
        })
    }

    /// Counts the nesting of blocks and tests, so that no script exhausts the stack.
    fn deeper<T>(&mut self, inner: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.depth >= self.nesting {
            let place = self.token.place;
            let what = format!("blocks and tests may be nested {} deep only", self.nesting);
            return self.report(place, what, None);
        }
        self.depth += 1;
        let result = inner(self);
        self.depth -= 1;
        result
    }

    fn arguments(&mut self) -> Parsed<(Vec<Argument>, Tests)> {
        let mut arguments = Vec::new();
        loop {
            let place = self.token.place;
            let value = match &self.token.kind {
                Kind::Number(_) | Kind::Tag(_) | Kind::String(_) => self.simple_value()?,
                Kind::Mark('[') => Value::List(self.string_list()?),
                Kind::Mark('(') => return Ok((arguments, self.test_list()?)),
                Kind::Identifier(_) => return Ok((arguments, self.one_test()?)),
                _ => return Ok((arguments, Tests::None)),
            };
            arguments.push(Argument { place, value });
        }
    }

    fn simple_value(&mut self) -> Parsed<Value> {
        match self.advance().kind {
            Kind::Number(number) => Ok(Value::Number(number)),
            Kind::Tag(name) => Ok(Value::Tag(name)),
            Kind::String(text) => Ok(Value::String(text)),
            _ => Err(Broken),
        }
    }

    fn string_list(&mut self) -> Parsed<Vec<String>> {
        let start = self.advance().place;
        let mut strings = Vec::new();
        if self.take(']') {
            return Ok(strings);
        }
        loop {
            match &self.token.kind {
                Kind::String(_) => {}
                kind => {
                    let what = format!("a string was expected in this list, not {}", shown(kind));
                    return self.report(start, what, None);
                }
            }
            if let Kind::String(text) = self.advance().kind {
                strings.push(text);
            }
            if self.take(']') {
                return Ok(strings);
            }
            if !self.take(',') {
                let what = format!(
                    "this list must go on with , or end with ], not {}",
                    shown(&self.token.kind)
                );
                return self.report(start, what, None);
            }
        }
    }

    fn one_test(&mut self) -> Parsed<Tests> {
        Ok(Tests::One(Box::new(self.deeper(Self::test)?)))
    }

    fn test(&mut self) -> Parsed<Test> {
        let (place, name) = self.name("a test")?;
        let (arguments, tests) = self.arguments()?;
        Ok(Test {
            place,
            name,
            arguments,
            tests,
        })
    }

    fn test_list(&mut self) -> Parsed<Tests> {
        let start = self.advance().place;
        let mut tests = Vec::new();
        loop {
            tests.push(self.deeper(Self::test)?);
            if self.take(')') {
                return Ok(Tests::List(tests));
            }
            if !self.take(',') {
                let what = format!(
                    "these tests must go on with , or end with ), not {}",
                    shown(&self.token.kind)
                );
                return self.report(start, what, None);
            }
        }
    }
}

/// A token as an error names it.
fn shown(kind: &Kind) -> String {
    match kind {
        Kind::Identifier(name) => format!("`{name}`"),
        Kind::Tag(name) => format!("`:{name}`"),
        Kind::Number(number) => format!("the number {number}"),
        Kind::String(_) => "a string".into(),
        Kind::Mark(mark) => format!("`{mark}`"),
        Kind::End => "the end of the script".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(source: &str) -> Vec<String> {
        let (_, problems) = parse_with_problems(source, &Limits::default());
        problems.iter().map(Problem::to_string).collect()
    }

    #[test]
    fn all_errors_are_found() {
        let found = problems("keep\n}\nif true { 5; stop }\nfileinto [\"a\" \"b\"];\nkeep;");
        assert_eq!(
            found,
            [
                "line 1, column 1: `keep` must end before `}` (a ; or a { is missing)",
                "line 3, column 11: a command was expected, not the number 5",
                "line 3, column 19: `stop` must end before `}` (a ; or a { is missing)",
                "line 4, column 10: this list must go on with , or end with ], not a string",
            ]
        );
    }

    #[test]
    fn nesting_is_bounded() {
        let deep = format!("{}{}", "if true {".repeat(100_000), "}".repeat(100_000));
        assert!(problems(&deep)[0].contains("nested 32 deep"));
        let deep = format!("if {}true {{}}", "not ".repeat(100_000));
        assert!(problems(&deep)[0].contains("nested 32 deep"));
        let deep = format!("if {}true{} {{}}", "anyof(".repeat(20), ")".repeat(20));
        assert!(problems(&deep).is_empty());
    }
}
