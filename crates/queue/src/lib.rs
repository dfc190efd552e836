//! The outbound queue: schedule, attempts, back-off, DSN conditions; no network of its own.
