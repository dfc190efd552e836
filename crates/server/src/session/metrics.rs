//! Counters and gauges under the names of the operator catalogue (X25).

/// All counters.
pub struct Metrics {
    _todo: (),
}
