//! All end-to-end tests, in one binary: one link, and one place to look.

mod foreign;
mod house;
mod keeping;
mod stage;
mod thread;
mod trouble;
