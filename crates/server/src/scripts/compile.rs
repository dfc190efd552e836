//! Compiling, and remembering what was compiled: a script is known by the hash of its text, so an edit takes effect at the next use
//! and nothing is ever compiled by hand (H34).

use sieve::{Capabilities, Capability, CompileErrors, Compiler, Script};
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

/// What the compiler allows, so that no script of the admin's passes for a user's, nor one from before a setting was changed.
type Key = (Capabilities, [u8; 32]);

fn key(compiler: &Compiler, hash: &[u8; 32]) -> Key {
    (compiler.capabilities(), *hash)
}

impl Cache {
    /// The script with this hash, if it was compiled before.
    pub(crate) fn known(&self, compiler: &Compiler, hash: &[u8; 32]) -> Option<Arc<Compiled>> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(&key(compiler, hash)).cloned()
    }

    /// Compiles a script, unless it was compiled before. Takes long for a large one: not for an async worker.
    pub(crate) fn compile(&self, compiler: &Compiler, source: &[u8]) -> Arc<Compiled> {
        let hash = store::script::hash(source);
        if let Some(known) = self.known(compiler, &hash) {
            return known;
        }
        let compiled = Arc::new(compiler.compile(source));
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= REMEMBERED {
            known.clear();
        }
        known.insert(key(compiler, &hash), compiled.clone());
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
    use sieve::Scope;

    /// H34: compiled once for each text and scope, whoever's script it is; an edit is another text.
    #[test]
    fn h34_scripts_are_compiled_once_by_their_content() {
        let cache = Cache::default();
        let compile = |scope, source: &str| cache.compile(&Compiler::new(scope), source.as_bytes());
        let first = compile(Scope::Personal, "keep;");
        assert!(Arc::ptr_eq(&first, &compile(Scope::Personal, "keep;")));
        let hash = store::script::hash(b"keep;");
        let known = cache.known(&Compiler::new(Scope::Personal), &hash).unwrap();
        assert!(Arc::ptr_eq(&first, &known));
        assert!(cache.known(&Compiler::new(Scope::Global), &hash).is_none());
        let program = "require \"vnd.dovecot.pipe\"; pipe \"p\";";
        assert!(compile(Scope::Personal, program).is_err());
        assert!(compile(Scope::Global, program).is_ok());
        assert!(!Arc::ptr_eq(&first, &compile(Scope::Personal, "keep; ")));
        let without = Compiler::new(Scope::Personal).without(Capability::FileInto);
        assert!(cache.known(&without, &hash).is_none());
        let broken = compile(Scope::Personal, "keep");
        assert!(Arc::ptr_eq(&broken, &compile(Scope::Personal, "keep")));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let cache = Cache::default();
        let compiler = Compiler::new(Scope::Personal);
        for n in 0..2 * REMEMBERED {
            cache.compile(&compiler, format!("# {n}").as_bytes());
            assert!(cache.known.lock().unwrap().len() <= REMEMBERED);
        }
    }
}
