//! Clips written, cut, changed and read again.
