//! The protocol half of media: what the engine and a worker say to each other, the ring that carries pictures,
//! how a worker is started, and what a clip is made of. Video itself is parsed only in the worker program of this crate, `hausrecht-worker`;
//! nothing here links GStreamer. `PROTOCOL.md` describes the bytes.

mod adjust;
pub mod answer;
pub mod bulk;
pub mod clip_index;
pub mod clip_reader;
pub mod control;
pub mod fmp4;
pub mod footage;
pub mod fuzz;
pub mod launch;
mod mapped;
pub mod message;
pub mod region;
pub mod ring;
mod snapshot;

pub use adjust::Adjust;
pub use answer::AnswerWriter;
pub use bulk::{BulkError, BulkFrame, BulkReader, BulkWriter};
pub use control::{ControlError, Receiver, Sender};
pub use launch::{LaunchError, Launcher, Worker, WorkerProcess};
pub use message::{
    BranchState, CameraOpen, CardOpen, Event, ExportClip, ExportOpen, FaultCode, FootageInfo, FootageOpen,
    FootageTask, Keep, MotionSettings, Order, Password, PlayerOpen, RingShape, Sandbox, SnapshotFormat,
    Stream, StreamState, TalkOpen, TalkSound, Transport,
};
pub use region::Region;
pub use ring::{FrameMeta, Picture, Ring, RingError, RingWriter};
pub use snapshot::SnapshotMemory;
