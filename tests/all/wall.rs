//! The wall: as many views of a camera as windows want, nothing decoded that nobody sees, no black moment, no growing delay, and
//! what is arranged, kept and shown beside the main window.

mod engine;
mod window;
