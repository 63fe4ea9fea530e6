//! Witnesses, both sides: another computer that remembers how far this log was, and the memory of one for the logs of others. C2SP
//! tlog-witness (<https://c2sp.org/tlog-witness>). And time stamps of an authority (RFC 3161). A witness learns a log's name, its length and its root, and nothing that happened.

mod ask;
mod post;
mod serve;
mod stamp;

pub(crate) use ask::follow;
pub use serve::{Witness, WitnessAnswer};
pub(crate) use stamp::{STAMPS_MAX, differs};
