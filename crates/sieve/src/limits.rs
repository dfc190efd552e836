//! What a script may cost. Everything a script or a message can make larger is bounded here (catalogue H31).

/// Bounds on compiling and running. The defaults suit a server that runs strangers' scripts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Octets of a script's source.
    pub script_size: usize,
    /// Blocks within blocks and tests within tests.
    pub nesting: usize,
    /// Errors that are reported of one script; what follows is left out.
    pub errors: usize,
    /// Actions of one run, all scripts together.
    pub actions: usize,
    /// `redirect`s among them (RFC 5228 §10 asks for a limit).
    pub redirects: usize,
    /// Scripts included by scripts included by… (RFC 6609 §3.2 asks for 3 at least).
    pub include_depth: usize,
    /// Scripts included in one run.
    pub includes: usize,
    /// Steps of one run: a command, a test, a comparison and each 256 octets looked through count one.
    pub steps: u64,
    /// Variables of one run (RFC 5229 §3 asks for 128 at least).
    pub variables: usize,
    /// Octets of a variable; `set` cuts what is longer (RFC 5229 §3).
    pub variable_size: usize,
    /// Octets of all variables together.
    pub variable_memory: usize,
    /// Octets of any other string that variables make.
    pub text_size: usize,
    /// Octets of a message's body that are looked at by `body`, `extracttext` and their like.
    pub body_size: usize,
    /// Parts of a message that `foreverypart` visits and `:mime` looks at.
    pub mime_parts: usize,
    /// Header fields that scripts add to a message.
    pub added_fields: usize,
    /// Octets of a message that `replace`, `enclose` and `filter` make.
    pub edited_size: usize,
    /// Octets of memory of a regular expression.
    pub regex_size: usize,
    /// Lines of a trace; what follows is left out.
    pub trace: usize,
    /// Shortest time between two answers of `vacation`, in seconds.
    pub vacation_minimum: u64,
    /// Longest time between two answers of `vacation`, in seconds.
    pub vacation_maximum: u64,
    /// Longest time that `duplicate` remembers, in seconds.
    pub duplicate_maximum: u64,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            script_size: 1024 * 1024,
            nesting: 32,
            errors: 50,
            actions: 32,
            redirects: 4,
            include_depth: 10,
            includes: 255,
            steps: 1_000_000,
            variables: 256,
            variable_size: 64 * 1024,
            variable_memory: 1024 * 1024,
            text_size: 1024 * 1024,
            body_size: 16 * 1024 * 1024,
            mime_parts: 1000,
            added_fields: 100,
            edited_size: 64 * 1024 * 1024,
            regex_size: 512 * 1024,
            trace: 10_000,
            vacation_minimum: 60,
            vacation_maximum: 365 * 86_400,
            duplicate_maximum: 30 * 86_400,
        }
    }
}
