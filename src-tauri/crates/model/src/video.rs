//! Properties of a video stream.

use serde::{Deserialize, Serialize};

/// A video codec that cameras send.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum Codec {
    /// ITU-T H.264.
    H264,
    /// ITU-T H.265.
    H265,
    /// Motion JPEG, RFC 2435.
    Mjpeg,
}

/// Which of a camera's streams.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum StreamRole {
    /// The full picture, recorded and shown large.
    Main,
    /// The small picture for tiles.
    Sub,
}
