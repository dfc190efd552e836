//! Writes a syntax tree as a script. What is printed parses to the same tree (places aside).

use super::{Argument, Command, Test, Tests, Tree, Value};

/// The script of a tree, a command a line, indented by block. Comments are not in a tree, and so not here.
pub fn print(tree: &Tree) -> String {
    let mut out = String::new();
    commands(&mut out, &tree.commands, 0);
    out
}

fn commands(out: &mut String, list: &[Command], depth: usize) {
    for command in list {
        out.extend(std::iter::repeat_n("    ", depth));
        out.push_str(&command.name);
        arguments(out, &command.arguments);
        tests(out, &command.tests);
        match &command.block {
            None => out.push_str(";\n"),
            Some(block) => {
                out.push_str(" {\n");
                commands(out, block, depth + 1);
                out.extend(std::iter::repeat_n("    ", depth));
                out.push_str("}\n");
            }
        }
    }
}

fn tests(out: &mut String, tests: &Tests) {
    match tests {
        Tests::None => {}
        Tests::One(one) => {
            out.push(' ');
            test(out, one);
        }
        Tests::List(list) => {
            out.push_str(" (");
            for (i, one) in list.iter().enumerate() {
                out.push_str(if i == 0 { "" } else { ", " });
                test(out, one);
            }
            out.push(')');
        }
    }
}

fn test(out: &mut String, one: &Test) {
    out.push_str(&one.name);
    arguments(out, &one.arguments);
    tests(out, &one.tests);
}

fn arguments(out: &mut String, arguments: &[Argument]) {
    for argument in arguments {
        out.push(' ');
        value(out, &argument.value);
    }
}

fn value(out: &mut String, value: &Value) {
    match value {
        Value::Number(number) => out.push_str(&number.to_string()),
        Value::Tag(name) => {
            out.push(':');
            out.push_str(name);
        }
        Value::String(text) => quote(out, text),
        Value::List(strings) => {
            out.push('[');
            for (i, text) in strings.iter().enumerate() {
                out.push_str(if i == 0 { "" } else { ", " });
                quote(out, text);
            }
            out.push(']');
        }
    }
}

/// A quoted string (RFC 5228 §2.4.2).
pub(crate) fn quote(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        if matches!(c, '"' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Limits, Place, syntax::parse};
    use proptest::collection::vec;
    use proptest::prelude::*;

    fn argument() -> impl Strategy<Value = Argument> {
        let value = prop_oneof![
            (0..i64::MAX as u64).prop_map(Value::Number),
            "[a-z_][a-z0-9_]{0,5}".prop_map(Value::Tag),
            any::<String>().prop_map(Value::String),
            vec(any::<String>(), 0..3).prop_map(Value::List),
        ];
        value.prop_map(|value| Argument {
            place: Place::default(),
            value,
        })
    }

    /// `text` is no name: followed by a tag it would begin a string.
    fn name() -> impl Strategy<Value = String> {
        "[a-z_][a-z0-9_]{0,8}".prop_filter("text", |name| name != "text")
    }

    fn tests() -> impl Strategy<Value = Tests> {
        let leaf = (name(), vec(argument(), 0..3)).prop_map(|(name, arguments)| Test {
            place: Place::default(),
            name,
            arguments,
            tests: Tests::None,
        });
        let test = leaf.prop_recursive(4, 12, 3, |inner| {
            (name(), vec(inner, 1..3)).prop_map(|(name, tests)| Test {
                place: Place::default(),
                name,
                arguments: Vec::new(),
                tests: Tests::List(tests),
            })
        });
        prop_oneof![
            Just(Tests::None),
            test.clone().prop_map(|t| Tests::One(Box::new(t))),
            vec(test, 1..3).prop_map(Tests::List)
        ]
    }

    fn command() -> impl Strategy<Value = Command> {
        let leaf =
            (name(), vec(argument(), 0..4), tests()).prop_map(|(name, arguments, tests)| Command {
                place: Place::default(),
                name,
                arguments,
                tests,
                block: None,
            });
        leaf.prop_recursive(4, 16, 4, |inner| {
            (name(), tests(), vec(inner, 0..4)).prop_map(|(name, tests, block)| Command {
                place: Place::default(),
                name,
                arguments: Vec::new(),
                tests,
                block: Some(block),
            })
        })
    }

    proptest! {
        #[test]
        fn what_is_printed_parses_the_same(commands in vec(command(), 0..6)) {
            let tree = Tree { commands };
            let printed = print(&tree);
            let parsed = parse(&printed, &Limits::default()).map_err(|e| TestCaseError::fail(format!("{e}\n{printed}")))?;
            prop_assert_eq!(parsed.without_places(), tree);
        }
    }
}
