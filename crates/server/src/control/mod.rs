//! The control socket: commands reach the running server here.
