//! The same in the real window.
