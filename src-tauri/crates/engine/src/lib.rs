//! The controller: camera tasks, recording, retention, people, grants.

pub mod wire;
