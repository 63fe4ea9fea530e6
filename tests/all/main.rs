//! All end-to-end tests, in one binary: one link, and one place to look.

#![allow(clippy::print_stdout, reason = "a test says what it did without, and why")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod backups;
mod card;
mod command_line;
mod control;
mod crash;
mod disk;
mod erasing;
mod events;
mod export;
mod foreign;
mod granting;
mod house;
mod importing;
mod install;
mod keeping;
mod keyring;
mod link_local;
mod log_checks;
mod mutations;
mod notifications;
mod packages;
mod playing;
mod recording;
mod signals;
mod stamps;
mod thread;
mod timeline;
mod together;
mod trouble;
mod trust_model;
mod wall;
mod window;
mod witnesses;
