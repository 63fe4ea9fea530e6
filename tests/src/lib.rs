//! Shared pieces of the end-to-end tests and of the measurements: programs, cameras, an engine, a desktop.

#![allow(clippy::unwrap_used, reason = "whoever calls is a test or a measurement, and fails by panicking")]
#![allow(clippy::print_stdout, reason = "a test says what it did without, and why")]

pub mod camera;
pub mod desktop;
pub mod disk;
pub mod display;
pub mod media_file;
pub mod network;
pub mod outbound;
pub mod process;
pub mod programs;
pub mod stage;
pub mod until;
