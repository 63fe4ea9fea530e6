//! Shared pieces of the end-to-end tests and of the measurements: programs, cameras, waiting, the X display.

pub mod camera;
pub mod display;
pub mod media_file;
pub mod network;
pub mod process;
pub mod programs;
pub mod until;
