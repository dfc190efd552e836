//! A compiled script.

use crate::capability::{Capabilities, Capability};
use crate::code::Block;
use crate::error::Problem;
use std::sync::Arc;

/// A compiled script. It never changes, is cheap to clone, and may be used by many threads at once; what compiles to it depends on
/// nothing but the source and the [`crate::Compiler`], so it can be cached by the content of its source.
#[derive(Clone, Debug)]
pub struct Script {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    block: Block,
    required: Capabilities,
    needs_body: bool,
    warnings: Vec<Problem>,
}

impl Script {
    pub(crate) fn new(
        block: Block,
        required: Capabilities,
        needs_body: bool,
        warnings: Vec<Problem>,
    ) -> Script {
        Script {
            inner: Arc::new(Inner {
                block,
                required,
                needs_body,
                warnings,
            }),
        }
    }

    /// What its writer may want to look at again, though it compiles: commands that no message reaches, and more redirects than
    /// [`crate::Limits::redirects`]. By place.
    pub fn warnings(&self) -> &[Problem] {
        &self.inner.warnings
    }

    /// What it requires: a host that loads facts beforehand sees here which it may be asked for. With [`Capability::Include`], the
    /// scripts it includes may ask for others.
    pub fn capabilities(&self) -> Capabilities {
        self.inner.required
    }

    /// Does it require this?
    pub fn requires(&self, capability: Capability) -> bool {
        self.inner.required.contains(capability)
    }

    /// May it look at more of a message than its header section?
    pub fn needs_body(&self) -> bool {
        self.inner.needs_body
    }

    pub(crate) fn block(&self) -> &Block {
        &self.inner.block
    }
}
