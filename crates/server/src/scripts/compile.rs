//! Compiling, and remembering what was compiled: a script is known by the hash of its text, so an edit takes effect at the next use
//! and nothing is ever compiled by hand (H34).

use sieve::{Capability, CompileErrors, Compiler, Scope, Script};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use store::script::Traits;

/// Compiled scripts that are remembered. What is beyond it is compiled again when it is needed.
const REMEMBERED: usize = 512;

/// A script, or everything that is wrong with it.
pub(crate) type Compiled = Result<Script, CompileErrors>;

/// Compiled scripts by the hash of their text.
#[derive(Default)]
pub(crate) struct Cache {
    known: Mutex<HashMap<Key, Arc<Compiled>>>,
}

type Key = (bool, [u8; 32]);

fn key(scope: Scope, hash: &[u8; 32]) -> Key {
    (scope == Scope::Global, *hash)
}

impl Cache {
    /// The script with this hash, if it was compiled before.
    pub(crate) fn known(&self, scope: Scope, hash: &[u8; 32]) -> Option<Arc<Compiled>> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(&key(scope, hash)).cloned()
    }

    /// Compiles a script, unless it was compiled before. Takes long for a large one: not for an async worker.
    pub(crate) fn compile(
        &self,
        compiler: &Compiler,
        scope: Scope,
        source: &[u8],
    ) -> Arc<Compiled> {
        let hash = store::script::hash(source);
        if let Some(known) = self.known(scope, &hash) {
            return known;
        }
        let compiled = Arc::new(compiler.compile(source));
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= REMEMBERED {
            known.clear();
        }
        known.insert(key(scope, &hash), compiled.clone());
        compiled
    }
}

/// What must be known of a script before it runs.
pub(crate) fn traits(script: &Script) -> Traits {
    Traits {
        refuses: script.requires(Capability::Reject) || script.requires(Capability::Ereject),
        includes: script.requires(Capability::Include),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// H34: compiled once for each text and scope, whoever's script it is; an edit is another text.
    #[test]
    fn h34_scripts_are_compiled_once_by_their_content() {
        let cache = Cache::default();
        let compile = |scope, source: &str| {
            let compiler = Compiler::new(scope);
            cache.compile(&compiler, scope, source.as_bytes())
        };
        let first = compile(Scope::Personal, "keep;");
        assert!(Arc::ptr_eq(&first, &compile(Scope::Personal, "keep;")));
        let hash = store::script::hash(b"keep;");
        let known = cache.known(Scope::Personal, &hash).unwrap();
        assert!(Arc::ptr_eq(&first, &known));
        assert!(cache.known(Scope::Global, &hash).is_none());
        let program = "require \"vnd.dovecot.pipe\"; pipe \"p\";";
        assert!(compile(Scope::Personal, program).is_err());
        assert!(compile(Scope::Global, program).is_ok());
        assert!(!Arc::ptr_eq(&first, &compile(Scope::Personal, "keep; ")));
        let broken = compile(Scope::Personal, "keep");
        assert!(Arc::ptr_eq(&broken, &compile(Scope::Personal, "keep")));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let cache = Cache::default();
        let compiler = Compiler::new(Scope::Personal);
        for n in 0..2 * REMEMBERED {
            cache.compile(&compiler, Scope::Personal, format!("# {n}").as_bytes());
            assert!(cache.known.lock().unwrap().len() <= REMEMBERED);
        }
    }
}
