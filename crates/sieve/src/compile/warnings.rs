//! What compiles and is hardly what its writer meant (RFC 5804 §2.6, WARNINGS): commands that no message reaches, and more redirects
//! than one message may have. Tests are not looked into: any of them may hold.

use crate::code::{Block, Command, Statement};
use crate::error::{Place, Problem};
use crate::limits::Limits;

/// What is worth a look in this script, by place.
pub(super) fn of(script: &Block, limits: &Limits) -> Vec<Problem> {
    let mut walk = Walk {
        limits,
        found: Vec::new(),
    };
    walk.block(script, 0);
    walk.found.sort_by_key(|warning| warning.place);
    walk.found.truncate(limits.errors.max(1));
    walk.found
}

struct Walk<'l> {
    limits: &'l Limits,
    found: Vec<Problem>,
}

impl Walk<'_> {
    /// The most redirects that a message may have had behind this block; `None`: no message comes so far.
    fn block(&mut self, block: &Block, before: usize) -> Option<usize> {
        let mut redirects = before;
        let mut statements = block.iter();
        while let Some(statement) = statements.next() {
            let Some(behind) = self.statement(statement, redirects) else {
                if let Some(never) = statements.next() {
                    let what = "no message comes here: what stands before it always ends the script or the loop";
                    self.warn(never.place, what.into());
                }
                return None;
            };
            redirects = behind;
        }
        Some(redirects)
    }

    fn statement(&mut self, statement: &Statement, before: usize) -> Option<usize> {
        match &statement.command {
            Command::Stop | Command::Return | Command::Break { .. } | Command::Error(_) => None,
            Command::If(branches, otherwise) => {
                let blocks = branches.iter().map(|(_, block)| block);
                let ways = blocks.chain([otherwise]);
                ways.filter_map(|block| self.block(block, before)).max()
            }
            Command::ForEveryPart { block, .. } => {
                let behind = self.block(block, before);
                Some(behind.unwrap_or(before))
            }
            Command::Redirect(_) => Some(self.redirect(statement.place, before + 1)),
            _ => Some(before),
        }
    }

    fn redirect(&mut self, place: Place, number: usize) -> usize {
        let most = self.limits.redirects;
        if number > most {
            let what = format!(
                "a message that meets all of these rules would be redirected {number} times; more than {most} make the script fail, and the message is kept"
            );
            self.warn(place, what);
        }
        number
    }

    fn warn(&mut self, place: Place, what: String) {
        self.found.push(Problem {
            place,
            what,
            hint: None,
        });
    }
}

#[cfg(test)]
mod tests {
    use crate::{Compiler, Limits, Scope};

    fn warnings(source: &str) -> Vec<String> {
        let limits = Limits {
            redirects: 2,
            ..Limits::default()
        };
        let compiler = Compiler::new(Scope::Personal).with_limits(limits);
        let script = compiler.compile(source.as_bytes()).unwrap();
        let warnings = script.warnings().iter();
        warnings
            .map(|warning| {
                format!(
                    "{}:{} {}",
                    warning.place.line, warning.place.column, warning.what
                )
            })
            .collect()
    }

    #[test]
    fn what_no_message_reaches() {
        for source in [
            "stop;\nkeep;\nkeep;",
            "if true { stop; } else { stop; }\nkeep;",
            "require \"include\"; return;\ndiscard;",
            "require \"ihave\"; error \"x\";\nkeep;",
        ] {
            let found = warnings(source);
            assert_eq!(found.len(), 1, "{source}: {found:?}");
            assert!(found[0].starts_with("2:1 no message"), "{found:?}");
        }
        let in_loop = "require \"foreverypart\"; foreverypart { break;\nkeep; } keep;";
        assert!(warnings(in_loop)[0].starts_with("2:1 no message"));
        for source in [
            "",
            "keep; stop;",
            "if true { stop; } keep;",
            "if true { stop; } elsif false { keep; } else { stop; } keep;",
            "require \"foreverypart\"; foreverypart { break; } keep;",
        ] {
            assert_eq!(warnings(source), Vec::<String>::new(), "{source}");
        }
    }

    /// RFC 5804 §2.6
    #[test]
    fn more_redirects_than_one_message_may_have() {
        let redirect = "redirect \"a@b.example\";";
        let three = format!("{redirect}\nif true {{ {redirect} }}\n{redirect}");
        let found = warnings(&three);
        assert!(
            found.len() == 1 && found[0].starts_with("3:1 "),
            "{found:?}"
        );
        assert!(found[0].contains("3 times"), "{found:?}");
        let apart = format!("{redirect} if true {{ {redirect} stop; }} else {{ {redirect} }}");
        assert_eq!(warnings(&apart), Vec::<String>::new());
    }
}
