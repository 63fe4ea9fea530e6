//! All end-to-end tests, in one binary: one link, and one place to look.

mod house;
