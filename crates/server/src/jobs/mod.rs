//! What runs by itself: the queue runner, certificate reload, clean-up.
