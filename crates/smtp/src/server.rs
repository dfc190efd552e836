//! The receiving side: a state machine fed with octets, asked for events, given replies.
