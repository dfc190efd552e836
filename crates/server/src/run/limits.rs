//! The process's own limits: file descriptors (S5).

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Allows this process as many file descriptors as it may allow itself; returns how many those are.
pub(super) fn raise_descriptors() -> Option<u64> {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    match setrlimit(Resource::Nofile, raised) {
        Ok(()) => limit.maximum,
        Err(why) => {
            tracing::warn!(error = %why, "cannot raise the limit of open files");
            limit.current
        }
    }
}
