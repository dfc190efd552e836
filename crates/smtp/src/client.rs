//! The sending side: a state machine that delivers one transaction after another.
