//! The wall in the real window.
