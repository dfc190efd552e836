//! `include` (RFC 6609): another script, with variables of its own, in the same run.

use super::commands::Flow;
use super::machine::{Done, Failure, Frame, Machine};
use crate::code::Include;
use crate::host::{Included, Location};
use crate::script::Script;

impl Machine<'_> {
    pub(super) fn include(&mut self, include: &Include) -> Done<Flow> {
        let name = self.expand(&include.name)?.into_owned();
        if !is_name(&name) {
            return Err(Failure::include(format!(
                "{name:?} is no name for a script"
            )));
        }
        let key = (include.location, name);
        if include.once && self.included.contains(&key) {
            return Ok(Flow::Next);
        }
        if self.including.contains(&key) {
            return Err(Failure::include(format!(
                "the script {:?} includes itself",
                key.1
            )));
        }
        self.count_include()?;
        match self.host.include(include.location, &key.1)? {
            Included::Script(script) => self.included(key, &script),
            Included::Missing if include.optional => Ok(Flow::Next),
            Included::Missing => Err(Failure::include(format!(
                "there is no script {:?} to include",
                key.1
            ))),
            Included::Broken(errors) => Err(Failure::include(format!(
                "the included script {:?} is broken: {}",
                key.1,
                errors
                    .problems()
                    .first()
                    .map(ToString::to_string)
                    .unwrap_or_default()
            ))),
        }
    }

    fn count_include(&mut self) -> Done<()> {
        let limits = &self.run.limits;
        if self.including.len() >= limits.include_depth {
            return Err(Failure::limit(format!(
                "scripts may include others {} deep only",
                limits.include_depth
            )));
        }
        self.includes += 1;
        if self.includes > limits.includes {
            return Err(Failure::limit(format!(
                "more than {} scripts were included",
                limits.includes
            )));
        }
        Ok(())
    }

    fn included(&mut self, key: (Location, String), script: &Script) -> Done<Flow> {
        self.note(|| format!("include {:?}", key.1));
        let inner = Frame::new(key.1.as_str().into(), script, self.frame.first_action);
        let outer = std::mem::replace(&mut self.frame, inner);
        self.included.push(key.clone());
        self.including.push(key);
        let flow = self.block(script.block())?;
        self.including.pop();
        let inner = std::mem::replace(&mut self.frame, outer);
        self.release(&inner);
        Ok(match flow {
            Flow::Return | Flow::Next => Flow::Next,
            flow => flow,
        })
    }
}

/// RFC 6609 §3.2: as in ManageSieve (RFC 5804 §1.6), and no path.
fn is_name(name: &str) -> bool {
    let wrong = |c: char| c.is_control() || c == '/' || matches!(c, '\u{2028}' | '\u{2029}');
    !name.is_empty() && name.len() <= 512 && !name.contains(wrong)
}
