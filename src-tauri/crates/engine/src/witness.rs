//! Witnesses, both sides: another computer that remembers how far this log was, and the memory of one for the logs of others. C2SP
//! tlog-witness (<https://c2sp.org/tlog-witness>). A witness learns a log's name, its length and its root, and nothing that happened.

mod ask;
mod serve;

pub(crate) use ask::follow;
pub use serve::{Witness, WitnessAnswer};
