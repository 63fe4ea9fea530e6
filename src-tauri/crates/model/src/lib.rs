//! Ids, time, units and domain values of Hausrecht. Pure values: this crate does no I/O.

pub mod clock;
pub mod event;
pub mod hours;
pub mod id;
pub mod link_local;
pub mod right;
pub mod video;

pub use clock::{Clock, UnixMicros};
pub use event::EventKind;
pub use hours::Hours;
pub use id::{
    AskId, BookmarkId, CameraId, CardJobId, ClipId, EventId, GrantId, HoldId, ImportId, PersonId, WallId,
};
pub use right::{Right, Rights};
pub use video::{Codec, StreamRole};
