//! Every operation against cameras of several makers' shapes, each a table of answers, and against a camera that others
//! have written.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod doctor;
mod foreign;
mod hostile;
mod makers;
mod media;
mod motors;
mod recordings;
mod table;
